//! Checkpoints on disk: two slots, replaced one after the other.
//!
//! A save writes `checkpoint.tmp`, syncs it, renames it over the slot that does not hold the newest checkpoint, and syncs the
//! directory; only then is the checkpoint saved. At every moment one slot holds the newest saved checkpoint untouched, so a
//! crash, a power cut or a full disk at any of these calls leaves that one or the new one. The highest sequence number of a
//! valid slot wins; clocks play no part.
//!
//! Assumed of the disk: what was synced stays, a rename shows the old or the new file and never a mixture, a sync that
//! fails is reported. Not assumed: that a rename survives without the sync of the directory (ext4 brings the old file back),
//! or that an unsynced file has any content.
//!
//! A slot that is damaged is renamed to `damaged-N` and reported; the last [`MAX_DAMAGED`] are kept for whoever wants to
//! look. If no slot is valid, the caller must read all files from their beginning, also those of inputs with `read_from:
//! end`: ids absorb the repeats, while starting at the end would lose lines silently.

use super::directory::{MAX_STATE_FILE, StateError};
use super::format::{self, FormatError};
use super::model::Checkpoint;
use std::io;
use std::path::PathBuf;
use xxhash_rust::xxh3::xxh3_64;

/// Most damaged files kept aside.
pub const MAX_DAMAGED: usize = 8;

const SLOTS: [&str; 2] = ["checkpoint.0", "checkpoint.1"];
const TEMPORARY: &str = "checkpoint.tmp";
const DAMAGED: &str = "damaged-";

/// The few things a store does to a directory: the real one, or a double that fails and freezes at will.
pub trait Storage {
    /// A file being written.
    type File: StorageFile;

    /// Refuses a name behind which is not a plain file of our own.
    fn check(&self, name: &str) -> Result<(), StateError>;
    /// For messages.
    fn path_of(&self, name: &str) -> PathBuf;
    /// All bytes of a file, `None` where it is absent; more than [`MAX_STATE_FILE`] are cut.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// A new, empty file in place of any other of that name.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;
    /// Gives a file another name, in place of any other of that name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes names durable.
    fn sync(&mut self) -> io::Result<()>;
    /// All names.
    fn names(&mut self) -> io::Result<Vec<String>>;
}

/// A file of a [`Storage`] being written.
pub trait StorageFile {
    /// Appends all bytes.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// What was found at the start.
#[derive(Debug)]
pub enum Loaded {
    /// Nothing: the first start with this directory.
    Fresh,
    /// The newest checkpoint. `damage`: the other slot was no good, so this may be the older of the two.
    Found {
        /// The checkpoint.
        checkpoint: Box<Checkpoint>,
        /// The slot that was set aside.
        damage: Option<Damage>,
    },
    /// Only damage. Every file has to be read from its beginning, `read_from` notwithstanding.
    Lost {
        /// What was set aside.
        damage: Vec<Damage>,
    },
}

/// A slot that was no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The slot.
    pub path: PathBuf,
    /// Where it is kept now; `None` if it could not be renamed.
    pub kept_as: Option<PathBuf>,
    /// What is wrong with it.
    pub reason: String,
}

/// What a save came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Durable under this sequence number.
    Written {
        /// The number.
        sequence: u64,
        /// Size in bytes.
        bytes: usize,
    },
    /// The last saved checkpoint says the same; nothing was written.
    Unchanged,
}

/// A checkpoint was not saved. The one before it is intact; try again later.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// A call failed.
    #[error("cannot {action} checkpoint file `{}`; free disk space or repair the disk, saving is tried again by itself",
        .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It would not be read again.
    #[error("the checkpoint has {bytes} bytes, more than {MAX_STATE_FILE}; give the inputs fewer files")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Two slots in a [`Storage`].
#[derive(Debug)]
pub struct Store<S> {
    storage: S,
    /// Sequence number of the newest checkpoint tried; 0 before the first.
    sequence: u64,
    /// Slot the next checkpoint goes to: the one without the newest saved.
    next_slot: usize,
    /// Hash of the content last saved.
    saved_content: Option<u64>,
    buffer: Vec<u8>,
}

/// One slot as found.
enum Slot {
    Absent,
    Valid(Box<Checkpoint>, u64),
    Damaged(String),
}

impl<S: Storage> Store<S> {
    /// Reads both slots and sets damaged ones aside.
    ///
    /// Fails where the operator has to act: a newer version, something that is not a plain file, no permission.
    pub fn open(storage: S) -> Result<(Self, Loaded), StateError> {
        let mut store = Self { storage, sequence: 0, next_slot: 1, saved_content: None, buffer: Vec::new() };
        let slots = [store.read_slot(0)?, store.read_slot(1)?];
        let mut damage = Vec::new();
        let mut newest: Option<Box<Checkpoint>> = None;
        for (number, slot) in slots.into_iter().enumerate() {
            match slot {
                Slot::Absent => {}
                Slot::Damaged(reason) => damage.push(store.set_aside(SLOTS[number], reason)),
                Slot::Valid(checkpoint, content) => {
                    if newest.as_ref().is_none_or(|newest| newest.sequence < checkpoint.sequence) {
                        store.sequence = checkpoint.sequence;
                        store.next_slot = 1 - number;
                        store.saved_content = Some(content);
                        newest = Some(checkpoint);
                    }
                }
            }
        }
        let loaded = match newest {
            Some(checkpoint) => Loaded::Found { checkpoint, damage: damage.pop() },
            None => {
                if damage.is_empty() {
                    damage = store.set_aside_before();
                }
                if damage.is_empty() { Loaded::Fresh } else { Loaded::Lost { damage } }
            }
        };
        Ok((store, loaded))
    }

    /// Makes `checkpoint` durable under the next sequence number; its own is ignored.
    ///
    /// Returns only when a power cut can no longer undo it. After an error the checkpoint saved before is what a restart
    /// finds, or, where only the last sync failed, perhaps already this one. A content equal to the last saved writes nothing.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<Saved, SaveError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let saved = self.save_through(checkpoint, &mut buffer);
        self.buffer = buffer;
        saved
    }

    fn save_through(&mut self, checkpoint: &Checkpoint, buffer: &mut Vec<u8>) -> Result<Saved, SaveError> {
        format::encode(checkpoint, self.sequence + 1, buffer);
        let content = xxh3_64(format::content(buffer));
        if self.saved_content == Some(content) {
            return Ok(Saved::Unchanged);
        }
        if buffer.len() as u64 > MAX_STATE_FILE {
            return Err(SaveError::TooLarge { bytes: buffer.len() });
        }
        // Also a failed try uses up its number: its rename may have reached the disk.
        self.sequence += 1;
        if let Err(error) = self.replace(SLOTS[self.next_slot], buffer) {
            // Which content a restart would find is open now, so the next save must write whatever it holds.
            self.saved_content = None;
            // Frees the space; what is left over is replaced by the next try.
            let _ = self.storage.remove(TEMPORARY);
            return Err(error);
        }
        self.next_slot = 1 - self.next_slot;
        self.saved_content = Some(content);
        Ok(Saved::Written { sequence: self.sequence, bytes: buffer.len() })
    }

    fn replace(&mut self, slot: &str, bytes: &[u8]) -> Result<(), SaveError> {
        let path = self.storage.path_of(TEMPORARY);
        let failed = |action| move |source| SaveError::Io { action, path, source };
        let mut file = self.storage.create(TEMPORARY).map_err(failed.clone()("create"))?;
        file.write_all(bytes).map_err(failed.clone()("write"))?;
        file.sync().map_err(failed.clone()("sync"))?;
        drop(file);
        self.storage.rename(TEMPORARY, slot).map_err(failed.clone()("rename"))?;
        self.storage.sync().map_err(failed("sync the directory of"))
    }

    fn read_slot(&mut self, number: usize) -> Result<Slot, StateError> {
        let name = SLOTS[number];
        self.storage.check(name)?;
        let path = self.storage.path_of(name);
        let bytes = match self.storage.read(name) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Slot::Absent),
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                return Err(StateError::File { action: "read", path, source });
            }
            Err(error) => return Ok(Slot::Damaged(format!("it cannot be read: {error}"))),
        };
        match format::decode(&bytes) {
            Ok(checkpoint) => Ok(Slot::Valid(Box::new(checkpoint), xxh3_64(format::content(&bytes)))),
            Err(FormatError::Damaged(reason)) => Ok(Slot::Damaged(format!("it is damaged: {reason}"))),
            Err(FormatError::NewerVersion { found, newest }) => {
                Err(StateError::NewerVersion { path, found, newest })
            }
        }
    }

    /// What an earlier start set aside and then did not live to save anew: that is no fresh start either.
    fn set_aside_before(&mut self) -> Vec<Damage> {
        let names = self.storage.names().unwrap_or_default();
        let kept = names.into_iter().filter(|name| damaged_number(name).is_some());
        let reason = "set aside as damaged by an earlier start, and no checkpoint was saved since";
        kept.map(|name| self.storage.path_of(&name))
            .map(|path| Damage { kept_as: Some(path.clone()), path, reason: reason.into() })
            .collect()
    }

    /// Renames a damaged slot. Failing to is no reason not to start: the next save replaces it.
    fn set_aside(&mut self, slot: &str, reason: String) -> Damage {
        let kept_as = self.free_name().and_then(|name| {
            self.storage.rename(slot, &name).ok()?;
            let _ = self.storage.sync();
            Some(self.storage.path_of(&name))
        });
        Damage { path: self.storage.path_of(slot), kept_as, reason }
    }

    /// The next `damaged-N`, with the oldest removed where there are too many.
    fn free_name(&mut self) -> Option<String> {
        let names = self.storage.names().ok()?;
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| damaged_number(name)).collect();
        numbers.sort_unstable();
        let excess = (numbers.len() + 1).saturating_sub(MAX_DAMAGED);
        for number in &numbers[..excess] {
            let _ = self.storage.remove(&format!("{DAMAGED}{number}"));
        }
        let next = numbers.last().map_or(Some(1), |last| last.checked_add(1))?;
        Some(format!("{DAMAGED}{next}"))
    }
}

fn damaged_number(name: &str) -> Option<u32> {
    name.strip_prefix(DAMAGED)?.parse().ok()
}

#[cfg(test)]
mod tests;
