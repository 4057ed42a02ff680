//! Where shared data lies, and how it is read. A test that needs data and lacks it says "skipped" and returns.
#![allow(dead_code, missing_docs)]
use detect::{Item, Kinematics, scenario};
use std::io::Read;
use std::path::{Path, PathBuf};
use units::{AircraftClass, Utc};

fn shared(variable: &str, folder: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder),
    }
}

fn text(root: PathBuf, name: &str, kind: &str) -> Option<String> {
    let path = root.join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no {kind} ({name})");
        return None;
    };
    if !name.ends_with(".zst") {
        return Some(String::from_utf8(bytes).expect("text"));
    }
    let mut text = String::new();
    let mut stream = ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).expect("zstd");
    stream.read_to_string(&mut text).expect("text");
    Some(text)
}

/// A file of expected results (`SKYPACT_VECTORS`).
pub fn vectors(name: &str) -> Option<String> {
    text(shared("SKYPACT_VECTORS", "vectors"), name, "vectors")
}

/// A recording (`SKYPACT_RECORDINGS`).
pub fn recording(name: &str) -> Option<String> {
    text(shared("SKYPACT_RECORDINGS", "recordings"), name, "recordings")
}

/// A scenario as input of a sweep.
pub fn items(family: scenario::Family, n: usize) -> Vec<Item> {
    scenario::states(family, n, scenario::SEED)
        .iter()
        .map(|s| Item { track: Kinematics::from_state(s, Utc(0)).expect("on earth"), class: AircraftClass::Civil })
        .collect()
}
