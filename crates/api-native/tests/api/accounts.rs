//! Accounts and tokens.
use crate::http::Site;
use crate::world::T0;
use node::command::Command;
use record::Role;
use serde_json::json;
use units::Utc;

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn a_token_acts_in_its_role_until_it_expires() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let body = json!({ "name": "bridge", "role": "planner", "expires_utc_ms": T0 + DAY_MS });
    let made = chief.post("/v1/tokens", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let bridge = site.bearer(made.json()["token"].as_str().unwrap());
    let session = bridge.get("/v1/session").await.json();
    assert_eq!(
        (&session["officer"], &session["role"], &session["csrf"]),
        (&json!("bridge"), &json!("planner"), &json!(null))
    );
    assert_eq!(bridge.post("/v1/password", json!({ "password": "ten years of rain" })).await.kind(), "403 role");
    let again = chief.post("/v1/tokens", body).await;
    assert_eq!(again.status, 201);
    assert_eq!(bridge.get("/v1/session").await.status, 401, "replaced");
    let bridge = site.bearer(again.json()["token"].as_str().unwrap());
    site.fake.change(|view| view.utc = Utc(T0 + DAY_MS));
    assert_eq!(bridge.get("/v1/session").await.status, 200);
    site.fake.change(|view| view.utc = Utc(T0 + DAY_MS + 1));
    assert_eq!(bridge.get("/v1/session").await.status, 401);
}

#[tokio::test]
async fn only_the_hash_of_a_token_leaves_the_interface() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let body = json!({ "name": "bridge", "role": "observer", "expires_utc_ms": T0 + 1 });
    let token = chief.post("/v1/tokens", body).await.json()["token"].as_str().unwrap().to_owned();
    let given = site.fake.taken();
    assert!(!format!("{given:?}").contains(&token));
    let Command::SetAccount { account, .. } = &given[0].command else { panic!("{given:?}") };
    assert_eq!(account.token.unwrap().0, api_native::secret_hash(&token));
}

#[tokio::test]
async fn tokens_that_cannot_be() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let check = async |name: &str, expires: i64, expect: &str| {
        let body = json!({ "name": name, "role": "observer", "expires_utc_ms": expires });
        assert_eq!(chief.post("/v1/tokens", body).await.problem(), expect);
    };
    check("x", T0, "422 invalid | expires_utc_ms: must be in the next 366 days").await;
    check("x", T0 + 367 * DAY_MS, "422 invalid | expires_utc_ms: must be in the next 366 days").await;
    let wanted = "must be 1 to 32 of a-z, 0-9, - and ., and none of operator, node and file";
    for taken in ["operator", "node", node::FILE] {
        check(taken, T0 + 1, &format!("422 invalid | name: {wanted}, got {taken:?}")).await;
    }
    check("Anna", T0 + 1, &format!("422 invalid | name: {wanted}, got \"Anna\"")).await;
    check("anna", T0 + 1, "409 already | anna is an officer's account; choose another name").await;
}

#[tokio::test]
async fn an_administrator_makes_an_account_and_hands_its_code_over() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let made = chief.send("PUT", "/v1/accounts/ben", json!({ "role": "officer" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let code = made.json()["code"].as_str().unwrap().to_owned();
    let mut ben = site.anyone();
    let reply = ben.post("/v1/sign-in", json!({ "code": code })).await;
    assert_eq!((&reply.json()["role"], &reply.json()["must_set_password"]), (&json!("officer"), &json!(true)));
    ben.keep(&reply);
    assert_eq!(ben.post("/v1/password", json!({ "password": "ten years of rain" })).await.status, 204);

    let promoted = chief.send("PUT", "/v1/accounts/ben", json!({ "role": "planner" })).await;
    assert_eq!((promoted.status.as_u16(), &promoted.json()["code"]), (200, &json!(null)));
    assert_eq!(ben.get("/v1/session").await.status, 401, "sessions end when the role changes");
    let password = json!({ "name": "ben", "password": "ten years of rain" });
    assert_eq!(site.anyone().post("/v1/sign-in", password.clone()).await.json()["role"], "planner");

    let lost = chief.send("PUT", "/v1/accounts/ben", json!({ "role": "planner", "new_code": true })).await;
    assert!(lost.json()["code"].is_string());
    assert_eq!(site.anyone().post("/v1/sign-in", password).await.status, 401, "the old password is gone");

    assert_eq!(chief.raw("DELETE", "/v1/accounts/ben", None, "").await.status, 204);
    let code = lost.json()["code"].clone();
    assert_eq!(site.anyone().post("/v1/sign-in", json!({ "code": code })).await.status, 401, "the code is withdrawn");
    assert_eq!(chief.raw("DELETE", "/v1/accounts/ben", None, "").await.problem(), "404 no-such | no such account: ben");
    assert_eq!(chief.raw("DELETE", "/v1/accounts/administrator", None, "").await.kind(), "403 role");
}

#[tokio::test]
async fn accounts_are_listed_by_name_without_a_secret() {
    let site = Site::new();
    let chief = site.signed_in("administrator").await;
    let list = chief.get("/v1/accounts").await;
    let names: Vec<String> =
        list.json()["items"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["administrator", "anna", "late", "observer", "officer", "planner"]);
    assert!(!list.text.contains("argon2") && !list.text.contains("token\":"));
}

#[tokio::test]
async fn only_administrators_and_the_operator_have_accounts_to_give() {
    let site = Site::new();
    let body = json!({ "role": "officer" });
    for name in ["observer", "officer", "planner"] {
        let client = site.signed_in(name).await;
        assert_eq!(client.send("PUT", "/v1/accounts/ben", body.clone()).await.kind(), "403 role", "{name}");
        assert_eq!(client.get("/v1/accounts").await.kind(), "403 role");
        assert_eq!(client.raw("DELETE", "/v1/accounts/anna", None, "").await.kind(), "403 role");
        let token = json!({ "name": "t", "role": "observer", "expires_utc_ms": T0 + 1 });
        assert_eq!(client.post("/v1/tokens", token).await.kind(), "403 role");
    }
    assert_eq!(site.fake.taken(), []);
    let operator = site.bearer(crate::http::OPERATOR);
    assert_eq!(operator.send("PUT", "/v1/accounts/ben", body).await.status, 201);
    let actor = site.fake.taken().remove(0).actor;
    assert_eq!((actor.name.as_str(), actor.role), ("operator", Role::Administrator));
}
