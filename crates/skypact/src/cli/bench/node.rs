//! `bench node`: a node as it is operated, in a process of its own, fed by a receiver's file, with its peers in processes
//! of theirs, in real time.
use crate::cli::bench::table::{Report, Row, Unit, cpu_s, figure, mib, peak_rss, spread};
use crate::cli::bench::world::{Home, Scratch, Traffic, agree, bytes_below};
use crate::cli::bench::{Common, up_to};
use ::detect::scenario::{Family, SEED};
use anyhow::{Context, Result, bail, ensure};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use units::Utc;

/// Starting, connecting and filling the picture is not what is measured.
const SETTLE: Duration = Duration::from_secs(5);
/// A node that has not started by then never will.
const START_MAX: Duration = Duration::from_secs(30);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Aircraft, each reporting once a second.
    #[arg(long, value_delimiter = ',', default_values_t = [500usize, 2_000, 8_000],
          value_parser = up_to(16_000))]
    size: Vec<usize>,
    /// Numbers of peers.
    #[arg(long, value_delimiter = ',', default_values_t = [1usize, 4],
          value_parser = up_to(8))]
    peers: Vec<usize>,
    /// Seconds of a run, after five to settle.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let mut rows = Vec::new();
    for &size in &args.size {
        for &peers in &args.peers {
            let runs = args.common.measure(|| one(args, size, peers))?;
            rows.push(row(size, peers, runs));
        }
    }
    Ok(Report {
        bench: "node",
        scenario: format!(
            "aircraft of the box family, 450 kt, released in full to every peer; {} s a run",
            args.seconds
        ),
        seed: Some(SEED),
        rows,
        notes: vec![
            "each node is a process of its own; CPU and memory are of the measured one alone, no console is open"
                .into(),
            "CPU counts user and system time; the peers and the load generator share the machine's cores with it"
                .into(),
        ],
    })
}

/// What one run gave.
struct Figures {
    cpu_percent: f64,
    rss: u64,
    disk_per_hour: f64,
    tracks: u64,
}

fn row(size: usize, peers: usize, runs: Vec<Figures>) -> Row {
    let median = |f: fn(&Figures) -> f64| spread(&runs.iter().map(f).collect::<Vec<_>>()).0;
    let cpu = runs.iter().map(|f| f.cpu_percent).collect();
    Row::new(format!("{size} aircraft, {peers} peers"), size as u64, Unit::PercentOfCore, cpu)
        .and("peak memory", mib(median(|f| f.rss as f64) as u64))
        .and("disk", format!("{} an hour", mib(median(|f| f.disk_per_hour) as u64)))
        .and("tracks held at the end", figure(median(|f| f.tracks as f64)))
}

/// A node's process; killed when dropped.
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about an error here.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Process {
    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Starts the node of a folder, and waits until it answers.
    pub(super) fn start(home: &Home) -> Result<Self> {
        let log = std::fs::File::create(home.dir.join("log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", "--config"])
            .arg(home.dir.join("skypact.toml"))
            .env("SKYPACT_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start a node")?;
        let mut process = Self(child);
        let begun = Instant::now();
        while !home.dir.join("data/run/api").exists() {
            if let Some(status) = process.0.try_wait()? {
                bail!("{} ended at its start ({status}): {}", home.party, tail(&home.dir));
            }
            ensure!(begun.elapsed() < START_MAX, "{} did not start: {}", home.party, tail(&home.dir));
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(process)
    }
}

fn tail(dir: &Path) -> String {
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    log.lines().rev().take(3).collect::<Vec<_>>().join("; ")
}

/// A port that is free now.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn one(args: &Args, size: usize, peers: usize) -> Result<Figures> {
    let scratch = Scratch::new(&args.common.dir())?;
    let node = Home::new(scratch.path(), "a-node")?;
    let homes: Vec<Home> =
        (1..=peers).map(|n| Home::new(scratch.path(), &format!("peer-{n}"))).collect::<Result<_>>()?;
    let (mut processes, mut addresses) = (Vec::new(), Vec::new());
    for peer in &homes {
        agree(&node, peer)?;
        let address = format!("127.0.0.1:{}", free_port()?);
        peer.write_config(&address, &[(&node.party, None)], None)?;
        processes.push(Process::start(peer)?);
        addresses.push((&peer.party, Some(address)));
    }
    let mut traffic = Traffic::new(Family::Box, size)?;
    let file = node.dir.join("aircraft.json");
    write_traffic(&mut traffic, &file)?;
    node.write_config("127.0.0.1:0", &addresses, Some("aircraft.json"))?;
    let measured = Process::start(&node)?;
    let pid = measured.id();
    let data = node.dir.join("data");
    drive(&mut traffic, &file, SETTLE)?;
    let (cpu, bytes, begun) = (cpu_s(Some(pid)), bytes_below(&data), Instant::now());
    drive(&mut traffic, &file, Duration::from_secs(u64::from(args.seconds)))?;
    let wall = begun.elapsed().as_secs_f64();
    let cpu_percent = (cpu_s(Some(pid)) - cpu) / wall * 100.0;
    let disk_per_hour = bytes_below(&data).saturating_sub(bytes) as f64 / wall * 3600.0;
    let (tracks, links) = metrics(&data)?;
    ensure!(links == peers as u64, "{links} of {peers} links are up: {}", tail(&node.dir));
    Ok(Figures { cpu_percent, rss: peak_rss(Some(pid)), disk_per_hour, tracks })
}

/// Writes the receiver's file once a second.
fn drive(traffic: &mut Traffic, file: &Path, length: Duration) -> Result<()> {
    let begun = Instant::now();
    let mut due = Duration::from_secs(1);
    while begun.elapsed() < length {
        std::thread::sleep(due.min(length).saturating_sub(begun.elapsed()));
        write_traffic(traffic, file)?;
        due += Duration::from_secs(1);
    }
    Ok(())
}

fn write_traffic(traffic: &mut Traffic, file: &Path) -> Result<()> {
    let now = Utc(crate::clock::utc_ms());
    traffic.step(now, 1.0)?;
    let new = file.with_extension("new");
    std::fs::write(&new, traffic.aircraft_json(now))?;
    // A reader sees the old document or the new one, never a part.
    std::fs::rename(&new, file).context("cannot replace the receiver's file")
}

/// The node's own metrics.
pub(super) fn metrics_text(data: &Path) -> Result<String> {
    use std::io::{Read, Write};
    let address = std::fs::read_to_string(data.join("run/api"))?;
    let mut socket = std::net::TcpStream::connect(address.trim()).context("the node's API")?;
    write!(socket, "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", address.trim())?;
    let mut text = String::new();
    socket.take(1 << 20).read_to_string(&mut text)?;
    Ok(text)
}

/// Tracks held and links up, by the node's own metrics.
fn metrics(data: &Path) -> Result<(u64, u64)> {
    let text = metrics_text(data)?;
    let values = |name: &str| -> Vec<f64> {
        let of = |l: &str| l.strip_prefix(name)?.rsplit_once(' ')?.1.parse().ok();
        text.lines().filter_map(of).collect()
    };
    let tracks = values("skypact_tracks").first().copied();
    let links = values("skypact_link_up").iter().filter(|v| **v == 1.0).count() as u64;
    Ok((tracks.context("the node's metrics say nothing of tracks")? as u64, links))
}
