//! What rules surely let out, and surely withhold: where neither time nor rounding nor an unanswered order decides.
use super::release::{Own, ReleaseOracle};
use super::rules::{About, first, holds};
use airspace::{Outline, Plan};
use record::SubjectId;
use release::{Area, Level, Marking, RecordClass, Rule};
use track::TrackReport;
use units::{AircraftClass, Utc};

/// What changes with the time is told within this, and may be known this long after: a tick, and the way to the peer.
const TURNS_MS: i64 = 60_000;

/// Rules that are certainly in force towards one peer.
pub struct Certain<'a> {
    pub(super) rules: &'a [Rule],
    pub(super) oracle: &'a ReleaseOracle,
    /// The time by the owner's clock.
    pub(super) utc: Utc,
}

impl Certain<'_> {
    /// Whether a rule holds now, if that has not just changed.
    fn steadily(&self, rule: &Rule) -> Option<bool> {
        let now = holds(rule, self.utc);
        (holds(rule, self.utc.plus_ms(-TURNS_MS)) == now && holds(rule, self.utc.plus_ms(2_000)) == now).then_some(now)
    }

    /// The rules of a class that are about something, and hold; none if the time just turned.
    fn about(&self, class: RecordClass, aircraft: AircraftClass, marking: Option<Marking>) -> Option<Vec<&Rule>> {
        let is_about = |rule: &&Rule| {
            let of_class = rule.class == class && rule.aircraft.is_none_or(|wanted| wanted == aircraft);
            of_class && (rule.marking.is_none() || rule.marking == marking)
        };
        let all = self.rules.iter().filter(is_about).map(|rule| self.steadily(rule).map(|holds| (holds, rule)));
        let all: Option<Vec<(bool, &Rule)>> = all.collect();
        Some(all?.into_iter().filter(|(holds, _)| *holds).map(|(_, rule)| rule).collect())
    }

    /// Whether a plan is let out whole, or not at all; none if it is near the edge of an area, where rounding decides.
    #[must_use]
    pub fn plan(&self, subject: SubjectId, plan: &Plan) -> Option<bool> {
        let marking = self.oracle.filed(subject, plan)?.marking;
        let rules = self.about(RecordClass::Plans, plan.class, marking)?;
        let edges = rules.iter().filter_map(|rule| rule.area);
        let centres = plan.volumes.iter().filter_map(|volume| match &volume.outline {
            Outline::Circle { centre, radius_mm } => Some((centre.lat_e9 as f64 / 1e9, *radius_mm as f64 / 1000.0)),
            _ => None,
        });
        let (mut clear, mut within) = (true, false);
        for (lat, radius_m) in centres {
            for area in edges.clone() {
                let Area::Box { south_e7, .. } = area else { return None };
                // The hidden strip lies across the whole width in which plans are made.
                let south_m = (f64::from(south_e7) * 1e-7 - lat) * 111_195.0;
                clear &= south_m > radius_m * 1.1 + 2_000.0;
                within |= south_m < 0.0;
            }
        }
        let whole = rules.iter().find(|rule| rule.area.is_none()).map(|rule| rule.level);
        match whole {
            Some(Level::Withheld) | None => Some(false),
            Some(_) if within => Some(false),
            Some(Level::Full) if clear => Some(true),
            _ => None,
        }
    }

    /// Whether sites are let out; none if the time just turned.
    #[must_use]
    pub fn sites(&self) -> Option<bool> {
        let rules = self.about(RecordClass::Sites, AircraftClass::Unknown, None)?;
        Some(rules.first().is_some_and(|rule| rule.level != Level::Withheld))
    }

    /// Whether a report of an own aircraft is let out as it is.
    #[must_use]
    pub fn track(&self, report: &TrackReport) -> bool {
        let own = report.address.and_then(|address| self.oracle.aircraft.get(&address.bits()));
        let rule = own.filter(|own| own.is_own).and_then(|own| self.track_rule(own, report));
        rule.is_some_and(|rule| rule.level == Level::Full && rule.every_ms.is_none())
    }

    /// The rule about a report of an own aircraft.
    pub(super) fn track_rule(&self, own: &Own, report: &TrackReport) -> Option<&Rule> {
        let marking = own.marking.certain()?;
        self.about(RecordClass::Tracks, own.class, marking)?;
        let at = Some(report.position);
        first(self.rules, &About { class: RecordClass::Tracks, aircraft: Some(own.class), marking, at, utc: self.utc })
    }
}
