//! What people stick on objects: tags and custom fields. And what pools leave lying about: messages and tasks.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Expect, Table};
use wire::Failure;
use xapi::Value;

use crate::act::{act_now, acts};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{Target, reference};

/// Classes of XAPI whose objects have tags.
const TAGGED: [&str; 6] = ["VM", "host", "pool", "SR", "VDI", "network"];

/// Tags whose colour is kept; a person looks at a dozen.
const COLOURED: usize = 10_000;

fn tagged(object: &Target, method: &str) -> Result<String> {
    let class = object.kind().class();
    if TAGGED.contains(&class) {
        return Ok(format!("{class}.{method}"));
    }
    Err(Failure::invalid(format!("a {} has no tags", object.kind().as_str())).into())
}

/// Puts a tag on an object.
pub async fn add(ctx: &Ctx, object: &Target, tag: &str) -> Result<()> {
    ctx.app.call(object, &tagged(object, "add_tags")?, vec![reference(object), tag.into()]).await.map(drop)
}

/// Takes a tag off an object.
pub async fn remove(ctx: &Ctx, object: &Target, tag: &str) -> Result<()> {
    ctx.app.call(object, &tagged(object, "remove_tags")?, vec![reference(object), tag.into()]).await.map(drop)
}

/// The colour of a tag.
#[derive(Debug, Serialize, Deserialize)]
struct Colour {
    id: String,
    color: String,
}

/// Gives a tag a colour, or takes it away.
pub async fn set(ctx: &Ctx, tag: &str, colour: Option<&str>) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    match colour {
        Some(colour) => {
            let colour = Colour { id: tag.to_owned(), color: colour.to_owned() };
            ctx.app.store.put(Table::Tags, tag, &colour, Expect::Any).await?;
        }
        None => {
            ctx.app.store.delete(Table::Tags, tag, Expect::Any).await?;
        }
    }
    Ok(())
}

/// Lists the tags that have a colour.
pub fn configured(ctx: &Ctx) -> Result<Vec<Json>> {
    let colours = ctx.app.store.scan::<Colour>(Table::Tags, "", None, COLOURED)?;
    Ok(colours.into_iter().map(|(_, stored)| json!(stored.value)).collect())
}

/// Where a custom field is kept.
fn field(name: &str) -> Value {
    format!("XenCenter.CustomFields.{name}").into()
}

/// Gives an object a custom field.
pub async fn set_field(ctx: &Ctx, object: &Target, name: &str, value: &str, replace: bool) -> Result<()> {
    let class = object.kind().class();
    if replace {
        remove_field(ctx, object, name).await?;
    }
    let params = vec![reference(object), field(name), value.into()];
    ctx.app.call(object, &format!("{class}.add_to_other_config"), params).await.map(drop)
}

/// Removes a custom field.
pub async fn remove_field(ctx: &Ctx, object: &Target, name: &str) -> Result<()> {
    let method = format!("{}.remove_from_other_config", object.kind().class());
    ctx.app.call(object, &method, vec![reference(object), field(name)]).await.map(drop)
}

acts! {
    /// Asks a pool to end a task.
    cancel_task => "task.cancel";
}

/// Removes the record of a task.
pub async fn destroy_task(ctx: &Ctx, task: &Target) -> Result<()> {
    act_now(ctx, task, "task.destroy").await
}

/// Removes a message.
pub async fn delete_message(ctx: &Ctx, message: &Target) -> Result<()> {
    act_now(ctx, message, "message.destroy").await
}
