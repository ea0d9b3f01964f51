//! Where results go: standard output, which may be a pipe that closes, or a file; and how long work shows itself.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Response, header};
use serde_json::Value;

/// What takes less shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a bar moves when nothing else moves it.
const TICK: Duration = Duration::from_millis(150);

/// Writes to standard output. Its errors are bare, so that `main` knows a closed pipe.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes a result: texts as they are unless JSON is wanted, everything else as indented JSON.
pub(crate) fn result(value: &Value, json: bool) -> Result<()> {
    let mut text = match value {
        Value::String(text) if !json => text.clone(),
        other => serde_json::to_string_pretty(other).context("write JSON")?,
    };
    text.push('\n');
    write(text.as_bytes())
}

/// Waits for something, and shows that it does when it takes long.
pub(crate) async fn waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let bar = spinner(what);
    let done = work.await;
    bar.finish_and_clear();
    done
}

/// A line that turns, with the time so far. Bars hide themselves where standard error is no terminal.
fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar.enable_steady_tick(TICK);
    bar
}

/// A bar from 0 to 100 per cent.
pub(crate) fn percent(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(100).with_message(what.to_owned());
    bar.set_style(style("{msg} [{bar:30}] {pos}% {elapsed}"));
    bar.enable_steady_tick(TICK);
    bar
}

/// A bar of bytes, with an end when the length is known.
fn bytes(what: &str, length: Option<u64>) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::no_length(),
    };
    bar.set_style(style(match length {
        Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {msg} {bytes} {bytes_per_sec}",
    }));
    bar.with_message(what.to_owned())
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes the body of an answer to a file, into a folder when the name ends in a slash, or to standard output for `-`.
pub(crate) async fn save(response: Response, to: &str) -> Result<()> {
    if to == "-" {
        return copy(response, &mut std::io::stdout().lock(), ProgressBar::hidden()).await;
    }
    let path = if to.ends_with('/') || Path::new(to).is_dir() {
        Path::new(to).join(name_of(&response))
    } else {
        PathBuf::from(to)
    };
    let doing = || format!("write {}", path.display());
    if let Some(folder) = path.parent().filter(|folder| to.ends_with('/') && !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(doing)?;
    }
    // A device or a pipe is written as it is; of a file there is all or nothing.
    if path.exists() && !path.is_file() {
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).with_context(doing)?;
        return copy(response, &mut file, ProgressBar::hidden()).await;
    }
    let part = PathBuf::from(format!("{}.part", path.display()));
    let mut file = std::fs::File::create(&part).with_context(doing)?;
    let bar = bytes(&path.display().to_string(), response.content_length());
    let copied = copy(response, &mut file, bar).await;
    let placed = copied.and_then(|()| std::fs::rename(&part, &path).with_context(doing));
    if placed.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    placed
}

async fn copy(response: Response, out: &mut impl Write, bar: ProgressBar) -> Result<()> {
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.context("the answer broke off")?;
        out.write_all(&piece)?;
        bar.inc(piece.len() as u64);
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

/// The name that the server gives, else the end of the address; never a path.
fn name_of(response: &Response) -> String {
    let given = response.headers().get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once("filename=")).map(|(_, name)| {
        let name = name.split(';').next().unwrap_or_default();
        name.trim().trim_matches('"').to_owned()
    });
    let last = response.url().path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let name = given.or_else(|| last.map(str::to_owned)).unwrap_or_default();
    let name = Path::new(&name).file_name().and_then(|name| name.to_str()).unwrap_or("answer");
    name.to_owned()
}

/// Refuses to fill a terminal with what is no text.
pub(crate) fn not_for_a_terminal() -> Result<()> {
    if std::io::stdout().is_terminal() {
        bail!("the answer is no text: give --output <file>, or --output <folder>/");
    }
    Ok(())
}
