//! What a client needs an answer to be: types, and values where it compares them.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// What was kept of earlier answers, by name.
pub(super) type Kept = Map<String, Value>;

/// Compares an answer with a pattern:
///
/// - a word is a type: "string", "integer" (without a fraction), "number", "boolean", "object", "array", "null", "uuid",
///   "empty" (a map), "any"; several with `|` between them;
/// - `"=text"` is that text, `"$name"` what was kept under the name, anything else but lists and maps is itself;
/// - `[pattern]` is a list whose elements all are like that;
/// - `{"*": pattern}` is a map that has values, which all are like that; other maps name what must be there, with a `?`
///   behind the name what may be there.
///
/// # Errors
/// The first place where it is different.
pub(super) fn compare(pattern: &Value, answer: &Value, kept: &Kept) -> Result<()> {
    match pattern {
        Value::String(word) => match (word.strip_prefix('='), word.strip_prefix('$')) {
            (Some(text), _) => ensure!(answer == text, "{answer} instead of {text:?}"),
            (_, Some(name)) => {
                let wanted = kept.get(name).with_context(|| format!("nothing was kept as {name}"))?;
                ensure!(answer == wanted, "{answer} instead of {wanted}");
            }
            _ => {
                for word in word.split('|') {
                    if is(word, answer)? {
                        return Ok(());
                    }
                }
                bail!("{answer} is no {word}");
            }
        },
        Value::Array(elements) => {
            let [element] = elements.as_slice() else { bail!("a list has one pattern for all elements") };
            let answer = answer.as_array().with_context(|| format!("{answer} is no list"))?;
            for (at, value) in answer.iter().enumerate() {
                compare(element, value, kept).with_context(|| at.to_string())?;
            }
        }
        Value::Object(properties) => {
            let answer = answer.as_object().with_context(|| format!("{answer} is no map"))?;
            if let Some(each) = properties.get("*") {
                ensure!(!answer.is_empty(), "the map is empty");
                for (name, value) in answer {
                    compare(each, value, kept).with_context(|| name.clone())?;
                }
                return Ok(());
            }
            for (name, pattern) in properties {
                match (name.strip_suffix('?'), answer.get(name.trim_end_matches('?'))) {
                    (_, Some(value)) => compare(pattern, value, kept).with_context(|| name.clone())?,
                    (Some(_), None) => {}
                    (None, None) => bail!("{name} is not there"),
                }
            }
        }
        value => ensure!(answer == value, "{answer} instead of {value}"),
    }
    Ok(())
}

fn is(word: &str, answer: &Value) -> Result<bool> {
    Ok(match word {
        "any" => true,
        "empty" => answer.as_object().is_some_and(Map::is_empty),
        "string" => answer.is_string(),
        "integer" => answer.is_i64() || answer.is_u64(),
        "number" => answer.is_number(),
        "boolean" => answer.is_boolean(),
        "object" => answer.is_object(),
        "array" => answer.is_array(),
        "null" => answer.is_null(),
        "uuid" => answer.as_str().is_some_and(|text| text.len() == 36 && text.split('-').count() == 5),
        word => bail!("there is no type {word:?}"),
    })
}

/// Puts what was kept where a value is `"$name"`, and into texts where `{name}` stands.
///
/// # Errors
/// Nothing was kept under a name.
pub(super) fn fill(value: &Value, kept: &Kept) -> Result<Value> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('$') {
            // Names of properties begin like this, too.
            Some(name) if kept.contains_key(name) => kept[name].clone(),
            Some(name) => bail!("nothing was kept as {name}"),
            None => Value::String(fill_text(text, kept)?),
        },
        Value::Array(values) => values.iter().map(|value| fill(value, kept)).collect::<Result<_>>()?,
        Value::Object(properties) => {
            let mut filled = Map::new();
            for (name, value) in properties {
                filled.insert(fill_text(name, kept)?, fill(value, kept)?);
            }
            Value::Object(filled)
        }
        value => value.clone(),
    })
}

/// Puts what was kept into a text, where its name stands in braces.
///
/// # Errors
/// What was kept is no text. A name under which nothing was kept stays: it is the text's own.
pub(super) fn fill_text(text: &str, kept: &Kept) -> Result<String> {
    let mut filled = text.to_owned();
    for (name, value) in kept {
        let place = format!("{{{name}}}");
        if filled.contains(&place) {
            filled = filled.replace(&place, value.as_str().with_context(|| format!("{name} is no text: {value}"))?);
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_says_where_an_answer_is_different() {
        let kept = Kept::from_iter([("vm".to_owned(), json!("1"))]);
        let fits = |pattern: Value, answer: Value| compare(&pattern, &answer, &kept);
        for (pattern, answer) in [
            (json!("integer|null"), json!(2)),
            (json!("$vm"), json!("1")),
            (json!("=true"), json!("true")),
            (json!(true), json!(true)),
            (json!(["string"]), json!([])),
            (json!({ "*": { "a": "number", "b?": "string" } }), json!({ "x": { "a": 0.5, "c": 1 } })),
        ] {
            fits(pattern, answer).unwrap();
        }
        for (pattern, answer) in [
            (json!("integer"), json!(2.5)),
            (json!("$vm"), json!("2")),
            (json!(true), json!("true")),
            (json!(["string"]), json!(["a", 1])),
            (json!({ "*": "any" }), json!({})),
            (json!({ "a": "any" }), json!({})),
            (json!({ "b?": "string" }), json!({ "b": null })),
        ] {
            assert!(fits(pattern.clone(), answer.clone()).is_err(), "{pattern} {answer}");
        }
    }

    #[test]
    fn what_was_kept_is_filled_in() {
        let kept = Kept::from_iter([("vm".to_owned(), json!("1")), ("size".to_owned(), json!(3))]);
        let filled = fill(&json!({ "id": "$vm", "n": "$size", "at": "/vms/{vm}", "css": "{x}" }), &kept).unwrap();
        assert_eq!(filled, json!({ "id": "1", "n": 3, "at": "/vms/1", "css": "{x}" }));
        assert!(fill(&json!("$unknown"), &kept).is_err());
    }
}
