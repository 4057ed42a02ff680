//! What must not be laid side by side: one pact's numbers and another's, one rule's cells and another's.
use record::{Body, Hash32, Mode, PartyId};
use release::{Daily, Envelope, Identity, Level, Marking, Policy, RecordClass, Releaser, Rule, When};
use std::collections::{BTreeMap, BTreeSet};
use track::{Address, TrackReport};
use units::{Height, Mono, Now, Position, Utc};

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn envelope(mode: Mode, pact: u8) -> Envelope {
    Envelope { issuer: party("north"), audience: party("south"), mode, pact: Hash32([pact; 32]) }
}

fn policy(rules: &[Rule]) -> Policy {
    Policy { revision: 1, rules: [(party("south"), rules.to_vec())].into() }
}

/// 10:00 UTC and some seconds.
fn at(second: u64) -> Now {
    Now { mono: Mono(second * 1000), utc: Utc(1_780_272_000_000 + 36_000_000 + second as i64 * 1000), utc_error_ms: 5 }
}

fn track(internal: u64, now: Now) -> TrackReport {
    let mut r =
        TrackReport::new(internal, Position::from_degrees(47.01 + internal as f64 / 1e4, 8.01).unwrap(), now.utc);
    (r.address, r.pressure) = (Address::icao(0x40_0000 + internal as u32), Some(Height::from_feet(30_500)));
    r
}

/// Numbers under which twenty tracks are told, in order of appearance, and the subjects of the batches.
fn told(envelope: &Envelope, identity: Identity) -> (Vec<u64>, BTreeSet<record::SubjectId>) {
    let policy = policy(&[Rule::new(RecordClass::Tracks, Level::Reduced { precision_mm: 0, delay_ms: 0, identity })]);
    let mut releaser = Releaser::under(envelope, &[7; 32]);
    let (mut numbers, mut subjects) = (Vec::new(), BTreeSet::new());
    for n in 1..=20 {
        releaser.offer_tracks(&policy, &[track(n, at(n))], at(n));
        for released in releaser.flush(&policy, envelope, at(n)).unwrap() {
            subjects.insert(released.value().subject);
            if let Body::Tracks(batch) = &released.value().body {
                numbers.extend(batch.unpack().unwrap().iter().map(|r| r.local));
            }
        }
    }
    (numbers, subjects)
}

#[test]
fn numbers_pseudonyms_and_subjects_of_one_pact_or_mode_say_nothing_about_another() {
    let exercise = |name: &str| Mode::Exercise(name.into());
    let envelopes =
        [envelope(Mode::Live, 1), envelope(Mode::Live, 2), envelope(exercise("a"), 1), envelope(exercise("b"), 1)];
    for identity in [Identity::Keep, Identity::Drop, Identity::Pseudonym] {
        let all: Vec<_> = envelopes.iter().map(|e| told(e, identity)).collect();
        for (n, (numbers, subjects)) in all.iter().enumerate() {
            assert_eq!(numbers.len(), 20);
            assert_eq!((numbers, subjects), (&told(&envelopes[n], identity).0, &told(&envelopes[n], identity).1));
            for (others, other_subjects) in &all[..n] {
                // By the place in the order, which is how one would look them up.
                assert!(numbers.iter().zip(others).all(|(a, b)| a != b), "{identity:?}");
                assert!(subjects.is_disjoint(other_subjects));
            }
        }
    }
}

#[test]
fn two_rules_with_the_same_cells_and_other_times_tell_a_cell_once() {
    let special = Marking::parse("special");
    let day = When { daily: Some(Daily { from_min: 8 * 60, until_min: 18 * 60 }), ..When::default() };
    for level in
        [Level::Coarse { cell_e7: 5_000_000, bin_ms: 10_000 }, Level::AvoidArea { cell_e7: 5_000_000, bin_ms: 10_000 }]
    {
        let plain = Rule::new(RecordClass::Tracks, level);
        let policy = policy(&[Rule { marking: special, when: Some(day), ..plain }, plain]);
        let rows = |tracks: &[u64], second: u64| {
            let mut releaser = Releaser::under(&envelope(Mode::Live, 1), &[7; 32]);
            let marked: BTreeMap<u64, Marking> = special.map(|marking| (1, marking)).into_iter().collect();
            let mut told = Vec::new();
            for second in second..second + 12 {
                let own: Vec<TrackReport> = tracks.iter().map(|n| track(*n, at(second))).collect();
                releaser.offer_marked(&policy, &own, &marked, at(second));
                for released in releaser.flush(&policy, &envelope(Mode::Live, 1), at(second)).unwrap() {
                    told.push(match &released.value().body {
                        Body::Tracks(batch) => batch.unpack().unwrap().len(),
                        Body::Avoid(avoid) => avoid.volumes.len(),
                        other => panic!("{other:?}"),
                    });
                }
            }
            told
        };
        assert_eq!(rows(&[1, 2], 1), rows(&[2], 1), "{level:?}");
        assert_eq!(rows(&[1, 2], 1), [1]);
        assert_eq!(rows(&[1], 1), [1], "the marked one alone is told by its own rule");
        // At night the first rule does not hold, and the second tells both.
        assert_eq!(rows(&[1, 2], 12 * 3600), rows(&[2], 12 * 3600));
    }
}

/// What is told as cells at the end of two bins, in the first of which some aircraft fly and in the second others: rows of
/// each, and the records.
fn cells(envelope: &Envelope, cell_e7: u32, flying: [&[TrackReport]; 2]) -> ([Vec<TrackReport>; 2], Vec<Vec<u8>>) {
    let rules = vec![Rule::new(RecordClass::Tracks, Level::Coarse { cell_e7, bin_ms: 20_000 })];
    let policy = Policy { revision: 1, rules: [(envelope.audience.clone(), rules)].into() };
    let mut releaser = Releaser::under(envelope, &[7; 32]);
    let (mut rows, mut records) = ([Vec::new(), Vec::new()], Vec::new());
    for second in 1..=40 {
        let bin = usize::from(second > 20);
        let own: Vec<TrackReport> = flying[bin].iter().map(|r| TrackReport { at: at(second).utc, ..*r }).collect();
        releaser.offer_tracks(&policy, &own, at(second));
        for released in releaser.flush(&policy, envelope, at(second)).unwrap() {
            let Body::Tracks(batch) = &released.value().body else { panic!("{:?}", released.value().body) };
            rows[bin].extend(batch.unpack().unwrap());
            records.push(released.bytes().to_vec());
        }
    }
    (rows, records)
}

fn over(internal: u64, (lat, lon): (f64, f64), feet: i32) -> TrackReport {
    let mut r = TrackReport::new(internal, Position::from_degrees(lat, lon).unwrap(), Utc(0));
    (r.address, r.pressure) = (Address::icao(0x40_0000 + internal as u32), Some(Height::from_feet(feet)));
    r
}

#[test]
fn a_cell_keeps_its_number_from_bin_to_bin_and_every_other_cell_has_another() {
    let (north, half) = (envelope(Mode::Live, 1), 5_000_000);
    let number = |envelope: &Envelope, cell_e7, report: TrackReport| {
        let ([first, then], _) = cells(envelope, cell_e7, [&[report]; 2]);
        assert_eq!((first.len(), then.len()), (1, 1));
        assert!(first[0].at < then[0].at, "two bins");
        assert_eq!(TrackReport { at: then[0].at, ..first[0] }, then[0], "all but the time is the same");
        first[0].local
    };
    let one = over(1, (47.1, 8.01), 30_500);
    let here = number(&north, half, one);
    assert_eq!(here, number(&north, half, over(2, (47.4, 8.05), 30_900)), "whoever is in it");
    let geometric = TrackReport { geometric: one.pressure, pressure: None, ..one };
    let mut numbers = BTreeSet::from([here]);
    for (what, other) in [
        ("another row", number(&north, half, over(1, (47.6, 8.01), 30_500))),
        ("another column", number(&north, half, over(1, (47.1, 9.01), 30_500))),
        ("another block", number(&north, half, over(1, (47.1, 8.01), 31_500))),
        ("a block of another height", number(&north, half, geometric)),
        ("no height", number(&north, half, TrackReport { pressure: None, ..one })),
        ("row 274, column 256 of another grid", number(&north, half / 2, over(1, (-21.4, -111.2), 30_500))),
        ("another peer", number(&Envelope { audience: party("west"), ..north.clone() }, half, one)),
        ("another pact", number(&envelope(Mode::Live, 2), half, one)),
        ("another mode", number(&envelope(Mode::Exercise("a".into()), 1), half, one)),
    ] {
        assert!(numbers.insert(other), "{what}");
    }
}

#[test]
fn nothing_joins_an_aircraft_to_the_cell_it_flies_into() {
    let told = |first: &[TrackReport], then: &[TrackReport]| cells(&envelope(Mode::Live, 1), 5_000_000, [first, then]);
    let (here, there) = (|n| over(n, (47.1, 8.01), 30_500), |n| over(n, (47.6, 8.01), 30_500));
    let ([first, then], flown) = told(&[here(1)], &[there(1)]);
    assert_eq!((first.len(), then.len()), (1, 1));
    assert_ne!(first[0].local, then[0].local);
    assert_eq!(flown, told(&[here(1)], &[there(2)]).1, "one that goes, and another that comes");
    let stayed = told(&[here(1), there(2)], &[here(1), there(2)]);
    let changed = told(&[here(1), there(2)], &[there(1), here(2)]);
    assert_eq!(stayed.0[1].len(), 2);
    assert_eq!(stayed.1, changed.1, "two that stay, and two that change places");
}
