//! Aircraft with an own address that a peer releases as its own.
use crate::picture::{Source, Standing, SystemTrack};
use crate::situation::{Present, label, sentence};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use desk::{AlertLevel, PeerTrouble, Situation};
use units::{Now, earth};

/// Of one peer: how many, and the first of them in words.
type Claimed = BTreeMap<u16, (usize, String)>;

impl State {
    /// Tells the desk who releases aircraft of ours. An error there, or somebody who asks in this way whether they fly: the
    /// peer learns nothing from what is sent to it, and must not learn it from an answer either. It may be another
    /// aircraft, too, which the picture then hides behind ours.
    pub(crate) fn check_claimed(&mut self, present: &mut Present, now: Now) {
        let mut claimed = Claimed::new();
        for track in self.picture.iter().filter(|track| track.is_own()) {
            for theirs in track.contributions.iter().filter(|c| c.standing == Standing::Released) {
                let Source::Peer(number) = theirs.source else { continue };
                let (count, _) = claimed.entry(number).or_insert_with(|| (0, said_of(track, theirs)));
                *count += 1;
            }
        }
        for (number, (count, first)) in claimed {
            let Some(name) = self.parties.get(usize::from(number)).cloned() else { continue };
            if !self.peers.contains_key(&name) {
                continue;
            }
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let text = format!(
                "{name} releases aircraft with an address of ours: {first}{more}. It learns nothing by it; whoever asks {name} about \
                 it tells that ours flies"
            );
            let situation = Situation::Peer(name, PeerTrouble::OwnAddress);
            self.hold(situation.clone(), AlertLevel::Caution, sentence(text), now);
            present.insert(situation);
        }
    }
}

fn said_of(own: &SystemTrack, theirs: &crate::picture::Contribution) -> String {
    let (p, q) = (own.last.position, theirs.report.position);
    let gap_m = earth::distance(p.lat(), p.lon(), q.lat(), q.lon());
    format!("{}, {:.1} NM from where ours is", label(own), gap_m / 1852.0)
}
