//! Strict JSON: no unknown field, no field twice, every error with its path, as many errors at once as there are.
use crate::problem::{FieldError, Kind, Problem};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

/// Errors reported of one body: enough to repair a form, not enough to flood a log.
const ERRORS_MAX: usize = 32;

/// Stands where a field is missing, so that its path can be named.
static NULL: Json = Json::Null;

/// A JSON value. Objects keep their order and have each field once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a whole body.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| {
            let at = offset(bytes, error.line(), error.column());
            Problem::new(Kind::Malformed, format!("at byte {at}: {error}"))
        })
    }

    const fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Reads a value with `read`; every complaint made on the way becomes part of one problem.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Problem> {
        let complaints = RefCell::new(Vec::new());
        let value = read(&Node { json: self, path: String::new(), complaints: &complaints });
        let errors = complaints.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => Err(Problem::fields(errors)),
        }
    }
}

/// Byte offset of a line and column counted from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

/// One value with its path.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    json: &'a Json,
    path: String,
    complaints: &'a RefCell<Vec<FieldError>>,
}

impl<'a> Node<'a> {
    /// Complains about this value.
    pub(crate) fn refuse<T>(&self, reason: impl Into<String>) -> Option<T> {
        let mut complaints = self.complaints.borrow_mut();
        if complaints.len() < ERRORS_MAX {
            complaints.push(FieldError { field: self.path.clone(), reason: reason.into() });
        }
        None
    }

    fn mismatch<T>(&self, wanted: &str) -> Option<T> {
        self.refuse(format!("must be {wanted}, got {}", self.json.what()))
    }

    fn child(&self, json: &'a Json, step: fmt::Arguments<'_>) -> Self {
        Node { json, path: format!("{}{step}", self.path), complaints: self.complaints }
    }

    /// Whether it is an object, where more than one form is taken.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self.json, Json::Object(_))
    }

    /// Of how many entries it is and how many of them are lists of values that have parts themselves: of points, not of numbers.
    pub(crate) fn nested(&self) -> (usize, usize) {
        let Json::List(items) = self.json else { return (0, 0) };
        let parts = |json: &Json| matches!(json, Json::List(_) | Json::Object(_));
        let nested = items.iter().filter(|item| matches!(item, Json::List(of) if of.first().is_some_and(parts)));
        (items.len(), nested.count())
    }

    pub(crate) fn object(&self) -> Option<Object<'a>> {
        match self.json {
            Json::Object(entries) => Some(Object { node: self.clone(), entries, asked: Vec::new() }),
            _ => self.mismatch("an object"),
        }
    }

    /// A list of values, each read by `read`.
    pub(crate) fn list<T>(
        &self,
        count: RangeInclusive<usize>,
        read: impl Fn(&Node<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Json::List(items) = self.json else { return self.mismatch("a list") };
        if !count.contains(&items.len()) {
            return self.refuse(format!("must have {} to {} entries, got {}", count.start(), count.end(), items.len()));
        }
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(i, json)| read(&self.child(json, format_args!("[{i}]")))).collect();
        read.into_iter().collect()
    }

    /// The entries of an object whose keys are values themselves.
    pub(crate) fn entries<T>(&self, most: usize, read: impl Fn(&str, &Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Object(entries) = self.json else { return self.mismatch("an object") };
        if entries.len() > most {
            return self.refuse(format!("must have at most {most} entries, got {}", entries.len()));
        }
        let dot = if self.path.is_empty() { "" } else { "." };
        let read: Vec<Option<T>> =
            entries.iter().map(|(key, json)| read(key, &self.child(json, format_args!("{dot}{key}")))).collect();
        read.into_iter().collect()
    }

    /// A string of a number of characters; control characters are refused but for the line break, because they could
    /// forge lines in a log or a terminal.
    pub(crate) fn text(&self, chars: RangeInclusive<usize>) -> Option<&'a str> {
        let Json::Text(text) = self.json else { return self.mismatch("a string") };
        let count = text.chars().count();
        if !chars.contains(&count) {
            return self.refuse(format!("must have {} to {} characters, got {count}", chars.start(), chars.end()));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return self.refuse("must not contain control characters");
        }
        Some(text)
    }

    /// A string that `parse` understands; `wanted` says what that is.
    pub(crate) fn parsed<T>(&self, wanted: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let Json::Text(text) = self.json else { return self.mismatch("a string") };
        match parse(text) {
            Some(value) => Some(value),
            None => {
                let given: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
                self.refuse(format!("must be {wanted}, got {given:?}"))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.parsed(&format!("one of {}", list.join(", ")), |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
        })
    }

    /// A number, whole or not.
    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let Json::Number(number) = self.json else { return self.mismatch("a number") };
        let value = number.as_f64().unwrap_or(f64::NAN);
        if range.contains(&value) {
            return Some(value);
        }
        self.refuse(format!("must be between {} and {}, got {number}", range.start(), range.end()))
    }

    /// A whole number.
    pub(crate) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let Json::Number(number) = self.json else { return self.mismatch("a whole number") };
        match number.as_i64() {
            Some(value) if range.contains(&value) => Some(value),
            _ => self.refuse(format!("must be a whole number from {} to {}, got {number}", range.start(), range.end())),
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        match self.json {
            Json::Bool(value) => Some(*value),
            _ => self.mismatch("true or false"),
        }
    }
}

/// An object being read. Every field must have been asked for when [`Object::end`] is called.
pub(crate) struct Object<'a> {
    node: Node<'a>,
    entries: &'a [(String, Json)],
    asked: Vec<&'static str>,
}

impl<'a> Object<'a> {
    fn get(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.asked.push(name);
        let (_, json) = self.entries.iter().find(|(key, _)| key == name)?;
        Some(self.at(json, name))
    }

    fn at(&self, json: &'a Json, name: &str) -> Node<'a> {
        let dot = if self.node.path.is_empty() { "" } else { "." };
        self.node.child(json, format_args!("{dot}{name}"))
    }

    /// A field that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Option<Node<'a>> {
        let found = self.get(name);
        if found.is_none() {
            return self.at(&NULL, name).refuse("is missing");
        }
        found
    }

    /// A field that may be absent or null.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.get(name).filter(|node| *node.json != Json::Null)
    }

    /// Whether there is such a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key == name)
    }

    /// Complains about every field that was not asked for.
    pub(crate) fn end(self) {
        for (key, json) in self.entries {
            if !self.asked.contains(&key.as_str()) {
                let key: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
                let _: Option<()> = self.at(json, &key).refuse("is not known here");
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;

        impl<'de> Visitor<'de> for Values {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
                serde_json::Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
            }
            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Json::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut entries: Vec<(String, Json)> = Vec::new();
                let mut keys = std::collections::HashSet::new();
                while let Some(key) = access.next_key::<String>()? {
                    if !keys.insert(key.clone()) {
                        let key: String = key.chars().take(40).collect();
                        return Err(A::Error::custom(format!("the field {key:?} stands twice")));
                    }
                    entries.push((key, access.next_value()?));
                }
                Ok(Json::Object(entries))
            }
        }
        deserializer.deserialize_any(Values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: &str) {
        let read = Json::parse(body.as_bytes()).and_then(|json| {
            json.read(|node| {
                let mut o = node.object()?;
                let a = o.required("a").and_then(|n| n.integer(1..=9));
                let b = o.optional("b").and_then(|n| n.list(1..=2, |n| n.text(1..=3).map(String::from)));
                o.end();
                Some((a?, b))
            })
        });
        let got = match read {
            Ok((a, b)) => format!("{a} {b:?}"),
            Err(p) if p.errors.is_empty() => p.detail,
            Err(p) => p.errors.iter().map(|e| format!("{}: {}", e.field, e.reason)).collect::<Vec<_>>().join("; "),
        };
        assert_eq!(got, expect, "{body}");
    }

    #[test]
    fn every_error_is_named_by_its_path() {
        check(r#"{"a":1}"#, "1 None");
        check(r#"{"a":1,"b":null}"#, "1 None");
        check(r#"{"a":1,"b":["x"]}"#, r#"1 Some(["x"])"#);
        check(r#"{}"#, "a: is missing");
        check(r#"{"a":"1"}"#, "a: must be a whole number, got a string");
        check(r#"{"a":1.5}"#, "a: must be a whole number from 1 to 9, got 1.5");
        check(
            r#"{"a":10,"b":["x","long"],"c":1}"#,
            "a: must be a whole number from 1 to 9, got 10; b[1]: must have 1 to 3 characters, got 4; c: is not known here",
        );
        check(r#"{"a":1,"b":[]}"#, "b: must have 1 to 2 entries, got 0");
        check("{\"a\":1,\"b\":[\"\\u0007\"]}", "b[0]: must not contain control characters");
        check("[]", ": must be an object, got a list");
    }

    #[test]
    fn what_is_not_json_is_named_by_its_offset() {
        check("{\n \"a\":1,}", "at byte 9: trailing comma at line 2 column 8");
        check(r#"{"a":1,"a":2}"#, r#"at byte 9: the field "a" stands twice at line 1 column 10"#);
        check("", "at byte 0: EOF while parsing a value at line 1 column 0");
        check(&"[".repeat(200), "at byte 127: recursion limit exceeded at line 1 column 128");
        check(r#"{"a":1e999}"#, "at byte 9: number out of range at line 1 column 10");
    }
}
