//! When all is quiet: everything said is held and cosigned, nothing is doubled, and both sides show the same.
use crate::parties;
use crate::trace::Trace;
use node::command::SentTo;
use node::view::{LinkStatus, Owner, PlanView, View};
use record::Hash32;
use std::collections::BTreeMap;

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
}

/// What is still missing between two parties; none if all is told.
#[must_use]
pub fn unsettled(a: &Told<'_>, b: &Told<'_>) -> Option<String> {
    let (a_name, b_name) = (parties::name(a.me), parties::name(b.me));
    let of_a = a.view.peers.iter().find(|p| p.party == b_name)?;
    let of_b = b.view.peers.iter().find(|p| p.party == a_name)?;
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
        if arrived > 1 || arrived == 0 && to.view.notices.len() < 100 {
            trace.violation(&who, format!("{text}: the other side shows it {arrived} times"));
        }
        let here = from.view.notices.iter().find(|n| n.outgoing && n.id == sent.id);
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
    // What the other shows of this one's plans and sites, this one has, and no older.
    let owner = Owner::Peer(index as u8);
    let own: BTreeMap<_, &PlanView> =
        from.view.plans.iter().filter(|p| p.owner == Owner::Own).map(|p| (p.subject, p)).collect();
    for shown in to.view.plans.iter().filter(|p| p.owner == owner) {
        match own.get(&shown.subject) {
            None => trace.violation(&who, format!("plan {} is shown, and its owner has none such", shown.subject)),
            Some(own) if own.plan.callsign != shown.plan.callsign && shown.plan.callsign.is_some() => {
                trace.violation(&who, format!("plan {} is shown as it was before", shown.subject));
            }
            Some(_) => {}
        }
    }
}
