//! Opening a store: the lock, the indices, the log.

use super::Store;
use super::index::Index;
use super::indexer::{Indexer, LogReader};
use super::registry::Registry;
use crate::ids::State;
use crate::index::WriterBudget;
use crate::log::{self, Log, Operation};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How a store uses its machine.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Anonymous memory the store may take, in bytes.
    pub memory: usize,
    /// Writes are refused while the file system has less free than this, in bytes.
    pub free_disk_min: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory: 256 << 20, free_disk_min: 128 << 20 }
    }
}

impl Options {
    pub(super) fn writer_budget(&self) -> WriterBudget {
        // Three writers, each of which grows past its budget by about a third while it is written out.
        WriterBudget((self.memory / 8).clamp(15_000_000, 64_000_000))
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("data folder `{}` is in use by another process; stop that one, or name another folder", .0.display())]
    InUse(PathBuf),
    /// Something cannot be read or written.
    #[error("data folder: could not {what} `{}`", .path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which path.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |source| OpenError::Io { what, path: path.to_owned(), source }
}

impl Store {
    /// Opens the store in `folder`, made where it is missing. Reads the log and brings every index up to it.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        fs::create_dir_all(folder.join("indices")).map_err(failed("make", folder))?;
        let lock = take_lock(folder)?;
        let mut registry = open_registry(folder)?;
        let indices = open_indices(folder, options.writer_budget())?;
        registry.adopt(indices.iter().map(|index| &index.meta));
        let path = folder.join("registry.json");
        registry.save(&path).map_err(failed("write", &path))?;
        let log_folder = folder.join("log");
        let end = bring_up(&log_folder, &folder.join("quarantine"), &indices)
            .map_err(failed("read the log in", &log_folder))?;
        let indexer = Indexer::start(LogReader { folder: log_folder.clone() })
            .map_err(failed("start the indexer of", folder))?;
        let log =
            Log::open(&log_folder, end, indexer.inlet()).map_err(failed("write the log in", &log_folder))?;
        let by_name: BTreeMap<String, Arc<Index>> =
            indices.into_iter().map(|index| (index.meta.name.clone(), index)).collect();
        Ok(Self {
            folder: folder.to_owned(),
            uuid: registry.uuid.clone(),
            pipelines: RwLock::new(super::pipelines::read_all(registry.pipelines.iter())),
            registry: Mutex::new(registry),
            indices: Arc::new(RwLock::new(by_name)),
            log,
            indexer,
            options,
            _lock: lock,
        })
    }
}

fn take_lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

fn open_registry(folder: &Path) -> Result<Registry, OpenError> {
    let path = folder.join("registry.json");
    match Registry::load(&path) {
        Ok(Some(registry)) => Ok(registry),
        Ok(None) => Ok(Registry { uuid: super::action::random_id(), ..Registry::default() }),
        Err(error) if error.kind() == io::ErrorKind::Other => {
            let kept = quarantine(folder, &path).map_err(failed("put aside", &path))?;
            tracing::error!(kept_as = %kept.display(), %error, "the registry is damaged and was put aside; templates must be set up again, data streams are rebuilt from their indices");
            Ok(Registry { uuid: super::action::random_id(), ..Registry::default() })
        }
        Err(error) => Err(failed("read", &path)(error)),
    }
}

fn open_indices(folder: &Path, budget: WriterBudget) -> Result<Vec<Arc<Index>>, OpenError> {
    let parent = folder.join("indices");
    let mut indices = Vec::new();
    for entry in fs::read_dir(&parent).map_err(failed("read", &parent))? {
        let path = entry.map_err(failed("read", &parent))?.path();
        if !path.join("index.json").try_exists().map_err(failed("look at", &path))? {
            // Made and not yet named when the process stopped: nothing was answered for it.
            fs::remove_dir_all(&path).map_err(failed("remove", &path))?;
            continue;
        }
        match Index::open(&path, budget) {
            Ok(index) => indices.push(Arc::new(index)),
            Err(error) => {
                let kept = quarantine(folder, &path).map_err(failed("put aside", &path))?;
                tracing::error!(kept_as = %kept.display(), %error, "an index is damaged and was put aside; its documents are not searchable until it is mended and put back");
            }
        }
    }
    Ok(indices)
}

/// Moves what is damaged out of the way; says where to.
pub(crate) fn quarantine(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let quarantine = folder.join("quarantine");
    fs::create_dir_all(&quarantine)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kept = quarantine.join(format!("{name}.{}", crate::time::now_millis()));
    fs::rename(path, &kept)?;
    Ok(kept)
}

/// Gives every index what the log has and it has not, and the ids with it. Returns the end of the log.
fn bring_up(log_folder: &Path, quarantine: &Path, indices: &[Arc<Index>]) -> io::Result<u64> {
    let by_number: HashMap<u32, &Arc<Index>> =
        indices.iter().map(|index| (index.meta.number, index)).collect();
    let mut committed = HashMap::new();
    for index in indices {
        committed.insert(index.meta.number, index.shelf.committed().map_err(io::Error::other)?);
    }
    let newest = committed.values().copied().max().unwrap_or(0);
    let replay = log::replay::<io::Error>(log_folder, quarantine, 0, |entry, position| {
        let Some(index) = by_number.get(&entry.index) else { return Ok(()) };
        if position <= committed[&entry.index] {
            return Ok(());
        }
        let mut ids = index.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = index.gate.lock().unwrap_or_else(PoisonError::into_inner);
        for record in &entry.records {
            let state = if record.operation == Operation::Remove { State::Deleted } else { State::Alive };
            ids.note(record.key, state);
            *next = (*next).max(record.sequence + 1);
        }
        drop((ids, next));
        let changes = entry.records.into_iter().map(|record| index.revive(record)).collect();
        index.shelf.add(changes, position).map_err(io::Error::other)
    })?;
    for damage in &replay.damages {
        tracing::error!(kept_as = %damage.kept_as.display(), from = damage.from, bytes = damage.bytes, "the log is damaged: frames from this position were lost by the disk; the file was kept");
    }
    for index in indices {
        index.shelf.commit().and_then(|()| index.shelf.close_writer()).map_err(io::Error::other)?;
    }
    // A log that lost its last files must not give positions out again that indices count as committed.
    Ok(replay.end.max(newest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Action, Defaults, parse_bulk};
    use bytes::Bytes;
    use serde_json::json;

    fn store(folder: &Path) -> Store {
        Store::open(folder, Options::default()).unwrap()
    }

    fn write(store: &Store, ids: std::ops::Range<u32>) {
        let body: String = ids
            .map(|id| format!("{{\"create\":{{\"_index\":\"logs-a-b\",\"_id\":\"{id}\"}}}}\n{{\"@timestamp\":\"2026-01-01\"}}\n"))
            .collect();
        let actions: Vec<Action> = parse_bulk(&Bytes::from(body), &Defaults::default()).unwrap();
        assert!(store.bulk(actions).iter().all(|outcome| outcome.result.is_ok()));
    }

    fn put_template(store: &Store) {
        let template = json!({"index_patterns": ["logs-*"], "data_stream": {}});
        store.registry().templates.put_index("logs", serde_json::from_value(template).unwrap()).unwrap();
    }

    #[test]
    fn streams_are_rebuilt_without_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        let first = store(folder.path());
        put_template(&first);
        write(&first, 0..10);
        first.roll_over("logs-a-b").unwrap();
        write(&first, 10..15);
        drop(first);
        fs::write(folder.path().join("registry.json"), "broken").unwrap();
        let second = store(folder.path());
        let stream = second.registry().streams["logs-a-b"].clone();
        assert_eq!((stream.generation, stream.indices.len()), (2, 2));
        assert_eq!(second.indices().iter().map(|index| index.snapshot().count()).sum::<u64>(), 15);
        assert!(folder.path().join("quarantine").read_dir().unwrap().count() == 1);
        put_template(&second);
        write(&second, 15..20);
        second.roll_over("logs-a-b").unwrap();
        assert_eq!(second.indices().len(), 3);
    }

    #[test]
    fn a_damaged_index_is_put_aside_and_the_rest_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let first = store(folder.path());
        put_template(&first);
        write(&first, 0..10);
        first.create_index("plain", &json!({})).unwrap();
        let damaged = first
            .indices()
            .iter()
            .find(|index| index.meta.name == "plain")
            .unwrap()
            .folder()
            .join("index.json");
        drop(first);
        fs::write(damaged, "{}").unwrap();
        let second = store(folder.path());
        assert_eq!(second.indices().len(), 1);
        assert_eq!(second.resolve("logs-a-b", false).unwrap()[0].snapshot().count(), 10);
    }

    #[test]
    fn an_index_can_be_removed_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        put_template(&store);
        write(&store, 0..100);
        store.remove_stream("logs-a-b").unwrap();
        write(&store, 0..5);
        store.refresh().unwrap();
        assert_eq!(store.resolve("logs-a-b", false).unwrap()[0].snapshot().count(), 5);
    }
}
