//! Watches on real directories, and on a double that runs out.

use super::*;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, sync_channel};

fn directory(path: &Path) -> Directory {
    let metadata = std::fs::metadata(path).unwrap();
    Directory { path: path.to_path_buf(), device: metadata.dev(), inode: metadata.ino() }
}

/// A wake-up call that can be waited for.
fn bell() -> (Wake, Receiver<()>) {
    let (ring, heard) = sync_channel(100);
    let wake = Arc::new(move || {
        let _ = ring.try_send(());
    });
    (wake, heard)
}

/// Waits until hints name `path` or overflow; every hint must have been announced.
fn wait_for(watch: &mut Watch, heard: &Receiver<()>, path: &Path) {
    loop {
        heard
            .recv_timeout(Duration::from_secs(30))
            .unwrap_or_else(|_| panic!("no hint for {}", path.display()));
        let hints = watch.take_hints();
        if hints.overflow || hints.paths.iter().any(|hint| hint == path) {
            return;
        }
    }
}

#[test]
fn changes_in_watched_directories_are_hinted_and_announced() {
    let temp = tempfile::tempdir().unwrap();
    let (wake, heard) = bell();
    let mut watch = Watch::new(wake);
    assert_eq!(watch.watch(&[directory(temp.path())]), []);
    assert!(watch.reliable());
    wait_for(&mut watch, &heard, temp.path());

    let (one, two) = (temp.path().join("one.log"), temp.path().join("two.log"));
    std::fs::write(&one, "a").unwrap();
    wait_for(&mut watch, &heard, &one);
    std::fs::rename(&one, &two).unwrap();
    wait_for(&mut watch, &heard, &two);
    std::fs::remove_file(&two).unwrap();
    wait_for(&mut watch, &heard, &two);
}

// F72: a file made between the scan and the watch is found because the new watch is a hint itself.
#[test]
fn a_newly_watched_directory_is_a_hint_and_a_known_one_is_none() {
    let temp = tempfile::tempdir().unwrap();
    let (wake, _heard) = bell();
    let mut watch = Watch::new(wake);
    let directory = directory(temp.path());
    watch.watch(std::slice::from_ref(&directory));
    assert_eq!(watch.take_hints(), Hints { paths: vec![temp.path().to_path_buf()], overflow: false });
    watch.watch(&[directory]);
    assert_eq!(watch.take_hints(), Hints::default());
}

#[test]
fn a_directory_replaced_by_another_is_watched_again() {
    let temp = tempfile::tempdir().unwrap();
    let (path, aside) = (temp.path().join("logs"), temp.path().join("aside"));
    std::fs::create_dir(&path).unwrap();
    let (wake, heard) = bell();
    let mut watch = Watch::new(wake);
    watch.watch(&[directory(&path)]);
    wait_for(&mut watch, &heard, &path);
    for round in 0..3 {
        if round == 1 {
            std::fs::remove_dir_all(&path).unwrap();
        } else {
            std::fs::rename(&path, aside.with_extension(round.to_string())).unwrap();
        }
        wait_for(&mut watch, &heard, &path);
        std::fs::create_dir(&path).unwrap();
        watch.watch(&[directory(&path)]);
        let file = path.join(format!("{round}.log"));
        std::fs::write(&file, "x").unwrap();
        wait_for(&mut watch, &heard, &file);
    }
}

/// A watcher that takes at most so many directories.
struct Limited {
    _listener: Listener,
    taken: Arc<Mutex<HashSet<PathBuf>>>,
    most: usize,
    error: fn() -> notify::Error,
}

impl Watcher for Limited {
    fn new<F: notify::EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
        Err(notify::Error::generic("made by hand only"))
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> notify::Result<()> {
        assert_eq!(mode, RecursiveMode::NonRecursive);
        let mut taken = self.taken.lock().unwrap();
        if taken.len() >= self.most {
            return Err((self.error)());
        }
        assert!(taken.insert(path.to_path_buf()), "watched twice: {}", path.display());
        Ok(())
    }

    fn unwatch(&mut self, path: &Path) -> notify::Result<()> {
        match self.taken.lock().unwrap().remove(path) {
            true => Ok(()),
            false => Err(notify::Error::watch_not_found()),
        }
    }

    fn kind() -> notify::WatcherKind {
        notify::WatcherKind::NullWatcher
    }
}

type Taken = Arc<Mutex<HashSet<PathBuf>>>;

fn limited(most: usize, error: fn() -> notify::Error) -> (Watch, Taken) {
    let taken = Taken::default();
    let shared = Arc::clone(&taken);
    let make = move |listener| {
        Ok(Box::new(Limited { _listener: listener, taken: shared, most, error }) as Box<dyn Watcher + Send>)
    };
    (Watch::with(bell().0, make), taken)
}

fn invented(number: u64) -> Directory {
    Directory { path: PathBuf::from(format!("/invented/{number}")), device: 1, inode: number }
}

fn limit_error() -> notify::Error {
    notify::Error::new(ErrorKind::MaxFilesWatch)
}

// F77.
#[test]
fn an_exhausted_watch_limit_is_told_once_and_asks_for_polling() {
    let (mut watch, taken) = limited(3, limit_error);
    let five: Vec<Directory> = (0..5).map(invented).collect();
    assert_eq!(watch.watch(&five), [WatchWarning::LimitReached { watched: 3, wanted: 5 }]);
    assert!(!watch.reliable());
    assert_eq!(watch.watch(&five), []);
    assert!(!watch.reliable());
    // As directories go, the watches freed serve others.
    assert_eq!(watch.watch(&five[2..]), []);
    assert!(watch.reliable());
    let paths: HashSet<PathBuf> = five[2..].iter().map(|directory| directory.path.clone()).collect();
    assert_eq!(*taken.lock().unwrap(), paths);
    assert_eq!(watch.watch(&five).len(), 1, "news again");
}

// An inode number is free for the next directory at once, so the same numbers are no proof of the same directory.
#[test]
fn a_directory_removed_and_made_anew_with_the_same_inode_is_watched_again() {
    use notify::event::{RemoveKind, RenameMode};
    for kind in [EventKind::Remove(RemoveKind::Folder), EventKind::Modify(ModifyKind::Name(RenameMode::From))]
    {
        let (mut watch, _) = limited(9, limit_error);
        let mut listener = Listener { shared: Arc::clone(&watch.shared), rested: Instant::now() };
        watch.watch(&[invented(1), invented(2)]);
        watch.take_hints();
        notify::EventHandler::handle_event(&mut listener, Ok(event(kind, "/invented/1")));
        let gone = Hints { paths: vec![invented(1).path], overflow: false };
        assert_eq!(watch.take_hints(), gone);
        assert_eq!(watch.watch(&[invented(1), invented(2)]), []);
        assert_eq!(watch.take_hints(), gone, "the other one was left as it is");
    }
}

#[test]
fn a_system_without_watches_is_told_once_and_polled() {
    let mut watch = Watch::with(bell().0, |_| Err(notify::Error::generic("too many open files")));
    let warnings = watch.watch(&[invented(1)]);
    assert!(warnings[0].to_string().contains("too many open files"), "{warnings:?}");
    assert!(!watch.reliable());
    assert_eq!(watch.watch(&[invented(1)]), []);
    assert_eq!(watch.take_hints(), Hints::default());
}

#[test]
fn a_directory_that_refuses_is_polled_and_one_that_is_gone_is_no_matter() {
    let (mut watch, _) = limited(0, || notify::Error::io(std::io::ErrorKind::PermissionDenied.into()));
    assert!(matches!(watch.watch(&[invented(1)])[..], [WatchWarning::Refused { .. }]));
    assert_eq!(watch.watch(&[invented(1)]), []);
    assert!(!watch.reliable());
    assert_eq!(watch.watch(&[]), []);
    assert!(watch.reliable());

    let (mut watch, _) = limited(0, notify::Error::path_not_found);
    assert_eq!(watch.watch(&[invented(1)]), []);
    assert!(watch.reliable());
}

fn shared() -> (Arc<Shared>, Receiver<()>) {
    let (wake, heard) = bell();
    (Arc::new(Shared { wake, state: Mutex::default(), changing: AtomicBool::new(false) }), heard)
}

fn event(kind: EventKind, path: &str) -> Event {
    Event::new(kind).add_path(path.into())
}

// P4: bounded, and losing hints is itself a hint.
#[test]
fn too_many_hints_become_one_to_scan() {
    let (shared, heard) = shared();
    for number in 0..3 * MAX_HINTS {
        shared.hint(&[PathBuf::from(number.to_string())]);
        assert!(shared.state().hints.len() <= MAX_HINTS);
    }
    assert!(shared.state().overflow);
    assert_eq!(heard.try_iter().count(), 1, "one wake-up until hints are taken");
}

#[test]
fn a_kernel_queue_that_overflowed_asks_for_a_scan() {
    let (shared, heard) = shared();
    shared.take(&Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan));
    assert!(shared.state().overflow);
    assert_eq!(heard.try_iter().count(), 1);
}

// The agent's own reading must not wake it.
#[test]
fn opening_and_reading_are_no_hints() {
    use notify::event::{AccessKind, AccessMode};
    let (shared, heard) = shared();
    for kind in [AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Read)] {
        shared.take(&event(EventKind::Access(kind), "/logs"));
    }
    assert!(shared.state().hints.is_empty() && heard.try_recv().is_err());
    shared.take(&event(EventKind::Modify(ModifyKind::Any), "/logs/a"));
    assert_eq!(shared.state().hints.len(), 1);
}
