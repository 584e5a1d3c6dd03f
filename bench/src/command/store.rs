//! `bench store`.

use anyhow::{Context, Result};
use bench::random::fresh_seed;
use bench::store::{Place, Trial};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `bench store`.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// Lines to ship.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Seed of the lines; printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// This project's agent.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    /// This project's store.
    #[arg(long, default_value = "target/release/pocket-elk")]
    pocket: PathBuf,
    /// Folder of the boards.
    #[arg(long, default_value = "dashboards")]
    boards: PathBuf,
    /// Elasticsearch in the same run: its URL (without any `logs-*`), or a folder with an `elasticsearch.sh` that starts one.
    #[arg(long, value_name = "URL|FOLDER")]
    elasticsearch: Option<String>,
    /// Work in this directory instead of a temporary one; takes about 600 bytes an event.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Keep Pocket ELK's data in this folder. Where it is filled already it is only asked: `--events` must then be what it has.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Store {
    /// Measures and prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let directory = match &self.directory {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let directory = directory.context("create a temporary directory")?;
        let mut places = vec![Place::Pocket(self.pocket)];
        places.extend(self.elasticsearch.map(|place| match place.starts_with("http") {
            true => Place::Url(place),
            false => Place::Script(place.into()),
        }));
        let trial = Trial {
            places,
            blueox: self.blueox,
            boards: self.boards,
            events: self.events,
            seed: self.seed.unwrap_or_else(fresh_seed),
            kept: self.keep,
        };
        let report = trial.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
