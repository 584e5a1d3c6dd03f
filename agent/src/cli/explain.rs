//! `explain`: what each line becomes and why.

use super::{Exit, printed};
use crate::config::{FieldValue, Input, ReadFrom, host_name, shown};
use crate::event::{
    Environment, Explanation, FileMemory, Line, LineEnd, Mapper, Stream, explain as explain_line,
};
use crate::file::source::Source;
use crate::line::without_carriage_return;
use crate::telemetry::escaped;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Longest line, as in a configuration that says nothing.
const MAX_LINE: usize = 1 << 20;

/// What is read at once from a file.
const CHUNK: usize = 64 * 1024;

pub(super) fn explain(path: &Path, format: Option<String>, advice: bool) -> Exit {
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
    let mut telling = if advice { Telling::Advice(Advice::default()) } else { Telling::Lines };
    let result = lines(text, path, &mut stream, &mut telling, &mut out)
        .and_then(|()| telling.end(&mut out))
        .and_then(|()| out.flush());
    printed(result, Exit::Done)
}

fn input(format: Option<String>) -> Input {
    Input {
        source: crate::config::Source::Stdin,
        id: None,
        paths: Vec::new(),
        exclude: Vec::new(),
        format,
        read_from: ReadFrom::Beginning,
        max_line: MAX_LINE,
        timezone: jiff::tz::TimeZone::UTC,
        fields: Vec::<(String, FieldValue)>::new(),
        dataset: "app".into(),
        container: crate::line::Container::None,
        multiline: None,
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

/// What is told of the lines.
enum Telling {
    /// Each one's way.
    Lines,
    /// What to change, once for all lines.
    Advice(Advice),
}

/// Most different pieces of advice; a file that needs more needs these first.
const MAX_ADVICE: usize = 40;

/// Pieces of advice in the order they came up.
#[derive(Default)]
struct Advice {
    lines: u64,
    pieces: Vec<Piece>,
}

struct Piece {
    text: String,
    first_line: u64,
    lines: u64,
}

impl Telling {
    fn tell(&mut self, number: u64, line: &Explanation, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Lines => write_explanation(out, number, &line.to_string()),
            Self::Advice(advice) => {
                advice.lines += 1;
                line.advice().into_iter().for_each(|text| advice.add(number, text));
                Ok(())
            }
        }
    }

    fn end(&self, out: &mut impl Write) -> io::Result<()> {
        let Self::Advice(advice) = self else { return Ok(()) };
        for Piece { text, first_line, lines } in &advice.pieces {
            writeln!(out, "{lines} of {} lines, first line {first_line}", advice.lines)?;
            writeln!(out, "  {}", escaped(text))?;
        }
        if advice.pieces.is_empty() {
            writeln!(out, "{} lines, nothing to change", advice.lines)?;
        }
        Ok(())
    }
}

impl Advice {
    fn add(&mut self, number: u64, text: String) {
        if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.text == text) {
            piece.lines += 1;
        } else if self.pieces.len() < MAX_ADVICE {
            self.pieces.push(Piece { text, first_line: number, lines: 1 });
        }
    }
}

fn lines(
    text: Box<dyn Read>,
    path: &Path,
    stream: &mut Stream,
    telling: &mut Telling,
    out: &mut impl Write,
) -> io::Result<()> {
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
            let explanation = explain_line(&mut mapper, &line, stream, &file);
            telling.tell(number, &explanation, out)?;
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
