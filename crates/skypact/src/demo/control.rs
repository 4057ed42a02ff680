//! What can be typed while the demonstration runs: a node stopped and started again.
use super::party::Party;
use crate::cli::Global;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::BufRead;
use tokio::sync::mpsc;

/// Lines of standard input, until it ends.
pub fn orders() -> mpsc::UnboundedReceiver<String> {
    let (tx, rx) = mpsc::unbounded_channel();
    // A thread of its own, never joined: a read from a terminal cannot be given up, and must not delay the end.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if tx.send(line).is_err() {
                return;
            }
        }
    });
    rx
}

/// Does what a line says, and says what was done or why not.
pub fn obey(order: &str, parties: &mut [Party], global: Global) {
    if order.trim().is_empty() {
        return;
    }
    match (act(order, parties), global.json) {
        (Ok((done, party)), true) => {
            println!("{}", json!({ "done": done, "party": party.name, "url": party.sign_in }));
        }
        (Ok(("started", party)), false) => println!("{} runs again: {}", party.name, party.sign_in),
        (Ok((_, party)), false) => println!("{} has stopped; `start {}` brings it back", party.name, party.name),
        (Err(error), true) => println!("{}", json!({ "error": format!("{error:#}") })),
        (Err(error), false) => println!("{error:#}"),
    }
}

fn act<'p>(order: &str, parties: &'p mut [Party]) -> Result<(&'static str, &'p Party)> {
    let words: Vec<&str> = order.split_whitespace().collect();
    let [verb, name] = words[..] else { bail!("{order:?} is not known here: `stop NAME` or `start NAME`") };
    let names: Vec<String> = parties.iter().map(|p| p.name.clone()).collect();
    let party = parties.iter_mut().find(|p| p.name == name);
    let party = party.with_context(|| format!("no party {name:?}; there are {}", names.join(", ")))?;
    match (verb, party.is_running()) {
        ("stop", true) => party.stop().map(|()| ("stopped", &*party)),
        ("start", false) => party.start().map(|()| ("started", &*party)),
        ("stop", false) => bail!("{name} does not run"),
        ("start", true) => bail!("{name} runs"),
        _ => bail!("{verb:?} is not known here: `stop {name}` or `start {name}`"),
    }
}
