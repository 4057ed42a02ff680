//! Details of what peers released, asked of this node as their USS.
use crate::harness::*;
use api_f3548::{Details, Notification, Outline, Volume};
use dss::{Extent, Id, IntentState, Shown};
use serde_json::{Value, json};

fn shown(state: Option<IntentState>) -> Shown {
    Shown {
        state,
        manager: "south".into(),
        ovn: "version-of-the-peer-1".into(),
        uss_base_url: "https://north.example/utm".into(),
        extents: vec![Extent {
            cells: vec![1],
            start: T0_S * 1_000_000,
            end: (T0_S + 3600) * 1_000_000,
            ..Extent::default()
        }],
    }
}

fn volume(outline: Outline) -> Volume {
    Volume { outline, lower: Some(1_000), upper: None, start: T0_S * 1_000_000, end: (T0_S + 3600) * 1_000_000 }
}

#[tokio::test]
async fn the_details_of_a_peers_plan_are_told_with_their_version() {
    let dss = Interface::new();
    let uuid = Id::parse(&id(1)).unwrap();
    let path = format!("/uss/v1/operational_intents/{}", id(1));
    let told = async |state: IntentState| {
        let reference = {
            let mut held = dss.fake.dss.lock().unwrap();
            held.hide(uuid);
            held.show(uuid, shown(Some(state)));
            held.shown_intent(uuid).unwrap()
        };
        let circle = volume(Outline::Circle((47.0, 8.0), 500.0));
        let polygon = volume(Outline::Polygon(vec![(47.0, 8.0), (47.0, 8.1), (47.1, 8.0)]));
        dss.fake.details.lock().unwrap().insert(uuid, Details::Intent(reference, vec![circle, polygon], 7));
        dss.get("uss1", SC, &path).await.is(200)
    };
    let accepted = told(IntentState::Accepted).await;
    let intent = &accepted["operational_intent"];
    assert_eq!(intent["reference"]["ovn"], "version-of-the-peer-1");
    assert_eq!(intent["reference"]["manager"], "south");
    assert_eq!((&intent["details"]["priority"], &intent["details"]["off_nominal_volumes"]), (&json!(7), &json!([])));
    let volumes = intent["details"]["volumes"].as_array().unwrap();
    let circle = json!({ "center": { "lat": 47.0, "lng": 8.0 }, "radius": { "value": 500.0, "units": "M" } });
    assert_eq!(
        volumes[0],
        json!({
            "volume": { "outline_circle": circle, "altitude_lower": metres(1.0), "altitude_upper": metres(100_000.0) },
            "time_start": at(0),
            "time_end": at(60),
        })
    );
    assert_eq!(volumes[1]["volume"]["outline_polygon"]["vertices"][1], json!({ "lat": 47.0, "lng": 8.1 }));
    let kinds = |told: &Value| {
        let details = &told["operational_intent"]["details"];
        ["volumes", "off_nominal_volumes"].map(|kind| details[kind].as_array().unwrap().len())
    };
    assert_eq!(kinds(&told(IntentState::Activated).await), [2, 0]);
    assert_eq!(kinds(&told(IntentState::Nonconforming).await), [2, 2]);
    assert_eq!(kinds(&told(IntentState::Contingent).await), [0, 2]);

    for scope in [CMSA, CM, CP, AA] {
        dss.get("uss1", scope, &path).await.refused(403);
    }
    dss.get("uss1", SC, "/uss/v1/operational_intents/x").await.refused(400);
    dss.get("uss1", SC, &format!("/uss/v1/operational_intents/{}", id(2))).await.refused(404);
    // It is no constraint.
    dss.get("uss1", CP, &format!("/uss/v1/constraints/{}", id(1))).await.refused(404);
}

#[tokio::test]
async fn the_details_of_a_peers_site_are_told_and_of_what_a_client_manages_none() {
    let dss = Interface::new();
    let uuid = Id::parse(&id(1)).unwrap();
    let reference = {
        let mut held = dss.fake.dss.lock().unwrap();
        held.show(uuid, shown(None));
        held.shown_constraint(uuid).unwrap()
    };
    let details = Details::Constraint(reference, vec![volume(Outline::Circle((47.0, 8.0), 500.0))], "protected site");
    dss.fake.details.lock().unwrap().insert(uuid, details);
    let path = format!("/uss/v1/constraints/{}", id(1));
    let told = dss.get("uss1", CP, &path).await.is(200);
    let shown = &told["constraint"];
    assert_eq!(shown["reference"]["ovn"], "version-of-the-peer-1");
    assert_eq!(shown["details"]["type"], "protected site");
    let volume = &shown["details"]["volumes"][0]["volume"];
    assert_eq!((&volume["altitude_lower"], volume.get("altitude_upper")), (&metres(1.0), None));
    dss.get("uss1", SC, &path).await.refused(403);
    dss.put("city", CM, &format!("/dss/v1/constraint_references/{}", id(2)), &constraint()).await.is(201);
    dss.get("uss1", CP, &format!("/uss/v1/constraints/{}", id(2))).await.refused(404);
    dss.get("uss1", CP, "/uss/v1/constraints/x").await.refused(400);
}

#[tokio::test]
async fn a_notification_has_the_details_that_are_told_when_asked_for_and_none_of_what_is_gone() {
    let dss = Interface::new();
    let uuid = Id::parse(&id(1)).unwrap();
    let numbers = vec![(Id::parse(&id(8)).unwrap(), 3), (Id::parse(&id(9)).unwrap(), 1)];
    let stated = json!([
        { "subscription_id": id(8), "notification_index": 3 },
        { "subscription_id": id(9), "notification_index": 1 }
    ]);
    let body = |sent: &Notification| serde_json::from_slice::<Value>(&sent.body).unwrap();
    let of = |state: Option<IntentState>| {
        let mut held = dss.fake.dss.lock().unwrap();
        held.hide(uuid);
        held.show(uuid, shown(state));
        let volumes = vec![volume(Outline::Circle((47.0, 8.0), 500.0))];
        let details = match state {
            Some(_) => Details::Intent(held.shown_intent(uuid).unwrap(), volumes, 7),
            None => Details::Constraint(held.shown_constraint(uuid).unwrap(), volumes, "avoid area"),
        };
        dss.fake.details.lock().unwrap().insert(uuid, details.clone());
        details
    };
    let details = of(Some(IntentState::Nonconforming));
    let sent = Notification::intent(uuid, Some(details), numbers.clone());
    assert_eq!((sent.path, sent.scope), ("/uss/v1/operational_intents", SC));
    let told = dss.get("uss1", SC, &format!("/uss/v1/operational_intents/{}", id(1))).await.is(200);
    let all = json!({ "operational_intent_id": id(1), "operational_intent": told["operational_intent"], "subscriptions": stated });
    assert_eq!(body(&sent), all);
    let gone = Notification::intent(uuid, None, numbers.clone());
    assert_eq!(body(&gone), json!({ "operational_intent_id": id(1), "subscriptions": stated }));

    let details = of(None);
    let sent = Notification::constraint(uuid, Some(details), numbers.clone());
    assert_eq!((sent.path, sent.scope), ("/uss/v1/constraints", CM));
    let told = dss.get("uss1", CP, &format!("/uss/v1/constraints/{}", id(1))).await.is(200);
    assert_eq!(
        body(&sent),
        json!({ "constraint_id": id(1), "constraint": told["constraint"], "subscriptions": stated })
    );
    let gone = Notification::constraint(uuid, None, numbers);
    assert_eq!(body(&gone), json!({ "constraint_id": id(1), "subscriptions": stated }));
}
