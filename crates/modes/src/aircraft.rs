//! Frames of many aircraft to reports.
use crate::cpr::Cpr;
use crate::message::{Said, Velocity, What, read};
use feed::limits::AIRCRAFT_MAX;
use feed::{Frame, FrameError, Recent};
use track::{Address, Callsign, ModeA, SourceClass, TrackReport};
use units::{AircraftClass, Height, Position, Utc};

/// Oldest velocity, difference of altitudes: sent twice a second; as for SBS lines.
const VELOCITY_MS_MAX: i64 = 15_000;
/// Oldest accuracy and version: sent every 2.5 s.
const STATUS_MS_MAX: i64 = 120_000;
/// Oldest callsign and Mode A code.
const IDENTITY_MS_MAX: i64 = 300_000;

/// Decoder of Mode S frames. Remembers at most [`AIRCRAFT_MAX`] aircraft.
#[derive(Debug)]
pub struct ModesDecoder {
    aircraft: Recent<u32, Aircraft>,
    receiver: Option<Position>,
}

type Aged<T> = Option<(Utc, T)>;

#[derive(Debug, Default)]
struct Aircraft {
    cpr: Cpr,
    heard: Option<Utc>,
    callsign: Aged<Callsign>,
    mode_a: Aged<ModeA>,
    velocity: Aged<Velocity>,
    difference: Aged<Height>,
    status: Aged<(u8, u8)>,
    class: AircraftClass,
}

impl Default for ModesDecoder {
    fn default() -> Self {
        Self { aircraft: Recent::new(AIRCRAFT_MAX), receiver: None }
    }
}

impl ModesDecoder {
    /// A decoder that does not know where its receiver is: an aircraft first heard on the surface stays without position.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for a receiver at `position`, within 45 NM of the surface traffic it hears.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self { receiver: Some(position), ..Self::default() }
    }

    /// How many aircraft it remembers now; one heard by several ways (ADS-B, ADS-R, TIS-B) counts for each.
    #[must_use]
    pub fn aircraft(&self) -> usize {
        self.aircraft.len()
    }

    /// Takes a frame heard `at`. A report if it holds a position that is certain; `None` if it only adds to what is
    /// known, or is of a kind not taken.
    ///
    /// # Errors
    /// A frame that fails its parity, cannot be read, or gives a position the aircraft cannot have.
    pub fn push_frame(&mut self, frame: &Frame, at: Utc) -> Result<Option<TrackReport>, FrameError> {
        let Some(mut said) = read(frame.bytes())? else { return Ok(None) };
        if frame.counter == Some(feed::beast::MLAT_COUNTER) {
            said.source = SourceClass::Mlat;
        }
        let key = key(said.address, said.source);
        if let What::Reply(code) = said.what {
            if let Some(aircraft) = self.aircraft.get_mut(key)
                && aircraft.heard.is_some_and(|heard| young(at, heard, IDENTITY_MS_MAX))
            {
                aircraft.mode_a = Some((at, code));
            }
            return Ok(None);
        }
        let aircraft = self.aircraft.entry(key);
        aircraft.heard = Some(at);
        aircraft.take(&said, at, self.receiver)
    }
}

/// Ways are kept apart: a rebroadcast lags, and frames of two ways make no pair.
const fn key(address: Address, source: SourceClass) -> u32 {
    address.bits() | (source as u32) << 25
}

impl Aircraft {
    fn take(&mut self, said: &Said, at: Utc, receiver: Option<Position>) -> Result<Option<TrackReport>, FrameError> {
        match said.what {
            What::Position { raw, pressure, geometric, velocity } => {
                if velocity.is_some() {
                    self.velocity = velocity.map(|v| (at, v));
                }
                let Some(position) = self.cpr.take(at, raw, receiver)? else { return Ok(None) };
                let mut report = TrackReport::new(u64::from(said.address.bits()), position, at);
                report.address = Some(said.address);
                report.source = said.source;
                report.on_ground = matches!(raw, crate::cpr::Raw::Surface(_));
                report.pressure = pressure;
                report.geometric = geometric.or_else(|| self.geometric(pressure, at));
                self.tell(&mut report);
                return Ok(Some(report));
            }
            What::Velocity { velocity, difference } => {
                self.velocity = Some((at, velocity));
                self.difference = difference.map(|d| (at, d));
            }
            What::Identity { callsign, class } => {
                self.callsign = callsign.map(|c| (at, c)).or(self.callsign);
                self.class = class;
            }
            What::ModeA(code) => self.mode_a = Some((at, code)),
            What::Status { version, nac_p } => self.status = Some((at, (version, nac_p))),
            What::Reply(_) | What::Nothing => {}
        }
        Ok(None)
    }

    // Emitters before version 2 may give the difference to mean sea level (DO-260B 2.2.3.2.6.1.15): not taken.
    fn geometric(&self, pressure: Option<Height>, at: Utc) -> Option<Height> {
        let (version, _) = aged(self.status, at, STATUS_MS_MAX)?;
        let difference = aged(self.difference, at, VELOCITY_MS_MAX)?;
        let height = pressure?.0.checked_add(difference.0)?;
        (version >= 2).then_some(Height(height))
    }

    fn tell(&self, report: &mut TrackReport) {
        let at = report.at;
        report.callsign = aged(self.callsign, at, IDENTITY_MS_MAX);
        report.mode_a = aged(self.mode_a, at, IDENTITY_MS_MAX);
        report.class = self.class;
        if let Some(velocity) = aged(self.velocity, at, VELOCITY_MS_MAX) {
            (report.speed, report.track, report.vertical_rate) = velocity;
        }
        if let Some((_, nac_p)) = aged(self.status, at, STATUS_MS_MAX) {
            report.accuracy_mm = feed::accuracy_mm(Some(i64::from(nac_p)), None);
        }
    }
}

fn young(at: Utc, seen: Utc, ms_max: i64) -> bool {
    at.since_ms(seen).saturating_abs() <= ms_max
}

fn aged<T>(value: Aged<T>, at: Utc, ms_max: i64) -> Option<T> {
    value.filter(|(seen, _)| young(at, *seen, ms_max)).map(|(_, value)| value)
}
