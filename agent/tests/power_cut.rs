//! The real program on a disk that loses power, fills up, fails or may only be read; and killed at every call it makes
//! there. Logs lie on another disk, which keeps all.

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/disk.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod disk;

use agent::{Agent, Site};
use bench::fault::{Fault, FaultServer, Options, Plan};
use bench::judge::Judge;
use bench::line::{Format, Mark, Origin};
use bench::process::Process;
use bench::random::Dice;
use bench::writer::{Clock, LogWriter, Rotation};
use disk::Disk;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ORIGIN: Origin = Origin { seed: 77, writer: 1, format: Format::Tracing };

/// Longest wait for a killing call to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls by which an agent changes its state directory. strace counts them for each thread alone: those of the main thread
/// and those of the one that writes checkpoints.
const CALLS: &str = "openat,write,ftruncate,fchmod,fsync,fdatasync,renameat,renameat2,unlinkat,mkdir";

/// An agent's surroundings: server, logs and where its state is.
struct Stage {
    server: FaultServer,
    site: Site,
    writer: LogWriter,
}

impl Stage {
    fn new(plan: Plan) -> Self {
        let server = FaultServer::start(Options::new(plan)).expect("a server on loopback");
        let site = Site::with_config(|_| String::new());
        let writer = LogWriter::open(&site.logs().join("app.log"), ORIGIN, Clock::SAMPLE, Rotation::Rename);
        Self { server, site, writer: writer.expect("a log file") }
    }

    /// The configuration, with the state in this directory.
    fn configure(&self, state: &Path) {
        let (logs, url) = (self.site.logs().join("*"), self.server.url());
        let text = format!(
            "host: {{id: test}}\ninputs:\n  - paths: [{logs:?}]\noutput:\n  elasticsearch:\n    hosts: [{url:?}]\n    \
             bulk: {{linger: 10ms, max_bytes: 64KiB}}\nstate: {{path: {state:?}}}\nmonitoring: {{listen: null, events: false}}\n"
        );
        std::fs::write(self.site.config(), text).expect("the configuration");
    }

    fn write(&mut self, lines: u64) {
        self.writer.write(lines).expect("written");
    }

    fn lines(&self) -> u64 {
        self.writer.entry().lines()
    }

    /// Waits until as many documents are stored as lines were written.
    fn settle(&self, agent: &mut Agent) {
        agent.wait("all lines are stored", || self.server.created() >= self.lines());
    }

    /// Runs on a calm server until everything is stored, stops, and panics unless all is stored once.
    fn finish(&self, what: &str) {
        self.server.set_plan(Plan::Calm);
        let mut agent = self.site.run();
        self.settle(&mut agent);
        // Doubles would end the wait too early, and hide behind losses that are none.
        agent.wait("every line is stored", || self.missing() == 0);
        assert!(agent.stop().success(), "{what}");
        self.judge(what);
    }

    /// Lines that are not stored.
    fn missing(&self) -> u64 {
        let documents = self.server.documents();
        let marks = documents.iter().filter_map(|document| Mark::find(&document.source));
        let stored: std::collections::HashSet<u64> = marks.map(|mark| mark.sequence).collect();
        self.lines() - stored.len() as u64
    }

    fn judge(&self, what: &str) {
        let mut judge = Judge::new(&[self.writer.entry()]).expect("one writer");
        for document in self.server.documents() {
            judge.take(
                &format!("{}/{}", document.index, document.id),
                &String::from_utf8_lossy(&document.source),
            );
        }
        let verdict = judge.verdict();
        let log = std::fs::read_to_string(self.site.path("agent.log")).unwrap_or_default();
        assert!(verdict.clean(), "{what}: {verdict}\nstored twice in: {:#?}\nlog:\n{log}", self.doubles());
    }

    /// How many lines are stored in which indices, of those that are in more than one place.
    fn doubles(&self) -> BTreeMap<Vec<String>, u64> {
        let mut places: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for document in self.server.documents() {
            if let Some(mark) = Mark::find(&document.source) {
                let lineage = document.id.chars().take(8).collect::<String>();
                places.entry(mark.sequence).or_default().push(format!("{} as {lineage}…", document.index));
            }
        }
        let mut counts = BTreeMap::new();
        for places in places.into_values().filter(|places| places.len() > 1) {
            *counts.entry(places).or_default() += 1;
        }
        counts
    }

    /// Starts the agent under strace, which does `inject` to its calls on the state directory and on `more`.
    fn traced(&self, state: &Path, inject: &str, more: &[PathBuf]) -> Traced {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        for name in ["", "checkpoint.tmp", "checkpoint.0", "checkpoint.1", "lock", "dead-letters"] {
            command.arg("-P").arg(if name.is_empty() { state.to_owned() } else { state.join(name) });
        }
        for path in more {
            command.arg("-P").arg(path);
        }
        command.arg(format!("--inject={inject}")).arg(env!("CARGO_BIN_EXE_blueox"));
        command.arg("run").arg("-c").arg(self.site.config());
        let process = Process::start("strace", command, &self.site.path("agent.log")).expect("strace");
        Traced { process, config: self.site.config(), state: state.to_owned() }
    }
}

/// strace and the agent under it.
struct Traced {
    process: Process,
    config: PathBuf,
    state: PathBuf,
}

impl Traced {
    /// `kill -9` to the agent, which is no child of this process: it holds the lock of its state. strace ends with it.
    fn end_agent(&self) {
        let holder = std::fs::read_to_string(self.state.join("lock")).unwrap_or_default();
        let pid = holder.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse::<i32>().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return };
        let command = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        let config = self.config.to_str().expect("a plain name");
        if String::from_utf8_lossy(&command).contains(config) {
            // It may be ending by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Drop for Traced {
    /// A killed strace would let the agent live on.
    fn drop(&mut self) {
        self.end_agent();
        let _ = self.process.finish(PATIENCE);
    }
}

fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()) >> 16);
    eprintln!("SEED={seed}");
    seed
}

/// A bad server. Its streams roll over while the agent is dead; not while it runs, for a rollover between its look for events
/// an earlier run has sent and the request with them would still double those.
fn hostile(seed: u64) -> Plan {
    let (think_max, hang) = (Duration::from_millis(30), Duration::from_millis(300));
    Plan::Random { seed, per_mille: 150, think_max, hang, roll_over: false }
}

/// Runs `each` for all numbers on a few threads, since most of the time is waiting.
fn on_threads(numbers: std::ops::RangeInclusive<u64>, each: impl Fn(u64) + Sync) {
    let (next, last) = (AtomicU64::new(*numbers.start()), *numbers.end());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > last {
                        return;
                    }
                    each(number);
                }
            });
        }
    });
}

/// Writes until the process has ended. False where it lives on: the call it was to die at never came.
fn write_until_dead(stage: &mut Stage, traced: &mut Traced) -> bool {
    let until = Instant::now() + PATIENCE;
    while traced.process.alive().is_ok() {
        if Instant::now() > until {
            return false;
        }
        stage.write(10);
        std::thread::sleep(Duration::from_millis(5));
    }
    stage.server.roll_over();
    true
}

// Q01, Q03, Q25.
#[test]
#[ignore = "needs strace"]
fn killed_at_any_call_on_its_state_it_loses_and_repeats_nothing() {
    let seed = seed();
    let lines = AtomicU64::new(0);
    on_threads(1..=40, |call| {
        let mut stage = Stage::new(hostile(seed + call));
        let state = stage.site.path("state");
        stage.configure(&state);
        stage.write(500);
        let inject = format!("{CALLS}:signal=SIGKILL:when={call}");
        let mut traced = stage.traced(&state, &inject, &[]);
        assert!(
            write_until_dead(&mut stage, &mut traced),
            "call {call} never came\n{}",
            traced.process.log_tail()
        );
        stage.write(100);
        stage.finish(&format!("killed at call {call}, seed {seed}"));
        lines.fetch_add(stage.lines(), Ordering::Relaxed);
    });
    eprintln!(
        "40 kills, one at each call on the state directory: {} lines, 0 lost, 0 doubled",
        lines.into_inner()
    );
}

/// As the sweep of kills, but what was not synced is gone too.
// Q01, Q03.
#[test]
#[ignore = "needs root and strace"]
fn a_power_cut_at_any_call_on_its_state_loses_and_repeats_nothing() {
    let seed = seed();
    let lines = AtomicU64::new(0);
    on_threads(1..=40, |call| {
        let mut stage = Stage::new(hostile(seed + call));
        let disk = Disk::new(16);
        let state = disk.path().join("state");
        stage.configure(&state);
        stage.write(500);
        let inject = format!("{CALLS}:signal=SIGKILL:when={call}");
        let mut traced = stage.traced(&state, &inject, &[]);
        assert!(
            write_until_dead(&mut stage, &mut traced),
            "call {call} never came\n{}",
            traced.process.log_tail()
        );
        let disk = disk.after_power_cut();
        stage.configure(&disk.path().join("state"));
        stage.write(100);
        stage.finish(&format!("power cut at call {call}, seed {seed}"));
        lines.fetch_add(stage.lines(), Ordering::Relaxed);
    });
    eprintln!(
        "40 power cuts, one at each call on the state directory: {} lines, 0 lost, 0 doubled",
        lines.into_inner()
    );
}

/// One power cut after the other, each at a random moment of a run on what the one before has left.
#[test]
#[ignore = "needs root"]
fn power_cuts_at_random_moments_lose_and_repeat_nothing() {
    let seed = seed();
    let mut dice = Dice::new(seed);
    let mut stage = Stage::new(hostile(seed));
    let mut disk = Disk::new(16);
    for round in 0..8 {
        stage.configure(&disk.path().join("state"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_blueox"));
        command.arg("run").arg("-c").arg(stage.site.config());
        let log =
            OpenOptions::new().create(true).append(true).open(stage.site.path("agent.log")).expect("its log");
        let mut child = command.stderr(log).spawn().expect("the agent");
        let until = Instant::now() + Duration::from_millis(dice.below(2500));
        while Instant::now() < until {
            stage.write(50);
            std::thread::sleep(Duration::from_millis(5));
        }
        if dice.chance(300) {
            stage.writer.rotate().expect("rotated");
        }
        stop_all_threads(child.id());
        let left = disk.after_power_cut();
        child.kill().and_then(|()| child.wait()).expect("killed");
        stage.server.roll_over();
        eprintln!("cut {round}: {} lines, {} stored", stage.lines(), stage.server.created());
        disk = left;
    }
    stage.configure(&disk.path().join("state"));
    stage.finish(&format!("eight power cuts, seed {seed}"));
    eprintln!("8 power cuts at random moments: {} lines, 0 lost, 0 doubled", stage.lines());
}

/// No thread is within a call when this returns.
fn stop_all_threads(process: u32) {
    let pid = Pid::from_raw(process as i32).expect("a process");
    kill_process(pid, Signal::STOP).expect("stopped");
    let is_stopped = |task: PathBuf| {
        let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    };
    let tasks = || std::fs::read_dir(format!("/proc/{process}/task")).expect("its threads").flatten();
    while !tasks().all(|task| is_stopped(task.path())) {
        std::thread::yield_now();
    }
}

fn slots(state: &Path) -> Vec<Option<Vec<u8>>> {
    [0, 1].map(|slot| std::fs::read(state.join(format!("checkpoint.{slot}"))).ok()).into()
}

/// Delivery goes on while the checkpoint cannot be written; it is written again once there is space; nothing depends on a
/// restart, and a kill while the disk is full costs nothing.
// Q29.
#[test]
#[ignore = "needs root"]
fn a_full_disk_loses_and_repeats_nothing_and_needs_no_restart() {
    for left in [0, 1 << 10, 2 << 10, 4 << 10, 8 << 10] {
        let mut stage = Stage::new(Plan::Calm);
        let disk = Disk::new(14);
        let state = disk.path().join("state");
        stage.configure(&state);
        stage.write(500);
        let mut agent = stage.site.run();
        stage.settle(&mut agent);
        agent.wait("a checkpoint is there", || slots(&state).iter().any(Option::is_some));
        disk.fill(left);
        write_for_some_checkpoints(&mut stage, &mut agent);
        if left == 0 {
            let full = slots(&state);
            write_for_some_checkpoints(&mut stage, &mut agent);
            assert_eq!(slots(&state), full, "no checkpoint fits on a full disk");
        }
        agent.kill();
        stage.write(500);
        let mut agent = stage.site.run();
        stage.settle(&mut agent);
        disk.free();
        let full = slots(&state);
        stage.write(500);
        stage.settle(&mut agent);
        agent.wait("checkpoints are written again", || slots(&state) != full);
        assert!(agent.stop().success(), "{left} bytes were left");
        stage.judge(&format!("{left} bytes were left"));
        let repeats = stage.server.traffic().items().get(&409).copied().unwrap_or(0);
        let mut agent = stage.site.run();
        stage.write(1);
        stage.settle(&mut agent);
        assert!(agent.stop().success());
        let again = stage.server.traffic().items().get(&409).copied().unwrap_or(0);
        assert_eq!(again, repeats, "after the last checkpoint nothing is sent again");
        eprintln!(
            "disk full but for {left} bytes: {} lines, 0 lost, 0 doubled, {repeats} sent again",
            stage.lines()
        );
    }
}

/// Checkpoints are a second apart: so long that several were tried.
fn write_for_some_checkpoints(stage: &mut Stage, agent: &mut Agent) {
    let until = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < until {
        stage.write(20);
        stage.settle(agent);
    }
}

/// What the server refuses for good does not settle before it is on disk.
// Q29, Q46.
#[test]
#[ignore = "needs root"]
fn refused_events_wait_for_space_on_a_full_disk() {
    let mut stage = Stage::new(Plan::Calm);
    let disk = Disk::new(14);
    let state = disk.path().join("state");
    stage.configure(&state);
    stage.write(500);
    let mut agent = stage.site.run();
    stage.settle(&mut agent);
    disk.fill(0);
    stage.server.set_plan(Plan::Script(vec![Fault::RefuseItems(400)]));
    stage.write(500);
    let refused = || stage.server.traffic().items().get(&400).copied().unwrap_or(0);
    agent.wait("some are refused", || refused() > 0);
    assert_eq!(dead_ids(&state).len(), 0, "there is no room for dead letters");
    agent.kill();
    // Sent again after the restart, they are refused again: there is still no space, and again they must not be forgotten.
    stage.server.set_plan(Plan::Script(vec![Fault::RefuseItems(400)]));
    let before = refused();
    let mut agent = stage.site.run();
    agent.wait("some are refused", || refused() > before);
    disk.free();
    let (server, lines) = (&stage.server, stage.lines());
    agent.wait("all lines are stored or dead", || server.created() + dead_ids(&state).len() as u64 >= lines);
    assert!(agent.stop().success());
    let dead = dead_ids(&state);
    let stored: std::collections::BTreeSet<String> =
        server.documents().into_iter().map(|document| document.id).collect();
    assert_eq!(
        stored.len() + dead.difference(&stored).count(),
        lines as usize,
        "each line is stored or dead"
    );
    eprintln!("{lines} lines: {} stored, {} dead letters", stored.len(), dead.len());
}

fn dead_ids(state: &Path) -> std::collections::BTreeSet<String> {
    use blueox::ack::dead_letters::{Entry, list};
    let entries = list(&state.join("dead-letters")).expect("listed").flatten();
    entries
        .filter_map(|entry| match entry {
            Entry::Letter(letter) => Some(letter.id),
            Entry::Unreadable { .. } => None,
        })
        .collect()
}

// Q28.
#[test]
#[ignore = "needs root"]
fn a_state_directory_that_may_only_be_read_ends_the_start_and_is_named() {
    let stage = Stage::new(Plan::Calm);
    let disk = Disk::new(14);
    let state = disk.path().join("state");
    stage.configure(&state);
    disk.make_read_only();
    let agent = stage.site.run();
    assert_eq!(agent.finish().code(), Some(1));
    let log = std::fs::read_to_string(stage.site.path("agent.log")).expect("the log");
    assert!(log.contains(state.to_str().expect("a plain name")) && log.contains("Read-only"), "{log}");
}

/// Every call on state and log fails now and then; some starts fail, and say so.
// Q29, Q31.
#[test]
#[ignore = "needs strace"]
fn calls_that_fail_now_and_then_lose_and_repeat_nothing() {
    let seed = seed();
    let faults: Vec<(&str, &str)> = ["EINTR", "EIO", "ENOSPC"]
        .into_iter()
        .flat_map(|error| {
            ["write", "fsync", "fdatasync", "renameat,renameat2", "unlinkat"].map(|call| (call, error))
        })
        .chain(["pread64", "read", "openat"].map(|call| (call, "EINTR")))
        .chain([("openat", "EMFILE"), ("openat", "EIO"), ("pread64", "EIO")])
        .collect();
    on_threads(0..=faults.len() as u64 - 1, |number| {
        let (call, error) = faults[number as usize];
        let mut stage = Stage::new(hostile(seed + number));
        let state = stage.site.path("state");
        stage.configure(&state);
        stage.write(500);
        // The start needs a state directory it can open.
        stage.finish("a start without faults");
        stage.server.set_plan(hostile(seed + number));
        let log = stage.site.logs().join("app.log");
        let inject = format!("{call}:error={error}:when=4+2");
        let mut traced = stage.traced(&state, &inject, &[log]);
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until && traced.process.alive().is_ok() {
            stage.write(50);
            std::thread::sleep(Duration::from_millis(10));
        }
        let ended = traced.process.alive().err().map(|error| error.to_string());
        let stored = stage.server.created();
        // Killing strace lets the agent live on, without faults: so the agent is killed, and strace ends with it.
        traced.end_agent();
        traced.process.finish(PATIENCE).expect("ended");
        let lines = stage.lines();
        stage.finish(&format!("{call} failing with {error}, seed {seed}"));
        eprintln!(
            "{call} with {error}: {lines} lines, {stored} stored meanwhile, ended: {}",
            ended.is_some()
        );
    });
}
