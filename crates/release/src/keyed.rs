//! Keyed hashes: HMAC-SHA-256 (RFC 2104) over framed parts.
use record::SubjectId;
use sha2::{Digest, Sha256};

const BLOCK: usize = 64;

/// HMAC-SHA-256 under a 32-byte key.
fn hmac(key: &[u8; 32], message: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        for (slot, k) in block.iter_mut().zip(key) {
            *slot ^= k;
        }
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    message.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// A number that only the holder of `key` can connect with `parts`. Each part is framed by its length, so that no two
/// lists of parts are the same message.
pub(crate) fn number(key: &[u8; 32], parts: &[&[u8]]) -> u64 {
    let h = framed(key, parts);
    u64::from_be_bytes([h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]])
}

/// The same as a subject.
pub(crate) fn subject(key: &[u8; 32], parts: &[&[u8]]) -> SubjectId {
    let mut id = [0; 16];
    id.copy_from_slice(&framed(key, parts)[..16]);
    SubjectId(id)
}

/// A key that follows from another and from what it is for.
pub(crate) fn derived(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    framed(key, parts)
}

/// A permutation of the numbers below 2^32 that only the holder of `key` can undo; what is larger keeps its upper half.
///
/// A Feistel network of four rounds of 16 bits with a keyed hash as round function (Luby and Rackoff, 1988).
pub(crate) fn shuffled(key: &[u8; 32], parts: &[&[u8]; 2], n: u64) -> u64 {
    let (mut left, mut right) = ((n >> 16) as u16, n as u16);
    for round in 0..4u8 {
        let mixed = number(key, &[parts[0], parts[1], &[round], &right.to_be_bytes()]) as u16;
        (left, right) = (right, left ^ mixed);
    }
    n >> 32 << 32 | u64::from(left) << 16 | u64::from(right)
}

fn framed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    const PARTS_MAX: usize = 8;
    assert!(parts.len() <= PARTS_MAX, "at most {PARTS_MAX} parts");
    let mut lengths = [[0; 4]; PARTS_MAX];
    let mut message: [&[u8]; 2 * PARTS_MAX] = [&[]; 2 * PARTS_MAX];
    for (slot, part) in lengths.iter_mut().zip(parts) {
        *slot = (part.len() as u32).to_be_bytes();
    }
    for (i, part) in parts.iter().enumerate() {
        message[2 * i] = &lengths[i];
        message[2 * i + 1] = part;
    }
    hmac(key, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_the_one_of_rfc_4231() {
        // Test case 1: a key of 20 bytes 0x0b, which HMAC pads with zeros.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let want = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d,
            0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7,
        ];
        assert_eq!(hmac(&key, &[b"Hi ", b"There"]), want);
    }

    #[test]
    fn shuffled_numbers_are_each_another_one() {
        let all: alloc::collections::BTreeSet<u64> = (0..5000).map(|n| shuffled(&[7; 32], &[b"a", b"b"], n)).collect();
        assert_eq!(all.len(), 5000);
        assert!(all.iter().all(|n| *n < 1 << 32));
        assert!(shuffled(&[7; 32], &[b"a", b"b"], 1 << 40) >> 32 == 1 << 8);
    }

    #[test]
    fn parts_are_told_apart() {
        let key = [7; 32];
        assert_ne!(number(&key, &[b"ab", b"c"]), number(&key, &[b"a", b"bc"]));
        assert_ne!(number(&key, &[b"a"]), number(&[8; 32], &[b"a"]));
    }
}
