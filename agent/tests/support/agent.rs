//! The real program, from outside: a directory with its configuration, logs and state, and runs of it one after the other.

use bench::http::Client;
use bench::process::Process;
use blueox::monitoring::StatusReport;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a fact may take on a busy machine. Nothing waits this long unless something is broken.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// Where an agent lives; outlasts its runs.
pub struct Site {
    directory: TempDir,
    status: SocketAddr,
}

/// One run of the program. Killed when dropped.
pub struct Agent {
    process: Process,
    status: Client,
}

impl Site {
    /// A site whose agent reads `logs/*` and sends to `url`.
    pub fn new(url: &str) -> Self {
        Self::with_settings(url, "*", "max_line: 1MiB", "processors: []")
    }

    /// As [`Site::new`], for the logs that `paths` matches, with one more setting of the input and one more section, as YAML.
    pub fn with_settings(url: &str, paths: &str, setting: &str, section: &str) -> Self {
        Self::with_config(|site| {
            let (logs, state) = (site.logs().join(paths), site.path("state"));
            format!(
                "host: {{id: test}}\n\
                 inputs:\n  - paths: [{logs:?}]\n    {setting}\n\
                 {section}\n\
                 output:\n  elasticsearch:\n    hosts: [{url:?}]\n    bulk: {{linger: 20ms}}\n\
                 state: {{path: {state:?}}}\n\
                 monitoring: {{listen: {:?}, events: false}}\n",
                site.status.to_string()
            )
        })
    }

    /// A site with the configuration that `text` gives for it. `monitoring.listen` must be [`Site::status_address`].
    pub fn with_config(text: impl FnOnce(&Self) -> String) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let status = bench::process::free_address().expect("a free address");
        let site = Self { directory, status };
        std::fs::create_dir(site.logs()).expect("the directory of the logs");
        std::fs::write(site.config(), text(&site)).expect("the configuration");
        site
    }

    /// The address of the status page.
    pub fn status_address(&self) -> SocketAddr {
        self.status
    }

    /// The directory of the logs.
    pub fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("blueox.yml")
    }

    /// A path in the site's directory.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts `blueox run` on the configuration.
    pub fn run(&self) -> Agent {
        let config = self.config();
        self.start(&["run".as_ref(), "-c".as_ref(), config.as_ref()])
    }

    /// Starts `blueox` with `arguments`, the site's directory being the working directory.
    pub fn start(&self, arguments: &[&std::ffi::OsStr]) -> Agent {
        self.start_reading(arguments, std::process::Stdio::null())
    }

    /// Starts `blueox run` through a program that becomes it: `prlimit`, `setpriv`, `unshare`, `strace -D`.
    pub fn run_under(&self, wrapper: &[&str]) -> Agent {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).args([env!("CARGO_BIN_EXE_blueox"), "run", "-c"]).arg(self.config());
        self.launch(command)
    }

    /// Starts `blueox run` on the configuration with `input` as its standard input.
    pub fn run_reading(&self, input: std::process::Stdio) -> Agent {
        let config = self.config();
        self.start_reading(&["run".as_ref(), "-c".as_ref(), config.as_ref()], input)
    }

    /// As [`Site::start`], with `input` as its standard input.
    pub fn start_reading(&self, arguments: &[&std::ffi::OsStr], input: std::process::Stdio) -> Agent {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blueox"));
        command.args(arguments);
        self.launch_reading(command, input)
    }

    fn launch(&self, command: Command) -> Agent {
        self.launch_reading(command, std::process::Stdio::null())
    }

    fn launch_reading(&self, mut command: Command, input: std::process::Stdio) -> Agent {
        command.current_dir(self.directory.path());
        let process =
            Process::start_reading("the agent", command, input, &self.path("agent.log")).expect("started");
        let status = Client::new(&format!("http://{}", self.status), None).expect("an http address");
        Agent { process, status }
    }
}

impl Agent {
    /// Waits until `done`; panics with the agent's last log lines at the deadline, or where the agent ends before.
    pub fn wait(&mut self, what: &str, mut done: impl FnMut() -> bool) {
        let until = Instant::now() + DEADLINE;
        while !done() {
            if let Err(error) = self.process.alive() {
                panic!("while waiting until {what}: {error:#}");
            }
            if Instant::now() > until {
                panic!(
                    "not true after {DEADLINE:?}: {what}\nstatus: {:#?}\nlog:\n{}",
                    self.status(),
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the status page says `done`, and returns that report.
    pub fn wait_status(&mut self, what: &str, mut done: impl FnMut(&StatusReport) -> bool) -> StatusReport {
        let client = self.status.clone();
        let mut last = None;
        self.wait(what, || {
            last = report(&client);
            last.as_ref().is_some_and(&mut done)
        });
        last.expect("a report, for it was looked at")
    }

    /// What `/status` says now; `None` where nobody listens.
    pub fn status(&self) -> Option<StatusReport> {
        report(&self.status)
    }

    /// Files it has open, as the kernel names them: paths, `… (deleted)`, `socket:[…]`.
    pub fn open_files(&self) -> Vec<String> {
        let directory = format!("/proc/{}/fd", self.process.id());
        let entries = std::fs::read_dir(directory).expect("the agent runs");
        let target = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.ok()?.path()).ok();
        entries.filter_map(target).map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill().expect("killed");
    }

    /// SIGTERM; waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.process.stop(DEADLINE).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Waits for a program that ends by itself.
    pub fn finish(mut self) -> ExitStatus {
        self.process.finish(DEADLINE).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// What the kernel says of it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The last lines of the agent's log, over all runs.
    pub fn log(&self) -> String {
        self.process.log_tail()
    }
}

fn report(client: &Client) -> Option<StatusReport> {
    let reply = client.send("GET", "/status", b"").ok()?;
    serde_json::from_slice(&reply.body).ok()
}
