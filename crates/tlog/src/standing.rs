//! What a stolen key signed, and what stands all the same (`spec/evidence.md`, E-26 and E-27; `spec/keys.md`, K-17).
//!
//! Whoever steals a log key can sign any history. What counts is what the thief cannot have made: a tree that a key that was
//! not stolen signed, with all that it extends; and what the addressee took for the owner's word before it heard of the theft.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cosign::Cosignature;
use crate::hash::Hash;
use crate::key::KeyId;
use crate::report::{CheckpointReport, LinkReport};
use crate::trust::TrustedKeys;

/// Why a checkpoint counts as its owner's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It does not: a stolen key alone signed it.
    Fallen,
    /// Stolen keys alone signed it. Its addressee cosigned the same tree, or one that extends it, before it had heard of the
    /// theft: by the addressee's own word.
    Accepted,
    /// Stolen keys alone signed it. One that was not stolen signed the same tree, or one that extends it.
    Extended,
    /// A key signed it that was not stolen.
    Signed,
}

impl CheckpointReport {
    /// Tells whether this counts as the owner's word.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.verified.is_ok() && self.standing != Standing::Fallen
    }

    fn is_signed_by_stolen_keys(&self) -> bool {
        self.verified.as_ref().is_ok_and(|tree| tree.signed_by().iter().all(|key| self.stolen_by.contains(key)))
    }
}

/// Size and root.
pub(crate) type Tree = (u64, Hash);

pub(crate) fn tree_of(checkpoint: &CheckpointReport) -> Option<Tree> {
    checkpoint.verified.as_ref().ok().map(|tree| (tree.size, tree.root))
}

/// The earliest cosignature by each key, by its name and id.
pub(crate) type Seen = BTreeMap<(String, KeyId), Cosignature>;

/// Who cosigned each tree, or one that is proven to extend it; without cosignatures under the name of who signed.
pub(crate) fn seen<'c>(
    checkpoints: &'c [CheckpointReport],
    links: &[LinkReport],
    pick: impl Fn(&'c CheckpointReport) -> &'c [Cosignature],
) -> BTreeMap<Tree, Seen> {
    let mut seen: BTreeMap<Tree, Seen> = BTreeMap::new();
    for checkpoint in checkpoints {
        let Some(tree) = tree_of(checkpoint) else { continue };
        let of = seen.entry(tree).or_default();
        others(checkpoint, pick(checkpoint)).for_each(|by| earliest(of, by));
    }
    for (older, newer) in extensions(checkpoints, links) {
        let later = seen.get(&newer).cloned().unwrap_or_default();
        let of = seen.entry(older).or_default();
        later.values().for_each(|by| earliest(of, by));
    }
    seen
}

fn earliest(of: &mut Seen, by: &Cosignature) {
    let known = of.entry((by.name.clone(), by.key.id())).or_insert_with(|| by.clone());
    if by.time_s < known.time_s {
        *known = by.clone();
    }
}

/// Cosignatures of a checkpoint but those under the name of who signed it.
pub(crate) fn others<'c>(
    checkpoint: &'c CheckpointReport,
    all: &'c [Cosignature],
) -> impl Iterator<Item = &'c Cosignature> {
    let signers = checkpoint.verified.as_ref().map_or(&[][..], |tree| tree.signed_by());
    all.iter().filter(move |seen| !signers.iter().any(|key| key.name() == seen.name))
}

/// Older and newer trees of which the newer is proven to extend the older: from the largest down, so that what holds of a tree
/// reaches every one that it extends.
fn extensions(checkpoints: &[CheckpointReport], links: &[LinkReport]) -> Vec<(Tree, Tree)> {
    let tree = |number: u32| checkpoints.get(number as usize).and_then(tree_of);
    let proofs = links.iter().filter(|link| matches!(link, LinkReport::Extends { .. })).map(LinkReport::ends);
    let mut out: Vec<_> = proofs.filter_map(|(older, newer)| Some((tree(older)?, tree(newer)?))).collect();
    out.sort_by(|a, b| b.cmp(a));
    out
}

/// Says of each checkpoint why it counts as its owner's word.
pub(crate) fn judge(checkpoints: &mut [CheckpointReport], links: &[LinkReport], origin: &str, trusted: &TrustedKeys) {
    if checkpoints.iter().all(|c| !c.is_signed_by_stolen_keys()) {
        return;
    }
    let receivers = trusted.receivers(origin);
    let receipts = |c: &CheckpointReport| -> Vec<u64> {
        others(c, &c.cosigned).filter(|seen| receivers.contains(&seen.key)).map(|seen| seen.time_s).collect()
    };
    // What the addressee states itself: at this size, and by this time, it had a newer key. It cosigns ever larger sizes. That a key
    // which is not stolen is a newer one, and not an older one named again, is for whoever supplies the keys to see to (K-17).
    let mut heard: Option<(u64, u64)> = None;
    for c in checkpoints.iter().filter(|c| !c.is_signed_by_stolen_keys()) {
        let Some((size, _)) = tree_of(c) else { continue };
        for time_s in receipts(c) {
            let (least, first) = heard.unwrap_or((size, time_s));
            heard = Some((least.min(size), first.min(time_s)));
        }
    }
    let mut standing: BTreeMap<Tree, Standing> = BTreeMap::new();
    let raise = |standing: &mut BTreeMap<Tree, Standing>, tree: Tree, to: Standing| {
        let known = standing.entry(tree).or_insert(to);
        *known = to.max(*known);
    };
    for c in checkpoints.iter() {
        let Some(tree) = tree_of(c) else { continue };
        // Its party named it again, against K-2, for others to take: whatever they took by it is taken.
        let is_again = c.stolen_by.iter().any(|key| trusted.is_named_again(origin, key));
        let in_time = |time_s: &u64| is_again || heard.is_none_or(|(size, first)| tree.0 < size && *time_s <= first);
        let found = if !c.is_signed_by_stolen_keys() {
            Standing::Extended
        } else if receipts(c).iter().any(in_time) {
            Standing::Accepted
        } else {
            Standing::Fallen
        };
        raise(&mut standing, tree, found);
    }
    for (older, newer) in extensions(checkpoints, links) {
        let later = standing.get(&newer).copied().unwrap_or(Standing::Fallen);
        raise(&mut standing, older, later);
    }
    for c in checkpoints.iter_mut().filter(|c| c.is_signed_by_stolen_keys()) {
        let found = tree_of(c).and_then(|tree| standing.get(&tree).copied());
        c.standing = found.unwrap_or(Standing::Fallen);
    }
}
