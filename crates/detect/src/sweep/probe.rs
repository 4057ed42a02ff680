//! Tracks held against each other, in single precision: one against four at a time, and then the few that are left.
use super::stripe::{Block, LANES, Stripe};
use core::ops::Range;

/// In single precision and with quick sines a place is good to 5 m (test in picture.rs), a way better: 10 m for two, and
/// as much again.
pub(crate) const MARGIN_M: f64 = 30.0;
/// Of the square of the distance at which two tracks matter: with rounding to 6e-8, what is computed from sums and
/// products of a few squares is good to 20 times that.
const ROUNDING: f64 = 2e-6;
/// For heights in single precision, 8 mm at 100 km, metres.
const HEIGHT_MARGIN_M: f64 = 1.0;
/// Square of a way in half the horizon that is added to every pair's: 1 mm, so that none is nothing.
const STILL: f32 = 1e-6;

/// How close two tracks matter.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    /// Lateral, without what either track adds, metres.
    lateral: f32,
    /// The most that a pair adds.
    off: f32,
    /// Added to the square.
    rounding: f32,
    vertical: f32,
}

impl Zone {
    /// `bend_m` and `off_m` are for both tracks together; `apart_m` is the greatest distance at which a pair matters.
    pub(crate) fn new(lateral_m: f64, vertical_m: f64, bend_m: f64, off_m: f64, apart_m: f64) -> Self {
        Self {
            lateral: (lateral_m + bend_m + MARGIN_M) as f32,
            off: off_m as f32,
            rounding: (apart_m * apart_m * ROUNDING) as f32,
            vertical: (vertical_m + HEIGHT_MARGIN_M) as f32,
        }
    }

    /// Whether two tracks come within D and within H at the same time, now or later.
    ///
    /// They are within D while t differs from -s·v/v² by less than sqrt((s·v)² - v²·out)/v² (as in [`Probes::scan`]), and
    /// within H while it differs from -z/r by less than H/|r|; multiplied by v²·|r| these times overlap iff
    /// |z·v² - r·(s·v)| < |r|·sqrt((s·v)² - v²·out) + H·v². Of three intervals of which each two overlap, the third
    /// being the horizon, all have a time in common.
    pub(crate) fn meet(&self, (a, p): (&Stripe, usize), (b, q): (&Stripe, usize)) -> bool {
        let (x, k, y, m) = (&a.blocks[p / LANES], p % LANES, &b.blocks[q / LANES], q % LANES);
        let difference =
            |x: &[[f32; LANES]; 3], y: &[[f32; LANES]; 3]| [y[0][m] - x[0][k], y[1][m] - x[1][k], y[2][m] - x[2][k]];
        let (s, v) = (difference(&x.place, &y.place), difference(&x.way, &y.way));
        let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let (ss, sv, vv) = (dot(s, s), dot(s, v), dot(v, v));
        // Below 1 cm in half the horizon rounding may have made the whole of it.
        if vv < 1e-4 {
            return true;
        }
        let zone = self.lateral + a.tags[p].off + b.tags[q].off;
        let room = sv * sv - vv * (ss - (zone * zone + self.rounding));
        if room < 0.0 {
            return false;
        }
        let (z, r) = (y.height[m] - x.height[k], y.rise[m] - x.rise[k]);
        let apart = (z * vv - r * sv).abs() >= r.abs() * libm::sqrtf(room) + self.vertical * vv;
        !apart
    }
}

/// Some tracks that stand together, ready to be held against others.
pub(crate) struct Probes {
    /// Each track in all lanes.
    own: [Block; GROUP],
    len: usize,
    /// Square of the widest zone.
    square: [f32; LANES],
    vertical: [f32; LANES],
}

/// Tracks that look for others together: one run of blocks is then enough for all of them.
pub(crate) const GROUP: usize = 3;

/// A track and a block that may hold some that it meets, to be looked at more closely.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
pub(crate) struct Hit {
    /// Below 0 for those that it may meet. They are written as they are, because it is by that store that the compiler
    /// sees that four can be done at once: without it the scan takes twice as long.
    pub lanes: [f32; LANES],
    pub own: u32,
    pub block: u32,
}

impl Probes {
    #[inline]
    pub(crate) fn of(stripe: &Stripe, tracks: Range<usize>, zone: &Zone) -> Self {
        let widest = zone.lateral + zone.off;
        let mut probes = Self {
            own: [Block::NONE; GROUP],
            len: tracks.len(),
            square: [widest * widest + zone.rounding; LANES],
            vertical: [zone.vertical; LANES],
        };
        for (own, at) in probes.own.iter_mut().zip(tracks) {
            *own = stripe.blocks[at / LANES].all(at % LANES);
        }
        probes
    }

    /// Adds to `hits` the blocks that hold the run, as far as they hold tracks that may come within the zone, laterally
    /// and vertically. The first of the probes is track `own`.
    ///
    /// Time runs from -1 to 1, the beginning and the end of the horizon. With s + v·t between two tracks and
    /// out = s² - D², they are within D for some t iff they are at t = -s·v/v², or at the nearer end if that is beyond it:
    /// with m the lesser of |s·v| and v², iff out·v² + m·(m - 2·|s·v|) < 0. With z + r·t between their heights they are
    /// within H for some t iff |z| < H + |r|. Where traffic is dense (`BOTH`), that they are so at the same time is
    /// looked at here already, as in [`Zone::meet`] but without a root: with q = |z·v² - r·(s·v)| - H·v², iff q < 0 or
    /// q² < r²·((s·v)² - v²·out).
    ///
    /// Each of these is a number below 0 if it is so, and the greatest of them counts; what is not a number, because a
    /// height is not known, does not.
    ///
    /// There is no branch on what was found: it would be guessed wrongly too often, and known too late.
    pub(crate) fn scan<const BOTH: bool>(&self, stripe: &Stripe, run: Range<usize>, own: usize, hits: &mut Hits) {
        let first = run.start / LANES;
        let blocks = &stripe.blocks[first..run.end.div_ceil(LANES)];
        let room = hits.room(blocks.len() * self.len);
        let mut len = 0;
        for (n, block) in blocks.iter().enumerate() {
            for (k, probe) in self.own[..self.len].iter().enumerate() {
                let lanes = self.lanes::<BOTH>(probe, block);
                room[len] = Hit { lanes, own: (own + k) as u32, block: (first + n) as u32 };
                len += usize::from(lanes.iter().fold(false, |any, lane| any | (*lane < 0.0)));
            }
        }
        hits.len += len;
    }

    /// Below 0 for the tracks of a block that may meet a probe.
    #[inline(always)]
    fn lanes<const BOTH: bool>(&self, own: &Block, block: &Block) -> [f32; LANES] {
        let mut near = [0.0; LANES];
        let (s, v) = ((&block.place, &own.place), (&block.way, &own.way));
        for (k, near) in near.iter_mut().enumerate() {
            let difference = |(a, b): (&[[f32; LANES]; 3], &[[f32; LANES]; 3]), n: usize| a[n][k] - b[n][k];
            let (dx, dy, dz) = (difference(s, 0), difference(s, 1), difference(s, 2));
            let (du, dv, dw) = (difference(v, 0), difference(v, 1), difference(v, 2));
            let out = dx * dx + dy * dy + dz * dz - self.square[k];
            let sv = dx * du + dy * dv + dz * dw;
            let vv = du * du + dv * dv + dw * dw + STILL;
            let (along, far) = (sv.abs(), out * vv);
            let m = if along < vv { along } else { vv };
            let lateral = far + m * (m - along - along);
            let (z, r) = (block.height[k] - own.height[k], block.rise[k] - own.rise[k]);
            let vertical = z.abs() - r.abs() - self.vertical[k];
            *near = if vertical > lateral { vertical } else { lateral };
            if BOTH {
                let q = (z * vv - r * sv).abs() - self.vertical[k] * vv;
                let outside = q * q - r * r * (sv * sv - far);
                let both = if q < outside { q } else { outside };
                *near = if both > *near { both } else { *near };
            }
        }
        near
    }
}

/// Hits, in room that is made beforehand.
#[derive(Default)]
pub(crate) struct Hits {
    all: alloc::vec::Vec<Hit>,
    len: usize,
}

impl Hits {
    /// Room for so many more, of which [`Probes::scan`] writes one beyond what it keeps.
    #[inline]
    fn room(&mut self, more: usize) -> &mut [Hit] {
        if self.len + more > self.all.len() {
            self.all.resize(2 * (self.len + more), Hit::default());
        }
        &mut self.all[self.len..self.len + more]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What was found since the last time.
    pub(crate) fn take(&mut self) -> &[Hit] {
        let len = core::mem::take(&mut self.len);
        &self.all[..len]
    }
}
