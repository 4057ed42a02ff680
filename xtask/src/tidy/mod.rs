//! `cargo xtask tidy`: the rules of the tree that a machine can hold.
//!
//! Each rule is a function from a [`Tree`] to violations, so that every one of them is tested on a small made-up tree
//! that breaks it. In scope: structure, words, papers. Out of scope: formatting (rustfmt), code (clippy), licences
//! and sources of dependencies (cargo-deny).

mod files;
mod layers;
mod papers;
mod purity;
mod source;
mod trace;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::sh;

/// What the rules look at: every file that is tracked or would be, and the workspace's packages.
#[derive(Debug, Default)]
struct Tree {
    files: Vec<File>,
    packages: Vec<Package>,
}

/// One file; `text` is none if it is not UTF-8 or too large to be source.
#[derive(Debug)]
struct File {
    path: String,
    bytes: u64,
    text: Option<String>,
}

/// One package of the workspace.
#[derive(Debug)]
struct Package {
    name: String,
    /// Its Cargo.toml, relative to the root.
    manifest: String,
    deps: Vec<Dep>,
}

/// One dependency as cargo understood it, inheritance from the workspace resolved.
#[derive(Debug, Clone)]
struct Dep {
    name: String,
    kind: Kind,
    ours: bool,
    default_features: bool,
    features: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Build,
    Dev,
}

/// A broken rule and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl Violation {
    fn new(rule: &'static str, path: &str, line: usize, message: impl Into<String>) -> Self {
        Violation { path: path.to_string(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// Checks the tree at `root`; prints every violation; fails if there is one.
pub fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let found = check(&tree);
    for violation in &found {
        println!("{violation}");
    }
    if !found.is_empty() {
        bail!("{} violations of the tree's rules (CONTRIBUTING.md gives the reason of each)", found.len());
    }
    println!("tidy: {} files and {} packages, no violation", tree.files.len(), tree.packages.len());
    Ok(())
}

/// `cargo xtask trace`: every rule of the link's paper, and where it is cited; fails if one is not cited everywhere.
pub fn trace(root: &Path) -> Result<()> {
    trace::run(&Tree::read(root)?)
}

fn check(tree: &Tree) -> Vec<Violation> {
    let rules = [layers::check, purity::check, files::check, papers::check, trace::check];
    let mut found: Vec<Violation> = rules.iter().flat_map(|rule| rule(tree)).collect();
    found.sort();
    found
}

impl Tree {
    fn read(root: &Path) -> Result<Tree> {
        let packages = packages(&sh::metadata()?, root)?;
        // Files not yet added count too: the rule is broken before the commit, not after.
        let listed = sh::output(sh::program("git").arg("-C").arg(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))
        .context("tidy checks the files that git tracks, so it needs git and a clone")?;
        let paths: BTreeSet<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
        let files = paths.into_iter().filter_map(|path| File::read(root, path)).collect();
        Ok(Tree { files, packages })
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.file(path).and_then(|file| file.text.as_deref())
    }
}

impl File {
    /// None for what is no longer there (deleted but not yet committed) and for folders (submodules).
    fn read(root: &Path, path: &str) -> Option<File> {
        let full = root.join(path);
        let meta = fs::metadata(&full).ok().filter(fs::Metadata::is_file)?;
        let small = meta.len() <= files::FILE_BYTES_MAX;
        let text = if small { fs::read_to_string(&full).ok() } else { None };
        Some(File { path: path.to_string(), bytes: meta.len(), text })
    }
}

fn packages(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    let list = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    list.iter().map(|package| read_package(package, root)).collect()
}

fn read_package(package: &Value, root: &Path) -> Result<Package> {
    let name = package["name"].as_str().context("a package without a name")?.to_string();
    let manifest = package["manifest_path"].as_str().context("a package without a manifest")?;
    let manifest = Path::new(manifest).strip_prefix(root).context("a package outside the tree")?;
    let deps = package["dependencies"].as_array().context("a package without a list of dependencies")?;
    let deps = deps.iter().map(read_dep).collect::<Result<_>>()?;
    Ok(Package { name, manifest: manifest.to_string_lossy().into_owned(), deps })
}

fn read_dep(dep: &Value) -> Result<Dep> {
    let features = dep["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Dep {
        name: dep["name"].as_str().context("a dependency without a name")?.to_string(),
        kind: match dep["kind"].as_str() {
            None => Kind::Normal,
            Some("build") => Kind::Build,
            Some(_) => Kind::Dev,
        },
        ours: dep["path"].is_string(),
        default_features: dep["uses_default_features"].as_bool().unwrap_or(true),
        features: features.iter().filter_map(|feature| feature.as_str().map(str::to_string)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let tree = Tree::read(&sh::root()).unwrap();
        let found: Vec<String> = check(&tree).iter().map(Violation::to_string).collect();
        assert!(found.is_empty(), "\n{}", found.join("\n"));
    }

    #[test]
    fn the_rules_see_the_real_tree() {
        // Guards against a reader that finds nothing and therefore nothing wrong.
        let tree = Tree::read(&sh::root()).unwrap();
        assert!(tree.text("crates/units/src/lib.rs").is_some());
        assert!(tree.packages.iter().any(|package| package.manifest == "crates/skypact/Cargo.toml"));
        assert!(tree.packages.iter().any(|package| package.deps.iter().any(|dep| !dep.ours)));
    }
}

/// Made-up trees for the tests of the rules.
#[cfg(test)]
mod made_up {
    use super::*;

    pub fn file(path: &str, text: &str) -> File {
        File { path: path.into(), bytes: text.len() as u64, text: Some(text.into()) }
    }

    pub fn tree(files: &[(&str, &str)]) -> Tree {
        Tree { files: files.iter().map(|(path, text)| file(path, text)).collect(), packages: vec![] }
    }

    pub fn package(name: &str, deps: &[Dep]) -> Package {
        Package { name: name.into(), manifest: format!("crates/{name}/Cargo.toml"), deps: deps.to_vec() }
    }

    pub fn ours(name: &str) -> Dep {
        Dep { name: name.into(), kind: Kind::Normal, ours: true, default_features: true, features: vec![] }
    }

    pub fn foreign(name: &str) -> Dep {
        Dep { name: name.into(), kind: Kind::Normal, ours: false, default_features: false, features: vec![] }
    }

    /// `found` as lines of `path:line: rule`.
    pub fn brief(found: &[Violation]) -> Vec<String> {
        found.iter().map(|violation| format!("{}:{}: {}", violation.path, violation.line, violation.rule)).collect()
    }
}
