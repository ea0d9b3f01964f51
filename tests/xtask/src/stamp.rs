//! Remembers what a step was last done for, so that it is skipped while nothing changed.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Hashes names and contents of files and folders (folders whole, without `skip` names in them). Not for security: a
/// change of the hash, as a new Rust may bring, only costs one more run of the step.
pub fn hash(paths: &[PathBuf], skip: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, skip, &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        let name = file.to_string_lossy().into_owned();
        for part in [name.as_bytes(), &content] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, skip: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        if path.is_file() {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(|| format!("list {}", path.display()))? {
        let entry = entry?;
        if !skip.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), skip, files)?;
        }
    }
    Ok(())
}

/// Says whether the step that keeps `stamp` was last done for `hash`.
pub fn fresh(stamp: &Path, hash: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|text| text.trim() == hash)
}

/// Notes that the step was done for `hash`.
pub fn set(stamp: &Path, hash: &str) -> Result<()> {
    std::fs::write(stamp, format!("{hash}\n")).with_context(|| format!("write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_follows_names_and_contents_but_not_what_is_skipped() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("src/dist")).expect("make");
        std::fs::write(folder.join("src/a.ts"), "1").expect("write");
        let now = || hash(std::slice::from_ref(&folder), &["dist"]).expect("hash");
        let first = now();
        std::fs::write(folder.join("src/dist/out.js"), "built").expect("write");
        assert_eq!(now(), first);
        std::fs::write(folder.join("src/a.ts"), "2").expect("write");
        let second = now();
        assert_ne!(second, first);
        std::fs::rename(folder.join("src/a.ts"), folder.join("src/b.ts")).expect("rename");
        assert_ne!(now(), second);
        let stamp = folder.join("stamp");
        assert!(!fresh(&stamp, &first));
        set(&stamp, &first).expect("set");
        assert!(fresh(&stamp, &first) && !fresh(&stamp, &second));
        std::fs::remove_dir_all(&folder).expect("remove");
    }
}
