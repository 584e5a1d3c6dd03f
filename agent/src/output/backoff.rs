//! How long to wait before the next try.

use std::time::Duration;

/// First and longest delay.
#[derive(Debug, Clone, Copy)]
pub struct Delays {
    /// After the first failure. Default 100 ms.
    pub first: Duration,
    /// After many failures, and most that is granted to a server that asks for one. Default 5 s.
    pub max: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), max: Duration::from_secs(5) }
    }
}

/// Doubling delays with jitter. No clock: it only says how long.
///
/// The n-th delay in a row lies between half and all of `first · 2ⁿ`, never above `max`.
#[derive(Debug, Clone)]
pub struct Backoff {
    delays: Delays,
    failures: u32,
    random: u64,
}

impl Backoff {
    /// Equal seeds give equal delays.
    pub fn new(delays: Delays, seed: u64) -> Self {
        Self { delays, failures: 0, random: seed | 1 }
    }

    /// Counts a failure and says how long to wait.
    pub fn next_delay(&mut self) -> Duration {
        let Delays { first, max } = self.delays;
        let full = first.saturating_mul(1 << self.failures.min(20)).min(max);
        self.failures = self.failures.saturating_add(1);
        full / 2 + (full / 2).mul_f64(self.fraction())
    }

    /// As [`Self::next_delay`], but no shorter than what the server asked for, which counts up to `max`.
    pub fn next_delay_after(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.next_delay();
        asked.map_or(own, |asked| asked.min(self.delays.max).max(own))
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked: the next delay is the first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// xorshift64: enough to keep agents from knocking in step.
    fn fraction(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_delay_is_between_half_and_all_of_its_step_and_never_above_the_cap(seed: u64, steps in 1u32..100) {
            let Delays { first, max } = Delays::default();
            let mut backoff = Backoff::new(Delays { first, max }, seed);
            for step in 0..steps {
                let full = first.saturating_mul(1 << step.min(20)).min(max);
                let delay = backoff.next_delay();
                prop_assert!(delay >= full / 2 && delay <= full, "step {}: {:?}", step, delay);
            }
            backoff.reset();
            prop_assert!(backoff.next_delay() <= first);
        }

        #[test]
        fn what_the_server_asks_for_is_honoured_up_to_the_cap(seed: u64, asked_ms in 0u64..100_000_000) {
            let delays = Delays::default();
            let asked = Duration::from_millis(asked_ms);
            let delay = Backoff::new(delays, seed).next_delay_after(Some(asked));
            prop_assert!(delay >= asked.min(delays.max) && delay <= delays.max);
        }
    }
}
