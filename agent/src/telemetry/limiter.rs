//! How often one message may repeat.

use std::collections::HashMap;
use std::time::Duration;

/// How many in a row pass at once.
const BURST: u32 = 10;

/// Behind the burst, one passes in so long a time.
const EVERY: Duration = Duration::from_secs(10);

/// Most messages told apart; the next ones share one budget.
const KEYS_MAX: usize = 1024;

/// Whether a message may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Yes; so many of its kind were held back since the last one.
    Yes {
        /// Held back.
        suppressed: u64,
    },
    /// No.
    No,
}

/// A budget for each kind of message: ten at once, then one in ten seconds. At most 1024 kinds are told apart, so all of
/// them together are bounded too. No clock: times are since any fixed moment.
#[derive(Debug, Default)]
pub struct Limiter {
    budgets: HashMap<u64, Budget>,
    /// When full budgets were last forgotten.
    swept: Option<Duration>,
}

#[derive(Debug)]
struct Budget {
    left: u32,
    refilled: Duration,
    suppressed: u64,
}

impl Limiter {
    /// Asks for one message of the kind `key`.
    pub fn pass(&mut self, key: u64, now: Duration) -> Pass {
        let key = self.room_for(key, now);
        let budget = self.budgets.entry(key).or_insert(Budget { left: BURST, refilled: now, suppressed: 0 });
        budget.refill(now);
        if budget.left == 0 {
            budget.suppressed += 1;
            return Pass::No;
        }
        budget.left -= 1;
        Pass::Yes { suppressed: std::mem::take(&mut budget.suppressed) }
    }

    /// The key itself, or 0, the budget that all share for which there is no room.
    fn room_for(&mut self, key: u64, now: Duration) -> u64 {
        if self.budgets.len() < KEYS_MAX || self.budgets.contains_key(&key) {
            return key;
        }
        if self.swept.is_none_or(|swept| now.saturating_sub(swept) >= EVERY) {
            self.swept = Some(now);
            self.budgets.retain(|_, budget| !budget.is_full(now));
        }
        if self.budgets.len() < KEYS_MAX { key } else { 0 }
    }
}

impl Budget {
    fn refill(&mut self, now: Duration) {
        let gained = (now.saturating_sub(self.refilled).as_millis() / EVERY.as_millis()) as u32;
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(BURST);
            self.refilled = now;
        }
    }

    /// Nothing is remembered that a new budget would not say as well.
    fn is_full(&self, now: Duration) -> bool {
        self.suppressed == 0 && now.saturating_sub(self.refilled) >= EVERY * (BURST - self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(limiter: &mut Limiter, key: u64, from: u64, seconds: u64, per_second: u64) -> u64 {
        let moments =
            (0..seconds * per_second).map(|n| Duration::from_millis(from * 1000 + n * 1000 / per_second));
        moments.filter(|now| limiter.pass(key, *now) != Pass::No).count() as u64
    }

    #[test]
    fn a_noisy_hour_is_bounded_and_others_are_not_starved() {
        let mut limiter = Limiter::default();
        let noisy = passed(&mut limiter, 1, 0, 3600, 100);
        assert!((300..=400).contains(&noisy), "{noisy}");
        assert_eq!(limiter.pass(2, Duration::from_secs(3600)), Pass::Yes { suppressed: 0 });
    }

    #[test]
    fn what_was_held_back_is_told_once() {
        let mut limiter = Limiter::default();
        assert_eq!(passed(&mut limiter, 1, 0, 1, 30), 10);
        assert_eq!(limiter.pass(1, Duration::from_secs(10)), Pass::Yes { suppressed: 20 });
        assert_eq!(limiter.pass(1, Duration::from_secs(20)), Pass::Yes { suppressed: 0 });
    }

    #[test]
    fn many_kinds_share_one_budget_in_the_end() {
        let mut limiter = Limiter::default();
        let passed = (0..1_000_000u64).filter(|key| limiter.pass(*key, Duration::ZERO) != Pass::No).count();
        assert!(passed <= KEYS_MAX + BURST as usize, "{passed}");
        assert!(limiter.budgets.len() <= KEYS_MAX + 1);
    }
}
