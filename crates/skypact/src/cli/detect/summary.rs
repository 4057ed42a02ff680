//! What a run did, and with what parameters: for standard error.
use crate::cli::Global;
use crate::cli::detect::judge::Rules;
use ::detect::{ENGINE, Minima, WellClear};
use serde_json::json;
use std::collections::BTreeMap;
use units::{AircraftClass, earth};

/// What a run did, for standard error.
#[derive(Debug, Default)]
pub struct Summary {
    pub tracks: usize,
    pub states: u64,
    pub pictures: u64,
    pub pairs: u64,
    pub areas: usize,
    pub skipped: u64,
    /// Tracks that were reported only after the last time judged.
    pub later: usize,
    pub unused: Vec<String>,
    pub lacks: Vec<&'static str>,
}

impl Summary {
    /// Tells it.
    pub fn tell(
        &self,
        counts: &BTreeMap<(&'static str, &'static str), u64>,
        parameters: &serde_json::Value,
        global: Global,
    ) {
        let Self { tracks, states, pictures, pairs, areas, skipped, later, unused, lacks } = self;
        if global.json {
            let mut verdicts = serde_json::Map::new();
            for ((kind, verdict), count) in counts {
                verdicts.entry(*kind).or_insert_with(|| json!({}))[*verdict] = json!(count);
            }
            eprintln!(
                "{}",
                json!({ "tracks": tracks, "states": states, "pictures": pictures, "pairs": pairs, "volumes_and_sites": areas,
                        "left_out": skipped, "reported_later": later, "columns_not_used": unused, "notes": lacks,
                        "verdicts": verdicts, "parameters": parameters, "earth": earth::MODEL, "engine": ENGINE })
            );
            return;
        }
        if !unused.is_empty() {
            eprintln!("skypact: columns not used: {}", unused.join(", "));
        }
        for lack in lacks {
            eprintln!("skypact: {lack}");
        }
        if *later > 0 {
            eprintln!("skypact: {later} tracks are in no picture: they are reported after the last time judged");
        }
        if *skipped > 0 {
            eprintln!("skypact: {skipped} rows left out: they could not be read, and nothing is said of them");
        }
        let verdicts: Vec<String> = counts.iter().map(|((kind, verdict), n)| format!("{kind} {verdict} {n}")).collect();
        let verdicts = if verdicts.is_empty() { "no verdicts to tell of".to_owned() } else { verdicts.join(", ") };
        eprintln!(
            "skypact: {tracks} tracks, {states} states, {pictures} pictures, {pairs} pairs, {areas} volumes and sites: {verdicts}"
        );
        eprintln!("skypact: earth {}, engine {ENGINE}, {parameters}", earth::MODEL);
    }
}

/// The parameters for whoever wants to run the same again; `by_class` if minima were given for pairs of classes.
pub fn parameters(rules: &Rules, by_class: bool) -> serde_json::Value {
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let show = |m: Minima| {
        let lateral_m = m.lateral_mm as f64 / 1000.0;
        json!({ "lateral_m": lateral_m, "vertical_ft": m.vertical.feet(), "horizon_s": seconds(m.horizon_ms) })
    };
    let mut minima = serde_json::Map::new();
    let classes = AircraftClass::ALL;
    for (n, a) in classes.into_iter().enumerate().filter(|_| by_class) {
        for b in &classes[n..] {
            minima.insert(format!("{} {}", a.name(), b.name()), show(rules.table.get(a, *b)));
        }
    }
    if minima.is_empty() {
        let any = AircraftClass::Unknown;
        minima.insert("any any".into(), show(rules.table.get(any, any)));
    }
    let limits = |w: &WellClear| {
        let dmod_m = w.lateral_mm as f64 / 1000.0;
        json!({ "dmod_m": dmod_m, "taumod_s": seconds(w.tau_ms), "zthr_ft": w.vertical.feet(),
                "tcoa_s": seconds(w.coaltitude_ms), "horizon_s": seconds(w.horizon_ms) })
    };
    let well_clear = rules.well_clear.as_ref().map(|(loss, alert)| {
        json!({ "loss": limits(loss), "clearing": limits(&alert.clearing), "needed": alert.needed, "of": alert.of,
                "ahead_s": seconds(alert.ahead_ms), "hold_s": alert.hold_ms as f64 / 1000.0 })
    });
    json!({ "minima": minima, "well_clear": well_clear })
}
