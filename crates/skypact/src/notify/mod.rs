//! Tells subscribers of changes to what peers released: sends what waits in the state, and hands in what came of it.
//!
//! One notification at a time for each manager and address, so that what is newer never overtakes; after a failure with growing waits.
//! What was sent and not yet handed in when the node dies is sent again.
mod reach;
mod tokens;
mod turns;

use crate::config::{F3548, Loaded, Notify};
use crate::core::CoreHandle;
use crate::dss_api::details;
use crate::http::{Ask, Server, Url};
use anyhow::{Context, Result};
use api_f3548::Details;
use futures_util::FutureExt;
use hyper::StatusCode;
use node::input::{Input, Notified, NotifyOutcome};
use node::{Notification, ShownKind, State};
use reach::Reach;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokens::Tokens;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info, warn};
use turns::{Came, Turns, UNDER_WAY_MAX};

/// The state is asked at least so often, and so long after it could not be.
const LOOK: Duration = Duration::from_secs(1);
/// All of one try: token, connection, request and head of the answer, and both again if a token from before is not taken.
const TRY_WAIT: Duration = Duration::from_secs(15);
/// Whoever takes longer is left alone as after a failure, whatever came of it: others waited for the place.
const SLOW: Duration = Duration::from_secs(5);
/// Characters of an error that are kept.
const ERROR_MAX: usize = 200;

/// Sends notifications.
pub struct Notifier {
    core: CoreHandle,
    sender: Sender,
}

/// Sends one.
struct Sender {
    tokens: Tokens,
    reach: Reach,
}

impl Notifier {
    /// As configured.
    pub fn new(loaded: &Loaded, f3548: &F3548, config: &Notify, core: &CoreHandle) -> Result<Self> {
        let ca = config.ca.as_ref().map(|ca| loaded.path(ca));
        let secret = crate::keys::read_private(&loaded.path(&config.client_secret_file));
        let secret = secret.context("f3548.notify.client_secret_file")?;
        let server = Server::new(Url::parse(&config.token_url)?, ca.as_deref()).context("f3548.notify.token_url")?;
        let tokens = Tokens::new(server, &config.client_id, secret.trim(), config.audience_parameter);
        let named = f3548.base_urls.values().flatten().cloned().collect();
        let reach = Reach::new(f3548.http_base_urls, named, ca.as_deref()).context("f3548.notify.ca")?;
        Ok(Self { core: core.clone(), sender: Sender { tokens, reach } })
    }

    /// Sends what waits, for ever.
    pub async fn run(self) {
        let this = Arc::new(self);
        let mut changed = this.core.changed();
        let mut turns = Turns::default();
        let mut under_way = JoinSet::new();
        loop {
            let newest = this.core.view().notified.newest;
            let Some(addresses) = this.core.query(State::to_notify).await else { return };
            let now = Instant::now();
            for (manager, address) in turns.due(addresses, now) {
                let this = this.clone();
                under_way.spawn(async move {
                    // A panic was logged where it was; the address is tried again like any other.
                    let came = AssertUnwindSafe(this.one(&manager, &address)).catch_unwind().await;
                    (came.unwrap_or(Came::Ill), manager, address)
                });
            }
            let full = under_way.len() == UNDER_WAY_MAX;
            let next = turns.next(now).max(now + Duration::from_millis(10));
            let news = async { while this.core.view().notified.newest == newest && changed.changed().await.is_ok() {} };
            tokio::select! {
                Some(done) = under_way.join_next() => {
                    if let Ok((came, manager, address)) = done {
                        turns.ended(&manager, &address, &came, Instant::now());
                    }
                }
                () = news, if !full => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Sends what is next for a manager at an address, and hands in what came of it.
    async fn one(&self, manager: &str, address: &str) -> Came {
        // What cannot be written down is not said: it would be said again and again.
        if self.core.health().trouble.is_some() {
            tokio::time::sleep(LOOK).await;
            return Came::Ill;
        }
        let (of, at) = (manager.to_owned(), address.to_owned());
        let asked = self.core.query(move |state| {
            let next = state.next_notification(&of, &at)?;
            let shown = state.shown_thing(next.entity).is_some();
            let details = details(state, next.entity);
            Some((next, shown, details))
        });
        let Some((next, shown, details)) = asked.await.flatten() else { return Came::Well };
        let Notification { entity, kind, change, subscriptions } = next;
        let ovn = match &details {
            Some(Details::Intent(reference, ..)) => reference.ovn.clone(),
            Some(Details::Constraint(reference, ..)) => reference.ovn.clone(),
            None => None,
        };
        let (outcome, came) = match (subscriptions.is_empty(), shown && details.is_none()) {
            (true, _) => (NotifyOutcome::Unwanted, Came::Well),
            (_, true) => (NotifyOutcome::Failed("the standard has no shape for it".into()), Came::Ill),
            _ => {
                let subscriptions = subscriptions.clone();
                let notification = match kind {
                    ShownKind::Plan => api_f3548::Notification::intent(entity, details, subscriptions),
                    ShownKind::Site | ShownKind::Avoid => {
                        api_f3548::Notification::constraint(entity, details, subscriptions)
                    }
                };
                self.sender.send(address, notification).await
            }
        };
        match &outcome {
            NotifyOutcome::Sent(status) => {
                debug!(manager, address, %entity, status, "a traffic service was notified");
            }
            NotifyOutcome::Unwanted => {}
            NotifyOutcome::Refused(status) => {
                info!(manager, address, %entity, status, "a traffic service did not take a notification");
            }
            NotifyOutcome::Failed(why) => {
                info!(manager, address, %entity, "a traffic service was not notified: {why}");
            }
        }
        let (of, address) = (Some(manager.to_owned()), address.to_owned());
        let notified = Notified { address, entity, change, subscriptions, ovn, outcome, manager: of };
        match self.core.input(Input::Notified(Box::new(notified))).await {
            Ok(_) => came,
            Err(error) => {
                warn!(manager, %entity, "what came of a notification is not written down, it will be sent again: {error}");
                Came::Ill
            }
        }
    }
}

impl Sender {
    async fn send(&self, address: &str, notification: api_f3548::Notification) -> (NotifyOutcome, Came) {
        let began = Instant::now();
        let answer = tokio::time::timeout(TRY_WAIT, self.post(address, notification)).await;
        let slow = began.elapsed() > SLOW;
        match answer.context("no answer in time").and_then(|answer| answer) {
            Ok(status) if status.is_success() => {
                (NotifyOutcome::Sent(status.as_u16()), if slow { Came::Ill } else { Came::Well })
            }
            Ok(status) => (NotifyOutcome::Refused(status.as_u16()), Came::Ill),
            Err(error) => (NotifyOutcome::Failed(format!("{error:#}").chars().take(ERROR_MAX).collect()), Came::Ill),
        }
    }

    /// With a token; with a new one if one from before is not taken.
    async fn post(&self, address: &str, notification: api_f3548::Notification) -> Result<StatusCode> {
        let api_f3548::Notification { path, scope, body } = notification;
        let url = self.reach.parse(address)?;
        let audience = url.host();
        for _ in 0..2 {
            let (token, kept) = self.tokens.get(audience, scope).await?;
            let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
            let ask = Ask { method: "POST", path, headers: &headers, body: body.clone(), max: None };
            let status = self.reach.send(address, ask).await?;
            if status != StatusCode::UNAUTHORIZED {
                return Ok(status);
            }
            self.tokens.forget(audience, scope);
            if !kept {
                break;
            }
        }
        Ok(StatusCode::UNAUTHORIZED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AudienceParameter;
    use axum::Router;
    use axum::routing::post;
    use dss::Id;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use tokio::net::TcpListener;

    async fn serve(router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Towards this address, with tokens that are there at once.
    async fn sender(address: &str) -> Sender {
        let token = async || "{\"access_token\":\"t\",\"expires_in\":3600}";
        let server = Server::new(Url::parse(&serve(Router::new().fallback(token)).await).unwrap(), None).unwrap();
        let tokens = Tokens::new(server, "north", "s3cret", AudienceParameter::Audience);
        Sender { tokens, reach: Reach::new(true, vec![address.into()], None).unwrap() }
    }

    fn gone() -> api_f3548::Notification {
        api_f3548::Notification::intent(Id([1; 16]), None, vec![(Id([2; 16]), 1)])
    }

    /// Answers this status after as many seconds as it is told, and counts.
    async fn uss(status: StatusCode) -> (String, Arc<AtomicU64>, Arc<AtomicUsize>) {
        let (after, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let (late, counts) = (after.clone(), asked.clone());
        let answer = async move || {
            counts.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(late.load(Ordering::Relaxed))).await;
            status
        };
        let url = serve(Router::new().route("/uss/v1/operational_intents", post(answer))).await;
        (url, after, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_connection_and_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (outcome, came) = sender(&address).await.send(&address, gone()).await;
        assert_eq!(outcome, NotifyOutcome::Failed("no answer in time: deadline has elapsed".into()));
        assert_eq!(came, Came::Ill);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_no_token_late_has_the_rest_of_one_wait_for_the_new_one() {
        let (address, after, asked) = uss(StatusCode::UNAUTHORIZED).await;
        let sender = sender(&address).await;
        assert_eq!(sender.send(&address, gone()).await, (NotifyOutcome::Refused(401), Came::Ill));
        sender.tokens.get("127.0.0.1", "utm.strategic_coordination").await.unwrap();
        assert_eq!(sender.send(&address, gone()).await, (NotifyOutcome::Refused(401), Came::Ill));
        assert_eq!(asked.load(Ordering::Relaxed), 3, "once more with a token that was kept");
        sender.tokens.get("127.0.0.1", "utm.strategic_coordination").await.unwrap();
        after.store(14, Ordering::Relaxed);
        let (outcome, came) = sender.send(&address, gone()).await;
        assert_eq!(outcome, NotifyOutcome::Failed("no answer in time: deadline has elapsed".into()));
        assert_eq!((came, asked.load(Ordering::Relaxed)), (Came::Ill, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_notification_slowly_waits_as_after_a_failure() {
        let (address, after, _) = uss(StatusCode::NO_CONTENT).await;
        let sender = sender(&address).await;
        assert_eq!(sender.send(&address, gone()).await, (NotifyOutcome::Sent(204), Came::Well));
        after.store(14, Ordering::Relaxed);
        assert_eq!(sender.send(&address, gone()).await, (NotifyOutcome::Sent(204), Came::Ill));
        after.store(3, Ordering::Relaxed);
        assert_eq!(sender.send(&address, gone()).await, (NotifyOutcome::Sent(204), Came::Well));
    }
}
