//! `cargo xtask demo`: builds everything and hands over to `skypact demo`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{console, sh};

/// Builds the console and the binary, then becomes `skypact demo ARGS...`.
pub fn run(args: &[&str]) -> Result<()> {
    console::build()?;
    let binary = build_binary()?;
    // Becoming the program rather than starting it: Ctrl-C and the exit status are then the demo's own.
    let error = sh::program(&binary).arg("demo").args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}

/// Builds `skypact` with the profile and features of the tests, so that neither compiles the other's work again.
pub fn build_binary() -> Result<PathBuf> {
    // `--workspace --bin`, not `-p`: features are then unified as in `cargo test --workspace`.
    sh::run(sh::cargo().args(["build", "--quiet", "--workspace", "--bin", "skypact"]))?;
    Ok(sh::target_dir()?.join("debug").join("skypact"))
}
