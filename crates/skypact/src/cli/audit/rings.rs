//! Statements that replace keys, as an auditor follows them: it reads the logs, so it finds them there.
use crate::cli::evidence::logs::Folder;
use crate::cli::evidence::stated;
use crate::files::read_bounded;
use anyhow::{Context, Result};
use pact::{KeyError, KeyReason, KeySet, KeyStatement, Pact, STATEMENT_BYTES_MAX, SignedKeys};
use record::{Hash32, PartyId};
use std::fs;
use std::path::{Path, PathBuf};
use tlog::{Checkpoint, LogReader, Note, Verified, VerifierKey, open_checkpoint};

/// The keys of a pact's parties, as far as the auditor knows.
pub struct Rings {
    pact: Pact,
    dir: PathBuf,
    stated: Vec<SignedKeys>,
}

impl Rings {
    /// With what was found before.
    pub fn open(pact: Pact, into: &Path) -> Result<Self> {
        let dir = into.join("keys");
        let mut rings = Self { pact, dir, stated: Vec::new() };
        let Ok(files) = fs::read_dir(&rings.dir) else { return Ok(rings) };
        for file in files {
            let path = file?.path();
            let bytes = read_bounded(&path, STATEMENT_BYTES_MAX as u64);
            let signed = SignedKeys::parse(&bytes.with_context(|| format!("cannot read {}", path.display()))?);
            // Whatever else lies there says nothing.
            if let Ok(signed) = signed
                && signed.check(&rings.pact).is_ok()
            {
                rings.stated.push(signed);
            }
        }
        rings.stated.sort_by_key(|signed| signed.statement().serial);
        Ok(rings)
    }

    /// Takes a statement that was checked; keeps it for the next time, when the node shows its new TLS key alone.
    //= spec/witness.md W-17
    pub fn take(&mut self, signed: &SignedKeys) -> Result<()> {
        if self.stated.iter().any(|known| known.statement() == signed.statement()) {
            return Ok(());
        }
        self.check_new(signed)?;
        let (party, serial) = (&signed.statement().party, signed.statement().serial);
        // Two of one serial both stay: that shows whose authority key is in two hands.
        let digest: String = Hash32::of(&signed.to_bytes()).to_string().chars().take(8).collect();
        fs::create_dir_all(&self.dir)?;
        fs::write(self.dir.join(format!("{party}-{serial}-{digest}.keys")), signed.to_bytes())?;
        self.stated.push(signed.clone());
        self.stated.sort_by_key(|signed| signed.statement().serial);
        Ok(())
    }

    /// Whether a statement goes back to no key that was replaced before it.
    //= spec/keys.md K-2
    fn check_new(&self, signed: &SignedKeys) -> Result<(), KeyError> {
        let KeyStatement { party, serial, .. } = signed.statement();
        let before = self.stated.iter().map(SignedKeys::statement).filter(|s| s.party == *party && s.serial < *serial);
        let first = self.pact.party(party).map(KeySet::of).into_iter();
        signed.check_new(&first.chain(before.map(|s| s.keys.clone())).collect::<Vec<_>>())
    }

    /// Takes the statements of a log's owner that stand in entries fetched since the checkpoint before. They prove themselves;
    /// whether the log holds them is checked afterwards.
    pub fn learn(&mut self, folder: &Folder, before: Option<&[u8]>, size: u64, owner: &PartyId) -> Result<()> {
        let known = before.and_then(|note| Checkpoint::parse(Note::parse(note).ok()?.text()).ok());
        let reader = LogReader::new(folder, size);
        let mut at = known.map_or(0, |checkpoint| checkpoint.size).min(size);
        while at < size {
            let end = size.min(at + 256);
            for entry in reader.entries(at..end)? {
                let found = stated::statement(&entry).filter(|s| s.statement().party == *owner);
                let holds =
                    |signed: &SignedKeys| signed.check(&self.pact).and_then(|()| self.check_new(signed)).is_ok();
                if let Some(signed) = found.filter(holds) {
                    self.take(&signed)?;
                }
            }
            at = end;
        }
        Ok(())
    }

    /// The keys of a party, the newest first; without those from before a theft.
    fn sets(&self, party: &PartyId) -> Vec<KeySet> {
        self.all_sets(party, false)
    }

    fn all_sets(&self, party: &PartyId, stolen: bool) -> Vec<KeySet> {
        let mut sets: Vec<KeySet> = self.pact.party(party).map(KeySet::of).into_iter().collect();
        for statement in self.stated.iter().map(SignedKeys::statement).filter(|s| s.party == *party) {
            if statement.reason == KeyReason::Stolen && !stolen {
                sets.clear();
            }
            sets.insert(0, statement.keys.clone());
        }
        sets
    }

    /// Opens a checkpoint of a party's log by whichever of its keys signed.
    pub fn open_by(&self, note: &[u8], origin: &str, owner: &PartyId) -> Result<Verified<Checkpoint>> {
        Self::open_any(self.sets(owner), note, origin)
    }

    /// Opens one that was fetched before: a key that was stolen since had signed it in its owner's hand.
    pub fn open_fetched(&self, note: &[u8], origin: &str, owner: &PartyId) -> Result<Verified<Checkpoint>> {
        Self::open_any(self.all_sets(owner, true), note, origin)
    }

    fn open_any(sets: Vec<KeySet>, note: &[u8], origin: &str) -> Result<Verified<Checkpoint>> {
        let mut last = Err(tlog::PeerMisbehaved::NotSigned.into());
        for set in sets {
            last = open_checkpoint(note, origin, &set.log_key);
            if last.is_ok() {
                break;
            }
        }
        Ok(last?)
    }

    /// Keys by which a party gives receipts.
    pub fn cosign_keys(&self, party: &PartyId) -> Vec<VerifierKey> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for set in self.sets(party) {
            if !keys.contains(&set.cosign_key) {
                keys.push(set.cosign_key);
            }
        }
        keys
    }

    /// TLS keys that a party's node may show.
    pub fn tls_pins(&self, party: &PartyId) -> Vec<Hash32> {
        let mut pins: Vec<Hash32> = self.sets(party).into_iter().map(|set| set.tls_spki_sha256).collect();
        pins.dedup();
        pins
    }
}
