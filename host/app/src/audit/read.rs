//! Reading the log, and checking that it is what was written.

use serde::Serialize;
use store::{Store, Table};
use wire::Failure;

use super::chain::{self, Entry, PREFIX, anchor, key, members, place_of};
use super::{NO_RECORD, Record, hash};
use crate::ctx::Ctx;
use crate::error::Result;

/// Records read at once.
const PAGE: usize = 500;

/// Records in one answer.
const MAX_RECORDS: usize = 10_000;

/// Some records, newest first.
#[derive(Debug, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; none when there are no more.
    pub next: Option<u64>,
}

/// Returns the next records of the log, newest first, from where the last page said.
pub fn page(ctx: &Ctx, from: Option<u64>) -> Result<Page> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(read(&ctx.app.store, from, PAGE)?)
}

fn read(store: &Store, before: Option<u64>, limit: usize) -> Result<Page, store::Error> {
    let before = before.map(key);
    let found = store.scan_back::<Entry>(Table::Audit, PREFIX, before.as_deref(), limit)?;
    let next = found.last().filter(|_| found.len() == limit).map(|(key, _)| place_of(key));
    Ok(Page { records: found.into_iter().map(|(_, stored)| stored.value.record).collect(), next })
}

/// Returns records that are meant, newest first, beginning with the one of this id.
pub async fn records(
    ctx: &Ctx,
    id: Option<&str>,
    limit: Option<usize>,
    is_meant: impl Fn(&Record) -> bool + Send + 'static,
) -> Result<Vec<Record>> {
    let _admin = access::admin(&ctx.caller)?;
    let (store, id) = (ctx.app.store.clone(), id.map(str::to_owned));
    let limit = limit.unwrap_or(MAX_RECORDS).min(MAX_RECORDS);
    // The one of that id may be at the far end of the log.
    let find = move || records_from(&store, id.as_deref(), limit, is_meant);
    tokio::task::spawn_blocking(find).await.map_err(|error| crate::Error::internal(&error))?
}

fn records_from(
    store: &Store,
    id: Option<&str>,
    limit: usize,
    is_meant: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>> {
    let (mut records, mut before, mut has_begun) = (Vec::new(), None, id.is_none());
    loop {
        let page = read(store, before, PAGE)?;
        for record in page.records {
            has_begun |= id == Some(record.id.as_str());
            if has_begun && records.len() < limit && is_meant(&record) {
                records.push(record);
            }
        }
        match page.next.filter(|_| records.len() < limit) {
            Some(next) => before = Some(next),
            None if has_begun => return Ok(records),
            None => return Err(Failure::no_such(id.unwrap_or_default(), "audit record").into()),
        }
    }
}

/// Checks the log from the newest record (or the one of this id) down to the oldest (or behind the one of this id), and returns
/// how many records are as they were written.
pub async fn check_integrity(ctx: &Ctx, newest: Option<&str>, oldest: Option<&str>) -> Result<u64> {
    let _admin = access::admin(&ctx.caller)?;
    let (store, newest, oldest) = (ctx.app.store.clone(), newest.map(str::to_owned), oldest.map(str::to_owned));
    let check = move || check(&store, newest.as_deref(), oldest.as_deref());
    tokio::task::spawn_blocking(check).await.map_err(|error| crate::Error::internal(&error))?
}

/// Walks down and returns how many are fine. When the old end was shortened meanwhile, it walks again.
fn check(store: &Store, newest: Option<&str>, oldest: Option<&str>) -> Result<u64> {
    loop {
        let start = anchor(store)?;
        let outcome = walk(store, &start.id, newest, oldest.filter(|id| *id != NO_RECORD));
        if outcome.is_ok() || anchor(store)? == start {
            return outcome;
        }
    }
}

fn walk(store: &Store, start: &str, newest: Option<&str>, last: Option<&str>) -> Result<u64> {
    let (mut before, mut wanted, mut valid) = (None, newest.map(str::to_owned), 0);
    let mut place = None;
    loop {
        let before_key = before.map(key);
        let found = store.scan_back::<Entry>(Table::Audit, PREFIX, before_key.as_deref(), PAGE)?;
        before = found.last().map(|(key, _)| place_of(key));
        for (key, stored) in &found {
            let record = &stored.value.record;
            match &wanted {
                // The newest that is meant may stand further down.
                Some(id) if valid == 0 && *id != record.id && newest.is_some() => continue,
                Some(id) if *id != record.id => return Err(missing(id, valid)),
                _ => {}
            }
            // What follows one another in the log has places that do.
            if place.is_some_and(|place| place_of(key) + 1 != place) {
                return Err(missing(wanted.as_deref().unwrap_or_default(), valid));
            }
            if hash::id_of(&members(record)) != record.id {
                let (id, n_valid) = (record.id.clone(), valid);
                return Err(Failure::AlteredAuditRecord { id, record: serde_json::json!(record), n_valid }.into());
            }
            valid += 1;
            place = Some(place_of(key));
            if last == Some(record.id.as_str()) {
                return Ok(valid);
            }
            wanted = Some(record.previous_id.clone());
        }
        if found.len() < PAGE {
            break;
        }
    }
    let reached = wanted.as_deref().unwrap_or(start);
    // What was too old is gone, and the log says so itself.
    if reached != start || newest.is_some() && valid == 0 {
        return Err(missing(reached, valid));
    }
    if let Some(last) = last.filter(|last| *last != start) {
        return Err(missing(last, valid));
    }
    Ok(valid)
}

fn missing(id: &str, n_valid: u64) -> crate::Error {
    Failure::MissingAuditRecord { id: id.to_owned(), n_valid }.into()
}

/// What to keep elsewhere: who has it notices when the end of the log is cut off.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Both ends in one text.
    pub fingerprint: String,
    /// The newest record.
    pub newest: String,
    /// What stands before the oldest.
    pub oldest: String,
    /// How many records are as they were written.
    pub n_valid: u64,
    /// What is wrong, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Returns the fingerprint of the log.
pub async fn fingerprint(ctx: &Ctx) -> Result<Fingerprint> {
    let _admin = access::admin(&ctx.caller)?;
    let store = ctx.app.store.clone();
    let check = move || {
        let (newest, oldest) = (chain::end(&store)?.id, anchor(&store)?.id);
        Ok::<_, store::Error>((
            check(&store, Some(&newest).filter(|id| **id != oldest).map(String::as_str), None),
            newest,
            oldest,
        ))
    };
    let checked = tokio::task::spawn_blocking(check).await.map_err(|error| crate::Error::internal(&error))?;
    let (outcome, newest, oldest) = checked?;
    let (n_valid, error) = match &outcome {
        Ok(valid) => (*valid, None),
        Err(error) => {
            let valid = match &error.failure {
                Failure::MissingAuditRecord { n_valid, .. } | Failure::AlteredAuditRecord { n_valid, .. } => *n_valid,
                _ => 0,
            };
            (valid, Some(error.to_string()))
        }
    };
    Ok(Fingerprint { fingerprint: format!("{oldest}|{newest}"), newest, oldest, n_valid, error })
}

#[cfg(test)]
mod tests;
