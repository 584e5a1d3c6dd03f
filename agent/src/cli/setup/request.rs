//! What the command line asks for, checked.

use crate::config::{
    Checked, Config, ConfigError, Elasticsearch, Environment, Login, Mistake, Output, Server, check_dataset,
    duration, shown,
};
use clap::Args;
use elk_setup::remove::Data;
use elk_setup::wish::{IndexMode, KeyWish, Retention, Wish};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `blueox setup`.
#[derive(Debug, Args)]
#[command(
    after_help = "The log-in, for Kibana too, comes from BLUEOX_USERNAME and BLUEOX_PASSWORD, or BLUEOX_API_KEY, \
    the authority from BLUEOX_CA; each also as ..._FILE.\nExit codes: 0 done, 2 wrong usage, 75 not reachable, not ready or not as \
    it should be (run it again), 78 refused (change something first)"
)]
pub(in crate::cli) struct SetupArguments {
    /// Configuration of an agent: its datasets, its certificates, and its host where none is named
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Elasticsearch or OpenSearch
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    elasticsearch: Option<String>,
    /// Kibana, for the boards
    #[arg(long, value_name = "URL")]
    kibana: Option<String>,
    /// Space of Kibana
    #[arg(long, value_name = "ID", requires = "kibana")]
    space: Option<String>,
    /// How long events are kept, such as 36h
    #[arg(long, value_name = "TIME", default_value = "7d")]
    retention: String,
    /// A further dataset for the templates; app and app.<name> are covered
    #[arg(long, value_name = "NAME")]
    dataset: Vec<String>,
    /// Store events in index mode logsdb: less disk, slower to write (Elasticsearch 8.17 or later)
    #[arg(long)]
    logsdb: bool,
    /// Make an API key for the agent and write it into this file; kept while it is valid
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "remove"])]
    api_key_out: Option<PathBuf>,
    /// How long to wait for servers that are not ready
    #[arg(long, value_name = "TIME", default_value = "2m")]
    wait: String,
    /// Print what would change, and change nothing
    #[arg(long, group = "task")]
    plan: bool,
    /// Look whether all is set up and every panel of the boards gets its data
    #[arg(long, group = "task")]
    check: bool,
    /// Remove what was set up; what existing data streams need stays
    #[arg(long, group = "task")]
    remove: bool,
    /// With --remove: delete the data streams too, with all their events
    #[arg(long, requires = "remove")]
    with_data: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Apply,
    Plan,
    Check,
    Remove(Data),
}

/// Checked arguments.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) elasticsearch: Elasticsearch,
    pub(super) kibana: Option<Elasticsearch>,
    pub(super) space: Option<String>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) patience: Duration,
    pub(super) warnings: Vec<Mistake>,
    retention: Retention,
    datasets: Vec<String>,
    index_mode: IndexMode,
}

impl Request {
    pub(super) fn read(arguments: &SetupArguments) -> Result<Self, ConfigError> {
        let environment = Environment::of_process();
        let retention = Retention::parse(&arguments.retention).map_err(|error| {
            ConfigError::Usage(format!("--retention {} {error}", shown(&arguments.retention)))
        })?;
        let space = arguments.space.as_deref().map(space).transpose()?;
        let mut datasets = arguments.dataset.clone();
        datasets.iter().try_for_each(|dataset| check_dataset("--dataset", dataset))?;
        let mut warnings = Vec::new();
        let config = match &arguments.config {
            Some(file) => {
                let Checked { config, warnings: unwise } = Config::load(file, &environment)?;
                warnings.extend(unwise);
                datasets.extend(config.inputs.iter().map(|input| input.dataset.clone()));
                output(config)
            }
            None => None,
        };
        let mut server = |flag: &str, url: Option<&str>| -> Result<Option<Elasticsearch>, ConfigError> {
            let Some(url) = url else { return Ok(None) };
            let Server { elasticsearch, warnings: unwise } = Server::named(flag, url, &environment)?;
            warnings.extend(unwise);
            Ok(Some(with_config(elasticsearch, config.as_ref())))
        };
        let first = config.as_ref().and_then(|output| output.hosts.first()).map(String::as_str);
        let elasticsearch = server("--elasticsearch", arguments.elasticsearch.as_deref().or(first))?;
        let kibana = server("--kibana", arguments.kibana.as_deref())?;
        let elasticsearch = elasticsearch.ok_or_else(|| {
            ConfigError::Usage(
                "the configuration has no output.elasticsearch; name the cluster with --elasticsearch".into(),
            )
        })?;
        Ok(Self {
            task: arguments.task(),
            elasticsearch,
            kibana,
            space,
            key_file: arguments.api_key_out.clone(),
            patience: duration("--wait", &arguments.wait)?,
            warnings,
            retention,
            datasets,
            index_mode: if arguments.logsdb { IndexMode::Logsdb } else { IndexMode::Standard },
        })
    }

    /// What the cluster should become. `key` is there where one is wanted, and holds the id of the one at hand.
    pub(super) fn wish(&self, key: Option<Option<String>>) -> Wish {
        Wish {
            retention: self.retention.clone(),
            datasets: self.datasets.clone(),
            index_mode: self.index_mode,
            key: key.map(|at_hand| KeyWish { at_hand }),
        }
    }
}

impl SetupArguments {
    fn task(&self) -> Task {
        match (self.plan, self.check, self.remove, self.with_data) {
            (true, ..) => Task::Plan,
            (_, true, ..) => Task::Check,
            (_, _, true, false) => Task::Remove(Data::Keep),
            (_, _, true, true) => Task::Remove(Data::Delete),
            _ => Task::Apply,
        }
    }
}

fn output(config: Config) -> Option<Elasticsearch> {
    match config.output {
        Output::Elasticsearch(elasticsearch) => Some(elasticsearch),
        _ => None,
    }
}

/// The environment's log-in is that of an administrator; where there is none, the agent's own is tried.
fn with_config(server: Elasticsearch, config: Option<&Elasticsearch>) -> Elasticsearch {
    let Some(config) = config else { return server };
    let login = match server.login {
        Login::None => config.login.clone(),
        login => login,
    };
    let tls = if server.tls.ca.is_some() { server.tls } else { config.tls.clone() };
    Elasticsearch { login, tls, ..server }
}

/// Ids of spaces are part of URLs; Kibana allows only these characters.
fn space(id: &str) -> Result<String, ConfigError> {
    let fine = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "_-".contains(character)
    };
    if id.is_empty() || !id.chars().all(fine) {
        let found = format!("--space {} is no id of a space", shown(id));
        return Err(ConfigError::Usage(format!(
            "{found}; write the last part of its URL, such as `ops` of /s/ops"
        )));
    }
    Ok(id.to_owned())
}
