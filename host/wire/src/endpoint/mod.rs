//! Where REST serves the operations. A line names an operation; it may call parameters otherwise than the operation does,
//! give some itself, and take fewer. Schemas, permissions and errors stay those of the operation.

mod account;
mod action;
mod change;
mod event;
mod later;
mod object;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::schema::{Issue, Param, Params, check_fields};
use crate::table::{OPERATIONS, Operation, Verb, find};

pub use later::{LATER, Later};

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 200 with what the operation returns.
    Value,
    /// 204.
    Done,
    /// 201 with the id of what is new, which is found in this collection from then on.
    Created(&'static str),
    /// 201 with what the operation returns.
    Made,
    /// 202 with a task and its address; with `?sync`, what comes of it.
    Action {
        /// What the task is called.
        label: &'static str,
        /// The collection in which the operation makes something new.
        creates: Option<&'static str>,
    },
}

/// A parameter that a route gives by itself.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// true or false.
    Flag(bool),
    /// A text.
    Text(&'static str),
}

/// Which parameters a route takes besides those in its path.
#[derive(Clone, Copy, Debug)]
enum Takes {
    All,
    /// By the names that the operation gives them.
    Only(&'static [&'static str]),
}

/// One route of REST.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// HTTP method.
    pub verb: Verb,
    /// Path below the base, with `{id}` for a parameter.
    pub path: &'static str,
    /// Name of the operation.
    pub operation: &'static str,
    /// What the answer looks like.
    pub outcome: Outcome,
    /// REST's names and the operation's, where they differ.
    names: &'static [(&'static str, &'static str)],
    given: &'static [(&'static str, Given)],
    takes: Takes,
    /// What must be there although the operation can do without, by the names of the operation.
    must: &'static [&'static str],
}

const fn line(verb: Verb, path: &'static str, operation: &'static str, outcome: Outcome) -> Endpoint {
    Endpoint { verb, path, operation, outcome, names: &[], given: &[], takes: Takes::All, must: &[] }
}

const fn get(path: &'static str, operation: &'static str) -> Endpoint {
    line(Verb::Get, path, operation, Outcome::Value)
}

const fn create(path: &'static str, operation: &'static str, collection: &'static str) -> Endpoint {
    line(Verb::Post, path, operation, Outcome::Created(collection))
}

const fn patch(path: &'static str, operation: &'static str) -> Endpoint {
    line(Verb::Patch, path, operation, Outcome::Done)
}

const fn put(path: &'static str, operation: &'static str) -> Endpoint {
    line(Verb::Put, path, operation, Outcome::Done).takes(&[])
}

const fn delete(path: &'static str, operation: &'static str) -> Endpoint {
    line(Verb::Delete, path, operation, Outcome::Done).takes(&[])
}

const fn action(path: &'static str, operation: &'static str, label: &'static str) -> Endpoint {
    line(Verb::Post, path, operation, Outcome::Action { label, creates: None }).takes(&[])
}

impl Endpoint {
    const fn takes(mut self, names: &'static [&'static str]) -> Self {
        self.takes = Takes::Only(names);
        self
    }

    const fn named(mut self, names: &'static [(&'static str, &'static str)]) -> Self {
        self.names = names;
        self
    }

    const fn given(mut self, given: &'static [(&'static str, Given)]) -> Self {
        self.given = given;
        self
    }

    const fn must(mut self, names: &'static [&'static str]) -> Self {
        self.must = names;
        self
    }

    const fn creates(mut self, collection: &'static str) -> Self {
        if let Outcome::Action { label, .. } = self.outcome {
            self.outcome = Outcome::Action { label, creates: Some(collection) };
        }
        self
    }

    /// Returns the type of the object that a path such as `/vms/{id}/...` names.
    pub fn kind(&self) -> Option<&'static str> {
        let mut parts = self.path.split('/').skip(1);
        let collection = crate::table::collection(parts.next()?)?;
        parts.next().filter(|part| part.starts_with('{')).map(|_| collection.kind)
    }

    /// Returns whether it begins a task.
    pub fn is_action(&self) -> bool {
        matches!(self.outcome, Outcome::Action { .. })
    }

    /// Returns the operation behind it.
    pub fn operation(&self) -> &'static Operation {
        find(self.operation).expect("a test looks up the operation of every line")
    }

    /// Returns the names of the parameters in the path.
    pub fn path_params(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Returns what REST calls a parameter of the operation.
    fn name_of(&self, param: &'static str) -> &'static str {
        self.names.iter().find(|(_, theirs)| *theirs == param).map_or(param, |(ours, _)| ours)
    }

    /// Returns the parameters under REST's names: those of the path first, which are always there.
    pub fn params(&self) -> Vec<Param> {
        let Params::Fields(fields) = self.operation().params else { return Vec::new() };
        let in_path: Vec<_> = self.path_params().collect();
        let mut params: Vec<Param> = Vec::new();
        for field in fields {
            let name = self.name_of(field.name);
            let taken = match self.takes {
                Takes::All => true,
                Takes::Only(names) => names.contains(&field.name),
            };
            if in_path.contains(&name) {
                params.push(Param { name, optional: false, ..*field });
            } else if taken && !self.given.iter().any(|(given, _)| *given == field.name) {
                let optional = field.optional && !self.must.contains(&field.name);
                params.push(Param { name, optional, ..*field });
            }
        }
        params.sort_by_key(|param| !in_path.contains(&param.name));
        params
    }

    /// Returns what is wrong with parameters under REST's names.
    pub fn check(&self, params: &Map<String, Value>) -> Vec<Issue> {
        match self.operation().params {
            Params::Any => Vec::new(),
            Params::Fields(_) => check_fields(&self.params(), params),
        }
    }

    /// Returns the parameters of the operation.
    pub fn translate(&self, params: Map<String, Value>) -> Map<String, Value> {
        let ours = |name: String| match self.names.iter().find(|(ours, _)| *ours == name) {
            Some((_, theirs)) => (*theirs).to_owned(),
            None => name,
        };
        let mut params: Map<_, _> = params.into_iter().map(|(name, value)| (ours(name), value)).collect();
        for (name, given) in self.given {
            let value = match given {
                Given::Flag(flag) => json!(flag),
                Given::Text(text) => json!(text),
            };
            params.insert((*name).to_owned(), value);
        }
        params
    }
}

/// Every route: those that stand with their operation, and the lines of this folder.
pub static ENDPOINTS: LazyLock<Box<[Endpoint]>> = LazyLock::new(|| {
    let own = OPERATIONS.iter().filter_map(|operation| {
        let route = operation.route?;
        Some(line(route.verb, route.path, operation.name, Outcome::Value))
    });
    let lines = [account::LINES, action::LINES, change::LINES, change::TAGS, event::LINES, object::LINES].concat();
    own.chain(lines).collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn lines_name_operations_and_their_parameters() {
        for endpoint in ENDPOINTS.iter() {
            let operation = find(endpoint.operation).unwrap_or_else(|| panic!("{}: no operation", endpoint.path));
            let declared = |name: &str| operation.params.declares(name);
            let taken = match endpoint.takes {
                Takes::All => &[],
                Takes::Only(names) => names,
            };
            let theirs = endpoint.names.iter().map(|(_, theirs)| theirs);
            for name in
                taken.iter().chain(theirs).chain(endpoint.must).chain(endpoint.given.iter().map(|(name, _)| name))
            {
                assert!(declared(name), "{}: {} has no {name}", endpoint.path, operation.name);
            }
            let params = endpoint.params();
            for name in endpoint.path_params() {
                assert!(params.iter().any(|param| param.name == name), "{}: {name}", endpoint.path);
            }
            let Params::Fields(fields) = operation.params else { continue };
            for field in fields.iter().filter(|field| !field.optional) {
                let given = endpoint.given.iter().any(|(name, _)| *name == field.name);
                let asked = params.iter().any(|param| param.name == endpoint.name_of(field.name));
                assert!(given || asked, "{}: {} is never set", endpoint.path, field.name);
            }
        }
    }

    #[test]
    fn each_route_stands_once_and_every_operation_is_served_somewhere() {
        let mut seen = BTreeSet::new();
        for (verb, path) in ENDPOINTS.iter().map(|e| (e.verb, e.path)).chain(LATER.iter().map(|l| (l.verb, l.path))) {
            assert!(seen.insert((verb.as_str(), path)), "{} {path} stands twice", verb.as_str());
        }
        for operation in OPERATIONS.iter().filter(|operation| !operation.rpc) {
            assert!(ENDPOINTS.iter().any(|e| e.operation == operation.name), "{} is served nowhere", operation.name);
        }
    }

    #[test]
    fn parameters_are_renamed_and_given() {
        let start = ENDPOINTS.iter().find(|e| e.path == "/vms/{id}/actions/start").unwrap();
        let params = |value: Value| value.as_object().unwrap().clone();
        assert!(start.check(&params(json!({ "id": "a", "hostId": "b" }))).is_empty());
        let wrong = start.check(&params(json!({ "id": "a", "host": "b", "force": true })));
        assert_eq!(wrong.iter().map(|issue| issue.keyword.as_str()).collect::<Vec<_>>(), ["additionalProperties"; 2]);
        let translated = start.translate(params(json!({ "id": "a", "hostId": "b" })));
        assert_eq!(Value::Object(translated), json!({ "id": "a", "host": "b" }));
        let hard = ENDPOINTS.iter().find(|e| e.path == "/vms/{id}/actions/hard_shutdown").unwrap();
        assert_eq!(Value::Object(hard.translate(params(json!({ "id": "a" })))), json!({ "id": "a", "force": true }));
    }
}
