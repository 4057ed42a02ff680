//! At the edges of what a verdict is defined by: just on either side it is what the definition says, and what lies just inside
//! comes to the edge's own value.
#[path = "common/draws.rs"]
mod draws;

use airspace::{Limit, Outline, Volume4d};
use detect::{
    AGE_FREE_MS, AGE_MAX_MS, AHEAD_MAX_MS, AltitudeBasis, Encounter, Item, Kinematics, Known, MIXED_ALLOWANCE,
    MIXED_PART, Minima, MinimaTable, Overlap, Path, PlaneState, PreparedVolume, State, TOUT_MAX_S, Verdict, WellClear,
    Why, brute_force, path_path, sweep, track_track, volume_volume, well_clear,
};
use draws::place;
use proptest::prelude::*;
use units::{AircraftClass, Altitude, Height, Reference, Utc, Vertex, earth};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

/// In a plane, at one level: what the definition says can be said in whole numbers there.
fn flat(at: [f64; 2], v: [f64; 2], height: Height) -> Kinematics {
    let state = PlaneState { east_m: at[0], north_m: at[1], ve_mps: v[0], vn_mps: v[1], vu_mps: 0.0 };
    Kinematics::from_plane(&state, Utc(0)).expect("near").with_heights(Some(height), None)
}

fn climbing(at: [f64; 2], height: Height, vu_mps: f64) -> Kinematics {
    let state = PlaneState { east_m: at[0], north_m: at[1], ve_mps: 0.0, vn_mps: 0.0, vu_mps };
    Kinematics::from_plane(&state, Utc(0)).expect("near").with_heights(Some(height), None)
}

fn on_earth(lat: f64, lon: f64, gs_kt: f64, trk_deg: f64) -> State {
    State { lat, lon: earth::wrap_degrees(lon), alt_ft: 30_000.0, gs_kt, trk_deg, vs_fpm: 0.0 }
}

fn at(state: &State) -> Kinematics {
    Kinematics::from_state(state, Utc(0)).expect("on earth")
}

const SAME: Height = Height(0);

fn minima(lateral_mm: i64, horizon_ms: i64) -> Minima {
    Minima { lateral_mm, horizon_ms, ..Minima::DEFAULT }
}

fn metres(minima: &Minima) -> f64 {
    minima.lateral_mm as f64 / 1000.0
}

/// Of two as paths and as tracks, in either order: one verdict.
fn judge(a: &Kinematics, b: &Kinematics, minima: &Minima) -> Verdict<Encounter> {
    let verdict = track_track(a, b, minima);
    assert_eq!(format!("{verdict:?}"), format!("{:?}", track_track(b, a, minima)));
    assert_eq!(format!("{verdict:?}"), format!("{:?}", path_path(&Path::straight(a), &Path::straight(b), minima)));
    verdict
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn velocities_that_differ_by_next_to_nothing_are_judged_as_equal_ones(
        own in prop::array::uniform2(-300.0..300.0f64), part in 0.0..0.999f64, from_deg in 0.0..360.0f64, to_deg in 0.0..360.0f64,
        power in -12.0..0.0f64, lateral_mm in 10_000i64..20_000_000,
    ) {
        let minima = minima(lateral_mm, 300_000);
        let (d, v) = (metres(&minima), 10f64.powf(power));
        let away = |deg: f64, m: f64| [m * deg.to_radians().sin(), m * deg.to_radians().cos()];
        let plus = |a: [f64; 2], b: [f64; 2]| [a[0] + b[0], a[1] + b[1]];
        let a = flat([0.0; 2], own, SAME);
        // What is left of the difference when it was added to the own velocity.
        let other = plus(own, away(to_deg, v));
        let left = (other[0] - own[0]).hypot(other[1] - own[1]);
        let at = |m: f64, velocity| flat(away(from_deg, m), velocity, SAME);
        // Inside, it is a loss now, and goes on for as long as the definition says: for ever, or until it has left.
        let equal = judge(&a, &at(part * d, own), &minima).conflict().expect("inside");
        let near = judge(&a, &at(part * d, other), &minima).conflict().expect("inside");
        for e in [&equal, &near] {
            prop_assert!(e.violation_now && e.tin_s == 0.0 && e.tout_s > 0.0, "{:?}", e);
            prop_assert!(e.tcpa_s.is_finite() && e.dcpa_m <= e.d0_m, "{:?}", e);
        }
        prop_assert_eq!((equal.tout_s, equal.tcpa_s, equal.dcpa_m), (TOUT_MAX_S, 0.0, equal.d0_m));
        prop_assert!(near.tout_s >= ((1.0 - part) * d / left).min(TOUT_MAX_S) * (1.0 - 1e-9), "{:?}", near);
        prop_assert!(equal.dcpa_m - near.dcpa_m <= left * 1200.0 + 1e-9, "{:?} {:?}", equal, near);
        // Outside by a metre, it takes a metre in the horizon to matter.
        let beside = at(d + 1.0, other);
        prop_assert!(left * 300.0 > 1.0 || judge(&a, &beside, &minima) == Verdict::Clear);
        let head_on = at(d + 1.0, plus(own, away(from_deg + 180.0, v)));
        // Within a thousandth of the limit rounding of the sum decides.
        if (v * 300.0 - 1.0).abs() > 1e-3 {
            prop_assert_eq!(judge(&a, &head_on, &minima) != Verdict::Clear, v * 300.0 > 1.0);
        }
        let limits = WellClear { lateral_mm, ..WellClear::SMALL };
        prop_assert!(matches!(well_clear(&a, &at(part * d, other), &limits), Verdict::Conflict(l) if l.now));
        prop_assert!(left * 120.0 > 1.0 || well_clear(&a, &beside, &limits) == Verdict::Clear);
    }

    #[test]
    fn the_edge_of_d_is_outside_and_anything_less_is_inside(lateral_mm in 1i64..=Minima::LATERAL_MAX_MM, own in prop::array::uniform2(-300.0..300.0f64)) {
        let minima = minima(lateral_mm, 300_000);
        let d = metres(&minima);
        let a = flat([0.0; 2], own, SAME);
        let beside = |m: f64| flat([m, 0.0], own, SAME);
        prop_assert_eq!(judge(&a, &beside(d), &minima), Verdict::Clear);
        for part in [1e-12, 1e-9, 1e-6, 1e-3] {
            let e = judge(&a, &beside(d * (1.0 - part)), &minima).conflict().expect("inside");
            prop_assert!(e.violation_now && (e.d0_m - d).abs() <= d * part * 1.01, "{:?}", e);
            prop_assert_eq!(judge(&a, &beside(d * (1.0 + part)), &minima), Verdict::Clear);
        }
        let limits = WellClear { lateral_mm, ..WellClear::SMALL };
        prop_assert!(matches!(well_clear(&a, &beside(d), &limits), Verdict::Conflict(l) if l.now));
        prop_assert_eq!(well_clear(&a, &beside(d * (1.0 + 1e-12)), &limits), Verdict::Clear);
    }

    #[test]
    fn a_loss_that_begins_at_the_horizon_is_none_and_one_before_it_is(
        lateral_mm in 1_000i64..20_000_000, horizon_ms in 10_000i64..1_800_000, speed in 1.0..600.0f64, first in 1e-6..1.0f64,
    ) {
        let minima = minima(lateral_mm, horizon_ms);
        let (d, t) = (metres(&minima), horizon_ms as f64 / 1000.0);
        let a = flat([0.0; 2], [0.0; 2], SAME);
        // Whole metres, and a power of two: then every sum, square and quotient is exact.
        let (whole, seconds) = (2f64.powi(speed.log2() as i32), (horizon_ms / 1000) as f64);
        let exact = Minima { lateral_mm: lateral_mm / 1000 * 1000, horizon_ms: horizon_ms / 1000 * 1000, ..minima };
        let edge = flat([metres(&exact) + whole * seconds, 0.0], [-whole, 0.0], SAME);
        prop_assert_eq!(judge(&a, &edge, &exact), Verdict::Clear);
        let before = |s: f64| flat([d + speed * (t - s), 0.0], [-speed, 0.0], SAME);
        let e = judge(&a, &before(first), &minima).conflict().expect("before the horizon");
        prop_assert!(e.tin_s < t && (e.tin_s - (t - first)).abs() < 1e-6, "{:?}", e);
        prop_assert_eq!(judge(&a, &before(-1e-6), &minima), Verdict::Clear);
    }

    #[test]
    fn a_vertical_rate_of_next_to_nothing_is_judged_as_none(apart in 0i32..6_000_000, h in 1_000i32..3_048_000, power in -12.0..0.0f64, up in any::<bool>()) {
        let minima = Minima { vertical: Height(h), ..Minima::DEFAULT };
        let rate = if up { 10f64.powf(power) } else { -(10f64.powf(power)) };
        let a = climbing([0.0; 2], SAME, 0.0);
        let found = |vu: f64| judge(&a, &climbing([0.0; 2], Height(apart), vu), &minima).conflict();
        // They stand over each other: the level alone decides, as the definition has it.
        let level = found(0.0);
        prop_assert_eq!(level.is_some(), apart < h);
        let per_s = rate * 10_000.0;
        let begins = if apart < h { 0.0 } else { f64::from(apart - h) / -per_s };
        let moving = found(rate);
        // Of one that is exactly H off only what comes nearer is a conflict, at once.
        let meets = apart < h || !up && begins < 300.0;
        prop_assert_eq!(moving.is_some(), meets, "{:?}", moving);
        if let Some(e) = moving {
            prop_assert!((e.tin_s - begins).abs() < 1e-6, "{:?}", e);
            let ends = if up { f64::from(h - apart) / per_s } else { f64::from(apart + h) / -per_s };
            prop_assert!((e.tout_s - ends.min(TOUT_MAX_S)).abs() < 1e-6 * ends.max(1.0), "{:?}", e);
        }
        // Rates that are equal are none, whatever they are.
        let (low, high) = (climbing([0.0; 2], SAME, rate), climbing([0.0; 2], Height(apart), rate));
        prop_assert_eq!(judge(&low, &high, &minima).conflict().map(|e| e.tout_s), level.map(|e| e.tout_s));
    }

    #[test]
    fn exactly_h_apart_is_clear_in_either_reference_and_a_unit_less_is_not(x in -2_000_000i32..150_000_000, h in 1i32..30_480_000, mps in -30.0..30.0f64) {
        let minima = Minima { vertical: Height(h), ..Minima::DEFAULT };
        let pair = |dz: i32, geometric: bool| {
            let k = |at: i32| {
                let k = climbing([0.0; 2], Height(at), mps);
                if geometric { k.with_heights(None, Some(Height(at))) } else { k }
            };
            judge(&k(x), &k(x + dz), &minima).conflict()
        };
        for geometric in [false, true] {
            for dz in [h, -h, h + 1, -h - 1] {
                prop_assert_eq!(pair(dz, geometric), None, "{}", dz);
            }
            for dz in [h - 1, 1 - h] {
                let e = pair(dz, geometric).expect("a tenth of a millimetre within");
                prop_assert!(e.violation_now && e.vertical_now == Some(i64::from(h) - 1) && e.vertical_at_cpa == e.vertical_now);
            }
        }
    }

    #[test]
    fn mixed_references_are_clear_at_the_stated_allowance_and_not_before(x in -2_000_000i64..150_000_000, h in 1i32..6_000_000) {
        let minima = Minima { vertical: Height(h), ..Minima::DEFAULT };
        let pressure = climbing([0.0; 2], Height(x as i32), 0.0);
        let found = |y: i64| {
            let geometric = climbing([0.0; 2], SAME, 0.0).with_heights(None, Some(Height(y as i32)));
            judge(&pressure, &geometric, &minima)
        };
        let fixed = i64::from(h) + i64::from(MIXED_ALLOWANCE.0);
        // Below, the greater height is the other's; above, the first height at which the allowance is covered.
        let below = x - (fixed + x.max(0) / MIXED_PART);
        let covered = |y: i64| y - x >= fixed + y.max(0) / MIXED_PART;
        let near = (x + fixed) + (x + fixed).max(0) / (MIXED_PART - 1);
        let above = (near - 5..near + 5).find(|y| covered(*y)).expect("covered there");
        for (edge, within) in [(below, below + 1), (above, above - 1)] {
            prop_assert_eq!(found(edge), Verdict::Clear);
            let e = found(within).conflict().expect("within the allowance");
            prop_assert_eq!((e.basis, e.violation_now), (AltitudeBasis::Mixed, true));
        }
        // Of volumes: a lower limit over another's upper one, apart beyond the allowance and 1 cm.
        let volume = |lower: Limit, upper: Limit| {
            let outline = Outline::Circle { centre: Vertex::default(), radius_mm: 1_000_000 };
            PreparedVolume::prepare(&Volume4d { outline, lower, upper, start: Utc(0), end: Utc(1) }).expect("a volume")
        };
        let at = |h: i64, r| Limit::At(Altitude::Known(Height(h as i32), r));
        let low = volume(Limit::Unlimited, at(x, Reference::Pressure));
        let mut edge = x + i64::from(MIXED_ALLOWANCE.0) + 100;
        while edge - x - i64::from(MIXED_ALLOWANCE.0) - edge.max(0) / MIXED_PART <= 100 {
            edge += ((x.max(0) / 40_000).max(1)).min(100 - (edge - x - i64::from(MIXED_ALLOWANCE.0) - edge.max(0) / MIXED_PART) + 1).max(1);
        }
        for (h, clear) in [(edge, true), (edge - 1, false)] {
            let high = volume(at(h, Reference::Msl), Limit::Unlimited);
            let got = volume_volume(&low, &high);
            prop_assert_eq!(got == Overlap::Clear, clear, "{} {:?}", h, got);
            prop_assert!(got.meeting().is_none_or(|m| m.vertical_unknown));
        }
    }
}

/// As near as numbers of a moved pair are (properties.rs): places by 1e-8 m, times by as much at a metre per second.
fn alike(a: &Verdict<Encounter>, b: &Verdict<Encounter>, off_m: f64, slowest: f64) -> Result<(), TestCaseError> {
    match (a, b) {
        (Verdict::Conflict(x), Verdict::Conflict(y)) => {
            let all = format!("{off_m}: {x:?}\n{y:?}");
            let (m, s) = (off_m * 2.0 + 1e-6, (off_m * 2.0 + 1e-6) / slowest);
            prop_assert!((x.d0_m - y.d0_m).abs() <= m && (x.dcpa_m - y.dcpa_m).abs() <= m, "{}", all);
            prop_assert!((x.tin_s - y.tin_s).abs() <= s && (x.tout_s - y.tout_s).abs() <= s, "{}", all);
            prop_assert_eq!(x.violation_now, y.violation_now);
        }
        (a, b) => prop_assert!(false, "{:?} {:?}", a, b),
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn poles_antimeridian_and_north_are_places_and_a_course_like_any_other(
        lon in -180.0..180.0f64, trk in 0.0..360.0f64, way_m in 15_000.0..48_000.0f64, from in 0.0..360.0f64, power in -12.0..-3.0f64, south in any::<bool>(),
    ) {
        let (off, sign) = (10f64.powf(power), if south { -1.0 } else { 1.0 });
        let off_m = off * 111_700.0;
        // One flies at the other head on: the numbers are as steep as they are simple.
        let meets = |place: (f64, f64), other: &State| {
            let (lat, lon) = earth::direct(place.0, place.1, from, way_m);
            let towards = earth::inverse(lat, lon, place.0, place.1).expect("near").1;
            judge(&at(other), &at(&on_earth(lat, lon, 300.0, towards)), &Minima::DEFAULT)
        };
        let still = |lat: f64, lon: f64| State { gs_kt: 0.0, ..on_earth(lat, lon, 0.0, trk) };
        // At the pole every longitude is the same place, and next to it nearly so.
        let pole = meets((sign * 90.0, 0.0), &still(sign * 90.0, 0.0));
        prop_assert!(pole.conflict().is_some());
        alike(&pole, &meets((sign * 90.0, 0.0), &still(sign * 90.0, lon)), 0.0, 100.0)?;
        alike(&pole, &meets((sign * 90.0, 0.0), &still(sign * (90.0 - off), lon)), off_m, 100.0)?;
        // A course at the pole is one along a meridian: of longitude 0 to the north it is that of any other, turned.
        let moving = |lon: f64, trk: f64| meets((sign * 90.0, 0.0), &State { gs_kt: 20.0, ..on_earth(sign * 90.0, lon, 0.0, trk) });
        alike(&moving(0.0, trk), &moving(lon, trk + sign * lon), 0.0, 100.0)?;
        // 180 degrees east is 180 degrees west.
        let (lat, edge) = (sign * 48.0, (sign * 48.0, 180.0));
        let east = meets(edge, &State { lon: 180.0, ..still(lat, 0.0) });
        prop_assert!(east.conflict().is_some());
        alike(&east, &meets(edge, &State { lon: -180.0, ..still(lat, 0.0) }), 0.0, 100.0)?;
        for lon in [180.0 - off, off - 180.0] {
            alike(&east, &meets(edge, &State { lon, ..still(lat, 0.0) }), off_m, 100.0)?;
        }
        // North is 0 and 360, and what is next to either.
        let course = |trk_deg: f64| meets(edge, &State { lat: lat - 0.01, lon: -180.0, gs_kt: 20.0, trk_deg, ..still(lat, 0.0) });
        let north = course(0.0);
        alike(&north, &course(360.0), 0.0, 100.0)?;
        // 10 m/s for 400 s, turned by so much.
        for trk in [off, 360.0 - off] {
            alike(&north, &course(trk), 4_000.0 * off.to_radians(), 100.0)?;
        }
        prop_assert_eq!(format!("{north:?}"), format!("{:?}", course(-0.0)));
    }

    #[test]
    fn a_speed_of_nothing_has_no_course_and_next_to_nothing_is_like_it(place in place(), from in 0.0..360.0f64, trk in 0.0..360.0f64, power in -12.0..-2.0f64) {
        let (lat, lon) = earth::direct(place.0, place.1, from, 20_000.0);
        let Some((_, towards)) = earth::inverse(lat, lon, place.0, place.1) else { return Ok(()) };
        let other = at(&on_earth(lat, lon, 300.0, towards));
        let verdict = |mps: f64, trk: f64| judge(&at(&on_earth(place.0, place.1, mps * 3600.0 / 1852.0, trk)), &other, &Minima::DEFAULT);
        let still = verdict(0.0, 0.0);
        prop_assert!(still.conflict().is_some());
        prop_assert_eq!(format!("{still:?}"), format!("{:?}", verdict(0.0, trk)));
        let mps = 10f64.powf(power);
        // It ends within 300 s; the closest approach is looked for in as many.
        alike(&still, &verdict(mps, trk), mps * 300.0, 100.0)?;
    }

    #[test]
    fn two_in_one_place_with_one_velocity_are_in_conflict_now_and_stay_so(place in place(), trk in 0.0..360.0f64, kt in prop_oneof![Just(0.0), 0.0..4_000.0f64], d in 1i64..20_000_000) {
        let a = at(&on_earth(place.0, place.1, kt, trk));
        let e = judge(&a, &a, &minima(d, 300_000)).conflict().expect("in one place");
        prop_assert_eq!((e.tin_s, e.tout_s, e.tcpa_s, e.dcpa_m, e.d0_m), (0.0, TOUT_MAX_S, 0.0, 0.0, 0.0));
        prop_assert!(e.violation_now && e.vertical_at_cpa == Some(0));
        let limits = WellClear { lateral_mm: d, ..WellClear::DO_365 };
        prop_assert!(matches!(well_clear(&a, &a, &limits), Verdict::Conflict(l) if l.now && l.tout_s == TOUT_MAX_S));
        let item = Item { track: a, class: AircraftClass::Civil };
        prop_assert_eq!(sweep(&[item, item], &MinimaTable::uniform(minima(d, 300_000))).pairs[0].encounter, e);
    }

    /// Truth: a geodesic flown at one that stands on it, whatever the minimum. In 300 km a great circle, which is what a track is
    /// taken to fly, leaves the geodesic by some metres.
    #[test]
    fn one_that_stands_in_the_way_is_found_on_time(
        place in place(), from in 0.0..360.0f64, mps in 10.0..700.0f64, lateral_mm in prop_oneof![100_000i64..2_000_000, 100_000i64..40_000_000],
        part in 0.01..1.0f64, longer in 1.0..300.0f64, beside in 0.0..0.9f64,
    ) {
        let in_s = f64::min(300_000.0 / mps, 1_500.0) * part;
        let minima = minima(lateral_mm, ((in_s + longer) * 1000.0) as i64);
        let d = metres(&minima);
        // On a way that leads by beside it, not at it; it enters at a slant.
        let slant = (1.0 - beside * beside).sqrt();
        let target = earth::direct(place.0, place.1, from + 90.0, beside * d);
        let (lat, lon) = earth::direct(place.0, place.1, from, mps * in_s + d * slant);
        let Some((_, towards)) = earth::inverse(lat, lon, place.0, place.1) else { return Ok(()) };
        let stands = at(&on_earth(target.0, target.1, 0.0, 0.0));
        let flies = at(&on_earth(lat, lon, mps * 3600.0 / 1852.0, towards));
        let verdict = judge(&stands, &flies, &minima);
        let Verdict::Conflict(e) = verdict else {
            return Err(TestCaseError::fail(format!("{d} m, {mps} m/s, {in_s} s: {verdict:?}")));
        };
        // The stated 0.4 % of D, with its slope. On the way the ground is another distance from the centre, by 1 in 6,000 after
        // 300 km, and so is the speed.
        let off_m = (0.01 * d + 2.0 + mps * in_s / 6_000.0) / slant;
        let check = |e: &Encounter| {
            prop_assert!((e.tin_s - in_s).abs() * mps < off_m, "{} m: {} s, not {} s: {:?}", d, e.tin_s, in_s, e);
            // At the end of a line the tangent is 0.085 D above the ground.
            if in_s + d / mps < 1_200.0 {
                prop_assert!((e.dcpa_m - beside * d).abs() < 0.1 * d + 10.0, "{} m, beside {} D: {:?}", d, beside, e);
            }
            Ok(())
        };
        check(&e)?;
        // The same in pieces: it rises by 10 ft, faster than noise, and stays there.
        let rises = at(&State { alt_ft: 29_990.0, vs_fpm: 600.0, ..on_earth(target.0, target.1, 0.0, 0.0) });
        let level = Some((Height::from_feet(30_000), Reference::Pressure));
        let path = Path::of(&rises, &Known { level, route: Vec::new() }, 300.0);
        prop_assert!(path.intent().level);
        match path_path(&path, &Path::straight(&flies), &minima) {
            Verdict::Conflict(e) => check(&e)?,
            other => prop_assert!(false, "{} m: {:?}", d, other),
        }
    }
}

#[test]
fn a_sweep_finds_what_lies_behind_the_bend_of_the_earth_for_small_minima() {
    // A crowd that stands, and fast ones flown at it from as far as the horizon leads, judged by 100 m to a mile.
    for (lateral_mm, horizon_ms, kt) in
        [(100_000, 300_000, 450.0), (300_000, 900_000, 480.0), (1_852_000, 600_000, 1_200.0)]
    {
        let minima = minima(lateral_mm, horizon_ms);
        let (mut states, way) = (Vec::new(), kt * 1852.0 / 3600.0 * horizon_ms as f64 / 1000.0);
        for n in 0..60 {
            let n = f64::from(n);
            let stands = (47.0 + 0.03 * n, 179.9 + 0.007 * n);
            states.push(on_earth(stands.0, stands.1, 0.0, 0.0));
            let (lat, lon) = earth::direct(stands.0, stands.1, 77.0 * n, way * (0.3 + 0.011 * n));
            let towards = earth::inverse(lat, lon, stands.0, stands.1).expect("near").1;
            states.push(on_earth(lat, lon, kt, towards));
        }
        let items: Vec<Item> = states.iter().map(|s| Item { track: at(s), class: AircraftClass::Civil }).collect();
        let table = MinimaTable::uniform(minima);
        let found = sweep(&items, &table);
        assert_eq!(found, brute_force(&items, &table));
        for n in 0..60 {
            let pair = found.pairs.iter().any(|p| (p.i, p.j) == (2 * n, 2 * n + 1));
            assert!(pair, "{lateral_mm} mm: number {n} is flown at, and not found");
        }
    }
}

#[test]
fn age_counts_from_its_first_bound_and_ends_everything_at_its_last() {
    // Two that stand exactly D apart, in a plane, at each age.
    let minima = Minima::DEFAULT;
    let d = metres(&minima);
    let verdict = |apart_m: f64, age_ms: i64| {
        let [a, b] = [0.0, apart_m].map(|m| flat([m, 0.0], [0.0; 2], SAME).at(Utc(age_ms)));
        judge(&a, &b, &minima)
    };
    for age_ms in [-AHEAD_MAX_MS, 0, AGE_FREE_MS] {
        assert_eq!(verdict(d, age_ms), Verdict::Clear, "{age_ms}");
        assert!(verdict(d - 1e-6, age_ms).conflict().is_some_and(|e| e.widened_m == 0.0), "{age_ms}");
    }
    // ½·3·0.001² of each of the two.
    let just = verdict(d, AGE_FREE_MS + 1).conflict().expect("a millisecond too old");
    assert!((just.widened_m - 3e-6).abs() < 1e-12 && just.violation_now, "{just:?}");
    let mut last = 0.0;
    for age_ms in (AGE_FREE_MS + 1..=AGE_MAX_MS).step_by(97).chain([AGE_MAX_MS]) {
        let s = (age_ms - AGE_FREE_MS) as f64 / 1000.0;
        let widened = 2.0 * 0.5 * detect::TURN_MPS2 * s * s;
        let e = verdict(d + widened - 1e-6, age_ms).conflict().expect("within what age adds");
        assert!(e.widened_m > last && (e.widened_m - widened).abs() < 1e-9, "{age_ms}: {e:?}");
        assert_eq!(verdict(d + widened + 1e-6, age_ms), Verdict::Clear, "{age_ms}");
        last = e.widened_m;
    }
    assert_eq!(verdict(0.0, AGE_MAX_MS + 1), Verdict::Unknown(Why::Stale { age_ms: AGE_MAX_MS + 1 }));
    assert_eq!(verdict(0.0, -AHEAD_MAX_MS - 1), Verdict::Unknown(Why::Ahead { ahead_ms: AHEAD_MAX_MS + 1 }));
    // Of two reasons one is given, whichever comes first.
    let [old, ahead] = [0, 80_000].map(|at| {
        let state = PlaneState { east_m: 0.0, north_m: 0.0, ve_mps: 0.0, vn_mps: 0.0, vu_mps: 0.0 };
        Kinematics::from_plane(&state, Utc(at)).expect("near").at(Utc(40_000))
    });
    assert_eq!(judge(&old, &ahead, &minima), Verdict::Unknown(Why::Ahead { ahead_ms: 40_000 }));
}
