//! `skypact evidence`.
use crate::cli::{Global, Outcome};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _global: Global) -> Outcome {
    anyhow::bail!("not built yet")
}
