//! Feeds over sockets: servers that serve, die, come back and talk nonsense.
use crate::common::node::Node;
use crate::common::world::{START_S, Spec, World};
use crate::common::{Limit, eventually};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a server sends next; its number counts from 0.
type Says = Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>;

/// A server of a feed, on an address that it keeps when it dies and comes back.
struct Server {
    address: SocketAddr,
    says: Says,
    http: bool,
    alive: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    sent: Arc<AtomicU32>,
}

impl Server {
    fn start(http: bool, says: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut server =
            Self { address, says: Arc::new(says), http, alive: Arc::default(), thread: None, sent: Arc::default() };
        server.run(listener);
        server
    }

    fn run(&mut self, listener: TcpListener) {
        self.alive.store(true, Ordering::SeqCst);
        listener.set_nonblocking(true).unwrap();
        let (alive, says, sent, http) = (self.alive.clone(), self.says.clone(), self.sent.clone(), self.http);
        self.thread = Some(std::thread::spawn(move || {
            while alive.load(Ordering::SeqCst) {
                let Ok((socket, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                };
                socket.set_nonblocking(false).unwrap();
                // One client at a time is what these sources have; an error is the client's end.
                let _ended = if http { answer(socket, &*says, &sent) } else { stream(socket, &*says, &sent, &alive) };
            }
        }));
    }

    fn die(&mut self) {
        self.alive.store(false, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }

    fn come_back(&mut self) {
        let listener = eventually("the port is free", 10, || TcpListener::bind(self.address).ok());
        self.run(listener);
    }
}

fn answer(mut socket: TcpStream, says: &dyn Fn(u32) -> Vec<u8>, sent: &AtomicU32) -> std::io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(socket.try_clone()?);
    reader.read_line(&mut line)?;
    assert!(line.starts_with("GET /data/aircraft.json HTTP/1.1"), "{line}");
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let body = says(sent.fetch_add(1, Ordering::SeqCst));
    let status = if body.is_empty() { "500 Internal Server Error" } else { "200 OK" };
    write!(socket, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len())?;
    socket.write_all(&body)
}

fn stream(
    mut socket: TcpStream,
    says: &dyn Fn(u32) -> Vec<u8>,
    sent: &AtomicU32,
    alive: &AtomicBool,
) -> std::io::Result<()> {
    while alive.load(Ordering::SeqCst) {
        socket.write_all(&says(sent.fetch_add(1, Ordering::SeqCst)))?;
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The exercise's clock as the servers know it.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn now_s(self) -> f64 {
        START_S as f64 + self.0.elapsed().as_secs_f64()
    }

    /// As SBS writes it.
    fn sbs(self) -> String {
        let whole = jiff::Timestamp::from_second(self.now_s() as i64).unwrap().to_string();
        let (date, time) = whole.trim_end_matches('Z').split_once('T').unwrap();
        format!("{},{time}.{:03}", date.replace('-', "/"), (self.now_s().fract() * 1000.0) as u32)
    }
}

fn aircraft_json(clock: Clock, n: u32) -> Vec<u8> {
    match n % 10 {
        // Not a document, and a server's fault: said, counted, outlived.
        4 => b"<html>busy</html>".to_vec(),
        7 if n == 7 => Vec::new(),
        _ => {
            let lon = 8.0 + f64::from(n) * 0.0005;
            let now = clock.now_s();
            format!(
                "{{\"now\":{now:.3},\"messages\":1,\"aircraft\":[\
                 {{\"hex\":\"4b1801\",\"flight\":\"JSON1   \",\"alt_baro\":31000,\"gs\":400,\"track\":90,\"lat\":47.1,\"lon\":{lon},\"seen_pos\":0.1,\"seen\":0.1}},\
                 {{\"hex\":\"zzzzzz\",\"lat\":1,\"lon\":2,\"seen_pos\":0}},{{\"hex\":\"4b1802\",\"lat\":95.0,\"lon\":8,\"seen_pos\":0}}]}}"
            )
            .into_bytes()
        }
    }
}

fn sbs(clock: Clock, n: u32) -> Vec<u8> {
    let at = clock.sbs();
    let lat = 46.0 + f64::from(n) * 0.0003;
    let good = format!("MSG,3,1,1,4B1803,1,{at},{at},,24000,,,{lat:.5},9.0,,,0,0,0,0\r\n");
    let bad = "MSG,3,1,1,NOTHEX,1,,,,,,,,,,,,,,\r\n\u{0}\u{1}rubbish without a comma\r\n";
    if n % 5 == 3 { format!("{bad}{good}") } else { good }.into_bytes()
}

/// An airborne position of 40621D at 38,000 ft (DF17, type 11), in the even or the odd form of CPR.
fn squitter(lat: f64, lon: f64, odd: bool) -> [u8; 14] {
    let cpr = |value: f64, zone: f64| ((131_072.0 * value.rem_euclid(zone) / zone + 0.5).floor() as u64) & 0x1_ffff;
    let zone = 360.0 / if odd { 59.0 } else { 60.0 };
    let y = cpr(lat, zone);
    let back = zone * (y as f64 / 131_072.0 + (lat / zone).floor());
    let one = 1.0 - (1.0 - (std::f64::consts::PI / 30.0).cos()) / back.to_radians().cos().powi(2);
    let zones = (2.0 * std::f64::consts::PI / one.acos()).floor() - f64::from(u8::from(odd));
    let x = cpr(lon, 360.0 / zones.max(1.0));
    let message = 11 << 51 | 0xc38 << 36 | u64::from(odd) << 34 | y << 17 | x;
    let mut frame = [0; 14];
    frame[..4].copy_from_slice(&[0x8d, 0x40, 0x62, 0x1d]);
    frame[4..11].copy_from_slice(&message.to_be_bytes()[1..]);
    let mut parity = 0_u32;
    for byte in &frame[..11] {
        parity ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            parity = (parity << 1) ^ if parity & 0x80_0000 == 0 { 0 } else { 0x1ff_f409 };
        }
    }
    frame[11..].copy_from_slice(&parity.to_be_bytes()[1..]);
    frame
}

fn beast(clock: Clock, n: u32) -> Vec<u8> {
    let mut out = Vec::new();
    if n % 5 == 3 {
        out.extend_from_slice(&[0x1a, 0x33, 1, 2, 3, 0xff, 0xff, 0x00, 0x99]);
    }
    let ticks = (clock.0.elapsed().as_secs_f64() * 12e6) as u64;
    for (k, odd) in [false, true].into_iter().enumerate() {
        let mut body = (ticks + k as u64 * 6_000).to_be_bytes()[2..].to_vec();
        body.push(0x80);
        body.extend(squitter(52.2572, 3.9194 + f64::from(n) * 0.0003, odd));
        out.extend_from_slice(&[0x1a, 0x33]);
        for byte in body {
            out.push(byte);
            if byte == 0x1a {
                out.push(byte);
            }
        }
    }
    out
}

fn feed(node: &Node, name: &str) -> Value {
    node.list("/v1/feeds").into_iter().find(|f| f["name"] == name).unwrap()
}

fn has_fresh(node: &Node, address: &str) -> Option<()> {
    let fresh = |t: &Value| t["address"] == address && t["stale"] == false;
    node.list("/v1/tracks").iter().any(fresh).then_some(())
}

#[test]
fn feeds_over_sockets_live_through_deaths_and_nonsense() {
    let _limit = Limit::of("feeds", 90);
    let world = World::new(Spec::default());
    let clock = Clock(Instant::now());
    let mut servers = [
        ("json", "aircraft-json", "4b1801", Server::start(true, move |n| aircraft_json(clock, n))),
        ("sbs", "sbs", "4b1803", Server::start(false, move |n| sbs(clock, n))),
        ("beast", "beast", "40621d", Server::start(false, move |n| beast(clock, n))),
    ];
    let mut config = world.config("north");
    for (name, format, _, server) in &servers {
        let at = server.address;
        let source = if server.http { format!("http://{at}/data/aircraft.json") } else { format!("tcp://{at}") };
        config += &format!(
            "\n[[feed]]\nname = \"{name}\"\nformat = \"{format}\"\nsource = \"{source}\"\nclaim = \"observed\"\nevery_s = 0.2\n"
        );
    }
    // A feed that is never there must not keep the others waiting.
    config += "\n[[feed]]\nname = \"dead\"\nformat = \"sbs\"\nsource = \"tcp://127.0.0.1:9\"\nclaim = \"observed\"\n";
    config +=
        "\n[[feed]]\nname = \"absent\"\nformat = \"aircraft-json\"\nsource = \"absent.json\"\nclaim = \"observed\"\n";
    fs::write(world.home("north").join("skypact.toml"), config).unwrap();
    let north = world.start("north");
    for (name, _, address, _) in &servers {
        eventually(&format!("{name}: its aircraft is on the map"), 20, || has_fresh(&north, address));
        eventually(&format!("{name}: nonsense is counted"), 20, || {
            (feed(&north, name)["errors"].as_u64()? > 0).then_some(())
        });
        let shown =
            eventually(&format!("{name} is up"), 20, || Some(feed(&north, name)).filter(|f| f["state"] == "up"));
        assert!(shown["reports"].as_u64().unwrap() > 0, "{shown}");
        assert!(north.metric(&format!("skypact_feed_errors_total{{feed=\"{name}\"}}")) > 0.0);
    }
    for (name, words) in [("dead", "cannot connect to 127.0.0.1:9"), ("absent", "cannot read")] {
        let shown = feed(&north, name);
        assert_eq!(shown["state"], "connecting", "{shown}");
        assert!(shown["last_error"].as_str().unwrap().contains(words), "{shown}");
    }
    for (name, _, address, server) in &mut servers {
        let before = feed(&north, name)["reports"].as_u64();
        server.die();
        let down =
            eventually(&format!("{name} is not up"), 20, || Some(feed(&north, name)).filter(|f| f["state"] != "up"));
        assert!(down["last_error"].is_string(), "what happened is said: {down}");
        server.come_back();
        eventually(&format!("{name} is up again"), 40, || (feed(&north, name)["state"] == "up").then_some(()));
        eventually("new reports", 10, || (feed(&north, name)["reports"].as_u64() > before).then_some(()));
        eventually("its aircraft is shown", 10, || has_fresh(&north, address));
    }
    let sent: Vec<u32> = servers.iter().map(|s| s.3.sent.load(Ordering::SeqCst)).collect();
    println!(
        "feeds: messages sent {sent:?}; {}",
        north.metrics().lines().filter(|l| l.starts_with("skypact_feed")).collect::<Vec<_>>().join(" ")
    );
    north.stop();
    for (.., server) in &mut servers {
        server.die();
    }
}

#[test]
fn a_feed_of_which_nothing_can_be_read_is_not_up_and_says_why() {
    let _limit = Limit::of("feeds without sense", 60);
    let world = World::new(Spec { aircraft: 1, length_s: 10, ..Spec::default() });
    let clock = Clock(Instant::now());
    // Words, a time in milliseconds, noise of a receiver, a line that never ends.
    let noise = |n: u32| (0..2000_u32).map(|k| ((n * 2000 + k).wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let endless = |_| vec![b'x'; 100_000];
    let in_ms = move |_| format!("{{\"now\":{},\"aircraft\":[]}}", clock.now_s() * 1000.0).into_bytes();
    let mut servers = [
        ("ms", "aircraft-json", "now is not a time", Server::start(true, in_ms)),
        ("noise", "beast", "byte", Server::start(false, noise)),
        ("endless", "sbs", "line 1: longer than 16384 bytes", Server::start(false, endless)),
    ];
    let quiet = Server::start(false, |_| Vec::new());
    let mut config = world.config("north");
    for (name, format, _, server) in &servers {
        let at = server.address;
        let source = if server.http { format!("http://{at}/data/aircraft.json") } else { format!("tcp://{at}") };
        config += &format!(
            "\n[[feed]]\nname = \"{name}\"\nformat = \"{format}\"\nsource = \"{source}\"\nclaim = \"observed\"\nevery_s = 0.2\n"
        );
    }
    config += &format!(
        "\n[[feed]]\nname = \"quiet\"\nformat = \"sbs\"\nsource = \"tcp://{}\"\nclaim = \"observed\"\n",
        quiet.address
    );
    let rows = "now,hex,lat,lon,alt_baro\n";
    let good = format!("{{\"now\":{START_S},\"hex\":\"a3e31a\",\"lat\":47,\"lon\":8}}\n");
    fs::write(world.home("north").join("part.jsonl"), format!("{good}{rows}{good}nonsense\n")).unwrap();
    config += "\n[[feed]]\nname = \"part\"\nformat = \"jsonl\"\nsource = \"part.jsonl\"\nclaim = \"observed\"\n";
    fs::write(world.home("north").join("skypact.toml"), config).unwrap();
    let north = world.start("north");
    for (name, _, words, _) in &servers {
        let shown =
            eventually(&format!("{name} is down"), 30, || Some(feed(&north, name)).filter(|f| f["state"] == "down"));
        assert!(shown["last_error"].as_str().unwrap().contains(words), "{shown}");
        assert!(shown["errors"].as_u64() > Some(0) && shown["reports"] == 0, "{shown}");
    }
    let shown = feed(&north, "quiet");
    assert_eq!(
        (&shown["state"], &shown["last_error"]),
        (&"connecting".into(), &"connected, nothing read yet".into()),
        "{shown}"
    );
    let part = feed(&north, "part");
    assert_eq!((&part["errors"], &part["reports"]), (&2.into(), &2.into()), "{part}");
    north.stop();
    for (.., server) in &mut servers {
        server.die();
    }
}
