//! Requests to the nodes as their operator.
use super::party::Party;
use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

/// Answers are lists of at most 500 items; a picture of 10,000 tracks is asked for in pages.
const ANSWER_MAX: usize = 16 << 20;
/// A picture has at most 40,000 tracks.
const PAGES_MAX: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks; any status is an answer.
pub async fn request(party: &Party, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
    let ask = async {
        let socket = TcpStream::connect(&party.api).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        let driver = tokio::spawn(connection);
        let bytes = body.map_or_else(Bytes::new, |b| Bytes::from(b.to_string()));
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &party.api)
            .header("authorization", format!("Bearer {}", party.token.trim()))
            .header("content-type", "application/json")
            .body(Full::new(bytes))?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body =
            Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|e| anyhow::anyhow!("{e}"))?;
        driver.abort();
        let bytes = body.to_bytes();
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok::<_, anyhow::Error>((status, value))
    };
    let answer = tokio::time::timeout(TIMEOUT, ask).await.context("no answer in 10 s")?;
    answer.with_context(|| format!("{method} {path} at {}", party.name))
}

/// Asks and expects success.
pub async fn get(party: &Party, path: &str) -> Result<Value> {
    let (status, value) = request(party, "GET", path, None).await?;
    if status != 200 {
        bail!("GET {path} at {} gave {status}: {}", party.name, value["detail"]);
    }
    Ok(value)
}

/// A whole list, page after page.
pub async fn list(party: &Party, path: &str) -> Result<Vec<Value>> {
    let (mut items, mut after) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let mut page = get(party, &format!("{path}?limit=500{after}")).await?;
        if let Value::Array(part) = page["items"].take() {
            items.extend(part);
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(items),
        }
    }
    bail!("{path} at {} has more than {PAGES_MAX} pages", party.name)
}
