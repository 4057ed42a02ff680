//! Tracks of one source at one tick, packed in columns.
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use track::{Address, AircraftClass, Callsign, ModeA, ReportError, SourceClass, TrackReport};
use units::{Angle, Height, Position, Speed, Utc, VerticalRate};

/// Most tracks in one batch. The widest row is 78 bytes (local 9, address 5, callsign 9, Mode A 3, lat 5, lon 5,
/// heights 5 + 5, ground 1, speed 5, track 5, rate 5, time 9, accuracy 5, source 1, class 1): 800 rows are 62,400
/// bytes, which leaves 3 kB of a 65,535-byte log entry for the envelope.
pub const BATCH_MAX: usize = 800;

/// How the tracks of a batch were reduced before release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum ReleaseForm {
    /// As held.
    #[n(0)]
    #[default]
    Full,
    /// Less precise, later, or without identity.
    #[n(1)]
    Reduced,
    /// Cell centres at bin times.
    #[n(2)]
    Coarse,
}

/// Track reports in columns. A column in which no row has a value is empty.
/// Written by `columns`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Decode)]
#[cbor(map)]
pub struct TrackBatch {
    /// Base of the `at` column.
    #[n(0)]
    pub base: Utc,
    /// How the batch was reduced.
    #[n(1)]
    pub form: ReleaseForm,
    /// Radius around each position within which the aircraft was, millimetres, from the reduction alone (0: none).
    #[n(2)]
    pub precision_mm: u32,
    /// Delay imposed before release, ms.
    #[n(3)]
    pub delay_ms: u32,
    #[n(4)]
    pub(crate) local: Vec<u64>,
    #[n(5)]
    pub(crate) lat_e7: Vec<i32>,
    #[n(6)]
    pub(crate) lon_e7: Vec<i32>,
    #[n(7)]
    pub(crate) at_ms: Vec<i64>,
    #[n(8)]
    pub(crate) address: Vec<Option<u32>>,
    #[n(9)]
    pub(crate) callsign: Vec<Option<u64>>,
    #[n(10)]
    pub(crate) mode_a: Vec<Option<u16>>,
    #[n(11)]
    pub(crate) pressure: Vec<Option<i32>>,
    #[n(12)]
    pub(crate) geometric: Vec<Option<i32>>,
    #[n(13)]
    pub(crate) on_ground: Vec<Option<bool>>,
    #[n(14)]
    pub(crate) speed: Vec<Option<i32>>,
    #[n(15)]
    pub(crate) track: Vec<Option<u32>>,
    #[n(16)]
    pub(crate) vertical_rate: Vec<Option<i32>>,
    #[n(17)]
    pub(crate) accuracy_mm: Vec<Option<u32>>,
    #[n(18)]
    pub(crate) source: Vec<Option<SourceClass>>,
    #[n(19)]
    pub(crate) class: Vec<Option<AircraftClass>>,
}

/// Why columns are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// More than [`BATCH_MAX`] rows.
    #[error("{rows} tracks in one batch, at most {BATCH_MAX}")]
    TooMany {
        /// Rows given.
        rows: usize,
    },
    /// A column of another length than the first.
    #[error("column {column} has {got} rows, expected {rows}")]
    Ragged {
        /// Key of the column.
        column: u8,
        /// Its rows.
        got: usize,
        /// Rows of the batch.
        rows: usize,
    },
    /// A column of only empty values, which has to be left out.
    #[error("column {column} holds nothing and must be empty")]
    Hollow {
        /// Key of the column.
        column: u8,
    },
    /// An identity that is none.
    #[error("row {row}: not an identity")]
    Identity {
        /// Row, from 0.
        row: usize,
    },
    /// A report out of range.
    #[error("row {row}: {error}")]
    Report {
        /// Row, from 0.
        row: usize,
        /// What is wrong.
        error: ReportError,
    },
}

fn column<R, T>(rows: &[R], get: impl Fn(&R) -> Option<T>) -> Vec<Option<T>> {
    let values: Vec<Option<T>> = rows.iter().map(get).collect();
    if values.iter().all(Option::is_none) { Vec::new() } else { values }
}

impl TrackBatch {
    /// Packs reports.
    ///
    /// # Errors
    /// More than [`BATCH_MAX`] of them.
    pub fn pack(base: Utc, reports: &[TrackReport]) -> Result<Self, BatchError> {
        Self::pack_of(base, reports, |report| report)
    }

    /// Packs the reports of rows that hold or name them.
    ///
    /// # Errors
    /// More than [`BATCH_MAX`] of them.
    pub fn pack_of<'r, R>(base: Utc, rows: &'r [R], of: impl Fn(&'r R) -> &'r TrackReport) -> Result<Self, BatchError> {
        if rows.len() > BATCH_MAX {
            return Err(BatchError::TooMany { rows: rows.len() });
        }
        let rows: Vec<&TrackReport> = rows.iter().map(of).collect();
        let rows = rows.as_slice();
        Ok(Self {
            base,
            form: ReleaseForm::Full,
            precision_mm: 0,
            delay_ms: 0,
            local: rows.iter().map(|r| r.local).collect(),
            lat_e7: rows.iter().map(|r| r.position.lat_e7).collect(),
            lon_e7: rows.iter().map(|r| r.position.lon_e7).collect(),
            at_ms: rows.iter().map(|r| r.at.since_ms(base)).collect(),
            address: column(rows, |r| r.address.map(Address::bits)),
            callsign: column(rows, |r| r.callsign.map(Callsign::bits)),
            mode_a: column(rows, |r| r.mode_a.map(|m| m.0)),
            pressure: column(rows, |r| r.pressure.map(|h| h.0)),
            geometric: column(rows, |r| r.geometric.map(|h| h.0)),
            on_ground: column(rows, |r| r.on_ground.then_some(true)),
            speed: column(rows, |r| r.speed.map(|v| v.0)),
            track: column(rows, |r| r.track.map(|a| a.0)),
            vertical_rate: column(rows, |r| r.vertical_rate.map(|v| v.0)),
            accuracy_mm: column(rows, |r| r.accuracy_mm),
            source: column(rows, |r| (r.source != SourceClass::Unknown).then_some(r.source)),
            class: column(rows, |r| (r.class != AircraftClass::Unknown).then_some(r.class)),
        })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.local.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.local.is_empty()
    }

    /// Time of the newest row; none if there is no row.
    #[must_use]
    pub fn newest(&self) -> Option<Utc> {
        self.at_ms.iter().max().map(|ms| self.base.plus_ms(*ms))
    }

    /// Checks the columns against each other.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), BatchError> {
        let rows = self.len();
        if rows > BATCH_MAX {
            return Err(BatchError::TooMany { rows });
        }
        for (key, got) in [(5u8, self.lat_e7.len()), (6, self.lon_e7.len()), (7, self.at_ms.len())] {
            if got != rows {
                return Err(BatchError::Ragged { column: key, got, rows });
            }
        }
        optional(8, &self.address, rows)?;
        optional(9, &self.callsign, rows)?;
        optional(10, &self.mode_a, rows)?;
        optional(11, &self.pressure, rows)?;
        optional(12, &self.geometric, rows)?;
        optional(13, &self.on_ground, rows)?;
        optional(14, &self.speed, rows)?;
        optional(15, &self.track, rows)?;
        optional(16, &self.vertical_rate, rows)?;
        optional(17, &self.accuracy_mm, rows)?;
        optional(18, &self.source, rows)?;
        optional(19, &self.class, rows)
    }

    /// Checks the columns and every row, without keeping the rows.
    ///
    /// # Errors
    /// As [`TrackBatch::unpack`].
    pub fn check_rows(&self) -> Result<(), BatchError> {
        self.check()?;
        (0..self.len()).try_for_each(|row| self.row(row).map(drop))
    }

    /// Unpacks the reports, each checked.
    ///
    /// # Errors
    /// The first rule that is broken; nothing of such a batch is used.
    pub fn unpack(&self) -> Result<Vec<TrackReport>, BatchError> {
        self.check()?;
        (0..self.len()).map(|row| self.row(row)).collect()
    }

    fn row(&self, row: usize) -> Result<TrackReport, BatchError> {
        fn at<T: Copy>(column: &[Option<T>], row: usize) -> Option<T> {
            column.get(row).copied().flatten()
        }
        let identity = BatchError::Identity { row };
        let position = Position { lat_e7: self.lat_e7[row], lon_e7: self.lon_e7[row] };
        let report = TrackReport {
            local: self.local[row],
            address: at(&self.address, row).map(|b| Address::from_bits(b).ok_or(identity)).transpose()?,
            callsign: at(&self.callsign, row).map(|b| Callsign::from_bits(b).ok_or(identity)).transpose()?,
            mode_a: at(&self.mode_a, row)
                .map(|b| if b <= 0o7777 { Ok(ModeA(b)) } else { Err(identity) })
                .transpose()?,
            position,
            pressure: at(&self.pressure, row).map(Height),
            geometric: at(&self.geometric, row).map(Height),
            on_ground: at(&self.on_ground, row).unwrap_or(false),
            speed: at(&self.speed, row).map(Speed),
            track: at(&self.track, row).map(Angle),
            vertical_rate: at(&self.vertical_rate, row).map(VerticalRate),
            at: self.base.plus_ms(self.at_ms[row]),
            accuracy_mm: at(&self.accuracy_mm, row),
            source: at(&self.source, row).unwrap_or_default(),
            class: at(&self.class, row).unwrap_or_default(),
        };
        report.check().map_err(|error| BatchError::Report { row, error })?;
        Ok(report)
    }
}

fn optional<T>(column: u8, values: &[Option<T>], rows: usize) -> Result<(), BatchError> {
    if values.is_empty() {
        return Ok(());
    }
    if values.len() != rows {
        return Err(BatchError::Ragged { column, got: values.len(), rows });
    }
    if values.iter().all(Option::is_none) {
        return Err(BatchError::Hollow { column });
    }
    Ok(())
}
