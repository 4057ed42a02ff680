//! The parties of a run: names, keys, the pact between all of them, and what each releases to whom.
use crate::random::Random;
use airspace::{Limit, Outline};
use node::input::{Boot, Claim, FeedConfig};
use pact::{Minima, Pact, Party, SignedPact};
use record::{Hash32, Mode, PartyId};
use release::{Area, Identity, Level, Policy, RecordClass, Rule};
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

/// Secret keys of a party, which no state ever sees.
pub struct Keys {
    /// Signs checkpoints.
    pub log: NoteSigner,
    /// Cosigns.
    pub cosign: NoteSigner,
}

/// The keys of a party: a function of its name, so that a hostile peer can be given them.
#[must_use]
pub fn keys(party: &PartyId) -> Keys {
    let (key_name, seed) = (format!("skypact.link/{party}"), Hash32::of(party.as_str().as_bytes()).0);
    match (NoteSigner::new(&key_name, &seed), NoteSigner::cosigner(&key_name, &Hash32::of(&seed).0)) {
        (Ok(log), Ok(cosign)) => Keys { log, cosign },
        (Err(error), _) | (_, Err(error)) => unreachable!("{error}"),
    }
}

fn vertex(lat: f64, lon: f64) -> Vertex {
    match Vertex::from_degrees(lat, lon) {
        Ok(vertex) => vertex,
        Err(error) => unreachable!("{error:?}"),
    }
}

/// The pact between the first `count` parties, valid for a month.
#[must_use]
pub fn pact(count: usize) -> SignedPact {
    let party = |n: usize| {
        let (id, keys) = (name(n), keys(&name(n)));
        Party {
            name: format!("Party {id}"),
            log_key: keys.log.verifier().clone(),
            cosign_key: keys.cosign.verifier().clone(),
            tls_spki_sha256: Hash32::of(format!("tls of {id}").as_bytes()),
            authority_key: None,
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
        checkpoints_shared: false,
        rates: Default::default(),
        padding: None,
        oversight: Default::default(),
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

/// What a node is started with.
#[must_use]
pub fn boot(n: usize, pact: &SignedPact, policy: Policy) -> Boot {
    let feed = |name: &str, claim| FeedConfig {
        name: name.into(),
        format: "sim".into(),
        claim,
        class: AircraftClass::Civil,
        marking: None,
    };
    Boot {
        party: name(n),
        mode: Mode::Live,
        pacts: vec![String::from_utf8_lossy(&pact.to_bytes()).into_owned()],
        feeds: vec![feed("own", Claim::Own), feed("seen", Claim::Observed)],
        pseudonym_secret: Hash32::of(format!("pseudonyms of {n}").as_bytes()).0,
        policy,
        software: "sim".into(),
        statements: Vec::new(),
        markings: Vec::new(),
    }
}

/// North of this nothing is released by any policy that [`policy`] gives.
pub const HIDDEN: Area =
    Area::Box { south_e7: 485_000_000, west_e7: 40_000_000, north_e7: 490_000_000, east_e7: 130_000_000 };

/// Release rules of one party towards the others: military things and the hidden strip are always withheld, the rest as it
/// comes.
#[must_use]
pub fn policy(random: &mut Random, me: usize, count: usize, revision: u32) -> Policy {
    let rule = |class, level| Rule::new(class, level);
    let mut rules = BTreeMap::new();
    for peer in (0..count).filter(|peer| *peer != me) {
        let mut list = Vec::new();
        for class in [RecordClass::Tracks, RecordClass::Plans] {
            list.push(Rule { aircraft: Some(AircraftClass::Military), ..rule(class, Level::Withheld) });
            list.push(Rule { area: Some(HIDDEN), ..rule(class, Level::Withheld) });
        }
        for class in RecordClass::ALL {
            let identity = *random.pick(&[Identity::Drop, Identity::Pseudonym, Identity::Keep]);
            let level = match (random.below(6), class) {
                (0, _) => Level::Withheld,
                (1, RecordClass::Tracks) => Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 },
                (2, RecordClass::Tracks) => Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 60_000 },
                (3, RecordClass::Tracks) => Level::Reduced { precision_mm: 500_000, delay_ms: 2_000, identity },
                _ => Level::Full,
            };
            list.push(rule(class, level));
        }
        rules.insert(name(peer), list);
    }
    Policy { revision, rules }
}
