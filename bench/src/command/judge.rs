//! `bench judge`.

use anyhow::{Context, Result};
use bench::{judge, ledger};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `bench judge`.
#[derive(Debug, Args)]
pub(crate) struct Judge {
    /// What was written.
    #[arg(long)]
    ledger: PathBuf,
    /// What was stored: a journal of the sink or the fault server.
    #[arg(long, required_unless_present = "cluster", conflicts_with = "cluster")]
    journal: Option<PathBuf>,
    /// What was stored: a running cluster, `http://host:port`. `BENCH_AUTHORIZATION` holds the header's value.
    #[arg(long)]
    cluster: Option<String>,
    /// Index or data stream of the cluster to page through.
    #[arg(long, default_value = "logs-app-default")]
    index: String,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

impl Judge {
    /// Judges and prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let entries = ledger::read(&self.ledger)?;
        let verdict = match (&self.journal, &self.cluster) {
            (Some(journal), _) => judge::of_journal(&entries, journal)?,
            (None, cluster) => {
                let url = cluster.as_deref().context("neither a journal nor a cluster is named")?;
                let cluster = judge::Cluster::new(url, std::env::var("BENCH_AUTHORIZATION").ok())?;
                judge::of_cluster(&entries, &cluster, &self.index)?
            }
        };
        if self.json {
            println!("{}", serde_json::to_string(&verdict)?);
        } else {
            println!("{verdict}");
        }
        Ok(if verdict.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
