//! How close is too close: (D, H, T) per pair of aircraft classes.
use minicbor::{Decode, Encode};
use units::{AircraftClass, Height, NM_MM};

/// Separation minima and how far ahead they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Minima {
    /// D, millimetres: a horizontal distance below it is too close.
    #[n(0)]
    pub lateral_mm: i64,
    /// H: a vertical distance below it is too close.
    #[n(1)]
    pub vertical: Height,
    /// T, milliseconds: a conflict counts if it begins before this.
    #[n(2)]
    pub horizon_ms: i64,
}

/// Why minima are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MinimaError {
    /// Lateral minimum not in `1..=LATERAL_MAX_MM`.
    #[error("lateral minimum {mm} mm is not above 0 and at most 100 NM")]
    Lateral {
        /// Value.
        mm: i64,
    },
    /// Vertical minimum not positive.
    #[error("vertical minimum {tenth_mm} (0.1 mm) is not above 0")]
    Vertical {
        /// Value, 0.1 mm.
        tenth_mm: i32,
    },
    /// Horizon not in `1..=HORIZON_MAX_MS`.
    #[error("horizon {ms} ms is not above 0 and at most 30 minutes")]
    Horizon {
        /// Value.
        ms: i64,
    },
}

impl Minima {
    /// 5 NM, 1000 ft, 300 s.
    pub const DEFAULT: Self = Self { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 };
    /// Largest lateral minimum: 100 NM, where a chord is still within 7 m of the arc.
    pub const LATERAL_MAX_MM: i64 = 100 * NM_MM;
    /// Longest horizon: half an hour. The straight line in space is a model for minutes, not for hours.
    pub const HORIZON_MAX_MS: i64 = 30 * 60 * 1000;

    /// Checks the ranges.
    ///
    /// # Errors
    /// The first value out of range.
    pub fn check(&self) -> Result<(), MinimaError> {
        if !(1..=Self::LATERAL_MAX_MM).contains(&self.lateral_mm) {
            return Err(MinimaError::Lateral { mm: self.lateral_mm });
        }
        if self.vertical.0 <= 0 {
            return Err(MinimaError::Vertical { tenth_mm: self.vertical.0 });
        }
        if !(1..=Self::HORIZON_MAX_MS).contains(&self.horizon_ms) {
            return Err(MinimaError::Horizon { ms: self.horizon_ms });
        }
        Ok(())
    }

    /// The larger of each part: of two declarations the more careful one holds.
    #[must_use]
    pub fn wider(self, other: Self) -> Self {
        Self {
            lateral_mm: self.lateral_mm.max(other.lateral_mm),
            vertical: self.vertical.max(other.vertical),
            horizon_ms: self.horizon_ms.max(other.horizon_ms),
        }
    }

    pub(crate) fn lateral_m(&self) -> f64 {
        self.lateral_mm as f64 / 1000.0
    }

    pub(crate) fn horizon_s(&self) -> f64 {
        self.horizon_ms as f64 / 1000.0
    }
}

impl Default for Minima {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Minima for every pair of classes; symmetric by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimaTable([[Minima; 5]; 5]);

impl MinimaTable {
    /// From a function of two classes. It is asked both ways round and the wider answer holds.
    #[must_use]
    pub fn from_fn(f: impl Fn(AircraftClass, AircraftClass) -> Minima) -> Self {
        let mut table = [[Minima::DEFAULT; 5]; 5];
        for a in AircraftClass::ALL {
            for b in AircraftClass::ALL {
                table[a as usize][b as usize] = f(a, b).wider(f(b, a));
            }
        }
        Self(table)
    }

    /// The same minima for all.
    #[must_use]
    pub fn uniform(minima: Minima) -> Self {
        Self([[minima; 5]; 5])
    }

    /// Minima of a pair.
    #[must_use]
    pub fn get(&self, a: AircraftClass, b: AircraftClass) -> Minima {
        self.0[a as usize][b as usize]
    }

    /// Whether all pairs have the same minima.
    pub(crate) fn is_uniform(&self) -> bool {
        self.0.iter().flatten().all(|m| *m == self.0[0][0])
    }

    /// The widest of each part, of any pair.
    #[must_use]
    pub fn widest_of_all(&self) -> Minima {
        self.widest([true; 5])
    }

    /// The widest minima of any pair of the given classes (of all, if `present` says so).
    pub(crate) fn widest(&self, present: [bool; 5]) -> Minima {
        let mut widest = Minima { lateral_mm: 0, vertical: Height(0), horizon_ms: 0 };
        for (a, row) in self.0.iter().enumerate().filter(|(a, _)| present[*a]) {
            for (_, m) in row.iter().enumerate().filter(|(b, _)| present[*b] && *b >= a) {
                widest = widest.wider(*m);
            }
        }
        widest
    }
}

impl Default for MinimaTable {
    fn default() -> Self {
        Self::uniform(Minima::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_declaration_wins_whichever_way_it_is_asked() {
        let small = Minima { lateral_mm: 100_000, vertical: Height::from_metres(30.0).unwrap(), horizon_ms: 60_000 };
        let table = MinimaTable::from_fn(|a, b| match (a, b) {
            (AircraftClass::Uas, AircraftClass::Civil) => Minima::DEFAULT,
            _ => small,
        });
        assert_eq!(table.get(AircraftClass::Civil, AircraftClass::Uas), Minima::DEFAULT);
        assert_eq!(table.get(AircraftClass::Uas, AircraftClass::Uas), small);
        assert_eq!(table.widest([false, true, false, false, false]), small);
        assert_eq!(table.widest([true; 5]), Minima::DEFAULT);
    }

    #[test]
    fn minima_out_of_range_are_refused() {
        let ok = Minima::DEFAULT;
        assert_eq!(ok.check(), Ok(()));
        assert_eq!(Minima { lateral_mm: 0, ..ok }.check(), Err(MinimaError::Lateral { mm: 0 }));
        assert_eq!(Minima { vertical: Height(0), ..ok }.check(), Err(MinimaError::Vertical { tenth_mm: 0 }));
        assert_eq!(Minima { horizon_ms: 1_800_001, ..ok }.check(), Err(MinimaError::Horizon { ms: 1_800_001 }));
    }
}
