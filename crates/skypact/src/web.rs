//! The console's and API's listener: HTTP/1.1 with bounds on connections and on slow request heads.
use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// Connections at once: a desk has a few consoles with a stream and some requests each; programs keep one alive.
const CONNECTIONS_MAX: usize = 512;
/// A request's head arrives within this, or the connection ends.
const HEAD_MAX: Duration = Duration::from_secs(10);

/// Serves until the task is dropped; its connections end with it.
pub async fn serve(listener: TcpListener, router: Router) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        // Ended connections are taken out as new ones come; the semaphore bounds the others.
        while connections.try_join_next().is_some() {}
        let (socket, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept API connections");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            warn!(%from, "refused: {CONNECTIONS_MAX} API connections are open");
            continue;
        };
        let service = router.clone().layer(axum::Extension(ConnectInfo::<SocketAddr>(from)));
        connections.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_MAX)
                .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
                .with_upgrades();
            if let Err(error) = connection.await {
                debug!(%from, "API connection ended: {error}");
            }
            drop(permit);
        });
    }
}
