//! A parsed document as tantivy takes it: no tree, values are slices of it.

use super::schema::{FIELDS, column_name};
use crate::document::{DocKey, Values, Word};
use crate::mapping::FieldId;
use bytes::Bytes;
use tantivy::schema::Field;
use tantivy::schema::document::{Document, ReferenceValue, ReferenceValueLeaf, Value};

/// A document on its way into the index.
#[derive(Debug, Clone)]
pub struct Indexed {
    /// Its key.
    pub key: DocKey,
    /// Its id where the key does not hold it.
    pub id: Option<Box<str>>,
    /// Its place in the order of writing.
    pub sequence: u64,
    /// Its version.
    pub version: u32,
    /// Its text.
    pub source: Bytes,
    /// Its values.
    pub values: Values,
}

/// A part of a document.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    Whole(u64),
    Bytes(&'a [u8]),
    Numbers(&'a [(FieldId, i64)]),
    Words(&'a Values, &'a [Word]),
    Number(i64),
    Word(&'a str),
}

/// The entries of an object part.
#[derive(Debug, Clone)]
pub enum Entries<'a> {
    Numbers(std::slice::Iter<'a, (FieldId, i64)>),
    Words(&'a Values, std::slice::Iter<'a, Word>),
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, Part<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Numbers(numbers) => {
                numbers.next().map(|(field, number)| (column_name(*field), Part::Number(*number)))
            }
            Self::Words(values, words) => {
                let values: &'a Values = values;
                words.next().map(|word| (column_name(word.field), Part::Word(values.text(*word))))
            }
        }
    }
}

impl<'a> Value<'a> for Part<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = Entries<'a>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        match self {
            Self::Whole(number) => ReferenceValue::Leaf(ReferenceValueLeaf::U64(*number)),
            Self::Bytes(bytes) => ReferenceValue::Leaf(ReferenceValueLeaf::Bytes(bytes)),
            Self::Number(number) => ReferenceValue::Leaf(ReferenceValueLeaf::I64(*number)),
            Self::Word(text) => ReferenceValue::Leaf(ReferenceValueLeaf::Str(text)),
            Self::Numbers(numbers) => ReferenceValue::Object(Entries::Numbers(numbers.iter())),
            Self::Words(values, words) => ReferenceValue::Object(Entries::Words(values, words.iter())),
        }
    }
}

impl Document for Indexed {
    type Value<'a> = Part<'a>;
    type FieldsValuesIter<'a> = std::iter::Flatten<std::array::IntoIter<Option<(Field, Part<'a>)>, 9>>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let fields = &FIELDS.1;
        let (high, low) = self.key.halves();
        let values = &self.values;
        [
            Some((fields.key_high, Part::Whole(high))),
            Some((fields.key_low, Part::Whole(low))),
            Some((fields.sequence, Part::Whole(self.sequence))),
            (self.version != 1).then(|| (fields.version, Part::Whole(self.version.into()))),
            Some((fields.numbers, Part::Numbers(&values.numbers))),
            Some((fields.keywords, Part::Words(values, &values.keywords))),
            Some((fields.texts, Part::Words(values, &values.texts))),
            self.id.as_ref().map(|id| (fields.id, Part::Bytes(id.as_bytes()))),
            Some((fields.source, Part::Bytes(&self.source))),
        ]
        .into_iter()
        .flatten()
    }
}
