//! `name=value`: the parameters of methods and REST as they are typed, and patterns of names.

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde_json::{Map, Value};

/// What was typed behind a command.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Params {
    /// By name.
    pub(crate) values: Map<String, Value>,
    /// `@=<file>`: where a method's file comes from or goes to.
    pub(crate) file: Option<String>,
}

/// Reads `name=value`s; a name alone is true.
pub(crate) fn parse(args: &[String]) -> Result<Params> {
    let mut params = Params::default();
    for arg in args {
        let (name, text) = arg.split_once('=').map_or((arg.as_str(), None), |(name, text)| (name, Some(text)));
        if name.is_empty() {
            bail!("{arg}: a parameter is written name=value");
        }
        if name == "@" {
            params.file = Some(text.filter(|file| !file.is_empty()).context("@= needs a file name")?.to_owned());
            continue;
        }
        let value = text.map_or(Ok(Value::Bool(true)), |text| value(name, text))?;
        if params.values.insert(name.to_owned(), value).is_some() {
            bail!("{name} is given twice");
        }
    }
    Ok(params)
}

fn value(name: &str, text: &str) -> Result<Value> {
    Ok(match (text, text.strip_prefix("json:")) {
        (_, Some(json)) => serde_json::from_str(json).with_context(|| format!("the value of {name} is not JSON"))?,
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        // Numbers too: what is a number in JSON is said with json:.
        _ => Value::String(text.to_owned()),
    })
}

/// Makes objects of names with dots: `memory.min=json:1` becomes `{"memory": {"min": 1}}`.
pub(crate) fn nested(values: Map<String, Value>) -> Result<Value> {
    let mut root = Map::new();
    for (name, value) in values {
        let mut at = &mut root;
        let (folders, last) = name.rsplit_once('.').unwrap_or(("", &name));
        for folder in folders.split('.').filter(|folder| !folder.is_empty()) {
            let inner = at.entry(folder).or_insert_with(|| Value::Object(Map::new()));
            at = inner.as_object_mut().with_context(|| format!("{name}: {folder} has a value already"))?;
        }
        if at.insert(last.to_owned(), value).is_some() {
            bail!("{name} has a value already");
        }
    }
    Ok(Value::Object(root))
}

/// Returns what the query of an address says.
pub(crate) fn query(values: Map<String, Value>) -> Vec<(String, String)> {
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    values.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// Reads a pattern of names: `*`, `?`, `[abc]` and `{one,other}`, which may stand in each other.
pub(crate) fn pattern(text: &str) -> Result<Regex> {
    let mut regex = String::from("^(?:");
    let mut depth = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '{' => {
                depth += 1;
                regex.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            ',' if depth > 0 => regex.push('|'),
            '[' | ']' => regex.push(letter),
            '\\' => regex.push_str(&regex::escape(&letters.next().unwrap_or('\\').to_string())),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(")$");
    Regex::new(&regex).with_context(|| format!("{text} is no pattern; they look like {{user,group}}.*"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(args: &[&str]) -> Result<Params> {
        parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn values_become_what_is_documented() {
        let params =
            parsed(&["a=x", "b=true", "c=false", "n=10", "j=json:10", "l=json:[\"a\"]", "e=", "q=a=b", "flag"]);
        let wanted = json!({
            "a": "x", "b": true, "c": false, "n": "10", "j": 10, "l": ["a"], "e": "", "q": "a=b", "flag": true,
        });
        assert_eq!(Value::Object(params.unwrap().values), wanted);
        let params = parsed(&["@=disk.vhd", "id=1"]).unwrap();
        assert_eq!((params.file.as_deref(), params.values.len()), (Some("disk.vhd"), 1));
        for bad in [&["=x"][..], &["a=json:{"], &["a=1", "a=2"], &["@="]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
        assert!(parsed(&["a=json:{"]).unwrap_err().to_string().contains("the value of a"));
    }

    #[test]
    fn dots_make_objects() {
        let values = |value: Value| value.as_object().cloned().unwrap();
        let made = nested(values(json!({ "a": 1, "b.c": 2, "b.d.e": true }))).unwrap();
        assert_eq!(made, json!({ "a": 1, "b": { "c": 2, "d": { "e": true } } }));
        assert!(nested(values(json!({ "a": 1, "a.b": 2 }))).is_err());
        assert_eq!(
            query(values(json!({ "limit": 5, "filter": "a b" }))),
            [("filter".to_owned(), "a b".to_owned()), ("limit".to_owned(), "5".to_owned())]
        );
    }

    #[test]
    fn patterns() {
        for (text, yes, no) in [
            ("{user,group}.*", &["user.create", "group.delete"][..], &["users.x", "vm.user.create", "user"][..]),
            ("vm.st[ao]*", &["vm.start", "vm.stop", "vm.stats"], &["vm.set"]),
            ("*.set", &["vm.set", "vm.disk.set"], &["vm.settle", "vm_set"]),
            ("{a{b,c},d}?", &["abx", "acx", "dx"], &["ax", "d"]),
            ("vm.start", &["vm.start"], &["vmxstart", "vm.starter"]),
        ] {
            let pattern = pattern(text).unwrap();
            assert!(yes.iter().all(|name| pattern.is_match(name)), "{text} {yes:?}");
            assert!(!no.iter().any(|name| pattern.is_match(name)), "{text} {no:?}");
        }
        assert!(pattern("{a").is_err());
    }
}
