//! Where the lines are shipped to: two engines, and the store that `cargo demo` starts.

use super::theatre::role;
use bench::engine::{self, Engine, Kind};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Elasticsearch,
    OpenSearch,
    Pocket,
}

impl Store {
    pub const ALL: [Self; 3] = [Self::Elasticsearch, Self::OpenSearch, Self::Pocket];

    /// It, started at its first use.
    pub fn running(self) -> &'static Engine {
        static POCKET: LazyLock<Engine> = LazyLock::new(|| Engine::running(&start_pocket()));
        match self {
            Self::Elasticsearch => engine::shared(Kind::Elasticsearch),
            Self::OpenSearch => engine::shared(Kind::OpenSearch),
            Self::Pocket => &POCKET,
        }
    }
}

/// Starts Pocket ELK and gives its URL. It ends with the thread that starts it, which stays as long as this process, and
/// its data is removed as those of the engines are.
fn start_pocket() -> String {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let data =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("engines/pocket-{}", std::process::id()));
        fs::create_dir_all(&data).expect("a directory for the store");
        let mut command = Command::new(super::theatre::PROGRAM);
        command.args(role("pocket-elk")).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--view-port",
            "0",
            "--data",
        ]);
        let mut process = command.arg(&data).stdout(Stdio::piped()).spawn().expect("Pocket ELK starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        sender.send(lines.next().expect("a line").expect("text")).expect("somebody waits for the URL");
        lines.for_each(drop);
        let _ended = process.wait();
    });
    receiver.recv().expect("Pocket ELK says where it listens")
}
