//! Prints what coverings cost: `cargo run --release -p cells --example cost`.
use cells::{Cell, LatLng, ShapeError, circle, polygon};
use std::hint::black_box;
use std::time::Instant;

fn main() -> Result<(), ShapeError> {
    println!("{:<44} {:>7} {:>12}", "shape", "cells", "microseconds");
    for radius in [100.0, 300.0, 3_000.0, 28_000.0] {
        show(&format!("circle of {radius} m"), || circle(LatLng { lat: 47.1, lng: 8.2 }, radius))?;
    }
    for km in [0.5, 10.0, 49.9] {
        let half = km / 2.0 / 111.19;
        show(&format!("box of {km} km"), || {
            polygon(
                &[(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)]
                    .map(|(y, x)| LatLng { lat: half * y, lng: 8.2 + half * x }),
            )
        })?;
    }
    let star: Vec<LatLng> = (0..10_000)
        .map(|n| {
            let (turn, out) = (f64::from(n) * 0.000_2 * std::f64::consts::PI, if n % 2 == 0 { 0.1 } else { 0.099_5 });
            LatLng { lat: 47.1 + out * turn.sin(), lng: 8.2 + 1.4 * out * turn.cos() }
        })
        .collect();
    show("star of 10,000 vertices", || polygon(&star))?;
    let comb = comb();
    show("comb of 10,000 vertices, 5 km wide", || polygon(&comb))?;
    Ok(())
}

/// Teeth of one length beside each other: the sweep meets all of them at once.
fn comb() -> Vec<LatLng> {
    let tooth = |n: i32| LatLng { lat: f64::from(n) * 5e-6, lng: if (n / 2) % 2 == 0 { 0.0 } else { 0.004 } };
    let mut comb: Vec<LatLng> = (0..9_998).map(tooth).collect();
    comb.extend([LatLng { lat: 0.05, lng: -0.001 }, LatLng { lat: 0.0, lng: -0.001 }]);
    comb
}

fn show(name: &str, cover: impl Fn() -> Result<Vec<Cell>, ShapeError>) -> Result<(), ShapeError> {
    let (count, start, mut runs) = (cover()?.len(), Instant::now(), 0);
    while start.elapsed().as_millis() < 300 {
        black_box(cover()?);
        runs += 1;
    }
    println!("{name:<44} {count:>7} {:>12.1}", start.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
    Ok(())
}
