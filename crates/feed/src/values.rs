//! Values of a record to the units of a report. A value that is not what its field says is named and left out.
use crate::batch::Batch;
use crate::error::{FeedError, Place, excerpt};
use crate::limits::AHEAD_MS_MAX;
use crate::{REPLAY, time};
use alloc::string::ToString;
use track::{Address, Callsign, ModeA};
use units::{Angle, Height, Position, Speed, Utc, VerticalRate};

/// One field of one record: its place, its name, and where to complain.
pub(crate) struct Field<'a> {
    pub(crate) place: Place,
    pub(crate) name: &'static str,
    pub(crate) out: &'a mut Batch,
}

impl Field<'_> {
    fn bad<T>(&mut self, want: &'static str, got: &[u8]) -> Option<T> {
        let (place, field) = (self.place, self.name);
        self.out.error(FeedError::Value { place, field, want, got: excerpt(got) });
        None
    }

    /// A number in decimal; blank is "not reported".
    pub(crate) fn number(&mut self, text: &str) -> Option<f64> {
        if text.is_empty() {
            return None;
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => self.bad("a number", text.as_bytes()),
        }
    }

    /// Ground speed in knots.
    pub(crate) fn knots(&mut self, knots: f64) -> Option<Speed> {
        if (0.0..=5800.0).contains(&knots) {
            return Some(Speed::from_knots(knots));
        }
        self.bad("a speed of 0 to 5800 kt", knots.to_string().as_bytes())
    }

    /// Track over ground in degrees true.
    pub(crate) fn degrees(&mut self, degrees: f64) -> Option<Angle> {
        if (0.0..=360.0).contains(&degrees) {
            return Angle::from_degrees(degrees);
        }
        self.bad("a track of 0 to 360 degrees", degrees.to_string().as_bytes())
    }

    /// Vertical rate in feet per minute.
    pub(crate) fn fpm(&mut self, fpm: f64) -> Option<VerticalRate> {
        if (-98_000.0..=98_000.0).contains(&fpm) {
            return Some(VerticalRate::from_fpm(fpm));
        }
        self.bad("a rate within 98000 ft/min", fpm.to_string().as_bytes())
    }

    /// Height in feet, exact to a tenth of a millimetre.
    pub(crate) fn feet(&mut self, feet: f64) -> Option<Height> {
        if (-6500.0..=328_000.0).contains(&feet) {
            return Height::from_feet_f64(feet);
        }
        self.bad("a height of -6500 to 328000 ft", feet.to_string().as_bytes())
    }

    /// Callsign; blank is "not reported".
    pub(crate) fn callsign(&mut self, text: &str) -> Option<Callsign> {
        if text.trim().is_empty() {
            return None;
        }
        match Callsign::parse(text) {
            Ok(callsign) => Some(callsign),
            Err(_) => self.bad("a callsign", text.as_bytes()),
        }
    }

    /// Mode A code; blank is "not reported".
    pub(crate) fn mode_a(&mut self, text: &str) -> Option<ModeA> {
        if text.is_empty() {
            return None;
        }
        match ModeA::parse(text) {
            Ok(code) if text.bytes().all(|b| b.is_ascii_digit()) => Some(code),
            _ => self.bad("four octal digits", text.as_bytes()),
        }
    }
}

/// The address, without which a record is of no aircraft.
pub(crate) fn address(place: Place, field: &'static str, text: &str) -> Result<Address, FeedError> {
    if text.is_empty() {
        return Err(FeedError::Missing { place, field });
    }
    Address::parse(text).map_err(|_| FeedError::Value {
        place,
        field,
        want: "an address of six hexadecimal digits",
        got: excerpt(text.as_bytes()),
    })
}

/// The position, both parts in degrees.
pub(crate) fn position(place: Place, field: &'static str, lat: f64, lon: f64) -> Result<Position, FeedError> {
    Position::from_degrees(lat, lon).map_err(|_| FeedError::Value {
        place,
        field,
        want: "a position on the earth",
        got: excerpt(alloc::format!("{lat},{lon}").as_bytes()),
    })
}

/// A needed number in text.
pub(crate) fn needed(place: Place, field: &'static str, text: &str) -> Result<f64, FeedError> {
    if text.is_empty() {
        return Err(FeedError::Missing { place, field });
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(FeedError::Value { place, field, want: "a number", got: excerpt(text.as_bytes()) }),
    }
}

/// Seconds since 1970 as a time of applicability.
pub(crate) fn unix_time(place: Place, field: &'static str, seconds: f64) -> Result<Utc, FeedError> {
    time::unix_seconds(seconds).ok_or_else(|| FeedError::Value {
        place,
        field,
        want: "a time from 1970 to 2199",
        got: excerpt(seconds.to_string().as_bytes()),
    })
}

/// Refuses a time ahead of its reception by more than clocks may differ.
pub(crate) fn not_ahead(place: Place, at: Utc, received: Utc) -> Result<Utc, FeedError> {
    if received != REPLAY && at.since_ms(received) > AHEAD_MS_MAX {
        return Err(FeedError::Clock { place, ahead_ms: at.since_ms(received) });
    }
    Ok(at)
}

/// Horizontal accuracy (95 %) in millimetres from the navigation accuracy category for position (DO-260B,
/// NACp: bound of the estimated position uncertainty); without one, from the radius of containment in metres, which is never smaller.
#[must_use]
pub fn accuracy_mm(nac_p: Option<i64>, rc_m: Option<f64>) -> Option<u32> {
    const EPU_MM: [u32; 12] =
        [0, 18_520_000, 7_408_000, 3_704_000, 1_852_000, 926_000, 555_600, 185_200, 92_600, 30_000, 10_000, 3_000];
    match nac_p.and_then(|n| usize::try_from(n).ok()).and_then(|n| EPU_MM.get(n)) {
        Some(mm) if *mm > 0 => Some(*mm),
        _ => rc_m.filter(|m| *m > 0.0 && *m < 4_000_000.0).map(|m| libm::round(m * 1000.0) as u32),
    }
}
