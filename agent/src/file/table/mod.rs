//! All tailed files: what discovery saw becomes rotation, adoption, loss and things to read.
//!
//! Outcome of the usual cases:
//!
//! | what happens | what the table does |
//! | --- | --- |
//! | renamed inside the globs | same file under a new path; an unterminated tail is finished once quiet |
//! | renamed out of the globs, replaced, deleted while open | drained through the descriptor, closed when quiet and settled |
//! | truncated, cut, rewritten in place | the old generation only settles; a new one begins at offset 0 |
//! | copied, then truncated (copytruncate) | the copy continues the old generation, the truncated file begins a new one |
//! | packed with gzip or zstd | the packed file continues the generation of the original |
//! | same inode and birth on another device | a new generation of its own |
//!
//! What can still be lost, each counted with its name: bytes that nobody could read before they were cut
//! (`truncated_unread`), that were in a file closed and deleted between two looks (`deleted_before_open`), or that were in a
//! deleted file beyond `limits.held_files` (`held_files_limit`).

mod adopt;

mod aging;

pub(in crate::file) mod compare;

mod identify;

mod opening;

mod records;

mod remembered;

#[cfg(test)]
mod tests;

use crate::ack::Loss;
use crate::checkpoint::Generation;
use crate::discovery::Found;
use crate::discovery::scan::modified_ns;
use crate::event::FileMemory;
use crate::file::FileKey;
use crate::file::handles::Handles;
use crate::file::source::{Compression, Physical};
use crate::file::tailed::{Identity, Standing, Tailed};
use remembered::Remembered;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the table needs to know of the configuration.
pub struct Settings {
    /// `host.id`.
    pub host_id: String,
    /// The inputs, in their order.
    pub inputs: Vec<InputRules>,
    /// `limits.open_files`.
    pub open_files: usize,
    /// `limits.held_files`.
    pub held_bytes: u64,
    /// `state.retention`.
    pub retention: Duration,
    /// Read to the end once: no waiting for copies, the end of a file ends its last line.
    pub once: bool,
}

/// What the table needs to know of one input.
#[derive(Clone)]
pub struct InputRules {
    /// The stated id.
    pub id: Option<String>,
    /// The id, or what stands for it in the checkpoint.
    pub identity: String,
    /// Files of the first start are read from their end.
    pub from_end: bool,
    /// Its files are segments of a queue: their first line is the agent's own.
    pub is_queue: bool,
}

impl InputRules {
    fn memory(&self, path: &Path) -> FileMemory {
        match self.is_queue {
            true => FileMemory::unnamed(),
            false => FileMemory::new(path),
        }
    }
}

/// Something the operator or the accounts have to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Bytes that nobody can read any more.
    Lost {
        /// Last path.
        path: PathBuf,
        /// How many.
        bytes: u64,
        /// Name of the reason.
        reason: Loss,
    },
    /// A new file.
    Appeared(PathBuf),
    /// The text was cut or rewritten; a new generation begins.
    Rewritten(PathBuf),
    /// A copy continues a file shipped before.
    Adopted {
        /// The copy.
        path: PathBuf,
        /// Offset it continues at.
        offset: u64,
    },
    /// It cannot be opened or read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// A packed file ends in garbage or too early; its valid part is shipped.
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// It begins with the byte order mark of UTF-16; read as UTF-8, its lines come out garbled.
    Utf16(PathBuf),
    /// Drained and closed.
    Finished(PathBuf),
}

/// Why a file cannot be read now.
#[derive(Debug)]
pub enum OpenError {
    /// All descriptors are in use by files that cannot be closed.
    Busy,
    /// Another file is under the path now.
    Moved,
    /// The system says no.
    Io(io::Error),
}

/// A file of an input, by device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    input: usize,
    device: u64,
    inode: u64,
}

impl Place {
    fn of(file: &Tailed) -> Self {
        Self { input: file.input, device: file.physical.device, inode: file.physical.inode }
    }
}

/// All tailed files.
pub struct Table {
    settings: Settings,
    files: BTreeMap<FileKey, Tailed>,
    by_physical: HashMap<Place, FileKey>,
    by_path: Vec<HashMap<Arc<Path>, FileKey>>,
    handles: Handles,
    ready: VecDeque<FileKey>,
    undecided: BTreeSet<FileKey>,
    remembered: Remembered,
    notices: Vec<Notice>,
    next_key: u32,
    scanned_once: bool,
    first_start: bool,
    /// The first scan is over, and files of the former process that it did not find were not counted yet.
    unfound_since: Option<Instant>,
    /// When this table was made, in nanoseconds since 1970.
    started_ns: u64,
}

impl Table {
    /// An empty table that remembers `remembered` from the checkpoint. `first_start`: there has never been one.
    pub fn new(settings: Settings, remembered: Vec<Generation>, first_start: bool) -> Self {
        let handles = Handles::new(settings.open_files);
        let by_path = vec![HashMap::new(); settings.inputs.len()];
        Self {
            settings,
            files: BTreeMap::new(),
            by_physical: HashMap::new(),
            by_path,
            handles,
            ready: VecDeque::new(),
            undecided: BTreeSet::new(),
            remembered: Remembered::new(remembered),
            notices: Vec::new(),
            next_key: 0,
            scanned_once: false,
            first_start,
            started_ns: unix_time().as_nanos() as u64,
            unfound_since: None,
        }
    }

    /// A file, if it is still known.
    pub fn file(&self, key: FileKey) -> Option<&Tailed> {
        self.files.get(&key)
    }

    /// A file, to change it.
    pub fn file_mut(&mut self, key: FileKey) -> Option<&mut Tailed> {
        self.files.get_mut(&key)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Tailed> {
        self.files.values()
    }

    /// How many files are open.
    pub fn open_count(&self) -> usize {
        self.handles.count()
    }

    /// What happened since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Takes in a whole scan. `unreadable` directories keep what was under them.
    pub fn observe(&mut self, files: Vec<Found>, unreadable: &[PathBuf], now: Instant) {
        let mut seen: HashSet<FileKey> = HashSet::with_capacity(files.len());
        for found in files {
            seen.insert(self.sight(found, now));
        }
        let absent: Vec<FileKey> = self
            .files
            .values()
            .filter(|file| matches!(file.standing, Standing::Present | Standing::Missing { .. }))
            .filter(|file| !seen.contains(&file.key))
            .filter(|file| !unreadable.iter().any(|directory| file.path.starts_with(directory)))
            .map(|file| file.key)
            .collect();
        for key in absent {
            self.miss(key, now);
        }
        if !std::mem::replace(&mut self.scanned_once, true) && !self.settings.once {
            self.unfound_since = Some(now);
        }
        self.decide(now);
    }

    /// Takes in one look at one path: what is there, once for each input.
    pub fn look(&mut self, path: &Path, found: Vec<Found>, now: Instant) {
        if found.is_empty() {
            let known = self.by_path.iter().filter_map(|paths| paths.get(path)).copied();
            for key in known.collect::<Vec<FileKey>>() {
                self.miss(key, now);
            }
            return;
        }
        for found in found {
            self.sight(found, now);
        }
        self.decide(now);
    }

    /// A file was found under a path.
    fn sight(&mut self, found: Found, now: Instant) -> FileKey {
        let physical = Physical { device: found.device, inode: found.inode, birth_ns: found.birth_ns };
        let place = Place { input: found.input, device: found.device, inode: found.inode };
        let key = match self.by_physical.get(&place).copied() {
            Some(key) if self.files[&key].physical.birth_ns == found.birth_ns => key,
            Some(key) => {
                // The inode number was given to another file: the old one has no name left.
                self.leave(key, true, now);
                self.enter(found.input, found.path.clone(), physical, now)
            }
            None => self.enter(found.input, found.path.clone(), physical, now),
        };
        self.displace(found.input, &found.path, key, now);
        let file = self.files.get_mut(&key).expect("the key was just looked up or made");
        let paths = &mut self.by_path[found.input];
        if file.path != found.path {
            if paths.get(&file.path) == Some(&key) {
                paths.remove(&file.path);
            }
            file.path = found.path.clone();
            file.memory = self.settings.inputs[file.input].memory(&file.path);
            file.rotated = true;
        }
        paths.insert(found.path, key);
        file.standing = Standing::Present;
        self.resize(key, found.size, found.modified_ns, now);
        self.by_physical.get(&place).copied().unwrap_or(key)
    }

    /// Size and modification time of a file were seen.
    ///
    /// A file that shrank, or was written without growing, is looked into: is what was read of it still there?
    fn resize(&mut self, key: FileKey, size: u64, modified_ns: u64, now: Instant) {
        let Some(file) = self.files.get_mut(&key) else { return };
        let before = file.size;
        let touched = std::mem::replace(&mut file.modified_ns, modified_ns) != modified_ns;
        if size != before {
            file.grown_at = now;
            file.unpacked = false;
        }
        let suspicious = size < before || (touched && size == before);
        if suspicious && file.known().is_some() && !self.stands(key, now) {
            return;
        }
        let Some(file) = self.files.get_mut(&key) else { return };
        if size < before && file.compression == Compression::Plain {
            self.write_off_from(key, size);
        }
        if let Some(file) = self.files.get_mut(&key) {
            file.size = size;
            file.scanned = file.scanned.min(size.max(file.framed()));
        }
        self.enqueue(key);
    }

    /// The text was cut behind what was read of it.
    fn write_off_from(&mut self, key: FileKey, size: u64) {
        let Some(file) = self.files.get(&key) else { return };
        let bytes = file.size.saturating_sub(size.max(file.framed()));
        if bytes > 0 && file.known().is_some() {
            let path = file.path.to_path_buf();
            self.notices.push(Notice::Lost { path, bytes, reason: Loss::TruncatedUnread });
        }
    }

    /// Puts a file into the queue of those with something to do.
    pub fn enqueue(&mut self, key: FileKey) {
        let Some(file) = self.files.get_mut(&key) else { return };
        match &file.identity {
            Identity::Known(_) if file.may_have_more() && !file.queued && !file.collided => {
                file.queued = true;
                self.ready.push_back(key);
            }
            Identity::Known(_) => {}
            _ if file.size > 0 => {
                self.undecided.insert(key);
            }
            _ => {}
        }
    }

    /// The next file that may have something to read.
    pub fn next_ready(&mut self) -> Option<FileKey> {
        loop {
            let key = self.ready.pop_front()?;
            let Some(file) = self.files.get_mut(&key) else { continue };
            file.queued = false;
            if !matches!(file.standing, Standing::Overwritten { .. }) {
                return Some(key);
            }
        }
    }

    /// How many files wait for their turn.
    pub fn ready_count(&self) -> usize {
        self.ready.len()
    }

    fn enter(&mut self, input: usize, path: Arc<Path>, physical: Physical, now: Instant) -> FileKey {
        let key = FileKey(self.next_key);
        self.next_key += 1;
        let memory = self.settings.inputs[input].memory(&path);
        let mut file = Tailed::new(key, input, path.clone(), physical, memory, now);
        let at_start = !self.scanned_once;
        // What was there when this process started may have been sent by an earlier one, also where a rename hid it from the
        // first scan.
        let existed_before = physical.birth_ns != 0 && physical.birth_ns < self.started_ns;
        file.fresh_from = if at_start || existed_before { u64::MAX } else { 0 };
        file.from_end = at_start && self.first_start && self.settings.inputs[input].from_end;
        self.files.insert(key, file);
        self.by_physical.insert(Place { input, device: physical.device, inode: physical.inode }, key);
        if self.scanned_once {
            self.notices.push(Notice::Appeared(path.to_path_buf()));
        }
        key
    }

    /// Another file has taken the path of the one that had it.
    fn displace(&mut self, input: usize, path: &Path, by: FileKey, now: Instant) {
        let before = self.by_path[input].get(path).copied().filter(|before| *before != by);
        let Some(before) = before else { return };
        let Some(file) = self.files.get_mut(&before).filter(|file| *file.path == *path) else { return };
        if matches!(file.standing, Standing::Overwritten { .. }) {
            return;
        }
        file.rotated = true;
        self.detach_or_miss(before, now);
    }

    /// A file was not found where it was.
    fn miss(&mut self, key: FileKey, now: Instant) {
        let Some(file) = self.files.get(&key) else { return };
        let still_there = match std::fs::metadata(&file.path) {
            Ok(facts) => Physical::of(&facts) == file.physical,
            // A directory that may not be searched says nothing of what is in it.
            Err(error) => !is_absent(&error),
        };
        if still_there && matches!(file.standing, Standing::Present) {
            return;
        }
        self.detach_or_miss(key, now);
    }

    fn detach_or_miss(&mut self, key: FileKey, now: Instant) {
        if let Some(source) = self.handles.get(key) {
            let deleted =
                source.facts().is_ok_and(|facts| std::os::unix::fs::MetadataExt::nlink(&facts) == 0);
            self.leave(key, deleted, now);
            return;
        }
        let Some(file) = self.files.get_mut(&key) else { return };
        let scans = match file.standing {
            Standing::Missing { scans } => scans + 1,
            _ => 1,
        };
        file.standing = Standing::Missing { scans };
        if scans >= 2 {
            self.vanish(key);
        }
    }

    /// The file has no watched name any more; what is open is drained.
    fn leave(&mut self, key: FileKey, deleted: bool, now: Instant) {
        let open = self.handles.contains(key);
        let Some(file) = self.files.get_mut(&key) else { return };
        file.rotated = true;
        if !open {
            self.vanish(key);
            return;
        }
        if !matches!(file.standing, Standing::Detached { .. } | Standing::Overwritten { .. }) {
            file.standing = Standing::Detached { since: now, deleted };
        }
        let place = Place::of(file);
        if deleted && self.by_physical.get(&place) == Some(&key) {
            self.by_physical.remove(&place);
        }
    }

    /// The file is gone and was not open.
    fn vanish(&mut self, key: FileKey) {
        self.write_off(key, Loss::DeletedBeforeOpen);
        self.retire(key);
    }

    /// The text was cut or rewritten: the old generation only settles, a new one begins.
    pub fn overwrite(&mut self, key: FileKey, now: Instant) {
        let Some(file) = self.files.get_mut(&key) else { return };
        if matches!(file.standing, Standing::Overwritten { .. }) {
            return;
        }
        let deleted = matches!(file.standing, Standing::Detached { deleted: true, .. });
        file.standing = Standing::Overwritten { since: now };
        let (input, path, physical) = (file.input, file.path.clone(), file.physical);
        self.notices.push(Notice::Rewritten(path.to_path_buf()));
        self.handles.close(key);
        if deleted {
            return;
        }
        let new = self.enter(input, path.clone(), physical, now);
        self.notices.pop_if(|notice| matches!(notice, Notice::Appeared(_)));
        self.by_path[input].insert(path.clone(), new);
        if let Some(fresh) = self.files.get_mut(&new) {
            fresh.fresh_from = 0;
            fresh.from_end = false;
        }
        if let Ok(facts) = std::fs::metadata(&path) {
            self.resize(new, facts.len(), modified_ns(&facts), now);
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The wall clock, as the time since 1970; 0 before that.
pub fn unix_time() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
