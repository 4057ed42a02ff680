//! Connections that do not become a session: the words they are counted by, and what to do about each.
//!
//! The words are the metric's label, so a stranger must not choose them; `spec/link.md` section 9 lists them.
use std::fmt;

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The bound on handshakes in progress.
    TooManyHandshakes,
    /// No handshake in time.
    HandshakeTimeout,
    /// TLS with a key that no pact names.
    UnknownKey,
    /// TLS without a key.
    NoKey,
    /// The other side refused us.
    ByPeer,
    /// Bytes that are no TLS 1.3.
    NotTls,
    /// The socket ended in the handshake.
    Lost,
    /// TLS, and then something else than HTTP/2.
    NotHttp2,
    /// A request on a connection whose key was replaced since.
    KeyReplaced,
    /// The bound on connections of one peer.
    TooManyConnections,
    /// The bound on sessions of one peer.
    TooManySessions,
    /// Another method or path.
    NotALink,
    /// The side that listens has dialled.
    WrongSide,
    /// A length prefix over the bound.
    FrameTooLarge,
}

impl Refused {
    /// All, in the paper's order.
    #[cfg(test)]
    pub const ALL: [Self; 14] = [
        Self::TooManyHandshakes,
        Self::HandshakeTimeout,
        Self::UnknownKey,
        Self::NoKey,
        Self::ByPeer,
        Self::NotTls,
        Self::Lost,
        Self::NotHttp2,
        Self::KeyReplaced,
        Self::TooManyConnections,
        Self::TooManySessions,
        Self::NotALink,
        Self::WrongSide,
        Self::FrameTooLarge,
    ];

    /// The words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooManyHandshakes => "too many handshakes at once",
            Self::HandshakeTimeout => "handshake timeout",
            Self::UnknownKey => "TLS: a key that the pact does not name",
            Self::NoKey => "TLS: no key was shown",
            Self::ByPeer => "TLS: refused by the other side",
            Self::NotTls => "TLS: not a handshake that is understood",
            Self::Lost => "TLS: the connection was lost in the handshake",
            Self::NotHttp2 => "no HTTP/2 after TLS",
            Self::KeyReplaced => "a key that was replaced since",
            Self::TooManyConnections => "too many connections of a peer",
            Self::TooManySessions => "too many sessions of a peer",
            Self::NotALink => "not a link's request",
            Self::WrongSide => "dialled by the side that listens",
            Self::FrameTooLarge => "frame too large",
        }
    }

    /// What the other side gets, what it means, and what to do.
    #[cfg(test)]
    pub const fn answer(self) -> &'static str {
        match self {
            Self::TooManyHandshakes => {
                "closed at once; strangers reach the port: filter it, the honest peer dials again"
            }
            Self::HandshakeTimeout => "closed after 10 s; a stranger, or a path too slow for TLS",
            Self::UnknownKey => {
                "TLS alert; a stranger, or a key that changed: a statement about the peer's keys may be missing here, above all if it \
                 replaced them twice while the two were apart: take the file by hand (`skypact key accept FILE`); else compare the key \
                 with clause 1 of the pact"
            }
            Self::NoKey => "TLS alert; a stranger: links show a key",
            Self::ByPeer => {
                "closed; the other side's log says why: most likely its pact names another key, or it lacks a statement about ours: \
                 bring it the file"
            }
            Self::NotTls => "TLS alert; something else speaks to the port",
            Self::Lost => "nothing; the path is bad, or the other side refused without a word",
            Self::NotHttp2 => "closed; the peer's software is at fault",
            Self::KeyReplaced => {
                "HTTP status 403, or closed; if the key was stolen somebody uses it, else the peer dials again with the new one"
            }
            Self::TooManyConnections => "closed after TLS; the peer's software is at fault, or others have its key",
            Self::TooManySessions => "HTTP status 429; the peer's software is at fault, or others have its key",
            Self::NotALink => "HTTP status 404; the peer's software is at fault",
            Self::WrongSide => {
                "HTTP status 409; the party whose name sorts first dials: take the address out of the other's configuration"
            }
            Self::FrameTooLarge => "the session ends (TOO_LARGE); the peer's software is at fault",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        // Whose log this is in can mend it, and nobody is connected to be told.
        f.write_str(match self {
            Self::UnknownKey => {
                "; a statement about the peer's keys may be missing here, above all if it replaced them twice: `skypact key accept FILE`"
            }
            Self::ByPeer => "; if own keys were replaced, bring the peer the statements (`skypact key accept FILE` there)",
            _ => "",
        })
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_refused_connection_has_its_answer_in_the_paper() {
        let mut table = String::from("| counted as | answer, meaning and what to do |\n|---|---|\n");
        for refused in Refused::ALL {
            table += &format!("| {} | {} |\n", refused.label(), refused.answer());
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/link.md");
        let text = fs::read_to_string(&path).unwrap();
        let (begin, end) = ("<!-- begin connections -->\n", "<!-- end connections -->");
        let (before, rest) = text.split_once(begin).unwrap();
        let (found, after) = rest.split_once(end).unwrap();
        if std::env::var_os("LINK_GOLDEN").is_some_and(|v| v == "write") {
            fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
            return;
        }
        assert_eq!(found, table, "LINK_GOLDEN=write rewrites it");
    }
}
