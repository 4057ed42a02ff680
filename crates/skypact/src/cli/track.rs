//! `skypact track`: the picture as text, and what was joined wrongly parted.
use crate::cli::client::{self, Client, NodeArgs};
use crate::cli::values::{self, When, plain, show_altitude};
use crate::cli::{Global, Outcome};
use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact track list
  skypact track separate 4711
  skypact track cleared DLH123 FL240 --until +20m
  skypact track cleared DLH123 none

A track without an address that flies where another aircraft does is joined to it: it is shown with it, by its number, and is in no
conflict of its own. `separate` says that they are two, for as long as both live; it is in the audit who said so.

`cleared` enters the level that an own flight is cleared to: conflicts are then predicted with a climb or descent that ends there. One
that there is only if it goes through its level is a caution.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (role, a track that is joined to no other).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: TrackCommand,
}

#[derive(Debug, Subcommand)]
enum TrackCommand {
    /// Lists all tracks, with those joined to them.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Enters the level that an own flight is cleared to.
    Cleared {
        /// Callsign or 24-bit address.
        flight: String,
        /// FL240, 9500ftSTD or 2900mWGS84; `none` takes away what was entered.
        #[arg(value_parser = values::level_or_none)]
        level: values::LevelOrNone,
        /// Not used after: RFC 3339, or +20m from now by the node's clock.
        #[arg(long, value_name = "TIME", value_parser = values::when, default_value = "+1h")]
        until: When,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Parts a track from the one that it was joined to.
    Separate {
        /// Its own number, as `list` shows it behind the other.
        track: u32,
        #[command(flatten)]
        node: NodeArgs,
    },
}

/// Runs the command.
pub fn run(args: &Args, global: Global) -> Outcome {
    match &args.command {
        TrackCommand::List { node } => {
            let tracks = client::talk(node, async |client: &Client| client.list("/v1/tracks").await)?;
            if global.json {
                println!("{}", json!(tracks));
            } else {
                tracks.iter().for_each(|track| println!("{}", line(track)));
            }
        }
        TrackCommand::Cleared { flight, level, until, node } => {
            let taken_away = level.0.is_none();
            client::talk(node, async |client: &Client| {
                let until = until.at(client.now().await?);
                let level = level.0.map_or(Value::Null, values::altitude_json);
                let body = json!({ "flight": flight, "level": level, "until_utc_ms": until.0 });
                client.command(Method::POST, "/v1/cleared", Some(body)).await
            })?;
            if global.json {
                println!("{}", json!({ "flight": flight }));
            } else if taken_away {
                println!("Taken away: no level is used of an own aircraft called {}.", plain(flight));
            } else {
                println!("Entered: used while an own aircraft called {} is in the air.", plain(flight));
            }
        }
        TrackCommand::Separate { track, node } => {
            let path = format!("/v1/tracks/{track}/separate");
            client::talk(node, async |client: &Client| client.command(Method::POST, &path, None).await)?;
            let said = format!("Track {track} is an aircraft by itself.");
            println!("{}", if global.json { json!({ "separated": track }).to_string() } else { said });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One track for people.
pub fn line(track: &Value) -> String {
    let text = |value: &Value| plain(value.as_str().unwrap_or("-"));
    let number = |value: &Value| value.as_f64().map_or_else(|| String::from("-"), |n| format!("{n:.0}"));
    let joined: Vec<String> = track["joined"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|j| {
            format!(
                "{} ({})",
                j["id"],
                [&j["callsign"], &j["address"]].into_iter().find_map(Value::as_str).map_or("no name".into(), plain)
            )
        })
        .collect();
    format!(
        "{:>7}  {:<8} {:<7} {:<12} {:<12} {:>10.5} {:>11.5} {:>9} {:>4} kt{}{}",
        track["id"].to_string(),
        text(&track["callsign"]),
        text(&track["address"]),
        track["owner"].as_str().map_or_else(|| String::from("unclaimed"), plain),
        text(&track["class"]),
        track["lat"].as_f64().unwrap_or(f64::NAN),
        track["lon"].as_f64().unwrap_or(f64::NAN),
        show_altitude(&track["altitude"]),
        number(&track["speed_kt"]),
        if track["stale"] == true { "  stale" } else { "" },
        if joined.is_empty() { String::new() } else { format!("  joined: {}", joined.join(", ")) }
    )
}
