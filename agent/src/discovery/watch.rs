//! Hints: which paths to look at before the next scan.
//!
//! One watch a directory, never recursive, on the directories the last scan walked. What comes in is a bounded set of
//! paths; when it overflows, the hint is to scan. A path can be missing from it for many reasons, so its absence means
//! nothing.
//!
//! A writer that writes line by line makes an event a line. The kernel merges equal events that lie in its queue, so the
//! thread that takes them rests for [`REST`] after a burst of at most [`BURST`]; the first event after a quiet time is passed
//! on at once.

use super::scan::Directory;
use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, RecursiveMode, Watcher};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most paths in one set of hints.
pub const MAX_HINTS: usize = 4096;

/// How long events gather in the kernel after a burst was taken.
pub const REST: Duration = Duration::from_millis(5);

/// How long events are taken one by one.
pub const BURST: Duration = Duration::from_millis(1);

/// What to look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Files and directories something happened to, in no order.
    pub paths: Vec<PathBuf>,
    /// Something else happened too: scan.
    pub overflow: bool,
}

/// Why hints are fewer than they could be. Each is told once for as long as it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchWarning {
    /// The system gives no watch at all.
    Unavailable {
        /// What it says.
        error: String,
    },
    /// No more directories can be watched.
    LimitReached {
        /// How many are.
        watched: usize,
        /// How many should be.
        wanted: usize,
    },
    /// One directory cannot be watched.
    Refused {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
    /// Changes made by other hosts raise no events.
    Remote {
        /// The directory.
        path: PathBuf,
    },
}

impl fmt::Display for WatchWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { error } => write!(
                f,
                "directories cannot be watched: {error}; files are found by polling, raise \
                 `fs.inotify.max_user_instances` for less delay"
            ),
            Self::LimitReached { watched, wanted } => write!(
                f,
                "only {watched} of {wanted} directories can be watched; the others are polled, raise \
                 `fs.inotify.max_user_watches` for less delay"
            ),
            Self::Refused { path, error } => {
                write!(f, "directory `{}` cannot be watched: {error}; it is polled", path.display())
            }
            Self::Remote { path } => write!(
                f,
                "directory `{}` is on a network file system, where writes of other hosts raise no events; it is polled",
                path.display()
            ),
        }
    }
}

/// Called when hints are there after there were none. Must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Watches on directories.
pub struct Watch {
    watcher: Option<Box<dyn Watcher + Send>>,
    shared: Arc<Shared>,
    /// Found when the watcher was made, told at the first call.
    unavailable: Option<String>,
    limit_reached: bool,
    refused: HashSet<PathBuf>,
    remote: HashSet<PathBuf>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("reliable", &self.reliable()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches with what the operating system has. Where it has nothing, the first [`watch`](Self::watch) says so.
    pub fn new(wake: Wake) -> Self {
        Self::with(wake, |listener| Ok(Box::new(notify::recommended_watcher(listener)?)))
    }

    /// Watches with the watcher that `make` gives.
    pub fn with(wake: Wake, make: impl FnOnce(Listener) -> notify::Result<Box<dyn Watcher + Send>>) -> Self {
        let shared = Arc::new(Shared { wake, state: Mutex::default(), changing: AtomicBool::new(false) });
        let listener = Listener { shared: Arc::clone(&shared), rested: Instant::now() };
        let (watcher, unavailable) = match make(listener) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            watcher,
            shared,
            unavailable,
            limit_reached: false,
            refused: HashSet::new(),
            remote: HashSet::new(),
        }
    }

    /// Whether every change in the directories last given raises a hint, as far as can be known. If not, poll.
    pub fn reliable(&self) -> bool {
        self.watcher.is_some() && !self.limit_reached && self.refused.is_empty() && self.remote.is_empty()
    }

    /// Takes the hints gathered since the last call.
    pub fn take_hints(&mut self) -> Hints {
        let mut state = self.shared.state();
        let overflow = std::mem::take(&mut state.overflow);
        let paths = std::mem::take(&mut state.hints).into_iter().collect();
        Hints { paths, overflow }
    }

    /// Watches these directories and no others.
    ///
    /// Each one newly watched is a hint itself: something may have been made in it between the scan that found it and now.
    /// Returns what is wrong and was not so in the call before.
    pub fn watch(&mut self, directories: &[Directory]) -> Vec<WatchWarning> {
        let mut warnings = Vec::new();
        if let Some(error) = self.unavailable.take() {
            warnings.push(WatchWarning::Unavailable { error });
        }
        let Some(mut watcher) = self.watcher.take() else { return warnings };
        self.shared.changing.store(true, Ordering::Relaxed);
        self.forget_others(directories, &mut *watcher);
        self.add_missing(directories, &mut *watcher, &mut warnings);
        self.shared.changing.store(false, Ordering::Relaxed);
        self.watcher = Some(watcher);
        warnings
    }

    fn forget_others(&mut self, directories: &[Directory], watcher: &mut dyn Watcher) {
        let wanted: HashMap<&Path, (u64, u64)> =
            directories.iter().map(|wanted| (&*wanted.path, (wanted.device, wanted.inode))).collect();
        let mut state = self.shared.state();
        let mut unwanted: Vec<PathBuf> = state.moved.drain().collect();
        let stale = state.watched.extract_if(|path, id| wanted.get(&**path) != Some(id));
        unwanted.extend(stale.map(|(path, _)| path));
        // The watcher's thread may be waiting for this lock to pass on an event.
        drop(state);
        for path in unwanted {
            // Fails where the watch went with the directory, which is as well.
            let _ = watcher.unwatch(&path);
        }
        self.refused.retain(|path| wanted.contains_key(&**path));
        self.remote.retain(|path| wanted.contains_key(&**path));
    }

    fn add_missing(
        &mut self,
        directories: &[Directory],
        watcher: &mut dyn Watcher,
        warnings: &mut Vec<WatchWarning>,
    ) {
        let was_reached = std::mem::take(&mut self.limit_reached);
        for directory in directories {
            if self.shared.state().watched.contains_key(&directory.path) {
                continue;
            }
            match watcher.watch(&directory.path, RecursiveMode::NonRecursive) {
                Ok(()) => self.added(directory, warnings),
                Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {
                    self.limit_reached = true;
                    break;
                }
                Err(error) => self.refuse(directory, &error, warnings),
            }
        }
        if self.limit_reached && !was_reached {
            let watched = self.shared.state().watched.len();
            warnings.push(WatchWarning::LimitReached { watched, wanted: directories.len() });
        }
    }

    fn added(&mut self, directory: &Directory, warnings: &mut Vec<WatchWarning>) {
        let path = &directory.path;
        self.refused.remove(path);
        if is_remote(path) && self.remote.insert(path.clone()) {
            warnings.push(WatchWarning::Remote { path: path.clone() });
        }
        self.shared.state().watched.insert(path.clone(), (directory.device, directory.inode));
        self.shared.hint(std::slice::from_ref(path));
    }

    fn refuse(&mut self, directory: &Directory, error: &notify::Error, warnings: &mut Vec<WatchWarning>) {
        let gone = match &error.kind {
            ErrorKind::PathNotFound => true,
            ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        };
        if !gone && self.refused.insert(directory.path.clone()) {
            let (path, error) = (directory.path.clone(), error.to_string());
            warnings.push(WatchWarning::Refused { path, error });
        }
    }
}

/// Takes the events of a watcher.
pub struct Listener {
    shared: Arc<Shared>,
    rested: Instant,
}

impl notify::EventHandler for Listener {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        match event {
            Ok(event) => self.shared.take(&event),
            Err(_) => self.shared.overflow(),
        }
        // A rest would delay the answer to a directory being added.
        if !self.shared.changing.load(Ordering::Relaxed) && self.rested.elapsed() >= BURST {
            std::thread::sleep(REST);
            self.rested = Instant::now();
        }
    }
}

struct Shared {
    wake: Wake,
    state: Mutex<State>,
    /// Watches are being added or removed.
    changing: AtomicBool,
}

#[derive(Default)]
struct State {
    hints: HashSet<PathBuf>,
    overflow: bool,
    watched: HashMap<PathBuf, (u64, u64)>,
    /// Watched once, then moved or removed: the watcher may still hold a watch under that path.
    moved: HashSet<PathBuf>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Sets and flags are whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, event: &Event) {
        if event.need_rescan() {
            return self.overflow();
        }
        match event.kind {
            // Reading, by the agent itself among others. A rename comes as its two halves too.
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => self.unwatched(&event.paths),
            _ => {}
        }
        self.hint(&event.paths);
    }

    /// A watched directory that was moved or removed is not watched under its path any more.
    fn unwatched(&self, paths: &[PathBuf]) {
        let mut state = self.state();
        for path in paths {
            if let Some((path, _)) = state.watched.remove_entry(path) {
                state.moved.insert(path);
            }
        }
    }

    fn hint(&self, paths: &[PathBuf]) {
        let mut state = self.state();
        let was_empty = state.hints.is_empty() && !state.overflow;
        for path in paths {
            if !state.hints.contains(path) {
                state.hints.insert(path.clone());
            }
        }
        if state.hints.len() > MAX_HINTS {
            state.hints.clear();
            state.overflow = true;
        }
        let wake = was_empty && !paths.is_empty();
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    fn overflow(&self) {
        let mut state = self.state();
        let wake = state.hints.is_empty() && !state.overflow;
        state.overflow = true;
        drop(state);
        if wake {
            (self.wake)();
        }
    }
}

/// File systems on which other hosts can write.
#[cfg(target_os = "linux")]
fn is_remote(path: &Path) -> bool {
    // NFS, SMB, CIFS, SMB 2, AFS, 9P, Ceph.
    const MAGIC: [u64; 7] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x0102_1997, 0x00c3_6400];
    rustix::fs::statfs(path).is_ok_and(|stat| MAGIC.contains(&(stat.f_type as u64 & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
