//! What a client knows by now: the objects it listed, kept up to date by notifications as a web page does it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Notifications that are kept; a test that counts them looks sooner.
const KEPT: usize = 10_000;

/// A client's picture of the daemon.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Objects by id; filled by [`Client::watch`](crate::Client::watch), then by notifications.
    pub objects: BTreeMap<String, Value>,
    /// Servers by id; filled by [`Client::watch_servers`](crate::Client::watch_servers), then by notifications.
    pub servers: BTreeMap<String, Value>,
    /// Every notification, in order.
    pub notifications: Vec<Value>,
}

impl View {
    /// Returns the first object of a type with this name.
    pub fn named(&self, kind: &str, name: &str) -> Option<&Value> {
        self.of_kind(kind).find(|object| object["name_label"] == name)
    }

    /// Returns the objects of a type.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.values().filter(move |object| object["type"] == kind)
    }

    /// Returns the server with this host.
    pub fn server(&self, host: &str) -> Option<&Value> {
        self.servers.values().find(|server| server["host"] == host)
    }

    pub(crate) fn take(&mut self, notification: Value) {
        self.apply(&notification);
        if self.notifications.len() < KEPT {
            self.notifications.push(notification);
        }
    }

    fn apply(&mut self, notification: &Value) {
        let params = &notification["params"];
        let items = params["items"].as_object().into_iter().flatten();
        match (notification["method"].as_str(), params["type"].as_str()) {
            (Some("all"), Some("enter")) => {
                self.objects.extend(items.map(|(id, object)| (id.clone(), object.clone())));
            }
            (Some("all"), Some("exit")) => items.for_each(|(id, _)| {
                self.objects.remove(id);
            }),
            (Some("servers"), _) => {
                self.servers.extend(items.map(|(id, server)| (id.clone(), server.clone())));
                for id in params["removed"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    self.servers.remove(id);
                }
            }
            _ => {}
        }
    }

    /// Takes a listing. What was notified since it was asked for may be newer, and is applied once more.
    pub(crate) fn list(&mut self, objects: &Value, since: usize) {
        self.objects = objects.as_object().into_iter().flatten().map(|(id, o)| (id.clone(), o.clone())).collect();
        for notification in self.notifications.get(since..).unwrap_or_default().to_vec() {
            self.apply(&notification);
        }
    }

    pub(crate) fn list_servers(&mut self, servers: &Value) {
        let servers = servers.as_array().into_iter().flatten();
        self.servers =
            servers.map(|server| (server["id"].as_str().unwrap_or_default().to_owned(), server.clone())).collect();
    }
}
