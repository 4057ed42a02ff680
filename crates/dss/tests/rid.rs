//! Remote ID: identification service areas, subscriptions to them.
mod common;
use common::*;
use dss::{
    Answer, AreaOfInterest, Ask, Dss, Extent, Found, Id, IsaRef, KEPT_US, Outcome, PutRid, Query,
    RID_SUBSCRIPTIONS_MAX, Refused, RidSubscriptionRef, SECOND_US, SKEW_MAX_US, SUBSCRIPTION_MAX_US, ToNotify,
};

fn area(cells: &[u32]) -> PutRid {
    PutRid {
        extent: Extent { cells: cells.to_vec(), lower: Some(0), upper: Some(120_000), ..Extent::default() },
        start: Some(T0),
        end: Some(T0 + HOUR),
        uss_base_url: "https://uss.example".into(),
    }
}

fn at(cells: &[u32], start: i64, end: i64) -> PutRid {
    PutRid { start: Some(start), end: Some(end), ..area(cells) }
}

impl World {
    fn put_isa(&mut self, owner: &str, id: Id, version: Option<&str>, put: PutRid) -> Outcome {
        self.ask(owner, Ask::PutIsa(id, version.map(Into::into), put))
    }

    fn delete_isa(&mut self, owner: &str, id: Id, version: &str) -> Outcome {
        self.ask(owner, Ask::DeleteIsa(id, version.into()))
    }

    fn put_watch(&mut self, owner: &str, id: Id, version: Option<&str>, put: PutRid) -> Outcome {
        self.ask(owner, Ask::PutRidSubscription(id, version.map(Into::into), put))
    }

    fn isa(&self, id: Id) -> Result<IsaRef, Refused> {
        match self.dss.query(&Query::Isa(id), "anyone")? {
            Found::Isa(isa) => Ok(isa),
            other => panic!("{other:?}"),
        }
    }

    fn watch(&self, id: Id) -> Result<RidSubscriptionRef, Refused> {
        match self.dss.query(&Query::RidSubscription(id), "anyone")? {
            Found::RidSubscription(subscription) => Ok(subscription),
            other => panic!("{other:?}"),
        }
    }

    fn isas(&self, cells: &[u32], start: Option<i64>, end: Option<i64>) -> Vec<Id> {
        let area = AreaOfInterest { cells: cells.to_vec(), start, end, ..AreaOfInterest::default() };
        match self.dss.query(&Query::Isas(area), "anyone").unwrap() {
            Found::Isas(found) => found.iter().map(|isa| isa.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn watches(&self, owner: &str, cells: &[u32]) -> Vec<Id> {
        let area = AreaOfInterest { cells: cells.to_vec(), ..AreaOfInterest::default() };
        match self.dss.query(&Query::RidSubscriptions(area), owner).unwrap() {
            Found::RidSubscriptions(found) => found.iter().map(|s| s.id).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn isa(outcome: Outcome) -> (IsaRef, Vec<ToNotify>) {
    match outcome.unwrap() {
        Answer::Isa { isa, subscribers } => (isa, subscribers),
        other => panic!("{other:?}"),
    }
}

fn watch(outcome: Outcome) -> (RidSubscriptionRef, Option<Vec<IsaRef>>) {
    match outcome.unwrap() {
        Answer::RidSubscription { subscription, isas } => (subscription, isas),
        other => panic!("{other:?}"),
    }
}

fn told(to: &[ToNotify]) -> Vec<(Id, u32)> {
    to.iter().flat_map(|t| t.subscriptions.clone()).collect()
}

/// What is found beside a conflict by the client whose own request made the version there is.
fn again(outcome: Outcome) -> Option<Answer> {
    match outcome {
        Err(Refused::Conflict { again, .. }) => again.map(|again| *again),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_area_is_written_read_changed_and_deleted() {
    let mut world = World::default();
    let (first, subscribers) = isa(world.put_isa("sp", id(1), None, area(&[1, 2])));
    assert_eq!((first.id, &*first.owner, first.start, first.end), (id(1), "sp", T0, T0 + HOUR));
    assert_eq!((&*first.uss_base_url, subscribers), ("https://uss.example", vec![]));
    assert_eq!(world.isa(id(1)).unwrap(), first);
    let there = PutRid { uss_base_url: "https://other.example".into(), ..at(&[3], T0 + 1, T0 + 2 * HOUR) };
    let (second, _) = isa(world.put_isa("sp", id(1), Some(&first.version), there));
    assert_ne!(second.version, first.version);
    assert_eq!((second.start, second.end, &*second.uss_base_url), (T0 + 1, T0 + 2 * HOUR, "https://other.example"));
    assert_eq!(world.isa(id(1)).unwrap(), second);
    assert_eq!((world.isas(&[1, 2], None, None), world.isas(&[3], None, None)), (vec![], vec![id(1)]));
    let (last, _) = isa(world.delete_isa("sp", id(1), &second.version));
    assert_eq!(last, second);
    assert_eq!(why(world.isa(id(1))), format!("no service area {} here", id(1)));
    assert_eq!(world.isas(&[1, 2, 3], None, None), []);
}

#[test]
fn of_an_area_another_owner_another_version_and_one_that_is_not_there_are_refused() {
    let mut world = World::default();
    let (held, _) = isa(world.put_isa("sp", id(1), None, area(&[1])));
    let exists = "the service area is there already; name its version to change it";
    let other = "the service area is at another version than the one named; read it again";
    let mut put = |owner: &str, n: u8, version: Option<&str>, put: PutRid| world.put_isa(owner, id(n), version, put);
    assert_eq!(why(put("sp", 1, None, area(&[2]))), exists);
    // To create is not to change another's: that it exists is the cause.
    assert_eq!(why(put("other", 1, None, area(&[1]))), exists);
    assert_eq!(why(put("sp", 1, Some("0"), area(&[1]))), other);
    let version = Some(&*held.version);
    assert!(matches!(put("other", 1, version, area(&[1])), Err(Refused::Forbidden(_))));
    // Its owner is looked at before its version.
    assert!(matches!(put("other", 1, Some("0"), area(&[1])), Err(Refused::Forbidden(_))));
    let absent = put("sp", 9, Some("0"), area(&[1]));
    assert!(matches!(absent, Err(Refused::Invalid { field: "version", .. })), "{absent:?}");
    assert!(matches!(world.delete_isa("sp", id(9), "0"), Err(Refused::NotFound { .. })));
    assert_eq!(why(world.delete_isa("sp", id(1), "0")), other);
    // When it is deleted, its version before its owner.
    assert_eq!(why(world.delete_isa("other", id(1), "0")), other);
    assert!(matches!(world.delete_isa("other", id(1), &held.version), Err(Refused::Forbidden(_))));
    assert_eq!(world.isa(id(1)).unwrap(), held);
}

#[test]
fn an_area_begins_now_or_as_it_was_and_its_end_must_be_known() {
    let mut world = World::default();
    let open = PutRid { start: None, ..area(&[1]) };
    let (first, _) = isa(world.put_isa("sp", id(1), None, open.clone()));
    assert_eq!((first.start, first.end), (T0, T0 + HOUR));
    world.now += SKEW_MAX_US + 1;
    let now = world.now;
    // As it was: by saying nothing, or by saying the same though it is long past.
    let (second, _) =
        isa(world.put_isa("sp", id(1), Some(&first.version), PutRid { start: None, end: None, ..area(&[1]) }));
    assert_eq!((second.start, second.end), (T0, T0 + HOUR));
    let (third, _) = isa(world.put_isa("sp", id(1), Some(&second.version), at(&[1], T0, T0 + 2 * HOUR)));
    assert_eq!((third.start, third.end), (T0, T0 + 2 * HOUR));
    let earlier = world.put_isa("sp", id(1), Some(&third.version), at(&[1], T0 - 1, T0 + HOUR));
    assert_eq!(why(earlier), "extents.time_start: more than 300 s in the past");
    let mut with = |put: PutRid| world.put_isa("sp", id(2), None, put);
    assert_eq!(why(with(PutRid { end: None, ..area(&[1]) })), "extents.time_start: more than 300 s in the past");
    assert_eq!(why(with(PutRid { start: None, end: None, ..area(&[1]) })), "extents.time_end: is needed");
    assert_eq!(why(with(at(&[1], now + 2, now + 1))), "extents.time_end: before time_start");
    // It may last as long as it likes.
    with(at(&[1], now - SKEW_MAX_US, now + 100 * SUBSCRIPTION_MAX_US)).unwrap();
    // The time is looked at before that it exists.
    assert_eq!(why(with(area(&[1]))), "extents.time_start: more than 300 s in the past");
}

#[test]
fn an_area_is_ended_by_an_end_that_is_just_past_and_not_by_one_long_ago() {
    let mut world = World::default();
    let (first, _) = isa(world.put_isa("sp", id(1), None, area(&[1])));
    world.now += HOUR / 2;
    let until = |end: i64| PutRid { start: None, end: Some(end), ..area(&[1]) };
    let long_ago = world.put_isa("sp", id(1), Some(&first.version), until(world.now - SKEW_MAX_US - 1));
    assert_eq!(why(long_ago), "extents.time_end: more than 300 s in the past");
    let (ended, _) = isa(world.put_isa("sp", id(1), Some(&first.version), until(world.now - SKEW_MAX_US)));
    assert_eq!(world.isas(&[1], None, None), []);
    assert_eq!(world.isa(id(1)).unwrap(), ended);
}

#[test]
fn an_area_is_found_by_its_cells_and_times_until_it_ends() {
    let mut world = World::default();
    isa(world.put_isa("a", id(1), None, at(&[1, 2], T0, T0 + HOUR)));
    isa(world.put_isa("b", id(2), None, at(&[2, 3], T0 + HOUR, T0 + 2 * HOUR)));
    for (cells, start, end, found) in [
        (vec![1, 2, 3], None, None, vec![id(1), id(2)]),
        (vec![1], None, None, vec![id(1)]),
        (vec![4], None, None, vec![]),
        (vec![2], Some(T0 + HOUR), None, vec![id(1), id(2)]),
        (vec![2], Some(T0 + HOUR + 1), None, vec![id(2)]),
        (vec![2], None, Some(T0 + HOUR), vec![id(1), id(2)]),
        (vec![2], None, Some(T0 + HOUR - 1), vec![id(1)]),
        (vec![2], None, Some(T0 - 1), vec![]),
        (vec![2], Some(T0 + 2 * HOUR + 1), None, vec![]),
    ] {
        assert_eq!(world.isas(&cells, start, end), found, "{cells:?} {start:?} {end:?}");
    }
    world.dss.handle_time(T0 + HOUR);
    assert_eq!(world.isas(&[1, 2, 3], None, None), [id(1), id(2)]);
    // It is out of all searches, also of those for what was, and still read by its identifier.
    world.dss.handle_time(T0 + HOUR + 1);
    assert_eq!(world.isas(&[1, 2, 3], Some(T0), None), [id(2)]);
    world.dss.handle_time(T0 + HOUR + KEPT_US);
    world.isa(id(1)).unwrap();
    world.dss.handle_time(T0 + HOUR + KEPT_US + 1);
    assert!(world.isa(id(1)).is_err() && world.isa(id(2)).is_ok());
}

#[test]
fn an_area_that_has_ended_can_be_changed_and_deleted() {
    let mut world = World::default();
    let (first, _) = isa(world.put_isa("sp", id(1), None, area(&[1])));
    let (gone, _) = isa(world.put_isa("sp", id(2), None, area(&[1])));
    world.now += 2 * HOUR;
    let now = world.now;
    isa(world.put_isa("sp", id(1), Some(&first.version), at(&[1], now, now + HOUR)));
    assert_eq!(world.isas(&[1], None, None), [id(1)]);
    assert_eq!(isa(world.delete_isa("sp", id(2), &gone.version)).0, gone);
    assert!(world.isa(id(2)).is_err());
}

#[test]
fn a_change_is_told_where_it_was_and_where_it_is_and_counted_by_one() {
    let mut world = World::default();
    for (n, cells) in [(1, [1]), (2, [2]), (3, [9])] {
        watch(world.put_watch("dp", id(n), None, area(&cells)));
    }
    let (first, subscribers) = isa(world.put_isa("sp", id(10), None, area(&[1])));
    assert_eq!(told(&subscribers), [(id(1), 1)]);
    let (second, subscribers) = isa(world.put_isa("sp", id(10), Some(&first.version), area(&[2])));
    assert_eq!(told(&subscribers), [(id(1), 2), (id(2), 1)]);
    let (_, subscribers) = isa(world.delete_isa("sp", id(10), &second.version));
    assert_eq!(told(&subscribers), [(id(2), 2)]);
    let counts = [1, 2, 3].map(|n| world.watch(id(n)).unwrap().index);
    assert_eq!(counts, [2, 2, 0]);
    // A change of the subscription keeps its count.
    let held = world.watch(id(1)).unwrap();
    assert_eq!(watch(world.put_watch("dp", id(1), Some(&held.version), area(&[5]))).0.index, 2);
}

#[test]
fn who_is_told_is_decided_by_cells_alone_while_the_subscription_has_not_ended() {
    let mut world = World::default();
    let high = Extent { cells: vec![1], lower: Some(900_000), upper: Some(900_001), ..Extent::default() };
    watch(world.put_watch("dp", id(1), None, PutRid { extent: high, ..area(&[1]) }));
    watch(world.put_watch("dp", id(2), None, at(&[1], T0 + HOUR, T0 + 2 * HOUR)));
    // After the first has ended, before the second begins, and far from the heights of either.
    let (_, subscribers) = isa(world.put_isa("sp", id(10), None, at(&[1], T0 + 5 * HOUR, T0 + 6 * HOUR)));
    assert_eq!(told(&subscribers), [(id(1), 1), (id(2), 1)]);
    world.now = T0 + HOUR + 1;
    let (_, subscribers) = isa(world.put_isa("sp", id(11), None, at(&[1], world.now, T0 + 6 * HOUR)));
    assert_eq!(told(&subscribers), [(id(2), 2)]);
    // Intents are another matter.
    let later = Extent { start: world.now, end: world.now + HOUR, ..extent() };
    assert_eq!(world.intent("uss", id(12), None, put(later)).unwrap().subscribers, []);
}

#[test]
fn whom_to_tell_is_grouped_by_address() {
    let mut world = World::default();
    for (n, url) in [(1, "https://b.example"), (2, "https://a.example"), (3, "https://b.example")] {
        watch(world.put_watch("dp", id(n), None, PutRid { uss_base_url: url.into(), ..area(&[1]) }));
    }
    let (_, subscribers) = isa(world.put_isa("sp", id(10), None, area(&[1])));
    let entry = |url: &str, of: &[u8]| ToNotify {
        uss_base_url: url.into(),
        subscriptions: of.iter().map(|n| (id(*n), 1)).collect(),
    };
    assert_eq!(subscribers, [entry("https://a.example", &[2]), entry("https://b.example", &[1, 3])]);
}

#[test]
fn a_subscription_is_written_with_what_is_in_it_read_changed_and_deleted() {
    let mut world = World::default();
    let (there, _) = isa(world.put_isa("sp", id(10), None, at(&[2], T0 + 30 * HOUR, T0 + 31 * HOUR)));
    isa(world.put_isa("sp", id(11), None, at(&[3], T0, T0 + SECOND_US)));
    let (first, isas) = watch(world.put_watch("dp", id(1), None, area(&[1, 2])));
    assert_eq!((first.id, &*first.owner, first.index), (id(1), "dp", 0));
    assert_eq!((first.start, first.end, &*first.uss_base_url), (T0, T0 + HOUR, "https://uss.example"));
    assert_eq!(isas, Some(vec![there]));
    assert_eq!(world.watch(id(1)).unwrap(), first);
    world.now += SECOND_US + 1;
    // What has ended is not in it.
    let (second, isas) = watch(world.put_watch("dp", id(1), Some(&first.version), area(&[3])));
    assert_ne!(second.version, first.version);
    assert_eq!(isas, Some(vec![]));
    assert_eq!((world.watches("dp", &[1, 2]), world.watches("dp", &[3])), (vec![], vec![id(1)]));
    assert_eq!(world.watches("other", &[3]), []);
    let deleted = world.ask("dp", Ask::DeleteRidSubscription(id(1), second.version.clone()));
    assert_eq!(watch(deleted), (second, None));
    assert_eq!(why(world.watch(id(1))), format!("no subscription to remote ID {} here", id(1)));
    assert_eq!(world.watches("dp", &[3]), []);
}

#[test]
fn of_a_subscription_another_owner_another_version_and_one_that_is_not_there_are_refused() {
    let mut world = World::default();
    let (held, _) = watch(world.put_watch("dp", id(1), None, area(&[1])));
    let other = "the subscription to remote ID is at another version than the one named; read it again";
    let mut put = |owner: &str, n: u8, version: Option<&str>| world.put_watch(owner, id(n), version, area(&[2]));
    let exists = "the subscription to remote ID is there already; name its version to change it";
    assert_eq!(why(put("dp", 1, None)), exists);
    assert_eq!(why(put("other", 1, None)), exists);
    assert_eq!(why(put("dp", 1, Some("0"))), other);
    // Here the version is looked at before the owner.
    assert_eq!(why(put("other", 1, Some("0"))), other);
    assert!(matches!(put("other", 1, Some(&held.version)), Err(Refused::Forbidden(_))));
    assert!(matches!(put("dp", 9, Some("0")), Err(Refused::Invalid { field: "version", .. })));
    let mut delete =
        |owner: &str, n: u8, version: &str| world.ask(owner, Ask::DeleteRidSubscription(id(n), version.into()));
    assert!(matches!(delete("dp", 9, "0"), Err(Refused::NotFound { .. })));
    assert_eq!(why(delete("dp", 1, "0")), other);
    assert_eq!(why(delete("other", 1, "0")), other);
    assert!(matches!(delete("other", 1, &held.version), Err(Refused::Forbidden(_))));
    assert_eq!(world.watch(id(1)).unwrap(), held);
}

#[test]
fn a_subscription_lasts_a_day_at_most_and_leaves_when_it_ends() {
    let mut world = World::default();
    let open = PutRid { start: None, end: None, ..area(&[1]) };
    let (first, _) = watch(world.put_watch("dp", id(1), None, open.clone()));
    assert_eq!((first.start, first.end), (T0, T0 + SUBSCRIPTION_MAX_US));
    world.now += HOUR;
    let now = world.now;
    let (again, _) = watch(world.put_watch("dp", id(1), Some(&first.version), open.clone()));
    assert_eq!((again.start, again.end), (first.start, first.end));
    let mut with = |start: i64, end: i64| world.put_watch("dp", id(2), None, at(&[1], now + start, now + end));
    assert_eq!(why(with(-SKEW_MAX_US - 1, 1)), "extents.time_start: more than 300 s in the past");
    assert_eq!(why(with(2, 1)), "extents.time_end: before time_start");
    assert_eq!(why(with(0, SUBSCRIPTION_MAX_US + 1)), "extents.time_end: more than 24 h after time_start");
    with(0, SUBSCRIPTION_MAX_US).unwrap();
    // From when it began, not from now.
    let longer = PutRid { end: Some(first.end + 1), ..open };
    let longer = world.put_watch("dp", id(1), Some(&again.version), longer);
    assert_eq!(why(longer), "extents.time_end: more than 24 h after time_start");
    world.dss.handle_time(first.end);
    assert_eq!(world.watches("dp", &[1]), [id(1), id(2)]);
    world.dss.handle_time(first.end + 1);
    assert_eq!(world.watches("dp", &[1]), [id(2)]);
    world.watch(id(1)).unwrap();
    world.dss.handle_time(first.end + KEPT_US + 1);
    assert!(world.watch(id(1)).is_err() && world.watch(id(2)).is_ok());
}

#[test]
fn a_uss_has_no_more_than_ten_subscriptions_in_a_cell() {
    let mut world = World::default();
    let most = RID_SUBSCRIPTIONS_MAX as u8;
    let ten = "no more than 10 subscriptions to remote ID of one USS in one place are held here";
    let mut last = None;
    for n in 0..most {
        // Also one that has not begun counts.
        let put = at(&[n.into(), 50], T0 + i64::from(n) * HOUR, T0 + (i64::from(n) + 1) * HOUR);
        last = Some(watch(world.put_watch("dp", id(n), None, put)).0);
    }
    let last = last.unwrap();
    assert_eq!(why(world.put_watch("dp", id(100), None, area(&[49, 50]))), ten);
    // It is counted by cell, by owner, and without itself.
    watch(world.put_watch("dp", id(100), None, area(&(0..u32::from(most)).collect::<Vec<_>>())));
    watch(world.put_watch("other", id(101), None, area(&[50])));
    watch(world.put_watch("dp", last.id, Some(&last.version), at(&[50], last.start, last.end)));
    let moved = world.watch(id(100)).unwrap();
    assert_eq!(why(world.put_watch("dp", id(100), Some(&moved.version), area(&[50]))), ten);
    // One that has ended does not count.
    world.now = T0 + HOUR + 1;
    watch(world.put_watch("dp", id(102), None, at(&[50], world.now, T0 + 2 * HOUR)));
}

#[test]
fn a_client_that_asks_again_finds_its_own_result() {
    let mut world = World::default();
    let (first, subscribers) = isa(world.put_isa("sp", id(1), None, area(&[1])));
    let result = Answer::Isa { isa: first.clone(), subscribers };
    assert_eq!(again(world.put_isa("sp", id(1), None, area(&[1]))), Some(result));
    assert_eq!(again(world.put_isa("sp", id(1), None, area(&[2]))), None);
    assert_eq!(again(world.put_isa("other", id(1), None, area(&[1]))), None);
    let (second, _) = isa(world.put_isa("sp", id(1), Some(&first.version), area(&[2])));
    let found = again(world.put_isa("sp", id(1), Some(&first.version), area(&[2])));
    assert_eq!(found, Some(Answer::Isa { isa: second.clone(), subscribers: vec![] }));

    let (first, isas) = watch(world.put_watch("dp", id(1), None, area(&[2])));
    assert_eq!(isas, Some(vec![second]));
    let result = Answer::RidSubscription { subscription: first.clone(), isas };
    assert_eq!(again(world.put_watch("dp", id(1), None, area(&[2]))), Some(result.clone()));
    assert_eq!(again(world.put_watch("dp", id(1), None, area(&[3]))), None);
    assert_eq!(again(world.put_watch("other", id(1), None, area(&[2]))), None);

    // With a key even what is deleted is answered once more, and counted once.
    let version = world.isa(id(1)).unwrap().version;
    let delete = || Ask::DeleteIsa(id(1), version.clone());
    let once = world.ask_again("sp", Some("k"), delete()).unwrap();
    assert_eq!(world.ask_again("sp", Some("k"), delete()), Ok(once));
    assert_eq!(world.watch(id(1)).unwrap().index, 1);
}

#[test]
fn an_identifier_may_be_in_use_for_something_else() {
    let mut world = World::default();
    world.accepted("uss", id(1), put(extent()));
    isa(world.put_isa("sp", id(1), None, area(&[1])));
    watch(world.put_watch("dp", id(1), None, area(&[1])));
    world.subscription("uss", id(1), None, subscribe(extent())).unwrap();
    world.dss.handle_time(T0 + HOUR + KEPT_US + 1);
    assert_eq!(world.dss.counts(), (0, 0, 0));
    assert!(world.isa(id(1)).is_err() && world.watch(id(1)).is_err());
}

#[test]
fn a_snapshot_from_before_remote_id_is_read() {
    // Numbers 0 to 7 of the map, and no 8.
    let old = [
        [0xa8].as_slice(),
        &[0, 0xa0],
        &[1, 0xa0],
        &[2, 0xa0],
        &[3, 0xa0],
        &[4, 0x80],
        &[5, 0],
        &[6, 0xa0],
        &[7, 0x80],
    ];
    assert_eq!(minicbor::decode::<Dss>(&old.concat()).unwrap(), Dss::default());
}
