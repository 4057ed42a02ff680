//! Rows of verdicts, as CSV or as JSON lines. A number is written with as many digits as bring the same number back.
use crate::cli::detect::Format;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use units::Height;

/// One verdict. What does not apply is `None`: an empty field, or no key.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub kind: &'static str,
    /// Name of the case, in a file of pairs.
    pub case: Option<String>,
    pub a: String,
    pub a_part: Option<usize>,
    pub b: Option<String>,
    pub b_part: Option<usize>,
    pub time: Option<When>,
    pub verdict: &'static str,
    pub reason: Option<&'static str>,
    pub tin_s: Option<f64>,
    pub tout_s: Option<f64>,
    pub tcpa_s: Option<f64>,
    pub dcpa_m: Option<f64>,
    pub d0_m: Option<f64>,
    /// 0.1 mm.
    pub vertical_cpa: Option<i64>,
    pub vertical_now: Option<i64>,
    pub basis: Option<&'static str>,
    pub violation_now: Option<bool>,
    pub velocity_unknown: Option<bool>,
    pub widened_m: Option<f64>,
    pub wc: Option<&'static str>,
    pub wc_tin_s: Option<f64>,
    pub wc_tout_s: Option<f64>,
    pub wc_now: Option<bool>,
    pub wc_alert: Option<bool>,
    pub presence: Option<&'static str>,
    pub lateral_m: Option<f64>,
    pub intervals: Option<Vec<(f64, f64)>>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub lower: Option<String>,
    pub upper: Option<String>,
    pub vertical_unknown: Option<bool>,
}

/// A time as the file told it: seconds, or an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    Seconds(f64),
    Instant(units::Utc),
}

/// A field.
enum Cell<'a> {
    None,
    Text(&'a str),
    Number(f64),
    Count(usize),
    Yes(bool),
    Spans(&'a [(f64, f64)]),
    Time(When),
}

impl Row {
    /// Every field with its name, in the order of the columns.
    fn cells(&self) -> [(&'static str, Cell<'_>); 35] {
        let text = |t: &'static str| Cell::Text(t);
        let some = |t: &Option<&'static str>| t.map_or(Cell::None, text);
        fn owned(t: &Option<String>) -> Cell<'_> {
            t.as_deref().map_or(Cell::None, Cell::Text)
        }
        let number = |n: Option<f64>| n.map_or(Cell::None, Cell::Number);
        let count = |n: Option<usize>| n.map_or(Cell::None, Cell::Count);
        let yes = |y: Option<bool>| y.map_or(Cell::None, Cell::Yes);
        let feet = |h: Option<i64>| number(h.map(|h| h as f64 / f64::from(Height::PER_FOOT)));
        let metres = |h: Option<i64>| number(h.map(|h| h as f64 / f64::from(Height::PER_METRE)));
        [
            ("kind", text(self.kind)),
            ("case", owned(&self.case)),
            ("a", Cell::Text(&self.a)),
            ("a_part", count(self.a_part)),
            ("b", owned(&self.b)),
            ("b_part", count(self.b_part)),
            ("time", self.time.map_or(Cell::None, Cell::Time)),
            ("verdict", text(self.verdict)),
            ("reason", some(&self.reason)),
            ("tin_s", number(self.tin_s)),
            ("tout_s", number(self.tout_s)),
            ("tcpa_s", number(self.tcpa_s)),
            ("dcpa_m", number(self.dcpa_m)),
            ("d0_m", number(self.d0_m)),
            ("vertical_cpa_ft", feet(self.vertical_cpa)),
            ("vertical_cpa_m", metres(self.vertical_cpa)),
            ("vertical_now_ft", feet(self.vertical_now)),
            ("vertical_now_m", metres(self.vertical_now)),
            ("basis", some(&self.basis)),
            ("violation_now", yes(self.violation_now)),
            ("velocity_unknown", yes(self.velocity_unknown)),
            ("widened_m", number(self.widened_m)),
            ("wc", some(&self.wc)),
            ("wc_tin_s", number(self.wc_tin_s)),
            ("wc_tout_s", number(self.wc_tout_s)),
            ("wc_now", yes(self.wc_now)),
            ("wc_alert", yes(self.wc_alert)),
            ("presence", some(&self.presence)),
            ("lateral_m", number(self.lateral_m)),
            ("intervals", self.intervals.as_deref().map_or(Cell::None, Cell::Spans)),
            ("from", owned(&self.from)),
            ("to", owned(&self.to)),
            ("lower", owned(&self.lower)),
            ("upper", owned(&self.upper)),
            ("vertical_unknown", yes(self.vertical_unknown)),
        ]
    }
}

/// Writes rows, and counts them.
pub struct Writer {
    format: Format,
    text: String,
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// Text is handed on in pieces of this size.
const PIECE: usize = 256 << 10;

impl Writer {
    pub fn new(format: Format) -> Self {
        let mut text = String::new();
        if format == Format::Csv {
            let names: Vec<&str> = Row::default().cells().iter().map(|(name, _)| *name).collect();
            text = names.join(",") + "\n";
        }
        Self { format, text, counts: BTreeMap::new() }
    }

    /// Writes a row.
    pub fn row(&mut self, row: &Row) {
        *self.counts.entry((row.kind, row.verdict)).or_default() += 1;
        match self.format {
            Format::Csv => csv(row, &mut self.text),
            Format::Jsonl => jsonl(row, &mut self.text),
        }
        self.text.push('\n');
        if self.text.len() >= PIECE {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        crate::out::print(format_args!("{}", self.text), false);
        self.text.clear();
    }

    /// Writes out what is left; how many rows of each kind and verdict there were.
    pub fn finish(mut self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.hand_on();
        self.counts
    }
}

fn csv(row: &Row, out: &mut String) {
    for (n, (_, cell)) in row.cells().iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        let written = match cell {
            Cell::None => Ok(()),
            Cell::Text(text) => {
                quoted(text, out);
                Ok(())
            }
            Cell::Number(number) => write!(out, "{}", Shortest(*number)),
            Cell::Count(count) => write!(out, "{count}"),
            Cell::Yes(yes) => write!(out, "{yes}"),
            Cell::Spans(spans) => spans.iter().enumerate().try_for_each(|(n, (from, to))| {
                let comma = if n > 0 { ";" } else { "" };
                write!(out, "{comma}{}..{}", Shortest(*from), Shortest(*to))
            }),
            Cell::Time(When::Seconds(s)) => write!(out, "{s}"),
            Cell::Time(When::Instant(at)) => write!(out, "{}", crate::clock::rfc3339(*at)),
        };
        debug_assert!(written.is_ok(), "text takes everything");
    }
}

/// A number as short as it comes back the same: `1.5e-13` rather than thirteen noughts.
struct Shortest(f64);

impl std::fmt::Display for Shortest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 != 0.0 && self.0.abs() < 1e-5 { write!(f, "{:e}", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// A field of text, in quotes where a comma or a quote needs them (RFC 4180).
fn quoted(text: &str, out: &mut String) {
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(['#', ' ']) || text.ends_with(' ') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

fn jsonl(row: &Row, out: &mut String) {
    let mut before = '{';
    for (name, cell) in row.cells() {
        let value = match cell {
            Cell::None => continue,
            Cell::Text(text) => json!(text),
            Cell::Number(number) => json!(number),
            Cell::Count(count) => json!(count),
            Cell::Yes(yes) => json!(yes),
            Cell::Spans(spans) => json!(spans),
            Cell::Time(When::Seconds(s)) => json!(s),
            Cell::Time(When::Instant(at)) => json!(crate::clock::rfc3339(at)),
        };
        let written = write!(out, "{before}\"{name}\":{value}");
        debug_assert!(written.is_ok(), "text takes everything");
        before = ',';
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_so_that_the_same_numbers_come_back() {
        let row = Row {
            kind: "track-track",
            a: "x,\"y\"".into(),
            b: Some("#2".into()),
            time: Some(When::Seconds(0.1)),
            verdict: "conflict",
            tin_s: Some(0.1 + 0.2),
            vertical_now: Some(3048),
            intervals: Some(vec![(0.0, 1.5), (2.0, 1e-7)]),
            wc_now: Some(false),
            ..Row::default()
        };
        let (mut text, mut line) = (String::new(), String::new());
        csv(&row, &mut text);
        assert_eq!(
            text,
            "track-track,,\"x,\"\"y\"\"\",,\"#2\",,0.1,conflict,,0.30000000000000004,,,,,,,1,0.3048,,,,,,,,false,,,,0..1.5;2..1e-7,,,,,"
        );
        jsonl(&row, &mut line);
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["tin_s"].as_f64(), Some(0.1 + 0.2));
        assert_eq!((&back["a"], &back["intervals"][1][0], back.get("tout_s")), (&json!("x,\"y\""), &json!(2.0), None));
    }
}
