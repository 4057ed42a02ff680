//! Writing a batch's columns: the hottest encoding there is, once for every aircraft and peer each second, and again at the
//! receiver, which encodes what it decoded to see that the bytes are the one encoding.
//!
//! The bytes are those that the derived encoding gives; the tests hold it to that.
use alloc::vec::Vec;
use minicbor::encode::{Error, Write};
use minicbor::{Encode, Encoder};

use crate::batch::TrackBatch;

const UNSIGNED: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const ARRAY: u8 = 0x80;
const MAP: u8 = 0xa0;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

/// Keys of the map.
const KEYS: u64 = 20;

/// CBOR in its shortest forms (RFC 8949 section 4.2.1).
struct Out(Vec<u8>);

impl Out {
    #[inline]
    fn head(&mut self, major: u8, value: u64) {
        if value < 24 {
            self.0.push(major | value as u8);
        } else if value <= 0xff {
            self.0.extend_from_slice(&[major | 24, value as u8]);
        } else if value <= 0xffff {
            let [a, b] = (value as u16).to_be_bytes();
            self.0.extend_from_slice(&[major | 25, a, b]);
        } else if value <= 0xffff_ffff {
            let [a, b, c, d] = (value as u32).to_be_bytes();
            self.0.extend_from_slice(&[major | 26, a, b, c, d]);
        } else {
            let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
            self.0.extend_from_slice(&[major | 27, a, b, c, d, e, f, g, h]);
        }
    }

    #[inline]
    fn unsigned(&mut self, value: u64) {
        self.head(UNSIGNED, value);
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        // A negative number n is written as -1 - n.
        let (major, value) = if value < 0 { (NEGATIVE, !value as u64) } else { (UNSIGNED, value as u64) };
        self.head(major, value);
    }

    /// Key, then an array.
    #[inline]
    fn column<T: Copy>(&mut self, key: u8, values: &[T], mut write: impl FnMut(&mut Self, T)) {
        self.unsigned(key.into());
        self.head(ARRAY, values.len() as u64);
        for value in values {
            write(self, *value);
        }
    }

    #[inline]
    fn optional<T: Copy>(&mut self, key: u8, values: &[Option<T>], write: impl Fn(&mut Self, T)) {
        self.column(key, values, |out, value| match value {
            Some(value) => write(out, value),
            None => out.0.push(NULL),
        });
    }
}

impl<C> Encode<C> for TrackBatch {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), Error<W::Error>> {
        let mut out = Out(Vec::with_capacity(128 + 64 * self.len()));
        out.head(MAP, KEYS);
        for (key, value) in
            [(0, self.base.0), (1, self.form as i64), (2, self.precision_mm.into()), (3, self.delay_ms.into())]
        {
            out.unsigned(key);
            out.signed(value);
        }
        out.column(4, &self.local, Out::unsigned);
        out.column(5, &self.lat_e7, |out, v| out.signed(v.into()));
        out.column(6, &self.lon_e7, |out, v| out.signed(v.into()));
        out.column(7, &self.at_ms, Out::signed);
        out.optional(8, &self.address, |out, v| out.unsigned(v.into()));
        out.optional(9, &self.callsign, Out::unsigned);
        out.optional(10, &self.mode_a, |out, v| out.unsigned(v.into()));
        out.optional(11, &self.pressure, |out, v| out.signed(v.into()));
        out.optional(12, &self.geometric, |out, v| out.signed(v.into()));
        out.optional(13, &self.on_ground, |out, v| out.0.push(if v { TRUE } else { FALSE }));
        out.optional(14, &self.speed, |out, v| out.signed(v.into()));
        out.optional(15, &self.track, |out, v| out.unsigned(v.into()));
        out.optional(16, &self.vertical_rate, |out, v| out.signed(v.into()));
        out.optional(17, &self.accuracy_mm, |out, v| out.unsigned(v.into()));
        out.optional(18, &self.source, |out, v| out.unsigned(v as u64));
        out.optional(19, &self.class, |out, v| out.unsigned(v as u64));
        e.writer_mut().write_all(&out.0).map_err(Error::write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReleaseForm;
    use proptest::prelude::*;
    use track::{AircraftClass, SourceClass};
    use units::Utc;

    /// The batch as the derived encoding writes it: slow, and obviously the schema.
    #[derive(Encode)]
    #[cbor(map)]
    struct Derived<'a> {
        #[n(0)]
        base: Utc,
        #[n(1)]
        form: ReleaseForm,
        #[n(2)]
        precision_mm: u32,
        #[n(3)]
        delay_ms: u32,
        #[n(4)]
        local: &'a Vec<u64>,
        #[n(5)]
        lat_e7: &'a Vec<i32>,
        #[n(6)]
        lon_e7: &'a Vec<i32>,
        #[n(7)]
        at_ms: &'a Vec<i64>,
        #[n(8)]
        address: &'a Vec<Option<u32>>,
        #[n(9)]
        callsign: &'a Vec<Option<u64>>,
        #[n(10)]
        mode_a: &'a Vec<Option<u16>>,
        #[n(11)]
        pressure: &'a Vec<Option<i32>>,
        #[n(12)]
        geometric: &'a Vec<Option<i32>>,
        #[n(13)]
        on_ground: &'a Vec<Option<bool>>,
        #[n(14)]
        speed: &'a Vec<Option<i32>>,
        #[n(15)]
        track: &'a Vec<Option<u32>>,
        #[n(16)]
        vertical_rate: &'a Vec<Option<i32>>,
        #[n(17)]
        accuracy_mm: &'a Vec<Option<u32>>,
        #[n(18)]
        source: &'a Vec<Option<SourceClass>>,
        #[n(19)]
        class: &'a Vec<Option<AircraftClass>>,
    }

    fn derived(b: &TrackBatch) -> Vec<u8> {
        let derived = Derived {
            base: b.base,
            form: b.form,
            precision_mm: b.precision_mm,
            delay_ms: b.delay_ms,
            local: &b.local,
            lat_e7: &b.lat_e7,
            lon_e7: &b.lon_e7,
            at_ms: &b.at_ms,
            address: &b.address,
            callsign: &b.callsign,
            mode_a: &b.mode_a,
            pressure: &b.pressure,
            geometric: &b.geometric,
            on_ground: &b.on_ground,
            speed: &b.speed,
            track: &b.track,
            vertical_rate: &b.vertical_rate,
            accuracy_mm: &b.accuracy_mm,
            source: &b.source,
            class: &b.class,
        };
        minicbor::to_vec(&derived).unwrap()
    }

    /// Numbers of every length that CBOR has.
    fn edges() -> impl Strategy<Value = i64> {
        let edge =
            prop::sample::select(alloc::vec![0i64, 23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000]);
        let near = (edge, -2i64..=2, any::<bool>()).prop_map(|(e, by, minus)| if minus { -e + by } else { e + by });
        prop_oneof![near, any::<i64>()]
    }

    fn of<T>(get: impl Fn(i64) -> T) -> impl Strategy<Value = Vec<T>>
    where
        T: core::fmt::Debug,
    {
        prop::collection::vec(edges(), 0..40).prop_map(move |values| values.into_iter().map(&get).collect())
    }

    fn opt<T: core::fmt::Debug>(get: impl Fn(i64) -> T) -> impl Strategy<Value = Vec<Option<T>>> {
        of(move |v| (v % 7 != 0).then(|| get(v)))
    }

    proptest! {
        #[test]
        fn every_batch_is_written_as_the_derived_encoding_writes_it(
            head in (edges(), 0u8..3, any::<u32>(), any::<u32>()),
            whole in (of(|v| v as u64), of(|v| v as i32), of(|v| v as i32), of(|v| v)),
            one in (opt(|v| v as u32), opt(|v| v as u64), opt(|v| v as u16), opt(|v| v as i32), opt(|v| v as i32)),
            two in (opt(|v| v % 2 == 0), opt(|v| v as i32), opt(|v| v as u32), opt(|v| v as i32), opt(|v| v as u32)),
            last in (opt(|v| v.rem_euclid(8) as usize), opt(|v| v.rem_euclid(5) as usize)),
        ) {
            const SOURCES: [SourceClass; 8] = [
                SourceClass::Unknown, SourceClass::Adsb, SourceClass::AdsR, SourceClass::TisB, SourceClass::Mlat,
                SourceClass::ModeS, SourceClass::Radar, SourceClass::Telemetry,
            ];
            let form = [ReleaseForm::Full, ReleaseForm::Reduced, ReleaseForm::Coarse][usize::from(head.1)];
            let batch = TrackBatch {
                base: Utc(head.0), form, precision_mm: head.2, delay_ms: head.3,
                local: whole.0, lat_e7: whole.1, lon_e7: whole.2, at_ms: whole.3,
                address: one.0, callsign: one.1, mode_a: one.2, pressure: one.3, geometric: one.4,
                on_ground: two.0, speed: two.1, track: two.2, vertical_rate: two.3, accuracy_mm: two.4,
                source: last.0.into_iter().map(|n| n.map(|n| SOURCES[n])).collect(),
                class: last.1.into_iter().map(|n| n.map(|n| AircraftClass::ALL[n % AircraftClass::ALL.len()])).collect(),
            };
            prop_assert_eq!(minicbor::to_vec(&batch).unwrap(), derived(&batch));
        }
    }
}
