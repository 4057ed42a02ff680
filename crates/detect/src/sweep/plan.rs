//! How finely a picture is divided, by a sample of it. Only speed depends on this.
use super::layer::{KEYS, Layer};
use super::near::{SLACK_RAD, angle_of};
use super::picture::{Motions, Picture};
use super::probe::MARGIN_M;
use super::rough::Rough;
use super::stripe::Bands;
use crate::verdict::Why;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// See the module.
pub(crate) struct Plan {
    /// Stripes of latitude, the units of building.
    pub stripes: usize,
    /// Rows within the distance at which two tracks matter.
    pub rows: f64,
    pub bands: Bands,
}

/// Tracks that say how dense the traffic is.
const SAMPLE: usize = 128;
/// Or half the root of their number: then even of a million some dozen pairs of the sample are near each other, where
/// that makes a difference.
const SAMPLE_PART: f64 = 0.5;
/// About so many stripes; one is then 42 NM.
const STRIPES: f64 = 256.0;
/// Neighbours that a track is held against, on average, from which on rows are half as high, and from which on
/// they are a third and also divided by height. Measured: more rows are less to look at, and more to look up.
const SOME: usize = 4;
const DENSE: usize = 60;
/// Thickness of a band, in vertical minima.
const BAND: f32 = 6.0;
const BANDS_MAX: u32 = 32;

impl Plan {
    pub(crate) fn of(picture: &(impl Picture + ?Sized), layer: &Layer) -> Self {
        let size = SAMPLE.max((SAMPLE_PART * libm::sqrt(picture.len() as f64)) as usize);
        let mut sample: Vec<(u16, f32, Rough)> = Vec::with_capacity(size);
        let mut motions = Motions::NONE;
        let mut asked = 0;
        for i in (0..picture.len()).step_by((picture.len() / size).max(1)).take(size) {
            picture.motions(i, &mut motions);
            asked += 1;
            let key = layer.key(picture.class(i), picture.is_wanted(i), motions.speed_mps[0]);
            if let (None | Some(Why::Velocity), Some(key)) = (motions.why[0], key) {
                let rough = Rough::batch(i, &motions, layer.half_s())[0];
                sample.push((key, 2.0 * (layer.reach_m(motions.speed_mps[0]) + motions.off_m[0]), rough));
            }
        }
        let mut counts = [0; KEYS];
        sample.iter().for_each(|(key, ..)| counts[usize::from(*key)] += 1);
        let Some((most, _)) = counts.iter().enumerate().max_by_key(|(_, count)| **count) else {
            return Self { stripes: STRIPES as usize, rows: 2.0, bands: Bands::ONE };
        };
        let reach = sample.iter().filter(|s| usize::from(s.0) == most).map(|s| s.1).fold(0.0, libm::fmaxf);
        let apart = f64::from(reach) + layer.lateral_m() + MARGIN_M;
        let tracks: Vec<Rough> = sample.into_iter().map(|s| s.2).collect();
        let count = picture.len() * tracks.len() / asked.max(1);
        // Of a sample of n, met/n for each; of all, as many times more as there are more.
        let met = met(&tracks, apart as f32);
        let at_least = |neighbours: usize| met * count >= neighbours * tracks.len() * tracks.len();
        let rows = if at_least(DENSE) {
            3.0
        } else if at_least(SOME) {
            2.0
        } else {
            1.0
        };
        let bands = if at_least(DENSE) { bands(&tracks, layer) } else { Bands::ONE };
        // A stripe is some rows, and `rows` of them are just as high as two tracks can be apart.
        let row = (angle_of(apart) + SLACK_RAD) * 1.000_01 / rows;
        let stripe = libm::fmax(libm::floor(PI / STRIPES / row), 1.0) * row;
        Self { stripes: libm::fmax(PI / stripe, 1.0) as usize, rows, bands }
    }

    /// Height of a stripe, radians.
    pub(crate) fn stripe_rad(&self) -> f64 {
        PI / self.stripes as f64
    }
}

/// Pairs of a sample that are near each other.
fn met(sample: &[Rough], apart: f32) -> usize {
    let near = |a: &Rough, b: &Rough| {
        let s = [0, 1, 2].map(|n| a.place[n] - b.place[n]);
        s[0] * s[0] + s[1] * s[1] + s[2] * s[2] < apart * apart
    };
    sample.iter().enumerate().map(|(n, a)| sample[..n].iter().filter(|b| near(a, b)).count()).sum()
}

/// How heights are divided.
fn bands(sample: &[Rough], layer: &Layer) -> Bands {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for (from, to) in sample.iter().filter_map(Rough::heights) {
        (low, high) = (if from < low { from } else { low }, if to > high { to } else { high });
    }
    let count = ((high - low) / (BAND * layer.vertical_m() as f32)) as u32;
    let count = count.min(BANDS_MAX);
    if count < 2 {
        return Bands::ONE;
    }
    Bands { count, from: low, thick: (high - low) / count as f32, half: layer.vertical_m() as f32 / 2.0 + 1.0 }
}
