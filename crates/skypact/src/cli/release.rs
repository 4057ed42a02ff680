//! `skypact release`: what a peer would be told, and by which rules.
mod ledger;

use crate::cli::client::{self, Client, NodeArgs, show_place, show_time};
use crate::cli::values;
use crate::cli::{Exit, Global, Outcome, REFUSED, init};
use crate::config::Config;
use crate::files::read_bounded;
use crate::rules::{RuleText, policy};
use ::release::{Area, Daily, Identity, Level, Policy, Rule};
use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use hyper::Method;
use record::PartyId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A configuration with a few hundred rules is far smaller.
const RULES_BYTES_MAX: u64 = 1 << 20;

const AFTER: &str = "\
Examples:
  skypact release preview --for south      everything the next release to south would hold, record by record
  skypact release preview --for south --json | jq '.records[].ledger'
  skypact release show                     the rules in force, and those that wait for people to agree
  skypact release confirm 3 --as anna      agrees to proposal 3; asks for anna's password on standard input
  skypact release mark 4b1a41 medevac      rules that name this marking hold for that aircraft
  skypact release ledger --peer south --from 2026-08-01T05:00:00Z --subject 4b1a41
  skypact release set rules.toml           replaces all of them by the [[release]] tables of a file

Nothing leaves the node without a rule: for each peer and class of record the first rule that matches wins, and no rule means
withheld. `release set` replaces the rules of the running node, whole. Rules that let out less hold at once, are journaled with a
new revision, and each release after it is made under them. Rules that may let out more wait as a proposal until two people agree
(`release confirm`; what the operator or the file proposes needs two accounts); until then nothing of them holds. A proposal ends
after 24 hours, and with the next change. The file is a configuration, or holds [[release]] tables alone (`release = []` withholds
everything); deploy/skypact.toml explains the tables. They stay over a restart, unless the configuration's own
rules were changed. PUT /v1/release does the same.

A preview sends nothing and changes nothing. It is made by the code that makes the release, and shows what has not been told yet.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (no such party, rules that contradict).";

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
    /// Replaces the rules in force by the `[[release]]` tables of a file, all at once.
    Set {
        /// A configuration, or a file of `[[release]]` tables alone.
        file: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Agrees to proposed rules that would let out more, as a person with an account.
    Confirm {
        /// Number of the proposal.
        id: u64,
        /// The account that agrees: an administrator, and another one than the proposer.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
        /// File with the account's password in its first line; without it the password is read from standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Takes proposed rules back.
    Reject {
        /// Number of the proposal.
        id: u64,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Marks an own aircraft for the rules, or takes its marking away.
    Mark {
        /// Its address, six hexadecimal digits.
        address: String,
        /// One of the configured markings; without it the marking is taken away.
        marking: Option<String>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Who was told what under which rule: from the journal in the data folder, whether or not the node runs.
    Ledger(ledger::Args),
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
        ReleaseCommand::Set { file, node } => {
            let policy = read_rules(&file).with_context(|| format!("in {}", file.display()))?;
            (client::talk(&node, async |client| set(client, &policy).await)?, rules)
        }
        ReleaseCommand::Confirm { id, account, password_file, node } => {
            let password = password(password_file.as_deref())?;
            let answer = client::talk(&node, async |client| {
                let person = client.signed_in(&account, &password).await?;
                person.command(Method::POST, &format!("/v1/release/proposals/{id}/confirm"), None).await?;
                client.get("/v1/release").await
            })?;
            (answer, rules)
        }
        ReleaseCommand::Reject { id, node } => {
            let answer = client::talk(&node, async |client| {
                client.command(Method::DELETE, &format!("/v1/release/proposals/{id}"), None).await?;
                client.get("/v1/release").await
            })?;
            (answer, rules)
        }
        ReleaseCommand::Mark { address, marking, node } => {
            let path = client::path("/v1/aircraft/", &address, "/marking")?;
            let body = json!({ "marking": marking });
            (client::talk(&node, async |client| client.command(Method::PUT, &path, Some(body)).await)?, |_| {
                String::new()
            })
        }
        ReleaseCommand::Ledger(args) => return ledger::run(args, global),
        ReleaseCommand::Show { node } => (client::talk(&node, async |client| client.get("/v1/release").await)?, rules),
    };
    if global.json {
        println!("{answer}");
    } else {
        print!("{}", text(&answer));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line of a file, or of standard input.
fn password(file: Option<&Path>) -> Result<String> {
    let text = match file {
        Some(file) => String::from_utf8(read_bounded(file, 4096).with_context(|| format!("{}", file.display()))?)?,
        None => {
            let mut line = String::new();
            std::io::stdin().take(4096).read_to_string(&mut line).context("standard input")?;
            line
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The rules of a file.
fn read_rules(file: &Path) -> Result<Policy> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RulesAlone {
        release: Vec<RuleText>,
    }
    let bytes = read_bounded(file, RULES_BYTES_MAX).context("cannot read it")?;
    let text = String::from_utf8(bytes).context("not UTF-8")?;
    // A configuration names its party: then nothing in it may be misspelt, the rules least of all.
    let table: toml::Table = text.parse().map_err(|e| anyhow!("{e}"))?;
    let release = match table.contains_key("party") {
        true => toml::from_str::<Config>(&text).map(|config| config.release),
        false => toml::from_str::<RulesAlone>(&text).map(|alone| alone.release),
    };
    policy(&release.map_err(|e| anyhow!("{e}"))?)
}

/// Puts rules in the place of those in force, and returns those that are in force then.
async fn set(client: &Client, policy: &Policy) -> Result<Value> {
    let before = client.get("/v1/release").await?;
    let state = client.get("/v1/state").await?;
    let peers: Vec<&str> = list(&state, "peers").iter().filter_map(|p| p["party"].as_str()).collect();
    if let Some(stranger) = policy.rules.keys().find(|to| !peers.contains(&to.as_str())) {
        let message = format!("{stranger} is no peer of this node ({}); nothing was changed", peers.join(", "));
        return Err(Exit { code: REFUSED, message }.into());
    }
    let rules: Map<String, Value> =
        policy.rules.iter().map(|(to, rules)| (to.to_string(), rules.iter().map(rule_json).collect())).collect();
    // Based on what was read: if somebody else changes them meanwhile, the node refuses.
    let body = json!({ "revision": before["revision"], "rules": rules });
    client.command(Method::PUT, "/v1/release", Some(body)).await?;
    client.get("/v1/release").await
}

/// A rule as the API takes it.
fn rule_json(rule: &Rule) -> Value {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    let mut out = json!({ "class": rule.class.name(), "level": rule.level.name().name() });
    if let Some(aircraft) = rule.aircraft {
        out["aircraft"] = json!(aircraft.name());
    }
    match rule.area {
        None => {}
        Some(Area::Box { south_e7: s, west_e7: w, north_e7: n, east_e7: e }) => {
            out["area"] = json!({ "type": "box", "south": degrees(s), "west": degrees(w), "north": degrees(n), "east": degrees(e) });
        }
        Some(Area::Circle { centre, radius_mm }) => {
            let (lon, lat) = (degrees(centre.lon_e7), degrees(centre.lat_e7));
            out["area"] = json!({ "type": "circle", "centre": [lon, lat], "radius_m": radius_mm as f64 / 1e3 });
        }
    }
    if let Some(when) = rule.when {
        when.from.iter().for_each(|t| out["from_utc_ms"] = json!(t.0));
        when.until.iter().for_each(|t| out["until_utc_ms"] = json!(t.0));
        if let Some(Daily { from_min: f, until_min: u }) = when.daily {
            out["daily"] = json!(format!("{:02}:{:02}-{:02}:{:02}", f / 60, f % 60, u / 60, u % 60));
        }
    }
    rule.marking.iter().for_each(|m| out["marking"] = json!(m.name()));
    rule.every_ms.iter().for_each(|ms| out["every_s"] = json!(f64::from(*ms) / 1e3));
    match rule.level {
        Level::Withheld | Level::Full => {}
        Level::AvoidArea { cell_e7, bin_ms } | Level::Coarse { cell_e7, bin_ms } => {
            (out["cell_deg"], out["bin_s"]) = (json!(f64::from(cell_e7) / 1e7), json!(f64::from(bin_ms) / 1e3));
        }
        Level::Reduced { precision_mm, delay_ms, identity } => {
            out["precision_m"] = json!(f64::from(precision_mm) / 1e3);
            out["delay_s"] = json!(f64::from(delay_ms) / 1e3);
            out["identity"] = json!(match identity {
                Identity::Drop => "drop",
                Identity::Pseudonym => "pseudonym",
                Identity::Keep => "keep",
            });
        }
    }
    out
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
    list_rules(&mut out, answer);
    for mark in list(answer, "marked") {
        let of = ["plan", "aircraft"].into_iter().find(|of| mark[*of].is_string()).unwrap_or("aircraft");
        out.push_str(&format!("{of} {}: marking {}", word(&mark[of]), word(&mark["marking"])));
        if mark["waits"].is_object() {
            out.push_str(&format!(", to be {} when another planner asks for it", word(&mark["waits"]["marking"])));
        }
        out.push('\n');
    }
    let proposal = &answer["proposal"];
    if proposal.is_object() {
        let agreed: Vec<String> = list(proposal, "agreed").iter().map(word).collect();
        out.push_str(&format!(
            "\nProposal {} by {} would let out more, and waits for {} more to agree until {} (agreed: {}).\n",
            proposal["id"],
            word(&proposal["by"]),
            proposal["missing"],
            show_time(&proposal["ends_utc_ms"]),
            if agreed.is_empty() { String::from("nobody") } else { agreed.join(", ") },
        ));
        list(proposal, "wider").iter().for_each(|line| out.push_str(&format!("  {}\n", word(line))));
        list_rules(&mut out, proposal);
        out.push_str("An administrator agrees with `skypact release confirm");
        out.push_str(&format!(" {} --as ACCOUNT`.\n", proposal["id"]));
    }
    out
}

fn list_rules(out: &mut String, answer: &Value) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_file_are_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules.toml");
        let check = |text: &str, want: &str| {
            std::fs::write(&path, text).unwrap();
            let got = read_rules(&path);
            match got {
                Ok(policy) => {
                    let rules: Vec<Value> = policy.rules.values().flatten().map(rule_json).collect();
                    assert_eq!(json!(rules), serde_json::from_str::<Value>(want).unwrap_or_default(), "{text}");
                }
                Err(error) => assert!(format!("{error:#}").contains(want), "{text}: {error:#}"),
            }
        };
        let rule = "[[release]]\nto=\"south\"\nclass=\"tracks\"\n";
        check("release = []", "[]");
        check(&format!("{rule}level=\"full\""), r#"[{"class":"tracks","level":"full"}]"#);
        check(&format!("party=\"north\"\n{rule}level=\"full\""), r#"[{"class":"tracks","level":"full"}]"#);
        check(
            &format!(
                "{rule}aircraft=\"uas\"\nlevel=\"reduced\"\nprecision_m=1000\ndelay_s=60\nidentity=\"pseudonym\"\ncircle=[47.1,8.2,5.0]"
            ),
            r#"[{"class":"tracks","aircraft":"uas","level":"reduced","precision_m":1000.0,"delay_s":60.0,"identity":"pseudonym",
                "area":{"type":"circle","centre":[8.2,47.1],"radius_m":9260.0}}]"#,
        );
        check(
            &format!("{rule}level=\"coarse\"\ncell_deg=0.5\nbin_s=30\nbox=[46.0,7.0,47.0,8.0]"),
            r#"[{"class":"tracks","level":"coarse","cell_deg":0.5,"bin_s":30.0,
                "area":{"type":"box","south":46.0,"west":7.0,"north":47.0,"east":8.0}}]"#,
        );
        check("", "missing field `release`");
        check("[[relase]]\nto=\"south\"", "unknown field `relase`");
        check(&format!("party=\"north\"\n{}", rule.replace("release", "relase")), "unknown field `relase`");
        check(&format!("{rule}level=\"all\""), "release rule 1: unknown level \"all\"");
        check("\u{0}", "TOML parse error");
    }

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
