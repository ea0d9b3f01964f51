//! A task as it is stored and shown.

use model::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wire::Failure;

use crate::audit::bounded;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It runs.
    Pending,
    /// It did what it was for.
    Success,
    /// It did not.
    Failure,
    /// The daemon stopped before it was over.
    Interrupted,
}

/// What a task is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Properties {
    /// Name for people.
    pub name: String,
    /// What kind of thing made it, such as "xo:rest-api:action".
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object that it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// The type of that object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// Parameters, without secrets.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// How far it is, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id; ids sort by the time of their making.
    pub id: String,
    /// What it is about.
    pub properties: Properties,
    /// When it began, in milliseconds since the Unix epoch.
    pub start: Millis,
    /// How far it is.
    pub status: Status,
    /// When it last changed.
    pub updated_at: Millis,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<Millis>,
    /// When somebody asked it to stop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub abortion_requested_at: Option<Millis>,
    /// What came of it: a value, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<Value>,
}

impl Task {
    /// Returns whether it runs.
    pub fn is_pending(&self) -> bool {
        self.status == Status::Pending
    }

    /// Returns what the API shows of it.
    pub fn view(&self) -> Value {
        json!(self)
    }

    /// Returns whether it is about this object.
    pub fn concerns(&self, id: &str) -> bool {
        let properties = &self.properties;
        properties.object_id.as_deref() == Some(id) || properties.params.get("id").and_then(Value::as_str) == Some(id)
    }

    pub(super) fn finish(&mut self, outcome: Result<Option<Value>, &Failure>, now: Millis) {
        (self.end, self.updated_at) = (Some(now), now);
        match outcome {
            Ok(result) => {
                self.status = Status::Success;
                self.result = result.map(bounded);
                self.properties.progress = Some(100);
            }
            Err(failure) => {
                self.status = Status::Failure;
                let mut error = json!({ "code": failure.code(), "message": failure.to_string() });
                if let Some(data) = failure.data(true) {
                    error["data"] = data;
                }
                self.result = Some(bounded(error));
            }
        }
    }
}

/// Returns an id for a moment: nine digits of base 36, which last until the year 5188.
pub(super) fn id_at(moment: Millis) -> String {
    let mut digits = [b'0'; 9];
    let mut rest = moment;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
        rest /= 36;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        assert_eq!(id_at(0), "000000000");
        assert_eq!(id_at(36), "000000010");
        let moments = [0, 1, 35, 36, 1_700_000_000_000, 1_700_000_000_001, 9_000_000_000_000];
        assert!(moments.map(id_at).is_sorted());
    }

    #[test]
    fn a_record_is_shown_as_clients_know_it() {
        let properties = Properties { name: "a".into(), object_id: Some("o".into()), ..Properties::default() };
        let mut task = Task {
            id: "1".into(),
            properties,
            start: 1,
            status: Status::Pending,
            updated_at: 1,
            end: None,
            abortion_requested_at: None,
            result: None,
        };
        let pending = json!({
            "id": "1", "start": 1, "status": "pending", "updatedAt": 1, "properties": { "name": "a", "objectId": "o" },
        });
        assert_eq!(task.view(), pending);
        assert!(task.concerns("o") && !task.concerns("1"));
        task.finish(Err(&Failure::no_such("o", "VM")), 5);
        let view = task.view();
        assert_eq!((&view["status"], &view["end"], &view["result"]["code"]), (&json!("failure"), &json!(5), &json!(1)));
        assert_eq!(serde_json::from_value::<Task>(view).unwrap(), task);
    }
}
