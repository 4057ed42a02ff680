//! Aircraft with an own address that a peer releases as its own, and others of which it says what cannot be.
use crate::picture::{Contribution, Source, Standing, SystemTrack};
use crate::situation::{Present, label, sentence};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use desk::{AlertLevel, PeerTrouble, Situation};
use units::{Height, Now, earth};

/// By peer: how many, and the first of them in words. One alert a peer, however many it tells of.
type Claimed = BTreeMap<u16, (usize, String)>;

fn count(claimed: &mut Claimed, theirs: &Contribution, said: impl FnOnce() -> String) {
    if let Source::Peer(number) = theirs.source {
        claimed.entry(number).or_insert_with(|| (0, said())).0 += 1;
    }
}

impl State {
    /// Tells the desk who releases aircraft of ours. An error there, or somebody who asks in this way whether they fly: the
    /// peer learns nothing from what is sent to it, and must not learn it from an answer either. It may be another
    /// aircraft, too, which the picture then hides behind ours.
    pub(crate) fn check_claimed(&mut self, present: &mut Present, now: Now) {
        let mut claimed = Claimed::new();
        for track in self.picture.iter().filter(|track| track.is_own()) {
            for theirs in track.contributions.iter().filter(|c| c.standing == Standing::Released) {
                count(&mut claimed, theirs, || said_of(track, theirs));
            }
        }
        let mut disputed = Claimed::new();
        for (beside, track) in self.picture.disputed() {
            let Some(theirs) = beside.contributions.first() else { continue };
            if track.is_own() {
                count(&mut claimed, theirs, || said_of(track, theirs));
            } else {
                count(&mut disputed, theirs, || self.differs(track, theirs));
            }
        }
        self.tell_claimed(claimed, PeerTrouble::OwnAddress, present, now);
        self.tell_claimed(disputed, PeerTrouble::Disputed, present, now);
    }

    fn tell_claimed(&mut self, claimed: Claimed, trouble: PeerTrouble, present: &mut Present, now: Now) {
        for (number, (count, first)) in claimed {
            let Some(name) = self.parties.get(usize::from(number)).cloned() else { continue };
            if !self.peers.contains_key(&name) {
                continue;
            }
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let (level, text) = if trouble == PeerTrouble::OwnAddress {
                let text = format!(
                    "{name} releases aircraft with an address of ours: {first}{more}. It learns nothing by it; whoever asks {name} \
                     about it tells that ours flies"
                );
                (AlertLevel::Caution, text)
            } else {
                let text = format!(
                    "{name} releases aircraft where they cannot be: {first}{more}. One of the two is wrong; both are shown and judged"
                );
                (AlertLevel::Warning, text)
            };
            let situation = Situation::Peer(name, trouble);
            self.hold(situation.clone(), level, sentence(text), now);
            present.insert(situation);
        }
    }

    /// What a peer says of an aircraft, and who says otherwise.
    fn differs(&self, track: &SystemTrack, theirs: &Contribution) -> String {
        let chosen = track.chosen();
        let other = match chosen.source {
            Source::Feed(_) => String::from("an own sensor sees it"),
            Source::Peer(number) => {
                let name = self.parties.get(usize::from(number)).cloned().unwrap_or_else(crate::viewing::unnamed);
                format!("{name} releases it")
            }
        };
        let feet = |c: &Contribution| c.report.pressure.map(|h| h.0 / Height::PER_FOOT);
        let apart_ft = feet(chosen).zip(feet(theirs)).map_or(0, |(a, b)| a.abs_diff(b));
        let level = if apart_ft > 1_000 { format!(" and {apart_ft} ft") } else { String::new() };
        let name = match track.address {
            Some(address) if label(track) != format!("{address}") => format!("{} ({address})", label(track)),
            _ => label(track),
        };
        format!("{name}, {:.1} NM{level} from where {other}", gap_nm(track, theirs))
    }
}

fn said_of(own: &SystemTrack, theirs: &Contribution) -> String {
    format!("{}, {:.1} NM from where ours is", label(own), gap_nm(own, theirs))
}

fn gap_nm(track: &SystemTrack, theirs: &Contribution) -> f64 {
    let (p, q) = (track.last.position, theirs.report.position);
    earth::distance(p.lat(), p.lon(), q.lat(), q.lon()) / 1852.0
}
