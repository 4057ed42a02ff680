//! `skypact notice`: send, list and acknowledge notices at the running node.
use crate::cli::client::{self, NodeArgs, by_prefix, show_place, show_time};
use crate::cli::evidence::brackets::SHOWN_MS;
use crate::cli::values::{self, When, Written, altitude_json, show_altitude};
use crate::cli::{Global, Outcome};
use anyhow::Context;
use clap::Subcommand;
use hyper::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use units::{Altitude, Utc};

const AFTER: &str = "\
Examples:
  skypact notice send --to south --class hazard --precedence IMMEDIATE --text \"Gunfire from the ridge\" \\
    --place \"47°06'30\\\"N 008°12'15\\\"E\" --level 3000ftMSL --start now
  skypact notice list
  skypact notice respond 3fa9 --decision unable --text \"No crew until 15:00\"
  skypact notice pass-on 3fa9 --to \"Tower, 3 squadrons\"
  skypact notice publish 3fa9 --at \"NOTAM A0123/26\"
  skypact notice ack 3fa9 --place \"47.1083N 8.2042E\" --level 3000ftMSL --time 2026-08-01T05:00:00Z

Precedence and time to acknowledge are the pact's (clause 7): FLASH, IMMEDIATE, PRIORITY, ROUTINE.
Places: 47.1N 8.2E; 47.1,8.2 (latitude first); 47°06'30\"N 008°12'15\"E; 470630N0081215E; MGRS 32TMT 39618 17510; GARS 377ML36.
A square or area larger than a metre goes as its centre, and the circle that holds it is what is watched and told.
Levels: FL100, 3000ftMSL, 900mAGL, 9500ftSTD (1013.25 hPa), 500mWGS84.
Times: 2026-08-01T05:00:00Z, `now`, or +15m from now, by the node's clock.

A notice to a peer whose link is down waits and goes when the link is back; `notice list` shows how far each has come:
queued, received (the peer's node holds it and has signed for it), seen (shown to its watch), acknowledged.

To acknowledge, read back what the notice says of place, level and time, from its text or from the chart, not by copying: the node
compares (place within 100 m, level with its reference, time within a minute) and refuses a read-back that differs. After a refusal call
the sender.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (a read-back that differs, no such notice).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: NoticeCommand,
}

#[derive(Debug, Subcommand)]
enum NoticeCommand {
    /// Sends a notice to one or more peers.
    #[command(after_help = AFTER)]
    Send(Box<SendArgs>),
    /// Lists notices in and out, with their deadlines and receipts.
    List {
        /// Only those that wait for an acknowledgement.
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Acknowledges a notice received, with a read-back.
    #[command(after_help = AFTER)]
    Ack(AckArgs),
    /// Answers a notice that was acknowledged: what is decided, in words.
    Respond(RespondArgs),
    /// Says to whom a notice that was acknowledged was passed.
    PassOn(PassOnArgs),
    /// Says where a notice that was acknowledged was published, for instance its NOTAM.
    Publish(PublishArgs),
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    /// To whom; may be given again, or a list with commas.
    #[arg(long, required = true, value_delimiter = ',')]
    to: Vec<String>,
    /// activation, hazard, hold, resume, cancellation or information.
    #[arg(long, value_parser = ["activation", "hazard", "hold", "resume", "cancellation", "information"])]
    class: String,
    /// FLASH, IMMEDIATE, PRIORITY or ROUTINE.
    #[arg(long, ignore_case = true, value_parser = ["FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"])]
    precedence: String,
    /// What is said, up to 2000 bytes in UTF-8.
    #[arg(long)]
    text: String,
    /// Where.
    #[arg(long, value_parser = values::written, allow_hyphen_values = true)]
    place: Option<Written>,
    /// At what level, with its reference.
    #[arg(long, value_parser = values::level, allow_hyphen_values = true)]
    level: Option<Altitude>,
    /// From when.
    #[arg(long, value_parser = values::when)]
    start: Option<When>,
    /// Until when.
    #[arg(long, value_parser = values::when)]
    end: Option<When>,
    /// What the receiver is asked to do, up to 400 bytes.
    #[arg(long)]
    action: Option<String>,
    /// Receipt asked for: RECEIVED, SEEN, ACKNOWLEDGED, RESPONDED, DISSEMINATED or PUBLISHED.
    #[arg(long, default_value = "ACKNOWLEDGED", ignore_case = true,
        value_parser = ["RECEIVED", "SEEN", "ACKNOWLEDGED", "RESPONDED", "DISSEMINATED", "PUBLISHED"])]
    receipt: String,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, clap::Args)]
struct AckArgs {
    /// The notice's name, or its first digits (4 or more).
    id: String,
    /// The place, read back.
    #[arg(long, value_parser = values::written, allow_hyphen_values = true)]
    place: Option<Written>,
    /// The level, read back.
    #[arg(long, value_parser = values::level, allow_hyphen_values = true)]
    level: Option<Altitude>,
    /// The start, read back.
    #[arg(long, value_parser = values::when)]
    time: Option<When>,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, clap::Args)]
struct RespondArgs {
    /// The notice's name, or its first digits (4 or more).
    id: String,
    /// accept, object, unable or propose.
    #[arg(long, value_parser = ["accept", "object", "unable", "propose"])]
    decision: String,
    /// In words, up to 400 bytes.
    #[arg(long)]
    text: String,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, clap::Args)]
struct PassOnArgs {
    /// The notice's name, or its first digits (4 or more).
    id: String,
    /// To whom: units and how many, up to 400 bytes.
    #[arg(long)]
    to: String,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, clap::Args)]
struct PublishArgs {
    /// The notice's name, or its first digits (4 or more).
    id: String,
    /// Where, up to 400 bytes.
    #[arg(long)]
    at: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Answers a notice above ACKNOWLEDGED.
fn answer(id: &str, node: &NodeArgs, body: Value, global: Global) -> anyhow::Result<()> {
    let level = body["level"].as_str().unwrap_or_default().to_owned();
    let id = client::talk(node, async |client| {
        let mut notices = client.list("/v1/notices").await?;
        notices.retain(|n| n["direction"] == "in");
        let notice = by_prefix(&notices, "id", id, "notice received")?;
        let id = notice["id"].as_str().context("a notice without a name")?.to_owned();
        client.command(Method::POST, &client::path("/v1/notices/", &id, "/answer")?, Some(body)).await?;
        Ok(id)
    })?;
    if global.json {
        println!("{}", json!({ "answered": id, "level": level }));
    } else {
        println!("{level} {id}: signed, and the sender is told.");
    }
    Ok(())
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        NoticeCommand::Send(args) => {
            let answer = client::talk(&args.node, async |client| {
                let body = args.body(client.now().await?);
                let answer = client.command(Method::POST, "/v1/notices", Some(body)).await?;
                let shown = |n: &Value| n["id"] == answer["sent"][0]["id"];
                client.settle("/v1/notices", |notices| notices.iter().any(shown)).await?;
                Ok(answer)
            })?;
            sent(&answer, global);
        }
        NoticeCommand::List { open, node } => {
            let (mut notices, now) = client::talk(&node, async |client| {
                let notices = client.list("/v1/notices").await?;
                Ok((notices, client.now().await?))
            })?;
            notices.retain(|n| !open || is_open(n));
            list(&notices, now, global);
        }
        NoticeCommand::Respond(args) => {
            let body = json!({ "level": "RESPONDED", "decision": args.decision, "text": args.text });
            answer(&args.id, &args.node, body, global)?;
        }
        NoticeCommand::PassOn(args) => {
            answer(&args.id, &args.node, json!({ "level": "DISSEMINATED", "text": args.to }), global)?;
        }
        NoticeCommand::Publish(args) => {
            answer(&args.id, &args.node, json!({ "level": "PUBLISHED", "text": args.at }), global)?;
        }
        NoticeCommand::Ack(args) => {
            let id = client::talk(&args.node, async |client| {
                let mut notices = client.list("/v1/notices").await?;
                notices.retain(|n| n["direction"] == "in");
                let notice = by_prefix(&notices, "id", &args.id, "notice received")?;
                let id = notice["id"].as_str().context("a notice without a name")?.to_owned();
                let body = args.body(client.now().await?);
                client.command(Method::POST, &client::path("/v1/notices/", &id, "/acknowledge")?, Some(body)).await?;
                let open = |n: &Value| n["id"] == *id && n["acknowledged"].is_null();
                client.settle("/v1/notices", |notices| !notices.iter().any(open)).await?;
                Ok(id)
            })?;
            if global.json {
                println!("{}", json!({ "acknowledged": id }));
            } else {
                println!("Acknowledged {id}: the read-back agrees with the notice, and the sender is told.");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl SendArgs {
    /// The notice as the API takes it.
    fn body(&self, now: Utc) -> Value {
        let utc = |when: Option<When>| when.map(|w| w.at(now).0);
        json!({
            "to": self.to, "class": self.class, "precedence": self.precedence.to_ascii_uppercase(), "text": self.text,
            "place": self.place.as_ref().map(Written::json), "level": self.level.map(altitude_json), "start_utc_ms": utc(self.start),
            "end_utc_ms": utc(self.end), "action": self.action, "receipt": self.receipt.to_ascii_uppercase(),
        })
    }
}

impl AckArgs {
    /// The read-back as the API takes it.
    fn body(&self, now: Utc) -> Value {
        let mut read_back = Map::new();
        let mut add = |name: &str, value: Option<Value>| value.map(|v| read_back.insert(name.to_owned(), v));
        add("place", self.place.as_ref().map(Written::json));
        add("level", self.level.map(altitude_json));
        add("time_utc_ms", self.time.map(|t| json!(t.at(now).0)));
        json!({ "read_back": read_back })
    }
}

fn sent(answer: &Value, global: Global) {
    if global.json {
        println!("{answer}");
        return;
    }
    for one in answer["sent"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let text = |name: &str| one[name].as_str().unwrap_or("-");
        println!("Signed and put into the log to {}, entry {}: {}", text("party"), one["index"], text("id"));
    }
    println!("`skypact notice list` shows when it is received, seen and acknowledged.");
}

fn list(notices: &[Value], now: Utc, global: Global) {
    if global.json {
        println!("{}", json!({ "items": notices }));
        return;
    }
    if notices.is_empty() {
        println!("No notices.");
    }
    for notice in notices {
        print!("{}", lines(notice, now));
    }
}

/// Whether a notice waits for an acknowledgement.
fn is_open(notice: &Value) -> bool {
    notice["acknowledged"].is_null() && !notice["due_utc_ms"].is_null()
}

/// How far a notice has come.
fn progress(notice: &Value, now: Utc) -> String {
    let known = |name: &str| !notice[name].is_null();
    let stage = if known("acknowledged") {
        let by = notice["acknowledged"]["by"].as_str().or(notice["acknowledged"]["role"].as_str()).map(values::plain);
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        return format!("acknowledged {}{by}", show_time(&notice["acknowledged"]["utc_ms"]));
    } else if known("seen_utc_ms") {
        "seen"
    } else if known("received_utc_ms") {
        "received"
    } else {
        "queued"
    };
    match notice["due_utc_ms"].as_i64() {
        None => stage.to_owned(),
        Some(due) if notice["overdue"] == true => format!("{stage}, OVERDUE by {}", span(now.0 - due)),
        Some(due) => format!("{stage}, to be acknowledged within {}", span(due - now.0)),
    }
}

fn span(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    if s >= 3600 { format!("{} h {:02} min", s / 3600, s / 60 % 60) } else { format!("{} min {:02} s", s / 60, s % 60) }
}

/// One notice for people.
fn lines(notice: &Value, now: Utc) -> String {
    let text = |name: &str| notice[name].as_str().map_or_else(|| String::from("-"), values::plain);
    let preposition = if notice["direction"] == "out" { "to" } else { "from" };
    let mut out = format!(
        "{}\n    {} {}, {preposition} {}, {}\n    {}\n",
        text("id"),
        text("precedence"),
        text("class"),
        text("peer"),
        progress(notice, now),
        text("text"),
    );
    let mut facts = Vec::new();
    facts.extend(show_place(&notice["place"]).map(|place| format!("place {place}")));
    if !notice["level"].is_null() {
        facts.push(format!("level {}", show_altitude(&notice["level"])));
    }
    for (name, word) in [("start_utc_ms", "from"), ("end_utc_ms", "until")] {
        if !notice[name].is_null() {
            facts.push(format!("{word} {}", show_time(&notice[name])));
        }
    }
    if !notice["action"].is_null() {
        facts.push(format!("action: {}", text("action")));
    }
    if !facts.is_empty() {
        out.push_str(&format!("    {}\n", facts.join("; ")));
    }
    for answer in notice["answers"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let word = |name: &str| answer[name].as_str().map(values::plain).unwrap_or_default();
        let decision = answer["decision"].as_str().map_or_else(String::new, |d| format!("{}: ", values::plain(d)));
        out.push_str(&format!("    {} {} {decision}{}\n", word("level"), show_time(&answer["utc_ms"]), word("text")));
    }
    let off = notice["claimed_off_ms"].as_i64().unwrap_or(0);
    if off.abs() >= SHOWN_MS {
        let side = if off < 0 { "before it can have been told: it waited, or" } else { "after it was told:" };
        out.push_str(&format!("    CLAIMED TIME is {} {side} clock or claim is wrong\n", span(off.abs())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Sending {
        #[command(flatten)]
        args: SendArgs,
    }

    #[derive(Parser)]
    struct Acking {
        #[command(flatten)]
        args: AckArgs,
    }

    fn send(more: &[&str]) -> Result<Value, String> {
        let words = ["send", "--to", "south,civil", "--class", "hazard", "--precedence", "flash", "--text", "Gunfire"];
        let parsed = Sending::try_parse_from(words.iter().chain(more));
        let first = |e: clap::Error| e.to_string().lines().next().unwrap_or_default().to_owned();
        parsed.map(|s| s.args.body(Utc(5000))).map_err(first)
    }

    #[test]
    fn a_notice_becomes_what_the_api_takes() {
        let want = json!({
            "to": ["south", "civil"], "class": "hazard", "precedence": "FLASH", "text": "Gunfire", "place": null, "level": null,
            "start_utc_ms": null, "end_utc_ms": null, "action": null, "receipt": "ACKNOWLEDGED",
        });
        assert_eq!(send(&[]).unwrap(), want);
        let got = send(&["--place", "-47.5,8", "--level", "FL100", "--start", "now", "--end", "+1m"]).unwrap();
        assert_eq!(got["place"], json!({ "lat": -47.5, "lon": 8.0 }));
        assert_eq!(got["level"], json!({ "value_ft": 10000.0, "reference": "pressure" }));
        assert_eq!((&got["start_utc_ms"], &got["end_utc_ms"]), (&json!(5000), &json!(65_000)));
    }

    #[test]
    fn bad_input_is_refused_with_the_form() {
        let check = |more: &[&str], want: &str| assert_eq!(send(more).unwrap_err(), want, "{more:?}");
        check(
            &["--level", "3000ft"],
            "error: invalid value '3000ft' for '--level <LEVEL>': \"3000ft\" is not a level: FL100, 3000ftMSL, 900mAGL, \
             3000ftWGS84 or 9500ftSTD (1013.25 hPa); a height needs its reference",
        );
        check(
            &["--place", "the ridge"],
            "error: invalid value 'the ridge' for '--place <PLACE>': \"the ridge\" is in no notation read here: \
             47.1083N 8.2042E, 47.1083,8.2042 (latitude first), 47°06'30\"N 008°12'15\"E, 470630N0081215E, MGRS 32TMT3961817510 \
             or GARS 377ML36",
        );
        check(&["--receipt", "READ"], "error: invalid value 'READ' for '--receipt <RECEIPT>'");
        check(
            &["--start", "noon"],
            "error: invalid value 'noon' for '--start <START>': \"noon\" is not a time: 2026-08-01T05:00:00Z, or `now`, or \
             +45m from now (s, m, h)",
        );
    }

    #[test]
    fn a_read_back_says_only_what_was_read() {
        let ack = |more: &[&str]| Acking::try_parse_from(["ack", "abcd"].iter().chain(more)).unwrap().args.body(Utc(0));
        assert_eq!(ack(&[]), json!({ "read_back": {} }));
        let want =
            json!({ "read_back": { "level": { "value_ft": 3000.0, "reference": "msl" }, "time_utc_ms": 60_000 } });
        assert_eq!(ack(&["--level", "3000ftMSL", "--time", "1970-01-01T00:01:00Z"]), want);
    }

    #[test]
    fn the_list_tells_how_far_each_has_come() {
        let notice = |more: Value| {
            let mut n = json!({
                "id": "ab", "direction": "out", "peer": "south", "precedence": "FLASH", "class": "hazard", "text": "Gun\u{7}fire",
                "due_utc_ms": 60_000, "overdue": false, "acknowledged": null,
            });
            n.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            n
        };
        let check = |more: Value, want: &str| assert_eq!(progress(&notice(more), Utc(10_000)), want);
        check(json!({}), "queued, to be acknowledged within 0 min 50 s");
        check(json!({ "received_utc_ms": 1 }), "received, to be acknowledged within 0 min 50 s");
        check(json!({ "seen_utc_ms": 1, "overdue": true, "due_utc_ms": 0 }), "seen, OVERDUE by 0 min 10 s");
        check(
            json!({ "acknowledged": { "utc_ms": 0, "role": "officer", "by": null } }),
            "acknowledged 1970-01-01T00:00:00Z by officer",
        );
        let whole = notice(
            json!({ "place": { "lat": 47.1, "lon": 8.2 }, "level": { "value_ft": 3000.0, "reference": "msl" } }),
        );
        let want = "ab\n    FLASH hazard, to south, queued, to be acknowledged within 0 min 50 s\n    Gun fire\n    \
                    place 47.10000,8.20000; level 3000ftMSL\n";
        assert_eq!(lines(&whole, Utc(10_000)), want);
        assert!(is_open(&whole));
    }
}
