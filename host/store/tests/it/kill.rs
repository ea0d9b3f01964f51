//! `kill -9` in the middle of writes: what was acknowledged is there, and opening needs no repair.
//!
//! The test starts its own executable again, as a child that writes and reports each write when it is acknowledged.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use store::{Batch, Expect, Stored, Table};
use tokio::task::JoinSet;

use crate::{Folder, open};

const CHILD: &str = "STORE_TEST_KILL";
const ROUNDS: usize = 20;
/// Writers of the child; more than one, so that kills fall into grouped commits.
const WRITERS: usize = 4;

/// The child: writes until it is killed. Without the variable there is nothing to do.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = open(Path::new(&path));
    assert!(!store.was_repaired());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let mut tasks = JoinSet::<Infallible>::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            tasks.spawn(async move {
                let counter = format!("counter/{writer}");
                let mut last: Option<Stored<u64>> = store.get(Table::Settings, &counter).unwrap();
                loop {
                    let number = last.as_ref().map_or(0, |stored| stored.value + 1);
                    let expect = last.as_ref().map_or(Expect::Absent, |stored| Expect::Revision(stored.revision));
                    let key = format!("{writer}/{number:08}");
                    let revision = store
                        .commit(
                            Batch::new()
                                .put(Table::PluginKv, &key, &"x".repeat(200), Expect::Absent)
                                .unwrap()
                                .put(Table::Settings, &counter, &number, expect)
                                .unwrap(),
                        )
                        .await
                        .map(|()| store.get::<u64>(Table::Settings, &counter).unwrap().unwrap())
                        .unwrap();
                    last = Some(revision);
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {key}").unwrap();
                    out.flush().unwrap();
                }
            });
        }
        // None of them ends by itself: the first one that does has failed.
        let Err(failure) = tasks.join_next().await.unwrap();
        std::panic::resume_unwind(failure.into_panic());
    });
}

#[test]
fn every_acknowledged_write_survives() {
    let folder = Folder::new();
    let path = folder.path("store.redb");
    let mut acknowledged: Vec<String> = Vec::new();
    let mut slowest = std::time::Duration::ZERO;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // Another number each round: the kill should fall into every phase of a commit.
        let mut left = 3 + round * 7;
        let before = acknowledged.len();
        loop {
            let mut line = String::new();
            let count = lines.read_line(&mut line).unwrap();
            // The end, or a line that was cut by the kill.
            if count == 0 || !line.ends_with('\n') {
                break;
            }
            // The first one may follow the test runner's own words on the same line.
            let Some((_, key)) = line.trim_end().rsplit_once("ack ") else { continue };
            acknowledged.push(key.to_owned());
            left = left.saturating_sub(1);
            if left == 0 {
                // SIGKILL. Lines that were written before it are still read and count.
                child.kill().unwrap();
            }
        }
        let signal = child.wait().unwrap().signal();
        assert_eq!(signal, Some(9), "round {round}: the child ended before it was killed");
        assert!(acknowledged.len() > before, "round {round}: the child wrote nothing");

        let opening = Instant::now();
        let store = open(&path);
        slowest = slowest.max(opening.elapsed());
        assert!(!store.was_repaired(), "round {round}: opening had to repair");
        for key in &acknowledged {
            assert!(store.get::<String>(Table::PluginKv, key).unwrap().is_some(), "round {round}: {key} is lost");
        }
        // Both halves of a batch or none.
        for writer in 0..WRITERS {
            let rows = store.scan::<String>(Table::PluginKv, &format!("{writer}/"), None, usize::MAX).unwrap();
            let counter: Option<Stored<u64>> = store.get(Table::Settings, &format!("counter/{writer}")).unwrap();
            assert_eq!(rows.len() as u64, counter.map_or(0, |stored| stored.value + 1), "round {round}: half a batch");
        }
    }
    println!("{} acknowledged writes, slowest opening {slowest:?}", acknowledged.len());
}
