//! Which boards there are: those that come with the program, and what was imported since.

use super::kept::{BoardFile, BoardFileError, Kept};
use dashboards::lens::{Boards, ParseError};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Most bytes of all saved objects together.
const BYTES_MAX: usize = 16 << 20;

/// Type and id of a saved object.
pub(super) type Key = (String, String);
/// Saved objects, each as the line it came in.
pub(super) type Objects = BTreeMap<Key, String>;

/// Saved objects, and the boards made of them.
///
/// What is imported is durable before it is shown, where there is a file for it; else it is kept in memory.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// Held while it changes, so that two imports do not undo each other.
    objects: Mutex<Objects>,
    boards: RwLock<Arc<Boards>>,
    /// Those that come with the program.
    program: Objects,
    file: Option<BoardFile>,
}

/// Why there are no boards.
#[derive(Debug, thiserror::Error)]
pub enum BoardsError {
    /// A fault of the program.
    #[error("the boards that come with this program cannot be read: {0}; report it")]
    Program(ParseError),
    /// What was imported before is out of reach.
    #[error(transparent)]
    File(#[from] BoardFileError),
}

/// Why objects are not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    /// A line is no saved object.
    #[error("{0}")]
    Parse(ParseError),
    /// They would fill the memory.
    #[error(
        "the saved objects together would have {0} bytes, of {BYTES_MAX} at most; delete boards that nobody needs"
    )]
    TooLarge(usize),
    /// The disk does not take them.
    #[error("the boards could not be written to `{}`, so nothing was changed: {source}; see to the disk, then send this again", .path.display())]
    Unkept {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
}

impl Catalogue {
    /// The boards that come with the program, and what `file` has kept.
    pub(super) fn open(file: Option<BoardFile>) -> Result<Self, BoardsError> {
        let program: Objects = objects(&dashboards::kibana::import()).collect();
        let kept = file.as_ref().map_or_else(|| Ok(Kept::default()), BoardFile::load)?;
        let objects = kept.over(&program);
        let boards = RwLock::new(Arc::new(parse(&objects).map_err(BoardsError::Program)?));
        Ok(Self { objects: Mutex::new(objects), boards, program, file })
    }

    /// All boards, as they are now.
    pub(super) fn boards(&self) -> Arc<Boards> {
        Arc::clone(&self.boards.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A saved object as it came.
    pub(super) fn object(&self, key: &Key) -> Option<String> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Takes saved objects, one a line; those of the same type and id are replaced. All or none; says which.
    pub(super) fn import(&self, ndjson: &str) -> Result<Vec<Key>, ImportError> {
        Boards::parse(ndjson).map_err(ImportError::Parse)?;
        let taken: Vec<(Key, String)> = objects(ndjson).collect();
        let keys = taken.iter().map(|(key, _)| key.clone()).collect();
        self.change(|objects| objects.extend(taken))?;
        Ok(keys)
    }

    /// What keeps these objects from being taken, in the words of Kibana: objects that are there already, and references
    /// to data views and searches that are nowhere.
    pub(super) fn obstacles(&self, ndjson: &str, overwrite: bool) -> Result<Vec<Json>, ImportError> {
        Boards::parse(ndjson).map_err(ImportError::Parse)?;
        let coming: Objects = objects(ndjson).collect();
        let here = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for (key, line) in &coming {
            if !overwrite && here.contains_key(key) {
                found.push(obstacle(key, json!({"type": "conflict"})));
            }
            let missing: Vec<Json> = references(line)
                .filter(|key| !coming.contains_key(key) && !here.contains_key(key))
                .map(|(kind, id)| json!({"type": kind, "id": id}))
                .collect();
            if !missing.is_empty() {
                found.push(obstacle(key, json!({"type": "missing_references", "references": missing})));
            }
        }
        Ok(found)
    }

    /// Takes an object away; whether it was there.
    pub(super) fn delete(&self, key: &Key) -> Result<bool, ImportError> {
        self.change(|objects| objects.remove(key).is_some())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Objects) -> T) -> Result<T, ImportError> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = objects.clone();
        let done = change(&mut next);
        let bytes = next.values().map(String::len).sum();
        if bytes > BYTES_MAX {
            return Err(ImportError::TooLarge(bytes));
        }
        let boards = parse(&next).map_err(ImportError::Parse)?;
        if let Some(file) = &self.file {
            let unkept = |source| ImportError::Unkept { path: file.path().to_owned(), source };
            file.save(&Kept::between(&self.program, &next)).map_err(unkept)?;
        }
        *self.boards.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(boards);
        *objects = next;
        Ok(done)
    }
}

fn parse(objects: &Objects) -> Result<Boards, ParseError> {
    let ndjson: String = objects.values().flat_map(|line| [line.as_str(), "\n"]).collect();
    Boards::parse(&ndjson)
}

/// The lines that are saved objects; an export ends with one that is none.
pub(super) fn objects(ndjson: &str) -> impl Iterator<Item = (Key, String)> {
    ndjson.lines().filter_map(|line| {
        let object: Json = serde_json::from_str(line).ok()?;
        let text = |key: &str| object[key].as_str().map(str::to_owned);
        Some(((text("type")?, text("id")?), line.to_owned()))
    })
}

/// The data views and searches an object cannot do without.
fn references(line: &str) -> impl Iterator<Item = Key> {
    let object: Json = serde_json::from_str(line).unwrap_or_default();
    let references = object["references"].as_array().cloned().unwrap_or_default();
    references.into_iter().filter_map(|reference| {
        let kind = reference["type"].as_str().filter(|kind| matches!(*kind, "index-pattern" | "search"))?;
        Some((kind.to_owned(), reference["id"].as_str()?.to_owned()))
    })
}

fn obstacle((kind, id): &Key, error: Json) -> Json {
    json!({"type": kind, "id": id, "meta": {"title": id}, "error": error})
}
