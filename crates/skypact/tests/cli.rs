//! The command line as a user meets it: the real binary, real files, a real node.
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a run of the binary left behind.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
    }

    /// Ended with this code, and said this on standard error.
    #[track_caller]
    fn refused(self, code: i32, wanted: &str) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert!(self.err.contains(wanted), "wanted {wanted:?} in {}", self.err);
    }
}

fn skypact(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
    command.current_dir(dir).env_remove("SKYPACT_CONFIG").env_remove("SKYPACT_LOG").stdin(Stdio::null());
    command
}

fn run(dir: &Path, words: &str) -> Ran {
    run_words(dir, &words.split(' ').collect::<Vec<_>>())
}

fn run_words(dir: &Path, words: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = skypact(dir).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Two parties in folders `north` and `south`, and a pact between them that both have signed.
fn two_parties() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for name in ["north", "south"] {
        run(at, &format!("init --party {name} --dir {name} --mode exercise:cli")).ok();
    }
    propose(at, "ns.pact", &[]).ok();
    for name in ["north", "south"] {
        run(at, &format!("pact sign ns.pact --config {name}/skypact.toml --yes")).ok();
    }
    dir
}

fn propose(dir: &Path, output: &str, more: &[&str]) -> Ran {
    let words = "pact propose --party south/south.party --party north/north.party --valid 2020-01-01T00:00:00Z \
                 2090-01-01T00:00:00Z --mode exercise:cli --levels FL050..FL660 -o";
    let mut words: Vec<&str> = words.split_whitespace().collect();
    words.extend([output, "--area", "circle 47.1,8.2 150 NM"]);
    words.extend(more);
    run_words(dir, &words)
}

#[test]
fn a_pact_is_made_compared_and_brought_into_force() {
    let dir = two_parties();
    let at = dir.path();
    let shown = run(at, "pact show ns.pact --json").json();
    assert_eq!((&shown["in_force"], &shown["missing"]), (&json!(true), &json!([])));
    let text = run(at, "pact show ns.pact").ok();
    assert!(text.contains("4.1 minima any any 5 NM 1000 ft 300 s\n"), "{text}");
    assert!(text.contains("In force: yes, until 2090-01-01T00:00:00Z\n"), "{text}");
    let fingerprint = run(at, "key show --config north/skypact.toml --json").json()["fingerprint"].clone();
    assert_eq!(shown["parties"][0]["fingerprint"], fingerprint);

    propose(at, "other.pact", &["--minima", "any any 3 NM 1000 ft 300 s"]).ok();
    let differ = run(at, "pact diff ns.pact other.pact");
    assert_eq!(differ.code, Some(3), "{}", differ.err);
    let want = "clause 4.1 (minima any any):\n  a: minima any any 5 NM 1000 ft 300 s\n  b: minima any any 3 NM 1000 ft 300 s\n";
    assert_eq!(differ.out, want);
    run(at, "pact diff ns.pact ns.pact").ok();
    let shown = run(at, "pact show other.pact").ok();
    assert!(shown.contains("In force: no, not signed by north, south\n"), "{shown}");

    std::fs::copy(at.join("other.pact"), at.join("other-2.pact")).unwrap();
    run(at, "pact sign other.pact --config north/skypact.toml --yes").ok();
    run(at, "pact sign other-2.pact --config south/skypact.toml --yes").ok();
    run(at, "pact join other.pact other-2.pact -o joined.pact").ok();
    assert_eq!(run(at, "pact show joined.pact --json").json()["in_force"], json!(true));
    run(at, "pact join ns.pact other.pact -o x.pact")
        .refused(1, "run `skypact pact diff ns.pact other.pact` to see the clauses");
}

#[test]
fn what_is_wrong_is_said_with_the_exit_code_that_the_help_promises() {
    let dir = two_parties();
    let at = dir.path();
    let help = run(at, "--help").ok();
    for line in ["1  failed", "2  the command line is wrong", "3  checked and found bad", "4  refused by the node"] {
        assert!(help.contains(line), "{help}");
    }
    run(at, "init --party north --dir north").refused(1, "is there already, and nothing is overwritten");
    run(at, "init --party North").refused(2, "\"North\" is not a party name");
    run(at, "pact show absent.pact").refused(1, "cannot read the pact absent.pact: No such file or directory");
    run(at, "pact show north/north.party").refused(1, "is not a pact: line 1, clause 0");
    run(at, "pact propose -o x.pact").refused(2, "--party <FILE.party>");
    propose(at, "ns.pact", &[]).refused(1, "cannot create ns.pact: File exists (os error 17); it is never overwritten");
    propose(at, "x.pact", &["--minima", "any any 5 1000 300"]).refused(2, "is not a distance: 5 NM, 9260 m or 9.26 km");
    run(at, "plan list --config north/skypact.toml")
        .refused(1, "does not run: north/data/run/api is not there. Start it with");
    run(at, "plan list --config nowhere.toml").refused(1, "run `skypact init` to make one");
    run(at, "pact sign ns.pact").refused(1, "cannot read the configuration skypact.toml");

    let signed = std::fs::read_to_string(at.join("ns.pact")).unwrap();
    std::fs::write(at.join("changed.pact"), signed.replace("alarm 120 s", "alarm 12 s")).unwrap();
    let changed = run(at, "--json pact show changed.pact");
    assert_eq!(changed.code, Some(3));
    let error: Value = serde_json::from_str(&changed.err).unwrap();
    assert!(error["error"].as_str().unwrap().contains("does not verify"), "{error}");

    propose(at, "new.pact", &[]).ok();
    run(at, "pact sign new.pact --config north/skypact.toml").refused(1, "add --yes; nothing was signed");
    assert_eq!(run(at, "pact show new.pact --json").json()["missing"], json!(["north", "south"]));
}

#[test]
fn a_reader_that_goes_away_changes_neither_exit_code_nor_standard_error() {
    let dir = two_parties();
    let at = dir.path();
    propose(at, "other.pact", &["--minima", "any any 3 NM 1000 ft 300 s"]).ok();
    let run_to = |words: &str, out: Stdio| {
        let output = skypact(at).args(words.split(' ')).stdout(out).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let nobody = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    for (words, code) in [("pact show ns.pact", 0), ("pact diff ns.pact other.pact", 3), ("--help", 0)] {
        assert_eq!(run_to(words, nobody().into()), (Some(code), String::new()), "{words}");
    }
    let mut deaf = skypact(at);
    deaf.args(["pact", "show", "absent.pact"]).stdout(nobody()).stderr(nobody());
    assert_eq!(deaf.status().unwrap().code(), Some(1));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let (code, said) = run_to("pact show ns.pact", full.into());
    assert_eq!(code, Some(1));
    assert_eq!(said.matches("skypact: cannot write the output: No space left on device").count(), 1, "{said}");
}

#[test]
fn a_wrong_command_line_is_told_as_json_to_who_asked_for_json() {
    let dir = tempfile::tempdir().unwrap();
    for (words, wanted) in [
        ("--json bogus", "unrecognized subcommand 'bogus'"),
        ("demo --port-base 65532 --json", "\"65532\" is neither 0 nor a port from 1024 to 65530"),
    ] {
        let ran = run(dir.path(), words);
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        let error: Value = serde_json::from_str(&ran.err).unwrap_or_else(|e| panic!("{e}: {}", ran.err));
        assert!(error["error"].as_str().unwrap().contains(wanted), "{error}");
    }
    run(dir.path(), "demo --port-base 65535").refused(2, "is neither 0 nor a port");
    assert!(run(dir.path(), "--json --help").ok().starts_with("Tells several parties"));
}

#[test]
fn new_keys_and_the_pact_under_which_they_speak() {
    let dir = two_parties();
    let at = dir.path();
    run(at, "key new --config north/skypact.toml --keys keys-2").ok();
    run(at, "key new --config north/skypact.toml --keys keys-2").refused(1, "keys are never overwritten");
    std::fs::rename(at.join("north/keys-2/north.party"), at.join("north/north.party")).unwrap();
    propose(at, "next.pact", &[]).ok();
    run(at, "pact sign next.pact --config north/skypact.toml --yes")
        .refused(1, "names another log key than north holds");
    run(at, "pact sign next.pact --config north/skypact.toml --keys keys-2 --yes").ok();
    let differ = run(at, "pact diff ns.pact next.pact");
    assert!(differ.out.starts_with("clause 1.1 (party north):\n"), "{}", differ.out);
}

/// Flies an aircraft in the feed's file until a preview has a record of tracks.
fn wait_for_tracks(dir: &Path, preview: &dyn Fn() -> Value) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut lat = 47.0;
    loop {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let aircraft =
            json!({ "hex": "4b1a41", "flight": "OWN1", "lat": lat, "lon": 8.0, "alt_baro": 9000, "seen_pos": 0.0 });
        let document = json!({ "now": now, "aircraft": [aircraft] }).to_string();
        // Put in place as a whole, as a decoder does.
        std::fs::write(dir.join("aircraft.new"), document).unwrap();
        std::fs::rename(dir.join("aircraft.new"), dir.join("aircraft.json")).unwrap();
        let answer = preview();
        if let Some(record) = answer["records"].as_array().and_then(|r| r.iter().find(|r| r["kind"] == "tracks")) {
            return record.clone();
        }
        assert!(Instant::now() < deadline, "{answer}");
        lat += 0.001;
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A node that runs, and is killed if the test does not stop it.
struct Node {
    child: Option<Child>,
    log: PathBuf,
    /// Where it accepts links.
    link: String,
}

impl Node {
    /// Starts the node of a party under `ns.pact`; `peer` is a `[[peer]]` table.
    fn start(dir: &Path, name: &str, peer: &str) -> Self {
        let config = dir.join(name).join("skypact.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let other = if name == "north" { "south" } else { "north" };
        let text = text
            .replace("pacts = []", "pacts = [\"../ns.pact\"]")
            .replace("127.0.0.1:8480", "127.0.0.1:0")
            .replace("0.0.0.0:8443", "127.0.0.1:0")
            + peer
            + &"\n[[release]]\nto = \"OTHER\"\nclass = \"plans\"\nlevel = \"full\"\n\
               \n[[release]]\nto = \"OTHER\"\nclass = \"tracks\"\nlevel = \"reduced\"\nprecision_m = 1000\n\
               \n[[feed]]\nname = \"own\"\nformat = \"aircraft-json\"\nsource = \"../aircraft.json\"\nclaim = \"own\"\nevery_s = 0.1\n"
                .replace("OTHER", other);
        std::fs::write(&config, text).unwrap();
        let (out, log) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.log")));
        let child = skypact(dir)
            .args(["serve", "--json", "--config", &config.display().to_string()])
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut node = Self { child: Some(child), log, link: String::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        // It says where it is when everything else is there.
        while node.link.is_empty() {
            let ended = node.child.as_mut().and_then(|c| c.try_wait().unwrap());
            assert!(ended.is_none() && Instant::now() < deadline, "the node did not start: {}", node.log());
            std::thread::sleep(Duration::from_millis(50));
            let ready = std::fs::read_to_string(&out).unwrap();
            let ready: Value = serde_json::from_str(&ready).unwrap_or_default();
            node.link = ready["link"].as_str().unwrap_or_default().to_owned();
        }
        node
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop and waits for its exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the node did not stop on SIGTERM: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _killed = child.kill();
            let _waited = child.wait();
        }
    }
}

#[test]
fn a_planner_works_at_a_running_node() {
    let dir = two_parties();
    let at = dir.path();
    let node = Node::start(at, "north", "\n[[peer]]\nparty = \"south\"\naddress = \"127.0.0.1:9\"\n");
    let north = |words: &str| run(at, &format!("{words} --config north/skypact.toml"));
    let json = |words: &str| north(&format!("{words} --json")).json();

    let circle = "plan file --circle 47.1 8.2 5 --lower FL100 --upper FL150 --from now --to +45m --class military --callsign HUNTER1";
    let filed = json(circle);
    let subject = filed["subject"].as_str().unwrap().to_owned();
    assert_eq!((subject.len(), &filed["revision"]), (32, &json!(1)));
    let plans = json("plan list");
    assert_eq!(plans["items"].as_array().unwrap().len(), 1);
    assert_eq!(plans["items"][0]["callsign"], "HUNTER1");
    let text = north("plan list").ok();
    assert!(text.contains("circle 47.10000,8.20000 5.000 NM, FL100 to FL150, "), "{text}");
    let revised = json(&format!("{circle} --revise {}", &subject[..8]));
    assert_eq!((&revised["subject"], &revised["revision"]), (&json!(subject), &json!(2)));

    // Declared as it is flown, with all else of it as it was.
    let before = json("plan list")["items"][0].clone();
    let declared = json(&format!("plan declare {} nonconforming", &subject[..8]));
    assert_eq!((&declared["subject"], &declared["revision"]), (&json!(subject), &json!(3)));
    let after = json("plan list")["items"][0].clone();
    assert_eq!((&after["state"], &after["revision"]), (&json!("nonconforming"), &json!(3)));
    assert_eq!((&after["volumes"], &after["callsign"]), (&before["volumes"], &before["callsign"]));
    north(&format!("plan declare {} nonconforming", &subject[..8])).refused(4, "already nonconforming");
    north(&format!("plan declare {} ended", &subject[..8])).refused(2, "possible values");

    let area = r#"{"type":"Feature","properties":{"lower":"ground","upper":"3000ftMSL"},"geometry":{"type":"Polygon",
        "coordinates":[[[9,46],[9.1,46],[9.1,46.1],[9,46.1],[9,46]]]}}"#;
    std::fs::write(at.join("area.geojson"), area).unwrap();
    north("plan file area.geojson --from now --to +1h --class uas").ok();
    north("plan file area.geojson --from now --to +1h --callsign A-NAME-FAR-TOO-LONG").refused(4, "callsign");
    north("plan file area.geojson --from now --to tomorrow").refused(2, "is not a time");

    let record = wait_for_tracks(at, &|| json("release preview --for south"));
    assert_eq!((&record["body"]["form"], record["body"]["precision_m"].as_f64()), (&json!("reduced"), Some(1000.0)));
    let track = &record["body"]["tracks"][0];
    assert_eq!(
        (&track["callsign"], &track["address"]),
        (&Value::Null, &Value::Null),
        "the identity is dropped: {record}"
    );
    assert!(
        record["bytes"].as_u64() > Some(0) && record["ledger"].as_str().unwrap().contains("reduced by rule 2"),
        "{record}"
    );
    let filed = json("release preview --for south")["filed"].clone();
    let callsigns: Vec<&Value> = filed.as_array().unwrap().iter().map(|r| &r["body"]["callsign"]).collect();
    assert!(callsigns.contains(&&json!("HUNTER1")) && callsigns.len() == 2, "the plans as they are told: {filed}");
    let text = north("release preview --for south").ok();
    assert!(text.contains("Plans and sites as it is told of them") && text.contains("callsign: HUNTER1"), "{text}");
    north("release preview --for east").refused(4, "no such party: east");
    let rules = north("release show").ok();
    assert_eq!(
        rules,
        "Release rules, revision 1\nto south\n  1. plans: full\n  2. tracks: reduced (delay_s 0.0, \
                identity drop, precision_m 1000.0)\nEverything else is withheld.\n"
    );

    // Rules of a file in the place of those in force; what is wrong changes nothing.
    let set = |text: &str| {
        std::fs::write(at.join("rules.toml"), text).unwrap();
        north("release set rules.toml")
    };
    set("[[release]]\nto = \"souht\"\nclass = \"plans\"\nlevel = \"full\"\n")
        .refused(4, "souht is no peer of this node (south)");
    set("[[release]]\nto = \"south\"\nclass = \"plans\"\nlevel = \"all\"\n")
        .refused(1, "in rules.toml: release rule 1");
    assert_eq!(north("release show").ok(), rules);
    let less = "[[release]]\nto = \"south\"\nclass = \"plans\"\naircraft = \"military\"\nlevel = \"avoid-area\"\ncell_deg = 0.5\n\
                bin_s = 60\nbox = [46.0, 7.0, 48.0, 9.0]\n";
    let shown = set(less).ok();
    assert!(shown.starts_with("Release rules, revision 2\nto south\n  1. plans: avoid-area ("), "{shown}");
    assert_eq!(north("release show").ok(), shown);
    assert!(set("release = []\n").ok().ends_with("revision 3\nEverything else is withheld.\n"));
    north("release set north/skypact.toml").ok();

    // The own desk: stated, shown, and told to the peer by a record of its own.
    assert_eq!(north("desk show").ok(), "own desk         not stated\nsouth            not stated\n");
    let left = run_words(
        at,
        &["desk", "unstaffed", "--until", "+8h", "--note", "Voice line", "--config", "north/skypact.toml"],
    );
    assert_eq!(left.ok(), "The desk is stated to be unstaffed; signed, and told to south.\n");
    let stated = || json("desk show")["own"].clone();
    let begun = Instant::now();
    while stated()["manned"] != json!(false) && begun.elapsed() < Duration::from_secs(10) {}
    assert_eq!((&stated()["manned"], &stated()["note"]), (&json!(false), &json!("Voice line")));
    assert!(stated()["next_utc_ms"].is_i64(), "{}", stated());
    let back = json("desk staffed");
    assert_eq!(back["sent"][0]["party"], "south");
    north("desk staffed").refused(4, "Nothing more is to be done.");

    // Accounts: the link signs in once, and what is wrong is refused.
    let added = json("account add olga --role officer");
    let url = added["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.contains("/#code="), "{url}");
    north("account add olga --role observer").refused(4, "there is an account olga already");
    north("account add operator --role observer").refused(4, "none of operator, node and file");
    north("account add olga2 --role chief").refused(2, "is none of observer, officer, planner, administrator");
    north("account role olga --role planner").ok();
    let renewed = north("account code olga").ok();
    assert!(renewed.starts_with("olga is planner.\nSign in once as olga, within 24 hours: http://"), "{renewed}");
    assert!(!renewed.contains(added["code"].as_str().unwrap()), "another code");
    let accounts = json("account list");
    let olga = accounts["items"].as_array().unwrap().iter().find(|a| a["name"] == "olga").unwrap().clone();
    assert_eq!((&olga["role"], &olga["must_set_password"]), (&json!("planner"), &json!(true)));
    north("account remove olga").ok();
    north("account remove olga").refused(4, "there is no account olga");

    let mut send: Vec<&str> =
        "notice send --to south --class hazard --precedence IMMEDIATE --level 3000ftMSL --start now"
            .split(' ')
            .collect();
    send.extend([
        "--text",
        "Gunfire from the ridge",
        "--place",
        "47°06'30\"N 008°12'15\"E",
        "--config",
        "north/skypact.toml",
    ]);
    let sent = run_words(at, &[&send[..], &["--json"]].concat()).json();
    assert_eq!(sent["sent"][0]["party"], "south");
    send[3] = "east";
    run_words(at, &send).refused(4, "east");
    let text = north("notice list").ok();
    assert!(text.contains("IMMEDIATE hazard, to south, queued, to be acknowledged within 4 min "), "{text}");
    assert!(text.contains("place 47.10833,8.20417; level 3000ftMSL; from "), "{text}");
    north("notice ack 0000").refused(4, "no notice received has a name that begins with \"0000\"");

    north(&format!("plan cancel {}", &subject[..8])).ok();
    north("plan cancel 0000").refused(4, "no plan has a name that begins with \"0000\"");
    let plans = json("plan list");
    let live = |p: &&Value| p["state"] != "cancelled";
    assert_eq!(plans["items"].as_array().unwrap().iter().filter(live).count(), 1, "{plans}");

    assert_eq!(node.stop(), Some(0));
    north("plan list").refused(1, "does not run: north/data/run/api is not there. Start it with");
}

#[test]
fn a_notice_goes_across_and_comes_back_acknowledged() {
    let dir = two_parties();
    let at = dir.path();
    let south_node = Node::start(at, "south", "");
    let peer = format!("\n[[peer]]\nparty = \"south\"\naddress = \"{}\"\n", south_node.link);
    let north_node = Node::start(at, "north", &peer);
    let north = |words: &str| run(at, &format!("{words} --config north/skypact.toml"));
    let south = |words: &str| run(at, &format!("{words} --config south/skypact.toml"));

    let words = "notice send --to south --class hazard --precedence FLASH --text Fire --place 47.1,8.2 --level FL050 --start \
                 2026-08-01T05:00:00Z --json";
    let sent = north(words).json();
    let id = sent["sent"][0]["id"].as_str().unwrap().to_owned();
    let wait = |what: &str, list: &dyn Fn() -> Value, done: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let items = list()["items"].as_array().cloned().unwrap_or_default();
            if items.iter().any(|n| n["id"] == *id && done(n)) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {items:?}\n{}\n{}", north_node.log(), south_node.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    wait("the notice arrives", &|| south("notice list --open --json").json(), &|n| n["direction"] == "in");

    let ack = format!("notice ack {} --level FL050 --time 2026-08-01T05:00:00Z --place", &id[..8]);
    let wrong = south(&format!("{ack} 47.2,8.2"));
    assert_eq!(wrong.code, Some(4), "{}", wrong.err);
    assert!(wrong.err.contains("\n  place: differs from the notice\nNothing was acknowledged."), "{}", wrong.err);
    let done = south(&format!("{ack} 4706N00812E")).ok();
    assert!(done.starts_with(&format!("Acknowledged {id}: the read-back agrees")), "{done}");
    south(&format!("{ack} 4706N00812E")).refused(4, "Nothing more is to be done.");
    let acknowledged = |n: &Value| n["acknowledged"]["read_back_ok"] == true;
    wait("the sender is told", &|| north("notice list --json").json(), &acknowledged);
    assert_eq!(north("notice list --open").ok(), "No notices.\n");
    assert_eq!((north_node.stop(), south_node.stop()), (Some(0), Some(0)));
}
