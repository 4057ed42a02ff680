//! Volumes: plans against plans, and own tracks against what peers released and against protected sites.
use crate::state::State;
use airspace::{Volume4d, VolumeError};
use alloc::string::String;
use alloc::vec::Vec;
use record::{PartyId, SubjectId};
use units::Now;

/// Prepared forms; a function of plans, sites and avoid areas.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prepared;

impl Prepared {
    pub(crate) fn of(_state: &State) -> Self {
        Self
    }
}

pub(crate) fn check(volumes: &[Volume4d]) -> Result<(), VolumeError> {
    volumes.iter().try_for_each(Volume4d::check)
}

impl State {
    pub(crate) fn plan_arrived(&mut self, _key: &(PartyId, SubjectId), _now: Now) -> Vec<String> {
        Vec::new()
    }
    pub(crate) fn avoid_arrived(&mut self, _key: &(PartyId, SubjectId), _now: Now) {}
    pub(crate) fn prepare_site(&mut self, _key: &(PartyId, SubjectId)) {}
    pub(crate) fn check_volumes(&mut self, _now: Now) {}
}
