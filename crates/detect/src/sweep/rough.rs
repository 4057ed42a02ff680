//! Tracks as the filter sees them: in the middle of the horizon, in single precision, in the order of where they are.
use super::layer::{KEYS, LEVELS, Layer};
use super::picture::{BATCH, Motions, Picture};
use super::quick;
use crate::verdict::Why;
use alloc::vec::Vec;
use core::f32::consts::{FRAC_1_PI, FRAC_PI_2, PI};
use core::ops::Range;

/// A track in the middle of the horizon, as a straight line puts it there.
#[derive(Clone, Copy)]
pub(crate) struct Rough {
    pub item: u32,
    /// Geocentric latitude, 0 to 2^32 from pole to pole.
    pub lat: u32,
    /// Longitude, 2^32 to the turn.
    pub lon: u32,
    /// ECEF, metres.
    pub place: [f32; 3],
    /// The way made in half the horizon, metres.
    pub way: [f32; 3],
    /// Pressure altitude, metres; not a number if there is none.
    pub height: f32,
    /// What it rises in half the horizon, metres.
    pub rise: f32,
    /// [`Motions::off_m`].
    pub off: f32,
}

/// A unit of [`Rough::lon`] is 1.5e-9 radians.
pub(crate) const TURN: i64 = 1 << 32;

/// 1/pi, less so much that the pole is not quite a whole: 8e-7 radians.
const NEARLY_1_PI: f32 = FRAC_1_PI * (1.0 - 1.0 / 4_194_304.0);

impl Rough {
    /// The tracks from `item` on.
    pub(crate) fn batch(item: usize, motions: &Motions, half_s: f32) -> [Self; BATCH] {
        let none = [0.0; BATCH];
        let (mut place, mut way, mut side) = ([none; 3], [none; 3], none);
        for k in 0..BATCH {
            for n in 0..3 {
                way[n][k] = motions.vel[n][k] * half_s;
                place[n][k] = motions.pos[n][k] + way[n][k];
            }
            side[k] = place[0][k] * place[0][k] + place[1][k] * place[1][k];
        }
        // Apart, because this root is one of the machine's that is not taken of several at once.
        side.iter_mut().for_each(|side| *side = libm::sqrtf(*side));
        let (mut lat, mut lon) = ([0; BATCH], [0; BATCH]);
        for k in 0..BATCH {
            lat[k] = quick::fraction((quick::atan2(place[2][k], side[k]) + FRAC_PI_2) * NEARLY_1_PI);
            lon[k] = quick::fraction((quick::atan2(place[1][k], place[0][k]) + PI) * (FRAC_1_PI / 2.0));
        }
        let (mut height, mut rise) = (none, none);
        for k in 0..BATCH {
            rise[k] = motions.climb_mps[k] * half_s;
            height[k] = motions.height_m[k] + rise[k];
        }
        core::array::from_fn(|k| Self {
            item: (item + k) as u32,
            lat: lat[k],
            lon: lon[k],
            place: [place[0][k], place[1][k], place[2][k]],
            way: [way[0][k], way[1][k], way[2][k]],
            height: height[k],
            rise: rise[k],
            off: motions.off_m[k],
        })
    }

    /// Which of so many parts of all latitudes it is in.
    pub(crate) fn part(&self, parts: u32) -> u32 {
        ((u64::from(self.lat) * u64::from(parts)) >> 32) as u32
    }

    /// Lowest and highest it gets, metres; `None` without a height.
    pub(crate) fn heights(&self) -> Option<(f32, f32)> {
        let rise = self.rise.abs();
        (!self.height.is_nan()).then_some((self.height - rise, self.height + rise))
    }
}

/// Some tracks of one group and one level of speed.
#[derive(Clone)]
pub(crate) struct Bucket {
    /// Number of the group and, below it, of the level.
    pub key: u16,
    /// Number of tracks.
    pub count: usize,
    /// Longest way in half the horizon, metres.
    pub reach: f32,
    /// Greatest [`Motions::off_m`].
    pub off: f32,
    /// Where each stripe's tracks begin.
    starts: Vec<u32>,
}

impl Bucket {
    /// Number of the group.
    pub(crate) fn group(&self) -> u16 {
        self.key / LEVELS as u16
    }

    /// Counts another in.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.reach = libm::fmaxf(self.reach, other.reach);
        self.off = libm::fmaxf(self.off, other.off);
    }
}

/// Tracks that stand together in the picture: at most 2^16.
pub(crate) struct Chunk {
    tracks: Vec<Rough>,
    /// Their numbers, by bucket and stripe.
    order: Vec<u16>,
    pub buckets: Vec<Bucket>,
    /// Tracks about which not everything can be said.
    pub unknown: Vec<(usize, Why)>,
}

impl Chunk {
    pub(crate) fn of(picture: &(impl Picture + ?Sized), range: Range<usize>, layer: &Layer, stripes: usize) -> Self {
        let mut unknown = Vec::new();
        let (mut tracks, mut places) = (Vec::with_capacity(range.len()), Vec::with_capacity(range.len()));
        let mut buckets: Vec<Bucket> = Vec::new();
        // Which bucket a key has.
        let mut at = [NONE; KEYS];
        let mut motions = Motions::NONE;
        for from in range.clone().step_by(BATCH) {
            picture.motions(from, &mut motions);
            let batch = Rough::batch(from, &motions, layer.half_s());
            for (k, rough) in batch.iter().take(range.end - from).enumerate() {
                if let Some(why) = motions.why[k] {
                    unknown.push((from + k, why));
                    if why != Why::Velocity {
                        continue;
                    }
                }
                let Some(key) = layer.key(picture.class(from + k), picture.is_wanted(from + k), motions.speed_mps[k])
                else {
                    continue;
                };
                let place = &mut at[usize::from(key)];
                if *place == NONE {
                    *place = buckets.len() as u8;
                    buckets.push(Bucket { key, count: 0, reach: 0.0, off: 0.0, starts: alloc::vec![0; stripes + 1] });
                }
                let bucket = &mut buckets[usize::from(*place)];
                bucket.count += 1;
                let (reach, off) = (layer.reach_m(motions.speed_mps[k]), motions.off_m[k]);
                bucket.reach = if reach > bucket.reach { reach } else { bucket.reach };
                bucket.off = if off > bucket.off { off } else { bucket.off };
                let stripe = rough.part(stripes as u32) as usize;
                bucket.starts[stripe + 1] += 1;
                places.push((usize::from(*place) * stripes + stripe) as u32);
                tracks.push(*rough);
            }
        }
        let mut sum = 0;
        for bucket in &mut buckets {
            for start in &mut bucket.starts {
                sum += *start;
                *start = sum;
            }
        }
        let mut next: Vec<u32> = buckets.iter().flat_map(|b| b.starts[..stripes].iter().copied()).collect();
        let mut order = alloc::vec![0; tracks.len()];
        for (n, place) in places.into_iter().enumerate() {
            let next = &mut next[place as usize];
            order[*next as usize] = n as u16;
            *next += 1;
        }
        Self { tracks, order, buckets, unknown }
    }

    /// The tracks of one bucket in one stripe.
    pub(crate) fn tracks(&self, key: u16, stripe: usize) -> impl Iterator<Item = Rough> {
        let bucket = self.buckets.iter().find(|b| b.key == key);
        let range = bucket.map_or(0..0, |b| b.starts[stripe] as usize..b.starts[stripe + 1] as usize);
        self.order[range].iter().map(|n| self.tracks[usize::from(*n)])
    }
}

const NONE: u8 = u8::MAX;
