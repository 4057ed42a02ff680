//! Statements that replace a party's keys (`spec/keys.md`), as a witness takes them: from its configuration, or from whoever
//! brings one. A witness reads no log, so nothing else tells it.
use super::write_durably;
use crate::files::read_bounded;
use anyhow::{Context, Result, ensure};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pact::{KeySet, Pact, STATEMENT_BYTES_MAX, STATEMENTS_MAX, SignedKeys};
use record::{Hash32, PartyId};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tlog::VerifierKey;
use tracing::warn;

/// Statements held, by pact and party, the highest serial last.
type Held = BTreeMap<(Hash32, PartyId), Vec<SignedKeys>>;

/// The keys of the parties of some pacts.
pub struct Rings {
    pacts: Vec<Pact>,
    dir: PathBuf,
    held: Mutex<Held>,
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// These are the party's keys now.
    InForce,
    /// It is known, or an older one than is known.
    Known,
}

/// Why a statement is not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// It has not the form of one.
    Malformed(String),
    /// It is about a pact whose logs are not witnessed here.
    OtherPact,
    /// The authority key did not sign it, or it names somebody else's key, or one that was replaced before.
    Refused(String),
    /// There is another statement of this serial: the authority key is in two hands.
    Another,
    /// The party has made more than a pact allows.
    TooMany,
    /// The disk does not hold what was written.
    Broken(String),
}

impl IntoResponse for NotTaken {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, why),
            Self::OtherPact => (StatusCode::NOT_FOUND, "the logs of this pact are not witnessed here".into()),
            Self::Refused(why) => (StatusCode::FORBIDDEN, why),
            Self::Another => (StatusCode::CONFLICT, "another statement of this serial is held".into()),
            Self::TooMany => (StatusCode::UNPROCESSABLE_ENTITY, format!("{STATEMENTS_MAX} statements are held")),
            Self::Broken(why) => (StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        (status, why + "\n").into_response()
    }
}

impl Rings {
    /// Opens what was taken before, below `data`.
    ///
    /// # Errors
    /// A statement there that cannot be read, or is none of a pact that is configured: what a witness knew of keys it must
    /// not forget.
    pub fn open(pacts: Vec<Pact>, data: &Path) -> Result<Self> {
        let dir = data.join("keys");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let rings = Self { pacts, dir, held: Mutex::default() };
        let mut files: Vec<PathBuf> =
            fs::read_dir(&rings.dir)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        files.retain(|path| path.extension().is_some_and(|e| e == "keys"));
        let mut read = Vec::new();
        for path in files {
            let of = || format!("{} is not what this witness wrote", path.display());
            let bytes = read_bounded(&path, STATEMENT_BYTES_MAX as u64).with_context(of)?;
            read.push(SignedKeys::parse(&bytes).with_context(of)?);
        }
        read.sort_by_key(|signed| signed.statement().serial);
        for signed in read {
            // One of a pact that is configured no more counts for nothing, and may come back with its pact.
            if rings.pact(&signed).is_some() {
                let what = format!("statement {} of {}", signed.statement().serial, signed.statement().party);
                ensure!(rings.judge(&signed, false).is_ok(), "{what} in {} does not hold", rings.dir.display());
            }
        }
        Ok(rings)
    }

    fn pact(&self, signed: &SignedKeys) -> Option<&Pact> {
        self.pacts.iter().find(|pact| pact.hash() == signed.statement().pact)
    }

    /// Takes a statement from whoever brings it: it proves itself.
    //= spec/witness.md W-15
    //= spec/keys.md K-8
    pub fn take(&self, bytes: &[u8]) -> Result<Taken, NotTaken> {
        let signed = SignedKeys::parse(bytes).map_err(|e| NotTaken::Malformed(e.to_string()))?;
        self.judge(&signed, true)
    }

    fn judge(&self, signed: &SignedKeys, store: bool) -> Result<Taken, NotTaken> {
        let statement = signed.statement();
        let pact = self.pact(signed).ok_or(NotTaken::OtherPact)?;
        //= spec/keys.md K-1
        //= spec/keys.md K-2
        signed.check(pact).map_err(|e| NotTaken::Refused(e.to_string()))?;
        // One lock from the comparison to the durable file, as with checkpoints.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = held.entry((statement.pact, statement.party.clone())).or_default();
        //= spec/keys.md K-3
        if let Some(same) = ring.iter().find(|known| known.statement().serial == statement.serial) {
            if same.statement() == statement {
                return Ok(Taken::Known);
            }
            warn!("another statement {} of {}: {:?}", statement.serial, statement.party, signed.to_text());
            if store {
                self.write(signed, "other")?;
            }
            return Err(NotTaken::Another);
        }
        if ring.last().is_some_and(|newest| newest.statement().serial > statement.serial) {
            return Ok(Taken::Known);
        }
        //= spec/keys.md K-4
        if ring.len() >= STATEMENTS_MAX {
            return Err(NotTaken::TooMany);
        }
        // What was written before stays what it was.
        if store {
            let first = pact.party(&statement.party).map(KeySet::of);
            let had: Vec<KeySet> = first.into_iter().chain(ring.iter().map(|s| s.statement().keys.clone())).collect();
            //= spec/keys.md K-2
            signed.check_new(&had).map_err(|e| NotTaken::Refused(e.to_string()))?;
            self.write(signed, "keys")?;
        }
        ring.push(signed.clone());
        Ok(Taken::InForce)
    }

    fn write(&self, signed: &SignedKeys, extension: &str) -> Result<(), NotTaken> {
        let statement = signed.statement();
        let pact: String = statement.pact.to_string().chars().take(16).collect();
        let path = self.dir.join(format!("{pact}-{}-{}.{extension}", statement.party, statement.serial));
        write_durably(&path, &signed.to_bytes()).map_err(|e| NotTaken::Broken(format!("cannot be stored: {e:#}")))
    }

    /// The key that signs a party's logs: the newest that a statement names, else the pact's.
    //= spec/keys.md K-5
    pub fn log_key(&self, pact: &Hash32, party: &PartyId) -> Option<VerifierKey> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let stated = held.get(&(*pact, party.clone())).and_then(|ring| ring.last());
        let of_pact = || self.pacts.iter().find(|p| p.hash() == *pact)?.party(party).map(|p| p.log_key.clone());
        stated.map(|signed| signed.statement().keys.log_key.clone()).or_else(of_pact)
    }
}
