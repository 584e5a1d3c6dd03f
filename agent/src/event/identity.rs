//! Who wrote a line: what the configuration, the environment and the file add to every document.

use super::document::PADDING;
use super::format::{self, Choice};
use super::layout::{Rank, layout};
use super::leftovers::{LeftoverKeys, Space};
use super::targets::{Field, Shape, Target};
use super::text;
use crate::config::{FieldValue, Input, Processor, Source};
use crate::line::Container;
use jiff::tz::TimeZone;
use std::path::Path;

/// What the agent knows of its surroundings. Given for fields neither the configuration nor the line states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `host.name`: the agent's own host.
    pub host_name: String,
    /// `service.name`.
    pub service_name: Option<String>,
    /// `service.version`.
    pub service_version: Option<String>,
    /// `service.environment`.
    pub service_environment: Option<String>,
    /// `service.node.name`.
    pub service_node_name: Option<String>,
}

impl Environment {
    /// Reads the variables of this process.
    pub fn from_process(host_name: impl Into<String>) -> Self {
        Self::from_variables(host_name, |name| std::env::var(name).ok())
    }

    /// Reads `SERVICE_NAME`, `SERVICE_VERSION` or `VERSION`, `SERVICE_ENVIRONMENT`, `SERVICE_NODE_NAME`, and what they leave
    /// open from `VCAP_APPLICATION` (Cloud Foundry). Empty variables count as absent, as does JSON that cannot be read.
    pub fn from_variables(host_name: impl Into<String>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let vcap =
            given("VCAP_APPLICATION").and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok());
        let application = |key: &str| match vcap.as_ref()?.get(key)? {
            serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let instance = || {
            let index = application("instance_index").or_else(|| given("CF_INSTANCE_INDEX"))?;
            Some(format!("{}/{index}", application("application_name")?))
        };
        Self {
            host_name: host_name.into(),
            service_name: given("SERVICE_NAME").or_else(|| application("application_name")),
            service_version: given("SERVICE_VERSION")
                .or_else(|| given("VERSION"))
                .or_else(|| application("application_version")),
            service_environment: given("SERVICE_ENVIRONMENT").or_else(|| application("space_name")),
            service_node_name: given("SERVICE_NODE_NAME").or_else(instance),
        }
    }
}

/// A `format` this agent does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format `{name}`; use one of {}", format::names().collect::<Vec<_>>().join(", "))]
pub struct UnknownFormat {
    /// The name found.
    pub name: String,
}

/// One input: what all its documents share, and the leftover keys it has learned.
#[derive(Debug, Clone)]
pub struct Stream {
    pub(super) choice: Choice,
    pub(super) zone: TimeZone,
    /// Values of the configuration and of the agent itself, which beat the line's.
    pub(super) stated: Vec<Fixed>,
    /// Values for what neither configuration nor line states.
    pub(super) assumed: Vec<Fixed>,
    /// JSON texts the two lists point into.
    pub(super) texts: Vec<u8>,
    /// Configured fields without an ECS name.
    pub(super) labels: Vec<FixedLabel>,
    pub(super) keys: LeftoverKeys,
    container: Container,
    is_syslog: bool,
    /// Keys of lines that are mapped by another name.
    pub(super) renames: Vec<Rename>,
}

/// `rename` of `processors`.
#[derive(Debug, Clone)]
pub(super) struct Rename {
    /// As the line writes it, with the objects around it.
    pub(super) from: Box<[u8]>,
    pub(super) to: Box<[u8]>,
}

/// One field with a value that is the same for all lines of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    pub(super) rank: Rank,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A configured label.
#[derive(Debug, Clone)]
pub(super) struct FixedLabel {
    pub(super) path: Box<[u8]>,
    pub(super) space: Space,
    pub(super) json: Box<[u8]>,
}

/// Version of the Elastic Common Schema the documents follow.
pub const ECS_VERSION: &str = "8.17.0";

impl Stream {
    /// The stream of `input`. Fails if its `format` is unknown.
    pub fn new(input: &Input, environment: &Environment) -> Result<Self, UnknownFormat> {
        let name = input.format.as_deref().unwrap_or("auto");
        let choice = format::choice(name).ok_or_else(|| UnknownFormat { name: name.to_owned() })?;
        let mut stream = Self {
            choice,
            zone: input.timezone.clone(),
            stated: Vec::new(),
            assumed: Vec::new(),
            texts: Vec::new(),
            labels: Vec::new(),
            keys: LeftoverKeys::default(),
            container: input.container,
            is_syslog: matches!(input.source, Source::Syslog { .. }),
            renames: Vec::new(),
        };
        stream.state(Target::EcsVersion, ECS_VERSION);
        stream.state(Target::EventDataset, &input.dataset);
        for (name, value) in &input.fields {
            stream.configure(name, value);
        }
        let assumed = [
            (Target::HostName, Some(&environment.host_name)),
            (Target::ServiceName, environment.service_name.as_ref()),
            (Target::ServiceVersion, environment.service_version.as_ref()),
            (Target::ServiceEnvironment, environment.service_environment.as_ref()),
            (Target::ServiceNodeName, environment.service_node_name.as_ref()),
        ];
        for (target, value) in assumed {
            // What came over the network is not of this machine.
            if let Some(value) = value.filter(|value| !value.is_empty() && !stream.is_syslog) {
                let fixed = stream.fix(target.into(), |out| text::write_quoted(value.as_bytes(), out));
                stream.assumed.push(fixed);
            }
        }
        stream.texts.extend_from_slice(&PADDING);
        Ok(stream)
    }

    /// What a container runtime has put around lines.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Whether each line is a syslog message.
    pub fn is_syslog(&self) -> bool {
        self.is_syslog
    }

    /// Takes over the renames among the processors.
    pub fn rename(&mut self, processors: &[Processor]) {
        for processor in processors {
            if let Processor::Rename { from, to } = processor {
                self.renames.push(Rename { from: from.as_bytes().into(), to: to.as_bytes().into() });
            }
        }
    }

    /// The leftover keys learned so far, for the checkpoint.
    pub fn leftover_keys(&self) -> &LeftoverKeys {
        &self.keys
    }

    /// The same, to take over those of an earlier run.
    pub fn leftover_keys_mut(&mut self) -> &mut LeftoverKeys {
        &mut self.keys
    }

    /// Changes whenever the learned keys change.
    pub fn revision(&self) -> u64 {
        self.keys.len() as u64
    }

    fn state(&mut self, target: Target, value: &str) {
        let fixed = self.fix(target.into(), |out| text::write_quoted(value.as_bytes(), out));
        self.stated.push(fixed);
    }

    /// A field of the configuration: an ECS name if the value fits it, else a label.
    fn configure(&mut self, name: &str, value: &FieldValue) {
        let json = match value {
            FieldValue::Text(text) => {
                let mut json = Vec::new();
                text::write_quoted(text.as_bytes(), &mut json);
                json
            }
            FieldValue::Number(number) => number.as_bytes().to_vec(),
            FieldValue::Bool(value) => value.to_string().into_bytes(),
        };
        let field = Field::named(name).filter(|field| fits(field.shape(), value));
        if let Some(field) = field {
            let fixed = self.fix(field, |out| out.extend_from_slice(&json));
            let same_field = self.stated.iter_mut().find(|other| other.rank == fixed.rank);
            match same_field {
                Some(other) => *other = fixed,
                None => self.stated.push(fixed),
            }
            return;
        }
        let (space, prefix) = match value {
            FieldValue::Number(_) => (Space::Numbers, "numeric_labels."),
            _ => (Space::Labels, "labels."),
        };
        let key = name.strip_prefix(prefix).unwrap_or(name);
        self.labels.push(FixedLabel { path: key.as_bytes().into(), space, json: json.into() });
    }

    fn fix(&mut self, field: Field, write: impl FnOnce(&mut Vec<u8>)) -> Fixed {
        let start = self.texts.len() as u32;
        write(&mut self.texts);
        Fixed { rank: layout().rank(field), start, end: self.texts.len() as u32 }
    }
}

/// Whether a configured value can stand in a field as it is.
fn fits(shape: Shape, value: &FieldValue) -> bool {
    match shape {
        Shape::Text | Shape::Keyword | Shape::Keywords => matches!(value, FieldValue::Text(_)),
        Shape::Long => matches!(value, FieldValue::Number(number) if number.parse::<i64>().is_ok()),
        Shape::Float => matches!(value, FieldValue::Number(_)),
        Shape::Boolean => matches!(value, FieldValue::Bool(_)),
        Shape::Ip | Shape::Ips => {
            matches!(value, FieldValue::Text(ip) if ip.parse::<std::net::IpAddr>().is_ok())
        }
        // A time, a trace or a span is of one line, never of an input.
        Shape::Date | Shape::Hex(_) => false,
    }
}

/// One file: what all its documents share.
#[derive(Debug, Clone)]
pub struct FileMemory {
    /// JSON texts: `log.file.path`, then those of `container`.
    pub(super) texts: Box<[u8]>,
    /// Where the path ends.
    pub(super) path_end: u32,
    /// What the path says of a container.
    pub(super) container: Vec<Fixed>,
}

impl FileMemory {
    /// For a file of the agent's own, whose path says nothing of the lines in it.
    pub fn unnamed() -> Self {
        Self { texts: Box::default(), path_end: 0, container: Vec::new() }
    }

    /// For the file at `path`. What is not UTF-8 in it becomes U+FFFD in the documents.
    pub fn new(path: &Path) -> Self {
        let mut texts = Vec::new();
        text::write_quoted(path.as_os_str().as_encoded_bytes(), &mut texts);
        let path_end = texts.len() as u32;
        let mut container = Vec::new();
        for (target, value) in super::container::of_path(path) {
            let start = texts.len() as u32;
            text::write_quoted(value.as_bytes(), &mut texts);
            container.push(Fixed { rank: layout().rank(target), start, end: texts.len() as u32 });
        }
        Self { texts: texts.into(), path_end, container }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables("web-1", |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn plain_variables_beat_cloud_foundry() {
        let vcap = r#"{"application_name":"shop","application_version":"a1","space_name":"prod","instance_index":2}"#;
        let found = environment(&[("VCAP_APPLICATION", vcap), ("SERVICE_VERSION", ""), ("VERSION", "1.2")]);
        let expected = Environment {
            host_name: "web-1".into(),
            service_name: Some("shop".into()),
            service_version: Some("1.2".into()),
            service_environment: Some("prod".into()),
            service_node_name: Some("shop/2".into()),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn unreadable_cloud_foundry_json_counts_as_absent() {
        let found = environment(&[("VCAP_APPLICATION", "{"), ("SERVICE_NAME", "shop")]);
        assert_eq!(found, Environment { service_name: Some("shop".into()), ..environment(&[]) });
    }
}
