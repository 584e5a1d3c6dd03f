//! What stands between the values of a document: names, colons, braces. It follows from which fields are filled, and lines that
//! fill the same ones come again and again.

use super::document::{Filled, PADDING};
use super::layout::{Layout, Nesting, Rank};

/// Skeletons kept; a power of two. A file has as many as its lines have shapes, mostly fewer than ten.
const KEPT: usize = 64;

/// The skeleton of documents with certain fields.
#[derive(Debug)]
pub(super) struct Skeleton {
    filled: Filled,
    pub(super) parts: Vec<Part>,
    /// All text between values, padded for [`super::document::append`].
    pub(super) text: Vec<u8>,
    /// Where the text behind the last value ends.
    pub(super) end: usize,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) rank: Rank,
    /// Where the text before its value ends; it begins where that of the field before ended.
    pub(super) text_end: u32,
}

/// The skeletons of late.
#[derive(Debug)]
pub(super) struct Skeletons {
    kept: Vec<Option<Skeleton>>,
}

impl Default for Skeletons {
    fn default() -> Self {
        Self { kept: (0..KEPT).map(|_| None).collect() }
    }
}

impl Skeletons {
    /// The skeleton for these fields; made if it is not kept.
    #[inline]
    pub(super) fn of(&mut self, filled: &Filled, layout: &Layout) -> &Skeleton {
        let place = &mut self.kept[filled.hash() as usize % KEPT];
        if place.as_ref().is_none_or(|skeleton| skeleton.filled != *filled) {
            *place = None;
        }
        place.get_or_insert_with(|| Skeleton::new(*filled, layout))
    }
}

impl Skeleton {
    #[cold]
    fn new(filled: Filled, layout: &Layout) -> Self {
        let mut text = vec![b'{'];
        let mut parts = Vec::new();
        let mut nesting = Nesting::default();
        for rank in filled.ranks() {
            nesting.field(layout.entry(rank), &mut text);
            parts.push(Part { rank, text_end: text.len() as u32 });
        }
        nesting.end(&mut text);
        let end = text.len();
        text.extend_from_slice(&PADDING);
        Self { filled, parts, text, end }
    }
}
