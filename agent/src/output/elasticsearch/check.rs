//! `blueox check --output`: can events be delivered, and will they be understood?

use super::answer::Answer;
use super::client::{Call, Client, ClientError, Timing};
use super::text::one_line;
use crate::config::Elasticsearch;
use serde::Deserialize;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Each host: its URL and what it is, or why it cannot be used.
    pub hosts: Vec<(String, Result<Engine, String>)>,
    /// Data streams without an index template of ours, or why that cannot be told.
    pub without_template: Result<Vec<String>, String>,
}

impl Report {
    /// Whether every host can be used.
    pub fn is_deliverable(&self) -> bool {
        self.hosts.iter().all(|(_, result)| result.is_ok())
    }
}

/// What answers at a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Elasticsearch or what calls itself so, and its version.
    Elasticsearch(String),
    /// OpenSearch and its version.
    OpenSearch(String),
    /// It is there and the log-in is good, but the log-in may not see name and version; delivery does not need it.
    Hidden,
}

/// Connects to each host, logs in, and looks for the index templates of `streams`.
pub async fn check(
    config: &Elasticsearch,
    timing: Timing,
    streams: &[String],
) -> Result<Report, ClientError> {
    let client = Client::new(config, timing)?;
    let mut hosts = Vec::new();
    for host in 0..client.hosts() {
        hosts.push((client.host(host).to_owned(), engine(&client, host).await));
    }
    let without_template = match hosts.iter().position(|(_, engine)| engine.is_ok()) {
        Some(host) => without_template(&client, host, streams).await,
        None => Err("no host can be used".to_owned()),
    };
    Ok(Report { hosts, without_template })
}

async fn engine(client: &Client, host: usize) -> Result<Engine, String> {
    let call = Call { path: &[], query: None, body: None };
    let (status, body) = client.call(host, call).await.map_err(|answer| describe(&answer))?;
    match status.as_u16() {
        200 => {
            let root: Root = serde_json::from_slice(&body)
                .map_err(|_| format!("answers, but not like Elasticsearch: {}", one_line(&body)))?;
            let engine = match root.version.distribution.as_deref() {
                Some("opensearch") => Engine::OpenSearch,
                _ => Engine::Elasticsearch,
            };
            Ok(engine(one_line(root.version.number.as_bytes())))
        }
        403 => Ok(Engine::Hidden),
        401 => Err(format!("the log-in is refused (status 401): {}", one_line(&body))),
        status => Err(format!("status {status}: {}", one_line(&body))),
    }
}

fn describe(answer: &Answer) -> String {
    match answer {
        Answer::NotSent(error) => format!("cannot connect: {error}"),
        Answer::Unknown(unknown) => unknown.detail.clone(),
        Answer::Whole(whole) => whole.summary(),
        Answer::Items(_) => "an answer to another request".to_owned(),
    }
}

async fn without_template(client: &Client, host: usize, streams: &[String]) -> Result<Vec<String>, String> {
    let call = Call { path: &["_index_template", "logs-app*"], query: None, body: None };
    let (status, body) = client.call(host, call).await.map_err(|answer| describe(&answer))?;
    let templates = match status.as_u16() {
        200 => {
            serde_json::from_slice::<Templates>(&body)
                .map_err(|_| "the answer to `_index_template` cannot be read".to_owned())?
                .index_templates
        }
        404 => Vec::new(),
        status => {
            return Err(format!("index templates cannot be seen (status {status}): {}", one_line(&body)));
        }
    };
    let covered = |stream: &String| templates.iter().any(|template| template.covers(stream));
    Ok(streams.iter().filter(|stream| !covered(stream)).cloned().collect())
}

#[derive(Deserialize)]
struct Root {
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    distribution: Option<String>,
}

#[derive(Deserialize)]
struct Templates {
    index_templates: Vec<NamedTemplate>,
}

#[derive(Deserialize)]
struct NamedTemplate {
    index_template: Template,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    index_patterns: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl NamedTemplate {
    fn covers(&self, stream: &str) -> bool {
        match &self.index_template.index_patterns {
            OneOrMany::One(pattern) => matches(pattern, stream),
            OneOrMany::Many(patterns) => patterns.iter().any(|pattern| matches(pattern, stream)),
        }
    }
}

/// Elasticsearch's simple patterns: `*` is any text, nothing else is special.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_patterns_match_as_in_elasticsearch() {
        for (pattern, name, expected) in [
            ("logs-app-*", "logs-app-default", true),
            ("logs-app-*", "logs-app.shop-default", false),
            ("logs-app.*-*", "logs-app.shop-default", true),
            ("logs-app-default", "logs-app-default", true),
            ("logs-app-default", "logs-app-default2", false),
            ("*", "x", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn captured_roots_name_the_engine() {
        for (engine, distribution) in [("elasticsearch", None), ("opensearch", Some("opensearch"))] {
            let path = format!("{}/tests/data/bulk/{engine}-root.json", env!("CARGO_MANIFEST_DIR"));
            let root: Root = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            assert_eq!(root.version.distribution.as_deref(), distribution);
        }
    }
}
