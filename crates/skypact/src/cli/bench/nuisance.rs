//! `bench nuisance`: a recording played to a node's fold, its alerts held against the losses of separation that there were; with
//! each rule that keeps alerts few, and without.
mod truth;

use crate::cli::bench::world::{Home, Scratch, agree};
use crate::cli::{Global, Outcome};
use crate::player::{self, format_of};
use ::feed::replay::Timeline;
use airspace::Outline;
use anyhow::{Context, Result, anyhow, ensure};
use node::input::{Boot, Claim, Entry, FeedConfig, Input};
use node::view::AlertKind;
use node::{AlertRules, State};
use pact::{Minima, SignedPact};
use record::{Mode, TrackBatch};
use release::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use track::TrackReport;
use truth::{Event, Pair, key, losses};
use units::{AircraftClass, Height, Mono, NM_MM, Now, Utc, Vertex};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skypact bench nuisance --recordings ../shared/recordings
  skypact bench nuisance --file traffic.csv --lateral-nm 3 --vertical-ft 1000 --horizon-s 180 --alarm-s 60 --floor-ft 7000

A loss is a time at which two aircraft with addresses or numbers of their own were closer than both minima, by their reports and, between
two at most 20 s apart, by interpolation; losses at most 30 s apart are one. An alert is true if its pair lost separation while it was
live, and 10 s more on either side; every other one is a nuisance. A loss is missed if no alert of its pair was live at its beginning or
within the 10 s after it. Warning is how long before the beginning the alert was raised.")]
pub struct Args {
    /// Folder of the project's recordings: Swiss airspace, a general aviation airfield, the holding stacks of Heathrow.
    #[arg(long, conflicts_with = "file", required_unless_present = "file")]
    recordings: Option<PathBuf>,
    /// A recording of one's own: state vectors or trajectories as CSV, readsb's JSON lines, Beast; .zst or .gz.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Lateral minimum of --file, NM.
    #[arg(long, default_value_t = 5.0)]
    lateral_nm: f64,
    /// Vertical minimum of --file, feet.
    #[arg(long, default_value_t = 1000)]
    vertical_ft: i32,
    /// How far ahead conflicts of --file are looked for, seconds.
    #[arg(long, default_value_t = 300)]
    horizon_s: i64,
    /// And from when on they are alarms.
    #[arg(long, default_value_t = 120)]
    alarm_s: i64,
    /// Reports below this level are left out, feet.
    #[arg(long, default_value_t = -2000)]
    floor_ft: i32,
}

/// What is played, and by what it is judged.
struct Case {
    name: String,
    path: PathBuf,
    minima: Minima,
    alarm_ms: i64,
    floor: Height,
}

impl Case {
    /// In the air, and not below the floor by whichever level it has.
    fn holds(&self, r: &TrackReport) -> bool {
        !r.on_ground && r.pressure.or(r.geometric).is_none_or(|height| height >= self.floor)
    }
}

/// A set of rules.
struct Variant {
    name: &'static str,
    rules: AlertRules,
}

/// As a node has them.
const RULES: AlertRules =
    AlertRules { found: 2, looks: 3, wider_percent: 10, later_percent: 20, joins: true, all_rates: false };

const VARIANTS: [Variant; 5] = [
    Variant { name: "every finding", rules: AlertRules::NONE },
    Variant { name: "and found twice of three looks", rules: AlertRules { found: 2, looks: 3, ..AlertRules::NONE } },
    Variant {
        name: "and ended by wider thresholds",
        rules: AlertRules { found: 2, looks: 3, wider_percent: 10, later_percent: 20, ..AlertRules::NONE },
    },
    Variant { name: "and one track for one aircraft", rules: AlertRules { all_rates: true, ..RULES } },
    Variant { name: "and no rate of one that keeps its level", rules: RULES },
];

/// One alert as it was.
#[derive(Debug, Clone)]
struct Told {
    pair: Pair,
    raised: Utc,
    last: Utc,
    level: u8,
}

/// What one set of rules gave.
#[derive(Debug, Default)]
struct Score {
    alerts: usize,
    alarms: usize,
    true_alerts: usize,
    true_alarms: usize,
    missed: usize,
    /// Seconds, ascending.
    warnings: Vec<f64>,
    of_ground: usize,
    joined: u64,
    parted: u64,
}

/// Runs it.
pub fn run(args: &Args, global: Global) -> Outcome {
    for case in cases(args)? {
        let read = player::read(&case.path, format_of(&case.path).context("a format that its name does not tell")?)?;
        let timeline = Timeline::new(read.timeline.reports().iter().filter(|r| case.holds(r)).copied());
        let events = losses(timeline.reports(), &case.minima);
        let boot = boot(&case, &timeline)?;
        let mut rows = Vec::new();
        for variant in &VARIANTS {
            let (told, counts) = play(&boot, &timeline, variant.rules)?;
            let mut score = score(&told, &events);
            (score.joined, score.parted) = (counts.joined, counts.parted);
            rows.push((variant.name, score));
        }
        show(&case, &timeline, &events, &rows, global);
    }
    Ok(ExitCode::SUCCESS)
}

fn cases(args: &Args) -> Result<Vec<Case>> {
    let case = |name: &str, path: PathBuf, nm: f64, feet: i32, horizon_s: i64, alarm_s: i64, floor_ft: i32| Case {
        name: name.into(),
        path,
        minima: Minima {
            lateral_mm: (nm * NM_MM as f64) as i64,
            vertical: Height::from_feet(feet),
            horizon_ms: horizon_s * 1000,
        },
        alarm_ms: alarm_s * 1000,
        floor: Height::from_feet(floor_ft),
    };
    if let Some(file) = &args.file {
        let name = file.display().to_string();
        let one =
            case(&name, file.clone(), args.lateral_nm, args.vertical_ft, args.horizon_s, args.alarm_s, args.floor_ft);
        return Ok(vec![one]);
    }
    let root = args.recordings.as_deref().context("a folder")?.join("traffic");
    ensure!(root.is_dir(), "{} is no folder of recordings", root.display());
    let at = |name: &str| root.join(name);
    Ok(vec![
        case("Swiss airspace, 17 h", at("switzerland_20180801_replay.csv.zst"), 5.0, 1000, 300, 120, 5_000),
        case("Watsonville, 28 h", at("wvi_20250601_36_-122.jsonl.gz"), 0.3, 400, 60, 30, -2_000),
        case("Heathrow holding stacks, 2.8 h", at("egll_arrivals_20170802.csv.zst"), 3.0, 1000, 120, 60, 7_000),
    ])
}

/// A node that takes all aircraft for its own, under a pact with these minima.
fn boot(case: &Case, timeline: &Timeline) -> Result<Boot> {
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let (a, b) = (Home::new(scratch.path(), "alpha")?, Home::new(scratch.path(), "beta")?);
    let mut pact = agree(&a, &b)?.pact().clone();
    let first = timeline.reports().first().context("no report in the air")?.position;
    let centre = Vertex::from_degrees(first.lat(), first.lon())?;
    pact.area = Outline::Circle { centre, radius_mm: 1000 * NM_MM };
    (pact.default_minima, pact.alarm_horizon_ms) = (case.minima, case.alarm_ms);
    let mut signed = SignedPact::unsigned(pact)?;
    for home in [&a, &b] {
        signed.sign(&home.keys.log_signer(&crate::keys::key_name(&home.party))?)?;
    }
    let text = String::from_utf8(signed.to_bytes()).context("a pact is text")?;
    let feed = FeedConfig {
        name: "recording".into(),
        format: "recording".into(),
        claim: Claim::Own,
        class: AircraftClass::Civil,
        marking: None,
    };
    // A ground system's tracks are what an own sensor sees.
    let seen = FeedConfig { name: "ground system".into(), claim: Claim::Observed, ..feed.clone() };
    Ok(Boot {
        party: a.party.clone(),
        mode: Mode::Live,
        pacts: vec![text],
        feeds: vec![feed, seen],
        pseudonym_secret: [0; 32],
        policy: Policy::default(),
        software: "bench".into(),
        statements: Vec::new(),
        markings: Vec::new(),
        dss_base_url: None,
        dss_marking: None,
        dss_notifies: false,
    })
}

fn is_of_ground(report: &TrackReport) -> bool {
    report.address.is_some_and(|address| !address.is_icao())
}

/// Plays the timeline second by second; the conflicts' alerts in the order of their numbers.
fn play(boot: &Boot, timeline: &Timeline, rules: AlertRules) -> Result<(Vec<Told>, node::CorrelationCounts)> {
    let mut state = State::default();
    let mut told: BTreeMap<u64, Told> = BTreeMap::new();
    let Some((first, _)) = timeline.span() else { return Ok((Vec::new(), node::CorrelationCounts::default())) };
    let now = |utc: Utc| Now { mono: Mono(utc.since_ms(first) as u64 + 60_000), utc, utc_error_ms: 0 };
    let mut out = Vec::new();
    let mut fold = |state: &mut State, at: Utc, input: Input| {
        out.clear();
        state.apply(&Entry { now: now(at), input }, &mut out);
    };
    fold(&mut state, first, Input::Boot(Box::new(boot.clone())));
    state.set_alert_rules(rules);
    let mut clock = first;
    for (at, reports) in timeline.batches(1000) {
        // Half an hour without a report is passed over.
        if at.since_ms(clock) > 1_800_000 {
            clock = at.plus_ms(-60_000);
        }
        while clock < at {
            clock = clock.plus_ms(1000).min(at);
            fold(&mut state, clock, Input::Tick);
            if clock.0.rem_euclid(10_000) < 1000 {
                look(&state, now(clock), &mut told);
            }
        }
        for (feed, of_ground) in [(0, false), (1, true)] {
            let of_feed: Vec<TrackReport> = reports.iter().filter(|r| is_of_ground(r) == of_ground).copied().collect();
            for part in of_feed.chunks(record::BATCH_MAX) {
                let batch = TrackBatch::pack(at, part).map_err(|e| anyhow!("{e}"))?;
                fold(&mut state, at.plus_ms(999), Input::Reports { feed, batch: Box::new(batch) });
            }
        }
    }
    look(&state, now(clock), &mut told);
    Ok((told.into_values().collect(), state.view(now(clock)).correlation))
}

fn look(state: &State, now: Now, told: &mut BTreeMap<u64, Told>) {
    let key_of = |side: &Option<node::view::AlertTrack>| state.track(side.as_ref()?.id).map(|t| key(&t.last));
    for alert in state.view(now).alerts.iter().filter(|a| a.kind == AlertKind::Conflict && a.b.is_some()) {
        if let Some(known) = told.get_mut(&alert.id) {
            known.level = known.level.max(alert.level);
            if alert.state != "cleared" {
                known.last = now.utc;
            }
        } else if let (Some(a), Some(b)) = (key_of(&alert.a), key_of(&alert.b)) {
            let pair = if a < b { (a, b) } else { (b, a) };
            let last = if alert.state == "cleared" { alert.raised } else { now.utc };
            told.insert(alert.id, Told { pair, raised: alert.raised, last, level: alert.level });
        }
    }
}

/// Seconds by which an alert and a loss may miss each other: the steps in which both are looked at.
const SLACK_MS: i64 = 10_000;

fn score(told: &[Told], events: &[Event]) -> Score {
    let meets = |alert: &Told, event: &Event| {
        alert.pair == event.pair
            && event.end >= alert.raised.plus_ms(-SLACK_MS)
            && event.start <= alert.last.plus_ms(SLACK_MS)
    };
    let mut score = Score { alerts: told.len(), ..Score::default() };
    for alert in told {
        let is_true = events.iter().any(|event| meets(alert, event));
        let alarm = alert.level >= 3;
        score.alarms += usize::from(alarm);
        score.true_alerts += usize::from(is_true);
        score.true_alarms += usize::from(is_true && alarm);
        score.of_ground += usize::from(!truth::is_named(alert.pair.0) || !truth::is_named(alert.pair.1));
    }
    for event in events {
        let in_time = |alert: &&Told| meets(alert, event) && alert.raised <= event.start.plus_ms(SLACK_MS);
        match told.iter().filter(in_time).map(|alert| alert.raised).min() {
            Some(raised) => score.warnings.push(event.start.since_s(raised).max(0.0)),
            None => score.missed += 1,
        }
    }
    score.warnings.sort_by(f64::total_cmp);
    score
}

fn show(case: &Case, timeline: &Timeline, events: &[Event], rows: &[(&str, Score)], global: Global) {
    let at = |score: &Score, part: f64| {
        let n = score.warnings.len();
        if n == 0 { f64::NAN } else { score.warnings[((n - 1) as f64 * part) as usize] }
    };
    if global.json {
        let row = |(name, s): &(&str, Score)| -> Value {
            json!({
                "rules": name, "alerts": s.alerts, "alarms": s.alarms, "true": s.true_alerts, "nuisance": s.alerts - s.true_alerts,
                "true_alarms": s.true_alarms, "missed": s.missed, "warning_s_median": at(s, 0.5), "warning_s_p10": at(s, 0.1),
                "with_ground_system": s.of_ground, "joined": s.joined, "parted": s.parted,
            })
        };
        let rows: Vec<Value> = rows.iter().map(row).collect();
        println!("{}", json!({ "recording": case.name, "losses": events.len(), "rows": rows }));
        return;
    }
    println!(
        "{}: {} reports, {} losses of {} NM / {} ft; horizon {} s, alarm from {} s on",
        case.name,
        timeline.reports().len(),
        events.len(),
        case.minima.lateral_mm as f64 / NM_MM as f64,
        case.minima.vertical.feet(),
        case.minima.horizon_ms / 1000,
        case.alarm_ms / 1000
    );
    println!(
        "| rules | alerts | true | nuisance | alarms | true | missed losses | warning, median / 10 % | with a ground system's track | joined / parted |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, s) in rows {
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {:.0} s / {:.0} s | {} | {} / {} |",
            s.alerts,
            s.true_alerts,
            s.alerts - s.true_alerts,
            s.alarms,
            s.true_alarms,
            s.missed,
            at(s, 0.5),
            at(s, 0.1),
            s.of_ground,
            s.joined,
            s.parted
        );
    }
    println!();
}

/// Whether a path is there; for the tests of this command.
#[cfg(test)]
fn recordings() -> Option<PathBuf> {
    let root = std::env::var_os("SKYPACT_RECORDINGS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"),
        PathBuf::from,
    );
    root.is_dir().then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pair: Pair, raised_s: i64, last_s: i64) -> Told {
        Told { pair, raised: Utc(raised_s * 1000), last: Utc(last_s * 1000), level: 3 }
    }

    #[test]
    fn an_alert_is_true_if_its_pair_loses_separation_while_it_lives() {
        let (p, q) = ((1, 2), (1, 3));
        let events = [Event { pair: p, start: Utc(100_000), end: Utc(120_000) }];
        let s = score(&[told(p, 40, 130), told(q, 40, 130), told(p, 200, 300)], &events);
        assert_eq!((s.alerts, s.true_alerts, s.missed), (3, 1, 0));
        assert_eq!(s.warnings, [60.0]);
        let late = score(&[told(p, 115, 130)], &events);
        assert_eq!((late.true_alerts, late.missed), (1, 1), "true, and too late");
    }

    #[test]
    fn a_recording_of_real_traffic_is_played_and_its_losses_are_not_missed() {
        let Some(root) = recordings() else {
            println!("skipped: no recordings");
            return;
        };
        let args = Args {
            recordings: Some(root),
            file: None,
            lateral_nm: 5.0,
            vertical_ft: 1000,
            horizon_s: 300,
            alarm_s: 120,
            floor_ft: 0,
        };
        let case = cases(&args).unwrap().swap_remove(2);
        let read = player::read(&case.path, format_of(&case.path).unwrap()).unwrap();
        let timeline = Timeline::new(read.timeline.reports().iter().filter(|r| case.holds(r)).copied());
        let events = losses(timeline.reports(), &case.minima);
        let (all, _) = play(&boot(&case, &timeline).unwrap(), &timeline, VARIANTS[0].rules).unwrap();
        let (few, _) = play(&boot(&case, &timeline).unwrap(), &timeline, VARIANTS[4].rules).unwrap();
        let (all, few) = (score(&all, &events), score(&few, &events));
        assert!(few.alerts < all.alerts, "{} of {}", few.alerts, all.alerts);
        assert!(few.missed <= all.missed, "{} and {}", few.missed, all.missed);
    }
}
