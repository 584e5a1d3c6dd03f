//! What was written: all that the judge is told of the lines.
//!
//! One JSON object a line, `{"seed":1,"writer":3,"format":"tracing","first":0,"end":5000}`; ranges of one writer may
//! stand in several lines. A line counts as written once `write` has returned.

use crate::line::Origin;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

/// Lines `first..end` of one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who wrote them.
    #[serde(flatten)]
    pub origin: Origin,
    /// First sequence number.
    pub first: u64,
    /// One past the last.
    pub end: u64,
}

impl Entry {
    /// How many lines.
    pub fn lines(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }
}

/// Appends `entry` to the ledger at `path`.
pub fn append(path: &Path, entry: &Entry) -> Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(&line))
        .with_context(|| format!("write the ledger `{}`", path.display()))
}

/// Reads all entries.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let file = File::open(path).with_context(|| format!("open the ledger `{}`", path.display()))?;
    let mut entries = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("read the ledger `{}`", path.display()))?;
        let entry = serde_json::from_str(&line).with_context(|| {
            format!("read line {} of the ledger `{}`: `{line}`", number + 1, path.display())
        })?;
        entries.push(entry);
    }
    Ok(entries)
}
