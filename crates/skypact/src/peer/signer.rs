//! Signatures of checkpoints and cosignatures, made as they are sent.
use crate::keys::Keys;
use anyhow::{Result, anyhow};
use link::{CheckpointOrder, CosignOrder, Frame};
use record::PartyId;
use tlog::NoteSigner;

/// Holds the two signing keys.
pub struct Signer {
    log: NoteSigner,
    cosign: NoteSigner,
}

impl Signer {
    /// The signer of a party.
    pub fn new(keys: &Keys, party: &PartyId) -> Result<Self> {
        let name = crate::keys::key_name(party);
        Ok(Self { log: keys.log_signer(&name)?, cosign: keys.cosigner(&name)? })
    }

    /// Signs a checkpoint. The fold orders one only over what is durable.
    pub fn checkpoint(&self, order: &CheckpointOrder) -> Result<Frame> {
        let note = tlog::sign_checkpoint(&order.checkpoint, &self.log).map_err(|e| anyhow!("{e}"))?;
        Ok(Frame::Checkpoint { seq: order.seq, sent_utc_ms: order.sent_utc.0, note: note.to_bytes() })
    }

    /// The note of a checkpoint that the fold has signed: the same bytes, since Ed25519 has no chance in it.
    pub fn note(&self, checkpoint: &tlog::Checkpoint) -> Result<tlog::Note> {
        tlog::sign_checkpoint(checkpoint, &self.log).map_err(|e| anyhow!("{e}"))
    }

    /// Cosigns a peer's checkpoint.
    pub fn cosignature(&self, order: &CosignOrder) -> Result<Frame> {
        let text = order.checkpoint.to_text();
        let line = tlog::cosign(&text, order.time_s, &self.cosign).map_err(|e| anyhow!("{e}"))?;
        Ok(Frame::Cosignature { size: order.checkpoint.size, recv_utc_ms: order.recv_utc.0, line: line.to_text() })
    }
}
