//! The messages every class has by its fields: getters, setters, maps, sets, queries, constructors.

use serde_json::{Value, json};

use super::query;
use crate::{
    core::Core,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{Class, Field, Record, Type},
    wire::{Reply, Wire},
};

/// Answers a message by its name alone.
pub fn call(core: &Core, class: &'static Class, name: &str, mut args: Vec<Value>) -> Reply {
    let first = args.first().and_then(Value::as_str).unwrap_or_default().to_owned();
    match name {
        "get_all" => return Ok(refs(core, class, |_, _| Ok(true))?.0),
        "get_all_records" => return Ok(refs(core, class, |_, _| Ok(true))?.1),
        "get_all_where" | "get_all_records_where" => {
            let filter = query::parse(&first)?;
            let (refs, records) = refs(core, class, |reference, record| filter.matches(class, reference, record))?;
            return Ok(if name == "get_all_where" { refs } else { records });
        }
        "get_record" => {
            return core.read(|db| match db.get(&class.name, &first) {
                Some(record) => Ok(Wire::Record(class, record.clone())),
                None => Err(handle_invalid(&class.name, &first)),
            });
        }
        "get_by_uuid" => {
            let found = core.read(|db| db.by_uuid(&class.name, &first));
            return found.map(|r| Wire::Text(r.to_string())).ok_or_else(|| fail("UUID_INVALID", [&class.name, &first]));
        }
        "get_by_name_label" => {
            return Ok(refs(core, class, |_, record| Ok(record.get("name_label").is_some_and(|l| *l == first)))?.0);
        }
        _ => {}
    }
    let value = args.pop().unwrap_or_default();
    if let Some(field) = name.strip_prefix("get_").and_then(|f| visible(class, f)) {
        return core.read(|db| match db.get(&class.name, &first) {
            Some(record) => Ok(Wire::Typed(record.get(field.0).cloned().unwrap_or_default(), field.1.ty.clone())),
            None => Err(handle_invalid(&class.name, &first)),
        });
    }
    let done = core.write(|db| change(db, class, name, &first, &args, value));
    done.map(|value| Wire::Plain(value.unwrap_or_else(|| json!(""))))
}

fn visible<'a>(class: &'a Class, field: &str) -> Option<(&'a str, &'a Field)> {
    class.fields.get_key_value(field).filter(|(_, f)| !f.internal).map(|(n, f)| (n.as_str(), f))
}

/// The references and the records that pass.
fn refs(
    core: &Core,
    class: &'static Class,
    keep: impl Fn(&str, &Record) -> Result<bool, Failure>,
) -> Result<(Wire, Wire), Failure> {
    core.read(|db| {
        let (mut refs, mut records) = (Vec::new(), Vec::new());
        for (reference, record) in db.rows(&class.name) {
            if keep(reference, record)? {
                refs.push(Wire::Text(reference.to_string()));
                records.push((reference.clone(), record.clone()));
            }
        }
        Ok((Wire::List(refs), Wire::Records(class, records)))
    })
}

/// Setters, maps, sets, create and destroy. `args` is what stands before the last parameter, `value`.
fn change(
    db: &mut Db,
    class: &'static Class,
    name: &str,
    object: &str,
    args: &[Value],
    value: Value,
) -> Result<Option<Value>, Failure> {
    let own = |prefix: &str| name.strip_prefix(prefix).and_then(|f| class.fields.get_key_value(f));
    let is_map = |f: &Field| matches!(f.ty, Type::Map(..));
    let is_set = |f: &Field| matches!(f.ty, Type::Set(_));
    if name == "create" && class.constructor.is_some() {
        return create(db, class, value).map(Some);
    }
    let about_object =
        class.messages[name].params.first().is_some_and(|p| p.ty == Type::Ref(class.name.as_str().into()));
    if about_object && db.get(&class.name, object).is_none() {
        return Err(handle_invalid(&class.name, object));
    }
    if name == "destroy" {
        db.remove(&class.name, object);
    } else if let Some((field, _)) = own("set_") {
        db.set(&class.name, object, field, value);
    } else if let Some((field, _)) = own("add_to_").filter(|(_, f)| is_map(f)) {
        let key = args.get(1).and_then(Value::as_str).unwrap_or_default();
        if !db.field(&class.name, object, field)[key].is_null() {
            return Err(fail("MAP_DUPLICATE_KEY", [&class.name, field, object, key]));
        }
        db.set_entry(&class.name, object, field, key, value.as_str());
    } else if let Some((field, _)) = own("remove_from_").filter(|(_, f)| is_map(f)) {
        let key = value.as_str().unwrap_or_default();
        if !db.field(&class.name, object, field)[key].is_null() {
            db.set_entry(&class.name, object, field, key, None);
        }
    } else if let Some((field, _)) = own("add_").filter(|(_, f)| is_set(f)) {
        let mut items = db.field(&class.name, object, field).as_array().cloned().unwrap_or_default();
        if !items.contains(&value) {
            items.push(value);
            db.set(&class.name, object, field, items);
        }
    } else if let Some((field, _)) = own("remove_").filter(|(_, f)| is_set(f)) {
        let mut items = db.field(&class.name, object, field).as_array().cloned().unwrap_or_default();
        if items.contains(&value) {
            items.retain(|v| *v != value);
            db.set(&class.name, object, field, items);
        }
    } else {
        return Err(fail("NOT_IMPLEMENTED", [&format!("{}.{name}", class.name)]));
    }
    Ok(None)
}

fn create(db: &mut Db, class: &'static Class, value: Value) -> Result<Value, Failure> {
    let Value::Object(fields) = value else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let missing = class.constructor.iter().flatten().find(|m| !fields.contains_key(*m));
    if let Some(missing) = missing {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    Ok(json!(db.insert(&class.name, fields)))
}
