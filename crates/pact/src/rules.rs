//! The pact's content.
use airspace::{Limit, Outline};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use record::{Hash32, Kind, Mode, NoticeClass, PartyId, Precedence};
use tlog::VerifierKey;
use units::{AircraftClass, Height, Utc};

use crate::error::{PactError, Reason};
use crate::oversight::Oversight;
use crate::padding::Padding;

/// Most bytes of a pact's text: its signed note (64 KiB) has room for 16 signatures of 365 bytes besides.
pub const PACT_BYTES_MAX: usize = 58_000;
/// Most parties: what a note can carry signatures of.
pub const PARTIES_MAX: usize = 16;

/// The rules between parties.
///
/// Fields are public, so that a proposal can be built; [`Pact::check`] says whether it can be written and read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pact {
    /// Clause 1: parties, ordered by id.
    pub parties: Vec<Party>,
    /// Clause 2.1: area.
    pub area: Outline,
    /// Clause 2.2: bottom of the area, inclusive.
    pub lower: Limit,
    /// Clause 2.2: top of the area, inclusive.
    pub upper: Limit,
    /// Clause 3.1: first instant, inclusive; a whole second.
    pub valid_from: Utc,
    /// Clause 3.1: last instant, inclusive; a whole second.
    pub valid_until: Utc,
    /// Clause 4.1: minima of every pair that no other line names.
    pub default_minima: Minima,
    /// Clauses 4.2 and on: minima of pairs, ordered.
    pub pairs: Vec<PairMinima>,
    /// Clause 5.1: a conflict that begins within this is an alarm, ms.
    pub alarm_horizon_ms: i64,
    /// Clause 6: seconds between the issue of a notice and its start, by class.
    pub notice_s: BTreeMap<NoticeClass, u32>,
    /// Clause 7: seconds to acknowledge, by precedence, in the order of [`Precedence::ALL`].
    pub acknowledge_s: [u32; 4],
    /// Clause 12.1: live or exercise.
    pub mode: Mode,
    /// Clause 13.1: longest time between checkpoints while there is something new, ms.
    pub checkpoint_busy_ms: u32,
    /// Clause 13.1: the same while there is nothing new, ms.
    pub checkpoint_idle_ms: u32,
    /// Clause 13.2: a peer's clock off by more is shown, ms.
    pub clock_warn_ms: u32,
    /// Clause 13.2: times of a peer whose clock is off by more are not certified, ms.
    pub clock_refuse_ms: u32,
    /// Clause 13.8: whether nodes show the other parties the checkpoints they hold of one another.
    pub checkpoints_shared: bool,
    /// Clauses 15 to 17: auditors and witnesses.
    pub oversight: Oversight,
    /// Clause 18: how fast a party takes what another sends it, where that differs from the protocol's defaults.
    pub rates: BTreeMap<RateOf, Rate>,
    /// Clause 19: every link of the pact carries the same bytes in the same time, whatever is said; none if it need not.
    pub padding: Option<Padding>,
}

/// What a rate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateOf {
    /// Records of a kind.
    Kind(Kind),
    /// What goes ahead of its turn: FLASH and IMMEDIATE.
    Urgent,
}

impl RateOf {
    /// The word in the pact.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::Urgent => "urgent",
        }
    }

    /// From [`RateOf::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().map(Self::Kind).chain([Self::Urgent]).find(|of| of.name() == name)
    }
}

/// Records in the long run, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Records a minute.
    pub per_minute: u32,
    /// Records at once.
    pub burst: u32,
}

/// A party and how to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Name in records.
    pub id: PartyId,
    /// Name for people, 1 to 80 characters.
    pub name: String,
    /// Signs the pact and the checkpoints of its logs (type 0x01).
    pub log_key: VerifierKey,
    /// Signs its cosignatures: receipts (type 0x04).
    pub cosign_key: VerifierKey,
    /// SHA-256 of the subject public key info of its TLS certificate.
    pub tls_spki_sha256: Hash32,
    /// Signs statements that replace the three keys above (type 0x01), and nothing else; kept away from the node. Without
    /// one the keys change with a new pact alone.
    pub authority_key: Option<VerifierKey>,
    /// Where its desk is reached when the link is down: voice number, radio, 0 to 120 characters.
    pub desk: String,
}

/// The name of a party's log key and of its cosign key: all its logs' origins begin with it, and nobody else's, so a
/// verifier takes no key of one party for another's.
#[must_use]
pub fn key_name(party: &PartyId) -> String {
    format!("skypact.link/{party}")
}

/// The name of a party's authority key. No log's origin begins with it, so it speaks for no log.
#[must_use]
pub fn authority_key_name(party: &PartyId) -> String {
    format!("skypact.keys/{party}")
}

/// Separation minima. The same three numbers as the detector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minima {
    /// A horizontal distance below it is too close, millimetres.
    pub lateral_mm: i64,
    /// A vertical distance below it is too close.
    pub vertical: Height,
    /// A conflict counts if it begins before this, ms.
    pub horizon_ms: i64,
}

/// Minima of a pair of classes; `None` is any class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairMinima {
    /// The class that comes first in [`AircraftClass::ALL`], `None` before all.
    pub a: Option<AircraftClass>,
    /// The other one; never `None`: that is clause 4.1.
    pub b: AircraftClass,
    /// Their minima.
    pub minima: Minima,
}

impl Minima {
    /// The larger of each number.
    #[must_use]
    pub fn wider(self, other: Self) -> Self {
        Self {
            lateral_mm: self.lateral_mm.max(other.lateral_mm),
            vertical: self.vertical.max(other.vertical),
            horizon_ms: self.horizon_ms.max(other.horizon_ms),
        }
    }
}

impl PairMinima {
    fn names(&self, x: AircraftClass, y: AircraftClass) -> bool {
        let (a, b) = (self.a, self.b);
        (a.is_none_or(|a| a == x) && b == y) || (a.is_none_or(|a| a == y) && b == x)
    }
}

impl Pact {
    /// Parses a pact's text.
    ///
    /// # Errors
    /// The first line that is wrong, with its clause.
    pub fn parse(text: &str) -> Result<Self, PactError> {
        crate::parse::pact(text)
    }

    /// Writes the pact in its one form.
    #[must_use]
    pub fn format(&self) -> String {
        crate::clauses::format(self)
    }

    /// Whether the pact can be written and read back as it is: every number in range, every name plain.
    ///
    /// # Errors
    /// The first clause that is wrong.
    pub fn check(&self) -> Result<(), PactError> {
        if Self::parse(&self.format())? == *self {
            return Ok(());
        }
        Err(PactError { line: 1, clause: "0".into(), reason: Reason::Inexact })
    }

    /// SHA-256 of the text: the pact's name in every record.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(self.format().as_bytes())
    }

    /// The party of this id.
    #[must_use]
    pub fn party(&self, id: &PartyId) -> Option<&Party> {
        self.parties.iter().find(|p| p.id == *id)
    }

    /// The party whose TLS key has this hash.
    #[must_use]
    pub fn party_of_tls(&self, spki_sha256: &Hash32) -> Option<&Party> {
        self.parties.iter().find(|p| p.tls_spki_sha256 == *spki_sha256)
    }

    /// Minima of a pair of classes, either way round.
    ///
    /// Of all lines that name the pair the larger numbers hold; if none does, clause 4.1. An aircraft of unknown class
    /// may be of any, so the widest that any of its pairs could have holds.
    #[must_use]
    pub fn minima(&self, x: AircraftClass, y: AircraftClass) -> Minima {
        let could_be = |c: AircraftClass| AircraftClass::ALL.into_iter().filter(move |k| unknown(c) || *k == c);
        let pairs = could_be(x).flat_map(|x| could_be(y).map(move |y| (x, y)));
        pairs.map(|(x, y)| self.named(x, y)).reduce(Minima::wider).unwrap_or(self.default_minima)
    }

    fn named(&self, x: AircraftClass, y: AircraftClass) -> Minima {
        let lines = self.pairs.iter().filter(|pair| pair.names(x, y)).map(|pair| pair.minima);
        lines.reduce(Minima::wider).unwrap_or(self.default_minima)
    }

    /// Seconds within which a record of this precedence is to be acknowledged.
    #[must_use]
    pub const fn deadline_s(&self, precedence: Precedence) -> u32 {
        self.acknowledge_s[precedence as usize]
    }

    /// Seconds of notice that this class needs; 0 if the pact says nothing.
    #[must_use]
    pub fn notice_s(&self, class: NoticeClass) -> u32 {
        self.notice_s.get(&class).copied().unwrap_or(0)
    }

    /// Whether the instant lies in the pact's validity (both ends inclusive).
    #[must_use]
    pub fn valid_at(&self, at: Utc) -> bool {
        self.valid_from <= at && at <= self.valid_until
    }
}

const fn unknown(class: AircraftClass) -> bool {
    matches!(class, AircraftClass::Unknown)
}
