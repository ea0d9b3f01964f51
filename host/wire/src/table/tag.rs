//! What sticks on any object: tags, custom fields, messages; and the tasks of pools.

use super::*;

const TAG: Params = Params::Fields(&[Param::req("tag", Str), Param::req("id", Str)]);
const FIELD: Params = Params::Fields(&[Param::req("id", Str), Param::req("name", Str), Param::req("value", Text)]);
const ANY: &[Object] = &[object("id", &[], Level::Administrate)];
const TASK: &[Object] = &[object("id", &["task"], Level::Administrate)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("customField.add", SignedIn, FIELD, "Gives an object a custom field that it does not have.").on(ANY),
    change(
        "customField.remove",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("name", Str)]),
        "Removes a custom field.",
    )
    .on(ANY),
    change("customField.set", SignedIn, FIELD, "Gives an object a custom field, or another value to it.").on(ANY),
    change("message.delete", SignedIn, Params::Fields(ID), "Removes a message.").on(&[object(
        "id",
        &["message"],
        Level::Administrate,
    )]),
    change("tag.add", SignedIn, TAG, "Puts a tag on an object.").on(ANY),
    read("tag.getAllConfigured", SignedIn, Params::Any, "Lists the tags that have a colour."),
    change("tag.remove", SignedIn, TAG, "Takes a tag off an object.").on(ANY),
    change(
        "tag.set",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::opt("color", Or(&[Str, Null]))]),
        "Gives a tag a colour; null takes it away.",
    ),
    change("task.cancel", SignedIn, Params::Fields(ID), "Asks a pool to end a task.").on(TASK),
    change("task.destroy", SignedIn, Params::Fields(ID), "Removes the record of a task.").on(TASK),
];
