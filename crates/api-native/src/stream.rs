//! The console's WebSocket: hello, then states and labels as text, and pictures as binary frames.
//!
//! One task per console. At most one frame is unacknowledged, so a console that is slow or hidden gets the newest
//! picture when it asks for one and never a queue of old ones. A console that does not take what it is sent in time, or
//! does not answer pings, is dropped.
use crate::app::App;
use crate::auth::caller::{By, Caller, authenticate, own_origin};
use crate::json::{Json, Node};
use crate::picture::{Encoded, Label, label_messages};
use crate::problem::{Kind, Problem};
use crate::shown::Painted;
use crate::wire::state::hello;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use node::command::Actor;
use node::input::PaintedAlert;
use record::{Hash32, PartyId, Role};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// Least time between two states, and between two frames.
const PACE: Duration = Duration::from_millis(250);
/// The same when an alert is raised or has become worse.
const HASTE: Duration = Duration::from_millis(20);
/// Most time between two states, and between two frames to a console that acknowledges them.
const BEAT: Duration = Duration::from_secs(1);
/// Silence after which a console is asked whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(15);
/// Silence after which it is dropped.
const DEAD_AFTER: Duration = Duration::from_secs(45);
/// Longest message from a console: 500 notices of 67 bytes and 500 alerts of 53 are 60 kB.
const MESSAGE_MAX: usize = 64 << 10;
/// Alerts or notices of one message; a state message holds no more of either.
const LIST_MAX: usize = 500;
/// Messages a second; a console sends about ten.
const MESSAGES_PER_S: u32 = 50;

/// `GET /v1/stream`.
pub(crate) async fn stream(
    State(app): State<App>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let caller = authenticate(&headers, &app)?;
    if matches!(caller.by, By::Session { .. }) {
        // A browser sends the cookie wherever the page comes from, and no other rule holds for a WebSocket.
        own_origin(&headers)?;
    }
    let upgrade = upgrade.map_err(|e| Problem::new(Kind::Upgrade, e.body_text()))?;
    let full = || Problem { retry_after_s: Some(10), ..Problem::new(Kind::Unavailable, "too many streams are open") };
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| full())?;
    let upgrade = upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| Console::new(app, caller, socket, permit).run()))
}

/// One console.
struct Console {
    app: App,
    caller: Caller,
    socket: WebSocket,
    _permit: OwnedSemaphorePermit,
    /// Party as which it looks.
    looks_as: Option<PartyId>,
    /// Frame it has not acknowledged yet.
    outstanding: Option<u32>,
    /// Picture whose frame it has, and when that was sent.
    frame: Option<(Arc<Encoded>, Instant)>,
    /// Picture whose state it has, and when that was sent.
    state: Option<(Arc<Encoded>, Instant)>,
    /// Labels it knows.
    labels: Vec<Label>,
    heard: Instant,
    pinged: bool,
    second: Instant,
    messages: u32,
    /// True once the node stops; held to the end, so that the node waits for the last word.
    stopping: watch::Receiver<bool>,
}

/// Why a stream ends.
enum End {
    /// The console has gone, or does not take what it is sent.
    Gone,
    /// Its session or account has ended: coming back would not help.
    SignedOut(&'static str),
    /// It said something that it may not: coming back may.
    Misuse(u16, &'static str),
    /// The node is stopping.
    Away,
}

type Step = Result<(), End>;

impl Console {
    fn new(app: App, caller: Caller, socket: WebSocket, permit: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        let stopping = app.options.stopping.subscribe();
        Self {
            app,
            caller,
            socket,
            _permit: permit,
            looks_as: None,
            outstanding: None,
            frame: None,
            state: None,
            labels: Vec::new(),
            heard: now,
            pinged: false,
            second: now,
            messages: 0,
            stopping,
        }
    }

    async fn run(mut self) {
        let officer = self.caller.name.clone();
        tracing::info!(officer, "stream opened");
        let (code, reason) = match self.serve().await {
            Ok(()) | Err(End::Gone) => (close_code::NORMAL, "gone"),
            Err(End::SignedOut(reason)) => (close_code::POLICY, reason),
            Err(End::Misuse(code, reason)) => (code, reason),
            Err(End::Away) => (close_code::AWAY, "the node is stopping"),
        };
        tracing::info!(officer, reason, "stream closed");
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(self.app.options.stream_send_timeout, self.socket.send(close)).await;
    }

    async fn serve(&mut self) -> Step {
        let mut changed = self.app.backend.changed();
        self.hello().await?;
        loop {
            self.push().await?;
            let due = self.next_due();
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.handle(message).await?,
                    Some(Err(_)) | None => return Err(End::Gone),
                },
                alive = changed.changed() => alive.map_err(|_| End::Away)?,
                () = stopped(&mut self.stopping) => return Err(End::Away),
                () = sleep_until(due) => {}
            }
        }
    }

    async fn send(&mut self, message: Message) -> Step {
        match timeout(self.app.options.stream_send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn text(&mut self, value: &impl serde::Serialize) -> Step {
        let text = serde_json::to_string(value).map_err(|_| End::Gone)?;
        self.send(Message::Text(text.into())).await
    }

    async fn hello(&mut self) -> Step {
        let view = self.app.backend.view();
        let hello = hello(&view, &self.caller.name, self.caller.role, self.app.backend.clock_utc());
        self.text(&hello).await
    }

    /// When something may have to be sent next, if nothing happens before.
    fn next_due(&self) -> Instant {
        let now = Instant::now();
        let state = self.state.as_ref().map_or(now, |(_, at)| *at + self.wait(&self.state, false));
        let frame = match (&self.outstanding, &self.frame) {
            (Some(_), _) => now + BEAT,
            (None, None) => now,
            (None, Some((_, at))) => *at + self.wait(&self.frame, self.looks_as.is_some()),
        };
        // At least once a second, for pings and for the end of the session.
        state.min(frame).min(now + BEAT)
    }

    /// How long after the last one the next state or frame is due: soon if there is a newer picture.
    fn wait(&self, last: &Option<(Arc<Encoded>, Instant)>, as_other: bool) -> Duration {
        let newest = self.app.backend.view();
        let stale = last.as_ref().is_none_or(|(picture, _)| !Arc::ptr_eq(&picture.view, &newest));
        let sounds = last.as_ref().is_none_or(|(picture, _)| picture.view.sounded != newest.sounded);
        // What another party is shown changes once a second.
        match (stale && !as_other, sounds) {
            (true, true) => HASTE,
            (true, false) => PACE,
            (false, _) => BEAT,
        }
    }

    /// Sends whatever is due.
    async fn push(&mut self) -> Step {
        self.check_alive().await?;
        let now = Instant::now();
        let due = |last: &Option<(Arc<Encoded>, Instant)>, wait| last.as_ref().is_none_or(|(_, at)| *at + wait <= now);
        if due(&self.state, self.wait(&self.state, false)) {
            let picture = self.app.pictures.own(&*self.app.backend);
            self.send(Message::Text(picture.state.clone())).await?;
            self.state = Some((picture, now));
        }
        if self.outstanding.is_none() && due(&self.frame, self.wait(&self.frame, self.looks_as.is_some())) {
            self.push_frame(now).await?;
        }
        Ok(())
    }

    async fn push_frame(&mut self, now: Instant) -> Step {
        let picture = match self.looks_as.clone() {
            None => self.app.pictures.own(&*self.app.backend),
            Some(party) => match self.app.pictures.seen_by(&*self.app.backend, &party).await {
                Some(picture) => picture,
                None => return self.look_as(None, Some("there is no such peer")).await,
            },
        };
        for message in label_messages(&self.labels, &picture.labels) {
            self.send(Message::Text(message)).await?;
        }
        self.labels.clone_from(&picture.labels);
        self.send(Message::Binary(picture.frame.clone())).await?;
        self.outstanding = Some(picture.number);
        self.frame = Some((picture, now));
        Ok(())
    }

    /// Ends a stream whose console is silent or whose session has ended.
    async fn check_alive(&mut self) -> Step {
        let silence = self.heard.elapsed();
        if silence >= DEAD_AFTER {
            return Err(End::Gone);
        }
        if silence >= PING_AFTER && !self.pinged {
            self.pinged = true;
            self.send(Message::Ping(axum::body::Bytes::new())).await?;
        }
        if let By::Session { key, .. } = &self.caller.by
            && !self.app.sessions.lasts(key)
        {
            return Err(End::SignedOut("the session has ended"));
        }
        if self.caller.role.is_some() {
            let view = self.app.backend.view();
            match view.accounts.get(&self.caller.name) {
                Some(account) if crate::auth::caller::valid(account, &self.app) => {
                    self.caller.role = Some(account.role);
                }
                _ => return Err(End::SignedOut("the account has ended")),
            }
        }
        Ok(())
    }

    async fn handle(&mut self, message: Message) -> Step {
        self.heard = Instant::now();
        self.pinged = false;
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.messages) = (self.heard, 0);
        }
        self.messages += 1;
        if self.messages > MESSAGES_PER_S {
            return Err(End::Misuse(close_code::AGAIN, "too many messages"));
        }
        match message {
            Message::Text(text) => match read(&text) {
                Ok(Said::Displayed { frame, painted }) => {
                    if self.outstanding == Some(frame) {
                        self.outstanding = None;
                    }
                    self.displayed(&painted).await;
                    Ok(())
                }
                Ok(Said::View(party)) => self.change_view(party).await,
                Err(problem) => {
                    tracing::warn!(officer = self.caller.name, detail = problem.detail, "message refused");
                    Err(End::Misuse(close_code::UNSUPPORTED, "a message that is not understood"))
                }
            },
            Message::Close(_) => Err(End::Gone),
            Message::Binary(_) => Err(End::Misuse(close_code::UNSUPPORTED, "binary messages are not understood")),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    /// Journals what this officer sees for the first time.
    async fn displayed(&mut self, painted: &Painted) {
        if painted.is_empty() {
            return;
        }
        let view = self.app.backend.view();
        let actor = Actor { name: self.caller.name.clone(), role: self.caller.role.unwrap_or(Role::Observer) };
        let fresh = self.app.shown.first_time(&actor, painted, &view);
        if fresh.is_empty() {
            return;
        }
        let (alerts, notices) = (fresh.alerts.iter().copied().collect(), fresh.notices.iter().copied().collect());
        let app = self.app.clone();
        // Apart from this task: a slow disk must not hold up the picture.
        tokio::spawn(async move {
            if let Err(error) = app.backend.displayed(actor.clone(), alerts, notices).await {
                tracing::warn!(officer = actor.name, %error, "what was shown is not in the journal yet");
                app.shown.undo(&actor, &fresh);
            }
        });
    }

    async fn change_view(&mut self, party: Option<PartyId>) -> Step {
        let view = self.app.backend.view();
        match party {
            Some(party) if party == view.party || !view.parties.contains(&party) => {
                self.look_as(None, Some("there is no such peer")).await
            }
            party => self.look_as(party, None).await,
        }
    }

    /// Says as whom the following frames are drawn; the next one follows at once.
    async fn look_as(&mut self, party: Option<PartyId>, refused: Option<&'static str>) -> Step {
        let name = party.as_ref().map(PartyId::as_str);
        let message = json!({ "type": "view", "as": name, "refused": refused });
        self.text(&message).await?;
        self.looks_as = party;
        self.outstanding = None;
        self.frame = None;
        Ok(())
    }
}

/// Waits until the node stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        // Whoever would say so is gone: the end of the views tells it then.
        std::future::pending::<()>().await;
    }
}

/// See [`crate::check_stream_message`].
pub(crate) fn check(text: &str) -> Result<(), String> {
    read(text).map(|_| ()).map_err(|problem| format!("{problem:?}"))
}

/// What a console may say.
enum Said {
    Displayed { frame: u32, painted: Painted },
    View(Option<PartyId>),
}

fn read(text: &str) -> Result<Said, Problem> {
    #[derive(Clone, Copy)]
    enum Kind {
        Displayed,
        View,
    }
    Json::parse(text.as_bytes())?.read(|node| {
        let mut o = node.object()?;
        let said = match o.required("type")?.word(&[("displayed", Kind::Displayed), ("view", Kind::View)])? {
            Kind::Displayed => {
                let frame = o.required("frame").and_then(|n| n.integer(0..=i64::from(u32::MAX)));
                let alerts = o.optional("alerts").map_or(Some(Vec::new()), |n| n.list(0..=LIST_MAX, read_alert));
                let notices = o.optional("notices").map_or(Some(Vec::new()), |n| n.list(0..=LIST_MAX, read_notice));
                let painted =
                    Painted { alerts: alerts?.into_iter().collect(), notices: notices?.into_iter().collect() };
                Said::Displayed { frame: frame? as u32, painted }
            }
            Kind::View => Said::View(match o.optional("as") {
                None => None,
                Some(n) => Some(n.parsed("a party's name", |text| PartyId::parse(text).ok())?),
            }),
        };
        o.end();
        Some(said)
    })
}

fn read_alert(node: &Node<'_>) -> Option<PaintedAlert> {
    let mut o = node.object()?;
    let id = o.required("id").and_then(|n| n.parsed("an alert's id", |text| text.parse().ok()));
    let raising = o.required("raising").and_then(|n| n.integer(1..=i64::from(u32::MAX)));
    o.end();
    Some(PaintedAlert { id: id?, raising: raising? as u32 })
}

fn read_notice(node: &Node<'_>) -> Option<Hash32> {
    node.parsed("a notice's id", Hash32::parse)
}
