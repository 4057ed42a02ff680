//! HTTP to the node that runs on this machine, as its operator.
//!
//! The node writes its address and a token of this run into its data folder, readable by its own account alone: whoever
//! can read the node's data may act as its operator, and nobody else. The token lives as long as the run.
use crate::cli::{Exit, REFUSED, values};
use crate::config::Loaded;
use crate::keys;
use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use units::Utc;

/// The longest answer taken: a page of 500 plans of many points.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Within this the node has answered, or says that it does not know.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A command that got no answer is asked again with the same key, so that it is done once.
const ATTEMPTS: u32 = 3;
/// A list that does not show by then what was done is not waited for.
const SETTLE: Duration = Duration::from_secs(3);
const SETTLE_STEP: Duration = Duration::from_millis(50);
/// Most pages of a list; a node bounds everything it holds far below.
const PAGES_MAX: usize = 1000;

/// Which node to talk to.
#[derive(Debug, clap::Args)]
pub struct NodeArgs {
    /// Configuration file of the running node; its data folder says where the node answers.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    pub config: PathBuf,
}

/// A running node.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    by: By,
    run: PathBuf,
}

/// As whom the node is asked.
#[derive(Debug, Clone)]
enum By {
    /// The operator, by the token of this run.
    Token(String),
    /// A person who signed in: cookie and the token against forged requests.
    Session { cookie: String, csrf: String },
}

/// What a node answered.
struct Reply {
    status: StatusCode,
    body: Bytes,
    cookie: Option<String>,
}

/// Runs a conversation with the node of a configuration.
pub fn talk<T>(node: &NodeArgs, task: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
    let loaded = Loaded::read(&node.config)?;
    let client = Client::of(&loaded.path(&loaded.config.data).join("run"), &node.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(task(&client))
}

impl Client {
    fn of(run: &Path, config: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = run.join(name);
            std::fs::read_to_string(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => anyhow!(
                    "the node of {0} does not run: {1} is not there. Start it with `skypact serve --config {0}`",
                    config.display(),
                    path.display()
                ),
                std::io::ErrorKind::PermissionDenied => anyhow!(
                    "{} cannot be read: run this command as the account of the node (for example with sudo -u skypact)",
                    path.display()
                ),
                _ => anyhow!("cannot read {}: {error}", path.display()),
            })
        };
        let text = read("api")?;
        let address: SocketAddr =
            text.trim().parse().with_context(|| format!("{} holds no address: {text:?}", run.join("api").display()))?;
        Ok(Self { address: reachable(address), by: By::Token(read("token")?.trim().to_owned()), run: run.to_owned() })
    }

    /// The same node, asked by a person who signs in with the account's password.
    pub async fn signed_in(&self, name: &str, password: &str) -> Result<Self> {
        let nobody = Self { address: self.address, by: By::Token(String::new()), run: self.run.clone() };
        let body = json!({ "name": name, "password": password });
        let key = keys::hex(&keys::random::<16>()?);
        let asked = nobody.once(&Method::POST, "/v1/sign-in", Some(&body), &key);
        let reply = tokio::time::timeout(TIMEOUT, asked).await.context("the node gave no answer")?;
        let reply = reply.map_err(|(Attempt::NotThere(e) | Attempt::Broken(e))| anyhow!("cannot sign in: {e}"))?;
        if reply.status == StatusCode::UNAUTHORIZED {
            return Err(Exit { code: REFUSED, message: format!("{name}: the name or the password is wrong") }.into());
        }
        let session = nobody.read(&reply)?;
        let csrf = session["csrf"].as_str().context("the node's answer has no csrf token")?.to_owned();
        let cookie = reply.cookie.context("the node gave no session")?;
        Ok(Self { by: By::Session { cookie, csrf }, ..nobody })
    }

    /// Where its console is, as seen from this machine.
    pub fn console(&self, fragment: &str) -> String {
        format!("http://{}/{fragment}", self.address)
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    /// Reads a whole list, page after page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let after = next.map_or_else(String::new, |n| format!("&after={n}"));
            let mut page = self.get(&format!("{path}?limit=500{after}")).await?;
            if let Value::Array(list) = page["items"].take() {
                items.extend(list);
            }
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                return Ok(items);
            }
        }
        bail!("{path} has more than {PAGES_MAX} pages")
    }

    /// Asks for something to be done; `Value::Null` if the node has nothing to say but that it was.
    pub async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.ask(method, path, body).await
    }

    /// Waits until a list shows what was just done, so that the next command finds it. What is done is durable before; the
    /// lists are those of the last picture, up to a quarter of a second old.
    pub async fn settle(&self, path: &str, shows: impl Fn(&[Value]) -> bool) -> Result<()> {
        let deadline = Instant::now() + SETTLE;
        while !shows(&self.list(path).await?) && Instant::now() < deadline {
            tokio::time::sleep(SETTLE_STEP).await;
        }
        Ok(())
    }

    /// The node's time, which in an exercise is not the machine's.
    pub async fn now(&self) -> Result<Utc> {
        let state = self.get("/v1/state").await?;
        state["utc_ms"].as_i64().map(Utc).context("the node's answer to /v1/state has no utc_ms")
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let key = keys::hex(&keys::random::<16>()?);
        let mut attempt = 1;
        let reply = loop {
            let asked = tokio::time::timeout(TIMEOUT, self.once(&method, path, body.as_ref(), &key)).await;
            let again = match &asked {
                Ok(Ok(reply)) => problem_kind(reply).as_deref() == Some("no-answer"),
                Ok(Err(Attempt::Broken(_))) | Err(_) => true,
                Ok(Err(Attempt::NotThere(_))) => false,
            };
            if again && attempt < ATTEMPTS {
                attempt += 1;
                continue;
            }
            match asked {
                Ok(Ok(reply)) => break reply,
                Ok(Err(Attempt::NotThere(error))) => bail!(
                    "nothing answers at {}, where the node said it would be ({error}): was it killed? Start it again with \
                     `skypact serve`",
                    self.address
                ),
                Ok(Err(Attempt::Broken(error))) => bail!(
                    "the connection to the node broke ({error}); whether it was done is not known: look with `list` first"
                ),
                Err(_) => bail!(
                    "the node gave no answer in {} s; whether it was done is not known: look with `list` first",
                    TIMEOUT.as_secs()
                ),
            }
        };
        self.read(&reply)
    }

    async fn once(&self, method: &Method, path: &str, body: Option<&Value>, key: &str) -> Result<Reply, Attempt> {
        let stream = TcpStream::connect(self.address).await.map_err(|e| Attempt::NotThere(e.to_string()))?;
        let broken = |e: &dyn std::fmt::Display| Attempt::Broken(e.to_string());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let driving = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("idempotency-key", key);
        request = match &self.by {
            By::Token(token) if !token.is_empty() => request.header("authorization", format!("Bearer {token}")),
            By::Token(_) => request,
            By::Session { cookie, csrf } => request.header("cookie", cookie).header("x-csrf-token", csrf),
        };
        let text = body.map_or_else(String::new, Value::to_string);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(Bytes::from(text))).map_err(|e| broken(&e))?;
        let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = response.status();
        let cookie = response.headers().get("set-cookie").and_then(|c| c.to_str().ok());
        let cookie = cookie.and_then(|c| c.split(';').next()).map(str::to_owned);
        let collected = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = collected.map_err(|e| broken(&e))?.to_bytes();
        driving.abort();
        Ok(Reply { status, body, cookie })
    }

    fn read(&self, reply: &Reply) -> Result<Value> {
        if reply.status.is_success() {
            if reply.body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&reply.body)
                .context("the node's answer is not JSON: is it another version?");
        }
        if reply.status == StatusCode::UNAUTHORIZED {
            bail!(
                "the node at {} does not know the token in {}: it is of another run. Is a second node running on that address?",
                self.address,
                self.run.join("token").display()
            );
        }
        Err(refusal(reply.status, &serde_json::from_slice(&reply.body).unwrap_or(Value::Null)))
    }
}

enum Attempt {
    /// Nobody took the connection: nothing was asked.
    NotThere(String),
    /// It broke: what was asked may have been done.
    Broken(String),
}

/// An address to connect to: a node that listens everywhere is asked over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn problem_kind(reply: &Reply) -> Option<String> {
    let problem: Value = serde_json::from_slice(&reply.body).ok()?;
    problem["type"].as_str()?.strip_prefix("urn:skypact:problem:").map(str::to_owned)
}

/// A problem (RFC 9457) as an error: 4xx is the node's refusal, 5xx its failure.
fn refusal(status: StatusCode, problem: &Value) -> anyhow::Error {
    let field = |name: &str| problem[name].as_str().map(values::plain).filter(|t| !t.is_empty());
    let title = field("title").unwrap_or_else(|| format!("status {status}"));
    let mut message = title;
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let (Some(detail), true) = (field("detail"), errors.is_empty()) {
        message.push_str(&format!(": {detail}"));
    }
    for error in errors {
        let text = |name: &str| error[name].as_str().map(values::plain).unwrap_or_default();
        let at = text("field");
        let dot = if at.is_empty() { "" } else { ": " };
        message.push_str(&format!("\n  {at}{dot}{}", text("reason")));
    }
    let kind = problem["type"].as_str().and_then(|t| t.strip_prefix("urn:skypact:problem:")).unwrap_or_default();
    if let Some(advice) = advice(kind) {
        message.push_str(&format!("\n{advice}"));
    }
    if status.is_client_error() {
        return Exit { code: REFUSED, message: format!("refused by the node: {message}") }.into();
    }
    anyhow!("the node could not do it: {message}")
}

/// What to do about a refusal, where its text does not say.
fn advice(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "withheld" => "Nothing was sent. `skypact release show` has the rules; an administrator can change them.",
        "frozen" => "The link is frozen until a person acts: see the peers on the console, and call the peer's desk.",
        "read-back-differs" => {
            "Nothing was acknowledged. Read the notice again (`skypact notice list`); if in doubt, call the sender."
        }
        "already" => "Nothing more is to be done.",
        "journal-full" => {
            "Nothing was accepted. Free space on the disk of the data folder; the node goes on by itself."
        }
        _ => return None,
    })
}

/// A path of the API with a name in it that people typed.
pub fn path(before: &str, name: &str, after: &str) -> Result<String> {
    let plain = !name.is_empty() && name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain {
        bail!("{:?} is not a name: letters, digits and - only", name.chars().take(80).collect::<String>());
    }
    Ok(format!("{before}{name}{after}"))
}

/// The one item whose name begins with what was typed: names are 32 or 64 digits long, and nobody types them.
pub fn by_prefix<'a>(items: &'a [Value], field: &str, typed: &str, what: &str) -> Result<&'a Value> {
    let typed = typed.to_ascii_lowercase();
    let found: Vec<&Value> = items
        .iter()
        .filter(|i| typed.len() >= 4 && i[field].as_str().is_some_and(|name| name.starts_with(&typed)))
        .collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Exit {
            code: REFUSED,
            message: format!(
                "no {what} has a name that begins with {typed:?} (at least 4 digits); the list shows them"
            ),
        }
        .into()),
        many => bail!("{} {what}s have a name that begins with {typed:?}: type more of it", many.len()),
    }
}

/// A point as lists show it.
pub fn show_place(place: &Value) -> Option<String> {
    Some(format!("{:.5},{:.5}", place["lat"].as_f64()?, place["lon"].as_f64()?))
}

/// A time as lists show it.
pub fn show_time(ms: &Value) -> String {
    ms.as_i64().map_or_else(|| String::from("-"), |ms| crate::clock::rfc3339(Utc(ms / 1000 * 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, problem: &str, code: Option<u8>, want: &str) {
        let problem = serde_json::from_str(problem).unwrap_or(Value::Null);
        let error = refusal(StatusCode::from_u16(status).unwrap(), &problem);
        assert_eq!(error.to_string(), want);
        assert_eq!(error.downcast_ref::<Exit>().map(|e| e.code), code);
    }

    #[test]
    fn a_problem_becomes_an_error_that_says_what_to_do() {
        check(
            422,
            r#"{"type":"urn:skypact:problem:invalid","title":"The body is not valid","detail":"a: b",
                "errors":[{"field":"volumes[0].upper","reason":"is missing"},{"field":"","reason":"no"}]}"#,
            Some(4),
            "refused by the node: The body is not valid\n  volumes[0].upper: is missing\n  no",
        );
        check(
            409,
            r#"{"type":"urn:skypact:problem:withheld","title":"Withheld","detail":"not released to south"}"#,
            Some(4),
            "refused by the node: Withheld: not released to south\nNothing was sent. `skypact release show` has the rules; \
             an administrator can change them.",
        );
        check(
            507,
            r#"{"type":"urn:skypact:problem:journal-full","title":"The journal is full"}"#,
            None,
            "the node could not do it: The journal is full\nNothing was accepted. Free space on the disk of the data folder; \
             the node goes on by itself.",
        );
        check(502, "<html>", None, "the node could not do it: status 502 Bad Gateway");
        check(404, r#"{"title":"a\u001b[2J"}"#, Some(4), "refused by the node: a [2J");
    }

    #[test]
    fn a_node_that_does_not_run_is_said_to_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |want: &str| {
            let got = Client::of(dir.path(), Path::new("x.toml")).unwrap_err();
            assert_eq!(format!("{got:#}").replace(&dir.path().display().to_string(), "RUN"), want);
        };
        refused("the node of x.toml does not run: RUN/api is not there. Start it with `skypact serve --config x.toml`");
        std::fs::write(dir.path().join("api"), "here").unwrap();
        refused("RUN/api holds no address: \"here\": invalid socket address syntax");
        std::fs::write(dir.path().join("api"), "0.0.0.0:1").unwrap();
        refused(
            "the node of x.toml does not run: RUN/token is not there. Start it with `skypact serve --config x.toml`",
        );
        std::fs::write(dir.path().join("token"), "t\n").unwrap();
        let client = Client::of(dir.path(), Path::new("x.toml")).unwrap();
        assert_eq!(client.address.to_string(), "127.0.0.1:1");
        assert!(matches!(&client.by, By::Token(token) if token == "t"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(client.get("/v1/state")).unwrap_err().to_string();
        assert!(error.starts_with("nothing answers at 127.0.0.1:1, where the node said it would be"), "{error}");
    }

    #[test]
    fn a_name_is_found_by_its_first_digits_if_they_are_enough() {
        let items = [json!({"id": "abcd01"}), json!({"id": "abcd02"}), json!({"id": "ff0000"})];
        assert_eq!(by_prefix(&items, "id", "FF00", "notice").unwrap(), &items[2]);
        let refused = |typed| by_prefix(&items, "id", typed, "notice").unwrap_err().to_string();
        assert_eq!(refused("abcd"), "2 notices have a name that begins with \"abcd\": type more of it");
        assert_eq!(
            refused("ff"),
            "no notice has a name that begins with \"ff\" (at least 4 digits); the list shows them"
        );
        assert_eq!(
            path("/v1/plans/", "../a", "").unwrap_err().to_string(),
            "\"../a\" is not a name: letters, digits and - only"
        );
    }
}
