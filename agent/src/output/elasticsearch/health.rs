//! What recent answers say about one index, and about the size of requests.

use super::bulk::BulkAnswer;
use std::sync::Arc;

/// Requests in a row with one 400 type for nearly all items that mean a broken set-up.
pub const STREAK: u32 = 3;

/// A request of this size is never too large by what was learned from 413s.
const LEAST_LIMIT: u32 = 64 << 10;

/// Requests do not shrink below this, and not above that, by what was learned from 429s.
const LEAST_WINDOW: u32 = 4 << 10;
const MOST_WINDOW: u32 = 64 << 20;

/// What recent answers say about one index.
#[derive(Debug, Default)]
pub struct Health {
    /// The last request with new items stored some of them.
    pub(super) passing: bool,
    /// Requests with a verdict for each item.
    pub(super) accepted: u64,
    /// The 400 type most items got, and in how many requests in a row.
    streak: Option<(Arc<str>, u32)>,
}

/// The request size this server takes, as learned from its answers; lengths are those before compression.
#[derive(Debug, Default, Clone, Copy)]
pub struct SizeLimit {
    /// Smallest request that got a 413.
    refused: Option<u32>,
    /// Halved by 429s, grown by successes: a server can refuse a request for what it would cost just now, or ever.
    window: Option<u32>,
}

impl SizeLimit {
    /// Length from which on requests got a 413.
    pub fn refused(&self) -> Option<u32> {
        self.refused
    }

    /// Length that a request of more than one document stays below.
    pub fn below(&self) -> Option<u32> {
        self.refused.into_iter().chain(self.window).min()
    }

    pub(super) fn too_large(&mut self, raw_len: u32) {
        let learned = raw_len.max(LEAST_LIMIT);
        self.refused = Some(self.refused.map_or(learned, |known| known.min(learned)));
    }

    pub(super) fn is_throttled(&self) -> bool {
        self.window.is_some()
    }

    pub(super) fn throttled(&mut self, raw_len: u32) {
        self.window = Some((raw_len / 2).max(LEAST_WINDOW));
    }

    pub(super) fn worked(&mut self, raw_len: u32) {
        self.window = match self.window {
            // Small requests prove nothing.
            Some(window) if raw_len < window / 2 => Some(window),
            Some(window) => Some(window + window / 4).filter(|window| *window < MOST_WINDOW),
            None => None,
        };
    }
}

impl Health {
    pub(super) fn learn(&mut self, sent: usize, answer: &BulkAnswer, fresh: bool) {
        let conflicts = answer.failures.iter().filter(|failure| failure.status == 409).count();
        let passed = sent - answer.failures.len() + conflicts;
        self.passing = if fresh { passed > 0 } else { self.passing || passed > 0 };
        self.accepted += u64::from(passed > 0);
        match most_common_bad_request(answer) {
            Some((kind, count)) if count * 10 >= sent * 9 => self.extend_streak(kind),
            _ => self.streak = None,
        }
    }

    fn extend_streak(&mut self, kind: &Arc<str>) {
        match &mut self.streak {
            Some((known, requests)) if known == kind => *requests = requests.saturating_add(1),
            streak => *streak = Some((Arc::clone(kind), 1)),
        }
    }

    /// A request with one document was refused with 400 as a whole. True if that means a broken set-up.
    pub(super) fn refused_alone(&mut self, kind: &str) -> bool {
        self.extend_streak(&kind.into());
        self.is_broken_by(kind)
    }

    pub(super) fn is_broken_by(&self, kind: &str) -> bool {
        self.streak.as_ref().is_some_and(|(known, requests)| &**known == kind && *requests >= STREAK)
    }
}

/// The type of most items with 400 and how many have it; exact where it is more than half of them.
fn most_common_bad_request(answer: &BulkAnswer) -> Option<(&Arc<str>, usize)> {
    let kinds =
        || answer.failures.iter().filter(|failure| failure.status == 400).map(|failure| &failure.kind);
    let majority = kinds().fold((None, 0usize), |(majority, votes), kind| match votes {
        0 => (Some(kind), 1),
        _ if majority == Some(kind) => (majority, votes + 1),
        _ => (majority, votes - 1),
    });
    majority.0.map(|majority| (majority, kinds().filter(|kind| *kind == majority).count()))
}
