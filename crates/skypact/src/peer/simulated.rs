//! Two nodes' real transport over a simulated network: cut, held, slow, lost one way, and a crash in the midst of it.
//!
//! Virtual: time (tokio's, which the node's clock and its fold read too) and the network below TLS, so that minutes pass in
//! moments and a seed gives the same losses. Real: TLS and HTTP/2 with fresh keys, the protocol, journal and link logs in
//! files with their syncs, recovery after a crash. A crash is that of the process: what it wrote stays. The fold runs as a
//! task beside the transport rather than on a thread of its own, since a thread's time is not virtual.
mod padded;
mod wire;

use super::{Connect, Listen, PeerAddress, Readers, Signer, Transport, tls};
use crate::cli::bench::world::{Home, Scratch, agree_padded};
use crate::clock::{Clock, utc_ms};
use crate::core::{CoreConfig, CoreHandle, start_as_task};
use crate::keys::Keys;
use fold::recover;
use journal::fs::{Fs, StdFs};
use link::LinkState;
use node::command::{Actor, Command, SendNotice};
use node::input::{Boot, Input};
use record::{Mode, Notice, NoticeClass, Precedence, Role, SubjectId};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use turmoil::Sim;
use turmoil::net::{TcpListener, TcpStream};
use units::Utc;
use wire::{Watched, Wire};

const PORT: u16 = 7000;
const NAMES: [&str; 2] = ["north", "south"];

/// The longest a link may stay down once the network carries again: an attempt that began before is given up after
/// `HANDSHAKE_MAX`, then comes the longest wait of the backoff; a second for the handshake itself.
const RECONNECT_MAX: Duration = Duration::from_secs(10 + 10 + 1);

struct Listening(TcpListener, Wire);

impl Listen for Listening {
    type Stream = Watched<TcpStream>;

    async fn accept(&self) -> io::Result<(Self::Stream, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        Ok((Watched::new(stream, self.1.clone()), from))
    }
}

struct Simulated(Wire);

impl Connect for Simulated {
    type Stream = Watched<TcpStream>;

    async fn connect(&self, address: &str) -> io::Result<Self::Stream> {
        Ok(Watched::new(TcpStream::connect(address).await?, self.0.clone()))
    }
}

/// What the world outside sees of a node, and says to it.
#[derive(Default)]
struct Seen {
    up: bool,
    frozen: bool,
    out_size: u64,
    cosigned: u64,
    in_size: u64,
    sessions: u64,
    to_say: Vec<Input>,
    accepted: u32,
}

/// One node's folder and what it is started with, again after each crash.
struct Party {
    home: Home,
    boot: Boot,
    peer: PeerAddress,
    seen: Arc<Mutex<Seen>>,
    wire: Wire,
}

impl Party {
    fn data(&self) -> PathBuf {
        self.home.dir.join("data")
    }

    /// A node from start to crash.
    async fn run(&self) -> anyhow::Result<()> {
        let fs: Arc<dyn Fs> = Arc::new(StdFs);
        let recovered = recover(&fs, &self.data(), journal::Options::default())?;
        let last_session = recovered.state.last_session();
        let clock = Clock::exercise(Utc(1_780_272_000_000), utc_ms(), 1.0, recovered.state.now());
        let keys = Arc::new(Keys::load(&self.home.dir.join("keys"))?);
        let name = crate::keys::key_name(&self.home.party);
        let signer = Signer::new(keys.log_signer(&name)?, keys.cosigner(&name)?);
        let own_keys = vec![keys.clone()];
        let snapshot_every = Duration::from_secs(7);
        let snapshots_beside = false;
        let config = CoreConfig {
            fs,
            data: self.data(),
            clock,
            keys,
            snapshot_every,
            snapshots_beside,
            boot: self.boot.clone(),
        };
        let core = start_as_task(config, recovered)?;
        let (own, peer) = (self.home.party.clone(), self.peer.clone());
        let transport = Transport::new(
            core.clone(),
            Arc::new(signer),
            Readers::new(&[]),
            own.clone(),
            vec![peer.clone()],
            last_session,
        );
        let server = tls::server_config(&[&own_keys[0].tls], transport.pins())?;
        let listener = Listening(TcpListener::bind(("0.0.0.0", PORT)).await?, self.wire.clone());
        tokio::spawn(transport.clone().listen(listener, server));
        if own < peer.party {
            tokio::spawn(transport.dial(peer.clone(), own_keys, Simulated(self.wire.clone())));
        }
        let mut every = tokio::time::interval(Duration::from_millis(100));
        loop {
            every.tick().await;
            core.offer(Input::Tick).await?;
            self.exchange(&core).await?;
        }
    }

    async fn exchange(&self, core: &CoreHandle) -> anyhow::Result<()> {
        let inputs = std::mem::take(&mut self.seen.lock().unwrap().to_say);
        for input in inputs {
            let answer = core.input(input).await?;
            assert!(matches!(answer, Some(Ok(_))), "{answer:?}");
            self.seen.lock().unwrap().accepted += 1;
        }
        let peer = self.peer.party.clone();
        let view = core.query(move |state| state.link(&peer).map(|link| link.view(state.now()))).await.flatten();
        let view = view.ok_or_else(|| anyhow::anyhow!("no link"))?;
        let mut seen = self.seen.lock().unwrap();
        (seen.up, seen.frozen) = (view.state == LinkState::Up, matches!(view.state, LinkState::Frozen(_)));
        (seen.out_size, seen.cosigned, seen.in_size) = (view.out_size, view.cosigned, view.in_size);
        seen.sessions = view.last_session.unwrap_or(0);
        Ok(())
    }
}

/// Two nodes and the network between them.
struct World<'a> {
    sim: Sim<'a>,
    parties: [Arc<Party>; 2],
    said: u32,
    _scratch: Scratch,
}

impl World<'_> {
    fn new(seed: u64) -> Self {
        Self::padded(seed, None)
    }

    fn padded(seed: u64, padding: Option<pact::Padding>) -> Self {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let homes = NAMES.map(|name| Home::new(scratch.path(), name).unwrap());
        let pact = agree_padded(&homes[0], &homes[1], padding).unwrap();
        let addresses = [1, 0].map(|n: usize| PeerAddress {
            party: homes[n].party.clone(),
            address: Some(format!("{}:{PORT}", NAMES[n])),
        });
        let mut addresses = addresses.into_iter();
        let parties = homes.map(|home| {
            let boot = Boot {
                party: home.party.clone(),
                mode: Mode::Live,
                pacts: vec![String::from_utf8(pact.to_bytes()).unwrap()],
                feeds: Vec::new(),
                pseudonym_secret: home.keys.pseudonym,
                policy: release::Policy::default(),
                software: "test".into(),
                statements: Vec::new(),
                markings: Vec::new(),
                dss_base_url: None,
                dss_marking: None,
                dss_notifies: false,
            };
            Arc::new(Party { home, boot, peer: addresses.next().unwrap(), seen: Arc::default(), wire: Wire::default() })
        });
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(Duration::from_millis(10))
            .min_message_latency(Duration::from_millis(10))
            .max_message_latency(Duration::from_millis(60))
            .simulation_duration(Duration::from_secs(3600))
            .tcp_capacity(4096)
            .build();
        for party in &parties {
            let run = party.clone();
            sim.host(party.home.party.as_str(), move || {
                let run = run.clone();
                async move { Ok(run.run().await?) }
            });
        }
        Self { sim, parties, said: 0, _scratch: scratch }
    }

    /// Lets virtual time pass; both parties go on saying something, twice a second.
    fn pass(&mut self, time: Duration) {
        let end = self.sim.elapsed() + time;
        let mut next = self.sim.elapsed();
        while self.sim.elapsed() < end {
            if self.sim.elapsed() >= next {
                next += Duration::from_millis(500);
                self.say();
            }
            self.sim.step().unwrap();
        }
    }

    fn say(&mut self) {
        self.say_with(Precedence::Routine);
    }

    fn say_with(&mut self, precedence: Precedence) {
        for party in &self.parties {
            self.said += 1;
            let notice = Notice {
                class: NoticeClass::Information,
                text: format!("number {}", self.said),
                place: None,
                level: None,
                start: None,
                end: None,
                volumes: vec![],
                action: None,
            };
            let mut subject = [0; 16];
            subject[..4].copy_from_slice(&self.said.to_be_bytes());
            let send = SendNotice {
                subject: SubjectId(subject),
                to: vec![party.peer.party.clone()],
                precedence,
                receipt: None,
                notice,
            };
            let actor = Actor { name: "anna".into(), role: Role::Officer };
            let input = Input::Command { actor, key: None, command: Box::new(Command::SendNotice(send)) };
            party.seen.lock().unwrap().to_say.push(input);
        }
    }

    fn seen<T>(&self, ask: impl Fn(&Seen) -> T) -> [T; 2] {
        [0, 1].map(|n| ask(&self.parties[n].seen.lock().unwrap()))
    }

    /// Steps until it is so, at most so long; how long it took.
    #[track_caller]
    fn until(&mut self, what: &str, most: Duration, so: impl Fn(&Self) -> bool) -> Duration {
        let begun = self.sim.elapsed();
        while !so(self) {
            assert!(self.sim.elapsed() - begun <= most, "not within {most:?}: {what}: {:?}", self.seen(sizes));
            self.sim.step().unwrap();
        }
        self.sim.elapsed() - begun
    }

    fn is_up(&self) -> bool {
        self.seen(|seen| seen.up) == [true; 2]
    }

    /// The network carries again: the link comes back in time, everything said is cosigned, nothing stands twice.
    #[track_caller]
    fn recovers(mut self) {
        let away = self.until("the link is up on both sides", RECONNECT_MAX, Self::is_up);
        self.until("everything said is held and cosigned by the other", Duration::from_secs(30), |world| {
            let [north, south] = world.seen(sizes);
            let quiet = world.seen(|seen| seen.to_say.is_empty()) == [true; 2];
            quiet && north.0 == north.1 && south.0 == south.1 && north.0 == south.2 && south.0 == north.2
        });
        assert_eq!(self.seen(|seen| seen.frozen), [false; 2]);
        let accepted: u32 = self.seen(|seen| seen.accepted).iter().sum();
        println!(
            "up again after {away:?} of virtual time; {:?}; sessions {:?}",
            self.seen(sizes),
            self.seen(|s| s.sessions)
        );
        let Self { sim, parties, said, _scratch } = self;
        drop(sim);
        let [north, south] = [0, 1].map(|n| {
            let fs: Arc<dyn Fs> = Arc::new(StdFs);
            let recovered = recover(&fs, &parties[n].data(), journal::Options::default()).unwrap();
            let logs = recovered.stores.map()[&parties[n].peer.party].clone();
            [logs.out, logs.held].map(|log| {
                let mut entries = Vec::new();
                while (entries.len() as u64) < log.size() {
                    entries.extend(log.read(entries.len() as u64, log.size(), 4096, 1 << 20).unwrap());
                }
                entries
            })
        });
        assert!(north[0] == south[1] && south[0] == north[1], "what is held is what was said, in order");
        for out in [&north[0], &south[0]] {
            let distinct: BTreeSet<&[u8]> = out.iter().map(|entry| &entry[..]).collect();
            assert_eq!(distinct.len(), out.len(), "nothing stands twice");
        }
        assert!(accepted <= said && said - accepted <= 2, "{accepted} of {said} notices were accepted");
        assert!(north[0].len() + south[0].len() >= accepted as usize, "what was accepted was said");
    }
}

/// Said, cosigned by the peer, held of the peer.
fn sizes(seen: &Seen) -> (u64, u64, u64) {
    (seen.out_size, seen.cosigned, seen.in_size)
}

/// A world whose link has carried something both ways.
fn started(seed: u64) -> World<'static> {
    let mut world = World::new(seed);
    world.until("the first link", RECONNECT_MAX, World::is_up);
    world.pass(Duration::from_secs(3));
    world
}

const NORTH: &str = NAMES[0];
const SOUTH: &str = NAMES[1];

//= spec/link.md S-3
#[test]
fn a_partition_is_outlived_and_the_link_is_back_within_the_backoff() {
    for seed in 1..=3 {
        let mut world = started(seed);
        world.sim.partition(NORTH, SOUTH);
        world.pass(Duration::from_secs(17 + 11 * seed));
        assert_eq!(world.seen(|seen| seen.up), [false; 2], "both know");
        world.sim.repair(NORTH, SOUTH);
        world.recovers();
    }
}

#[test]
fn loss_one_way_ends_the_session_on_both_sides_and_is_outlived() {
    for (from, to) in [(NORTH, SOUTH), (SOUTH, NORTH)] {
        let mut world = started(7);
        world.sim.partition_oneway(from, to);
        world.pass(Duration::from_secs(40));
        assert_eq!(world.seen(|seen| seen.up), [false; 2], "nobody believes half a link");
        world.sim.repair_oneway(from, to);
        world.recovers();
    }
}

#[test]
fn what_the_network_held_and_then_delivers_late_does_no_harm() {
    let mut world = started(11);
    world.sim.hold(NORTH, SOUTH);
    world.pass(Duration::from_secs(25));
    world.sim.release(NORTH, SOUTH);
    world.recovers();
}

#[test]
fn a_path_that_becomes_slow_keeps_its_session() {
    let mut world = started(13);
    let before = world.seen(|seen| seen.sessions);
    world.sim.set_link_latency(NORTH, SOUTH, Duration::from_millis(900));
    world.pass(Duration::from_secs(20));
    assert!(world.is_up());
    assert_eq!(world.seen(|seen| seen.sessions), before, "slow is not silent");
    world.recovers();
}

//= spec/link.md S-4
#[test]
fn a_crash_in_the_midst_of_a_session_loses_and_doubles_nothing() {
    for (seed, name) in [(17, NORTH), (19, SOUTH)] {
        let mut world = started(seed);
        for _ in 0..2 {
            world.sim.crash(name);
            world.pass(Duration::from_secs(4));
            world.sim.bounce(name);
            world.pass(Duration::from_secs(6));
        }
        world.recovers();
    }
}
