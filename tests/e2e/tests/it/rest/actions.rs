//! Actions and the tasks that they become.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rest, Rig};
use serde_json::{Value, json};

async fn act(rest: &Rest, path: &str) -> Result<(u16, Value, Option<String>)> {
    let answer = rest.send("POST", &format!("/rest/v0{path}"), &[], b"").await?;
    let location = answer.header("location").map(str::to_owned);
    Ok((answer.status, answer.json(), location))
}

#[tokio::test]
async fn an_action_is_a_task_that_can_be_waited_for() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let vm = view.named("VM", "CCNET").context("a running VM")?;
    let id = vm["id"].as_str().context("an id")?.to_owned();
    let power = async |state: &'static str| {
        let what = format!("{id} is {state}");
        admin.until(&what, |view| (view.objects.get(&id)?["power_state"] == state).then_some(())).await
    };

    // 202 with a task that stays to be read.
    let (status, body, location) = act(&rest, &format!("/vms/{id}/actions/hard_shutdown")).await?;
    let task = body["taskId"].as_str().context("a task")?.to_owned();
    ensure!(status == 202 && location == Some(format!("/rest/v0/tasks/{task}")), "{status} {body} {location:?}");
    let record = rest.get(&format!("/tasks/{task}?wait=result")).await?.json();
    ensure!(record["status"] == "success" && record["end"].as_u64() >= record["start"].as_u64(), "{record}");
    let properties = &record["properties"];
    ensure!(
        properties["name"] == "REST API: hard shutdown VM" && properties["type"] == "xo:rest-api:action",
        "{record}"
    );
    ensure!(properties["objectId"] == id.as_str() && properties["objectType"] == "VM", "{record}");
    ensure!(properties["progress"] == 100 && properties["userId"].is_string(), "{record}");
    power("Halted").await?;
    let below = rest.get(&format!("/vms/{id}/tasks")).await?.json();
    ensure!(below == json!([format!("/rest/v0/tasks/{task}")]), "{below}");

    // With ?sync the answer is what came of it, and errors are the method's own.
    let (status, ..) = act(&rest, &format!("/vms/{id}/actions/start?sync=true")).await?;
    ensure!(status == 204, "{status}");
    power("Running").await?;
    let (status, body, _) = act(&rest, &format!("/vms/{id}/actions/start?sync=true")).await?;
    ensure!(status == 409 && body["data"]["actual"].is_string(), "{status} {body}");
    let failed = rest.get("/tasks?filter=status:failure&fields=*").await?.json();
    ensure!(failed[0]["result"]["code"] == 13, "{failed}");

    // What can be refused at once leaves no task behind.
    let before = rest.get("/tasks").await?.json();
    for (path, status) in [
        ("/vms/nothing/actions/start".to_owned(), 404),
        (format!("/vms/{id}/actions/start?sync=perhaps"), 422),
        (format!("/vms/{id}/actions/start?force=true"), 422),
        (format!("/vms/{id}/actions/fly"), 404),
    ] {
        ensure!(act(&rest, &path).await?.0 == status, "{path}");
    }
    ensure!(rest.get("/tasks").await?.json() == before);

    // Others see neither the VM nor the tasks.
    admin.call("user.create", json!({ "email": "none", "password": "none-1" })).await?;
    let none = rig.rest(Auth::Basic("none".into(), "none-1".into()));
    ensure!(none.get("/tasks").await?.json() == json!([]));
    ensure!(none.get(&format!("/tasks/{task}")).await?.status == 404);
    ensure!(act(&none, &format!("/vms/{id}/actions/start")).await?.0 == 404);
    ensure!(act(&none, &format!("/tasks/{task}/actions/abort")).await?.0 == 404);

    // Records survive a restart, and can be thrown away.
    rig.restart().await?;
    rig.pools_are_live().await?;
    let rest = rig.admin_rest()?;
    ensure!(rest.get(&format!("/tasks/{task}")).await?.json()["status"] == "success");
    ensure!(rest.send("DELETE", &format!("/rest/v0/tasks/{task}"), &[], b"").await?.status == 204);
    ensure!(rest.get(&format!("/tasks/{task}")).await?.status == 404);
    ensure!(rest.send("DELETE", "/rest/v0/tasks", &[], b"").await?.status == 204);
    ensure!(rest.get("/tasks").await?.json() == json!([]));
    rig.end().await
}
