//! An administrator turns sign-in by LDAP on, step by step, against a real directory; people sign in; it is turned off.

use anyhow::{Context, Result, ensure};
use e2e::{compiled, enable_ldap, plugin_view};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

const ID: &str = "auth-ldap";

async fn test(admin: &Client, config: &Value, data: &Value, grants: &[Value]) -> Result<Value> {
    admin.call("plugin.test", json!({ "id": ID, "configuration": config, "data": data, "grants": grants })).await
}

/// Returns the first step of a test that failed, as name and message.
fn failed_step(tested: &Value) -> Result<(String, String)> {
    let checks = tested["checks"].as_array().context("checks")?;
    let failed =
        checks.iter().find(|check| check["ok"] == false).with_context(|| format!("all went well: {tested}"))?;
    Ok((failed["name"].as_str().unwrap_or_default().into(), failed["message"].as_str().unwrap_or_default().into()))
}

/// Tries to sign in; after a failure before, as soon as the name may be tried again.
async fn sign_in(rig: &Rig, name: &str, password: &str) -> Result<std::result::Result<(Client, Value), rig::RpcError>> {
    let params = json!({ "username": name, "password": password });
    let outcome = rig::until("an answer to a sign-in", async || {
        let client = rig.client().await.ok()?;
        let outcome = client.attempt("session.signIn", params.clone()).await.ok()?;
        let too_fast = outcome.as_ref().is_err_and(|error| error.message.contains("too fast"));
        (!too_fast).then(|| outcome.map(|user| (client, user)))
    });
    outcome.await
}

async fn refused(rig: &Rig, name: &str, password: &str) -> Result<i64> {
    match sign_in(rig, name, password).await? {
        Ok((_, user)) => anyhow::bail!("{name} was let in: {user}"),
        Err(error) => Ok(error.code),
    }
}

#[tokio::test]
async fn from_a_configuration_to_people_who_sign_in_and_back() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).plugin(ID).slapd(true).start().await?;
    let admin = rig.admin().await?;
    compiled(&admin, ID).await?;
    let (config, grant) = (rig.slapd().config(), rig.slapd().grant());
    let alice = json!({ "username": "alice", "password": "alice-Pw-1" });

    // Before anything is saved: the Test button says what it needs for this one call, and runs nothing.
    let asked = test(&admin, &config, &alice, &[]).await?;
    ensure!(asked["ok"] == false && asked["checks"] == json!([]), "{asked}");
    let missing = &asked["missingGrants"][0];
    ensure!(
        missing["capability"] == rig.slapd().capability().as_str() && missing["reason"]["en"].is_string(),
        "{asked}"
    );
    let good = test(&admin, &config, &alice, std::slice::from_ref(&grant)).await?;
    ensure!(good["ok"] == true && good["checks"].as_array().is_some_and(|checks| checks.len() == 5), "{good}");

    // A directory on this very machine has to be allowed expressly.
    let bare = json!({ "capability": rig.slapd().capability() });
    let (step, text) = failed_step(&test(&admin, &config, &json!({}), &[bare]).await?)?;
    ensure!(step.starts_with("Connect") && text.contains("loopback"), "{step}: {text}");

    // What is wrong is said, and said differently.
    let mut wrong_password = config.clone();
    wrong_password["bind"]["password"] = json!("wrong");
    let (bind, about_password) =
        failed_step(&test(&admin, &wrong_password, &json!({}), std::slice::from_ref(&grant)).await?)?;
    let mut wrong_ca = config.clone();
    wrong_ca["server"]["ca"] = json!(rig.slapd().other_ca);
    let (connect, about_ca) = failed_step(&test(&admin, &wrong_ca, &json!({}), std::slice::from_ref(&grant)).await?)?;
    ensure!(
        bind.contains("service account") && about_password.contains("password is wrong"),
        "{bind}: {about_password}"
    );
    ensure!(
        connect.starts_with("Connect") && about_ca.contains("not signed by the CA certificate"),
        "{connect}: {about_ca}"
    );
    let mut no_ca = config.clone();
    no_ca["server"].as_object_mut().context("an object")?.remove("ca");
    let (_, about_no_ca) = failed_step(&test(&admin, &no_ca, &json!({}), std::slice::from_ref(&grant)).await?)?;
    ensure!(about_no_ca != about_ca, "an unknown CA and a wrong one are different: {about_no_ca}");
    let wrong_person = json!({ "username": "alice", "password": "wrong" });
    let (step, _) = failed_step(&test(&admin, &config, &wrong_person, std::slice::from_ref(&grant)).await?)?;
    ensure!(step == "Sign in as alice", "{step}");

    // StartTLS on the other port asks for the other right.
    let mut start_tls = config.clone();
    start_tls["server"]["tls"] = json!("starttls");
    start_tls["server"]["port"] = json!(rig.slapd().start_tls_port);
    let mut other_grant = grant.clone();
    other_grant["capability"] = json!(format!("ldap:127.0.0.1:{}", rig.slapd().start_tls_port));
    ensure!(
        test(&admin, &start_tls, &alice, std::slice::from_ref(&grant)).await?["missingGrants"][0].is_object(),
        "another port"
    );
    let by_start_tls = test(&admin, &start_tls, &alice, &[other_grant]).await?;
    ensure!(by_start_tls["ok"] == true, "{by_start_tls}");
    ensure!(plugin_view(&admin, ID).await?["grants"] == json!([]), "grants of a test are not kept");

    // Saved, not granted: it cannot be enabled.
    admin.call("plugin.configure", json!({ "id": ID, "configuration": config })).await?;
    let view = plugin_view(&admin, ID).await?;
    ensure!(view["state"] == "configured" && view["loaded"] == false, "{}", view["state"]);
    let error = admin.refused("plugin.load", json!({ "id": ID })).await?;
    ensure!(error.code == 10 && error.data["errors"][0]["keyword"] == "grant", "{error}");
    let shown = view["configuration"].to_string();
    ensure!(!shown.contains("reader-Pw-1"), "a secret left the daemon: {shown}");
    ensure!(refused(&rig, "alice", "alice-Pw-1").await? == 3, "not enabled yet");
    // The form sends the sentinel back; the stored password stays.
    admin.call("plugin.configure", json!({ "id": ID, "configuration": view["configuration"] })).await?;
    ensure!(
        test(&admin, &view["configuration"], &alice, std::slice::from_ref(&grant)).await?["ok"] == true,
        "the password is lost"
    );

    enable_ldap(&rig, &admin).await?;
    ensure!(plugin_view(&admin, ID).await?["state"] == "enabled", "enabled");
    let providers = rig.rest(Auth::Nobody).get("/auth/providers").await?.json();
    ensure!(providers.as_array().is_some_and(|all| all.iter().any(|one| one["id"] == ID)), "{providers}");
    people_sign_in(&rig, &admin).await?;

    // Taken back while enabled: the next sign-in is denied and the page says so. Given again: it works again.
    admin.call("plugin.revoke", json!({ "id": ID, "capability": rig.slapd().capability() })).await?;
    ensure!(refused(&rig, "bob", "bob-Pw-1").await? == 3, "the right was taken back");
    let told = e2e::plugin(&admin, ID, "the denial", |view| {
        view["activity"].as_array()?.iter().find(|line| line["kind"] == "denied" || line["kind"] == "error").cloned()
    });
    told.await?;
    let mut again = grant.clone();
    again["id"] = json!(ID);
    admin.call("plugin.grant", again).await?;
    rig::until("bob to get in again", async || sign_in(&rig, "bob", "bob-Pw-1").await.ok()?.ok().map(drop)).await?;

    // Loaded at start, from a sealed password.
    admin.call("plugin.enableAutoload", json!({ "id": ID })).await?;
    let before = admin.call("user.getAll", json!({})).await?;
    rig.restart().await?;
    rig.pools_are_live().await?;
    let admin = rig.admin().await?;
    e2e::plugin(&admin, ID, "enabled after a restart", |view| (view["state"] == "enabled").then_some(())).await?;
    let (_, user) = sign_in(&rig, "alice", "alice-Pw-1").await??;
    ensure!(
        before.as_array().is_some_and(|users| users.iter().any(|known| known["id"] == user["id"])),
        "the same account"
    );

    // Off: refused; the local administrator still gets in.
    admin.call("plugin.unload", json!({ "id": ID })).await?;
    ensure!(refused(&rig, "alice", "alice-Pw-1").await? == 3, "it is off");
    rig.admin().await?.call("session.getUser", json!({})).await?;
    admin.call("plugin.purgeConfiguration", json!({ "id": ID })).await?;
    let view = plugin_view(&admin, ID).await?;
    ensure!(view["configuration"].is_null() && view["grants"] == json!([]), "nothing is kept: {view}");
    rig.end().await
}

async fn people_sign_in(rig: &Rig, admin: &Client) -> Result<()> {
    // The account is made, with permission none: nothing is seen, also not what changes.
    let (alice, user) = sign_in(rig, "alice", "alice-Pw-1").await??;
    ensure!(user["permission"] == "none" && user["email"] == "alice", "{user}");
    ensure!(user["authProviders"][ID]["id"].is_string(), "{user}");
    ensure!(alice.call("xo.getAllObjects", json!({})).await? == json!({}), "alice sees something");
    let rest = rig.rest(Auth::Basic("alice".into(), "alice-Pw-1".into()));
    ensure!(rest.get("/vms").await?.json() == json!([]), "alice sees something by REST");
    ensure!(alice.refused("plugin.get", json!({})).await?.code == 2, "alice may not look at plugins");
    ensure!(
        alice.refused("user.changePassword", json!({ "oldPassword": "alice-Pw-1", "newPassword": "x" })).await?.code
            == 5
    );
    let (_, twice) = sign_in(rig, "Alice", "alice-Pw-1").await??;
    ensure!(twice["id"] == user["id"], "the same person, the same account");
    admin.watch().await?;
    rig.sim(0).set(
        "pool",
        &rig.sim(0).records("pool").into_keys().next().context("a pool")?,
        "name_description",
        json!("new"),
    )?;
    admin
        .until("the change", |view| view.of_kind("pool").find(|pool| pool["name_description"] == "new").map(drop))
        .await?;
    alice.call("session.getUser", json!({})).await?;
    ensure!(alice.view().notifications.is_empty(), "alice was told: {:?}", alice.view().notifications);

    // By the page's form, with the provider chosen.
    let form = json!({ "username": "bob", "password": "bob-Pw-1", "provider": ID });
    let bob = rig.rest(Auth::Nobody).post("/auth/login", &form).await?;
    ensure!(bob.status == 200 && bob.json()["user"]["permission"] == "none", "{} {}", bob.status, bob.text);

    // What must not get in. Each name once: a failure makes its name wait.
    for (name, password) in [
        ("bob", "wrong"),
        ("bob@example.org", ""),
        ("*", "alice-Pw-1"),
        ("alice)(uid=*", "alice-Pw-1"),
        ("cn=reader,dc=example,dc=org", "reader-Pw-1"),
        ("nobody", "nobody-Pw-1"),
    ] {
        ensure!(refused(rig, name, password).await? == 3, "{name:?} {password:?}");
    }

    // A name that a local account has is not taken over, whatever the directory says.
    admin.call("user.create", json!({ "email": "carol", "password": "local-Pw-1", "permission": "admin" })).await?;
    ensure!(refused(rig, "carol", "carol-Pw-1").await? == 3, "the directory's password opens a local account");
    let by_mail = rig.client().await?;
    let error =
        by_mail.refused("session.signIn", json!({ "username": "carol@example.org", "password": "carol-Pw-1" })).await?;
    ensure!(error.code == 5 && error.data["reason"].as_str().is_some_and(|text| text.contains("carol")), "{error}");
    ensure!(by_mail.call("session.getUser", json!({})).await?.is_null(), "nobody is signed in there");
    Ok(())
}
