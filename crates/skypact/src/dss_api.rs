//! The discovery and synchronization service's interface for drone traffic services: its listener, and the node as it sees it.
use crate::config::{F3548, Loaded};
use crate::core::{CoreHandle, NotAccepted};
use crate::http::{Server, Url};
use crate::notify::Notifier;
use crate::oauth_keys::{Refresher, Timing};
use airspace::{Limit, Volume4d, VolumeError, limits};
use anyhow::{Context, Result};
use api_f3548::{Answered, Backend, Details, Options, Outline, Unavailable, Volume};
use dss::{Found, Id, Outcome, Query, Refused, Request};
use futures_util::future::BoxFuture;
use node::input::Outlined;
use node::{Piece, ShownKind, ShownVolume, State};
use oauth::{KeySet, Settings, Verifier};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};
use units::{Altitude, Height, Reference, Utc, Vertex};

/// The interface's backend.
struct NodeDss {
    core: CoreHandle,
}

fn unavailable(why: NotAccepted) -> Unavailable {
    Unavailable(why.to_string())
}

fn answered((answer, took): (Outcome, Duration)) -> Answered<Outcome> {
    Answered { answer, took }
}

impl NodeDss {
    async fn timed<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<Answered<T>, Unavailable> {
        let timed = move |state: &State| {
            let began = Instant::now();
            let answer = ask(state);
            Answered { answer, took: began.elapsed() }
        };
        self.core.query(timed).await.ok_or_else(|| unavailable(NotAccepted::Stopping))
    }
}

impl Backend for NodeDss {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        Box::pin(async move { self.core.dss(request, None).await.map(answered).map_err(unavailable) })
    }

    fn intend(&self, request: Request, volumes: Vec<Volume>) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        let outlined = outlined(&volumes).map_or_else(|why| Outlined::Unfit(why.to_string()), Outlined::Volumes);
        Box::pin(async move { self.core.dss(request, Some(outlined)).await.map(answered).map_err(unavailable) })
    }

    fn query(
        &self,
        query: Query,
        client: String,
    ) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        Box::pin(async move { self.timed(move |state| state.dss().query(&query, &client)).await })
    }

    fn details(&self, id: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        Box::pin(async move { self.timed(move |state| details(state, id)).await })
    }

    fn utc_s(&self) -> i64 {
        self.core.clock().now().utc.0.div_euclid(1000)
    }

    fn utc_us(&self) -> i64 {
        self.core.clock().now().utc.0.saturating_mul(1000)
    }

    fn token_utc_s(&self) -> i64 {
        crate::clock::utc_ms().div_euclid(1000)
    }

    fn is_party(&self, name: &str) -> bool {
        let view = self.core.view();
        let mut parties = view.parties.iter().chain(view.pacts.iter().flat_map(|pact| &pact.parties));
        // Names of parties have small letters alone; people would take another writing for the same.
        parties.any(|party| party.as_str().eq_ignore_ascii_case(name))
    }

    fn trouble(&self) -> Option<String> {
        // Who asks has no token: the reason, which names files, is for the operator.
        self.core.health().trouble.map(|_| "nothing that is written can be made durable now".into())
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

/// Corners of an intent that is filed: with 20 bytes each, and 60 for each of 256 volumes, they fit a record of 64 KiB.
const CORNERS_MAX: usize = 1_500;
/// Pairs of edges of its polygons: the fold looks at all of them twice, 0.2 µs each, so one polygon of 200 vertices takes it 16 ms.
const EDGES_MAX: usize = 40_000;

/// Volumes of an operational intent as those of a plan, if they can be.
fn outlined(volumes: &[Volume]) -> Result<Vec<Volume4d>, VolumeError> {
    let corners = |volume: &Volume| match &volume.outline {
        Outline::Polygon(vertices) => vertices.len(),
        Outline::Circle(..) => 1,
    };
    for (what, max, got) in [
        ("volumes", limits::VOLUMES_MAX, volumes.len()),
        ("corners", CORNERS_MAX, volumes.iter().map(corners).sum()),
        ("pairs of edges of polygons", EDGES_MAX, volumes.iter().map(|volume| corners(volume).pow(2)).sum()),
    ] {
        if got > max {
            return Err(VolumeError::TooMany { what, max, got });
        }
    }
    volumes.iter().map(volume_4d).collect()
}

fn volume_4d(volume: &Volume) -> Result<Volume4d, VolumeError> {
    let vertex = |(index, place): (usize, &(f64, f64))| {
        let e9 = |degrees: f64| (degrees * 1e9).round() as i64;
        Vertex::new(e9(place.0), e9(place.1)).map_err(|error| VolumeError::Point { index, error })
    };
    let outline = match &volume.outline {
        Outline::Polygon(vertices) => {
            let mut points = vertices.iter().enumerate().map(vertex).collect::<Result<Vec<_>, _>>()?;
            // Closed by its first vertex again, as many write it.
            if points.len() > 1 && points.first() == points.last() {
                points.pop();
            }
            airspace::Outline::Polygon(points)
        }
        Outline::Circle(centre, metres) => {
            airspace::Outline::Circle { centre: vertex((0, centre))?, radius_mm: (metres * 1000.0).ceil() as i64 }
        }
    };
    let limit = |millimetres: Option<i64>| {
        let height = millimetres.and_then(|mm| i32::try_from(mm * 10).ok());
        height.map_or(Limit::Unlimited, |height| Limit::At(Altitude::Known(Height(height), Reference::Wgs84)))
    };
    let volume = Volume4d {
        outline,
        lower: limit(volume.lower),
        upper: limit(volume.upper),
        start: Utc(volume.start.div_euclid(1000)),
        end: Utc(-(-volume.end).div_euclid(1000)),
    };
    volume.check()?;
    Ok(volume)
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
    core.checks_tokens(verifier.clone());
    let options = Options {
        http_base_urls: config.http_base_urls,
        base_urls: config.base_urls.clone(),
        only_named: config.only_named,
        volumes: config.plans_marking.is_some(),
        uss_bytes_per_s: u64::from(config.uss_mib_per_s) << 20,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(outline: Outline) -> Volume {
        Volume { outline, lower: Some(-1_500), upper: None, start: 1_500, end: 2_500 }
    }

    #[test]
    fn an_intents_volumes_are_a_plans_and_what_cannot_be_is_named() {
        let square = vec![(46.0, 7.0), (46.0, 7.1), (46.1, 7.1), (46.1, 7.0), (46.0, 7.0)];
        let got = outlined(&[volume(Outline::Polygon(square)), volume(Outline::Circle((46.5, 180.0), 300.0004))]);
        let got = got.unwrap();
        let vertex = |lat: i64, lon: i64| Vertex { lat_e9: lat, lon_e9: lon };
        let corners = [(46_000, 7_000), (46_000, 7_100), (46_100, 7_100), (46_100, 7_000)];
        let corners = corners.map(|(lat, lon)| vertex(lat * 1_000_000, lon * 1_000_000));
        assert_eq!(got[0].outline, airspace::Outline::Polygon(corners.to_vec()), "closed implicitly");
        let centre = vertex(46_500_000_000, -180_000_000_000);
        assert_eq!(got[1].outline, airspace::Outline::Circle { centre, radius_mm: 300_001 }, "rounded outward");
        let lower = Limit::At(Altitude::Known(Height(-15_000), Reference::Wgs84));
        assert_eq!((got[0].lower, got[0].upper), (lower, Limit::Unlimited));
        assert_eq!((got[0].start, got[0].end), (Utc(1), Utc(3)), "rounded outward");

        let circle = || volume(Outline::Circle((46.5, 7.0), 300.0));
        let said = |volumes: &[Volume]| outlined(volumes).unwrap_err().to_string();
        assert_eq!(said(&vec![circle(); 257]), "volumes: at most 256, got 257");
        let many = |n: u32| volume(Outline::Polygon((0..n).map(|n| (46.0, f64::from(n) / 1e4)).collect()));
        assert_eq!(said(&[many(1_501)]), "corners: at most 1500, got 1501");
        assert_eq!(said(&[many(201)]), "pairs of edges of polygons: at most 40000, got 40401");
        let long = Volume { end: 40 * 86_400_000_000, ..circle() };
        assert_eq!(said(&[long]), "the window is longer than 31 days");
    }
}
