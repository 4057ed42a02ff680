//! What the lists name is what looking at every pair gives, and they say when they are cut.
extern crate std;
use super::*;
use crate::filed::Filed;
use crate::input::Claim;
use crate::picture::{Origin, Source, Standing};
use crate::volumes::Prepared;
use airspace::{Limit, Outline, Volume4d};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use detect::scenario::draw;
use record::ReleaseForm;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Height, Mono, Now, Position, Speed, Vertex};

const NOW: Utc = Utc(1_700_000_000_000);
const HOUR_MS: i64 = 3_600_000;

fn names() -> Vec<PartyId> {
    ["north", "south", "east"].map(|name| PartyId::parse(name).expect("a party")).to_vec()
}

fn circle(lat: f64, radius_mm: i64, start: Utc) -> Volume4d {
    let centre = Vertex::from_degrees(lat, 7.0).expect("on earth");
    let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
    Volume4d { outline: Outline::Circle { centre, radius_mm }, lower, upper, start, end: start.plus_ms(HOUR_MS) }
}

fn plan(address: Option<u32>, callsign: Option<String>, volume: Volume4d) -> Plan {
    let (class, state) = (AircraftClass::Civil, PlanState::Activated);
    Plan { callsign, class, state, priority: 0, special: None, volumes: vec![volume], address }
}

fn file(state: &mut State, owner: &PartyId, n: u64, plan: Plan) {
    let subject = SubjectId((u128::from(n) << 64).to_be_bytes());
    let filed = Filed { revision: 1, value: plan, record: None, conflicts: Vec::new() };
    state.plans.insert((owner.clone(), subject), filed);
}

fn fly(state: &mut State, from: Source, local: u64, (address, callsign): (Option<u32>, Option<String>), lat: f64) {
    let mut report = TrackReport::new(local, Position::from_degrees(lat, 7.0).expect("on earth"), NOW);
    report.address = address.and_then(Address::icao);
    report.callsign = callsign.and_then(|c| Callsign::parse(&c).ok());
    report.pressure = Some(Height::from_feet(10_000));
    report.speed = Some(Speed::from_knots(0.0));
    let origin = match from {
        Source::Feed(n) => Origin::feed(n, if n == 0 { Claim::Own } else { Claim::Observed }),
        source => Origin { source, standing: Standing::Released, form: ReleaseForm::Full, precision_mm: 0 },
    };
    state.picture.take(&origin, report, Now { mono: Mono(0), utc: NOW, utc_error_ms: 0 });
}

/// Both lists by looking at every pair of a plan and an aircraft.
fn by_scan(state: &State) -> (Vec<Unplanned>, Vec<Unflown>) {
    let plans = state.live_plans(NOW);
    let flies = |plan: &Live<'_>, track: &SystemTrack| {
        let names = plan.name.is_for(&Name::of_track(track));
        let is_in = || plan.is_for_anyone() && state.is_in(plan, track, NOW, &mut 0);
        state.may_plan(plan.owner, track) && (names || is_in())
    };
    let mut unplanned = Vec::new();
    for track in state.picture.iter().filter(|track| state.is_flying(track, NOW)) {
        let mut flown: Vec<&Live<'_>> = plans.iter().filter(|plan| flies(plan, track)).collect();
        if flown.iter().all(|plan| plan.active.is_empty()) {
            flown.retain(|plan| !plan.is_for_anyone());
            let inactive = flown.first().map(|plan| (plan.owner.clone(), plan.subject));
            unplanned.push(Unplanned { track: track.id, inactive });
        }
    }
    let mut unflown = Vec::new();
    for plan in plans.iter().filter(|plan| !plan.active.is_empty()) {
        if !state.picture.iter().any(|track| state.is_flying(track, NOW) && flies(plan, track)) {
            let why = if plan.is_for_anyone() { "nobody is heard in it" } else { "its aircraft is not heard" };
            let since = plan.plan.volumes[0].start;
            unflown.push(Unflown { owner: plan.owner.clone(), subject: plan.subject, since, why });
        }
    }
    (unplanned, unflown)
}

#[test]
fn the_lists_name_what_looking_at_every_pair_names() {
    let (mut planned, mut listed) = (0, [0; 2]);
    for seed in 0..20 {
        let u = |k: u64| draw(seed, k);
        let pick = |k: u64, most: f64| (u(k) * most) as u32;
        let names = names();
        let mut state = State { parties: names.clone(), ..State::default() };
        // Few names for many, in capitals or not, so that several plans and aircraft bear each, and both, one or neither.
        let callsign = |k: u64| {
            (u(k) < 0.6).then(|| format!("{}{}", if u(k + 1) < 0.5 { "Test" } else { "TEST" }, pick(k + 2, 15.0)))
        };
        let address = |k: u64| (u(k) < 0.5).then(|| 0x40_0000 + pick(k + 1, 15.0));
        for n in 0..40 {
            let k = 1000 * n;
            let start = NOW.plus_ms(if u(k) < 0.5 { -60_000 } else { 60_000 });
            let volume = circle(46.0 + f64::from(pick(k + 1, 50.0)) / 10.0, 5_000_000, start);
            file(&mut state, &names[pick(k + 2, 3.0) as usize], n, plan(address(k + 3), callsign(k + 6), volume));
        }
        for n in 0..40 {
            let k = 100_000 + 1000 * n;
            let from = [Source::Feed(0), Source::Feed(1), Source::Peer(1), Source::Peer(2)][pick(k, 4.0) as usize];
            let capitals = callsign(k + 4).map(|c| c.to_ascii_uppercase());
            fly(&mut state, from, n, (address(k + 1), capitals), 46.0 + f64::from(pick(k + 8, 50.0)) / 10.0);
        }
        state.prepared = Prepared::of(&state);
        let (unplanned, unflown) = by_scan(&state);
        planned += state.picture.len() - unplanned.len();
        listed = [listed[0] + unplanned.len(), listed[1] + unflown.len()];
        assert_eq!(state.unplanned(NOW), Listed { rows: unplanned, cut: false }, "{seed}");
        assert_eq!(state.unflown(NOW), Listed { rows: unflown, cut: false }, "{seed}");
    }
    std::println!("{planned} with a plan, {} without; {} plans without an aircraft", listed[0], listed[1]);
    assert!(planned > 100 && listed.iter().all(|n| *n > 100));
}

#[test]
fn what_is_too_much_to_look_at_is_cut_and_names_nobody_who_was_not_looked_at() {
    // As many plans bear one name as aircraft, and the last of them alone is active: each aircraft has a plan.
    let names = names();
    let mut state = State { parties: names.clone(), ..State::default() };
    let name = Some(String::from("SAME"));
    let n = 1_500;
    for k in 0..n {
        let start = NOW.plus_ms(if k == n - 1 { -60_000 } else { 60_000 });
        file(&mut state, &names[0], k, plan(None, name.clone(), circle(46.0, 5_000_000, start)));
        fly(&mut state, Source::Feed(0), k, (None, name.clone()), 46.0 + k as f64 / 1000.0);
    }
    state.prepared = Prepared::of(&state);
    assert_eq!(state.unplanned(NOW), Listed { rows: vec![], cut: true });
    // The same of plans for whoever is in them: nobody is, and nobody who was not held against all of them is named.
    let mut state = State { parties: names.clone(), ..State::default() };
    for k in 0..n {
        file(&mut state, &names[0], k, plan(None, None, circle(30.0, 5_000_000, NOW.plus_ms(-60_000))));
        fly(&mut state, Source::Feed(0), k, (None, None), 46.0 + k as f64 / 1000.0);
    }
    state.prepared = Prepared::of(&state);
    for (rows, cut) in [
        (state.unplanned(NOW).rows.len(), state.unplanned(NOW).cut),
        (state.unflown(NOW).rows.len(), state.unflown(NOW).cut),
    ] {
        assert!(cut && (1..1_000).contains(&rows), "{rows}");
    }
}
