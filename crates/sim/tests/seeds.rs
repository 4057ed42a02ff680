//! Seeds that found something once, and a small budget of fresh ones with every fault on.
use sim::event::Fault;
use sim::{Config, run};

#[test]
fn seeds_that_found_something_once_find_nothing() {
    let mut seen = 0;
    for line in include_str!("../testdata/seeds").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let serving = line.split_once(" --services");
        let mut words = serving.map_or(line, |(before, _)| before).split_whitespace();
        let seed: u64 = words.next().and_then(|word| word.parse().ok()).expect("a seed");
        let hours: f64 = words.next().and_then(|word| word.parse().ok()).expect("hours");
        let only = match words.next() {
            None => None,
            Some("--only") => Some(words.map(|word| Fault::parse(word).expect("a fault")).collect()),
            Some(other) => panic!("{other}: only --only is known"),
        };
        // Most were found before there were traffic services.
        let services = Some(serving.is_some());
        let outcome = run(seed, &Config { hours, only, services, ..Config::default() });
        assert!(outcome.violations.is_empty(), "{line}: {:#?}\n{:#?}", outcome.violations, outcome.last);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn a_small_budget_of_seeds_with_every_fault_finds_nothing() {
    for seed in 1_000..1_012 {
        let outcome = run(seed, &Config { hours: 0.3, ..Config::default() });
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}\n{:#?}", outcome.violations, outcome.last);
    }
}
