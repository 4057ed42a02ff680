//! Keys that are replaced while the logs go on (`spec/keys.md`).
mod common;

use common::{NAMES, START, Shell, World, boot, keys, open, pact_of, party, signed};
use node::command::{Command, Done, Refused};
use node::input::Input;
use node::view::{AlertKind, AlertView, LinkStatus};
use pact::{KeyReason, KeySet, KeyStatement, Pact, SignedKeys, SignedPact};
use record::{Body, Hash32, Kind, Role};
use tlog::NoteSigner;

fn authority(name: &str) -> NoteSigner {
    let seed = Hash32::of(format!("authority of {name}").as_bytes()).0;
    NoteSigner::new(&format!("skypact.keys/{name}"), &seed).unwrap()
}

/// A pact of three, of whom all have an authority key.
fn a_pact() -> Pact {
    let mut pact = pact_of(&NAMES[..3], START);
    for party in &mut pact.parties {
        party.authority_key = Some(authority(party.id.as_str()).verifier().clone());
    }
    pact
}

fn a_world(pact: &Pact) -> World {
    let text = signed(pact);
    let boots = NAMES[..3].iter().map(|name| {
        let others: Vec<&str> = NAMES[..3].iter().copied().filter(|n| n != name).collect();
        boot(name, &text, open(&others))
    });
    let mut world = World::new(START, boots.collect());
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        world.connect(a, b);
    }
    world.run(2_000, 100);
    world
}

/// The set of keys number `n` of a party.
fn set(name: &str, n: u8) -> common::Keys {
    let key_name = format!("skypact.link/{name}");
    let seed = |what: &str| Hash32::of(format!("{what} {n} of {name}").as_bytes()).0;
    common::Keys {
        log: NoteSigner::new(&key_name, &seed("log")).unwrap(),
        cosign: NoteSigner::cosigner(&key_name, &seed("cosign")).unwrap(),
    }
}

fn statement(pact: &Pact, name: &str, serial: u32, reason: KeyReason) -> String {
    stated(pact, name, serial, reason, &set(name, serial as u8), &authority(name))
}

fn stated(pact: &Pact, name: &str, serial: u32, reason: KeyReason, set: &common::Keys, by: &NoteSigner) -> String {
    let keys = KeySet {
        log_key: set.log.verifier().clone(),
        cosign_key: set.cosign.verifier().clone(),
        tls_spki_sha256: Hash32::of(format!("tls {serial} of {name}").as_bytes()),
    };
    let statement = KeyStatement { pact: pact.hash(), party: party(name), serial, keys, reason, issued: START };
    SignedKeys::sign(statement, by).unwrap().to_text()
}

/// Node `n` starts again with a new set of keys and the statement about them.
fn start_with(world: &mut World, n: usize, serial: u8, statement: &str) {
    let name = world.name(n).to_string();
    world.nodes[n].keys = set(&name, serial);
    world.nodes[n].boot.statements.push(statement.into());
    world.restart(n, false);
    world.run(1_000, 100);
}

fn up(world: &World, n: usize, peer: &str) -> bool {
    world.view(n).peers.iter().any(|p| p.party.as_str() == peer && p.link == LinkStatus::Up)
}

fn told(world: &World, n: usize, words: &str) -> Vec<AlertView> {
    let view = world.view(n);
    view.alerts.into_iter().filter(|a| a.state != "cleared" && a.text.contains(words)).collect()
}

fn kinds_held(shell: &Shell, of: &str) -> Vec<Kind> {
    shell.stores[&party(of)].held.iter().map(|bytes| record::decode(bytes).unwrap().record.body.kind()).collect()
}

//= spec/keys.md K-6
#[test]
fn a_party_that_rotates_its_keys_tells_each_peer_in_its_log_and_goes_on() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let before = world.state(1).link(&party("north")).unwrap().held_log().size();
    start_with(&mut world, 0, 1, &statement(&pact, "north", 1, KeyReason::Rotation));
    for n in [1, 2] {
        assert!(up(&world, n, "north") && up(&world, 0, NAMES[n]));
        let held = kinds_held(&world.nodes[n], "north");
        assert_eq!(held[before as usize], Kind::Keys, "the first thing said: {held:?}");
        let link = world.state(n).link(&party("north")).unwrap();
        assert_eq!(link.view(world.now()).sealed, held.len() as u64, "and sealed by the new key");
        assert_eq!(link.config().peer_log_key, *set("north", 1).log.verifier());
        let told = told(&world, n, "The keys of north were replaced: statement 1");
        assert_eq!(told.iter().map(|a| a.kind).collect::<Vec<_>>(), [AlertKind::Channel]);
        let view = world.view(n);
        let north = view.peers.iter().find(|p| p.party.as_str() == "north").unwrap();
        assert_eq!(north.keys, Some((1, "rotation", START)));
        assert_eq!(north.tls_spki_sha256, Hash32::of(b"tls 1 of north"));
    }
    // Said once, however often the node starts; and known again by a node that starts from its journal or a snapshot.
    world.nodes[1].take_snapshot();
    for (n, from_snapshot) in [(0, false), (1, true), (2, false), (0, false)] {
        world.restart(n, from_snapshot);
        world.run(1_000, 100);
    }
    for n in [1, 2] {
        assert!(up(&world, n, "north") && up(&world, 0, NAMES[n]));
        let held = kinds_held(&world.nodes[n], "north");
        assert_eq!(held.iter().filter(|kind| **kind == Kind::Keys).count(), 1);
        assert_eq!(world.state(n).link(&party("north")).unwrap().view(world.now()).sealed, held.len() as u64);
    }
    // An hour later it is no news any more.
    world.run(3_700_000, 10_000);
    assert_eq!(told(&world, 1, "The keys of north were replaced"), []);
}

/// Notes of north's log to south by two keys, one size and two roots, shown to west by south after west took the statement.
fn forks_at_west(reason: KeyReason) -> usize {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let text = statement(&pact, "north", 1, reason);
    assert_eq!(world.ask(2, Role::Administrator, Command::TakeKeys(text)), Ok(Done::Ok));
    let origin = link::origin(&party("north"), &party("south"), &record::Mode::Live, &pact.hash());
    let note = |root: u8, by: &NoteSigner| {
        let said = tlog::Checkpoint { origin: origin.clone(), size: 9, root: tlog::Hash([root; 32]) };
        tlog::sign_checkpoint(&said, by).unwrap().to_bytes()
    };
    world.run(3_000, 100);
    let session = world.nodes[2].session(&party("south")).unwrap();
    let frame = link::Frame::Checkpoints(vec![note(1, &keys("north").log), note(2, &set("north", 1).log)]).encode();
    world.input(2, node::input::Input::LinkFrame { peer: party("south"), session, frame });
    world.pump();
    world.view(2).peers.iter().find(|p| p.party.as_str() == "north").unwrap().forks.len()
}

//= spec/link.md L-53
//= spec/keys.md K-10
#[test]
fn a_fork_across_a_rotation_is_proved_by_both_keys_and_not_by_one_that_was_stolen() {
    assert_eq!(forks_at_west(KeyReason::Rotation), 1);
    assert_eq!(forks_at_west(KeyReason::Lost), 1);
    assert_eq!(forks_at_west(KeyReason::Stolen), 0);
}

//= spec/keys.md K-7
#[test]
fn who_missed_a_statement_treats_the_keys_before_it_as_stolen() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    // The first said that the keys were stolen, and has not come; the second says nothing of that.
    let text = statement(&pact, "north", 2, KeyReason::Rotation);
    assert_eq!(world.ask(1, Role::Administrator, Command::TakeKeys(text)), Ok(Done::Ok));
    assert!(!up(&world, 1, "north"), "whoever talks with the old TLS key may be a thief");
    let text = statement(&pact, "north", 1, KeyReason::Rotation);
    assert_eq!(world.ask(2, Role::Administrator, Command::TakeKeys(text)), Ok(Done::Ok));
    assert!(up(&world, 2, "north"), "the next in order tells all");
}

//= spec/keys.md K-5
//= spec/keys.md K-8
#[test]
fn stolen_keys_are_worth_nothing_from_the_moment_a_peer_is_given_the_statement() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let text = statement(&pact, "north", 1, KeyReason::Stolen);
    // South is handed the statement; north's node, or whoever has its keys, goes on as before.
    assert_eq!(world.ask(1, Role::Administrator, Command::TakeKeys(text.clone())), Ok(Done::Ok));
    assert!(!up(&world, 1, "north"), "the session of the old TLS key is over at once");
    let sealed = |world: &World| world.state(1).link(&party("north")).unwrap().view(world.now()).sealed;
    let before = sealed(&world);
    world.connect(0, 1);
    world.run(2_000, 100);
    assert!(!up(&world, 1, "north"));
    assert_eq!(sealed(&world), before, "nothing more is believed of the old log key");
    assert_eq!(told(&world, 1, "The keys of north were replaced: statement 1").len(), 1);
    // West has not heard of it and believes what it always did.
    assert!(up(&world, 2, "north"));
    start_with(&mut world, 0, 1, &text);
    // West read it in north's log: the session that the old TLS key may have opened is over, and north comes again.
    assert!(!up(&world, 2, "north"));
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(1_000, 100);
    assert!(up(&world, 1, "north") && up(&world, 2, "north"));
    assert!(sealed(&world) > before);
    let again = world.ask(1, Role::Administrator, Command::TakeKeys(text));
    assert!(matches!(again, Err(Refused::Already { .. })), "{again:?}");
}

//= spec/keys.md K-1
//= spec/keys.md K-2
#[test]
fn a_statement_by_anybody_else_or_of_somebody_else_s_keys_changes_nothing() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let mut other = pact.clone();
    other.alarm_horizon_ms += 1000;
    let rotated = statement(&pact, "west", 1, KeyReason::Rotation);
    world.ask(1, Role::Administrator, Command::TakeKeys(rotated)).unwrap();
    // The same keys under north's name: by another's name they are refused anyway.
    let renamed = |log: [u8; 32], cosign: [u8; 32]| common::Keys {
        log: NoteSigner::new("skypact.link/north", &log).unwrap(),
        cosign: NoteSigner::cosigner("skypact.link/north", &cosign).unwrap(),
    };
    let of_south = Hash32::of(b"south").0;
    let of_south = renamed(of_south, Hash32::of(&of_south).0);
    let of_west = renamed(Hash32::of(b"log 1 of west").0, Hash32::of(b"cosign 1 of west").0);
    let cases = [
        ("the log key", stated(&pact, "north", 1, KeyReason::Stolen, &set("north", 1), &keys("north").log), "sign"),
        ("a stranger", stated(&pact, "north", 1, KeyReason::Stolen, &set("north", 1), &authority("south")), "sign"),
        ("another pact", statement(&other, "north", 1, KeyReason::Stolen), "this node holds no pact"),
        ("keys of the pact", stated(&pact, "north", 1, KeyReason::Lost, &of_south, &authority("north")), "in use"),
        ("a name", stated(&pact, "north", 1, KeyReason::Lost, &set("south", 1), &authority("north")), "is named"),
        (
            "keys of a statement",
            stated(&pact, "north", 1, KeyReason::Lost, &of_west, &authority("north")),
            "it names a key of west",
        ),
        ("nonsense", "skypact keys v1\n".into(), ""),
    ];
    for (what, text, why) in cases {
        let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(text));
        assert!(refused.starts_with("statement: ") && refused.contains(why), "{what}: {refused}");
        assert_eq!(world.state(1).keys_of(&party("north")), Some(KeySet::of(pact.party(&party("north")).unwrap())));
    }
    assert!(up(&world, 1, "north"));
    let text = statement(&pact, "north", 1, KeyReason::Stolen);
    let refused = world.refusal(1, Role::Officer, Command::TakeKeys(text));
    assert!(refused.contains("may not do this"), "{refused}");
}

//= spec/keys.md K-3
#[test]
fn two_statements_of_one_number_show_that_the_authority_key_is_in_two_hands() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let first = statement(&pact, "north", 2, KeyReason::Stolen);
    let second = stated(&pact, "north", 2, KeyReason::Stolen, &set("north", 9), &authority("north"));
    let older = statement(&pact, "north", 1, KeyReason::Rotation);
    world.ask(1, Role::Administrator, Command::TakeKeys(first)).unwrap();
    let stale = world.ask(1, Role::Administrator, Command::TakeKeys(older));
    assert!(matches!(stale, Err(Refused::Already { .. })));
    assert_eq!(told(&world, 1, "two hands"), []);
    let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(second));
    assert!(refused.contains("two statements 2 about the keys of north"), "{refused}");
    world.run(1_000, 100);
    let alarm = told(&world, 1, "the authority key is in two hands");
    assert_eq!(alarm.iter().map(|a| a.level).collect::<Vec<_>>(), [3]);
    let in_force = world.state(1).keys_of(&party("north")).unwrap();
    assert_eq!(in_force.log_key, *set("north", 2).log.verifier(), "the first one holds");
}

/// Whoever has the authority key too can write statements of old numbers, so that the newest stays as it is.
//= spec/keys.md K-3
#[test]
fn a_second_statement_of_an_older_number_shows_it_as_well() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    for serial in [1, 2, 4] {
        let text = statement(&pact, "north", serial, KeyReason::Rotation);
        world.ask(1, Role::Administrator, Command::TakeKeys(text)).unwrap();
    }
    // Those that are held, and one that never came, change nothing and show nothing.
    for serial in 1..=4 {
        let text = statement(&pact, "north", serial, KeyReason::Rotation);
        let stale = world.ask(1, Role::Administrator, Command::TakeKeys(text));
        assert!(matches!(stale, Err(Refused::Already { .. })), "{serial}: {stale:?}");
    }
    world.run(1_000, 100);
    assert_eq!(told(&world, 1, "two hands"), []);
    let second = stated(&pact, "north", 1, KeyReason::Rotation, &set("north", 9), &authority("north"));
    let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(second));
    assert!(refused.contains("two statements 1 about the keys of north"), "{refused}");
    world.run(1_000, 100);
    let alarm = told(&world, 1, "the authority key is in two hands");
    assert_eq!(alarm.iter().map(|a| a.level).collect::<Vec<_>>(), [3]);
    let in_force = world.state(1).keys_of(&party("north")).unwrap();
    assert_eq!(in_force.log_key, *set("north", 4).log.verifier(), "the newest still holds");
}

/// What was receipted in between would be a stolen key's word, and the first receipts of all a sign that the theft was known.
//= spec/keys.md K-2
#[test]
fn a_party_cannot_go_back_to_keys_that_it_replaced() {
    let pact = a_pact();
    for (serial, reason) in [(2, KeyReason::Stolen), (5, KeyReason::Rotation)] {
        let mut world = a_world(&pact);
        start_with(&mut world, 0, 1, &statement(&pact, "north", 1, KeyReason::Rotation));
        assert!(up(&world, 1, "north"));
        let back = stated(&pact, "north", serial, reason, &keys("north"), &authority("north"));
        let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(back));
        assert!(refused.contains("the log-key is one that the party had before"), "{refused}");
        let in_force = |world: &World| world.state(1).keys_of(&party("north")).unwrap();
        assert_eq!(in_force(&world).log_key, *set("north", 1).log.verifier());
        // The keys in force may be stated again, and new ones.
        let same = stated(&pact, "north", 2, KeyReason::Rotation, &set("north", 1), &authority("north"));
        world.ask(1, Role::Administrator, Command::TakeKeys(same)).unwrap();
        world.ask(1, Role::Administrator, Command::TakeKeys(statement(&pact, "north", 3, reason))).unwrap();
        assert_eq!(in_force(&world).log_key, *set("north", 3).log.verifier());
        assert_eq!(told(&world, 1, "two hands"), []);
    }
}

#[test]
fn a_statement_about_own_keys_that_the_node_was_not_given_is_an_alarm() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let refused =
        world.refusal(0, Role::Administrator, Command::TakeKeys(statement(&pact, "north", 1, KeyReason::Rotation)));
    assert!(refused.contains("statement 1 about our own keys is not one of ours"), "{refused}");
    world.run(1_000, 100);
    let alarm = told(&world, 0, "the authority key is in two hands");
    assert_eq!(alarm.iter().map(|a| a.level).collect::<Vec<_>>(), [3]);
}

//= spec/keys.md K-4
#[test]
fn more_statements_than_a_pact_takes_are_refused() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    for serial in 1..=64 {
        let text = statement(&pact, "north", serial, KeyReason::Rotation);
        world.ask(1, Role::Administrator, Command::TakeKeys(text)).unwrap();
    }
    let one_more = statement(&pact, "north", 65, KeyReason::Rotation);
    let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(one_more));
    assert!(refused.contains("at most 64"), "{refused}");
}

#[test]
fn without_an_authority_key_the_pact_s_keys_stay() {
    let pact = pact_of(&NAMES[..2], START);
    let text = signed(&pact);
    assert!(SignedPact::parse(text.as_bytes()).is_ok());
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    let statement = statement(&pact, "north", 1, KeyReason::Lost);
    let refused = world.refusal(1, Role::Administrator, Command::TakeKeys(statement));
    assert!(refused.contains("names no authority key of north"), "{refused}");
}

//= spec/keys.md K-12
#[test]
fn two_nodes_that_replaced_their_keys_while_they_were_apart_receipt_each_other_again() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    world.cut(0, 1);
    for n in [0, 1] {
        let statement = statement(&pact, NAMES[n], 1, KeyReason::Rotation);
        start_with(&mut world, n, 1, &statement);
    }
    let receipted = |world: &World, n: usize| {
        let view = world.state(n).link(&party(NAMES[1 - n])).unwrap().view(world.now());
        (view.cosigned, view.out_size)
    };
    // As the transport does, it is dialled again when it ends.
    let mut sessions = 0;
    for _ in 0..3 {
        if !up(&world, 0, "south") {
            world.connect(0, 1);
            sessions += 1;
        }
        world.run(2_000, 100);
    }
    assert_eq!(sessions, 2, "one more than without new keys");
    for n in [0, 1] {
        let (cosigned, size) = receipted(&world, n);
        assert_eq!(cosigned, size, "all that {} said is receipted", NAMES[n]);
    }
}

//= spec/keys.md K-7
#[test]
fn a_connection_of_a_key_that_was_replaced_since_begins_no_session() {
    let pact = a_pact();
    for reason in [KeyReason::Rotation, KeyReason::Stolen] {
        let mut world = a_world(&pact);
        let north = party("north");
        let session = |world: &World| world.state(1).link(&north).unwrap().view(world.now()).session;
        let before = session(&world).unwrap();
        let old = world.state(1).keys_of(&north).unwrap().tls_spki_sha256;
        world.ask(1, Role::Administrator, Command::TakeKeys(statement(&pact, "north", 1, reason))).unwrap();
        let kept = (reason == KeyReason::Rotation).then_some(before);
        assert_eq!(session(&world), kept, "by the reason");
        let mut number = before;
        for (pin, taken) in [(old, false), (Hash32::of(b"tls 1 of north"), true)] {
            number += 1;
            world.input(1, Input::LinkUp { peer: north.clone(), session: number, pin: Some(pin) });
            assert_eq!(session(&world), if taken { Some(number) } else { kept });
        }
    }
}

#[test]
fn what_is_said_about_keys_is_the_statement_as_it_was_signed() {
    let pact = a_pact();
    let mut world = a_world(&pact);
    let text = statement(&pact, "north", 1, KeyReason::Rotation);
    start_with(&mut world, 0, 1, &text);
    let said = world.nodes[1].stores[&party("north")].held.iter().find_map(|bytes| {
        let record = record::decode(bytes).unwrap().record;
        if let Body::Keys(keys) = record.body { Some((keys.statement, record.revision)) } else { None }
    });
    assert_eq!(said, Some((text, 1)));
}
