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

/// Vector product.
#[must_use]
pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
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

/// Length of the geodesic between two points, metres.
///
/// Below 1 mm up to 19,900 km (tested to 0.1 mm at 2,000 km); nearly opposite points, where the series does not
/// settle, get the great circle's length, good to 0.6 %.
#[must_use]
pub fn distance(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    if let Some((length, _)) = inverse(lat1, lon1, lat2, lon2) {
        return length;
    }
    let (p, q) = (surface(lat1, lon1), surface(lat2, lon2));
    let (np, nq) = (norm(p), norm(q));
    libm::atan2(norm(cross(p, q)) / (np * nq), dot(p, q) / (np * nq)) * MEAN_RADIUS
}

/// The geodesic from the first point to the second: its length in metres and its direction at the first point in
/// degrees (Vincenty's inverse formula, 1975). `None` for nearly opposite points.
#[must_use]
pub fn inverse(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> Option<(f64, f64)> {
    let (s1, c1) = reduced(lat1);
    let (s2, c2) = reduced(lat2);
    let l = wrap_degrees(lon2 - lon1).to_radians();
    let mut lambda = l;
    for _ in 0..40 {
        let (sl, cl) = libm::sincos(lambda);
        let (east, north) = (c2 * sl, c1 * s2 - s1 * c2 * cl);
        let sin_sigma = libm::sqrt(east * east + north * north);
        if sin_sigma == 0.0 {
            return Some((0.0, 0.0));
        }
        let cos_sigma = s1 * s2 + c1 * c2 * cl;
        let sigma = libm::atan2(sin_sigma, cos_sigma);
        let sin_alpha = c1 * c2 * sl / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        // On the equator every point is the vertex; the terms with it vanish.
        let cos_2m = if cos2_alpha > 1e-15 { cos_sigma - 2.0 * s1 * s2 / cos2_alpha } else { 0.0 };
        let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
        let twice = 2.0 * cos_2m * cos_2m - 1.0;
        let next = l + (1.0 - c) * F * sin_alpha * (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * twice));
        if libm::fabs(next - lambda) < 1e-13 {
            let (big_a, big_b) = series(cos2_alpha);
            let delta = big_b * sin_sigma * correction(big_b, cos_2m, sin_sigma, cos_sigma);
            return Some((A * (1.0 - F) * big_a * (sigma - delta), libm::atan2(east, north).to_degrees()));
        }
        lambda = next;
    }
    None
}

/// Where the geodesic from a point in a direction (degrees true) ends after `length_m`: latitude and longitude
/// (Vincenty's direct formula, 1975).
#[must_use]
pub fn direct(lat: f64, lon: f64, azimuth_deg: f64, length_m: f64) -> (f64, f64) {
    let (s1, c1) = reduced(lat);
    let (sa, ca) = libm::sincos(azimuth_deg.to_radians());
    let sigma1 = libm::atan2(s1, c1 * ca);
    let sin_alpha = c1 * sa;
    let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
    let (big_a, big_b) = series(cos2_alpha);
    let start = length_m / (A * (1.0 - F) * big_a);
    let mut sigma = start;
    for _ in 0..40 {
        let (ss, cs) = libm::sincos(sigma);
        let next = start + big_b * ss * correction(big_b, libm::cos(2.0 * sigma1 + sigma), ss, cs);
        let settled = libm::fabs(next - sigma) < 1e-15;
        sigma = next;
        if settled {
            break;
        }
    }
    let (ss, cs) = libm::sincos(sigma);
    let cos_2m = libm::cos(2.0 * sigma1 + sigma);
    let x = s1 * ss - c1 * cs * ca;
    let lat2 = libm::atan2(s1 * cs + c1 * ss * ca, (1.0 - F) * libm::sqrt(sin_alpha * sin_alpha + x * x));
    let lambda = libm::atan2(ss * sa, c1 * cs - s1 * ss * ca);
    let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
    let twice = 2.0 * cos_2m * cos_2m - 1.0;
    let l = lambda - (1.0 - c) * F * sin_alpha * (sigma + c * ss * (cos_2m + c * cs * twice));
    (lat2.to_degrees(), wrap_degrees(lon + l.to_degrees()))
}

/// Vincenty's A and B.
fn series(cos2_alpha: f64) -> (f64, f64) {
    let u2 = cos2_alpha * E2 / (1.0 - E2);
    let a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)));
    (a, u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2))))
}

/// Vincenty's delta sigma, without its leading factor B·sin sigma.
fn correction(big_b: f64, cos_2m: f64, sin_sigma: f64, cos_sigma: f64) -> f64 {
    let twice = 2.0 * cos_2m * cos_2m - 1.0;
    let third = big_b / 6.0 * cos_2m * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * cos_2m * cos_2m - 3.0);
    cos_2m + big_b / 4.0 * (cos_sigma * twice - third)
}

/// Sine and cosine of the reduced latitude. The cosine comes from the latitude's own cosine, or a pole would lose it.
fn reduced(lat_deg: f64) -> (f64, f64) {
    let (s, c) = libm::sincos(lat_deg.to_radians());
    let s = (1.0 - F) * s;
    let n = libm::sqrt(s * s + c * c);
    (s / n, c / n)
}

/// A difference of longitudes brought into [-180, 180], degrees.
#[must_use]
pub fn wrap_degrees(d: f64) -> f64 {
    d - 360.0 * libm::floor(d / 360.0 + 0.5)
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
    fn distances_are_the_published_ones() {
        // Computed with GeographicLib; the last is nearly antipodal and only approximate here.
        for (p, q, want, tolerance) in [
            ((0.0, 0.0), (0.0, 1.0), 111_319.490_793, 1e-4),
            ((0.0, 0.0), (1.0, 0.0), 110_574.388_558, 1e-4),
            ((90.0, 13.0), (89.0, -100.0), 111_693.864_914, 1e-4),
            ((10.0, 179.9), (10.0, -179.9), 21_927.872_478, 1e-4),
            ((48.0, 10.0), (48.0, 10.0), 0.0, 0.0),
            ((0.0, 0.0), (0.5, 179.7), 19_944_127.421, 120_000.0),
        ] {
            let got = distance(p.0, p.1, q.0, q.1);
            assert!((got - want).abs() <= tolerance, "{p:?} {q:?}: {got}");
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
