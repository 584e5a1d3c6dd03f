//! The bytes of one file: plain, gzip or zstd, read at any offset of the text.

use crate::discovery::scan::birth_ns;
use crate::file::identity::FIRST_LINE_BYTES;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// How the text lies on disk, told by the first bytes, never by the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As it is.
    #[default]
    Plain,
    /// One or more gzip members.
    Gzip,
    /// One or more zstd frames.
    Zstd,
}

impl Compression {
    /// By the first bytes of the file.
    pub fn of(beginning: &[u8]) -> Self {
        match beginning {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Which file on which device, as `fstat` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Physical {
    /// Device number; may change when a file system is mounted again.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since 1970, 0 where the file system keeps none.
    pub birth_ns: u64,
}

impl Physical {
    /// From `fstat` or `stat`.
    pub fn of(facts: &Metadata) -> Self {
        Self { device: facts.dev(), inode: facts.ino(), birth_ns: birth_ns(facts) }
    }
}

/// An open file.
pub struct Source {
    file: Arc<File>,
    text: Text,
}

enum Text {
    Plain,
    Packed(Box<Unpacked>),
}

impl Source {
    /// Opens `path`. Never blocks on a FIFO; only regular files are sources.
    pub fn open(path: &Path) -> io::Result<Self> {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut beginning = [0; 4];
        let known = read_full(&file, &mut beginning, 0)?;
        let file = Arc::new(file);
        let text = match Compression::of(&beginning[..known]) {
            Compression::Plain => Text::Plain,
            packed => Text::Packed(Box::new(Unpacked::new(file.clone(), packed))),
        };
        Ok(Self { file, text })
    }

    /// `fstat`.
    pub fn facts(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// How the text lies on disk.
    pub fn compression(&self) -> Compression {
        match &self.text {
            Text::Plain => Compression::Plain,
            Text::Packed(unpacked) => unpacked.compression,
        }
    }

    /// Reads text from `offset` on until `buffer` is full or the text ends; returns the count.
    ///
    /// For packed files reading forward is cheap; going back by more than the last chunk unpacks from the beginning. Damage
    /// (a cut file, garbage behind the last member) reads as the end of the text; see [`Self::damage`].
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &mut self.text {
            Text::Plain => read_full(&self.file, buffer, offset),
            Text::Packed(unpacked) => unpacked.read_at(buffer, offset),
        }
    }

    /// Why unpacking ended before the file did.
    pub fn damage(&self) -> Option<&str> {
        match &self.text {
            Text::Plain => None,
            Text::Packed(unpacked) => unpacked.damage.as_deref(),
        }
    }

    /// The first line without its terminator, cut at 1 KiB, and whether that is all there will be of it.
    pub fn first_line(&mut self) -> io::Result<FirstLine> {
        let mut buffer = [0; FIRST_LINE_BYTES + 2];
        let count = self.read_at(&mut buffer, 0)?;
        if let Text::Packed(unpacked) = &mut self.text {
            // Hundreds of packed files may be looked into long before the first of them has its turn.
            unpacked.rest();
        }
        Ok(FirstLine::of(&buffer[..count]))
    }
}

/// The beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstLine {
    /// The line without terminator, at most 1 KiB of it.
    pub bytes: Vec<u8>,
    /// The line has ended, or is longer than what counts.
    pub complete: bool,
}

impl FirstLine {
    /// Of a text that begins so; more than [`FIRST_LINE_BYTES`] and a terminator need not be there.
    pub(super) fn of(beginning: &[u8]) -> Self {
        let beginning = &beginning[..beginning.len().min(FIRST_LINE_BYTES + 2)];
        let (line, ended) = match memchr::memchr(b'\n', beginning) {
            Some(end) => (crate::line::without_carriage_return(&beginning[..end]), true),
            None => (beginning, beginning.len() > FIRST_LINE_BYTES),
        };
        Self { bytes: line[..line.len().min(FIRST_LINE_BYTES)].to_vec(), complete: ended }
    }

    /// XXH3-64 over the bytes.
    pub fn hash(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.bytes)
    }
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Text of a packed file, with the last stretch of it kept so that an unfinished line can be read again.
struct Unpacked {
    /// Shared, not duplicated: a packed file takes one descriptor like any other.
    file: Arc<File>,
    compression: Compression,
    decoder: Option<Box<dyn Read + Send>>,
    window: Vec<u8>,
    window_start: u64,
    ended: bool,
    damage: Option<String>,
}

impl Unpacked {
    /// Most text unpacked at once.
    const STEP: usize = 64 * 1024;

    fn new(file: Arc<File>, compression: Compression) -> Self {
        Self {
            file,
            compression,
            decoder: None,
            window: Vec::new(),
            window_start: 0,
            ended: false,
            damage: None,
        }
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.decoder.is_none() || offset < self.window_start {
            self.rewind()?;
        }
        let wanted_end = offset + buffer.len() as u64;
        while self.window_end() < wanted_end && !self.ended {
            self.forget_before(offset);
            self.unpack_step()?;
        }
        if self.ended {
            self.forget_before(offset);
            self.window.shrink_to_fit();
        }
        let Some(from) = offset.checked_sub(self.window_start) else { return Ok(0) };
        let available = self.window.get(from as usize..).unwrap_or_default();
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        Ok(count)
    }

    fn window_end(&self) -> u64 {
        self.window_start + self.window.len() as u64
    }

    /// Gives the memory back; the next read unpacks from the beginning.
    fn rest(&mut self) {
        self.decoder = None;
        self.window = Vec::new();
        self.window_start = 0;
        self.ended = false;
    }

    fn rewind(&mut self) -> io::Result<()> {
        let reader = BufReader::with_capacity(16 * 1024, AtOffset { file: self.file.clone(), offset: 0 });
        self.decoder = Some(match self.compression {
            Compression::Zstd => Box::new(ZstdFrames { input: Some(reader), frame: None }),
            _ => Box::new(MultiGzDecoder::new(reader)),
        });
        self.window.clear();
        self.window_start = 0;
        self.ended = false;
        self.damage = None;
        Ok(())
    }

    fn forget_before(&mut self, offset: u64) {
        let known = offset.saturating_sub(self.window_start).min(self.window.len() as u64);
        self.window.drain(..known as usize);
        self.window_start += known;
    }

    fn unpack_step(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let before = self.window.len();
        self.window.resize(before + Self::STEP, 0);
        let outcome = decoder.read(&mut self.window[before..]);
        self.window.truncate(before + *outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(0) => self.end(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_of_the_system(&error) => {
                // What the decoder had taken is lost to it: the next read unpacks from the beginning.
                self.decoder = None;
                return Err(error);
            }
            Err(error) => self.end(Some(error.to_string())),
        }
        Ok(())
    }

    /// The text ends here; the memory of the decoder is given back.
    fn end(&mut self, damage: Option<String>) {
        self.ended = true;
        self.damage = damage;
        self.decoder = Some(Box::new(io::empty()));
    }
}

/// Whether reading failed, not unpacking.
fn is_of_the_system(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        if code.is_some() {
            return true;
        }
        // An `io::Error` that wraps another hands out that one's source, not the error itself.
        cause = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map_or_else(|| error.source(), |inner| Some(inner as &(dyn std::error::Error + 'static)));
    }
    false
}

/// Reads a file by position, so that several readers can share one open file.
struct AtOffset {
    file: Arc<File>,
    offset: u64,
}

impl Read for AtOffset {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// One zstd frame after the other.
struct ZstdFrames {
    input: Option<BufReader<AtOffset>>,
    frame: Option<Box<StreamingDecoder<BufReader<AtOffset>, ruzstd::decoding::FrameDecoder>>>,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
                self.input = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if std::io::BufRead::fill_buf(&mut input)?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new(input).map_err(io::Error::other)?;
            self.frame = Some(Box::new(frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn text() -> Vec<u8> {
        (0..40_000).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
    }

    fn source_of(bytes: &[u8]) -> (tempfile::TempDir, Source) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let source = Source::open(&path).unwrap();
        (directory, source)
    }

    fn assert_reads_as(source: &mut Source, text: &[u8]) {
        for (offset, len) in [(0, 10), (5, 100_000), (300_000, 5000), (299_000, 2000), (0, 1000)] {
            let mut buffer = vec![0; len];
            let count = source.read_at(&mut buffer, offset).unwrap();
            let expected = &text[offset as usize..text.len().min(offset as usize + len)];
            assert_eq!(&buffer[..count], expected, "at {offset}");
        }
        assert_eq!(source.read_at(&mut [0; 9], text.len() as u64 + 5).unwrap(), 0);
    }

    #[test]
    fn packed_files_read_like_their_text_at_any_offset() {
        let text = text();
        let (half, rest) = text.split_at(text.len() / 2);
        for (packed, kind) in [
            (text.clone(), Compression::Plain),
            ([gzip(half), gzip(rest)].concat(), Compression::Gzip),
            ([zstd(half), zstd(rest)].concat(), Compression::Zstd),
        ] {
            let (_directory, mut source) = source_of(&packed);
            assert_eq!(source.compression(), kind);
            assert_reads_as(&mut source, &text);
            assert_eq!(source.damage(), None);
        }
    }

    // F51
    #[test]
    fn a_cut_file_gives_its_valid_part_and_says_so() {
        let text = text();
        for packed in [gzip(&text), zstd(&text)] {
            let (_directory, mut source) = source_of(&packed[..packed.len() - 20]);
            let mut buffer = vec![0; text.len()];
            let count = source.read_at(&mut buffer, 0).unwrap();
            assert!(text.starts_with(&buffer[..count]));
            assert!(source.damage().is_some());
        }
    }

    #[test]
    fn first_line_ends_at_its_newline_or_at_a_kibibyte() {
        let check = |text: &[u8], bytes: &[u8], complete| {
            assert_eq!(FirstLine::of(text), FirstLine { bytes: bytes.to_vec(), complete });
        };
        check(b"", b"", false);
        check(b"half", b"half", false);
        check(b"one\r\ntwo", b"one", true);
        check(b"\nx", b"", true);
        check(&[b'x'; 1024], &[b'x'; 1024], false);
        check(&[b'x'; 1025], &[b'x'; 1024], true);
    }
}
