//! Writes lines into a file and rotates it.

mod pace;
mod rotation;

pub use pace::Pace;
pub use rotation::Rotation;

use crate::ledger::Entry;
use crate::line::{LineMaker, Origin};
use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most bytes in one `write` call.
const CHUNK: usize = 1 << 20;

/// Time of a line.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    System,
    /// `start` plus `step` for each line, nanoseconds: the same file for the same seed.
    Fixed {
        /// Time of line 0 since the epoch.
        start: u64,
        /// From line to line.
        step: u64,
    },
}

impl Clock {
    /// 21 August 2026, 10:15:30, and 4000 lines a second.
    pub const SAMPLE: Self = Self::Fixed { start: 1_787_307_330_000_000_000, step: 250_000 };

    fn time(self, sequence: u64) -> u64 {
        match self {
            Self::System => {
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
            }
            Self::Fixed { start, step } => start + sequence * step,
        }
    }
}

/// One writer and its file.
#[derive(Debug)]
pub struct LogWriter {
    origin: Origin,
    maker: LineMaker,
    clock: Clock,
    path: PathBuf,
    file: File,
    rotation: Rotation,
    rotations: u32,
    next: u64,
    buffer: Vec<u8>,
}

impl LogWriter {
    /// Opens `path` for appending; the first line will be number 0.
    pub fn open(path: &Path, origin: Origin, clock: Clock, rotation: Rotation) -> Result<Self> {
        Ok(Self {
            origin,
            maker: LineMaker::new(origin),
            clock,
            file: append_to(path)?,
            path: path.to_owned(),
            rotation,
            rotations: 0,
            next: 0,
            buffer: Vec::with_capacity(CHUNK),
        })
    }

    /// Writes the next `count` lines; whole lines in each `write` call.
    pub fn write(&mut self, count: u64) -> Result<()> {
        let end = self.next + count;
        for sequence in self.next..end {
            self.maker.append(&mut self.buffer, sequence, self.clock.time(sequence));
            if self.buffer.len() > CHUNK - (CHUNK >> 4) {
                self.flush(sequence + 1)?;
            }
        }
        self.flush(end)
    }

    /// Rotates the file.
    pub fn rotate(&mut self) -> Result<()> {
        self.rotations += 1;
        let path = self.path.display();
        let fresh =
            self.rotation.apply(&self.path, self.rotations).with_context(|| format!("rotate `{path}`"))?;
        if let Some(fresh) = fresh {
            self.file = append_to(&fresh)?;
        }
        Ok(())
    }

    /// What has been written so far.
    pub fn entry(&self) -> Entry {
        Entry { origin: self.origin, first: 0, end: self.next }
    }

    fn flush(&mut self, end: u64) -> Result<()> {
        self.file.write_all(&self.buffer).with_context(|| format!("write to `{}`", self.path.display()))?;
        self.buffer.clear();
        self.next = end;
        Ok(())
    }
}

fn append_to(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("open `{}` for writing", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Format, Mark};
    use std::collections::BTreeSet;

    const ORIGIN: Origin = Origin { seed: 1, writer: 1, format: Format::Tracing };

    /// Marks in all files of a directory, and how many files there are.
    fn written(directory: &Path) -> (Vec<u64>, usize) {
        let mut sequences = Vec::new();
        let mut files = 0;
        for entry in std::fs::read_dir(directory).expect("directory") {
            let text = std::fs::read(entry.expect("entry").path()).expect("file");
            let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
            sequences.extend(lines.map(|line| Mark::find(line).expect("mark").sequence));
            files += 1;
        }
        sequences.sort_unstable();
        (sequences, files)
    }

    #[test]
    fn no_rotation_loses_or_repeats_a_line_on_disk() {
        for rotation in [Rotation::Rename, Rotation::Shift, Rotation::Create, Rotation::CopyTruncate] {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join("app.log");
            let mut writer = LogWriter::open(&path, ORIGIN, Clock::SAMPLE, rotation).expect("open");
            for _ in 0..4 {
                writer.write(100).expect("write");
                writer.rotate().expect("rotate");
            }
            writer.write(100).expect("write");
            let (sequences, files) = written(directory.path());
            assert_eq!(sequences, (0..500).collect::<Vec<_>>(), "{rotation:?}");
            assert_eq!(files, 5, "{rotation:?}");
            assert_eq!(writer.entry().lines(), 500);
        }
    }

    #[test]
    fn only_copytruncate_and_create_keep_the_inode_of_the_first_file() {
        use std::os::unix::fs::MetadataExt;
        let same_inode = |rotation| {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join("app.log");
            let mut writer = LogWriter::open(&path, ORIGIN, Clock::SAMPLE, rotation).expect("open");
            writer.write(1).expect("write");
            let before = std::fs::metadata(&path).expect("metadata").ino();
            writer.rotate().expect("rotate");
            std::fs::metadata(&path).expect("metadata").ino() == before
        };
        assert!(same_inode(Rotation::CopyTruncate));
        assert!(same_inode(Rotation::Create));
        assert!(!same_inode(Rotation::Rename));
        assert!(!same_inode(Rotation::Shift));
    }

    #[test]
    fn large_writes_stay_within_whole_lines_and_order() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("app.log");
        let mut writer = LogWriter::open(&path, ORIGIN, Clock::SAMPLE, Rotation::None).expect("open");
        writer.write(10_000).expect("write");
        let text = std::fs::read(&path).expect("file");
        let sequences: BTreeSet<u64> =
            text.split(|&byte| byte == b'\n').filter_map(Mark::find).map(|mark| mark.sequence).collect();
        assert_eq!(sequences.len(), 10_000);
        assert!(text.ends_with(b"}\n"));
    }
}
