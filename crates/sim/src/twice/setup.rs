//! Who takes part in a scenario, and what the node releases to whom.
use crate::parties::{self, START};
use crate::random::Random;
use node::input::{Boot, Claim, FeedConfig};
use pact::{Pact, Rate, RateOf, SignedPact};
use record::{Kind, PartyId};
use release::{Area, Daily, Identity, Level, Marking, Policy, RecordClass, Rule, When};
use std::collections::BTreeMap;
use std::time::Duration;
use units::{AircraftClass, Utc};

/// The node that withholds.
pub const NODE: usize = 0;
/// The peer that must notice nothing.
pub const PEER: usize = 1;
/// A third party, which is told what the peer is not.
pub const THIRD: usize = 2;

/// Where everything is withheld from the peer: 1 degree square.
pub const HIDDEN: Area =
    Area::Box { south_e7: 470_000_000, west_e7: 90_000_000, north_e7: 480_000_000, east_e7: 100_000_000 };
/// Half of the common sky, for rules by area.
const HALF: Area = Area::Box { south_e7: 460_000_000, west_e7: 80_000_000, north_e7: 465_000_000, east_e7: 90_000_000 };

/// Feeds of each node.
pub mod feeds {
    /// Own aircraft.
    pub const OWN: u16 = 0;
    /// What a sensor sees.
    pub const SEEN: u16 = 1;
    /// Own aircraft that all bear the marking [`super::covert`].
    pub const COVERT: u16 = 2;
    /// Own aircraft by another way.
    pub const OTHER: u16 = 3;
}

/// The marking whose bearers are withheld.
pub fn covert() -> Marking {
    marking("covert")
}

/// A marking that rules name otherwise.
pub fn medevac() -> Marking {
    marking("medevac")
}

fn marking(word: &str) -> Marking {
    match Marking::parse(word) {
        Some(marking) => marking,
        None => unreachable!("{word} is a marking"),
    }
}

/// How the parties are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parties {
    /// Node and peer.
    Two,
    /// A third party under a pact of its own with the node.
    Apart,
    /// One pact of three that share no checkpoints.
    Three,
    /// One pact of three that show each other checkpoints: sizes of all logs are known to all, so that nothing that is
    /// told to one counts as withheld from another.
    Sharing,
}

/// What is drawn before anything happens.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How the parties are bound.
    pub parties: Parties,
    /// Texts of the pacts, signed.
    pub pacts: Vec<String>,
    /// Rules of the node at its start.
    pub policy: Policy,
    /// Rules of the peer.
    pub theirs: Policy,
    /// Rules of the third party.
    pub third: Policy,
    /// While this lasts, uncrewed aircraft are released; before and after, they are not. Virtual ms.
    pub window: Option<(u64, u64)>,
    /// Ms of one step.
    pub step_ms: u64,
    /// Steps.
    pub steps: u64,
    /// The fold is told the time each so many steps.
    pub tick_every: u64,
    /// A frame takes so many steps.
    pub latency: u64,
    /// A snapshot this often.
    pub snapshot_every: Duration,
}

impl Setup {
    /// Draws one.
    pub fn draw(random: &mut Random) -> Self {
        let parties = *random.pick(&[Parties::Two, Parties::Two, Parties::Apart, Parties::Three, Parties::Sharing]);
        let rates = random.one_in(4);
        let pacts = pacts(parties, rates);
        let step_ms = if random.one_in(6) { 500 } else { 100 };
        let steps = if step_ms == 500 { 360 } else { random.between(200, 400) };
        let window = random.one_in(3).then(|| {
            let whole = steps * step_ms;
            (whole / 4 + random.below(whole / 4), whole / 2 + random.below(whole / 2))
        });
        let mut setup = Self {
            parties,
            pacts,
            policy: Policy::default(),
            theirs: open(&[NODE]),
            third: open(&[NODE]),
            window,
            step_ms,
            steps,
            tick_every: if step_ms == 500 { 1 } else { random.between(1, 5) },
            latency: random.below(4),
            snapshot_every: Duration::from_secs(random.between(5, 60)),
        };
        if random.one_in(4) {
            setup.theirs = setup.policy_of(random, &[NODE]);
        }
        setup.policy = setup.draw_policy(random);
        setup
    }

    /// Rules of the node to all its peers.
    pub fn draw_policy(&self, random: &mut Random) -> Policy {
        let mut policy = self.policy_of(random, &[PEER]);
        if self.parties == Parties::Sharing {
            policy.rules.extend(self.policy_of(random, &[THIRD]).rules);
        } else if self.parties != Parties::Two {
            let all = if random.one_in(3) { self.policy_of(random, &[THIRD]) } else { open(&[THIRD]) };
            policy.rules.extend(all.rules);
        }
        policy
    }

    fn policy_of(&self, random: &mut Random, peers: &[usize]) -> Policy {
        let rules = |random: &mut Random| self.rules(random);
        Policy { revision: 1, rules: peers.iter().map(|p| (parties::name(*p), rules(random))).collect() }
    }

    /// What is withheld comes first; then whatever is drawn.
    fn rules(&self, random: &mut Random) -> Vec<Rule> {
        use RecordClass::{Conflicts, Plans, Sites, Tracks};
        let mut rules = Vec::new();
        for class in [Tracks, Plans] {
            rules.push(Rule { aircraft: Some(AircraftClass::Military), ..Rule::new(class, Level::Withheld) });
            rules.push(Rule { marking: Some(covert()), ..Rule::new(class, Level::Withheld) });
        }
        for class in [Tracks, Plans, Sites] {
            rules.push(Rule { area: Some(HIDDEN), ..Rule::new(class, Level::Withheld) });
        }
        let uncrewed = |level| Rule { aircraft: Some(AircraftClass::Uas), ..Rule::new(Tracks, level) };
        match self.window {
            Some(window) => {
                let when = Some(during(window));
                rules.push(Rule { when, ..uncrewed(level(random, Tracks)) });
                rules.push(uncrewed(Level::Withheld));
            }
            None => rules.push(uncrewed(level(random, Tracks))),
        }
        if random.one_in(2) {
            for class in [Tracks, Plans] {
                rules.push(Rule { marking: Some(medevac()), ..Rule::new(class, level(random, class)) });
            }
        }
        if random.one_in(2) {
            rules.push(Rule { area: Some(HALF), ..Rule::new(Tracks, level(random, Tracks)) });
        }
        if random.one_in(4) {
            // A time of day that changes nothing within the scenario, or that begins within it.
            let daily = Daily { from_min: random.below(2) as u16, until_min: 600 };
            let when = Some(When { daily: Some(daily), ..When::default() });
            rules.push(Rule { when, ..Rule::new(Plans, level(random, Plans)) });
        }
        for class in [Tracks, Plans, Sites] {
            let mut rule = Rule::new(class, level(random, class));
            if class == Tracks && matches!(rule.level, Level::Full | Level::Reduced { .. }) && random.one_in(4) {
                rule.every_ms = Some(random.between(1, 5) as u32 * 1_000);
            }
            rules.push(rule);
        }
        if !random.one_in(6) {
            rules.push(Rule::new(Conflicts, Level::Full));
        }
        rules
    }

    /// What a node is started with.
    pub fn boot(&self, n: usize) -> Boot {
        let feed = |name: &str, claim, marking| FeedConfig {
            name: name.into(),
            format: "sim".into(),
            claim,
            class: AircraftClass::Civil,
            marking,
        };
        let name = parties::name(n);
        let policy = match n {
            NODE => &self.policy,
            PEER => &self.theirs,
            _ => &self.third,
        };
        let of = |text: &&String| SignedPact::parse(text.as_bytes()).is_ok_and(|p| p.pact().party(&name).is_some());
        Boot {
            pacts: self.pacts.iter().filter(of).cloned().collect(),
            feeds: vec![
                feed("own", Claim::Own, None),
                feed("seen", Claim::Observed, None),
                feed("covert", Claim::Own, Some(covert())),
                feed("other", Claim::Own, None),
            ],
            markings: vec![covert(), medevac()],
            dss_base_url: None,
            dss_marking: None,
            dss_notifies: false,
            ..parties::boot(n, &parties::pact(2, false, 0, 0), policy.clone())
        }
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        if self.parties == Parties::Two { 2 } else { 3 }
    }

    /// Whether what the third party is told is withheld from the peer.
    pub fn third_is_apart(&self) -> bool {
        matches!(self.parties, Parties::Apart | Parties::Three)
    }
}

/// The time of a rule, from virtual ms.
fn during((from, until): (u64, u64)) -> When {
    let at = |ms: u64| Utc(START.0 + ms as i64);
    When { from: Some(at(from)), until: Some(at(until)), daily: None }
}

/// Everything in full.
pub fn open(peers: &[usize]) -> Policy {
    let rules = RecordClass::ALL.map(|class| Rule::new(class, Level::Full)).to_vec();
    Policy { revision: 1, rules: peers.iter().map(|p| (parties::name(*p), rules.clone())).collect() }
}

fn level(random: &mut Random, class: RecordClass) -> Level {
    let bin_ms = *random.pick(&[2_000, 5_000, 10_000]);
    let cell_e7 = *random.pick(&[200_000, 1_000_000]);
    let identity = *random.pick(&[Identity::Drop, Identity::Pseudonym, Identity::Keep]);
    let precision_mm = *random.pick(&[0, 500_000, 5_000_000]);
    match (random.below(6), class) {
        (0, _) => Level::Withheld,
        (1, RecordClass::Tracks | RecordClass::Plans) => Level::AvoidArea { cell_e7, bin_ms },
        (2, RecordClass::Tracks) => Level::Coarse { cell_e7, bin_ms },
        (3, RecordClass::Tracks) => {
            let delay_ms = *random.pick(&[0, 2_000, 7_000]);
            Level::Reduced { precision_mm, delay_ms, identity }
        }
        (3, RecordClass::Plans) => Level::Reduced { precision_mm, delay_ms: 0, identity },
        _ => Level::Full,
    }
}

fn pacts(parties: Parties, rates: bool) -> Vec<String> {
    let of = |numbers: &[usize], sharing: bool| {
        let names: Vec<PartyId> = numbers.iter().map(|n| parties::name(*n)).collect();
        let mut pact = parties::pact(3, false, 0, 0).pact().clone();
        pact.parties.retain(|p| names.contains(&p.id));
        pact.checkpoints_shared = sharing;
        if rates {
            let low = Rate { per_minute: 60, burst: 64 };
            pact.rates = [Kind::Plan, Kind::Notice].map(|kind| (RateOf::Kind(kind), low)).into();
        }
        sign(pact)
    };
    match parties {
        Parties::Two => vec![of(&[NODE, PEER], false)],
        Parties::Apart => vec![of(&[NODE, PEER], false), of(&[NODE, THIRD], false)],
        Parties::Three => vec![of(&[NODE, PEER, THIRD], false)],
        Parties::Sharing => vec![of(&[NODE, PEER, THIRD], true)],
    }
}

fn sign(pact: Pact) -> String {
    let ids: Vec<PartyId> = pact.parties.iter().map(|p| p.id.clone()).collect();
    let signed = SignedPact::unsigned(pact).and_then(|mut signed| {
        ids.iter().try_for_each(|id| signed.sign(&parties::keys(id).log).map(drop))?;
        Ok(signed)
    });
    match signed {
        Ok(signed) => String::from_utf8_lossy(&signed.to_bytes()).into_owned(),
        Err(error) => unreachable!("{error}"),
    }
}

/// For rules that let out the military flights, too: what a proposal asks for.
pub fn widened(policy: &Policy, to: usize) -> Policy {
    let mut rules: BTreeMap<PartyId, Vec<Rule>> = policy.rules.clone();
    for rule in rules.entry(parties::name(to)).or_default() {
        if rule.aircraft == Some(AircraftClass::Military) {
            rule.level = Level::Full;
        }
    }
    Policy { revision: policy.revision, rules }
}
