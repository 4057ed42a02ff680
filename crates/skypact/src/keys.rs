//! A party's secrets, each in a file of its own with mode 0600, or the signing keys in a token. Nothing is generated silently:
//! `skypact init` makes them.
pub mod token;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rcgen::PublicKeyData;
use record::PartyId;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use tlog::{Algorithm, NoteSigner};
use token::{TOKEN_FILE, TokenFile, TokenKey};

const LOG_KEY: &str = "log.key";
const COSIGN_KEY: &str = "cosign.key";
const TLS_KEY: &str = "tls.key.pem";
const PSEUDONYM: &str = "pseudonym.key";

/// The secrets of one node. The TLS key is apart from the log key: a stolen transport key cannot sign history.
pub struct Keys {
    /// Signs the checkpoints of this party's logs.
    log: SigningKey,
    /// Cosigns the peers' checkpoints. Apart from the log key, so that no signature can be read in two meanings.
    cosign: SigningKey,
    /// Authenticates connections.
    pub tls: rcgen::KeyPair,
    /// Makes pseudonyms; its loss links pseudonyms, nothing else.
    pub pseudonym: [u8; 32],
}

/// A signing key.
enum SigningKey {
    /// Its seed, from a file.
    Seed([u8; 32]),
    /// In a token.
    Token(Arc<TokenKey>),
}

impl SigningKey {
    fn signer(&self, name: &str, algorithm: Algorithm) -> Result<NoteSigner> {
        match (self, algorithm) {
            (Self::Token(key), _) => key.signer(name, algorithm),
            (Self::Seed(seed), Algorithm::CosignatureV1) => {
                NoteSigner::cosigner(name, seed).map_err(|e| anyhow!("{e}"))
            }
            (Self::Seed(seed), _) => NoteSigner::new(name, seed).map_err(|e| anyhow!("{e}")),
        }
    }
}

/// The two seeds of a folder of keys that are in files.
pub fn read_seeds(dir: &Path) -> Result<[[u8; 32]; 2]> {
    Ok([read_seed(&dir.join(LOG_KEY))?, read_seed(&dir.join(COSIGN_KEY))?])
}

/// Copies what stays in files when the signing keys go into a token.
pub fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for name in [TLS_KEY, PSEUDONYM] {
        write_new(&to.join(name), &read_private(&from.join(name))?)?;
    }
    Ok(())
}

/// Makes a folder of its own for keys, which nobody else may enter.
pub fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

/// Makes the keys that are in files also where the signing keys are in a token.
pub fn create_files(dir: &Path) -> Result<()> {
    let tls = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).context("cannot generate a TLS key")?;
    write_new(&dir.join(TLS_KEY), &tls.serialize_pem())?;
    write_new(&dir.join(PSEUDONYM), &(hex(&random::<32>()?) + "\n"))
}

impl Keys {
    /// Generates and writes all keys into `dir`, which must not hold any yet.
    pub fn create(dir: &Path) -> Result<Self> {
        create_dir(dir)?;
        write_new(&dir.join(LOG_KEY), &(hex(&random::<32>()?) + "\n"))?;
        write_new(&dir.join(COSIGN_KEY), &(hex(&random::<32>()?) + "\n"))?;
        create_files(dir)?;
        Self::load(dir)
    }

    /// Reads the keys of `dir`, refusing files that others can read.
    pub fn load(dir: &Path) -> Result<Self> {
        let tls_path = dir.join(TLS_KEY);
        let tls = rcgen::KeyPair::from_pem(&read_private(&tls_path)?)
            .with_context(|| format!("{} is not a private key in PEM", tls_path.display()))?;
        let [log, cosign] = match TokenFile::read(dir)? {
            None => read_seeds(dir)?.map(SigningKey::Seed),
            Some(file) => {
                if let Some(both) = [LOG_KEY, COSIGN_KEY].into_iter().find(|name| dir.join(name).exists()) {
                    bail!(
                        "{} has {both} and {TOKEN_FILE}: which key signs is not to be guessed; move one of them away",
                        dir.display()
                    );
                }
                file.open(dir).with_context(|| format!("{}", dir.join(TOKEN_FILE).display()))?.map(SigningKey::Token)
            }
        };
        Ok(Self { log, cosign, tls, pseudonym: read_seed(&dir.join(PSEUDONYM))? })
    }

    /// The verifier key of the log key under `party`'s name, as it stands in the pact.
    pub fn log_signer(&self, name: &str) -> Result<NoteSigner> {
        self.log.signer(name, Algorithm::Ed25519).context("log key")
    }

    /// The cosigner, for the pact and for receipts.
    pub fn cosigner(&self, name: &str) -> Result<NoteSigner> {
        self.cosign.signer(name, Algorithm::CosignatureV1).context("cosign key")
    }

    /// SHA-256 of the TLS key's SubjectPublicKeyInfo, as it stands in the pact.
    pub fn tls_pin(&self) -> [u8; 32] {
        record::Hash32::of(&self.tls.subject_public_key_info()).0
    }
}

/// The authority key of a party: it replaces the others, and is kept away from the node.
pub struct Authority {
    seed: [u8; 32],
}

impl Authority {
    /// Generates a key and writes it into a file that must not exist.
    pub fn create(path: &Path) -> Result<Self> {
        let seed = random()?;
        write_new(path, &(hex(&seed) + "\n"))?;
        Ok(Self { seed })
    }

    /// Reads the key, refusing a file that others can read.
    pub fn load(path: &Path) -> Result<Self> {
        Ok(Self { seed: read_seed(path)? })
    }

    /// Signs statements about the keys of `party`.
    pub fn signer(&self, party: &PartyId) -> Result<NoteSigner> {
        NoteSigner::new(&pact::authority_key_name(party), &self.seed).map_err(|e| anyhow::anyhow!("authority key: {e}"))
    }
}

/// Name of a party's signing keys: the prefix of its logs' origins, so that a verifier needs to be told nothing more.
pub fn key_name(party: &PartyId) -> String {
    pact::key_name(party)
}

/// Fresh bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the operating system gave no random bytes: {e}"))?;
    Ok(bytes)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes a private file that must not exist, durably.
pub fn write_new(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {} (an existing key is never overwritten)", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Reads a file that nobody else may read.
//= spec/keys.md K-14
pub fn read_private(path: &Path) -> Result<String> {
    let meta =
        fs::metadata(path).with_context(|| format!("cannot read {}: run `skypact init` first", path.display()))?;
    if meta.mode() & 0o077 != 0 {
        bail!(
            "{} can be read by others (mode {:o}): run chmod 600 on it, and consider the key stolen",
            path.display(),
            meta.mode() & 0o777
        );
    }
    // Who can write the folder can put another file in this one's place, and its mode as it should be.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::metadata(dir).with_context(|| format!("cannot read {}", dir.display()))?.mode();
    if mode & 0o022 != 0 {
        bail!(
            "{} can be written by others (mode {:o}): run chmod 700 on it, and compare the keys with the pact",
            dir.display(),
            mode & 0o7777
        );
    }
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a seed of 64 hexadecimal digits from a file that nobody else may read.
pub fn read_seed(path: &Path) -> Result<[u8; 32]> {
    let text = read_private(path)?;
    let parsed = record::Hash32::parse(text.trim());
    ensure!(parsed.is_some(), "{} does not hold 64 hexadecimal digits", path.display());
    Ok(parsed.unwrap_or_default().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_and_open_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let made = Keys::create(dir.path()).unwrap();
        let read = Keys::load(dir.path()).unwrap();
        let log = |keys: &Keys| keys.log_signer("x").unwrap().verifier().to_string();
        assert_eq!((log(&made), made.tls_pin()), (log(&read), read.tls_pin()));
        assert!(Keys::create(dir.path()).is_err(), "existing keys must not be overwritten");
        fs::set_permissions(dir.path().join(LOG_KEY), fs::Permissions::from_mode(0o644)).unwrap();
        let error = Keys::load(dir.path()).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("can be read by others"), "{error}");
        fs::set_permissions(dir.path().join(LOG_KEY), fs::Permissions::from_mode(0o600)).unwrap();
        for (mode, good) in [(0o777, false), (0o770, false), (0o702, false), (0o755, true), (0o700, true)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            let error = Keys::load(dir.path()).err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(error.contains("can be written by others"), !good, "{mode:o}: {error}");
        }
    }
}
