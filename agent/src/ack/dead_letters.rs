//! Events the server refuses for good, on disk before they settle.
//!
//! `<state>/dead-letters/NNNNNNNN.ndjson`, numbered upwards, one JSON object a line (see [`DeadLetter`]). A segment is begun
//! when the last one has [`SEGMENT_BYTES`] or has failed. Records are appended, synced, and only then settled; a batch
//! that fails half-way is cut off again. What a crash leaves behind the last line end was never settled, so the next start
//! cuts it off and the events come again.
//!
//! Nothing is removed by itself: when all segments together reach the limit, appending fails and the caller holds. Segments
//! may be moved away at any time, also from under a running agent: it then begins another and counts anew.

use crate::checkpoint::StateError;
use crate::checkpoint::directory::Directory;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Name of the directory inside the state directory.
pub const DIRECTORY: &str = "dead-letters";

/// Size at which a segment is left for the next.
pub const SEGMENT_BYTES: u64 = 10 << 20;

/// Longest line a reader takes in: a record of the longest configurable line, escaped and encoded.
pub const MAX_RECORD_BYTES: u64 = 256 << 20;

const EXTENSION: &str = ".ndjson";

/// One refused event, as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was refused, RFC 3339.
    pub time: String,
    /// Its document id.
    pub id: String,
    /// The index or data stream that refused it.
    pub index: String,
    /// File it comes from.
    pub file: String,
    /// Offset of its first byte there.
    pub offset: u64,
    /// HTTP status of the item.
    pub status: u16,
    /// `error.type` of the answer.
    #[serde(rename = "type")]
    pub kind: String,
    /// `error.reason` of the answer.
    pub reason: String,
    /// The raw line as text; what is not UTF-8 is replaced by U+FFFD.
    pub document: String,
    /// The raw line in base64, only where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_base64: Option<String>,
}

impl DeadLetter {
    /// Sets `document` and, where it is needed, `document_base64`.
    pub fn with_document(self, line: &[u8]) -> Self {
        let document = String::from_utf8_lossy(line).into_owned();
        let document_base64 = std::str::from_utf8(line).is_err().then(|| STANDARD.encode(line));
        Self { document, document_base64, ..self }
    }

    /// The raw line, byte for byte.
    pub fn raw_document(&self) -> Vec<u8> {
        let exact = self.document_base64.as_ref().and_then(|text| STANDARD.decode(text).ok());
        exact.unwrap_or_else(|| self.document.clone().into_bytes())
    }
}

/// Dead letters were not kept, so their events must not settle. Both kinds ask for holding and trying again.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The limit is reached.
    #[error("dead letters in `{}` have {used} of {limit} bytes and no room for {wanted} more; replay them with \
             `blueox dead-letters replay`, move files away, or raise `limits.dead_letters`", .path.display())]
    Full {
        /// The directory.
        path: PathBuf,
        /// Bytes there.
        used: u64,
        /// Bytes allowed.
        limit: u64,
        /// Bytes to add.
        wanted: u64,
    },
    /// A call failed.
    #[error("cannot {action} dead-letter file `{}`; free disk space or repair the disk, it is tried again by itself",
        .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Appends dead letters.
#[derive(Debug)]
pub struct DeadLetters {
    directory: Directory,
    limit: u64,
    /// Bytes of all other segments.
    sealed: u64,
    /// Number of the newest segment.
    number: u64,
    open: Option<Segment>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    name: String,
    /// Bytes that are whole and synced.
    length: u64,
}

impl Segment {
    /// Whether its name was removed.
    fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
}

impl DeadLetters {
    /// Takes stock of the directory and cuts off what a crash left behind the last whole line.
    ///
    /// `limit`: most bytes of all segments together. The error is of a kind that ends a start.
    pub fn open(directory: Directory, limit: u64) -> Result<Self, StateError> {
        let segments = segments(&directory).map_err(|source| StateError::Directory {
            action: "list",
            path: directory.path().into(),
            source,
        })?;
        let number = segments.last().map_or(0, |(number, _)| *number);
        let mut letters = Self { directory, limit, sealed: 0, number, open: None, buffer: Vec::new() };
        for (_, name) in segments {
            letters.directory.check_plain(&name)?;
            let segment = repair(&letters.directory, name)?;
            letters.sealed += letters.open.replace(segment).map_or(0, |before| before.length);
        }
        Ok(letters)
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.sealed + self.open.as_ref().map_or(0, |segment| segment.length)
    }

    /// Appends all of `letters` and syncs them, or none.
    ///
    /// After an error nothing of them is left in the file, or, if the disk refuses even that, a torn line that readers skip.
    pub fn append(&mut self, letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        for letter in letters {
            serde_json::to_writer(&mut buffer, letter).expect("text and numbers go into memory");
            buffer.push(b'\n');
        }
        let outcome = self.append_bytes(&buffer);
        if buffer.capacity() as u64 <= SEGMENT_BYTES {
            self.buffer = buffer;
        }
        outcome
    }

    fn append_bytes(&mut self, bytes: &[u8]) -> Result<(), DeadLetterError> {
        self.make_room_for(bytes.len() as u64)?;
        let mut segment = self.segment()?;
        let failed = |action| {
            let path = self.directory.path_of(&segment.name);
            move |source| DeadLetterError::Io { action, path, source }
        };
        let written = segment
            .file
            .write_all(bytes)
            .map_err(failed("write"))
            .and_then(|()| segment.file.sync_data().map_err(failed("sync")));
        match written {
            Ok(()) => {
                segment.length += bytes.len() as u64;
                self.open = Some(segment);
                Ok(())
            }
            Err(error) => {
                self.give_up(segment);
                Err(error)
            }
        }
    }

    fn make_room_for(&mut self, wanted: u64) -> Result<(), DeadLetterError> {
        if self.bytes().saturating_add(wanted) <= self.limit {
            return Ok(());
        }
        self.count_anew();
        let used = self.bytes();
        if used.saturating_add(wanted) <= self.limit {
            return Ok(());
        }
        let path = self.directory.path().into();
        Err(DeadLetterError::Full { path, used, limit: self.limit, wanted })
    }

    /// Someone may have moved segments away. What cannot be counted stays as it was.
    fn count_anew(&mut self) {
        self.open.take_if(|segment| segment.is_gone());
        let open = self.open.as_ref().map(|segment| &segment.name);
        let Ok(segments) = segments(&self.directory) else { return };
        let others = segments.iter().filter(|(_, name)| Some(name) != open);
        self.sealed = others.filter_map(|(_, name)| self.directory.length_of(name).ok()).sum();
    }

    /// The open segment, taken out, or a new one.
    fn segment(&mut self) -> Result<Segment, DeadLetterError> {
        match self.open.take() {
            // What is written into it would be gone with it.
            Some(segment) if segment.is_gone() => {}
            Some(segment) if segment.length < SEGMENT_BYTES => return Ok(segment),
            Some(full) => self.sealed += full.length,
            None => {}
        }
        let name = format!("{:08}{EXTENSION}", self.number + 1);
        let path = self.directory.path_of(&name);
        let failed = |source| DeadLetterError::Io { action: "create", path, source };
        // A number is used once, whatever becomes of it.
        self.number += 1;
        let file = self.directory.create_new(&name).map_err(failed.clone())?;
        if let Err(error) = self.directory.sync() {
            let _ = self.directory.remove(&name);
            return Err(failed(error));
        }
        Ok(Segment { file, name, length: 0 })
    }

    /// Cuts off what a failed append has written and leaves the segment: after a failed sync nobody knows what is on disk.
    fn give_up(&mut self, segment: Segment) {
        let cut = segment.file.set_len(segment.length).and_then(|()| segment.file.sync_data());
        if cut.is_ok() && segment.length == 0 {
            let _ = self.directory.remove(&segment.name);
        }
        self.sealed += match cut {
            Ok(()) => segment.length,
            Err(_) => segment.file.metadata().map_or(segment.length, |metadata| metadata.len()),
        };
    }
}

/// Segments of a directory by number, lowest first; other names are none.
fn segments(directory: &Directory) -> io::Result<Vec<(u64, String)>> {
    let mut segments: Vec<(u64, String)> = directory
        .names()?
        .into_iter()
        .filter_map(|name| Some((name.strip_suffix(EXTENSION)?.parse().ok()?, name)))
        .collect();
    segments.sort();
    Ok(segments)
}

/// Opens a segment for appending, cut behind its last line end.
fn repair(directory: &Directory, name: String) -> Result<Segment, StateError> {
    let path = directory.path_of(&name);
    let failed = |source| StateError::File { action: "repair", path, source };
    let open = || {
        let mut file = directory.open_or_create(&name)?;
        let length = file.metadata()?.len();
        let whole = whole_lines(&file, length)?;
        if whole < length {
            file.set_len(whole)?;
            file.sync_all()?;
        }
        file.seek(SeekFrom::Start(whole))?;
        Ok((file, whole))
    };
    let (file, length) = open().map_err(failed)?;
    Ok(Segment { file, name, length })
}

/// Length of the part of a file that ends with a line end.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut block = [0; 4096];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(place) = memchr::memrchr(b'\n', part) {
            return Ok(start + place as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// One line of the dead letters that a reader met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A dead letter.
    Letter(Box<DeadLetter>),
    /// A line that is none: torn by a crash, or not ours.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
    },
}

/// Reads all dead letters below `directory`, oldest segment first, also while an agent appends to them.
///
/// An absent directory has none. Links are not followed. The same event can come twice, when a crash fell between its sync
/// and its checkpoint: take one of each `id`. Memory: the longest line.
pub fn list(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>> + use<>> {
    let mut paths: Vec<(u64, PathBuf)> = Vec::new();
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    for entry in entries.into_iter().flatten() {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.strip_suffix(EXTENSION)?.parse().ok());
        if let Some(number) = number
            && entry.file_type()?.is_file()
        {
            paths.push((number, entry.path()));
        }
    }
    paths.sort();
    Ok(paths.into_iter().flat_map(|(_, path)| Lines::open(path)))
}

/// The entries of one segment.
struct Lines {
    path: PathBuf,
    file: io::Result<BufReader<File>>,
    line: u64,
    done: bool,
}

impl Lines {
    fn open(path: PathBuf) -> Self {
        let file = File::open(&path).map(BufReader::new);
        Self { path, file, line: 0, done: false }
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        let file = match &mut self.file {
            Ok(file) => file,
            Err(error) => return Err(std::mem::replace(error, io::ErrorKind::NotFound.into())),
        };
        let mut text = Vec::new();
        file.by_ref().take(MAX_RECORD_BYTES).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        Ok(Some(match serde_json::from_slice(&text) {
            Ok(letter) => Entry::Letter(Box::new(letter)),
            Err(_) => Entry::Unreadable { path: self.path.clone(), line: self.line },
        }))
    }
}

impl Iterator for Lines {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let entry = self.read().transpose();
        self.done = !matches!(entry, Some(Ok(_)));
        entry
    }
}

#[cfg(test)]
mod tests;
