//! One turn of reading: the next finished lines of a file.
//!
//! Nothing of an unfinished line is kept in memory between turns: it is read again from its first byte once a newline shows
//! up behind it. Each read begins up to 1 KiB before the framed offset, and those bytes must be the ones read before;
//! otherwise somebody has rewritten the file. Of a text of which nothing was read yet the first line is compared instead.

use crate::event::{FileMemory, LineEnd};
use crate::file::identity::checksum;
use crate::file::prefix::{PrefixHash, TAIL, tail_hash};
use crate::file::source::{Compression, FirstLine, Source};
use crate::file::table::compare::begins_with;
use crate::file::tailed::Tailed;
use crate::line::{Ending, Flow, Framing, Piece, frame_events, is_blank, without_carriage_return};
use memchr::memchr;
use std::io;
use std::time::Instant;
use xxhash_rust::xxh3::Xxh3;

/// Text read at once.
const CHUNK: usize = 128 * 1024;

/// The one buffer of the pipeline; files keep none.
#[derive(Default)]
pub struct ReadBuffer(Vec<u8>);

impl ReadBuffer {
    /// Gives the memory back until the next turn.
    pub fn rest(&mut self) {
        self.0 = Vec::new();
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.0.resize(CHUNK + TAIL as usize, 0);
        &mut self.0
    }
}

/// A line that makes an event.
pub struct RawLine<'a> {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its terminator.
    pub end: u64,
    /// The line without terminator; cut where it is over the limit.
    pub bytes: &'a [u8],
    /// How it ended.
    pub ended: LineEnd,
    /// Checksum part of the id, over the whole line.
    pub checksum: u32,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// Nothing more to read now.
    CaughtUp,
    /// The turn's share is used up.
    More,
    /// The sink takes no more.
    Full,
    /// What was read before is not there any more.
    Overwritten,
}

/// Bounds of a turn.
#[derive(Debug, Clone, Copy)]
pub struct TurnLimits<'a> {
    /// Text to read before other files have their turn.
    pub bytes: usize,
    /// Longest line.
    pub max_line: usize,
    /// How lines become events.
    pub framing: &'a Framing,
}

/// Reads the next lines of `file` and hands them to `sink`.
pub fn turn(
    file: &mut Tailed,
    source: &mut Source,
    buffer: &mut ReadBuffer,
    limits: TurnLimits<'_>,
    now: Instant,
    mut sink: impl FnMut(&mut FileMemory, RawLine<'_>) -> Flow,
) -> io::Result<TurnEnd> {
    let buffer = buffer.bytes();
    if file.prefix.is_none() && !resume_prefix(file, source, buffer)? {
        return Ok(TurnEnd::Overwritten);
    }
    let before = file.framed();
    // The tail is compared with every read; a first line further back than that, once a turn.
    if before > TAIL && file.compression == Compression::Plain && !begins_with(source, file.known())? {
        return Ok(TurnEnd::Overwritten);
    }
    let mut skipped = Vec::new();
    let end = loop {
        match step(file, source, buffer, limits, &mut skipped, &mut sink) {
            Ok(Step::End(end)) => break Ok(end),
            Ok(Step::Advanced) if file.framed() - before >= limits.bytes as u64 => break Ok(TurnEnd::More),
            Ok(Step::Advanced) => {}
            // What was read before the error counts.
            Err(error) => break Err(error),
        }
    };
    if file.framed() > before {
        for (start, end) in skipped {
            file.settle(start, end);
        }
        file.set_mark(now);
    }
    end
}

enum Step {
    Advanced,
    End(TurnEnd),
}

fn step(
    file: &mut Tailed,
    source: &mut Source,
    buffer: &mut [u8],
    limits: TurnLimits<'_>,
    skipped: &mut Vec<(u64, u64)>,
    sink: &mut impl FnMut(&mut FileMemory, RawLine<'_>) -> Flow,
) -> io::Result<Step> {
    let framed = file.framed();
    let overlap = framed.min(TAIL) as usize;
    let count = source.read_at(buffer, framed - overlap as u64)?;
    if !goes_on(file, &buffer[..count], overlap) {
        return Ok(Step::End(TurnEnd::Overwritten));
    }
    let at_end = count < buffer.len();
    let text = &buffer[..count];
    let chunk = match file.next_forced_end() {
        Some(end) => &text[overlap..count.min(overlap + (end - framed) as usize)],
        None => &text[overlap..],
    };
    let forced = file.next_forced_end() == Some(framed + chunk.len() as u64);
    let mut flow = Flow::Continue;
    let max_line = limits.max_line;
    let each = |piece| {
        flow = take(file, piece, max_line, skipped, sink);
        flow
    };
    let ending = if forced { Ending::Ended } else { Ending::Growing };
    let events = frame_events(chunk, framed, limits.framing, ending, each);
    let mut consumed = events.consumed;
    if forced && flow == Flow::Continue && consumed < chunk.len() {
        flow = take_unterminated(file, &chunk[consumed..], framed + consumed as u64, max_line, skipped, sink);
        consumed = chunk.len();
    }
    if consumed > 0 {
        file.advance(&chunk[..consumed]);
        file.tail = tail_hash(&text[..overlap + consumed]);
    }
    let rest = chunk.len() - consumed;
    file.has_open_block = rest > 0 && events.has_open_block;
    match flow {
        Flow::Stop => Ok(Step::End(TurnEnd::Full)),
        _ if at_end || forced => {
            file.scanned = file.scanned.max(file.framed() + rest as u64);
            file.unpacked = file.compression != Compression::Plain && at_end;
            Ok(if forced && !at_end { Step::Advanced } else { Step::End(TurnEnd::CaughtUp) })
        }
        _ if consumed == 0 => long_line(file, source, buffer, max_line, skipped, sink),
        _ => Ok(Step::Advanced),
    }
}

/// Whether what was read goes on with the text the file is known by: its first `overlap` bytes are those read last, or, where
/// nothing was read yet, it begins with the known first line. The very bytes that become events are looked at: a file may
/// be truncated and written again at any moment between two calls.
fn goes_on(file: &Tailed, read: &[u8], overlap: usize) -> bool {
    match (overlap, file.known()) {
        (0, Some(known)) => known.first_line.matches(&FirstLine::of(read)),
        (0, None) => true,
        _ => read.get(..overlap).is_some_and(|before| tail_hash(before) == file.tail),
    }
}

fn take(
    file: &mut Tailed,
    piece: Piece<'_>,
    max_line: usize,
    skipped: &mut Vec<(u64, u64)>,
    sink: &mut impl FnMut(&mut FileMemory, RawLine<'_>) -> Flow,
) -> Flow {
    match piece {
        Piece::Line { start, end, .. } if file.ledger.is_settled(start, end) => Flow::Continue,
        Piece::Line { start, end, bytes } => {
            let checksum = checksum(bytes);
            let (bytes, ended) = within(bytes, max_line, LineEnd::Terminated);
            let line = RawLine { start, end, bytes, ended, checksum };
            let flow = sink(&mut file.memory, line);
            skip_filtered(flow, file, skipped, start, end)
        }
        Piece::Skip { start, end, nul } => {
            file.nul_bytes += nul;
            skip(file, skipped, start, end);
            Flow::Continue
        }
    }
}

/// Notes a line that the sink took for no event.
fn skip_filtered(flow: Flow, file: &Tailed, skipped: &mut Vec<(u64, u64)>, start: u64, end: u64) -> Flow {
    if flow != Flow::Filtered {
        return flow;
    }
    skip(file, skipped, start, end);
    Flow::Continue
}

/// Notes bytes that settle without an event; neighbours are joined.
fn skip(file: &Tailed, skipped: &mut Vec<(u64, u64)>, start: u64, end: u64) {
    if file.ledger.is_settled(start, end) {
        return;
    }
    match skipped.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => skipped.push((start, end)),
    }
}

/// The tail of a finished file, whose end was decided by time.
fn take_unterminated(
    file: &mut Tailed,
    tail: &[u8],
    start: u64,
    max_line: usize,
    skipped: &mut Vec<(u64, u64)>,
    sink: &mut impl FnMut(&mut FileMemory, RawLine<'_>) -> Flow,
) -> Flow {
    let end = start + tail.len() as u64;
    // Only the last of a group's lines can have its terminator already.
    let whole = without_carriage_return(tail.strip_suffix(b"\n").unwrap_or(tail));
    if is_blank(whole) {
        skip(file, skipped, start, end);
        return Flow::Continue;
    }
    if file.ledger.is_settled(start, end) {
        return Flow::Continue;
    }
    let ended = if tail.ends_with(b"\n") { LineEnd::Terminated } else { LineEnd::Partial };
    let (bytes, ended) = within(whole, max_line, ended);
    let flow = sink(&mut file.memory, RawLine { start, end, bytes, ended, checksum: checksum(whole) });
    skip_filtered(flow, file, skipped, start, end)
}

/// A line that fills the whole buffer without a newline: looks for its end further on, then reads what fits.
fn long_line(
    file: &mut Tailed,
    source: &mut Source,
    buffer: &mut [u8],
    max_line: usize,
    skipped: &mut Vec<(u64, u64)>,
    sink: &mut impl FnMut(&mut FileMemory, RawLine<'_>) -> Flow,
) -> io::Result<Step> {
    let start = file.framed();
    let Some(end) = find_line_end(file, source, buffer)? else {
        return Ok(Step::End(TurnEnd::CaughtUp));
    };
    // One byte more than fits tells whether the cut falls into a character.
    let mut bytes = vec![0; ((end.text - start) as usize).min(max_line + 1)];
    let count = source.read_at(&mut bytes, start)?;
    if count < bytes.len() {
        return Ok(Step::End(TurnEnd::Overwritten));
    }
    let Some(pass) = pass_over(file, source, buffer, end)? else {
        return Ok(Step::End(TurnEnd::Overwritten));
    };
    let whole = end.text - start - pass.carriage_return as u64;
    let (bytes, ended) = match whole > max_line as u64 {
        true => (cut_at_character(&bytes, max_line), LineEnd::Cut { original_len: whole }),
        false if end.terminated => (&bytes[..whole as usize], LineEnd::Terminated),
        false => (&bytes[..whole as usize], LineEnd::Partial),
    };
    if file.ledger.is_settled(start, end.line) {
        return Ok(Step::Advanced);
    }
    let line = RawLine { start, end: end.line, bytes, ended, checksum: pass.checksum };
    let flow = sink(&mut file.memory, line);
    Ok(match skip_filtered(flow, file, skipped, start, end.line) {
        Flow::Continue | Flow::Filtered => Step::Advanced,
        Flow::Stop => Step::End(TurnEnd::Full),
    })
}

#[derive(Clone, Copy)]
struct FoundEnd {
    /// Behind the line's last byte.
    text: u64,
    /// Behind its terminator.
    line: u64,
    terminated: bool,
}

fn find_line_end(file: &mut Tailed, source: &mut Source, buffer: &mut [u8]) -> io::Result<Option<FoundEnd>> {
    let forced = file.next_forced_end();
    loop {
        let from = file.scanned.max(file.framed());
        let room = forced.map_or(buffer.len(), |end| buffer.len().min((end - from) as usize));
        let count = source.read_at(&mut buffer[..room], from)?;
        if let Some(at) = memchr(b'\n', &buffer[..count]) {
            let text = from + at as u64;
            return Ok(Some(FoundEnd { text, line: text + 1, terminated: true }));
        }
        file.scanned = from + count as u64;
        if forced == Some(file.scanned) {
            return Ok(Some(FoundEnd { text: file.scanned, line: file.scanned, terminated: false }));
        }
        if count < room {
            file.unpacked = file.compression != Compression::Plain;
            return Ok(None);
        }
    }
}

struct Pass {
    checksum: u32,
    carriage_return: bool,
}

/// Reads the line at the framed offset once more, to hash it and to move behind it. `None`: it has become shorter.
fn pass_over(
    file: &mut Tailed,
    source: &mut Source,
    buffer: &mut [u8],
    end: FoundEnd,
) -> io::Result<Option<Pass>> {
    let mut hash = Xxh3::new();
    let mut held_back = false;
    while file.framed() < end.line {
        let from = file.framed();
        let room = buffer.len().min((end.line - from) as usize);
        if source.read_at(&mut buffer[..room], from)? < room {
            return Ok(None);
        }
        let text = &buffer[..room.min((end.text - from) as usize)];
        if held_back && !text.is_empty() {
            hash.update(b"\r");
        }
        if !text.is_empty() {
            held_back = text.ends_with(b"\r");
            hash.update(without_carriage_return(text));
        }
        file.advance(&buffer[..room]);
    }
    let mut tail = [0; TAIL as usize];
    let known = (file.framed().min(TAIL)) as usize;
    let from = file.framed() - known as u64;
    if source.read_at(&mut tail[..known], from)? < known {
        return Ok(None);
    }
    file.tail = tail_hash(&tail[..known]);
    Ok(Some(Pass { checksum: hash.digest() as u32, carriage_return: held_back }))
}

/// Takes the running hash up again at the newest mark. False: the text is shorter now.
fn resume_prefix(file: &mut Tailed, source: &mut Source, buffer: &mut [u8]) -> io::Result<bool> {
    let mut prefix = PrefixHash::resume(&file.mark_here());
    while prefix.offset() < file.framed() {
        let room = buffer.len().min((file.framed() - prefix.offset()) as usize);
        if source.read_at(&mut buffer[..room], prefix.offset())? < room {
            return Ok(false);
        }
        prefix.update(&buffer[..room]);
    }
    file.prefix = Some(Box::new(prefix));
    Ok(true)
}

/// What of a line fits, and how that ends.
fn within(whole: &[u8], max_line: usize, ended: LineEnd) -> (&[u8], LineEnd) {
    match whole.len() > max_line {
        true => (cut_at_character(whole, max_line), LineEnd::Cut { original_len: whole.len() as u64 }),
        false => (whole, ended),
    }
}

/// At most `max` bytes, not ending inside a UTF-8 character.
fn cut_at_character(line: &[u8], max: usize) -> &[u8] {
    if line.len() <= max {
        return line;
    }
    let continues = |at: usize| line[at] & 0b1100_0000 == 0b1000_0000;
    let end = (max.saturating_sub(3)..=max).rev().find(|at| !continues(*at)).unwrap_or(max);
    &line[..end]
}
