//! `cargo xtask setup`: installs what a fresh machine lacks, and says what it cannot.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sh::{self, Outcome};
use crate::{console, sh::program};

/// cargo-deny is pinned: a newer one may judge the same `deny.toml` differently.
const DENY_VERSION: &str = "0.20.2";

/// How much to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Whatever any step needs.
    All,
    /// Without the browser and cargo-deny, which `--fast` does not run.
    Fast,
}

/// Installs what is missing.
pub fn run(want: Want) -> Result<()> {
    println!("console packages: {}", console::install()?);
    if want == Want::All {
        println!("chromium: {}", install_chromium()?);
        println!("cargo-deny: {}", install_deny()?);
        println!("softhsm2: {}", install_tool("softhsm2-util", "softhsm2"));
        println!("python3: {}", install_tool("python3", "python3"));
    }
    Ok(())
}

/// The browser of the browser test: `$CHROMIUM`, or Debian's.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    [named, Some("/usr/bin/chromium".into())].into_iter().flatten().find(|path| path.is_file())
}

fn install_chromium() -> Result<Outcome> {
    if let Some(path) = chromium() {
        return Ok(Outcome::Skipped(format!("{} is there", path.display())));
    }
    if std::env::var_os("CHROMIUM").is_some() {
        bail!("CHROMIUM is set but names no file; unset it to use or install Debian's chromium");
    }
    let by_hand = "install Debian's package as root: apt-get update && apt-get install chromium; \
                   or set CHROMIUM to a Chromium binary; or run `cargo xtask test --fast`, which needs no browser";
    if !is_root() {
        bail!("the browser test needs Chromium and only root may install it: {by_hand}");
    }
    if !sh::works(program("apt-get").arg("--version")) {
        bail!("the browser test needs Chromium and this machine has no apt-get: {by_hand}");
    }
    apt_install("chromium").context(by_hand)
}

/// What tests speak with beside the tree: the token in software, and the interpreter of the independent verifiers. Without it
/// those tests say that they were skipped, so that nobody who may not install anything is kept from testing the rest;
/// `SKYPACT_REQUIRE_TOOLS=1` makes that a failure, and `.ci/run` sets it where they can be installed.
fn install_tool(tool: &str, package: &str) -> Outcome {
    if sh::works(program(tool).arg("--version")) {
        return Outcome::Skipped("it is there".into());
    }
    if !is_root() || !sh::works(program("apt-get").arg("--version")) {
        return Outcome::Skipped(format!("its tests will be; to run them: apt-get install {package}"));
    }
    apt_install(package).unwrap_or_else(|error| Outcome::Skipped(format!("it cannot be installed: {error:#}")))
}

/// libFuzzer is C++; whatever `cc` finds will do.
pub fn install_cxx() -> Result<Outcome> {
    let named = std::env::var_os("CXX").into_iter();
    for compiler in named.chain(["c++".into(), "g++".into()]) {
        if sh::works(program(&compiler).arg("--version")) {
            return Ok(Outcome::Skipped(format!("{} is there", compiler.display())));
        }
    }
    let by_hand = "install one as root: apt-get update && apt-get install g++; or set CXX";
    if !is_root() || !sh::works(program("apt-get").arg("--version")) {
        bail!("libFuzzer needs a C++ compiler: {by_hand}");
    }
    apt_install("g++").context(by_hand)
}

fn apt_install(package: &str) -> Result<Outcome> {
    let apt = |args: &[&str]| sh::run(program("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(args));
    apt(&["-q", "update"])?;
    apt(&["-q", "install", "-y", "--no-install-recommends", package])?;
    Ok(Outcome::Done)
}

/// cargo-deny as found on PATH, else the one that `setup` installs below the target folder.
pub fn deny() -> Result<Command> {
    let own = deny_root()?.join("bin").join("cargo-deny");
    let mut command = if own.is_file() { program(own) } else { sh::cargo() };
    command.arg("deny");
    Ok(command)
}

fn install_deny() -> Result<Outcome> {
    if sh::works(deny()?.arg("--version")) {
        return Ok(Outcome::Skipped("it is there".into()));
    }
    // Unoptimised: it checks our tree in under a second either way and compiles in half the time (CONTRIBUTING.md has
    // the figures). Below the target folder, so that nothing is left behind in the user's home.
    sh::run(
        sh::cargo()
            .env_remove("CARGO_TARGET_DIR")
            .args(["install", "--quiet", "--locked", "--debug", "--config", "profile.dev.debug=false"])
            .args(["--version", DENY_VERSION, "cargo-deny", "--root"])
            .arg(deny_root()?),
    )?;
    Ok(Outcome::Done)
}

fn deny_root() -> Result<PathBuf> {
    Ok(sh::target_dir()?.join("tools"))
}

fn is_root() -> bool {
    Path::new("/usr/bin/id").exists() && sh::output(program("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
