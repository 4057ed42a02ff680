//! What is given to each entry, and the clear error that returns. Link frames: `hostile`; feeds over sockets: `feeds`.
use crate::common::world::{Spec, World};
use crate::common::{Limit, eventually};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A node that must refuse to start: with exit code 1 and every one of these words.
#[track_caller]
fn refuses(world: &World, what: &str, words: &[&str]) {
    let not = world.refused("north");
    assert_eq!(not.code, Some(1), "{what}: {}", not.said);
    for word in words {
        assert!(not.said.contains(word), "{what}: {word:?} is not said in\n{}", not.said);
    }
    assert!(!not.said.contains("panicked"), "{what}: {}", not.said);
}

#[test]
fn configurations_that_are_wrong_are_refused_with_the_place_and_what_to_do() {
    let _limit = Limit::of("bad configurations", 90);
    let world = World::new(Spec { aircraft: 1, length_s: 10, ..Spec::default() });
    let (path, good) = (world.home("north").join("skypact.toml"), world.config("north"));
    let change = |from: &str, to: &str| {
        assert!(good.contains(from), "{from:?} is in the configuration");
        good.replacen(from, to, 1)
    };
    let feed = |text: &str| format!("{good}\n[[feed]]\nname = \"x\"\n{text}\n");
    let table: Vec<(&str, String, &[&str])> = vec![
        ("not TOML", "party = north".into(), &["skypact.toml", "TOML parse error at line 1"]),
        ("empty", String::new(), &["missing field `party`"]),
        ("a misspelt key", change("[journal]", "relase = 1\n[journal]"), &["unknown field `relase`"]),
        ("no party's name", change("\"north\"", "\"North!\""), &["party: ", "is not a party name"]),
        ("no mode", change("exercise:test", "training"), &["mode: \"training\" is neither \"live\" nor \"exercise:NAME\""]),
        ("a live node with a clock", change("exercise:test", "live"), &["clock: a live node runs on the machine's clock"]),
        ("no time", change("2026-01-15T08:00:00Z", "yesterday"), &["clock.start", "\"yesterday\" is not a time such as"]),
        ("a rate of zero", change("rate = 1.0", "rate = 0.0"), &["clock.rate: 0 is not between 0 and 10000"]),
        ("no address", change("api = \"127.0.0.1:0\"", "api = \"here\""), &["invalid socket address"]),
        ("an address of another machine", change("api = \"127.0.0.1:0\"", "api = \"192.0.2.1:80\""), &["cannot listen on 192.0.2.1:80"]),
        ("a pact that is not there", change("test.pact", "none.pact"), &["cannot read the pact", "none.pact"]),
        ("a peer of no pact", change("party = \"south\"", "party = \"west\""), &["[[peer]] west is in no pact of this node"]),
        ("a feed of no format", feed("format = \"asterix\"\nsource = \"x\"\nclaim = \"own\""), &["feed \"x\": unknown format \"asterix\"; one of"]),
        ("a feed of no claim", feed("format = \"sbs\"\nsource = \"x\"\nclaim = \"mine\""), &["unknown variant `mine`"]),
        ("a feed too fast", feed("format = \"aircraft-json\"\nsource = \"x\"\nclaim = \"own\"\nevery_s = 0.0"), &["every_s is not between 0.1 and 3600"]),
        ("a feed without a source", feed("format = \"sbs\"\nsource = \"\"\nclaim = \"own\""), &["feed \"x\": source is empty; tcp://HOST:PORT"]),
        ("a feed over https", feed("format = \"aircraft-json\"\nsource = \"https://h/x\"\nclaim = \"own\""), &["feed \"x\": https is not read"]),
        ("a feed without a port", feed("format = \"beast\"\nsource = \"tcp://localhost\"\nclaim = \"own\""), &["feed \"x\": source \"tcp://localhost\" is not tcp://HOST:PORT"]),
        ("a stream over http", feed("format = \"sbs\"\nsource = \"http://h:1/x\"\nclaim = \"own\""), &["feed \"x\": sbs is not read over http"]),
        ("a reserve beyond counting", good.replacen("reserve_mib = 16", "reserve_mib = 17592186044416", 1), &["journal.reserve_mib: 17592186044416 is not between 1 and 16777216"]),
        ("no snapshots", good.replacen("snapshot_s = 5", "snapshot_s = 0", 1), &["journal.snapshot_s: 0 is not between 1 and 86400"]),
        ("a release to no peer", change("to = \"south\"", "to = \"souht\""), &["release rule 1: \"souht\" is no peer under a pact of this node (south)"]),
        ("a release to oneself", change("to = \"south\"", "to = \"north\""), &["release rule 1: \"north\" is no peer"]),
        ("two feeds of one name", good.replace("[[release]]\nto = \"south\"\nclass = \"plans\"", "[[feed]]\nname = \"traffic\"\nformat = \"sbs\"\nsource = \"tcp://h:1\"\nclaim = \"own\"\n[[release]]\nto = \"south\"\nclass = \"plans\""), &["the name \"traffic\" stands twice"]),
        ("a release of no class", change("class = \"plans\"", "class = \"plan\""), &["release rule 2", "unknown class \"plan\""]),
        ("a release of no level", change("level = \"full\"", "level = \"everything\""), &["release rule 1", "unknown level \"everything\""]),
        ("a release to nobody", change("to = \"south\"", "to = \"\""), &["release rule 1", "is not a party name"]),
    ];
    for (what, text, words) in &table {
        fs::write(&path, text).unwrap();
        refuses(&world, what, words);
    }
    fs::remove_file(&path).unwrap();
    refuses(&world, "no configuration", &["cannot read the configuration", "run `skypact init` to make one"]);
    fs::write(&path, &good).unwrap();

    // What is refused before anything is touched leaves nothing behind: the right one starts.
    let north = world.start("north");
    assert!(world.refused("north").said.contains("is in use"), "two nodes on one data folder");
    north.stop();
    fs::write(
        &path,
        good.replace("party = \"north\"", "party = \"south\"")
            .replace("[[peer]]\nparty = \"south\"", "[[peer]]\nparty = \"north\"")
            .replace("to = \"south\"", "to = \"north\"")
            .replace("party = \"south\"\nmode", "party = \"south\"\ndata = \"elsewhere\"\nmode"),
    )
    .unwrap();
    refuses(&world, "the keys of another party", &["names another log key than south holds"]);
}

#[test]
fn pacts_and_keys_that_are_wrong_are_refused_by_clause_and_file() {
    let _limit = Limit::of("bad pacts", 90);
    let world = World::new(Spec { aircraft: 1, length_s: 10, ..Spec::default() });
    let (path, keys) = (world.home("north").join("test.pact"), world.home("north").join("keys"));
    let good = fs::read_to_string(&path).unwrap();
    let unsigned = good.split_once("\n\n").unwrap().0.to_string() + "\n";
    let without_south: String =
        good.lines().filter(|l| !l.contains("\u{2014} skypact.link/south")).map(|l| format!("{l}\n")).collect();
    let table: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["test.pact", "line 1", "does not end with a line break"]),
        ("not UTF-8", vec![0xff, 0xfe, 0x00], &["test.pact", "UTF-8"]),
        ("another text", b"hello\n".to_vec(), &["a pact begins with the line", "hello"]),
        ("cut in the middle", good.as_bytes()[..unsigned.len() / 2].to_vec(), &["line", "clause"]),
        ("nobody signed", unsigned.into_bytes(), &["is not signed by north, south", "skypact pact sign"]),
        ("one signature is missing", without_south.into_bytes(), &["is not signed by south", "skypact pact sign"]),
        ("a number changed after signing", good.replacen("5 NM", "4 NM", 1).into_bytes(), &["test.pact", "signature"]),
        ("70 kB", vec![b'a'; 70_000], &["test.pact"]),
    ];
    for (what, bytes, words) in &table {
        fs::write(&path, bytes).unwrap();
        refuses(&world, what, words);
    }
    fs::write(&path, &good).unwrap();
    for file in ["log.key", "cosign.key", "tls.key.pem", "pseudonym.key"] {
        let key = keys.join(file);
        let right = fs::read(&key).unwrap();
        let mode = |mode: u32| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        refuses(&world, file, &[file, "can be read by others (mode 644): run chmod 600 on it"]);
        mode(0o600);
        fs::write(&key, "short\n").unwrap();
        let wanted =
            if file.ends_with("pem") { "is not a private key in PEM" } else { "does not hold 64 hexadecimal digits" };
        refuses(&world, file, &[file, wanted]);
        fs::remove_file(&key).unwrap();
        refuses(&world, file, &[file, "run `skypact init` first"]);
        fs::write(&key, right).unwrap();
        mode(0o600);
    }
    world.start("north").stop();
}

#[test]
fn requests_and_feed_files_that_are_wrong_are_answered_and_outlived() {
    let _limit = Limit::of("bad requests", 60);
    let world = World::new(Spec { aircraft: 1, length_s: 10, ..Spec::default() });
    let files: [(&str, &str, &[u8], &str); 5] = [
        ("nojson", "aircraft-json", b"not json at all", ""),
        ("empty", "aircraft-json", b"", ""),
        ("nocsv", "states-csv", b"a,b,c\n1,2,3\n", "holds no report that can be read as states-csv"),
        ("nobeast", "beast", &[0x42; 5000], "holds no report that can be read as beast"),
        ("nozst.csv.zst", "states-csv", b"(not zst)", "not zst"),
    ];
    let mut config = world.config("north");
    for (name, format, bytes, _) in &files {
        fs::write(world.home("north").join(name), bytes).unwrap();
        config +=
            &format!("\n[[feed]]\nname = \"{name}\"\nformat = \"{format}\"\nsource = \"{name}\"\nclaim = \"own\"\n");
    }
    fs::write(world.home("north").join("skypact.toml"), config).unwrap();
    let north = world.start("north");
    for (name, _, _, words) in &files {
        let feed = || north.list("/v1/feeds").into_iter().find(|f| f["name"] == **name).unwrap();
        let shown = eventually(&format!("{name}: the fault is shown"), 20, || {
            Some(feed()).filter(|f| f["errors"].as_u64() > Some(0) || f["last_error"].is_string())
        });
        let said = shown["last_error"].as_str().unwrap_or_default();
        assert!(said.contains(words), "{name}: {shown}");
        println!("{name}: {} errors, {said:?}", shown["errors"]);
    }
    let table: [(&str, &str, &[u8], u16, &str); 9] = [
        ("POST", "/v1/plans", b"{", 400, "malformed-json"),
        ("POST", "/v1/plans", b"{}", 422, "invalid"),
        ("POST", "/v1/plans", b"{\"class\":\"ship\",\"state\":\"accepted\",\"volumes\":[]}", 422, "class"),
        (
            "POST",
            "/v1/notices",
            b"{\"to\":[\"nobody\"],\"class\":\"hazard\",\"precedence\":\"FLASH\",\"text\":\"x\"}",
            404,
            "nobody",
        ),
        ("POST", "/v1/alerts/999999/acknowledge", b"{}", 404, "no-such"),
        ("GET", "/v1/tracks?limit=9999", b"", 400, "limit"),
        ("GET", "/v1/no/such/thing", b"", 404, "not-found"),
        ("DELETE", "/v1/state", b"", 405, "method-not-allowed"),
        ("POST", "/v1/plans", &[b' '; 300_000], 413, "too-large"),
    ];
    for (method, path, body, status, word) in table {
        let (got, text) = north.ask(method, path, (!body.is_empty()).then_some(body)).unwrap();
        assert!(got == status && text.contains(word), "{method} {path}: {got} {text}, expected {status} with {word:?}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert!(problem["type"].as_str().unwrap().starts_with("urn:skypact:problem:"), "{problem}");
    }
    assert_eq!(north.get("/healthz")["status"], "ok");
    north.stop();
}
