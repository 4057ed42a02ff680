//! `skypact replay`: what was known, and what each party had been told, at a time in the past.
pub(crate) mod fold;
mod told;
mod words;

use crate::cli::evidence::history::{self, History};
use crate::cli::evidence::{Opened, open, open_journal};
use crate::cli::{FOUND_BAD, Global, Outcome};
use crate::clock::rfc3339;
use crate::config::Loaded;
use anyhow::{Context, Result, bail};
use fold::Folded;
use journal::{ReadOnly, TailFacts};
use record::PartyId;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use told::Told;
use units::Utc;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The journal is read without its lock and nothing is changed: this works beside the running node and on a copy.
What a party had been told is what it had confirmed to hold by then; what was on its way is listed apart.")]
pub struct Args {
    /// Configuration of the node whose data folder is read.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// The time asked about, such as 2026-08-01T05:00:00Z.
    #[arg(long, value_parser = crate::clock::parse_rfc3339, required_unless_present = "verify")]
    at: Option<Utc>,
    /// Only what this party had been told.
    #[arg(long, value_parser = PartyId::parse)]
    peer: Option<PartyId>,
    /// Lists every aircraft, not only the first ones.
    #[arg(long)]
    all: bool,
    /// Checks every byte of the journal first; exit code 3 if anything is not as it was written.
    #[arg(long)]
    verify: bool,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let loaded = Loaded::read(&args.config)?;
    let mut out = json!({});
    if args.verify {
        let (sound, report) = verify(&loaded, global)?;
        out["journal"] = report;
        if !sound {
            if global.json {
                println!("{out}");
            }
            return Ok(ExitCode::from(FOUND_BAD));
        }
    }
    if let Some(at) = args.at {
        let journal = open_journal(&loaded)?;
        let history = history::scan(&journal, Some(at))?;
        in_span(&history, at)?;
        let folded = fold::fold(&journal, &history)?;
        let opened = open(&loaded, history)?;
        let told = told_to(&args, &journal, &opened, &folded)?;
        let view = folded.state.view(folded.state.now());
        if global.json {
            out["at"] = json!(rfc3339(at));
            out["view"] = words::view_json(&view, &opened.history, &folded);
            out["told"] = told.iter().map(words::told_json).collect();
        } else {
            words::print_view(&view, &opened.history, &folded, at, args.all);
            told.iter().for_each(|told| words::print_told(told, args.all));
        }
    }
    if global.json {
        println!("{out}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The time must lie in what the journal holds.
fn in_span(history: &History, at: Utc) -> Result<()> {
    let Some(((first, begins), (_, ends))) = history.span else { bail!("the journal is empty") };
    if history.upto < first || history.upto == 0 {
        bail!(
            "the journal begins at {}, so nothing is known of {}; it ends at {}",
            rfc3339(begins),
            rfc3339(at),
            rfc3339(ends)
        );
    }
    Ok(())
}

fn told_to(args: &Args, journal: &ReadOnly, opened: &Opened, folded: &Folded) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    for peer in folded.state.peer_ids().filter(|peer| args.peer.as_ref().is_none_or(|asked| asked == *peer)) {
        let link = folded.state.link(peer).context("a peer without a link")?;
        let origin = link.config().out_origin();
        let log = opened.logs.iter().find(|log| log.origin == origin);
        all.push(told::told(peer, link, log, opened, folded).with_context(|| format!("what {peer} had been told"))?);
    }
    if let (true, Some(asked)) = (all.is_empty(), &args.peer) {
        bail!("{asked} was no peer of this node then (journal position {})", journal.last_seq());
    }
    Ok(all)
}

/// Checks every byte of the journal.
fn verify(loaded: &Loaded, global: Global) -> Result<(bool, Value)> {
    let dir = ::fold::journal_dir(&loaded.path(&loaded.config.data));
    let bar = history::progress(1, "checking the journal");
    let report = journal::verify_with(&journal::fs::StdFs, &dir, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .with_context(|| format!("cannot read the journal in {}", dir.display()))?;
    bar.finish_and_clear();
    let tail = match report.tail {
        TailFacts::Clean => "clean".to_owned(),
        TailFacts::Torn { bytes, seq, .. } => {
            format!("torn: {bytes} bytes of a write that did not finish, before {seq}")
        }
        TailFacts::Unknown => "not judged".to_owned(),
    };
    let damage: Vec<String> = report.damage.iter().map(ToString::to_string).collect();
    let bad_snapshots: Vec<String> =
        report.snapshots.iter().filter_map(|s| s.fault.map(|fault| format!("snapshot {}: {fault}", s.seq))).collect();
    let bytes: u64 = report.segments.iter().map(|s| s.bytes).sum();
    if !global.json {
        println!(
            "journal: {} records in {} segments, {bytes} bytes; end: {tail}; {} snapshots",
            report.records(),
            report.segments.len(),
            report.snapshots.len()
        );
        damage.iter().for_each(|line| println!("  DAMAGED: {line}"));
        bad_snapshots.iter().for_each(|line| println!("  {line} (the journal is sound without it)"));
        println!(
            "journal: {}",
            if report.is_sound() { "every byte is as it was written" } else { "NOT as it was written" }
        );
    }
    let json = json!({
        "sound": report.is_sound(),
        "records": report.records(),
        "segments": report.segments.len(),
        "bytes": bytes,
        "tail": tail,
        "damage": damage,
        "damaged_snapshots": bad_snapshots,
        "removed_by_order": report.retention.len(),
    });
    Ok((report.is_sound(), json))
}
