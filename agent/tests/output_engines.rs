//! The output against real engines. Needs `BLUEOX_TEST_ENGINES`: base URLs separated by blanks, of Elasticsearch or OpenSearch
//! nodes of their own that need no log-in. `BLUEOX_TEST_SMALL_ENGINES` names such nodes started with
//! `http.max_content_length=64kb` or `indexing_pressure.memory.limit=40kb`. Without them these tests pass over, and say so.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/output_harness.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests")]
mod harness;

use blueox::batch::Batch;
use blueox::output::Fate;
use blueox::output::elasticsearch::{Timing, check};
use harness::{DELIVERED, Delivery, config};
use std::collections::HashMap;

const STREAM: &str = "logs-app.output-test";

fn engines(variable: &str) -> Vec<String> {
    let urls = std::env::var(variable).unwrap_or_default();
    if urls.is_empty() {
        eprintln!("skipped: {variable} names no engine");
    }
    urls.split_whitespace().map(str::to_owned).collect()
}

async fn call(method: reqwest::Method, url: String, body: &str) -> serde_json::Value {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth(),
        )
        .build()
        .unwrap();
    let request =
        client.request(method, url).header("content-type", "application/json").body(body.to_owned());
    serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
}

/// A new, empty data stream whose template maps `n` as a number.
async fn new_stream(engine: &str) {
    use reqwest::Method;
    call(Method::DELETE, format!("{engine}/_data_stream/{STREAM}"), "").await;
    let template = format!(
        r#"{{"index_patterns":["{STREAM}*"],"data_stream":{{}},"priority":500,"template":{{"settings":{{"number_of_replicas":0}},
            "mappings":{{"properties":{{"n":{{"type":"long"}}}}}}}}}}"#
    );
    let answer = call(Method::PUT, format!("{engine}/_index_template/logs-app-output-test"), &template).await;
    assert_eq!(answer["acknowledged"], true, "{answer}");
}

fn events(starts: std::ops::Range<u64>, poison: Option<u64>) -> Batch {
    harness::batch_of(STREAM, starts, 1, |start| {
        let n = if Some(start) == poison { "\"none\"".to_owned() } else { start.to_string() };
        format!(r#"{{"@timestamp":"2026-01-01T00:00:00Z","n":{n}}}"#)
    })
}

async fn deliver(engine: &str, batch: Batch, known: HashMap<String, String>) -> (Vec<Fate>, Option<String>) {
    let mut delivery = Delivery::start_with(config(&[engine.to_owned()]), Timing::default(), known);
    delivery.send(batch).await;
    let fates = delivery.fates().await.into_values().collect();
    (fates, delivery.settlements().into_iter().find_map(|settlement| settlement.backing_index))
}

#[tokio::test]
async fn events_are_stored_once_refused_with_a_reason_and_found_after_a_rollover() {
    for engine in engines("BLUEOX_TEST_ENGINES") {
        new_stream(&engine).await;
        let (fates, first) = deliver(&engine, events(0..100, Some(42)), HashMap::new()).await;
        assert_eq!(fates.iter().filter(|fate| **fate == DELIVERED).count(), 99, "{engine}");
        let Fate::Refused(refusal) = &fates[42] else { panic!("{:?}", fates[42]) };
        assert!(
            refusal.status == 400 && refusal.reason.contains("[n]") && refusal.reason.contains("none"),
            "{refusal:?}"
        );
        let first = first.expect("the answer names the backing index");

        let (fates, _) = deliver(&engine, events(90..110, None), HashMap::new()).await;
        assert!(fates[..10].iter().all(|fate| *fate == Fate::Conflict { expected: false }), "{fates:?}");
        assert!(fates[10..].iter().all(|fate| *fate == DELIVERED), "{fates:?}");

        call(reqwest::Method::POST, format!("{engine}/{STREAM}/_rollover"), "").await;
        let known = HashMap::from([(STREAM.to_owned(), first.clone())]);
        let (fates, second) = deliver(&engine, harness::uncertain(events(100..120, None)), known).await;
        assert!(fates[..10].iter().all(|fate| *fate == Fate::FoundBefore), "{engine}: {fates:?}");
        assert!(fates[10..].iter().all(|fate| *fate == DELIVERED), "{engine}: {fates:?}");
        assert_ne!(second, Some(first));

        call(reqwest::Method::POST, format!("{engine}/{STREAM}/_refresh"), "").await;
        let count = call(reqwest::Method::GET, format!("{engine}/{STREAM}/_count"), "").await;
        assert_eq!(count["count"], 119, "{engine}: each event but the refused one, once");
    }
}

#[tokio::test]
async fn a_check_names_the_engine_and_the_streams_without_a_template() {
    for engine in engines("BLUEOX_TEST_ENGINES") {
        new_stream(&engine).await;
        let streams = [STREAM.to_owned(), "logs-app.nowhere-test".to_owned()];
        let report = check::check(&config(&[engine]), Timing::default(), &streams).await.unwrap();
        assert!(report.is_deliverable(), "{report:?}");
        assert_eq!(report.without_template.unwrap(), ["logs-app.nowhere-test"]);
    }
}

/// E09 and the 429 an idle node answers each time to a request above its indexing pressure limit.
#[tokio::test]
async fn a_node_with_small_limits_gets_everything_in_smaller_requests() {
    for engine in engines("BLUEOX_TEST_SMALL_ENGINES") {
        new_stream(&engine).await;
        let message = "x".repeat(3000);
        let document =
            |start| format!(r#"{{"@timestamp":"2026-01-01T00:00:00Z","n":{start},"message":"{message}"}}"#);
        for level in [0, 1] {
            let starts = u64::from(level) * 1000..u64::from(level) * 1000 + 100;
            let (fates, _) =
                deliver(&engine, harness::batch_of(STREAM, starts, level, document), HashMap::new()).await;
            assert!(fates.len() == 100 && fates.iter().all(|fate| *fate == DELIVERED), "{engine}: {fates:?}");
        }
    }
}
