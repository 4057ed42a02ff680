//! Orderly ends.
use crate::common::world::{Spec, World};
use crate::common::{Limit, pass};
use serde_json::json;
use std::io::Read;

/// The last frame of a stream: close (RFC 6455, 5.5.1) with code 1001 and the reason.
const GOING_AWAY: &[u8] = b"\x88\x16\x03\xe9the node is stopping";

#[test]
fn a_node_that_is_told_to_end_tells_its_streams_first() {
    let _limit = Limit::of("stop", 60);
    let world = World::new(Spec::default());
    let node = world.start("north");
    let mut streams = [node.stream(), node.stream()];
    pass(500);
    let (status, answer) = node.call("GET", "/v1/session", &json!(null));
    assert_eq!(status, 200, "{answer}");
    let ended = node.terminate();
    assert!(ended.success(), "{ended}");
    for stream in &mut streams {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        let end = &said[said.len().saturating_sub(40)..];
        assert!(said.ends_with(GOING_AWAY), "{}", end.escape_ascii());
    }
}
