//! Times: RFC 3339 with a zone, held to the microsecond.
use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A time, as the standard writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Time {
    pub value: String,
    pub format: String,
}

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
    let shape = text.len() <= 40 && text.as_bytes().get(10).is_some_and(|t| t.eq_ignore_ascii_case(&b'T'));
    let zone =
        text.ends_with(['Z', 'z']) || text.as_bytes().iter().rev().nth(5).is_some_and(|b| matches!(b, b'+' | b'-'));
    if !shape || !zone || text.contains('[') {
        let reason = "not a time with its zone by RFC 3339, such as 2026-01-02T03:04:05.678Z";
        return Err(Problem::field(field, reason));
    }
    let time: Timestamp = text.parse().map_err(|e| Problem::field(field, format!("not a time by RFC 3339: {e}")))?;
    let below = i64::from(time.subsec_nanosecond().rem_euclid(1000));
    let down = time.as_microsecond() - i64::from(time.as_nanosecond() < 0 && below > 0);
    Ok(down + i64::from(matches!(rounded, Rounded::Up) && below > 0))
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
        ] {
            let message = read(bad, Rounded::Down).unwrap_err();
            assert!(message.starts_with("t.value: not a time"), "{bad:?}: {message}");
        }
        let time = Time { value: "2026-11-23T04:05:06Z".into(), format: "UNIX".into() };
        assert_eq!(time.read("t", Rounded::Up).unwrap_err().body["message"], "t.format: must be \"RFC3339\"");
    }
}
