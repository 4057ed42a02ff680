//! A clock that is set back: what was taken under the clock of before must not keep out what is.
use node::input::Claim;
use node::picture::{DROP_MS, Origin, Picture, Taken};
use track::{Address, TrackReport};
use units::{Mono, Now, Position, Utc};

const HOUR_MS: i64 = 3_600_000;

fn now(mono_ms: u64, utc_ms: i64) -> Now {
    Now { mono: Mono(mono_ms), utc: Utc(utc_ms), utc_error_ms: 50 }
}

fn report(utc_ms: i64, lon_e7: i32) -> TrackReport {
    let mut report = TrackReport::new(1, Position { lat_e7: 470_000_000, lon_e7 }, Utc(utc_ms));
    report.address = Address::icao(0x4b_0001);
    report
}

#[test]
fn an_aircraft_goes_on_in_the_picture_when_the_own_clock_is_set_back() {
    let (mut picture, own) = (Picture::default(), Origin::feed(0, Claim::Own));
    let wrong = 10 * HOUR_MS;
    assert!(matches!(picture.take(&own, report(wrong, 80_000_000), now(1_000, wrong)), Taken::New(1)));
    // Five seconds later the clock is an hour behind, and right.
    let right = wrong - HOUR_MS + 5_000;
    assert!(matches!(picture.take(&own, report(right, 80_100_000), now(6_000, right)), Taken::New(1)));
    let track = picture.get(1).expect("the track");
    assert_eq!((track.last.position.lon_e7, track.last.at), (80_100_000, Utc(right)));
    assert_eq!(track.prev, None, "what came under another clock is no earlier place");
    // What is older than that is old, as ever.
    assert!(matches!(picture.take(&own, report(right - 1, 80_200_000), now(7_000, right + 1_000)), Taken::Old(1)));
}

#[test]
fn an_aircraft_that_is_heard_no_more_leaves_the_picture_though_the_own_clock_was_set_back() {
    let (mut picture, own) = (Picture::default(), Origin::feed(0, Claim::Own));
    let wrong = 10 * HOUR_MS;
    picture.take(&own, report(wrong, 80_000_000), now(1_000, wrong));
    let right = wrong - HOUR_MS;
    assert_eq!(picture.expire(now(1_000 + DROP_MS as u64, right + DROP_MS)), Vec::<u32>::new());
    assert_eq!(picture.expire(now(1_001 + DROP_MS as u64, right + DROP_MS + 1)), vec![1]);
}
