//! Lines written, by the services' own numbers, and lines stored.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Lines of one process, which numbers them from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// How many.
    pub(crate) count: u64,
    /// The sum of their numbers: a line that is missing and one that is there twice do not make up for each other.
    pub(crate) numbers: u64,
}

impl Lines {
    /// All lines up to this number.
    fn up_to(last: u64) -> Self {
        Self { count: last, numbers: last * (last + 1) / 2 }
    }
}

/// Lines by the process that wrote them (`service.node.name`).
pub(crate) type Stored = BTreeMap<String, Lines>;

/// What a process has written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Writer {
    service: String,
    last: u64,
}

/// Lines in log files, by the process that wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written {
    writers: BTreeMap<String, Writer>,
    /// Bytes read of each file.
    read: BTreeMap<PathBuf, u64>,
}

/// What counts of a line.
#[derive(Deserialize)]
struct Line {
    name: String,
    #[serde(rename = "service.node.name")]
    node: String,
    #[serde(rename = "event.sequence")]
    sequence: u64,
}

impl Written {
    /// Reads all log files of a folder, renamed ones too, line by line.
    pub(crate) fn read(logs: &Path) -> Result<Self> {
        let mut written = Self::default();
        for path in log_files(logs, |name| name.contains(".log"))? {
            written.read_file(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        }
        Ok(written)
    }

    /// Reads what was added to the log files. Enough to watch: the end of a file renamed meanwhile is not seen.
    pub(crate) fn read_on(&mut self, logs: &Path) -> Result<()> {
        for path in log_files(logs, |name| name.ends_with(".log"))? {
            self.read_file(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Reads whole lines from where it stopped before, or from the start of a new file.
    fn read_file(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut at = self.read.get(path).copied().unwrap_or(0);
        if at > file.metadata()?.len() {
            at = 0;
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut file, mut line) = (BufReader::new(file), Vec::new());
        while file.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            at += line.len() as u64;
            self.observe(&line);
            line.clear();
        }
        self.read.insert(path.to_owned(), at);
        Ok(())
    }

    /// Takes note of a line; one that no service wrote has no number.
    fn observe(&mut self, line: &[u8]) {
        let Ok(Line { name, node, sequence }) = serde_json::from_slice(line) else { return };
        let writer = self.writers.entry(node).or_insert(Writer { service: name, last: 0 });
        writer.last = writer.last.max(sequence);
    }

    /// The names of the processes.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &str> {
        self.writers.keys().map(String::as_str)
    }

    /// Lines written and stored, by service.
    pub(crate) fn beside(&self, stored: &Stored) -> BTreeMap<&str, Pair> {
        let mut services = BTreeMap::<&str, Pair>::new();
        for (node, writer) in &self.writers {
            let (written, stored) =
                (Lines::up_to(writer.last), stored.get(node).copied().unwrap_or_default());
            let pair = services.entry(&writer.service).or_insert(Pair { equal: true, ..Pair::default() });
            pair.written += written.count;
            pair.stored += stored.count;
            pair.equal &= written == stored;
        }
        services
    }
}

/// Lines of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    /// In its log files.
    pub(crate) written: u64,
    /// In the store.
    pub(crate) stored: u64,
    /// Whether the very same lines are there, process by process.
    pub(crate) equal: bool,
}

fn log_files(logs: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(logs).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("cannot read the folder `{}`", logs.display()))?;
    let named = entries.into_iter().filter(|entry| entry.file_name().to_str().is_some_and(&wanted));
    Ok(named.map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, node: &str, sequence: u64) -> String {
        format!(
            "{{\"name\":\"{name}\",\"service.node.name\":\"{node}\",\"msg\":\"x\",\"event.sequence\":{sequence}}}\n"
        )
    }

    fn logs(files: &[(&str, String)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn lines_are_counted_by_process_over_restarts_and_renamed_files() {
        let folder = logs(&[
            ("shop-1.log.1", line("shop", "a", 1) + &line("shop", "a", 2)),
            ("shop-1.log", line("shop", "a", 3) + &line("shop", "b", 1) + "{\"name\":\"sh"),
            ("shop-2.log", line("shop", "c", 1)),
            ("scene.json", "{}\n".to_owned()),
        ]);
        let written = Written::read(folder.path()).unwrap();
        assert!(written.instances().eq(["a", "b", "c"]));
        assert_eq!(written.beside(&Stored::new())["shop"], Pair { written: 5, stored: 0, equal: false });
        let stored = |lines: [(u64, u64); 3]| {
            let nodes = ["a", "b", "c"].map(str::to_owned);
            nodes
                .into_iter()
                .zip(lines)
                .map(|(node, (count, numbers))| (node, Lines { count, numbers }))
                .collect()
        };
        let equal = |lines| written.beside(&stored(lines))["shop"].equal;
        assert!(equal([(3, 6), (1, 1), (1, 1)]));
        assert!(!equal([(2, 3), (2, 4), (1, 1)]), "one line here for one there");
        assert!(!equal([(3, 5), (1, 1), (1, 1)]), "1 and 2, and 2 again");
    }

    #[test]
    fn reading_on_takes_whole_lines_once_and_begins_anew_in_a_new_file() {
        let folder = logs(&[("shop-1.log", line("shop", "a", 1) + &line("shop", "a", 2) + "{\"na")]);
        let path = folder.path().join("shop-1.log");
        let mut written = Written::default();
        let mut count = || {
            written.read_on(folder.path()).unwrap();
            written.beside(&Stored::new())["shop"].written
        };
        assert_eq!(count(), 2);
        fs::write(
            &path,
            line("shop", "a", 1) + &line("shop", "a", 2) + &line("shop", "a", 3) + &line("shop", "b", 1),
        )
        .unwrap();
        assert_eq!(count(), 4);
        fs::write(&path, line("shop", "b", 2)).unwrap();
        assert_eq!(count(), 5);
    }
}
