//! Two aircraft: what the engine says of them, with the figures that analysts compare.
use crate::cli::detect::out::{Row, When};
use ::detect::{
    AltitudeBasis, Item, Minima, MinimaTable, Verdict, WellClear, WellClearAlerting, WellClearLoss, Why, approach,
    track_track, well_clear,
};

/// The parameters of a run.
pub struct Rules {
    pub table: MinimaTable,
    /// Longest horizon of the table, milliseconds.
    pub horizon_ms: i64,
    pub well_clear: Option<(WellClear, WellClearAlerting)>,
    /// Clear ones too.
    pub all: bool,
}

/// What is said of a pair.
pub struct Judged {
    pub row: Row,
    pub conflict: bool,
    pub loss: Option<Verdict<WellClearLoss>>,
}

impl Rules {
    /// Both verdicts on a pair.
    pub fn pair(&self, a: &Item, b: &Item) -> Judged {
        let minima = self.table.get(a.class, b.class);
        let mut row = Row { kind: "track-track", ..Row::default() };
        let verdict = track_track(&a.track, &b.track, &minima);
        match verdict {
            Verdict::Conflict(e) => {
                (row.tin_s, row.tout_s) = (Some(e.tin_s), Some(e.tout_s));
                (row.violation_now, row.widened_m) = (Some(e.violation_now), Some(e.widened_m));
                (row.tcpa_s, row.dcpa_m, row.d0_m) = (Some(e.tcpa_s), Some(e.dcpa_m), Some(e.d0_m));
                (row.vertical_cpa, row.vertical_now) = (e.vertical_at_cpa, e.vertical_now);
                (row.basis, row.velocity_unknown) = (Some(basis(e.basis)), Some(e.velocity_unknown));
            }
            Verdict::Clear | Verdict::Unknown(_) => self.passing(a, b, &minima, &mut row),
        }
        (row.verdict, row.reason) = words(&verdict);
        let loss = self.well_clear.as_ref().map(|(limits, _)| well_clear(&a.track, &b.track, limits));
        if let Some(loss) = &loss {
            row.wc = Some(match loss {
                Verdict::Conflict(_) => "loss",
                Verdict::Clear => "clear",
                Verdict::Unknown(_) => "unknown",
            });
            if let Verdict::Conflict(loss) = loss {
                (row.wc_tin_s, row.wc_tout_s, row.wc_now) = (Some(loss.tin_s), Some(loss.tout_s), Some(loss.now));
            }
        }
        Judged { conflict: matches!(verdict, Verdict::Conflict(_)), row, loss }
    }

    /// Whether a pair conflicts or loses well clear.
    pub fn matters(&self, a: &Item, b: &Item) -> bool {
        let conflict = |v| matches!(v, Verdict::Conflict(_));
        matches!(track_track(&a.track, &b.track, &self.table.get(a.class, b.class)), Verdict::Conflict(_))
            || self.well_clear.as_ref().is_some_and(|(limits, _)| conflict(well_clear(&a.track, &b.track, limits)))
    }

    /// How two that do not conflict pass each other, as far as it can be told.
    fn passing(&self, a: &Item, b: &Item, minima: &Minima, row: &mut Row) {
        let Ok(pass) = approach(&a.track, &b.track, minima.horizon_ms) else { return };
        row.d0_m = Some(pass.d0_m);
        (row.vertical_now, row.basis) = (pass.vertical_now, Some(basis(pass.basis)));
        (row.violation_now, row.velocity_unknown) = (Some(false), Some(pass.velocity_unknown));
        row.widened_m = Some(a.track.drift_m() + b.track.drift_m());
        // Without a velocity there is no telling when they pass, only that they do not conflict standing still.
        if !pass.velocity_unknown {
            (row.tcpa_s, row.dcpa_m, row.vertical_cpa) = (Some(pass.tcpa_s), Some(pass.dcpa_m), pass.vertical_at_cpa);
        }
    }

    /// Minima within which every pair is that loses well clear, whatever its levels: a filter, never a verdict.
    ///
    /// A loss begins at most tau before DMOD is reached, so DMOD is reached within the horizon and tau. A tenth and 2 km more
    /// for pairs so fast that the engine bends their way where well clear takes it as straight.
    pub fn well_clear_filter(&self) -> Option<MinimaTable> {
        let (limits, alerting) = self.well_clear.as_ref()?;
        let lateral_mm = limits.lateral_mm.max(alerting.clearing.lateral_mm);
        Some(MinimaTable::uniform(Minima {
            lateral_mm: lateral_mm + lateral_mm / 10 + 2_000_000,
            vertical: units::Height(i32::MAX),
            horizon_ms: limits.horizon_ms + limits.tau_ms + 1_000,
        }))
    }
}

/// Name of a kind of height.
pub fn basis(basis: AltitudeBasis) -> &'static str {
    match basis {
        AltitudeBasis::Pressure => "pressure",
        AltitudeBasis::Geometric => "geometric",
        AltitudeBasis::Mixed => "mixed",
        AltitudeBasis::UnknownLevel => "unknown",
    }
}

/// Why, in a word.
pub fn why(why: Why) -> &'static str {
    match why {
        Why::Stale { .. } => "stale",
        Why::Ahead { .. } => "ahead",
        Why::Velocity => "velocity",
        Why::ReferenceTime => "reference-time",
        Why::Frame => "frame",
    }
}

fn words<T>(verdict: &Verdict<T>) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Conflict(_) => ("conflict", None),
        Verdict::Clear => ("clear", None),
        Verdict::Unknown(reason) => ("unknown", Some(why(*reason))),
    }
}

/// A track about which not everything can be said.
pub fn unknown_track(id: &str, reason: Why, time: Option<When>) -> Row {
    Row { kind: "track", a: id.to_owned(), time, verdict: "unknown", reason: Some(why(reason)), ..Row::default() }
}
