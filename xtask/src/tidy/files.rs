//! Rules `words`, `length`, `size` and `orphan`: what no file holds, how long a source may grow, how large any file,
//! and that every source belongs to a crate.

use super::source::{code_only, words};
use super::{File, Tree, Violation};

/// Largest file in the tree. Recordings are megabytes and stay outside: a clone must be small and their licences
/// are not ours.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Longest source file. Most are 150 to 400 lines; past this a file holds two things.
const LINES_MAX: usize = 700;

/// Longer files, each with its reason.
const LONG_BY_DESIGN: &[(&str, &str)] = &[];

/// Folders of somebody's machine. Split, so that this file does not hold what it forbids.
const PATHS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];

/// Macros that leave something undone, in Rust code (comments may name them).
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Marks that leave something undone, in comments of any source.
const MARKS: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

/// File name endings of what people write as code.
const SOURCES: [&str; 11] = [".rs", ".ts", ".js", ".mjs", ".css", ".html", ".toml", ".sh", ".yml", ".yaml", ".cddl"];

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found: Vec<Violation> = tree.files.iter().flat_map(check_file).collect();
    found.extend(orphans(tree));
    for (path, reason) in LONG_BY_DESIGN {
        let lines = tree.text(path).map_or(0, |text| text.lines().count());
        if lines <= LINES_MAX {
            let message = format!("no longer over {LINES_MAX} lines ({reason}): take it off the list in xtask");
            found.push(Violation::new("length", path, 1, message));
        }
    }
    found
}

/// Rust files below a `src` that no module names: the compiler never sees them, so nothing in them is true for long.
fn orphans(tree: &Tree) -> Vec<Violation> {
    let rust = || tree.files.iter().filter(|f| f.path.ends_with(".rs"));
    let mut found = Vec::new();
    for file in rust() {
        let Some((krate, within)) = file.path.split_once("/src/") else { continue };
        let path = within.trim_end_matches(".rs").trim_end_matches("/mod");
        let name = path.rsplit('/').next().unwrap_or(path);
        // Cargo makes a program of each file of `bin`.
        let is_root = ["lib", "main"].contains(&path) || path.strip_prefix("bin/").is_some_and(|p| !p.contains('/'));
        if is_root {
            continue;
        }
        let source = format!("{krate}/src/");
        let names_it = |other: &File| {
            let text = other.text.as_deref().unwrap_or_default();
            text.contains(&format!("mod {name};")) || text.contains(&format!("\"{name}.rs\""))
        };
        if !rust().any(|other| other.path.starts_with(&source) && other.path != file.path && names_it(other)) {
            found.push(Violation::new("orphan", &file.path, 1, "no module names this file: it is never compiled"));
        }
    }
    found
}

fn check_file(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    if file.bytes > FILE_BYTES_MAX {
        let message = format!("{} bytes; recordings and other large data stay outside the tree", file.bytes);
        found.push(Violation::new("size", &file.path, 1, message));
    }
    let Some(text) = &file.text else { return found };
    let rust = file.path.ends_with(".rs");
    let source = SOURCES.iter().any(|end| file.path.ends_with(end)) && !file.path.contains("/testdata/");
    let code = if rust { code_only(text) } else { String::new() };
    let mut code_lines = code.lines();
    for (index, line) in text.lines().enumerate() {
        let code = code_lines.next().unwrap_or_default();
        let mut say = |message: String| found.push(Violation::new("words", &file.path, index + 1, message));
        for path in PATHS.iter().filter(|path| line.contains(*path)) {
            say(format!("`{path}` is a folder of one machine"));
        }
        for mark in MARKS.iter().filter(|mark| source && words(line, mark).next().is_some()) {
            say(format!("`{mark}`: finish it, or open an issue and say what is missing"));
        }
        for name in MACROS.iter().filter(|name| rust && calls(code, name)) {
            say(format!("`{name}!` leaves something undone"));
        }
        if rust && code.contains("#[ignore]") {
            say("a test that is ignored says why: `#[ignore = \"reason\"]`".into());
        }
    }
    let lines = text.lines().count();
    let counted = rust || file.path.ends_with(".ts");
    if counted && lines > LINES_MAX && !LONG_BY_DESIGN.iter().any(|(path, _)| *path == file.path) {
        let message = format!("{lines} lines, at most {LINES_MAX}: split it, or list it in xtask with the reason");
        found.push(Violation::new("length", &file.path, LINES_MAX + 1, message));
    }
    found
}

/// Whether the line calls the macro `name`.
fn calls(code: &str, name: &str) -> bool {
    words(code, name).any(|at| code[at + name.len()..].starts_with('!'))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{brief, file, tree};
    use super::*;

    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(brief(&super::check(&tree(&[(path, text)]))), expect, "{text:?}");
    }

    #[test]
    fn a_folder_of_one_machine_is_found_in_any_text() {
        for folder in PATHS {
            check("README.md", &format!("x\nsee {folder}main"), &["README.md:2: words"]);
        }
        check("README.md", "see docs/work and home/x", &[]);
    }

    #[test]
    fn unfinished_code_is_found_in_code_alone() {
        for name in MACROS {
            check("a.rs", &format!("fn f() {{ {name}!(1) }}"), &["a.rs:1: words"]);
            check("a.rs", &format!("// {name}!(1)\nlet s = \"{name}!()\";"), &[]);
        }
        check("a.rs", "my_todo!()", &[]);
    }

    #[test]
    fn a_mark_is_found_in_sources_and_not_in_captures() {
        for mark in MARKS {
            check("a.ts", &format!("// {mark} later"), &["a.ts:1: words"]);
            check("a.ts", &format!("// {mark}Y"), &[]);
            check("crates/feed/testdata/a.toml", mark, &[]);
        }
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        check("a.rs", "#[ignore]\nfn f() {}", &["a.rs:1: words"]);
        check("a.rs", "#[ignore = \"needs three servers\"]\nfn f() {}", &[]);
    }

    #[test]
    fn a_long_source_is_found() {
        check("a.rs", &"x\n".repeat(LINES_MAX), &[]);
        check("a.rs", &"x\n".repeat(LINES_MAX + 1), &["a.rs:701: length"]);
        check("a.md", &"x\n".repeat(LINES_MAX + 1), &[]);
    }

    #[test]
    fn a_source_that_no_module_names_is_found() {
        let named = [("c/src/lib.rs", "mod a;\npub mod b;"), ("c/src/a.rs", ""), ("c/src/b/mod.rs", "mod deep;")];
        let deep = [("c/src/b/deep.rs", "#[path = \"deep_tests.rs\"]\nmod tests;"), ("c/src/b/deep_tests.rs", "")];
        let all: Vec<(&str, &str)> = named.into_iter().chain(deep).collect();
        assert_eq!(brief(&super::check(&tree(&all))), Vec::<String>::new());
        let lost = [("c/src/lib.rs", "mod a;"), ("c/src/a.rs", ""), ("c/src/b.rs", ""), ("d/src/lib.rs", "mod b;")];
        assert_eq!(brief(&super::check(&tree(&lost))), ["c/src/b.rs:1: orphan"]);
    }

    #[test]
    fn a_large_file_is_found() {
        let mut tree = tree(&[]);
        tree.files = vec![file("a.bin", "")];
        tree.files[0].bytes = FILE_BYTES_MAX + 1;
        assert_eq!(brief(&super::check(&tree)), ["a.bin:1: size"]);
    }
}
