//! Speeds and directions.
use minicbor::{Decode, Encode};

/// Ground speed, millimetres per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Speed(pub i32);

impl Speed {
    /// One knot is 1852/3600 m/s; rounded to the nearest millimetre per second.
    #[must_use]
    pub fn from_knots(knots: f64) -> Self {
        Self(libm::round(knots * 1_852_000.0 / 3600.0) as i32)
    }

    /// Metres per second.
    #[must_use]
    pub fn mps(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Knots.
    #[must_use]
    pub fn knots(self) -> f64 {
        f64::from(self.0) * 3600.0 / 1_852_000.0
    }
}

/// Vertical rate, millimetres per second, up positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct VerticalRate(pub i32);

impl VerticalRate {
    /// One foot per minute is 5.08 mm/s; rounded to the nearest millimetre per second.
    #[must_use]
    pub fn from_fpm(fpm: f64) -> Self {
        Self(libm::round(fpm * 5.08) as i32)
    }

    /// Metres per second.
    #[must_use]
    pub fn mps(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Feet per minute.
    #[must_use]
    pub fn fpm(self) -> f64 {
        f64::from(self.0) / 5.08
    }
}

/// A direction over ground, degrees true × 1e-5, in `[0, 36_000_000)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Angle(pub u32);

impl Angle {
    /// A full turn in units of 1e-5 degrees.
    pub const TURN: u32 = 36_000_000;

    /// Wraps any finite number of degrees into one turn; not-a-number and infinities give `None`.
    #[must_use]
    pub fn from_degrees(degrees: f64) -> Option<Self> {
        if !degrees.is_finite() {
            return None;
        }
        let turned = degrees - 360.0 * libm::floor(degrees / 360.0);
        Some(Self(libm::round(turned * 1e5) as u32 % Self::TURN))
    }

    /// Degrees.
    #[must_use]
    pub fn degrees(self) -> f64 {
        f64::from(self.0) / 1e5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_angle_wraps_into_one_turn() {
        for (deg, want) in [(0.0, 0), (360.0, 0), (-90.0, 27_000_000), (359.999_999_9, 0), (720.5, 50_000)] {
            assert_eq!(Angle::from_degrees(deg), Some(Angle(want)), "{deg}");
        }
        assert_eq!(Angle::from_degrees(f64::NAN), None);
    }

    #[test]
    fn knots_round_to_a_millimetre_per_second() {
        assert_eq!(Speed::from_knots(450.0), Speed(231_500));
        assert_eq!(VerticalRate::from_fpm(-64.0), VerticalRate(-325));
    }
}
