//! `explain`: what each line becomes and why.

mod events;

use super::{Exit, load, printed};
use crate::config::{self, Config, FieldValue, Input, Processor, ReadFrom, compile_glob, host_name, shown};
use crate::event::{Environment, Explainer, Explanation, Line};
use crate::file::source::Source;
use crate::telemetry::escaped;
use events::Events;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Longest line, as in a configuration that says nothing.
const MAX_LINE: usize = 1 << 20;

/// What to explain and how.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Log file, or - for standard input
    #[arg(default_value = "-", value_name = "PATH")]
    path: PathBuf,
    /// Take the input of this configuration that reads PATH, and its processors
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take the input of the configuration with this id in place of the one that reads PATH
    #[arg(long, value_name = "ID", requires = "config")]
    input: Option<String>,
    /// Take lines for this format in place of detecting it
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Say in place of that what the application should write differently
    #[arg(long)]
    advice: bool,
}

impl Explain {
    pub(super) fn run(self) -> Exit {
        let (mut input, processors) = match &self.config {
            None => (plain_input(), Vec::new()),
            Some(file) => match configured(file, self.input.as_deref(), &self.path) {
                Ok(found) => found,
                Err(exit) => return exit,
            },
        };
        if let Some(format) = self.format {
            input.format = Some(format).filter(|format| format != "auto");
        }
        let environment = Environment::from_process(host_name());
        let explainer = match Explainer::new(&input, &environment, &processors, &self.path) {
            Ok(explainer) => explainer,
            Err(error) => {
                eprintln!("--format: {}", escaped(&error.to_string()));
                return Exit::Usage;
            }
        };
        let text: Box<dyn Read> = if is_stdin(&self.path) {
            Box::new(io::stdin().lock())
        } else {
            match Source::open(&self.path) {
                Ok(source) => Box::new(Text { source, offset: 0 }),
                Err(error) => {
                    eprintln!("{}: cannot be read: {error}", shown(&self.path.to_string_lossy()));
                    return Exit::Usage;
                }
            }
        };
        let telling = if self.advice { Telling::Advice(Advice::default()) } else { Telling::Lines };
        printed(tell(Events::new(text, &input), explainer, telling), Exit::Done)
    }
}

fn tell(events: Events, mut explainer: Explainer, mut telling: Telling) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    events.each(|event| {
        let line =
            Line { bytes: event.bytes, offset: event.start, end: event.end, read_at: jiff::Timestamp::now() };
        let explanation = explainer.explain(line, event.lines);
        telling.tell(event.first_line, &explanation, &mut out)
    })?;
    telling.end(&mut out)?;
    out.flush()
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The input of the configuration in `file` that is named or reads `path`, and all processors.
fn configured(file: &Path, id: Option<&str>, path: &Path) -> Result<(Input, Vec<Processor>), Exit> {
    let Config { mut inputs, processors, .. } = load(file)?;
    let found = match id {
        Some(id) => inputs.iter().position(|input| input.id.as_deref() == Some(id)),
        None => inputs.iter().position(|input| reads(input, path)),
    };
    let at = match found {
        Some(at) => at,
        // A sample of what the only input reads.
        None if inputs.len() == 1 && id.is_none() => 0,
        None => {
            eprintln!("{}", nothing_found(file, id, path, &inputs));
            return Err(Exit::Usage);
        }
    };
    Ok((inputs.swap_remove(at), processors))
}

fn nothing_found(file: &Path, id: Option<&str>, path: &Path, inputs: &[Input]) -> String {
    let (path, file) = (shown(&path.to_string_lossy()), shown(&file.to_string_lossy()));
    let ids: Vec<String> = inputs.iter().filter_map(|input| input.id.as_deref()).map(shown).collect();
    match id {
        Some(id) if ids.is_empty() => {
            format!("--input {}: no input of {file} has an `id`; give it one", shown(id))
        }
        Some(id) => format!("--input {}: the inputs of {file} are {}", shown(id), ids.join(", ")),
        None => format!(
            "{path} is read by none of the {} inputs of {file}; name a file that one reads, or an input with --input",
            inputs.len()
        ),
    }
}

fn reads(input: &Input, path: &Path) -> bool {
    if is_stdin(path) {
        return matches!(input.source, config::Source::Stdin);
    }
    let Ok(path) = std::path::absolute(path) else { return false };
    let is_match =
        |glob: &String| compile_glob(glob).is_ok_and(|glob| glob.compile_matcher().is_match(&path));
    input.paths.iter().any(is_match) && !input.exclude.iter().any(is_match)
}

/// As in a configuration that says nothing.
fn plain_input() -> Input {
    Input {
        source: config::Source::Stdin,
        id: None,
        paths: Vec::new(),
        exclude: Vec::new(),
        format: None,
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
            Self::Lines => write_explanation(out, number, line),
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

fn write_explanation(out: &mut impl Write, number: u64, told: &Explanation) -> io::Result<()> {
    match told.joined {
        Some((lines, _)) => writeln!(out, "lines {number}–{}", number + lines - 1)?,
        None => writeln!(out, "line {number}")?,
    }
    for part in told.to_string().lines() {
        writeln!(out, "  {}", escaped(part))?;
    }
    Ok(())
}
