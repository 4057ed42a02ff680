//! What one party had been told, by its own confirmations.
use crate::cli::evidence::Opened;
use crate::cli::evidence::brackets::Bracket;
use crate::cli::evidence::history::Heard;
use crate::cli::evidence::logs::LinkLog;
use crate::cli::replay::fold::Folded;
use anyhow::{Result, anyhow, ensure};
use link::Link;
use node::view::NoticeView;
use record::{Body, Decision, Decoded, Hash32, PartyId, ReceiptLevel, Record, SubjectId};
use std::collections::BTreeMap;
use tlog::LogReader;
use track::TrackReport;
use units::Utc;

/// Aircraft told of within this are listed: a node drops one it has not heard of for two minutes.
const RECENT_MS: i64 = 120_000;

/// Something said.
#[derive(Debug, Clone)]
pub struct Said<T> {
    /// What.
    pub what: T,
    /// Name of the record it stands in.
    pub id: Hash32,
    /// Entry of the log.
    pub index: u64,
    /// The date of the receipt over it, if known.
    pub confirmed: Option<Utc>,
    /// Between which moments it was told.
    pub bracket: Bracket,
}

/// A level of receipt that a notice had reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub level: ReceiptLevel,
    /// When, by the clock of who says so.
    pub at: Utc,
    /// What was decided, to whom it was passed, where it was published; nothing below.
    pub says: Option<String>,
    /// RESPONDED: the decision.
    pub decision: Option<Decision>,
}

/// The levels that a notice had reached at the desk, from RECEIVED on.
pub fn reached(of: &NoticeView) -> Vec<Reached> {
    let machine = |level, at: Option<Utc>| at.map(|at| Reached { level, at, says: None, decision: None });
    let acknowledged = of.acknowledged.as_ref().map(|a| a.at);
    let first = [
        machine(ReceiptLevel::Received, of.received),
        machine(ReceiptLevel::Seen, of.seen),
        machine(ReceiptLevel::Acknowledged, acknowledged),
    ];
    let answers = of.answers.iter().map(|(level, said)| Reached {
        level: *level,
        at: said.at,
        says: Some(said.text.clone()),
        decision: said.decision,
    });
    first.into_iter().flatten().chain(answers).collect()
}

/// What a party had been told.
#[derive(Debug)]
pub struct Told {
    /// The party.
    pub peer: PartyId,
    /// The log to it.
    pub origin: String,
    /// Entries said.
    pub size: u64,
    /// Of them confirmed to be held.
    pub held: u64,
    /// When it stated to hold these.
    pub held_at: Option<Utc>,
    /// Aircraft it had been told of within two minutes, newest statement first.
    pub tracks: Vec<Said<TrackReport>>,
    /// What was filed and not withdrawn.
    pub filed: Vec<Said<Record>>,
    /// Notices, with the levels reached by then.
    pub notices: Vec<(Said<Record>, Vec<Reached>)>,
    /// Records on their way: said, not confirmed.
    pub on_the_way: Vec<(Record, u64)>,
    /// Newest statement of the channel's state.
    pub channel: Option<Record>,
}

/// Gathers it from the log, up to the size that the state has.
pub fn told(peer: &PartyId, link: &Link, log: Option<&LinkLog>, opened: &Opened, folded: &Folded) -> Result<Told> {
    let now = folded.state.now();
    let view = link.view(now);
    let origin = link.config().out_origin();
    let nothing = Heard::default();
    let heard = opened.history.logs.get(&origin).unwrap_or(&nothing);
    let upto = opened.history.upto;
    let mut gathering =
        Gathering { told: Told::new(peer, origin, view.out_size, view.cosigned), ..Gathering::default() };
    gathering.told.held_at = view.cosigned.checked_sub(1).and_then(|last| heard.received(last, upto));
    let dated = heard.dated(upto);
    let mut take = |index: u64, bytes: &[u8]| {
        let Ok(decoded) = record::decode(bytes) else { return };
        let confirmed = if index < view.cosigned { heard.received(index, upto) } else { None };
        let place = Place { index, held: index < view.cosigned, confirmed, bracket: dated.bracket(index) };
        gathering.take(place, decoded, now.utc);
    };
    let said = folded.said.get(peer).map(Vec::as_slice).unwrap_or_default();
    let on_disk = said.first().map_or(view.out_size, |(index, _)| *index);
    if on_disk > 0 {
        let log = log.ok_or_else(|| anyhow!("its log is not in the data folder"))?;
        ensure!(
            log.folder.covered() >= on_disk,
            "the files of its log end before entry {on_disk}: is the copy complete?"
        );
        let reader = LogReader::new(&log.folder, on_disk);
        for start in (0..on_disk).step_by(256) {
            let end = on_disk.min(start + 256);
            for (index, bytes) in (start..end).zip(reader.entries(start..end)?) {
                take(index, &bytes);
            }
        }
    }
    said.iter().for_each(|(index, bytes)| take(*index, bytes));
    let view = folded.state.view(now);
    Ok(gathering.finish(&view.notices))
}

impl Told {
    fn new(peer: &PartyId, origin: String, size: u64, held: u64) -> Self {
        Self {
            peer: peer.clone(),
            origin,
            size,
            held,
            held_at: None,
            tracks: Vec::new(),
            filed: Vec::new(),
            notices: Vec::new(),
            on_the_way: Vec::new(),
            channel: None,
        }
    }
}

impl Default for Told {
    fn default() -> Self {
        let peer = PartyId::parse("unnamed").unwrap_or_else(|error| unreachable!("a constant name: {error}"));
        Self::new(&peer, String::new(), 0, 0)
    }
}

/// Where a record stands in the log, and what its addressee stated of that place.
struct Place {
    index: u64,
    held: bool,
    confirmed: Option<Utc>,
    bracket: Bracket,
}

#[derive(Default)]
struct Gathering {
    told: Told,
    tracks: BTreeMap<u64, Said<TrackReport>>,
    filed: BTreeMap<(u8, SubjectId), Said<Record>>,
    notices: Vec<Said<Record>>,
}

impl Gathering {
    fn take(&mut self, place: Place, decoded: Decoded, now: Utc) {
        let Decoded { record, id } = decoded;
        let Place { index, held, confirmed, bracket } = place;
        if !held {
            return self.told.on_the_way.push((record, index));
        }
        let key = (record.body.kind() as u8, record.subject);
        match &record.body {
            Body::Tracks(batch) => {
                for report in batch.unpack().unwrap_or_default() {
                    if now.since_ms(report.at) <= RECENT_MS + i64::from(batch.delay_ms) {
                        self.tracks.insert(report.local, Said { what: report, id, index, confirmed, bracket });
                    }
                }
            }
            Body::Plan(_) | Body::Site(_) | Body::Avoid(_) => {
                let older = self.filed.get(&key).is_some_and(|old| old.what.revision >= record.revision);
                if !older {
                    self.filed.insert(key, Said { what: record, id, index, confirmed, bracket });
                }
            }
            Body::Withdrawn(w) => {
                let of = w.of;
                self.filed.retain(|_, filed| filed.id != of);
            }
            Body::Notice(_) => self.notices.push(Said { what: record, id, index, confirmed, bracket }),
            Body::Channel(_) => self.told.channel = Some(record),
            Body::Pact(_) | Body::Keys(_) | Body::Receipt(_) | Body::Conflict(_) | Body::Desk(_) => {}
        }
    }

    /// Levels of receipts as the desk had them at that time.
    fn finish(self, desk: &[NoticeView]) -> Told {
        let mut told = self.told;
        told.tracks = self.tracks.into_values().collect();
        told.tracks.sort_by_key(|said| std::cmp::Reverse(said.what.at));
        told.filed = self.filed.into_values().collect();
        for notice in self.notices {
            let of = desk.iter().find(|n| n.outgoing && n.id == notice.id);
            let mut levels = of.map(reached).unwrap_or_default();
            // The date in the receipt itself, where the journal has it.
            levels.retain(|r| r.level != ReceiptLevel::Received);
            if let Some(at) = notice.confirmed {
                levels.insert(0, Reached { level: ReceiptLevel::Received, at, says: None, decision: None });
            }
            told.notices.push((notice, levels));
        }
        told
    }
}
