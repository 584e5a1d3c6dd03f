//! `bench sink`, `bench beats-sink` and `bench fault-server`.

use anyhow::{Context, Result};
use bench::beats_sink;
use bench::fault::{self, Keep, Options, Plan};
use bench::random::fresh_seed;
use bench::sink::{self, Items, Record};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `bench sink`.
#[derive(Debug, Args)]
pub(crate) struct Sink {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9200")]
    listen: SocketAddr,
    /// Write every document into this journal; costs time.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Answer with statuses only, whatever the client asked for.
    #[arg(long)]
    short: bool,
}

impl Sink {
    /// Serves until the process is ended; prints the totals as JSON when they have changed, at most once a second.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let record = self.record.map_or(Record::Counts, Record::Journal);
        let items = if self.short { Items::Short } else { Items::Real };
        let sink = sink::Sink::start(self.listen, &record, items)
            .with_context(|| format!("listen on {}", self.listen))?;
        eprintln!("sink at {}", sink.url());
        show(|| sink.totals())
    }
}

/// Prints the totals as JSON when they have changed, at most once a second, until the process is ended.
fn show(totals: impl Fn() -> sink::Totals) -> Result<ExitCode> {
    let mut shown = totals();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let totals = totals();
        if totals != shown {
            println!("{}", serde_json::to_string(&totals)?);
            shown = totals;
        }
    }
}

/// Arguments of `bench beats-sink`.
#[derive(Debug, Args)]
pub(crate) struct BeatsSink {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:5044")]
    listen: SocketAddr,
}

impl BeatsSink {
    /// Serves until the process is ended.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let sink = beats_sink::BeatsSink::start(self.listen)
            .with_context(|| format!("listen on {}", self.listen))?;
        eprintln!("sink at logstash://{}", sink.address());
        show(|| sink.totals())
    }
}

/// Arguments of `bench fault-server`.
#[derive(Debug, Args)]
pub(crate) struct FaultServer {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9200")]
    listen: SocketAddr,
    /// Write what is stored into this journal.
    #[arg(long)]
    journal: PathBuf,
    /// Seed of the plan; printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Faulty requests in a thousand.
    #[arg(long, default_value_t = 200)]
    per_mille: u64,
    /// Longest pause in one request, in milliseconds.
    #[arg(long, default_value_t = 100)]
    think: u64,
    /// Roll data streams over with some of the lost answers.
    #[arg(long)]
    rollover: bool,
}

impl FaultServer {
    /// Serves until the process is ended; prints items by status when they have changed, at most once a second.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let plan = Plan::Random {
            seed,
            per_mille: self.per_mille,
            think_max: Duration::from_millis(self.think),
            hang: Duration::from_secs(5),
            roll_over: self.rollover,
        };
        let options = Options { address: self.listen, plan, journal: Some(self.journal), keep: Keep::Ids };
        let server =
            fault::FaultServer::start(options).with_context(|| format!("listen on {}", self.listen))?;
        eprintln!("fault server at {}, seed {seed}", server.url());
        let mut shown = Default::default();
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let items = server.traffic().items();
            if items != shown {
                println!("{}", serde_json::to_string(&items)?);
                shown = items;
            }
        }
    }
}
