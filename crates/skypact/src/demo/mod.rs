//! `skypact demo`: three parties on this machine, each a process of its own with its own keys, data and release rules.
mod api;
mod control;
mod party;
mod report;
mod scene;
mod script;

use crate::cli::Global;
use crate::cli::evidence::history::progress;
use crate::clock::utc_ms;
use anyhow::{Context, Result, ensure};
use party::{Party, Plan};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Arguments of the demonstration.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skypact demo                                             built-in traffic; open the three printed links
  skypact demo --recording switzerland_20180801_replay.csv.zst --rate 20
  skypact demo --headless --for 120s                       no browser; ends with a report

Everything runs in exercise mode on loopback; the signed pact, the keys and the data of the three parties lie in --dir.")]
pub struct Args {
    /// Plays a recording (states CSV, JSON lines, trajectories CSV; .gz and .zst are unpacked) instead of the built-in
    /// traffic. Its aircraft are split among the three parties.
    #[arg(long)]
    recording: Option<PathBuf>,
    /// Times real time.
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    /// Begins the recording at this time (RFC 3339) instead of its start.
    #[arg(long)]
    from: Option<String>,
    /// Without a browser: officers act by themselves, and a report is printed at the end.
    #[arg(long)]
    headless: bool,
    /// Ends after this long (for example 90s or 5m). Without it the demonstration runs until Ctrl-C.
    #[arg(long = "for", value_parser = duration)]
    length: Option<Duration>,
    /// Folder for keys, pact, data and logs of the three parties. Must be empty or not exist. Default: a temporary
    /// folder, removed at the end.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// First port of the consoles, 1024 to 65530; links use the three after them. 0 takes free ports.
    #[arg(long, default_value_t = 8480, value_parser = port_base)]
    port_base: u16,
    /// Prints the links and does not suggest to open them.
    #[arg(long)]
    no_browser: bool,
    /// Least separation in this demonstration, as a pact writes it.
    #[arg(long, value_name = "\"5 NM 1000 ft 300 s\"")]
    minima: Option<String>,
}

/// Six ports follow, and those below 1024 are not for a demonstration.
fn port_base(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port == 0 || (1024..=65_530).contains(port));
    port.ok_or_else(|| format!("{text:?} is neither 0 nor a port from 1024 to 65530"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let value: f64 = number.parse().map_err(|_| format!("{text:?} is not a duration such as 90s or 5m"))?;
    let seconds = match unit {
        "s" | "" => value,
        "m" | "min" => value * 60.0,
        "h" => value * 3600.0,
        other => return Err(format!("unknown unit {other:?}; s, m or h")),
    };
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("{text:?} is not between 0.1 s and 24 h"))
    }
}

/// Runs the demonstration.
pub async fn run(args: Args, global: Global) -> Result<()> {
    ensure!(args.rate > 0.0 && args.rate <= 10_000.0, "--rate {} is not above 0 and at most 10000", args.rate);
    let folder = Folder::new(args.dir.as_deref())?;
    let scene = scene::prepare(&args, folder.path())?;
    // The clock begins a few seconds from now, so that all three nodes are up when traffic begins.
    let lead_ms = (4000.0 * args.rate) as i64;
    let plan = Plan {
        start: scene.start.plus_ms(-lead_ms),
        origin_utc_ms: utc_ms(),
        rate: args.rate,
        centre: scene.centre,
        minima: scene.minima,
        ports: ports(args.port_base)?,
    };
    let mut parties = party::create(folder.path(), &scene, &plan)?;
    for party in &mut parties {
        party.start().with_context(|| format!("the node of {}", party.name))?;
    }
    tell(&args, global, &parties, &scene);
    script::links_up(&parties, Duration::from_secs(30)).await?;

    let mut watch = report::Watch::new(&parties);
    let mut script = script::Script::new(args.headless);
    let started = Instant::now();
    let mut every = tokio::time::interval(Duration::from_secs(1));
    let stop = crate::serve::stop_signal();
    tokio::pin!(stop);
    let mut orders = control::orders();
    // Who sits before a map needs no bar.
    let bar = args.length.filter(|_| args.headless).map(|length| progress(length.as_secs(), "watching"));
    let interrupted = loop {
        tokio::select! {
            result = &mut stop => break result.map(|()| true)?,
            _ = every.tick() => {
                for party in &mut parties {
                    party.check_alive()?;
                }
                watch.look(&parties).await;
                script.act(&parties, started.elapsed()).await;
                if let Some(bar) = &bar {
                    bar.set_position(started.elapsed().as_secs());
                }
            }
            Some(order) = orders.recv() => control::obey(&order, &mut parties, global),
        }
        if args.length.is_some_and(|length| started.elapsed() >= length) {
            break false;
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    watch.last_look(&parties).await;
    for party in &mut parties {
        party.stop()?;
    }
    if args.headless || args.length.is_some() {
        let report = report::make(&watch, &script, &parties, started.elapsed(), &args)?;
        report.print(global);
        ensure!(report.is_good() || interrupted, "the demonstration did not show everything it should; see the report");
    }
    drop(folder);
    Ok(())
}

fn tell(args: &Args, global: Global, parties: &[Party], scene: &scene::Scene) {
    if global.json {
        let nodes: Vec<_> = parties
            .iter()
            .map(|p| serde_json::json!({ "party": p.name, "url": p.sign_in, "dir": p.dir.display().to_string() }))
            .collect();
        println!("{}", serde_json::json!({ "nodes": nodes }));
        return;
    }
    println!("Three parties share one sky: {}.", scene.title);
    println!("This is an exercise on this machine; nothing here is live.\n");
    for party in parties {
        println!("  {:<6} {}", party.name, party.sign_in);
    }
    if args.headless {
        return;
    }
    println!(
        "
Each link signs one officer in, once. Look here:
  1 Map: own aircraft are filled; what the other parties released is hollow, as precise as their rules allow.
  2 Conflicts: both parties to a predicted loss of separation are alerted. Enter acknowledges; it stays until it clears.
  3 Notices: an IMMEDIATE notice arrives within a few seconds. Acknowledge it by reading back place, level and time.
  4 Peers: age of information, entries sealed and cosigned (the receipts).
  5 Type `stop south` here and Enter: its peers see its information age, its tracks go stale, a warning sounds.
    `start south` brings it back: nothing said meanwhile is lost.
Keys, pact and logs: {}
Ctrl-C ends it.",
        parties.first().and_then(|p| p.dir.parent()).unwrap_or(Path::new("?")).display()
    );
}

/// Six ports: three consoles, three links.
fn ports(base: u16) -> Result<[u16; 6]> {
    let mut ports = [0; 6];
    // Held all at once, so that none is given twice.
    let mut held = Vec::new();
    for (n, port) in ports.iter_mut().enumerate() {
        let wanted = if base == 0 { 0 } else { base + n as u16 };
        let listener = std::net::TcpListener::bind(("127.0.0.1", wanted))
            .with_context(|| format!("port {wanted} is taken; choose another --port-base, or 0 for free ports"))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// The demonstration's folder; a temporary one goes away with it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(given: Option<&Path>) -> Result<Self> {
        let (path, temporary) = match given {
            Some(path) => (path.to_owned(), false),
            None => (std::env::temp_dir().join(format!("skypact-demo-{}", std::process::id())), true),
        };
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let used = std::fs::read_dir(&path)?.next().is_some();
        ensure!(!used, "{} is not empty: a demonstration begins with new keys in an empty folder", path.display());
        Ok(Self { path: path.canonicalize()?, temporary })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("skypact: {} was not removed: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_leaves_room_for_six_ports() {
        for (text, fits) in [("0", true), ("1", false), ("1023", false), ("1024", true), ("65530", true)] {
            assert_eq!(port_base(text).is_ok(), fits, "{text}");
        }
        for text in ["65531", "65535", "65536", "-1", "x", ""] {
            let want = format!("{text:?} is neither 0 nor a port from 1024 to 65530");
            assert_eq!(port_base(text), Err(want));
        }
    }
}
