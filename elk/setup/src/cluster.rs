//! What answers at the URL, once it is ready.

use crate::SetupError;
use crate::transport::{Method, Reply, Request, Transport};
use serde_json::Value;
use std::fmt;

/// A version number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl Version {
    /// The version `major.minor.0`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// Reads `8.19.8` and `9.2.0-SNAPSHOT`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split('-').next()?;
        let parts = number.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
        match parts[..] {
            [major, minor, patch] => Some(Self { major, minor, patch }),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch, or what answers like it.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

impl Product {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }

    /// Boards need Kibana 8.9; the templates would do with less, but are tested only from there on.
    const fn oldest(self) -> Version {
        match self {
            Self::Elasticsearch => Version::new(8, 9),
            Self::OpenSearch => Version::new(2, 0),
        }
    }
}

/// What a cluster is and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Base URL.
    pub url: String,
    /// Which engine.
    pub product: Product,
    /// Its version.
    pub version: Version,
    /// Whether there are users, roles and API keys.
    pub security: Security,
    /// Whether pipelines can compute (`script` processor).
    pub scripts: bool,
    /// OpenSearch: whether the plugin for index state management is there.
    pub index_management: bool,
}

/// Whether requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Elasticsearch's: roles and API keys.
    Elasticsearch,
    /// There is none, or it is not Elasticsearch's.
    None,
}

/// What a look at the cluster needs.
const LOOK: &str = "the cluster privilege `monitor`";

impl Cluster {
    /// Waits until the cluster answers and has a master, then looks what it is.
    pub fn await_ready(transport: &mut dyn Transport) -> Result<Self, SetupError> {
        let root = await_root(transport)?;
        let url = transport.url().to_owned();
        let (product, version) = product(&url, &root)?;
        if version < product.oldest() {
            let (product, oldest) = (product.name(), product.oldest());
            return Err(SetupError::TooOld { url, product, found: version, oldest });
        }
        await_master(transport)?;
        Ok(Self {
            url,
            product,
            version,
            security: match product {
                Product::Elasticsearch => security(transport)?,
                Product::OpenSearch => Security::None,
            },
            scripts: has_scripts(transport)?,
            index_management: product == Product::OpenSearch && has_index_management(transport)?,
        })
    }

    /// Whether it is Elasticsearch of this version or a later one.
    pub fn is_elasticsearch_since(&self, major: u32, minor: u32) -> bool {
        self.product == Product::Elasticsearch && self.version >= Version::new(major, minor)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.product.name(), self.version, self.url)
    }
}

/// Sends, and makes every answer but a 2xx or 404 an error.
pub(crate) fn ask(
    transport: &mut dyn Transport,
    request: &Request,
    doing: &str,
    needed: &str,
) -> Result<Reply, SetupError> {
    let url = transport.url().to_owned();
    let reply = transport.send(request).map_err(|silence| SetupError::of_silence(&url, &silence))?;
    match reply.status {
        200..=299 | 404 => Ok(reply),
        _ => Err(SetupError::of_reply(&url, doing, needed, &reply)),
    }
}

/// As [`ask`], with what was tried where the answer is no JSON object.
pub(crate) fn ask_json(
    transport: &mut dyn Transport,
    request: &Request,
    doing: &str,
    needed: &str,
) -> Result<Option<Value>, SetupError> {
    let reply = ask(transport, request, doing, needed)?;
    if reply.status == 404 {
        return Ok(None);
    }
    match reply.json() {
        body @ Value::Object(_) => Ok(Some(body)),
        _ => Err(SetupError::Unreadable { doing: doing.to_owned(), found: reply.reason() }),
    }
}

/// Asks until an answer comes that waiting cannot better.
pub(crate) fn await_reply(
    transport: &mut dyn Transport,
    request: &Request,
    ready: impl Fn(&Reply) -> Result<(), String>,
) -> Result<Reply, SetupError> {
    loop {
        let found = match transport.send(request) {
            Ok(reply) => match ready(&reply) {
                Ok(()) => return Ok(reply),
                Err(found) => found,
            },
            Err(silence) => silence.to_string(),
        };
        if !transport.pause(&found) {
            return Err(SetupError::NotReady { url: transport.url().to_owned(), found });
        }
    }
}

/// Statuses of servers and proxies that are still starting.
pub(crate) fn is_settled(reply: &Reply) -> Result<(), String> {
    match reply.status {
        408 | 429 | 502 | 503 | 504 => Err(format!("status {}: {}", reply.status, reply.reason())),
        _ => Ok(()),
    }
}

fn await_root(transport: &mut dyn Transport) -> Result<Reply, SetupError> {
    let reply = await_reply(transport, &Request::new(Method::Get, "/"), is_settled)?;
    match reply.status {
        401 | 403 => Err(SetupError::of_reply(transport.url(), "see what answers there", LOOK, &reply)),
        _ => Ok(reply),
    }
}

fn product(url: &str, root: &Reply) -> Result<(Product, Version), SetupError> {
    let stranger = |found: String| SetupError::Stranger {
        url: url.to_owned(),
        expected: "Elasticsearch or OpenSearch",
        found,
    };
    let body = root.json();
    let version = &body["version"];
    let Some(number) = version["number"].as_str().filter(|_| root.status == 200) else {
        return Err(stranger(format!("status {}, {}", root.status, root.reason())));
    };
    let product = match version["distribution"].as_str() {
        Some("opensearch") => Product::OpenSearch,
        None => Product::Elasticsearch,
        Some(other) => return Err(stranger(format!("it calls itself `{other}`"))),
    };
    let parsed = Version::parse(number).ok_or_else(|| stranger(format!("version `{number}`")))?;
    Ok((product, parsed))
}

/// Templates can be changed only where a master is elected. A cluster whose health may not be seen is taken for ready.
fn await_master(transport: &mut dyn Transport) -> Result<(), SetupError> {
    let health = Request::new(Method::Get, "/_cluster/health?timeout=2s");
    await_reply(transport, &health, |reply| match reply.status {
        502..=504 => Err(format!("status {}: {}", reply.status, reply.reason())),
        _ => Ok(()),
    })?;
    Ok(())
}

/// Without security Elasticsearch has no such endpoint.
fn security(transport: &mut dyn Transport) -> Result<Security, SetupError> {
    let request = Request::new(Method::Get, "/_security/_authenticate");
    let url = transport.url().to_owned();
    let reply = transport.send(&request).map_err(|silence| SetupError::of_silence(&url, &silence))?;
    match reply.status {
        200 => Ok(Security::Elasticsearch),
        400 | 404 | 405 | 500 => Ok(Security::None),
        _ => Err(SetupError::of_reply(&url, "see who is logged in", LOOK, &reply)),
    }
}

fn has_scripts(transport: &mut dyn Transport) -> Result<bool, SetupError> {
    let request = Request::new(Method::Get, "/_nodes/ingest?filter_path=nodes.*.ingest.processors.type");
    let body = ask_json(transport, &request, "list the ingest processors", LOOK)?.unwrap_or_default();
    let nodes = body["nodes"].as_object().into_iter().flatten();
    let mut processors =
        nodes.flat_map(|(_, node)| node["ingest"]["processors"].as_array().into_iter().flatten());
    Ok(processors.any(|processor| processor["type"] == "script"))
}

/// The plugin answers 404 for a policy that is not there; without it there is no handler for the path (400).
fn has_index_management(transport: &mut dyn Transport) -> Result<bool, SetupError> {
    let request = Request::new(Method::Get, "/_plugins/_ism/policies/logs-app");
    let url = transport.url().to_owned();
    let reply = transport.send(&request).map_err(|silence| SetupError::of_silence(&url, &silence))?;
    match reply.status {
        200 | 404 => Ok(true),
        400 | 405 => Ok(false),
        _ => Err(SetupError::of_reply(&url, "look for index state management", LOOK, &reply)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(Version::parse("8.19.8"), Some(Version { major: 8, minor: 19, patch: 8 }));
        assert_eq!(Version::parse("9.2.0-SNAPSHOT"), Some(Version::new(9, 2)));
        assert!(Version::parse("8.9.0") < Version::parse("8.10.0"));
        for text in ["", "8", "8.1", "8.x.1", "a"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn strangers_are_named() {
        let check = |status, body: &str| product("u", &Reply { status, body: body.as_bytes().to_vec() });
        assert_eq!(
            check(200, r#"{"version":{"number":"2.19.1","distribution":"opensearch"}}"#),
            Ok((Product::OpenSearch, Version { major: 2, minor: 19, patch: 1 }))
        );
        assert!(check(200, r#"{"version":{"number":"8.19.8"}}"#).is_ok());
        for (status, body) in [
            (200, "<html>"),
            (200, "{}"),
            (302, ""),
            (200, r#"{"version":{"number":"8"}}"#),
            (200, r#"{"version":{"number":"1.0.0","distribution":"other"}}"#),
        ] {
            assert!(matches!(check(status, body), Err(SetupError::Stranger { .. })), "{body}");
        }
    }
}
