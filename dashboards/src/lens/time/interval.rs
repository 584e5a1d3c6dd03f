//! Lengths of time buckets: as written, as chosen for a range, as sent.

use serde_json::{Value, json};

use crate::date::{civil, days};
use crate::lens::time::{Millis, TimeRange};

const DAY: i64 = 86_400_000;

/// Bars a chart aims at (`histogram:barTarget`).
const BAR_TARGET: i64 = 50;
/// About as many bars a chart may have (`histogram:maxBars`).
const MAX_BARS: i64 = 1000;

/// Which of Kibana's two rules chooses an automatic interval (they differ by at most one step of the table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalRule {
    /// Kibana 8: compares the bound of a step with the target; finer.
    #[default]
    Bound,
    /// Newest Kibana: compares the interval of a step with the target.
    Interval,
}

/// A unit of time, as interval texts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// `ms`
    Millisecond,
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
    /// `y`
    Year,
}

const UNITS: [(&str, Unit, i64); 8] = [
    ("ms", Unit::Millisecond, 1),
    ("s", Unit::Second, 1000),
    ("m", Unit::Minute, 60_000),
    ("h", Unit::Hour, 3_600_000),
    ("d", Unit::Day, DAY),
    ("w", Unit::Week, 7 * DAY),
    ("M", Unit::Month, 30 * DAY),
    ("y", Unit::Year, 365 * DAY),
];

impl Unit {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        UNITS.iter().find(|(name, ..)| *name == text).map(|(_, unit, _)| *unit)
    }

    fn row(self) -> (&'static str, Unit, i64) {
        UNITS[self as usize]
    }

    /// The sign of the unit: `ms`, `s`, `m`, `h`, `d`, `w`, `M`, `y`.
    pub fn sign(self) -> &'static str {
        self.row().0
    }

    /// Milliseconds; 30 days for a month, 365 for a year.
    pub fn millis(self) -> i64 {
        self.row().2
    }

    /// Start of the unit that holds `moment`, in UTC.
    pub(crate) fn start(self, moment: Millis) -> Millis {
        let (year, month, _) = civil(moment.div_euclid(DAY));
        match self {
            Self::Week => (moment + 3 * DAY).div_euclid(7 * DAY) * 7 * DAY - 3 * DAY,
            Self::Month => days(year, month, 1) * DAY,
            Self::Year => days(year, 1, 1) * DAY,
            _ => moment.div_euclid(self.millis()) * self.millis(),
        }
    }
}

/// A number of units: `30s`, `1m`, `3h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    count: u32,
    unit: Unit,
}

impl Interval {
    /// One unit.
    pub fn one(unit: Unit) -> Self {
        Self { count: 1, unit }
    }

    const fn of(count: u32, unit: Unit) -> Self {
        Self { count, unit }
    }

    /// Reads `30s`; a unit alone counts once. `None` for anything else, also for zero.
    pub fn parse(text: &str) -> Option<Self> {
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let count = if at == 0 { 1 } else { text[..at].parse().ok()? };
        let unit = Unit::parse(&text[at..])?;
        (count > 0 && count <= 1_000_000).then_some(Self { count, unit })
    }

    /// Nominal length in milliseconds (months 30 days, years 365).
    pub fn millis(self) -> i64 {
        i64::from(self.count) * self.unit.millis()
    }

    /// The end of a bucket that starts at `moment`.
    pub(crate) fn after(self, moment: Millis) -> Millis {
        self.moved(moment, 1)
    }

    pub(crate) fn before(self, moment: Millis) -> Millis {
        self.moved(moment, -1)
    }

    fn moved(self, moment: Millis, sign: i64) -> Millis {
        let months = match self.unit {
            Unit::Month => i64::from(self.count),
            Unit::Year => 12 * i64::from(self.count),
            _ => return moment + sign * self.millis(),
        };
        let (year, month, day) = civil(moment.div_euclid(DAY));
        let index = year * 12 + month - 1 + sign * months;
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
        let month_length = days(year + month / 12, month % 12 + 1, 1) - days(year, month, 1);
        days(year, month, day.min(month_length)) * DAY + moment.rem_euclid(DAY)
    }

    /// The interval of a date histogram over `range`: `written`, widened where it is far too fine; `None` is automatic, and
    /// then not below `least`.
    pub(crate) fn choose(
        written: Option<Self>,
        least: Option<Self>,
        range: TimeRange,
        rule: IntervalRule,
    ) -> Self {
        let automatic = automatic(range.length(), rule);
        match written.or(least.filter(|least| least.millis() > automatic.millis())) {
            None => automatic,
            Some(interval) => {
                let least = shortest(range.length());
                if interval.millis() < least.millis() { least } else { interval }
            }
        }
    }

    /// The key and value a `date_histogram` takes.
    pub(crate) fn parameter(self) -> (&'static str, Value) {
        // What a calendar knows as one unit is sent as such: days of 23 hours, months of 28 days.
        let calendar = self.count == 1 && self.unit >= Unit::Minute;
        let key = if calendar { "calendar_interval" } else { "fixed_interval" };
        let fixed = match self.unit {
            // Fixed intervals know no longer unit than days.
            Unit::Week | Unit::Month | Unit::Year if !calendar => format!("{}d", self.millis() / DAY),
            unit => format!("{}{}", self.count, unit.sign()),
        };
        (key, json!(fixed))
    }
}

/// Kibana's steps, longest first: bound in milliseconds, interval.
const STEPS: [(i64, Interval); 16] = [
    (i64::MAX, Interval::of(1, Unit::Year)),
    (365 * DAY, Interval::of(1, Unit::Month)),
    (21 * DAY, Interval::of(1, Unit::Week)),
    (7 * DAY, Interval::of(1, Unit::Day)),
    (DAY, Interval::of(12, Unit::Hour)),
    (6 * 3_600_000, Interval::of(3, Unit::Hour)),
    (2 * 3_600_000, Interval::of(1, Unit::Hour)),
    (45 * 60_000, Interval::of(30, Unit::Minute)),
    (20 * 60_000, Interval::of(10, Unit::Minute)),
    (9 * 60_000, Interval::of(5, Unit::Minute)),
    (3 * 60_000, Interval::of(1, Unit::Minute)),
    (45_000, Interval::of(30, Unit::Second)),
    (15_000, Interval::of(10, Unit::Second)),
    (7_500, Interval::of(5, Unit::Second)),
    (5_000, Interval::of(1, Unit::Second)),
    (500, Interval::of(100, Unit::Millisecond)),
];

/// About [`BAR_TARGET`] bars: the step before the first one that is small enough.
fn automatic(length: i64, rule: IntervalRule) -> Interval {
    let measure = |&(bound, interval): &(i64, Interval)| match rule {
        IntervalRule::Bound => bound,
        IntervalRule::Interval => interval.millis(),
    };
    let small_enough = STEPS.iter().position(|step| measure(step) <= length / BAR_TARGET);
    small_enough.map_or_else(|| milliseconds(length / BAR_TARGET), |at| STEPS[at.saturating_sub(1)].1)
}

/// What a written interval is widened to where it is shorter: the longest step that still gives [`MAX_BARS`].
fn shortest(length: i64) -> Interval {
    let fits = STEPS.iter().find(|(_, interval)| interval.millis() <= length / MAX_BARS);
    fits.map_or_else(|| milliseconds(length / MAX_BARS), |(_, interval)| *interval)
}

fn milliseconds(count: i64) -> Interval {
    Interval::of(u32::try_from(count.max(1)).unwrap_or(u32::MAX), Unit::Millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn chosen(written: &str, length: i64, rule: IntervalRule) -> String {
        let range = TimeRange::between(0, length);
        let interval = Interval::choose(Interval::parse(written), None, range, rule);
        format!("{}{}", interval.count, interval.unit.sign())
    }

    #[test]
    fn automatic_intervals_are_those_of_both_kibana_rules() {
        let table = [
            (5 * MINUTE, "5s", "10s"),
            (15 * MINUTE, "30s", "30s"),
            (30 * MINUTE, "30s", "1m"),
            (HOUR, "1m", "5m"),
            (4 * HOUR, "5m", "5m"),
            (12 * HOUR, "10m", "30m"),
            (24 * HOUR, "30m", "30m"),
            (7 * DAY, "3h", "12h"),
            (30 * DAY, "12h", "1d"),
        ];
        for (length, bound, interval) in table {
            assert_eq!(chosen("auto", length, IntervalRule::Bound), bound, "{length} ms");
            assert_eq!(chosen("auto", length, IntervalRule::Interval), interval, "{length} ms");
        }
    }

    #[test]
    fn a_written_interval_is_widened_before_it_gives_too_many_buckets() {
        assert_eq!(chosen("30s", HOUR, IntervalRule::Bound), "30s");
        assert_eq!(chosen("1s", HOUR, IntervalRule::Bound), "1s");
        assert_eq!(chosen("1ms", HOUR, IntervalRule::Bound), "1s");
        assert_eq!(chosen("500ms", 16 * MINUTE, IntervalRule::Bound), "500ms");
        assert_eq!(chosen("50ms", 16 * MINUTE, IntervalRule::Bound), "100ms");
        let least = |least: &str| {
            let range = TimeRange::between(0, HOUR);
            Interval::choose(None, Interval::parse(least), range, IntervalRule::Bound).millis()
        };
        assert_eq!([least("10s"), least("5m")], [MINUTE, 5 * MINUTE]);
    }

    #[test]
    fn one_unit_is_sent_as_calendar_interval_and_all_else_as_fixed() {
        for (written, key, sent) in [
            ("1m", "calendar_interval", "1m"),
            ("1h", "calendar_interval", "1h"),
            ("d", "calendar_interval", "1d"),
            ("1M", "calendar_interval", "1M"),
            ("30s", "fixed_interval", "30s"),
            ("1s", "fixed_interval", "1s"),
            ("5m", "fixed_interval", "5m"),
            ("2w", "fixed_interval", "14d"),
        ] {
            assert_eq!(Interval::parse(written).unwrap().parameter(), (key, json!(sent)), "{written}");
        }
    }

    #[test]
    fn months_end_where_the_next_one_begins() {
        let month = Interval::parse("1M").unwrap();
        let january = days(2024, 1, 1) * DAY;
        assert_eq!(month.after(january), days(2024, 2, 1) * DAY);
        assert_eq!(month.after(month.after(january)), days(2024, 3, 1) * DAY);
        assert_eq!(month.before(january), days(2023, 12, 1) * DAY);
    }

    #[test]
    fn other_texts_are_no_interval() {
        for text in ["auto", "", "0s", "1", "1x", "-1m", "1.5h", "99999999999999999999s"] {
            assert_eq!(Interval::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_range_gives_a_flood_of_buckets(length in 0..100 * 365 * DAY, written in "[1-9][0-9]{0,3}(ms|s|m|h|d|w|M|y)", newest in any::<bool>()) {
            let rule = if newest { IntervalRule::Interval } else { IntervalRule::Bound };
            let range = TimeRange::between(0, length);
            let automatic = Interval::choose(None, None, range, rule);
            prop_assert!(length / automatic.millis() <= MAX_BARS, "{} gives {:?}", length, automatic);
            let written = Interval::choose(Interval::parse(&written), None, range, rule);
            // Steps lie up to a factor of ten apart.
            prop_assert!(length / written.millis() <= 10 * MAX_BARS, "{} gives {:?}", length, written);
        }

        #[test]
        fn a_bucket_ends_after_it_starts(start in -10_000 * DAY..40_000 * DAY, text in "[1-9][0-9]?(ms|s|m|h|d|w|M|y)") {
            let interval = Interval::parse(&text).unwrap();
            prop_assert!(interval.after(start) > start);
            prop_assert!(interval.before(start) < start);
        }
    }
}
