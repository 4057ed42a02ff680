//! `cargo xtask sim`: builds the simulator with optimisation and hands over to it.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::sh;

/// Builds the simulator, then becomes it with these arguments.
pub fn run(args: &[&str]) -> Result<()> {
    sh::run(sh::cargo().args(["build", "--profile", "fast", "--package", "sim"]))?;
    let binary = sh::target_dir()?.join("fast").join("sim");
    let error = Command::new(&binary).args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
