//! Two honest links: whatever the connection does, nothing is lost and nothing doubled.

mod common;
use common::{A, World};

//= spec/link.md L-20
//= spec/link.md L-34
//= spec/link.md L-35
#[test]
fn entries_go_both_ways_and_are_sealed_and_receipted() {
    let world = World::started(5);
    world.check_complete();
    assert_eq!(world.sides[A].received.last(), Some(&5));
}
