//! What the checkpoint is told of the files, and what it keeps of those that are gone.

use super::{Notice, Place, Table, unix_time};
use crate::ack::Loss;
use crate::checkpoint::{FileState, Generation};
use crate::file::FileKey;
use crate::file::source::Compression;
use crate::file::tailed::{Awaits, Standing, Tailed};
use std::os::unix::fs::MetadataExt;

impl Table {
    /// Everything that has to survive a restart; `now` in seconds since 1970.
    pub fn records(&self, now_unix_s: u64) -> Vec<Generation> {
        let live = self.files.values().filter_map(|file| self.record(file, now_unix_s));
        live.chain(self.remembered.iter().cloned()).collect()
    }

    /// Durably stored up to here.
    pub fn checkpointed(&mut self, records: &[(FileKey, u64)]) {
        for (key, settled) in records {
            if let Some(file) = self.files.get_mut(key) {
                file.checkpointed = *settled;
            }
        }
        self.shift_awaits(|awaits| match awaits {
            Awaits::Running | Awaits::RunningIfPossible => Awaits::Nothing,
            other => other,
        });
    }

    /// The records were taken: what waits for a durable checkpoint is in this one.
    pub fn checkpoint_begun(&mut self) {
        self.shift_awaits(|awaits| match awaits {
            Awaits::Next => Awaits::Running,
            Awaits::NextIfPossible => Awaits::RunningIfPossible,
            other => other,
        });
    }

    /// It was not stored.
    pub fn checkpoint_failed(&mut self) {
        self.shift_awaits(|awaits| match awaits {
            Awaits::Running => Awaits::Next,
            Awaits::RunningIfPossible => Awaits::Nothing,
            other => other,
        });
    }

    fn shift_awaits(&mut self, shift: impl Fn(Awaits) -> Awaits) {
        for file in self.files.values_mut().filter(|file| file.awaits_checkpoint != Awaits::Nothing) {
            file.awaits_checkpoint = shift(file.awaits_checkpoint);
        }
    }

    /// The settled offset of every file, to be confirmed once stored.
    pub fn settled_offsets(&self) -> Vec<(FileKey, u64)> {
        self.files.values().map(|file| (file.key, file.ledger.settled())).collect()
    }

    /// Forgets files gone for longer than the retention.
    pub fn forget_expired(&mut self, now_unix_s: u64) {
        self.remembered.expire(now_unix_s, self.settings.retention);
    }

    /// Counts what the former process had seen and not sent of files that were deleted or cut before this one could read it.
    ///
    /// Only where the directory is there, on the device it was on: a volume that is not mounted may come back.
    pub(super) fn write_off_unfound(&mut self) {
        let inputs = &self.settings.inputs;
        for record in self.remembered.iter_mut() {
            let bytes = record.size_seen.saturating_sub(record.settled);
            let Some(input) = inputs.iter().position(|input| input.identity == record.input) else {
                continue;
            };
            let place = Place { input, device: record.device, inode: record.inode };
            let undecided = self.by_physical.get(&place).is_some_and(|key| self.files[key].known().is_none());
            if bytes == 0 || undecided || record.compression != Compression::Plain {
                continue;
            }
            let Some(reason) = reason_of_loss(record) else { continue };
            record.size_seen = record.settled;
            self.notices.push(Notice::Lost { path: record.path.clone(), bytes, reason });
        }
    }

    /// A file that is gone and settled becomes a remembered generation.
    pub(super) fn retire(&mut self, key: FileKey) {
        let Some(file) = self.files.get(&key) else { return };
        if !file.is_settled() {
            // Its events are under way; the next look retires it.
            return;
        }
        let record = self.record(file, unix_time().as_secs());
        self.handles.close(key);
        let Some(file) = self.files.remove(&key) else { return };
        let place = Place::of(&file);
        if self.by_physical.get(&place) == Some(&key) {
            self.by_physical.remove(&place);
        }
        let paths = &mut self.by_path[file.input];
        if paths.get(&file.path) == Some(&key) {
            paths.remove(&file.path);
        }
        if let Some(record) = record {
            self.remembered.add(Generation { state: FileState::Gone, ..record });
        }
    }

    fn record(&self, file: &Tailed, now_unix_s: u64) -> Option<Generation> {
        let known = file.known()?;
        let input = &self.settings.inputs[file.input];
        Some(Generation {
            path: file.path.to_path_buf(),
            input: input.identity.clone(),
            device: file.physical.device,
            inode: file.physical.inode,
            birth_ns: file.physical.birth_ns,
            first_line: known.first_line,
            generation: known.generation,
            lineage: known.lineage,
            begin: 0,
            size_seen: file.size,
            settled: file.ledger.settled(),
            ranges: file.ledger.ranges().take(crate::checkpoint::MAX_RANGES).collect(),
            mark: file.settled_mark,
            forced_ends: file.forced_ends.clone(),
            compression: file.compression,
            state: match file.standing {
                Standing::Present | Standing::Missing { .. } => FileState::Live,
                Standing::Detached { .. } | Standing::Overwritten { .. } => FileState::Gone,
            },
            last_seen_unix_s: now_unix_s,
        })
    }
}

fn reason_of_loss(record: &Generation) -> Option<Loss> {
    let directory = std::fs::metadata(record.path.parent()?).ok()?;
    if directory.dev() != record.device {
        return None;
    }
    match std::fs::metadata(&record.path) {
        Ok(facts) if facts.ino() == record.inode => Some(Loss::TruncatedUnread),
        Ok(_) => Some(Loss::DeletedUnread),
        Err(error) if super::is_absent(&error) => Some(Loss::DeletedUnread),
        Err(_) => None,
    }
}
