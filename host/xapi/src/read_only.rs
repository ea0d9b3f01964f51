//! Which methods cannot change a pool. A list of what is allowed, so that a method we have never heard of is refused.

/// Returns whether this method only reads.
///
/// `Async.` forms make a task and count as a change; so does `event.inject`, but it only touches a row's generation and
/// is how a first load finds its place in time.
pub(crate) fn only_reads(method: &str) -> bool {
    let Some((class, message)) = method.split_once('.') else { return false };
    match class {
        "session" => matches!(message, "login_with_password" | "logout") || message.starts_with("get_"),
        "event" => matches!(message, "from" | "next" | "register" | "unregister" | "get_current_id" | "inject"),
        "system" => message == "listMethods" || message.starts_with("isAlive:"),
        // `Async.VM.get_...` has a second dot and is not a getter.
        _ => message.starts_with("get_") && !message.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::only_reads;

    #[test]
    fn getters_and_nothing_else() {
        for method in ["VM.get_all_records", "session.logout", "event.from", "host.get_servertime", "system.isAlive:x"]
        {
            assert!(only_reads(method), "{method}");
        }
        for method in [
            "VM.start",
            "VM.set_name_label",
            "Async.VM.start",
            "Async.VM.get_record",
            "session.change_password",
            "session.logout_subject_identifier",
            "host.call_plugin",
            "VM_get_record",
            "get_x",
            "",
        ] {
            assert!(!only_reads(method), "{method}");
        }
    }
}
