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
