//! Alarms: messages of a pool that report a threshold, a broken bond or lost paths, in the shape of REST.

use inventory::Snapshot;
use model::Object;
use serde_json::{Value, json};

/// Names of messages that are alarms; the same as in the filters of the two collections.
const NAMES: [&str; 3] = ["ALARM", "BOND_STATUS_CHANGED", "MULTIPATH_PERIODIC_ALERT"];

/// Returns whether an object is an alarm.
pub fn is_alarm(object: &Object) -> bool {
    object.as_message().is_some_and(|message| NAMES.contains(&&*message.name))
}

/// Returns an alarm as it is shown; none for what is no message.
pub fn view(snapshot: &Snapshot, object: &Object) -> Option<Value> {
    let message = object.as_message()?;
    let body = match measured(&message.body) {
        Some((value, name)) => json!({ "value": value, "name": name }),
        None => json!({ "value": &*message.body, "name": &*message.name }),
    };
    let about = message.object.as_str();
    let mut target = json!({ "type": "unknown", "uuid": about });
    if let Some(known) = snapshot.get(about) {
        target["type"] = json!(known.kind());
        let collection = wire::collections().iter().find(|c| c.kind == known.kind().as_str());
        if let Some(collection) = collection {
            target["href"] = json!(format!("{}/{}/{about}", wire::REST_BASE, collection.name));
        }
    }
    Some(json!({
        "id": object.id(),
        "type": "message",
        "uuid": object.uuid(),
        "$pool": object.pool(),
        "$poolId": object.pool(),
        "_xapiRef": &**object.reference(),
        "name": &*message.name,
        "body": body,
        "object": target,
        "time": message.time.map(|seconds| seconds * 1_000),
    }))
}

/// Returns the measured share, in percent, and the name of what was measured, from the text that XAPI writes: a first line
/// `value: 0.5`, then the alarm's configuration as XML.
fn measured(body: &str) -> Option<(String, String)> {
    let (first, rest) = body.split_once('\n')?;
    let value: f64 = first.trim().strip_prefix("value:")?.trim().parse().ok()?;
    let (_, name) = rest.split_once("<name")?;
    let (_, name) = name.split_once("value=\"")?;
    let (name, _) = name.split_once('"')?;
    let value = if value.is_finite() { format!("{:.1}", value * 100.0) } else { value.to_string() };
    Some((value, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_read() {
        let body = "value: 0.856\nconfig:\n<variable>\n\t<name value=\"cpu_usage\"/>\n</variable>";
        assert_eq!(measured(body), Some(("85.6".to_owned(), "cpu_usage".to_owned())));
        for other in ["", "value: 0.5", "value: much\n<name value=\"a\"/>", "value: 1\n<variable/>", "a bond\nis down"]
        {
            assert_eq!(measured(other), None, "{other:?}");
        }
    }
}
