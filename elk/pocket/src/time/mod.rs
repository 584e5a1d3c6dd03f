//! Points in time: parsing, printing, date math and calendars. Everything counts nanoseconds or milliseconds since the
//! epoch in `i64`; only [`now_millis`] asks the machine.

pub mod calendar;

pub mod format;

pub mod math;

pub use dashboards::date::{civil as civil_from_days, days as days_from_civil};

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch by the wall clock of this machine.
pub fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Milliseconds of a length of time like `500ms`, `30s`, `7d`; `None` for what is none, or not above zero.
pub fn duration_millis(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.checked_mul(unit).filter(|millis| *millis > 0)
}

/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;
