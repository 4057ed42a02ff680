//! The recordings, with their known counts. Skipped where there are none.
use feed::{
    AircraftJson, Batch, Decoder, ErrorKind, Jsonl, REPLAY, Sbs, StatesCsv, TrajectoryCsv, decode, replay::Timeline,
};
use std::io::Read;
use std::path::PathBuf;
use track::SourceClass;
use units::{Altitude, Utc};

fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("SKYPACT_RECORDINGS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: no recordings");
        return None;
    }
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut out = vec![];
    if name.ends_with(".zst") {
        ruzstd::decoding::StreamingDecoder::new(&bytes[..]).unwrap().read_to_end(&mut out).unwrap();
    } else if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut out).unwrap();
    } else {
        out = bytes;
    }
    Some(out)
}

fn in_pieces(decoder: &mut dyn Decoder, bytes: &[u8]) -> Batch {
    let mut out = Batch::default();
    for piece in bytes.chunks(4093) {
        decoder.push(piece, REPLAY, &mut out);
    }
    decoder.finish(REPLAY, &mut out);
    out
}

/// Records, reports, held, refused, errors.
fn counts(out: &Batch) -> [u64; 5] {
    let c = &out.counts;
    [c.records, c.reports, c.held, c.refused, c.errors_total()]
}

#[test]
fn readsb_snapshots_give_every_aircraft_with_a_position() {
    for (n, aircraft, with_position, geometric, unknown) in [(1, 64, 63, 61, 0), (2, 69, 67, 65, 1), (3, 80, 77, 74, 0)]
    {
        let Some(bytes) = recording(&format!("traffic/readsb_aircraft_json/aircraft_{n}.json")) else { return };
        let out = decode(&mut AircraftJson::new(), &bytes, REPLAY);
        assert_eq!(counts(&out), [aircraft, with_position, aircraft - with_position, 0, 0], "{:?}", out.errors);
        assert_eq!(out.reports.iter().filter(|r| r.geometric.is_some()).count(), geometric);
        assert!(out.reports.iter().all(|r| r.source == SourceClass::Adsb && r.accuracy_mm.is_some()));
        assert_eq!(out.reports.iter().filter(|r| !r.on_ground && r.pressure.is_none()).count(), unknown, "{n}");
    }
}

#[test]
fn the_swiss_day_is_read_without_an_error_and_in_the_order_of_time() {
    let Some(bytes) = recording("traffic/switzerland_20180801_replay.csv.zst") else { return };
    let out = in_pieces(&mut StatesCsv::new(), &bytes);
    assert_eq!(counts(&out), [139_098, 139_098, 0, 0, 0], "{:?}", out.errors);
    assert!(out.reports.windows(2).all(|w| w[0].at <= w[1].at));
    // Half-feet come from the publisher's filter (50 rows); everything else is a whole number of 25 ft.
    let odd = out.reports.iter().filter(|r| r.pressure.is_none_or(|h| h.0 % (25 * 3048) != 0)).count();
    assert_eq!(odd, 50);
    let timeline = Timeline::new(out.reports);
    assert_eq!(timeline.span(), Some((Utc(1_533_099_600_000), Utc(1_533_160_790_000))));
    let steps: Vec<_> = timeline.batches(10_000).map(|(at, reports)| (at, reports.len())).collect();
    assert_eq!(steps.iter().map(|(_, n)| n).sum::<usize>(), 139_098);
    assert_eq!(steps.iter().map(|(_, n)| *n).max(), Some(47), "at most 47 aircraft at one time");
}

#[test]
fn the_watsonville_fixes_are_all_read() {
    let Some(bytes) = recording("traffic/wvi_20250601_36_-122.jsonl.gz") else { return };
    let out = in_pieces(&mut Jsonl::new(), &bytes);
    // Six lines have a callsign of ten characters (HP-9915CMP).
    assert_eq!(counts(&out), [44_120, 44_120, 0, 0, 6], "{:?}", out.errors);
    assert_eq!(out.counts.errors(ErrorKind::Value), 6);
    let of = |class| out.reports.iter().filter(|r| r.source == class).count();
    assert_eq!((of(SourceClass::Adsb), of(SourceClass::AdsR)), (7638, 1758));
    assert_eq!((of(SourceClass::TisB), of(SourceClass::Mlat), of(SourceClass::Unknown)), (1663, 10, 33_051));
    assert_eq!(out.reports.iter().filter(|r| r.pressure.is_none()).count(), 138, "0 is not an altitude");
    assert_eq!(out.reports.iter().filter(|r| r.address.is_some_and(|a| !a.is_icao())).count(), 1337);
}

#[test]
fn the_black_rock_hour_is_read_with_its_ticks() {
    let Some(bytes) = recording("traffic/brc_20230829_1hr.jsonl.zst") else { return };
    let out = in_pieces(&mut Jsonl::new(), &bytes);
    assert_eq!(counts(&out), [5767, 4920, 847, 0, 0], "{:?}", out.errors);
    assert_eq!(out.reports.iter().filter(|r| r.pressure.is_none()).count(), 1028);
}

#[test]
fn the_stratux_log_gives_its_messages_and_loses_one_line() {
    let Some(bytes) = recording("modes/stratux_20150902_es.log.zst") else { return };
    let out = in_pieces(&mut Sbs::new(), &bytes);
    // 44,478 messages and 3 START lines; the message cut by a restart is one of them. 2,104 have a position.
    assert_eq!(counts(&out), [44_481, 2104, 42_376, 1, 2], "{:?}", out.errors);
    let errors: Vec<_> = out.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors[0], "line 5536: callsign is not a callsign: \"????????\"");
    assert_eq!(errors[1], "line 20543: not an SBS line: \"2673298051428,MSG,5,,,AB9B13,START,Wed S\"");
    let mut addresses: Vec<_> = out.reports.iter().map(|r| r.local).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 44);
    assert!(out.reports.iter().all(|r| r.pressure.is_some()));
    assert!(out.reports.iter().filter(|r| r.speed.is_some()).count() > 1500);
}

#[test]
fn the_heathrow_trajectories_have_no_altitude_unless_told() {
    let Some(bytes) = recording("traffic/egll_arrivals_20170802.csv.zst") else { return };
    let out = in_pieces(&mut TrajectoryCsv::new(), &bytes);
    assert_eq!(out.counts.records, 18_574);
    assert_eq!((out.counts.reports, out.counts.refused), (18_574, 0), "{:?}", out.errors);
    // The publisher's filter ran off in 12 flights: 574 ground speeds from -1,825 to 15,217 kt, 453 tracks below 0.
    assert_eq!((out.counts.errors_total(), out.counts.errors(ErrorKind::Value)), (1027, 1027));
    assert_eq!(out.reports.iter().filter(|r| r.speed.is_none()).count(), 574);
    assert_eq!(out.reports.iter().filter(|r| r.track.is_none()).count(), 453);
    assert!(out.reports.iter().all(|r| r.altitude() == Altitude::Unknown));
    let told = in_pieces(&mut TrajectoryCsv::as_pressure(), &bytes);
    assert_eq!(told.reports.iter().filter(|r| r.pressure.is_none()).count(), 2);
    let timeline = Timeline::new(told.reports);
    assert!(timeline.batches(1000).all(|(_, reports)| reports.len() <= 45));
}
