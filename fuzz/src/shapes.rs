//! Outlines of volumes as a stranger may draw them, and coordinates as people write them.
use airspace::{Limit, Outline, Volume4d};
use detect::{Overlap, PreparedVolume, VolumeIndex, volume_volume};
use units::{Utc, Vertex, earth};

use crate::{Seeds, Target, Verdict, refused, seed};

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "outlines", about: "two outlines against each other", bytes_max: 180, run: outlines, seeds: drawn },
    Target {
        name: "coordinates",
        about: "coordinates in five notations",
        bytes_max: 80,
        run: coordinates,
        seeds: written,
    },
];

/// Two outlines: for each 1 byte of kind and corners, 8 of the first corner (parts of 90° and 180°), 1 of scale, then 4 for each
/// further corner: steps from the first in nanodegrees shifted by the scale, so that they are a millimetre or a continent.
fn outlines(bytes: &[u8]) -> Verdict {
    let mut rest = bytes;
    let a = outline(&mut rest).ok_or("too short")?;
    let b = outline(&mut rest).ok_or("too short")?;
    let (a, b) = (prepare(&a).map_err(refused)?, (prepare(&b).map_err(refused)?, b));
    let (b, b_outline) = b;
    let (there, back) = (volume_volume(&a, &b), volume_volume(&b, &a));
    let opposed = |x: &Overlap, y: &Overlap| *x == Overlap::Clear && matches!(y, Overlap::Conflict(_));
    assert!(!opposed(&there, &back) && !opposed(&back, &there), "which of two is asked first does not matter");
    for volume in [&a, &b] {
        assert!(volume_volume(volume, volume) != Overlap::Clear, "a volume meets itself");
        assert!(volume.may_meet(volume));
    }
    if there != Overlap::Clear || back != Overlap::Clear {
        assert!(a.may_meet(&b) && b.may_meet(&a), "no filter takes away what meets");
        let mut index = VolumeIndex::new();
        index.upsert(1, b.extent());
        assert_eq!(index.meeting(&a.extent()), [1]);
    }
    // A corner belongs to its outline.
    for corner in b_outline.points().iter().take(4) {
        let dot = Outline::Circle { centre: *corner, radius_mm: 20 };
        let dot = prepare(&dot).map_err(refused)?;
        assert!(volume_volume(&dot, &b) != Overlap::Clear, "a corner is in its outline");
    }
    if let Outline::Polygon(mut points) = b_outline {
        points.reverse();
        let wound = prepare(&Outline::Polygon(points)).map_err(refused)?;
        let again = volume_volume(&a, &wound);
        assert!(!opposed(&there, &again) && !opposed(&again, &there), "winding does not matter");
    }
    Ok(())
}

fn prepare(outline: &Outline) -> Result<PreparedVolume, airspace::VolumeError> {
    let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
    PreparedVolume::prepare(&Volume4d { outline: outline.clone(), lower, upper, start: Utc(0), end: Utc(0) })
}

fn outline(rest: &mut &[u8]) -> Option<Outline> {
    let head = take::<1>(rest)?[0];
    let part = |bytes, of: i128| ((i128::from(i32::from_le_bytes(bytes)) * of) >> 31) as i64;
    let lat = part(take(rest)?, 90_000_000_000);
    let lon = part(take(rest)?, 180_000_000_000);
    let scale = u32::from(take::<1>(rest)?[0]) % 22;
    let first = Vertex::new(lat, lon).ok()?;
    let mut points = vec![first];
    for _ in 0..(head >> 2) % 16 {
        let step = take::<4>(rest)?;
        let by = |low, high| i64::from(i16::from_le_bytes([low, high])) << scale;
        let lat = (lat + by(step[0], step[1])).clamp(-90_000_000_000, 90_000_000_000);
        let lon = earth::wrap_degrees((lon + by(step[2], step[3])) as f64 / 1e9);
        points.push(Vertex::from_degrees(lat as f64 / 1e9, lon).ok()?);
    }
    let width_mm = 1 + i64::from(head >> 2) * 1_000 + (1 << scale);
    Some(match head % 4 {
        0 => Outline::Circle { centre: first, radius_mm: width_mm },
        1 => Outline::Corridor { points, half_width_mm: width_mm },
        _ => Outline::Polygon(points),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn drawn() -> Seeds {
    let shape = |head: u8, lat: i32, lon: i32, scale: u8, steps: &[[i16; 2]]| {
        let mut out = vec![head];
        out.extend(lat.to_le_bytes());
        out.extend(lon.to_le_bytes());
        out.push(scale);
        steps.iter().flatten().for_each(|s| out.extend(s.to_le_bytes()));
        out
    };
    let triangle = |lat, lon| shape(2 << 2 | 2, lat, lon, 12, &[[0, 20_000], [20_000, 0]]);
    let strip = |lat, lon| shape(2 << 2 | 1, lat, lon, 12, &[[0, 20_000], [0, 0]]);
    let (lat, lon) = (0x4000_0000, 0x7fff_ff00);
    let bow = shape(3 << 2 | 2, lat, lon, 12, &[[20_000, 20_000], [0, 20_000], [20_000, 0]]);
    vec![
        seed("ok-equal-at-the-antimeridian", [triangle(lat, lon), triangle(lat, lon)].concat()),
        seed("ok-strip-that-turns-back", [triangle(0, 0), strip(1000, -1000)].concat()),
        seed("ok-at-the-pole", [triangle(0x7f00_0000, 5), shape(0, i32::MAX, 0, 20, &[])].concat()),
        seed("no-bow-tie", [bow, triangle(lat, lon)].concat()),
        seed("no-short", [2, 0, 0]),
    ]
}

/// What is read is on earth, and is found again in everything that is written of it.
fn coordinates(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(refused)?;
    let place = notation::parse(text).map_err(refused)?;
    assert_eq!(Vertex::new(place.at.lat_e9, place.at.lon_e9), Ok(place.at));
    assert!((0..=80_000_000).contains(&place.radius_mm), "no square is wider than 100 km: {place:?}");
    for written in notation::Notation::ALL {
        let text = notation::show(place.at, written);
        let again = notation::parse(&text).unwrap_or_else(|e| panic!("what is written is read: {e}"));
        assert_eq!(again.notation, written);
        let off = earth::distance(place.at.lat(), place.at.lon(), again.at.lat(), again.at.lon());
        assert!(off <= 25.0_f64.max(again.radius_mm as f64 / 1000.0 + 0.001), "{text}: {off} m");
    }
    Ok(())
}

fn written() -> Seeds {
    vec![
        seed("ok-decimal", "47.1083, 8.2042"),
        seed("ok-dms", "47°06'30\"N 008°12'15\"E"),
        seed("ok-icao", "4830N01015E"),
        seed("ok-mgrs", "42SVF 87765 63598"),
        seed("ok-polar", "ZAH"),
        seed("ok-gars", "498LP42"),
        seed("no-decimal-comma", "47,1083 8,2042"),
        seed("no-other-zone", "31VHG5050"),
        seed("no-radius", "4830N01015E005"),
    ]
}
