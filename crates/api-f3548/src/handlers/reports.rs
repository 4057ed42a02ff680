//! Reports of problems with the DSS.
use super::astray;
use crate::access::{AA, CM, CMSA, CP, SC};
use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::wire::object::Object;
use crate::wire::time::{Rounded, Time};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use dss::{Answer, Ask};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest report: an exchange of two bodies of some length, in base64.
const REPORT_BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
struct ErrorReport {
    exchange: Object<ExchangeRecord>,
}

/// Read for its form alone: a report is kept and given back as it was written.
#[derive(Deserialize)]
struct ExchangeRecord {
    url: String,
    method: String,
    #[serde(rename = "headers")]
    _headers: Option<Vec<String>>,
    #[serde(rename = "recorder_role")]
    _recorder_role: RecorderRole,
    request_time: Object<Time>,
    #[serde(rename = "request_body")]
    _request_body: Option<String>,
    response_time: Option<Object<Time>>,
    #[serde(rename = "response_body")]
    _response_body: Option<String>,
    #[serde(rename = "response_code")]
    _response_code: Option<i32>,
    #[serde(rename = "problem")]
    _problem: Option<String>,
}

#[derive(Deserialize)]
enum RecorderRole {
    Client,
    Server,
}

/// Keeps a report in the journal, and the newest to be read; gives it back with its number.
pub(crate) async fn make(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<Map<String, Value>>), Problem> {
    let client = app.client(request.headers(), &[SC, CMSA, CM, CP, AA])?;
    let (headers, text) = body::text(&app, request).await?;
    if text.len() > REPORT_BYTES_MAX {
        let why = format!("body: a report has at most {REPORT_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    let ErrorReport { exchange } = body::json(&text)?;
    exchange.request_time.read("exchange.request_time", Rounded::Down)?;
    if let Some(time) = &exchange.response_time {
        time.read("exchange.response_time", Rounded::Down)?;
    }
    for (field, value) in [("exchange.url", &exchange.url), ("exchange.method", &exchange.method)] {
        if value.is_empty() {
            return Err(Problem::field(field, "is empty"));
        }
    }
    let mut report: Map<String, Value> = body::json(&text)?;
    let Answer::Report(id) = app.asked(&client, &headers, Ask::Report(text)).await? else { return Err(astray()) };
    report.insert("report_id".into(), id.to_string().into());
    Ok((StatusCode::CREATED, Json(report)))
}
