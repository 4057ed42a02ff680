//! Kunduz, played over: a hospital's coordinates are entered as what is said and planned there, in each notation in which people write
//! them, and the node that holds the hospital says so at once and goes on saying so until somebody gives a reason.
use crate::common::node::Node;
use crate::common::world::{Spec, World};
use crate::common::{Limit, eventually};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// One place; the last two are the square of a metre and the area of 5 minutes that it is in.
const PLACES: [(&str, &str); 5] = [
    ("decimal", "36.718,68.863"),
    ("dms", "36°43'04.8\"N 068°51'46.8\"E"),
    ("icao", "364305N0685147E"),
    ("mgrs", "42SVF 87765 63598"),
    ("gars", "498LP42"),
];

/// Runs the command line against the node of a folder.
fn skypact(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(dir).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Open alerts about plans and places.
fn flags(node: &Node) -> Vec<Value> {
    let mut alerts = node.list("/v1/alerts");
    alerts.retain(|a| a["kind"] == "plan" && a["state"] != "cleared");
    alerts
}

/// Does something that is to be flagged. Gives the flag, once it is there, and says how long it took from the answer.
#[track_caller]
fn flagged(node: &Node, what: &str, enter: impl FnOnce()) -> Value {
    let before: Vec<Value> = flags(node).into_iter().map(|a| a["id"].clone()).collect();
    let started = Instant::now();
    enter();
    let entered = started.elapsed();
    let flag =
        eventually(&format!("{what} is flagged"), 20, || flags(node).into_iter().find(|a| !before.contains(&a["id"])));
    println!("{what}: answered after {entered:?}, in the view after {:?}", started.elapsed());
    assert_eq!((&flag["level"], &flag["reason"]), (&json!("warning"), &Value::Null), "{flag}");
    assert!(flag["text"].as_str().unwrap().contains("protected site Trauma centre"), "{flag}");
    flag
}

#[test]
fn a_hospitals_coordinates_are_flagged_in_every_notation_until_a_reason_is_given_and_when_it_moves() {
    let _limit = Limit::of("sites", 150);
    let world = World::new(Spec { aircraft: 1, ..Spec::default() });
    let (home, node) = (world.home("north"), world.start("north"));
    let run = |args: &[&str]| {
        let (code, said) = skypact(&home, args);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        said
    };
    let site =
        ["site", "file", "--place", PLACES[0].1, "--radius", "60m", "--buffer", "500m", "--category", "hospital"];
    let filed = run(&[&["--json"], &site[..], &["--name", "Trauma centre", "--expires", "+720h"]].concat());
    let filed: Value = serde_json::from_str(&filed).unwrap();
    let path = format!("/v1/sites/{}", filed["subject"].as_str().unwrap());
    eventually("the site is held", 20, || (!node.list("/v1/sites").is_empty()).then_some(()));

    // Who asks is told, and the other party is told nothing by it.
    let said_to_south = || node.peer("south")["out"]["size"].clone();
    let before = said_to_south();
    for (notation, place) in PLACES {
        let (code, said) = skypact(&home, &["site", "check", place]);
        assert_eq!(code, Some(3), "{notation}: {said}");
        assert!(said.contains("OVER Trauma centre: hospital of north"), "{notation}: {said}");
    }
    assert_eq!(said_to_south(), before);

    let mut flagged_all = Vec::new();
    for (notation, place) in PLACES {
        let send =
            ["notice", "send", "--to", "south", "--class", "hazard", "--precedence", "ROUTINE", "--text", "Fire"];
        flagged_all.push(flagged(&node, &format!("a notice, {notation}"), || {
            drop(run(&[&send[..], &["--place", place]].concat()))
        }));
        let file = ["plan", "file", "--radius", "100m", "--lower", "ground", "--upper", "unlimited", "--from", "now"];
        let file = [&file[..], &["--to", "+45m", "--callsign", notation, "--place", place]].concat();
        flagged_all.push(flagged(&node, &format!("a plan, {notation}"), || drop(run(&file))));
    }
    // Waypoints of a route; an area is no waypoint.
    let times = json!({ "start_utc_ms": world.now().0, "end_utc_ms": world.now().0 + 7_200_000 });
    let volume = |outline: Value| {
        let mut volume = json!({ "outline": outline });
        volume.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        volume
    };
    for (notation, place) in PLACES {
        let points = json!([[68.5, 36.6], { "text": place }, [69.2, 36.6]]);
        let route = volume(json!({ "type": "corridor", "points": points, "half_width_m": 50 }));
        let body = json!({ "class": "military", "state": "accepted", "volumes": [route] });
        if notation == "gars" {
            let (status, said) = node.call("POST", "/v1/plans", &body);
            assert!(status == 422 && said.to_string().contains("give a point"), "{status} {said}");
            continue;
        }
        flagged_all.push(flagged(&node, &format!("a waypoint, {notation}"), || {
            let (status, said) = node.call("POST", "/v1/plans", &body);
            assert_eq!(status, 201, "{said}");
            assert!(said["conflicts"][0].as_str().unwrap().contains("Trauma centre"), "the planner is told: {said}");
        }));
    }
    // Beside the hospital and in its buffer: 560 m north of it with a radius of 100 m. And what others are asked to avoid.
    let beside =
        |radius_m: u32| volume(json!({ "type": "circle", "centre": [68.863, 36.718 + 0.005], "radius_m": radius_m }));
    let plan = json!({ "callsign": "BESIDE", "class": "uas", "state": "accepted", "volumes": [beside(100)] });
    let avoid = json!({ "to": ["south"], "volumes": [beside(100)] });
    for (what, path, body) in [("a volume in the buffer", "/v1/plans", plan), ("an area to avoid", "/v1/avoid", avoid)]
    {
        let flag = flagged(&node, what, || {
            let (status, said) = node.call("POST", path, &body);
            assert_eq!(status, 201, "{said}");
        });
        assert!(flag["text"].as_str().unwrap().contains("comes within 39"), "{flag}");
        flagged_all.push(flag);
    }
    let ids: Vec<&str> = flagged_all.iter().map(|flag| flag["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), flags(&node).len()), (16, 16), "one each, and nothing else");

    // Seen and taken up is not answered: each is what it was.
    for id in &ids {
        let (status, said) = node.call("POST", &format!("/v1/alerts/{id}/acknowledge"), &json!({}));
        assert_eq!(status, 204, "{said}");
    }
    let of = |level: &str, reason: Value| {
        flags(&node).iter().filter(|a| a["level"] == level && a["reason"] == reason).count()
    };
    eventually("all are acknowledged", 20, || flags(&node).iter().all(|a| a["state"] == "acknowledged").then_some(()));
    assert_eq!(of("warning", Value::Null), 16);
    for id in &ids {
        run(&["site", "reason", id, "Relief flight, agreed with the hospital"]);
    }
    let reason = json!("operator: Relief flight, agreed with the hospital");
    eventually("all are cautions with their reason", 40, || (of("caution", reason.clone()) == 16).then_some(()));

    // The hospital is found to be elsewhere, and to need more room: what was said of it is no longer what it is.
    let site = json!({
        "category": "hospital", "name": "Trauma centre", "buffer_m": 15_000,
        "footprint": { "type": "circle", "centre": [69.003, 36.718], "radius_m": 60 },
        "verification": "field-checked", "expires_utc_ms": world.now().0 + 86_400_000,
    });
    let started = Instant::now();
    let (status, said) = node.call("PUT", &path, &site);
    assert_eq!(status, 200, "{said}");
    eventually("all are warnings again", 20, || (of("warning", Value::Null) == 16).then_some(()));
    println!("all again: in the view after {:?}", started.elapsed());
    assert!(
        flags(&node).iter().all(|a| a["text"].as_str().unwrap().contains("comes within") && a["state"] == "raised")
    );
    node.stop();
}
