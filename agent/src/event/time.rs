//! Times of events: texts and numbers become something Elasticsearch's `strict_date_optional_time` accepts.
//!
//! A text that is acceptable already stays byte-equal; the rest is rewritten in UTC. Usable are the years 1970 to 2099.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What became of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    /// Nanoseconds since 1970; all usable times fit.
    pub(super) unix_ns: i64,
    /// Whether the text can go out as it is.
    pub(super) as_written: bool,
    /// Whether the text had no zone and the configured one was taken.
    pub(super) zone_assumed: bool,
}

const NANOS: i128 = 1_000_000_000;
/// 2100-01-01T00:00:00Z in seconds.
const END_S: i128 = 4_102_444_800;

impl Time {
    /// A usable time of `unix_ns`, else `None`.
    fn usable(unix_ns: i128, as_written: bool, zone_assumed: bool) -> Option<Self> {
        let usable = (0..END_S * NANOS).contains(&unix_ns);
        usable.then_some(Self { unix_ns: unix_ns as i64, as_written, zone_assumed })
    }

    pub(super) fn unix_ms(self) -> i64 {
        self.unix_ns.div_euclid(1_000_000)
    }
}

/// Reads a time written as text: RFC 3339 and its usual relatives (blank for `T`, comma decimals, offsets without colon, no
/// zone at all), or the digits of an epoch.
pub(super) fn from_text(text: &[u8], zone: &TimeZone) -> Option<Time> {
    let Some(clock) = Clock::parse(text) else { return from_number(text) };
    let local_ns = clock.seconds() * NANOS + i128::from(clock.nanos);
    match clock.zone {
        Zone::Offset { seconds, plain } => {
            Time::usable(local_ns - i128::from(seconds) * NANOS, clock.plain && plain, false)
        }
        Zone::None => {
            let timestamp = zone.to_ambiguous_timestamp(clock.civil()?).compatible().ok()?;
            Time::usable(timestamp.as_nanosecond(), false, true)
        }
    }
}

/// Reads an epoch: seconds below 1e11, milliseconds below 1e14, microseconds below 1e17, else nanoseconds.
pub(super) fn from_number(text: &[u8]) -> Option<Time> {
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b""[..]),
    };
    if whole.is_empty() || whole.len() > 19 || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return from_float(text);
    }
    let digits = |digits: &[u8]| digits.iter().fold(0i128, |sum, byte| sum * 10 + i128::from(byte - b'0'));
    let whole = digits(whole);
    let unit_digits = unit_digits(whole);
    let fraction = &fraction[..fraction.len().min(unit_digits)];
    let parts = digits(fraction) * 10i128.pow((unit_digits - fraction.len()) as u32);
    Time::usable(whole * 10i128.pow(unit_digits as u32) + parts, false, false)
}

/// How many digits of nanoseconds one unit of an epoch of this size has.
fn unit_digits(epoch: i128) -> usize {
    const BOUNDS: [(i128, usize); 3] = [(10i128.pow(11), 9), (10i128.pow(14), 6), (10i128.pow(17), 3)];
    BOUNDS.iter().find(|(bound, _)| epoch < *bound).map_or(0, |(_, digits)| *digits)
}

/// Numbers with an exponent; a double holds today to the microsecond.
fn from_float(text: &[u8]) -> Option<Time> {
    let written_as_float =
        text.first().is_some_and(u8::is_ascii_digit) && text.iter().any(|byte| b"eE".contains(byte));
    let number: f64 = std::str::from_utf8(text).ok().filter(|_| written_as_float)?.parse().ok()?;
    if !(0.0..1e19).contains(&number) {
        return None;
    }
    let micros = number * 10f64.powi(unit_digits(number as i128) as i32 - 3);
    Time::usable(micros as i128 * 1000, false, false)
}

/// Appends `2026-08-21T10:15:30.123Z`, with as many decimals (0, 3, 6 or 9) as the time needs but at least three.
pub(super) fn write(unix_ns: i64, out: &mut Vec<u8>) {
    let seconds = unix_ns.div_euclid(1_000_000_000);
    let nanos = unix_ns.rem_euclid(1_000_000_000) as u32;
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400) as u32;
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let mut put = |at: usize, len: usize, mut number: u32| {
        for place in (at..at + len).rev() {
            text[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year as u32);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, second / 3600);
    put(14, 2, second / 60 % 60);
    put(17, 2, second % 60);
    put(20, 9, nanos);
    let decimals = match nanos {
        _ if nanos.is_multiple_of(1_000_000) => 3,
        _ if nanos.is_multiple_of(1_000) => 6,
        _ => 9,
    };
    out.extend_from_slice(&text[..20 + decimals]);
    out.push(b'Z');
}

/// A date and time of day as written.
struct Clock {
    year: i32,
    month: u32,
    day: u32,
    second_of_day: u32,
    nanos: u32,
    zone: Zone,
    /// Written with `T`, a point and at most nine decimals.
    plain: bool,
}

#[derive(Clone, Copy)]
enum Zone {
    None,
    Offset { seconds: i32, plain: bool },
}

impl Clock {
    fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_first_chunk::<19>()?;
        let shape = date[4] == b'-' && date[7] == b'-' && date[13] == b':' && date[16] == b':';
        if !shape || !matches!(date[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = two(date, 0)? * 100 + two(date, 2)?;
        let (month, day) = (two(date, 5)?, two(date, 8)?);
        let (hour, minute, second) = (two(date, 11)?, two(date, 14)?, two(date, 17)?);
        if !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
            return None;
        }
        // A leap second is legal in RFC 3339, but no server stores one: it becomes the second before.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (nanos, plain_decimals, rest) = decimals(rest)?;
        let zone = zone(rest)?;
        Some(Self {
            year: year as i32,
            month,
            day,
            second_of_day: hour * 3600 + minute * 60 + second.min(59),
            nanos,
            zone,
            plain: date[10] == b'T' && second < 60 && plain_decimals,
        })
    }

    fn seconds(&self) -> i128 {
        i128::from(days_from_civil(self.year, self.month, self.day) * 86_400 + i64::from(self.second_of_day))
    }

    fn civil(&self) -> Option<DateTime> {
        let second = self.second_of_day;
        DateTime::new(
            self.year as i16,
            self.month as i8,
            self.day as i8,
            (second / 3600) as i8,
            (second / 60 % 60) as i8,
            (second % 60) as i8,
            self.nanos as i32,
        )
        .ok()
    }
}

#[inline]
fn two(text: &[u8], at: usize) -> Option<u32> {
    let (tens, ones) = (text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Decimals of a second, digits behind the ninth cut off; whether they can stay as written; what follows.
fn decimals(text: &[u8]) -> Option<(u32, bool, &[u8])> {
    let [mark @ (b'.' | b','), digits @ ..] = text else { return Some((0, true, text)) };
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let (digits, rest) = digits.split_at(len);
    let kept = &digits[..len.min(9)];
    let number = kept.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    Some((number * 10u32.pow(9 - kept.len() as u32), *mark == b'.' && len <= 9, rest))
}

fn zone(text: &[u8]) -> Option<Zone> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, hours, minutes, plain) = match text {
        b"" => return Some(Zone::None),
        b"Z" => return Some(Zone::Offset { seconds: 0, plain: true }),
        b"z" | b"UTC" | b"GMT" => return Some(Zone::Offset { seconds: 0, plain: false }),
        [sign @ (b'+' | b'-'), time @ ..] => match time.len() {
            2 => (sign, two(time, 0)?, 0, false),
            4 => (sign, two(time, 0)?, two(time, 2)?, false),
            5 if time[2] == b':' => (sign, two(time, 0)?, two(time, 3)?, true),
            _ => return None,
        },
        _ => return None,
    };
    let seconds = (hours * 3600 + minutes * 60) as i32;
    // java.time, which Elasticsearch reads dates with, ends at 18 hours; `-00:00` is left to nobody's taste.
    if minutes > 59 || seconds > 18 * 3600 {
        return None;
    }
    let negative = *sign == b'-';
    Some(Zone::Offset {
        seconds: if negative { -seconds } else { seconds },
        plain: plain && !(negative && seconds == 0),
    })
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = (month_from_march as u32 + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(String, bool, bool)> {
        let time = from_text(text.as_bytes(), &TimeZone::fixed(jiff::tz::offset(2)))?;
        let mut out = Vec::new();
        write(time.unix_ns, &mut out);
        Some((String::from_utf8(out).unwrap(), time.as_written, time.zone_assumed))
    }

    #[test]
    fn texts_elasticsearch_accepts_stay_as_written_and_the_rest_is_read() {
        let as_written = [
            ("2026-08-21T10:15:30Z", "2026-08-21T10:15:30.000Z"),
            ("2026-08-21T10:15:30.1Z", "2026-08-21T10:15:30.100Z"),
            ("2026-08-21T10:15:30.123456789Z", "2026-08-21T10:15:30.123456789Z"),
            ("2026-08-21T12:15:30.123456+02:00", "2026-08-21T10:15:30.123456Z"),
            ("2024-02-29T00:30:00-05:30", "2024-02-29T06:00:00.000Z"),
        ];
        for (text, utc) in as_written {
            assert_eq!(read(text), Some((utc.into(), true, false)), "{text}");
        }
        let rewritten = [
            ("2026-08-21 10:15:30Z", "2026-08-21T10:15:30.000Z"),
            ("2026-08-21t10:15:30z", "2026-08-21T10:15:30.000Z"),
            ("2026-08-21T10:15:30,5Z", "2026-08-21T10:15:30.500Z"),
            ("2026-08-21T10:15:30.1234567891Z", "2026-08-21T10:15:30.123456789Z"),
            ("2026-08-21T10:15:30+0200", "2026-08-21T08:15:30.000Z"),
            ("2026-08-21T10:15:30-02", "2026-08-21T12:15:30.000Z"),
            ("2026-08-21T10:15:30-00:00", "2026-08-21T10:15:30.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
            ("2026-08-21 10:15:30 UTC", "2026-08-21T10:15:30.000Z"),
            ("1787307330123", "2026-08-21T10:15:30.123Z"),
        ];
        for (text, utc) in rewritten {
            assert_eq!(read(text), Some((utc.into(), false, false)), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_takes_the_configured_one() {
        let expected = Some(("2026-08-21T10:15:30.123Z".to_owned(), false, true));
        assert_eq!(read("2026-08-21 12:15:30,123"), expected);
        assert_eq!(read("2026-08-21T12:15:30.123"), expected);
    }

    #[test]
    fn a_time_that_falls_into_a_gap_of_the_zone_is_read_with_the_offset_before_it() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let time = from_text(b"2026-03-29T02:30:00", &zone).unwrap();
        assert_eq!(time.unix_ms(), from_text(b"2026-03-29T01:30:00Z", &zone).unwrap().unix_ms());
    }

    #[test]
    fn what_is_no_usable_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-08-21",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-08-21T24:00:00Z",
            "2026-08-21T10:60:00Z",
            "2026-08-21T10:15:61Z",
            "2026-08-21T10:15:30.Z",
            "2026-08-21T10:15:30+19:00",
            "2026-08-21T10:15:30+02:60",
            "2026-08-21T10:15:30 Z x",
            "1969-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "-1",
            "1e400",
            "99999999999999999999",
            "12x",
            "1.2.3",
            ".5",
            "inf",
            "nan",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn epochs_are_scaled_by_their_size() {
        let epochs = [
            ("0", "1970-01-01T00:00:00.000Z"),
            ("1787307330", "2026-08-21T10:15:30.000Z"),
            ("1787307330.123456", "2026-08-21T10:15:30.123456Z"),
            ("1787307330.1234567899", "2026-08-21T10:15:30.123456789Z"),
            ("1787307330123", "2026-08-21T10:15:30.123Z"),
            ("1787307330123.5", "2026-08-21T10:15:30.123500Z"),
            ("1787307330123456", "2026-08-21T10:15:30.123456Z"),
            ("1787307330123456789", "2026-08-21T10:15:30.123456789Z"),
            ("1.78730733e9", "2026-08-21T10:15:30.000Z"),
        ];
        for (epoch, utc) in epochs {
            let mut out = Vec::new();
            write(from_number(epoch.as_bytes()).unwrap().unix_ns, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), utc, "{epoch}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(unix_ns in 0..(END_S * NANOS) as i64) {
            let mut text = Vec::new();
            write(unix_ns, &mut text);
            let jiff: jiff::Timestamp = std::str::from_utf8(&text).unwrap().parse().unwrap();
            prop_assert_eq!(jiff.as_nanosecond(), i128::from(unix_ns));
            let again = from_text(&text, &TimeZone::UTC).unwrap();
            prop_assert_eq!(again, Time { unix_ns, as_written: true, zone_assumed: false });
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:.,+ e-]{0,32}") {
            let _ = from_text(text.as_bytes(), &TimeZone::UTC);
        }
    }
}
