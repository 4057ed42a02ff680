//! More is to be said than a link of constant rate carries: it waits, the desk is told, and what is urgent goes first.
mod common;

use common::{START, World, aircraft, boot, flown, notice, open, pact_of, signed};
use node::command::{Command, SendNotice};
use pact::{Pact, Padding};
use record::{Body, Precedence, Role};

/// The least there is: 8,192 bytes a second.
const PADDING: Padding = Padding { chunk_bytes: 2_048, every_ms: 250 };

fn world() -> World {
    let text = signed(&Pact { padding: Some(PADDING), ..pact_of(&["north", "south"], START) });
    let mut world =
        World::new(START, vec![boot("north", &text, open(&["south"])), boot("south", &text, open(&["north"]))]);
    world.connect(0, 1);
    world.run(3_000, 100);
    world
}

/// So many seconds of 400 aircraft that report every second: some 20,000 bytes a second.
fn crowd(world: &mut World, seconds: u32) {
    for _ in 0..seconds {
        let at = world.now().utc;
        let reports: Vec<_> = (0..400u32)
            .map(|n| {
                let report =
                    aircraft(n, 44.0 + f64::from(n % 30) * 0.2, 5.0 + f64::from(n / 30) * 0.3, 300.0, 90.0, START);
                flown(&report, at)
            })
            .collect();
        world.report(0, 0, &reports);
        world.run(1_000, 100);
    }
}

fn backlog(world: &World, n: usize) -> Vec<String> {
    let alerts = world.view(n).alerts;
    alerts
        .into_iter()
        .filter(|a| a.state != "cleared")
        .map(|a| a.text)
        .filter(|text| text.contains("constant rate"))
        .collect()
}

//= spec/link.md L-55
#[test]
fn tracks_wait_while_receipts_are_late_the_desk_is_told_and_all_comes_in_the_end() {
    let mut world = world();
    assert_eq!(backlog(&world, 0), Vec::<String>::new());
    crowd(&mut world, 14);
    let (north, south) = (world.name(0), world.name(1));
    let link = world.state(0).link(&south).unwrap().view(world.now());
    assert!(link.was_late && link.padding.is_some());
    assert_eq!(backlog(&world, 0).len(), 1, "{:?}", world.view(0).alerts);
    assert_eq!(backlog(&world, 1), Vec::<String>::new(), "the other direction is not late");
    // Fourteen batches would be 280,000 bytes; what was appended is what the rate carries and little more.
    let said: usize = world.nodes[0].stores[&south].out.iter().map(Vec::len).sum();
    let carried = 17 * 8_192;
    assert!(said < carried + 3 * 25_000 && said > carried / 2, "{said} bytes were appended, {carried} can have left");
    // To carry the rest, to be late no more for 15 s, and for the alert to end 10 s after that.
    world.run(45_000, 100);
    let link = world.state(0).link(&south).unwrap().view(world.now());
    assert_eq!((link.cosigned, link.is_late, link.was_late), (link.out_size, false, false));
    assert_eq!(world.nodes[0].stores[&south].out, world.nodes[1].stores[&north].held);
    assert_eq!(backlog(&world, 0).len(), 0, "the alert has ended");
}

//= spec/link.md S-10
//= spec/link.md L-44
#[test]
fn what_is_urgent_has_at_most_one_entry_before_it_on_a_padded_link_that_is_behind() {
    let mut world = world();
    crowd(&mut world, 8);
    let south = world.name(1);
    let waiting = world.state(0).link(&south).unwrap().view(world.now());
    assert!(waiting.cosigned < waiting.out_size && waiting.is_late);
    let urgent = SendNotice { precedence: Precedence::Immediate, ..notice("south", 7) };
    world.ask(0, Role::Officer, Command::SendNotice(urgent)).unwrap();
    let largest = world.nodes[0].stores[&south].out.iter().map(Vec::len).max().unwrap() as u64;
    // The rest of the entry on its way, its own bytes, and two chunks' time.
    let bound_ms = largest * 1000 / 8_192 + 2 * 250 + 500;
    let mut waited = 0;
    while !world.view(1).notices.iter().any(|n| n.precedence == Precedence::Immediate) {
        world.run(50, 50);
        waited += 50;
        assert!(waited <= bound_ms, "{waited} ms, {largest} bytes");
    }
    // Its turn in the log comes later, and it is not told twice.
    world.run(30_000, 100);
    assert_eq!(world.view(1).notices.len(), 1);
    let turns = |body: &Body| matches!(body, Body::Notice(_));
    let out = &world.nodes[0].stores[&south].out;
    assert_eq!(out.iter().filter(|entry| turns(&record::decode(entry).unwrap().record.body)).count(), 1);
}
