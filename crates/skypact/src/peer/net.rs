//! Where byte streams between parties come from: sockets, or a simulated network in the tests of this module.
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Accepts streams.
pub trait Listen: Send + Sync + 'static {
    /// What comes in.
    type Stream: Stream;

    /// The next stream and where it comes from.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

/// Opens streams.
pub trait Connect: Send + Sync + 'static {
    /// What comes of it.
    type Stream: Stream;

    /// A stream to an address as configured.
    fn connect(&self, address: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Sockets of the machine. Frames are small and each is waited for: they are not held back to be sent together.
pub struct Tcp;

impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, from) = TcpListener::accept(self).await?;
        socket.set_nodelay(true)?;
        Ok((socket, from))
    }
}

impl Connect for Tcp {
    type Stream = TcpStream;

    async fn connect(&self, address: &str) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}
