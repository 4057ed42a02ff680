//! The few JSON fields that matter, taken whatever their type, so that one odd value does not cost the document.
use crate::error::{FeedError, Place, excerpt};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value of a field, as far as it can matter.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Scalar<'a> {
    /// Absent or `null`.
    #[default]
    None,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Num(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list of names; whether `lat` is among them (`mlat` and `tisb` of `aircraft.json` are such lists).
    List { lat: bool },
    /// Anything else.
    Other,
}

/// The fields taken from an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    AltBaro,
    AltGeom,
    BaroRate,
    Category,
    DbFlags,
    Flight,
    GeomRate,
    Gs,
    Gscp,
    Hex,
    Lat,
    Lon,
    Mlat,
    NacP,
    Now,
    Rc,
    SeenPos,
    Squawk,
    Tisb,
    Track,
    Type,
}

const KEYS: [(&str, Key); 21] = [
    ("alt_baro", Key::AltBaro),
    ("alt_geom", Key::AltGeom),
    ("baro_rate", Key::BaroRate),
    ("category", Key::Category),
    ("dbFlags", Key::DbFlags),
    ("flight", Key::Flight),
    ("geom_rate", Key::GeomRate),
    ("gs", Key::Gs),
    ("gscp", Key::Gscp),
    ("hex", Key::Hex),
    ("lat", Key::Lat),
    ("lon", Key::Lon),
    ("mlat", Key::Mlat),
    ("nac_p", Key::NacP),
    ("now", Key::Now),
    ("rc", Key::Rc),
    ("seen_pos", Key::SeenPos),
    ("squawk", Key::Squawk),
    ("tisb", Key::Tisb),
    ("track", Key::Track),
    ("type", Key::Type),
];

impl Key {
    pub(crate) const fn name(self) -> &'static str {
        KEYS[self as usize].0
    }
}

/// One object's fields. Of a field given twice the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a> {
    values: [Scalar<'a>; KEYS.len()],
    /// The object in `flightdict`.
    pub(crate) nested: Option<Box<Fields<'a>>>,
}

impl<'a> Fields<'a> {
    pub(crate) fn get(&self, key: Key) -> &Scalar<'a> {
        &self.values[key as usize]
    }

    pub(crate) fn clear(&mut self, key: Key) {
        self.values[key as usize] = Scalar::None;
    }

    /// The value, or else that of the nested object.
    pub(crate) fn either(&self, key: Key) -> &Scalar<'a> {
        match (self.get(key), &self.nested) {
            (Scalar::None, Some(nested)) => nested.get(key),
            (own, _) => own,
        }
    }
}

impl Scalar<'_> {
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Num(n) => Some(*n),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(n) = self { Some(*n) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The value as an error shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::None => "null".to_string(),
            Self::Int(n) => n.to_string(),
            Self::Num(n) => n.to_string(),
            Self::Text(text) => excerpt(text.as_bytes()),
            Self::List { .. } => "a list".to_string(),
            Self::Other => "no number and no text".to_string(),
        }
    }

    /// A needed number.
    pub(crate) fn needed(&self, place: Place, key: Key) -> Result<f64, FeedError> {
        match self.number() {
            Some(number) => Ok(number),
            None if self.is_none() => Err(FeedError::Missing { place, field: key.name() }),
            None => Err(FeedError::Value { place, field: key.name(), want: "a number", got: self.shown() }),
        }
    }
}

pub(crate) fn error(place: Place, error: &serde_json::Error) -> FeedError {
    FeedError::Json { place, line: error.line(), column: error.column() }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }
    fn visit_i64<E>(self, n: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Scalar<'de>, E> {
        Ok(i64::try_from(n).map_or(Scalar::Num(n as f64), Scalar::Int))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Num(n))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_string())))
    }
    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        let mut lat = false;
        while let Some(item) = seq.next_element::<Scalar<'de>>()? {
            lat |= item.text() == Some("lat");
        }
        Ok(Scalar::List { lat })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A key: one of ours, the nested object's, or none of our business.
enum AnyKey {
    Ours(Key),
    Nested,
    Other,
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = AnyKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, text: &str) -> Result<AnyKey, E> {
        Ok(match KEYS.iter().find(|(name, _)| *name == text) {
            Some((_, key)) => AnyKey::Ours(*key),
            None if text == "flightdict" => AnyKey::Nested,
            None => AnyKey::Other,
        })
    }
}

impl<'de> Deserialize<'de> for AnyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Anything; its fields if it is an object.
struct MaybeFields<'a>(Option<Fields<'a>>);

struct FieldsVisitor {
    depth: u8,
}

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = MaybeFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(MaybeFields(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(MaybeFields(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<AnyKey>()? {
            match key {
                AnyKey::Ours(key) => fields.values[key as usize] = map.next_value()?,
                AnyKey::Nested if self.depth == 0 => {
                    fields.nested = map.next_value_seed(Seed { depth: 1 })?.map(Box::new);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(MaybeFields(Some(fields)))
    }
}

struct Seed {
    depth: u8,
}

impl<'de> serde::de::DeserializeSeed<'de> for Seed {
    type Value = Option<Fields<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(FieldsVisitor { depth: self.depth }).map(|maybe| maybe.0)
    }
}

/// Reads one object; `Ok(None)` if the value is no object.
impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(FieldsVisitor { depth: 0 })?
            .0
            .ok_or_else(|| serde::de::Error::custom("not an object"))
    }
}

/// What is known of a document of aircraft. Filled as it is read, so that a fault at its end leaves what came before.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    pub(crate) now: Scalar<'a>,
    /// In order; `None` for an element that is no object.
    pub(crate) aircraft: alloc::vec::Vec<Option<Fields<'a>>>,
    pub(crate) dropped: usize,
}

/// Reads a document into `document`, keeping at most `max` aircraft.
pub(crate) fn read_document<'a>(bytes: &'a [u8], max: usize, document: &mut Document<'a>) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde::de::Deserializer::deserialize_map(&mut reader, DocumentVisitor { document, max })?;
    reader.end()
}

/// Puts `{}` in the place of every bare word for a number that is none (`NaN`, `-nan`, `inf`, `Infinity`), which some programs
/// write and JSON does not have: the field is then refused as no number, instead of the whole document. Lengths stay.
pub(crate) fn without_bare_words(text: &mut [u8]) {
    const WORDS: [&[u8]; 3] = [b"infinity", b"inf", b"nan"];
    let (mut at, mut quoted) = (0, false);
    while at < text.len() {
        match text[at] {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'-' | b'i' | b'I' | b'n' | b'N' if !quoted => {
                let start = at + usize::from(text[at] == b'-');
                let is =
                    |word: &&[u8]| text.get(start..start + word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word));
                if let Some(word) = WORDS.into_iter().find(|word| is(word)) {
                    text[at..start + word.len()].fill(b' ');
                    text[at..at + 2].copy_from_slice(b"{}");
                    at = start + word.len() - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

struct DocumentVisitor<'s, 'a> {
    document: &'s mut Document<'a>,
    max: usize,
}

impl<'de> Visitor<'de> for DocumentVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "now" => self.document.now = map.next_value()?,
                "aircraft" => map.next_value_seed(ListSeed { document: self.document, max: self.max })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct ListSeed<'s, 'a> {
    document: &'s mut Document<'a>,
    max: usize,
}

impl<'de> serde::de::DeserializeSeed<'de> for ListSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of aircraft")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.document.aircraft.len() < self.max {
            match seq.next_element_seed(Seed { depth: 1 })? {
                Some(element) => self.document.aircraft.push(element),
                None => return Ok(()),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            self.document.dropped += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_slots() {
        for (i, (_, key)) in KEYS.iter().enumerate() {
            assert_eq!(*key as usize, i);
        }
    }

    #[test]
    fn an_odd_value_costs_only_itself() {
        let text = r#"{"hex":{"a":[1]},"gs":[],"lat":1e3,"lon":true,"track":null,"now":18446744073709551615,"x":{"lat":5},
            "flight":"A\u0042","mlat":["lon","lat"],"flightdict":{"gs":5,"flightdict":{"gs":6}}}"#;
        let fields: Fields<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(fields.get(Key::Hex), &Scalar::Other);
        assert_eq!(fields.get(Key::Gs), &Scalar::List { lat: false });
        assert_eq!(fields.get(Key::Lat), &Scalar::Num(1000.0));
        assert_eq!(fields.get(Key::Lon), &Scalar::Other);
        assert_eq!(fields.get(Key::Track), &Scalar::None);
        assert_eq!(fields.get(Key::Flight).text(), Some("AB"));
        assert_eq!(fields.get(Key::Mlat), &Scalar::List { lat: true });
        assert_eq!(fields.nested.unwrap().get(Key::Gs), &Scalar::Int(5));
        assert!(serde_json::from_str::<Fields<'_>>("[1]").is_err());
    }

    #[test]
    fn bare_words_go_and_nothing_else_changes() {
        let check = |text: &str, want: &str| {
            let mut bytes = text.as_bytes().to_vec();
            without_bare_words(&mut bytes);
            assert_eq!(core::str::from_utf8(&bytes), Ok(want), "{text}");
        };
        check(r#"{"a":NaN,"b":-Infinity,"c":[inf,-nan]}"#, r#"{"a":{} ,"b":{}       ,"c":[{} ,{}  ]}"#);
        for same in [
            r#"{"NaN":"inf","x":"a\"NaN","y":"\\","z":-1,"n":null}"#,
            r#"{"unclosed":"NaN"#,
            r#"{"x":"ends with \"#,
            "na",
            "-",
            "",
        ] {
            check(same, same);
        }
    }

    #[test]
    fn a_document_cut_short_leaves_what_came_before() {
        let mut document = Document::default();
        let text = br#"{"now":1,"aircraft":[{"hex":"a"},7,{"hex":"b"},{"he"#;
        assert!(read_document(text, 9, &mut document).is_err());
        assert_eq!((document.aircraft.len(), document.now.int()), (3, Some(1)));
    }
}
