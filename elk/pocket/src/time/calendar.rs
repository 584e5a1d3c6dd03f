//! Calendars and time zones: where the day, the week or the month of a moment begins.

use super::{NANOS_PER_MILLI, civil_from_days, days_from_civil};
use jiff::Timestamp;

const DAY_MILLIS: i64 = 86_400_000;

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`, from Monday
    Week,
    /// `M`
    Month,
    /// `q`
    Quarter,
    /// `y`
    Year,
}

impl Unit {
    /// The unit of date math.
    pub fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            's' => Self::Second,
            'm' => Self::Minute,
            'h' | 'H' => Self::Hour,
            'd' => Self::Day,
            'w' => Self::Week,
            'M' => Self::Month,
            'y' => Self::Year,
            _ => return None,
        })
    }

    /// The unit of a `calendar_interval`: `1d` or `day`.
    pub fn from_interval(text: &str) -> Option<Self> {
        Some(match text {
            "1s" | "second" => Self::Second,
            "1m" | "minute" => Self::Minute,
            "1h" | "hour" => Self::Hour,
            "1d" | "day" => Self::Day,
            "1w" | "week" => Self::Week,
            "1M" | "month" => Self::Month,
            "1q" | "quarter" => Self::Quarter,
            "1y" | "year" => Self::Year,
            _ => return None,
        })
    }

    /// Its length where that never changes and the zone's offset is a multiple of it or does not matter.
    fn millis(self) -> Option<i64> {
        match self {
            Self::Second => Some(1_000),
            Self::Minute => Some(60_000),
            Self::Hour => Some(3_600_000),
            _ => None,
        }
    }
}

/// A fixed offset or a zone of the tz database.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Fixed(i64),
    /// A zone whose offset changes.
    Named(jiff::tz::TimeZone),
}

impl TimeZone {
    /// Offset zero.
    pub fn utc() -> Self {
        Self::Fixed(0)
    }

    /// Reads `UTC`, `Z`, `+02:00`, `-0330`, `Europe/Berlin`.
    pub fn parse(text: &str) -> Option<Self> {
        if matches!(text, "UTC" | "Z" | "GMT" | "Etc/UTC") {
            return Some(Self::utc());
        }
        if let Some(seconds) = parse_offset(text) {
            return Some(Self::Fixed(seconds));
        }
        let zone = jiff::tz::TimeZone::get(text).ok()?;
        Some(
            zone.to_fixed_offset()
                .map_or(Self::Named(zone), |offset| Self::Fixed(i64::from(offset.seconds()))),
        )
    }

    /// Whether the offset is zero at all times.
    pub fn is_utc(&self) -> bool {
        matches!(self, Self::Fixed(0))
    }

    /// Seconds east of UTC at a point in time.
    pub fn offset_at(&self, epoch_seconds: i64) -> i64 {
        match self {
            Self::Fixed(seconds) => *seconds,
            Self::Named(zone) => Timestamp::from_second(epoch_seconds)
                .map_or(0, |moment| i64::from(zone.to_offset(moment).seconds())),
        }
    }

    /// Seconds east of UTC when the clocks of the zone show `local_seconds`; in a gap or overlap, the earlier offset.
    pub fn offset_at_local(&self, local_seconds: i64) -> i64 {
        let before = self.offset_at(local_seconds - 86_400);
        let guess = self.offset_at(local_seconds - before);
        if self.offset_at(local_seconds - guess) == guess {
            guess.max(self.fitting(local_seconds, before))
        } else {
            before
        }
    }

    fn fitting(&self, local_seconds: i64, offset: i64) -> i64 {
        if self.offset_at(local_seconds - offset) == offset { offset } else { i64::MIN }
    }

    /// The first millisecond of the unit that holds `millis`.
    pub fn floor(&self, millis: i64, unit: Unit) -> i64 {
        let offset = self.offset_at(millis.div_euclid(1_000)) * 1_000;
        let local = millis + offset;
        if let Some(length) = unit.millis() {
            // The hours of a day with a changed clock keep their own offset.
            return local.div_euclid(length) * length - offset;
        }
        self.utc_of_local(floor_local(local, unit))
    }

    /// The first millisecond of the unit after the one that begins at `start`.
    pub fn next(&self, start: i64, unit: Unit) -> i64 {
        if let Some(length) = unit.millis() {
            return start + length;
        }
        let offset = self.offset_at(start.div_euclid(1_000)) * 1_000;
        let local = floor_local(start + offset, unit);
        let days = local.div_euclid(DAY_MILLIS);
        let (year, month, _) = civil_from_days(days);
        let next = match unit {
            Unit::Day => days + 1,
            Unit::Week => days + 7,
            Unit::Month => first_of_month(year, month + 1),
            Unit::Quarter => first_of_month(year, month + 3),
            _ => first_of_month(year + 1, 1),
        };
        self.utc_of_local(next * DAY_MILLIS)
    }

    /// `count` units later (earlier where negative), the day of the month kept or moved to the month's last.
    pub fn add(&self, nanos: i64, unit: Unit, count: i64) -> Option<i64> {
        let step = match unit {
            Unit::Second => 1_000,
            Unit::Minute => 60_000,
            Unit::Hour => 3_600_000,
            Unit::Day => return self.add_local(nanos, |days| Some(days + count)),
            Unit::Week => return self.add_local(nanos, |days| Some(days + 7 * count)),
            Unit::Month => return self.add_local(nanos, |days| add_months(days, count)),
            Unit::Quarter => return self.add_local(nanos, |days| add_months(days, count.checked_mul(3)?)),
            Unit::Year => return self.add_local(nanos, |days| add_months(days, count.checked_mul(12)?)),
        };
        nanos.checked_add(count.checked_mul(step)?.checked_mul(NANOS_PER_MILLI)?)
    }

    fn add_local(&self, nanos: i64, move_days: impl Fn(i64) -> Option<i64>) -> Option<i64> {
        const DAY_NANOS: i64 = DAY_MILLIS * NANOS_PER_MILLI;
        let offset = self.offset_at(nanos.div_euclid(1_000_000_000)) * 1_000_000_000;
        let local = nanos.checked_add(offset)?;
        let days = move_days(local.div_euclid(DAY_NANOS))?;
        let moved = days.checked_mul(DAY_NANOS)?.checked_add(local.rem_euclid(DAY_NANOS))?;
        moved.checked_sub(self.offset_at_local(moved.div_euclid(1_000_000_000)) * 1_000_000_000)
    }

    fn utc_of_local(&self, local_millis: i64) -> i64 {
        local_millis - self.offset_at_local(local_millis.div_euclid(1_000)) * 1_000
    }
}

fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?),
        _ => return None,
    };
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn floor_local(local: i64, unit: Unit) -> i64 {
    let days = local.div_euclid(DAY_MILLIS);
    let (year, month, _) = civil_from_days(days);
    let first = match unit {
        Unit::Week => days - (days + 3).rem_euclid(7),
        Unit::Month => days_from_civil(year, month, 1),
        Unit::Quarter => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
        Unit::Year => days_from_civil(year, 1, 1),
        _ => days,
    };
    first * DAY_MILLIS
}

fn first_of_month(year: i64, month: i64) -> i64 {
    days_from_civil(year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1, 1)
}

fn add_months(days: i64, count: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(days);
    let months = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(count)?;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let last = first_of_month(year, month + 1) - 1;
    Some((days_from_civil(year, month, 1) + day - 1).min(last))
}

#[cfg(test)]
mod tests {
    use super::super::format::{DateFormat, Missing};
    use super::*;
    use proptest::prelude::*;

    fn millis(text: &str) -> i64 {
        DateFormat::default().read(text, Missing::First, 0).unwrap() / NANOS_PER_MILLI
    }

    #[test]
    fn units_begin_where_the_calendar_says() {
        for (zone, text, unit, expected) in [
            ("UTC", "2026-01-02T03:04:05Z", Unit::Week, "2025-12-29T00:00:00Z"),
            ("UTC", "2026-05-31T03:04:05Z", Unit::Quarter, "2026-04-01T00:00:00Z"),
            ("+05:30", "2026-01-02T03:04:05Z", Unit::Hour, "2026-01-02T02:30:00Z"),
            ("Europe/Berlin", "2026-07-01T12:00:00Z", Unit::Day, "2026-06-30T22:00:00Z"),
            ("Europe/Berlin", "2026-03-29T12:00:00Z", Unit::Day, "2026-03-28T23:00:00Z"),
            ("Europe/Berlin", "2026-03-29T12:00:00Z", Unit::Month, "2026-02-28T23:00:00Z"),
            ("America/New_York", "2026-11-01T12:00:00Z", Unit::Day, "2026-11-01T04:00:00Z"),
        ] {
            let zone = TimeZone::parse(zone).unwrap();
            assert_eq!(zone.floor(millis(text), unit), millis(expected), "{text} {unit:?}");
        }
    }

    #[test]
    fn a_day_with_a_changed_clock_has_its_own_length() {
        let zone = TimeZone::parse("Europe/Berlin").unwrap();
        let start = zone.floor(millis("2026-03-29T12:00:00Z"), Unit::Day);
        assert_eq!(zone.next(start, Unit::Day) - start, 23 * 3_600_000);
        let start = zone.floor(millis("2026-10-25T12:00:00Z"), Unit::Day);
        assert_eq!(zone.next(start, Unit::Day) - start, 25 * 3_600_000);
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_unit(moment in 0i64..4_000_000_000_000, pick in 0usize..8) {
            let unit = [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year][pick];
            for zone in ["UTC", "Europe/Berlin", "-03:30"] {
                let zone = TimeZone::parse(zone).unwrap();
                let start = zone.floor(moment, unit);
                prop_assert!(start <= moment && moment < zone.next(start, unit));
            }
        }
    }
}
