//! The parties of a run: names, keys, the pact between all of them, and what each releases to whom.
use crate::random::Random;
use airspace::{Limit, Outline};
use node::input::{Boot, Claim, FeedConfig};
use pact::{KeyReason, KeySet, KeyStatement, Minima, Oversight, Pact, Party, Quorum, SignedKeys, SignedPact};
use record::{ChannelState, Hash32, Mode, PartyId};
use release::{Area, Daily, Identity, Level, Marking, Policy, RecordClass, Rule, When};
use std::collections::BTreeMap;
use tlog::NoteSigner;
use units::{AircraftClass, Altitude, Height, NM_MM, Utc, Vertex};

/// 2026-06-01T00:00:00Z: virtual time 0.
pub const START: Utc = Utc(1_780_272_000_000);
/// At most this many parties.
pub const PARTIES_MAX: usize = 4;
const NAMES: [&str; PARTIES_MAX] = ["alpha", "bravo", "charlie", "delta"];
/// Within this time an officer has to acknowledge, by precedence, seconds: clause 6 of the pact.
pub const ACKNOWLEDGE_S: [u32; 4] = [1_800, 600, 300, 60];

/// Name of the party with this number.
#[must_use]
pub fn name(n: usize) -> PartyId {
    match PartyId::parse(NAMES[n]) {
        Ok(name) => name,
        Err(error) => unreachable!("{error}"),
    }
}

/// The number of a party.
#[must_use]
pub fn number(party: &PartyId) -> usize {
    (0..PARTIES_MAX).find(|n| name(*n) == *party).unwrap_or(0)
}

/// Secret keys of a party, which no state ever sees.
pub struct Keys {
    /// Signs checkpoints.
    pub log: NoteSigner,
    /// Cosigns.
    pub cosign: NoteSigner,
}

/// The keys that a party began with: a function of its name, so that a hostile peer can be given them.
#[must_use]
pub fn keys(party: &PartyId) -> Keys {
    keys_at(party, 0)
}

/// The keys of a party by its statement of this number; 0 are those of the pact.
#[must_use]
pub fn keys_at(party: &PartyId, serial: u32) -> Keys {
    let which = if serial == 0 { party.to_string() } else { format!("{party} {serial}") };
    let (key_name, seed) = (format!("skypact.link/{party}"), Hash32::of(which.as_bytes()).0);
    match (NoteSigner::new(&key_name, &seed), NoteSigner::cosigner(&key_name, &Hash32::of(&seed).0)) {
        (Ok(log), Ok(cosign)) => Keys { log, cosign },
        (Err(error), _) | (_, Err(error)) => unreachable!("{error}"),
    }
}

/// The pin of its TLS key then.
#[must_use]
pub fn tls_pin(party: &PartyId, serial: u32) -> Hash32 {
    let which = if serial == 0 { format!("tls of {party}") } else { format!("tls {serial} of {party}") };
    Hash32::of(which.as_bytes())
}

fn authority(party: &PartyId) -> NoteSigner {
    match NoteSigner::new(&format!("skypact.keys/{party}"), &Hash32::of(format!("authority of {party}").as_bytes()).0) {
        Ok(signer) => signer,
        Err(error) => unreachable!("{error}"),
    }
}

/// The statement of this number about a party's keys, signed.
#[must_use]
pub fn statement(pact: Hash32, party: &PartyId, serial: u32, reason: KeyReason) -> String {
    let keys = keys_at(party, serial);
    let keys = KeySet {
        log_key: keys.log.verifier().clone(),
        cosign_key: keys.cosign.verifier().clone(),
        tls_spki_sha256: tls_pin(party, serial),
    };
    let statement = KeyStatement { pact, party: party.clone(), serial, keys, reason, issued: START };
    match SignedKeys::sign(statement, &authority(party)) {
        Ok(signed) => signed.to_text(),
        Err(error) => unreachable!("{error}"),
    }
}

fn vertex(lat: f64, lon: f64) -> Vertex {
    match Vertex::from_degrees(lat, lon) {
        Ok(vertex) => vertex,
        Err(error) => unreachable!("{error:?}"),
    }
}

/// Entries are to be witnessed within this time, seconds: clause 17.1.
pub const WITNESSED_WITHIN_S: u64 = 120;

/// The key of a witness, by number.
#[must_use]
pub fn witness(number: usize) -> NoteSigner {
    let name = format!("witness-{number}.example/w");
    match NoteSigner::cosigner(&name, &Hash32::of(name.as_bytes()).0) {
        Ok(signer) => signer,
        Err(error) => unreachable!("{error}"),
    }
}

/// The pact between the first `count` parties, valid for a month; whether nodes show each other checkpoints; how many witnesses
/// there are, and how many of them must have cosigned.
#[must_use]
pub fn pact(count: usize, checkpoints_shared: bool, witnesses: usize, quorum: u32) -> SignedPact {
    let party = |n: usize| {
        let (id, keys) = (name(n), keys(&name(n)));
        Party {
            name: format!("Party {id}"),
            log_key: keys.log.verifier().clone(),
            cosign_key: keys.cosign.verifier().clone(),
            tls_spki_sha256: tls_pin(&id, 0),
            authority_key: Some(authority(&id).verifier().clone()),
            desk: "+41 31 000 00 00".into(),
            id,
        }
    };
    let pact = Pact {
        parties: (0..count).map(party).collect(),
        area: Outline::Circle { centre: vertex(46.5, 8.5), radius_mm: 300 * NM_MM },
        lower: Limit::At(Altitude::pressure_feet(0)),
        upper: Limit::Unlimited,
        valid_from: START.plus_ms(-86_400_000),
        valid_until: START.plus_ms(30 * 86_400_000),
        default_minima: Minima { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
        pairs: Vec::new(),
        alarm_horizon_ms: 120_000,
        notice_s: BTreeMap::new(),
        acknowledge_s: ACKNOWLEDGE_S,
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 1000,
        clock_refuse_ms: 5000,
        checkpoints_shared,
        rates: Default::default(),
        padding: None,
        oversight: Oversight {
            auditors: Vec::new(),
            witnesses: (0..witnesses).map(|number| witness(number).verifier().clone()).collect(),
            quorum: (quorum > 0).then_some(Quorum { of: quorum, within_s: WITNESSED_WITHIN_S as u32 }),
        },
    };
    let signed = SignedPact::unsigned(pact).and_then(|mut signed| {
        (0..count).try_for_each(|n| signed.sign(&keys(&name(n)).log).map(drop))?;
        Ok(signed)
    });
    match signed {
        Ok(signed) => signed,
        Err(error) => unreachable!("{error}"),
    }
}

/// The markings that a node's people choose from.
#[must_use]
pub fn markings() -> [Marking; 2] {
    ["medevac", "covert"].map(|word| match Marking::parse(word) {
        Some(marking) => marking,
        None => unreachable!("{word} is a marking"),
    })
}

/// The marking of what traffic services intend.
#[must_use]
pub fn drones() -> Marking {
    match Marking::parse("drones") {
        Some(marking) => marking,
        None => unreachable!("it is a marking"),
    }
}

/// What a node that traffic services use is started with; `filed` if peers are to be told what they intend.
pub fn serves(boot: &mut Boot, filed: bool, notifies: bool) {
    boot.markings.push(drones());
    boot.dss_base_url = Some(format!("https://{}.example/utm", boot.party));
    (boot.dss_marking, boot.dss_notifies) = (filed.then(drones), notifies);
}

/// Rules about what traffic services intend, mostly, behind those of what is always withheld.
pub fn with_drones(random: &mut Random, policy: &mut Policy) {
    for rules in policy.rules.values_mut() {
        let behind = rules.iter().rposition(|rule| rule.class == RecordClass::Plans && rule.area == Some(HIDDEN));
        if let Some(at) = behind.filter(|_| !random.one_in(4)) {
            let level = level(random, RecordClass::Plans);
            rules.insert(at + 1, Rule { marking: Some(drones()), ..Rule::new(RecordClass::Plans, level) });
        }
    }
}

/// The marking that a feed gives its aircraft: the third brings covert ones.
#[must_use]
pub fn marking_of(feed: u16) -> Option<Marking> {
    (feed == 2).then_some(markings()[1])
}

/// What a node is started with.
#[must_use]
pub fn boot(n: usize, pact: &SignedPact, policy: Policy) -> Boot {
    let feed = |name: &str, claim, number| FeedConfig {
        name: name.into(),
        format: "sim".into(),
        claim,
        class: AircraftClass::Civil,
        marking: marking_of(number),
    };
    Boot {
        party: name(n),
        mode: Mode::Live,
        pacts: vec![String::from_utf8_lossy(&pact.to_bytes()).into_owned()],
        feeds: vec![feed("own", Claim::Own, 0), feed("seen", Claim::Observed, 1), feed("covert", Claim::Own, 2)],
        pseudonym_secret: Hash32::of(format!("pseudonyms of {n}").as_bytes()).0,
        policy,
        software: "sim".into(),
        statements: Vec::new(),
        markings: markings().to_vec(),
        dss_base_url: None,
        dss_marking: None,
        dss_notifies: false,
    }
}

/// North of this nothing is released by any policy that [`policy`] gives.
pub const HIDDEN: Area =
    Area::Box { south_e7: 485_000_000, west_e7: 40_000_000, north_e7: 490_000_000, east_e7: 130_000_000 };

/// Release rules of one party towards the others: military things and the hidden strip are always withheld, often what is
/// covert; the rest as it comes, some of it by the time and by markings.
#[must_use]
pub fn policy(random: &mut Random, me: usize, count: usize, revision: u32) -> Policy {
    let mut rules = BTreeMap::new();
    for peer in (0..count).filter(|peer| *peer != me) {
        let mut list = Vec::new();
        let [medevac, covert] = markings();
        for class in [RecordClass::Tracks, RecordClass::Plans] {
            list.push(Rule { aircraft: Some(AircraftClass::Military), ..Rule::new(class, Level::Withheld) });
            list.push(Rule { area: Some(HIDDEN), ..Rule::new(class, Level::Withheld) });
            if random.one_in(2) {
                list.push(Rule { marking: Some(covert), ..Rule::new(class, Level::Withheld) });
            }
            if random.one_in(4) {
                list.push(Rule { marking: Some(medevac), ..Rule::new(class, level(random, class)) });
            }
        }
        if random.one_in(4) {
            let uncrewed = |level| Rule { aircraft: Some(AircraftClass::Uas), ..Rule::new(RecordClass::Tracks, level) };
            list.push(Rule { when: Some(when(random)), ..uncrewed(level(random, RecordClass::Tracks)) });
            list.push(uncrewed(Level::Withheld));
        }
        for class in RecordClass::ALL {
            if random.one_in(6) {
                list.push(Rule { when: Some(when(random)), ..Rule::new(class, level(random, class)) });
            }
            let mut rule = Rule::new(class, level(random, class));
            let is_told = matches!(rule.level, Level::Full | Level::Reduced { .. });
            if class == RecordClass::Tracks && is_told && random.one_in(4) {
                rule.every_ms = Some(*random.pick(&[30_000, 120_000, 300_000]));
            }
            list.push(rule);
        }
        rules.insert(name(peer), list);
    }
    Policy { revision, rules }
}

/// Minutes of a run, or of every day.
fn when(random: &mut Random) -> When {
    let (from, long) = (random.below(120), random.between(10, 60));
    if random.one_in(2) {
        let daily = Daily { from_min: from as u16, until_min: (from + long) as u16 };
        return When { daily: Some(daily), ..When::default() };
    }
    let at = |minute: u64| START.plus_ms(minute as i64 * 60_000);
    When { from: Some(at(from)), until: Some(at(from + long)), daily: None }
}

fn level(random: &mut Random, class: RecordClass) -> Level {
    let identity = *random.pick(&[Identity::Drop, Identity::Pseudonym, Identity::Keep]);
    let (cell_e7, bin_ms) = (*random.pick(&[1_000_000, 2_000_000]), 60_000);
    match (random.below(8), class) {
        (0, _) => Level::Withheld,
        (1, RecordClass::Tracks) => Level::Coarse { cell_e7, bin_ms },
        (2, RecordClass::Tracks) | (1, RecordClass::Plans) => Level::AvoidArea { cell_e7, bin_ms },
        (3, RecordClass::Tracks) => Level::Reduced { precision_mm: 500_000, delay_ms: 2_000, identity },
        (4, RecordClass::Tracks) => Level::Reduced { precision_mm: 5_000_000, delay_ms: 20_000, identity },
        (2, RecordClass::Plans) => Level::Reduced { precision_mm: 500_000, delay_ms: 0, identity },
        (3, RecordClass::Plans) => Level::Coarse { cell_e7, bin_ms },
        _ => Level::Full,
    }
}

/// Whether everything may be carried, as far as one side states it.
#[must_use]
pub fn in_force(state: ChannelState) -> bool {
    matches!(state, ChannelState::InForce | ChannelState::Resumed)
}
