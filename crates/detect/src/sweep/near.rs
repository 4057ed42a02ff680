//! Who can meet whom: a filter in single precision that passes every pair in conflict and few others.
//!
//! Two tracks that come within D of each other at some time in the horizon are, in the middle of it, within
//! D + (v_a + v_b)·T/2: half as far, and a quarter of the pairs, of what they may be apart at its beginning. So tracks
//! are put where they will be then, sorted into stripes of latitude, rows and cells of longitude (stripe.rs), and each is
//! held against the runs of cells near it (pass.rs, probe.rs). The poles are rows like others; the antimeridian is where
//! a run goes on at the row's start. Tracks are kept by level of speed, so that one fast track does not widen
//! everybody's search, and by group of classes (layer.rs). Where traffic is dense, rows are also divided by height.
//!
//! Everything here is conservative: angles carry [`SLACK_RAD`], distances a margin (probe.rs), for the rounding of `f32`.
use super::Workers;
use super::layer::Layer;
use super::plan::Plan;
use super::probe::MARGIN_M;
use super::rough::{Bucket, Chunk};
use super::stripe::{Kind, Stripe};
use crate::encounter::slice_m;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// Smallest radius of the ellipsoid: a chord between points on or above it subtends no greater angle anywhere.
pub(crate) const RADIUS_MIN_M: f64 = 6_356_752.0;
/// The angles of a position are approximate to 4e-6, next to the antimeridian to 7e-6; twice that for a pair.
pub(crate) const SLACK_RAD: f64 = 2e-5;

/// Tracks that are searched alike.
pub(crate) struct Set {
    /// Group and level.
    pub key: u16,
    pub kind: Kind,
    pub stripes: Vec<Option<Stripe>>,
    /// Stripes from pole to pole.
    parts: u32,
    /// Rows in a stripe.
    pub rows: u32,
    /// Number of tracks, counted in each band.
    pub len: usize,
    /// Longest way in half the horizon, metres.
    pub reach: f64,
    /// Most that a track adds to the zone, metres.
    pub off: f64,
    /// By how much a pair with such a track may be off the straight line, for this track, metres.
    pub bend: f64,
    /// Some pair with such a track may be judged in slices.
    pub sliced: bool,
}

/// Some rows of one set held against another set.
pub(crate) struct Job {
    pub from: usize,
    pub to: usize,
    pub stripe: usize,
    pub row: u32,
    /// Number of tracks.
    weight: usize,
}

/// A picture, ready to be searched.
pub(crate) struct Near<'a> {
    pub layer: &'a Layer,
    pub sets: Vec<Set>,
    jobs: Vec<Job>,
}

impl<'a> Near<'a> {
    pub(crate) fn of(chunks: &[Chunk], layer: &'a Layer, plan: &Plan, workers: &impl Workers, parts: usize) -> Self {
        let (stripes, bands) = (plan.stripes, plan.bands);
        let mut sets: Vec<(Set, Vec<u16>)> = Vec::new();
        for (bucket, keys) in levels(chunks) {
            sets.push((Set::empty(&bucket, Kind::Narrow, layer, plan), keys.clone()));
            if bands.count > 1 {
                sets.push((Set::empty(&bucket, Kind::Tall, layer, plan), keys));
            }
        }
        let tasks: Vec<(usize, usize)> = (0..sets.len()).flat_map(|n| (0..stripes).map(move |s| (n, s))).collect();
        let built = workers.map(parts, |part| {
            let share = &tasks[tasks.len() * part / parts..tasks.len() * (part + 1) / parts];
            let mut tracks = Vec::new();
            let build = |(n, stripe): &(usize, usize)| {
                let (set, keys) = &sets[*n];
                tracks.clear();
                for key in keys {
                    chunks.iter().for_each(|c| tracks.extend(c.tracks(*key, *stripe)));
                }
                Stripe::of(&tracks, set.kind, &bands, (*stripe as u32 * set.rows, set.rows, set.rows_in_all()))
            };
            share.iter().map(build).collect::<Vec<_>>()
        });
        let mut built = built.into_iter().flatten();
        let mut sets: Vec<Set> = sets.into_iter().map(|(set, _)| set).collect();
        for set in &mut sets {
            set.stripes.extend(built.by_ref().take(stripes));
            set.len = set.stripes.iter().flatten().map(Stripe::len).sum();
        }
        sets.retain(|set| set.len > 0);
        let jobs = jobs(&sets, layer);
        Self { layer, sets, jobs }
    }

    /// One of so many even parts of the work.
    pub(crate) fn part(&self, part: usize, parts: usize) -> impl Iterator<Item = &Job> {
        let all: usize = self.jobs.iter().map(|j| j.weight).sum();
        let (from, to) = (all * part / parts, all * (part + 1) / parts);
        let mut sum = 0;
        self.jobs.iter().filter(move |job| {
            let before = sum;
            sum += job.weight;
            (from..to).contains(&before)
        })
    }
}

impl Set {
    fn empty(bucket: &Bucket, kind: Kind, layer: &Layer, plan: &Plan) -> Self {
        let (reach, off) = (f64::from(bucket.reach), f64::from(bucket.off));
        let full = 2.0 * reach;
        // A tangent leaves the sphere by s²/2R; a fifth more for the ellipsoid and the higher terms.
        let bend = 1.2 * full * full / (2.0 * RADIUS_MIN_M);
        let sliced = full * 1.01 > slice_m(layer.lateral_m());
        let apart = 2.0 * (reach + off) + layer.lateral_m() + if sliced { 2.0 * bend } else { 0.0 };
        // No more rows than there are tracks, so that most hold somebody.
        let most = (4 * bucket.count / plan.stripes).max(4) as f64;
        let rows = libm::floor(plan.rows * plan.stripe_rad() / (angle_of(apart) + SLACK_RAD)).clamp(1.0, most);
        Self {
            key: bucket.key,
            kind,
            stripes: Vec::with_capacity(plan.stripes),
            parts: plan.stripes as u32,
            rows: rows as u32,
            len: 0,
            reach,
            off,
            bend,
            sliced,
        }
    }

    /// Rows from pole to pole.
    pub(crate) fn rows_in_all(&self) -> u32 {
        self.rows * self.parts
    }

    /// How far apart tracks of two sets can be and still matter, and how much of it is for lines that are not straight,
    /// metres.
    pub(crate) fn apart(&self, other: &Self, layer: &Layer) -> (f64, f64) {
        let bend = if self.sliced || other.sliced { self.bend + other.bend } else { 0.0 };
        (self.reach + other.reach + layer.lateral_m() + self.off + other.off + bend + MARGIN_M, bend)
    }
}

/// What the chunks' buckets are together, ascending; a level of few tracks goes up into the next one of its group.
fn levels(chunks: &[Chunk]) -> Vec<(Bucket, Vec<u16>)> {
    let mut levels: Vec<(Bucket, Vec<u16>)> = Vec::new();
    for bucket in chunks.iter().flat_map(|c| &c.buckets) {
        match levels.iter_mut().find(|(b, _)| b.key == bucket.key) {
            Some((b, _)) => b.add(bucket),
            None => levels.push((bucket.clone(), alloc::vec![bucket.key])),
        }
    }
    levels.sort_by_key(|(b, _)| b.key);
    let mut merged: Vec<(Bucket, Vec<u16>)> = Vec::new();
    for (mut bucket, mut keys) in levels {
        if let Some((below, few)) = merged.last()
            && below.group() == bucket.group()
            && below.count * 4 < bucket.count
        {
            bucket.add(below);
            keys.extend(few);
            merged.pop();
        }
        merged.push((bucket, keys));
    }
    merged
}

/// The searches that find every pair, row by row.
fn jobs(sets: &[Set], layer: &Layer) -> Vec<Job> {
    let mut jobs = Vec::new();
    for a in 0..sets.len() {
        for b in 0..=a {
            if !layer.together(sets[a].key, sets[b].key) {
                continue;
            }
            // The fewer look among the many; those that are in no band look in all of them.
            let rank = |n: usize| (sets[n].kind == Kind::Narrow, sets[n].len, n);
            let (from, to) = if rank(a) < rank(b) { (a, b) } else { (b, a) };
            for (n, stripe) in sets[from].stripes.iter().enumerate() {
                let Some(stripe) = stripe else { continue };
                for row in 0..stripe.rows() {
                    let weight = (0..stripe.bands()).map(|band| stripe.slot(row, band).len()).sum();
                    if weight > 0 {
                        jobs.push(Job { from, to, stripe: n, row, weight });
                    }
                }
            }
        }
    }
    jobs
}

/// The angle that a chord subtends at the centre; pi if it is longer than the earth is thick.
pub(crate) fn angle_of(chord_m: f64) -> f64 {
    let sine = chord_m / (2.0 * RADIUS_MIN_M);
    if sine >= 1.0 { PI } else { 2.0 * libm::asin(sine) }
}
