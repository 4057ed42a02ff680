//! What both ends must agree on before the first frame.
use alloc::format;
use alloc::string::{String, ToString};
use minicbor::{Decode, Encode};
use record::{Hash32, Mode, PartyId};
use tlog::{Algorithm, VerifierKey};

use crate::error::Misuse;

/// The fixed facts of one link; from the pact and the node's configuration. Public keys only.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkConfig {
    /// Ourselves.
    #[n(0)]
    pub me: PartyId,
    /// The peer.
    #[n(1)]
    pub peer: PartyId,
    /// Live or exercise.
    #[n(2)]
    pub mode: Mode,
    /// SHA-256 of the pact's canonical text.
    #[n(3)]
    pub pact: Hash32,
    /// Key of our log (type 0x01).
    //= spec/link.md L-6
    #[cbor(n(4), with = "key_text")]
    pub my_log_key: VerifierKey,
    /// Key of the peer's log (type 0x01).
    #[cbor(n(5), with = "key_text")]
    pub peer_log_key: VerifierKey,
    /// Key the peer cosigns with (type 0x04).
    #[cbor(n(6), with = "key_text")]
    pub peer_cosign_key: VerifierKey,
    /// Longest time from a new entry to its checkpoint, ms: 20 to 100.
    #[n(7)]
    pub checkpoint_busy_ms: u32,
    /// Longest time between checkpoints, ms: at least twice the above, at most 1,000.
    #[n(8)]
    pub checkpoint_idle_ms: u32,
}

impl LinkConfig {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// [`Misuse`], each with what is wrong.
    pub fn check(&self) -> Result<(), Misuse> {
        if self.me == self.peer {
            return Err(Misuse::OneParty);
        }
        let places = [
            (&self.my_log_key, Algorithm::Ed25519),
            (&self.peer_log_key, Algorithm::Ed25519),
            (&self.peer_cosign_key, Algorithm::CosignatureV1),
        ];
        for (i, (key, algorithm)) in places.iter().enumerate() {
            // One public key in two places could be made to say one thing and mean another.
            let twice = places[..i].iter().any(|(other, _)| other.public() == key.public());
            if key.algorithm() != *algorithm || twice {
                return Err(Misuse::Key(key.to_string()));
            }
        }
        let (busy_ms, idle_ms) = (self.checkpoint_busy_ms, self.checkpoint_idle_ms);
        if !(20..=100).contains(&busy_ms) || idle_ms < 2 * busy_ms || idle_ms > 1000 {
            return Err(Misuse::Interval { busy_ms, idle_ms });
        }
        Ok(())
    }

    /// Name of our log.
    #[must_use]
    pub fn out_origin(&self) -> String {
        origin(&self.me, &self.peer, &self.mode, &self.pact)
    }

    /// Name of the peer's log.
    #[must_use]
    pub fn in_origin(&self) -> String {
        origin(&self.peer, &self.me, &self.mode, &self.pact)
    }
}

/// Name of the log of what `from` released to `to` under a pact.
///
/// The pact is in it because logs begin anew with it: under one name the new log's first checkpoint and the old log's
/// would prove equivocation. All of its hash, since a part could be made to collide by who proposes the text.
//= spec/link.md L-1
#[must_use]
pub fn origin(from: &PartyId, to: &PartyId, mode: &Mode, pact: &Hash32) -> String {
    format!("skypact.link/{from}/{to}/{}/{pact}", mode.label())
}

/// Keys as their text.
mod key_text {
    use alloc::string::ToString;
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use tlog::VerifierKey;

    pub fn encode<C, W: Write>(key: &VerifierKey, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(&key.to_string())?.ok()
    }

    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<VerifierKey, DecodeError> {
        let at = d.position();
        d.str()?.parse().map_err(|_| DecodeError::message("not a verifier key").at(at))
    }
}
