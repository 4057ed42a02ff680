//! A node that decides commands as the fold does, as far as the interface can tell the difference.
use crate::world;
use api_native::{AuditRow, Backend, Denied, Health, JournalState, Preview, PreviewRecord, Seen, Unavailable};
use futures_util::future::BoxFuture;
use node::NearSite;
use node::command::{Actor, Answer, Command, Done, Refused, SentTo};
use node::input::PaintedAlert;
use node::view::View;
use node::{Decisions, Listed, Unflown, Unplanned};
use record::{Avoid, Body, Caveat, Hash32, PartyId, Precedence, Record, TrackBatch};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use units::{Utc, Vertex};

/// A command as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub actor: Actor,
    pub key: Option<String>,
    pub command: Command,
}

/// Who was shown which alerts and notices.
pub type Shown = (String, Vec<PaintedAlert>, Vec<Hash32>);

pub struct Fake {
    view: Mutex<Arc<View>>,
    changed: watch::Sender<u64>,
    random: AtomicU64,
    pub given: Mutex<Vec<Given>>,
    pub displayed: Mutex<Vec<Shown>>,
    /// Who was refused what, why, and how often.
    pub attempts: Mutex<Vec<(String, String, String, u32)>>,
    pub fails: Mutex<Option<Unavailable>>,
    pub health: Mutex<Health>,
    /// Commands never come back.
    pub hangs: AtomicBool,
    pub seen: Mutex<Vec<u32>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        let health = Health { journal: JournalState::Ok, bytes: 4096, last_seq: 100, frozen: None };
        Arc::new(Self {
            view: Mutex::new(Arc::new(world::view())),
            changed: watch::Sender::new(0),
            random: AtomicU64::new(0),
            given: Mutex::default(),
            displayed: Mutex::default(),
            attempts: Mutex::default(),
            fails: Mutex::default(),
            health: Mutex::new(health),
            hangs: AtomicBool::new(false),
            seen: Mutex::new(vec![1]),
        })
    }

    /// Makes the next view.
    pub fn change(&self, change: impl FnOnce(&mut View)) {
        let mut slot = self.view.lock().unwrap();
        let mut view = View::clone(&slot);
        view.seq += 1;
        change(&mut view);
        *slot = Arc::new(view);
        drop(slot);
        self.changed.send_modify(|n| *n += 1);
    }

    /// The commands since the last call, but for signing in and out.
    pub fn taken(&self) -> Vec<Given> {
        let all = std::mem::take(&mut *self.given.lock().unwrap());
        all.into_iter().filter(|g| !matches!(g.command, Command::SignedIn { .. } | Command::SignedOut)).collect()
    }

    fn decide(&self, actor: &Actor, command: &Command) -> Answer {
        if !command.allowed(actor.role) {
            return Err(Refused::Role { role: actor.role });
        }
        let view = self.view();
        let no_such = |what: &str, given: String| Refused::NoSuch { what: what.into(), given };
        let sent = |to: &[PartyId]| {
            let to = to.iter().map(|party| SentTo { party: party.clone(), index: 5, id: Hash32([5; 32]) });
            Ok(Done::Sent(to.collect()))
        };
        match command {
            Command::AcknowledgeAlert(id, _) => {
                let alert = view.alerts.iter().find(|a| a.id == *id).ok_or_else(|| no_such("alert", id.to_string()))?;
                match &alert.acknowledged {
                    Some(_) => Err(Refused::Already { what: "acknowledged".into() }),
                    None => Ok(Done::Ok),
                }
            }
            Command::SendNotice(notice) => match notice.to.iter().find(|to| !view.parties[1..].contains(to)) {
                Some(party) => Err(no_such("party", party.to_string())),
                None if notice.notice.text == "frozen" => {
                    Err(Refused::Frozen { party: notice.to[0].clone(), reason: "two histories".into() })
                }
                None => sent(&notice.to),
            },
            Command::AcknowledgeNotice { id, read_back } => {
                let notice =
                    view.notices.iter().find(|n| n.id == *id).ok_or_else(|| no_such("notice", id.to_string()))?;
                let n = &notice.notice;
                let checks = [
                    ("place", read_back.place == n.place),
                    ("level", read_back.level == n.level),
                    ("time", read_back.time == n.start),
                ];
                let fields: Vec<String> = checks.iter().filter(|(_, ok)| !ok).map(|(f, _)| String::from(*f)).collect();
                if fields.is_empty() { Ok(Done::Ok) } else { Err(Refused::ReadBackDiffers { fields }) }
            }
            Command::ReplyNotice { id, .. } => match view.notices.iter().find(|n| n.id == *id) {
                Some(_) => Ok(Done::Ok),
                None => Err(no_such("notice", id.to_string())),
            },
            Command::FilePlan { plan, .. } if plan.callsign.as_deref() == Some("KNOT") => {
                let reason = "the boundary crosses itself: edge 0 meets edge 2".into();
                Err(Refused::Invalid { field: "plan.volumes".into(), reason })
            }
            Command::FilePlan { plan, .. } if plan.callsign.as_deref() == Some("FULL") => {
                Err(Refused::Full { what: "plans".into(), max: 20_000 })
            }
            Command::FilePlan { subject, .. } | Command::FileSite { subject, .. } | Command::CancelPlan(subject) => {
                Ok(Done::Filed { subject: *subject, revision: 3, conflicts: vec!["meets S-17".into()] })
            }
            Command::FileMarkedPlan { subject, .. } | Command::DeclarePlan { subject, .. } => {
                Ok(Done::Filed { subject: *subject, revision: 3, conflicts: Vec::new() })
            }
            Command::ConfirmPolicy(id) | Command::RejectPolicy(id) if *id != 1 => {
                Err(no_such("proposal", id.to_string()))
            }
            Command::ConfirmPolicy(_) | Command::RejectPolicy(_) => Ok(Done::Ok),
            Command::Separate(_) | Command::SetCleared { .. } | Command::GiveReason { .. } => Ok(Done::Ok),
            Command::Inhibit { .. } => Ok(Done::Numbered(7)),
            Command::Lift(id) if *id > 3 => Err(Refused::NoSuch { what: "inhibition".into(), given: id.to_string() }),
            Command::Lift(_) => Ok(Done::Ok),
            Command::MarkPlan { .. } | Command::MarkAircraft { .. } => Ok(Done::Ok),
            Command::SendAvoid { to, .. } => sent(to),
            Command::StateDesk(_) => sent(&view.parties[1..]),
            Command::StateChannel { peer, .. } => sent(std::slice::from_ref(peer)),
            Command::TakeKeys(_) => Ok(Done::Ok),
            Command::SetPolicy { policy, replaces } => {
                let now = view.policy.revision;
                if let Some(given) = replaces.filter(|given| *given != now) {
                    return Err(Refused::Changed { now, given });
                }
                self.change(|view| view.policy = release::Policy { revision: now + 1, ..policy.clone() });
                Ok(Done::Ok)
            }
            Command::SetAccount { name, account } => {
                self.change(|view| drop(view.accounts.insert(name.clone(), account.clone())));
                Ok(Done::Ok)
            }
            Command::RemoveAccount(name) => {
                if !view.accounts.contains_key(name) {
                    return Err(no_such("account", name.clone()));
                }
                self.change(|view| drop(view.accounts.remove(name)));
                Ok(Done::Ok)
            }
            Command::SetPassword(phc) => {
                self.change(|view| {
                    let account = view.accounts.get_mut(&actor.name).unwrap();
                    (account.password, account.must_set_password) = (Some(phc.clone()), false);
                });
                Ok(Done::Ok)
            }
            Command::RemoveSite(_) | Command::SignedIn { .. } | Command::SignedOut => Ok(Done::Ok),
        }
    }
}

impl Backend for Fake {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.lock().unwrap())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn command(
        &self,
        actor: Actor,
        key: Option<String>,
        command: Command,
    ) -> BoxFuture<'_, Result<Answer, Unavailable>> {
        Box::pin(async move {
            if let Some(error) = self.fails.lock().unwrap().clone() {
                return Err(error);
            }
            if self.hangs.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            let answer = self.decide(&actor, &command);
            self.given.lock().unwrap().push(Given { actor, key, command });
            Ok(answer)
        })
    }

    fn attempt(
        &self,
        actor: Actor,
        command: String,
        refused: String,
        times: u32,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            self.attempts.lock().unwrap().push((actor.name, command, refused, times));
            Ok(())
        })
    }

    fn displayed(
        &self,
        actor: Actor,
        alerts: Vec<PaintedAlert>,
        notices: Vec<Hash32>,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            if let Some(error) = self.fails.lock().unwrap().clone() {
                return Err(error);
            }
            self.displayed.lock().unwrap().push((actor.name, alerts, notices));
            Ok(())
        })
    }

    fn preview(&self, peer: PartyId) -> BoxFuture<'_, Option<Preview>> {
        Box::pin(async move {
            let view = self.view();
            let issuer = view.party.clone();
            let bodies = [
                Body::Tracks(Box::new(TrackBatch::pack(Utc(world::T0), &[view.tracks[0].report]).unwrap())),
                Body::Plan(world::plan()),
                Body::Site(world::site()),
                Body::Avoid(Avoid { volumes: vec![world::volume()] }),
                Body::Notice(view.notices[0].notice.clone()),
            ];
            let make = |body| PreviewRecord {
                record: Record {
                    schema: record::SCHEMA,
                    mode: view.mode.clone(),
                    issuer: issuer.clone(),
                    audience: peer.clone(),
                    subject: world::SUBJECT,
                    revision: 1,
                    supersedes: None,
                    issued_at: view.utc,
                    issued_error_ms: 5,
                    valid_from: None,
                    valid_until: None,
                    pact: Hash32([1; 32]),
                    caveat: Caveat::None,
                    precedence: Precedence::Routine,
                    receipt: None,
                    role: None,
                    body,
                },
                bytes_len: 200,
                ledger: "rule 0 of revision 3: reduced".into(),
                draft: false,
            };
            let filed =
                [PreviewRecord { draft: true, ..make(Body::Plan(world::plan())) }, make(Body::Site(world::site()))];
            let preview = || Preview { next: bodies.map(make).to_vec(), filed: filed.to_vec(), left_out: 7 };
            (peer == world::party("south")).then(preview)
        })
    }

    fn decisions(&self, alert: u64) -> BoxFuture<'_, Option<Decisions>> {
        Box::pin(async move { (alert == 11).then(world::decisions) })
    }

    fn planned(&self) -> BoxFuture<'_, (Listed<Unplanned>, Listed<Unflown>)> {
        Box::pin(async move {
            let inactive = Some((world::party("north"), world::SUBJECT));
            let flies = vec![Unplanned { track: 1, inactive: None }, Unplanned { track: 2, inactive }];
            let (owner, subject) = (world::party("north"), world::SUBJECT);
            let plans = vec![Unflown { owner, subject, since: Utc(world::T0), why: "its aircraft is not heard" }];
            (Listed { rows: flies, cut: false }, Listed { rows: plans, cut: true })
        })
    }

    fn denied(&self, peer: PartyId) -> BoxFuture<'_, Option<Vec<Denied>>> {
        Box::pin(async move {
            let one = |index, said: &[u8]| Denied { index, record: Hash32([index as u8; 32]), said: said.to_vec() };
            (peer == world::party("south")).then(|| vec![one(5, b"told"), one(9, b"")])
        })
    }

    fn sites_near(&self, at: Vertex, radius_mm: i64) -> BoxFuture<'_, Option<(Vec<NearSite>, usize)>> {
        let site = world::site();
        let centre = site.footprint.points()[0];
        let distance_m = units::earth::distance(at.lat(), at.lon(), centre.lat(), centre.lon());
        let (owner, subject) = (world::party("south"), world::SUBJECT);
        let near = distance_m * 1000.0 <= (radius_mm + site.buffer_mm + 9_260_000) as f64;
        Box::pin(async move {
            Some((near.then_some(NearSite { owner, subject, site, distance_m }).into_iter().collect(), 0))
        })
    }

    fn seen_by(&self, peer: PartyId) -> BoxFuture<'_, Option<Seen>> {
        Box::pin(async move {
            let ids = self.seen.lock().unwrap().clone();
            let tracks = ids.into_iter().map(|id| world::track(id, node::view::Owner::Own)).collect();
            (peer == world::party("south")).then_some(Seen { utc: Utc(world::T0 - 1000), tracks })
        })
    }

    fn audit(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let row = |seq| AuditRow {
                seq,
                utc: Utc(world::T0),
                actor: Actor { name: "anna".into(), role: record::Role::Officer },
                command: "send-notice".into(),
                answer: "ok".into(),
                times: 1,
            };
            (after + 1..=after.max(250)).take(limit).map(row).collect()
        })
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap().clone()
    }

    fn metrics(&self) -> String {
        "# TYPE skypact_tracks gauge\nskypact_tracks 3\n".into()
    }

    fn clock_utc(&self) -> Utc {
        self.view().utc
    }

    fn random32(&self) -> [u8; 32] {
        Sha256::digest(self.random.fetch_add(1, Ordering::Relaxed).to_le_bytes()).into()
    }
}
