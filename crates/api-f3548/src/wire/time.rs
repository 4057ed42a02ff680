//! Times: RFC 3339 with a zone, held to the microsecond.
use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A time, as the standard writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Time {
    pub value: String,
    pub format: String,
}

/// Times of the years 1 to 9998: a day more or less can still be written in four digits.
const YEARS_US: Range<i64> = -62_135_596_800_000_000..253_370_764_800_000_000;

/// Which way the part below a microsecond goes: outward.
#[derive(Clone, Copy)]
pub(crate) enum Rounded {
    Down,
    Up,
}

impl Time {
    /// Microseconds since 1970.
    pub fn read(&self, field: &str, rounded: Rounded) -> Result<i64, Problem> {
        if self.format != "RFC3339" {
            return Err(Problem::field(&format!("{field}.format"), "must be \"RFC3339\""));
        }
        instant(&format!("{field}.value"), &self.value, rounded)
    }

    /// Writes microseconds since 1970.
    pub fn of(us: i64) -> Self {
        // What is held was read from such a text, or is the clock's.
        let value = Timestamp::from_microsecond(us).map_or_else(|_| String::new(), |t| t.to_string());
        Self { value, format: "RFC3339".into() }
    }
}

/// Reads a time by RFC 3339 into microseconds since 1970.
pub(crate) fn instant(field: &str, text: &str, rounded: Rounded) -> Result<i64, Problem> {
    // The parser below takes more forms than the RFC has; of these a time without its zone is the dangerous one.
    if !is_rfc3339(text.as_bytes()) {
        let reason = "not a time with its zone by RFC 3339, such as 2026-01-02T03:04:05.678Z";
        return Err(Problem::field(field, reason));
    }
    let year = || Problem::field(field, "not of the years 1 to 9998");
    // Of what is beyond these the parser does not take all.
    if text.starts_with("0000") || text.starts_with("9999") {
        return Err(year());
    }
    let time: Timestamp = text.parse().map_err(|e| Problem::field(field, format!("not a time by RFC 3339: {e}")))?;
    if !YEARS_US.contains(&time.as_microsecond()) {
        return Err(year());
    }
    let below = i64::from(time.subsec_nanosecond().rem_euclid(1000));
    let down = time.as_microsecond() - i64::from(time.as_nanosecond() < 0 && below > 0);
    Ok(down + i64::from(matches!(rounded, Rounded::Up) && below > 0))
}

/// Whether a text has the form of RFC 3339, 5.6.
fn is_rfc3339(text: &[u8]) -> bool {
    let like = |text: &[u8], form: &[u8]| {
        let same = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
        text.len() == form.len() && text.iter().zip(form).all(same)
    };
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let (date, time) = head.split_at(10);
    let (between, time) = time.split_at(1);
    let zone = match tail {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &rest[digits..]
        }
        _ => tail,
    };
    let offset = like(zone, b"+00:00") || like(zone, b"-00:00");
    let zone = matches!(zone, [b'Z' | b'z']) || (offset && zone[1..] < b"24"[..]);
    like(date, b"0000-00-00") && matches!(between, [b'T' | b't']) && like(time, b"00:00:00") && zone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str, rounded: Rounded) -> Result<i64, String> {
        let time = Time { value: value.into(), format: "RFC3339".into() };
        time.read("t", rounded).map_err(|p| p.body["message"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_time_is_read_to_the_microsecond_rounded_as_asked_and_written_as_it_was() {
        for (text, down, up) in [
            ("1970-01-01T00:00:01Z", 1_000_000, 1_000_000),
            ("1970-01-01T01:00:00.000001+01:00", 1, 1),
            ("1970-01-01T00:00:00.000001001Z", 1, 2),
            ("1969-12-31T23:59:59.9999995Z", -1, 0),
            ("1969-12-31T23:59:59.999999Z", -1, -1),
            ("2026-11-23t04:05:06z", 1_795_406_706_000_000, 1_795_406_706_000_000),
        ] {
            assert_eq!(read(text, Rounded::Down), Ok(down), "{text}");
            assert_eq!(read(text, Rounded::Up), Ok(up), "{text}");
        }
        assert_eq!(Time::of(1_795_406_706_123_456).value, "2026-11-23T04:05:06.123456Z");
    }

    #[test]
    fn a_time_without_its_zone_or_of_another_form_is_refused_with_its_field() {
        for bad in [
            "",
            "something-invalid",
            "2026-11-23T04:05:06",
            "2026-11-23",
            "2026-11-23 04:05:06Z",
            "2026-11-23T04:05:06Z[UTC]",
            "2026-11-23T04:05:06+01:00[Europe/Zurich]",
            "2026-13-23T04:05:06Z",
            "99999-11-23T04:05:06Z",
            "+002026-11-23T04:05:06Z",
            "1795406706",
            "2026-11-23T04:05:06,5Z",
            "2026-11-23T04:05:06.Z",
            "2026-11-23T04:05:06.0000000001Z",
            "2026-11-23T0405:06Z",
            "2026-11-23T04:05Z",
            "20261123T040506Z",
            "2026-11-23T04:05:06+0100",
            "2026-11-23T04:05:06+24:00",
            "2026-11-23T04:05:06-25:30",
            "2026-11-23T04:05:06+23:60",
            "2026-11-23T04:05:06+01:00:30",
            "2026-11-23T04:05:06é01:00",
            "2026-11-23T04:05:06Z ",
        ] {
            let message = read(bad, Rounded::Down).unwrap_err();
            assert!(message.starts_with("t.value: not a time"), "{bad:?}: {message}");
        }
        for early_or_late in
            ["0000-12-31T23:59:59.9Z", "0001-01-01T00:00:00+00:01", "9998-12-31T23:59:59-00:01", "9999-12-31T23:59:59Z"]
        {
            assert_eq!(read(early_or_late, Rounded::Down).unwrap_err(), "t.value: not of the years 1 to 9998");
        }
        assert_eq!(Time::of(read("0001-01-01T00:00:00Z", Rounded::Down).unwrap()).value, "0001-01-01T00:00:00Z");
        assert_eq!(
            Time::of(read("9998-12-31T23:59:59.999999001Z", Rounded::Up).unwrap()).value,
            "9999-01-01T00:00:00Z"
        );
        let time = Time { value: "2026-11-23T04:05:06Z".into(), format: "UNIX".into() };
        assert_eq!(time.read("t", Rounded::Up).unwrap_err().body["message"], "t.format: must be \"RFC3339\"");
    }
}
