//! What a bundle proves and does not prove, as values and as text.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use sha2::{Digest, Sha256};

use crate::audit::{Fault, FirstBad};
use crate::bundle::Unsigned;
use crate::checkpoint::Checkpoint;
use crate::cosign::Cosignature;
use crate::equivocation::Equivocation;
use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::note::Verified;
use crate::standing::Standing;

/// The result of verifying a bundle. Displayed as text that the independent verifier prints alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One report for each log of the bundle.
    pub logs: Vec<LogReport>,
    /// Length in bytes and SHA-256 of the metadata.
    pub metadata: Option<(usize, Hash)>,
}

impl Report {
    /// Tells whether everything the bundle claims is proven. Two checkpoints that provably contradict each other are
    /// such a claim; see [`Report::equivocations`].
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.logs.iter().all(LogReport::is_sound)
    }

    /// Tells whether nothing is wrong but that stolen keys signed or cosigned something alone.
    #[must_use]
    pub fn is_as_signed(&self) -> bool {
        self.logs.iter().all(LogReport::is_as_signed)
    }

    /// Gives every proof that a log's signer contradicted itself.
    pub fn equivocations(&self) -> impl Iterator<Item = &Equivocation> {
        self.logs.iter().flat_map(LogReport::contradictions).map(|(_, _, proof)| proof)
    }

    /// Gives the first entry that is not as signed, and the origin of its log.
    #[must_use]
    pub fn first_bad(&self) -> Option<(&str, &FirstBad)> {
        self.logs.iter().find_map(|log| Some((log.origin.as_str(), log.first_bad.as_ref()?)))
    }
}

/// The result for one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReport {
    /// The log's origin.
    pub origin: String,
    /// The keys the bundle names, and whether each is among the verifier's own.
    pub hints: Vec<(String, bool)>,
    /// The addressee's keys, as the verifier has them: [`crate::TrustedKeys::receivers`].
    pub receivers: Vec<VerifierKey>,
    /// The checkpoints, by number.
    pub checkpoints: Vec<CheckpointReport>,
    /// Of each entry of the bundle, in its order, whether it is proven.
    pub good: Vec<bool>,
    /// Entries that are proven, in runs.
    pub proven: Vec<Proven>,
    /// The same entries by who witnessed them; empty if the verifier has no witness's key.
    pub stretches: Vec<Stretch>,
    /// Ranges the bundle claims to be complete.
    pub ranges: Vec<Range<u64>>,
    /// The first entry that is not as signed.
    pub first_bad: Option<FirstBad>,
    /// The proofs between checkpoints.
    pub links: Vec<LinkReport>,
    /// Checkpoints, by number, of one size with different roots.
    pub equivocations: Vec<(u32, u32, Equivocation)>,
    /// What is not proven although a reader might think so.
    pub not_proven: Vec<NotProven>,
    /// What nobody signed, as the bundle has it. No verdict depends on it.
    pub unsigned: Vec<Unsigned>,
}

impl LogReport {
    /// Tells whether everything claimed of this log is proven.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let disowned = self.not_proven.iter().any(NotProven::is_of_a_theft);
        self.is_as_signed() && self.first_bad.is_none() && !disowned
    }

    fn is_as_signed(&self) -> bool {
        let checkpoints = !self.checkpoints.is_empty() && self.checkpoints.iter().all(|c| c.verified.is_ok());
        let links = self.links.iter().all(|link| !matches!(link, LinkReport::Unverified { .. }));
        checkpoints && links && self.first_bad.as_ref().is_none_or(|bad| bad.fault == Fault::Stolen)
    }

    /// Gives the entries that the log's addressee had received, each run with the earliest time that it states.
    ///
    /// It goes by the keys that the verifier has for the addressee, not by their names. A witness, who sees hashes alone,
    /// gives no receipt.
    #[must_use]
    pub fn received(&self) -> Vec<(Range<u64>, u64)> {
        let earliest = |run: &Proven| {
            let receipts = run.received.iter().filter(|seen| self.receivers.contains(&seen.key));
            let times = receipts.map(|seen| seen.time_s);
            Some((run.range.clone(), times.min()?))
        };
        self.proven.iter().filter_map(earliest).collect()
    }

    fn contradictions(&self) -> impl Iterator<Item = (u32, u32, &Equivocation)> {
        let forks = self.links.iter().filter_map(|link| match link {
            LinkReport::Contradicts { older, newer, proof } if self.both_stand(*older, *newer) => {
                Some((*older, *newer, &**proof))
            }
            _ => None,
        });
        self.equivocations.iter().map(|(a, b, proof)| (*a, *b, proof)).chain(forks)
    }

    fn both_stand(&self, a: u32, b: u32) -> bool {
        [a, b].iter().all(|n| self.checkpoints.get(*n as usize).is_some_and(CheckpointReport::stands))
    }

    /// What is to be said with a contradiction: a thief may have signed one of the two.
    fn since_stolen(&self, a: u32) -> &'static str {
        match self.checkpoints.get(a as usize) {
            Some(c) if !c.stolen_by.is_empty() => ", by a key stolen since",
            _ => "",
        }
    }
}

/// The result for one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointReport {
    /// The checkpoint, if a key that speaks for the log signed it and no signature by a known key is false.
    pub verified: Result<Verified<Checkpoint>, CheckpointFault>,
    /// Why it counts as the owner's word, if it verifies.
    pub standing: Standing,
    /// Those of the keys that signed it which were stolen.
    pub stolen_by: Vec<VerifierKey>,
    /// Its cosignatures by known keys, but those of witnesses.
    pub cosigned: Vec<Cosignature>,
    /// Its cosignatures by witnesses: no receipts.
    pub witnessed: Vec<Cosignature>,
    /// Its cosignatures by keys that were stolen: no proof of anything, of no time either.
    pub disowned: Vec<Cosignature>,
    /// Signature lines by keys the verifier does not have.
    pub ignored: Vec<String>,
}

/// Why a checkpoint does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointFault {
    /// It is no checkpoint note.
    Malformed,
    /// It is of another log.
    OtherLog,
    /// A signature that names a known key is false.
    FalseSignature {
        /// The key's name.
        name: String,
    },
    /// No key that speaks for the log signed it.
    NotSigned,
}

/// A run of entries that are proven by one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The entries' indexes.
    pub range: Range<u64>,
    /// The checkpoint's number.
    pub checkpoint: u32,
    /// Who cosigned that tree, or one that extends it, and by when at the earliest; without the signer's own cosignatures.
    pub received: Vec<Cosignature>,
}

/// Entries that the same witnesses saw: their checkpoint, or one that is proven to extend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The entries' indexes.
    pub range: Range<u64>,
    /// Names of the witnesses, in order.
    pub by: Vec<String>,
    /// Witnesses demanded; 0 if none are.
    pub of: u32,
    /// When as many as are demanded, at least one, had seen the first and the last of these entries; none if they have not.
    pub dated: Option<(u64, u64)>,
}

impl Stretch {
    /// Tells whether as many witnesses as are demanded, at least one, saw these entries.
    #[must_use]
    pub fn is_witnessed(&self) -> bool {
        self.dated.is_some()
    }
}

/// The result for a proof between two checkpoints, given by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkReport {
    /// The newer checkpoint extends the older one.
    Extends {
        /// The older checkpoint.
        older: u32,
        /// The newer checkpoint.
        newer: u32,
    },
    /// The two contradict each other.
    Contradicts {
        /// The older checkpoint.
        older: u32,
        /// The newer checkpoint.
        newer: u32,
        /// The proof.
        proof: Box<Equivocation>,
    },
    /// The proof proves nothing.
    Unverified {
        /// The older checkpoint.
        older: u32,
        /// The newer checkpoint.
        newer: u32,
    },
}

impl LinkReport {
    pub(crate) fn ends(&self) -> (u32, u32) {
        match self {
            LinkReport::Extends { older, newer }
            | LinkReport::Contradicts { older, newer, .. }
            | LinkReport::Unverified { older, newer } => (*older, *newer),
        }
    }
}

/// Something a reader might take for proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotProven {
    /// That anyone but the signer received these entries.
    Receipt {
        /// The entries' indexes.
        range: Range<u64>,
        /// Number of the checkpoint that nobody known cosigned.
        checkpoint: u32,
    },
    /// That the log's owner said what a checkpoint covers: a stolen key alone signed it.
    Tree {
        /// Number of the checkpoint.
        checkpoint: u32,
    },
    /// That the log's owner said these entries: a stolen key alone signed their checkpoint.
    Entries {
        /// The entries' indexes.
        range: Range<u64>,
        /// Number of the checkpoint.
        checkpoint: u32,
    },
    /// That whoever a stolen key names cosigned a checkpoint.
    Disowned {
        /// Number of the checkpoint.
        checkpoint: u32,
    },
    /// That the signer contradicted itself: a stolen key alone signed one of these.
    Contradiction {
        /// One checkpoint.
        a: u32,
        /// The other.
        b: u32,
    },
    /// That two checkpoints, by number, are of one history.
    OneHistory {
        /// The older checkpoint.
        older: u32,
        /// The newer checkpoint.
        newer: u32,
    },
}

impl NotProven {
    /// Tells whether something here rests on a stolen key alone.
    #[must_use]
    pub fn is_of_a_theft(&self) -> bool {
        !matches!(self, NotProven::Receipt { .. } | NotProven::OneHistory { .. })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for log in &self.logs {
            log.fmt(f)?;
        }
        if let Some((len, hash)) = &self.metadata {
            writeln!(f, "metadata: {len} bytes, SHA-256 {hash}, not signed here")?;
        }
        for limit in LIMITS {
            writeln!(f, "not proven: {limit}")?;
        }
        writeln!(
            f,
            "verdict: {}",
            if self.is_sound() { "everything claimed is proven" } else { "NOT PROVEN AS CLAIMED" }
        )
    }
}

impl fmt::Display for LogReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log {}", self.origin)?;
        for (hint, known) in &self.hints {
            writeln!(
                f,
                "  key named in the bundle: {hint} ({})",
                if *known { "supplied too" } else { "not supplied" }
            )?;
        }
        for (number, checkpoint) in self.checkpoints.iter().enumerate() {
            write!(f, "  checkpoint {number}")?;
            checkpoint.fmt(f)?;
        }
        for range in &self.ranges {
            writeln!(f, "  claimed complete: entries {}..{}", range.start, range.end)?;
        }
        for Proven { range, checkpoint, .. } in &self.proven {
            writeln!(f, "  proven: entries {}..{} in checkpoint {checkpoint}", range.start, range.end)?;
        }
        for stretch in &self.stretches {
            writeln!(f, "  {stretch}")?;
        }
        if let Some(bad) = &self.first_bad {
            writeln!(f, "  first bad: {bad}")?;
        }
        for (a, b, _) in &self.equivocations {
            let by = self.since_stolen(*a);
            writeln!(f, "  CONTRADICTION: checkpoints {a} and {b} give one size two roots{by}")?;
        }
        for link in &self.links {
            let (older, newer) = link.ends();
            match link {
                LinkReport::Extends { .. } => writeln!(f, "  proven: checkpoint {newer} extends checkpoint {older}")?,
                LinkReport::Contradicts { .. } if self.both_stand(older, newer) => {
                    let by = self.since_stolen(older);
                    writeln!(f, "  CONTRADICTION: checkpoint {newer} does not extend checkpoint {older}{by}")?;
                }
                LinkReport::Contradicts { .. } => {}
                LinkReport::Unverified { .. } => writeln!(f, "  false proof from checkpoint {older} to {newer}")?,
            }
        }
        self.not_proven.iter().try_for_each(|it| writeln!(f, "  not proven: {it}"))?;
        for Unsigned { index, bytes } in &self.unsigned {
            let (len, hash) = (bytes.len(), Hash(Sha256::digest(bytes).into()));
            writeln!(f, "  NOT SIGNED BY ANYBODY: the receiver's word: {len} bytes for entry {index}, SHA-256 {hash}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CheckpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verified {
            Ok(tree) => {
                writeln!(f, ": size {}, root {}", tree.size, tree.root)?;
                for key in tree.signed_by() {
                    let stolen = if self.stolen_by.contains(key) { ", a stolen key" } else { "" };
                    writeln!(f, "    signed by {}+{}{stolen}", key.name(), key.id())?;
                }
                match self.standing {
                    Standing::Signed => {}
                    Standing::Extended => {
                        writeln!(f, "    stands: a key not stolen signed this tree or one that extends it")?
                    }
                    Standing::Accepted => writeln!(f, "    stands by the addressee's word alone: {ACCEPTED}")?,
                    Standing::Fallen => writeln!(f, "    NOT PROVEN: a stolen key alone signed it")?,
                }
            }
            Err(fault) => writeln!(f, " {fault}")?,
        }
        let all = [("cosigned", &self.cosigned), ("witnessed", &self.witnessed)];
        for (what, by) in all.iter().flat_map(|(what, all)| all.iter().map(move |by| (what, by))) {
            writeln!(f, "    {what} by {}+{} at {}", by.key.name(), by.key.id(), Utc(by.time_s))?;
        }
        for by in &self.disowned {
            writeln!(
                f,
                "    no proof: cosigned by {}+{} at {}, a stolen key",
                by.key.name(),
                by.key.id(),
                Utc(by.time_s)
            )?;
        }
        self.ignored.iter().try_for_each(|line| writeln!(f, "    ignored: {line}"))
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range;
        let by = if self.by.is_empty() { "nobody".to_owned() } else { self.by.join(", ") };
        let quorum = if self.of == 0 { String::new() } else { format!(" (quorum of {})", self.of) };
        match self.dated {
            Some((first, last)) => {
                write!(f, "witnessed: entries {start}..{end} by {by}{quorum}, dated {} to {}", Utc(first), Utc(last))
            }
            None => write!(f, "NOT WITNESSED: entries {start}..{end}: by {by}{quorum}"),
        }
    }
}

impl fmt::Display for CheckpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointFault::Malformed => f.write_str("is malformed"),
            CheckpointFault::OtherLog => f.write_str("is of another log"),
            CheckpointFault::FalseSignature { name } => write!(f, "bears a false signature of {name}"),
            CheckpointFault::NotSigned => f.write_str("is signed by no key supplied for this log"),
        }
    }
}

impl fmt::Display for NotProven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotProven::Receipt { range: Range { start, end }, checkpoint } => {
                write!(
                    f,
                    "that anyone received entries {start}..{end}: no other party's key supplied cosigned checkpoint {checkpoint}"
                )
            }
            NotProven::Tree { checkpoint } => {
                write!(f, "that its owner said what checkpoint {checkpoint} covers: a stolen key alone signed it")
            }
            NotProven::Entries { range: Range { start, end }, checkpoint } => {
                write!(f, "entries {start}..{end}: a stolen key alone signed checkpoint {checkpoint}")
            }
            NotProven::Disowned { checkpoint } => {
                write!(f, "that anyone received what checkpoint {checkpoint} covers: stolen keys alone cosigned it")
            }
            NotProven::Contradiction { a, b } => {
                write!(
                    f,
                    "that the signer contradicted itself in checkpoints {a} and {b}: a stolen key alone signed one"
                )
            }
            NotProven::OneHistory { older, newer } => {
                write!(f, "that checkpoint {newer} extends checkpoint {older}: no proof joins them")
            }
        }
    }
}

/// POSIX seconds as UTC, as far as four-digit years go.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, s) = (self.0 / 86_400, self.0 % 86_400);
        if days > 2_932_896 {
            return write!(f, "{} s", self.0);
        }
        // Days since 0000-03-01, in eras of 400 years; March first, so that the leap day is the last of its year.
        let z = days + 719_468;
        let (era, day) = (z / 146_097, z % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let yday = day - (365 * year + year / 4 - year / 100);
        let m = (5 * yday + 2) / 153;
        let (d, month) = (yday - (153 * m + 2) / 5 + 1, if m < 10 { m + 3 } else { m - 9 });
        let year = year + era * 400 + u64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{d:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
    }
}

/// How a tree stands that its addressee took for the owner's.
const ACCEPTED: &str = "it cosigned this tree, or one that extends it, before it heard of the theft";

/// What no bundle can prove.
const LIMITS: [&str; 5] = [
    "that an entry nobody cosigned was not received: two parties alone cannot force a receipt",
    "that a cosigner had read the entries: a witness sees hashes alone, only an addressee agreed to hold them",
    "that nothing else was said: only the entries listed are shown",
    "that the signer showed no other history to others: compare checkpoints with them",
    "that a cosigner's clock was right: each time is its own statement",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn times_are_written_as_calendars_have_them() {
        for (time_s, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_533_099_600, "2018-08-01T05:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "253402300800 s"),
        ] {
            assert_eq!(format!("{}", Utc(time_s)), expect);
        }
    }
}
