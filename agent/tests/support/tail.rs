//! A server, a site, and the question every rotation test asks: is each line there once, and nothing else?

use super::agent::{Agent, Site};
use bench::fault::{Fault, FaultServer, Options, Plan};
use bench::judge::Judge;
use bench::writer::LogWriter;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Begins the text of lines that only mark a moment.
const FENCE: &str = "fence ";

/// A server and the site of an agent that sends to it.
pub struct Tail {
    pub server: FaultServer,
    pub site: Site,
    fences: u32,
}

impl Tail {
    /// Everything below `logs/`.
    pub fn new() -> Self {
        Self::with(&["logs/**"], "")
    }

    /// `paths` are relative to the site or absolute; `more` is further configuration.
    pub fn with(paths: &[&str], more: &str) -> Self {
        let server = FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback");
        let url = server.url();
        let site = Site::with_config(|site| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| site.path(path)).collect();
            let state = site.path("state");
            format!(
                "host: {{id: test}}\n\
                 inputs:\n  - paths: {paths:?}\n\
                 output:\n  elasticsearch:\n    hosts: [{url:?}]\n    bulk: {{linger: 20ms, max_bytes: 64KiB}}\n\
                 state: {{path: {state:?}}}\n\
                 monitoring: {{listen: {:?}, events: false}}\n{more}",
                site.status_address().to_string()
            )
        });
        Self { server, site, fences: 0 }
    }

    /// A path below `logs/`.
    pub fn log(&self, name: &str) -> PathBuf {
        self.site.logs().join(name)
    }

    /// From now on nothing is stored.
    pub fn output_down(&self) {
        self.server.set_plan(Plan::Script(vec![Fault::Refuse(503); 100_000]));
    }

    /// From now on everything is stored.
    pub fn output_up(&self) {
        self.server.set_plan(Plan::Calm);
    }

    /// Stored lines with how often each is stored, without those of fences.
    pub fn stored(&self) -> BTreeMap<String, usize> {
        let mut stored = BTreeMap::new();
        for document in self.server.documents() {
            let document: Value = serde_json::from_slice(&document.source).expect("JSON");
            let message = document["message"].as_str().expect("a message");
            if !message.starts_with(FENCE) {
                *stored.entry(message.to_owned()).or_default() += 1;
            }
        }
        stored
    }

    /// Waits until that many lines are stored, fences not counted.
    pub fn wait_stored(&self, agent: &mut Agent, lines: u64) {
        let fences = self.fence_lines();
        agent.wait(&format!("{lines} lines are stored"), || self.server.created() >= lines + fences);
    }

    /// Waits until every file that is there now has been decided on: shipped, continued, or known as a copy.
    ///
    /// A possible copy waits two seconds for its original to be truncated. The fence is such a copy, made last and packed
    /// (which waits longest): once it is given up as a mere twin and shipped, all that was there before it is decided too.
    pub fn fence(&mut self, agent: &mut Agent) {
        let fences = self.fence_lines();
        let others = self.server.created() - fences;
        self.fences += 1;
        let text = format!("{FENCE}{}\n", self.fences);
        let path = self.log(&format!("fence-{}", self.fences));
        fs::write(&path, &text).expect("written");
        agent.wait("the fence is stored", || self.server.created() > others + fences);
        fs::write(path.with_extension("gz"), gzip(text.as_bytes())).expect("written");
        let stored = |text: &str| {
            let needle = text.trim_end().as_bytes();
            let documents = self.server.documents();
            documents
                .iter()
                .filter(|document| memchr::memmem::find(&document.source, needle).is_some())
                .count()
        };
        let needle = format!("\"{}\"", text.trim_end());
        agent.wait("the twin of the fence is stored", || stored(&needle) == 2);
    }

    fn fence_lines(&self) -> u64 {
        2 * u64::from(self.fences)
    }

    /// Waits until all `lines` are stored, and panics unless each is stored once and nothing else is.
    pub fn expect(&mut self, agent: &mut Agent, lines: impl IntoIterator<Item = impl Into<String>>) {
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for line in lines {
            *expected.entry(line.into()).or_default() += 1;
        }
        self.wait_stored(agent, expected.values().map(|count| *count as u64).sum());
        self.fence(agent);
        let stored = self.stored();
        let differs = |(line, count): (&String, &usize), other: &BTreeMap<String, usize>| {
            let there = other.get(line).copied().unwrap_or(0);
            (there != *count).then(|| (line.clone(), *count, there))
        };
        let missing: Vec<_> = expected.iter().filter_map(|entry| differs(entry, &stored)).take(10).collect();
        let surplus: Vec<_> = stored.iter().filter_map(|entry| differs(entry, &expected)).take(10).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "(line, expected, stored): {missing:?}\n(line, stored, expected): {surplus:?}\nlog:\n{}",
            agent.log()
        );
    }

    /// Panics unless every line of the writers is stored once and unaltered, and nothing else but fences is.
    pub fn judge(&self, writers: &[&LogWriter]) {
        let entries: Vec<_> = writers.iter().map(|writer| writer.entry()).collect();
        let mut judge = Judge::new(&entries).expect("writers with numbers of their own");
        for document in self.server.documents() {
            let text = String::from_utf8_lossy(&document.source);
            if !text.contains(&format!("\"{FENCE}")) {
                judge.take(&format!("{}/{}", document.index, document.id), &text);
            }
        }
        let verdict = judge.verdict();
        assert!(verdict.clean(), "{verdict}\nlog:\n{}", self.own_log());
    }

    /// How many events were sent that the server had.
    pub fn repeats(&self) -> u64 {
        self.server.traffic().items().get(&409).copied().unwrap_or(0)
    }

    /// Everything the agent has said, over all runs.
    pub fn own_log(&self) -> String {
        fs::read_to_string(self.site.path("agent.log")).unwrap_or_default()
    }

    /// Records of the agent's log whose line holds `text`.
    pub fn told(&self, text: &str) -> Vec<Value> {
        let log = self.own_log();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Bytes the running agent counts as lost.
    pub fn lost_bytes(&self, agent: &Agent) -> u64 {
        agent.status().map_or(0, |status| status.bytes.lost)
    }

    /// Bytes the agent has reported as lost over all runs. Not exact where many files lost some: its log repeats little.
    pub fn lost_in_all(&self) -> u64 {
        let records = self.told("\"reason\"");
        records.iter().filter_map(|record| record["bytes"].as_u64()).sum()
    }
}

/// `count` lines of `who`, numbered.
pub fn lines(who: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("{who} says {number}")).collect()
}

/// Lines as they lie in a file.
pub fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Adds text to a file, made if need be.
pub fn append(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("opened for appending");
    file.write_all(text.as_bytes()).expect("written");
}

/// Copies a file and cuts it to nothing, as logrotate's `copytruncate` does.
pub fn copy_truncate(path: &Path, copy: &Path) {
    fs::copy(path, copy).expect("copied");
    fs::OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(0)).expect("truncated");
}

/// One gzip member.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("packed into memory")
}

/// Replaces a file by its packed form, as `gzip FILE` does.
pub fn pack(path: &Path) {
    let packed = gzip(&fs::read(path).expect("read"));
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    fs::write(name, packed).expect("written");
    fs::remove_file(path).expect("removed");
}
