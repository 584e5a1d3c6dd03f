//! Is a text, or a part of it, the one that was read before?

use crate::file::prefix::{Mark, PrefixHash, TAIL, tail_hash};
use crate::file::source::Source;
use crate::file::tailed::Known;
use std::io;

/// Whether the bytes before the mark are the same as far as its tail hash goes.
pub(super) fn has_tail(source: &mut Source, mark: &Mark) -> io::Result<bool> {
    Ok(tail_at(source, mark.offset)? == Some(mark.tail))
}

/// Whether the text begins with the first line it is known by.
pub(in crate::file) fn begins_with(source: &mut Source, known: Option<&Known>) -> io::Result<bool> {
    let Some(known) = known else { return Ok(true) };
    let mut buffer = [0; crate::file::identity::FIRST_LINE_BYTES];
    let len = known.first_line.len as usize;
    let count = source.read_at(&mut buffer[..len], 0)?;
    Ok(count == len && xxhash_rust::xxh3::xxh3_64(&buffer[..len]) == known.first_line.hash)
}

/// Hash of the up to 1 KiB before `offset`; `None` if the text is shorter.
pub(super) fn tail_at(source: &mut Source, offset: u64) -> io::Result<Option<u64>> {
    let mut buffer = [0; TAIL as usize];
    let known = offset.min(TAIL) as usize;
    let count = source.read_at(&mut buffer[..known], offset - known as u64)?;
    Ok((count == known).then(|| tail_hash(&buffer[..known])))
}

/// Whether the text is at least so long.
pub(super) fn reaches(source: &mut Source, offset: u64) -> io::Result<bool> {
    match offset {
        0 => Ok(true),
        _ => Ok(source.read_at(&mut [0], offset - 1)? == 1),
    }
}

/// Whether all bytes before the mark are the same.
pub(super) fn has_prefix(source: &mut Source, mark: &Mark) -> io::Result<bool> {
    Ok(mark_at(source, mark.offset)?.is_some_and(|here| here.prefix == mark.prefix))
}

/// The mark at `offset`, by reading everything before it.
pub(super) fn mark_at(source: &mut Source, offset: u64) -> io::Result<Option<Mark>> {
    let mut hash = PrefixHash::default();
    let mut buffer = vec![0; 64 * 1024];
    while hash.offset() < offset {
        let room = buffer.len().min((offset - hash.offset()) as usize);
        if source.read_at(&mut buffer[..room], hash.offset())? < room {
            return Ok(None);
        }
        hash.update(&buffer[..room]);
    }
    Ok(tail_at(source, offset)?.map(|tail| hash.mark(tail)))
}
