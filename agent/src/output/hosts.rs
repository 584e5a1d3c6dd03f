//! Which host gets the next request.

use crate::output::backoff::{Backoff, Delays};
use std::time::Duration;

/// The hosts and what is known of them. Times are counted from any fixed moment.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Host>,
    next: usize,
}

#[derive(Debug)]
struct Host {
    backoff: Backoff,
    retry_at: Duration,
    in_flight: u32,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Send it to this host.
    Host(usize),
    /// All hosts are in trouble: wait that long.
    Wait(Duration),
}

impl Hosts {
    /// `count` hosts, at least one, each with delays of its own by `seed`.
    pub fn new(count: usize, delays: Delays, seed: u64) -> Self {
        let host = |number| {
            let backoff = Backoff::new(delays, seed ^ (number as u64 + 1) << 32);
            Host { backoff, retry_at: Duration::ZERO, in_flight: 0 }
        };
        Self { hosts: (0..count.max(1)).map(host).collect(), next: 0 }
    }

    /// The host with the fewest open requests among those that are not in trouble, taking turns. It has one more open
    /// request then, until [`Self::worked`] or [`Self::failed`].
    ///
    /// A host whose wait is over gets one request to show that it is back.
    pub fn pick(&mut self, now: Duration) -> Pick {
        let count = self.hosts.len();
        let turn = |place: usize| (self.next + place) % count;
        let usable = |host: &Host| match host.backoff.failures() {
            0 => true,
            _ => host.retry_at <= now && host.in_flight == 0,
        };
        let best = (0..count)
            .map(turn)
            .filter(|host| usable(&self.hosts[*host]))
            .min_by_key(|host| self.hosts[*host].in_flight);
        match best {
            Some(host) => {
                self.hosts[host].in_flight += 1;
                self.next = (host + 1) % count;
                Pick::Host(host)
            }
            None => Pick::Wait(self.wait(now)),
        }
    }

    fn wait(&self, now: Duration) -> Duration {
        // A host that is being probed; the probe's end is the signal, the wait only bounds it.
        const PROBED: Duration = Duration::from_secs(1);
        let waits = self
            .hosts
            .iter()
            .map(|host| host.retry_at.saturating_sub(now))
            .map(|wait| if wait.is_zero() { PROBED } else { wait });
        waits.min().unwrap_or(PROBED)
    }

    /// The host answered. True if it had been in trouble.
    pub fn worked(&mut self, host: usize) -> bool {
        let host = &mut self.hosts[host];
        host.in_flight = host.in_flight.saturating_sub(1);
        let recovered = host.backoff.failures() > 0;
        host.backoff.reset();
        recovered
    }

    /// The host is in trouble, and asks for a wait or not. True if that is new.
    pub fn failed(&mut self, host: usize, now: Duration, asked: Option<Duration>) -> bool {
        let host = &mut self.hosts[host];
        host.in_flight = host.in_flight.saturating_sub(1);
        // Requests that were open together fail together; they count once.
        if host.backoff.failures() == 0 || host.retry_at <= now {
            host.retry_at = now + host.backoff.next_delay_after(asked);
            return host.backoff.failures() == 1;
        }
        false
    }

    /// The request was given up; nothing is known of the host.
    pub fn abandoned(&mut self, host: usize) {
        self.hosts[host].in_flight = self.hosts[host].in_flight.saturating_sub(1);
    }

    /// Whether any host is not in trouble.
    pub fn any_well(&self) -> bool {
        self.hosts.iter().any(|host| host.backoff.failures() == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn hosts(count: usize) -> Hosts {
        Hosts::new(count, Delays { first: SECOND, max: 5 * SECOND }, 0)
    }

    #[test]
    fn hosts_take_turns_and_a_slow_one_gets_less() {
        let mut hosts = hosts(3);
        for host in [0, 1, 2] {
            assert_eq!(hosts.pick(SECOND), Pick::Host(host));
        }
        hosts.worked(0);
        hosts.worked(2);
        assert_eq!(hosts.pick(SECOND), Pick::Host(0));
        hosts.worked(0);
        assert_eq!(hosts.pick(SECOND), Pick::Host(2), "1 still has an open request");
    }

    #[test]
    fn a_host_in_trouble_is_left_alone_until_its_wait_is_over_then_probed_once() {
        let mut hosts = hosts(2);
        assert_eq!(hosts.pick(Duration::ZERO), Pick::Host(0));
        assert!(hosts.failed(0, Duration::ZERO, Some(3 * SECOND)));
        for _ in 0..4 {
            assert_eq!(hosts.pick(2 * SECOND), Pick::Host(1));
        }
        assert_eq!(hosts.pick(3 * SECOND), Pick::Host(0));
        assert_eq!(hosts.pick(3 * SECOND), Pick::Host(1));
        assert!(hosts.worked(0));
        assert_eq!(hosts.pick(3 * SECOND), Pick::Host(0));
    }

    #[test]
    fn when_all_are_in_trouble_the_wait_is_the_shortest() {
        let mut hosts = hosts(2);
        for (host, asked) in [(0, 4), (1, 2)] {
            assert_eq!(hosts.pick(Duration::ZERO), Pick::Host(host));
            hosts.failed(host, Duration::ZERO, Some(asked * SECOND));
        }
        assert!(!hosts.any_well());
        assert_eq!(hosts.pick(SECOND / 2), Pick::Wait(3 * SECOND / 2));
    }

    #[test]
    fn requests_that_fail_together_count_once() {
        let mut hosts = hosts(1);
        hosts.pick(Duration::ZERO);
        hosts.pick(Duration::ZERO);
        assert!(hosts.failed(0, SECOND, None));
        assert!(!hosts.failed(0, SECOND, None));
        assert!(matches!(hosts.pick(SECOND), Pick::Wait(wait) if wait <= SECOND));
    }
}
