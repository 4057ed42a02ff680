//! All pairs of a picture.
mod first;
mod judge;
mod layer;
mod near;
mod pass;
mod picture;
mod plan;
mod probe;
mod quick;
mod radix;
mod rough;
mod stripe;

use crate::encounter::Encounter;
use crate::kinematics::Kinematics;
use crate::minima::MinimaTable;
use crate::verdict::Why;
use alloc::vec::Vec;
use first::{First, Kept, by_tin};
use judge::{All, Sink};
use layer::Layer;
use near::Near;
use pass::Pass;
use picture::{Between, Picture, Reports, Whole};
use plan::Plan;
use rough::Chunk;
use track::TrackReport;
use units::{AircraftClass, Utc};

/// One track of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// State at the sweep's reference time.
    pub track: Kinematics,
    /// Class, for the minima.
    pub class: AircraftClass,
}

/// Two tracks in conflict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Index of the first; `i < j`.
    pub i: usize,
    /// Index of the second.
    pub j: usize,
    /// How they meet.
    pub encounter: Encounter,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sweep {
    /// Pairs in conflict, ascending by (i, j).
    pub pairs: Vec<Pair>,
    /// Tracks about which not everything can be said, ascending. Those without a velocity still take part, standing
    /// still; the others take no part.
    pub unknown: Vec<(usize, Why)>,
    /// Pairs in conflict that are not among them: of one group only so many are kept.
    pub cut: usize,
}

impl Sweep {
    /// The `cap` pairs that begin first (ties by index), and how many were left off.
    #[must_use]
    pub fn first_by_tin(&self, cap: usize) -> (Vec<Pair>, usize) {
        let mut pairs = self.pairs.clone();
        pairs.sort_by(by_tin);
        pairs.truncate(cap);
        let cut = self.pairs.len() - pairs.len();
        (pairs, cut)
    }
}

/// Every pair in conflict, through a filter that only leaves out pairs out of each other's reach.
///
/// All tracks need the reference time of the first, and to be on the globe; the others are listed as unknown. Those of a flat frame
/// are for [`brute_force`].
#[must_use]
pub fn sweep(items: &[Item], minima: &MinimaTable) -> Sweep {
    sweep_with(items, minima, &Alone)
}

/// Who does the parts of a sweep. The result does not depend on it: this crate has no threads, its caller may.
pub trait Workers {
    /// `f` of 0 to `parts` - 1, in this order.
    fn map<R: Send>(&self, parts: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R>;
    /// How many can be at work at once.
    fn count(&self) -> usize;
}

/// The caller's own thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alone;

impl Workers for Alone {
    fn map<R: Send>(&self, parts: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
        (0..parts).map(f).collect()
    }

    fn count(&self) -> usize {
        1
    }
}

/// [`sweep`], its parts done by `workers`.
#[must_use]
pub fn sweep_with(items: &[Item], minima: &MinimaTable, workers: &impl Workers) -> Sweep {
    of_picture(items, minima, workers)
}

/// Every pair in conflict of the tracks of these reports at `t0`, as a sweep over [`Kinematics::from_report`] of each
/// finds them. Only those are prepared that the filter does not leave out.
#[must_use]
pub fn sweep_reports(reports: &[TrackReport], t0: Utc, minima: &MinimaTable, workers: &impl Workers) -> Sweep {
    let horizon_s = minima.widest([true; 5]).horizon_s();
    of_picture(&Reports { reports, t0, horizon_s }, minima, workers)
}

/// Of the pairs of [`sweep()`] those that have a track of group 0 in them. A pair is of the group of its other track; of each
/// group the `max` that begin first are kept (ties by index) and the others counted. So whoever tells of many tracks in one
/// place takes up no room that others need, nor the time of their squares.
#[must_use]
pub fn sweep_between(items: &[Item], group: impl Fn(usize) -> u16 + Sync, minima: &MinimaTable, max: usize) -> Sweep {
    let picture = Between { items, is_wanted: |i| group(i) == 0 };
    let sink = || First { items, minima, group: &group, max, kept: Kept::default() };
    let Found { unknown, of_parts } = search(&picture, minima, &Alone, 1, sink);
    let mut kept = Kept::default();
    of_parts.into_iter().for_each(|part| kept.add(part, max));
    let (pairs, cut) = kept.end(max);
    Sweep { pairs, unknown, cut }
}

/// Tracks that are put into rough order at once: they fit a core's own cache.
const CHUNK: usize = 4096;

fn of_picture(picture: &(impl Whole + ?Sized), minima: &MinimaTable, workers: &impl Workers) -> Sweep {
    // Some parts more than workers, for those that are done sooner.
    let parts = if workers.count() > 1 { workers.count() * 8 } else { 1 };
    let found = search(picture, minima, workers, parts, || All { tracks: picture.len(), parts });
    Sweep { pairs: judge::judge(picture, &found.of_parts, minima, workers, parts), unknown: found.unknown, cut: 0 }
}

/// What a search found.
struct Found<T> {
    unknown: Vec<(usize, Why)>,
    /// What came of the candidates of each part of each layer.
    of_parts: Vec<T>,
}

/// Every pair that may be in conflict, put into the sink of its part.
fn search<S: Sink>(
    picture: &(impl Picture + ?Sized),
    minima: &MinimaTable,
    workers: &impl Workers,
    parts: usize,
    sink: impl Fn() -> S + Sync,
) -> Found<S::Out> {
    let len = picture.len();
    let (mut unknown, mut of_parts) = (Vec::new(), Vec::new());
    for (n, layer) in Layer::all(minima, classes(picture, minima)).iter().enumerate() {
        let plan = Plan::of(picture, layer);
        let chunks = len.div_ceil(CHUNK);
        let chunks = workers.map(parts.min(chunks), |part| {
            let share = chunks * part / parts.min(chunks)..chunks * (part + 1) / parts.min(chunks);
            share
                .map(|c| Chunk::of(picture, c * CHUNK..len.min((c + 1) * CHUNK), layer, plan.stripes))
                .collect::<Vec<_>>()
        });
        let mut chunks: Vec<Chunk> = chunks.into_iter().flatten().collect();
        if n == 0 {
            chunks.iter_mut().for_each(|chunk| unknown.append(&mut chunk.unknown));
        }
        let near = Near::of(&chunks, layer, &plan, workers, parts);
        drop(chunks);
        of_parts.extend(workers.map(parts, |part| {
            let (mut hits, mut out, mut sink) = (Vec::new(), Vec::new(), sink());
            let mut pass: Option<((usize, usize), Pass)> = None;
            for job in near.part(part, parts) {
                let sets = (job.from, job.to);
                if pass.as_ref().is_none_or(|(of, _)| *of != sets) {
                    pass = Some((sets, Pass::of(&near, job.from, job.to)));
                }
                if let Some((_, pass)) = &pass {
                    pass.pairs(job, &mut hits, &mut out, &mut sink);
                }
            }
            sink.end(out)
        }));
    }
    Found { unknown, of_parts }
}

/// Which classes there are; all, if the minima are the same for all.
fn classes(picture: &(impl Picture + ?Sized), minima: &MinimaTable) -> [bool; 5] {
    if minima.is_uniform() {
        return [true; 5];
    }
    let mut present = [false; 5];
    (0..picture.len()).for_each(|i| present[picture.class(i) as usize] = true);
    present
}

/// The same by judging all pairs: the oracle, and the baseline of benchmarks.
#[must_use]
pub fn brute_force(items: &[Item], minima: &MinimaTable) -> Sweep {
    let (mut unknown, mut taking_part, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for (i, Item { track, .. }) in items.iter().enumerate() {
        if track.t0 != items[0].track.t0 {
            unknown.push((i, Why::ReferenceTime));
        } else if let Some(why) = track.unknown {
            unknown.push((i, why));
        } else {
            if !track.velocity_known {
                unknown.push((i, Why::Velocity));
            }
            taking_part.push(i);
        }
    }
    for (n, &i) in taking_part.iter().enumerate() {
        for &j in &taking_part[n + 1..] {
            pairs.extend(judge::verdict((i, &items[i]), (j, &items[j]), minima));
        }
    }
    Sweep { pairs, unknown, cut: 0 }
}
