//! Connections to addresses that traffic services state: to none that only this machine or its network reaches.
//!
//! The name is looked up once, all that it stands for is checked, and the connection goes to what was checked: a name that stands for
//! another address a moment later leads nowhere else.
use crate::http::{Ask, Url, believing};
use anyhow::{Context, Result, bail, ensure};
use hyper::StatusCode;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Addresses of one name that are tried, and how long each.
const TRIED_MAX: usize = 3;
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// Networks that are not of the public internet (IANA's registries of special addresses), each with its length.
const NOT_GLOBAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// All that is global is in 2000::/3, but for these: protocols with Teredo, documentation twice, 6to4. What holds an address of IPv4 is
/// not asked for it: it is refused.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_GLOBAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one host's on the public internet.
fn is_global(ip: IpAddr) -> bool {
    let in_v4 = |ip: Ipv4Addr, (net, length): (Ipv4Addr, u32)| (ip.to_bits() ^ net.to_bits()) >> (32 - length) == 0;
    let in_v6 = |ip: Ipv6Addr, (net, length): (Ipv6Addr, u32)| (ip.to_bits() ^ net.to_bits()) >> (128 - length) == 0;
    match ip.to_canonical() {
        IpAddr::V4(ip) => !NOT_GLOBAL_V4.iter().any(|net| in_v4(ip, *net)),
        IpAddr::V6(ip) => in_v6(ip, GLOBAL_V6) && !NOT_GLOBAL_V6.iter().any(|net| in_v6(ip, *net)),
    }
}

/// Which addresses may be reached.
pub struct Reach {
    /// `http` beside `https`.
    http: bool,
    /// Addresses that the configuration names, and what is below them: those may be anywhere.
    named: Vec<String>,
    tls: Arc<rustls::ClientConfig>,
}

impl Reach {
    /// Certificate authorities of a PEM file are believed, else the system's.
    pub fn new(http: bool, named: Vec<String>, ca: Option<&Path>) -> Result<Self> {
        Ok(Self { http, named, tls: believing(ca)? })
    }

    /// The address of a traffic service, if it is one to which a path may be put.
    pub fn parse(&self, address: &str) -> Result<Url> {
        let url = Url::parse_prefix(address)?;
        ensure!(url.is_tls() || self.http, "it is not https");
        ensure!(!url.has_query(), "it has a query: no path can be put behind it");
        Ok(url)
    }

    async fn connect(&self, address: &str, url: &Url) -> Result<TcpStream> {
        let found = tokio::net::lookup_host((url.host(), url.port())).await.context("its host is not found")?;
        let found: Vec<SocketAddr> = found.collect();
        if !self.named.iter().any(|named| api_f3548::below(address, named))
            && let Some(inside) = found.iter().find(|at| !is_global(at.ip()))
        {
            bail!(
                "its host is {}, which is not on the public internet; name the address in f3548.base_urls if it is right",
                inside.ip()
            );
        }
        let mut why = anyhow::anyhow!("its host has no address");
        for at in found.iter().take(TRIED_MAX) {
            match tokio::time::timeout(CONNECT_WAIT, TcpStream::connect(at)).await {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => why = anyhow::Error::new(error).context(format!("cannot connect to {at}")),
                Err(_) => why = anyhow::anyhow!("cannot connect to {at} in time"),
            }
        }
        Err(why)
    }

    /// One request to an address: the status of the answer, whose body is not read. How long it may take is the caller's to say.
    pub async fn send(&self, address: &str, ask: Ask<'_>) -> Result<StatusCode> {
        let url = self.parse(address)?;
        let socket = self.connect(address, &url).await?;
        Ok(url.send_over(socket, Some(self.tls.clone()), ask).await?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn only_hosts_of_the_public_internet_are_global() {
        for global in ["1.1.1.1", "9.255.255.255", "100.63.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255"] {
            assert!(is_global(global.parse().unwrap()), "{global}");
        }
        for global in ["2606:4700::1111", "2001:200::1", "2a00::1", "3ffe::1", "::ffff:1.1.1.1"] {
            assert!(is_global(global.parse().unwrap()), "{global}");
        }
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!is_global(inside.parse().unwrap()), "{inside}");
            let mapped = format!("::ffff:{inside}");
            assert!(!is_global(mapped.parse().unwrap()), "{mapped}");
        }
        for inside in [
            "::",
            "::1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "100::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff:0:1::",
            "4000::1",
        ] {
            assert!(!is_global(inside.parse().unwrap()), "{inside}");
        }
    }

    fn reach(http: bool, named: &[&str]) -> Reach {
        Reach::new(http, named.iter().map(|&url| url.into()).collect(), None).unwrap()
    }

    fn post() -> Ask<'static> {
        let headers = &[("authorization", "Bearer x"), ("content-type", "application/json")];
        Ask { method: "POST", path: "/uss/v1/constraints", headers, body: b"{}".to_vec(), max: None }
    }

    async fn why(reach: &Reach, address: &str) -> String {
        format!("{:#}", reach.send(address, post()).await.unwrap_err())
    }

    #[tokio::test]
    async fn what_is_inside_is_not_reached_by_any_name_unless_it_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = reach(true, &["http://uss.example"]);
        for host in
            ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
        {
            let refused = why(&open, &format!("http://{host}:{port}/utm")).await;
            assert!(refused.contains("is not on the public internet"), "{host}: {refused}");
        }
        // Nobody came.
        assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err());
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let read = socket.read(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                assert!(text.starts_with("POST /utm/a/uss/v1/constraints HTTP/1.1\r\n"), "{text}");
                assert!(text.contains("\r\nauthorization: Bearer x\r\n") && text.ends_with("\r\n\r\n{}"), "{text}");
                // An answer whose body never ends, and one that leads elsewhere.
                let answer =
                    b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/other\r\ncontent-length: 100000\r\n\r\nx";
                socket.write_all(answer).await.unwrap();
                tokio::spawn(async move { socket.read(&mut request).await });
            }
        });
        let named = reach(true, &[&format!("http://127.0.0.1:{port}/utm")]);
        let status = named.send(&format!("http://127.0.0.1:{port}/utm/a/"), post()).await.unwrap();
        assert_eq!(status, StatusCode::FOUND);
        let beside = why(&named, &format!("http://127.0.0.1:{port}/other")).await;
        assert!(beside.contains("is not on the public internet"), "{beside}");
    }

    #[test]
    fn what_may_be_written_in_the_dss_can_be_sent_to() {
        let open = reach(true, &[]);
        for address in [
            "https://uss1.example",
            "https://USS1.example.:8443/utm/v1/",
            "http://a_b:80/(x);a=1,~$&'!*+/%C3%BC",
            "https://192.0.2.1/",
            "https://[2001:DB8::1]:65535/utm",
        ] {
            assert_eq!(api_f3548::Address::parse(address).err(), None, "{address}");
            let url = open.parse(address).unwrap();
            assert!(rustls::pki_types::ServerName::try_from(url.host()).is_ok(), "{address}");
            assert!(format!("{url}/x").parse::<hyper::Uri>().is_ok(), "{address}");
        }
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_says_why() {
        let closed = reach(false, &["http://127.0.0.1", "https://127.0.0.1"]);
        assert_eq!(why(&closed, "http://127.0.0.1/utm").await, "it is not https");
        let query = why(&closed, "https://127.0.0.1/utm?a=b").await;
        assert!(query.contains("it has a query"), "{query}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        drop(listener);
        let refused = why(&reach(true, &[&format!("http://{at}")]), &format!("http://{at}")).await;
        assert!(refused.contains(&format!("cannot connect to {at}")), "{refused}");
        let unknown = why(&closed, "https://no-such-host.invalid").await;
        assert!(unknown.contains("its host is not found"), "{unknown}");
    }
}
