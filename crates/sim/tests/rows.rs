//! Each row of "what must be shown, by test" of the link's design, as a test named after it. A row is shown over several
//! seeds, with the faults of that row alone; and each test says what must have been reached for it to mean anything.
use link::{CloseCode, FrozenReason, Refusal};
use sim::event::{Event, Fault, Liar, Step};
use sim::{Config, run};
use std::collections::BTreeMap;

/// Runs seeds, none of which may find anything, and gives what was reached.
fn quiet(seeds: std::ops::RangeInclusive<u64>, config: &Config) -> BTreeMap<Event, u64> {
    let mut reached = BTreeMap::new();
    for seed in seeds {
        let outcome = run(seed, config);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}\n{:#?}", outcome.violations, outcome.last);
        outcome.counts.into_iter().for_each(|(event, times)| *reached.entry(event).or_default() += times);
    }
    reached
}

fn of(faults: &[Fault]) -> Config {
    Config { hours: 0.5, only: Some(faults.to_vec()), ..Config::default() }
}

fn against(liar: Liar) -> Config {
    // The liar alone: no fault, so that what happens is its doing.
    Config { hours: 0.5, only: Some(Vec::new()), liar: Some(liar), nodes: Some(2), ..Config::default() }
}

fn must_reach(reached: &BTreeMap<Event, u64>, events: &[Event]) {
    for event in events {
        assert!(reached.contains_key(event), "never reached: {event}; reached {reached:#?}");
    }
}

#[test]
fn link_cut_for_seconds_or_hours_both_pictures_age_visibly_and_on_return_nothing_is_lost_nothing_doubled() {
    let faults = [Fault::Cut, Fault::Flap, Fault::Partition, Fault::OneWay, Fault::Slow];
    let reached = quiet(1..=6, &of(&faults));
    must_reach(&reached, &[Event::Step(Step::AlertLost), Event::Step(Step::PathDead), Event::Step(Step::Settled)]);
    assert_eq!(reached[&Event::Step(Step::Settled)], 6, "everything was told after each cut");
}

#[test]
fn a_peer_that_shows_two_histories_is_detected_the_link_frozen_and_the_desk_alarmed() {
    let reached = quiet(1..=6, &against(Liar::Equivocator));
    let either = [FrozenReason::Equivocation, FrozenReason::PeerRollback].map(Event::Frozen);
    must_reach(&reached, &either);
    must_reach(&reached, &[Event::Step(Step::AlertFrozen)]);
}

#[test]
fn a_party_restored_from_an_old_backup_refuses_to_sign_behind_what_its_peer_cosigned() {
    let reached = quiet(1..=6, &Config { hours: 1.5, ..of(&[Fault::Backup]) });
    must_reach(&reached, &[Event::Fault(Fault::Backup), Event::Frozen(FrozenReason::OwnRollback)]);
}

#[test]
fn replay_reordering_truncation_bit_flips_forged_keys_and_foreign_records_are_refused_and_never_sealed() {
    let middle = [Fault::Drop, Fault::Duplicate, Fault::Reorder, Fault::Flip];
    let mut reached = quiet(1..=6, &of(&middle));
    reached.extend(quiet(1..=4, &against(Liar::Replayer)));
    reached.extend(quiet(1..=8, &against(Liar::Garbage)));
    let closes = [CloseCode::Repeated, CloseCode::EntryOrder, CloseCode::BadCheckpoint, CloseCode::Malformed];
    must_reach(&reached, &closes.map(Event::Closed));
    let refusals =
        [Refusal::Malformed, Refusal::WrongIssuer, Refusal::WrongAudience, Refusal::WrongMode, Refusal::WrongPact];
    must_reach(&reached, &refusals.map(Event::Refused));
}

#[test]
fn a_peers_wrong_clock_and_an_own_clock_that_jumps_cost_nothing_and_deadlines_are_kept() {
    let clocks = [Fault::Offset, Fault::Drift, Fault::Jump];
    let mut reached = quiet(1..=6, &of(&clocks));
    reached.extend(quiet(1..=2, &against(Liar::BackDater)));
    must_reach(&reached, &clocks.map(Event::Fault));
    must_reach(&reached, &[Event::Step(Step::Settled), Event::Lie(Liar::BackDater)]);
}

#[test]
fn a_flood_of_one_kind_is_bounded_and_the_node_goes_on() {
    let reached = quiet(1..=3, &Config { nodes: Some(3), ..against(Liar::Flooder) });
    must_reach(&reached, &[Event::Closed(CloseCode::TooFast), Event::Step(Step::Settled)]);
}

#[test]
fn a_peer_that_sends_garbage_or_nothing_costs_a_closed_connection_and_no_panic() {
    let mut reached = quiet(9..=12, &against(Liar::Garbage));
    reached.extend(quiet(1..=3, &against(Liar::SlowLoris)));
    must_reach(&reached, &[CloseCode::Malformed, CloseCode::TooLarge, CloseCode::Silent].map(Event::Closed));
}

#[test]
fn disk_full_failed_sync_torn_write_and_death_at_any_point_lose_nothing_acknowledged_and_sign_nothing_lost() {
    let faults = [
        Fault::PowerDisk,
        Fault::PowerEffect,
        Fault::KillDisk,
        Fault::KillEffect,
        Fault::WriteError,
        Fault::WriteTorn,
        Fault::SyncError,
        Fault::ReadError,
        Fault::Full,
    ];
    let reached = quiet(1..=8, &Config { hours: 0.4, ..of(&faults) });
    must_reach(&reached, &faults.map(Event::Fault));
    let steps =
        [Step::Recovered, Step::TornTail, Step::ShadowFull, Step::ShadowFailed, Step::ShadowLeft, Step::Repeated];
    must_reach(&reached, &steps.map(Event::Step));
    assert_eq!(reached[&Event::Step(Step::Settled)], 8);
}

#[test]
fn plans_filed_to_find_withheld_flights_are_answered_by_nothing_that_the_rules_withhold() {
    let reached = quiet(1..=3, &Config { nodes: Some(3), ..against(Liar::Prober) });
    must_reach(&reached, &[Event::Lie(Liar::Prober), Event::Step(Step::Settled)]);
}

#[test]
fn a_party_that_tells_two_others_two_histories_is_found_within_two_periods_and_both_notes_are_kept() {
    let reached = quiet(1..=4, &Config { nodes: Some(3), ..against(Liar::TwoFaced) });
    must_reach(&reached, &[Event::Step(Step::ForkFound), Event::Step(Step::AlertFrozen)]);
}
