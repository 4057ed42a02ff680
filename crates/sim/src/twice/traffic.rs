//! Flights of a scenario: those that everybody sees, and those that the node withholds from its peer, among each other.
use super::setup::{NODE, PEER, Setup, THIRD, feeds};
use crate::parties::START;
use crate::random::Random;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Angle, Height, Position, Speed, Utc};

/// Why a flight is withheld, or that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Flown by the node, released as the rules have it.
    Open,
    /// The same, uncrewed: released at the hours of the window.
    Uncrewed,
    /// The same, marked for a rule.
    Marked,
    /// The same, without an address.
    Nameless,
    /// The same, with an address only after a while.
    NamedLater,
    /// The same, by two feeds.
    TwoFeeds,
    /// The same, into the hidden area and out again.
    Crossing,
    /// Flown by the peer.
    Theirs,
    /// Withheld: military.
    Military,
    /// Withheld: military, without an address.
    MilitaryNameless,
    /// Withheld: in the hidden area.
    Hidden,
    /// Withheld: its address is marked.
    MarkedCovert,
    /// Withheld: its plan is marked.
    PlannedCovert,
    /// Withheld: its feed is marked.
    FeedCovert,
    /// Withheld: uncrewed, outside of the window.
    OutOfHours,
    /// Withheld: a sensor sees what nobody claims.
    Seen,
    /// Withheld: a sensor sees an aircraft that is released.
    SeenOpen,
    /// Withheld: a sensor sees an aircraft of the peer.
    SeenTheirs,
    /// Withheld: told by the third party to the node alone.
    Thirds,
    /// Withheld: many military aircraft in one place.
    Swarm,
}

impl Kind {
    /// Whether the peer must not notice it.
    pub fn withheld(self) -> bool {
        self >= Self::Military
    }

    /// The word of the count.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "flights: open",
            Self::Uncrewed => "flights: uncrewed, at hours",
            Self::Marked => "flights: marked",
            Self::Nameless => "flights: without address",
            Self::NamedLater => "flights: address later",
            Self::TwoFeeds => "flights: two feeds",
            Self::Crossing => "flights: crossing the hidden area",
            Self::Theirs => "flights: of the peer",
            Self::Military => "withheld flights: military",
            Self::MilitaryNameless => "withheld flights: military without address",
            Self::Hidden => "withheld flights: hidden area",
            Self::MarkedCovert => "withheld flights: marked aircraft",
            Self::PlannedCovert => "withheld flights: marked plan",
            Self::FeedCovert => "withheld flights: marked feed",
            Self::OutOfHours => "withheld flights: out of hours",
            Self::Seen => "withheld flights: seen, unclaimed",
            Self::SeenOpen => "withheld flights: released one seen by a sensor",
            Self::SeenTheirs => "withheld flights: peer's one seen by a sensor",
            Self::Thirds => "withheld flights: of a third party",
            Self::Swarm => "withheld flights: in a swarm",
        }
    }
}

/// A flight.
#[derive(Debug, Clone)]
pub struct Flight {
    /// What it is.
    pub kind: Kind,
    /// Whose node hears of it.
    pub node: usize,
    /// By which feed.
    pub feed: u16,
    /// Its report at the scenario's beginning.
    pub first: TrackReport,
    /// Steps from and until which it is reported.
    pub from: u64,
    /// See above.
    pub until: u64,
    /// One report each so many steps.
    pub every: u64,
    /// Steps in which nothing is heard of it.
    pub silent: (u64, u64),
    /// Its reports are so old when they come, ms.
    pub late_ms: i64,
    /// Before this step its reports have no address.
    pub named_from: u64,
}

impl Flight {
    /// Its report of a step, if there is one: where it has flown in so many steps, at the time that is now.
    pub fn at(&self, step: u64, step_ms: u64, now: Utc) -> Option<TrackReport> {
        let heard = (self.from..self.until).contains(&step) && !(self.silent.0..self.silent.1).contains(&step);
        if !heard || !(step - self.from).is_multiple_of(self.every) {
            return None;
        }
        let mut report = flown(&self.first, START.plus_ms((step * step_ms) as i64));
        report.at = now.plus_ms(-self.late_ms);
        if step < self.named_from {
            (report.address, report.callsign) = (None, None);
        }
        Some(report)
    }
}

/// The aircraft later, flown along its track.
fn flown(report: &TrackReport, at: Utc) -> TrackReport {
    let (Some(speed), Some(track)) = (report.speed, report.track) else { return TrackReport { at, ..*report } };
    let metres = speed.mps() * at.since_s(report.at);
    let (lat, lon) = units::earth::direct(report.position.lat(), report.position.lon(), track.degrees(), metres);
    TrackReport { position: Position::from_degrees(lat, lon).unwrap_or(report.position), at, ..*report }
}

/// From `low` to `high`.
pub fn real(random: &mut Random, low: f64, high: f64) -> f64 {
    low + (high - low) * (random.next() >> 11) as f64 / (1u64 << 53) as f64
}

fn aircraft(random: &mut Random, n: u32, (lat, lon): (f64, f64), knots: f64) -> TrackReport {
    let position = Position::from_degrees(lat, lon).unwrap_or_default();
    let mut r = TrackReport::new(u64::from(n), position, START);
    r.address = Address::icao(0x40_0000 + n);
    r.callsign = Callsign::parse(&format!("SIM{n}")).ok();
    r.pressure = Some(Height::from_feet(30_000 + 500 * random.below(3) as i32));
    r.speed = Some(Speed::from_knots(knots));
    r.track = Angle::from_degrees(real(random, 0.0, 359.9));
    r.class = AircraftClass::Civil;
    r
}

/// Draws all flights of a scenario.
pub fn draw(random: &mut Random, setup: &Setup) -> Vec<Flight> {
    let mut flights: Vec<Flight> = Vec::new();
    let open = [
        Kind::Open,
        Kind::Open,
        Kind::Open,
        Kind::Uncrewed,
        Kind::Marked,
        Kind::Nameless,
        Kind::NamedLater,
        Kind::TwoFeeds,
        Kind::Crossing,
        Kind::Theirs,
        Kind::Theirs,
    ];
    for n in 0..random.between(3, 10) {
        let kind = *random.pick(&open);
        flight(random, setup, &mut flights, kind, n as u32 + 1);
    }
    let mut withheld = vec![
        Kind::Military,
        Kind::Military,
        Kind::MilitaryNameless,
        Kind::Hidden,
        Kind::MarkedCovert,
        Kind::PlannedCovert,
        Kind::FeedCovert,
        Kind::OutOfHours,
        Kind::Seen,
        Kind::SeenOpen,
        Kind::SeenTheirs,
    ];
    if setup.third_is_apart() {
        withheld.extend([Kind::Thirds, Kind::Thirds]);
    }
    for n in 0..random.between(1, 8) {
        let kind = *random.pick(&withheld);
        flight(random, setup, &mut flights, kind, n as u32 + 101);
    }
    if random.one_in(40) {
        let place = (real(random, 46.4, 46.6), real(random, 8.35, 8.65));
        for n in 0..36 {
            flight(random, setup, &mut flights, Kind::Swarm, n + 201);
            if let Some(flight) = flights.last_mut() {
                let (lat, lon) = (place.0 + f64::from(n % 6) / 300.0, place.1 + f64::from(n / 6) / 300.0);
                flight.first.position = Position::from_degrees(lat, lon).unwrap_or(flight.first.position);
            }
        }
    }
    flights
}

fn flight(random: &mut Random, setup: &Setup, flights: &mut Vec<Flight>, kind: Kind, n: u32) {
    let (steps, second) = (setup.steps, 1_000 / setup.step_ms);
    let mut place = (real(random, 46.4, 46.6), real(random, 8.35, 8.65));
    let mut knots = real(random, 100.0, 480.0);
    if kind == Kind::Hidden {
        (place, knots) = ((real(random, 47.4, 47.6), real(random, 9.4, 9.6)), 60.0);
    }
    let mut first = aircraft(random, n, place, knots);
    if kind == Kind::Crossing {
        first.position = Position::from_degrees(46.99, real(random, 9.1, 9.9)).unwrap_or(first.position);
        first.track = Angle::from_degrees(*random.pick(&[0.0, 20.0, 340.0]));
    }
    let (node, feed) = match kind {
        Kind::Theirs => (PEER, feeds::OWN),
        Kind::FeedCovert => (NODE, feeds::COVERT),
        Kind::Seen | Kind::SeenOpen | Kind::SeenTheirs => (NODE, feeds::SEEN),
        Kind::Thirds => (THIRD, feeds::OWN),
        _ => (NODE, if random.one_in(5) { feeds::OTHER } else { feeds::OWN }),
    };
    match kind {
        Kind::Military | Kind::MilitaryNameless | Kind::Swarm => first.class = AircraftClass::Military,
        Kind::Uncrewed | Kind::OutOfHours => first.class = AircraftClass::Uas,
        Kind::Theirs if random.one_in(3) => first.class = AircraftClass::Military,
        _ => {}
    }
    if matches!(kind, Kind::Nameless | Kind::MilitaryNameless) {
        (first.address, first.callsign) = (None, None);
    }
    let every = random.between(second.min(5), second * 3 / 2 + 1);
    let from = if random.one_in(2) { random.below(second) } else { random.below(steps / 2) };
    let until = if random.one_in(4) { from + random.below(steps - from).max(1) } else { steps };
    // Long enough to be stale, or to leave the picture.
    let gap = *random.pick(&[32_000, 45_000, 125_000, 140_000]) / setup.step_ms;
    let silent = match random.below(4) {
        0 if gap + 20 < steps => {
            let begin = random.below(steps - gap - 10);
            (begin, begin + gap)
        }
        _ => (0, 0),
    };
    let late_ms = if random.one_in(3) { random.below(1_500) as i64 } else { 0 };
    let named_from = if kind == Kind::NamedLater { random.below(steps) } else { 0 };
    let mut flight = Flight { kind, node, feed, first, from, until, every, silent, late_ms, named_from };
    match kind {
        Kind::SeenOpen | Kind::SeenTheirs => {
            let of = |f: &&Flight| match kind {
                Kind::SeenOpen => f.node == NODE && !f.kind.withheld(),
                _ => f.kind == Kind::Theirs,
            };
            let seen: Vec<&Flight> = flights.iter().filter(of).collect();
            if seen.is_empty() {
                flight.kind = Kind::Seen;
            } else {
                let other = *random.pick(&seen);
                // A sensor has its own number for the aircraft, and its own error and delay.
                let local = flight.first.local;
                flight.first = TrackReport { local, ..other.first };
                flight.first.position.lat_e7 += random.below(2_000) as i32 - 1_000;
                if random.one_in(3) {
                    flight.first.class = AircraftClass::Unknown;
                }
                if random.one_in(2) {
                    flight.from = 0;
                }
            }
        }
        Kind::OutOfHours => match setup.window {
            // Before the window begins, or after it.
            Some((begin, end)) if random.one_in(2) || end / setup.step_ms + 20 >= steps => {
                flight.until = flight.until.min((begin / setup.step_ms).saturating_sub(12));
            }
            Some((_, end)) => flight.from = flight.from.max(end / setup.step_ms + 12),
            None => (flight.kind, flight.first.class) = (Kind::Military, AircraftClass::Military),
        },
        // The plan that bears the marking is forgotten a day after its end.
        Kind::PlannedCovert => flight.until = flight.until.min(steps.saturating_sub(62)),
        Kind::TwoFeeds => {
            let mut other = flight.clone();
            (other.feed, other.first.local) = (feeds::OTHER, other.first.local + 1_000);
            other.late_ms = random.below(900) as i64;
            other.every = random.between(second.min(5), second * 2);
            flight.feed = feeds::OWN;
            flights.push(other);
        }
        _ => {}
    }
    flights.push(flight);
}
