//! The order of a document: fields of one object stand together and nest.

use super::document::{PADDING, append};
use super::targets::{FIELDS, Field};
use std::sync::LazyLock;

/// Deepest object a field lies in.
const MAX_GROUPS: usize = 4;

/// The place of a field in the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rank(pub(super) u16);

/// One field in the order of the document.
#[derive(Debug)]
pub(super) struct Entry {
    #[cfg(test)]
    field: Field,
    /// Numbers of the objects the field lies in, 16 bits each, the outermost lowest.
    groups: u64,
    depth: u8,
    /// What opens the field when the given number of its objects are open already: `"a":{"b":{"c":`, `"b":{"c":`, `"c":`.
    opens: [Opening; MAX_GROUPS + 1],
}

/// A text with its length, padded for [`append`].
#[derive(Debug)]
struct Opening {
    padded: Box<[u8]>,
    len: u8,
}

/// Order of all fields, and the way from one to the next.
#[derive(Debug)]
pub(super) struct Layout {
    entries: Vec<Entry>,
    ranks: Vec<Rank>,
}

static LAYOUT: LazyLock<Layout> = LazyLock::new(Layout::build);

/// The layout.
pub(super) fn layout() -> &'static Layout {
    &LAYOUT
}

impl Layout {
    fn build() -> Self {
        let mut order: Vec<Field> = Vec::with_capacity(FIELDS);
        collect("", &mut order);
        let mut prefixes: Vec<&str> = Vec::new();
        let entries: Vec<_> = order.iter().map(|field| entry(*field, &mut prefixes)).collect();
        let mut ranks = vec![Rank(0); FIELDS];
        for (rank, field) in order.iter().enumerate() {
            ranks[usize::from(field.0)] = Rank(rank as u16);
        }
        Self { entries, ranks }
    }

    #[inline]
    pub(super) fn rank(&self, field: impl Into<Field>) -> Rank {
        self.ranks[usize::from(field.into().0)]
    }

    #[inline]
    pub(super) fn entry(&self, rank: Rank) -> &Entry {
        &self.entries[usize::from(rank.0)]
    }
}

impl Entry {
    /// How many objects the fields share.
    #[inline]
    fn shared_with(&self, before: &Entry) -> usize {
        let same = ((self.groups ^ before.groups).trailing_zeros() / 16) as usize;
        same.min(self.depth.into()).min(before.depth.into())
    }
}

/// Writes the names of fields, which come in the order of the layout, and the objects around them.
#[derive(Debug, Default)]
pub(super) struct Nesting<'a> {
    before: Option<&'a Entry>,
}

/// Ends of objects and the comma behind them, padded for [`append`].
const ENDS: &[u8; MAX_GROUPS + 33] = b"}}}},                                ";

impl<'a> Nesting<'a> {
    /// Closes the objects the field is not in, opens its own, and writes its name.
    #[inline]
    pub(super) fn field(&mut self, entry: &'a Entry, out: &mut Vec<u8>) {
        let shared = match self.before {
            None => 0,
            Some(before) => {
                let shared = entry.shared_with(before);
                let ended = usize::from(before.depth) - shared;
                append(ENDS, MAX_GROUPS - ended..MAX_GROUPS + 1, out);
                shared
            }
        };
        let opening = &entry.opens[shared];
        append(&opening.padded, 0..usize::from(opening.len), out);
        self.before = Some(entry);
    }

    /// Closes all objects that are open.
    pub(super) fn end(self, out: &mut Vec<u8>) {
        let open = self.before.map_or(0, |entry| usize::from(entry.depth));
        out.extend_from_slice(&ENDS[MAX_GROUPS - open..MAX_GROUPS]);
    }
}

/// Appends the fields under `prefix`; objects come where their first field comes.
fn collect(prefix: &str, order: &mut Vec<Field>) {
    let mut seen: Vec<&str> = Vec::new();
    for field in Field::all() {
        let Some(rest) = field.path().strip_prefix(prefix) else { continue };
        match rest.split_once('.') {
            None => order.push(field),
            Some((object, _)) if !seen.contains(&object) => {
                seen.push(object);
                collect(&format!("{prefix}{object}."), order);
            }
            Some(_) => {}
        }
    }
}

fn entry(field: Field, prefixes: &mut Vec<&'static str>) -> Entry {
    let path = field.path();
    let dots: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    assert!(dots.len() <= MAX_GROUPS, "{path} lies deeper than {MAX_GROUPS} objects");
    let mut groups = 0;
    for (level, dot) in dots.iter().enumerate() {
        let prefix = &path[..*dot];
        let known = prefixes.iter().position(|other| *other == prefix);
        let number = known.unwrap_or_else(|| {
            prefixes.push(prefix);
            prefixes.len() - 1
        });
        groups |= (number as u64 + 1) << (16 * level);
    }
    let names: Vec<_> = path.split('.').collect();
    let opens = std::array::from_fn(|shared| {
        let mut open = String::new();
        for (level, name) in names.iter().enumerate().skip(shared) {
            open += &format!("\"{name}\":{}", if level + 1 < names.len() { "{" } else { "" });
        }
        let len = u8::try_from(open.len()).expect("field names are short");
        open += std::str::from_utf8(&PADDING).expect("blanks are text");
        Opening { padded: open.into_bytes().into(), len }
    });
    Entry {
        #[cfg(test)]
        field,
        groups,
        depth: dots.len() as u8,
        opens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_opened_once() {
        let mut closed: Vec<&str> = Vec::new();
        let mut open: Vec<&str> = Vec::new();
        for entry in &layout().entries {
            let path = entry.field.path();
            while let Some(last) = open.last() {
                if path.strip_prefix(last).is_some_and(|rest| rest.starts_with('.')) {
                    break;
                }
                closed.push(open.pop().unwrap());
            }
            for (dot, _) in path.match_indices('.').skip(open.len()) {
                let object = &path[..dot];
                assert!(!closed.contains(&object), "{object} is torn apart at {path}");
                open.push(object);
            }
        }
        assert_eq!(layout().entries.len(), FIELDS);
    }

    #[test]
    fn objects_are_opened_and_closed_as_the_fields_need() {
        let paths = [
            "@timestamp",
            "log.level",
            "log.file.path",
            "log.origin.file.name",
            "log.origin.function",
            "tags",
        ];
        let mut out = Vec::new();
        let mut nesting = Nesting::default();
        for path in paths {
            nesting.field(layout().entry(layout().rank(Field::named(path).unwrap())), &mut out);
            out.push(b'1');
        }
        nesting.end(&mut out);
        let expected = r#""@timestamp":1,"log":{"level":1,"file":{"path":1},"origin":{"file":{"name":1},"function":1}},"tags":1"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
