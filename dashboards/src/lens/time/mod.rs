//! Moments, time ranges and the date math that boards are saved with.

pub(crate) mod interval;

use std::error::Error;
use std::fmt;

use crate::date::{civil, days};
use crate::lens::time::interval::{Interval, Unit};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

const DAY: i64 = 86_400_000;
/// 0000-01-01, what an engine still reads as a four-digit year.
pub(crate) const FIRST: Millis = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
pub(crate) const LAST: Millis = 253_402_300_799_999;

/// A span of time, both ends included; `from <= to` and both within the years 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    from: Millis,
    to: Millis,
}

impl TimeRange {
    /// The range between two moments, given in any order.
    pub fn between(one: Millis, other: Millis) -> Self {
        let (one, other) = (one.clamp(FIRST, LAST), other.clamp(FIRST, LAST));
        Self { from: one.min(other), to: one.max(other) }
    }

    /// Reads the ends as a board states them: `now`, `now-15m`, `now/d`, `now-1w/w`, `2026-11-24`, `2026-11-24T10:00:00.000Z`.
    ///
    /// A rounded `to` is the last millisecond of its unit. Rounding is in UTC, weeks begin on Monday.
    pub fn parse(from: &str, to: &str, now: Millis) -> Result<Self, TimeError> {
        Ok(Self::between(resolve(from, now, Rounding::Down)?, resolve(to, now, Rounding::Up)?))
    }

    /// First moment.
    pub fn from(&self) -> Millis {
        self.from
    }

    /// Last moment.
    pub fn to(&self) -> Millis {
        self.to
    }

    /// Milliseconds between the ends.
    pub fn length(&self) -> i64 {
        self.to - self.from
    }

    /// The same range, `by` milliseconds earlier.
    pub(crate) fn earlier(&self, by: i64) -> Self {
        Self::between(self.from.saturating_sub(by), self.to.saturating_sub(by))
    }

    /// How many milliseconds of the range lie in `start..end`.
    pub(crate) fn overlap(&self, start: Millis, end: Millis) -> i64 {
        end.min(self.to) - start.max(self.from)
    }
}

/// A moment that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError {
    text: String,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no moment; write `now`, `now-15m`, `now/d` or `2026-11-24T10:00:00.000Z`",
            self.text
        )
    }
}

impl Error for TimeError {}

/// RFC 3339 in UTC with milliseconds, the form that requests carry.
pub fn iso(moment: Millis) -> String {
    let moment = moment.clamp(FIRST, LAST);
    let (year, month, day) = civil(moment.div_euclid(DAY));
    let rest = moment.rem_euclid(DAY);
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[derive(Clone, Copy, PartialEq)]
enum Rounding {
    Down,
    Up,
}

fn resolve(text: &str, now: Millis, rounding: Rounding) -> Result<Millis, TimeError> {
    let moment = match text.strip_prefix("now") {
        Some(math) => calculate(math, now, rounding),
        None => instant(text),
    };
    moment.ok_or_else(|| TimeError { text: text.to_owned() })
}

/// Applies `-15m`, `+1h`, `/d` in the order written.
fn calculate(mut math: &str, now: Millis, rounding: Rounding) -> Option<Millis> {
    let mut moment = now.clamp(FIRST, LAST);
    while let Some(operator) = math.chars().next() {
        let end = math[1..].find(['+', '-', '/']).map_or(math.len(), |at| at + 1);
        let operand = &math[1..end];
        moment = match operator {
            '/' => round(moment, Unit::parse(operand)?, rounding),
            '+' => Interval::parse(operand)?.after(moment),
            '-' => Interval::parse(operand)?.before(moment),
            _ => return None,
        };
        moment = moment.clamp(FIRST, LAST);
        math = &math[end..];
    }
    Some(moment)
}

fn round(moment: Millis, unit: Unit, rounding: Rounding) -> Millis {
    let start = unit.start(moment);
    match rounding {
        Rounding::Down => start,
        Rounding::Up => Interval::one(unit).after(start) - 1,
    }
}

/// An ISO 8601 date, with or without a time, in UTC or with an offset.
fn instant(text: &str) -> Option<Millis> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let days = days(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    if time.is_empty() {
        return text.len().eq(&date.len()).then_some(days * DAY);
    }
    let (clock, offset) = offset(time)?;
    Some(days * DAY + clock_millis(clock)? - offset)
}

fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (hour, minute) = time[at + 1..].split_once(':')?;
    let millis = (digits(hour, 2)? * 60 + digits(minute, 2)?) * 60_000;
    Some((&time[..at], if time[at..].starts_with('-') { -millis } else { millis }))
}

fn clock_millis(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |text| digits(text, 2))?;
    let fraction = fraction.get(..fraction.len().min(3))?;
    let milli = digits(fraction, fraction.len())? * 10_i64.pow(3 - u32::try_from(fraction.len()).ok()?);
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T13:45:30.250Z, a Tuesday.
    const NOW: Millis = 1_795_527_930_250;

    fn range(from: &str, to: &str) -> (String, String) {
        let range = TimeRange::parse(from, to, NOW).unwrap_or_else(|error| panic!("{error}"));
        (iso(range.from()), iso(range.to()))
    }

    #[test]
    fn date_math_is_read_as_kibana_reads_it() {
        let table = [
            ("now-15m", "now", "2026-11-24T13:30:30.250Z", "2026-11-24T13:45:30.250Z"),
            ("now/d", "now/d", "2026-11-24T00:00:00.000Z", "2026-11-24T23:59:59.999Z"),
            ("now-1w/w", "now-1w/w", "2026-11-16T00:00:00.000Z", "2026-11-22T23:59:59.999Z"),
            ("now/M", "now+1M/M", "2026-11-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"),
            ("now/y", "now/y", "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"),
            ("2026-11-24", "2026-11-24T10:00:00.5Z", "2026-11-24T00:00:00.000Z", "2026-11-24T10:00:00.500Z"),
            ("2026-11-24T10:00:00+02:00", "now", "2026-11-24T08:00:00.000Z", "2026-11-24T13:45:30.250Z"),
            ("now", "now-1h", "2026-11-24T12:45:30.250Z", "2026-11-24T13:45:30.250Z"),
        ];
        for (from, to, first, last) in table {
            assert_eq!(range(from, to), (first.to_owned(), last.to_owned()), "{from} to {to}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_with_its_text() {
        for text in [
            "",
            "yesterday",
            "now-",
            "now-15",
            "now*2",
            "2026-13-01",
            "2026-02-30",
            "2026-11-24T25:00:00Z",
            "now-15µ",
            "2026-11-24T",
        ] {
            let error = TimeRange::parse(text, "now", NOW).expect_err(text);
            assert!(error.to_string().starts_with(&format!("`{text}` is no moment")), "{error}");
        }
    }

    #[test]
    fn ranges_stay_within_the_years_an_engine_reads() {
        let range = TimeRange::between(Millis::MIN, Millis::MAX);
        assert_eq!(
            (iso(range.from()), iso(range.to())),
            ("0000-01-01T00:00:00.000Z".into(), "9999-12-31T23:59:59.999Z".into())
        );
    }
}
