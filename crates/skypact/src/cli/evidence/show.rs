//! What the entries of a bundle say, line by line or for machines.
use crate::cli::evidence::brackets::{Bracket, Claims};
use crate::cli::evidence::read::received;
use crate::cli::evidence::trust::Ends;
use crate::cli::evidence::words::{json as record_json, sentence};
use crate::clock::rfc3339;
use record::{Body, Hash32, Receipt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Range;
use tlog::{Bundle, LogEvidence, Report};
use units::Utc;

/// The result of verifying, if it was verified.
pub type Checked<'r> = Option<(&'r Report, &'r Claims)>;

/// Receipts by the record they are for: who gave it, in which entry of its log.
type Receipts = BTreeMap<Hash32, Vec<(String, u64, Receipt)>>;

/// Receipts in the bundle. Each is its issuer's word only where it stands in the issuer's own log, back to whom it is for; once
/// verified, only where it is proven to stand there.
fn receipts(bundle: &Bundle, checked: Checked<'_>) -> Receipts {
    let mut out = Receipts::new();
    for (n, log) in bundle.logs.iter().enumerate() {
        let Some(ends) = Ends::of(&log.origin) else { continue };
        for (at, entry) in log.entries.iter().enumerate() {
            let good = checked.is_none_or(|(report, _)| report.logs[n].good[at]);
            if let (true, Ok(decoded)) = (good, record::decode(&entry.bytes))
                && ends.foreign(&decoded.record).is_none()
                && let Body::Receipt(receipt) = decoded.record.body
            {
                out.entry(receipt.of).or_default().push((ends.from.to_string(), entry.index, receipt));
            }
        }
    }
    out
}

/// One log of a bundle, with what is known of its entries.
struct Log<'b> {
    log: &'b LogEvidence,
    ends: Option<Ends>,
    checked: Checked<'b>,
    /// Position of the log in the bundle.
    n: usize,
    dated: Vec<(Range<u64>, Utc)>,
}

impl<'b> Log<'b> {
    fn of(bundle: &'b Bundle, n: usize, checked: Checked<'b>) -> Self {
        let log = &bundle.logs[n];
        let dated = checked.map(|(report, _)| received(&report.logs[n])).unwrap_or_default();
        Self { log, ends: Ends::of(&log.origin), checked, n, dated }
    }

    fn is_good(&self, at: usize) -> bool {
        self.checked.is_none_or(|(report, _)| report.logs[self.n].good[at])
    }

    /// The addressee's dated receipt.
    fn dated(&self, at: usize) -> Option<Utc> {
        let index = self.log.entries[at].index;
        self.dated.iter().find(|(range, _)| self.is_good(at) && range.contains(&index)).map(|(_, dated)| *dated)
    }

    fn bracket(&self, at: usize) -> Bracket {
        let good = self.checked.filter(|_| self.is_good(at));
        good.map_or_else(Bracket::default, |(_, claims)| claims.dated[self.n].bracket(self.log.entries[at].index))
    }

    /// Why a record is not the word of the log's owner.
    fn foreign(&self, record: &record::Record) -> Option<&'static str> {
        self.ends.as_ref().and_then(|ends| ends.foreign(record))
    }
}

/// Prints every entry.
pub fn logs(bundle: &Bundle, checked: Checked<'_>) {
    let receipts = receipts(bundle, checked);
    for n in 0..bundle.logs.len() {
        let log = Log::of(bundle, n, checked);
        println!("log {}: {} entries", log.log.origin, log.log.entries.len());
        for (at, entry) in log.log.entries.iter().enumerate() {
            let mark = if log.is_good(at) { "" } else { " NOT PROVEN" };
            let by = log.dated(at).map(|at| format!(" [receipt dated {}]", rfc3339(at))).unwrap_or_default();
            let decoded = match record::decode(&entry.bytes) {
                Ok(decoded) => decoded,
                Err(error) => {
                    println!("  {:>7} {} bytes that are no record: {error}{mark}{by}", entry.index, entry.bytes.len());
                    continue;
                }
            };
            let issued = rfc3339(decoded.record.issued_at);
            println!("  {:>7} {issued} {}{mark}{by}", entry.index, sentence(&decoded.record));
            if let Some(why) = log.foreign(&decoded.record) {
                println!(
                    "          NOT WHAT {} SAID: {why}",
                    log.ends.as_ref().map_or("ITS OWNER", |e| e.from.as_str())
                );
                continue;
            }
            if let Some((_, claims)) = checked {
                let of = claims.off[n].iter().filter(|claim| claim.index == entry.index && log.is_good(at));
                of.for_each(|claim| println!("          CLAIMED TIME: {}", claim.text()));
            }
            for (who, index, receipt) in receipts.get(&decoded.id).into_iter().flatten() {
                println!("          {} by {who} at {} (its entry {index})", receipt.level.name(), rfc3339(receipt.at));
            }
        }
        for said in &log.log.unsigned {
            let what = record::decode(&said.bytes).map_or_else(
                |error| format!("{} bytes that are no record: {error}", said.bytes.len()),
                |decoded| sentence(&decoded.record),
            );
            println!("  {:>7} NOT SIGNED BY ANYBODY, the receiver's word: said ahead of its turn: {what}", said.index);
        }
    }
}

/// The entries of one log.
pub fn entries_json(bundle: &Bundle, n: usize, checked: Checked<'_>) -> Vec<Value> {
    let receipts = receipts(bundle, checked);
    let log = Log::of(bundle, n, checked);
    let one = |(at, entry): (usize, &tlog::EntryEvidence)| {
        let mut out = json!({ "index": entry.index, "checkpoint": entry.checkpoint, "bytes": entry.bytes.len() });
        let decoded = record::decode(&entry.bytes);
        if checked.is_some() {
            out["proven"] = json!(log.is_good(at));
            out["receipt_dated"] = json!(log.dated(at).map(rfc3339));
            out["told"] = log.bracket(at).json();
        }
        match decoded {
            Ok(decoded) => {
                out["id"] = json!(decoded.id.to_string());
                out["record"] = record_json(&decoded.record);
                if let Some(why) = log.foreign(&decoded.record) {
                    out["foreign"] = json!(why);
                    return out;
                }
                if checked.is_some() {
                    out["claimed_off_ms"] = json!(log.bracket(at).off_ms(decoded.record.issued_at));
                }
                let of = receipts.get(&decoded.id).into_iter().flatten();
                out["receipts"] = of
                    .map(|(who, index, r)| json!({ "by": who, "index": index, "level": r.level.name(), "at": rfc3339(r.at) }))
                    .collect();
            }
            Err(error) => out["error"] = json!(error.to_string()),
        }
        out
    };
    log.log.entries.iter().enumerate().map(one).collect()
}

/// What nobody signed, of one log: its receiver's word.
pub fn unsigned_json(log: &LogEvidence) -> Vec<Value> {
    let one = |said: &tlog::Unsigned| {
        let decoded = record::decode(&said.bytes).ok();
        json!({
            "index": said.index,
            "id": Hash32::of(&said.bytes).to_string(),
            "bytes": said.bytes.len(),
            "signed_by": null,
            "proven": false,
            "record": decoded.map(|decoded| record_json(&decoded.record)),
        })
    };
    log.unsigned.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Caveat, Mode, PartyId, Precedence, ReadBack, ReceiptLevel, Record, Role, SubjectId};
    use tlog::EntryEvidence;

    fn receipt(issuer: &str, audience: &str) -> Vec<u8> {
        let party = |name: &str| PartyId::parse(name).unwrap();
        let receipt = Receipt {
            of: Hash32([5; 32]),
            index: 3,
            level: ReceiptLevel::Acknowledged,
            at: Utc(1_000),
            role: Some(Role::Officer),
            read_back: Some(ReadBack::default()),
            decision: None,
            text: None,
        };
        record::encode(&Record {
            schema: record::SCHEMA,
            mode: Mode::Live,
            issuer: party(issuer),
            audience: party(audience),
            subject: SubjectId([1; 16]),
            revision: 1,
            supersedes: None,
            issued_at: Utc(1_000),
            issued_error_ms: 0,
            valid_from: None,
            valid_until: None,
            pact: Hash32([7; 32]),
            caveat: Caveat::None,
            precedence: Precedence::Routine,
            receipt: None,
            role: None,
            body: Body::Receipt(receipt),
        })
        .unwrap()
    }

    /// A party can write what it likes into its own log, the other's acknowledgement too.
    #[test]
    fn an_acknowledgement_counts_in_its_issuer_s_own_log_alone() {
        let log = |from: &str, to: &str, bytes: Vec<u8>| {
            let mut log = LogEvidence::new(&format!("skypact.link/{from}/{to}/live/{}", Hash32([7; 32])));
            log.entries.push(EntryEvidence { index: 0, checkpoint: 0, bytes, proof: tlog::Proof::default() });
            Bundle { logs: vec![log], metadata: None }
        };
        let counted = |bundle: &Bundle| receipts(bundle, None).len();
        assert_eq!(counted(&log("south", "north", receipt("south", "north"))), 1);
        for forged in [
            log("north", "south", receipt("south", "north")),
            log("south", "west", receipt("south", "north")),
            log("west", "north", receipt("south", "north")),
        ] {
            assert_eq!(counted(&forged), 0);
            assert!(entries_json(&forged, 0, None)[0]["foreign"].is_string());
        }
    }
}
