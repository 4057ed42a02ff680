//! Log and cosigning keys in a PKCS#11 token, by a real one in software (SoftHSM): made there, imported, used on a link, and
//! every way in which it cannot be had said before anything starts.
use crate::common::node::Node;
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PIN: &str = "471147";

/// A token in a folder of its own.
struct Soft {
    module: PathBuf,
    config: PathBuf,
}

impl Soft {
    /// None where SoftHSM is not installed.
    fn new(dir: &Path) -> Option<Self> {
        let modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
        let module = modules.iter().map(PathBuf::from).find(|path| path.exists());
        let tool = Command::new("softhsm2-util").arg("--version").output().is_ok();
        let (Some(module), true) = (module, tool) else {
            assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no softhsm2, which is required here");
            println!("skipped: no softhsm2");
            return None;
        };
        let (config, tokens) = (dir.join("softhsm2.conf"), dir.join("tokens"));
        fs::create_dir_all(&tokens).unwrap();
        fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
        let soft = Self { module, config };
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "north", "--so-pin", "12345678", "--pin", PIN])
            .env("SOFTHSM2_CONF", &soft.config)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(soft)
    }

    fn skypact(&self, dir: &Path, words: &str) -> Output {
        let words = words.replace("TOKEN", &format!("--module {} --token north --pin-file pin", self.module.display()));
        Command::new(env!("CARGO_BIN_EXE_skypact"))
            .args(words.split(' '))
            .current_dir(dir)
            .env("SOFTHSM2_CONF", &self.config)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, dir: &Path, words: &str) -> String {
        let out = self.skypact(dir, words);
        assert!(out.status.success(), "{words}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, dir: &Path, words: &str, why: &str) {
        let out = self.skypact(dir, words);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(1) && said.contains(why), "{words}: wanted {why:?} in {said}");
    }
}

fn pin(home: &Path, text: &str, mode: u32) {
    fs::write(home.join("pin"), text).unwrap();
    fs::set_permissions(home.join("pin"), fs::Permissions::from_mode(mode)).unwrap();
}

//= spec/keys.md K-14
//= spec/keys.md K-15
#[test]
fn a_node_signs_with_keys_in_a_token_and_its_peers_notice_nothing() {
    let _limit = Limit::of("token", 120);
    let world = World::new(Spec { aircraft: 3, ..Spec::default() });
    let Some(soft) = Soft::new(world.dir.path()) else { return };
    let home = world.home("north");
    pin(&home, PIN, 0o600);
    let public = |shown: String| -> Vec<String> {
        let keys = shown.lines().filter(|l| l.starts_with("log_key") || l.starts_with("cosign_key"));
        keys.map(str::to_owned).collect()
    };
    let before = public(soft.ok(&home, "key show"));

    // The keys that the pact names, moved into the token.
    let said = soft.ok(&home, "key import --from keys --keys keys-token TOKEN");
    assert!(said.contains("the keys are the same"), "{said}");
    assert!(!home.join("keys-token/log.key").exists() && home.join("keys-token/token.toml").exists());
    soft.refused(&home, "key import --from keys --keys keys-token TOKEN", "keys are never overwritten");
    let config = "keys = \"keys-token\"\n".to_owned() + &world.config("north");
    fs::write(home.join("skypact.toml"), &config).unwrap();
    fs::write(home.join("node.env"), format!("SOFTHSM2_CONF={}", soft.config.display())).unwrap();
    assert_eq!((before.len(), public(soft.ok(&home, "key show"))), (2, before));
    fs::rename(home.join("keys"), home.join("keys-in-a-safe")).unwrap();

    // Checkpoints and cosignatures by the token are those of the pact's keys.
    let (south, north) = (world.start("south"), Node::start(&home));
    link_up(&north, &south);
    north.file_plans(0..4);
    let size = |node: &Node, peer: &str, way: &str, what: &str| node.peer(peer)[way][what].as_u64().unwrap();
    eventually("what north says is signed for, and south holds its receipts", 30, || {
        let (out, back) = (size(&north, "south", "out", "cosigned"), size(&south, "north", "out", "cosigned"));
        (out >= 5 && back >= 5 && size(&south, "north", "in", "sealed") >= 5).then_some(())
    });
    assert_eq!(north.peer("south")["refused"], serde_json::json!({}));
    assert_eq!(south.peer("north")["refused"], serde_json::json!({}));
    north.stop();
    // The receipt in the log's files is by the token as well, and another program finds it good.
    let evidence = soft.ok(&home, "evidence export -o all.evidence");
    assert!(home.join("all.evidence").exists(), "{evidence}");
    soft.ok(&home, "evidence verify all.evidence --pact test.pact");

    // Made in the token, never anywhere else.
    soft.ok(&home, "key new --keys keys-made TOKEN");
    let made = fs::read_to_string(home.join("keys-made/north.party")).unwrap();
    assert!(made.contains("log_key") && !home.join("keys-made/log.key").exists());
    assert_ne!(public(made), public(soft.ok(&home, "key show")));

    // Whatever is wrong is said, with what to do.
    let show = |why: &str| soft.refused(&home, "key show", why);
    pin(&home, PIN, 0o644);
    show("can be read by others (mode 644)");
    pin(&home, "\n", 0o600);
    show("holds no PIN in its first line");
    pin(&home, "000000", 0o600);
    show("refuses the PIN in");
    pin(&home, PIN, 0o600);
    let file = home.join("keys-token/token.toml");
    let right = fs::read_to_string(&file).unwrap();
    let with = |from: &str, to: &str| fs::write(&file, right.replace(from, to)).unwrap();
    with("token = \"north\"", "token = \"south\"");
    show("has no token of the label \"south\"; it has \"north\"");
    with("skypact north log", "skypact north lag");
    show("has no private Ed25519 key of the label");
    with("libsofthsm2.so", "libabsent.so");
    show("libabsent.so is not there");
    with("pin_file", "pinfile");
    show("unknown field `pinfile`");
    fs::write(&file, &right).unwrap();
    fs::copy(home.join("keys-in-a-safe/log.key"), home.join("keys-token/log.key")).unwrap();
    show("has log.key and token.toml: which key signs is not to be guessed");
    fs::remove_file(home.join("keys-token/log.key")).unwrap();
    Node::start(&home).stop();
}
