//! Files of the log, and reading them back.

use super::Entry;
use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub(super) const HEADER: usize = 8;
/// Largest body; a frame that claims more is damaged.
pub(super) const BODY_MAX: usize = 512 << 20;

/// A loss found in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where the file is kept now.
    pub kept_as: PathBuf,
    /// Position in the log from which its frames are unreadable.
    pub from: u64,
    /// Bytes given up.
    pub bytes: u64,
}

/// What was found when the log was read.
#[derive(Debug, Default)]
pub struct Replay {
    /// Where the next frame goes.
    pub end: u64,
    /// Losses, none after an ordinary stop.
    pub damages: Vec<Damage>,
    /// Bytes of an unanswered frame cut off at the end.
    pub torn_bytes: u64,
}

pub(super) fn path_of(folder: &Path, position: u64) -> PathBuf {
    folder.join(format!("{position:016x}.log"))
}

/// Positions of the log's files, ascending.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut positions = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let position =
            name.to_str().and_then(|name| u64::from_str_radix(name.strip_suffix(".log")?, 16).ok());
        positions.extend(position);
    }
    positions.sort_unstable();
    Ok(positions)
}

/// Reads all frames from position `from` on and hands each with the position after it to `apply`; mends the end.
///
/// Memory: one file at a time.
pub fn replay<E: From<io::Error>>(
    folder: &Path,
    quarantine: &Path,
    from: u64,
    mut apply: impl FnMut(Entry, u64) -> Result<(), E>,
) -> Result<Replay, E> {
    fs::create_dir_all(folder)?;
    let mut result = Replay::default();
    let positions = list(folder)?;
    for (at, start) in positions.iter().enumerate() {
        let path = path_of(folder, *start);
        let next = positions.get(at + 1).copied();
        if next.is_some_and(|next| next <= from) {
            continue;
        }
        let mut bytes = Vec::new();
        File::open(&path)?.read_to_end(&mut bytes)?;
        let bytes = Bytes::from(bytes);
        let good =
            read_frames(
                &bytes,
                *start,
                |entry, position| {
                    if position > from { apply(entry, position) } else { Ok(()) }
                },
            )?;
        let (end, bad) = (start + good, bytes.len() as u64 - good);
        // The claim of a frame that was being written ends past the file; anything else in the last file is damage too.
        let torn = bad > 0 && next.is_none() && is_torn(&bytes[good as usize..]);
        if torn {
            cut(&path, good)?;
            result.torn_bytes = bad;
        } else if bad > 0 || next.is_some_and(|next| next > end) {
            let kept_as = keep(&path, quarantine)?;
            cut(&path, good)?;
            result.damages.push(Damage { kept_as, from: end, bytes: bad });
        }
        result.end = end.max(next.unwrap_or(0));
    }
    result.end = result.end.max(from);
    Ok(result)
}

/// Reads the whole frames from position `from` on while the log is in use; mends nothing.
pub fn read<E: From<io::Error>>(
    folder: &Path,
    from: u64,
    mut apply: impl FnMut(Entry, u64) -> Result<(), E>,
) -> Result<(), E> {
    let positions = list(folder)?;
    for (at, start) in positions.iter().enumerate() {
        if positions.get(at + 1).is_some_and(|next| *next <= from) {
            continue;
        }
        let mut bytes = Vec::new();
        File::open(path_of(folder, *start))?.read_to_end(&mut bytes)?;
        read_frames(&Bytes::from(bytes), *start, |entry, position| {
            if position > from { apply(entry, position) } else { Ok(()) }
        })?;
    }
    Ok(())
}

/// Removes files whose frames all lie before `position`; never the newest.
pub fn release(folder: &Path, position: u64) -> io::Result<()> {
    let positions = list(folder)?;
    for pair in positions.windows(2).filter(|pair| pair[1] <= position) {
        fs::remove_file(path_of(folder, pair[0]))?;
    }
    Ok(())
}

/// Bytes up to the first frame that is not whole.
fn read_frames<E>(
    bytes: &Bytes,
    start: u64,
    mut apply: impl FnMut(Entry, u64) -> Result<(), E>,
) -> Result<u64, E> {
    let mut at = 0;
    while let Some(body) = body_at(bytes, at) {
        let next = at + HEADER + body.len();
        let Some(entry) = Entry::decode(body) else { break };
        apply(entry, start + next as u64)?;
        at = next;
    }
    Ok(at as u64)
}

fn claim(bytes: &[u8]) -> Option<(usize, u32)> {
    let word =
        |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    Some((word(0)? as usize, word(4)?))
}

fn body_at(bytes: &Bytes, at: usize) -> Option<Bytes> {
    let (len, sum) = claim(&bytes[at..])?;
    if len > BODY_MAX || bytes.len() < at + HEADER + len {
        return None;
    }
    let body = bytes.slice(at + HEADER..at + HEADER + len);
    (crc32fast::hash(&body) == sum).then_some(body)
}

/// Whether the rest of the last file is what a stop in the middle of an append leaves: a frame that goes past the end,
/// or one whose tail never reached the disk (zeros).
fn is_torn(rest: &[u8]) -> bool {
    match claim(rest) {
        None => true,
        Some((len, _)) if len <= BODY_MAX && rest.len() < HEADER + len => true,
        Some((len, _)) => {
            let end = (HEADER + len).min(rest.len());
            let zeros = rest[..end].iter().rev().take_while(|byte| **byte == 0).count();
            // Sizes may reach the disk before the data does: a block of zeros at the frame's end or the whole rest.
            zeros >= 64 && rest[end..].iter().all(|byte| *byte == 0)
        }
    }
}

fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

fn keep(path: &Path, quarantine: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(quarantine)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kept_as = quarantine.join(format!("{name}.{}", crate::time::now_millis()));
    fs::copy(path, &kept_as)?;
    File::open(&kept_as)?.sync_all()?;
    Ok(kept_as)
}
