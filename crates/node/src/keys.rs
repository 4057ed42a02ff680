//! Which keys each party has: those of the pact, or those that a later statement of its authority key names
//! (`spec/keys.md`).
use crate::command::Refused;
use crate::input::{Boot, Output};
use crate::situation::{Present, sentence};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, OwnTrouble, Situation};
use link::CloseCode;
use minicbor::{Decode, Encode};
use pact::{KeyReason, KeySet, KeyStatement, Pact, STATEMENTS_MAX, SignedKeys, SignedPact};
use record::{Hash32, KeysReplaced, PartyId};
use release::release_keys;
use tlog::VerifierKey;
use units::{Mono, Now};

/// That a party's keys were replaced is news for this long.
const NEWS_MS: u64 = 3_600_000;

/// Statements by the pact they are about and the party whose keys they name.
pub(crate) type Keyrings = BTreeMap<(Hash32, PartyId), Keyring>;

/// Statements about the keys of one party under one pact.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Keyring {
    /// With their signatures, the highest serial last.
    #[n(0)]
    statements: Vec<String>,
    /// When the last one was taken.
    #[n(1)]
    taken: Option<Mono>,
    /// What shows that the authority key is in other hands, and the statement that shows it.
    #[n(2)]
    trouble: Option<(String, String)>,
}

impl Keyring {
    /// The statement of a number, if it is held: they are held by their numbers.
    fn of(&self, serial: u32) -> Option<KeyStatement> {
        let read = |text: &String| SignedKeys::parse(text.as_bytes()).ok().map(|signed| signed.statement().clone());
        let at = self.statements.binary_search_by_key(&Some(serial), |text| read(text).map(|held| held.serial));
        read(self.statements.get(at.ok()?)?)
    }

    /// The sets of keys that the statements name, oldest first.
    fn sets(&self) -> impl Iterator<Item = KeySet> {
        // They were parsed before they were taken.
        let read = self.statements.iter().filter_map(|text| SignedKeys::parse(text.as_bytes()).ok());
        read.map(|signed| signed.statement().keys.clone())
    }

    fn newest(&self) -> Option<KeyStatement> {
        // It was parsed before it was taken.
        SignedKeys::parse(self.statements.last()?.as_bytes()).ok().map(|signed| signed.statement().clone())
    }
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// These are the keys now.
    InForce,
    /// It is known, or an older one than is known.
    Known,
}

impl State {
    /// The keys of a party under a pact, which is given with its hash: to take that costs writing the pact out.
    pub(crate) fn keys_under(&self, (hash, pact): (Hash32, &Pact), party: &PartyId) -> Option<KeySet> {
        let stated = self.key_statement(&hash, party);
        stated.map(|statement| statement.keys).or_else(|| pact.party(party).map(KeySet::of))
    }

    /// The log keys of a party under a pact by which a note of its log counts, newest first: those that were replaced and
    /// not stolen count as well.
    //= spec/keys.md K-10
    pub(crate) fn log_keys(&self, (hash, pact): (Hash32, &Pact), party: &PartyId) -> Vec<VerifierKey> {
        let Some(first) = pact.party(party).map(|party| party.log_key.clone()) else { return Vec::new() };
        let ring = self.keys.get(&(hash, party.clone()));
        let mut keys = alloc::vec![first];
        for text in ring.iter().flat_map(|ring| &ring.statements) {
            // It was parsed before it was taken.
            let Ok(signed) = SignedKeys::parse(text.as_bytes()) else { continue };
            let KeyStatement { keys: KeySet { log_key, .. }, reason, .. } = signed.statement();
            if keys.last() != Some(log_key) {
                if *reason == KeyReason::Stolen {
                    keys.pop();
                }
                keys.push(log_key.clone());
            }
        }
        keys.reverse();
        keys
    }

    /// The keys of a peer.
    #[must_use]
    pub fn keys_of(&self, peer: &PartyId) -> Option<KeySet> {
        let signed = self.pacts.with(peer)?;
        self.keys_under((signed.hash(), signed.pact()), peer)
    }

    /// The newest statement about a party's keys under a pact.
    #[must_use]
    pub fn key_statement(&self, pact: &Hash32, party: &PartyId) -> Option<KeyStatement> {
        self.keys.get(&(*pact, party.clone()))?.newest()
    }

    /// All statements held, each with its signature, in the order in which they came into force.
    pub fn key_statements(&self) -> impl Iterator<Item = &str> {
        self.keys.values().flat_map(|ring| ring.statements.iter().map(String::as_str))
    }

    /// Takes the statements about own keys that the node is configured with, those of the pacts there are.
    pub(crate) fn take_own_keys(&mut self, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        let pacts: Vec<Hash32> = self.pacts.list.iter().map(SignedPact::hash).collect();
        self.keys.retain(|(pact, _), _| pacts.contains(pact));
        for statement in &boot.statements {
            if let Err(error) = self.take_keys(statement, true, now, out) {
                out.push(Output::Log(format!("statement about own keys: {error}")));
            }
        }
    }

    /// Takes a statement from whoever brings it: it proves itself. Those about own keys count from the configuration alone,
    /// for the node must hold the keys too.
    //= spec/keys.md K-8
    pub(crate) fn take_keys(
        &mut self,
        text: &str,
        configured: bool,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<Taken, Refused> {
        let invalid = |reason: String| Refused::Invalid { field: "statement".into(), reason };
        let signed = SignedKeys::parse(text.as_bytes()).map_err(|e| invalid(e.to_string()))?;
        let statement = signed.statement().clone();
        let pact = self.pacts.list.iter().find(|p| p.hash() == statement.pact).map(|p| p.pact().clone());
        let pact = pact.ok_or_else(|| invalid(format!("this node holds no pact {}", statement.pact)))?;
        //= spec/keys.md K-1
        //= spec/keys.md K-2
        signed.check(&pact).map_err(|e| invalid(e.to_string()))?;
        let known = self.keys.get(&(statement.pact, statement.party.clone()));
        let newest = known.and_then(Keyring::newest);
        //= spec/keys.md K-3
        match known.and_then(|ring| ring.of(statement.serial)) {
            Some(held) if held == statement => return Ok(Taken::Known),
            Some(_) => {
                let serial = statement.serial;
                let what = format!("there are two statements {serial} about the keys of {}", statement.party);
                return Err(invalid(self.key_trouble(&statement, what, text)));
            }
            None if newest.as_ref().is_some_and(|newest| newest.serial > statement.serial) => return Ok(Taken::Known),
            None => {}
        }
        if self.party() == Some(&statement.party) && !configured {
            let what = format!("statement {} about our own keys is not one of ours", statement.serial);
            return Err(invalid(self.key_trouble(&statement, what, text)));
        }
        //= spec/keys.md K-4
        if known.is_some_and(|ring| ring.statements.len() >= STATEMENTS_MAX) {
            return Err(Refused::Full { what: "the list of statements about keys".into(), max: STATEMENTS_MAX as u64 });
        }
        // A statement that is not here may say that the keys before it were stolen: until somebody can tell, they were.
        let missing = statement.serial - 1 > newest.as_ref().map_or(0, |newest| newest.serial);
        let stolen = statement.reason == KeyReason::Stolen || missing;
        let old = newest.map(|s| s.keys).or_else(|| pact.party(&statement.party).map(KeySet::of));
        let Some(old) = old else { return Err(invalid(format!("no keys of {}", statement.party))) };
        self.check_apart(&pact, &statement).map_err(invalid)?;
        //= spec/keys.md K-2
        let had: Vec<KeySet> = pact.party(&statement.party).map(KeySet::of).into_iter().collect();
        let had: Vec<KeySet> = had.into_iter().chain(known.into_iter().flat_map(Keyring::sets)).collect();
        signed.check_new(&had).map_err(|e| invalid(e.to_string()))?;
        self.rekey(&pact, &statement, (&old, stolen), text, now, out)?;
        let ring = self.keys.entry((statement.pact, statement.party.clone())).or_default();
        ring.statements.push(text.to_string());
        ring.taken = Some(now.mono);
        let (party, serial, reason) = (&statement.party, statement.serial, statement.reason.name());
        let before = if missing { "; one before it is not known here, so the older keys count as stolen" } else { "" };
        out.push(Output::Log(format!("the keys of {party} are those of statement {serial} ({reason}){before}")));
        Ok(Taken::InForce)
    }

    /// The pact's keys were compared already; these are the keys that others have by later statements.
    //= spec/keys.md K-2
    fn check_apart(&self, pact: &Pact, statement: &KeyStatement) -> Result<(), String> {
        let publics = |keys: &KeySet| {
            [keys.log_key.public().to_vec(), keys.cosign_key.public().to_vec(), keys.tls_spki_sha256.0.to_vec()]
        };
        let new = publics(&statement.keys);
        for other in pact.parties.iter().filter(|p| p.id != statement.party) {
            let theirs = self.keys_under((statement.pact, pact), &other.id);
            if theirs.is_some_and(|theirs| publics(&theirs).iter().any(|key| new.contains(key))) {
                return Err(format!("it names a key of {}", other.id));
            }
        }
        Ok(())
    }

    /// Keeps what shows that two hold the authority key; returns the words for whoever brought it.
    fn key_trouble(&mut self, statement: &KeyStatement, what: String, text: &str) -> String {
        let ring = self.keys.entry((statement.pact, statement.party.clone())).or_default();
        if ring.trouble.is_none() {
            ring.trouble = Some((what.clone(), text.to_string()));
        }
        format!("{what}: the authority key is in two hands; talk to the party by voice, and agree a new pact")
    }

    fn rekey(
        &mut self,
        pact: &Pact,
        statement: &KeyStatement,
        (old, stolen): (&KeySet, bool),
        text: &str,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        let misuse = |e: link::Misuse| Refused::Invalid { field: "statement".into(), reason: e.to_string() };
        let (log, cosign) = (&statement.keys.log_key, &statement.keys.cosign_key);
        if self.party() != Some(&statement.party) {
            let Some(peer) = self.peers.get_mut(&statement.party) else { return Ok(()) };
            let reconnect = stolen && old.tls_spki_sha256 != statement.keys.tls_spki_sha256;
            peer.link.rekey_peer(log.clone(), cosign.clone(), stolen, reconnect, now).map_err(misuse)?;
            let party = statement.party.clone();
            self.with_link(&party, now, out, |_| {});
            return Ok(());
        }
        let names: Vec<PartyId> = self.peers.keys().filter(|name| pact.party(name).is_some()).cloned().collect();
        for name in &names {
            let Some(peer) = self.peers.get_mut(name) else { continue };
            peer.link.rekey(log.clone(), old.cosign_key != *cosign, stolen).map_err(misuse)?;
        }
        //= spec/keys.md K-6
        for name in &names {
            let Some(envelope) = self.envelope(name) else { continue };
            let body = KeysReplaced { statement: text.to_string() };
            match release_keys(&envelope, statement.serial, body, now) {
                Ok(released) => drop(self.say(name, released, now, out)),
                Err(error) => out.push(Output::Log(format!("to {name}: {error}"))),
            }
        }
        Ok(())
    }

    /// Whether this is the TLS key of a peer now.
    #[must_use]
    pub fn has_tls_key(&self, peer: &PartyId, pin: &Hash32) -> bool {
        self.keys_of(peer).is_some_and(|keys| keys.tls_spki_sha256 == *pin)
    }

    /// Takes a new connection, unless the key that authenticated it was replaced since: then nothing of it is used.
    //= spec/keys.md K-7
    pub(crate) fn link_up(
        &mut self,
        peer: &PartyId,
        session: u64,
        pin: Option<Hash32>,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        if pin.is_none_or(|pin| self.has_tls_key(peer, &pin)) {
            return self.with_link(peer, now, out, |link| link.handle_connected(session, now));
        }
        out.push(Output::Log(format!("a connection of {peer} is ended: its TLS key was replaced since")));
        let reason = CloseCode::Ended;
        out.push(Output::Link(peer.clone(), link::Output::Disconnect { session, reason }));
    }

    /// What a record of a peer brought.
    pub(crate) fn keys_said(&mut self, name: &PartyId, body: &KeysReplaced, now: Now, out: &mut Vec<Output>) {
        if let Err(error) = self.take_keys(&body.statement, false, now, out) {
            out.push(Output::Log(format!("a statement about keys from {name}: {error}")));
        }
    }

    /// Holds the alert about own keys.
    pub(crate) fn check_own_keys(&mut self, present: &mut Present, now: Now) {
        let Some(me) = self.party().cloned() else { return };
        if let Some((AlertLevel::Alarm, text)) = self.key_news(&me, now) {
            let situation = Situation::Own(OwnTrouble::Keys);
            self.hold(situation.clone(), AlertLevel::Alarm, sentence(text), now);
            present.insert(situation);
        }
    }

    /// What the desk is to know about a party's keys: that somebody else may use them, or that they are others now.
    pub(crate) fn key_news(&self, party: &PartyId, now: Now) -> Option<(AlertLevel, String)> {
        let mut rings = self.keys.iter().filter(|((_, of), _)| of == party).map(|(_, ring)| ring);
        rings.find_map(|ring| {
            if let Some((what, _)) = &ring.trouble {
                let text = format!("{what}: the authority key is in two hands. Talk by voice; agree a new pact.");
                return Some((AlertLevel::Alarm, text));
            }
            ring.taken.filter(|at| now.mono.since_ms(*at) < NEWS_MS)?;
            let KeyStatement { serial, reason, issued, .. } = ring.newest()?;
            let level = if reason == KeyReason::Rotation { AlertLevel::Caution } else { AlertLevel::Warning };
            let (reason, issued) = (reason.name(), pact::time_text(issued));
            let text =
                format!("The keys of {party} were replaced: statement {serial} of {issued}, {reason}. Ask by voice.");
            Some((level, text))
        })
    }
}
