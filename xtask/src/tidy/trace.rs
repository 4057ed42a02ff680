//! Rule `trace`: each numbered rule of `spec/link.md`, `spec/keys.md` and `spec/witness.md` is cited where it is kept and where it is tested.
//!
//! A citation is a line `//= spec/link.md L-7` above what keeps or tests the rule. Rules `L-n` bind the protocol's state
//! machine, rules `S-n` the program around it, rules `K-n` are those of keys, rules `W-n` those of
//! witnesses and auditors; all count wherever they stand below `crates/`. Tests are `tests/`
//! folders and what is compiled only for tests. That a citation is true, a reviewer judges; that there is one, this does.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::purity::TestFiles;
use super::source::{code_only, test_ranges, words};
use super::{File, Tree, Violation};

/// A paper whose rules are traced.
struct Paper {
    path: &'static str,
    /// What begins a citation, followed by the rule's name and nothing else.
    cites: &'static str,
    /// What the names of its rules begin with.
    kinds: &'static [&'static str],
}

const LINK: Paper = Paper { path: "spec/link.md", cites: "//= spec/link.md ", kinds: &["L", "S"] };
const KEYS: Paper = Paper { path: "spec/keys.md", cites: "//= spec/keys.md ", kinds: &["K"] };
const WITNESS: Paper = Paper { path: "spec/witness.md", cites: "//= spec/witness.md ", kinds: &["W"] };
const PAPERS: [Paper; 3] = [LINK, KEYS, WITNESS];

/// BCP 14 words that make a sentence a rule. (`MUST NOT` and so on contain them.)
const BINDING: [&str; 5] = ["MUST", "SHALL", "REQUIRED", "SHOULD", "MAY"];

/// One rule: `- **L-7** text…`, to the next rule or blank line.
#[derive(Debug)]
struct Rule {
    name: String,
    line: usize,
    text: String,
}

/// Where a rule is cited: path and line.
#[derive(Debug, Default)]
struct Cited {
    source: Vec<(String, usize)>,
    tests: Vec<(String, usize)>,
}

/// Prints every rule with its citations; fails naming those that are not cited in both.
pub fn run(tree: &Tree) -> Result<()> {
    for paper in &PAPERS {
        let (rules, _) = paper.rules(tree.text(paper.path).unwrap_or_default());
        let cited = paper.citations(tree);
        for rule in &rules {
            let none = Cited::default();
            let found = cited.get(&rule.name).unwrap_or(&none);
            println!("{:<5} {}", rule.name, shortened(&rule.text));
            for (what, places) in [("source", &found.source), ("tests", &found.tests)] {
                println!("      {what:<6} {}", listed(places));
            }
        }
        println!("trace: {} rules of {}", rules.len(), paper.path);
    }
    let found = check(tree);
    for violation in &found {
        println!("{violation}");
    }
    if !found.is_empty() {
        bail!("{} rules or citations are at fault", found.len());
    }
    println!("trace: each rule is cited in source and in tests");
    Ok(())
}

pub fn check(tree: &Tree) -> Vec<Violation> {
    PAPERS.iter().flat_map(|paper| paper.check(tree)).collect()
}

impl Paper {
    fn check(&self, tree: &Tree) -> Vec<Violation> {
        let Some(text) = tree.text(self.path) else { return vec![] };
        let (rules, mut found) = self.rules(text);
        let cited = self.citations(tree);
        for rule in &rules {
            let (source, tests) = cited.get(&rule.name).map_or((0, 0), |c| (c.source.len(), c.tests.len()));
            for (what, count) in [("source", source), ("tests", tests)] {
                if count == 0 {
                    let message = format!("{} is cited nowhere in {what} (`{}{}`)", rule.name, self.cites, rule.name);
                    found.push(Violation::new("trace", self.path, rule.line, message));
                }
            }
        }
        for (name, places) in &cited {
            if rules.iter().all(|rule| rule.name != *name) {
                let places = places.source.iter().chain(&places.tests);
                let unknown = |(path, line): &(String, usize)| {
                    Violation::new("trace", path, *line, format!("`{name}` is no rule of {}", self.path))
                };
                found.extend(places.map(unknown));
            }
        }
        found
    }

    /// The paper's rules in order, and what is wrong with the paper: numbers that do not count up, a rule that binds
    /// nobody, a binding word outside a rule.
    fn rules(&self, paper: &str) -> (Vec<Rule>, Vec<Violation>) {
        let (mut rules, mut found): (Vec<Rule>, Vec<Violation>) = (Vec::new(), Vec::new());
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut inside, mut quoting) = (false, false);
        for (index, text) in paper.lines().enumerate() {
            let line = index + 1;
            if let Some((name, rest)) = text.strip_prefix("- **").and_then(|rest| rest.split_once("**")) {
                let Some((kind, number)) = name.split_once('-').filter(|(kind, _)| self.kinds.contains(kind)) else {
                    continue;
                };
                let next = counts.entry(kind).or_default();
                *next += 1;
                if number.parse() != Ok(*next) {
                    let message = format!("`{name}` stands where {kind}-{next} is due: rules are numbered in order");
                    found.push(Violation::new("trace", self.path, line, message));
                }
                rules.push(Rule { name: name.to_string(), line, text: rest.trim().to_string() });
                inside = true;
            } else if text.trim().is_empty() || text.starts_with(['#', '|']) {
                inside = false;
            } else if let Some(rule) = rules.last_mut().filter(|_| inside) {
                rule.text = format!("{} {}", rule.text, text.trim());
            } else {
                // The sentence that says how the words are to be read names them.
                quoting = text.contains("key words") || (quoting && !text.is_empty());
                if !quoting && binds(text) {
                    let message = "a BCP 14 word outside a numbered rule: nobody can cite it";
                    found.push(Violation::new("trace", self.path, line, message));
                }
            }
            quoting &= !text.is_empty();
        }
        for rule in rules.iter().filter(|rule| !binds(&rule.text)) {
            let message = format!("{} has no BCP 14 word: it is not clear whether it binds", rule.name);
            found.push(Violation::new("trace", self.path, rule.line, message));
        }
        if rules.is_empty() {
            found.push(Violation::new("trace", self.path, 1, "no rules `- **L-1** …`"));
        }
        (rules, found)
    }

    /// Citations of all rules below `crates/`, by the rule's name.
    fn citations(&self, tree: &Tree) -> BTreeMap<String, Cited> {
        let mut cited: BTreeMap<String, Cited> = BTreeMap::new();
        let test_files = TestFiles::of(tree, "crates/");
        for file in tree.files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs")) {
            let all_test = file.path.contains("/tests/") || test_files.hold(&file.path);
            for (name, line, in_test) in self.citations_of(file) {
                let places = cited.entry(name).or_default();
                let places = if all_test || in_test { &mut places.tests } else { &mut places.source };
                places.push((file.path.clone(), line));
            }
        }
        cited
    }

    /// Name, line, and whether it stands in what is compiled only for tests.
    fn citations_of(&self, file: &File) -> Vec<(String, usize, bool)> {
        let text = file.text.as_deref().unwrap_or_default();
        if !text.contains(self.cites) {
            return vec![];
        }
        let ranges = test_ranges(&code_only(text));
        let (mut found, mut at) = (Vec::new(), 0);
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if let Some(name) = line.trim().strip_prefix(self.cites) {
                found.push((name.to_string(), index + 1, ranges.iter().any(|range| range.contains(&at))));
            }
            at += line.len();
        }
        found
    }
}

fn binds(text: &str) -> bool {
    BINDING.iter().any(|word| words(text, word).next().is_some())
}

/// Places in one line, those of one file together.
fn listed(places: &[(String, usize)]) -> String {
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for (path, line) in places {
        match files.last_mut().filter(|(last, _)| last == path) {
            Some((_, lines)) => lines.push(line.to_string()),
            None => files.push((path, vec![line.to_string()])),
        }
    }
    let texts: Vec<String> = files.iter().map(|(path, lines)| format!("{path}:{}", lines.join(","))).collect();
    if texts.is_empty() { "NOT CITED".to_string() } else { texts.join("  ") }
}

/// The beginning of a rule's text.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{brief, tree};
    use super::*;

    const GOOD: &str = "The key words \"MUST\" and \"MAY\" are to be read\nas they MUST.\n\n- **L-1** A MUST\n  b.\n- **S-1** It MAY.\n";
    const KEPT: (&str, &str) = (
        "crates/a/src/lib.rs",
        "//= spec/link.md L-1\nfn f() {}\n//= spec/link.md S-1\nfn g() {}\n#[cfg(test)]\nmod tests {\n    //= spec/link.md L-1\n}\n",
    );
    const TESTED: (&str, &str) = ("crates/a/tests/t.rs", "//= spec/link.md S-1\nfn t() {}\n");

    fn check(files: &[(&str, &str)], expect: &[&str]) {
        assert_eq!(brief(&super::check(&tree(files))), expect, "{files:?}");
    }

    #[test]
    fn a_rule_must_be_cited_in_source_and_in_a_test() {
        check(&[(LINK.path, GOOD), KEPT, TESTED], &[]);
        check(&[(LINK.path, GOOD), KEPT], &["spec/link.md:6: trace"]);
        check(
            &[(LINK.path, GOOD), TESTED],
            &["spec/link.md:4: trace", "spec/link.md:4: trace", "spec/link.md:6: trace"],
        );
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_a_test() {
        let lib = ("crates/a/src/lib.rs", "//= spec/link.md L-1\n//= spec/link.md S-1\n#[cfg(test)]\nmod far;\n");
        let far = ("crates/a/src/far.rs", "//= spec/link.md L-1\n//= spec/link.md S-1\n");
        check(&[(LINK.path, GOOD), lib, far], &[]);
        let not = ("crates/a/src/lib.rs", "//= spec/link.md L-1\n//= spec/link.md S-1\nmod far;\n");
        check(&[(LINK.path, GOOD), not, far], &["spec/link.md:4: trace", "spec/link.md:6: trace"]);
    }

    #[test]
    fn a_citation_of_no_rule_is_found() {
        let lost = ("crates/b/src/lib.rs", "\n//= spec/link.md L-9\n");
        check(&[(LINK.path, GOOD), KEPT, TESTED, lost], &["crates/b/src/lib.rs:2: trace"]);
    }

    #[test]
    fn rules_count_up_bind_and_hold_every_binding_word() {
        let paper = |text: &str| LINK.rules(text).1.iter().map(|v| (v.line, v.message.clone())).collect::<Vec<_>>();
        let lines = |text: &str| paper(text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("- **L-1** MUST\n- **L-3** MUST\n"), [2]);
        assert_eq!(lines("- **L-1** must\n"), [1]);
        assert!(lines("- **L-1** one\n  line more MUST\n").is_empty());
        assert_eq!(lines("- **L-1** MUST\n\nAnd it MUST too.\n"), [3]);
        assert_eq!(lines("no rule\n"), [1]);
    }
}
