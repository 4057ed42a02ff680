//! Tells subscribers of changes to what peers released: sends what waits in the state, and hands in what came of it.
//!
//! One notification at a time for each address, so that what is newer never overtakes; after a failure with growing waits. What was
//! sent and not yet handed in when the node dies is sent again.
mod reach;
mod tokens;

use crate::config::{F3548, Loaded, Notify};
use crate::core::CoreHandle;
use crate::dss_api::details;
use crate::http::{Ask, Server, Url};
use anyhow::{Context, Result};
use api_f3548::Details;
use dss::Id;
use futures_util::FutureExt;
use hyper::StatusCode;
use node::input::{Input, Notified, NotifyOutcome};
use node::{Notification, ShownKind, State};
use reach::Reach;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokens::Tokens;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// Notifications under way, each to another address. One has at most what a peer may file, 100,000 corners with 45 bytes each: 72 MB.
/// Whoever answers nothing has one of them for 15 s, and then none for a while.
const UNDER_WAY_MAX: usize = 16;
/// First and longest wait after a failure.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The state is asked at least so often, and so long after it could not be.
const LOOK: Duration = Duration::from_secs(1);
/// Characters of an error that are kept.
const ERROR_MAX: usize = 200;

/// What is known of an address while something waits for it.
struct Wait {
    not_before: Instant,
    wait: Duration,
    under_way: bool,
}

/// What came of one address.
enum Came {
    /// It took it, or nothing was to be sent: the next may go at once.
    Well,
    /// It did not, or the state did not take the outcome.
    Ill,
}

/// Sends notifications.
pub struct Notifier {
    core: CoreHandle,
    tokens: Tokens,
    reach: Reach,
}

/// A wait, a random part of the second half of it taken off, so that services cut off together are not asked together.
fn jittered(wait: Duration) -> Duration {
    let part = crate::keys::random::<1>().map_or(255, |byte| byte[0]);
    wait / 2 + wait / 2 * u32::from(part) / 255
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
        Ok(Self { core: core.clone(), tokens, reach })
    }

    /// Sends what waits, for ever.
    pub async fn run(self) {
        let this = Arc::new(self);
        let mut changed = this.core.changed();
        let mut waits: BTreeMap<String, Wait> = BTreeMap::new();
        let mut under_way = JoinSet::new();
        loop {
            let newest = this.core.view().notified.newest;
            let Some(addresses) = this.core.query(State::to_notify).await else { return };
            let now = Instant::now();
            for address in due(&addresses, &mut waits, now, UNDER_WAY_MAX - under_way.len()) {
                let this = this.clone();
                under_way.spawn(async move {
                    // A panic was logged where it was; the address is tried again like any other.
                    let came = AssertUnwindSafe(this.one(&address)).catch_unwind().await;
                    (came.unwrap_or(Came::Ill), address)
                });
            }
            let next = waits.values().filter(|wait| !wait.under_way).map(|wait| wait.not_before).min();
            // With all hands full, one that is due waits until there is a free one.
            let full = under_way.len() == UNDER_WAY_MAX;
            let next = next.filter(|_| !full).unwrap_or(now + WAITS.1).max(now + Duration::from_millis(10));
            let news = async { while this.core.view().notified.newest == newest && changed.changed().await.is_ok() {} };
            tokio::select! {
                Some(done) = under_way.join_next() => {
                    if let Ok((came, address)) = done
                        && let Some(wait) = waits.get_mut(&address)
                    {
                        wait.ended(&came, Instant::now());
                    }
                }
                () = news, if !full => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Sends what is next for an address, and hands in what came of it.
    async fn one(&self, address: &str) -> Came {
        // What cannot be written down is not said: it would be said again and again.
        if self.core.health().trouble.is_some() {
            tokio::time::sleep(LOOK).await;
            return Came::Ill;
        }
        let of = address.to_owned();
        let asked = self.core.query(move |state| {
            let next = state.next_notification(&of)?;
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
        let outcome = match (subscriptions.is_empty(), shown && details.is_none()) {
            (true, _) => NotifyOutcome::Unwanted,
            (_, true) => NotifyOutcome::Failed("the standard has no shape for it".into()),
            _ => self.send(address, kind, entity, details, subscriptions.clone()).await,
        };
        let came = match &outcome {
            NotifyOutcome::Sent(status) => {
                debug!(address, %entity, status, "a traffic service was notified");
                Came::Well
            }
            NotifyOutcome::Unwanted => Came::Well,
            NotifyOutcome::Refused(status) => {
                info!(address, %entity, status, "a traffic service did not take a notification");
                Came::Ill
            }
            NotifyOutcome::Failed(why) => {
                info!(address, %entity, "a traffic service was not notified: {why}");
                Came::Ill
            }
        };
        let notified = Notified { address: address.into(), entity, change, subscriptions, ovn, outcome };
        match self.core.input(Input::Notified(Box::new(notified))).await {
            Ok(_) => came,
            Err(error) => {
                warn!(address, %entity, "what came of a notification is not written down, it will be sent again: {error}");
                Came::Ill
            }
        }
    }

    async fn send(
        &self,
        address: &str,
        kind: ShownKind,
        entity: Id,
        details: Option<Details>,
        subscriptions: Vec<(Id, u32)>,
    ) -> NotifyOutcome {
        let notification = match kind {
            ShownKind::Plan => api_f3548::Notification::intent(entity, details, subscriptions),
            ShownKind::Site | ShownKind::Avoid => api_f3548::Notification::constraint(entity, details, subscriptions),
        };
        match self.post(address, notification).await {
            Ok(status) if status.is_success() => NotifyOutcome::Sent(status.as_u16()),
            Ok(status) => NotifyOutcome::Refused(status.as_u16()),
            Err(error) => NotifyOutcome::Failed(format!("{error:#}").chars().take(ERROR_MAX).collect()),
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

impl Wait {
    fn ended(&mut self, came: &Came, now: Instant) {
        self.under_way = false;
        match came {
            Came::Well => (self.not_before, self.wait) = (now, WAITS.0),
            Came::Ill => {
                self.not_before = now + jittered(self.wait);
                self.wait = (self.wait * 2).min(WAITS.1);
            }
        }
    }
}

/// Up to so many addresses to which something may be sent now, those that wait longest first; they are under way then.
fn due(addresses: &[String], waits: &mut BTreeMap<String, Wait>, now: Instant, most: usize) -> Vec<String> {
    let there: BTreeSet<&String> = addresses.iter().collect();
    waits.retain(|address, wait| wait.under_way || there.contains(address));
    for address in addresses {
        // Named first, in case nobody comes back to say how it ended.
        let new = Wait { not_before: now, wait: WAITS.0, under_way: false };
        waits.entry(address.clone()).or_insert(new);
    }
    let mut due: Vec<(Instant, String)> = waits
        .iter()
        .filter(|(_, wait)| !wait.under_way && wait.not_before <= now)
        .map(|(address, wait)| (wait.not_before, address.clone()))
        .collect();
    due.sort();
    due.truncate(most);
    for (_, address) in &due {
        if let Some(wait) = waits.get_mut(address) {
            wait.under_way = true;
        }
    }
    due.into_iter().map(|(_, address)| address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[tokio::test]
    async fn each_address_has_one_under_way_and_whoever_waits_longest_is_next() {
        let (mut waits, now) = (BTreeMap::new(), Instant::now());
        let all = names(&["a", "b", "c"]);
        assert_eq!(due(&all, &mut waits, now, 2), ["a", "b"]);
        assert_eq!(due(&all, &mut waits, now, 2), ["c"]);
        assert!(due(&all, &mut waits, now, 2).is_empty());
        let after = |s: u64| now + Duration::from_secs(s);
        waits.get_mut("a").unwrap().ended(&Came::Well, after(2));
        waits.get_mut("b").unwrap().ended(&Came::Ill, after(0));
        // It failed before the other was through: its turn comes first, though the other never fails.
        assert_eq!(due(&all, &mut waits, after(2), 1), ["b"]);
        assert_eq!(due(&all, &mut waits, after(2), 1), ["a"]);
        // For whom nothing waits any more is forgotten, when nothing is under way to it.
        waits.get_mut("b").unwrap().ended(&Came::Ill, after(3));
        assert!(due(&names(&["a"]), &mut waits, after(3), 9).is_empty());
        assert_eq!(waits.keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[tokio::test]
    async fn waits_grow_to_five_minutes_and_begin_anew_when_one_was_taken() {
        let now = Instant::now();
        let mut wait = Wait { not_before: now, wait: WAITS.0, under_way: true };
        let mut longest = Vec::new();
        for _ in 0..11 {
            longest.push(wait.wait.as_secs());
            let most = wait.wait;
            wait.ended(&Came::Ill, now);
            assert!(wait.not_before >= now + most / 2 && wait.not_before <= now + most);
        }
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        wait.ended(&Came::Well, now);
        assert_eq!((wait.not_before, wait.wait), (now, WAITS.0));
    }
}
