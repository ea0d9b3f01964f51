//! Scope templates of the manifest, filled from a configuration: `ldap:{config.server.host}:{config.server.port}`.
//!
//! `{config.servers[*].host}` gives one right for each element; holes that share the list go through it together.

use serde_json::Value;

use crate::grants::Right;

/// Rights from one template at most; a form with more servers than that is a mistake.
const MAX_RIGHTS: usize = 256;

/// A value of the configuration that cannot stand in a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeError {
    /// JSON Pointer to the value.
    pub(crate) path: String,
    /// For people.
    pub(crate) message: String,
}

enum Piece<'t> {
    Text(&'t str),
    Hole(Vec<Step<'t>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step<'t> {
    Key(&'t str),
    Each,
}

/// Returns the rights that a template asks for, given a configuration; a missing value gives none.
pub(crate) fn resolve(template: &str, config: &Value) -> Result<Vec<String>, ScopeError> {
    let pieces = parse(template)?;
    let mut rights = vec![];
    expand(&pieces, config, &mut vec![], &mut rights)?;
    rights.sort();
    rights.dedup();
    Ok(rights)
}

/// Returns what is wrong with a template itself; for the moment the plugin is loaded.
pub(crate) fn check(template: &str) -> Result<(), String> {
    parse(template).map(|_| ()).map_err(|error| error.message)
}

fn parse(template: &str) -> Result<Vec<Piece<'_>>, ScopeError> {
    let wrong = |message: String| ScopeError { path: String::new(), message };
    let (mut pieces, mut rest) = (vec![], template);
    while let Some(start) = rest.find('{') {
        let end =
            rest[start..].find('}').ok_or_else(|| wrong(format!("the scope {template:?} has a {{ without }}")))?;
        pieces.push(Piece::Text(&rest[..start]));
        let hole = &rest[start + 1..start + end];
        let Some(path) = hole.strip_prefix("config.") else {
            return Err(wrong(format!("the hole {{{hole}}} of the scope {template:?} does not begin with config.")));
        };
        let mut steps = vec![];
        for part in path.split('.') {
            let (key, each) = part.strip_suffix("[*]").map_or((part, false), |key| (key, true));
            if key.is_empty() || key.contains(['[', ']', '{']) {
                return Err(wrong(format!("the hole {{{hole}}} of the scope {template:?} is not a path")));
            }
            steps.push(Step::Key(key));
            if each {
                steps.push(Step::Each);
            }
        }
        pieces.push(Piece::Hole(steps));
        rest = &rest[start + end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// `chosen` holds, for each list met so far in order, its path and the element at hand.
fn expand<'t>(
    pieces: &[Piece<'t>],
    config: &Value,
    chosen: &mut Vec<(Vec<Step<'t>>, usize)>,
    out: &mut Vec<String>,
) -> Result<(), ScopeError> {
    let mut text = String::new();
    for piece in pieces {
        let steps = match piece {
            Piece::Text(literal) => {
                text.push_str(literal);
                continue;
            }
            Piece::Hole(steps) => steps,
        };
        let (mut value, mut pointer) = (config, String::new());
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let Some(next) = value.get(*key) else { return Ok(()) };
                    value = next;
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Step::Each => {
                    let Some(list) = value.as_array() else { return Ok(()) };
                    let Some((_, index)) = chosen.iter().find(|(path, _)| path[..] == steps[..at]) else {
                        for index in 0..list.len().min(MAX_RIGHTS) {
                            chosen.push((steps[..at].to_vec(), index));
                            expand(pieces, config, chosen, out)?;
                            chosen.pop();
                        }
                        return Ok(());
                    };
                    let Some(next) = list.get(*index) else { return Ok(()) };
                    value = next;
                    pointer.push_str(&format!("/{index}"));
                }
            }
        }
        match hole_text(value, &text) {
            Ok(Some(filled)) => text.push_str(&filled),
            Ok(None) => return Ok(()),
            Err(message) => return Err(ScopeError { path: pointer, message }),
        }
    }
    match Right::parse(&text) {
        Ok(right) if out.len() < MAX_RIGHTS => out.push(right.to_string()),
        Ok(_) => {}
        Err(message) => return Err(ScopeError { path: first_hole(pieces), message }),
    }
    Ok(())
}

/// Returns a value as it may stand in a right. Nothing that the grammar of rights gives a meaning gets through, else a value of
/// the configuration could widen what the administrator is asked for.
fn hole_text(value: &Value, before: &str) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => text.as_str(),
        Value::Number(number) => return Ok(Some(number.to_string())),
        Value::Bool(truth) => return Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => return Err("only texts and numbers can stand in a grant".to_owned()),
    };
    // A whole URL where the template wants an origin: what is behind the host does not matter to the grant.
    let text = match text.split_once("://") {
        Some((scheme, rest)) if before == "http:" => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return if host.is_empty() || host.contains(['*', '@', ' ', '{']) {
                Err(format!("{text:?} is not the address of a server"))
            } else {
                Ok(Some(format!("{}://{host}", scheme.to_ascii_lowercase())))
            };
        }
        _ => text,
    };
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(Some(format!("[{text}]")));
    }
    if text.contains(['*', ':', '/', '{', '}', '@', '[', ']'])
        || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(format!("{text:?} cannot stand in a grant; give a plain name or address"));
    }
    Ok(Some(text.to_owned()))
}

fn first_hole(pieces: &[Piece<'_>]) -> String {
    let steps = pieces.iter().find_map(|piece| match piece {
        Piece::Hole(steps) => Some(steps),
        Piece::Text(_) => None,
    });
    let keys = steps.into_iter().flatten().map_while(|step| match step {
        Step::Key(key) => Some(format!("/{key}")),
        Step::Each => None,
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fills_holes() {
        let config = json!({
            "server": {"host": "DC1", "port": 636}, "six": "::1", "url": "https://Idp.example.org/realms/x?y",
            "servers": [{"host": "a", "port": 1}, {"host": "b", "port": 2}, {"host": "a", "port": 1}, {"port": 3}],
            "none": [], "empty": "",
        });
        for (template, rights) in [
            ("ldap:{config.server.host}:{config.server.port}", &["ldap:dc1:636"][..]),
            ("ldap:{config.six}:636", &["ldap:[::1]:636"]),
            ("ldap:{config.servers[*].host}:{config.servers[*].port}", &["ldap:a:1", "ldap:b:2"]),
            ("ldap:{config.servers[*].host}:{config.server.port}", &["ldap:a:636", "ldap:b:636"]),
            ("ldap:{config.none[*].host}:1", &[]),
            ("ldap:{config.empty}:1", &[]),
            ("ldap:{config.missing.host}:1", &[]),
            ("ldap:fixed:1", &["ldap:fixed:1"]),
            ("http:{config.url}", &["http:https://idp.example.org"]),
            ("notify", &["notify"]),
        ] {
            assert_eq!(resolve(template, &config).unwrap(), rights, "{template}");
        }
    }

    #[test]
    fn a_value_cannot_widen_a_right() {
        for host in ["*", "a:1", "a/b", "a b", "{config.x}", "u@h", "a\nb", "-----BEGIN", "https://x"] {
            let config = json!({"host": host});
            let result = resolve("ldap:{config.host}:636", &config);
            if host == "-----BEGIN" {
                assert_eq!(result.unwrap(), ["ldap:-----begin:636"]);
            } else {
                assert_eq!(result.unwrap_err().path, "/host", "{host}");
            }
        }
        let port = resolve("ldap:h:{config.port}", &json!({"port": 0})).unwrap_err();
        assert_eq!(port.path, "/port");
    }

    #[test]
    fn broken_templates() {
        for template in ["ldap:{config.a", "ldap:{host}:1", "ldap:{config.a[0]}:1", "ldap:{config.}:1"] {
            assert!(check(template).is_err(), "{template}");
        }
    }
}
