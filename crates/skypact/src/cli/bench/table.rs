//! What a benchmark prints: machine, scenario, runs, peak memory, baseline.
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Unit of a row's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds; less is better, and the cost of one item is shown.
    Ms,
    /// Microseconds; less is better.
    Us,
    /// Items a second; more is better.
    PerS,
    /// Percent of one core.
    PercentOfCore,
    /// Nanoseconds of one item.
    NsEach,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Us => "us",
            Self::PerS => "/s",
            Self::PercentOfCore => "% of a core",
            Self::NsEach => "ns each",
        }
    }

    /// Row over baseline, so that above 1 is worse for costs and better for rates.
    fn ratio(ours: f64, baseline: f64) -> f64 {
        if baseline > 0.0 { ours / baseline } else { f64::NAN }
    }
}

/// One measurement at one size.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was done.
    pub what: String,
    /// Items in it; 0 if there is no such number.
    pub items: u64,
    /// Unit of `runs`.
    pub unit: Unit,
    /// One value a run.
    pub runs: Vec<f64>,
    /// Name and values of the baseline.
    pub baseline: Option<(&'static str, Vec<f64>)>,
    /// Further figures.
    pub more: Vec<(&'static str, String)>,
}

impl Row {
    /// A row without baseline.
    pub fn new(what: impl Into<String>, items: u64, unit: Unit, runs: Vec<f64>) -> Self {
        Self { what: what.into(), items, unit, runs, baseline: None, more: Vec::new() }
    }

    /// Adds the baseline.
    pub fn against(mut self, name: &'static str, runs: Vec<f64>) -> Self {
        self.baseline = Some((name, runs));
        self
    }

    /// Adds a figure.
    pub fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.more.push((name, value.into()));
        self
    }
}

/// A whole benchmark.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// What is worked on.
    pub scenario: String,
    /// Seed of the scenario.
    pub seed: Option<u64>,
    /// Rows by size.
    pub rows: Vec<Row>,
    /// What a reader must know to judge the figures.
    pub notes: Vec<String>,
}

/// Median, least and most.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some((least, most)) = sorted.first().zip(sorted.last()) else { return (f64::NAN, f64::NAN, f64::NAN) };
    let (a, b) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    (f64::midpoint(a, b), *least, *most)
}

/// The value at most `percent` of the values are above, in hundredths.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent).div_ceil(100).clamp(1, values.len().max(1)) - 1;
    values.get(at).copied().unwrap_or(f64::NAN)
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let machine = Machine::read();
        let seed = self.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}: {}{seed}", self.bench, self.scenario);
        let _ = writeln!(out, "machine: {}, {} cores, {}", machine.cpu, machine.cores, machine.system);
        for row in &self.rows {
            let (median, least, most) = spread(&row.runs);
            let unit = row.unit.name();
            let _ = write!(
                out,
                "  {}: median {} {unit}, least {}, most {} ({} runs)",
                row.what,
                figure(median),
                figure(least),
                figure(most),
                row.runs.len()
            );
            if row.unit == Unit::Ms && row.items > 0 {
                let _ = write!(out, "; {} ns an item", figure(median * 1e6 / row.items as f64));
            }
            if let Some((name, runs)) = &row.baseline {
                let base = spread(runs).0;
                let _ = write!(out, "; {name}: {} {unit}, ratio {:.3}", figure(base), Unit::ratio(median, base));
            }
            for (name, value) in &row.more {
                let _ = write!(out, "; {name} {value}");
            }
            out.push('\n');
        }
        let _ = writeln!(out, "peak memory of this process: {}", mib(peak_rss(None)));
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let machine = Machine::read();
        let rows = self.rows.iter().map(|row| {
            let (median, least, most) = spread(&row.runs);
            let baseline = row.baseline.as_ref().map(|(name, runs)| {
                let (m, l, h) = spread(runs);
                json!({ "what": name, "median": m, "min": l, "max": h, "ratio": Unit::ratio(median, m) })
            });
            let more: serde_json::Map<String, Value> =
                row.more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({
                "what": row.what, "items": row.items, "unit": row.unit.name(), "runs": row.runs.len(),
                "median": median, "min": least, "max": most, "baseline": baseline, "more": more,
            })
        });
        json!({
            "bench": self.bench,
            "scenario": self.scenario,
            "seed": self.seed,
            "machine": { "cpu": machine.cpu, "cores": machine.cores, "system": machine.system },
            "optimised": !cfg!(debug_assertions),
            "rows": rows.collect::<Vec<_>>(),
            "peak_rss_bytes": peak_rss(None),
            "notes": self.notes,
        })
    }
}

struct Machine {
    cpu: String,
    cores: usize,
    system: String,
}

impl Machine {
    fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let info = text("/proc/cpuinfo");
        let model =
            info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ").map(|(_, v)| v.to_owned()));
        let release = text("/proc/sys/kernel/osrelease");
        Self {
            cpu: model.unwrap_or_else(|| "unknown processor".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("Linux {}", release.trim()),
        }
    }
}

/// Highest resident memory of a process so far, bytes; 0 if the system does not say.
pub fn peak_rss(pid: Option<u32>) -> u64 {
    let path = pid.map_or_else(|| "/proc/self/status".into(), |pid| format!("/proc/{pid}/status"));
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Processor time a process has used so far, seconds. Linux counts it in hundredths.
pub fn cpu_s(pid: Option<u32>) -> f64 {
    let path = pid.map_or_else(|| "/proc/self/stat".into(), |pid| format!("/proc/{pid}/stat"));
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name in parentheses may hold blanks; user and system time are the 12th and 13th fields after it.
    let Some((_, rest)) = stat.rsplit_once(')') else { return 0.0 };
    rest.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Bytes in mebibytes.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Three digits that count.
pub fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_are_those_of_the_runs() {
        for (values, wanted) in
            [(vec![3.0, 1.0, 2.0], (2.0, 1.0, 3.0)), (vec![4.0, 1.0], (2.5, 1.0, 4.0)), (vec![7.0], (7.0, 7.0, 7.0))]
        {
            assert_eq!(spread(&values), wanted);
        }
        assert!(spread(&[]).0.is_nan());
        let mut hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&mut hundred, 99), percentile(&mut hundred, 50)), (99.0, 50.0));
        assert_eq!(percentile(&mut [5.0], 99), 5.0);
    }

    #[test]
    fn a_report_names_machine_seed_ratio_and_cost_of_an_item() {
        let row = Row::new("box 10", 10, Unit::Ms, vec![2.0, 2.0, 4.0]).against("brute force", vec![20.0]);
        let report =
            Report { bench: "detect", scenario: "box".into(), seed: Some(7), rows: vec![row], notes: vec!["x".into()] };
        let text = report.text();
        for part in ["seed 7", "cores", "median 2.00 ms", "most 4.00", "200000 ns an item", "ratio 0.100", "note: x"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let json = report.json();
        assert_eq!(json["rows"][0]["baseline"]["ratio"], 0.1);
        assert!(json["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
        assert!(cpu_s(None) >= 0.0);
    }
}
