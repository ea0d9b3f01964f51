//! `kv`: the small store of the plugin instance.

use crate::bindings::xylem::plugin::kv;
use crate::ctx::{Ctx, Fault, fault, gate};
use crate::{ErrorKind, KvSet};

const MAX_KEY: usize = 1 << 10;
const MAX_VALUE: usize = 1 << 20;
const MAX_KEYS: u32 = 1_000;

fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(fault(ErrorKind::Invalid, "kv.key", "a key has 1 byte to 1 KiB"));
    }
    Ok(())
}

impl kv::Host for Ctx {
    async fn get(&mut self, key: String) -> Result<Option<kv::Entry>, Fault> {
        gate!(self, "kv", "get", None, |pass| {
            check_key(&key)?;
            let found = self.call.services.kv_get(&self.call.spec.instance, &key).await?;
            self.spend(key.len() + found.as_ref().map_or(0, |entry| entry.value.len()))?;
            Ok(found.map(|entry| kv::Entry { value: entry.value, version: entry.version }))
        })
    }

    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        if_version: Option<u64>,
        ttl: Option<u64>,
    ) -> Result<u64, Fault> {
        gate!(self, "kv", "set", None, |pass| {
            check_key(&key)?;
            if value.len() > MAX_VALUE {
                return Err(fault(ErrorKind::Exhausted, "kv.value", "a value has 1 MiB at most"));
            }
            self.spend(key.len() + value.len())?;
            let set = KvSet { key: &key, value, if_version, ttl };
            Ok(self.call.services.kv_set(&self.call.spec.instance, set).await?)
        })
    }

    async fn delete(&mut self, key: String, if_version: Option<u64>) -> Result<bool, Fault> {
        gate!(self, "kv", "delete", None, |pass| {
            check_key(&key)?;
            Ok(self.call.services.kv_delete(&self.call.spec.instance, &key, if_version).await?)
        })
    }

    async fn keys(&mut self, prefix: String, after: Option<String>, max: u32) -> Result<Vec<String>, Fault> {
        gate!(self, "kv", "keys", None, |pass| {
            if prefix.len().max(after.as_ref().map_or(0, String::len)) > MAX_KEY {
                return Err(fault(ErrorKind::Invalid, "kv.key", "a key has 1 KiB at most"));
            }
            let max = max.min(MAX_KEYS);
            let instance = &self.call.spec.instance;
            let keys = self.call.services.kv_keys(instance, &prefix, after.as_deref(), max).await?;
            self.spend(keys.iter().map(String::len).sum())?;
            Ok(keys)
        })
    }
}
