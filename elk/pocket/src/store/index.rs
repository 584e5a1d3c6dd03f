//! One index of the store.

use super::ApiError;
use super::registry::replace_file;
use crate::document::{DocKey, Refusal, Unknown, Values, parse};
use crate::ids::IdSet;
use crate::index::{Indexed, Pending, Shelf, Snapshot, WriterBudget};
use crate::log::Record;
use crate::mapping::{Mapping, MappingError, MappingSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What never changes about an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexMeta {
    /// Number of its folder.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: String,
    /// When it was made, in milliseconds.
    pub created: i64,
    /// Flat settings.
    pub settings: Map<String, Value>,
    /// The data stream it backs.
    pub stream: Option<String>,
}

/// An index.
pub struct Index {
    /// What never changes.
    pub meta: IndexMeta,
    folder: PathBuf,
    mapping: RwLock<Arc<Mapping>>,
    /// Held while the mapping is extended and stored.
    mapping_change: Mutex<()>,
    /// Which ids there are.
    pub ids: Arc<Mutex<IdSet>>,
    /// The next place in the order of writing; held from the check of ids to the hand-over to the log.
    pub gate: Mutex<u64>,
    /// The documents.
    pub shelf: Shelf,
    removed: AtomicBool,
}

impl Index {
    /// Makes a new index in `folder`.
    pub fn create(
        folder: &Path,
        meta: IndexMeta,
        mappings: &Value,
        budget: WriterBudget,
    ) -> Result<Self, ApiError> {
        let mapping = Mapping::parse(mappings, mapping_settings(&meta.settings)).map_err(mapping_error)?;
        std::fs::create_dir_all(folder)?;
        save(folder, &meta, &mapping)?;
        Self::assemble(folder, meta, mapping, budget).map_err(ApiError::from)
    }

    /// Opens the index in `folder`.
    pub fn open(folder: &Path, budget: WriterBudget) -> io::Result<Self> {
        let stored: Value =
            serde_json::from_slice(&std::fs::read(folder.join("index.json"))?).map_err(io::Error::other)?;
        let meta: IndexMeta = serde_json::from_value(stored["meta"].clone()).map_err(io::Error::other)?;
        let mapping = Mapping::restore(&stored["mapping"], mapping_settings(&meta.settings))
            .map_err(io::Error::other)?;
        Self::assemble(folder, meta, mapping, budget)
    }

    fn assemble(folder: &Path, meta: IndexMeta, mapping: Mapping, budget: WriterBudget) -> io::Result<Self> {
        let ids = Arc::new(Mutex::new(IdSet::open(&folder.join("ids"))?));
        let shelf =
            Shelf::open(&folder.join("documents"), Arc::clone(&ids), budget).map_err(io::Error::other)?;
        let next = shelf.snapshot().next_sequence().map_err(io::Error::other)?;
        Ok(Self {
            meta,
            folder: folder.to_owned(),
            mapping: RwLock::new(Arc::new(mapping)),
            mapping_change: Mutex::new(()),
            ids,
            gate: Mutex::new(next),
            shelf,
            removed: AtomicBool::new(false),
        })
    }

    /// The mapping as it is now.
    pub fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(&self.mapping.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The searchable documents.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shelf.snapshot()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Extends the mapping by what a client asks for.
    pub fn put_mapping(&self, source: &Value) -> Result<(), ApiError> {
        self.change_mapping(|mapping| {
            let mut changed = mapping.clone();
            changed.merge(source)?;
            changed.check_limit()?;
            Ok(changed)
        })
        .map_err(mapping_error)?
        .map_err(ApiError::from)
    }

    /// Stores a changed mapping before anyone sees it.
    fn change_mapping(
        &self,
        change: impl FnOnce(&Mapping) -> Result<Mapping, MappingError>,
    ) -> Result<io::Result<()>, MappingError> {
        let _one_at_a_time = self.mapping_change.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&self.mapping())?;
        let saved = save(&self.folder, &self.meta, &changed);
        if saved.is_ok() {
            *self.mapping.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        }
        Ok(saved)
    }

    /// The values of a document; its new fields extend the mapping, durably.
    pub fn parse(&self, source: &[u8]) -> Result<Values, Refusal> {
        match parse(source, &self.mapping(), Unknown::Reported) {
            Err(Refusal::Unmapped) => self.parse_new_fields(source),
            outcome => outcome,
        }
    }

    fn parse_new_fields(&self, source: &[u8]) -> Result<Values, Refusal> {
        let document: Value =
            serde_json::from_slice(source).map_err(|error| Refusal::Json(error.to_string()))?;
        self.change_mapping(|mapping| mapping.extended_by(&document))
            .map_err(|error| Refusal::TooManyFields(error.to_string()))?
            .map_err(|error| Refusal::TooManyFields(format!("the mapping could not be stored: {error}")))?;
        parse(source, &self.mapping(), Unknown::Ignored)
    }

    /// A record of the log as the change it was.
    pub fn revive(&self, record: Record) -> Pending {
        let values = match record.source.is_empty() {
            true => Values::default(),
            // It was accepted once; should a mapping be lost, the document at least stays.
            false => parse(&record.source, &self.mapping(), Unknown::Ignored).unwrap_or_default(),
        };
        let Record { operation, key, id, sequence, version, source } = record;
        Pending { operation, document: Indexed { key, id, sequence, version, source, values } }
    }

    /// Notes that the index is being removed: what the log still holds for it is not indexed any more.
    pub fn retire(&self) {
        self.removed.store(true, Ordering::SeqCst);
    }

    /// Whether the index was removed.
    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::SeqCst)
    }

    /// Whether documents need `@timestamp`.
    pub fn is_stream(&self) -> bool {
        self.meta.stream.is_some()
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        folder_bytes(&self.folder)
    }

    /// The key's id as text, `given` where the key does not hold it.
    pub fn id_of(key: DocKey, given: Option<&str>) -> String {
        key.id().or_else(|| given.map(str::to_owned)).unwrap_or_default()
    }
}

fn save(folder: &Path, meta: &IndexMeta, mapping: &Mapping) -> io::Result<()> {
    let stored = json!({"meta": meta, "mapping": mapping.store()});
    replace_file(&folder.join("index.json"), &serde_json::to_vec(&stored).map_err(io::Error::other)?)
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn mapping_settings(settings: &Map<String, Value>) -> MappingSettings {
    let text = |key: &str| {
        settings.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let flag = |key: &str| text(key).as_deref() == Some("true");
    MappingSettings {
        fields_limit: text("index.mapping.total_fields.limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(1_000),
        ignore_beyond_limit: flag("index.mapping.total_fields.ignore_dynamic_beyond_limit"),
        ignore_malformed: flag("index.mapping.ignore_malformed"),
        default_fields: match settings.get("index.query.default_field") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(name)) => vec![name.clone()],
            _ => MappingSettings::default().default_fields,
        },
    }
}

pub(super) fn mapping_error(error: MappingError) -> ApiError {
    match error {
        MappingError::Invalid(_) => ApiError::new(400, "mapper_parsing_exception", error.to_string()),
        _ => ApiError::illegal(error.to_string()),
    }
}
