//! Two parties with logs between them, and the independent verifier beside ours.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tlog::{
    Bundle, Checkpoint, Hash, LogEvidence, LogReader, LogWriter, MemStore, Note, NoteSigner, TrustedKeys, VerifierKey,
    cosign, sign_checkpoint, verify,
};

/// One party: the key of its logs and the key it cosigns with.
pub struct Party {
    pub log: NoteSigner,
    pub cosigner: NoteSigner,
}

pub fn party(name: &str, seed: u8) -> Party {
    let name = format!("skypact.link/{name}");
    Party {
        log: NoteSigner::new(&name, &[seed; 32]).unwrap(),
        cosigner: NoteSigner::cosigner(&name, &[seed + 1; 32]).unwrap(),
    }
}

pub fn parties() -> [Party; 2] {
    [party("alfa", 10), party("bravo", 20)]
}

pub fn entry(i: u64) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

pub fn log(size: u64) -> (MemStore, LogWriter) {
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    (0..size).for_each(|i| assert_eq!(writer.append(&entry(i)), Ok(i)));
    writer.flush(&mut store).unwrap();
    (store, writer)
}

pub fn note(origin: &str, size: u64, root: Hash, from: &Party, to: Option<&Party>) -> Note {
    let checkpoint = Checkpoint { origin: origin.into(), size, root };
    let mut note = sign_checkpoint(&checkpoint, &from.log).unwrap();
    if let Some(to) = to {
        note.add(cosign(note.text(), 1_533_099_600, &to.cosigner).unwrap()).unwrap();
    }
    note
}

/// Entries 2..7 received by the addressee, and entry 10 that nobody cosigned.
pub fn one_log(from: &Party, to: &Party, name: &str) -> LogEvidence {
    let (store, writer) = log(12);
    let reader = LogReader::new(&store, 12);
    let origin = format!("{}/{name}/live", from.log.verifier().name());
    let mut log = LogEvidence::new(&origin);
    log.hints = vec![from.log.verifier().to_string(), "rogue.example+00000000+AQ==".into()];
    let older = log.add_checkpoint(&note(&origin, 8, reader.root_at(8).unwrap(), from, Some(to)));
    let newer = log.add_checkpoint(&note(&origin, 12, writer.root(), from, None));
    log.add_range(&reader, 2..7, older).unwrap();
    log.add_entry(&reader, 10, newer).unwrap();
    log.add_link(&reader, older, newer).unwrap();
    log
}

pub fn two_logs() -> Bundle {
    let [a, b] = parties();
    Bundle { logs: vec![one_log(&b, &a, "alfa"), one_log(&a, &b, "bravo")], metadata: Some(b"pact".to_vec()) }
}

pub fn trusted_texts() -> Vec<String> {
    let key = |key: &VerifierKey| key.to_string();
    parties().iter().flat_map(|p| [key(p.log.verifier()), key(p.cosigner.verifier())]).collect()
}

pub fn trusted() -> TrustedKeys {
    let mut keys = TrustedKeys::new();
    trusted_texts().iter().for_each(|text| keys.add_text(text).unwrap());
    keys
}

/// Runs the independent verifier over many bundles in one process and gives each one's exit code and output.
pub fn independent(bundles: &[Vec<u8>], keys: &[String], name: &str) -> Option<Vec<(i32, String)>> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success()) {
        assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here");
        println!("skipped: no python3");
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (n, bytes) in bundles.iter().enumerate() {
        fs::write(folder.join(n.to_string()), bytes).unwrap();
    }
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/tools");
    let driver = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n\
        import verify_evidence as v\n\
        for n in range(int(sys.argv[3])): print('exit', v.main([sys.argv[2] + '/' + str(n), *sys.argv[4:]]), end='\\f')\n";
    let out = Command::new("python3")
        .args(["-X", "utf8", "-c", driver])
        .args([tools.as_os_str(), folder.as_os_str()])
        .arg(bundles.len().to_string())
        .args(keys)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let split = |part: &str| part.rsplit_once("exit ").map(|(said, code)| (code.parse().unwrap(), said.to_owned()));
    Some(text.split_terminator('\x0c').map(|part| split(part).unwrap()).collect())
}

/// Keys as they stand on a command line: `--witness KEY` and `--quorum N` among them.
pub fn supplied(args: &[String]) -> TrustedKeys {
    let (mut trusted, mut args) = (TrustedKeys::new(), args.iter());
    while let Some(text) = args.next() {
        match text.as_str() {
            "--witness" => trusted.add_witness(None, args.next().unwrap().parse().unwrap()).unwrap(),
            "--stolen" => {
                let text = args.next().unwrap();
                let (origin, key) = text.rsplit_once(' ').map_or((None, &text[..]), |(of, key)| (Some(of), key));
                trusted.add_stolen(origin, key.parse().unwrap()).unwrap();
            }
            "--again" => {
                let text = args.next().unwrap();
                let (origin, key) = text.rsplit_once(' ').map_or((None, &text[..]), |(of, key)| (Some(of), key));
                trusted.add_stolen_again(origin, key.parse().unwrap()).unwrap();
            }
            "--quorum" => trusted.demand(None, args.next().unwrap().parse().unwrap()),
            key => trusted.add_text(key).unwrap(),
        }
    }
    trusted
}

/// Says of the keys given by hand which are the addressee's: those of its name, as `skypact evidence verify --key` does.
pub fn addressed(mut trusted: TrustedKeys, bundle: &Bundle) -> TrustedKeys {
    for origin in bundle.logs.iter().map(|log| &log.origin) {
        let name = origin.split('/').nth(2).map(|to| format!("skypact.link/{to}"));
        for key in trusted.cosigners(origin).into_iter().filter(|key| name.as_deref() == Some(key.name())) {
            trusted.add_receiver(origin, key).unwrap();
        }
    }
    trusted
}

/// Both verifiers must say the same, word for word.
pub fn agree(bundles: &[Vec<u8>], keys: &[String], name: &str) {
    let trusted = supplied(keys);
    let Some(answers) = independent(bundles, keys, name) else { return };
    assert_eq!(answers.len(), bundles.len());
    for (n, (bytes, (code, said))) in bundles.iter().zip(answers).enumerate() {
        match Bundle::decode(bytes) {
            Ok(bundle) => {
                let report = verify(&bundle, &addressed(trusted.clone(), &bundle));
                assert_eq!(said, report.to_string(), "bundle {n}");
                assert_eq!(code, i32::from(!report.is_sound()), "bundle {n}");
            }
            Err(e) => assert!(code == 1 && said.starts_with("malformed: "), "bundle {n}: {e}, but {said}"),
        }
    }
}
