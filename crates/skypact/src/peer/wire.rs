//! Frames on one HTTP/2 stream each way: a length of four bytes (big endian), then the frame.
use anyhow::{Result, bail};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use link::Cutter;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Chunks waiting for the transport. With frames of at most 512 KiB this bounds a slow peer's cost at 4 MiB.
pub const CHUNKS_MAX: usize = 8;

/// The sending half: a body fed by a bounded channel, so that HTTP/2 flow control reaches the writer.
#[derive(Debug)]
pub struct Outgoing {
    chunks: mpsc::Receiver<Bytes>,
}

/// Makes a body and the sender that feeds it.
pub fn outgoing() -> (mpsc::Sender<Bytes>, Outgoing) {
    let (tx, chunks) = mpsc::channel(CHUNKS_MAX);
    (tx, Outgoing { chunks })
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.chunks.poll_recv(cx).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Puts the length before a frame.
//= spec/link.md S-2
pub fn framed(frame: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(frame.len() + 4);
    out.extend_from_slice(&(frame.len() as u32).to_be_bytes());
    out.extend_from_slice(frame);
    Bytes::from(out)
}

/// The receiving half: cuts a body into frames.
pub struct Incoming<B> {
    body: B,
    cutter: Cutter,
}

impl<B: Body<Data = Bytes> + Unpin> Incoming<B>
where
    B::Error: std::fmt::Display,
{
    /// Reads frames of at most `frame_max` bytes.
    pub fn new(body: B, frame_max: usize) -> Self {
        Self { body, cutter: Cutter::new(frame_max) }
    }

    /// The next frame; `None` at the orderly end.
    ///
    /// # Errors
    /// [`link::TooLong`] for a frame over the bound (before any of it is kept), a stream cut inside a frame, or a failed
    /// transport.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(frame) = self.cutter.next_frame()? {
                return Ok(Some(frame));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.cutter.push(&data);
                    }
                }
                Some(Err(error)) => bail!("the transport failed: {error}"),
                None => match self.cutter.begun() {
                    None => return Ok(None),
                    Some((held, wanted)) => bail!("the stream ended with {held} of {wanted} bytes of a frame"),
                },
            }
        }
    }

    /// Reads on to the end and keeps nothing. A body that is not read would be reset, and with it the answer's last words.
    pub async fn discard(&mut self) {
        while let Some(Ok(_)) = self.body.frame().await {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &'static [u8], cut: usize) -> Result<Vec<Vec<u8>>> {
        let (tx, body) = outgoing();
        tokio::spawn(async move {
            for chunk in bytes.chunks(cut) {
                if tx.send(Bytes::from_static(chunk)).await.is_err() {
                    return;
                }
            }
        });
        let mut incoming = Incoming::new(body, 8);
        let mut frames = Vec::new();
        while let Some(frame) = incoming.next().await? {
            frames.push(frame);
        }
        Ok(frames)
    }

    //= spec/link.md S-2
    #[tokio::test]
    async fn frames_survive_any_cut() {
        for cut in 1..12 {
            let frames = read_all(b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01d", cut).await.unwrap();
            assert_eq!(frames, [b"abc".to_vec(), vec![], b"d".to_vec()], "cut {cut}");
        }
    }

    //= spec/link.md S-2
    #[tokio::test]
    async fn an_oversized_or_cut_frame_is_refused_with_its_length() {
        let error = read_all(b"\0\0\0\x09123456789", 4).await.unwrap_err().to_string();
        assert!(error.starts_with("TOO_LARGE: a frame of 9 bytes, at most 8"), "{error}");
        let error = read_all(b"\0\0\0\x03ab", 3).await.unwrap_err().to_string();
        assert!(error.contains("ended with 6 of 7 bytes"), "{error}");
    }
}
