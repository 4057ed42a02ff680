//! Recordings in the order of their time.
use crate::batch::Batch;
use crate::error::FeedError;
use crate::limits::TIMELINE_REPORTS_MAX;
use crate::{Counts, Decoder, REPLAY};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use track::TrackReport;
use units::Utc;

/// Reads a recording piece by piece (any pieces of its bytes, decompressed) and yields each report with its time, in
/// the order of the file. Holds one piece's reports. For files that are already in the order of time.
pub struct Replay<'d, I> {
    decoder: &'d mut dyn Decoder,
    pieces: Option<I>,
    ready: VecDeque<TrackReport>,
    batch: Batch,
    last_error: Option<FeedError>,
}

impl<'d, B: AsRef<[u8]>, I: Iterator<Item = B>> Replay<'d, I> {
    /// Replays `pieces` through `decoder`.
    pub fn new(decoder: &'d mut dyn Decoder, pieces: I) -> Self {
        Self { decoder, pieces: Some(pieces), ready: VecDeque::new(), batch: Batch::default(), last_error: None }
    }

    /// What was read and refused so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.batch.counts
    }

    /// The last error so far, of whichever piece.
    #[must_use]
    pub const fn last_error(&self) -> Option<&FeedError> {
        self.last_error.as_ref()
    }

    /// The errors of the last piece.
    #[must_use]
    pub fn errors(&self) -> &[FeedError] {
        &self.batch.errors
    }
}

impl<B: AsRef<[u8]>, I: Iterator<Item = B>> Iterator for Replay<'_, I> {
    type Item = (Utc, TrackReport);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Some((report.at, report));
            }
            let pieces = self.pieces.as_mut()?;
            self.batch.clear();
            match pieces.next() {
                Some(piece) => self.decoder.push(piece.as_ref(), REPLAY, &mut self.batch),
                None => {
                    self.decoder.finish(REPLAY, &mut self.batch);
                    self.pieces = None;
                }
            }
            if let Some(error) = self.batch.errors.last() {
                self.last_error = Some(error.clone());
            }
            self.ready.extend(self.batch.reports.drain(..));
        }
    }
}

/// A whole recording in the order of time; of one instant, in the order of the file.
#[derive(Debug, Default)]
pub struct Timeline {
    reports: Vec<TrackReport>,
    /// Reports beyond [`TIMELINE_REPORTS_MAX`], not kept.
    pub dropped: u64,
}

impl Timeline {
    /// Collects and sorts reports.
    pub fn new(reports: impl IntoIterator<Item = TrackReport>) -> Self {
        let mut timeline = Self::default();
        for report in reports {
            if timeline.reports.len() < TIMELINE_REPORTS_MAX {
                timeline.reports.push(report);
            } else {
                timeline.dropped += 1;
            }
        }
        timeline.reports.sort_by_key(|report| report.at);
        timeline
    }

    /// All reports.
    #[must_use]
    pub fn reports(&self) -> &[TrackReport] {
        &self.reports
    }

    /// The time of the first and of the last report.
    #[must_use]
    pub fn span(&self) -> Option<(Utc, Utc)> {
        Some((self.reports.first()?.at, self.reports.last()?.at))
    }

    /// The reports step by step: all whose time lies in `[t, t + step_ms)`, with `t` a whole multiple of `step_ms`
    /// since 1970. Steps without reports are left out. `step_ms` below 1 counts as 1: one batch per time of report.
    pub fn batches(&self, step_ms: i64) -> impl Iterator<Item = (Utc, &[TrackReport])> {
        let step = step_ms.max(1);
        let of = move |report: &TrackReport| report.at.0.div_euclid(step);
        self.reports.chunk_by(move |a, b| of(a) == of(b)).map(move |chunk| (Utc(of(&chunk[0]) * step), chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StatesCsv, TrajectoryCsv};
    use alloc::vec;

    #[test]
    fn pieces_of_any_size_give_the_same_reports() {
        let bytes = include_bytes!("../testdata/states.csv");
        for size in [1, 7, 100, 10_000] {
            let mut decoder = StatesCsv::new();
            let mut replay = Replay::new(&mut decoder, bytes.chunks(size));
            let times: Vec<_> = replay.by_ref().map(|(at, _)| at.0 / 1000).collect();
            assert_eq!(times, [1_533_099_600, 1_533_099_610, 1_533_099_610]);
            assert_eq!((replay.counts().reports, replay.errors().len()), (3, 0));
        }
    }

    #[test]
    fn a_timeline_is_in_the_order_of_time_and_cut_by_steps() {
        let bytes = include_bytes!("../testdata/trajectory.csv");
        let mut out = crate::decode(&mut TrajectoryCsv::new(), bytes, REPLAY);
        out.reports.reverse();
        let timeline = Timeline::new(out.reports);
        let counts = |step| timeline.batches(step).map(|(t, r)| (t.0 % 100_000, r.len())).collect::<Vec<_>>();
        assert_eq!(counts(0), vec![(48_000, 1), (53_000, 1), (27_000, 1)]);
        assert_eq!(counts(10_000), vec![(40_000, 1), (50_000, 1), (20_000, 1)]);
        assert_eq!(counts(60_000), vec![(40_000, 2), (0, 1)]);
        assert_eq!(timeline.span().map(|(a, b)| b.since_ms(a)), Some(9_379_000));
    }
}
