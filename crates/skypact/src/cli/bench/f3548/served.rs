//! The node that is measured, and connections to it.
use super::token::Issuer;
use crate::cli::bench::node::{Process, free_port};
use crate::cli::bench::world::Home;
use anyhow::{Context, Result, anyhow, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderValue;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Audience of the tokens.
const AUDIENCE: &str = "dss.example";
/// Traffic services, among which clients are divided.
pub const SERVICES: usize = 8;
/// A node that does not serve by then never will.
const SERVE_MAX: Duration = Duration::from_secs(120);

/// A node's folder, and whatever is needed to ask it.
pub struct Served {
    home: Home,
    process: Option<Process>,
    /// Where the DSS is.
    pub at: SocketAddr,
    tokens: Vec<HeaderValue>,
}

impl Served {
    /// Makes folder and keys, and starts the node.
    pub fn start(dir: &Path) -> Result<Self> {
        let home = Home::new(dir, "dss")?;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let issuer = Issuer::new().map_err(|e| anyhow!(e))?;
        std::fs::write(home.dir.join("issuer.pem"), issuer.public_pem())?;
        let config = home.write_config("127.0.0.1:0", &[], None)?;
        let text =
            format!("\n[f3548]\nlisten = \"{at}\"\naudiences = [\"{AUDIENCE}\"]\nkey_files = [\"issuer.pem\"]\n");
        std::fs::OpenOptions::new().append(true).open(config)?.write_all(text.as_bytes())?;
        let now_s = crate::clock::utc_ms().div_euclid(1000);
        let token = |n| -> Result<HeaderValue> {
            let token = issuer.token(&service(n), AUDIENCE, "utm.strategic_coordination", now_s);
            Ok(HeaderValue::try_from(format!("Bearer {}", token.map_err(|e| anyhow!(e))?))?)
        };
        let tokens = (0..SERVICES).map(token).collect::<Result<_>>()?;
        let mut served = Self { home, process: None, at, tokens };
        served.go_on()?;
        Ok(served)
    }

    /// Starts the node's process on what its folder holds.
    pub fn go_on(&mut self) -> Result<()> {
        // That of a process that was killed: the new one's is waited for.
        let _absent = std::fs::remove_file(self.data().join("run/api"));
        self.process = Some(Process::start(&self.home)?);
        let begun = Instant::now();
        while TcpStream::connect(self.at).is_err() {
            ensure!(begun.elapsed() < SERVE_MAX, "no DSS is served at {}", self.at);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// SIGKILL.
    pub fn kill_9(&mut self) {
        self.process = None;
    }

    /// The process.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Its folder of data.
    pub fn data(&self) -> PathBuf {
        self.home.dir.join("data")
    }

    /// A connection for a traffic service.
    pub async fn connect(&self, number: usize) -> Result<Connection> {
        let socket = tokio::net::TcpStream::connect(self.at).await.context("the DSS")?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let host = HeaderValue::try_from(self.at.to_string())?;
        let token = self.tokens[number % SERVICES].clone();
        Ok(Connection { sender, host, token, _driver: driver })
    }
}

/// Name of a traffic service.
pub fn service(number: usize) -> String {
    format!("uss{}", number % SERVICES)
}

/// A connection that is kept, and the token that is shown on it.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    token: HeaderValue,
    /// Ends when it is dropped.
    _driver: JoinSet<hyper::Result<()>>,
}

impl Connection {
    /// Asks, and reads the answer.
    pub async fn ask(&mut self, method: &str, path: &str, body: String) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header("host", &self.host);
        let request = request.header("authorization", &self.token).header("content-type", "application/json");
        let response = self.sender.send_request(request.body(Full::new(body.into()))?).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
