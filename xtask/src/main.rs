//! The project's own commands: `cargo xtask <command>`.
//!
//! In scope: everything a developer or the continuous integration runs (setup, the rules of the tree, the console's
//! build, all tests, the demo). Out of scope: anything an operator needs; that is the `skypact` binary.
//!
//! Invariants: continuous integration runs `cargo xtask test` and nothing else, so what passes here passes there.
//! Nothing is skipped in silence: a step that cannot run says why, in its place and again in the summary.

mod console;
mod demo;
mod fuzz;
mod recordings;
mod setup;
mod sh;
mod sim;
mod steps;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <command>

  setup            install what is missing: chromium (as root), the console's npm packages, cargo-deny
  tidy             check the rules of the tree (layers, purity of the core, map, words, sizes, papers)
  trace            every rule of spec/link.md and keys.md with the places in source and tests that cite it; part of tidy
  console          build the web console into console/dist if its sources are newer
  test [--fast]    everything continuous integration runs; --fast leaves out the browser test and cargo-deny
  test --only STEP...
                   these steps alone, whatever they need taken as done; a wrong name lists them
  fuzz --minutes N [TARGET...]
                   run fuzz targets, each for N minutes, guided by coverage; findings are kept below the target folder
  fuzz --replay TARGET FILE
                   run one input without the fuzzer
  demo [ARGS...]   build console and binary, then run `skypact demo ARGS...` (try: cargo xtask demo --help)
  sim [ARGS...]    build the simulator and run seeds of it (try: cargo xtask sim --seeds 20 --hours 1; docs/simulator.md)
  noninterference [ARGS...]
                   play scenarios with and without what is withheld (try: --scenarios 500; docs/non-interference.md)

Exit status: 0 when all is well, 1 when something failed or was found, 2 for wrong usage.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["setup"] => setup::run(setup::Want::All),
        ["tidy"] => tidy::run(&sh::root()),
        ["trace"] => tidy::trace(&sh::root()),
        ["console"] => console::build().map(|outcome| println!("console: {outcome}")),
        ["test"] => steps::run(&steps::Which::All),
        ["test", "--fast"] => steps::run(&steps::Which::Fast),
        ["test", "--only", names @ ..] if steps::known(names) => steps::run(&steps::Which::Only(names)),
        ["fuzz", "--replay", target, file] => fuzz::replay(target, file),
        ["fuzz", rest @ ..] if let Some(args) = fuzz::args(rest) => fuzz::run(&args),
        ["demo", rest @ ..] => demo::run(rest),
        ["sim", rest @ ..] => sim::run("sim", rest),
        ["noninterference", rest @ ..] => sim::run("noninterference", rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}\n\nSteps of `test`: {}", steps::names().join(", "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
