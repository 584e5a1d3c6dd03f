//! The lines in a file, and the same lines as each input that reads files wants them.

use super::Input;
use crate::filling::Course;
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files with the same lines.
#[derive(Debug)]
pub(super) struct Load {
    directory: PathBuf,
}

impl Load {
    /// Writes all of them into `directory`.
    pub(super) fn write(directory: &Path, course: &Course) -> Result<Self> {
        let load = Self { directory: directory.to_owned() };
        course.write(&load.file(Input::File))?;
        load.pack().context("pack the lines")?;
        load.wrap().context("wrap the lines as a container runtime does")?;
        Ok(load)
    }

    /// What this input reads; the plain lines for those that read no file.
    pub(super) fn file(&self, input: Input) -> PathBuf {
        self.directory.join(match input {
            Input::Gzip => "load.log.gz",
            Input::Zstd => "load.log.zst",
            Input::Container => "cri.log",
            _ => "load.log",
        })
    }

    /// The plain lines, without their terminators.
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
        let path = self.file(Input::File);
        let file = File::open(&path).with_context(|| format!("open `{}`", path.display()))?;
        Ok(BufReader::with_capacity(1 << 20, file).split(b'\n'))
    }

    fn pack(&self) -> Result<()> {
        let mut gzip = GzEncoder::new(File::create(self.file(Input::Gzip))?, Compression::default());
        io::copy(&mut File::open(self.file(Input::File))?, &mut gzip)?;
        gzip.finish()?;
        // The real program: how much memory its files cost to read depends on the window it chose.
        let mut zstd = Command::new("zstd");
        zstd.arg("-q").arg(self.file(Input::File)).arg("-o").arg(self.file(Input::Zstd));
        let status = zstd.status().context("start `zstd`; install it")?;
        ensure!(status.success(), "zstd ended with {status}");
        Ok(())
    }

    fn wrap(&self) -> Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(self.file(Input::Container))?);
        for line in self.lines()? {
            out.write_all(b"2026-08-21T10:15:30.123456789Z stdout F ")?;
            out.write_all(&line?)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(())
    }
}
