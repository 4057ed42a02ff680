//! Bugs that a checker must find. Those of the fold are in `fold`, behind an option that no configuration reaches; these stand
//! between the people and the fold, or between the fold and what is shown, so that what ships carries no hook for them.
use crate::services::Seen;
use crate::swarm::Plant;
use dss::{Ask, Id};
use node::command::Command;
use node::input::{Input, NotifyOutcome, Outlined};
use node::view::{Owner, View};
use record::ChannelState;
use release::{Identity, Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use units::{AircraftClass, Utc};

/// What became of an input on its way to the fold; false if it is lost.
pub(crate) fn on_the_way(plant: Plant, input: &mut Input) -> bool {
    if plant == Plant::ForksIgnored {
        return !matches!(input, Input::LinkFrame { frame, .. } if frame.get(1) == Some(&7));
    }
    match (plant, &mut *input) {
        (Plant::HeightsLost, Input::Dss(request, _)) => {
            if let Ask::PutIntent(id, _, put) = &mut request.ask {
                let far = 1_000_000 * (1 + i64::from(id.0[0]));
                put.extents.iter_mut().for_each(|e| (e.lower, e.upper) = (Some(far), Some(far)));
            }
        }
        (Plant::OutlinesMoved, Input::Dss(_, Some(outlined))) => {
            if let Outlined::Volumes(volumes) = outlined.as_mut() {
                volumes.iter_mut().for_each(|volume| volume.end = volume.end.plus_ms(3_600_000));
            }
        }
        (Plant::OutcomesLost, Input::Notified(notified)) => notified.outcome = NotifyOutcome::Refused(500),
        _ => {}
    }
    let Input::Command { command, .. } = input else { return true };
    match command.as_mut() {
        Command::SetPolicy { policy, .. } => spoil(plant, policy),
        Command::StateChannel { state, .. } if plant == Plant::SuspensionLost && *state == ChannelState::Suspended => {
            *state = ChannelState::Resumed;
        }
        _ => {}
    }
    true
}

fn spoil(plant: Plant, policy: &mut Policy) {
    for rules in policy.rules.values_mut() {
        if plant == Plant::MarkingsLost {
            rules.retain(|rule| rule.marking.is_none());
        }
        for rule in rules.iter_mut() {
            match (plant, rule.level) {
                (Plant::TimesLost, _) => rule.when = None,
                (Plant::RatesLost, _) => rule.every_ms = None,
                _ if !is_track(rule) => {}
                (Plant::RuleSkipped, Level::Withheld) => rule.level = Level::Full,
                (Plant::AvoidTold, Level::Withheld) if rule.aircraft == Some(AircraftClass::Military) => {
                    rule.level = Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 60_000 };
                }
                (Plant::ExactCells, Level::Coarse { .. }) => {
                    rule.level = Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Drop };
                }
                (Plant::PrecisionLost, Level::Reduced { identity: Identity::Keep, .. }) => rule.level = Level::Full,
                _ => {}
            }
        }
    }
}

fn is_track(rule: &Rule) -> bool {
    rule.class == RecordClass::Tracks
}

/// What became of what an officer is shown; `altered` once the middle altered a frame to this node.
pub(crate) fn shown(plant: Plant, view: &mut View, altered: bool) {
    let old = |issued: Utc| view.utc.since_ms(issued) > 60_000;
    match plant {
        Plant::NoticeForgotten => view.notices.retain(|notice| !notice.outgoing || !old(notice.issued)),
        Plant::TracksMoved if altered => {
            for track in view.tracks.iter_mut().filter(|track| matches!(track.owner, Owner::Peer(_))) {
                track.report.position.lat_e7 += 1_000;
            }
        }
        _ => {}
    }
}

/// What became of what traffic services are shown of a peer; `before` is what they were shown.
pub(crate) fn found(plant: Plant, seen: &mut BTreeMap<Id, Seen>, before: &BTreeMap<Id, Seen>) {
    match plant {
        Plant::WithdrawnShown => {
            let gone: Vec<_> = before.iter().filter(|(id, _)| !seen.contains_key(id)).collect();
            seen.extend(gone.into_iter().map(|(id, old)| (*id, old.clone())));
        }
        Plant::ShownMoved => {
            for part in seen.values_mut().flat_map(|seen| &mut seen.parts) {
                part.3 += 60_000;
            }
        }
        _ => {}
    }
}
