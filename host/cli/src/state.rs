//! `xylem backup` and `xylem restore`: the passphrase, and what was done.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result, bail};
use daemon::{Config, Overrides};

use crate::args::{Restore, State};
use crate::client;

/// Letters that a passphrase has at least: whoever has the file may guess for as long as they want.
const SHORTEST: usize = 12;

/// Writes a backup.
pub(crate) fn backup(what: &State) -> Result<()> {
    let config = config(what)?;
    let passphrase = passphrase(what.passphrase_file.as_deref())?;
    if passphrase.chars().count() < SHORTEST {
        bail!(
            "the passphrase has to have {SHORTEST} letters at least: it is all that protects the passwords in the backup"
        );
    }
    if what.passphrase_file.is_none() && std::io::stdin().is_terminal() {
        let again = client::ask_secret("Once more: ")?;
        if again != passphrase {
            bail!("the two are not the same");
        }
    }
    let summary = daemon::backup(&config, &what.file, &passphrase.into())?;
    eprintln!("{}: {} records, {} secrets", what.file.display(), summary.records, summary.secrets);
    if summary.lost > 0 {
        eprintln!("{} secrets did not open in the store, and will not elsewhere", summary.lost);
    }
    Ok(())
}

/// Restores one.
pub(crate) fn restore(what: &Restore) -> Result<()> {
    let config = config(&what.state)?;
    let passphrase = passphrase(what.state.passphrase_file.as_deref())?.into();
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("start the runtime")?;
    let summary = runtime.block_on(daemon::restore(&config, &what.state.file, &passphrase, what.replace))?;
    let folder = config.state.folder.display();
    eprintln!("{folder}: {} records, {} secrets restored", summary.records, summary.secrets);
    Ok(())
}

fn config(what: &State) -> Result<Config> {
    let overrides = Overrides { state: what.state.clone(), ..Overrides::default() };
    Ok(Config::read(what.config.as_deref())?.with(overrides))
}

fn passphrase(file: Option<&Path>) -> Result<String> {
    let Some(file) = file else { return client::ask_secret("Passphrase: ") };
    let text = std::fs::read_to_string(file).with_context(|| format!("read the passphrase {}", file.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
