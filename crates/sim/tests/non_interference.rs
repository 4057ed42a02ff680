//! What is withheld from a peer changes nothing that the peer receives: not a byte, not a moment. A few scenarios of those that
//! `cargo xtask noninterference` plays by the thousand; leaks that must be found; a peer that probes.
use sim::twice::{self, Leak, prober};
use std::collections::BTreeMap;

/// Scenarios of each run of the tests.
const SCENARIOS: u64 = 60;
/// Scenarios that showed a leak once: how a log was split into frames followed what of it was on disk; a peer was told anew when
/// another's channel changed.
const KEPT: [u64; 5] = [890, 956, 1567, 2540, 2628];
/// Within so many scenarios each leak is found. The slowest needs 17.
const FOUND_WITHIN: u64 = 60;

fn each<T: Send>(seeds: u64, play: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (play, half) = (&play, seeds / 2);
    std::thread::scope(|scope| {
        let threads = [1..half + 1, half + 1..seeds + 1].map(|r| scope.spawn(move || r.map(play).collect::<Vec<T>>()));
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn what_is_withheld_leaves_no_trace_on_the_wire() {
    let outcomes = each(SCENARIOS, |seed| (seed, twice::check(seed, None)));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (seed, outcome) in outcomes {
        if let Some(difference) = outcome.difference {
            panic!("scenario {seed} differs in {difference}");
        }
        outcome.counts.into_iter().for_each(|(word, times)| *counts.entry(word).or_default() += times);
    }
    for kind in
        ["avoid", "channel", "conflict", "desk", "notice", "pact", "plan", "receipt", "site", "tracks", "withdrawn"]
    {
        assert!(counts.contains_key(&format!("told: {kind}")), "no {kind} was told in {SCENARIOS} scenarios");
    }
    let withheld = counts.iter().filter(|(word, _)| word.starts_with("withheld")).count();
    assert!(withheld > 25, "{withheld} kinds of withheld things: {counts:?}");
}

#[test]
fn scenarios_that_showed_a_leak_once_show_none() {
    for seed in KEPT {
        assert_eq!(twice::check(seed, None).difference, None, "scenario {seed}");
    }
}

#[test]
fn every_leak_that_is_planted_is_found() {
    for leak in Leak::ALL {
        let found = (1..=FOUND_WITHIN).find(|seed| twice::check(*seed, Some(*leak)).difference.is_some());
        println!("{}: found by scenario {found:?}", leak.name());
        assert!(found.is_some(), "the leak {} was not found by {FOUND_WITHIN} scenarios", leak.name());
    }
}

/// Seeds from which a prober learns, and as many in which it guesses: 16 places each.
const PROBED: u64 = 12;

#[test]
fn a_prober_finds_withheld_flights_no_better_than_chance() {
    let (right, all) = prober::contest(1, PROBED, prober::Flaw::None);
    let (low, high) = prober::interval(right, all);
    println!("prober: {right} of {all} right, 99 % interval {low:.3} to {high:.3}");
    assert!(low <= 0.5 && 0.5 <= high, "{right} of {all}: {low:.3} to {high:.3}");
}

#[test]
fn a_prober_finds_withheld_flights_of_a_node_with_a_flaw() {
    for flaw in [prober::Flaw::AnswersSooner, prober::Flaw::AvoidsByItself, prober::Flaw::Slower] {
        let (right, all) = prober::contest(1, PROBED / 2, flaw);
        let (low, high) = prober::interval(right, all);
        println!("prober of {flaw:?}: {right} of {all} right, 99 % interval {low:.3} to {high:.3}");
        assert!(low > 0.5, "{flaw:?}: {right} of {all}");
    }
}
