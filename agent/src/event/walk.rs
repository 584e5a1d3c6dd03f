//! From the values of a line to the fields of its document.

use super::document::{Bytes, DERIVED, Document, Origin, Path, Piece, Slot, Source};
use super::format::{Choice, Rule, Seen, Table, Tables, To};
use super::identity::Rename;
use super::layout::{Layout, Rank};
use super::scan::{Kind, Node};
use super::targets::{Field, Shape};
use super::text;
use super::{Level, Mapped, SpanPart, Trace, number, time};

/// A member at the top of the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    node: u32,
    /// Its key in the tables.
    number: u16,
    path: Path,
}

/// Where the members of an object belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Under the path of the object.
    Under(Path),
    /// At the top, as if the object were not there.
    Top,
    /// At the top, but `name` is the name of a span and goes to this label.
    Span(&'static [u8]),
}

/// Added to the order of keys that are found deeper: what the line says at its top wins.
const DEEPER: u16 = 1 << 12;

/// Longest path; deeper or longer ones end in the JSON text of their object.
const MAX_PATH: usize = 512;

/// One line on its way into a [`Document`].
pub(super) struct Walk<'a, T> {
    pub(super) bytes: Bytes<'a>,
    pub(super) nodes: &'a [Node],
    pub(super) tables: &'static Tables,
    pub(super) table: &'static Table,
    pub(super) layout: &'static Layout,
    pub(super) document: &'a mut Document,
    pub(super) keys: &'a mut super::leftovers::LeftoverKeys,
    pub(super) renames: &'a [Rename],
    pub(super) zone: &'a jiff::tz::TimeZone,
    pub(super) trace: &'a mut T,
    pub(super) mapped: Mapped,
    pub(super) level: Option<Level>,
    pub(super) part: Option<SpanPart>,
    /// Sum of the parts of a span's duration seen so far.
    pub(super) span_ns: Option<i64>,
    pub(super) has_metric: bool,
}

/// Looks up the keys at the top of the line and picks the format.
pub(super) fn recognise(
    line: &[u8],
    nodes: &[Node],
    tables: &'static Tables,
    choice: Choice,
    document: &mut Document,
    members: &mut Vec<Member>,
) -> &'static Table {
    members.clear();
    let mut seen = Seen::default();
    let mut at = 0;
    while let Some(node) = nodes.get(at) {
        let path = key_path(line, node, document);
        let number = number_of(line, node, path, tables, document);
        let first = line.get(node.range().start + 1).copied().unwrap_or(0);
        tables.see(number, node.kind, first, &mut seen);
        members.push(Member { node: at as u32, number, path });
        at = node.next as usize;
    }
    tables.detect(&seen, choice)
}

/// The number of a node's key, which is `path`.
#[inline]
fn number_of(line: &[u8], node: &Node, path: Path, tables: &Tables, document: &Document) -> u16 {
    if node.key_escaped { tables.number(path_bytes(line, document, path)) } else { node.number }
}

/// The key of a node as a path of its own.
#[inline]
fn key_path(line: &[u8], node: &Node, document: &mut Document) -> Path {
    let key = node.key_range();
    if !node.key_escaped {
        return Path { in_line: true, start: key.start as u32, end: key.end as u32 };
    }
    let start = document.paths.len() as u32;
    text::decode(&line[key], &mut document.paths);
    Path { in_line: false, start, end: document.paths.len() as u32 }
}

#[inline]
pub(super) fn path_bytes<'a>(line: &'a [u8], document: &'a Document, path: Path) -> &'a [u8] {
    let source = if path.in_line { line } else { &document.paths };
    &source[path.start as usize..path.end as usize]
}

impl<T: Trace> Walk<'_, T> {
    /// Maps all members at the top.
    pub(super) fn top(&mut self, members: &[Member]) {
        for member in members {
            self.member(member.node as usize, member.number, member.path, 0);
        }
    }

    pub(super) fn member(&mut self, at: usize, number: u16, path: Path, added: u16) {
        let node = self.nodes[at];
        if node.kind == Kind::Null {
            return;
        }
        let (number, path) = match self.renamed(path) {
            Some(renamed) => renamed,
            None => (number, path),
        };
        if let Some(rule) = self.rule(number, path)
            && self.apply(rule, at, path, added)
        {
            return;
        }
        self.left_over(path, at);
    }

    /// The key by its new name, where `processors` give it one.
    pub(super) fn renamed(&mut self, path: Path) -> Option<(u16, Path)> {
        let renames = self.renames;
        let rename = renames.iter().find(|rename| *rename.from == *self.path(path))?;
        self.trace.renamed(&rename.from, &rename.to);
        let start = self.document.paths.len() as u32;
        self.document.paths.extend_from_slice(&rename.to);
        let path = Path { in_line: false, start, end: self.document.paths.len() as u32 };
        Some((self.tables.number(&rename.to), path))
    }

    fn rule(&self, number: u16, path: Path) -> Option<Rule> {
        let rule = self.table.rule(number);
        if rule.is_some() || !self.table.spec.any_case {
            return rule;
        }
        let lower = self.path(path).to_ascii_lowercase();
        self.table.rule(self.tables.number(&lower))
    }

    /// Whether the value found its place by `rule`.
    fn apply(&mut self, rule: Rule, at: usize, path: Path, added: u16) -> bool {
        let node = self.nodes[at];
        match (rule.to, node.kind) {
            (Some(To::Inline), Kind::Object) => self.members(at, Scope::Top, added + DEEPER),
            (Some(To::Span), Kind::Object) => self.members(at, Scope::Span(b"span_name"), added + 2 * DEEPER),
            (Some(To::Spans), Kind::Array) => return self.spans(at, added),
            (_, Kind::Object) if rule.prefix => self.members(at, Scope::Under(path), added),
            (Some(to), _) => {
                let origin = Origin { node: at as u32, path };
                let taken = self.convert(to, origin, rule.order + added);
                if taken && to == To::Nothing {
                    self.trace.dropped(path_bytes(self.bytes.line, self.document, path));
                }
                return taken;
            }
            (None, _) => return false,
        }
        true
    }

    fn members(&mut self, object: usize, scope: Scope, added: u16) {
        let end = self.nodes[object].next as usize;
        let mut at = object + 1;
        while at < end {
            let node = self.nodes[at];
            match scope {
                Scope::Span(label)
                    if &self.bytes.line[node.key_range()] == b"name" && node.kind == Kind::Text =>
                {
                    self.label(label, at);
                }
                Scope::Under(path) => match self.join(path, &node) {
                    Some(path) => self.member(at, self.tables.number(self.path(path)), path, added),
                    None => self.left_over(path, at),
                },
                _ => {
                    let path = key_path(self.bytes.line, &node, self.document);
                    let number = number_of(self.bytes.line, &node, path, self.tables, self.document);
                    self.member(at, number, path, added);
                }
            }
            at = node.next as usize;
        }
    }

    /// All spans but the innermost, which the line also gives as `span`, from the inside out. False if the array holds
    /// anything else than objects.
    fn spans(&mut self, array: usize, added: u16) -> bool {
        let end = self.nodes[array].next as usize;
        let mut spans = Vec::new();
        let mut at = array + 1;
        while at < end {
            if self.nodes[at].kind != Kind::Object {
                return false;
            }
            spans.push(at);
            at = self.nodes[at].next as usize;
        }
        let given = spans.iter().rposition(|span| self.is_span_of_line(*span));
        for span in spans.iter().enumerate().rev().filter(|(at, _)| Some(*at) != given).map(|(_, span)| *span)
        {
            self.members(span, Scope::Span(b"parent_span"), added + 3 * DEEPER);
        }
        true
    }

    /// Whether the object stands at the top of the line under `span` too.
    fn is_span_of_line(&self, object: usize) -> bool {
        let value = self.nodes[object].value(self.bytes.line);
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            if &self.bytes.line[node.key_range()] == b"span" {
                return node.value(self.bytes.line) == value;
            }
            at = node.next as usize;
        }
        false
    }

    /// `path.key`, if it is not too long.
    pub(super) fn join(&mut self, path: Path, node: &Node) -> Option<Path> {
        let key = node.key_range();
        if (path.end - path.start) as usize + key.len() >= MAX_PATH {
            return None;
        }
        let start = self.document.paths.len() as u32;
        let Document { paths, .. } = self.document;
        if path.in_line {
            paths.extend_from_slice(&self.bytes.line[path.start as usize..path.end as usize]);
        } else {
            paths.extend_from_within(path.start as usize..path.end as usize);
        }
        paths.push(b'.');
        if node.key_escaped {
            text::decode(&self.bytes.line[key], paths);
        } else {
            paths.extend_from_slice(&self.bytes.line[key]);
        }
        Some(Path { in_line: false, start, end: paths.len() as u32 })
    }

    #[inline]
    pub(super) fn path(&self, path: Path) -> &[u8] {
        path_bytes(self.bytes.line, self.document, path)
    }

    /// The value of a node as it stands in the line.
    #[inline]
    pub(super) fn raw(&self, at: usize) -> &[u8] {
        self.nodes[at].value(self.bytes.line)
    }

    /// The inside of a text, escapes as written. Empty for other kinds.
    #[inline]
    pub(super) fn inner(&self, at: usize) -> &[u8] {
        match self.nodes[at].kind {
            Kind::Text => &self.bytes.line[self.inner_range(at)],
            _ => b"",
        }
    }

    #[inline]
    pub(super) fn inner_range(&self, at: usize) -> std::ops::Range<usize> {
        let range = self.nodes[at].range();
        range.start + 1..range.end - 1
    }

    /// Whether a value of this order would get the field.
    pub(super) fn wins(&self, rank: Rank, order: u16) -> bool {
        self.document.slot(rank).is_none_or(|slot| order < slot.order)
    }

    /// Puts a value into a field. False if the field has a better one already that says something else; what it
    /// displaces becomes a leftover.
    // Inlined wherever it stands: what goes through memory on its way into a slot waits for its own stores.
    #[inline(always)]
    pub(super) fn give(
        &mut self,
        field: impl Into<Field>,
        piece: Piece,
        order: u16,
        origin: Option<Origin>,
    ) -> bool {
        let field = field.into();
        let rank = self.layout.rank(field);
        if let Some(held) = self.document.slot(rank)
            && let Some(given) = self.contest(*held, piece, order)
        {
            return given;
        }
        self.has_metric |= field.is_metric();
        self.document.fill(rank, Slot { piece, order, origin });
        if let Some(origin) = origin {
            self.trace.mapped(path_bytes(self.bytes.line, self.document, origin.path), field.path());
        }
        true
    }

    /// Two values for one field: what becomes of the one that comes now, or `None` if it displaces the one that is held.
    #[cold]
    #[inline(never)]
    fn contest(&mut self, held: Slot, piece: Piece, order: u16) -> Option<bool> {
        let same = self.bytes.of(held.piece, self.document) == self.bytes.of(piece, self.document);
        if held.order <= order {
            return Some(same || order == DERIVED);
        }
        if let (false, Some(origin)) = (same, held.origin) {
            self.left_over(origin.path, origin.node as usize);
        }
        None
    }

    /// Gives a value that the mapper worked out; anything the line says displaces it.
    pub(super) fn derive(&mut self, field: impl Into<Field>, piece: Piece) {
        self.give(field, piece, DERIVED, None);
    }

    /// The value as `shape` asks for it.
    pub(super) fn shaped(&mut self, shape: Shape, at: usize) -> Option<Piece> {
        let node = self.nodes[at];
        let as_written = Some(Piece::new(Source::Line, node.range()));
        match (shape, node.kind) {
            (Shape::Text | Shape::Keyword | Shape::Keywords, Kind::Text) => Some(self.text(at)),
            (Shape::Text, Kind::Array | Kind::Object) => Some(self.json_text(at)),
            (Shape::Text | Shape::Keyword | Shape::Keywords, Kind::Number | Kind::True | Kind::False) => {
                Some(Piece::new(Source::LineInner, node.range()))
            }
            (Shape::Keywords, Kind::Array) if self.all_elements(at, |_, kind| kind == Kind::Text) => {
                Some(self.list(at))
            }
            (Shape::Long, Kind::Number) => as_written.filter(|_| number::whole(self.raw(at)).is_some()),
            (Shape::Long, Kind::Text) => {
                let whole = number::whole(self.inner(at))?;
                Some(self.document.scratch_piece(|out| out.extend_from_slice(whole.to_string().as_bytes())))
            }
            (Shape::Float, Kind::Number) => as_written.filter(|_| number::is_finite(self.raw(at))),
            (Shape::Boolean, Kind::True | Kind::False) => as_written,
            (Shape::Ip | Shape::Ips, Kind::Text) => as_written.filter(|_| is_ip(self.inner(at))),
            (Shape::Ips, Kind::Array) if self.all_elements(at, |inner, _| is_ip(inner)) => {
                Some(self.list(at))
            }
            (Shape::Hex(len), Kind::Text) => as_written.filter(|_| is_hex(self.inner(at), len)),
            (Shape::Date, _) => self.time(at).map(|(piece, _)| piece),
            _ => None,
        }
    }

    /// A text without the debug quotes Rust may have put around it.
    pub(super) fn text(&mut self, at: usize) -> Piece {
        let as_written = Piece::new(Source::Line, self.nodes[at].range());
        if !self.table.spec.debug_texts || !self.inner(at).starts_with(b"\\\"") {
            return as_written;
        }
        let range = self.inner_range(at);
        self.undo_debug(range).unwrap_or(as_written)
    }

    #[cold]
    fn undo_debug(&mut self, range: std::ops::Range<usize>) -> Option<Piece> {
        let mut characters = Vec::with_capacity(range.len());
        text::decode(&self.bytes.line[range], &mut characters);
        let mut meant = Vec::with_capacity(characters.len());
        text::undo_debug(&characters, &mut meant)?;
        Some(self.document.scratch_piece(|out| text::write_quoted(&meant, out)))
    }

    /// The JSON text of a value, as text.
    pub(super) fn json_text(&mut self, at: usize) -> Piece {
        let json = self.nodes[at].value(self.bytes.line);
        self.document.scratch_piece(|out| text::write_quoted(json, out))
    }

    pub(super) fn all_elements(&self, array: usize, holds: impl Fn(&[u8], Kind) -> bool) -> bool {
        let end = self.nodes[array].next as usize;
        let mut at = array + 1;
        while at < end {
            if !holds(self.inner(at), self.nodes[at].kind) {
                return false;
            }
            at = self.nodes[at].next as usize;
        }
        true
    }

    /// A usable time, as JSON.
    pub(super) fn time(&mut self, at: usize) -> Option<(Piece, time::Time)> {
        let node = self.nodes[at];
        let time = match node.kind {
            Kind::Text => time::from_text(self.inner(at), self.zone),
            Kind::Number => time::from_number(self.raw(at)),
            _ => None,
        }?;
        if time.as_written {
            return Some((Piece::new(Source::Line, node.range()), time));
        }
        let piece = self.document.scratch_piece(|out| {
            out.push(b'"');
            time::write(time.unix_ns, out);
            out.push(b'"');
        });
        Some((piece, time))
    }
}

fn is_ip(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

fn is_hex(text: &[u8], len: u8) -> bool {
    // Without early exits, so that it is done many bytes at a time.
    let all_hex = text.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit());
    let any_digit = text.iter().fold(false, |any, byte| any | (*byte != b'0'));
    text.len() == usize::from(len) && all_hex && any_digit
}
