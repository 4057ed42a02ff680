//! Traffic services that subscribed are told of what a peer released: by a real node, at a real address, with a real token.
use crate::common::world::{START_S, Spec, World, link_up};
use crate::common::{Limit, eventually};
use crate::dss::token::Issuer;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use journal::{Journal, SegmentJournal, Seq};
use node::input::{Entry, Input, NotifyOutcome};
use oauth::{KeySet, Settings, Verifier};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const AUDIENCE: &str = "dss.example";
const SC: &str = "utm.strategic_coordination";
const CM: &str = "utm.constraint_management";
const SUBSCRIPTION: &str = "44444444-4444-4444-8444-444444444444";

/// What a traffic service was told: path, scope of the token, body.
type Told = (String, String, Value);

/// What happened at services, in its order.
type Events = Arc<Mutex<Vec<&'static str>>>;

/// A traffic service and the authorization server, at one address.
struct Service {
    at: SocketAddr,
    issuer: Arc<Issuer>,
    told: Arc<Mutex<Vec<Told>>>,
    /// Forms of requests for tokens.
    forms: Arc<Mutex<Vec<String>>>,
    /// Its next answers; 204 when there are no more.
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// `told` for each notification, and what others put here.
    events: Events,
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

impl Service {
    fn start() -> Self {
        let (told, forms, answers) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::new())));
        let issuer = Arc::new(Issuer::new().unwrap());
        let settings =
            Settings { issuers: Vec::new(), audiences: vec!["127.0.0.1".into()], leeway_s: 30, max_lifetime_s: None };
        let verifier = Arc::new(Verifier::new(settings, KeySet::from_pem(issuer.public_pem().as_bytes()).unwrap()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let events = Events::default();
        let service = Self { at: listener.local_addr().unwrap(), issuer, told, forms, answers, events };
        let (told, forms, answers, issuer) =
            (service.told.clone(), service.forms.clone(), service.answers.clone(), service.issuer.clone());
        let events = service.events.clone();
        let answer = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            assert_eq!(method, Method::POST);
            let bearer = headers["authorization"].to_str().unwrap();
            if uri.path() == "/token" {
                let form = String::from_utf8(body.to_vec()).unwrap();
                // north:s3cret
                assert_eq!(bearer, "Basic bm9ydGg6czNjcmV0", "{form}");
                let field = |name: &str| form.split('&').find_map(|f| f.strip_prefix(name)).unwrap_or("").to_owned();
                let token = issuer.token("north", &field("intended_audience="), &field("scope="), now_s()).unwrap();
                forms.lock().unwrap().push(form);
                let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 });
                return (StatusCode::OK, answer.to_string());
            }
            let claims = verifier.verify(bearer.strip_prefix("Bearer ").unwrap(), now_s()).unwrap();
            let scope = claims.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
            events.lock().unwrap().push("told");
            told.lock().unwrap().push((uri.path().to_owned(), scope, serde_json::from_slice(&body).unwrap()));
            let status = answers.lock().unwrap().pop_front().unwrap_or(204);
            (StatusCode::from_u16(status).unwrap(), String::new())
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().fallback(answer)).await
            })
        });
        service
    }

    fn answers(&self, next: &[u16]) {
        *self.answers.lock().unwrap() = next.iter().copied().collect();
    }

    /// All that it was told, when it is so much.
    #[track_caller]
    fn told(&self, what: &str, times: usize) -> Vec<Told> {
        eventually(what, 60, || {
            let told = self.told.lock().unwrap();
            (told.len() >= times).then(|| told.clone())
        })
    }
}

/// A service that takes every connection and answers nothing: `came` and `ended` for each.
fn hang(events: Events) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, events) = (socket.unwrap(), events.clone());
            events.lock().unwrap().push("came");
            std::thread::spawn(move || {
                while socket.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
                events.lock().unwrap().push("ended");
            });
        }
    });
    at
}

/// Asks the DSS of a node.
#[track_caller]
fn ask(at: &str, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// A subscription of two hours where plan 0 is, and the site.
fn subscription(service: &Service) -> Value {
    subscription_at(&format!("http://{}/utm", service.at))
}

fn subscription_at(url: &str) -> Value {
    let time = |s: i64| {
        let text = jiff::Timestamp::from_second(START_S + s).unwrap().to_string();
        json!({ "value": text, "format": "RFC3339" })
    };
    let outline = json!({ "center": { "lat": 45.0, "lng": 6.0 }, "radius": { "value": 5_000.0, "units": "M" } });
    json!({ "extents": { "volume": { "outline_circle": outline }, "time_start": time(0), "time_end": time(7200) },
        "uss_base_url": url,
        "notify_for_operational_intents": true, "notify_for_constraints": true })
}

fn numbered(index: u32) -> Value {
    json!([{ "subscription_id": SUBSCRIPTION, "notification_index": index }])
}

/// North serves traffic services and notifies them, also those that are named here though they are inside.
fn world(service: &Service, named: &[(&str, SocketAddr)]) -> World {
    let world = World::new(Spec { aircraft: 1, ..Spec::default() });
    let append = |name: &str, text: &str| {
        let config = OpenOptions::new().append(true).open(world.home(name).join("skypact.toml"));
        config.unwrap().write_all(text.as_bytes()).unwrap();
    };
    let home = world.home("north");
    fs::write(home.join("issuer.pem"), service.issuer.public_pem()).unwrap();
    let mut secret = OpenOptions::new();
    let mut secret = secret.write(true).create_new(true).mode(0o600).open(home.join("keys/client.secret")).unwrap();
    secret.write_all(b"s3cret\n").unwrap();
    let at = service.at;
    let named: Vec<_> = named.iter().map(|(uss, at)| format!("{uss} = [\"http://{at}\"]")).collect();
    let named = format!("base_urls = {{ {} }}", named.join(", "));
    append(
        "north",
        &format!(
            "\n[f3548]\nlisten = \"127.0.0.1:0\"\naudiences = [\"{AUDIENCE}\"]\nkey_files = [\"issuer.pem\"]\n\
             uss_base_url = \"https://north.example/utm\"\nhttp_base_urls = true\n{named}\n\n\
             [f3548.notify]\ntoken_url = \"http://{at}/token\"\nclient_id = \"north\"\n\
             client_secret_file = \"keys/client.secret\"\naudience_parameter = \"intended_audience\"\n"
        ),
    );
    append("south", "\n[[release]]\nto = \"north\"\nclass = \"sites\"\nlevel = \"full\"\n");
    world
}

/// What came of each try, as the journal of a node has it.
fn outcomes(world: &World) -> Vec<(NotifyOutcome, Option<String>)> {
    let folder = world.home("north").join("data/journal");
    let (held, _) = SegmentJournal::open(&folder, journal::Options::default()).unwrap();
    let inputs = held.read(Seq(1)).unwrap().map(|r| minicbor::decode::<Entry>(&r.unwrap().1).unwrap().input);
    let of = |input| if let Input::Notified(n) = input { Some((n.outcome, n.ovn)) } else { None };
    inputs.filter_map(of).collect()
}

/// What the command line lists from the data folder of north, whether it runs or not.
fn listed(world: &World, words: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
    let out = command.args(["--json", "f3548"]).args(words).current_dir(world.home("north")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_subscriber_is_told_until_it_takes_it_also_after_kill_9_and_no_more() {
    let _limit = Limit::of("notify", 180);
    let service = Service::start();
    let world = world(&service, &[("uss1", service.at)]);
    let (north, south) = (world.start("north"), world.start("south"));
    link_up(&north, &south);
    let token = service.issuer.token("uss1", AUDIENCE, &format!("{SC} utm.constraint_processing"), now_s()).unwrap();
    let dss = north.dss.clone().unwrap();
    let path = format!("/dss/v1/subscriptions/{SUBSCRIPTION}");
    let (status, made) = ask(&dss, &token, "PUT", &path, &subscription(&service));
    assert_eq!((status, &made["subscription"]["notification_index"]), (200, &json!(0)), "{made}");
    let exchange = json!({ "url": "https://dss.example/dss/v1/subscriptions", "method": "PUT", "recorder_role": "Client",
        "request_time": { "value": "2026-08-01T05:00:00Z", "format": "RFC3339" }, "problem": "no answer in time" });
    let (status, reported) = ask(&dss, &token, "POST", "/dss/v1/reports", &json!({ "exchange": exchange }));
    assert_eq!(status, 201, "{reported}");

    // A plan, to a service that is not well at first.
    service.answers(&[500, 503]);
    let subject = south.file_plan(0).unwrap().unwrap();
    let told = service.told("the plan is told until it is taken", 3);
    let (path, scope, body) = &told[2];
    assert_eq!((path.as_str(), scope.as_str()), ("/utm/uss/v1/operational_intents", SC));
    let id = body["operational_intent_id"].as_str().unwrap();
    let (status, details) = ask(&dss, &token, "GET", &format!("/uss/v1/operational_intents/{id}"), &Value::Null);
    assert_eq!((status, &body["operational_intent"]), (200, &details["operational_intent"]));
    assert_eq!(body["subscriptions"], numbered(1));
    assert!(told[0] == told[2] && told[1] == told[2]);
    let counted = |node: &crate::common::node::Node, outcome: &str| {
        node.metric(&format!("skypact_notifications_total{{outcome=\"{outcome}\"}}"))
    };
    eventually("it is counted", 20, || (counted(&north, "sent") == 1.0).then_some(()));
    assert_eq!((counted(&north, "failed"), north.metric("skypact_notifications_waiting")), (2.0, 0.0));
    assert_eq!(service.forms.lock().unwrap().len(), 1, "one token will do");

    // Withdrawn: told without details; a token that is not taken any more is made anew, at once.
    service.answers(&[401]);
    let (status, gone) = south.call("DELETE", &format!("/v1/plans/{subject}"), &Value::Null);
    assert!((200..300).contains(&status), "{status} {gone}");
    let told = service.told("the end is told", 5);
    assert_eq!(told[4].2, json!({ "operational_intent_id": id, "subscriptions": numbered(2) }));
    assert!(told[3] == told[4]);
    eventually("it is counted", 20, || (counted(&north, "sent") == 2.0).then_some(()));
    assert_eq!((counted(&north, "failed"), service.forms.lock().unwrap().len()), (2.0, 2));
    assert_eq!(
        service.forms.lock().unwrap()[1],
        format!("grant_type=client_credentials&scope={SC}&intended_audience=127.0.0.1")
    );

    // A site, while the service is away; the node dies, and tells it when it is back.
    service.answers(&[500; 1000]);
    let circle = json!({ "type": "circle", "centre": [6.0, 45.0], "radius_m": 100.0 });
    let site = json!({ "category": "hospital", "name": "Clinic", "footprint": circle, "buffer_m": 500.0,
        "verification": "independent", "expires_utc_ms": (START_S + 86_400) * 1000 });
    let (status, filed) = south.call("POST", "/v1/sites", &site);
    assert_eq!(status, 201, "{filed}");
    service.told("the site is told", 6);
    north.kill_9();
    service.answers(&[]);
    let before = service.told("it was told before", 6).len();
    let north = world.start("north");
    let told = service.told("the site is told after all", before + 1);
    let (path, scope, body) = told.last().unwrap();
    assert_eq!((path.as_str(), scope.as_str(), &body["subscriptions"]), ("/utm/uss/v1/constraints", CM, &numbered(3)));
    assert_eq!(body["constraint"]["details"]["type"], "protected site");
    eventually("it is counted", 20, || (counted(&north, "sent") == 3.0).then_some(()));
    assert_eq!(north.metric("skypact_notifications_waiting"), 0.0);
    // Nor is anything told again after another start.
    north.kill_9();
    let north = world.start("north");
    link_up(&north, &south);
    assert_eq!((counted(&north, "sent"), north.metric("skypact_notifications_waiting")), (3.0, 0.0));
    assert_eq!(service.told("no more", before + 1).len(), before + 1);
    assert!(!north.log().contains("s3cret") && !north.log().contains("Bearer"), "no secret is logged");

    // A reviewer lists it beside the running node.
    let reports = listed(&world, &["reports"]);
    assert_eq!(
        (reports.len(), &reports[0]["uss"], &reports[0]["report_id"]),
        (1, &json!("uss1"), &reported["report_id"])
    );
    assert_eq!(reports[0]["report"], json!({ "exchange": exchange }));
    let tries = listed(&world, &["notified", "--address", &format!("http://{}/", service.at)]);
    let begun = jiff::Timestamp::from_millisecond(tries[2]["utc_ms"].as_i64().unwrap()).unwrap().to_string();
    assert_eq!(listed(&world, &["notified", "--entity", id, "--from", &begun]), tries[2..4]);
    assert!(listed(&world, &["notified", "--to", "2000-01-01T00:00:00Z"]).is_empty());
    north.stop();

    // Who was told what stands in the journal.
    let outcomes = outcomes(&world);
    let of_try = |(outcome, ovn): &(NotifyOutcome, Option<String>)| match outcome {
        NotifyOutcome::Sent(status) => json!(["sent", status, ovn]),
        NotifyOutcome::Refused(status) => json!(["refused", status, ovn]),
        other => panic!("{other:?}"),
    };
    let listed: Vec<Value> = tries.iter().map(|t| json!([t["outcome"], t["status"], t["ovn"]])).collect();
    assert_eq!(listed, outcomes.iter().map(of_try).collect::<Vec<_>>());
    let ovn = |body: &Value, kind: &str| body[kind]["reference"]["ovn"].as_str().map(str::to_owned);
    let plan = ovn(&told[0].2, "operational_intent");
    assert_eq!(
        outcomes[..4],
        [
            (NotifyOutcome::Refused(500), plan.clone()),
            (NotifyOutcome::Refused(503), plan.clone()),
            (NotifyOutcome::Sent(204), plan.clone()),
            (NotifyOutcome::Sent(204), None),
        ]
    );
    assert_eq!(outcomes.last(), Some(&(NotifyOutcome::Sent(204), ovn(body, "constraint"))));
    assert!(plan.is_some());
}

#[test]
fn an_address_inside_that_nobody_named_is_not_reached() {
    let _limit = Limit::of("inside", 120);
    let service = Service::start();
    let world = world(&service, &[]);
    let secret = world.home("north").join("keys/client.secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.refused("north").said;
    assert!(refused.contains("f3548.notify.client_secret_file") && refused.contains("read by others"), "{refused}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (north, south) = (world.start("north"), world.start("south"));
    link_up(&north, &south);
    let token = service.issuer.token("uss1", AUDIENCE, SC, now_s()).unwrap();
    let path = format!("/dss/v1/subscriptions/{SUBSCRIPTION}");
    assert_eq!(ask(&north.dss.clone().unwrap(), &token, "PUT", &path, &subscription(&service)).0, 200);
    south.file_plan(0).unwrap().unwrap();
    eventually("it was tried", 20, || {
        (north.metric("skypact_notifications_total{outcome=\"failed\"}") >= 2.0).then_some(())
    });
    assert!(north.log().contains("127.0.0.1, which is not on the public internet"), "{}", north.log());
    assert!(service.told.lock().unwrap().is_empty());
    assert_eq!(north.metric("skypact_notifications_waiting"), 1.0);
}

#[test]
fn one_uss_whose_addresses_all_hang_holds_up_no_other() {
    let _limit = Limit::of("hanging", 180);
    let service = Service::start();
    let hung = hang(service.events.clone());
    // By name it comes first.
    let world = world(&service, &[("uss0", hung), ("uss1", service.at)]);
    let (north, south) = (world.start("north"), world.start("south"));
    link_up(&north, &south);
    let dss = north.dss.clone().unwrap();
    let subscribe = |uss: &str, id: &str, body: &Value| {
        let token = service.issuer.token(uss, AUDIENCE, SC, now_s()).unwrap();
        let (status, made) = ask(&dss, &token, "PUT", &format!("/dss/v1/subscriptions/{id}"), body);
        assert_eq!(status, 200, "{made}");
    };
    for n in 0..50 {
        let id = format!("55555555-5555-4555-8555-{n:012}");
        subscribe("uss0", &id, &subscription_at(&format!("http://{hung}/{n}")));
    }
    subscribe("uss1", SUBSCRIPTION, &subscription(&service));
    let subject = south.file_plan(0).unwrap().unwrap();
    assert_eq!(service.told("the other is told", 1)[0].2["subscriptions"], numbered(1));
    let (status, gone) = south.call("DELETE", &format!("/v1/plans/{subject}"), &Value::Null);
    assert!((200..300).contains(&status), "{status} {gone}");
    assert_eq!(service.told("and of what comes then", 2)[1].2["subscriptions"], numbered(2));
    let events = service.events.lock().unwrap().clone();
    let before_any_ended = events.split(|event| *event == "ended").next().unwrap();
    assert!(before_any_ended.contains(&"told"), "not when one was given up: {events:?}");
    let came = before_any_ended.iter().filter(|event| **event == "came").count();
    assert!((1..=4).contains(&came), "{events:?}");
    eventually("those of the other wait, and nothing else", 20, || {
        (north.metric("skypact_notifications_waiting") == 50.0).then_some(())
    });
}
