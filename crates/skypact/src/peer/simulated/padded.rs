//! A link of constant rate over real TLS and HTTP/2: what the wire shows, and that nothing is lost for it.
use super::wire::Left;
use super::*;
use pact::Padding;

const PADDING: Padding = Padding { chunk_bytes: 4096, every_ms: 200 };

/// How a connection begins shows that it begins, and is not compared.
const FROM: Duration = Duration::from_secs(5);
const TO: Duration = Duration::from_secs(45);

/// What left each party between [`FROM`] and [`TO`], and how many entries were receipted.
fn watched(padding: Option<Padding>, busy: bool) -> ([Vec<Left>; 2], [u64; 2]) {
    let mut world = World::padded(23, padding);
    world.until("the first link", RECONNECT_MAX, World::is_up);
    let mut n = 0;
    while world.sim.elapsed() < TO {
        world.sim.step().unwrap();
        let second = world.sim.elapsed().as_secs();
        // A notice each second, and a burst that takes seconds to carry.
        if busy && second > n {
            n = second;
            let many = if n == 20 { 60 } else { 1 };
            (0..many).for_each(|_| world.say());
            if n == 21 {
                world.say_with(Precedence::Immediate);
            }
        }
    }
    let left = [0, 1].map(|i| world.parties[i].wire.between(FROM, TO));
    (left, world.seen(|seen| seen.cosigned))
}

//= spec/link.md S-10
#[test]
fn the_wire_of_a_padded_link_shows_the_same_sizes_at_the_same_times_idle_and_busy() {
    let (idle, few) = watched(Some(PADDING), false);
    let (busy, many) = watched(Some(PADDING), true);
    assert!(many.iter().zip(few).all(|(many, few)| *many > few + 90), "{few:?} {many:?} receipted");
    for (idle, busy) in idle.iter().zip(&busy) {
        assert_eq!(idle, busy);
        // The chunk, 9 bytes of an HTTP/2 head, 17 of TLS 1.3: one record, five times a second.
        let chunk = PADDING.chunk_bytes as usize + 9 + 17;
        let chunks = idle.iter().filter(|left| left.length == chunk).count();
        assert!(chunks.abs_diff(200) <= 1, "{chunks} chunks in 40 s");
        let other: Vec<&Left> = idle.iter().filter(|left| left.length != chunk).collect();
        assert!(other.len() <= 2, "beside them at most windows of HTTP/2, by the bytes that came: {other:?}");
    }
    // The same world without the clause: the wire tells the two apart.
    let ([idle, _], _) = watched(None, false);
    let ([busy, _], _) = watched(None, true);
    assert_ne!(idle, busy);
}

//= spec/link.md S-9
#[test]
fn a_padded_link_outlives_a_partition_and_loses_and_doubles_nothing() {
    let mut world = World::padded(29, Some(PADDING));
    world.until("the first link", RECONNECT_MAX, World::is_up);
    world.pass(Duration::from_secs(3));
    world.sim.partition(NORTH, SOUTH);
    world.pass(Duration::from_secs(28));
    assert_eq!(world.seen(|seen| seen.up), [false; 2], "both know");
    world.sim.repair(NORTH, SOUTH);
    world.recovers();
}
