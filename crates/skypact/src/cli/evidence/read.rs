//! Reading a bundle: checking it, and showing it.
use crate::cli::evidence::brackets::{Claim, Claims};
use crate::cli::evidence::export::pacts_of;
use crate::cli::evidence::history::seconds;
use crate::cli::evidence::show;
use crate::cli::evidence::stated;
use crate::cli::evidence::trust::{self, Ends};
use crate::cli::evidence::words::short;
use crate::cli::{Exit, FOUND_BAD, Global, Outcome, UNSIGNED};
use crate::clock::rfc3339;
use crate::files::read_bounded;
use anyhow::{Context, Result, bail};
use pact::{KeyReason, KeyStatement, SignedKeys, SignedPact};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tlog::{Bundle, Cosignature, LogEvidence, LogReport, Report, Standing, Stretch, TrustedKeys, VerifierKey};
use units::Utc;

/// Claims outside of their brackets shown of each log; all are counted, and `--json` lists more.
const CLAIMS_SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The file of evidence.
    file: PathBuf,
    /// Signed pact of the parties, from a source of your own: the keys are taken from it. May be given several times.
    #[arg(long, required_unless_present = "key")]
    pact: Vec<PathBuf>,
    /// Take the keys also from a pact that its parties did not all sign. What is proven then is proven only if this pact is the
    /// one that they agreed to.
    #[arg(long, requires = "pact")]
    unsigned_pact: bool,
    /// A public key as `skypact key` prints it: VKEY, or `ORIGIN VKEY`. May be given several times.
    #[arg(long)]
    key: Vec<String>,
    /// A witness's public key, VKEY or `ORIGIN VKEY`, beside those of the pacts. What it cosigned is no receipt.
    #[arg(long)]
    witness: Vec<String>,
    /// A key that was stolen, VKEY or `ORIGIN VKEY`: what it alone signed is no proof. A statement of theft says so by itself.
    #[arg(long)]
    stolen: Vec<String>,
    /// A stolen key that its own party named again after it had been replaced: what its addressee took by it counts, whenever it did.
    #[arg(long)]
    again: Vec<String>,
    /// How many witnesses are demanded of logs whose pact is not given.
    #[arg(long, default_value_t = 0)]
    quorum: u32,
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

fn bundle_of(path: &Path) -> Result<Bundle> {
    let bytes = read_bounded(path, tlog::BUNDLE_BYTES_MAX as u64);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    Bundle::decode(&bytes).with_context(|| format!("{} is not a file of evidence", path.display()))
}

/// Where the verifier's keys come from, in words.
fn keys_of(args: &VerifyArgs, bundle: &Bundle) -> Result<(TrustedKeys, Vec<String>)> {
    let (mut trusted, mut said) = (TrustedKeys::new(), Vec::new());
    let origins: Vec<String> = bundle.logs.iter().map(|log| log.origin.clone()).collect();
    let mut pacts = Vec::new();
    for path in &args.pact {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the pact {}", path.display()))?;
        let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))?;
        trust::pact(&mut trusted, signed.pact(), &origins)?;
        let hash = signed.pact().hash().to_string();
        let names = |all: &[record::PartyId]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        said.push(format!("keys from the pact {}, signed by {}", hash, names(signed.signed_by())));
        let missing = signed.missing();
        if !missing.is_empty() {
            let unsigned = format!("{} did not sign the pact {}", names(&missing), path.display());
            if !args.unsigned_pact {
                let message = format!(
                    "{unsigned}: anybody can write one with keys of their own, so nothing is proven by it. Bring the pact with the \
                     signatures of all its parties; --unsigned-pact takes its keys all the same"
                );
                return Err(Exit { code: UNSIGNED, message }.into());
            }
            said.push(format!(
                "WARNING: {unsigned}: what is proven is PROVEN ONLY IF THIS PACT IS THE ONE they agreed to"
            ));
        }
        for log in bundle.logs.iter().filter(|log| !log.origin.ends_with(&format!("/{hash}"))) {
            said.push(format!(
                "the log {} was kept under another pact than {hash}, whose keys do not speak for it",
                log.origin
            ));
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
    for text in &args.witness {
        let (origin, key) = text.rsplit_once(' ').map_or((None, text.as_str()), |(origin, key)| (Some(origin), key));
        let key = key.parse().with_context(|| format!("the witness {text:?}"))?;
        trusted.add_witness(origin, key).with_context(|| format!("the witness {text:?}"))?;
    }
    if args.quorum > 0 {
        trusted.demand(None, args.quorum);
    }
    for (text, again) in args.stolen.iter().map(|text| (text, false)).chain(args.again.iter().map(|text| (text, true)))
    {
        let (origin, key) = text.rsplit_once(' ').map_or((None, text.as_str()), |(origin, key)| (Some(origin), key));
        let key = key.parse().with_context(|| format!("the stolen key {text:?}"))?;
        let add = if again { TrustedKeys::add_stolen_again } else { TrustedKeys::add_stolen };
        add(&mut trusted, origin, key).with_context(|| format!("the stolen key {text:?}"))?;
    }
    let mut stated: BTreeMap<Vec<u8>, SignedKeys> = BTreeMap::new();
    let mut take = |trusted: &mut TrustedKeys, bytes: &[u8]| -> Result<bool> {
        let signed = trust::statement(trusted, &pacts, &origins, bytes)?;
        let is_one = signed.is_some();
        stated.extend(signed.map(|signed| (signed.to_bytes(), signed)));
        Ok(is_one)
    };
    for statement in &args.statement {
        let bytes = read_bounded(statement, pact::STATEMENT_BYTES_MAX as u64);
        let bytes = bytes.with_context(|| format!("cannot read {}", statement.display()))?;
        if !take(&mut trusted, &bytes)? {
            bail!("{} is no statement by an authority key of the pacts given", statement.display());
        }
    }
    // Whoever passes a file on may leave the papers out; what the logs themselves hold of them goes along.
    for entry in bundle.logs.iter().flat_map(|log| &log.entries) {
        if let Some(signed) = stated::statement(&entry.bytes) {
            take(&mut trusted, &signed.to_bytes())?;
        }
    }
    for pact in bundle.metadata.iter().flat_map(|m| pacts_of(m)) {
        if take(&mut trusted, &pact)? {
            continue;
        }
        if SignedKeys::parse(&pact).is_ok() {
            said.push("the file carries a statement about keys that no pact given here confirms: not used".into());
            continue;
        }
        let name = SignedPact::parse(&pact).map_or_else(|e| format!("no pact: {e}"), |p| p.pact().hash().to_string());
        said.push(format!("the file carries a pact for reading: {name}; no key was taken from it"));
    }
    let mut stated: Vec<SignedKeys> = stated.into_values().collect();
    stated.sort_by_key(|signed| (signed.statement().party.clone(), signed.statement().serial));
    said.extend(stated.iter().map(stated_text));
    said.extend(trust::thefts(&mut trusted, &pacts, &origins, &stated)?);
    Ok((trusted, said))
}

fn stated_text(signed: &SignedKeys) -> String {
    let KeyStatement { party, serial, reason, issued, .. } = signed.statement();
    let warning = match reason {
        KeyReason::Stolen => {
            "; older keys of it were STOLEN: what they signed alone is not proven, but what a newer key's checkpoint extends, or \
             what the other party took before it heard"
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
    let claims = Claims::of(&bundle, &report);
    if global.json {
        println!("{}", report_json(args, &bundle, &report, &claims, &said));
    } else {
        print!("{report}");
        said.iter().for_each(|line| println!("{line}"));
        for (log, of) in bundle.logs.iter().zip(&report.logs).filter(|(log, _)| !log.entries.is_empty()) {
            println!("{}", receipt_line(log, of));
        }
        for (n, log) in bundle.logs.iter().enumerate().filter(|(n, _)| claims.count[*n] > 0) {
            println!(
                "CLAIMED TIMES of {} outside of what the order of the logs allows: {}",
                log.origin, claims.count[n]
            );
            claims.off[n].iter().take(CLAIMS_SHOWN).for_each(|claim| println!("  {}", claim.text()));
        }
        println!("Receipts are dated by their giver, in whole seconds, rounded down.");
        if args.show {
            show::logs(&bundle, Some((&report, &claims)));
        }
        if report.equivocations().next().is_some() {
            let by = contradicted(&report).join(", ");
            println!("A SIGNER CONTRADICTED ITSELF: {by}. This file proves it to anybody; see CONTRADICTION above.");
        }
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_BAD) })
}

/// Name of the key of the party a log is addressed to: `skypact.link/A/B/…` is addressed to B.
fn addressee(origin: &str) -> Option<String> {
    origin.strip_prefix("skypact.link/")?.split('/').nth(1).map(|party| format!("skypact.link/{party}"))
}

/// Whose logs have two histories.
fn contradicted(report: &Report) -> Vec<String> {
    let by: BTreeSet<String> = report
        .equivocations()
        .map(|proof| Ends::of(&proof.a().origin).map_or_else(|| proof.a().origin.clone(), |ends| ends.from.to_string()))
        .collect();
    by.into_iter().collect()
}

/// The receipt of each proven entry, by its index: dated in whole seconds, rounded down.
pub fn received(report: &LogReport) -> Vec<(std::ops::Range<u64>, Utc)> {
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
            .enumerate()
            .map(|(n, log)| {
                let (entries, unsigned) = (show::entries_json(&bundle, n, None), show::unsigned_json(log));
                json!({ "origin": log.origin, "entries": entries, "unsigned": unsigned })
            })
            .collect();
        println!("{}", json!({ "file": args.file.display().to_string(), "verified": false, "logs": logs }));
    } else {
        println!("Nothing below was checked; `skypact evidence verify` does that.");
        show::logs(&bundle, None);
    }
    Ok(ExitCode::SUCCESS)
}

fn report_json(args: &VerifyArgs, bundle: &Bundle, report: &Report, claims: &Claims, said: &[String]) -> Value {
    let text = report.to_string();
    let limits: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("not proven: ")).collect();
    let logs = bundle.logs.iter().zip(&report.logs).enumerate().map(|(n, (log, of))| {
        let mut out = log_json(log, of);
        out["claimed_off"] = claims.off[n].iter().map(Claim::json).collect();
        out["claimed_off_total"] = json!(claims.count[n]);
        if args.show {
            out["entries"] = json!(show::entries_json(bundle, n, Some((report, claims))));
        }
        out
    });
    json!({
        "file": args.file.display().to_string(),
        "sound": report.is_sound(),
        "entries": report.logs.iter().flat_map(|log| &log.proven).map(|p| p.range.end - p.range.start).sum::<u64>(),
        "contradictions": report.equivocations().count(),
        "contradicted": contradicted(report),
        "keys": said,
        "logs": logs.collect::<Vec<_>>(),
        "not_proven": limits,
        "report": text,
    })
}

fn log_json(log: &LogEvidence, of: &LogReport) -> Value {
    let cosigned = |s: &Cosignature| json!({ "by": s.name, "at": rfc3339(seconds(s.time_s)) });
    let checkpoints = of.checkpoints.iter().map(|c| match &c.verified {
        Ok(tree) => json!({
            "size": tree.size,
            "root": tree.root.to_string(),
            "cosigned": c.cosigned.iter().map(cosigned).collect::<Vec<_>>(),
            "witnessed": c.witnessed.iter().map(cosigned).collect::<Vec<_>>(),
            "standing": standing(c.standing),
            "disowned": c.disowned.iter().map(cosigned).collect::<Vec<_>>(),
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
        "stretches": of.stretches.iter().map(stretch_json).collect::<Vec<_>>(),
        "checkpoints": checkpoints.collect::<Vec<_>>(),
        "claimed_complete": of.ranges.iter().map(|r| json!([r.start, r.end])).collect::<Vec<_>>(),
        "unsigned": show::unsigned_json(log),
        "first_bad": of.first_bad.as_ref().map(ToString::to_string),
        "not_proven": of.not_proven.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Why a checkpoint counts as its owner's word, for machines.
fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Signed => "signed",
        Standing::Extended => "extended",
        Standing::Accepted => "accepted",
        Standing::Fallen => "fallen",
    }
}

/// Whether witnesses saw a stretch of a log.
fn stretch_json(s: &Stretch) -> Value {
    let at = |pick: fn((u64, u64)) -> u64| s.dated.map(|dated| rfc3339(seconds(pick(dated))));
    json!({
        "entries": [s.range.start, s.range.end],
        "witnessed": s.is_witnessed(),
        "by": s.by,
        "quorum": s.of,
        "first": at(|dated| dated.0),
        "last": at(|dated| dated.1),
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
