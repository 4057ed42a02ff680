//! Loss of well clear against the alerting of another implementation for the same encounter, second by second.
mod common;

use detect::{Kinematics, State, Verdict, WellClear, well_clear};
use units::{Height, Utc};

/// Rows of one aircraft: `NAME, lat, lon, alt, vx, vy, vz, time`, velocities east and north in knots.
fn flown(text: &str, name: &str) -> Vec<Kinematics> {
    let rows = text.lines().filter(|line| line.starts_with(name));
    let state = |line: &str| {
        let f: Vec<f64> = line.split(',').skip(1).map(|f| f.trim().parse().expect("number")).collect();
        let (east, north) = (f[3], f[4]);
        let trk_deg = east.atan2(north).to_degrees().rem_euclid(360.0);
        State { lat: f[0], lon: f[1], alt_ft: f[2], gs_kt: east.hypot(north), trk_deg, vs_fpm: f[5] }
    };
    rows.map(|line| Kinematics::from_state(&state(line), Utc(0)).expect("on earth")).collect()
}

#[test]
fn a_head_on_encounter_is_alerted_of_as_by_the_reference_implementation_in_every_second() {
    let Some(encounter) = common::recording("conflict/daidalus/H1.daa") else { return };
    let Some(expected) = common::recording("conflict/daidalus/H1.expected_alerting.csv") else { return };
    let (own, intruder) = (flown(&encounter, "Ownship"), flown(&encounter, "Intruder"));
    // The volume of its corrective alert: 0.66 NM, 35 s, 450 ft.
    let limits = WellClear { lateral_mm: 1_222_320, horizon_ms: 300_000, ..WellClear::DO_365 };
    assert_eq!(limits.vertical, Height::from_feet(450));
    let (mut compared, mut worst_s) = (0, 0.0f64);
    for (second, line) in expected.lines().skip(2).enumerate() {
        let f: Vec<&str> = line.split(',').map(str::trim).collect();
        assert_eq!(f[0].parse::<f64>().expect("time"), second as f64);
        let got = well_clear(&own[second], &intruder[second], &limits);
        match (f[6].parse::<f64>(), got) {
            (Ok(within), Verdict::Conflict(loss)) if within.is_finite() => {
                // Theirs is a sphere on which a minute of arc is a nautical mile; of the ellipsoid one is 0.2 %
                // shorter here, and all of the way to the closest approach is.
                let off = (loss.tin_s - within).abs();
                assert!(off < 0.002 * (within + 36.0) + 0.01, "second {second}: {} and {within}", loss.tin_s);
                worst_s = worst_s.max(off);
                assert_eq!(loss.now, within == 0.0, "second {second}: {loss:?}");
            }
            (_, Verdict::Clear) if f[6] == "infty" => {}
            (theirs, ours) => panic!("second {second}: {theirs:?} and {ours:?}"),
        }
        compared += 1;
    }
    println!("{compared} seconds; a loss begins within {worst_s:.4} s of theirs");
    assert_eq!(compared, 230);
}
