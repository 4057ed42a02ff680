//! Addresses of USSs, written and compared in one way: what two servers may read differently is refused.
//!
//! A query is taken and not compared: the public tools state addresses with one. No path can be put behind it, so nobody is told
//! anything there, and the node's own addresses have none.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest address of a USS.
const URL_MAX: usize = 2_048;
/// Longest name of a host and longest of its labels (RFC 1035).
const HOST_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// An address behind which paths are put, as it is compared: an empty path, or `/` and segments.
#[derive(Debug, PartialEq, Eq)]
pub struct Address<'a> {
    https: bool,
    host: String,
    port: u16,
    path: &'a str,
    has_query: bool,
}

impl<'a> Address<'a> {
    /// Reads `http://HOST[:PORT][/PATH][?QUERY]` or the same with https.
    ///
    /// # Errors
    /// How to write it, if it is something else.
    pub fn parse(url: &'a str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let https = match scheme {
            _ if url.len() > URL_MAX => return Err("an address has at most 2048 characters"),
            "https" => true,
            "http" => false,
            _ => return Err("not an https address"),
        };
        if rest.contains(['#', '@']) {
            return Err("write it without user and fragment (`@`, `#`): paths are put behind it");
        }
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        if !query.unwrap_or_default().bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:/?%".contains(&b))
        {
            return Err("a character of its query is none that addresses have: write `%` and its two digits");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port_of(port)?),
            _ => (authority, if https { 443 } else { 80 }),
        };
        let host = host_of(name).ok_or(
            "write its host as a name of letters, digits, `-` and `_`, as an IPv4 address of four numbers, or as an IPv6 address in brackets",
        )?;
        checked(path)?;
        Ok(Self { https, host, port, path: path.trim_end_matches('/'), has_query: query.is_some() })
    }

    /// Whether it is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Reads one that is configured: behind its paths others are put, so it has no query.
    ///
    /// # Errors
    /// How to write it.
    pub fn configured(url: &'a str) -> Result<Self, &'static str> {
        let address = Self::parse(url)?;
        if address.has_query {
            return Err("write it without query (`?`): paths are put behind it");
        }
        Ok(address)
    }

    /// Whether it is another, or a path below it.
    #[must_use]
    pub fn is_below(&self, own: &Self) -> bool {
        let origin = |address: &Self| (address.https, address.port);
        let path = self.path.strip_prefix(own.path);
        origin(self) == origin(own)
            && self.host == own.host
            && path.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether an address is another, or a path below it; nothing is below what is no address, nor is that.
#[must_use]
pub fn below(url: &str, own: &str) -> bool {
    matches!((Address::parse(url), Address::parse(own)), (Ok(url), Ok(own)) if url.is_below(&own))
}

fn port_of(text: &str) -> Result<u16, &'static str> {
    // `parse` alone takes a sign too.
    let digits = text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port > 0);
    port.ok_or("write its port as a number from 1 to 65535, or leave it out with its colon")
}

/// A host in small letters and without the dot of the root; an address in its only form.
fn host_of(text: &str) -> Option<String> {
    if let Some(inside) = text.strip_prefix('[') {
        let ip = IpAddr::V6(inside.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?);
        return Some(ip.to_canonical().to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let edge = |label: &str| label.starts_with('-') || label.ends_with('-');
    let labelled = |label: &str| (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(good) && !edge(label);
    // What resolvers take for a number is an address: `127.1`, `0x7f000001`.
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    let fits = name.split('.').all(labelled) && name.len() <= HOST_MAX && (!number || name.parse::<Ipv4Addr>().is_ok());
    fits.then_some(name)
}

/// Nothing in a path but what every server reads alike.
fn checked(path: &str) -> Result<(), &'static str> {
    let mut parts = path.split('%');
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:/".contains(&b));
    if !parts.next().is_none_or(plain) {
        return Err("a character of its path is none that addresses have: write `%` and its two digits");
    }
    for part in parts {
        let digits = part.get(..2).filter(|two| two.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
        let code =
            digits.and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or("write two digits of 0-9, A-F behind `%`")?;
        if code.is_ascii_alphanumeric() || b"-._~/\\".contains(&code) {
            return Err("write letters, digits and `-._~` without `%`; neither `/` nor `\\` may be behind one");
        }
        if !plain(&part[2..]) {
            return Err("a character of its path is none that addresses have: write `%` and its two digits");
        }
    }
    let inside = path.strip_prefix('/').unwrap_or_default();
    // Some servers read a segment without what is behind its semicolon.
    let odd = |segment: &str| matches!(segment.split(';').next(), Some("" | "." | ".."));
    match !inside.is_empty() && inside.strip_suffix('/').unwrap_or(inside).split('/').any(odd) {
        true => Err("write its path without `//` and without segments `.` and `..`"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_place_compares_as_one_and_what_is_none_is_refused() {
        for same in [
            "https://uss1.example/utm",
            "https://USS1.Example/utm/",
            "https://uss1.example:443/utm",
            "https://uss1.example:0443/utm/v1",
            "https://uss1.example./utm",
        ] {
            assert!(below(same, "https://uss1.example/utm"), "{same}");
            assert!(below(same, "https://USS1.example.:443/utm/"), "{same}");
        }
        assert!(below("https://[2001:0DB8::1]", "https://[2001:db8:0::1]:443"));
        assert!(below("https://[::ffff:192.0.2.1]/", "https://192.0.2.1"));
        assert!(below("http://uss1.example:80", "http://uss1.example"));
        for other in [
            "http://uss1.example/utm",
            "https://uss1.example:444/utm",
            "https://uss1.example/utmost",
            "https://uss1.example/UTM",
            "https://uss1.example",
            "https://uss1.example.org/utm",
        ] {
            assert!(!below(other, "https://uss1.example/utm"), "{other}");
        }
        for good in [
            "https://a_b.example",
            "https://1.example/%C3%BC/(x);a=1,~$&'!*+/",
            "https://192.0.2.1:65535",
            "http://h?a=1",
            "http://h/?",
        ] {
            assert_eq!(Address::parse(good).err(), None, "{good}");
            assert_eq!(Address::configured(good).is_err(), good.contains('?'), "{good}");
        }
        let long = |labels: usize| format!("https://{}abc", "x.".repeat(labels));
        assert!(Address::parse(&long(125)).is_ok() && Address::parse(&long(126)).is_err());
        let label = |of: usize| format!("https://{}.example", "x".repeat(of));
        assert!(Address::parse(&label(63)).is_ok() && Address::parse(&label(64)).is_err());
        let whole = |of: usize| format!("https://h/{}", "x".repeat(of - "https://h/".len()));
        assert!(Address::parse(&whole(URL_MAX)).is_ok() && Address::parse(&whole(URL_MAX + 1)).is_err());
        let refused = |urls: &[&str], why: &str| {
            for url in urls {
                let said = Address::parse(url).unwrap_err();
                assert!(said.contains(why), "{url}: {said}");
                assert!(!below(url, url), "{url}");
            }
        };
        refused(&["", "h", "ftp://h", "HTTPS://h", "https:/h", "https:h", "://h"], "not an https address");
        refused(&["https://h/#f", "https://u:p@h", "https://h/@"], "without user");
        let hosts = [
            "https://",
            "https:///x",
            "https://[::1",
            "https://::1",
            "https://[]",
            "https://[h]",
            "https://a..b",
            "https://.a",
            "https://a..",
            "https://a%2eb",
            "https://a,b",
            "https://-a",
            "https://a-.b",
            "https://\\a",
            "https://a b",
            "https://a:b:c:9",
            "https://:80/",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0300.0.2.1",
            "https://192.0.2.0x1",
            "https://192.0.2.256",
            "https://h\u{e4}user.example",
        ];
        refused(&hosts, "write its host");
        let ports =
            ["https://h:", "https://h:/", "https://h:0", "https://h:65536", "https://h:+443", "https://a:b:c:99999"];
        refused(&ports, "write its port");
        let paths = ["//", "//x", "/x//", "/x//y", "/.", "/x/../y", "/x/..", "/x/./y", "/x/..;a/y", "/;a/y"];
        refused(&paths.map(|path| format!("https://h{path}")).each_ref().map(String::as_str), "without `//`");
        refused(&["https://h/%75tm", "https://h/%2E", "https://h/a%2Fb", "https://h/a%5Cb"], "without `%`");
        refused(&["https://h/%c3", "https://h/%", "https://h/%C", "https://h/%\u{fc}"], "two digits of");
        let characters = [
            "https://h/x y",
            "https://h/\u{fc}",
            "https://h/a\\b",
            "https://h/\"",
            "https://h/%C3\n",
            "https://h/a^",
            "https://h?a b",
            "https://h/?\u{fc}",
        ];
        refused(&characters, "a character of its ");
    }
}
