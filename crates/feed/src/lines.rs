//! Lines out of a stream cut anywhere.
use crate::batch::Batch;
use crate::error::{FeedError, Place};
use crate::limits::LINE_BYTES_MAX;
use alloc::vec::Vec;

/// Cuts a byte stream into lines (LF or CRLF); a line over the limit is an error where it passes the limit, for its end may
/// never come, and is dropped up to there.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    dropping: bool,
    number: u64,
}

impl Lines {
    /// Calls `each` for every line `bytes` completes, in order, without its end and without blanks and NULs around it;
    /// empty lines are passed over.
    pub(crate) fn push(&mut self, mut bytes: &[u8], out: &mut Batch, mut each: impl FnMut(Place, &[u8], &mut Batch)) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (head, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.held.is_empty() && !self.dropping && head.len() <= LINE_BYTES_MAX {
                self.line(head, out, &mut each);
            } else {
                self.hold(head, out);
                self.end(out, &mut each);
            }
        }
        self.hold(bytes, out);
    }

    /// Ends the stream: what is held is the last line.
    pub(crate) fn finish(&mut self, out: &mut Batch, mut each: impl FnMut(Place, &[u8], &mut Batch)) {
        if !self.held.is_empty() || self.dropping {
            self.end(out, &mut each);
        }
        *self = Self::default();
    }

    fn hold(&mut self, bytes: &[u8], out: &mut Batch) {
        if self.dropping {
            return;
        }
        if self.held.len() + bytes.len() > LINE_BYTES_MAX {
            self.dropping = true;
            self.held = Vec::new();
            let place = Place::Line(self.number + 1);
            out.record(place, Err(FeedError::TooLong { place, limit: LINE_BYTES_MAX }));
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, out: &mut Batch, each: &mut impl FnMut(Place, &[u8], &mut Batch)) {
        if core::mem::take(&mut self.dropping) {
            self.number += 1;
            return;
        }
        let mut held = core::mem::take(&mut self.held);
        self.line(&held, out, each);
        held.clear();
        self.held = held;
    }

    fn line(&mut self, line: &[u8], out: &mut Batch, each: &mut impl FnMut(Place, &[u8], &mut Batch)) {
        self.number += 1;
        let line = trim(line);
        if !line.is_empty() {
            each(Place::Line(self.number), line, out);
        }
    }
}

/// Without blanks, control characters and NULs at either end (a log on a card that lost power is padded with NULs).
pub(crate) fn trim(mut line: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = line
        && *first <= b' '
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && *last <= b' '
    {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn check(parts: &[&[u8]], want: &[(u64, &[u8])], errors: u64) {
        let (mut lines, mut out, mut got) = (Lines::default(), Batch::default(), vec![]);
        for part in parts {
            lines.push(part, &mut out, |place, line, _| got.push((place, line.to_vec())));
        }
        lines.finish(&mut out, |place, line, _| got.push((place, line.to_vec())));
        let want: Vec<_> = want.iter().map(|(n, l)| (Place::Line(*n), l.to_vec())).collect();
        assert_eq!(got, want);
        assert_eq!(out.counts.errors_total(), errors);
    }

    #[test]
    fn lines_come_out_whole_however_the_stream_is_cut() {
        check(&[b"ab\r\n\ncd", b"e", b"\nf"], &[(1, b"ab"), (3, b"cde"), (4, b"f")], 0);
        check(&[b"\0\0 a\0\n"], &[(1, b"a")], 0);
    }

    #[test]
    fn a_line_over_the_limit_is_dropped_and_the_next_is_read() {
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        let whole = [&long[..], b"\nok\n"].concat();
        check(&[&whole], &[(2, b"ok")], 1);
        check(&[&long[..9000], &long[..9000], b"\nok"], &[(2, b"ok")], 1);
        check(&[&long, &long, &long], &[], 1);
        check(&[&long[1..], b"\n"], &[(1, &long[1..])], 0);
    }

    #[test]
    fn a_line_that_never_ends_is_counted_where_it_passes_the_limit() {
        let (mut lines, mut out) = (Lines::default(), Batch::default());
        for (pushed, errors) in [(LINE_BYTES_MAX, 0), (1, 1), (LINE_BYTES_MAX, 1), (1, 1)] {
            lines.push(&vec![b'x'; pushed], &mut out, |_, _, _| panic!("no line has ended"));
            assert_eq!((out.counts.errors_total(), out.counts.refused), (errors, errors));
        }
        lines.push(b"\nok\n", &mut out, |place, line, _| assert_eq!((place, line), (Place::Line(2), &b"ok"[..])));
        assert_eq!(out.counts.errors_total(), 1);
    }
}
