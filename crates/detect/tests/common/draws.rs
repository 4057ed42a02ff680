//! Draws of traffic and volumes for the property tests, and how they are moved.
#![allow(dead_code, missing_docs)]
use airspace::{Limit, Outline, Site, SiteCategory, Verification, Volume4d};
use detect::{Kinematics, Known, Minima, State, WellClear};
use proptest::prelude::*;
use track::TrackReport;
use units::{Altitude, Angle, Height, NM_MM, Position, Reference, Speed, Utc, Vertex, VerticalRate, earth};

/// Two tracks, their reports so old (milliseconds) at time 0.
#[derive(Debug, Clone)]
pub struct Two {
    pub states: [State; 2],
    pub ages_ms: [i64; 2],
    /// Heights above WGS-84, feet, for those that say theirs.
    pub geometric_ft: [Option<i32>; 2],
}

impl Two {
    pub fn tracks(&self) -> [Kinematics; 2] {
        [0, 1].map(|n| {
            let track = Kinematics::from_state(&self.states[n], Utc(-self.ages_ms[n])).expect("on earth");
            let geometric = self.geometric_ft[n].map(Height::from_feet);
            track.with_heights(track.pressure(), geometric).at(Utc(0))
        })
    }

    /// As reports at a time so much later.
    pub fn reports(&self, by_ms: i64) -> [TrackReport; 2] {
        [0, 1].map(|n| {
            let s = &self.states[n];
            let mut report = TrackReport::new(
                1,
                Position::from_degrees(s.lat, s.lon).expect("on earth"),
                Utc(by_ms - self.ages_ms[n]),
            );
            report.pressure = Height::from_feet_f64(s.alt_ft);
            report.geometric = self.geometric_ft[n].map(Height::from_feet);
            report.speed = s.gs_kt.is_finite().then(|| Speed::from_knots(s.gs_kt));
            report.track = Angle::from_degrees(s.trk_deg);
            report.vertical_rate = Some(VerticalRate::from_fpm(s.vs_fpm));
            report
        })
    }

    pub fn moved(&self, to: &Move) -> Self {
        Self { states: self.states.each_ref().map(|s| to.state(s)), ..self.clone() }
    }
}

/// A place: anywhere, at a pole, at the antimeridian, at the equator.
pub fn place() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        4 => (-89.9..89.9f64, -180.0..180.0f64),
        1 => (prop::sample::select(vec![90.0, -90.0, 89.9999, -89.99, 89.5]), -180.0..180.0f64),
        1 => (-70.0..70.0f64, prop::sample::select(vec![180.0, -180.0, 179.9999, -179.999])),
        1 => (Just(0.0), -180.0..180.0f64),
    ]
}

fn speed() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => 60.0..600.0f64,
        2 => Just(450.0),
        1 => Just(0.0),
        1 => 1e-7..1.0f64,
        1 => 600.0..4000.0f64,
        1 => Just(f64::NAN)
    ]
}

fn vertical() -> impl Strategy<Value = (f64, f64)> {
    let alt = prop_oneof![
        6 => (100..130i32).prop_map(|fl| f64::from(fl) * 100.0),
        3 => 9_000.0..14_000.0f64,
        1 => Just(f64::NAN)
    ];
    (alt, prop_oneof![3 => Just(0.0), 2 => -4000.0..4000.0f64, 1 => -1.0..1.0f64])
}

fn age() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0i64), 2 => -5_000i64..30_000, 1 => prop::sample::select(vec![5_000, 5_001, 30_000, 30_001, -5_000, -5_001])]
}

/// Two that pass near a point at about the same time, or fly together, or anyhow.
pub fn two() -> impl Strategy<Value = Two> {
    let first = (place(), speed(), 0.0..360.0f64, vertical());
    let second = (speed(), 0.0..360.0f64, vertical(), 0u8..8);
    let meeting = (0.0..700.0f64, -60.0..60.0f64, 0.0..360.0f64, 0.0..30_000.0f64);
    let feet = || prop::option::weighted(0.3, 9_000..14_000i32);
    (first, second, meeting, (age(), age()), (feet(), feet())).prop_map(|(first, second, meeting, ages, geometric)| {
        let ((lat, lon), gs_kt, trk_deg, (alt_ft, vs_fpm)) = first;
        let a = State { lat, lon, alt_ft, gs_kt, trk_deg, vs_fpm };
        let (gs_kt, trk_deg, (alt_ft, vs_fpm), kind) = second;
        let (in_s, apart_s, off_deg, off_m) = meeting;
        let mps = |kt: f64| if kt.is_finite() { kt * 1852.0 / 3600.0 } else { 0.0 };
        let b = match kind {
            // Together.
            0 => {
                let (lat, lon) = earth::direct(lat, lon, off_deg, off_m / 2.0);
                State { lat, lon, alt_ft, gs_kt: a.gs_kt, trk_deg: a.trk_deg, vs_fpm: a.vs_fpm }
            }
            1 => {
                let (lat, lon) = earth::direct(lat, lon, off_deg, 20.0 * off_m);
                State { lat, lon, alt_ft, gs_kt, trk_deg, vs_fpm }
            }
            _ => {
                let there = earth::direct(lat, lon, a.trk_deg, mps(a.gs_kt) * in_s);
                let beside = earth::direct(there.0, there.1, off_deg, off_m);
                let (lat, lon) =
                    earth::direct(beside.0, beside.1, trk_deg + 180.0, mps(gs_kt) * (in_s + apart_s).max(0.0));
                let (_, towards) = earth::inverse(lat, lon, beside.0, beside.1).unwrap_or((0.0, trk_deg));
                State { lat, lon, alt_ft, gs_kt, trk_deg: towards.rem_euclid(360.0), vs_fpm }
            }
        };
        Two {
            states: [a, State { lon: earth::wrap_degrees(b.lon), ..b }],
            ages_ms: ages.into(),
            geometric_ft: geometric.into(),
        }
    })
}

pub fn minima() -> impl Strategy<Value = Minima> {
    let d = prop_oneof![3 => Just(5 * NM_MM), 1 => 50_000i64..20 * NM_MM];
    let h = prop_oneof![3 => Just(Height::from_feet(1000)), 1 => (300_000i32..6_096_000).prop_map(Height)];
    let t = prop_oneof![3 => Just(300_000i64), 1 => 10_000i64..900_000];
    (d, h, t).prop_map(|(lateral_mm, vertical, horizon_ms)| Minima { lateral_mm, vertical, horizon_ms })
}

pub fn limits() -> impl Strategy<Value = WellClear> {
    let sets = prop::sample::select(vec![WellClear::DO_365, WellClear::DO_365_TERMINAL, WellClear::SMALL]);
    (sets, 0i64..60_000, 0i64..60_000, any::<bool>()).prop_map(|(set, tau_ms, coaltitude_ms, own)| {
        if own { WellClear { tau_ms, coaltitude_ms, ..set } } else { set }
    })
}

/// What may be known of a track: a level so much higher, and turns.
#[derive(Debug, Clone)]
pub struct Knows {
    level_ft: Option<i32>,
    turns: Vec<(f64, f64)>,
}

pub fn known() -> impl Strategy<Value = Knows> {
    let turns = prop::collection::vec((-90.0..90.0f64, 3_000.0..40_000.0f64), 0..4);
    (prop::option::of(-6_000..6_000i32), turns).prop_map(|(level_ft, turns)| Knows { level_ft, turns })
}

impl Knows {
    pub fn of(&self, s: &State) -> Known {
        let level = self.level_ft.filter(|_| s.alt_ft.is_finite());
        let level = level.map(|ft| (Height::from_feet(s.alt_ft as i32 + ft), Reference::Pressure));
        let (mut at, mut azimuth) = ((s.lat, s.lon), s.trk_deg);
        let mut route = vec![at];
        for (turn, way) in &self.turns {
            at = earth::direct(at.0, at.1, azimuth, *way);
            azimuth += turn;
            route.push(at);
        }
        let vertex = |(lat, lon): (f64, f64)| Vertex::from_degrees(lat, earth::wrap_degrees(lon)).expect("on earth");
        Known { level, route: route.into_iter().map(vertex).collect() }
    }
}

/// A move of the whole picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Move {
    None,
    /// About the axis, degrees × 1e-9.
    Turn(i64),
    NorthSouth,
    EastWest,
}

pub fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (-180_000_000_000i64..180_000_000_000).prop_map(Move::Turn),
        1 => prop::sample::select(vec![180_000_000_000i64, 90_000_000_000, 1]).prop_map(Move::Turn),
        2 => Just(Move::NorthSouth),
        1 => Just(Move::EastWest),
    ]
}

impl Move {
    pub fn state(&self, s: &State) -> State {
        match self {
            Self::None => *s,
            Self::Turn(e9) => State { lon: earth::wrap_degrees(s.lon + *e9 as f64 / 1e9), ..*s },
            Self::NorthSouth => State { lat: -s.lat, trk_deg: 180.0 - s.trk_deg, ..*s },
            Self::EastWest => State { lon: -s.lon, trk_deg: -s.trk_deg, ..*s },
        }
    }

    fn vertex(&self, v: &Vertex) -> Vertex {
        let (lat, lon) = match self {
            Self::None => (v.lat_e9, v.lon_e9),
            Self::Turn(e9) => (v.lat_e9, v.lon_e9 + e9),
            Self::NorthSouth => (-v.lat_e9, v.lon_e9),
            Self::EastWest => (v.lat_e9, -v.lon_e9),
        };
        Vertex::new(lat, (lon + 180_000_000_000).rem_euclid(360_000_000_000) - 180_000_000_000).expect("on earth")
    }

    pub fn volume(&self, v: &Volume4d) -> Volume4d {
        let all = |points: &[Vertex]| points.iter().map(|p| self.vertex(p)).collect();
        let outline = match &v.outline {
            Outline::Polygon(points) => Outline::Polygon(all(points)),
            Outline::Circle { centre, radius_mm } => {
                Outline::Circle { centre: self.vertex(centre), radius_mm: *radius_mm }
            }
            Outline::Corridor { points, half_width_mm } => {
                Outline::Corridor { points: all(points), half_width_mm: *half_width_mm }
            }
        };
        Volume4d { outline, ..v.clone() }
    }
}

/// An outline around a place: of a kind, so large, turned.
fn outline(at: (f64, f64), kind: u8, size_m: f64, turn_deg: f64, parts: &[f64]) -> Outline {
    let vertex = |(lat, lon): (f64, f64)| Vertex::from_degrees(lat, earth::wrap_degrees(lon)).expect("on earth");
    let n = parts.len();
    match kind {
        0 => Outline::Circle { centre: vertex(at), radius_mm: (size_m * 1000.0) as i64 },
        // A star around the place: simple, whatever the lengths of its rays.
        1 => {
            let ray = |(k, part): (usize, &f64)| {
                earth::direct(at.0, at.1, turn_deg + 360.0 * k as f64 / n as f64, size_m * part)
            };
            Outline::Polygon(parts.iter().enumerate().map(ray).map(vertex).collect())
        }
        _ => {
            let mut points = vec![at];
            for (k, part) in parts.iter().take(3).enumerate() {
                let last = points[k];
                points.push(earth::direct(last.0, last.1, turn_deg + 50.0 * k as f64, size_m * part));
            }
            let half_width_mm = (size_m * 1000.0 * parts[0] / 4.0) as i64;
            Outline::Corridor { points: points.into_iter().map(vertex).collect(), half_width_mm }
        }
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    let references = [Reference::Pressure, Reference::Msl, Reference::Wgs84, Reference::Agl];
    prop_oneof![
        1 => Just(Limit::Unlimited),
        1 => Just(Limit::At(Altitude::Unknown)),
        4 => (60..160i32).prop_map(|fl| Limit::At(Altitude::pressure_feet(fl * 100))),
        3 => (6_000..16_000i32, prop::sample::select(references.to_vec())).prop_map(|(ft, r)| Limit::At(Altitude::Known(Height::from_feet(ft), r))),
    ]
}

/// A volume at 0, 0, to be put somewhere; its outline is drawn again there.
#[derive(Debug, Clone)]
pub struct Drawn {
    kind: u8,
    size_m: f64,
    turn_deg: f64,
    parts: Vec<f64>,
    off: (f64, f64),
    lower: Limit,
    upper: Limit,
    window: (i64, i64),
}

pub fn volume() -> impl Strategy<Value = Drawn> {
    let size = (1.0..5.0f64).prop_map(|x| 10f64.powf(x));
    let shape = (0u8..3, size, 0.0..360.0f64, prop::collection::vec(0.2..1.0f64, 3..9));
    (shape, (0.0..360.0f64, 0.0..2.5f64), (limit(), limit()), (-100_000i64..400_000, 0i64..600_000)).prop_map(
        |((kind, size_m, turn_deg, parts), off, (lower, upper), (start, length))| {
            // Limits of one reference the right way round.
            let wrong = matches!((lower, upper), (Limit::At(Altitude::Known(x, r)), Limit::At(Altitude::Known(y, s))) if r == s && x > y);
            let (lower, upper) = if wrong { (upper, lower) } else { (lower, upper) };
            Drawn { kind, size_m, turn_deg, parts, off, lower, upper, window: (start, start + length) }
        },
    )
}

impl Drawn {
    fn at(self, place: (f64, f64)) -> Volume4d {
        let outline = outline(place, self.kind, self.size_m, self.turn_deg, &self.parts);
        Volume4d { outline, lower: self.lower, upper: self.upper, start: Utc(self.window.0), end: Utc(self.window.1) }
    }
}

/// On the way of a track, or beside it.
pub fn ahead_of(s: &State, drawn: Drawn) -> Volume4d {
    let (turn, part) = drawn.off;
    let way = 120.0 * if s.gs_kt.is_finite() { s.gs_kt * 0.5144 } else { 0.0 };
    let there = earth::direct(s.lat, s.lon, s.trk_deg, way.min(60_000.0) * part);
    let place = earth::direct(there.0, there.1, turn, drawn.size_m * part / 2.0);
    drawn.at(place)
}

/// Two volumes near each other; circles apart or over each other by few millimetres, too.
pub fn volumes() -> impl Strategy<Value = [Volume4d; 2]> {
    let gap =
        prop::option::of(prop::sample::select(vec![-0.02, -0.011, -0.0065, -0.003, 0.0, 0.003, 0.0065, 0.011, 0.02]));
    (place(), volume(), volume(), gap).prop_map(|(place, a, mut b, gap)| {
        let (turn, part) = b.off;
        match gap {
            Some(gap) if a.kind == 0 => {
                b.kind = 0;
                let mm = |m: f64| ((m * 1000.0) as i64) as f64 / 1000.0;
                let there = earth::direct(place.0, place.1, turn, mm(a.size_m) + mm(b.size_m) + gap);
                [a.at(place), b.at(there)]
            }
            _ => {
                let there = earth::direct(place.0, place.1, turn, (a.size_m + b.size_m) * part);
                [a.at(place), b.at(there)]
            }
        }
    })
}

pub fn later(v: Volume4d, by_ms: i64) -> Volume4d {
    Volume4d { start: v.start.plus_ms(by_ms), end: v.end.plus_ms(by_ms), ..v }
}

pub fn longer(v: &Volume4d, by_ms: i64) -> Volume4d {
    Volume4d { start: v.start.plus_ms(-by_ms), end: v.end.plus_ms(by_ms / 2), ..v.clone() }
}

/// A larger circle, a wider corridor; a polygon as it is.
pub fn wider(v: &Volume4d, by_mm: i64) -> Volume4d {
    let outline = match v.outline.clone() {
        Outline::Polygon(points) => Outline::Polygon(points),
        Outline::Circle { centre, radius_mm } => Outline::Circle { centre, radius_mm: radius_mm + by_mm },
        Outline::Corridor { points, half_width_mm } => {
            Outline::Corridor { points, half_width_mm: half_width_mm + by_mm }
        }
    };
    Volume4d { outline, ..v.clone() }
}

pub fn taller(v: &Volume4d, by: i32) -> Volume4d {
    let moved = |limit: Limit, by: i32| match limit {
        Limit::At(Altitude::Known(h, r)) => Limit::At(Altitude::Known(Height(h.0 + by), r)),
        other => other,
    };
    Volume4d { lower: moved(v.lower, -by), upper: moved(v.upper, by), ..v.clone() }
}

pub fn site(footprint: Outline, buffer_mm: i64) -> Site {
    Site {
        category: SiteCategory::Hospital,
        name: None,
        footprint,
        buffer_mm,
        verification: Verification::FieldChecked,
        expires: Utc(0),
    }
}
