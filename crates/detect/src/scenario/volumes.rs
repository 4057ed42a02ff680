//! Seeded volumes, on which the index of volumes is judged and timed: N is a prefix.
//!
//! Volume i uses u_j = draw(seed, 16·i + j), j = 0..15. Of a hundred volumes some 60 are circles of drones (50 to 500 m, ground to
//! 400 ft AGL, 10 to 60 min), 30 are legs of plans (corridors of 10 to 40 NM, 2.5 NM to either side, one or two thousand feet
//! of standard pressure, 3 to 10 min), 8 are areas (polygons of 4 to 8 corners within 1 to 10 NM, MSL, 30 min to 4 h) and 2 are
//! large areas (10 to 40 NM, ground to unlimited or above a flight level, 2 to 24 h). All begin within one day.
use super::draw;
use airspace::{Limit, Outline, Volume4d};
use alloc::vec::Vec;
use units::{Altitude, Height, NM_MM, Reference, Utc, Vertex, earth};

/// Where the volumes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// The whole globe, evenly.
    Globe,
    /// A square of 1000 NM around 48°N 10°E.
    Box,
}

impl Spread {
    /// Every spread.
    pub const ALL: [Self; 2] = [Self::Globe, Self::Box];

    /// Name as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Globe => "globe",
            Self::Box => "box",
        }
    }

    /// From [`Spread::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// 2026-08-01T00:00:00Z, when the day of the volumes begins.
pub const DAY: Utc = Utc(1_785_542_400_000);

/// Volume `i` of a spread.
#[must_use]
pub fn volume(spread: Spread, i: u64, seed: u64) -> Volume4d {
    let u = |j: u64| draw(seed, 16 * i + j);
    let (lat, lon) = match spread {
        Spread::Globe => (libm::asin(2.0 * u(1) - 1.0).to_degrees(), 360.0 * u(0) - 180.0),
        Spread::Box => {
            let lat = 48.0 + (u(1) - 0.5) * 1000.0 / 60.0;
            (lat, 10.0 + (u(0) - 0.5) * 1000.0 / (60.0 * libm::cos(lat.to_radians())))
        }
    };
    let centre = vertex(lat, lon);
    let msl = |feet: f64| Limit::At(Altitude::Known(Height::from_feet(feet as i32), Reference::Msl));
    let pressure = |feet: f64| Limit::At(Altitude::pressure_feet(feet as i32));
    let minutes = |low: f64, high: f64| low + (high - low) * u(3);
    let (outline, lower, upper, minutes) = match u(2) {
        kind if kind < 0.6 => {
            let radius_mm = (50.0 + 450.0 * u(4)) as i64 * 1000;
            let agl = |feet| Limit::At(Altitude::Known(Height::from_feet(feet), Reference::Agl));
            (Outline::Circle { centre, radius_mm }, agl(0), agl(400), minutes(10.0, 60.0))
        }
        kind if kind < 0.9 => {
            let (la, lo) = earth::direct(centre.lat(), centre.lon(), 360.0 * u(4), NM_M * (10.0 + 30.0 * u(5)));
            let points = Vec::from([centre, vertex(la, lo)]);
            let bottom = 1000.0 * libm::floor(5.0 + 36.0 * u(6));
            let top = bottom + if u(7) < 0.5 { 1000.0 } else { 2000.0 };
            let outline = Outline::Corridor { points, half_width_mm: 5 * NM_MM / 2 };
            (outline, pressure(bottom), pressure(top), minutes(3.0, 10.0))
        }
        kind if kind < 0.98 => {
            let bottom = 500.0 * libm::floor(20.0 * u(6));
            let outline = ring(centre, NM_M * (1.0 + 9.0 * u(4)), &u);
            (outline, msl(bottom), msl(bottom + 1000.0 + 9000.0 * u(7)), minutes(30.0, 240.0))
        }
        _ => {
            let lower = if u(6) < 0.5 { Limit::Unlimited } else { pressure(1000.0 * libm::floor(5.0 + 20.0 * u(7))) };
            (ring(centre, NM_M * (10.0 + 30.0 * u(4)), &u), lower, Limit::Unlimited, minutes(120.0, 1440.0))
        }
    };
    let start = DAY.plus_ms((u(15) * 86_400_000.0) as i64);
    Volume4d { outline, lower, upper, start, end: start.plus_ms((minutes * 60_000.0) as i64) }
}

/// A ragged ring of 4 to 8 corners around a place.
fn ring(centre: Vertex, reach_m: f64, u: &impl Fn(u64) -> f64) -> Outline {
    let corners = 4 + (5.0 * u(5)) as u64;
    let corner = |n: u64| {
        let azimuth = 360.0 * n as f64 / corners as f64;
        let (lat, lon) = earth::direct(centre.lat(), centre.lon(), azimuth, reach_m * (0.6 + 0.4 * u(7 + n)));
        vertex(lat, lon)
    };
    Outline::Polygon((0..corners).map(corner).collect())
}

fn vertex(lat: f64, lon: f64) -> Vertex {
    let lon = earth::wrap_degrees(lon);
    Vertex::from_degrees(lat.clamp(-90.0, 90.0), lon).unwrap_or(Vertex { lat_e9: 0, lon_e9: 0 })
}

/// Metres of a nautical mile.
const NM_M: f64 = NM_MM as f64 / 1000.0;
