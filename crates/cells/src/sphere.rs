//! Points of the unit sphere, the faces of the cube around it, and the earth that a DSS measures by.
use crate::LatLng;
use core::ops::Sub;

/// Radius of the earth, km.
pub const EARTH_KM: f64 = 6371.01;

/// Area of the earth, km²: not quite that of the radius, but what a DSS multiplies with.
pub const EARTH_KM2: f64 = 510_072_000.0;

/// What counts as met, radians (60 µm). Places and crossings are wrong by some 1e-15, so nothing that is met is missed.
pub const MARGIN: f64 = 1e-11;

/// A vector; of length 1 if it is a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vec3 {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

impl Vec3 {
    pub fn dot(self, b: Self) -> f64 {
        self.x * b.x + self.y * b.y + self.z * b.z
    }

    pub fn cross(self, b: Self) -> Self {
        Self { x: self.y * b.z - self.z * b.y, y: self.z * b.x - self.x * b.z, z: self.x * b.y - self.y * b.x }
    }

    pub fn length(self) -> f64 {
        libm::sqrt(self.dot(self))
    }
}

impl Sub for Vec3 {
    type Output = Self;

    fn sub(self, b: Self) -> Self {
        Self { x: self.x - b.x, y: self.y - b.y, z: self.z - b.z }
    }
}

pub fn on_earth(at: LatLng) -> bool {
    at.lat.abs() <= 90.0 && at.lng.abs() <= 180.0
}

/// The point of a latitude and longitude.
pub fn point(lat_deg: f64, lng_deg: f64) -> Vec3 {
    let (lat, lng) = (lat_deg.to_radians(), lng_deg.to_radians());
    let across = libm::cos(lat);
    Vec3 { x: across * libm::cos(lng), y: across * libm::sin(lng), z: libm::sin(lat) }
}

/// The same, equal for all names of one place: a pole has every longitude, the antimeridian two.
pub fn place(at: LatLng) -> Vec3 {
    let lng = if at.lng == -180.0 { 180.0 } else { at.lng };
    if at.lat.abs() == 90.0 { point(at.lat, 0.0) } else { point(at.lat, lng) }
}

/// Face of the cube that a point is on.
pub fn face(p: Vec3) -> u32 {
    let (x, y, z) = (p.x.abs(), p.y.abs(), p.z.abs());
    let axis = if x > y {
        if x > z { (0, p.x) } else { (2, p.z) }
    } else if y > z {
        (1, p.y)
    } else {
        (2, p.z)
    };
    if axis.1 < 0.0 { axis.0 + 3 } else { axis.0 }
}

/// The point in the axes of a face, right-handed: x and y along it (S2's u and v times z), z outward.
pub fn on_face(face: u32, p: Vec3) -> Vec3 {
    let (x, y, z) = match face {
        0 => (p.y, p.z, p.x),
        1 => (-p.x, p.z, p.y),
        2 => (-p.x, -p.y, p.z),
        3 => (-p.z, -p.y, -p.x),
        4 => (-p.z, p.x, -p.y),
        _ => (p.y, p.x, -p.z),
    };
    Vec3 { x, y, z }
}
