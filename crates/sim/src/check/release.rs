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

/// The rules of one node, and what it has.
#[derive(Debug, Clone, Default)]
pub struct ReleaseOracle {
    /// In force, as ordered.
    pub policy: Policy,
    /// Ordered, the answer not yet seen: either may hold.
    pub pending: Option<Policy>,
    /// Ordered, and waiting for two people since it would let out more.
    pub proposed: Option<(u64, Policy)>,
    /// Whether what is in force may be less than `policy`: what a proposal and the rules before it both allow. The oracle
    /// cannot tell how much less, and holds the node to `policy`.
    pub less: bool,
    /// The channel as stated, and since when.
    pub channel: BTreeMap<PartyId, (ChannelState, u64)>,
    /// Aircraft by address.
    pub aircraft: BTreeMap<u32, Own>,
    /// Plans by subject: their class, and whether all of it lies north of the hidden line.
    pub plans: BTreeMap<[u8; 16], AircraftClass>,
    said: u32,
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
        let policies = std::iter::once(&self.policy).chain(&self.pending);
        let mut refused = Ok(());
        for policy in policies {
            let rules = policy.rules.get(to).map_or(&[][..], Vec::as_slice);
            match self.judge_by(rules, floor, body) {
                Ok(()) => return Ok(()),
                Err(why) => refused = Err(why),
            }
        }
        refused
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
