//! Notifications about servers and plugins, for the pages that show them.

use std::sync::Arc;

use app::{App, Notice};
use serde_json::json;

/// Returns the topic of a notice and its notification, as an administrator's page gets it.
pub(crate) fn notification(app: &Arc<App>, notice: &Notice) -> Option<(&'static str, Vec<u8>)> {
    let ctx = app::Ctx::daemon(app);
    let (topic, params) = match notice {
        Notice::Server(id) => {
            let view = app::server::get(&ctx, id).ok()?;
            ("servers", json!({ "items": { id.as_str(): view } }))
        }
        Notice::ServerRemoved(id) => ("servers", json!({ "items": {}, "removed": [id] })),
        Notice::Plugin(id) => ("plugins", json!({ "ids": [id] })),
        Notice::RightsChanged(_) | Notice::UserRemoved(_) | Notice::TokenRemoved(_) => return None,
    };
    let text = json!({ "jsonrpc": "2.0", "method": topic, "params": params });
    Some((topic, text.to_string().into_bytes()))
}

/// Returns the notification that the account of a socket was changed; what it is now, `session.getUser` says.
pub(crate) fn user_changed(id: &model::UserId) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "method": "user", "params": { "id": id } }).to_string().into_bytes()
}
