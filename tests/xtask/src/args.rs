//! The command line, by hand: a parser crate would cost more than all of xtask.

use crate::test;
use crate::up;

/// What `--help` prints.
pub const USAGE: &str = "\
cargo xtask <task>

  up [--no-demo] [--port N] [--release]
                    build what is missing and start the daemon with two recorded pools; Ctrl-C stops all
                    --no-demo: the daemon alone, for real pools; its files are in .xylem/own
  test [--long] [--only STAGE,...] [FILTER]
                    set up what tests need and run all tests; stages: rust, doc, guests, web, browser, fuzz
                    --long: matrices in full, and each fuzz target for three minutes
  ci                tidy, format, clippy, deny, then test: what every change has to pass
  tidy              the rules of the house: floors, module docs, stray files, lock files
  codegen           write the files that are made from the operation table
  deny              licences, forbidden crates, sources
  bench [WORDS]     measure a release build (smoke without words)
  plugins           build plugins and hostile plugins, print their folders
  web               build the web client

Logs of quiet steps: .xylem/log for up, log/ in the target folder for the others.
";

/// A task with its options.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Print the usage.
    Help,
    /// See [`up`].
    Up(up::Options),
    /// See [`test`].
    Test(test::Options),
    /// See [`crate::ci`].
    Ci,
    /// See [`crate::tidy`].
    Tidy,
    /// See [`crate::tidy::codegen`].
    Codegen,
    /// See [`crate::ci::deny`].
    Deny,
    /// See [`crate::bench`].
    Bench(Vec<String>),
    /// See [`crate::plugins`].
    Plugins,
    /// See [`crate::setup::web`].
    Web,
    /// Shell commands to keep, for tests of the keeping.
    Supervise(Vec<String>),
}

/// Reads the words after `cargo xtask`.
///
/// # Errors
/// A sentence that says which word is wrong.
pub fn parse(words: &[String]) -> Result<Task, String> {
    let Some((task, rest)) = words.split_first() else { return Ok(Task::Help) };
    if task != "supervise" && task != "bench" && rest.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Task::Help);
    }
    let plain = |task: Task| match rest.first() {
        Some(word) => Err(format!("unexpected {word:?}")),
        None => Ok(task),
    };
    match task.as_str() {
        "up" => up(rest).map(Task::Up),
        "test" => test(rest).map(Task::Test),
        "ci" => plain(Task::Ci),
        "tidy" => plain(Task::Tidy),
        "codegen" => plain(Task::Codegen),
        "deny" => plain(Task::Deny),
        "plugins" => plain(Task::Plugins),
        "web" => plain(Task::Web),
        "bench" => Ok(Task::Bench(rest.to_vec())),
        "supervise" => Ok(Task::Supervise(rest.to_vec())),
        "help" | "--help" | "-h" => Ok(Task::Help),
        other => Err(format!("there is no task {other:?}")),
    }
}

fn up(words: &[String]) -> Result<up::Options, String> {
    let mut options = up::Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value))) {
            ("--no-demo", None) => options.no_demo = true,
            ("--release", None) => options.release = true,
            ("--port", value) => {
                let text = value.or_else(|| words.next().map(String::as_str)).unwrap_or_default();
                let port = text.parse().ok().filter(|&port: &u16| port != 0);
                options.port =
                    Some(port.ok_or_else(|| format!("--port wants a number from 1 to 65535, not {text:?}"))?);
            }
            _ => return Err(format!("unexpected {word:?}")),
        }
    }
    Ok(options)
}

fn test(words: &[String]) -> Result<test::Options, String> {
    let mut options = test::Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--long" => options.long = true,
            "--only" => {
                let list = words.next().map(String::as_str).unwrap_or_default();
                options.only = list.split(',').map(str::to_owned).collect();
                if let Some(wrong) = options.only.iter().find(|name| !test::STAGES.contains(&name.as_str())) {
                    return Err(format!("--only wants some of {}, not {wrong:?}", test::STAGES.join(",")));
                }
            }
            flag if flag.starts_with('-') => return Err(format!("unexpected {flag:?}")),
            filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
            extra => return Err(format!("one filter is enough, and {extra:?} is a second one")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn good_lines_are_understood() {
        let up = |no_demo, port, release| Task::Up(up::Options { no_demo, port, release });
        let test = |long, filter: Option<&str>, only: &[&str]| {
            let only = only.iter().map(|name| (*name).to_owned()).collect();
            Task::Test(test::Options { long, filter: filter.map(str::to_owned), only })
        };
        for (line, task) in [
            ("", Task::Help),
            ("up --help", Task::Help),
            ("up", up(false, None, false)),
            ("up --port 8080 --no-demo", up(true, Some(8080), false)),
            ("up --port=1 --release", up(false, Some(1), true)),
            ("test", test(false, None, &[])),
            ("test --long vm_start", test(true, Some("vm_start"), &[])),
            ("test --only rust,browser", test(false, None, &["rust", "browser"])),
            ("bench smoke --json", Task::Bench(vec!["smoke".into(), "--json".into()])),
            ("ci", Task::Ci),
        ] {
            assert_eq!(read(line), Ok(task), "{line}");
        }
    }

    #[test]
    fn bad_lines_are_refused_with_the_word_that_is_wrong() {
        for (line, word) in [
            ("dance", "dance"),
            ("up --demo", "--demo"),
            ("up --port", "65535"),
            ("up --port 0", "\"0\""),
            ("ci now", "now"),
            ("test --only rust,rest", "rest"),
            ("test a b", "\"b\""),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(word), "{line}: {error}");
        }
    }
}
