//! Conflicts told to the peer whose aircraft is in them. What a peer is told follows from what it is told of and what it
//! told of us, and from nothing else: own aircraft as own feeds report them, and its own as it released them, without the
//! picture that joins both to what sensors see and to what is withheld. Nor does it wait for room that something withheld
//! took: the book here holds such pairs only. The desk's own alerts come from the picture and have another book.
use crate::input::Output;
use crate::labels::{Offered, own_of};
use crate::numbers::numbered;
use crate::picture::{AHEAD_MS, DROP_MS};
use crate::state::{Peer, State};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use desk::{AlertLevel, CLEAR_MS, Facts};
use detect::{Index, Kinematics, Minima, MinimaTable};
use minicbor::{Decode, Encode};
use record::{ConflictReport, PartyId, ReleaseForm};
use release::{Level, RecordClass};
use track::TrackReport;
use units::{Mono, Now};

/// Pairs shared with one peer at once: 2,000 of 60 B. It has no more alerts itself.
const SHARED_MAX: usize = 2_000;

/// Tracks of one peer that are looked at for it: 20,000 of 150 B are 3 MB, and judging each against the hundred own
/// aircraft that may be near it takes 0.2 s. It has the others' conflicts by its own means.
const HEARD_MAX: usize = 20_000;

/// What one peer was told of conflicts, by own track and its own number.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Shared(BTreeMap<Pair, Held>);

/// An own track by the releaser's internal number, and a peer's by the peer's number.
type Pair = (u64, u64);

/// What a peer released, by its number, as it released it. The picture joins a report to whatever has its address, an
/// aircraft that is withheld from that peer among them; what the peer is told must not show whether there was one.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Heard {
    #[n(0)]
    rows: BTreeMap<u64, TrackReport>,
    /// Derived from `rows`: those that fly.
    #[cbor(skip)]
    index: Told,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
struct Held {
    /// Level as told, or as it has been for long enough since.
    #[n(0)]
    level: AlertLevel,
    #[n(1)]
    violation: bool,
    #[n(2)]
    lower_since: Option<Mono>,
    #[n(3)]
    absent_since: Option<Mono>,
    #[n(4)]
    cpa: units::Utc,
}

/// The index with equality by content left out: it is a function of the rows.
#[derive(Debug, Clone)]
pub(crate) struct Told(Index<u64>);

impl PartialEq for Told {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Default for Told {
    fn default() -> Self {
        Self(Index::new(MinimaTable::uniform(Minima::DEFAULT)))
    }
}

/// A conflict to be told.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Fresh {
    #[n(0)]
    peer: PartyId,
    #[n(1)]
    own: u64,
    #[n(2)]
    report: ConflictReport,
}

type Judged = (f64, u64, (Pair, AlertLevel, Facts));

/// The first to lose separation first, in an order that shows nothing but what was told.
fn first_to_begin(a: &Judged, b: &Judged) -> core::cmp::Ordering {
    a.0.total_cmp(&b.0).then((a.1, a.2.0.1).cmp(&(b.1, b.2.0.1)))
}

impl Shared {
    /// Notes that a conflict holds; tells whether it is new, or worse than it was.
    fn found(&mut self, pair: Pair, level: AlertLevel, facts: &Facts, now: Now) -> bool {
        let cpa = facts.cpa.unwrap_or(now.utc);
        let Some(held) = self.0.get_mut(&pair) else {
            let room = self.0.len() < SHARED_MAX;
            if room {
                let (violation, lower_since, absent_since) = (facts.violation, None, None);
                self.0.insert(pair, Held { level, violation, lower_since, absent_since, cpa });
            }
            return room;
        };
        (held.absent_since, held.cpa) = (None, cpa);
        let worse = level > held.level || facts.violation && !held.violation;
        held.violation |= facts.violation;
        let lower = level < held.level;
        if !lower || now.mono.since_ms(*held.lower_since.get_or_insert(now.mono)) >= CLEAR_MS {
            (held.level, held.lower_since) = (level, None);
        }
        worse
    }

    /// Notes which conflicts were looked for and do not hold; those that are over for long enough are forgotten.
    fn absent_except(&mut self, holds: impl Fn(&Pair, units::Utc) -> bool, now: Now) {
        self.0.retain(|pair, held| {
            if holds(pair, held.cpa) {
                held.absent_since = None;
                return true;
            }
            now.mono.since_ms(*held.absent_since.get_or_insert(now.mono)) < CLEAR_MS
        });
    }
}

impl Heard {
    fn take(&mut self, report: &TrackReport, now: Now) {
        let full = self.rows.len() >= HEARD_MAX && !self.rows.contains_key(&report.local);
        let old = self.rows.get(&report.local).is_some_and(|held| report.at <= held.at);
        if report.at.since_ms(now.utc) <= AHEAD_MS && !full && !old {
            self.rows.insert(report.local, *report);
            self.file(report);
        }
    }

    fn file(&mut self, report: &TrackReport) {
        if report.on_ground {
            self.index.0.remove(report.local);
        } else {
            let kinematics = Kinematics::from_report(report, report.at);
            self.index.0.upsert(report.local, report.class, kinematics);
        }
    }

    fn forget_old(&mut self, now: Now) {
        let Self { rows, index } = self;
        rows.retain(|number, report| {
            let held = now.utc.since_ms(report.at) <= DROP_MS;
            if !held {
                index.0.remove(*number);
            }
            held
        });
    }

    /// Rebuilds what is derived, for these minima.
    pub(crate) fn reindex(&mut self, minima: &MinimaTable) {
        self.index = Told(Index::new(minima.clone()));
        for report in self.rows.clone().values() {
            self.file(report);
        }
    }

    /// Whether a track is held, and whether it is too old to be judged.
    fn silent(&self, number: u64, now: Now) -> Option<bool> {
        self.rows.get(&number).map(|report| is_silent(report, now))
    }
}

fn is_silent(report: &TrackReport, now: Now) -> bool {
    now.utc.since_ms(report.at) > detect::AGE_MAX_MS
}

impl State {
    /// Keeps what a peer released, if conflicts with it are shared.
    pub(crate) fn hear(&mut self, name: &PartyId, form: ReleaseForm, reports: &[TrackReport], now: Now) {
        let shares = self.shares_any(name);
        let Some(peer) = self.peers.get_mut(name) else { return };
        if shares && form != ReleaseForm::Coarse {
            reports.iter().for_each(|report| peer.heard.take(report, now));
        }
    }

    fn shares_any(&self, name: &PartyId) -> bool {
        let shares = |r: &release::Rule| r.class == RecordClass::Conflicts && r.level == Level::Full;
        self.policy.rules_for(name).iter().any(shares)
    }

    /// Whether conflicts of an own aircraft are shared, whatever it may be taken for.
    fn shares(&self, peer: &Peer, own: &Offered, now: Now) -> bool {
        let rules = peer.rules(&self.policy);
        own.labels.iter().all(|label| {
            let report = TrackReport { class: label.class, ..own.report };
            peer.releaser.shares_conflicts(&rules, (&report, label.marking), now)
        })
    }

    /// Whether a peer is told who an own aircraft is.
    fn is_named(&self, peer: &Peer, own: &Offered, now: Now) -> bool {
        let rules = peer.rules(&self.policy);
        own.labels.iter().all(|label| {
            let report = TrackReport { class: label.class, ..own.report };
            peer.releaser.keeps_identity(&rules, (&report, label.marking), now)
        })
    }

    /// Once a second: conflicts of what a peer is told with what it told, for each peer.
    pub(crate) fn check_shared(&mut self, now: Now) {
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        let shares = names.iter().any(|name| self.shares_any(name));
        let own: Vec<Offered> =
            if shares { self.picture.iter().filter_map(|t| self.offered_now(t)).collect() } else { Vec::new() };
        for name in names {
            let shares = self.shares_any(&name);
            if let Some(peer) = self.peers.get_mut(&name) {
                if !shares {
                    (peer.heard.rows, peer.heard.index) = Default::default();
                }
                peer.heard.forget_old(now);
            }
            let found = self.share(&name, &own, now);
            self.shared_absent(&name, &found, now);
        }
    }

    /// At once: an own aircraft that turns is known here sooner than it is told.
    pub(crate) fn check_shared_of(&mut self, reported: &[(u32, TrackReport)], now: Now) {
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        let ids: BTreeSet<u32> = reported.iter().map(|(id, _)| *id).collect();
        for name in names {
            if self.peers.get(&name).is_some_and(|peer| !peer.heard.rows.is_empty()) {
                let own = |id: &u32| self.picture.get(*id).and_then(|track| self.offered_now(track));
                let own: Vec<Offered> = ids.iter().filter_map(own).collect();
                self.share(&name, &own, now);
            }
        }
    }

    /// Notes the conflicts of these aircraft for a peer, as far as the rules share them.
    fn share(&mut self, name: &PartyId, own: &[Offered], now: Now) -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        let Some(peer) = self.peers.get(name) else { return pairs };
        let found = self.shared_with(peer, own, now);
        let Some(peer) = self.peers.get_mut(name) else { return pairs };
        for (pair, level, facts) in found {
            pairs.insert(pair);
            if peer.shared.found(pair, level, &facts, now) {
                let report = ConflictReport {
                    own: pair.0,
                    other: pair.1,
                    cpa: facts.cpa.unwrap_or(now.utc),
                    lateral_mm: facts.cpa_mm.unwrap_or(0),
                    vertical: facts.vertical,
                };
                self.fresh.push(Fresh { peer: name.clone(), own: pair.0, report });
            }
        }
        pairs
    }

    /// Every conflict of one peer, the first to lose separation first.
    fn shared_with(&self, peer: &Peer, own: &[Offered], now: Now) -> Vec<(Pair, AlertLevel, Facts)> {
        let mut found: Vec<Judged> = Vec::new();
        if peer.heard.rows.is_empty() {
            return Vec::new();
        }
        for own in own.iter().filter(|own| !own.report.on_ground && self.shares(peer, own, now)) {
            let report = &own.report;
            let Some(told) = peer.releaser.released(report.local) else { continue };
            let kinematics = Kinematics::from_report(report, report.at);
            let near = peer.heard.index.0.conflicts_of(&kinematics, report.class, None, now.utc);
            for (number, encounter) in near.unwrap_or_default() {
                let Some(theirs) = peer.heard.rows.get(&number) else { continue };
                // It has no conflict with itself. Where the peer is not told who it is, that must not show either.
                let itself = report.address.is_some() && report.address == theirs.address;
                if itself && self.is_named(peer, own, now) {
                    continue;
                }
                let (level, facts) = self.facts_of(&encounter, now);
                if self.within_pact(report, theirs, facts.cpa.unwrap_or(now.utc)) {
                    found.push((encounter.tin_s, told, ((report.local, number), level, facts)));
                }
            }
            // No more are ever held; many rows in one place would be that many for each own aircraft.
            if found.len() > 2 * SHARED_MAX {
                found.sort_by(first_to_begin);
                found.truncate(SHARED_MAX);
            }
        }
        found.sort_by(first_to_begin);
        found.into_iter().map(|(_, _, found)| found).collect()
    }

    /// A peer told of a conflict itself: it need not be told of it, unless it becomes worse.
    pub(crate) fn shared_already(&mut self, name: &PartyId, pair: Pair, level: AlertLevel, facts: &Facts, now: Now) {
        let Some(own) = numbered(&self.picture, pair.0).and_then(|own| self.offered_now(own)) else { return };
        let shares = |peer: &Peer| peer.heard.rows.contains_key(&pair.1) && self.shares(peer, &own, now);
        if self.peers.get(name).is_some_and(shares)
            && let Some(peer) = self.peers.get_mut(name)
        {
            peer.shared.found(pair, level, facts, now);
        }
    }

    /// With all pairs that were found: what is not among them is over, unless nobody can say so.
    fn shared_absent(&mut self, name: &PartyId, found: &BTreeSet<Pair>, now: Now) {
        let Self { picture, peers, feeds, .. } = self;
        let own = |n| numbered(picture, n).and_then(|track| own_of(feeds, track)).map(|c| is_silent(&c.report, now));
        let Some(Peer { shared, heard, .. }) = peers.get_mut(name) else { return };
        shared.absent_except(
            |(own_number, number), cpa| {
                let theirs = heard.silent(*number, now);
                // As the desk's alerts: silence ends nothing before the closest approach is past.
                let unseen = own(*own_number)
                    .is_some_and(|silent| silent || theirs == Some(true) || theirs.is_none() && cpa >= now.utc);
                found.contains(&(*own_number, *number)) || unseen
            },
            now,
        );
    }

    /// Says what policy allows of the conflicts that were just found, to the party whose aircraft is in them.
    pub(crate) fn share_conflicts(&mut self, now: Now, out: &mut Vec<Output>) {
        for Fresh { peer: name, own, report } in core::mem::take(&mut self.fresh) {
            let Some(own) = numbered(&self.picture, own).and_then(|own| self.offered_now(own)) else { continue };
            let Some((peer, envelope)) = self.peers.get(&name).zip(self.envelope(&name)) else { continue };
            if !self.shares(peer, &own, now) {
                continue;
            }
            let (rules, label) = (peer.rules(&self.policy), own.labels[0]);
            let own = TrackReport { class: label.class, ..own.report };
            match peer.releaser.release_conflict(&rules, &envelope, (&own, label.marking), report, now) {
                Ok(Some(released)) => {
                    self.say(&name, released, now, out);
                }
                Ok(None) => {}
                Err(error) => out.push(Output::Log(format!("conflict report to {name}: {error}"))),
            }
        }
    }
}
