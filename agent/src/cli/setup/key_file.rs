//! The file that holds the agent's API key: mode 0600, replaced at once or not at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest content that is read as a key.
const KEY_BYTES_MAX: u64 = 8192;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    #[error("cannot read the key file `{}`; correct --api-key-out or its permissions", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` holds no API key and is not overwritten; move it away or name another file with --api-key-out", .path.display())]
    Stranger { path: PathBuf },
    #[error("cannot write the key file `{}`; name a file in a directory that this user may write to", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Where the key goes.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    id: Option<String>,
    temporary: Option<Temporary>,
}

/// A file beside the one it will become; removed again where it does not.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    file: File,
}

impl KeyFile {
    /// Looks which key is there. One that is not there yet is fine.
    pub(super) fn look(path: &Path) -> Result<Self, KeyFileError> {
        let id = match read(path) {
            Ok(text) => {
                Some(id_of(text.trim()).ok_or_else(|| KeyFileError::Stranger { path: path.to_owned() })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(KeyFileError::Read { path: path.to_owned(), source }),
        };
        Ok(Self { path: path.to_owned(), id, temporary: None })
    }

    /// Id of the key that is there.
    pub(super) fn id(&self) -> Option<String> {
        self.id.clone()
    }

    /// Makes sure that a key could be written, before one is made.
    pub(super) fn prepare(&mut self) -> Result<(), KeyFileError> {
        let temporary = Temporary::create(&self.path).map_err(|source| self.failed(source))?;
        self.temporary = Some(temporary);
        Ok(())
    }

    /// Puts the key in place, durably.
    pub(super) fn write(mut self, encoded: &str) -> Result<(), KeyFileError> {
        let temporary = match self.temporary.take() {
            Some(temporary) => Ok(temporary),
            None => Temporary::create(&self.path),
        };
        temporary
            .and_then(|temporary| temporary.become_file(&self.path, encoded))
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Write { path: self.path.clone(), source }
    }
}

impl Temporary {
    fn create(beside: &Path) -> io::Result<Self> {
        let name = beside.file_name().ok_or_else(|| io::Error::other("it is no name of a file"))?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.tmp", std::process::id()));
        let path = beside.with_file_name(temporary);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path, file })
    }

    fn become_file(mut self, path: &Path, encoded: &str) -> io::Result<()> {
        self.file.write_all(format!("{encoded}\n").as_bytes())?;
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed away, there is nothing left under this name.
        let _ = fs::remove_file(&self.path);
    }
}

fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > KEY_BYTES_MAX {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// The id in base64 of `id:key`.
fn id_of(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, key) = decoded.split_once(':')?;
    (!id.is_empty() && !key.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_written_with_mode_600_and_read_back_by_its_id() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let mut file = KeyFile::look(&path).unwrap();
        assert_eq!(file.id(), None);
        file.prepare().unwrap();
        file.write(&STANDARD.encode("an-id:a-secret")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyFile::look(&path).unwrap().id().as_deref(), Some("an-id"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_key_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        for text in ["", "hello", "aGVsbG8=", &"x".repeat(10_000)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(KeyFile::look(&path), Err(KeyFileError::Stranger { .. })), "{text}");
        }
        assert!(matches!(KeyFile::look(directory.path()), Err(KeyFileError::Read { .. })));
    }

    #[test]
    fn what_was_prepared_and_not_used_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = KeyFile::look(&directory.path().join("key")).unwrap();
        file.prepare().unwrap();
        drop(file);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let mut nowhere = KeyFile::look(&directory.path().join("absent/key")).unwrap();
        assert!(matches!(nowhere.prepare(), Err(KeyFileError::Write { .. })));
    }
}
