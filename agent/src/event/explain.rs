//! Why a line becomes what it becomes, for `blueox explain`.

use super::{
    Around, Environment, Fate, FileMemory, Frame, Line, Mapped, Mapper, Process, Stream, Trace,
    UnknownFormat, Unwrapper, format,
};
use crate::config::{Input, Processor};
use crate::line::{ConsoleEntry, Container};
use std::fmt;
use std::path::Path;

/// The way of one event, told key by key.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Lines of the file that are this event, and why they are one.
    pub joined: Option<(u64, &'static str)>,
    /// What the container runtime says of it; `None` where it says nothing though it should.
    pub frame: Option<Option<Frame>>,
    /// What the header of a syslog message is, in words; `None` where a message has none.
    pub header: Option<Option<String>>,
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
    /// Keys that processors gave another name, and that.
    pub renamed: Vec<(String, String)>,
    /// What each processor did to the document.
    pub processed: Vec<String>,
    /// Whether one of them took it out.
    pub fate: Fate,
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

/// Tells the way of the events of one file.
#[derive(Debug)]
pub struct Explainer {
    mapper: Mapper,
    stream: Stream,
    unwrapper: Unwrapper,
    process: Option<Process>,
    file: FileMemory,
    has_multiline: bool,
}

impl Explainer {
    /// For the file at `path`, read as `input`. Fails if that has an unknown `format`.
    pub fn new(
        input: &Input,
        environment: &Environment,
        processors: &[Processor],
        path: &Path,
    ) -> Result<Self, UnknownFormat> {
        let mut stream = Stream::new(input, environment)?;
        stream.rename(processors);
        Ok(Self {
            mapper: Mapper::new(),
            stream,
            unwrapper: Unwrapper::default(),
            process: Process::new(processors),
            file: FileMemory::new(path),
            has_multiline: input.multiline.is_some(),
        })
    }

    /// Maps one event, which is `lines` lines of the file, and tells how.
    pub fn explain(&mut self, whole: Line<'_>, lines: u64) -> Explanation {
        let mut notes = Notes::default();
        let mut document = Vec::new();
        let container = self.stream.container();
        let (line, around) = self.unwrapper.line(whole, &self.stream);
        let (frame, header) = match around {
            None => (None, None),
            Some(Around::Container(frame)) => (Some(frame), None),
            Some(Around::Syslog(header)) => (None, Some(header.words())),
        };
        let reason = match line.bytes.contains(&b'\n') {
            _ if self.has_multiline => "by `multiline`",
            true if ConsoleEntry::of(line.bytes).is_some() => "an entry of .NET's console",
            true => "a stack trace",
            false => "pieces that the container runtime cut",
        };
        let outcome =
            self.mapper.map_traced(&line, around, &mut self.stream, &self.file, &mut document, &mut notes);
        let (fate, processed) = match &mut self.process {
            Some(process) => process.explain(&mut document),
            None => (Fate::Kept, Vec::new()),
        };
        Explanation {
            joined: (lines > 1).then_some((lines, reason)),
            frame: (container != Container::None).then_some(frame),
            header: self.stream.is_syslog().then_some(header),
            format: outcome.format.name(),
            signature: format::signature_text(outcome.format),
            mapped: notes.mapped,
            left_over: notes.left_over,
            dropped: notes.dropped,
            renamed: notes.renamed,
            processed,
            fate,
            outcome,
            document: String::from_utf8_lossy(&document).into_owned(),
        }
    }
}

#[derive(Default)]
struct Notes {
    mapped: Vec<(String, &'static str)>,
    left_over: Vec<(String, String)>,
    dropped: Vec<String>,
    renamed: Vec<(String, String)>,
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

    fn renamed(&mut self, from: &[u8], to: &[u8]) {
        let text = |key| String::from_utf8_lossy(key).into_owned();
        self.renamed.push((text(from), text(to)));
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((lines, reason)) = self.joined {
            writeln!(f, "joined    {lines} lines of the file: {reason}")?;
        }
        match self.frame {
            None => {}
            Some(None) => writeln!(f, "container not wrapped by the runtime, ships as it is")?,
            Some(Some(Frame { time: Some(time), stream })) => {
                writeln!(f, "container {}, taken at {time}", stream.name())?;
            }
            Some(Some(Frame { time: None, stream })) => {
                writeln!(f, "container {}, without a usable time", stream.name())?;
            }
        }
        match &self.header {
            None => {}
            Some(None) => writeln!(f, "syslog    no header, ships as it is")?,
            Some(Some(words)) => writeln!(f, "syslog    {words}")?,
        }
        writeln!(f, "format    {} ({})", self.format, self.signature)?;
        if let Some(refusal) = self.outcome.refusal {
            writeln!(f, "text      because {refusal}")?;
        }
        for (from, to) in &self.renamed {
            writeln!(f, "renamed   {from} → {to}")?;
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
        for words in &self.processed {
            writeln!(f, "processor {words}")?;
        }
        match self.fate {
            Fate::Kept => write!(f, "document  {}", self.document),
            Fate::Filtered => write!(f, "document  none; the processor got {}", self.document),
        }
    }
}
