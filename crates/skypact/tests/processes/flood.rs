//! A peer of the pact that sends everything there is to send, as much and as large as the formats allow: what the node holds
//! of it stays below a bound that is written down, and nothing that was acknowledged is lost.
use crate::common::node::Node;
use crate::common::speaker::{Log, Session, Speaker, later};
use crate::common::world::{Spec, World};
use crate::common::{Limit, eventually};
use airspace::{Limit as Level, Outline, Plan, PlanState, Site, SiteCategory, Verification, Volume4d};
use link::Frame;
use pact::{Rate, RateOf};
use record::{
    Avoid, Body, ChannelState, ChannelStatement, ConflictReport, DeskStatus, Hash32, KeysReplaced, Kind, Notice,
    NoticeClass, PactInForce, Precedence, Receipt, ReceiptLevel, Role, TrackBatch, Withdrawn,
};
use std::time::Duration;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Height, Position, Utc, Vertex};

/// What a node may hold resident for one such peer: docs/memory.md has the sum.
const BOUND_MIB: u64 = 768;

fn ring(corners: u64, n: u64) -> Outline {
    // Convex and far from everything: what is not near nothing costs nothing but room.
    let (lat, lon) = (38.0 + (n % 100) as f64 * 0.02, -3.0 + (n / 100 % 100) as f64 * 0.02);
    let corner = |i: u64| {
        let angle = i as f64 / corners as f64 * std::f64::consts::TAU;
        Vertex::from_degrees(lat + 0.008 * angle.sin(), lon + 0.008 * angle.cos()).unwrap()
    };
    Outline::Polygon((0..corners).map(corner).collect())
}

fn volume(corners: u64, n: u64, now: Utc) -> Volume4d {
    let (lower, upper) = (Level::Unlimited, Level::Unlimited);
    Volume4d { outline: ring(corners, n), lower, upper, start: now, end: later(now) }
}

fn plan(volumes: Vec<Volume4d>) -> Body {
    Body::Plan(Plan {
        callsign: Some("FLOOD".into()),
        class: AircraftClass::Civil,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes,
        address: None,
    })
}

fn site(corners: u64, n: u64, now: Utc) -> Body {
    Body::Site(Site {
        category: SiteCategory::Other,
        name: Some("x".repeat(64)),
        footprint: ring(corners, n),
        buffer_mm: 1_000,
        verification: Verification::Claimed,
        expires: later(now),
    })
}

fn notice(text: usize, volumes: Vec<Volume4d>) -> Body {
    Body::Notice(Notice {
        class: NoticeClass::Hazard,
        text: "n".repeat(text),
        place: None,
        level: None,
        start: None,
        end: None,
        volumes,
        action: Some("a".repeat(400)),
    })
}

/// Tracks, each another aircraft and nowhere near the next.
fn tracks(first: u64, now: Utc) -> Body {
    let report = |n: u64| {
        let (lat, lon) = (-60.0 + (n / 1000) as f64 * 0.1, -179.0 + (n % 1000) as f64 * 0.35);
        let mut report = TrackReport::new(n, Position::from_degrees(lat, lon).unwrap(), now);
        report.address = Address::icao(n as u32 + 1);
        report.callsign = Callsign::parse(&format!("F{n}")).ok();
        report.pressure = Some(Height::from_feet(30_000));
        report
    };
    let reports: Vec<TrackReport> = (first..first + record::BATCH_MAX as u64).map(report).collect();
    Body::Tracks(Box::new(TrackBatch::pack(now, &reports).unwrap()))
}

/// Everything that can be said, more of it than is kept. The largest first: a bound on corners is met before one on number.
fn everything(speaker: &Speaker<'_>) -> Log {
    use Precedence::{Flash, Routine};
    let now = speaker.world.now();
    let mut log = Log::default();
    let mut n = 1;
    let mut say = |log: &mut Log, precedence, body: Body| {
        n += 1;
        log.say(speaker.record(n, precedence, body));
    };
    say(&mut log, Routine, Body::Pact(PactInForce { pact: speaker.world.pact().hash(), software: "flood".into() }));
    // More corners of each than are kept, in the largest outlines, and small ones behind them.
    for i in 0..105 {
        say(&mut log, Routine, plan(vec![volume(1000, i, now)]));
        say(&mut log, Routine, site(1000, i, now));
        say(&mut log, Routine, Body::Avoid(Avoid { volumes: vec![volume(1000, i, now)] }));
    }
    for i in 105..605 {
        say(&mut log, Routine, plan(vec![volume(3, i, now)]));
    }
    // Notices as large as a record may be, of every precedence.
    for i in 0..560 {
        let wide = if i % 2 == 0 { vec![volume(1000, i, now), volume(1000, i + 1, now)] } else { Vec::new() };
        let precedence = if i < 60 { Flash } else { Routine };
        say(&mut log, precedence, notice(2000, wide));
    }
    for i in 0..130 {
        say(&mut log, Routine, tracks(i * record::BATCH_MAX as u64, now));
    }
    for i in 0..100_u64 {
        let of = Hash32::of(&i.to_be_bytes());
        let receipt = Receipt {
            of,
            index: i,
            level: ReceiptLevel::Disseminated,
            at: now,
            role: Some(Role::Officer),
            read_back: None,
            decision: None,
            text: Some("r".repeat(400)),
        };
        say(&mut log, Routine, Body::Receipt(receipt));
        say(
            &mut log,
            Routine,
            Body::Conflict(ConflictReport { own: i, other: i + 1, cpa: now, lateral_mm: 1, vertical: None }),
        );
        say(&mut log, Routine, Body::Withdrawn(Withdrawn { of }));
        let states = [ChannelState::InForce, ChannelState::Resumed];
        let reason = "c".repeat(400);
        say(
            &mut log,
            Routine,
            Body::Channel(ChannelStatement { state: states[i as usize % 2], effective: now, reason }),
        );
        say(&mut log, Routine, Body::Desk(DeskStatus { manned: i % 2 == 0, next: Some(now), note: "d".repeat(400) }));
        say(&mut log, Routine, Body::Keys(KeysReplaced { statement: "k".repeat(2000) }));
    }
    // And what is no record at all, as large as an entry may be.
    for i in 0..100_u8 {
        log.say(vec![i | 0x80; link::ENTRY_BYTES_MAX]);
    }
    log
}

/// Frames beyond every rate and form: each session is ended for it, and the next one begins.
async fn garbage(speaker: &Speaker<'_>, log: &Log, held: u64) {
    let large = vec![0xfe; link::ENTRY_BYTES_MAX];
    let far = Frame::Entries { first: held + 5000, entries: vec![large.clone(); 7] }.encode();
    let ahead = Frame::Ahead { index: held + 1, entry: large.clone() }.encode();
    let noise = vec![0xab; link::FRAME_BYTES_MAX];
    let notes = Frame::Checkpoints(vec![vec![b'x'; 4096]; 96]).encode();
    let pact = Frame::PactText("p".repeat(60_000)).encode();
    let oversized = 600_000_u32.to_be_bytes().to_vec();
    for frame in [&far, &ahead, &noise, &notes, &pact, &oversized] {
        let Some(mut session) = speaker.open(log).await else { continue };
        // Written as long as the node reads; it stops when it has read what it refuses.
        for _ in 0..20 {
            let sent = session.send(frame).await;
            if !sent || matches!(session.next(Duration::from_millis(5)).await, None | Some(Some(Frame::Close { .. }))) {
                break;
            }
        }
    }
    // Sessions that write and never read, all at once; the newest takes the place of the one before.
    let mut deaf: Vec<Session> = Vec::new();
    for _ in 0..20 {
        let Some(session) = speaker.open(log).await else { continue };
        for _ in 0..4 {
            session.send(&noise).await;
        }
        deaf.push(session);
    }
}

fn resident_peak_mib(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_peer_that_sends_everything_costs_a_bounded_memory_and_no_acknowledged_record() {
    let _limit = Limit::of("flood", 600);
    let mut world = World::new(Spec { names: &["rogue", "south"], aircraft: 4, ..Spec::default() });
    // The widest rates that a pact can hold: what bounds the node then are its own limits, not the peer's patience.
    let wide = Rate { per_minute: 60_000, burst: 100_000 };
    world.rates = Kind::ALL.map(|kind| (RateOf::Kind(kind), wide)).into_iter().collect();
    for name in ["rogue", "south"] {
        world.write_pact(name, world.pact());
    }
    let mut south = world.start("south");
    let quiet = resident_peak_mib(&south);
    south.file_plans(0..8);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let speaker = Speaker { world: &world, name: "rogue", peer: "south", address: south.link.clone() };
    let mut log = everything(&speaker);
    let (said, bytes) = (log.entries.len() as u64, log.entries.iter().map(Vec::len).sum::<usize>());
    let mut held = 0;
    let (whole, cosigned, refused) = runtime.block_on(async {
        let mut session = speaker.open(&log).await.expect("a session");
        let whole = speaker.say_all(&mut session, &mut log, &mut held).await;
        (whole, session.cosigned, session.refused)
    });
    let filled = resident_peak_mib(&south);
    let view = south.get("/v1/state");
    assert!(whole, "the session ended at {held} of {said}: {}", south.peer("rogue"));
    south.file_plans(8..16);
    runtime.block_on(garbage(&speaker, &log, held));
    assert!(south.is_alive());
    let after = resident_peak_mib(&south);
    println!(
        "said {said} entries, {} MiB; {cosigned} signed for, {refused} refused; peak resident {quiet} MiB before, {filled} \
         MiB when all was said, {after} MiB after the garbage; bound {BOUND_MIB} MiB; {} alerts and notices cut",
        bytes >> 20,
        view["cut"]
    );
    assert!(after <= BOUND_MIB, "{after} MiB are resident at the most, {BOUND_MIB} MiB are the bound");

    // Everything acknowledged is there after a kill: own plans, and what was signed for to the peer.
    south.kill_9();
    let south = world.start("south");
    let again = resident_peak_mib(&south);
    eventually("what was signed for is held", 20, || {
        (south.peer("rogue")["in"]["size"].as_u64()? >= cosigned).then_some(())
    });
    let own = south.list("/v1/plans").iter().filter(|p| p["owner"] == "south").count();
    assert_eq!(own, 16, "own plans that were acknowledged");
    println!("peak resident {again} MiB after the restart");
    assert!(again <= BOUND_MIB, "{again} MiB are resident at the most after a restart");
}
