//! How each shipper is set up.

use super::Course;
use crate::process::free_address;
use anyhow::{Context, Result};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// A shipper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// This project's agent.
    Blueox {
        /// Its program.
        program: PathBuf,
        /// gzip level; 0 is off.
        compression: u8,
    },
    /// imfile to omelasticsearch, lines copied untouched. The output has no request compression.
    Rsyslog {
        /// `rsyslogd`.
        program: PathBuf,
        /// The output module, where it is not in rsyslog's own directory.
        module: Option<PathBuf>,
    },
    /// Filebeat 7.17 or newer, with the queue and batch sizes newer versions have by default.
    Filebeat {
        /// Its program.
        program: PathBuf,
    },
    /// Any other: a program, usually a script that writes a configuration and then `exec`s the shipper.
    Other {
        /// Name in the report.
        name: String,
        /// What to run; told by `BENCH_URL`, `BENCH_HOST`, `BENCH_PORT`, `BENCH_LOAD`, `BENCH_LIVE`, `BENCH_HOME`.
        program: PathBuf,
    },
}

impl Peer {
    /// Name in the report.
    pub fn name(&self) -> String {
        match self {
            Self::Blueox { compression: 0, .. } => "blueox, plain".to_owned(),
            Self::Blueox { compression, .. } => format!("blueox, gzip {compression}"),
            Self::Rsyslog { .. } => "rsyslog, lines untouched".to_owned(),
            Self::Filebeat { .. } => "Filebeat, batch 1600".to_owned(),
            Self::Other { name, .. } => name.clone(),
        }
    }

    /// Whether it is this project's agent.
    pub fn is_blueox(&self) -> bool {
        matches!(self, Self::Blueox { .. })
    }

    /// Writes its configuration and says how to start it.
    pub(super) fn command(&self, course: &Course, sink: SocketAddr) -> Result<Command> {
        match self {
            Self::Blueox { program, compression } => blueox(program.clone(), *compression, course, sink),
            Self::Rsyslog { program, module } => rsyslog(program.clone(), module.as_ref(), course, sink),
            Self::Filebeat { program } => filebeat(program.clone(), course, sink),
            Self::Other { program, .. } => Ok(other(program.clone(), course, sink)),
        }
    }
}

fn blueox(program: PathBuf, compression: u8, course: &Course, sink: SocketAddr) -> Result<Command> {
    let Course { load, live, home } = course;
    let (load, live, home) = (load.display(), live.display(), home.display());
    // Its own metric events would be counted as lines; the status page stays on, it is part of the footprint.
    let text = format!(
        "host: {{id: bench}}\n\
         inputs:\n  - paths: [\"{load}\", \"{live}\"]\n\
         output:\n  elasticsearch:\n    hosts: [\"http://{sink}\"]\n    compression: {compression}\n\
         state: {{path: \"{home}/state\"}}\n\
         monitoring: {{listen: \"{}\", events: false}}\n",
        free_address()?
    );
    let config = written(course, "blueox.yml", &text)?;
    let mut command = Command::new(program);
    command.arg("run").arg("-c").arg(config);
    Ok(command)
}

fn rsyslog(program: PathBuf, module: Option<&PathBuf>, course: &Course, sink: SocketAddr) -> Result<Command> {
    let Course { load, live, home } = course;
    let module = module.map_or_else(|| "omelasticsearch".to_owned(), |path| path.display().to_string());
    let (load, live, home) = (load.display(), live.display(), home.display());
    let (host, port) = (sink.ip(), sink.port());
    let text = format!(
        r#"global(workDirectory="{home}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="{module}")
template(name="line" type="string" string="%msg%")
input(type="imfile" file="{load}" tag="bench" ruleset="ship" addMetadata="off")
input(type="imfile" file="{live}" tag="bench" ruleset="ship" addMetadata="off")
ruleset(name="ship" queue.type="FixedArray" queue.size="20000" queue.dequeueBatchSize="1024" queue.workerThreads="1") {{
  action(type="omelasticsearch" server="{host}" serverport="{port}" template="line" searchIndex="logs-app-default"
         searchType="" bulkmode="on" maxbytes="10m" action.resumeRetryCount="-1")
}}
"#
    );
    let config = written(course, "rsyslog.conf", &text)?;
    let mut command = Command::new(program);
    command.arg("-n").arg("-f").arg(config).arg("-i").arg(course.home.join("rsyslog.pid"));
    Ok(command)
}

fn filebeat(program: PathBuf, course: &Course, sink: SocketAddr) -> Result<Command> {
    let Course { load, live, home } = course;
    let (load, live, home) = (load.display(), live.display(), home.display());
    let text = format!(
        "path.home: \"{home}\"\n\
         filebeat.inputs:\n  - type: filestream\n    id: bench\n    paths: [\"{load}\", \"{live}\"]\n    \
         parsers: [{{ndjson: {{keys_under_root: true, add_error_key: true}}}}]\n\
         queue.mem: {{events: 3200, flush.min_events: 1600, flush.timeout: 10s}}\n\
         output.elasticsearch: {{hosts: [\"http://{sink}\"], index: logs-app-default, bulk_max_size: 1600, worker: 1, \
         compression_level: 1}}\n\
         setup.template.enabled: false\nsetup.ilm.enabled: false\nlogging.level: warning\nlogging.metrics.enabled: false\n"
    );
    let config = written(course, "filebeat.yml", &text)?;
    let mut command = Command::new(program);
    command.arg("-e").arg("--strict.perms=false").arg("-c").arg(config);
    Ok(command)
}

fn other(program: PathBuf, course: &Course, sink: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command
        .env("BENCH_URL", format!("http://{sink}"))
        .env("BENCH_HOST", sink.ip().to_string())
        .env("BENCH_PORT", sink.port().to_string())
        .env("BENCH_LOAD", &course.load)
        .env("BENCH_LIVE", &course.live)
        .env("BENCH_HOME", &course.home);
    command
}

fn written(course: &Course, name: &str, text: &str) -> Result<PathBuf> {
    let path = course.home.join(name);
    fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    Ok(path)
}
