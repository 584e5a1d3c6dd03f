//! What was stored: one JSON object a line, `{"index":"…","id":"…","doc":{…}}`, the document byte for byte as sent.
//!
//! Written before the answer goes out, so that whatever a client was told is in it.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Takes stored documents.
#[derive(Debug)]
pub struct Journal {
    file: BufWriter<File>,
}

impl Journal {
    /// Starts an empty journal at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 20, File::create(path)?) })
    }

    /// Adds one document. `source` must be one line of JSON; what is not is kept as text.
    pub fn append(&mut self, index: &str, id: &str, source: &[u8]) -> io::Result<()> {
        let file = &mut self.file;
        file.write_all(b"{\"index\":")?;
        serde_json::to_writer(&mut *file, index)?;
        file.write_all(b",\"id\":")?;
        serde_json::to_writer(&mut *file, id)?;
        file.write_all(b",\"doc\":")?;
        if serde_json::from_slice::<&RawValue>(source).is_ok() {
            file.write_all(source)?;
        } else {
            serde_json::to_writer(&mut *file, &String::from_utf8_lossy(source))?;
        }
        file.write_all(b"}\n")
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A stored document.
#[derive(Debug, Deserialize)]
pub struct Stored<'a> {
    /// Concrete index.
    pub index: String,
    /// Its id there.
    pub id: String,
    /// Its bytes.
    #[serde(borrow)]
    pub doc: &'a RawValue,
}

/// Calls `each` for every document of the journal at `path`.
pub fn read(path: &Path, mut each: impl FnMut(&Stored<'_>)) -> Result<()> {
    let doing = || format!("read the journal `{}`", path.display());
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).with_context(doing)?);
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        number += 1;
        if file.read_until(b'\n', &mut line).with_context(doing)? == 0 {
            return Ok(());
        }
        let stored = serde_json::from_slice(&line)
            .with_context(|| format!("read line {number} of `{}`", path.display()))?;
        each(&stored);
    }
}
