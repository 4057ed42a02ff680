//! Whose keys speak for which log of a bundle.
//!
//! A pact's keys speak for the logs under that pact alone, each key for its own end: the owner's signs, the addressee's
//! cosignature is a receipt, a witness's is not. What a third party cosigned says nothing about the addressee.
use anyhow::Result;
use pact::{KeyReason, KeySet, Pact, SignedKeys, SignedPact};
use record::{PartyId, Record};
use tlog::{Note, TrustedKeys, VerifierKey};

/// What a log's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// Whose log.
    pub from: PartyId,
    /// To whom.
    pub to: PartyId,
    mode: String,
    pact: String,
}

impl Ends {
    /// Reads `skypact.link/A/B/MODE/PACT`; none if it is another name.
    pub fn of(origin: &str) -> Option<Self> {
        let parts: Vec<&str> = origin.strip_prefix("skypact.link/")?.split('/').collect();
        let [from, to, mode, pact] = parts.as_slice() else { return None };
        let party = |name: &str| PartyId::parse(name).ok();
        Some(Self { from: party(from)?, to: party(to)?, mode: (*mode).into(), pact: (*pact).into() })
    }

    /// Whether the log is kept under a pact, between two of its parties.
    pub fn is_under(&self, pact: &Pact) -> bool {
        let known = |id: &PartyId| pact.party(id).is_some();
        self.pact == pact.hash().to_string() && self.mode == pact.mode.label() && known(&self.from) && known(&self.to)
    }

    /// Whether these are the two logs of one link.
    pub fn is_back_of(&self, other: &Self) -> bool {
        (&self.from, &self.to, &self.mode, &self.pact) == (&other.to, &other.from, &other.mode, &other.pact)
    }

    /// Why a record in this log is not what its owner said to its addressee; none if it is. The addressee refused it (L-27):
    /// that its bytes are proven to stand here proves nothing about whoever it names.
    pub fn foreign(&self, record: &Record) -> Option<&'static str> {
        if record.issuer != self.from {
            Some("it names another issuer than the log's owner")
        } else if record.audience != self.to {
            Some("it is for another than the log's addressee")
        } else if record.mode.label() != self.mode {
            Some("it is of another mode than the log")
        } else if record.pact.to_string() != self.pact {
            Some("it is said under another pact than the log")
        } else {
            None
        }
    }
}

/// Trusts the keys of a pact for its logs among these.
pub fn pact(trusted: &mut TrustedKeys, pact: &Pact, origins: &[String]) -> Result<()> {
    for origin in origins {
        let Some(ends) = Ends::of(origin).filter(|ends| ends.is_under(pact)) else { continue };
        for party in &pact.parties {
            keys(trusted, origin, &ends, &party.id, &KeySet::of(party))?;
        }
        for witness in &pact.oversight.witnesses {
            trusted.add_witness(Some(origin), witness.clone())?;
        }
        trusted.demand(Some(origin), pact.oversight.quorum.map_or(0, |quorum| quorum.of));
    }
    Ok(())
}

/// Trusts the keys that a statement names, if the authority key of one of the pacts signed it. Which older keys it makes
/// worthless, [`thefts`] says once all statements are there.
pub fn statement(
    trusted: &mut TrustedKeys,
    pacts: &[SignedPact],
    origins: &[String],
    bytes: &[u8],
) -> Result<Option<SignedKeys>> {
    let Ok(signed) = SignedKeys::parse(bytes) else { return Ok(None) };
    let Some(pact) = pacts.iter().map(SignedPact::pact).find(|pact| signed.check(pact).is_ok()) else {
        return Ok(None);
    };
    for origin in origins {
        if let Some(ends) = Ends::of(origin).filter(|ends| ends.is_under(pact)) {
            keys(trusted, origin, &ends, &signed.statement().party, &signed.statement().keys)?;
        }
    }
    Ok(Some(signed))
}

/// Says of the keys that statements replaced which were stolen: all from before a theft but those that stayed, and by the
/// same reasoning all from before a statement that is missing (K-7) and all up to two of one number (K-3). In words, what is
/// missing or twofold.
///
/// A key that was replaced and named again did not stay: it is stolen, so that no checkpoint by it tells when an addressee heard. Every
/// key that is left was first named after each stolen one was last named, but those that were named again.
//= spec/keys.md K-17
pub fn thefts(
    trusted: &mut TrustedKeys,
    pacts: &[SignedPact],
    origins: &[String],
    stated: &[SignedKeys],
) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for pact in pacts.iter().map(SignedPact::pact) {
        for party in &pact.parties {
            let is_of = |signed: &&SignedKeys| signed.statement().party == party.id && signed.check(pact).is_ok();
            let mut all: Vec<_> = stated.iter().filter(is_of).map(SignedKeys::statement).collect();
            all.sort_by_key(|statement| statement.serial);
            all.dedup();
            let mut before = 0;
            let mut last = 0;
            for (at, statement) in all.iter().enumerate() {
                let serial = statement.serial;
                if serial == last {
                    before = at + 2;
                    said.push(format!(
                        "TWO STATEMENTS {serial} about the keys of {}: its authority key is in two hands, and the keys up to \
                         them count as stolen",
                        party.id
                    ));
                } else if serial > last + 1 {
                    before = at + 1;
                    said.push(format!(
                        "statement {} about the keys of {} is missing: the keys before it count as stolen",
                        serial - 1,
                        party.id
                    ));
                } else if statement.reason == KeyReason::Stolen {
                    before = at + 1;
                }
                last = serial;
            }
            let sets: Vec<(u32, KeySet)> = std::iter::once((0, KeySet::of(party)))
                .chain(all.into_iter().map(|s| (s.serial, s.keys.clone())))
                .collect();
            let (before, after) = sets.split_at(before);
            for origin in origins {
                let Some(ends) = Ends::of(origin).filter(|ends| ends.is_under(pact)) else { continue };
                let end: fn(&KeySet) -> &VerifierKey = if ends.from == party.id {
                    |set| &set.log_key
                } else if ends.to == party.id {
                    |set| &set.cosign_key
                } else {
                    continue;
                };
                for key in before.iter().map(|(_, set)| end(set)) {
                    let named = || sets.iter().filter(|(_, set)| end(set) == key).map(|(serial, _)| *serial);
                    let (Some(first), Some(last)) = (named().min(), named().max()) else { continue };
                    let between = sets.iter().filter(|(serial, _)| (first..=last).contains(serial));
                    if !after.iter().any(|(_, set)| end(set) == key) {
                        trusted.add_stolen(Some(origin), key.clone())?;
                    } else if between.into_iter().any(|(_, set)| end(set) != key) {
                        trusted.add_stolen_again(Some(origin), key.clone())?;
                    }
                }
            }
        }
    }
    Ok(said)
}

fn keys(trusted: &mut TrustedKeys, origin: &str, ends: &Ends, party: &PartyId, keys: &KeySet) -> Result<()> {
    if *party == ends.from {
        trusted.add_for(origin, keys.log_key.clone())?;
    } else if *party == ends.to {
        trusted.add_receiver(origin, keys.cosign_key.clone())?;
    }
    Ok(())
}

/// The note with those of its lines alone that are true signatures by these keys.
///
/// A peer may put any line into a note. One false line in the name of a key that a verifier knows would make the whole
/// checkpoint worthless to it, and so the evidence against that peer.
pub fn only(note: &Note, keys: &[VerifierKey]) -> Result<Note> {
    let alone = |line: &str| format!("{}\n{line}\n", note.text());
    let mut lines: Vec<String> = Vec::new();
    for line in note.signatures() {
        let text = line.to_text();
        let is_true = |key: &VerifierKey| tlog::open(alone(&text).as_bytes(), std::slice::from_ref(key)).is_ok();
        if keys.iter().any(|key| line.names(key) && is_true(key)) && !lines.contains(&text) {
            lines.push(text);
        }
    }
    Ok(Note::parse(alone(&lines.join("\n")).as_bytes())?)
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod of_statements;

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{Checkpoint, NoteSigner, SignatureLine, cosign, sign_checkpoint};

    #[test]
    fn a_log_s_name_is_read_whole_or_not_at_all() {
        let hash = "ab".repeat(32);
        let ends = Ends::of(&format!("skypact.link/north/south/exercise:x/{hash}")).unwrap();
        assert_eq!((ends.from.as_str(), ends.to.as_str()), ("north", "south"));
        assert!(Ends::of(&format!("skypact.link/south/north/exercise:x/{hash}")).unwrap().is_back_of(&ends));
        assert!(!Ends::of(&format!("skypact.link/south/north/live/{hash}")).unwrap().is_back_of(&ends));
        for other in ["", "skypact.link/north/south", "a.example/north/south/live/x", "skypact.link/a/b/c/d/e"] {
            assert_eq!(Ends::of(other), None, "{other}");
        }
    }

    #[test]
    fn false_lines_in_a_known_name_are_taken_out_and_true_ones_stay() {
        let (log, south) = (NoteSigner::new("n", &[1; 32]).unwrap(), NoteSigner::cosigner("s", &[2; 32]).unwrap());
        let checkpoint = Checkpoint { origin: "o".into(), size: 3, root: tlog::Hash([3; 32]) };
        let mut note = sign_checkpoint(&checkpoint, &log).unwrap();
        let good = cosign(note.text(), 5, &south).unwrap();
        note.add(good.clone()).unwrap();
        let clean = note.clone();
        let text = good.to_text();
        let (head, tail) = text.split_at(text.len() - 6);
        let forged = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
        note.add(SignatureLine::from_text(&forged).unwrap()).unwrap();
        let keys = [log.verifier().clone(), south.verifier().clone()];
        assert!(tlog::open(&note.to_bytes(), &keys).is_err(), "one false line spoils it");
        assert_eq!(only(&note, &keys).unwrap(), clean);
    }
}
