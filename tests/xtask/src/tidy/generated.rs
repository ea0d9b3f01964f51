//! Files that a program writes and git keeps must be what the program writes today.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Finding, wrong};
use crate::repo::program;

/// A file and the command that prints what should be in it.
pub(super) struct Generated {
    /// From the root of the clone.
    pub file: &'static str,
    /// Program and arguments; runs in the root, prints the file on standard output, and should take seconds.
    pub command: &'static [&'static str],
}

/// All such files: add a line here when a generated file is committed.
pub(super) const GENERATED: &[Generated] = &[
    Generated {
        file: "web/src/api/params.gen.ts",
        command: &["cargo", "run", "--quiet", "--package", "wire", "--example", "typescript"],
    },
    Generated {
        file: "web/src/api/actions.gen.ts",
        command: &["cargo", "run", "--quiet", "--package", "access", "--example", "actions"],
    },
];

/// Writes all of them anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    for each in GENERATED {
        let (name, words) = each.command.split_first().context("a generator has a name")?;
        let output = program(name, root).args(words).output().with_context(|| format!("run {:?}", each.command))?;
        anyhow::ensure!(output.status.success(), "{}: {}", each.file, String::from_utf8_lossy(&output.stderr).trim());
        std::fs::write(root.join(each.file), output.stdout).with_context(|| format!("write {}", each.file))?;
    }
    Ok(())
}

pub(super) fn check(root: &Path, list: &[Generated]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for each in list {
        let (name, words) = each.command.split_first().context("a generator has a name")?;
        let shown = each.command.join(" ");
        let output = program(name, root).args(words).output().with_context(|| format!("run `{shown}`"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            findings.push(wrong(format!("`{shown}`, which makes {}, failed: {}", each.file, words.trim())));
        } else if std::fs::read(root.join(each.file)).ok() != Some(output.stdout) {
            findings.push(wrong(format!("{} is stale. Run `cargo xtask codegen` and commit it.", each.file)));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_missing_and_broken_are_told_apart() {
        let root = std::env::temp_dir().join(format!("xtask-generated-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("make");
        std::fs::write(root.join("good"), "one\n").expect("write");
        std::fs::write(root.join("stale"), "two\n").expect("write");
        let one = |file, command| Generated { file, command };
        for (generated, wanted) in [
            (one("good", &["echo", "one"]), ""),
            (one("stale", &["echo", "one"]), "stale is stale. Run `cargo xtask codegen`"),
            (one("missing", &["echo", "one"]), "missing is stale"),
            (
                one("good", &["sh", "-c", "echo why >&2; exit 3"]),
                "`sh -c echo why >&2; exit 3`, which makes good, failed: why",
            ),
        ] {
            let found = check(&root, &[generated]).expect("run");
            match wanted {
                "" => assert_eq!(found, []),
                wanted => {
                    assert!(matches!(&found[..], [Finding::Wrong(text)] if text.starts_with(wanted)), "{found:?}")
                }
            }
        }
        std::fs::remove_dir_all(&root).expect("remove");
    }
}
