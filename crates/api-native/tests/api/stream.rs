//! Consoles on a real loopback socket.
use crate::described::document;
use crate::http::{OPERATOR, Site};
use crate::schema::check;
use crate::world::{NOTICE, PASSWORD, T0, track};
use axum::http::{HeaderValue, header};
use futures_util::{SinkExt, StreamExt};
use node::input::PaintedAlert;
use node::view::Owner;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing here takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Console {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Labels as told so far.
    labels: std::collections::BTreeMap<u64, Value>,
}

struct Node {
    site: Site,
    address: SocketAddr,
    cookie: String,
}

impl Node {
    async fn new(site: Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = site.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let body = json!({ "name": "anna", "password": PASSWORD });
        let reply = site.anyone().post("/v1/sign-in", body).await;
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { site, address, cookie }
    }

    async fn connect(&self, headers: &[(&'static str, &str)]) -> Result<Console, Error> {
        let mut request = format!("ws://{}/v1/stream", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Console { socket, labels: Default::default() })
    }

    async fn console(&self) -> Console {
        let origin = format!("http://{}", self.address);
        self.connect(&[("origin", &origin), ("cookie", &self.cookie)]).await.unwrap()
    }
}

/// What came.
#[derive(Debug, PartialEq)]
enum Got {
    Text(Value),
    Frame(Vec<u8>),
    Closed(u16, String),
}

impl Console {
    async fn next(&mut self) -> Got {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("nothing came");
            match message {
                Some(Ok(Message::Text(text))) => return Got::Text(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Binary(bytes))) => return Got::Frame(bytes.to_vec()),
                Some(Ok(Message::Close(Some(close)))) => {
                    return Got::Closed(close.code.into(), close.reason.to_string());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return Got::Closed(0, format!("{other:?}")),
            }
        }
    }

    /// The next text of a type; labels are remembered on the way.
    async fn text(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Got::Text(value) => {
                    self.learn(&value);
                    if value["type"] == kind {
                        return value;
                    }
                }
                Got::Frame(_) => {}
                closed => panic!("{closed:?} while waiting for {kind}"),
            }
        }
    }

    async fn frame(&mut self) -> Frame {
        loop {
            match self.next().await {
                Got::Text(value) => self.learn(&value),
                Got::Frame(bytes) => return Frame::read(&bytes),
                closed => panic!("{closed:?} while waiting for a frame"),
            }
        }
    }

    fn learn(&mut self, message: &Value) {
        if message["type"] == "labels" {
            for id in message["gone"].as_array().unwrap() {
                self.labels.remove(&id.as_u64().unwrap());
            }
            for label in message["labels"].as_array().unwrap() {
                self.labels.insert(label[0].as_u64().unwrap(), label[1].clone());
            }
        }
    }

    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn acknowledge(&mut self, frame: &Frame) {
        self.say(json!({ "type": "displayed", "frame": frame.number })).await;
    }

    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Got::Closed(code, reason) = self.next().await {
                return (code, reason);
            }
        }
    }
}

/// A frame's header and ids.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    number: u32,
    utc_ms: i64,
    flags: u32,
    ids: Vec<u32>,
}

impl Frame {
    fn read(bytes: &[u8]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(&bytes[..4], b"SKT1");
        let count = u32_at(16) as usize;
        assert_eq!(bytes.len(), api_native::HEADER_BYTES + count * api_native::TRACK_BYTES);
        Self {
            number: u32_at(4),
            utc_ms: i64::from_le_bytes(bytes[8..16].try_into().unwrap()),
            flags: u32_at(20),
            ids: (0..count).map(|i| u32_at(api_native::HEADER_BYTES + i * api_native::TRACK_BYTES)).collect(),
        }
    }
}

fn conforms(schema: &str, value: &Value) {
    let document = document();
    let complaints = check(&document, &document["components"]["schemas"][schema], value);
    assert_eq!(complaints, Vec::<String>::new(), "{schema}");
}

#[tokio::test]
async fn a_console_is_told_who_and_what_and_then_shown_the_picture() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let Got::Text(hello) = console.next().await else { panic!("no hello") };
    conforms("Hello", &hello);
    assert_eq!((&hello["officer"], &hello["parties"]), (&json!("anna"), &json!(["north", "south", "civil"])));
    assert_eq!(
        (hello["pact"]["minima"].as_array().unwrap().len(), &hello["pact"]["deadlines"]["FLASH"]),
        (5, &json!(60))
    );
    let Got::Text(state) = console.next().await else { panic!("no state") };
    conforms("State", &state);
    let Got::Text(labels) = console.next().await else { panic!("no labels") };
    conforms("Labels", &labels);
    assert_eq!(labels["labels"], json!([[1, "TST1", "4b0001"], [2, "TST2", "4b0002"], [3, null, null]]));
    let Got::Frame(bytes) = console.next().await else { panic!("no frame") };
    let frame = Frame::read(&bytes);
    assert_eq!((frame.utc_ms, frame.flags, frame.ids), (T0, 0, vec![1, 2, 3]));
    // Row 2 of the frame: released by parties[1], reduced and in an alarm, within 1,000 m.
    let row = &bytes[api_native::HEADER_BYTES + api_native::TRACK_BYTES..][24..32];
    assert_eq!(row, [1, 1, 0, 8 | 16, 0xE8, 3, 0, 0]);
}

#[tokio::test]
async fn one_frame_is_unacknowledged_at_most_and_the_newest_wins() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let first = console.frame().await;
    for n in 10..14 {
        node.site.fake.change(|view| {
            view.utc.0 += 1000;
            view.tracks = vec![track(n, Owner::Own)];
        });
        // States go on; a frame among them would be refused below.
        let state = loop {
            match console.next().await {
                Got::Text(value) if value["type"] == "state" => break value,
                Got::Text(_) => {}
                other => panic!("{other:?} before the first frame was acknowledged"),
            }
        };
        assert!(state["utc_ms"].as_i64().unwrap() >= first.utc_ms);
    }
    console.acknowledge(&Frame { number: first.number + 1000, ..first.clone() }).await;
    console.acknowledge(&first).await;
    let second = console.frame().await;
    assert_eq!((second.utc_ms, second.ids.as_slice()), (T0 + 4000, &[13][..]));
    assert!(second.number > first.number);
    assert_eq!(console.labels, [(13, json!("TST13"))].into(), "labels of what left are gone");
}

#[tokio::test]
async fn an_unchanged_picture_is_sent_again_every_second_so_that_silence_means_a_fault() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let first = console.frame().await;
    console.acknowledge(&first).await;
    assert_eq!(console.frame().await.ids, first.ids);
}

#[tokio::test]
async fn a_node_that_folds_no_more_says_that_its_picture_is_the_last_one() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let mut frame = console.frame().await;
    assert_eq!(frame.flags, 0);
    while frame.flags == 0 {
        console.acknowledge(&frame).await;
        frame = console.frame().await;
    }
    assert_eq!(frame.flags, api_native::FLAG_FROZEN);
    console.acknowledge(&frame).await;
    let mut state = console.text("state").await;
    while state["frozen"].is_null() {
        state = console.text("state").await;
    }
    assert_eq!(state["frozen"], "the node has folded nothing for 3 s or more");
    node.site.fake.change(|view| view.utc.0 += 5000);
    while frame.flags != 0 {
        frame = console.frame().await;
        console.acknowledge(&frame).await;
    }
}

#[tokio::test]
async fn a_node_that_stops_says_so_to_every_stream_and_knows_when_all_were_told() {
    let stopping = tokio::sync::watch::Sender::new(false);
    let node = Node::new(Site::with(|options| options.stopping = stopping.clone())).await;
    let (mut one, mut two) = (node.console().await, node.console().await);
    one.frame().await;
    two.frame().await;
    stopping.send_replace(true);
    for console in [&mut one, &mut two] {
        assert_eq!(console.closed().await, (1001, "the node is stopping".into()));
    }
    timeout(PATIENCE, stopping.closed()).await.expect("no stream is left");
}

/// An alert as a console says that it painted it.
fn painted(id: u64, raising: u32) -> Value {
    json!({ "id": id.to_string(), "raising": raising })
}

/// Alerts as the node is told of them.
fn alerts(painted: &[(u64, u32)]) -> Vec<PaintedAlert> {
    painted.iter().map(|(id, raising)| PaintedAlert { id: *id, raising: *raising }).collect()
}

#[tokio::test]
async fn what_an_officer_was_shown_is_journaled_once_whatever_the_console() {
    let node = Node::new(Site::new()).await;
    let mut one = node.console().await;
    let mut two = node.console().await;
    let message = |frame: &Frame| {
        let message = json!({ "type": "displayed", "frame": frame.number, "alerts": [painted(11, 1), painted(12, 1), painted(99, 1)], "notices": [NOTICE.to_string(), "00".repeat(32)] });
        conforms("Displayed", &message);
        message
    };
    for console in [&mut one, &mut two] {
        let frame = console.frame().await;
        console.say(message(&frame)).await;
        console.frame().await;
    }
    let told = node.site.fake.displayed.lock().unwrap().clone();
    assert_eq!(
        told,
        [(String::from("anna"), alerts(&[(11, 1), (12, 1)]), vec![NOTICE])],
        "what is not in the view is left out"
    );
}

#[tokio::test]
async fn an_alert_that_was_raised_again_is_journaled_again_when_it_is_painted_as_it_is_now() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let mut frame = console.frame().await;
    let state = console.text("state").await;
    assert_eq!((&state["alerts"][0]["id"], &state["alerts"][0]["raising"]), (&json!("11"), &json!(1)));
    for (raised, painted) in [(1, 1), (2, 1), (2, 3), (2, 2), (2, 2), (3, 2), (3, 3), (4, 2)] {
        node.site.fake.change(|view| view.alerts[0].raising = raised);
        let message =
            json!({ "type": "displayed", "frame": frame.number, "alerts": [{ "id": "11", "raising": painted }] });
        console.say(message).await;
        frame = console.frame().await;
    }
    let told: Vec<_> =
        node.site.fake.displayed.lock().unwrap().iter().flat_map(|(_, alerts, _)| alerts.clone()).collect();
    assert_eq!(told, alerts(&[(11, 1), (11, 2), (11, 3)]), "each raising once, none that has not been");
}

#[tokio::test]
async fn what_could_not_be_journaled_is_journaled_when_it_can() {
    let node = Node::new(Site::new()).await;
    *node.site.fake.fails.lock().unwrap() = Some(api_native::Unavailable::JournalFull);
    let mut console = node.console().await;
    let mut frame = console.frame().await;
    for _ in 0..2 {
        console.say(json!({ "type": "displayed", "frame": frame.number, "alerts": [painted(11, 1)] })).await;
        frame = console.frame().await;
        *node.site.fake.fails.lock().unwrap() = None;
    }
    assert_eq!(node.site.fake.displayed.lock().unwrap().clone(), [(String::from("anna"), alerts(&[(11, 1)]), vec![])]);
}

#[tokio::test]
async fn a_console_sees_what_a_peer_is_shown_and_comes_back() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    let own = console.frame().await;
    console.say(json!({ "type": "view", "as": "south" })).await;
    let said = console.text("view").await;
    conforms("ViewAs", &said);
    assert_eq!(said, json!({ "type": "view", "as": "south", "refused": null }));
    let seen = console.frame().await;
    assert_eq!((seen.flags, seen.ids.as_slice(), seen.utc_ms), (api_native::FLAG_SEEN_BY, &[1][..], T0 - 1000));
    assert_eq!(console.labels.len(), 1);
    // The old frame's acknowledgement is on its way still, and is no acknowledgement of the new one.
    console.acknowledge(&own).await;
    console.say(json!({ "type": "view", "as": null })).await;
    assert_eq!(console.text("view").await["as"], Value::Null);
    assert_eq!(console.frame().await.ids, [1, 2, 3]);
    for stranger in ["north", "west"] {
        console.say(json!({ "type": "view", "as": stranger })).await;
        assert_eq!(console.text("view").await["refused"], "there is no such peer");
    }
}

#[tokio::test]
async fn who_may_open_a_stream() {
    let node = Node::new(Site::with(|options| options.streams_max = 1)).await;
    let own = format!("http://{}", node.address);
    let (cookie, bearer) = (node.cookie.clone(), format!("Bearer {OPERATOR}"));
    let check = async |headers: &[(&'static str, &str)], expect: u16| {
        let status = match node.connect(headers).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(status, expect, "{headers:?}");
    };
    check(&[("origin", &own)], 401).await;
    check(&[("cookie", &cookie)], 403).await;
    check(&[("cookie", &cookie), ("origin", "http://evil.example")], 403).await;
    check(&[("cookie", &cookie), ("origin", "null")], 403).await;
    check(&[("authorization", &bearer), ("host", "evil.example")], 421).await;
    let held = node.console().await;
    check(&[("cookie", &cookie), ("origin", &own)], 503).await;
    drop(held);
    // The place is free again as soon as the node notices; and a program needs no origin.
    let free = async {
        while node.connect(&[("authorization", &bearer)]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, free).await.expect("the place stays taken");
}

#[tokio::test]
async fn what_a_console_may_not_say() {
    let node = Node::new(Site::new()).await;
    let check = async |message: Message, reason: &str| {
        let mut console = node.console().await;
        console.socket.send(message).await.unwrap();
        assert_eq!(console.closed().await, (1003, String::from(reason)));
    };
    let not_understood = "a message that is not understood";
    for text in [
        "",
        "{}",
        r#"{"type":"displayed"}"#,
        r#"{"type":"displayed","frame":-1}"#,
        r#"{"type":"displayed","frame":1,"alerts":["11"]}"#,
        r#"{"type":"displayed","frame":1,"alerts":[{"id":"11"}]}"#,
        r#"{"type":"displayed","frame":1,"alerts":[{"id":"11","raising":0}]}"#,
        r#"{"type":"displayed","frame":1,"alerts":[{"id":11,"raising":1}]}"#,
        r#"{"type":"displayed","frame":1,"alerts":[{"id":"x","raising":1}]}"#,
        r#"{"type":"displayed","frame":1,"x":1}"#,
        r#"{"type":"view","as":"South"}"#,
        r#"{"type":"command"}"#,
    ] {
        check(Message::text(text), not_understood).await;
    }
    let many = json!({ "type": "displayed", "frame": 1, "alerts": vec![painted(1, 1); 501] });
    check(Message::text(many.to_string()), not_understood).await;
    check(Message::binary(vec![1, 2, 3]), "binary messages are not understood").await;
    let mut console = node.console().await;
    console.socket.send(Message::text(" ".repeat(70_000))).await.unwrap();
    assert_ne!(console.closed().await.0, 1003, "cut off before it is read");
    let mut console = node.console().await;
    for _ in 0..51 {
        console.say(json!({ "type": "displayed", "frame": 0 })).await;
    }
    assert_eq!(console.closed().await, (1013, "too many messages".into()));
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    console.frame().await;
    let mut anna = node.site.anyone().with("cookie", &node.cookie);
    let csrf = anna.get("/v1/session").await.json()["csrf"].as_str().unwrap().to_owned();
    anna = anna.with("x-csrf-token", &csrf);
    assert_eq!(anna.raw("POST", "/v1/sign-out", None, "").await.status, 204);
    assert_eq!(console.closed().await, (1008, "the session has ended".into()));
}

#[tokio::test]
async fn a_stream_ends_with_its_account() {
    let node = Node::new(Site::new()).await;
    let mut console = node.console().await;
    console.frame().await;
    node.site.fake.change(|view| drop(view.accounts.remove("anna")));
    assert_eq!(console.closed().await, (1008, "the account has ended".into()));
}

#[tokio::test]
async fn a_console_that_does_not_read_is_dropped() {
    let site = Site::with(|options| {
        options.streams_max = 1;
        options.stream_send_timeout = Duration::from_millis(300);
    });
    // 32 MB: more than the buffers of both sockets hold.
    site.fake.change(|view| view.tracks = (0..1_000_000).map(|id| track(id, Owner::Own)).collect());
    let node = Node::new(site).await;
    let silent = node.console().await;
    node.site.fake.change(|view| view.tracks.clear());
    let bearer = format!("Bearer {OPERATOR}");
    let free = async {
        while node.connect(&[("authorization", &bearer)]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, free).await.expect("a console that does not read holds its place");
    drop(silent);
}
