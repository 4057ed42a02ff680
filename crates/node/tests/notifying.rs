//! Subscribers of drone traffic services are told of what changes of what peers released.
mod common;

use common::{START, World, boot, circle, open, pact_of, plan, signed, site, subject};
use dss::{Ask, Extent, Id, PutSubscription, Request};
use node::command::Command;
use node::input::{Input, Notified, NotifyOutcome};
use node::{Notification, NotifyCounts, ShownKind};
use record::Role;

const USS1: &str = "https://uss1.example/utm";
const USS2: &str = "https://uss2.example/utm";

/// North serves traffic services, and notifies them; it is told what south releases.
fn pair(notifies: bool) -> World {
    let pact = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &pact, open(&["south"]));
    (north.dss_base_url, north.dss_notifies) = (Some("https://north.example/utm".into()), notifies);
    let mut world = World::new(START, vec![north, boot("south", &pact, open(&["north"]))]);
    world.connect(0, 1);
    world.run(1_000, 100);
    world
}

fn id(n: u8) -> Id {
    Id::random([n; 16])
}

fn request(world: &mut World, manager: &str, n: u8, ask: Ask) {
    let request = Request { manager: manager.into(), entropy: [n; 32], key: None, ask };
    world.input(0, Input::Dss(Box::new(request), None));
}

/// A subscription for two hours around this place.
fn subscribe(world: &mut World, n: u8, url: &str, at: (f64, f64)) {
    subscribe_of(world, "uss", n, url, at);
}

fn subscribe_of(world: &mut World, manager: &str, n: u8, url: &str, (lat, lng): (f64, f64)) {
    let cells = cells::circle(cells::LatLng { lat, lng }, 300.0).unwrap();
    let cells = cells.iter().map(|cell| (cell.id() >> 35) as dss::CellKey).collect();
    put_subscription(world, manager, n, None, url, cells);
}

/// The same subscription, changed.
fn subscribe_again(world: &mut World, n: u8, version: String, url: &str, (lat, lng): (f64, f64)) {
    let cells = cells::circle(cells::LatLng { lat, lng }, 300.0).unwrap();
    let cells = cells.iter().map(|cell| (cell.id() >> 35) as dss::CellKey).collect();
    put_subscription(world, "uss", n, Some(version), url, cells);
}

fn put_subscription(
    world: &mut World,
    manager: &str,
    n: u8,
    version: Option<String>,
    url: &str,
    cells: Vec<dss::CellKey>,
) {
    let now = world.now().utc.0 * 1000;
    let put = PutSubscription {
        extent: Extent { cells, ..Extent::default() },
        start: Some(now),
        end: Some(now + 7_200_000_000),
        uss_base_url: url.into(),
        intents: true,
        constraints: true,
    };
    request(world, manager, n, Ask::PutSubscription(id(n), version, put));
    assert_eq!(world.state(0).dss().subscriber(id(n), url, now), Some(manager));
}

/// South files a plan there for so long, or what there is of it is another.
fn file(world: &mut World, n: u8, lat: f64, minutes: i64) {
    let mut volume = circle(lat, 7.0, 3.0, START);
    volume.end = volume.start.plus_ms(minutes * 60_000);
    world.ask(1, Role::Planner, Command::FilePlan { subject: subject(n), plan: plan(n, vec![volume]) }).unwrap();
    world.run(500, 100);
}

fn next(world: &World, url: &str) -> Option<Notification> {
    world.state(0).next_notification("uss", url)
}

fn addresses(world: &World) -> Vec<(String, String)> {
    world.state(0).to_notify()
}

fn of_uss(urls: &[&str]) -> Vec<(String, String)> {
    urls.iter().map(|&url| ("uss".into(), url.into())).collect()
}

/// What comes of the next notification to an address.
fn report(world: &mut World, url: &str, of: &Notification, outcome: NotifyOutcome) {
    report_of(world, "uss", url, of, outcome);
}

fn report_of(world: &mut World, manager: &str, url: &str, of: &Notification, outcome: NotifyOutcome) {
    let Notification { entity, change, subscriptions, .. } = of.clone();
    let (manager, address) = (Some(manager.into()), url.into());
    let notified = Notified { address, entity, change, subscriptions, ovn: None, outcome, manager };
    world.input(0, Input::Notified(Box::new(notified)));
}

fn counts(world: &World) -> NotifyCounts {
    NotifyCounts { newest: 0, ..world.state(0).notify_counts() }
}

fn logged(world: &World, what: &str) -> usize {
    world.nodes[0].log.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn every_subscriber_is_to_be_told_once_of_what_is_new_changed_and_gone() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    subscribe(&mut world, 2, USS1, (46.5, 7.01));
    subscribe(&mut world, 3, USS2, (46.5, 7.0));
    subscribe(&mut world, 4, USS2, (48.0, 7.0));
    assert!(addresses(&world).is_empty());
    file(&mut world, 1, 46.5, 60);
    assert_eq!(addresses(&world), of_uss(&[USS1, USS2]));
    let first = next(&world, USS1).unwrap();
    assert_eq!((first.kind, &first.subscriptions), (ShownKind::Plan, &vec![(id(1), 1), (id(2), 1)]));
    assert!(world.state(0).dss().shown_intent(first.entity).is_some());
    let other = next(&world, USS2).unwrap();
    assert_eq!((other.entity, &other.subscriptions), (first.entity, &vec![(id(3), 1)]));

    report(&mut world, USS1, &first, NotifyOutcome::Sent(204));
    assert_eq!((addresses(&world), counts(&world).sent), (of_uss(&[USS2]), 1));
    file(&mut world, 1, 46.5, 90);
    let changed = next(&world, USS1).unwrap();
    assert_eq!((changed.entity, &changed.subscriptions), (first.entity, &vec![(id(1), 2), (id(2), 2)]));
    report(&mut world, USS1, &changed, NotifyOutcome::Sent(200));
    world.ask(1, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    world.run(500, 100);
    let gone = next(&world, USS1).unwrap();
    assert_eq!((gone.entity, gone.kind, &gone.subscriptions[0]), (first.entity, ShownKind::Plan, &(id(1), 3)));
    assert!(world.state(0).dss().shown_intent(gone.entity).is_none());
    report(&mut world, USS1, &gone, NotifyOutcome::Sent(204));
    // The other was not reached in all this time: it is told once, of the end.
    assert_eq!(next(&world, USS2).unwrap().subscriptions, [(id(3), 3)]);
    assert_eq!(counts(&world), NotifyCounts { sent: 3, waiting: 1, ..Default::default() });
}

#[test]
fn managers_that_state_one_address_are_told_there_apart() {
    let mut world = pair(true);
    subscribe_of(&mut world, "uss", 1, USS1, (46.5, 7.0));
    subscribe_of(&mut world, "other", 2, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    let both = ["other", "uss"].map(|manager| (manager.to_owned(), USS1.to_owned()));
    assert_eq!(addresses(&world), both);
    let theirs = world.state(0).next_notification("other", USS1).unwrap();
    assert_eq!(theirs.subscriptions, [(id(2), 1)]);
    let own = next(&world, USS1).unwrap();
    assert_eq!((own.entity, &own.subscriptions), (theirs.entity, &vec![(id(1), 1)]));
    // What one takes and the other does not is each its own.
    report(&mut world, USS1, &own, NotifyOutcome::Sent(204));
    report_of(&mut world, "other", USS1, &theirs, NotifyOutcome::Refused(500));
    assert_eq!(addresses(&world), both[..1]);
    assert_eq!(counts(&world), NotifyCounts { sent: 1, failed: 1, waiting: 1, ..Default::default() });
    // Whoever takes the identifier of a subscription that is over is not told what was the other's.
    request(&mut world, "other", 9, Ask::DeleteSubscription(id(2), dss::version_of(&[2; 32], &id(2))));
    subscribe_of(&mut world, "uss", 2, USS1, (46.5, 7.0));
    assert!(world.state(0).next_notification("other", USS1).unwrap().subscriptions.is_empty());
}

#[test]
fn what_changes_while_it_is_sent_is_sent_again_to_whom_it_is_news() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    subscribe(&mut world, 2, USS1, (48.0, 7.0));
    file(&mut world, 1, 46.5, 60);
    let sent = next(&world, USS1).unwrap();
    assert_eq!(sent.subscriptions, [(id(1), 1)]);
    // It moves: both places are told.
    file(&mut world, 1, 48.0, 60);
    let moved = next(&world, USS1).unwrap();
    assert_eq!((moved.entity, &moved.subscriptions), (sent.entity, &vec![(id(1), 2), (id(2), 1)]));
    // On to a third place, where nobody is told: what the first was told of is over for it.
    report(&mut world, USS1, &sent, NotifyOutcome::Sent(204));
    assert_eq!(next(&world, USS1).unwrap().subscriptions, moved.subscriptions, "of the older change");
    file(&mut world, 1, 44.0, 60);
    let third = next(&world, USS1).unwrap();
    assert_eq!(third.subscriptions, [(id(1), 2), (id(2), 2)]);
    report(&mut world, USS1, &moved, NotifyOutcome::Sent(204));
    let left = next(&world, USS1).unwrap();
    assert_eq!((left.change, &left.subscriptions), (third.change, &vec![(id(2), 2)]));
    report(&mut world, USS1, &moved, NotifyOutcome::Failed("late".into()));
    assert_eq!(next(&world, USS1).unwrap().subscriptions, left.subscriptions);
    report(&mut world, USS1, &left, NotifyOutcome::Sent(204));
    assert!(addresses(&world).is_empty());
    // Said twice, it is nothing that waits.
    report(&mut world, USS1, &left, NotifyOutcome::Sent(204));
    assert_eq!(counts(&world), NotifyCounts { sent: 4, failed: 1, ..Default::default() });
}

#[test]
fn what_waits_outlives_a_restart_and_sites_are_constraints() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    world.nodes[0].take_snapshot();
    let site = Command::FileSite { subject: subject(2), site: site(46.5, 7.0) };
    world.ask(1, Role::Planner, site).unwrap();
    world.run(1_000, 100);
    let plan = next(&world, USS1).unwrap();
    report(&mut world, USS1, &plan, NotifyOutcome::Refused(500));
    let site = next(&world, USS1).unwrap();
    assert_eq!((site.kind, &site.subscriptions), (ShownKind::Site, &vec![(id(1), 2)]), "the other went to the end");
    for from_snapshot in [true, false] {
        world.restart(0, from_snapshot);
        assert_eq!(next(&world, USS1).unwrap().subscriptions, site.subscriptions, "{from_snapshot}");
        assert_eq!(counts(&world), NotifyCounts { failed: 1, waiting: 2, ..Default::default() });
    }
    // A site has one beginning, whenever it is asked for.
    let details = |world: &World| world.state(0).shown_details(site.entity).unwrap();
    let reference = world.state(0).dss().shown_constraint(site.entity).unwrap();
    let before = details(&world);
    world.run(5_000, 100);
    assert_eq!((details(&world), before.volumes[0].span.0.0 * 1000), (before.clone(), reference.start));
}

#[test]
fn whoever_is_never_reached_is_given_up() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    for _ in 0..300 {
        let tried = next(&world, USS1).unwrap();
        report(&mut world, USS1, &tried, NotifyOutcome::Failed("no answer in time".into()));
    }
    assert!(addresses(&world).is_empty());
    assert_eq!(counts(&world), NotifyCounts { failed: 300, given_up: 1, ..Default::default() });
    assert_eq!(logged(&world, "uss was not notified of"), 1);
    // Another ends: that is told for ten minutes more.
    file(&mut world, 2, 46.5, 5);
    world.run(9 * 60_000, 10_000);
    let waits = next(&world, USS1).unwrap();
    report(&mut world, USS1, &waits, NotifyOutcome::Failed("no answer in time".into()));
    world.run(5 * 60_000, 10_000);
    assert_eq!(addresses(&world), of_uss(&[USS1]));
    world.run(3 * 60_000, 10_000);
    assert!(addresses(&world).is_empty());
    assert_eq!(counts(&world), NotifyCounts { failed: 301, given_up: 2, ..Default::default() });
    assert_eq!(logged(&world, "1 notifications of traffic services were given up"), 1);
}

#[test]
fn a_clock_that_was_ahead_ends_nothing_that_waits() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    for _ in 0..2 {
        world.start = START.plus_ms(100 * 60_000);
        world.run(8 * 60_000, 10_000);
        world.start = START;
        world.run(2 * 60_000, 10_000);
        assert_eq!(next(&world, USS1).unwrap().subscriptions, [(id(1), 1)]);
    }
    assert_eq!(counts(&world), NotifyCounts { waiting: 1, ..Default::default() });
    // Whoever is told late is told all the same, until it is over for ten minutes.
    world.start = START.plus_ms(60 * 60_000);
    world.run(9 * 60_000, 10_000);
    for outcome in [NotifyOutcome::Refused(500), NotifyOutcome::Refused(503)] {
        let late = next(&world, USS1).unwrap();
        report(&mut world, USS1, &late, outcome);
    }
    assert_eq!(counts(&world), NotifyCounts { failed: 2, waiting: 1, ..Default::default() });
    world.run(3 * 60_000, 10_000);
    assert_eq!(counts(&world), NotifyCounts { failed: 2, given_up: 1, ..Default::default() });
}

#[test]
fn a_subscription_that_is_over_is_told_nothing() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 180);
    let version = dss::version_of(&[1; 32], &id(1));
    request(&mut world, "uss", 9, Ask::DeleteSubscription(id(1), version));
    let none = next(&world, USS1).unwrap();
    assert!(none.subscriptions.is_empty());
    report(&mut world, USS1, &none, NotifyOutcome::Unwanted);
    assert_eq!(counts(&world), NotifyCounts::default());
    // One that ends in between, as well.
    subscribe(&mut world, 2, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 170);
    assert_eq!(next(&world, USS1).unwrap().subscriptions, [(id(2), 1)]);
    world.mono += 7_200_000;
    world.tick();
    assert!(next(&world, USS1).unwrap().subscriptions.is_empty());
}

#[test]
fn a_subscription_made_again_is_told_nothing_of_the_one_before() {
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    subscribe(&mut world, 2, USS1, (46.5, 7.0));
    file(&mut world, 2, 46.5, 60);
    file(&mut world, 2, 46.5, 90);
    file(&mut world, 1, 46.5, 60);
    let waited = next(&world, USS1).unwrap();
    assert_eq!(waited.subscriptions, [(id(1), 2), (id(2), 2)]);
    request(&mut world, "uss", 9, Ask::DeleteSubscription(id(1), dss::version_of(&[1; 32], &id(1))));
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    assert_eq!(next(&world, USS1).unwrap().subscriptions, [(id(2), 2)], "the other is told all the same");
    // What is new is told under its own numbers, also of what waits already.
    file(&mut world, 2, 46.5, 150);
    let changed = next(&world, USS1).unwrap();
    assert_eq!((changed.entity, changed.subscriptions[0]), (waited.entity, (id(1), 1)));
    // A change of a subscription leaves it the same one.
    let version = dss::version_of(&[1; 32], &id(1));
    subscribe_again(&mut world, 1, version, USS1, (46.5, 7.0));
    assert_eq!(next(&world, USS1), Some(changed));
}

#[test]
fn what_was_told_to_the_subscription_before_was_not_told_to_the_one_made_again() {
    for outcome in [NotifyOutcome::Sent(204), NotifyOutcome::Failed("no answer in time".into())] {
        let mut world = pair(true);
        subscribe(&mut world, 1, USS1, (46.5, 7.0));
        (0..3).for_each(|n| file(&mut world, 1, 46.5, 60 + n));
        let under_way = next(&world, USS1).unwrap();
        assert_eq!(under_way.subscriptions, [(id(1), 3)]);
        request(&mut world, "uss", 9, Ask::DeleteSubscription(id(1), dss::version_of(&[1; 32], &id(1))));
        subscribe(&mut world, 1, USS1, (46.5, 7.0));
        assert!(next(&world, USS1).unwrap().subscriptions.is_empty());
        file(&mut world, 1, 46.5, 90);
        world.nodes[0].take_snapshot();
        world.restart(0, true);
        report(&mut world, USS1, &under_way, outcome);
        let waits = next(&world, USS1).unwrap();
        assert_eq!(waits.subscriptions, [(id(1), 1)]);
        // From then on it is as any other.
        file(&mut world, 1, 46.5, 120);
        report(&mut world, USS1, &waits, NotifyOutcome::Sent(204));
        let waits = next(&world, USS1).unwrap();
        assert_eq!(waits.subscriptions, [(id(1), 2)]);
        report(&mut world, USS1, &waits, NotifyOutcome::Sent(204));
        assert!(addresses(&world).is_empty());
    }
}

/// South changes much, and nobody takes it: west is told of all the same.
#[test]
fn what_one_peer_changes_keeps_nothing_of_another_from_a_subscriber() {
    let names = ["north", "south", "west"];
    let pact = signed(&pact_of(&names, START));
    let mut north = boot("north", &pact, open(&[]));
    (north.dss_base_url, north.dss_notifies) = (Some("https://north.example/utm".into()), true);
    let mut world =
        World::new(START, vec![north, boot("south", &pact, open(&["north"])), boot("west", &pact, open(&["north"]))]);
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(1_000, 100);
    // So many subscriptions that few entities fill the room.
    for n in 0..250 {
        subscribe(&mut world, n, USS1, (46.5, 7.0));
    }
    for n in 0..60 {
        file(&mut world, n, 46.5, 60);
    }
    assert!(counts(&world).dropped > 10);
    let volume = circle(46.5, 7.0, 3.0, START);
    world.ask(2, Role::Planner, Command::FilePlan { subject: subject(1), plan: plan(1, vec![volume]) }).unwrap();
    world.run(500, 100);
    let mut owners = Vec::new();
    while let Some(waits) = next(&world, USS1) {
        owners.push(world.state(0).shown_thing(waits.entity).unwrap().owner.to_string());
        report(&mut world, USS1, &waits, NotifyOutcome::Sent(204));
    }
    assert_eq!(owners.iter().filter(|owner| *owner == "west").count(), 1, "{owners:?}");
}

#[test]
fn a_node_that_does_not_notify_keeps_nothing() {
    let mut world = pair(false);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    assert_eq!((addresses(&world).len(), counts(&world)), (0, NotifyCounts::default()));
    // One that no longer does gives up what waited.
    let mut world = pair(true);
    subscribe(&mut world, 1, USS1, (46.5, 7.0));
    file(&mut world, 1, 46.5, 60);
    world.nodes[0].boot.dss_notifies = false;
    world.boot(0);
    assert_eq!(counts(&world), NotifyCounts { given_up: 1, ..Default::default() });
    assert_eq!(logged(&world, "1 notifications of traffic services were given up"), 1);
}
