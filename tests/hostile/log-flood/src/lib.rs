//! Writes 100,000 lines to the log during a sign-in, half of them by the log interface and half to standard output, then says
//! that it does not know the person. Lines over the rate are dropped and counted; nobody else's call gets slower.

use hostile::xylem_sdk::log;

const LINES: u32 = 50_000;

hostile::hostile_sign_in!("log-flood", "Floods the log during a sign-in.", |_username| {
    let text = "the quick brown fox jumps over the lazy dog; ".repeat(4);
    for line in 0..LINES {
        log::write(log::Level::Error, &text, &[("line".to_owned(), line.to_string())]);
    }
    for line in 0..LINES {
        println!("{line} {text}");
    }
    Ok(hostile::Verdict::Unknown)
});
