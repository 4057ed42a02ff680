//! `skypact evidence`: one file that shows what was said and received, checked with nothing but public keys.
mod ahead;
pub mod brackets;
pub mod export;
mod forks;
pub mod history;
pub mod logs;
mod read;
mod show;
pub mod stated;
pub mod trust;
pub mod words;

use crate::cli::replay::fold as replayed;
use crate::cli::{Global, Outcome};
use crate::clock::rfc3339;
use crate::config::Loaded;
use crate::keys::Keys;
use ahead::Ahead;
use anyhow::{Context, Result, bail, ensure};
use clap::{Subcommand, ValueEnum};
use export::{Exporter, Made, Wanted};
use forks::Fork;
use history::History;
use journal::ReadOnly;
use logs::LinkLog;
use node::State;
use pact::{SignedKeys, SignedPact};
use record::{Kind, Mode, PartyId};
use serde_json::{Value, json};
use stated::Stated;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tlog::{Bundle, TrustedKeys};
use units::Utc;

/// Beside a running node a tile may be replaced between two reads: then once more, after the next flush.
const TRIES: u32 = 5;
const WAIT: Duration = Duration::from_millis(400);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes what was said to peers and heard from them, with proofs, into one file.
    ///
    /// Reads the node's data folder without its lock and changes nothing in it, so it works beside the running node and
    /// on a copy. Each entry is shown under the first checkpoint that the other party cosigned over it: that gives
    /// the time by which it was received.
    Export(ExportArgs),
    /// Checks such a file with public keys from elsewhere. Offline; needs no node.
    ///
    /// Exit code 0: everything the file claims is proven. 3: not. 5: a pact bears not the signatures of all its parties, and
    /// `--unsigned-pact` was not given. 1: the file cannot be read.
    Verify(read::VerifyArgs),
    /// Shows what stands in such a file, without checking it.
    Show(read::ShowArgs),
}

/// Which logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// What we said.
    Out,
    /// What we were told.
    In,
    /// Both.
    Both,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// Configuration of the node whose data folder is read.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Only the link with this party.
    #[arg(long, value_parser = PartyId::parse)]
    peer: Option<PartyId>,
    /// Only records issued at or after this time, such as 2026-08-01T05:00:00Z.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    from: Option<Utc>,
    /// Only records issued before this time.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    to: Option<Utc>,
    /// What we said, what we were told, or both.
    #[arg(long, default_value = "both")]
    direction: Direction,
    /// Only these kinds: pact, tracks, plan, notice, receipt, site, avoid, conflict, channel, withdrawn, desk.
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    kind: Vec<Kind>,
    /// File to write; must not exist.
    #[arg(long, short)]
    output: PathBuf,
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().find(|k| k.name() == word);
    known.ok_or_else(|| format!("{word:?} is none of {}", Kind::ALL.map(Kind::name).join(", ")))
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        Command::Export(args) => export(&args, global),
        Command::Verify(args) => read::verify(&args, global),
        Command::Show(args) => read::show(&args, global),
    }
}

/// A data folder, opened for reading.
pub struct Opened {
    /// Own party.
    pub me: PartyId,
    /// The journal's account.
    pub history: History,
    /// Logs whose pact is known.
    pub logs: Vec<LinkLog>,
    /// Folders whose pact is not.
    pub unknown: Vec<PathBuf>,
}

/// Opens the data folder of a configuration.
pub fn open(loaded: &Loaded, history: History) -> Result<Opened> {
    let me = PartyId::parse(&loaded.config.party)?;
    let mode = Mode::parse(&loaded.config.mode).context("mode")?;
    let mut pacts = history.pacts.clone();
    for path in &loaded.config.pacts {
        let path = loaded.path(path);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read the pact {}", path.display()))?;
        let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))?;
        if pacts.iter().all(|p| p.pact() != signed.pact()) {
            pacts.push(signed);
        }
    }
    let (logs, unknown) = logs::find(&loaded.path(&loaded.config.data), &me, &mode, &pacts)?;
    Ok(Opened { me, history, logs, unknown })
}

/// The journal of a configuration, for reading beside whoever writes it.
pub fn open_journal(loaded: &Loaded) -> Result<ReadOnly> {
    let dir = fold::journal_dir(&loaded.path(&loaded.config.data));
    ReadOnly::open(&dir).with_context(|| format!("cannot read the journal in {}", dir.display()))
}

fn export(args: &ExportArgs, global: Global) -> Outcome {
    ensure!(!args.output.exists(), "{} exists; evidence is never overwritten", args.output.display());
    let loaded = Loaded::read(&args.config)?;
    let journal = open_journal(&loaded)?;
    let opened = open(&loaded, history::scan(&journal, None)?)?;
    let mut remarks: Vec<String> = opened
        .unknown
        .iter()
        .map(|dir| {
            format!("{} is left out: its pact stands neither in the configuration nor in the journal", dir.display())
        })
        .collect();
    let keys = match Keys::load(&loaded.path(&loaded.config.keys)) {
        Ok(keys) => Some(keys),
        Err(error) => {
            remarks.push(format!(
                "without the node's keys only the newest receipt of each log can be shown, so times of receipt are \
                 the latest possible ({error:#})"
            ));
            None
        }
    };
    let kinds = (!args.kind.is_empty()).then(|| args.kind.iter().copied().collect());
    let wanted = Wanted { from: args.from, to: args.to, kinds };
    let exporter = Exporter {
        me: &opened.me,
        keys: keys.as_ref(),
        history: &opened.history,
        wanted: &wanted,
        stated: Stated::default(),
    };
    let mut made = Vec::new();
    for log in opened.logs.iter().filter(|log| is_asked(log, args)) {
        match patiently(&exporter, log)? {
            Some(evidence) => made.push((log, evidence)),
            None => remarks.push(format!("{}: no checkpoint of it is held, so nothing of it can be shown", log.origin)),
        }
    }
    let state = match state(&journal, &opened) {
        Ok(state) => state,
        Err(error) => {
            remarks.push(format!(
                "what the node's state keeps beside the logs (two histories that others signed, what was sent ahead and never \
                 signed for, statements about keys) could not be looked up: {error:#}"
            ));
            State::default()
        }
    };
    let stated: Vec<SignedKeys> =
        state.key_statements().filter_map(|text| SignedKeys::parse(text.as_bytes()).ok()).collect();
    let forks: Vec<Fork> = forks::find(&state, &opened.history.pacts, &stated)
        .into_iter()
        .filter(|fork| fork.concerns(args.peer.as_ref()))
        .collect();
    let ahead = ahead::find(&state, opened.logs.iter().filter(|log| is_asked(log, args)));
    if made.is_empty() && forks.is_empty() {
        let peer = args.peer.as_ref().map_or_else(String::new, |p| format!(" with {p}"));
        bail!(
            "there is no log{peer} with a signed checkpoint in {}\n{}",
            loaded.config.data.display(),
            remarks.join("\n")
        );
    }
    let stated = made.iter().flat_map(|(log, _)| exporter.stated.found(log)).chain(stated).collect();
    write(args, made, (forks, ahead), stated, remarks, global)
}

/// The node's state at the end of its journal.
fn state(journal: &ReadOnly, opened: &Opened) -> Result<State> {
    if opened.history.upto == 0 {
        return Ok(State::default());
    }
    Ok(replayed::fold(journal, &opened.history)?.state)
}

fn is_asked(log: &LinkLog, args: &ExportArgs) -> bool {
    let direction = match args.direction {
        Direction::Both => true,
        Direction::Out => log.outgoing,
        Direction::In => !log.outgoing,
    };
    direction && args.peer.as_ref().is_none_or(|peer| *peer == log.peer)
}

fn patiently(exporter: &Exporter<'_>, log: &LinkLog) -> Result<Option<Made>> {
    for _ in 1..TRIES {
        match exporter.log(log) {
            Ok(Some(made)) => return Ok(Some(made)),
            // Nothing yet, or in between: the next flush comes within a second.
            Ok(None) => {}
            Err(error) if export::is_absent(&error) => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(WAIT);
    }
    exporter.log(log).with_context(|| format!("the log {}", log.origin))
}

fn write(
    args: &ExportArgs,
    made: Vec<(&LinkLog, Made)>,
    (forks, ahead): (Vec<Fork>, Vec<Ahead>),
    stated: Vec<SignedKeys>,
    mut remarks: Vec<String>,
    global: Global,
) -> Outcome {
    let summary: Vec<Value> = made.iter().map(|(log, made)| log_json(log, made)).collect();
    let mut lines: Vec<String> = made.iter().flat_map(|(log, made)| log_text(log, made)).collect();
    lines.extend(forks.iter().map(Fork::text));
    let mut pacts: Vec<SignedPact> = Vec::new();
    for pact in made.iter().map(|(log, _)| &log.pact).chain(forks.iter().map(|fork| &fork.pact)) {
        if !pacts.contains(pact) {
            pacts.push(pact.clone());
        }
    }
    // A statement brought by hand stands in no log.
    let of_these = |signed: &SignedKeys| pacts.iter().any(|pact| signed.check(pact.pact()).is_ok());
    let stated: Vec<SignedKeys> = stated.into_iter().filter(of_these).collect();
    let mut statements: Vec<Vec<u8>> = stated.iter().map(SignedKeys::to_bytes).collect();
    statements.sort();
    statements.dedup();
    let mut logs: Vec<_> = made.into_iter().map(|(_, made)| made.evidence).collect();
    forks.iter().for_each(|fork| fork.add_to(&mut logs));
    for said in &ahead {
        if !said.add_to(&mut logs) {
            remarks.push(format!("left out, as its bytes or its log are not there: {}", said.text()));
        }
    }
    lines.extend(ahead.iter().map(Ahead::text));
    logs.sort_by(|a, b| a.origin.cmp(&b.origin));
    let origins: Vec<String> = logs.iter().map(|log| log.origin.clone()).collect();
    let mut trusted = TrustedKeys::new();
    for signed in &pacts {
        trust::pact(&mut trusted, signed.pact(), &origins)?;
    }
    for bytes in &statements {
        trust::statement(&mut trusted, &pacts, &origins, bytes)?;
    }
    remarks.extend(trust::thefts(&mut trusted, &pacts, &origins, &stated)?);
    let papers: Vec<Vec<u8>> = pacts.iter().map(SignedPact::to_bytes).chain(statements).collect();
    let bundle = Bundle { logs, metadata: export::metadata(&papers)? };
    let report = export::check(&bundle, &trusted)?;
    let bytes = bundle.encode()?;
    write_new(&args.output, &bytes)?;
    let contradictions = report.equivocations().count();
    let unwitnessed = report.logs.iter().flat_map(|log| log.stretches.iter().map(move |s| (&log.origin, s)));
    lines.extend(unwitnessed.filter(|(_, s)| !s.is_witnessed()).map(|(origin, s)| format!("{origin}: {s}")));
    let fallen = report.logs.iter().flat_map(|log| log.not_proven.iter().map(move |what| (&log.origin, what)));
    lines.extend(
        fallen.filter(|(_, what)| what.is_of_a_theft()).map(|(origin, what)| format!("{origin}: NOT PROVEN: {what}")),
    );
    if global.json {
        let out = json!({
            "file": args.output.display().to_string(),
            "bytes": bytes.len(),
            "logs": summary,
            "sound": report.is_sound(),
            "contradictions": contradictions,
            "unsigned": ahead.iter().map(Ahead::json).collect::<Vec<_>>(),
            "forks": forks.iter().map(Fork::json).collect::<Vec<_>>(),
            "remarks": remarks,
        });
        println!("{out}");
    } else {
        lines.iter().for_each(|line| println!("{line}"));
        remarks.iter().for_each(|remark| println!("Note: {remark}"));
        if contradictions > 0 {
            println!("A party CONTRADICTED ITSELF: both signed checkpoints are in the file.");
        }
        println!("{} written, {} bytes. Check it anywhere with", args.output.display(), bytes.len());
        println!("  skypact evidence verify {} --pact PACT", args.output.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn log_json(log: &LinkLog, made: &Made) -> Value {
    let at = |at: Option<Utc>| at.map(rfc3339);
    json!({
        "origin": log.origin,
        "peer": log.peer.as_str(),
        "direction": if log.outgoing { "out" } else { "in" },
        "entries": made.evidence.entries.len(),
        "first": made.evidence.entries.first().map(|e| e.index),
        "last": made.evidence.entries.last().map(|e| e.index),
        "complete_between": made.complete,
        "checkpoints": made.evidence.checkpoints.len(),
        "size": made.size,
        "not_yet_sealed": made.beyond,
        "receipts_first": at(made.received.map(|r| r.0)),
        "receipts_last": at(made.received.map(|r| r.1)),
        "remarks": made.remarks,
    })
}

fn log_text(log: &LinkLog, made: &Made) -> Vec<String> {
    let what = if log.outgoing { format!("said to {}", log.peer) } else { format!("heard from {}", log.peer) };
    let entries = &made.evidence.entries;
    let stretch = match (entries.first(), entries.last()) {
        (Some(a), Some(b)) if made.complete => format!(" ({} to {}, none left out)", a.index, b.index),
        (Some(a), Some(b)) => format!(" (chosen by kind between {} and {})", a.index, b.index),
        _ => String::new(),
    };
    let received = if log.outgoing { format!(", {}", export::received_text(made.received)) } else { String::new() };
    let mut lines = vec![format!(
        "{what}: {} of {} entries{stretch}, {} checkpoints{received}",
        entries.len(),
        made.size,
        made.evidence.checkpoints.len()
    )];
    if made.beyond > 0 {
        lines.push(format!("  {} newer entries are not yet under a checkpoint that both hold: not shown", made.beyond));
    }
    lines.extend(made.remarks.iter().map(|remark| format!("  {remark}")));
    lines
}

/// Writes a file that must not exist, durably.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let of = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(of)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(of)
}
