//! Recordings, played at the node's clock: a report is handed over when the clock shows its time of applicability.
use crate::clock::Clock;
use crate::config::Feed;
use crate::core::CoreHandle;
use anyhow::{Context, Result, ensure};
use feed::Format;
use feed::limits::TIMELINE_REPORTS_MAX;
use feed::replay::{Replay, Timeline};
use std::io::Read;
use std::path::Path;
use tracing::{info, warn};
use track::TrackReport;
use units::Utc;

/// Steps of the timeline: within one step reports are handed over together.
const STEP_MS: i64 = 1000;
/// Bytes of a recording, unpacked. The largest known is 14 MB; a limit keeps a packed bomb out.
const UNPACKED_MAX: u64 = 1 << 30;

/// A recording in memory.
pub struct Recording {
    /// Its reports by time.
    pub timeline: Timeline,
    /// Reports refused, or beyond the most that are kept.
    pub errors: u64,
    /// The last of what was wrong.
    pub last_error: Option<String>,
}

/// Guesses the format from a file's name, as the recordings are named.
pub fn format_of(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    match name.rsplit_once('.')?.1 {
        "csv" if name.contains("arrivals") => Some(Format::TrajectoryCsv),
        "csv" => Some(Format::StatesCsv),
        "jsonl" => Some(Format::Jsonl),
        "beast" => Some(Format::Beast),
        "log" | "sbs" => Some(Format::Sbs),
        _ => None,
    }
}

/// Opens a file, unpacking `.gz` and `.zst`.
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let reader: Box<dyn Read + Send> = match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(
            ruzstd::decoding::StreamingDecoder::new(std::io::BufReader::new(file))
                .map_err(|e| anyhow::anyhow!("{}: not zstd: {e}", path.display()))?,
        ),
        _ => Box::new(file),
    };
    Ok(Box::new(reader.take(UNPACKED_MAX)))
}

/// Reads a whole recording.
pub fn read(path: &Path, format: Format) -> Result<Recording> {
    let mut reader = open(path)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).with_context(|| format!("cannot unpack {}", path.display()))?;
    let mut decoder: Box<dyn feed::Decoder> = match format {
        Format::Beast => Box::new(modes::Beast::new().replay(Utc(0))),
        other => modes::decoder(other),
    };
    let mut replay = Replay::new(decoder.as_mut(), bytes.chunks(64 << 10));
    let reports: Vec<TrackReport> = replay.by_ref().map(|(_, report)| report).collect();
    let last_error = replay.last_error().map(ToString::to_string);
    let errors = replay.counts().errors_total();
    let why = last_error.as_deref().map_or_else(String::new, |e| format!(": {e}"));
    ensure!(!reports.is_empty(), "{} holds no report that can be read as {}{why}", path.display(), format.name());
    Ok(recording(Timeline::new(reports), errors, last_error))
}

/// With what the timeline did not keep.
fn recording(timeline: Timeline, errors: u64, last_error: Option<String>) -> Recording {
    let dropped = timeline.dropped;
    let cut = || format!("{dropped} reports beyond {TIMELINE_REPORTS_MAX} are not played");
    Recording { errors: errors + dropped, last_error: if dropped > 0 { Some(cut()) } else { last_error }, timeline }
}

/// Whether a share `[part, parts]` of a recording has this aircraft: every aircraft is in one share, and stays there.
pub fn in_share(report: &TrackReport, share: Option<[u32; 2]>) -> bool {
    let Some([part, parts]) = share else { return true };
    // Fibonacci hashing: neighbouring addresses, such as one operator's fleet, spread over the shares.
    let hash = report.local.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    hash % u64::from(parts.max(1)) == u64::from(part)
}

/// Reads the recording of a feed.
pub async fn load(config: &Feed, path: &Path) -> Result<Recording> {
    let format = Format::parse(&config.format).with_context(|| format!("unknown format {:?}", config.format))?;
    let at = path.to_owned();
    let recording = tokio::task::spawn_blocking(move || read(&at, format)).await??;
    let span = recording.timeline.span();
    match &recording.last_error {
        Some(error) => warn!(feed = config.name, errors = recording.errors, ?span, "recording loaded in part: {error}"),
        None => info!(feed = config.name, ?span, "recording loaded"),
    }
    Ok(recording)
}

/// Plays a recording to its end.
pub async fn play(core: &CoreHandle, number: u16, config: &Feed, recording: Recording) -> Result<()> {
    let (clock, share): (Clock, _) = (core.clock(), config.share);
    let span = recording.timeline.span();
    if span.is_some_and(|(_, last)| last < clock.now().utc) {
        warn!(feed = config.name, "the recording ended before the node's clock; set [clock] start to its time");
    }
    for (_, batch) in recording.timeline.batches(STEP_MS) {
        let Some(newest) = batch.last() else { continue };
        // What is over before the clock begins would only be refused as too old.
        if clock.now().utc.since_ms(newest.at) > node::picture::DROP_MS {
            continue;
        }
        let reports: Vec<TrackReport> = batch.iter().filter(|r| in_share(r, share)).copied().collect();
        tokio::time::sleep(clock.until(newest.at)).await;
        crate::feeds::hand_over(core, number, &reports).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aircraft_is_in_one_share() {
        let position = units::Position::from_degrees(47.0, 8.0).unwrap();
        let mut counts = [0; 3];
        for local in 0..3000 {
            let report = TrackReport::new(local, position, Utc(0));
            let shares: Vec<u32> = (0..3).filter(|part| in_share(&report, Some([*part, 3]))).collect();
            assert_eq!(shares.len(), 1);
            counts[shares[0] as usize] += 1;
        }
        assert!(counts.iter().all(|n| (900..1100).contains(n)), "{counts:?}");
    }

    #[test]
    fn what_a_recording_refused_and_what_was_cut_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let good = r#"{"now":1700513836,"hex":"a3e31a","lat":35.2,"lon":-110.3}"#;
        std::fs::write(
            &path,
            format!("{good}\nnot json\n{good}\n{{\"now\":1,\"hex\":\"a3e31a\",\"lat\":95,\"lon\":0}}\n"),
        )
        .unwrap();
        let read = read(&path, Format::Jsonl).unwrap();
        assert_eq!((read.timeline.reports().len(), read.errors), (2, 2));
        let said = read.last_error.unwrap();
        assert!(said.starts_with("line 4: lat,lon is not a position"), "{said}");
        let mut timeline = Timeline::default();
        timeline.dropped = 7;
        let cut = recording(timeline, 1, None);
        assert_eq!((cut.errors, cut.last_error.as_deref()), (8, Some("7 reports beyond 2000000 are not played")));
        std::fs::write(&path, "not json\n").unwrap();
        let error = super::read(&path, Format::Jsonl).err().unwrap().to_string();
        assert!(error.contains("holds no report that can be read as jsonl: line 1: not an object"), "{error}");
    }

    #[test]
    fn formats_are_known_by_name() {
        for (name, want) in [
            ("switzerland_20180801_replay.csv.zst", Some(Format::StatesCsv)),
            ("wvi_20250601_36_-122.jsonl.gz", Some(Format::Jsonl)),
            ("egll_arrivals_20170802.csv.zst", Some(Format::TrajectoryCsv)),
            ("lfbo_egll_20240606.beast.zst", Some(Format::Beast)),
            ("README.md", None),
        ] {
            assert_eq!(format_of(Path::new(name)), want, "{name}");
        }
    }
}
