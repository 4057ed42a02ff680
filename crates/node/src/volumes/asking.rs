//! Which protected sites a place lies over or near: a question to what is held here. It is not journaled and tells nobody.
use super::{Kind, Ready, Thing};
use crate::state::State;
use airspace::{Limit, Outline, Site, Volume4d};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use detect::PreparedVolume;
use record::{PartyId, SubjectId};
use units::{Utc, Vertex};

/// A protected site that holds a place, or in whose buffer it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NearSite {
    /// Who filed it.
    pub owner: PartyId,
    /// Its subject.
    pub subject: SubjectId,
    /// It.
    pub site: Site,
    /// Distance of the place from its footprint, metres; 0 over it.
    pub distance_m: f64,
}

/// Sites told of one place; who is in the buffers of more than this is told how many more.
pub const NEAR_SITES_MAX: usize = 100;

impl State {
    /// Protected sites of every owner over which, or in whose buffer, a place lies, or any part of what is within `radius_mm` of
    /// it, nearest first; and how many more there are than [`NEAR_SITES_MAX`].
    #[must_use]
    pub fn sites_near(&self, at: Vertex, radius_mm: i64) -> (Vec<NearSite>, usize) {
        // A point is a circle of the width that touching has anyway.
        let outline = Outline::Circle { centre: at, radius_mm: radius_mm.clamp(1, airspace::limits::RADIUS_MAX_MM) };
        let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
        let Ok(place) = PreparedVolume::prepare(&Volume4d { outline, lower, upper, start: Utc(0), end: Utc(0) }) else {
            return (Vec::new(), 0);
        };
        let mut candidates: BTreeSet<Arc<Thing>> = BTreeSet::new();
        for places in [&self.prepared.ours, &self.prepared.theirs] {
            places.each(&place.extent(), |(thing, _)| {
                if thing.kind == Kind::Site {
                    candidates.insert(Arc::clone(thing));
                }
            });
        }
        let mut near: Vec<NearSite> = candidates
            .iter()
            .filter_map(|thing| {
                let Ready::Site(prepared) = self.prepared.ready.get(&**thing)? else { return None };
                let hit = prepared.volume(&place);
                let site = self.sites.get(&thing.key())?.value.clone();
                let (owner, subject) = thing.key();
                hit.inside_buffer.then_some(NearSite { owner, subject, site, distance_m: hit.distance_m })
            })
            .collect();
        near.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        let more = near.len().saturating_sub(NEAR_SITES_MAX);
        near.truncate(NEAR_SITES_MAX);
        (near, more)
    }
}
