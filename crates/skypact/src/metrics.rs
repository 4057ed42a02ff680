//! `/metrics`: the Prometheus text format, written from the newest view when asked. Nothing is counted twice, and no
//! second registry can disagree with the state.
use crate::core::CoreHandle;
use node::view::LinkStatus;

/// Renders all metrics.
pub fn render(core: &CoreHandle) -> String {
    let (view, health) = (core.view(), core.health());
    let mut out = Text::default();
    out.family("skypact_inputs_folded_total", "counter", "Inputs folded since the start.");
    out.value("", health.folded as f64);
    out.family("skypact_journal_bytes", "gauge", "Bytes of the journal's segment files.");
    out.value("", health.journal.bytes as f64);
    out.family("skypact_journal_last_seq", "gauge", "Sequence number of the last durable input.");
    out.value("", health.journal.last.0 as f64);
    out.family("skypact_journal_batches_total", "counter", "Batches made durable since the start, one sync each.");
    out.value("", health.journal.batches as f64);
    out.family("skypact_journal_sync_seconds", "gauge", "Duration of the last and of the longest write and sync.");
    out.value("{which=\"last\"}", health.journal.last_sync.as_secs_f64());
    out.value("{which=\"longest\"}", health.journal.max_sync.as_secs_f64());
    if let Some(free) = health.journal.free_bytes {
        // Left out when it cannot be read: 0 would be a full disk.
        out.family("skypact_journal_free_bytes", "gauge", "Bytes free on the journal's disk.");
        out.value("", free as f64);
    }
    out.family("skypact_accepting", "gauge", "1 while inputs are accepted, 0 while the journal is full or failed.");
    out.value("", if health.trouble.is_none() { 1.0 } else { 0.0 });
    out.family("skypact_batch_seconds_longest", "gauge", "Longest time from the queue to having acted, one batch.");
    out.value("", health.longest_batch.as_secs_f64());
    out.family("skypact_tracks", "gauge", "System tracks in the picture.");
    out.value("", view.tracks.len() as f64);
    out.family("skypact_alerts", "gauge", "Alerts by level that are not cleared.");
    for (level, name) in [(1, "caution"), (2, "warning"), (3, "alarm")] {
        let n = view.alerts.iter().filter(|a| a.level == level && a.state != "cleared").count();
        out.value(&format!("{{level=\"{name}\"}}"), n as f64);
    }
    out.family("skypact_losses_observed_total", "counter", "Epochs at which an own aircraft had lost separation.");
    out.value("", core.losses().len() as f64);
    out.family("skypact_feed_reports_total", "counter", "Reports folded, by feed.");
    for f in &view.feeds {
        out.value(&label("feed", &f.name), f.reports as f64);
    }
    out.family("skypact_feed_errors_total", "counter", "Reports refused, by feed.");
    for f in &view.feeds {
        out.value(&label("feed", &f.name), f.errors as f64);
    }
    out.family("skypact_link_up", "gauge", "1 up, 0 down, -1 frozen, by peer.");
    for p in &view.peers {
        let up = match p.link {
            LinkStatus::Up => 1.0,
            LinkStatus::Down => 0.0,
            LinkStatus::Frozen => -1.0,
        };
        out.value(&label("peer", p.party.as_str()), up);
    }
    out.family("skypact_link_age_seconds", "gauge", "Age of the newest information, by peer.");
    for p in view.peers.iter().filter(|p| p.age_ms.is_some()) {
        out.value(&label("peer", p.party.as_str()), p.age_ms.unwrap_or(0) as f64 / 1000.0);
    }
    out.family("skypact_link_entries", "gauge", "Sizes of the logs, by peer.");
    for p in &view.peers {
        for (log, n) in
            [("in", p.in_size), ("in_sealed", p.in_sealed), ("out", p.out_size), ("out_cosigned", p.out_cosigned)]
        {
            out.value(&format!("{{peer=\"{}\",log=\"{log}\"}}", p.party), n as f64);
        }
    }
    out.family("skypact_link_refused_total", "counter", "What was refused of a peer, by reason.");
    for p in &view.peers {
        for (reason, n) in &p.refused {
            out.value(&format!("{{peer=\"{}\",reason=\"{}\"}}", p.party, escaped(reason)), *n as f64);
        }
    }
    out.family("skypact_link_throttled_total", "counter", "Entries after which a peer had to wait, by kind.");
    for p in &view.peers {
        for (kind, n) in &p.throttled {
            out.value(&format!("{{peer=\"{}\",kind=\"{}\"}}", p.party, escaped(kind)), *n as f64);
        }
    }
    out.family("skypact_link_waiting", "gauge", "Own entries that wait until the peer takes more.");
    for p in &view.peers {
        out.value(&label("peer", p.party.as_str()), p.waiting as f64);
    }
    out.family("skypact_connections_refused_total", "counter", "Connections that did not become a session, by reason.");
    for (reason, n) in core.refused_connections() {
        out.value(&label("reason", &reason), n as f64);
    }
    if let Some(keys) = core.token_keys() {
        out.family("skypact_dss_token_keys", "gauge", "Keys of access tokens; without one each token is refused.");
        out.value("", keys as f64);
    }
    out.family("skypact_dss_references", "gauge", "What is held of traffic services, with what ended in the last day.");
    let (intents, constraints, subscriptions) = view.references;
    for (kind, n) in [("intents", intents), ("constraints", constraints), ("subscriptions", subscriptions)] {
        out.value(&label("kind", kind), n as f64);
    }
    let notified = view.notified;
    out.family("skypact_notifications_total", "counter", "Notifications of traffic services, by what came of them.");
    for (outcome, n) in [
        ("sent", notified.sent),
        ("failed", notified.failed),
        ("given_up", notified.given_up),
        ("dropped", notified.dropped),
    ] {
        out.value(&label("outcome", outcome), n as f64);
    }
    out.family(
        "skypact_notifications_waiting",
        "gauge",
        "Notifications of traffic services that are not delivered yet.",
    );
    out.value("", notified.waiting as f64);
    out.family("skypact_csp_reports_total", "counter", "Violations of the console's policy that browsers reported.");
    out.value("", console::violations() as f64);
    out.out
}

#[derive(Default)]
struct Text {
    out: String,
    name: String,
}

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        self.name = name.to_string();
    }

    fn value(&mut self, labels: &str, value: f64) {
        self.out.push_str(&format!("{}{labels} {value}\n", self.name));
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{}\"}}", escaped(value))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
