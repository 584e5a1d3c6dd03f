//! How far an axis goes, and by which steps, where the steps of ten that ECharts takes are no good ones.

use serde_json::Value as Json;

/// Steps between two lines of an axis, about.
const STEPS: f64 = 4.0;
/// Steps of time, in seconds: below a minute those of ten are good ones.
const SECONDS: [f64; 14] = [
    15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0,
    86_400.0,
];

/// The end of an axis that begins at 0, and its step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) max: f64,
    pub(super) step: f64,
}

impl Scale {
    /// The scale for values up to `top` written in `format`; `None` where ECharts finds one as good.
    pub(super) fn of(top: f64, format: &Json) -> Option<Self> {
        match format["kind"].as_str()? {
            _ if !(top.is_finite() && top >= 0.0) => None,
            // A share of a whole has an end, also where there is none of it.
            "percent" if top == 0.0 || top > 0.5 && top <= 1.0 => Some(Self { max: 1.0, step: 0.25 }),
            _ if top == 0.0 => None,
            "bytes" => Some(Self::up_to(top, binary(top / STEPS))),
            "duration" => {
                let second = 1e9 / format["nanos"].as_f64()?;
                let least = top / STEPS / second;
                let step = SECONDS.iter().find(|step| least > 12.0 && **step >= least)?;
                Some(Self::up_to(top, step * second))
            }
            _ => None,
        }
    }

    /// The scale for values up to `top`, whatever they are.
    pub(super) fn around(top: f64, format: &Json) -> Self {
        Self::of(top, format).unwrap_or_else(|| Self::up_to(top, decimal(top / STEPS)))
    }

    fn up_to(top: f64, step: f64) -> Self {
        Self { max: (top / step).ceil() * step, step }
    }
}

/// The next 1, 2 or 5 of a power of ten.
fn decimal(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= least).unwrap_or(10.0);
    times * power
}

/// The next good number of bytes, kilobytes and so on, which have 1024 of the one before.
fn binary(least: f64) -> f64 {
    let unit = 1024f64.powf(least.max(1.0).log(1024.0).floor());
    let times = decimal((least / unit).max(1.0));
    if times >= 1000.0 { 1024.0 * unit } else { times * unit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_are_round_in_the_unit_that_is_written() {
        let of = |top: f64, format: Json| Scale::of(top, &format).map(|Scale { max, step }| (max, step));
        let mib = 1024.0 * 1024.0;
        let bytes = || json!({"kind": "bytes"});
        assert_eq!(of(22.0 * mib, bytes()), Some((30.0 * mib, 10.0 * mib)));
        assert_eq!(of(3.5 * 1024.0 * mib, bytes()), Some((4.0 * 1024.0 * mib, 1024.0 * mib)));
        assert_eq!(of(3.0, bytes()), Some((3.0, 1.0)));
        let millis = || json!({"kind": "duration", "nanos": 1e6});
        assert_eq!(of(100_000.0, millis()), Some((120_000.0, 30_000.0)));
        assert_eq!(of(40_000.0, millis()), None, "steps of ten seconds are good ones");
        let percent = || json!({"kind": "percent"});
        assert_eq!(of(1.0, percent()), Some((1.0, 0.25)));
        assert_eq!(of(0.0, percent()), Some((1.0, 0.25)));
        assert_eq!(of(1.2, percent()), None, "more than one core");
        for (top, format) in [(0.0, bytes()), (f64::NAN, bytes()), (7.0, json!({"kind": "number"}))] {
            assert_eq!(of(top, format), None);
        }
    }

    #[test]
    fn what_has_no_steps_of_its_own_has_those_of_ten() {
        let around = |top: f64| Scale::around(top, &json!({"kind": "number"}));
        assert_eq!(around(11.0), Scale { max: 15.0, step: 5.0 });
        assert_eq!(around(4.4), Scale { max: 6.0, step: 2.0 });
    }
}
