//! The log file and its rotation.

use super::{FileSettings, LogError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that lines are appended to, renamed when it has its size.
#[derive(Debug)]
pub(super) struct RotatedFile {
    settings: FileSettings,
    file: File,
    /// Of the file; after a rotation that failed, since then.
    size: u64,
    /// Whether the last byte is the end of a line.
    at_line_end: bool,
}

impl RotatedFile {
    /// Opens it behind what it holds; a line that a killed process left unfinished is ended.
    pub(super) fn open(settings: FileSettings) -> Result<Self, LogError> {
        open(&settings.path)
            .and_then(|(mut file, size)| {
                if size > 0 && last_byte(&mut file)? != b'\n' {
                    file.write_all(b"\n")?;
                }
                Ok((file, size))
            })
            .map(|(file, size)| Self { settings: settings.clone(), file, size, at_line_end: true })
            .map_err(|source| LogError::File { path: settings.path, source })
    }

    /// Writes a piece of `lines`, whose first byte continues what was written before; how much is the result, not 0.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.at_line_end && self.size > 0 && self.size + first_line(lines) > self.settings.max_size {
            self.rotate();
        }
        let written = match self.file.write(self.fitting(lines)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            result => result,
        };
        let written = written.map_err(|error| {
            let path = self.settings.path.display();
            io::Error::new(error.kind(), format!("cannot write the log file `{path}`: {error}"))
        })?;
        self.size += written as u64;
        self.at_line_end = lines[written - 1] == b'\n';
        Ok(written)
    }

    /// The whole lines that the file has room for, at least the first.
    fn fitting<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        let room = self.settings.max_size.saturating_sub(self.size).min(lines.len() as u64) as usize;
        let whole = lines[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        &lines[..whole.max(first_line(lines) as usize)]
    }

    /// `PATH.2` becomes `PATH.3`, `PATH.1` `PATH.2`, `PATH` `PATH.1`; a new `PATH` begins. What fails is said, tried again
    /// after as many bytes, and costs no line.
    fn rotate(&mut self) {
        let path = &self.settings.path;
        let numbered = (1..self.settings.keep).rev().map(|n| (old(path, n), old(path, n + 1)));
        for (from, to) in numbered.chain([(path.clone(), old(path, 1))]) {
            match fs::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    eprintln!(
                        "demo-service: cannot rename `{}` to `{}`: {error}",
                        from.display(),
                        to.display()
                    );
                }
                _ => {}
            }
        }
        self.size = 0;
        match open(path) {
            Ok((file, _)) => self.file = file,
            Err(error) => eprintln!("demo-service: cannot begin a new `{}`: {error}", path.display()),
        }
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Bytes up to the end of the first line.
fn first_line(lines: &[u8]) -> u64 {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1) as u64
}

fn old(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}
