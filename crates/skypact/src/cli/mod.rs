//! The command line.
mod account;
mod audit;
pub(crate) mod bench;
mod client;
mod desk;
mod detect;
pub mod evidence;
mod explain;
mod f3548;
mod geojson;
mod inhibit;
mod init;
mod journal;
mod key;
mod notice;
mod pact;
mod plan;
mod release;
mod replay;
mod setup;
mod site;
mod terms;
mod track;
mod values;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Tells several parties that share one sky who flies where, under each party's own rules, and keeps the proof.
///
/// Each party runs its own node. For safety of flight and the protection of civilians. Certified for nothing.
#[derive(Debug, Parser)]
#[command(name = "skypact", version, after_help = EXIT_CODES)]
struct Cli {
    /// Machine-readable output: one JSON document, or JSON lines, on standard output.
    #[arg(long, global = true)]
    json: bool,
    /// Log lines as JSON on standard error (what to log: SKYPACT_LOG, for example `info,skypact=debug`).
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; standard error says why and what to do
  2  the command line is wrong
  3  checked and found bad: evidence that does not verify, a damaged journal,
     a place over or near a protected site
  4  refused by the node: role, release rules, read-back
  5  evidence that verifies, under a pact that a party did not sign";

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a new node: keys, configuration, folders. Shows what to put into the pact.
    Init(init::Args),
    /// Runs a node.
    Serve(crate::serve::Args),
    /// Runs three parties on this machine with traffic, to see the whole idea at work.
    Demo(crate::demo::Args),
    /// Shows a node's public keys.
    Key(key::Args),
    /// Proposes, signs, shows and compares pacts.
    Pact(pact::Args),
    /// Files, lists and cancels plans at a running node.
    Plan(plan::Args),
    /// Sends, lists and acknowledges notices at a running node.
    Notice(notice::Args),
    /// Says why there is an alert, and makes the decision again.
    Explain(explain::Args),
    /// Takes conflicts from among the alarms, for a reason and until a time.
    Inhibit(inhibit::Args),
    /// Lists the picture; parts tracks that were taken for one aircraft.
    Track(track::Args),
    /// Files and lists protected sites; says whether a place lies over or near one.
    Site(site::Args),
    /// States whether somebody is at the own desk, and shows what the peers state of theirs.
    Desk(desk::Args),
    /// Shows what a peer would be told, and the rules; replaces the rules.
    Release(release::Args),
    /// Lists, makes and removes accounts at a running node.
    Account(account::Args),
    /// Exports what was said and received, with proofs; verifies such a file offline.
    Evidence(evidence::Args),
    /// Fetches and checks the logs of a pact as its auditor.
    Audit(audit::Args),
    /// Attests that logs existed and only grew: a C2SP witness, which sees hashes alone.
    Witness(crate::witness::Args),
    /// Says what was known, and what each party had been told, at a time in the past.
    Replay(replay::Args),
    /// Shows how far a journal reaches; removes its oldest part by order.
    Journal(journal::Args),
    /// Lists from the journal what USSs reported, and who was notified of what (ASTM F3548-21).
    F3548(f3548::Args),
    /// Runs the detectors on files, without a node: tracks, pairs, volumes, plans, protected sites.
    Detect(Box<detect::Args>),
    /// Measures, against a baseline in the same run.
    Bench(bench::Args),
}

/// What every command is given besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Global {
    /// Machine-readable output.
    pub json: bool,
}

/// Result of a command: 0 unless it found something bad.
pub type Outcome = Result<ExitCode>;

/// Exit code for everything else that went wrong.
const FAILED: u8 = 1;
/// Exit code for a command line that is wrong.
const WRONG_LINE: u8 = 2;
/// Exit code for evidence that does not verify and journals that are damaged.
pub const FOUND_BAD: u8 = 3;
/// Exit code for what the node refused.
pub const REFUSED: u8 = 4;
/// Exit code for evidence held against a pact that a party did not sign.
pub const UNSIGNED: u8 = 5;

/// An error with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// Exit code, one of those above.
    pub code: u8,
    /// What happened, and what to do.
    pub message: String,
}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_line(&error),
    };
    log_to_stderr(cli.log_json, matches!(cli.command, Command::Serve(_) | Command::Witness(_)));
    let global = Global { json: cli.json };
    let outcome = run(cli.command, global);
    let whole = crate::out::is_whole();
    match outcome {
        Ok(_) if !whole => ExitCode::FAILURE,
        Ok(code) => code,
        Err(error) => {
            let text = told(&error);
            if global.json {
                eprintln!("{}", serde_json::json!({ "error": text }));
            } else {
                eprintln!("skypact: {text}");
            }
            ExitCode::from(exit_code(&error))
        }
    }
}

/// A command line that is wrong, or that asks for help: as clap says it, but as JSON for a program that asked for JSON.
fn wrong_line(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    if json && error.use_stderr() {
        eprintln!("{}", serde_json::json!({ "error": error.to_string().trim_end() }));
    } else {
        // A reader that went away needs no help.
        let _gone = error.print();
    }
    if error.use_stderr() { ExitCode::from(WRONG_LINE) } else { ExitCode::SUCCESS }
}

/// An error with its causes. Some errors say what their cause says as well: that is told once.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The exit code of an error: its own, or that of a damaged journal, whichever command came upon it.
fn exit_code(error: &anyhow::Error) -> u8 {
    use ::journal::JournalError::{Damaged, DamagedRetention};
    let damaged = |e: &(dyn std::error::Error + 'static)| {
        matches!(e.downcast_ref(), Some(Damaged { .. } | DamagedRetention { .. }))
    };
    match error.downcast_ref::<Exit>() {
        Some(exit) => exit.code,
        None if error.chain().any(damaged) => FOUND_BAD,
        None => FAILED,
    }
}

fn run(command: Command, global: Global) -> Outcome {
    match command {
        Command::Init(args) => init::run(args, global),
        Command::Serve(args) => block_on(crate::serve::run(args, global.json)),
        Command::Demo(args) => block_on(crate::demo::run(args, global)),
        Command::Key(args) => key::run(args, global),
        Command::Pact(args) => pact::run(args, global),
        Command::Plan(args) => plan::run(args, global),
        Command::Notice(args) => notice::run(args, global),
        Command::Track(args) => track::run(&args, global),
        Command::Explain(args) => explain::run(&args, global),
        Command::Inhibit(args) => inhibit::run(&args, global),
        Command::Site(args) => site::run(args, global),
        Command::Desk(args) => desk::run(args, global),
        Command::Release(args) => release::run(args, global),
        Command::Account(args) => account::run(args, global),
        Command::Evidence(args) => evidence::run(args, global),
        Command::Audit(args) => audit::run(args, global),
        Command::Witness(args) => block_on(crate::witness::run(args, global.json)),
        Command::Replay(args) => replay::run(args, global),
        Command::Journal(args) => journal::run(args, global),
        Command::F3548(args) => f3548::run(args, global),
        Command::Detect(args) => detect::run(&args, global),
        Command::Bench(args) => bench::run(args, global),
    }
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on(task: impl Future<Output = Result<()>>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(task)?;
    Ok(ExitCode::SUCCESS)
}

fn log_to_stderr(json: bool, serving: bool) {
    let default = if serving { "info" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SKYPACT_LOG").unwrap_or_else(|_| default.into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Standard error that is gone must not end a node: the complaint about it would go there too, and panic.
    let builder = builder.log_internal_errors(false);
    let started =
        if json { builder.json().try_init() } else { builder.with_ansi(std::io::stderr().is_terminal()).try_init() };
    if let Err(error) = started {
        eprintln!("skypact: no log: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::journal::{DamageReason, JournalError, Seq};

    #[test]
    fn a_cause_is_told_once() {
        let io = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let list = JournalError::Io { op: "list", path: "x".into(), source: io() };
        let error = anyhow::Error::new(list).context("cannot read the journal");
        assert_eq!(told(&error), "cannot read the journal: cannot list x: entity not found");
        assert_eq!(told(&anyhow::Error::new(io()).context("a").context("b")), "b: a: entity not found");
    }

    #[test]
    fn every_command_ends_alike_over_a_damaged_journal() {
        let reason = DamageReason::Chain;
        let damaged = JournalError::Damaged { segment: Seq(1), offset: 0, seq: Seq(1), reason };
        assert_eq!(exit_code(&anyhow::Error::new(damaged).context("cannot open the journal")), FOUND_BAD);
        assert_eq!(exit_code(&anyhow::anyhow!("anything else")), FAILED);
        let refused = Exit { code: REFUSED, message: String::from("no") };
        assert_eq!(exit_code(&anyhow::Error::new(refused)), REFUSED);
    }
}
