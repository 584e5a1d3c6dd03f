//! Documents go in here: added, committed, published as a new snapshot.

use super::document::Indexed;
use super::keys::KeysQuery;
use super::merges::BoundedMerges;
use super::schema::{FIELDS, WORDS};
use super::segment::Snapshot;
use super::words::Words;
use crate::document::DocKey;
use crate::ids::IdSet;
use crate::log::Operation;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{IndexReader, IndexSettings, IndexWriter, ReloadPolicy};

/// Memory that a writer may take for documents it has not committed, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct WriterBudget(pub usize);

impl WriterBudget {
    /// Most documents of a segment that is made by merging. Queries run segment by segment, so this bounds their memory
    /// too.
    fn merged_docs_max(self) -> usize {
        self.0 / MERGING
    }
}

/// What a merge takes for each document: its old place (8 bytes), and for a field that is different in each of them, like
/// the id of a trace, the new place of its text in a vector that grows by doubling (16).
const MERGING: usize = 24;

/// A change that is in the log and not yet in the index.
#[derive(Debug, Clone)]
pub struct Pending {
    /// What it does.
    pub operation: Operation,
    /// The document; of a removal, only the key counts.
    pub document: Indexed,
}

/// Where the documents of one index are kept: tantivy's folder and the ids beside it.
pub struct Shelf {
    index: tantivy::Index,
    reader: IndexReader,
    writer: Mutex<Option<Open>>,
    ids: Arc<Mutex<IdSet>>,
    snapshot: RwLock<Arc<Snapshot>>,
    budget: WriterBudget,
}

struct Open {
    writer: IndexWriter<Indexed>,
    keys: Vec<DocKey>,
    position: u64,
}

impl Shelf {
    /// Opens the folder, or makes it.
    pub fn open(folder: &Path, ids: Arc<Mutex<IdSet>>, budget: WriterBudget) -> tantivy::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let directory = MmapDirectory::open(folder)?;
        let settings = IndexSettings {
            docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(1) }),
            docstore_blocksize: 64 << 10,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let mut index = match tantivy::Index::exists(&directory)? {
            true => tantivy::Index::open(directory)?,
            false => tantivy::Index::create(directory, FIELDS.0.clone(), settings)?,
        };
        let tokenizers = TokenizerManager::default();
        tokenizers.register(WORDS, TextAnalyzer::from(Words::default()));
        index.set_tokenizers(tokenizers);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(0)
            .try_into()?;
        let shelf =
            Self { index, reader, writer: Mutex::new(None), ids, snapshot: RwLock::default(), budget };
        shelf.publish()?;
        Ok(shelf)
    }

    /// The position in the log up to which everything is committed here.
    pub fn committed(&self) -> tantivy::Result<u64> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
    }

    /// The committed documents.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes changes that end at `position` of the log. They are found after [`Self::commit`].
    pub fn add(&self, changes: Vec<Pending>, position: u64) -> tantivy::Result<()> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match slot.as_mut() {
            Some(open) => open,
            None => slot.insert(self.open_writer()?),
        };
        for Pending { operation, document } in changes {
            let key = document.key;
            if operation != Operation::Add {
                open.writer.delete_query(Box::new(KeysQuery { keys: vec![key] }))?;
            }
            if operation != Operation::Remove {
                open.writer.add_document(document)?;
            }
            open.keys.push(key);
        }
        open.position = position;
        Ok(())
    }

    fn open_writer(&self) -> tantivy::Result<Open> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(self.budget.0)
            .build();
        let writer: IndexWriter<Indexed> = self.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(BoundedMerges::new(self.budget.merged_docs_max())));
        Ok(Open { writer, keys: Vec::new(), position: 0 })
    }

    /// Makes what was added durable and found. After an error nothing of it counts: open the shelf again and replay.
    pub fn commit(&self) -> tantivy::Result<()> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = slot.as_mut() else { return Ok(()) };
        // Ids first: a run may name documents that are still in the log only, never the other way round.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).flush(&open.keys)?;
        open.keys.clear();
        let position = open.position.to_string();
        let mut prepared = open.writer.prepare_commit()?;
        prepared.set_payload(&position);
        prepared.commit()?;
        self.publish()
    }

    /// Gives a writer up after an error, with what it had not committed.
    pub fn abandon_writer(&self) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Gives the writer's memory back, after [`Self::commit`]. Waits for merges that run.
    pub fn close_writer(&self) -> tantivy::Result<()> {
        let open = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        open.map_or(Ok(()), |open| open.writer.wait_merging_threads())
    }

    /// Shows the newest segments, merged ones included.
    pub fn publish(&self) -> tantivy::Result<()> {
        self.reader.reload()?;
        let searcher = self.reader.searcher();
        let next = self.snapshot().followed_by(searcher.segment_readers());
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Unknown, parse};
    use crate::ids::State;
    use crate::mapping::{Mapping, MappingSettings};
    use bytes::Bytes;
    use serde_json::json;

    fn pending(mapping: &Mapping, operation: Operation, id: &str, sequence: u64, source: &str) -> Pending {
        let values = parse(source.as_bytes(), mapping, Unknown::Reported).unwrap();
        let document = Indexed {
            key: DocKey::of(id),
            id: Some(id.into()),
            sequence,
            version: sequence as u32,
            source: Bytes::copy_from_slice(source.as_bytes()),
            values,
        };
        Pending { operation, document }
    }

    #[test]
    fn documents_come_back_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let mapping = Mapping::parse(
            &json!({"properties": {"n": {"type": "long"}, "k": {"type": "keyword"}}}),
            MappingSettings::default(),
        )
        .unwrap();
        let ids = Arc::new(Mutex::new(IdSet::open(&folder.path().join("ids")).unwrap()));
        let shelf = Shelf::open(&folder.path().join("documents"), Arc::clone(&ids), WriterBudget(15_000_000))
            .unwrap();
        let first = r#"{"n": [7, -1], "k": ["b", "a"]}"#;
        let change = |operation, id, sequence, source| pending(&mapping, operation, id, sequence, source);
        ids.lock().unwrap().note(DocKey::of("one"), State::Alive);
        shelf
            .add(vec![change(Operation::Add, "one", 1, first), change(Operation::Add, "two", 2, "{}")], 10)
            .unwrap();
        shelf.commit().unwrap();
        assert_eq!(shelf.committed().unwrap(), 10);
        let snapshot = shelf.snapshot();
        let found = snapshot.documents(&[DocKey::of("one"), DocKey::of("none")]).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&0]);
        assert_eq!(
            (found[&0].id.as_str(), &found[&0].source[..], found[&0].version),
            ("one", first.as_bytes(), 1)
        );
        let segment = &snapshot.segments[0];
        let numbers = segment.numbers(mapping.field("n").unwrap().id).unwrap().unwrap();
        assert_eq!(numbers.values_for_doc(0).collect::<Vec<_>>(), [-1, 7]);
        let keywords = segment.keywords(mapping.field("k").unwrap().id).unwrap().unwrap();
        assert_eq!(keywords.term_ords(0).collect::<Vec<_>>(), [0, 1]);

        shelf
            .add(
                vec![
                    change(Operation::Replace, "one", 3, "{\"n\": 8}"),
                    change(Operation::Remove, "two", 4, "{}"),
                ],
                20,
            )
            .unwrap();
        shelf.commit().unwrap();
        assert_eq!(shelf.snapshot().count(), 1);
        let found = shelf.snapshot().documents(&[DocKey::of("one"), DocKey::of("two")]).unwrap();
        assert_eq!((found.len(), &found[&0].source[..], found[&0].version), (1, &b"{\"n\": 8}"[..], 3));
        shelf.close_writer().unwrap();
    }
}
