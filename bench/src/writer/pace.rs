//! Lines at a steady rate.

use std::time::{Duration, Instant};

/// Tells how many lines are due.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    started: Instant,
    taken: u64,
}

impl Pace {
    /// `rate` lines a second from now on.
    pub fn new(rate: u64) -> Self {
        Self { rate, started: Instant::now(), taken: 0 }
    }

    /// Sleeps until at least one line is due and takes all that are, at most a second's worth.
    pub fn wait(&mut self) -> u64 {
        let next = Duration::from_secs_f64((self.taken + 1) as f64 / self.rate.max(1) as f64);
        // Below a millisecond sleeping costs more than the lines: let a few come together.
        let pause = next.saturating_sub(self.started.elapsed()).max(Duration::from_micros(500));
        std::thread::sleep(pause);
        let due = (self.started.elapsed().as_secs_f64() * self.rate as f64) as u64;
        let count = due.saturating_sub(self.taken).min(self.rate.max(1));
        self.taken += count;
        count
    }
}
