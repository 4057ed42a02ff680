//! Rule `pure`: the core (layers 0 to 5) compiles without a clock, a socket, a file, a thread or entropy.
//!
//! The compiler holds most of it once `#![no_std]` is said. What is left to check is that it is said, that nobody
//! brings `std` back in, and that no dependency brings in what the core is built to do without.

use std::collections::BTreeSet;

use super::layers::{dep_line, map, mapped};
use super::source::{TestModule, code_only, without_tests, words};
use super::{Dep, Kind, Package, Tree, Violation};

/// Highest layer of the pure core.
const CORE_LAYER_MAX: u8 = 5;

/// Crates the core may use, each because it is pure and we would otherwise write it (docs/adr/0002-no-std-core.md).
const ALLOWED: [&str; 9] =
    ["base64", "ed25519-dalek", "libm", "minicbor", "rstar", "serde", "serde_json", "sha2", "thiserror"];

/// Of these, the ones whose default features are pure. `libm`: `arch` uses the processor's own square root and
/// rounding, which IEEE 754 defines to the last bit, so results stay equal on every machine.
const DEFAULTS_ALLOWED: [&str; 1] = ["libm"];

pub fn check(tree: &Tree) -> Vec<Violation> {
    let (map, _) = map(tree);
    let core = |package: &&Package| map.get(&package.name).is_some_and(|entry| entry.layer <= CORE_LAYER_MAX);
    mapped(tree).filter(core).flat_map(|package| check_package(tree, package)).collect()
}

fn check_package(tree: &Tree, package: &Package) -> Vec<Violation> {
    let mut found = attributes(tree, package);
    for dep in package.deps.iter().filter(|dep| !dep.ours && dep.kind != Kind::Dev) {
        let line = dep_line(tree, package, &dep.name);
        found.extend(impure(dep).map(|message| Violation::new("pure", &package.manifest, line, message)));
    }
    found.extend(uses_of_std(tree, package));
    found
}

fn attributes(tree: &Tree, package: &Package) -> Vec<Violation> {
    let path = format!("{}src/lib.rs", folder(package));
    let code = code_only(tree.text(&path).unwrap_or_default());
    let missing = ["#![no_std]", "#![forbid(unsafe_code)]"].into_iter().filter(|attribute| !code.contains(attribute));
    missing
        .map(|attribute| Violation::new("pure", &path, 1, format!("a crate of the core says `{attribute}`")))
        .collect()
}

fn impure(dep: &Dep) -> Option<String> {
    let name = dep.name.as_str();
    if dep.kind == Kind::Build {
        return Some(format!("a crate of the core has no build script, so it needs no `{name}`"));
    }
    if !ALLOWED.contains(&name) {
        return Some(format!("`{name}` is not on the core's list of dependencies; a new one needs an ADR"));
    }
    if dep.default_features && !DEFAULTS_ALLOWED.contains(&name) {
        return Some(format!("`{name}` with its default features; say `default-features = false` in the workspace"));
    }
    dep.features.iter().any(|feature| feature == "std").then(|| format!("`{name}` with its feature `std`"))
}

/// Lines outside tests that name the crate `std`.
fn uses_of_std(tree: &Tree, package: &Package) -> Vec<Violation> {
    let src = format!("{}src/", folder(package));
    let tests = TestFiles::of(tree, &src);
    let sources = tree.files.iter().filter(|file| file.path.starts_with(&src) && file.path.ends_with(".rs"));
    let mut found = Vec::new();
    for file in sources.filter(|file| !tests.hold(&file.path)) {
        let Some(text) = &file.text else { continue };
        for (index, line) in without_tests(text).0.lines().enumerate() {
            if names_std(line) {
                let message = "the core does not use `std` outside `#[cfg(test)]`: `core`, `alloc` or `libm`";
                found.push(Violation::new("pure", &file.path, index + 1, message));
            }
        }
    }
    found
}

/// Files below a `src` that are compiled only for tests.
pub struct TestFiles(BTreeSet<String>);

impl TestFiles {
    /// Those of the package, or packages, whose sources begin with `src`.
    pub fn of(tree: &Tree, src: &str) -> Self {
        let sources = tree.files.iter().filter(|file| file.path.starts_with(src) && file.path.ends_with(".rs"));
        let declared = sources.flat_map(|file| {
            let (_, modules) = without_tests(file.text.as_deref().unwrap_or_default());
            modules.into_iter().flat_map(|module| module_paths(&file.path, &module))
        });
        Self(declared.collect())
    }

    /// Whether the file is one of them, or of a module of one.
    pub fn hold(&self, path: &str) -> bool {
        self.0.iter().any(|test| path == test || path.starts_with(&format!("{}/", trim_rs(test))))
    }
}

fn names_std(code: &str) -> bool {
    let mut found = words(code, "std");
    found.any(|at| code[at + 3..].starts_with("::") || code[..at].trim_end().ends_with("extern crate"))
}

/// The files that a module declared in the file at `declared` may live in.
fn module_paths(declared: &str, module: &TestModule) -> Vec<String> {
    let (folder, file) = declared.rsplit_once('/').unwrap_or(("", declared));
    if let Some(path) = &module.path {
        return vec![format!("{folder}/{path}")];
    }
    let base = match file {
        "lib.rs" | "main.rs" | "mod.rs" => folder,
        _ => trim_rs(declared),
    };
    vec![format!("{base}/{}.rs", module.name), format!("{base}/{}/mod.rs", module.name)]
}

fn trim_rs(path: &str) -> &str {
    path.strip_suffix("/mod.rs").or(path.strip_suffix(".rs")).unwrap_or(path)
}

fn folder(package: &Package) -> &str {
    package.manifest.strip_suffix("Cargo.toml").unwrap_or(&package.manifest)
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{brief, foreign, ours, package, tree};
    use super::*;

    const MAP: &str = "| 5 | `node` | x |\n| 6 | `journal` | y |\n";
    const LIB: &str = "#![no_std]\n#![forbid(unsafe_code)]\nextern crate alloc;\n";

    fn check(name: &str, files: &[(&str, &str)], deps: &[Dep], expect: &[&str]) {
        let mut all = vec![("ARCHITECTURE.md", MAP)];
        all.extend(files);
        let mut tree = tree(&all);
        tree.packages = vec![package(name, deps)];
        assert_eq!(brief(&super::check(&tree)), expect);
    }

    #[test]
    fn a_core_crate_that_says_it_all_is_pure() {
        let libm = Dep { default_features: true, ..foreign("libm") };
        check("node", &[("crates/node/src/lib.rs", LIB)], &[foreign("sha2"), libm, ours("units")], &[]);
    }

    #[test]
    fn a_core_crate_must_say_no_std_and_forbid_unsafe() {
        let at = "crates/node/src/lib.rs:1: pure";
        check("node", &[("crates/node/src/lib.rs", "// #![no_std]\n")], &[], &[at, at]);
        check("node", &[], &[], &[at, at]);
    }

    #[test]
    fn the_shell_may_do_as_it_likes() {
        check("journal", &[("crates/journal/src/lib.rs", "use std::fs;\n")], &[foreign("tokio")], &[]);
    }

    #[test]
    fn a_dependency_must_be_on_the_list_without_its_defaults() {
        let lib = [("crates/node/src/lib.rs", LIB)];
        let at = ["crates/node/Cargo.toml:1: pure"];
        check("node", &lib, &[foreign("tokio")], &at);
        check("node", &lib, &[Dep { default_features: true, ..foreign("sha2") }], &at);
        check("node", &lib, &[Dep { features: vec!["std".into()], ..foreign("serde") }], &at);
        check("node", &lib, &[Dep { kind: Kind::Build, ..foreign("sha2") }], &at);
        check("node", &lib, &[Dep { kind: Kind::Dev, ..foreign("proptest") }], &[]);
    }

    #[test]
    fn std_outside_tests_is_found() {
        let with = |line: &str| format!("{LIB}{line}\n");
        for bad in
            ["use std::fmt;", "extern crate std;", "let x = ::std::mem::take(y);", "#[cfg(not(test))] use std::io;"]
        {
            check("node", &[("crates/node/src/lib.rs", &with(bad))], &[], &["crates/node/src/lib.rs:4: pure"]);
        }
        for good in ["// use std::fmt;", "let x = \"std::fmt\";", "use my_std::fmt;", "#[cfg(test)] extern crate std;"]
        {
            check("node", &[("crates/node/src/lib.rs", &with(good))], &[], &[]);
        }
    }

    #[test]
    fn a_test_module_under_another_path_may_use_std() {
        let lib = format!("{LIB}#[cfg(test)]\n#[path = \"node_tests.rs\"]\nmod tests;\n");
        let test = ("crates/node/src/node_tests.rs", "use std::fs;\n");
        check("node", &[("crates/node/src/lib.rs", &lib), test], &[], &[]);
    }

    #[test]
    fn a_test_module_in_its_own_file_may_use_std() {
        let lib = format!("{LIB}#[cfg(test)]\nmod tests;\nmod real;\n");
        let test = ("crates/node/src/tests.rs", "use std::fs;\n");
        let below = ("crates/node/src/tests/more.rs", "use std::fs;\n");
        check("node", &[("crates/node/src/lib.rs", &lib), test, below], &[], &[]);
        let real = ("crates/node/src/real.rs", "use std::fs;\n");
        check("node", &[("crates/node/src/lib.rs", &lib), test, real], &[], &["crates/node/src/real.rs:1: pure"]);
    }
}
