//! Log and cosigning keys in a PKCS#11 token: made or imported once, used by handle, never read (docs/adr/0018).
//!
//! In scope: Ed25519 by `CKM_EDDSA`, found by label. Out of scope: the TLS key (rustls signs with it in every handshake) and
//! the pseudonyms' secret (it is no signing key), which stay in files beside `token.toml`.
use super::{hex, random, read_private, write_new};
use anyhow::{Context, Result, anyhow, bail, ensure};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tlog::{Algorithm, NoteSigner, SignsElsewhere};

/// The file in a folder of keys that says where the two signing keys are.
pub const TOKEN_FILE: &str = "token.toml";

/// Signatures remembered: a checkpoint is signed when it is sent, and again when its receipt is written to the log's files.
/// 1,024 × (about 300 bytes of text + 64) = 0.4 MB.
const SIGNED_MAX: usize = 1024;

/// `PrintableString "edwards25519"`: how PKCS#11 names the curve of Ed25519, and what tokens of version 2.40 take.
const EDWARDS25519: [u8; 14] = [0x13, 0x0c, b'e', b'd', b'w', b'a', b'r', b'd', b's', b'2', b'5', b'5', b'1', b'9'];

/// What [`TOKEN_FILE`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// The token's library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// Label of the key that signs the logs.
    pub log_key: String,
    /// Label of the key that cosigns.
    pub cosign_key: String,
    /// File with the PIN in its first line, mode 0600; relative to the folder of the keys.
    pub pin_file: PathBuf,
}

impl TokenFile {
    /// Reads the file of a folder of keys; none if the folder has none.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(TOKEN_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = toml::from_str(&text).map_err(|e| anyhow!("{e}")).with_context(|| format!("{}", path.display()))?;
        Ok(Some(file))
    }

    /// Writes it into a folder that has none.
    pub fn write(&self, dir: &Path) -> Result<()> {
        write_new(&dir.join(TOKEN_FILE), &toml::to_string(self)?)
    }

    /// Finds both keys in the token.
    pub fn open(&self, dir: &Path) -> Result<[Arc<TokenKey>; 2]> {
        let token = Token::open(&self.module, &self.token, &dir.join(&self.pin_file))?;
        ensure!(
            self.log_key != self.cosign_key,
            "log_key and cosign_key are one key, {:?}: they must be two",
            self.log_key
        );
        Ok([token.key(&self.log_key)?, token.key(&self.cosign_key)?])
    }
}

/// Two labels that the token has not seen.
pub fn labels(party: &str) -> Result<[String; 2]> {
    let mark = hex(&random::<4>()?);
    Ok([format!("skypact {party} log {mark}"), format!("skypact {party} cosign {mark}")])
}

/// A token that one has logged in to.
pub struct Token {
    label: String,
    session: Mutex<Session>,
}

impl Token {
    /// Loads the library, finds the token by its label and logs in.
    pub fn open(module: &Path, label: &str, pin_file: &Path) -> Result<Arc<Self>> {
        let library = library(module)?;
        let of = || format!("the token {label:?} of {}", module.display());
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for slot in library.get_slots_with_initialized_token().with_context(of)? {
            let info = library.get_token_info(slot).with_context(of)?;
            seen.push(format!("{:?}", info.label()));
            if info.label() == label {
                found.push(slot);
            }
        }
        let slot = match found.as_slice() {
            [slot] => *slot,
            [] => bail!(
                "{} has no token of the label {label:?}; it has {}",
                module.display(),
                if seen.is_empty() { String::from("none") } else { seen.join(", ") }
            ),
            many => bail!("{} has {} tokens of the label {label:?}: give each its own", module.display(), many.len()),
        };
        // One is asked for by name: of a list, the binding logs each that it does not know as an error.
        library
            .get_mechanism_info(slot, cryptoki::mechanism::MechanismType::EDDSA)
            .with_context(|| format!("the token {label:?} does not sign with Ed25519 (CKM_EDDSA)"))?;
        //= spec/keys.md K-14
        let text = read_private(pin_file).with_context(|| format!("the PIN of the token {label:?}"))?;
        let pin = text.lines().next().unwrap_or_default().trim_end();
        ensure!(!pin.is_empty(), "{} holds no PIN in its first line", pin_file.display());
        let session = library.open_rw_session(slot).with_context(of)?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            // Logging in is the process's, not the session's.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => bail!(
                "the token {label:?} refuses the PIN in {}; a token locks itself after a few wrong ones",
                pin_file.display()
            ),
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                bail!("the token {label:?} is locked after too many wrong PINs: its security officer unlocks it")
            }
            Err(error) => return Err(error).with_context(|| format!("cannot log in to the token {label:?}")),
        }
        Ok(Arc::new(Self { label: label.to_owned(), session: Mutex::new(session) }))
    }

    fn with<T>(&self, ask: impl FnOnce(&Session) -> cryptoki::error::Result<T>) -> cryptoki::error::Result<T> {
        ask(&self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The one object of a class and label.
    //= spec/keys.md K-15
    fn object(&self, class: ObjectClass, label: &str) -> Result<ObjectHandle> {
        let what = if class == ObjectClass::PRIVATE_KEY { "private" } else { "public" };
        let template =
            [Attribute::Class(class), Attribute::KeyType(KeyType::EC_EDWARDS), Attribute::Label(label.into())];
        let found = self.with(|session| session.find_objects(&template));
        match found.with_context(|| format!("the token {:?}", self.label))?.as_slice() {
            [one] => Ok(*one),
            [] => bail!("the token {:?} has no {what} Ed25519 key of the label {label:?}", self.label),
            many => bail!(
                "the token {:?} has {} {what} keys of the label {label:?}: which is meant is not to be guessed",
                self.label,
                many.len()
            ),
        }
    }

    /// Finds a pair by its label, and sees that it signs.
    pub fn key(self: &Arc<Self>, label: &str) -> Result<Arc<TokenKey>> {
        let private = self.object(ObjectClass::PRIVATE_KEY, label)?;
        let public = self.object(ObjectClass::PUBLIC_KEY, label)?;
        let of = || format!("the key {label:?} of the token {:?}", self.label);
        let attributes = self.with(|s| s.get_attributes(public, &[AttributeType::EcPoint])).with_context(of)?;
        let point = attributes.iter().find_map(|a| match a {
            Attribute::EcPoint(point) => point_of(point),
            _ => None,
        });
        let public = point.with_context(|| format!("{} has no point of 32 bytes", of()))?;
        let key = Arc::new(TokenKey { token: Arc::clone(self), private, public, signed: Mutex::default() });
        // A pair whose halves are of two keys must be found out here, and not by a peer. Signing checks what it gives.
        let nothing = tlog::Checkpoint { origin: "skypact.test".into(), size: 0, root: tlog::EMPTY_ROOT };
        let test = key.signer("skypact.test", Algorithm::Ed25519)?;
        tlog::sign_checkpoint(&nothing, &test).map_err(|error| anyhow!("{} is of no use: {error}", of()))?;
        Ok(key)
    }

    /// Makes a pair in the token, which never gives the secret away.
    pub fn generate(&self, label: &str) -> Result<()> {
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::Label(label.into()),
            Attribute::EcParams(EDWARDS25519.to_vec()),
        ];
        let mut private = secret(label);
        private.retain(|a| !matches!(a, Attribute::Class(_) | Attribute::KeyType(_)));
        self.with(|s| s.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private))
            .with_context(|| format!("the token {:?} made no key", self.label))?;
        Ok(())
    }

    /// Puts a key that was in a file into the token.
    pub fn import(&self, label: &str, seed: &[u8; 32]) -> Result<()> {
        let public = NoteSigner::new("import", seed).map_err(|e| anyhow!("{e}"))?.verifier().public().to_vec();
        let mut private = secret(label);
        private.push(Attribute::EcParams(EDWARDS25519.to_vec()));
        private.push(Attribute::Value(seed.to_vec()));
        let public = [
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::KeyType(KeyType::EC_EDWARDS),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::Label(label.into()),
            Attribute::EcParams(EDWARDS25519.to_vec()),
            // An OCTET STRING of 32 bytes.
            Attribute::EcPoint([&[0x04, 0x20][..], &public].concat()),
        ];
        let of = || format!("the token {:?} takes no key from outside", self.label);
        self.with(|s| s.create_object(&private)).with_context(of)?;
        self.with(|s| s.create_object(&public)).with_context(of)?;
        Ok(())
    }
}

/// What a private key in a token is.
fn secret(label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Label(label.into()),
    ]
}

/// A point as tokens give it: an OCTET STRING, or bare.
fn point_of(bytes: &[u8]) -> Option<[u8; 32]> {
    let bare = match bytes {
        [0x04, 0x20, point @ ..] if point.len() == 32 => point,
        bare => bare,
    };
    bare.try_into().ok()
}

/// A library is loaded and initialised once in a process.
fn library(module: &Path) -> Result<Pkcs11> {
    static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = loaded.get(module) {
        return Ok(library.clone());
    }
    let of = || format!("the token's library {}", module.display());
    ensure!(module.is_file(), "{} is not there", of());
    let library = Pkcs11::new(module).with_context(of)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, Function::Initialize)) => {}
        Err(error) => return Err(error).with_context(of),
    }
    loaded.insert(module.to_owned(), library.clone());
    Ok(library)
}

/// A pair in a token.
pub struct TokenKey {
    token: Arc<Token>,
    private: ObjectHandle,
    public: [u8; 32],
    signed: Mutex<Signed>,
}

/// The last signatures, by what they are of.
#[derive(Default)]
struct Signed {
    by_message: BTreeMap<Vec<u8>, [u8; 64]>,
    oldest_first: VecDeque<Vec<u8>>,
}

impl TokenKey {
    /// A signer under this name.
    pub fn signer(self: &Arc<Self>, name: &str, algorithm: Algorithm) -> Result<NoteSigner> {
        NoteSigner::elsewhere(name, algorithm, &self.public, Arc::clone(self) as Arc<dyn SignsElsewhere>)
            .map_err(|e| anyhow!("{e}"))
    }
}

impl SignsElsewhere for TokenKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], String> {
        let signed = || self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        // The fold asks for what was signed a moment ago, and must not wait for a token.
        if let Some(known) = signed().by_message.get(message) {
            return Ok(*known);
        }
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        let made = self.token.with(|session| session.sign(&mechanism, self.private, message));
        let made = made.map_err(|e| format!("the token {:?}: {e}", self.token.label))?;
        let signature: [u8; 64] = made
            .try_into()
            .map_err(|m: Vec<u8>| format!("the token {:?} gave {} bytes for a signature", self.token.label, m.len()))?;
        let mut signed = signed();
        if signed.by_message.insert(message.to_vec(), signature).is_none() {
            signed.oldest_first.push_back(message.to_vec());
        }
        if signed.oldest_first.len() > SIGNED_MAX
            && let Some(oldest) = signed.oldest_first.pop_front()
        {
            signed.by_message.remove(&oldest);
        }
        Ok(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_bare_and_as_an_octet_string() {
        let point = [7; 32];
        assert_eq!(point_of(&point), Some(point));
        assert_eq!(point_of(&[&[4, 32][..], &point].concat()), Some(point));
        for wrong in [&[][..], &[7; 31], &[7; 33], &[4, 32]] {
            assert_eq!(point_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_had_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            "module = \"/nowhere/x.so\"\ntoken = \"t\"\nlog_key = \"a\"\ncosign_key = \"b\"\npin_file = \"pin\"\n";
        std::fs::write(dir.path().join(TOKEN_FILE), text).unwrap();
        let file = TokenFile::read(dir.path()).unwrap().unwrap();
        let error = file.open(dir.path()).err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(error, "the token's library /nowhere/x.so is not there");
        std::fs::write(dir.path().join(TOKEN_FILE), text.replace("token", "tokn")).unwrap();
        let error = format!("{:#}", TokenFile::read(dir.path()).unwrap_err());
        assert!(error.contains("unknown field `tokn`"), "{error}");
    }
}
