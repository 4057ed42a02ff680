//! What the peer sees under each level of release.
mod common;

use common::{START, World, aircraft, circle, closed, flown, open, plan, policy, rule, set_policy, site, subject};
use node::command::Command;
use node::view::{Owner, TrackView, View};
use record::{ReleaseForm, Role};
use release::{Area, Identity, Level, Policy, RecordClass, Rule};
use track::TrackReport;
use units::{Height, earth};

const CELL_E7: u32 = 1_000_000;

/// North flies two aircraft for 25 s under one level; gives what south sees of them, and the aircraft.
fn under(level: Level) -> (World, Vec<TrackReport>) {
    under_policy(policy(&["south"], &[rule(RecordClass::Tracks, level)]))
}

fn under_policy(of_north: Policy) -> (World, Vec<TrackReport>) {
    let mut world = World::pair(START, [of_north, closed()]);
    world.run(1_000, 500);
    let at = world.now().utc;
    let tracks = [aircraft(1, 46.53, 7.04, 250.0, 90.0, at), aircraft(2, 47.54, 8.55, 250.0, 0.0, at)];
    for _ in 0..25 {
        let now: Vec<TrackReport> = tracks.iter().map(|t| flown(t, world.now().utc)).collect();
        world.report(0, 0, &now);
        world.run(1_000, 500);
    }
    let last = world.now().utc.plus_ms(-1_000);
    (world, tracks.iter().map(|t| flown(t, last)).collect())
}

fn released(view: &View) -> Vec<&TrackView> {
    view.tracks.iter().filter(|t| t.owner == Owner::Peer(1)).collect()
}

fn metres(a: &TrackReport, b: &TrackReport) -> f64 {
    earth::distance(a.position.lat(), a.position.lon(), b.position.lat(), b.position.lon())
}

#[test]
fn withheld_is_nothing() {
    for policy in [closed(), policy(&["south"], &[rule(RecordClass::Tracks, Level::Withheld)])] {
        let (world, _) = under_policy(policy);
        let view = world.view(1);
        assert!(view.tracks.is_empty() && view.avoids.is_empty());
        assert_eq!(view.peers[0].in_size, 1, "the pact statement alone");
    }
}

#[test]
fn full_is_what_its_owner_has() {
    let (world, own) = under(Level::Full);
    let view = world.view(1);
    let seen = released(&view);
    assert_eq!(seen.len(), 2);
    for (seen, own) in seen.iter().zip(&own) {
        assert_eq!(TrackReport { local: own.local, ..seen.report }, *own);
        assert_ne!(seen.report.local, own.local, "but for its internal number");
        assert_eq!((seen.form, seen.precision_mm), (ReleaseForm::Full, 0));
    }
}

#[test]
fn reduced_is_near_late_and_nameless_as_the_rule_says() {
    let (precision_mm, delay_ms) = (1_000_000, 5_000);
    let (world, own) = under(Level::Reduced { precision_mm, delay_ms, identity: Identity::Pseudonym });
    let view = world.view(1);
    let seen = released(&view);
    assert_eq!(seen.len(), 2);
    for seen in seen {
        let r = &seen.report;
        assert_eq!((r.address, r.callsign, r.mode_a), (None, None, None));
        assert_eq!((seen.form, seen.precision_mm), (ReleaseForm::Reduced, precision_mm));
        let late = world.now().utc.since_ms(r.at);
        assert!((5_000..9_000).contains(&late), "{late} ms late");
        let near = own.iter().map(|o| metres(&flown(o, r.at), r)).fold(f64::INFINITY, f64::min);
        assert!(near <= 1_000.0, "within the stated precision: {near} m");
        assert_eq!(r.pressure, Some(Height::from_feet(30_000)), "the level is never falsified");
    }
}

#[test]
fn coarse_is_a_cell_without_name_or_motion() {
    let (world, own) = under(Level::Coarse { cell_e7: CELL_E7, bin_ms: 5_000 });
    let view = world.view(1);
    let seen = released(&view);
    assert!(!seen.is_empty());
    for seen in seen {
        let r = &seen.report;
        assert_eq!((r.address, r.callsign, r.speed, r.track), (None, None, None, None));
        assert_eq!((seen.form, r.at.0 % 5_000), (ReleaseForm::Coarse, 0));
        let near = own.iter().map(|o| metres(&flown(o, r.at), r)).fold(f64::INFINITY, f64::min);
        assert!(near * 1000.0 <= f64::from(seen.precision_mm), "{near} m within {} mm", seen.precision_mm);
    }
}

#[test]
fn avoid_area_holds_the_aircraft_and_says_nothing_else() {
    let (world, own) = under(Level::AvoidArea { cell_e7: CELL_E7, bin_ms: 5_000 });
    let view = world.view(1);
    assert!(view.tracks.is_empty());
    let at = own[0].at;
    let volumes: Vec<_> =
        view.avoids.iter().flat_map(|a| &a.volumes).filter(|v| v.start <= at && at <= v.end).collect();
    assert_eq!(volumes.len(), 2);
    for own in &own {
        let holds = |v: &&&airspace::Volume4d| {
            let airspace::Outline::Circle { centre, radius_mm } = v.outline else { panic!("a circle") };
            earth::distance(centre.lat(), centre.lon(), own.position.lat(), own.position.lon()) * 1000.0
                <= radius_mm as f64
        };
        assert_eq!(volumes.iter().filter(holds).count(), 1, "{:?}", own.callsign);
    }
}

#[test]
fn rules_by_area_and_by_class_of_record_hold_apart() {
    let south_half = Area::Box { south_e7: 460_000_000, west_e7: 0, north_e7: 470_000_000, east_e7: 200_000_000 };
    let in_south = Rule { area: Some(south_half), ..rule(RecordClass::Tracks, Level::Full) };
    let rules = [in_south, rule(RecordClass::Sites, Level::Full)];
    let (mut world, own) = under_policy(policy(&["south"], &rules));
    let view = world.view(1);
    let seen = released(&view);
    assert_eq!(seen.iter().map(|t| t.report.callsign).collect::<Vec<_>>(), [own[0].callsign]);
    let volumes = vec![circle(46.5, 7.0, 5.0, START)];
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: plan(1, volumes) }).unwrap();
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(2), site: site(46.5, 7.0) }).unwrap();
    world.run(1_000, 500);
    let view = world.view(1);
    assert_eq!((view.plans.len(), view.sites.len()), (0, 1));
}

#[test]
fn a_preview_shows_plans_sites_and_drafts_as_the_peer_is_told_of_them_and_changes_nothing() {
    let rules = [rule(RecordClass::Plans, Level::Full), rule(RecordClass::Tracks, Level::Full)];
    let mut world = World::pair(START, [policy(&["south"], &rules), closed()]);
    world.run(1_000, 500);
    let mut draft = plan(2, vec![circle(46.5, 8.0, 5.0, START)]);
    draft.state = airspace::PlanState::Draft;
    let flown = plan(1, vec![circle(46.5, 7.0, 5.0, START)]);
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown.clone() }).unwrap();
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(2), plan: draft.clone() }).unwrap();
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(3), site: site(46.5, 7.0) }).unwrap();
    world.cut(0, 1);
    let before = world.state(0).to_snapshot();
    let preview = world.state(0).preview(&common::party("south"), world.now()).unwrap();
    assert_eq!(world.state(0).to_snapshot(), before);
    let body = |plan: airspace::Plan| record::Body::Plan(plan);
    let accepted = airspace::Plan { state: airspace::PlanState::Accepted, ..draft };
    let shown: Vec<_> = preview.filed.iter().map(|f| (f.record.value().body.clone(), f.draft)).collect();
    assert_eq!(shown, [(body(flown), false), (body(accepted), true)], "the draft as it would be; the site is withheld");
    assert_eq!(world.view(1).plans.len(), 1, "and the peer knows of no draft");
    assert_eq!((preview.next.len(), preview.left_out), (0, 0));
    let other = world.state(0).preview(&common::party("east"), world.now()).unwrap_err();
    assert_eq!(other, "no such party: east");
}

#[test]
fn a_change_of_the_rules_withdraws_what_is_no_longer_released_and_brings_what_is() {
    let mut world = World::pair(START, [open(&["south"]), closed()]);
    world.run(1_000, 500);
    let volumes = vec![circle(46.5, 7.0, 5.0, START)];
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: plan(1, volumes) }).unwrap();
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(2), site: site(46.5, 7.0) }).unwrap();
    world.run(1_000, 500);
    let filed = |world: &World| (world.view(1).plans.len(), world.view(1).sites.len());
    assert_eq!(filed(&world), (1, 1));
    let sites_only = policy(&["south"], &[rule(RecordClass::Sites, Level::Full)]);
    world.ask(0, Role::Administrator, set_policy(sites_only, None)).unwrap();
    world.run(1_000, 500);
    assert_eq!(filed(&world), (0, 1));
    assert_eq!(world.view(0).plans.len(), 1, "here it stays");
    world.set_rules(0, open(&["south"]));
    world.run(1_000, 500);
    assert_eq!(filed(&world), (1, 1));
}
