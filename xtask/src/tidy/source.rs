//! Rust source as the rules see it: comments, literals and test code blanked out, line numbers kept.
//!
//! Not a parser: just enough of the lexical grammar (nested comments, raw strings, lifetimes against character
//! literals) that a word in a comment or a string is never taken for code, and code never for a comment.

use std::ops::Range;

/// The source with comments and literals replaced by blanks, byte for byte, so that offsets and lines stay.
pub fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (length, keep) = token(rest, first, before);
        let (taken, after) = rest.split_at(length);
        if keep {
            out.push_str(taken);
        } else {
            blank(taken, &mut out);
        }
        before = taken.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    out
}

/// Length of the next token in bytes, and whether it is code.
fn token(rest: &str, first: char, before: char) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    if !is_word(before) {
        // A prefix belongs to the literal only if it begins a word: `r"` but not the end of `for"`.
        let unprefixed = rest.trim_start_matches(['b', 'c', 'r']);
        let prefix = rest.len() - unprefixed.len();
        let raw = prefix > 0 && prefix <= 2 && rest[..prefix].ends_with('r');
        if raw && let Some(length) = raw_string(unprefixed) {
            return (prefix + length, false);
        }
    }
    match first {
        '"' => (quoted(rest, '"'), false),
        '\'' => match char_literal(rest) {
            Some(length) => (length, false),
            None => (1, true),
        },
        _ => (first.len_utf8(), true),
    }
}

fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0usize, 0usize);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Length of `#*"…"#*`, or none if this is no raw string (a raw identifier, for one).
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.trim_start_matches('#');
    let hashes = &rest[..rest.len() - body.len()];
    let inside = body.strip_prefix('"')?;
    let close = format!("\"{hashes}");
    let end = inside.find(&close).map_or(inside.len(), |at| at + close.len());
    Some(hashes.len() + 1 + end)
}

/// Length of a literal up to and including its closing quote; a backslash hides the next character.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// Length of a character literal, or none if the quote begins a lifetime or a label.
fn char_literal(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, inside) = chars.next()?;
    if inside == '\\' {
        return Some(quoted(rest, '\''));
    }
    let (at, close) = chars.next()?;
    (close == '\'').then_some(at + 1)
}

fn blank(text: &str, out: &mut String) {
    out.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// A module that is compiled only for tests and lives in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestModule {
    /// Its name.
    pub name: String,
    /// What `#[path = "…"]` says, if it does.
    pub path: Option<String>,
}

/// The source's code without what is compiled only for tests, and the test modules that live in files of their own.
pub fn without_tests(source: &str) -> (String, Vec<TestModule>) {
    let mut code = code_only(source);
    let mut modules = Vec::new();
    for range in test_ranges(&code) {
        modules.extend(test_module(&source[range.clone()], &code[range.clone()]));
        let mut blanks = String::with_capacity(range.len());
        blank(&code[range.clone()], &mut blanks);
        code.replace_range(range, &blanks);
    }
    (code, modules)
}

/// Where in the code (see [`code_only`]) stands what is compiled only for tests, in bytes.
pub fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(at) = next_test_attribute(code, from) {
        from = item_end(code, at);
        ranges.push(at..from);
    }
    ranges
}

fn next_test_attribute(code: &str, from: usize) -> Option<usize> {
    ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|mark| code[from..].find(mark)).min().map(|at| from + at)
}

/// End of the item that follows the attribute at `at`: its `;`, or the brace that closes its body.
fn item_end(code: &str, at: usize) -> usize {
    let (mut braces, mut others) = (0usize, 0usize);
    for (offset, c) in code[at..].char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return at + offset + 1;
                }
            }
            ';' if braces == 0 && others == 0 => return at + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// The module that `#[cfg(test)] #[path = "…"] mod name;` declares; none for any other item.
fn test_module(source: &str, code: &str) -> Option<TestModule> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "mod")?;
    let name = words.get(at + 1)?.strip_suffix(';')?.to_string();
    let path = code.find("#[path").and_then(|at| source[at..].split('"').nth(1)).map(str::to_string);
    Some(TestModule { name, path })
}

/// Whether `c` may stand inside an identifier.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` occurs in `line` with no identifier character on either side.
pub fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = line[..*at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: &str) {
        assert_eq!(code_only(source), expect, "{source:?}");
    }

    #[test]
    fn comments_and_literals_are_blank_and_lines_stay() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d\n */ e", "a               \n    e");
        check("f(\"std::x\")", "f(        )");
        check("f(\"a\\\"b\", c)", "f(      , c)");
        check("r#\"a\"b\"# + br\"x\"", "         +      ");
        check("r#type", "r#type");
    }

    #[test]
    fn a_lifetime_is_not_a_literal() {
        check("&'a str, 'x', '\\'', '\"' b", "&'a str,    ,     ,     b");
    }

    #[test]
    fn test_items_are_blank_and_test_files_are_named() {
        let source =
            "a;\n#[cfg(test)]\nmod tests { fn f() { b } }\nc; // é\n#[cfg(test)]\n#[path = \"o.rs\"]\nmod oracle;\nd";
        let (code, modules) = without_tests(source);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a;", "c;", "d"]);
        assert_eq!(code.lines().count(), source.lines().count());
        assert_eq!(modules, [TestModule { name: "oracle".into(), path: Some("o.rs".into()) }]);
    }

    #[test]
    fn a_test_import_ends_at_its_brace() {
        let (code, _) = without_tests("#[cfg(test)]\nuse a::{b, c};\nkept");
        assert!(code.contains("kept") && !code.contains('b'));
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(words("use std::fmt", "std").collect::<Vec<_>>(), [4]);
        assert_eq!(words("use my_std::fmt; stdx", "std").count(), 0);
    }
}
