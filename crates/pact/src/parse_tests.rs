//! Tests of the text: one pact, every way to get it wrong, and random ones there and back.
use super::*;
use crate::diff::differences;
use crate::form;
use alloc::vec;
use proptest::prelude::*;
use tlog::NoteSigner;
use units::{Height, Vertex};

/// A party with keys made from the seed; the signed tests use the same.
pub(crate) fn a_party(id: &str, seed: u8) -> Party {
    Party {
        id: PartyId::parse(id).unwrap(),
        name: match id {
            "civil" => "Civil Aviation Authority".to_string(),
            "north" => "Northern Air Command".to_string(),
            other => format!("{other} Air Force"),
        },
        log_key: NoteSigner::new(&format!("skypact.link/{id}"), &[seed; 32]).unwrap().verifier().clone(),
        cosign_key: NoteSigner::cosigner(&format!("skypact.link/{id}"), &[seed + 100; 32]).unwrap().verifier().clone(),
        tls_spki_sha256: Hash32([seed; 32]),
        authority_key: None,
        desk: "+41 31 000 00 00, 121.5 MHz".to_string(),
    }
}

const GOOD: &str = include_str!("../testdata/three-parties.pact");

/// Line `line` (from 1) replaced, or taken away.
fn with(line: usize, text: Option<&str>) -> String {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    match text {
        Some(text) => lines[line - 1] = text,
        None => {
            lines.remove(line - 1);
        }
    }
    lines.join("\n") + "\n"
}

fn swapped(line: usize, from: &str, to: &str) -> String {
    let old = GOOD.lines().nth(line - 1).unwrap();
    assert!(old.contains(from), "{old}");
    with(line, Some(&old.replacen(from, to, 1)))
}

#[track_caller]
fn refused(text: &str, want: &str) {
    let got = Pact::parse(text).map(drop).map_err(|e| e.to_string());
    assert_eq!(got, Err(want.to_string()), "{text}");
}

#[test]
fn the_example_is_read_and_written_back_to_the_byte() {
    let pact = Pact::parse(GOOD).unwrap();
    assert_eq!(pact.format(), GOOD);
    assert_eq!(pact.parties[1], a_party("north", 2));
    assert_eq!(pact.hash(), Hash32::of(GOOD.as_bytes()));
    assert_eq!(pact.deadline_s(Precedence::Flash), 60);
    assert_eq!(pact.notice_s(NoticeClass::Activation), 259_200);
    assert_eq!(pact.notice_s(NoticeClass::Resume), 0);
    assert!(pact.valid_at(pact.valid_from) && !pact.valid_at(pact.valid_until.plus_ms(1)));
}

#[test]
fn the_larger_of_the_lines_that_name_a_pair_holds_and_an_unknown_class_may_be_any() {
    use AircraftClass::{Civil, Humanitarian, Military, Uas, Unknown};
    let pact = Pact::parse(GOOD).unwrap();
    let m = |nm_milli: i64, feet, s: i64| Minima {
        lateral_mm: nm_milli * 1852,
        vertical: Height::from_feet(feet),
        horizon_ms: s * 1000,
    };
    for (a, b, want) in [
        (Civil, Civil, m(5000, 1000, 300)),
        (Civil, Military, m(10_000, 2000, 300)),
        (Military, Civil, m(10_000, 2000, 300)),
        // Named by `any humanitarian` and by `military humanitarian`: the larger of each number.
        (Military, Humanitarian, m(20_000, 3000, 600)),
        (Humanitarian, Civil, m(8000, 3000, 300)),
        (Uas, Uas, m(500, 400, 60)),
        (Unknown, Uas, m(8000, 3000, 300)),
        (Unknown, Unknown, m(20_000, 3000, 600)),
    ] {
        assert_eq!(pact.minima(a, b), want, "{a:?} {b:?}");
        assert_eq!(pact.minima(b, a), want, "{b:?} {a:?}");
    }
}

#[test]
fn a_text_that_is_no_pact_is_refused_with_its_line_and_clause() {
    refused("", "line 1, clause 0: the text has a control or invisible character, or does not end with a line break");
    refused(
        &GOOD.replace('\n', "\r\n"),
        "line 1, clause 0: the text has a control or invisible character, or does not end with a line break",
    );
    refused(
        &swapped(4, "Northern Air", "Northern \u{202e}Air"),
        "line 1, clause 0: the text has a control or invisible character, or does not end with a line break",
    );
    refused("hello\n", "line 1, clause 0: a pact begins with the line `skypact pact v1`, found `hello`");
    refused(&with(2, Some("0 schema 2")), "line 2, clause 0: unknown schema 0 schema 2, this version reads schema 1");
    let long = GOOD.to_string() + &"x".repeat(PACT_BYTES_MAX) + "\n";
    refused(&long, &format!("line 1, clause 0: the pact has {} bytes, at most 58000", long.len()));
}

#[test]
fn a_party_that_is_none_is_refused() {
    let line = |text: &str| text.lines().nth(3).unwrap().to_string();
    let check =
        |from: &str, to: &str, want: &str| refused(&swapped(4, from, to), &format!("line 4, clause 1.2: {want}"));
    let numbered = with(4, None).replace("1.3 ", "1.4 ");
    refused(&numbered, &format!("line 4, clause 1.2: missing; found `{}`", cut(&line(&numbered))));
    check("party north", "party North", "`North` is not a party name: 1 to 32 of a-z, 0-9, -, a letter first");
    let short = "2".to_string() + &"02".repeat(31);
    let want = format!("`{short}` is not a SHA-256 in 64 hexadecimal digits");
    check("tls-spki-sha256=02", "tls-spki-sha256=2", &want);
    let lower = line(&swapped(4, "tls-spki-sha256=02", "tls-spki-sha256=0a"));
    let want = format!("there is one way to write this: `{lower}`");
    check("tls-spki-sha256=02", "tls-spki-sha256=0A", &want);
    let want = "log-key: malformed: verifier key of skypact.link/north: its hash does not fit its name and key";
    check("log-key=skypact.link/north+1", "log-key=skypact.link/north+2", want);
    let (civil, north) = (a_party("civil", 1), a_party("north", 2));
    let want = "log-key must be an Ed25519 key of type 0x01";
    check(&north.log_key.to_string(), &north.cosign_key.to_string(), want);
    let quoted = line(&swapped(4, " desk=\"", " desk=\"a \"b")).replacen("1.2 party ", "", 1);
    check(" desk=\"", " desk=\"a \"b", &format!("write it as `{PARTY}`; found `{}`", cut(&quoted)));
    let of_all = |text: &str, want: &str| refused(text, &format!("line 5, clause 1: {want}"));
    of_all(&swapped(4, "party north", "party south"), "parties stand in order and once each; `south` does not");
    let shared = swapped(4, &north.log_key.to_string(), &civil.log_key.to_string());
    of_all(&shared, "log-key of north is also the log-key of civil");
    let named = |which: &'static str, name: &str| {
        let (key, algorithm) = match which {
            "log-key" => (&north.log_key, Algorithm::Ed25519),
            _ => (&north.cosign_key, Algorithm::CosignatureV1),
        };
        let other = VerifierKey::new(name, algorithm, key.public()).unwrap();
        let want = format!("{which} of north is named `{name}`; its name must be `skypact.link/north`");
        of_all(&swapped(4, &key.to_string(), &other.to_string()), &want);
    };
    // Each would pass for south, for everybody, or for nobody.
    for name in ["skypact.link/south", "skypact.link", "skypact.link/north/south", "skypact.keys/north", "north"] {
        named("log-key", name);
        named("cosign-key", name);
    }
    let two = with(5, None);
    assert!(Pact::parse(&two).is_ok());
    let one: String = two.lines().enumerate().filter(|(i, _)| *i != 3).map(|(_, l)| format!("{l}\n")).collect();
    refused(&one, "line 3, clause 1: a pact has 2 to 16 parties, found 1");
}

#[test]
fn a_clause_that_is_left_out_or_misplaced_is_named() {
    for (line, clause) in [
        (6, "2.1"),
        (7, "2.2"),
        (8, "3.1"),
        (14, "5.1"),
        (17, "7.1"),
        (18, "7.2"),
        (20, "7.4"),
        (21, "12.1"),
        (22, "13.1"),
    ] {
        let next = GOOD.lines().nth(line).unwrap();
        refused(&with(line, None), &format!("line {line}, clause {clause}: missing; found `{next}`"));
    }
    let end = GOOD.split("13.8").next().unwrap();
    let bare = end.lines().take(22).map(|line| format!("{line}\n")).collect::<String>();
    refused(&bare, "line 23, clause 13.2: missing; found `the end of the text`");
    refused(&(end.to_string() + "14.1 more\n"), "line 24, clause 14.1: no clause is known here; found `14.1 more`");
    refused(&with(9, None), "line 9, clause 4.1: missing; found `4.2 minima any humanitarian 8 NM 3000 ft 300 s`");
    refused(
        &with(11, Some("4.4 minima civil military 10 NM 2000 ft 300 s")),
        "line 11, clause 4.3: missing; found `4.4 minima civil military 10 NM 2000 ft 300 s`",
    );
}

#[test]
fn a_clause_with_other_words_is_refused_with_its_form() {
    refused(
        &with(6, Some("2.1 area box 47,8 48,9")),
        "line 6, clause 2.1: write it as `2.1 area polygon LAT,LON LAT,LON LAT,LON`; found `box 47,8 48,9`",
    );
    refused(
        &with(6, Some("2.1 area polygon 47,8 48,9")),
        "line 6, clause 2.1: a polygon needs at least 3 different points, got 2",
    );
    refused(
        &with(6, Some("2.1 area polygon 47,8 48,9 91,10")),
        "line 6, clause 2.1: point 2: not a position: latitude 91 (allowed -90 to 90), longitude 10 (allowed -180 to 180)",
    );
    refused(
        &with(7, Some("2.2 levels FL50 to FL660")),
        "line 7, clause 2.2: write it as `2.2 levels FL050 to FL660`; found `FL50 to FL660`",
    );
    refused(
        &with(7, Some("2.2 levels FL100 to FL050")),
        "line 7, clause 2.2: the lower limit is above the upper limit",
    );
    refused(
        &with(7, Some("2.2 levels 5000 ft pressure to FL660")),
        "line 7, clause 2.2: there is one way to write this: `2.2 levels FL050 to FL660`",
    );
    refused(
        &with(8, Some("3.1 valid 2026-02-30T00:00:00Z to 2026-12-31T23:59:59Z")),
        "line 8, clause 3.1: `2026-02-30T00:00:00Z` is not a time like 2026-01-31T23:59:59Z",
    );
    refused(
        &with(8, Some("3.1 valid 2026-02-01T00:00:00Z to 2026-01-01T00:00:00Z")),
        "line 8, clause 3.1: the window ends (1767225600000 ms) before it starts (1769904000000 ms)",
    );
    refused(
        &swapped(21, "live", "test"),
        "line 21, clause 12.1: `test` is not live, or exercise: and a name of a-z, 0-9, -",
    );
    refused(&with(14, Some("5.1 alarm 2 min")), "line 14, clause 5.1: write it as `5.1 alarm 120 s`; found `2 min`");
    refused(
        &with(14, Some("5.1 horizon 120 s")),
        "line 14, clause 5.1: write it as `5.1 alarm 120 s`; found `5.1 horizon 120 s`",
    );
}

#[test]
fn a_number_out_of_range_or_in_another_form_is_refused() {
    refused(&swapped(9, "5 NM", "0 NM"), "line 9, clause 4.1: lateral minimum (mm) 0 is not between 1 and 185200000");
    refused(
        &swapped(9, "5 NM", "101 NM"),
        "line 9, clause 4.1: lateral minimum (mm) 187052000 is not between 1 and 185200000",
    );
    refused(
        &swapped(9, "1000 ft", "0 ft"),
        "line 9, clause 4.1: vertical minimum (0.1 mm) 0 is not between 1 and 100000000",
    );
    refused(&swapped(9, "300 s", "1801 s"), "line 9, clause 4.1: horizon (ms) 1801000 is not between 1 and 1800000");
    for (from, to) in
        [("5 NM", "5.0 NM"), ("5 NM", "05 NM"), ("5 NM", "9260 m"), ("1000 ft", "304.8 m"), ("300 s", "300000 ms")]
    {
        refused(
            &swapped(9, from, to),
            "line 9, clause 4.1: there is one way to write this: `4.1 minima any any 5 NM 1000 ft 300 s`",
        );
    }
    refused(
        &swapped(9, "5 NM", "5  NM"),
        "line 9, clause 4.1: write it as `4.N minima CLASS CLASS 5 NM 1000 ft 300 s`; found `any any 5  NM 1000 ft 300 s`",
    );
    refused(
        &swapped(9, "any any", "any unknown"),
        "line 9, clause 4.1: `unknown` is not any, civil, military, uas or humanitarian",
    );
    refused(
        &swapped(11, "civil military", "military civil"),
        "line 11, clause 4.3: pairs of classes stand in order and once each; `military civil` does not",
    );
    refused(
        &swapped(12, "military humanitarian", "civil military"),
        "line 12, clause 4.4: pairs of classes stand in order and once each; `civil military` does not",
    );
    refused(
        &swapped(16, "hazard", "activation"),
        "line 16, clause 6.2: notices stand in order and once each; `activation` does not",
    );
    refused(
        &swapped(16, "hazard", "danger"),
        "line 16, clause 6.2: `danger` is not activation, hazard, hold, resume, cancellation or information",
    );
    refused(
        &swapped(17, "FLASH", "ROUTINE"),
        "line 17, clause 7.1: FLASH, IMMEDIATE, PRIORITY and ROUTINE stand in order and once each; `ROUTINE` does not",
    );
    refused(
        &swapped(17, "60 s", "600 s"),
        "line 18, clause 7.2: the deadline for IMMEDIATE (300 s) is shorter than for FLASH (600 s)",
    );
    refused(
        &swapped(22, "100 ms", "200 ms"),
        "line 22, clause 13.1: the time while busy (ms) 200 is not between 20 and 100",
    );
    refused(
        &swapped(22, "1000 ms", "2000 ms"),
        "line 22, clause 13.1: the time while idle (ms) 2000 is not between 200 and 1000",
    );
    refused(
        &swapped(23, "5000 ms refuse", "5000 ms stop"),
        "line 23, clause 13.2: write it as `13.2 clock 1000 ms warn 5000 ms refuse`; found `1000 ms warn 5000 ms stop`",
    );
}

#[test]
fn every_byte_changed_or_lost_makes_another_pact_or_none() {
    let good = Pact::parse(GOOD).unwrap();
    for at in 0..GOOD.len() {
        let (head, tail) = (&GOOD.as_bytes()[..at], &GOOD.as_bytes()[at + 1..]);
        for middle in [&b""[..], b"0", b" ", b"\n", b"\"", b"-"] {
            let text = [head, middle, tail].concat();
            if text == GOOD.as_bytes() {
                continue;
            }
            if let Ok(pact) = Pact::parse(core::str::from_utf8(&text).unwrap()) {
                assert_ne!(pact, good, "{at}");
                assert!(!differences(&good, &pact).is_empty(), "{at}");
            }
        }
    }
}

#[test]
fn differences_name_the_clause_and_what_each_side_has() {
    let ours = Pact::parse(GOOD).unwrap();
    let mut theirs = ours.clone();
    theirs.parties.remove(0);
    theirs.default_minima.lateral_mm = 3 * units::NM_MM;
    theirs.pairs.remove(0);
    theirs.acknowledge_s[3] = 90;
    theirs.notice_s.insert(NoticeClass::Hold, 60);
    let got: Vec<_> =
        differences(&ours, &theirs).into_iter().map(|d| (d.clause, d.about, d.ours.is_some(), d.theirs)).collect();
    let want = |clause: &str, about: &str, ours: bool, theirs: Option<&str>| {
        (clause.to_string(), about.to_string(), ours, theirs.map(ToString::to_string))
    };
    assert_eq!(
        got,
        vec![
            want("1.1", "party civil", true, None),
            want("4.1", "minima any any", true, Some("minima any any 3 NM 1000 ft 300 s")),
            want("4.2", "minima any humanitarian", true, None),
            want("7.1", "acknowledge FLASH", true, Some("acknowledge FLASH 90 s")),
            want("6.3", "notice hold", false, Some("notice hold 60 s")),
        ]
    );
    assert_eq!(differences(&ours, &ours), vec![]);
}

#[test]
fn a_value_that_cannot_be_written_is_refused_before_anybody_signs_it() {
    let good = Pact::parse(GOOD).unwrap();
    assert_eq!(good.check(), Ok(()));
    let split_second = Pact { valid_from: Utc(good.valid_from.0 + 1), ..good.clone() };
    assert_eq!(split_second.check().map_err(|e| e.reason), Err(Reason::Inexact));
    let mut quote = good.clone();
    quote.parties[0].name = "a\" b".to_string();
    assert!(quote.check().is_err());
    let mut lines = good;
    lines.parties[0].desk = "x\"\n2.1 area".to_string();
    assert!(lines.check().is_err());
}

fn outlines() -> impl Strategy<Value = airspace::Outline> {
    use airspace::Outline;
    let point = (-90_000_000_000..=90_000_000_000i64, -180_000_000_000..180_000_000_000i64)
        .prop_map(|(lat, lon)| Vertex::new(lat, lon).unwrap());
    let radius = 1..=airspace::limits::RADIUS_MAX_MM;
    prop_oneof![
        prop::collection::vec(point.clone(), 3..12).prop_map(Outline::Polygon),
        (point.clone(), radius.clone()).prop_map(|(centre, radius_mm)| Outline::Circle { centre, radius_mm }),
        (prop::collection::vec(point, 2..9), radius)
            .prop_map(|(points, half_width_mm)| Outline::Corridor { points, half_width_mm }),
    ]
}

fn limits_() -> impl Strategy<Value = Limit> {
    use units::Reference::{Agl, Msl, Pressure, Wgs84};
    let reference = prop::sample::select(vec![Pressure, Msl, Wgs84, Agl]);
    let height = prop_oneof![
        (-10..999i32).prop_map(|level| Height::from_feet(level * 100)),
        (-1000..60_000i32).prop_map(Height::from_feet),
        any::<i32>().prop_map(Height),
    ];
    prop_oneof![Just(Limit::Unlimited), (height, reference).prop_map(|(h, r)| Limit::At(Altitude::Known(h, r)))]
}

fn minimas() -> impl Strategy<Value = Minima> {
    let lateral = prop_oneof![(1..=100i64).prop_map(|nm| nm * units::NM_MM), 1..=LATERAL_MAX_MM];
    let vertical = prop_oneof![(1..30_000i32).prop_map(Height::from_feet), (1..=100_000_000i32).prop_map(Height)];
    let horizon = prop_oneof![(1..=1800i64).prop_map(|s| s * 1000), 1..=HORIZON_MAX_MS];
    (lateral, vertical, horizon).prop_map(|(lateral_mm, vertical, horizon_ms)| Minima {
        lateral_mm,
        vertical,
        horizon_ms,
    })
}

fn pacts() -> impl Strategy<Value = Pact> {
    let class = || prop::option::of(prop::sample::select(AircraftClass::ALL[1..].to_vec()));
    let pair = (class(), class(), minimas());
    let notice = (prop::sample::select(NoticeClass::ALL.to_vec()), 1..=NOTICE_MAX_S as u32);
    let mode = prop_oneof![Just(Mode::Live), "[a-z0-9-]{1,40}".prop_map(Mode::Exercise)];
    let text = "[\\p{L}\\p{N}.,:+/()=-]{1,8}( [\\p{L}\\p{N}.,:+/()=-]{1,8}){0,6}";
    (
        (2..6u8, text, prop_oneof![Just(String::new()), text.prop_map(String::from)]),
        outlines(),
        (limits_(), limits_()),
        (-62_135_596_800..253_402_300_000i64, 1..1_000_000_000i64),
        (minimas(), prop::collection::vec(pair, 0..8)),
        (1..=HORIZON_MAX_MS, prop::collection::vec(notice, 0..6)),
        prop::collection::vec(1..=ACKNOWLEDGE_MAX_S as u32, 4),
        mode,
        (10..1000u32, 0..50_000u32, 10..1000u32, 0..500_000u32),
    )
        .prop_map(
            |(
                (n, name, desk),
                area,
                (lower, upper),
                (from, length),
                (default_minima, pairs),
                (alarm, notices),
                mut acks,
                mode,
                times,
            )| {
                let mut parties: Vec<Party> = (0..n).map(|i| a_party(&format!("p{i}"), i + 1)).collect();
                parties[0].name = name;
                parties[0].desk = desk;
                let mut by_pair: BTreeMap<(Option<AircraftClass>, AircraftClass), Minima> = BTreeMap::new();
                for (a, b, m) in pairs {
                    let (a, b) = (a.min(b), a.max(b));
                    by_pair.extend(b.map(|b| ((a, b), m)));
                }
                acks.sort_unstable();
                acks.reverse();
                Pact {
                    parties,
                    area,
                    lower,
                    upper,
                    valid_from: Utc(from * 1000),
                    valid_until: Utc((from + length).min(253_402_300_799) * 1000),
                    default_minima,
                    pairs: by_pair.into_iter().map(|((a, b), minima)| PairMinima { a, b, minima }).collect(),
                    alarm_horizon_ms: alarm,
                    notice_s: notices.into_iter().collect(),
                    acknowledge_s: [acks[0], acks[1], acks[2], acks[3]],
                    mode,
                    checkpoint_busy_ms: 20 + times.0 % 81,
                    checkpoint_idle_ms: 200 + times.1 % 801,
                    clock_warn_ms: times.2,
                    clock_refuse_ms: times.2 + times.3,
                    checkpoints_shared: times.0 % 2 == 0,
                    rates: if times.1 % 2 == 0 { rates() } else { BTreeMap::new() },
                    padding: (times.0 % 2 == 0).then_some(Padding { chunk_bytes: 8192, every_ms: 200 }),
                    oversight: Oversight::default(),
                }
            },
        )
        .prop_filter("levels the right way up, points apart", |p| {
            let up = match (p.lower, p.upper) {
                (Limit::At(Altitude::Known(lo, a)), Limit::At(Altitude::Known(hi, b))) => a != b || lo < hi,
                _ => true,
            };
            up && p.area.check().is_ok()
        })
}

proptest! {
    #[test]
    fn a_pact_is_read_back_as_it_was_written(pact in pacts()) {
        let text = pact.format();
        prop_assert_eq!(Pact::parse(&text).map_err(|e| e.to_string()), Ok(pact.clone()), "{}", text);
        let bytes = minicbor::to_vec(&pact).unwrap();
        prop_assert_eq!(minicbor::decode::<Pact>(&bytes).unwrap(), pact);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", line in 0..23usize, words in "[0-9a-zA-Z.,\" -]{0,60}") {
        let _ = Pact::parse(&text);
        let _ = Pact::parse(&(text + "\n"));
        let number = GOOD.lines().nth(line).unwrap().split(' ').next().unwrap();
        let _ = Pact::parse(&with(line + 1, Some(&format!("{number} {words}"))));
    }

    #[test]
    fn two_pacts_differ_if_and_only_if_a_difference_is_named(a in pacts(), b in pacts()) {
        prop_assert_eq!(differences(&a, &b).is_empty(), a.hash() == b.hash());
        prop_assert!(differences(&a, &a).is_empty());
    }

    #[test]
    fn a_number_is_read_back_as_it_was_written(value in any::<i32>(), ms in 0..10_000_000i64) {
        let value = i64::from(value);
        for digits in [0, 3, 4, 9] {
            prop_assert_eq!(form::parse_decimal(&form::decimal(value, digits), digits), Some(value));
        }
        let duration = form::duration(ms);
        let (number, unit) = duration.split_once(' ').unwrap();
        prop_assert_eq!(form::parse_duration(number, unit), Some(ms));
    }
}

/// Rewrites the example: `SKYPACT_GOLDEN=write cargo test -p pact`.
#[test]
fn the_example_in_testdata_is_current() {
    extern crate std;
    let m = |nm, feet, s: i64| Minima {
        lateral_mm: nm * units::NM_MM,
        vertical: Height::from_feet(feet),
        horizon_ms: s * 1000,
    };
    let pair = |a, b, minima| PairMinima { a, b, minima };
    use AircraftClass::{Civil, Humanitarian, Military, Uas};
    let small = Minima { lateral_mm: 926_000, vertical: Height::from_feet(400), horizon_ms: 60_000 };
    let at = |lat: i64, lon: i64| Vertex::new(lat * 100_000_000, lon * 100_000_000).unwrap();
    let pact = Pact {
        parties: vec![a_party("civil", 1), a_party("north", 2), a_party("south", 3)],
        area: airspace::Outline::Polygon(vec![at(456, 58), at(456, 106), at(479, 106), at(479, 58)]),
        lower: Limit::At(Altitude::pressure_feet(5000)),
        upper: Limit::At(Altitude::pressure_feet(66_000)),
        valid_from: parse_time("2026-01-01T00:00:00Z").unwrap(),
        valid_until: parse_time("2026-12-31T23:59:59Z").unwrap(),
        default_minima: m(5, 1000, 300),
        pairs: vec![
            pair(None, Humanitarian, m(8, 3000, 300)),
            pair(Some(Civil), Military, m(10, 2000, 300)),
            pair(Some(Military), Humanitarian, m(20, 2000, 600)),
            pair(Some(Uas), Uas, small),
        ],
        alarm_horizon_ms: 120_000,
        notice_s: BTreeMap::from([(NoticeClass::Activation, 259_200), (NoticeClass::Hazard, 86_400)]),
        acknowledge_s: [14_400, 1800, 300, 60],
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 1000,
        clock_refuse_ms: 5000,
        checkpoints_shared: true,
        rates: rates(),
        padding: None,
        oversight: Oversight::default(),
    };
    if std::env::var("SKYPACT_GOLDEN").is_ok_and(|v| v == "write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/three-parties.pact");
        std::fs::write(path, pact.format()).unwrap();
        return;
    }
    assert_eq!(pact.format(), GOOD);
}

fn rates() -> BTreeMap<crate::RateOf, crate::Rate> {
    use crate::{Rate, RateOf};
    let tracks = (RateOf::Kind(record::Kind::Tracks), Rate { per_minute: 6_000, burst: 6_000 });
    BTreeMap::from([tracks, (RateOf::Urgent, Rate { per_minute: 30, burst: 64 })])
}

#[test]
fn clauses_on_rates_and_shared_checkpoints_have_one_form_and_bounds() {
    let refused = |from: &str, to: &str| Pact::parse(&GOOD.replace(from, to)).unwrap_err().to_string();
    let good = "18.1 rate tracks 6000 a minute burst 6000";
    for (bad, why) in [
        ("18.1 rate tracks 5 a minute burst 6000", "not between 6 and 60000"),
        ("18.1 rate tracks 6000 a minute burst 63", "not between 64 and 100000"),
        ("18.1 rate trains 6000 a minute burst 6000", "not a kind of record"),
        ("18.1 rate tracks 6000 per minute burst 6000", "write it as"),
        ("18.1 rate tracks 06000 a minute burst 6000", "one way to write"),
        ("18.3 rate tracks 6000 a minute burst 6000", "missing"),
    ] {
        assert!(refused(good, bad).contains(why), "{bad}: {}", refused(good, bad));
    }
    assert!(refused("18.2 rate urgent", "18.2 rate tracks").contains("stand in order"));
    assert!(refused("13.8 checkpoints shared", "13.8 checkpoints hidden").contains("write it as"));
    let without = GOOD.replace("13.8 checkpoints shared\n", "");
    assert!(!Pact::parse(&without).unwrap().checkpoints_shared && Pact::parse(GOOD).unwrap().checkpoints_shared);
}
