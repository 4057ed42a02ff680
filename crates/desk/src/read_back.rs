//! Comparison of what was read back with what was said.
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Notice, ReadBack};
use units::{Altitude, Position, Utc, earth};

/// Largest distance between a place and its read-back: 100 m. The case that cost a hospital was 9 km.
pub const PLACE_TOLERANCE_MM: i64 = 100_000;
/// Largest difference of a level, 0.1 mm: half a metre, which is what is lost when a level in feet is read in metres.
pub const LEVEL_TOLERANCE: i64 = 5_000;
/// Largest difference of a time: a minute, since times are spoken in minutes.
pub const TIME_TOLERANCE_MS: i64 = 60_000;

/// A field that is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Field {
    /// The place.
    #[n(0)]
    Place,
    /// The level.
    #[n(1)]
    Level,
    /// The start.
    #[n(2)]
    Time,
}

impl Field {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Level => "level",
            Self::Time => "time",
        }
    }
}

/// The fields in which a read-back differs from the notice; none means that it is right.
///
/// What the notice has must be read back, and nothing else: a place read back of a notice that names none was read
/// somewhere else.
#[must_use]
pub fn compare(notice: &Notice, read: &ReadBack) -> Vec<Field> {
    // An unknown level is at all levels; there is nothing to read back.
    let level = notice.level.filter(|level| *level != Altitude::Unknown);
    let checks = [
        (Field::Place, both(notice.place, read.place, same_place)),
        (Field::Level, both(level, read.level, same_level)),
        (Field::Time, both(notice.start, read.time, same_time)),
    ];
    checks.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

fn both<T>(said: Option<T>, read: Option<T>, same: impl Fn(T, T) -> bool) -> bool {
    match (said, read) {
        (None, None) => true,
        (Some(said), Some(read)) => same(said, read),
        _ => false,
    }
}

fn same_place(a: Position, b: Position) -> bool {
    // A read-back comes from an officer or over the wire: a position off the earth is nowhere near.
    let (Ok(a), Ok(b)) = (Position::new(a.lat_e7, a.lon_e7), Position::new(b.lat_e7, b.lon_e7)) else { return false };
    let apart = earth::norm(earth::sub(earth::surface(a.lat(), a.lon()), earth::surface(b.lat(), b.lon())));
    apart * 1000.0 <= PLACE_TOLERANCE_MM as f64
}

fn same_level(a: Altitude, b: Altitude) -> bool {
    match (a, b) {
        (Altitude::Known(a, ra), Altitude::Known(b, rb)) => ra == rb && a.distance(b) <= LEVEL_TOLERANCE,
        _ => a == b,
    }
}

fn same_time(a: Utc, b: Utc) -> bool {
    // Saturating, so that a time at the end of the range is far and not near.
    a.since_ms(b).saturating_abs() <= TIME_TOLERANCE_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use record::NoticeClass;
    use units::{Height, Reference};

    fn notice() -> Notice {
        Notice {
            class: NoticeClass::Hazard,
            text: String::from("Artillery"),
            place: Some(Position::from_degrees(47.5, 8.5).unwrap()),
            level: Some(Altitude::pressure_feet(5000)),
            start: Some(Utc(1_000_000)),
            end: None,
            volumes: vec![],
            action: None,
        }
    }

    fn right() -> ReadBack {
        ReadBack { place: notice().place, level: notice().level, time: notice().start }
    }

    #[track_caller]
    fn check(read: ReadBack, want: &[Field]) {
        assert_eq!(compare(&notice(), &read), want);
    }

    #[test]
    fn what_is_within_the_tolerances_is_right() {
        check(right(), &[]);
        let place = Some(Position::from_degrees(47.500_85, 8.5).unwrap());
        let level = Some(Altitude::Known(Height::from_metres(1524.0).unwrap(), Reference::Pressure));
        check(ReadBack { place, level, time: Some(Utc(1_060_000)) }, &[]);
    }

    #[test]
    fn what_differs_is_named() {
        // 95 m and 105 m north.
        check(ReadBack { place: Some(Position::from_degrees(47.500_95, 8.5).unwrap()), ..right() }, &[Field::Place]);
        check(ReadBack { place: Some(Position::from_degrees(8.5, 47.5).unwrap()), ..right() }, &[Field::Place]);
        check(ReadBack { level: Some(Altitude::pressure_feet(5002)), ..right() }, &[Field::Level]);
        let msl = Altitude::Known(Height::from_feet(5000), Reference::Msl);
        check(ReadBack { level: Some(msl), ..right() }, &[Field::Level]);
        check(ReadBack { time: Some(Utc(1_060_001)), ..right() }, &[Field::Time]);
        check(ReadBack { time: Some(Utc(i64::MIN)), ..right() }, &[Field::Time]);
        check(ReadBack::default(), &[Field::Place, Field::Level, Field::Time]);
        let off = Position { lat_e7: i32::MAX, lon_e7: i32::MIN };
        check(ReadBack { place: Some(off), ..right() }, &[Field::Place]);
    }

    #[test]
    fn what_the_notice_does_not_say_cannot_be_read_back() {
        let bare = Notice { place: None, level: Some(Altitude::Unknown), start: None, ..notice() };
        assert_eq!(compare(&bare, &ReadBack::default()), vec![]);
        assert_eq!(compare(&bare, &right()), vec![Field::Place, Field::Level, Field::Time]);
    }

    #[test]
    fn across_the_antimeridian_near_is_near() {
        let said = Notice { place: Some(Position::from_degrees(0.0, 179.999_9).unwrap()), ..notice() };
        let read = ReadBack { place: Some(Position::from_degrees(0.0, -179.999_9).unwrap()), ..right() };
        assert_eq!(compare(&said, &read), vec![]);
    }
}
