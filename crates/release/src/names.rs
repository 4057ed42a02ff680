//! The numbers one peer knows our tracks by. Internal numbers are what an aircraft or its feed says of itself; they never leave.
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::PartyId;
use track::{Address, TrackReport};
use units::Mono;

use crate::keyed;
use crate::policy::Identity;

/// Most tracks one peer knows at a time: 200,000 × 72 B are 14 MB.
pub(crate) const NAMES_MAX: usize = 200_000;
/// A track not offered for this long is another one when it returns: ten minutes, five times the longest coasting.
const IDLE_MS: u64 = 600_000;

/// Released numbers by internal number.
///
/// Sorted by internal number and walked with a cursor: tracks are offered in order, so the next entry is the one asked
/// for and a tick costs one comparison a track (a map would cost a search).
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct Names {
    #[n(0)]
    entries: Vec<Entry>,
    /// Tracks named so far; counts released tracks only.
    #[n(1)]
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Entry {
    #[n(0)]
    internal: u64,
    /// Position in the order of first release.
    #[n(1)]
    ordinal: u64,
    #[n(2)]
    dropped: Option<u64>,
    #[n(3)]
    pseudonym: Option<u64>,
    /// Number it was last released under.
    #[n(4)]
    last: u64,
    #[n(5)]
    offered: Mono,
    /// Number under which it goes with its identity.
    #[n(6)]
    named: Option<u64>,
    /// When a report was last taken under a rule with a rate.
    #[n(7)]
    taken: Option<Mono>,
}

/// Where names come from: the node's secret and the peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub secret: &'a [u8; 32],
    pub peer: &'a PartyId,
}

impl Names {
    /// The number to release a track under; `None` if the peer knows [`NAMES_MAX`] tracks already.
    ///
    /// The three kinds of number do not meet: a track that is full in one area and anonymous in the next must not keep
    /// its number across the line.
    pub(crate) fn name(
        &mut self,
        cursor: &mut usize,
        report: &TrackReport,
        identity: Identity,
        source: Source<'_>,
        now: Mono,
    ) -> Option<u64> {
        let at = match self.find(cursor, report.local) {
            Ok(at) => at,
            Err(at) => {
                if self.entries.len() >= NAMES_MAX {
                    return None;
                }
                let ordinal = self.count;
                self.count += 1;
                let (internal, offered) = (report.local, now);
                let entry = Entry {
                    internal,
                    ordinal,
                    dropped: None,
                    pseudonym: None,
                    last: 0,
                    offered,
                    named: None,
                    taken: None,
                };
                self.entries.insert(at, entry);
                at
            }
        };
        *cursor = at + 1;
        let entry = &mut self.entries[at];
        entry.offered = now;
        entry.last = match identity {
            Identity::Keep => *entry.named.get_or_insert_with(|| source.named(entry.ordinal)),
            Identity::Drop => *entry.dropped.get_or_insert_with(|| source.dropped(entry.ordinal)),
            Identity::Pseudonym => {
                *entry.pseudonym.get_or_insert_with(|| source.pseudonym(report.address, entry.ordinal))
            }
        };
        Some(entry.last)
    }

    /// Whether a report of the track just named may go, at most one in `every_ms`; notes that it does.
    pub(crate) fn takes(&mut self, cursor: usize, every_ms: u32, now: Mono) -> bool {
        let Some(entry) = cursor.checked_sub(1).and_then(|at| self.entries.get_mut(at)) else { return false };
        let due = entry.taken.is_none_or(|last| now.since_ms(last) >= every_ms.into());
        if due {
            entry.taken = Some(now);
        }
        due
    }

    /// The track has another internal number from now on; the peer goes on knowing it by the same, unless it knows one of the
    /// new number. Whether there was a track of the old one.
    pub(crate) fn rename(&mut self, old: u64, new: u64) -> bool {
        let Ok(at) = self.find(&mut 0, old) else { return false };
        let entry = Entry { internal: new, ..self.entries.remove(at) };
        if let Err(to) = self.find(&mut 0, new) {
            self.entries.insert(to, entry);
        }
        true
    }

    /// Number the track was last released under.
    pub(crate) fn released(&self, internal: u64) -> Option<u64> {
        self.find(&mut 0, internal).ok().map(|at| self.entries[at].last)
    }

    /// Internal number of the track last released under `released`.
    pub(crate) fn internal(&self, released: u64) -> Option<u64> {
        self.entries.iter().find(|e| e.last == released).map(|e| e.internal)
    }

    /// Forgets tracks that were not offered for [`IDLE_MS`].
    pub(crate) fn sweep(&mut self, now: Mono) {
        self.entries.retain(|e| now.since_ms(e.offered) < IDLE_MS);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn find(&self, cursor: &mut usize, internal: u64) -> Result<usize, usize> {
        match self.entries.get(*cursor) {
            Some(entry) if entry.internal == internal => Ok(*cursor),
            None if self.entries.last().is_none_or(|e| e.internal < internal) => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&internal, |e| e.internal),
        }
    }
}

impl Source<'_> {
    /// Ordinals shuffled by a key of this peer: short, each once, and no two recipients can join theirs by order.
    fn named(&self, ordinal: u64) -> u64 {
        keyed::shuffled(self.secret, &[b"named", self.peer.as_str().as_bytes()], ordinal)
    }

    fn dropped(&self, ordinal: u64) -> u64 {
        keyed::number(self.secret, &[b"anonymous", self.peer.as_str().as_bytes(), &ordinal.to_be_bytes()])
    }

    /// By airframe where it has told who it is, else by track.
    fn pseudonym(&self, address: Option<Address>, ordinal: u64) -> u64 {
        let peer = self.peer.as_str().as_bytes();
        match address {
            Some(address) => {
                keyed::number(self.secret, &[b"pseudonym", peer, b"address", &address.bits().to_be_bytes()])
            }
            None => keyed::number(self.secret, &[b"pseudonym", peer, b"track", &ordinal.to_be_bytes()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{Position, Utc};

    fn report(local: u64, address: Option<u32>) -> TrackReport {
        let mut r = TrackReport::new(local, Position::default(), Utc(0));
        r.address = address.and_then(Address::icao);
        r
    }

    #[test]
    fn a_number_follows_the_order_of_release_and_not_the_internal_number() {
        let peer = PartyId::parse("south").unwrap();
        let source = Source { secret: &[1; 32], peer: &peer };
        let (mut few, mut many) = (Names::default(), Names::default());
        for (i, id) in [5u64, 9, 7].into_iter().enumerate() {
            let a = few.name(&mut 0, &report(id, None), Identity::Keep, source, Mono(0));
            let b = many.name(&mut 0, &report(id * 1000, None), Identity::Keep, source, Mono(0));
            assert_eq!((a, b), (Some(source.named(i as u64)), a));
        }
        let second = source.named(1);
        assert_eq!((few.released(9), few.internal(second), few.released(6)), (Some(second), Some(9), None));
    }

    #[test]
    fn a_pseudonym_follows_the_airframe_for_one_peer_and_no_other() {
        let (south, civil) = (PartyId::parse("south").unwrap(), PartyId::parse("civil").unwrap());
        let name = |peer: &PartyId, local: u64, address, identity| {
            let mut names = Names::default();
            let source = Source { secret: &[1; 32], peer };
            // Another track first, so that the order differs.
            names.name(&mut 0, &report(local + 50, None), Identity::Drop, source, Mono(0));
            names.name(&mut 0, &report(local, address), identity, source, Mono(0)).unwrap()
        };
        let (p, d) = (Identity::Pseudonym, Identity::Drop);
        assert_eq!(name(&south, 1, Some(7), p), name(&south, 2, Some(7), p));
        assert_ne!(name(&south, 1, Some(7), p), name(&civil, 1, Some(7), p));
        assert_ne!(name(&south, 1, Some(7), p), name(&south, 1, Some(8), p));
        assert_ne!(name(&south, 1, Some(7), d), name(&south, 1, Some(7), p));
        assert_ne!(name(&south, 1, Some(7), d), name(&civil, 1, Some(7), d));
    }

    #[test]
    fn a_track_keeps_the_peer_s_number_when_ours_is_another() {
        let peer = PartyId::parse("south").unwrap();
        let source = Source { secret: &[1; 32], peer: &peer };
        let mut names = Names::default();
        let mut name = |local| names.name(&mut 0, &report(local, None), Identity::Keep, source, Mono(0));
        let (nine, _eight) = (name(9), name(8));
        assert!(names.rename(9, 3) && !names.rename(9, 3));
        assert_eq!((names.released(9), names.released(3)), (None, nine));
        assert!(names.rename(8, 3), "3 is taken: the peer knows that one");
        assert_eq!((names.released(8), names.released(3), names.len()), (None, nine, 1));
    }

    #[test]
    fn a_track_not_offered_for_ten_minutes_is_forgotten() {
        let peer = PartyId::parse("south").unwrap();
        let source = Source { secret: &[1; 32], peer: &peer };
        let mut names = Names::default();
        names.name(&mut 0, &report(1, None), Identity::Keep, source, Mono(0));
        names.name(&mut 0, &report(2, None), Identity::Keep, source, Mono(1));
        names.sweep(Mono(600_000));
        assert_eq!((names.len(), names.released(1), names.released(2)), (1, None, Some(source.named(1))));
    }
}
