//! What happened in a scene and when: `scene.json`, a JSON object a line, by which boards can be held against the truth.

use super::script::Cause;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Happening {
    /// Services are started; `watch` is what to look for.
    Scene { scene: &'static str, watch: &'static str, length_s: f64 },
    /// An instance serves.
    Started {
        service: &'static str,
        version: &'static str,
        instance: String,
        url: String,
        pid: Option<u32>,
        log: String,
    },
    /// Users come to a service.
    Users { service: &'static str, users: u32, mix: &'static str, log: String, report: String },
    /// Trouble begins: the truth a board has to lead to. `instances` are those that have it from now on.
    Onset {
        cause: Cause,
        service: &'static str,
        endpoint: Option<&'static str>,
        logger: Option<&'static str>,
        version: &'static str,
        instances: Vec<String>,
        change: String,
    },
    /// Trouble is over.
    Over { service: &'static str },
    /// An instance was told to end and did.
    Ended { service: &'static str, version: &'static str, instance: String },
    /// The scene is over, to its end or not.
    End { complete: bool },
}

/// Something that happened, and when.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// UTC, RFC 3339.
    pub time: String,
    /// Seconds from the first entry.
    pub offset_s: f64,
    /// What it was.
    #[serde(flatten)]
    pub happening: Happening,
}

/// The file.
#[derive(Debug)]
pub(super) struct Timeline {
    file: File,
    start: Instant,
}

impl Timeline {
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, start: Instant::now() })
    }

    /// Writes a line; it is in the file when this returns.
    pub(super) fn write(&mut self, happening: Happening) -> io::Result<Entry> {
        let offset = Duration::from_millis(self.start.elapsed().as_millis() as u64);
        let entry = Entry { time: Timestamp::now().to_string(), offset_s: offset.as_secs_f64(), happening };
        self.file.write_all(format!("{}\n", serde_json::to_string(&entry)?).as_bytes())?;
        Ok(entry)
    }
}

impl fmt::Display for Entry {
    /// `  20.1 s  pricing 1.5.0 serves at http://…`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.1} s  {}", self.offset_s, self.happening)
    }
}

impl fmt::Display for Happening {
    /// A sentence for people; what only tests need stands in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scene { scene, watch, length_s } => {
                write!(f, "{scene}, {length_s:.0} s; what to look for:")?;
                watch.split("; ").try_for_each(|place| write!(f, "\n            {place}"))
            }
            Self::Started { service, version, instance, url, log, .. } => {
                write!(f, "{service} {version} serves at {url} as {instance}, log in {log}")
            }
            Self::Users { service, users, mix, .. } => write!(f, "{users} users come to {service}: {mix}"),
            Self::Onset { cause, service, endpoint, logger, version, instances, change } => {
                write!(f, "trouble in {service} {version}: {change}; cause: {cause}")?;
                let place =
                    endpoint.or(*logger).map(|place| format!("; seen at {place}")).unwrap_or_default();
                write!(f, "{place}, on {}", instances.join(", "))
            }
            Self::Over { service } => write!(f, "trouble in {service} is over"),
            Self::Ended { service, version, instance } => write!(f, "{service} {version} ended, {instance}"),
            Self::End { complete: true } => f.write_str("played to its end"),
            Self::End { complete: false } => f.write_str("stopped before its end"),
        }
    }
}
