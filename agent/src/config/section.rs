//! Reading the tree: typed values with their places; mistakes are collected, never thrown.

use super::document::{Node, Value};
use super::expand::{self, ExpandError};
use super::key::{Key, Kind, nearest};
use super::mistake::{Mark, Mistake, Place, shown};
use super::unit;
use super::{Environment, login};
use crate::config::Secret;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What all sections share: where paths begin, the environment, and what was found wrong so far.
pub(super) struct Walk<'a> {
    /// The file, as named on the command line.
    pub(super) file: &'a Path,
    /// Absolute directory that relative paths begin at.
    pub(super) base: &'a Path,
    /// The environment.
    pub(super) environment: &'a Environment<'a>,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a Path, base: &'a Path, environment: &'a Environment<'a>) -> Self {
        Self { file, base, environment, mistakes: RefCell::default(), warnings: RefCell::default() }
    }

    /// Notes a mistake.
    pub(super) fn mistake(&self, at: Mark, key: &str, found: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.borrow_mut().push(self.note(at, key, found.into(), remedy.into()));
    }

    /// Notes something unwise.
    pub(super) fn warn(&self, at: Mark, key: &str, found: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.borrow_mut().push(self.note(at, key, found.into(), remedy.into()));
    }

    fn note(&self, at: Mark, key: &str, found: String, remedy: String) -> Mistake {
        Mistake { place: Place::File(self.file.to_path_buf(), Some(at)), key: key.to_owned(), found, remedy }
    }

    /// Mistakes and warnings, in the order of the file.
    pub(super) fn finish(self) -> (Vec<Mistake>, Vec<Mistake>) {
        let by_place = |mistake: &Mistake| match mistake.place {
            Place::File(_, mark) => mark,
            _ => None,
        };
        let mut mistakes = self.mistakes.into_inner();
        let mut warnings = self.warnings.into_inner();
        mistakes.sort_by_key(by_place);
        warnings.sort_by_key(by_place);
        (mistakes, warnings)
    }
}

/// A mapping whose keys are a table.
pub(super) struct Section<'a> {
    pub(super) walk: &'a Walk<'a>,
    /// Dotted key of the section, empty for the whole file.
    pub(super) path: String,
    /// Where it begins.
    pub(super) at: Mark,
    table: &'static [Key],
    values: Vec<Field<'a>>,
}

/// One value with its key and place.
#[derive(Clone)]
pub(super) struct Field<'a> {
    walk: &'a Walk<'a>,
    /// Full dotted key.
    pub(super) path: String,
    /// Name within the section.
    pub(super) name: &'a str,
    /// Where the value begins.
    pub(super) at: Mark,
    pub(super) node: &'a Node,
}

impl<'a> Section<'a> {
    /// Reads a mapping; keys the table does not know and keys that come later are mistakes.
    pub(super) fn open(walk: &'a Walk<'a>, path: &str, node: &'a Node, table: &'static [Key]) -> Self {
        let mut section = Self { walk, path: path.to_owned(), at: node.at, table, values: Vec::new() };
        let Value::Map(entries) = &node.value else {
            if !node.is_null() {
                let names: Vec<_> = table.iter().take(3).map(|key| key.name).collect();
                let remedy = format!("write keys below it, such as `{}: …`", names.first().unwrap_or(&"key"));
                walk.mistake(node.at, path, format!("expected a mapping, found {}", node.shape()), remedy);
            }
            return section;
        };
        for entry in entries {
            let full = join(path, &entry.key);
            let Some(key) = table.iter().find(|key| key.name == entry.key) else {
                section.unknown(entry.at, &entry.key);
                continue;
            };
            let field = Field { walk, path: full, name: &entry.key, at: entry.value.at, node: &entry.value };
            match key.kind {
                Kind::Later { off } => field.refuse_later(off),
                _ => section.values.push(field),
            }
        }
        section
    }

    fn unknown(&self, at: Mark, name: &str) {
        let remedy = match nearest(name, self.table.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let names: Vec<_> = self.table.iter().map(|key| key.name).collect();
                format!("known here: {}", names.join(", "))
            }
        };
        self.walk.mistake(at, &self.path, format!("unknown key {}", shown(name)), remedy);
    }

    /// The value of a key, if it is given.
    pub(super) fn field(&self, name: &str) -> Option<&Field<'a>> {
        debug_assert!(self.table.iter().any(|key| key.name == name), "`{name}` is in the table");
        self.values.iter().find(|field| field.name == name)
    }

    /// Whether the key is given with a value other than null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| !field.node.is_null())
    }

    /// A key whose null means the same as its absence.
    pub(super) fn not_null(&self, name: &str) -> Option<&Field<'a>> {
        self.field(name).filter(|field| !field.node.is_null())
    }

    /// Full dotted key of a name.
    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Notes that a required key is missing.
    pub(super) fn missing(&self, name: &str, remedy: &str) {
        self.walk.mistake(self.at, &self.path_of(name), "is missing", remedy);
    }

    fn kind(&self, name: &str) -> &'static Kind {
        let key = self.table.iter().find(|key| key.name == name);
        &key.expect("sections ask for keys of their own table").kind
    }

    /// A section below; an absent one is empty.
    pub(super) fn section(&self, name: &str) -> Section<'a> {
        let Kind::Section(table) = self.kind(name) else {
            unreachable!("`{name}` is a section in the table")
        };
        match self.field(name) {
            Some(field) => Section::open(self.walk, &field.path, field.node, table),
            None => {
                Section { walk: self.walk, path: self.path_of(name), at: self.at, table, values: Vec::new() }
            }
        }
    }

    /// A list of sections below.
    pub(super) fn sections(&self, name: &str) -> Vec<Section<'a>> {
        let Kind::Sections(table) = self.kind(name) else { unreachable!("`{name}` is a list in the table") };
        let items = self.field(name).map(|field| field.items("- ")).unwrap_or_default();
        items.iter().map(|item| Section::open(self.walk, &item.path, item.node, table)).collect()
    }

    /// Bytes; the default where the key is absent or wrong.
    pub(super) fn size(&self, name: &str) -> u64 {
        let Kind::Size { default, min, max } = self.kind(name) else { unreachable!("`{name}` is a size") };
        let known = |text| unit::size(text).expect("the tables hold valid sizes");
        let given = self.field(name).and_then(|field| {
            let text = field.text()?;
            let hint = format!("write a whole number with B, KiB, MiB, GiB, KB, MB or GB, such as {default}");
            let value = field.parsed(unit::size(&text), &text, "size", &hint)?;
            field.within(value, &text, (known(min), known(max)), (min, max))
        });
        given.unwrap_or_else(|| known(default))
    }

    /// A duration; the default where the key is absent or wrong.
    pub(super) fn duration(&self, name: &str) -> Duration {
        let Kind::Duration { default, min, max } = self.kind(name) else {
            unreachable!("`{name}` is a duration")
        };
        let known = |text| unit::duration(text).expect("the tables hold valid durations");
        let given = self.field(name).and_then(|field| {
            let text = field.text()?;
            let hint = format!("write a whole number with ms, s, m, h or d, such as {default}");
            let value = field.parsed(unit::duration(&text), &text, "duration", &hint)?;
            field.within(value, &text, (known(min), known(max)), (min, max))
        });
        given.unwrap_or_else(|| known(default))
    }

    /// A whole number; the default where the key is absent or wrong.
    pub(super) fn integer(&self, name: &str) -> u64 {
        let Kind::Integer { default, min, max } = self.kind(name) else {
            unreachable!("`{name}` is a number")
        };
        let given = self.field(name).and_then(|field| {
            let text = field.text()?;
            let Ok(value) = text.trim().parse::<u64>() else {
                let found = format!("{} is not a whole number", shown(&text));
                field.mistake(found, format!("write digits only, {min} to {max}"));
                return None;
            };
            field.within(value, &text, (*min, *max), (min, max))
        });
        given.unwrap_or(*default)
    }

    /// `true` or `false`; the default where the key is absent or wrong.
    pub(super) fn bool(&self, name: &str) -> bool {
        let Kind::Bool { default } = self.kind(name) else { unreachable!("`{name}` is a boolean") };
        let given = self.field(name).and_then(|field| match field.text()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                field.mistake(
                    format!("{} is neither `true` nor `false`", shown(other)),
                    "write `true` or `false`",
                );
                None
            }
        });
        given.unwrap_or(*default)
    }

    /// One of the words of the table; the default where the key is absent or wrong.
    pub(super) fn choice(&self, name: &str) -> &'static str {
        let Kind::Choice { default, values, later } = self.kind(name) else {
            unreachable!("`{name}` is a choice")
        };
        let given = self.field(name).and_then(|field| {
            let text = field.text()?;
            if let Some(value) = values.iter().find(|value| **value == text) {
                return Some(*value);
            }
            if later.contains(&text.as_str()) {
                field.mistake(format!("`{text}` comes later"), format!("use one of: {}", values.join(", ")));
                return None;
            }
            let all = values.iter().chain(later.iter()).copied();
            let remedy = match nearest(&text, all) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of: {}", values.join(", ")),
            };
            field.mistake(format!("unknown value {}", shown(&text)), remedy);
            None
        });
        given.unwrap_or(default)
    }

    /// Text, where the key is given and right.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        debug_assert!(matches!(self.kind(name), Kind::Text { .. }));
        self.field(name).and_then(Field::text)
    }

    /// A secret, where the key is given and right.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        debug_assert!(matches!(self.kind(name), Kind::Secret));
        self.field(name).and_then(login::secret)
    }
}

impl<'a> Field<'a> {
    /// Notes a mistake at this value.
    pub(super) fn mistake(&self, found: impl Into<String>, remedy: impl Into<String>) {
        self.walk.mistake(self.at, &self.path, found, remedy);
    }

    /// Notes something unwise about this value.
    pub(super) fn warn(&self, found: impl Into<String>, remedy: impl Into<String>) {
        self.walk.warn(self.at, &self.path, found, remedy);
    }

    /// What all sections share.
    pub(super) fn walk(&self) -> &'a Walk<'a> {
        self.walk
    }

    /// The scalar as text with its references expanded. Quoted or not makes no difference, except for null.
    pub(super) fn text(&self) -> Option<String> {
        self.expanded().map(|(text, _)| text)
    }

    /// As [`Self::text`], and whether a variable took part.
    pub(super) fn expanded(&self) -> Option<(String, bool)> {
        let Value::Scalar { text, .. } = &self.node.value else {
            let found = format!("expected a single value, found {}", self.node.shape());
            self.mistake(found, "write one value behind the `:`");
            return None;
        };
        if self.node.is_null() {
            self.mistake(
                "has no value",
                "give it one or remove the key; quote the text `null` or `~` if you mean it",
            );
            return None;
        }
        match expand::expand(text, self.walk.environment.lookup()) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                self.mistake(error.to_string(), expand_remedy(&error));
                None
            }
        }
    }

    /// The items of a list.
    pub(super) fn items(&self, example: &str) -> Vec<Field<'a>> {
        let Value::List(nodes) = &self.node.value else {
            let found = format!("expected a list, found {}", self.node.shape());
            self.mistake(
                found,
                format!("write each item in a line of its own behind `{example}`, or `[a, b]`"),
            );
            return Vec::new();
        };
        nodes
            .iter()
            .enumerate()
            .map(|(position, node)| Field {
                walk: self.walk,
                path: format!("{}[{position}]", self.path),
                name: self.name,
                at: node.at,
                node,
            })
            .collect()
    }

    /// A value of a mapping below this one.
    pub(super) fn below(&self, name: &'a str, node: &'a Node) -> Field<'a> {
        Field { walk: self.walk, path: join(&self.path, name), name, at: node.at, node }
    }

    fn refuse_later(&self, off: Option<&str>) {
        let given = match &self.node.value {
            Value::Scalar { text, .. } => Some(text.as_str()),
            Value::List(nodes) if nodes.is_empty() => Some("[]"),
            _ => None,
        };
        if given.is_none() || given != off {
            self.mistake("comes later", "remove the key; this version does not have it yet");
        }
    }

    fn parsed<T>(&self, parsed: Result<T, unit::UnitError>, text: &str, noun: &str, hint: &str) -> Option<T> {
        parsed
            .map_err(|error| self.mistake(format!("{} is not a {noun}: it {error}", shown(text)), hint))
            .ok()
    }

    fn within<T: PartialOrd>(
        &self,
        value: T,
        text: &str,
        (min, max): (T, T),
        words: (impl std::fmt::Display, impl std::fmt::Display),
    ) -> Option<T> {
        if value < min || value > max {
            let side = if value < min { "too small" } else { "too large" };
            let remedy = format!("choose a value from {} to {}", words.0, words.1);
            self.mistake(format!("{} is {side}", shown(text)), remedy);
            return None;
        }
        Some(value)
    }

    /// An absolute path; relative ones begin at the configuration file's directory.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let text = self.text()?;
        if text.is_empty() || text.contains('\0') {
            self.mistake("is not a path", "write the path of a file or directory");
            return None;
        }
        if text.starts_with("~/") {
            self.mistake("`~` is not expanded", "write the whole path, or `${HOME}/…`");
            return None;
        }
        Some(super::path::absolute(self.walk.base, Path::new(&text)))
    }
}

fn join(path: &str, name: &str) -> String {
    let plain = name.len() <= 64
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "_.-@".contains(character));
    let name = if plain { name.to_owned() } else { shown(name) };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn expand_remedy(error: &ExpandError) -> &'static str {
    match error {
        ExpandError::Unset(_) => "set it, or give a default: `${NAME:-default}`",
        ExpandError::NotText(_) => "set it to UTF-8 text",
        ExpandError::NotClosed | ExpandError::BadName => {
            "write `${NAME}` or `${NAME:-default}`; a literal `${` is written `$${`"
        }
    }
}
