//! The description against the interface: every route is in it and nothing else, its examples are accepted, and real
//! answers are what it says.
use crate::http::{OPERATOR, Reply, Site};
use crate::schema::{check, resolve};
use crate::world::{NOTICE, SUBJECT};
use api_native::{OPENAPI, ROUTES};
use serde_json::Value;
use std::collections::BTreeSet;

pub fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn the_routes_and_the_description_name_the_same_addresses() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<(String, String)> = operations(&document).into_iter().map(|(m, p, _)| (m, p)).collect();
    let routes = ROUTES.iter().map(|(method, path)| (String::from(*method), String::from(*path)));
    assert_eq!(described, routes.collect());
}

/// `POST /v1/plans`, `PUT /v1/plans/{subject}` and the like: one method stands for the addresses after it until the next.
fn papers(text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for span in text.split('`').skip(1).step_by(2).map(|span| span.split('?').next().unwrap_or_default()) {
        let (methods, path) = span.split_once(' ').unwrap_or(("GET", span));
        if path.starts_with('/') {
            found.extend(methods.split('/').map(|method| (method.to_lowercase(), path.to_owned())));
        }
    }
    found
}

#[test]
fn the_paper_for_people_names_every_address_too() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md");
    let text = std::fs::read_to_string(path).unwrap();
    let named = papers(&text);
    for (method, path) in ROUTES {
        let here = named.contains(&((*method).to_owned(), (*path).to_owned()));
        // A row of several addresses names the method once, before the first.
        let beside = named.contains(&("get".to_owned(), (*path).to_owned()));
        assert!(here || beside, "docs/api.md does not name {method} {path}");
    }
}

#[test]
fn every_operation_is_whole_and_every_reference_leads_somewhere() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: operationId twice");
        assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{name}: no summary");
        assert!(operation["security"].is_array(), "{name}: no security");
        assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object(), "{name}");
        let wanted: BTreeSet<&str> = path.split('{').skip(1).map(|p| p.split('}').next().unwrap()).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let given = parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap());
        assert_eq!(wanted, given.collect(), "{name}: parameters of the path");
    }
    references(&document, &document);
}

fn references(document: &Value, within: &Value) {
    match within {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                resolve(document, reference);
            }
            object.values().for_each(|v| references(document, v));
        }
        Value::Array(list) => list.iter().for_each(|v| references(document, v)),
        _ => {}
    }
}

#[test]
fn every_schema_is_used() {
    let document = document();
    // These are messages of the stream, which OpenAPI has no place for.
    let messages = ["Hello", "Labels", "ViewAs", "Displayed", "View"];
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let used = OPENAPI.contains(&format!("\"#/components/schemas/{name}\""));
        assert!(used || messages.contains(&name.as_str()), "{name} is used nowhere");
    }
}

/// A real address for a described one.
fn address(path: &str) -> String {
    let notice = NOTICE.to_string();
    let path = match path {
        _ if path.starts_with("/v1/alerts/{id}") => path.replace("{id}", "11"),
        _ if path.starts_with("/v1/tracks/{id}") => path.replace("{id}", "4"),
        _ if path.starts_with("/v1/inhibitions/{id}") => path.replace("{id}", "2"),
        _ => path.replace("{id}", &notice),
    };
    let path = path
        .replace("{subject}", &SUBJECT.to_string())
        .replace("{party}", "south")
        .replace("{name}", "anna")
        .replace("{address}", "4b1a41");
    if path == "/v1/release/preview" { format!("{path}?for=south") } else { path }
}

fn conforms(document: &Value, operation: &Value, reply: &Reply, name: &str) {
    let status = reply.status.as_u16().to_string();
    let known = operation["responses"].get(&status);
    let response = known.unwrap_or(&operation["responses"]["default"]);
    assert!(known.is_some() || reply.status.as_u16() >= 400, "{name}: {status} is not described: {}", reply.text);
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        assert_eq!(reply.text, "", "{name}: a body is not described");
        return;
    };
    let media = reply.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
    let schema = &content.get(media).unwrap_or_else(|| panic!("{name}: {media} is not described"))["schema"];
    if media != "text/plain" {
        assert_eq!(check(document, schema, &reply.json()), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn described_examples_are_accepted_and_real_answers_are_as_described() {
    let document = document();
    let mut bodies = 0;
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        // The stream's answer is no document, and a session is what these two are about.
        let client = match path.as_str() {
            "/v1/stream" => continue,
            "/v1/password" | "/v1/sign-out" => Site::new().signed_in("officer").await,
            "/v1/sign-in" => Site::new().anyone(),
            _ => Site::new().bearer(OPERATOR),
        };
        let method = method.to_uppercase();
        let content = &operation["requestBody"]["content"]["application/json"];
        if content.is_null() {
            conforms(&document, &operation, &client.raw(&method, &address(&path), None, "").await, &name);
            continue;
        }
        let mut examples: Vec<Value> = content.get("example").cloned().into_iter().collect();
        examples.extend(content["examples"].as_object().into_iter().flatten().map(|(_, e)| e["value"].clone()));
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            assert_eq!(check(&document, &content["schema"], &example), Vec::<String>::new(), "{name}: its example");
            let reply = client.send(&method, &address(&path), example).await;
            assert!(reply.status.is_success(), "{name}: {}", reply.text);
            conforms(&document, &operation, &reply, &name);
            bodies += 1;
        }
    }
    assert!(bodies >= 14, "{bodies}");
}

#[tokio::test]
async fn refusals_are_as_described() {
    let document = document();
    let schema = &document["components"]["schemas"]["Problem"];
    let site = Site::new();
    for (method, path) in ROUTES {
        let replies = [
            site.anyone().with("host", "evil.example").raw(&method.to_uppercase(), &address(path), None, "").await,
            site.anyone().raw("PATCH", &address(path), None, "").await,
            site.bearer(OPERATOR).raw("POST", &address(path), Some("application/json"), "{\"x\":[").await,
        ];
        for reply in replies.into_iter().filter(|r| r.status.as_u16() >= 400) {
            assert_eq!(check(&document, schema, &reply.json()), Vec::<String>::new(), "{method} {path}");
        }
    }
}
