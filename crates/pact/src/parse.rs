//! Reading a pact: clause after clause in their order, then the whole against its one form.
use airspace::Limit;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{Hash32, Mode, NoticeClass, PartyId, Precedence};
use tlog::{Algorithm, VerifierKey};
use units::{AircraftClass, Altitude, Utc};

use crate::clauses::{SCHEMA, TITLE, format as write};
use crate::error::{PactError, Reason, cut};
use crate::form::{
    parse_decimal, parse_distance, parse_duration, parse_height, parse_limit, parse_outline, parse_time,
};
use crate::oversight::{self, Oversight};
use crate::padding::{self, Padding};
use crate::rules::{
    Minima, PACT_BYTES_MAX, PARTIES_MAX, Pact, PairMinima, Party, Rate, RateOf, authority_key_name, key_name,
};

const PARTY: &str =
    "1.N party ID \"NAME\" log-key=KEY cosign-key=KEY tls-spki-sha256=HEX [authority-key=KEY] desk=\"TEXT\"";
const AREA: &str = "2.1 area polygon LAT,LON LAT,LON LAT,LON";
const LEVELS: &str = "2.2 levels FL050 to FL660";
const VALID: &str = "3.1 valid 2026-01-01T00:00:00Z to 2026-12-31T23:59:59Z";
const MINIMA: &str = "4.N minima CLASS CLASS 5 NM 1000 ft 300 s";
const ALARM: &str = "5.1 alarm 120 s";
const NOTICE: &str = "6.N notice CLASS 3600 s";
const ACKNOWLEDGE: &str = "7.N acknowledge FLASH 60 s";
const MODE: &str = "12.1 mode live";
const CHECKPOINT: &str = "13.1 checkpoint 100 ms busy 1000 ms idle";
const CLOCK: &str = "13.2 clock 1000 ms warn 5000 ms refuse";
const SHARED: &str = "13.8 checkpoints shared";
const RATE: &str = "18.N rate KIND 600 a minute burst 2000";

/// Largest lateral minimum, 100 NM, and longest horizon, half an hour: the detector's own bounds.
const LATERAL_MAX_MM: i64 = 100 * units::NM_MM;
const HORIZON_MAX_MS: i64 = 1_800_000;
/// Largest vertical minimum, 10,000 m.
const VERTICAL_MAX: i64 = 100_000_000;
/// Longest notice: 31 days.
const NOTICE_MAX_S: i64 = 31 * 86_400;
/// Longest time to acknowledge: a day.
const ACKNOWLEDGE_MAX_S: i64 = 86_400;
/// Time between checkpoints: a receipt may not wait longer than 100 ms for one, nor a peer longer than a second to know
/// that nothing was said; oftener than every 20 ms signatures would be most of the work.
const CHECKPOINT_BUSY_MS: core::ops::RangeInclusive<i64> = 20..=100;
const CHECKPOINT_IDLE_MAX_MS: i64 = 1_000;
/// Largest clock tolerance: ten minutes.
const CLOCK_MAX_MS: i64 = 600_000;

/// Rates: one in ten seconds keeps a session alive; 1,000 a second of one kind is more than a node folds. Bursts: a window's worth.
const RATE_PER_MINUTE: core::ops::RangeInclusive<i64> = 6..=60_000;
const RATE_BURST: core::ops::RangeInclusive<i64> = 64..=100_000;

type Parsed<T> = Result<T, Reason>;

pub(crate) fn pact(text: &str) -> Result<Pact, PactError> {
    let at_start = |reason| PactError { line: 1, clause: "0".into(), reason };
    if text.len() > PACT_BYTES_MAX {
        return Err(at_start(Reason::TooLarge { bytes: text.len(), max: PACT_BYTES_MAX }));
    }
    let body = text.strip_suffix('\n').filter(|b| b.chars().all(visible));
    let body = body.ok_or_else(|| at_start(Reason::NotPlain))?;
    let mut lines = Lines { lines: body.split('\n').collect(), at: 0 };
    let pact = clauses(&mut lines)?;
    canonical(&lines, &pact)?;
    Ok(pact)
}

/// What people read must be what machines compare: no control character but the line break, and nothing that is not seen
/// or turns the order of what is (zero-width characters, marks and overrides of direction, tags).
#[must_use]
pub fn visible(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c == '\n' || !(c.is_control() || hidden)
}

fn clauses(lines: &mut Lines<'_>) -> Result<Pact, PactError> {
    lines.exactly("0", TITLE, |found| Reason::NotAPact { found })?;
    lines.exactly("0", SCHEMA, |found| Reason::Schema { found })?;
    let parties = lines.many("1", "party", party)?;
    lines.check("1", || parties_agree(&parties))?;
    let area = lines.one("2.1", "area", AREA, |words| {
        let outline = parse_outline(words).ok_or_else(|| form(AREA, words))?;
        outline.check().map_err(Reason::Area)?;
        Ok(outline)
    })?;
    let (lower, upper) = lines.one("2.2", "levels", LEVELS, levels)?;
    let (valid_from, valid_until) = lines.one("3.1", "valid", VALID, valid)?;
    let mut pairs = lines.many("4", "minima", pair)?;
    if pairs.first().is_none_or(|(pair, _)| *pair != (None, None)) {
        let back = pairs.len();
        lines.at -= back;
        return Err(lines.error("4.1", Reason::Missing { found: cut(lines.peek()) }));
    }
    let default_minima = pairs.remove(0).1;
    let pairs = pairs_in_order(lines, &pairs)?;
    let alarm_horizon_ms = lines.one("5.1", "alarm", ALARM, |words| match words {
        [number, unit] => within("alarm horizon (ms)", parse_duration(number, unit), 1, HORIZON_MAX_MS, ALARM, words),
        _ => Err(form(ALARM, words)),
    })?;
    let notices = lines.many("6", "notice", notice)?;
    let notice_s = lines.in_order("6", "notices", &notices, NoticeClass::name)?;
    let acknowledge_s = acknowledge(lines)?;
    let mode = lines.one("12.1", "mode", MODE, |words| match words {
        [label] => Mode::parse(label)
            .ok_or_else(|| Reason::Value { what: "live, or exercise: and a name of a-z, 0-9, -", found: cut(label) }),
        _ => Err(form(MODE, words)),
    })?;
    let (checkpoint_busy_ms, checkpoint_idle_ms) = lines.one("13.1", "checkpoint", CHECKPOINT, checkpoint_ms)?;
    let (clock_warn_ms, clock_refuse_ms) = lines.one("13.2", "clock", CLOCK, clock_ms)?;
    let checkpoints_shared = lines.is_there("13.8", "checkpoints", SHARED)?;
    let oversight = oversight(lines, &parties)?;
    let rates = lines.many("18", "rate", rate)?;
    let rates = lines.in_order("18", "rates", &rates, RateOf::name)?;
    let padding = padding(lines, checkpoints_shared)?;
    if lines.at < lines.lines.len() {
        let found = cut(lines.peek());
        let clause = lines.peek().split(' ').next().unwrap_or_default();
        return Err(lines.error(&cut(clause), Reason::Unknown { found }));
    }
    Ok(Pact {
        parties,
        area,
        lower,
        upper,
        valid_from,
        valid_until,
        default_minima,
        pairs,
        alarm_horizon_ms,
        notice_s,
        acknowledge_s,
        mode,
        checkpoint_busy_ms,
        checkpoint_idle_ms,
        clock_warn_ms,
        clock_refuse_ms,
        checkpoints_shared,
        rates,
        oversight,
        padding,
    })
}

/// Clause 19, which may be left out.
fn padding(lines: &mut Lines<'_>, shared: bool) -> Result<Option<Padding>, PactError> {
    if lines.peek().split('.').next() != Some("19") {
        return Ok(None);
    }
    lines.one("19.1", "padding", padding::PADDING, |words| padding::padding(words, shared)).map(Some)
}

/// Clauses 15 to 17, which may be left out.
fn oversight(lines: &mut Lines<'_>, parties: &[Party]) -> Result<Oversight, PactError> {
    let auditors = lines.many("15", "auditor", oversight::auditor)?;
    let witnesses = lines.many("16", "witness", oversight::witness)?;
    let mut quorums = lines.many("17", "quorum", |words| oversight::quorum(words, witnesses.len()))?;
    if quorums.len() > 1 {
        lines.at -= quorums.len() - 1;
        return Err(lines.error("17.2", Reason::Unknown { found: cut(lines.peek()) }));
    }
    let oversight = Oversight { auditors, witnesses, quorum: quorums.pop() };
    lines.check("15", || oversight::agree(&oversight, parties))?;
    Ok(oversight)
}

/// The text must be the one that would be written for its meaning.
fn canonical(lines: &Lines<'_>, pact: &Pact) -> Result<(), PactError> {
    let written = write(pact);
    for (index, (found, expected)) in lines.lines.iter().zip(written.lines()).enumerate() {
        if *found != expected {
            let clause = expected.split(' ').next().unwrap_or_default().to_string();
            let reason = Reason::NotCanonical { expected: expected.to_string() };
            return Err(PactError { line: index + 1, clause, reason });
        }
    }
    Ok(())
}

/// The lines of a pact, and how far they are read.
struct Lines<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> &'a str {
        self.lines.get(self.at).copied().unwrap_or("the end of the text")
    }

    fn error(&self, clause: &str, reason: Reason) -> PactError {
        PactError { line: self.at + 1, clause: clause.to_string(), reason }
    }

    fn exactly(&mut self, clause: &str, want: &str, why: impl FnOnce(String) -> Reason) -> Result<(), PactError> {
        if self.peek() != want {
            return Err(self.error(clause, why(cut(self.peek()))));
        }
        self.at += 1;
        Ok(())
    }

    /// The words after `number keyword`, if the line has them.
    fn words(&self, number: &str, keyword: &str) -> Option<Vec<&'a str>> {
        let rest = self.lines.get(self.at)?.strip_prefix(number)?.strip_prefix(' ')?.strip_prefix(keyword)?;
        if rest.is_empty() { Some(Vec::new()) } else { rest.strip_prefix(' ').map(split) }
    }

    fn one<T>(
        &mut self,
        number: &str,
        keyword: &str,
        form: &'static str,
        read: impl FnOnce(&[&str]) -> Parsed<T>,
    ) -> Result<T, PactError> {
        let Some(words) = self.words(number, keyword) else {
            // The right number with another word is a clause written wrongly; another number is a clause left out.
            let found = cut(self.peek());
            let own = self.peek().split(' ').next() == Some(number);
            let reason = if own { Reason::Form { form, found } } else { Reason::Missing { found } };
            return Err(self.error(number, reason));
        };
        let value = read(&words).map_err(|reason| self.error(number, reason))?;
        self.at += 1;
        Ok(value)
    }

    /// A clause that says one thing or is not there.
    fn is_there(&mut self, number: &str, keyword: &str, form: &'static str) -> Result<bool, PactError> {
        if self.peek().split(' ').next() != Some(number) {
            return Ok(false);
        }
        let word = form.rsplit(' ').next().unwrap_or_default();
        let read = |words: &[&str]| if *words == [word] { Ok(()) } else { Err(self::form(form, words)) };
        self.one(number, keyword, form, read).map(|()| true)
    }

    /// Lines `section.1`, `section.2` and on.
    fn many<T>(
        &mut self,
        section: &str,
        keyword: &str,
        read: impl Fn(&[&str]) -> Parsed<T>,
    ) -> Result<Vec<T>, PactError> {
        let mut out = Vec::new();
        loop {
            let number = format!("{section}.{}", out.len() + 1);
            let Some(words) = self.words(&number, keyword) else { return self.end_of(section, &number).map(|()| out) };
            out.push(read(&words).map_err(|reason| self.error(&number, reason))?);
            self.at += 1;
        }
    }

    /// A line that belongs to the section but not here has a wrong number or word.
    fn end_of(&self, section: &str, number: &str) -> Result<(), PactError> {
        let own = self.lines.get(self.at).and_then(|line| line.split_once('.')).is_some_and(|(s, _)| s == section);
        if own { Err(self.error(number, Reason::Missing { found: cut(self.peek()) })) } else { Ok(()) }
    }

    fn check(&self, clause: &str, read: impl FnOnce() -> Parsed<()>) -> Result<(), PactError> {
        read().map_err(|reason| PactError { line: self.at, clause: clause.to_string(), reason })
    }

    fn in_order<K: Ord + Copy, V: Copy>(
        &self,
        section: &str,
        what: &'static str,
        read: &[(K, V)],
        name: impl Fn(K) -> &'static str,
    ) -> Result<BTreeMap<K, V>, PactError> {
        if let Some(i) = read.windows(2).position(|w| w[0].0 >= w[1].0) {
            let (line, found) = (self.at - read.len() + i + 2, name(read[i + 1].0).to_string());
            let clause = format!("{section}.{}", i + 2);
            return Err(PactError { line, clause, reason: Reason::Order { what, found } });
        }
        Ok(read.iter().copied().collect())
    }
}

/// Words between single blanks; what is between quotes is one word with them.
fn split(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    })
    .collect()
}

fn form(form: &'static str, words: &[&str]) -> Reason {
    Reason::Form { form, found: cut(&words.join(" ")) }
}

fn within(
    what: &'static str,
    got: Option<i64>,
    min: i64,
    max: i64,
    as_form: &'static str,
    words: &[&str],
) -> Parsed<i64> {
    let got = got.ok_or_else(|| form(as_form, words))?;
    if (min..=max).contains(&got) { Ok(got) } else { Err(Reason::Range { what, got, min, max }) }
}

fn party(words: &[&str]) -> Parsed<Party> {
    let (id, name, log, cosign, tls, authority, desk) = match words {
        [id, name, log, cosign, tls, desk] => (id, name, log, cosign, tls, None, desk),
        [id, name, log, cosign, tls, authority, desk] => (id, name, log, cosign, tls, Some(authority), desk),
        _ => return Err(form(PARTY, words)),
    };
    let field =
        |word: &str, key: &str| word.strip_prefix(key).map(ToString::to_string).ok_or_else(|| form(PARTY, words));
    let id = PartyId::parse(id)
        .map_err(|_| Reason::Value { what: "a party name: 1 to 32 of a-z, 0-9, -, a letter first", found: cut(id) })?;
    let tls = field(tls, "tls-spki-sha256=")?;
    Ok(Party {
        id,
        name: quoted(name, 1, 80).ok_or_else(|| form(PARTY, words))?,
        log_key: key("log-key", &field(log, "log-key=")?, Algorithm::Ed25519)?,
        cosign_key: key("cosign-key", &field(cosign, "cosign-key=")?, Algorithm::CosignatureV1)?,
        tls_spki_sha256: Hash32::parse(&tls)
            .ok_or_else(|| Reason::Value { what: "a SHA-256 in 64 hexadecimal digits", found: cut(&tls) })?,
        authority_key: match authority {
            Some(word) => Some(key("authority-key", &field(word, "authority-key=")?, Algorithm::Ed25519)?),
            None => None,
        },
        desk: quoted(&field(desk, "desk=")?, 0, 120).ok_or_else(|| form(PARTY, words))?,
    })
}

fn quoted(word: &str, min: usize, max: usize) -> Option<String> {
    let text = word.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !text.contains('"') && text.trim() == text && (min..=max).contains(&text.chars().count());
    plain.then(|| text.to_string())
}

fn key(which: &'static str, text: &str, algorithm: Algorithm) -> Parsed<VerifierKey> {
    let key: VerifierKey = text.parse().map_err(|error| Reason::Key { which, error })?;
    if key.algorithm() == algorithm {
        return Ok(key);
    }
    Err(Reason::KeyType { which, type_byte: algorithm.byte() })
}

fn parties_agree(parties: &[Party]) -> Parsed<()> {
    if !(2..=PARTIES_MAX).contains(&parties.len()) {
        return Err(Reason::Parties { got: parties.len(), max: PARTIES_MAX });
    }
    if let Some(w) = parties.windows(2).find(|w| w[0].id >= w[1].id) {
        return Err(Reason::Order { what: "parties", found: w[1].id.to_string() });
    }
    let mut seen: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for p in parties {
        let keys =
            [("log-key", p.log_key.public()), ("cosign-key", p.cosign_key.public()), ("TLS key", &p.tls_spki_sha256.0)];
        let authority = p.authority_key.iter().map(|key| ("authority-key", key.public()));
        for (which, bytes) in keys.into_iter().chain(authority) {
            if let Some(other) = seen.insert(bytes.to_vec(), format!("the {which} of {}", p.id)) {
                return Err(Reason::SharedKey { which, party: p.id.to_string(), other });
            }
        }
    }
    parties.iter().try_for_each(named_as_its_party)
}

/// Each key has the one name that its party's keys have: a verifier binds keys to logs by it.
//= spec/keys.md K-16
fn named_as_its_party(p: &Party) -> Parsed<()> {
    let own = key_name(&p.id);
    let signing = [("log-key", &p.log_key, own.clone()), ("cosign-key", &p.cosign_key, own)];
    let authority = p.authority_key.iter().map(|key| ("authority-key", key, authority_key_name(&p.id)));
    for (which, key, wanted) in signing.into_iter().chain(authority) {
        if key.name() != wanted {
            return Err(Reason::KeyName { which, party: p.id.to_string(), found: cut(key.name()), wanted });
        }
    }
    Ok(())
}

fn levels(words: &[&str]) -> Parsed<(Limit, Limit)> {
    let to = words.iter().position(|w| *w == "to").ok_or_else(|| form(LEVELS, words))?;
    let lower = parse_limit(&words[..to], "ground").ok_or_else(|| form(LEVELS, words))?;
    let upper = parse_limit(&words[to + 1..], "unlimited").ok_or_else(|| form(LEVELS, words))?;
    if let (Limit::At(Altitude::Known(lo, a)), Limit::At(Altitude::Known(hi, b))) = (lower, upper)
        && a == b
        && lo >= hi
    {
        return Err(Reason::Area(airspace::VolumeError::LimitsReversed));
    }
    Ok((lower, upper))
}

fn valid(words: &[&str]) -> Parsed<(Utc, Utc)> {
    let [from, "to", until] = words else { return Err(form(VALID, words)) };
    let time = |word: &str| {
        parse_time(word).ok_or_else(|| Reason::Value { what: "a time like 2026-01-31T23:59:59Z", found: cut(word) })
    };
    let (from, until) = (time(from)?, time(until)?);
    if until <= from {
        return Err(Reason::Area(airspace::VolumeError::WindowReversed { start_ms: from.0, end_ms: until.0 }));
    }
    Ok((from, until))
}

type ClassPair = (Option<AircraftClass>, Option<AircraftClass>);

fn pair(words: &[&str]) -> Parsed<(ClassPair, Minima)> {
    let [a, b, distance, d_unit, height, h_unit, time, t_unit] = words else { return Err(form(MINIMA, words)) };
    let class = |word: &str| match word {
        "any" => Ok(None),
        _ => AircraftClass::parse(word)
            .filter(|c| *c != AircraftClass::Unknown)
            .map(Some)
            .ok_or_else(|| Reason::Value { what: "any, civil, military, uas or humanitarian", found: cut(word) }),
    };
    let classes = (class(a)?, class(b)?);
    let vertical = parse_height(height, h_unit).map(|h| h.0.into());
    let lateral_mm =
        within("lateral minimum (mm)", parse_distance(distance, d_unit), 1, LATERAL_MAX_MM, MINIMA, words)?;
    let vertical = within("vertical minimum (0.1 mm)", vertical, 1, VERTICAL_MAX, MINIMA, words)?;
    let horizon_ms = within("horizon (ms)", parse_duration(time, t_unit), 1, HORIZON_MAX_MS, MINIMA, words)?;
    Ok((classes, Minima { lateral_mm, vertical: units::Height(vertical as i32), horizon_ms }))
}

/// Clauses 4.2 and on: the first class before the second, and the lines in the order of both.
fn pairs_in_order(lines: &Lines<'_>, read: &[(ClassPair, Minima)]) -> Result<Vec<PairMinima>, PactError> {
    let name = |(a, b): ClassPair| {
        let name = |c: Option<AircraftClass>| c.map_or("any", AircraftClass::name);
        format!("{} {}", name(a), name(b))
    };
    let mut out: Vec<PairMinima> = Vec::new();
    let mut before = (None, None);
    for (i, ((a, b), minima)) in read.iter().enumerate() {
        let ordered = a <= b && (*a, *b) > before;
        let (true, Some(class)) = (ordered, *b) else {
            let (line, clause) = (lines.at - read.len() + i + 1, format!("4.{}", i + 2));
            let reason = Reason::Order { what: "pairs of classes", found: name((*a, *b)) };
            return Err(PactError { line, clause, reason });
        };
        out.push(PairMinima { a: *a, b: class, minima: *minima });
        before = (*a, *b);
    }
    Ok(out)
}

fn notice(words: &[&str]) -> Parsed<(NoticeClass, u32)> {
    let [class, number, "s"] = words else { return Err(form(NOTICE, words)) };
    let class = NoticeClass::parse(class).ok_or_else(|| Reason::Value {
        what: "activation, hazard, hold, resume, cancellation or information",
        found: cut(class),
    })?;
    let s = within("notice period (s)", parse_decimal(number, 0), 1, NOTICE_MAX_S, NOTICE, words)?;
    Ok((class, s as u32))
}

fn acknowledge(lines: &mut Lines<'_>) -> Result<[u32; 4], PactError> {
    let mut out = [0; 4];
    for (i, precedence) in Precedence::ALL.into_iter().rev().enumerate() {
        let number = format!("7.{}", i + 1);
        out[precedence as usize] = lines.one(&number, "acknowledge", ACKNOWLEDGE, |words| {
            let [name, number, "s"] = words else { return Err(form(ACKNOWLEDGE, words)) };
            if *name != precedence.name() {
                return Err(Reason::Order { what: "FLASH, IMMEDIATE, PRIORITY and ROUTINE", found: cut(name) });
            }
            let s = parse_decimal(number, 0);
            Ok(within("deadline (s)", s, 1, ACKNOWLEDGE_MAX_S, ACKNOWLEDGE, words)? as u32)
        })?;
        if let Some(more) = Precedence::ALL.into_iter().rev().nth(i.wrapping_sub(1)) {
            let (less_s, more_s) = (out[precedence as usize], out[more as usize]);
            if less_s < more_s {
                let reason = Reason::Deadlines { less: precedence.name(), less_s, more: more.name(), more_s };
                return Err(PactError { line: lines.at, clause: number, reason });
            }
        }
    }
    Ok(out)
}

/// `100 ms busy 1000 ms idle`: the second no smaller than the first.
fn checkpoint_ms(words: &[&str]) -> Parsed<(u32, u32)> {
    let [a, "ms", "busy", b, "ms", "idle"] = words else { return Err(form(CHECKPOINT, words)) };
    let (least, most) = CHECKPOINT_BUSY_MS.into_inner();
    let a = within("the time while busy (ms)", parse_decimal(a, 0), least, most, CHECKPOINT, words)?;
    let b = within("the time while idle (ms)", parse_decimal(b, 0), 2 * a, CHECKPOINT_IDLE_MAX_MS, CHECKPOINT, words)?;
    Ok((a as u32, b as u32))
}

fn clock_ms(words: &[&str]) -> Parsed<(u32, u32)> {
    let [a, "ms", "warn", b, "ms", "refuse"] = words else { return Err(form(CLOCK, words)) };
    let a = within("the time of the warning (ms)", parse_decimal(a, 0), 10, CLOCK_MAX_MS, CLOCK, words)?;
    let b = within("the time of the refusal (ms)", parse_decimal(b, 0), a, CLOCK_MAX_MS, CLOCK, words)?;
    Ok((a as u32, b as u32))
}

fn rate(words: &[&str]) -> Parsed<(RateOf, Rate)> {
    let [of, number, "a", "minute", "burst", burst] = words else { return Err(form(RATE, words)) };
    let of = RateOf::parse(of).ok_or_else(|| Reason::Value { what: "a kind of record, or urgent", found: cut(of) })?;
    let (least, most) = RATE_PER_MINUTE.into_inner();
    let per_minute = within("rate (a minute)", parse_decimal(number, 0), least, most, RATE, words)? as u32;
    let (least, most) = RATE_BURST.into_inner();
    let burst = within("burst (records)", parse_decimal(burst, 0), least, most, RATE, words)? as u32;
    Ok((of, Rate { per_minute, burst }))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
pub(crate) mod tests;
