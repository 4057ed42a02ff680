//! Request bodies: JSON of bounded length.
use crate::app::App;
use crate::json::Json;
use crate::problem::{Kind, Problem};
use axum::extract::{FromRequest, Request};
use axum::http::header;

/// A body that is JSON.
pub(crate) struct Body(pub Json);

impl FromRequest<App> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let essence = media.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(Kind::MediaType, "send Content-Type: application/json"));
        }
        let most = app.options.body_bytes_max;
        let too_large = || Problem::new(Kind::TooLarge, format!("at most {most} bytes"));
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        if length.and_then(|text| text.parse::<u64>().ok()).is_some_and(|length| length > most as u64) {
            return Err(too_large());
        }
        let bytes = axum::body::to_bytes(request.into_body(), most).await.map_err(|_| too_large())?;
        Json::parse(&bytes).map(Self)
    }
}
