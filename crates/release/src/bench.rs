//! Work to be timed. There is no clock here: the caller has one.
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use record::{Hash32, Mode, PartyId, Record};
use track::{Address, AircraftClass, Callsign, SourceClass, TrackReport};
use units::{Angle, Height, Mono, Now, Position, Speed, Utc, VerticalRate};

use crate::area::Area;
use crate::marking::Marking;
use crate::policy::{Level, Policy, RecordClass, Rule};
use crate::released::{Envelope, Released};
use crate::releaser::Releaser;
use crate::when::When;

/// Releases `n` tracks to each of `peers` peers, one tick a call.
#[derive(Debug, Clone)]
pub struct Bench {
    policy: Policy,
    peers: Vec<(Releaser, Envelope)>,
    tracks: Vec<TrackReport>,
    now: Now,
    said: Vec<Released<Record>>,
}

impl Bench {
    /// Sets up tracks in a box of ten degrees and one rule per peer.
    ///
    /// # Panics
    /// If `level` is out of the policy's bounds.
    #[must_use]
    pub fn new(n: usize, peers: usize, level: Level) -> Self {
        Self::of_rules(n, peers, &[Rule::new(RecordClass::Tracks, level)])
    }

    /// The same where eight rules come before the one that decides: an aircraft class, a marking, hours of the day, boxes and
    /// circles in and beside the traffic, none of which matches.
    ///
    /// # Panics
    /// If `level` is out of the policy's bounds.
    #[must_use]
    pub fn ninth(n: usize, peers: usize, level: Level) -> Self {
        let withheld = Rule::new(RecordClass::Tracks, Level::Withheld);
        let area = |area| Rule { area: Some(area), ..withheld };
        let at = |lat: i32, lon: i32| Position { lat_e7: lat * 10_000_000, lon_e7: lon * 10_000_000 };
        let circle = |centre, km: i64| area(Area::Circle { centre, radius_mm: km * 1_000_000 });
        let square = |s: i32, w: i32| {
            let e7 = |degrees: i32| degrees * 10_000_000;
            area(Area::Box { south_e7: e7(s), west_e7: e7(w), north_e7: e7(s + 1), east_e7: e7(w + 1) })
        };
        let never = When { from: None, until: Some(Utc(0)), daily: None };
        // Beside the traffic, a metre across in it, and far away.
        let rules = [
            Rule { aircraft: Some(AircraftClass::Military), ..withheld },
            Rule { marking: Marking::parse("medevac"), ..withheld },
            Rule { when: Some(never), ..withheld },
            square(55, 5),
            square(30, 5),
            circle(at(52, 5), 100),
            area(Area::Circle { centre: at(45, 5), radius_mm: 1_000 }),
            circle(at(-40, 120), 300),
            Rule::new(RecordClass::Tracks, level),
        ];
        Self::of_rules(n, peers, &rules)
    }

    fn of_rules(n: usize, peers: usize, rules: &[Rule]) -> Self {
        let party = |name: &str| PartyId::parse(name).unwrap_or_else(|e| unreachable!("{e}"));
        let names: Vec<PartyId> = (0..peers).map(|i| party(&format!("peer-{i}"))).collect();
        let rules: BTreeMap<PartyId, Vec<Rule>> = names.iter().map(|p| (p.clone(), rules.to_vec())).collect();
        let policy = Policy { revision: 1, rules };
        assert_eq!(policy.check(), Ok(()), "a level within bounds");
        let envelope = |audience: PartyId| Envelope {
            issuer: party("north"),
            audience,
            mode: Mode::Live,
            pact: Hash32::default(),
        };
        let peers = names.into_iter().map(|p| (Releaser::new(p.clone(), [7; 32]), envelope(p))).collect();
        let now = Now { mono: Mono(0), utc: Utc(1_600_000_000_000), utc_error_ms: 10 };
        Self { policy, peers, tracks: (0..n as u64).map(track).collect(), now, said: Vec::new() }
    }

    /// One second: every track reports once, every peer is told. Gives the bytes released, to be kept from the optimiser.
    pub fn tick(&mut self) -> usize {
        self.fly();
        self.decide();
        self.tell()
    }

    /// Every track reports once.
    pub fn fly(&mut self) {
        self.said.clear();
        self.now = Now { mono: self.now.mono.plus_ms(1000), utc: self.now.utc.plus_ms(1000), ..self.now };
        for track in &mut self.tracks {
            track.at = self.now.utc.plus_ms(-300);
            track.position.lat_e7 += 20_000;
            track.position.lat_e7 = 400_000_000 + (track.position.lat_e7 - 400_000_000) % 100_000_000;
        }
    }

    /// For every track and peer: which rule holds, what of the report it lets out, under what number.
    pub fn decide(&mut self) {
        for (releaser, _) in &mut self.peers {
            releaser.offer_tracks(&self.policy, &self.tracks, self.now);
        }
    }

    /// Makes the records of what was decided, encoded and named by their hash; gives their bytes.
    pub fn tell(&mut self) -> usize {
        let mut bytes = 0;
        for (releaser, envelope) in &mut self.peers {
            let out = releaser.flush(&self.policy, envelope, self.now).unwrap_or_default();
            bytes += out.iter().map(|r| r.bytes().len()).sum::<usize>();
            self.said.extend(out);
        }
        bytes
    }

    /// What no way of deciding is cheaper than: each report copied for each peer.
    #[must_use]
    pub fn copy(&self) -> usize {
        self.peers.iter().map(|_| self.tracks.to_vec().len()).sum()
    }

    /// What no way of telling is cheaper than: the hash of the bytes of each record.
    #[must_use]
    pub fn hash(&self) -> usize {
        self.said.iter().map(|released| usize::from(Hash32::of(released.bytes()).0[0])).sum()
    }
}

fn track(i: u64) -> TrackReport {
    // Multiples of odd numbers spread the values; their order does not matter here.
    let spread = |by: u64, range: u64| (i.wrapping_mul(by) % range) as i32;
    let at = Position { lat_e7: 400_000_000 + spread(48_271, 100_000_000), lon_e7: spread(69_621, 100_000_000) };
    let mut report = TrackReport::new(i, at, Utc(0));
    report.address = Address::icao(0x40_0000 + i as u32 % 0x40_0000);
    report.callsign = Callsign::parse(&format!("TST{}", i % 10_000)).ok();
    report.pressure = Some(Height::from_feet(10_000 + spread(7, 300) * 100));
    report.geometric = Some(Height::from_feet(10_400 + spread(7, 300) * 100));
    report.speed = Some(Speed(200_000 + spread(11, 50_000)));
    report.track = Some(Angle(spread(13, 36_000_000) as u32));
    report.vertical_rate = Some(VerticalRate(spread(17, 2_000) - 1_000));
    report.source = SourceClass::Adsb;
    report.class = AircraftClass::Civil;
    report
}
