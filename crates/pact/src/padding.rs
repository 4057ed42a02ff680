//! A link that carries the same bytes in the same time, whatever is said on it (clause 19; ADR-0014).
use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

use crate::error::{Reason, cut};
use crate::form::parse_decimal;

pub(crate) const PADDING: &str = "19.1 padding 4096 bytes every 200 ms";

/// Bytes of a chunk: with the 9 of an HTTP/2 frame's head it fits one TLS record of 16,384; 256 are less than a checkpoint,
/// so that a faster link than any needs more.
const CHUNK_BYTES: RangeInclusive<i64> = 256..=16_000;
/// Time between chunks: at 20 ms a link carries at most 800,000 bytes a second; at more than 500 ms a heartbeat a second
/// would come in bursts, and a close could not be said within the second it is given.
const EVERY_MS: RangeInclusive<i64> = 20..=500;
/// Least bytes a second: the longest entry (65,535) passes in 8 s, and a session ends at 15 s without a frame.
const LEAST_PER_S: i64 = 8_192;
/// The same where checkpoints are shown to third parties (clause 13.8): 96 notes of 4,096 bytes in less than 10 s.
const LEAST_PER_S_SHARED: i64 = 40_960;

/// How much every direction of every link of the pact carries, no more and no less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Bytes of each chunk, 256 to 16,000.
    pub chunk_bytes: u32,
    /// Time from chunk to chunk, ms: 20 to 500.
    pub every_ms: u32,
}

pub(crate) fn padding_text(padding: Padding) -> String {
    format!("padding {} bytes every {} ms", padding.chunk_bytes, padding.every_ms)
}

pub(crate) fn padding(words: &[&str], shared: bool) -> Result<Padding, Reason> {
    let form = || Reason::Form { form: PADDING, found: cut(&words.join(" ")) };
    let [bytes, "bytes", "every", ms, "ms"] = words else { return Err(form()) };
    let number = |what, text: &str, range: RangeInclusive<i64>| {
        let got = parse_decimal(text, 0).ok_or_else(form)?;
        let (min, max) = (*range.start(), *range.end());
        if range.contains(&got) { Ok(got) } else { Err(Reason::Range { what, got, min, max }) }
    };
    let chunk_bytes = number("padding (bytes)", bytes, CHUNK_BYTES)?;
    let every_ms = number("time between chunks of padding (ms)", ms, EVERY_MS)?;
    let (what, least) = if shared {
        ("padding where checkpoints are shared (bytes a second)", LEAST_PER_S_SHARED)
    } else {
        ("padding (bytes a second)", LEAST_PER_S)
    };
    let got = chunk_bytes * 1000 / every_ms;
    if got < least {
        return Err(Reason::Range { what, got, min: least, max: 800_000 });
    }
    // Both were held to ranges that fit.
    Ok(Padding { chunk_bytes: chunk_bytes as u32, every_ms: every_ms as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Pact;
    use alloc::string::ToString;

    const GOOD: &str = include_str!("../testdata/three-parties.pact");

    #[test]
    fn the_clause_is_read_and_written_back_to_the_byte_and_named_where_two_pacts_differ() {
        assert!(GOOD.contains("13.8 checkpoints shared"));
        let text = format!("{GOOD}19.1 padding 8192 bytes every 200 ms\n");
        let pact = Pact::parse(&text).unwrap();
        assert_eq!(pact.padding, Some(Padding { chunk_bytes: 8192, every_ms: 200 }));
        assert_eq!(pact.format(), text);
        let without = Pact::parse(GOOD).unwrap();
        assert_eq!(without.padding, None);
        let differ = crate::differences(&without, &pact);
        assert_eq!((differ.len(), differ[0].clause.as_str(), differ[0].about.as_str()), (1, "19.1", "padding"));
    }

    #[test]
    fn a_padding_that_could_not_carry_a_link_is_refused_with_the_reason() {
        let alone = GOOD.replace("13.8 checkpoints shared\n", "");
        let check = |text: &str, line: &str, want: &str| {
            let got = Pact::parse(&format!("{text}{line}\n")).map(drop).unwrap_err().to_string();
            assert!(got.contains(want), "{line}: {got}");
        };
        assert!(Pact::parse(&format!("{alone}19.1 padding 4096 bytes every 500 ms\n")).is_ok(), "8,192 a second");
        check(&alone, "19.1 padding 4095 bytes every 500 ms", "padding (bytes a second) 8190 is not between 8192 and");
        check(
            GOOD,
            "19.1 padding 4096 bytes every 500 ms",
            "where checkpoints are shared (bytes a second) 8192 is not",
        );
        check(GOOD, "19.1 padding 255 bytes every 20 ms", "padding (bytes) 255 is not between 256 and 16000");
        check(GOOD, "19.1 padding 16001 bytes every 20 ms", "16001 is not between");
        check(GOOD, "19.1 padding 4096 bytes every 19 ms", "time between chunks of padding (ms) 19 is not between 20");
        check(GOOD, "19.1 padding 4096 bytes every 501 ms", "501 is not between");
        check(GOOD, "19.1 padding 4096 every 200", "19.1 padding 4096 bytes every 200 ms");
        check(GOOD, "19.1 padding 4096 bytes every 0200 ms", "19.1");
        check(GOOD, "19.2 padding 4096 bytes every 20 ms", "19.1");
        check(GOOD, "19.1 padding 8192 bytes every 20 ms\n19.2 padding 8192 bytes every 20 ms", "19.2");
    }
}
