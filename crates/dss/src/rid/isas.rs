//! Identification service areas. The order of the checks is that of the reference implementation.
use super::{Isa, times};
use crate::answer::{Answer, IsaRef, Outcome, Refused};
use crate::expiry::Held;
use crate::id::Id;
use crate::query::meeting;
use crate::request::{PutRid, Request};
use crate::state::{Dss, by_url, other_version};
use crate::volume::{ALL_HEIGHTS, AreaOfInterest, CellKey, Extent};
use crate::{ENTITIES_MAX, ToNotify, ovn};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

const WHAT: &str = "service area";
const ALL: &str = "service areas";

impl Dss {
    pub(crate) fn put_isa(
        &mut self,
        request: &Request,
        id: Id,
        named: Option<&str>,
        put: &PutRid,
        asked: [u8; 16],
        now: i64,
    ) -> Outcome {
        let old = self.rid.isas.get(&id);
        let (start, end) = match (old, named) {
            (_, None) => times(put, None, None, now)?,
            (None, Some(_)) => {
                let reason = "there is no such service area, so it has no version to change";
                return Err(Refused::invalid("version", reason));
            }
            (Some(old), Some(_)) if old.owner != *request.manager => return Err(not_own()),
            (Some(old), Some(named)) if old.version != named => {
                return Err(self.isa_conflict(id, old, Some(named), asked));
            }
            (Some(old), Some(_)) => times(put, Some(&old.extent), None, now)?,
        };
        match old {
            Some(old) if named.is_none() => return Err(self.isa_conflict(id, old, None, asked)),
            None if self.rid.isas.len() >= ENTITIES_MAX => {
                return Err(Refused::Full { what: ALL, max: ENTITIES_MAX });
            }
            _ => {}
        }
        let before = old.map(|old| old.extent.cells.clone()).unwrap_or_default();
        self.shares.check(&request.manager, before.len(), put.extent.cells.len())?;
        let new = Isa {
            owner: request.manager.as_str().into(),
            version: ovn::plain(&request.entropy, &id),
            uss_base_url: put.uss_base_url.as_str().into(),
            extent: Extent { start, end, ..put.extent.clone() },
            asked,
        };
        let told = self.told_of(&[&before, &new.extent.cells]);
        let isa = isa_ref(id, &new);
        self.leave(Held::Isa, id);
        self.rid.isas.insert(id, new);
        self.enter(Held::Isa, id);
        self.count_up_rid(&told);
        Ok(Answer::Isa { isa, subscribers: self.to_notify_rid(&told) })
    }

    /// It is at another version; if this very request of its owner made that, with its result.
    fn isa_conflict(&self, id: Id, isa: &Isa, named: Option<&str>, asked: [u8; 16]) -> Refused {
        let again = (isa.asked == asked).then(|| {
            let told = self.told_of(&[&isa.extent.cells]);
            Box::new(Answer::Isa { isa: isa_ref(id, isa), subscribers: self.to_notify_rid(&told) })
        });
        Refused::Conflict { reason: other_version(WHAT, named), again }
    }

    pub(crate) fn delete_isa(&mut self, client: &str, id: Id, named: &str) -> Outcome {
        let Some(old) = self.rid.isas.get(&id) else { return Err(Refused::NotFound { what: WHAT, id }) };
        if old.version != named {
            return Err(Refused::Conflict { reason: other_version(WHAT, Some(named)), again: None });
        }
        if old.owner != client {
            return Err(not_own());
        }
        let isa = isa_ref(id, old);
        let told = self.told_of(&[&old.extent.cells]);
        self.leave(Held::Isa, id);
        self.rid.isas.remove(&id);
        self.count_up_rid(&told);
        Ok(Answer::Isa { isa, subscribers: self.to_notify_rid(&told) })
    }

    pub(crate) fn isa(&self, id: Id) -> Result<IsaRef, Refused> {
        self.rid.isas.get(&id).map(|isa| isa_ref(id, isa)).ok_or(Refused::NotFound { what: WHAT, id })
    }

    /// Those that have not ended, by identifier.
    pub(crate) fn isas_in(&self, area: &AreaOfInterest) -> Result<Vec<IsaRef>, Refused> {
        let ids = meeting(&self.by_place.isas, area, ALL)?;
        Ok(ids.iter().filter_map(|id| Some(isa_ref(*id, self.rid.isas.get(id)?))).collect())
    }

    /// Subscriptions that have not ended and have one of the cells.
    fn told_of(&self, cells: &[&[CellKey]]) -> BTreeSet<Id> {
        let mut told = BTreeSet::new();
        for cells in cells {
            self.by_place.rid_subscriptions.search(cells, 0, (i64::MIN, i64::MAX), ALL_HEIGHTS, |id| {
                told.insert(id);
                true
            });
        }
        told
    }

    fn count_up_rid(&mut self, ids: &BTreeSet<Id>) {
        for id in ids {
            if let Some(subscription) = self.rid.subscriptions.get_mut(id) {
                subscription.index = subscription.index.saturating_add(1);
            }
        }
    }

    fn to_notify_rid(&self, ids: &BTreeSet<Id>) -> Vec<ToNotify> {
        let held = |id: &Id| self.rid.subscriptions.get(id).map(|s| (&s.uss_base_url, *id, s.index));
        by_url(ids.iter().filter_map(held))
    }
}

fn not_own() -> Refused {
    Refused::Forbidden("the service area is another USS's".into())
}

fn isa_ref(id: Id, isa: &Isa) -> IsaRef {
    IsaRef {
        id,
        owner: isa.owner.clone(),
        version: isa.version.clone(),
        start: isa.extent.start,
        end: isa.extent.end,
        uss_base_url: isa.uss_base_url.clone(),
    }
}
