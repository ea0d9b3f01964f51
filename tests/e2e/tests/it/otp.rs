//! One-time passwords: set up, asked for, wrong, used twice, taken away; and tokens, which need none.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rig};
use serde_json::json;
use totp_rs::{Algorithm, Builder, Secret};

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Returns the code of so many steps from now.
fn code(steps: i64) -> Result<String> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? + steps * 30;
    let secret = Secret::try_from_base32(SECRET).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30).with_secret(secret);
    Ok(totp.build_noncompliant().generate(u64::try_from(now)?).to_string())
}

#[tokio::test]
async fn an_account_with_one_time_passwords() -> Result<()> {
    let rig = Rig::builder().start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    for wrong in [json!("short"), json!("AAAA"), json!(1), json!("not base 32!")] {
        let params = json!({ "id": id, "preferences": { "otp": wrong } });
        ensure!(alice.refused("user.set", params).await?.code == 10, "{wrong}");
    }
    alice.call("user.set", json!({ "id": id, "preferences": { "otp": SECRET, "theme": "dark" } })).await?;
    // Nobody is shown the secret, and it stands nowhere in clear.
    let all = admin.call("user.getAll", json!({})).await?.to_string();
    let own = alice.call("session.getUser", json!({})).await?;
    ensure!(
        !all.contains(SECRET) && !own.to_string().contains(SECRET) && own["preferences"]["theme"] == "dark",
        "{own}"
    );
    ensure!(!rig.logged().contains(SECRET), "it is in the log");
    let store = std::fs::read(rig.state().join("xylem.redb"))?;
    ensure!(!store.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()), "it is in the store");
    // Who gives back what they were shown changes nothing.
    alice.call("user.set", json!({ "id": id, "preferences": own["preferences"] })).await?;

    let client = rig.client().await?;
    let with = |otp: Option<String>| {
        let mut params = json!({ "email": "alice", "password": "alice-1" });
        if let Some(otp) = otp {
            params["otp"] = json!(otp);
        }
        params
    };
    let asked = client.refused("session.signIn", with(None)).await?;
    ensure!(asked.code == 3 && asked.data == json!({ "otp": "required" }), "{asked}");
    // Being asked costs no pause; the code of the next half minute is fine, too.
    let (now, next) = (code(0)?, code(1)?);
    client.call("session.signIn", with(Some(next.clone()))).await?;
    let token = client.call("token.create", json!({})).await?;
    let again = client.refused("session.signIn", with(Some(next))).await?;
    ensure!(again.code == 3 && again.data == json!({ "otp": "wrong" }), "a code twice: {again}");
    let throttled = client.refused("session.signIn", with(Some(now))).await?;
    ensure!(throttled.code == -32000 && throttled.message.contains("too fast"), "{throttled}");
    let by_token = rig.client().await?;
    by_token.call("session.signIn", json!({ "token": token })).await?;
    let token = token.as_str().context("a token")?.to_owned();
    ensure!(rig.rest(Auth::Cookie("token", token)).get("/vms").await?.status == 200, "a token needs no code");
    let basic = rig.rest(Auth::Basic("alice".into(), "alice-1".into()));
    let status = rig::until("the pause to be over", async || {
        let answer = basic.get("/vms").await.ok()?;
        (answer.status != 429).then_some(answer.status)
    });
    ensure!(status.await? == 401, "Basic without a code");

    // An administrator takes it away from somebody who lost the device.
    admin.call("user.set", json!({ "id": id, "preferences": { "otp": null } })).await?;
    ensure!(basic.get("/vms").await?.status == 200, "no code any more");
    rig.client().await?.sign_in("alice", "alice-1").await?;

    // The code goes with Basic in the query.
    admin.call("user.set", json!({ "id": id, "preferences": { "otp": SECRET } })).await?;
    // Codes that were used stay used: the one after them is not there yet, so the account is another.
    let other = admin.call("user.create", json!({ "email": "bob", "password": "bob-1" })).await?;
    admin.call("user.set", json!({ "id": other, "preferences": { "otp": SECRET } })).await?;
    let basic = rig.rest(Auth::Basic("bob".into(), "bob-1".into()));
    ensure!(basic.get("/vms").await?.status == 401);
    let answer = basic.get(&format!("/vms?otp={}", code(0)?)).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    rig.end().await
}
