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
use super::walk::{Name, Targets, Walk};
use super::warning::{Told, Warning};
use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
    #[cfg(test)]
    pub(super) fn covers(&self, path: &Path) -> bool {
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
    targets: Targets,
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
        let Walk { names, mut result, targets, aliases, .. } = walk;
        self.targets = targets;
        self.aliases = aliases;
        result.files = merge(names, &mut self.told, &mut result.warnings);
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

pub(super) fn found(path: Arc<Path>, metadata: &Metadata, input: usize) -> Found {
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

#[cfg(test)]
mod tests;
