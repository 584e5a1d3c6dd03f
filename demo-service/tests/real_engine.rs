//! A hundred thousand lines through the agent into a real engine: every number there, none twice.
//!
//! The service writes and rotates its log while it serves; then the agent, in this process, reads all files to their ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use bench::engine::{self, Engine, Kind};
use blueox::cli;
use clap::Parser;
use serde_json::{Value, json};
use service::{Service, rotated, sequences};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

const LINES: usize = 100_000;
const STREAM: &str = "logs-app-default";
/// Most documents an engine gives at once.
const PAGE: usize = 10_000;

#[test]
#[ignore = "needs a JDK and Maven"]
fn elasticsearch_has_every_line_once() {
    every_line_once(Kind::Elasticsearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn opensearch_has_every_line_once() {
    every_line_once(Kind::OpenSearch);
}

fn every_line_once(kind: Kind) {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let service =
        Service::logging_to(&log, &["--name", "shop", "--log-max-size", "10000000", "--log-keep", "100"]);
    request_often(&service, LINES);
    let last = service.stop();
    let written = *sequences(&last).last().unwrap() as usize;
    let files = rotated(&log);
    assert!(written >= LINES && files.len() > 3, "{written} lines in {files:?}");

    let engine = engine::own(kind, &[], false);
    ship(&files, engine.url());

    assert_eq!(engine.count(STREAM), written as u64);
    assert_eq!(stored(&engine), (1..=written as u64).collect::<Vec<_>>());
}

/// `GET /simple` over one connection.
fn request_often(service: &Service, times: usize) {
    let mut stream = TcpStream::connect(service.url().trim_start_matches("http://")).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    let batch = 100;
    let requests = "GET /simple HTTP/1.1\r\nhost: test\r\nx-load-profile: steady\r\n\r\n".repeat(batch);
    for _ in 0..times.div_ceil(batch) {
        stream.write_all(requests.as_bytes()).unwrap();
        for _ in 0..batch {
            while line != "simple\n" {
                line.clear();
                assert!(answers.read_line(&mut line).unwrap() > 0, "the connection ended");
            }
            line.clear();
        }
    }
}

fn ship(files: &[PathBuf], url: &str) {
    // Refused where another test of this process has done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let files = files.iter().map(|path| path.to_str().unwrap());
    let arguments = ["blueox", "once"].into_iter().chain(files).chain(["--to", url]);
    let exit = cli::execute(cli::Arguments::parse_from(arguments));
    assert_eq!(format!("{exit:?}"), format!("{:?}", cli::Exit::Done));
}

/// The number of every document, ascending.
fn stored(engine: &Engine) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        let mut search = json!({
            "size": PAGE,
            "_source": false,
            "docvalue_fields": ["event.sequence"],
            "sort": [{"event.sequence": "asc"}],
        });
        if let Some(after) = numbers.last() {
            // Passes over further documents with the number of the last one; the count, compared before, has them.
            search["search_after"] = json!([after]);
        }
        let answer = engine.call("POST", &format!("/{STREAM}/_search"), &search.to_string());
        let hits = answer["hits"]["hits"].as_array().cloned().unwrap_or_default();
        let number = |hit: &Value| hit["fields"]["event.sequence"][0].as_u64().expect("a number");
        numbers.extend(hits.iter().map(number));
        if hits.len() < PAGE {
            return numbers;
        }
    }
}

#[test]
fn the_service_numbers_every_line_of_many_in_rotated_files() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let service = Service::logging_to(&log, &["--log-max-size", "1000000", "--log-keep", "100"]);
    request_often(&service, 5_000);
    drop(service.stop());
    let lines: Vec<_> =
        rotated(&log).iter().flat_map(|path| service::parse(&fs::read_to_string(path).unwrap())).collect();
    assert_eq!(sequences(&lines), (1..=lines.len() as u64).collect::<Vec<_>>());
    assert!(lines.len() >= 5_000, "{}", lines.len());
}
