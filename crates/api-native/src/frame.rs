//! The binary track frame, little endian; the table stands in `docs/api.md`.
use axum::body::Bytes;
use node::view::{Owner, TrackView};
use record::ReleaseForm;
use units::{Altitude, Reference, Utc};

/// Length of the header.
pub const HEADER_BYTES: usize = 24;
/// Length of one track.
pub const TRACK_BYTES: usize = 32;
/// Header flag: this is the last picture known.
pub const FLAG_FROZEN: u32 = 1;
/// Header flag: this is what another party is shown, not the own picture.
pub const FLAG_SEEN_BY: u32 = 2;

const ON_GROUND: u8 = 1;
const STALE: u8 = 2;
const COARSE: u8 = 4;
const REDUCED: u8 = 8;
const IN_ALARM: u8 = 16;
const IN_WARNING: u8 = 32;

/// Encodes a whole picture.
pub(crate) fn encode(frame: u32, utc: Utc, flags: u32, tracks: &[TrackView]) -> Bytes {
    let count = u32::try_from(tracks.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(HEADER_BYTES + tracks.len() * TRACK_BYTES);
    out.extend_from_slice(b"SKT1");
    out.extend_from_slice(&frame.to_le_bytes());
    out.extend_from_slice(&utc.0.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    for track in tracks.iter().take(count as usize) {
        out.extend_from_slice(&row(track, utc));
    }
    Bytes::from(out)
}

fn row(track: &TrackView, utc: Utc) -> [u8; TRACK_BYTES] {
    let r = &track.report;
    let (height, reference) = match r.altitude() {
        Altitude::Unknown => (i32::MIN, u8::MAX),
        Altitude::Known(height, reference) => (height.0, reference_byte(reference)),
    };
    // Values are rounded to the nearest step and saturate below the mark for "unknown".
    let speed = r.speed.map_or(u16::MAX, |v| ((v.0.max(0) + 50) / 100).min(0xFFFE) as u16);
    let heading = r.track.map_or(u16::MAX, |a| (((a.0 + 500) / 1000) % 36_000) as u16);
    let rate = r.vertical_rate.map_or(i16::MIN, |v| nearest(v.0, 10).clamp(-32_767, 32_767) as i16);
    let age = (utc.since_ms(r.at).max(0) / 100).min(0xFFFF) as u16;
    let mut out = [0; TRACK_BYTES];
    out[0..4].copy_from_slice(&track.id.to_le_bytes());
    out[4..8].copy_from_slice(&r.position.lat_e7.to_le_bytes());
    out[8..12].copy_from_slice(&r.position.lon_e7.to_le_bytes());
    out[12..16].copy_from_slice(&height.to_le_bytes());
    out[16..18].copy_from_slice(&speed.to_le_bytes());
    out[18..20].copy_from_slice(&heading.to_le_bytes());
    out[20..22].copy_from_slice(&rate.to_le_bytes());
    out[22..24].copy_from_slice(&age.to_le_bytes());
    out[24] = match track.owner {
        Owner::Own => 0,
        Owner::Peer(index) => index,
        Owner::Unclaimed => u8::MAX,
    };
    out[25] = r.class as u8;
    out[26] = reference;
    out[27] = flags(track);
    out[28..32].copy_from_slice(&track.precision_mm.div_ceil(1000).to_le_bytes());
    out
}

const fn nearest(value: i32, step: i32) -> i32 {
    (value + if value < 0 { -step / 2 } else { step / 2 }) / step
}

const fn reference_byte(reference: Reference) -> u8 {
    match reference {
        Reference::Pressure => 0,
        Reference::Msl => 1,
        Reference::Wgs84 => 2,
        Reference::Agl => 3,
    }
}

fn flags(track: &TrackView) -> u8 {
    let mut flags = 0;
    if track.report.on_ground {
        flags |= ON_GROUND;
    }
    if track.stale {
        flags |= STALE;
    }
    flags |= match track.form {
        ReleaseForm::Full => 0,
        ReleaseForm::Reduced => REDUCED,
        ReleaseForm::Coarse => COARSE,
    };
    flags
        | match track.alert {
            0 | 1 => 0,
            2 => IN_WARNING,
            _ => IN_ALARM,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use track::TrackReport;
    use units::{AircraftClass, Angle, Height, Position, Speed, VerticalRate};

    fn plain() -> TrackView {
        let position = Position::from_degrees(47.25, 8.5).unwrap();
        TrackView {
            id: 7,
            owner: Owner::Own,
            report: TrackReport::new(1, position, Utc(1_000_000)),
            form: ReleaseForm::Full,
            precision_mm: 0,
            stale: false,
            alert: 0,
            joined: Vec::new(),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_contract() {
        let mut full = plain();
        full.id = 0x0102_0304;
        full.owner = Owner::Peer(2);
        full.report.pressure = Some(Height::from_feet(24_000));
        full.report.speed = Some(Speed(231_550));
        full.report.track = Some(Angle(9_000_500));
        full.report.vertical_rate = Some(VerticalRate(-325));
        full.report.class = AircraftClass::Military;
        full.report.on_ground = true;
        full.form = ReleaseForm::Coarse;
        full.precision_mm = 4_638_000;
        full.stale = true;
        full.alert = 3;
        let bytes = encode(9, Utc(1_001_250), FLAG_FROZEN, &[plain(), full]);
        let expect = [
            // "SKT1", frame 9, 1,001,250 ms, 2 tracks, frozen.
            "534b5431",
            "09000000",
            "22470f0000000000",
            "02000000",
            "01000000",
            // id, latitude 472,500,000, longitude 85,000,000, no altitude, no speed, no track, no rate, age 1.2 s.
            "07000000",
            "20c7291c",
            "40ff1005",
            "00000080",
            "ffff",
            "ffff",
            "0080",
            "0c00",
            // own, class unknown, reference unknown, no flags, as held.
            "00",
            "00",
            "ff",
            "00",
            "00000000",
            // 24,000 ft, 231.6 m/s, 90.01 degrees, -33 cm/s.
            "04030201",
            "20c7291c",
            "40ff1005",
            "00365c04",
            "0c09",
            "2923",
            "dfff",
            "0c00",
            // parties[2], military, pressure, on ground + stale + coarse + alarm, 4,638 m.
            "02",
            "02",
            "00",
            "17",
            "1e120000",
        ]
        .concat();
        assert_eq!(hex(&bytes), expect);
    }

    #[test]
    fn values_saturate_and_never_look_unknown() {
        let mut track = plain();
        track.report.speed = Some(Speed(i32::MAX - 50));
        track.report.track = Some(Angle(Angle::TURN - 1));
        track.report.vertical_rate = Some(VerticalRate(-500_000));
        track.report.at = Utc(0);
        let row = row(&track, Utc(i64::MAX));
        assert_eq!(hex(&row[16..24]), "feff".to_owned() + "0000" + "0180" + "ffff");
    }

    #[test]
    fn a_report_from_the_future_has_no_age() {
        assert_eq!(row(&plain(), Utc(0))[22..24], [0, 0]);
    }
}
