//! Templates of cloud-init configurations.

use super::*;

const NEW: Params = Params::Fields(&[Param::req("name", Str), Param::req("template", Text)]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("cloudConfig.create", Admin, NEW, "Keeps a template of user data."),
    change("cloudConfig.createNetworkConfig", Admin, NEW, "Keeps a template of a network configuration."),
    change("cloudConfig.delete", Admin, Params::Fields(ID), "Forgets a template."),
    read("cloudConfig.getAll", SignedIn, Params::Any, "Lists the templates of user data."),
    read("cloudConfig.getAllNetworkConfigs", SignedIn, Params::Any, "Lists the templates of network configurations."),
    change(
        "cloudConfig.update",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::opt("name", Str), Param::opt("template", Text)]),
        "Changes a template.",
    ),
];
