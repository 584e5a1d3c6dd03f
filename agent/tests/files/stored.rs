//! What the server holds, file by file, in the order of the lines.

use bench::fault::FaultServer;
use serde_json::Value;
use std::path::Path;

/// One stored event.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Name of the file it was read from, without directories.
    pub(crate) file: String,
    /// `log.offset`.
    pub(crate) offset: u64,
    /// `message`.
    pub(crate) message: String,
    /// All of it.
    pub(crate) document: Value,
}

/// All events, by file name and offset; panics where one is no JSON or lacks what every event has.
pub(crate) fn all(server: &FaultServer) -> Vec<Stored> {
    let mut all: Vec<Stored> =
        server.documents().iter().map(|document| Stored::of(&document.source)).collect();
    all.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
    all
}

/// The events of one file, by offset.
pub(crate) fn of_file(server: &FaultServer, name: &str) -> Vec<Stored> {
    all(server).into_iter().filter(|stored| stored.file == name).collect()
}

/// The messages of one file, by offset.
pub(crate) fn messages(server: &FaultServer, name: &str) -> Vec<String> {
    of_file(server, name).into_iter().map(|stored| stored.message).collect()
}

/// How many items came over the wire, whatever became of them: more than the events means repeats.
pub(crate) fn items_sent(server: &FaultServer) -> u64 {
    server.traffic().items().values().sum()
}

impl Stored {
    /// Of a document as it was sent.
    pub(crate) fn of(source: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(source).expect("valid JSON on the wire");
        let path = document["log"]["file"]["path"].as_str().expect("log.file.path");
        Self {
            file: Path::new(path).file_name().expect("a name").to_string_lossy().into_owned(),
            offset: document["log"]["offset"].as_u64().expect("log.offset"),
            message: document["message"].as_str().expect("message").to_owned(),
            document,
        }
    }

    /// `log.flags`.
    pub(crate) fn flags(&self) -> Vec<&str> {
        texts(&self.document["log"]["flags"])
    }

    /// `tags`.
    pub(crate) fn tags(&self) -> Vec<&str> {
        texts(&self.document["tags"])
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
