//! What the demonstration showed, as figures.
use super::Args;
use super::api::{get, list};
use super::party::Party;
use super::script::Script;
use crate::cli::Global;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

/// What was seen of the nodes while they ran.
pub struct Watch {
    nodes: BTreeMap<String, Seen>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    tracks: BTreeSet<i64>,
    own: BTreeSet<i64>,
    conflicts: BTreeSet<String>,
    alerts: BTreeSet<String>,
    worst_age_ms: BTreeMap<String, i64>,
    last: Value,
    misses: u32,
}

impl Watch {
    /// A watch over these parties.
    pub fn new(parties: &[Party]) -> Self {
        Self { nodes: parties.iter().map(|p| (p.name.clone(), Seen::default())).collect() }
    }

    /// Looks once.
    pub async fn look(&mut self, parties: &[Party]) {
        for party in parties {
            let Some(seen) = self.nodes.get_mut(&party.name) else { continue };
            match (get(party, "/v1/state").await, list(party, "/v1/tracks").await) {
                (Ok(state), Ok(tracks)) => seen.add(&party.name, state, &tracks),
                _ => seen.misses += 1,
            }
        }
    }

    /// Looks until all receipts are in, at most three seconds, so that the report is not of a moment in between.
    pub async fn last_look(&mut self, parties: &[Party]) {
        for _ in 0..30 {
            self.look(parties).await;
            let open = |n: &Seen| peers(&n.last).any(|p| p["out"]["size"] != p["out"]["cosigned"]);
            if !self.nodes.values().any(open) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Seen {
    fn add(&mut self, party: &str, state: Value, tracks: &[Value]) {
        for track in tracks {
            let Some(id) = track["id"].as_i64() else { continue };
            self.tracks.insert(id);
            if track["owner"].is_string() && track["owner"] == *party {
                self.own.insert(id);
            }
        }
        for alert in state["alerts"].as_array().into_iter().flatten() {
            let id = alert["id"].to_string();
            if alert["kind"] == "conflict" {
                self.conflicts.insert(id.clone());
            }
            self.alerts.insert(id);
        }
        for peer in peers(&state) {
            let worst = self.worst_age_ms.entry(peer["party"].as_str().unwrap_or("?").into()).or_default();
            *worst = (*worst).max(peer["age_ms"].as_i64().unwrap_or(0));
        }
        self.last = state;
    }
}

fn peers(state: &Value) -> impl Iterator<Item = &Value> {
    state["peers"].as_array().into_iter().flatten()
}

/// The report.
pub struct Report {
    value: Value,
    good: bool,
    lines: Vec<String>,
}

/// Makes the report; the evidence of every link is exported and verified by the program itself, with public keys only.
pub fn make(watch: &Watch, script: &Script, parties: &[Party], length: Duration, args: &Args) -> Result<Report> {
    let (mut nodes, mut lines, mut good) = (Vec::new(), Vec::new(), script.faults.is_empty());
    for party in parties {
        let Some(seen) = watch.nodes.get(&party.name) else { continue };
        let mut links = Vec::new();
        lines.push(format!(
            "{:<6} {} tracks seen ({} own), {} conflicts, {} alerts",
            party.name,
            seen.tracks.len(),
            seen.own.len(),
            seen.conflicts.len(),
            seen.alerts.len()
        ));
        for peer in peers(&seen.last) {
            let name = peer["party"].as_str().unwrap_or("?");
            let verified = evidence(party, name);
            let (size, cosigned) = (peer["out"]["size"].as_i64(), peer["out"]["cosigned"].as_i64());
            let worst = seen.worst_age_ms.get(name).copied().unwrap_or(0);
            let ok = verified.is_ok() && cosigned > Some(0);
            good &= ok;
            lines.push(format!(
                "       to {name:<6} {} records said, {} received (cosigned); {} reports of tracks released; worst age of its \
                 information {:.1} s; evidence {}",
                size.unwrap_or(0),
                cosigned.unwrap_or(0),
                verified.as_ref().map_or(0, |v| v.reports_out),
                worst as f64 / 1000.0,
                verified
                    .as_ref()
                    .map_or_else(|e| format!("NOT VERIFIED: {e:#}"), |v| format!("verified, {} entries", v.entries)),
            ));
            links.push(json!({
                "to": name, "said": size, "received": cosigned, "held": peer["in"]["size"], "sealed": peer["in"]["sealed"],
                "worst_age_ms": worst, "refused": peer["refused"],
                "reports_released": verified.as_ref().ok().map(|v| v.reports_out),
                "reports_heard": verified.as_ref().ok().map(|v| v.reports_in),
                "evidence": verified.as_ref().map_or_else(|e| json!({ "error": format!("{e:#}") }), |v| json!({ "entries": v.entries })),
            }));
        }
        nodes.push(json!({
            "party": party.name, "tracks": seen.tracks.len(), "own_tracks": seen.own.len(), "conflicts": seen.conflicts.len(),
            "alerts": seen.alerts.len(), "unanswered_looks": seen.misses, "links": links,
        }));
    }
    lines.push(format!(
        "notices: {} sent, {} wrong read-backs refused, {} acknowledged; alerts acknowledged: {}",
        script.notices_sent, script.wrong_read_backs_refused, script.acknowledged, script.alerts_acknowledged
    ));
    lines.extend(script.faults.iter().map(|f| format!("FAULT: {f}")));
    if args.headless {
        let all = script.notices_sent == 3 && script.acknowledged == 3 && script.wrong_read_backs_refused == 3;
        good &= all || length < Duration::from_secs(15);
    }
    let value = json!({
        "seconds": length.as_secs_f64(), "rate": args.rate, "nodes": nodes, "good": good, "faults": script.faults,
        "notices": { "sent": script.notices_sent, "wrong_read_backs_refused": script.wrong_read_backs_refused,
            "acknowledged": script.acknowledged }, "alerts_acknowledged": script.alerts_acknowledged,
    });
    Ok(Report { value, good, lines })
}

impl Report {
    /// Whether everything that should be shown was.
    pub fn is_good(&self) -> bool {
        self.good
    }

    /// Prints it.
    pub fn print(&self, global: Global) {
        if global.json {
            println!("{}", self.value);
            return;
        }
        println!("\nReport");
        for line in &self.lines {
            println!("  {line}");
        }
    }
}

/// What the evidence of one link holds.
struct Verified {
    /// Entries of both logs.
    entries: u64,
    /// Reports of tracks that were released to the peer: the rows of all batches said.
    reports_out: u64,
    /// The same, heard from the peer.
    reports_in: u64,
}

/// Exports the evidence of one link and verifies it against the pact's keys alone.
fn evidence(party: &Party, peer: &str) -> Result<Verified> {
    let file = party.dir.join(format!("{peer}.evidence"));
    let run = |args: &[&str]| -> Result<Value> {
        let output = Command::new(std::env::current_exe()?)
            .args(["--json", "evidence"])
            .args(args)
            .current_dir(&party.dir)
            .output()
            .context("cannot run skypact evidence")?;
        let error = String::from_utf8_lossy(&output.stderr).trim().to_string();
        anyhow::ensure!(output.status.success(), "evidence {}: {error}", args[0]);
        serde_json::from_slice(&output.stdout).context("its output")
    };
    let at = file.display().to_string();
    run(&["export", "--config", "skypact.toml", "--peer", peer, "-o", &at])?;
    let report = run(&["verify", &at, "--pact", "demo.pact"])?;
    let bundle = tlog::Bundle::decode(&std::fs::read(&file)?).context("the evidence")?;
    let ours = format!("{}/", crate::keys::key_name(&record::PartyId::parse(&party.name)?));
    let (out, heard): (Vec<_>, Vec<_>) = bundle.logs.iter().partition(|log| log.origin.starts_with(&ours));
    Ok(Verified {
        entries: report["entries"].as_u64().unwrap_or(0),
        reports_out: out.into_iter().map(reports).sum(),
        reports_in: heard.into_iter().map(reports).sum(),
    })
}

/// Reports of tracks in a log: a record of tracks is a batch of them.
fn reports(log: &tlog::LogEvidence) -> u64 {
    let rows = |entry: &tlog::EntryEvidence| match record::decode(&entry.bytes).map(|d| d.record.body) {
        Ok(record::Body::Tracks(batch)) => batch.len() as u64,
        _ => 0,
    };
    log.entries.iter().map(rows).sum()
}
