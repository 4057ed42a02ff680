//! Volumes: outlines to cells, heights to millimetres above WGS-84.
use super::object::Object;
use super::time::{Rounded, Time};
use crate::backend::{Outline, Volume};
use crate::problem::Problem;
use axum::http::StatusCode;
use cells::{Cell, LatLng, ShapeError, VERTICES_MAX};
use dss::{AreaOfInterest, CELLS_MAX, CellKey, EXTENTS_MAX, Extent};
use serde::Deserialize;

/// Heights of the standard's schema, metres.
pub(crate) const ALTITUDE_M: (f64, f64) = (-8_000.0, 100_000.0);

#[derive(Debug, Deserialize)]
pub(crate) struct Volume4D {
    volume: Object<Volume3D>,
    time_start: Option<Object<Time>>,
    time_end: Option<Object<Time>>,
}

#[derive(Debug, Deserialize)]
struct Volume3D {
    outline_circle: Option<Object<Circle>>,
    outline_polygon: Option<Object<Polygon>>,
    altitude_lower: Option<Object<Altitude>>,
    altitude_upper: Option<Object<Altitude>>,
}

#[derive(Debug, Deserialize)]
struct Circle {
    center: Option<Object<Point>>,
    radius: Option<Object<Radius>>,
}

#[derive(Debug, Deserialize)]
struct Radius {
    value: f64,
    units: String,
}

#[derive(Debug, Deserialize)]
struct Polygon {
    vertices: Vec<Object<Point>>,
}

#[derive(Debug, Deserialize)]
struct Point {
    lat: f64,
    lng: f64,
}

impl Point {
    fn read(&self, field: &str) -> Result<LatLng, Problem> {
        for (name, degrees, most) in [("lat", self.lat, 90.0), ("lng", self.lng, 180.0)] {
            if !(-most..=most).contains(&degrees) {
                return Err(Problem::field(
                    &format!("{field}.{name}"),
                    format!("not between -{most} and {most} degrees"),
                ));
            }
        }
        Ok(LatLng { lat: self.lat, lng: self.lng })
    }
}

#[derive(Debug, Deserialize)]
struct Altitude {
    value: f64,
    reference: String,
    units: String,
}

/// What an entity's volumes must have beside an outline.
#[derive(Clone, Copy)]
pub(crate) struct Needs {
    pub heights: bool,
}

/// Why a volume is refused: an area that is too large has a status of its own in one place.
pub(crate) enum Wrong {
    TooLarge(Problem),
    Other(Problem),
}

impl Wrong {
    /// In searches an area that is too large is answered with 413, where the standard has it.
    pub fn in_search(self) -> Problem {
        match self {
            Self::TooLarge(problem) => Problem { status: StatusCode::PAYLOAD_TOO_LARGE, ..problem },
            Self::Other(problem) => problem,
        }
    }
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::TooLarge(problem) | Wrong::Other(problem) => problem,
        }
    }
}

/// The volumes of an entity: each with an outline and both times.
pub(crate) fn extents(volumes: &[Object<Volume4D>], needs: Needs) -> Result<Vec<Extent>, Problem> {
    if !(1..=EXTENTS_MAX).contains(&volumes.len()) {
        return Err(Problem::field("extents", format!("1 to {EXTENTS_MAX} volumes are needed, not {}", volumes.len())));
    }
    // OiMaxVertices of the standard.
    let vertices: usize = volumes.iter().map(|volume| volume.volume.vertices()).sum();
    if volumes.len() > 1 && vertices > VERTICES_MAX {
        let reason = format!("all volumes together have {vertices} vertices, at most {VERTICES_MAX}");
        return Err(Problem::field("extents", reason));
    }
    let mut total = 0;
    let mut extents = Vec::with_capacity(volumes.len());
    for (number, volume) in volumes.iter().enumerate() {
        let field = format!("extents[{number}]");
        let area = volume.area(&field)?;
        let missing = |name: &str| Problem::field(&format!("{field}.{name}"), "is needed");
        total += area.cells.len();
        if total > CELLS_MAX {
            let reason = format!("all volumes together are larger than {CELLS_MAX} cells of about 1 km²");
            return Err(Problem::field(&field, reason));
        }
        if needs.heights && area.lower.is_none() {
            return Err(missing("volume.altitude_lower"));
        }
        if needs.heights && area.upper.is_none() {
            return Err(missing("volume.altitude_upper"));
        }
        extents.push(Extent {
            start: area.start.ok_or_else(|| missing("time_start"))?,
            end: area.end.ok_or_else(|| missing("time_end"))?,
            cells: area.cells,
            lower: area.lower,
            upper: area.upper,
            levels_up: 0,
        });
    }
    Ok(extents)
}

/// Volumes that were read to extents, with the outlines they had.
pub(crate) fn stated(volumes: &[Object<Volume4D>], extents: &[Extent]) -> Vec<Volume> {
    let volume = |(volume, extent): (&Object<Volume4D>, &Extent)| {
        let outline = volume.volume.outline()?;
        Some(Volume { outline, lower: extent.lower, upper: extent.upper, start: extent.start, end: extent.end })
    };
    volumes.iter().zip(extents).filter_map(volume).collect()
}

impl Volume4D {
    /// As it stands, with what it leaves out left open.
    pub fn area(&self, field: &str) -> Result<AreaOfInterest, Wrong> {
        let read = |time: &Option<Object<Time>>, name: &str, rounded| {
            time.as_ref().map(|time| time.read(&format!("{field}.{name}"), rounded)).transpose()
        };
        let start = read(&self.time_start, "time_start", Rounded::Down)?;
        let end = read(&self.time_end, "time_end", Rounded::Up)?;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(Problem::field(&format!("{field}.time_end"), "before time_start").into());
        }
        let height = |altitude: &Option<Object<Altitude>>, name: &str, rounded| {
            altitude.as_ref().map(|a| a.millimetres(&format!("{field}.volume.{name}"), rounded)).transpose()
        };
        let lower = height(&self.volume.altitude_lower, "altitude_lower", Rounded::Down)?;
        let upper = height(&self.volume.altitude_upper, "altitude_upper", Rounded::Up)?;
        if let (Some(lower), Some(upper)) = (lower, upper)
            && lower > upper
        {
            return Err(Problem::field(&format!("{field}.volume.altitude_upper"), "below altitude_lower").into());
        }
        Ok(AreaOfInterest { cells: self.volume.cells(&format!("{field}.volume"))?, start, end, lower, upper })
    }
}

impl Volume3D {
    fn vertices(&self) -> usize {
        self.outline_polygon.as_ref().map_or(0, |polygon| polygon.vertices.len())
    }

    fn outline(&self) -> Option<Outline> {
        let place = |point: &Point| (point.lat, point.lng);
        if let Some(polygon) = &self.outline_polygon {
            return Some(Outline::Polygon(polygon.vertices.iter().map(|vertex| place(vertex)).collect()));
        }
        let circle = self.outline_circle.as_ref()?;
        Some(Outline::Circle(place(circle.center.as_ref()?), circle.radius.as_ref()?.value))
    }

    fn cells(&self, field: &str) -> Result<Vec<CellKey>, Wrong> {
        let (name, cells) = match (&self.outline_circle, &self.outline_polygon) {
            (Some(_), Some(_)) => {
                return Err(Problem::field(field, "outline_circle and outline_polygon: one of them, not both").into());
            }
            (None, None) => return Err(Problem::field(field, "outline_circle or outline_polygon is needed").into()),
            (None, Some(polygon)) => {
                let vertices = polygon.vertices.iter().enumerate();
                let read = vertices.map(|(at, point)| point.read(&format!("{field}.outline_polygon.vertices[{at}]")));
                let vertices: Vec<LatLng> = read.collect::<Result<_, _>>()?;
                ("outline_polygon", cells::polygon(&vertices))
            }
            (Some(circle), None) => {
                let needed = |name: &str| Problem::field(&format!("{field}.outline_circle.{name}"), "is needed");
                let centre = circle.center.as_ref().ok_or_else(|| needed("center"))?;
                let centre = centre.read(&format!("{field}.outline_circle.center"))?;
                let radius = circle.radius.as_ref().ok_or_else(|| needed("radius"))?;
                if radius.units != "M" {
                    return Err(Problem::field(&format!("{field}.outline_circle.radius.units"), "must be \"M\"").into());
                }
                ("outline_circle", cells::circle(centre, radius.value))
            }
        };
        keys(&format!("{field}.{name}"), cells)
    }
}

/// The cells of a shape, if it has some.
pub(crate) fn keys(field: &str, cells: Result<Vec<Cell>, ShapeError>) -> Result<Vec<CellKey>, Wrong> {
    let cells = cells.map_err(|error| {
        let large = matches!(error, ShapeError::AreaTooLarge { .. });
        let problem = Problem::field(field, error);
        if large { Wrong::TooLarge(problem) } else { Wrong::Other(problem) }
    })?;
    Ok(cells.iter().map(key).collect())
}

/// The 35 lower bits of an id of level 13 are the same in all of them.
pub(crate) fn key(cell: &Cell) -> CellKey {
    (cell.id() >> 35) as CellKey
}

impl Altitude {
    fn millimetres(&self, field: &str, rounded: Rounded) -> Result<i64, Problem> {
        for (name, value, needed) in [("units", &self.units, "M"), ("reference", &self.reference, "W84")] {
            if value != needed {
                return Err(Problem::field(&format!("{field}.{name}"), format!("must be \"{needed}\"")));
            }
        }
        if !(ALTITUDE_M.0..=ALTITUDE_M.1).contains(&self.value) {
            let reason = format!("not between {} and {} m", ALTITUDE_M.0, ALTITUDE_M.1);
            return Err(Problem::field(&format!("{field}.value"), reason));
        }
        let exact = self.value * 1000.0;
        // Within a nanometre it is a matter of binary fractions.
        let near = exact.round();
        Ok(if (exact - near).abs() < 1e-6 {
            near as i64
        } else {
            match rounded {
                Rounded::Down => exact.floor() as i64,
                Rounded::Up => exact.ceil() as i64,
            }
        })
    }
}
