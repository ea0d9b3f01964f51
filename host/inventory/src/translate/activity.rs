//! Messages and tasks. Both come and go often, so they watch nothing but ids.

use model::object::{Message, XapiTask};
use model::{Kind, Object};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::{Record, is_reference, seconds};
use crate::slot::{Interest, Slot};
use crate::table::Table;

pub(crate) struct TaskLinks {
    host: Option<Slot>,
    applies_to: Option<Slot>,
}

pub(super) fn decode_message(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let message = Message {
        head: head(Kind::Message, reader),
        name: reader.text(record.str("name")),
        body: record.str("body").into(),
        time: record.opt_str("timestamp").and_then(seconds),
        object: reader.object_id(record.str("obj_uuid")),
    };
    Draft { object: Some(message.into()), links: Links::Plain }
}

pub(super) fn decode_task(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let task = XapiTask {
        head: head(Kind::Task, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        allowed_operations: reader.texts(record.list("allowed_operations")),
        current_operations: reader.map(record, "current_operations"),
        created: record.opt_str("created").and_then(seconds),
        finished: record.opt_str("finished").and_then(seconds),
        progress: record.decimal("progress").unwrap_or_default(),
        result: record.str("result").into(),
        status: reader.text(record.str("status")),
        applies_to: None,
        host: None,
    };
    let applies_to = record.entry("other_config", "applies_to").filter(|target| is_reference(target));
    let links = TaskLinks {
        host: reader.watch(record.reference("resident_on"), Interest::Id),
        applies_to: reader.watch(applies_to, Interest::Id),
    };
    Draft { object: Some(Object::from(task)), links: Links::Task(links) }
}

pub(super) fn resolve_task(table: &Table, task: &mut XapiTask, links: &TaskLinks) {
    task.host = id(table, links.host);
    task.applies_to = id(table, links.applies_to);
}
