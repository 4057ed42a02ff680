//! Bodies of requests, by the router they come in through, before a real node's fold.
//!
//! A body that is accepted becomes a command, and the command is folded: what the interface lets through must not make
//! the fold panic either.
use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use airspace::{Limit, Outline};
use api_native::{AuditRow, Backend, Denied, Health, JournalState, OneTimeCodes, Options, Preview, Seen, Unavailable};
use axum::body::Body;
use axum::http::{Request, header};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use node::command::{Actor, Answer, Command};
use node::input::{Boot, Entry, Input, Output, PaintedAlert};
use node::view::View;
use node::{Decisions, Listed, NearSite, State, Unflown, Unplanned};
use pact::{KeyReason, KeySet, KeyStatement, Minima, Pact, Party, SignedKeys, SignedPact};
use record::{Hash32, Mode, PartyId};
use tlog::NoteSigner;
use tokio::sync::watch;
use tower::ServiceExt;
use units::{Altitude, Height, Mono, NM_MM, Now, Reference, Utc, Vertex};

use crate::{Seeds, Target, Verdict, seed};

macro_rules! bodies {
    ($($name:literal, $method:literal, $path:expr, [$($example:literal => $json:expr),+];)+) => {
        /// Method and path of each body that has a target.
        pub const BODIES: &[(&str, &str)] = &[$(($method, $path)),+];

        pub(crate) const TARGETS: &[Target] = &[
            $(Target {
                name: concat!("api-", $name),
                about: concat!("the body of a request: ", $name),
                bytes_max: 4096,
                run: |bytes| run($method, $path, bytes),
                seeds: || vec![$(seed($example, $json)),+],
            },)+
            Target {
                name: "api-stream",
                about: "a console's message on the stream",
                bytes_max: 4096,
                run: stream,
                seeds: stream_seeds,
            },
        ];
    };
}

bodies! {
    "sign-in", "POST", "/v1/sign-in", [
        "ok-name" => r#"{"name":"anna","password":"x"}"#,
        "ok-code" => r#"{"code":"AAAA-BBBB"}"#,
        "no-both" => r#"{"code":"X","name":"anna"}"#];
    "password", "POST", "/v1/password", [
        "ok-operator-has-none" => r#"{"password":"ten years of rain"}"#,
        "no-json" => "{"];
    "token", "POST", "/v1/tokens", [
        "ok-bridge" => r#"{"name":"bridge","role":"planner","expires_utc_ms":1780358400000}"#,
        "no-role" => r#"{"name":"bridge","role":"king","expires_utc_ms":1780358400000}"#];
    "account", "PUT", "/v1/accounts/ben", [
        "ok-officer" => r#"{"role":"officer"}"#,
        "ok-new-code" => r#"{"role":"planner","new_code":true}"#,
        "no-role" => "{}"];
    "alert-acknowledge", "POST", "/v1/alerts/11/acknowledge", [
        "ok-any" => "{}",
        "ok-raising" => r#"{"raising":2}"#,
        "no-raising" => r#"{"raising":0}"#];
    "notice", "POST", "/v1/notices", [
        "ok-hold" => r#"{"to":["south"],"class":"hold","precedence":"FLASH","text":"x"}"#,
        "ok-whole" => r#"{"to":["south"],"class":"activation","precedence":"IMMEDIATE","text":"Range active\nuntil noon","place":{"lat":-0.0000001,"lon":180},"level":{"value_m":100.5,"reference":"agl"},"start_utc_ms":5,"end_utc_ms":6,"volumes":[{"outline":{"type":"circle","centre":[8.5,47.25],"radius_m":9260},"lower":null,"upper":{"value_ft":24000,"reference":"pressure"},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}],"action":"Keep clear","receipt":"ACKNOWLEDGED"}"#,
        "no-party" => r#"{"to":[],"class":"hold","precedence":"FLASH","text":"x"}"#];
    "notice-acknowledge", "POST", "/v1/notices/abababababababababababababababababababababababababababababababab/acknowledge", [
        "ok-whole" => r#"{"read_back":{"place":{"lat":47.25,"lon":8.5},"level":{"value_ft":24000,"reference":"pressure"},"time_utc_ms":1780272000000}}"#,
        "no-read-back" => "{}"];
    "plan", "POST", "/v1/plans", [
        "ok-circle" => r#"{"callsign":"RESCUE1","class":"humanitarian","state":"accepted","priority":10,"special":"MEDEVAC","address":"4B1A41","volumes":[{"outline":{"type":"circle","centre":[8.5,47.25],"radius_m":9260},"lower":null,"upper":{"value_ft":24000,"reference":"pressure"},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "ok-polygon" => r#"{"class":"uas","state":"accepted","volumes":[{"outline":{"type":"polygon","points":[[8,47],[8.1,47],[8.1,47.1]]},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "ok-whole-list" => r#"{"callsign":"A1","class":"unknown","state":"contingent","priority":0,"special":"SAR","volumes":[{"outline":{"type":"corridor","points":[[179.9,0],[-179.9,0.1],[-179.8,0.2]],"half_width_m":50.5},"lower":{"value_m":0,"reference":"agl"},"upper":{"value_m":120,"reference":"agl"},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000},{"outline":{"type":"polygon","points":[[8,47],[8.1,47],[8.1,47.1],[8,47.1],[8,47]]},"lower":{"value_ft":5000,"reference":"pressure"},"upper":{"value_ft":5000,"reference":"pressure"},"start_utc_ms":1780272000000,"end_utc_ms":1780272000001}]}"#,
        "ok-corridor" => r#"{"class":"civil","state":"activated","volumes":[{"outline":{"type":"corridor","points":[[8,47],[8.1,47.2]],"half_width_m":500},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "no-crossing" => r#"{"class":"uas","state":"accepted","volumes":[{"outline":{"type":"polygon","points":[[8,47],[8.1,47.1],[8.1,47],[8,47.1]]},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "no-volumes" => r#"{"class":"uas","state":"accepted","volumes":[]}"#];
    "site", "POST", "/v1/sites", [
        "ok-hospital" => r#"{"category":"hospital","name":"Kantonsspital","footprint":{"type":"circle","centre":[8.5,47.25],"radius_m":926},"buffer_m":500,"verification":"independent","expires_utc_ms":1780358400000}"#,
        "no-buffer" => r#"{"category":"hospital","footprint":{"type":"circle","centre":[8.5,47.25],"radius_m":926},"buffer_m":-1,"verification":"independent","expires_utc_ms":1}"#];
    "site-check", "POST", "/v1/sites/check", [
        "ok-mgrs" => r#"{"place":{"text":"32TMT 39618 17510"}}"#,
        "ok-degrees" => r#"{"place":{"lat":47.25,"lon":8.5}}"#,
        "no-both" => r#"{"place":{"text":"47N 8E","lat":47.25,"lon":8.5}}"#];
    "avoid", "POST", "/v1/avoid", [
        "ok-one" => r#"{"to":["south"],"volumes":[{"outline":{"type":"circle","centre":[8.5,47.25],"radius_m":9260},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "no-volumes" => r#"{"to":["south"],"volumes":[]}"#];
    "plan-revise", "PUT", "/v1/plans/05050505050505050505050505050505", [
        "ok-extremes" => r#"{"class":"military","state":"nonconforming","priority":100,"volumes":[{"outline":{"type":"circle","centre":[-180,-89.9],"radius_m":1},"lower":{"value_m":-100,"reference":"wgs84"},"upper":{"value_ft":66000,"reference":"msl"},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000}]}"#,
        "no-class" => r#"{"class":"x","state":"accepted","volumes":[]}"#];
    "notice-answer", "POST", "/v1/notices/abababababababababababababababababababababababababababababababab/answer", [
        "ok-decided" => r#"{"level":"RESPONDED","decision":"unable","text":"No crew until 15:00"}"#,
        "ok-published" => r#"{"level":"PUBLISHED","text":"NOTAM A0123/26"}"#,
        "no-level" => r#"{"level":"SEEN","text":"x"}"#];
    "desk", "POST", "/v1/desk", [
        "ok-nobody" => r#"{"manned":false,"next_utc_ms":1780358400000,"note":"Voice line to the operations centre"}"#,
        "ok-somebody" => r#"{"manned":true}"#,
        "no-word" => r#"{"manned":"yes"}"#];
    "keys", "POST", "/v1/keys", [
        "ok-replaced" => keys_statement(),
        "no-statement" => r#"{"statement":"skypact keys\n"}"#,
        "no-text" => r#"{"statement":7}"#];
    "plan-marking", "PUT", "/v1/plans/05050505050505050505050505050505/marking", [
        "ok-taken-away" => "{}",
        "ok-marked" => r#"{"marking":"medevac"}"#,
        "no-marking" => r#"{"marking":"Med Evac"}"#];
    "plan-state", "PUT", "/v1/plans/05050505050505050505050505050505/state", [
        "ok-contingent" => r#"{"state":"contingent"}"#,
        "no-state" => r#"{"state":"lost"}"#];
    "aircraft-marking", "PUT", "/v1/aircraft/4b1a41/marking", [
        "ok-marked" => r#"{"marking":"medevac"}"#,
        "no-marking" => r#"{"marking":""}"#];
    "inhibition", "POST", "/v1/inhibitions", [
        "ok-flight" => r#"{"flight":"3c6444","reason":"Calibration","until_utc_ms":1780275600000}"#,
        "ok-pair" => r#"{"pair":["TIGER1","TIGER2"],"reason":"Formation","until_utc_ms":1780358400000}"#,
        "ok-volume" => r#"{"volume":{"outline":{"type":"circle","centre":[8.5,47.25],"radius_m":9260},"start_utc_ms":1780272000000,"end_utc_ms":1780275600000},"reason":"Training area","until_utc_ms":1780275600000}"#,
        "no-two" => r#"{"flight":"A","pair":["B","C"],"reason":"x","until_utc_ms":1780275600000}"#,
        "no-pair" => r#"{"pair":["B"],"reason":"x","until_utc_ms":1780275600000}"#];
    "cleared", "POST", "/v1/cleared", [
        "ok-level" => r#"{"flight":"DLH123","level":{"value_ft":24000,"reference":"pressure"},"until_utc_ms":1780275600000}"#,
        "ok-none" => r#"{"flight":"DLH123","level":null,"until_utc_ms":1780275600000}"#,
        "no-flight" => r#"{"level":null,"until_utc_ms":1780275600000}"#];
    "alert-reason", "POST", "/v1/alerts/11/reason", [
        "ok-any" => r#"{"reason":"Landing site agreed with the hospital"}"#,
        "no-reason" => r#"{"reason":""}"#];
    "channel", "POST", "/v1/channel/south", [
        "ok-suspended" => r#"{"state":"suspended","reason":"the pact is broken"}"#,
        "no-reason" => r#"{"state":"x"}"#];
    "release", "PUT", "/v1/release", [
        "ok-rules" => r#"{"rules":{"south":[{"class":"tracks","aircraft":"uas","area":{"type":"circle","centre":[8.5,47.25],"radius_m":5000},"level":"reduced","precision_m":250,"delay_s":1.5,"identity":"pseudonym"},{"class":"plans","level":"avoid-area","cell_deg":0.25,"bin_s":60},{"class":"conflicts","level":"full"}]}}"#,
        "ok-everything" => r#"{"revision":0,"rules":{"south":[{"class":"tracks","aircraft":"humanitarian","level":"full","every_s":10,"marking":"medevac","from_utc_ms":1780272000000,"until_utc_ms":1780358400000,"daily":"22:00-06:00"},{"class":"sites","level":"withheld"}]}}"#,
        "ok-box" => r#"{"rules":{"south":[{"class":"tracks","level":"coarse","cell_deg":0.1,"bin_s":60,"area":{"type":"box","south":5,"west":0,"north":6,"east":1}}]}}"#,
        "no-party" => r#"{"rules":{"South":[]}}"#];
}

/// 2026-06-01T00:00:00Z.
const NOW: Now = Now { mono: Mono(1000), utc: Utc(1_780_272_000_000), utc_error_ms: 5 };
const OPERATOR: &str = "run-token";
/// An answer is a list of at most 32 errors or what was filed; the longest text a body can make it repeat is bounded too.
const ANSWER_BYTES_MAX: usize = 64 << 10;

fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// The authority key of a party.
fn authority(name: &str) -> NoteSigner {
    must(NoteSigner::new(&format!("skypact.keys/{name}"), &[name.as_bytes()[0]; 32]))
}

/// The pact of `north` and `south`, signed by both.
fn signed() -> SignedPact {
    let signer = |name: &str, n: u8| must(NoteSigner::new(&format!("skypact.link/{name}"), &[n; 32]));
    let party = |name: &str, n: u8| Party {
        id: must(PartyId::parse(name)),
        name: name.to_string(),
        log_key: signer(name, n).verifier().clone(),
        cosign_key: must(NoteSigner::cosigner(&format!("skypact.link/{name}"), &[n + 10; 32])).verifier().clone(),
        tls_spki_sha256: Hash32([n; 32]),
        authority_key: Some(authority(name).verifier().clone()),
        desk: String::from("no voice line"),
    };
    let pact = Pact {
        parties: vec![party("north", 1), party("south", 2)],
        area: Outline::Circle { centre: must(Vertex::from_degrees(47.0, 8.0)), radius_mm: 500 * NM_MM },
        lower: Limit::Unlimited,
        upper: Limit::At(Altitude::Known(Height::from_feet(66_000), Reference::Pressure)),
        valid_from: Utc(NOW.utc.0 - 86_400_000),
        valid_until: Utc(NOW.utc.0 + 86_400_000),
        default_minima: Minima { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
        pairs: Vec::new(),
        alarm_horizon_ms: 120_000,
        notice_s: Default::default(),
        acknowledge_s: [14_400, 1_800, 300, 60],
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 60_000,
        clock_refuse_ms: 600_000,
        checkpoints_shared: false,
        rates: Default::default(),
        padding: None,
        oversight: Default::default(),
    };
    let mut signed = must(SignedPact::unsigned(pact));
    must(signed.sign(&signer("north", 1)));
    must(signed.sign(&signer("south", 2)));
    signed
}

/// A body with a statement that replaces the keys of `south`.
fn keys_statement() -> String {
    let statement = KeyStatement {
        pact: signed().pact().hash(),
        party: must(PartyId::parse("south")),
        serial: 1,
        keys: KeySet {
            log_key: must(NoteSigner::new("skypact.link/south", &[31; 32])).verifier().clone(),
            cosign_key: must(NoteSigner::cosigner("skypact.link/south", &[32; 32])).verifier().clone(),
            tls_spki_sha256: Hash32([33; 32]),
        },
        reason: KeyReason::Rotation,
        issued: NOW.utc,
    };
    let signed = must(SignedKeys::sign(statement, &authority("south")));
    serde_json::json!({ "statement": signed.to_text() }).to_string()
}

/// A node of `north` with a pact with `south`.
fn booted() -> &'static State {
    static BOOTED: OnceLock<State> = OnceLock::new();
    BOOTED.get_or_init(|| {
        let signed = signed();
        let boot = Boot {
            party: must(PartyId::parse("north")),
            mode: Mode::Live,
            pacts: vec![must(String::from_utf8(signed.to_bytes()))],
            feeds: Vec::new(),
            pseudonym_secret: [9; 32],
            policy: release::Policy::default(),
            software: String::from("fuzz"),
            statements: Vec::new(),
            markings: vec![must(release::Marking::parse("medevac").ok_or("a marking"))],
            dss_base_url: None,
            dss_marking: None,
            dss_notifies: false,
        };
        let mut state = State::default();
        state.apply(&Entry { now: NOW, input: Input::Boot(Box::new(boot)) }, &mut Vec::new());
        state
    })
}

/// The fold behind the interface, without a journal.
struct Folding {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    commands: Mutex<Vec<Command>>,
}

impl Folding {
    fn apply(&self, input: Input) -> Vec<Output> {
        let bytes = must(minicbor::to_vec(&Entry { now: NOW, input }));
        // As a journal would give it back: what was accepted must be readable at the next start.
        let entry: Entry = must(minicbor::decode(&bytes));
        let mut outputs = Vec::new();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).apply(&entry, &mut outputs);
        self.changed.send_modify(|n| *n += 1);
        outputs
    }
}

impl Backend for Folding {
    fn view(&self) -> Arc<View> {
        Arc::new(self.state.lock().unwrap_or_else(PoisonError::into_inner).view(NOW))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn command(
        &self,
        actor: Actor,
        key: Option<String>,
        command: Command,
    ) -> BoxFuture<'_, Result<Answer, Unavailable>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command.clone());
        let outputs = self.apply(Input::Command { actor, key, command: Box::new(command) });
        let answer = outputs.into_iter().find_map(|output| match output {
            Output::Answer(answer) => answer.command(),
            _ => None,
        });
        let answer = answer.unwrap_or_else(|| panic!("a command is answered"));
        Box::pin(async move { Ok(answer) })
    }

    fn attempt(
        &self,
        actor: Actor,
        command: String,
        refused: String,
        times: u32,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.apply(Input::Attempt { actor, command, refused, times });
        Box::pin(async { Ok(()) })
    }

    fn displayed(
        &self,
        actor: Actor,
        alerts: Vec<PaintedAlert>,
        notices: Vec<Hash32>,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.apply(Input::Displayed { actor, alerts, notices });
        Box::pin(async { Ok(()) })
    }

    fn preview(&self, _: PartyId) -> BoxFuture<'_, Option<Preview>> {
        Box::pin(async { None })
    }

    fn denied(&self, _: PartyId) -> BoxFuture<'_, Option<Vec<Denied>>> {
        Box::pin(async { None })
    }

    fn decisions(&self, alert: u64) -> BoxFuture<'_, Option<Decisions>> {
        let decisions = self.state.lock().unwrap_or_else(PoisonError::into_inner).decisions(alert).cloned();
        Box::pin(async { decisions })
    }

    fn planned(&self) -> BoxFuture<'_, (Listed<Unplanned>, Listed<Unflown>)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = (state.unplanned(NOW.utc), state.unflown(NOW.utc));
        Box::pin(async { lists })
    }

    fn sites_near(&self, at: Vertex, radius_mm: i64) -> BoxFuture<'_, Option<(Vec<NearSite>, usize)>> {
        let near = self.state.lock().unwrap_or_else(PoisonError::into_inner).sites_near(at, radius_mm);
        Box::pin(async { Some(near) })
    }

    fn seen_by(&self, _: PartyId) -> BoxFuture<'_, Option<Seen>> {
        Box::pin(async { None })
    }

    fn audit(&self, _: u64, _: usize) -> BoxFuture<'_, Vec<AuditRow>> {
        Box::pin(async { Vec::new() })
    }

    fn health(&self) -> Health {
        Health { journal: JournalState::Ok, bytes: 0, last_seq: 0, frozen: None }
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn clock_utc(&self) -> Utc {
        NOW.utc
    }

    fn random32(&self) -> [u8; 32] {
        [5; 32]
    }
}

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> =
        RefCell::new(must(tokio::runtime::Builder::new_current_thread().enable_time().build()));
}

fn run(method: &str, path: &str, bytes: &[u8]) -> Verdict {
    let folding = Arc::new(Folding {
        state: Mutex::new(booted().clone()),
        changed: watch::Sender::new(0),
        commands: Mutex::default(),
    });
    let mut options = Options::new(Arc::new(OneTimeCodes::new(|| [6; 32])));
    options.operator_token_sha256 = Some(api_native::secret_hash(OPERATOR));
    let router = api_native::router(folding.clone(), options);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(bytes.to_vec()));
    let (status, answer) = RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let response = must(router.oneshot(must(request)).await);
            let status = response.status();
            (status, must(response.into_body().collect().await).to_bytes())
        })
    });
    let told = String::from_utf8_lossy(&answer).into_owned();
    assert!(!status.is_server_error(), "{method} {path}: {status} {told}");
    assert!(answer.len() <= ANSWER_BYTES_MAX, "{} bytes of answer to {} bytes", answer.len(), bytes.len());
    let commands = folding.commands.lock().unwrap_or_else(PoisonError::into_inner).len();
    assert!(commands <= 1, "one request, {commands} commands");
    if matches!(status.as_u16(), 400 | 413 | 415 | 422) {
        let problem: serde_json::Value = must(serde_json::from_slice(&answer));
        assert!(problem["type"].as_str().is_some_and(|t| t.starts_with("urn:skypact:problem:")), "{told}");
        assert_eq!(problem["status"], status.as_u16());
        return Err(told);
    }
    Ok(())
}

fn stream(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(crate::refused)?;
    api_native::check_stream_message(text).map_err(crate::refused)
}

fn stream_seeds() -> Seeds {
    vec![
        seed("ok-displayed", r#"{"type":"displayed","frame":3,"alerts":[{"id":"11","raising":2}],"notices":[]}"#),
        seed("ok-view", r#"{"type":"view","as":"south"}"#),
        seed("no-frame", r#"{"type":"displayed"}"#),
        seed("no-party", r#"{"type":"view","as":"South"}"#),
    ]
}
