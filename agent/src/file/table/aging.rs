//! What time brings: files that were renamed or deleted become quiet, grace ends, what is held open is bounded.

use super::{Notice, Table};
use crate::ack::Loss;
use crate::discovery::scan::modified_ns;
use crate::file::FileKey;
use crate::file::source::Compression;
use crate::file::tailed::{Awaits, Identity, Standing};
use std::time::{Duration, Instant};

/// How long a finished file must be quiet before its unterminated tail becomes an event.
const FINISH_AFTER: Duration = Duration::from_secs(5);

/// How long a file must be quiet before its last lines are taken for a whole text.
const BLOCK_ENDS_AFTER: Duration = Duration::from_secs(1);

/// How long a file that left the globs, but was not deleted, is kept open after it became quiet.
const DETACHED_FOR: Duration = Duration::from_secs(60);

/// How long the unread rest of a truncated file waits for a copy to bring it.
const COPY_GRACE: Duration = Duration::from_secs(10);

impl Table {
    /// What time brings: files that were renamed or deleted become quiet, grace ends, copies are decided.
    pub fn tick(&mut self, now: Instant) {
        let keys: Vec<FileKey> = self
            .files
            .values()
            .filter(|file| file.rotated || file.has_open_block || !matches!(file.standing, Standing::Present))
            .map(|file| file.key)
            .collect();
        for key in keys {
            self.tick_file(key, now);
        }
        self.bound_held_bytes();
        self.decide(now);
        if self.unfound_since.is_some_and(|since| now - since >= COPY_GRACE) {
            self.unfound_since = None;
            self.write_off_unfound();
        }
    }

    fn tick_file(&mut self, key: FileKey, now: Instant) {
        match self.files[&key].standing {
            Standing::Overwritten { since } => self.tick_overwritten(key, now - since),
            Standing::Detached { .. } => self.tick_detached(key, now),
            Standing::Present => self.finish_tail(key, now),
            Standing::Missing { .. } => {}
        }
    }

    /// Counts what was not read of a file as lost.
    pub(super) fn write_off(&mut self, key: FileKey, reason: Loss) {
        let Some(file) = self.files.get_mut(&key) else { return };
        let bytes = file.unread();
        file.size = file.framed();
        file.unpacked = true;
        if bytes > 0 {
            self.notices.push(Notice::Lost { path: file.path.to_path_buf(), bytes, reason });
        }
    }

    fn tick_overwritten(&mut self, key: FileKey, age: Duration) {
        let Some(file) = self.files.get(&key) else { return };
        let waits_for_copy = file.unread() > 0 && age < COPY_GRACE;
        if waits_for_copy || !file.is_settled() {
            return;
        }
        self.write_off(key, Loss::TruncatedUnread);
        self.retire(key);
    }

    fn tick_detached(&mut self, key: FileKey, now: Instant) {
        let Some(source) = self.handles.get(key) else {
            self.vanish(key);
            return;
        };
        if let Ok(facts) = source.facts() {
            let deleted = std::os::unix::fs::MetadataExt::nlink(&facts) == 0;
            if let Some(Standing::Detached { deleted: known, .. }) =
                self.files.get_mut(&key).map(|file| &mut file.standing)
            {
                *known = deleted;
            }
            self.resize(key, facts.len(), modified_ns(&facts), now);
        }
        self.finish_tail(key, now);
        let Some(file) = self.files.get(&key) else { return };
        let Standing::Detached { deleted, .. } = file.standing else { return };
        let patience = if deleted { FINISH_AFTER } else { DETACHED_FOR };
        let drained = file.unread() == 0 && file.is_settled() && !file.queued;
        if drained && now - file.grown_at >= patience {
            self.notices.push(Notice::Finished(file.path.to_path_buf()));
            self.retire(key);
        }
    }

    /// Decides the end of an unterminated tail by time.
    fn finish_tail(&mut self, key: FileKey, now: Instant) {
        let Some(file) = self.files.get_mut(&key) else { return };
        let quiet = now - file.grown_at;
        if (file.rotated && quiet >= FINISH_AFTER) || (file.has_open_block && quiet >= BLOCK_ENDS_AFTER) {
            self.force_end(key);
        }
    }

    /// Makes the unterminated tail of a file an event that ends where the text ends now.
    pub fn force_end(&mut self, key: FileKey) {
        if matches!(self.files.get(&key).map(|file| &file.identity), Some(Identity::Unknown)) {
            self.decide_unterminated(key);
        }
        let Some(file) = self.files.get_mut(&key) else { return };
        if file.known().is_none() || file.queued || file.next_forced_end().is_some() {
            return;
        }
        let end = match file.compression {
            Compression::Plain => file.size,
            _ if file.unpacked => file.scanned,
            _ => return,
        };
        if end > file.framed() && file.scanned >= end {
            file.forced_ends.push(end);
            if !self.settings.once {
                file.awaits_checkpoint = Awaits::Next;
            }
            file.unpacked = false;
            self.enqueue(key);
        }
    }

    /// Gives up the oldest detached files while they hold more unread bytes or descriptors than allowed.
    fn bound_held_bytes(&mut self) {
        let mut held: Vec<(Instant, FileKey, u64)> = self
            .files
            .values()
            .filter_map(|file| match file.standing {
                Standing::Detached { since, .. } => Some((since, file.key, file.unread())),
                _ => None,
            })
            .collect();
        let mut bytes: u64 = held.iter().map(|(_, _, unread)| unread).sum();
        // A quarter of the descriptors stays for files that still have a name.
        let mut excess = held.len().saturating_sub(self.settings.open_files.div_ceil(4) * 3);
        held.sort();
        for (_, key, unread) in held {
            if bytes <= self.settings.held_bytes && excess == 0 {
                return;
            }
            bytes -= unread;
            excess = excess.saturating_sub(1);
            self.write_off(key, Loss::HeldFilesLimit);
            self.handles.close(key);
            self.retire(key);
        }
    }
}
