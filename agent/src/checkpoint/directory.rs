//! The state directory: one owner, mode 0700, and nothing but plain files of mode 0600 in it.
//!
//! Everything is opened relative to a descriptor of the directory and never through a link, so nobody who can write beside
//! it can make the agent write elsewhere.

use super::journal::{self, Journal};
use super::lock::Lock;
use super::store::{Storage, StorageFile, Store};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most bytes of a state file. A checkpoint of a hundred thousand ordinary files has a fifth of that.
pub const MAX_STATE_FILE: u64 = 256 << 20;

/// Why the state directory cannot be used. All of them end a start.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is absent and cannot be made, or cannot be opened.
    #[error("cannot {action} state directory `{}`; make it writable for this user or set `state.path` to a directory that is",
        .path.display())]
    Directory {
        /// What was tried.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another user's directory: that user could swap the state.
    #[error("state directory `{}` belongs to user {owner}, this agent runs as user {user}; \
             set `state.path` to a directory of its own, for example one inside it", .path.display())]
    NotOwned {
        /// The directory.
        path: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// User id of this process.
        user: u32,
    },
    /// Not a plain file where a state file should be.
    #[error("state file `{}` is a {found}, not a plain file; find out who put it there, move it away and start again",
        .path.display())]
    NotPlain {
        /// The file.
        path: PathBuf,
        /// Its kind.
        found: &'static str,
    },
    /// A state file with a second name.
    #[error("state file `{}` has several hard links, so something outside the state directory can change it; \
             remove the other names, or replace the file by a copy, and start again", .path.display())]
    HardLinks {
        /// The file.
        path: PathBuf,
    },
    /// Another agent runs on it.
    #[error("state directory `{}` is in use by {holder}; stop that agent or give this one a `state.path` of its own",
        .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// What the lock file says of its holder.
        holder: String,
    },
    /// The lock cannot be taken for another reason.
    #[error("cannot lock `{}`; `state.path` must be on a writable file system with file locks", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A state file is there and cannot be opened or renamed.
    #[error("cannot {action} state file `{}`; make it accessible for this user, or move it away to read all files again",
        .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer agent has written it.
    #[error("checkpoint file `{}` has version {found}, this agent reads up to {newest}; start the newer agent again, \
             or move the file away to read all files from `read_from`", .path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this agent knows.
        newest: u32,
    },
}

/// An open state directory, locked for this process until it and all stores and directories made from it are dropped.
#[derive(Debug)]
pub struct StateDirectory {
    directory: Directory,
}

impl StateDirectory {
    /// Creates the directory where it is absent, narrows its mode to 0700 and locks it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let mut directory = Directory::open(path)?;
        directory.lock = Some(Arc::new(Lock::take(&directory)?));
        Ok(Self { directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The checkpoint store in it.
    pub fn checkpoints(&self) -> Result<(Store<Directory>, super::Loaded), StateError> {
        Store::open(self.directory.clone())
    }

    /// The journal in it, where there can be one.
    pub fn journal(&self) -> Result<Option<Journal>, StateError> {
        self.directory.check_plain(journal::NAME)?;
        let path = self.directory.path_of(journal::NAME);
        let failed = |source| StateError::File { action: "open", path, source };
        Journal::open(&self.directory).map_err(failed)
    }

    /// A directory inside it, made where absent, with the same owner and mode.
    pub fn subdirectory(&self, name: &str) -> Result<Directory, StateError> {
        self.directory.subdirectory(name)
    }
}

/// A directory of private plain files, by descriptor.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    descriptor: Arc<OwnedFd>,
    /// Of the state directory it is or lies in.
    lock: Option<Arc<Lock>>,
}

const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Never through a link, never waiting for the other end of a FIFO, not inherited by children.
const SAFELY: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Directory {
    /// Opens, and where absent makes, a directory of mode 0700. The path to it may lead through links.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed =
            |action| move |source| StateError::Directory { action, path: path.to_path_buf(), source };
        create_durably(path).map_err(failed("create"))?;
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|errno| failed("open")(errno.into()))?;
        let directory = File::from(descriptor);
        let metadata = directory.metadata().map_err(failed("examine"))?;
        check_owner(path, metadata.uid())?;
        if metadata.mode() & 0o7777 != 0o700 {
            rustix::fs::fchmod(&directory, Mode::RWXU)
                .map_err(|errno| failed("set the mode of")(errno.into()))?;
        }
        Ok(Self { path: path.to_path_buf(), descriptor: Arc::new(directory.into()), lock: None })
    }

    /// A directory inside it, made where absent, with the same owner and mode.
    pub fn subdirectory(&self, name: &str) -> Result<Self, StateError> {
        if let Ok(stat) = rustix::fs::statat(&*self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            let found = FileType::from_raw_mode(stat.st_mode);
            if found != FileType::Directory {
                return Err(StateError::NotPlain { path: self.path_of(name), found: kind(found) });
            }
        }
        Ok(Self { lock: self.lock.clone(), ..Self::open(&self.path_of(name))? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// That the name is free or that of a plain file with no other name.
    pub fn check_plain(&self, name: &str) -> Result<(), StateError> {
        let path = self.path_of(name);
        let stat = match rustix::fs::statat(&*self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(StateError::File { action: "examine", path, source: errno.into() }),
        };
        let found = FileType::from_raw_mode(stat.st_mode);
        if found != FileType::RegularFile {
            return Err(StateError::NotPlain { path, found: kind(found) });
        }
        if stat.st_nlink > 1 {
            return Err(StateError::HardLinks { path });
        }
        Ok(())
    }

    /// Opens a plain file for reading and writing, made with mode 0600 where absent.
    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | SAFELY;
        self.open_plain(name, flags)
    }

    /// Opens a plain file for reading.
    pub fn open_existing(&self, name: &str) -> io::Result<File> {
        self.open_plain(name, OFlags::RDONLY | SAFELY)
    }

    /// Makes a plain file of mode 0600 that did not exist before.
    pub fn create_new(&self, name: &str) -> io::Result<File> {
        self.open_plain(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | SAFELY)
    }

    /// Names of everything in it that are UTF-8, in no order.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&*self.descriptor)? {
            if let Ok(name) = entry?.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Length of what stands behind a name, links not followed.
    pub fn length_of(&self, name: &str) -> io::Result<u64> {
        let stat = rustix::fs::statat(&*self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// Makes names created, renamed and removed so far survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&*self.descriptor)?)
    }

    /// Removes a name, whatever stands behind it, but a directory.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&*self.descriptor, name, AtFlags::empty())?)
    }

    fn open_plain(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let file = File::from(rustix::fs::openat(&*self.descriptor, name, flags, PRIVATE_FILE)?);
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.nlink() > 1 {
            return Err(io::Error::other("it is not a plain file with one name"));
        }
        let writing = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        // The mode given to `openat` loses the bits of the umask, and an older file may have too many.
        if writing && metadata.mode() & 0o7777 != 0o600 {
            rustix::fs::fchmod(&file, PRIVATE_FILE)?;
        }
        Ok(file)
    }
}

impl Storage for Directory {
    type File = File;

    fn check(&self, name: &str) -> Result<(), StateError> {
        self.check_plain(name)
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path_of(name)
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open_existing(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_STATE_FILE + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn create(&mut self, name: &str) -> io::Result<File> {
        match self.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.create_new(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&*self.descriptor, from, &*self.descriptor, to)?)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        Directory::remove(self, name)
    }

    fn sync(&mut self) -> io::Result<()> {
        Directory::sync(self)
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        Directory::names(self)
    }
}

impl StorageFile for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Makes the directory and its parents where absent; their names survive a power cut.
fn create_durably(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.try_exists()? {
        return Ok(());
    }
    if !parent.try_exists()? {
        create_durably(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

/// Root may use any directory: containers mount those of other users.
fn check_owner(path: &Path, owner: u32) -> Result<(), StateError> {
    let user = rustix::process::geteuid().as_raw();
    if owner == user || user == 0 {
        return Ok(());
    }
    Err(StateError::NotOwned { path: path.to_path_buf(), owner, user })
}

fn kind(found: FileType) -> &'static str {
    match found {
        FileType::Directory => "directory",
        FileType::Symlink => "symbolic link",
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        _ => "thing of unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn modes_are_private_even_where_they_were_wide() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b/state");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        std::fs::write(path.join("lock"), "").unwrap();
        std::fs::set_permissions(path.join("lock"), PermissionsExt::from_mode(0o666)).unwrap();
        let state = StateDirectory::open(&path).unwrap();
        let (mut store, _) = state.checkpoints().unwrap();
        store.save(&Default::default()).unwrap();
        let letters = state.subdirectory("dead-letters").unwrap();
        letters.create_new("1.ndjson").unwrap();
        assert_eq!((mode(&path), mode(&path.join("dead-letters"))), (0o700, 0o700));
        for name in ["lock", "checkpoint.1", "dead-letters/1.ndjson"] {
            assert_eq!(mode(&path.join(name)), 0o600, "{name}");
        }
    }

    // Q25.
    #[test]
    fn an_absent_directory_is_made_with_its_parents() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("var/lib/blueox");
        let state = StateDirectory::open(&path).unwrap();
        assert_eq!((state.path(), mode(&path)), (path.as_path(), 0o700));
    }

    // Q27: refused by name, nothing behind it touched.
    #[test]
    fn whatever_is_no_plain_file_is_refused_by_name() {
        for name in ["lock", "checkpoint.0", "checkpoint.1"] {
            for (kind, make) in odd_files() {
                let temp = tempfile::tempdir().unwrap();
                let path = temp.path().join("state");
                std::fs::create_dir(&path).unwrap();
                let outside = temp.path().join("outside");
                std::fs::write(&outside, "precious").unwrap();
                make(&outside, &path.join(name));
                let refused = StateDirectory::open(&path).and_then(|state| state.checkpoints().map(|_| ()));
                let text = refused.unwrap_err().to_string();
                assert!(text.contains(name) && text.contains(kind), "{name} as {kind}: {text}");
                assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
            }
        }
    }

    type Make = fn(&Path, &Path);

    fn odd_files() -> [(&'static str, Make); 4] {
        [
            ("symbolic link", |outside, path| symlink(outside, path).unwrap()),
            ("hard link", |outside, path| std::fs::hard_link(outside, path).unwrap()),
            ("directory", |_, path| std::fs::create_dir(path).unwrap()),
            ("FIFO", |_, path| {
                assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
            }),
        ]
    }

    #[test]
    fn a_link_to_elsewhere_is_no_subdirectory() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(&temp.path().join("state")).unwrap();
        symlink(temp.path(), state.path().join("dead-letters")).unwrap();
        let text = state.subdirectory("dead-letters").unwrap_err().to_string();
        assert!(text.contains("dead-letters") && text.contains("symbolic link"), "{text}");
    }

    #[test]
    fn a_link_to_elsewhere_is_no_journal() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        std::fs::write(&outside, "precious").unwrap();
        let state = StateDirectory::open(&temp.path().join("state")).unwrap();
        symlink(&outside, state.path().join("journal")).unwrap();
        let text = state.journal().unwrap_err().to_string();
        assert!(text.contains("journal") && text.contains("symbolic link"), "{text}");
        assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
    }

    // Q28. A file in the way stands for all that cannot be made: root passes every mode.
    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_with_its_name() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("file"), "").unwrap();
        for path in ["file", "file/state"] {
            let error = StateDirectory::open(&temp.path().join(path)).unwrap_err();
            assert!(matches!(error, StateError::Directory { .. }), "{error}");
            assert!(error.to_string().contains("file"), "{error}");
        }
    }

    #[test]
    fn a_planted_link_under_the_temporary_name_is_replaced_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        std::fs::write(&outside, "precious").unwrap();
        let state = StateDirectory::open(&temp.path().join("state")).unwrap();
        let (mut store, _) = state.checkpoints().unwrap();
        symlink(&outside, state.path().join("checkpoint.tmp")).unwrap();
        store.save(&Default::default()).unwrap();
        assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
    }
}
