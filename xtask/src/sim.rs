//! `cargo xtask sim` and `noninterference`: build a program of the simulator with optimisation and hand over to it.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::sh;

/// Builds the program, then becomes it with these arguments.
pub fn run(program: &str, args: &[&str]) -> Result<()> {
    sh::run(sh::cargo().args(["build", "--profile", "fast", "--package", "sim", "--bin", program]))?;
    let binary = sh::target_dir()?.join("fast").join(program);
    let error = Command::new(&binary).args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
