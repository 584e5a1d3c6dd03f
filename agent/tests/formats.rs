//! Sample lines of every format become the documents that lie beside them.
//!
//! `tests/data/formats/<format>/<case>.log` holds lines, `<case>.expected.ndjson` one document a line. Run with
//! `UPDATE_EXPECTED=1` to write the latter anew, then read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use blueox::config::{Input, ReadFrom};
use blueox::event::{Environment, FileMemory, Line, LineEnd, Mapped, Mapper, Stream};
use serde_json::Value;
use std::path::{Path, PathBuf};

const READ_AT: &str = "2026-08-21T10:15:33Z";

fn input(format: Option<&str>) -> Input {
    Input {
        id: None,
        paths: vec![],
        exclude: vec![],
        format: format.map(str::to_owned),
        read_from: ReadFrom::Beginning,
        max_line: 1 << 20,
        timezone: jiff::tz::TimeZone::fixed(jiff::tz::offset(2)),
        fields: vec![],
        dataset: "app".into(),
        namespace: "default".into(),
    }
}

fn environment() -> Environment {
    Environment { host_name: "agent-host".into(), ..Environment::default() }
}

struct Pipeline {
    mapper: Mapper,
    stream: Stream,
    file: FileMemory,
}

impl Pipeline {
    fn new(input: &Input, environment: &Environment) -> Self {
        Self {
            mapper: Mapper::new(),
            stream: Stream::new(input, environment).unwrap(),
            file: FileMemory::new(Path::new("/var/log/shop/a.log")),
        }
    }

    fn map(&mut self, line: &str, end: LineEnd) -> (Value, Mapped) {
        let mut out = Vec::new();
        let line = Line { bytes: line.as_bytes(), offset: 4096, end, read_at: READ_AT.parse().unwrap() };
        let mapped = self.mapper.map(&line, &mut self.stream, &self.file, &mut out);
        assert!(!out.contains(&b'\n'));
        (serde_json::from_slice(&out).unwrap(), mapped)
    }
}

fn cases() -> Vec<(String, PathBuf)> {
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

#[test]
fn samples_become_the_documents_beside_them() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 7, "the samples are missing");
    for (format, path) in cases {
        let mut pipeline = Pipeline::new(&input(None), &environment());
        let text = std::fs::read_to_string(&path).unwrap();
        let mut documents = String::new();
        for line in text.lines() {
            let (document, mapped) = pipeline.map(line, LineEnd::Terminated);
            assert_eq!(mapped.format.name(), format, "{line}");
            documents += &format!("{document}\n");
        }
        let expected_path = path.with_extension("expected.ndjson");
        if update {
            std::fs::write(&expected_path, &documents).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap();
        let parse =
            |text: &str| text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>();
        for (at, (found, wanted)) in parse(&documents).iter().zip(parse(&expected)).enumerate() {
            if *found != wanted {
                wrong.push(format!("{}:{}\nfound  {found}\nwanted {wanted}", path.display(), at + 1));
            }
        }
        assert_eq!(documents.lines().count(), expected.lines().count(), "{}", path.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
