//! The tantivy schema every index has.

use crate::document::IGNORED;
use crate::mapping::FieldId;
use std::sync::LazyLock;
use tantivy::schema::{FAST, Field, IndexRecordOption, JsonObjectOptions, STORED, Schema, TextFieldIndexing};

/// Name of the tokenizer for texts.
pub(super) const WORDS: &str = "words";

/// The fields of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// Upper half of the key.
    pub key_high: Field,
    /// Lower half of the key.
    pub key_low: Field,
    /// Order of writing.
    pub sequence: Field,
    /// Version where it is not 1.
    pub version: Field,
    /// Numbers.
    pub numbers: Field,
    /// Keywords.
    pub keywords: Field,
    /// Texts.
    pub texts: Field,
    /// Ids the key does not hold.
    pub id: Field,
    /// Documents.
    pub source: Field,
}

/// Schema and fields; the same for every index.
pub static FIELDS: LazyLock<(Schema, Fields)> = LazyLock::new(|| {
    let mut schema = Schema::builder();
    let columns = JsonObjectOptions::default().set_fast("raw");
    let words = TextFieldIndexing::default()
        .set_tokenizer(WORDS)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let fields = Fields {
        key_high: schema.add_u64_field("key_high", FAST),
        key_low: schema.add_u64_field("key_low", FAST),
        sequence: schema.add_u64_field("sequence", FAST),
        version: schema.add_u64_field("version", FAST),
        numbers: schema.add_json_field("n", columns.clone()),
        keywords: schema.add_json_field("k", columns),
        texts: schema.add_json_field("t", JsonObjectOptions::default().set_indexing_options(words)),
        id: schema.add_bytes_field("id", STORED),
        source: schema.add_bytes_field("source", STORED),
    };
    (schema.build(), fields)
});

static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=IGNORED.0).map(|number| number.to_string()).collect());

/// A field's number as the path of its column or terms.
pub fn column_name(field: FieldId) -> &'static str {
    &NAMES[field.0.min(IGNORED.0) as usize]
}
