//! Clients that write overlapping intents at once, and tell each other versions as traffic services do. Everything that was
//! acknowledged is kept here with the key that was sent, and held against what the node says after a kill -9 and at the end.
use super::intent::{Chance, RADIUS_M, Volume, path, put_json, volume_json};
use super::served::{Connection, SERVICES, Served, service};
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::{join, try_join_all};
use hyper::StatusCode;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Where all are.
const AT: (f64, f64) = (46.204_7, 6.146_9);
/// Intents of a client at once.
const LIVE_EACH: usize = 3;
/// Begins, a minute apart, and heights, 30 m apart: an intent meets those beside, above and below it.
const BEGINS: u64 = 40;
const LAYERS: u64 = 4;
const LASTS_S: i64 = 90;
const HIGH_M: i32 = 40;
/// A client that was refused so often for versions it did not name lets the write be.
const TRIES_MAX: u32 = 50;
/// What is wrong is told of so many.
const SHOWN: usize = 5;

/// What a race found.
#[derive(Debug, Default)]
pub struct Found {
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that were refused because their key lacked a version.
    pub refused: u64,
    /// Pairs that met while both were held; one of each named the other.
    pub pairs: u64,
    /// Intents that were read back and were as acknowledged, or gone.
    pub read: u64,
    /// Writes that were under way when the node was killed, and those of them that were done all the same.
    pub unanswered: u64,
    pub adopted: u64,
    /// Seconds of writing.
    pub seconds: f64,
}

/// An acknowledged version of an intent.
#[derive(Debug, Clone)]
struct Version {
    client: usize,
    id: String,
    ovn: String,
    number: u64,
    volume: Volume,
    activated: bool,
    subscription: Option<String>,
    key: BTreeSet<String>,
    /// Since the race began: when it was sent, when it was acknowledged, when what ended it was sent.
    sent: Duration,
    acked: Duration,
    over: Option<Duration>,
}

/// What a client does with an intent.
#[derive(Debug, Clone)]
enum Ask {
    Put { volume: Volume, activated: bool, key: BTreeSet<String> },
    Delete,
}

/// A write that has no answer yet.
#[derive(Debug, Clone)]
struct Pending {
    client: usize,
    id: String,
    /// The version it changes.
    before: Option<usize>,
    ask: Ask,
    sent: Duration,
}

/// What is known of the node by its answers.
struct Ledger {
    versions: Vec<Version>,
    /// The newest version of each intent that is held.
    live: BTreeMap<String, usize>,
    /// Intents that were deleted, with a client of their service.
    gone: Vec<(String, usize)>,
    pending: BTreeMap<usize, Pending>,
    found: Found,
}

struct Race {
    begun: Instant,
    from_s: i64,
    ledger: RefCell<Ledger>,
    over: Cell<bool>,
    killed: Cell<bool>,
}

/// Runs a race.
pub async fn run(served: &mut Served, clients: usize, length: Duration, kills: u32, seed: u64) -> Result<Found> {
    let race = Race {
        begun: Instant::now(),
        from_s: crate::clock::utc_ms().div_euclid(1000) + 3600,
        ledger: RefCell::new(Ledger {
            versions: Vec::new(),
            live: BTreeMap::new(),
            gone: Vec::new(),
            pending: BTreeMap::new(),
            found: Found::default(),
        }),
        over: Cell::new(false),
        killed: Cell::new(false),
    };
    for part in 0..=kills {
        let begun = Instant::now();
        let connections = try_join_all((0..clients).map(|n| served.connect(n))).await?;
        race.over.set(false);
        race.killed.set(false);
        let each = connections.into_iter().enumerate().map(|(n, connection)| {
            let chance = Chance::new(seed ^ ((u64::from(part) * 1000 + n as u64) << 20));
            race.client(connection, n, chance)
        });
        let end = async {
            tokio::time::sleep(length / (kills + 1)).await;
            race.over.set(true);
            if part < kills {
                race.killed.set(true);
                served.kill_9();
            }
        };
        let (all, ()) = join(try_join_all(each), end).await;
        all?;
        race.ledger.borrow_mut().found.seconds += begun.elapsed().as_secs_f64();
        if part < kills {
            served.go_on()?;
        }
        race.settle(served).await?;
        race.compare(served).await?;
    }
    let ledger = race.ledger.into_inner();
    let (pairs, wrong) = unnamed(&ledger.versions);
    let shown = wrong.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    ensure!(wrong.is_empty(), "{} pairs met and did not name each other: {shown}", wrong.len());
    let found = Found { pairs, ..ledger.found };
    ensure!(found.pairs > 0 && found.refused > 0, "nothing met: the race shows nothing ({found:?})");
    ensure!(kills == 0 || found.unanswered > 0, "no write was under way at a kill: it shows nothing ({found:?})");
    Ok(found)
}

impl Race {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn anywhere(&self, chance: &mut Chance) -> Volume {
        let start = self.from_s + chance.below(BEGINS) as i64 * 60;
        let lower = chance.below(LAYERS) as i32 * 30;
        Volume { at: AT, seconds: (start, start + LASTS_S), heights: (lower, lower + HIGH_M) }
    }

    /// Writes until it is over.
    async fn client(&self, mut connection: Connection, number: usize, mut chance: Chance) -> Result<()> {
        while !self.over.get() {
            let own: Vec<(String, usize)> = {
                let ledger = self.ledger.borrow();
                let mine = ledger.live.iter().filter(|(_, at)| ledger.versions[**at].client == number);
                mine.map(|(id, at)| (id.clone(), *at)).collect()
            };
            let volume = self.anywhere(&mut chance);
            let key = BTreeSet::new();
            let (id, before, ask) = if own.len() < LIVE_EACH {
                (chance.id(), None, Ask::Put { volume, activated: false, key })
            } else {
                let (id, at) = own[chance.below(own.len() as u64) as usize].clone();
                let ask = match chance.below(10) {
                    0..4 => Ask::Delete,
                    n => Ask::Put { volume, activated: n < 8, key },
                };
                (id, Some(at), ask)
            };
            let pending = Pending { client: number, id, before, ask, sent: self.now() };
            if !self.write(&mut connection, pending).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes, first with an empty key, then with what was found missing; whether the node still answers.
    async fn write(&self, connection: &mut Connection, mut pending: Pending) -> Result<bool> {
        let mut seen = BTreeSet::new();
        for _ in 0..TRIES_MAX {
            let before = pending.before.map(|at| self.ledger.borrow().versions[at].ovn.clone());
            let at = path(&pending.id, before.as_deref());
            let (method, body) = match &mut pending.ask {
                Ask::Delete => ("DELETE", String::new()),
                Ask::Put { volume, activated, key } => {
                    let ledger = self.ledger.borrow();
                    let told = |id: &String| Some(ledger.versions[*ledger.live.get(id)?].ovn.clone());
                    *key = seen.iter().filter_map(told).collect();
                    ("PUT", put_json(volume, *activated, &service(pending.client), &*key))
                }
            };
            pending.sent = self.now();
            self.ledger.borrow_mut().pending.insert(pending.client, pending.clone());
            let (status, answer) = match connection.ask(method, &at, body).await {
                Ok(answered) => answered,
                Err(_) if self.killed.get() => return Ok(false),
                Err(error) => return Err(error.context("the node gave no answer")),
            };
            let mut ledger = self.ledger.borrow_mut();
            ledger.pending.remove(&pending.client);
            let answer: Value = serde_json::from_slice(&answer)?;
            if status.is_success() {
                ledger.found.acknowledged += 1;
                ledger.take(&pending, &answer["operational_intent_reference"], self.now())?;
                return Ok(true);
            }
            let missing = answer["missing_operational_intents"].as_array();
            match missing {
                Some(missing) if status == StatusCode::CONFLICT => {
                    ledger.found.refused += 1;
                    seen.extend(missing.iter().filter_map(|m| Some(m["id"].as_str()?.to_owned())));
                }
                _ => bail!("{method} {at}: {status} {answer}"),
            }
        }
        Ok(true)
    }

    /// What was under way when the node was killed is done, or it is not.
    async fn settle(&self, served: &Served) -> Result<()> {
        let pending = std::mem::take(&mut self.ledger.borrow_mut().pending);
        for pending in pending.into_values() {
            let (status, answer) = read(served, pending.client, &pending.id).await?;
            let mut ledger = self.ledger.borrow_mut();
            ledger.found.unanswered += 1;
            let held = pending.before.map(|at| ledger.versions[at].clone());
            let done = match (status, &held) {
                (StatusCode::NOT_FOUND, None) => false,
                (StatusCode::NOT_FOUND, Some(_)) if matches!(pending.ask, Ask::Delete) => true,
                (StatusCode::OK, Some(held)) if answer["ovn"] == held.ovn.as_str() => false,
                (StatusCode::OK, _) if matches!(pending.ask, Ask::Put { .. }) => true,
                _ => bail!("after {pending:?} without an answer: {status} {answer}"),
            };
            if done {
                ledger.found.adopted += 1;
                ledger.take(&pending, &answer, self.now())?;
            }
        }
        Ok(())
    }

    /// The node holds what was acknowledged, all of it and nothing else.
    async fn compare(&self, served: &Served) -> Result<()> {
        let (live, gone) = {
            let mut ledger = self.ledger.borrow_mut();
            let live: Vec<Version> = ledger.live.values().map(|at| ledger.versions[*at].clone()).collect();
            (live, std::mem::take(&mut ledger.gone))
        };
        let mut connections = try_join_all((0..SERVICES).map(|n| served.connect(n))).await?;
        for held in &live {
            let connection = &mut connections[held.client % SERVICES];
            let (status, answer) = connection.ask("GET", &path(&held.id, None), String::new()).await?;
            ensure!(status == StatusCode::OK, "acknowledged and lost: {held:?}: {status}");
            let answer: Value = serde_json::from_slice(&answer)?;
            held.check(&answer["operational_intent_reference"])?;
        }
        for (id, client) in &gone {
            let connection = &mut connections[client % SERVICES];
            let (status, _) = connection.ask("GET", &path(id, None), String::new()).await?;
            ensure!(status == StatusCode::NOT_FOUND, "deleted and there again: {id}: {status}");
        }
        let all = Volume { at: AT, seconds: (self.from_s - 60, self.from_s + 86_400), heights: (0, 1000) };
        let body = format!("{{\"area_of_interest\":{}}}", volume_json(&all, RADIUS_M));
        for (number, connection) in connections.iter_mut().enumerate() {
            let ids = |answer: &Value, list: &str| -> Result<BTreeSet<String>> {
                let list = answer[list].as_array().with_context(|| format!("no {list}: {answer}"))?;
                Ok(list.iter().filter_map(|e| Some(e["id"].as_str()?.to_owned())).collect())
            };
            let mut ask = async |what: &str| -> Result<Value> {
                let (status, answer) = connection.ask("POST", &format!("/dss/v1/{what}/query"), body.clone()).await?;
                ensure!(status == StatusCode::OK, "{what}: {status} {}", String::from_utf8_lossy(&answer));
                Ok(serde_json::from_slice(&answer)?)
            };
            let there = ids(&ask("operational_intent_references").await?, "operational_intent_references")?;
            let wanted: BTreeSet<String> = live.iter().map(|v| v.id.clone()).collect();
            let differ: Vec<_> = there.symmetric_difference(&wanted).take(SHOWN).collect();
            ensure!(differ.is_empty(), "in the area and not acknowledged, or the other way round: {differ:?}");
            // An implicit subscription comes and goes with its intent.
            let answer = ask("subscriptions").await?;
            let there = ids(&answer, "subscriptions")?;
            let own = live.iter().filter(|v| v.client % SERVICES == number);
            let wanted: BTreeMap<String, &str> = own.filter_map(|v| Some((v.subscription.clone()?, &*v.id))).collect();
            let differ: Vec<_> = there.symmetric_difference(&wanted.keys().cloned().collect()).cloned().collect();
            ensure!(differ.is_empty(), "subscriptions without intent, or the other way round: {differ:?}");
            for subscription in answer["subscriptions"].as_array().into_iter().flatten() {
                let on = subscription["id"].as_str().and_then(|id| wanted.get(id)).copied().unwrap_or_default();
                let dependent = &subscription["dependent_operational_intents"];
                ensure!(*dependent == serde_json::json!([on]), "{dependent} rests on the subscription of {on}");
            }
        }
        self.ledger.borrow_mut().found.read += (live.len() + gone.len()) as u64;
        Ok(())
    }
}

/// Reads an intent as its own service.
async fn read(served: &Served, client: usize, id: &str) -> Result<(StatusCode, Value)> {
    let (status, answer) = served.connect(client).await?.ask("GET", &path(id, None), String::new()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    Ok((status, answer["operational_intent_reference"].clone()))
}

impl Ledger {
    /// A write was done.
    fn take(&mut self, pending: &Pending, reference: &Value, acked: Duration) -> Result<()> {
        let before = pending.before.map_or(0, |at| self.versions[at].number);
        if let Some(at) = pending.before {
            self.versions[at].over = Some(pending.sent);
        }
        match &pending.ask {
            Ask::Delete => {
                self.live.remove(&pending.id);
                self.gone.push((pending.id.clone(), pending.client));
            }
            Ask::Put { volume, activated, key } => {
                let version = Version {
                    client: pending.client,
                    id: pending.id.clone(),
                    ovn: reference["ovn"].as_str().context("no version in the answer")?.to_owned(),
                    number: before + 1,
                    volume: *volume,
                    activated: *activated,
                    subscription: activated.then(|| reference["subscription_id"].as_str().map(str::to_owned)).flatten(),
                    key: key.clone(),
                    sent: pending.sent,
                    acked,
                    over: None,
                };
                version.check(reference)?;
                self.live.insert(pending.id.clone(), self.versions.len());
                self.versions.push(version);
            }
        }
        Ok(())
    }
}

impl Version {
    /// A reference is this one.
    fn check(&self, reference: &Value) -> Result<()> {
        let second = |name: &str| -> Option<i64> {
            Some(reference[name]["value"].as_str()?.parse::<jiff::Timestamp>().ok()?.as_second())
        };
        let state = if self.activated { "Activated" } else { "Accepted" };
        let same = [
            reference["id"] == self.id.as_str(),
            reference["ovn"] == self.ovn.as_str(),
            reference["version"] == self.number,
            reference["state"] == state,
            reference["manager"] == service(self.client).as_str(),
            second("time_start") == Some(self.volume.seconds.0),
            second("time_end") == Some(self.volume.seconds.1),
            self.subscription.as_deref().is_none_or(|id| reference["subscription_id"] == id),
        ];
        ensure!(!same.contains(&false), "acknowledged {self:?}, and it is {reference}");
        Ok(())
    }

    /// Both were held at one time for certain.
    fn beside(&self, other: &Self) -> bool {
        let over = |v: &Self| v.over.unwrap_or(Duration::MAX);
        self.acked.max(other.acked) < over(self).min(over(other))
    }

    /// The other was asked for when this one was held for certain, and this one still was when the other was acknowledged.
    fn before(&self, other: &Self) -> bool {
        self.acked < other.sent && other.acked < self.over.unwrap_or(Duration::MAX)
    }
}

/// How many pairs met while both were held, and those that did not name each other as they must: the later one the earlier one, and
/// where it is not known which was the later, either the other.
fn unnamed(versions: &[Version]) -> (u64, Vec<String>) {
    let mut by_begin: Vec<&Version> = versions.iter().collect();
    by_begin.sort_by_key(|v| v.volume.seconds.0);
    let (mut pairs, mut wrong) = (0, Vec::new());
    for (n, a) in by_begin.iter().enumerate() {
        let near = by_begin[n + 1..].iter().take_while(|b| b.volume.seconds.0 <= a.volume.seconds.1);
        for b in near.filter(|b| b.id != a.id && b.volume.meets(&a.volume) && a.beside(b)) {
            pairs += 1;
            let (a_named, b_named) = (b.key.contains(&a.ovn), a.key.contains(&b.ovn));
            let named = match (a.before(b), b.before(a)) {
                (true, _) => a_named,
                (_, true) => b_named,
                _ => a_named || b_named,
            };
            if !named {
                wrong.push(format!("{a:?} and {b:?}"));
            }
        }
    }
    (pairs, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, begin: i64, ms: (u64, u64), over: Option<u64>, key: &[&str]) -> Version {
        Version {
            client: 0,
            id: id.into(),
            ovn: format!("ovn-{id}"),
            number: 1,
            volume: Volume { at: AT, seconds: (begin, begin + 60), heights: (0, 40) },
            activated: false,
            subscription: None,
            key: key.iter().map(|id| format!("ovn-{id}")).collect(),
            sent: Duration::from_millis(ms.0),
            acked: Duration::from_millis(ms.1),
            over: over.map(Duration::from_millis),
        }
    }

    #[test]
    fn two_that_met_and_did_not_name_each_other_are_found() {
        let check = |versions: &[Version]| {
            let (pairs, wrong) = unnamed(versions);
            (pairs, wrong.len())
        };
        let a = version("a", 0, (0, 10), None, &[]);
        assert_eq!(check(&[a.clone(), version("b", 60, (20, 30), None, &["a"])]), (1, 0));
        assert_eq!(check(&[a.clone(), version("b", 60, (20, 30), None, &[])]), (1, 1));
        assert_eq!(check(&[a.clone(), version("b", 61, (20, 30), None, &[])]), (0, 0), "apart in time");
        let high = Volume { heights: (41, 50), ..a.volume };
        assert_eq!(check(&[a.clone(), Version { volume: high, ..version("b", 0, (20, 30), None, &[]) }]), (0, 0));
        // The earlier one cannot have named the later one, and that it did does not count.
        let knows = version("a", 0, (0, 10), None, &["b"]);
        assert_eq!(check(&[knows.clone(), version("b", 0, (20, 30), None, &[])]), (1, 1));
        assert_eq!(check(&[knows, version("b", 0, (5, 30), None, &[])]), (1, 0), "at once: either");
        // One that was over before the other was there has nothing to do with it.
        assert_eq!(check(&[version("a", 0, (0, 10), Some(15), &[]), version("b", 0, (20, 30), None, &[])]), (0, 0));
        assert_eq!(check(&[version("a", 0, (0, 10), Some(25), &[]), version("b", 0, (20, 30), None, &[])]), (0, 0));
        assert_eq!(check(&[version("a", 0, (0, 10), Some(35), &[]), version("b", 0, (20, 30), None, &[])]), (1, 1));
    }
}
