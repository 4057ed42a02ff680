//! `skypact release ledger`: who was told what under which rule, by folding the journal again.
use super::rule_json;
use crate::cli::evidence::history::{self, progress};
use crate::cli::evidence::open_journal;
use crate::cli::replay::fold;
use crate::cli::{Global, Outcome, values};
use crate::clock::rfc3339;
use crate::config::Loaded;
use ::release::Basis;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use journal::Seq;
use node::input::{Entry, Output};
use node::{Said, State};
use record::{Body, PartyId, Record, SubjectId};
use serde_json::{Value, json};
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
    /// Only this: a plan's or site's subject, own or as told (its first digits do), or an aircraft's address or callsign.
    #[arg(long)]
    subject: Option<String>,
    /// Lists the own aircraft in each batch of tracks, too.
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
    let mut out = Out { to: std::io::BufWriter::new(std::io::stdout().lock()), format };
    out.head()?;
    let bar = progress((all.upto + 1).saturating_sub(start.0), "folding");
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
    Ok(ExitCode::SUCCESS)
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
        let named = if args.rows || args.subject.is_some() { tracks(state, said, &record) } else { Vec::new() };
        if let Some(wanted) = &args.subject
            && !is_about(wanted, record.subject, own, &named)
        {
            continue;
        }
        out.row(&Line { seq, at, said, record: &record, own, named: &named, rule: rule(state, said) })?;
    }
    Ok(())
}

/// The own aircraft in a batch: the peer's number, and what we call it.
fn tracks(state: &State, said: &Said, record: &Record) -> Vec<(u64, String)> {
    let Body::Tracks(batch) = &record.body else { return Vec::new() };
    let names = state.names_for(&said.peer);
    let numbers = batch.unpack().unwrap_or_default();
    numbers.iter().filter_map(|r| Some((r.local, names.get(&r.local)?.clone()))).collect()
}

fn is_about(wanted: &str, told: SubjectId, own: Option<SubjectId>, named: &[(u64, String)]) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    let begins = |subject: SubjectId| wanted.len() >= 8 && subject.to_string().starts_with(&wanted);
    begins(told)
        || own.is_some_and(begins)
        || named.iter().any(|(_, name)| name.split(' ').any(|word| word.eq_ignore_ascii_case(&wanted)))
}

fn rule(state: &State, said: &Said) -> Option<Value> {
    match said.row.basis {
        Basis::Rule { index, .. } => state.rule(&said.peer, index).map(rule_json),
        Basis::Addressed | Basis::Withdrawal => None,
    }
}

/// One line of the ledger.
struct Line<'a> {
    seq: u64,
    at: Utc,
    said: &'a Said,
    record: &'a Record,
    own: Option<SubjectId>,
    named: &'a [(u64, String)],
    rule: Option<Value>,
}

impl Line<'_> {
    /// Rule (from 1), revision and level, where a rule let it out.
    fn basis(&self) -> (Option<u32>, Option<u32>, &'static str) {
        match self.said.row.basis {
            Basis::Rule { revision, index, level } => (Some(u32::from(index) + 1), Some(revision), level.name()),
            Basis::Addressed => (None, None, "addressed"),
            Basis::Withdrawal => (None, None, "withdrawal"),
        }
    }
}

struct Out<W> {
    to: W,
    format: Format,
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
        let (rule, revision, level) = line.basis();
        let (said, row) = (line.said, &line.said.row);
        let number = |n: Option<u32>| n.map_or_else(String::new, |n| n.to_string());
        let own = line.own.map_or_else(String::new, |own| own.to_string());
        let (time, subject) = (rfc3339(line.at), line.record.subject.to_string());
        match self.format {
            Format::Json => {
                let tracks: Vec<Value> =
                    line.named.iter().map(|(n, own)| json!({ "number": n.to_string(), "own": own })).collect();
                let value = json!({
                    "utc_ms": line.at.0, "journal": line.seq, "peer": said.peer.to_string(), "index": said.index,
                    "record": row.record.to_string(), "kind": row.kind.name(), "rows": row.rows,
                    "revision": revision, "rule": rule, "level": level, "rule_text": line.rule,
                    "subject_told": subject, "subject_own": line.own.map(|own| own.to_string()), "tracks": tracks,
                });
                writeln!(self.to, "{value}")?;
            }
            Format::Csv => {
                // No field but the last can hold a comma or a quote.
                let tracks: Vec<String> =
                    line.named.iter().map(|(n, own)| format!("{n}={}", values::plain(own))).collect();
                let (kind, rows, index, peer) = (row.kind.name(), row.rows, said.index, &said.peer);
                let (rev, rule, seq) = (number(revision), number(rule), line.seq);
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
                    number(rule),
                    &record[..12]
                )?;
                for (number, own) in line.named {
                    writeln!(self.to, "    {} told as {number}", values::plain(own))?;
                }
            }
        }
        Ok(())
    }
}
