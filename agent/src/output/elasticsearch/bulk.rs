//! The answer to `_bulk`, read item by item as it arrives.
//!
//! Nothing is taken on trust: the whole answer has to be valid JSON, with one item for each document sent, in the order
//! sent, each with exactly one action and one status. `took`, `errors` and unknown fields decide nothing, so answers
//! shortened by `filter_path` are understood. Anything else is a [`BulkError`], and the fate of all items is unknown.
//!
//! Memory: one item, at most [`MAX_UNIT`], plus what [`BulkAnswer`] keeps of failures. Successes allocate nothing.

use super::json::{Fault, Scanner, Text};
use super::text::truncate;
use crate::file::identity::ID_LEN;
use std::iter::Peekable;
use std::sync::Arc;

/// Most bytes of one item, or of one other member of the answer.
pub const MAX_UNIT: usize = 256 << 10;

/// Most bytes kept of an `error.type`.
const MAX_KIND: usize = 128;

/// Most bytes kept of an `error.reason`, its cause included.
const MAX_REASON: usize = 512;

/// Bytes that come in before a look is worth it.
const LOOK_AFTER: usize = 4 << 10;

/// What the server did with each document of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkAnswer {
    /// Number of items.
    pub items: u32,
    /// Items with another status than 2xx, ascending.
    pub failures: Vec<Failure>,
    /// Stored items that went to the failure store, ascending.
    pub failure_store: Vec<u32>,
    /// `_index` of the last stored item, if the answer named one.
    pub backing_index: Option<String>,
}

/// An item that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Number of the item in the request.
    pub item: u32,
    /// Its status.
    pub status: u16,
    /// Whether the answer is for the action `create`.
    pub create: bool,
    /// `error.type`, bounded.
    pub kind: Arc<str>,
    /// `error.reason`, bounded; may be left out after the first failure of its kind where the status is not 400 or 500.
    pub reason: Box<str>,
}

/// Why an answer says nothing about the documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BulkError {
    /// It ends too early.
    #[error("the answer ends after {0} bytes, in the middle")]
    Truncated(u64),
    /// It is no JSON, or not the JSON of a bulk answer.
    #[error("the answer is not that of a bulk request: {what} at byte {at}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where, counted from the start of the answer.
        at: u64,
    },
    /// One part is larger than [`MAX_UNIT`].
    #[error("one item of the answer is larger than {MAX_UNIT} bytes")]
    TooLarge,
    /// The number of items is wrong.
    #[error("the answer has {found} items for {sent} documents")]
    Count {
        /// Documents in the request.
        sent: u32,
        /// Items seen, at most one more than sent.
        found: u32,
    },
    /// An item carries the id of another document.
    #[error("item {0} of the answer carries the id of another document")]
    Order(u32),
}

/// Reads one answer, in pieces of any size.
pub struct BulkReader<Ids: Iterator> {
    ids: Peekable<Ids>,
    sent: u32,
    same: SameAgain,
    place: Place,
    seen_items: bool,
    answer: BulkAnswer,
    /// Bytes from the first unread one on.
    buffer: Vec<u8>,
    /// Length of the buffer at the last look.
    looked: usize,
    /// Bytes read before the buffer.
    read: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    FirstMember,
    Member,
    AfterMember,
    FirstItem,
    Item,
    AfterItem,
    End,
}

impl<Ids: Iterator<Item = [u8; ID_LEN]>> BulkReader<Ids> {
    /// For a request of `sent` documents with these ids.
    pub fn new(sent: u32, ids: Ids) -> Self {
        Self {
            ids: ids.peekable(),
            sent,
            same: SameAgain::default(),
            place: Place::Start,
            seen_items: false,
            answer: BulkAnswer::default(),
            buffer: Vec::new(),
            looked: 0,
            read: 0,
        }
    }

    /// Takes the next bytes of the answer. After an error the rest need not be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), BulkError> {
        self.buffer.extend_from_slice(bytes);
        // A look starts at the beginning of the item, so small pieces are collected first.
        if self.buffer.len() >= self.looked.max(LOOK_AFTER / 2) + LOOK_AFTER / 2 {
            self.look()
        } else {
            Ok(())
        }
    }

    /// The verdicts, once all bytes were pushed.
    pub fn finish(mut self) -> Result<BulkAnswer, BulkError> {
        self.look()?;
        if self.place != Place::End || !self.buffer.trim_ascii().is_empty() {
            return Err(BulkError::Truncated(self.read + self.buffer.len() as u64));
        }
        if !self.seen_items {
            return Err(BulkError::Malformed { what: "there is no member `items`", at: self.read });
        }
        if self.answer.items != self.sent {
            return Err(BulkError::Count { sent: self.sent, found: self.answer.items });
        }
        Ok(self.answer)
    }

    /// Reads all units the buffer holds.
    fn look(&mut self) -> Result<(), BulkError> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut scanner = Scanner::new(&buffer, 0);
        let read = loop {
            let unit = scanner;
            match self.step(&mut scanner) {
                Ok(()) => {}
                Err(Stop::Json(Fault::Incomplete)) => break unit.at(),
                Err(Stop::Json(Fault::Invalid(what))) => {
                    return Err(BulkError::Malformed { what, at: self.read + scanner.at() as u64 });
                }
                Err(Stop::Answer(error)) => return Err(error),
            }
        };
        self.buffer = buffer;
        self.buffer.drain(..read);
        self.read += read as u64;
        self.looked = self.buffer.len();
        if self.looked > MAX_UNIT { Err(BulkError::TooLarge) } else { Ok(()) }
    }

    /// Reads one unit. Changes nothing but the scanner where it is incomplete.
    #[inline]
    fn step(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Stop> {
        self.place = match self.place {
            Place::Item => self.item(scanner)?,
            Place::AfterItem => after(scanner, b']', Place::AfterMember, Place::Item)?,
            Place::FirstItem if scanner.take(b']')? => Place::AfterMember,
            Place::FirstItem => Place::Item,
            Place::Start => {
                scanner.expect(b'{', "an object was expected")?;
                Place::FirstMember
            }
            Place::FirstMember if scanner.take(b'}')? => Place::End,
            Place::FirstMember | Place::Member => self.member(scanner)?,
            Place::AfterMember => after(scanner, b'}', Place::End, Place::Member)?,
            Place::End => {
                scanner.peek()?;
                return Err(Fault::Invalid("something follows the answer").into());
            }
        };
        Ok(())
    }

    fn member(&mut self, scanner: &mut Scanner<'_>) -> Result<Place, Stop> {
        if !scanner.key()?.is(b"items") {
            scanner.skip()?;
            return Ok(Place::AfterMember);
        }
        scanner.expect(b'[', "`items` is no array")?;
        if std::mem::replace(&mut self.seen_items, true) {
            return Err(Fault::Invalid("there are two members `items`").into());
        }
        Ok(Place::FirstItem)
    }

    #[inline]
    fn item(&mut self, scanner: &mut Scanner<'_>) -> Result<Place, Stop> {
        if let Some(id) = self.ids.peek()
            && self.same.take(scanner, id)?
        {
            self.ids.next();
            self.answer.items += 1;
            return Ok(Place::AfterItem);
        }
        self.other_item(scanner)
    }

    fn other_item(&mut self, scanner: &mut Scanner<'_>) -> Result<Place, Stop> {
        let mut action = None;
        let start = scanner.at();
        scanner.object(|scanner, name| {
            let result = ItemResult::read(scanner, name.is(b"create"))?;
            if action.replace(result).is_some() {
                Err(Fault::Invalid("an item has two actions"))
            } else {
                Ok(())
            }
        })?;
        let result = action.ok_or(Fault::Invalid("an item has no action"))?;
        let number = self.answer.items;
        let Some(id) = self.ids.next() else {
            return Err(Stop::Answer(BulkError::Count { sent: self.sent, found: number + 1 }));
        };
        if result.id.is_some_and(|found| !found.is(&id)) {
            return Err(Stop::Answer(BulkError::Order(number)));
        }
        if self.answer.add(&result)? == Stored::Plainly {
            self.same.learn(start, scanner.since(start), result.id);
        }
        Ok(Place::AfterItem)
    }
}

/// A stored item, to know the next one by: in short answers they differ in the id only.
#[derive(Debug, Default)]
struct SameAgain {
    before_id: Vec<u8>,
    after_id: Vec<u8>,
    learned: u32,
}

impl SameAgain {
    /// After so many looks that were learned the items are taken for all different.
    const PATIENCE: u32 = 8;

    #[inline]
    fn take(&self, scanner: &mut Scanner<'_>, id: &[u8; ID_LEN]) -> Result<bool, Fault> {
        scanner.peek()?;
        Ok((1..Self::PATIENCE).contains(&self.learned)
            && scanner.take_all([&self.before_id, id, &self.after_id]))
    }

    fn learn(&mut self, start: usize, item: &[u8], id: Option<Text<'_>>) {
        let Some(id) = id.filter(|id| id.plain().is_some()) else { return };
        if self.learned == Self::PATIENCE {
            return;
        }
        self.learned += 1;
        let (before, rest) = item.split_at(id.at() - start);
        self.before_id.clear();
        self.before_id.extend_from_slice(before);
        self.after_id.clear();
        self.after_id.extend_from_slice(&rest[ID_LEN..]);
    }
}

fn after(scanner: &mut Scanner<'_>, close: u8, closed: Place, next: Place) -> Result<Place, Fault> {
    if scanner.take(close)? {
        return Ok(closed);
    }
    scanner.expect(b',', "a comma was expected")?;
    Ok(next)
}

enum Stop {
    Json(Fault),
    Answer(BulkError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Json(fault)
    }
}

impl BulkAnswer {
    #[inline]
    fn add(&mut self, result: &ItemResult<'_>) -> Result<Stored, Fault> {
        let status = result.status.ok_or(Fault::Invalid("an item has no status"))?;
        let mut stored = Stored::Otherwise;
        match status {
            200..300 if result.error.is_some() => return Err(Fault::Invalid("a stored item has an error")),
            200..300 if result.failure_store => self.failure_store.push(self.items),
            200..300 => {
                stored = Stored::Plainly;
                self.note_index(result.index);
            }
            400..600 => self.note_failure(status, result),
            _ => return Err(Fault::Invalid("an item has an impossible status")),
        }
        self.items += 1;
        Ok(stored)
    }

    #[inline]
    fn note_index(&mut self, index: Option<Text<'_>>) {
        let Some(index) = index else { return };
        let known = self.backing_index.as_deref().map(str::as_bytes);
        if known.is_none() || index.plain() != known {
            self.backing_index = Some(index.to_lossy(MAX_REASON));
        }
    }

    fn note_failure(&mut self, status: u16, result: &ItemResult<'_>) {
        let error = result.error.unwrap_or_default();
        let kind = error.kind.map(|kind| kind.to_lossy(MAX_KIND)).unwrap_or_default();
        let known = self.failures.iter().rev().take(8).find(|failure| *failure.kind == *kind);
        let keep_reason = known.is_none() || matches!(status, 400 | 500);
        let failure = Failure {
            item: self.items,
            status,
            create: result.create,
            reason: if keep_reason { error.full_reason().into() } else { Box::default() },
            kind: known.map_or_else(|| kind.into(), |known| Arc::clone(&known.kind)),
        };
        self.failures.push(failure);
    }
}

/// Whether an item is just stored, or anything else.
#[derive(Debug, PartialEq, Eq)]
enum Stored {
    Plainly,
    Otherwise,
}

/// The fields of one item that matter.
#[derive(Debug, Clone, Copy)]
struct ItemResult<'a> {
    create: bool,
    id: Option<Text<'a>>,
    index: Option<Text<'a>>,
    status: Option<u16>,
    error: Option<ErrorText<'a>>,
    failure_store: bool,
}

impl<'a> ItemResult<'a> {
    #[inline]
    fn read(scanner: &mut Scanner<'a>, create: bool) -> Result<Self, Fault> {
        let mut result =
            Self { create, id: None, index: None, status: None, error: None, failure_store: false };
        scanner.object(|scanner, name| {
            match name.plain() {
                Some(b"_version" | b"result" | b"_shards" | b"_seq_no" | b"_primary_term") => {
                    scanner.skip()?
                }
                _ if name.is(b"status") => {
                    let status = read_status(scanner)?;
                    if result.status.replace(status).is_some_and(|other| other != status) {
                        return Err(Fault::Invalid("an item has two statuses"));
                    }
                }
                _ if name.is(b"_id") => result.id = text_or_skip(scanner)?,
                _ if name.is(b"_index") => result.index = text_or_skip(scanner)?,
                _ if name.is(b"error") => result.error = ErrorText::read(scanner, 0)?,
                _ if name.is(b"failure_store") => {
                    result.failure_store = text_or_skip(scanner)?.is_some_and(|text| text.is(b"used"));
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(result)
    }
}

fn text_or_skip<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, Fault> {
    if scanner.peek()? == b'"' { scanner.text().map(Some) } else { scanner.skip().map(|()| None) }
}

/// `201`, `"201"` and `201.0` are clear; everything else is not.
#[inline]
fn read_status(scanner: &mut Scanner<'_>) -> Result<u16, Fault> {
    const UNCLEAR: Fault = Fault::Invalid("an item has no clear status");
    let text = match scanner.peek()? {
        b'"' => scanner.text()?.plain().ok_or(UNCLEAR)?,
        b'-' | b'0'..=b'9' => scanner.number()?,
        _ => return Err(UNCLEAR),
    };
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    match whole {
        [a, b, c] if whole.iter().all(u8::is_ascii_digit) && fraction.iter().all(|digit| *digit == b'0') => {
            Ok([a, b, c].iter().fold(0, |status, digit| status * 10 + u16::from(*digit - b'0')))
        }
        _ => Err(UNCLEAR),
    }
}

/// An `error`: an object with `type` and `reason`, or a text.
#[derive(Debug, Clone, Copy, Default)]
struct ErrorText<'a> {
    kind: Option<Text<'a>>,
    reason: Option<Text<'a>>,
    cause: Option<Text<'a>>,
}

impl<'a> ErrorText<'a> {
    /// `None` for `null`.
    fn read(scanner: &mut Scanner<'a>, depth: u32) -> Result<Option<Self>, Fault> {
        let mut error = Self::default();
        match scanner.peek()? {
            b'"' => error.reason = Some(scanner.text()?),
            b'{' => scanner.object(|scanner, name| {
                match name.plain() {
                    Some(b"type") => error.kind = text_or_skip(scanner)?,
                    Some(b"reason") => error.reason = text_or_skip(scanner)?,
                    Some(b"caused_by") if depth < 8 => {
                        let cause = Self::read(scanner, depth + 1)?;
                        error.cause = cause.and_then(|cause| cause.cause.or(cause.reason));
                    }
                    _ => scanner.skip()?,
                }
                Ok(())
            })?,
            b'n' => return scanner.skip().map(|()| None),
            _ => scanner.skip()?,
        }
        Ok(Some(error))
    }

    /// The reason, and the innermost cause where that says more.
    fn full_reason(&self) -> String {
        let reason = self.reason.map(|reason| reason.to_lossy(MAX_REASON)).unwrap_or_default();
        let cause = self.cause.map(|cause| cause.to_lossy(MAX_REASON)).unwrap_or_default();
        if cause.is_empty() || reason.contains(&cause) {
            return reason;
        }
        let mut full = format!("{reason}: {cause}");
        truncate(&mut full, MAX_REASON);
        full
    }
}

/// `error.type` and `error.reason` of an answer to a whole request, both bounded; `None` where it has no such shape.
pub fn request_error(body: &[u8]) -> Option<(String, String)> {
    let mut scanner = Scanner::new(body, 0);
    let mut found = None;
    scanner
        .object(|scanner, name| {
            if name.is(b"error") {
                found = ErrorText::read(scanner, 0)?;
                Ok(())
            } else {
                scanner.skip()
            }
        })
        .ok()?;
    let error = found?;
    Some((error.kind.map(|kind| kind.to_lossy(MAX_KIND)).unwrap_or_default(), error.full_reason()))
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
