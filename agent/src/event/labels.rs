//! What becomes of values without an ECS name.

use super::document::{Path, Piece, Source};
use super::format::UNKNOWN;
use super::leftovers::{Space, safe_key};
use super::scan::{Kind, Node};
use super::walk::Walk;
use super::{Trace, number, text};

/// Longest text in a label; Lucene refuses documents with keywords beyond 32 766 bytes.
const MAX_TEXT: usize = 8 * 1024;
/// Most entries of `labels.more` in one document, and the longest value of one.
const MAX_MORE: u16 = 64;
const MAX_MORE_VALUE: usize = 256;
/// Deepest object that is taken apart, counted in the objects of its path.
const MAX_OBJECTS: usize = 8;

impl<T: Trace> Walk<'_, T> {
    /// Turns a value into labels, each scalar once.
    pub(super) fn left_over(&mut self, path: Path, at: usize) {
        match self.nodes[at].kind {
            Kind::Null => {}
            Kind::Text => {
                let piece = self.text(at);
                self.add_text(path, piece);
            }
            Kind::True | Kind::False => {
                self.add(Space::Labels, path, Piece::new(Source::Line, self.nodes[at].range()))
            }
            Kind::Number => self.add_number(path, at),
            Kind::Array => self.add_array(path, at),
            Kind::Object => self.add_object(path, at),
        }
    }

    /// A label the mapper itself names, from a value of the line.
    pub(super) fn label(&mut self, name: &[u8], at: usize) {
        let path = self.own_path(name);
        self.left_over(path, at);
    }

    /// A label the mapper itself names, from a text.
    pub(super) fn label_piece(&mut self, name: &[u8], piece: Piece) {
        let path = self.own_path(name);
        self.add_text(path, piece);
    }

    /// A number the mapper itself adds.
    pub(super) fn label_number(&mut self, name: &[u8], value: u64) {
        let path = self.own_path(name);
        let piece = self.document.scratch_piece(|out| number::write(value, out));
        self.add(Space::Numbers, path, piece);
    }

    fn own_path(&mut self, name: &[u8]) -> Path {
        let start = self.document.paths.len() as u32;
        self.document.paths.extend_from_slice(name);
        Path { in_line: false, start, end: self.document.paths.len() as u32 }
    }

    fn add_number(&mut self, path: Path, at: usize) {
        let range = self.nodes[at].range();
        if number::is_finite(self.raw(at)) {
            self.add(Space::Numbers, path, Piece::new(Source::Line, range));
        } else {
            self.add_text(path, Piece::new(Source::LineInner, range));
        }
    }

    fn add_text(&mut self, path: Path, piece: Piece) {
        let bytes = self.bytes.of(piece, self.document);
        if bytes.len() <= MAX_TEXT {
            return self.add(Space::Labels, path, piece);
        }
        self.mapped.cut_values = self.mapped.cut_values.saturating_add(1);
        let inner = if piece.source == Source::LineInner { bytes } else { &bytes[1..bytes.len() - 1] };
        let kept = [b"\"", &inner[..text::cut(inner, MAX_TEXT)], b"\""].concat();
        let piece = self.document.scratch_piece(|out| out.extend_from_slice(&kept));
        self.add(Space::Labels, path, piece);
    }

    /// Arrays of numbers stay numbers, arrays of other scalars become texts; one that holds objects, arrays or huge texts
    /// becomes its JSON text.
    fn add_array(&mut self, path: Path, array: usize) {
        let end = self.nodes[array].next as usize;
        let elements = || self.nodes[array + 1..end].iter().filter(|node| node.kind != Kind::Null);
        if elements().next().is_none() {
            return;
        }
        let line = self.bytes.line;
        if elements()
            .any(|node| matches!(node.kind, Kind::Array | Kind::Object) || node.range().len() > MAX_TEXT)
        {
            let piece = self.json_text(array);
            return self.add_text(path, piece);
        }
        let numbers = elements().all(|node| is_number(node, line));
        let piece = self.list(array);
        self.add(if numbers { Space::Numbers } else { Space::Labels }, path, piece);
    }

    /// An array of scalars without the blanks between them: numbers if there is nothing else, else texts.
    pub(super) fn list(&mut self, array: usize) -> Piece {
        let end = self.nodes[array].next as usize;
        let elements = || self.nodes[array + 1..end].iter().filter(|node| node.kind != Kind::Null);
        let numbers = elements().all(|node| is_number(node, self.bytes.line));
        let mut list = std::mem::take(&mut self.document.list);
        list.push(b'[');
        for node in elements() {
            let quotes: &[u8] = if numbers || node.kind == Kind::Text { b"" } else { b"\"" };
            list.extend_from_slice(if list.len() == 1 { b"" } else { b"," });
            list.extend_from_slice(quotes);
            list.extend_from_slice(node.value(self.bytes.line));
            list.extend_from_slice(quotes);
        }
        list.push(b']');
        let piece = self.document.scratch_piece(|out| out.append(&mut list));
        self.document.list = list;
        piece
    }

    /// Objects are taken apart down to a bound, from there on they become their JSON text.
    fn add_object(&mut self, path: Path, object: usize) {
        let end = self.nodes[object].next as usize;
        let objects = self.path(path).iter().filter(|byte| **byte == b'.').count();
        let mut at = object + 1;
        while at < end {
            let node = self.nodes[at];
            let paths_len = self.document.paths.len();
            match self.join(path, &node).filter(|_| objects < MAX_OBJECTS) {
                Some(path) if self.renames.iter().any(|rename| *rename.from == *self.path(path)) => {
                    self.member(at, UNKNOWN, path, 0);
                }
                Some(path) => {
                    self.left_over(path, at);
                    // Nothing keeps the path of a label, and there may be thousands.
                    self.document.paths.truncate(paths_len);
                }
                None => {
                    let piece = self.json_text(object);
                    return self.add_text(path, piece);
                }
            }
            at = node.next as usize;
        }
    }

    /// Adds one member to `labels` or `numeric_labels`, or one text to `labels.more`.
    fn add(&mut self, space: Space, path: Path, piece: Piece) {
        let name = self.path(path);
        // A line may have an object `labels` itself; its members do not nest twice.
        let prefixes: [&[u8]; 2] = [b"labels.", b"numeric_labels."];
        let cut =
            prefixes.iter().find(|prefix| name.starts_with(prefix)).map_or(0, |prefix| prefix.len() as u32);
        let path = Path { start: path.start + cut, ..path };
        let (line, document) = (self.bytes.line, &mut *self.document);
        let source = if path.in_line { line } else { &document.paths };
        let name = &source[path.start as usize..path.end as usize];
        let Some(number) = self.keys.claim(space, name) else {
            return self.add_more(path, piece);
        };
        let members = if space == Space::Labels { &mut document.labels } else { &mut document.numbers };
        if !members.is_empty() {
            members.push(b',');
        }
        members.extend_from_slice(self.keys.fragment(space, number));
        let quotes: &[u8] = if piece.source == Source::LineInner { b"\"" } else { b"" };
        let value = match piece.source {
            Source::Scratch => &document.scratch[piece.range()],
            Source::Stream => &self.bytes.stream[piece.range()],
            _ => &line[piece.range()],
        };
        members.extend_from_slice(quotes);
        members.extend_from_slice(value);
        members.extend_from_slice(quotes);
        self.trace.left_over(name, || self.keys.field_name(space, number));
    }

    /// The stream knows its limit of keys: the value goes as `key=value` to `labels.more`.
    #[cold]
    fn add_more(&mut self, path: Path, piece: Piece) {
        if self.mapped.more == MAX_MORE {
            self.mapped.dropped = self.mapped.dropped.saturating_add(1);
            let path = self.path(path).to_vec();
            self.trace.dropped(&path);
            return;
        }
        self.mapped.more += 1;
        let key = safe_key(self.path(path));
        let value = self.bytes.of(piece, self.document);
        let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        let is_text = inner.len() < value.len() || piece.source == Source::LineInner;
        let mut text = Vec::with_capacity(key.len() + MAX_MORE_VALUE);
        text.extend_from_slice(&key);
        text.push(b'=');
        if is_text {
            text::decode(inner, &mut text);
        } else {
            text.extend_from_slice(value);
        }
        let mut end = text.len().min(key.len() + 1 + MAX_MORE_VALUE);
        while end < text.len() && text[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        if end < text.len() {
            self.mapped.cut_values = self.mapped.cut_values.saturating_add(1);
        }
        if !self.document.more.is_empty() {
            self.document.more.push(b',');
        }
        text::write_quoted(&text[..end], &mut self.document.more);
        let path = self.path(path).to_vec();
        self.trace.left_over(&path, || "labels.more".to_owned());
    }
}

/// Whether the value is a number that a double can hold.
fn is_number(node: &Node, line: &[u8]) -> bool {
    node.kind == Kind::Number && number::is_finite(node.value(line))
}
