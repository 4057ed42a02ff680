//! The grid that positions and volumes are snapped to.
//!
//! Rows are bands of latitude of one height. A row is divided into a whole number of equal columns, at least as wide at
//! its equatorward edge as the row is high (and at most a sixth wider), so that a cell means about the same everywhere.
use airspace::Outline;
use alloc::vec::Vec;
use units::{Position, Vertex};

use crate::area::{GeoBox, WIDTH_MAX_E9, wrap};

/// A grid with rows of `cell_e7` (degrees of latitude × 1e-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    cell_e7: i64,
}

/// One cell: row from the south pole, column from the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub row: i64,
    pub column: i64,
}

const TURN_E7: i64 = 3_600_000_000;
const POLE_E7: i64 = 900_000_000;
/// Radius of the circle round a cell's centre that holds the cell, per unit of its height, millimetres × 100: half a
/// height is 5.59 mm per 1e-7 degree (longest degree of latitude, 111.70 km), half a width 7/6 × 5.57 mm (equator), the
/// diagonal of both 8.58 mm; 1 % covers the sphere's excess in cells of up to 10 degrees.
const RADIUS_PER_E7: i64 = 867;

impl Grid {
    pub(crate) const fn new(cell_e7: u32) -> Self {
        Self { cell_e7: if cell_e7 == 0 { 1 } else { cell_e7 as i64 } }
    }

    /// The coarsest grid whose cells lie within `precision_mm` of their centres; `None` for 0: no grid.
    pub(crate) fn of_precision(precision_mm: u32) -> Option<Self> {
        (precision_mm > 0).then(|| Self { cell_e7: (i64::from(precision_mm) * 100 / RADIUS_PER_E7).max(1) })
    }

    /// Radius round a centre that holds its cell, millimetres, rounded up.
    pub(crate) const fn radius_mm(self) -> i64 {
        (self.cell_e7 * RADIUS_PER_E7 + 99) / 100
    }

    /// Height of a row, degrees × 1e-7.
    pub(crate) const fn cell_e7(self) -> u32 {
        self.cell_e7 as u32
    }

    const fn rows(self) -> i64 {
        (2 * POLE_E7 + self.cell_e7 - 1) / self.cell_e7
    }

    /// Southern edge of a row.
    const fn south(self, row: i64) -> i64 {
        row * self.cell_e7 - POLE_E7
    }

    /// Northern edge of a row.
    fn north(self, row: i64) -> i64 {
        self.south(row + 1).min(POLE_E7)
    }

    fn row(self, lat_e7: i64) -> i64 {
        ((lat_e7 + POLE_E7) / self.cell_e7).clamp(0, self.rows() - 1)
    }

    fn columns(self, row: i64) -> i64 {
        let (south, north) = (self.south(row), self.north(row));
        let equatorward = if south <= 0 && north >= 0 { 0 } else { south.abs().min(north.abs()) };
        let cos = libm::cos((equatorward as f64 / 1e7).to_radians());
        ((TURN_E7 as f64 * cos / self.cell_e7 as f64) as i64).max(1)
    }

    /// The cell of a position.
    pub(crate) fn cell(self, at: Position) -> Cell {
        let row = self.row(at.lat_e7.into());
        Cell { row, column: Self::column(at, self.columns(row)) }
    }

    fn column(at: Position, columns: i64) -> i64 {
        (i64::from(at.lon_e7) + TURN_E7 / 2) * columns / TURN_E7
    }

    /// The westernmost and the easternmost place of the cell of a position, one unit within, on its parallel.
    #[cfg(test)]
    pub(crate) fn ends(self, at: Position) -> [Position; 2] {
        let Cell { row, column } = self.cell(at);
        let edge = |column: i64| column * TURN_E7 / self.columns(row) - TURN_E7 / 2;
        [edge(column) + 1, edge(column + 1) - 1].map(|lon| Position { lon_e7: lon as i32, ..at })
    }

    /// The centre of a cell.
    pub(crate) fn centre(self, cell: Cell) -> Position {
        self.centre_in(cell.row, cell.column, self.columns(cell.row))
    }

    fn centre_in(self, row: i64, column: i64, columns: i64) -> Position {
        let lat = (self.south(row) + self.north(row)) / 2;
        let lon = (2 * column + 1) * TURN_E7 / (2 * columns) - TURN_E7 / 2;
        Position { lat_e7: lat as i32, lon_e7: lon as i32 }
    }

    /// A position as the centre of its cell.
    pub(crate) fn snap(self, at: Position) -> Position {
        let row = self.row(at.lat_e7.into());
        // Its cosine is most of the work: once for both ways.
        let columns = self.columns(row);
        self.centre_in(row, Self::column(at, columns), columns)
    }

    /// The smallest box of whole cells that holds the box; `None` at a pole or if it is too wide.
    pub(crate) fn snap_box(self, b: &GeoBox) -> Option<GeoBox> {
        let south = self.south(self.row(b.south_e9.div_euclid(100)));
        let top = self.row(b.north_e9.div_euclid(100) + 1);
        let north = self.north(top);
        if south <= -POLE_E7 || north >= POLE_E7 {
            return None;
        }
        // The columns of the row nearest to a pole are the widest.
        let (low, high) = (self.row(south), top);
        let columns = self.columns(low).min(self.columns(high));
        let turn_e9 = TURN_E7 * 100;
        let from_west = i128::from(b.west_e9 + turn_e9 / 2);
        let (n, turn) = (i128::from(columns), i128::from(turn_e9));
        let first = (from_west * n).div_euclid(turn);
        let past = ((from_west + i128::from(b.width_e9)) * n).div_euclid(turn) + 1;
        let edge = |column: i128| column * turn / n;
        let width_e9 = (edge(past) - edge(first)) as i64 + 1;
        let west_e9 = wrap(edge(first) as i64 - turn_e9 / 2);
        (width_e9 < WIDTH_MAX_E9).then_some(GeoBox { south_e9: south * 100, north_e9: north * 100, west_e9, width_e9 })
    }
}

/// The box as a polygon that surely holds it.
///
/// Edges of a polygon are shortest lines, which leave a parallel towards the pole: the equatorward side would cut into
/// the box. So the sides along parallels have a corner every quarter degree (the line is then at most 7.6 m off) and
/// stand 11 m outside.
pub(crate) fn polygon(b: &GeoBox) -> Option<Outline> {
    const STEP_E9: i64 = 250_000_000;
    const PAD_E9: i64 = 100_000;
    let parts = (b.width_e9 + STEP_E9 - 1) / STEP_E9;
    let lons = |i: i64| wrap(b.west_e9 + b.width_e9 * i / parts.max(1));
    let mut points = Vec::with_capacity(2 * parts as usize + 2);
    for i in 0..=parts.max(1) {
        points.push(Vertex::new(b.south_e9 - PAD_E9, lons(i)).ok()?);
    }
    for i in (0..=parts.max(1)).rev() {
        points.push(Vertex::new(b.north_e9 + PAD_E9, lons(i)).ok()?);
    }
    Some(Outline::Polygon(points))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::cover;
    use proptest::prelude::*;
    use units::earth;

    proptest! {
        #[test]
        fn a_position_lies_within_the_label_of_its_snapped_one(
            lat in -900_000_000..=900_000_000i32, lon in -1_800_000_000..1_800_000_000i32,
            cell in 100_000..=100_000_000u32, precision in 1_000..=200_000_000u32,
        ) {
            let at = Position::new(lat, lon).unwrap();
            let fine = Grid::of_precision(precision).unwrap();
            prop_assert!(fine.radius_mm() <= i64::from(precision) + 10);
            for grid in [Grid::new(cell), fine] {
                let centre = grid.snap(at);
                prop_assert_eq!(centre, grid.centre(grid.cell(at)));
                prop_assert_eq!(Position::new(centre.lat_e7, centre.lon_e7), Ok(centre));
                prop_assert_eq!(grid.cell(centre), grid.cell(at), "a centre is in its cell");
                let (a, b) = (earth::surface(at.lat(), at.lon()), earth::surface(centre.lat(), centre.lon()));
                let chord = earth::norm(earth::sub(a, b));
                let arc = 2.0 * earth::MEAN_RADIUS * libm::asin((chord / 2.0 / earth::MEAN_RADIUS).min(1.0));
                // 2 cm: one unit of rounding of the centre itself.
                prop_assert!(arc * 1000.0 <= grid.radius_mm() as f64 + 20.0, "{arc} m, {grid:?}");
            }
        }

        #[test]
        fn a_snapped_box_holds_the_box_and_its_polygon_holds_that(
            lat in -75.0..75.0f64, lon in -180.0..180.0f64, radius in 1_000..100_000_000i64, cell in 100_000..=20_000_000u32,
        ) {
            let centre = Vertex::from_degrees(lat, lon).unwrap();
            let exact = cover(&Outline::Circle { centre, radius_mm: radius }).unwrap()[0];
            if let Some(snapped) = Grid::new(cell).snap_box(&exact) {
                prop_assert!(snapped.south_e9 <= exact.south_e9 && exact.north_e9 <= snapped.north_e9);
                let offset = wrap(exact.west_e9 - snapped.west_e9);
                prop_assert!(offset >= 0 && offset + exact.width_e9 <= snapped.width_e9, "{exact:?} {snapped:?}");
                let Some(Outline::Polygon(points)) = polygon(&snapped) else { panic!("no polygon") };
                prop_assert!(Outline::Polygon(points.clone()).check().is_ok());
            } else {
                prop_assert!(lat.abs() > 60.0, "only near a pole is there none");
            }
        }

        #[test]
        fn the_same_cells_are_released_for_every_volume_within_them(
            lat in -60_000..60_000i64, lon in -179_000..179_000i64, a in 1..99i64, b in 1..99i64,
        ) {
            // Two small boxes anywhere in one cell give one and the same answer: nothing finer than the cell shows.
            let grid = Grid::new(10_000_000);
            let at = |f: i64| {
                let lat = (lat / 1000 * 1000 + f * 10) * 1_000_000;
                let cell = grid.cell(Position::new((lat / 100) as i32, (lon * 10_000) as i32).unwrap());
                let columns = grid.columns(cell.row);
                let west = cell.column * TURN_E7 / columns * 100 - TURN_E7 * 50;
                let width = TURN_E7 * 100 / columns;
                GeoBox { south_e9: lat, north_e9: lat + 1, west_e9: west + width * f / 100, width_e9: 1 }
            };
            prop_assert_eq!(grid.snap_box(&at(a)), grid.snap_box(&at(b)));
        }
    }

    #[test]
    fn a_side_along_a_parallel_stays_outside_the_box() {
        let b = GeoBox::from_degrees(46.0, 7.0, 47.0, 9.0);
        let Some(Outline::Polygon(points)) = polygon(&b) else { panic!("no polygon") };
        assert_eq!(points.len(), 18);
        for side in points[..9].windows(2) {
            let (p, q) = (earth::surface(side[0].lat(), side[0].lon()), earth::surface(side[1].lat(), side[1].lon()));
            let middle = [0, 1, 2].map(|k| (p[k] + q[k]) / 2.0);
            let (lat, _) = earth::geodetic(middle);
            assert!(lat < 46.0, "{lat}");
        }
    }
}
