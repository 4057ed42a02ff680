//! The greeting: who, in what mode, under which pact, holding what.
use alloc::format;
use alloc::string::String;
use alloc::vec;
use minicbor::bytes::ByteVec;
use record::{Hash32, SCHEMA};
use units::Now;

use crate::frame::{Frame, Hello};
use crate::machine::Link;
use crate::output::Output;
use crate::reason::{CloseCode, FrozenReason};
use crate::receive::CONTROL_BURST;
use crate::ring::Known;
use crate::state::{Contact, Phase, Session};

impl Link {
    pub(crate) fn hello(&self) -> Frame {
        Frame::Hello(Hello {
            party: self.config.me.clone(),
            peer: self.config.peer.clone(),
            mode: self.config.mode.clone(),
            pact: self.config.pact,
            schema: SCHEMA,
            in_size: self.held.size(),
            your_checkpoint: self.peer_note.as_ref().map(|note| note.to_vec()),
            out_size: self.out.size(),
        })
    }

    pub(crate) fn on_hello(&mut self, contact: Contact, hello: Hello, now: Now) {
        if let Some((code, text)) = self.stranger(&hello) {
            return self.close(code, &text, now);
        }
        if hello.pact != self.config.pact {
            //= spec/link.md L-12
            self.phase = Phase::Differing(contact, hello.pact);
            self.outputs.push_back(Output::SendPactText { session: contact.session });
            return self.outputs.push_back(Output::StateChanged);
        }
        if let Some(note) = &hello.your_checkpoint
            && !self.check_own_note(note, hello.in_size, now)
        {
            return;
        }
        //= spec/link.md L-14
        if hello.in_size > self.out.size() {
            // A note that is known shows nothing of what is claimed beyond it.
            let evidence = hello.your_checkpoint.into_iter().map(ByteVec::from).collect();
            return self.freeze(FrozenReason::OwnClaimed, evidence, None, now);
        }
        //= spec/link.md L-15
        if hello.out_size < self.held.size() {
            let text = format!("your log has {} entries, I hold {} of it", hello.out_size, self.held.size());
            return self.close(CloseCode::PeerBehind, &text, now);
        }
        self.up(contact, hello.in_size, hello.out_size, now);
    }

    /// Takes the peer's pact, which differs from ours.
    //= spec/link.md L-12
    pub(crate) fn on_pact_text(&mut self, promised: Hash32, text: String, now: Now) {
        if Hash32::of(text.as_bytes()) != promised {
            return self.close(CloseCode::Malformed, &"the pact's text has not the hash of the hello", now);
        }
        self.outputs.push_back(Output::PactDiffers { their_text: text });
        self.close(CloseCode::WrongPact, &format!("my pact is {}", self.config.pact), now);
    }

    /// Why the peer is not the one we want to talk to, if it is not.
    //= spec/link.md L-11
    fn stranger(&self, hello: &Hello) -> Option<(CloseCode, String)> {
        let config = &self.config;
        if hello.party != config.peer || hello.peer != config.me {
            let text =
                format!("I am {} and talk to {}; you are {} for {}", config.me, config.peer, hello.party, hello.peer);
            return Some((CloseCode::WrongParty, text));
        }
        if hello.mode != config.mode {
            return Some((CloseCode::WrongMode, format!("my mode is {}", config.mode.label())));
        }
        if hello.schema != SCHEMA {
            return Some((CloseCode::Schema, format!("my schema is {SCHEMA}, yours {}", hello.schema)));
        }
        None
    }

    /// Compares the newest note of our log that the peer holds with what we remember having signed. False if that ended
    /// the session.
    fn check_own_note(&mut self, note: &[u8], in_size: u64, now: Now) -> bool {
        //= spec/link.md L-13
        let (opened, by_thief) = match self.open_own(note) {
            Ok(opened) => opened,
            Err(error) => {
                self.close(CloseCode::BadCheckpoint, &format!("your_checkpoint: {error}"), now);
                return false;
            }
        };
        //= spec/link.md L-14
        match self.signed.know(opened.size, &opened.root) {
            Known::Same | Known::Forgotten => {}
            // Somebody else may have signed that: it does not show that we did.
            //= spec/keys.md K-9
            Known::OtherRoot | Known::Above | Known::Skipped if by_thief => {
                self.close(
                    CloseCode::BadCheckpoint,
                    &"your_checkpoint is by a key that was stolen, and not of my log",
                    now,
                );
                return false;
            }
            Known::OtherRoot | Known::Above | Known::Skipped => {
                self.freeze(FrozenReason::OwnRollback, vec![ByteVec::from(note.to_vec())], None, now);
                return false;
            }
        }
        //= spec/link.md L-16
        if opened.size > in_size {
            self.close(CloseCode::Malformed, &"your_checkpoint covers more than in_size", now);
            return false;
        }
        true
    }

    fn up(&mut self, contact: Contact, sent_upto: u64, backlog: u64, now: Now) {
        self.phase = Phase::Up(Session {
            contact,
            sent_upto,
            checkpointed: None,
            seq_out: 0,
            seq_in: None,
            cosigned_in: None,
            cosigned_out: None,
            waiting: Default::default(),
            credit: CONTROL_BURST,
            credit_at: now.mono,
            began: sent_upto,
            granted_in: self.held.size(),
            granted_out: sent_upto,
            shared_at: None,
            refused_upto: 0,
            backlog,
        });
        self.last_end = None;
        self.outputs.push_back(Output::StateChanged);
        self.grant(now, true);
        self.stream();
        self.send_ahead(sent_upto, now.mono);
        self.checkpoint(now);
    }
}
