//! A server that says yes to every bulk request as cheaply as it can, for measuring those who send them.
//!
//! It stores nothing. It answers what Filebeat, rsyslog and the like ask before they send.

use crate::bulk::{Answer, Detail, Item, Outcome, items, refusal};
use crate::http::{Exchange, Framing, Server, Service};
use crate::journal::Journal;
use crate::line::Mark;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Largest body taken, also when inflated: Elasticsearch's default.
pub const BODY_MAX: usize = 100 << 20;

/// Concrete index named in answers.
const BACKING: &str = ".ds-logs-app-default-2026.11.23-000001";

/// `GET /` of the version this crate behaves like.
pub const ROOT: &str = r#"{"name":"bench","cluster_name":"bench","cluster_uuid":"varXqYKQQh6QAYtqSEwwUA","version":{"number":"8.19.8","build_flavor":"default","build_type":"zip","build_snapshot":false,"lucene_version":"9.12.2","minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"},"tagline":"You Know, for Search"}"#;

/// What to keep of a request besides its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Nothing.
    Counts,
    /// When which mark came first in a body: for latencies.
    Arrivals,
    /// Every document, into this file: for the judge.
    Journal(PathBuf),
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// As the real server does, honouring `filter_path`.
    Real,
    /// `{"status":201}` for each, whatever was asked.
    Short,
}

/// What has come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Documents.
    pub events: u64,
    /// Bulk requests.
    pub requests: u64,
    /// Bytes of bulk requests on the wire: heads and bodies.
    pub wire_bytes: u64,
    /// Bytes of bulk bodies after inflating.
    pub body_bytes: u64,
}

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    items: Items,
    events: AtomicU64,
    requests: AtomicU64,
    wire_bytes: AtomicU64,
    body_bytes: AtomicU64,
    record: Recorder,
}

#[derive(Debug)]
enum Recorder {
    Counts,
    Arrivals(Mutex<Vec<(Mark, Instant)>>),
    Journal(Mutex<Journal>),
}

impl Sink {
    /// Listens on `address` (port 0: any).
    pub fn start(address: SocketAddr, record: &Record, items: Items) -> io::Result<Self> {
        let record = match record {
            Record::Counts => Recorder::Counts,
            Record::Arrivals => Recorder::Arrivals(Mutex::default()),
            Record::Journal(path) => Recorder::Journal(Mutex::new(Journal::create(path)?)),
        };
        let state = Arc::new(State {
            items,
            events: AtomicU64::default(),
            requests: AtomicU64::default(),
            wire_bytes: AtomicU64::default(),
            body_bytes: AtomicU64::default(),
            record,
        });
        let server = Server::start(address, BODY_MAX, Arc::clone(&state) as Arc<dyn Service>)?;
        Ok(Self { server, state })
    }

    /// `http://…`, without trailing slash.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What has come in so far.
    pub fn totals(&self) -> Totals {
        self.state.totals()
    }

    /// Takes the arrivals recorded since the last call.
    pub fn take_arrivals(&self) -> Vec<(Mark, Instant)> {
        match &self.state.record {
            Recorder::Arrivals(arrivals) => {
                std::mem::take(&mut arrivals.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Recorder::Counts | Recorder::Journal(_) => Vec::new(),
        }
    }
}

impl Service for State {
    fn serve(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        if exchange.head.path.ends_with("/_bulk") {
            return self.bulk(exchange);
        }
        let (status, body) = match exchange.head.path.as_str() {
            "/" => (200, ROOT.to_owned()),
            "/_license" => {
                (200, r#"{"license":{"uid":"bench","type":"basic","status":"active"}}"#.to_owned())
            }
            "/_xpack" => (
                200,
                r#"{"license":{"uid":"bench","type":"basic","status":"active"},"features":{}}"#.to_owned(),
            ),
            "/_cluster/health" | "/_cat/health" => (200, r#"{"status":"green"}"#.to_owned()),
            "/_bench/totals" => (200, serde_json::to_string(&self.totals())?),
            path if path.starts_with("/_data_stream/") => (200, data_stream(path)),
            _ => (200, r#"{"acknowledged":true}"#.to_owned()),
        };
        exchange.respond(status, Framing::Length, body.as_bytes())
    }
}

/// The stream asked for, never rolled over.
fn data_stream(path: &str) -> String {
    let name = path.trim_start_matches("/_data_stream/");
    serde_json::json!({ "data_streams": [{
        "name": name, "timestamp_field": { "name": "@timestamp" }, "generation": 1, "status": "GREEN",
        "indices": [{ "index_name": BACKING, "index_uuid": "bench" }],
    }]})
    .to_string()
}

impl State {
    fn bulk(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let body = exchange.body()?;
        let arrived = Instant::now();
        let items = match items(&body.bytes) {
            Ok(items) => items,
            Err(error) => {
                let body = refusal(400, "illegal_argument_exception", &error.to_string());
                return exchange.respond(400, Framing::Length, &body);
            }
        };
        let detail = match self.items {
            Items::Real => Detail::of_query(&exchange.head.query),
            Items::Short => Detail::SHORT,
        };
        self.record(&items, arrived)?;
        let first = self.events.fetch_add(items.len() as u64, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.wire_bytes.fetch_add((exchange.head.wire + body.wire) as u64, Ordering::Relaxed);
        self.body_bytes.fetch_add(body.bytes.len() as u64, Ordering::Relaxed);
        let mut answer = Answer::new(detail);
        for (seq_no, item) in (first..).zip(&items) {
            let id = item.id.as_deref().unwrap_or("eLaGCaIBsYGyX-muP6QW");
            answer.push(item.op, BACKING, id, &Outcome::Created { seq_no });
        }
        exchange.respond(200, Framing::Length, &answer.finish())
    }

    fn record(&self, items: &[Item<'_>], arrived: Instant) -> io::Result<()> {
        match &self.record {
            Recorder::Counts => Ok(()),
            Recorder::Arrivals(arrivals) => {
                let marks =
                    items.iter().filter_map(|item| Mark::find(item.source)).map(|mark| (mark, arrived));
                arrivals.lock().unwrap_or_else(PoisonError::into_inner).extend(marks);
                Ok(())
            }
            Recorder::Journal(journal) => {
                let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
                for item in items {
                    journal.append(
                        item.index.as_deref().unwrap_or(BACKING),
                        item.id.as_deref().unwrap_or(""),
                        item.source,
                    )?;
                }
                journal.flush()
            }
        }
    }

    fn totals(&self) -> Totals {
        Totals {
            events: self.events.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            wire_bytes: self.wire_bytes.load(Ordering::Relaxed),
            body_bytes: self.body_bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Client;

    fn start(record: &Record) -> (Sink, Client) {
        let sink = Sink::start(([127, 0, 0, 1], 0).into(), record, Items::Real).expect("sink");
        let client = Client::new(&sink.url(), None).expect("client");
        (sink, client)
    }

    #[test]
    fn bulk_requests_are_counted_and_answered_item_by_item() {
        let (sink, client) = start(&Record::Counts);
        let body = b"{\"create\":{\"_id\":\"a\"}}\n{\"x\":1}\n{\"create\":{\"_id\":\"b\"}}\n{\"x\":2}\n";
        let reply = client.send("POST", "/logs-app-default/_bulk", body).expect("answer");
        let answer = reply.json().expect("JSON");
        assert_eq!(answer["items"][1]["create"]["_id"], "b");
        assert_eq!(answer["items"][1]["create"]["status"], 201);
        let totals = sink.totals();
        assert_eq!((totals.events, totals.requests, totals.body_bytes), (2, 1, body.len() as u64));
        assert!(totals.wire_bytes > totals.body_bytes);
    }

    #[test]
    fn arrivals_name_the_marks_of_a_body() {
        let (sink, client) = start(&Record::Arrivals);
        let body = b"{\"create\":{}}\n{\"labels\":{\"mark\":\"bench.1.2.0000abcd\"}}\n";
        client.send("POST", "/_bulk", body).expect("answer");
        let arrivals = sink.take_arrivals();
        assert_eq!(arrivals.iter().map(|(mark, _)| mark.sequence).collect::<Vec<_>>(), [2]);
        assert!(sink.take_arrivals().is_empty());
    }

    #[test]
    fn what_shippers_ask_first_is_answered() {
        let (_sink, client) = start(&Record::Counts);
        for path in ["/", "/_license", "/_xpack", "/_data_stream/logs-app-default", "/_cat/health"] {
            assert_eq!(client.send("GET", path, b"").expect("answer").status, 200, "{path}");
        }
        assert_eq!(
            client.send("GET", "/", b"").expect("answer").json().expect("JSON")["version"]["number"],
            "8.19.8"
        );
    }
}
