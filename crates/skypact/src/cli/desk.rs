//! `skypact desk`: whether somebody is at the own desk, as every peer is told.
use crate::cli::client::{self, Client, NodeArgs, show_time};
use crate::cli::values::{self, When};
use crate::cli::{Global, Outcome};
use anyhow::Result;
use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact desk unstaffed --until 2026-08-02T05:00:00Z --note \"Voice line to the operations centre\"
  skypact desk staffed --note \"Watch B\"
  skypact desk show

Each statement is signed and goes to every peer, whose desk is shown it apart from the state of the link and of the channel: a
link may be up while nobody reads what comes over it. Nothing is stated until somebody does, and nothing ends by itself: the
watch that leaves says so, and the watch that comes.
Times: 2026-08-01T05:00:00Z, or +8h from now, by the node's clock.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (stated already, a note of more than 400 bytes).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: DeskCommand,
}

#[derive(Debug, Subcommand)]
enum DeskCommand {
    /// Somebody is at the desk.
    Staffed(StateArgs),
    /// Nobody is at the desk.
    Unstaffed(StateArgs),
    /// Shows what was stated last, and what the peers stated of theirs.
    Show {
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, clap::Args)]
struct StateArgs {
    /// When that is to change next.
    #[arg(long, value_name = "TIME", value_parser = values::when)]
    until: Option<When>,
    /// How the desk is reached meanwhile, or who is there; up to 400 bytes.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        DeskCommand::Staffed(args) => told(&args, true, global)?,
        DeskCommand::Unstaffed(args) => told(&args, false, global)?,
        DeskCommand::Show { node } => {
            let state = client::talk(&node, async |client| client.get("/v1/state").await)?;
            show(&state, global);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a statement, and says which peers it goes to.
fn told(args: &StateArgs, manned: bool, global: Global) -> Result<()> {
    let answer = client::talk(&args.node, async |client: &Client| {
        let mut body = json!({ "manned": manned });
        if let Some(until) = args.until {
            body["next_utc_ms"] = json!(until.at(client.now().await?).0);
        }
        args.note.iter().for_each(|note| body["note"] = json!(note));
        client.command(Method::POST, "/v1/desk", Some(body)).await
    })?;
    if global.json {
        println!("{answer}");
        return Ok(());
    }
    let to: Vec<&str> = answer["sent"].as_array().into_iter().flatten().filter_map(|s| s["party"].as_str()).collect();
    println!(
        "The desk is stated to be {}; signed, and told to {}.",
        word(manned),
        if to.is_empty() { String::from("nobody: there is no peer") } else { to.join(", ") }
    );
    Ok(())
}

fn word(manned: bool) -> &'static str {
    if manned { "staffed" } else { "unstaffed" }
}

fn show(state: &Value, global: Global) {
    let peers = state["peers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if global.json {
        let of: serde_json::Map<String, Value> =
            peers.iter().filter_map(|p| Some((p["party"].as_str()?.to_owned(), p["staffing"].clone()))).collect();
        println!("{}", json!({ "own": state["staffing"], "peers": of }));
        return;
    }
    println!("{:<16} {}", "own desk", line(&state["staffing"]));
    for peer in peers {
        println!("{:<16} {}", values::plain(peer["party"].as_str().unwrap_or_default()), line(&peer["staffing"]));
    }
}

/// One statement for people.
fn line(staffing: &Value) -> String {
    let Some(manned) = staffing["manned"].as_bool() else { return String::from("not stated") };
    let until = if staffing["next_utc_ms"].is_i64() {
        format!(" until {}", show_time(&staffing["next_utc_ms"]))
    } else {
        String::new()
    };
    match staffing["note"].as_str().map(values::plain).filter(|note| !note.is_empty()) {
        Some(note) => format!("{}{until}: {note}", word(manned)),
        None => format!("{}{until}", word(manned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_as_a_line() {
        let check = |staffing: Value, want: &str| assert_eq!(line(&staffing), want);
        check(Value::Null, "not stated");
        check(json!({ "manned": true, "next_utc_ms": null, "note": "" }), "staffed");
        check(
            json!({ "manned": false, "next_utc_ms": 1_785_560_400_000_i64, "note": "voice\u{1b}line" }),
            "unstaffed until 2026-08-01T05:00:00Z: voice line",
        );
    }
}
