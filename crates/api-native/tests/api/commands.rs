//! What a request becomes: the exact command, its actor and its key; and who may ask it.
use crate::http::{OPERATOR, Site};
use crate::world::{NOTICE, SUBJECT, T0, party, plan, site as protected, volume};
use node::command::{Command, SendNotice};
use record::{ChannelState, Notice, NoticeClass, Precedence, ReadBack, ReceiptLevel, Role};
use release::{Area, Identity, Level, RecordClass, Rule};
use serde_json::{Value, json};
use units::{Altitude, Position, Utc};

fn volume_json() -> Value {
    let circle = json!({ "type": "circle", "centre": [8.5, 47.25], "radius_m": 9260 });
    let upper = json!({ "value_ft": 24000, "reference": "pressure" });
    json!({ "outline": circle, "lower": null, "upper": upper, "start_utc_ms": T0, "end_utc_ms": T0 + 3_600_000 })
}

fn plan_json() -> Value {
    json!({
        "callsign": "RESCUE1", "class": "humanitarian", "state": "accepted", "priority": 10, "special": "MEDEVAC",
        "address": "4B1A41", "volumes": [volume_json()],
    })
}

fn site_json() -> Value {
    json!({
        "category": "hospital", "name": "Kantonsspital", "footprint": volume_json()["outline"], "buffer_m": 500,
        "verification": "independent", "expires_utc_ms": T0 - 1,
    })
}

/// Every request that is a command, and a role that may ask it.
fn requests() -> Vec<(&'static str, String, Value, Role)> {
    let subject = SUBJECT.to_string();
    vec![
        ("POST", "/v1/alerts/11/acknowledge".into(), json!({}), Role::Officer),
        (
            "POST",
            "/v1/notices".into(),
            json!({ "to": ["south"], "class": "hold", "precedence": "FLASH", "text": "x" }),
            Role::Officer,
        ),
        ("POST", format!("/v1/notices/{NOTICE}/acknowledge"), read_back(), Role::Officer),
        ("POST", String::from("/v1/desk"), json!({"manned":true}), Role::Officer),
        ("POST", format!("/v1/notices/{NOTICE}/answer"), json!({"level":"PUBLISHED","text":"A0123/26"}), Role::Officer),
        ("POST", "/v1/plans".into(), plan_json(), Role::Planner),
        ("PUT", format!("/v1/plans/{subject}"), plan_json(), Role::Planner),
        ("DELETE", format!("/v1/plans/{subject}"), json!(null), Role::Planner),
        ("PUT", format!("/v1/plans/{subject}/state"), json!({ "state": "contingent" }), Role::Officer),
        ("POST", "/v1/sites".into(), site_json(), Role::Planner),
        ("PUT", format!("/v1/sites/{subject}"), site_json(), Role::Planner),
        ("DELETE", format!("/v1/sites/{subject}"), json!(null), Role::Planner),
        ("POST", "/v1/avoid".into(), json!({ "to": ["south"], "volumes": [volume_json()] }), Role::Planner),
        ("POST", "/v1/channel/south".into(), json!({ "state": "suspended", "reason": "x" }), Role::Administrator),
        ("POST", "/v1/keys".into(), json!({ "statement": "skypact keys v1" }), Role::Administrator),
        ("PUT", "/v1/release".into(), json!({ "rules": {} }), Role::Administrator),
    ]
}

fn read_back() -> Value {
    let level = json!({ "value_ft": 24000, "reference": "pressure" });
    json!({ "read_back": { "place": { "lat": 47.25, "lon": 8.5 }, "level": level, "time_utc_ms": T0 } })
}

#[tokio::test]
async fn each_role_may_ask_what_the_core_says_and_nothing_else() {
    let site = Site::new();
    for role in Role::ALL {
        let client = site.signed_in(role.name()).await;
        site.fake.taken();
        for (method, path, body, _) in requests() {
            let reply = client.send(method, &path, body).await;
            let given = site.fake.taken().remove(0);
            let expect =
                if given.command.allowed(role) { reply.status.is_success() } else { reply.kind() == "403 role" };
            assert!(expect, "{} {method} {path}: {}", role.name(), reply.text);
            assert_eq!((given.actor.name.as_str(), given.actor.role), (role.name(), role));
        }
    }
}

#[tokio::test]
async fn the_operator_acts_in_the_role_that_a_command_needs() {
    let site = Site::new();
    for (method, path, body, role) in requests() {
        let reply = site.bearer(OPERATOR).send(method, &path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text);
        let actor = site.fake.taken().remove(0).actor;
        assert_eq!((actor.name.as_str(), actor.role), ("operator", role), "{method} {path}");
    }
}

#[tokio::test]
async fn requests_become_exact_commands() {
    let site = Site::new();
    let client = site.bearer(OPERATOR).with("idempotency-key", "k-1");
    let check = async |method: &str, path: &str, body: Value, expect: Command| {
        let reply = client.send(method, path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text);
        let given = site.fake.taken().remove(0);
        assert_eq!((given.key.as_deref(), given.command), (Some("k-1"), expect));
    };
    check("POST", "/v1/alerts/11/acknowledge", json!({}), Command::AcknowledgeAlert(11, None)).await;
    check("POST", "/v1/alerts/11/acknowledge", json!({ "raising": 2 }), Command::AcknowledgeAlert(11, Some(2))).await;
    let back = ReadBack {
        place: Some(Position { lat_e7: 472_500_000, lon_e7: 85_000_000 }),
        level: Some(Altitude::pressure_feet(24_000)),
        time: Some(Utc(T0)),
    };
    let expect = Command::AcknowledgeNotice { id: NOTICE, read_back: back };
    check("POST", &format!("/v1/notices/{NOTICE}/acknowledge"), read_back(), expect).await;
    let reply = node::command::Reply {
        level: record::ReceiptLevel::Responded,
        decision: Some(record::Decision::Unable),
        text: "No crew until 15:00".into(),
    };
    let expect = Command::ReplyNotice { id: NOTICE, reply };
    let body = json!({"level":"RESPONDED","decision":"unable","text":"No crew until 15:00"});
    check("POST", &format!("/v1/notices/{NOTICE}/answer"), body, expect).await;
    let path = format!("/v1/plans/{SUBJECT}");
    check("PUT", &path, plan_json(), Command::FilePlan { subject: SUBJECT, plan: plan() }).await;
    check("DELETE", &path, json!(null), Command::CancelPlan(SUBJECT)).await;
    let state = airspace::PlanState::Nonconforming;
    let expect = Command::DeclarePlan { subject: SUBJECT, state };
    check("PUT", &format!("{path}/state"), json!({ "state": "nonconforming" }), expect).await;
    let path = format!("/v1/sites/{SUBJECT}");
    check("PUT", &path, site_json(), Command::FileSite { subject: SUBJECT, site: protected() }).await;
    check("DELETE", &path, json!(null), Command::RemoveSite(SUBJECT)).await;
    let body = json!({ "state": "terminated", "reason": "the pact has ended" });
    let expect = Command::StateChannel {
        peer: party("south"),
        state: ChannelState::Terminated,
        reason: "the pact has ended".into(),
    };
    check("POST", "/v1/channel/south", body, expect).await;
    let text = "skypact keys v1\n\n\u{2014} north AAAA\n";
    check("POST", "/v1/keys", json!({ "statement": text }), Command::TakeKeys(text.into())).await;
}

#[tokio::test]
async fn a_notice_arrives_whole_and_under_a_new_subject() {
    let site = Site::new();
    let body = json!({
        "to": ["south", "civil"], "class": "activation", "precedence": "IMMEDIATE", "text": "Range active\nuntil noon",
        "place": { "lat": -0.000_000_1, "lon": 180 }, "level": { "value_m": 100.5, "reference": "agl" },
        "start_utc_ms": 5, "end_utc_ms": 6, "volumes": [volume_json()], "action": "Keep clear", "receipt": "ACKNOWLEDGED",
    });
    let client = site.bearer(OPERATOR);
    let mut subjects = Vec::new();
    for _ in 0..2 {
        let reply = client.post("/v1/notices", body.clone()).await;
        let entry = |to: &str| json!({ "party": to, "index": 5, "id": "05".repeat(32) });
        assert_eq!((reply.status.as_u16(), reply.json()), (201, json!({ "sent": [entry("south"), entry("civil")] })));
        let Command::SendNotice(SendNotice { subject, to, precedence, receipt, notice }) =
            site.fake.taken().remove(0).command
        else {
            panic!("another command");
        };
        assert_eq!((to, precedence), (vec![party("south"), party("civil")], Precedence::Immediate));
        assert_eq!(receipt, Some(ReceiptLevel::Acknowledged));
        let expect = Notice {
            class: NoticeClass::Activation,
            text: "Range active\nuntil noon".into(),
            place: Some(Position { lat_e7: -1, lon_e7: -1_800_000_000 }),
            level: Some(Altitude::Known(units::Height(1_005_000), units::Reference::Agl)),
            start: Some(Utc(5)),
            end: Some(Utc(6)),
            volumes: vec![volume()],
            action: Some("Keep clear".into()),
        };
        assert_eq!(notice, expect);
        subjects.push(subject);
    }
    assert_ne!(subjects[0], subjects[1]);
}

#[tokio::test]
async fn release_rules_arrive_whole_with_the_next_revision_and_read_back_as_written() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let before = chief.get("/v1/release").await.json();
    assert_eq!(before["revision"], 3);
    let circle = json!({ "type": "circle", "centre": [8.5, 47.25], "radius_m": 5000.0 });
    let rules = json!({ "civil": [], "south": [
        { "class": "tracks", "aircraft": "uas", "area": circle, "level": "reduced", "precision_m": 250.0, "delay_s": 1.5, "identity": "pseudonym" },
        { "class": "plans", "level": "avoid-area", "cell_deg": 0.25, "bin_s": 60.0 },
        { "class": "conflicts", "level": "full" },
    ] });
    let reply = chief.send("PUT", "/v1/release", json!({ "revision": 3, "rules": rules })).await;
    assert_eq!(reply.problem(), "204");
    let Command::SetPolicy { policy, replaces } = site.fake.taken().remove(0).command else {
        panic!("another command")
    };
    let area = Area::Circle { centre: Position { lat_e7: 472_500_000, lon_e7: 85_000_000 }, radius_mm: 5_000_000 };
    let reduced = Level::Reduced { precision_mm: 250_000, delay_ms: 1500, identity: Identity::Pseudonym };
    let plain = |class, level| Rule::new(class, level);
    let expect = vec![
        Rule { aircraft: Some(units::AircraftClass::Uas), area: Some(area), ..Rule::new(RecordClass::Tracks, reduced) },
        plain(RecordClass::Plans, Level::AvoidArea { cell_e7: 2_500_000, bin_ms: 60_000 }),
        plain(RecordClass::Conflicts, Level::Full),
    ];
    assert_eq!((replaces, &policy.rules[&party("south")]), (Some(3), &expect));
    let after = chief.get("/v1/release").await.json();
    assert_eq!((&after["revision"], &after["rules"]), (&json!(4), &rules));
    assert_eq!(after["marked"][1], json!({ "aircraft": "4b1a41", "marking": "vip" }), "who bears which marking");
}

#[tokio::test]
async fn answers_say_what_was_done() {
    let site = Site::new();
    let planner = site.signed_in("planner").await;
    let filed = planner.post("/v1/plans", plan_json()).await;
    assert_eq!(filed.status, 201);
    let given = site.fake.taken().pop().unwrap();
    let Command::FilePlan { subject, .. } = given.command else { panic!("another command") };
    let expect = json!({ "subject": subject.to_string(), "revision": 3, "conflicts": ["meets S-17"] });
    assert_eq!(filed.json(), expect);
    let revised = planner.send("PUT", &format!("/v1/plans/{SUBJECT}"), plan_json()).await;
    assert_eq!((revised.status.as_u16(), &revised.json()["subject"]), (200, &json!(SUBJECT.to_string())));
    let removed = planner.raw("DELETE", &format!("/v1/sites/{SUBJECT}"), None, "").await;
    assert_eq!((removed.status.as_u16(), removed.text.as_str()), (204, ""));
}
