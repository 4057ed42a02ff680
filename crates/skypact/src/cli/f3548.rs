//! `skypact f3548`: what traffic services reported, and whom this node told of what, as the journal has it.
//!
//! The journal is read as it stands and not folded: so it takes no more memory than its longest input, and any part of one will do.
use crate::cli::evidence::history::{peek, progress};
use crate::cli::evidence::open_journal;
use crate::cli::values::plain;
use crate::cli::{Global, Outcome};
use crate::clock::rfc3339;
use crate::config::Loaded;
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use dss::{Answer, Ask, Dss, Id, Request};
use journal::{ReadOnly, Seq};
use node::input::{Entry, Input, Notified, NotifyOutcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use units::Utc;

const AFTER: &str = "\
Examples:
  skypact f3548 reports --from 2026-08-01T00:00:00Z            what USSs reported since then
  skypact f3548 reports --uss uss1 --json | jq .report         the reports of one, as it wrote them
  skypact f3548 notified --to 2026-08-02T00:00:00Z             who was told of what, and what came of it
  skypact f3548 notified --address https://uss1.example/       of one USS alone
  skypact f3548 notified --entity 7b1e…                        who was told of this intent or constraint
  skypact f3548 reports --config /etc/skypact/skypact.toml     of that node; without it, of skypact.toml in this folder

The journal is read without its lock and nothing is changed: this works beside the running node and on a copy. What was before
the journal's beginning, because it was removed by order, is not listed, and a line on standard error says so.

Exit codes: 0 done; 1 failed; 2 wrong command line; 3 the journal is damaged.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Lists the reports of problems that USSs made (`POST /dss/v1/reports`).
    Reports {
        #[command(flatten)]
        read: Read,
        /// Only those of this USS, the `sub` of its tokens.
        #[arg(long, value_name = "NAME")]
        uss: Option<String>,
    },
    /// Lists each try to notify a subscriber of a change to what peers released, with its outcome.
    ///
    /// What was given up, or never kept for want of room, has no line of its own: `/metrics` counts it and the log names it.
    Notified {
        #[command(flatten)]
        read: Read,
        /// Only of subscriptions of this USS; the oldest tries do not name it.
        #[arg(long, value_name = "NAME")]
        uss: Option<String>,
        /// Only at addresses that begin so.
        #[arg(long, value_name = "URL")]
        address: Option<String>,
        /// Only of this operational intent or constraint.
        #[arg(long, value_name = "UUID", value_parser = Id::parse)]
        entity: Option<Id>,
    },
}

#[derive(Debug, clap::Args)]
struct Read {
    /// Configuration of the node whose data folder is read.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Only from then on, such as 2026-08-01T05:00:00Z.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    from: Option<Utc>,
    /// Only up to then.
    #[arg(long, value_parser = crate::clock::parse_rfc3339)]
    to: Option<Utc>,
}

/// Which inputs are listed.
enum Listed {
    Reports { uss: Option<String> },
    Notified { uss: Option<String>, address: Option<String>, entity: Option<Id> },
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let (read, listed) = match args.command {
        Which::Reports { read, uss } => (read, Listed::Reports { uss }),
        Which::Notified { read, uss, address, entity } => (read, Listed::Notified { uss, address, entity }),
    };
    let Read { config, from, to } = read;
    if let (Some(from), Some(to)) = (from, to) {
        ensure!(from <= to, "--from is after --to");
    }
    let journal = open_journal(&Loaded::read(&config)?)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let lister = Lister { listed, from, to, json: global.json };
    let begins = lister.list(&journal, &mut out)?;
    out.flush()?;
    if let Some(begins) = begins.filter(|begins| from.is_none_or(|from| from < *begins)) {
        eprintln!("the list begins at {}: what was before was removed by order", rfc3339(begins));
    }
    Ok(ExitCode::SUCCESS)
}

/// Kinds of inputs, as [`peek`] has them.
const QUARANTINE: u32 = 10;
const DSS: u32 = 13;
const NOTIFIED: u32 = 14;

struct Lister {
    listed: Listed,
    from: Option<Utc>,
    to: Option<Utc>,
    json: bool,
}

impl Lister {
    /// Writes a line for each; says when the journal begins, if that is not where the node began.
    fn list(&self, journal: &ReadOnly, out: &mut impl Write) -> Result<Option<Utc>> {
        let (first, last) = (journal.first_seq(), journal.last_seq());
        self.head(out)?;
        if last < first {
            return Ok(None);
        }
        let skipped = quarantined(journal)?;
        // Answers reports alone, so that one that was asked again with its key is known to be the same. A node forgets an answer within
        // the ten minutes if its USS had 4 MiB of others: then it took for new what is listed as the same here.
        let (mut answers, mut begins) = (Dss::default(), None);
        let bar = progress(last.0 + 1 - first.0, "reading the journal");
        for item in journal.read(first)?.take_while(|item| !matches!(item, Ok((seq, _)) if *seq > last)) {
            let (Seq(seq), bytes) = item?;
            if seq.is_multiple_of(1024) {
                bar.set_position(seq - first.0);
            }
            let of = || format!("journal entry {seq} is not one of this version; nothing is guessed");
            let (now, kind) = peek(&bytes).with_context(of)?;
            if seq == first.0 && first > Seq(1) {
                begins = Some(now.utc);
            }
            let wanted = match self.listed {
                Listed::Reports { .. } => DSS,
                Listed::Notified { .. } => NOTIFIED,
            };
            if kind != wanted || skipped.contains(&seq) {
                continue;
            }
            let entry: Entry = minicbor::decode(&bytes).with_context(of)?;
            let at = entry.now.utc;
            let in_time = self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to);
            match (&self.listed, entry.input) {
                (Listed::Reports { uss }, Input::Dss(request, _)) => {
                    let Ask::Report(body) = &request.ask else { continue };
                    let utc_us = at.0.saturating_mul(1000);
                    answers.handle_time(utc_us);
                    let again = answers.is_kept(&request);
                    let Ok(Answer::Report(id)) = answers.handle(&request, utc_us) else { continue };
                    if in_time && uss.as_ref().is_none_or(|uss| *uss == request.manager) {
                        self.report(out, &Report { seq, at, id, again, request: &request, body })?;
                    }
                }
                (Listed::Notified { uss, address, entity }, Input::Notified(notified)) => {
                    let there = address.as_ref().is_none_or(|address| notified.address.starts_with(address));
                    let there = there && (uss.is_none() || *uss == notified.manager);
                    if in_time && there && entity.is_none_or(|entity| entity == notified.entity) {
                        self.notified(out, seq, at, &notified)?;
                    }
                }
                _ => {}
            }
        }
        bar.finish_and_clear();
        Ok(begins)
    }

    fn head(&self, out: &mut impl Write) -> Result<()> {
        match self.listed {
            _ if self.json => {}
            Listed::Reports { .. } => writeln!(out, "{:<24} {:<36}  {:<16} what", "time", "report", "uss")?,
            Listed::Notified { .. } => {
                writeln!(out, "{:<24} {:<36}  {:<32} outcome", "time", "entity", "address")?;
            }
        }
        Ok(())
    }

    fn report(&self, out: &mut impl Write, report: &Report<'_>) -> Result<()> {
        let Report { seq, at, id, again, request, body } = report;
        // It was JSON when it was taken; whatever it is now is shown.
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        if self.json {
            let value = json!({
                "utc_ms": at.0, "journal": seq, "report_id": id.to_string(), "uss": request.manager, "again": again,
                "idempotency_key": request.key, "report": body,
            });
            writeln!(out, "{value}")?;
            return Ok(());
        }
        let (exchange, again) = (&body["exchange"], if *again { " (asked again)" } else { "" });
        let text = |field: &str| exchange[field].as_str().map(plain).unwrap_or_default();
        let answered = exchange["response_code"].as_i64().map_or_else(|| "no answer".into(), |code| code.to_string());
        let at = rfc3339(*at);
        writeln!(
            out,
            "{at:<24} {id}  {:<16} {} {}: {answered}{again}",
            plain(&request.manager),
            text("method"),
            text("url")
        )?;
        for (what, said) in [("problem", text("problem")), ("as", text("recorder_role"))] {
            if !said.is_empty() {
                writeln!(out, "    {what}: {said}")?;
            }
        }
        Ok(())
    }

    fn notified(&self, out: &mut impl Write, seq: u64, at: Utc, notified: &Notified) -> Result<()> {
        let Notified { address, entity, subscriptions, ovn, outcome, manager, .. } = notified;
        let (word, status, why) = match outcome {
            NotifyOutcome::Sent(status) => ("sent", Some(*status), None),
            NotifyOutcome::Refused(status) => ("refused", Some(*status), None),
            NotifyOutcome::Failed(why) => ("failed", None, Some(why.as_str())),
            NotifyOutcome::Unwanted => ("unwanted", None, Some("its subscriptions are over: nothing was sent")),
        };
        if self.json {
            let told =
                |(id, index): &(Id, u32)| json!({ "subscription_id": id.to_string(), "notification_index": index });
            let value = json!({
                "utc_ms": at.0, "journal": seq, "uss": manager, "address": address, "entity": entity.to_string(), "ovn": ovn,
                "subscriptions": subscriptions.iter().map(told).collect::<Vec<_>>(),
                "outcome": word, "status": status, "why": why,
            });
            writeln!(out, "{value}")?;
            return Ok(());
        }
        let more = status.map(|status| format!(" {status}")).or_else(|| why.map(|why| format!(": {}", plain(why))));
        let (at, more) = (rfc3339(at), more.unwrap_or_default());
        writeln!(out, "{at:<24} {entity}  {:<32} {word}{more}", plain(address))?;
        if let Some(uss) = manager {
            writeln!(out, "    uss {}", plain(uss))?;
        }
        match ovn {
            Some(ovn) => writeln!(out, "    version {}", plain(ovn))?,
            None if status.is_some() => writeln!(out, "    that it is gone")?,
            None => {}
        }
        for (id, index) in subscriptions {
            writeln!(out, "    subscription {id}, notification {index}")?;
        }
        Ok(())
    }
}

/// A report as it stands in the journal.
struct Report<'a> {
    seq: u64,
    at: Utc,
    /// The number that was answered.
    id: Id,
    /// With its key, after an answer that did not come: it is no other report.
    again: bool,
    request: &'a Request,
    body: &'a str,
}

/// Inputs that the node skips, and has not taken.
fn quarantined(journal: &ReadOnly) -> Result<BTreeSet<u64>> {
    let mut all = BTreeSet::new();
    for item in journal.read(journal.first_seq())? {
        let (_, bytes) = item?;
        if peek(&bytes).is_some_and(|(_, kind)| kind == QUARANTINE)
            && let Ok(Entry { input: Input::Quarantine { seq }, .. }) = minicbor::decode(&bytes)
        {
            all.insert(seq);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Journal, SegmentJournal};
    use units::{Mono, Now};

    const ENTITY: Id = Id([7; 16]);

    fn report(uss: &str, entropy: u8, key: Option<&str>, code: u16) -> Input {
        let body = json!({ "exchange": {
            "url": "https://dss.example/x\u{1b}[2J", "method": "GET", "recorder_role": "Client", "response_code": code,
            "problem": "no answer in time", "request_time": { "value": "2026-08-01T05:00:00Z", "format": "RFC3339" } } });
        let (entropy, key) = ([entropy; 32], key.map(str::to_owned));
        Input::Dss(Box::new(Request { manager: uss.into(), entropy, key, ask: Ask::Report(body.to_string()) }), None)
    }

    fn notified(address: &str, ovn: Option<&str>, outcome: NotifyOutcome) -> Input {
        let manager = address.contains("b.example").then(|| "uss2".into());
        let (address, ovn, subscriptions) = (address.into(), ovn.map(str::to_owned), vec![(Id([9; 16]), 3)]);
        Input::Notified(Box::new(Notified { address, entity: ENTITY, change: 1, subscriptions, ovn, outcome, manager }))
    }

    /// A journal with an input each second.
    fn journal(inputs: Vec<Input>) -> (tempfile::TempDir, ReadOnly) {
        let dir = tempfile::tempdir().unwrap();
        let options = journal::Options { reserve_bytes: 0, ..journal::Options::default() };
        let (mut journal, _) = SegmentJournal::open(dir.path(), options).unwrap();
        for (n, input) in (1u64..).zip(inputs) {
            let now = Now { mono: Mono(n), utc: Utc(1_000 * n as i64), utc_error_ms: 1 };
            journal.append_batch(None, &[&minicbor::to_vec(Entry { now, input }).unwrap()]).unwrap();
        }
        // Open as a node holds it: it is read beside.
        std::mem::forget(journal);
        let read = ReadOnly::open(dir.path()).unwrap();
        (dir, read)
    }

    fn lister(listed: Listed, json: bool) -> Lister {
        Lister { listed, from: None, to: None, json }
    }

    fn text(lister: &Lister, journal: &ReadOnly) -> String {
        let mut out = Vec::new();
        assert_eq!(lister.list(journal, &mut out).unwrap(), None);
        String::from_utf8(out).unwrap()
    }

    fn lines(lister: &Lister, journal: &ReadOnly) -> Vec<Value> {
        text(lister, journal).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn reports_are_listed_with_the_number_that_was_answered_and_one_asked_again_is_the_same() {
        let (_dir, journal) = journal(vec![
            report("uss1", 1, Some("k"), 500),
            Input::Tick,
            report("uss1", 2, Some("k"), 500),
            report("uss2", 3, Some("k"), 500),
            notified("https://a.example", None, NotifyOutcome::Sent(204)),
            // Made the fold fail, so nothing of it was taken.
            report("uss1", 4, None, 500),
            Input::Quarantine { seq: 6 },
            report("uss1", 5, None, 404),
        ]);
        let all = lines(&lister(Listed::Reports { uss: None }, true), &journal);
        let rows: Vec<_> =
            all.iter().map(|l| (l["journal"].as_u64(), l["uss"].as_str(), l["again"].as_bool())).collect();
        let row = |seq, uss, again| (Some(seq), Some(uss), Some(again));
        assert_eq!(rows, [row(1, "uss1", false), row(3, "uss1", true), row(4, "uss2", false), row(8, "uss1", false)]);
        assert!(all[0]["report_id"] == all[1]["report_id"] && all[0]["report_id"] != all[2]["report_id"]);
        // The number is the one that the node answers.
        let (_, bytes) = journal.read(Seq(8)).unwrap().next().unwrap().unwrap();
        let Input::Dss(request, _) = minicbor::decode::<Entry>(&bytes).unwrap().input else { panic!() };
        let Ok(Answer::Report(id)) = Dss::default().handle(&request, 0) else { panic!() };
        assert_eq!(
            (&all[3]["report_id"], &all[3]["report"]["exchange"]["response_code"]),
            (&json!(id.to_string()), &json!(404))
        );
        assert_eq!((all[3]["utc_ms"].as_i64(), &all[0]["idempotency_key"]), (Some(8_000), &json!("k")));

        let (from, to) = (Some(Utc(3_000)), Some(Utc(7_999)));
        let between = Lister { from, to, ..lister(Listed::Reports { uss: Some("uss1".into()) }, true) };
        let between = lines(&between, &journal);
        assert_eq!(between, [all[1].clone()], "also what was asked again after the first, which is not listed");

        let table = text(&lister(Listed::Reports { uss: Some("uss2".into()) }, false), &journal);
        let id = all[2]["report_id"].as_str().unwrap();
        let row = format!("1970-01-01T00:00:04Z     {id}  uss2             GET https://dss.example/x [2J: 500");
        assert_eq!(
            table.lines().skip(1).collect::<Vec<_>>(),
            [&row, "    problem: no answer in time", "    as: Client"]
        );
    }

    #[test]
    fn who_was_notified_is_listed_with_version_and_outcome() {
        let (_dir, journal) = journal(vec![
            notified("https://a.example/utm", Some("version-1"), NotifyOutcome::Refused(503)),
            notified("https://a.example/utm", Some("version-1"), NotifyOutcome::Sent(204)),
            report("uss1", 1, None, 500),
            notified("https://b.example/utm", None, NotifyOutcome::Sent(200)),
            notified("https://b.example/utm", None, NotifyOutcome::Failed("no \u{1b}route".into())),
            notified("https://b.example/utm", None, NotifyOutcome::Unwanted),
        ]);
        let listed =
            |address: Option<&str>, entity| Listed::Notified { uss: None, address: address.map(str::to_owned), entity };
        let all = lines(&lister(listed(None, None), true), &journal);
        let rows: Vec<_> =
            all.iter().map(|l| (l["outcome"].as_str().unwrap(), l["status"].as_u64(), l["ovn"].as_str())).collect();
        let version = Some("version-1");
        assert_eq!(
            rows[..3],
            [("refused", Some(503), version), ("sent", Some(204), version), ("sent", Some(200), None)]
        );
        assert_eq!(rows[3..], [("failed", None, None), ("unwanted", None, None)]);
        assert_eq!(
            (&all[0]["address"], &all[0]["journal"], &all[0]["utc_ms"]),
            (&json!("https://a.example/utm"), &json!(1), &json!(1_000))
        );
        assert_eq!(all[0]["entity"], ENTITY.to_string());
        let told = json!([{ "subscription_id": Id([9; 16]).to_string(), "notification_index": 3 }]);
        assert_eq!((&all[0]["subscriptions"], &all[3]["why"]), (&told, &json!("no \u{1b}route")));
        assert_eq!(lines(&lister(listed(Some("https://b."), Some(ENTITY)), true), &journal), all[2..]);
        assert!(lines(&lister(listed(None, Some(Id::MIN)), true), &journal).is_empty());
        let of = |uss: &str| Listed::Notified { uss: Some(uss.into()), address: None, entity: None };
        assert_eq!(lines(&lister(of("uss2"), true), &journal), all[2..]);
        assert_eq!((&all[0]["uss"], &all[2]["uss"]), (&Value::Null, &json!("uss2")));
        assert!(lines(&lister(of("uss1"), true), &journal).is_empty());

        let to = Lister { to: Some(Utc(2_000)), ..lister(listed(None, None), false) };
        let subscription = format!("    subscription {}, notification 3", Id([9; 16]));
        let row = |s: u8, outcome: &str| {
            format!("1970-01-01T00:00:0{s}Z     {ENTITY}  https://a.example/utm            {outcome}")
        };
        let (refused, sent, version) = (row(1, "refused 503"), row(2, "sent 204"), "    version version-1".to_owned());
        let wanted = [&refused, &version, &subscription, &sent, &version, &subscription];
        assert_eq!(text(&to, &journal).lines().skip(1).collect::<Vec<_>>(), wanted);
        let rest = text(&lister(listed(Some("https://b."), None), false), &journal);
        for line in [
            "sent 200\n    uss uss2\n    that it is gone\n",
            "failed: no  route\n    uss uss2\n    sub",
            "unwanted: its subscriptions are over",
        ] {
            assert!(rest.contains(line), "{line}: {rest}");
        }
    }

    #[test]
    fn where_the_oldest_part_was_removed_by_order_it_is_said_when_the_list_begins() {
        let dir = tempfile::tempdir().unwrap();
        let options = journal::Options { reserve_bytes: 0, segment_bytes: 4_096, ..journal::Options::default() };
        let (mut held, _) = SegmentJournal::open(dir.path(), options).unwrap();
        for n in 1..=60u8 {
            let now = Now { mono: Mono(n.into()), utc: Utc(1_000 * i64::from(n)), utc_error_ms: 1 };
            let entry = Entry { now, input: report("uss1", n, None, 500) };
            held.append_batch(None, &[&minicbor::to_vec(entry).unwrap()]).unwrap();
        }
        held.write_snapshot(held.last_seq(), b"the state").unwrap();
        let order = journal::RetentionOrder { who: "A".into(), why: "test".into(), at_utc_ms: 0 };
        assert!(!held.trim(Seq(40), &order).unwrap().removed.is_empty());
        let read = ReadOnly::open(dir.path()).unwrap();
        let (first, mut out) = (read.first_seq().0, Vec::new());
        assert!((2..=41).contains(&first), "{first}");
        let begins = lister(Listed::Reports { uss: None }, true).list(&read, &mut out).unwrap();
        assert_eq!(begins, Some(Utc(1_000 * first as i64)));
        assert_eq!(String::from_utf8(out).unwrap().lines().count() as u64, 61 - first);
    }

    #[test]
    fn an_empty_journal_lists_nothing_and_an_entry_of_another_version_is_named() {
        let (_dir, empty) = journal(Vec::new());
        assert!(lines(&lister(Listed::Reports { uss: None }, true), &empty).is_empty());
        let dir = tempfile::tempdir().unwrap();
        let options = journal::Options { reserve_bytes: 0, ..journal::Options::default() };
        let (mut held, _) = SegmentJournal::open(dir.path(), options).unwrap();
        held.append_batch(None, &[b"\xff"]).unwrap();
        let read = ReadOnly::open(dir.path()).unwrap();
        let error = lister(Listed::Reports { uss: None }, true).list(&read, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "journal entry 1 is not one of this version; nothing is guessed");
    }
}
