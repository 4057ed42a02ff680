//! Wire types: made here from the core's values, and read here into them.
pub(crate) mod alert;
pub(crate) mod explanation;
pub(crate) mod inhibition;
pub(crate) mod link;
pub(crate) mod notice;
pub(crate) mod pact;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod preview;
pub(crate) mod state;
pub(crate) mod track;
pub(crate) mod volume;

use node::view::{Owner, View};

/// The owner's party, or `None` for what nobody claims.
pub(crate) fn owner(view: &View, owner: Owner) -> Option<String> {
    let index = match owner {
        Owner::Own => 0,
        Owner::Peer(index) => usize::from(index),
        Owner::Unclaimed => return None,
    };
    view.parties.get(index).map(ToString::to_string)
}

/// Key of something filed, unique over all owners.
pub(crate) fn filed_key(owner: Owner, subject: record::SubjectId) -> [u8; 17] {
    let mut key = [0; 17];
    key[0] = match owner {
        Owner::Own => 0,
        Owner::Peer(index) => index,
        Owner::Unclaimed => u8::MAX,
    };
    key[1..].copy_from_slice(&subject.0);
    key
}

/// Tenths of a millimetre as feet, to a tenth of a foot.
pub(crate) fn feet(tenth_mm: i64) -> f64 {
    (tenth_mm as f64 / 304.8).round() / 10.0
}

/// Millimetres as metres.
pub(crate) fn metres(mm: i64) -> f64 {
    mm as f64 / 1000.0
}
