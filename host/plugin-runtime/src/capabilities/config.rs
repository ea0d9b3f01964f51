//! `config`, `secrets` and `reveal`: what the administrator set up, secrets as handles, and secrets as text.

use model::Secret;
use wasmtime::component::Resource;

use crate::ErrorKind;
use crate::bindings::xylem::plugin::{config, reveal, secrets};
use crate::ctx::{Ctx, Fault, fault, gate};
use crate::grants::Right;

/// Bytes of a secret that a plugin stores.
const MAX_SECRET: usize = 64 << 10;

/// A secret at one version, as a handle of the plugin.
pub struct SecretHandle {
    name: String,
    pub(crate) value: Secret,
}

impl config::Host for Ctx {
    async fn current(&mut self) -> wasmtime::Result<String> {
        self.call.watch.count_host_call();
        Ok(self.call.spec.config.to_string())
    }
}

impl secrets::Host for Ctx {
    async fn get(&mut self, name: String) -> Result<Resource<SecretHandle>, Fault> {
        gate!(self, "secrets", "get", None, |pass| {
            match self.rotated.get(&name).or_else(|| self.call.spec.secrets.get(&name)).cloned() {
                Some(value) => Ok(self.table.push(SecretHandle { name, value })?),
                None => {
                    let message = format!("the configuration has no secret {name:?}");
                    Err(fault(ErrorKind::NotFound, "secret.unknown", message))
                }
            }
        })
    }

    async fn set(&mut self, name: String, value: String) -> Result<(), Fault> {
        let value = Secret::new(value);
        gate!(self, "secrets", "set", None, |pass| {
            if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
                return Err(fault(ErrorKind::Invalid, "secret.name", "the name of a secret has 1 to 200 characters"));
            }
            if value.expose().len() > MAX_SECRET {
                return Err(fault(ErrorKind::Exhausted, "secret.size", "a secret has 64 KiB at most"));
            }
            self.call.services.secret_set(&self.call.spec.instance, &name, value.clone()).await?;
            self.rotated.insert(name, value);
            Ok(())
        })
    }
}

impl secrets::HostSecret for Ctx {
    async fn name(&mut self, handle: Resource<SecretHandle>) -> wasmtime::Result<String> {
        Ok(self.table.get(&handle)?.name.clone())
    }

    async fn drop(&mut self, handle: Resource<SecretHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl reveal::Host for Ctx {
    async fn text(&mut self, handle: Resource<SecretHandle>) -> Result<String, Fault> {
        let name = self.table.get(&handle)?.name.clone();
        let right =
            Right::name("secret", &name).map_err(|message| fault(ErrorKind::Invalid, "secret.name", message))?;
        gate!(self, "reveal", "text", Some(right), |pass| {
            let text = self.table.get(&handle)?.value.expose().to_owned();
            self.spend(text.len())?;
            Ok(text)
        })
    }
}
