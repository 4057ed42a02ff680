//! `bench alert`: from the bytes of a report to the alert on an open console, in a running node with all its other traffic.
use super::node::Process;
use crate::cli::bench::table::{Report, Row, Unit, cpu_s, figure, percentile};
use crate::cli::bench::world::{Home, Scratch, Traffic, sbs_line};
use crate::cli::bench::{Common, up_to};
use ::detect::scenario::{Family, SEED};
use anyhow::{Context, Result, anyhow, ensure};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use track::{Callsign, TrackReport};
use units::{Angle, Height, Position, Speed, Utc};

/// Connecting and filling the picture is not what is measured.
const SETTLE: Duration = Duration::from_secs(5);
/// Parts of a second in which the aircraft report, a hundredth of them in each.
const STEPS: usize = 100;
/// A pair that is to meet is told of so often.
const PROBE_EVERY: usize = 20;
/// An alert that has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Aircraft, each reporting once a second.
    #[arg(long, value_delimiter = ',', default_values_t = [100usize, 1_000, 10_000], value_parser = up_to(20_000))]
    size: Vec<usize>,
    /// Seconds of a run, after five to settle; five pairs a second.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let mut rows = Vec::new();
    for &size in &args.size {
        let runs = args.common.measure(|| one(args, size))?;
        let mut all: Vec<f64> = runs.iter().flat_map(|run| run.delays.iter().copied()).collect();
        let cpu = runs.iter().map(|run| run.cpu_percent).fold(0.0, f64::max);
        let (p50, p99, most) = (percentile(&mut all, 50), percentile(&mut all, 99), percentile(&mut all, 100));
        let p99s = runs.into_iter().map(|mut run| percentile(&mut run.delays, 99)).collect();
        rows.push(
            Row::new(format!("{size} aircraft, p99 of a run"), 0, Unit::Ms, p99s)
                .and("p50 of all", format!("{} ms", figure(p50)))
                .and("p99 of all", format!("{} ms", figure(p99)))
                .and("most", format!("{} ms", figure(most)))
                .and("alerts", all.len().to_string())
                .and("node", format!("{} % of a core", figure(cpu))),
        );
    }
    Ok(Report {
        bench: "alert",
        scenario: format!(
            "from the first byte of the report that makes a conflict, written to a feed's socket, to the message with its alert on an \
             open console; aircraft of the globe family at 1 Hz; {} s a run",
            args.seconds
        ),
        seed: Some(SEED),
        rows,
        notes: vec![
            "the node is a process of its own, durable; the load generator and the console share the machine's cores with it".into(),
        ],
    })
}

struct Run {
    delays: Vec<f64>,
    cpu_percent: f64,
}

fn one(args: &Args, size: usize) -> Result<Run> {
    let scratch = Scratch::new(&args.common.dir())?;
    let node = Home::new(scratch.path(), "a-node")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let source = format!("tcp://{}", listener.local_addr()?);
    node.write_config_of("127.0.0.1:0", &[], Some(("sbs", &source)))?;
    let process = Process::start(&node)?;
    let run = node.dir.join("data/run");
    let (address, token) = (std::fs::read_to_string(run.join("api"))?, std::fs::read_to_string(run.join("token"))?);
    let (seen, alerts) = mpsc::channel();
    let (address, token) = (address.trim().to_owned(), token.trim().to_owned());
    // The console has a thread of its own, so that what it takes in does not hold up the feed.
    let console = std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(watch(&address, &token, &seen))
    });
    let sent = runtime.block_on(async {
        let (socket, _) = listener.accept().await?;
        feed(socket, size, args.seconds, process.id()).await
    })?;
    let mut delays = Vec::new();
    let mut waits: BTreeMap<u32, Instant> = sent.pairs.into_iter().collect();
    let until = Instant::now() + PATIENCE;
    while !waits.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        let (number, at) = alerts.recv_timeout(left).map_err(|_| match console.is_finished() {
            true => anyhow!("the console's stream ended"),
            false => anyhow!("{} of the conflicts had no alert after {} s", waits.len(), PATIENCE.as_secs()),
        })?;
        if let Some(sent) = waits.remove(&number) {
            delays.push(at.duration_since(sent).as_secs_f64() * 1e3);
        }
    }
    ensure!(!delays.is_empty(), "no pair was told of");
    Ok(Run { delays, cpu_percent: sent.cpu_percent })
}

/// Passes on the numbers of the pairs whose alerts a console is shown.
async fn watch(address: &str, token: &str, seen: &mpsc::Sender<(u32, Instant)>) -> Result<()> {
    let mut request = format!("ws://{address}/v1/stream").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (mut stream, _) = client_async(request, socket).await.context("the node's stream")?;
    let mut known = std::collections::BTreeSet::new();
    while let Some(message) = stream.next().await {
        let at = Instant::now();
        let Message::Text(text) = message? else { continue };
        // A callsign is in a state message where its alert is, and nowhere else.
        for (from, _) in text.match_indices("\"PQ") {
            let digits: String = text[from + 3..].chars().take_while(char::is_ascii_digit).collect();
            if text.contains("\"type\":\"state\"")
                && let Ok(number) = digits.parse()
                && known.insert(number)
                && seen.send((number, at)).is_err()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

struct Sent {
    pairs: Vec<(u32, Instant)>,
    cpu_percent: f64,
}

/// Reports of all aircraft, evenly over each second, and pairs that meet head on, each where nobody else is.
async fn feed(mut socket: TcpStream, size: usize, seconds: u32, node: u32) -> Result<Sent> {
    socket.set_nodelay(true)?;
    let mut traffic = Traffic::new(Family::Globe, size)?;
    let begun = Instant::now();
    let mut pairs = Vec::new();
    let mut counted = None;
    let steps = (SETTLE.as_secs() as usize + seconds as usize) * STEPS;
    let mut lines = Vec::new();
    for step in 0..steps {
        if step % STEPS == 0 {
            let now = Utc(crate::clock::utc_ms());
            traffic.step(now, 1.0)?;
            lines = traffic.sbs_lines();
        }
        tokio::time::sleep_until((begun + Duration::from_millis(step as u64 * 1000 / STEPS as u64)).into()).await;
        let text: String = lines.iter().skip(step % STEPS).step_by(STEPS).map(String::as_str).collect();
        socket.write_all(text.as_bytes()).await?;
        if step < SETTLE.as_secs() as usize * STEPS {
            continue;
        }
        let (cpu, since) = *counted.get_or_insert_with(|| (cpu_s(Some(node)), Instant::now()));
        let probe = step / PROBE_EVERY;
        match step % PROBE_EVERY {
            // One first, and half a probe later the other, 7.5 NM ahead at 900 kt of closing: 10 s to the loss.
            0 => socket.write_all(probe_line(probe, false)?.as_bytes()).await?,
            n if n == PROBE_EVERY / 2 => {
                pairs.push((probe as u32, Instant::now()));
                socket.write_all(probe_line(probe, true)?.as_bytes()).await?;
            }
            _ => {}
        }
        if step + 1 == steps {
            let cpu_percent = (cpu_s(Some(node)) - cpu) / since.elapsed().as_secs_f64() * 100.0;
            return Ok(Sent { pairs, cpu_percent });
        }
    }
    anyhow::bail!("a run of no length")
}

/// At 80,000 ft, where nobody of the family flies, a place of its own for each pair.
fn probe_line(probe: usize, second: bool) -> Result<String> {
    let (lat, lon) = (-60.0 + (probe % 120) as f64, -170.0 + (probe / 120 % 340) as f64);
    let ahead = if second { 7.5 / 60.0 } else { 0.0 };
    let mut report = TrackReport::new(
        0xF8_0000 + probe as u64 * 2 + u64::from(second),
        Position::from_degrees(lat + ahead, lon)?,
        Utc(0),
    );
    report.callsign = Callsign::parse(&format!("{}{probe}", if second { "PQ" } else { "PP" })).ok();
    report.pressure = Some(Height::from_feet(80_000));
    report.speed = Some(Speed::from_knots(450.0));
    report.track = Angle::from_degrees(if second { 180.0 } else { 0.0 });
    Ok(sbs_line(&report))
}
