//! A reader of the part of CDDL that `spec/record.cddl` uses, and of CBOR values to hold against it.
use std::collections::BTreeMap;

use minicbor::Decoder;
use minicbor::data::Type as Cbor;

/// A CBOR value of the kinds that occur in records.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Bool(bool),
    Null,
}

impl Value {
    pub fn read(bytes: &[u8]) -> Self {
        let mut d = Decoder::new(bytes);
        let value = Self::next(&mut d);
        assert_eq!(d.position(), bytes.len(), "one value and no more");
        value
    }

    fn next(d: &mut Decoder<'_>) -> Self {
        match d.datatype().unwrap() {
            Cbor::Bytes => Self::Bytes(d.bytes().unwrap().to_vec()),
            Cbor::String => Self::Text(d.str().unwrap().to_string()),
            Cbor::Array => {
                let n = d.array().unwrap().unwrap();
                Self::Array((0..n).map(|_| Self::next(d)).collect())
            }
            Cbor::Map => {
                let n = d.map().unwrap().unwrap();
                Self::Map((0..n).map(|_| (Self::next(d), Self::next(d))).collect())
            }
            Cbor::Bool => Self::Bool(d.bool().unwrap()),
            Cbor::Null => {
                d.null().unwrap();
                Self::Null
            }
            _ => Self::Int(d.int().unwrap().into()),
        }
    }

    /// Number of values in it, itself included, keys not.
    pub fn parts(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::parts).sum::<usize>(),
            Self::Map(entries) => 1 + entries.iter().map(|(_, v)| v.parts()).sum::<usize>(),
            _ => 1,
        }
    }

    /// The value with its part `at`, counted from the outside in, replaced.
    pub fn with(&self, at: usize, new: &Self) -> Self {
        let mut left = at;
        self.replaced(&mut left, new)
    }

    fn replaced(&self, left: &mut usize, new: &Self) -> Self {
        if *left == 0 {
            *left = usize::MAX;
            return new.clone();
        }
        *left = left.saturating_sub(usize::from(*left != usize::MAX));
        match self {
            Self::Array(items) => Self::Array(items.iter().map(|v| v.replaced(left, new)).collect()),
            Self::Map(entries) => Self::Map(entries.iter().map(|(k, v)| (k.clone(), v.replaced(left, new))).collect()),
            other => other.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Type {
    Choice(Vec<Type>),
    Literal(i128),
    Range(i128, i128),
    Name(String),
    Array(Vec<Entry>),
    Map(Vec<Entry>),
    Size(Box<Type>, usize, usize),
    Regexp(String),
}

/// An entry of an array or map, with how often it may stand there.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    min: usize,
    max: usize,
    key: Option<i128>,
    of: Type,
}

pub struct Schema(BTreeMap<String, Type>);

impl Schema {
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader { tokens: tokens(text), at: 0 };
        let mut rules = BTreeMap::new();
        while let Some(name) = reader.take() {
            reader.expect("=");
            let old = rules.insert(name.clone(), reader.choice());
            assert!(old.is_none(), "{name} is defined twice");
        }
        Self(rules)
    }

    pub fn accepts(&self, name: &str, value: &Value) -> bool {
        self.fits(&Type::Name(name.to_string()), value)
    }

    fn fits(&self, t: &Type, value: &Value) -> bool {
        match (t, value) {
            (Type::Choice(all), _) => all.iter().any(|t| self.fits(t, value)),
            (Type::Literal(n), Value::Int(v)) => n == v,
            (Type::Range(lo, hi), Value::Int(v)) => (lo..=hi).contains(&v),
            (Type::Size(of, lo, hi), v) => {
                let len = match v {
                    Value::Text(t) => t.len(),
                    Value::Bytes(b) => b.len(),
                    _ => return false,
                };
                (lo..=hi).contains(&&len) && self.fits(of, v)
            }
            (Type::Regexp(r), Value::Text(t)) => matches(r, t),
            (Type::Array(entries), Value::Array(items)) => self.sequence(entries, items),
            (Type::Map(entries), Value::Map(items)) => self.map(entries, items),
            (Type::Name(name), v) => match (name.as_str(), v) {
                ("tstr", Value::Text(_)) | ("bstr", Value::Bytes(_)) | ("bool", Value::Bool(_)) => true,
                ("true", Value::Bool(true)) => true,
                ("null", Value::Null) => true,
                ("uint", Value::Int(n)) => (0..1 << 64).contains(n),
                ("int", Value::Int(n)) => (-(1 << 64)..1 << 64).contains(n),
                ("tstr" | "bstr" | "true" | "bool" | "null" | "uint" | "int", _) => false,
                _ => self.fits(self.0.get(name).unwrap_or_else(|| panic!("no rule {name}")), v),
            },
            _ => false,
        }
    }

    /// Greedy: in this schema no entry that repeats is followed by one of its own type.
    fn sequence(&self, entries: &[Entry], items: &[Value]) -> bool {
        let mut at = 0;
        for entry in entries {
            let fit = items[at..].iter().take(entry.max).take_while(|v| self.fits(&entry.of, v)).count();
            if fit < entry.min {
                return false;
            }
            at += fit;
        }
        at == items.len()
    }

    fn map(&self, entries: &[Entry], items: &[(Value, Value)]) -> bool {
        let of = |key: &Value| entries.iter().find(|e| e.key.map(Value::Int).as_ref() == Some(key));
        let ordered = items.windows(2).all(|w| matches!((&w[0].0, &w[1].0), (Value::Int(a), Value::Int(b)) if a < b));
        let known = items.iter().all(|(k, v)| of(k).is_some_and(|e| self.fits(&e.of, v)));
        let has = |e: &Entry| items.iter().any(|(k, _)| e.key.map(Value::Int).as_ref() == Some(k));
        ordered && known && entries.iter().all(|e| e.min == 0 || has(e))
    }
}

/// `[set]{min,max}` one after another; without braces exactly one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut rest) = (pattern, text);
    while let Some(body) = pattern.strip_prefix('[') {
        let (set, after) = body.split_once(']').unwrap();
        let (min, max, after) = match after.strip_prefix('{') {
            Some(counts) => {
                let (counts, after) = counts.split_once('}').unwrap();
                let (min, max) = counts.split_once(',').unwrap();
                (min.parse().unwrap(), max.parse().unwrap(), after)
            }
            None => (1, 1, after),
        };
        let n = rest.chars().take(max).take_while(|c| in_set(set, *c)).count();
        if n < min {
            return false;
        }
        (pattern, rest) = (after, &rest[n..]);
    }
    assert!(pattern.is_empty(), "a pattern this reader does not know: {pattern}");
    rest.is_empty()
}

fn in_set(set: &str, c: char) -> bool {
    let s: Vec<char> = set.chars().collect();
    let range = s.windows(3).any(|w| w[1] == '-' && w[0] <= c && c <= w[2]);
    range || (c == '-' && set.ends_with('-'))
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn take(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.peek(0) == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "expected {token} at {}", self.tokens[self.at..].join(" "));
    }

    fn choice(&mut self) -> Type {
        let mut all = vec![self.one()];
        while self.eat("/") {
            all.push(self.one());
        }
        if all.len() == 1 { all.remove(0) } else { Type::Choice(all) }
    }

    fn one(&mut self) -> Type {
        let base = self.base();
        if self.eat("..") {
            let (Type::Literal(lo), Type::Literal(hi)) = (base, self.base()) else { panic!("a range of numbers") };
            return Type::Range(lo, hi);
        }
        if self.eat(".size") {
            let (lo, hi) = match self.base() {
                Type::Literal(n) => (n, n),
                Type::Range(lo, hi) => (lo, hi),
                other => panic!("a size, not {other:?}"),
            };
            return Type::Size(Box::new(base), lo as usize, hi as usize);
        }
        if self.eat(".regexp") {
            assert_eq!(base, Type::Name("tstr".into()));
            return Type::Regexp(self.take().unwrap().trim_matches('"').to_string());
        }
        base
    }

    fn base(&mut self) -> Type {
        let token = self.take().unwrap();
        match token.as_str() {
            "[" => Type::Array(self.group("]")),
            "{" => Type::Map(self.group("}")),
            "(" => {
                let t = self.choice();
                self.expect(")");
                t
            }
            _ => token.parse().map_or(Type::Name(token), Type::Literal),
        }
    }

    fn group(&mut self, end: &str) -> Vec<Entry> {
        let mut out = Vec::new();
        while !self.eat(end) {
            let (min, max) = self.occurrence();
            let key = (self.peek(1) == ":").then(|| self.take().unwrap().parse().unwrap());
            if key.is_some() {
                self.expect(":");
            }
            out.push(Entry { min, max, key, of: self.choice() });
            self.eat(",");
        }
        out
    }

    fn occurrence(&mut self) -> (usize, usize) {
        if self.eat("?") {
            return (0, 1);
        }
        if self.eat("*") {
            return (0, usize::MAX);
        }
        if self.peek(1) != "*" {
            return (1, 1);
        }
        let min = self.take().unwrap().parse().unwrap();
        self.expect("*");
        (min, self.take().unwrap().parse().unwrap())
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.lines() {
        let code = line.split(';').next().unwrap();
        let chars: Vec<char> = code.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let len = token(&chars[at..]);
            let token: String = chars[at..at + len].iter().collect();
            if !token.trim().is_empty() {
                out.push(token);
            }
            at += len;
        }
    }
    out
}

fn token(rest: &[char]) -> usize {
    let run = |f: &dyn Fn(char) -> bool| rest.iter().skip(1).take_while(|c| f(**c)).count() + 1;
    match rest[0] {
        '"' => run(&|c| c != '"') + 1,
        '.' if rest.get(1) == Some(&'.') => 2,
        '.' => run(&|c| c.is_ascii_alphabetic()),
        '-' | '0'..='9' => run(&|c| c.is_ascii_digit()),
        c if c.is_ascii_alphabetic() => run(&|c| c.is_ascii_alphanumeric() || c == '-'),
        _ => 1,
    }
}
