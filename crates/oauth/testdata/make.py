"""Makes the vectors of this folder with PyJWT and jwcrypto, which share no code with the crate.

Every run makes new keys, and none of the private ones is written: what is signed here cannot be made to say anything else.

    python3 -m venv venv && venv/bin/pip install pyjwt jwcrypto cryptography && venv/bin/python make.py
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib

import jwt as pyjwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwcrypto import jwk, jws

HERE = pathlib.Path(__file__).parent
NOW = 1_800_000_000
CLAIMS = {
    "iss": "https://auth.example",
    "sub": "uss1",
    "aud": "dss.example",
    "scope": "utm.strategic_coordination utm.conformance_monitoring_sa",
    "exp": NOW + 3600,
    "iat": NOW,
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def spki(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def pkcs1(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auth.example")])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=3650))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def public_jwk(key, **members):
    return json.loads(jwk.JWK.from_pyca(key.public_key()).export_public()) | members


def by_pyjwt(key, claims=CLAIMS, alg="RS256", **headers):
    return pyjwt.encode(claims, key, algorithm=alg, headers=headers)


def by_jwcrypto(key, claims=CLAIMS, alg="ES256", **headers):
    token = jws.JWS(json.dumps(claims))
    token.add_signature(jwk.JWK.from_pyca(key), alg, json.dumps({"alg": alg, **headers}))
    return token.serialize(compact=True)


def without(name):
    return {k: v for k, v in CLAIMS.items() if k != name}


rsa_key = rsa.generate_private_key(65537, 2048)
rsa_old = rsa.generate_private_key(3, 3072)
rsa_weak = rsa.generate_private_key(65537, 1024)
ec_key = ec.generate_private_key(ec.SECP256R1())
p384 = ec.generate_private_key(ec.SECP384R1())
stranger = rsa.generate_private_key(65537, 2048)
ec_stranger = ec.generate_private_key(ec.SECP256R1())
okp = ed25519.Ed25519PrivateKey.generate()

files = {
    "rsa.pem": spki(rsa_key),
    "rsa-pkcs1.pem": pkcs1(rsa_key),
    "rsa-certificate.pem": certificate(rsa_key),
    "ec.pem": spki(ec_key),
    "ec-certificate.pem": certificate(ec_key),
    "rsa-1024.pem": spki(rsa_weak),
    "ec-p384.pem": spki(p384),
    "ed25519.pem": spki(okp),
    "both.pem": b"RSA, then P-256\n" + spki(rsa_key) + spki(ec_key),
}
ec_jwk = public_jwk(ec_key, kid="ec-1", use="sig", alg="ES256")
keys = [
    public_jwk(rsa_key, kid="rsa-1", use="sig", alg="RS256"),
    public_jwk(rsa_old, kid="rsa-0", key_ops=["verify"]),
    ec_jwk,
    public_jwk(rsa_key, kid="enc-1", use="enc", alg="RSA-OAEP"),
    public_jwk(rsa_key, kid="pss-1", use="sig", alg="PS256"),
    public_jwk(ec_key, kid="wrap-1", key_ops=["wrapKey"]),
    public_jwk(p384, kid="ec-2", use="sig"),
    public_jwk(okp, kid="ed-1", use="sig"),
    {"kty": "oct", "kid": "hs-1", "k": b64(b"secret" * 8), "alg": "HS256"},
    public_jwk(rsa_weak, kid="rsa-weak", use="sig"),
    {"kty": "RSA", "kid": "no-e", "n": public_jwk(rsa_key)["n"]},
    ec_jwk | {"kid": "short", "x": ec_jwk["x"][:-4]},
    {"kid": "no-kty"},
]
files["jwks.json"] = json.dumps({"keys": keys, "more": 1}, indent=1).encode() + b"\n"

good = by_pyjwt(rsa_key, kid="rsa-1")
header, claims, signature = good.split(".")
admin = b64(json.dumps(CLAIMS | {"sub": "admin"}).encode())


def hs256(secret, **headers):
    signed = b64(json.dumps({"alg": "HS256", "typ": "JWT", **headers}).encode()) + "." + claims
    return signed + "." + b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


numbers = rsa_key.public_key().public_numbers()
der = rsa_key.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
rsa_as_es = by_jwcrypto(ec_key, kid="rsa-1")
# What verifies it: `jwks` the JWK set, `pem` rsa.pem alone.
vectors = [
    ("jwks", "ok", "pyjwt RS256", good),
    ("pem", "ok", "pyjwt RS256, key from a file", good),
    ("jwks", "ok", "pyjwt RS256, 3072 bits, exponent 3", by_pyjwt(rsa_old, kid="rsa-0")),
    ("jwks", "ok", "pyjwt RS256 without kid", by_pyjwt(rsa_key)),
    ("jwks", "ok", "pyjwt ES256", by_pyjwt(ec_key, alg="ES256", kid="ec-1")),
    ("jwks", "ok", "jwcrypto RS256", by_jwcrypto(rsa_key, alg="RS256", kid="rsa-1")),
    ("jwks", "ok", "jwcrypto ES256", by_jwcrypto(ec_key, kid="ec-1")),
    ("jwks", "ok", "typ of RFC 9068", by_pyjwt(rsa_key, kid="rsa-1", typ="at+jwt")),
    ("jwks", "ok", "many audiences", by_pyjwt(rsa_key, CLAIMS | {"aud": ["x.example", "dss.example"]}, kid="rsa-1")),
    ("jwks", "ok", "a fraction of a second", by_pyjwt(rsa_key, CLAIMS | {"exp": NOW + 3600.5}, kid="rsa-1")),
    ("jwks", "ok", "nbf and other claims", by_pyjwt(rsa_key, CLAIMS | {"nbf": NOW, "jti": "7", "x": {}}, kid="rsa-1")),
    ("jwks", "Malformed", "no signature part", header + "." + claims),
    ("jwks", "Signature", "empty signature", header + "." + claims + "."),
    ("jwks", "Algorithm", "alg none by pyjwt", pyjwt.encode(CLAIMS, None, algorithm="none")),
    ("jwks", "Algorithm", "alg none, signed", b64(b'{"alg":"none","kid":"rsa-1"}') + "." + claims + "." + signature),
    ("pem", "Algorithm", "HS256 with the PEM text of the public key", hs256(files["rsa.pem"])),
    ("pem", "Algorithm", "HS256 with the DER of the public key", hs256(der)),
    ("jwks", "Algorithm", "HS256 with the modulus", hs256(numbers.n.to_bytes(256, "big"), kid="rsa-1")),
    ("jwks", "Algorithm", "HS256 with a symmetric key of the set", hs256(b"secret" * 8, kid="hs-1")),
    ("jwks", "Algorithm", "RS384 with the right key", by_pyjwt(rsa_key, alg="RS384", kid="rsa-1")),
    ("jwks", "Algorithm", "PS256 with the right key", by_pyjwt(rsa_key, alg="PS256", kid="rsa-1")),
    ("jwks", "Algorithm", "ES384", by_pyjwt(p384, alg="ES384", kid="ec-2")),
    ("jwks", "Algorithm", "EdDSA", by_pyjwt(okp, alg="EdDSA", kid="ed-1")),
    ("jwks", "Algorithm", "ES256 that names an RSA key", rsa_as_es),
    ("pem", "Algorithm", "ES256 where only an RSA key is known", by_pyjwt(ec_key, alg="ES256")),
    ("jwks", "Signature", "claims changed", header + "." + admin + "." + signature),
    ("jwks", "Signature", "a signature of other claims", by_pyjwt(rsa_key, CLAIMS | {"sub": "x"}, kid="rsa-1").rsplit(".", 1)[0] + "." + signature),
    ("jwks", "Signature", "a stranger under a known kid", by_pyjwt(stranger, kid="rsa-1")),
    ("jwks", "Signature", "a stranger under a known kid, ES256", by_jwcrypto(ec_stranger, kid="ec-1")),
    ("pem", "Signature", "a stranger, key from a file", by_pyjwt(stranger)),
    ("jwks", "Signature", "a stranger with the key in the header", by_jwcrypto(ec_stranger, jwk=public_jwk(ec_stranger))),
    ("jwks", "UnknownKey", "a kid that is not there", by_pyjwt(stranger, kid="rsa-9")),
    ("jwks", "UnknownKey", "a kid of a key for encryption", by_pyjwt(rsa_key, kid="enc-1")),
    ("jwks", "UnknownKey", "a kid of a weak key", by_pyjwt(rsa_weak, kid="rsa-weak")),
    ("pem", "UnknownKey", "a kid that is not there, key from a file", by_pyjwt(stranger, kid="rsa-9")),
    ("jwks", "Kind", "a token for something else", by_pyjwt(rsa_key, kid="rsa-1", typ="dpop+jwt")),
    ("jwks", "Malformed", "a critical extension", by_jwcrypto(ec_key, kid="ec-1", b64=True, crit=["b64"])),
    ("jwks", "Audience", "another audience", by_pyjwt(rsa_key, CLAIMS | {"aud": "x.example"}, kid="rsa-1")),
    ("jwks", "Issuer", "another issuer", by_pyjwt(rsa_key, CLAIMS | {"iss": "https://x.example"}, kid="rsa-1")),
    ("jwks", "Expired", "expired", by_pyjwt(rsa_key, CLAIMS | {"exp": NOW - 61}, kid="rsa-1")),
    ("jwks", "NotYetValid", "to come", by_pyjwt(rsa_key, CLAIMS | {"nbf": NOW + 61}, kid="rsa-1")),
    ("jwks", "NotYetValid", "issued in the future", by_pyjwt(rsa_key, CLAIMS | {"iat": NOW + 61}, kid="rsa-1")),
]
for name in ("sub", "aud", "scope", "exp", "iss"):
    vectors.append(("jwks", "MissingClaim:" + name, "without " + name, by_pyjwt(rsa_key, without(name), kid="rsa-1")))
text = "# keys | verdict | what | token. Made by make.py; the time is 1800000000, the leeway 60 s.\n"
text += "".join(" | ".join(vector) + "\n" for vector in vectors)
files["tokens.txt"] = text.encode()
for name, data in files.items():
    (HERE / name).write_bytes(data)
