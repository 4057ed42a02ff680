//! The parts of a token: compact serialization, header, claims.
use crate::verifier::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Unexpected, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Longest token: those of F3548 have 700 to 1,500 bytes, and servers take headers of 8 to 16 KiB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// What the issuer said of whoever holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who holds it: in F3548 and F3411 the USS. Never empty.
    pub sub: String,
    /// Who issued it. None if it does not say, which is taken only where any issuer is.
    pub iss: Option<String>,
    /// What it may be used for.
    pub scopes: BTreeSet<String>,
    /// Whom it may be shown to.
    pub aud: Vec<String>,
    /// It is good before this second of UTC (Unix).
    pub exp: i64,
    /// It is good from here.
    pub nbf: Option<i64>,
    /// When it was issued.
    pub iat: Option<i64>,
}

impl Claims {
    /// Whether this scope was granted.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }
}

/// A token, cut and decoded; nothing of it is believed yet.
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    /// What is signed: header and claims as they came.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
    claims: &'a str,
}

#[derive(serde::Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Result<Self, Refused> {
        let malformed = Refused::Malformed("form");
        let (message, signature) = token.rsplit_once('.').ok_or(malformed.clone())?;
        let (header, claims) = message.split_once('.').ok_or(malformed)?;
        let header: Header = part(header, "header")?;
        // RFC 7515 4.1.11: who does not understand an extension that is critical refuses, and none is understood here.
        if header.crit.is_some() {
            return Err(Refused::Malformed("header"));
        }
        // RFC 8725 3.11: what is signed by the same issuer for something else (a logout, a proof of possession) names itself.
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        if !matches!(typ.as_deref(), None | Some("jwt" | "at+jwt" | "application/at+jwt")) {
            return Err(Refused::Kind);
        }
        // One form only: a text of the same signature in other letters is another token.
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::Malformed("signature"))?;
        Ok(Self { header, message, signature, claims })
    }

    /// The claims. Asked for when the signature is good.
    pub(crate) fn claims(&self) -> Result<Claims, Refused> {
        let raw: Raw = part(self.claims, "claims")?;
        let missing = Refused::MissingClaim;
        let sub = raw.sub.filter(|sub| !sub.is_empty()).ok_or(missing("sub"))?;
        let exp = raw.exp.ok_or(missing("exp"))?.0;
        let aud = match raw.aud.ok_or(missing("aud"))? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        };
        // RFC 6749 3.3: tokens between single spaces.
        let scopes = raw.scope.ok_or(missing("scope"))?;
        let scopes = scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_string).collect();
        let (nbf, iat) = (raw.nbf.map(|at| at.0), raw.iat.map(|at| at.0));
        Ok(Claims { sub, iss: raw.iss, scopes, aud, exp, nbf, iat })
    }
}

fn part<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed(what))?;
    crate::object(&bytes).ok_or(Refused::Malformed(what))
}

#[derive(serde::Deserialize)]
struct Raw {
    sub: Option<String>,
    iss: Option<String>,
    aud: Option<OneOrMany>,
    scope: Option<String>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
    iat: Option<Seconds>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A NumericDate, which may have a fraction: whole seconds downwards.
struct Seconds(i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Seconds, E> {
                Ok(Seconds(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Seconds, E> {
                value.try_into().map(Seconds).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Seconds, E> {
                // 2^53: beyond, a double does not hold whole seconds.
                match value.abs() < 9_007_199_254_740_992.0 {
                    true => Ok(Seconds(value.floor() as i64)),
                    false => Err(E::invalid_value(Unexpected::Float(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}
