//! \`skypact demo\`.
use crate::cli::Global;
use anyhow::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the demonstration.
pub async fn run(_args: Args, _global: Global) -> Result<()> {
    anyhow::bail!("not built yet")
}
