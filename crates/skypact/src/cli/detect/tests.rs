use super::params::{alerting, at, seconds, well_clear};
use super::*;
use ::detect::MinimaTable;

#[test]
fn parameters_are_read_from_the_command_line() {
    assert_eq!(well_clear("do-365"), Ok(WellClear::DO_365));
    assert_eq!(well_clear("4000,35,450"), Ok(WellClear::DO_365));
    assert_eq!(well_clear("2000, 0, 250, 20").map(|w| w.coaltitude_ms), Ok(20_000));
    for bad in ["", "do-366", "4000,35", "1,2,3,4,5", "4000,NaN,450", "-1,0,450", "4000,121,450"] {
        assert!(well_clear(bad).is_err(), "{bad}");
    }
    assert_eq!(alerting("2/3,60,20,5").map(|a| (a.needed, a.of, a.hold_s)), Ok((2, 3, 5.0)));
    for bad in ["", "2,60,20,5", "2/3,60,20", "2/3,60,20,5,1", "2/3,600,20,5", "2/3,60,-1,5"] {
        assert!(alerting(bad).is_err(), "{bad}");
    }
    assert_eq!(at("-1.5"), Ok((Utc(-1500), false)));
    assert_eq!(at("1970-01-01T00:00:01Z"), Ok((Utc(1000), true)));
    assert!(at("noon").is_err() && at("NaN").is_err() && at("1e300").is_err());
    assert_eq!(seconds("0.1"), Ok(100));
    assert!(seconds("0").is_err() && seconds("NaN").is_err());
}

#[test]
fn minima_of_classes_are_those_of_a_pact() {
    let line = |text: &str| {
        let line = terms::minima(text).unwrap();
        let pact::Minima { lateral_mm, vertical, horizon_ms } = line.minima;
        (line.pair, Minima { lateral_mm, vertical, horizon_ms })
    };
    let lines = [line("uas uas 0.1 NM 100 ft 60 s"), line("any uas 1 NM 500 ft 60 s")];
    let table = table_of(Minima::DEFAULT, &lines);
    use AircraftClass::{Civil, Military, Uas, Unknown};
    let lateral = |a, b| table.get(a, b).lateral_mm as f64 / NM_MM as f64;
    assert_eq!(lateral(Uas, Uas), 1.0, "of two lines that name a pair the wider one holds");
    assert_eq!((lateral(Civil, Uas), lateral(Uas, Military), lateral(Civil, Military)), (1.0, 1.0, 5.0));
    assert_eq!((lateral(Unknown, Unknown), lateral(Unknown, Uas)), (5.0, 1.0));
}

#[test]
fn no_bytes_make_the_reader_fail_otherwise_than_by_an_error_with_its_line() {
    const SAMPLES: [&str; 3] = [
        "id,time_s,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm,class\nA,0,47,8,10000,450,90,0,uas\nB,0.1,47,8,1,1,1,1,\n",
        "NAME, east, north, alt, vx, vy, vz, time\nunitless, [ft], [ft], [ft], [knot], [knot], [fpm], [s]\nA, 0, 1, 2, 3, 4, 5, 6\n",
        "# x\n\"id\" \"lat_deg\" lon_deg\nA 1 2\n\"b\"\"\",3,4\n",
    ];
    // What breaks readers: quotes, separators, breaks, numbers at their ends, bytes that are no text.
    const PIECES: [&[u8]; 16] = [
        b"\"",
        b",",
        b"\n",
        b"\r",
        b" ",
        b"-",
        b"e308",
        b"9999999999",
        b"NaN",
        b"[",
        b"]",
        b"#",
        b"\0",
        b"\xff",
        b"",
        b"\xc2\x85",
    ];
    let (mut read, mut refused) = (0, 0);
    for n in 0..6_000u64 {
        let draw = |k: u64, below: usize| (::detect::scenario::draw(n, k) * below as f64) as usize;
        let mut bytes = SAMPLES[draw(0, SAMPLES.len())].as_bytes().to_vec();
        for k in 0..draw(1, 4) as u64 {
            let at = draw(10 + 3 * k, bytes.len());
            let end = (at + draw(11 + 3 * k, 3)).min(bytes.len());
            bytes.splice(at..end, PIECES[draw(12 + 3 * k, PIECES.len())].iter().copied());
        }
        let table = Table::read("x.csv", Box::new(std::io::Cursor::new(bytes.clone())));
        match table.and_then(|table| Tracks::read(table, None, None, &mut Skipped::default())) {
            Ok(tracks) => {
                read += 1;
                let rules = Rules {
                    table: MinimaTable::uniform(Minima::DEFAULT),
                    horizon_ms: 300_000,
                    well_clear: Some((WellClear::SMALL, WellClearAlerting::of(&WellClear::SMALL))),
                    all: true,
                };
                for (a, b) in tracks.reports.iter().zip(tracks.reports.iter().skip(1)) {
                    let row = rules.pair(&a.given.item(b.at()), &b.given.item(b.at())).row;
                    assert!(row.dcpa_m.is_none_or(f64::is_finite), "{row:?}");
                }
            }
            Err(error) => {
                refused += 1;
                assert!(format!("{error:#}").starts_with("x.csv: "), "{error:#}");
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} {refused}");
}
