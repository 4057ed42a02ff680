//! Subscriptions, constraints, availability, reports.
mod common;
use common::*;
use dss::{
    Answer, Ask, AvailabilityState, Extent, Found, PutConstraint, PutSubscription, Query, Refused, SKEW_MAX_US,
    SUBSCRIPTION_MAX_US,
};

#[test]
fn times_are_as_asked_as_they_were_or_from_now_for_a_day() {
    let mut world = World::default();
    let open = PutSubscription { start: None, end: None, ..subscribe(extent()) };
    let (sub, intents, constraints) = world.subscription("uss1", id(1), None, open.clone()).unwrap();
    assert_eq!((sub.start, sub.end, sub.index, sub.implicit), (T0, T0 + SUBSCRIPTION_MAX_US, 0, false));
    assert_eq!((intents, constraints), (Some(vec![]), None));
    world.now += HOUR;
    let (again, ..) = world.subscription("uss1", id(1), Some(&sub.version), open).unwrap();
    assert_eq!((again.start, again.end), (sub.start, sub.end));
    let mut with = |start: i64, end: i64| {
        let (start, end) = (Some(T0 + HOUR + start), Some(T0 + HOUR + end));
        world.subscription("uss1", id(2), None, PutSubscription { start, end, ..subscribe(extent()) }).map(|_| ())
    };
    assert_eq!(why(with(-SKEW_MAX_US - 1, 1)), "extents.time_start: more than 300 s in the past");
    assert_eq!(why(with(2, 1)), "extents.time_end: before time_start");
    assert_eq!(why(with(-2, -1)), "extents.time_end: in the past");
    assert_eq!(why(with(0, SUBSCRIPTION_MAX_US + 1)), "extents.time_end: more than 24 h after time_start");
    with(-SKEW_MAX_US, SUBSCRIPTION_MAX_US - SKEW_MAX_US).unwrap();
}

#[test]
fn a_change_is_told_where_it_was_and_where_it_is_and_counted_by_one() {
    let mut world = World::default();
    let at = |cells: &[u32]| Extent { cells: cells.to_vec(), ..extent() };
    for (n, cells) in [(1, vec![1]), (2, vec![2]), (3, vec![9])] {
        world.subscription("uss2", id(n), None, subscribe(at(&cells))).unwrap();
    }
    let told = |to: &[dss::ToNotify]| to.iter().flat_map(|t| t.subscriptions.clone()).collect::<Vec<_>>();
    let first = world.intent("uss1", id(10), None, put(at(&[1]))).unwrap();
    assert_eq!(told(&first.subscribers), [(id(1), 1)]);
    let moved = world.intent("uss1", id(10), Some(first.ovn()), put(at(&[2]))).unwrap();
    assert_eq!(told(&moved.subscribers), [(id(1), 2), (id(2), 1)]);
    // A constraint is not what they asked to be told of.
    let (_, subscribers) = world.constraint("city", id(20), vec![at(&[1, 2, 9])]);
    assert_eq!(told(&subscribers), []);
    let Ok(Answer::Intent { subscribers, .. }) = world.delete("uss1", id(10), moved.ovn()) else { panic!() };
    assert_eq!(told(&subscribers), [(id(2), 2)]);
    assert_eq!(world.sub("uss2", id(3)).unwrap().index, 0);
    // Heights do not count here: to be told too much is safe.
    let high = Extent { lower: Some(900_000), upper: Some(900_001), ..at(&[9]) };
    assert_eq!(told(&world.intent("uss1", id(11), None, put(high)).unwrap().subscribers), [(id(3), 1)]);
    // Time does.
    let late = Extent { start: T0 + HOUR + 1, end: T0 + 2 * HOUR, ..at(&[9]) };
    assert_eq!(told(&world.intent("uss1", id(12), None, put(late)).unwrap().subscribers), []);
}

#[test]
fn of_what_is_shown_each_uss_is_told_by_itself_also_at_the_address_of_another() {
    let mut world = World::default();
    for (n, manager, url) in [
        (1, "uss2", "https://a.example"),
        (2, "uss1", "https://b.example"),
        (3, "uss1", "https://a.example"),
        (4, "uss1", "https://a.example"),
    ] {
        let put = PutSubscription { uss_base_url: url.into(), constraints: true, ..subscribe(extent()) };
        world.subscription(manager, id(n), None, put).unwrap();
    }
    for state in [Some(dss::IntentState::Accepted), None] {
        let before = world.sub("uss2", id(1)).unwrap().index;
        let shown = dss::Shown {
            state,
            manager: "south".into(),
            ovn: "version-of-the-peer-1".into(),
            uss_base_url: "https://north.example".into(),
            extents: vec![extent()],
        };
        for (told, index) in [(world.dss.show(id(10), shown), before + 1), (world.dss.hide(id(10)), before + 2)] {
            let told: Vec<_> = told.iter().map(|t| (&*t.manager, &*t.uss_base_url, t.subscriptions.clone())).collect();
            assert_eq!(
                told,
                [
                    ("uss1", "https://a.example", vec![(id(3), index), (id(4), index)]),
                    ("uss1", "https://b.example", vec![(id(2), index)]),
                    ("uss2", "https://a.example", vec![(id(1), index)]),
                ]
            );
        }
    }
    let at = |url: &str, now| world.dss.subscriber(id(1), url, now);
    assert_eq!(at("https://a.example", T0), Some("uss2"));
    assert_eq!((at("https://b.example", T0), at("https://a.example", T0 + HOUR)), (None, None));
}

#[test]
fn whom_to_tell_is_grouped_by_address_and_constraints_have_their_own_subscribers() {
    let mut world = World::default();
    for (n, url, intents, constraints) in [
        (1, "https://a.example", true, false),
        (2, "https://b.example", false, true),
        (3, "https://b.example", true, true),
    ] {
        let put = PutSubscription { uss_base_url: url.into(), intents, constraints, ..subscribe(extent()) };
        world.subscription("uss2", id(n), None, put).unwrap();
    }
    let (constraint, subscribers) =
        world.constraint("city", id(9), vec![Extent { lower: None, upper: None, ..extent() }]);
    assert_eq!(subscribers.len(), 1);
    assert_eq!(subscribers[0].uss_base_url, "https://b.example");
    assert_eq!(subscribers[0].subscriptions, [(id(2), 1), (id(3), 1)]);
    let first = world.intent("uss1", id(10), None, put(extent())).unwrap();
    let to: Vec<_> = first.subscribers.iter().map(|t| (t.uss_base_url.as_str(), t.subscriptions.clone())).collect();
    assert_eq!(to, [("https://a.example", vec![(id(1), 1)]), ("https://b.example", vec![(id(3), 2)])]);
    // A new subscription is answered with what there is of what it is for.
    let both = PutSubscription { constraints: true, ..subscribe(extent()) };
    let (_, intents, constraints) = world.subscription("uss3", id(4), None, both).unwrap();
    assert_eq!(intents.unwrap()[0].id, id(10));
    let constraints = constraints.unwrap();
    assert_eq!((constraints[0].id, constraints[0].ovn.clone(), constraint.ovn.is_some()), (id(9), None, true));
}

#[test]
fn a_subscription_is_its_managers_alone_and_goes_on_holding_what_rests_on_it() {
    let mut world = World::default();
    let (sub, ..) = world.subscription("uss1", id(1), None, subscribe(extent())).unwrap();
    assert!(matches!(world.sub("uss2", id(1)), Err(Refused::Forbidden(_))));
    assert!(matches!(world.sub("uss1", id(2)), Err(Refused::NotFound { .. })));
    let put_again = |world: &mut World, by: &str, version: Option<&str>, extent: Extent| {
        world.subscription(by, id(1), version, subscribe(extent)).map(|(sub, ..)| sub)
    };
    assert!(matches!(put_again(&mut world, "uss1", None, extent()), Err(Refused::Conflict { again: Some(_), .. })));
    assert!(matches!(put_again(&mut world, "uss1", Some("old"), extent()), Err(Refused::Conflict { again: None, .. })));
    assert!(matches!(put_again(&mut world, "uss2", Some(&sub.version), extent()), Err(Refused::Forbidden(_))));
    let none = world.subscription("uss1", id(5), Some("v"), subscribe(extent()));
    assert!(why(none).starts_with("version: there is no such"));

    let written = world.intent("uss1", id(10), None, resting_on(put(extent()), id(1))).unwrap();
    for (smaller, what) in [
        (Extent { cells: vec![1, 2], ..extent() }, "area"),
        (Extent { lower: Some(100_001), ..extent() }, "heights"),
        (Extent { upper: Some(199_999), ..extent() }, "heights"),
        (Extent { start: T0 + SKEW_MAX_US + 1, ..extent() }, "beginning"),
        (Extent { end: T0 + HOUR - 1, ..extent() }, "end"),
    ] {
        let refused = why(put_again(&mut world, "uss1", Some(&sub.version), smaller));
        let wanted = format!("extents: operational intent {} rests on it and its {what} would not be covered", id(10));
        assert_eq!(refused, wanted);
    }
    let wide = Extent { cells: vec![1, 2, 3, 4], lower: None, upper: None, start: T0 + SKEW_MAX_US, ..extent() };
    let changed = put_again(&mut world, "uss1", Some(&sub.version), wide).unwrap();
    assert_eq!((changed.dependent.clone(), changed.index), (vec![id(10)], 1));
    let delete = |version: &str| Ask::DeleteSubscription(id(1), version.into());
    assert!(matches!(world.ask("uss1", delete(&changed.version)), Err(Refused::Invalid { .. })));
    world.delete("uss1", id(10), written.ovn()).unwrap();
    assert!(matches!(world.ask("uss2", delete(&changed.version)), Err(Refused::Forbidden(_))));
    assert!(matches!(world.ask("uss1", delete(&sub.version)), Err(Refused::Conflict { .. })));
    world.ask("uss1", delete(&changed.version)).unwrap();
    assert!(matches!(world.ask("uss1", delete(&changed.version)), Err(Refused::NotFound { .. })));
}

#[test]
fn an_implicit_subscription_that_is_written_stays_when_its_intent_goes() {
    let mut world = World::default();
    let written = world.intent("uss1", id(10), None, implicit(put(extent()), "https://a.example", false)).unwrap();
    let on = written.intent.subscription.unwrap();
    let version = world.sub("uss1", on).unwrap().version;
    let (sub, ..) = world.subscription("uss1", on, Some(&version), subscribe(extent())).unwrap();
    assert!(!sub.implicit && sub.dependent == [id(10)]);
    world.delete("uss1", id(10), written.ovn()).unwrap();
    assert!(world.sub("uss1", on).is_ok());
}

#[test]
fn own_subscriptions_in_an_area_are_found_while_they_last() {
    let mut world = World::default();
    world.subscription("uss1", id(1), None, subscribe(extent())).unwrap();
    world.subscription("uss2", id(2), None, subscribe(extent())).unwrap();
    let found = |world: &World, area: dss::AreaOfInterest| match world.dss.query(&Query::Subscriptions(area), "uss1") {
        Ok(Found::Subscriptions(found)) => found.iter().map(|s| s.id).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&world, area(extent())), [id(1)]);
    let elsewhere = Extent { cells: vec![7], ..extent() };
    assert_eq!(found(&world, area(elsewhere)), []);
    let always = dss::AreaOfInterest { cells: vec![1], ..Default::default() };
    assert_eq!(found(&world, always.clone()), [id(1)]);
    world.dss.handle_time(T0 + HOUR + 1);
    assert_eq!(found(&world, always), []);
}

#[test]
fn one_uss_cannot_heap_up_subscriptions_in_one_place() {
    let mut dss = dss::Dss::default();
    let mut entropy = [0; 32];
    let mut ask = |n: u16, extent: Extent, manager: &str| {
        entropy[..2].copy_from_slice(&n.to_le_bytes());
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        let ask = Ask::PutSubscription(dss::Id::random(bytes), None, subscribe(extent));
        dss.handle(&dss::Request { manager: manager.into(), entropy, key: None, ask }, T0)
    };
    for n in 0..1_000 {
        ask(n, extent(), "uss1").unwrap();
    }
    assert!(matches!(ask(1_000, extent(), "uss1"), Err(Refused::Full { max: 1_000, .. })));
    ask(1_001, extent(), "uss2").unwrap();
    ask(1_002, Extent { cells: vec![4], ..extent() }, "uss1").unwrap();
}

#[test]
fn a_constraint_has_versions_like_an_intent_and_meets_nothing() {
    let mut world = World::default();
    world.accepted("uss1", id(1), put(extent()));
    let (constraint, _) = world.constraint("city", id(9), vec![extent()]);
    let ovn = constraint.ovn.unwrap();
    let write = |world: &mut World, by: &str, ovn: Option<&str>, end: i64| {
        let put =
            PutConstraint { extents: vec![Extent { end, ..extent() }], uss_base_url: format!("https://{by}.example") };
        world.ask(by, Ask::PutConstraint(id(9), ovn.map(Into::into), put))
    };
    assert!(matches!(write(&mut world, "other", Some(&ovn), T0 + HOUR), Err(Refused::Forbidden(_))));
    assert!(matches!(write(&mut world, "city", Some("old"), T0 + HOUR), Err(Refused::Conflict { again: None, .. })));
    assert!(matches!(write(&mut world, "city", None, T0 + HOUR), Err(Refused::Conflict { again: Some(_), .. })));
    assert_eq!(why(write(&mut world, "city", Some(&ovn), T0 - 1)), "extents: the end is in the past");
    let Ok(Answer::Constraint { created: false, constraint, .. }) = write(&mut world, "city", Some(&ovn), T0 + HOUR)
    else {
        panic!()
    };
    assert_eq!(constraint.version, 2);
    let delete = |world: &mut World, by: &str, ovn: &str| world.ask(by, Ask::DeleteConstraint(id(9), ovn.into()));
    let now = constraint.ovn.unwrap();
    assert!(matches!(delete(&mut world, "other", &now), Err(Refused::Forbidden(_))));
    assert!(matches!(delete(&mut world, "city", &ovn), Err(Refused::Conflict { .. })));
    delete(&mut world, "city", &now).unwrap();
    assert!(matches!(delete(&mut world, "city", &now), Err(Refused::NotFound { .. })));
    // One that there is not, named by a version: 409, as the reference implementation answers.
    assert!(matches!(write(&mut world, "city", Some(&now), T0 + HOUR), Err(Refused::Conflict { .. })));
}

#[test]
fn an_availability_is_stated_by_version() {
    let mut world = World::default();
    let stated = |outcome: dss::Outcome| match outcome.unwrap() {
        Answer::Availability { uss, state, version } => (uss, state, version),
        other => panic!("{other:?}"),
    };
    assert_eq!(stated(Ok(world.dss.availability("uss1"))), ("uss1".into(), AvailabilityState::Unknown, String::new()));
    assert!(matches!(world.availability("uss1", AvailabilityState::Down, "v"), Err(Refused::Conflict { .. })));
    let (_, state, version) = stated(world.availability("uss1", AvailabilityState::Down, ""));
    assert_eq!(state, AvailabilityState::Down);
    assert!(matches!(
        world.availability("uss1", AvailabilityState::Normal, ""),
        Err(Refused::Conflict { again: None, .. })
    ));
    assert!(matches!(
        world.availability("uss1", AvailabilityState::Down, ""),
        Err(Refused::Conflict { again: Some(_), .. })
    ));
    let (_, state, later) = stated(world.availability("uss1", AvailabilityState::Normal, &version));
    assert!(state == AvailabilityState::Normal && later != version);
}

#[test]
fn the_newest_reports_are_kept() {
    let mut world = World::default();
    for n in 0..dss::REPORTS_KEPT + 1 {
        assert!(matches!(world.ask("uss1", Ask::Report(format!("{{\"n\":{n}}}"))), Ok(Answer::Report(_))));
    }
    let kept: Vec<_> = world.dss.reports().collect();
    assert_eq!((kept.len(), kept[0].body.as_str(), kept[0].by.as_str()), (dss::REPORTS_KEPT, "{\"n\":1}", "uss1"));
}
