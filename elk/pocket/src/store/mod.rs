//! The whole store: indices behind one log, one indexer, one registry, in one folder.
//!
//! ```text
//! <folder>/lock                       held while a process has the folder
//! <folder>/registry.json              templates, data streams, aliases, pipelines, policies
//! <folder>/boards.ndjson              imported boards; the page writes it
//! <folder>/log/<position>.log         the write-ahead log
//! <folder>/indices/<number>/index.json, documents/, ids/
//! <folder>/quarantine/                damaged files, kept
//! ```

mod action;

mod bulk;

mod dated;

mod error;

mod index;

mod indexer;

mod lifecycle;

mod names;

mod open;

mod pipelines;

mod registry;

mod streams;

pub use action::{Action, Defaults, Kind, parse_bulk};
pub use bulk::{ItemOutcome, Outcome};
pub use dated::resolve_name;
pub use error::{ApiError, At};
pub use index::{Index, IndexMeta};
pub use lifecycle::parse_retention;
pub use names::check_name;
pub(crate) use open::quarantine;
pub use open::{OpenError, Options};
pub(crate) use registry::replace_file;
pub use registry::{DataStream, Registry};
pub use streams::Rollover;

use crate::log::Log;
use indexer::{Batch, Indexer};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// An open store.
pub struct Store {
    folder: PathBuf,
    /// Identity of the cluster this store plays.
    pub uuid: String,
    registry: Mutex<Registry>,
    indices: Arc<RwLock<BTreeMap<String, Arc<Index>>>>,
    pipelines: RwLock<pipelines::Pipelines>,
    log: Log<Batch>,
    indexer: Indexer,
    options: Options,
    _lock: File,
}

impl Store {
    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The registry, locked.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of that exact name.
    pub fn index(&self, name: &str) -> Option<Arc<Index>> {
        self.indices.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All indices in order of name.
    pub fn indices(&self) -> Vec<Arc<Index>> {
        self.indices.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Makes everything that was answered searchable.
    pub fn refresh(&self) -> Result<(), ApiError> {
        self.log_barrier()?;
        self.indexer.refresh().map_err(|reason| ApiError::unavailable(&reason))
    }

    /// Waits until all that was handed to the log has been handed on.
    fn log_barrier(&self) -> Result<(), ApiError> {
        let barrier = crate::log::Entry { index: 0, records: Vec::new() };
        let answer = self.log.append(&barrier, None).blocking_recv();
        match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(ApiError::disk_full(&failure.to_string())),
            Err(_) => Err(ApiError::unavailable("the store is stopping")),
        }
    }

    /// Indices, data streams and aliases a search expression (`a,b-*,-c`) names.
    ///
    /// A name without `*` that does not exist is an error unless `ignore_unavailable`.
    pub fn resolve(&self, expression: &str, ignore_unavailable: bool) -> Result<Vec<Arc<Index>>, ApiError> {
        let registry = self.registry();
        let mut names: Vec<String> = Vec::new();
        for part in expression.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if let Some(excluded) = part.strip_prefix('-').filter(|_| !names.is_empty()) {
                let gone = registry.targets(excluded, &self.plain_names());
                names.retain(|name| !gone.contains(name));
                continue;
            }
            let pattern = if part == "_all" { "*" } else { part };
            let found = registry.targets(pattern, &self.plain_names());
            if found.is_empty() && !pattern.contains('*') && !ignore_unavailable {
                return Err(ApiError::index_not_found(part));
            }
            names.extend(found);
        }
        drop(registry);
        let mut seen = std::collections::HashSet::new();
        Ok(names
            .into_iter()
            .filter(|name| seen.insert(name.clone()))
            .filter_map(|name| self.index(&name))
            .collect())
    }

    fn plain_names(&self) -> Vec<String> {
        self.indices.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}
