//! What the release rules may take an own track for. Two own feeds can bring one aircraft with two classes or markings, and
//! two plans can mark it: it is told as that which lets out the least, to each peer, whichever feed reports. What is told, what
//! a preview shows and what is shared of conflicts come from here.
use crate::numbers::{bare, number_of};
use crate::picture::{Contribution, Source, Standing, SystemTrack};
use crate::state::{Feed, Peer, State};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use record::PartyId;
use release::{Label, Marking, Policy};
use track::{Address, TrackReport};
use units::{AircraftClass, Now};

/// An own track as it is offered for release.
pub(crate) struct Offered {
    /// What an own feed reports, under the number by which releasers know the aircraft.
    pub report: TrackReport,
    /// What it may be taken for; at least one.
    pub labels: Vec<Label>,
    /// Whether some of them are to be, and wait for people.
    pub waits: bool,
}

/// The newest that own feeds say of an own aircraft: what is released of it, whatever else is known here.
pub(crate) fn own_of<'t>(feeds: &[Feed], track: &'t SystemTrack) -> Option<&'t Contribution> {
    let own = track.contributions.iter().filter(|c| feed_of(feeds, c).is_some());
    own.min_by_key(|c| core::cmp::Reverse(c.report.at))
}

/// The own feed that brings this of an own aircraft.
fn feed_of<'f>(feeds: &'f [Feed], contribution: &Contribution) -> Option<&'f Feed> {
    match contribution.source {
        Source::Feed(feed) if contribution.standing == Standing::Own => {
            feeds.get(usize::from(feed)).filter(|feed| feed.is_told())
        }
        _ => None,
    }
}

impl Peer {
    /// The release rules as they hold for this peer now.
    pub(crate) fn rules<'p>(&self, policy: &'p Policy) -> Cow<'p, Policy> {
        if self.carries_all { Cow::Borrowed(policy) } else { Cow::Owned(policy.safety_floor()) }
    }
}

impl State {
    /// A report of an own track as it is offered.
    pub(crate) fn offered(&self, track: &SystemTrack, report: &TrackReport) -> Option<Offered> {
        let report = TrackReport { local: number_of(track)?, ..*report };
        self.labels(track).map(|(labels, waits)| Offered { report, labels, waits })
    }

    /// An own track as it is known now.
    pub(crate) fn offered_now(&self, track: &SystemTrack) -> Option<Offered> {
        self.offered(track, &own_of(&self.feeds, track)?.report)
    }

    /// What a track may be taken for, and whether some of that waits for people.
    fn labels(&self, track: &SystemTrack) -> Option<(Vec<Label>, bool)> {
        let marks = track.address.map(Address::bits).and_then(|bits| self.marks_of(bits));
        let of = |class: AircraftClass, marking: Option<Marking>| {
            let marked = marks.as_ref().map_or_else(|| alloc::vec![marking], |marks| marks.with(marking));
            marked.into_iter().map(move |marking| Label { class, marking })
        };
        let (mut labels, mut before) = (Vec::new(), Vec::new());
        for contribution in &track.contributions {
            let Some(feed) = feed_of(&self.feeds, contribution) else { continue };
            let class = contribution.report.class;
            labels.extend(of(class, feed.config.marking));
            if let Some(was) = &feed.before {
                // A report of the feed's class may state it, or state none.
                before.extend(of(class, was.marking));
                before.extend(of(if class == feed.config.class { was.class } else { class }, was.marking));
            }
        }
        let waits = !before.is_empty();
        if labels.iter().any(|label| label.class != AircraftClass::Unknown) {
            labels.retain(|label| label.class != AircraftClass::Unknown);
        }
        // As people agreed to it, it is also of a class that is not known.
        labels.append(&mut before);
        labels.sort_unstable();
        labels.dedup();
        (!labels.is_empty()).then_some((labels, waits))
    }

    /// The rules may have changed.
    pub(crate) fn follow_rules(&mut self, now: Now) {
        for peer in self.peers.values_mut() {
            let rules = peer.rules(&self.policy);
            peer.releaser.follow(&rules, now);
        }
    }

    /// Offers own reports to every peer's releaser; the policy decides.
    pub(crate) fn offer(&mut self, feed: u16, own: &[(u32, TrackReport)], now: Now) {
        // Another feed brings the aircraft as well: what waits was allowed before that was known.
        for id in self.picture.take_joined() {
            let Some(number) = self.picture.get(id).and_then(number_of) else { continue };
            self.peers.values_mut().for_each(|peer| peer.releaser.forget_waiting(number));
        }
        let mut offered: Vec<Offered> = Vec::with_capacity(own.len());
        for (id, report) in own {
            let Some(one) = self.picture.get(*id).and_then(|track| self.offered(track, report)) else { continue };
            let before = bare(feed, report.local);
            if one.report.local != before {
                let renames = |peer: &mut Peer| peer.releaser.rename(before, one.report.local);
                // Each of them, whatever the others knew.
                if self.peers.values_mut().map(renames).fold(false, |any, known| any | known) {
                    self.said.rename(before, one.report.local);
                }
            }
            offered.push(one);
        }
        if offered.is_empty() {
            return;
        }
        let one = offered.iter().all(|o| o.labels.len() == 1);
        let mut same = None;
        for (name, peer) in &mut self.peers {
            let rules = peer.rules(&self.policy);
            let (own, marked) = match same.take().filter(|_| one) {
                Some(same) => same,
                None => for_peer(name, &rules, &offered, now),
            };
            peer.releaser.offer_marked(&rules, &own, &marked, now);
            same = Some((own, marked));
        }
    }
}

/// Reports as one peer may be told of them, with their markings.
pub(crate) fn for_peer(
    name: &PartyId,
    rules: &Policy,
    offered: &[Offered],
    now: Now,
) -> (Vec<TrackReport>, BTreeMap<u64, Marking>) {
    let (mut own, mut marked) = (Vec::with_capacity(offered.len()), BTreeMap::new());
    for Offered { report, labels, waits } in offered {
        let label = match labels.as_slice() {
            [one] => Some(*one),
            more => rules.strictest(name, report, more, *waits, now),
        };
        let Some(Label { class, marking }) = label else { continue };
        own.push(TrackReport { class, ..*report });
        if let Some(marking) = marking {
            marked.insert(report.local, marking);
        }
    }
    (own, marked)
}
