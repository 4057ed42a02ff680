//! What is held of meetings is what looking at every pair gives, whatever comes, changes and goes.
extern crate std;
use super::*;
use airspace::{Site, SiteCategory, Verification};
use alloc::vec;
use detect::scenario::draw;
use units::{AircraftClass, Altitude, Height, Reference};

const SEED: u64 = 4;

fn party(name: &str) -> PartyId {
    PartyId::parse(name).expect("a party")
}

/// Volumes around one place, of all shapes, levels and times, so that about one pair in ten meets.
fn volumes(u: &impl Fn(u64) -> f64) -> Vec<Volume4d> {
    let one = |k: u64| {
        let u = |j: u64| u(16 * k + j);
        let (lat, lon) = earth::direct(36.7, 68.86, 360.0 * u(0), 80_000.0 * u(1));
        let at = |(lat, lon): (f64, f64)| Vertex::from_degrees(lat, lon).expect("on earth");
        let outline = match (u(2) * 3.0) as u32 {
            0 => Outline::Circle { centre: at((lat, lon)), radius_mm: (1e6 + 3e7 * u(3)) as i64 },
            1 => {
                let points = vec![at((lat, lon)), at(earth::direct(lat, lon, 360.0 * u(4), 60_000.0))];
                Outline::Corridor { points, half_width_mm: 4_000_000 }
            }
            _ => {
                let corner = |n: i32| at(earth::direct(lat, lon, f64::from(n * 90) + 80.0 * u(5), 30_000.0));
                Outline::Polygon((0..4).map(corner).collect())
            }
        };
        let limit = |x: f64, feet: f64| match (x * 5.0) as u32 {
            0 => Limit::Unlimited,
            1 => Limit::At(Altitude::Known(Height::from_feet(feet as i32), Reference::Msl)),
            _ => Limit::At(Altitude::pressure_feet(feet as i32)),
        };
        let start = Utc((u(6) * 7_200_000.0) as i64);
        let end = start.plus_ms((u(7) * 5_400_000.0) as i64);
        let bottom = 20_000.0 * u(9);
        Volume4d { outline, lower: limit(u(8), bottom), upper: limit(u(10), bottom + 6_000.0), start, end }
    };
    (0..1 + (u(99) * 3.0) as u64).map(one).collect()
}

fn filed<T>(value: T) -> Filed<T> {
    Filed { revision: 1, value, record: None, conflicts: Vec::new() }
}

/// Files, changes or takes away one thing of a small world.
fn step(state: &mut State, parties: &[PartyId], n: u64, now: Now) {
    let u = |j: u64| draw(SEED, 256 * n + j);
    let owner = parties[(u(200) * parties.len() as f64) as usize].clone();
    let mut subject = [0; 16];
    subject[0] = (u(201) * 120.0) as u8;
    let key = (owner, SubjectId(subject));
    match (u(202) * 10.0) as u32 {
        0 => {
            state.plans.remove(&key);
            state.avoids.remove(&key);
            state.sites.remove(&key);
            if u(203) < 0.5 {
                state.volumes_removed(now);
            } else {
                for kind in [ShownKind::Plan, ShownKind::Avoid, ShownKind::Site] {
                    state.volume_removed(kind, &key, now);
                }
            }
        }
        1 => {
            let site = Site {
                category: SiteCategory::Hospital,
                name: None,
                footprint: volumes(&u).remove(0).outline,
                buffer_mm: 5_000_000,
                verification: Verification::Claimed,
                expires: Utc(i64::MAX),
            };
            state.sites.insert(key.clone(), filed(site));
            state.site_arrived(&key, now);
        }
        2 => {
            state.avoids.insert(key.clone(), filed(volumes(&u)));
            state.avoid_arrived(&key, now);
        }
        _ => {
            let states = [PlanState::Accepted, PlanState::Draft, PlanState::Cancelled, PlanState::Activated];
            let plan = Plan {
                callsign: None,
                class: AircraftClass::Civil,
                state: states[(u(203) * u(203) * 4.0) as usize],
                priority: 0,
                special: None,
                volumes: volumes(&u),
                address: None,
            };
            state.plans.insert(key.clone(), filed(plan));
            state.plan_arrived(&key, now);
        }
    }
}

/// Own things with what they meet, by looking at every pair: of a peer's things of a kind the [`MEETINGS_MAX`] that end last.
fn by_scan(state: &State, prepared: &Prepared) -> BTreeMap<Thing, BTreeSet<Thing>> {
    let me = state.party().expect("a party");
    let mut met: BTreeMap<Thing, BTreeSet<Thing>> = BTreeMap::new();
    for own in prepared.ready.keys() {
        let mut alike: BTreeMap<(Kind, PartyId), usize> = BTreeMap::new();
        let mut others: Vec<&Thing> = prepared.ready.keys().collect();
        others.sort_by(|a, b| prepared.rank(a).cmp(&prepared.rank(b)));
        for other in others {
            if !matters(own, other, me) || prepared.judge(state, own, other).is_none() {
                continue;
            }
            let count = alike.entry((other.kind, other.owner.clone())).or_default();
            *count += 1;
            if *count <= MEETINGS_MAX || other.owner == *me {
                met.entry(own.clone()).or_default().insert(other.clone());
                met.entry(other.clone()).or_default().insert(own.clone());
            }
        }
    }
    met
}

#[test]
fn what_is_held_is_what_looking_at_every_pair_gives() {
    let parties = [party("north"), party("south"), party("south"), party("east")];
    let mut state = State { parties: vec![party("north"), party("south"), party("east")], ..State::default() };
    let now = Now::default();
    let (mut most, mut crowded) = (0, 0);
    for n in 0..260 {
        step(&mut state, &parties, n, now);
        if n % 65 != 64 {
            continue;
        }
        let prepared = state.prepared.clone();
        let held: BTreeMap<Thing, BTreeSet<Thing>> =
            prepared.meetings.iter().map(|(thing, with)| (thing.clone(), with.keys().cloned().collect())).collect();
        assert_eq!(held, by_scan(&state, &prepared), "after step {n}");
        let restored = Prepared::of(&state);
        let again: BTreeMap<Thing, BTreeSet<Thing>> =
            restored.meetings.iter().map(|(thing, with)| (thing.clone(), with.keys().cloned().collect())).collect();
        assert_eq!(held, again, "restored after step {n}");
        let filed = |p: &Prepared| (p.ours.len(), p.theirs.len());
        assert_eq!(filed(&restored), filed(&prepared));
        (most, crowded) =
            (most.max(held.values().map(BTreeSet::len).sum::<usize>()), crowded.max(prepared.crowded.len()));
    }
    std::println!("{} ready, {most} meetings held, {crowded} crowded", state.prepared.ready.len());
    assert!(most > 500, "{most} meetings held");
}
