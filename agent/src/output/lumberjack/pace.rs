//! How many events a window may hold: few at first, twice as many after each that was taken whole.

/// Events of the first window of an output that has just started or failed.
const FIRST: usize = 64;

/// Slow start. It also narrows a window that is refused down to the one event it is refused for.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    limit: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { limit: FIRST }
    }
}

impl Pace {
    /// Most events of the next window.
    pub fn limit(self) -> usize {
        self.limit
    }

    /// A window of `count` events was taken.
    pub fn grow(&mut self, count: usize) {
        // Small windows prove nothing.
        if count >= self.limit {
            self.limit = self.limit.saturating_mul(2);
        }
    }

    /// The connection was lost, whatever for: start slowly again.
    pub fn restart(&mut self) {
        self.limit = self.limit.min(FIRST);
    }

    /// No window is refused any more: what made them narrow is over.
    pub fn widen(&mut self) {
        self.limit = self.limit.max(FIRST);
    }

    /// A window of `count` events was refused: half of it, at least one.
    pub fn halve(&mut self, count: usize) {
        self.limit = (count / 2).max(1);
    }
}
