//! `skypact detect` as an analyst meets it: the real binary, files of others, their expected results.
use detect::scenario::{self, Family};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A row of the output, by column.
type Row = BTreeMap<String, String>;

impl Ran {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// Rows of CSV; nothing here holds a comma.
    fn rows(&self) -> Vec<Row> {
        let mut lines = self.out.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let row = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), header.len(), "{line}");
            header.iter().zip(fields).map(|(name, field)| ((*name).to_owned(), field.to_owned())).collect()
        };
        lines.map(row).collect()
    }

    fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// Runs `skypact detect` in a folder; `input` is its standard input.
fn detect(dir: &Path, words: &str, input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
    command.arg("detect").args(words.split_whitespace()).current_dir(dir).env_remove("SKYPACT_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("standard input");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        let _gone_if_refused = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("output");
    writer.join().expect("written");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn on_stdin(words: &str, input: &str) -> Ran {
    detect(Path::new("."), words, input)
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

fn shared(variable: &str, folder: &str, name: &str) -> Option<PathBuf> {
    let root = match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder),
    };
    let path = root.join(name);
    if !path.is_file() {
        println!("skipped: no recordings ({name})");
        return None;
    }
    Some(path)
}

fn recording(name: &str) -> Option<PathBuf> {
    shared("SKYPACT_RECORDINGS", "recordings", name)
}

fn vectors(name: &str) -> Option<String> {
    let bytes = std::fs::read(shared("SKYPACT_VECTORS", "vectors", name)?).expect("vectors");
    let mut text = String::new();
    let mut stream = ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).expect("zstd");
    stream.read_to_string(&mut text).expect("text");
    Some(text)
}

/// The picture as the reference generator writes it.
fn generated(family: Family, n: usize) -> String {
    let mut text = String::from("id,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm\n");
    for (i, s) in scenario::states(family, n, scenario::SEED).iter().enumerate() {
        text += &format!("{i},{},{},{},{},{},{}\n", s.lat, s.lon, s.alt_ft, s.gs_kt, s.trk_deg, s.vs_fpm);
    }
    text
}

#[test]
fn a_generated_picture_has_the_conflicts_of_the_geodesic_truth() {
    let Some(truth) = vectors("geodesic_box_5000.csv.zst") else { return };
    let ran = on_stdin("--tracks -", &generated(Family::Box, 5000)).ok();
    let mut found: BTreeMap<(usize, usize), Row> = BTreeMap::new();
    for row in ran.rows() {
        let pair = (row["a"].parse().expect("id"), row["b"].parse().expect("id"));
        assert!(row["verdict"] == "conflict" && found.insert(pair, row).is_none());
    }
    let (mut equal, mut ambiguous) = (0, BTreeSet::new());
    for line in truth.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let pair = (f[0].parse().expect("id"), f[1].parse().expect("id"));
        if f[3] == "1" {
            ambiguous.insert(pair);
            continue;
        }
        let row = found.remove(&pair);
        assert_eq!(row.is_some(), f[2] == "1", "{line}");
        let Some(row) = row else { continue };
        let truth = |n: usize| f[n].parse::<f64>().expect("number");
        assert!((number(&row, "dcpa_m") - truth(6)).abs() <= 2.0, "{line} {row:?}");
        assert!((number(&row, "tin_s") - truth(7)).abs() <= 0.05, "{line} {row:?}");
        equal += 1;
    }
    found.retain(|pair, _| !ambiguous.contains(pair));
    assert!(found.is_empty() && equal > 400, "{equal} equal, {found:?} only here");
    assert!(ran.err.contains("5000 tracks, 5000 states, 1 pictures"), "{}", ran.err);
    assert!(ran.err.contains("wgs84-ecef-1") && ran.err.contains(detect::ENGINE), "{}", ran.err);
}

#[test]
fn a_daidalus_encounter_is_alerted_of_as_by_the_reference_implementation() {
    let Some(encounter) = recording("conflict/daidalus/H1.daa") else { return };
    let Some(expected) = recording("conflict/daidalus/H1.expected_alerting.csv") else { return };
    // The volume of its corrective alert: 0.66 NM, 35 s, 450 ft.
    let words = "--well-clear 4010.2362204724,35,450 --well-clear-horizon-s 300 --all --tracks";
    let rows = detect(Path::new("."), &format!("{words} {}", encounter.display()), "").ok().rows();
    let expected = std::fs::read_to_string(expected).expect("text");
    assert_eq!(rows.len(), expected.lines().skip(2).count());
    let mut alerts = Vec::new();
    for (row, line) in rows.iter().zip(expected.lines().skip(2)) {
        let f: Vec<&str> = line.split(',').map(str::trim).collect();
        assert_eq!(number(row, "time"), f[0].parse::<f64>().expect("time"));
        match f[6].parse::<f64>().ok().filter(|t| t.is_finite()) {
            Some(within) => {
                // Theirs is a sphere on which a minute of arc is a nautical mile: 0.2 % of the way to the closest approach.
                let off = (number(row, "wc_tin_s") - within).abs();
                assert!(off < 0.002 * (within + 36.0) + 0.01, "{line} {row:?}");
                assert_eq!((row["wc"].as_str(), row["wc_now"] == "true"), ("loss", within == 0.0), "{line}");
            }
            None => assert_eq!(row["wc"], "clear", "{line}"),
        }
        // Their horizontal separation, in nautical miles of the sphere.
        let apart = f[8].parse::<f64>().expect("separation") * 1852.0;
        assert!((number(row, "d0_m") - apart).abs() < 0.003 * apart + 1.0, "{line} {row:?}");
        alerts.push(row["wc_alert"] == "true");
    }
    // The loss begins at 165 s: the second look within 60 s of it is at 106 s. It ends once, and not before the loss is over.
    let begun = alerts.iter().position(|on| *on).expect("an alert");
    assert!((105..=107).contains(&begun), "{begun}");
    assert_eq!(alerts.windows(2).filter(|w| w[0] != w[1]).count(), 2, "on once and off once: {alerts:?}");
    let over = rows.iter().rposition(|row| row["wc"] == "loss").expect("a loss");
    assert!(alerts.iter().rposition(|on| *on).expect("an alert") >= over + 5, "held for five seconds");
}

#[test]
fn every_loss_of_separation_in_a_recording_is_found_and_no_other_but_by_extrapolation() {
    let Some(traffic) = recording("traffic/switzerland_20180801_replay.csv.zst") else { return };
    let Some(expected) = recording("conflict/swiss_los_5nm_1000ft_0500_1400.json") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).expect("file")).expect("JSON");
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let events = expected["events"].as_array().expect("events");
    let expected: BTreeSet<_> = events.iter().map(|e| (text(&e["a"]), text(&e["b"]))).collect();
    let rows = detect(Path::new("."), &format!("--tracks {}", traffic.display()), "").ok().rows();
    let until = 1_533_099_600.0 + 9.0 * 3600.0;
    let now = rows.iter().filter(|r| r["violation_now"] == "true" && number(r, "time") < until);
    let mut found: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in now {
        let (a, b) = (row["a"].clone(), row["b"].clone());
        found.entry(if a < b { (a, b) } else { (b, a) }).or_default().push(row);
    }
    assert_eq!((expected.len(), expected.iter().filter(|pair| !found.contains_key(pair)).count()), (73, 0));
    found.retain(|pair, _| !expected.contains(pair));
    let old = |row: &&Row| number(row, "widened_m") > 0.0;
    assert!(found.len() < 5 && found.values().flatten().all(old), "{found:?}");
}

#[test]
fn encounters_in_a_local_frame_have_the_miss_distance_of_their_samples() {
    let Some(expected) = recording("conflict/em/encounters_1_2.expected.json") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).expect("file")).expect("JSON");
    let files = [recording("conflict/em/encounter_1.txt.zst"), recording("conflict/em/encounter_2.txt.zst")];
    for (n, file) in files.into_iter().flatten().enumerate() {
        let ran = detect(Path::new("."), &format!("--all --tracks {}", file.display()), "").ok();
        let rows = ran.rows();
        assert_eq!(rows.len(), 1800, "{}", ran.err);
        let want = |key: &str| expected[n][key].as_f64().expect("number");
        let nearest = rows.iter().min_by(|a, b| number(a, "d0_m").total_cmp(&number(b, "d0_m"))).expect("rows");
        assert_eq!(number(nearest, "time"), want("tca_s"));
        assert!((number(nearest, "d0_m") / 0.3048 - want("hmd_ft")).abs() < 0.001, "{nearest:?}");
        assert!((number(nearest, "vertical_now_ft") - want("vmd_at_tca_ft")).abs() < 0.001, "{nearest:?}");
        // A second before, the closest approach is foretold, as well as a track angle to a hundredth of a radian can.
        let before = rows.iter().find(|r| number(r, "time") == want("tca_s") - 1.0).expect("a second before");
        assert!((number(before, "tcpa_s") - 1.0).abs() < 0.05, "{before:?}");
        assert!((number(before, "dcpa_m") / 0.3048 - want("hmd_ft")).abs() < 15.0, "{before:?}");
    }
}

#[test]
fn pairs_in_a_plane_equal_closed_formulas_and_keep_their_order() {
    let text = "\
id,a_id,a_east_m,a_north_m,a_up_m,a_ve_mps,a_vn_mps,a_vu_mps,b_id,b_east_m,b_north_m,b_up_m,b_ve_mps,b_vn_mps,b_vu_mps
head-on,A,0,0,1000,100,0,0,B,30000,120,1010,-150,0,0
passes,A,0,0,1000,100,0,0,B,30000,200,1010,-150,0,0
formation,A,0,0,1000,100,0,0,B,0,50,1000,100,0,0
climbs,A,0,0,0,0,0,5,B,10,0,1000,0,0,0
blind,A,0,0,0,0,0,0,B,500,0,0,,,
blind-far,A,0,0,0,0,0,0,B,500000,0,0,,,
no-level,A,0,0,,10,0,0,B,1000,0,5000,0,0,0
";
    let words = "--pairs - --lateral-m 200 --vertical-m 100 --horizon-s 300";
    let rows = on_stdin(words, text).ok().rows();
    let told: Vec<String> = rows.iter().map(|r| format!("{} {} {}", r["case"], r["verdict"], r["reason"])).collect();
    assert_eq!(
        told,
        [
            "head-on conflict ",
            "passes clear ",
            "formation conflict ",
            "climbs conflict ",
            "blind unknown velocity",
            "blind-far clear ",
            "no-level conflict ",
        ]
    );
    let check = |n: usize, column: &str, want: f64| {
        let got = number(&rows[n], column);
        assert!((got - want).abs() < 1e-9, "{}: {column} {got}, not {want}", told[n]);
    };
    // 250 m/s closing; within 200 m of it for ±sqrt(200² - 120²) = 160 m around 30 km.
    for (column, want) in [("tin_s", 120.0 - 0.64), ("tout_s", 120.0 + 0.64), ("tcpa_s", 120.0), ("dcpa_m", 120.0)] {
        check(0, column, want);
    }
    check(0, "vertical_cpa_m", 10.0);
    check(0, "d0_m", f64::sqrt(30_000.0f64.powi(2) + 120.0f64.powi(2)));
    check(1, "dcpa_m", 200.0);
    assert_eq!((rows[1]["tin_s"].as_str(), rows[0]["basis"].as_str()), ("", "geometric"));
    check(2, "tin_s", 0.0);
    assert_eq!((rows[2]["violation_now"].as_str(), rows[2]["tout_s"].as_str()), ("true", "86400"));
    check(3, "tin_s", 180.0);
    check(3, "tout_s", 220.0);
    assert_eq!((rows[6]["basis"].as_str(), rows[6]["vertical_now_m"].as_str()), ("unknown", ""));

    // The same in other units and with an angle, and as JSON lines, where numbers come back as they were.
    let other = "a_east_ft,a_north_ft,a_gs_mps,a_trk_deg,b_east_ft,b_north_ft,b_gs_mps,b_trk_rad\n\
                 0,0,100,90,98425.19685039369,393.7007874015748,150,4.71238898038469\n";
    let ran = on_stdin("--pairs - --lateral-m 200 --format jsonl", other).ok();
    let objects = ran.objects();
    assert!((objects[0]["tin_s"].as_f64().expect("number") - 119.36).abs() < 1e-9, "{objects:?}");
    assert_eq!((&objects[0]["a"], &objects[0]["basis"]), (&json!("a"), &json!("unknown")));
}

#[test]
fn a_series_is_judged_at_each_time_and_old_reports_are_said_to_be_old() {
    let row = |id: &str, t: f64, lat: f64| format!("{id},{t},{lat},10,10000,450,0,0\n");
    let header = "id,time_s,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm\n";
    // A and B abreast, 2 NM apart; B is silent after 1 s. C comes late.
    let text = [header, &row("A", 0.0, 47.0), &row("B", 1.0, 47.0333), &row("C", 40.0, 10.0), &row("A", 40.0, 47.08)];
    let text = text.concat();
    let rows = on_stdin("--tracks -", &text).ok().rows();
    let told: Vec<String> = rows
        .iter()
        .map(|r| format!("{} {} {} {} {}{}", r["time"], r["kind"], r["a"], r["b"], r["verdict"], r["reason"]))
        .collect();
    assert_eq!(told, ["1 track-track A B conflict", "40 track B  unknownstale"]);
    // At one time; half a minute later nobody knows, and each is said once.
    let at = on_stdin("--tracks - --at 30.5", &text).ok().rows();
    let told: Vec<String> =
        at.iter().map(|r| format!("{}{}{} {}", r["a"], r["b"], r["reason"], r["verdict"])).collect();
    assert_eq!(told, ["Astale unknown"]);
    let at = on_stdin("--tracks - --at 20", &text).ok().rows();
    assert_eq!((at.len(), at[0]["verdict"].as_str()), (1, "conflict"));
    assert!(number(&at[0], "widened_m") > 500.0, "19 and 20 s old: {at:?}");
    // The spacing of the last looks is the user's.
    let early = on_stdin("--tracks - --at 0.5", &text).ok();
    assert!(
        early.err.contains("2 tracks are in no picture: they are reported after the last time judged"),
        "{}",
        early.err
    );
    assert_eq!(early.rows().len(), 0);
    let every = on_stdin("--tracks - --every 10", &text).ok().rows();
    let times: Vec<&str> = every.iter().map(|r| r["time"].as_str()).collect();
    assert_eq!(times, ["10", "20", "30", "40"], "{every:?}");
}

#[test]
fn an_alert_about_well_clear_does_not_flicker() {
    // A drone stands beside an aircraft whose reports jump by 400 ft from second to second, over the border of 4,000 ft.
    let mut text = String::from("id,time_s,east_ft,north_ft,alt_ft,gs_kt,trk_deg\n");
    for second in 0..40 {
        let east = if second % 2 == 0 && second < 20 { 3_900.0 } else { 4_300.0 };
        text += &format!("drone,{second},0,0,1000,0,\ncraft,{second},{east},0,1000,0,\n");
    }
    let words = "--tracks - --lateral-m 1 --vertical-m 1 --well-clear do-365 --all";
    let rows = on_stdin(words, &text).ok().rows();
    let looks: String = rows.iter().map(|r| if r["wc"] == "loss" { '!' } else { '.' }).collect();
    assert!(looks.starts_with("!.!.!.!.") && looks.ends_with(&".".repeat(20)), "{looks}");
    let on: Vec<usize> = (0..rows.len()).filter(|n| rows[*n]["wc_alert"] == "true").collect();
    assert_eq!(
        (on.first(), on.len()),
        (Some(&2), 38),
        "4,300 ft are within the clearing 4,800 ft: it stands to the end"
    );
    // With thresholds that end as easily as they begin, and no hold, it flickers.
    let loose = on_stdin(&format!("{words} --well-clear-alert 1/1,60,0,0"), &text).ok().rows();
    let on = loose.iter().filter(|r| r["wc_alert"] == "true").count();
    assert_eq!(on, 10);
}

#[test]
fn drones_in_a_city_lose_well_clear_whether_or_not_every_pair_is_told() {
    let u = |n: u64| scenario::draw(3, n);
    let mut text = String::from("id,lat_deg,lon_deg,alt_m,vx_mps,vy_mps,vs_mps,class\n");
    for n in 0..300 {
        let [lat, lon, alt, vx, vy, vs] = [0, 1, 2, 3, 4, 5].map(|k| u(8 * n + k));
        let (lat, lon) = (47.0 + 0.2 * lat, 8.0 + 0.3 * lon);
        // One in eight is a helicopter, or a jet, and passes through.
        let fast = if n % 8 == 0 { 5.0 } else { 1.0 };
        let velocity = [vx, vy].map(|v| 40.0 * fast * (v - 0.5));
        let (alt, vs) = (100.0 + 400.0 * alt, 10.0 * (vs - 0.5));
        let class = if n % 8 == 0 { "civil" } else { "uas" };
        text += &format!("D{n},{lat},{lon},{alt},{},{},{vs},{class}\n", velocity[0], velocity[1]);
    }
    let mut counts = Vec::new();
    for set in ["small", "do-365", "800,0,100,20"] {
        let words = format!("--tracks - --well-clear {set}");
        let losses = |more: &str| -> Vec<String> {
            let mut ran =
                on_stdin(&format!("{words} --lateral-m 50 --vertical-m 20 --horizon-s 60 {more}"), &text).ok();
            let mut lines = ran.out.lines();
            let header = lines.next().expect("a header").to_owned();
            ran.out = lines.filter(|line| line.contains(",loss,")).fold(header, |text, line| text + "\n" + line);
            let lost = ran.rows();
            lost.iter().map(|r| format!("{} {} {} {}", r["a"], r["b"], r["wc_tin_s"], r["verdict"])).collect()
        };
        let found = losses("");
        assert_eq!(found, losses("--all"), "{set}");
        counts.push(found.len());
    }
    assert!(counts.iter().all(|n| *n > 10), "{counts:?}");
}

const AREAS: &str = r#"{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"id":"zone","lower":"FL050","upper":"FL150","start":"2026-08-01T05:00:00Z","end":"2026-08-01T06:00:00Z"},
  "geometry":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,48],[8,47]]]}},
 {"type":"Feature","id":7,"properties":{"radius_nm":5,"lower":"FL100","upper":"unlimited","start":"now","end":"+30m"},
  "geometry":{"type":"Point","coordinates":[9.05,47.5]}}]}"#;
const PLANS: &str = r#"{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"plan":"P1","half_width_nm":2},"geometry":{"type":"LineString","coordinates":[[6,47.5],[7.5,47.5]]}},
 {"type":"Feature","properties":{"plan":"P1","half_width_nm":2},"geometry":{"type":"LineString","coordinates":[[7.5,47.5],[8.5,47.5]]}},
 {"type":"Feature","properties":{"plan":"P2","half_width_nm":2},"geometry":{"type":"LineString","coordinates":[[6.5,47],[6.5,48]]}}]}"#;
const SITES: &str = r#"{"type":"Feature","properties":{"name":"Clinic","radius_nm":0.1,"buffer_m":1000},
  "geometry":{"type":"Point","coordinates":[8.5,47.5]}}"#;

#[test]
fn volumes_plans_and_sites_are_held_against_each_other_and_against_tracks() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [("areas.geojson", AREAS), ("plans.geojson", PLANS), ("sites.geojson", SITES)] {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    // Eastbound at 450 kt: 1.2 NM from the clinic, inside the zone; one above everything; one outside that comes in.
    let tracks = "id,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm\n\
                  in,47.5,8.47,10000,450,90,0\nabove,47.5,8.47,30000,450,90,0\ncomes,47.2,7.9,10000,450,90,0\nblind,47.2,7.9,10000,,,\n";
    let words = "--volumes areas.geojson --plans plans.geojson --sites sites.geojson --from 2026-08-01T05:00:00Z \
                 --to 2026-08-01T05:10:00Z --lower FL090 --upper FL110 --at 2026-08-01T05:05:00Z";
    let ran = detect(dir.path(), &format!("{words} --tracks - --lateral-m 10 --vertical-m 10"), tracks).ok();
    let rows = ran.rows();
    let told: BTreeSet<String> = rows
        .iter()
        .map(|r| {
            format!(
                "{} {}{} {}{} {} {}",
                r["kind"], r["a"], r["a_part"], r["b"], r["b_part"], r["verdict"], r["presence"]
            )
        })
        .collect();
    let want = [
        "plan-plan P10 P20 conflict ",
        "plan-site P11 Clinic0 conflict ",
        "track blind  unknown ",
        "track-plan in P11 conflict in",
        "track-site above Clinic0 conflict out",
        "track-site blind Clinic0 unknown out",
        "track-site in Clinic0 conflict out",
        "track-track comes blind conflict ",
        "track-volume above 70 conflict out",
        "track-volume blind 70 unknown out",
        "track-volume blind zone0 unknown out",
        "track-volume comes zone0 conflict out",
        "track-volume in 70 conflict out",
        "track-volume in zone0 conflict in",
        "volume-plan zone0 P11 conflict ",
        "volume-site zone0 Clinic0 conflict ",
        "volume-volume zone0 70 conflict ",
    ];
    let want: BTreeSet<String> = want.into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = want.difference(&told).collect();
    let more: Vec<_> = told.difference(&want).filter(|t| !t.starts_with("track-plan blind")).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:?}, more {more:?}");
    let row = |kind: &str, a: &str, b: &str| {
        rows.iter().find(|r| r["kind"] == kind && r["a"] == a && r["b"] == b).expect("row")
    };
    // 0.1 degrees of longitude at 47.2 N are 7,580 m.
    let comes = row("track-volume", "comes", "zone");
    assert!((number(comes, "tin_s") - 32.75).abs() < 0.3 && comes["intervals"].contains(".."), "{comes:?}");
    let both = row("volume-volume", "zone", "7");
    assert_eq!((both["from"].as_str(), both["to"].as_str()), ("2026-08-01T05:05:00Z", "2026-08-01T05:35:00Z"));
    assert_eq!((both["lower"].as_str(), both["upper"].as_str()), ("10000ftSTD", "15000ftSTD"));
    // Without tracks, and every pair: two volumes, three of plans and a site make the pairs of two groups.
    let ran = detect(dir.path(), &format!("{words} --all --format jsonl"), "").ok();
    let clear = ran.objects().iter().filter(|o| o["verdict"] == "clear").count();
    assert_eq!(ran.objects().len(), 9 + 5, "{}", ran.out);
    assert!(clear >= 6, "{}", ran.out);
}

#[test]
fn what_cannot_be_judged_is_refused_with_its_place_and_nothing_is_judged_by_half() {
    let header = "id,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm\n";
    let good = "A,47,8,10000,450,90,0\n";
    let check = |words: &str, text: &str, code: i32, want: &str| {
        let ran = on_stdin(words, text);
        assert_eq!(ran.code, Some(code), "{text}\n{}", ran.err);
        assert!(ran.err.contains(want), "wanted {want:?} in {}", ran.err);
        assert_eq!(ran.out, "", "nothing is told before all is read");
    };
    let bad = |line: &str, want: &str| check("--tracks -", &format!("{header}{good}{line}\n"), 1, want);
    bad("B,91,8,1,1,1,0", "standard input: line 3: column lat_deg: \"91\" is not between -90 and 90");
    bad("B,47,181,1,1,1,0", "line 3: column lon_deg: \"181\" is not between -180 and 180");
    bad("B,NaN,8,1,1,1,0", "line 3: column lat_deg: \"NaN\" is not a number");
    bad("B,,8,1,1,1,0", "line 3: column lat_deg: is empty: a state without a place cannot be judged");
    bad(",47,8,1,1,1,0", "line 3: column id: is empty");
    bad("A,47,8,1,1,1,0", "line 3: \"A\" stands in line 2 already, for the same time");
    bad("B,47,8,1,-1,1,0", "line 3: column gs_kt: \"-1\" is not between 0 and");
    bad("B,47,8,1,1,999,0", "line 3: column trk_deg: \"999\" is not between -360 and 360");
    bad("B,47,8,1e9,1,1,0", "line 3: column alt_ft: \"1e9\" is not between");
    bad("B,47,8,1,1,1", "line 3: 6 fields, and the header has 7");
    bad("B,47,8,1,1,1,0,0", "line 3: 8 fields, and the header has 7");
    bad("\"B,47,8,1,1,1,0", "line 3: a quote that is not closed on its line");
    bad(&format!("{},47,8,1,1,1,0", "x".repeat(65)), "line 3: column id: is over 64 bytes long");
    bad(&"x".repeat(70_000), "line 3 is over 64 KiB long");
    check("--tracks -", "", 1, "there is no header");
    check(
        "--tracks -",
        "lat_deg,lon_deg\n",
        1,
        "the first line must name the columns, and one of them must be id; it has lat_deg, lon_deg",
    );
    check(
        "--tracks -",
        "id,alt_ft\n",
        1,
        "needs the columns lat_deg and lon_deg, or east_m and north_m; it has id, alt_ft",
    );
    check("--tracks -", "id,lat,lon\n", 1, "column lat has no unit: lat_deg, lat_rad");
    check("--tracks -", "id,lat_deg,lon_deg,alt_ft,alt_m\n", 1, "columns alt_ft and alt_m mean the same");
    check("--tracks -", "id,lat_deg,lon_deg,east_m,north_m\n", 1, "say --frame wgs84 or --frame enu");
    check("--tracks - --frame enu", header, 1, "--frame enu needs the columns east_m and north_m");
    check("--tracks -", "id,time_s,lat_deg,lon_deg\nA,,47,8\n", 1, "column time_s: is empty");
    check("--pairs -", "a_lat_deg,a_lon_deg\n", 1, "needs the columns lat_deg and lon_deg");
    check("--tracks - --volumes absent.geojson", header, 1, "absent.geojson: No such file");
    let dir = tempfile::tempdir().expect("a folder");
    let geo = |properties: &str| {
        let feature = format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"radius_nm\":5{properties}}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[8,47]}}}}"
        );
        let both = format!("{{\"type\":\"FeatureCollection\",\"features\":[{feature},{feature}]}}");
        std::fs::write(dir.path().join("a.geojson"), both).expect("written");
        dir.path().join("a.geojson").display().to_string()
    };
    let open = "--lower ground --upper unlimited --from 1970-01-01T00:00:00Z --to 1970-01-01T00:10:00Z";
    let a = geo("");
    check(&format!("--volumes {a}"), "", 1, "feature 0 (counted from 0): no lower limit: property lower");
    check(
        &format!("--sites {a}"),
        "",
        1,
        "feature 0 (counted from 0): the property buffer_m (a number, metres; 0 for none)",
    );
    check(&format!("--tracks - --volumes {a} {open}"), &format!("{header}{good}"), 1, "say with --at what time");
    check(&format!("--tracks - --volumes {a} {open}"), "id,east_m,north_m\n", 1, "the tracks in a plane");
    let a = geo(",\"id\":\"x\"");
    check(&format!("--volumes {a} {open}"), "", 1, "feature 1 (counted from 0): feature 0 is named \"x\" too");
    let a = geo(",\"start\":\"now\"");
    check(&format!("--volumes {a} {open}"), "", 1, "a time from now: say with --at when now is");
    check("", "", 1, "nothing to judge");
    check("--tracks - --lateral-nm 101", header, 1, "lateral minimum");
    check("--tracks - --horizon-s 1801", header, 1, "horizon 1801000 ms is not above 0 and at most 30 minutes");
    check("--tracks - --well-clear do-366", header, 2, "is none of do-365");
    check("--tracks - --at noon", header, 2, "is neither seconds nor");
    let many: String = (0..3_164).map(|n| format!("{n},47,8,10000,450,90,0\n")).collect();
    check("--tracks - --all", &format!("{header}{many}"), 1, "over 5000000 pairs to be told by --all");
}

#[test]
fn bad_rows_are_left_out_and_told_of_if_that_is_wanted() {
    let text = "id,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm\nA,47,179.99,10000,450,90,0\nB,x,8,1,1,1,0\n\
                C,47,-179.99,10000,450,270,0\nA,40,8,1,1,1,0\n";
    let ran = on_stdin("--tracks - --skip-bad --json", text).ok();
    let objects = ran.objects();
    assert_eq!((&objects[0]["a"], &objects[0]["b"], objects.len()), (&json!("A"), &json!("C"), 1));
    let mut lines = ran.err.lines();
    assert!(
        lines.next().is_some_and(|l| l.contains("left out: standard input: line 3: column lat_deg")),
        "{}",
        ran.err
    );
    assert!(lines.next().is_some_and(|l| l.contains("line 5: \"A\" stands in line 2 already")), "{}", ran.err);
    let summary: Value = serde_json::from_str(lines.next().expect("a summary")).expect("JSON");
    assert_eq!((&summary["left_out"], &summary["verdicts"]["track-track"]["conflict"]), (&json!(2), &json!(1)));
    assert_eq!(summary["engine"], detect::ENGINE);
    let bare = on_stdin("--tracks -", "id,lat_deg,lon_deg,altitude_feet\nA,47,8,100\nB,47,8.01,9000\n").ok();
    for note in ["columns not used: altitude_feet", "no column of altitude: everybody", "no column of ground speed"] {
        assert!(bare.err.contains(note), "{}", bare.err);
    }
    let told: Vec<String> = bare.rows().iter().map(|r| format!("{} {}", r["kind"], r["verdict"])).collect();
    assert_eq!(told, ["track unknown", "track unknown", "track-track conflict"]);
    let none = on_stdin("--tracks -", "id,lat_deg,lon_deg\n").ok();
    assert!(none.out.lines().count() == 1 && none.err.contains("0 tracks"), "{} {}", none.out, none.err);
}
