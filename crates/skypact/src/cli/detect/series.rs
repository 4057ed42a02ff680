//! Pictures of a file of tracks, one after the other: each track with its newest report, moved to the picture's time.
use crate::cli::detect::areas::Areas;
use crate::cli::detect::judge::{Judged, Rules, unknown_track};
use crate::cli::detect::out::Writer;
use crate::cli::detect::tracks::{Frame, Report, Tracks};
use ::detect::{AGE_MAX_MS, Item, Verdict, WellClearMonitor, sweep, well_clear};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use units::{Mono, Utc};

/// Most rows that `--all` is asked for: 5,000,000 of 200 bytes are 1 GB.
pub const PAIRS_MAX: u64 = 5_000_000;
/// Most states of all pictures: an hour at a microsecond each, sweep included, and a day at twenty.
const STATES_MAX: u64 = 3_600_000_000;
/// Most pairs judged one by one in a local frame, where there is no grid: at 100 ns an hour or less.
const FLAT_PAIRS_MAX: u64 = 20_000_000_000;
/// Most pairs whose alerts are followed.
const MONITORS_MAX: usize = 1_000_000;

/// Who is in the picture at each time.
pub struct Pictures<'a> {
    tracks: &'a Tracks,
    times: Vec<Utc>,
    next: usize,
    at: usize,
    /// Newest report of each track that is in the picture, ascending by track.
    newest: BTreeMap<u32, usize>,
}

/// One picture.
struct Picture {
    at: Utc,
    /// Index of each report, ascending by track; among them those that have just become too old.
    reports: Vec<usize>,
}

impl<'a> Pictures<'a> {
    pub fn new(tracks: &'a Tracks, times: Vec<Utc>) -> Self {
        Self { tracks, times, next: 0, at: 0, newest: BTreeMap::new() }
    }

    fn next(&mut self) -> Option<Picture> {
        let at = *self.times.get(self.next)?;
        self.next += 1;
        while let Some(report) = self.tracks.reports.get(self.at).filter(|r| r.at() <= at) {
            self.newest.insert(report.track, self.at);
            self.at += 1;
        }
        let reports: Vec<usize> = self.newest.values().copied().collect();
        // Said to be too old once; then the track is out of the picture until it is reported again.
        let tracks = self.tracks;
        self.newest.retain(|_, n| at.since_ms(tracks.reports[*n].at()) <= AGE_MAX_MS);
        Some(Picture { at, reports })
    }
}

/// What is judged in each picture.
pub struct Series<'a> {
    pub tracks: &'a Tracks,
    pub rules: &'a Rules,
    pub areas: &'a Areas,
    monitors: BTreeMap<(u32, u32), WellClearMonitor>,
    began: Utc,
}

impl<'a> Series<'a> {
    pub fn new(tracks: &'a Tracks, rules: &'a Rules, areas: &'a Areas) -> Self {
        Self { tracks, rules, areas, monitors: BTreeMap::new(), began: Utc(0) }
    }

    /// Judges every picture. What would be too much is refused before the first row.
    pub fn run(mut self, times: &[Utc], out: &mut Writer) -> Result<u64> {
        self.check(times)?;
        self.began = times.first().copied().unwrap_or_default();
        let mut pictures = Pictures::new(self.tracks, times.to_vec());
        let mut count = 0;
        while let Some(picture) = pictures.next() {
            count += 1;
            self.judge(&picture, times.len() > 1, out)?;
        }
        Ok(count)
    }

    fn check(&self, times: &[Utc]) -> Result<()> {
        let (mut states, mut pairs) = (0u64, 0u64);
        let mut pictures = Pictures::new(self.tracks, times.to_vec());
        while let Some(picture) = pictures.next() {
            let n = picture.reports.len() as u64;
            (states, pairs) = (states + n, pairs + n * n.saturating_sub(1) / 2);
            ensure!(
                states <= STATES_MAX,
                "over {STATES_MAX} states in {} pictures: judge fewer times with --every SECONDS or --at TIME",
                times.len()
            );
            let most = if self.rules.all { PAIRS_MAX } else { FLAT_PAIRS_MAX };
            let many = pairs > most && (self.rules.all || self.tracks.frame == Frame::Plane);
            ensure!(
                !many,
                "over {most} pairs {}: give fewer tracks, or fewer times with --every SECONDS or --at TIME",
                if self.rules.all { "to be told by --all" } else { "to be judged one by one in a local frame" }
            );
        }
        let areas = states.saturating_mul(self.areas.len() as u64);
        ensure!(
            areas <= STATES_MAX && (!self.rules.all || areas <= PAIRS_MAX),
            "{areas} pairs of a state and an area: give fewer, or fewer times with --every SECONDS or --at TIME"
        );
        Ok(())
    }

    fn judge(&mut self, picture: &Picture, many: bool, out: &mut Writer) -> Result<()> {
        let time = self.tracks.clock.show(picture.at);
        let report = |n: usize| &self.tracks.reports[picture.reports[n]];
        let items: Vec<Item> = picture.reports.iter().map(|n| self.tracks.reports[*n].given.item(picture.at)).collect();
        for (n, item) in items.iter().enumerate() {
            let velocity = (!item.track.velocity_known()).then_some(::detect::Why::Velocity);
            if let Some(why) = item.track.unknown().or(velocity) {
                out.row(&unknown_track(self.id(report(n)), why, time));
            }
        }
        let candidates = self.candidates(picture, &items);
        for (i, j) in candidates {
            let (a, b) = (report(i), report(j));
            let mut judged = self.rules.pair(&items[i], &items[j]);
            let alert = if many { self.alert((a, &items[i]), (b, &items[j]), &judged, picture.at)? } else { None };
            let changed = alert.is_some_and(|(on, changed)| on || changed);
            let lost = matches!(judged.loss, Some(Verdict::Conflict(_)));
            if !(self.rules.all || judged.conflict || lost || changed) {
                continue;
            }
            judged.row.wc_alert = alert.map(|(on, _)| on);
            (judged.row.a, judged.row.b) = (self.id(a).to_owned(), Some(self.id(b).to_owned()));
            judged.row.time = time;
            out.row(&judged.row);
        }
        for (n, item) in items.iter().enumerate() {
            self.areas.track(self.id(report(n)), item, time, self.rules, out);
        }
        Ok(())
    }

    fn id(&self, report: &Report) -> &'a str {
        &self.tracks.ids[report.track as usize]
    }

    /// Pairs worth a look, ascending.
    fn candidates(&self, picture: &Picture, items: &[Item]) -> Vec<(usize, usize)> {
        let n = items.len();
        let every = || (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        if self.rules.all {
            return every().collect();
        }
        let report = |n: usize| &self.tracks.reports[picture.reports[n]];
        if self.tracks.frame == Frame::Plane {
            let monitored = |i, j| self.monitors.contains_key(&(report(i).track, report(j).track));
            return every().filter(|(i, j)| self.rules.matters(&items[*i], &items[*j]) || monitored(*i, *j)).collect();
        }
        let mut pairs: Vec<(usize, usize)> = sweep(items, &self.rules.table).pairs.iter().map(|p| (p.i, p.j)).collect();
        if let Some(filter) = self.rules.well_clear_filter() {
            pairs.extend(sweep(items, &filter).pairs.iter().map(|p| (p.i, p.j)));
        }
        let place = |track: &u32| picture.reports.binary_search_by_key(track, |n| self.tracks.reports[*n].track).ok();
        pairs.extend(self.monitors.keys().filter_map(|(a, b)| Some((place(a)?, place(b)?))));
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Whether an alert about well clear stands for a pair, and whether that has changed.
    fn alert(
        &mut self,
        (a, x): (&Report, &Item),
        (b, y): (&Report, &Item),
        judged: &Judged,
        at: Utc,
    ) -> Result<Option<(bool, bool)>> {
        let (Some((_, rules)), Some(loss)) = (&self.rules.well_clear, &judged.loss) else { return Ok(None) };
        let key = (a.track, b.track);
        let known = self.monitors.get(&key);
        if known.is_none() && !matches!(loss, Verdict::Conflict(_)) {
            return Ok(Some((false, false)));
        }
        ensure!(
            known.is_some() || self.monitors.len() < MONITORS_MAX,
            "over {MONITORS_MAX} pairs lose well clear at once: give fewer tracks"
        );
        let clearing = well_clear(&x.track, &y.track, &rules.clearing);
        let now = Mono(u64::try_from(at.since_ms(self.began)).unwrap_or(0));
        let monitor = self.monitors.entry(key).or_default();
        let changed = monitor.handle_look(now, loss, &clearing, rules).is_some();
        let on = monitor.since().is_some();
        if monitor.is_idle() {
            self.monitors.remove(&key);
        }
        Ok(Some((on, changed)))
    }
}

/// The times to be judged.
pub fn times(tracks: &Tracks, at: Option<Utc>, every_ms: Option<i64>) -> Result<Vec<Utc>> {
    if let Some(at) = at {
        return Ok(vec![at]);
    }
    let times = tracks.times();
    let (Some(every), Some(first), Some(last)) = (every_ms, times.first(), times.last()) else { return Ok(times) };
    let steps = last.since_ms(*first) / every;
    ensure!(steps < 10_000_000, "--every makes {steps} pictures of this file: more than 10,000,000");
    Ok((0..=steps).map(|n| first.plus_ms(n * every)).collect())
}
