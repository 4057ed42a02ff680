//! One node's process, and its API as the operator.
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A node that runs.
pub struct Node {
    pub dir: PathBuf,
    pub api: String,
    pub link: String,
    /// Where the DSS is, if one is served.
    pub dss: Option<String>,
    token: String,
    child: Child,
}

/// A node that did not start: how it ended and what it said.
#[derive(Debug)]
pub struct NotStarted {
    pub code: Option<i32>,
    pub said: String,
}

impl Node {
    /// Starts the node of a folder.
    pub fn try_start(dir: &Path) -> Result<Self, NotStarted> {
        let log_path = dir.join("node.log");
        let log = OpenOptions::new().create(true).append(true).open(&log_path).unwrap();
        let log_from = log.metadata().unwrap().len() as usize;
        let mut child = Command::new(env!("CARGO_BIN_EXE_skypact"))
            .args(["serve", "--config", "skypact.toml", "--json", "--stop-with-stdin"])
            .args(["--sign-in", "officer=officer"])
            .current_dir(dir)
            .envs(environment(dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tx, rx) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| tx.send(line))
        });
        // On a busy machine a start from a full journal takes its time.
        let line = rx.recv_timeout(Duration::from_secs(120)).unwrap_or_default();
        let said = || fs::read_to_string(&log_path).unwrap_or_default().split_off(log_from);
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            // Ended already, or hangs: then the kill shows as no exit code.
            if child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(500));
                let _ended = child.kill();
            }
            let code = child.wait().unwrap().code();
            return Err(NotStarted { code, said: said() });
        };
        let token = fs::read_to_string(dir.join("data/run/token")).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().to_string();
        let dss = ready["dss"].as_str().map(str::to_owned);
        Ok(Self { dir: dir.to_owned(), api: text("api"), link: text("link"), dss, token, child })
    }

    /// Starts a node that must start.
    #[track_caller]
    pub fn start(dir: &Path) -> Self {
        match Self::try_start(dir) {
            Ok(node) => node,
            Err(not) => panic!("the node of {} did not start ({:?}):\n{}", dir.display(), not.code, not.said),
        }
    }

    /// Asks as the operator: status and body as text.
    pub fn ask(&self, method: &str, path: &str, body: Option<&[u8]>) -> std::io::Result<(u16, String)> {
        let mut socket = TcpStream::connect(&self.api)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let body = body.unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.api,
            self.token.trim(),
            body.len()
        );
        socket.write_all(head.as_bytes())?;
        socket.write_all(body)?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let cut = || std::io::Error::other("the answer was cut");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or_else(cut)?;
        let length =
            head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if length.is_some_and(|length: usize| body.len() < length) {
            return Err(cut());
        }
        Ok((status, body.to_string()))
    }

    /// Opens a stream as the operator; what comes on it is left to read.
    #[track_caller]
    pub fn stream(&self) -> TcpStream {
        let mut socket = TcpStream::connect(&self.api).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "GET /v1/stream HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.api,
            self.token.trim(),
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 101");
        socket
    }

    /// Asks with and for JSON.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let bytes = body.to_string();
        let body = (!body.is_null()).then_some(bytes.as_bytes());
        let (status, text) =
            self.ask(method, path, body).unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.tail()));
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Reads.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, &Value::Null);
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// Reads a whole list.
    #[track_caller]
    pub fn list(&self, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?limit=500{after}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            after = format!("&after={next}");
        }
    }

    /// What it shows of a peer.
    #[track_caller]
    pub fn peer(&self, name: &str) -> Value {
        let state = self.get("/v1/state");
        let peers = state["peers"].as_array().unwrap().clone();
        peers.into_iter().find(|p| p["party"] == name).unwrap_or_else(|| panic!("no peer {name}: {state}"))
    }

    /// A metric's value by its name and labels, zero if it is not there.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        self.metrics()
            .lines()
            .filter(|l| l.starts_with(name))
            .filter_map(|l| l.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// All metrics.
    #[track_caller]
    pub fn metrics(&self) -> String {
        self.ask("GET", "/metrics", None).unwrap().1
    }

    /// Files a plan; its subject if it was acknowledged.
    pub fn file_plan(&self, n: u32) -> std::io::Result<Option<String>> {
        let now = 1_768_464_000_000_i64;
        let (lon, lat) = (6.0 + f64::from(n % 40) * 0.1, 45.0 + f64::from(n / 40) * 0.1);
        let body = json!({ "callsign": format!("PLAN{n}"), "class": "civil", "state": "accepted", "volumes": [{
            "outline": { "type": "circle", "centre": [lon, lat], "radius_m": 500.0 },
            "lower": { "value_ft": 1000, "reference": "pressure" }, "upper": { "value_ft": 2000, "reference": "pressure" },
            "start_utc_ms": now, "end_utc_ms": now + 7_200_000 }] });
        let (status, text) = self.ask("POST", "/v1/plans", Some(body.to_string().as_bytes()))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        assert!(matches!(status, 201 | 503 | 507), "{status}: {text}");
        Ok((status == 201).then(|| answer["subject"].as_str().unwrap_or_default().to_string()))
    }

    /// Files plans of these numbers, four at a time; all must be acknowledged.
    pub fn file_plans(&self, numbers: std::ops::Range<u32>) {
        std::thread::scope(|scope| {
            for part in 0..4 {
                let mine = numbers.clone().filter(move |n| n % 4 == part);
                scope.spawn(|| mine.for_each(|n| assert!(self.file_plan(n).unwrap().is_some(), "plan {n}")));
            }
        });
    }

    /// Sends SIGKILL and does not wait: other threads may be asking.
    pub fn send_kill(&self) {
        let sent = Command::new("kill").arg("-KILL").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it as a power cut of the process would.
    pub fn kill_9(mut self) {
        // Killed already when the test sent the signal itself.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        super::eventually("the node ends after SIGTERM", 20, || self.child.try_wait().unwrap())
    }

    /// Ends it in an orderly way, which must succeed.
    #[track_caller]
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        let tail = self.tail();
        let status = super::eventually("the node ends when its input closes", 20, || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}:\n{tail}");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// All it has written to its log, colours removed.
    pub fn log(&self) -> String {
        plain(&fs::read_to_string(self.dir.join("node.log")).unwrap_or_default())
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.dir.display(), self.tail());
        }
        // Killed already when the test ended it itself.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// What a test wants in a node's environment: `node.env` in its folder, a name and a value a line.
fn environment(dir: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(dir.join("node.env")).unwrap_or_default();
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter_map(pair).collect()
}

/// What a program said for machines, as people read it.
pub fn unquoted(said: &str) -> String {
    let error = |line: &str| serde_json::from_str::<Value>(line).ok()?["error"].as_str().map(str::to_string);
    plain(said).lines().map(|line| error(line).unwrap_or_else(|| line.to_string()) + "\n").collect()
}

/// Text without terminal colours.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            out.push(c);
        }
    }
    out
}
