//! A picture of the past in words and as JSON.
use crate::cli::evidence::brackets::{Bracket, SHOWN_MS};
use crate::cli::evidence::history::{History, Shown};
use crate::cli::evidence::words::{json as record_json, sentence, track_json, track_text};
use crate::cli::replay::fold::Folded;
use crate::cli::replay::told::{Reached, Said, Told, reached};
use crate::cli::values::plain;
use crate::clock::rfc3339;
use node::view::{AlertView, LinkStatus, NoticeView, Owner, View};
use serde_json::{Value, json};
use units::Utc;

/// Aircraft listed unless all are asked for.
const LISTED: usize = 20;

/// Prints what the node itself knew.
pub fn print_view(view: &View, history: &History, folded: &Folded, at: Utc, all: bool) {
    let from = folded.from.map_or_else(|| "the first input".into(), |seq| format!("the snapshot of input {seq}"));
    println!("{} at {} ({})", view.party, rfc3339(at), view.mode.label());
    println!(
        "  folded to input {} of {}, {:.1} s before; {} inputs from {from}",
        view.seq,
        rfc3339(view.utc),
        at.since_ms(view.utc) as f64 / 1000.0,
        folded.inputs
    );
    println!("tracks: {}", view.tracks.len());
    let most = if all { usize::MAX } else { LISTED };
    for track in view.tracks.iter().take(most) {
        let stale = if track.stale { ", stale" } else { "" };
        println!("  {:<10} {}{stale}", owner(view, track.owner), track_text(&track.report));
    }
    more(view.tracks.len(), most);
    println!("alerts: {}", view.alerts.len());
    for alert in &view.alerts {
        println!("  {} {} since {}: {}", level(alert.level), alert.state, rfc3339(alert.raised), alert.text);
        for shown in seen_by(alert, history) {
            let raised =
                if alert.raising > 1 { format!(" as raised for time {}", shown.raising) } else { String::new() };
            println!("    shown to {} ({}) at {}{raised}", shown.who, shown.role.name(), rfc3339(shown.at));
        }
        if let Some((who, when)) = &alert.acknowledged {
            println!("    acknowledged by {who} at {}", rfc3339(*when));
        }
    }
    let incoming: Vec<&NoticeView> = view.notices.iter().filter(|n| !n.outgoing).collect();
    println!("notices received: {}", incoming.len());
    for n in incoming {
        println!("  {} from {}: {}", n.precedence.name(), n.peer, crate::cli::evidence::words::notice_text(&n.notice));
        levels(&reached(n)).iter().for_each(|line| println!("    {line}"));
        claimed(bracket_of(n), n.issued).iter().for_each(|line| println!("    {line}"));
    }
    println!("plans: {}, protected sites: {}, avoid areas: {}", view.plans.len(), view.sites.len(), view.avoids.len());
    for peer in &view.peers {
        let age = peer.age_ms.map_or_else(|| "none yet".into(), |ms| format!("{:.1} s old", ms as f64 / 1000.0));
        println!(
            "link to {}: {}{}; its information {age}; {} entries of it held, {} under its signature",
            peer.party,
            link(peer.link),
            peer.reason.as_ref().map_or_else(String::new, |r| format!(" ({r})")),
            peer.in_size,
            peer.in_sealed
        );
    }
}

/// Prints what a party had been told.
pub fn print_told(told: &Told, all: bool) {
    let confirmed =
        |at: Option<Utc>| at.map_or_else(|| "time not known".into(), |at| format!("receipt dated {}", rfc3339(at)));
    println!("what {} had been told ({})", told.peer, told.origin);
    println!("  {} entries said; {} confirmed to be held, the last: {}", told.size, told.held, confirmed(told.held_at));
    let most = if all { usize::MAX } else { LISTED };
    println!("  aircraft it had been told of in the last two minutes: {}", told.tracks.len());
    for said in told.tracks.iter().take(most) {
        println!("    {} (entry {}, {})", track_text(&said.what), said.index, confirmed(said.confirmed));
    }
    more(told.tracks.len(), most);
    println!("  plans, sites and areas: {}", told.filed.len());
    for said in &told.filed {
        println!("    {} (entry {}, {})", sentence(&said.what), said.index, confirmed(said.confirmed));
        claimed(said.bracket, said.what.issued_at).iter().for_each(|line| println!("      {line}"));
    }
    println!("  notices: {}", told.notices.len());
    for (said, reached) in &told.notices {
        println!("    {} (entry {})", sentence(&said.what), said.index);
        let lines = levels(reached).into_iter().chain(claimed(said.bracket, said.what.issued_at));
        lines.for_each(|line| println!("      {line}"));
    }
    if let Some(record) = &told.channel {
        println!("  {}", sentence(record));
    }
    println!("  on their way, not confirmed: {}", told.on_the_way.len());
    for (record, index) in told.on_the_way.iter().take(most) {
        println!("    entry {index}: {} {}", record.body.kind().name(), sentence(record));
    }
    more(told.on_the_way.len(), most);
}

fn more(total: usize, most: usize) {
    if total > most {
        println!("    … and {} more (--all lists them)", total - most);
    }
}

/// What the node knew, for machines.
pub fn view_json(view: &View, history: &History, folded: &Folded) -> Value {
    let tracks: Vec<Value> = view
        .tracks
        .iter()
        .map(|t| {
            let mut out = track_json(&t.report);
            out["id"] = json!(t.id);
            out["owner"] = json!(owner(view, t.owner));
            out["stale"] = json!(t.stale);
            out
        })
        .collect();
    json!({
        "party": view.party.as_str(),
        "mode": view.mode.label(),
        "seq": view.seq,
        "utc": rfc3339(view.utc),
        "folded": folded.inputs,
        "from_snapshot": folded.from,
        "tracks": tracks,
        "alerts": view.alerts.iter().map(|a| alert_json(a, history)).collect::<Vec<_>>(),
        "notices": view.notices.iter().map(notice_json).collect::<Vec<_>>(),
        "plans": view.plans.len(),
        "sites": view.sites.len(),
        "avoids": view.avoids.len(),
        "peers": view.peers.iter().map(|p| json!({
            "party": p.party.as_str(),
            "link": link(p.link),
            "reason": p.reason,
            "age_ms": p.age_ms,
            "in_size": p.in_size,
            "in_sealed": p.in_sealed,
            "out_size": p.out_size,
            "out_cosigned": p.out_cosigned,
        })).collect::<Vec<_>>(),
    })
}

fn alert_json(alert: &AlertView, history: &History) -> Value {
    let shown: Vec<Value> = seen_by(alert, history)
        .iter()
        .map(|s| json!({ "to": s.who, "role": s.role.name(), "at": rfc3339(s.at), "raising": s.raising }))
        .collect();
    json!({
        "id": alert.id,
        "kind": alert.kind.name(),
        "level": level(alert.level),
        "state": alert.state,
        "raised": rfc3339(alert.raised),
        "raising": alert.raising,
        "text": alert.text,
        "shown": shown,
        "acknowledged": alert.acknowledged.as_ref().map(|(who, at)| json!({ "by": who, "at": rfc3339(*at) })),
    })
}

fn notice_json(n: &NoticeView) -> Value {
    json!({
        "id": n.id.to_string(),
        "outgoing": n.outgoing,
        "peer": n.peer.as_str(),
        "precedence": n.precedence.name(),
        "issued": rfc3339(n.issued),
        "due": n.due.map(rfc3339),
        "overdue": n.overdue,
        "received": n.received.map(rfc3339),
        "seen": n.seen.map(rfc3339),
        "acknowledged": n.acknowledged.as_ref().map(|a| json!({
            "at": rfc3339(a.at), "by": a.by, "role": a.role.map(|r| r.name()), "read_back_ok": a.read_back_ok,
        })),
        "text": n.notice.text,
        "levels": reached(n).iter().map(level_json).collect::<Vec<_>>(),
        "told": bracket_of(n).json(),
        "claimed_off_ms": n.claimed_off_ms,
    })
}

fn level_json(reached: &Reached) -> Value {
    let Reached { level, at, says, decision } = reached;
    json!({ "level": level.name(), "at": rfc3339(*at), "text": says, "decision": decision.map(|d| d.name()) })
}

/// Between which moments a notice was told, as the desk had it then.
fn bracket_of(n: &NoticeView) -> Bracket {
    Bracket { after: n.told_after, before: n.told_before }
}

/// A claimed time outside of what the logs allow, in words.
fn claimed(bracket: Bracket, issued: Utc) -> Option<String> {
    let off_ms = bracket.off_ms(issued);
    let side = if off_ms < 0 { "before" } else { "after" };
    let off = off_ms.abs() as f64 / 1000.0;
    (off_ms.abs() >= SHOWN_MS).then(|| {
        format!(
            "CLAIMED TIME {} is {off:.1} s {side} what the order of the logs allows: {}",
            rfc3339(issued),
            bracket.text()
        )
    })
}

/// What a party had been told, for machines.
pub fn told_json(told: &Told) -> Value {
    let place = |mut out: Value, index: u64, confirmed: Option<Utc>| {
        out["entry"] = json!(index);
        out["receipt_dated"] = json!(confirmed.map(rfc3339));
        out
    };
    let entry = |said: &Said<record::Record>| {
        let mut out = place(record_json(&said.what), said.index, said.confirmed);
        out["told"] = said.bracket.json();
        out["claimed_off_ms"] = json!(said.bracket.off_ms(said.what.issued_at));
        out["id"] = json!(said.id.to_string());
        out
    };
    let tracks = told.tracks.iter().map(|said| place(track_json(&said.what), said.index, said.confirmed));
    let notices = told.notices.iter().map(|(said, reached)| {
        let mut out = entry(said);
        out["levels"] = reached.iter().map(level_json).collect();
        out
    });
    json!({
        "peer": told.peer.as_str(),
        "origin": told.origin,
        "said": told.size,
        "held": told.held,
        "held_at": told.held_at.map(rfc3339),
        "tracks": tracks.collect::<Vec<_>>(),
        "filed": told.filed.iter().map(entry).collect::<Vec<_>>(),
        "notices": notices.collect::<Vec<_>>(),
        "channel": told.channel.as_ref().map(record_json),
        "on_the_way": told.on_the_way.iter().map(|(record, index)| place(record_json(record), *index, None)).collect::<Vec<_>>(),
    })
}

fn seen_by<'a>(alert: &AlertView, history: &'a History) -> Vec<&'a Shown> {
    history.shown.get(&alert.id).into_iter().flatten().filter(|s| s.seq <= history.upto).collect()
}

fn levels(reached: &[Reached]) -> Vec<String> {
    let line = |Reached { level, at, says, decision }: &Reached| {
        let decision = decision.map_or_else(String::new, |d| format!(", {}", d.name()));
        let says = says.as_deref().map_or_else(String::new, |text| format!(": {}", plain(text)));
        format!("{} at {}{decision}{says}", level.name(), rfc3339(*at))
    };
    reached.iter().map(line).collect()
}

fn owner(view: &View, owner: Owner) -> String {
    match owner {
        Owner::Own => view.party.to_string(),
        Owner::Peer(n) => view.parties.get(usize::from(n)).map_or_else(|| "?".into(), ToString::to_string),
        Owner::Unclaimed => "unclaimed".into(),
    }
}

fn level(level: u8) -> &'static str {
    match level {
        1 => "caution",
        2 => "warning",
        _ => "alarm",
    }
}

fn link(status: LinkStatus) -> &'static str {
    match status {
        LinkStatus::Up => "up",
        LinkStatus::Down => "down",
        LinkStatus::Frozen => "frozen",
    }
}
