//! `cargo xtask demo`: builds everything and hands over to `skypact demo`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{console, sh};

/// Builds the console and the binary, then becomes `skypact demo ARGS...`.
pub fn run(args: &[&str]) -> Result<()> {
    console::build()?;
    let binary = build_binary()?;
    // Becoming the program rather than starting it: Ctrl-C and the exit status are then the demo's own.
    // Not at the root but where the command was typed: that is where a relative --recording or --dir is meant.
    let error = Command::new(&binary).arg("demo").args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}

/// The binary that the tests use, which is there once they were built.
pub fn tested_binary() -> Result<PathBuf> {
    // A plain build leaves out the features that only tests ask of shared dependencies, and would compile most of them
    // a second time.
    sh::run(sh::cargo().args(["test", "--quiet", "--workspace", "--locked", "--no-run"]))?;
    Ok(sh::target_dir()?.join("debug").join("skypact"))
}

/// Builds `skypact` alone, with the profile of the tests. Not quietly: on a fresh clone it is minutes of work to look at.
fn build_binary() -> Result<PathBuf> {
    sh::run(sh::cargo().args(["build", "--workspace", "--bin", "skypact"]))?;
    Ok(sh::target_dir()?.join("debug").join("skypact"))
}
