//! Dates as XAPI writes them, by the clock of the simulated host: it may go wrong.

use std::future::Future;

use jiff::{SignedDuration, Timestamp, fmt::strtime, tz::TimeZone};

tokio::task_local! {
    /// Seconds the clock of the host that works here is ahead.
    static SKEW: i64;
}

/// Runs work on a host whose clock is this many seconds ahead.
pub async fn skewed<T>(seconds: i64, work: impl Future<Output = T>) -> T {
    SKEW.scope(seconds, work).await
}

fn instant() -> Timestamp {
    let skew = SKEW.try_with(|s| *s).unwrap_or(0);
    Timestamp::now().checked_add(SignedDuration::from_secs(skew)).unwrap_or(Timestamp::MAX)
}

/// Returns the time now, as `20260822T10:00:00Z`.
pub fn now() -> String {
    date(instant().as_second())
}

/// Returns a UNIX time as `20260822T10:00:00Z`.
pub fn date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    strtime::format("%Y%m%dT%H:%M:%SZ", &time).expect("the format is valid")
}

/// Reads what `date` writes.
pub fn seconds_of(date: &str) -> Option<i64> {
    let read = strtime::parse("%Y%m%dT%H:%M:%SZ", date).ok()?;
    Some(read.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Returns the UNIX time in seconds.
pub fn seconds() -> i64 {
    instant().as_second()
}

/// Returns the UNIX time with a fraction, as event.next writes it.
pub fn unix() -> String {
    let now = instant().as_millisecond();
    format!("{}.{:03}", now / 1000, now % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for (seconds, text) in [(0, "19700101T00:00:00Z"), (1_787_306_400, "20260821T10:00:00Z")] {
            assert_eq!(date(seconds), text);
            assert_eq!(seconds_of(text), Some(seconds));
        }
        assert_eq!(seconds_of("never"), None);
    }

    #[tokio::test]
    async fn a_clock_can_be_ahead() {
        let ahead = skewed(3600, async { seconds() }).await;
        assert!((3599..=3601).contains(&(ahead - seconds())));
    }
}
