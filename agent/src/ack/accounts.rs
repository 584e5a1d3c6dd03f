//! What became of every event: the balance an operator can check.
//!
//! `read = delivered + duplicate + dead_lettered + filtered + lost + pending`, in events, at every moment. Bytes that were
//! never cut into lines (a file truncated or deleted first) are in no event; they are counted in bytes with the reason.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The account an event ends in, unless it is lost: see [`Accounts::lose`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Stored by the server, now or in an earlier try.
    Delivered,
    /// Suppressed: the server has it from before.
    Duplicate,
    /// Refused for good and kept in the dead-letter file.
    DeadLettered,
    /// Dropped by a processor the operator configured.
    Filtered,
}

/// Why something is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The file was truncated or rewritten before these bytes were read.
    TruncatedUnread,
    /// The file was deleted, and its descriptor could not be kept until these bytes were read.
    DeletedUnread,
    /// The file was seen in a directory and gone before it could be opened.
    DeletedBeforeOpen,
    /// Rotated or deleted files held open exceeded `limits.held_files`; the oldest was let go.
    HeldFilesLimit,
    /// The rest of a compressed file does not decompress.
    DamagedCompression,
}

impl Loss {
    /// Every reason, in the order of [`Counts::lost`].
    pub const ALL: [Self; 5] = [
        Self::TruncatedUnread,
        Self::DeletedUnread,
        Self::DeletedBeforeOpen,
        Self::HeldFilesLimit,
        Self::DamagedCompression,
    ];

    /// The reason as a metric label.
    pub fn name(self) -> &'static str {
        match self {
            Self::TruncatedUnread => "truncated_unread",
            Self::DeletedUnread => "deleted_unread",
            Self::DeletedBeforeOpen => "deleted_before_open",
            Self::HeldFilesLimit => "held_files_limit",
            Self::DamagedCompression => "damaged_compression",
        }
    }
}

/// What one reason has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// How often it happened: files or descriptors, also where the size of the loss is unknown.
    pub times: u64,
    /// Events that had been read.
    pub events: u64,
    /// Bytes, of those events and of what was never read.
    pub bytes: u64,
}

/// The accounts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events cut out of files.
    pub read: u64,
    /// Events stored by the server.
    pub delivered: u64,
    /// Events the server had from before.
    pub duplicate: u64,
    /// Events kept in the dead-letter file.
    pub dead_lettered: u64,
    /// Events dropped by configured processors.
    pub filtered: u64,
    /// Events whose fate is open.
    pub pending: u64,
    /// Losses, in the order of [`Loss::ALL`].
    pub lost: [Lost; Loss::ALL.len()],
    /// Bytes of the events read, terminators and empty lines included.
    pub bytes_read: u64,
    /// Of the delivered: put into the data stream's failure store.
    pub failure_store: u64,
    /// Events sent again under a new generation because their id was taken.
    pub id_collisions: u64,
}

impl Counts {
    /// Lost events of all reasons.
    pub fn lost_events(&self) -> u64 {
        self.lost.iter().map(|lost| lost.events).sum()
    }

    /// Lost bytes of all reasons.
    pub fn lost_bytes(&self) -> u64 {
        self.lost.iter().map(|lost| lost.bytes).sum()
    }

    /// What one reason has cost.
    pub fn lost_by(&self, loss: Loss) -> Lost {
        self.lost[loss as usize]
    }

    /// Whether every event read is in exactly one account.
    pub fn balanced(&self) -> bool {
        let settled =
            self.delivered + self.duplicate + self.dead_lettered + self.filtered + self.lost_events();
        self.read == settled + self.pending
    }
}

/// The accounts of a running agent, shared by its threads.
///
/// One lock, taken once a chunk or settlement and held for a few additions, so a snapshot is always of one moment.
#[derive(Debug, Default)]
pub struct Accounts {
    counts: Mutex<Counts>,
}

impl Accounts {
    /// All zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The accounts now.
    pub fn snapshot(&self) -> Counts {
        *self.counts()
    }

    /// `events` were cut out of a file, `bytes` of it consumed. They are pending from now on.
    pub fn read(&self, events: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.read += events;
        counts.pending += events;
        counts.bytes_read += bytes;
    }

    /// `events` pending events found their end.
    pub fn settle(&self, outcome: Outcome, events: u64) {
        let mut counts = self.counts();
        counts.unpend(events);
        match outcome {
            Outcome::Delivered => counts.delivered += events,
            Outcome::Duplicate => counts.duplicate += events,
            Outcome::DeadLettered => counts.dead_lettered += events,
            Outcome::Filtered => counts.filtered += events,
        }
    }

    /// `events` were read but go back: they will be read again under another id.
    pub fn take_back(&self, events: u64) {
        let mut counts = self.counts();
        counts.read = counts.read.saturating_sub(events);
        counts.pending = counts.pending.saturating_sub(events);
    }

    /// `bytes` are lost, `events` of them pending events; 0 where they were never cut into lines.
    pub fn lose(&self, loss: Loss, events: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.unpend(events);
        let lost = &mut counts.lost[loss as usize];
        lost.times += 1;
        lost.events += events;
        lost.bytes += bytes;
    }

    /// Of the delivered events, so many went to the failure store.
    pub fn failure_store(&self, events: u64) {
        self.counts().failure_store += events;
    }

    /// So many events met a taken id. They stay pending.
    pub fn id_collisions(&self, events: u64) {
        self.counts().id_collisions += events;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // The counters are whole between any two statements, so a thread that died holding the lock left them sound.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn unpend(&mut self, events: u64) {
        debug_assert!(events <= self.pending, "{events} events settled, only {} pending", self.pending);
        self.pending = self.pending.saturating_sub(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn loss_reasons_index_their_own_account() {
        for (place, loss) in Loss::ALL.into_iter().enumerate() {
            assert_eq!(loss as usize, place);
            let accounts = Accounts::new();
            accounts.lose(loss, 0, 7);
            assert_eq!(accounts.snapshot().lost[place], Lost { times: 1, events: 0, bytes: 7 });
            assert_eq!(accounts.snapshot().lost_by(loss).bytes, 7);
        }
    }

    #[test]
    fn unread_bytes_are_counted_without_events() {
        let accounts = Accounts::new();
        accounts.read(2, 100);
        accounts.lose(Loss::TruncatedUnread, 0, 4096);
        let counts = accounts.snapshot();
        assert!(counts.balanced());
        assert_eq!((counts.pending, counts.lost_events(), counts.lost_bytes()), (2, 0, 4096));
    }

    #[test]
    fn an_event_without_account_unbalances_the_books() {
        let counts = Counts { read: 3, delivered: 1, pending: 1, ..Counts::default() };
        assert!(!counts.balanced());
    }

    proptest! {
        /// P1: the balance holds after every step, whatever the steps.
        #[test]
        fn accounts_balance_after_every_step(steps in proptest::collection::vec((0usize..10, 1u64..50), 1..200)) {
            let accounts = Accounts::new();
            for (step, events) in steps {
                let events = if step == 0 { events } else { events.min(accounts.snapshot().pending) };
                match step {
                    0 => accounts.read(events, events * 80),
                    1 => accounts.settle(Outcome::Delivered, events),
                    2 => accounts.settle(Outcome::Duplicate, events),
                    3 => accounts.settle(Outcome::DeadLettered, events),
                    4 => accounts.settle(Outcome::Filtered, events),
                    loss => accounts.lose(Loss::ALL[loss - 5], events, events * 80),
                }
                prop_assert!(accounts.snapshot().balanced());
            }
        }
    }
}
