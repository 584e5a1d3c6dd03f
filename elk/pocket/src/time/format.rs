//! Date formats in Elasticsearch's words: named ones, and the patterns of letters people write (`yyyy-MM-dd HH:mm:ss`).

use super::{NANOS_PER_MILLI, civil_from_days, days_from_civil};
use std::fmt::Write;

/// Alternatives a date may be written in (`a||b`); the first one prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    text: String,
    alternatives: Vec<Style>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Style {
    /// `strict_date_optional_time` and its relatives: a date, optionally a time, optionally an offset.
    Iso {
        fraction: usize,
    },
    EpochMillis,
    EpochSecond,
    Pattern(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Year,
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    Fraction(usize),
    Offset,
    Literal(char),
}

/// Where the fields a date leaves out are put: at their first or their last value (`lte` on a day means its end).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// 00:00:00.000
    First,
    /// 23:59:59.999…
    Last,
}

impl Default for DateFormat {
    /// `strict_date_optional_time||epoch_millis`
    fn default() -> Self {
        Self {
            text: "strict_date_optional_time||epoch_millis".to_owned(),
            alternatives: vec![Style::Iso { fraction: 3 }, Style::EpochMillis],
        }
    }
}

impl DateFormat {
    /// The format of a `date_nanos` field: as the default, printed with nine digits.
    pub fn nanos() -> Self {
        Self {
            text: "strict_date_optional_time_nanos||epoch_millis".to_owned(),
            alternatives: vec![Style::Iso { fraction: 9 }, Style::EpochMillis],
        }
    }

    /// Reads a format; the error is the part that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let alternatives = text.split("||").map(parse_style).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), alternatives })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Nanoseconds since the epoch of `text`; `offset_seconds` holds where the text names no offset itself.
    pub fn read(&self, text: &str, missing: Missing, offset_seconds: i64) -> Option<i64> {
        self.alternatives.iter().find_map(|style| match style {
            Style::Iso { .. } => read_iso(text, missing, offset_seconds),
            Style::EpochMillis => read_epoch(text, NANOS_PER_MILLI),
            Style::EpochSecond => read_epoch(text, 1_000_000_000),
            Style::Pattern(pieces) => read_pattern(pieces, text, offset_seconds),
        })
    }

    /// Whether a bare number is a date in this format, and how many nanoseconds one of it is.
    pub fn number_unit(&self) -> Option<i64> {
        self.alternatives.iter().find_map(|style| match style {
            Style::EpochMillis => Some(NANOS_PER_MILLI),
            Style::EpochSecond => Some(1_000_000_000),
            _ => None,
        })
    }

    /// Prints milliseconds since the epoch, also those beyond what 64 bits of nanoseconds reach: a sum of dates does.
    pub fn print_millis(&self, millis: i64) -> String {
        /// The calendar repeats itself after 400 years.
        const CYCLE: i64 = 146_097 * 86_400_000;
        if let Some(nanos) = millis.checked_mul(NANOS_PER_MILLI) {
            return self.print(nanos, 0);
        }
        if matches!(self.alternatives[0], Style::EpochMillis) {
            return millis.to_string();
        }
        // The half of the cycle after 1970 or the one before it: nanoseconds reach 292 years to both sides.
        let (cycles, rest) = (millis.div_euclid(CYCLE), millis.rem_euclid(CYCLE));
        let (cycles, rest) = if rest > CYCLE / 2 { (cycles + 1, rest - CYCLE) } else { (cycles, rest) };
        let text = self.print(rest * NANOS_PER_MILLI, 0);
        match text.split_once('-').and_then(|(year, rest)| Some((year.parse::<i64>().ok()?, rest))) {
            // As Java's `uuuu` has it: a plus only before more than four digits.
            Some((year, rest)) => match year + cycles * 400 {
                year @ 0..=9999 => format!("{year:04}-{rest}"),
                year => format!("{year:+05}-{rest}"),
            },
            None => text,
        }
    }

    /// Prints nanoseconds since the epoch as seen at an offset from UTC.
    pub fn print(&self, nanos: i64, offset_seconds: i64) -> String {
        match &self.alternatives[0] {
            Style::Iso { fraction } => print_iso(nanos, offset_seconds, *fraction),
            Style::EpochMillis => nanos.div_euclid(NANOS_PER_MILLI).to_string(),
            Style::EpochSecond => nanos.div_euclid(1_000_000_000).to_string(),
            Style::Pattern(pieces) => print_pattern(pieces, nanos, offset_seconds),
        }
    }
}

fn parse_style(name: &str) -> Result<Style, String> {
    match name {
        "strict_date_optional_time"
        | "date_optional_time"
        | "strict_date_time"
        | "date_time"
        | "iso8601"
        | "strict_date" => Ok(Style::Iso { fraction: 3 }),
        "strict_date_optional_time_nanos" => Ok(Style::Iso { fraction: 9 }),
        "date_time_no_millis" | "strict_date_time_no_millis" => Ok(Style::Iso { fraction: 0 }),
        "epoch_millis" => Ok(Style::EpochMillis),
        "epoch_second" => Ok(Style::EpochSecond),
        "date" | "yyyy-MM-dd" => parse_pattern("yyyy-MM-dd"),
        "" => Err(name.to_owned()),
        pattern => parse_pattern(pattern),
    }
}

fn parse_pattern(pattern: &str) -> Result<Style, String> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(letter) = chars.next() {
        if letter == '\'' {
            pieces.extend(chars.by_ref().take_while(|c| *c != '\'').map(Piece::Literal));
            continue;
        }
        if !letter.is_ascii_alphabetic() {
            pieces.push(Piece::Literal(letter));
            continue;
        }
        let mut width = 1;
        while chars.next_if_eq(&letter).is_some() {
            width += 1;
        }
        pieces.push(match letter {
            'y' | 'u' if width >= 4 || width == 1 => Piece::Year,
            'M' if width <= 2 => Piece::Month(width),
            'd' if width <= 2 => Piece::Day(width),
            'H' if width <= 2 => Piece::Hour(width),
            'm' if width <= 2 => Piece::Minute(width),
            's' if width <= 2 => Piece::Second(width),
            'S' if width <= 9 => Piece::Fraction(width),
            'X' | 'Z' | 'z' => Piece::Offset,
            _ => return Err(pattern.to_owned()),
        });
    }
    Ok(Style::Pattern(pieces))
}

/// What a date consists of; absent parts are `None`.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    nanos: Option<i64>,
    offset: Option<i64>,
}

impl Parts {
    fn nanos_since_epoch(&self, missing: Missing, offset_seconds: i64) -> Option<i64> {
        let pick = |value: Option<i64>, first: i64, last: i64| {
            value.unwrap_or(if missing == Missing::First { first } else { last })
        };
        let month = pick(self.month, 1, 12);
        let last_day = days_in_month(self.year, month);
        let day = pick(self.day, 1, last_day);
        let (hour, minute, second) =
            (pick(self.hour, 0, 23), pick(self.minute, 0, 59), pick(self.second, 0, 59));
        let nanos = pick(self.nanos, 0, 999_999_999);
        let in_range = (1..=12).contains(&month)
            && (1..=last_day).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        if !in_range {
            return None;
        }
        let days = days_from_civil(self.year, month, day);
        let seconds =
            days * 86_400 + hour * 3_600 + minute * 60 + second - self.offset.unwrap_or(offset_seconds);
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
}

/// A hand over the text that takes digits and marks off its front.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<(i64, usize)> {
        let count = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let value = self.0[..count].iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
        self.0 = &self.0[count..];
        Some((value, count))
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        self.digits(least, most).map(|(value, _)| value)
    }

    fn take(&mut self, mark: u8) -> bool {
        let found = self.0.first() == Some(&mark);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn fraction(&mut self, most: usize) -> Option<i64> {
        let (value, count) = self.digits(1, most)?;
        Some(value * 10i64.pow(9 - count as u32))
    }

    fn offset(&mut self) -> Option<i64> {
        if self.take(b'Z') || self.take(b'z') {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.number(2, 2)?;
        let colon = self.take(b':');
        let minutes = match self.number(2, 2) {
            Some(minutes) => minutes,
            None if colon => return None,
            None => 0,
        };
        Some(sign * (hours * 3_600 + minutes * 60))
    }
}

fn read_iso(text: &str, missing: Missing, offset_seconds: i64) -> Option<i64> {
    let mut cursor = Cursor(text.as_bytes());
    let mut parts = Parts { year: cursor.number(4, 4)?, ..Parts::default() };
    if cursor.take(b'-') {
        parts.month = Some(cursor.number(2, 2)?);
        if cursor.take(b'-') {
            parts.day = Some(cursor.number(2, 2)?);
        }
    }
    if cursor.take(b'T') && !cursor.0.is_empty() {
        parts.hour = Some(cursor.number(2, 2)?);
        if cursor.take(b':') {
            parts.minute = Some(cursor.number(2, 2)?);
            if cursor.take(b':') {
                parts.second = Some(cursor.number(2, 2)?);
                if cursor.take(b'.') || cursor.take(b',') {
                    parts.nanos = Some(cursor.fraction(9)?);
                }
            }
        }
        parts.offset = if cursor.0.is_empty() { None } else { Some(cursor.offset()?) };
    }
    if !cursor.0.is_empty() {
        return None;
    }
    parts.nanos_since_epoch(missing, offset_seconds)
}

fn read_epoch(text: &str, unit: i64) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(unit);
    }
    let fractional: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some((fractional * unit as f64) as i64)
}

fn read_pattern(pieces: &[Piece], text: &str, offset_seconds: i64) -> Option<i64> {
    let mut cursor = Cursor(text.as_bytes());
    let mut parts = Parts { year: 1970, ..Parts::default() };
    for piece in pieces {
        match piece {
            Piece::Year => parts.year = cursor.number(4, 4)?,
            Piece::Month(width) => parts.month = Some(cursor.number(*width, 2)?),
            Piece::Day(width) => parts.day = Some(cursor.number(*width, 2)?),
            Piece::Hour(width) => parts.hour = Some(cursor.number(*width, 2)?),
            Piece::Minute(width) => parts.minute = Some(cursor.number(*width, 2)?),
            Piece::Second(width) => parts.second = Some(cursor.number(*width, 2)?),
            Piece::Fraction(width) => parts.nanos = Some(cursor.fraction(*width)?),
            Piece::Offset => parts.offset = Some(cursor.offset()?),
            Piece::Literal(letter) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    cursor.take(byte).then_some(())?;
                }
            }
        }
    }
    cursor.0.is_empty().then(|| parts.nanos_since_epoch(Missing::First, offset_seconds)).flatten()
}

/// The clock's reading of a point in time: year, month, day, seconds of the day, nanoseconds.
fn reading(nanos: i64, offset_seconds: i64) -> (i64, i64, i64, i64, i64) {
    let seconds = nanos.div_euclid(1_000_000_000) + offset_seconds;
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    (year, month, day, seconds.rem_euclid(86_400), nanos.rem_euclid(1_000_000_000))
}

fn print_iso(nanos: i64, offset_seconds: i64, fraction: usize) -> String {
    let (year, month, day, seconds, rest) = reading(nanos, offset_seconds);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    push_fraction(&mut text, rest, fraction);
    push_offset(&mut text, offset_seconds);
    text
}

/// Three digits always, more only where they are not zero, as Elasticsearch prints `date_nanos`.
fn push_fraction(text: &mut String, nanos: i64, digits: usize) {
    let digits = match digits {
        0 => return,
        9 if nanos % NANOS_PER_MILLI == 0 => 3,
        more => more,
    };
    let _ = write!(text, ".{:0digits$}", nanos / 10i64.pow(9 - digits as u32));
}

fn push_offset(text: &mut String, offset_seconds: i64) {
    if offset_seconds == 0 {
        text.push('Z');
        return;
    }
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    let minutes = offset_seconds.abs() / 60;
    let _ = write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
}

fn print_pattern(pieces: &[Piece], nanos: i64, offset_seconds: i64) -> String {
    let (year, month, day, seconds, rest) = reading(nanos, offset_seconds);
    let mut text = String::new();
    for piece in pieces {
        let (value, width) = match piece {
            Piece::Year => (year, 4),
            Piece::Month(width) => (month, *width),
            Piece::Day(width) => (day, *width),
            Piece::Hour(width) => (seconds / 3_600, *width),
            Piece::Minute(width) => (seconds / 60 % 60, *width),
            Piece::Second(width) => (seconds % 60, *width),
            Piece::Fraction(width) => (rest / 10i64.pow(9 - *width as u32), *width),
            Piece::Offset => {
                push_offset(&mut text, offset_seconds);
                continue;
            }
            Piece::Literal(letter) => {
                text.push(*letter);
                continue;
            }
        };
        let _ = write!(text, "{value:0width$}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, text: &str, expected: Option<&str>) {
        let nanos = DateFormat::parse(format).unwrap().read(text, Missing::First, 0);
        assert_eq!(nanos.map(|nanos| print_iso(nanos, 0, 9)).as_deref(), expected, "{format} {text}");
    }

    #[test]
    fn sums_of_dates_are_printed_too() {
        let format = DateFormat::default();
        for (millis, expected) in [
            (1_775_778_979_443, "2026-04-09T23:56:19.443Z"),
            (134_697_245_434_859, "6238-05-21T21:30:34.859Z"),
            (354_817_900_970_530_816, "+11245701-09-06T15:22:10.816Z"),
            (253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(format.print_millis(millis), expected);
        }
    }

    #[test]
    fn iso_dates_may_leave_out_what_follows() {
        for (text, expected) in [
            ("2026-01-02T03:04:05.678Z", Some("2026-01-02T03:04:05.678Z")),
            ("2026-01-02T03:04:05.123456789Z", Some("2026-01-02T03:04:05.123456789Z")),
            ("2026-01-02T03:04:05+02:00", Some("2026-01-02T01:04:05.000Z")),
            ("2026-01-02T03", Some("2026-01-02T03:00:00.000Z")),
            ("2026-01-02", Some("2026-01-02T00:00:00.000Z")),
            ("2026", Some("2026-01-01T00:00:00.000Z")),
            ("2024-02-29", Some("2024-02-29T00:00:00.000Z")),
            ("2026-02-29", None),
            ("2026-1-2", None),
            ("yesterday", None),
            ("2026-01-02T03:04:05.Z", None),
            ("2026-01-02 03:04:05", None),
            ("", None),
        ] {
            check("strict_date_optional_time", text, expected);
        }
    }

    #[test]
    fn patterns_and_epochs_are_read() {
        check("yyyy-MM-dd HH:mm:ss", "2026-01-02 03:04:05", Some("2026-01-02T03:04:05.000Z"));
        check("dd/MM/yyyy", "02/01/2026", Some("2026-01-02T00:00:00.000Z"));
        check("epoch_second", "1767225600", Some("2026-01-01T00:00:00.000Z"));
        check("epoch_millis", "1767225600123", Some("2026-01-01T00:00:00.123Z"));
        assert_eq!(DateFormat::parse("qqq"), Err("qqq".to_owned()));
    }

    #[test]
    fn the_missing_end_of_a_day_is_its_last_nanosecond() {
        let nanos = DateFormat::default().read("2026-01-02", Missing::Last, 0).unwrap();
        assert_eq!(print_iso(nanos, 0, 9), "2026-01-02T23:59:59.999999999Z");
    }

    #[test]
    fn an_offset_is_printed() {
        assert_eq!(print_iso(0, 19_800, 3), "1970-01-01T05:30:00.000+05:30");
        assert_eq!(print_iso(-1, -3_600, 0), "1969-12-31T22:59:59-01:00");
    }
}
