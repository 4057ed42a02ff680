//! The earth model shared by every detector: WGS-84, a point on the surface as an ECEF vector (`wgs84-ecef-1`).
//!
//! Distances over a few hundred kilometres are chords; against geodesic truth the chord of 5 NM is short by 0.8 mm.
//! Only `libm` is used, so the same inputs give the same bits on every platform.

/// Name of this model, stored with every decision.
pub const MODEL: &str = "wgs84-ecef-1";
/// Semi-major axis, metres.
pub const A: f64 = 6_378_137.0;
/// Flattening.
pub const F: f64 = 1.0 / 298.257_223_563;
/// First eccentricity squared.
pub const E2: f64 = F * (2.0 - F);
/// Mean radius, metres (for bounds only, never for a decision).
pub const MEAN_RADIUS: f64 = 6_371_008.8;

/// A vector in earth-centred, earth-fixed axes, metres or metres per second.
pub type Vec3 = [f64; 3];

/// Surface point (height 0) in ECEF, metres.
#[must_use]
pub fn surface(lat_deg: f64, lon_deg: f64) -> Vec3 {
    let (slat, clat) = libm::sincos(lat_deg.to_radians());
    let (slon, clon) = libm::sincos(lon_deg.to_radians());
    let n = A / libm::sqrt(1.0 - E2 * slat * slat);
    [n * clat * clon, n * clat * slon, n * (1.0 - E2) * slat]
}

/// Velocity over ground as an ECEF tangent vector, m/s. `track_deg` clockwise from true north.
#[must_use]
pub fn velocity(lat_deg: f64, lon_deg: f64, speed_mps: f64, track_deg: f64) -> Vec3 {
    let (slat, clat) = libm::sincos(lat_deg.to_radians());
    let (slon, clon) = libm::sincos(lon_deg.to_radians());
    let (east, north) = libm::sincos(track_deg.to_radians());
    let (east, north) = (east * speed_mps, north * speed_mps);
    [-slon * east - slat * clon * north, clon * east - slat * slon * north, clat * north]
}

/// `a - b`.
#[must_use]
pub fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// Scalar product, terms added left to right.
#[must_use]
pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Length of `a`.
#[must_use]
pub fn norm(a: Vec3) -> f64 {
    libm::sqrt(dot(a, a))
}

/// Geodetic latitude and longitude in degrees of an ECEF point near the surface (Bowring, one step: below 1 mm there).
#[must_use]
pub fn geodetic(p: Vec3) -> (f64, f64) {
    let r = libm::hypot(p[0], p[1]);
    let b = A * (1.0 - F);
    let ep2 = E2 / (1.0 - E2);
    let beta = libm::atan2(p[2] * A, r * b);
    let (sb, cb) = libm::sincos(beta);
    let lat = libm::atan2(p[2] + ep2 * b * sb * sb * sb, r - E2 * A * cb * cb * cb);
    (lat.to_degrees(), libm::atan2(p[1], p[0]).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_comes_back_from_ecef() {
        for (lat, lon) in [(0.0, 0.0), (47.5, 8.5), (-89.999, 179.9), (89.999_999, -12.0), (51.0, -179.999_9)] {
            let (la, lo) = geodetic(surface(lat, lon));
            assert!((la - lat).abs() < 1e-9 && (lo - lon).abs() < 1e-7, "{lat} {lon}: {la} {lo}");
        }
    }

    #[test]
    fn velocity_is_tangent_and_keeps_its_length() {
        for (lat, lon, trk) in [(0.0, 0.0, 90.0), (60.0, 170.0, 231.0), (-90.0, 0.0, 10.0)] {
            let v = velocity(lat, lon, 231.5, trk);
            assert!((norm(v) - 231.5).abs() < 1e-9);
        }
    }
}
