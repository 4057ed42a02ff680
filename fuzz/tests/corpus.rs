//! Every corpus replayed: what a fuzzer once found, and what is to be taken or refused.
//!
//! `FUZZ_GOLDEN=write` writes the examples of the code (`ok-…`, `no-…`) into the corpora.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{Target, targets};

/// A corpus is read by people and by every test run.
const FILES_MAX: usize = 200;
const FOLDER_BYTES_MAX: u64 = 128 << 10;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn files(target: &Target) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(corpora().join(target.name)) else { return vec![] };
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_corpus_is_replayed_and_ends_as_its_files_names_say() {
    let (mut replayed, mut wrong) = (0, vec![]);
    for target in targets() {
        let files = files(target);
        assert!(!files.is_empty(), "{} has no corpus", target.name);
        for (name, bytes) in files {
            let verdict = (target.run)(&bytes);
            let as_named = match name.split('-').next() {
                Some("ok") => verdict.is_ok(),
                Some("no") => verdict.is_err(),
                _ => true,
            };
            if !as_named {
                wrong.push(format!("{}/{name}: {verdict:?}", target.name));
            }
            replayed += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{replayed} inputs of {} targets replayed", targets().count());
}

#[test]
fn the_named_examples_are_those_of_the_code() {
    for target in targets() {
        let seeds = (target.seeds)();
        assert!(seeds.iter().any(|(name, _)| name.starts_with("ok-")), "{}: nothing is taken", target.name);
        assert!(seeds.iter().any(|(name, _)| name.starts_with("no-")), "{}: nothing is refused", target.name);
        let folder = corpora().join(target.name);
        if std::env::var_os("FUZZ_GOLDEN").is_some_and(|v| v == "write") {
            fs::create_dir_all(&folder).unwrap();
            for (name, _) in files(target).iter().filter(|(name, _)| name.starts_with("ok-") || name.starts_with("no-"))
            {
                fs::remove_file(folder.join(name)).unwrap();
            }
            seeds.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
        }
        for (name, bytes) in &seeds {
            let held = fs::read(folder.join(name)).unwrap_or_default();
            assert!(held == *bytes, "{}/{name} is another in the corpus; FUZZ_GOLDEN=write writes it", target.name);
        }
    }
}

#[test]
fn corpora_are_small_and_of_targets_that_are_there() {
    let names: BTreeSet<&str> = targets().map(|target| target.name).collect();
    assert_eq!(names.len(), targets().count(), "two targets of one name");
    for entry in fs::read_dir(corpora()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(name.as_str()), "corpus/{name} is of no target");
    }
    for target in targets() {
        let files = files(target);
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        assert!(
            files.len() <= FILES_MAX && bytes <= FOLDER_BYTES_MAX,
            "{}: {} files, {bytes} bytes",
            target.name,
            files.len()
        );
        let longest = files.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        assert!(longest <= target.bytes_max, "{}: {longest} bytes, a fuzzer tries {}", target.name, target.bytes_max);
    }
}

/// Names of fields and words of a schema, whatever it refers to.
fn words(
    document: &serde_json::Value,
    schema: &serde_json::Value,
    seen: &mut BTreeSet<String>,
    out: &mut BTreeSet<String>,
) {
    if !schema.is_object() {
        return;
    }
    if let Some(to) = schema["$ref"].as_str()
        && seen.insert(to.to_owned())
    {
        words(document, document.pointer(to.trim_start_matches('#')).unwrap(), seen, out);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        out.insert(name.clone());
        words(document, inner, seen, out);
    }
    ["items", "additionalProperties"].iter().for_each(|of| words(document, &schema[of], seen, out));
    let several =
        ["oneOf", "anyOf", "allOf", "prefixItems"].iter().flat_map(|of| schema[of].as_array().into_iter().flatten());
    several.for_each(|inner| words(document, inner, seen, out));
    out.extend(schema["enum"].as_array().into_iter().flatten().filter_map(|w| w.as_str()).map(str::to_owned));
}

#[test]
fn the_dictionary_of_the_api_has_every_word_of_a_body_and_every_body_has_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("../crates/api-native/openapi.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let dictionary = fs::read_to_string(root.join("api.dict")).unwrap();
    let (mut wanted, mut bodies) = (BTreeSet::new(), 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_object() {
                words(&document, schema, &mut BTreeSet::new(), &mut wanted);
                bodies += 1;
                // Revised and new sites have one body; a target for one serves both.
                let known = fuzz::API_BODIES.iter().any(|(m, p)| {
                    m.eq_ignore_ascii_case(method)
                        && p.split('/').count() == path.split('/').count()
                        && p.split('/').zip(path.split('/')).all(|(a, b)| a == b || b.starts_with('{'))
                });
                assert!(known || path == "/v1/sites/{subject}", "{method} {path} has no target");
            }
        }
    }
    let missing = not_in(&dictionary, &wanted);
    assert!(bodies > 10 && missing.is_empty(), "not in fuzz/api.dict: {missing:?}");
}

fn not_in<'a>(dictionary: &str, words: &'a BTreeSet<String>) -> Vec<&'a String> {
    words.iter().filter(|word| !dictionary.contains(&format!("\"\\\"{word}\\\"\""))).collect()
}

#[test]
fn the_dictionary_of_the_dss_has_every_word_of_a_body_and_every_body_has_a_target() {
    let document: serde_json::Value = serde_json::from_str(api_f3548::OPENAPI).unwrap();
    let dictionary = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dss.dict")).unwrap();
    let (mut wanted, mut bodies) = (BTreeSet::new(), BTreeSet::new());
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_object() {
            words(&document, schema, &mut BTreeSet::new(), &mut wanted);
            bodies.insert(operation["operationId"].as_str().unwrap());
        }
    }
    assert_eq!(bodies, fuzz::DSS_BODIES.iter().copied().collect());
    let missing = not_in(&dictionary, &wanted);
    assert!(wanted.len() > 40 && missing.is_empty(), "not in fuzz/dss.dict: {missing:?}");
}
