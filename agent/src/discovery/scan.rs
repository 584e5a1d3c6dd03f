//! The truth about which files exist.
//!
//! A [`Scanner`] walks from the literal base of each pattern into the directories that can hold matches, and examines what
//! matches. Directory entries tell most kinds without a further call, so entries that do not match cost a comparison each.
//!
//! Links are followed. A directory that leads back into itself is not entered again; directories reached without a link are
//! walked first, so a file is known by its plain name where it has one. A file with several names is one file, under the
//! first of: a name that is no link, the lowest name.
//!
//! What could not be looked at is said in [`ScanResult::incomplete`], so that nobody takes it for deleted. A path is gone
//! only after two scans that [cover](ScanResult::covers) it and did not find it.

use super::glob::{PatternError, Patterns};
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
use std::time::UNIX_EPOCH;

/// Most files kept in view.
pub const MAX_FILES: usize = 100_000;

/// Most directories listed in one scan.
pub const MAX_DIRECTORIES: usize = 100_000;

/// Most of them entered through a link: links among siblings multiply.
pub const MAX_LINKED_DIRECTORIES: usize = 10_000;

/// One file that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where; for a link the link's own path.
    pub path: Arc<Path>,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since 1970, 0 where the file system keeps none.
    pub birth_ns: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: u64,
    /// The input it belongs to, by its place in the configuration. A file of two inputs is found twice.
    pub input: usize,
}

/// A directory worth watching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where.
    pub path: PathBuf,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// What one scan found.
#[derive(Debug, Default)]
pub struct ScanResult {
    /// Every file that matches, each once an input.
    pub files: Vec<Found>,
    /// Paths that could not be looked at, or changed meanwhile: what is known there and below stays as it was.
    pub incomplete: Vec<PathBuf>,
    /// Directories in which a change can matter, each once.
    pub directories: Vec<Directory>,
    /// What is odd and was not so in the scan before.
    pub warnings: Vec<Warning>,
}

impl ScanResult {
    /// Whether the scan would have seen a file at `path`, so that not finding it means something.
    pub fn covers(&self, path: &Path) -> bool {
        !self.incomplete.iter().any(|incomplete| path.starts_with(incomplete))
    }
}

/// What is at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Nothing that matters, or nothing any more.
    Nothing,
    /// A file, once an input.
    Files(Vec<Found>),
    /// A directory in which something may match: time for a scan.
    Directory,
}

/// Finds the files of all inputs.
#[derive(Debug)]
pub struct Scanner {
    patterns: Patterns,
    /// Under which path the last scan knows a file.
    known: HashMap<(usize, u64, u64), Arc<Path>>,
    /// Other paths under which changes of a watched path matter: links to a file, other names of a directory.
    aliases: HashMap<PathBuf, Vec<PathBuf>>,
    /// Where links lead, by the link; valid as long as device and inode behind it stay.
    targets: HashMap<PathBuf, (u64, u64, PathBuf)>,
    told: Told,
}

impl Scanner {
    /// A scanner for the `paths` and `exclude` of each input.
    pub fn new<'a>(
        inputs: impl IntoIterator<Item = (&'a [String], &'a [String])>,
    ) -> Result<Self, PatternError> {
        Ok(Self {
            patterns: Patterns::new(inputs)?,
            known: HashMap::new(),
            aliases: HashMap::new(),
            targets: HashMap::new(),
            told: Told::default(),
        })
    }

    /// The whole truth. Never fails; what it could not see it names.
    pub fn scan(&mut self) -> ScanResult {
        let mut walk = Walk::new(&self.patterns, &mut self.told, std::mem::take(&mut self.targets));
        walk.run();
        let Walk { files, mut result, targets, aliases, .. } = walk;
        self.targets = targets;
        self.aliases = aliases;
        result.files = merge(files, &mut self.told, &mut result.warnings);
        self.told.finish();
        self.known = result
            .files
            .iter()
            .map(|found| ((found.input, found.device, found.inode), Arc::clone(&found.path)))
            .collect();
        result
    }

    /// What is at `path` now, by the same rules: the answer to one hint.
    ///
    /// A hint for the target of a link is answered for the link. Costs a stat or two.
    pub fn look(&self, path: &Path) -> Sight {
        let mut sight = self.look_at(path);
        for other in self.other_names(path) {
            sight = match (sight, self.look_at(&other)) {
                (Sight::Files(mut files), Sight::Files(more)) => {
                    files.extend(more.into_iter().filter(|found| !files.contains(found)).collect::<Vec<_>>());
                    Sight::Files(files)
                }
                (Sight::Nothing, sight) | (sight, _) => sight,
            };
        }
        sight
    }

    fn other_names(&self, path: &Path) -> Vec<PathBuf> {
        let mut names = self.aliases.get(path).cloned().unwrap_or_default();
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(others) = self.aliases.get(parent)
        {
            let others: Vec<PathBuf> = others.iter().map(|other| other.join(name)).collect();
            names.extend(others.iter().filter_map(|other| self.aliases.get(other)).flatten().cloned());
            names.extend(others);
        }
        names
    }

    fn look_at(&self, path: &Path) -> Sight {
        let bytes = path.as_os_str().as_bytes();
        let mut inputs = Vec::new();
        self.patterns.inputs_of(bytes, &mut inputs);
        let enter = self.patterns.may_contain(bytes) || self.patterns.leads_to_base(path);
        if inputs.is_empty() && !enter {
            return Sight::Nothing;
        }
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() && enter => Sight::Directory,
            Ok(metadata) if metadata.is_file() && !inputs.is_empty() => {
                Sight::Files(inputs.into_iter().map(|input| self.known_as(path, &metadata, input)).collect())
            }
            _ => Sight::Nothing,
        }
    }

    /// The file under the path the last scan knows it by, if it is still there.
    fn known_as(&self, path: &Path, metadata: &Metadata, input: usize) -> Found {
        let same = |other: &Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
        match self.known.get(&(input, metadata.dev(), metadata.ino())) {
            Some(known) if &**known == path || std::fs::metadata(known).is_ok_and(|other| same(&other)) => {
                found(Arc::clone(known), metadata, input)
            }
            _ => found(path.into(), metadata, input),
        }
    }
}

fn found(path: Arc<Path>, metadata: &Metadata, input: usize) -> Found {
    Found {
        path,
        device: metadata.dev(),
        inode: metadata.ino(),
        birth_ns: birth_ns(metadata),
        size: metadata.len(),
        modified_ns: modified_ns(metadata),
        input,
    }
}

/// Modification time in nanoseconds since 1970; times before that wrap, which only has to differ.
pub fn modified_ns(metadata: &Metadata) -> u64 {
    (metadata.mtime() as u64).wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec() as u64)
}

/// 0 where the file system keeps no birth time, or a nonsensical one.
pub fn birth_ns(metadata: &Metadata) -> u64 {
    let since_1970 = metadata.created().ok().and_then(|birth| birth.duration_since(UNIX_EPOCH).ok());
    since_1970.and_then(|age| u64::try_from(age.as_nanos()).ok()).unwrap_or(0)
}

/// A matching file under one of its names.
struct Name {
    found: Found,
    /// The name is a link, or lies behind one.
    linked: bool,
    /// Number of hard links.
    links: u64,
}

/// One file each input: under its best name.
fn merge(names: Vec<Name>, told: &mut Told, warnings: &mut Vec<Warning>) -> Vec<Found> {
    let mut best: HashMap<(usize, u64, u64), Name> = HashMap::with_capacity(names.len());
    let mut inputs: HashMap<(u64, u64), usize> = HashMap::with_capacity(names.len());
    for name in names {
        let Found { device, inode, input, .. } = name.found;
        let first = *inputs.entry((device, inode)).or_insert(input);
        if first != input {
            let path = name.found.path.to_path_buf();
            told.tell(Warning::SeveralInputs { path, first, other: input }, warnings);
        }
        match best.remove(&(input, device, inode)) {
            None => best.insert((input, device, inode), name),
            Some(other) => best.insert((input, device, inode), better(name, other, told, warnings)),
        };
    }
    let mut files: Vec<Found> = best.into_values().map(|name| name.found).collect();
    files.sort_unstable_by(|a, b| (a.input, &a.path).cmp(&(b.input, &b.path)));
    files
}

fn better(one: Name, two: Name, told: &mut Told, warnings: &mut Vec<Warning>) -> Name {
    if one.found.path != two.found.path && !one.linked && !two.linked && one.links == 1 {
        // Met before and after a rename: one of the names is no more. If both are there, it is mounted twice.
        match (still_there(&one.found), still_there(&two.found)) {
            (true, false) => return one,
            (false, true) => return two,
            _ => {}
        }
    }
    let (best, other) =
        if (one.linked, &one.found.path) <= (two.linked, &two.found.path) { (one, two) } else { (two, one) };
    if best.found.path != other.found.path {
        let (path, other) = (best.found.path.to_path_buf(), other.found.path.to_path_buf());
        told.tell(Warning::SeveralPaths { path, other }, warnings);
    }
    best
}

fn still_there(found: &Found) -> bool {
    std::fs::symlink_metadata(&found.path)
        .is_ok_and(|now| (now.dev(), now.ino()) == (found.device, found.inode))
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
struct Walk<'a> {
    patterns: &'a Patterns,
    told: &'a mut Told,
    old_targets: HashMap<PathBuf, (u64, u64, PathBuf)>,
    targets: HashMap<PathBuf, (u64, u64, PathBuf)>,
    aliases: HashMap<PathBuf, Vec<PathBuf>>,
    pending: Vec<Pending>,
    /// Directories behind links, entered when no others are left; lowest path first.
    linked: BTreeSet<PathBuf>,
    ways: HashMap<PathBuf, Rc<Way>>,
    listed: HashSet<PathBuf>,
    linked_listed: usize,
    /// Under which path a directory is watched.
    watched: HashMap<(u64, u64), PathBuf>,
    files: Vec<Name>,
    result: ScanResult,
    full: bool,
    path: Vec<u8>,
    inputs: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(
        patterns: &'a Patterns,
        told: &'a mut Told,
        old_targets: HashMap<PathBuf, (u64, u64, PathBuf)>,
    ) -> Self {
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
            files: Vec::new(),
            result: ScanResult::default(),
            full: false,
            path: Vec::new(),
            inputs: Vec::new(),
        }
    }

    fn run(&mut self) {
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
        if self.files.len() >= MAX_FILES {
            return self.stop("files", MAX_FILES);
        }
        let path: Arc<Path> = path.into();
        for &input in &self.inputs {
            let found = found(Arc::clone(&path), metadata, input);
            self.files.push(Name { found, linked, links: metadata.nlink() });
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
mod tests;
