//! `cargo xtask tidy`: the rules of the house that no compiler knows. Every message says what to do.

mod files;
mod floors;
mod generated;
mod locks;
mod tree;

use anyhow::{Result, bail};

use crate::progress::print;
use crate::repo::{self, Repo};
use tree::Tree;

pub(crate) use generated::write as codegen;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// Has to be changed.
    Wrong(String),
    /// Should be looked at.
    Warning(String),
}

fn wrong(text: impl Into<String>) -> Finding {
    Finding::Wrong(text.into())
}

/// Checks all rules and prints what they found.
///
/// # Errors
/// When something has to be changed.
pub fn tidy(repo: &Repo) -> Result<()> {
    let tree = Tree::read(&repo.root)?;
    let mut findings = floors::check(&repo::metadata(&repo.root)?, &repo.root);
    findings.extend(files::check(&tree));
    findings.extend(locks::check(&tree));
    findings.extend(generated::check(&repo.root, generated::GENERATED)?);
    let mut count = 0;
    for finding in &findings {
        match finding {
            Finding::Wrong(text) => {
                count += 1;
                print(&format!("tidy: {text}"));
            }
            Finding::Warning(text) => print(&format!("tidy, a warning: {text}")),
        }
    }
    if count > 0 {
        bail!("tidy found {count} thing(s) to change (listed above)");
    }
    print(&format!("tidy: {} files, nothing to change", tree.files.len()));
    Ok(())
}
