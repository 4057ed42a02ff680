//! The web console's build: npm packages, bundle, scripts.
//!
//! `build.rs` never runs npm (a build must not reach the network behind the user's back); this does, when asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::sh::{self, Outcome};

/// Oldest Node.js major release the console's tools run on.
const NODE_MAJOR_MIN: u32 = 20;

/// Copy of the lock file that `node_modules` was installed from: content, not times, decides whether it is up to date.
const INSTALLED_LOCK: &str = "node_modules/.installed-package-lock.json";

/// Folder of the console's web sources.
pub fn dir() -> PathBuf {
    sh::root().join("console")
}

/// Installs the npm packages unless those of this very lock file are there.
pub fn install() -> Result<Outcome> {
    let dir = dir();
    if !dir.join("package.json").exists() {
        return Ok(Outcome::Skipped("there is no console/package.json".into()));
    }
    let lock = fs::read(dir.join("package-lock.json")).context("console/package-lock.json cannot be read")?;
    if fs::read(dir.join(INSTALLED_LOCK)).is_ok_and(|installed| installed == lock) {
        return Ok(Outcome::Skipped("node_modules is that of package-lock.json".into()));
    }
    check_node()?;
    sh::run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(dir.join(INSTALLED_LOCK), lock).context("cannot note which lock file node_modules came from")?;
    Ok(Outcome::Done)
}

/// Builds `console/dist` unless it is newer than every source.
pub fn build() -> Result<Outcome> {
    let dir = dir();
    if let skipped @ Outcome::Skipped(_) = install()?
        && !dir.join("package.json").exists()
    {
        return Ok(skipped);
    }
    let built = modified(&dir.join("dist/index.html"));
    let newest = newest_source(&dir)?;
    if built.is_some_and(|built| built > newest) {
        return Ok(Outcome::Skipped("console/dist is newer than its sources".into()));
    }
    check_node()?;
    sh::run(npm().args(["run", "build"]))?;
    if modified(&dir.join("dist/index.html")).is_none() {
        bail!("`npm run build` succeeded but left no console/dist/index.html");
    }
    Ok(Outcome::Done)
}

/// Runs a script of `console/package.json`; says so when there is none of that name.
pub fn script(name: &str, env: &[(&str, &Path)]) -> Result<Outcome> {
    let Ok(text) = fs::read_to_string(dir().join("package.json")) else {
        return Ok(Outcome::Skipped("there is no console/package.json".into()));
    };
    let package: Value = serde_json::from_str(&text).context("console/package.json is not JSON")?;
    if package["scripts"][name].is_null() {
        return Ok(Outcome::Skipped(format!("console/package.json has no script `{name}`")));
    }
    let mut command = npm();
    command.args(["run", name]);
    for (key, value) in env {
        command.env(key, value);
    }
    sh::run(&mut command)?;
    Ok(Outcome::Done)
}

fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(dir());
    command
}

fn check_node() -> Result<()> {
    let hint = format!(
        "the console's build needs Node.js {NODE_MAJOR_MIN} or newer with npm (https://nodejs.org; \
         Debian 13: apt-get install nodejs npm; Debian 12's own is too old), then again: cargo xtask console"
    );
    let version = sh::output(sh::program("node").arg("--version")).with_context(|| hint.clone())?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MAJOR_MIN) {
        bail!("node is {}; {hint}", version.trim());
    }
    if !sh::works(sh::program("npm").arg("--version")) {
        bail!("npm does not run; {hint}");
    }
    Ok(())
}

/// Latest change below `dir`, folders included (a deleted source changes its folder), build products excluded.
fn newest_source(dir: &Path) -> Result<SystemTime> {
    const PRODUCTS: [&str; 3] = ["node_modules", "dist", "test-output"];
    let mut newest = SystemTime::UNIX_EPOCH;
    let mut pending = vec![dir.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            if PRODUCTS.iter().any(|product| entry.file_name() == *product) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
            newest = newest.max(modified(&entry.path()).unwrap_or(SystemTime::now()));
        }
    }
    Ok(newest)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
