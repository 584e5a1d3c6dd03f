//! Where the lines go: Pocket ELK as a process, or a cluster that is there, asked what it has.

use super::port;
use super::process::Process;
use super::role::Role;
use super::tally::{Lines, Stored};
use anyhow::{Context, Result, ensure};
use blueox::cli::connect;
use elk_setup::transport::{Method, Reply, Request, Transport};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Where Elasticsearch listens.
const FIRST_PORT: u16 = 9200;
/// Where Kibana listens.
const PAGE_PORT: u16 = 5601;
/// Where the agents' lines go.
const STREAM: &str = "logs-app-default";
/// How long the cluster may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pocket ELK as a process.
pub(crate) struct Pocket {
    /// The process.
    pub(crate) process: Process,
    /// Where it answers.
    pub(crate) url: String,
    /// Its Logs page.
    pub(crate) page: String,
}

impl Pocket {
    /// Starts it with its data in `folder`.
    pub(crate) fn start(folder: &Path, log: &Path) -> Result<Self> {
        port::on_free(FIRST_PORT, |address| Self::start_at(address, folder, log))
    }

    fn start_at(address: SocketAddr, folder: &Path, log: &Path) -> Result<Option<Self>> {
        let page = port::free(PAGE_PORT).next().context("no port for the Logs page is free")?;
        let [listen, view_port] = [address.to_string(), page.port().to_string()];
        let words = ["serve", "--listen", &listen, "--view-port", &view_port, "--data"].map(OsStr::new);
        let arguments = words.into_iter().chain([folder.as_os_str()]);
        let mut process = Process::start(Role::Store, "Pocket ELK", log, arguments)?;
        if let (Some(url), Some(page)) = (process.next_line()?, process.next_line()?) {
            return Ok(Some(Self { process, url, page }));
        }
        let status = process.wait()?;
        ensure!(
            port::is_taken(address) || port::is_taken(page),
            "Pocket ELK ended with {status}; its last words:\n{}",
            process.last_words()
        );
        Ok(None)
    }
}

/// A connection to the store.
pub(crate) struct Cluster {
    connection: Box<dyn Transport>,
}

/// What the store has of some processes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Holding {
    /// Lines by process.
    pub(crate) stored: Stored,
    /// 95th percentile of request durations of the last seconds, in milliseconds, by service.
    pub(crate) p95_ms: BTreeMap<String, f64>,
}

impl Cluster {
    /// Connects to nothing yet.
    pub(crate) fn at(url: &str) -> Result<Self> {
        let connection = connect("--elasticsearch", url, PATIENCE)?;
        Ok(Self { connection: Box::new(connection) })
    }

    /// What it has of the processes with these names.
    pub(crate) fn holds<'a>(&mut self, instances: impl Iterator<Item = &'a str>) -> Result<Holding> {
        let search = question(&instances.collect::<Vec<_>>());
        let reply = self.send(Request::new(Method::Post, format!("/{STREAM}/_search")).json(&search))?;
        if reply.status == 404 {
            return Ok(Holding::default());
        }
        ensure!(reply.is_success(), "the store refused to count ({}): {}", reply.status, reply.reason());
        holding(&reply.json()).context("the store gave no counts")
    }

    /// Makes all that it took visible.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        let reply = self.send(Request::new(Method::Post, format!("/{STREAM}/_refresh")))?;
        ensure!(
            reply.is_success() || reply.status == 404,
            "the store refused to refresh ({}): {}",
            reply.status,
            reply.reason()
        );
        Ok(())
    }

    fn send(&mut self, request: Request) -> Result<Reply> {
        let url = self.connection.url().to_owned();
        self.connection.send(&request).with_context(|| format!("no answer from {url}"))
    }
}

fn question(instances: &[&str]) -> Value {
    json!({
        "size": 0,
        "query": {"bool": {"filter": [{"terms": {"service.node.name": instances}}]}},
        "aggs": {
            "instances": {
                "terms": {"field": "service.node.name", "size": instances.len().max(1)},
                "aggs": {"numbers": {"sum": {"field": "event.sequence"}}}
            },
            "recent": {
                "filter": {"bool": {"filter": [{"term": {"event.category": "web"}}, {"range": {"@timestamp": {"gte": "now-10s"}}}]}},
                "aggs": {"services": {
                    "terms": {"field": "service.name", "size": 10},
                    "aggs": {"duration": {"percentiles": {"field": "event.duration", "percents": [95]}}}
                }}
            }
        }
    })
}

fn holding(answer: &Value) -> Option<Holding> {
    let aggregations = &answer["aggregations"];
    let mut holding = Holding::default();
    for bucket in aggregations["instances"]["buckets"].as_array()? {
        // Sums are floating point on the wire; up to 2^53, lines of a process up to a hundred million, they are exact.
        let lines = Lines {
            count: bucket["doc_count"].as_u64()?,
            numbers: bucket["numbers"]["value"].as_f64()? as u64,
        };
        holding.stored.insert(bucket["key"].as_str()?.to_owned(), lines);
    }
    for bucket in aggregations["recent"]["services"]["buckets"].as_array()? {
        if let Some(nanoseconds) = bucket["duration"]["values"]["95.0"].as_f64() {
            holding.p95_ms.insert(bucket["key"].as_str()?.to_owned(), nanoseconds / 1e6);
        }
    }
    Some(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_percentiles_are_taken_from_the_answer() {
        let answer = json!({"aggregations": {
            "instances": {"buckets": [{"key": "a", "doc_count": 3, "numbers": {"value": 6.0}}]},
            "recent": {"doc_count": 2, "services": {"buckets": [
                {"key": "shop", "doc_count": 2, "duration": {"values": {"95.0": 2_500_000.0}}},
                {"key": "load", "doc_count": 0, "duration": {"values": {"95.0": null}}}
            ]}}
        }});
        let holding = holding(&answer).unwrap();
        assert_eq!(holding.stored["a"], Lines { count: 3, numbers: 6 });
        assert_eq!(holding.p95_ms, BTreeMap::from([("shop".to_owned(), 2.5)]));
    }

    #[test]
    fn an_answer_without_counts_is_not_a_count_of_nothing() {
        assert_eq!(holding(&json!({"aggregations": {}})), None);
        assert_eq!(holding(&json!({"hits": {}})), None);
    }
}
