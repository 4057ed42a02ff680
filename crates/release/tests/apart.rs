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
