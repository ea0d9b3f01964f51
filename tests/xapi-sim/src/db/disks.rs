//! What is on the disks of the database.

use super::Db;
use crate::{content::Content, model::NULL};

impl Db {
    /// Returns what is on a disk. Those that were there from the start hold something, new ones are empty.
    pub fn content(&self, disk: &str) -> Content {
        if let Some(content) = self.contents.get(disk) {
            return content.clone();
        }
        match self.text("VDI", disk, "snapshot_of") {
            "" | NULL => {
                let row = self.tables.get("VDI").and_then(|t| t.rows.get(disk));
                let old = row.is_some_and(|r| r.created <= self.loaded);
                if old { Content::made_up(self.text("VDI", disk, "uuid")) } else { Content::default() }
            }
            original => self.content(original),
        }
    }

    /// Changes what is on a disk; its snapshots stay as they are.
    pub fn write_content(&mut self, disk: &str, change: impl FnOnce(&mut Content)) {
        for snapshot in self.list("VDI", disk, "snapshots") {
            if !self.contents.contains_key(&snapshot) {
                let now = self.content(&snapshot);
                self.contents.insert(snapshot, now);
            }
        }
        let mut content = self.content(disk);
        change(&mut content);
        self.contents.insert(disk.to_owned(), content);
    }

    /// Says what is on a disk.
    pub fn set_content(&mut self, disk: &str, content: Content) {
        self.contents.insert(disk.to_owned(), content);
    }

    /// Gives a disk what is on another.
    pub fn copy_content(&mut self, from: &str, to: &str) {
        let content = self.content(from);
        self.contents.insert(to.to_owned(), content);
    }
}
