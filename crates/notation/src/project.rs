//! Transverse Mercator (UTM) and polar stereographic (UPS) on WGS-84.
//!
//! Krüger's series to the sixth power of the third flattening (C. F. F. Karney, Transverse Mercator with an accuracy of a few
//! nanometers, 2011): 5 nm within 4,000 km of the central meridian. The polar projection is exact.
use units::earth::{A, F};

/// Easting and northing, or forward and back, metres.
pub(crate) type Plane = (f64, f64);

/// Scale on the central meridian of UTM, and at the pole of UPS.
const UTM_SCALE: f64 = 0.9996;
const UPS_SCALE: f64 = 0.994;

/// Third flattening.
const N: f64 = F / (2.0 - F);
const N2: f64 = N * N;
const N3: f64 = N2 * N;
const N4: f64 = N3 * N;
const N5: f64 = N4 * N;
const N6: f64 = N5 * N;

/// Radius of the sphere with the same meridian.
const RECTIFYING: f64 = A / (1.0 + N) * (1.0 + N2 / 4.0 + N4 / 64.0 + N6 / 256.0);

const ALPHA: [f64; 6] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 5.0 / 16.0 * N3 + 41.0 / 180.0 * N4 - 127.0 / 288.0 * N5 + 7_891.0 / 37_800.0 * N6,
    13.0 / 48.0 * N2 - 3.0 / 5.0 * N3 + 557.0 / 1_440.0 * N4 + 281.0 / 630.0 * N5 - 1_983_433.0 / 1_935_360.0 * N6,
    61.0 / 240.0 * N3 - 103.0 / 140.0 * N4 + 15_061.0 / 26_880.0 * N5 + 167_603.0 / 181_440.0 * N6,
    49_561.0 / 161_280.0 * N4 - 179.0 / 168.0 * N5 + 6_601_661.0 / 7_257_600.0 * N6,
    34_729.0 / 80_640.0 * N5 - 3_418_889.0 / 1_995_840.0 * N6,
    212_378_941.0 / 319_334_400.0 * N6,
];

const BETA: [f64; 6] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 37.0 / 96.0 * N3 - 1.0 / 360.0 * N4 - 81.0 / 512.0 * N5 + 96_199.0 / 604_800.0 * N6,
    1.0 / 48.0 * N2 + 1.0 / 15.0 * N3 - 437.0 / 1_440.0 * N4 + 46.0 / 105.0 * N5 - 1_118_711.0 / 3_870_720.0 * N6,
    17.0 / 480.0 * N3 - 37.0 / 840.0 * N4 - 209.0 / 4_480.0 * N5 + 5_569.0 / 90_720.0 * N6,
    4_397.0 / 161_280.0 * N4 - 11.0 / 504.0 * N5 - 830_251.0 / 7_257_600.0 * N6,
    4_583.0 / 161_280.0 * N5 - 108_847.0 / 3_991_680.0 * N6,
    20_648_693.0 / 638_668_800.0 * N6,
];

/// Metres east of the central meridian and north of the equator.
pub(crate) fn utm(lat: f64, lon: f64, meridian: f64) -> Plane {
    let (sin, cos) = libm::sincos(units::earth::wrap_degrees(lon - meridian).to_radians());
    let tau = conformal(tangent(lat));
    let (xi, eta) = (libm::atan2(tau, cos), libm::asinh(sin / libm::hypot(tau, cos)));
    let (mut x, mut y) = (eta, xi);
    for (j, alpha) in (1..).zip(ALPHA) {
        let (s, c) = libm::sincos(2.0 * f64::from(j) * xi);
        x += alpha * c * libm::sinh(2.0 * f64::from(j) * eta);
        y += alpha * s * libm::cosh(2.0 * f64::from(j) * eta);
    }
    (UTM_SCALE * RECTIFYING * x, UTM_SCALE * RECTIFYING * y)
}

/// Latitude and longitude of metres east of the central meridian and north of the equator.
pub(crate) fn utm_inverse((x, y): Plane, meridian: f64) -> (f64, f64) {
    let (eta, xi) = (x / (UTM_SCALE * RECTIFYING), y / (UTM_SCALE * RECTIFYING));
    let (mut e, mut n) = (eta, xi);
    for (j, beta) in (1..).zip(BETA) {
        let (s, c) = libm::sincos(2.0 * f64::from(j) * xi);
        e -= beta * c * libm::sinh(2.0 * f64::from(j) * eta);
        n -= beta * s * libm::cosh(2.0 * f64::from(j) * eta);
    }
    let (sin, cos) = libm::sincos(n);
    let sinh = libm::sinh(e);
    let tau = geodetic(sin / libm::hypot(sinh, cos));
    (libm::atan(tau).to_degrees(), units::earth::wrap_degrees(meridian + libm::atan2(sinh, cos).to_degrees()))
}

/// Metres from the pole along 90°E and, north, along 180°E; south, along 0°E.
pub(crate) fn ups(lat: f64, lon: f64) -> Plane {
    let (north, lat) = (lat >= 0.0, libm::fabs(lat));
    let tau = conformal(tangent(lat));
    // Of a latitude of 90° the tangent is finite and the radius 1e-10 m.
    let radius = polar_unit() / (libm::hypot(1.0, tau) + tau);
    let (sin, cos) = libm::sincos(lon.to_radians());
    (radius * sin, if north { -radius * cos } else { radius * cos })
}

/// Latitude and longitude of metres from a pole.
pub(crate) fn ups_inverse((x, y): Plane, north: bool) -> (f64, f64) {
    let radius = libm::hypot(x, y);
    if radius < 1e-9 {
        return (if north { 90.0 } else { -90.0 }, 0.0);
    }
    let t = radius / polar_unit();
    let lat = libm::atan(geodetic((1.0 / t - t) / 2.0)).to_degrees();
    let lon = libm::atan2(x, if north { -y } else { y }).to_degrees();
    (if north { lat } else { -lat }, lon)
}

/// Radius of the projection at the conformal equator, metres.
fn polar_unit() -> f64 {
    2.0 * UPS_SCALE * A / ((1.0 - F) * libm::exp(eccentric(1.0)))
}

fn tangent(lat: f64) -> f64 {
    let (s, c) = libm::sincos(lat.to_radians());
    s / c
}

/// e·atanh(e·x).
fn eccentric(x: f64) -> f64 {
    let e = libm::sqrt(F * (2.0 - F));
    e * libm::atanh(e * x)
}

/// Tangent of the conformal latitude, of that of the geodetic one.
fn conformal(tau: f64) -> f64 {
    let root = libm::hypot(1.0, tau);
    let sigma = libm::sinh(eccentric(tau / root));
    libm::hypot(1.0, sigma) * tau - sigma * root
}

/// The other way, by Newton's method; three steps settle it everywhere.
fn geodetic(conformal_tau: f64) -> f64 {
    let e2m = (1.0 - F) * (1.0 - F);
    let mut tau = conformal_tau / e2m;
    if libm::fabs(conformal_tau) > 70.0 {
        tau = conformal_tau * libm::exp(eccentric(1.0));
    }
    for _ in 0..5 {
        let now = conformal(tau);
        let step =
            (conformal_tau - now) * (1.0 + e2m * tau * tau) / (e2m * libm::hypot(1.0, tau) * libm::hypot(1.0, now));
        tau += step;
        if libm::fabs(step) <= 1e-12 * (1.0 + libm::fabs(tau)) {
            break;
        }
    }
    tau
}
