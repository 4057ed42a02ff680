//! Seeded traffic on which detectors are judged and timed: counter-based SplitMix64, N is a prefix.
//!
//! Aircraft i uses u_j = draw(seed, 8·i + j), j = 0..5: place from u0 and u1, track 360·u2, height 10,000 + 30,000·u3 ft,
//! 450 kt; 15 % climb and 15 % descend at 500 to 2500 ft/min. `Box`, `BoxQ` and `Globe` are the published families;
//! `Anti` is `Box` across the antimeridian, `Pole` the same square around the north pole.
use crate::kinematics::State;
use alloc::vec::Vec;

/// The published seed.
pub const SEED: u64 = 20_260_101;

/// Where the traffic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A square of 1000 NM around 48°N 10°E.
    Box,
    /// The same with levels in whole thousands of feet (25 ft while climbing or descending).
    BoxQ,
    /// The whole globe, evenly.
    Globe,
    /// The square around 48°N 180°.
    Anti,
    /// The square around the north pole.
    Pole,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 5] = [Self::Box, Self::BoxQ, Self::Globe, Self::Anti, Self::Pole];

    /// Name as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::BoxQ => "boxq",
            Self::Globe => "globe",
            Self::Anti => "anti",
            Self::Pole => "pole",
        }
    }

    /// From [`Family::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// The `k`-th number of a seed, in [0, 1).
#[must_use]
pub fn draw(seed: u64, k: u64) -> f64 {
    let mut z = seed.wrapping_add(k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / 9_007_199_254_740_992.0
}

/// Aircraft 0 to `n` - 1 of a family.
#[must_use]
pub fn states(family: Family, n: usize, seed: u64) -> Vec<State> {
    (0..n as u64).map(|i| state(family, i, seed)).collect()
}

fn state(family: Family, i: u64, seed: u64) -> State {
    const SIDE_NM: f64 = 1000.0;
    let u = |j: u64| draw(seed, 8 * i + j);
    let (x, y) = ((u(0) - 0.5) * SIDE_NM, (u(1) - 0.5) * SIDE_NM);
    let square = |centre: f64| {
        let lat = 48.0 + y / 60.0;
        (lat, centre + x / (60.0 * libm::cos(lat.to_radians())))
    };
    let (lat, lon) = match family {
        Family::Box | Family::BoxQ => square(10.0),
        Family::Anti => square(180.0),
        Family::Globe => (libm::asin(2.0 * u(1) - 1.0).to_degrees(), 360.0 * u(0) - 180.0),
        Family::Pole => (90.0 - libm::hypot(x, y) / 60.0, libm::atan2(x, -y).to_degrees()),
    };
    let lon = if lon >= 180.0 { lon - 360.0 } else { lon };
    let vs_fpm = match u(4) {
        up if up < 0.15 => 500.0 + 2000.0 * u(5),
        down if down < 0.30 => -(500.0 + 2000.0 * u(5)),
        _ => 0.0,
    };
    let alt_ft = 10_000.0 + 30_000.0 * u(3);
    let snap = |step: f64| step * libm::floor(alt_ft / step + 0.5);
    let alt_ft = match family {
        Family::BoxQ if vs_fpm == 0.0 => snap(1000.0),
        Family::BoxQ => snap(25.0),
        _ => alt_ft,
    };
    State { lat, lon, alt_ft, gs_kt: 450.0, trk_deg: 360.0 * u(2), vs_fpm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // First aircraft of the box family as the reference generator prints it.
        let s = states(Family::Box, 1, SEED)[0];
        for (got, want) in [(s.lat, LAT0), (s.lon, LON0), (s.alt_ft, ALT0), (s.trk_deg, TRK0)] {
            assert!((got - want).abs() < 1e-9, "{got} {want}");
        }
        let q = states(Family::BoxQ, 50, SEED);
        assert!(q.iter().all(|s| s.vs_fpm != 0.0 || s.alt_ft % 1000.0 == 0.0));
    }
    const LAT0: f64 = 42.54960445804724;
    const LON0: f64 = 20.13425407835367;
    const ALT0: f64 = 33137.53324170417;
    const TRK0: f64 = 271.37611815989897;
}
