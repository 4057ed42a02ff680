//! Outlines, volumes, limits, altitudes, places, times.
use crate::json::Node;
use airspace::{Limit, Outline, Volume4d, limits};
use record::TextLimits;
use serde::Serialize;
use std::ops::RangeInclusive;
use units::{Altitude, Height, Position, Reference, Utc, Vertex};

/// Words of the references.
const REFERENCES: [(&str, Reference); 4] =
    [("pressure", Reference::Pressure), ("msl", Reference::Msl), ("wgs84", Reference::Wgs84), ("agl", Reference::Agl)];

/// Times that are taken: from 1970 to the end of the year 9999.
const TIMES_MS: RangeInclusive<i64> = 0..=253_402_300_799_999;

/// The range in which a level can lie at all, the same as that of a track report: -2,000 m to 100,000 m.
const HEIGHTS_M: RangeInclusive<f64> = -2000.0..=100_000.0;

/// An altitude; `None` where nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AltitudeWire {
    value_ft: f64,
    reference: &'static str,
}

/// A point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Place {
    lat: f64,
    lon: f64,
}

/// A ground track.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum OutlineWire {
    Polygon { points: Vec<[f64; 2]> },
    Circle { centre: [f64; 2], radius_m: f64 },
    Corridor { points: Vec<[f64; 2]>, half_width_m: f64 },
}

/// A volume in a time window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct VolumeWire {
    outline: OutlineWire,
    lower: Option<AltitudeWire>,
    upper: Option<AltitudeWire>,
    start_utc_ms: i64,
    end_utc_ms: i64,
}

pub(crate) const fn reference_name(reference: Reference) -> &'static str {
    match reference {
        Reference::Pressure => "pressure",
        Reference::Msl => "msl",
        Reference::Wgs84 => "wgs84",
        Reference::Agl => "agl",
    }
}

pub(crate) fn altitude(altitude: Altitude) -> Option<AltitudeWire> {
    match altitude {
        Altitude::Unknown => None,
        Altitude::Known(height, reference) => {
            Some(AltitudeWire { value_ft: height.feet(), reference: reference_name(reference) })
        }
    }
}

pub(crate) fn place(position: Position) -> Place {
    Place { lat: position.lat(), lon: position.lon() }
}

pub(crate) fn vertex(at: Vertex) -> Place {
    Place { lat: at.lat(), lon: at.lon() }
}

fn point(vertex: &Vertex) -> [f64; 2] {
    [vertex.lon(), vertex.lat()]
}

pub(crate) fn outline(outline: &Outline) -> OutlineWire {
    let points = |points: &[Vertex]| points.iter().map(point).collect();
    match outline {
        Outline::Polygon(of) => OutlineWire::Polygon { points: points(of) },
        Outline::Circle { centre, radius_mm } => {
            OutlineWire::Circle { centre: point(centre), radius_m: super::metres(*radius_mm) }
        }
        Outline::Corridor { points: of, half_width_mm } => {
            OutlineWire::Corridor { points: points(of), half_width_m: super::metres(*half_width_mm) }
        }
    }
}

pub(crate) fn volume(volume: &Volume4d) -> VolumeWire {
    let limit = |limit| match limit {
        Limit::Unlimited => None,
        Limit::At(at) => altitude(at),
    };
    VolumeWire {
        outline: outline(&volume.outline),
        lower: limit(volume.lower),
        upper: limit(volume.upper),
        start_utc_ms: volume.start.0,
        end_utc_ms: volume.end.0,
    }
}

// --- reading ------------------------------------------------------------------------------------------------------

pub(crate) fn read_utc(node: &Node<'_>) -> Option<Utc> {
    node.integer(TIMES_MS).map(Utc)
}

/// A point, or an area by its centre and the distance to its farthest corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Where {
    pub at: Vertex,
    pub radius_mm: i64,
}

impl Where {
    /// Whether it is more than a square of a metre, whose corners are 0.71 m from its centre.
    pub fn is_area(self) -> bool {
        self.radius_mm > 1_000
    }

    /// The centre as reports and notices have it.
    pub fn position(self) -> Option<Position> {
        Position::from_degrees(self.at.lat(), self.at.lon()).ok()
    }
}

/// `{"text"}` in any notation, or `{"lat","lon"}` in degrees.
pub(crate) fn read_where(node: &Node<'_>) -> Option<Where> {
    let mut o = node.object()?;
    if o.has("text") {
        let place = o.required("text").and_then(|n| {
            let text = n.text(1..=notation::TEXT_MAX)?;
            notation::parse(text).map_or_else(|e| n.refuse(e.to_string()), Some)
        });
        o.end();
        return place.map(|p| Where { at: p.at, radius_mm: p.radius_mm });
    }
    let lat = o.required("lat").and_then(|n| n.number(-90.0..=90.0));
    let lon = o.required("lon").and_then(|n| n.number(-180.0..=180.0));
    o.end();
    match Vertex::from_degrees(lat?, lon?) {
        Ok(at) => Some(Where { at, radius_mm: 0 }),
        Err(error) => node.refuse(error.to_string()),
    }
}

/// The same, rounded to 1e-7 degrees; of an area the centre.
pub(crate) fn read_place(node: &Node<'_>) -> Option<Position> {
    read_where(node).and_then(Where::position)
}

/// `{"value_ft"|"value_m","reference"}`.
pub(crate) fn read_altitude(node: &Node<'_>) -> Option<Altitude> {
    let mut o = node.object()?;
    let height = match (o.has("value_ft"), o.has("value_m")) {
        (true, true) => {
            let _ = (o.required("value_ft"), o.required("value_m"));
            node.refuse("must have value_ft or value_m, not both")
        }
        (_, true) => o.required("value_m").and_then(|n| n.number(HEIGHTS_M)).and_then(Height::from_metres),
        _ => {
            let feet = HEIGHTS_M.start() / 0.3048..=HEIGHTS_M.end() / 0.3048;
            o.required("value_ft").and_then(|n| n.number(feet)).and_then(Height::from_feet_f64)
        }
    };
    let reference = o.required("reference").and_then(|n| n.word(&REFERENCES));
    o.end();
    Some(Altitude::Known(height?, reference?))
}

fn read_limit(node: Option<Node<'_>>) -> Option<Limit> {
    node.map_or(Some(Limit::Unlimited), |node| read_altitude(&node).map(Limit::At))
}

/// `[lon, lat]`, or an object as [`read_where`] takes it, which must be a point.
fn read_point(node: &Node<'_>) -> Option<Vertex> {
    if node.is_object() {
        let place = read_where(node)?;
        if place.is_area() {
            return node.refuse(format!("is an area of {} m around its centre: give a point", place.radius_mm / 1000));
        }
        return Some(place.at);
    }
    let numbers = node.list(2..=2, |n| n.number(-180.0..=180.0))?;
    match Vertex::from_degrees(numbers[1], numbers[0]) {
        Ok(vertex) => Some(vertex),
        Err(_) => node.refuse("must be [longitude, latitude] in degrees, latitude from -90 to 90"),
    }
}

/// Metres above 0 and at most 1000 NM, as millimetres.
fn read_radius(node: &Node<'_>) -> Option<i64> {
    let metres = node.number(0.001..=limits::RADIUS_MAX_MM as f64 / 1000.0)?;
    Some((metres * 1000.0).round() as i64)
}

/// The points of a polygon: one ring. A list of rings, as GeoJSON has it, is refused by name: a hole would become forbidden
/// space or free space by a guess.
fn read_ring(node: &Node<'_>) -> Option<Vec<Vertex>> {
    match node.nested() {
        (_, 0) => node.list(2..=limits::VERTICES_MAX + 1, read_point),
        (1, 1) => node.refuse("is a list of rings: give the ring itself, a list of points"),
        _ => node.refuse("has more than one ring: holes are not supported, cut the area into polygons without one"),
    }
}

/// An outline; a polygon may repeat its first point at its end, as GeoJSON does.
pub(crate) fn read_outline(node: &Node<'_>) -> Option<Outline> {
    #[derive(Clone, Copy)]
    enum Shape {
        Polygon,
        Circle,
        Corridor,
    }
    let mut o = node.object()?;
    let words = [("polygon", Shape::Polygon), ("circle", Shape::Circle), ("corridor", Shape::Corridor)];
    let outline = match o.required("type").and_then(|n| n.word(&words))? {
        Shape::Polygon => o.required("points").and_then(|n| read_ring(&n)).map(|mut points| {
            if points.len() > 3 && points.first() == points.last() {
                points.pop();
            }
            Outline::Polygon(points)
        }),
        Shape::Circle => {
            // Around an area it is a circle around everything that the area may be.
            let point = |n: &Node<'_>| read_point(n).map(|at| Where { at, radius_mm: 0 });
            let read = |n: Node<'_>| if n.is_object() { read_where(&n) } else { point(&n) };
            let centre = o.required("centre").and_then(read);
            let radius = o.required("radius_m").and_then(|n| read_radius(&n));
            let wider = |c: Where| if c.is_area() { c.radius_mm } else { 0 };
            centre.zip(radius).map(|(c, r)| Outline::Circle { centre: c.at, radius_mm: r + wider(c) })
        }
        Shape::Corridor => {
            let points = o.required("points").and_then(|n| n.list(2..=limits::VERTICES_MAX + 1, read_point));
            let half = o.required("half_width_m").and_then(|n| read_radius(&n));
            points.zip(half).map(|(points, half_width_mm)| Outline::Corridor { points, half_width_mm })
        }
    };
    o.end();
    let outline = outline?;
    match outline.check() {
        Ok(()) => Some(outline),
        Err(error) => node.refuse(error.to_string()),
    }
}

/// A volume, checked.
pub(crate) fn read_volume(node: &Node<'_>) -> Option<Volume4d> {
    let mut o = node.object()?;
    let outline = o.required("outline").and_then(|n| read_outline(&n));
    let lower = read_limit(o.optional("lower"));
    let upper = read_limit(o.optional("upper"));
    let start = o.required("start_utc_ms").and_then(|n| read_utc(&n));
    let end = o.required("end_utc_ms").and_then(|n| read_utc(&n));
    o.end();
    let volume = Volume4d { outline: outline?, lower: lower?, upper: upper?, start: start?, end: end? };
    match volume.check() {
        Ok(()) => Some(volume),
        Err(error) => node.refuse(error.to_string()),
    }
}

/// Volumes of a plan.
pub(crate) fn read_plan_volumes(node: &Node<'_>) -> Option<Vec<Volume4d>> {
    node.list(1..=limits::VOLUMES_MAX, read_volume)
}

/// Volumes of a notice or an avoid area.
pub(crate) fn read_notice_volumes(node: &Node<'_>, least: usize) -> Option<Vec<Volume4d>> {
    node.list(least..=TextLimits::NOTICE_VOLUMES_MAX, read_volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use proptest::prelude::*;

    fn check(body: &str, expect: &str) {
        let got = Json::parse(body.as_bytes()).unwrap().read(read_volume);
        let got = match got {
            Ok(volume) => serde_json::to_string(&super::volume(&volume)).unwrap(),
            Err(p) => p.errors.iter().map(|e| format!("{}: {}", e.field, e.reason)).collect::<Vec<_>>().join("; "),
        };
        assert_eq!(got, expect, "{body}");
    }

    #[test]
    fn volumes_are_read_exactly_or_refused_by_path() {
        let good = r#"{"outline":{"type":"circle","centre":[8.5,47.25],"radius_m":1852.0},"lower":null,"upper":{"value_ft":24000.0,"reference":"pressure"},"start_utc_ms":1,"end_utc_ms":2}"#;
        check(good, good);
        check(
            &good.replace(r#""value_ft":24000.0"#, r#""value_m":100"#),
            &good.replace("24000.0", "328.0839895013123"),
        );
        check(
            &good.replace("[8.5,47.25]", "[8.5,91]"),
            "outline.centre: must be [longitude, latitude] in degrees, latitude from -90 to 90",
        );
        check(&good.replace("[8.5,47.25]", "[181,0]"), "outline.centre[0]: must be between -180 and 180, got 181");
        check(&good.replace("1852.0", "0"), "outline.radius_m: must be between 0.001 and 1852000, got 0");
        check(&good.replace("circle", "blob"), r#"outline.type: must be one of polygon, circle, corridor, got "blob""#);
        check(
            &good.replace(r#""end_utc_ms":2"#, r#""end_utc_ms":0"#),
            ": the window ends (0 ms) before it starts (1 ms)",
        );
        check(
            &good.replace("pressure", "qfe"),
            r#"upper.reference: must be one of pressure, msl, wgs84, agl, got "qfe""#,
        );
        check(
            &good.replace(r#""value_ft":24000.0"#, r#""value_ft":1,"value_m":1"#),
            "upper: must have value_ft or value_m, not both",
        );
        check(
            &good.replace(r#""lower":null"#, r#""lower":{"value_ft":25000,"reference":"pressure"}"#),
            ": the lower limit is above the upper limit",
        );
    }

    #[test]
    fn a_ring_closed_as_in_geojson_is_the_same_polygon() {
        let open = r#"{"outline":{"type":"polygon","points":[[0.0,0.0],[1.0,0.0],[1.0,1.0]]},"lower":null,"upper":null,"start_utc_ms":1,"end_utc_ms":2}"#;
        check(&open.replace("[1.0,1.0]]", "[1.0,1.0],[0.0,0.0]]"), open);
        check(
            &open.replace(",[1.0,1.0]]", ",[0.0,0.0]]"),
            "outline: a polygon needs at least 3 different points, got 2",
        );
        check(&open.replace("[1.0,1.0]]", "[1.0,\"1\"]]"), "outline.points[2][1]: must be a number, got a string");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_as_the_same_value(
            lat in -90_000_000_000i64..=90_000_000_000, lon in -180_000_000_000i64..180_000_000_000,
            height in -20_000_000i32..=1_000_000_000, radius_mm in 1i64..=limits::RADIUS_MAX_MM,
        ) {
            let centre = Vertex::new(lat, lon).unwrap();
            let volume = Volume4d {
                outline: Outline::Circle { centre, radius_mm },
                lower: Limit::At(Altitude::Known(Height(height), Reference::Msl)),
                upper: Limit::Unlimited,
                start: Utc(5),
                end: Utc(6),
            };
            let text = serde_json::to_string(&super::volume(&volume)).unwrap();
            prop_assert_eq!(Json::parse(text.as_bytes()).unwrap().read(read_volume).unwrap(), volume);
        }
    }
}
