//! A log file under a test's hand: whole lines, halves of lines, and what rotation does to it.
//!
//! For many lines that a judge can account for, use `bench::writer::LogWriter`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// An open log file.
pub struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens `path` for appending, as a logger does.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let file = append_to(&path);
        Self { path, file }
    }

    /// Writes `text` and a newline in one call.
    pub fn line(&mut self, text: &str) {
        self.raw(format!("{text}\n").as_bytes());
    }

    /// Writes exactly these bytes in one call.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).expect("written");
    }

    /// Renames the file within its directory and goes on in a new one under the old name.
    pub fn rename_and_reopen(&mut self, name: &str) {
        fs::rename(&self.path, self.path.with_file_name(name)).expect("renamed");
        self.file = append_to(&self.path);
    }

    /// Renames the file but keeps writing to it, as a logger does that has not been told yet.
    pub fn rename_only(&mut self, name: &str) {
        fs::rename(&self.path, self.path.with_file_name(name)).expect("renamed");
    }

    /// Copies the content to `name` beside it and cuts the file to nothing.
    pub fn copy_and_truncate(&mut self, name: &str) {
        fs::copy(&self.path, self.path.with_file_name(name)).expect("copied");
        self.file.set_len(0).expect("truncated");
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn append_to(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("opened for appending")
}
