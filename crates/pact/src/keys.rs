//! Statements about a party's keys: a later set takes the place of the one in the pact, by the word of a key that is
//! kept away from the node (`spec/keys.md`).
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{Hash32, PartyId};
use tlog::{Algorithm, Note, NoteSigner, VerifierKey};
use units::Utc;

use crate::error::cut;
use crate::form::{parse_decimal, parse_time, time};
use crate::rules::{Pact, Party, key_name};

/// First line of every statement.
const TITLE: &str = "skypact keys v1";
/// Most statements of a party under one pact: a new pact is agreed before the 65th. State: 64 × 16 parties × 2 kB = 2 MB.
pub const STATEMENTS_MAX: usize = 64;
/// Most bytes of a statement: title 16, pact 70, party 39, serial 12, two keys of 14 + 255 + 10 + 45, TLS 81, reason 16,
/// issued 28, blank line, and a signature line of 3 + 255 + 1 + 92 + 1: below 1,300.
pub const STATEMENT_BYTES_MAX: usize = 2048;

/// Why keys are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyReason {
    /// By calendar.
    Rotation,
    /// Somebody else may have them: what they sign from now on is not the party's word.
    Stolen,
    /// Nobody has them any more.
    Lost,
}

impl KeyReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Rotation, Self::Stolen, Self::Lost];

    /// The word used in texts, on the command line and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Stolen => "stolen",
            Self::Lost => "lost",
        }
    }

    /// From [`KeyReason::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// The keys by which a party is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    /// Signs the checkpoints of its logs (type 0x01).
    pub log_key: VerifierKey,
    /// Signs its cosignatures (type 0x04).
    pub cosign_key: VerifierKey,
    /// SHA-256 of the subject public key info of its TLS certificate.
    pub tls_spki_sha256: Hash32,
}

impl KeySet {
    /// The keys that a pact's clause 1 names.
    #[must_use]
    pub fn of(party: &Party) -> Self {
        let (log_key, cosign_key) = (party.log_key.clone(), party.cosign_key.clone());
        Self { log_key, cosign_key, tls_spki_sha256: party.tls_spki_sha256 }
    }

    fn publics(&self) -> [&[u8]; 3] {
        [self.log_key.public(), self.cosign_key.public(), &self.tls_spki_sha256.0]
    }
}

/// What the holder of a party's authority key states: from now on these are its keys, and no older ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatement {
    /// Hash of the pact it is about.
    pub pact: Hash32,
    /// Whose keys.
    pub party: PartyId,
    /// Counts the statements of a party under a pact, from 1; the highest holds.
    pub serial: u32,
    /// The keys.
    pub keys: KeySet,
    /// Why.
    pub reason: KeyReason,
    /// When it was made, by its maker's clock; a whole second.
    pub issued: Utc,
}

/// Why a statement about keys is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not in the one form.
    #[error("line {line} is not {wanted}")]
    Form {
        /// From 1.
        line: usize,
        /// What stands there in a statement.
        wanted: &'static str,
    },
    /// The note or its signature is bad.
    #[error(transparent)]
    Note(#[from] tlog::Error),
    /// More bytes than a statement has.
    #[error("{bytes} bytes, a statement has at most {STATEMENT_BYTES_MAX}")]
    TooLarge {
        /// Found.
        bytes: usize,
    },
    /// About another pact.
    #[error("it is about the pact {theirs}, not {ours}")]
    OtherPact {
        /// Ours.
        ours: Hash32,
        /// The statement's.
        theirs: Hash32,
    },
    /// The pact does not name the party.
    #[error("the pact does not name {party}")]
    NotAParty {
        /// The name.
        party: PartyId,
    },
    /// The pact names no authority key for it, so its keys change with a new pact alone.
    #[error("clause 1 names no authority key of {party}: its keys change only with a new pact")]
    NoAuthority {
        /// The party.
        party: PartyId,
    },
    /// A key that somebody has already, or that serves two ends.
    #[error("the statement names a key that is in use for something else under this pact")]
    KeyTwice,
    /// A key that the party had before the one it has now: it would come and go as the party likes.
    #[error("the {which} is one that the party had before, and that was replaced since: a key is never taken again")]
    KeyAgain {
        /// Which key.
        which: &'static str,
    },
    /// A key of another name than the party's keys have: it would pass for somebody else's.
    #[error("the {which} is named `{found}`; its name must be `{wanted}`")]
    KeyName {
        /// Which key.
        which: &'static str,
        /// Its name, cut.
        found: String,
        /// What it must be.
        wanted: String,
    },
}

impl KeyStatement {
    /// Writes the statement in its one form.
    #[must_use]
    pub fn format(&self) -> String {
        let Self { pact, party, serial, keys, reason, issued } = self;
        let KeySet { log_key, cosign_key, tls_spki_sha256 } = keys;
        format!(
            "{TITLE}\npact {pact}\nparty {party}\nserial {serial}\nlog-key {log_key}\ncosign-key {cosign_key}\n\
             tls-spki-sha256 {tls_spki_sha256}\nreason {}\nissued {}\n",
            reason.name(),
            time(*issued)
        )
    }

    /// Reads a statement's text. There is one way to write each.
    ///
    /// # Errors
    /// The first line that is not what stands there.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = Lines { lines: text.split('\n'), at: 0 };
        lines.title()?;
        let statement = Self {
            pact: lines.word("pact ", "`pact` and a SHA-256", Hash32::parse)?,
            party: lines.word("party ", "`party` and its name", |t| PartyId::parse(t).ok())?,
            serial: lines.word("serial ", "`serial` and a number from 1", |t| {
                parse_decimal(t, 0).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
            })?,
            keys: KeySet {
                log_key: lines
                    .word("log-key ", "`log-key` and an Ed25519 verifier key", |t| key(t, Algorithm::Ed25519))?,
                cosign_key: lines.word("cosign-key ", "`cosign-key` and a cosignature/v1 verifier key", |t| {
                    key(t, Algorithm::CosignatureV1)
                })?,
                tls_spki_sha256: lines.word("tls-spki-sha256 ", "`tls-spki-sha256` and a SHA-256", Hash32::parse)?,
            },
            reason: lines.word("reason ", "`reason` and rotation, stolen or lost", KeyReason::parse)?,
            issued: lines.word("issued ", "`issued` and a time as 2026-01-31T23:59:59Z", parse_time)?,
        };
        // What reads the same must be the same: hexadecimal has capitals, numbers have leading zeros.
        let written = statement.format();
        if written == text {
            return Ok(statement);
        }
        let line = written.split('\n').zip(text.split('\n')).take_while(|(a, b)| a == b).count() + 1;
        Err(KeyError::Form { line, wanted: "in the one form that a statement has" })
    }
}

fn key(text: &str, algorithm: Algorithm) -> Option<VerifierKey> {
    text.parse().ok().filter(|key: &VerifierKey| key.algorithm() == algorithm)
}

struct Lines<'t> {
    lines: core::str::Split<'t, char>,
    at: usize,
}

impl<'t> Lines<'t> {
    fn title(&mut self) -> Result<(), KeyError> {
        self.word("", "`skypact keys v1`: this is no statement about keys", |t| (t == TITLE).then_some(()))
    }

    fn word<T>(
        &mut self,
        prefix: &str,
        wanted: &'static str,
        read: impl FnOnce(&'t str) -> Option<T>,
    ) -> Result<T, KeyError> {
        self.at += 1;
        let word = self.lines.next().and_then(|line| line.strip_prefix(prefix));
        word.and_then(read).ok_or(KeyError::Form { line: self.at, wanted })
    }
}

/// A statement with its signature, checked against a pact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedKeys {
    statement: KeyStatement,
    note: Note,
}

impl SignedKeys {
    /// Signs a statement with the authority key. Whether it is the pact's is for [`SignedKeys::check`] to say.
    ///
    /// # Errors
    /// A statement that could not be read back.
    pub fn sign(statement: KeyStatement, authority: &NoteSigner) -> Result<Self, KeyError> {
        let text = statement.format();
        KeyStatement::parse(&text)?;
        let note = tlog::sign(&text, &[authority])?;
        Ok(Self { statement, note })
    }

    /// Reads the file's bytes. The signature is not checked: see [`SignedKeys::check`].
    ///
    /// # Errors
    /// Too many bytes, no note, or a text that is no statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > STATEMENT_BYTES_MAX {
            return Err(KeyError::TooLarge { bytes: bytes.len() });
        }
        let note = Note::parse(bytes)?;
        Ok(Self { statement: KeyStatement::parse(note.text())?, note })
    }

    /// Checks that the statement is about this pact, that the party's authority key signed it, that its keys have the
    /// party's name, and that none is in use by another party, a witness or an auditor, or for something else.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn check(&self, pact: &Pact) -> Result<(), KeyError> {
        let statement = &self.statement;
        let ours = pact.hash();
        if statement.pact != ours {
            return Err(KeyError::OtherPact { ours, theirs: statement.pact });
        }
        let party = pact.party(&statement.party);
        let party = party.ok_or_else(|| KeyError::NotAParty { party: statement.party.clone() })?;
        let authority = party.authority_key.as_ref();
        let authority = authority.ok_or_else(|| KeyError::NoAuthority { party: party.id.clone() })?;
        tlog::open(&self.note.to_bytes(), core::slice::from_ref(authority))?;
        //= spec/keys.md K-16
        let wanted = key_name(&party.id);
        for (which, key) in [("log-key", &statement.keys.log_key), ("cosign-key", &statement.keys.cosign_key)] {
            if key.name() != wanted {
                return Err(KeyError::KeyName { which, found: cut(key.name()), wanted });
            }
        }
        let [log, cosign, tls] = statement.keys.publics();
        // Each may stay what it was, for its own end; nothing may serve two.
        let of_others = pact.parties.iter().flat_map(|p| {
            let own = p.id == party.id;
            let authority = p.authority_key.iter().map(VerifierKey::public);
            let set = [p.log_key.public(), p.cosign_key.public(), &p.tls_spki_sha256.0];
            set.into_iter().filter(move |_| !own).chain(authority)
        });
        //= spec/keys.md K-2
        let auditors = pact.oversight.auditors.iter().map(|auditor| &auditor.tls_spki_sha256.0[..]);
        let witnesses = pact.oversight.witnesses.iter().map(VerifierKey::public);
        let taken: Vec<&[u8]> = of_others.chain(auditors).chain(witnesses).collect();
        let crossed = log == cosign || log == party.cosign_key.public() || cosign == party.log_key.public();
        if crossed || taken.iter().any(|public| [log, cosign, tls].contains(public)) {
            return Err(KeyError::KeyTwice);
        }
        Ok(())
    }

    /// Checks that no key is named that the party had and that was replaced since; the keys now in force may stay, each for its
    /// own end. `had` are all sets it had, oldest first: the pact's, then those of the statements before this one.
    ///
    /// # Errors
    /// [`KeyError::KeyAgain`].
    //= spec/keys.md K-2
    pub fn check_new(&self, had: &[KeySet]) -> Result<(), KeyError> {
        let Some(now) = had.last() else { return Ok(()) };
        let ends = ["log-key", "cosign-key", "TLS key"].into_iter().zip(self.statement.keys.publics());
        for ((which, key), in_force) in ends.zip(now.publics()) {
            if key != in_force && had.iter().any(|set| set.publics().contains(&key)) {
                return Err(KeyError::KeyAgain { which });
            }
        }
        Ok(())
    }

    /// What is stated.
    #[must_use]
    pub fn statement(&self) -> &KeyStatement {
        &self.statement
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).to_string()
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
