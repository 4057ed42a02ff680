//! Plays scenarios twice, with and without what is withheld. `cargo xtask noninterference` builds and runs it.
use sim::twice::{self, Leak};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const USAGE: &str = "\
Usage: cargo xtask noninterference [--scenarios N] [--seed S] [--threads T] [--leak KIND]

  --scenarios N   so many scenarios, from --seed on (1000)
  --seed S        the first (1)
  --threads T     at once (1)
  --leak KIND     a leak that the comparison must find; ends with the first that does";

struct Args {
    scenarios: u64,
    first: u64,
    threads: u64,
    leak: Option<Leak>,
}

fn parse(words: &[String]) -> Result<Args, String> {
    let mut args = Args { scenarios: 1_000, first: 1, threads: 1, leak: None };
    let mut at = words.iter();
    while let Some(flag) = at.next() {
        let value = at.next().ok_or_else(|| format!("{flag} needs a value\n\n{USAGE}"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} {value}: not a number"));
        match flag.as_str() {
            "--scenarios" => args.scenarios = number()?,
            "--seed" => args.first = number()?,
            "--threads" => args.threads = number()?.clamp(1, 64),
            "--leak" => {
                let all: Vec<&str> = Leak::ALL.iter().map(|l| l.name()).collect();
                args.leak = Some(Leak::parse(value).ok_or_else(|| format!("--leak is one of {}", all.join(", ")))?);
            }
            _ => return Err(format!("{flag}: no such option\n\n{USAGE}")),
        }
    }
    Ok(args)
}

#[derive(Default)]
struct Sum {
    played: u64,
    differing: u64,
    frames: u64,
    bytes: u64,
    counts: BTreeMap<String, u64>,
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
    let (began, next, sum) = (Instant::now(), AtomicU64::new(args.first), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| work(&args, &next, &sum, began));
        }
    });
    let Ok(sum) = sum.into_inner() else { return ExitCode::FAILURE };
    for (word, times) in &sum.counts {
        println!("{times:>12}  {word}");
    }
    println!(
        "{} scenarios, each played twice; {} frames of {} bytes to the peer in {:.0} s; {} differ",
        sum.played,
        sum.frames,
        sum.bytes,
        began.elapsed().as_secs_f64(),
        sum.differing
    );
    let well = if args.leak.is_some() { sum.differing > 0 } else { sum.differing == 0 };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(args: &Args, next: &AtomicU64, sum: &Mutex<Sum>, began: Instant) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= args.first + args.scenarios {
            return;
        }
        let outcome = std::panic::catch_unwind(|| twice::check(seed, args.leak));
        let Ok(mut sum) = sum.lock() else { return };
        sum.played += 1;
        let words = args.leak.map_or(String::new(), |leak| format!(" --leak {}", leak.name()));
        let repeat = format!("repeat: cargo xtask noninterference --scenarios 1 --seed {seed}{words}\n");
        match outcome {
            Err(_) => {
                sum.differing += 1;
                println!("scenario {seed} PANICKED\n{repeat}");
            }
            Ok(outcome) => {
                sum.frames += outcome.frames;
                sum.bytes += outcome.bytes;
                outcome.counts.into_iter().for_each(|(word, times)| *sum.counts.entry(word).or_default() += times);
                if let Some(difference) = outcome.difference {
                    sum.differing += 1;
                    println!("scenario {seed} DIFFERS in {difference}\n{repeat}");
                    if args.leak.is_some() {
                        next.fetch_max(args.first + args.scenarios, Ordering::Relaxed);
                    }
                }
            }
        }
        if sum.played.is_multiple_of(500) {
            println!("{} scenarios, {} differ, {:.0} s", sum.played, sum.differing, began.elapsed().as_secs_f64());
        }
    }
}
