//! `skypact bench journal`: appends through the journal, beside raw write and fdatasync of the same bytes in the same run.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Journal, JournalError, Options, SegmentJournal, Seq,
    error::io_at,
    format::FRAME_HEADER_BYTES,
    fs::{Fs, StdFs},
};

/// What one run measured. Durable latency is that of a batch: from handing it over to its sync's return.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchFigures {
    /// Records appended.
    pub records: u64,
    /// Bytes of each.
    pub record_bytes: usize,
    /// Records in a batch.
    pub batch: usize,
    /// Time to append all through the journal.
    pub journal: Duration,
    /// Time to write and fdatasync the same framed bytes, in the same batches, to a plain file.
    pub raw: Duration,
    /// Durable latency of a batch through the journal.
    pub journal_latency: Latencies,
    /// The same for the plain file.
    pub raw_latency: Latencies,
    /// Time to open the journal again.
    pub reopen: Duration,
    /// Time to read all records back, every check made.
    pub read_back: Duration,
    /// Bytes in segment files.
    pub bytes: u64,
}

impl BenchFigures {
    /// Durable records a second through the journal.
    #[must_use]
    pub fn records_per_s(&self) -> f64 {
        self.records as f64 / self.journal.as_secs_f64()
    }

    /// Durable records a second to the plain file.
    #[must_use]
    pub fn raw_records_per_s(&self) -> f64 {
        self.records as f64 / self.raw.as_secs_f64()
    }

    /// Records read back and verified a second.
    #[must_use]
    pub fn read_records_per_s(&self) -> f64 {
        self.records as f64 / self.read_back.as_secs_f64()
    }

    /// Journal time over raw time: 1 is free.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.journal.as_secs_f64() / self.raw.as_secs_f64()
    }
}

/// Order statistics of the batches' latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latencies {
    /// Half were at most this.
    pub p50: Duration,
    /// 99 of 100 were at most this.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// Appends `records` records of `size` bytes in batches of `batch` to a new journal in a new folder under `dir`, writes the same bytes raw
/// beside it, reads the journal back, and removes both. Batches alternate between the two, so that a slow moment of the disk meets both.
///
/// # Errors
///
/// As the journal's; `BadOption` if a count is zero.
pub fn bench_append(dir: &Path, records: u64, size: usize, batch: usize) -> Result<BenchFigures, JournalError> {
    for (option, value) in [("records", records), ("batch", batch as u64)] {
        if value == 0 {
            return Err(JournalError::BadOption { option, value, min: 1, max: u64::MAX });
        }
    }
    let work = dir.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&work).map_err(io_at("create", &work))?;
    let out = run(&work, records, size, batch);
    std::fs::remove_dir_all(&work).map_err(io_at("remove", &work))?;
    out
}

fn run(work: &Path, records: u64, size: usize, batch: usize) -> Result<BenchFigures, JournalError> {
    let journal_dir = work.join("journal");
    let raw_path = work.join("raw");
    let (mut journal, _) = SegmentJournal::open(&journal_dir, Options::default())?;
    let mut raw = StdFs.create(&raw_path).map_err(io_at("create", &raw_path))?;
    let payloads: Vec<Vec<u8>> =
        (0..batch).map(|i| (0..size).map(|j| (i.wrapping_mul(31) ^ j) as u8).collect()).collect();
    let refs: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let framed: Vec<u8> = refs.iter().flat_map(|r| [&[0; FRAME_HEADER_BYTES][..], r].concat()).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut left, mut at) = (records, 0);
    while left > 0 {
        let n = left.min(batch as u64) as usize;
        let bytes = &framed[..n * (FRAME_HEADER_BYTES + size)];
        let begun = Instant::now();
        journal.append_batch(None, &refs[..n])?;
        ours.push(begun.elapsed());
        let begun = Instant::now();
        raw.write_all_at(bytes, at).and_then(|()| raw.sync_data()).map_err(io_at("write", &raw_path))?;
        theirs.push(begun.elapsed());
        at += bytes.len() as u64;
        left -= n as u64;
    }
    let bytes = journal.health().bytes;
    drop(journal);
    let begun = Instant::now();
    let (journal, _) = SegmentJournal::open(&journal_dir, Options::default())?;
    let reopen = begun.elapsed();
    let begun = Instant::now();
    let mut read = 0;
    for record in journal.read(Seq(1))? {
        read += record.map(|_| 1)?;
    }
    let read_back = begun.elapsed();
    assert_eq!(read, records, "every record reads back");
    Ok(BenchFigures {
        records,
        record_bytes: size,
        batch,
        journal: ours.iter().sum(),
        raw: theirs.iter().sum(),
        journal_latency: latencies(&mut ours),
        raw_latency: latencies(&mut theirs),
        reopen,
        read_back,
        bytes,
    })
}

/// `all` is not empty.
fn latencies(all: &mut [Duration]) -> Latencies {
    all.sort_unstable();
    let at = |percent: usize| all[(all.len() * percent).div_ceil(100).clamp(1, all.len()) - 1];
    Latencies { p50: at(50), p99: at(99), max: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_order_statistics() {
        let mut all: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let got = latencies(&mut all);
        assert_eq!([got.p50, got.p99, got.max].map(|d| d.as_millis()), [100, 198, 200]);
        let one = latencies(&mut [Duration::from_millis(5)]);
        assert_eq!(one.p50, one.max);
    }

    #[test]
    fn a_run_reads_back_what_it_wrote_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let figures = bench_append(dir.path(), 103, 64, 10).unwrap();
        assert_eq!(figures.bytes, 80 + 103 * 84);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(matches!(bench_append(dir.path(), 0, 1, 1), Err(JournalError::BadOption { .. })));
    }
}
