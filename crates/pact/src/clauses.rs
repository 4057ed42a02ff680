//! A pact as lines: each clause's number, its name for comparison, and its text.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use record::Precedence;
use units::AircraftClass;

use crate::form::{distance, duration, height, limit, outline, time};
use crate::oversight::{auditor_text, quorum_text};
use crate::padding::padding_text;
use crate::rules::{Minima, Pact, Party};

/// First line of every pact.
pub(crate) const TITLE: &str = "skypact pact v1";
/// The schema written and read here.
pub(crate) const SCHEMA: &str = "0 schema 1";

/// One clause as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// `4.2`.
    pub number: String,
    /// What it is about: two pacts are compared by this, since a party more moves every number after it.
    pub about: String,
    /// The words after the number.
    pub text: String,
}

pub(crate) fn format(pact: &Pact) -> String {
    let mut out = format!("{TITLE}\n{SCHEMA}\n");
    for clause in clauses(pact) {
        out.push_str(&clause.number);
        out.push(' ');
        out.push_str(&clause.text);
        out.push('\n');
    }
    out
}

/// The clauses in their order.
pub(crate) fn clauses(pact: &Pact) -> Vec<Clause> {
    let mut out = Vec::new();
    let mut add = |number: String, about: String, text: String| out.push(Clause { number, about, text });
    for (i, p) in pact.parties.iter().enumerate() {
        add(format!("1.{}", i + 1), format!("party {}", p.id), party(p));
    }
    add("2.1".into(), "area".into(), format!("area {}", outline(&pact.area)));
    let (lower, upper) = (limit(pact.lower, "ground"), limit(pact.upper, "unlimited"));
    add("2.2".into(), "levels".into(), format!("levels {lower} to {upper}"));
    add("3.1".into(), "valid".into(), format!("valid {} to {}", time(pact.valid_from), time(pact.valid_until)));
    add("4.1".into(), "minima any any".into(), format!("minima any any {}", minima(pact.default_minima)));
    for (i, pair) in pact.pairs.iter().enumerate() {
        let about = format!("minima {} {}", pair.a.map_or("any", AircraftClass::name), pair.b.name());
        add(format!("4.{}", i + 2), about.clone(), format!("{about} {}", minima(pair.minima)));
    }
    add("5.1".into(), "alarm".into(), format!("alarm {}", duration(pact.alarm_horizon_ms)));
    for (i, (class, s)) in pact.notice_s.iter().enumerate() {
        add(format!("6.{}", i + 1), format!("notice {}", class.name()), format!("notice {} {s} s", class.name()));
    }
    for (i, precedence) in Precedence::ALL.into_iter().rev().enumerate() {
        let about = format!("acknowledge {}", precedence.name());
        add(format!("7.{}", i + 1), about.clone(), format!("{about} {} s", pact.deadline_s(precedence)));
    }
    add("12.1".into(), "mode".into(), format!("mode {}", pact.mode.label()));
    let (busy, idle) = (pact.checkpoint_busy_ms, pact.checkpoint_idle_ms);
    add("13.1".into(), "checkpoint".into(), format!("checkpoint {busy} ms busy {idle} ms idle"));
    let (warn, refuse) = (pact.clock_warn_ms, pact.clock_refuse_ms);
    add("13.2".into(), "clock".into(), format!("clock {warn} ms warn {refuse} ms refuse"));
    if pact.checkpoints_shared {
        add("13.8".into(), "checkpoints".into(), "checkpoints shared".into());
    }
    for (i, auditor) in pact.oversight.auditors.iter().enumerate() {
        add(format!("15.{}", i + 1), format!("auditor {}", auditor.id), auditor_text(auditor));
    }
    for (i, key) in pact.oversight.witnesses.iter().enumerate() {
        add(format!("16.{}", i + 1), format!("witness {}", key.name()), format!("witness {key}"));
    }
    if let Some(quorum) = pact.oversight.quorum {
        add("17.1".into(), "quorum".into(), quorum_text(quorum));
    }
    for (i, (of, rate)) in pact.rates.iter().enumerate() {
        let about = format!("rate {}", of.name());
        let text = format!("{about} {} a minute burst {}", rate.per_minute, rate.burst);
        add(format!("18.{}", i + 1), about, text);
    }
    if let Some(padding) = pact.padding {
        add("19.1".into(), "padding".into(), padding_text(padding));
    }
    out
}

fn party(p: &Party) -> String {
    let authority = p.authority_key.as_ref().map_or_else(String::new, |key| format!(" authority-key={key}"));
    format!(
        "party {} \"{}\" log-key={} cosign-key={} tls-spki-sha256={}{authority} desk=\"{}\"",
        p.id, p.name, p.log_key, p.cosign_key, p.tls_spki_sha256, p.desk
    )
}

fn minima(m: Minima) -> String {
    format!("{} {} {}", distance(m.lateral_mm), height(m.vertical), duration(m.horizon_ms))
}
