//! Heights and the surface they are measured from.
use minicbor::{Decode, Encode};

/// A height above some reference, in tenths of a millimetre.
///
/// One foot is exactly 3048 of them and one metre exactly 10 000, so neither unit loses anything: two aircraft
/// 1000 ft apart are 3 048 000 apart, and an integer comparison says so (in f64 metres 12 of 31 adjacent flight
/// levels fall below 304.8 m). Range ±214 km.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Height(pub i32);

impl Height {
    /// Units in one foot (exact).
    pub const PER_FOOT: i32 = 3048;
    /// Units in one metre (exact).
    pub const PER_METRE: i32 = 10_000;

    /// From whole feet, saturating at the range's end.
    #[must_use]
    pub const fn from_feet(feet: i32) -> Self {
        Self(feet.saturating_mul(Self::PER_FOOT))
    }

    /// From feet with a fraction, rounded to a tenth of a millimetre; `None` outside the range or not a number.
    #[must_use]
    pub fn from_feet_f64(feet: f64) -> Option<Self> {
        Self::from_units(feet * f64::from(Self::PER_FOOT))
    }

    /// From metres, rounded to a tenth of a millimetre; `None` outside the range or not a number.
    #[must_use]
    pub fn from_metres(metres: f64) -> Option<Self> {
        Self::from_units(metres * f64::from(Self::PER_METRE))
    }

    fn from_units(units: f64) -> Option<Self> {
        let whole = libm::round(units);
        (whole >= f64::from(i32::MIN) && whole <= f64::from(i32::MAX)).then_some(Self(whole as i32))
    }

    /// Feet.
    #[must_use]
    pub fn feet(self) -> f64 {
        f64::from(self.0) / f64::from(Self::PER_FOOT)
    }

    /// Metres.
    #[must_use]
    pub fn metres(self) -> f64 {
        f64::from(self.0) / f64::from(Self::PER_METRE)
    }

    /// Distance between two heights of the same reference; fits `i64` always.
    #[must_use]
    pub const fn distance(self, other: Self) -> i64 {
        (self.0 as i64 - other.0 as i64).abs()
    }
}

/// The surface a height is measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Reference {
    /// The 1013.25 hPa surface of the standard atmosphere: pressure altitude, flight levels.
    #[n(0)]
    Pressure,
    /// Mean sea level (a geoid).
    #[n(1)]
    Msl,
    /// The WGS-84 ellipsoid.
    #[n(2)]
    Wgs84,
    /// The ground below.
    #[n(3)]
    Agl,
}

/// An altitude with its reference. There is no conversion here: it needs a model (QNH, geoid, terrain) and an error.
///
/// `Unknown` is a case of its own and is taken as "any level" by every detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Altitude {
    /// Nothing is known of the level.
    #[n(0)]
    Unknown,
    /// A height above `1`'s surface.
    #[n(1)]
    Known(#[n(0)] Height, #[n(1)] Reference),
}

impl Altitude {
    /// Pressure altitude in whole feet.
    #[must_use]
    pub const fn pressure_feet(feet: i32) -> Self {
        Self::Known(Height::from_feet(feet), Reference::Pressure)
    }

    /// The height if it is known in `reference`.
    #[must_use]
    pub fn in_reference(self, reference: Reference) -> Option<Height> {
        match self {
            Self::Known(height, r) if r == reference => Some(height),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feet_and_metres_are_both_exact() {
        for level in 100..500 {
            let low = Height::from_feet(level * 100);
            let high = Height::from_feet(level * 100 + 1000);
            assert_eq!(high.distance(low), 3_048_000, "FL{level}");
        }
        assert_eq!(Height::from_metres(304.8), Some(Height::from_feet(1000)));
        assert_eq!(Height::from_feet_f64(f64::NAN), None);
        assert_eq!(Height::from_metres(1e9), None);
    }
}
