//! The Elasticsearch output against real engines ([`bench::engine`]), also such as take little at once.

use crate::harness::{DELIVERED, Delivery, config};
use bench::engine::{self, Engine, Kind};
use blueox::batch::Batch;
use blueox::output::Fate;
use blueox::output::elasticsearch::{Timing, check};
use std::collections::HashMap;

const STREAM: &str = "logs-app.output-test";

fn shared() -> [&'static Engine; 2] {
    [engine::shared(Kind::Elasticsearch), engine::shared(Kind::OpenSearch)]
}

/// A new, empty data stream whose template maps `n` as a number.
fn new_stream(engine: &Engine) {
    // There may be none.
    engine.ask("DELETE", &format!("/_data_stream/{STREAM}"), "");
    let template = format!(
        r#"{{"index_patterns":["{STREAM}*"],"data_stream":{{}},"priority":500,"template":{{"settings":{{"number_of_replicas":0}},
            "mappings":{{"properties":{{"n":{{"type":"long"}}}}}}}}}}"#
    );
    engine.call("PUT", "/_index_template/logs-app-output-test", &template);
}

fn events(starts: std::ops::Range<u64>, poison: Option<u64>) -> Batch {
    crate::harness::batch_of(STREAM, starts, 1, |start| {
        let n = if Some(start) == poison { "\"none\"".to_owned() } else { start.to_string() };
        format!(r#"{{"@timestamp":"2026-01-01T00:00:00Z","n":{n}}}"#)
    })
}

async fn deliver(
    engine: &Engine,
    batch: Batch,
    known: HashMap<String, String>,
) -> (Vec<Fate>, Option<String>) {
    let mut delivery = Delivery::start_with(config(&[engine.url().to_owned()]), Timing::default(), known);
    delivery.send(batch).await;
    let fates = delivery.fates().await.into_values().collect();
    (fates, delivery.settlements().into_iter().find_map(|settlement| settlement.backing_index))
}

#[tokio::test]
#[ignore = "needs Elasticsearch and OpenSearch"]
async fn events_are_stored_once_refused_with_a_reason_and_found_after_a_rollover() {
    for engine in shared() {
        new_stream(engine);
        let (fates, first) = deliver(engine, events(0..100, Some(42)), HashMap::new()).await;
        assert_eq!(fates.iter().filter(|fate| **fate == DELIVERED).count(), 99, "{}", engine.url());
        let Fate::Refused(refusal) = &fates[42] else { panic!("{:?}", fates[42]) };
        assert!(
            refusal.status == 400 && refusal.reason.contains("[n]") && refusal.reason.contains("none"),
            "{refusal:?}"
        );
        let first = first.expect("the answer names the backing index");

        let (fates, _) = deliver(engine, events(90..110, None), HashMap::new()).await;
        assert!(fates[..10].iter().all(|fate| *fate == Fate::Conflict { expected: false }), "{fates:?}");
        assert!(fates[10..].iter().all(|fate| *fate == DELIVERED), "{fates:?}");

        engine.call("POST", &format!("/{STREAM}/_rollover"), "");
        let known = HashMap::from([(STREAM.to_owned(), first.clone())]);
        let (fates, second) = deliver(engine, crate::harness::uncertain(events(100..120, None)), known).await;
        assert!(fates[..10].iter().all(|fate| *fate == Fate::FoundBefore), "{}: {fates:?}", engine.url());
        assert!(fates[10..].iter().all(|fate| *fate == DELIVERED), "{}: {fates:?}", engine.url());
        assert_ne!(second, Some(first));

        assert_eq!(engine.count(STREAM), 119, "{}: each event but the refused one, once", engine.url());
    }
}

#[tokio::test]
#[ignore = "needs Elasticsearch and OpenSearch"]
async fn a_check_names_the_engine_and_the_streams_without_a_template() {
    for engine in shared() {
        new_stream(engine);
        let streams = [STREAM.to_owned(), "logs-app.nowhere-test".to_owned()];
        let report =
            check::check(&config(&[engine.url().to_owned()]), Timing::default(), &streams).await.unwrap();
        assert!(report.is_deliverable(), "{report:?}");
        assert_eq!(report.without_template.unwrap(), ["logs-app.nowhere-test"]);
    }
}

/// E09 and the 429 an idle node answers each time to a request above its indexing pressure limit.
#[tokio::test]
#[ignore = "needs Elasticsearch and OpenSearch"]
async fn a_node_with_small_limits_gets_everything_in_smaller_requests() {
    for setting in ["http.max_content_length=64kb", "indexing_pressure.memory.limit=40kb"] {
        let engine = engine::own(Kind::Elasticsearch, &[setting.to_owned()], false);
        new_stream(&engine);
        let message = "x".repeat(3000);
        let document =
            |start| format!(r#"{{"@timestamp":"2026-01-01T00:00:00Z","n":{start},"message":"{message}"}}"#);
        for level in [0, 1] {
            let starts = u64::from(level) * 1000..u64::from(level) * 1000 + 100;
            let (fates, _) =
                deliver(&engine, crate::harness::batch_of(STREAM, starts, level, document), HashMap::new())
                    .await;
            assert!(
                fates.len() == 100 && fates.iter().all(|fate| *fate == DELIVERED),
                "{}: {fates:?}",
                engine.url()
            );
        }
    }
}
