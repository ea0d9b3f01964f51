//! The tables: what each is called on disk never changes, whatever the variant is called here.

use std::fmt;

/// A table of the store. A new one needs no migration: a table that is not in the file yet reads as empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Facts about the installation.
    Meta,
    /// Accounts.
    Users,
    /// API tokens, by SHA-256.
    Tokens,
    /// Registered servers.
    Servers,
    /// Installed plugins: configuration, grants, switches.
    Plugins,
    /// What plugins keep for themselves: `<instance>/<key>`.
    PluginKv,
    /// Sealed secrets of plugins: `<instance>/<name>`.
    PluginSecrets,
    /// Who did what, append-only; bounded by its writer.
    Audit,
    /// Settings of the daemon.
    Settings,
    /// Which outside identity belongs to which account.
    Links,
    /// Access lists: `<subject>/<object>/<action>`.
    Acls,
    /// Groups of accounts: `id/<id>`, `name/<name>`, `member/<account>/<group>`.
    Groups,
    /// From where tokens were last used, by the token's id; written now and then, never with the token.
    TokenUses,
    /// Roles of fine rights: `role/<id>`, `privilege/<id>`, `user/<account>/<role>`, `group/<group>/<role>`.
    Roles,
    /// Resource sets, with what of their limits is used.
    ResourceSets,
    /// Tasks of our own; bounded by their writer.
    Tasks,
    /// Colours of tags.
    Tags,
    /// Templates of cloud-init configurations.
    CloudConfigs,
    /// Pools of IP addresses.
    IpPools,
    /// Jobs and when they run: `job/<id>`, `schedule/<id>`.
    Jobs,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 20] = [
        Self::Meta,
        Self::Users,
        Self::Tokens,
        Self::Servers,
        Self::Plugins,
        Self::PluginKv,
        Self::PluginSecrets,
        Self::Audit,
        Self::Settings,
        Self::Links,
        Self::Acls,
        Self::Groups,
        Self::TokenUses,
        Self::Roles,
        Self::ResourceSets,
        Self::Tasks,
        Self::Tags,
        Self::CloudConfigs,
        Self::IpPools,
        Self::Jobs,
    ];

    /// Returns the name on disk. It is part of the format and of what seals a secret: changing one is a migration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Servers => "servers",
            Self::Plugins => "plugins",
            Self::PluginKv => "plugin-kv",
            Self::PluginSecrets => "plugin-secrets",
            Self::Audit => "audit",
            Self::Settings => "settings",
            Self::Links => "links",
            Self::Acls => "acls",
            Self::Groups => "groups",
            Self::TokenUses => "token-uses",
            Self::Roles => "roles",
            Self::ResourceSets => "resource-sets",
            Self::Tasks => "tasks",
            Self::Tags => "tags",
            Self::CloudConfigs => "cloud-configs",
            Self::IpPools => "ip-pools",
            Self::Jobs => "jobs",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_the_order_of_their_numbers() {
        for (place, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, place, "{table}");
        }
    }
}
