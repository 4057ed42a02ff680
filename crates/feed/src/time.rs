//! Dates and times as feeds write them, to UTC.
use units::Utc;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (H. Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// From calendar parts; `None` unless each is in its range (a 61st second is not taken).
pub(crate) fn civil(date: [i64; 3], time: [i64; 3], ms: i64) -> Option<Utc> {
    let [year, month, day] = date;
    let [h, m, s] = time;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_days = *last.get(usize::try_from(month - 1).ok()?)?;
    let ok = (1970..=2199).contains(&year)
        && (1..=month_days).contains(&day)
        && (0..24).contains(&h)
        && (0..60).contains(&m)
        && (0..60).contains(&s)
        && (0..1000).contains(&ms);
    ok.then(|| Utc(((days(year, month, day) * 24 + h) * 60 + m) * 60_000 + s * 1000 + ms))
}

/// A whole number of one to four digits and nothing else.
fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn three(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let out = [digits(parts.next()?)?, digits(parts.next()?)?, digits(parts.next()?)?];
    parts.next().is_none().then_some(out)
}

/// `hh:mm:ss` with up to nine decimals; beyond milliseconds they are cut, not rounded.
fn clock(text: &str) -> Option<([i64; 3], i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ms = fraction.bytes().chain([b'0'; 2]).take(3).fold(0, |ms, b| ms * 10 + i64::from(b - b'0'));
    Some((three(whole, ':')?, ms))
}

/// BaseStation: `2026/11/21` and `12:34:56.789`.
pub(crate) fn base_station(date: &str, time: &str) -> Option<Utc> {
    let (time, ms) = clock(time)?;
    civil(three(date, '/')?, time, ms)
}

/// RFC 3339 in UTC: `2017-08-02T11:44:08Z`.
pub(crate) fn rfc3339(text: &str) -> Option<Utc> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, ms) = clock(time)?;
    civil(three(date, '-')?, time, ms)
}

/// Go's Unix date with offset, as stratux writes it: `Wed Sep 2 04:23:37 +0000 UTC 2015`. Only offset zero is taken.
pub(crate) fn go_unix_date(text: &str) -> Option<Utc> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_ascii_whitespace();
    parts.next()?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|m| *m == month)? as i64 + 1;
    let day = digits(parts.next()?)?;
    let (time, ms) = clock(parts.next()?)?;
    if parts.next()? != "+0000" {
        return None;
    }
    parts.next()?;
    let year = digits(parts.next()?)?;
    parts.next().is_none().then_some(())?;
    civil([year, month, day], time, ms)
}

/// Seconds since 1970, to the nearest millisecond; `None` outside 1970 to 2199.
pub(crate) fn unix_seconds(seconds: f64) -> Option<Utc> {
    (0.0..7_258_118_400.0).contains(&seconds).then(|| Utc(libm::round(seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_format_name_the_same_instant() {
        let want = Some(Utc(1_441_167_817_000));
        assert_eq!(go_unix_date("Wed Sep 2 04:23:37 +0000 UTC 2015"), want);
        assert_eq!(base_station("2015/09/02", "04:23:37.000"), want);
        assert_eq!(rfc3339("2015-09-02T04:23:37Z"), want);
        assert_eq!(unix_seconds(1_441_167_817.0), want);
        assert_eq!(rfc3339("2024-02-29T00:00:00.1239Z"), Some(Utc(1_709_164_800_123)));
        assert_eq!(rfc3339("1970-01-01T00:00:00Z"), Some(Utc(0)));
    }

    #[test]
    fn texts_that_are_no_time_are_refused() {
        for text in ["", "2023-02-29T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01T00:00:60Z", "2023-13-01T00:00:00Z"]
        {
            assert_eq!(rfc3339(text), None, "{text}");
        }
        for text in [
            "2023-01-01T00:00:00+01:00",
            "2023-1-1",
            "2023-01-01T00:00:00.Z",
            "+023-01-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
        assert_eq!(go_unix_date("Wed Sep 2 04:23:37 +0200 CEST 2015"), None);
        assert_eq!(base_station("2026-11-21", "00:00:00"), None);
        for s in [f64::NAN, -1.0, 1e12, f64::INFINITY] {
            assert_eq!(unix_seconds(s), None, "{s}");
        }
    }
}
