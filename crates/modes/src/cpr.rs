//! Compact position reporting: where an aircraft is, from its frames and where it was (Doc 9871, C.2.6).
//!
//! A frame alone names one place in each of some 60 zones. Which zone, is said by
//! - a pair of frames of either parity, at most 10 s apart (airborne only: on the surface it leaves four longitudes), or
//! - the last position, at most 180 s old: 1,000 m/s then makes 97 NM, and the zones are 360 NM (surface 90 NM) wide, or
//! - on the surface, the receiver's own place; since that is a guess, a first position needs a pair that agrees on it:
//!   even and odd zones differ in width, so in a wrong zone the two are kilometres apart.
//!
//! Where two ways are open they must agree. A position that implies more than 1,000 m/s is refused; after three refused
//! in a row the last position itself is in doubt and forgotten.
use feed::FrameError;
use rs1090::decode::bds::bds05::AirbornePosition;
use rs1090::decode::bds::bds06::SurfacePosition;
use rs1090::decode::cpr::{
    CPRFormat, Position as Place, airborne_position, airborne_position_with_reference, surface_position_with_reference,
};
use units::{Position, Utc, earth};

/// Longest time between the frames of a pair, ms (Doc 9871, C.2.6.7; DO-260B 2.2.10.3).
const PAIR_MS_MAX: i64 = 10_000;
/// Longest time a position stands for its zone, ms.
const LAST_MS_MAX: i64 = 180_000;
/// Fastest aircraft, m/s: about Mach 3, above any that is tracked by ADS-B.
const AIR_MPS_MAX: f64 = 1000.0;
/// Fastest on the surface, m/s: above any take-off.
const SURFACE_MPS_MAX: f64 = 150.0;
/// Added to what the speed allows, metres: times of reception are good to a second, resolution is 5 m.
const SLACK_M: f64 = 1000.0;
/// Two ways to one position agree within this, metres.
const AGREE_M: f64 = 20.0;
/// So many positions refused in a row, and the last one accepted is forgotten.
const MISSES_MAX: u8 = 3;

/// One position message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Raw {
    Air(AirbornePosition),
    Surface(SurfacePosition),
}

impl Raw {
    const fn is_air(&self) -> bool {
        matches!(self, Self::Air(_))
    }

    fn is_even(&self) -> bool {
        match self {
            Self::Air(m) => m.parity == CPRFormat::Even,
            Self::Surface(m) => m.parity == CPRFormat::Even,
        }
    }

    fn near(&self, place: Place) -> Option<Place> {
        match self {
            Self::Air(m) => airborne_position_with_reference(m, place.latitude, place.longitude),
            Self::Surface(m) => surface_position_with_reference(m, place.latitude, place.longitude),
        }
        .map(wrapped)
    }
}

#[derive(Debug, Clone, Copy)]
struct Fix {
    at: Utc,
    place: Place,
    air: bool,
}

/// What is known of one aircraft's place.
#[derive(Debug, Default)]
pub(crate) struct Cpr {
    even: Option<(Utc, Raw)>,
    odd: Option<(Utc, Raw)>,
    last: Option<Fix>,
    misses: u8,
}

impl Cpr {
    /// Takes a position message heard `at`; the position if it is certain.
    pub(crate) fn take(
        &mut self,
        at: Utc,
        raw: Raw,
        receiver: Option<Position>,
    ) -> Result<Option<Position>, FrameError> {
        let (own, other) = if raw.is_even() { (&mut self.even, &self.odd) } else { (&mut self.odd, &self.even) };
        *own = Some((at, raw));
        let other = other.filter(|(t, o)| age(at, *t) <= PAIR_MS_MAX && o.is_air() == raw.is_air());
        let last = self.last.filter(|last| age(at, last.at) <= LAST_MS_MAX);
        let found = match last {
            Some(last) => follow(at, raw, other, last),
            None => first(at, raw, other, receiver),
        };
        match found {
            Ok(Some(place)) => {
                self.misses = 0;
                self.last = Some(Fix { at, place, air: raw.is_air() });
                Ok(Position::from_degrees(place.latitude, place.longitude).ok())
            }
            Ok(None) => Ok(None),
            Err(cause) => {
                self.misses += 1;
                if self.misses >= MISSES_MAX {
                    *self = Self::default();
                }
                Err(cause)
            }
        }
    }
}

/// A position of an aircraft whose last is known.
fn follow(at: Utc, raw: Raw, other: Option<(Utc, Raw)>, last: Fix) -> Result<Option<Place>, FrameError> {
    let local = raw.near(last.place);
    let global = other.and_then(|(_, other)| pair(raw, other));
    let place = match (local, global) {
        (Some(local), Some(global)) => {
            let metres = distance(local, global);
            if metres > AGREE_M {
                return Err(FrameError::Ambiguous { metres: metres as u32 });
            }
            local
        }
        (Some(place), None) | (None, Some(place)) => place,
        (None, None) => return Ok(None),
    };
    within(distance(place, last.place), age(at, last.at), raw.is_air() || last.air)?;
    Ok(Some(place))
}

/// A position of an aircraft not heard before: both frames of a pair must give it.
fn first(
    at: Utc,
    raw: Raw,
    other: Option<(Utc, Raw)>,
    receiver: Option<Position>,
) -> Result<Option<Place>, FrameError> {
    let Some((t, o)) = other else { return Ok(None) };
    let (new, old) = if raw.is_air() {
        (pair(raw, o), pair(o, raw))
    } else {
        let place = receiver.map(|p| Place { latitude: p.lat(), longitude: p.lon() });
        (place.and_then(|place| raw.near(place)), place.and_then(|place| o.near(place)))
    };
    let (Some(new), Some(old)) = (new, old) else { return Ok(None) };
    within(distance(new, old), age(at, t), raw.is_air())?;
    Ok(Some(new))
}

/// The place of `raw`, from it and a message of the other parity. Airborne only.
fn pair(raw: Raw, other: Raw) -> Option<Place> {
    let (Raw::Air(raw), Raw::Air(other)) = (raw, other) else { return None };
    airborne_position(&other, &raw).map(wrapped)
}

fn within(metres: f64, ms: i64, air: bool) -> Result<(), FrameError> {
    let seconds = ms as f64 / 1000.0;
    let limit = if air { AIR_MPS_MAX } else { SURFACE_MPS_MAX };
    if metres <= limit * seconds + SLACK_M {
        return Ok(());
    }
    Err(FrameError::Speed { mps: (metres / seconds.max(1.0)) as u32 })
}

/// Age as a distance: frames may come in another order than they were heard.
fn age(a: Utc, b: Utc) -> i64 {
    a.since_ms(b).saturating_abs()
}

fn distance(a: Place, b: Place) -> f64 {
    earth::norm(earth::sub(earth::surface(a.latitude, a.longitude), earth::surface(b.latitude, b.longitude)))
}

// Relative to a reference at 179.9° east the formulas give 180.1° rather than -179.9°.
fn wrapped(place: Place) -> Place {
    let turns = ((place.longitude + 180.0) / 360.0).floor();
    Place { latitude: place.latitude, longitude: place.longitude - 360.0 * turns }
}
