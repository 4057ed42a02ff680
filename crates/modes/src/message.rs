//! What one frame says, in our units. The only file that knows `rs1090`'s message types.
use feed::FrameError;
use rs1090::decode::adsb::ME;
use rs1090::decode::bds::bds05::{AirbornePosition, Source};
use rs1090::decode::bds::bds08::{AircraftIdentification, Typecode};
use rs1090::decode::bds::bds09::{AirborneVelocity, AirborneVelocitySubType, GroundSpeedDecoding};
use rs1090::decode::bds::bds61::{AircraftStatus, AircraftStatusType};
use rs1090::decode::bds::bds65::{ADSBVersionAirborne, ADSBVersionSurface, AircraftOperationStatus};
use rs1090::decode::crc::modes_checksum;
use rs1090::decode::{ControlFieldType, DF, IdentityCode, Message, decode_id13};
use track::{Address, Callsign, ModeA, SourceClass};
use units::{AircraftClass, Angle, Height, Speed, VerticalRate};

use crate::cpr::Raw;

/// A frame's content, whose it is and how it came.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) address: Address,
    pub(crate) source: SourceClass,
    pub(crate) what: What,
}

/// Horizontal speed, track, vertical rate.
pub(crate) type Velocity = (Option<Speed>, Option<Angle>, Option<VerticalRate>);

#[derive(Debug)]
pub(crate) enum What {
    Position {
        raw: Raw,
        pressure: Option<Height>,
        geometric: Option<Height>,
        velocity: Option<Velocity>,
    },
    /// With the difference geometric minus pressure altitude.
    Velocity {
        velocity: Velocity,
        difference: Option<Height>,
    },
    Identity {
        callsign: Option<Callsign>,
        class: AircraftClass,
    },
    ModeA(ModeA),
    /// ADS-B version and navigation accuracy category for position.
    Status {
        version: u8,
        nac_p: u8,
    },
    /// A reply that bears its address only under its parity: to be believed of an aircraft known otherwise.
    Reply(ModeA),
    Nothing,
}

/// Reads a frame; `Ok(None)` if it is of a kind not taken.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Said>, FrameError> {
    let Some(first) = bytes.first() else { return Ok(None) };
    let df = first >> 3;
    match (df, bytes.len()) {
        (17 | 18, 14) => squitter(df, bytes),
        (5, 7) | (21, 14) => reply(df, bytes).map(Some),
        (5 | 17 | 18 | 21, _) => Err(FrameError::Decode { df }),
        _ => Ok(None),
    }
}

// Read without `rs1090`, which would also guess at the Comm-B register of DF21, at ten times the cost.
fn reply(df: u8, bytes: &[u8]) -> Result<Said, FrameError> {
    let address = modes_checksum(bytes, bytes.len() * 8).ok().and_then(Address::icao);
    let id13 = u16::from(bytes[2] & 0x1f) << 8 | u16::from(bytes[3]);
    let code = mode_a(IdentityCode(decode_id13(id13)));
    let address = address.ok_or(FrameError::Decode { df })?;
    Ok(Said { address, source: SourceClass::Adsb, what: What::Reply(code) })
}

fn squitter(df: u8, bytes: &[u8]) -> Result<Option<Said>, FrameError> {
    if modes_checksum(bytes, 112).map_err(|_| FrameError::Decode { df })? != 0 {
        return Err(FrameError::Parity { df });
    }
    let message = Message::try_from(bytes).map_err(|_| FrameError::Decode { df })?;
    let (bits, kind, me) = match message.df {
        DF::ExtendedSquitterADSB(adsb) => {
            (adsb.icao24.0, Kind { source: SourceClass::Adsb, icao: true, own: true }, adsb.message)
        }
        DF::ExtendedSquitterTisB { cf, .. } => match kind(&cf.field_type, &cf.me, bytes) {
            Some(kind) => (cf.aa.0, kind, cf.me),
            None => return Ok(None),
        },
        _ => return Err(FrameError::Decode { df }),
    };
    let address = if kind.icao { Address::icao(bits) } else { Address::non_icao(bits) };
    let address = address.ok_or(FrameError::Decode { df })?;
    Ok(Some(Said { address, source: kind.source, what: what(me, kind.own) }))
}

/// How a squitter came: by whom, under what kind of address, and whether the emitter tells of itself.
struct Kind {
    source: SourceClass,
    icao: bool,
    own: bool,
}

// DF18's control field (DO-260B table 2-13). Its IMF bit says that the address is not an ICAO address; it stands where
// DF17 has the NIC supplement, the time bit or the intent flag. TIS-B coarse (3) and management (4) have formats of
// their own under the same type codes and must not be read as ADS-B.
fn kind(field: &ControlFieldType, me: &ME, bytes: &[u8]) -> Option<Kind> {
    let imf = match me {
        ME::BDS05 { .. } => bytes[4] & 0x01 != 0,
        ME::BDS06 { .. } => bytes[6] & 0x08 != 0,
        ME::BDS09(_) => bytes[5] & 0x80 != 0,
        _ => false,
    };
    let kind = |source, icao, own| Some(Kind { source, icao, own });
    match field {
        ControlFieldType::ADSB_ES_NT => kind(SourceClass::Adsb, true, true),
        ControlFieldType::ADSB_ES_NT_ALT => kind(SourceClass::Adsb, false, true),
        ControlFieldType::TISB_FINE => kind(SourceClass::TisB, !imf, false),
        ControlFieldType::TISB_ADSB_RELAY => kind(SourceClass::TisB, false, false),
        ControlFieldType::TISB_ADSB => kind(SourceClass::AdsR, !imf, true),
        ControlFieldType::TISB_COARSE | ControlFieldType::TISB_MANAGE | ControlFieldType::Reserved => None,
    }
}

fn what(me: ME, own: bool) -> What {
    match me {
        ME::BDS05 { inner, .. } => airborne(inner),
        ME::BDS06 { inner, .. } => What::Position {
            pressure: None,
            geometric: None,
            velocity: Some((inner.groundspeed.map(Speed::from_knots), inner.track.and_then(Angle::from_degrees), None)),
            raw: Raw::Surface(inner),
        },
        ME::BDS08 { inner, .. } => identity(&inner),
        ME::BDS09(inner) => velocity(&inner, own),
        ME::BDS61(status) => emergency(&status),
        ME::BDS65(status) if own => operation(&status),
        _ => What::Nothing,
    }
}

// The altitude field of TC 20-22 is coded as that of TC 9-18, in feet; its reference is the ellipsoid.
fn airborne(inner: AirbornePosition) -> What {
    let height = inner.alt.map(Height::from_feet);
    let (pressure, geometric) = match inner.source {
        Source::Barometric => (height, None),
        Source::Gnss => (None, height),
    };
    What::Position { raw: Raw::Air(inner), pressure, geometric, velocity: None }
}

fn identity(inner: &AircraftIdentification) -> What {
    // Category set B, code 6: uncrewed.
    let class = if inner.tc == Typecode::B && inner.ca == 6 { AircraftClass::Uas } else { AircraftClass::Unknown };
    What::Identity { callsign: Callsign::parse(&inner.callsign).ok(), class }
}

fn velocity(inner: &AirborneVelocity, own: bool) -> What {
    let (speed, track) = match &inner.velocity {
        AirborneVelocitySubType::GroundSpeedDecoding(ground) => over_ground(inner.subtype, ground),
        _ => (None, None),
    };
    let rate = inner.vertical_rate.map(|fpm| VerticalRate::from_fpm(f64::from(fpm)));
    // In TIS-B the bits of the difference mean other things (DO-260B 2.2.17.3.4).
    let difference = inner.geo_minus_baro.filter(|_| own).map(|feet| Height::from_feet(i32::from(feet)));
    What::Velocity { velocity: (speed, track, rate), difference }
}

// `rs1090` gives the components as (field - 1) knots with sign, also for "no information" (field 0, so -1 before the
// sign) and for the supersonic subtype, whose unit is 4 kt.
fn over_ground(subtype: u8, ground: &GroundSpeedDecoding) -> (Option<Speed>, Option<Angle>) {
    let east = ground.ew_vel * f64::from(ground.ew_sign.value());
    let north = ground.ns_vel * f64::from(ground.ns_sign.value());
    if east < 0.0 || north < 0.0 {
        return (None, None);
    }
    let unit = if subtype == 2 { 4.0 } else { 1.0 };
    let speed = Speed::from_knots(ground.groundspeed * unit);
    // Standing still, or a helicopter in the hover: the direction of nothing is not north.
    let track = if speed == Speed(0) { None } else { Angle::from_degrees(ground.track) };
    (Some(speed), track)
}

fn emergency(status: &AircraftStatus) -> What {
    match status.subtype {
        AircraftStatusType::EmergencyPriorityStatus => What::ModeA(mode_a(status.squawk)),
        _ => What::Nothing,
    }
}

fn operation(status: &AircraftOperationStatus) -> What {
    let (version, nac_p) = match status {
        AircraftOperationStatus::Airborne(status) => match status.version {
            ADSBVersionAirborne::DOC9871AppendixB(v) => (1, v.nac_p),
            ADSBVersionAirborne::DOC9871AppendixC(v) => (2, v.nac_p),
            _ => return What::Nothing,
        },
        AircraftOperationStatus::Surface(status) => match status.version {
            ADSBVersionSurface::DOC9871AppendixB(v) => (1, v.nac_p),
            ADSBVersionSurface::DOC9871AppendixC(v) => (2, v.nac_p),
            _ => return What::Nothing,
        },
        AircraftOperationStatus::Reserved { .. } => return What::Nothing,
    };
    What::Status { version, nac_p }
}

// The library's code has one octal digit per four bits.
fn mode_a(code: IdentityCode) -> ModeA {
    let digit = |shift: u16| code.0 >> shift & 7;
    ModeA(digit(12) << 9 | digit(8) << 6 | digit(4) << 3 | digit(0))
}
