//! The network between two nodes: it carries, is cut, stalls, or changes bytes.
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Weather {
    /// Carries every byte.
    Fair,
    /// Closes every connection at once.
    Cut,
    /// Keeps connections and carries nothing.
    Stall,
    /// Changes one byte of every chunk.
    Garble,
    /// The network is taken down.
    Gone,
}

const ALL: [Weather; 5] = [Weather::Fair, Weather::Cut, Weather::Stall, Weather::Garble, Weather::Gone];

#[derive(Default)]
struct Shared {
    weather: AtomicU8,
    target: Mutex<Option<SocketAddr>>,
    garbled: AtomicU64,
}

/// A relay with a fixed address before a node whose address changes.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a relay.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                match accepting.weather() {
                    Weather::Gone => return,
                    Weather::Cut => continue,
                    _ => {}
                }
                let shared = accepting.clone();
                std::thread::spawn(move || shared.relay(socket));
            }
        });
        Self { address, shared }
    }

    /// Where it leads.
    pub fn lead_to(&self, target: &str) {
        *self.shared.target.lock().unwrap() = Some(target.parse().unwrap());
    }

    /// Changes what the network does.
    pub fn set(&self, weather: Weather) {
        self.shared.weather.store(weather as u8, Ordering::SeqCst);
    }

    /// Bytes changed so far.
    pub fn garbled(&self) -> u64 {
        self.shared.garbled.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Weather::Gone);
        // Wakes the listener, which then ends.
        let _woken = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn weather(&self) -> Weather {
        ALL[usize::from(self.weather.load(Ordering::SeqCst))]
    }

    fn relay(self: Arc<Self>, near: TcpStream) {
        let target = *self.target.lock().unwrap();
        let Some(far) = target.and_then(|t| TcpStream::connect_timeout(&t, Duration::from_secs(2)).ok()) else {
            return;
        };
        let (there, back) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let this = self.clone();
        let half = std::thread::spawn(move || this.carry(there, far));
        self.carry(back, near);
        half.join().unwrap();
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        from.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        to.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.weather() {
                Weather::Cut | Weather::Gone => break,
                Weather::Stall => {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Weather::Fair | Weather::Garble => {}
            }
            let n = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(_) => break,
            };
            if self.weather() == Weather::Garble {
                buffer[n / 2] ^= 0x10;
                self.garbled.fetch_add(1, Ordering::SeqCst);
            }
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        // Either may be closed already.
        let _from = from.shutdown(Shutdown::Both);
        let _to = to.shutdown(Shutdown::Both);
    }
}
