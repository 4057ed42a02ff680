//! One report of one aircraft by one source.
use crate::identity::{Address, Callsign, ModeA};
use minicbor::{Decode, Encode};
use units::{AircraftClass, Altitude, Angle, Height, Position, Reference, Speed, Utc, VerticalRate};

/// How the report came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum SourceClass {
    /// Not known.
    #[n(0)]
    #[default]
    Unknown,
    /// ADS-B from the aircraft itself.
    #[n(1)]
    Adsb,
    /// ADS-B rebroadcast from another link.
    #[n(2)]
    AdsR,
    /// Traffic information broadcast: a ground system's track.
    #[n(3)]
    TisB,
    /// Multilateration.
    #[n(4)]
    Mlat,
    /// Mode S without position of its own.
    #[n(5)]
    ModeS,
    /// Radar.
    #[n(6)]
    Radar,
    /// Telemetry or a reference trajectory.
    #[n(7)]
    Telemetry,
}

/// Why a report is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Speed over 3,000 m/s (about Mach 10) or negative.
    #[error("ground speed {mm_per_s} mm/s is not between 0 and 3,000,000")]
    Speed {
        /// Value, mm/s.
        mm_per_s: i32,
    },
    /// A vertical rate over 500 m/s (98,000 ft/min).
    #[error("vertical rate {mm_per_s} mm/s is not within 500,000")]
    VerticalRate {
        /// Value, mm/s.
        mm_per_s: i32,
    },
    /// A track angle of a full turn or more.
    #[error("track angle {e5} is not below 360 degrees")]
    Angle {
        /// Value, degrees × 1e-5.
        e5: u32,
    },
    /// A height outside -2,000 m to 100,000 m.
    #[error("height {tenth_mm} (0.1 mm) is not between -2,000 m and 100,000 m")]
    Height {
        /// Value, 0.1 mm.
        tenth_mm: i32,
    },
    /// A position off the earth.
    #[error("{0}")]
    Position(units::PositionError),
}

/// One report. `None` means "not reported", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct TrackReport {
    /// The source's own number for this aircraft; stable while the source tracks it.
    #[n(0)]
    pub local: u64,
    /// 24-bit address, as claimed.
    #[n(1)]
    pub address: Option<Address>,
    /// Callsign, as claimed.
    #[n(2)]
    pub callsign: Option<Callsign>,
    /// Mode A code, as claimed.
    #[n(3)]
    pub mode_a: Option<ModeA>,
    /// Position.
    #[n(4)]
    pub position: Position,
    /// Pressure altitude (1013.25 hPa).
    #[n(5)]
    pub pressure: Option<Height>,
    /// Height above the WGS-84 ellipsoid.
    #[n(6)]
    pub geometric: Option<Height>,
    /// Reported to be on the ground.
    #[n(7)]
    pub on_ground: bool,
    /// Ground speed.
    #[n(8)]
    pub speed: Option<Speed>,
    /// Track over ground, true.
    #[n(9)]
    pub track: Option<Angle>,
    /// Vertical rate, up positive.
    #[n(10)]
    pub vertical_rate: Option<VerticalRate>,
    /// Time of applicability: when the aircraft was there, not when we heard of it.
    #[n(11)]
    pub at: Utc,
    /// Horizontal accuracy (95 %), millimetres; `None` if not stated.
    #[n(12)]
    pub accuracy_mm: Option<u32>,
    /// How the report came about.
    #[n(13)]
    pub source: SourceClass,
    /// What kind of aircraft.
    #[n(14)]
    pub class: AircraftClass,
}

impl TrackReport {
    /// A report with only what is always there.
    #[must_use]
    pub const fn new(local: u64, position: Position, at: Utc) -> Self {
        Self {
            local,
            address: None,
            callsign: None,
            mode_a: None,
            position,
            pressure: None,
            geometric: None,
            on_ground: false,
            speed: None,
            track: None,
            vertical_rate: None,
            at,
            accuracy_mm: None,
            source: SourceClass::Unknown,
            class: AircraftClass::Unknown,
        }
    }

    /// The altitude to show: pressure before geometric, else unknown.
    #[must_use]
    pub const fn altitude(&self) -> Altitude {
        match (self.pressure, self.geometric) {
            (Some(h), _) => Altitude::Known(h, Reference::Pressure),
            (None, Some(h)) => Altitude::Known(h, Reference::Wgs84),
            (None, None) => Altitude::Unknown,
        }
    }

    /// Refuses what cannot be an aircraft's state.
    ///
    /// # Errors
    /// The first value out of range.
    pub fn check(&self) -> Result<(), ReportError> {
        Position::new(self.position.lat_e7, self.position.lon_e7).map_err(ReportError::Position)?;
        if let Some(Speed(v)) = self.speed
            && !(0..=3_000_000).contains(&v)
        {
            return Err(ReportError::Speed { mm_per_s: v });
        }
        if let Some(VerticalRate(v)) = self.vertical_rate
            && v.unsigned_abs() > 500_000
        {
            return Err(ReportError::VerticalRate { mm_per_s: v });
        }
        if let Some(Angle(a)) = self.track
            && a >= Angle::TURN
        {
            return Err(ReportError::Angle { e5: a });
        }
        for Height(h) in [self.pressure, self.geometric].into_iter().flatten() {
            if !(-20_000_000..=1_000_000_000).contains(&h) {
                return Err(ReportError::Height { tenth_mm: h });
            }
        }
        Ok(())
    }
}
