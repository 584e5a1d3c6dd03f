//! YAML text as a tree that knows its places.
//!
//! A closed subset of YAML 1.2: one document; mappings with plain text keys, lists, scalars. Anchors, aliases and tags
//! are refused, so the tree is never larger than the text. Scalars stay text here; each key knows what it wants, so
//! `no`, `1e3` and `0644` never change their meaning on the way.

use super::mistake::{Mark, shown};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// Deepest nesting. The deepest key of the reference lies at 6.
const DEPTH_MAX: usize = 32;

/// A piece of the document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) at: Mark,
    /// What it is.
    pub(super) value: Value,
}

/// The three shapes of YAML.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text; `plain` where it stands without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written, keys unique.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key begins.
    pub(super) at: Mark,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// `null`, `~` or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The shape in words.
    pub(super) fn shape(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// What is wrong with the text as YAML: place, finding, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Mark,
    pub(super) found: String,
    pub(super) remedy: String,
}

/// A tree, as far as it could be read, and all faults on the way. `None` for an empty document and after a fault that
/// leaves no meaning to the rest.
pub(super) fn parse(text: &str) -> (Option<Node>, Vec<Fault>) {
    let mut tree = Tree { open: Vec::new(), root: None, faults: Vec::new() };
    let mut parser = Parser::new_from_str(text);
    if let Err(fault) = tree.read(&mut parser, text) {
        tree.faults.push(fault);
        tree.root = None;
    }
    (tree.root, tree.faults)
}

/// A mapping or list whose end has not come yet.
enum Open {
    List(Mark, Vec<Node>),
    Map { at: Mark, entries: Vec<Entry>, key: Option<(String, Mark)> },
}

struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    faults: Vec<Fault>,
}

impl Tree {
    fn read(&mut self, parser: &mut Parser<'_, StrInput<'_>>, text: &str) -> Result<(), Fault> {
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| syntax(&error, text))?;
            let at = mark(&span);
            match event {
                Event::DocumentStart(_) if documents > 0 => {
                    return Err(fault(at, "a second YAML document begins here", "keep one document a file"));
                }
                Event::DocumentStart(_) => documents += 1,
                Event::Alias(_) => return Err(aliases(at)),
                Event::Scalar(text, style, anchor, tag) => {
                    plain_only(at, anchor, tag.is_some())?;
                    self.scalar(at, text.into_owned(), style == ScalarStyle::Plain)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    plain_only(at, anchor, tag.is_some())?;
                    self.enter(at, Open::List(at, Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    plain_only(at, anchor, tag.is_some())?;
                    self.enter(at, Open::Map { at, entries: Vec::new(), key: None })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.leave(),
                Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn scalar(&mut self, at: Mark, text: String, plain: bool) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(Open::Map { key: key @ None, .. }) => *key = Some((text, at)),
            _ => self.place(Node { at, value: Value::Scalar { text, plain } }),
        }
        Ok(())
    }

    fn enter(&mut self, at: Mark, open: Open) -> Result<(), Fault> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err(fault(
                at,
                "a key that is a list or a mapping",
                "write keys as plain text; quote a value that starts with `{` or `[`",
            ));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(too_deep(at));
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self) {
        let node = match self.open.pop() {
            Some(Open::List(at, nodes)) => Node { at, value: Value::List(nodes) },
            Some(Open::Map { at, entries, .. }) => Node { at, value: Value::Map(entries) },
            None => return,
        };
        self.place(node);
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let Some((key, at)) = key.take() else { return };
                match entries.iter().find(|entry| entry.key == key) {
                    None => entries.push(Entry { key, at, value: node }),
                    Some(first) => self.faults.push(Fault {
                        at,
                        found: format!(
                            "the key {} stands twice, first in line {}",
                            shown(&key),
                            first.at.line
                        ),
                        remedy: "keep one of them".into(),
                    }),
                }
            }
        }
    }
}

fn plain_only(at: Mark, anchor: usize, tagged: bool) -> Result<(), Fault> {
    if anchor != 0 {
        return Err(aliases(at));
    }
    if tagged {
        return Err(fault(
            at,
            "YAML tags are not used here",
            "remove the tag; quote a value that starts with `!`",
        ));
    }
    Ok(())
}

fn aliases(at: Mark) -> Fault {
    fault(
        at,
        "YAML anchors and aliases are not used here",
        "write the value out; quote a value that starts with `*` or `&`",
    )
}

fn too_deep(at: Mark) -> Fault {
    fault(at, &format!("nested deeper than {DEPTH_MAX} levels"), "no key of this agent lies that deep")
}

/// The parser's own words hold no values of the file, at most one character.
fn syntax(error: &saphyr_parser::ScanError, text: &str) -> Fault {
    let marker = error.marker();
    let at = Mark { line: marker.line().max(1), column: marker.col() + 1 };
    if let Some(tab) = indenting_tab(text, at.line) {
        return fault(tab, "not YAML: a tab in the indentation", "indent with spaces");
    }
    if error.info().contains("recursion limit") {
        return too_deep(at);
    }
    let remedy = match error.info() {
        info if info.contains("unexpected character") => "quote the value",
        _ => {
            "check here and in the line before: indentation, a space behind each `:`, quotes around text with `{`, `[`, `#` or `${`"
        }
    };
    Fault {
        at,
        found: format!("not YAML: {}", crate::telemetry::escaped(error.info())),
        remedy: remedy.into(),
    }
}

/// The first tab that indents one of the three lines from the parser's place on: it stops behind the last sound token.
fn indenting_tab(text: &str, line: usize) -> Option<Mark> {
    let near = text.lines().enumerate().skip(line - 1).take(3);
    near.filter_map(|(number, content)| {
        let blanks = content.find(|character| character != ' ' && character != '\t')?;
        let column = content[..blanks].find('\t')? + 1;
        Some(Mark { line: number + 1, column })
    })
    .next()
}

fn mark(span: &Span) -> Mark {
    Mark { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn fault(at: Mark, found: &str, remedy: &str) -> Fault {
    Fault { at, found: found.into(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(text: &str) -> (usize, usize, String) {
        let (_, faults) = parse(text);
        let fault = faults.into_iter().next().expect("a fault");
        (fault.at.line, fault.at.column, format!("{}; {}", fault.found, fault.remedy))
    }

    // C03, C04
    #[test]
    fn faults_name_line_and_column() {
        let check = |text: &str, line, column, words: &str| {
            let (found_line, found_column, message) = first_fault(text);
            assert_eq!((found_line, found_column), (line, column), "{text:?}: {message}");
            assert!(message.contains(words), "{text:?}: {message}");
        };
        check("a: 1\nb: 2\na: 3\n", 3, 1, "twice, first in line 1");
        check("a:\n  b: 1\n\tc: 2\n", 3, 1, "indent with spaces");
        check("a: &x 1\nb: *x\n", 1, 4, "anchors");
        check("a: !!str 1\n", 1, 4, "tags");
        check("a: 1\n---\nb: 1\n", 2, 1, "second YAML document");
        check("? [a]\n: b\n", 1, 3, "keys as plain text");
        check("a: @b\n", 1, 4, "quote the value");
    }

    // C04
    #[test]
    fn indentation_errors_are_faults() {
        for text in ["a:\n  b: 1\n c: 2\n", "a: b: c\n", "a: [1, 2\n", "a: \"x\n", "- 1\nb: 2\n"] {
            let (root, faults) = parse(text);
            assert!(root.is_none() && faults.len() == 1, "{text:?}");
        }
    }

    // C19
    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            let message = first_fault(&text).2;
            assert!(message.contains("nested deeper"), "{message}");
        }
    }

    // C20
    #[test]
    fn scalars_stay_text() {
        let (root, faults) = parse("a: no\nb: 1e3\nc: 0644\nd: 2024-01-01\ne: ~\nf: '~'\n");
        assert_eq!(faults, []);
        let Value::Map(entries) = root.expect("a tree").value else { panic!("a mapping") };
        let texts: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.value.value {
                Value::Scalar { text, .. } => (text.as_str(), entry.value.is_null()),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            ("no", false),
            ("1e3", false),
            ("0644", false),
            ("2024-01-01", false),
            ("~", true),
            ("~", false),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_empty_text_has_no_tree() {
        for text in ["", "\n\n", "# only a comment\n", "---\n"] {
            let (root, faults) = parse(text);
            assert!(root.is_none_or(|root| root.is_null()), "{text:?}");
            assert_eq!(faults, []);
        }
    }
}
