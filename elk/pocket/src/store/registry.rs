//! What the store knows beside documents, kept in one small file that is replaced whole.

use super::index::IndexMeta;
use crate::mapping::template::Templates;
use crate::pattern::matches;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// A data stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DataStream {
    /// Number of the newest backing index.
    pub generation: u32,
    /// Backing indices, oldest first; the last one is written to.
    pub indices: Vec<String>,
    /// The index template it came from.
    pub template: String,
    /// Its lifecycle (`data_retention`), null where it has none.
    #[serde(default)]
    pub lifecycle: Value,
    /// The template's `_meta`.
    #[serde(default)]
    pub meta: Value,
}

/// Templates, streams, aliases, pipelines, policies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Registry {
    /// Identity of the cluster.
    pub uuid: String,
    /// The number the next index folder gets.
    pub next_number: u32,
    /// Index and component templates.
    #[serde(default)]
    pub templates: Templates,
    /// Data streams by name.
    #[serde(default)]
    pub streams: BTreeMap<String, DataStream>,
    /// Aliases: name → index → its parameters.
    #[serde(default)]
    pub aliases: BTreeMap<String, BTreeMap<String, Value>>,
    /// Ingest pipelines by name.
    #[serde(default)]
    pub pipelines: BTreeMap<String, Value>,
    /// Lifecycle policies by name.
    #[serde(default)]
    pub policies: BTreeMap<String, Value>,
}

impl Registry {
    /// Reads the file; `None` where there is none.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(io::Error::other)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file durably.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        replace_file(path, &serde_json::to_vec(self).map_err(io::Error::other)?)
    }

    /// Takes in what only the indices know: numbers that are used up, and backing indices their stream does not list,
    /// after a stop between making an index and noting it here, or after the registry was lost.
    pub(super) fn adopt<'a>(&mut self, indices: impl Iterator<Item = &'a IndexMeta>) {
        let mut metas: Vec<&IndexMeta> = indices.collect();
        metas.sort_by_key(|meta| meta.number);
        for stream in self.streams.values_mut() {
            stream.indices.retain(|name| metas.iter().any(|meta| meta.name == *name));
        }
        for meta in metas {
            self.next_number = self.next_number.max(meta.number + 1);
            let Some(stream) = &meta.stream else { continue };
            let stream = self.streams.entry(stream.clone()).or_insert_with(|| DataStream {
                generation: 0,
                indices: Vec::new(),
                template: String::new(),
                lifecycle: Value::Null,
                meta: Value::Null,
            });
            if !stream.indices.contains(&meta.name) {
                stream.indices.push(meta.name.clone());
            }
            let generation = meta.name.rsplit('-').next().and_then(|digits| digits.parse().ok());
            stream.generation = stream.generation.max(generation.unwrap_or(1));
        }
        self.streams.retain(|_, stream| !stream.indices.is_empty());
    }

    /// Names of indices that a name or pattern stands for: of the indices themselves, streams and aliases.
    pub fn targets(&self, pattern: &str, indices: &[String]) -> Vec<String> {
        let fits = |name: &str| if pattern.contains('*') { matches(pattern, name) } else { pattern == name };
        let backing =
            |name: &str| self.streams.values().any(|stream| stream.indices.iter().any(|index| index == name));
        let mut found: Vec<String> = Vec::new();
        for (name, stream) in &self.streams {
            if fits(name) {
                found.extend(stream.indices.iter().cloned());
            }
        }
        for (name, targets) in &self.aliases {
            if fits(name) {
                found.extend(targets.keys().cloned());
            }
        }
        // Backing indices are hidden: patterns reach them through their stream, or when they begin with a dot.
        let shown = |name: &str| !pattern.contains('*') || pattern.starts_with('.') || !backing(name);
        found.extend(indices.iter().filter(|name| fits(name) && shown(name)).cloned());
        found
    }

    /// The stream an index backs.
    pub fn stream_of(&self, index: &str) -> Option<(&String, &DataStream)> {
        self.streams.iter().find(|(_, stream)| stream.indices.iter().any(|name| name == index))
    }
}

/// Writes a file beside `path`, syncs it, puts it in place and syncs the folder.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
