//! A walker for the part of JSON Schema 2020-12 that the description uses. A keyword it does not know is an error, so
//! that nothing of the description goes unchecked.
use serde_json::Value;

/// Keywords that say nothing about a value.
const NOTES: [&str; 4] = ["description", "default", "example", "format"];

/// Complaints about `value` under `schema`; `document` is what references point into.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, schema, value, "$", &mut found);
    found
}

/// What a reference points at.
pub fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    document.pointer(reference.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{reference} points nowhere"))
}

fn walk(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let keywords = schema.as_object().unwrap_or_else(|| panic!("{path}: not a schema: {schema}"));
    for (keyword, rule) in keywords {
        let mut complain = |ok: bool| {
            if !ok {
                found.push(format!("{path}: {value} is not {keyword} {rule}"));
            }
        };
        match keyword.as_str() {
            "$ref" => walk(document, resolve(document, rule.as_str().unwrap()), value, path, found),
            "type" => complain(types(rule).iter().any(|t| is(value, t))),
            "enum" => complain(rule.as_array().unwrap().contains(value)),
            "const" => complain(rule == value),
            "allOf" => rule.as_array().unwrap().iter().for_each(|s| walk(document, s, value, path, found)),
            "oneOf" | "anyOf" => {
                let alternatives: Vec<Vec<String>> =
                    rule.as_array().unwrap().iter().map(|s| check(document, s, value)).collect();
                let fits = alternatives.iter().filter(|complaints| complaints.is_empty()).count();
                if fits == 0 || (keyword == "oneOf" && fits > 1) {
                    found.push(format!("{path}: {fits} alternatives fit: {alternatives:?}"));
                }
            }
            "minimum" => complain(value.as_f64().is_none_or(|v| v >= rule.as_f64().unwrap())),
            "maximum" => complain(value.as_f64().is_none_or(|v| v <= rule.as_f64().unwrap())),
            "exclusiveMinimum" => complain(value.as_f64().is_none_or(|v| v > rule.as_f64().unwrap())),
            "minLength" => complain(value.as_str().is_none_or(|v| v.chars().count() as u64 >= rule.as_u64().unwrap())),
            "maxLength" => complain(value.as_str().is_none_or(|v| v.chars().count() as u64 <= rule.as_u64().unwrap())),
            "minItems" => complain(value.as_array().is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap())),
            "maxItems" => complain(value.as_array().is_none_or(|v| v.len() as u64 <= rule.as_u64().unwrap())),
            "minProperties" => complain(value.as_object().is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap())),
            "pattern" => complain(value.as_str().is_none_or(|v| matches(rule.as_str().unwrap(), v))),
            "required" => {
                let names = rule.as_array().unwrap();
                complain(value.as_object().is_none_or(|o| names.iter().all(|n| o.contains_key(n.as_str().unwrap()))));
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        walk(document, schema, inner, &format!("{path}.{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let named = schema.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                for (name, inner) in others.filter(|(name, _)| named.is_none_or(|n| !n.contains_key(*name))) {
                    match rule {
                        Value::Bool(true) => {}
                        Value::Bool(false) => found.push(format!("{path}: {name} is not described")),
                        schema => walk(document, schema, inner, &format!("{path}.{name}"), found),
                    }
                }
            }
            "items" => {
                for (i, inner) in value.as_array().into_iter().flatten().enumerate() {
                    walk(document, rule, inner, &format!("{path}[{i}]"), found);
                }
            }
            "prefixItems" => {
                let pairs = value.as_array().into_iter().flatten().zip(rule.as_array().unwrap());
                for (i, (inner, schema)) in pairs.enumerate() {
                    walk(document, schema, inner, &format!("{path}[{i}]"), found);
                }
            }
            note if NOTES.contains(&note) => {}
            other => panic!("{path}: the keyword {other} is not known here"),
        }
    }
}

fn types(rule: &Value) -> Vec<&str> {
    match rule {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect(),
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}

/// Whether a text matches one of the description's patterns, each written again as a function: a library for a dozen
/// patterns would cost more than it holds.
fn matches(pattern: &str, text: &str) -> bool {
    let hex = |t: &str, lower: bool| t.bytes().all(|b| b.is_ascii_hexdigit() && !(lower && b.is_ascii_uppercase()));
    let of =
        |t: &str, extra: &str| t.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c));
    match pattern {
        "^[a-z][a-z0-9-]{0,31}$" => {
            (1..=32).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_lowercase()) && of(text, "-")
        }
        "^[0-9a-f]{32}$" => text.len() == 32 && hex(text, true),
        "^[0-9a-f]{1,32}$" => (1..=32).contains(&text.len()) && hex(text, true),
        "^[0-9a-f]{64}$" => text.len() == 64 && hex(text, true),
        "^[0-9a-fA-F]{6}$" => text.len() == 6 && hex(text, false),
        "^~?[0-9a-f]{6}$" => {
            text.strip_prefix('~').unwrap_or(text).len() == 6 && hex(text.trim_start_matches('~'), true)
        }
        "^[a-z0-9-]{1,16}$" => (1..=16).contains(&text.len()) && of(text, "-"),
        "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$" => {
            text.len() == 11 && text.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'-')
        }
        "^[0-9]{1,20}$" => (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()),
        "^[a-z0-9.-]{1,32}$" => (1..=32).contains(&text.len()) && of(text, ".-"),
        "^(live|exercise:[a-z0-9-]{1,40})$" => {
            text == "live" || text.strip_prefix("exercise:").is_some_and(|t| of(t, "-"))
        }
        // Identifiers, addresses and times of F3548.
        "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$" => {
            (text.len() == 32 && hex(text, false)) || grouped(text, &[8, 4, 4, 4, 12], '-', |t| hex(t, false))
        }
        "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$" => {
            text.is_empty() || grouped(text, &[8, 4, 4, 4, 12], '-', |t| hex(t, false))
        }
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" => grouped(text, &[8, 4, 4, 4, 12], '-', |t| hex(t, true)),
        r"^https?://([0-9A-Z_a-z][-.0-9A-Z_a-z]*|\[[.0-9:A-Fa-f]+\])(:[0-9]{1,5})?(/([!$&-.0-;=A-Z_a-z~]|%[0-9A-F]{2})+)*/?(\?[!$-;=?A-Z_a-z~]*)?$" =>
        {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
            let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            // As they are written here: with a name, and nothing that must be encoded.
            let (name, port) = host.split_once(':').unwrap_or((host, "0"));
            let named = name.starts_with(|c: char| c != '-' && c != '.')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            let port = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
            let path_of = |b: u8| b.is_ascii_alphanumeric() || b"!$&'()*+,-./:;=_~".contains(&b);
            named && port && !path.contains("//") && path.bytes().all(path_of)
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$" => {
            let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
            // As they are written here: in UTC.
            let seconds = text.strip_suffix('Z').and_then(|t| t.split_once('T'));
            seconds.is_some_and(|(date, time)| {
                let (time, below) = time.split_once('.').unwrap_or((time, "0"));
                let below = (1..=9).contains(&below.len()) && digits(below);
                below && grouped(date, &[4, 2, 2], '-', digits) && grouped(time, &[2, 2, 2], ':', digits)
            })
        }
        r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*(,\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*){5,}$" => {
            let number = |t: &str| t.trim().parse::<f64>().is_ok_and(f64::is_finite);
            text.matches(',').count() >= 5 && text.split(',').all(number)
        }
        "^[!-~]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()),
        r"^[^\x00-\x1f\x7f-\x9f]+$" => !text.is_empty() && !text.contains(char::is_control),
        "^urn:skypact:problem:[a-z0-9-]+$" => text.strip_prefix("urn:skypact:problem:").is_some_and(|t| of(t, "-")),
        other => panic!("the pattern {other} is not known here"),
    }
}

/// Whether a text is parts of these lengths with a mark between them.
fn grouped(text: &str, lengths: &[usize], mark: char, part: impl Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = text.split(mark).collect();
    parts.iter().map(|p| p.len()).eq(lengths.iter().copied()) && parts.iter().all(|p| part(p))
}

#[test]
fn the_walker_complains() {
    let document = serde_json::json!({ "a": { "type": ["integer", "null"], "minimum": 3 } });
    let schema = serde_json::json!({
        "type": "object", "required": ["x"], "additionalProperties": false,
        "properties": { "x": { "$ref": "#/a" }, "y": { "oneOf": [{ "const": 1 }, { "type": "integer" }] } },
    });
    let count = |value| check(&document, &schema, &value).len();
    assert_eq!(count(serde_json::json!({ "x": 3 })), 0);
    assert_eq!(count(serde_json::json!({ "x": null })), 0);
    assert_eq!(count(serde_json::json!({ "x": 2 })), 1);
    assert_eq!(count(serde_json::json!({ "x": 3.5 })), 1);
    assert_eq!(count(serde_json::json!({})), 1);
    assert_eq!(count(serde_json::json!({ "x": 3, "z": 1 })), 1);
    assert_eq!(count(serde_json::json!({ "x": 3, "y": 1 })), 1, "both alternatives fit");
}
