//! The discovery and synchronization service's interface for drone traffic services: its listener, and the node as it sees it.
use crate::config::{F3548, Loaded};
use crate::core::{CoreHandle, NotAccepted};
use anyhow::{Context, Result};
use api_f3548::{Backend, Options, Unavailable};
use dss::{Found, Outcome, Query, Refused, Request};
use futures_util::future::BoxFuture;
use oauth::{KeySet, Settings, Verifier};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// A key file is no larger.
const KEY_FILE_MAX: u64 = 64 * 1024;

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

    fn utc_s(&self) -> i64 {
        self.core.clock().now().utc.0.div_euclid(1000)
    }

    fn entropy(&self) -> [u8; 32] {
        match crate::keys::random() {
            Ok(bytes) => bytes,
            Err(error) => panic!("{error:#}"),
        }
    }
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
    let verifier = Arc::new(Verifier::new(settings, keys(loaded, config)?));
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
    info!(%at, "the DSS of ASTM F3548-21 is served");
    Ok(Some(at))
}

/// Keys of the files that the configuration names.
fn keys(loaded: &Loaded, config: &F3548) -> Result<KeySet> {
    let mut keys = KeySet::default();
    for path in &config.key_files {
        let path = loaded.path(path);
        let of = || format!("the token key {}", path.display());
        let pem = crate::files::read_bounded(&path, KEY_FILE_MAX).with_context(of)?;
        keys = keys.with(KeySet::from_pem(&pem).with_context(of)?);
    }
    Ok(keys)
}
