//! Volumes from GeoJSON (RFC 7946), the format every map tool writes.
//!
//! In scope: `FeatureCollection`, `Feature`, bare geometry; `Polygon`, `MultiPolygon`, `Point` with a radius, `LineString` with
//! a half width. Out of scope: holes (airspace has none; a hole would become forbidden space or free space by a guess) and
//! other coordinate systems, both refused. A third coordinate of a point is not taken: limits are stated as such.
use crate::cli::values::{self, When};
use airspace::{Limit, Outline};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use units::{NM_MM, Vertex};

/// A shape, with what its properties say of limits and times.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Ground track.
    pub outline: Outline,
    /// Property `lower`.
    pub lower: Option<Limit>,
    /// Property `upper`.
    pub upper: Option<Limit>,
    /// Property `start`.
    pub start: Option<When>,
    /// Property `end`.
    pub end: Option<When>,
    /// Which feature of the document it is of, counted from 0; a `MultiPolygon` makes several shapes.
    pub feature: usize,
    /// Every property of the feature, and its `id`, if it has one.
    pub properties: Map<String, Value>,
}

impl Shape {
    /// One that is in no document.
    pub fn of(outline: Outline) -> Self {
        let (lower, upper, start, end) = (None, None, None, None);
        Self { outline, lower, upper, start, end, feature: 0, properties: Map::new() }
    }
}

/// Reads every shape of a document.
pub fn shapes(text: &str) -> Result<Vec<Shape>> {
    let json: Value = serde_json::from_str(text).context("not JSON")?;
    check_crs(&json)?;
    let mut out = Vec::new();
    match json["type"].as_str() {
        Some("FeatureCollection") => {
            let features = json["features"].as_array().context("a FeatureCollection has features")?;
            for (n, feature) in features.iter().enumerate() {
                ensure!(feature["type"] == "Feature", "feature {n} (counted from 0): type must be \"Feature\"");
                read(n, feature, &mut out).with_context(|| format!("feature {n} (counted from 0)"))?;
            }
        }
        Some("Feature") => read(0, &json, &mut out)?,
        Some(_) => geometry(0, &json, &Map::new(), &mut out)?,
        None => bail!("not GeoJSON: there is no \"type\""),
    }
    ensure!(!out.is_empty(), "there is no feature in it");
    Ok(out)
}

/// Old files may name a coordinate system; only the one that RFC 7946 prescribes is taken.
fn check_crs(json: &Value) -> Result<()> {
    let crs = &json["crs"];
    if crs.is_null() {
        return Ok(());
    }
    let name = crs["properties"]["name"].as_str().unwrap_or_default();
    let wgs84 = name.ends_with("CRS84") || name.ends_with("EPSG::4326") || name.ends_with("EPSG:4326");
    ensure!(
        wgs84,
        "the coordinates are in {:?}: convert the file to WGS-84 longitude and latitude (CRS84)",
        values::plain(name)
    );
    Ok(())
}

fn read(n: usize, feature: &Value, out: &mut Vec<Shape>) -> Result<()> {
    let mut properties = feature["properties"].as_object().cloned().unwrap_or_default();
    if !feature["id"].is_null() {
        properties.entry("id").or_insert_with(|| feature["id"].clone());
    }
    geometry(n, &feature["geometry"], &properties, out)
}

fn geometry(feature: usize, geometry: &Value, properties: &Map<String, Value>, out: &mut Vec<Shape>) -> Result<()> {
    let coordinates = &geometry["coordinates"];
    let list = || coordinates.as_array().context("there are no coordinates");
    let outlines = match geometry["type"].as_str().unwrap_or("nothing") {
        "Polygon" => vec![polygon(coordinates)?],
        "MultiPolygon" => list()?.iter().map(polygon).collect::<Result<_>>()?,
        "Point" => {
            let radius_mm = miles(properties, "radius_nm").context("a Point is the centre of a circle")?;
            vec![Outline::Circle { centre: point(coordinates)?, radius_mm }]
        }
        "LineString" => {
            let half_width_mm = miles(properties, "half_width_nm").context("a LineString is the line of a corridor")?;
            vec![Outline::Corridor { points: list()?.iter().map(point).collect::<Result<_>>()?, half_width_mm }]
        }
        other => bail!(
            "{other:?} is no shape taken here: Polygon, MultiPolygon, Point with radius_nm, LineString with half_width_nm"
        ),
    };
    for outline in outlines {
        outline.check()?;
        out.push(Shape {
            outline,
            lower: property(properties, "lower", values::lower)?,
            upper: property(properties, "upper", values::upper)?,
            start: property(properties, "start", values::when)?,
            end: property(properties, "end", values::when)?,
            feature,
            properties: properties.clone(),
        });
    }
    Ok(())
}

fn polygon(rings: &Value) -> Result<Outline> {
    let rings = rings.as_array().context("there are no coordinates")?;
    let [ring] = rings.as_slice() else {
        bail!("a polygon with {} rings: holes are not taken, cut the area into polygons without one", rings.len())
    };
    let mut points =
        ring.as_array().context("a ring is a list of points")?.iter().map(point).collect::<Result<Vec<_>>>()?;
    ensure!(points.len() >= 4 && points.first() == points.last(), "a ring ends with the point that it begins with");
    points.pop();
    Ok(Outline::Polygon(points))
}

fn point(json: &Value) -> Result<Vertex> {
    let numbers = json.as_array().filter(|n| (2..=3).contains(&n.len()));
    let pair = numbers.and_then(|n| Some((n[0].as_f64()?, n[1].as_f64()?)));
    let (lon, lat) = pair.with_context(|| format!("a point is [longitude, latitude] in degrees, got {json}"))?;
    Vertex::from_degrees(lat, lon).context("a point is [longitude, latitude]: are they the wrong way round?")
}

fn miles(properties: &Map<String, Value>, name: &str) -> Result<i64> {
    let miles = properties.get(name).and_then(Value::as_f64);
    let miles = miles.with_context(|| format!("the property {name} (a number, NM) is missing"))?;
    ensure!(miles > 0.0 && miles <= 1000.0, "{name}: {miles} is not above 0 and at most 1000");
    Ok((miles * NM_MM as f64).round() as i64)
}

fn property<T>(properties: &Map<String, Value>, name: &str, read: fn(&str) -> Result<T, String>) -> Result<Option<T>> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => read(text).map(Some).map_err(|e| anyhow::anyhow!("property {name}: {e}")),
        Some(other) => bail!("property {name}: must be text, got {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Altitude;

    const SQUARE: &str = "[[8,47],[9,47],[9,48],[8,48],[8,47]]";

    fn feature(geometry: &str, properties: &str) -> String {
        format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}")
    }

    fn of(kind: &str, coordinates: &str) -> String {
        format!("{{\"type\":\"{kind}\",\"coordinates\":{coordinates}}}")
    }

    #[test]
    fn every_shape_is_read_with_its_properties() {
        let polygon = of("Polygon", &format!("[{SQUARE}]"));
        let collection = format!(
            "{{\"type\":\"FeatureCollection\",\"crs\":{{\"properties\":{{\"name\":\"urn:ogc:def:crs:OGC:1.3:CRS84\"}}}},\"features\":[{},{},{}]}}",
            feature(&polygon, r#"{"lower":"FL100","upper":"unlimited","start":"now","end":"+30m","name":"A"}"#),
            feature(&of("Point", "[8,47,500]"), r#"{"radius_nm":1.5}"#),
            feature(&of("LineString", "[[8,47],[9,47]]"), r#"{"half_width_nm":2}"#),
        );
        let got = shapes(&collection).unwrap();
        let at = |lat, lon| Vertex::from_degrees(lat, lon).unwrap();
        assert_eq!(got[0].outline, Outline::Polygon(vec![at(47.0, 8.0), at(47.0, 9.0), at(48.0, 9.0), at(48.0, 8.0)]));
        assert_eq!(got[0].lower, Some(Limit::At(Altitude::pressure_feet(10_000))));
        assert_eq!(got[0].upper, Some(Limit::Unlimited));
        assert_eq!((got[0].start, got[0].end), (Some(When::FromNow(0)), Some(When::FromNow(1_800_000))));
        assert_eq!(got[1].outline, Outline::Circle { centre: at(47.0, 8.0), radius_mm: 2_778_000 });
        assert_eq!(
            got[2].outline,
            Outline::Corridor { points: vec![at(47.0, 8.0), at(47.0, 9.0)], half_width_mm: 3_704_000 }
        );
        assert_eq!(shapes(&polygon).unwrap()[0].outline, got[0].outline);
        assert_eq!(shapes(&of("MultiPolygon", &format!("[[{SQUARE}],[{SQUARE}]]"))).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_what_to_do() {
        let check = |text: &str, want: &str| {
            assert_eq!(shapes(text).err().map(|e| format!("{e:#}")).unwrap_or_default(), want, "{text}");
        };
        check("{", "not JSON: EOF while parsing an object at line 1 column 1");
        check("{}", "not GeoJSON: there is no \"type\"");
        check("{\"type\":\"FeatureCollection\",\"features\":[]}", "there is no feature in it");
        check(
            &of("Polygon", &format!("[{SQUARE},{SQUARE}]")),
            "a polygon with 2 rings: holes are not taken, cut the area into polygons without one",
        );
        check(&of("Polygon", "[[[8,47],[9,47],[9,48],[8,48]]]"), "a ring ends with the point that it begins with");
        check(&of("Polygon", "[[[8,47],[9,\"47\"]]]"), "a point is [longitude, latitude] in degrees, got [9,\"47\"]");
        check(
            &of("Polygon", "[[[47,108],[9,47],[9,48],[47,108]]]"),
            "a point is [longitude, latitude]: are they the wrong way round?: not a position: latitude 108 (allowed -90 to 90), \
             longitude 47 (allowed -180 to 180)",
        );
        check(
            &of("Point", "[8,47]"),
            "a Point is the centre of a circle: the property radius_nm (a number, NM) is missing",
        );
        check(
            &feature(&of("Point", "[8,47]"), r#"{"radius_nm":0}"#),
            "a Point is the centre of a circle: radius_nm: 0 is not above 0 and at most 1000",
        );
        check(
            &of("GeometryCollection", "[]"),
            "\"GeometryCollection\" is no shape taken here: Polygon, MultiPolygon, Point with radius_nm, LineString with half_width_nm",
        );
        check(
            &feature(&of("Point", "[8,47]"), r#"{"radius_nm":1,"lower":100}"#),
            "property lower: must be text, got 100",
        );
        check(
            &format!(
                "{{\"type\":\"Feature\",\"crs\":{{\"properties\":{{\"name\":\"EPSG:2056\"}}}},\"geometry\":{}}}",
                of("Point", "[8,47]")
            ),
            "the coordinates are in \"EPSG:2056\": convert the file to WGS-84 longitude and latitude (CRS84)",
        );
    }
}
