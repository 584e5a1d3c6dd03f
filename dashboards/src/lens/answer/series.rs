//! What is computed along the time buckets of a group.

use crate::lens::layer::column::Along;
use crate::lens::time::Millis;

/// The way through the buckets of one group.
#[derive(Debug, Default)]
pub(crate) struct Run {
    before: Option<(Millis, f64)>,
    sum: f64,
}

impl Run {
    /// The result for the bucket that starts at `start`, which comes after those before; `None` is a gap.
    pub(crate) fn next(&mut self, along: Along, start: Millis, value: Option<f64>) -> Option<f64> {
        let before = self.before;
        let skips_gaps = matches!(along, Along::Derivative(_));
        self.before = value.map(|value| (start, value)).or(before.filter(|_| skips_gaps));
        self.sum += value.unwrap_or_default();
        let (value, (at, earlier)) = match along {
            Along::CumulativeSum => return value.map(|_| self.sum),
            _ => value.zip(before)?,
        };
        Some(match along {
            Along::CounterRate if value < earlier => value,
            Along::Derivative(Some(per)) => (value - earlier) / ratio(start - at, per.millis()),
            _ => value - earlier,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "times between buckets are far below 2^53 milliseconds")]
fn ratio(length: Millis, unit: Millis) -> f64 {
    length as f64 / unit as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lens::time::interval::Interval;

    #[test]
    fn gaps_resets_and_units_are_those_of_kibana() {
        let values = [Some(10.0), Some(30.0), None, Some(5.0), Some(6.0)];
        let per = |unit| Along::Derivative(Interval::parse(unit));
        for (along, expected) in [
            (Along::CounterRate, [None, Some(20.0), None, None, Some(1.0)]),
            (Along::CumulativeSum, [Some(10.0), Some(40.0), None, Some(45.0), Some(51.0)]),
            (Along::Difference, [None, Some(20.0), None, None, Some(1.0)]),
            (Along::Derivative(None), [None, Some(20.0), None, Some(-25.0), Some(1.0)]),
            // Buckets of 10 s; over the gap it is 20 s.
            (per("1s"), [None, Some(2.0), None, Some(-1.25), Some(0.1)]),
            (per("5m"), [None, Some(600.0), None, Some(-375.0), Some(30.0)]),
        ] {
            let mut run = Run::default();
            let mut start = 0;
            let found = values.map(|value| {
                start += 10_000;
                run.next(along, start, value)
            });
            assert_eq!(found, expected, "{along:?}");
        }
        let mut reset = Run::default();
        let found = [9.0, 4.0].map(|value| reset.next(Along::CounterRate, 0, Some(value)));
        assert_eq!(found, [None, Some(4.0)]);
    }
}
