use crate::made::{Issuer, b64, set};
use crate::{jwks, pem, testdata};
use base64::Engine as _;
use oauth::{Algorithm, JWKS_BYTES_MAX, JWKS_KEYS_MAX, KeyError, KeySet, PEM_BYTES_MAX, PEM_KEYS_MAX, Skipped};
use serde_json::{Value, json};

#[test]
fn a_key_is_the_same_in_every_form_of_file() {
    for (name, expect) in [("rsa.pem", Algorithm::Rs256), ("ec.pem", Algorithm::Es256)] {
        assert_eq!(pem(name).keys().collect::<Vec<_>>(), [(None, expect)]);
    }
    assert_eq!(pem("rsa.pem"), pem("rsa-pkcs1.pem"));
    assert_eq!(pem("rsa.pem"), pem("rsa-certificate.pem"));
    assert_eq!(pem("ec.pem"), pem("ec-certificate.pem"));
    assert_eq!(pem("both.pem"), pem("rsa.pem").with(pem("ec.pem")));
    assert_eq!(pem("both.pem").with(pem("both.pem")).len(), 2);
}

#[test]
fn files_of_anything_else_are_refused() {
    let rsa = String::from_utf8(testdata("rsa.pem")).unwrap();
    let relabelled = |label: &str| rsa.replace("PUBLIC KEY", label).into_bytes();
    for (bytes, expect) in [
        (testdata("rsa-1024.pem"), KeyError::Rsa(1024)),
        (testdata("ec-p384.pem"), KeyError::Algorithm),
        (testdata("ed25519.pem"), KeyError::Algorithm),
        (relabelled("PRIVATE KEY"), KeyError::Private),
        (relabelled("RSA PRIVATE KEY"), KeyError::Private),
        (relabelled("ENCRYPTED PRIVATE KEY"), KeyError::Private),
        (relabelled("CERTIFICATE REQUEST"), KeyError::Block),
        (relabelled("RSA PUBLIC KEY"), KeyError::Encoding),
        (relabelled("CERTIFICATE"), KeyError::Encoding),
        (rsa.replacen("MIIB", "MIIA", 1).into_bytes(), KeyError::Encoding),
        (rsa.replace("-----END", "").into_bytes(), KeyError::NotPem),
        (b"secret".to_vec(), KeyError::NotPem),
        (Vec::new(), KeyError::NotPem),
        (vec![0xff; 100], KeyError::NotPem),
        (rsa.repeat(PEM_KEYS_MAX + 1).into_bytes(), KeyError::TooMany(PEM_KEYS_MAX + 1, PEM_KEYS_MAX)),
        (vec![b' '; PEM_BYTES_MAX + 1], KeyError::TooLarge(PEM_BYTES_MAX + 1, PEM_BYTES_MAX)),
    ] {
        assert_eq!(
            KeySet::from_pem(&bytes),
            Err(expect),
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
    }
    assert_eq!(KeySet::from_pem(rsa.repeat(PEM_KEYS_MAX).as_bytes()).unwrap().len(), 1);
}

/// An element of DER.
fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = contents.len() as u16;
    match length {
        ..0x80 => [&[tag, length as u8][..], &contents].concat(),
        0x80..0x100 => [&[tag, 0x81, length as u8][..], &contents].concat(),
        _ => [&[tag, 0x82][..], &length.to_be_bytes(), &contents].concat(),
    }
}

#[test]
fn a_public_key_is_encoded_in_one_way() {
    let from = |spki: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(spki);
        KeySet::from_pem(format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----").as_bytes()).map(|_| ())
    };
    let (rsa, ec) =
        (&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1][..], &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1][..]);
    let p256 = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7][..];
    let modulus = der(2, &[&[0], &[0xff; 256]]);
    let (exponent, null, more) = (&[2, 3, 1, 0, 1][..], &[5, 0][..], &[5, 0][..]);
    let spki =
        |algorithm: &[&[u8]], bits: &[&[u8]], after: &[u8]| der(0x30, &[&der(0x30, algorithm), &der(3, bits), after]);
    let key = der(0x30, &[&modulus, exponent]);
    let point = [7; 64];
    for (encoded, expect) in [
        (spki(&[rsa, null], &[&[0], &key], &[]), Ok(())),
        (spki(&[ec, p256], &[&[0, 4], &point], &[]), Ok(())),
        // Without parameters, with others, with more; bytes behind; a bit too few; a number too many; a point of another form.
        (spki(&[rsa], &[&[0], &key], &[]), Err(KeyError::Algorithm)),
        (spki(&[rsa, p256], &[&[0], &key], &[]), Err(KeyError::Algorithm)),
        (spki(&[rsa, null, more], &[&[0], &key], &[]), Err(KeyError::Algorithm)),
        (spki(&[ec, p256, more], &[&[0, 4], &point], &[]), Err(KeyError::Algorithm)),
        (spki(&[rsa, null], &[&[0], &key], more), Err(KeyError::Encoding)),
        (spki(&[rsa, null], &[&[0], &key, more], &[]), Err(KeyError::Encoding)),
        (spki(&[rsa, null], &[&[1], &key], &[]), Err(KeyError::Encoding)),
        (spki(&[rsa, null], &[&[0], &der(0x30, &[&modulus, exponent, exponent])], &[]), Err(KeyError::Encoding)),
        (spki(&[ec, p256], &[&[0, 6], &point], &[]), Err(KeyError::Encoding)),
        (spki(&[ec, p256], &[&[0, 4], &point, &[7]], &[]), Err(KeyError::Encoding)),
    ] {
        assert_eq!(from(&encoded), expect, "{encoded:02x?}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for name in ["rsa.pem", "rsa-certificate.pem", "ec.pem"] {
        let whole = testdata(name);
        for cut in 0..whole.trim_ascii_end().len() {
            assert!(KeySet::from_pem(&whole[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn of_a_jwk_set_what_can_verify_is_taken_and_the_rest_counted() {
    let (keys, skipped) = KeySet::from_jwks(&testdata("jwks.json")).unwrap();
    let expect =
        [(Some("rsa-1"), Algorithm::Rs256), (Some("rsa-0"), Algorithm::Rs256), (Some("ec-1"), Algorithm::Es256)];
    assert_eq!(keys.keys().collect::<Vec<_>>(), expect);
    assert_eq!(skipped, Skipped { kind: 3, usage: 3, strength: 1, private: 0, broken: 3 });
    assert_eq!(skipped.total(), 10);
}

#[test]
fn a_jwk_is_taken_only_if_it_is_all_that_it_says() {
    let good = Issuer::new("k").jwk();
    let bent = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        json!({"keys": [key]}).to_string()
    };
    assert!(KeySet::from_jwks(bent("x5c", json!(["..."])).as_bytes()).is_ok());
    assert!(KeySet::from_jwks(bent("kid", Value::Null).as_bytes()).is_ok());
    let (usage, broken) = (Skipped { usage: 1, ..Skipped::default() }, Skipped { broken: 1, ..Skipped::default() });
    for (name, value, skipped) in [
        ("d", json!("AAAA"), Skipped { private: 1, ..Skipped::default() }),
        ("kty", json!("RSA"), broken),
        ("kty", json!("ec"), Skipped { kind: 1, ..Skipped::default() }),
        ("crv", json!("secp256k1"), Skipped { kind: 1, ..Skipped::default() }),
        ("crv", Value::Null, broken),
        ("use", json!("enc"), usage),
        ("alg", json!("ECDH-ES"), usage),
        ("alg", json!("RS256"), usage),
        ("key_ops", json!([]), usage),
        ("kid", json!(7), broken),
        ("x", json!(b64([1; 33])), broken),
        ("x", json!(b64([1; 31])), broken),
        ("y", json!("not base64"), broken),
        ("y", Value::Null, broken),
    ] {
        let refused = KeySet::from_jwks(bent(name, value.clone()).as_bytes());
        assert_eq!(refused, Err(KeyError::NoneUsable(skipped)), "{name} {value}");
    }
}

#[test]
fn coordinates_have_their_length_each() {
    let mut key = Issuer::new("k").jwk();
    (key["x"], key["y"]) = (json!(b64([1; 33])), json!(b64([1; 31])));
    let broken = Skipped { broken: 1, ..Skipped::default() };
    assert_eq!(KeySet::from_jwks(json!({"keys": [key]}).to_string().as_bytes()), Err(KeyError::NoneUsable(broken)));
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent() {
    let key = |n: &[u8], e: &[u8]| {
        let key = json!({"kty": "RSA", "n": b64(n), "e": b64(e)});
        KeySet::from_jwks(json!({"keys": [key]}).to_string().as_bytes()).map(|(keys, _)| keys.len())
    };
    let modulus = |bits: usize| {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] = 0xff >> (n.len() * 8 - bits);
        n
    };
    let weak = Err(KeyError::NoneUsable(Skipped { strength: 1, ..Skipped::default() }));
    let even = |mut n: Vec<u8>| {
        *n.last_mut().unwrap() &= 0xfe;
        n
    };
    for (n, e, expect) in [
        (modulus(2048), &[1, 0, 1][..], Ok(1)),
        (modulus(8192), &[1, 0, 1], Ok(1)),
        (modulus(2048), &[3], Ok(1)),
        (modulus(2048), &[1, 0xff, 0xff, 0xff, 0xff], Ok(1)),
        // A zero in front, which RFC 7518 forbids and some write.
        ([&[0][..], &modulus(2048)].concat(), &[0, 1, 0, 1], Ok(1)),
        (modulus(2047), &[1, 0, 1], weak.clone()),
        ([&[0][..], &modulus(2040)].concat(), &[1, 0, 1], weak.clone()),
        (modulus(8193), &[1, 0, 1], weak.clone()),
        (modulus(2048), &[1], weak.clone()),
        (modulus(2048), &[4], weak.clone()),
        (modulus(2048), &[2, 0, 0, 0, 1], weak.clone()),
        (modulus(2048), &[1, 0, 0, 0, 0, 1], weak.clone()),
        (modulus(2048), &[], weak.clone()),
        (even(modulus(2048)), &[1, 0, 1], weak.clone()),
        (Vec::new(), &[1, 0, 1], weak),
    ] {
        assert_eq!(key(&n, e), expect, "{} bytes, {e:?}", n.len());
    }
}

#[test]
fn documents_of_anything_else_are_refused() {
    let many = |count: usize| json!({"keys": vec![json!({}); count]}).to_string().into_bytes();
    let none = |broken: u32| KeyError::NoneUsable(Skipped { broken, ..Skipped::default() });
    for (bytes, expect) in [
        (Vec::new(), KeyError::NotJwks),
        (b"<html>".to_vec(), KeyError::NotJwks),
        (b"{}".to_vec(), KeyError::NotJwks),
        (b"{\"keys\":{}}".to_vec(), KeyError::NotJwks),
        (b"[[]]".to_vec(), KeyError::NotJwks),
        (testdata("rsa.pem"), KeyError::NotJwks),
        (testdata("jwks.json")[..500].to_vec(), KeyError::NotJwks),
        (b"{\"keys\":[]}".to_vec(), none(0)),
        (b"{\"keys\":[[\"EC\"],7,null]}".to_vec(), none(3)),
        (many(JWKS_KEYS_MAX), none(JWKS_KEYS_MAX as u32)),
        (many(JWKS_KEYS_MAX + 1), KeyError::TooMany(JWKS_KEYS_MAX + 1, JWKS_KEYS_MAX)),
        (vec![b'['; JWKS_BYTES_MAX], KeyError::NotJwks),
        (vec![b'['; JWKS_BYTES_MAX + 1], KeyError::TooLarge(JWKS_BYTES_MAX + 1, JWKS_BYTES_MAX)),
    ] {
        assert_eq!(KeySet::from_jwks(&bytes), Err(expect), "{} bytes", bytes.len());
    }
}

#[test]
fn sets_join_without_repetition() {
    let (one, two) = (Issuer::new("1"), Issuer::new("2"));
    let both = set(&[one.jwk(), two.jwk()]);
    assert_eq!(one.keys().with(two.keys()), both);
    assert_eq!(both.clone().with(one.keys()), both);
    assert_eq!(jwks().with(both).len(), 5);
    assert_eq!(set(&[one.jwk(), one.jwk()]).len(), 1);
}
