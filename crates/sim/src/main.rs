//! Runs seeds of the simulator and prints what was reached. `cargo xtask sim` builds and runs it.
use sim::event::{Event, Fault, Liar};
use sim::{Config, Outcome, Plant, run};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const USAGE: &str = "\
Usage: cargo xtask sim [--seeds N] [--hours H] [--seed S] [--threads T] [--nodes N] [--only FAULT..] [--liar KIND] [--plant BUG] [--snapshot SECONDS] [--services] [--trace] [--verbose]

  --seeds N     so many seeds, from --seed on (1)
  --hours H     virtual hours with faults, of each node (1)
  --seed S      the first seed (1)
  --threads T   seeds at once (1)
  --nodes N     parties, 2 to 4 (drawn)
  --only F..    these faults alone, and no hostile peer (all, drawn)
  --liar KIND   this hostile peer in every seed (drawn)
  --plant BUG   a bug that a checker must find
  --snapshot S  snapshots so many seconds apart: with few of them most of a run is recovery (drawn)
  --services    traffic services use the nodes (drawn)
  --trace       every line of the trace as it happens
  --verbose     the last events of every seed";

#[derive(Default)]
struct Args {
    config: Config,
    first: u64,
    seeds: u64,
    threads: u64,
    verbose: bool,
    words: String,
}

fn words<T>(all: impl Iterator<Item = T>, name: impl Fn(T) -> &'static str) -> String {
    all.map(name).collect::<Vec<_>>().join(", ")
}

fn parse(args: &[String]) -> Result<Args, String> {
    let config = Config { hours: 1.0, ..Config::default() };
    let mut out = Args { config, first: 1, seeds: 1, threads: 1, ..Args::default() };
    let mut at = args.iter().peekable();
    while let Some(flag) = at.next() {
        if flag == "--verbose" {
            out.verbose = true;
            continue;
        }
        if flag == "--trace" {
            out.config.loud = true;
            continue;
        }
        if flag == "--services" {
            out.config.services = Some(true);
            out.words += " --services";
            continue;
        }
        let value = at.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} {value}: not a number"));
        let repeats = !matches!(flag.as_str(), "--seed" | "--seeds" | "--threads");
        if repeats {
            out.words += &format!(" {flag} {value}");
        }
        match flag.as_str() {
            "--seeds" => out.seeds = number()?,
            "--seed" => out.first = number()?,
            "--threads" => out.threads = number()?.clamp(1, 64),
            "--snapshot" => out.config.snapshot_s = Some(number()?.max(1)),
            "--nodes" => out.config.nodes = Some(number()? as usize),
            "--hours" => out.config.hours = value.parse().map_err(|_| format!("--hours {value}: not a number"))?,
            "--liar" => {
                let known = || format!("--liar is one of {}", words(Liar::ALL.iter(), |l| l.name()));
                out.config.liar = Some(Liar::parse(value).ok_or_else(known)?);
            }
            "--plant" => {
                let known = || format!("--plant is one of {}", words(Plant::ALL.iter(), |(name, _)| name));
                out.config.plant = Some(Plant::parse(value).ok_or_else(known)?);
            }
            "--only" => {
                let known = || format!("--only takes some of {}", words(Fault::ALL.iter(), |f| f.name()));
                let mut only = vec![Fault::parse(value).ok_or_else(known)?];
                while let Some(fault) = at.peek().and_then(|word| Fault::parse(word)) {
                    out.words += &format!(" {}", fault.name());
                    only.push(fault);
                    at.next();
                }
                out.config.only = Some(only);
            }
            _ => return Err(format!("{flag}: no such option\n\n{USAGE}")),
        }
    }
    Ok(out)
}

fn report(outcome: &Outcome, args: &Args) {
    println!("seed {} FAILED:", outcome.seed);
    outcome.violations.iter().for_each(|text| println!("  {text}"));
    println!("the last events:");
    outcome.last.iter().for_each(|line| println!("  {line}"));
    println!("replay: cargo xtask sim --seed {}{}\n", outcome.seed, args.words);
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let args = match parse(&words) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let (began, next) = (Instant::now(), AtomicU64::new(args.first));
    let all = Mutex::new((BTreeMap::<Event, u64>::new(), 0.0, 0u64, 0u64, 0u64));
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.first + args.seeds {
                        return;
                    }
                    let outcome = std::panic::catch_unwind(|| run(seed, &args.config));
                    let Ok(mut all) = all.lock() else { return };
                    let Ok(outcome) = outcome else {
                        println!("seed {seed} PANICKED\nreplay: cargo xtask sim --seed {seed}{}\n", args.words);
                        all.3 += 1;
                        continue;
                    };
                    all.4 += 1;
                    if all.4.is_multiple_of(20) {
                        println!("{} seeds, {:.0} node-hours, {:.0} s", all.4, all.1, began.elapsed().as_secs_f64());
                    }
                    outcome.counts.iter().for_each(|(event, times)| *all.0.entry(*event).or_default() += times);
                    all.1 += outcome.node_hours;
                    all.2 ^= outcome.hash.rotate_left((seed % 64) as u32);
                    if !outcome.violations.is_empty() {
                        all.3 += 1;
                        report(&outcome, &args);
                    } else if args.verbose {
                        println!("seed {}: {:016x}", outcome.seed, outcome.hash);
                        outcome.last.iter().for_each(|line| println!("  {line}"));
                    }
                }
            });
        }
    });
    let Ok((counts, hours, hash, failed, _)) = all.into_inner() else { return ExitCode::FAILURE };
    for event in Event::all() {
        if let Some(times) = counts.get(&event) {
            println!("{times:>12}  {event}");
        }
    }
    let never: Vec<String> = Event::all().iter().filter(|e| !counts.contains_key(e)).map(ToString::to_string).collect();
    println!("never reached: {}", if never.is_empty() { "nothing".into() } else { never.join("; ") });
    println!(
        "{} seeds, {hours:.0} node-hours in {:.0} s; trace {hash:016x}; {failed} seeds failed",
        args.seeds,
        began.elapsed().as_secs_f64()
    );
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
