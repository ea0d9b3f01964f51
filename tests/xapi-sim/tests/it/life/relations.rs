//! Mirrored relations (PROTOCOL 3.1, rule 5): a change of an object that points at another is a change of the other, too.

use serde_json::{Value, json};

use super::world::{MODEL, start, visible};

/// The relations of the data model: class and field that point, class and set that mirror.
fn relations() -> Vec<[String; 4]> {
    serde_json::from_value(MODEL["relations"].clone()).expect("four names each")
}

fn model_type(class: &str, field: &str) -> String {
    MODEL["classes"][class]["fields"][field]["type"].as_str().unwrap_or_default().to_owned()
}

fn has_events(class: &str) -> bool {
    MODEL["classes"][class]["events"] == true
}

/// `operation ref` of all events since the token, but for tasks and sessions, which calls make by themselves.
async fn seen(client: &crate::client::Client, token: &mut String) -> anyhow::Result<Vec<String>> {
    let (events, next) = client.from(json!(["*"]), token, 0.0).await?;
    *token = next;
    let text = |e: &Value, f: &str| e[f].as_str().unwrap_or_default().to_owned();
    let mut seen: Vec<String> = events.iter().map(|e| format!("{} {}", text(e, "operation"), text(e, "ref"))).collect();
    seen.sort();
    Ok(seen)
}

#[tokio::test]
async fn both_ends_of_every_relation_hear_of_a_change() -> anyhow::Result<()> {
    let mut checked = 0;
    for [class, field, other, set] in relations() {
        // A few name the same field twice: there is no other end. Sessions and roles are not the pool's objects.
        let hidden = !visible(&class, &field) || !visible(&other, &set);
        if hidden || (class == other && field == set) || !has_events(&class) || !has_events(&other) || class == "task" {
            continue;
        }
        let client = start().await;
        let sim = &client.sim;
        let (one, two) = (sim.insert(&other, json!({}))?, sim.insert(&other, json!({}))?);
        let many = model_type(&class, &field).starts_with("set(");
        let points = |target: &str| if many { json!([target]) } else { json!(target) };
        let nobody = if many { json!([]) } else { json!("OpaqueRef:NULL") };
        let members = |target: &str| sim.record(&other, target).unwrap()[&set].as_array().cloned().unwrap_or_default();
        let what = format!("{class}.{field} - {other}.{set}");
        let mut token = client.token().await?;

        let object = sim.insert(&class, json!({&field: points(&one)}))?;
        let mut wanted = vec![format!("add {object}"), format!("mod {one}")];
        wanted.sort();
        assert_eq!(seen(&client, &mut token).await?, wanted, "{what}: made");
        assert!(members(&one).contains(&json!(object)), "{what}");

        sim.set(&class, &object, &field, points(&two))?;
        let mut wanted = vec![format!("mod {object}"), format!("mod {one}"), format!("mod {two}")];
        wanted.sort();
        assert_eq!(seen(&client, &mut token).await?, wanted, "{what}: moved");
        assert!(!members(&one).contains(&json!(object)) && members(&two).contains(&json!(object)), "{what}");

        sim.set(&class, &object, &field, nobody)?;
        let mut wanted = vec![format!("mod {object}"), format!("mod {two}")];
        wanted.sort();
        assert_eq!(seen(&client, &mut token).await?, wanted, "{what}: cut");
        sim.set(&class, &object, &field, points(&one))?;
        seen(&client, &mut token).await?;

        sim.remove(&class, &object);
        let mut wanted = vec![format!("del {object}"), format!("mod {one}")];
        wanted.sort();
        assert_eq!(seen(&client, &mut token).await?, wanted, "{what}: gone");
        assert!(!members(&one).contains(&json!(object)), "{what}");
        checked += 1;
    }
    assert!(checked > 50, "only {checked} relations");
    Ok(())
}
