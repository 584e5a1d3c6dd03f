//! The values of one document, by field.

use crate::mapping::FieldId;

/// The keyword field `_ignored`: names of fields whose values were passed over.
pub const IGNORED: FieldId = FieldId(10_000);

/// A text in the arena of its [`Values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Its field.
    pub field: FieldId,
    start: u32,
    end: u32,
}

/// What a document gives to columns and inverted index. Texts share one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// Numbers, dates, booleans; and a 0 for every `text` field that has a value, so that `exists` finds it.
    pub numbers: Vec<(FieldId, i64)>,
    /// Keywords: of each field sorted and without repetition.
    pub keywords: Vec<Word>,
    /// Texts, to be split into words.
    pub texts: Vec<Word>,
    arena: String,
}

impl Values {
    /// The text of a word.
    pub fn text(&self, word: Word) -> &str {
        &self.arena[word.start as usize..word.end as usize]
    }

    /// Adds a keyword.
    pub fn add_keyword(&mut self, field: FieldId, text: &str) {
        let word = self.word(field, text);
        self.keywords.push(word);
    }

    /// Adds a text.
    pub fn add_text(&mut self, field: FieldId, text: &str) {
        let word = self.word(field, text);
        if !self.texts.iter().any(|known| known.field == field) {
            self.numbers.push((field, 0));
        }
        self.texts.push(word);
    }

    fn word(&mut self, field: FieldId, text: &str) -> Word {
        let start = self.arena.len() as u32;
        self.arena.push_str(text);
        Word { field, start, end: self.arena.len() as u32 }
    }

    /// Sorts the values of each field and drops repeated keywords, as doc values do.
    pub(super) fn settle(&mut self) {
        let arena = &self.arena;
        let text = |word: &Word| &arena[word.start as usize..word.end as usize];
        self.keywords.sort_by(|a, b| a.field.cmp(&b.field).then_with(|| text(a).cmp(text(b))));
        self.keywords.dedup_by(|a, b| a.field == b.field && text(a) == text(b));
        self.numbers.sort_unstable();
    }

    /// Approximate bytes held.
    pub fn size(&self) -> usize {
        self.arena.len() + 16 * (self.numbers.len() + self.keywords.len() + self.texts.len())
    }
}
