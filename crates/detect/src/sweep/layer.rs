//! Which pairs of classes have which minima: the filter looks for each minima apart, or small ones would be searched as
//! widely as large ones.
use crate::minima::{Minima, MinimaTable};
use alloc::vec::Vec;
use units::{AircraftClass, Height};

/// All pairs of classes with the same minima.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    minima: Minima,
    /// Classes that have these minima with the same classes are one group.
    group: [Option<u8>; 5],
    /// Which groups have these minima with which.
    pairs: [[bool; 5]; 5],
    /// What a speed in m/s is multiplied with to be a part of that which makes the lateral minimum in half the horizon.
    scale: f32,
}

/// Levels of speed; each has twice the reach of the one before.
pub(crate) const LEVELS: usize = 16;

/// Groups at most: a class each.
const GROUPS: usize = 5;

/// Keys of buckets: groups of so many levels, of tracks that are held against wanted ones alone, and of the wanted ones.
pub(crate) const KEYS: usize = 2 * GROUPS * LEVELS;

impl Layer {
    /// The layers of a table, as far as these classes need them.
    pub(crate) fn all(table: &MinimaTable, present: [bool; 5]) -> Vec<Self> {
        let mut layers: Vec<Self> = Vec::new();
        let there = |class: &AircraftClass| present[*class as usize];
        for a in AircraftClass::ALL.into_iter().filter(there) {
            for b in AircraftClass::ALL.into_iter().filter(there) {
                let minima = table.get(a, b);
                if !layers.iter().any(|l| l.minima == minima) {
                    layers.push(Self::of(table, minima, present));
                }
            }
        }
        layers
    }

    fn of(table: &MinimaTable, minima: Minima, present: [bool; 5]) -> Self {
        let mut pairs = [[false; 5]; 5];
        let mut group = [None; 5];
        let mut members: Vec<(AircraftClass, [bool; 5])> = Vec::new();
        for a in AircraftClass::ALL.into_iter().filter(|a| present[*a as usize]) {
            let with = AircraftClass::ALL.map(|b| present[b as usize] && table.get(a, b) == minima);
            if with == [false; 5] {
                continue;
            }
            let known = members.iter().position(|(_, w)| *w == with);
            group[a as usize] = Some(known.unwrap_or(members.len()) as u8);
            if known.is_none() {
                members.push((a, with));
            }
        }
        for (n, (_, with)) in members.iter().enumerate() {
            for (m, (other, _)) in members.iter().enumerate() {
                pairs[n][m] = with[*other as usize];
            }
        }
        Self { minima, group, pairs, scale: (minima.horizon_s() / (2.0 * minima.lateral_m())) as f32 }
    }

    /// Number of a track's group and level of speed; none if no pair of this layer has it.
    #[inline]
    pub(crate) fn key(&self, class: AircraftClass, is_wanted: bool, speed_mps: f32) -> Option<u16> {
        // The exponent of a number below 1 is at most that of 0.5.
        const HALF: u32 = 0.5f32.to_bits() >> 23;
        let level = ((speed_mps * self.scale).to_bits() >> 23).saturating_sub(HALF).min(LEVELS as u32 - 1) as u16;
        let first = u16::from(is_wanted) * GROUPS as u16;
        self.group[class as usize].map(|group| (first + u16::from(group)) * LEVELS as u16 + level)
    }

    /// Whether the tracks of two buckets are held against each other.
    pub(crate) fn together(&self, a: u16, b: u16) -> bool {
        let group = |key: u16| usize::from(key) / LEVELS;
        let (a, b) = (group(a), group(b));
        (a >= GROUPS || b >= GROUPS) && self.pairs[a % GROUPS][b % GROUPS]
    }

    pub(crate) fn lateral_m(&self) -> f64 {
        self.minima.lateral_m()
    }

    pub(crate) fn vertical_m(&self) -> f64 {
        f64::from(self.minima.vertical.0) / f64::from(Height::PER_METRE)
    }

    /// Half the horizon, and half a second for rounding.
    pub(crate) fn half_s(&self) -> f32 {
        (self.minima.horizon_s() / 2.0 + 0.5) as f32
    }

    /// Longest way from the middle of the horizon, metres.
    pub(crate) fn reach_m(&self, speed_mps: f32) -> f32 {
        speed_mps * self.half_s()
    }
}
