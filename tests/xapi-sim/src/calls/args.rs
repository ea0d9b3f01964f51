//! Parameters of a call: counted, completed with defaults and brought to their types.

use serde_json::{Number, Value, json};

use crate::{
    failure::{Failure, fail},
    model::{Message, Type, model},
};

/// Returns the arguments after the session, one per declared parameter.
pub fn read(method: &str, message: &Message, params: Vec<Value>) -> Result<Vec<Value>, Failure> {
    let skip = usize::from(message.session);
    let received = params.len().saturating_sub(skip);
    let required = message.params.iter().filter(|p| p.default.is_none()).count();
    // Methods with defaults ignore surplus parameters; the others do not.
    let surplus = received > message.params.len() && required == message.params.len();
    if params.len() < skip || received < required || surplus {
        return Err(fail("MESSAGE_PARAMETER_COUNT_MISMATCH", [method, &required.to_string(), &received.to_string()]));
    }
    let mut given = params.into_iter().skip(skip);
    let args = message.params.iter().map(|param| match given.next() {
        Some(value) => coerce(value, &param.ty).ok_or_else(|| fail("FIELD_TYPE_ERROR", [&param.name])),
        None => Ok(param.default.clone().unwrap_or_else(|| param.ty.empty())),
    });
    args.collect()
}

/// Brings a value as clients send it to its type: ints may come as strings, enums in any case. `None` when it cannot be one.
pub fn coerce(value: Value, ty: &Type) -> Option<Value> {
    match (ty, value) {
        (Type::Int, Value::Number(n)) if n.is_i64() => Some(Value::Number(n)),
        (Type::Int, Value::String(s)) => s.trim().parse::<i64>().ok().map(Value::from),
        (Type::Float, Value::Number(n)) => n.as_f64().and_then(Number::from_f64).map(Value::Number),
        (Type::Float, Value::String(s)) => s.trim().parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        (Type::Bool, v @ Value::Bool(_)) => Some(v),
        (Type::Text | Type::Date | Type::Ref(_), v @ Value::String(_)) => Some(v),
        (Type::Enum(name), Value::String(s)) => {
            let values = model().enums.get(&**name)?;
            values.iter().find(|v| v.eq_ignore_ascii_case(&s)).map(|v| json!(v))
        }
        (Type::Set(of) | Type::Option(of), Value::Array(items)) => {
            items.into_iter().map(|v| coerce(v, of)).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        (Type::Map(_, of), Value::Object(members)) => {
            let members: Option<_> = members.into_iter().map(|(k, v)| coerce(v, of).map(|v| (k, v))).collect();
            members.map(Value::Object)
        }
        (Type::Record(name), Value::Object(members)) => {
            let class = model().class(name)?;
            // Unknown members are ignored.
            let known =
                members.into_iter().filter_map(|(k, v)| class.fields.get(&k).map(|f| coerce(v, &f.ty).map(|v| (k, v))));
            known.collect::<Option<_>>().map(Value::Object)
        }
        (Type::Void, v) => Some(v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_brought_to_their_types() {
        let map = |of| Type::Map(Box::new(Type::Text), Box::new(of));
        for (value, ty, out) in [
            (json!("42"), Type::Int, Some(json!(42))),
            (json!(42), Type::Int, Some(json!(42))),
            (json!(4.5), Type::Int, None),
            (json!(60), Type::Float, Some(json!(60.0))),
            (json!("x"), Type::Int, None),
            (json!(1), Type::Bool, None),
            (json!(1), Type::Text, None),
            (json!("RUNNING"), Type::Enum("vm_power_state".into()), Some(json!("Running"))),
            (json!("dancing"), Type::Enum("vm_power_state".into()), None),
            (json!({"a": "1"}), map(Type::Int), Some(json!({"a": 1}))),
            (
                json!({"name_label": "x", "VCPUs_max": "2", "nonsense": 1}),
                Type::Record("VM".into()),
                Some(json!({"name_label": "x", "VCPUs_max": 2})),
            ),
            (json!([]), map(Type::Text), None),
        ] {
            assert_eq!(coerce(value.clone(), &ty), out, "{value} as {ty:?}");
        }
    }

    #[test]
    fn parameters_are_counted() {
        let (_, _, login) = model().message("session.login_with_password").unwrap();
        assert_eq!(
            read("x", login, vec![json!("u"), json!("p")]).unwrap(),
            [json!("u"), json!("p"), json!("1.1"), json!("")]
        );
        assert_eq!(read("x", login, vec![json!("u")]), Err(fail("MESSAGE_PARAMETER_COUNT_MISMATCH", ["x", "2", "1"])));
        assert!(read("x", login, vec![json!("u"); 9]).is_ok());
        let (_, _, start) = model().message("VM.start").unwrap();
        for n in [0, 1, 3, 5] {
            let received = i32::max(n - 1, 0).to_string();
            let params = vec![json!("s"); usize::try_from(n).unwrap()];
            assert_eq!(read("x", start, params), Err(fail("MESSAGE_PARAMETER_COUNT_MISMATCH", ["x", "3", &received])));
        }
    }
}
