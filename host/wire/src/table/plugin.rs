//! Plugins.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "plugin.configure",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("configuration", Any)]),
        "Saves the configuration of a plugin.",
    ),
    change("plugin.disableAutoload", Admin, Params::Fields(ID), "Does not load the plugin at the next start."),
    change("plugin.enableAutoload", Admin, Params::Fields(ID), "Loads the plugin at each start."),
    read("plugin.get", Admin, Params::Any, "Lists the installed plugins."),
    change("plugin.grant", Admin, Params::Fields(PLUGIN_GRANT), "Gives a plugin a power that it asks for."),
    change("plugin.load", Admin, Params::Fields(ID), "Enables a plugin."),
    change("plugin.purgeConfiguration", Admin, Params::Fields(ID), "Disables a plugin and forgets its configuration."),
    change("plugin.revoke", Admin, Params::Fields(PLUGIN_REVOKE), "Takes a power back."),
    change(
        "plugin.test",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("data", Any),
            Param::opt("configuration", Any),
            Param::opt("grants", List(&Record(GRANT))),
        ]),
        "Tests a plugin, also with a configuration that is not saved and grants for this one call.",
    ),
    change("plugin.unload", Admin, Params::Fields(ID), "Disables a plugin."),
];
