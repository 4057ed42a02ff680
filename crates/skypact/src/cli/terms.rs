//! The terms of a proposed pact, as the command line gives them.
use crate::cli::setup::PartyFile;
use crate::cli::{init, values};
use airspace::{Limit, Outline, Volume4d};
use anyhow::{Context, Result, bail};
use pact::{Auditor, Minima, Oversight, Pact, Padding, PairMinima, Quorum};
use record::{Mode, NoticeClass, Precedence};
use std::collections::BTreeMap;
use std::path::PathBuf;
use units::{AircraftClass, Utc};

/// What holds if a proposal says nothing of minima: the separation that radar control applies en route.
const MINIMA: &str = "any any 5 NM 1000 ft 300 s";

/// Terms.
#[derive(Debug, clap::Args)]
pub struct Terms {
    /// Party file, as `skypact init` wrote it and the party handed over; once for each of the 2 to 16 parties.
    #[arg(long = "party", required = true, value_name = "FILE.party")]
    parties: Vec<PathBuf>,
    /// Clause 2.1: `circle PLACE RADIUS` (up to 1000 NM), `polygon PLACE PLACE PLACE …` or `corridor HALF-WIDTH PLACE PLACE …`;
    /// a place without blanks, as in 47.1,8.2 or 470600N0081200E.
    #[arg(long, value_parser = area)]
    area: Outline,
    /// Clause 2.2: LOWER..UPPER, as in FL050..FL660, ground..unlimited or 3000ftMSL..FL195.
    #[arg(long, default_value = "ground..unlimited", value_parser = values::levels)]
    levels: (Limit, Limit),
    /// Clause 3.1: first and last second, RFC 3339.
    #[arg(long, num_args = 2, required = true, value_names = ["FROM", "TO"], value_parser = second)]
    valid: Vec<Utc>,
    /// Clause 4: a pair of classes (any, civil, military, uas, humanitarian), lateral and vertical minimum, look-ahead. May be
    /// given again for other pairs; the larger of each number holds. Without one for `any any`: 5 NM 1000 ft 300 s.
    #[arg(long, value_parser = minima, value_name = "\"CLASS CLASS 5 NM 1000 ft 300 s\"")]
    minima: Vec<Line>,
    /// Clause 5: a conflict that begins within this is an alarm; one that begins later is a warning.
    #[arg(long, default_value = "120 s", value_parser = values::duration)]
    alarm: i64,
    /// Clause 6: time between the issue of a notice and its start, as in hazard=24h (activation, hazard, hold, resume,
    /// cancellation, information): what the parties promise each other.
    #[arg(long, value_parser = notice, value_name = "CLASS=TIME")]
    notice: Vec<(NoticeClass, u32)>,
    /// Clause 7: time to acknowledge, by precedence. Without: FLASH=60s IMMEDIATE=5min PRIORITY=30min ROUTINE=4h.
    #[arg(long, value_parser = deadline, value_name = "PRECEDENCE=TIME")]
    deadline: Vec<(Precedence, u32)>,
    /// Clause 12: `live`, or `exercise:NAME`.
    #[arg(long, default_value = "live", value_parser = init::mode)]
    mode: Mode,
    /// Clause 13.1: longest time between signed checkpoints while there is something new, and while there is not, ms.
    #[arg(long, num_args = 2, value_names = ["BUSY", "IDLE"], default_values_t = [100, 1000])]
    checkpoint_ms: Vec<u32>,
    /// Clause 13.2: a peer's clock that is off by more is shown; by more than the second, its times are not certified, ms.
    #[arg(long, num_args = 2, value_names = ["WARN", "REFUSE"], default_values_t = [1000, 5000])]
    clock_ms: Vec<u32>,
    /// Clause 15: who may read every log of the pact, by the pin that `skypact audit key` prints. May be given again.
    #[arg(long, value_parser = auditor, value_name = "ID=SHA256")]
    auditor: Vec<Auditor>,
    /// Clause 16: key of a C2SP witness that cosigns the logs' checkpoints (type 0x04). May be given again.
    #[arg(long, value_name = "VKEY")]
    witness: Vec<tlog::VerifierKey>,
    /// Clause 17: how many witnesses are demanded, and within what time, as in `2 within 60s`.
    #[arg(long, value_parser = quorum, value_name = "N within TIME")]
    quorum: Option<Quorum>,
    /// Clause 19: every direction of every link carries a chunk of so many bytes each time, whatever is said, as in `4096/200ms`.
    /// It costs that much traffic all day, and what is more waits (docs/operating.md).
    #[arg(long, value_parser = padding, value_name = "BYTES/TIME")]
    padding: Option<Padding>,
}

/// Classes; `None` for any.
pub type Pair = (Option<AircraftClass>, Option<AircraftClass>);

/// One line of minima: the pair in the pact's order, and the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The pair.
    pub pair: Pair,
    /// The numbers.
    pub minima: Minima,
}

impl Terms {
    /// The pact with these terms, checked.
    pub fn pact(&self) -> Result<Pact> {
        let mut parties = Vec::new();
        for path in &self.parties {
            parties.push(PartyFile::read(path)?.party().with_context(|| path.display().to_string())?);
        }
        parties.sort_by(|a, b| a.id.cmp(&b.id));
        let ([valid_from, valid_until], [busy, idle], [warn, refuse]) =
            (two(&self.valid)?, two(&self.checkpoint_ms)?, two(&self.clock_ms)?);
        let (default_minima, pairs) = self.table()?;
        let pact = Pact {
            parties,
            area: self.area.clone(),
            lower: self.levels.0,
            upper: self.levels.1,
            valid_from,
            valid_until,
            default_minima,
            pairs,
            alarm_horizon_ms: self.alarm,
            notice_s: once(&self.notice, NoticeClass::name)?,
            acknowledge_s: self.deadlines()?,
            mode: self.mode.clone(),
            checkpoint_busy_ms: busy,
            checkpoint_idle_ms: idle,
            clock_warn_ms: warn,
            clock_refuse_ms: refuse,
            checkpoints_shared: false,
            rates: BTreeMap::new(),
            padding: self.padding,
            oversight: self.oversight(),
        };
        pact.check().context("these terms make no pact")?;
        prepare(&pact)?;
        Ok(pact)
    }

    fn oversight(&self) -> Oversight {
        let (mut auditors, mut witnesses) = (self.auditor.clone(), self.witness.clone());
        auditors.sort_by(|a, b| a.id.cmp(&b.id));
        witnesses.sort_by(|a, b| a.name().cmp(b.name()));
        Oversight { auditors, witnesses, quorum: self.quorum }
    }

    fn table(&self) -> Result<(Minima, Vec<PairMinima>)> {
        let mut table: BTreeMap<Pair, Minima> = BTreeMap::new();
        for line in &self.minima {
            if table.insert(line.pair, line.minima).is_some() {
                let name = |c: Option<AircraftClass>| c.map_or("any", AircraftClass::name);
                bail!("--minima {} {} stands twice", name(line.pair.0), name(line.pair.1));
            }
        }
        let standard = minima(MINIMA).map_err(|e| anyhow::anyhow!(e))?.minima;
        let any = table.remove(&(None, None)).unwrap_or(standard);
        let pairs = table.into_iter().filter_map(|((a, b), minima)| Some(PairMinima { a, b: b?, minima }));
        Ok((any, pairs.collect()))
    }

    fn deadlines(&self) -> Result<[u32; 4]> {
        // In the order of Precedence::ALL: the least urgent first.
        let mut out = [14_400, 1800, 300, 60];
        for (precedence, s) in once(&self.deadline, Precedence::name)? {
            out[precedence as usize] = s;
        }
        Ok(out)
    }
}

/// An area that no detector can work on (a boundary that crosses itself) is refused before anybody signs it.
fn prepare(pact: &Pact) -> Result<()> {
    let (start, end) = (pact.valid_from, pact.valid_from);
    let volume = Volume4d { outline: pact.area.clone(), lower: pact.lower, upper: pact.upper, start, end };
    detect::PreparedVolume::prepare(&volume).context("clause 2.1")?;
    Ok(())
}

fn two<T: Copy>(given: &[T]) -> Result<[T; 2]> {
    given.try_into().ok().context("an option of two values has two")
}

fn once<K: Ord + Copy, V: Copy>(given: &[(K, V)], name: impl Fn(K) -> &'static str) -> Result<BTreeMap<K, V>> {
    let mut out = BTreeMap::new();
    for (key, value) in given {
        if out.insert(*key, *value).is_some() {
            bail!("{} stands twice", name(*key));
        }
    }
    Ok(out)
}

fn second(text: &str) -> Result<Utc, String> {
    let at = values::instant(text)?;
    if at.0 % 1000 == 0 { Ok(at) } else { Err(format!("{text:?} has a fraction: a pact counts whole seconds")) }
}

fn area(text: &str) -> Result<Outline, String> {
    const FORM: &str =
        "`circle 47.1,8.2 100 NM`, `polygon 45.6,5.8 45.6,10.6 47.9,10.6` or `corridor 5 NM 47.1,8.2 47.5,8.9`";
    let words: Vec<&str> = text.split_whitespace().collect();
    let point = |word: &str| values::vertex(word);
    let points = |words: &[&str]| words.iter().map(|w| point(w)).collect::<Result<Vec<_>, _>>();
    let outline = match words.as_slice() {
        ["polygon", rest @ ..] => Outline::Polygon(points(rest)?),
        ["circle", centre, radius @ ..] if !radius.is_empty() => {
            Outline::Circle { centre: point(centre)?, radius_mm: values::distance(&radius.join(" "))? }
        }
        ["corridor", number, unit, rest @ ..] if values::number(number).is_some() => {
            Outline::Corridor { half_width_mm: values::distance(&format!("{number} {unit}"))?, points: points(rest)? }
        }
        ["corridor", width, rest @ ..] => {
            Outline::Corridor { half_width_mm: values::distance(width)?, points: points(rest)? }
        }
        _ => return Err(format!("write it as {FORM}")),
    };
    outline.check().map_err(|e| e.to_string())?;
    Ok(outline)
}

fn auditor(text: &str) -> Result<Auditor, String> {
    let (id, pin) = text.split_once('=').ok_or("write ID=SHA256")?;
    let id = record::PartyId::parse(id).map_err(|e| e.to_string())?;
    let pin = record::Hash32::parse(pin).ok_or("the pin is a SHA-256 in 64 hexadecimal digits")?;
    Ok(Auditor { id, tls_spki_sha256: pin })
}

fn quorum(text: &str) -> Result<Quorum, String> {
    let (of, within) = text.split_once(" within ").ok_or("write it as `2 within 60s`")?;
    let of = of.parse().map_err(|_| format!("{of:?} is no number"))?;
    let ms = values::duration(within)?;
    let within_s = u32::try_from(ms / 1000).map_err(|_| String::from("the time is too long"))?;
    if ms % 1000 == 0 { Ok(Quorum { of, within_s }) } else { Err(String::from("the time is in whole seconds")) }
}

/// A constant rate, as in `4096/200ms`; whether a link can live on it is the pact's to check.
pub fn padding(text: &str) -> Result<Padding, String> {
    let (bytes, every) = text.split_once('/').ok_or("write it as 4096/200ms")?;
    let chunk_bytes = bytes.parse().map_err(|_| format!("{bytes:?} is no number of bytes"))?;
    let every_ms = u32::try_from(values::duration(every)?).map_err(|_| String::from("the time is too long"))?;
    Ok(Padding { chunk_bytes, every_ms })
}

/// A pair of classes and its minima.
pub fn minima(text: &str) -> Result<Line, String> {
    let form = || format!("write it as \"{MINIMA}\"");
    let mut words = text.split_whitespace();
    let mut class = || {
        let word = words.next().ok_or_else(form)?;
        if word == "any" {
            return Ok(None);
        }
        let class = AircraftClass::parse(word).filter(|c| *c != AircraftClass::Unknown);
        class.map(Some).ok_or_else(|| format!("{word:?} is none of any, civil, military, uas, humanitarian"))
    };
    let (a, b) = (class()?, class()?);
    // A number and its unit may stand apart or together.
    let mut quantity = || {
        let first = words.next().ok_or_else(form)?;
        let unit = if values::number(first).is_some() { words.next().ok_or_else(form)? } else { "" };
        Ok::<_, String>(format!("{first} {unit}"))
    };
    let lateral_mm = values::distance(quantity()?.trim())?;
    let vertical = values::height(quantity()?.trim())?;
    let horizon_ms = values::duration(quantity()?.trim())?;
    if words.next().is_some() {
        return Err(form());
    }
    Ok(Line { pair: (a.min(b), a.max(b)), minima: Minima { lateral_mm, vertical, horizon_ms } })
}

fn notice(text: &str) -> Result<(NoticeClass, u32), String> {
    const CLASSES: &str = "activation, hazard, hold, resume, cancellation or information";
    let (class, time) = text.split_once('=').ok_or("write it as hazard=24h")?;
    let class = NoticeClass::parse(class).ok_or_else(|| format!("{class:?} is not {CLASSES}"))?;
    Ok((class, seconds(time)?))
}

fn deadline(text: &str) -> Result<(Precedence, u32), String> {
    let (precedence, time) = text.split_once('=').ok_or("write it as FLASH=60s")?;
    let precedence = Precedence::parse(precedence)
        .ok_or_else(|| format!("{precedence:?} is not FLASH, IMMEDIATE, PRIORITY or ROUTINE"))?;
    Ok((precedence, seconds(time)?))
}

/// A time span in whole seconds; a bare number is seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let ms = if bare { values::duration(&format!("{text} s"))? } else { values::duration(text)? };
    let whole = u32::try_from(ms / 1000).ok().filter(|_| ms % 1000 == 0);
    whole.ok_or_else(|| format!("{text:?} is not a whole number of seconds"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        terms: Terms,
    }

    /// The terms of a command line that names two new parties; `more` is added to it.
    pub fn terms(more: &[&str]) -> (tempfile::TempDir, Terms) {
        let dir = tempfile::tempdir().unwrap();
        let mut words = vec![String::from("propose")];
        for name in ["south", "north"] {
            let (node, _) = init::tests::a_node(name);
            let file = format!("{name}.party");
            std::fs::copy(node.path().join(&file), dir.path().join(&file)).unwrap();
            words.extend([String::from("--party"), dir.path().join(&file).display().to_string()]);
        }
        for (option, value) in
            [("--area", &["circle 47,8 100 NM"][..]), ("--valid", &["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"])]
        {
            if !more.contains(&option) {
                words.push(option.to_owned());
                words.extend(value.iter().map(ToString::to_string));
            }
        }
        words.extend(more.iter().map(ToString::to_string));
        (dir, Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{e}")).terms)
    }

    #[test]
    fn a_proposal_says_what_was_asked_for_and_has_defaults_for_the_rest() {
        let (_dir, terms) = terms(&[
            "--levels",
            "FL050..FL660",
            "--minima",
            "military civil 10NM 2000ft 5min",
            "--minima",
            "uas any 1 NM 500 ft 60 s",
            "--notice",
            "hazard=24h",
            "--deadline",
            "FLASH=30",
            "--deadline",
            "ROUTINE=2h",
            "--mode",
            "exercise:a",
            "--alarm",
            "90 s",
            "--checkpoint-ms",
            "50",
            "500",
        ]);
        let text = terms.pact().unwrap().format();
        let got: Vec<&str> = text.lines().skip(4).collect();
        let want = [
            "2.1 area circle 47,8 100 NM",
            "2.2 levels FL050 to FL660",
            "3.1 valid 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z",
            "4.1 minima any any 5 NM 1000 ft 300 s",
            "4.2 minima any uas 1 NM 500 ft 60 s",
            "4.3 minima civil military 10 NM 2000 ft 300 s",
            "5.1 alarm 90 s",
            "6.1 notice hazard 86400 s",
            "7.1 acknowledge FLASH 30 s",
            "7.2 acknowledge IMMEDIATE 300 s",
            "7.3 acknowledge PRIORITY 1800 s",
            "7.4 acknowledge ROUTINE 7200 s",
            "12.1 mode exercise:a",
            "13.1 checkpoint 50 ms busy 500 ms idle",
            "13.2 clock 1000 ms warn 5000 ms refuse",
        ];
        assert_eq!(got, want);
        assert!(
            text.lines().nth(2).unwrap().starts_with("1.1 party north \"Northern Air Command\" log-key="),
            "{text}"
        );
    }

    #[test]
    fn terms_that_contradict_are_refused_with_their_clause() {
        let check = |more: &[&str], want: &str| {
            let (_dir, terms) = terms(more);
            assert_eq!(terms.pact().err().map(|e| format!("{e:#}")).unwrap_or_default(), want, "{more:?}");
        };
        check(
            &["--minima", "uas uas 1 NM 9 ft 9 s", "--minima", "uas uas 2 NM 9 ft 9 s"],
            "--minima uas uas stands twice",
        );
        check(&["--deadline", "FLASH=60", "--deadline", "FLASH=61"], "FLASH stands twice");
        check(
            &["--deadline", "FLASH=1h"],
            "these terms make no pact: line 11, clause 7.2: the deadline for IMMEDIATE (300 s) is shorter than for FLASH (3600 s)",
        );
        check(
            &["--minima", "any any 200 NM 1000 ft 300 s"],
            "these terms make no pact: line 8, clause 4.1: lateral minimum (mm) 370400000 is not between 1 and 185200000",
        );
        check(
            &["--valid", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"],
            "these terms make no pact: line 7, clause 3.1: the window ends (1735689600000 ms) before it starts (1767225600000 ms)",
        );
        check(
            &["--area", "polygon 0,0 1,1 1,0 0,1"],
            "clause 2.1: the boundary crosses itself: edge 0 meets edge 2 (edges counted from 0)",
        );
    }

    #[test]
    fn one_party_twice_is_refused() {
        let (dir, mut terms) = terms(&[]);
        terms.parties = vec![dir.path().join("north.party"); 2];
        let error = format!("{:#}", terms.pact().unwrap_err());
        assert!(error.contains("clause 1"), "{error}");
        terms.parties = vec![dir.path().join("east.party")];
        let error = format!("{:#}", terms.pact().unwrap_err());
        assert!(error.starts_with("the party file ") && error.contains("east.party: No such file"), "{error}");
    }

    #[test]
    fn words_that_are_no_terms_are_refused_with_the_form() {
        fn check<T: std::fmt::Debug>(got: Result<T, String>, want: &str) {
            assert_eq!(got.err().as_deref(), Some(want));
        }
        let form = "write it as \"any any 5 NM 1000 ft 300 s\"";
        check(minima(""), form);
        check(minima("any any 5 NM 1000 ft"), form);
        check(minima("any any 5 NM 1000 ft 300 s 4"), form);
        check(
            minima("any balloon 5 NM 1000 ft 300 s"),
            "\"balloon\" is none of any, civil, military, uas, humanitarian",
        );
        check(minima("any any 1000 ft 5 NM 300 s"), "\"1000 ft\" is not a distance: 5 NM, 9260 m or 9.26 km");
        check(deadline("FLASH"), "write it as FLASH=60s");
        check(deadline("URGENT=60"), "\"URGENT\" is not FLASH, IMMEDIATE, PRIORITY or ROUTINE");
        check(deadline("FLASH=1.5s"), "\"1.5s\" is not a whole number of seconds");
        check(notice("party=1h"), "\"party\" is not activation, hazard, hold, resume, cancellation or information");
        check(
            second("2026-01-01T00:00:00.5Z"),
            "\"2026-01-01T00:00:00.5Z\" has a fraction: a pact counts whole seconds",
        );
        check(area("circle 47,8 2000 NM"), "radius must be above 0 and at most 1000 NM, got 3704000000 mm");
        check(
            area("everywhere"),
            "write it as `circle 47.1,8.2 100 NM`, `polygon 45.6,5.8 45.6,10.6 47.9,10.6` or `corridor 5 NM 47.1,8.2 47.5,8.9`",
        );
        assert_eq!(area("corridor 5NM 47,8 48,9"), area("corridor 5 NM 47,8 48,9"));
    }
}
