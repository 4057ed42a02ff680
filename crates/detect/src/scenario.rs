//! Seeded traffic on which detectors are judged and timed: counter-based SplitMix64, N is a prefix.
//!
//! Aircraft i uses u_j = draw(seed, 8·i + j), j = 0..5: place from u0 and u1, track 360·u2, height 10,000 + 30,000·u3 ft,
//! 450 kt; 15 % climb and 15 % descend at 500 to 2500 ft/min. `Box`, `BoxQ` and `Globe` are the published families;
//! `Anti` is `Box` across the antimeridian, `Pole` the same square around the north pole; the others are `Box` with what
//! [`Family`] says of each.
pub mod volumes;

use crate::kinematics::State;
use crate::minima::{Minima, MinimaTable};
use alloc::vec::Vec;
use track::TrackReport;
use units::{AircraftClass, Angle, Height, Position, PositionError, Speed, Utc, VerticalRate};

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
    /// Fours of one velocity, up to 3 km from one to the next, at one level or 1000 ft apart.
    Formation,
    /// At 60 to 160 kt, and one in a hundred at Mach 2 to 9.
    Supersonic,
    /// Drones in a town of 10 NM, one in 25 a helicopter or an aeroplane above it, some without a velocity, some without a
    /// level; by class, with minima of their own ([`Family::minima`]).
    City,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 8] =
        [Self::Box, Self::BoxQ, Self::Globe, Self::Anti, Self::Pole, Self::Formation, Self::Supersonic, Self::City];

    /// Name as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::BoxQ => "boxq",
            Self::Globe => "globe",
            Self::Anti => "anti",
            Self::Pole => "pole",
            Self::Formation => "formation",
            Self::Supersonic => "supersonic",
            Self::City => "city",
        }
    }

    /// From [`Family::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Class of an aircraft.
    #[must_use]
    pub const fn class(self, i: u64) -> AircraftClass {
        if matches!(self, Self::City) && i % 50 >= 2 { AircraftClass::Uas } else { AircraftClass::Civil }
    }

    /// What it is judged by: the defaults; of drones with each other 100 m, 30 m and 60 s, with others 900 m.
    #[must_use]
    pub fn minima(self) -> MinimaTable {
        let drones = Minima { lateral_mm: 100_000, vertical: Height(300_000), horizon_ms: 60_000 };
        MinimaTable::from_fn(|a, b| match (self, a, b) {
            (Self::City, AircraftClass::Uas, AircraftClass::Uas) => drones,
            (Self::City, AircraftClass::Uas, _) | (Self::City, _, AircraftClass::Uas) => {
                Minima { lateral_mm: 900_000, ..drones }
            }
            _ => Minima::DEFAULT,
        })
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

/// The same as reports at the epoch, with classes: rounded to the units of a report.
///
/// # Errors
/// None in the published families.
pub fn reports(family: Family, n: usize, seed: u64) -> Result<Vec<TrackReport>, PositionError> {
    let report = |(i, s): (u64, State)| {
        let mut report = TrackReport::new(i, Position::from_degrees(s.lat, s.lon)?, Utc(0));
        report.pressure = Height::from_feet_f64(s.alt_ft);
        report.speed = s.gs_kt.is_finite().then(|| Speed::from_knots(s.gs_kt));
        report.track = Angle::from_degrees(s.trk_deg);
        report.vertical_rate = Some(VerticalRate::from_fpm(s.vs_fpm));
        report.class = family.class(i);
        Ok(report)
    };
    (0..n as u64).map(|i| report((i, state(family, i, seed)))).collect()
}

const SIDE_NM: f64 = 1000.0;

fn state(family: Family, i: u64, seed: u64) -> State {
    let u = |j: u64| draw(seed, 8 * i + j);
    let (x, y) = ((u(0) - 0.5) * SIDE_NM, (u(1) - 0.5) * SIDE_NM);
    let square = |centre: f64| {
        let lat = 48.0 + y / 60.0;
        (lat, centre + x / (60.0 * libm::cos(lat.to_radians())))
    };
    let (lat, lon) = match family {
        Family::Formation => return formation(i, seed),
        Family::City => return city(i, u),
        Family::Box | Family::BoxQ | Family::Supersonic => square(10.0),
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
    let gs_kt = match family {
        Family::Supersonic if i.is_multiple_of(100) => 1300.0 + 4500.0 * u(6),
        Family::Supersonic => 60.0 + 100.0 * u(6),
        _ => 450.0,
    };
    State { lat, lon, alt_ft, gs_kt, trk_deg: 360.0 * u(2), vs_fpm }
}

/// Member i mod 4 of a formation whose leader is aircraft i div 4 of `Box`.
fn formation(i: u64, seed: u64) -> State {
    let (leader, member) = (i / 4, (i % 4) as f64);
    let first = state(Family::Box, leader, seed);
    let u = |j: u64| draw(seed, 8 * leader + j);
    let north_deg = member * 3000.0 * u(6) * u(6) / 111_120.0;
    let stack_ft = if u(7) < 0.5 { 0.0 } else { 1000.0 };
    State {
        lat: first.lat + north_deg,
        lon: first.lon + north_deg / 2.0 / libm::cos(first.lat.to_radians()),
        alt_ft: first.alt_ft + member * stack_ft,
        ..first
    }
}

fn city(i: u64, u: impl Fn(u64) -> f64) -> State {
    let (alt_ft, gs_kt, vs_fpm) = match i % 50 {
        0 => (1500.0 + 1500.0 * u(3), 120.0 * u(4), 1000.0 * (u(5) - 0.5)),
        1 => (2000.0 + 4000.0 * u(3), 250.0, 0.0),
        _ => (400.0 * u(3), 30.0 * u(4), 400.0 * (u(5) - 0.5)),
    };
    State {
        lat: 52.5 + (u(0) - 0.5) / 6.0,
        lon: 13.4 + (u(1) - 0.5) / 3.7,
        alt_ft: if i % 89 == 7 { f64::NAN } else { alt_ft },
        gs_kt: if i % 97 == 5 { f64::NAN } else { gs_kt },
        trk_deg: 360.0 * u(2),
        vs_fpm,
    }
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
