//! What each operation changes, everywhere (PROTOCOL 7.3 to 7.7): `effects/*.txt` has one section for each, to be laid beside the
//! protocol. A section says what was done before (`given`), what is called (`when`), and then every change there was, complete:
//! `+` made, `~` changed, `-` gone, `!` the answer or the error. What a section does not name did not happen. In `allowed.txt`
//! `list` asks for the allowed_operations of an object; `=` has them.
//!
//! Left out: uuids, allowed_operations (they have tables of their own), the task of the call. `now` is any time but 1970,
//! `uuid`, `mac` and `random` are what is drawn at random. `BLESS=1` writes the files anew; read the difference before you keep it.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::{Map, Value, json};

use super::world::{MODEL, list, r, report, start, visible};
use crate::client::{ApiError, Client, until};

/// All records by class and reference.
type Picture = BTreeMap<(String, String), Map<String, Value>>;

/// Not a part of what is compared.
const QUIET: [&str; 3] = ["uuid", "allowed_operations", "snapshot_metadata"];

fn picture(client: &Client) -> Picture {
    let classes =
        MODEL["classes"].as_object().expect("classes").keys().filter(|c| !["task", "session"].contains(&c.as_str()));
    let rows = classes.flat_map(|class| client.sim.records(class).into_iter().map(move |(r, v)| (class.clone(), r, v)));
    let seen = |class: &str, record: &Value| {
        let fields = record.as_object().into_iter().flatten().filter(|(field, _)| visible(class, field));
        fields.map(|(field, value)| (field.clone(), value.clone())).collect()
    };
    rows.map(|(class, reference, record)| {
        let record = seen(&class, &record);
        ((class, reference), record)
    })
    .collect()
}

/// One section of a file under way.
struct Story {
    client: Client,
    names: BTreeMap<String, String>,
}

impl Story {
    /// `@name` is a reference.
    fn resolve(&self, value: Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('@') {
                Some(name) => {
                    let known = self.names.iter().find(|(_, known)| *known == name).map(|(r, _)| r.clone());
                    json!(known.unwrap_or_else(|| r(name)))
                }
                None => Value::String(text),
            },
            Value::Array(items) => items.into_iter().map(|v| self.resolve(v)).collect(),
            Value::Object(members) => {
                let key = |k: String| self.resolve(Value::String(k)).as_str().unwrap_or_default().to_owned();
                Value::Object(members.into_iter().map(|(k, v)| (key(k), self.resolve(v))).collect())
            }
            other => other,
        }
    }

    fn parse(&self, text: &str) -> Value {
        self.resolve(serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}")))
    }

    /// `name = Class.message [params]`, `set Class @object field value`, `insert name Class {fields}`, `report @vm`.
    async fn given(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        let sim = self.client.sim.clone();
        match words[0] {
            "set" => {
                let object = self.resolve(json!(words[2]));
                sim.set(words[1], object.as_str().unwrap_or_default(), words[3], self.parse(words[4]))
            }
            "insert" => {
                let fields = line.splitn(4, ' ').nth(3).unwrap_or("{}");
                let made = sim.insert(words[2], self.parse(fields))?;
                self.names.insert(made, words[1].to_owned());
                Ok(())
            }
            "report" => report(&self.client, self.resolve(json!(words[1])).as_str().unwrap_or_default()),
            _ => {
                let (name, call) = line.split_once(" = ").map_or((None, line), |(n, c)| (Some(n), c));
                let made = self.call(call).await?;
                if let (Some(name), Some(made)) = (name, made.as_str()) {
                    self.names.insert(made.to_owned(), name.to_owned());
                }
                Ok(())
            }
        }
    }

    async fn call(&self, call: &str) -> anyhow::Result<Value> {
        let (method, params) = call.split_once(' ').unwrap_or((call, "[]"));
        self.client.call(method, self.parse(params)).await.map_err(|e| e.context(call.to_owned()))
    }

    /// Gives what is new a name: its class and a number, in an order that does not depend on what is random.
    fn name_new(&mut self, before: &Picture, after: &Picture) {
        let new: Vec<&(String, String)> = after.keys().filter(|key| !before.contains_key(*key)).collect();
        let mut found: Vec<(&str, String, &str)> = Vec::new();
        for key in &new {
            let mut text = String::new();
            for (field, value) in after[*key].iter().filter(|(f, _)| !QUIET.contains(&f.as_str())) {
                let _ = write!(text, "{field}={} ", self.show(value));
            }
            found.push((&key.0, text, &key.1));
        }
        found.sort();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for (class, _, reference) in found {
            let count = counts.entry(class).or_default();
            *count += 1;
            self.names.insert(reference.to_owned(), format!("{class}#{count}"));
        }
    }

    /// A value as text, references by name.
    fn show(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.show_text(text),
            Value::Array(items) => format!("[{}]", items.iter().map(|v| self.show(v)).collect::<Vec<_>>().join(" ")),
            Value::Object(members) => {
                let shown = members.iter().map(|(k, v)| format!("{}={}", self.show_text(k), self.show(v)));
                format!("{{{}}}", shown.collect::<Vec<_>>().join(" "))
            }
            other => other.to_string(),
        }
    }

    fn show_text(&self, text: &str) -> String {
        if text == "OpaqueRef:NULL" {
            return "NULL".to_owned();
        }
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        if let Some(name) = text.strip_prefix("OpaqueRef:").or_else(|| text.strip_prefix("DummyRef:")) {
            return if name.len() >= 36 { "?".to_owned() } else { name.to_owned() };
        }
        let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
        match text {
            "19700101T00:00:00Z" => "never".to_owned(),
            _ if text.len() == 18 && text.contains('T') && text.ends_with('Z') => "now".to_owned(),
            _ if text.len() == 17 && text.split(':').count() == 6 && !text.starts_with("02:00:00:0") => {
                "mac".to_owned()
            }
            _ if text.len() == 36 && text.split('-').count() == 5 => "uuid".to_owned(),
            // Seconds, as other_config has them; two numbers of 64 bits.
            _ if text.len() == 11 && text.ends_with('.') && digits(&text[..10]) => "now".to_owned(),
            _ if text.split(':').count() == 2 && text.len() > 20 && digits(&text.replace(['-', ':'], "")) => {
                "random".to_owned()
            }
            _ if text.contains("uuid=") => {
                let cut = text.find("uuid=").unwrap_or(0) + 5;
                format!("{}uuid", &text[..cut])
            }
            _ if text.contains(&self.client.sim.host()) => {
                self.show_text(&text.replace(&self.client.sim.host(), "listener"))
            }
            _ if text.contains("session_id=") => {
                let cut = text.find("session_id=").unwrap_or(0) + 11;
                format!("{}session", &text[..cut])
            }
            "" => "\"\"".to_owned(),
            _ if text.contains(' ') => format!("\"{text}\""),
            _ => text.to_owned(),
        }
    }

    fn differences(&self, before: &Picture, after: &Picture) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, record) in after {
            let name = self.show_text(&key.1);
            match before.get(key) {
                None => lines.push(self.made(&key.0, &name, record)),
                Some(old) => {
                    for (field, value) in record.iter().filter(|(f, _)| !QUIET.contains(&f.as_str())) {
                        if old.get(field) != Some(value) {
                            let change = self.change(old.get(field).unwrap_or(&Value::Null), value);
                            lines.push(format!("~ {} {name} {field}: {change}", key.0));
                        }
                    }
                }
            }
        }
        for (class, reference) in before.keys().filter(|key| !after.contains_key(*key)) {
            lines.push(format!("- {class} {}", self.show_text(reference)));
        }
        lines.sort_by_key(|line| (line.starts_with('-'), line[2..].to_owned()));
        lines
    }

    fn made(&self, class: &str, name: &str, record: &Map<String, Value>) -> String {
        if class == "message" {
            let about = self.client.sim.by_uuid("VM", record["obj_uuid"].as_str().unwrap_or_default());
            let about = about.map_or_else(|| self.show(&record["obj_uuid"]), |r| self.show_text(&r));
            return format!(
                "+ message {} about {} {about}, priority {}",
                self.show(&record["name"]),
                self.show(&record["cls"]),
                record["priority"]
            );
        }
        let empty = [
            json!(""),
            json!(0),
            json!(0.0),
            json!(false),
            json!([]),
            json!({}),
            json!("OpaqueRef:NULL"),
            json!("19700101T00:00:00Z"),
        ];
        let mut line = format!("+ {class} {name}");
        for (field, value) in record.iter().filter(|(f, v)| !QUIET.contains(&f.as_str()) && !empty.contains(v)) {
            let _ = write!(line, " {field}={}", self.show(value));
        }
        line
    }

    /// Sets and maps by what came and went, other values as `old -> new`.
    fn change(&self, old: &Value, new: &Value) -> String {
        match (old, new) {
            (Value::Array(old), Value::Array(new)) => {
                let mut came: Vec<String> =
                    new.iter().filter(|v| !old.contains(v)).map(|v| format!("+{}", self.show(v))).collect();
                let mut went: Vec<String> =
                    old.iter().filter(|v| !new.contains(v)).map(|v| format!("-{}", self.show(v))).collect();
                came.sort();
                went.sort();
                came.extend(went);
                came.join(" ")
            }
            (Value::Object(old), Value::Object(new)) => {
                let came = new.iter().filter(|(k, v)| old.get(*k) != Some(v));
                let came = came.map(|(k, v)| format!("+{}={}", self.show_text(k), self.show(v)));
                let went = old.keys().filter(|k| !new.contains_key(*k)).map(|k| format!("-{}", self.show_text(k)));
                came.chain(went).collect::<Vec<_>>().join(" ")
            }
            _ => format!("{} -> {}", self.show(old), self.show(new)),
        }
    }
}

/// Every change was told: `add` what is made, `mod` what changed, `del` what is gone, and a snapshot is the record.
async fn check_events(
    client: &Client,
    token: &str,
    before: &Picture,
    after: &Picture,
    what: &str,
) -> anyhow::Result<()> {
    let (events, _) = client.from(json!(["*"]), token, 0.0).await?;
    let told: BTreeMap<&str, (&str, &Value)> = events
        .iter()
        .map(|e| (e["ref"].as_str().unwrap_or_default(), (e["operation"].as_str().unwrap_or_default(), &e["snapshot"])))
        .collect();
    for (key, record) in after {
        let silent = ["secret", "user"].contains(&key.0.as_str());
        let wanted = match before.get(key) {
            None => "add",
            Some(old) if old != record => "mod",
            Some(_) => continue,
        };
        if !silent {
            let (operation, snapshot) =
                told.get(key.1.as_str()).unwrap_or_else(|| panic!("{what}: nothing told of {key:?}"));
            assert_eq!((*operation, *snapshot), (wanted, &Value::Object(record.clone())), "{what}: {key:?}");
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key) && key.0 != "secret") {
        assert_eq!(told.get(key.1.as_str()).map(|t| t.0), Some("del"), "{what}: {key:?}");
    }
    Ok(())
}

/// Runs one section and returns it as it should read.
async fn tell(section: &str) -> anyhow::Result<String> {
    let mut story = Story { client: start().await, names: BTreeMap::new() };
    let mut out = String::new();
    let lines: Vec<&str> =
        section.lines().filter(|l| !["+ ", "~ ", "- ", "! ", "= "].iter().any(|s| l.starts_with(s))).collect();
    let mut seen = None;
    for line in lines.iter().filter(|l| !l.trim().is_empty()) {
        out.push_str(line);
        out.push('\n');
        if let Some(given) = line.strip_prefix("given ") {
            story.given(given).await?;
        } else if let Some(call) = line.strip_prefix("when ") {
            let before = picture(&story.client);
            let token = story.client.token().await?;
            let answer = story.call(call).await;
            seen = Some((before, token, answer));
        } else if let Some(object) = line.strip_prefix("list ") {
            let (class, object) = object.split_once(' ').unwrap_or_default();
            let object = story.resolve(json!(object));
            let record = story.client.sim.record(class, object.as_str().unwrap_or_default());
            let list = list(&record.unwrap_or_default(), "allowed_operations").join(" ");
            let _ = writeln!(out, "= {}", if list.is_empty() { "none" } else { &list });
        } else if let Some(fact) = line.strip_prefix("until ") {
            let words: Vec<&str> = fact.splitn(4, ' ').collect();
            let (object, value) = (story.resolve(json!(words[1])), story.parse(words[3]));
            let object = object.as_str().unwrap_or_default();
            until(|| story.client.sim.record(words[0], object).is_some_and(|record| record[words[2]] == value)).await;
        }
    }
    // A section of lists calls nothing.
    let Some((before, token, answer)) = seen else { return Ok(out) };
    let after = picture(&story.client);
    story.name_new(&before, &after);
    match answer {
        Err(error) => {
            let error = error.downcast::<ApiError>()?;
            let shown: Vec<String> = error.0.iter().map(|p| story.show_text(p)).collect();
            let _ = writeln!(out, "! {}", shown.join(" "));
        }
        Ok(value) if value != "" => {
            let _ = writeln!(out, "! answers {}", story.show(&value));
        }
        Ok(_) => {}
    }
    for line in story.differences(&before, &after) {
        out.push_str(&line);
        out.push('\n');
    }
    if story.client.token().await.is_ok() {
        check_events(&story.client, &token, &before, &after, &lines.join("\n")).await?;
    }
    Ok(out)
}

async fn compare(file: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/life/effects").join(file);
    let text = fs::read_to_string(&path)?;
    let (mut wanted, mut found) = (String::new(), String::new());
    for section in text.split_inclusive("\n\n") {
        // A comment stands alone.
        if section.starts_with('#') || section.trim().is_empty() {
            wanted.push_str(section);
            found.push_str(section);
            continue;
        }
        let told = tell(section).await.map_err(|e| e.context(section.to_owned()))?;
        wanted.push_str(section.trim_end());
        found.push_str(told.trim_end());
        wanted.push_str("\n\n");
        found.push_str("\n\n");
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, found.trim_end().to_owned() + "\n")?;
        return Ok(());
    }
    for (section, told) in wanted.split("\n\n").zip(found.split("\n\n")) {
        assert!(section == told, "{file} says\n{section}\n\nbut it is\n{told}\n");
    }
    Ok(())
}

macro_rules! files {
    ($($test:ident: $file:literal),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() -> anyhow::Result<()> {
            compare($file).await
        })*
    };
}

files! {
    vm_power: "vm-power.txt",
    vm_copies: "vm-copies.txt",
    vm_life: "vm-life.txt",
    storage: "storage.txt",
    devices: "devices.txt",
    networks: "networks.txt",
    hosts_and_pool: "hosts.txt",
    allowed_operations: "allowed.txt",
}
