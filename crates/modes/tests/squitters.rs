//! Squitters made to order: what is taken, what is refused, and a slow encoder as oracle of positions.
use feed::{Frame, beast::MLAT_COUNTER, limits::AIRCRAFT_MAX};
use modes::ModesDecoder;
use proptest::prelude::*;
use rs1090::decode::crc::modes_checksum;
use track::{SourceClass, TrackReport};
use units::{Angle, Height, Position, Speed, Utc, VerticalRate, earth};

/// A long frame with good parity from its first byte, address and message.
fn squitter(first: u8, address: u32, me: u64) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes[0] = first;
    bytes[1..4].copy_from_slice(&address.to_be_bytes()[1..]);
    bytes[4..11].copy_from_slice(&me.to_be_bytes()[1..]);
    let crc = modes_checksum(&bytes, 112).unwrap();
    bytes[11..].copy_from_slice(&crc.to_be_bytes()[1..]);
    bytes
}

const DF17: u8 = 17 << 3 | 5;

/// Bits `from..=to` of a 56-bit message, numbered from 1 as the standard does.
fn bits(from: u32, to: u32, value: u64) -> u64 {
    assert!(value < 1 << (to - from + 1));
    value << (56 - to)
}

/// Compact position, straight from Doc 9871, C.2.6.3; `turn` is 360 in the air, 90 on the surface.
fn cpr(lat: f64, lon: f64, odd: bool, turn: f64) -> u64 {
    let i = f64::from(u8::from(odd));
    let two17 = 131_072.0;
    let d_lat = turn / (60.0 - i);
    let yz = (two17 * lat.rem_euclid(d_lat) / d_lat + 0.5).floor();
    let r_lat = d_lat * (yz / two17 + (lat / d_lat).floor());
    let d_lon = turn / (zones(r_lat) - i).max(1.0);
    let xz = (two17 * lon.rem_euclid(d_lon) / d_lon + 0.5).floor();
    let field = |v: f64| v.rem_euclid(two17) as u64;
    bits(22, 22, u64::from(odd)) | bits(23, 39, field(yz)) | bits(40, 56, field(xz))
}

/// Number of longitude zones by its definition, not by table.
fn zones(lat: f64) -> f64 {
    let lat = lat.abs();
    if lat >= 87.0 {
        return if lat > 87.0 { 1.0 } else { 2.0 };
    }
    let a = 1.0 - (std::f64::consts::PI / 30.0).cos();
    (2.0 * std::f64::consts::PI / (1.0 - a / lat.to_radians().cos().powi(2)).acos()).floor()
}

fn altitude(feet: i32) -> u64 {
    let n = ((feet + 1000) / 25) as u64;
    bits(9, 20, (n & 0x7f0) << 1 | 0x10 | n & 0xf)
}

fn air(lat: f64, lon: f64, odd: bool) -> u64 {
    bits(1, 5, 11) | altitude(35_000) | cpr(lat, lon, odd, 360.0)
}

fn surface(lat: f64, lon: f64, odd: bool) -> u64 {
    bits(1, 5, 7) | bits(6, 12, 39) | bits(13, 13, 1) | bits(14, 20, 32) | cpr(lat, lon, odd, 90.0)
}

fn velocity(subtype: u64, ew: u64, ns: u64) -> u64 {
    bits(1, 5, 19)
        | bits(6, 8, subtype)
        | bits(15, 24, ew)
        | bits(25, 25, 1)
        | bits(26, 35, ns)
        | bits(37, 37, 1)
        | bits(38, 46, 11)
        | bits(50, 56, 13)
}

fn status(version: u64, nac_p: u64) -> u64 {
    bits(1, 5, 31) | bits(41, 43, version) | bits(45, 48, nac_p)
}

struct Sky {
    decoder: ModesDecoder,
    ms: i64,
}

impl Sky {
    fn new() -> Self {
        Self { decoder: ModesDecoder::new(), ms: 0 }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<TrackReport>, String> {
        self.ms += 500;
        let frame = Frame::new(bytes, None, None).unwrap();
        self.decoder.push_frame(&frame, Utc(self.ms)).map_err(|e| e.to_string())
    }

    fn say(&mut self, me: u64) -> Result<Option<TrackReport>, String> {
        self.send(&squitter(DF17, 0x4b_1a41, me))
    }

    /// An even and an odd position; the report of the second.
    fn place(&mut self, lat: f64, lon: f64) -> TrackReport {
        let _ = self.say(air(lat, lon, false));
        self.say(air(lat, lon, true)).unwrap().unwrap()
    }
}

fn metres(report: &TrackReport, lat: f64, lon: f64) -> f64 {
    earth::norm(earth::sub(earth::surface(report.position.lat(), report.position.lon()), earth::surface(lat, lon)))
}

proptest! {
    #[test]
    fn a_pair_of_frames_gives_the_place_it_was_made_from(lat in -89.0..89.0f64, lon in -180.0..180.0f64, odd: bool) {
        let mut sky = Sky::new();
        prop_assert_eq!(sky.say(air(lat, lon, !odd)), Ok(None));
        // Where the two frames fall in latitudes of different zones there is no position; never a wrong one.
        let report = sky.say(air(lat, lon, odd)).unwrap();
        match report {
            Some(r) => prop_assert!(metres(&r, lat, lon) < 10.0, "{} m", metres(&r, lat, lon)),
            None => {
                let near = |d: f64| (zones(lat - d), zones(lat + d));
                prop_assert!(near(1e-3).0 != near(1e-3).1, "{lat} {lon}");
            }
        }
    }

    #[test]
    fn an_aircraft_on_its_way_is_followed_frame_by_frame(lat in -80.0..80.0f64, lon in -180.0..180.0f64, track in 0.0..360.0f64) {
        let mut sky = Sky::new();
        let (mut here, mut reports) = (earth::surface(lat, lon), 0);
        for n in 0..40 {
            let (la, lo) = earth::geodetic(here);
            if let Some(r) = sky.say(air(la, lo, n % 3 == 0)).unwrap() {
                prop_assert!(metres(&r, la, lo) < 10.0);
                reports += 1;
            }
            let v = earth::velocity(la, lo, 300.0, track);
            here = std::array::from_fn(|i| here[i] + v[i] * 0.5);
        }
        prop_assert!(reports >= 30, "{reports}");
    }

    #[test]
    fn arbitrary_frames_with_good_parity_do_no_harm(frames in prop::collection::vec((any::<u8>(), 0..4u32, any::<u64>(), any::<bool>()), 1..200)) {
        let mut sky = Sky::new();
        for (first, address, me, raw) in frames {
            let df17 = if first & 1 == 0 { DF17 } else { 18 << 3 | first >> 5 };
            let bytes = squitter(if raw { first } else { df17 }, address, me & ((1 << 56) - 1));
            let outcome = if raw && first & 2 == 0 { sky.send(&bytes[..7]) } else { sky.send(&bytes) };
            if let Ok(Some(report)) = outcome {
                prop_assert!(report.check().is_ok(), "{:?}", report);
            }
        }
    }
}

#[test]
fn a_report_bears_what_the_other_squitters_said() {
    let mut sky = Sky::new();
    assert_eq!(sky.place(47.45, 8.56).callsign, None);
    // "SWR12A": six-bit letters, A is 1, digits as in ASCII, blank 32.
    let letters = [19, 23, 18, 49, 50, 1, 32, 32];
    let name = (0..).zip(letters).fold(bits(1, 5, 4), |me, (n, c)| me | bits(9 + 6 * n, 14 + 6 * n, c));
    sky.say(name).unwrap();
    sky.say(velocity(1, 301, 401)).unwrap();
    sky.say(bits(1, 5, 28) | bits(6, 8, 1) | bits(12, 24, 0x0aaa)).unwrap();
    let r = sky.place(47.45, 8.56);
    assert_eq!(r.callsign.unwrap().to_string(), "SWR12A");
    assert_eq!((r.speed, r.track), (Some(Speed::from_knots(500.0)), Angle::from_degrees(143.130_102)));
    assert_eq!(r.vertical_rate, Some(VerticalRate::from_fpm(-640.0)));
    assert_eq!((r.pressure, r.geometric, r.accuracy_mm), (Some(Height::from_feet(35_000)), None, None));
    assert_eq!(r.mode_a.unwrap().to_string(), "7700");
    assert_eq!((r.source, r.address.unwrap().to_string()), (SourceClass::Adsb, "4b1a41".to_string()));
    sky.ms += 20_000;
    let r = sky.place(47.45, 8.56);
    assert_eq!((r.speed, r.callsign.is_some()), (None, true), "a velocity is forgotten after 15 s");
}

#[test]
fn geometric_altitude_is_stated_only_where_it_is_above_the_ellipsoid() {
    let mut sky = Sky::new();
    sky.say(velocity(1, 301, 401)).unwrap();
    assert_eq!(sky.place(47.45, 8.56).geometric, None, "version not known");
    sky.say(status(1, 9)).unwrap();
    let r = sky.place(47.45, 8.56);
    assert_eq!((r.geometric, r.accuracy_mm), (None, Some(30_000)), "version 1 may mean sea level");
    sky.say(status(2, 10)).unwrap();
    let r = sky.place(47.45, 8.56);
    assert_eq!((r.geometric, r.accuracy_mm), (Some(Height::from_feet(35_300)), Some(10_000)));
    let gnss = |odd| bits(1, 5, 20) | altitude(35_325) | cpr(47.45, 8.56, odd, 360.0);
    let r = sky.say(gnss(false)).unwrap().unwrap();
    assert_eq!((r.pressure, r.geometric), (None, Some(Height::from_feet(35_325))));
}

#[test]
fn velocities_of_every_subtype_are_told_apart() {
    for (subtype, ew, ns, want) in [
        (1, 301, 401, Some(500.0)),
        (2, 301, 401, Some(2000.0)),
        (1, 0, 401, None),
        (1, 301, 0, None),
        (3, 301, 401, None),
        (1, 1, 1, Some(0.0)),
    ] {
        let mut sky = Sky::new();
        sky.say(velocity(subtype, ew, ns)).unwrap();
        let r = sky.place(1.0, 2.0);
        assert_eq!(r.speed, want.map(Speed::from_knots), "{subtype} {ew} {ns}");
        assert_eq!(r.track.is_some(), want.is_some_and(|v| v > 0.0));
    }
}

#[test]
fn a_supplementary_squitter_says_how_it_came_and_whose_address_it_bears() {
    let imf = bits(8, 8, 1);
    for (cf, flag, want) in [
        (0, 0, Some((SourceClass::Adsb, true))),
        (1, 0, Some((SourceClass::Adsb, false))),
        (2, 0, Some((SourceClass::TisB, true))),
        (2, imf, Some((SourceClass::TisB, false))),
        (3, 0, None),
        (4, 0, None),
        (5, 0, Some((SourceClass::TisB, false))),
        (6, 0, Some((SourceClass::AdsR, true))),
        (6, imf, Some((SourceClass::AdsR, false))),
        (7, 0, None),
    ] {
        let mut sky = Sky::new();
        let frame = |odd| squitter(18 << 3 | cf, 0x2b_1fcc, air(36.5, -121.5, odd) | flag);
        sky.send(&frame(false)).unwrap();
        let got = sky.send(&frame(true)).unwrap();
        assert_eq!(got.map(|r| (r.source, r.address.unwrap().is_icao())), want, "control field {cf}");
    }
    let mut sky = Sky::new();
    let mlat = |odd| Frame::new(&squitter(DF17, 1, air(36.5, -121.5, odd)), Some(MLAT_COUNTER), None).unwrap();
    sky.decoder.push_frame(&mlat(false), Utc(0)).unwrap();
    assert_eq!(sky.decoder.push_frame(&mlat(true), Utc(1)).unwrap().unwrap().source, SourceClass::Mlat);
}

#[test]
fn rebroadcast_and_own_frames_are_no_pair() {
    let mut sky = Sky::new();
    sky.say(air(47.45, 8.56, false)).unwrap();
    assert_eq!(sky.send(&squitter(18 << 3 | 6, 0x4b_1a41, air(47.46, 8.56, true))), Ok(None));
}

#[test]
fn an_identity_reply_is_believed_only_of_an_aircraft_known_otherwise() {
    // DF5 with identity 7700 and the address under its parity.
    let mut reply = [5 << 3, 0, 0x0a, 0xaa, 0, 0, 0];
    let crc = modes_checksum(&reply, 56).unwrap() ^ 0x4b_1a41;
    reply[4..].copy_from_slice(&crc.to_be_bytes()[1..]);
    let mut sky = Sky::new();
    sky.send(&reply).unwrap();
    assert_eq!((sky.decoder.aircraft(), sky.place(1.0, 2.0).mode_a), (0, None));
    sky.send(&reply).unwrap();
    assert_eq!(sky.place(1.0, 2.0).mode_a.unwrap().to_string(), "7700");
}

#[test]
fn frames_that_fail_their_parity_or_cannot_be_read_are_refused() {
    let mut sky = Sky::new();
    for (first, want) in
        [(DF17, "parity check failed in downlink format 17"), (18 << 3, "parity check failed in downlink format 18")]
    {
        let mut frame = squitter(first, 0x4b_1a41, air(1.0, 2.0, false));
        frame[9] ^= 4;
        assert_eq!(sky.send(&frame), Err(want.to_string()));
        assert_eq!(sky.send(&frame[..7]), Err(format!("downlink format {} cannot be decoded", first >> 3)));
    }
    assert_eq!(sky.send(&[0x20, 0x00]), Ok(None), "Mode A/C");
    assert_eq!(sky.decoder.aircraft(), 0);
}

#[test]
fn a_position_the_aircraft_cannot_have_flown_to_is_refused() {
    let mut sky = Sky::new();
    sky.place(47.0, 8.0);
    // 50 km in half a second, within the zone: the frame alone is plausible.
    for odd in [false, true, false] {
        let e = sky.say(air(47.45, 8.0, odd)).unwrap_err();
        assert!(e.starts_with("position implies ") || e.starts_with("the pair of frames "), "{e}");
    }
    // After three the last position is in doubt; a new pair is taken as of an aircraft not heard before.
    assert_eq!(sky.say(air(47.45, 8.0, true)), Ok(None));
    let r = sky.say(air(47.45, 8.0, false)).unwrap().unwrap();
    assert!(metres(&r, 47.45, 8.0) < 10.0);
}

#[test]
fn frames_more_than_ten_seconds_apart_are_no_pair() {
    let mut sky = Sky::new();
    sky.say(air(47.0, 8.0, false)).unwrap();
    sky.ms += 9_501;
    assert_eq!(sky.say(air(47.0, 8.0, true)), Ok(None));
    assert!(sky.say(air(47.0, 8.0, false)).unwrap().is_some());
}

#[test]
fn surface_traffic_needs_the_right_place_of_the_receiver() {
    let frame = |lat, lon, odd| Frame::new(&squitter(DF17, 0x4b_1a41, surface(lat, lon, odd)), None, None).unwrap();
    let mut nowhere = ModesDecoder::new();
    assert_eq!(nowhere.push_frame(&frame(47.45, 8.56, false), Utc(0)), Ok(None));
    assert_eq!(nowhere.push_frame(&frame(47.45, 8.56, true), Utc(500)), Ok(None));
    let mut here = ModesDecoder::at(Position::from_degrees(47.4, 8.5).unwrap());
    assert_eq!(here.push_frame(&frame(47.45, 8.56, false), Utc(0)), Ok(None));
    let r = here.push_frame(&frame(47.45, 8.56, true), Utc(500)).unwrap().unwrap();
    assert!(metres(&r, 47.45, 8.56) < 3.0);
    assert_eq!(
        (r.on_ground, r.pressure, r.speed, r.track),
        (true, None, Some(Speed::from_knots(15.0)), Some(Angle(9_000_000)))
    );
    // Heathrow heard by a receiver said to be in Toulouse.
    let mut wrong = ModesDecoder::at(Position::from_degrees(43.63, 1.37).unwrap());
    assert_eq!(wrong.push_frame(&frame(51.47, -0.45, false), Utc(0)), Ok(None));
    let e = wrong.push_frame(&frame(51.47, -0.45, true), Utc(500)).unwrap_err();
    assert!(e.to_string().starts_with("position implies "), "{e}");
}

#[test]
fn a_flood_of_addresses_is_bounded() {
    let mut sky = Sky::new();
    for address in 0..20_000 {
        sky.send(&squitter(DF17, address, air(1.0, 2.0, false))).unwrap();
        assert!(sky.decoder.aircraft() <= AIRCRAFT_MAX);
    }
}
