//! Files are opened when they are read, and closed when others need their descriptors.

use super::{Notice, OpenError, Table};
use crate::file::FileKey;
use crate::file::source::{Compression, Physical, Source};
use crate::file::tailed::{Standing, Tailed};
use std::io::{self, ErrorKind};

impl Table {
    /// Opens a file, closing another one if need be.
    pub fn open(&mut self, key: FileKey) -> Result<(), OpenError> {
        if self.handles.contains(key) {
            return Ok(());
        }
        while self.handles.is_full() {
            self.evict().ok_or(OpenError::Busy)?;
        }
        let Some(file) = self.files.get_mut(&key) else { return Err(OpenError::Moved) };
        let path = file.path.clone();
        let opened = Source::open(&path);
        let opened = match opened {
            Err(error) if out_of_descriptors(&error) => {
                self.handles.limit_to_open();
                self.evict().ok_or(OpenError::Busy)?;
                Source::open(&path)
            }
            other => other,
        };
        let source = opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound => OpenError::Moved,
            _ => OpenError::Io(error),
        })?;
        let facts = source.facts().map_err(OpenError::Io)?;
        let file = self.files.get_mut(&key).expect("looked up above");
        if Physical::of(&facts) != file.physical {
            return Err(OpenError::Moved);
        }
        file.compression = source.compression();
        file.trouble = None;
        self.handles.insert(key, source);
        Ok(())
    }

    /// The file and its open source, for a turn of reading.
    pub fn pair(&mut self, key: FileKey) -> Option<(&mut Tailed, &mut Source)> {
        Some((self.files.get_mut(&key)?, self.handles.get(key)?))
    }

    /// Notes trouble with a file, once.
    pub fn trouble(&mut self, key: FileKey, error: &io::Error) {
        let Some(file) = self.files.get_mut(&key) else { return };
        let text = error.to_string();
        if file.trouble.as_ref() != Some(&text) {
            file.trouble = Some(text.clone());
            self.notices.push(Notice::Unreadable { path: file.path.to_path_buf(), error: text });
        }
    }

    /// A file could be read: what troubled it is over. Damage of a packed file stays.
    pub fn readable(&mut self, key: FileKey) {
        if let Some(file) = self.files.get_mut(&key)
            && file.compression == Compression::Plain
        {
            file.trouble = None;
        }
    }

    /// A packed file was read to its end; says so if that end is damage.
    pub fn unpacked(&mut self, key: FileKey) {
        let Some(damage) = self.handles.get(key).and_then(|source| source.damage().map(str::to_owned)) else {
            return;
        };
        let Some(file) = self.files.get_mut(&key) else { return };
        if file.trouble.as_ref() != Some(&damage) {
            file.trouble = Some(damage.clone());
            self.notices.push(Notice::Damaged { path: file.path.to_path_buf(), error: damage });
        }
    }

    /// Closes the least useful open file: an idle one, else one that its path leads to still.
    fn evict(&mut self) -> Option<FileKey> {
        let files = &self.files;
        let closed = self.handles.evict(|key| match files.get(&key) {
            None => Some(0),
            Some(file) if file.standing != Standing::Present => None,
            Some(file) if file.is_settled() && file.unread() == 0 => Some(1),
            Some(file) if file.is_settled() => Some(2),
            Some(_) => Some(3),
        })?;
        if let Some(file) = self.files.get_mut(&closed)
            && file.is_settled()
        {
            file.prefix = None;
        }
        Some(closed)
    }
}

fn out_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::MFILE.raw_os_error())
        || code == Some(rustix::io::Errno::NFILE.raw_os_error())
}
