use super::*;
use crate::{State, Why};
use proptest::prelude::*;
use units::Utc;

fn flat(s: [f64; 2], v: [f64; 2], feet: f64, fpm: f64) -> [Kinematics; 2] {
    let still = State { lat: 0.0, lon: 0.0, alt_ft: 10_000.0, gs_kt: 0.0, trk_deg: 0.0, vs_fpm: 0.0 };
    let mut a = Kinematics::from_state(&still, Utc(0)).unwrap();
    let mut b = Kinematics::from_state(&State { alt_ft: 10_000.0 + feet, vs_fpm: fpm, ..still }, Utc(0)).unwrap();
    (a.pos, b.pos, b.vel) = ([0.0; 3], [s[0], s[1], 0.0], [v[0], v[1], 0.0]);
    (a.speed_mps, b.speed_mps) = (0.0, earth::norm(b.vel));
    [a, b]
}

fn loss(pair: [Kinematics; 2], limits: &WellClear) -> Option<WellClearLoss> {
    let [a, b] = &pair;
    let (one, other) = (well_clear(a, b, limits), well_clear(b, a, limits));
    assert_eq!(one, other, "the order of a pair does not matter");
    one.conflict()
}

/// The predicate as it is written, at one time.
fn holds(pair: &[Kinematics; 2], limits: &WellClear, t: f64) -> bool {
    let [a, b] = pair;
    let d = limits.lateral_mm as f64 / 1000.0;
    let v = earth::sub(b.vel, a.vel);
    let s0 = earth::sub(b.pos, a.pos);
    let s = [s0[0] + v[0] * t, s0[1] + v[1] * t, 0.0];
    let (ss, sv, vv) = (earth::dot(s, s), earth::dot(s, v), earth::dot(v, v));
    let ahead = if sv < 0.0 { -sv / vv } else { 0.0 };
    let near = [s[0] + v[0] * ahead, s[1] + v[1] * ahead, 0.0];
    let tau = if sv < 0.0 { (d * d - ss) / sv } else { -1.0 };
    let lateral = ss <= d * d || earth::norm(near) <= d && (0.0..=limits.tau_ms as f64 / 1000.0).contains(&tau);
    let dz0 = f64::from(b.pressure.unwrap().0 - a.pressure.unwrap().0) / 10_000.0;
    let rate = b.climb_mps - a.climb_mps;
    let dz = dz0 + rate * t;
    let coaltitude = if dz * rate < 0.0 { -dz / rate } else { -1.0 };
    let vertical = dz.abs() <= f64::from(limits.vertical.0) / 10_000.0
        || (0.0..=limits.coaltitude_ms as f64 / 1000.0).contains(&coaltitude);
    lateral && vertical
}

fn limits() -> impl Strategy<Value = WellClear> {
    let fixed = prop::sample::select(alloc::vec![WellClear::DO_365, WellClear::DO_365_TERMINAL, WellClear::SMALL]);
    (fixed, 0..60_000i64, 0..60_000i64).prop_map(|(fixed, tau, coaltitude)| {
        if tau % 3 == 0 { fixed } else { WellClear { tau_ms: tau, coaltitude_ms: coaltitude, ..fixed } }
    })
}

proptest! {
    /// Oracle: the predicate itself, every tenth of a second.
    #[test]
    fn a_loss_is_where_the_predicate_holds(
        limits in limits(), x in -20_000.0..20_000.0f64, y in -20_000.0..20_000.0f64, vx in -300.0..300.0f64, vy in -300.0..300.0f64,
        aimed in any::<bool>(), feet in -3_000.0..3_000.0f64, fpm in prop::sample::select(alloc::vec![0.0, 0.0, -1_500.0, 700.0, 4_000.0]),
    ) {
        // Half of them fly at the other, give or take.
        let v = if aimed { [-x / 60.0 + vx / 50.0, -y / 60.0 + vy / 50.0] } else { [vx, vy] };
        let pair = flat([x, y], v, feet, fpm);
        let found = loss(pair, &limits);
        for tenth in 0..=1_200 {
            let t = f64::from(tenth) / 10.0;
            let inside = found.is_some_and(|l| l.tin_s <= t && t <= l.tout_s);
            if inside != holds(&pair, &limits, t) {
                // Nothing but rounding at the very ends.
                let edge = found.is_some_and(|l| [l.tin_s, l.tout_s].iter().any(|e| (e - t).abs() < 1e-6));
                prop_assert!(edge || found.is_none_or(|l| l.tout_s - l.tin_s < 1e-6), "{} s: {:?}", t, found);
            }
        }
        // Larger limits never lose a loss.
        let wider = WellClear { lateral_mm: limits.lateral_mm + 100_000, tau_ms: limits.tau_ms + 1_000, ..limits };
        prop_assert!(found.is_none() || loss(pair, &wider).is_some_and(|w| w.tin_s <= found.unwrap().tin_s));
    }
}

#[test]
fn every_border_belongs_to_the_loss() {
    let limits = WellClear::SMALL;
    let d = limits.lateral_mm as f64 / 1000.0;
    assert_eq!(d, 609.6);
    let at_edge = loss(flat([d, 0.0], [0.0, 0.0], 250.0, 0.0), &limits);
    assert!(at_edge.is_some_and(|l| l.now), "{at_edge:?}");
    assert_eq!(loss(flat([d + 1e-6, 0.0], [0.0, 0.0], 0.0, 0.0), &limits), None);
    assert_eq!(loss(flat([d, 0.0], [0.0, 0.0], 250.001, 0.0), &limits), None);
    let grazing = loss(flat([5_000.0, d], [-100.0, 0.0], 0.0, 0.0), &limits).unwrap();
    assert!((grazing.tin_s - 50.0).abs() < 1e-6 && grazing.tin_s == grazing.tout_s, "{grazing:?}");
    let at_horizon = flat([d + 100.0 * 120.0, 0.0], [-100.0, 0.0], 0.0, 0.0);
    assert!((loss(at_horizon, &limits).unwrap().tin_s - 120.0).abs() < 1e-9);
    assert_eq!(loss(flat([d + 100.0 * 120.0 + 0.01, 0.0], [-100.0, 0.0], 0.0, 0.0), &limits), None);
}

#[test]
fn what_is_not_known_is_said_and_narrows_nothing() {
    let limits = WellClear::DO_365;
    let [a, mut b] = flat([3_000.0, 0.0], [0.0, 0.0], 5_000.0, 0.0);
    assert_eq!(well_clear(&a, &b, &limits), Verdict::Clear);
    b.velocity_known = false;
    assert_eq!(well_clear(&a, &b, &limits), Verdict::Unknown(Why::Velocity));
    b.pos[0] = 100_000.0;
    assert_eq!(well_clear(&a, &b, &limits), Verdict::Clear);
    (b.pos[0], b.pressure) = (1_000.0, None);
    let found = well_clear(&a, &b, &limits).conflict().unwrap();
    assert_eq!((found.basis, found.velocity_unknown, found.now), (AltitudeBasis::UnknownLevel, true, true));
    b.t0 = Utc(1);
    assert_eq!(well_clear(&a, &b, &limits), Verdict::Unknown(Why::ReferenceTime));
}

#[test]
fn the_sets_of_the_standards_are_as_published_and_others_are_checked() {
    for (limits, feet, tau_s, vertical) in [
        (WellClear::DO_365, 4_000.0, 35, 450),
        (WellClear::DO_365_TERMINAL, 1_500.0, 0, 450),
        (WellClear::SMALL, 2_000.0, 0, 250),
    ] {
        assert_eq!(limits.lateral_mm as f64, feet * FOOT_MM);
        assert_eq!(
            (limits.tau_ms, limits.vertical, limits.coaltitude_ms),
            (tau_s * 1_000, Height::from_feet(vertical), 0)
        );
        assert_eq!(limits.check(), Ok(()));
    }
    let wrong = WellClear { tau_ms: 121_000, ..WellClear::DO_365 }.check().unwrap_err();
    assert_eq!(alloc::string::ToString::to_string(&wrong), "TAUMOD, ms, is 121000, not from 0 to 120 s");
    for wrong in [
        WellClear { lateral_mm: 0, ..WellClear::SMALL },
        WellClear { vertical: Height(0), ..WellClear::SMALL },
        WellClear { coaltitude_ms: -1, ..WellClear::SMALL },
        WellClear { horizon_ms: 300_001, ..WellClear::SMALL },
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}
