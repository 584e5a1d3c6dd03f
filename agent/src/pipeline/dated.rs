//! Index names with the event's own day in them.

use std::sync::Arc;

/// An index name with one date in it, such as `logs-%{+yyyy.MM.dd}`.
///
/// The date is the UTC day of the event's own time, never of the clock, so that every retry goes to the same index. Events
/// without a usable time go to the index with `undated` in that place.
pub(super) struct DatedIndex {
    prefix: String,
    pattern: String,
    suffix: String,
    undated: Arc<str>,
    last: Option<(i64, Arc<str>)>,
}

const OPEN: &str = "%{+";
const DAY_MS: i64 = 86_400_000;

impl DatedIndex {
    /// Of a configured name; `None` where it holds no date.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (prefix, rest) = name.split_once(OPEN)?;
        let (pattern, suffix) = rest.split_once('}')?;
        Some(Self {
            prefix: prefix.into(),
            pattern: pattern.into(),
            suffix: suffix.into(),
            undated: format!("{prefix}undated{suffix}").into(),
            last: None,
        })
    }

    /// The index of an event, by its time in milliseconds since 1970.
    pub(super) fn name(&mut self, timestamp_ms: Option<i64>) -> Arc<str> {
        let Some(day) = timestamp_ms.map(|ms| ms.div_euclid(DAY_MS)) else { return self.undated.clone() };
        if let Some((last, name)) = &self.last
            && *last == day
        {
            return name.clone();
        }
        let name: Arc<str> = self.format(day).into();
        self.last = Some((day, name.clone()));
        name
    }

    fn format(&self, day: i64) -> String {
        let (year, month, day) = civil(day);
        let date = self
            .pattern
            .replace("yyyy", &format!("{year:04}"))
            .replace("MM", &format!("{month:02}"))
            .replace("dd", &format!("{day:02}"));
        format!("{}{date}{}", self.prefix, self.suffix)
    }
}

/// Year, month and day of a day count since 1970.
fn civil(day: i64) -> (i16, i8, i8) {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = jiff::Span::new().try_days(day).unwrap_or_default();
    let date = epoch.checked_add(days).unwrap_or(epoch);
    (date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    // E52, R13 of the house rules: without a usable time the name is fixed, whatever the clock says
    #[test]
    fn name_follows_the_events_own_day() {
        let mut index = DatedIndex::parse("shop-%{+yyyy.MM.dd}-x").unwrap();
        assert_eq!(&*index.name(Some(0)), "shop-1970.01.01-x");
        assert_eq!(&*index.name(Some(1_787_307_330_123)), "shop-2026.08.21-x");
        assert_eq!(&*index.name(Some(-1)), "shop-1969.12.31-x");
        assert_eq!(&*index.name(None), "shop-undated-x");
        assert!(DatedIndex::parse("shop").is_none());
    }
}
