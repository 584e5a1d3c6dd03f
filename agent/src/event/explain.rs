//! Why a line becomes what it becomes, for `blueox explain`.

use super::{FileMemory, Line, Mapped, Mapper, Stream, Trace, format};
use std::fmt;

/// The way of one line, told key by key.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Name of the format.
    pub format: &'static str,
    /// The signature that matched.
    pub signature: &'static str,
    /// Key and the field its value went to, in the order of the line.
    pub mapped: Vec<(String, &'static str)>,
    /// Key and the label its value went to.
    pub left_over: Vec<(String, String)>,
    /// Keys whose values are not in the document.
    pub dropped: Vec<String>,
    /// What became of the line.
    pub outcome: Mapped,
    /// The document, one line of JSON.
    pub document: String,
}

impl Explanation {
    /// What the application's author should change, the most useful first.
    pub fn advice(&self) -> Vec<String> {
        super::advice::advice(self)
    }
}

/// Maps `line` and tells how.
pub fn explain(mapper: &mut Mapper, line: &Line<'_>, stream: &mut Stream, file: &FileMemory) -> Explanation {
    let mut notes = Notes::default();
    let mut document = Vec::new();
    let outcome = mapper.map_traced(line, None, stream, file, &mut document, &mut notes);
    Explanation {
        format: outcome.format.name(),
        signature: format::signature_text(outcome.format),
        mapped: notes.mapped,
        left_over: notes.left_over,
        dropped: notes.dropped,
        outcome,
        document: String::from_utf8_lossy(&document).into_owned(),
    }
}

#[derive(Default)]
struct Notes {
    mapped: Vec<(String, &'static str)>,
    left_over: Vec<(String, String)>,
    dropped: Vec<String>,
}

impl Trace for Notes {
    fn mapped(&mut self, key: &[u8], field: &'static str) {
        // A better key displaces the one noted before.
        self.mapped.retain(|(_, other)| *other != field);
        self.mapped.push((String::from_utf8_lossy(key).into_owned(), field));
    }

    fn left_over(&mut self, key: &[u8], field: impl FnOnce() -> String) {
        self.left_over.push((String::from_utf8_lossy(key).into_owned(), field()));
    }

    fn dropped(&mut self, key: &[u8]) {
        self.dropped.push(String::from_utf8_lossy(key).into_owned());
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "format    {} ({})", self.format, self.signature)?;
        if let Some(refusal) = self.outcome.refusal {
            writeln!(f, "text      because {refusal}")?;
        }
        for (key, field) in &self.mapped {
            writeln!(f, "mapped    {key} → {field}")?;
        }
        for (key, field) in &self.left_over {
            writeln!(f, "label     {key} → {field}")?;
        }
        for key in &self.dropped {
            writeln!(f, "dropped   {key}")?;
        }
        if self.outcome.timestamp.is_none() {
            writeln!(f, "time      none that is usable; @timestamp is the time of reading")?;
        }
        if self.outcome.zone_assumed {
            writeln!(f, "time      without zone; the configured one is taken")?;
        }
        write!(f, "document  {}", self.document)
    }
}
