//! The discovery and synchronization service's interface for drone traffic services: its listener, and the node as it sees it.
use crate::config::{F3548, Loaded};
use crate::core::{CoreHandle, NotAccepted};
use crate::http::{Server, Url};
use crate::notify::Notifier;
use crate::oauth_keys::{Refresher, Timing};
use anyhow::{Context, Result};
use api_f3548::{Backend, Details, Options, Outline, Unavailable, Volume};
use dss::{Found, Id, Outcome, Query, Refused, Request};
use futures_util::future::BoxFuture;
use node::{Piece, ShownKind, ShownVolume, State};
use oauth::{KeySet, Settings, Verifier};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// The interface's backend.
struct NodeDss {
    core: CoreHandle,
}

fn unavailable(why: NotAccepted) -> Unavailable {
    Unavailable(why.to_string())
}

impl Backend for NodeDss {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Outcome, Unavailable>> {
        Box::pin(async move { self.core.dss(request).await.map_err(unavailable) })
    }

    fn query(&self, query: Query, client: String) -> BoxFuture<'_, Result<Result<Found, Refused>, Unavailable>> {
        Box::pin(async move {
            let answer = self.core.query(move |state| state.dss().query(&query, &client)).await;
            answer.ok_or_else(|| unavailable(NotAccepted::Stopping))
        })
    }

    fn details(&self, id: Id) -> BoxFuture<'_, Result<Option<Details>, Unavailable>> {
        Box::pin(async move {
            let answer = self.core.query(move |state| details(state, id)).await;
            answer.ok_or_else(|| unavailable(NotAccepted::Stopping))
        })
    }

    fn utc_s(&self) -> i64 {
        self.core.clock().now().utc.0.div_euclid(1000)
    }

    fn utc_us(&self) -> i64 {
        self.core.clock().now().utc.0.saturating_mul(1000)
    }

    fn entropy(&self) -> [u8; 32] {
        match crate::keys::random() {
            Ok(bytes) => bytes,
            Err(error) => panic!("{error:#}"),
        }
    }
}

/// What a peer released of what is shown for it.
pub fn details(state: &State, id: Id) -> Option<Details> {
    let details = state.shown_details(id)?;
    let volumes = details.volumes.iter().map(volume).collect();
    match details.kind {
        ShownKind::Plan => Some(Details::Intent(state.dss().shown_intent(id)?, volumes, details.priority)),
        ShownKind::Site => Some(Details::Constraint(state.dss().shown_constraint(id)?, volumes, "protected site")),
        ShownKind::Avoid => Some(Details::Constraint(state.dss().shown_constraint(id)?, volumes, "avoid area")),
    }
}

fn volume(shown: &ShownVolume) -> Volume {
    let outline = match &shown.piece {
        Piece::Polygon(vertices) => Outline::Polygon(vertices.iter().map(|v| (v.lat, v.lng)).collect()),
        Piece::Circle(centre, metres) => Outline::Circle((centre.lat, centre.lng), *metres),
    };
    let us = |utc: units::Utc| utc.0.saturating_mul(1000);
    let (lower, upper) = shown.heights;
    Volume { outline, lower, upper, start: us(shown.span.0), end: us(shown.span.1) }
}

/// Serves the interface, if it is configured.
pub async fn start(
    tasks: &mut JoinSet<()>,
    loaded: &Loaded,
    core: &CoreHandle,
    stopping: &watch::Sender<bool>,
) -> Result<Option<SocketAddr>> {
    let Some(config) = &loaded.config.f3548 else { return Ok(None) };
    let settings = Settings {
        issuers: config.issuers.clone(),
        audiences: config.audiences.clone(),
        leeway_s: config.leeway_s,
        max_lifetime_s: config.max_token_s,
    };
    let verifier = Arc::new(Verifier::new(settings, KeySet::default()));
    tasks.spawn(keys(loaded, config, &verifier)?.run());
    let options = Options {
        http_base_urls: config.http_base_urls,
        base_urls: config.base_urls.clone(),
        only_named: config.only_named,
        ..Options::new(verifier, concat!("skypact/v", env!("CARGO_PKG_VERSION")).into())
    };
    let listener = TcpListener::bind(config.listen);
    let listener = listener.await.with_context(|| format!("cannot listen on {} (f3548.listen)", config.listen))?;
    let at = listener.local_addr()?;
    if !at.ip().is_loopback() {
        warn!(%at, "the DSS is served without TLS beyond this machine: put a reverse proxy with TLS before it");
    }
    let router = api_f3548::router(Arc::new(NodeDss { core: core.clone() }), options);
    tasks.spawn(crate::web::serve(listener, router, stopping.subscribe()));
    if let Some(notify) = &config.notify {
        tasks.spawn(Notifier::new(loaded, config, notify, core)?.run());
    }
    info!(%at, "the DSS of ASTM F3548-21 is served");
    Ok(Some(at))
}

/// Reads the keys of the files, and goes on reading them and the documents.
fn keys(loaded: &Loaded, config: &F3548, verifier: &Arc<Verifier>) -> Result<Refresher> {
    let files = config.key_files.iter().map(|path| loaded.path(path)).collect();
    let mut documents = Vec::new();
    for jwks in &config.jwks {
        let ca = jwks.ca.as_ref().map(|ca| loaded.path(ca));
        let server = Server::new(Url::parse(&jwks.url)?, ca.as_deref());
        documents.push(server.with_context(|| format!("f3548.jwks {:?}", jwks.url))?);
    }
    let timing = Timing {
        every: Duration::from_secs(config.refresh_s.into()),
        max_age: Duration::from_secs(u64::from(config.keep_keys_h) * 3600),
    };
    Refresher::new(verifier.clone(), files, documents, timing)
}
