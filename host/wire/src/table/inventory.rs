//! All objects: lists, live lists, counts.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "inventory.counts",
        SignedIn,
        Params::Fields(&[Param::req("by", List(&Str)), Param::opt("filter", Text)]),
        "Counts objects by the values of some of their properties.",
    ),
    read("inventory.unwatch", SignedIn, Params::Fields(&[Param::req("watch", Str)]), "Ends a live list."),
    read(
        "inventory.watch",
        SignedIn,
        Params::Fields(&[
            Param::req("watch", Str),
            Param::req("type", Or(&[Str, List(&Str)])),
            Param::req("fields", List(&Str)),
            Param::opt("filter", Text),
            Param::opt("sort", List(&Record(&[Param::req("by", Str), Param::opt("descending", Bool)]))),
            Param::req("window", Record(&[Param::req("start", Int), Param::req("count", Int)])),
        ]),
        "Returns a window of a filtered, sorted list of objects, and tells from then on what changes in it.",
    ),
    read(
        "xo.getAllObjects",
        SignedIn,
        Params::Fields(&[
            Param::opt("filter", Or(&[Text, MapOf(&Any)])),
            Param::opt("limit", Int),
            Param::opt("ndjson", Bool),
        ]),
        "Returns all objects, or those that match a filter or a pattern; `ndjson` returns an address that lists them.",
    ),
];
