//! What a scan finds odd.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

/// Most different oddities told of one scan.
pub const MAX_WARNINGS: usize = 1000;

/// Something odd in the file system, with what it means for the logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Warning {
    /// A pattern matches something that cannot be tailed.
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A file has several paths within one input; it is read once.
    SeveralPaths {
        /// The path it is read under.
        path: PathBuf,
        /// Another one.
        other: PathBuf,
    },
    /// A file belongs to several inputs; each reads it.
    SeveralInputs {
        /// The file.
        path: PathBuf,
        /// The first input, by its place in the configuration from 0.
        first: usize,
        /// Another one.
        other: usize,
    },
    /// A directory leads back into itself.
    Loop {
        /// Where it does.
        path: PathBuf,
    },
    /// A directory or file cannot be examined.
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
    /// More files or directories match than can be kept in view.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// More oddities than are told.
    TooManyWarnings,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile { path, kind } => {
                write!(
                    f,
                    "`{}` is a {kind} and is not read; narrow the pattern or exclude it",
                    path.display()
                )
            }
            Self::SeveralPaths { path, other } => write!(
                f,
                "`{}` and `{}` are one file; it is read once, under the first name",
                path.display(),
                other.display()
            ),
            Self::SeveralInputs { path, first, other } => write!(
                f,
                "`{}` belongs to inputs {first} and {other} (counted from 0), each of them reads it; \
                 give the inputs an `id` each, or patterns that do not overlap",
                path.display()
            ),
            Self::Loop { path } => {
                write!(f, "directory `{}` leads back into itself and is not entered again", path.display())
            }
            Self::Unreadable { path, error } => write!(
                f,
                "cannot look at `{}`: {error}; let this user read it, files known there are kept meanwhile",
                path.display()
            ),
            Self::TooMany { what, limit } => {
                write!(f, "more than {limit} {what} match; the others are not read, narrow the patterns")
            }
            Self::TooManyWarnings => {
                write!(f, "more than {MAX_WARNINGS} oddities in one scan; the others are not told")
            }
        }
    }
}

/// Remembers what has been told, so that each thing is told once for as long as it lasts.
#[derive(Debug, Default)]
pub(super) struct Told {
    before: HashSet<u64>,
    now: HashSet<u64>,
}

impl Told {
    /// Adds `warning` to `news` unless the scan before met it too.
    pub(super) fn tell(&mut self, warning: Warning, news: &mut Vec<Warning>) {
        let warning = if self.now.len() < MAX_WARNINGS { warning } else { Warning::TooManyWarnings };
        let mut hasher = DefaultHasher::new();
        warning.hash(&mut hasher);
        let key = hasher.finish();
        if self.now.insert(key) && !self.before.contains(&key) {
            news.push(warning);
        }
    }

    /// A scan is over: what it did not meet is news again when it comes back.
    pub(super) fn finish(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loops(from: usize, to: usize, told: &mut Told) -> Vec<Warning> {
        let mut news = Vec::new();
        for number in from..to {
            told.tell(Warning::Loop { path: PathBuf::from(format!("/{number}")) }, &mut news);
        }
        told.finish();
        news
    }

    #[test]
    fn a_thing_is_told_once_for_as_long_as_it_lasts() {
        let mut told = Told::default();
        assert_eq!(loops(0, 2, &mut told).len(), 2);
        assert_eq!(loops(0, 3, &mut told), [Warning::Loop { path: "/2".into() }]);
        assert_eq!(loops(2, 3, &mut told), []);
        assert_eq!(loops(0, 3, &mut told).len(), 2, "0 and 1 had gone");
    }

    #[test]
    fn warnings_of_one_scan_are_bounded() {
        let mut told = Told::default();
        let news = loops(0, 5 * MAX_WARNINGS, &mut told);
        assert_eq!(news.len(), MAX_WARNINGS + 1);
        assert_eq!(news.last(), Some(&Warning::TooManyWarnings));
        assert_eq!(loops(0, 5 * MAX_WARNINGS, &mut told), []);
    }
}
