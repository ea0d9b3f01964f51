//! The files of the clone that git knows or would add, with their texts.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::repo::program;

/// A file: its path from the root with `/`, and its text when it is UTF-8.
#[derive(Debug, Clone)]
pub struct File {
    /// `host/model/src/lib.rs`.
    pub path: String,
    /// Nothing for a picture or a component.
    pub text: Option<String>,
}

/// All files.
#[derive(Debug, Default)]
pub struct Tree {
    /// Sorted by path.
    pub files: Vec<File>,
}

impl Tree {
    /// Asks git, so that what is ignored is not looked at.
    pub fn read(root: &Path) -> Result<Tree> {
        let mut command = program("git", root);
        // A clone that belongs to somebody else is read all the same.
        command.arg("-c").arg(format!("safe.directory={}", root.display()));
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let output = command.output().context("run git ls-files")?;
        if !output.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut files = Vec::new();
        for path in String::from_utf8_lossy(&output.stdout).split('\0').filter(|path| !path.is_empty()) {
            // A file that was deleted but is still in the index is not there to be checked.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Tree { files })
    }

    /// A tree for tests.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: Some((*text).to_owned()) };
        Tree { files: files.iter().map(file).collect() }
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }
}

impl File {
    /// `rs` of `a/b.rs`.
    pub fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// `b.rs` of `a/b.rs`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Made by a program or recorded from elsewhere: not for people to shape.
    pub fn is_made(&self) -> bool {
        let folder = |name: &str| self.path.split('/').any(|part| part == name);
        ["generated", "fixtures", "dumps", "recorded"].into_iter().any(folder)
            || self.name().contains(".gen.")
            || self.name().contains(".generated.")
            || self.text.as_deref().is_some_and(|text| text.lines().take(3).any(|line| line.contains("@generated")))
    }
}
