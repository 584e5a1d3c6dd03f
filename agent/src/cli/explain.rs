//! `explain`: what each line becomes and why.

use super::{Exit, printed};
use crate::config::{FieldValue, Input, ReadFrom, host_name, shown};
use crate::event::{Environment, FileMemory, Line, LineEnd, Mapper, Stream, explain as explain_line};
use crate::file::source::Source;
use crate::line::without_carriage_return;
use crate::telemetry::escaped;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Longest line, as in a configuration that says nothing.
const MAX_LINE: usize = 1 << 20;

/// What is read at once from a file.
const CHUNK: usize = 64 * 1024;

pub(super) fn explain(path: &Path, format: Option<String>) -> Exit {
    let format = format.filter(|format| format != "auto");
    let mut stream = match Stream::new(&input(format), &Environment::from_process(host_name())) {
        Ok(stream) => stream,
        Err(error) => {
            eprintln!("--format: {}", escaped(&error.to_string()));
            return Exit::Usage;
        }
    };
    let text: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        match Source::open(path) {
            Ok(source) => Box::new(Text { source, offset: 0 }),
            Err(error) => {
                eprintln!("{}: cannot be read: {error}", shown(&path.to_string_lossy()));
                return Exit::Usage;
            }
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = lines(text, path, &mut stream, &mut out).and_then(|()| out.flush());
    printed(result, Exit::Done)
}

fn input(format: Option<String>) -> Input {
    Input {
        id: None,
        paths: Vec::new(),
        exclude: Vec::new(),
        format,
        read_from: ReadFrom::Beginning,
        max_line: MAX_LINE,
        timezone: jiff::tz::TimeZone::UTC,
        fields: Vec::<(String, FieldValue)>::new(),
        dataset: "app".into(),
        namespace: "default".into(),
    }
}

/// The text of a file, unpacked where it is packed.
struct Text {
    source: Source,
    offset: u64,
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

fn lines(text: Box<dyn Read>, path: &Path, stream: &mut Stream, out: &mut impl Write) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(CHUNK, text);
    let mut mapper = Mapper::new();
    let file = FileMemory::new(path);
    let (mut number, mut offset) = (0u64, 0u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let consumed = next_line(&mut reader, &mut bytes)?;
        if consumed == 0 {
            return Ok(());
        }
        number += 1;
        let terminated = bytes.last() == Some(&b'\n');
        let content = without_carriage_return(bytes.strip_suffix(b"\n").unwrap_or(&bytes));
        let content =
            if offset == 0 { content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content) } else { content };
        let end = match consumed {
            _ if consumed > bytes.len() as u64 => LineEnd::Cut { original_len: consumed },
            _ if terminated => LineEnd::Terminated,
            _ => LineEnd::Partial,
        };
        if !crate::line::is_blank(content) {
            let line = Line { bytes: content, offset, end, read_at: jiff::Timestamp::now() };
            let told = explain_line(&mut mapper, &line, stream, &file).to_string();
            write_explanation(out, number, &told)?;
        }
        offset += consumed;
    }
}

/// One line of at most [`MAX_LINE`] bytes, its end included; the rest of a longer one is skipped. Returns its length in the
/// text, 0 at the end.
fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<u64> {
    let mut consumed = reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', bytes)? as u64;
    if bytes.len() == MAX_LINE && bytes.last() != Some(&b'\n') {
        consumed += skip_line(reader)?;
    }
    Ok(consumed)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let chunk = reader.fill_buf()?;
        let (count, ended) = match memchr::memchr(b'\n', chunk) {
            Some(place) => (place + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        reader.consume(count);
        skipped += count as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

fn write_explanation(out: &mut impl Write, number: u64, told: &str) -> io::Result<()> {
    writeln!(out, "line {number}")?;
    for part in told.lines() {
        writeln!(out, "  {}", escaped(part))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_next_one_begins_where_it_does() {
        let text = [vec![b'x'; MAX_LINE + 70_000], b"\nnext\n".to_vec(), b"last".to_vec()].concat();
        let mut reader = BufReader::with_capacity(CHUNK, &text[..]);
        let mut next = || {
            let mut bytes = Vec::new();
            let consumed = next_line(&mut reader, &mut bytes).unwrap();
            (consumed, bytes.len())
        };
        assert_eq!(next(), (MAX_LINE as u64 + 70_001, MAX_LINE));
        assert_eq!((next(), next(), next()), ((5, 5), (4, 4), (0, 0)));
    }
}
