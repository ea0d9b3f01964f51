//! What every call asks of the store, kept in memory for as long as its table does not change: whose token, which account.
//!
//! Nothing here has to be told of a change: what was read holds while [`store::Store::version`] is the same, or, for resource
//! sets, which change with each use, the count of those changes that matter.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use model::{Principal, TokenId, UserId};
use parking_lot::RwLock;

use crate::ip_pool::IpPool;
use crate::resource_set::Offers;
use crate::token::Token;

/// Entries of each kind; beyond it all are read again, which is what happens at each change of an account anyway.
const ENTRIES: usize = 10_000;

/// What is known at present.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) principals: Cache<UserId, Arc<Principal>>,
    pub(crate) tokens: Cache<TokenId, Arc<Token>>,
    pub(crate) ip_pools: Cache<String, Arc<[IpPool]>>,
    pub(crate) offers: Cache<String, Arc<Offers>>,
    /// Counts the changes of what resource sets offer.
    pub(crate) offers_version: AtomicU64,
}

/// Values that were read at one version of a table.
pub(crate) struct Cache<K, V>(RwLock<(u64, HashMap<K, V>)>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::new((0, HashMap::new())))
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// Returns a value as it was read at this version, or reads it. What is not there is not remembered: strangers choose
    /// what they ask for.
    pub(crate) fn get<Q, E>(
        &self,
        version: u64,
        key: &Q,
        read: impl FnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E>
    where
        K: Borrow<Q> + for<'a> From<&'a Q>,
        Q: Hash + Eq + ?Sized,
    {
        {
            let known = self.0.read();
            if known.0 == version
                && let Some(value) = known.1.get(key)
            {
                return Ok(Some(value.clone()));
            }
        }
        let Some(value) = read()? else { return Ok(None) };
        let mut known = self.0.write();
        if known.0 < version || known.1.len() >= ENTRIES {
            known.1.clear();
            known.0 = known.0.max(version);
        }
        // What was read before a change that others know of already is good for this call and no other.
        if known.0 == version {
            known.1.insert(K::from(key), value.clone());
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_for_their_version() {
        let cache: Cache<UserId, u32> = Cache::default();
        let get = |version, value: Option<u32>| {
            let mut has_read = false;
            let found = cache.get(version, "a", || {
                has_read = true;
                Ok::<_, ()>(value)
            });
            (found.unwrap(), has_read)
        };
        assert_eq!(get(0, None), (None, true));
        assert_eq!(get(0, Some(1)), (Some(1), true));
        assert_eq!(get(0, Some(2)), (Some(1), false));
        assert_eq!(get(1, Some(3)), (Some(3), true));
        // A reader that was slow brings something old: it must not stay.
        assert_eq!(get(0, Some(4)), (Some(4), true));
        assert_eq!(get(1, Some(5)), (Some(3), false));
    }
}
