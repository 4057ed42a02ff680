//! Signatures of checkpoints and cosignatures, made as they are sent.
use crate::error::Error;
use link::{CheckpointOrder, CosignOrder, Frame, ShareOrder};
use tlog::NoteSigner;

/// Holds the two signing keys.
pub struct Signer {
    log: NoteSigner,
    cosign: NoteSigner,
}

impl Signer {
    /// The signer of a party, from its log key and its cosigning key.
    #[must_use]
    pub fn new(log: NoteSigner, cosign: NoteSigner) -> Self {
        Self { log, cosign }
    }

    /// Whether signing may wait for something outside of this process, such as a token.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.log.waits() || self.cosign.waits()
    }

    /// Signs a checkpoint. The fold orders one only over what is durable.
    ///
    /// # Errors
    /// A key that does not sign logs.
    pub fn checkpoint(&self, order: &CheckpointOrder) -> Result<Frame, Error> {
        let note = tlog::sign_checkpoint(&order.checkpoint, &self.log).map_err(failed("a checkpoint"))?;
        Ok(Frame::Checkpoint { seq: order.seq, sent_utc_ms: order.sent_utc.0, note: note.to_bytes() })
    }

    /// The note of a checkpoint that the fold has signed: the same bytes, since Ed25519 has no chance in it.
    ///
    /// # Errors
    /// A key that does not sign.
    pub fn note(&self, checkpoint: &tlog::Checkpoint) -> Result<tlog::Note, Error> {
        tlog::sign_checkpoint(checkpoint, &self.log).map_err(failed("a checkpoint"))
    }

    /// Signs own checkpoints that are shown to a third party. Each was signed before, so it is the same note again.
    ///
    /// # Errors
    /// A key that does not sign.
    pub fn shared(&self, order: &ShareOrder) -> Result<Frame, Error> {
        let sign = |checkpoint| tlog::sign_checkpoint(checkpoint, &self.log).map(|note| note.to_bytes());
        let signed: Result<Vec<_>, _> = order.sign.iter().map(sign).collect();
        Ok(order.frame(signed.map_err(failed("a shared checkpoint"))?))
    }

    /// Cosigns a peer's checkpoint.
    ///
    /// # Errors
    /// A key that does not cosign.
    pub fn cosignature(&self, order: &CosignOrder) -> Result<Frame, Error> {
        let text = order.checkpoint.to_text();
        let line = tlog::cosign(&text, order.time_s, &self.cosign).map_err(failed("a cosignature"))?;
        Ok(Frame::Cosignature { size: order.checkpoint.size, recv_utc_ms: order.recv_utc.0, line: line.to_text() })
    }
}

fn failed(what: &'static str) -> impl FnOnce(tlog::Error) -> Error {
    move |source| Error::Log { what: format!("cannot sign {what}"), source }
}
