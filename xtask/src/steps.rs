//! `cargo xtask test`: everything continuous integration runs, in order, with a summary.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::sh::{self, Outcome};
use crate::{console, demo, recordings, setup, tidy};

/// One step: what it is called, which earlier steps it cannot do without, what it does.
struct Step {
    name: &'static str,
    needs: &'static [&'static str],
    slow: bool,
    run: fn() -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", needs: &[], slow: false, run: || done(setup::run(setup::Want::All)) },
    Step { name: "format", needs: &[], slow: false, run: format },
    Step { name: "tidy", needs: &[], slow: false, run: || done(tidy::run(&sh::root())) },
    Step { name: "console-build", needs: &["setup"], slow: false, run: console::build },
    Step { name: "console-check", needs: &["setup"], slow: false, run: || console::script("check", &[]) },
    Step { name: "console-test", needs: &["setup"], slow: false, run: || console::script("test", &[]) },
    Step { name: "clippy", needs: &["console-build"], slow: false, run: clippy },
    Step { name: "test", needs: &["console-build"], slow: false, run: test },
    Step { name: "browser", needs: &["console-build", "test"], slow: true, run: browser },
    Step { name: "deny", needs: &["setup"], slow: true, run: deny },
];

/// With `--fast` nothing is installed that only slow steps need.
const FAST_SETUP: Step = Step { name: "setup", needs: &[], slow: false, run: || done(setup::run(setup::Want::Fast)) };

/// What became of each step, in order.
type Summary = Vec<(&'static str, Duration, Ended)>;

/// Which steps to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// All, as continuous integration does.
    All,
    /// All but those that need a browser or a tool that takes long to install.
    Fast,
    /// These, with whatever they need taken as done.
    Only(&'a [&'a str]),
}

/// What became of a step, for the summary.
enum Ended {
    Ran(Outcome),
    Failed(String),
    NotRun(&'static str),
}

/// Names of all steps, in order.
pub fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Whether there is at least one name and each is a step's.
pub fn known(wanted: &[&str]) -> bool {
    !wanted.is_empty() && wanted.iter().all(|name| names().contains(name))
}

/// Runs every step whose needs are met; fails if any failed or could not run.
pub fn run(which: &Which) -> Result<()> {
    let mut summary: Summary = Vec::new();
    let steps = chosen(which);
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {}", index + 1, steps.len(), step.name);
        let started = Instant::now();
        let unmet = if matches!(which, Which::Only(_)) { None } else { unmet(step, &summary) };
        let ended = match unmet {
            Some(need) => Ended::NotRun(need),
            None => match (step.run)() {
                Ok(outcome) => Ended::Ran(outcome),
                Err(error) => Ended::Failed(format!("{error:#}")),
            },
        };
        let took = started.elapsed();
        println!("--- {}: {} ({:.1} s)", step.name, told(&ended), took.as_secs_f64());
        summary.push((step.name, took, ended));
    }
    close(&summary, which)
}

fn chosen(which: &Which) -> Vec<&'static Step> {
    let mut steps: Vec<&'static Step> = STEPS.iter().collect();
    match which {
        Which::All => {}
        Which::Fast => {
            steps.retain(|step| !step.slow);
            steps[0] = &FAST_SETUP;
        }
        Which::Only(names) => steps.retain(|step| names.contains(&step.name)),
    }
    steps
}

/// First need of the step that did not succeed.
fn unmet(step: &Step, summary: &Summary) -> Option<&'static str> {
    let succeeded = |need: &str| summary.iter().any(|(name, _, ended)| *name == need && matches!(ended, Ended::Ran(_)));
    step.needs.iter().find(|need| !succeeded(need)).copied()
}

fn close(summary: &Summary, which: &Which) -> Result<()> {
    println!("\n=== summary");
    for (name, took, ended) in summary {
        println!("{name:<14} {:>7.1} s  {}", took.as_secs_f64(), told(ended));
    }
    let left_out: Vec<&str> = names().into_iter().filter(|name| !summary.iter().any(|(ran, ..)| ran == name)).collect();
    if !left_out.is_empty() {
        println!("left out, as asked ({which:?}): {}", left_out.join(", "));
    }
    let bad = summary.iter().filter(|(_, _, ended)| !matches!(ended, Ended::Ran(_))).count();
    let total: f64 = summary.iter().map(|(_, took, _)| took.as_secs_f64()).sum();
    println!("{} of {} steps are well, {total:.0} s", summary.len() - bad, summary.len());
    if bad > 0 {
        bail!("{bad} of {} steps failed or could not run", summary.len());
    }
    Ok(())
}

fn told(ended: &Ended) -> String {
    match ended {
        Ended::Ran(outcome) => outcome.to_string(),
        Ended::Failed(why) => format!("FAILED: {}", why.lines().next().unwrap_or("no reason given")),
        Ended::NotRun(need) => format!("NOT RUN: it needs `{need}`"),
    }
}

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Done)
}

fn cargo_step(command: &mut Command) -> Result<Outcome> {
    done(sh::run(command))
}

fn format() -> Result<Outcome> {
    cargo_step(sh::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<Outcome> {
    cargo_step(sh::cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// What draws the cases of property tests. The test command draws the same ones each time, so that what it says of a tree
/// holds of that tree; `cargo test` by itself draws others each time, and that is how new ones are found.
const CASES: (&str, &str) = ("PROPTEST_RNG_SEED", "20151020");

fn cases() -> std::ffi::OsString {
    std::env::var_os(CASES.0).unwrap_or_else(|| CASES.1.into())
}

fn test() -> Result<Outcome> {
    let mut told = recordings::told(&sh::root())?;
    // The full disk is a small file system of its own.
    if sh::output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() != "0") {
        told.push_str("; a full disk: skipped, mounting one needs root");
    }
    println!("{told}");
    // Every failing test is worth knowing, not only those of the first crate that has one.
    sh::run(sh::cargo().args(["test", "--workspace", "--locked", "--no-fail-fast"]).env(CASES.0, cases()))?;
    Ok(Outcome::DoneWith(told))
}

fn browser() -> Result<Outcome> {
    let Some(chromium) = setup::chromium() else {
        bail!("there is no Chromium; run `cargo xtask setup` as root");
    };
    let binary = demo::tested_binary()?;
    console::script("e2e", &[("CHROMIUM", &chromium), ("SKYPACT_BIN", &binary)])
}

/// Licences, bans and sources always; advisories when their database can be had.
fn deny() -> Result<Outcome> {
    sh::run(setup::deny()?.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    let out = setup::deny()?.args(["check", "--hide-inclusion-graph", "advisories"]).output()?;
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if out.status.success() {
        return Ok(Outcome::Done);
    }
    // An unreachable database says nothing about our dependencies, so it is a skip that is shown, not a failure;
    // a release sets the variable and must be able to reach it.
    let required = std::env::var_os("SKYPACT_REQUIRE_ADVISORIES").is_some();
    if said.contains("failed to fetch advisory database") && !required {
        println!("advisories: skipped, their database cannot be reached; SKYPACT_REQUIRE_ADVISORIES=1 makes it fail");
        return Ok(Outcome::Done);
    }
    print!("{said}");
    bail!("`cargo deny check advisories` failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[test]
    fn a_step_waits_for_what_it_needs() {
        let step = Step { name: "b", needs: &["a"], slow: false, run: || Ok(Outcome::Done) };
        assert_eq!(unmet(&step, &vec![]), Some("a"));
        assert_eq!(unmet(&step, &vec![("a", NONE, Ended::Failed("no".into()))]), Some("a"));
        assert_eq!(unmet(&step, &vec![("a", NONE, Ended::NotRun("z"))]), Some("a"));
        assert_eq!(unmet(&step, &vec![("a", NONE, Ended::Ran(Outcome::Done))]), None);
    }

    #[test]
    fn one_failure_fails_the_whole() {
        let well = || ("a", NONE, Ended::Ran(Outcome::Skipped("why".into())));
        assert!(close(&vec![well()], &Which::All).is_ok());
        assert!(close(&vec![well(), ("b", NONE, Ended::Failed("no".into()))], &Which::All).is_err());
        assert!(close(&vec![well(), ("b", NONE, Ended::NotRun("a"))], &Which::All).is_err());
    }

    #[test]
    fn every_need_names_an_earlier_step() {
        for (index, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(STEPS[..index].iter().any(|other| other.name == *need), "{} needs {need}", step.name);
            }
        }
    }

    #[test]
    fn fast_leaves_out_slow_steps_and_their_tools_alone() {
        let names: Vec<&str> = chosen(&Which::Fast).iter().map(|step| step.name).collect();
        let expect = ["setup", "format", "tidy", "console-build", "console-check", "console-test", "clippy", "test"];
        assert_eq!(names, expect);
        assert!(known(&["deny"]) && !known(&[]) && !known(&["deny", "dent"]));
    }
}
