//! Clients that write as fast as they are answered: an intent is accepted, activated with a subscription, ended, and the next.
//! No two of them meet, and none meets what is there already, so that every write is to succeed.
use super::intent::{Chance, RADIUS_M, Volume, path, put_json, volume_json};
use super::served::{Connection, SERVICES, Served, service};
use crate::cli::evidence::history::progress;
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use hyper::body::Bytes;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// An intent lasts this long, seconds, and the next begins a second later: what touches meets.
const LASTS_S: i64 = 60;
const SLOT_S: i64 = LASTS_S + 1;
/// Intents that follow each other up to the planning horizon, 30 days.
const SLOTS: u64 = 30 * 86_400 / SLOT_S as u64;
/// From one intent to the one above it at the same time, and its height, metres.
const LAYER_M: i32 = 20;
const HIGH_M: i32 = 15;
/// Clients are above all that is there already: two million are 48 layers.
const ABOVE_M: i32 = 10_000;
/// The middle of a cell of level 13 near Geneva.
const CELL: (f64, f64) = (46.204_7, 6.146_9);
/// Degrees north and east of the area of `spread`, and its south-west corner.
const AREA: (f64, (f64, f64)) = (10.0, (41.0, 1.0));
/// Connections that fill.
const FILLERS: usize = 128;

/// Where intents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// All in one cell.
    OneCell,
    /// Anywhere in the area.
    Spread,
}

/// Where and when intents are, and those that are there already.
pub struct Sky {
    place: Where,
    from_s: i64,
    present: u64,
    chance: RefCell<Chance>,
}

/// What clients found.
#[derive(Default)]
pub struct Load {
    /// Milliseconds from sending to the answer: create, activate, delete.
    pub ms: [Vec<f64>; 3],
    /// The same of queries.
    pub read_ms: Vec<f64>,
    /// Seconds it took.
    pub seconds: f64,
    /// Writes that did not succeed, and the first of them.
    pub errors: u64,
    pub first_error: Option<String>,
}

impl Load {
    /// Writes that succeeded.
    pub fn writes(&self) -> usize {
        self.ms.iter().map(Vec::len).sum()
    }
}

impl Sky {
    /// An empty one, from an hour from now.
    pub fn new(place: Where, seed: u64) -> Self {
        let from_s = crate::clock::utc_ms().div_euclid(1000) + 3600;
        Self { place, from_s, present: 0, chance: RefCell::new(Chance::new(seed)) }
    }

    fn volume(&self, slot: u64, lower: i32) -> Volume {
        let at = match self.place {
            Where::OneCell => CELL,
            Where::Spread => {
                let (size, (south, west)) = AREA;
                let part = || size * (self.chance.borrow_mut().below(1 << 20) as f64) / f64::from(1 << 20);
                (south + part(), west + part())
            }
        };
        let start = self.from_s + slot as i64 * SLOT_S;
        Volume { at, seconds: (start, start + LASTS_S), heights: (lower, lower + HIGH_M) }
    }

    /// Writes intents until so many are there; how many a second.
    pub async fn fill(&mut self, served: &Served, upto: u64) -> Result<Option<f64>> {
        let missing = upto.saturating_sub(self.present);
        if missing == 0 {
            return Ok(None);
        }
        let (bar, begun, next) = (progress(missing, "filling"), Instant::now(), Cell::new(self.present));
        let fillers = (0..FILLERS).map(async |n| {
            let mut connection = served.connect(n).await?;
            while next.get() < upto {
                let number = next.replace(next.get() + 1);
                let volume = self.volume(number % SLOTS, (number / SLOTS) as i32 * LAYER_M);
                let id = self.chance.borrow_mut().id();
                let body = put_json(&volume, false, &service(n), []);
                let (status, answer) = connection.ask("PUT", &path(&id, None), body).await?;
                ensure!(status == 201, "an intent to begin with: {status} {}", String::from_utf8_lossy(&answer));
                bar.inc(1);
            }
            Ok(())
        });
        try_join_all(fillers).await?;
        bar.finish_and_clear();
        self.present = upto;
        Ok(Some(missing as f64 / begun.elapsed().as_secs_f64()))
    }

    /// So many clients write for so long, and ask so often after each write what there is in its volume.
    pub async fn load(&self, served: &Served, clients: usize, reads: u32, length: Duration) -> Result<Load> {
        let connections = try_join_all((0..clients).map(|n| served.connect(n))).await?;
        let begun = Instant::now();
        let each = connections.into_iter().enumerate().map(async |(number, mut connection)| {
            let (mut load, mut cycle) = (Load::default(), 0);
            while begun.elapsed() < length {
                // Each client has every so manieth slot to itself.
                let slot = (cycle * clients as u64 + number as u64) % (SLOTS / clients as u64 * clients as u64);
                self.cycle(&mut connection, number, (slot, reads), &mut load).await?;
                cycle += 1;
            }
            anyhow::Ok(load)
        });
        let mut all = Load::default();
        for load in try_join_all(each).await? {
            all.ms.iter_mut().zip(load.ms).for_each(|(all, ms)| all.extend(ms));
            all.read_ms.extend(load.read_ms);
            all.errors += load.errors;
            all.first_error = all.first_error.or(load.first_error);
        }
        all.seconds = begun.elapsed().as_secs_f64();
        Ok(all)
    }

    /// One intent from its beginning to its end.
    async fn cycle(
        &self,
        connection: &mut Connection,
        number: usize,
        (slot, reads): (u64, u32),
        load: &mut Load,
    ) -> Result<()> {
        let id = self.chance.borrow_mut().id();
        let volume = self.volume(slot, ABOVE_M);
        let service = service(number % SERVICES);
        let mut ovn: Option<String> = None;
        for (step, method) in ["PUT", "PUT", "DELETE"].into_iter().enumerate() {
            let body = if method == "PUT" { put_json(&volume, step == 1, &service, []) } else { String::new() };
            let sent = Instant::now();
            let (status, answer) = connection.ask(method, &path(&id, ovn.as_deref()), body).await?;
            if !status.is_success() {
                load.errors += 1;
                let told = || format!("{method}: {status} {}", String::from_utf8_lossy(&answer));
                load.first_error.get_or_insert_with(told);
                return Ok(());
            }
            load.ms[step].push(sent.elapsed().as_secs_f64() * 1e3);
            ovn = Some(version(&answer)?);
            for _ in 0..reads {
                let (query, sent) =
                    (format!("{{\"area_of_interest\":{}}}", volume_json(&volume, RADIUS_M)), Instant::now());
                let (status, answer) = connection.ask("POST", &path("query", None), query).await?;
                ensure!(status == 200, "a query: {status} {}", String::from_utf8_lossy(&answer));
                // A write that was answered is found by whoever asks afterwards.
                let found = std::str::from_utf8(&answer)?.contains(&id);
                ensure!(found == (step < 2), "after {method} the query finds {}", String::from_utf8_lossy(&answer));
                load.read_ms.push(sent.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok(())
    }
}

/// The version number in an answer: looked for, so that the generator's processor time is not that of a JSON parser.
fn version(answer: &Bytes) -> Result<String> {
    let text = std::str::from_utf8(answer)?;
    let version = text.split_once("\"ovn\":\"").and_then(|(_, rest)| rest.split_once('"'));
    version.map(|(ovn, _)| ovn.to_owned()).with_context(|| format!("an answer without version: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_are_in_one_cell_and_none_meets_another() {
        let sky = Sky::new(Where::OneCell, 1);
        let cells: BTreeSet<_> = {
            let centre = cells::LatLng { lat: CELL.0, lng: CELL.1 };
            cells::circle(centre, super::super::intent::RADIUS_M).unwrap().into_iter().collect()
        };
        assert_eq!(cells.len(), 1, "{cells:?}");
        let slots = [0, 1, 2, SLOTS - 1];
        let volumes: Vec<Volume> =
            slots.iter().flat_map(|slot| [0, LAYER_M, ABOVE_M].map(|lower| sky.volume(*slot, lower))).collect();
        for (n, a) in volumes.iter().enumerate() {
            assert_eq!(volumes.iter().filter(|b| a.meets(b)).count(), 1, "{n}: {a:?}");
        }
        let long = Volume { seconds: (sky.from_s, sky.from_s + SLOT_S), ..volumes[0] };
        assert!(long.meets(&sky.volume(1, 0)), "what touches meets");
    }

    #[test]
    fn identifiers_are_uuids_and_none_comes_twice() {
        let mut chance = Chance::new(7);
        let ids: BTreeSet<String> = (0..1000).map(|_| chance.id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| dss::Id::parse(id).is_ok_and(|id| id.version() == 4)));
    }
}
