//! Measures a build: `bench smoke` tells in one run what the project promises about start, memory, plugins and events.
//!
//! A bench reports; it does not judge. It ends with an error only when it cannot measure.

mod events;
mod fleet;
mod life;
mod measure;
mod places;
mod plugins;
mod report;
mod smoke;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::places::Places;

const HELP: &str = "\
Usage: bench <name>

  smoke            start, resident memory, plugin calls, changes on their way to a client
  fleet            whole fleets beside a bare socket and today's server, three runs
  fleet --quick    the medium fleet, one short run
  fleet --large    the large fleet, one short run
  fleet --growth   how costs grow from 1,000 to 100,000 VMs, one run

Writes bench/<name>.json below the target folder; `cargo xtask bench <name>` builds a release and runs this.
Environment: CARGO_TARGET_DIR (where to write), XYLEM_BIN (the daemon), XYLEM_PLUGINS (folder with plugins),
XYLEM_RESULTS (a page for the repository, written by a full run of a release build).
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    let report = match words {
        [] | ["--help" | "-h"] => {
            print!("{HELP}");
            return Ok(());
        }
        [fleet::YARDSTICK, request, answer] => {
            let size = |word: &str| word.parse().with_context(|| format!("{word} is no number of bytes"));
            return fleet::yardstick(size(request)?, size(answer)?);
        }
        ["smoke"] => smoke::run(&Places::find()?)?,
        ["fleet"] => fleet::run(&Places::find()?, fleet::Extent::FULL)?,
        ["fleet", "--quick"] => fleet::run(&Places::find()?, fleet::Extent::QUICK)?,
        ["fleet", "--large"] => fleet::run(&Places::find()?, fleet::Extent::LARGE)?,
        ["fleet", "--growth"] => fleet::run(&Places::find()?, fleet::Extent::GROWTH)?,
        _ => bail!("there is no bench {:?}\n\n{HELP}", words.join(" ")),
    };
    print!("{}", report.table());
    let file = report.write(&Places::target()?)?;
    println!("\nwritten to {}", file.display());
    if let Some(page) = std::env::var_os("XYLEM_RESULTS").filter(|_| words == ["fleet"] && report::RELEASE) {
        std::fs::write(&page, report.page()).with_context(|| format!("write {}", page.display()))?;
        println!("and to {}", page.display());
    }
    Ok(())
}
