//! What is held is held for a reason: numbers, addresses and room by what contributes, whatever comes in whatever order.
extern crate std;
use super::*;
use crate::input::Claim;
use std::collections::BTreeSet;
use units::{Angle, Height, Position, Speed};

const T0: Utc = Utc(1_700_000_000_000);

fn at(ms: i64) -> Now {
    Now { mono: Mono(ms as u64), utc: T0.plus_ms(ms), utc_error_ms: 10 }
}

fn peer(number: u16) -> Origin {
    Origin { source: Source::Peer(number), standing: Standing::Released, form: ReleaseForm::Full, precision_mm: 0 }
}

fn row(local: u64, address: u32, ms: i64) -> TrackReport {
    let mut row = TrackReport::new(local, Position::from_degrees(47.0, 8.0).unwrap(), T0.plus_ms(ms));
    row.address = Address::icao(address);
    row
}

/// Every entry of every map stands for a contribution, and every contribution is found by it.
fn check(picture: &Picture) {
    let (mut numbers, mut held) = (BTreeMap::new(), BTreeMap::new());
    let mut named = BTreeSet::new();
    for (id, track) in &picture.tracks {
        assert_eq!((*id, track.contributions.is_empty()), (track.id, false));
        for c in &track.contributions {
            assert_eq!(numbers.insert((c.source, c.local), *id), None, "a number of two tracks");
            enter(&mut held, c);
        }
        if let Some(address) = track.address {
            let main = picture.by_address[&address];
            if main != *id {
                assert_eq!(track.contributions.len(), 1);
                let c = &track.contributions[0];
                assert_eq!(c.standing, Standing::Released);
                assert_eq!(picture.apart.get(&(address, c.source)), Some(id));
            }
            named.insert(*id);
        }
    }
    assert_eq!(picture.by_local, numbers);
    assert_eq!(picture.held, held);
    assert_eq!(picture.cells.place.keys().collect::<BTreeSet<_>>(), picture.tracks.keys().collect());
    let ids: Vec<u32> = picture.by_address.values().chain(picture.apart.values()).copied().collect();
    assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()), (named.len(), named));
}

#[test]
fn a_hundred_thousand_numbers_for_one_aircraft_are_one_number() {
    // The same time, and so nothing new; a time of its own each; each other row somewhere else and so beside it.
    for (step, away) in [(0, false), (1, false), (1, true)] {
        let mut picture = Picture::default();
        picture.take(&Origin::feed(0, Claim::Observed), row(7, 0x4b_1a41, 0), at(0));
        let mut sizes = Vec::new();
        for n in 0..100_000 {
            let mut row = row(1_000_000 + n as u64, 0x4b_1a41, n * step);
            if away && n % 2 == 1 {
                row.position = Position::from_degrees(50.0, 8.0).unwrap();
            }
            picture.take(&peer(1), row, at(n * step));
            if n % 20_000 == 10 {
                check(&picture);
                sizes.push(minicbor::to_vec(&picture).unwrap().len());
            }
        }
        check(&picture);
        assert!(picture.by_local.len() <= 3 && picture.len() <= 2, "{step}: {}", picture.by_local.len());
        assert!(sizes.iter().all(|size| size.abs_diff(sizes[0]) < 100), "{sizes:?}");
        picture.expire(at(100_000 + DROP_MS + 1));
        check(&picture);
        assert_eq!((picture.by_local.len(), picture.by_address.len(), picture.apart.len()), (0, 0, 0));
    }
}

#[test]
fn rows_that_are_refused_for_want_of_room_leave_nothing_behind() {
    let mut picture = Picture::default();
    for n in 0..CONTRIBUTIONS_MAX as u16 {
        assert!(matches!(picture.take(&peer(n), row(1, 1, 0), at(0)), Taken::New(_) | Taken::Kept(_)));
    }
    for n in 0..100_000 {
        assert!(matches!(picture.take(&peer(100), row(n, 1, 1), at(1)), Taken::Old(_)));
    }
    check(&picture);
    assert_eq!(picture.by_local.len(), CONTRIBUTIONS_MAX);
    // A peer's room is full; its rows that name an aircraft that is known stay out as well.
    picture.held.insert((Standing::Released, 200), PEER_TRACKS_MAX);
    for n in 0..1_000 {
        assert_eq!(picture.take(&peer(200), row(n, 1, 1), at(1)), Taken::Full);
        assert_eq!(picture.take(&peer(200), row(n, 2, 1), at(1)), Taken::Full);
    }
    picture.held.remove(&(Standing::Released, 200));
    check(&picture);
    assert_eq!(picture.by_local.len(), CONTRIBUTIONS_MAX);
}

#[test]
fn a_row_that_is_old_names_no_track() {
    let mut picture = Picture::default();
    let nameless = |ms| TrackReport { address: None, ..row(5, 0, ms) };
    picture.take(&peer(1), nameless(1_000), at(1_000));
    assert!(matches!(picture.take(&peer(1), row(5, 9, 500), at(1_000)), Taken::Old(_)));
    assert!(picture.by_address.is_empty());
    assert!(matches!(picture.take(&peer(1), row(5, 9, 1_500), at(1_500)), Taken::New(_)));
    assert_eq!(picture.by_address.len(), 1);
    check(&picture);
}

#[test]
fn whatever_comes_the_maps_hold_what_the_tracks_do() {
    let mut state = 1_u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let (mut picture, mut mono, mut behind, mut beside) = (Picture::default(), 0_i64, 0_i64, 0);
    for n in 0..60_000 {
        mono += below(400) as i64;
        if below(2_000) == 0 {
            // Silence; then now and then a clock that goes back.
            mono += 200_000;
            behind += if below(3) == 0 { 150_000 } else { 0 };
        }
        let now = Now { utc: T0.plus_ms(mono - behind), ..at(mono) };
        let mut report = row(below(12), 1 + below(8) as u32, mono - behind - below(60_000) as i64 + 5_000);
        if below(4) == 0 {
            report.address = None;
        }
        report.position = Position::from_degrees(47.0 + below(3) as f64 * 0.1, 8.0).unwrap();
        report.pressure = (below(2) == 0).then(|| Height::from_feet(1_500 * below(3) as i32));
        report.speed = (below(2) == 0).then(|| Speed::from_knots(200.0));
        report.track = Angle::from_degrees(90.0 * below(4) as f64);
        let mut origin = match below(6) {
            0 => Origin::feed(0, Claim::Own),
            1 => Origin::feed(1, Claim::Observed),
            n => peer(n as u16),
        };
        if below(10) == 0 {
            (origin.form, origin.precision_mm) = (ReleaseForm::Reduced, 5_000_000);
        }
        picture.take(&origin, report, now);
        if n % 50 == 0 {
            picture.expire(now);
        }
        if n % 7 == 0 {
            check(&picture);
            beside += picture.apart.len();
        }
        if n % 1_000 == 0 {
            picture.take_joined();
            picture.take_moved();
            picture.left.clear();
            let mut read: Picture = minicbor::decode(&minicbor::to_vec(&picture).unwrap()).unwrap();
            read.rebuild();
            assert!(read == picture);
        }
    }
    assert!(beside > 1_000, "{beside}");
}
