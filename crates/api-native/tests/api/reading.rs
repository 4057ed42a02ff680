//! Lists, and who may read what.
use crate::http::{OPERATOR, Site};
use crate::world::{T0, track};
use node::command::Command;
use node::view::Owner;
use record::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn nobody_reads_without_signing_in() {
    let site = Site::new();
    let open = ["/healthz", "/openapi.json"];
    for (method, path) in api_native::ROUTES {
        if *method != "get" || open.contains(path) {
            continue;
        }
        let reply = site.anyone().get(path).await;
        assert_eq!(reply.kind(), "401 not-signed-in", "{path}");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn what_only_some_roles_read() {
    let site = Site::new();
    for role in Role::ALL {
        let client = site.signed_in(role.name()).await;
        let check = async |path: &str, roles: &[Role]| {
            let expect = if roles.contains(&role) { "200" } else { "403 role" };
            assert_eq!(client.get(path).await.kind(), expect, "{} {path}", role.name());
        };
        check("/v1/audit", &[Role::Administrator]).await;
        check("/v1/accounts", &[Role::Administrator]).await;
        check("/v1/release", &[Role::Administrator, Role::Planner]).await;
        check("/v1/release/preview?for=south", &[Role::Administrator, Role::Planner]).await;
        check("/v1/tracks", &Role::ALL).await;
        check("/v1/state", &Role::ALL).await;
    }
}

#[tokio::test]
async fn a_track_reads_as_the_contract_says() {
    let list = Site::new().bearer(OPERATOR).get("/v1/tracks").await.json();
    let expect = json!({
        "id": 1, "owner": "north", "address": "4b0001", "callsign": "TST1", "class": "civil", "lat": 47.25, "lon": 8.5,
        "altitude": { "value_ft": 24000.0, "reference": "pressure" }, "speed_kt": 450.0, "track_deg": 90.0,
        "vertical_fpm": -500.0, "on_ground": false, "stale": false, "at_utc_ms": T0 - 700, "precision_m": 0, "joined": [], "form": "full",
    });
    assert_eq!(list["items"][0], expect);
    let unknown = &list["items"][2];
    for field in ["owner", "address", "callsign", "altitude", "speed_kt", "track_deg", "vertical_fpm"] {
        assert_eq!(unknown[field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn an_alert_and_a_notice_read_as_the_contract_says() {
    let client = Site::new().bearer(OPERATOR);
    let state = client.get("/v1/state").await.json();
    let side = |id: u32, owner: &str, form: &str| json!({ "id": id, "label": format!("TST{id}"), "owner": owner, "form": form });
    let expect = json!({
        "id": "11", "kind": "conflict", "level": "alarm", "state": "raised", "raised_utc_ms": T0 - 2000, "since_utc_ms": T0 - 1500,
        "escalated": false, "raising": 1,
        "text": "TST1 and TST2 are predicted to lose separation", "about": null, "a": side(1, "north", "full"),
        "b": side(2, "south", "reduced"), "cpa_utc_ms": T0 + 60_000, "tin_utc_ms": T0 + 30_000, "dcpa_m": 1234.567,
        "distance_m": 20000.0, "vertical_ft": 1000.0, "basis": "pressure", "violation": false,
        "inhibited": "1", "reason": null, "reason_utc_ms": null, "asks_reason": false, "data_age_ms": 700, "acknowledged": null,
    });
    assert_eq!(state["alerts"][0], expect);
    assert_eq!(state["alerts"][1]["acknowledged"], json!({ "by": "anna", "utc_ms": T0 - 1000 }));
    let reason = |at: usize| ["reason", "reason_utc_ms", "asks_reason"].map(|field| state["alerts"][at][field].clone());
    assert_eq!(reason(2), [json!("anna: agreed with the hospital"), json!(T0 - 500), json!(false)]);
    assert_eq!(reason(3), [json!(null), json!(null), json!(true)]);
    let level = json!({ "value_ft": 24000.0, "reference": "pressure" });
    let cleared = json!([{ "flight": "TST1", "level": level, "by": "anna", "until_utc_ms": T0 + 3_600_000 }]);
    assert_eq!(state["cleared"], cleared);
    let expect = json!({
        "id": "ab".repeat(32), "subject": "07".repeat(16), "direction": "in", "peer": "south", "class": "hazard",
        "precedence": "IMMEDIATE", "text": "Parachute drop", "place": { "lat": 47.25, "lon": 8.5 },
        "level": { "value_ft": 24000.0, "reference": "pressure" }, "start_utc_ms": T0, "end_utc_ms": T0 + 3_600_000,
        "action": "Keep clear", "issued_utc_ms": T0 - 5000, "receipt": "ACKNOWLEDGED", "due_utc_ms": T0 + 295_000,
        "overdue": false, "received_utc_ms": T0 - 4900, "seen_utc_ms": null, "acknowledged": null, "sealed": true,
        "answers": [{ "level": "PUBLISHED", "utc_ms": T0, "role": "officer", "by": null, "decision": null, "text": "A0123/26" }],
        "told_after_utc_ms": T0 - 6000, "told_before_utc_ms": null, "claimed_off_ms": 0,
    });
    assert_eq!(state["notices"][0], expect);
    let listed = client.get("/v1/notices").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(state["notices"][0].get("volumes").is_none() && listed["items"][0]["volumes"].is_array());
}

#[tokio::test]
async fn a_state_tells_the_own_staffing_and_a_peers_apart_from_link_and_channel() {
    let site = Site::new();
    let client = site.bearer(OPERATOR);
    let state = client.get("/v1/state").await.json();
    assert_eq!(state["staffing"], json!({ "manned": true, "next_utc_ms": null, "note": "watch B" }));
    let south = &state["peers"][1];
    assert_eq!((&south["link"], &south["channel"]["ours"]), (&json!("up"), &json!("in-force")));
    assert_eq!(south["staffing"], json!({ "manned": false, "next_utc_ms": T0, "note": "voice" }));
    site.fake.change(|view| view.staffing = None);
    assert_eq!(client.get("/v1/state").await.json()["staffing"], Value::Null, "nobody has stated anything");
}

#[tokio::test]
async fn a_state_tells_which_rules_are_in_force_and_whether_others_wait() {
    let site = Site::new();
    let client = site.bearer(OPERATOR);
    assert_eq!(client.get("/v1/state").await.json()["release"], json!({ "revision": 3, "proposal": null }));
    site.fake.change(|view| {
        view.proposal = Some(node::Proposal {
            id: 7,
            rules: Default::default(),
            by: "anna".into(),
            agreed: vec!["anna".into()],
            at: units::Utc(T0),
            ends: units::Mono(1),
            ends_utc: units::Utc(T0 + 1),
            wider: Vec::new(),
            feeds: Vec::new(),
        });
    });
    assert_eq!(client.get("/v1/state").await.json()["release"], json!({ "revision": 3, "proposal": 7 }));
}

#[tokio::test]
async fn paging_meets_every_track_once_while_tracks_come_and_go() {
    let site = Site::new();
    site.fake.change(|view| view.tracks = (0..1000).map(|n| track(n * 2, Owner::Own)).collect());
    let client = site.bearer(OPERATOR);
    let (mut ids, mut path) = (Vec::new(), String::from("/v1/tracks?limit=300"));
    loop {
        let page = client.get(&path).await.json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|t| t["id"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        assert!(ids.len() < 1000, "the same tracks come again");
        path = format!("/v1/tracks?limit=300&after={next}");
        // The track that the cursor names leaves, and a new one comes far before it.
        let last = *ids.last().unwrap();
        site.fake.change(|view| {
            view.tracks.retain(|t| u64::from(t.id) != last);
            view.tracks.insert(1, track(1, Owner::Own));
        });
    }
    assert_eq!(ids, (0..1000).map(|n| n * 2).collect::<Vec<u64>>());
}

#[tokio::test]
async fn the_audit_is_paged_by_sequence_number() {
    let client = Site::new().bearer(OPERATOR);
    let first = client.get("/v1/audit?limit=200").await.json();
    let expect = json!({ "seq": 1, "utc_ms": T0, "officer": "anna", "role": "officer", "command": "send-notice", "answer": "ok", "times": 1 });
    assert_eq!(first["items"][0], expect);
    let second = client.get(&format!("/v1/audit?limit=200&after={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((&second["items"][0]["seq"], second["items"].as_array().unwrap().len()), (&json!(201), 50));
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn what_a_peer_said_ahead_and_did_not_sign_for_is_shown_with_its_bytes_and_without_a_signer() {
    let site = Site::new();
    let client = site.signed_in("observer").await;
    let peers = client.get("/v1/peers").await.json();
    let peer = peers["items"].as_array().unwrap().iter().find(|peer| peer["party"] == "south").unwrap();
    let names = json!([{ "index": 5, "id": "05".repeat(32) }, { "index": 9, "id": "09".repeat(32) }]);
    assert_eq!(&peer["denied"], &names);
    let items = client.get("/v1/peers/south/denied").await.json()["items"].clone();
    let one = |n: usize, bytes| json!({ "index": names[n]["index"], "id": names[n]["id"], "bytes_base64": bytes, "signed_by": null });
    assert_eq!(items, json!([one(0, json!("dG9sZA==")), one(1, json!(null))]));
    assert_eq!(client.get("/v1/peers/west/denied").await.kind(), "404 no-such");
    assert_eq!(client.get("/v1/peers/South/denied").await.kind(), "404 no-such");
}

#[tokio::test]
async fn a_preview_shows_each_record_with_its_reason() {
    let preview = Site::new().bearer(OPERATOR).get("/v1/release/preview?for=south").await.json();
    assert_eq!((&preview["for"], &preview["bytes"]), (&json!("south"), &json!(1000)));
    let first = &preview["records"][0];
    assert_eq!((&first["kind"], &first["ledger"]), (&json!("tracks"), &json!("rule 0 of revision 3: reduced")));
    assert_eq!(first["body"]["tracks"][0]["callsign"], "TST1");
    assert_eq!((first["body"]["tracks"][0]["number"].as_str(), &first["draft"]), (Some("1"), &json!(false)));
    let filed: Vec<_> = preview["filed"].as_array().unwrap().iter().map(|r| (&r["kind"], &r["draft"])).collect();
    assert_eq!(filed, [(&json!("plan"), &json!(true)), (&json!("site"), &json!(false))]);
    assert_eq!(preview["left_out"], 7);
}

#[tokio::test]
async fn a_state_holds_five_hundred_alerts_and_counts_the_rest() {
    let site = Site::new();
    site.fake.change(|view| {
        let alert = view.alerts[0].clone();
        view.alerts = (0..700).map(|id| node::view::AlertView { id, ..alert.clone() }).collect();
        view.cut = 5;
    });
    let state = site.bearer(OPERATOR).get("/v1/state").await.json();
    assert_eq!((state["alerts"].as_array().unwrap().len(), &state["cut"]), (500, &json!(205)));
}

#[tokio::test]
async fn a_place_is_checked_against_sites_in_any_notation_and_its_faults_are_named() {
    let site = Site::new();
    let client = site.bearer(OPERATOR);
    let check = async |place: Value| client.post("/v1/sites/check", json!({ "place": place })).await;
    for place in [json!({"text": "47.25N 8.5E"}), json!({"text": "471500N0083000E"}), json!({"lat": 47.25, "lon": 8.5})]
    {
        let answer = check(place).await.json();
        assert_eq!((&answer["sites"][0]["over"], &answer["radius_m"]), (&json!(true), &json!(0.0)), "{answer}");
        assert_eq!(answer["notations"]["icao"], "471500N0083000E");
    }
    let area = check(json!({"text": "378ML"})).await.json();
    assert!(area["radius_m"].as_f64().unwrap() > 30_000.0, "{area}");
    assert_eq!(check(json!({"text": "0N 0E"})).await.json()["sites"], json!([]));
    for (place, want) in [
        (json!({"text": "47,25 8,5"}), "decimals have a point"),
        (json!({"text": "47N 8E", "lat": 1}), "is not known here"),
        (json!({"lat": 91, "lon": 0}), "place.lat"),
    ] {
        let refused = check(place).await;
        assert!(refused.text.contains(want), "{}", refused.text);
    }
    assert!(site.fake.taken().is_empty(), "a question is no command");
}

#[tokio::test]
async fn a_notice_about_an_area_watches_all_of_it_and_one_about_a_point_the_point() {
    let site = Site::new();
    let client = site.signed_in("anna").await;
    for (text, radius_m) in
        [("498LP42", Some(5_900)), ("42SVF 877 635", Some(70)), ("42SVF 87765 63598", None), ("3643N06851E", None)]
    {
        let body = json!({
            "to": ["south"], "class": "hazard", "precedence": "FLASH", "text": "Strike", "place": { "text": text },
        });
        let reply = client.post("/v1/notices", body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let Command::SendNotice(sent) = site.fake.taken().remove(0).command else { panic!("another command") };
        let place = sent.notice.place.expect("a place");
        assert!((place.lat() - 36.718).abs() < 0.05 && (place.lon() - 68.863).abs() < 0.05, "{place:?}");
        let radius = sent.notice.volumes.first().map(|v| match &v.outline {
            airspace::Outline::Circle { radius_mm, .. } => radius_mm / 1000,
            other => panic!("{other:?}"),
        });
        match (radius, radius_m) {
            (None, None) => {}
            (Some(got), Some(least)) => assert!((least..least + least / 5).contains(&got), "{text}: {got} m"),
            (got, want) => panic!("{text}: {got:?}, wanted {want:?}"),
        }
    }
}
