//! Polygons made to be awkward, against dense sampling with GeographicLib and against what they are by construction.
use airspace::{Limit, Outline, Volume4d, VolumeError};
use detect::scenario::draw;
use detect::{Overlap, PreparedVolume, volume_volume};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use units::{Utc, Vertex, earth};

type P = (f64, f64);

fn v(p: P) -> Vertex {
    Vertex::from_degrees(p.0, earth::wrap_degrees(p.1)).expect("on earth")
}

fn polygon(points: &[P]) -> Outline {
    Outline::Polygon(points.iter().map(|p| v(*p)).collect())
}

fn corridor(points: &[P], half_m: f64) -> Outline {
    Outline::Corridor { points: points.iter().map(|p| v(*p)).collect(), half_width_mm: (half_m * 1000.0) as i64 }
}

fn circle(p: P, radius_m: f64) -> Outline {
    Outline::Circle { centre: v(p), radius_mm: (radius_m * 1000.0).round() as i64 }
}

fn prepare(outline: &Outline) -> Result<PreparedVolume, VolumeError> {
    let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
    PreparedVolume::prepare(&Volume4d { outline: outline.clone(), lower, upper, start: Utc(0), end: Utc(1) })
}

fn direct(p: P, azimuth: f64, metres: f64) -> P {
    Geodesic::wgs84().direct(p.0, p.1, azimuth, metres)
}

/// In both orders, wound both ways, and however the corners are counted.
fn check(a: &Outline, b: &Outline, want: &str, what: &str) {
    let forms = |outline: &Outline| match outline {
        Outline::Polygon(points) => {
            let (mut back, mut turned) = (points.clone(), points.clone());
            back.reverse();
            turned.rotate_left(points.len() / 2);
            vec![outline.clone(), Outline::Polygon(back), Outline::Polygon(turned)]
        }
        _ => vec![outline.clone()],
    };
    for a in forms(a) {
        for b in forms(b) {
            let (x, y) = (prepare(&a).expect("a volume"), prepare(&b).expect("a volume"));
            for got in [volume_volume(&x, &y), volume_volume(&y, &x)] {
                let got = match got {
                    Overlap::Conflict(_) => "conflict",
                    Overlap::Marginal(_) => "marginal",
                    Overlap::Clear => "clear",
                };
                assert!(want.split('|').any(|w| w == got), "{what}: want {want}, got {got}\n{a:?}\n{b:?}");
            }
            assert!(want == "clear" || x.may_meet(&y), "{what}: the boxes");
        }
    }
}

/// Places that are said to be awkward: the middle of nowhere, poles, the antimeridian, the equator.
const PLACES: [P; 6] = [(48.0, 10.0), (90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (67.0, -179.999), (0.0, 0.0)];

/// A point so many metres north and east of a place, by two geodesics.
fn off(place: P, north: f64, east: f64) -> P {
    let distance = north.hypot(east);
    if distance == 0.0 { place } else { direct(place, east.atan2(north).to_degrees(), distance) }
}

#[test]
fn borders_that_meet_in_every_way_are_told_apart() {
    for place in PLACES {
        let at = |n: f64, e: f64| off(place, n * 1000.0, e * 1000.0);
        // All edges lie on lines through the place, or end on them, so that nothing bends away from what is meant.
        let wedge =
            |from: f64, to: f64, reach: f64| polygon(&[place, direct(place, from, reach), direct(place, to, reach)]);
        check(&wedge(0.0, 90.0, 5e3), &wedge(90.0, 180.0, 5e3), "marginal", "a common edge");
        check(&wedge(0.0, 90.0, 5e3), &wedge(90.0, 180.0, 3e3), "marginal", "part of a common edge, from its end");
        check(&wedge(0.0, 90.0, 5e3), &wedge(180.0, 270.0, 5e3), "marginal", "a common corner");
        check(&wedge(0.0, 90.0, 5e3), &wedge(0.0, 90.0, 5e3), "conflict", "equal");
        check(&wedge(0.0, 90.0, 5e3), &wedge(0.0, 90.0, 3e3), "conflict", "one in the other, two edges in common");
        check(&wedge(0.0, 90.0, 5e3), &wedge(45.0, 135.0, 5e3), "conflict", "half over");
        check(&wedge(0.0, 90.0, 5e3), &wedge(10.0, 80.0, 9e3), "conflict", "through the far edge, a corner in common");
        // T-junctions: a corner in the middle of the other's edge.
        let tee = |n: f64| polygon(&[at(0.0, 2.0), at(n, 1.0), at(n, 3.0)]);
        check(&wedge(0.0, 90.0, 5e3), &tee(-2.0), "marginal", "a corner on an edge, from outside");
        check(&wedge(0.0, 90.0, 5e3), &tee(1.0), "conflict", "a corner on an edge, from inside");
        let above = polygon(&[off(place, -0.011, 2e3), at(-2.0, 1.0), at(-2.0, 3.0)]);
        check(&wedge(0.0, 90.0, 5e3), &above, "clear", "11 mm from the edge");
        let into = polygon(&[off(place, 0.011, 2e3), at(-2.0, 1.0), at(-2.0, 3.0)]);
        check(&wedge(0.0, 90.0, 5e3), &into, "conflict|marginal", "11 mm over the edge");
    }
}

#[test]
fn slivers_are_areas_like_others() {
    for place in PLACES {
        // 10 km long and 2 cm wide: a ribbon along a line through the place.
        let far = direct(place, 40.0, 10_000.0);
        let side = |p: P, metres: f64| direct(p, 130.0 + if p == place { 0.0 } else { turn(place, far) }, metres);
        let ribbon = polygon(&[place, far, side(far, 0.02), side(place, 0.02)]);
        let middle = direct(place, 40.0, 5_000.0);
        check(&ribbon, &circle(middle, 0.5), "conflict", "a circle on the sliver");
        check(&ribbon, &ribbon, "conflict|marginal", "the sliver and itself");
        // Directions from the middle are counted from the ribbon's.
        let (_, along, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(middle.0, middle.1, far.0, far.1);
        let aside = |turn: f64, metres: f64| direct(middle, along + turn, metres);
        let (l, r) = (aside(-100.0, 3_000.0), aside(80.0, 3_000.0));
        check(&ribbon, &corridor(&[l, r], 1.0), "conflict", "a corridor across the sliver");
        check(&ribbon, &polygon(&[l, r, aside(20.0, 4_000.0)]), "conflict", "a triangle across the sliver");
        check(&ribbon, &circle(aside(-90.0, 2_000.0), 1_900.0), "clear", "a circle beside the sliver");
    }
}

/// By how much the direction of a geodesic changes from its beginning to its end.
fn turn(from: P, to: P) -> f64 {
    let (_, there, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(from.0, from.1, to.0, to.1);
    let (_, back, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(to.0, to.1, from.0, from.1);
    back + 180.0 - there
}

#[test]
fn an_edge_a_millimetre_from_a_pole_decides_on_which_side_the_pole_is() {
    for (sign, pole) in [(1.0, (90.0, 0.0)), (-1.0, (-90.0, 0.0))] {
        for mm in [-1.0f64, 1.0] {
            // The edge crosses the meridian of 0° (mm > 0) or of 180° a millimetre from the pole.
            let near: P = (sign * 89.999_999_991, if mm > 0.0 { 0.0 } else { 180.0 });
            let (l, r) = (direct(near, 90.0, 300_000.0), direct(near, 270.0, 300_000.0));
            let over: P = (sign * 85.0, 180.0);
            let area = polygon(&[l, over, r]);
            let over_here = circle((sign * 87.0, 180.0), 10.0);
            check(&area, &over_here, "conflict", "the side of 180°");
            check(&area, &circle((sign * 87.0, 0.0), 10.0), "clear", "the side of 0°");
            check(&area, &circle(pole, 1.0), "conflict", "the pole and a metre around it");
            check(&area, &circle((-pole.0, 0.0), 1.0), "clear", "the other pole");
        }
    }
}

#[test]
fn corridors_may_repeat_points_turn_back_and_cross_themselves() {
    for place in PLACES {
        let at = |n: f64, e: f64| off(place, n * 1000.0, e * 1000.0);
        let (a, b, c) = (at(0.0, 0.0), at(0.0, 20.0), at(10.0, 20.0));
        for (line, what) in [
            (vec![a, a, b, b, b, c, c], "points repeated"),
            (vec![a, b, c, b, a], "there and back"),
            (vec![a, b, a, b, c], "a U-turn, and again"),
            (vec![c, b, a, at(10.0, 0.0), at(-10.0, 20.0)], "a loop"),
        ] {
            let strip = corridor(&line, 500.0);
            check(&strip, &circle(at(0.0, 10.0), 1.0), "conflict", what);
            check(&strip, &circle(at(0.0, -0.6), 99.0), "clear", what);
            check(&strip, &circle(at(0.0, -0.6), 101.0), "conflict", what);
            check(&strip, &polygon(&[at(-0.4, 5.0), at(-3.0, 4.0), at(-3.0, 6.0)]), "conflict", what);
            check(&strip, &corridor(&[at(-5.0, 10.0), at(5.0, 10.0)], 1.0), "conflict", what);
        }
        assert!(prepare(&corridor(&[a, a, a], 500.0)).is_err(), "a line of one place");
    }
}

#[test]
fn what_is_no_area_is_refused_and_what_is_huge_is_bounded() {
    let refused = |points: &[P]| prepare(&polygon(points)).expect_err("refused");
    for place in PLACES {
        let at = |n: f64, e: f64| off(place, n * 1000.0, e * 1000.0);
        for (points, what) in [
            (vec![at(0.0, 0.0), at(0.0, 5.0), at(5.0, 0.0), at(5.0, 5.0)], "a bow tie"),
            (vec![at(0.0, 0.0), at(5.0, 0.0), at(5.0, 5.0), at(0.0, 0.0), at(-5.0, 0.0), at(-5.0, -5.0)], "an eight"),
            (vec![at(0.0, 0.0), at(9.0, 0.0), at(0.0, 0.0), at(0.0, 9.0)], "there and back"),
        ] {
            assert!(matches!(refused(&points), VolumeError::SelfIntersection { .. }), "{what} at {place:?}");
        }
    }
    assert!(matches!(refused(&[(0.0, 0.0), (0.0, 0.0), (1.0, 1.0)]), VolumeError::TooFewPoints { .. }));
    assert!(matches!(refused(&[(0.0, 0.0), (0.0, 140.0), (60.0, 70.0)]), VolumeError::TooLong { .. }));
    let round: Vec<P> = (0..9).map(|n| (0.5, f64::from(n) * 40.0)).collect();
    let half = prepare(&polygon(&round)).expect("nearly half of the earth");
    assert!(half.may_meet(&prepare(&circle((80.0, 3.0), 1.0)).expect("a circle")));
    check(&polygon(&round), &circle((80.0, 3.0), 1.0), "conflict", "in the northern half");
    check(&polygon(&round), &circle((-80.0, 3.0), 1.0), "clear", "in the southern half");
    check(&circle((10.0, 0.0), 1_852_000.0), &circle((10.0, 33.0), 1_852_000.0), "conflict", "the widest circles");
}

/// The slow oracle: points all over an outline, a few hundred metres apart, each asked by winding numbers in the azimuths from it.
mod sampled {
    use super::*;

    /// Whether a point lies in a ring, by how often the ring goes round it: geodesics are cut into short pieces, so that the
    /// direction from the point to the ring's pieces turns by little. Valid for rings well below half of the earth.
    pub fn inside(p: P, ring: &[P]) -> bool {
        let geod = Geodesic::wgs84();
        let azimuth = |q: P| -> f64 {
            let (_, azimuth, _, _): (f64, f64, f64, f64) = geod.inverse(p.0, p.1, q.0, q.1);
            azimuth
        };
        let turned: f64 = dense(ring, 24).windows(2).map(|w| earth::wrap_degrees(azimuth(w[1]) - azimuth(w[0]))).sum();
        turned.abs() > 180.0
    }

    /// A ring's edges cut into `n` pieces, the first point again at the end.
    pub fn dense(ring: &[P], n: u32) -> Vec<P> {
        let geod = Geodesic::wgs84();
        let mut out = Vec::new();
        for k in 0..ring.len() {
            let (a, b) = (ring[k], ring[(k + 1) % ring.len()]);
            let (length, azimuth, _, _): (f64, f64, f64, f64) = geod.inverse(a.0, a.1, b.0, b.1);
            out.extend((0..n).map(|j| direct(a, azimuth, length * f64::from(j) / f64::from(n))));
        }
        out.push(ring[0]);
        out
    }
}

#[test]
fn polygons_circles_and_corridors_meet_where_dense_sampling_says() {
    let (mut met, mut apart) = (0, 0);
    for i in 0..150u64 {
        let u = |j: u64| draw(77, 64 * i + j);
        let place = PLACES[(i % 6) as usize];
        let scale = 10f64.powf(3.0 + 2.7 * u(0));
        let star = |k: u64, centre: P| -> Vec<P> {
            let n = 3 + (u(k) * 6.0) as u64;
            let corner = |c: u64| {
                let angle = 360.0 * (c as f64 + 0.7 * u(k + 1 + c)) / n as f64;
                direct(centre, angle, scale * (0.3 + 0.7 * u(k + 10 + c)))
            };
            (0..n).map(corner).map(|p| (v(p).lat(), v(p).lon())).collect()
        };
        let (a, b) = (star(1, place), star(21, direct(place, 360.0 * u(41), 2.4 * scale * u(42))));
        let (Ok(x), Ok(y)) = (prepare(&polygon(&a)), prepare(&polygon(&b))) else { continue };
        // Whatever part of one lies in the other, a border of one lies in the other, or all of it does.
        let in_other = sampled::dense(&a, 24).iter().any(|p| sampled::inside(*p, &b))
            || sampled::dense(&b, 24).iter().any(|p| sampled::inside(*p, &a));
        let got = volume_volume(&x, &y);
        // A sample may miss a corner that is cut off; where it finds something, it is there.
        if in_other {
            assert!(matches!(got, Overlap::Conflict(_)), "{i}: {a:?} {b:?}");
        } else if got != Overlap::Clear {
            // Then a finer look must find it.
            let finer = sampled::dense(&a, 600).iter().any(|p| sampled::inside(*p, &b))
                || sampled::dense(&b, 600).iter().any(|p| sampled::inside(*p, &a));
            assert!(finer || matches!(got, Overlap::Marginal(_)), "{i}: {a:?} {b:?}");
        }
        (met, apart) = (met + usize::from(in_other), apart + usize::from(got == Overlap::Clear));
        // A circle and a corridor at the same places, by the distance to points of the border.
        let geod = Geodesic::wgs84();
        let c = direct(place, 360.0 * u(50), 2.0 * scale * u(51));
        let distance = |q: &P| -> f64 { geod.inverse(c.0, c.1, q.0, q.1) };
        let border = sampled::dense(&a, 200).iter().map(distance).fold(f64::INFINITY, f64::min);
        if !sampled::inside(c, &a) && border > 1.0 {
            check(&polygon(&a), &circle(c, border * 0.99), "clear", &format!("circle {i}"));
            check(&polygon(&a), &circle(c, border + 0.02), "conflict", &format!("circle {i}"));
            let line: Vec<P> = a.iter().copied().chain([a[0]]).collect();
            check(&corridor(&line, border * 0.5), &circle(c, border * 0.49), "clear", &format!("corridor {i}"));
            check(
                &corridor(&line, border * 0.5),
                &circle(c, border * 0.5 + 0.02),
                "conflict",
                &format!("corridor {i}"),
            );
        }
    }
    println!("{met} met, {apart} apart");
    assert!(met > 40 && apart > 30, "{met} met, {apart} apart");
}
