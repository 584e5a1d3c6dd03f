//! The bytes of a checkpoint.
//!
//! # Layout
//!
//! Numbers are little-endian. `varint` is unsigned LEB128, `bytes` a varint length and the bytes, `list` a varint count and
//! the elements.
//!
//! | offset | size | |
//! | --- | --- | --- |
//! | 0 | 8 | magic `blueoxCP` |
//! | 8 | 4 | version |
//! | 12 | 8 | sequence |
//! | 20 | 8 | length `n` of the content |
//! | 28 | n | content |
//! | 28 + n | 4 | CRC-32 (IEEE) of everything before |
//!
//! This frame is the same in every version, so that an old agent can tell a newer checkpoint from a damaged one. The
//! content of version 1 is three lists, in this order:
//!
//! - inputs: identity bytes · first start varint
//! - streams: index bytes · flag 1 (has a backing index) · backing index bytes, if it has one · list of key bytes
//! - generations: path bytes · input bytes · device varint · inode varint · birth varint · first-line hash 8 · its length
//!   varint · flags 1 · generation varint · lineage 6 · begin varint · size varint · settled varint · list of ranges · mark
//!   offset varint · mark blocks 16 · mark prefix 16 · mark tail 8 · list of forced ends · last seen varint
//!
//! Flags: bit 0 first line complete, bit 1 gone, bits 2–3 compression (0 plain, 1 gzip, 2 zstd). A range is two varints, the
//! gap behind the settled offset or the range before it and its length; a forced end is the distance to the one before it,
//! the first to 0. A gap, a length or a distance that leads past 2^64 is damage.
//!
//! # Versions
//!
//! 1: the first. Old versions are read for ever: one file of each lies in `tests/data/checkpoint` and is never edited.
//!
//! # What it survives, what it assumes
//!
//! Any cut, any run of zeros and any garbage is recognised by frame and CRC (32 bits: one in four thousand million garbage
//! files with a sound frame passes). No length field is trusted before the bytes it promises are there. How a file is
//! replaced, and what is assumed of the disk, stands in [`store`](super::store).

use super::model::*;
use crate::file::Lineage;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The version this agent writes.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"blueoxCP";
const HEADER: usize = 28;
const TRAILER: usize = 4;

/// Bytes of a generation whose names and lists are empty and whose numbers are small.
const MIN_GENERATION: usize = 69;

/// Why bytes are no checkpoint this agent can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Written by a newer agent; sound otherwise.
    #[error("it has version {found}, this agent reads up to {newest}")]
    NewerVersion {
        /// Version of the file.
        found: u32,
        /// Newest version known here.
        newest: u32,
    },
    /// Not what an agent has written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

/// Replaces the content of `out` by the bytes of `checkpoint` under another sequence number.
///
/// Of each generation's ranges the first [`MAX_RANGES`] are written.
pub fn encode(checkpoint: &Checkpoint, sequence: u64, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    put_list(out, &checkpoint.inputs, put_input);
    put_list(out, &checkpoint.streams, put_stream);
    put_list(out, &checkpoint.generations, put_generation);
    let length = (out.len() - HEADER) as u64;
    out[20..HEADER].copy_from_slice(&length.to_le_bytes());
    let crc = crc32fast::hash(out);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// The part of encoded bytes that holds no sequence number: equal content, equal state.
pub fn content(encoded: &[u8]) -> &[u8] {
    encoded.get(HEADER..encoded.len().saturating_sub(TRAILER)).unwrap_or_default()
}

/// The checkpoint in `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Checkpoint, FormatError> {
    let (version, sequence, content) = unframe(bytes)?;
    match version {
        1 => decode_v1(sequence, content),
        0 => Err(FormatError::Damaged("version 0 was never written")),
        found => Err(FormatError::NewerVersion { found, newest: VERSION }),
    }
}

fn unframe(bytes: &[u8]) -> Result<(u32, u64, &[u8]), FormatError> {
    if bytes.is_empty() {
        return Err(FormatError::Damaged("the file is empty"));
    }
    let mut reader = Reader { rest: bytes };
    if reader.take(8)? != MAGIC {
        return Err(FormatError::Damaged("the first bytes are not those of a checkpoint"));
    }
    let version = u32::from_le_bytes(reader.array()?);
    let sequence = reader.u64()?;
    let length = reader.u64()?;
    if reader.rest.len() < TRAILER || (reader.rest.len() - TRAILER) as u64 != length {
        return Err(FormatError::Damaged("the length differs from the one noted"));
    }
    let (covered, crc) = bytes.split_at(bytes.len() - TRAILER);
    if crc32fast::hash(covered).to_le_bytes() != crc {
        return Err(FormatError::Damaged("the checksum differs"));
    }
    Ok((version, sequence, content(bytes)))
}

fn decode_v1(sequence: u64, content: &[u8]) -> Result<Checkpoint, FormatError> {
    let mut reader = Reader { rest: content };
    let checkpoint = Checkpoint {
        sequence,
        inputs: reader.list(2, take_input)?,
        streams: reader.list(3, take_stream)?,
        generations: reader.list(MIN_GENERATION, take_generation)?,
    };
    if !reader.rest.is_empty() {
        return Err(FormatError::Damaged("bytes are left over"));
    }
    Ok(checkpoint)
}

fn put_input(out: &mut Vec<u8>, input: &KnownInput) {
    put_bytes(out, input.identity.as_bytes());
    put_varint(out, input.first_start_unix_s);
}

fn take_input(reader: &mut Reader<'_>) -> Result<KnownInput, FormatError> {
    Ok(KnownInput { identity: reader.text()?, first_start_unix_s: reader.varint()? })
}

fn put_stream(out: &mut Vec<u8>, stream: &StreamState) {
    put_bytes(out, stream.index.as_bytes());
    out.push(u8::from(stream.backing_index.is_some()));
    if let Some(backing_index) = &stream.backing_index {
        put_bytes(out, backing_index.as_bytes());
    }
    put_list(out, &stream.leftover_keys, |out, key| put_bytes(out, key.as_bytes()));
}

fn take_stream(reader: &mut Reader<'_>) -> Result<StreamState, FormatError> {
    Ok(StreamState {
        index: reader.text()?,
        backing_index: match reader.byte()? {
            0 => None,
            1 => Some(reader.text()?),
            _ => return Err(FormatError::Damaged("a flag is neither 0 nor 1")),
        },
        leftover_keys: reader.list(1, Reader::text)?,
    })
}

fn put_generation(out: &mut Vec<u8>, generation: &Generation) {
    put_bytes(out, generation.path.as_os_str().as_bytes());
    put_bytes(out, generation.input.as_bytes());
    put_varint(out, generation.device);
    put_varint(out, generation.inode);
    put_varint(out, generation.birth_ns);
    out.extend_from_slice(&generation.first_line.hash.to_le_bytes());
    put_varint(out, u64::from(generation.first_line.len));
    out.push(flags(generation));
    put_varint(out, u64::from(generation.generation));
    out.extend_from_slice(&generation.lineage.0);
    put_varint(out, generation.begin);
    put_varint(out, generation.size_seen);
    put_varint(out, generation.settled);
    put_ranges(out, generation.settled, &generation.ranges);
    put_varint(out, generation.mark.offset);
    out.extend_from_slice(&generation.mark.blocks.to_le_bytes());
    out.extend_from_slice(&generation.mark.prefix.to_le_bytes());
    out.extend_from_slice(&generation.mark.tail.to_le_bytes());
    put_forced_ends(out, &generation.forced_ends);
    put_varint(out, generation.last_seen_unix_s);
}

fn take_generation(reader: &mut Reader<'_>) -> Result<Generation, FormatError> {
    let path = PathBuf::from(OsString::from_vec(reader.bytes()?.to_vec()));
    let input = reader.text()?;
    let (device, inode, birth_ns) = (reader.varint()?, reader.varint()?, reader.varint()?);
    let (hash, len) = (reader.u64()?, reader.varint()?);
    let (complete, state, compression) = from_flags(reader.byte()?)?;
    let len = u16::try_from(len).map_err(|_| FormatError::Damaged("a first line is too long"))?;
    let generation = u32::try_from(reader.varint()?)
        .map_err(|_| FormatError::Damaged("a generation number is too large"))?;
    let lineage = Lineage(reader.array()?);
    let (begin, size_seen, settled) = (reader.varint()?, reader.varint()?, reader.varint()?);
    Ok(Generation {
        path,
        input,
        device,
        inode,
        birth_ns,
        first_line: FirstLine { hash, len, complete },
        generation,
        lineage,
        begin,
        size_seen,
        settled,
        ranges: take_ranges(reader, settled)?,
        mark: Mark {
            offset: reader.varint()?,
            blocks: u128::from_le_bytes(reader.array()?),
            prefix: u128::from_le_bytes(reader.array()?),
            tail: reader.u64()?,
        },
        forced_ends: take_forced_ends(reader)?,
        compression,
        state,
        last_seen_unix_s: reader.varint()?,
    })
}

fn flags(generation: &Generation) -> u8 {
    let compression = match generation.compression {
        Compression::Plain => 0,
        Compression::Gzip => 1,
        Compression::Zstd => 2,
    };
    u8::from(generation.first_line.complete)
        | u8::from(generation.state == FileState::Gone) << 1
        | compression << 2
}

fn from_flags(flags: u8) -> Result<(bool, FileState, Compression), FormatError> {
    let compression = match flags >> 2 {
        0 => Compression::Plain,
        1 => Compression::Gzip,
        2 => Compression::Zstd,
        _ => return Err(FormatError::Damaged("a file has unknown flags")),
    };
    let state = if flags & 2 == 0 { FileState::Live } else { FileState::Gone };
    Ok((flags & 1 != 0, state, compression))
}

fn put_ranges(out: &mut Vec<u8>, settled: u64, ranges: &[(u64, u64)]) {
    let kept = &ranges[..ranges.len().min(MAX_RANGES)];
    put_varint(out, kept.len() as u64);
    let mut previous = settled;
    for &(start, end) in kept {
        debug_assert!(previous <= start && start <= end, "range {start}..{end} lies before {previous}");
        put_varint(out, start.saturating_sub(previous));
        put_varint(out, end.saturating_sub(start));
        previous = end;
    }
}

fn take_ranges(reader: &mut Reader<'_>, settled: u64) -> Result<Vec<(u64, u64)>, FormatError> {
    let mut previous = settled;
    reader.list(2, |reader| {
        let start = reader.distance_from(previous)?;
        previous = reader.distance_from(start)?;
        Ok((start, previous))
    })
}

fn put_forced_ends(out: &mut Vec<u8>, ends: &[u64]) {
    put_varint(out, ends.len() as u64);
    let mut previous = 0;
    for &end in ends {
        debug_assert!(previous <= end, "forced end {end} lies before {previous}");
        put_varint(out, end.saturating_sub(previous));
        previous = end;
    }
}

fn take_forced_ends(reader: &mut Reader<'_>) -> Result<Vec<u64>, FormatError> {
    let mut previous = 0;
    reader.list(1, |reader| {
        previous = reader.distance_from(previous)?;
        Ok(previous)
    })
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_list<T>(out: &mut Vec<u8>, list: &[T], put: fn(&mut Vec<u8>, &T)) {
    put_varint(out, list.len() as u64);
    list.iter().for_each(|element| put(out, element));
}

/// Takes values off the front of bytes that may be anything.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(FormatError::Damaged("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, FormatError> {
        Ok(self.array::<1>()?[0])
    }

    fn u64(&mut self) -> Result<u64, FormatError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(FormatError::Damaged("a number is too large"));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FormatError::Damaged("a number is too long"))
    }

    fn distance_from(&mut self, offset: u64) -> Result<u64, FormatError> {
        offset.checked_add(self.varint()?).ok_or(FormatError::Damaged("an offset is too large"))
    }

    /// A length or count of things of at least `least` bytes each: all of them fit into the rest, or it is damage.
    fn count(&mut self, least: usize) -> Result<usize, FormatError> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count.checked_mul(least).is_some_and(|bytes| bytes <= self.rest.len()) => Ok(count),
            _ => Err(FormatError::Damaged("a length exceeds the file")),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], FormatError> {
        let count = self.count(1)?;
        self.take(count)
    }

    fn text(&mut self) -> Result<String, FormatError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| FormatError::Damaged("a name is not UTF-8"))
    }

    fn list<T>(
        &mut self,
        least: usize,
        mut take: impl FnMut(&mut Self) -> Result<T, FormatError>,
    ) -> Result<Vec<T>, FormatError> {
        let count = self.count(least)?;
        (0..count).map(|_| take(self)).collect()
    }
}

#[cfg(test)]
mod tests;
