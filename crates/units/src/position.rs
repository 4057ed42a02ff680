//! Points on the WGS-84 ellipsoid.
use minicbor::{Decode, Encode};

/// A latitude or longitude that is no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionError {
    /// Latitude as given, degrees × 1e-9 (or `i64::MIN` if not a number).
    pub lat_e9: i64,
    /// Longitude as given, degrees × 1e-9 (or `i64::MIN` if not a number).
    pub lon_e9: i64,
}

impl core::fmt::Display for PositionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "not a position: latitude {} (allowed -90 to 90), longitude {} (allowed -180 to 180)",
            self.lat_e9 as f64 / 1e9,
            self.lon_e9 as f64 / 1e9
        )
    }
}

impl core::error::Error for PositionError {}

/// Where an aircraft was: WGS-84 degrees × 1e-7 (1.1 cm at the equator).
///
/// Invariant: latitude in ±90°, longitude in [-180°, 180°).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Position {
    /// Latitude, degrees north × 1e-7.
    #[n(0)]
    pub lat_e7: i32,
    /// Longitude, degrees east × 1e-7.
    #[n(1)]
    pub lon_e7: i32,
}

impl Position {
    /// From integer parts; longitude 180° becomes -180°.
    ///
    /// # Errors
    /// A latitude beyond ±90° or a longitude beyond ±180°.
    pub fn new(lat_e7: i32, lon_e7: i32) -> Result<Self, PositionError> {
        if lat_e7.unsigned_abs() > 900_000_000 || lon_e7.unsigned_abs() > 1_800_000_000 {
            return Err(PositionError { lat_e9: i64::from(lat_e7) * 100, lon_e9: i64::from(lon_e7) * 100 });
        }
        let lon_e7 = if lon_e7 == 1_800_000_000 { -1_800_000_000 } else { lon_e7 };
        Ok(Self { lat_e7, lon_e7 })
    }

    /// From degrees, rounded to the nearest 1e-7.
    ///
    /// # Errors
    /// Values out of range or not finite.
    pub fn from_degrees(lat: f64, lon: f64) -> Result<Self, PositionError> {
        check_degrees(lat, lon)?;
        Self::new(libm::round(lat * 1e7) as i32, libm::round(lon * 1e7) as i32)
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        f64::from(self.lat_e7) / 1e7
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lon(self) -> f64 {
        f64::from(self.lon_e7) / 1e7
    }

    /// The same point in the finer unit of volumes (exact).
    #[must_use]
    pub fn vertex(self) -> Vertex {
        Vertex { lat_e9: i64::from(self.lat_e7) * 100, lon_e9: i64::from(self.lon_e7) * 100 }
    }
}

/// A corner of a volume: WGS-84 degrees × 1e-9 (0.1 mm; at 1e-7 an edge would move by 1.1 cm, and 1 cm decides).
///
/// Invariant: latitude in ±90°, longitude in [-180°, 180°).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Vertex {
    /// Latitude, degrees north × 1e-9.
    #[n(0)]
    pub lat_e9: i64,
    /// Longitude, degrees east × 1e-9.
    #[n(1)]
    pub lon_e9: i64,
}

impl Vertex {
    /// From integer parts; longitude 180° becomes -180°.
    ///
    /// # Errors
    /// A latitude beyond ±90° or a longitude beyond ±180°.
    pub fn new(lat_e9: i64, lon_e9: i64) -> Result<Self, PositionError> {
        if lat_e9.unsigned_abs() > 90_000_000_000 || lon_e9.unsigned_abs() > 180_000_000_000 {
            return Err(PositionError { lat_e9, lon_e9 });
        }
        let lon_e9 = if lon_e9 == 180_000_000_000 { -180_000_000_000 } else { lon_e9 };
        Ok(Self { lat_e9, lon_e9 })
    }

    /// From degrees, rounded to the nearest 1e-9.
    ///
    /// # Errors
    /// Values out of range or not finite.
    pub fn from_degrees(lat: f64, lon: f64) -> Result<Self, PositionError> {
        check_degrees(lat, lon)?;
        Self::new(libm::round(lat * 1e9) as i64, libm::round(lon * 1e9) as i64)
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat_e9 as f64 / 1e9
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lon(self) -> f64 {
        self.lon_e9 as f64 / 1e9
    }
}

fn check_degrees(lat: f64, lon: f64) -> Result<(), PositionError> {
    if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
        return Ok(());
    }
    let e9 = |d: f64| {
        if d.is_finite() { libm::round(d * 1e9) as i64 } else { i64::MIN }
    };
    Err(PositionError { lat_e9: e9(lat), lon_e9: e9(lon) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_antimeridian_has_one_name() {
        assert_eq!(Position::from_degrees(1.0, 180.0), Position::from_degrees(1.0, -180.0));
        assert_eq!(Vertex::from_degrees(1.0, 180.0), Vertex::from_degrees(1.0, -180.0));
    }

    #[test]
    fn a_position_off_the_earth_is_refused() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Position::from_degrees(lat, lon).is_err(), "{lat} {lon}");
            assert!(Vertex::from_degrees(lat, lon).is_err(), "{lat} {lon}");
        }
    }
}
