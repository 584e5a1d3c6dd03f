//! Whether requests may go to one index.

use crate::output::backoff::Backoff;
use std::time::Duration;

/// Open, or closed until a single request shows that the index takes documents again.
///
/// Times are counted from any fixed moment.
#[derive(Debug)]
pub struct Gate {
    backoff: Backoff,
    open_at: Duration,
    held: Option<String>,
}

/// What ended when a gate opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// Nothing: it was open.
    Was,
    /// The index had been busy.
    Busy,
    /// The index had been held.
    Held,
}

impl Gate {
    /// An open gate; `backoff` says when to try while it is closed.
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, open_at: Duration::ZERO, held: None }
    }

    /// Whether every request may pass.
    pub fn is_open(&self) -> bool {
        self.backoff.failures() == 0
    }

    /// How long the one request that tries has to wait.
    pub fn wait(&self, now: Duration) -> Duration {
        self.open_at.saturating_sub(now)
    }

    /// The index took documents.
    pub fn open(&mut self) -> Opened {
        let opened = match (self.is_open(), self.held.take()) {
            (true, _) => Opened::Was,
            (false, None) => Opened::Busy,
            (false, Some(_)) => Opened::Held,
        };
        self.backoff.reset();
        opened
    }

    /// The index took nothing. True if that is new.
    pub fn close(&mut self, now: Duration) -> bool {
        let new = self.is_open();
        // Requests that were open together fail together; they count once.
        if new || self.open_at <= now {
            self.open_at = now + self.backoff.next_delay();
        }
        new
    }

    /// As [`Self::close`], for a cause that an operator has to remove. True if the cause is new.
    pub fn hold(&mut self, now: Duration, reason: &str) -> bool {
        self.close(now);
        let new = self.held.is_none();
        self.held = Some(reason.to_owned());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::backoff::Delays;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_closed_gate_waits_longer_each_time_and_opens_at_once() {
        let mut gate = Gate::new(Backoff::new(Delays { first: SECOND, max: 5 * SECOND }, 1));
        assert!(gate.is_open() && gate.close(Duration::ZERO) && !gate.is_open());
        let first = gate.wait(Duration::ZERO);
        assert!(!gate.close(Duration::ZERO), "requests that fail together count once");
        assert_eq!(gate.wait(Duration::ZERO), first);
        assert!(gate.hold(first, "403") && !gate.hold(first, "403"));
        assert!(gate.wait(first) >= SECOND);
        assert_eq!(gate.open(), Opened::Held);
        assert_eq!((gate.is_open(), gate.open()), (true, Opened::Was));
    }
}
