//! Resource sets: what people may use by themselves, and how much of it.

use super::*;

const LIMIT: &[Param] = &[Param::req("id", Str), Param::req("limitId", Str)];
const OBJECT: &[Param] = &[Param::req("id", Str), Param::req("object", Str)];
const SUBJECT: &[Param] = &[Param::req("id", Str), Param::req("subject", Str)];
const NAMES: Type = List(&Str);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "resourceSet.addLimit",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("limitId", Str), Param::req("quantity", Int)]),
        "Says how much of something may be used; what is used stays.",
    ),
    change(
        "resourceSet.addObject",
        Admin,
        Params::Fields(OBJECT),
        "Adds a template, an SR or a network that may be used.",
    ),
    change("resourceSet.addSubject", Admin, Params::Fields(SUBJECT), "Lets an account or a group use a set."),
    change(
        "resourceSet.create",
        Admin,
        Params::Fields(&[
            Param::req("name", Str),
            Param::opt("subjects", NAMES),
            Param::opt("objects", NAMES),
            Param::opt("limits", MapOf(&Any)),
            Param::opt("tags", NAMES),
            Param::opt("shareByDefault", Bool),
        ]),
        "Creates a set and returns it.",
    ),
    change("resourceSet.delete", Admin, Params::Fields(ID), "Deletes a set; its VMs stay, without it."),
    read("resourceSet.get", SignedIn, Params::Fields(ID), "Returns a set that the caller may use."),
    read(
        "resourceSet.getAll",
        SignedIn,
        Params::Any,
        "Lists the sets that the caller may use; all for administrators.",
    ),
    change("resourceSet.recomputeAllLimits", Admin, Params::Any, "Counts anew what is used of all sets."),
    change("resourceSet.removeLimit", Admin, Params::Fields(LIMIT), "Takes a limit away."),
    change("resourceSet.removeObject", Admin, Params::Fields(OBJECT), "Takes away what may be used."),
    change("resourceSet.removeSubject", Admin, Params::Fields(SUBJECT), "Takes a set from an account or a group."),
    change(
        "resourceSet.set",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name", Str),
            Param::opt("shareByDefault", Bool),
            Param::opt("subjects", NAMES),
            Param::opt("objects", NAMES),
            Param::opt("ipPools", NAMES),
            Param::opt("limits", MapOf(&Any)),
            Param::opt("tags", NAMES),
        ]),
        "Changes a set; limits that are not given are none any more, and what is used stays.",
    ),
];
