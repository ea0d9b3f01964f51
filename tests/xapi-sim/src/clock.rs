//! Dates as XAPI writes them.

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

/// Returns the time now, as `20260822T10:00:00Z`.
pub fn now() -> String {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    strtime::format("%Y%m%dT%H:%M:%SZ", &now).expect("the format is valid")
}

/// Returns the UNIX time with a fraction, as event.next writes it.
pub fn unix() -> String {
    let now = Timestamp::now().as_millisecond();
    format!("{}.{:03}", now / 1000, now % 1000)
}
