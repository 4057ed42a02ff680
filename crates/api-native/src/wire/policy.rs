//! Release rules.
use super::plan::AIRCRAFT;
use crate::json::{Node, Object};
use node::Marked;
use node::view::{MarkView, View};
use record::PartyId;
use release::{Area, Daily, Identity, Level, Marking, Policy, PolicyError, RecordClass, Rule, When, limits};
use serde::Serialize;
use std::collections::BTreeMap;
use units::{AircraftClass, Position};

const CLASSES: [(&str, RecordClass); 4] = [
    ("tracks", RecordClass::Tracks),
    ("plans", RecordClass::Plans),
    ("sites", RecordClass::Sites),
    ("conflicts", RecordClass::Conflicts),
];
const IDENTITIES: [(&str, Identity); 3] =
    [("drop", Identity::Drop), ("pseudonym", Identity::Pseudonym), ("keep", Identity::Keep)];

/// The rules, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PolicyWire {
    revision: u32,
    rules: BTreeMap<String, Vec<RuleWire>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalWire>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marked: Vec<MarkedWire>,
}

/// An own plan or aircraft that bears a marking, or is to.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct MarkedWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aircraft: Option<String>,
    marking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<WaitsWire>,
}

/// A marking that would let out more and waits for another planner.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct WaitsWire {
    marking: Option<String>,
    agreed: Vec<String>,
}

/// Rules that wait for people to agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ProposalWire {
    id: u64,
    by: String,
    agreed: Vec<String>,
    missing: usize,
    at_utc_ms: i64,
    ends_utc_ms: i64,
    wider: Vec<String>,
    rules: BTreeMap<String, Vec<RuleWire>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct RuleWire {
    class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aircraft: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaWire>,
    #[serde(flatten)]
    level: LevelWire,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_utc_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_utc_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "level", rename_all = "kebab-case")]
enum LevelWire {
    Withheld,
    AvoidArea { cell_deg: f64, bin_s: f64 },
    Coarse { cell_deg: f64, bin_s: f64 },
    Reduced { precision_m: f64, delay_s: f64, identity: &'static str },
    Full,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum AreaWire {
    Box { south: f64, west: f64, north: f64, east: f64 },
    Circle { centre: [f64; 2], radius_m: f64 },
}

fn marked(mark: &MarkView) -> MarkedWire {
    let name = |marking: &Option<Marking>| marking.map(|m| m.name());
    let (plan, aircraft) = match mark.of {
        Marked::Plan(subject) => (Some(subject.to_string()), None),
        Marked::Aircraft(bits) => (None, Some(format!("{bits:06x}"))),
    };
    let waits = mark.waits.as_ref().map(|(to, agreed)| WaitsWire { marking: name(to), agreed: agreed.clone() });
    MarkedWire { plan, aircraft, marking: name(&mark.marking), waits }
}

pub(crate) fn policy(view: &View) -> PolicyWire {
    let policy = &view.policy;
    let rules = |rules: &BTreeMap<PartyId, Vec<Rule>>| {
        rules.iter().map(|(party, rules)| (party.to_string(), rules.iter().map(rule).collect())).collect()
    };
    let proposal = view.proposal.as_ref().map(|p| ProposalWire {
        id: p.id,
        by: p.by.clone(),
        agreed: p.agreed.clone(),
        missing: p.missing(),
        at_utc_ms: p.at.0,
        ends_utc_ms: p.ends_utc.0,
        wider: p.wider.clone(),
        rules: rules(&p.rules),
    });
    let marked = view.marks.iter().map(marked).collect();
    PolicyWire { revision: policy.revision, rules: rules(&policy.rules), proposal, marked }
}

/// Minutes of a day as `HH:MM-HH:MM`.
fn hours(daily: Daily) -> String {
    let clock = |min: u16| format!("{:02}:{:02}", min / 60, min % 60);
    format!("{}-{}", clock(daily.from_min), clock(daily.until_min))
}

fn read_hours(text: &str) -> Option<Daily> {
    let clock = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let digits =
            |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u16>().ok())?;
        let (hour, minute) = (digits(hour)?, digits(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (from, until) = text.split_once('-')?;
    Some(Daily { from_min: clock(from)?, until_min: clock(until)? })
}

fn rule(rule: &Rule) -> RuleWire {
    let (degrees, seconds) = (|e7: u32| f64::from(e7) / 1e7, |ms: u32| f64::from(ms) / 1e3);
    RuleWire {
        class: rule.class.name(),
        aircraft: rule.aircraft.map(AircraftClass::name),
        area: rule.area.map(area),
        level: match rule.level {
            Level::Withheld => LevelWire::Withheld,
            Level::Full => LevelWire::Full,
            Level::AvoidArea { cell_e7, bin_ms } => {
                LevelWire::AvoidArea { cell_deg: degrees(cell_e7), bin_s: seconds(bin_ms) }
            }
            Level::Coarse { cell_e7, bin_ms } => {
                LevelWire::Coarse { cell_deg: degrees(cell_e7), bin_s: seconds(bin_ms) }
            }
            Level::Reduced { precision_mm, delay_ms, identity } => LevelWire::Reduced {
                precision_m: f64::from(precision_mm) / 1e3,
                delay_s: seconds(delay_ms),
                identity: IDENTITIES.iter().find(|(_, i)| *i == identity).map_or("drop", |(word, _)| word),
            },
        },
        from_utc_ms: rule.when.and_then(|w| w.from).map(|t| t.0),
        until_utc_ms: rule.when.and_then(|w| w.until).map(|t| t.0),
        daily: rule.when.and_then(|w| w.daily).map(hours),
        marking: rule.marking.map(|m| m.name()),
        every_s: rule.every_ms.map(seconds),
    }
}

fn area(area: Area) -> AreaWire {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    match area {
        Area::Box { south_e7, west_e7, north_e7, east_e7 } => AreaWire::Box {
            south: degrees(south_e7),
            west: degrees(west_e7),
            north: degrees(north_e7),
            east: degrees(east_e7),
        },
        Area::Circle { centre, radius_mm } => {
            AreaWire::Circle { centre: [centre.lon(), centre.lat()], radius_m: super::metres(radius_mm) }
        }
    }
}

// --- reading ------------------------------------------------------------------------------------------------------

/// The body of `PUT /v1/release`: the rules, and the revision that they replace.
pub(crate) struct NewPolicy {
    /// Revision on which the change was based; `None`: whatever is in force.
    pub replaces: Option<u32>,
    /// Rules; the node sets the revision.
    pub policy: Policy,
}

pub(crate) fn read_policy(node: &Node<'_>) -> Option<NewPolicy> {
    let mut o = node.object()?;
    let replaces = o.optional("revision").and_then(|n| n.integer(0..=i64::from(u32::MAX))).map(|n| n as u32);
    let rules = o.required("rules").and_then(|n| {
        let entries = n.entries(limits::PARTIES_MAX, |party, n| {
            let Ok(party) = PartyId::parse(party) else { return n.refuse("is not a party's name") };
            let rules = n.list(0..=limits::RULES_MAX, |n| read_rule(n, &party))?;
            Some((party, rules))
        })?;
        Some(entries.into_iter().collect())
    });
    o.end();
    Some(NewPolicy { replaces, policy: Policy { revision: 0, rules: rules? } })
}

fn read_rule(node: &Node<'_>, party: &PartyId) -> Option<Rule> {
    let mut o = node.object()?;
    let class = o.required("class").and_then(|n| n.word(&CLASSES));
    let aircraft = o.optional("aircraft").and_then(|n| n.word(&AIRCRAFT));
    let area = o.optional("area").and_then(|n| read_area(&n));
    let scaled =
        |n: Node<'_>, scale: f64| n.number(0.0..=f64::from(u32::MAX) / scale).map(|v| (v * scale).round() as u32);
    let words = [
        ("withheld", Level::Withheld),
        ("avoid-area", Level::AvoidArea { cell_e7: 0, bin_ms: 0 }),
        ("coarse", Level::Coarse { cell_e7: 0, bin_ms: 0 }),
        ("reduced", Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Drop }),
        ("full", Level::Full),
    ];
    let level = match o.required("level").and_then(|n| n.word(&words))? {
        level @ (Level::AvoidArea { .. } | Level::Coarse { .. }) => {
            let cell = o.required("cell_deg").and_then(|n| scaled(n, 1e7));
            let bin = o.required("bin_s").and_then(|n| scaled(n, 1e3));
            cell.zip(bin).map(|(cell_e7, bin_ms)| match level {
                Level::Coarse { .. } => Level::Coarse { cell_e7, bin_ms },
                _ => Level::AvoidArea { cell_e7, bin_ms },
            })
        }
        Level::Reduced { .. } => {
            let precision = o.optional("precision_m").map_or(Some(0), |n| scaled(n, 1e3));
            let delay = o.optional("delay_s").map_or(Some(0), |n| scaled(n, 1e3));
            let identity = o.optional("identity").map_or(Some(Identity::Drop), |n| n.word(&IDENTITIES));
            precision.zip(delay).zip(identity).map(|((precision_mm, delay_ms), identity)| Level::Reduced {
                precision_mm,
                delay_ms,
                identity,
            })
        }
        level => Some(level),
    };
    let from = o.optional("from_utc_ms").and_then(|n| super::volume::read_utc(&n));
    let until = o.optional("until_utc_ms").and_then(|n| super::volume::read_utc(&n));
    let daily = o.optional("daily").and_then(|n| n.parsed("two times of the day as HH:MM-HH:MM, UTC", read_hours));
    let when = When { from, until, daily };
    let when = (when != When::default()).then_some(when);
    let marking = read_marking(&mut o)?;
    let every_ms = o.optional("every_s").and_then(|n| scaled(n, 1e3));
    o.end();
    let rule = Rule { class: class?, aircraft, area, level: level?, when, marking, every_ms };
    check(node, party, rule)
}

/// The optional field `marking`; the outer `None` if it is there and is none.
pub(crate) fn read_marking(o: &mut Object<'_>) -> Option<Option<Marking>> {
    match o.optional("marking") {
        None => Some(None),
        Some(node) => node.parsed("1 to 16 of a-z, 0-9 and -", Marking::parse).map(Some),
    }
}

/// A body that is a marking alone.
pub(crate) fn read_only_marking(node: &Node<'_>) -> Option<Option<Marking>> {
    let mut o = node.object()?;
    let marking = read_marking(&mut o);
    o.end();
    marking
}

/// Asks the core whether the rule means something, and says its complaint at this rule's path.
fn check(node: &Node<'_>, party: &PartyId, rule: Rule) -> Option<Rule> {
    let alone = Policy { revision: 0, rules: BTreeMap::from([(party.clone(), vec![rule])]) };
    match alone.check() {
        Ok(()) => Some(rule),
        Err(PolicyError::Range { field, got, min, max, .. }) => {
            node.refuse(format!("{field} must be between {min} and {max}, got {got}"))
        }
        Err(PolicyError::LevelOfClass { class, level, .. }) => {
            node.refuse(format!("{} cannot be released as {}", class.name(), level.name()))
        }
        Err(PolicyError::AircraftOfSites { .. }) => node.refuse("sites have no aircraft class"),
        Err(PolicyError::DelayOfClass { .. }) => {
            node.refuse("only tracks can be delayed; a late plan or site is a trap")
        }
        Err(PolicyError::RateOfRule { .. }) => node.refuse("only tracks released in full or reduced have a rate"),
        Err(PolicyError::MarkingOfSites { .. }) => node.refuse("sites bear no marking"),
        Err(error @ (PolicyError::Parties { .. } | PolicyError::Rules { .. })) => node.refuse(error.to_string()),
    }
}

fn read_area(node: &Node<'_>) -> Option<Area> {
    let e7 = |n: Node<'_>, most: f64| n.number(-most..=most).map(|v| (v * 1e7).round() as i32);
    let mut o = node.object()?;
    let area = if o.required("type").and_then(|n| n.word(&[("box", true), ("circle", false)]))? {
        let south_e7 = o.required("south").and_then(|n| e7(n, 90.0));
        let west_e7 = o.required("west").and_then(|n| e7(n, 180.0));
        let north_e7 = o.required("north").and_then(|n| e7(n, 90.0));
        let east_e7 = o.required("east").and_then(|n| e7(n, 180.0));
        let made =
            || Some(Area::Box { south_e7: south_e7?, west_e7: west_e7?, north_e7: north_e7?, east_e7: east_e7? });
        made()
    } else {
        let centre = o.required("centre").and_then(|n| {
            let numbers = n.list(2..=2, |n| n.number(-180.0..=180.0))?;
            Position::from_degrees(numbers[1], numbers[0]).ok().or_else(|| n.refuse("latitude must be from -90 to 90"))
        });
        let radius = o.required("radius_m").and_then(|n| n.number(0.001..=1_852_000.0));
        centre.zip(radius).map(|(centre, m)| Area::Circle { centre, radius_mm: (m * 1000.0).round() as i64 })
    };
    o.end();
    area
}
