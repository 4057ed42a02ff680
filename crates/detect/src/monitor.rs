//! Whether an alert about well clear stands: look by look, of one pair.
//!
//! A single look flickers: noise of speed and vertical rate takes a pair over a threshold and back. So an alert begins only
//! when M of the last N looks say so, and ends only when wider thresholds have been clear for a time. What cannot be told is
//! no look: it begins nothing, and it ends nothing.
use crate::verdict::Verdict;
use crate::wellclear::{WellClear, WellClearError, WellClearLoss, within};
use minicbor::{Decode, Encode};
use units::{Height, Mono};

/// When an alert begins and ends. Parameters are data: a pact's, or an analyst's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct WellClearAlerting {
    /// M: as many of the last N looks must say that a loss begins within `ahead_ms`.
    #[n(0)]
    pub needed: u8,
    /// N, at most [`Self::LOOKS_MAX`].
    #[n(1)]
    pub of: u8,
    /// How soon a loss must begin to count, milliseconds.
    #[n(2)]
    pub ahead_ms: i64,
    /// What must be clear for the alert to end; nowhere narrower than the thresholds of the loss, and its horizon not
    /// shorter than `ahead_ms`.
    #[n(3)]
    pub clearing: WellClear,
    /// For how long it must be clear, milliseconds, at every look.
    #[n(4)]
    pub hold_ms: u64,
    /// Looks further apart than this do not follow each other: M of N and the hold begin anew, milliseconds.
    #[n(5)]
    pub gap_ms: u64,
}

impl WellClearAlerting {
    /// Most looks kept.
    pub const LOOKS_MAX: u8 = 16;
    /// Longest hold and longest gap, milliseconds: five minutes.
    pub const HOLD_MAX_MS: u64 = 300_000;

    /// For these thresholds: 2 of 3 looks with a loss within 60 s; ended by thresholds one fifth wider, clear for 5 s. The
    /// numbers are ours, for looks once a second; no standard prescribes them.
    #[must_use]
    pub const fn of(limits: &WellClear) -> Self {
        let ahead_ms = if limits.horizon_ms < 60_000 { limits.horizon_ms } else { 60_000 };
        let clearing = WellClear {
            lateral_mm: limits.lateral_mm + limits.lateral_mm / 5,
            tau_ms: limits.tau_ms + limits.tau_ms / 5,
            vertical: Height(limits.vertical.0.saturating_add(limits.vertical.0 / 5)),
            coaltitude_ms: limits.coaltitude_ms + limits.coaltitude_ms / 5,
            horizon_ms: ahead_ms + ahead_ms / 5,
        };
        Self { needed: 2, of: 3, ahead_ms, clearing, hold_ms: 5_000, gap_ms: 10_000 }
    }

    /// Checks the ranges, and that it is not easier to end than to begin.
    ///
    /// # Errors
    /// The first value out of range.
    pub fn check(&self, limits: &WellClear) -> Result<(), WellClearError> {
        self.clearing.check()?;
        within("N", self.of.into(), 1, Self::LOOKS_MAX.into(), "from 1 to 16")?;
        within("M", self.needed.into(), 1, self.of.into(), "from 1 to N")?;
        within("the time ahead, ms,", self.ahead_ms, 0, limits.horizon_ms, "from 0 to the horizon")?;
        for (what, value) in [("the hold, ms,", self.hold_ms), ("the gap, ms,", self.gap_ms)] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            within(what, value, 0, Self::HOLD_MAX_MS as i64, "from 0 to 5 minutes")?;
        }
        const WIDER: &str = "at least that of the loss";
        let wide = &self.clearing;
        within("clearing DMOD, mm,", wide.lateral_mm, limits.lateral_mm, i64::MAX, WIDER)?;
        within("clearing TAUMOD, ms,", wide.tau_ms, limits.tau_ms, i64::MAX, WIDER)?;
        within("clearing ZTHR, 0.1 mm,", wide.vertical.0.into(), limits.vertical.0.into(), i64::MAX, WIDER)?;
        within("clearing TCOA, ms,", wide.coaltitude_ms, limits.coaltitude_ms, i64::MAX, WIDER)?;
        within("the clearing horizon, ms,", wide.horizon_ms, self.ahead_ms, i64::MAX, "at least the time ahead")
    }
}

/// What a look changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WellClearChange {
    /// An alert began.
    Began,
    /// The alert ended.
    Ended,
}

/// An alert about one pair. Holds times and counts alone, so it takes no more room however long it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(map)]
pub struct WellClearMonitor {
    /// The last looks, the newest in bit 0: 1 for a loss soon.
    #[n(0)]
    looks: u16,
    #[n(1)]
    last: Option<Mono>,
    /// When the alert began, if it stands.
    #[n(2)]
    since: Option<Mono>,
    /// Since when the clearing thresholds are clear.
    #[n(3)]
    clear_since: Option<Mono>,
}

impl WellClearMonitor {
    /// Takes a look: the verdict with the thresholds of a loss, and the one with [`WellClearAlerting::clearing`]. A look that
    /// is no later than the last one changes nothing.
    pub fn handle_look(
        &mut self,
        now: Mono,
        loss: &Verdict<WellClearLoss>,
        clearing: &Verdict<WellClearLoss>,
        rules: &WellClearAlerting,
    ) -> Option<WellClearChange> {
        if let Some(last) = self.last {
            if now <= last {
                return None;
            }
            if now.since_ms(last) > rules.gap_ms {
                (self.looks, self.clear_since) = (0, None);
            }
        }
        self.last = Some(now);
        let soon = match loss {
            Verdict::Conflict(loss) => Some(loss.tin_s * 1000.0 <= rules.ahead_ms as f64),
            Verdict::Clear => Some(false),
            Verdict::Unknown(_) => None,
        };
        if let Some(soon) = soon {
            let kept = (1u32 << rules.of.min(WellClearAlerting::LOOKS_MAX)) - 1;
            self.looks = (((u32::from(self.looks) << 1) | u32::from(soon)) & kept) as u16;
        }
        self.clear_since = match clearing {
            Verdict::Clear => Some(self.clear_since.unwrap_or(now)),
            Verdict::Conflict(_) | Verdict::Unknown(_) => None,
        };
        match (self.since, self.clear_since) {
            (None, _) if soon == Some(true) && self.looks.count_ones() >= u32::from(rules.needed) => {
                self.since = Some(now);
                Some(WellClearChange::Began)
            }
            (Some(_), Some(clear)) if now.since_ms(clear) >= rules.hold_ms => {
                (self.since, self.looks) = (None, 0);
                Some(WellClearChange::Ended)
            }
            _ => None,
        }
    }

    /// When the alert began, if it stands.
    #[must_use]
    pub fn since(&self) -> Option<Mono> {
        self.since
    }

    /// Whether there is no alert and no look that could help to begin one: nothing is lost by forgetting it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.since.is_none() && self.looks == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AltitudeBasis, Why};
    use WellClearChange::{Began, Ended};

    const RULES: WellClearAlerting = WellClearAlerting::of(&WellClear::DO_365);

    fn loss(tin_s: f64) -> Verdict<WellClearLoss> {
        let basis = AltitudeBasis::Pressure;
        Verdict::Conflict(WellClearLoss { tin_s, tout_s: 100.0, now: tin_s == 0.0, basis, velocity_unknown: false })
    }

    /// `!` a loss soon, `~` a loss later (or wider thresholds alone), `.` clear, `?` unknown; a space is a second without a look.
    fn play(looks: &str, rules: &WellClearAlerting) -> alloc::vec::Vec<(u64, WellClearChange)> {
        let mut monitor = WellClearMonitor::default();
        let mut changes = alloc::vec::Vec::new();
        for (second, look) in looks.chars().enumerate() {
            let (own, wide) = match look {
                '!' => (loss(30.0), loss(20.0)),
                '~' => (loss(90.0), loss(70.0)),
                '.' => (Verdict::Clear, Verdict::Clear),
                '?' => (Verdict::Unknown(Why::Velocity), Verdict::Unknown(Why::Velocity)),
                _ => continue,
            };
            let second = second as u64;
            let change = monitor.handle_look(Mono(second * 1000), &own, &wide, rules);
            // What is kept through a restart is all that there is, in few bytes.
            let bytes = minicbor::to_vec(monitor).unwrap();
            assert!(bytes.len() <= 36, "{}", bytes.len());
            assert_eq!(minicbor::decode::<WellClearMonitor>(&bytes).unwrap(), monitor);
            changes.extend(change.map(|c| (second, c)));
            assert_eq!(monitor.since().is_some(), changes.last().is_some_and(|(_, c)| *c == Began), "{looks} {second}");
        }
        changes
    }

    #[test]
    fn an_alert_needs_m_of_n_looks_that_say_soon() {
        assert_eq!(play("!..!..!..", &RULES), []);
        assert_eq!(play("~~~~~~~~", &RULES), [], "a loss later than the time ahead");
        assert_eq!(play("!.!", &RULES), [(2, Began)]);
        assert_eq!(play("..!!!!", &RULES), [(3, Began)]);
        assert_eq!(play("!????!", &RULES), [(5, Began)], "unknown is no look");
        let at_once = WellClearAlerting { needed: 1, of: 1, ..RULES };
        assert_eq!(play("?.!", &at_once), [(2, Began)]);
        let strict = WellClearAlerting { needed: 16, of: 16, ..RULES };
        assert_eq!(play("!!!!!!!!.!!!!!!!!!!!!!!!!", &strict), [(24, Began)]);
    }

    #[test]
    fn it_ends_only_when_wider_thresholds_have_been_clear_for_the_whole_hold() {
        assert_eq!(play("!!.....", &RULES), [(1, Began)], "four seconds");
        assert_eq!(play("!!......", &RULES), [(1, Began), (7, Ended)]);
        assert_eq!(play("!!....~......", &RULES), [(1, Began), (12, Ended)], "the wider thresholds broke the hold");
        assert_eq!(play("!!....?......", &RULES), [(1, Began), (12, Ended)], "unknown proves nothing");
        assert_eq!(play("!!????????????????????", &RULES), [(1, Began)], "and ends nothing");
        assert_eq!(play("!!......!.......!!", &RULES), [(1, Began), (7, Ended), (17, Began)], "looks begin anew");
        let no_hold = WellClearAlerting { hold_ms: 0, ..RULES };
        assert_eq!(
            play("!!.!", &no_hold),
            [(1, Began), (2, Ended)],
            "looks from before the end are no part of the next one"
        );
    }

    #[test]
    fn looks_far_apart_do_not_follow_each_other() {
        assert_eq!(play("!          !", &RULES), [], "eleven seconds");
        assert_eq!(play("!         !", &RULES), [(10, Began)]);
        assert_eq!(play("!!.           .", &RULES), [(1, Began)], "nobody looked in between");
        let mut monitor = WellClearMonitor::default();
        monitor.handle_look(Mono(5), &loss(1.0), &loss(1.0), &RULES);
        let before = monitor;
        for at in [5, 4, 0] {
            assert_eq!(monitor.handle_look(Mono(at), &loss(1.0), &loss(1.0), &RULES), None);
        }
        assert_eq!(monitor, before, "the same look again is no second one");
        assert!(!monitor.is_idle() && WellClearMonitor::default().is_idle());
    }

    #[test]
    fn rules_that_end_more_easily_than_they_begin_are_refused() {
        for limits in [WellClear::DO_365, WellClear::DO_365_TERMINAL, WellClear::SMALL] {
            assert_eq!(WellClearAlerting::of(&limits).check(&limits), Ok(()));
        }
        let narrow = WellClear { horizon_ms: 10_000, ..WellClear::SMALL };
        assert_eq!(WellClearAlerting::of(&narrow).check(&narrow), Ok(()));
        let wide = RULES.clearing;
        for wrong in [
            WellClearAlerting { needed: 0, ..RULES },
            WellClearAlerting { needed: 4, ..RULES },
            WellClearAlerting { of: 17, ..RULES },
            WellClearAlerting { ahead_ms: -1, ..RULES },
            WellClearAlerting { ahead_ms: 120_001, ..RULES },
            WellClearAlerting { hold_ms: 300_001, ..RULES },
            WellClearAlerting { gap_ms: u64::MAX, ..RULES },
            WellClearAlerting { clearing: WellClear { lateral_mm: 1_219_199, ..wide }, ..RULES },
            WellClearAlerting { clearing: WellClear { tau_ms: 34_999, ..wide }, ..RULES },
            WellClearAlerting { clearing: WellClear { vertical: Height(450 * 3048 - 1), ..wide }, ..RULES },
            WellClearAlerting { clearing: WellClear { horizon_ms: 59_999, ..wide }, ..RULES },
        ] {
            assert!(wrong.check(&WellClear::DO_365).is_err(), "{wrong:?}");
        }
        let text = alloc::string::ToString::to_string(
            &WellClearAlerting { needed: 4, ..RULES }.check(&WellClear::DO_365).unwrap_err(),
        );
        assert_eq!(text, "M is 4, not from 1 to N");
    }
}
