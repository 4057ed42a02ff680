//! What witnesses have cosigned of the logs with a peer, and what part of them lacks a quorum (`spec/witness.md`).
use crate::input::{Output, WitnessReport};
use crate::state::State;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use minicbor::{Decode, Encode};
use pact::{Quorum, SignedPact};
use record::PartyId;
use tlog::{Note, cosignatures};
use units::{Mono, Now, Utc};

/// Growth remembered of one log: at one sample a second about half an hour exactly; longer stretches ever more coarsely.
const GROWTH_MAX: usize = 2048;
/// Witnesses remembered: those of the pact, and those of no pact any more.
const NAMES_MAX: usize = 2 * pact::WITNESSES_MAX;

/// Witnesses and both logs with one peer.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Witnessing {
    /// Our log.
    #[n(0)]
    pub(crate) out: Watched,
    /// The peer's log.
    #[n(1)]
    pub(crate) held: Watched,
    /// A witness that says another thing of our log than we do, until it cosigns again.
    #[n(2)]
    pub(crate) contradicted: Option<Contradicted>,
}

/// One log and its witnesses.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Watched {
    /// By witness, the largest size it cosigned and the time it states, POSIX seconds.
    #[n(0)]
    by: BTreeMap<String, (u64, u64)>,
    /// Sizes the log had at times, oldest first: the last one that is witnessed, and those after it.
    #[n(1)]
    growth: VecDeque<(u64, Mono, Utc)>,
}

/// A witness's word against ours.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Contradicted {
    #[n(0)]
    pub(crate) witness: String,
    #[n(1)]
    pub(crate) size: u64,
    /// Whether it showed a note with our signature that is not of our log.
    #[n(2)]
    pub(crate) proven: bool,
    #[n(3)]
    pub(crate) at: Utc,
}

/// How far a log is witnessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Entries that a quorum has cosigned; with no quorum in the pact, that at least one witness has.
    pub size: u64,
    /// Witnesses demanded; 0 if none.
    pub quorum: u32,
    /// Witnesses that have cosigned anything, and the size each reached.
    pub by: Vec<(String, u64)>,
    /// Since when an entry that is signed for lacks them, the earliest it can have been.
    pub since: Option<Utc>,
    /// For how long, ms.
    pub lacking_ms: u64,
}

impl Watched {
    /// Notes the size the log has now.
    fn grown(&mut self, size: u64, quorum: u32, now: Now) {
        let covered = self.covered(quorum);
        // The last witnessed size stays: what came after it came after its time.
        while self.growth.get(1).is_some_and(|(size, ..)| *size <= covered) {
            self.growth.pop_front();
        }
        match self.growth.back_mut() {
            // Still as large: what comes next comes after now.
            Some((last, mono, utc)) if *last == size && size <= covered => (*mono, *utc) = (now.mono, now.utc),
            Some((last, ..)) if *last >= size => {}
            _ => self.growth.push_back((size, now.mono, now.utc)),
        }
        if self.growth.len() > GROWTH_MAX {
            // Every second one goes; the first stays, so that nothing seems younger than it is.
            let mut nth = 0;
            self.growth.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
        }
    }

    fn take(&mut self, name: &str, size: u64, time_s: u64) -> bool {
        let known = self.by.get(name);
        if known.is_some_and(|(before, _)| *before >= size) || (known.is_none() && self.by.len() >= NAMES_MAX) {
            return false;
        }
        self.by.insert(name.into(), (size, time_s));
        true
    }

    /// Entries that this many have cosigned, at least one.
    fn covered(&self, quorum: u32) -> u64 {
        let mut sizes: Vec<u64> = self.by.values().map(|(size, _)| *size).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.get(quorum.max(1) as usize - 1).copied().unwrap_or(0)
    }

    fn view(&self, size: u64, quorum: u32, now: Now) -> Witnessed {
        let covered = self.covered(quorum);
        let lacking = (size > covered).then(|| {
            let before = self.growth.iter().take_while(|(size, ..)| *size <= covered).last();
            before.or(self.growth.front()).map_or((now.mono, now.utc), |(_, mono, utc)| (*mono, *utc))
        });
        Witnessed {
            size: covered,
            quorum,
            by: self.by.iter().map(|(name, (size, _))| (name.clone(), *size)).collect(),
            since: lacking.map(|(_, utc)| utc),
            lacking_ms: lacking.map_or(0, |(mono, _)| now.mono.since_ms(mono)),
        }
    }
}

impl State {
    /// Folds what the witnesses' client brings of our log to a peer.
    pub(crate) fn witness_reported(&mut self, name: &PartyId, report: &WitnessReport, now: Now, out: &mut Vec<Output>) {
        match report {
            WitnessReport::Cosigned { note } => {
                let lines = self.judged(name, note);
                if lines.is_empty() {
                    return;
                }
                let mut size = None;
                self.with_link(name, now, out, |link| size = link.handle_own_witnessed(note, now));
                let (Some(size), Some(peer)) = (size, self.peers.get_mut(name)) else { return };
                let witnessing = &mut peer.witnessing;
                for (witness, time_s) in lines {
                    witnessing.out.take(&witness, size, time_s);
                    if witnessing.contradicted.as_ref().is_some_and(|c| !c.proven && c.witness == witness) {
                        witnessing.contradicted = None;
                    }
                }
            }
            WitnessReport::Contradicts { witness, size, note } => {
                // What bears our signature and is not of our log freezes the link, as it would from the peer's hand.
                //= spec/witness.md W-7
                let mut frozen = false;
                if let Some(note) = note {
                    self.with_link(name, now, out, |link| {
                        link.handle_own_witnessed(note, now);
                        frozen = matches!(link.view(now).state, link::LinkState::Frozen(_));
                    });
                }
                let Some(peer) = self.peers.get_mut(name) else { return };
                let before = peer.witnessing.contradicted.take();
                let contradicted = Contradicted { witness: witness.clone(), size: *size, proven: frozen, at: now.utc };
                peer.witnessing.contradicted = Some(before.filter(|before| before.proven).unwrap_or(contradicted));
            }
        }
    }

    /// Folds a note of the peer's log that the peer passed on.
    pub(crate) fn peer_witnessed(&mut self, name: &PartyId, size: u64, note: Vec<u8>, out: &mut Vec<Output>) {
        let lines = self.judged(name, &note);
        let Some(peer) = self.peers.get_mut(name) else { return };
        let mut news = false;
        for (witness, time_s) in lines {
            news |= peer.witnessing.held.take(&witness, size, time_s);
        }
        if news && self.is_quorum(name, &note) {
            let store = link::Output::StoreWitnessed { own: false, size, note };
            out.push(Output::Link(name.clone(), store));
        }
    }

    /// The witnesses of the pact that cosigned a note, each once, with the newest time it states. A line that names a witness's
    /// key and is false spoils the note.
    //= spec/witness.md W-3
    fn judged(&self, name: &PartyId, note: &[u8]) -> BTreeMap<String, u64> {
        let keys = self.pacts.with(name).map(|p| p.pact().oversight.witnesses.as_slice()).unwrap_or_default();
        let Ok(note) = Note::parse(note) else { return BTreeMap::new() };
        let mut witnesses = BTreeMap::new();
        for line in cosignatures(&note, keys).unwrap_or_default() {
            let newest = witnesses.entry(line.name).or_insert(line.time_s);
            *newest = line.time_s.max(*newest);
        }
        witnesses
    }

    /// Whether as many witnesses cosigned a note as the pact demands: beside the tiles lies the newest such note. What fewer
    /// cosigned stands in the journal and counts there; two notes may make a quorum together.
    pub(crate) fn is_quorum(&self, name: &PartyId, note: &[u8]) -> bool {
        let of = self.pacts.with(name).and_then(|p| p.pact().oversight.quorum).map_or(1, |quorum| quorum.of);
        self.judged(name, note).len() >= of as usize
    }

    /// Once a second: the logs' sizes, so that it can be said since when something lacks its witnesses.
    pub(crate) fn watch_growth(&mut self, now: Now) {
        for (name, peer) in &mut self.peers {
            let Some(pact) = self.pacts.with(name).map(SignedPact::pact) else { continue };
            if pact.oversight.witnesses.is_empty() {
                continue;
            }
            let of = pact.oversight.quorum.map_or(0, |quorum| quorum.of);
            let view = peer.link.view(now);
            peer.witnessing.out.grown(view.signed, of, now);
            peer.witnessing.held.grown(view.sealed, of, now);
        }
    }

    /// How far our log to a peer, and its log to us, are witnessed; none if the pact names no witness.
    #[must_use]
    pub fn witnessed(&self, name: &PartyId, now: Now) -> Option<(Witnessed, Witnessed)> {
        let peer = self.peers.get(name)?;
        let oversight = &self.pacts.with(name)?.pact().oversight;
        let of = oversight.quorum.map_or(0, |quorum| quorum.of);
        let view = peer.link.view(now);
        let both = (peer.witnessing.out.view(view.signed, of, now), peer.witnessing.held.view(view.sealed, of, now));
        (!oversight.witnesses.is_empty()).then_some(both)
    }

    /// The largest size of our log to a peer that this witness has cosigned.
    #[must_use]
    pub fn witnessed_by(&self, name: &PartyId, witness: &str) -> u64 {
        self.peers.get(name).and_then(|p| p.witnessing.out.by.get(witness)).map_or(0, |(size, _)| *size)
    }

    /// What is wrong with the witnessing of the logs with a peer.
    pub(crate) fn witness_troubles(&self, name: &PartyId, now: Now) -> Vec<(PeerTrouble, AlertLevel, String)> {
        let mut troubles = Vec::new();
        let Some(peer) = self.peers.get(name) else { return troubles };
        if let Some(Contradicted { witness, size, proven, .. }) = &peer.witnessing.contradicted {
            let (level, shows) = match proven {
                true => (AlertLevel::Alarm, "and shows our signature"),
                false => (AlertLevel::Warning, "without proof"),
            };
            let text = format!(
                "The witness {witness} says that our log to {name} has another past, at {size} entries, {shows}. If this \
                 node was restored from a copy, stop it; else the log key may be in other hands"
            );
            troubles.push((PeerTrouble::Contradicted, level, text));
        }
        let quorum = self.pacts.with(name).and_then(|p| p.pact().oversight.quorum);
        let (Some(Quorum { of, within_s }), Some((own, theirs))) = (quorum, self.witnessed(name, now)) else {
            return troubles;
        };
        //= spec/witness.md W-8
        let lacks = |w: &Witnessed| w.since.filter(|_| w.lacking_ms > u64::from(within_s) * 1000);
        let told = [("what we told", &own), ("what we were told by", &theirs)];
        let lacking: Vec<String> = told
            .iter()
            .filter_map(|(what, w)| {
                let since = pact::time_text(lacks(w)?);
                Some(format!("of {what} {name}, from entry {} on, since {since}", w.size))
            })
            .collect();
        if !lacking.is_empty() {
            let text = format!("Not witnessed by {of} as the pact demands (clause 17.1): {}", lacking.join("; "));
            troubles.push((PeerTrouble::Unwitnessed, AlertLevel::Warning, text));
        }
        troubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(s: u64) -> Now {
        Now { mono: Mono(0).plus_ms(s * 1000), utc: Utc(s as i64 * 1000), utc_error_ms: 0 }
    }

    #[test]
    fn a_quorum_covers_what_that_many_have_each_cosigned() {
        let mut watched = Watched::default();
        for (name, size) in [("a", 10), ("b", 7), ("a", 4), ("c", 3)] {
            watched.take(name, size, 1);
        }
        let covered = [0, 1, 2, 3, 4].map(|quorum| watched.covered(quorum));
        assert_eq!(covered, [10, 10, 7, 3, 0], "by nobody in particular, one, two, three, four");
    }

    /// The slow and obviously right: when each entry came, and the oldest that is not covered.
    #[test]
    fn what_lacks_its_witnesses_is_never_said_to_be_younger_than_it_is() {
        let (mut watched, mut size, mut came) = (Watched::default(), 0u64, Vec::new());
        for s in 1..20_000u64 {
            // Bursts, quiet times, and a witness that comes now and then, and not at all for hours.
            let more = if s % 977 < 400 { s % 3 } else { 0 };
            (0..more).for_each(|_| came.push(s));
            size += more;
            if s % 131 == 0 && !(9_000..18_000).contains(&s) {
                watched.take("w", size.saturating_sub(s % 5), s);
            }
            watched.grown(size, 1, now(s));
            assert!(watched.growth.len() <= GROWTH_MAX);
            let view = watched.view(size, 1, now(s));
            let truth = came.get(view.size as usize).map(|at| (s - at) * 1000);
            assert_eq!(truth.is_some(), view.since.is_some(), "at {s}");
            if let Some(truth) = truth {
                assert!(view.lacking_ms >= truth, "at {s}: {} of {truth}", view.lacking_ms);
                let slack = if (9_000..19_000).contains(&s) { 40_000 } else { 2_000 };
                let since_growth = view.lacking_ms - truth;
                assert!(since_growth <= slack + 600_000, "at {s}: {} of {truth}", view.lacking_ms);
            }
        }
    }
}
