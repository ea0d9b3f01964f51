//! Who is logged in.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    clock,
    core::{Core, Ctx},
    failure::{Failure, fail},
    model::NULL,
    tasks::object,
};

/// The messages of the class that do something; the rest are getters on the session's record.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let core = &ctx.core;
    Some(match message {
        "login_with_password" => login(core, text(0), text(1), text(3)).await,
        "slave_local_login_with_password" => local_login(core, text(0), text(1)).await,
        "slave_login" | "slave_local_login" => {
            tokio::time::sleep(core.options.delays.login_failure).await;
            Err(fail("SESSION_AUTHENTICATION_FAILED", ["pool secret", "the pool secret is wrong"]))
        }
        "logout" => {
            core.write(|db| db.remove("session", &ctx.session));
            core.local_sessions.lock().remove(&ctx.session);
            core.legacy.lock().remove(&ctx.session);
            Ok(json!(""))
        }
        "local_logout" => {
            core.local_sessions.lock().remove(&ctx.session);
            core.write(|db| db.remove("session", &ctx.session));
            Ok(json!(""))
        }
        "change_password" => {
            let mut password = core.password.lock();
            if *password == text(0) {
                *password = text(1).to_owned();
                Ok(json!(""))
            } else {
                Err(fail("SESSION_AUTHENTICATION_FAILED", [&core.options.user, "the old password is wrong"]))
            }
        }
        "get_all_subject_identifiers" => Ok(json!([])),
        "logout_subject_identifier" => Ok(json!("")),
        _ => return None,
    })
}

async fn check_password(core: &Core, user: &str, password: &str) -> Result<(), Failure> {
    if user == core.options.user && *core.password.lock() == password {
        return Ok(());
    }
    tokio::time::sleep(core.options.delays.login_failure).await;
    Err(fail("SESSION_AUTHENTICATION_FAILED", [user, "Authentication failure"]))
}

async fn login(core: &Arc<Core>, user: &str, password: &str, originator: &str) -> Result<Value, Failure> {
    Ok(json!(open(core, user, password, originator).await?))
}

/// Checks the account and makes a session.
pub async fn open(core: &Core, user: &str, password: &str, originator: &str) -> Result<String, Failure> {
    check_password(core, user, password).await?;
    Ok(core.write(|db| {
        let host = db.rows("pool").next().map_or(NULL, |(r, _)| db.text("pool", r, "master")).to_owned();
        let account = db.rows("user").next().map_or(NULL.to_owned(), |(r, _)| r.to_string());
        let now = clock::now();
        let fields = json!({
            "this_host": host, "this_user": account, "last_active": now, "validation_time": now, "pool": false,
            "is_local_superuser": true, "auth_user_name": user, "originator": originator,
        });
        db.insert("session", object(fields))
    }))
}

async fn local_login(core: &Arc<Core>, user: &str, password: &str) -> Result<Value, Failure> {
    check_password(core, user, password).await?;
    let session = core.write(|db| db.reference());
    core.local_sessions.lock().insert(session.clone());
    Ok(json!(session))
}
