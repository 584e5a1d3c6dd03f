//! What the operator writes, and what it means.
//!
//! The way of a configuration: text ([`source`]) → tree with places ([`document`]) → typed values by the tables of keys
//! ([`key`], [`section`]) → the meant form ([`Config`]). Every mistake is collected on the way, so one run shows all of
//! them; nothing is written and no network is touched. A key's table entry is its bounds, its default and its paragraph of
//! the reference page at once.

mod address;

mod arguments;

mod document;

mod expand;

mod index;

mod input;

mod key;

mod listener;

mod login;

mod meant;

mod mistake;

mod output;

mod path;

mod processor;

mod reference;

mod root;

mod section;

mod source;

mod syslog;

mod unit;

pub use meant::*;
pub(crate) use mistake::shown;
pub use mistake::{Mark, Mistake, Mistakes, Place};
pub use path::compile_glob;
pub use reference::reference;
pub(crate) use root::host_name;

use std::path::{Path, PathBuf};

/// A valid configuration, and what is unwise about it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration.
    pub config: Config,
    /// To be logged at each start.
    pub warnings: Vec<Mistake>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Wrong arguments: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// An invalid configuration: exit code 78.
    #[error("{0}")]
    Invalid(#[from] Mistakes),
}

/// The environment variables a configuration may refer to.
pub struct Environment<'a>(Box<dyn Fn(&str) -> expand::Variable + 'a>);

impl<'a> Environment<'a> {
    /// Those of this process.
    pub fn of_process() -> Environment<'static> {
        Environment(Box::new(|name| std::env::var_os(name).map(|value| value.into_string().map_err(|_| ()))))
    }

    /// Exactly these.
    pub fn of(variables: &'a [(&'a str, &'a str)]) -> Self {
        Self(Box::new(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| Ok((*value).to_owned()))
        }))
    }

    fn lookup(&self) -> expand::Lookup<'_> {
        &*self.0
    }

    /// A variable of the agent's own. Empty counts as not set.
    fn text(&self, name: &str) -> Result<Option<String>, Box<Mistake>> {
        match (self.0)(name) {
            Some(Ok(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Ok(None),
            Some(Err(())) => Err(Box::new(Mistake {
                place: Place::Environment,
                key: name.to_owned(),
                found: "is not UTF-8".into(),
                remedy: "set it to UTF-8 text".into(),
            })),
        }
    }
}

impl Config {
    /// Reads and checks a configuration file. Fails with all its mistakes at once.
    pub fn load(file: &Path, environment: &Environment<'_>) -> Result<Checked, ConfigError> {
        load(file, environment, root::Replace::default())
    }

    /// The configuration of `run PATH… --to URL` and `once PATH… --to URL` without a file.
    ///
    /// Without a path lines come from standard input. Relative paths begin at the working directory; everything that is not said has its default. The log-in comes from
    /// `BLUEOX_API_KEY`, or `BLUEOX_USERNAME` with `BLUEOX_PASSWORD`, the authority from `BLUEOX_CA`; each also as
    /// `…_FILE`.
    pub fn from_arguments(
        paths: &[String],
        to: &str,
        environment: &Environment<'_>,
    ) -> Result<Checked, ConfigError> {
        arguments::from_arguments(paths, to, &working_directory()?, environment)
    }

    /// A file whose paths, output or both the command line replaces.
    ///
    /// With `paths` the file has at most one input, whose other settings hold for them. `to` takes the place of the whole
    /// `output` section.
    pub fn load_with(
        file: &Path,
        paths: &[String],
        to: Option<&str>,
        environment: &Environment<'_>,
    ) -> Result<Checked, ConfigError> {
        let directory = working_directory()?;
        let destination = to.map(|to| arguments::destination(to, &directory, environment)).transpose()?;
        let paths = (!paths.is_empty()).then(|| arguments::argument_paths(paths, &directory)).transpose()?;
        let (output, warnings) = match destination {
            Some(destination) => (Some(destination.output), destination.warnings),
            None => (None, Vec::new()),
        };
        let mut checked = load(file, environment, root::Replace { paths, output })?;
        checked.warnings.extend(warnings);
        Ok(checked)
    }
}

/// A server the command line names.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its URL, log-in and authority; everything else has its default.
    pub elasticsearch: Elasticsearch,
    /// To be shown.
    pub warnings: Vec<Mistake>,
}

impl Server {
    /// The server that the argument `flag` names by its URL, with the log-in and the authority of the environment.
    pub fn named(flag: &str, url: &str, environment: &Environment<'_>) -> Result<Self, ConfigError> {
        arguments::server(flag, url, environment)
    }
}

/// Checks a dataset of the command line by the rules of `data_stream.dataset`.
pub fn check_dataset(flag: &str, dataset: &str) -> Result<(), ConfigError> {
    match input::stream_part_problem(dataset) {
        Some((found, remedy)) => Err(ConfigError::Usage(format!("{flag} {found}; {remedy}"))),
        None => Ok(()),
    }
}

/// Reads a duration of the command line, such as `90s`.
pub fn duration(flag: &str, text: &str) -> Result<std::time::Duration, ConfigError> {
    unit::duration(text)
        .map_err(|error| ConfigError::Usage(format!("{flag} {} {error}; write it like 90s, 5m", shown(text))))
}

/// The token of `blueox status`: `BLUEOX_TOKEN` or the file `BLUEOX_TOKEN_FILE` names.
pub fn status_token(environment: &Environment<'_>) -> Result<Option<Secret>, ConfigError> {
    let found = login::variable(environment, "BLUEOX_TOKEN").map_err(|mistake| Mistakes::from(*mistake))?;
    Ok(found.0.map(Secret::new))
}

fn working_directory() -> Result<PathBuf, ConfigError> {
    std::env::current_dir().map_err(|error| {
        let found = format!("the working directory cannot be used: {}", source::reason(&error));
        ConfigError::Usage(format!("{found}; change to another one"))
    })
}

fn load(file: &Path, environment: &Environment<'_>, replace: root::Replace) -> Result<Checked, ConfigError> {
    let text = source::read(file).map_err(Mistakes::from)?;
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    let base = absolute.parent().unwrap_or(Path::new("/"));
    if base.to_str().is_none() {
        return Err(ConfigError::Invalid(Mistakes::from(Mistake {
            place: Place::File(file.to_path_buf(), None),
            key: String::new(),
            found: "its directory has a name that is not UTF-8".into(),
            remedy: "move it to another one; relative paths begin there".into(),
        })));
    }
    resolve(&text, file, base, environment, replace).map_err(ConfigError::Invalid)
}

/// From text to meaning. `file` is only a name here; relative paths begin at `base`.
fn resolve(
    text: &str,
    file: &Path,
    base: &Path,
    environment: &Environment<'_>,
    replace: root::Replace,
) -> Result<Checked, Mistakes> {
    let walk = section::Walk::new(file, base, environment);
    let (tree, faults) = document::parse(text);
    let readable = tree.is_some();
    for fault in &faults {
        walk.mistake(fault.at, "", &fault.found, &fault.remedy);
    }
    let config = match tree.filter(|tree| !tree.is_null()) {
        Some(tree) => root::resolve(&walk, &tree, replace),
        None if faults.is_empty() || readable => {
            let start = Mark { line: 1, column: 1 };
            walk.mistake(start, "", "the configuration is empty", "write at least `inputs` and `output`");
            None
        }
        None => None,
    };
    let (mistakes, warnings) = walk.finish();
    match config {
        Some(config) if mistakes.is_empty() => Ok(Checked { config, warnings }),
        _ => Err(Mistakes(mistakes)),
    }
}

#[cfg(test)]
mod tests;
