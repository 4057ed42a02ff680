//! What a seed draws: which faults are on and how often, how many nodes, who lies. Swarm testing: each run has a random part of
//! all faults, because some hide others.
use crate::event::{Fault, Liar};
use crate::parties::PARTIES_MAX;
use crate::random::Random;
use crate::witnesses::Manner;
use fold::Planted;
use std::collections::BTreeMap;
use std::time::Duration;

/// A bug to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// In the fold.
    Fold(Planted),
    /// An order that withholds tracks is answered, and not put in force.
    RuleSkipped,
    /// Checkpoints that a third party shows are passed over.
    ForksIgnored,
    /// Military aircraft that an order withholds are told as avoid areas.
    AvoidTold,
    /// An order that tells cells tells places, without a name.
    ExactCells,
    /// An order that tells names and places less precisely tells all.
    PrecisionLost,
    /// A channel that is suspended is not.
    SuspensionLost,
    /// Rules of an order hold at all times.
    TimesLost,
    /// Rules of an order about what is marked are lost.
    MarkingsLost,
    /// Rules of an order have no rates.
    RatesLost,
    /// Notices sent a minute ago are on their sender's desk no more.
    NoticeForgotten,
    /// Tracks are shown elsewhere, once the middle altered a frame.
    TracksMoved,
    /// Intents of traffic services are decided as if they flew far above all others.
    HeightsLost,
    /// They are filed an hour later than they are.
    OutlinesMoved,
    /// They are filed with another marking than the one that is configured.
    IntentsMismarked,
    /// What a peer withdrew is shown to traffic services for ever.
    WithdrawnShown,
    /// What a peer released is shown to them at another time.
    ShownMoved,
    /// Notifications that were taken count as failed.
    OutcomesLost,
}

impl Plant {
    /// The words at the command line.
    pub const ALL: [(&'static str, Self); 20] = [
        ("publish-before-fsync", Self::Fold(Planted::PublishBeforeFsync)),
        ("receipt-before-durable", Self::Fold(Planted::ReceiptBeforeDurable)),
        ("rule-skipped", Self::RuleSkipped),
        ("forks-ignored", Self::ForksIgnored),
        ("avoid-told", Self::AvoidTold),
        ("exact-cells", Self::ExactCells),
        ("precision-lost", Self::PrecisionLost),
        ("suspension-lost", Self::SuspensionLost),
        ("times-lost", Self::TimesLost),
        ("markings-lost", Self::MarkingsLost),
        ("rates-lost", Self::RatesLost),
        ("notice-forgotten", Self::NoticeForgotten),
        ("tracks-moved", Self::TracksMoved),
        ("heights-lost", Self::HeightsLost),
        ("outlines-moved", Self::OutlinesMoved),
        ("intents-mismarked", Self::IntentsMismarked),
        ("withdrawn-shown", Self::WithdrawnShown),
        ("shown-moved", Self::ShownMoved),
        ("outcomes-lost", Self::OutcomesLost),
        ("state-kept-after-failed-read", Self::Fold(Planted::StateKeptAfterFailedRead)),
    ];

    /// From a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, plant)| *plant)
    }
}

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Virtual hours with faults.
    pub hours: f64,
    /// Only these faults; none: all.
    pub only: Option<Vec<Fault>>,
    /// Only this hostile peer; none: as drawn.
    pub liar: Option<Liar>,
    /// So many parties; none: as drawn.
    pub nodes: Option<usize>,
    /// A bug to be found.
    pub plant: Option<Plant>,
    /// Snapshots so many seconds apart; none: as drawn. Most of a long run is folding again what came after the last one.
    pub snapshot_s: Option<u64>,
    /// Traffic services use the nodes; none: as drawn.
    pub services: Option<bool>,
    /// Every line of the trace is printed as it happens.
    pub loud: bool,
}

/// What a seed gave.
#[derive(Debug, Clone)]
pub struct Swarm {
    /// Parties.
    pub nodes: usize,
    /// The hostile one.
    pub liar: Option<(usize, Liar)>,
    /// Mean time between faults of a kind, ms.
    pub every: BTreeMap<Fault, u64>,
    /// The fold is told the time this often.
    pub tick_ms: u64,
    /// Snapshots.
    pub snapshot_every: Duration,
    /// Segments of the journal.
    pub segment_bytes: u64,
    /// Reports of the feeds, ms.
    pub reports_every: u64,
    /// An officer does something, mean, ms.
    pub acts_every: u64,
    /// The one node whose data may be replaced by a backup: two at once could forget together what nobody else knows.
    pub old: usize,
    /// Nodes show each other the checkpoints they hold.
    pub shared: bool,
    /// Operators replace keys, each time around so long after the last, ms.
    pub rekeys_every: Option<u64>,
    /// Witnesses that the pact names, and how they behave.
    pub witnesses: Vec<Manner>,
    /// How many of them must have cosigned.
    pub quorum: u32,
}

impl Swarm {
    /// Draws.
    #[must_use]
    pub fn draw(random: &mut Random, config: &Config) -> Self {
        let nodes = config.nodes.unwrap_or_else(|| *random.pick(&[2, 2, 2, 3, 3, 4])).clamp(2, PARTIES_MAX);
        let liar = match config.liar {
            Some(liar) => Some(liar),
            None if config.only.is_some() => None,
            None => random.one_in(3).then(|| *random.pick(Liar::ALL)),
        };
        let mut every = BTreeMap::new();
        for fault in Fault::ALL.iter().copied() {
            let (is_on, mean) = (random.one_in(2), *random.pick(&[120_000, 600_000, 1_800_000, 7_200_000]));
            let is_wanted = config.only.as_ref().map_or(is_on, |only| only.contains(&fault));
            // What ends a link, or a disk, for good would leave nothing to look at if it came each minute.
            let rare = matches!(fault, Fault::Flip | Fault::BitRot | Fault::Backup | Fault::Jump);
            if is_wanted && config.only.is_some() {
                // One kind alone: often.
                every.insert(fault, 40_000);
            } else if is_wanted {
                every.insert(fault, if rare { mean.max(1_200_000) * 3 } else { mean });
            }
        }
        let is_two_faced = liar == Some(Liar::TwoFaced);
        // It takes a third party to be shown another history.
        let nodes = if is_two_faced { nodes.max(3) } else { nodes };
        let alone = config.only.is_some();
        let manners = [Manner::Honest, Manner::Honest, Manner::Slow, Manner::Absent, Manner::Lying];
        let witnesses: Vec<Manner> = match random.below(3) {
            0 if !alone => (0..random.between(1, 3)).map(|_| *random.pick(&manners)).collect(),
            _ => Vec::new(),
        };
        Self {
            nodes,
            quorum: if witnesses.is_empty() { 0 } else { random.below(witnesses.len() as u64 + 1) as u32 },
            witnesses,
            shared: nodes > 2 && (random.one_in(2) || is_two_faced),
            rekeys_every: (random.one_in(3) && !alone).then(|| *random.pick(&[1_800_000, 5_400_000])),
            liar: liar.map(|liar| (random.below(nodes as u64) as usize, liar)),
            every,
            tick_ms: if random.one_in(40) { 100 } else { *random.pick(&[1000, 2000, 3000, 3000, 3000]) },
            snapshot_every: Duration::from_secs(config.snapshot_s.unwrap_or(*random.pick(&[60, 300, 900]))),
            segment_bytes: *random.pick(&[16 << 10, 64 << 10, 1 << 20]),
            reports_every: *random.pick(&[20_000, 60_000, 120_000]),
            acts_every: *random.pick(&[60_000, 120_000, 300_000]),
            old: random.below(nodes as u64) as usize,
        }
    }
}
