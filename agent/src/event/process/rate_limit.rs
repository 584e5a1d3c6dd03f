//! `rate_limit`: so many events in a time, of each value of a field.

use super::condition::find;
use crate::config::RateLimit;
use crate::event::scan::Node;
use std::collections::HashMap;
use std::time::Instant;

/// Most values counted apart; all further ones share one count.
const MAX_VALUES: usize = 1000;

/// Counts of the running windows.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    windows: HashMap<Box<[u8]>, Window>,
    /// Of the values beyond [`MAX_VALUES`].
    others: Option<Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    admitted: u64,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, windows: HashMap::new(), others: None }
    }

    /// The limit in words.
    pub(super) fn told(&self) -> String {
        let RateLimit { events, per, by } = &self.limit;
        let by = by.as_ref().map(|field| format!(" of each {field}")).unwrap_or_default();
        format!("at most {events} events{by} in {per:?} go on")
    }

    /// Whether one more event is within the limit.
    pub(super) fn admit(&mut self, document: &[u8], nodes: &[Node], now: Instant) -> bool {
        let by = self.limit.by.as_deref().and_then(|field| find(document, nodes, field));
        let value = by.map_or(&b""[..], |node| node.value(document));
        let (events, per) = (self.limit.events, self.limit.per);
        if !self.windows.contains_key(value) && self.windows.len() >= MAX_VALUES {
            self.windows.retain(|_, window| now - window.began < per);
        }
        let fresh = Window { began: now, admitted: 0 };
        let is_counted_apart = self.windows.contains_key(value) || self.windows.len() < MAX_VALUES;
        let window = match is_counted_apart {
            true => self.windows.entry(value.into()).or_insert(fresh),
            false => self.others.get_or_insert(fresh),
        };
        if now - window.began >= per {
            *window = fresh;
        }
        window.admitted += 1;
        window.admitted <= events
    }
}
