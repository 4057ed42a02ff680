//! Access tokens of our own: from an authorization server, with the client credentials of OAuth 2.0 (RFC 6749, 4.4).
use crate::config::AudienceParameter;
use crate::http::{Ask, Server};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A server that takes longer is asked again with the next notification.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// An answer, and the token in it: headers of requests are bounded by whoever reads them, often at 8 or 16 KiB.
const ANSWER_MAX: usize = 64 << 10;
const TOKEN_MAX: usize = 16 << 10;
/// Tokens kept: two for each service, of which a region has dozens. With 16 KiB each, 16 MiB. Beyond, the one that was used longest ago
/// goes: whoever states ever new hosts keeps out nobody's that is in use.
const KEPT_MAX: usize = 1_000;
/// A token whose life is not told is used so long, and none longer than the second.
const LIFE_UNKNOWN_S: u64 = 60;
const LIFE_MAX_S: u64 = 86_400;
/// It is not used in its last seconds, or the last quarter of a short life: the receiver's clock may be ahead.
const SPARE_S: u64 = 30;

/// A token that was issued.
#[derive(Clone)]
struct Token {
    text: String,
    until: Instant,
    /// When, counted in uses of all.
    used: u64,
}

/// Those that were issued.
#[derive(Default)]
struct Kept {
    /// By audience and scope.
    tokens: BTreeMap<(String, &'static str), Token>,
    /// Uses.
    used: u64,
}

/// A client of an authorization server.
pub struct Tokens {
    server: Server,
    /// `Authorization` towards it.
    credentials: String,
    parameter: AudienceParameter,
    kept: Mutex<Kept>,
}

/// What the server answers (RFC 6749, 5.1 and 5.2).
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
}

/// Text of a form (RFC 6749, appendix B).
fn form(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl Kept {
    fn get(&mut self, key: &(String, &'static str)) -> Option<String> {
        let token = self.tokens.get_mut(key).filter(|token| token.until > Instant::now())?;
        self.used += 1;
        token.used = self.used;
        Some(token.text.clone())
    }

    fn keep(&mut self, key: (String, &'static str), token: Token) {
        let now = Instant::now();
        self.tokens.retain(|_, token| token.until > now);
        let oldest = self.tokens.iter().min_by_key(|(_, token)| token.used).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest.filter(|_| self.tokens.len() >= KEPT_MAX) {
            self.tokens.remove(&oldest);
        }
        self.used += 1;
        self.tokens.insert(key, Token { used: self.used, ..token });
    }
}

impl Tokens {
    /// A client with this name and secret.
    pub fn new(server: Server, id: &str, secret: &str, parameter: AudienceParameter) -> Self {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{}:{}", form(id), form(secret))));
        Self { server, credentials, parameter, kept: Mutex::default() }
    }

    /// A token for an audience and scope, and whether it was kept from before.
    pub async fn get(&self, audience: &str, scope: &'static str) -> Result<(String, bool)> {
        let key = (audience.to_owned(), scope);
        if let Some(kept) = self.kept().get(&key) {
            return Ok((kept, true));
        }
        let token = tokio::time::timeout(ANSWER_WAIT, self.fetch(audience, scope)).await;
        let token = token.context("no answer in time").and_then(|token| token);
        let token = token.with_context(|| format!("no access token from {}", self.server.url()))?;
        let text = token.text.clone();
        self.kept().keep(key, token);
        Ok((text, false))
    }

    /// A token that was not taken is not used again.
    pub fn forget(&self, audience: &str, scope: &'static str) {
        self.kept().tokens.remove(&(audience.to_owned(), scope));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, audience: &str, scope: &str) -> Result<Token> {
        // RFC 8707 wants an absolute URI, servers refuse another.
        let host = if audience.contains(':') { format!("[{audience}]") } else { audience.to_owned() };
        let resource = form(&format!("https://{host}"));
        let audience = form(audience);
        let body = match self.parameter {
            AudienceParameter::Resource => format!("scope={}&resource={resource}", form(scope)),
            AudienceParameter::Audience => format!("scope={}&audience={audience}", form(scope)),
            AudienceParameter::IntendedAudience => format!("scope={}&intended_audience={audience}", form(scope)),
            AudienceParameter::Scope => format!("scope={}%20{audience}", form(scope)),
        };
        let headers = [
            ("authorization", self.credentials.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ];
        let body = format!("grant_type=client_credentials&{body}").into_bytes();
        let asked = Instant::now();
        let ask = Ask { method: "POST", path: "", headers: &headers, body, max: Some(ANSWER_MAX) };
        let (status, answer) = self.server.send(ask).await?;
        // Neither the answer nor what a parser says of it is passed on: it may hold a token.
        let answer = serde_json::from_slice::<Answer>(&answer);
        if status != StatusCode::OK {
            // One of a few words, if it is as the standard says.
            let error = answer.ok().and_then(|answer| answer.error).unwrap_or_default();
            let plain = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_graphic());
            bail!("the answer is {status} {}", if plain { error.as_str() } else { "" });
        }
        let Ok(answer) = answer else { bail!("the answer is not as of RFC 6749, 5.1") };
        ensure!(answer.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")), "it is not a bearer token");
        let text = answer.access_token.context("the answer has no access_token")?;
        let plain = !text.is_empty() && text.len() <= TOKEN_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        ensure!(plain, "access_token is not 1 to {TOKEN_MAX} printable characters");
        let life = answer.expires_in.and_then(|s| s.as_u64().or_else(|| s.as_str()?.parse().ok()));
        let life = life.unwrap_or(LIFE_UNKNOWN_S).min(LIFE_MAX_S);
        Ok(Token { text, until: asked + Duration::from_secs(life - SPARE_S.min(life / 4)), used: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Url;
    use axum::Router;
    use axum::extract::Request;
    use http_body_util::BodyExt;
    use std::sync::Arc;

    const SC: &str = "utm.strategic_coordination";
    type Said = Arc<Mutex<(u16, String)>>;

    /// A server that answers as it is told, in which `{n}` counts; and what it was asked.
    async fn server() -> (Server, Said, Arc<Mutex<Vec<String>>>) {
        let (answer, asked) = (Said::default(), Arc::new(Mutex::new(Vec::new())));
        let (says, hears) = (answer.clone(), asked.clone());
        let router = Router::new().fallback(async move |request: Request| {
            let head = request.headers();
            let text = |name: &str| head.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            let said =
                format!("{} {} {} {}", request.method(), request.uri(), text("authorization"), text("content-type"));
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let mut hears = hears.lock().unwrap();
            hears.push(format!("{said} {}", String::from_utf8(body.to_vec()).unwrap()));
            let (status, body) = says.lock().unwrap().clone();
            (StatusCode::from_u16(status).unwrap(), body.replace("{n}", &hears.len().to_string()))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = Url::parse(&format!("http://{at}/token")).unwrap();
        (Server::new(url, None).unwrap(), answer, asked)
    }

    #[tokio::test]
    async fn a_token_is_asked_for_by_audience_and_scope_and_kept_until_shortly_before_its_end() {
        let (server, answer, asked) = server().await;
        let tokens = Tokens::new(server, "north 1", "s3cret:é", AudienceParameter::Audience);
        let says = |life: &str| {
            let body = format!("{{\"access_token\":\"t{{n}}\",\"token_type\":\"bearer\",\"expires_in\":{life}}}");
            *answer.lock().unwrap() = (200, body);
        };
        says("3600");
        assert_eq!(tokens.get("uss1.example", SC).await.unwrap(), ("t1".into(), false));
        assert_eq!(
            asked.lock().unwrap()[0],
            format!(
                "POST /token Basic {} application/x-www-form-urlencoded grant_type=client_credentials&scope={SC}&audience=uss1.example",
                STANDARD.encode("north%201:s3cret%3A%C3%A9")
            )
        );
        assert_eq!(tokens.get("uss1.example", SC).await.unwrap(), ("t1".into(), true));
        assert_eq!(tokens.get("uss2.example", SC).await.unwrap(), ("t2".into(), false));
        assert_eq!(tokens.get("uss1.example", "utm.constraint_management").await.unwrap(), ("t3".into(), false));
        let until = |audience: &str| tokens.kept().tokens[&(audience.to_owned(), SC)].until;
        let spare = Duration::from_secs(3570);
        assert!(until("uss1.example") > Instant::now() + spare - Duration::from_secs(60));
        assert!(until("uss1.example") <= Instant::now() + spare);
        tokens.forget("uss1.example", SC);
        says("\"8\"");
        assert_eq!(tokens.get("uss1.example", SC).await.unwrap(), ("t4".into(), false));
        assert!(until("uss1.example") <= Instant::now() + Duration::from_secs(6));
        says("0");
        assert_eq!(tokens.get("uss3.example", SC).await.unwrap().0, "t5");
        assert_eq!(tokens.get("uss3.example", SC).await.unwrap(), ("t6".into(), false), "over when it came");
    }

    #[tokio::test]
    async fn what_is_in_use_stays_however_many_others_come() {
        let (server, answer, asked) = server().await;
        *answer.lock().unwrap() = (200, "{\"access_token\":\"t{n}\",\"expires_in\":3600}".into());
        let tokens = Tokens::new(server, "north", "s3cret", AudienceParameter::Audience);
        for used in ["uss1.example", "uss2.example"] {
            tokens.get(used, SC).await.unwrap();
        }
        for n in 0..2 * KEPT_MAX {
            // All others end later.
            let token = Token { text: "x".into(), until: Instant::now() + Duration::from_secs(7200), used: 0 };
            tokens.kept().keep((format!("{n}.example"), SC), token);
            assert_eq!(tokens.get("uss1.example", SC).await.unwrap(), ("t1".into(), true), "{n}");
        }
        assert_eq!((tokens.kept().tokens.len(), asked.lock().unwrap().len()), (KEPT_MAX, 2));
        // One that was not used for so long is fetched, and kept in the place of another.
        assert_eq!(tokens.get("uss2.example", SC).await.unwrap(), ("t3".into(), false));
        assert_eq!(tokens.get("uss2.example", SC).await.unwrap(), ("t3".into(), true));
        assert_eq!(tokens.kept().tokens.len(), KEPT_MAX);
    }

    #[tokio::test]
    async fn each_kind_of_server_is_told_the_audience_in_its_way() {
        let (server, answer, asked) = server().await;
        *answer.lock().unwrap() = (200, "{\"access_token\":\"x\"}".into());
        for (parameter, wanted) in [
            (AudienceParameter::Resource, "scope=utm.strategic_coordination&resource=https%3A%2F%2Fuss1.example"),
            (AudienceParameter::IntendedAudience, "scope=utm.strategic_coordination&intended_audience=uss1.example"),
            (AudienceParameter::Scope, "scope=utm.strategic_coordination%20uss1.example"),
        ] {
            Tokens::new(server.clone(), "n", "s", parameter).get("uss1.example", SC).await.unwrap();
            let asked = asked.lock().unwrap().last().unwrap().clone();
            assert!(asked.ends_with(&format!(" grant_type=client_credentials&{wanted}")), "{asked}");
        }
        Tokens::new(server, "n", "s", AudienceParameter::Resource).get("2001:db8::1", SC).await.unwrap();
        let asked = asked.lock().unwrap().last().unwrap().clone();
        assert!(asked.ends_with("&resource=https%3A%2F%2F%5B2001%3Adb8%3A%3A1%5D"), "{asked}");
    }

    #[tokio::test]
    async fn an_answer_without_a_token_says_what_is_wrong_and_no_secret() {
        let (server, answer, _) = server().await;
        let tokens = Tokens::new(server, "north", "s3cret", AudienceParameter::Audience);
        let long = format!("{{\"access_token\":\"{}\"}}", "x".repeat(TOKEN_MAX + 1));
        for (status, body, wanted) in [
            (401, "{\"error\":\"invalid_client\"}", "401 Unauthorized invalid_client"),
            (400, "{\"error\":\"a b\\n\"}", "400 Bad Request"),
            (500, "<html>", "500 Internal Server Error"),
            (200, "{\"token\":\"t0ken\"}", "no access_token"),
            (200, "{\"access_token\":\"t0ken\",\"token_type\":\"mac\"}", "not a bearer token"),
            (200, "{\"access_token\":\"t0ken\\r\\nx: y\"}", "printable characters"),
            (200, "{\"access_token\":\"\"}", "printable characters"),
            (200, "{\"access_token\":[\"t0ken\"]}", "not as of RFC 6749"),
            (200, "t0ken", "not as of RFC 6749"),
            (200, &long, "printable characters"),
        ] {
            *answer.lock().unwrap() = (status, body.into());
            let why = format!("{:#}", tokens.get("uss1.example", SC).await.unwrap_err());
            assert!(why.contains(wanted) && why.starts_with("no access token from http://127.0.0.1:"), "{why}");
            assert!(!why.contains("t0ken") && !why.contains("s3cret"), "{why}");
        }
        *answer.lock().unwrap() = (200, " ".repeat(ANSWER_MAX + 1));
        assert!(format!("{:#}", tokens.get("uss1.example", SC).await.unwrap_err()).contains("length limit"));
    }
}
