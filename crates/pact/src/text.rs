//! The one text of a pact: a heading, then one clause a line, in order of number.
use crate::error::PactError;
use crate::party::Party;
use crate::{MINIMA_MAX, Minima, PARTIES_MAX, Terms, time};
use airspace::Outline;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{Hash32, Mode, PartyId, Precedence};
use units::{AircraftClass, Height, NM_MM, Utc, Vertex};

const HEADING: &str = "skypact pact v1";

pub(crate) fn format(terms: &Terms) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.push(HEADING.to_string());
    for (n, p) in (1..).zip(&terms.parties) {
        lines.push(format!(
            "1.{n} party {} {:?} log={} cosign={} tls={}",
            p.name(),
            p.title(),
            p.log_key(),
            p.cosign_key(),
            p.tls_pin()
        ));
    }
    lines.push(format!("2.1 area {}", area_text(terms.area.as_ref())));
    let level = |h: Option<Height>, none: &str| match h {
        Some(h) => format!("FL{:03}", h.0 / (Height::PER_FOOT * 100)),
        None => none.to_string(),
    };
    lines.push(format!("2.2 levels {}..{}", level(terms.floor, "SFC"), level(terms.ceiling, "UNL")));
    lines.push(format!("3.1 valid {}..{}", time::format(terms.valid_from), time::format(terms.valid_until)));
    lines.push(format!("4.0 alarm {} s", terms.alarm_ms / 1000));
    for (n, m) in (1..).zip(&terms.minima) {
        let class = |c: Option<AircraftClass>| c.map_or("any", AircraftClass::name);
        lines.push(format!(
            "4.{n} minima {} {} {} NM {} ft {} s",
            class(m.a),
            class(m.b),
            miles(m.lateral_mm),
            m.vertical.0 / Height::PER_FOOT,
            m.horizon_ms / 1000
        ));
    }
    for (n, p) in (1..).zip(Precedence::ALL.iter().rev()) {
        lines.push(format!("7.{n} acknowledge {} {} s", p.name(), terms.acknowledge_s[*p as usize]));
    }
    lines.push(format!("12.1 mode {}", terms.mode.label()));
    lines.push(format!("13.1 checkpoint {} ms {} ms", terms.checkpoint_busy_ms, terms.checkpoint_idle_ms));
    lines.push(format!("13.2 clock {} ms {} ms", terms.clock_warn_ms, terms.clock_refuse_ms));
    lines.push(format!("14.1 schema {}", terms.schema));
    lines.join("\n") + "\n"
}

fn area_text(area: Option<&Outline>) -> String {
    let point = |v: &Vertex| format!("{},{}", decimal(v.lat_e9, 9), decimal(v.lon_e9, 9));
    match area {
        None => "everywhere".to_string(),
        Some(Outline::Circle { centre, radius_mm }) => format!("circle {} {} NM", point(centre), miles(*radius_mm)),
        Some(Outline::Polygon(points)) => {
            let points: Vec<String> = points.iter().map(point).collect();
            format!("polygon {}", points.join(" "))
        }
        Some(Outline::Corridor { points, half_width_mm }) => {
            let points: Vec<String> = points.iter().map(point).collect();
            format!("corridor {} {} NM", points.join(" "), miles(*half_width_mm))
        }
    }
}

/// A whole number of 10^-digits as a decimal without superfluous zeros.
fn decimal(value: i64, digits: u32) -> String {
    let scale = 10i64.pow(digits);
    let (whole, part) = (value.unsigned_abs() / scale as u64, value.unsigned_abs() % scale as u64);
    let sign = if value < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:0width$}", width = digits as usize);
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// Parses what [`decimal`] writes; `None` for more digits than fit.
fn undecimal(text: &str, digits: u32) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let fits = !whole.is_empty() && whole.len() <= 9 && part.len() <= digits as usize;
    if !fits || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: i64 = format!("{part:0<width$}", width = digits as usize).parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()? * 10i64.pow(digits) + part))
}

/// Nautical miles with up to three decimals (1.852 m).
fn miles(mm: i64) -> String {
    decimal(mm * 1000 / NM_MM, 3)
}

pub(crate) fn parse(body: &str) -> Result<Terms, PactError> {
    let mut lines = body.lines();
    if lines.next() != Some(HEADING) {
        return Err(at(1, "?", format!("a pact begins with the line {HEADING:?}")));
    }
    let mut draft = Draft::default();
    for (n, line) in (2..).zip(lines) {
        let (number, rest) = line.split_once(' ').unwrap_or((line, ""));
        draft.clause(number, rest).map_err(|reason| at(n, number, reason))?;
    }
    draft.finish()
}

fn at(line: usize, clause: &str, reason: String) -> PactError {
    PactError::Clause { line, clause: clause.chars().take(10).collect(), reason }
}

#[derive(Default)]
struct Draft {
    parties: Vec<Party>,
    area: Option<Option<Outline>>,
    levels: Option<(Option<Height>, Option<Height>)>,
    valid: Option<(Utc, Utc)>,
    alarm_ms: Option<i64>,
    minima: Vec<Minima>,
    acknowledge_s: [Option<u32>; 4],
    mode: Option<Mode>,
    checkpoint: Option<(u32, u32)>,
    clock: Option<(u32, u32)>,
    schema: Option<u16>,
}

impl Draft {
    fn clause(&mut self, number: &str, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split(' ').collect();
        match (number, words.as_slice()) {
            (n, ["party", ..]) if n.starts_with("1.") => self.parties.push(party(rest)?),
            ("2.1", ["area", what @ ..]) => self.area = Some(area(what)?),
            ("2.2", ["levels", range]) => self.levels = Some(levels(range)?),
            ("3.1", ["valid", range]) => self.valid = Some(validity(range)?),
            ("4.0", ["alarm", s, "s"]) => self.alarm_ms = Some(whole::<i64>(s, 10, 1800)? * 1000),
            (n, ["minima", a, b, lateral, "NM", vertical, "ft", horizon, "s"]) if n.starts_with("4.") => {
                self.minima.push(minima(a, b, lateral, vertical, horizon)?);
            }
            (n, ["acknowledge", precedence, s, "s"]) if n.starts_with("7.") => {
                let p = Precedence::parse(precedence).ok_or("precedence is FLASH, IMMEDIATE, PRIORITY or ROUTINE")?;
                self.acknowledge_s[p as usize] = Some(whole(s, 1, 604_800)?);
            }
            ("12.1", ["mode", label]) => {
                self.mode = Some(Mode::parse(label).ok_or("mode is live, or exercise:NAME with a-z, 0-9 and -")?);
            }
            ("13.1", ["checkpoint", busy, "ms", idle, "ms"]) => {
                self.checkpoint = Some((whole(busy, 20, 100)?, whole(idle, 40, 1000)?));
            }
            ("13.2", ["clock", warn, "ms", refuse, "ms"]) => {
                self.clock = Some((whole(warn, 1, 3_600_000)?, whole(refuse, 1, 3_600_000)?));
            }
            ("14.1", ["schema", n]) => self.schema = Some(whole(n, 1, 65_535)?),
            _ => {
                return Err(format!(
                    "no such clause, or not of its form: {:?}",
                    rest.chars().take(60).collect::<String>()
                ));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Terms, PactError> {
        let needed = |clause: &str| PactError::Terms { clause: clause.to_string(), reason: "is missing".to_string() };
        let mut acknowledge_s = [0; 4];
        for (slot, given) in acknowledge_s.iter_mut().zip(self.acknowledge_s) {
            *slot = given.ok_or_else(|| needed("7.1 to 7.4"))?;
        }
        let (floor, ceiling) = self.levels.ok_or_else(|| needed("2.2"))?;
        let (valid_from, valid_until) = self.valid.ok_or_else(|| needed("3.1"))?;
        let (checkpoint_busy_ms, checkpoint_idle_ms) = self.checkpoint.ok_or_else(|| needed("13.1"))?;
        let (clock_warn_ms, clock_refuse_ms) = self.clock.ok_or_else(|| needed("13.2"))?;
        Ok(Terms {
            parties: self.parties,
            area: self.area.ok_or_else(|| needed("2.1"))?,
            floor,
            ceiling,
            valid_from,
            valid_until,
            minima: self.minima,
            alarm_ms: self.alarm_ms.ok_or_else(|| needed("4.0"))?,
            acknowledge_s,
            mode: self.mode.ok_or_else(|| needed("12.1"))?,
            checkpoint_busy_ms,
            checkpoint_idle_ms,
            clock_warn_ms,
            clock_refuse_ms,
            schema: self.schema.ok_or_else(|| needed("14.1"))?,
        })
    }
}

fn whole<T: TryFrom<i64>>(text: &str, min: i64, max: i64) -> Result<T, String> {
    let value: Option<i64> = text.parse().ok().filter(|v| (min..=max).contains(v));
    value.and_then(|v| T::try_from(v).ok()).ok_or_else(|| format!("{text:?} is not a whole number from {min} to {max}"))
}

fn party(rest: &str) -> Result<Party, String> {
    const FORM: &str = "party NAME \"TITLE\" log=VKEY cosign=VKEY tls=64 hexadecimal digits";
    let mut quoted = rest.splitn(3, '"');
    let (head, title, tail) = (quoted.next(), quoted.next(), quoted.next());
    let (Some(head), Some(title), Some(tail)) = (head, title, tail) else { return Err(FORM.to_string()) };
    let name = head.trim_start_matches("party").trim();
    let name = PartyId::parse(name).map_err(|e| e.to_string())?;
    let fields: Vec<&str> = tail.trim_start().split(' ').collect();
    let [log, cosign, tls] = fields.as_slice() else { return Err(FORM.to_string()) };
    let value = |field: &'_ str, key: &str| field.strip_prefix(key).map(ToString::to_string).ok_or(FORM.to_string());
    let log = value(log, "log=")?.parse().map_err(|e| format!("log: {e}"))?;
    let cosign = value(cosign, "cosign=")?.parse().map_err(|e| format!("cosign: {e}"))?;
    let tls = Hash32::parse(&value(tls, "tls=")?).ok_or("tls= is 64 hexadecimal digits")?;
    Party::new(name, title, log, cosign, tls).map_err(ToString::to_string)
}

fn area(words: &[&str]) -> Result<Option<Outline>, String> {
    let point = |text: &&str| {
        let (lat, lon) = text.split_once(',').ok_or_else(|| format!("{text:?} is not LATITUDE,LONGITUDE"))?;
        let (lat, lon) = (undecimal(lat, 9), undecimal(lon, 9));
        let (Some(lat), Some(lon)) = (lat, lon) else {
            return Err(format!("{text:?} is not LATITUDE,LONGITUDE in degrees"));
        };
        Vertex::new(lat, lon).map_err(|e| e.to_string())
    };
    let outline = match words {
        ["everywhere"] => return Ok(None),
        ["circle", centre, radius, "NM"] => Outline::Circle { centre: point(centre)?, radius_mm: from_miles(radius)? },
        ["polygon", points @ ..] => Outline::Polygon(points.iter().map(point).collect::<Result<_, _>>()?),
        ["corridor", points @ .., half_width, "NM"] => Outline::Corridor {
            points: points.iter().map(point).collect::<Result<_, _>>()?,
            half_width_mm: from_miles(half_width)?,
        },
        _ => return Err("area is everywhere, circle, polygon or corridor".to_string()),
    };
    outline.check().map_err(|e| e.to_string())?;
    Ok(Some(outline))
}

fn from_miles(text: &str) -> Result<i64, String> {
    let thousandths = undecimal(text, 3).filter(|v| *v > 0 && *v <= 1_000_000);
    thousandths.map(|v| v * NM_MM / 1000).ok_or_else(|| format!("{text:?} is not 0.001 to 1000 NM"))
}

fn levels(range: &str) -> Result<(Option<Height>, Option<Height>), String> {
    let (low, high) = range.split_once("..").ok_or("levels are LOW..HIGH")?;
    let level = |text: &str, none: &str| {
        if text == none {
            return Ok(None);
        }
        let digits = text.strip_prefix("FL").filter(|d| d.len() == 3);
        let hundreds: i32 = whole(digits.ok_or_else(|| format!("{text:?} is neither FLnnn nor {none}"))?, 0, 999)?;
        Ok::<_, String>(Some(Height::from_feet(hundreds * 100)))
    };
    let (low, high) = (level(low, "SFC")?, level(high, "UNL")?);
    if let (Some(l), Some(h)) = (low, high)
        && l > h
    {
        return Err("the lower level is above the upper one".to_string());
    }
    Ok((low, high))
}

fn validity(range: &str) -> Result<(Utc, Utc), String> {
    let (from, until) = range.split_once("..").ok_or("valid is FROM..UNTIL")?;
    let one = |text: &str| time::parse(text).ok_or_else(|| format!("{text:?} is not of the form 2026-01-31T23:59:59Z"));
    let (from, until) = (one(from)?, one(until)?);
    if until < from { Err("it ends before it begins".to_string()) } else { Ok((from, until)) }
}

fn minima(a: &str, b: &str, lateral: &str, vertical: &str, horizon: &str) -> Result<Minima, String> {
    let class = |text: &str| match text {
        "any" => Ok(None),
        _ => AircraftClass::parse(text)
            .filter(|c| *c != AircraftClass::Unknown)
            .map(Some)
            .ok_or_else(|| format!("{text:?} is no class; any, civil, military, uas or humanitarian")),
    };
    let lateral_mm = from_miles(lateral)?;
    if lateral_mm > 100 * NM_MM {
        return Err("a lateral minimum is at most 100 NM".to_string());
    }
    Ok(Minima {
        a: class(a)?,
        b: class(b)?,
        lateral_mm,
        vertical: Height::from_feet(whole(vertical, 1, 60_000)?),
        horizon_ms: whole::<i64>(horizon, 1, 1800)? * 1000,
    })
}

/// What single lines cannot show.
pub(crate) fn check(terms: &Terms) -> Result<(), PactError> {
    let wrong = |clause: &str, reason: &str| Err(PactError::Terms { clause: clause.into(), reason: reason.into() });
    if terms.parties.len() < 2 || terms.parties.len() > PARTIES_MAX {
        return wrong("1", "a pact has 2 to 16 parties");
    }
    if !terms.parties.is_sorted_by(|a, b| a.name() < b.name()) {
        return wrong("1", "the parties stand in order of their names, each once");
    }
    let mut pins: Vec<Hash32> = terms.parties.iter().map(Party::tls_pin).collect();
    pins.sort_unstable();
    pins.dedup();
    if pins.len() != terms.parties.len() {
        return wrong("1", "two parties have the same TLS key");
    }
    if terms.minima.len() > MINIMA_MAX {
        return wrong("4", "at most 64 lines of minima");
    }
    if !terms.minima.iter().any(|m| m.a.is_none() && m.b.is_none()) {
        return wrong("4", "a line \"minima any any\" is needed: every pair has minima");
    }
    if terms.checkpoint_idle_ms < 2 * terms.checkpoint_busy_ms {
        return wrong("13.1", "the second interval is at least twice the first");
    }
    if terms.clock_refuse_ms < terms.clock_warn_ms {
        return wrong("13.2", "the second tolerance is at least the first");
    }
    Ok(())
}

pub(crate) fn first_difference(found: &str, expected: &str) -> PactError {
    let (mut f, mut e) = (found.lines(), expected.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (found, expected) = (f.next(), e.next());
        if found != expected || found.is_none() {
            return PactError::NotCanonical {
                line,
                expected: expected.unwrap_or("(the end)").to_string(),
                found: found.unwrap_or("(the end, or no newline)").to_string(),
            };
        }
    }
}
