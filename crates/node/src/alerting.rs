//! What the node keeps of conflicts beside the desk's alerts.
use crate::confirming::{AlertRules, Looks};
use crate::crosscheck::Crosscheck;
use crate::deciding::Decisions;
use crate::inhibiting::Inhibitions;
use crate::intending::Cleared;
use crate::reasoning::Reason;
use alloc::collections::BTreeMap;
use alloc::string::String;
use desk::Situation;
use detect::Known;
use minicbor::{Decode, Encode};

/// See the modules of each.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Alerting {
    #[n(0)]
    pub(crate) rules: AlertRules,
    /// Pairs found in conflict that have no alert yet.
    #[n(1)]
    pub(crate) looks: BTreeMap<(u32, u32), Looks>,
    /// By alert.
    #[n(2)]
    pub(crate) decisions: BTreeMap<u64, Decisions>,
    #[n(3)]
    pub(crate) inhibitions: Inhibitions,
    #[n(4)]
    pub(crate) crosscheck: Crosscheck,
    /// How often an alert was raised, worsened or escalated.
    #[n(5)]
    pub(crate) sounded: u64,
    /// Levels that own flights are cleared to, by name in capitals.
    #[n(6)]
    pub(crate) cleared: BTreeMap<String, Cleared>,
    /// What is known of where own tracks are going, as of the last second.
    #[n(7)]
    pub(crate) known: BTreeMap<u32, Known>,
    /// Reasons given for flags about protected sites.
    #[n(8)]
    #[cbor(default)]
    pub(crate) reasons: BTreeMap<Situation, Reason>,
}
