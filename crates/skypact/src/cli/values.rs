//! Values as people type them: times, levels, places, distances. Each is refused with the form it should have had, and
//! none is guessed: a level without its reference is no level.
use airspace::Limit;
use notation::Place;
use units::{Altitude, Height, NM_MM, Position, Reference, Utc, Vertex};

const LEVEL: &str =
    "a level: FL100, 3000ftMSL, 900mAGL, 3000ftWGS84 or 9500ftSTD (1013.25 hPa); a height needs its reference";
const TIME: &str = "a time: 2026-08-01T05:00:00Z, or `now`, or +45m from now (s, m, h)";
const DISTANCE: &str = "a distance: 5 NM, 9260 m or 9.26 km";
const HEIGHT: &str = "a height: 1000 ft or 300 m";
const DURATION: &str = "a time span: 300 s, 100 ms, 5 min or 2 h";

/// A square of MGRS of a metre counts as a point: its corners are 0.71 m from its centre.
const POINT_MM: i64 = 1_000;

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

/// A level, or the word `none`.
#[derive(Debug, Clone, Copy)]
pub struct LevelOrNone(pub Option<Altitude>);

/// Reads one.
pub fn level_or_none(text: &str) -> Read<LevelOrNone> {
    if text == "none" { Ok(LevelOrNone(None)) } else { level(text).map(|level| LevelOrNone(Some(level))) }
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

/// Parses a place in any notation: a point, or a square or area with the distance to its farthest corner.
pub fn place(text: &str) -> Read<Place> {
    notation::parse(text).map_err(|e| e.to_string())
}

/// By how much what lies around a place reaches farther where the place is a square or area.
pub fn spread_mm(place: &Place) -> i64 {
    if place.radius_mm > POINT_MM { place.radius_mm } else { 0 }
}

/// A place with the text it was read from, which is what the node is sent where it says more than a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// As read.
    pub place: Place,
    text: String,
}

impl Written {
    /// As the API takes it.
    pub fn json(&self) -> serde_json::Value {
        let at = self.place.at;
        match Position::from_degrees(at.lat(), at.lon()) {
            Ok(point) if self.place.radius_mm == 0 => serde_json::json!({ "lat": point.lat(), "lon": point.lon() }),
            _ => serde_json::json!({ "text": self.text }),
        }
    }
}

/// Parses a place and keeps its text.
pub fn written(text: &str) -> Read<Written> {
    Ok(Written { place: place(text)?, text: text.to_owned() })
}

/// Parses a place that must be a point: a corner, or the centre of what has a width of its own.
pub fn vertex(text: &str) -> Read<Vertex> {
    let place = place(text)?;
    if place.radius_mm > POINT_MM {
        return Err(format!("{text:?} is an area of {} m around its centre: give a point", place.radius_mm / 1000));
    }
    Ok(place.at)
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
    fn a_place_is_read_in_every_notation_and_a_corner_must_be_a_point() {
        let want = Vertex::from_degrees(47.0 + 6.5 / 60.0, 8.0 + 12.25 / 60.0).unwrap();
        for text in ["47°06'30\"N 008°12'15\"E", "470630N0081215E", "4706.5N00812.25E", "32TMT 39618 17510"] {
            let got = vertex(text).unwrap();
            assert!(units::earth::distance(got.lat(), got.lon(), want.lat(), want.lon()) < 1.0, "{text}: {got:?}");
        }
        assert!(place("377ML").unwrap().radius_mm > 30_000_000);
        let wide = vertex("32TMT 39 17").unwrap_err();
        assert_eq!(wide, "\"32TMT 39 17\" is an area of 707 m around its centre: give a point");
        assert!(place("47N 8E 9").is_err());
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
