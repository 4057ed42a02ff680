//! The keys a verifier brings along, and which logs each may speak for.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Error;
use crate::key::{Algorithm, VerifierKey};
use crate::note::check_ambiguity;

/// The keys that a verifier has from its own sources. Keys inside a bundle never get here by themselves.
///
/// A log key (type 0x01) speaks for the origin it was added for; without one for the origin equal to its name and every
/// origin below it (`name/...`). Otherwise one party's key could sign another party's log. A cosigner's key (type 0x04)
/// speaks for the origin it was added for, or for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: Vec<(Option<String>, VerifierKey)>,
    receivers: Vec<(String, VerifierKey)>,
}

impl TrustedKeys {
    /// Begins with no keys.
    #[must_use]
    pub fn new() -> TrustedKeys {
        TrustedKeys::default()
    }

    /// Adds a key that speaks for what its name says.
    ///
    /// # Errors
    /// [`crate::Refused::AmbiguousKey`] if it shares name and id with a different key.
    pub fn add(&mut self, key: VerifierKey) -> Result<(), Error> {
        self.insert(None, key)
    }

    /// Adds a key that speaks for one origin alone.
    ///
    /// # Errors
    /// As [`TrustedKeys::add`].
    pub fn add_for(&mut self, origin: &str, key: VerifierKey) -> Result<(), Error> {
        self.insert(Some(origin.to_owned()), key)
    }

    /// Adds the key of a log's addressee, whose cosignatures are receipts: it agreed to hold what it cosigns. A name says
    /// nothing of that, since whoever makes a key names it.
    ///
    /// # Errors
    /// As [`TrustedKeys::add`].
    pub fn add_receiver(&mut self, origin: &str, key: VerifierKey) -> Result<(), Error> {
        self.add_for(origin, key.clone())?;
        if !self.receivers.iter().any(|(of, known)| of == origin && *known == key) {
            self.receivers.push((origin.to_owned(), key));
        }
        Ok(())
    }

    /// Adds a key as written on a command line: `vkey`, or `origin vkey`.
    ///
    /// # Errors
    /// What parsing a [`VerifierKey`] gives, and as [`TrustedKeys::add`].
    pub fn add_text(&mut self, text: &str) -> Result<(), Error> {
        match text.rsplit_once(' ') {
            Some((origin, key)) => self.add_for(origin, key.parse()?),
            None => self.add(text.parse()?),
        }
    }

    /// Gives the keys that may sign this log's checkpoints.
    #[must_use]
    pub fn logs(&self, origin: &str) -> Vec<VerifierKey> {
        self.speaking(Algorithm::Ed25519, |bound, key| match bound {
            Some(bound) => bound == origin,
            None => origin.strip_prefix(key.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        })
    }

    /// Gives the keys whose cosignatures of this log's checkpoints count.
    #[must_use]
    pub fn cosigners(&self, origin: &str) -> Vec<VerifierKey> {
        self.speaking(Algorithm::CosignatureV1, |bound, _| bound.is_none_or(|bound| bound == origin))
    }

    /// Gives the keys whose cosignatures of this log's checkpoints are receipts.
    #[must_use]
    pub fn receivers(&self, origin: &str) -> Vec<VerifierKey> {
        self.receivers.iter().filter(|(of, _)| of == origin).map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn has(&self, vkey: &str) -> bool {
        vkey.parse::<VerifierKey>().is_ok_and(|key| self.keys.iter().any(|(_, known)| *known == key))
    }

    fn speaking(&self, algorithm: Algorithm, may: impl Fn(Option<&str>, &VerifierKey) -> bool) -> Vec<VerifierKey> {
        let speaks =
            |(bound, key): &&(Option<String>, VerifierKey)| key.algorithm() == algorithm && may(bound.as_deref(), key);
        self.keys.iter().filter(speaks).map(|(_, key)| key.clone()).collect()
    }

    fn insert(&mut self, origin: Option<String>, key: VerifierKey) -> Result<(), Error> {
        let mut all: Vec<VerifierKey> = self.keys.iter().map(|(_, key)| key.clone()).collect();
        all.push(key.clone());
        check_ambiguity(&all)?;
        if !self.keys.contains(&(origin.clone(), key.clone())) {
            self.keys.push((origin, key));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::NoteSigner;
    use std::format;

    #[test]
    fn a_key_speaks_for_its_own_name_and_below_or_for_the_origin_it_was_given() {
        let log = NoteSigner::new("a.example/x", &[1; 32]).unwrap();
        let cosigner = NoteSigner::cosigner("b.example", &[2; 32]).unwrap();
        let mut keys = TrustedKeys::new();
        keys.add_text(&format!("{}", log.verifier())).unwrap();
        keys.add_text(&format!("{}", cosigner.verifier())).unwrap();
        let check = |keys: &TrustedKeys, origin: &str, log: usize, cosigner: usize| {
            assert_eq!((keys.logs(origin).len(), keys.cosigners(origin).len()), (log, cosigner), "{origin}");
        };
        check(&keys, "a.example/x", 1, 1);
        check(&keys, "a.example/x/to/b", 1, 1);
        check(&keys, "a.example/xy", 0, 1);
        check(&keys, "a.example", 0, 1);
        check(&keys, "b.example", 0, 1);
        let mut bound = TrustedKeys::new();
        bound.add_text(&format!("any origin {}", log.verifier())).unwrap();
        bound.add_text(&format!("any origin {}", cosigner.verifier())).unwrap();
        check(&bound, "any origin", 1, 1);
        check(&bound, "a.example/x", 0, 0);
        assert!(keys.add_text("a.example/x").is_err());
        assert!(keys.has(&format!("{}", log.verifier())) && !keys.has("nonsense"));
    }
}
