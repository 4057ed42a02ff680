//! Release rules that were in force. One person changes a marking, or what a feed is told as, if that lets out no more. Were
//! only the rules of the moment asked, one could withhold everything, which one person may, and take a marking away while it makes
//! no difference; two who then put the old rules back would let out what neither of them looked at. So the rules from before
//! are asked as well.
use crate::state::State;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::PartyId;
use release::{Marking, Policy, Rule};

/// Rules remembered of each kind: more than people change in a month. With 64 rules of 100 bytes for each of five peers 32 kB
/// each.
const REMEMBERED_MAX: usize = 20;

/// Rules that were put in force, newest last, no two equal. What people agreed to and what one person ordered are kept apart:
/// nobody has the former forgotten by ordering this and that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Remembered {
    /// Those of the first start, and those that two people agreed to.
    #[n(0)]
    agreed: VecDeque<Policy>,
    /// Those that let out no more than the ones before them.
    #[n(1)]
    alone: VecDeque<Policy>,
}

impl Remembered {
    fn take(&mut self, policy: &Policy, agreed: bool) {
        let same = |known: &Policy| known.rules == policy.rules;
        if !agreed && self.agreed.iter().any(same) {
            return;
        }
        let list = if agreed { &mut self.agreed } else { &mut self.alone };
        list.retain(|known| !same(known));
        list.push_back(policy.clone());
        if list.len() > REMEMBERED_MAX {
            list.pop_front();
        }
    }
}

impl State {
    /// Puts rules in force that people agreed to, or that let out no more.
    pub(crate) fn enforce(&mut self, rules: BTreeMap<PartyId, Vec<Rule>>, agreed: bool) {
        self.policy = Policy { revision: self.policy.revision + 1, rules };
        self.remembered.take(&self.policy, agreed);
    }

    /// Remembers the rules that are there: those of the first start, or of data from before anything was remembered.
    pub(crate) fn remember_first(&mut self) {
        if self.remembered == Remembered::default() {
            self.remembered.take(&self.policy, true);
        }
    }

    /// Whether something is so under the rules in force, or was under rules that are remembered.
    pub(crate) fn under_any_rules(&self, is_so: impl Fn(&Policy) -> bool) -> bool {
        let Remembered { agreed, alone } = &self.remembered;
        is_so(&self.policy) || agreed.iter().chain(alone).any(is_so)
    }

    /// Whether more may be told of what bears the second marking than of what bears the first.
    pub(crate) fn marking_widens(&self, from: Option<Marking>, to: Option<Marking>) -> bool {
        from != to && self.under_any_rules(|policy| policy.marking_widens(from, to))
    }
}
