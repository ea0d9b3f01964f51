//! Members of a pool and their certificates.

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig, View};
use serde_json::{Value, json};
use xapi_sim::{Fleet, Members, Options};

/// Says what is wrong with the server, once it is about this certificate.
async fn refused(admin: &Client, host: &str, print: &str) -> Result<Value> {
    let about = |view: &View| {
        let server = view.server(host)?;
        (server["error"]["fingerprint"] == print).then(|| server.clone())
    };
    admin.until("the certificate to be refused", about).await
}

#[tokio::test]
async fn a_member_that_became_master_with_another_certificate_is_confirmed_alone() -> Result<()> {
    let fleet = Fleet { vms: 4, ..Fleet::small() };
    let rig = Rig::builder().pool(Options { members: Members::Loopback, ..fleet.options(0) }).start().await?;
    let sim = rig.sim(0);
    let admin = rig.admin().await?;
    admin.watch_servers().await?;
    let host = sim.host();
    let server =
        admin.until("the pool", |view| view.server(&host).filter(|server| server["status"] == "connected").cloned());
    let server = server.await?;
    let (id, entry) = (server["id"].clone(), server["fingerprint"].clone());
    let other = sim.members().into_iter().find(|member| !member.master).context("another member")?;

    // While nobody looks it becomes the master, and gets another certificate.
    admin.call("server.disable", json!({ "id": id })).await?;
    sim.designate_master(&other.host)?;
    let print = sim.swap_certificate_of(&other.host)?.context("it speaks TLS")?;
    ensure!(admin.call("server.enable", json!({ "id": id })).await.is_err());
    let server = refused(&admin, &host, &print).await?;
    ensure!(server["error"]["expectedFingerprint"] == json!(other.fingerprint), "{server}");

    admin.call("server.set", json!({ "id": id, "fingerprint": print })).await?;
    let connected = |view: &View| view.server(&host).filter(|server| server["status"] == "connected").cloned();
    let server = admin.until("the pool again", connected).await?;
    // The entry's own certificate is the one it had.
    ensure!(server["fingerprint"] == entry, "{server}");
    Ok(())
}
