//! Accounts and tokens: made, changed, used, taken away; and what happens at once to those who are connected.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

async fn signed_in(rig: &Rig, name: &str, password: &str) -> Result<Client> {
    let client = rig.client().await?;
    client.sign_in(name, password).await?;
    Ok(client)
}

async fn with_token(rig: &Rig, token: &str) -> Result<Client> {
    let client = rig.client().await?;
    client.call("session.signIn", json!({ "token": token })).await?;
    Ok(client)
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("a string")?.to_owned())
}

#[tokio::test]
async fn accounts_and_tokens_come_change_and_go() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let me = admin.call("session.getUser", json!({})).await?;
    ensure!(me["passwordChangeSuggested"] == true && me["permission"] == "admin" && me["email"] == "admin", "{me}");

    // An account is made; its name is unique whatever its case.
    let alice = json!({ "email": "alice", "password": "alice-1", "permission": "none" });
    let alice_id = text(&admin.call("user.create", alice.clone()).await?)?;
    ensure!(admin.refused("user.create", alice).await?.code == 16, "twice");
    ensure!(admin.refused("user.create", json!({ "email": "ALICE", "password": "p" })).await?.code == 16, "other case");
    for name in ["", "  ", "a\nb"] {
        ensure!(admin.refused("user.create", json!({ "email": name, "password": "p" })).await?.code == 10, "{name:?}");
    }
    let listing = admin.call("user.getAll", json!({})).await?;
    ensure!(
        listing.as_array().is_some_and(|all| all.len() == 2) && !listing.to_string().contains("argon2"),
        "{listing}"
    );

    someone_without_rights(&rig, &admin, &me, &alice_id).await?;
    rights_act_at_once(&rig, &admin, &alice_id).await?;
    tokens(&rig, &admin, &alice_id).await?;
    guesses_are_slowed_down(&rig, &alice_id, &admin).await?;
    the_first_password(&rig, &admin, &me).await?;

    // An account goes: its sockets and tokens go with it.
    let socket = signed_in(&rig, "alice", "alice-2").await?;
    let token = text(&socket.call("token.create", json!({})).await?)?;
    let by_token = with_token(&rig, &token).await?;
    ensure!(admin.refused("user.delete", json!({ "id": me["id"] })).await?.code == 10, "oneself");
    admin.call("user.delete", json!({ "id": alice_id })).await?;
    for socket in [&socket, &by_token] {
        ensure!(socket.closed().await?.code == Some(1008), "{:?}", socket.is_closed());
    }
    ensure!(rig.rest(Auth::Cookie("token", token.clone())).get("/vms").await?.status == 401, "the token is gone");
    let stranger = rig.client().await?;
    ensure!(stranger.refused("session.signIn", json!({ "username": "alice", "password": "alice-2" })).await?.code == 3);
    ensure!(admin.refused("user.delete", json!({ "id": alice_id })).await?.code == 1, "twice");
    rig.end().await
}

async fn someone_without_rights(rig: &Rig, admin: &Client, me: &Value, alice_id: &str) -> Result<()> {
    let alice = signed_in(rig, "Alice", "alice-1").await?;
    ensure!(alice.call("xo.getAllObjects", json!({})).await? == json!({}), "she sees something");
    for method in ["user.getAll", "server.getAll", "plugin.get"] {
        let error = alice.refused(method, json!({})).await?;
        ensure!(error.code == 2 && error.message == "not enough permissions", "{method}: {error}");
    }
    // A VM that she may not see does not exist for her.
    let vm = rig.sim(0).records("VM").into_values().find(|vm| vm["is_a_template"] == false).context("a VM")?;
    ensure!(alice.refused("vm.start", json!({ "id": vm["uuid"] })).await?.code == 1, "vm.start");
    ensure!(alice.refused("vm.set", json!({ "id": vm["uuid"], "name_label": "mine" })).await?.code == 1, "vm.set");
    let rest = rig.rest(Auth::Basic("alice".into(), "alice-1".into()));
    ensure!(rest.get(&format!("/vms/{}", text(&vm["uuid"])?)).await?.status == 404, "by REST");
    // Her own preferences are hers, nothing else is.
    alice.call("user.set", json!({ "id": alice_id, "preferences": { "a": 1, "b": 2 } })).await?;
    alice.call("user.set", json!({ "id": alice_id, "preferences": { "b": null } })).await?;
    ensure!(alice.call("session.getUser", json!({})).await?["preferences"] == json!({ "a": 1 }), "preferences");
    for change in [
        json!({ "id": alice_id, "permission": "admin" }),
        json!({ "id": alice_id, "email": "root" }),
        json!({ "id": alice_id, "password": "x" }),
        json!({ "id": me["id"], "preferences": { "a": 1 } }),
        json!({ "id": me["id"], "password": "x" }),
    ] {
        ensure!(alice.refused("user.set", change.clone()).await?.code == 2, "{change}");
    }
    ensure!(admin.refused("user.set", json!({ "id": me["id"], "permission": "none" })).await?.code == 10, "one's own");
    alice.call("session.signOut", json!({})).await?;
    ensure!(alice.refused("xo.getAllObjects", json!({})).await?.code == 2, "after signing out");
    Ok(())
}

/// A permission that changes acts on sockets that are open: on their calls, and on what they are told.
async fn rights_act_at_once(rig: &Rig, admin: &Client, alice_id: &str) -> Result<()> {
    let alice = signed_in(rig, "alice", "alice-1").await?;
    admin.watch().await?;
    let pool = rig.sim(0).records("pool").into_keys().next().context("a pool")?;
    let change = async |name: &str| {
        rig.sim(0).set("pool", &pool, "name_description", json!(name))?;
        let seen =
            admin.until(name, |view| view.of_kind("pool").find(|pool| pool["name_description"] == name).map(drop));
        seen.await?;
        // A call and its answer: what was told before it has arrived.
        alice.call("session.getUser", json!({})).await.map(drop)
    };
    change("as nobody").await?;
    ensure!(alice.view().notifications.is_empty(), "told while she had no rights");

    admin.call("user.set", json!({ "id": alice_id, "permission": "admin" })).await?;
    ensure!(alice.call("user.getAll", json!({})).await?.is_array(), "an administrator now");
    alice.watch().await?;
    change("as an administrator").await?;
    alice
        .until("the change", |view| {
            view.of_kind("pool").find(|p| p["name_description"] == "as an administrator").map(drop)
        })
        .await?;

    admin.call("user.set", json!({ "id": alice_id, "permission": "none" })).await?;
    ensure!(alice.refused("user.getAll", json!({})).await?.code == 2, "no administrator any more");
    ensure!(alice.call("xo.getAllObjects", json!({})).await? == json!({}), "she sees something");
    let before = alice.view().notifications.len();
    change("as nobody again").await?;
    let told = alice.view().notifications.split_off(before);
    ensure!(told.is_empty(), "told after her rights were taken: {told:?}");
    Ok(())
}

async fn tokens(rig: &Rig, admin: &Client, alice_id: &str) -> Result<()> {
    let alice = signed_in(rig, "alice", "alice-1").await?;
    let token = text(&alice.call("token.create", json!({ "description": "mine", "expiresIn": "1 hour" })).await?)?;
    ensure!(token.len() == 43, "{token}");
    let own = alice.call("user.getAuthenticationTokens", json!({})).await?;
    ensure!(own.as_array().is_some_and(|all| all.len() == 1) && own[0]["description"] == "mine", "{own}");
    ensure!(own[0]["user_id"] == alice_id && !own.to_string().contains(&token), "the list has the token: {own}");
    for expires in [json!(1_000), json!("1 s"), json!("2 years"), json!(-1), json!(true)] {
        let refused = alice.refused("token.create", json!({ "expiresIn": expires })).await?;
        ensure!(refused.code == 10, "{expires}: {refused}");
    }
    // A client has one token at a time.
    let client = json!({ "client": { "id": "a client" } });
    let first = text(&alice.call("token.create", client.clone()).await?)?;
    let socket = with_token(rig, &first).await?;
    alice.call("token.create", client).await?;
    ensure!(socket.closed().await?.code == Some(1008), "the token before it was replaced");

    // Their description can be changed, their use is noted, and they can be found by what they look like.
    let id = own[0]["id"].clone();
    alice.call("token.set", json!({ "id": token, "description": "mine alone" })).await?;
    rig.rest(Auth::Cookie("token", token.clone())).get("/vms").await?;
    let noted = rig::until("the use to be written down", async || {
        let own = alice.call("user.getAuthenticationTokens", json!({})).await.ok()?;
        let token = own.as_array()?.iter().find(|token| token["id"] == id)?.clone();
        token["last_uses"]["127.0.0.1"]["timestamp"].is_u64().then_some(token)
    });
    ensure!(noted.await?["description"] == "mine alone");
    alice.call("token.set", json!({ "id": id, "description": null })).await?;
    ensure!(admin.refused("token.set", json!({ "id": id, "description": "x" })).await?.code == 1, "somebody else's");
    for name in ["a", "b"] {
        alice.call("token.create", json!({ "description": name, "client": { "id": name } })).await?;
    }
    let count = async || {
        let own = alice.call("user.getAuthenticationTokens", json!({})).await.ok()?;
        Some(own.as_array()?.len())
    };
    let before = count().await.context("tokens")?;
    ensure!(alice.refused("token.deleteOwn", json!({})).await?.code == 10, "which ones?");
    let pattern = json!({ "pattern": { "client": { "id": { "__or": ["a", "b"] } } } });
    admin.call("token.deleteOwn", pattern.clone()).await?;
    ensure!(count().await == Some(before), "an administrator's own are none of hers");
    alice.call("token.deleteOwn", pattern).await?;
    ensure!(count().await == Some(before - 2), "two less");

    // Nobody deletes what is somebody else's.
    let of_admin = text(&admin.call("token.create", json!({})).await?)?;
    alice.call("token.deleteOwn", json!({ "tokens": [of_admin] })).await?;
    let still = with_token(rig, &of_admin).await?;
    ensure!(alice.refused("token.delete", json!({ "tokens": [of_admin] })).await?.code == 2, "token.delete");
    let socket = with_token(rig, &token).await?;
    alice.call("token.deleteOwn", json!({ "tokens": [token] })).await?;
    ensure!(socket.closed().await?.code == Some(1008), "its token is gone");
    ensure!(rig.rest(Auth::Cookie("authenticationToken", token)).get("/vms").await?.status == 401, "by REST");
    admin.call("token.delete", json!({ "tokens": [of_admin] })).await?;
    ensure!(still.closed().await?.code == Some(1008), "an administrator deletes any");
    ensure!(alice.is_closed().is_none(), "who signed in by password stays");
    Ok(())
}

async fn guesses_are_slowed_down(rig: &Rig, alice_id: &str, admin: &Client) -> Result<()> {
    let client = rig.client().await?;
    let wrong = json!({ "username": "alice", "password": "wrong" });
    let right = json!({ "username": "alice", "password": "alice-1" });
    ensure!(client.refused("session.signIn", wrong.clone()).await?.code == 3, "a wrong password");
    let error = client.refused("session.signIn", right.clone()).await?;
    ensure!(error.code == -32000 && error.message.contains("too fast"), "also the right one has to wait: {error}");
    let status = rig.rest(Auth::Basic("ALICE".into(), "alice-1".into())).get("/vms").await?.status;
    ensure!(status == 429, "by REST: {status}");
    // Somebody else does not.
    signed_in(rig, "admin", &rig.password()?).await?;
    rig::until("the pause to be over", async || client.call("session.signIn", right.clone()).await.ok()).await?;
    admin.call("user.set", json!({ "id": alice_id, "password": "alice-2" })).await?;
    let error = rig.client().await?.refused("session.signIn", right).await?;
    ensure!(error.code == 3, "the password before: {error}");
    let client = rig.client().await?;
    let new = json!({ "username": "alice", "password": "alice-2" });
    rig::until("the new password to work", async || client.call("session.signIn", new.clone()).await.ok()).await?;
    Ok(())
}

async fn the_first_password(rig: &Rig, admin: &Client, me: &Value) -> Result<()> {
    let (file, first) = (rig.state().join("admin-password"), rig.password()?);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    ensure!(!rig.logged().contains(&first), "the password stands in the log");
    let wrong = json!({ "oldPassword": "wrong", "newPassword": "second-Pw-1" });
    ensure!(admin.refused("user.changePassword", wrong).await?.code == 3, "a wrong old password");
    ensure!(file.exists() && rig.password()? == first, "nothing changed");
    let change = json!({ "oldPassword": first, "newPassword": "second-Pw-1" });
    rig::until("the pause to be over", async || admin.call("user.changePassword", change.clone()).await.ok()).await?;
    ensure!(!file.exists(), "the file with the first password is still there");
    let now = admin.call("session.getUser", json!({})).await?;
    ensure!(now["id"] == me["id"] && now["passwordChangeSuggested"].is_null(), "{now}");
    ensure!(
        rig.client().await?.refused("session.signIn", json!({ "username": "admin", "password": first })).await?.code
            == 3
    );
    let second = json!({ "username": "admin", "password": "second-Pw-1" });
    let client = rig.client().await?;
    rig::until("the second password to work", async || client.call("session.signIn", second.clone()).await.ok())
        .await?;
    Ok(())
}
