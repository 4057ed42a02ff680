//! `skypact release`: what a peer would be told, and by which rules.
use crate::cli::client::{self, NodeArgs, show_place, show_time};
use crate::cli::values;
use crate::cli::{Global, Outcome, init};
use clap::Subcommand;
use record::PartyId;
use serde_json::Value;
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact release preview --for south      everything the next release to south would hold, record by record
  skypact release preview --for south --json | jq '.records[].ledger'
  skypact release show                     the rules in force

Nothing leaves the node without a rule: for each peer and class of record the first rule that matches wins, and no rule means
withheld. The first rules stand in the configuration ([[release]]); an administrator replaces them on the console or with
PUT /v1/release. A preview sends nothing and changes nothing. It is made by the code that makes the release, and shows what has not been told yet.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (no such party).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: ReleaseCommand,
}

#[derive(Debug, Subcommand)]
enum ReleaseCommand {
    /// Shows exactly what a peer would be told now: each record's meaning, its length in bytes, the rule that lets it out.
    Preview {
        /// The peer.
        #[arg(long = "for", value_name = "PEER", value_parser = init::party)]
        peer: PartyId,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Shows the rules in force.
    Show {
        #[command(flatten)]
        node: NodeArgs,
    },
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let (answer, text): (Value, fn(&Value) -> String) = match args.command {
        ReleaseCommand::Preview { peer, node } => {
            let path = format!("/v1/release/preview?for={peer}");
            (client::talk(&node, async |client| client.get(&path).await)?, preview)
        }
        ReleaseCommand::Show { node } => (client::talk(&node, async |client| client.get("/v1/release").await)?, rules),
    };
    if global.json {
        println!("{answer}");
    } else {
        print!("{}", text(&answer));
    }
    Ok(ExitCode::SUCCESS)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::from("-"),
        Value::String(text) => values::plain(text),
        other => other.to_string(),
    }
}

/// A preview for people.
fn preview(answer: &Value) -> String {
    let records = list(answer, "records");
    let mut out = format!(
        "The next release to {} at {}: {} record(s), {} bytes.\n",
        word(&answer["for"]),
        show_time(&answer["utc_ms"]),
        records.len(),
        answer["bytes"],
    );
    if records.is_empty() {
        out.push_str(
            "Nothing: no rule lets anything out, or there is nothing new. `skypact release show` has the rules.\n",
        );
    }
    records.iter().for_each(|r| out.push_str(&record(r)));
    let filed = list(answer, "filed");
    if !filed.is_empty() {
        out.push_str("\nPlans and sites as it is told of them when they are filed; what is not here is withheld.\n");
    }
    filed.iter().for_each(|r| out.push_str(&record(r)));
    if answer["left_out"].as_u64().is_some_and(|n| n > 0) {
        out.push_str(&format!("\n{} plans and sites more are not shown.\n", answer["left_out"]));
    }
    out
}

/// One record: what it is, why it may go, and what it says.
fn record(record: &Value) -> String {
    let draft = if record["draft"] == true { " (a draft: once it is accepted)" } else { "" };
    let mut out = format!(
        "\n{} {}, revision {}, {}, {} bytes{draft}\n  why: {}\n",
        word(&record["kind"]),
        word(&record["subject"]),
        record["revision"],
        word(&record["precedence"]),
        record["bytes"],
        word(&record["ledger"]),
    );
    for name in ["valid_from_utc_ms", "valid_until_utc_ms"].into_iter().filter(|name| record[*name].is_i64()) {
        out.push_str(&format!("  {}: {}\n", name.trim_end_matches("_utc_ms"), show_time(&record[name])));
    }
    out.push_str(&meaning(&record["body"]));
    out
}

/// What a record says: a line for each track, and a line for each field of everything else.
fn meaning(body: &Value) -> String {
    let mut out = String::new();
    let Some(fields) = body.as_object() else { return out };
    for (name, value) in fields {
        match value {
            Value::Null => {}
            Value::Array(tracks) if name == "tracks" => tracks.iter().for_each(|t| out.push_str(&track(t))),
            Value::Array(items) => items.iter().for_each(|item| out.push_str(&format!("  {name}: {item}\n"))),
            value if name.ends_with("_utc_ms") => {
                out.push_str(&format!("  {}: {}\n", name.trim_end_matches("_utc_ms"), show_time(value)));
            }
            value => out.push_str(&format!("  {name}: {}\n", word(value))),
        }
    }
    out
}

/// A row of tracks: who, where and when, and then every other field that is there, whatever it is called.
fn track(track: &Value) -> String {
    let first = ["callsign", "address", "class", "lat", "lon", "at_utc_ms"];
    let rest: String = track
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| !first.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| format!(", {name} {}", word(value)))
        .collect();
    format!(
        "  {} {} {} at {}, {}{rest}\n",
        word(&track["callsign"]),
        word(&track["address"]),
        word(&track["class"]),
        show_place(track).unwrap_or_default(),
        show_time(&track["at_utc_ms"]),
    )
}

/// The rules for people.
fn rules(answer: &Value) -> String {
    let mut out = format!("Release rules, revision {}\n", answer["revision"]);
    let parties = answer["rules"].as_object();
    for (party, rules) in parties.into_iter().flatten() {
        out.push_str(&format!("to {}\n", values::plain(party)));
        for (n, rule) in rules.as_array().into_iter().flatten().enumerate() {
            let fields = rule.as_object().into_iter().flatten();
            let rest: Vec<String> = fields
                .filter(|(name, value)| !matches!(name.as_str(), "class" | "level") && !value.is_null())
                .map(|(name, value)| format!("{name} {}", word(value)))
                .collect();
            let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
            out.push_str(&format!("  {}. {}: {}{rest}\n", n + 1, word(&rule["class"]), word(&rule["level"])));
        }
    }
    out.push_str("Everything else is withheld.\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_preview_shows_what_each_record_says_and_why() {
        let answer = json!({
            "for": "south", "utc_ms": 0, "bytes": 90, "records": [{
                "kind": "tracks", "subject": "aa", "revision": 1, "precedence": "ROUTINE", "bytes": 90,
                "ledger": "1 row(s) at level reduced by rule 1 of revision 1",
                "body": { "form": "reduced", "precision_m": 1000, "tracks": [{
                    "callsign": null, "address": null, "class": "civil", "lat": 47.1, "lon": 8.2,
                    "pressure_ft": 9000.0, "wgs84_ft": 9310.5, "mode_a": "1234", "speed_kt": 200.5, "track_deg": null,
                    "number": "18446744073709551615", "at_utc_ms": 1000,
                }]},
            }],
            "filed": [{
                "kind": "site", "subject": "bb", "revision": 1, "precedence": "ROUTINE", "bytes": 50, "draft": false,
                "ledger": "1 row(s) at level full by rule 2 of revision 1", "valid_until_utc_ms": 2000,
                "body": { "category": "hospital" },
            }],
            "left_out": 3,
        });
        let want = "The next release to south at 1970-01-01T00:00:00Z: 1 record(s), 90 bytes.\n\n\
                    tracks aa, revision 1, ROUTINE, 90 bytes\n  why: 1 row(s) at level reduced by rule 1 of revision 1\n  \
                    form: reduced\n  precision_m: 1000\n  \
                    - - civil at 47.10000,8.20000, 1970-01-01T00:00:01Z, mode_a 1234, number 18446744073709551615, \
                    pressure_ft 9000.0, speed_kt 200.5, wgs84_ft 9310.5\n\n\
                    Plans and sites as it is told of them when they are filed; what is not here is withheld.\n\n\
                    site bb, revision 1, ROUTINE, 50 bytes\n  why: 1 row(s) at level full by rule 2 of revision 1\n  \
                    valid_until: 1970-01-01T00:00:02Z\n  category: hospital\n\n3 plans and sites more are not shown.\n";
        assert_eq!(preview(&answer), want);
        let nothing = preview(&json!({ "for": "south", "utc_ms": 0, "bytes": 0, "records": [] }));
        assert!(nothing.contains("Nothing: no rule lets anything out"), "{nothing}");
    }

    #[test]
    fn rules_are_shown_in_their_order_and_end_with_withheld() {
        let answer = json!({ "revision": 2, "rules": { "south": [
            { "class": "tracks", "aircraft": "civil", "level": "full" },
            { "class": "plans", "level": "avoid-area", "cell_deg": 0.1, "bin_s": 60.0 },
        ]}});
        let want = "Release rules, revision 2\nto south\n  1. tracks: full (aircraft civil)\n  \
                    2. plans: avoid-area (bin_s 60.0, cell_deg 0.1)\nEverything else is withheld.\n";
        assert_eq!(rules(&answer), want);
    }
}
