//! Reading a bundle: checking it, and showing it.
use crate::cli::evidence::export::pacts_of;
use crate::cli::evidence::history::seconds;
use crate::cli::evidence::stated;
use crate::cli::evidence::words::{json as record_json, sentence, short};
use crate::cli::{FOUND_BAD, Global, Outcome};
use crate::clock::rfc3339;
use crate::files::read_bounded;
use anyhow::{Context, Result};
use pact::{KeyReason, KeyStatement, SignedKeys, SignedPact};
use record::{Body, Hash32, Receipt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tlog::{Bundle, LogEvidence, LogReport, Report, TrustedKeys, VerifierKey};
use units::Utc;

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The file of evidence.
    file: PathBuf,
    /// Signed pact of the parties, from a source of your own: the keys are taken from it. May be given several times.
    #[arg(long, required_unless_present = "key")]
    pact: Vec<PathBuf>,
    /// A public key as `skypact key` prints it: VKEY, or `ORIGIN VKEY`. May be given several times.
    #[arg(long)]
    key: Vec<String>,
    /// A statement that replaced a party's keys, if it came by another way than in the file; needs --pact.
    #[arg(long)]
    statement: Vec<PathBuf>,
    /// Also show what each entry says, and by when it was received.
    #[arg(long)]
    show: bool,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The file of evidence.
    file: PathBuf,
}

/// Trusts the log and cosign keys of a pact's parties.
pub fn trust_pact(trusted: &mut TrustedKeys, signed: &SignedPact) -> Result<()> {
    let pact = signed.pact();
    for party in &pact.parties {
        trusted.add(party.log_key.clone())?;
        trusted.add(party.cosign_key.clone())?;
        for other in pact.parties.iter().filter(|p| p.id != party.id) {
            let origin = link::origin(&other.id, &party.id, &pact.mode, &pact.hash());
            trusted.add_receiver(&origin, party.cosign_key.clone())?;
        }
    }
    Ok(())
}

fn bundle_of(path: &Path) -> Result<Bundle> {
    let bytes = read_bounded(path, tlog::BUNDLE_BYTES_MAX as u64);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    Bundle::decode(&bytes).with_context(|| format!("{} is not a file of evidence", path.display()))
}

/// Where the verifier's keys come from, in words.
fn keys_of(args: &VerifyArgs, bundle: &Bundle) -> Result<(TrustedKeys, Vec<String>)> {
    let (mut trusted, mut said) = (TrustedKeys::new(), Vec::new());
    let mut pacts = Vec::new();
    for path in &args.pact {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the pact {}", path.display()))?;
        let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))?;
        trust_pact(&mut trusted, &signed)?;
        let hash = signed.pact().hash().to_string();
        let names = |all: &[record::PartyId]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        said.push(format!("keys from the pact {}, signed by {}", hash, names(signed.signed_by())));
        let missing = signed.missing();
        if !missing.is_empty() {
            said.push(format!(
                "WARNING: {} did not sign this pact; its keys are as good as the way the file came to you",
                names(&missing)
            ));
        }
        for log in bundle.logs.iter().filter(|log| !log.origin.ends_with(&format!("/{hash}"))) {
            said.push(format!("the log {} was kept under another pact than this one", log.origin));
        }
        pacts.push(signed);
    }
    for text in &args.key {
        trusted.add_text(text).with_context(|| format!("the key {text:?}"))?;
    }
    // Whoever gives a key by hand answers for its name.
    for log in bundle.logs.iter().filter(|_| !args.key.is_empty()) {
        let by_hand: Vec<VerifierKey> = args.key.iter().filter_map(|k| k.rsplit(' ').next()?.parse().ok()).collect();
        let cosigners = trusted.cosigners(&log.origin).into_iter().filter(|key| by_hand.contains(key));
        for key in cosigners.filter(|key| addressee(&log.origin).is_some_and(|name| name == key.name())) {
            trusted.add_receiver(&log.origin, key)?;
        }
    }
    if !args.key.is_empty() {
        said.push(format!("{} keys from the command line", args.key.len()));
    }
    for statement in &args.statement {
        let bytes = read_bounded(statement, pact::STATEMENT_BYTES_MAX as u64);
        let bytes = bytes.with_context(|| format!("cannot read {}", statement.display()))?;
        let signed = stated::trust(&mut trusted, &pacts, &bytes)?;
        let signed = signed.with_context(|| {
            format!("{} is no statement by an authority key of the pacts given", statement.display())
        })?;
        said.push(stated_text(&signed));
    }
    for pact in bundle.metadata.iter().flat_map(|m| pacts_of(m)) {
        if let Some(signed) = stated::trust(&mut trusted, &pacts, &pact)? {
            said.push(stated_text(&signed));
            continue;
        }
        if SignedKeys::parse(&pact).is_ok() {
            said.push("the file carries a statement about keys that no pact given here confirms: not used".into());
            continue;
        }
        let name = SignedPact::parse(&pact).map_or_else(|e| format!("no pact: {e}"), |p| p.pact().hash().to_string());
        said.push(format!("the file carries a pact for reading: {name}; no key was taken from it"));
    }
    Ok((trusted, said))
}

fn stated_text(signed: &SignedKeys) -> String {
    let KeyStatement { party, serial, reason, issued, .. } = signed.statement();
    let warning = match reason {
        KeyReason::Stolen => {
            "; older keys of it were STOLEN: a checkpoint by them proves only what the other party cosigned before, or what \
             a checkpoint by the newer key covers as well"
        }
        _ => "",
    };
    let issued = rfc3339(*issued);
    format!(
        "keys of {party} by statement {serial} of {issued} ({}), signed by its authority key{warning}",
        reason.name()
    )
}

/// Checks a bundle.
pub fn verify(args: &VerifyArgs, global: Global) -> Outcome {
    let bundle = bundle_of(&args.file)?;
    let (trusted, said) = keys_of(args, &bundle)?;
    let report = tlog::verify(&bundle, &trusted);
    if global.json {
        println!("{}", report_json(args, &bundle, &report, &said));
    } else {
        print!("{report}");
        said.iter().for_each(|line| println!("{line}"));
        for (log, of) in bundle.logs.iter().zip(&report.logs) {
            println!("{}", receipt_line(log, of));
        }
        println!("Receipts are dated by their giver, in whole seconds, rounded down.");
        if args.show {
            show_logs(&bundle, Some(&report));
        }
        if report.equivocations().next().is_some() {
            println!("A SIGNER CONTRADICTED ITSELF. This file proves it to anybody; see CONTRADICTION above.");
        }
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_BAD) })
}

/// Name of the key of the party a log is addressed to: `skypact.link/A/B/…` is addressed to B.
fn addressee(origin: &str) -> Option<String> {
    origin.strip_prefix("skypact.link/")?.split('/').nth(1).map(|party| format!("skypact.link/{party}"))
}

/// The receipt of each proven entry, by its index: dated in whole seconds, rounded down.
fn received(report: &LogReport) -> Vec<(std::ops::Range<u64>, Utc)> {
    report.received().into_iter().map(|(range, time_s)| (range, seconds(time_s))).collect()
}

fn receipt_line(log: &LogEvidence, report: &LogReport) -> String {
    let runs = received(report);
    let count: u64 = runs.iter().map(|(range, _)| range.end - range.start).sum();
    let who = addressee(&log.origin).unwrap_or_else(|| "the addressee".into());
    match (runs.iter().map(|r| r.1).min(), runs.iter().map(|r| r.1).max()) {
        (Some(first), Some(last)) => format!(
            "{who} gave receipts for {count} of {} entries of {}: the first dated {}, the last {}",
            log.entries.len(),
            log.origin,
            rfc3339(first),
            rfc3339(last)
        ),
        _ => format!("no receipt of {who} for any entry of {}", log.origin),
    }
}

/// Shows a bundle without checking it.
pub fn show(args: &ShowArgs, global: Global) -> Outcome {
    let bundle = bundle_of(&args.file)?;
    if global.json {
        let logs: Vec<Value> = bundle
            .logs
            .iter()
            .map(|log| json!({ "origin": log.origin, "entries": entries_json(log, None, &receipts(&bundle)) }))
            .collect();
        println!("{}", json!({ "file": args.file.display().to_string(), "verified": false, "logs": logs }));
    } else {
        println!("Nothing below was checked; `skypact evidence verify` does that.");
        show_logs(&bundle, None);
    }
    Ok(ExitCode::SUCCESS)
}

/// Receipts in the bundle, by the record they are for.
fn receipts(bundle: &Bundle) -> BTreeMap<Hash32, Vec<(String, u64, Receipt)>> {
    let mut out: BTreeMap<Hash32, Vec<(String, u64, Receipt)>> = BTreeMap::new();
    for log in &bundle.logs {
        for entry in &log.entries {
            if let Ok(decoded) = record::decode(&entry.bytes)
                && let Body::Receipt(receipt) = decoded.record.body
            {
                out.entry(receipt.of).or_default().push((decoded.record.issuer.to_string(), entry.index, receipt));
            }
        }
    }
    out
}

fn show_logs(bundle: &Bundle, report: Option<&Report>) {
    let receipts = receipts(bundle);
    for (n, log) in bundle.logs.iter().enumerate() {
        let of = report.map(|r| &r.logs[n]);
        println!("log {}: {} entries", log.origin, log.entries.len());
        let runs = of.map(|of| received(of)).unwrap_or_default();
        for entry in &log.entries {
            let proven = of.is_none_or(|of| of.proven.iter().any(|p| p.range.contains(&entry.index)));
            let mark = if proven { "" } else { " NOT PROVEN" };
            let by = runs.iter().find(|(range, _)| range.contains(&entry.index));
            let by = by.map(|(_, at)| format!(" [receipt dated {}]", rfc3339(*at))).unwrap_or_default();
            match record::decode(&entry.bytes) {
                Ok(decoded) => {
                    let at = rfc3339(decoded.record.issued_at);
                    println!("  {:>7} {at} {}{mark}{by}", entry.index, sentence(&decoded.record));
                    for (who, index, receipt) in receipts.get(&decoded.id).into_iter().flatten() {
                        println!(
                            "          {} by {who} at {} (its entry {index})",
                            receipt.level.name(),
                            rfc3339(receipt.at)
                        );
                    }
                }
                Err(error) => {
                    println!("  {:>7} {} bytes that are no record: {error}{mark}{by}", entry.index, entry.bytes.len())
                }
            }
        }
    }
}

fn entries_json(
    log: &LogEvidence,
    report: Option<&LogReport>,
    receipts: &BTreeMap<Hash32, Vec<(String, u64, Receipt)>>,
) -> Vec<Value> {
    let runs = report.map(|of| received(of)).unwrap_or_default();
    let one = |entry: &tlog::EntryEvidence| {
        let mut out = json!({ "index": entry.index, "checkpoint": entry.checkpoint, "bytes": entry.bytes.len() });
        if let Some(of) = report {
            out["proven"] = json!(of.proven.iter().any(|p| p.range.contains(&entry.index)));
            let by = runs.iter().find(|(range, _)| range.contains(&entry.index));
            out["receipt_dated"] = json!(by.map(|(_, at)| rfc3339(*at)));
        }
        match record::decode(&entry.bytes) {
            Ok(decoded) => {
                out["id"] = json!(decoded.id.to_string());
                out["record"] = record_json(&decoded.record);
                let of = receipts.get(&decoded.id).into_iter().flatten();
                out["receipts"] = of
                    .map(|(who, index, r)| json!({ "by": who, "index": index, "level": r.level.name(), "at": rfc3339(r.at) }))
                    .collect();
            }
            Err(error) => out["error"] = json!(error.to_string()),
        }
        out
    };
    log.entries.iter().map(one).collect()
}

fn report_json(args: &VerifyArgs, bundle: &Bundle, report: &Report, said: &[String]) -> Value {
    let text = report.to_string();
    let limits: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("not proven: ")).collect();
    let receipts = receipts(bundle);
    let logs = bundle.logs.iter().zip(&report.logs).map(|(log, of)| {
        let mut out = log_json(log, of);
        if args.show {
            out["entries"] = json!(entries_json(log, Some(of), &receipts));
        }
        out
    });
    json!({
        "file": args.file.display().to_string(),
        "sound": report.is_sound(),
        "entries": report.logs.iter().flat_map(|log| &log.proven).map(|p| p.range.end - p.range.start).sum::<u64>(),
        "contradictions": report.equivocations().count(),
        "keys": said,
        "logs": logs.collect::<Vec<_>>(),
        "not_proven": limits,
        "report": text,
    })
}

fn log_json(log: &LogEvidence, of: &LogReport) -> Value {
    let checkpoints = of.checkpoints.iter().map(|c| match &c.verified {
        Ok(tree) => json!({
            "size": tree.size,
            "root": tree.root.to_string(),
            "cosigned": c.cosigned.iter().map(|s| json!({ "by": s.name, "at": rfc3339(seconds(s.time_s)) })).collect::<Vec<_>>(),
        }),
        Err(fault) => json!({ "fault": fault.to_string() }),
    });
    let received = received(of);
    let count: u64 = received.iter().map(|(range, _)| range.end - range.start).sum();
    json!({
        "origin": short_origin(&log.origin),
        "name": log.origin,
        "sound": of.is_sound(),
        "entries_total": log.entries.len(),
        "proven": of.proven.iter().map(|p| p.range.end - p.range.start).sum::<u64>(),
        "receipts": count,
        "receipts_first": received.iter().map(|r| r.1).min().map(rfc3339),
        "receipts_last": received.iter().map(|r| r.1).max().map(rfc3339),
        "checkpoints": checkpoints.collect::<Vec<_>>(),
        "claimed_complete": of.ranges.iter().map(|r| json!([r.start, r.end])).collect::<Vec<_>>(),
        "first_bad": of.first_bad.as_ref().map(ToString::to_string),
        "not_proven": of.not_proven.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// `A to B` for people who read JSON.
fn short_origin(origin: &str) -> String {
    let parts: Vec<&str> = origin.split('/').collect();
    match parts.as_slice() {
        ["skypact.link", a, b, mode, pact] => format!("{a} to {b}, {mode}, pact {}", short(pact)),
        _ => origin.to_owned(),
    }
}
