//! What the browser is told, over a real store.

use super::document::{Place, document};
use super::fault::Fault;
use super::selection::{Asked, NONE};
use super::source::Source;
use super::{lines, summary};
use crate::http::App;
use crate::search::Cache;
use crate::store::{Defaults, Options, Store, parse_bulk};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// 2026-11-24T12:00:00Z
const NOON: i64 = 1_795_521_600_000;
const MINUTE: i64 = 60_000;

fn source(documents: &[Value]) -> (TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).unwrap();
    let mappings = json!({"properties": {
        "@timestamp": {"type": "date"}, "message": {"type": "text"},
        "log": {"properties": {"level": {"type": "keyword"}, "offset": {"type": "long"}, "file.path": {"type": "keyword"}}},
        "service.name": {"type": "keyword"}, "host.name": {"type": "keyword"}, "event.kind": {"type": "keyword"},
    }});
    store.create_index("logs-app", &json!({"mappings": mappings})).unwrap();
    let body: String = documents
        .iter()
        .enumerate()
        .map(|(at, document)| {
            format!("{{\"index\":{{\"_index\":\"logs-app\",\"_id\":\"{at}\"}}}}\n{document}\n")
        })
        .collect();
    let actions = parse_bulk(&body.into(), &Defaults::default()).unwrap();
    // A writer waits for its sync, which no thread of the runtime may.
    let write = || {
        assert!(store.bulk(actions).iter().all(|outcome| outcome.result.is_ok()));
        store.refresh().unwrap();
    };
    std::thread::scope(|scope| scope.spawn(write).join().unwrap());
    let app =
        App { store, cache: Cache::new(1 << 20), search_memory: 16 << 20, threads: 1, turn: Mutex::new(()) };
    (folder, Source::pocket(Arc::new(app)))
}

fn document_at(minutes_ago: i64, level: &str, service: &str, message: &str) -> Value {
    let time = NOON - minutes_ago * MINUTE;
    json!({"@timestamp": time, "log": {"level": level}, "service": {"name": service}, "message": message})
}

fn three() -> (TempDir, Source) {
    source(&[
        document_at(1, "info", "shop", "cart opened"),
        document_at(2, "error", "shop", "cart lost"),
        document_at(3, "info", "billing", "invoice written"),
    ])
}

fn messages(found: &Value) -> Vec<&str> {
    found.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap()).collect()
}

async fn list(source: &Source, asked: Asked) -> Value {
    lines::list(source, &asked, NOON).await.unwrap()
}

#[tokio::test]
async fn lines_come_newest_first_and_page_by_page() {
    let (_folder, source) = three();
    let first = list(&source, Asked { size: Some(2), ..Asked::default() }).await;
    assert_eq!(messages(&first["lines"]), ["cart opened", "cart lost"]);
    assert_eq!(first["more"], true);
    let after = first["lines"][1]["sort"].to_string();
    let rest = list(&source, Asked { size: Some(2), after: Some(after), ..Asked::default() }).await;
    assert_eq!(messages(&rest["lines"]), ["invoice written"]);
    assert_eq!(rest["more"], false);
}

#[tokio::test]
async fn search_filters_and_time_narrow_the_lines() {
    let (_folder, source) = three();
    let cases = [
        (
            Asked { q: "cart".into(), ..Asked::default() },
            vec!["\u{e000}cart\u{e001} opened", "\u{e000}cart\u{e001} lost"],
        ),
        (Asked { level: "error".into(), ..Asked::default() }, vec!["cart lost"]),
        (
            Asked { level: "error,info".into(), service: "billing".into(), ..Asked::default() },
            vec!["invoice written"],
        ),
        (Asked { from: "now-90s".into(), ..Asked::default() }, vec!["cart opened"]),
        (
            Asked { from: "now-1h".into(), to: "now-2m".into(), ..Asked::default() },
            vec!["cart lost", "invoice written"],
        ),
    ];
    for (asked, expected) in cases {
        let shown = format!("{asked:?}");
        assert_eq!(messages(&list(&source, asked).await["lines"]), expected, "{shown}");
    }
}

#[tokio::test]
async fn metric_events_show_only_where_they_are_searched() {
    let mut metric = document_at(1, "info", "shop", "process");
    metric["event"] = json!({"kind": "metric"});
    let (_folder, source) = source(&[metric, document_at(2, "info", "shop", "cart opened")]);
    assert_eq!(messages(&list(&source, Asked::default()).await["lines"]), ["cart opened"]);
    let asked = Asked { q: "event.kind: metric".into(), ..Asked::default() };
    assert_eq!(messages(&list(&source, asked).await["lines"]), ["process"]);
}

#[tokio::test]
async fn counts_of_a_facet_leave_its_own_filter_out() {
    let (_folder, source) = three();
    let asked = Asked { level: "error".into(), ..Asked::default() };
    let counts = summary::summary(&source, &asked, NOON).await.unwrap();
    assert_eq!(counts["total"], 1);
    assert_eq!(counts["levels"], json!([{"name": "info", "count": 2}, {"name": "error", "count": 1}]));
    assert_eq!(counts["services"], json!([{"name": "shop", "count": 1}]));
    let bar = json!({"start": NOON - 2 * MINUTE, "levels": [{"name": "error", "count": 1}]});
    assert_eq!(counts["bars"], json!([bar]));
    assert_eq!(counts["width"], 15_000);
}

#[tokio::test]
async fn lines_without_a_level_can_be_chosen() {
    let (_folder, source) = source(&[
        json!({"@timestamp": NOON - MINUTE, "message": "bare"}),
        document_at(2, "info", "shop", "cart opened"),
    ]);
    let counts = summary::summary(&source, &Asked::default(), NOON).await.unwrap();
    let names: Vec<&Value> =
        counts["levels"].as_array().unwrap().iter().map(|level| &level["name"]).collect();
    assert!(names.contains(&&json!(NONE)), "{names:?}");
    let asked = Asked { level: NONE.into(), ..Asked::default() };
    assert_eq!(messages(&list(&source, asked).await["lines"]), ["bare"]);
}

#[tokio::test]
async fn an_empty_answer_says_when_the_newest_line_was() {
    let (_folder, found) = three();
    let asked = Asked { from: "now-10s".into(), ..Asked::default() };
    let counts = summary::summary(&found, &asked, NOON).await.unwrap();
    assert_eq!((&counts["total"], counts["latest"].as_f64()), (&json!(0), Some((NOON - MINUTE) as f64)));
    let (_folder, nothing) = source(&[json!({"message": "without a time"})]);
    let counts = summary::summary(&nothing, &Asked::default(), NOON).await.unwrap();
    assert_eq!((&counts["total"], &counts["latest"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn neighbours_are_lines_of_the_same_file() {
    let line = |minutes_ago: i64, file: &str, offset: i64, message: &str| {
        let mut document = document_at(minutes_ago, "info", "shop", message);
        document["log"]["file"] = json!({"path": file});
        document["log"]["offset"] = json!(offset);
        document
    };
    // Two lines of one millisecond, which only their offsets keep apart.
    let (_folder, source) = source(&[
        line(2, "/a", 20, "third"),
        line(1, "/a", 30, "fourth"),
        line(2, "/a", 10, "second"),
        line(2, "/b", 15, "elsewhere"),
        line(3, "/a", 0, "first"),
    ]);
    let place = Place { index: "logs-app".to_owned(), id: "2".to_owned(), count: None };
    let found = lines::around(&source, &place, 5).await.unwrap();
    assert_eq!(messages(&found["newer"]), ["fourth", "third"]);
    assert_eq!(found["line"]["message"], "second");
    assert_eq!(messages(&found["older"]), ["first"]);
    assert_eq!(found["file"], "/a");
}

#[tokio::test]
async fn long_messages_are_cut_in_lists_and_whole_in_documents() {
    let long = "ä".repeat(50_000);
    let (_folder, source) = source(&[document_at(1, "info", "shop", &long)]);
    let found = list(&source, Asked::default()).await;
    assert_eq!(found["lines"][0]["message"], "ä".repeat(1024));
    assert_eq!(found["lines"][0]["bytes"], 100_000);
    let place = Place { index: "logs-app".to_owned(), id: "0".to_owned(), count: None };
    let whole = document(&source, &place).await.unwrap();
    assert!(whole["fields"].as_array().unwrap().contains(&json!({"name": "message", "values": [long]})));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_its_place() {
    let (_folder, source) = three();
    let refused = async |asked: Asked| lines::list(&source, &asked, NOON).await.unwrap_err();
    let bad = refused(Asked { q: "level: (".into(), ..Asked::default() }).await;
    assert!(matches!(&bad, Fault::Query(_, error) if error.position == 8), "{bad:?}");
    let bad = refused(Asked { from: "yesterday".into(), ..Asked::default() }).await;
    assert!(matches!(&bad, Fault::Time(_)), "{bad:?}");
    let bad = refused(Asked { q: "a".repeat(5000), ..Asked::default() }).await;
    assert!(matches!(&bad, Fault::Parameter(_)), "{bad:?}");
    let bad = refused(Asked { after: Some("[1]".into()), ..Asked::default() }).await;
    assert!(matches!(&bad, Fault::Store(error) if error.status == 400), "{bad:?}");
    let place = Place { index: "logs-app".to_owned(), id: "9".to_owned(), count: None };
    assert!(matches!(document(&source, &place).await, Err(Fault::Gone)));
}
