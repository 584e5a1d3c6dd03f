//! Finding documents by key: a scan of the lower halves, checked against the upper ones.

use crate::document::DocKey;
use std::collections::HashMap;
use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError};

/// Up to this many keys are found by one scan each; more share one scan with a table.
const SCANS: usize = 8;

/// Documents of a segment (deleted ones included) that have one of `keys`, with the place of the key.
pub(super) fn find(reader: &SegmentReader, keys: &[DocKey]) -> tantivy::Result<Vec<(DocId, usize)>> {
    let columns = reader.fast_fields();
    let (high, low) = (columns.u64("key_high")?, columns.u64("key_low")?);
    let mut found = Vec::new();
    if keys.len() <= SCANS {
        for (at, key) in keys.iter().enumerate() {
            let mut docs = Vec::new();
            let (_, wanted) = key.halves();
            low.get_docids_for_value_range(wanted..=wanted, 0..reader.max_doc(), &mut docs);
            found.extend(
                docs.into_iter().filter(|doc| high.first(*doc) == Some(key.halves().0)).map(|doc| (doc, at)),
            );
        }
    } else {
        let places: HashMap<u64, Vec<usize>> =
            keys.iter().enumerate().fold(HashMap::new(), |mut map, (at, key)| {
                map.entry(key.halves().1).or_insert_with(Vec::new).push(at);
                map
            });
        for doc in 0..reader.max_doc() {
            let Some(places) = low.first(doc).and_then(|value| places.get(&value)) else { continue };
            found.extend(
                places
                    .iter()
                    .filter(|at| high.first(doc) == Some(keys[**at].halves().0))
                    .map(|at| (doc, *at)),
            );
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Matches documents by key; deletes go through it.
#[derive(Debug, Clone)]
pub struct KeysQuery {
    /// The keys.
    pub keys: Vec<DocKey>,
}

impl Query for KeysQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for KeysQuery {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut docs: Vec<DocId> = find(reader, &self.keys)?.into_iter().map(|(doc, _)| doc).collect();
        docs.dedup();
        Ok(Box::new(ConstScorer::new(Docs { docs, at: 0 }, boost)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument("keys are not scored".to_owned()))
    }
}

/// A sorted list of documents.
struct Docs {
    docs: Vec<DocId>,
    at: usize,
}

impl DocSet for Docs {
    fn advance(&mut self) -> DocId {
        self.at += 1;
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.docs.get(self.at).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        self.docs.len().saturating_sub(self.at) as u32
    }
}

/// The key of a document.
pub(super) fn key_of(reader: &SegmentReader, doc: DocId) -> tantivy::Result<DocKey> {
    let columns = reader.fast_fields();
    let (high, low) = (columns.u64("key_high")?.first(doc), columns.u64("key_low")?.first(doc));
    Ok(DocKey::from_halves(high.unwrap_or_default(), low.unwrap_or_default()))
}
