//! Maps single lines as the agent does.

use blueox::config::{Input, ReadFrom};
use blueox::event::{Environment, FileMemory, Line, LineEnd, Mapped, Mapper, Stream};
use serde_json::Value;
use std::path::{Path, PathBuf};

const READ_AT: &str = "2026-08-21T10:15:33Z";

/// An input with the defaults of every key but the zone, which is +02:00.
pub(crate) fn input(format: Option<&str>) -> Input {
    Input {
        source: blueox::config::Source::Files,
        id: None,
        paths: vec![],
        exclude: vec![],
        format: format.map(str::to_owned),
        read_from: ReadFrom::Beginning,
        max_line: 1 << 20,
        timezone: jiff::tz::TimeZone::fixed(jiff::tz::offset(2)),
        fields: vec![],
        dataset: "app".into(),
        container: blueox::line::Container::None,
        multiline: None,
        namespace: "default".into(),
    }
}

pub(crate) fn environment() -> Environment {
    Environment { host_name: "agent-host".into(), ..Environment::default() }
}

/// The way of a line of one file.
pub(crate) struct Pipeline {
    mapper: Mapper,
    stream: Stream,
    file: FileMemory,
}

impl Pipeline {
    pub(crate) fn new(input: &Input, environment: &Environment) -> Self {
        Self {
            mapper: Mapper::new(),
            stream: Stream::new(input, environment).unwrap(),
            file: FileMemory::new(Path::new("/var/log/shop/a.log")),
        }
    }

    pub(crate) fn map(&mut self, line: &str, end: LineEnd) -> (Value, Mapped) {
        let mut out = Vec::new();
        let line = Line { bytes: line.as_bytes(), offset: 4096, end, read_at: READ_AT.parse().unwrap() };
        let mapped = self.mapper.map(&line, &mut self.stream, &self.file, &mut out);
        assert!(!out.contains(&b'\n'));
        (serde_json::from_slice(&out).unwrap(), mapped)
    }
}

/// Format and path of every file of sample lines.
pub(crate) fn samples() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
    let mut cases = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                cases.push((folder.file_name().into_string().unwrap(), path));
            }
        }
    }
    cases.sort();
    cases
}
