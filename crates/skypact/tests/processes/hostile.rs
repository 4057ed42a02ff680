//! Strangers, wrong keys, wrong pacts and peers that break the protocol: refused, counted, explained; and the honest
//! peer does not notice.
use crate::common::node::Node;
use crate::common::stranger::{ask, connect, framed, open, request, unframed};
use crate::common::world::{Secrets, Spec, World, link_up};
use crate::common::{Limit, eventually};
use link::{CloseCode, Frame, Hello};
use record::{Hash32, Mode, PartyId};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[track_caller]
fn counted(node: &Node, reason: &str, at_least: f64) {
    let name = format!("skypact_connections_refused_total{{reason=\"{reason}\"}}");
    eventually(&format!("{reason:?} is counted"), 15, || (node.metric(&name) >= at_least).then_some(()));
}

/// The link between honest parties must go on as if nothing had happened.
#[track_caller]
fn honest_link_is_unaffected(north: &mut Node, south: &mut Node) {
    assert!(north.is_alive() && south.is_alive());
    let before = south.peer("north");
    assert_eq!((&before["link"], &before["reason"]), (&"up".into(), &serde_json::Value::Null));
    let held = before["in"]["size"].as_u64().unwrap();
    eventually("entries of the honest peer", 5, || (south.peer("north")["in"]["size"].as_u64()? > held).then_some(()));
    for refused in [&south.peer("north")["refused"], &north.peer("south")["refused"]] {
        assert_eq!(refused, &serde_json::json!({}));
    }
}

//= spec/link.md S-1
#[test]
fn strangers_at_the_link_port_are_refused_counted_and_explained() {
    let _limit = Limit::of("strangers", 90);
    let world = World::new(Spec::default());
    let (mut south, mut north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    let address = south.link.clone();

    // Sockets that begin a handshake and go on no further: more than are served at once.
    let head = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    let half: Vec<TcpStream> = (0..80)
        .map(|_| {
            let mut socket = TcpStream::connect(&address).unwrap();
            // The ones above the bound are closed at once.
            let _closed = socket.write_all(&head);
            socket
        })
        .collect();
    let begun = Instant::now();
    counted(&south, "too many handshakes at once", 16.0);
    honest_link_is_unaffected(&mut north, &mut south);
    counted(&south, "handshake timeout", 64.0);
    assert!(begun.elapsed() > Duration::from_secs(5), "they were given their time");
    drop(half);

    let noise: Vec<u8> = (0..4096u32).map(|n| Hash32::of(&n.to_be_bytes()).0[0]).collect();
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(&noise).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = Vec::new();
    // An alert or a reset: it must end, whatever it says.
    let ended = socket.read_to_end(&mut answer);
    assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset), "it was left open");
    counted(&south, "TLS: not a handshake that is understood", 1.0);

    runtime().block_on(async {
        let unknown = Secrets::new("north", "").tls;
        for key in [Some(&unknown), None] {
            // In TLS 1.3 the client is done before the server has looked at its key: the refusal comes with the first read.
            let refused = match connect(&address, key).await {
                Ok(mut stream) => stream.read_u8().await.err(),
                Err(error) => Some(error),
            };
            assert!(refused.is_some(), "a stranger's key was taken");
        }
    });
    counted(&south, "TLS: a key that the pact does not name", 1.0);
    counted(&south, "TLS: no key was shown", 1.0);
    let log = south.log();
    for line in ["no handshake in 10s", "a key that the pact does not name", "handshakes in progress"] {
        assert!(
            log.contains(&format!("link connection refused: {line}")) || log.contains(line),
            "{line:?} is not in the log"
        );
    }
    honest_link_is_unaffected(&mut north, &mut south);
}

/// A party of the pact whose node is this test.
struct Rogue<'a> {
    world: &'a World,
    address: String,
}

impl Rogue<'_> {
    fn key(&self) -> &rcgen::KeyPair {
        &self.world.secrets["rogue"].tls
    }

    fn hello(&self) -> Hello {
        Hello {
            party: PartyId::parse("rogue").unwrap(),
            peer: PartyId::parse("south").unwrap(),
            mode: Mode::Exercise("test".into()),
            pact: self.world.pact().hash(),
            schema: record::SCHEMA,
            in_size: 0,
            your_checkpoint: None,
            out_size: 0,
        }
    }

    /// A checkpoint of the rogue's log, signed by whom the test wants.
    fn checkpoint(&self, seq: u64, size: u64, signer: &tlog::NoteSigner) -> Vec<u8> {
        let origin = format!("skypact.link/rogue/south/exercise:test/{}", self.world.pact().hash());
        let checkpoint = tlog::Checkpoint { origin, size, root: tlog::EMPTY_ROOT };
        let note = tlog::sign_checkpoint(&checkpoint, signer).unwrap().to_bytes();
        Frame::Checkpoint { seq, sent_utc_ms: 0, note }.encode()
    }
}

//= spec/link.md S-2
//= spec/link.md S-7
#[test]
fn a_peer_that_breaks_the_protocol_is_refused_by_name_and_harms_no_other() {
    let _limit = Limit::of("rogue", 90);
    let world = World::new(Spec { names: &["north", "rogue", "south"], ..Spec::default() });
    let (mut south, mut north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    let rogue = Rogue { world: &world, address: south.link.clone() };
    let own = &world.secrets["rogue"].log;
    let hello = Frame::Hello(rogue.hello()).encode();
    let with = |change: &dyn Fn(&mut Hello)| {
        let mut hello = rogue.hello();
        change(&mut hello);
        Frame::Hello(hello).encode()
    };
    let mut other_version = hello.clone();
    other_version[2] = 9;
    let mut other_pact = world.pact();
    other_pact.acknowledge_s[3] = 90;
    let unasked = Frame::Close { code: 0, text: "x".into() }.encode();
    let far = Frame::Entries { first: 7, entries: vec![vec![1]] }.encode();
    let cosigned = Frame::Cosignature { size: 1 << 40, recv_utc_ms: 0, line: "\u{2014} rogue AAAA".into() }.encode();
    let flood: Vec<Vec<u8>> =
        std::iter::once(hello.clone()).chain((0..1200).map(|seq| rogue.checkpoint(seq, 0, own))).collect();
    let table: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("noise for a frame", vec![vec![0xff; 40]], "MALFORMED"),
        ("an empty frame", vec![vec![]], "MALFORMED"),
        ("a hello of another version", vec![other_version], "VERSION"),
        ("a hello for another party", vec![with(&|h| h.peer = PartyId::parse("north").unwrap())], "WRONG_PARTY"),
        ("a live hello in an exercise", vec![with(&|h| h.mode = Mode::Live)], "WRONG_MODE"),
        ("another record schema", vec![with(&|h| h.schema += 1)], "SCHEMA"),
        ("entries before the hello", vec![far.clone()], "UNEXPECTED"),
        ("two hellos", vec![hello.clone(), hello.clone()], "UNEXPECTED"),
        ("entries with a gap", vec![hello.clone(), far], "ENTRY_ORDER"),
        (
            "a checkpoint by a key that is not in the pact",
            vec![hello.clone(), rogue.checkpoint(0, 0, &Secrets::new("rogue", "other").log)],
            "BAD_CHECKPOINT",
        ),
        ("a checkpoint over entries never sent", vec![hello.clone(), rogue.checkpoint(0, 3, own)], "SIZE_MISMATCH"),
        (
            "the same checkpoint twice",
            vec![hello.clone(), rogue.checkpoint(0, 0, own), rogue.checkpoint(0, 0, own)],
            "REPEATED",
        ),
        ("a cosignature of what was never signed", vec![hello.clone(), cosigned], "BAD_COSIGNATURE"),
        ("a flood of frames", flood, "TOO_FAST"),
        (
            "another pact",
            vec![with(&|h| h.pact = other_pact.hash()), Frame::PactText(other_pact.format()).encode()],
            "WRONG_PACT",
        ),
    ];
    let runtime = runtime();
    for (what, frames, reason) in &table {
        let name = format!("skypact_link_refused_total{{peer=\"rogue\",reason=\"{reason}\"}}");
        // The last frame says why; the pact's text and the like come before it. Who does not read within a second, as on a machine
        // with much to do, misses it.
        let mut before = 0.0;
        let code = (0..5).find_map(|_| {
            before = south.metric(&name);
            let asked = request(&rogue.address, rogue.key(), "/link/v1/stream", framed(frames));
            let (status, said) = runtime.block_on(asked);
            assert_eq!(status, 200, "{what}");
            let Some(Frame::Close { code, .. }) = unframed(&said).pop() else { return None };
            Some(code)
        });
        let Some(code) = code else { panic!("{what}: no word at the end, five times") };
        assert_eq!(CloseCode::from_code(code.into()).name(), *reason, "{what}");
        eventually(&format!("{what}: {reason} is counted"), 10, || (south.metric(&name) == before + 1.0).then_some(()));
        let shown = south.peer("rogue");
        assert_eq!(shown["link"], "down", "{what}");
        let text = shown["reason"].as_str().unwrap_or_default();
        let named = text.contains(reason) || text.contains("the pacts differ: clause 7");
        assert!(named, "{what}: {reason} is not in the reason shown: {text:?}");
    }
    assert!(south.peer("rogue")["reason"].as_str().unwrap().contains("90"), "the clause is shown with both values");
    honest_link_is_unaffected(&mut north, &mut south);

    // An orderly close of the peer is no fault; and a record that is none is refused by itself.
    let garbage = Frame::Entries { first: 0, entries: vec![vec![0xff; 100]] }.encode();
    runtime.block_on(request(&rogue.address, rogue.key(), "/link/v1/stream", framed(&[hello, garbage, unasked])));
    eventually("the entry is refused", 5, || (south.peer("rogue")["in"]["size"] == 1).then_some(()));
    assert!(south.log().contains("entry 0 of rogue refused: MALFORMED"), "{}", south.log());

    // Below the frames: a length over the bound, another address, and what is not HTTP/2 at all.
    let mut oversized = (600_000_u32).to_be_bytes().to_vec();
    oversized.extend_from_slice(&[0; 1000]);
    let frozen_size = south.peer("rogue")["in"]["size"].clone();
    runtime.block_on(async {
        request(&rogue.address, rogue.key(), "/link/v1/stream", oversized).await;
        let (status, _) = request(&rogue.address, rogue.key(), "/", vec![]).await;
        assert_eq!(status, 404);
        let mut stream = connect(&rogue.address, Some(rogue.key())).await.unwrap();
        stream.write_all(&[0x55; 3000]).await.unwrap();
        let mut rest = Vec::new();
        // Closed, with or without a word.
        let _ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap();
    });
    counted(&south, "frame too large", 1.0);
    counted(&south, "not a link's request", 1.0);
    counted(&south, "no HTTP/2 after TLS", 1.0);
    assert!(south.log().contains("TOO_LARGE: a frame of 600000 bytes, at most 524288"));
    assert_eq!(south.peer("rogue")["in"]["size"], frozen_size);
    // However many it sends of what is no link's request: those over the rate are turned away, and one is logged.
    let path = format!("/{}", "a".repeat(6000));
    let last = runtime.block_on(async {
        let (mut sender, driver) = open(&rogue.address, rogue.key()).await.unwrap();
        let mut last = 0;
        for _ in 0..5_000 {
            last = ask(&mut sender, "POST", &path, vec![]).await.map_or(0, |answer| answer.status().as_u16());
            if last != 404 {
                break;
            }
        }
        driver.abort();
        last
    });
    assert_eq!(last, 429);
    let log = south.log();
    assert_eq!(log.matches("not a link's request").count(), 1, "{log}");
    assert!(!log.contains(&path[..100]), "the path is the peer's: no more of it than is of use");
    honest_link_is_unaffected(&mut north, &mut south);
}

//= spec/link.md S-11
//= spec/link.md S-12
#[test]
fn what_a_peer_sends_and_nobody_uses_fills_no_disk_and_neither_do_its_sessions() {
    const MIB: f64 = 1_048_576.0;
    let _limit = Limit::of("spam", 90);
    let world = World::new(Spec { names: &["rogue", "south"], aircraft: 2, ..Spec::default() });
    let south = world.start("south");
    let rogue = Rogue { world: &world, address: south.link.clone() };
    let hello = Frame::Hello(rogue.hello()).encode();
    let runtime = runtime();
    let journal = || south.metric("skypact_journal_bytes");
    // What the journal grows by while this is sent as fast as it is read.
    let sent = |frames: &[Vec<u8>], ms: u64| {
        let before = journal();
        runtime.block_on(async {
            let (mut sender, driver) = open(&rogue.address, rogue.key()).await.unwrap();
            let answer = ask(&mut sender, "POST", "/link/v1/stream", framed(frames)).await;
            assert_eq!(answer.as_ref().map(|answer| answer.status().as_u16()), Some(200));
            tokio::time::sleep(Duration::from_millis(ms)).await;
            driver.abort();
        });
        let grown = (journal() - before) / MIB;
        println!("{} frames of {} bytes, {ms} ms: {grown:.2} MiB", frames.len(), frames[frames.len() - 1].len());
        grown
    };
    // The first ends the session; the others would be 28 MiB.
    assert!(sent(&vec![vec![0xff; 490_000]; 60], 1_500) < 2.0);
    // An entry that is held, and then the same place again and again as if it were urgent: 19 MiB, all of it ignored.
    let mut frames = vec![hello, Frame::Entries { first: 0, entries: vec![vec![0xff; 9]] }.encode()];
    frames.extend(vec![Frame::Ahead { index: 0, entry: vec![1; 65_535] }.encode(); 300]);
    let begun = Instant::now();
    let grown = sent(&frames, 3_000);
    let most = 4.0 + begun.elapsed().as_secs_f64() / 4.0 + 1.0;
    assert!(grown > 1.0 && grown < most, "{grown} MiB, at most {most}");
    assert_eq!(south.peer("rogue")["in"]["size"], 1);

    runtime.block_on(async {
        let mut all = Vec::new();
        for _ in 0..12 {
            all.extend(open(&rogue.address, rogue.key()).await);
        }
        let mut statuses = Vec::new();
        for _ in 0..40 {
            let answer = ask(&mut all[0].0, "POST", "/link/v1/stream", vec![]).await;
            statuses.extend(answer.map(|answer| answer.status().as_u16()));
        }
        let taken = statuses.iter().filter(|status| **status == 200).count();
        assert!((20..=36).contains(&taken) && statuses.last() == Some(&429), "{statuses:?}");
    });
    counted(&south, "too many connections of a peer", 1.0);
    counted(&south, "too many sessions of a peer", 1.0);
}

#[test]
fn a_pact_that_differs_is_named_by_its_clause_on_both_sides() {
    let _limit = Limit::of("pacts", 60);
    let world = World::new(Spec { aircraft: 2, ..Spec::default() });
    let mut pact = world.pact();
    pact.default_minima.lateral_mm = 3 * units::NM_MM;
    world.write_pact("south", pact);
    let (south, north) = (world.start("south"), world.start("north"));
    for (node, peer) in [(&north, "south"), (&south, "north")] {
        let shown =
            eventually("the difference is shown", 15, || Some(node.peer(peer)).filter(|p| p["reason"].is_string()));
        assert_eq!(shown["link"], "down");
        let reason = shown["reason"].as_str().unwrap();
        assert!(reason.contains("the pacts differ: clause 4.1") && reason.contains("3 NM"), "{peer}: {reason}");
        let counted = node.metric(&format!("skypact_link_refused_total{{peer=\"{peer}\",reason=\"WRONG_PACT\"}}"));
        let told = node.metric(&format!("skypact_link_up{{peer=\"{peer}\"}}"));
        println!("{peer}: {reason}; closed {counted} times");
        assert_eq!(told, 0.0);
        assert_eq!(shown["in"]["size"], 0, "nothing is taken under another pact");
    }
    eventually("the officer is told", 10, || {
        let told = |a: &serde_json::Value| a["text"].as_str().is_some_and(|t| t.contains("holds another pact"));
        north.list("/v1/alerts").iter().any(told).then_some(())
    });
}

//= spec/link.md S-1
#[test]
fn wrong_keys_and_wrong_modes_are_refused_with_what_to_do() {
    let _limit = Limit::of("wrong keys", 60);
    let world = World::new(Spec { aircraft: 2, ..Spec::default() });
    let keys = world.home("north").join("keys");
    // The own keys against the pact: before anything is started.
    let impostor = Secrets::new("north", "impostor");
    for (file, clause) in [("log.key", "log key"), ("cosign.key", "cosign key"), ("tls.key.pem", "TLS key")] {
        world.secrets["north"].write(&keys, "north", "");
        let right = std::fs::read(keys.join(file)).unwrap();
        impostor.write(&world.dir.path().join("impostor"), "north", "impostor");
        std::fs::copy(world.dir.path().join("impostor").join(file), keys.join(file)).unwrap();
        let not = world.refused("north");
        assert_eq!(not.code, Some(1), "{}", not.said);
        assert!(not.said.contains(&format!("names another {clause} than north holds")), "{}", not.said);
        std::fs::write(keys.join(file), right).unwrap();
    }
    let right = world.config("north");
    std::fs::write(world.home("north").join("skypact.toml"), right.replace("exercise:test", "exercise:other")).unwrap();
    let not = world.refused("north");
    let wanted = "is for mode \"exercise:test\", the configuration for \"exercise:other\"";
    assert!(not.code == Some(1) && not.said.contains(wanted), "{}", not.said);
    std::fs::write(world.home("north").join("skypact.toml"), right).unwrap();

    // Somebody else answers at the peer's address: another node of the same name with keys of its own.
    let other = World::new(Spec { aircraft: 2, ..Spec::default() });
    let (south, north) = (other.start("south"), world.start("north"));
    world.proxy.lead_to(&south.link);
    counted(&north, "TLS: a key that the pact does not name", 1.0);
    assert!(north.log().contains("no link: TLS: a key that the pact does not name"), "{}", north.log());
    counted(&south, "TLS: refused by the other side", 1.0);
    assert_eq!((&north.peer("south")["link"], &south.peer("north")["link"]), (&"down".into(), &"down".into()));
    // The right one at the same address: the link comes by itself.
    drop(south);
    let south = world.start("south");
    link_up(&north, &south);
}
