//! A read-back compared with what was said: by machine, field by field.
use alloc::vec::Vec;
use record::{Notice, ReadBack};
use units::earth;

/// A place read back within this distance is the same place: a tenth of a minute of arc is 185 m, and officers read
/// minutes with two decimals (18.5 m) or seconds (31 m).
pub const PLACE_TOLERANCE_M: f64 = 100.0;
/// A time read back within this is the same time: times are spoken to the minute.
pub const TIME_TOLERANCE_MS: i64 = 60_000;

/// Names the fields of `notice` that `read_back` lacks or states differently. Empty: it agrees.
#[must_use]
pub fn differences(notice: &Notice, read_back: &ReadBack) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let same_place = match (notice.place, read_back.place) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(said), Some(read)) => {
            let chord = earth::sub(earth::surface(said.lat(), said.lon()), earth::surface(read.lat(), read.lon()));
            earth::norm(chord) <= PLACE_TOLERANCE_M
        }
    };
    if !same_place {
        fields.push("place");
    }
    // A level is exact and so is its reference: FL100 and 10,000 ft MSL are not the same level.
    if notice.level.is_some() && notice.level != read_back.level {
        fields.push("level");
    }
    let same_time = match (notice.start, read_back.time) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(said), Some(read)) => said.since_ms(read).abs() < TIME_TOLERANCE_MS,
    };
    if !same_time {
        fields.push("time");
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use record::NoticeClass;
    use units::{Altitude, Height, Position, Reference, Utc};

    #[test]
    fn each_field_that_differs_is_named() {
        let place = Position::from_degrees(35.0, 40.0).ok();
        let notice = Notice {
            class: NoticeClass::Hazard,
            text: String::new(),
            place,
            level: Some(Altitude::pressure_feet(10_000)),
            start: Some(Utc(1_000_000)),
            end: None,
            volumes: Vec::new(),
            action: None,
        };
        let good = ReadBack { place, level: notice.level, time: Some(Utc(1_030_000)) };
        let nine_km_off = Position::from_degrees(35.08, 40.0).ok();
        let msl = Some(Altitude::Known(Height::from_feet(10_000), Reference::Msl));
        let table = [
            (good, &[][..]),
            (ReadBack { place: nine_km_off, ..good }, &["place"][..]),
            (ReadBack { place: Position::from_degrees(35.0005, 40.0).ok(), ..good }, &[]),
            (ReadBack { level: msl, ..good }, &["level"]),
            (ReadBack { time: Some(Utc(1_060_000)), ..good }, &["time"]),
            (ReadBack::default(), &["place", "level", "time"]),
        ];
        for (read, want) in table {
            assert_eq!(differences(&notice, &read), want, "{read:?}");
        }
    }
}
