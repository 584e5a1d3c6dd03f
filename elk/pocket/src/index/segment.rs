//! The committed documents of an index, as segments that never change.

use super::keys;
use super::schema::{FIELDS, column_name};
use crate::document::DocKey;
use crate::mapping::FieldId;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::index::SegmentId;
use tantivy::schema::Value as _;
use tantivy::{DocId, Opstamp, SegmentReader, TantivyDocument, TantivyError};

/// The segments of an index at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Oldest first, mostly.
    pub segments: Vec<Arc<Segment>>,
}

/// One immutable segment, its columns opened once.
pub struct Segment {
    /// tantivy's reader.
    pub reader: SegmentReader,
    /// Name of the segment and of the deletes applied to it.
    pub identity: (SegmentId, Option<Opstamp>),
    numbers: Cache<Column<i64>>,
    keywords: Cache<StrColumn>,
    spans: Cache<Spans>,
}

/// The least and the greatest number of each block of documents.
pub(crate) type Spans = Arc<[(i64, i64)]>;

/// Documents of a block, the unit in which [`Segment::spans`] looks at a segment.
pub const BLOCK_DOCS: u32 = 1 << 13;

type Cache<T> = RwLock<HashMap<FieldId, Option<T>>>;

/// A document read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its id.
    pub id: String,
    /// Its text.
    pub source: Bytes,
    /// Its place in the order of writing.
    pub sequence: u64,
    /// Its version.
    pub version: u64,
}

impl Segment {
    pub(super) fn new(reader: SegmentReader) -> Self {
        let identity = (reader.segment_id(), reader.delete_opstamp());
        Self {
            reader,
            identity,
            numbers: RwLock::default(),
            keywords: RwLock::default(),
            spans: RwLock::default(),
        }
    }

    /// Documents, deleted ones included.
    pub fn max_doc(&self) -> u32 {
        self.reader.max_doc()
    }

    /// The numbers of a field; `None` where no document of this segment has one.
    pub fn numbers(&self, field: FieldId) -> tantivy::Result<Option<Column<i64>>> {
        cached(&self.numbers, field, || {
            self.reader.fast_fields().column_opt(&format!("n.{}", column_name(field)))
        })
    }

    /// The keywords of a field; `None` where no document of this segment has one.
    pub fn keywords(&self, field: FieldId) -> tantivy::Result<Option<StrColumn>> {
        cached(&self.keywords, field, || self.reader.fast_fields().str(&format!("k.{}", column_name(field))))
    }

    /// The least and the greatest number of a field in each block of documents; `None` unless every document has one.
    pub fn spans(&self, field: FieldId) -> tantivy::Result<Option<Spans>> {
        let Some(column) = self.numbers(field)?.filter(|column| matches!(column.index, ColumnIndex::Full))
        else {
            return Ok(None);
        };
        cached(&self.spans, field, || {
            let starts = (0..self.max_doc()).step_by(BLOCK_DOCS as usize);
            Ok(Some(
                starts.map(|start| span(&column, start, self.max_doc().min(start + BLOCK_DOCS))).collect(),
            ))
        })
    }

    /// Places in the order of writing.
    pub fn sequences(&self) -> tantivy::Result<Column<u64>> {
        self.reader.fast_fields().u64("sequence")
    }

    /// The key of a document.
    pub fn key(&self, doc: DocId) -> tantivy::Result<DocKey> {
        keys::key_of(&self.reader, doc)
    }

    /// Living documents with one of `keys`, and the place of the key.
    pub fn find(&self, wanted: &[DocKey]) -> tantivy::Result<Vec<(DocId, usize)>> {
        let mut found = keys::find(&self.reader, wanted)?;
        found.retain(|(doc, _)| !self.reader.is_deleted(*doc));
        Ok(found)
    }

    /// Reads documents back, in the order asked for.
    pub fn documents(&self, docs: &[DocId]) -> tantivy::Result<Vec<StoredDocument>> {
        let mut found = Vec::with_capacity(docs.len());
        self.each_document(docs, |document| {
            found.push(document);
            Ok::<(), TantivyError>(())
        })?;
        Ok(found)
    }

    /// Reads documents back one by one, in the order asked for; neighbours share a block.
    pub fn each_document<E: From<TantivyError>>(
        &self,
        docs: &[DocId],
        mut take: impl FnMut(StoredDocument) -> Result<(), E>,
    ) -> Result<(), E> {
        let store = self.reader.get_store_reader(2).map_err(TantivyError::from)?;
        let sequences = self.sequences()?;
        let versions = self.reader.fast_fields().column_opt::<u64>("version")?;
        let fields = &FIELDS.1;
        docs.iter().try_for_each(|doc| {
            let stored: TantivyDocument = store.get(*doc)?;
            let bytes = |field| stored.get_first(field).and_then(|value| value.as_bytes());
            let id = match bytes(fields.id) {
                Some(id) => String::from_utf8_lossy(id).into_owned(),
                None => self.key(*doc)?.id().unwrap_or_default(),
            };
            take(StoredDocument {
                id,
                source: Bytes::copy_from_slice(bytes(fields.source).unwrap_or_default()),
                sequence: sequences.first(*doc).unwrap_or_default(),
                version: versions.as_ref().and_then(|versions| versions.first(*doc)).unwrap_or(1),
            })
        })
    }
}

fn span(column: &Column<i64>, start: u32, end: u32) -> (i64, i64) {
    let mut numbers = vec![0; (end - start) as usize];
    column.values.get_range(start.into(), &mut numbers);
    numbers.iter().fold((i64::MAX, i64::MIN), |(low, high), number| (low.min(*number), high.max(*number)))
}

fn cached<T: Clone>(
    cache: &Cache<T>,
    field: FieldId,
    open: impl FnOnce() -> tantivy::Result<Option<T>>,
) -> tantivy::Result<Option<T>> {
    if let Some(column) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&field) {
        return Ok(column.clone());
    }
    let column = open()?;
    cache.write().unwrap_or_else(PoisonError::into_inner).insert(field, column.clone());
    Ok(column)
}

impl Snapshot {
    /// The snapshot of `readers`, taking over segments this one has opened already.
    pub(super) fn followed_by(&self, readers: &[SegmentReader]) -> Self {
        let known: HashMap<_, _> = self.segments.iter().map(|segment| (segment.identity, segment)).collect();
        let segments = readers.iter().map(|reader| {
            let identity = (reader.segment_id(), reader.delete_opstamp());
            known
                .get(&identity)
                .map_or_else(|| Arc::new(Segment::new(reader.clone())), |segment| Arc::clone(segment))
        });
        Self { segments: segments.collect() }
    }

    /// The first place in the order of writing that no committed document has.
    pub fn next_sequence(&self) -> tantivy::Result<u64> {
        self.segments.iter().try_fold(0, |next, segment| Ok(next.max(segment.sequences()?.max_value() + 1)))
    }

    /// Living documents.
    pub fn count(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.reader.num_docs())).sum()
    }

    /// The documents of `keys` that are committed, by place of the key.
    pub fn documents(&self, keys: &[DocKey]) -> tantivy::Result<HashMap<usize, StoredDocument>> {
        let mut found = HashMap::new();
        for segment in &self.segments {
            let (docs, places): (Vec<DocId>, Vec<usize>) = segment.find(keys)?.into_iter().unzip();
            found.extend(places.into_iter().zip(segment.documents(&docs)?));
        }
        Ok(found)
    }
}
