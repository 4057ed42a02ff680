//! The bytes of a segment file: `spec/journal.md`, sections 2 and 3. All integers are little-endian.

use crate::{DamageReason, Seq};

/// First bytes of every segment. The line end shows a copy that was mangled as text.
pub const SEGMENT_MAGIC: [u8; 8] = *b"SKYSEG\r\n";
/// Version written, and the newest one read.
pub const SEGMENT_VERSION: u32 = 1;
/// Bytes of the segment header.
pub const SEGMENT_HEADER_BYTES: usize = 80;
/// Bytes before a record's payload.
pub const FRAME_HEADER_BYTES: usize = 20;
/// Largest record, bytes. A tick of 100,000 tracks at 64 bytes each is 6.4 MB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Largest batch with its frame headers, bytes: the most that one torn write can leave behind.
pub const BATCH_BYTES_MAX: usize = 32 << 20;

/// The header's checksummed part.
const CHECKED: usize = SEGMENT_HEADER_BYTES - 4;

/// What a segment says about itself and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Drawn anew for each segment. Frame checksums start from the header's, so a payload chosen by a peer, or a stale block, cannot
    /// pass for a frame of this segment.
    pub salt: u32,
    /// Position of the first record, also the file's name.
    pub first: Seq,
    /// The segment before; `None` for the journal's first.
    pub prev: Option<PrevSegment>,
}

/// The sealed predecessor of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrevSegment {
    /// Its first position.
    pub first: Seq,
    /// Its file's length, bytes.
    pub bytes: u64,
    /// SHA-256 of its whole file. That file's header holds its own predecessor's, which makes the chain.
    pub sha256: [u8; 32],
}

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// Not what was written.
    Damaged(DamageReason),
    /// Written by a newer version.
    Version(u32),
}

impl SegmentHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&self.salt.to_le_bytes());
        out[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        if let Some(prev) = &self.prev {
            out[24..32].copy_from_slice(&prev.first.0.to_le_bytes());
            out[32..40].copy_from_slice(&prev.bytes.to_le_bytes());
            out[40..72].copy_from_slice(&prev.sha256);
        }
        let crc = crc32c::crc32c(&out[..CHECKED]);
        out[CHECKED..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header and the seed of its frames' checksums.
    ///
    /// # Errors
    ///
    /// Cheapest first: length, magic, checksum, version.
    pub fn decode(bytes: &[u8]) -> Result<(SegmentHeader, u32), HeaderFault> {
        let Some(head) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err(HeaderFault::Damaged(DamageReason::HeaderShort));
        };
        if head[..8] != SEGMENT_MAGIC {
            return Err(HeaderFault::Damaged(DamageReason::HeaderMagic));
        }
        let crc = crc32c::crc32c(&head[..CHECKED]);
        if le32(head, CHECKED) != crc {
            return Err(HeaderFault::Damaged(DamageReason::HeaderChecksum));
        }
        // The checksum stands at the same place in every version, so that a flipped version bit reads as damage.
        let version = le32(head, 8);
        if version != SEGMENT_VERSION {
            return Err(HeaderFault::Version(version));
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(&head[40..72]);
        let prev_first = Seq(le64(head, 24));
        let prev =
            (prev_first != Seq::ZERO).then_some(PrevSegment { first: prev_first, bytes: le64(head, 32), sha256 });
        Ok((SegmentHeader { salt: le32(head, 12), first: Seq(le64(head, 16)), prev }, crc))
    }
}

/// The fixed part before a record's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Payload length, bytes.
    pub len: u32,
    /// How many frames of the same batch stand before this one. `seq - index` begins the batch, and everything before a batch was
    /// durable when the batch was written.
    pub index: u32,
    /// Position of the record.
    pub seq: Seq,
    /// CRC-32C over the segment header's first 76 bytes, this header's first 16 and the payload.
    pub crc: u32,
}

impl FrameHeader {
    /// Reads the fixed part.
    #[must_use]
    pub fn decode(bytes: &[u8; FRAME_HEADER_BYTES]) -> FrameHeader {
        FrameHeader { len: le32(bytes, 0), index: le32(bytes, 4), seq: Seq(le64(bytes, 8)), crc: le32(bytes, 16) }
    }

    /// Whether the checksum matches; `frame` is header and payload.
    #[must_use]
    pub fn matches(&self, seed: u32, frame: &[u8]) -> bool {
        checksum(seed, &frame[..16], &frame[FRAME_HEADER_BYTES..]) == self.crc
    }
}

/// Appends one frame to `out`. `payload` is at most [`RECORD_BYTES_MAX`] long.
pub fn encode_frame(out: &mut Vec<u8>, seed: u32, index: u32, seq: Seq, payload: &[u8]) {
    assert!(payload.len() <= RECORD_BYTES_MAX);
    let mut head = [0; FRAME_HEADER_BYTES];
    head[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    head[4..8].copy_from_slice(&index.to_le_bytes());
    head[8..16].copy_from_slice(&seq.0.to_le_bytes());
    let crc = checksum(seed, &head[..16], payload);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
}

/// The file name of a segment: its first position in 20 digits, so that names sort as numbers do.
#[must_use]
pub fn segment_name(first: Seq) -> String {
    format!("{:020}.seg", first.0)
}

/// The position in a name of 20 digits and `suffix`; `None` for any other name.
#[must_use]
pub fn seq_of_name(name: &str, suffix: &str) -> Option<Seq> {
    let digits = name.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Seq)
}

fn checksum(seed: u32, head: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, head), payload)
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at)) | u64::from(le32(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            salt: 0x0403_0201,
            first: Seq(3),
            prev: Some(PrevSegment { first: Seq(1), bytes: 127, sha256: [0xab; 32] }),
        }
    }

    #[test]
    fn a_header_reads_back() {
        for h in [header(), SegmentHeader { prev: None, first: Seq(1), salt: 9 }] {
            let bytes = h.encode();
            let (back, seed) = SegmentHeader::decode(&bytes).unwrap();
            assert_eq!(back, h);
            assert_eq!(seed.to_le_bytes(), bytes[76..]);
        }
    }

    #[test]
    fn any_flipped_bit_of_a_header_is_refused_as_damage() {
        let good = header().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(SegmentHeader::decode(&bad), Err(HeaderFault::Damaged(_))), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_named_not_called_damage() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..76]);
        bytes[76..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(2)));
    }

    #[test]
    fn a_frame_of_another_segment_does_not_pass() {
        let mut frame = Vec::new();
        encode_frame(&mut frame, 7, 0, Seq(1), b"x");
        let head = FrameHeader::decode(frame.first_chunk().unwrap());
        assert!(head.matches(7, &frame));
        assert!(!head.matches(8, &frame));
    }

    #[test]
    fn names_sort_and_parse_and_others_are_not_ours() {
        assert_eq!(seq_of_name(&segment_name(Seq(42)), ".seg"), Some(Seq(42)));
        for name in ["1.seg", "0000000000000000000a.seg", "+0000000000000000001.seg", "99999999999999999999.seg", "x"] {
            assert_eq!(seq_of_name(name, ".seg"), None, "{name}");
        }
    }
}
