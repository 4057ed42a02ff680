//! `skypact inhibit`: conflicts taken from among the alarms, by whom, why and until when.
use crate::cli::client::{self, Client, NodeArgs, show_time};
use crate::cli::geojson;
use crate::cli::plan::volume_json;
use crate::cli::values::{self, When, plain};
use crate::cli::{Global, Outcome};
use airspace::{Limit, Volume4d};
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use units::Utc;

const AFTER: &str = "\
Examples:
  skypact inhibit pair TIGER1 TIGER2 --until +2h --reason \"Formation, leader separates\"
  skypact inhibit flight 3c6444 --until 2026-08-01T18:00:00Z --reason \"Calibration flight, coordinated by telephone\"
  skypact inhibit list
  skypact inhibit lift 3

A flight is an own one by callsign or 24-bit address, and any other by address: its callsign is what a peer calls it. In a pair, of which
one is always an own aircraft, a callsign may name either. Conflicts under an inhibition stay on the desk as cautions that name it, whatever becomes
of them, and are what they are again when it ends: by itself at its time (at most 24 hours ahead), or lifted. Alerts about protected
sites, plans, links and notices are never inhibited. At most 50 at once; who asked, why and when stands in the audit.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (role, a time out of bounds, no such inhibition).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: InhibitCommand,
}

#[derive(Debug, Subcommand)]
enum InhibitCommand {
    /// Every conflict of one flight.
    Flight {
        /// Address, or callsign of an own aircraft.
        flight: String,
        #[command(flatten)]
        why: Why,
    },
    /// The conflicts of two flights with each other.
    Pair {
        /// Callsign or address.
        a: String,
        /// Of the other.
        b: String,
        #[command(flatten)]
        why: Why,
    },
    /// Conflicts of which both aircraft are certainly in a volume.
    Volume {
        /// GeoJSON with the volume (properties as of `skypact plan`), of at most 20 corners.
        file: PathBuf,
        #[command(flatten)]
        why: Why,
    },
    /// Shows those in force.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Ends one before its time.
    Lift {
        /// Its number.
        id: u64,
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Why {
    /// When it ends: 2026-08-01T05:00:00Z, or +2h from now by the node's clock.
    #[arg(long, value_name = "TIME", value_parser = values::when)]
    until: When,
    /// Why, in up to 400 bytes.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub fn run(args: &Args, global: Global) -> Outcome {
    match &args.command {
        InhibitCommand::Flight { flight, why } => ask(why, global, |_, _| Ok(json!({ "flight": flight })))?,
        InhibitCommand::Pair { a, b, why } => ask(why, global, |_, _| Ok(json!({ "pair": [a, b] })))?,
        InhibitCommand::Volume { file, why } => ask(why, global, |now, until| {
            let of = || file.display().to_string();
            let bytes = std::fs::read(file).with_context(of)?;
            let text = std::str::from_utf8(&bytes).context("not UTF-8").with_context(of)?;
            let mut shapes = geojson::shapes(text).with_context(of)?;
            ensure!(shapes.len() == 1, "{}: {} volumes; an inhibition is of one", of(), shapes.len());
            let shape = shapes.remove(0);
            let (lower, upper) = (shape.lower.unwrap_or(Limit::Unlimited), shape.upper.unwrap_or(Limit::Unlimited));
            let (start, end) = (shape.start.map_or(now, |w| w.at(now)), shape.end.map_or(until, |w| w.at(now)));
            Ok(json!({ "volume": volume_json(&Volume4d { outline: shape.outline, lower, upper, start, end }) }))
        })?,
        InhibitCommand::List { node } => {
            let all = client::talk(node, async |client: &Client| client.list("/v1/inhibitions").await)?;
            list(&all, global);
        }
        InhibitCommand::Lift { id, node } => {
            let path = format!("/v1/inhibitions/{id}");
            let name = id.to_string();
            client::talk(node, async |client: &Client| {
                client.command(Method::DELETE, &path, None).await?;
                client.settle("/v1/inhibitions", |all| all.iter().all(|i| i["id"].as_str() != Some(&name))).await
            })?;
            println!(
                "{}",
                if global.json {
                    json!({ "lifted": id.to_string() }).to_string()
                } else {
                    format!("Inhibition {id} is lifted.")
                }
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(why: &Why, global: Global, of: impl Fn(Utc, Utc) -> Result<Value>) -> Result<()> {
    let answer = client::talk(&why.node, async |client: &Client| {
        let now = client.now().await?;
        let until = why.until.at(now);
        let mut body = of(now, until)?;
        (body["reason"], body["until_utc_ms"]) = (json!(why.reason), json!(until.0));
        let answer = client.command(Method::POST, "/v1/inhibitions", Some(body)).await?;
        client.settle("/v1/inhibitions", |all| all.iter().any(|i| i["id"] == answer["id"])).await?;
        Ok(answer)
    })?;
    if global.json {
        println!("{answer}");
    } else {
        println!("Inhibition {} is in force.", plain(answer["id"].as_str().unwrap_or_default()));
    }
    Ok(())
}

fn list(all: &[Value], global: Global) {
    if global.json {
        println!("{}", json!(all));
        return;
    }
    for i in all {
        let text = |name: &str| plain(i[name].as_str().unwrap_or_default());
        let of = match (i["flight"].as_str(), i["pair"].as_array()) {
            (Some(flight), _) => format!("flight {}", plain(flight)),
            (_, Some(pair)) => {
                let names: Vec<String> = pair.iter().map(|n| plain(n.as_str().unwrap_or_default())).collect();
                format!("pair {}", names.join(" and "))
            }
            _ => String::from("volume"),
        };
        println!(
            "{:>4}  {of}; until {}, by {}: {}",
            text("id"),
            show_time(&i["until_utc_ms"]),
            text("owner"),
            text("reason")
        );
    }
    if all.is_empty() {
        println!("Nothing is inhibited.");
    }
}
