//! `cargo xtask fuzz`: coverage-guided runs of the targets in `fuzz/`, with libFuzzer and a stable compiler.
//!
//! The instrumentation is LLVM's own pass, asked for by flags, as `cargo fuzz --sanitizer none` does: no nightly, no
//! other tool. All targets are one program, so one build serves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{setup, sh};

/// Counters per edge for coverage, a table of program counters for its report, and comparisons, so that a magic number
/// is found by its value rather than by luck.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Memory of one run, MiB: a target holds little beside its input, so whatever grows past this has no bound.
const RSS_MIB_MAX: u32 = 1024;
/// One allocation, MiB. A length that is believed before it is checked shows here.
const MALLOC_MIB_MAX: u32 = 64;
/// An input that takes longer, s, is a finding: an instrumented run of a few hundred bytes takes microseconds.
const INPUT_S_MAX: u32 = 10;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args {
    seconds: u64,
    targets: Vec<String>,
}

/// Reads `--minutes N [TARGET...]`; none if it is something else.
pub fn args(words: &[&str]) -> Option<Args> {
    let ["--minutes", minutes, targets @ ..] = words else { return None };
    let minutes: f64 = minutes.parse().ok().filter(|m: &f64| m.is_finite() && *m > 0.0 && *m <= 60.0 * 24.0 * 30.0)?;
    if targets.iter().any(|target| target.starts_with('-')) {
        return None;
    }
    let seconds = ((minutes * 60.0).round() as u64).max(1);
    Some(Args { seconds, targets: targets.iter().map(|target| (*target).to_string()).collect() })
}

/// What came of one target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    runs: u64,
    coverage: u64,
    corpus: u64,
    rss_mib: u64,
}

/// Runs each target for the time given, prints a table, and fails if something was found.
pub fn run(args: &Args) -> Result<()> {
    let known = targets()?;
    let wanted: Vec<&(String, usize)> =
        known.iter().filter(|(name, _)| args.targets.is_empty() || args.targets.contains(name)).collect();
    if let Some(unknown) = args.targets.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        bail!("`{unknown}` is no target; there are {}", names.join(", "));
    }
    println!("C++ compiler: {}", setup::install_cxx()?);
    let program = build()?;
    let work = sh::target_dir()?.join("fuzz");
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for (name, bytes_max) in wanted {
        let started = Instant::now();
        let (figures, crashes) = run_one(&program, &work, name, *bytes_max, args.seconds)?;
        rows.push((name, figures, started.elapsed().as_secs(), crashes.len()));
        let (name, figures, seconds, crashes_count) = &rows[rows.len() - 1];
        println!("{}", row(name, figures, *seconds, *crashes_count));
        found.extend(crashes.into_iter().map(|path| (name.to_string(), path)));
    }
    println!(
        "\n{:<20} {:>10} {:>7} {:>9} {:>7} {:>8} {:>8}",
        "target", "runs", "runs/s", "coverage", "corpus", "rss MiB", "findings"
    );
    for (name, figures, seconds, crashes) in &rows {
        println!("{}", row(name, figures, *seconds, *crashes));
    }
    println!("new inputs, logs and findings: {}", work.display());
    for (name, path) in &found {
        println!("found: {name}: replay with `cargo xtask fuzz --replay {name} {}`", path.display());
    }
    if !found.is_empty() {
        bail!("{} inputs break a target; mend the product, then keep the input in fuzz/corpus", found.len());
    }
    Ok(())
}

/// Runs one input against one target, without libFuzzer.
pub fn replay(name: &str, path: &str) -> Result<()> {
    let path = fs::canonicalize(path).with_context(|| format!("cannot find {path}"))?;
    sh::run(sh::cargo().args(["run", "--quiet", "--package", "fuzz", "--bin", "fuzz-replay", "--", name]).arg(path))
}

fn row(name: &str, figures: &Figures, seconds: u64, crashes: usize) -> String {
    let Figures { runs, coverage, corpus, rss_mib } = figures;
    let a_second = runs / seconds.max(1);
    format!("{name:<20} {runs:>10} {a_second:>7} {coverage:>9} {corpus:>7} {rss_mib:>8} {crashes:>8}")
}

/// Names and longest inputs, as the targets' own program lists them.
fn targets() -> Result<Vec<(String, usize)>> {
    let listed = sh::output(sh::cargo().args(["run", "--quiet", "--package", "fuzz", "--bin", "fuzz-replay"]))?;
    let one = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_string(), words.next()?.parse().ok()?))
    };
    listed.lines().map(|line| one(line).with_context(|| format!("not a target: {line}"))).collect()
}

fn build() -> Result<PathBuf> {
    let version = sh::output(sh::program("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    // With `--target` the flags are not those of build scripts and procedural macros, and the ordinary build stays warm.
    sh::run(
        sh::cargo()
            .env("RUSTFLAGS", INSTRUMENTED)
            .args(["build", "--locked", "--package", "fuzz", "--features", "libfuzzer", "--bin", "fuzz-libfuzzer"])
            .args(["--profile", "fuzz", "--target", host]),
    )?;
    Ok(sh::target_dir()?.join(host).join("fuzz").join("fuzz-libfuzzer"))
}

/// Runs one target; gives its figures and the inputs that break it.
fn run_one(program: &Path, work: &Path, name: &str, bytes_max: usize, seconds: u64) -> Result<(Figures, Vec<PathBuf>)> {
    let (corpus, findings) = (work.join("corpus").join(name), work.join("findings").join(name));
    for folder in [&corpus, &findings] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let before = files(&findings)?;
    let log = fs::File::create(work.join(format!("{name}.log")))?;
    println!("\n{name}: {seconds} s, inputs of at most {bytes_max} bytes");
    let status = Command::new(program)
        .env("SKYPACT_FUZZ_TARGET", name)
        .current_dir(sh::root())
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={bytes_max}"))
        .arg(format!("-rss_limit_mb={RSS_MIB_MAX}"))
        .arg(format!("-malloc_limit_mb={MALLOC_MIB_MAX}"))
        .arg(format!("-timeout={INPUT_S_MAX}"))
        .args(["-print_final_stats=1", "-use_value_profile=1", "-verbosity=1"])
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args(dictionary(name).map(|path| format!("-dict={}", path.display())))
        // New inputs go to the first folder; the second is the one in the tree.
        .arg(&corpus)
        .arg(sh::root().join("fuzz/corpus").join(name))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = fs::read(work.join(format!("{name}.log")))?;
    let said = String::from_utf8_lossy(&said);
    let mut crashes = files(&findings)?;
    crashes.retain(|path| !before.contains(path));
    if !status.success() {
        let last: Vec<&str> = said.lines().rev().take(30).collect();
        println!("{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        if crashes.is_empty() {
            bail!(
                "the fuzzer of {name} ended with {status} and without an input; see {}",
                work.join(format!("{name}.log")).display()
            );
        }
    }
    Ok((figures(&said), crashes))
}

/// Words that a target's format is made of: `fuzz/api.dict` for all targets `api-…`.
fn dictionary(name: &str) -> Option<PathBuf> {
    let family = name.split('-').next().unwrap_or(name);
    Some(sh::root().join("fuzz").join(format!("{family}.dict"))).filter(|path| path.is_file())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// What libFuzzer says of itself: lines `#123 NEW cov: 45 ft: 67 corp: 8/9b …` and `stat::name: value`.
fn figures(log: &str) -> Figures {
    let mut figures = Figures::default();
    for line in log.lines() {
        let after = |mark: &str| -> Option<u64> {
            let rest = line.split_once(mark)?.1.trim_start();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
            digits.parse().ok()
        };
        if line.starts_with('#') {
            figures.runs = after("#").unwrap_or(figures.runs);
            figures.coverage = after(" cov: ").unwrap_or(figures.coverage);
            figures.corpus = after(" corp: ").unwrap_or(figures.corpus);
            figures.rss_mib = after(" rss: ").unwrap_or(figures.rss_mib);
        } else if line.starts_with("stat::") {
            figures.runs = after("number_of_executed_units:").unwrap_or(figures.runs);
            figures.rss_mib = after("peak_rss_mb:").unwrap_or(figures.rss_mib);
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_and_the_targets_are_read() {
        let of =
            |seconds, targets: &[&str]| Some(Args { seconds, targets: targets.iter().map(|t| (*t).into()).collect() });
        assert_eq!(args(&["--minutes", "2"]), of(120, &[]));
        assert_eq!(args(&["--minutes", "0.5", "note", "record"]), of(30, &["note", "record"]));
        for bad in
            [&["--minutes"][..], &["--minutes", "0"], &["--minutes", "NaN"], &["--minutes", "1", "--x"], &["note"]]
        {
            assert_eq!(args(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn figures_are_those_that_the_fuzzer_printed_last() {
        let log = "#2\tINITED cov: 5 ft: 6 corp: 2/9b exec/s: 0 rss: 30Mb\n\
                   #99\tNEW    cov: 12 ft: 20 corp: 7/80b lim: 8 exec/s: 9 rss: 31Mb L: 4/8 MS: 1 ChangeBit-\n\
                   stat::number_of_executed_units: 1234\nstat::peak_rss_mb:              44\n";
        assert_eq!(figures(log), Figures { runs: 1234, coverage: 12, corpus: 7, rss_mib: 44 });
        assert_eq!(figures("==1== ERROR: libFuzzer: deadly signal"), Figures::default());
    }
}
