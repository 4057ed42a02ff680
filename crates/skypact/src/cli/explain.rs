//! `skypact explain`: why there is an alert, and the decision made again here.
use crate::cli::client::{self, Client, NodeArgs, show_time};
use crate::cli::values::plain;
use crate::cli::{Exit, FOUND_BAD, Global, Outcome};
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use detect::Verdict;
use node::Decision;
use serde_json::{Value, json};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact explain 17
  skypact --json explain 17 --first

For the alert of a conflict between two aircraft: both reports with the SHA-256 of their CBOR, the reference time t0 to which they
were moved, the minima (D, H, T), the loss (tin, tout), the closest approach (tcpa, dcpa), the vertical distance with its references
and what it may be off, the earth model and the version of the detector. The decision is then made again by the detector of this
program, from those reports, and held against the one that the node made, to the last bit.

Exit codes: 0 made again with the same result; 1 failed; 2 wrong command line; 3 another result, or inputs that are not those of the
hashes; 4 no such alert, or one that is about something else or rests on a peer's word.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The alert's number.
    alert: u64,
    /// The decision that raised it. Default: the newest.
    #[arg(long)]
    first: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub fn run(args: &Args, global: Global) -> Outcome {
    let which = if args.first { "first" } else { "last" };
    let (explanation, alerts) = client::talk(&args.node, async |client: &Client| {
        let explanation = client.get(&format!("/v1/alerts/{}/explanation", args.alert)).await?;
        Ok((explanation, client.list("/v1/alerts").await?))
    })?;
    let told = &explanation[which];
    let checked = check(told)?;
    let id = args.alert.to_string();
    let alert = alerts.iter().find(|alert| alert["id"].as_str() == Some(&id));
    if global.json {
        println!("{}", json!({ "decision": told, "alert": alert, "recomputed": checked.words() }));
    } else {
        show(args.alert, told, alert);
        println!("made again here: {}", checked.words());
    }
    match checked {
        Checked::Same => Ok(ExitCode::SUCCESS),
        Checked::Differs(_) => Err(Exit { code: FOUND_BAD, message: checked.words() }.into()),
    }
}

/// What came of the decision here.
#[derive(Debug, PartialEq, Eq)]
enum Checked {
    Same,
    Differs(String),
}

impl Checked {
    fn words(&self) -> String {
        match self {
            Self::Same => "the same result, bit for bit".into(),
            Self::Differs(how) => how.clone(),
        }
    }
}

/// Makes the decision again from its bytes.
fn check(told: &Value) -> Result<Checked> {
    let cbor = told["cbor"].as_str().context("the node's answer has no bytes of the decision")?;
    let bytes = STANDARD.decode(cbor).context("the bytes of the decision are not base64")?;
    let decision: Decision = minicbor::decode(&bytes).context("the bytes of the decision are not one")?;
    let (a, b) = decision.hashes();
    if told["a"]["sha256"] != a.to_string() || told["b"]["sha256"] != b.to_string() {
        return Ok(Checked::Differs("the reports are not those of the hashes".into()));
    }
    Ok(match decision.again() {
        Verdict::Conflict(again) if again == decision.encounter => Checked::Same,
        Verdict::Conflict(again) => Checked::Differs(format!(
            "another result by {}: tin {} s, tcpa {} s, dcpa {} m",
            detect::ENGINE,
            again.tin_s,
            again.tcpa_s,
            again.dcpa_m
        )),
        Verdict::Clear => Checked::Differs(format!("another result by {}: no conflict", detect::ENGINE)),
        Verdict::Unknown(why) => Checked::Differs(format!("another result by {}: unknown, {why}", detect::ENGINE)),
    })
}

fn show(id: u64, told: &Value, alert: Option<&Value>) {
    let text = |value: &Value| plain(value.as_str().unwrap_or("-"));
    let number = |value: &Value, unit: &str| {
        value.as_f64().map_or_else(|| String::from("not known"), |n| format!("{} {unit}", round(n)))
    };
    if let Some(alert) = alert {
        println!("alert {id}: {} ({}, {})", text(&alert["text"]), text(&alert["level"]), text(&alert["state"]));
    }
    println!("t0       {}", show_time(&told["t0_utc_ms"]));
    println!("engine   {}, earth {}", text(&told["engine"]), text(&told["earth"]));
    let m = &told["minima"];
    println!(
        "minima   D {} NM, H {}, T {}",
        round(m["lateral_m"].as_f64().unwrap_or(f64::NAN) / 1852.0),
        number(&m["vertical_ft"], "ft"),
        number(&m["horizon_s"], "s")
    );
    for side in ["a", "b"] {
        let r = &told[side];
        println!(
            "{side}        {} {} ({}), reported {} ({} before t0)",
            text(&r["callsign"]),
            text(&r["address"]),
            text(&r["class"]),
            show_time(&r["at_utc_ms"]),
            number(&json!(r["age_ms"].as_f64().unwrap_or(f64::NAN) / 1000.0), "s")
        );
        println!("         at {}, {}", round7(&r["lat"]), round7(&r["lon"]));
        println!(
            "         pressure altitude {}, WGS-84 height {}, {} along {}, {}{}",
            number(&r["pressure_altitude_ft"], "ft"),
            number(&r["wgs84_height_ft"], "ft"),
            number(&r["ground_speed_kt"], "kt"),
            number(&r["track_deg"], "deg"),
            number(&r["vertical_rate_fpm"], "ft/min"),
            if r["vertical_rate_is_noise"] == true { " (noise: it keeps its level)" } else { "" }
        );
        println!("         accuracy {}, drift since {}", number(&r["accuracy_m"], "m"), number(&r["drift_m"], "m"));
        println!("         taken to go {}; sha256 {}", text(&r["intent"]), text(&r["sha256"]));
    }
    let f = &told["found"];
    println!(
        "loss     from {} to {} after t0{}",
        number(&f["tin_s"], "s"),
        number(&f["tout_s"], "s"),
        if f["violation_now"] == true { ": the minima are lost at t0" } else { "" }
    );
    println!(
        "closest  {} at {} after t0; {} at t0",
        number(&f["dcpa_m"], "m"),
        number(&f["tcpa_s"], "s"),
        number(&f["d0_m"], "m")
    );
    println!(
        "vertical {} at the closest approach, {} at t0; by {}, off by at most {}",
        number(&f["vertical_at_cpa_ft"], "ft"),
        number(&f["vertical_now_ft"], "ft"),
        text(&f["basis"]),
        number(&f["vertical_error_ft"], "ft")
    );
    println!("widened  D by {} for the age of the reports", number(&f["widened_m"], "m"));
    if f["velocity_unknown"] == true {
        println!("         one of them has no velocity and was taken to stand still");
    }
}

/// For people; the bytes are in the JSON.
fn round(n: f64) -> f64 {
    (n * 1000.0).round() / 1000.0
}

fn round7(degrees: &Value) -> String {
    degrees.as_f64().map_or_else(|| String::from("-"), |d| format!("{d:.7}"))
}
