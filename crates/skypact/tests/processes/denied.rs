//! A peer that says what is urgent ahead of its turn, and then signs for something else: its bytes are there afterwards, in the
//! API and in the file of evidence, as the word of who received them.
use crate::common::speaker::{Log, Speaker};
use crate::common::world::{Spec, World};
use crate::common::{Limit, eventually};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use link::Frame;
use record::{Body, Notice, NoticeClass, Precedence};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn notice(text: &str) -> Body {
    Body::Notice(Notice {
        class: NoticeClass::Hazard,
        text: text.into(),
        place: None,
        level: None,
        start: None,
        end: None,
        volumes: Vec::new(),
        action: None,
    })
}

fn skypact(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(dir).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

//= spec/link.md L-46
#[test]
fn what_was_said_ahead_and_never_signed_for_is_given_as_the_receiver_s_word() {
    let _limit = Limit::of("denied", 90);
    let world = World::new(Spec::default());
    let south = world.start("south");
    let speaker = Speaker { world: &world, name: "north", peer: "south", address: south.link.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let said = speaker.record(1, Precedence::Flash, notice("two aircraft without lights over the valley"));
    let mut log = Log::default();
    log.say(speaker.record(2, Precedence::Routine, notice("nothing to report")));
    runtime.block_on(async {
        let mut session = speaker.open(&log).await.unwrap();
        let ahead = Frame::Ahead { index: 0, entry: said.clone() }.encode();
        assert!(session.send(&ahead).await);
        let mut held = 0;
        assert!(speaker.say_all(&mut session, &mut log, &mut held).await, "the other is signed, and cosigned");
    });
    let denied = eventually("the desk has it", 10, || {
        let denied = south.peer("north")["denied"].as_array()?.clone();
        (denied.len() == 1).then_some(denied)
    });
    let items = south.list("/v1/peers/north/denied");
    assert_eq!((&items[0]["index"], &items[0]["id"]), (&denied[0]["index"], &denied[0]["id"]));
    assert_eq!(STANDARD.decode(items[0]["bytes_base64"].as_str().unwrap()).unwrap(), said);
    assert_eq!(items[0]["signed_by"], Value::Null);
    south.stop();

    let home = world.home("south");
    let (code, text) = skypact(&home, &["--json", "evidence", "export", "-o", "denied.evidence"]);
    assert_eq!(code, Some(0), "{text}");
    let made: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&made["unsigned"][0]["id"], &made["unsigned"][0]["by"]), (&denied[0]["id"], &"north".into()), "{made}");
    let bundle = tlog::Bundle::decode(&std::fs::read(home.join("denied.evidence")).unwrap()).unwrap();
    let theirs = bundle.logs.iter().find(|log| log.origin.starts_with("skypact.link/north/")).unwrap();
    assert_eq!((theirs.unsigned[0].index, &theirs.unsigned[0].bytes), (0, &said));
    assert_ne!(theirs.entries[0].bytes, said, "the log has the other");
    // Shown, plainly marked, and counted as nothing.
    let verify = ["evidence", "verify", "denied.evidence", "--pact", "test.pact", "--show"];
    let (code, text) = skypact(&home, &verify);
    assert_eq!(code, Some(0), "{text}");
    for line in [
        "NOT SIGNED BY ANYBODY: the receiver's word: ",
        "NOT SIGNED BY ANYBODY, the receiver's word: said ahead of its turn: ",
        "two aircraft without lights over the valley",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (_, json) = skypact(&home, &["--json", "evidence", "verify", "denied.evidence", "--pact", "test.pact"]);
    let report: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    let of = report["logs"].as_array().unwrap().iter().find(|log| log["unsigned"][0].is_object()).unwrap();
    assert_eq!(
        (&of["unsigned"][0]["proven"], &of["entries_total"], &of["proven"]),
        (&false.into(), &1.into(), &1.into())
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/tools/verify_evidence.py");
    let keys = world.secrets.values().flat_map(|s| [s.log.verifier().to_string(), s.cosign.verifier().to_string()]);
    match Command::new("python3").arg(script).arg("denied.evidence").args(keys).current_dir(&home).output() {
        Ok(python) => {
            let theirs = String::from_utf8_lossy(&python.stdout).into_owned();
            let marked = text.lines().find(|line| line.contains("SIGNED BY ANYBODY: the receiver's word: ")).unwrap();
            assert!(python.status.success() && theirs.contains(marked), "{marked} is not in\n{theirs}");
        }
        Err(error) => {
            assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here: {error}");
            println!("skipped: no python3");
        }
    }
}
