//! Coordinates in five notations, against numbers of other people's programs.
use notation::{Notation, NotationError, Place, mgrs, parse, show};
use proptest::prelude::*;
use units::{Vertex, earth};

fn at(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat, earth::wrap_degrees(lon)).expect("on earth")
}

fn read(text: &str) -> Place {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn apart(a: Vertex, b: Vertex) -> f64 {
    earth::distance(a.lat(), a.lon(), b.lat(), b.lon())
}

/// Squares of a metre and areas of 5' as PyGeodesy 26 gives them (which follows GeographicLib); the squares of twelve of them, among
/// them polar ones, are those of NGA's GEOTRANS (the package `mgrs`) too. Norway, Svalbard, poles, equator, antimeridian, and
/// places drawn at random.
const KNOWN: [(f64, f64, &str, &str); 60] = [
    (48.8584, 2.2945, "31UDQ 48252 11954", "365MP24"),
    (36.71811, 68.86325, "42SVF 87787 63610", "498LP42"),
    (40.748333, -73.985278, "18TWL 85664 11315", "213LX31"),
    (60.3913, 5.3221, "32VKN 97353 00648", "371NN24"),
    (58.0, 2.9, "31VDE 94089 28714", "366NJ48"),
    (59.0, 3.0, "32VJL 55582 55531", "367NL37"),
    (63.99, 11.9, "32VPR 41858 99127", "384NV22"),
    (78.2232, 15.6469, "33XWG 14738 83360", "392QA32"),
    (72.0, 8.99, "31XGV 06293 99199", "378PN49"),
    (73.0, 9.0, "33XUB 04494 10279", "379PQ37"),
    (75.5, 21.0, "35XLD 32574 87890", "403PV37"),
    (83.9, 33.0, "37XDP 28943 20633", "427QM14"),
    (80.0, 41.9, "37XEJ 56196 82986", "444QE48"),
    (-33.8568, 151.2153, "56HLH 34900 52288", "663ES36"),
    (0.0, 0.0, "31NAA 66021 00000", "361HN37"),
    (-1e-06, -1e-06, "30MZE 33978 99999", "360HM23"),
    (0.0, -180.0, "1NAA 66021 00000", "001HN37"),
    (10.0, 179.9999, "60PZS 28917 06908", "720JJ49"),
    (-79.9999, -70.0, "19CDM 80615 18258", "221AW37"),
    (-80.0001, -70.0, "AKR 54178 80647", "221AV11"),
    (-85.0, 13.0, "BBT 24950 41221", "387AL37"),
    (-89.9, -135.0, "AZM 92149 92149", "091AA34"),
    (84.0, 0.0, "ZAA 00000 33272", "361QN37"),
    (86.0, -77.0, "YTG 67118 00061", "207QS37"),
    (89.9999, 100.0, "ZAH 00010 00001", "561QZ11"),
    (90.0, 0.0, "ZAH 00000 00000", "361QZ11"),
    (-90.0, 0.0, "BAN 00000 00000", "361AA37"),
    (83.9999, -179.9, "1XDP 66170 28934", "001QM12"),
    (-54.8, -68.3, "19FEV 45000 27239", "224CY33"),
    (71.9999, 20.0, "34WDE 65510 89207", "401PM11"),
    (55.9999, 3.5, "31UEC 31183 06181", "368ND11"),
    (64.0, 8.9, "32WMR 95108 97017", "378NW48"),
    (8.0, 45.0, "38PNP 00000 84297", "451JE37"),
    (-8.0, -45.0, "23MNM 00000 15702", "271GW37"),
    (31.99999, 35.2, "36RYA 07824 42549", "431LD13"),
    (-65.583633, -72.77918, "18DXN 02419 24690", "215CA16"),
    (-80.764565, 137.706118, "BJE 91432 39963", "636AU33"),
    (62.191723, -41.847764, "24VUP 51814 98796", "277NS32"),
    (52.140361, -116.075138, "11UNT 63292 77053", "128MW46"),
    (1.428473, -166.963203, "3NTB 81569 57982", "027HQ11"),
    (-26.308758, -130.257895, "9JUL 74437 89511", "100FH33"),
    (-28.062098, 116.316413, "50JMP 32825 95730", "593FD21"),
    (39.86423, -100.184012, "14SLK 98731 13358", "160LV24"),
    (-17.03761, 14.02385, "33KUB 96111 16025", "389GB11"),
    (29.21007, 52.513586, "39RXN 47133 32208", "466KY31"),
    (20.381859, -158.034623, "4QFH 00741 54034", "044KE26"),
    (22.786282, 51.729179, "39QWF 74845 20046", "464KK19"),
    (-14.629161, 170.608404, "59LMD 57828 82653", "702GG15"),
    (45.972089, -57.38052, "21TVL 70520 91016", "246MH12"),
    (-19.61308, 155.997348, "56KRD 14409 28572", "672FW26"),
    (26.915739, -15.997283, "28RDQ 00977 77492", "329KT14"),
    (-62.853532, 159.141126, "57EWL 07184 30721", "679CG35"),
    (24.769712, 94.226733, "46RFN 24025 40005", "549KP19"),
    (38.032228, -24.869662, "26SPH 86966 11532", "311LS38"),
    (40.200116, 28.633469, "35TPE 39027 51247", "418LW32"),
    (75.812592, 80.555905, "44XMK 87850 14319", "522PV17"),
    (-0.683689, 107.668378, "48MYE 97010 24349", "576HL19"),
    (49.46554, 158.395759, "57UVQ 56217 79385", "677MQ22"),
    (21.990627, -133.317737, "8QPK 73674 32744", "094KH13"),
    (-36.659937, -131.99736, "9HTV 32088 38664", "097EL14"),
];

#[test]
fn squares_and_areas_are_those_of_other_programs() {
    for (lat, lon, square, area) in KNOWN {
        let point = at(lat, lon);
        assert_eq!(show(point, Notation::Mgrs), square, "{lat} {lon}");
        assert_eq!(show(point, Notation::Gars), area, "{lat} {lon}");
        for text in [square.to_string(), square.replace(' ', ""), square.to_lowercase()] {
            let place = read(&text);
            assert_eq!(place.notation, Notation::Mgrs);
            // A square on the border of a zone or band reaches over it, and its centre may lie in the next one.
            let on_border = lon.rem_euclid(3.0) == 0.0 || lat.rem_euclid(4.0) == 0.0;
            assert!(on_border || show(place.at, Notation::Mgrs) == square, "the centre of {square} lies in it");
            let (off, radius) = (apart(place.at, point), place.radius_mm as f64 / 1000.0);
            assert!(off <= radius + 1e-6, "{square}: {off} m from the centre, {radius} m is the half diagonal");
            assert!((0.70..0.715).contains(&radius), "{square}: {radius}");
        }
        let place = read(area);
        assert!(apart(place.at, point) <= place.radius_mm as f64 / 1000.0, "{area} {place:?}");
        assert_eq!(show(place.at, Notation::Gars), area);
    }
}

#[test]
fn a_shorter_square_is_a_larger_one_around_the_point() {
    for (lat, lon, square, area) in KNOWN {
        let point = at(lat, lon);
        for digits in 0..=5 {
            let text = mgrs(point, digits);
            assert!(square.starts_with(text.split(' ').next().unwrap_or_default()));
            let place = read(&text);
            let (off, radius) = (apart(place.at, point), place.radius_mm as f64 / 1000.0);
            let half = [70_711.0, 7_071.1, 707.11, 70.711, 7.0711, 0.7072][digits];
            // The scale of the projections is 0.994 to 1.001.
            assert!(off <= radius && (0.99 * half..1.01 * half).contains(&radius), "{text}: {off} of {radius} m");
        }
        for cut in 5..=7 {
            let place = read(&area[..cut]);
            assert!(apart(place.at, point) <= place.radius_mm as f64 / 1000.0, "{}", &area[..cut]);
        }
    }
}

#[test]
fn degrees_are_read_in_every_form_that_officers_write() {
    let want = at(47.0 + 6.0 / 60.0 + 30.0 / 3600.0, 8.0 + 12.0 / 60.0 + 15.0 / 3600.0);
    for (text, notation) in [
        ("47°06'30\"N 008°12'15\"E", Notation::Dms),
        ("47°6′30″N, 8°12′15″E", Notation::Dms),
        ("47º06’30”N 8º12’15”E", Notation::Dms),
        ("47° 06' 30'' N 8° 12' 15'' E", Notation::Dms),
        ("47 06 30 N 8 12 15 E", Notation::Dms),
        ("N47 06 30 E008 12 15", Notation::Dms),
        ("N 47°06'30\", E 8°12'15\"", Notation::Dms),
        ("47:06:30n 8:12:15e", Notation::Dms),
        ("47°06.5'N 008°12.25'E", Notation::Dms),
        ("47 06.5N 8 12.25E", Notation::Dms),
        ("4706.5N00812.25E", Notation::Dms),
        ("470630.0N0081215.00E", Notation::Dms),
        ("470630N0081215E", Notation::Icao),
        ("470630N 0081215E", Notation::Icao),
        ("N470630 E0081215", Notation::Icao),
        ("47.108333333N 8.204166667E", Notation::Decimal),
        ("47.108333333, 8.204166667", Notation::Decimal),
        ("47.108333333 8.204166667", Notation::Decimal),
        ("+47.108333333;+8.204166667", Notation::Decimal),
        ("47.108333333° N 8.204166667° E", Notation::Decimal),
    ] {
        let place = read(text);
        assert_eq!((place.notation, place.radius_mm), (notation, 0), "{text}");
        assert!(apart(place.at, want) < 0.001, "{text}: {place:?}");
    }
    for (text, lat, lon) in [
        ("4830N01015E", 48.5, 10.25),
        ("48N010E", 48.0, 10.0),
        ("33S070W", -33.0, -70.0),
        ("47N 8E", 47.0, 8.0),
        ("47°30\"N 8°E", 47.0 + 30.0 / 3600.0, 8.0),
        ("-47.1 -8.2", -47.1, -8.2),
        ("−47.1, 8.2", -47.1, 8.2),
        ("90N 180E", 90.0, 180.0),
        ("0,0", 0.0, 0.0),
    ] {
        assert_eq!(read(text).at, at(lat, lon), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_guessed() {
    for (text, want) in [
        ("47.1", "one number"),
        ("47.1N", "the longitude has no E or W"),
        ("47,1083 8,2042", "decimals have a point"),
        ("47,1N 8,2E", "has a comma: decimals have a point"),
        ("47,1083", "decimal comma"),
        ("47 06 30 8 12 15", "there are 6 numbers"),
        ("47°06'30\" 8°12'15\"", "N or S and E or W are missing"),
        ("8.2E 47.1N", "the longitude stands first"),
        ("108.1, 47.2", "the latitude 108.1 is beyond 90: is it the longitude?"),
        ("91N 8E", "beyond 90"),
        ("0,181", "the longitude 181 is beyond 180"),
        ("47°60'N 8°E", "60 minutes: 59 are the most"),
        ("476030N0081215E", "60 minutes"),
        ("47.5°30'N 8E", "decimals before its last part"),
        ("47'06°N 8E", "marks in a wrong order"),
        ("47°06'30'5N 8E", "marks in a wrong order"),
        ("06'30\"N 8E", "has no degrees"),
        ("-47.1N 8E", "a sign and a letter"),
        ("47N 8N", "more than one N or S"),
        ("47N 8E 9", "stands behind it"),
        ("4830N01015E005", "radius of a NOTAM"),
        ("48301N01015E", "has 5 digits run together"),
        ("4830N1015E", "has 4 digits run together: 3 are degrees"),
        ("47..1N 8E", "no number"),
        ("1e2,0", "no N or S"),
        ("NaN,0", "no notation"),
        ("N E", "no notation"),
        ("32T", "no notation"),
        ("600000 200000 LV95", "no notation"),
        ("33UUP 1234 567", "as many digits each"),
        ("33UUP 12 3456", "blanks part the digits elsewhere"),
        ("33UUP 123456789012", "at most 10"),
        ("61UUP1234", "the zone 61 is not from 1 to 60"),
        ("33IUP1234", "the letter I is not used"),
        ("33UIP1234", "the letter I is not used"),
        ("33YUP1234", "Y is no band of latitude"),
        ("33UAP1234", "the column A does not occur in zone 33"),
        ("33UUW1234", "W is no row"),
        ("32XMG1234", "there is no zone 32X"),
        ("33UVJ0000", "the row does not occur in the band U"),
        ("31VHG5050", "that square lies in zone 32, not in 31"),
        ("YAA1234", "the column A does not occur in the polar zone Y"),
        ("ZAQ1234", "the row Q does not occur in the polar zone Z"),
        ("000AA", "the band of longitude 000"),
        ("721AA", "the band of longitude 721"),
        ("361RA", "the first letter R"),
        ("361AI", "the letters I and O are not used"),
        ("361AA5", "the quarter 5"),
        ("361AA10", "the key 0"),
        ("361AA123", "at most a quarter and a key"),
        ("", "no coordinates"),
        (&"1".repeat(81), "81 bytes"),
    ] {
        let error = parse(text).map(|p| format!("{p:?}")).map_err(|e| e.to_string());
        assert!(error.as_ref().is_err_and(|e| e.contains(want)), "{text}: wanted {want:?}, got {error:?}");
    }
    assert!(matches!(parse(" \t"), Err(NotationError::Empty)));
}

#[test]
fn a_place_is_written_in_all_five() {
    let kunduz = at(36.718, 68.863);
    let texts = Notation::ALL.map(|n| show(kunduz, n));
    let want = ["36.718000N 68.863000E", "36°43'04.80\"N 068°51'46.80\"E", "364305N0685147E"];
    assert_eq!(texts[..3], want);
    assert_eq!(texts[4], "498LP42");
    for (text, most_m) in texts.iter().zip([0.1, 0.3, 30.0, 1.0, 6_500.0]) {
        let place = read(text);
        assert!(apart(place.at, kunduz) <= most_m, "{text}");
    }
    // Seconds that round up to sixty carry.
    let just_below = Vertex::new(47_999_999_999, -7_999_999_999).expect("on earth");
    assert_eq!(show(just_below, Notation::Icao), "480000N0080000W");
    assert_eq!(show(just_below, Notation::Dms), "48°00'00.00\"N 008°00'00.00\"W");
}

proptest! {
    #[test]
    fn what_is_written_reads_back(lat in -90_000_000_000i64..=90_000_000_000, lon in -180_000_000_000i64..180_000_000_000) {
        let point = Vertex::new(lat, lon).expect("on earth");
        for (notation, most_m) in Notation::ALL.into_iter().zip([0.08, 0.25, 25.0, 0.0, 0.0]) {
            let text = show(point, notation);
            let place = parse(&text).unwrap_or_else(|e| panic!("{e}"));
            prop_assert_eq!(place.notation, notation);
            let reach = f64::max(most_m, place.radius_mm as f64 / 1000.0) + 1e-5;
            prop_assert!(apart(place.at, point) <= reach, "{} is {} m off", text, apart(place.at, point));
        }
        for digits in 0..5 {
            let text = mgrs(point, digits);
            let place = parse(&text).unwrap_or_else(|e| panic!("{e}"));
            prop_assert!(apart(place.at, point) <= place.radius_mm as f64 / 1000.0 + 1e-5, "{}", text);
        }
    }

    #[test]
    fn no_text_makes_it_fail(text in "[0-9NSEWABTUVXYZ°'\". ,:+-]{0,24}|\\PC{0,30}|[0-9]{1,2}[A-Z]{3}[0-9 ]{0,12}") {
        if let Ok(place) = parse(&text) {
            prop_assert_eq!(Vertex::new(place.at.lat_e9, place.at.lon_e9), Ok(place.at));
        }
    }
}

#[test]
fn a_grid_may_be_named_before_its_letters() {
    for (named, plain) in [
        ("MGRS 32TMT3961817510", "32TMT3961817510"),
        ("mgrs  32TMT 39618 17510", "32TMT3961817510"),
        ("GARS 377ML36", "377ML36"),
    ] {
        assert_eq!(notation::parse(named), notation::parse(plain), "{named}");
        assert!(notation::parse(plain).is_ok());
    }
    for wrong in ["GARS 32TMT3961817510", "MGRS 47.1N 8.2E", "MGRS32TMT3961817510", "MGRS"] {
        assert!(notation::parse(wrong).is_err(), "{wrong}");
    }
}
