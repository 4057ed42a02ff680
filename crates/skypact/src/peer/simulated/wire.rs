//! What somebody who reads the wire sees: TLS records, their sizes and the times at which they leave.
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A TLS record as it leaves: when, its type, its length without the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub at: Duration,
    pub kind: u8,
    pub length: usize,
}

/// Everything that a node sent, over all its connections.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<Vec<Left>>>);

impl Wire {
    /// What left in this time of the simulation.
    pub fn between(&self, from: Duration, to: Duration) -> Vec<Left> {
        self.0.lock().unwrap().iter().filter(|left| (from..to).contains(&left.at)).copied().collect()
    }
}

/// A stream whose writes are watched.
pub struct Watched<S> {
    stream: S,
    wire: Wire,
    head: Vec<u8>,
    /// Of the record that is being written.
    left: usize,
}

impl<S> Watched<S> {
    pub fn new(stream: S, wire: Wire) -> Self {
        Self { stream, wire, head: Vec::new(), left: 0 }
    }

    fn watch(&mut self, mut bytes: &[u8]) {
        let at = turmoil::sim_elapsed().unwrap_or_default();
        while !bytes.is_empty() {
            let of_record = self.left.min(bytes.len());
            (self.left, bytes) = (self.left - of_record, &bytes[of_record..]);
            let Some((first, rest)) = bytes.split_first() else { return };
            self.head.push(*first);
            bytes = rest;
            if let [kind, _, _, high, low] = self.head[..] {
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.wire.0.lock().unwrap().push(Left { at, kind, length: self.left });
                self.head.clear();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = &written {
            this.watch(&buf[..*n]);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
