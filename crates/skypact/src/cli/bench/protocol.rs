//! The two protocol machines of a link without sockets, disks and pictures: what releasing a record costs after the rules,
//! and what verifying it costs. All in one thread, so the figure is of one core for both sides.
use crate::cli::bench::table::{Row, Unit};
use crate::cli::bench::world::{Home, Scratch, Traffic, agree};
use crate::cli::bench::{Common, link::Args};
use crate::keys::key_name;
use ::detect::scenario::Family;
use ::link::{EntriesFrame, Link, LinkConfig, LinkState, Output};
use anyhow::{Context, Result, ensure};
use fold::Signer;
use pact::SignedPact;
use record::Record;
use release::{Envelope, Policy, Released, Releaser};
use std::collections::VecDeque;
use std::time::Instant;
use units::{Mono, Now, Utc};

/// Seconds of traffic in a run.
const SECONDS: u64 = 5;
const START: Utc = Utc(1_768_464_000_000);

/// One side.
struct Side {
    link: Link,
    signer: Signer,
    /// Own entries.
    out: Vec<Vec<u8>>,
    /// Records accepted from the other side.
    accepted: u64,
    /// Frames for the other side.
    sent: VecDeque<Vec<u8>>,
}

impl Side {
    fn new(me: &Home, peer: &Home, signed: &SignedPact) -> Result<Self> {
        let pact = signed.pact();
        let of = |home: &Home| pact.party(&home.party).cloned().context("a party of the pact");
        let (ours, theirs) = (of(me)?, of(peer)?);
        let config = LinkConfig {
            me: me.party.clone(),
            peer: peer.party.clone(),
            mode: pact.mode.clone(),
            pact: pact.hash(),
            my_log_key: ours.log_key,
            peer_log_key: theirs.log_key,
            peer_cosign_key: theirs.cosign_key,
            checkpoint_busy_ms: pact.checkpoint_busy_ms,
            checkpoint_idle_ms: pact.checkpoint_idle_ms,
        };
        let signer = Signer::new(me.keys.log_signer(&key_name(&me.party))?, me.keys.cosigner(&key_name(&me.party))?);
        // Rates are not what is measured.
        let wide = link::Limits::all(link::Rate { per_minute: u32::MAX, burst: 1_000_000 });
        Ok(Self {
            link: Link::new(config)?.with_limits(wide),
            signer,
            out: Vec::new(),
            accepted: 0,
            sent: VecDeque::new(),
        })
    }

    /// Does what the machine asks.
    fn drain(&mut self) -> Result<()> {
        while let Some(output) = self.link.poll_output() {
            match output {
                Output::Send { frame, .. } => self.sent.push_back(frame),
                Output::StoreOut { bytes, .. } => self.out.push(bytes),
                Output::SendEntries { mut from, to, .. } => {
                    while from < to {
                        let mut frame = EntriesFrame::new(from);
                        let entries = &self.out[from as usize..to as usize];
                        entries.iter().take_while(|entry| frame.push(entry)).count();
                        let (bytes, upto) = frame.finish().context("an entry")?;
                        self.sent.push_back(bytes);
                        from = upto;
                    }
                }
                Output::SignCheckpoint(order) => self.sent.push_back(self.signer.checkpoint(&order)?.encode()),
                Output::Cosign(order) => self.sent.push_back(self.signer.cosignature(&order)?.encode()),
                Output::Accepted { .. } => self.accepted += 1,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Hands frames over until neither side has any.
fn settle(sides: &mut [Side; 2], now: Now) -> Result<()> {
    sides.iter_mut().try_for_each(Side::drain)?;
    while sides.iter().any(|side| !side.sent.is_empty()) {
        for (from, to) in [(0, 1), (1, 0)] {
            while let Some(frame) = sides[from].sent.pop_front() {
                sides[to].link.handle_frame(1, &frame, now);
                sides[to].drain()?;
            }
        }
    }
    Ok(())
}

fn at(ms: u64) -> Now {
    Now { mono: Mono(ms), utc: START.plus_ms(ms as i64), utc_error_ms: 50 }
}

/// Measures each size.
pub fn rows(args: &Args, common: &Common) -> Result<Vec<Row>> {
    let scratch = Scratch::new(&common.dir())?;
    let (a, b) = (Home::new(scratch.path(), "alpha")?, Home::new(scratch.path(), "beta")?);
    let pact = agree(&a, &b)?;
    let config = crate::config::Loaded::read(&a.write_config("127.0.0.1:0", &[(&b.party, None)], None)?)?;
    let policy = crate::rules::policy(&config.config.release)?;
    let one = |size: usize| -> Result<Row> {
        let runs = common.measure(|| run(&a, &b, &pact, &policy, size))?;
        Ok(Row::new(format!("protocol alone, {size} updates a second"), size as u64 * SECONDS, Unit::PerS, runs))
    };
    args.sizes().iter().map(|size| one(*size)).collect()
}

/// Updates a second of one core, both sides together.
fn run(a: &Home, b: &Home, pact: &SignedPact, policy: &Policy, size: usize) -> Result<f64> {
    let mut sides = [Side::new(a, b, pact)?, Side::new(b, a, pact)?];
    sides.iter_mut().for_each(|side| side.link.handle_connected(1, at(0)));
    settle(&mut sides, at(0))?;
    ensure!(sides.iter().all(|s| s.link.view(at(0)).state == LinkState::Up), "the two machines do not agree");
    let seconds = released(a, b, pact, policy, size)?;
    let begun = Instant::now();
    for (second, records) in (1..).zip(seconds) {
        for record in records {
            sides[0].link.append(record)?;
        }
        settle(&mut sides, at(second * 1000))?;
        // A tick for each side, as its fold would give: the checkpoint, and its cosignature back.
        for ms in [0, 100] {
            sides.iter_mut().for_each(|side| side.link.handle_tick(at(second * 1000 + ms)));
            settle(&mut sides, at(second * 1000 + ms))?;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let view = sides[0].link.view(at(SECONDS * 1000));
    ensure!(
        view.cosigned == view.out_size && sides[1].accepted == view.out_size,
        "not everything was receipted: {view:?}"
    );
    Ok((size as u64 * SECONDS) as f64 / took)
}

/// What the rules release of a few seconds of traffic: not part of the measurement.
fn released(a: &Home, b: &Home, pact: &SignedPact, policy: &Policy, size: usize) -> Result<Vec<Vec<Released<Record>>>> {
    let envelope = Envelope {
        issuer: a.party.clone(),
        audience: b.party.clone(),
        mode: pact.pact().mode.clone(),
        pact: pact.pact().hash(),
    };
    let mut releaser = Releaser::new(b.party.clone(), a.keys.pseudonym);
    let mut traffic = Traffic::new(Family::Globe, size)?;
    let mut seconds = Vec::new();
    for second in 1..=SECONDS {
        let now = at(second * 1000);
        releaser.offer_tracks(policy, traffic.step(now.utc, 1.0)?, now);
        seconds.push(releaser.flush(policy, &envelope, now)?);
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_accepted_and_receipted() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let (a, b) = (Home::new(scratch.path(), "alpha").unwrap(), Home::new(scratch.path(), "beta").unwrap());
        let pact = agree(&a, &b).unwrap();
        let config = a.write_config("127.0.0.1:0", &[(&b.party, None)], None).unwrap();
        let config = crate::config::Loaded::read(&config).unwrap();
        let policy = crate::rules::policy(&config.config.release).unwrap();
        let rows: usize = released(&a, &b, &pact, &policy, 900).unwrap().iter().map(Vec::len).sum();
        assert_eq!(rows, 5 * 2, "900 aircraft are two batches a second");
        assert!(run(&a, &b, &pact, &policy, 900).unwrap() > 0.0);
    }
}
