//! A configuration without a file: paths, `--to` and the environment.

use super::address::{base_url, host_port};
use super::login;
use super::mistake::{Mistake, Mistakes, Place, shown};
use super::output;
use super::path::{absolute_glob, compile_glob, is_literal};
use super::{Checked, ConfigError, Server};
use super::{Environment, Login, Logstash, Output, Syslog, Tls, input, root, syslog};
use std::path::{Path, PathBuf};

/// The configuration of `run PATH… --to URL` and `once PATH… --to URL`; everything else has its default. Without a path lines
/// come from standard input.
///
/// `directory` is where relative paths begin. Log-ins come from `BLUEOX_API_KEY`, `BLUEOX_USERNAME` with
/// `BLUEOX_PASSWORD`, and an authority from `BLUEOX_CA` (a path); each also as `…_FILE`.
pub(super) fn from_arguments(
    paths: &[String],
    to: &str,
    directory: &Path,
    environment: &Environment<'_>,
) -> Result<Checked, ConfigError> {
    let input = match paths {
        [] => super::Input { source: super::Source::Stdin, ..input::defaults(Vec::new()) },
        paths => input::defaults(argument_paths(paths, directory)?),
    };
    let destination = destination(to, directory, environment)?;
    let config = root::defaults(vec![input], destination.output, directory);
    let conflicts = root::own_file_conflicts(&config);
    if let Some((_, found, remedy)) = conflicts.into_iter().next() {
        return Err(usage(found, remedy));
    }
    Ok(Checked { config, warnings: destination.warnings })
}

/// Where `--to` leads.
pub(super) struct Destination {
    pub(super) output: Output,
    pub(super) warnings: Vec<Mistake>,
}

/// Reads `--to`. A text that is no destination is wrong usage; one that comes later or a wrong log-in is an invalid
/// configuration.
pub(super) fn destination(
    to: &str,
    directory: &Path,
    environment: &Environment<'_>,
) -> Result<Destination, ConfigError> {
    let plain = |output| Ok(Destination { output, warnings: Vec::new() });
    let scheme = to.split(':').next().unwrap_or(to);
    match scheme {
        "stdout" if to == "stdout:" => plain(Output::Stdout),
        "file" => plain(Output::File(file(to, directory)?)),
        "http" | "https" => {
            let server = server("--to", to, environment)?;
            Ok(Destination { output: Output::Elasticsearch(server.elasticsearch), warnings: server.warnings })
        }
        "logstash" | "logstashs" => plain(Output::Logstash(logstash(to, environment)?)),
        "syslog+tcp" | "syslog+tls" | "syslog+udp" => plain(Output::Syslog(syslog(to, environment)?)),
        _ => Err(usage(
            format!("--to {} names no output", shown(to)),
            "write http(s)://HOST:PORT for Elasticsearch, logstash(s)://HOST:PORT, syslog+tcp://HOST:PORT (or tls, udp), file:PATH or \
             stdout:",
        )),
    }
}

fn logstash(to: &str, environment: &Environment<'_>) -> Result<Logstash, ConfigError> {
    let (scheme, rest) = to.split_once("://").unwrap_or((to, ""));
    let address = host_port(rest, output::LOGSTASH_PORT).map_err(wrong_destination)?;
    let tls = match scheme {
        "logstashs" => Some(trusted(environment)?),
        _ => None,
    };
    Ok(Logstash { hosts: vec![address], tls, pipelining: 2, compression: 1 })
}

fn syslog(to: &str, environment: &Environment<'_>) -> Result<Syslog, ConfigError> {
    let url = to.trim_start_matches("syslog+");
    let (transport, address) = syslog::destination(url, trusted(environment)?).map_err(wrong_destination)?;
    Ok(Syslog { shipper: root::host_name(), transport, address, dialect: syslog::dialect_of(environment) })
}

fn wrong_destination((found, remedy): (String, String)) -> ConfigError {
    usage(format!("--to {found}"), &remedy)
}

/// Full checks by the authority of the environment, else the system's.
fn trusted(environment: &Environment<'_>) -> Result<Tls, ConfigError> {
    let mut mistakes = Vec::new();
    let ca = authority(environment, &mut mistakes);
    match mistakes.is_empty() {
        true => Ok(Tls { ca, ..Tls::default() }),
        false => Err(invalid(mistakes)),
    }
}

fn file(to: &str, directory: &Path) -> Result<PathBuf, ConfigError> {
    let path = to.trim_start_matches("file:");
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        return Err(usage(format!("--to {} names no file", shown(to)), "write file:PATH"));
    }
    Ok(super::path::absolute(directory, Path::new(path)))
}

/// A server by its URL, with the log-in and the authority of the environment.
pub(super) fn server(flag: &str, url: &str, environment: &Environment<'_>) -> Result<Server, ConfigError> {
    let base = base_url(url).map_err(|(found, remedy)| usage(format!("{flag} {found}"), &remedy))?;
    if base.login.is_some() {
        return Err(usage(
            format!("{flag} holds a log-in, which everyone on this machine can see in the list of processes"),
            "set BLUEOX_USERNAME and BLUEOX_PASSWORD, or BLUEOX_API_KEY (each also as …_FILE), and leave it out of the URL",
        ));
    }
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let login = login::from_environment(environment, &mut mistakes, &mut warnings);
    let ca = authority(environment, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    if !matches!(login, Login::None) && !base.encrypted && !base.loopback {
        let (found, remedy) = output::plain_login(&base.url);
        warnings.push(Mistake { place: Place::Arguments, key: flag.into(), found, remedy: remedy.into() });
    }
    let tls = Tls { ca, ..Tls::default() };
    Ok(Server { elasticsearch: output::defaults(base.url, login, tls), warnings })
}

/// `BLUEOX_CA` and `BLUEOX_CA_FILE` both name the PEM file: an authority is no secret.
fn authority(environment: &Environment<'_>, mistakes: &mut Vec<Mistake>) -> Option<PathBuf> {
    let mut paths = Vec::new();
    for name in ["BLUEOX_CA", "BLUEOX_CA_FILE"] {
        match environment.text(name) {
            Ok(path) => paths.extend(path.map(|path| (name, path))),
            Err(mistake) => mistakes.push(*mistake),
        }
    }
    let mut note = |name: &str, found: String, remedy: String| {
        mistakes.push(Mistake { place: Place::Environment, key: name.into(), found, remedy });
    };
    match &paths[..] {
        [] => None,
        [(name, path)] => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
            if let Err((found, remedy)) = output::check_certificates(&path) {
                note(name, found, remedy);
            }
            Some(path)
        }
        _ => {
            note(
                "BLUEOX_CA",
                "`BLUEOX_CA` and `BLUEOX_CA_FILE` are both set".into(),
                "set one of them".into(),
            );
            None
        }
    }
}

/// Paths of the command line as absolute globs. A file that exists by exactly that name is meant literally, whatever
/// characters it holds; of the others one without wildcards must exist.
pub(super) fn argument_paths(paths: &[String], directory: &Path) -> Result<Vec<String>, ConfigError> {
    paths.iter().map(|path| argument_path(path, directory)).collect()
}

fn argument_path(path: &str, directory: &Path) -> Result<String, ConfigError> {
    let literal = super::path::absolute(directory, Path::new(path));
    match std::fs::metadata(&literal) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(usage(
                format!("{} is a directory", shown(path)),
                "name its files, such as `DIRECTORY/*.log`",
            ));
        }
        Ok(_) => return Ok(globset::escape(&literal.to_string_lossy())),
        Err(error) if is_literal(path) && error.kind() != std::io::ErrorKind::NotFound => {
            let found = format!("{} cannot be looked up: {}", shown(path), super::source::reason(&error));
            return Err(usage(found, "check the path and its permissions"));
        }
        Err(_) => {}
    }
    match compile_glob(path) {
        Ok(_) => Ok(absolute_glob(directory, path)),
        Err(error) => Err(usage(format!("{} is no valid glob: {}", shown(path), error.kind()), "correct it")),
    }
}

fn usage(found: String, remedy: &str) -> ConfigError {
    ConfigError::Usage(format!("{found}; {remedy}"))
}

fn invalid(mistakes: Vec<Mistake>) -> ConfigError {
    ConfigError::Invalid(Mistakes(mistakes))
}
