//! One walk through the directories that can hold matches.

use super::glob::Patterns;
use super::scan::{Directory, Found, MAX_DIRECTORIES, MAX_FILES, MAX_LINKED_DIRECTORIES, ScanResult, found};
use super::warning::{Told, Warning};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Where links to files lead, by the link; valid as long as device and inode behind it stay.
pub(super) type Targets = HashMap<PathBuf, (u64, u64, PathBuf)>;

/// A matching file under one of its names.
pub(super) struct Name {
    pub(super) found: Found,
    /// The name is a link, or lies behind one.
    pub(super) linked: bool,
    /// Number of hard links.
    pub(super) links: u64,
}

/// A directory on the way from a base, for recognising loops.
struct Way {
    id: (u64, u64),
    from: Option<Rc<Way>>,
}

impl Way {
    fn passes(&self, id: (u64, u64)) -> bool {
        self.id == id || self.from.as_ref().is_some_and(|from| from.passes(id))
    }
}

/// A directory still to be listed.
struct Pending {
    path: PathBuf,
    from: Option<Rc<Way>>,
    linked: bool,
}

/// One scan under way.
pub(super) struct Walk<'a> {
    patterns: &'a Patterns,
    told: &'a mut Told,
    old_targets: Targets,
    pub(super) targets: Targets,
    /// Other paths under which changes of a watched path matter.
    pub(super) aliases: HashMap<PathBuf, Vec<PathBuf>>,
    pending: Vec<Pending>,
    /// Directories behind links, entered when no others are left; lowest path first.
    linked: BTreeSet<PathBuf>,
    ways: HashMap<PathBuf, Rc<Way>>,
    listed: HashSet<PathBuf>,
    linked_listed: usize,
    /// Under which path a directory is watched.
    watched: HashMap<(u64, u64), PathBuf>,
    /// Every matching file under each of its names.
    pub(super) names: Vec<Name>,
    /// All but the files.
    pub(super) result: ScanResult,
    full: bool,
    path: Vec<u8>,
    inputs: Vec<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(patterns: &'a Patterns, told: &'a mut Told, old_targets: Targets) -> Self {
        Self {
            patterns,
            told,
            old_targets,
            targets: HashMap::new(),
            aliases: HashMap::new(),
            pending: Vec::new(),
            linked: BTreeSet::new(),
            ways: HashMap::new(),
            listed: HashSet::new(),
            linked_listed: 0,
            watched: HashMap::new(),
            names: Vec::new(),
            result: ScanResult::default(),
            full: false,
            path: Vec::new(),
            inputs: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        for base in self.patterns.bases().iter().rev() {
            let linked = std::fs::canonicalize(base).is_ok_and(|plain| plain != *base);
            self.pending.push(Pending { path: base.clone(), from: None, linked });
        }
        while !self.full
            && let Some(directory) = self.next()
        {
            self.enter(directory);
        }
    }

    fn next(&mut self) -> Option<Pending> {
        self.pending.pop().or_else(|| {
            let path = self.linked.pop_first()?;
            let from = path.parent().and_then(|parent| self.ways.get(parent)).cloned();
            Some(Pending { path, from, linked: true })
        })
    }

    fn enter(&mut self, directory: Pending) {
        if self.listed.contains(&directory.path) || self.is_over_limit(directory.linked) {
            return;
        }
        let is_base = directory.from.is_none();
        let entries = std::fs::metadata(&directory.path)
            .and_then(|metadata| Ok((metadata, std::fs::read_dir(&directory.path)?)));
        let (metadata, entries) = match entries {
            Ok(opened) => opened,
            Err(error) if is_base && is_absent(&error) => return self.watch_parent_of(&directory.path),
            Err(error) => return self.could_not_see(&directory.path, &error),
        };
        let id = (metadata.dev(), metadata.ino());
        if directory.from.as_ref().is_some_and(|way| way.passes(id)) {
            return self.tell(Warning::Loop { path: directory.path });
        }
        let way = Rc::new(Way { id, from: directory.from });
        self.ways.insert(directory.path.clone(), Rc::clone(&way));
        self.listed.insert(directory.path.clone());
        self.linked_listed += usize::from(directory.linked);
        self.watch(&directory.path, id);
        for entry in entries {
            match entry {
                Ok(_) if self.full => return,
                Ok(entry) => self.examine(&directory.path, &entry, &way, directory.linked),
                Err(error) => return self.could_not_see(&directory.path, &error),
            }
        }
    }

    fn is_over_limit(&mut self, linked: bool) -> bool {
        if self.listed.len() >= MAX_DIRECTORIES {
            self.stop("directories", MAX_DIRECTORIES);
        } else if linked && self.linked_listed >= MAX_LINKED_DIRECTORIES {
            self.stop("directories behind links", MAX_LINKED_DIRECTORIES);
        }
        self.full
    }

    /// Ends the walk: not a word about what was not seen.
    fn stop(&mut self, what: &'static str, limit: usize) {
        self.full = true;
        self.result.incomplete.push(PathBuf::from("/"));
        self.tell(Warning::TooMany { what, limit });
    }

    fn examine(&mut self, directory: &Path, entry: &DirEntry, way: &Rc<Way>, linked: bool) {
        self.path.clear();
        self.path.extend_from_slice(directory.as_os_str().as_bytes());
        if self.path != b"/" {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(entry.file_name().as_bytes());
        let path = Path::new(OsStr::from_bytes(&self.path));
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => {
                let path = path.to_path_buf();
                return self.could_not_see(&path, &error);
            }
        };
        self.inputs.clear();
        if !kind.is_dir() {
            self.patterns.inputs_of(&self.path, &mut self.inputs);
        }
        let enter = (kind.is_dir() || kind.is_symlink()) && self.patterns.may_contain(&self.path);
        match (kind.is_dir(), enter) {
            (true, true) => {
                self.pending.push(Pending { path: path.to_path_buf(), from: Some(Rc::clone(way)), linked });
            }
            (true, false) => self.tell_if_matching(kind),
            (false, false) if self.inputs.is_empty() => {}
            _ if kind.is_symlink() => self.examine_link(enter),
            _ if kind.is_file() => self.examine_file(linked),
            _ => self.tell_if_matching(kind),
        }
    }

    fn examine_file(&mut self, linked: bool) {
        let path = PathBuf::from(OsStr::from_bytes(&self.path));
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => self.keep(path, &metadata, linked),
            // Replaced since it was listed; the next scan sees what it is now.
            Ok(_) => self.result.incomplete.push(path),
            Err(error) => self.could_not_see(&path, &error),
        }
    }

    fn examine_link(&mut self, enter: bool) {
        let path = PathBuf::from(OsStr::from_bytes(&self.path));
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return,
            Err(error) => return self.could_not_see(&path, &error),
        };
        if metadata.is_dir() && enter {
            self.linked.insert(path);
        } else if metadata.is_file() && !self.inputs.is_empty() {
            self.watch_target_of(&path, &metadata);
            self.keep(path, &metadata, true);
        } else {
            self.tell_if_matching(metadata.file_type());
        }
    }

    fn keep(&mut self, path: PathBuf, metadata: &Metadata, linked: bool) {
        if self.names.len() >= MAX_FILES {
            return self.stop("files", MAX_FILES);
        }
        let path: Arc<Path> = path.into();
        for &input in &self.inputs {
            let found = found(Arc::clone(&path), metadata, input);
            self.names.push(Name { found, linked, links: metadata.nlink() });
        }
    }

    fn tell_if_matching(&mut self, kind: FileType) {
        self.patterns.inputs_of(&self.path, &mut self.inputs);
        if !self.inputs.is_empty() {
            let path = PathBuf::from(OsStr::from_bytes(&self.path));
            self.tell(Warning::NotAFile { path, kind: kind_name(kind) });
        }
    }

    /// Something listed is not there any more, or may not be looked at: no word about it and what is below.
    fn could_not_see(&mut self, path: &Path, error: &io::Error) {
        self.result.incomplete.push(path.to_path_buf());
        if !is_absent(error) {
            self.tell(Warning::Unreadable { path: path.to_path_buf(), error: error.to_string() });
        }
    }

    fn tell(&mut self, warning: Warning) {
        self.told.tell(warning, &mut self.result.warnings);
    }

    fn watch(&mut self, path: &Path, id: (u64, u64)) {
        match self.watched.get(&id) {
            // The kernel watches a directory once, whatever its names.
            Some(watched) if watched != path => {
                self.aliases.entry(watched.clone()).or_default().push(path.to_path_buf());
            }
            Some(_) => {}
            None => {
                self.watched.insert(id, path.to_path_buf());
                self.result.directories.push(Directory {
                    path: path.to_path_buf(),
                    device: id.0,
                    inode: id.1,
                });
            }
        }
    }

    /// A base that does not exist yet: its first step will be made in the nearest parent that does.
    fn watch_parent_of(&mut self, base: &Path) {
        let existing = base.ancestors().skip(1).find_map(|parent| {
            let metadata = std::fs::metadata(parent).ok().filter(Metadata::is_dir)?;
            Some((parent, metadata))
        });
        if let Some((parent, metadata)) = existing {
            self.watch(parent, (metadata.dev(), metadata.ino()));
        }
    }

    /// Writes to the target of a link happen in the target's directory.
    fn watch_target_of(&mut self, link: &Path, metadata: &Metadata) {
        let target = match self.old_targets.remove(link) {
            Some((device, inode, target)) if (device, inode) == (metadata.dev(), metadata.ino()) => target,
            _ => match std::fs::canonicalize(link) {
                Ok(target) => target,
                Err(_) => return,
            },
        };
        if let Some(parent) = target.parent()
            && let Ok(parent_metadata) = std::fs::metadata(parent)
        {
            self.watch(parent, (parent_metadata.dev(), parent_metadata.ino()));
        }
        self.aliases.entry(target.clone()).or_default().push(link.to_path_buf());
        self.targets.insert(link.to_path_buf(), (metadata.dev(), metadata.ino(), target));
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "directory",
        _ if kind.is_fifo() => "FIFO",
        _ if kind.is_socket() => "socket",
        _ if kind.is_char_device() || kind.is_block_device() => "device",
        _ => "special file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // F53, F54, F55: between listing and examining, anything can happen. The walk is driven by hand to be in between.
    #[test]
    fn what_vanishes_between_listing_and_examining_is_not_taken_for_deleted() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::write(path("file.log"), "x").unwrap();
        std::fs::create_dir(path("sub")).unwrap();
        let pattern = [path("**/*.log").into_os_string().into_string().unwrap()];
        let patterns = Patterns::new([(&pattern[..], &[][..])]).unwrap();
        let mut told = Told::default();
        let mut walk = Walk::new(&patterns, &mut told, Targets::new());
        let entries: Vec<DirEntry> =
            std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(entries.len(), 2);
        std::fs::remove_file(path("file.log")).unwrap();
        std::fs::rename(path("sub"), path("moved")).unwrap();
        let way = Rc::new(Way { id: (0, 0), from: None });
        for entry in &entries {
            walk.examine(temp.path(), entry, &way, false);
        }
        while let Some(directory) = walk.next() {
            walk.enter(directory);
        }
        let result = walk.result;
        assert!(!result.covers(&path("file.log")) && !result.covers(&path("sub/inner.log")));
        assert!(result.covers(&path("other.log")));
        assert!(result.warnings.is_empty(), "a race is nothing odd: {:?}", result.warnings);
    }
}
