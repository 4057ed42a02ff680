//! Numbers as a pact writes them: exact, with a unit, and in one way only.
use airspace::{Limit, Outline};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use units::{Altitude, Height, Reference, Utc, Vertex};

/// Millimetres of 1/1000 NM.
const MILLI_NM_MM: i64 = 1852;

/// A decimal number of up to `digits` places as an integer of its last place: `-1.5` with 3 digits is -1500.
pub(crate) fn parse_decimal(text: &str, digits: u32) -> Option<i64> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > digits as usize {
        return None;
    }
    let scale = 10i64.checked_pow(digits)?;
    let fraction = if part.is_empty() { 0 } else { part.parse::<i64>().ok()? * 10i64.pow(digits - part.len() as u32) };
    let value = whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(fraction)?;
    Some(if negative { -value } else { value })
}

/// The inverse of [`parse_decimal`], without trailing zeros.
pub(crate) fn decimal(value: i64, digits: u32) -> String {
    let scale = 10u64.pow(digits);
    let (whole, part) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    let sign = if value < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:0width$}", width = digits as usize);
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// A distance: in NM if it is a whole number of thousandths, else in metres.
pub(crate) fn distance(mm: i64) -> String {
    if mm % MILLI_NM_MM == 0 {
        return format!("{} NM", decimal(mm / MILLI_NM_MM, 3));
    }
    format!("{} m", decimal(mm, 3))
}

pub(crate) fn parse_distance(number: &str, unit: &str) -> Option<i64> {
    match unit {
        "NM" => parse_decimal(number, 3)?.checked_mul(MILLI_NM_MM),
        "m" => parse_decimal(number, 3),
        _ => None,
    }
}

/// A height: in whole feet if it is, else in metres.
pub(crate) fn height(h: Height) -> String {
    if h.0 % Height::PER_FOOT == 0 {
        return format!("{} ft", h.0 / Height::PER_FOOT);
    }
    format!("{} m", decimal(h.0.into(), 4))
}

pub(crate) fn parse_height(number: &str, unit: &str) -> Option<Height> {
    let units = match unit {
        "ft" => parse_decimal(number, 0)?.checked_mul(Height::PER_FOOT.into())?,
        "m" => parse_decimal(number, 4)?,
        _ => return None,
    };
    i32::try_from(units).ok().map(Height)
}

/// A time: in whole seconds if it is, else in milliseconds.
pub(crate) fn duration(ms: i64) -> String {
    if ms % 1000 == 0 { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

pub(crate) fn parse_duration(number: &str, unit: &str) -> Option<i64> {
    match unit {
        "s" => parse_decimal(number, 0)?.checked_mul(1000),
        "ms" => parse_decimal(number, 0),
        _ => None,
    }
}

/// A limit: `ground`, `unlimited`, a flight level, or a height with its reference.
pub(crate) fn limit(limit: Limit, none: &str) -> String {
    let Limit::At(Altitude::Known(h, reference)) = limit else { return none.to_string() };
    let feet = h.0 / Height::PER_FOOT;
    let level = feet / 100;
    let whole = h.0 % Height::PER_FOOT == 0 && feet % 100 == 0;
    if reference == Reference::Pressure && whole && (0..=999).contains(&level) {
        return format!("FL{level:03}");
    }
    format!("{} {}", height(h), reference_name(reference))
}

/// Parses a limit of one word (`FL050`, `ground`) or three (`9500 ft msl`).
pub(crate) fn parse_limit(words: &[&str], none: &str) -> Option<Limit> {
    let known = |h, r| Some(Limit::At(Altitude::Known(h, r)));
    match words {
        [one] if *one == none => Some(Limit::Unlimited),
        [one] => {
            let digits = one.strip_prefix("FL").filter(|d| d.len() == 3)?;
            known(Height::from_feet(i32::try_from(parse_decimal(digits, 0)?).ok()? * 100), Reference::Pressure)
        }
        [number, unit, reference] => {
            let all = [Reference::Pressure, Reference::Msl, Reference::Wgs84, Reference::Agl];
            let reference = all.into_iter().find(|r| reference_name(*r) == *reference)?;
            known(parse_height(number, unit)?, reference)
        }
        _ => None,
    }
}

const fn reference_name(reference: Reference) -> &'static str {
    match reference {
        Reference::Pressure => "pressure",
        Reference::Msl => "msl",
        Reference::Wgs84 => "wgs84",
        Reference::Agl => "agl",
    }
}

/// An outline: `polygon LAT,LON …`, `circle LAT,LON RADIUS`, `corridor HALF-WIDTH LAT,LON …`.
pub(crate) fn outline(outline: &Outline) -> String {
    let points = |points: &[Vertex]| points.iter().map(point).collect::<Vec<_>>().join(" ");
    match outline {
        Outline::Polygon(p) => format!("polygon {}", points(p)),
        Outline::Circle { centre, radius_mm } => format!("circle {} {}", point(centre), distance(*radius_mm)),
        Outline::Corridor { points: p, half_width_mm } => {
            format!("corridor {} {}", distance(*half_width_mm), points(p))
        }
    }
}

pub(crate) fn parse_outline(words: &[&str]) -> Option<Outline> {
    let points = |words: &[&str]| words.iter().map(|w| parse_point(w)).collect::<Option<Vec<_>>>();
    match words {
        ["polygon", rest @ ..] => Some(Outline::Polygon(points(rest)?)),
        ["circle", centre, number, unit] => {
            Some(Outline::Circle { centre: parse_point(centre)?, radius_mm: parse_distance(number, unit)? })
        }
        ["corridor", number, unit, rest @ ..] => {
            Some(Outline::Corridor { points: points(rest)?, half_width_mm: parse_distance(number, unit)? })
        }
        _ => None,
    }
}

fn point(v: &Vertex) -> String {
    format!("{},{}", decimal(v.lat_e9, 9), decimal(v.lon_e9, 9))
}

fn parse_point(word: &str) -> Option<Vertex> {
    let (lat, lon) = word.split_once(',')?;
    // Bounds are the outline's own check, which names the point.
    Some(Vertex { lat_e9: parse_decimal(lat, 9)?, lon_e9: parse_decimal(lon, 9)? })
}

const DAY_S: i64 = 86_400;

/// A time as `2026-01-31T23:59:59Z` (ISO 8601, whole seconds).
pub fn time(at: Utc) -> String {
    let s = at.0.div_euclid(1000);
    let (day, s) = (s.div_euclid(DAY_S), s.rem_euclid(DAY_S));
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

pub(crate) fn parse_time(text: &str) -> Option<Utc> {
    let b = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = b.len() == shape.len()
        && b.iter().zip(shape).all(|(b, s)| if *s == b'd' { b.is_ascii_digit() } else { b == s });
    if !fits {
        return None;
    }
    let n = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap_or(0);
    let (year, month, day) = (n(0, 4), n(5, 7), n(8, 10));
    let (hour, minute, second) = (n(11, 13), n(14, 16), n(17, 19));
    let days = days(year, month, day);
    // A day that does not exist comes back as another one.
    if civil(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Utc((days * DAY_S + hour * 3600 + minute * 60 + second) * 1000))
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar: years begin in March, so that the
/// leap day ends one, and 400 years have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, yoe) = (year.div_euclid(400), year.rem_euclid(400));
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2018-08-01T05:00:00Z", 1_533_099_600_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
        ] {
            assert_eq!(parse_time(text), Some(Utc(ms)), "{text}");
            assert_eq!(time(Utc(ms)), text);
        }
        for bad in [
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-1-01T00:00:00Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in -60_000..90_000 {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), day);
        }
    }

    #[test]
    fn numbers_have_one_way_of_writing() {
        for (value, digits, text) in
            [(0, 9, "0"), (-1, 9, "-0.000000001"), (47_500_000_000, 9, "47.5"), (1500, 3, "1.5"), (7, 0, "7")]
        {
            assert_eq!(decimal(value, digits), text);
            assert_eq!(parse_decimal(text, digits), Some(value));
        }
        for bad in ["", "-", ".5", "1.0000000001", "1e3", "+1", "1,5", "99999999999999999999", "1.-5"] {
            assert_eq!(parse_decimal(bad, 9), None, "{bad}");
        }
        assert_eq!((distance(9_260_000).as_str(), distance(100_000).as_str()), ("5 NM", "100 m"));
        assert_eq!((height(Height::from_feet(1000)).as_str(), height(Height(305_000)).as_str()), ("1000 ft", "30.5 m"));
        assert_eq!((duration(300_000).as_str(), duration(100).as_str()), ("300 s", "100 ms"));
    }
}
