//! What was said, against the rules as the officers ordered them: an oracle of the policy that shares no code with `release`.
use crate::trace::Trace;
use airspace::{Outline, Plan};
use record::{Body, ChannelState, Decoded, PartyId};
use release::{Area, Identity, Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use track::TrackReport;
use units::{AircraftClass, Position};

/// An aircraft, as it flew: the newest reports of it.
#[derive(Debug, Clone)]
pub struct Own {
    /// What it is.
    pub class: AircraftClass,
    /// Its own, or only seen by a sensor: then it is never released.
    pub is_own: bool,
    /// The newest reports, the oldest first.
    pub reports: Vec<TrackReport>,
}

/// Rules by peer.
pub type Rules = BTreeMap<PartyId, Vec<Rule>>;

/// The rules of one node, and what it has.
#[derive(Debug, Clone, Default)]
pub struct ReleaseOracle {
    /// In force: what all of these allow. The second is what is proposed, from when it is until it is agreed to or taken back.
    pub in_force: Vec<Policy>,
    /// Ordered, the answer not yet seen: it may have been put in force, proposed, or neither.
    pub pending: Option<Policy>,
    /// Ordered, and waiting for two people since it would let out more.
    pub proposed: Option<(u64, Policy)>,
    /// Whether the proposal may have been taken back: the answer was not yet seen.
    pub rejecting: bool,
    /// The channel as stated, and since when.
    pub channel: BTreeMap<PartyId, (ChannelState, u64)>,
    /// Aircraft by address.
    pub aircraft: BTreeMap<u32, Own>,
    /// Plans by subject: their class, and whether all of it lies north of the hidden line.
    pub plans: BTreeMap<[u8; 16], AircraftClass>,
    said: u32,
}

/// Rules that are certainly in force towards one peer.
pub struct Certain<'a> {
    rules: &'a [Rule],
    oracle: &'a ReleaseOracle,
}

impl Certain<'_> {
    /// Whether a plan is let out whole, or not at all; none if it is near the edge of an area, where rounding decides.
    #[must_use]
    pub fn plan(&self, plan: &Plan) -> Option<bool> {
        let edges = self.rules.iter().filter_map(|rule| rule.area);
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
        let of_class = self
            .rules
            .iter()
            .filter(|rule| rule.class == RecordClass::Plans && rule.aircraft.is_none_or(|wanted| wanted == plan.class));
        let whole = of_class.clone().find(|rule| rule.area.is_none()).map(|rule| rule.level);
        match whole {
            Some(Level::Withheld) | None => Some(false),
            Some(_) if within => Some(false),
            Some(Level::Full) if clear => Some(true),
            _ => None,
        }
    }

    /// Whether sites are let out.
    #[must_use]
    pub fn sites(&self) -> bool {
        first(self.rules, RecordClass::Sites, None, None).is_some_and(|rule| rule.level != Level::Withheld)
    }

    /// Whether a report of an own aircraft is let out as it is.
    #[must_use]
    pub fn track(&self, report: &TrackReport) -> bool {
        let own = report.address.and_then(|address| self.oracle.aircraft.get(&address.bits()));
        own.is_some_and(|own| own.is_own && matches!(level(self.rules, own, report), Level::Full))
    }
}

/// A channel that was just suspended may still carry what was on its way into the log: the fold looks once a second, and the
/// longest tick of the simulator is three.
const SUSPENDED_AFTER_MS: u64 = 8_000;

impl ReleaseOracle {
    /// Judges a record that the node put into its log to `to`.
    pub fn said(&mut self, trace: &mut Trace, node: &str, to: &PartyId, decoded: &Decoded) {
        let verdict = self.judge(trace.now, to, &decoded.record.body);
        if let Err(why) = verdict
            && self.said < 3
        {
            self.said += 1;
            trace.violation(node, format!("RELEASED against the rules to {to}: {why}"));
        }
    }

    fn judge(&self, now: u64, to: &PartyId, body: &Body) -> Result<(), String> {
        let floor = self.channel.get(to).is_some_and(|(state, since)| {
            matches!(state, ChannelState::Suspended | ChannelState::Terminated) && now > since + SUSPENDED_AFTER_MS
        });
        let by = |policy: &Policy| {
            let rules = policy.rules.get(to).map_or(&[][..], Vec::as_slice);
            self.judge_by(rules, floor, body)
        };
        let refused = self.in_force.iter().try_for_each(by);
        // What was ordered and not answered yet may hold already; so may the rules from before a proposal that was refused.
        let refusing = self.in_force.first().filter(|_| self.rejecting);
        if refused.is_err() && self.pending.iter().chain(refusing).any(|policy| by(policy).is_ok()) {
            Ok(())
        } else {
            refused
        }
    }

    /// Judges what a node shows as its rules after a start. An order that was not answered before the death may have been
    /// journaled or not.
    pub fn found(&self, shown: &Policy, proposal: Option<&Rules>) -> Result<(), String> {
        let proposed = self.proposed.as_ref().map(|(_, policy)| &policy.rules);
        let mut may_be = vec![(self.in_force.iter().collect::<Vec<_>>(), proposed)];
        if self.rejecting {
            may_be.push((self.in_force.iter().take(1).collect(), None));
        }
        if let Some(pending) = &self.pending {
            may_be.push((vec![pending], None));
            may_be.push((self.in_force.iter().chain([pending]).collect(), Some(&pending.rules)));
        }
        let fits = |(bounds, waits): &(Vec<&Policy>, Option<&Rules>)| {
            let exact = bounds.len() > 1 || bounds.iter().all(|policy| policy.rules == shown.rules);
            *waits == proposal && exact && bounds.iter().all(|policy| !wider(shown, policy))
        };
        if may_be.iter().any(fits) {
            return Ok(());
        }
        let one_waits = proposal.map_or("nothing is", |_| "a proposal is");
        Err(format!("after a start it has rules that nobody ordered; {one_waits} waiting for two people"))
    }

    /// The rules for a peer, if it is certain which hold: nothing waits and nothing is unanswered.
    #[must_use]
    pub fn settled(&self, to: &PartyId) -> Option<Certain<'_>> {
        let [policy] = &self.in_force[..] else { return None };
        let is_certain = self.pending.is_none() && self.proposed.is_none() && !self.rejecting;
        is_certain.then(|| Certain { rules: policy.rules.get(to).map_or(&[], Vec::as_slice), oracle: self })
    }

    /// The proposal came to nothing: the rules from before it hold again.
    pub fn taken_back(&mut self) {
        self.in_force.truncate(1);
        (self.proposed, self.rejecting) = (None, false);
    }

    /// The node's data is an old copy: its rules are those of then, and if some wait, those from before they were proposed.
    pub fn set_back(&mut self, shown: &Policy, proposal: Option<(u64, Policy)>, before: Option<Rules>) {
        let before = before.map(|rules| Policy { rules, ..shown.clone() });
        self.in_force = match (&proposal, before) {
            (Some((_, proposed)), Some(before)) => vec![before, proposed.clone()],
            _ => vec![shown.clone()],
        };
        (self.proposed, self.rejecting) = (proposal, false);
    }

    fn judge_by(&self, rules: &[Rule], floor: bool, body: &Body) -> Result<(), String> {
        match body {
            Body::Tracks(_) | Body::Plan(_) if floor => Err("tracks and plans while the channel is suspended".into()),
            Body::Tracks(batch) => {
                let rows = batch.unpack().map_err(|error| error.to_string())?;
                rows.iter().try_for_each(|row| self.judge_row(rules, row, batch.precision_mm))
            }
            Body::Plan(plan) => {
                let touches = |rule: &&Rule| rule.area.is_none_or(|area| touches(&area, plan));
                let of_class = |rule: &&Rule| {
                    rule.class == RecordClass::Plans && rule.aircraft.is_none_or(|wanted| wanted == plan.class)
                };
                match rules.iter().filter(of_class).find(touches).map_or(Level::Withheld, |rule| rule.level) {
                    Level::Withheld => Err(format!("a plan of class {:?}", plan.class)),
                    _ => Ok(()),
                }
            }
            Body::Site(_) if rules.iter().all(|r| r.class != RecordClass::Sites || r.level == Level::Withheld) => {
                Err("a site".into())
            }
            Body::Conflict(_) => {
                let told = rules.iter().any(|r| r.class == RecordClass::Conflicts && r.level == Level::Full);
                if told { Ok(()) } else { Err("a conflict".into()) }
            }
            _ => Ok(()),
        }
    }

    /// A row must be of an own aircraft that the rules release, as much of it as they say.
    fn judge_row(&self, rules: &[Rule], row: &TrackReport, precision_mm: u32) -> Result<(), String> {
        let named = row.address.map(|address| address.bits());
        if let Some(address) = named {
            let own =
                self.aircraft.get(&address).ok_or_else(|| format!("an aircraft {address:06x} that it has not"))?;
            if !own.is_own {
                return Err(format!("{address:06x}, which only its sensor saw"));
            }
            return match level(rules, own, row) {
                Level::Full | Level::Reduced { identity: Identity::Keep, .. } => Ok(()),
                other => Err(format!("the identity of {address:06x}, whose level is {other:?}")),
            };
        }
        // Without identity: some aircraft that may be shown so was within the precision of the place.
        let near =
            |own: &&Own| own.reports.iter().any(|r| distance_m(&r.position, &row.position) <= reach_m(precision_mm));
        let allowed = self.aircraft.values().filter(near).any(|own| {
            own.is_own && own.reports.iter().any(|report| !matches!(level(rules, own, report), Level::Withheld))
        });
        if allowed { Ok(()) } else { Err(format!("a track at {:?} where no aircraft may be shown", row.position)) }
    }
}

/// Whether one lets out anything, or a name, that the other does not: tried at places within and without the areas of both.
fn wider(shown: &Policy, bound: &Policy) -> bool {
    let all = |policy: &Policy| policy.rules.values().flatten().copied().collect::<Vec<Rule>>();
    let areas = all(shown).into_iter().chain(all(bound)).filter_map(|rule| rule.area);
    let mut places = vec![Position { lat_e7: 0, lon_e7: 0 }];
    places.extend(areas.map(|area| match area {
        Area::Box { south_e7, west_e7, north_e7, east_e7 } => {
            Position { lat_e7: south_e7 / 2 + north_e7 / 2, lon_e7: west_e7 / 2 + east_e7 / 2 }
        }
        Area::Circle { centre, .. } => centre,
    }));
    let aircraft = [AircraftClass::Civil, AircraftClass::Military, AircraftClass::Uas, AircraftClass::Humanitarian];
    shown.rules.iter().any(|(peer, rules)| {
        let limits = bound.rules.get(peer).map_or(&[][..], Vec::as_slice);
        RecordClass::ALL.into_iter().any(|class| {
            aircraft.iter().any(|kind| {
                places.iter().any(|at| {
                    let out = |rules: &[Rule]| first(rules, class, Some(*kind), Some(at)).map_or((0, false), lets_out);
                    let (got, may) = (out(rules), out(limits));
                    got.0 > may.0 || got.1 && !may.1
                })
            })
        })
    })
}

/// How much a rule lets out, and whether names are among it.
fn lets_out(rule: &Rule) -> (u8, bool) {
    match rule.level {
        Level::Withheld => (0, false),
        Level::AvoidArea { .. } => (1, false),
        Level::Coarse { .. } => (2, false),
        Level::Reduced { identity, .. } => (3, identity == Identity::Keep),
        Level::Full => (4, true),
    }
}

fn reach_m(precision_mm: u32) -> f64 {
    // A coarse cell is told as its centre and the radius around it; half a kilometre more for rounding outward.
    f64::from(precision_mm) / 1000.0 * 1.5 + 500.0
}

fn level(rules: &[Rule], own: &Own, report: &TrackReport) -> Level {
    first(rules, RecordClass::Tracks, Some(own.class), Some(&report.position)).map_or(Level::Withheld, |r| r.level)
}

/// The first rule that matches.
fn first<'r>(
    rules: &'r [Rule],
    class: RecordClass,
    aircraft: Option<AircraftClass>,
    at: Option<&Position>,
) -> Option<&'r Rule> {
    rules.iter().find(|rule| {
        let of_class = rule.class == class && rule.aircraft.is_none_or(|wanted| Some(wanted) == aircraft);
        of_class && rule.area.is_none_or(|area| at.is_none_or(|at| inside(&area, at)))
    })
}

fn inside(area: &Area, at: &Position) -> bool {
    match area {
        Area::Box { south_e7, west_e7, north_e7, east_e7 } => {
            (*south_e7..=*north_e7).contains(&at.lat_e7) && (*west_e7..=*east_e7).contains(&at.lon_e7)
        }
        Area::Circle { centre, radius_mm } => distance_m(centre, at) * 1000.0 <= *radius_mm as f64,
    }
}

/// Whether a plan surely touches an area: the centre of one of its circles is inside.
fn touches(area: &Area, plan: &Plan) -> bool {
    plan.volumes.iter().any(|volume| match &volume.outline {
        Outline::Circle { centre, .. } => {
            let (lat_e7, lon_e7) = ((centre.lat_e9 / 100) as i32, (centre.lon_e9 / 100) as i32);
            inside(area, &Position { lat_e7, lon_e7 })
        }
        // No officer here draws others.
        _ => false,
    })
}

/// On a sphere, flat: good for some tens of kilometres.
fn distance_m(a: &Position, b: &Position) -> f64 {
    let lat = f64::from(a.lat_e7 - b.lat_e7) * 1e-7;
    let middle = f64::from(a.lat_e7 / 2 + b.lat_e7 / 2) * 1e-7;
    let lon = f64::from(a.lon_e7 - b.lon_e7) * 1e-7 * middle.to_radians().cos();
    lat.hypot(lon) * 111_195.0
}
