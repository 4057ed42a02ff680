//! Who may look on: auditors of the logs, and witnesses of their checkpoints (clauses 15 to 17).
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{Hash32, PartyId};
use tlog::{Algorithm, VerifierKey};

use crate::error::{Reason, cut};
use crate::form::parse_decimal;
use crate::rules::Party;

/// Most auditors: each may hold connections open at every node.
pub const AUDITORS_MAX: usize = 16;
/// Most witnesses: a link carries a checkpoint with this many cosignatures of the longest name (`spec/link.md`, note).
pub const WITNESSES_MAX: usize = 8;
/// Longest time without a quorum: a day.
const WITHIN_MAX_S: i64 = 86_400;

pub(crate) const AUDITOR: &str = "15.N auditor ID tls-spki-sha256=HEX";
pub(crate) const WITNESS: &str = "16.N witness KEY";
pub(crate) const QUORUM: &str = "17.1 quorum 2 within 60 s";

/// Who looks on. Nobody, unless the pact says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oversight {
    /// Clause 15: who may read every log of this pact; ordered by id.
    pub auditors: Vec<Auditor>,
    /// Clause 16: cosigner keys (type 0x04) of those who attest that checkpoints existed; ordered by key name.
    pub witnesses: Vec<VerifierKey>,
    /// Clause 17.1: how many of them are demanded; none if the pact demands nothing.
    pub quorum: Option<Quorum>,
}

/// An auditor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor {
    /// Name, of the form of a party's and no party's.
    pub id: PartyId,
    /// SHA-256 of the subject public key info of its TLS certificate.
    pub tls_spki_sha256: Hash32,
}

/// How much witnessing is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// Witnesses that must have cosigned, 1 to their number.
    pub of: u32,
    /// Seconds after which an entry without them is an alert.
    pub within_s: u32,
}

type Parsed<T> = Result<T, Reason>;

pub(crate) fn auditor_text(auditor: &Auditor) -> String {
    format!("auditor {} tls-spki-sha256={}", auditor.id, auditor.tls_spki_sha256)
}

pub(crate) fn quorum_text(quorum: Quorum) -> String {
    format!("quorum {} within {} s", quorum.of, quorum.within_s)
}

pub(crate) fn auditor(words: &[&str]) -> Parsed<Auditor> {
    let form = || Reason::Form { form: AUDITOR, found: cut(&words.join(" ")) };
    let [id, tls] = words else { return Err(form()) };
    let id = PartyId::parse(id)
        .map_err(|_| Reason::Value { what: "a name: 1 to 32 of a-z, 0-9, -, a letter first", found: cut(id) })?;
    let tls = tls.strip_prefix("tls-spki-sha256=").ok_or_else(form)?;
    let tls_spki_sha256 = Hash32::parse(tls)
        .ok_or_else(|| Reason::Value { what: "a SHA-256 in 64 hexadecimal digits", found: cut(tls) })?;
    Ok(Auditor { id, tls_spki_sha256 })
}

pub(crate) fn witness(words: &[&str]) -> Parsed<VerifierKey> {
    let [key] = words else { return Err(Reason::Form { form: WITNESS, found: cut(&words.join(" ")) }) };
    let key: VerifierKey = key.parse().map_err(|error| Reason::Key { which: "witness", error })?;
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(Reason::KeyType { which: "witness", type_byte: Algorithm::CosignatureV1.byte() });
    }
    Ok(key)
}

pub(crate) fn quorum(words: &[&str], witnesses: usize) -> Parsed<Quorum> {
    let form = || Reason::Form { form: QUORUM, found: cut(&words.join(" ")) };
    let [of, "within", s, "s"] = words else { return Err(form()) };
    let number = |what, text: &str, max: i64| {
        let got = parse_decimal(text, 0).ok_or_else(form)?;
        if (1..=max).contains(&got) { Ok(got as u32) } else { Err(Reason::Range { what, got, min: 1, max }) }
    };
    Ok(Quorum {
        of: number("quorum of the witnesses in clause 16", of, witnesses as i64)?,
        within_s: number("time to the quorum (s)", s, WITHIN_MAX_S)?,
    })
}

/// No one is two: an auditor is no party, and a witness shares neither key nor name with anybody. A witness of a party's
/// name would pass for its receipts.
pub(crate) fn agree(oversight: &Oversight, parties: &[Party]) -> Parsed<()> {
    let Oversight { auditors, witnesses, .. } = oversight;
    for (what, got, max) in [("auditors", auditors.len(), AUDITORS_MAX), ("witnesses", witnesses.len(), WITNESSES_MAX)]
    {
        if got > max {
            return Err(Reason::Range { what, got: got as i64, min: 0, max: max as i64 });
        }
    }
    if let Some(w) = auditors.windows(2).find(|w| w[0].id >= w[1].id) {
        return Err(Reason::Order { what: "auditors", found: w[1].id.to_string() });
    }
    if let Some(w) = witnesses.windows(2).find(|w| w[0].name() >= w[1].name()) {
        return Err(Reason::Order { what: "witnesses", found: w[1].name().to_string() });
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    for p in parties {
        names.extend([p.id.to_string(), p.log_key.name().to_string(), p.cosign_key.name().to_string()]);
        keys.extend([p.log_key.public().to_vec(), p.cosign_key.public().to_vec(), p.tls_spki_sha256.0.to_vec()]);
    }
    let audits = auditors.iter().map(|a| (a.id.to_string(), a.tls_spki_sha256.0.to_vec()));
    let attests = witnesses.iter().map(|w| (w.name().to_string(), w.public().to_vec()));
    for (name, key) in audits.chain(attests) {
        if !keys.insert(key) || names.contains(&name) {
            return Err(Reason::Value { what: "a name and a key that nobody else in the pact has", found: cut(&name) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::rules::Pact;
    use alloc::format;
    use alloc::string::{String, ToString};
    use tlog::NoteSigner;

    const GOOD: &str = include_str!("../testdata/three-parties.pact");
    const PIN: &str = "abababababababababababababababababababababababababababababababab";

    fn witness(name: &str, seed: u8) -> String {
        NoteSigner::cosigner(name, &[seed; 32]).unwrap().verifier().to_string()
    }

    fn with(lines: &[&str]) -> String {
        let (before, rates) = GOOD.split_at(GOOD.find("18.1 ").unwrap());
        format!("{before}{}\n{rates}", lines.join("\n"))
    }

    fn whole() -> String {
        let (a, b) = (witness("a.example/w", 200), witness("b.example/w", 201));
        let auditors = [format!("15.1 auditor court tls-spki-sha256={PIN}")];
        let lines =
            [&auditors[0], &format!("16.1 witness {a}"), &format!("16.2 witness {b}"), "17.1 quorum 2 within 60 s"];
        with(&lines)
    }

    #[test]
    fn auditors_witnesses_and_quorum_are_read_and_written_back_to_the_byte() {
        let text = whole();
        let pact = Pact::parse(&text).unwrap();
        assert_eq!(pact.format(), text);
        let quorum = pact.oversight.quorum.unwrap();
        assert_eq!((pact.oversight.auditors.len(), pact.oversight.witnesses.len(), quorum.of), (1, 2, 2));
        let without = Pact::parse(GOOD).unwrap();
        assert_eq!((without.format().as_str(), &without.oversight), (GOOD, &Default::default()));
        let differ = crate::differences(&without, &pact);
        let about: alloc::vec::Vec<&str> = differ.iter().map(|d| d.about.as_str()).collect();
        assert_eq!(about, ["auditor court", "witness a.example/w", "witness b.example/w", "quorum"]);
    }

    #[test]
    fn what_would_make_one_pass_for_another_is_refused() {
        let (a, b) = (witness("a.example/w", 200), witness("b.example/w", 201));
        // North's receipt key has seed 102, its TLS pin is all 02.
        let same_name = witness("skypact.link/north", 203);
        let same_key = witness("c.example/w", 102);
        let two = "02".repeat(32);
        let log = NoteSigner::new("x", &[9; 32]).unwrap().verifier().to_string();
        for (lines, want) in [
            (alloc::vec![format!("16.1 witness {same_name}")], "nobody else in the pact has"),
            (alloc::vec![format!("16.1 witness {same_key}")], "nobody else in the pact has"),
            (alloc::vec![format!("15.1 auditor court tls-spki-sha256={two}")], "nobody else in the pact has"),
            (alloc::vec![format!("15.1 auditor north tls-spki-sha256={PIN}")], "nobody else in the pact has"),
            (alloc::vec![format!("16.1 witness {b}"), format!("16.2 witness {a}")], "witnesses stand in order"),
            (alloc::vec![format!("16.1 witness {a}"), format!("16.2 witness {a}")], "witnesses stand in order"),
            (alloc::vec![format!("16.1 witness {log}")], "witness"),
            (alloc::vec!["17.1 quorum 1 within 60 s".into()], "is not between 1 and 0"),
            (alloc::vec![format!("16.1 witness {a}"), "17.1 quorum 2 within 60 s".into()], "is not between 1 and 1"),
            (alloc::vec![format!("16.1 witness {a}"), "17.1 quorum 1 within 0 s".into()], "is not between 1 and 86400"),
            (
                alloc::vec![
                    format!("16.1 witness {a}"),
                    "17.1 quorum 1 within 5 s".into(),
                    "17.2 quorum 1 within 6 s".into()
                ],
                "17.2",
            ),
            (alloc::vec!["15.1 auditor Court tls-spki-sha256=00".into()], "is not a name"),
            (alloc::vec![format!("15.2 auditor court tls-spki-sha256={PIN}")], "missing"),
        ] {
            let lines: alloc::vec::Vec<&str> = lines.iter().map(String::as_str).collect();
            let error = Pact::parse(&with(&lines)).map(drop).unwrap_err().to_string();
            assert!(error.contains(want), "{lines:?}: {error}");
        }
        let many: alloc::vec::Vec<String> =
            (0..9u8).map(|n| format!("16.{} witness {}", n + 1, witness(&format!("w{n}"), 210 + n))).collect();
        let many: alloc::vec::Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(Pact::parse(&with(&many)).unwrap_err().to_string().contains("witnesses 9 is not between 0 and 8"));
    }
}
