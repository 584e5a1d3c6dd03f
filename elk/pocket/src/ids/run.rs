//! One file of sorted entries: 16 bytes each, big-endian, then the number of the oldest run it replaces, a count and a
//! checksum of both.

use super::State;
use crate::document::DocKey;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tantivy::directory::{Directory, MmapDirectory, OwnedBytes};

const ENTRY: usize = 16;
const FOOTER: usize = 20;
const DEAD: u128 = 0x80;
/// Extension of a run that is being written.
pub(super) const PART: &str = "part";

/// A run, mapped into memory.
pub(super) struct Run {
    number: u64,
    oldest: u64,
    bytes: OwnedBytes,
}

pub(super) fn path_of(number: u64) -> PathBuf {
    PathBuf::from(format!("{number:016x}.run"))
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".run")?, 16).ok()
}

fn write_part(part: &Path, oldest: u64, entries: impl Iterator<Item = u128>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(part)?);
    let mut count = 0u64;
    for entry in entries {
        file.write_all(&entry.to_be_bytes())?;
        count += 1;
    }
    let mut footer = [0; FOOTER];
    footer[..8].copy_from_slice(&oldest.to_be_bytes());
    footer[8..16].copy_from_slice(&count.to_be_bytes());
    let sum = crc32fast::hash(&footer[..16]);
    footer[16..].copy_from_slice(&sum.to_be_bytes());
    file.write_all(&footer)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The entry of a key.
pub(super) fn entry(key: DocKey, state: State) -> u128 {
    key.bits() | if state == State::Deleted { DEAD } else { 0 }
}

fn key_of(entry: u128) -> u128 {
    entry & !DEAD
}

impl Run {
    /// Writes and syncs a run that stands for all from `oldest` on. It has its name only once it is whole: what a full
    /// disk or an end of the process leaves is no run, and removed at the next start.
    pub(super) fn write(
        root: &Path,
        folder: &MmapDirectory,
        number: u64,
        oldest: u64,
        entries: impl Iterator<Item = u128>,
    ) -> io::Result<Self> {
        let path = root.join(path_of(number));
        let part = path.with_extension(PART);
        let written = write_part(&part, oldest, entries).and_then(|()| fs::rename(&part, &path));
        if let Err(error) = written {
            // It is removed at the next start, where it cannot be now.
            let _left = fs::remove_file(&part);
            return Err(error);
        }
        folder.sync_directory()?;
        Self::open(folder, number)
    }

    /// Maps a run; one that is cut or damaged at its end is an error.
    pub(super) fn open(folder: &MmapDirectory, number: u64) -> io::Result<Self> {
        let path = path_of(number);
        let bytes = folder.open_read(&path).map_err(io::Error::other)?.read_bytes()?;
        let damaged = || {
            io::Error::new(io::ErrorKind::InvalidData, format!("run of ids `{}` is damaged", path.display()))
        };
        let body = bytes.len().checked_sub(FOOTER).ok_or_else(damaged)?;
        let footer = &bytes[body..];
        let number_at = |at: usize| u64::from_be_bytes(footer[at..at + 8].try_into().unwrap_or_default());
        let sum = u32::from_be_bytes(footer[16..].try_into().unwrap_or_default());
        if crc32fast::hash(&footer[..16]) != sum || number_at(8) * ENTRY as u64 != body as u64 {
            return Err(damaged());
        }
        Ok(Self { number, oldest: number_at(0), bytes })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether this run was merged from the run of that number.
    pub(super) fn covers(&self, number: u64) -> bool {
        (self.oldest..self.number).contains(&number)
    }

    /// Entries in it.
    pub(super) fn len(&self) -> usize {
        (self.bytes.len() - FOOTER) / ENTRY
    }

    fn at(&self, position: usize) -> u128 {
        let start = position * ENTRY;
        u128::from_be_bytes(self.bytes[start..start + ENTRY].try_into().unwrap_or_default())
    }

    /// The state of `key`, searched from position `from` on, and where the search ended. Steps double first, so that
    /// neighbours are found at once.
    pub(super) fn look_up(&self, key: DocKey, from: usize) -> (Option<State>, usize) {
        let (wanted, len) = (key.bits(), self.len());
        let mut step = 1;
        let mut low = from;
        while low + step < len && key_of(self.at(low + step)) < wanted {
            low += step;
            step *= 2;
        }
        let mut high = (low + step + 1).min(len);
        while low < high {
            let middle = low + (high - low) / 2;
            if key_of(self.at(middle)) < wanted { low = middle + 1 } else { high = middle }
        }
        if low == len || key_of(self.at(low)) != wanted {
            return (None, low);
        }
        let dead = self.at(low) & DEAD != 0;
        (Some(if dead { State::Deleted } else { State::Alive }), low)
    }
}

/// The entries of several runs in order; of entries with one key, the newest.
pub(super) fn merged(runs: &[Run]) -> impl Iterator<Item = u128> {
    let mut places = vec![0; runs.len()];
    std::iter::from_fn(move || {
        let heads = runs
            .iter()
            .zip(&places)
            .filter(|(run, at)| **at < run.len())
            .map(|(run, at)| key_of(run.at(*at)));
        let least = heads.min()?;
        let mut newest = least;
        for (run, at) in runs.iter().zip(&mut places) {
            if *at < run.len() && key_of(run.at(*at)) == least {
                newest = run.at(*at);
                *at += 1;
            }
        }
        Some(newest)
    })
}
