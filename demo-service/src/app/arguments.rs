//! Flags and environment of a service.

use super::fault::Fault;
use super::identity::Identity;
use crate::log::{FileSettings, Settings, field};
use axum::http::Uri;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// A service.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Name of the service; else from VCAP_APPLICATION, else `demo-service`
    #[arg(long, env = "SERVICE_NAME")]
    pub(super) name: Option<String>,
    /// Its version; else VERSION, else from VCAP_APPLICATION, else that of this program
    #[arg(long, env = "SERVICE_VERSION")]
    pub(super) version: Option<String>,
    /// Where it runs: prod, test …; else from VCAP_APPLICATION
    #[arg(long, env = "SERVICE_ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Name of this instance; else from VCAP_APPLICATION, else host and process id stand for it
    #[arg(long, env = "SERVICE_NODE_NAME", value_name = "ID")]
    pub(super) instance: Option<String>,
    /// Port to serve; 0 takes a free one. A first line on standard output names it: {"url":…,"name":…,"pid":…}
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Address to serve
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Log to this file
    #[arg(long, env = "LOG_FILE", value_name = "FILE")]
    log: Option<PathBuf>,
    /// Bytes after which the log file is renamed and begun anew
    #[arg(long, env = "LOG_MAX_SIZE", value_name = "BYTES", default_value_t = 100 << 20)]
    log_max_size: u64,
    /// How many renamed log files are kept
    #[arg(long, env = "LOG_KEEP", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    log_keep: u16,
    /// Log to standard output; the default where there is no log file
    #[arg(long)]
    log_stdout: bool,
    /// Least level that is logged: off, error, warn, info, debug or trace
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,
    /// Seconds between two events about the process
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) metrics_interval: u64,
    /// The instance that /chain calls: http://host:port
    #[arg(long, env = "UPSTREAM", value_name = "URL", value_parser = plain_http)]
    pub(super) upstream: Option<Uri>,
    /// Connections to the database of /slow
    #[arg(long, env = "POOL_SIZE", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) pool_size: u16,
    /// How many requests may wait for one; further ones get 503
    #[arg(long, env = "POOL_QUEUE", value_name = "N", default_value_t = 64)]
    pub(super) pool_queue: u16,
    /// Something to make worse: slow-compute:FACTOR, error-rate:ROUTE=RATE, upstream-down:refuse, upstream-down:hang,
    /// pool:SIZE, noisy:LINES_PER_SECOND; repeatable
    #[arg(long = "fault", value_name = "KIND:VALUE")]
    pub(super) faults: Vec<Fault>,
}

impl Arguments {
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.port)
    }

    pub(super) fn logs_to_stdout(&self) -> bool {
        self.log_stdout || self.log.is_none()
    }

    pub(super) fn log_settings(&self, identity: &Identity) -> Settings {
        let fields = [
            (field::SERVICE_VERSION, Some(&identity.version)),
            (field::SERVICE_ENVIRONMENT, identity.environment.as_ref()),
            (field::SERVICE_NODE, identity.node.as_ref()),
        ];
        let stated =
            fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?.as_str().into())));
        Settings {
            name: identity.name.clone(),
            fields: stated.collect(),
            level: self.log_level,
            file: self.log.clone().map(|path| FileSettings {
                path,
                max_size: self.log_max_size,
                keep: self.log_keep.into(),
            }),
            stdout: self.logs_to_stdout(),
        }
    }
}

fn plain_http(text: &str) -> Result<Uri, String> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.path() == "/" => Ok(uri),
        _ => Err("write it as http://host:port".to_owned()),
    }
}
