//! Opaque version numbers: proof that whoever names one was told it by its manager, so nobody must be able to guess one.
use crate::id::Id;
use crate::{Refused, SKEW_MAX_US};
use alloc::format;
use alloc::string::String;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A version number: 43 characters of base64 (RFC 4648, 5) over 256 bits that the entropy of its request decides.
#[must_use]
pub fn fresh(entropy: &[u8; 32], id: &Id) -> String {
    let hash = Sha256::new().chain_update(entropy).chain_update(id.0).finalize();
    URL_SAFE_NO_PAD.encode(hash)
}

/// A version number of remote ID: 32 hexadecimal digits, because its clients expect small letters and digits alone.
pub(crate) fn plain(entropy: &[u8; 32], id: &Id) -> String {
    let hash = Sha256::new().chain_update(entropy).chain_update(id.0).finalize();
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Another identifier out of the same entropy.
pub(crate) fn fresh_id(entropy: &[u8; 32]) -> Id {
    let hash = Sha256::new().chain_update(entropy).chain_update(b"id").finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Id::random(bytes)
}

/// The version number that a client asked for by its end.
pub(crate) fn requested(id: &Id, suffix: &str, now: i64) -> Result<String, Refused> {
    let field = "requested_ovn_suffix";
    let uuid = Id::parse(suffix).map_err(|e| Refused::invalid(field, format!("{e}")))?;
    if uuid.version() != 7 {
        return Err(Refused::invalid(
            field,
            format!("a UUID of version 7 is needed, this is version {}", uuid.version()),
        ));
    }
    let away = uuid.v7_ms().saturating_mul(1000).saturating_sub(now).saturating_abs();
    if away > SKEW_MAX_US {
        let reason = format!("its time is {} s from now, {} at most", away / 1_000_000, SKEW_MAX_US / 1_000_000);
        return Err(Refused::invalid(field, reason));
    }
    Ok(format!("{id}_{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_number_is_long_enough_and_differs_with_entropy_and_entity() {
        let (a, b) = (Id::MIN, Id::MAX);
        let one = fresh(&[1; 32], &a);
        // EntityOVN of the standard: 16 to 128 characters.
        assert_eq!(one.len(), 43);
        assert!(one != fresh(&[2; 32], &a) && one != fresh(&[1; 32], &b) && one == fresh(&[1; 32], &a));
        assert_eq!(fresh_id(&[1; 32]).version(), 4);
    }

    #[test]
    fn a_version_number_of_remote_id_is_hexadecimal_and_differs_with_entropy_and_entity() {
        let one = plain(&[1; 32], &Id::MIN);
        assert!(one.len() == 32 && one.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{one}");
        assert!(one != plain(&[2; 32], &Id::MIN) && one != plain(&[1; 32], &Id::MAX));
    }

    #[test]
    fn a_requested_end_is_a_uuid_of_version_7_of_about_now() {
        // 2022-02-22T19:22:22Z, as in RFC 9562.
        let (suffix, at) = ("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 1_645_557_742_000_000);
        let id = Id::MIN;
        let ovn = requested(&id, suffix, at + SKEW_MAX_US).unwrap();
        assert_eq!(ovn, "00000000-0000-0000-0000-000000000000_017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
        for (suffix, now) in [(suffix, at + SKEW_MAX_US + 1), (suffix, at - SKEW_MAX_US - 1)] {
            assert!(requested(&id, suffix, now).is_err_and(|e| format!("{e}").contains("300 s from now, 300 at most")));
        }
        let four = "017F22E2-79B0-4CC3-98C4-DC0C0C07398F";
        assert!(requested(&id, four, at).is_err_and(|e| format!("{e}").contains("this is version 4")));
        assert!(
            requested(&id, "now", at).is_err_and(|e| format!("{e}").starts_with("requested_ovn_suffix: not a UUID"))
        );
    }
}
