//! `skypact release ledger`: who was told what under which rule, by folding the journal again.
use super::rule_json;
use crate::cli::evidence::history::{self, progress};
use crate::cli::evidence::open_journal;
use crate::cli::replay::fold;
use crate::cli::{Global, Outcome, values};
use crate::clock::rfc3339;
use crate::config::Loaded;
use ::release::{Basis, Rule, Who};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use journal::Seq;
use node::input::{Entry, Output};
use node::{Said, State};
use record::{Body, PartyId, Record, SubjectId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use units::Utc;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The journal is read without its lock and nothing is changed: this works beside the running node and on a copy. Every record is
made again by the code that made it, from the newest snapshot before --from, and stands under the rules of that moment. What was
before the journal's beginning, because it was removed by order, is not in the ledger, and a line on standard error says so.")]
pub struct Args {
    /// Configuration of the node whose data folder is read.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Only what this party was told.
    #[arg(long, value_parser = PartyId::parse)]
    peer: Option<PartyId>,
    /// Only from then on, such as 2026-08-01T05:00:00Z.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    from: Option<Utc>,
    /// Only up to then.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    to: Option<Utc>,
    /// Only this: a plan's or site's subject, own or as told (its first digits do); or an aircraft's address, callsign, or feed
    /// and number there (`adsb/17`), with the rows, cells, areas, conflicts and plans in which it was told.
    #[arg(long)]
    subject: Option<String>,
    /// Lists every own aircraft in each record, with the rule that let it out.
    #[arg(long)]
    rows: bool,
    /// Form of the answer; --json is one object a line.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let loaded = Loaded::read(&args.config)?;
    let journal = open_journal(&loaded)?;
    let all = history::scan(&journal, args.to)?;
    let before = match args.from {
        // The last input before; none begins at the first.
        Some(from) => history::scan(&journal, Some(Utc(from.0 - 1)))?.upto,
        None => 0,
    };
    let (mut state, base) = match fold::base(&journal, before) {
        Ok(found) => found,
        Err(_) => {
            let kept = fold::base(&journal, all.upto).context("no snapshot to begin at")?;
            eprintln!(
                "the ledger begins at journal position {}: what was before was removed by order",
                kept.1.unwrap_or(0)
            );
            kept
        }
    };
    let start = base.map_or(Seq(1), |seq| Seq(seq + 1));
    let format = if global.json { Format::Json } else { args.format };
    let mut out = Out { to: std::io::BufWriter::new(std::io::stdout().lock()), format, cut: 0 };
    out.head()?;
    let bar = progress((all.upto + 1).saturating_sub(start.0), "folding");
    let mut earlier = BTreeMap::new();
    if start.0 <= all.upto {
        for item in journal.read(start)? {
            let (Seq(seq), bytes) = item?;
            let entry: Entry = minicbor::decode(&bytes)
                .with_context(|| format!("journal entry {seq} is not one of this version; nothing is guessed"))?;
            let mut outputs = Vec::new();
            if all.quarantined.contains(&seq) {
                state.skip(&entry);
            } else {
                state.apply(&entry, &mut outputs);
                if args.from.is_none_or(|from| entry.now.utc >= from) && seq > before {
                    rows(&args, &state, seq, entry.now.utc, &outputs, &mut out)?;
                    earlier.extend(earlier_names(&args, &state).into_iter().map(|name| (name, entry.now.utc)));
                }
            }
            if seq.is_multiple_of(256) {
                bar.set_position(seq - start.0);
            }
            if seq == all.upto {
                break;
            }
        }
    }
    bar.finish_and_clear();
    out.to.flush()?;
    for (name, at) in earlier {
        eprintln!("until {} it had told no address: what was told of it then is under --subject {name}", rfc3339(at));
    }
    if let (Some(wanted), 1..) = (&args.subject, out.cut) {
        eprintln!(
            "{} aircraft in cells are not named, because a record tells of too many: {wanted} may be one",
            out.cut
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What the aircraft asked for was called before the last input told its address.
fn earlier_names(args: &Args, state: &State) -> Vec<String> {
    let Some(wanted) = &args.subject else { return Vec::new() };
    let name = |internal| state.called(internal, Who::default());
    let is = |(_, new): &&(u64, u64)| name(*new).eq_ignore_ascii_case(wanted);
    state.renamed().iter().filter(is).map(|(old, _)| name(*old)).collect()
}

/// Writes what one input made the node say.
fn rows(args: &Args, state: &State, seq: u64, at: Utc, outputs: &[Output], out: &mut Out<impl Write>) -> Result<()> {
    for said in state.said().iter().filter(|said| args.peer.as_ref().is_none_or(|peer| *peer == said.peer)) {
        let stored = outputs.iter().find_map(|output| match output {
            Output::Link(peer, link::Output::StoreOut { index, bytes })
                if *peer == said.peer && *index == said.index =>
            {
                Some(bytes)
            }
            _ => None,
        });
        let Some(bytes) = stored else { bail!("entry {} to {} was not stored", said.index, said.peer) };
        let record = record::decode(bytes).map_err(|e| anyhow::anyhow!("{e}"))?.record;
        let own = state.own_subject(&said.peer, record.subject);
        let mut named = if args.rows || args.subject.is_some() { named(state, said, &record) } else { Vec::new() };
        let mut rules = state.rules_of(said);
        out.cut += u64::from(said.mentions.cut());
        if let Some(wanted) = &args.subject {
            let about = named.iter().any(|one| one.is(wanted));
            if !about && !is_subject(wanted, record.subject, own) {
                continue;
            }
            if about && !args.rows {
                // Of cells only the rule that let this one out.
                named.retain(|one| one.is(wanted));
                rules.retain(|(index, _)| named.iter().any(|one| one.rule == Some(*index)));
            } else if !args.rows {
                named.clear();
            }
        }
        out.row(&Line { seq, at, said, record: &record, own, named: &named, rules: &rules })?;
    }
    Ok(())
}

/// An own aircraft, or whose plan it is.
struct Named {
    /// Address, or feed and number there; empty for a plan without an address.
    own: String,
    callsign: Option<String>,
    /// The number by which the peer was told of it: of cells the cell's, of areas and plans none.
    number: Option<u64>,
    /// Index of the rule that let it out, from 0.
    rule: Option<u16>,
}

impl Named {
    fn is(&self, wanted: &str) -> bool {
        let is = |name: &str| !name.is_empty() && name.eq_ignore_ascii_case(wanted);
        is(&self.own) || self.callsign.as_deref().is_some_and(is)
    }

    fn words(&self) -> String {
        let parts = [Some(self.own.as_str()), self.callsign.as_deref()];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The own aircraft that a record tells of, as they were known when they were offered.
fn named(state: &State, said: &Said, record: &Record) -> Vec<Named> {
    let rows = match &record.body {
        Body::Tracks(batch) => batch.unpack().unwrap_or_default(),
        _ => Vec::new(),
    };
    let aircraft = said.mentions.aircraft().iter().map(|mention| Named {
        own: state.called(mention.internal, mention.who()),
        callsign: mention.who().callsign().map(|callsign| callsign.to_string()),
        number: match &record.body {
            Body::Conflict(report) => Some(report.own),
            _ => rows.get(usize::from(mention.row)).map(|row| row.local),
        },
        rule: Some(mention.rule),
    });
    let plan = said.mentions.plan.as_ref().map(|plan| Named {
        own: plan.address.map_or_else(String::new, |address| format!("{address:06x}")),
        callsign: plan.callsign.clone(),
        number: None,
        rule: match said.row.basis {
            Basis::Rule { index, .. } => Some(index),
            Basis::Addressed | Basis::Withdrawal => None,
        },
    });
    aircraft.chain(plan).collect()
}

fn is_subject(wanted: &str, told: SubjectId, own: Option<SubjectId>) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    let begins = |subject: SubjectId| wanted.len() >= 8 && subject.to_string().starts_with(&wanted);
    begins(told) || own.is_some_and(begins)
}

/// One line of the ledger.
struct Line<'a> {
    seq: u64,
    at: Utc,
    said: &'a Said,
    record: &'a Record,
    own: Option<SubjectId>,
    named: &'a [Named],
    rules: &'a [(u16, Option<Rule>)],
}

impl Line<'_> {
    /// Revision and level, where a rule let it out.
    fn basis(&self) -> (Option<u32>, &'static str) {
        match self.said.row.basis {
            Basis::Rule { revision, level, .. } => (Some(revision), level.name()),
            Basis::Addressed => (None, "addressed"),
            Basis::Withdrawal => (None, "withdrawal"),
        }
    }

    /// The rules, from 1.
    fn rules(&self, between: &str) -> String {
        let numbers: Vec<String> = self.rules.iter().map(|(index, _)| (index + 1).to_string()).collect();
        numbers.join(between)
    }
}

struct Out<W> {
    to: W,
    format: Format,
    /// Aircraft that are not named, because one record tells of too many.
    cut: u64,
}

impl<W: Write> Out<W> {
    fn head(&mut self) -> Result<()> {
        match self.format {
            Format::Json => {}
            Format::Csv => {
                let names =
                    "time,journal,peer,index,record,kind,rows,revision,rule,level,subject_told,subject_own,tracks";
                writeln!(self.to, "{names}")?;
            }
            Format::Table => writeln!(
                self.to,
                "{:<24} {:<12} {:>8}  {:<10} {:>5}  {:<11} {:>4} {:>4}  {:<12} subject",
                "time", "peer", "index", "kind", "rows", "level", "rev", "rule", "record"
            )?,
        }
        Ok(())
    }

    fn row(&mut self, line: &Line<'_>) -> Result<()> {
        let (revision, level) = line.basis();
        let (said, row) = (line.said, &line.said.row);
        let number = |n: Option<u32>| n.map_or_else(String::new, |n| n.to_string());
        let own = line.own.map_or_else(String::new, |own| own.to_string());
        let (time, subject) = (rfc3339(line.at), line.record.subject.to_string());
        match self.format {
            Format::Json => {
                let from_1 = |index: Option<u16>| index.map(|index| u32::from(index) + 1);
                let one = |one: &Named| {
                    json!({
                        "number": one.number.map(|n| n.to_string()), "own": one.words(), "callsign": one.callsign,
                        "rule": from_1(one.rule),
                    })
                };
                let tracks: Vec<Value> = line.named.iter().map(one).collect();
                let text = |rule: &Option<Rule>| rule.as_ref().map(rule_json);
                let rules: Vec<Value> = line
                    .rules
                    .iter()
                    .map(|(index, rule)| json!({ "rule": from_1(Some(*index)), "text": text(rule) }))
                    .collect();
                let first = line.rules.first();
                let value = json!({
                    "utc_ms": line.at.0, "journal": line.seq, "peer": said.peer.to_string(), "index": said.index,
                    "record": row.record.to_string(), "kind": row.kind.name(), "rows": row.rows,
                    "revision": revision, "rule": from_1(first.map(|(index, _)| *index)), "level": level,
                    "rule_text": first.and_then(|(_, rule)| text(rule)), "rules": rules, "not_named": said.mentions.cut(),
                    "subject_told": subject, "subject_own": line.own.map(|own| own.to_string()), "tracks": tracks,
                });
                writeln!(self.to, "{value}")?;
            }
            Format::Csv => {
                // No field but the last can hold a comma or a quote.
                let one = |one: &Named| {
                    let number = one.number.map_or_else(String::new, |n| n.to_string());
                    format!("{number}={}", values::plain(&one.words()))
                };
                let tracks: Vec<String> = line.named.iter().map(one).collect();
                let (kind, rows, index, peer) = (row.kind.name(), row.rows, said.index, &said.peer);
                let (rev, rule, seq) = (number(revision), line.rules(";"), line.seq);
                writeln!(
                    self.to,
                    "{time},{seq},{peer},{index},{},{kind},{rows},{rev},{rule},{level},{subject},{own},\"{}\"",
                    row.record,
                    tracks.join(";").replace('"', "'")
                )?;
            }
            Format::Table => {
                let record = row.record.to_string();
                let shown = if own.is_empty() { subject } else { format!("{own} (told as {subject})") };
                writeln!(
                    self.to,
                    "{time:<24} {:<12} {:>8}  {:<10} {:>5}  {level:<11} {:>4} {:>4}  {:<12} {shown}",
                    said.peer.as_str(),
                    said.index,
                    row.kind.name(),
                    row.rows,
                    number(revision),
                    line.rules(","),
                    &record[..12]
                )?;
                for one in line.named {
                    let number = one.number.map_or_else(String::new, |n| format!(" told as {n}"));
                    let rule = one.rule.map_or_else(String::new, |rule| format!(" by rule {}", rule + 1));
                    writeln!(self.to, "    {}{number}{rule}", values::plain(&one.words()))?;
                }
                if said.mentions.cut() > 0 {
                    writeln!(self.to, "    and {} aircraft that are not named", said.mentions.cut())?;
                }
            }
        }
        Ok(())
    }
}
