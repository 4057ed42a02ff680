//! The pact: the signed rules between parties, as a text that people read and machines compare (`spec/pact.md`).
//!
//! In scope: the text's one form, its clauses, its signatures, what follows from it (minima, deadlines, levels, keys).
//! Out of scope: where the file lies, secret keys (the binary), the state of the channel (`node`).
//!
//! Invariants: one pact has one text; the hash of the text names it; it is in force only if every party named in it
//! has signed it with the key named in it. Standards: C2SP signed-note (signatures), RFC 3339 (times).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod clause;
mod error;
mod party;
mod text;
mod time;

pub use clause::{Difference, clauses, differences};
pub use error::PactError;
pub use party::Party;

use airspace::Outline;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{Hash32, Mode, PartyId, Precedence};
use tlog::{Note, NoteSigner};
use units::{AircraftClass, Height, Utc};

/// Least separation for a pair of classes: distance, height, and how far ahead its loss is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minima {
    /// Class, or any.
    pub a: Option<AircraftClass>,
    /// Class, or any.
    pub b: Option<AircraftClass>,
    /// Lateral, millimetres.
    pub lateral_mm: i64,
    /// Vertical.
    pub vertical: Height,
    /// Look-ahead, milliseconds.
    pub horizon_ms: i64,
}

/// The terms of a pact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// 1: the parties, by name.
    pub parties: Vec<Party>,
    /// 2.1: the area; `None` is everywhere.
    pub area: Option<Outline>,
    /// 2.2: lowest level, inclusive, pressure altitude; `None` from the surface.
    pub floor: Option<Height>,
    /// 2.2: highest level, inclusive; `None` without limit.
    pub ceiling: Option<Height>,
    /// 3.1: from when.
    pub valid_from: Utc,
    /// 3.1: until when, inclusive.
    pub valid_until: Utc,
    /// 4.n: minima; one of any and any is needed.
    pub minima: Vec<Minima>,
    /// 4.0: a loss predicted within this is an alarm, before that a warning; milliseconds.
    pub alarm_ms: i64,
    /// 7.n: seconds within which a notice must be acknowledged, by precedence, ROUTINE first.
    pub acknowledge_s: [u32; 4],
    /// 12.1: live or an exercise.
    pub mode: Mode,
    /// 13.1: longest time to a checkpoint while there are new entries, ms.
    pub checkpoint_busy_ms: u32,
    /// 13.1: and otherwise, ms.
    pub checkpoint_idle_ms: u32,
    /// 13.2: clock offset that is shown, ms.
    pub clock_warn_ms: u32,
    /// 13.2: clock offset beyond which times are not certified, ms.
    pub clock_refuse_ms: u32,
    /// 14.1: record schema both speak.
    pub schema: u16,
}

/// A pact: terms, their one text, and the signatures found on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pact {
    terms: Terms,
    body: String,
    note: Option<Note>,
}

/// Longest pact, bytes: what a link carries (`spec/link.md`, section 8).
pub const TEXT_BYTES_MAX: usize = 65_536;
/// Most parties of one pact.
pub const PARTIES_MAX: usize = 16;
/// Most lines of minima.
pub const MINIMA_MAX: usize = 64;

impl Pact {
    /// Writes terms as a pact without signatures.
    ///
    /// # Errors
    /// Terms that are none.
    pub fn propose(terms: Terms) -> Result<Self, PactError> {
        let body = text::format(&terms);
        Self::parse(&body)
    }

    /// Reads a pact: the body, and after an empty line the signatures, if there are any.
    ///
    /// # Errors
    /// The first line that is not well formed, or not in its one form, with its clause.
    pub fn parse(whole: &str) -> Result<Self, PactError> {
        if whole.len() > TEXT_BYTES_MAX {
            return Err(PactError::TooLarge { bytes: whole.len() });
        }
        let (body, note) = if whole.contains("\n\n") {
            let note = Note::parse(whole.as_bytes()).map_err(|e| PactError::Signatures { reason: e.to_string() })?;
            (note.text().to_string(), Some(note))
        } else {
            (whole.to_string(), None)
        };
        let terms = text::parse(&body)?;
        text::check(&terms)?;
        let again = text::format(&terms);
        if again != body {
            return Err(text::first_difference(&body, &again));
        }
        Ok(Self { terms, body, note })
    }

    /// The text with its signatures: what is stored and sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.note {
            Some(note) => String::from_utf8_lossy(&note.to_bytes()).into_owned(),
            None => self.body.clone(),
        }
    }

    /// The text that is signed and hashed.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Name of the pact: SHA-256 of the body.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(self.body.as_bytes())
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// A key that the pact does not name as a party's log key.
    pub fn sign(&mut self, signer: &NoteSigner) -> Result<(), PactError> {
        let key = signer.verifier();
        if !self.terms.parties.iter().any(|p| p.log_key() == key) {
            return Err(PactError::NotAParty { key: key.to_string() });
        }
        let failed = |e: tlog::Error| PactError::Signatures { reason: e.to_string() };
        let signed = tlog::sign(&self.body, &[signer]).map_err(failed)?;
        match &mut self.note {
            None => self.note = Some(signed),
            Some(note) if note.signatures().iter().any(|s| s.names(key)) => {}
            Some(note) => {
                for line in signed.signatures() {
                    note.add(line.clone()).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// The parties whose signatures verify.
    ///
    /// # Errors
    /// A signature by a party's key that does not verify: the text was changed after signing.
    pub fn signers(&self) -> Result<Vec<&PartyId>, PactError> {
        let Some(note) = &self.note else { return Ok(Vec::new()) };
        let keys: Vec<_> = self.terms.parties.iter().map(|p| p.log_key().clone()).collect();
        match tlog::open(&note.to_bytes(), &keys) {
            Ok(verified) => {
                let by = verified.signed_by();
                Ok(self.terms.parties.iter().filter(|p| by.contains(p.log_key())).map(Party::name).collect())
            }
            Err(tlog::Error::PeerMisbehaved(tlog::PeerMisbehaved::NotSigned)) => Ok(Vec::new()),
            Err(e) => Err(PactError::Signatures { reason: e.to_string() }),
        }
    }

    /// Checks that every party has signed and that `now` lies within the validity.
    ///
    /// # Errors
    /// The first that is missing.
    pub fn in_force(&self, now: Utc) -> Result<(), PactError> {
        let signers = self.signers()?;
        if let Some(missing) = self.terms.parties.iter().find(|p| !signers.contains(&p.name())) {
            return Err(PactError::NotSigned { party: missing.name().clone() });
        }
        if now < self.terms.valid_from || now > self.terms.valid_until {
            return Err(PactError::NotValid { from: self.terms.valid_from, until: self.terms.valid_until });
        }
        Ok(())
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The parties, by name.
    #[must_use]
    pub fn parties(&self) -> &[Party] {
        &self.terms.parties
    }

    /// A party by name.
    #[must_use]
    pub fn party(&self, name: &PartyId) -> Option<&Party> {
        self.terms.parties.iter().find(|p| p.name() == name)
    }

    /// The minima for a pair of classes: of all lines that fit, the widest in each number. A class not known meets
    /// the widest of all lines.
    #[must_use]
    pub fn minima(&self, a: AircraftClass, b: AircraftClass) -> Minima {
        let fits = |line: Option<AircraftClass>, class: AircraftClass| {
            line.is_none_or(|c| c == class || class == AircraftClass::Unknown)
        };
        // A line for two classes is more exact than one for any; the general lines are what is left.
        let exact = |m: &&Minima| m.a.is_some() || m.b.is_some();
        let pair = |m: &&Minima| fits(m.a, a) && fits(m.b, b) || fits(m.a, b) && fits(m.b, a);
        let unknown = a == AircraftClass::Unknown || b == AircraftClass::Unknown;
        let special: Vec<&Minima> = self.terms.minima.iter().filter(exact).filter(pair).collect();
        let lines: Vec<&Minima> =
            if special.is_empty() || unknown { self.terms.minima.iter().filter(pair).collect() } else { special };
        Minima {
            a: Some(a),
            b: Some(b),
            lateral_mm: lines.iter().map(|m| m.lateral_mm).max().unwrap_or_default(),
            vertical: lines.iter().map(|m| m.vertical).max().unwrap_or_default(),
            horizon_ms: lines.iter().map(|m| m.horizon_ms).max().unwrap_or_default(),
        }
    }

    /// How far ahead a predicted loss is an alarm, ms.
    #[must_use]
    pub fn alarm_horizon_ms(&self) -> i64 {
        self.terms.alarm_ms
    }

    /// Seconds within which a notice of this precedence must be acknowledged.
    #[must_use]
    pub fn acknowledge_s(&self, precedence: Precedence) -> u32 {
        self.terms.acknowledge_s[precedence as usize]
    }

    /// Whether a pressure altitude lies within the pact's levels, both inclusive.
    #[must_use]
    pub fn levels_contain(&self, height: Height) -> bool {
        self.terms.floor.is_none_or(|f| height >= f) && self.terms.ceiling.is_none_or(|c| height <= c)
    }
}
