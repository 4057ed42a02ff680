//! Intents as clients write them: places, times, heights, identifiers.
use jiff::Timestamp;

/// What an intent takes: one circle, from one second to another, from one height to another, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    /// Degrees north and east.
    pub at: (f64, f64),
    /// Seconds UTC; both ends belong to it.
    pub seconds: (i64, i64),
    /// Both ends belong to it.
    pub heights: (i32, i32),
}

impl Volume {
    /// Whether two intents of one place meet.
    pub fn meets(&self, other: &Self) -> bool {
        let spans = self.seconds.0 <= other.seconds.1 && other.seconds.0 <= self.seconds.1;
        spans && self.heights.0 <= other.heights.1 && other.heights.0 <= self.heights.1
    }
}

/// A time of the standard.
fn time(second: i64) -> String {
    // Seconds of this century have a text.
    let text = Timestamp::from_second(second).map_or_else(|_| String::new(), |t| t.to_string());
    format!("{{\"value\":\"{text}\",\"format\":\"RFC3339\"}}")
}

/// A volume of the standard.
pub fn volume_json(volume: &Volume, radius_m: f64) -> String {
    let Volume { at: (lat, lng), seconds, heights } = volume;
    let height = |metres: i32| format!("{{\"value\":{metres},\"reference\":\"W84\",\"units\":\"M\"}}");
    format!(
        "{{\"volume\":{{\"outline_circle\":{{\"center\":{{\"lat\":{lat},\"lng\":{lng}}},\"radius\":{{\"value\":{radius_m},\
         \"units\":\"M\"}}}},\"altitude_lower\":{},\"altitude_upper\":{}}},\"time_start\":{},\"time_end\":{}}}",
        height(heights.0),
        height(heights.1),
        time(seconds.0),
        time(seconds.1)
    )
}

/// The body that writes an intent; `key` are the versions of others that are named.
pub fn put_json<'a>(
    volume: &Volume,
    activated: bool,
    service: &str,
    key: impl IntoIterator<Item = &'a String>,
) -> String {
    let key: Vec<String> = key.into_iter().map(|ovn| format!("\"{ovn}\"")).collect();
    let (state, subscription) = match activated {
        true => ("Activated", format!(",\"new_subscription\":{{\"uss_base_url\":\"https://{service}.example/utm\"}}")),
        false => ("Accepted", String::new()),
    };
    format!(
        "{{\"extents\":[{}],\"key\":[{}],\"state\":\"{state}\",\"uss_base_url\":\"https://{service}.example/utm\"{subscription}}}",
        volume_json(volume, RADIUS_M),
        key.join(",")
    )
}

/// Small enough for one cell of level 13 around its middle.
pub const RADIUS_M: f64 = 50.0;

/// Path of an intent, at a version or without.
pub fn path(id: &str, ovn: Option<&str>) -> String {
    let ovn = ovn.map_or_else(String::new, |ovn| format!("/{ovn}"));
    format!("/dss/v1/operational_intent_references/{id}{ovn}")
}

/// Numbers that look like chance: splitmix64.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A UUID of version 4.
    pub fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0x3fff | 0x8000,
            b & 0xffff_ffff_ffff
        )
    }
}
