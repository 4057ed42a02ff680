//! What the simulator itself must be: exact, and able to fail.
use sim::event::{Fault, Liar};
use sim::{Config, Plant, run};

fn config(hours: f64) -> Config {
    Config { hours, ..Config::default() }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let hashes: Vec<u64> = [7, 7, 8].iter().map(|seed| run(*seed, &config(0.2)).hash).collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

/// A bug must be found by a checker in one of the seeds from 1 on, and what finds it must be what is meant to.
fn caught(plant: &str, only: &[Fault], words: &[&str]) {
    caught_with(
        &Config { only: Some(only.to_vec()), plant: Plant::parse(plant), nodes: Some(2), ..config(0.3) },
        words,
    );
}

fn caught_with(config: &Config, words: &[&str]) {
    assert!(config.plant.is_some());
    let is_meant = |text: &String| words.iter().any(|word| text.contains(word));
    let found = (1..=20).find(|seed| run(*seed, config).violations.iter().any(is_meant));
    assert!(found.is_some(), "not caught in twenty seeds");
    let sound = Config { plant: None, ..config.clone() };
    for seed in 1..=2 {
        assert_eq!(run(seed, &sound).violations, Vec::<String>::new(), "seed {seed} without the bug");
    }
}

#[test]
fn a_fold_that_publishes_before_it_syncs_is_caught() {
    caught("publish-before-fsync", &[Fault::PowerDisk], &["LOST", "FORK", "not those that were said"]);
}

#[test]
fn a_receipt_that_leaves_before_its_entries_are_durable_is_caught() {
    caught("receipt-before-durable", &[Fault::PowerDisk], &["a receipt"]);
}

#[test]
fn a_release_rule_that_is_skipped_on_one_path_is_caught() {
    caught("rule-skipped", &[Fault::Cut], &["RELEASED against the rules"]);
}

#[test]
fn a_state_that_is_kept_after_a_failed_read_is_caught() {
    caught("state-kept-after-failed-read", &[Fault::ReadError], &["LOST"]);
}

#[test]
fn a_node_that_ignores_what_third_parties_show_is_caught() {
    let plant = Plant::parse("forks-ignored");
    let config = Config { only: Some(Vec::new()), plant, nodes: Some(3), liar: Some(Liar::TwoFaced), ..config(0.3) };
    caught_with(&config, &["FORK NOT FOUND"]);
}
