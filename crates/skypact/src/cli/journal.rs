//! `skypact journal`: how far a journal reaches, and the removal of its oldest part by explicit order.
use crate::cli::evidence::history::peek;
use crate::cli::evidence::{logs::Folder, open_journal};
use crate::cli::{Exit, FOUND_BAD, Global, Outcome};
use crate::clock::{rfc3339, utc_ms};
use crate::config::Loaded;
use crate::keys::hex;
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use journal::{Check, Journal, Options, ReadOnly, RemovedSegment, RetentionOrder, SegmentJournal, Seq};
use node::State;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tlog::LogReader;
use units::Utc;

const AFTER: &str = "\
Examples:
  skypact journal show                                             how far it reaches, and how large it is
  skypact journal trim --before 2026-01-01T00:00:00Z --dry-run     what would go
  skypact journal trim --before 2026-01-01T00:00:00Z --who \"A. Keeper\" --why \"retention rule 4: 400 days\"

Nothing is ever removed by itself. Stop the node, export the evidence that is to outlast the journal (`skypact evidence
export`), look with --dry-run, then give the order. Whole segments go, of which every input is older than the time given.
What the two newest snapshots need stays, and nothing goes while a link's log is damaged, for then only the journal can make
it again. data/journal/retention.log keeps who ordered it, why, when, and the hash of every file that went.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Shows first and last input, size and snapshots. Takes no lock and works beside the running node.
    Show {
        /// Configuration of the node.
        #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
        config: PathBuf,
    },
    /// Removes the oldest inputs by order. The node must be stopped.
    Trim(TrimArgs),
}

#[derive(Debug, clap::Args)]
struct TrimArgs {
    /// Configuration of the node.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Only inputs before this time may go, such as 2026-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = crate::clock::parse_rfc3339)]
    before: Utc,
    /// Who orders it; kept for good.
    #[arg(long, value_name = "NAME", value_parser = words, required_unless_present = "dry_run")]
    who: Option<String>,
    /// Why: the rule or the request; kept for good.
    #[arg(long, value_name = "TEXT", value_parser = words, required_unless_present = "dry_run")]
    why: Option<String>,
    /// Shows what would go, and removes nothing.
    #[arg(long)]
    dry_run: bool,
}

fn words(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|c| c != '\n' && pact::visible(c)) && text.trim() == text;
    if plain && (1..=1024).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(String::from("write 1 to 1024 visible characters on one line, without blanks at their ends"))
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        JournalCommand::Show { config } => show(&config, global)?,
        JournalCommand::Trim(args) => trim(&args, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(config: &Path, global: Global) -> Result<()> {
    let loaded = Loaded::read(config)?;
    let journal = open_journal(&loaded)?;
    let (first, last) = (journal.first_seq(), journal.last_seq());
    ensure!(first <= last, "the journal is empty");
    let (begins, ends) = (time_of(&journal, first)?, time_of(&journal, last)?);
    let snapshots: Vec<u64> = journal.snapshots()?.iter().map(|s| s.0).collect();
    let dir = fold::journal_dir(&loaded.path(&loaded.config.data));
    let (mut segments, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(&dir)?.flatten() {
        if entry.path().extension().is_some_and(|e| e == "seg") {
            (segments, bytes) = (segments + 1, bytes + entry.metadata()?.len());
        }
    }
    if global.json {
        println!(
            "{}",
            json!({
                "first": { "input": first.0, "at": rfc3339(begins) }, "last": { "input": last.0, "at": rfc3339(ends) },
                "segments": segments, "bytes": bytes, "snapshots": snapshots,
            })
        );
        return Ok(());
    }
    println!("inputs {first} to {last}, {} to {}", rfc3339(begins), rfc3339(ends));
    println!("{segments} segments, {}; snapshots after input {}", mib(bytes), list(&snapshots));
    if first > Seq(1) {
        println!("what was before was removed by order: see {}", dir.join("retention.log").display());
    }
    Ok(())
}

fn list(numbers: &[u64]) -> String {
    if numbers.is_empty() {
        return String::from("(none)");
    }
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn time_of(journal: &ReadOnly, seq: Seq) -> Result<Utc> {
    let (_, bytes) = journal.read(seq)?.next().with_context(|| format!("input {seq} is not there"))??;
    peek(&bytes).map(|(now, _)| now.utc).with_context(|| format!("input {seq} is not one of this version"))
}

fn trim(args: &TrimArgs, global: Global) -> Result<()> {
    let loaded = Loaded::read(&args.config)?;
    let data = loaded.path(&loaded.config.data);
    let dir = fold::journal_dir(&data);
    // Opening takes the lock, so that no node can run or start meanwhile; every record is checked before any goes.
    ensure!(dir.is_dir(), "there is no journal in {}", dir.display());
    let options = Options { check: Check::Full, ..loaded.config.journal.options() };
    let (mut journal, _) =
        SegmentJournal::open(&dir, options).with_context(|| format!("cannot open the journal in {}", dir.display()))?;
    let beside = ReadOnly::open(&dir)?;
    let upto = last_before(&journal, args.before)?;
    let oldest = oldest_snapshot(&beside)?;
    check_logs(&data, &oldest.1)?;
    ensure!(
        upto <= oldest.0,
        "inputs up to {} ({}) may go, what is newer is needed by the snapshots: order --before {} at the latest",
        oldest.0,
        rfc3339(time_of(&beside, oldest.0)?),
        rfc3339(time_of(&beside, oldest.0)?)
    );
    let removed = if args.dry_run || upto == Seq::ZERO {
        if upto == Seq::ZERO { Vec::new() } else { journal.would_trim(upto)? }
    } else {
        let (who, why) = (args.who.clone().context("--who")?, args.why.clone().context("--why")?);
        let order = RetentionOrder { who, why, at_utc_ms: utc_ms().max(0) as u64 };
        journal.trim(upto, &order)?.removed
    };
    tell(args, &removed, &dir, global);
    Ok(())
}

/// The last input of those at the beginning that were all accepted before a time; zero if there is none.
fn last_before(journal: &SegmentJournal, before: Utc) -> Result<Seq> {
    let mut upto = Seq::ZERO;
    if journal.last_seq() < journal.first_seq() {
        return Ok(upto);
    }
    for item in journal.read(journal.first_seq())? {
        let (seq, bytes) = item?;
        let (now, _) = peek(&bytes).with_context(|| format!("input {seq} is not one of this version"))?;
        if now.utc >= before {
            break;
        }
        upto = seq;
    }
    Ok(upto)
}

/// The older of the two snapshots that are kept, with its state. Both must serve: without the journal before them a node
/// whose newest snapshot is damaged starts from the other, or not at all.
fn oldest_snapshot(journal: &ReadOnly) -> Result<(Seq, State)> {
    let mut oldest = None;
    let mut usable = 0;
    for seq in journal.snapshots()? {
        let bytes =
            journal.read_snapshot(seq)?.map_err(|fault| anyhow::anyhow!("the snapshot after input {seq}: {fault}"));
        let state = bytes.and_then(|bytes| State::from_snapshot(&bytes).context("it is of another version"));
        let advice = || {
            format!(
                "the snapshot after input {seq} does not serve: start the node until it has written another, and stop it"
            )
        };
        oldest = Some((seq, state.with_context(advice)?));
        usable += 1;
    }
    ensure!(usable >= 2, "there are not two snapshots yet: nothing may go before, for the start needs it");
    oldest.context("no snapshot")
}

/// Every entry of every link's log up to the snapshot is as it was signed: what is damaged could be made again from the
/// journal alone.
fn check_logs(data: &Path, state: &State) -> Result<()> {
    for link in state.peer_ids().filter_map(|name| state.link(name)) {
        let dir = fold::link_dir(data, link);
        for (part, frontier) in [("out", link.out_log()), ("in", link.held_log())] {
            let folder = Folder(dir.join(part));
            let bad = LogReader::new(&folder, frontier.size()).audit(&frontier.root());
            let what = match bad {
                Ok(None) => continue,
                Ok(Some(bad)) => bad.to_string(),
                Err(error) => error.to_string(),
            };
            let message = format!(
                "nothing was removed: of the log in {} {what}; only the journal can make it again. Restore the folder from a copy",
                dir.join(part).display()
            );
            return Err(Exit { code: FOUND_BAD, message }.into());
        }
    }
    Ok(())
}

fn tell(args: &TrimArgs, removed: &[RemovedSegment], dir: &Path, global: Global) {
    let bytes: u64 = removed.iter().map(|s| s.bytes).sum();
    if global.json {
        let one = |s: &RemovedSegment| -> Value {
            json!({ "first": s.first.0, "last": s.last.0, "bytes": s.bytes, "sha256": hex(&s.sha256) })
        };
        let list: Vec<Value> = removed.iter().map(one).collect();
        println!("{}", json!({ "removed": list, "bytes": bytes, "dry_run": args.dry_run }));
        return;
    }
    let before = rfc3339(args.before);
    if removed.is_empty() {
        println!("Nothing goes: no whole segment lies before {before}.");
        return;
    }
    let (first, last) = (removed.first().map_or(0, |s| s.first.0), removed.last().map_or(0, |s| s.last.0));
    let goes = if args.dry_run { "would go" } else { "went" };
    println!("Inputs {first} to {last}, all before {before}: {} segments, {} {goes}.", removed.len(), mib(bytes));
    for segment in removed {
        println!(
            "  inputs {} to {}, {} bytes, sha256 {}",
            segment.first,
            segment.last,
            segment.bytes,
            hex(&segment.sha256)
        );
    }
    if args.dry_run {
        println!("Nothing was removed. Export what is to outlast it first: skypact evidence export.");
    } else {
        println!("The order is kept in {}.", dir.join("retention.log").display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_somebody_and_gives_a_reason() {
        for (text, fits) in
            [("A. Keeper", true), ("", false), (" ", false), (" a", false), ("a\nb", false), ("a\u{202e}b", false)]
        {
            assert_eq!(words(text).is_ok(), fits, "{text:?}");
        }
        assert!(words(&"x".repeat(1024)).is_ok() && words(&"x".repeat(1025)).is_err());
    }
}
