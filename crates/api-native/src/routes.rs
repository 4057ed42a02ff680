//! The table of routes, and the router made of it.
use crate::app::App;
use crate::backend::Backend;
use crate::guard::guard;
use crate::handlers::{accounts, commands, read, sign};
use crate::options::Options;
use crate::problem::{Kind, Problem};
use crate::stream::stream;
use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};
use std::sync::Arc;

/// Makes the table of routes and the function that registers exactly those, so that neither can say more than the other.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every route: method (lower case) and path, with its parameters in braces.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn table() -> Router<App> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    post "/v1/sign-in" => sign::sign_in;
    get "/v1/session" => sign::session;
    post "/v1/password" => sign::password;
    post "/v1/sign-out" => sign::sign_out;
    post "/v1/tokens" => accounts::token;
    get "/v1/accounts" => accounts::list;
    put "/v1/accounts/{name}" => accounts::put;
    delete "/v1/accounts/{name}" => accounts::delete;
    get "/v1/state" => read::state;
    get "/v1/tracks" => read::tracks;
    get "/v1/alerts" => read::alerts;
    get "/v1/alerts/{id}/explanation" => read::explanation;
    get "/v1/inhibitions" => read::inhibitions;
    post "/v1/inhibitions" => commands::inhibit;
    delete "/v1/inhibitions/{id}" => commands::lift;
    get "/v1/notices" => read::notices;
    get "/v1/plans" => read::plans;
    get "/v1/unplanned" => read::unplanned;
    get "/v1/unflown" => read::unflown;
    get "/v1/sites" => read::sites;
    get "/v1/avoid" => read::avoids;
    get "/v1/peers" => read::peers;
    get "/v1/peers/{party}/denied" => read::denied;
    get "/v1/feeds" => read::feeds;
    get "/v1/pact" => read::pacts;
    get "/v1/audit" => read::audit;
    get "/v1/release" => read::policy;
    get "/v1/release/preview" => read::preview;
    get "/v1/stream" => stream;
    get "/v1/cleared" => read::cleared;
    post "/v1/cleared" => commands::set_cleared;
    post "/v1/tracks/{id}/separate" => commands::separate;
    post "/v1/alerts/{id}/reason" => commands::give_reason;
    post "/v1/alerts/{id}/acknowledge" => commands::acknowledge_alert;
    post "/v1/notices" => commands::send_notice;
    post "/v1/notices/{id}/acknowledge" => commands::acknowledge_notice;
    post "/v1/notices/{id}/answer" => commands::reply_notice;
    post "/v1/plans" => commands::file_plan;
    put "/v1/plans/{subject}" => commands::revise_plan;
    delete "/v1/plans/{subject}" => commands::cancel_plan;
    put "/v1/plans/{subject}/state" => commands::declare_plan;
    post "/v1/sites" => commands::file_site;
    post "/v1/sites/check" => read::check_place;
    put "/v1/sites/{subject}" => commands::revise_site;
    delete "/v1/sites/{subject}" => commands::remove_site;
    post "/v1/avoid" => commands::send_avoid;
    post "/v1/desk" => commands::state_desk;
    post "/v1/channel/{party}" => commands::state_channel;
    put "/v1/release" => commands::set_policy;
    post "/v1/keys" => commands::take_keys;
    post "/v1/release/proposals/{id}/confirm" => commands::confirm_policy;
    delete "/v1/release/proposals/{id}" => commands::reject_policy;
    put "/v1/plans/{subject}/marking" => commands::mark_plan;
    put "/v1/aircraft/{address}/marking" => commands::mark_aircraft;
    get "/healthz" => read::health;
    get "/metrics" => read::metrics;
    get "/openapi.json" => read::openapi;
}

/// The whole interface. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that failed sign-ins are
/// counted by address; without it all addresses count as one.
pub fn router(backend: Arc<dyn Backend>, options: Options) -> Router {
    let app = App::new(backend, options);
    table()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::new(Kind::NotFound, format!("{path}; every address is described at /openapi.json"))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::new(Kind::Method, format!("{path} does not answer {method}; see the Allow header"))
}
