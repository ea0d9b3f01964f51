//! JSON-RPC as XAPI speaks it: 1.0 when the member `jsonrpc` is absent, 2.0 when it is "2.0"; no batches, no notifications.

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::{Call, Reply, Wire};
use crate::model::{Class, Record, Type, model};

/// What an answer must repeat of its call.
#[derive(Debug)]
pub struct Envelope {
    version_2: bool,
    id: Value,
}

/// Reads a request.
pub fn read_call(body: &[u8]) -> anyhow::Result<(Envelope, Call)> {
    let mut request: Value = serde_json::from_slice(body).context("parse the request")?;
    let version_2 = match request.get("jsonrpc") {
        None => false,
        Some(Value::String(v)) if v == "2.0" => true,
        Some(other) => bail!("unknown version {other}"),
    };
    let id = request.get("id").cloned().unwrap_or_default();
    ensure!(id.is_string() || id.is_i64() || id.is_u64(), "the id must be an integer or a string");
    let method = request.get("method").and_then(Value::as_str).context("no method")?.to_owned();
    let params = match request.get_mut("params").map(Value::take) {
        Some(Value::Array(params)) => params,
        Some(object @ Value::Object(_)) if version_2 => vec![object],
        None if version_2 => Vec::new(),
        _ => bail!("params must be an array"),
    };
    Ok((Envelope { version_2, id }, Call { method, params }))
}

/// Writes the answer. A 2.0 success has no `error` and a 2.0 failure no `result`: clients refuse both at once.
pub fn write_reply(envelope: &Envelope, reply: &Reply) -> String {
    let mut out = String::from("{");
    if envelope.version_2 {
        out.push_str("\"jsonrpc\":\"2.0\",");
    }
    match reply {
        Ok(value) => {
            out.push_str("\"result\":");
            write_wire(&mut out, value);
            if !envelope.version_2 {
                out.push_str(",\"error\":null");
            }
        }
        Err(failure) if envelope.version_2 => {
            out.push_str("\"error\":{\"code\":1,\"message\":");
            write_text(&mut out, &failure.code);
            out.push_str(",\"data\":");
            write_list(&mut out, &failure.params, |out, text| write_text(out, text));
            out.push('}');
        }
        Err(failure) => {
            out.push_str("\"result\":null,\"error\":");
            write_list(&mut out, &failure.description(), |out, text| write_text(out, text));
        }
    }
    out.push_str(",\"id\":");
    out.push_str(&envelope.id.to_string());
    out.push('}');
    out
}

fn write_wire(out: &mut String, wire: &Wire) {
    match wire {
        Wire::Plain(value) => out.push_str(&value.to_string()),
        Wire::Typed(value, ty) => write_typed(out, value, ty),
        Wire::Record(class, record) => write_record(out, class, record),
        Wire::Text(text) => write_text(out, text),
        Wire::I4(number) => out.push_str(&number.to_string()),
        Wire::List(items) => write_list(out, items, write_wire),
        Wire::Struct(members) => write_object(out, members.iter(), |out, (name, value)| {
            write_text(out, name);
            out.push(':');
            write_wire(out, value);
        }),
    }
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_object<T>(out: &mut String, members: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) {
    out.push('{');
    for (i, member) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, member);
    }
    out.push('}');
}

fn write_record(out: &mut String, class: &Class, record: &Record) {
    let visible = record.iter().filter(|(name, _)| !class.fields.get(*name).is_some_and(|f| f.internal));
    write_object(out, visible, |out, (name, value)| {
        write_text(out, name);
        out.push(':');
        match class.fields.get(name) {
            Some(field) => write_typed(out, value, &field.ty),
            None => out.push_str(&value.to_string()),
        }
    });
}

fn write_typed(out: &mut String, value: &Value, ty: &Type) {
    match (ty, value) {
        (Type::Float, Value::Number(n)) => out.push_str(&float(n.as_f64().unwrap_or(f64::NAN))),
        (Type::Void, Value::Null) => out.push_str("\"\""),
        (Type::Set(of) | Type::Option(of), Value::Array(items)) => {
            write_list(out, items, |out, v| write_typed(out, v, of))
        }
        (Type::Map(_, of), Value::Object(members)) => write_object(out, members.iter(), |out, (name, value)| {
            write_text(out, name);
            out.push(':');
            write_typed(out, value, of);
        }),
        (Type::Record(name), Value::Object(record)) => match model().class(name) {
            Some(class) => write_record(out, class, record),
            None => out.push_str(&value.to_string()),
        },
        _ => out.push_str(&value.to_string()),
    }
}

fn write_text(out: &mut String, text: impl AsRef<str>) {
    out.push_str(&Value::from(text.as_ref()).to_string());
}

/// XAPI writes the bare tokens for what JSON has no number for.
fn float(x: f64) -> String {
    match x {
        x if x.is_nan() => "NaN".to_owned(),
        x if x.is_infinite() => if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        x => format!("{x:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::failure::fail;

    #[test]
    fn both_versions_have_their_shapes() {
        for (request, ok, failed) in [
            (
                r#"{"method":"VM.get_all","params":["s"],"id":7}"#,
                r#"{"result":["a"],"error":null,"id":7}"#,
                r#"{"result":null,"error":["CODE","p1"],"id":7}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"VM.get_all","params":["s"],"id":"x"}"#,
                r#"{"jsonrpc":"2.0","result":["a"],"id":"x"}"#,
                r#"{"jsonrpc":"2.0","error":{"code":1,"message":"CODE","data":["p1"]},"id":"x"}"#,
            ),
        ] {
            let (envelope, call) = read_call(request.as_bytes()).unwrap();
            assert_eq!((call.method.as_str(), Value::Array(call.params)), ("VM.get_all", json!(["s"])));
            assert_eq!(write_reply(&envelope, &Ok(Wire::List(vec![Wire::Text("a".into())]))), ok);
            assert_eq!(write_reply(&envelope, &Err(fail("CODE", ["p1"]))), failed);
        }
    }

    #[test]
    fn malformed_requests_are_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"method":"x","params":[]}"#,
            r#"{"method":"x","params":[],"id":null}"#,
            r#"{"method":"x","params":[],"id":1.5}"#,
            r#"{"jsonrpc":"1.1","method":"x","params":[],"id":1}"#,
            r#"{"method":"x","params":{},"id":1}"#,
        ] {
            assert!(read_call(bad.as_bytes()).is_err(), "{bad}");
        }
        let (_, call) = read_call(br#"{"jsonrpc":"2.0","method":"x","params":{"a":1},"id":1}"#).unwrap();
        assert_eq!(Value::Array(call.params), json!([{"a": 1}]));
        assert!(read_call(br#"{"jsonrpc":"2.0","method":"x","id":1}"#).unwrap().1.params.is_empty());
    }

    #[test]
    fn floats_stay_floats_and_ints_stay_ints() {
        let t = |v: Value, ty: Type| {
            let mut out = String::new();
            write_typed(&mut out, &v, &ty);
            out
        };
        assert_eq!(t(json!(1), Type::Float), "1.0");
        assert_eq!(t(json!(2147483648_i64), Type::Int), "2147483648");
        assert_eq!(t(json!({"0": 1}), Type::Map(Box::new(Type::Int), Box::new(Type::Float))), r#"{"0":1.0}"#);
    }
}
