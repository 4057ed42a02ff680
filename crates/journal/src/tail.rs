//! Judges the bytes after the last good frame of the last segment: a write that power loss cut off, or damage.
//!
//! Batches are synced one by one, so every byte before a batch was durable when the batch was written, and each frame says where its
//! batch began. That decides all cases but one:
//!
//! - No good frame follows the bad one: it was the last write. Torn.
//! - A good frame of a *later* batch follows: the bad one had been acknowledged. Damage.
//! - A good frame of the *same* batch follows. Sectors of one write may reach the disk in any order, and a sector of a grown
//!   file that did not reads as zeros; in the sector where the batch began, from there on. With such a sector before the good frame
//!   it is torn, else damage.
//!
//! The one undecidable case is damage within the last batch that looks like a torn write; `open` reports it either way.

use crate::{
    DamageReason, Seq,
    format::{BATCH_BYTES_MAX, FRAME_HEADER_BYTES, FrameHeader, RECORD_BYTES_MAX},
};

/// Disks and file systems write whole sectors of at least this size.
const SECTOR: u64 = 512;
/// At most this much is checksummed while looking for frames, 32 times the largest tail: only a payload made of thousands of plausible
/// frame headers, torn at the right byte, needs more, and is then refused rather than guessed at.
const WORK_BYTES_MAX: usize = 32 * BATCH_BYTES_MAX;

/// What the tail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What an unfinished write leaves. It can be cut off.
    Torn,
    /// Not explained by an unfinished write.
    Damaged(DamageReason),
}

/// Judges `rest`, which begins at `offset` of the file where the frame `seq` should stand and is bad for `reason`.
pub(crate) fn judge(rest: &[u8], offset: u64, seq: Seq, seed: u32, reason: DamageReason) -> Verdict {
    // A whole frame with its checksum at the wrong place was written so: no torn write does that.
    if reason == DamageReason::FramePosition {
        return Verdict::Damaged(reason);
    }
    let mut work = 0;
    let mut at = 1;
    let mut first_good = None;
    while at + FRAME_HEADER_BYTES <= rest.len() {
        match good_frame(&rest[at..], seq, seed, &mut work) {
            Some(head) => {
                let batch = head.seq.0.saturating_sub(u64::from(head.index));
                if batch > seq.0 {
                    return Verdict::Damaged(reason);
                }
                first_good.get_or_insert((at, batch == seq.0));
                at += FRAME_HEADER_BYTES + head.len as usize;
            }
            None => at += 1,
        }
        if work > WORK_BYTES_MAX {
            return Verdict::Damaged(DamageReason::TailUndecided);
        }
    }
    match first_good {
        Some((at, begins)) if !has_unwritten_sector(&rest[..at], offset, begins) => Verdict::Damaged(reason),
        _ if rest.len() > BATCH_BYTES_MAX => Verdict::Damaged(DamageReason::TailTooLong),
        _ => Verdict::Torn,
    }
}

/// A good frame after position `seq` at the start of `bytes`. `work` counts what was checksummed.
fn good_frame(bytes: &[u8], seq: Seq, seed: u32, work: &mut usize) -> Option<FrameHeader> {
    let head = FrameHeader::decode(bytes.first_chunk()?);
    let whole = FRAME_HEADER_BYTES + head.len as usize;
    // Cheapest first: a tail is searched at every byte, and almost every place fails here.
    let plausible = head.seq > seq
        && head.seq.0 - seq.0 <= (BATCH_BYTES_MAX / FRAME_HEADER_BYTES) as u64
        && head.len as usize <= RECORD_BYTES_MAX
        && whole <= bytes.len();
    if !plausible {
        return None;
    }
    *work += whole;
    head.matches(seed, &bytes[..whole]).then_some(head)
}

/// Whether `bytes`, which begin at `offset` of the file, contain a whole aligned sector of zeros, or, where the batch `begins` there,
/// start with zeros up to the next sector: that sector is as it was before the batch.
fn has_unwritten_sector(bytes: &[u8], offset: u64, begins: bool) -> bool {
    let zero = |s: &[u8]| s.iter().all(|&x| x == 0);
    let skip = ((SECTOR - offset % SECTOR) % SECTOR) as usize;
    let Some((start, rest)) = bytes.split_at_checked(skip) else { return false };
    (begins && skip > 0 && zero(start)) || rest.chunks_exact(SECTOR as usize).any(zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::encode_frame;

    const SEED: u32 = 77;

    /// Frames of `(position, index in batch, payload length)`.
    fn frames(list: &[(u64, u32, usize)]) -> Vec<u8> {
        let mut out = Vec::new();
        for &(seq, index, len) in list {
            encode_frame(&mut out, SEED, index, Seq(seq), &vec![0x5a; len]);
        }
        out
    }

    fn check(rest: &[u8], offset: u64, expect: Verdict) {
        assert_eq!(judge(rest, offset, Seq(10), SEED, DamageReason::FrameChecksum), expect);
    }

    const DAMAGED: Verdict = Verdict::Damaged(DamageReason::FrameChecksum);

    #[test]
    fn a_bad_frame_with_nothing_after_it_is_torn() {
        let mut rest = frames(&[(10, 0, 100)]);
        rest[50] ^= 1;
        check(&rest, 80, Verdict::Torn);
        check(&rest[..60], 80, Verdict::Torn);
        check(&[0; 3], 80, Verdict::Torn);
    }

    #[test]
    fn a_bad_frame_before_a_later_batch_is_damage_even_with_a_zero_sector() {
        let mut rest = frames(&[(10, 0, 2000), (11, 0, 5)]);
        rest[30] ^= 1;
        check(&rest, 80, DAMAGED);
        rest[100..1900].fill(0);
        check(&rest, 80, DAMAGED);
    }

    #[test]
    fn a_bad_frame_before_a_good_one_of_its_batch_is_damage_unless_a_sector_was_never_written() {
        let mut rest = frames(&[(9 + 1, 3, 2000), (11, 4, 5), (12, 5, 5)]);
        rest[30] ^= 1;
        check(&rest, 80, DAMAGED);
        rest[432..944].fill(0); // file offset 512..1024
        check(&rest, 80, Verdict::Torn);
        check(&rest, 81, DAMAGED); // the same zeros, not aligned: nothing a disk leaves
    }

    #[test]
    fn the_sector_in_which_a_batch_begins_may_be_the_old_one() {
        let mut rest = frames(&[(10, 0, 700), (11, 1, 5)]);
        rest[..432].fill(0); // file offset 80..512
        check(&rest, 80, Verdict::Torn);
        let mut rest = frames(&[(10, 1, 700), (11, 2, 5)]);
        rest[..432].fill(0);
        check(&rest, 80, DAMAGED); // record 9, of the same sector and batch, is there: a disk does not write half a sector
    }

    #[test]
    fn a_later_batch_behind_a_hole_of_the_same_batch_is_still_damage() {
        let mut rest = frames(&[(10, 0, 2000), (11, 1, 5), (12, 0, 5)]);
        rest[432..944].fill(0);
        check(&rest, 80, DAMAGED);
    }

    #[test]
    fn a_tail_longer_than_any_batch_is_damage() {
        check(&vec![0; BATCH_BYTES_MAX + 1], 80, Verdict::Damaged(DamageReason::TailTooLong));
        check(&vec![0; BATCH_BYTES_MAX], 80, Verdict::Torn);
    }

    #[test]
    fn a_tail_built_to_exhaust_the_search_is_refused_after_bounded_work() {
        let mut rest = Vec::new();
        while rest.len() < 8 << 20 {
            let len = (8_u32 << 20) - rest.len() as u32;
            rest.extend_from_slice(&len.saturating_sub(64).to_le_bytes());
            rest.extend_from_slice(&0_u32.to_le_bytes());
            rest.extend_from_slice(&11_u64.to_le_bytes());
            rest.extend_from_slice(&1_u32.to_le_bytes());
        }
        check(&rest, 80, Verdict::Damaged(DamageReason::TailUndecided));
    }
}
