//! Room for what waits, and what becomes of it.
use super::*;
use alloc::vec;

const UNTIL: Utc = Utc(1);

fn id(n: u32) -> Id {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Id(bytes)
}

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

/// Bytes as they are counted one by one.
fn check(outbox: &Outbox) {
    let of = |queue: &Queue| queue.waiting.values().map(Waiting::bytes).sum::<u64>();
    let (mut all, mut all_owners) = ((0, 0), Owners::new());
    let add = |to: &mut Owners, from: &Owners| {
        from.iter().for_each(|(owner, bytes)| *to.entry(owner.clone()).or_default() += bytes);
    };
    for own in outbox.managers.values() {
        assert!(!own.queues.is_empty());
        let mut own_owners = Owners::new();
        for queue in own.queues.values() {
            assert!(queue.bytes == of(queue) && queue.places.len() == queue.waiting.len() && queue.bytes > 0);
            let mut owners = BTreeMap::new();
            queue.waiting.values().for_each(|one| *owners.entry(one.owner.clone()).or_default() += one.bytes());
            assert_eq!(queue.owners, owners);
            add(&mut own_owners, &owners);
        }
        assert_eq!(own.owners, own_owners);
        add(&mut all_owners, &own_owners);
        assert_eq!(own.bytes, own.queues.values().map(of).sum::<u64>());
        all.0 += own.bytes;
        all.1 += own.queues.values().map(|queue| queue.waiting.len() as u64).sum::<u64>();
    }
    assert_eq!((outbox.bytes, outbox.counts.waiting, &outbox.owners), (all.0, all.1, &all_owners));
}

fn put(outbox: &mut Outbox, manager: &str, url: &str, entity: u32, subscriptions: core::ops::Range<u32>, index: u32) {
    put_of(outbox, "south", (manager, url), entity, subscriptions, index);
}

fn put_of(
    outbox: &mut Outbox,
    owner: &str,
    (manager, url): (&str, &str),
    entity: u32,
    subscriptions: core::ops::Range<u32>,
    index: u32,
) {
    let subscriptions = subscriptions.map(|n| (id(n), index)).collect();
    let to = ToTell { manager: manager.into(), uss_base_url: url.into(), subscriptions };
    outbox.put(to, ShownKind::Plan, &party(owner), id(entity), UNTIL);
}

/// Subscriptions of one that fills an address.
const MOST: u32 = ((ADDRESS_BYTES_MAX - WAITING_BYTES) / SUBSCRIPTION_BYTES) as u32;

#[test]
fn so_much_waits_for_one_address() {
    let mut outbox = Outbox::default();
    let fit = (ADDRESS_BYTES_MAX / (WAITING_BYTES + SUBSCRIPTION_BYTES)) as u32;
    for n in 0..fit + 5 {
        put(&mut outbox, "m", "a", n, 0..1, n);
    }
    check(&outbox);
    assert_eq!((outbox.counts.waiting, outbox.counts.dropped), (u64::from(fit), 5));
    // What waits anyway is told as it is then, and takes no more room.
    put(&mut outbox, "m", "a", 0, 0..1, 9_999);
    assert_eq!(outbox.counts.dropped, 5);
    let of = |outbox: &Outbox, place: u64| outbox.managers["m"].queues["a"].waiting[&place].subscriptions.clone();
    assert_eq!(of(&outbox, 1)[&id(0)], 9_999);
    put(&mut outbox, "m", "a", 1, 0..100, 1);
    assert_eq!((outbox.counts.dropped, of(&outbox, 2).len()), (6, 1));
    check(&outbox);
    // Another of the same address has its own room.
    put(&mut outbox, "n", "a", 1, 0..100, 1);
    assert_eq!((outbox.counts.dropped, outbox.managers["n"].queues["a"].waiting.len()), (6, 1));
}

#[test]
fn what_older_snapshots_counted_otherwise_is_counted_again() {
    let mut outbox = Outbox::default();
    for n in 0..20 {
        put(&mut outbox, ["m", "n"][n as usize % 2], ["a", "b", "c"][n as usize % 3], n, 0..n + 1, 1);
    }
    let right = outbox.clone();
    (outbox.bytes, outbox.counts.waiting) = (7, 1);
    for own in outbox.managers.values_mut() {
        own.bytes = 3;
        own.queues.values_mut().for_each(|queue| queue.bytes = 1);
    }
    let mut read: Outbox = minicbor::decode(&minicbor::to_vec(&outbox).unwrap()).unwrap();
    read.rebuild(&Dss::default(), 0);
    check(&read);
    assert!(read == right);
}

#[test]
fn one_manager_takes_a_share_whatever_addresses_it_states() {
    let mut outbox = Outbox::default();
    for n in 0..70 {
        put(&mut outbox, "m", &format!("a{n}"), 1, 0..MOST, 1);
    }
    check(&outbox);
    assert_eq!((outbox.counts.waiting, outbox.counts.dropped), (2, 68));
    outbox.give_up(|_| true);
    for n in 0..70 {
        put(&mut outbox, "m", &format!("a{n}"), 1, 0..1, 1);
    }
    check(&outbox);
    let most = MANAGER_ADDRESSES_MAX as u64;
    assert_eq!((outbox.counts.waiting, outbox.counts.dropped), (most, 68 + 70 - most));
    // There is room at an address that is there already.
    put(&mut outbox, "m", "a0", 2, 0..1, 1);
    assert_eq!(outbox.counts.waiting, most + 1);
    outbox.give_up(|_| true);
    check(&outbox);
    assert!(outbox.managers.is_empty());
}

/// Entities of an owner that wait for a manager.
fn of_owner(outbox: &Outbox, owner: &str, manager: &str) -> Vec<Id> {
    let all = outbox.managers.get(manager).into_iter().flat_map(|own| own.queues.values());
    let of = all.flat_map(|queue| queue.waiting.values()).filter(|one| one.owner == Some(party(owner)));
    of.map(|one| one.entity).collect()
}

#[test]
fn an_owner_with_less_than_its_share_of_what_is_full_takes_the_place_of_the_newest_of_who_has_most() {
    let mut outbox = Outbox::default();
    let fit = (ADDRESS_BYTES_MAX / (WAITING_BYTES + SUBSCRIPTION_BYTES)) as u32;
    (0..fit + 5).for_each(|n| put(&mut outbox, "m", "a", n, 0..1, 1));
    let before = outbox.counts;
    put_of(&mut outbox, "west", ("m", "a"), 9_000, 0..1, 1);
    check(&outbox);
    assert_eq!((outbox.counts.waiting, outbox.counts.dropped), (before.waiting, before.dropped + 1));
    assert_eq!(of_owner(&outbox, "west", "m"), [id(9_000)]);
    assert_eq!(of_owner(&outbox, "south", "m"), (0..fit - 1).map(id).collect::<Vec<_>>());
    // Nobody gets more than that: half of two, a third of three.
    (0..fit).for_each(|n| put_of(&mut outbox, "west", ("m", "a"), 9_000 + n, 0..1, 1));
    (0..fit).for_each(|n| put(&mut outbox, "m", "a", 5_000 + n, 0..1, 1));
    check(&outbox);
    assert_eq!(["west", "south"].map(|of| of_owner(&outbox, of, "m").len() as u32), [fit / 2, fit - fit / 2]);
    (0..fit).for_each(|n| put_of(&mut outbox, "east", ("m", "a"), 20_000 + n, 0..1, 1));
    check(&outbox);
    for of in ["west", "south", "east"] {
        assert!((fit / 3..=fit / 3 + 1).contains(&(of_owner(&outbox, of, "m").len() as u32)), "{of}");
    }
    // What is more than a share takes nobody's place.
    let before = outbox.managers.clone();
    put_of(&mut outbox, "north", ("m", "a"), 30_000, 0..MOST / 3, 1);
    assert_eq!(outbox.managers, before);
    // The room of a manager, at whatever address; and that of all.
    let mut outbox = Outbox::default();
    for n in 0..70 {
        put(&mut outbox, &format!("m{}", n / 2), &format!("a{}", n % 2), 1, 0..MOST, 1);
    }
    put_of(&mut outbox, "west", ("m0", "a2"), 2, 0..1, 1);
    check(&outbox);
    assert_eq!((of_owner(&outbox, "west", "m0").len(), of_owner(&outbox, "south", "m0").len()), (1, 1));
    put(&mut outbox, "m40", "a", 1, 0..MOST - 6, 1);
    assert_eq!(of_owner(&outbox, "south", "m40").len(), 1);
    put_of(&mut outbox, "west", ("n", "a"), 2, 0..1, 1);
    check(&outbox);
    assert_eq!((of_owner(&outbox, "west", "n").len(), of_owner(&outbox, "south", "m40").len()), (1, 0));
}

#[test]
fn what_waits_already_is_told_of_a_change_that_has_no_room_for_more_subscriptions() {
    let mut outbox = Outbox::default();
    put(&mut outbox, "m", "a", 1, 0..2, 1);
    put(&mut outbox, "m", "a", 2, 0..MOST - 10, 1);
    put(&mut outbox, "m", "a", 1, 1..100, 2);
    check(&outbox);
    let (_, waits) = outbox.find("m", "a", &id(1)).unwrap();
    assert_eq!((waits.change, &waits.subscriptions), (3, &[(id(0), 1), (id(1), 2)].into()));
    assert_eq!(outbox.counts.dropped, 1);
}

#[test]
fn so_much_waits_in_all() {
    let mut outbox = Outbox::default();
    // Each at one address: 64 are full, and the rest of each address makes no room for one more.
    for n in 0..70 {
        put(&mut outbox, &format!("m{n}"), "a", 1, 0..MOST, 1);
    }
    assert_eq!((outbox.managers.len(), outbox.counts.dropped), (64, 6));
    check(&outbox);
    outbox.give_up(|_| true);
    // Each with all that it may have: 32.
    for n in 0..40 {
        (0..3).for_each(|a| put(&mut outbox, &format!("m{n}"), &format!("a{a}"), 1, 0..MOST, 1));
    }
    assert_eq!((outbox.managers.len(), outbox.counts.waiting), (32, 64));
    check(&outbox);
    outbox.give_up(|_| true);
    outbox.counts.dropped = 0;
    for n in 0..ADDRESSES_MAX + 3 {
        put(&mut outbox, &format!("m{n}"), "a", 1, 0..1, 1);
    }
    assert_eq!((outbox.managers.len(), outbox.counts.dropped), (ADDRESSES_MAX, 3));
    check(&outbox);
}

#[test]
fn what_was_dropped_and_given_up_is_said_once() {
    let (mut outbox, mut out) = (Outbox::default(), Vec::new());
    put(&mut outbox, "m", "a", 1, 0..1, 1);
    put(&mut outbox, "m", "a", 2, 0..20_000, 1);
    outbox.give_up(|_| true);
    outbox.say(&mut out);
    outbox.say(&mut out);
    let lines: Vec<&str> = out.iter().map(|o| if let Output::Log(line) = o { &line[..24] } else { "" }).collect();
    assert_eq!(lines, ["1 notifications of traff", "1 notifications of traff"]);
}

/// What was written when queues were by address alone: entities 101 (for subscriptions 1, 2 and 3), 102 (2) and 103 (9) wait at
/// `https://a.example`, 101 (4) at `https://b.example`.
const OF_ANYBODY: &str = "a500a27168747470733a2f2f612e6578616d706c65a300a301a600506565656565656565656565656565656501000201\
    03a3500101010101010101010101010101010101500202020202020202020202020202020201500303030303030303030303030303030301041b000001\
    ba60d33800050003a60050666666666666666666666666666666660100020303a1500202020202020202020202020202020202041b000001ba60d33800\
    050004a60050676767676767676767676767676767670100020403a1500909090909090909090909090909090907041b000001ba60d33800050001a350\
    6565656565656565656565656565656501506666666666666666666666666666666603506767676767676767676767676767676704021901687168747470\
    733a2f2f622e6578616d706c65a300a102a60050656565656565656565656565656565650100020203a1500404040404040404040404040404040401\
    041b000001ba60d33800050001a150656565656565656565656565656565650202186801a6000001000200030004040504021901d0030004820000";
/// And an input up to its outcome: what came of telling 101 at `https://a.example` for 1, 2 and 3.
const BY_ADDRESS: &str = "820e81a5007168747470733a2f2f612e6578616d706c6501506565656565656565656565656565656502010383825001\
    0101010101010101010101010101010182500202020202020202020202020202020201825003030303030303030303030303030303010582";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().map(|b| char::from(b).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn same(n: u8) -> Id {
    Id([n; 16])
}

/// A state with such an outbox, where subscriptions 1 and 3 are one manager's, 2 and 4 another's.
fn from_before() -> State {
    let mut state = State { outbox: minicbor::decode(&bytes(OF_ANYBODY)).unwrap(), ..State::default() };
    for (n, manager, url) in [
        (1, "m1", "https://a.example"),
        (2, "m2", "https://a.example"),
        (3, "m1", "https://a.example"),
        (4, "m2", "https://b.example"),
    ] {
        let put = dss::PutSubscription {
            extent: dss::Extent { cells: vec![u32::from(n)], ..Default::default() },
            start: Some(0),
            end: Some(1_000_000_000),
            uss_base_url: url.into(),
            intents: true,
            constraints: true,
        };
        let ask = dss::Ask::PutSubscription(same(n), None, put);
        let request = dss::Request { manager: manager.into(), entropy: [n; 32], key: None, ask };
        state.dss.handle(&request, 0).unwrap();
    }
    State::from_snapshot(&state.to_snapshot()).unwrap()
}

/// An entity, and subscriptions with their numbers.
type Told = (u8, Vec<(u8, u32)>);

/// What waits, by manager and address.
fn waits(state: &State) -> Vec<(&str, &str, Vec<Told>)> {
    let one = |w: &Waiting| (w.entity.0[0], w.subscriptions.iter().map(|(id, index)| (id.0[0], *index)).collect());
    let queues = state.outbox.queues();
    queues.map(|(m, a, queue)| (m.as_str(), a.as_str(), queue.waiting.values().map(one).collect())).collect()
}

#[test]
fn what_waited_by_address_alone_is_its_managers() {
    let state = from_before();
    check(&state.outbox);
    let (a, b) = ("https://a.example", "https://b.example");
    assert_eq!(
        waits(&state),
        [
            ("m1", a, vec![(101, vec![(1, 1), (3, 1)])]),
            ("m2", a, vec![(101, vec![(2, 1)]), (102, vec![(2, 2)])]),
            ("m2", b, vec![(101, vec![(4, 1)])]),
        ]
    );
    assert_eq!(
        state.outbox.counts,
        NotifyCounts { waiting: 4, newest: 4, ..Default::default() },
        "nobody has subscription 9"
    );
    assert_eq!(state.next_notification("m1", a).unwrap().subscriptions, [(same(1), 1), (same(3), 1)]);
    assert_eq!(State::from_snapshot(&state.to_snapshot()).unwrap().outbox, state.outbox);
}

#[test]
fn what_was_tried_under_another_number_is_not_put_back_when_nobody_is_left() {
    let a = "https://a.example";
    let told = |subscriptions: &[u8], outcome: NotifyOutcome| Notified {
        address: a.into(),
        entity: same(101),
        change: 77,
        subscriptions: subscriptions.iter().map(|n| (same(*n), 1)).collect(),
        ovn: None,
        outcome,
        manager: Some("m1".into()),
    };
    let mut state = from_before();
    let mut comes = |subscriptions: &[u8], outcome| {
        state.notified(&told(subscriptions, outcome), Now::default(), &mut Vec::new());
        check(&state.outbox);
        state.outbox.queue("m1", a).map(|queue| queue.waiting.values().next().unwrap().subscriptions.len())
    };
    assert_eq!(comes(&[1], NotifyOutcome::Sent(204)), Some(1), "3 is left");
    assert_eq!(comes(&[], NotifyOutcome::Unwanted), Some(1), "and there");
    assert_eq!(comes(&[3], NotifyOutcome::Sent(204)), None);
    // Those that are left are over.
    let mut state = from_before();
    let now = Now { utc: Utc(1_000_000), ..Now::default() };
    state.notified(&told(&[], NotifyOutcome::Unwanted), now, &mut Vec::new());
    check(&state.outbox);
    assert!(state.outbox.queue("m1", a).is_none());
}

#[test]
fn what_waits_for_a_subscription_is_forgotten_at_all_addresses_of_its_manager_alone() {
    let mut outbox = Outbox::default();
    for (manager, url) in [("m", "a"), ("m", "b"), ("n", "a")] {
        put(&mut outbox, manager, url, 1, 0..1, 1);
        put(&mut outbox, manager, url, 2, 0..2, 2);
        put(&mut outbox, manager, url, 3, 1..2, 3);
    }
    let others = outbox.managers["n"].clone();
    outbox.forget("m", id(0));
    check(&outbox);
    assert_eq!((outbox.counts.waiting, &outbox.managers["n"]), (9, &others));
    for queue in outbox.managers["m"].queues.values() {
        let left: Vec<_> = queue.waiting.values().map(|one| (one.entity, one.subscriptions.clone())).collect();
        // The first may be under way, and is known when its outcome comes.
        assert_eq!(left, [(id(1), [].into()), (id(2), [(id(1), 2)].into()), (id(3), [(id(1), 3)].into())]);
    }
    outbox.forget("m", id(1));
    outbox.forget("nobody", id(1));
    check(&outbox);
    assert_eq!((outbox.counts.waiting, &outbox.managers["n"]), (5, &others));
    assert!(outbox.managers["m"].queues.values().all(|queue| queue.waiting.values().all(|one| one.entity == id(1))));
}

#[test]
fn what_was_tried_by_address_alone_holds_for_each_manager() {
    for (outcome, left) in [
        // Not taken: to the end of each queue.
        ("02816161", [Some(vec![101]), Some(vec![102, 101])]),
        ("008118cc", [None, Some(vec![102])]),
    ] {
        let input: crate::input::Input = minicbor::decode(&bytes(&format!("{BY_ADDRESS}{outcome}"))).unwrap();
        let crate::input::Input::Notified(notified) = input else { panic!("{input:?}") };
        assert_eq!(notified.manager, None);
        let mut state = from_before();
        state.notified(&notified, Now::default(), &mut Vec::new());
        check(&state.outbox);
        let there = |manager| {
            let all = waits(&state);
            let of = all.iter().find(|(m, a, _)| *m == manager && a.contains("a.example"))?;
            Some(of.2.iter().map(|one| one.0).collect::<Vec<_>>())
        };
        assert_eq!([there("m1"), there("m2")], left);
        assert_eq!(state.outbox.counts.sent + state.outbox.counts.failed, 1);
    }
    let input = minicbor::decode(&bytes(&format!("{BY_ADDRESS}008118cc"))).unwrap();
    let crate::input::Input::Notified(notified) = input else { panic!("{input:?}") };
    let to = |manager: &str, n: u8, index: u32| ToTell {
        manager: manager.into(),
        uss_base_url: "https://a.example".into(),
        subscriptions: vec![(same(n), index)],
    };
    // Of what is newer than it told, that alone is left.
    let mut state = from_before();
    state.outbox.put(to("m1", 3, 2), ShownKind::Plan, &party("south"), same(101), UNTIL);
    state.notified(&notified, Now::default(), &mut Vec::new());
    assert_eq!(waits(&state)[0].2, [(101, vec![(3, 2)])]);
    // What a journal is folded to from its start has other numbers of changes than the try.
    state.outbox = Outbox::default();
    for (manager, n) in [("m1", 1), ("m2", 2)] {
        state.outbox.put(to(manager, n, 1), ShownKind::Plan, &party("south"), same(101), UNTIL);
    }
    state.notified(&notified, Now::default(), &mut Vec::new());
    assert_eq!(waits(&state), []);
}
