//! What a decoder hands out.
use crate::error::{ErrorKind, FeedError, Place};
use crate::limits::ERRORS_MAX;
use alloc::vec::Vec;
use track::TrackReport;

/// How much a stream has given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records seen: lines, aircraft of a document, frames. Each is a report, held or refused.
    pub records: u64,
    /// Reports handed out.
    pub reports: u64,
    /// Records without a position of their own: they add to what is known of an aircraft, or say nothing.
    pub held: u64,
    /// Records not taken.
    pub refused: u64,
    errors: [u64; ErrorKind::ALL.len()],
}

impl Counts {
    /// Errors of one kind. A report may stand although a value of it was an error.
    #[must_use]
    pub const fn errors(&self, kind: ErrorKind) -> u64 {
        self.errors[kind as usize]
    }

    /// Errors of every kind.
    #[must_use]
    pub fn errors_total(&self) -> u64 {
        self.errors.iter().sum()
    }
}

/// What could be read and what could not. Kept by the caller over the life of a stream: [`Batch::clear`] empties the
/// lists and leaves the counts.
#[derive(Debug, Default)]
pub struct Batch {
    /// Reports in the order of the stream.
    pub reports: Vec<TrackReport>,
    /// The first errors since the last `clear`, at most [`ERRORS_MAX`]; all are in `counts`.
    pub errors: Vec<FeedError>,
    /// Counts since the beginning.
    pub counts: Counts,
}

impl Batch {
    /// Empties the lists for the next bytes.
    pub fn clear(&mut self) {
        self.reports.clear();
        self.errors.clear();
    }

    /// Counts and keeps an error.
    pub fn error(&mut self, error: FeedError) {
        self.counts.errors[error.kind() as usize] += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        }
    }

    /// Counts one record by its outcome: a report (checked here), nothing to hand out, or an error.
    pub fn record(&mut self, place: Place, outcome: Result<Option<TrackReport>, FeedError>) {
        self.counts.records += 1;
        match outcome {
            Ok(Some(report)) => match report.check() {
                Ok(()) => {
                    self.counts.reports += 1;
                    self.reports.push(report);
                }
                Err(cause) => {
                    self.counts.refused += 1;
                    self.error(FeedError::Report { place, cause });
                }
            },
            Ok(None) => self.counts.held += 1,
            Err(error) => {
                self.counts.refused += 1;
                self.error(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{Position, Speed, Utc};

    #[test]
    fn a_report_that_cannot_be_is_refused_at_the_door() {
        let mut out = Batch::default();
        let mut report = TrackReport::new(1, Position::default(), Utc(0));
        out.record(Place::Line(1), Ok(Some(report)));
        report.speed = Some(Speed(-1));
        out.record(Place::Line(2), Ok(Some(report)));
        assert_eq!((out.counts.records, out.counts.reports, out.counts.refused), (2, 1, 1));
        assert_eq!(out.counts.errors(ErrorKind::Report), 1);
    }

    #[test]
    fn errors_in_words_are_bounded_and_counted_all() {
        let mut out = Batch::default();
        for n in 0..1000 {
            out.error(FeedError::Missing { place: Place::Line(n), field: "lat" });
        }
        assert_eq!((out.errors.len(), out.counts.errors_total()), (ERRORS_MAX, 1000));
    }
}
