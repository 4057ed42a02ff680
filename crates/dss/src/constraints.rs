//! Constraint references (F3548-21, constraint management).
use crate::answer::{Answer, Outcome, Refused};
use crate::entity::Constraint;
use crate::expiry::Held;
use crate::id::Id;
use crate::request::{PutConstraint, Request};
use crate::state::{Dss, Kind, other_version};
use crate::volume::{count, span};
use crate::{ENTITIES_MAX, ovn};
use alloc::boxed::Box;
use alloc::string::String;

const WHAT: &str = "constraint reference";

impl Dss {
    pub(crate) fn put_constraint(
        &mut self,
        request: &Request,
        id: Id,
        named: Option<&str>,
        put: &PutConstraint,
        asked: [u8; 16],
        now: i64,
    ) -> Outcome {
        if span(&put.extents).is_none_or(|(_, end)| end < now) {
            return Err(Refused::invalid("extents", "the end is in the past"));
        }
        let old = self.constraints.get(&id);
        match old {
            Some(old) if !old.is_of(&request.manager) => {
                return Err(Refused::Forbidden("the constraint reference is another USS's".into()));
            }
            Some(old) if named != Some(&old.ovn) => {
                let again = (old.asked == asked).then(|| Box::new(self.constraint_again(id, old)));
                return Err(Refused::Conflict { reason: other_version(WHAT, named), again });
            }
            None if named.is_some() => {
                let reason = String::from("there is no such constraint reference, so it has no version to change");
                return Err(Refused::Conflict { reason, again: None });
            }
            None if self.constraints.len() >= ENTITIES_MAX => {
                return Err(Refused::Full { what: "constraint references", max: ENTITIES_MAX });
            }
            _ => {}
        }
        self.shares.check(&request.manager, old.map_or(0, |old| count(&old.extents)), count(&put.extents))?;
        let (created, version) = old.map_or((true, 1), |old| (false, old.version.saturating_add(1)));
        let before = old.map(|old| old.extents.clone()).unwrap_or_default();
        let new = Constraint {
            manager: request.manager.as_str().into(),
            version,
            ovn: ovn::fresh(&request.entropy, &id),
            uss_base_url: put.uss_base_url.as_str().into(),
            extents: put.extents.clone(),
            asked,
            shown: false,
        };
        let told = self.subscribed(Kind::Constraints, &[&before, &new.extents]);
        self.leave(Held::Constraint, id);
        let constraint = self.constraint_ref(id, &new, &request.manager);
        self.constraints.insert(id, new);
        self.enter(Held::Constraint, id);
        self.count_up(&told);
        Ok(Answer::Constraint { created, constraint, subscribers: self.to_notify(&told) })
    }

    /// The result of the request that made the version there is.
    fn constraint_again(&self, id: Id, constraint: &Constraint) -> Answer {
        let told = self.subscribed(Kind::Constraints, &[&constraint.extents]);
        Answer::Constraint {
            created: constraint.version == 1,
            constraint: self.constraint_ref(id, constraint, &constraint.manager),
            subscribers: self.to_notify(&told),
        }
    }

    pub(crate) fn delete_constraint(&mut self, manager: &str, id: Id, named: &str) -> Outcome {
        let Some(old) = self.constraints.get(&id) else { return Err(Refused::NotFound { what: WHAT, id }) };
        if !old.is_of(manager) {
            return Err(Refused::Forbidden("the constraint reference is another USS's".into()));
        }
        if old.ovn != named {
            return Err(Refused::Conflict { reason: other_version(WHAT, Some(named)), again: None });
        }
        let constraint = self.constraint_ref(id, old, manager);
        let told = self.subscribed(Kind::Constraints, &[&old.extents]);
        self.leave(Held::Constraint, id);
        self.constraints.remove(&id);
        self.count_up(&told);
        Ok(Answer::Constraint { created: false, constraint, subscribers: self.to_notify(&told) })
    }
}
