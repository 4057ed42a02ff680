//! The keys a verifier brings along, and which logs each may speak for.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, Misuse};
use crate::key::{Algorithm, VerifierKey};
use crate::note::check_ambiguity;

/// The keys that a verifier has from its own sources. Keys inside a bundle never get here by themselves.
///
/// A log key (type 0x01) speaks for the origin it was added for; without one for the origin equal to its name and every
/// origin below it (`name/...`). Otherwise one party's key could sign another party's log. A cosigner's key (type 0x04)
/// speaks for the origin it was added for, or for all.
///
/// A witness's key is supplied as such. It attests that a checkpoint existed by a time; it never stands for an addressee, who
/// states to hold the entries.
///
/// A key that was stolen is supplied as such: what it alone signed or cosigned is no proof (`spec/evidence.md`, E-26).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: Vec<(Option<String>, VerifierKey)>,
    witnesses: Vec<(Option<String>, VerifierKey)>,
    quorums: Vec<(Option<String>, u32)>,
    receivers: Vec<(String, VerifierKey)>,
    stolen: Vec<(Option<String>, VerifierKey)>,
    again: Vec<(Option<String>, VerifierKey)>,
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

    /// Adds a witness's key, for one origin or for all. From then on it is no addressee's, also if it was added as one.
    ///
    /// # Errors
    /// [`Misuse::WrongAlgorithm`] unless it is of type 0x04; as [`TrustedKeys::add`].
    pub fn add_witness(&mut self, origin: Option<&str>, key: VerifierKey) -> Result<(), Error> {
        if key.algorithm() != Algorithm::CosignatureV1 {
            return Err(Misuse::WrongAlgorithm { name: key.name().to_owned() }.into());
        }
        self.unambiguous(&key)?;
        let added = (origin.map(ToOwned::to_owned), key);
        if !self.witnesses.contains(&added) {
            self.witnesses.push(added);
        }
        Ok(())
    }

    /// Adds a key that was stolen, for one origin or for what its name says, or says so of one that is here. It is no
    /// witness's from then on.
    ///
    /// # Errors
    /// As [`TrustedKeys::add`].
    pub fn add_stolen(&mut self, origin: Option<&str>, key: VerifierKey) -> Result<(), Error> {
        let origin = origin.map(ToOwned::to_owned);
        self.insert(origin.clone(), key.clone())?;
        if !self.stolen.contains(&(origin.clone(), key.clone())) {
            self.stolen.push((origin, key));
        }
        Ok(())
    }

    /// Adds a key that was stolen and that its own party named again, after it had been replaced: so others took it anew. When an
    /// addressee heard of the theft says nothing of what it took by this key.
    ///
    /// # Errors
    /// As [`TrustedKeys::add`].
    pub fn add_stolen_again(&mut self, origin: Option<&str>, key: VerifierKey) -> Result<(), Error> {
        self.add_stolen(origin, key.clone())?;
        self.again.push((origin.map(ToOwned::to_owned), key));
        Ok(())
    }

    /// Tells whether a stolen key was named again, as far as this log goes.
    #[must_use]
    pub fn is_named_again(&self, origin: &str, key: &VerifierKey) -> bool {
        self.again.iter().any(|(of, again)| of.as_deref().is_none_or(|of| of == origin) && again == key)
    }

    /// Tells whether a key was stolen, as far as this log goes.
    #[must_use]
    pub fn is_stolen(&self, origin: &str, key: &VerifierKey) -> bool {
        self.stolen.iter().any(|(of, stolen)| of.as_deref().is_none_or(|of| of == origin) && stolen == key)
    }

    /// Says how many witnesses are demanded of one log, or of every log for which nothing else is said.
    pub fn demand(&mut self, origin: Option<&str>, of: u32) {
        self.quorums.push((origin.map(ToOwned::to_owned), of));
    }

    /// Gives how many witnesses are demanded of this log; 0 if it was not said.
    #[must_use]
    pub fn quorum(&self, origin: &str) -> u32 {
        let said = |of: Option<&str>| self.quorums.iter().find(|(bound, _)| bound.as_deref() == of).map(|(_, of)| *of);
        said(Some(origin)).or_else(|| said(None)).unwrap_or(0)
    }

    /// Gives the keys that may sign this log's checkpoints.
    #[must_use]
    pub fn logs(&self, origin: &str) -> Vec<VerifierKey> {
        self.speaking(Algorithm::Ed25519, |bound, key| match bound {
            Some(bound) => bound == origin,
            None => origin.strip_prefix(key.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        })
    }

    /// Gives the keys whose cosignatures of this log's checkpoints can be receipts: no witness's.
    #[must_use]
    pub fn cosigners(&self, origin: &str) -> Vec<VerifierKey> {
        let witness = |key: &VerifierKey| self.witnesses.iter().any(|(_, known)| known == key);
        self.speaking(Algorithm::CosignatureV1, |bound, key| bound.is_none_or(|bound| bound == origin) && !witness(key))
    }

    /// Gives the keys of this log's witnesses.
    #[must_use]
    pub fn witnesses(&self, origin: &str) -> Vec<VerifierKey> {
        let speaks = |(bound, _): &&(Option<String>, VerifierKey)| bound.as_deref().is_none_or(|bound| bound == origin);
        let all = self.witnesses.iter().filter(speaks).map(|(_, key)| key);
        all.filter(|key| !self.is_stolen(origin, key)).cloned().collect()
    }

    /// Gives the keys whose cosignatures of this log's checkpoints are receipts, unless they were stolen.
    #[must_use]
    pub fn receivers(&self, origin: &str) -> Vec<VerifierKey> {
        let witness = |key: &VerifierKey| self.witnesses.iter().any(|(_, known)| known == key);
        let theirs = self.receivers.iter().filter(|(of, key)| of == origin && !witness(key));
        theirs.map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn has(&self, vkey: &str) -> bool {
        vkey.parse::<VerifierKey>().is_ok_and(|key| self.all().any(|known| *known == key))
    }

    fn all(&self) -> impl Iterator<Item = &VerifierKey> {
        self.keys.iter().chain(&self.witnesses).map(|(_, key)| key)
    }

    fn unambiguous(&self, key: &VerifierKey) -> Result<(), Error> {
        let alike = self.all().find(|known| known.name() == key.name() && known.id() == key.id());
        match alike {
            Some(known) => check_ambiguity(&[known.clone(), key.clone()]),
            None => Ok(()),
        }
    }

    fn speaking(&self, algorithm: Algorithm, may: impl Fn(Option<&str>, &VerifierKey) -> bool) -> Vec<VerifierKey> {
        let speaks =
            |(bound, key): &&(Option<String>, VerifierKey)| key.algorithm() == algorithm && may(bound.as_deref(), key);
        self.keys.iter().filter(speaks).map(|(_, key)| key.clone()).collect()
    }

    fn insert(&mut self, origin: Option<String>, key: VerifierKey) -> Result<(), Error> {
        self.unambiguous(&key)?;
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

    #[test]
    fn a_witness_s_key_is_never_an_addressee_s_and_a_quorum_is_a_log_s_own_or_everybody_s() {
        let log = NoteSigner::new("a.example/x", &[1; 32]).unwrap().verifier().clone();
        let [one, two] = [3, 4].map(|seed| NoteSigner::cosigner("w.example", &[seed; 32]).unwrap().verifier().clone());
        let mut keys = TrustedKeys::new();
        keys.add(one.clone()).unwrap();
        keys.add_witness(None, one.clone()).unwrap();
        keys.add_witness(Some("o"), two.clone()).unwrap();
        assert!(keys.add_witness(None, log).is_err(), "a log's key witnesses nothing");
        assert_eq!((keys.cosigners("o"), keys.cosigners("p")), (Vec::new(), Vec::new()));
        assert_eq!((keys.witnesses("o"), keys.witnesses("p")), (alloc::vec![one.clone(), two], alloc::vec![one]));
        assert_eq!(keys.quorum("o"), 0);
        keys.demand(None, 1);
        keys.demand(Some("o"), 2);
        assert_eq!((keys.quorum("o"), keys.quorum("p")), (2, 1));
    }
}
