//! The same lines through each of the agent's inputs, into a sink of bulk requests.
//!
//! All are used in turns, so that what disturbs the machine disturbs all. Compare within one run only.

mod load;

mod report;

mod sender;

pub use report::{MEMORY_LIMIT, Report, Row};

use crate::filling::{Course, Filling, Home, Run};
use crate::http::Client;
use crate::process;
use crate::sink::{Items, Record, Sink};
use anyhow::{Context, Result, bail, ensure};
use load::Load;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

/// A comparison.
#[derive(Debug)]
pub struct Inputs {
    /// Program, lines and rounds.
    pub course: Course,
    /// Datagrams a second; nothing holds their sender.
    pub udp_rate: u64,
}

/// How lines come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    File,
    Gzip,
    Zstd,
    Container,
    Stdin,
    SyslogTcp,
    SyslogHttp,
    SyslogUdp,
}

impl Input {
    /// The plain file first: the others are compared with it.
    const ALL: [Self; 8] = [
        Self::File,
        Self::Gzip,
        Self::Zstd,
        Self::Container,
        Self::Stdin,
        Self::SyslogTcp,
        Self::SyslogHttp,
        Self::SyslogUdp,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Gzip => "file, gz",
            Self::Zstd => "file, zst",
            Self::Container => "container (CRI)",
            Self::Stdin => "stdin",
            Self::SyslogTcp => "syslog, TCP",
            Self::SyslogHttp => "syslog, HTTP",
            Self::SyslogUdp => "syslog, UDP",
        }
    }
}

/// What one use of an input gave.
struct Use {
    filling: Filling,
    dropped: u64,
}

impl Inputs {
    /// Writes the lines and uses all inputs.
    pub fn run(&self, directory: &Path) -> Result<Report> {
        let load = Load::write(directory, &self.course)?;
        let mut uses: Vec<(Input, Vec<Use>)> = Input::ALL.map(|input| (input, Vec::new())).into();
        for round in 0..self.course.rounds {
            for (input, uses) in &mut uses {
                let home = directory.join(format!("{input:?}-{round}"));
                let used = self.fill(*input, &load, &home);
                uses.push(used.with_context(|| format!("measure {}", input.name()))?);
            }
        }
        let rows = uses.iter().map(|(input, uses)| row(*input, uses)).collect();
        Ok(Report { machine: process::machine(), course: self.course.clone(), rows })
    }

    fn fill(&self, input: Input, load: &Load, home: &Path) -> Result<Use> {
        let any = ([127, 0, 0, 1], 0).into();
        let sink = Sink::start(any, &Record::Counts, Items::Real).context("start the sink")?;
        let listen = process::free_address()?;
        let configured = match input {
            Input::File | Input::Gzip | Input::Zstd => format!("paths: [\"{}\"]", load.file(input).display()),
            Input::Container => format!("paths: [\"{}\"], container: cri", load.file(input).display()),
            Input::Stdin => "type: stdin".to_owned(),
            Input::SyslogTcp => format!("type: syslog, listen: \"{listen}\""),
            Input::SyslogHttp => format!("type: syslog, listen: \"{listen}\", protocol: http"),
            Input::SyslogUdp => format!("type: syslog, listen: \"{listen}\", protocol: udp"),
        };
        let output = format!("elasticsearch: {{hosts: [\"{}\"]}}", sink.url());
        let home = Home::create(&self.course.blueox, home, &configured, &output)?;
        match input {
            Input::File | Input::Gzip | Input::Zstd | Input::Container => {
                let run = home.start(&["once".as_ref(), load.file(input).as_os_str()], Stdio::null())?;
                Ok(Use { filling: run.to_its_end(self.course.lines, || sink.totals())?, dropped: 0 })
            }
            Input::Stdin => {
                let (end, pipe) = std::io::pipe().context("make a pipe")?;
                let run = home.start(&["run".as_ref()], end.into())?;
                let filling = std::thread::scope(|scope| {
                    let sender = scope.spawn(|| sender::pipe(load, pipe));
                    let filling = run.to_its_end(self.course.lines, || sink.totals())?;
                    sender.join().expect("the sender does not panic")?;
                    anyhow::Ok(filling)
                })?;
                Ok(Use { filling, dropped: 0 })
            }
            Input::SyslogTcp | Input::SyslogHttp | Input::SyslogUdp => {
                let run = home.start(&["run".as_ref()], Stdio::null())?;
                self.receive(input, load, listen, &home, &sink, run)
            }
        }
    }

    /// Sends all to `listen` and waits until each message has come or is counted as dropped.
    fn receive(
        &self,
        input: Input,
        load: &Load,
        listen: SocketAddr,
        home: &Home,
        sink: &Sink,
        run: Run,
    ) -> Result<Use> {
        let status = Client::new(&home.status_url(), None)?;
        await_listener(&status)?;
        match input {
            Input::SyslogHttp => sender::post(load, listen),
            Input::SyslogUdp => sender::datagrams(load, listen, self.udp_rate),
            _ => sender::stream(load, listen),
        }?;
        let mut lost = 0;
        let is_done = || {
            lost = dropped(&status)?;
            Ok(sink.totals().events + lost >= self.course.lines)
        };
        let filling = run.until(is_done, || sink.totals())?;
        let arrived = filling.load.events;
        ensure!(
            arrived + lost == self.course.lines,
            "{arrived} of {} messages came and {lost} are counted as dropped, which does not add up",
            self.course.lines
        );
        Ok(Use { filling, dropped: lost })
    }
}

fn row(input: Input, uses: &[Use]) -> Row {
    let fillings: Vec<Filling> = uses.iter().map(|used| used.filling).collect();
    Row {
        input: input.name(),
        arrived: fillings.iter().map(|filling| filling.load.events).sum(),
        dropped: uses.iter().map(|used| used.dropped).sum(),
        filling: Filling::median(&fillings),
    }
}

/// Waits until the agent tells that it listens.
fn await_listener(status: &Client) -> Result<()> {
    for _ in 0..500 {
        if status.send("GET", "/status", b"").is_ok_and(|reply| reply.status == 200) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    bail!("blueox tells no status within ten seconds of its start")
}

/// Messages that the agent, or the system before it, counts as dropped.
fn dropped(status: &Client) -> Result<u64> {
    let report = status.send("GET", "/status", b"").context("ask blueox for its status")?.json()?;
    let listener = &report["listeners"][0];
    let count =
        |name: &str| listener[name].as_u64().with_context(|| format!("`{name}` is not in the status"));
    Ok(count("messages_dropped")? + count("datagrams_dropped")?)
}
