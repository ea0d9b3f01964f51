//! Paths into an object and on into others: `memory.size`, `$container.name_label`.

use model::{Object, ObjectId};
use serde_json::Value;

use super::Scope;

/// Steps of a path: the longest that anybody needs has four (`$VBDs.0.VDI.size`).
const MAX_STEPS: usize = 8;

/// The way to a value. Steps are separated by dots. In a map a step is a key, in a list an index. Where a text stands and
/// the path goes on, the text is taken for the id of an object, and the path goes on there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(String);

impl Path {
    /// Returns the path that is written so; none for empty steps or too many.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.split('.').count() <= MAX_STEPS && text.split('.').all(|step| !step.is_empty());
        fits.then(|| Self(text.to_owned()))
    }

    /// Returns the path as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the value at the end, if there is one. The ids on the way, also those of objects that are not there or not
    /// visible, are added to `joins`: who keeps the value looks again when one of these changes.
    pub(super) fn value(&self, object: &Object, scope: &Scope<'_>, joins: &mut Vec<ObjectId>) -> Option<Value> {
        let mut steps = self.0.split('.');
        let mut value = property(object, steps.next()?)?;
        for step in steps {
            value = match value {
                Value::Object(mut members) => members.remove(step)?,
                Value::Array(mut items) => match step.parse::<usize>() {
                    Ok(index) if index < items.len() => items.swap_remove(index),
                    _ => return None,
                },
                Value::String(id) => {
                    let target = scope.snapshot.get(&id).filter(|target| (scope.sees)(scope.snapshot, target));
                    joins.push(target.map_or_else(|| ObjectId::from(id), |target| target.id().clone()));
                    property(target?, step)?
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => return None,
            };
        }
        Some(value)
    }
}

/// Returns a property; those that every list shows without a walk through all the others.
fn property(object: &Object, name: &str) -> Option<Value> {
    match name {
        "id" => Some(object.id().as_str().into()),
        "type" => Some(object.kind().as_str().into()),
        "$pool" | "$poolId" => Some(object.pool().as_str().into()),
        name => object.field(name),
    }
}
