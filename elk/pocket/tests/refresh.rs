//! A board that is asked again for a window further on: only what the ends of the window cut is searched anew, and what is
//! remembered of the rest says the same as a search without memory.

#[path = "support/in_process.rs"]
mod in_process;

use in_process::{Filled, action};
use pocket_elk::search::{Asked, Cache, Means, Request, Target, search};
use pocket_elk::store::{Action, Kind, Options, Store};
use serde_json::{Value, json};

/// Documents of the segments: six blocks of 8,192, two, and too few to remember anything of.
const SEGMENTS: [usize; 3] = [41_000, 9_000, 1_000];
const FIRST: i64 = 1_767_000_000_000;
const STEP: i64 = 10;

fn event(number: usize) -> Value {
    let level = ["info", "warn", "error", "info"][number * 7 % 4];
    json!({"@timestamp": millis(number), "level": level, "n": number % 1_000, "path": format!("/{}", number % 300)})
}

fn millis(number: usize) -> i64 {
    FIRST + number as i64 * STEP
}

fn apply(store: &Store, actions: Vec<Action>) {
    let outcomes = store.bulk(actions);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    store.refresh().expect("a refresh");
}

fn filled() -> Filled {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options::default()).expect("a store");
    let mapping = json!({"mappings": {"properties": {"@timestamp": {"type": "date"}, "level": {"type": "keyword"}, "n": {"type": "long"}, "path": {"type": "keyword"}}}});
    store.create_index("x", &mapping).expect("an index");
    let mut first = 0;
    for count in SEGMENTS {
        let numbers = first..first + count;
        apply(&store, numbers.map(|number| action(Kind::Create, number, &event(number))).collect());
        first += count;
    }
    Filled { _folder: folder, store }
}

/// A panel over the documents from number `from` to number `to`, both included.
fn panel(from: usize, to: usize) -> Value {
    json!({
        "query": {"bool": {"filter": [
            {"range": {"@timestamp": {"gte": millis(from), "lte": millis(to), "format": "epoch_millis"}}},
            {"bool": {"must_not": [{"term": {"level": "warn"}}]}},
        ]}},
        "size": 0, "track_total_hits": true,
        "aggs": {
            "time": {
                "date_histogram": {"field": "@timestamp", "fixed_interval": "30s", "extended_bounds": {"min": millis(from), "max": millis(to)}},
                "aggs": {"errors": {"filter": {"term": {"level": "error"}}}, "sum": {"sum": {"field": "n"}}},
            },
            "levels": {"terms": {"field": "level"}, "aggs": {
                "newest": {"top_hits": {"size": 2, "sort": [{"@timestamp": "desc"}], "_source": ["n"]}},
                "paths": {"cardinality": {"field": "path"}},
            }},
            "unknown": {"terms": {"field": "level", "missing": "unknown"}},
        },
    })
}

fn ask(filled: &Filled, body: &Value, cache: Option<&Cache>) -> Value {
    let targets: Vec<Target> = filled.store.indices().iter().map(|index| Target::of(index)).collect();
    let request = Request::parse(body).expect("a request");
    let means = Means { memory: 64 << 20, threads: 2, cache };
    serde_json::to_value(search(&targets, &request, means).expect("an answer")).expect("JSON")
}

/// How often the cache is asked with an answer and in vain.
fn asked(filled: &Filled, body: &Value, cache: &Cache) -> (u64, u64) {
    let before = cache.asked();
    ask(filled, body, Some(cache));
    let Asked { found, missed } = cache.asked();
    (found - before.found, missed - before.missed)
}

#[test]
fn a_refresh_finds_out_only_what_its_window_cuts() {
    let (filled, cache) = (filled(), Cache::new(8 << 20));
    let last = SEGMENTS.iter().sum::<usize>();
    let asked = |from, to| asked(&filled, &panel(from, to), &cache);
    assert_eq!(asked(0, last), (0, 2), "nothing is known of the two large segments");
    assert_eq!(asked(0, last + 500), (2, 0), "the end of the window is behind all documents");
    // The first block of the first segment is cut; the five behind it are asked one by one from now on.
    assert_eq!(asked(1_000, last), (1, 5));
    for from in [2_000, 3_000, 8_000] {
        assert_eq!(asked(from, last), (6, 0), "from document {from}");
    }
    // The second block is cut.
    assert_eq!(asked(8_200, last), (5, 0));
    // The window has left the first segment.
    assert_eq!(asked(41_000, last), (1, 0));
    assert_eq!(asked(41_000, 41_010), (0, 0), "within one block");
}

#[test]
fn a_panel_that_follows_the_clock_is_not_remembered() {
    let (filled, cache) = (filled(), Cache::new(8 << 20));
    let recent = json!({"range": {"@timestamp": {"gte": "now-15m"}}});
    let body = json!({"size": 0, "aggs": {"recent": {"filter": recent}}});
    ask(&filled, &body, Some(&cache));
    assert_eq!(cache.asked(), Asked::default());
}

#[test]
fn what_is_remembered_is_what_a_search_without_memory_finds() {
    let (filled, cache) = (filled(), Cache::new(8 << 20));
    let windows = [
        (0, 60_000),
        (1, 60_000),
        (8_191, 50_300),
        (8_192, 42_000),
        (20_000, 20_100),
        (30_000, 49_999),
        (40_999, 41_000),
    ];
    let compare = |state: &str| {
        for (from, to) in windows {
            let body = panel(from, to);
            assert_eq!(
                ask(&filled, &body, Some(&cache)),
                ask(&filled, &body, None),
                "{state}: {from} to {to}"
            );
        }
    };
    compare("for the first time");
    compare("again");
    let gone = (0..60).map(|number| action(Kind::Delete, number * 800, &Value::Null));
    apply(&filled.store, gone.collect());
    compare("with documents gone");
}

#[test]
fn percentiles_of_pieces_are_those_of_the_whole() {
    let (filled, cache) = (filled(), Cache::new(8 << 20));
    let body = |from| {
        json!({
            "query": {"range": {"@timestamp": {"gte": millis(from)}}}, "size": 0,
            "aggs": {"n": {"percentiles": {"field": "n", "percents": [5, 50, 95, 99], "keyed": false}}},
        })
    };
    for from in [0, 500, 9_000, 33_000] {
        let answer = ask(&filled, &body(from), Some(&cache));
        for value in answer["aggregations"]["n"]["values"].as_array().expect("a list") {
            let number = |key: &str| value[key].as_f64().expect("a number");
            // The numbers are 0 to 999, each equally often but for a thousandth.
            assert!((number("value") / 1_000.0 - number("key") / 100.0).abs() < 0.01, "from {from}: {value}");
        }
    }
}
