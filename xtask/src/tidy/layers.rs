//! Rules `map` and `layer`: the crate map in ARCHITECTURE.md equals the tree, and a crate uses lower layers only.
//!
//! The map is the one place where layers are written down; this reads it rather than keeping a second table.

use std::collections::BTreeMap;

use super::{Kind, Package, Tree, Violation};

/// The paper that holds the map.
const MAP: &str = "ARCHITECTURE.md";

/// Where a crate stands in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its layer.
    pub layer: u8,
    line: usize,
}

/// Crates of the map by name, plus what is wrong with the map itself.
pub fn map(tree: &Tree) -> (BTreeMap<String, Entry>, Vec<Violation>) {
    let mut found = Vec::new();
    let mut map = BTreeMap::new();
    for (index, text) in tree.text(MAP).unwrap_or_default().lines().enumerate() {
        let line = index + 1;
        let Some((layer, names)) = row(text) else { continue };
        if names.is_empty() {
            found.push(Violation::new("map", MAP, line, "a row of the map without a crate in backticks"));
        }
        for name in names {
            if map.insert(name.to_string(), Entry { layer, line }).is_some() {
                found.push(Violation::new("map", MAP, line, format!("`{name}` is listed twice")));
            }
        }
    }
    if map.is_empty() {
        found.push(Violation::new("map", MAP, 1, "no crate map: rows `| layer | `crate` | holds |`"));
    }
    (map, found)
}

/// `| 3 | `pact`, `release` | … |` as a layer and its crates; none for any other line.
fn row(line: &str) -> Option<(u8, Vec<&str>)> {
    let mut cells = line.strip_prefix('|')?.split('|');
    let layer = cells.next()?.trim().parse().ok()?;
    let names = cells.next()?.split('`').skip(1).step_by(2).collect();
    Some((layer, names))
}

/// Packages that the map is about: those below `crates/`.
pub fn mapped(tree: &Tree) -> impl Iterator<Item = &Package> {
    tree.packages.iter().filter(|package| package.manifest.starts_with("crates/"))
}

pub fn check(tree: &Tree) -> Vec<Violation> {
    let (map, mut found) = map(tree);
    for package in mapped(tree) {
        let folder = format!("crates/{}/Cargo.toml", package.name);
        if package.manifest != folder {
            found.push(Violation::new(
                "map",
                &package.manifest,
                1,
                format!("`{}` is not in a folder of its name", package.name),
            ));
        }
        match map.get(&package.name) {
            None => {
                let message = format!("`{}` is not in the crate map of {MAP}", package.name);
                found.push(Violation::new("map", &package.manifest, 1, message));
            }
            Some(entry) => found.extend(upward(tree, package, entry.layer, &map)),
        }
    }
    for (name, entry) in &map {
        if !mapped(tree).any(|package| package.name == *name) {
            found.push(Violation::new("map", MAP, entry.line, format!("there is no crate `{name}`")));
        }
    }
    found
}

/// Dependencies of `package` that are not of a lower layer. Tests may use anything: they are not what is shipped.
fn upward(tree: &Tree, package: &Package, layer: u8, map: &BTreeMap<String, Entry>) -> Vec<Violation> {
    let ours = package.deps.iter().filter(|dep| dep.ours && dep.kind != Kind::Dev);
    let broken = ours.filter_map(|dep| match map.get(&dep.name) {
        Some(entry) if entry.layer < layer => None,
        Some(entry) => Some((dep, format!("layer {layer} may not use `{}` of layer {}", dep.name, entry.layer))),
        None => Some((dep, format!("`{}` is in no layer", dep.name))),
    });
    broken
        .map(|(dep, message)| Violation::new("layer", &package.manifest, dep_line(tree, package, &dep.name), message))
        .collect()
}

/// Line of the manifest that names the dependency.
pub fn dep_line(tree: &Tree, package: &Package, dep: &str) -> usize {
    let lines = tree.text(&package.manifest).unwrap_or_default().lines();
    let named =
        |line: &str| line.trim_start().strip_prefix(dep).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']));
    lines.enumerate().find(|(_, line)| named(line)).map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{brief, ours, package, tree};
    use super::super::{Dep, Package};
    use super::*;

    const GOOD: &str = "| layer | crate | holds |\n|---|---|---|\n| 0 | `units` | x |\n| 1 | `track`, `tlog` | `y` |\n";

    fn check(map: &str, packages: Vec<Package>, expect: &[&str]) {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nunits.workspace = true\ntlog = { workspace = true }\n";
        let mut tree =
            tree(&[(MAP, map), ("crates/track/Cargo.toml", manifest), ("crates/units/Cargo.toml", manifest)]);
        tree.packages = packages;
        assert_eq!(brief(&super::check(&tree)), expect);
    }

    fn three() -> Vec<Package> {
        vec![package("units", &[]), package("track", &[ours("units")]), package("tlog", &[])]
    }

    #[test]
    fn a_crate_may_use_a_lower_layer() {
        check(GOOD, three(), &[]);
    }

    #[test]
    fn a_crate_may_not_use_its_own_layer_or_a_higher_one() {
        let mut packages = three();
        packages[1] = package("track", &[ours("tlog")]);
        check(GOOD, packages, &["crates/track/Cargo.toml:5: layer"]);
        let mut packages = three();
        packages[0] = package("units", &[ours("tlog")]);
        check(GOOD, packages, &["crates/units/Cargo.toml:5: layer"]);
    }

    #[test]
    fn a_build_script_counts_and_a_test_does_not() {
        let mut packages = three();
        packages[1] = package("track", &[Dep { kind: Kind::Dev, ..ours("tlog") }]);
        check(GOOD, packages, &[]);
        let mut packages = three();
        packages[1] = package("track", &[Dep { kind: Kind::Build, ..ours("tlog") }]);
        check(GOOD, packages, &["crates/track/Cargo.toml:5: layer"]);
    }

    #[test]
    fn the_map_and_the_tree_must_be_equal() {
        let mut packages = three();
        packages.pop();
        check(GOOD, packages, &["ARCHITECTURE.md:4: map"]);
        let mut packages = three();
        packages.push(package("extra", &[]));
        check(GOOD, packages, &["crates/extra/Cargo.toml:1: map"]);
        check(&format!("{GOOD}| 2 | `tlog` | z |\n"), three(), &["ARCHITECTURE.md:5: map"]);
        check("no table", vec![], &["ARCHITECTURE.md:1: map"]);
    }

    #[test]
    fn a_crate_in_a_folder_of_another_name_is_found() {
        let mut packages = three();
        packages[2].manifest = "crates/log/Cargo.toml".into();
        check(GOOD, packages, &["crates/log/Cargo.toml:1: map"]);
    }
}
