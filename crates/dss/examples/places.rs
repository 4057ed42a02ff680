//! What a write costs where much is held, in release mode: `cargo run --release -p dss --example places`. Each line has the cost of
//! the same write where nothing is held beside it.
use dss::{Ask, Dss, Extent, Id, IntentState, PutIntent, PutSubscription, Request, Supporting};
use std::collections::BTreeSet;
use std::time::Instant;

const T0: i64 = 1_767_225_600_000_000;
const HOUR: i64 = 3_600_000_000;
/// Where a large cell begins: what follows it is compact on the earth.
const PLACE: u32 = 5 << 26 | 1 << 20;

/// So many cells that follow each other along the curve.
fn extent(first: u32, cells: u32) -> Extent {
    let cells = (PLACE + first..PLACE + first + cells).collect();
    Extent { cells, start: T0, end: T0 + HOUR, lower: Some(0), upper: Some(100_000), levels_up: 0 }
}

/// Every second cell: what meets in no cell though it lies in one place.
fn comb(first: u32, cells: u32) -> Extent {
    let cells = (0..cells).map(|n| PLACE + first + 2 * n).collect();
    Extent { cells, ..extent(0, 0) }
}

fn intent(extents: Vec<Extent>, key: BTreeSet<String>) -> PutIntent {
    PutIntent {
        extents,
        key,
        state: IntentState::Accepted,
        uss_base_url: "https://uss.example".into(),
        supporting: Supporting::Nothing,
        ovn_suffix: None,
        cmsa: true,
    }
}

/// One that needs no key, and is in everybody's.
fn present(extents: Vec<Extent>) -> PutIntent {
    PutIntent { state: IntentState::Nonconforming, ..intent(extents, BTreeSet::new()) }
}

fn id(kind: u8, n: u32) -> Id {
    let mut bytes = [kind; 16];
    // Not in the order in which they are written.
    bytes[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
    Id(bytes)
}

fn ask(dss: &mut Dss, manager: &str, n: u32, ask: Ask) -> dss::Outcome {
    let mut entropy = [7; 32];
    entropy[..4].copy_from_slice(&n.to_be_bytes());
    dss.handle(&Request { manager: manager.into(), entropy, key: None, ask }, T0)
}

/// So many intents, of USSs of which none has more than it may.
fn holding(count: u32, extent: impl Fn(u32) -> Extent) -> Dss {
    let mut dss = Dss::default();
    for n in 0..count {
        let put = present(vec![extent(n)]);
        ask(&mut dss, &format!("uss{}", n / 4_000), n, Ask::PutIntent(id(1, n), None, put)).expect("taken");
    }
    dss
}

fn subscribed(count: u32, extent: impl Fn(u32) -> Extent) -> Dss {
    let mut dss = Dss::default();
    for n in 0..count {
        let extent = extent(n);
        let put = PutSubscription {
            start: Some(extent.start),
            end: Some(extent.end),
            extent,
            uss_base_url: "https://sub.example".into(),
            intents: true,
            constraints: false,
        };
        ask(&mut dss, "uss", n, Ask::PutSubscription(id(2, n), None, put)).expect("taken");
    }
    dss
}

/// The fastest of some: milliseconds.
fn cost(dss: &mut Dss, put: &PutIntent, times: u32) -> f64 {
    let each = (0..times).map(|_| {
        let ask_it = Ask::PutIntent(id(3, 0), None, put.clone());
        let began = Instant::now();
        let outcome = ask(dss, "other", 0, ask_it);
        let took = began.elapsed().as_secs_f64() * 1e3;
        if let Ok(dss::Answer::Intent { intent, .. }) = outcome {
            let ovn = intent.ovn.expect("its own");
            ask(dss, "other", 0, Ask::DeleteIntent(id(3, 0), ovn)).expect("deleted");
        }
        took
    });
    each.fold(f64::INFINITY, f64::min)
}

fn line(what: &str, mut dss: Dss, extents: Vec<Extent>, times: u32) {
    let put = intent(extents, BTreeSet::new());
    let (here, alone) = (cost(&mut dss, &put, times), cost(&mut Dss::default(), &put, times));
    println!("{what}: {here:.3} ms, alone {alone:.3} ms");
}

fn small(cells: u32, count: u32) {
    let at = |from: i64, long: i64, e: Extent| Extent { start: T0 + from, end: T0 + from + long, ..e };
    let dss = holding(count, |n| at(2 * HOUR + i64::from(n) * 1_000_000, HOUR, extent(0, cells)));
    line(&format!("{cells} cells, {count} intents at other times"), dss, vec![extent(0, cells)], 2_000);
    let dss = holding(count, |n| {
        let lower = i64::from(n % 10) * 10_000;
        let layer = Extent { lower: Some(lower), upper: Some(lower + 9_000), ..extent(0, cells) };
        at(i64::from(n / 10) * 60_000_000, HOUR / 2, layer)
    });
    let one = Extent { lower: Some(5_000), upper: Some(6_000), ..extent(0, cells) };
    line(&format!("{cells} cells, {count} intents, ten above each other"), dss, vec![one], 2_000);
    // More are not told.
    let count = count.min(40_000);
    let dss = holding(count, |_| extent(0, cells));
    line(&format!("{cells} cells, {count} intents met"), dss, vec![extent(0, cells)], 20);
}

fn main() {
    for (cells, count) in [(1, 10_000), (1, 100_000), (4, 10_000), (4, 100_000)] {
        small(cells, count);
    }
    for cells in [1, 4] {
        let dss = subscribed(900, |_| extent(0, cells));
        line(&format!("{cells} cells, 900 subscriptions"), dss, vec![extent(0, cells)], 200);
    }
    for cells in [9, 16, 32] {
        let dss = holding(20_000, |_| extent(0, cells));
        line(&format!("{cells} cells, 20000 intents met"), dss, vec![extent(0, cells)], 5);
        // A city of 1,024 cells.
        let dss = holding(20_000, |n| extent(n * 7 % 1_024, cells));
        line(&format!("2 cells in a city of 20000 intents of {cells}"), dss, vec![extent(500, 2)], 50);
    }
    line("2400 cells, 700 subscriptions of 2400", subscribed(700, |_| extent(0, 2_400)), vec![extent(0, 2_400)], 3);
    line(
        "2400 cells, 700 subscriptions of 2400 between them",
        subscribed(700, |_| comb(1, 2_400)),
        vec![comb(0, 2_400)],
        3,
    );
    for count in [1_000, 10_000] {
        let large = (0..10).map(|n| extent(n, 2_400)).collect();
        line(&format!("24000 cells, {count} intents of 2400"), holding(count, |_| extent(0, 2_400)), large, 2);
        line(
            &format!("2 cells, {count} intents of 2400"),
            holding(count, |_| extent(0, 2_400)),
            vec![extent(70, 2)],
            5,
        );
    }
}
