//! Work to be timed. There is no clock here: the caller has one.
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use record::{Hash32, Mode, PartyId};
use track::{Address, AircraftClass, Callsign, SourceClass, TrackReport};
use units::{Angle, Height, Mono, Now, Position, Speed, Utc, VerticalRate};

use crate::policy::{Level, Policy, RecordClass, Rule};
use crate::released::Envelope;
use crate::releaser::Releaser;

/// Releases `n` tracks to each of `peers` peers, one tick a call.
#[derive(Debug, Clone)]
pub struct Bench {
    policy: Policy,
    peers: Vec<(Releaser, Envelope)>,
    tracks: Vec<TrackReport>,
    now: Now,
}

impl Bench {
    /// Sets up tracks in a box of ten degrees and one rule per peer.
    ///
    /// # Panics
    /// If `level` is out of the policy's bounds.
    #[must_use]
    pub fn new(n: usize, peers: usize, level: Level) -> Self {
        let rule = Rule::new(RecordClass::Tracks, level);
        let party = |name: &str| PartyId::parse(name).unwrap_or_else(|e| unreachable!("{e}"));
        let names: Vec<PartyId> = (0..peers).map(|i| party(&format!("peer-{i}"))).collect();
        let rules: BTreeMap<PartyId, Vec<Rule>> = names.iter().map(|p| (p.clone(), alloc::vec![rule])).collect();
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
        Self { policy, peers, tracks: (0..n as u64).map(track).collect(), now }
    }

    /// One second: every track reports once, every peer is told. Gives the bytes released, to be kept from the optimiser.
    pub fn tick(&mut self) -> usize {
        self.now = Now { mono: self.now.mono.plus_ms(1000), utc: self.now.utc.plus_ms(1000), ..self.now };
        for track in &mut self.tracks {
            track.at = self.now.utc.plus_ms(-300);
            track.position.lat_e7 += 20_000;
            track.position.lat_e7 = 400_000_000 + (track.position.lat_e7 - 400_000_000) % 100_000_000;
        }
        let mut bytes = 0;
        for (releaser, envelope) in &mut self.peers {
            releaser.offer_tracks(&self.policy, &self.tracks, self.now);
            let out = releaser.flush(&self.policy, envelope, self.now).unwrap_or_default();
            bytes += out.iter().map(|r| r.bytes().len()).sum::<usize>();
        }
        bytes
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
