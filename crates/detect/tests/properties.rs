//! What must hold of every verdict, whatever the traffic: swapped, moved over the globe or in time it stays what it is, and
//! larger minima, buffers, volumes and errors lose nothing.
//!
//! What a move changes by rounding: a place in space has 6.4e6 m and an angle 3.2 rad, of each of which f64 keeps 1.1e-16, so a
//! place moves by less than 1e-8 m and a velocity by less than 1e-12 m/s, which is 1e-9 m in a horizon. So a moved verdict lies
//! between those for a D of 1 mm less and of 1 mm more, with 1e-4 of it as what may be used up. Only begins at the horizon itself
//! are in or out by chance.
#[path = "common/draws.rs"]
mod draws;

use detect::scenario::{Family, SEED, states};
use detect::{
    Encounter, Item, Kinematics, Known, Minima, MinimaTable, Overlap, Pair, Path, PreparedSite, PreparedVolume,
    Presence, State, Sweep, Verdict, WellClear, path_path, slice_m, sweep, track_track, track_volume, volume_volume,
    well_clear,
};
use draws::{Move, known, limits, minima, site, two, volume, volumes};
use proptest::prelude::*;
use track::TrackReport;
use units::{Height, Utc};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

/// Equal to the last bit, the sign of a zero included: a shortest decimal is of one number alone.
fn bits(verdict: &impl std::fmt::Debug) -> String {
    format!("{verdict:?}")
}

/// Clear, not to be told, conflict: what widens can only lead upwards.
fn rank<T>(verdict: &Verdict<T>) -> u8 {
    match verdict {
        Verdict::Clear => 0,
        Verdict::Unknown(_) => 1,
        Verdict::Conflict(_) => 2,
    }
}

fn with_d(minima: &Minima, more_mm: i64) -> Minima {
    Minima { lateral_mm: minima.lateral_mm + more_mm, ..*minima }
}

/// Whether the pair is judged on one line from tangent to tangent.
fn in_one_slice(pair: [&Kinematics; 2], minima: &Minima) -> bool {
    let slice_m = slice_m(minima.lateral_mm as f64 / 1000.0) * 0.999;
    pair.iter().all(|k| k.speed_mps() * (minima.horizon_ms as f64 / 1000.0) < slice_m)
}

/// Whether a verdict may be that of the same pair moved: between the two for a little less and for a little more.
fn between(
    less: &Verdict<Encounter>,
    moved: &Verdict<Encounter>,
    more: &Verdict<Encounter>,
    horizon_ms: i64,
    one_slice: bool,
) -> Result<(), TestCaseError> {
    let at_horizon =
        |v: &Verdict<Encounter>| matches!(v, Verdict::Conflict(e) if e.tin_s > horizon_ms as f64 / 1000.0 - 1e-3);
    let all = format!("{less:?}\n{moved:?}\n{more:?}");
    prop_assert!(rank(less) <= rank(moved) || at_horizon(less), "{}", all);
    prop_assert!(rank(moved) <= rank(more) || at_horizon(moved), "{}", all);
    if let (Verdict::Conflict(less), Verdict::Conflict(moved)) = (less, moved) {
        prop_assert!(moved.tin_s <= less.tin_s && (!one_slice || moved.tout_s >= less.tout_s), "{}", all);
    }
    if let (Verdict::Conflict(moved), Verdict::Conflict(more)) = (moved, more) {
        prop_assert!(more.tin_s <= moved.tin_s && (!one_slice || more.tout_s >= moved.tout_s), "{}", all);
        // Two velocities that differ by 1 µm/s may be equal or not: 1.8 mm in the longest time looked at.
        prop_assert!((more.dcpa_m - moved.dcpa_m).abs() < 2e-3 && (more.d0_m - moved.d0_m).abs() < 1e-6, "{}", all);
        prop_assert_eq!((more.vertical_now, more.basis), (moved.vertical_now, moved.basis));
        prop_assert_eq!((more.velocity_unknown, more.widened_m), (moved.velocity_unknown, moved.widened_m));
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_order_of_a_pair_changes_no_bit(two in two(), minima in minima(), limits in limits(), knows in (known(), known())) {
        let [a, b] = two.tracks();
        prop_assert_eq!(bits(&track_track(&a, &b, &minima)), bits(&track_track(&b, &a, &minima)));
        prop_assert_eq!(bits(&well_clear(&a, &b, &limits)), bits(&well_clear(&b, &a, &limits)));
        let horizon_s = minima.horizon_ms as f64 / 1000.0;
        let (p, q) = (Path::of(&a, &knows.0.of(&two.states[0]), horizon_s), Path::of(&b, &knows.1.of(&two.states[1]), horizon_s));
        prop_assert_eq!(bits(&path_path(&p, &q, &minima)), bits(&path_path(&q, &p, &minima)));
    }

    #[test]
    fn a_pair_moved_over_the_globe_has_the_same_verdict(two in two(), minima in minima(), to in draws::moves()) {
        let ([a, b], [x, y]) = (two.tracks(), two.moved(&to).tracks());
        let moved = track_track(&x, &y, &minima);
        let here = |more_mm| track_track(&a, &b, &with_d(&minima, more_mm));
        if to == Move::EastWest {
            // Sine is odd and cosine even, to the last bit; what is added is added in the same order.
            prop_assert_eq!(bits(&here(0)), bits(&moved));
        }
        between(&here(-1), &moved, &here(1), minima.horizon_ms, in_one_slice([&a, &b], &minima))?;
    }

    #[test]
    fn a_pair_moved_in_time_has_the_same_verdict(two in two(), minima in minima(), limits in limits(), by_ms in -4_000_000_000_000i64..4_000_000_000_000) {
        let ([a, b], [x, y]) = (two.reports(0), two.reports(by_ms));
        let at = |r: &TrackReport, t0| Kinematics::from_report(r, Utc(t0));
        let (here, moved) = ([at(&a, 0), at(&b, 0)], [at(&x, by_ms), at(&y, by_ms)]);
        prop_assert_eq!(bits(&track_track(&here[0], &here[1], &minima)), bits(&track_track(&moved[0], &moved[1], &minima)));
        prop_assert_eq!(bits(&well_clear(&here[0], &here[1], &limits)), bits(&well_clear(&moved[0], &moved[1], &limits)));
        let [p, q] = [here, moved].map(|[a, b]| path_path(&Path::of(&a, &Known::default(), 300.0), &Path::straight(&b), &minima));
        prop_assert_eq!(bits(&p), bits(&q));
    }

    #[test]
    fn larger_minima_lose_no_conflict_and_no_part_of_it(
        two in two(), minima in minima(), d in 0i64..20_000_000, h in 0i32..4_000_000, t in 0i64..120_000,
    ) {
        let [a, b] = two.tracks();
        let narrow = track_track(&a, &b, &minima);
        let wider = [
            Minima { lateral_mm: minima.lateral_mm + d, ..minima },
            Minima { vertical: Height(minima.vertical.0 + h), ..minima },
            Minima { horizon_ms: minima.horizon_ms + t, ..minima },
            Minima { lateral_mm: minima.lateral_mm + d, vertical: Height(minima.vertical.0 + h), horizon_ms: minima.horizon_ms + t },
        ];
        for wide in wider {
            let one_slice = in_one_slice([&a, &b], &minima) && in_one_slice([&a, &b], &wide);
            let found = track_track(&a, &b, &wide);
            // Other slices are other lines, which differ by less than a hundredth of D.
            if !one_slice && wide.lateral_mm < minima.lateral_mm + minima.lateral_mm / 100 {
                continue;
            }
            prop_assert!(rank(&narrow) <= rank(&found), "{:?}\n{:?}: {:?}", narrow, wide, found);
            if !one_slice {
                continue;
            }
            if let (Verdict::Conflict(n), Verdict::Conflict(w)) = (&narrow, &found) {
                prop_assert!(w.tin_s <= n.tin_s, "{:?}\n{:?}", n, w);
                prop_assert!(w.tout_s >= n.tout_s, "{:?}\n{:?}", n, w);
                prop_assert!(w.violation_now || !n.violation_now);
            }
        }
    }

    #[test]
    fn larger_limits_lose_no_loss_of_well_clear(
        two in two(), limits in limits(), d in 0i64..3_000_000, tau in 0i64..60_000, h in 0i32..2_000_000, coaltitude in 0i64..60_000, t in 0i64..60_000,
    ) {
        let [a, b] = two.tracks();
        let narrow = well_clear(&a, &b, &limits);
        for wide in [
            WellClear { lateral_mm: limits.lateral_mm + d, ..limits },
            WellClear { tau_ms: limits.tau_ms + tau, ..limits },
            WellClear { vertical: Height(limits.vertical.0 + h), ..limits },
            WellClear { coaltitude_ms: limits.coaltitude_ms + coaltitude, ..limits },
            WellClear { horizon_ms: limits.horizon_ms + t, ..limits },
        ] {
            let found = well_clear(&a, &b, &wide);
            prop_assert!(rank(&narrow) <= rank(&found), "{:?}\n{:?}: {:?}", narrow, wide, found);
            if let (Verdict::Conflict(n), Verdict::Conflict(w)) = (&narrow, &found) {
                prop_assert!(w.tin_s <= n.tin_s && w.tout_s >= n.tout_s && (w.now || !n.now), "{:?}\n{:?}", n, w);
            }
        }
    }
}

/// A family's aircraft after a move, judged by its minima with D so much larger.
fn swept(states: &[State], family: Family, to: &Move, more_mm: i64) -> Sweep {
    let item = |(i, s): (usize, &State)| Item {
        track: Kinematics::from_state(&to.state(s), Utc(0)).expect("on earth"),
        class: family.class(i as u64),
    };
    let items: Vec<Item> = states.iter().enumerate().map(item).collect();
    let of = family.minima();
    sweep(&items, &MinimaTable::from_fn(|a, b| with_d(&of.get(a, b), more_mm)))
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_picture_moved_over_the_globe_has_the_same_conflicts(to in draws::moves(), seed in 0u64..1_000_000) {
        for family in Family::ALL {
            let states = states(family, 700, SEED + seed);
            let [less, here, more] = [-1, 0, 1].map(|mm| swept(&states, family, &Move::None, mm));
            let moved = swept(&states, family, &to, 0);
            prop_assert_eq!(&here.unknown, &moved.unknown);
            let find = |sweep: &Sweep, p: &Pair| sweep.pairs.iter().find(|q| (q.i, q.j) == (p.i, p.j)).copied();
            let horizon_s = |p: &Pair| {
                let minima = family.minima().get(family.class(p.i as u64), family.class(p.j as u64));
                minima.horizon_ms as f64 / 1000.0
            };
            let at_horizon = |p: &Pair| p.encounter.tin_s > horizon_s(p) - 1e-3;
            for p in &less.pairs {
                prop_assert!(find(&moved, p).is_some() || at_horizon(p), "{} lost {:?}", family.name(), p);
            }
            for p in &moved.pairs {
                let Some(found) = find(&more, p) else {
                    prop_assert!(at_horizon(p), "{} made {:?}", family.name(), p);
                    continue;
                };
                prop_assert!(found.encounter.tin_s <= p.encounter.tin_s, "{}: {:?} {:?}", family.name(), found, p);
            }
        }
    }

    #[test]
    fn a_picture_in_another_order_has_the_same_conflicts(turn in 1usize..600, seed in 0u64..1_000_000) {
        let states = states(Family::Formation, 600, SEED + seed);
        let item = |s: &State| Item { track: Kinematics::from_state(s, Utc(0)).expect("on earth"), class: Family::Formation.class(0) };
        let items: Vec<Item> = states.iter().map(item).collect();
        // Backwards, from anywhere.
        let from = |n: usize| (items.len() - 1 - n + turn) % items.len();
        let other: Vec<Item> = (0..items.len()).map(|n| items[from(n)]).collect();
        let [mut here, mut there] = [&items, &other].map(|items| sweep(items, &MinimaTable::default()).pairs);
        there.iter_mut().for_each(|p| (p.i, p.j) = (from(p.i).min(from(p.j)), from(p.i).max(from(p.j))));
        [&mut here, &mut there].iter_mut().for_each(|pairs| pairs.sort_by_key(|p| (p.i, p.j)));
        prop_assert!(!here.is_empty());
        prop_assert_eq!(bits(&here), bits(&there));
    }
}

fn overlap_rank(overlap: &Overlap) -> u8 {
    match overlap {
        Overlap::Clear => 0,
        Overlap::Marginal(_) => 1,
        Overlap::Conflict(_) => 2,
    }
}

fn prepare(volume: &airspace::Volume4d) -> PreparedVolume {
    PreparedVolume::prepare(volume).unwrap_or_else(|e| panic!("{e}: {volume:?}"))
}

/// What one says well inside its interval (by more than an instant on either side, and the step before it) the other says too.
fn agree(one: &[(f64, f64)], other: &[(f64, f64)]) -> Result<(), TestCaseError> {
    for (one, other) in [(one, other), (other, one)] {
        for (from, to) in one {
            let (from, to) = (from + 2.5 * detect::INSTANT_S, to - 2.5 * detect::INSTANT_S);
            if from < to {
                let within = other.iter().any(|(f, t)| *f <= from && to <= *t);
                prop_assert!(within, "{:?} {:?}", one, other);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn the_order_of_two_volumes_changes_nothing(pair in volumes()) {
        let [a, b] = pair.each_ref().map(prepare);
        prop_assert_eq!(volume_volume(&a, &b), volume_volume(&b, &a));
        prop_assert_eq!(a.may_meet(&b), b.may_meet(&a));
    }

    #[test]
    fn volumes_moved_over_the_globe_or_in_time_meet_as_before(pair in volumes(), to in draws::moves(), by_ms in 0i64..2_000_000_000_000) {
        let here = volume_volume(&prepare(&pair[0]), &prepare(&pair[1]));
        let moved = pair.each_ref().map(|v| to.volume(v));
        // Corners of a mirrored or turned volume are whole units of a corner, so nothing is rounded but in space.
        prop_assert_eq!(here, volume_volume(&prepare(&moved[0]), &prepare(&moved[1])));
        let later = pair.map(|v| prepare(&draws::later(v, by_ms)));
        match (here.meeting(), volume_volume(&later[0], &later[1]).meeting()) {
            (Some(a), Some(b)) => {
                let by = |at: Utc| at.plus_ms(by_ms);
                prop_assert_eq!(detect::Meeting { from: by(a.from), to: by(a.to), ..a }, b);
            }
            (a, b) => prop_assert_eq!(a, b),
        }
    }

    #[test]
    fn larger_volumes_lose_no_overlap(pair in volumes(), wider_mm in 0i64..50_000_000, by_units in 0i32..2_000_000, by_ms in 0i64..1_000_000) {
        let [a, b] = pair.each_ref().map(prepare);
        let before = volume_volume(&a, &b);
        for large in [draws::wider(&pair[0], wider_mm), draws::taller(&pair[0], by_units), draws::longer(&pair[0], by_ms)] {
            let large = prepare(&large);
            let after = volume_volume(&large, &b);
            prop_assert!(overlap_rank(&before) <= overlap_rank(&after), "{:?} {:?}", before, after);
            prop_assert!(large.may_meet(&b) || after == Overlap::Clear);
        }
    }

    #[test]
    fn a_track_moved_with_a_volume_is_in_it_at_the_same_times(two in two(), of in volume(), to in draws::moves(), by_ms in 0i64..2_000_000_000_000) {
        let (state, of) = (two.states[0], draws::ahead_of(&two.states[0], of));
        let at = |s: &State| Kinematics::from_state(s, Utc(0)).expect("on earth");
        let here = track_volume(&at(&state), &prepare(&of), 600.0);
        let moved = track_volume(&at(&to.state(&state)), &prepare(&to.volume(&of)), 600.0);
        prop_assert_eq!((here.now, here.vertical_unknown), (moved.now, moved.vertical_unknown));
        // A bound of the distance of what is far lies within the ball's own rounding.
        prop_assert!((here.lateral_m - moved.lateral_m).abs() < 1e-3, "{} {}", here.lateral_m, moved.lateral_m);
        agree(&here.predicted, &moved.predicted)?;
        let report = |by| two.reports(by)[0];
        let in_time = |by: i64| track_volume(&Kinematics::from_report(&report(by), Utc(by)), &prepare(&draws::later(of.clone(), by)), 600.0);
        prop_assert_eq!(bits(&in_time(0)), bits(&in_time(by_ms)));
    }

    #[test]
    fn a_larger_error_of_a_place_makes_nothing_sure(two in two(), of in volume(), small_m in 0.0..2_000.0f64, more_m in 0.0..5_000.0f64) {
        let of = prepare(&draws::ahead_of(&two.states[0], of));
        let now = |m: f64| {
            let track = Kinematics::from_state(&two.states[0], Utc(0)).expect("on earth").with_accuracy_m(Some(m));
            track_volume(&track, &of, 60.0)
        };
        let (sure, less_sure) = (now(small_m), now(small_m + more_m));
        prop_assert!(less_sure.now == sure.now || less_sure.now == Presence::Marginal, "{:?} {:?}", sure, less_sure);
        prop_assert_eq!(sure.predicted, less_sure.predicted, "where it is predicted to be is not what it may be");
    }

    #[test]
    fn a_larger_buffer_of_a_site_loses_no_flag(two in two(), of in volume(), other in volume(), buffer in 0i64..20_000_000, more in 0i64..20_000_000) {
        let of = draws::ahead_of(&two.states[0], of);
        let other = prepare(&draws::ahead_of(&two.states[1], other));
        let [small, large] = [buffer, buffer + more].map(|mm| PreparedSite::prepare(&site(of.outline.clone(), mm)).expect("a site"));
        let (one, two_) = (small.volume(&other), large.volume(&other));
        prop_assert_eq!(one.distance_m.to_bits(), two_.distance_m.to_bits());
        prop_assert!(two_.inside_buffer || !one.inside_buffer);
        prop_assert!(large.may_meet(&other) || !two_.inside_buffer);
        let track = Kinematics::from_state(&two.states[0], Utc(0)).expect("on earth");
        let (one, two_) = (small.track(&track, 600.0), large.track(&track, 600.0));
        for (from, to) in &one {
            let (from, to) = (from + 2.5 * detect::INSTANT_S, to - 2.5 * detect::INSTANT_S);
            prop_assert!(from >= to || two_.iter().any(|(f, t)| *f <= from && to <= *t), "{:?} {:?}", one, two_);
        }
    }
}
