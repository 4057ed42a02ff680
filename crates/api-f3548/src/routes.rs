//! The table of routes, and the router made of it.
use crate::app::{App, Options};
use crate::backend::Backend;
use crate::body::{BodyBy, BodyRead};
use crate::handlers::{
    auxiliary, availability, constraints, details, intents, reports, rid_isas, rid_subscriptions, subscriptions,
};
use crate::problem::Problem;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// Makes the table of routes and the function that registers exactly those, so that neither can say more than the other.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every route: method (lower case) and path, with its parameters in braces.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn table() -> Router<App> {
            Router::new()$(.route($path, MethodRouter::<App>::from($method($handler))))*
        }
    };
}

routes! {
    post "/dss/v1/operational_intent_references/query" => intents::query;
    get "/dss/v1/operational_intent_references/{entityid}" => intents::get;
    put "/dss/v1/operational_intent_references/{entityid}/" => intents::no_version;
    delete "/dss/v1/operational_intent_references/{entityid}/" => intents::no_version;
    put "/dss/v1/operational_intent_references/{entityid}" => intents::create;
    put "/dss/v1/operational_intent_references/{entityid}/{ovn}" => intents::update;
    delete "/dss/v1/operational_intent_references/{entityid}/{ovn}" => intents::delete;
    post "/dss/v1/constraint_references/query" => constraints::query;
    get "/dss/v1/constraint_references/{entityid}" => constraints::get;
    put "/dss/v1/constraint_references/{entityid}/" => constraints::no_version;
    delete "/dss/v1/constraint_references/{entityid}/" => constraints::no_version;
    put "/dss/v1/constraint_references/{entityid}" => constraints::create;
    put "/dss/v1/constraint_references/{entityid}/{ovn}" => constraints::update;
    delete "/dss/v1/constraint_references/{entityid}/{ovn}" => constraints::delete;
    post "/dss/v1/subscriptions/query" => subscriptions::query;
    get "/dss/v1/subscriptions/{subscriptionid}" => subscriptions::get;
    put "/dss/v1/subscriptions/{subscriptionid}/" => subscriptions::no_version;
    delete "/dss/v1/subscriptions/{subscriptionid}/" => subscriptions::no_version;
    put "/dss/v1/subscriptions/{subscriptionid}" => subscriptions::create;
    put "/dss/v1/subscriptions/{subscriptionid}/{version}" => subscriptions::update;
    delete "/dss/v1/subscriptions/{subscriptionid}/{version}" => subscriptions::delete;
    post "/dss/v1/reports" => reports::make;
    get "/dss/v1/uss_availability/{uss_id}" => availability::get;
    put "/dss/v1/uss_availability/{uss_id}" => availability::set;
    get "/dss/v1/openapi.json" => auxiliary::openapi;
    get "/uss/v1/operational_intents/{entityid}" => details::intent;
    get "/uss/v1/constraints/{entityid}" => details::constraint;
    get "/rid/v2/dss/identification_service_areas" => rid_isas::search;
    get "/rid/v2/dss/identification_service_areas/{id}" => rid_isas::get;
    put "/rid/v2/dss/identification_service_areas/{id}" => rid_isas::create;
    put "/rid/v2/dss/identification_service_areas/{id}/" => rid_isas::no_version;
    put "/rid/v2/dss/identification_service_areas/{id}/{version}" => rid_isas::update;
    delete "/rid/v2/dss/identification_service_areas/{id}/" => rid_isas::no_version;
    delete "/rid/v2/dss/identification_service_areas/{id}/{version}" => rid_isas::delete;
    get "/rid/v2/dss/subscriptions" => rid_subscriptions::search;
    get "/rid/v2/dss/subscriptions/{id}" => rid_subscriptions::get;
    put "/rid/v2/dss/subscriptions/{id}" => rid_subscriptions::create;
    put "/rid/v2/dss/subscriptions/{id}/" => rid_subscriptions::no_version;
    put "/rid/v2/dss/subscriptions/{id}/{version}" => rid_subscriptions::update;
    delete "/rid/v2/dss/subscriptions/{id}/" => rid_subscriptions::no_version;
    delete "/rid/v2/dss/subscriptions/{id}/{version}" => rid_subscriptions::delete;
    get "/aux/v1/version" => auxiliary::version;
    get "/aux/v1/pool" => auxiliary::pool;
    get "/versions/{system_identity}" => auxiliary::versions;
    get "/aux/v1/validate_oauth" => auxiliary::validate_oauth;
    get "/healthy" => auxiliary::healthy;
}

/// The interface over a node.
pub fn router(backend: Arc<dyn Backend>, options: Options) -> Router {
    let app = App::new(backend, options);
    table()
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Around every handler: the time limit, and headers that keep answers out of caches.
async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (now, within) = (Instant::now(), app.options.request_timeout);
    request.extensions_mut().insert(BodyBy(now + within / 10 * 9));
    let read = BodyRead::default();
    request.extensions_mut().insert(read.clone());
    let has_body = !request.body().is_end_stream();
    let answered = tokio::time::timeout_at(now + within, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        let why = "no answer in time: it is not known whether it was done; read it, or ask again with the same Idempotency-Key";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, why).into_response()
    });
    for (name, value) in [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if has_body && !read.0.load(Ordering::Relaxed) {
        // Else a client sends its next request where nobody reads any more.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn unknown(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is served at {path}"))
}

async fn other_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path is served with other methods")
}
