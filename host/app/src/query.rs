//! What a caller asks of objects: a type, and a filter or a pattern.

use inventory::{Filter, FilterError, Snapshot};
use model::{Kind, Object, ObjectId};
use serde_json::Value;
use wire::{Collection, Failure};

use crate::alarm;

/// A question about objects, ready to be asked of each.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The type, if the objects are of one.
    kind: Option<Kind>,
    /// Whether nothing can match, because there is no such type.
    nothing: bool,
    /// What must all match.
    filters: Vec<(Filter, String)>,
    pattern: Option<Value>,
    /// The object that messages are about.
    about: Option<ObjectId>,
    /// What alarms must match as they are shown.
    alarm: Option<RecordFilter>,
}

impl Query {
    /// Asks for what matches a filter (text) or a pattern (anything else): the two forms of `xo.getAllObjects`.
    ///
    /// # Errors
    /// The text is no filter.
    pub fn of(filter: Option<&Value>) -> Result<Self, Failure> {
        let query = Self::default();
        match filter {
            None => Ok(query),
            Some(Value::String(text)) => query.and(text),
            Some(pattern) => {
                let kind = pattern.get("type").and_then(Value::as_str).map(str::parse);
                let nothing = matches!(kind, Some(Err(_)));
                Ok(Self { kind: kind.and_then(Result::ok), nothing, pattern: Some(pattern.clone()), ..query })
            }
        }
    }

    /// Asks for the objects of a REST collection that match a filter.
    ///
    /// # Errors
    /// The text is no filter.
    pub fn in_collection(collection: &Collection, filter: Option<&str>) -> Result<Self, Failure> {
        let kind = collection.kind.parse().map_err(|_| Failure::no_such(collection.kind, "type"))?;
        let mut query = Self { kind: Some(kind), ..Self::default() };
        for filter in [collection.filter, filter].into_iter().flatten() {
            query = query.and(filter)?;
        }
        Ok(query)
    }

    /// Asks for the alarms that match a filter.
    ///
    /// # Errors
    /// The text is no filter.
    pub fn alarms(filter: Option<&str>) -> Result<Self, Failure> {
        let alarms = wire::collection("alarms").ok_or(Failure::NotImplemented)?;
        Ok(Self { alarm: Some(RecordFilter::parse(filter)?), ..Self::in_collection(alarms, None)? })
    }

    /// Asks only for messages about an object.
    pub fn about(self, object: ObjectId) -> Self {
        Self { about: Some(object), ..self }
    }

    fn and(mut self, text: &str) -> Result<Self, Failure> {
        let filter = Filter::parse(text).map_err(|error| wrong(&error, text))?;
        self.filters.push((filter, text.to_owned()));
        Ok(self)
    }

    /// Returns the id of the only object that can match, where a pattern names one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.pattern.as_ref()?.get("id")?.as_str()
    }

    /// Returns whether an object of this kind can match.
    pub fn may_match(&self, kind: Kind) -> bool {
        !self.nothing
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.filters.iter().all(|(filter, _)| filter.may_match(kind))
    }

    /// Returns whether every object of this kind matches.
    pub(crate) fn takes_all(&self, kind: Kind) -> bool {
        let only_type = |pattern: &Value| {
            pattern
                .as_object()
                .is_some_and(|pattern| pattern.iter().all(|(name, value)| name == "type" && value.is_string()))
        };
        self.may_match(kind) && self.filters.is_empty() && self.pattern.as_ref().is_none_or(only_type)
    }

    /// Returns whether an object matches.
    pub fn matches(&self, object: &Object) -> bool {
        self.kind.is_none_or(|kind| kind == object.kind())
            && self.filters.iter().all(|(filter, _)| filter.matches(object))
            && self.pattern.as_ref().is_none_or(|pattern| object.matches(pattern))
            && self.about.as_ref().is_none_or(|about| object.as_message().is_some_and(|m| m.object == *about))
    }

    /// Returns whether an alarm matches as it is shown; everything does where no alarms are asked for.
    pub(crate) fn matches_alarm(&self, snapshot: &Snapshot, object: &Object) -> bool {
        let Some(filter) = self.alarm.as_ref().filter(|filter| filter.is_there()) else { return true };
        alarm::view(snapshot, object).is_some_and(|view| filter.matches(&view))
    }

    /// Returns an error if the answers since the start are not to be trusted; to be asked behind the last object.
    ///
    /// # Errors
    /// A regular expression took too long.
    pub fn check(&self) -> Result<(), Failure> {
        self.alarm.iter().try_for_each(RecordFilter::check)?;
        self.filters.iter().try_for_each(|(filter, text)| filter.check().map_err(|error| wrong(&error, text)))
    }
}

/// A filter over records that are no objects of a pool: accounts, tasks, alarms.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter(Option<(Filter, String)>);

impl RecordFilter {
    /// Reads a filter; none matches everything.
    ///
    /// # Errors
    /// The text is no filter.
    pub fn parse(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self(None)) };
        let filter = Filter::parse(text).map_err(|error| wrong(&error, text))?;
        Ok(Self(Some((filter, text.to_owned()))))
    }

    fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether a record matches.
    pub fn matches(&self, record: &Value) -> bool {
        self.0.as_ref().is_none_or(|(filter, _)| filter.matches_value(record))
    }

    /// As [`Query::check`].
    ///
    /// # Errors
    /// A regular expression took too long.
    pub fn check(&self) -> Result<(), Failure> {
        self.0.iter().try_for_each(|(filter, text)| filter.check().map_err(|error| wrong(&error, text)))
    }
}

/// Returns how a filter is refused.
pub(crate) fn wrong(error: &FilterError, text: &str) -> Failure {
    Failure::BadFilter { message: error.to_string(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_or_a_pattern_narrows_the_kinds() {
        let kinds = |filter: Value| {
            let query = Query::of(Some(&filter)).unwrap();
            Kind::ALL.iter().filter(|kind| query.may_match(**kind)).map(|kind| kind.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(json!({ "type": "VM", "power_state": "Running" })), ["VM"]);
        assert_eq!(kinds(json!({ "type": "none" })), Vec::<&str>::new());
        assert_eq!(kinds(json!("type:/^(VM|SR)$/ a:b")), ["VM", "SR"]);
        assert_eq!(kinds(json!({})).len(), Kind::ALL.len());
        let all = |filter: Value| Query::of(Some(&filter)).unwrap().takes_all(Kind::Vm);
        assert!(all(json!({})) && all(json!({ "type": "VM" })));
        for filter in [json!({ "type": "SR" }), json!({ "type": "VM", "a": 1 }), json!("type:VM"), json!([])] {
            assert!(!all(filter.clone()), "{filter}");
        }
        let failure = Query::of(Some(&json!("a:"))).unwrap_err();
        assert_eq!((failure.code(), failure.status()), (10, 400));
        assert_eq!(failure.to_string(), "parse error: expected end of input at position 1");
        assert_eq!(failure.data(false), Some(json!({ "errors": [], "stringToParse": "a:" })));
    }

    #[test]
    fn every_collection_has_a_kind_and_a_filter_that_parses() {
        for collection in wire::collections() {
            let query = Query::in_collection(collection, Some("a:b")).unwrap();
            assert!(Kind::ALL.iter().filter(|kind| query.may_match(**kind)).eq([&collection.kind.parse().unwrap()]));
        }
    }
}
