//! What people do in the demonstration: a notice from each party; without a browser also the answers.
use super::api::{get, request};
use super::party::Party;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What has been done, and what came of it.
#[derive(Debug, Default)]
pub struct Script {
    headless: bool,
    sent: bool,
    /// Notices sent.
    pub notices_sent: u32,
    /// Wrong read-backs that the node refused.
    pub wrong_read_backs_refused: u32,
    /// Notices acknowledged.
    pub acknowledged: u32,
    /// Alerts acknowledged.
    pub alerts_acknowledged: u32,
    /// What went wrong.
    pub faults: Vec<String>,
}

/// From whom to whom, with what.
const NOTICES: [(&str, &str, &str, &str); 3] = [
    ("civil", "north", "hazard", "Fire fighting aircraft west of the lake, 2 NM around, below FL100. Keep clear."),
    ("north", "south", "activation", "Northern training area becomes active. Request acknowledgement."),
    ("south", "north", "information", "Helicopter recovery under way; call before entering."),
];

/// Waits until every link is up.
pub async fn links_up(parties: &[Party], limit: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let mut down = Vec::new();
        for party in parties {
            let state = get(party, "/v1/state").await?;
            for peer in state["peers"].as_array().into_iter().flatten().filter(|p| p["link"] != "up") {
                down.push(format!("{} to {}: {}", party.name, peer["party"], peer["reason"]));
            }
        }
        if down.is_empty() {
            return Ok(());
        }
        if started.elapsed() > limit {
            bail!("links did not come up within {limit:?}: {}", down.join("; "));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Script {
    /// A script; headless it also answers.
    pub fn new(headless: bool) -> Self {
        Self { headless, ..Self::default() }
    }

    /// Called once a second.
    pub async fn act(&mut self, parties: &[Party], elapsed: Duration) {
        if !self.sent && elapsed > Duration::from_secs(6) {
            self.sent = true;
            for (from, to, class, text) in NOTICES {
                let done = send(parties, from, to, class, text).await;
                self.note(done.map(|()| true), |s| &mut s.notices_sent);
            }
        }
        if self.headless && self.sent {
            for party in parties {
                let done = self.answer(party).await;
                self.note(done.map(|()| false), |s| &mut s.notices_sent);
            }
        }
    }

    fn note(&mut self, result: Result<bool>, counter: impl FnOnce(&mut Self) -> &mut u32) {
        match result {
            Ok(true) => *counter(self) += 1,
            Ok(false) => {}
            Err(error) if self.faults.len() < 50 => self.faults.push(format!("{error:#}")),
            Err(_) => {}
        }
    }

    async fn answer(&mut self, party: &Party) -> Result<()> {
        let state = get(party, "/v1/state").await?;
        for alert in state["alerts"].as_array().into_iter().flatten() {
            let open = matches!(alert["state"].as_str(), Some("raised" | "shown"));
            if open && alert["kind"] == "conflict" {
                let path = format!("/v1/alerts/{}/acknowledge", text(&alert["id"]));
                let (status, _) = request(party, "POST", &path, Some(json!({}))).await?;
                // It may have ended since: that is no fault.
                self.alerts_acknowledged += u32::from(status < 300);
            }
        }
        for notice in state["notices"].as_array().into_iter().flatten() {
            let waits = notice["direction"] == "in" && notice["acknowledged"].is_null();
            if !waits {
                continue;
            }
            let path = format!("/v1/notices/{}/acknowledge", text(&notice["id"]));
            let mut wrong = read_back(notice);
            wrong["place"]["lat"] = json!(notice["place"]["lat"].as_f64().unwrap_or(0.0) + 0.08);
            let (status, _) = request(party, "POST", &path, Some(json!({ "read_back": wrong }))).await?;
            if status != 409 {
                bail!("{} took a read-back 9 km off: status {status}", party.name);
            }
            self.wrong_read_backs_refused += 1;
            let (status, value) =
                request(party, "POST", &path, Some(json!({ "read_back": read_back(notice) }))).await?;
            if status >= 300 {
                bail!("{} refused a right read-back: {status} {}", party.name, value["detail"]);
            }
            self.acknowledged += 1;
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn read_back(notice: &Value) -> Value {
    json!({ "place": notice["place"], "level": notice["level"], "time_utc_ms": notice["start_utc_ms"] })
}

async fn send(parties: &[Party], from: &str, to: &str, class: &str, text: &str) -> Result<()> {
    let Some(party) = parties.iter().find(|p| p.name == from) else { bail!("no party {from}") };
    let state = get(party, "/v1/state").await?;
    let now = state["utc_ms"].as_i64().unwrap_or_default();
    let start = (now / 60_000 + 10) * 60_000;
    let body = json!({
        "to": [to],
        "class": class,
        "precedence": "IMMEDIATE",
        "text": text,
        "place": { "lat": 46.95, "lon": 8.4 },
        "level": { "value_ft": 10_000, "reference": "pressure" },
        "start_utc_ms": start,
        "receipt": "ACKNOWLEDGED",
    });
    let (status, value) = request(party, "POST", "/v1/notices", Some(body)).await?;
    if status >= 300 {
        bail!("{from} could not send a notice: {status} {value}");
    }
    Ok(())
}
