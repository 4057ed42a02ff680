//! What can be wrong with a feed's bytes. All of it is the source's doing; none of it ends a decoder.
use crate::frame::FrameError;
use alloc::string::String;
use core::fmt;
use track::ReportError;

/// Where in the stream a record began, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Line of a text.
    Line(u64),
    /// Element of a document's list of aircraft.
    Aircraft(u64),
    /// Byte of a binary stream.
    Byte(u64),
    /// The document as a whole.
    Document,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Aircraft(n) => write!(f, "aircraft {n}"),
            Self::Byte(n) => write!(f, "byte {n}"),
            Self::Document => f.write_str("document"),
        }
    }
}

/// Why a record, or one value of it, was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// A value the report cannot do without is absent.
    #[error("{place}: {field} is missing")]
    Missing {
        /// Where.
        place: Place,
        /// The field's name in the format.
        field: &'static str,
    },
    /// A value is not what its field says. If the field is not needed, the report stands without it.
    #[error("{place}: {field} is not {want}: {got:?}")]
    Value {
        /// Where.
        place: Place,
        /// The field's name in the format.
        field: &'static str,
        /// What it must be.
        want: &'static str,
        /// The value's first 40 characters.
        got: String,
    },
    /// The record is none of the format's.
    #[error("{place}: not {want}: {got:?}")]
    Record {
        /// Where.
        place: Place,
        /// What it must be.
        want: &'static str,
        /// Its first 40 characters.
        got: String,
    },
    /// Not JSON, or JSON cut short.
    #[error("{place}: not JSON (line {line}, column {column})")]
    Json {
        /// Where.
        place: Place,
        /// Line within the document, from 1.
        line: usize,
        /// Column within the line, from 1.
        column: usize,
    },
    /// A record over the limit, dropped unread.
    #[error("{place}: longer than {limit} bytes")]
    TooLong {
        /// Where.
        place: Place,
        /// The limit, bytes.
        limit: usize,
    },
    /// Records over the limit, dropped unread.
    #[error("{place}: {dropped} more than {limit} aircraft")]
    TooMany {
        /// Where.
        place: Place,
        /// The limit.
        limit: usize,
        /// How many were dropped.
        dropped: usize,
    },
    /// The source's clock is off: ahead of the time of reception (refused), or beyond trust (time of reception taken).
    #[error("{place}: the source's time is {ahead_ms} ms ahead of ours")]
    Clock {
        /// Where.
        place: Place,
        /// Source's time minus time of reception, ms.
        ahead_ms: i64,
    },
    /// The report as a whole cannot be an aircraft's state.
    #[error("{place}: {cause}")]
    Report {
        /// Where.
        place: Place,
        /// Why.
        cause: ReportError,
    },
    /// A Mode S frame cannot be read.
    #[error("{place}: {cause}")]
    Frame {
        /// Where.
        place: Place,
        /// Why.
        cause: FrameError,
    },
}

/// The kinds of [`FeedError`], for counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// [`FeedError::Missing`]
    Missing,
    /// [`FeedError::Value`]
    Value,
    /// [`FeedError::Record`]
    Record,
    /// [`FeedError::Json`]
    Json,
    /// [`FeedError::TooLong`]
    TooLong,
    /// [`FeedError::TooMany`]
    TooMany,
    /// [`FeedError::Clock`]
    Clock,
    /// [`FeedError::Report`]
    Report,
    /// [`FeedError::Frame`]
    Frame,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Missing,
        Self::Value,
        Self::Record,
        Self::Json,
        Self::TooLong,
        Self::TooMany,
        Self::Clock,
        Self::Report,
        Self::Frame,
    ];

    /// The name used in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Value => "value",
            Self::Record => "record",
            Self::Json => "json",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Clock => "clock",
            Self::Report => "report",
            Self::Frame => "frame",
        }
    }
}

impl FeedError {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. } => ErrorKind::Missing,
            Self::Value { .. } => ErrorKind::Value,
            Self::Record { .. } => ErrorKind::Record,
            Self::Json { .. } => ErrorKind::Json,
            Self::TooLong { .. } => ErrorKind::TooLong,
            Self::TooMany { .. } => ErrorKind::TooMany,
            Self::Clock { .. } => ErrorKind::Clock,
            Self::Report { .. } => ErrorKind::Report,
            Self::Frame { .. } => ErrorKind::Frame,
        }
    }
}

/// The first 40 characters of foreign bytes, fit to be shown: what is not UTF-8 becomes U+FFFD.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    // 40 characters have at most 160 bytes.
    String::from_utf8_lossy(&bytes[..bytes.len().min(160)]).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_excerpt_has_at_most_40_characters_and_escapes_in_words() {
        assert_eq!(excerpt(&[b'x'; 500]).len(), 40);
        assert_eq!(excerpt("ü".repeat(99).as_bytes()).chars().count(), 40);
        let error =
            FeedError::Value { place: Place::Line(3), field: "gs", want: "a number", got: excerpt(b"\x1b[2J\xff") };
        assert_eq!(error.to_string(), "line 3: gs is not a number: \"\\u{1b}[2J\u{fffd}\"");
    }

    #[test]
    fn kinds_are_in_the_order_of_their_counters() {
        for (i, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
    }
}
