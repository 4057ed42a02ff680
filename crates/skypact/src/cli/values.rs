//! Values as people type them: times, levels, places, distances. Each is refused with the form it should have had, and
//! none is guessed: a level without its reference is no level.
use airspace::Limit;
use units::{Altitude, Height, NM_MM, Position, Reference, Utc};

const LEVEL: &str =
    "a level: FL100, 3000ftMSL, 900mAGL, 3000ftWGS84 or 9500ftSTD (1013.25 hPa); a height needs its reference";
const PLACE: &str = "a place: 47.1N 8.2E, 47.1,8.2 (latitude first), 47°06'30\"N 008°12'15\"E or 470630N0081215E";
const TIME: &str = "a time: 2026-08-01T05:00:00Z, or `now`, or +45m from now (s, m, h)";
const DISTANCE: &str = "a distance: 5 NM, 9260 m or 9.26 km";
const HEIGHT: &str = "a height: 1000 ft or 300 m";
const DURATION: &str = "a time span: 300 s, 100 ms, 5 min or 2 h";

type Read<T> = Result<T, String>;

fn is_not(text: &str, what: &str) -> String {
    format!("{:?} is not {what}", text.chars().take(80).collect::<String>())
}

/// A time on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// An instant.
    At(Utc),
    /// Milliseconds after now, by the node's clock, which in an exercise is not the machine's.
    FromNow(i64),
}

impl When {
    /// The instant, given the node's time.
    pub fn at(self, now: Utc) -> Utc {
        match self {
            Self::At(at) => at,
            Self::FromNow(ms) => now.plus_ms(ms),
        }
    }
}

/// Parses a time, or a time from now.
pub fn when(text: &str) -> Read<When> {
    if text == "now" {
        return Ok(When::FromNow(0));
    }
    if let Some(rest) = text.strip_prefix('+') {
        let (number, unit) = quantity(rest).ok_or_else(|| is_not(text, TIME))?;
        let unit = if unit == "m" { "min" } else { unit };
        return span(number, unit).map(When::FromNow).ok_or_else(|| is_not(text, TIME));
    }
    instant(text).map(When::At).map_err(|_| is_not(text, TIME))
}

/// Parses an instant.
pub fn instant(text: &str) -> Read<Utc> {
    crate::clock::parse_rfc3339(text).map_err(|_| is_not(text, "a time such as 2026-08-01T05:00:00Z"))
}

/// Parses a level with its reference.
pub fn level(text: &str) -> Read<Altitude> {
    let known = |height: Option<Height>, reference| height.map(|h| Altitude::Known(h, reference));
    let read = || {
        let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        if let Some(digits) = packed.strip_prefix("FL") {
            let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            return known(
                fits.then(|| digits.parse().ok().map(|n: i32| Height::from_feet(n * 100)))?,
                Reference::Pressure,
            );
        }
        let (number, rest) = quantity(&packed)?;
        let (unit, reference) =
            if let Some(rest) = rest.strip_prefix("FT") { ("ft", rest) } else { ("m", rest.strip_prefix('M')?) };
        let reference = match reference {
            "MSL" | "AMSL" => Reference::Msl,
            "AGL" => Reference::Agl,
            "WGS84" => Reference::Wgs84,
            "STD" | "PRESSURE" => Reference::Pressure,
            _ => return None,
        };
        known(rise(number, unit), reference)
    };
    read().ok_or_else(|| is_not(text, LEVEL))
}

/// Parses the bottom of a volume.
pub fn lower(text: &str) -> Read<Limit> {
    if ["ground", "gnd", "sfc"].iter().any(|w| text.eq_ignore_ascii_case(w)) {
        return Ok(Limit::Unlimited);
    }
    level(text).map(Limit::At).map_err(|e| format!("{e}; `ground` for none"))
}

/// Parses the top of a volume.
pub fn upper(text: &str) -> Read<Limit> {
    if ["unlimited", "unl"].iter().any(|w| text.eq_ignore_ascii_case(w)) {
        return Ok(Limit::Unlimited);
    }
    level(text).map(Limit::At).map_err(|e| format!("{e}; `unlimited` for none"))
}

/// Parses `FL050..FL660`.
pub fn levels(text: &str) -> Read<(Limit, Limit)> {
    let (low, high) =
        text.split_once("..").ok_or_else(|| is_not(text, "a range of levels: FL050..FL660 or ground..unlimited"))?;
    Ok((lower(low.trim())?, upper(high.trim())?))
}

/// Parses a place into degrees of latitude and longitude.
pub fn degrees(text: &str) -> Read<(f64, f64)> {
    let lettered = || {
        let upper = text.trim().to_uppercase();
        let (a, b) = halves(&upper)?;
        Some((angle(a, 'N', 'S', 2, 90.0)?, angle(b, 'E', 'W', 3, 180.0)?))
    };
    let signed = || {
        let parts: Vec<&str> = text.split([',', ' ', '\t']).filter(|p| !p.is_empty()).collect();
        let [lat, lon] = parts.as_slice() else { return None };
        Some((number(lat)?, number(lon)?))
    };
    let on_earth = |(lat, lon): &(f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
    lettered().or_else(signed).filter(on_earth).ok_or_else(|| is_not(text, PLACE))
}

/// Parses a place.
pub fn place(text: &str) -> Read<Position> {
    let (lat, lon) = degrees(text)?;
    Position::from_degrees(lat, lon).map_err(|e| e.to_string())
}

/// Splits a place with letters into its latitude and its longitude, whether the letters stand before or behind.
fn halves(text: &str) -> Option<(&str, &str)> {
    let lat = text.find(['N', 'S'])?;
    let lon = text.find(['E', 'W'])?;
    if lat > lon {
        return None;
    }
    let behind = lat > 0;
    let cut = if behind { lat + 1 } else { lon };
    Some((text[..cut].trim(), text[cut..].trim_start_matches([',', ' ']).trim()))
}

/// Degrees, minutes and seconds with a letter, apart (`47 06 30 N`) or run together (`470630N`).
fn angle(text: &str, positive: char, negative: char, degree_digits: usize, most: f64) -> Option<f64> {
    let letters = [positive, negative];
    let (letter, body) = match text.chars().next() {
        Some(first) if letters.contains(&first) => (first, &text[1..]),
        _ => (text.chars().next_back().filter(|c| letters.contains(c))?, &text[..text.len() - 1]),
    };
    let marks = |c: char| c.is_whitespace() || "°º'′’\"″”:".contains(c);
    if body.chars().any(|c| !(marks(c) || c.is_ascii_digit() || c == '.')) {
        return None;
    }
    let mut parts: Vec<&str> = body.split(marks).filter(|p| !p.is_empty()).collect();
    if let [run] = parts.as_slice() {
        let run = *run;
        let whole = run.find('.').unwrap_or(run.len());
        // Four or six digits of a latitude are degrees and minutes, and seconds; two are degrees.
        if whole == degree_digits + 2 {
            parts = vec![&run[..degree_digits], &run[degree_digits..]];
        } else if whole == degree_digits + 4 {
            parts = vec![&run[..degree_digits], &run[degree_digits..degree_digits + 2], &run[degree_digits + 2..]];
        }
    }
    if parts.is_empty() || parts.len() > 3 || parts[..parts.len() - 1].iter().any(|p| p.contains('.')) {
        return None;
    }
    let mut value = 0.0;
    for (n, part) in parts.iter().enumerate() {
        let part = number(part)?;
        if n > 0 && part >= 60.0 {
            return None;
        }
        value += part / [1.0, 60.0, 3600.0][n];
    }
    (value <= most).then_some(if letter == negative { -value } else { value })
}

/// Parses a distance into millimetres.
pub fn distance(text: &str) -> Read<i64> {
    quantity(text).and_then(|(n, unit)| length(n, unit)).ok_or_else(|| is_not(text, DISTANCE))
}

/// Parses a height without a reference: a minimum.
pub fn height(text: &str) -> Read<Height> {
    quantity(text).and_then(|(n, unit)| rise(n, unit)).ok_or_else(|| is_not(text, HEIGHT))
}

/// Parses a time span into milliseconds.
pub fn duration(text: &str) -> Read<i64> {
    quantity(text).and_then(|(n, unit)| span(n, unit)).ok_or_else(|| is_not(text, DURATION))
}

fn length(value: f64, unit: &str) -> Option<i64> {
    let mm = match unit.to_ascii_lowercase().as_str() {
        "nm" => value * NM_MM as f64,
        "m" => value * 1000.0,
        "km" => value * 1e6,
        _ => return None,
    };
    (mm.abs() < 1e12).then_some(mm.round() as i64)
}

fn rise(value: f64, unit: &str) -> Option<Height> {
    match unit {
        "ft" => Height::from_feet_f64(value),
        "m" => Height::from_metres(value),
        _ => None,
    }
}

fn span(value: f64, unit: &str) -> Option<i64> {
    let ms = match unit {
        "ms" => value,
        "s" => value * 1e3,
        "min" => value * 6e4,
        "h" => value * 3.6e6,
        "d" => value * 8.64e7,
        _ => return None,
    };
    (ms.abs() < 1e12).then_some(ms.round() as i64)
}

/// A number and what stands behind it.
fn quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    Some((number(&text[..end])?, text[end..].trim()))
}

/// Digits with an optional sign and point; no exponent, no infinity.
pub fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if plain && text.bytes().any(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A level for people, as [`level`] reads it.
pub fn show_altitude(altitude: &serde_json::Value) -> String {
    let (Some(feet), Some(reference)) = (altitude["value_ft"].as_f64(), altitude["reference"].as_str()) else {
        return String::from("-");
    };
    match reference {
        "pressure" if feet >= 0.0 && feet % 100.0 == 0.0 => format!("FL{:03.0}", feet / 100.0),
        "pressure" => format!("{}ftSTD", tidy(feet)),
        other => format!("{}ft{}", tidy(feet), other.to_uppercase()),
    }
}

fn tidy(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// An altitude as the API reads it.
pub fn altitude_json(altitude: Altitude) -> serde_json::Value {
    match altitude {
        Altitude::Unknown => serde_json::Value::Null,
        Altitude::Known(height, reference) => {
            let reference = match reference {
                Reference::Pressure => "pressure",
                Reference::Msl => "msl",
                Reference::Wgs84 => "wgs84",
                Reference::Agl => "agl",
            };
            serde_json::json!({ "value_ft": height.feet(), "reference": reference })
        }
    }
}

/// Text of another party as it may stand on a terminal: nothing that moves the cursor or turns the order of reading.
pub fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug + PartialEq>(read: fn(&str) -> Read<T>, text: &str, want: Result<T, &str>) {
        let got = read(text);
        match want {
            Ok(want) => assert_eq!(got, Ok(want), "{text}"),
            Err(what) => assert_eq!(got, Err(format!("{text:?} is not {what}")), "{text}"),
        }
    }

    #[test]
    fn a_level_needs_its_reference() {
        let ft = |feet, reference| Ok(Altitude::Known(Height::from_feet(feet), reference));
        check(level, "FL100", Ok(Altitude::pressure_feet(10_000)));
        check(level, "fl5", Ok(Altitude::pressure_feet(500)));
        check(level, "3000ftMSL", ft(3000, Reference::Msl));
        check(level, "3000 ft msl", ft(3000, Reference::Msl));
        check(level, "900mAGL", Ok(Altitude::Known(Height::from_metres(900.0).unwrap(), Reference::Agl)));
        check(level, "-100ftWGS84", ft(-100, Reference::Wgs84));
        check(level, "9500ftSTD", Ok(Altitude::pressure_feet(9500)));
        for bad in ["", "3000", "3000ft", "FL1000", "FL", "FL-10", "3000ftQNH", "1e3ftMSL", "infftMSL", "99999999mMSL"]
        {
            check(level, bad, Err(LEVEL));
        }
    }

    #[test]
    fn limits_say_ground_and_unlimited_in_words() {
        assert_eq!(levels("ground..unlimited"), Ok((Limit::Unlimited, Limit::Unlimited)));
        let (low, high) = (Altitude::pressure_feet(5000), Altitude::pressure_feet(66_000));
        assert_eq!(levels("FL050..FL660"), Ok((Limit::At(low), Limit::At(high))));
        assert_eq!(levels("FL050"), Err(is_not("FL050", "a range of levels: FL050..FL660 or ground..unlimited")));
        assert_eq!(upper("ground"), Err(format!("{}; `unlimited` for none", is_not("ground", LEVEL))));
    }

    #[test]
    fn a_place_is_read_in_every_form_that_officers_write() {
        let want = (47.0 + 6.0 / 60.0 + 30.0 / 3600.0, 8.0 + 12.0 / 60.0 + 15.0 / 3600.0);
        for text in [
            "47°06'30\"N 008°12'15\"E",
            "47°6′30″N, 8°12′15″E",
            "470630N0081215E",
            "470630N 0081215E",
            "N470630 E0081215",
            "N47 06 30 E008 12 15",
            "47:06:30n 8:12:15e",
        ] {
            let (lat, lon) = degrees(text).unwrap();
            assert!((lat - want.0).abs() < 1e-12 && (lon - want.1).abs() < 1e-12, "{text}: {lat} {lon}");
        }
        check(degrees, "47.1N 8.2E", Ok((47.1, 8.2)));
        check(degrees, "47.1, 8.2", Ok((47.1, 8.2)));
        check(degrees, "-47.1 -8.2", Ok((-47.1, -8.2)));
        check(degrees, "33S070W", Ok((-33.0, -70.0)));
        check(degrees, "4706.5N00812.25E", Ok((47.0 + 6.5 / 60.0, 8.0 + 12.25 / 60.0)));
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for bad in [
            "",
            "47.1",
            "47.1N",
            "8.2E 47.1N",
            "91N 8E",
            "47N 181E",
            "91,0",
            "0,181",
            "47°60'N 8°E",
            "47.5°30'N 8E",
            "47N 8E 9",
            "1 2 3",
            "NaN,0",
            "47..1N 8E",
            "47°06'30'5N 8E",
            "N E",
        ] {
            check(degrees, bad, Err(PLACE));
        }
    }

    #[test]
    fn times_are_instants_or_from_now() {
        let ms = 1_785_560_400_000;
        check(when, "2026-08-01T05:00:00Z", Ok(When::At(Utc(ms))));
        check(when, "2026-08-01T07:00:00+02:00", Ok(When::At(Utc(ms))));
        check(when, "now", Ok(When::FromNow(0)));
        check(when, "+45m", Ok(When::FromNow(2_700_000)));
        check(when, "+1.5h", Ok(When::FromNow(5_400_000)));
        assert_eq!(When::FromNow(5).at(Utc(7)), Utc(12));
        for bad in ["", "05:00", "2026-08-01", "2026-08-01T05:00:00", "45m", "+45", "+m", "tomorrow"] {
            check(when, bad, Err(TIME));
        }
    }

    #[test]
    fn quantities_need_their_unit() {
        check(distance, "5 NM", Ok(9_260_000));
        check(distance, "0.5NM", Ok(926_000));
        check(distance, "9.26 km", Ok(9_260_000));
        check(distance, "5", Err(DISTANCE));
        check(height, "1000 ft", Ok(Height::from_feet(1000)));
        check(height, "1000", Err(HEIGHT));
        check(duration, "300 s", Ok(300_000));
        check(duration, "5 min", Ok(300_000));
        check(duration, "5 m", Err(DURATION));
    }

    #[test]
    fn what_a_peer_wrote_moves_no_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c"), "a [2Jb c");
    }

    #[test]
    fn a_level_shown_is_read_back() {
        for text in ["FL100", "3000ftMSL", "-100ftWGS84", "9550ftSTD"] {
            let shown = show_altitude(&altitude_json(level(text).unwrap()));
            assert_eq!(shown, text);
        }
    }
}
