//! A small HTTP client: one request, one bounded answer, over TCP or TLS.
//!
//! No redirects, proxies, cookies or kept connections. Whoever asks sets the time in which an answer is to come.
use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The system's certificate authorities, where Debian and most others keep them.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An address of `http` or `https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    host: String,
    port: u16,
    /// Empty, or `/` and more.
    path: String,
}

impl Url {
    /// Parses `http://HOST[:PORT][/PATH]` or the same with https.
    pub fn parse(text: &str) -> Result<Self> {
        let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => anyhow::bail!("{text:?} is neither http:// nor https://"),
        };
        let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
        let default = if tls { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().context("the port")?),
            _ => (authority, default),
        };
        let plain = path.bytes().chain(host.bytes()).all(|b| b.is_ascii_graphic());
        let named = !host.is_empty() && !host.contains(['@', '?', '#']);
        ensure!(named && plain, "{text:?} has no host, or a character that no URL has");
        Ok(Self { tls, host: host.to_string(), port, path })
    }

    /// Parses a prefix: paths are put behind it, so that it ends without a slash.
    pub fn parse_prefix(text: &str) -> Result<Self> {
        let url = Self::parse(text)?;
        Ok(Self { path: url.path.trim_end_matches('/').to_string(), ..url })
    }

    /// Its host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether paths cannot be put behind it.
    pub fn has_query(&self) -> bool {
        self.path.contains(['?', '#'])
    }

    /// Whether what comes from there can be changed on its way: neither TLS nor this machine.
    pub fn is_open(&self) -> bool {
        let host = self.host();
        let loopback = host.parse::<std::net::IpAddr>().map_or(host == "localhost", |ip| ip.is_loopback());
        !self.tls && !loopback
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, host, port, path } = self;
        write!(f, "{}://{host}:{port}{path}", if *tls { "https" } else { "http" })
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Method.
    pub method: &'a str,
    /// Path behind that of the address.
    pub path: &'a str,
    /// Headers beside the host.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body.
    pub body: Vec<u8>,
    /// Longest body of an answer; without it, the body is not read.
    pub max: Option<usize>,
}

/// A server, and by whom it is vouched for.
#[derive(Debug, Clone)]
pub struct Server {
    url: Url,
    ca: PathBuf,
}

impl Server {
    /// The server of an address. For https, `ca` is a PEM file of certificate authorities, else the system's are believed.
    ///
    /// Fails if there is none to believe.
    pub fn new(url: Url, ca: Option<&Path>) -> Result<Self> {
        let server = Self { url, ca: ca.unwrap_or(Path::new(SYSTEM_CA)).to_path_buf() };
        if server.url.tls {
            roots(&server.ca)?;
        }
        Ok(server)
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// One request: status and body of the answer, of at most `max` bytes.
    pub async fn ask(&self, method: &str, path: &str, body: Vec<u8>, max: usize) -> Result<(StatusCode, Vec<u8>)> {
        self.send(Ask { method, path, headers: &[], body, max: Some(max) }).await
    }

    /// The same with all that a request may have.
    pub async fn send(&self, ask: Ask<'_>) -> Result<(StatusCode, Vec<u8>)> {
        let socket = TcpStream::connect((self.url.host(), self.url.port)).await.context("cannot connect")?;
        let tls = self.url.tls.then(|| believing(Some(&self.ca))).transpose()?;
        self.url.send_over(socket, tls, ask).await
    }
}

/// What TLS believes: certificate authorities of a PEM file, else the system's.
pub fn believing(ca: Option<&Path>) -> Result<Arc<rustls::ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Other parties' servers, of which many have no 1.3: what rustls has of 1.2 is as good.
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots(ca.unwrap_or(Path::new(SYSTEM_CA)))?)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Url {
    /// One request on a connection to this address, which is encrypted if the address is https.
    pub async fn send_over(
        &self,
        socket: TcpStream,
        tls: Option<Arc<rustls::ClientConfig>>,
        ask: Ask<'_>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        if !self.tls {
            return self.exchange(socket, ask).await;
        }
        let config = tls.context("nobody vouches for a server of https")?;
        let name = rustls::pki_types::ServerName::try_from(self.host().to_string())?;
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, socket).await?;
        self.exchange(stream, ask).await
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        ask: Ask<'_>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Ends when it is dropped: whoever no longer waits leaves no connection behind.
        let mut driver = tokio::task::JoinSet::new();
        driver.spawn(connection);
        let path = match format!("{}{}", self.path, ask.path) {
            empty if empty.is_empty() => "/".into(),
            path => path,
        };
        let mut request = Request::builder().method(ask.method).uri(path);
        request = request.header("host", format!("{}:{}", self.host, self.port));
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(ask.body)))?).await?;
        let status = response.status();
        let Some(max) = ask.max else { return Ok((status, Vec::new())) };
        let body = Limited::new(response.into_body(), max).collect().await;
        Ok((status, body.map_err(|e| anyhow::anyhow!("the answer: {e}"))?.to_bytes().to_vec()))
    }
}

fn roots(path: &Path) -> Result<rustls::RootCertStore> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    let of = || format!("cannot read the certificate authorities in {}", path.display());
    for certificate in rustls::pki_types::CertificateDer::pem_file_iter(path).with_context(of)? {
        // A system's bundle may hold one that is not understood; the others are believed all the same.
        let _passed_over = roots.add(certificate.with_context(of)?);
    }
    ensure!(!roots.is_empty(), "{} holds no certificate authority", path.display());
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::Request;
    use tokio::net::TcpListener;

    #[test]
    fn an_address_is_http_or_https_with_a_host() {
        let url = |tls, host: &str, port, path: &str| Url { tls, host: host.into(), port, path: path.into() };
        for (text, prefix, expect) in [
            ("http://127.0.0.1:8081", "", Some(url(false, "127.0.0.1", 8081, ""))),
            ("https://w.example/a/b/", "/a/b", Some(url(true, "w.example", 443, "/a/b/"))),
            ("http://[::1]:80/", "", Some(url(false, "[::1]", 80, "/"))),
            ("http://[::1]", "", Some(url(false, "[::1]", 80, ""))),
            ("http://w/a?b=c", "/a?b=c", Some(url(false, "w", 80, "/a?b=c"))),
            ("ftp://w.example", "", None),
            ("http://", "", None),
            ("http://w:x", "", None),
            ("http://w example", "", None),
            ("http://me@w", "", None),
            ("http://w?b=c", "", None),
        ] {
            assert_eq!(Url::parse(text).ok(), expect, "{text}");
            assert_eq!(Url::parse_prefix(text).ok(), expect.map(|url| Url { path: prefix.into(), ..url }), "{text}");
        }
    }

    #[test]
    fn what_can_be_changed_on_its_way_is_known() {
        for (text, open) in [
            ("http://w.example/a", true),
            ("http://10.0.0.1", true),
            ("https://w.example", false),
            ("http://localhost:80", false),
            ("http://127.0.0.1", false),
            ("http://[::1]:8080/a", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_open(), open, "{text}");
        }
        assert_eq!(Url::parse("https://w.example/a").unwrap().to_string(), "https://w.example:443/a");
    }

    /// Answers with what was asked.
    fn echo() -> Router {
        Router::new().fallback(async |request: Request| {
            let said = format!("{} {} {:?}", request.method(), request.uri(), request.headers().get("host").unwrap());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            (StatusCode::IM_A_TEAPOT, [said.as_bytes(), &body].concat())
        })
    }

    #[tokio::test]
    async fn a_request_is_as_said_and_the_answer_bounded() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, echo()).await });
        let server = |path: &str| Server::new(Url::parse(&format!("http://{at}{path}")).unwrap(), None).unwrap();
        let (status, answer) = server("/a").ask("POST", "/b?c", b" body".to_vec(), 1024).await.unwrap();
        assert_eq!(status, StatusCode::IM_A_TEAPOT);
        assert_eq!(String::from_utf8(answer).unwrap(), format!("POST /a/b?c \"{at}\" body"));
        let (_, answer) = server("").ask("GET", "", Vec::new(), 1024).await.unwrap();
        assert_eq!(String::from_utf8(answer.clone()).unwrap(), format!("GET / \"{at}\""));
        assert!(server("").ask("GET", "", Vec::new(), answer.len()).await.is_ok());
        let refused = server("").ask("GET", "", Vec::new(), answer.len() - 1).await.unwrap_err();
        assert!(refused.to_string().contains("length limit exceeded"), "{refused:#}");
    }

    #[tokio::test]
    async fn over_tls_only_a_server_that_is_vouched_for_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let made = rcgen::generate_simple_self_signed(vec![name.to_string()]).unwrap();
            let file = dir.path().join(name);
            std::fs::write(&file, made.cert.pem()).unwrap();
            (made, file)
        };
        let ((made_ours, ours), (_, others)) = (made("localhost"), made("other"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made_ours.signing_key.serialize_der().into());
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = rustls::ServerConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made_ours.cert.der().clone()], key.clone_key())
                .unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    let Ok(stream) = acceptor.accept(socket).await else { continue };
                    let service = hyper_util::service::TowerToHyperService::new(echo());
                    let stream = TokioIo::new(stream);
                    let _ended = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
                }
            });
            let server = |host: &str, ca: &Path| {
                Server::new(Url::parse(&format!("https://{host}:{port}/")).unwrap(), Some(ca)).unwrap()
            };
            let (status, _) = server("localhost", &ours).ask("GET", "", Vec::new(), 1024).await.unwrap();
            assert_eq!(status, StatusCode::IM_A_TEAPOT);
            for (host, ca) in [("localhost", &others), ("127.0.0.1", &ours)] {
                let refused = server(host, ca).ask("GET", "", Vec::new(), 1024).await.unwrap_err();
                assert!(format!("{refused:#}").contains("certificate"), "{refused:#}");
            }
        }
        let url = || Url::parse("https://localhost/").unwrap();
        std::fs::write(&others, "none").unwrap();
        assert!(Server::new(url(), Some(&others)).unwrap_err().to_string().contains("no certificate authority"));
        assert!(Server::new(url(), Some(&dir.path().join("absent"))).is_err());
    }
}
