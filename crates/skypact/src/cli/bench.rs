//! `skypact bench`: measures on this machine, beside a baseline of the same run. No figure here is a promise.
mod alert;
mod detect;
mod f3548;
mod journal;
mod link;
mod node;
mod nuisance;
mod protocol;
mod recover;
mod release;
mod table;
mod volumes;
pub(crate) mod world;

use crate::cli::evidence::history::progress;
use crate::cli::{Global, Outcome};
use anyhow::{Result, ensure};
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;
use table::Report;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every benchmark prints the machine, the scenario and its seed, the runs with median, least and most, the cost of one item at
each size (that is: how cost grows), peak memory, and the baseline of the same run. docs/benchmarks.md keeps figures.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Appends durably, beside writing and syncing the same bytes raw.
    Journal(journal::Args),
    /// Two nodes in this process, each on a runtime of its own, over real mutual TLS and HTTP/2: from release to receipt.
    Link(link::Args),
    /// From the bytes of a report to the alert on an open console, in a running node.
    Alert(alert::Args),
    /// Finds all conflicts of a picture, beside judging every pair.
    Detect(detect::Args),
    /// A node as a DSS, in a process of its own, and clients that write: one busy cell, spread, or a race with kill -9 in it.
    F3548(f3548::Args),
    /// A recording played to a node's fold: alerts, of which true, missed losses, warning; with each rule and without.
    Nuisance(nuisance::Args),
    /// A whole node in a process of its own, with peers in theirs, in real time: CPU, memory, disk.
    Node(node::Args),
    /// From kill -9 to the full picture.
    Recover(recover::Args),
    /// Applies the release rules, track by track and peer by peer.
    Release(release::Args),
    /// Finds what a volume conflicts with among up to a million, beside judging it against each.
    Volumes(volumes::Args),
}

/// What every benchmark takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// How often each size is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Folder for files, on the disk that is to be measured. Default: the system's folder for temporary files.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Common {
    fn dir(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// A value for each run.
    fn measure<T>(&self, mut one: impl FnMut() -> Result<T>) -> Result<Vec<T>> {
        let bar = progress(u64::from(self.runs), "measuring");
        let values = (0..self.runs).map(|_| one().inspect(|_| bar.inc(1))).collect();
        bar.finish_and_clear();
        values
    }
}

/// A number from 1 to `most`.
fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|n| (1..=most).contains(n));
        number.ok_or_else(|| format!("{text:?} is not a number from 1 to {most}"))
    }
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    if cfg!(debug_assertions) {
        eprintln!("skypact: this is a build without optimisation; build with --profile fast or --release to measure");
    }
    if let What::Detect(args) = &args.what
        && args.aircraft
    {
        detect::print_aircraft(args);
        return Ok(ExitCode::SUCCESS);
    }
    let report = match args.what {
        What::Journal(args) => journal::run(&args),
        What::Alert(args) => alert::run(&args),
        What::F3548(args) => f3548::run(&args),
        What::Link(args) => link::run(&args),
        What::Detect(args) => detect::run(&args),
        What::Node(args) => node::run(&args),
        What::Nuisance(args) => return nuisance::run(&args, global),
        What::Recover(args) => recover::run(&args),
        What::Release(args) => release::run(&args),
        What::Volumes(args) => volumes::run(&args),
    }?;
    print(&report, global)
}

fn print(report: &Report, global: Global) -> Outcome {
    ensure!(!report.rows.is_empty(), "nothing was measured");
    if global.json {
        println!("{}", report.json())
    } else {
        print!("{}", report.text())
    }
    Ok(ExitCode::SUCCESS)
}
