//! Whether what tests read from outside the tree is there. A test that lacks its recording passes, and cargo keeps what
//! a passing test says to itself: so it is said here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Set where a missing recording is a failure.
const REQUIRE: &str = "SKYPACT_REQUIRE_RECORDINGS";

/// Folders outside the tree: how tests ask for a file, the variable that names the folder, the folder beside the tree.
const KINDS: [(&str, &str, &str); 2] =
    [("recording(\"", "SKYPACT_RECORDINGS", "recordings"), ("vectors(\"", "SKYPACT_VECTORS", "vectors")];

/// What the summary says of the files that tests ask for; an error if they are required and not all there.
pub fn told(root: &Path) -> Result<String> {
    let mut missing = Vec::new();
    let mut count = 0;
    for (call, variable, folder) in KINDS {
        let at = std::env::var_os(variable).map_or_else(|| root.join("../shared").join(folder), PathBuf::from);
        let needed = needed(root, call)?;
        count += needed.len();
        missing.extend(needed.into_iter().filter(|name| !at.join(name).is_file()));
    }
    if missing.is_empty() {
        return Ok(format!("all {count} recordings that tests read were there"));
    }
    let what =
        if missing.len() == count { "none found".to_owned() } else { format!("missing: {}", missing.join(", ")) };
    if std::env::var_os(REQUIRE).is_some() {
        bail!("recordings are required ({REQUIRE} is set): {what}");
    }
    Ok(format!("recordings: skipped, {what} ({REQUIRE}=1 makes it a failure)"))
}

/// Names that the tests of all crates give to a call.
fn needed(root: &Path, call: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let crates = root.join("crates");
    for entry in fs::read_dir(&crates).with_context(|| format!("cannot list {}", crates.display()))? {
        let dir = entry?.path();
        // The recordings of Mode S lie in a folder that only its own tests need to know.
        let before = if dir.ends_with("modes") { "modes/" } else { "" };
        for file in sources(&dir.join("tests"))? {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            names.extend(asked(&text, call).map(|name| format!("{before}{name}")));
        }
    }
    Ok(names)
}

fn asked<'t>(text: &'t str, call: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(call).skip(1).filter_map(|rest| rest.split_once("\")").map(|(name, _)| name))
}

fn sources(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(out) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            out.extend(sources(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_ask_for_is_found_in_their_sources() {
        let text = "let a = common::recording(\"traffic/a.csv\")?; recording(&name); vectors(\"b.json\").unwrap()";
        assert_eq!(asked(text, KINDS[0].0).collect::<Vec<_>>(), ["traffic/a.csv"]);
        assert_eq!(asked(text, KINDS[1].0).collect::<Vec<_>>(), ["b.json"]);
        let all = needed(&crate::sh::root(), KINDS[0].0).unwrap();
        assert!(all.contains("traffic/switzerland_20180801_replay.csv.zst"), "{all:?}");
        assert!(all.contains("modes/lfbo_egll_20240606.beast.zst"), "{all:?}");
    }
}
