//! Roles, their privileges, and who has them, by REST alone; what they grant acts at once.

use anyhow::{Context, Result, ensure};
use rig::{Answer, Auth, Rest, Rig};
use serde_json::{Value, json};

async fn send(rest: &Rest, method: &str, path: &str, body: &Value) -> Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    rest.send(method, &format!("/rest/v0{path}"), &[], body.as_bytes()).await
}

/// Makes something and returns its address.
async fn make(rest: &Rest, collection: &str, body: Value) -> Result<String> {
    let made = rest.post(collection, &body).await?;
    let id = made.json()["id"].as_str().map(str::to_owned).with_context(|| made.text.clone())?;
    let address = format!("{collection}/{id}");
    let location = format!("/rest/v0{address}");
    ensure!(made.status == 201 && made.header("location") == Some(&location), "{} {}", made.status, made.text);
    Ok(address)
}

fn id_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or_default()
}

#[tokio::test]
async fn roles_are_made_given_and_taken() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let rest = rig.admin_rest()?;
    let alice = make(&rest, "/users", json!({ "name": "alice", "password": "alice-1" })).await?;
    let group = make(&rest, "/groups", json!({ "name": "readers" })).await?;
    let hers = rig.rest(Auth::Basic("alice".into(), "alice-1".into()));
    let vms = rest.get("/vms").await?.json();
    ensure!(hers.get("/vms").await?.json() == json!([]) && vms.as_array().is_some_and(|all| !all.is_empty()));

    // A role with one privilege, for a group that she is put into.
    let role = make(&rest, "/acl-roles", json!({ "name": "reader", "description": "reads" })).await?;
    let new = json!({ "roleId": id_of(&role), "resource": "vm", "action": "read", "effect": "allow" });
    let privilege = make(&rest, "/acl-privileges", new).await?;
    let wanted = json!({ "id": id_of(&role), "name": "reader", "description": "reads" });
    ensure!(rest.get(&role).await?.json() == wanted, "{}", rest.get(&role).await?.text);
    let shown = rest.get(&privilege).await?.json();
    ensure!(shown["roleId"] == id_of(&role) && shown["action"] == "read", "{shown}");
    let to_group = format!("{role}/groups/{}", id_of(&group));
    ensure!(send(&rest, "PUT", &to_group, &Value::Null).await?.status == 204);
    ensure!(send(&rest, "PUT", &to_group, &Value::Null).await?.status == 409, "twice");
    let member = format!("{group}/users/{}", id_of(&alice));
    ensure!(send(&rest, "PUT", &member, &Value::Null).await?.status == 204);
    ensure!(hers.get("/vms").await?.json() == vms, "she reads what the role allows");

    // Seen from every side; what is hers to see she sees, and nothing of the others.
    let href = |address: &str| json!([format!("/rest/v0{address}")]);
    for (path, listed) in [
        ("/acl-roles".to_owned(), &role),
        ("/acl-privileges".to_owned(), &privilege),
        (format!("{role}/privileges"), &privilege),
        (format!("{role}/groups"), &group),
        (format!("{group}/acl-roles"), &role),
        (format!("{group}/users"), &alice),
        (format!("{alice}/groups"), &group),
        (format!("{alice}/acl-privileges"), &privilege),
    ] {
        let found = rest.get(&path).await?.json();
        ensure!(found == href(listed), "{path}: {found}");
    }
    ensure!(rest.get(&format!("{role}/users")).await?.json() == json!([]));
    ensure!(hers.get(&format!("{alice}/acl-privileges")).await?.json() == href(&privilege));
    ensure!(hers.get("/acl-privileges").await?.json() == json!([]));
    for (path, status) in [
        ("/acl-roles".to_owned(), 403),
        (role.clone(), 403),
        (privilege.clone(), 403),
        (format!("{group}/acl-roles"), 404),
        (format!("{group}/tasks"), 404),
    ] {
        let answer = hers.get(&path).await?;
        ensure!(answer.status == status, "{path}: {}", answer.status);
    }
    let filtered = rest.get("/acl-roles?filter=name:reader&fields=name").await?.json();
    ensure!(filtered == json!([{ "name": "reader", "href": format!("/rest/v0{role}") }]), "{filtered}");

    // Changes act at once; what makes no sense is refused.
    ensure!(send(&rest, "PATCH", &privilege, &json!({ "action": "fly" })).await?.status == 422);
    ensure!(send(&rest, "PATCH", &privilege, &json!({ "effect": "deny" })).await?.status == 204);
    ensure!(hers.get("/vms").await?.json() == json!([]));
    ensure!(send(&rest, "PATCH", &role, &json!({ "name": "nobody" })).await?.status == 204);
    ensure!(rest.get(&role).await?.json()["name"] == "nobody");

    // A copy has the privileges and nobody who has it.
    let copied = send(&rest, "POST", &format!("{role}/actions/copy?sync=true"), &json!({ "name": "copy" })).await?;
    ensure!(copied.status == 201, "{} {}", copied.status, copied.text);
    let copy = format!("/acl-roles/{}", copied.json()["id"].as_str().context("an id")?);
    let privileges = rest.get(&format!("{copy}/privileges?fields=action,effect")).await?.json();
    ensure!(privileges[0]["effect"] == "deny" && privileges[0]["action"] == "read", "{privileges}");
    ensure!(rest.get(&format!("{copy}/groups")).await?.json() == json!([]));
    let to_user = format!("{copy}/users/{}", id_of(&alice));
    ensure!(send(&rest, "PUT", &to_user, &Value::Null).await?.status == 204);
    ensure!(rest.get(&format!("{copy}/users")).await?.json() == href(&alice));
    ensure!(send(&rest, "DELETE", &to_user, &Value::Null).await?.status == 204);
    ensure!(send(&rest, "DELETE", &to_user, &Value::Null).await?.status == 404);

    // All of it goes.
    ensure!(send(&rest, "DELETE", &to_group, &Value::Null).await?.status == 204);
    for path in [&privilege, &role, &copy] {
        ensure!(send(&rest, "DELETE", path, &Value::Null).await?.status == 204, "{path}");
        ensure!(rest.get(path).await?.status == 404, "{path}");
    }
    ensure!(rest.get("/acl-privileges").await?.json() == json!([]), "those of the copy go with it");
    rig.end().await
}
