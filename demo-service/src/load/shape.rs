//! How many users there are at a moment and when requests are due: functions of time, without a clock.

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// How the number of users goes over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// From none to all of them, linearly.
    Ramp,
    /// The same, times the peak height in each peak.
    RampPeaks,
    /// All of them from the start, times the peak height in each peak.
    SteadyPeaks,
}

impl Profile {
    /// Its name, as in `--profile` and in the header `x-load-profile`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::RampPeaks => "ramp-peaks",
            Self::SteadyPeaks => "steady-peaks",
        }
    }

    fn climbs(self) -> bool {
        self != Self::SteadyPeaks
    }
}

/// The peaks of a profile: one in the middle of every period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peaks {
    /// Users in a peak as a multiple of those around it.
    pub height: f64,
    /// How long one lasts. Shorter than the period.
    #[serde(serialize_with = "seconds")]
    pub length: Duration,
    /// From the middle of one to the middle of the next.
    #[serde(serialize_with = "seconds")]
    pub period: Duration,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// A profile with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// How users come and go.
    pub profile: Profile,
    /// All users, outside peaks.
    pub users: f64,
    /// Length of the run; nothing is due at or after its end.
    pub duration: Duration,
    /// Ignored by [`Profile::Ramp`].
    pub peaks: Peaks,
}

impl Shape {
    /// Users at `at`, peaks included.
    pub fn users_at(&self, at: Duration) -> f64 {
        let base = if self.profile.climbs() {
            self.users * at.as_secs_f64() / self.duration.as_secs_f64()
        } else {
            self.users
        };
        base * if self.in_peak(at) { self.peaks.height } else { 1.0 }
    }

    /// What the run is doing at `at`: `ramp`, `steady` or `peak`; the header `x-load-phase`.
    pub fn phase_at(&self, at: Duration) -> &'static str {
        match (self.in_peak(at), self.profile.climbs()) {
            (true, _) => "peak",
            (false, true) => "ramp",
            (false, false) => "steady",
        }
    }

    /// Most users there are at any moment.
    pub fn users_max(&self) -> f64 {
        self.users * if self.profile == Profile::Ramp { 1.0 } else { self.peaks.height.max(1.0) }
    }

    /// The moments requests are due in the open model, where every user starts one per `think`.
    ///
    /// The number due by any moment is the integral of users / think time up to it, rounded to the nearest.
    pub fn arrivals(self, think: Duration) -> Arrivals {
        let think = think.as_secs_f64();
        Arrivals { shape: self, think, due: think / 2.0, stretch: 0, passed: 0.0 }
    }

    fn in_peak(&self, at: Duration) -> bool {
        let period = self.peaks.period.as_secs_f64();
        let from_middle = (at.as_secs_f64() % period - period / 2.0).abs();
        self.profile != Profile::Ramp && from_middle < self.peaks.length.as_secs_f64() / 2.0
    }

    /// Start of the `n`-th stretch of time between or in peaks, in seconds; odd ones are peaks.
    fn edge(&self, n: u32) -> f64 {
        let (period, length) = (self.peaks.period.as_secs_f64(), self.peaks.length.as_secs_f64());
        let edge = match n {
            0 => 0.0,
            _ if self.profile == Profile::Ramp => f64::INFINITY,
            _ if n % 2 == 1 => f64::from(n / 2) * period + (period - length) / 2.0,
            _ => f64::from(n / 2 - 1) * period + (period + length) / 2.0,
        };
        edge.min(self.duration.as_secs_f64())
    }

    /// User seconds from the start to `seconds`, peaks left out.
    fn area(&self, seconds: f64) -> f64 {
        match self.profile.climbs() {
            true => self.users * seconds * seconds / (2.0 * self.duration.as_secs_f64()),
            false => self.users * seconds,
        }
    }

    /// The inverse of [`Self::area`].
    fn reach(&self, area: f64) -> f64 {
        match self.profile.climbs() {
            true => (2.0 * area * self.duration.as_secs_f64() / self.users).sqrt(),
            false => area / self.users,
        }
    }
}

/// The schedule of an open model, in order.
#[derive(Debug)]
pub struct Arrivals {
    shape: Shape,
    think: f64,
    /// User seconds at which the next request is due.
    due: f64,
    stretch: u32,
    /// User seconds before the current stretch.
    passed: f64,
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let (start, end) = (self.shape.edge(self.stretch), self.shape.edge(self.stretch + 1));
            if start >= self.shape.duration.as_secs_f64() {
                return None;
            }
            let factor = if self.stretch % 2 == 1 { self.shape.peaks.height } else { 1.0 };
            let before = self.shape.area(start);
            let passed = self.passed + factor * (self.shape.area(end) - before);
            if self.due < passed {
                let at = self.shape.reach(before + (self.due - self.passed) / factor);
                self.due += self.think;
                return Some(Duration::from_secs_f64(at.min(end)));
            }
            self.passed = passed;
            self.stretch += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(profile: Profile, users: f64, duration: f64, height: f64, length: f64, period: f64) -> Shape {
        let seconds = Duration::from_secs_f64;
        let peaks = Peaks { height, length: seconds(length), period: seconds(period) };
        Shape { profile, users, duration: seconds(duration), peaks }
    }

    /// The integral of the users between two moments by the midpoint rule, which knows nothing of stretches.
    fn integral(shape: &Shape, from: f64, to: f64) -> f64 {
        const STEPS: u32 = 2_000;
        let step = (to - from) / f64::from(STEPS);
        let moments = (0..STEPS).map(|n| Duration::from_secs_f64(from + (f64::from(n) + 0.5) * step));
        moments.map(|at| shape.users_at(at)).sum::<f64>() * step
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let profile = prop_oneof![Just(Profile::Ramp), Just(Profile::RampPeaks), Just(Profile::SteadyPeaks)];
        (profile, 1.0..200.0, 1.0..30.0, 0.0..8.0, 0.1..0.9, 0.5..20.0).prop_map(
            |(profile, users, duration, height, share, period)| {
                shape(profile, users, duration, height, share * period, period)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arrivals_of_each_second_are_the_integral_of_the_rate(shape in any_shape(), think in 0.05..3.0) {
            let duration = shape.duration.as_secs_f64();
            let arrivals: Vec<f64> =
                shape.arrivals(Duration::from_secs_f64(think)).map(|at| at.as_secs_f64()).collect();
            prop_assert!(arrivals.is_sorted());
            prop_assert!(arrivals.last().is_none_or(|last| *last <= duration));
            let mut from = 0.0;
            while from < duration {
                let to = f64::min(from + 1.0, duration);
                let counted = arrivals.iter().filter(|at| (from..to).contains(*at)).count() as f64;
                let expected = integral(&shape, from, to) / think;
                // Rounding at both ends, and the steps at the edges of a peak.
                let slack = 1.0 + 0.005 * shape.users_max() / think;
                prop_assert!((counted - expected).abs() <= slack, "{from}..{to}: {counted}, not {expected}");
                from = to;
            }
        }

        #[test]
        fn never_more_users_than_the_most(shape in any_shape(), at in 0.0..1.0) {
            let users = shape.users_at(shape.duration.mul_f64(at));
            prop_assert!(users >= 0.0 && users <= shape.users_max() * 1.000_001);
        }
    }

    #[test]
    fn a_ramp_ends_with_all_users_and_starts_half_of_what_a_steady_run_would() {
        let ramp = shape(Profile::Ramp, 100.0, 60.0, 3.0, 5.0, 20.0);
        assert_eq!(ramp.users_at(Duration::ZERO), 0.0);
        assert_eq!(ramp.users_at(Duration::from_secs(30)), 50.0);
        assert_eq!(ramp.users_at(Duration::from_secs(60)), 100.0);
        assert_eq!(ramp.phase_at(Duration::from_secs(10)), "ramp");
        assert_eq!(ramp.arrivals(Duration::from_secs(1)).count(), 3_000);
    }

    #[test]
    fn peaks_stand_in_the_middle_of_their_period() {
        let steady = shape(Profile::SteadyPeaks, 10.0, 60.0, 4.0, 5.0, 20.0);
        for (at, users, phase) in
            [(0.0, 10.0, "steady"), (7.4, 10.0, "steady"), (7.6, 40.0, "peak"), (12.4, 40.0, "peak")]
        {
            let at = Duration::from_secs_f64(at);
            assert_eq!((steady.users_at(at), steady.phase_at(at)), (users, phase), "at {at:?}");
        }
        // 60 s of 10 users, and 30 more of them in three peaks of 5 s.
        assert_eq!(steady.arrivals(Duration::from_secs(1)).count(), 600 + 450);
    }

    #[test]
    fn a_peak_of_a_ramp_grows_with_it() {
        let ramp = shape(Profile::RampPeaks, 60.0, 60.0, 2.0, 5.0, 20.0);
        assert_eq!(ramp.users_at(Duration::from_secs(10)), 20.0);
        assert_eq!(ramp.users_at(Duration::from_secs(30)), 60.0);
        assert_eq!(ramp.users_at(Duration::from_secs(40)), 40.0);
    }

    #[test]
    fn a_peak_of_height_nothing_is_a_pause() {
        let pause = shape(Profile::SteadyPeaks, 10.0, 10.0, 0.0, 5.0, 10.0);
        let in_pause =
            |at: &Duration| (Duration::from_millis(2_500)..Duration::from_millis(7_500)).contains(at);
        assert_eq!(pause.arrivals(Duration::from_secs(1)).filter(in_pause).count(), 0);
    }
}
