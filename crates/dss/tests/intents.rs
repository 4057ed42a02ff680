//! Operational intent references: versions, keys, states, and what they rest on.
mod common;
use common::*;
use dss::{Answer, Ask, AvailabilityState, Extent, IntentState, PutIntent, Query, Refused, SKEW_MAX_US};

fn activated(put: PutIntent) -> PutIntent {
    PutIntent { state: IntentState::Activated, ..put }
}

fn missing(outcome: Result<Written, Refused>) -> Vec<dss::Id> {
    match outcome.unwrap_err() {
        Refused::Airspace { intents, .. } => intents.into_iter().map(|i| i.id).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_version_counts_from_one_is_its_managers_alone_and_changes_with_every_write() {
    let mut world = World::default();
    let first = world.intent("uss1", id(1), None, put(extent())).unwrap();
    assert!(first.created);
    assert_eq!(
        (first.intent.version, first.intent.manager.as_str(), first.intent.state),
        (1, "uss1", IntentState::Accepted)
    );
    assert_eq!((first.intent.start, first.intent.end, first.intent.subscription), (T0, T0 + HOUR, None));
    let second = world.intent("uss1", id(1), Some(first.ovn()), put(extent())).unwrap();
    assert!(!second.created && second.intent.version == 2 && second.ovn() != first.ovn());
    for (client, sees) in [("uss1", Some(second.ovn().to_owned())), ("uss2", None)] {
        assert_eq!(world.found(client, area(extent()))[0].ovn, sees);
        let one = world.dss.query(&Query::Intent(id(1)), client).unwrap();
        assert!(matches!(one, dss::Found::Intent(one) if one.ovn == sees));
    }
    assert!(why(world.dss.query(&Query::Intent(id(2)), "uss1")).starts_with("no operational intent reference"));
}

#[test]
fn another_uss_an_old_version_and_one_that_there_is_not_are_refused_apart() {
    let mut world = World::default();
    let ovn = world.accepted("uss1", id(1), put(extent()));
    let other = world.intent("uss2", id(1), Some(&ovn), put(extent()));
    assert!(matches!(other, Err(Refused::Forbidden(_))), "{other:?}");
    // Whose it is comes before its version: nobody learns by trying.
    assert!(matches!(world.intent("uss2", id(1), None, put(extent())), Err(Refused::Forbidden(_))));
    assert!(matches!(world.intent("uss1", id(1), Some("old"), put(extent())), Err(Refused::Conflict { .. })));
    assert!(matches!(world.intent("uss1", id(1), None, put(extent())), Err(Refused::Conflict { .. })));
    assert!(why(world.intent("uss1", id(2), Some(&ovn), put(extent()))).starts_with("ovn: there is no such"));
    assert!(matches!(world.delete("uss2", id(1), &ovn), Err(Refused::Forbidden(_))));
    assert!(matches!(world.delete("uss1", id(1), "old"), Err(Refused::Conflict { .. })));
    assert!(matches!(world.delete("uss1", id(2), &ovn), Err(Refused::NotFound { .. })));
    let Ok(Answer::Intent { created: false, intent, .. }) = world.delete("uss1", id(1), &ovn) else { panic!() };
    assert_eq!((intent.version, intent.ovn.as_deref()), (1, Some(&*ovn)), "as it last was");
    assert!(world.found("uss1", area(extent())).is_empty());
    assert_eq!(world.dss.counts(), (0, 0, 0));
}

#[test]
fn of_two_that_meet_the_later_one_must_name_the_version_of_the_earlier() {
    let mut world = World::default();
    let ovn = world.accepted("uss1", id(1), put(extent()));
    let refused = world.intent("uss2", id(2), None, put(extent())).unwrap_err();
    let Refused::Airspace { intents, constraints } = &refused else { panic!("{refused}") };
    assert_eq!((intents.len(), intents[0].id, intents[0].ovn.clone(), constraints.len()), (1, id(1), None, 0));
    assert!(refused.to_string().contains("1 operational intents and 0 constraints"), "{refused}");
    let later = world.intent("uss2", id(2), None, with_key(put(extent()), &[&ovn])).unwrap();
    // The change of the first meets the second now, and not itself.
    assert_eq!(missing(world.intent("uss1", id(1), Some(&ovn), put(extent()))), [id(2)]);
    let named = with_key(put(extent()), &[later.ovn()]);
    world.intent("uss1", id(1), Some(&ovn), named).unwrap();
    // An own intent must be named like any other, and its version is shown.
    let Err(Refused::Airspace { intents, .. }) = world.intent("uss2", id(3), None, put(extent())) else { panic!() };
    assert_eq!(intents.iter().map(|i| (i.id, i.ovn.is_some())).collect::<Vec<_>>(), [(id(1), false), (id(2), true)]);
}

#[test]
fn what_only_touches_meets_and_what_is_apart_in_one_dimension_does_not() {
    let apart = |change: fn(&mut Extent)| {
        let mut other = extent();
        change(&mut other);
        let mut world = World::default();
        world.accepted("uss1", id(1), put(extent()));
        world.intent("uss2", id(2), None, put(other)).is_ok()
    };
    assert!(!apart(|e| (e.start, e.end) = (T0 + HOUR, T0 + 2 * HOUR)));
    assert!(apart(|e| (e.start, e.end) = (T0 + HOUR + 1, T0 + 2 * HOUR)));
    assert!(!apart(|e| (e.lower, e.upper) = (Some(200_000), Some(300_000))));
    assert!(apart(|e| (e.lower, e.upper) = (Some(200_001), Some(300_000))));
    assert!(apart(|e| (e.lower, e.upper) = (Some(0), Some(99_999))));
    assert!(!apart(|e| e.cells = vec![3, 4, 5]));
    assert!(apart(|e| e.cells = vec![4, 5]));
}

#[test]
fn volumes_of_one_intent_are_not_thrown_together() {
    // Up and down a valley: nobody is at the far end at the beginning.
    let mut world = World::default();
    let near = Extent { cells: vec![1], end: T0 + 10 * MINUTE, ..extent() };
    let far = Extent { cells: vec![9], start: T0 + 50 * MINUTE, ..extent() };
    world.accepted("uss1", id(1), PutIntent { extents: vec![near.clone(), far.clone()], ..put(extent()) });
    let between = Extent { cells: vec![1, 9], start: T0 + 11 * MINUTE, end: T0 + 49 * MINUTE, ..extent() };
    world.intent("uss2", id(2), None, put(between)).unwrap();
    let early = Extent { cells: vec![9], end: T0 + 49 * MINUTE, ..extent() };
    assert_eq!(missing(world.intent("uss2", id(3), None, put(early))), [id(2)], "the one of uss1 is not there yet");
    let late = Extent { cells: vec![9], start: T0 + 50 * MINUTE, end: T0 + 2 * HOUR, ..extent() };
    assert_eq!(missing(world.intent("uss2", id(3), None, put(late))), [id(1)]);
    assert_eq!(world.found("x", area(Extent { cells: vec![9], end: T0, ..extent() })).len(), 0);
    assert_eq!(world.found("x", area(Extent { cells: vec![1], end: T0, ..extent() })).len(), 1);
}

#[test]
fn what_ended_while_the_clock_was_ahead_counts_again_when_it_is_set_right() {
    let mut world = World::default();
    let until = |minutes: i64| Extent { end: T0 + minutes * MINUTE, ..extent() };
    world.accepted("uss1", id(1), put(until(60)));
    world.accepted("uss1", id(2), put(Extent { cells: vec![70], ..until(5) }));
    let (_, subscribed) = world.constraint("uss1", id(3), vec![until(60)]);
    assert!(subscribed.is_empty());
    world.now = T0 + 3 * HOUR;
    assert!(!world.dss.handle_time(world.now));
    assert_eq!(world.found("x", area(extent())).len(), 0);
    world.now = T0 + 10 * MINUTE;
    assert!(world.dss.handle_time(world.now));
    assert!(!world.dss.handle_time(world.now));
    let found: Vec<_> = world.found("x", area(extent())).iter().map(|found| found.id).collect();
    assert_eq!(found, [id(1)]);
    assert_eq!(world.found("x", area(Extent { cells: vec![70], ..until(60) })).len(), 0, "it has ended by now");
    assert_eq!(missing(world.intent("uss2", id(4), None, put(until(30)))), [id(1)]);
    // What is written now is met as well, and ends when it ends.
    world.accepted("uss2", id(5), put(Extent { cells: vec![71], ..until(30) }));
    assert_eq!(missing(world.intent("uss1", id(6), None, put(Extent { cells: vec![71], ..until(40) }))), [id(5)]);
    world.now = T0 + 31 * MINUTE;
    world.accepted("uss1", id(6), put(Extent { cells: vec![71], ..until(40) }));
    // After more than a day ahead it is gone for good.
    world.now = T0 + 30 * HOUR;
    world.dss.handle_time(world.now);
    world.now = T0 + 32 * MINUTE;
    world.accepted("uss2", id(4), put(until(40)));
    world.delete("uss1", id(1), "x").unwrap_err();
}

#[test]
fn nonconforming_and_contingent_need_their_scope_and_no_key() {
    for state in [IntentState::Nonconforming, IntentState::Contingent] {
        let mut world = World::default();
        let ovn = world.accepted("uss1", id(1), implicit(put(extent()), "https://a.example", false));
        let far = Extent { cells: vec![8], ..extent() };
        world.accepted("uss2", id(2), put(far.clone()));
        let out =
            implicit(PutIntent { state, extents: vec![extent(), far], ..put(extent()) }, "https://a.example", false);
        let refused = world.intent("uss1", id(1), Some(&ovn), out.clone());
        assert!(matches!(&refused, Err(Refused::Forbidden(why)) if why.contains("utm.conformance_monitoring_sa")));
        let written = world.intent("uss1", id(1), Some(&ovn), PutIntent { cmsa: true, ..out }).unwrap();
        assert_eq!(written.intent.state, state);
        // Back in its volumes, it needs its key again.
        let back = implicit(activated(put(Extent { cells: vec![3, 8], ..extent() })), "https://a.example", false);
        assert_eq!(missing(world.intent("uss1", id(1), Some(written.ovn()), back)), [id(2)]);
    }
}

#[test]
fn what_a_uss_that_is_down_has_planned_counts_no_more_and_what_it_flies_does() {
    let mut world = World::default();
    let ovn = world.accepted("uss1", id(1), implicit(put(extent()), "https://a.example", false));
    world.availability("uss1", AvailabilityState::Down, "").unwrap();
    world.intent("uss2", id(2), None, put(extent())).unwrap();
    assert_eq!(world.found("uss2", area(extent()))[0].availability, AvailabilityState::Down);
    let second = world.ovn(id(2), "uss2");
    let key = [&*second];
    let flown = implicit(with_key(activated(put(extent())), &key), "https://a.example", false);
    world.intent("uss1", id(1), Some(&ovn), flown).unwrap();
    assert_eq!(missing(world.intent("uss2", id(3), None, with_key(put(extent()), &key))), [id(1)]);
}

#[test]
fn constraints_are_in_the_key_of_those_who_are_told_of_them() {
    let mut world = World::default();
    let (constraint, _) = world.constraint("city", id(9), vec![Extent { lower: None, upper: None, ..extent() }]);
    world.accepted("uss1", id(1), put(extent()));
    let told = |end| {
        implicit(
            put(Extent { cells: vec![3, 4], start: T0 + end, end: T0 + 2 * HOUR, ..extent() }),
            "https://a.example",
            true,
        )
    };
    world.accepted("uss2", id(2), told(HOUR + 1));
    let Err(Refused::Airspace { intents, constraints }) = world.intent("uss3", id(3), None, told(HOUR)) else {
        panic!()
    };
    assert_eq!((intents.len(), constraints.len(), constraints[0].id, constraints[0].ovn.clone()), (2, 1, id(9), None));
    let deaf = implicit(told(HOUR), "https://a.example", false);
    let Err(Refused::Airspace { constraints, .. }) = world.intent("uss3", id(3), None, deaf) else { panic!() };
    assert_eq!(constraints, []);
    let (of_one, of_two) = (world.ovn(id(1), "uss1"), world.ovn(id(2), "uss2"));
    let key = [&*of_one, &*of_two, constraint.ovn.as_deref().unwrap()];
    world.intent("uss3", id(3), None, with_key(told(HOUR), &key)).unwrap();
}

#[test]
fn an_end_that_is_past_a_version_of_another_time_and_an_end_twice_are_refused() {
    let mut world = World::default();
    world.now = T0 + HOUR + 1;
    assert_eq!(why(world.intent("uss1", id(1), None, put(extent()))), "extents: the end is in the past");
    world.now = T0 + HOUR;
    // 2026-01-01T01:00:00Z in milliseconds, as a UUID of version 7.
    let suffix = |ms: i64| format!("{:08x}-{:04x}-7000-8000-000000000000", ms >> 16, ms & 0xffff);
    let now = suffix(world.now / 1000);
    let asked = |suffix: &str| PutIntent { ovn_suffix: Some(suffix.into()), ..put(extent()) };
    let written = world.intent("uss1", id(1), None, asked(&now)).unwrap();
    assert_eq!(written.ovn(), format!("{}_{now}", id(1)));
    let twice = world.intent("uss1", id(1), Some(written.ovn()), asked(&now));
    assert_eq!(why(twice), "requested_ovn_suffix: a version of this operational intent had it already");
    let old = suffix((world.now - SKEW_MAX_US) / 1000 - 1);
    assert!(
        why(world.intent("uss1", id(1), Some(written.ovn()), asked(&old)))
            .starts_with("requested_ovn_suffix: its time")
    );
}

#[test]
fn an_implicit_subscription_comes_grows_and_goes_with_what_rests_on_it() {
    let mut world = World::default();
    let first = world.intent("uss1", id(1), None, implicit(put(extent()), "https://a.example", false)).unwrap();
    let on = first.intent.subscription.unwrap();
    assert_eq!(first.subscribers[0].subscriptions, [(on, 1)], "its own subscription is told, too");
    let sub = world.sub("uss1", on).unwrap();
    assert!(sub.implicit && sub.intents && !sub.constraints && sub.dependent == [id(1)]);
    assert_eq!((sub.start, sub.end, sub.index), (T0, T0 + HOUR, 1));
    let bound = world.ask("uss1", Ask::DeleteSubscription(on, sub.version.clone()));
    assert_eq!(why(bound), "subscriptionid: 1 operational intents rest on it");

    // A second one rests on it; it becomes wider, and has another version.
    let later = Extent { cells: vec![5, 6], start: T0 + 2 * HOUR, end: T0 + 3 * HOUR, ..extent() };
    let second = world.intent("uss1", id(2), None, resting_on(put(later), on)).unwrap();
    let wide = world.sub("uss1", on).unwrap();
    assert_eq!((wide.start, wide.end, wide.dependent.len()), (T0, T0 + 3 * HOUR, 2));
    assert!(wide.version != sub.version && wide.index == 2);

    // The first gets a new one: the old stays for the second, and goes with it.
    let changed = world.intent("uss1", id(1), Some(first.ovn()), implicit(put(extent()), "https://b.example", false));
    let changed = changed.unwrap();
    assert!(changed.intent.subscription.unwrap() != on);
    assert_eq!(world.sub("uss1", on).unwrap().dependent, [id(2)]);
    let Ok(Answer::Intent { subscribers, .. }) = world.delete("uss1", id(2), second.ovn()) else { panic!() };
    assert!(subscribers.iter().any(|to| to.subscriptions.iter().any(|(id, _)| *id == on)), "it is told of the end");
    assert!(matches!(world.sub("uss1", on), Err(Refused::NotFound { .. })));
    // Without one, nothing is left of it.
    let none = world.intent("uss1", id(1), Some(changed.ovn()), put(extent())).unwrap();
    assert_eq!((none.intent.subscription, world.dss.counts()), (None, (1, 0, 0)));
}

#[test]
fn an_explicit_subscription_must_be_own_and_cover_the_intent_and_stays() {
    let mut world = World::default();
    let wide = Extent { cells: vec![1, 2, 3, 4], start: T0, end: T0 + 2 * HOUR, ..extent() };
    let (sub, ..) = world.subscription("uss1", id(7), None, subscribe(wide)).unwrap();
    assert!(matches!(world.intent("uss2", id(1), None, resting_on(put(extent()), id(7))), Err(Refused::Forbidden(_))));
    let none = world.intent("uss1", id(1), None, resting_on(put(extent()), id(8)));
    assert_eq!(why(none), format!("subscription_id: there is no subscription {}", id(8)));
    for (extent, what) in [
        (Extent { cells: vec![4, 5], ..extent() }, "area"),
        (Extent { end: T0 + 2 * HOUR + 1, ..extent() }, "end"),
        (Extent { start: T0 - 1, ..extent() }, "beginning"),
    ] {
        let refused = why(world.intent("uss1", id(1), None, resting_on(put(extent), id(7))));
        assert_eq!(
            refused,
            format!("subscription_id: the subscription does not cover the {what} of the operational intent")
        );
    }
    let written = world.intent("uss1", id(1), None, resting_on(put(extent()), id(7))).unwrap();
    assert_eq!(written.intent.subscription, Some(id(7)));
    world.delete("uss1", id(1), written.ovn()).unwrap();
    let left = world.sub("uss1", id(7)).unwrap();
    assert_eq!((left.version, left.index, left.dependent.len()), (sub.version, 2, 0));
}

#[test]
fn whoever_asks_the_same_again_is_given_its_result_beside_the_refusal_or_with_a_key_instead_of_it() {
    let mut world = World::default();
    let first = world.intent("uss1", id(1), None, implicit(put(extent()), "https://a.example", false)).unwrap();
    let same = world.intent("uss1", id(1), None, implicit(put(extent()), "https://a.example", false));
    let Err(Refused::Conflict { again: Some(again), .. }) = same else { panic!("{same:?}") };
    let Answer::Intent { created: true, intent, subscribers } = *again else { panic!() };
    assert_eq!((intent, subscribers), (first.intent.clone(), first.subscribers.clone()), "nothing was counted twice");
    // Another content is no repetition.
    let other = world.intent("uss1", id(1), None, put(extent()));
    assert!(matches!(other, Err(Refused::Conflict { again: None, .. })));

    let ask = Ask::PutIntent(id(2), None, put(Extent { cells: vec![50], ..extent() }));
    let one = world.ask_again("uss1", Some("k"), ask.clone()).unwrap();
    assert_eq!(world.ask_again("uss1", Some("k"), ask.clone()).unwrap(), one);
    let Answer::Intent { intent, .. } = &one else { panic!() };
    let delete = Ask::DeleteIntent(id(2), intent.ovn.clone().unwrap());
    let gone = world.ask_again("uss1", Some("d"), delete.clone()).unwrap();
    assert_eq!(world.ask_again("uss1", Some("d"), delete.clone()).unwrap(), gone);
    // Another USS's key is another key, and answers are not kept for ever.
    assert!(matches!(world.ask_again("uss2", Some("d"), delete.clone()), Err(Refused::NotFound { .. })));
    world.now += HOUR;
    assert!(matches!(world.ask_again("uss1", Some("d"), delete), Err(Refused::NotFound { .. })));
}

#[test]
fn what_has_ended_is_found_and_met_no_more_and_forgotten_a_day_later() {
    let mut world = World::default();
    let first = world.intent("uss1", id(1), None, implicit(put(extent()), "https://a.example", false)).unwrap();
    let (_, _) = world.constraint("city", id(9), vec![extent()]);
    world.now = T0 + HOUR;
    world.dss.handle_time(world.now);
    assert_eq!(world.found("x", area(extent())).len(), 1, "the end belongs to it");
    world.now += 1;
    world.dss.handle_time(world.now);
    assert!(world.found("x", area(extent())).is_empty());
    let late = Extent { end: T0 + 2 * HOUR, ..extent() };
    world.intent("uss2", id(2), None, put(late.clone())).unwrap();
    // It is still its manager's, to go on with or to delete.
    assert!(world.dss.query(&Query::Intent(id(1)), "uss1").is_ok());
    let on = first.intent.subscription.unwrap();
    assert_eq!(missing(world.intent("uss1", id(1), Some(first.ovn()), resting_on(put(late.clone()), on))), [id(2)]);
    assert_eq!(world.dss.counts(), (2, 1, 1));
    world.now = T0 + HOUR + dss::KEPT_US + 1;
    world.dss.handle_time(world.now);
    assert_eq!(world.dss.counts(), (1, 0, 0), "only the one that ended later");
}

#[test]
fn a_requested_end_is_of_one_version_alone() {
    let mut world = World::default();
    let suffix = |n: u8| format!("{:08x}-{:04x}-7000-8000-0000000000{n:02x}", (T0 / 1000) >> 16, (T0 / 1000) & 0xffff);
    let asked = |n: u8| PutIntent { ovn_suffix: Some(suffix(n)), ..put(extent()) };
    let first = world.accepted("uss1", id(1), asked(1));
    let second = world.intent("uss1", id(1), Some(&first), asked(2)).unwrap();
    let again = "requested_ovn_suffix: a version of this operational intent had it already";
    assert_eq!(why(world.intent("uss1", id(1), Some(second.ovn()), asked(1))), again);
    world.delete("uss1", id(1), second.ovn()).unwrap();
    assert_eq!(why(world.intent("uss1", id(1), None, asked(1))), again, "nor after it was deleted");
    world.accepted("uss1", id(2), PutIntent { extents: vec![Extent { cells: vec![9], ..extent() }], ..asked(1) });
    // Once it is too old to be asked for, it is not kept.
    world.now += SKEW_MAX_US + 1;
    assert!(why(world.intent("uss1", id(1), None, asked(1))).contains("its time is 300 s from now"));
}

#[test]
fn an_implicit_subscription_grows_no_larger_than_an_entity_may_be() {
    let mut world = World::default();
    let many = |from: u32| Extent { cells: (from..from + 20_000).collect(), ..extent() };
    let first = world.intent("uss1", id(1), None, implicit(put(many(0)), "https://a.example", false)).unwrap();
    let on = first.intent.subscription.unwrap();
    let refused = why(world.intent("uss1", id(2), None, resting_on(put(many(100_000)), on)));
    assert_eq!(refused, "subscription_id: the subscription would be larger than 25000 cells");
}

#[test]
fn who_takes_the_identifier_of_what_a_peer_withdrew_loses_it_when_the_peer_releases_it_again() {
    let mut world = World::default();
    let shown = |state| dss::Shown {
        state,
        manager: "south".into(),
        ovn: "version-of-the-peer-1".into(),
        uss_base_url: "https://north.example".into(),
        extents: vec![extent()],
    };
    let other = Extent { cells: vec![9], ..extent() };
    for state in [Some(IntentState::Accepted), None] {
        world.dss.show(id(1), shown(state));
        world.dss.hide(id(1));
        world.accepted("uss1", id(1), implicit(put(other.clone()), "https://a.example", false));
        world.constraint("uss1", id(1), vec![other.clone()]);
        world.dss.show(id(1), shown(state));
        assert_eq!(world.found("x", area(other.clone())).len(), 0, "its own is gone, with its subscription");
        assert_eq!(world.dss.counts(), if state.is_some() { (1, 0, 0) } else { (0, 1, 0) });
        world.dss.hide(id(1));
    }
}
