//! The console's and API's listener: HTTP/1.1 with bounds on connections, on slow request heads and on answers that are not read.
use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, warn};

/// Connections at once: a desk has a few consoles with a stream and some requests each; programs keep one alive.
const CONNECTIONS_MAX: usize = 512;
/// A request's head arrives within this after the answer before it, or the connection ends. Proxies keep connections for 60 s by default, and
/// what they send on one that is just being closed is lost.
const HEAD_MAX: Duration = Duration::from_secs(75);
/// That connections are refused is said once in this time.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// Of an answer something is taken within this, or the connection ends: it holds one of them, and what is to be written. A slow line takes
/// a few kilobytes in that time, who reads nothing keeps a connection of TCP open for ever.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// Serves until it is told to stop: then it takes no more connections, and ends when those that are open have given the
/// answers under way. If the task is dropped, its connections end with it. It holds `stopping` until then.
pub async fn serve(listener: TcpListener, router: Router, stopping: watch::Receiver<bool>) {
    serve_within(listener, router, stopping, WRITE_MAX).await;
}

async fn serve_within(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>, write_max: Duration) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    let mut said: Option<Instant> = None;
    loop {
        // Ended connections are taken out as new ones come; the semaphore bounds the others.
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stopping) => break,
        };
        let (socket, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept API connections");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
                warn!(%from, "refused: {CONNECTIONS_MAX} API connections are open; others are refused without a line for a minute");
                said = Some(Instant::now());
            }
            continue;
        };
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(write_max));
        let service = router.clone().layer(axum::Extension(ConnectInfo::<SocketAddr>(from)));
        let mut stopping = stopping.clone();
        connections.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_MAX)
                .serve_connection(TokioIo::new(Box::pin(socket)), TowerToHyperService::new(service))
                .with_upgrades();
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopped(&mut stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%from, "API connection ended: {error}");
            }
            drop(permit);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until the node stops; a sender that is gone has stopped, too.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    stopping.wait_for(|stopping| *stopping).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::{sleep, timeout};

    #[tokio::test]
    async fn an_answer_under_way_is_given_and_nothing_new_is_taken_when_it_stops() {
        let slow = Router::new().route("/slow", get(async || sleep(Duration::from_millis(300)).await));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let server = tokio::spawn(serve(listener, slow, stop.subscribe()));
        let idle = TcpStream::connect(at).await.unwrap();
        let mut asking = TcpStream::connect(at).await.unwrap();
        asking.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stop.send_replace(true);
        let mut answer = String::new();
        timeout(Duration::from_secs(5), asking.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(TcpStream::connect(at).await.is_err(), "no more connections");
        timeout(Duration::from_secs(5), stop.closed()).await.expect("all have ended, the idle one too");
        drop(idle);
        server.await.unwrap();
    }
    #[tokio::test]
    async fn who_reads_nothing_of_an_answer_keeps_no_connection() {
        const LARGE: usize = 64 << 20;
        let large = Router::new().route("/large", get(async || vec![b'x'; LARGE]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let server = tokio::spawn(serve_within(listener, large, stop.subscribe(), Duration::from_secs(1)));
        let ask = async || {
            let mut asking = TcpStream::connect(at).await.unwrap();
            asking.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
            asking
        };
        let mut read = Vec::new();
        ask().await.read_to_end(&mut read).await.unwrap();
        assert!(read.len() > LARGE, "with its head");
        let mut asking = ask().await;
        asking.read_exact(&mut [0; 15]).await.unwrap();
        stop.send_replace(true);
        timeout(Duration::from_secs(60), stop.closed()).await.expect("it has ended, though the answer is not read");
        read.clear();
        let ended = asking.read_to_end(&mut read).await;
        assert!(ended.is_err() || read.len() < LARGE);
        server.await.unwrap();
    }
}
