//! Plans, sites and avoid areas as filed: by owner and subject, within bounds that a peer cannot exceed.
use airspace::{Plan, Site, Volume4d};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Hash32, PartyId, SubjectId};

/// Plans, sites or avoid areas of one party: an ACO of a large operation has a few thousand lines.
pub(crate) const FILED_MAX: usize = 20_000;
/// Corners of all plans, of all sites or of all avoid areas of one party. A line of an ACO has five on average; prepared
/// for detection a corner takes about 300 bytes, so a peer can make a node hold 90 MB, not 30 GB.
pub(crate) const CORNERS_MAX: usize = 100_000;

/// Something filed under a subject.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Filed<T> {
    /// Revision.
    #[n(0)]
    pub(crate) revision: u32,
    /// Value.
    #[n(1)]
    pub(crate) value: T,
    /// The record that brought it, for what a peer filed.
    #[n(2)]
    pub(crate) record: Option<Hash32>,
    /// Texts of its conflicts.
    #[n(3)]
    pub(crate) conflicts: Vec<String>,
}

/// Things of one kind, by owner and subject.
pub(crate) type Files<T> = BTreeMap<(PartyId, SubjectId), Filed<T>>;

/// What has corners.
pub(crate) trait Corners {
    fn corners(&self) -> usize;
}

impl Corners for Vec<Volume4d> {
    fn corners(&self) -> usize {
        self.iter().map(|volume| volume.outline.points().len()).sum()
    }
}

impl Corners for Plan {
    fn corners(&self) -> usize {
        self.volumes.corners()
    }
}

impl Corners for Site {
    fn corners(&self) -> usize {
        self.footprint.points().len()
    }
}

/// Why something cannot be filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotFiled {
    /// The party has filed as many.
    #[error("at most {FILED_MAX}")]
    Many,
    /// What the party filed has as many corners.
    #[error("at most {CORNERS_MAX} corners in all")]
    Corners,
}

impl NotFiled {
    /// The bound.
    pub(crate) const fn max(self) -> u64 {
        match self {
            Self::Many => FILED_MAX as u64,
            Self::Corners => CORNERS_MAX as u64,
        }
    }

    /// What is bounded, of things called `kind`.
    pub(crate) fn what(self, kind: &str) -> String {
        match self {
            Self::Many => kind.into(),
            Self::Corners => alloc::format!("corners of {kind}"),
        }
    }
}

/// Whether the party may file this, in the place of what it filed under the same subject.
pub(crate) fn room<T: Corners>(files: &Files<T>, key: &(PartyId, SubjectId), value: &T) -> Result<(), NotFiled> {
    let of_party = (key.0.clone(), SubjectId([0; 16]))..=(key.0.clone(), SubjectId([0xff; 16]));
    let others = files.range(of_party).filter(|(other, _)| *other != key);
    let (many, corners) = others.fold((0, 0), |(many, corners), (_, f)| (many + 1, corners + f.value.corners()));
    if many >= FILED_MAX {
        return Err(NotFiled::Many);
    }
    if corners + value.corners() > CORNERS_MAX {
        return Err(NotFiled::Corners);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use airspace::{Limit, Outline};
    use units::{Utc, Vertex};

    fn volumes(corners: usize) -> Vec<Volume4d> {
        let corner = |n: usize| Vertex { lat_e9: n as i64, lon_e9: 0 };
        let outline = Outline::Polygon((0..corners).map(corner).collect());
        let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
        alloc::vec![Volume4d { outline, lower, upper, start: Utc(0), end: Utc(1) }]
    }

    #[test]
    fn a_party_files_so_many_things_of_so_many_corners_and_another_none_the_less() {
        let party = |name: &str| PartyId::parse(name).unwrap();
        let key = |name: &str, n: u32| {
            let mut subject = [0; 16];
            subject[..4].copy_from_slice(&n.to_be_bytes());
            (party(name), SubjectId(subject))
        };
        let mut files = Files::new();
        let mut file = |key: (PartyId, SubjectId), value: Vec<Volume4d>| {
            let room = room(&files, &key, &value);
            if room.is_ok() {
                files.insert(key, Filed { revision: 1, value, record: None, conflicts: Vec::new() });
            }
            room
        };
        for n in 0..100 {
            assert_eq!(file(key("south", n), volumes(1000)), Ok(()));
        }
        assert_eq!(file(key("south", 100), volumes(3)), Err(NotFiled::Corners));
        assert_eq!(file(key("south", 99), volumes(999)), Ok(()), "in the place of a larger one");
        assert_eq!(file(key("south", 99), volumes(1001)), Err(NotFiled::Corners));
        assert_eq!(file(key("north", 0), volumes(3)), Ok(()));
        assert_eq!(NotFiled::Corners.what("plans"), "corners of plans");
    }
}
