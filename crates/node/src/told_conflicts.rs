//! Conflicts told to the peer whose aircraft is in them. What a peer is told never waits for room that something withheld
//! took: the book here holds only pairs of an aircraft that the peer is told of and one that it told us of, so it grows with
//! what is shared and with nothing else. The desk's own alerts have another book, which withheld aircraft do fill.
use crate::input::Output;
use crate::picture::{Source, Standing, SystemTrack};
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use desk::{AlertLevel, CLEAR_MS, Facts};
use minicbor::{Decode, Encode};
use record::{ConflictReport, PartyId};
use track::TrackReport;
use units::{Mono, Now};

/// Pairs shared with one peer at once: 2,000 of 60 B. It has no more alerts itself.
const SHARED_MAX: usize = 2_000;

/// What one peer was told of conflicts, by own track and its track.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Shared(BTreeMap<(u32, u32), Held>);

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

/// A conflict to be told.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Fresh {
    #[n(0)]
    peer: PartyId,
    #[n(1)]
    own: u32,
    #[n(2)]
    report: ConflictReport,
}

impl Shared {
    /// Notes that a conflict holds; tells whether it is new, or worse than it was.
    fn found(&mut self, pair: (u32, u32), level: AlertLevel, facts: &Facts, now: Now) -> bool {
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
    fn absent_except(&mut self, holds: impl Fn(&(u32, u32), units::Utc) -> bool, now: Now) {
        self.0.retain(|pair, held| {
            if holds(pair, held.cpa) {
                held.absent_since = None;
                return true;
            }
            now.mono.since_ms(*held.absent_since.get_or_insert(now.mono)) < CLEAR_MS
        });
    }
}

impl State {
    /// Notes a conflict for the peer whose aircraft is in it, if the rules share it. `news` is false for what the peer
    /// itself reported.
    pub(crate) fn share(&mut self, (a, b): (u32, u32), level: AlertLevel, facts: &Facts, news: bool, now: Now) {
        let Some((name, own, theirs, number)) = self.shareable(a, b, now) else { return };
        let Some(peer) = self.peers.get_mut(&name) else { return };
        if peer.shared.found((own, theirs), level, facts, now) && news {
            let report = ConflictReport {
                own: u64::from(own),
                other: number,
                cpa: facts.cpa.unwrap_or(now.utc),
                lateral_mm: facts.cpa_mm.unwrap_or(0),
                vertical: facts.vertical,
            };
            self.fresh.push(Fresh { peer: name, own, report });
        }
    }

    /// Of two tracks: the peer that told of one of them, the other, which is own and which the rules let that peer know
    /// the conflicts of, and the number the peer uses.
    fn shareable(&self, a: u32, b: u32, now: Now) -> Option<(PartyId, u32, u32, u64)> {
        let (ta, tb) = (self.picture.get(a)?, self.picture.get(b)?);
        let (own, other) = if ta.is_own() { (ta, tb) } else { (tb, ta) };
        if other.is_own() || !own.is_own() {
            return None;
        }
        let theirs = other.contributions.iter().find(|c| c.standing == Standing::Released)?;
        let Source::Peer(number) = theirs.source else { return None };
        let name = self.parties.get(usize::from(number))?;
        let peer = self.peers.get(name)?;
        let (report, marking) = self.own_report(own);
        let rules = peer.rules(&self.policy);
        let shared = peer.releaser.shares_conflicts(&rules, (&report, marking), now);
        shared.then(|| (name.clone(), own.id, other.id, theirs.report.local))
    }

    /// An own track's newest report under its number here, with its marking.
    fn own_report(&self, own: &SystemTrack) -> (TrackReport, Option<release::Marking>) {
        let report = TrackReport { local: u64::from(own.id), ..own.last };
        let one = core::iter::once((report.local, own.address, self.feed_marking(own)));
        (report, self.markings_of(one).remove(&report.local))
    }

    /// Once a second, with all pairs that were found: what is not among them is over, unless nobody can say so.
    pub(crate) fn shared_absent(&mut self, found: &BTreeSet<(u32, u32)>, now: Now) {
        let mut peers = core::mem::take(&mut self.peers);
        for peer in peers.values_mut() {
            let silent =
                |id: u32| self.picture.get(id).is_some_and(|t| now.utc.since_ms(t.last.at) > detect::AGE_MAX_MS);
            let gone = |id: u32| self.picture.get(id).is_none();
            peer.shared.absent_except(
                |(own, theirs), cpa| {
                    let pair = (*own.min(theirs), *own.max(theirs));
                    let ahead = cpa >= now.utc;
                    // As the desk's alerts: silence ends nothing before the closest approach is past.
                    let unseen = !gone(*own) && (silent(*own) || silent(*theirs) || gone(*theirs) && ahead);
                    found.contains(&pair) || unseen
                },
                now,
            );
        }
        self.peers = peers;
    }

    /// Says what policy allows of the conflicts that were just found, to the party whose aircraft is in them.
    pub(crate) fn share_conflicts(&mut self, now: Now, out: &mut Vec<Output>) {
        for Fresh { peer: name, own, report } in core::mem::take(&mut self.fresh) {
            let Some((own, marking)) = self.picture.get(own).map(|own| self.own_report(own)) else { continue };
            let Some((peer, envelope)) = self.peers.get(&name).zip(self.envelope(&name)) else { continue };
            let rules = peer.rules(&self.policy);
            match peer.releaser.release_conflict(&rules, &envelope, (&own, marking), report, now) {
                Ok(Some(released)) => {
                    self.say(&name, released, now, out);
                }
                Ok(None) => {}
                Err(error) => out.push(Output::Log(format!("conflict report to {name}: {error}"))),
            }
        }
    }
}
