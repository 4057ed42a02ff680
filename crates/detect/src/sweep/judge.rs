//! From candidates to verdicts: in the order of the tracks, each pair once, by the exact test.
use super::picture::Whole;
use super::{Item, Pair, Workers, radix};
use crate::encounter::track_track;
use crate::minima::MinimaTable;
use crate::verdict::Verdict;
use alloc::vec::Vec;

/// Tracks as they are judged.
pub(crate) enum Judged<'a> {
    /// All of the picture's.
    All(&'a [Item]),
    /// Some, in shares of so many, and where each track of the picture is among them.
    Some { shares: Vec<Vec<Item>>, share: usize, places: Vec<u32> },
}

impl Judged<'_> {
    #[inline]
    fn get(&self, i: usize) -> &Item {
        match self {
            Self::All(items) => &items[i],
            Self::Some { shares, share, places } => {
                let place = places[i] as usize;
                &shares[place / share][place % share]
            }
        }
    }
}

/// What becomes of the pairs (i, j) that one worker finds, as `i << 32 | j`; some come twice, but then together.
pub(crate) trait Sink {
    /// What comes of all of them.
    type Out: Send;
    /// Takes what it wants of those that have come together.
    fn some(&mut self, found: &mut Vec<u64>);
    /// Takes the rest.
    fn end(self, found: Vec<u64>) -> Self::Out;
}

/// Keeps all until they are judged.
pub(crate) struct All {
    pub tracks: usize,
    pub parts: usize,
}

impl Sink for All {
    type Out = Candidates;

    fn some(&mut self, _: &mut Vec<u64>) {}

    fn end(self, found: Vec<u64>) -> Candidates {
        Candidates::new(found, self.tracks, self.parts)
    }
}

/// The pairs (i, j) that one worker found, as `i << 32 | j`, by the part of the picture that i is in.
pub(crate) struct Candidates {
    parts: Vec<Vec<u64>>,
}

impl Candidates {
    pub(crate) fn new(found: Vec<u64>, tracks: usize, parts: usize) -> Self {
        if parts == 1 {
            return Self { parts: alloc::vec![found] };
        }
        let mut split: Vec<Vec<u64>> = (0..parts).map(|_| Vec::with_capacity(found.len() / parts * 2)).collect();
        for pair in found {
            split[(pair >> 32) as usize * parts / tracks].push(pair);
        }
        Self { parts: split }
    }
}

/// Pairs whose second tracks are fetched at once.
const AHEAD: usize = 8;

/// Judges the candidates.
pub(crate) fn judge(
    picture: &(impl Whole + ?Sized),
    candidates: &[Candidates],
    minima: &MinimaTable,
    workers: &impl Workers,
    parts: usize,
) -> Vec<Pair> {
    let tracks = picture.len();
    // Enough bits for any track, so that a pair is sorted in as few passes as can be.
    let bits = u64::BITS - (tracks as u64).leading_zeros();
    let sorted = workers.map(parts, |part| {
        let all: Vec<u64> = candidates.iter().flat_map(|c| &c.parts[part]).copied().collect();
        let first = (tracks * part).div_ceil(parts) as u64;
        let key = |pair: &u64| ((pair >> 32) - first) << bits | (pair & 0xFFFF_FFFF);
        let mut all = radix::sort(all, key, ((tracks / parts + 1) as u64) << bits);
        all.dedup();
        all
    });
    let judged = picture.judged(&sorted, workers, parts);
    let pairs = workers.map(parts, |part| {
        let mut pairs = Vec::with_capacity(sorted[part].len());
        for some in sorted[part].chunks(AHEAD) {
            // The second tracks are anywhere in memory. Copied some pairs ahead they are waited for together.
            let others: [Item; AHEAD] =
                core::array::from_fn(|k| *judged.get((some[k.min(some.len() - 1)] & 0xFFFF_FFFF) as usize));
            for (other, pair) in others.iter().zip(some) {
                let (i, j) = ((pair >> 32) as usize, (pair & 0xFFFF_FFFF) as usize);
                pairs.extend(verdict((i, judged.get(i)), (j, other), minima));
            }
        }
        pairs
    });
    if parts == 1 { pairs.into_iter().next().unwrap_or_default() } else { pairs.concat() }
}

/// The exact test of one pair.
pub(crate) fn verdict((i, a): (usize, &Item), (j, b): (usize, &Item), minima: &MinimaTable) -> Option<Pair> {
    match track_track(&a.track, &b.track, &minima.get(a.class, b.class)) {
        Verdict::Conflict(encounter) => Some(Pair { i, j, encounter }),
        Verdict::Clear | Verdict::Unknown(_) => None,
    }
}
