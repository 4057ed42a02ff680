//! Rules `adr` and `link`: decisions are numbered and listed, and a link between papers leads somewhere.

use std::collections::BTreeMap;

use super::{Tree, Violation};

const FOLDER: &str = "docs/adr/";
const INDEX: &str = "docs/adr/README.md";

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = decisions(tree);
    found.extend(links(tree));
    found
}

fn decisions(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    let index = tree.text(INDEX).unwrap_or_default();
    for file in tree.files.iter().filter(|file| file.path.starts_with(FOLDER) && file.path != INDEX) {
        let name = &file.path[FOLDER.len()..];
        let Some(number) = number(name) else {
            found.push(Violation::new("adr", &file.path, 1, "a decision is named NNNN-title.md, small letters"));
            continue;
        };
        if let Some(other) = numbers.insert(number, name) {
            found.push(Violation::new("adr", &file.path, 1, format!("number {number} is taken by {other}")));
        }
        if !index.contains(&format!("({name})")) {
            found.push(Violation::new("adr", &file.path, 1, format!("not listed in {INDEX}")));
        }
    }
    found
}

/// `0007` of `0007-transport.md`; none for any other shape.
fn number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let digits = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    let small = !title.is_empty() && title.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (digits && small).then_some(number)
}

/// Relative links of Markdown files whose target is not in the tree.
fn links(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        let Some(text) = &file.text else { continue };
        for (index, line) in text.lines().enumerate() {
            for target in targets(line) {
                let Some(path) = resolve(&file.path, target) else { continue };
                let folder = format!("{}/", path.trim_end_matches('/'));
                if !tree.files.iter().any(|other| other.path == path || other.path.starts_with(&folder)) {
                    found.push(Violation::new("link", &file.path, index + 1, format!("`{target}` leads nowhere")));
                }
            }
        }
    }
    found
}

/// Targets of `[text](target)` in the line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split_once(')').map(|(target, _)| target))
}

/// Path of a relative link from the root; none for addresses and anchors.
fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{brief, tree};

    fn check(files: &[(&str, &str)], expect: &[&str]) {
        assert_eq!(brief(&super::check(&tree(files))), expect);
    }

    #[test]
    fn a_decision_is_numbered_and_listed() {
        let index = ("docs/adr/README.md", "- [one](0001-one.md)");
        check(&[index, ("docs/adr/0001-one.md", "")], &[]);
        check(&[index, ("docs/adr/0001-one.md", ""), ("docs/adr/0002-two.md", "")], &["docs/adr/0002-two.md:1: adr"]);
        for name in ["1-one.md", "0002-Two.md", "0002.md", "two.md", "0002-two.txt"] {
            let path = format!("docs/adr/{name}");
            check(&[index, ("docs/adr/0001-one.md", ""), (&path, "")], &[&format!("{path}:1: adr")]);
        }
    }

    #[test]
    fn two_decisions_may_not_share_a_number() {
        let index = ("docs/adr/README.md", "[a](0001-a.md) [b](0001-b.md)");
        check(&[index, ("docs/adr/0001-a.md", ""), ("docs/adr/0001-b.md", "")], &["docs/adr/0001-b.md:1: adr"]);
    }

    #[test]
    fn a_link_must_lead_somewhere() {
        check(&[("docs/a.md", "x\n[b](b.md)")], &["docs/a.md:2: link"]);
        check(
            &[
                ("docs/a.md", "[b](../b.md#part) [c](https://c.example/) [d](#d) [e](sub)"),
                ("b.md", ""),
                ("docs/sub/e", ""),
            ],
            &[],
        );
    }
}
