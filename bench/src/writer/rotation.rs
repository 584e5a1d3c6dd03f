//! How a full log file makes room for the next.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The usual ways. None of them ever deletes a line: a judge must be able to ask for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rotation {
    /// One file for ever.
    None,
    /// `app.log` becomes `app.log.r0001`; a new `app.log` is created.
    Rename,
    /// logrotate's: `app.log.1` becomes `app.log.2`, `app.log` becomes `app.log.1`, a new `app.log` is created.
    Shift,
    /// The next file has another name, `app.log.c0001`; nothing is renamed.
    Create,
    /// The content is copied to `app.log.1` (older copies shift), then `app.log` is cut to nothing.
    CopyTruncate,
}

impl Rotation {
    /// Performs rotation number `count` (from 1) of `path`; the file to open next, `None` to go on with the open one.
    pub(super) fn apply(self, path: &Path, count: u32) -> io::Result<Option<PathBuf>> {
        match self {
            Self::None => Ok(None),
            Self::Rename => {
                fs::rename(path, suffixed(path, &format!(".r{count:04}")))?;
                Ok(Some(path.to_owned()))
            }
            Self::Shift => {
                shift(path, count)?;
                fs::rename(path, suffixed(path, ".1"))?;
                Ok(Some(path.to_owned()))
            }
            Self::Create => Ok(Some(suffixed(path, &format!(".c{count:04}")))),
            Self::CopyTruncate => {
                shift(path, count)?;
                fs::copy(path, suffixed(path, ".1"))?;
                fs::OpenOptions::new().write(true).open(path)?.set_len(0)?;
                Ok(None)
            }
        }
    }
}

/// Renames `path.1` … `path.(count-1)` up by one, the oldest first.
fn shift(path: &Path, count: u32) -> io::Result<()> {
    for number in (1..count).rev() {
        fs::rename(suffixed(path, &format!(".{number}")), suffixed(path, &format!(".{}", number + 1)))?;
    }
    Ok(())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
