//! Where the buckets of a date histogram begin.

use super::plan::Interval;
use crate::time::calendar::TimeZone;

/// Rounds points in time, in milliseconds, down to the beginning of their bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounding {
    /// Length of a bucket.
    pub interval: Interval,
    /// The zone whose days and hours are meant.
    pub zone: TimeZone,
    /// Milliseconds by which beginnings are moved.
    pub offset: i64,
}

impl Rounding {
    /// Beginning of the bucket that holds `millis`.
    pub fn floor(&self, millis: i64) -> i64 {
        let moved = millis - self.offset;
        let start = match self.interval {
            Interval::Calendar(unit) => self.zone.floor(moved, unit),
            Interval::Fixed(length) => {
                let shift = self.zone.offset_at(moved.div_euclid(1_000)) * 1_000;
                let local = (moved + shift).div_euclid(length) * length;
                // The offset at the beginning may differ from the one now.
                local - self.zone.offset_at_local(local.div_euclid(1_000)) * 1_000
            }
        };
        start + self.offset
    }

    /// Beginning of the next bucket after the one that begins at `start`.
    pub fn next(&self, start: i64) -> i64 {
        match self.interval {
            Interval::Calendar(unit) => self.zone.next(start - self.offset, unit) + self.offset,
            Interval::Fixed(length) => {
                let next = self.floor(start + length);
                // Where clocks are turned back, the rounded place may fall into the same bucket.
                if next > start { next } else { self.floor(start + length + 3_600_000).max(start + length) }
            }
        }
    }

    /// Length of all buckets where it is one and the same.
    pub fn uniform(&self) -> Option<i64> {
        match (&self.interval, &self.zone) {
            (Interval::Fixed(length), TimeZone::Fixed(_)) => Some(*length),
            _ => None,
        }
    }
}

/// Finds buckets fast for values of a segment: the beginnings that occur are known up front.
pub(super) enum Table {
    /// Buckets of one length, from a first beginning on.
    Uniform { first: i64, length: i64 },
    /// All beginnings, ascending.
    Listed(Vec<i64>),
    /// Too many to list.
    Asked(Rounding),
}

const LISTED_MAX: usize = 20_000;

impl Table {
    pub(super) fn new(rounding: &Rounding, min: i64, max: i64) -> Self {
        let first = rounding.floor(min);
        if let Some(length) = rounding.uniform() {
            return Self::Uniform { first, length };
        }
        let mut starts = vec![first];
        while starts.len() <= LISTED_MAX {
            let next = rounding.next(starts[starts.len() - 1]);
            if next > max {
                return Self::Listed(starts);
            }
            starts.push(next);
        }
        Self::Asked(rounding.clone())
    }

    #[inline]
    pub(super) fn floor(&self, millis: i64) -> i64 {
        match self {
            Self::Uniform { first, length } => first + (millis - first).div_euclid(*length) * length,
            Self::Listed(starts) => {
                starts[starts.partition_point(|start| *start <= millis).saturating_sub(1)]
            }
            Self::Asked(rounding) => rounding.floor(millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::calendar::Unit;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_cover_time_without_gaps(moment in 1_700_000_000_000i64..1_800_000_000_000, zone in 0usize..4, kind in 0usize..6) {
            let zone = TimeZone::parse(["UTC", "+05:30", "Europe/Berlin", "America/New_York"][zone]).unwrap();
            let interval = [Interval::Calendar(Unit::Day), Interval::Calendar(Unit::Month), Interval::Calendar(Unit::Hour), Interval::Fixed(3_600_000 * 3), Interval::Fixed(30_000), Interval::Fixed(86_400_000)][kind];
            let rounding = Rounding { interval, zone, offset: 0 };
            let start = rounding.floor(moment);
            let next = rounding.next(start);
            prop_assert!(start <= moment && moment < next.max(start + 1), "{start} {moment} {next}");
            prop_assert_eq!(rounding.floor(start), start);
            let table = Table::new(&rounding, moment - 1_000_000, moment + 1_000_000);
            prop_assert_eq!(table.floor(moment), start);
        }
    }
}
