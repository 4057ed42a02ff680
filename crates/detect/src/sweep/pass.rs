//! One set gone through against another, row by row.
use super::judge::Sink;
use super::layer::Layer;
use super::near::{Job, Near, SLACK_RAD, Set, angle_of};
use super::probe::{GROUP, Hit, Hits, Probes, Zone};
use super::rough::TURN;
use super::stripe::{Kind, LANES, Stripe};
use alloc::vec::Vec;
use core::f64::consts::{FRAC_PI_2, PI, TAU};
use core::ops::Range;

/// Hits in one other row from which on they are resolved, 0.5 MB: of many tracks in one place there are as many as their square.
const HITS_MAX: usize = 1 << 14;

/// What two sets need to be held against each other.
pub(crate) struct Pass<'a> {
    from: &'a Set,
    to: &'a Set,
    own: bool,
    zone: Zone,
    /// At which two tracks matter.
    angle: f64,
    /// Squared sine of half of it.
    sine2: f64,
}

/// A row of the other set, seen from a row.
struct Other<'a> {
    stripe: &'a Stripe,
    row: u32,
    /// Largest difference of longitude; `None` if there is no largest.
    width: Option<i64>,
    /// It is the row itself.
    same: bool,
}

impl<'a> Pass<'a> {
    pub(crate) fn of(near: &'a Near, from: usize, to: usize) -> Self {
        let own = from == to;
        let (from, to) = (&near.sets[from], &near.sets[to]);
        let layer: &Layer = near.layer;
        let (apart, bend) = from.apart(to, layer);
        let angle = angle_of(apart) + SLACK_RAD;
        let sine = libm::sin(if angle < PI { angle / 2.0 } else { FRAC_PI_2 });
        let zone = Zone::new(layer.lateral_m(), layer.vertical_m(), bend, from.off + to.off, apart);
        Self { from, to, own, zone, angle, sine2: sine * sine }
    }

    /// Adds the pairs of a job, (i, j) with i < j as `i << 32 | j`; some twice, one right after the other time. `sink` may take
    /// what has come together.
    pub(crate) fn pairs(&self, job: &Job, hits: &mut Vec<Hits>, out: &mut Vec<u64>, sink: &mut impl Sink) {
        let Some(stripe) = &self.from.stripes[job.stripe] else { return };
        let others = self.others(job.stripe, job.row);
        hits.resize_with(hits.len().max(others.len()), Hits::default);
        for band in 0..stripe.bands() {
            let slot = stripe.slot(job.row, band);
            // Two tracks that share bands are found in the lowest one that they share; a tall one looks in all of them
            // and finds the other in its lowest.
            let bands = match (self.from.kind, self.to.kind) {
                (Kind::Tall, Kind::Narrow) => 0..others.first().map_or(0, |o| o.stripe.bands()),
                _ => band..band + 1,
            };
            for band in bands {
                for first in slot.clone().step_by(GROUP) {
                    let group = first..slot.end.min(first + GROUP);
                    if stripe.bands() > 1 {
                        self.scan::<true>(stripe, group, band, &others, hits);
                    } else {
                        self.scan::<false>(stripe, group, band, &others, hits);
                    }
                    if hits.iter().any(|hits| hits.len() > HITS_MAX) {
                        self.resolve_all(stripe, hits, band, &others, out);
                        sink.some(out);
                    }
                }
                self.resolve_all(stripe, hits, band, &others, out);
                sink.some(out);
            }
        }
    }

    fn scan<const BOTH: bool>(
        &self,
        stripe: &Stripe,
        group: Range<usize>,
        band: u32,
        others: &[Other],
        hits: &mut [Hits],
    ) {
        let probes = Probes::of(stripe, group.clone(), &self.zone);
        let (lon, extent) = stripe.extent(group.clone());
        for (other, hits) in others.iter().zip(hits) {
            // In its own row a track is found by those before it.
            let first = if other.same { group.start } else { 0 };
            let mut look = |run: Range<usize>| {
                let start = if run.start < first { first } else { run.start };
                if start < run.end {
                    probes.scan::<BOTH>(other.stripe, start..run.end, group.start, hits);
                }
            };
            let [run, before, after] = other.stripe.runs(other.row, band, (lon, extent), other.width);
            look(run);
            if before.end | after.end != 0 {
                look(before);
                look(after);
            }
        }
    }

    fn resolve_all(&self, stripe: &Stripe, hits: &mut [Hits], band: u32, others: &[Other], out: &mut Vec<u64>) {
        for (other, hits) in others.iter().zip(hits) {
            hits.take().iter().for_each(|hit| self.resolve(stripe, hit, band, other, out));
        }
    }

    /// The pairs of a hit. Of a block some tracks may lie beyond the run; they are as good as any.
    fn resolve(&self, stripe: &Stripe, hit: &Hit, band: u32, other: &Other, out: &mut Vec<u64>) {
        let p = hit.own as usize;
        let own = &stripe.tags[p];
        for (lane, _) in hit.lanes.iter().enumerate().filter(|(_, lane)| **lane < 0.0) {
            let q = hit.block as usize * LANES + lane;
            let Some(tag) = other.stripe.tags.get(q) else { continue };
            // Found by the one before it: a second time may come after the first was taken by the sink, and be another pair.
            if other.same && q <= p {
                continue;
            }
            let lowest = if tag.lowest > own.lowest { tag.lowest } else { own.lowest };
            if lowest == band && tag.item != own.item && self.zone.meet((stripe, p), (other.stripe, q)) {
                let (i, j) = if own.item < tag.item { (own.item, tag.item) } else { (tag.item, own.item) };
                out.push(u64::from(i) << 32 | u64::from(j));
            }
        }
    }

    /// The rows of the other set that matter to a row.
    fn others(&self, stripe: usize, row: u32) -> Vec<Other<'a>> {
        let at = stripe as u32 * self.from.rows + row;
        let latitudes = Latitudes::of(self.from, at);
        // The angle has room for latitudes that are not quite right.
        let in_all = f64::from(self.to.rows_in_all());
        let index = |lat: f64| ((lat + FRAC_PI_2) / PI * in_all).clamp(0.0, in_all - 1.0) as u32;
        let first = if self.own { at } else { index(latitudes.low - self.angle) };
        let mut others = Vec::new();
        for other in first..=index(latitudes.high + self.angle) {
            let Some(stripe) = &self.to.stripes[(other / self.to.rows) as usize] else { continue };
            if let Some(width) = self.width(&latitudes, &Latitudes::of(self.to, other)) {
                let row = other % self.to.rows;
                others.push(Other { stripe, row, width, same: self.own && other == at });
            }
        }
        others
    }

    /// Largest difference of longitude between tracks of two rows that matter, `Some(None)` if there is no largest,
    /// `None` if none matters.
    ///
    /// sin²(angle/2) = sin²(Δlat/2) + cos(lat) cos(lat') sin²(Δlon/2).
    fn width(&self, from: &Latitudes, to: &Latitudes) -> Option<Option<i64>> {
        let gap = libm::fmax(libm::fmax(to.low - from.high, from.low - to.high), 0.0);
        let apart = libm::sin(gap / 2.0);
        let room = self.sine2 - apart * apart;
        let cosines = from.cosine * to.cosine;
        if room < 0.0 {
            return None;
        }
        if room >= cosines {
            return Some(None);
        }
        let width = 2.0 * libm::asin(libm::sqrt(room / cosines)) + SLACK_RAD;
        let width = (width * (TURN as f64 / TAU)) as i64 + 2;
        Some((2 * width + 1 < TURN).then_some(width))
    }
}

/// What a row spans, radians.
struct Latitudes {
    low: f64,
    high: f64,
    /// The least cosine of a latitude in it: a degree of longitude is nowhere shorter.
    cosine: f64,
}

impl Latitudes {
    fn of(set: &Set, row: u32) -> Self {
        let height = PI / f64::from(set.rows_in_all());
        let low = f64::from(row) * height - FRAC_PI_2;
        let high = low + height;
        let far = (if -low > high { -low } else { high }) + SLACK_RAD;
        Self { low, high, cosine: if far >= FRAC_PI_2 { 0.0 } else { libm::cos(far) } }
    }
}
