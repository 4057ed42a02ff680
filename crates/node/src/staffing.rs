//! Whether somebody is at a desk: stated by its officers, told to every peer, shown apart from link and channel state.
use crate::command::{Actor, Answer, Done, Refused, SentTo};
use crate::input::Output;
use crate::state::State;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use record::{DeskStatus, PartyId, Role};
use release::release_desk;
use units::Now;

impl State {
    pub(crate) fn state_desk(&mut self, actor: &Actor, status: &DeskStatus, now: Now, out: &mut Vec<Output>) -> Answer {
        if status.note.len() > record::TextLimits::REASON_BYTES_MAX || status.note.chars().any(char::is_control) {
            let reason = "at most 400 bytes, without control characters".to_string();
            return Err(Refused::Invalid { field: "note".to_string(), reason });
        }
        if self.staffing.as_ref() == Some(status) {
            return Err(Refused::Already { what: "stated".to_string() });
        }
        self.staffing = Some(status.clone());
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        let sent = names.iter().filter_map(|name| self.tell_staffing(name, Some(actor.role), now, out)).collect();
        Ok(Done::Sent(sent))
    }

    /// Tells one peer; nothing as long as nobody has stated anything.
    pub(crate) fn tell_staffing(
        &mut self,
        name: &PartyId,
        role: Option<Role>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Option<SentTo> {
        let (status, envelope) = self.staffing.clone().zip(self.envelope(name))?;
        let peer = self.peers.get_mut(name)?;
        peer.desk_statements += 1;
        match release_desk(&envelope, peer.desk_statements, role, status, now) {
            Ok(released) => {
                let appended = self.say(name, released, now, out)?;
                Some(SentTo { party: name.clone(), index: appended.index, id: appended.id })
            }
            Err(error) => {
                out.push(Output::Log(format!("desk status to {name}: {error}")));
                None
            }
        }
    }
}

/// What is told of a desk that nobody is at.
pub(crate) fn trouble(name: &PartyId, desk: &DeskStatus) -> Option<(PeerTrouble, AlertLevel, String)> {
    if desk.manned {
        return None;
    }
    let until = desk.next.map_or_else(String::new, |at| format!(" until {}", pact::time_text(at)));
    let note = if desk.note.is_empty() { String::new() } else { format!(": {}", desk.note) };
    Some((PeerTrouble::Unmanned, AlertLevel::Caution, format!("Nobody is at the desk of {name}{until}{note}")))
}
