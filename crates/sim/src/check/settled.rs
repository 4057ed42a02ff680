//! When all is quiet: everything said is held and cosigned, nothing is doubled, and both sides show the same.
use super::{Due, Heard, ReleaseOracle};
use crate::event::{Event, Excused, Step};
use crate::parties;
use crate::trace::Trace;
use node::command::SentTo;
use node::view::{LinkStatus, Owner, View};
use record::{Hash32, PartyId};
use std::collections::BTreeMap;

/// A desk that has so many notices of a peer and direction makes room: it keeps 500, a fifth of that for the urgent.
pub(super) const DESK_FULL: usize = 400;

/// What one party's officer was told, and what its log holds.
pub struct Told<'a> {
    /// Who.
    pub me: usize,
    /// What it shows.
    pub view: &'a View,
    /// Acknowledged to its officers, with the notice's text.
    pub told: &'a [(SentTo, String)],
    /// Names of the records in its log to each peer.
    pub said: &'a BTreeMap<usize, Vec<Hash32>>,
    /// What stands in its log to each peer.
    pub heard: &'a BTreeMap<usize, Heard>,
    /// Its rules as ordered.
    pub oracle: &'a ReleaseOracle,
    /// Its keys are those of this statement of its own.
    pub serial: u32,
}

/// What the owner has and its rules let out is shown by the addressee, and nothing else; what is missing of that.
pub fn shared(trace: &mut Trace, from: &Told<'_>, to: &Told<'_>) -> Option<String> {
    if from.oracle.settled(&parties::name(to.me), from.view.utc).is_none() {
        trace.count(Event::Excused(Excused::RulesOpen));
        return None;
    }
    let due = Due { view: from.view, oracle: from.oracle, me: from.me };
    let missing = due.missing(to.view, to.me);
    if missing.is_none() {
        trace.count(Event::Step(Step::PictureShared));
    }
    missing
}

/// What is still missing between two parties; none if all is told.
#[must_use]
pub fn unsettled(a: &Told<'_>, b: &Told<'_>) -> Option<String> {
    let (a_name, b_name) = (parties::name(a.me), parties::name(b.me));
    let of_a = a.view.peers.iter().find(|p| p.party == b_name)?;
    let of_b = b.view.peers.iter().find(|p| p.party == a_name)?;
    for (of, serial, name, by) in [(of_b, a.serial, &a_name, &b_name), (of_a, b.serial, &b_name, &a_name)] {
        if of.keys.map_or(0, |(known, ..)| known) != serial {
            let (keys, ends) = (of.keys.map(|(known, ..)| known), [&of_a.reason, &of_b.reason]);
            return Some(format!(
                "{name} has the keys of statement {serial}, {by} knows {keys:?}; {:?}, {ends:?}",
                of.link
            ));
        }
    }
    for (one, other, name) in [(of_a, of_b, &a_name), (of_b, of_a, &b_name)] {
        if one.link != LinkStatus::Up {
            return Some(format!("{name} has no session: {:?}", one.reason));
        }
        if one.out_size != other.in_size || one.out_size != other.in_sealed || one.out_size != one.out_cosigned {
            return Some(format!(
                "of {} entries of {name} {} are held, {} sealed, {} receipted",
                one.out_size, other.in_size, other.in_sealed, one.out_cosigned
            ));
        }
    }
    None
}

/// Whether notices to a party may have made room for others on the desk of who sent them.
pub(super) fn is_full(view: &View, to: &PartyId) -> bool {
    view.notices.iter().filter(|n| n.outgoing && n.peer == *to).count() >= DESK_FULL
}

/// Both sides agree about what one told the other. To be asked once nothing is missing.
pub fn settled(trace: &mut Trace, from: &Told<'_>, to: &Told<'_>) {
    let (from_name, to_name) = (parties::name(from.me), parties::name(to.me));
    let who = format!("{from_name} to {to_name}");
    let empty = Vec::new();
    let said = from.said.get(&to.me).unwrap_or(&empty);
    let Some(index) = to.view.parties.iter().position(|p| *p == from_name) else { return };
    // Nothing that an officer was told is lost, and nothing is doubled.
    for (sent, text) in from.told.iter().filter(|(sent, _)| sent.party == to_name) {
        if said.get(sent.index as usize) != Some(&sent.id) {
            trace.violation(&who, format!("{text}: not at place {} of the log, as the officer was told", sent.index));
        }
        let times = said.iter().filter(|id| **id == sent.id).count();
        if times != 1 {
            trace.violation(&who, format!("{text}: it stands {times} times in the log"));
        }
        let arrived = to.view.notices.iter().filter(|n| !n.outgoing && n.notice.text == *text).count();
        // Old ones make room in a desk that is full.
        let full = to.view.notices.iter().filter(|n| !n.outgoing && n.peer == from_name).count() >= DESK_FULL;
        if full {
            trace.count(Event::Excused(Excused::DeskFull));
        }
        if arrived > 1 || arrived == 0 && !full {
            trace.violation(&who, format!("{text}: the other side shows it {arrived} times"));
        }
        let here = from.view.notices.iter().find(|n| n.outgoing && n.id == sent.id);
        if here.is_none() && !is_full(from.view, &to_name) {
            trace.violation(&who, format!("{text}: it is on its sender's desk no more"));
        }
        let there = to.view.notices.iter().find(|n| !n.outgoing && n.id == sent.id);
        if let Some((here, there)) = here.zip(there) {
            if here.acknowledged.is_some() != there.acknowledged.is_some() {
                trace.violation(&who, format!("{text}: the two sides differ about its acknowledgement"));
            }
            if here.received.is_none() {
                trace.violation(&who, format!("{text}: receipted, and not shown as received"));
            }
        }
    }
    // The channel is the same from both sides.
    let ours = from.view.peers.iter().find(|p| p.party == to_name).map(|p| p.channel_ours);
    let theirs = to.view.peers.iter().find(|p| p.party == from_name).map(|p| p.channel_theirs);
    let is_stated = |state: &Option<record::ChannelState>| !matches!(state, None | Some(record::ChannelState::InForce));
    if ours != theirs && (is_stated(&ours) || is_stated(&theirs)) {
        trace.violation(&who, format!("the channel is {ours:?} by the one and {theirs:?} by the other"));
    }
    // What the other shows of this one's is what stands in the log.
    if let Some(heard) = from.heard.get(&to.me) {
        let owner = Owner::Peer(index as u8);
        let desk = to.view.peers.iter().find(|p| p.party == from_name).and_then(|p| p.staffing.as_ref());
        heard.check_filed(trace, &who, to.view, owner, desk);
        heard.check_tracks(trace, &who, to.view, owner);
        if from.view.staffing.as_ref() != desk {
            trace.violation(&who, format!("the desk is {:?} by the one and {desk:?} by the other", from.view.staffing));
        }
    }
}
