//! What peers released, shown to drone traffic services: plans as operational intents, avoid areas and protected sites as
//! constraints, managed by the peer, with this node in its place where details are asked for.
use super::covering::{Piece, covering, everywhere, pieces};
use crate::state::State;
use airspace::{Limit, Outline, Plan, PlanState, Site, Volume4d};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use detect::{highest, lowest};
use dss::{Extent, Id, IntentState, Shown};
use minicbor::{Decode, Encode};
use record::{Hash32, PartyId, SubjectId};
use units::{Now, Reference, Utc};

/// Cells of all that is shown of one peer: at 60 bytes each in the index, 60 MB. What comes beyond is shown as everywhere, so that
/// nobody is told that a place is free because a peer filed much.
const CELLS_MAX: usize = 1_000_000;

/// The last second that RFC 3339 can write, and so the end of what a peer says has none.
const TIME_MAX_MS: i64 = 253_402_300_799_000;

/// Kind of a thing that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ShownKind {
    /// A plan, as an operational intent.
    #[n(0)]
    Plan,
    /// A protected site, as a constraint.
    #[n(1)]
    Site,
    /// An avoid area, as a constraint.
    #[n(2)]
    Avoid,
}

/// What an identifier of the service stands for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ShownThing {
    /// Kind.
    #[n(0)]
    pub kind: ShownKind,
    /// Whose.
    #[n(1)]
    pub owner: PartyId,
    /// Its subject there.
    #[n(2)]
    pub subject: SubjectId,
    #[n(3)]
    cells: u32,
}

/// What was released of a thing that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownDetails {
    /// Kind.
    pub kind: ShownKind,
    /// Priority, of a plan.
    pub priority: i32,
    /// Volumes, in the shapes of the standard: one of the peer's may be several.
    pub volumes: Vec<ShownVolume>,
}

/// A part of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownVolume {
    /// Its outline.
    pub piece: Piece,
    /// Beginning and end.
    pub span: (Utc, Utc),
    /// Lowest and highest height above WGS-84, millimetres. As released if that is what it was measured from, otherwise widened to
    /// what it may be there.
    pub heights: (Option<i64>, Option<i64>),
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Showing {
    #[n(0)]
    things: BTreeMap<Id, ShownThing>,
    /// Cells of each peer's.
    #[n(1)]
    cells: BTreeMap<PartyId, u64>,
}

impl Showing {
    fn forget(&mut self, id: &Id) {
        if let Some(thing) = self.things.remove(id)
            && let Some(cells) = self.cells.get_mut(&thing.owner)
        {
            *cells = cells.saturating_sub(thing.cells.into());
        }
    }

    fn keep(&mut self, id: Id, thing: ShownThing) {
        self.forget(&id);
        *self.cells.entry(thing.owner.clone()).or_default() += u64::from(thing.cells);
        self.things.insert(id, thing);
    }
}

/// The identifier of a peer's thing: the same at every node that it was released to, and no other party's.
fn id_of(kind: ShownKind, owner: &PartyId, subject: SubjectId) -> Id {
    let name = minicbor::to_vec(("skypact dss", kind, owner, subject)).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Hash32::of(&name).0[..16]);
    Id::random(bytes)
}

impl State {
    /// Shows a peer's thing as it is now, or no more.
    pub(crate) fn follow(&mut self, kind: ShownKind, key: &(PartyId, SubjectId), now: Now) {
        let Some(base_url) = self.boot.as_ref().and_then(|boot| boot.dss_base_url.clone()) else { return };
        if self.party() == Some(&key.0) {
            return;
        }
        let id = id_of(kind, &key.0, key.1);
        let secret = self.boot.as_ref().map_or([0; 32], |boot| boot.pseudonym_secret);
        let end = self.shown_span(id).map_or(0, |(_, end)| end);
        let Some((state, record, volumes)) = self.released(kind, key, now.utc) else {
            self.showing.forget(&id);
            let told = self.dss.hide(id);
            self.must_tell(told, (kind, &key.0), id, Utc(end / 1000), now);
            return;
        };
        // Whoever names the version has asked for the details: it follows from the record, and nobody can guess it.
        let version =
            Hash32::of(&minicbor::to_vec((&secret[..], record, state.map(IntentState::name))).unwrap_or_default());
        let ovn = dss::version_of(&version.0, &id);
        let others = self.showing.cells.get(&key.0).copied().unwrap_or_default();
        let own = self.showing.things.get(&id).map_or(0, |thing| thing.cells.into());
        let mut left = CELLS_MAX.saturating_sub((others - own) as usize);
        let extents: Vec<Extent> = volumes.iter().map(|volume| volume.extent(&mut left)).collect();
        let cells = extents.iter().map(|e| e.cells.len() as u32).sum();
        self.showing.keep(id, ShownThing { kind, owner: key.0.clone(), subject: key.1, cells });
        let manager = key.0.as_str().into();
        let end = extents.iter().map(|extent| extent.end).fold(end, i64::max);
        // A traffic service that took the identifier while nothing was shown under it loses it.
        self.filing.ended(id, now.mono);
        let told = self.dss.show(id, Shown { state, manager, ovn, uss_base_url: base_url, extents });
        self.must_tell(told, (kind, &key.0), id, Utc(end / 1000), now);
    }

    /// Beginning and end of what is shown, microseconds.
    fn shown_span(&self, id: Id) -> Option<(i64, i64)> {
        let intent = self.dss.shown_intent(id).map(|intent| (intent.start, intent.end));
        intent.or_else(|| self.dss.shown_constraint(id).map(|constraint| (constraint.start, constraint.end)))
    }

    /// Hides what is no longer held.
    pub(crate) fn unfollow_gone(&mut self, now: Now) {
        let gone: Vec<ShownThing> = self
            .showing
            .things
            .values()
            .filter(|thing| self.released(thing.kind, &(thing.owner.clone(), thing.subject), now.utc).is_none())
            .cloned()
            .collect();
        gone.into_iter().for_each(|thing| self.follow(thing.kind, &(thing.owner, thing.subject), now));
    }

    /// Shows all that is held, as it is configured now.
    pub(crate) fn follow_all(&mut self, now: Now) {
        if self.boot.as_ref().is_none_or(|boot| boot.dss_base_url.is_none()) {
            for id in self.showing.things.keys().copied().collect::<Vec<_>>() {
                self.showing.forget(&id);
                self.dss.hide(id);
            }
            return;
        }
        let plans = self.plans.keys().map(|key| (ShownKind::Plan, key.clone()));
        let sites = self.sites.keys().map(|key| (ShownKind::Site, key.clone()));
        let avoids = self.avoids.keys().map(|key| (ShownKind::Avoid, key.clone()));
        let all: Vec<_> = plans.chain(sites).chain(avoids).collect();
        all.into_iter().for_each(|(kind, key)| self.follow(kind, &key, now));
        self.unfollow_gone(now);
    }

    /// State, record and volumes of a thing that is to be shown; nothing of one that is over, withdrawn or own. A site is there `from`
    /// when it was shown.
    fn released(
        &self,
        kind: ShownKind,
        key: &(PartyId, SubjectId),
        from: Utc,
    ) -> Option<(Option<IntentState>, Hash32, Vec<Part>)> {
        match kind {
            ShownKind::Plan => {
                let filed = self.plans.get(key)?;
                let state = intent_state(&filed.value)?;
                let volumes = filed.value.volumes.iter().map(Part::of).collect();
                Some((Some(state), filed.record?, volumes))
            }
            ShownKind::Avoid => {
                let filed = self.avoids.get(key)?;
                Some((None, filed.record?, filed.value.iter().map(Part::of).collect()))
            }
            ShownKind::Site => {
                let filed = self.sites.get(key)?;
                Some((None, filed.record?, alloc::vec![Part::of_site(&filed.value, from)]))
            }
        }
    }

    /// All that was released of what is shown under an identifier, in the shapes of the standard.
    #[must_use]
    pub fn shown_details(&self, id: Id) -> Option<ShownDetails> {
        let thing = self.showing.things.get(&id)?;
        let key = (thing.owner.clone(), thing.subject);
        // As the reference says it: a beginning that moved with each question would be another version of the same.
        let (start, _) = self.shown_span(id)?;
        let (_, _, parts) = self.released(thing.kind, &key, Utc(start / 1000))?;
        // A line half around the earth has no pieces; what cannot be said is not said in part.
        let volumes: Option<Vec<Vec<ShownVolume>>> = parts.iter().map(Part::volumes).collect();
        Some(ShownDetails {
            kind: thing.kind,
            priority: self
                .plans
                .get(&key)
                .filter(|_| thing.kind == ShownKind::Plan)
                .map_or(0, |plan| plan.value.priority),
            volumes: volumes?.into_iter().flatten().collect(),
        })
    }

    /// What an identifier stands for, if something of a peer is shown under it.
    #[must_use]
    pub fn shown_thing(&self, id: Id) -> Option<&ShownThing> {
        self.showing.things.get(&id)
    }
}

fn intent_state(plan: &Plan) -> Option<IntentState> {
    match plan.state {
        PlanState::Accepted => Some(IntentState::Accepted),
        PlanState::Activated => Some(IntentState::Activated),
        PlanState::Nonconforming => Some(IntentState::Nonconforming),
        PlanState::Contingent => Some(IntentState::Contingent),
        PlanState::Draft | PlanState::Ended | PlanState::Cancelled => None,
    }
}

/// Which way a tenth of a millimetre goes.
enum Rounded {
    Down,
    Up,
}

/// A height that was given above WGS-84, millimetres.
fn exact(limit: Limit, rounded: Rounded) -> Option<i64> {
    let Limit::At(altitude) = limit else { return None };
    let height = i64::from(altitude.in_reference(Reference::Wgs84)?.0);
    Some(match rounded {
        Rounded::Down => height.div_euclid(10),
        Rounded::Up => -(-height).div_euclid(10),
    })
}

/// A volume to be covered.
struct Part {
    outline: Outline,
    around_mm: i64,
    span: (Utc, Utc),
    heights: (Option<i64>, Option<i64>),
    /// Heights to tell.
    told: (Option<i64>, Option<i64>),
}

impl Part {
    /// Heights of other references are widened to what they may be above WGS-84.
    fn of(volume: &Volume4d) -> Self {
        let lower = lowest(volume.lower, Reference::Wgs84).map(|h| h.div_euclid(10));
        let upper = highest(volume.upper, Reference::Wgs84).map(|h| -(-h).div_euclid(10));
        Self {
            outline: volume.outline.clone(),
            around_mm: 0,
            span: (volume.start, volume.end),
            heights: (lower, upper),
            told: (exact(volume.lower, Rounded::Down).or(lower), exact(volume.upper, Rounded::Up).or(upper)),
        }
    }

    /// A site is there at all levels until its entry is to be renewed.
    fn of_site(site: &Site, from: Utc) -> Self {
        Self {
            outline: site.footprint.clone(),
            around_mm: site.buffer_mm,
            span: (from.min(site.expires), site.expires),
            heights: (None, None),
            told: (None, None),
        }
    }

    fn volumes(&self) -> Option<Vec<ShownVolume>> {
        let volume = |piece| ShownVolume { piece, span: self.span, heights: self.told };
        Some(pieces(&self.outline, self.around_mm)?.into_iter().map(volume).collect())
    }

    fn extent(&self, left: &mut usize) -> Extent {
        let (mut levels_up, mut cells) =
            pieces(&self.outline, self.around_mm).map_or_else(everywhere, |all| covering(&all));
        if cells.len() > *left {
            (levels_up, cells) = everywhere();
        }
        *left = left.saturating_sub(cells.len());
        let us = |utc: Utc| utc.0.clamp(0, TIME_MAX_MS) * 1000;
        Extent {
            cells,
            start: us(self.span.0),
            end: us(self.span.1),
            lower: self.heights.0,
            upper: self.heights.1,
            levels_up,
        }
    }
}
