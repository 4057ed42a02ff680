//! Of many pairs those that begin first, group by group: room for each is bounded, however many there are.
use super::judge::{Sink, verdict};
use super::{Item, Pair};
use crate::minima::MinimaTable;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Candidates that are judged together, 32 kB.
const SOME: usize = 4096;

/// Judges candidates and keeps of each group the pairs that begin first.
pub(crate) struct First<'a, G> {
    pub items: &'a [Item],
    pub minima: &'a MinimaTable,
    /// Group of a track; a pair is of the higher one of its two.
    pub group: &'a G,
    pub max: usize,
    pub kept: Kept,
}

impl<G: Fn(usize) -> u16> First<'_, G> {
    fn judge(&mut self, found: &mut Vec<u64>) {
        found.sort_unstable();
        found.dedup();
        for pair in found.drain(..) {
            let (i, j) = ((pair >> 32) as usize, (pair & 0xFFFF_FFFF) as usize);
            if let Some(pair) = verdict((i, &self.items[i]), (j, &self.items[j]), self.minima) {
                self.kept.push((self.group)(i).max((self.group)(j)), pair, self.max);
            }
        }
    }
}

impl<G: Fn(usize) -> u16> Sink for First<'_, G> {
    type Out = Kept;

    fn some(&mut self, found: &mut Vec<u64>) {
        if found.len() >= SOME {
            self.judge(found);
        }
    }

    fn end(mut self, mut found: Vec<u64>) -> Kept {
        self.judge(&mut found);
        self.kept
    }
}

/// Pairs by group.
#[derive(Default)]
pub(crate) struct Kept(BTreeMap<u16, OfGroup>);

#[derive(Default)]
struct OfGroup {
    pairs: Vec<Pair>,
    cut: usize,
}

impl Kept {
    fn push(&mut self, group: u16, pair: Pair, max: usize) {
        let of = self.0.entry(group).or_default();
        of.pairs.push(pair);
        if of.pairs.len() >= max.saturating_mul(2) {
            of.only(max);
        }
    }

    /// Takes in what another worker kept.
    pub(crate) fn add(&mut self, other: Self, max: usize) {
        for (group, mut theirs) in other.0 {
            let of = self.0.entry(group).or_default();
            of.pairs.append(&mut theirs.pairs);
            of.cut += theirs.cut;
            of.only(max);
        }
    }

    /// The pairs ascending by (i, j), and how many were left off.
    pub(crate) fn end(self, max: usize) -> (Vec<Pair>, usize) {
        let (mut pairs, mut cut) = (Vec::new(), 0);
        for mut of in self.0.into_values() {
            of.only(max);
            cut += of.cut;
            pairs.append(&mut of.pairs);
        }
        pairs.sort_unstable_by_key(|pair| (pair.i, pair.j));
        (pairs, cut)
    }
}

impl OfGroup {
    fn only(&mut self, max: usize) {
        if self.pairs.len() > max {
            self.pairs.select_nth_unstable_by(max, by_tin);
            self.cut += self.pairs.len() - max;
            self.pairs.truncate(max);
        }
    }
}

/// Those that begin first before others, ties by index.
pub(crate) fn by_tin(p: &Pair, q: &Pair) -> Ordering {
    p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j)))
}
