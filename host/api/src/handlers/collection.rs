//! Collections as REST shows them: addresses, or records with some or all of their properties; as JSON, a line each, or as
//! a table to read.

use app::{Query, RecordFilter, object};
use serde_json::{Map, Value, json};
use wire::Failure;

use super::{Answer, Call, Reply};
use crate::answers::{Known, Question};
use crate::listing::{Form, Item, Listing, append_json, markdown};

/// Returns the objects of a collection.
pub(super) fn list(call: &Call, collection: &str) -> Answer {
    let known = wire::collection(collection).ok_or(Failure::NotImplemented)?;
    listing(call, collection, Query::in_collection(known, filter_of(call))?)
}

/// Returns what a query finds, under the addresses of a collection.
pub(super) fn listing(call: &Call, collection: &str, query: Query) -> Answer {
    let form = form_of(call)?;
    let selection = object::select(&call.ctx, query, super::limit_of(&call.params)?);
    let base = format!("{}/{collection}", wire::REST_BASE);
    let fields = fields_of(call);
    let alarms = collection == "alarms";
    let item = match fields {
        None => Item::Href(base),
        Some(fields) if alarms => Item::Alarm(selection.snapshot().clone(), fields, base),
        Some(None) => Item::WithHref(base),
        Some(Some(fields)) => Item::Fields(fields, base),
    };
    let mut recording = None;
    // Whole objects are copied from what is kept of each; the others take some work. Alarms show other objects, too.
    if !matches!(item, Item::WithHref(_))
        && !alarms
        && let Some(revision) = selection.changed_at()
    {
        let params = Value::Object(call.params.clone());
        let question = Question { class: selection.class(), text: format!("{collection} {params}") };
        match call.answers.ask(question, revision) {
            Known::Answer(bytes) => return Ok(Reply::Kept(bytes, form.content_type())),
            Known::Question(worth) => recording = Some(worth),
            Known::Nothing => {}
        }
    }
    let listing = Listing::new(&call.ctx.app.inventory, selection, form, item);
    Ok(Reply::Listing(Box::new(listing.recorded(recording))))
}

/// Returns an object of this type.
pub(super) fn one(call: &Call, kind: &str) -> Answer {
    let object = object::get(&call.ctx, call.text("id"), &[kind])?;
    let mut json = Vec::new();
    match fields_of(call).flatten() {
        None => call.ctx.app.inventory.json().append_value(&object, &mut json),
        Some(fields) => append_json(&object.view(Some(&fields), &[]), &mut json),
    }
    Ok(Reply::Json(json))
}

/// Returns records that are no objects of a pool, as collections are shown. There are few enough to write them at once.
pub(super) fn records(call: &Call, collection: &str, records: impl IntoIterator<Item = Value>) -> Answer {
    let (form, fields) = (form_of(call)?, fields_of(call));
    let filter = RecordFilter::parse(filter_of(call))?;
    let limit = super::limit_of(&call.params)?.unwrap_or(usize::MAX);
    let found: Vec<Value> = records.into_iter().filter(|record| filter.matches(record)).take(limit).collect();
    filter.check()?;
    let base = format!("{}/{collection}", wire::REST_BASE);
    let shown = found.into_iter().map(|record| show(record, fields.as_ref(), &base));
    let mut out = Vec::new();
    match form {
        Form::Map | Form::Array => append_json(&shown.collect::<Vec<_>>(), &mut out),
        Form::Lines => shown.for_each(|record| {
            append_json(&record, &mut out);
            out.push(b'\n');
        }),
        Form::Markdown => {
            let mut table = markdown::Table::new(fields.clone().flatten());
            shown.for_each(|record| table.append(&record, &mut out));
            table.finish(&mut out);
        }
    }
    Ok(Reply::Kept(out.into(), form.content_type()))
}

/// Returns a record as a list shows it.
pub(crate) fn show(record: Value, fields: Option<&Option<Vec<String>>>, base: &str) -> Value {
    let href = json!(format!("{base}/{}", record["id"].as_str().unwrap_or_default()));
    match (fields, record) {
        (None, _) => href,
        (Some(fields), Value::Object(mut members)) => {
            if let Some(fields) = fields {
                members.retain(|name, _| fields.contains(name));
            }
            members.insert("href".to_owned(), href);
            Value::Object(members)
        }
        (Some(_), other) => other,
    }
}

/// Returns the properties of a single record that are asked for.
pub(super) fn picked(call: &Call, record: Value) -> Value {
    match (fields_of(call).flatten(), record) {
        (Some(fields), Value::Object(members)) => {
            members.into_iter().filter(|(name, _)| fields.contains(name)).collect::<Map<_, _>>().into()
        }
        (_, record) => record,
    }
}

pub(super) fn filter_of(call: &Call) -> Option<&str> {
    call.params.get("filter").and_then(Value::as_str)
}

fn form_of(call: &Call) -> Result<Form, Failure> {
    match (call.flag("ndjson"), call.flag("markdown")) {
        (true, true) => Err(Failure::invalid("either ndjson or markdown")),
        (true, false) => Ok(Form::Lines),
        (false, true) => Ok(Form::Markdown),
        (false, false) => Ok(Form::Array),
    }
}

/// Returns the fields that are asked for: none = no fields at all, some(none) = all.
fn fields_of(call: &Call) -> Option<Option<Vec<String>>> {
    let fields = call.params.get("fields").and_then(Value::as_str)?;
    if fields == "*" {
        return Some(None);
    }
    Some(Some(fields.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect()))
}
