//! LDAP filters with `{{name}}` holes: filled with escaped values, and bounded before ldap3's parser sees them.

use crate::{ErrorKind, PluginError};

/// Bytes of a filter, filled.
const MAX_FILTER: usize = 16 << 10;

/// Nesting of a filter; ldap3's parser calls itself for each level.
const MAX_DEPTH: usize = 32;

fn invalid(code: &str, message: String) -> PluginError {
    PluginError::new(ErrorKind::Invalid, code, message)
}

/// Returns the filter with its holes filled. Values are escaped (RFC 4515), so that they can never be more than values.
pub(crate) fn fill(filter: &str, values: &[(String, String)]) -> Result<String, PluginError> {
    let (mut out, mut rest) = (String::new(), filter);
    while let Some(start) = rest.find("{{") {
        let (before, hole) = rest.split_at(start);
        let Some(end) = hole.find("}}") else {
            return Err(invalid("ldap.filter", format!("the filter {:?} has {{{{ without }}}}", short(filter))));
        };
        let name = hole[2..end].trim();
        let Some((_, value)) = values.iter().find(|(known, _)| known == name) else {
            let message = format!("the filter {:?} asks for {name:?}, which is not known here", short(filter));
            return Err(invalid("ldap.filter-hole", message));
        };
        out.push_str(before);
        out.push_str(&ldap3::ldap_escape(value.as_str()));
        if out.len() > MAX_FILTER {
            break;
        }
        rest = &hole[end + 2..];
    }
    out.push_str(rest);
    if out.len() > MAX_FILTER {
        return Err(invalid("ldap.filter", format!("the filter has more than {MAX_FILTER} bytes")));
    }
    let mut depth = 0_usize;
    for byte in out.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(invalid("ldap.filter", format!("the filter is nested deeper than {MAX_DEPTH}")));
        }
    }
    if ldap3::parse_filter(&out).is_err() {
        let message = format!("the filter {:?} is not one; an example: (uid={{{{name}}}})", short(filter));
        return Err(invalid("ldap.filter", message));
    }
    Ok(out)
}

fn short(filter: &str) -> &str {
    crate::log::cut(filter, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_escapes() {
        let values = |text: &str| vec![("name".to_owned(), text.to_owned())];
        for (filter, value, expected) in [
            ("(uid={{name}})", "alice", Ok("(uid=alice)")),
            ("(uid={{ name }})", "a*)(uid=*", Ok(r"(uid=a\2a\29\28uid=\2a)")),
            ("(|(uid={{name}})(mail={{name}}))", "é", Ok("(|(uid=é)(mail=é))")),
            ("(uid={{name}})", "{{name}}", Ok("(uid={{name}})")),
            ("(uid=a)", "", Ok("(uid=a)")),
            ("(uid={{other}})", "a", Err("ldap.filter-hole")),
            ("(uid={{name)", "a", Err("ldap.filter")),
            ("(uid={{name}}", "a", Err("ldap.filter")),
            ("uid", "a", Err("ldap.filter")),
            ("", "a", Err("ldap.filter")),
        ] {
            let filled = fill(filter, &values(value));
            assert_eq!(filled.as_deref().map_err(|error| error.code.as_str()), expected, "{filter}");
        }
        for filter in
            ["(!".repeat(1 << 20), "(a=b)".repeat(1 << 20), format!("{}(a=b){}", "(!".repeat(40), ")".repeat(40))]
        {
            assert_eq!(fill(&filter, &[]).unwrap_err().code, "ldap.filter");
        }
        assert_eq!(fill("(a={{name}})", &values(&"x".repeat(MAX_FILTER))).unwrap_err().code, "ldap.filter");
    }
}
