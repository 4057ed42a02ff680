//! What is found shares its texts with what is held, however often and by whomever it is found: thousands of references wait to be sent.
mod common;
use common::*;
use dss::{Answer, Ask, Found, Outcome, PutRid, PutSubscription, Query, Refused, Text};

fn found(world: &World, query: Query, client: &str) -> Vec<Text> {
    match world.dss.query(&query, client).unwrap() {
        Found::Intents(all) => all.into_iter().flat_map(|one| [one.manager, one.uss_base_url]).collect(),
        Found::Constraints(all) => all.into_iter().flat_map(|one| [one.manager, one.uss_base_url]).collect(),
        Found::Subscriptions(all) => all.into_iter().map(|one| one.uss_base_url).collect(),
        Found::Isas(all) => all.into_iter().flat_map(|one| [one.owner, one.uss_base_url]).collect(),
        Found::RidSubscriptions(all) => all.into_iter().flat_map(|one| [one.owner, one.uss_base_url]).collect(),
        other => panic!("{other:?}"),
    }
}

fn are_one(a: &[Text], b: &[Text]) -> bool {
    a.len() == b.len() && !a.is_empty() && a.iter().zip(b).all(|(a, b)| a.is_shared_with(b))
}

#[test]
fn what_is_found_has_the_texts_of_what_is_held() {
    let mut world = World::default();
    world.accepted("uss1", id(1), put(extent()));
    world.constraint("uss1", id(2), vec![extent()]);
    let watch = PutSubscription { intents: true, constraints: true, ..subscribe(extent()) };
    world.subscription("uss1", id(3), None, watch.clone()).unwrap();
    let rid = PutRid { extent: extent(), start: None, end: Some(T0 + HOUR), uss_base_url: "https://a.example".into() };
    world.ask("uss1", Ask::PutIsa(id(4), None, rid.clone())).unwrap();
    world.ask("uss1", Ask::PutRidSubscription(id(5), None, rid.clone())).unwrap();
    let at = || area(extent());
    for query in [
        Query::Intents(at()),
        Query::Constraints(at()),
        Query::Subscriptions(at()),
        Query::Isas(at()),
        Query::RidSubscriptions(at()),
    ] {
        let first = found(&world, query.clone(), "uss1");
        assert!(are_one(&first, &found(&world, query.clone(), "uss1")), "{query:?}");
    }
    let (intent, constraint) =
        (found(&world, Query::Intents(at()), "x"), found(&world, Query::Constraints(at()), "uss1"));
    // What a key lacks.
    let deaf = PutSubscription { uss_base_url: "https://b.example".into(), ..watch };
    let (own, intents, constraints) = world.subscription("uss2", id(6), None, deaf).unwrap();
    let Err(Refused::Airspace { intents: missing, constraints: lacking }) =
        world.intent("uss2", id(7), None, resting_on(put(extent()), own.id))
    else {
        panic!()
    };
    // What is in a subscription.
    for found in [&missing, &intents.unwrap()] {
        assert!(are_one(&intent, &[found[0].manager.clone(), found[0].uss_base_url.clone()]));
    }
    for found in [&lacking, &constraints.unwrap()] {
        assert!(are_one(&constraint, &[found[0].manager.clone(), found[0].uss_base_url.clone()]));
    }
    // Whom to tell.
    let told = |outcome: Outcome| match outcome.unwrap() {
        Answer::Constraint { subscribers, .. } | Answer::Isa { subscribers, .. } => {
            subscribers.into_iter().map(|one| one.uss_base_url).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let own = found(&world, Query::Subscriptions(at()), "uss1").remove(0);
    let put = dss::PutConstraint { extents: vec![extent()], uss_base_url: "https://a.example".into() };
    assert!(told(world.ask("uss2", Ask::PutConstraint(id(8), None, put))).iter().any(|url| url.is_shared_with(&own)));
    let watch = found(&world, Query::RidSubscriptions(at()), "uss1").remove(1);
    assert!(told(world.ask("uss2", Ask::PutIsa(id(9), None, rid)))[0].is_shared_with(&watch));
}
