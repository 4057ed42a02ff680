//! A node as the DSS of drone traffic services: races, a kill in their midst, clients that timed out.
use crate::common::node::Node;
use crate::common::world::{START_S, Spec, World, link_up};
use crate::common::{Limit, eventually};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;
use token::Issuer;

#[path = "../../src/cli/bench/f3548/token.rs"]
pub mod token;

const AUDIENCE: &str = "dss.example";
const INTENTS: &str = "/dss/v1/operational_intent_references";

/// The generator with its ledger is the benchmark's: `skypact bench f3548 --profile race` is the long form, 64 clients for a minute.
#[test]
fn of_clients_that_race_none_overlooks_another_and_kill_9_loses_no_acknowledged_write() {
    let _limit = Limit::of("race", 180);
    let dir = tempfile::tempdir().unwrap();
    let race = Command::new(env!("CARGO_BIN_EXE_skypact"))
        .args(["--json", "bench", "f3548", "--profile", "race", "--runs", "1", "--clients", "16", "--seconds", "10"])
        .args(["--kills", "3", "--dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&race.stderr);
    assert!(race.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&race.stdout).unwrap();
    let found = &report["rows"][0]["more"];
    for what in ["writes acknowledged", "pairs that met, all named", "read back after a kill or at the end"] {
        let count: u64 = found[what].as_str().unwrap().parse().unwrap();
        assert!(count > 100, "{what}: {report}");
    }
}

/// A node that serves the DSS, and a traffic service that asks it.
struct Dss {
    world: World,
    node: Option<Node>,
    token: String,
    /// In the name of a peer.
    peers_token: String,
}

impl Dss {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With these markings, of which plans of traffic services bear the first.
    fn with(markings: &[&str]) -> Self {
        let world = World::new(Spec { aircraft: 1, ..Spec::default() });
        let (home, issuer) = (world.home("north"), Issuer::new().unwrap());
        std::fs::write(home.join("issuer.pem"), issuer.public_pem()).unwrap();
        let text = format!(
            "\n[f3548]\nlisten = \"127.0.0.1:0\"\naudiences = [\"{AUDIENCE}\"]\nkey_files = [\"issuer.pem\"]\n\
             uss_base_url = \"https://north.example/utm\"\n"
        );
        let marking = markings.first().map_or_else(String::new, |first| format!("plans_marking = \"{first}\"\n"));
        let path = home.join("skypact.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("markings = {markings:?}\n{config}{text}{marking}")).unwrap();
        // The exercise is of another day; tokens are of this one.
        let now_s = jiff::Timestamp::now().as_second();
        let token = |sub| issuer.token(sub, AUDIENCE, "utm.strategic_coordination", now_s).unwrap();
        let (token, peers_token) = (token("uss1"), token("south"));
        let node = Some(world.start("north"));
        Self { world, node, token, peers_token }
    }

    /// Sends a request whole, and does not read what comes.
    fn send(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> TcpStream {
        let at = self.node.as_ref().unwrap().dss.clone().unwrap();
        let mut socket = TcpStream::connect(&at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {}\r\n{key}Content-Length: {}\r\n\
             Connection: close\r\n\r\n",
            self.token,
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        socket
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let mut answer = String::new();
        self.send(method, path, key, body).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A client that gives up before the answer; what the write did is waited for on another way.
    fn time_out(&self, method: &str, path: &str, key: Option<&str>, body: &Value, done: impl Fn(u16, &Value) -> bool) {
        let socket = self.send(method, path, key, body);
        let id = path.strip_prefix(INTENTS).unwrap().split('/').nth(1).unwrap();
        eventually("the write is done", 20, || {
            let (status, held) = self.ask("GET", &format!("{INTENTS}/{id}"), None, &Value::Null);
            done(status, &held["operational_intent_reference"]).then_some(())
        });
        drop(socket);
    }

    fn kill_9_and_start(&mut self) {
        self.node.take().unwrap().kill_9();
        self.node = Some(self.world.start("north"));
    }
}

fn intent(activated: bool, lat: f64) -> Value {
    let time = |s: i64| {
        let text = jiff::Timestamp::from_second(START_S + s).unwrap().to_string();
        json!({ "value": text, "format": "RFC3339" })
    };
    let height = |m: f64| json!({ "value": m, "reference": "W84", "units": "M" });
    let outline = json!({ "center": { "lat": lat, "lng": 6.1469 }, "radius": { "value": 50.0, "units": "M" } });
    let volume = json!({ "outline_circle": outline, "altitude_lower": height(0.0), "altitude_upper": height(50.0) });
    let mut body = json!({ "extents": [{ "volume": volume, "time_start": time(3600), "time_end": time(3660) }],
        "key": [], "state": if activated { "Activated" } else { "Accepted" }, "uss_base_url": "https://uss1.example/utm" });
    if activated {
        body["new_subscription"] = json!({ "uss_base_url": "https://uss1.example/utm" });
    }
    body
}

/// A version number alone says whether an answer is the one that was given: it is never made twice.
#[track_caller]
fn ovn(answer: &Value) -> String {
    answer["operational_intent_reference"]["ovn"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_client_that_timed_out_reads_its_result_again_also_after_kill_9() {
    let _limit = Limit::of("timed_out", 120);
    let mut dss = Dss::new();
    let (plain, keyed) = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    let (plain_at, keyed_at) = (format!("{INTENTS}/{plain}"), format!("{INTENTS}/{keyed}"));
    let version = |n: u64| move |status: u16, held: &Value| status == 200 && held["version"] == n;

    // Without a key: the refusal bears the result of the same request, and of no other.
    let create = intent(false, 46.0);
    dss.time_out("PUT", &plain_at, None, &create, version(1));
    let (status, again) = dss.ask("PUT", &plain_at, None, &create);
    assert_eq!(status, 409, "{again}");
    let first = ovn(&again);
    let held = dss.ask("GET", &plain_at, None, &Value::Null).1;
    assert_eq!(again["operational_intent_reference"], held["operational_intent_reference"]);
    let (status, other) = dss.ask("PUT", &plain_at, None, &intent(false, 46.2));
    assert!(status == 409 && other.get("operational_intent_reference").is_none(), "{status} {other}");
    let (update, update_at) = (intent(true, 46.0), format!("{plain_at}/{first}"));
    dss.time_out("PUT", &update_at, None, &update, version(2));
    let (status, again) = dss.ask("PUT", &update_at, None, &update);
    let second = ovn(&again);
    assert!(status == 409 && second != first, "{status} {again}");
    dss.kill_9_and_start();
    let (status, again) = dss.ask("PUT", &update_at, None, &update);
    assert_eq!((status, ovn(&again)), (409, second));

    // With one: the first answer, whatever happened since.
    let create = intent(false, 46.4);
    dss.time_out("PUT", &keyed_at, Some("create"), &create, version(1));
    let created = dss.ask("PUT", &keyed_at, Some("create"), &create);
    assert_eq!(created.0, 201, "{}", created.1);
    let (update, update_at) = (intent(true, 46.4), format!("{keyed_at}/{}", ovn(&created.1)));
    let updated = dss.ask("PUT", &update_at, Some("update"), &update);
    assert_eq!(updated.0, 200, "{}", updated.1);
    let ended_at = format!("{keyed_at}/{}", ovn(&updated.1));
    dss.time_out("DELETE", &ended_at, Some("end"), &Value::Null, |status, _| status == 404);
    let ended = dss.ask("DELETE", &ended_at, Some("end"), &Value::Null);
    assert_eq!((ended.0, ovn(&ended.1)), (200, ovn(&updated.1)));
    for killed in [false, true] {
        if killed {
            dss.kill_9_and_start();
        }
        assert_eq!(dss.ask("PUT", &keyed_at, Some("create"), &create), created, "killed: {killed}");
        assert_eq!(dss.ask("PUT", &update_at, Some("update"), &update), updated, "killed: {killed}");
        assert_eq!(dss.ask("DELETE", &ended_at, Some("end"), &Value::Null), ended, "killed: {killed}");
        assert_eq!(dss.ask("GET", &keyed_at, None, &Value::Null).0, 404, "nothing was done twice");
    }
    // A key names one request: what is asked under it is asked anew if it is another.
    assert_eq!(dss.ask("DELETE", &ended_at, Some("create"), &Value::Null).0, 404);
}

#[test]
fn what_a_peer_released_is_found_met_and_told_with_its_details() {
    let _limit = Limit::of("released", 120);
    let mut dss = Dss::new();
    let south = dss.world.start("south");
    link_up(dss.node.as_ref().unwrap(), &south);
    let subject = south.file_plan(0).unwrap().unwrap();

    let at = |mut body: Value| {
        body["extents"][0]["volume"]["outline_circle"]["center"] = json!({ "lat": 45.0, "lng": 6.0 });
        body
    };
    let area = json!({ "area_of_interest": at(intent(false, 45.0))["extents"][0] });
    let query = || {
        let found = dss.ask("POST", &format!("{INTENTS}/query"), None, &area).1;
        found["operational_intent_references"].as_array().unwrap().clone()
    };
    let shown = eventually("the plan is there", 20, || query().first().cloned());
    assert_eq!((&shown["manager"], &shown["uss_base_url"]), (&json!("south"), &json!("https://north.example/utm")));
    assert_eq!(shown["ovn"], "Available from USS");

    let id = shown["id"].as_str().unwrap();
    let (status, told) = dss.ask("GET", &format!("/uss/v1/operational_intents/{id}"), None, &Value::Null);
    assert_eq!(status, 200, "{told}");
    let volumes = told["operational_intent"]["details"]["volumes"].as_array().unwrap();
    let outline = &volumes[0]["volume"]["outline_circle"];
    assert_eq!((volumes.len(), &outline["center"]), (1, &json!({ "lat": 45.0, "lng": 6.0 })));
    // 500 m, and what the standard's earth may make of it.
    assert_eq!(outline["radius"], json!({ "value": 503.0, "units": "M" }));

    let own = format!("{INTENTS}/33333333-3333-4333-8333-333333333333");
    let (status, refused) = dss.ask("PUT", &own, None, &at(intent(false, 45.0)));
    assert_eq!((status, &refused["missing_operational_intents"][0]["id"]), (409, &json!(id)), "{refused}");
    let mut named = at(intent(false, 45.0));
    named["key"] = json!([told["operational_intent"]["reference"]["ovn"]]);
    assert_eq!(dss.ask("PUT", &own, None, &named).0, 201);

    let (status, gone) = south.call("DELETE", &format!("/v1/plans/{subject}"), &Value::Null);
    assert!((200..300).contains(&status), "{status} {gone}");
    eventually("the plan is gone", 20, || (query().len() == 1).then_some(()));
    assert_eq!(dss.ask("GET", &format!("/uss/v1/operational_intents/{id}"), None, &Value::Null).0, 404);

    dss.token = dss.peers_token.clone();
    let (status, refused) = dss.ask("PUT", &own, None, &at(intent(false, 45.0)));
    assert!(status == 403 && refused["message"].as_str().unwrap().contains("sub south"), "{status} {refused}");
}

#[test]
fn what_a_traffic_service_writes_is_a_plan_that_the_peer_is_told_of_as_long_as_it_is_there() {
    let _limit = Limit::of("filed", 120);
    let mut dss = Dss::with(&["drones"]);
    let south = dss.world.start("south");
    link_up(dss.node.as_ref().unwrap(), &south);
    let path = format!("{INTENTS}/33333333-3333-4333-8333-333333333333");
    let (status, made) = dss.ask("PUT", &path, None, &intent(false, 46.0));
    assert_eq!(status, 201, "{made}");

    let plan = eventually("the peer is told", 20, || south.list("/v1/plans").pop());
    assert_eq!((&plan["class"], &plan["state"]), (&json!("uas"), &json!("accepted")));
    assert_eq!((&plan["owner"], plan.get("uss")), (&json!("north"), None));
    let outline = json!({ "type": "circle", "centre": [6.1469, 46.0], "radius_m": 50.0 });
    assert_eq!(plan["volumes"][0]["outline"], outline, "{plan}");
    let own = dss.node.as_ref().unwrap().list("/v1/plans");
    assert_eq!((own.len(), &own[0]["uss"], &own[0]["subject"]), (1, &json!("uss1"), &plan["subject"]));

    let counted = ["skypact_dss_references{kind=\"intents\"} 1\n", "\nskypact_dss_token_keys 1\n"];
    let all = |metrics: String| counted.iter().all(|of| metrics.contains(of));
    eventually("it is counted", 5, || all(dss.node.as_ref().unwrap().metrics()).then_some(()));

    // It is the traffic service's, and stays so over a kill.
    dss.kill_9_and_start();
    let north = dss.node.as_ref().unwrap();
    let address = format!("/v1/plans/{}", plan["subject"].as_str().unwrap());
    let (status, refused) = north.call("DELETE", &address, &Value::Null);
    assert!(status == 422 && refused.to_string().contains("traffic service uss1"), "{status} {refused}");
    let (status, gone) = dss.ask("DELETE", &format!("{path}/{}", ovn(&made)), None, &Value::Null);
    assert_eq!(status, 200, "{gone}");
    eventually("the peer knows of its end", 20, || south.list("/v1/plans").is_empty().then_some(()));
    let own = || dss.node.as_ref().unwrap().list("/v1/plans");
    eventually("it is gone here", 20, || own().is_empty().then_some(()));
}
