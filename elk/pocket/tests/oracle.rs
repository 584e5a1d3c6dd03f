//! Queries and aggregations against a naive reading of the same documents, over several segments, with missing and
//! multi-valued fields, and with deleted documents among them.

#[path = "support/in_process.rs"]
mod in_process;

use in_process::{Filled, action};
use pocket_elk::search::{Cache, Means, Request, Target, search};
use pocket_elk::store::{Kind, Options, Store};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
struct Event {
    millis: i64,
    level: Option<&'static str>,
    tags: Vec<&'static str>,
    numbers: Vec<i64>,
    text: String,
}

impl Event {
    fn json(&self) -> Value {
        let mut event =
            json!({"@timestamp": self.millis, "tags": self.tags, "n": self.numbers, "text": self.text});
        if let Some(level) = self.level {
            event["level"] = json!(level);
        }
        event
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let word = prop::sample::select(vec!["alpha", "beta", "gamma", "delta"]);
    let event = (
        1_767_000_000_000i64..1_767_400_000_000,
        prop::option::of(prop::sample::select(vec!["info", "warn", "error"])),
        prop::collection::btree_set(word.clone(), 0..3),
        prop::collection::vec(-50i64..50, 0..3),
        prop::collection::vec(word, 0..5),
    );
    let event = event.prop_map(|(millis, level, tags, numbers, words)| Event {
        millis,
        level,
        tags: tags.into_iter().collect(),
        numbers,
        text: words.join(" "),
    });
    prop::collection::vec(event, 1..120)
}

/// The events in three segments; every seventh is written, then removed or replaced by itself.
fn fill(events: &[Event]) -> Filled {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options::default()).expect("a store");
    let mapping = json!({"mappings": {"properties": {"@timestamp": {"type": "date"}, "level": {"type": "keyword"}, "tags": {"type": "keyword"}, "n": {"type": "long"}, "text": {"type": "text"}}}});
    store.create_index("x", &mapping).expect("an index");
    for (at, part) in events.chunks(events.len().div_ceil(3)).enumerate() {
        let first = at * events.len().div_ceil(3);
        let mut actions = Vec::new();
        for (place, event) in part.iter().enumerate() {
            let id = first + place;
            if id.is_multiple_of(7) {
                actions.push(action(Kind::Create, 10_000 + id, &event.json()));
                actions.push(action(Kind::Delete, 10_000 + id, &Value::Null));
                actions.push(action(Kind::Create, id, &json!({"@timestamp": 0, "level": "gone"})));
                actions.push(action(Kind::Index, id, &event.json()));
            } else {
                actions.push(action(Kind::Create, id, &event.json()));
            }
        }
        let outcomes = store.bulk(actions);
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
        store.refresh().expect("a refresh");
    }
    Filled { _folder: folder, store }
}

fn run(filled: &Filled, body: &Value) -> Value {
    let targets: Vec<Target> = filled.store.indices().iter().map(|index| Target::of(index)).collect();
    let request = Request::parse(body).expect("a request");
    let cache = Cache::new(1 << 20);
    let means = Means { memory: 64 << 20, threads: 2, cache: Some(&cache) };
    serde_json::to_value(search(&targets, &request, means).expect("an answer")).expect("JSON")
}

/// A query and, in [`Ask::holds`], what it means.
#[derive(Debug, Clone)]
enum Ask {
    Level(&'static str),
    Tags(&'static str),
    Numbers(i64, i64),
    Times(i64, i64),
    HasNumber,
    Words(&'static str),
    Phrase(&'static str),
    Prefix(&'static str),
    Pattern,
    Bool(Vec<Ask>, Vec<Ask>, Vec<Ask>),
}

impl Ask {
    fn body(&self) -> Value {
        let all = |parts: &[Self]| parts.iter().map(Self::body).collect::<Vec<_>>();
        match self {
            Self::Level(word) => json!({"term": {"level": word}}),
            Self::Tags(word) => json!({"terms": {"tags": [word, "delta"]}}),
            Self::Numbers(low, high) => json!({"range": {"n": {"gte": low, "lt": high}}}),
            Self::Times(from, to) => json!({"range": {"@timestamp": {"gt": from, "lte": to}}}),
            Self::HasNumber => json!({"exists": {"field": "n"}}),
            Self::Words(word) => json!({"match": {"text": format!("{word} DELTA")}}),
            Self::Phrase(word) => json!({"match_phrase": {"text": format!("alpha {word}")}}),
            Self::Prefix(word) => json!({"prefix": {"tags": &word[..2]}}),
            Self::Pattern => json!({"wildcard": {"level": "*r*"}}),
            Self::Bool(must, should, must_not) => {
                json!({"bool": {"filter": all(must), "should": all(should), "must_not": all(must_not)}})
            }
        }
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Self::Level(word) => event.level == Some(word),
            Self::Tags(word) => event.tags.contains(word) || event.tags.contains(&"delta"),
            Self::Numbers(low, high) => event.numbers.iter().any(|n| (low..high).contains(&n)),
            Self::Times(from, to) => *from < event.millis && event.millis <= *to,
            Self::HasNumber => !event.numbers.is_empty(),
            Self::Words(word) => event.text.split(' ').any(|found| found == *word || found == "delta"),
            Self::Phrase(word) => format!(" {} ", event.text).contains(&format!(" alpha {word} ")),
            Self::Prefix(word) => event.tags.iter().any(|tag| tag.starts_with(&word[..2])),
            Self::Pattern => event.level.is_some_and(|level| level.contains('r')),
            Self::Bool(must, should, must_not) => {
                let needed = must.is_empty() && !should.is_empty();
                must.iter().all(|part| part.holds(event))
                    && (!needed || should.iter().any(|part| part.holds(event)))
                    && !must_not.iter().any(|part| part.holds(event))
            }
        }
    }
}

fn ask() -> impl Strategy<Value = Ask> {
    let word = prop::sample::select(vec!["alpha", "beta", "gamma", "info", "warn", "none"]);
    let leaf = (0..9usize, -50i64..50, 0i64..60, word).prop_map(|(kind, low, width, word)| {
        let time = |place: i64| 1_767_000_000_000 + (place + 50) * 4_000_000;
        match kind {
            0 => Ask::Level(word),
            1 => Ask::Tags(word),
            2 => Ask::Numbers(low, low + width),
            3 => Ask::Times(time(low), time(low + width)),
            4 => Ask::HasNumber,
            5 => Ask::Words(word),
            6 => Ask::Phrase(word),
            7 => Ask::Prefix(word),
            _ => Ask::Pattern,
        }
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = || prop::collection::vec(inner.clone(), 0..3);
        (parts(), parts(), parts()).prop_map(|(must, should, must_not)| Ask::Bool(must, should, must_not))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn answers_are_those_of_a_naive_reading(events in events(), ask in ask()) {
        let filled = fill(&events);
        let matching: Vec<&Event> = events.iter().filter(|event| ask.holds(event)).collect();
        let answer = run(&filled, &json!({
            "query": ask.body(), "size": 5, "sort": [{"@timestamp": "desc"}], "track_total_hits": true,
            "aggs": {
                "levels": {"terms": {"field": "level", "missing": "none", "size": 3, "order": {"_key": "desc"}}, "aggs": {"sum": {"sum": {"field": "n"}}}},
                "tags": {"terms": {"field": "tags"}},
                "hours": {"date_histogram": {"field": "@timestamp", "calendar_interval": "1h", "min_doc_count": 1}},
                "stats": {"stats": {"field": "n"}},
                "count": {"value_count": {"field": "tags"}},
                "different": {"cardinality": {"field": "n"}},
                "half": {"filter": {"range": {"n": {"gte": 0}}}},
            },
        }));
        prop_assert_eq!(&answer["hits"]["total"]["value"], &json!(matching.len()));
        let mut newest: Vec<i64> = matching.iter().map(|event| event.millis).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let hits: Vec<i64> = answer["hits"]["hits"].as_array().expect("a list").iter().map(|hit| hit["sort"][0].as_i64().expect("a number")).collect();
        prop_assert_eq!(hits, &newest[..newest.len().min(5)]);
        check_buckets(&answer["aggregations"], &matching)?;
    }
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    keys.fold(BTreeMap::new(), |mut counts, key| {
        *counts.entry(key).or_default() += 1;
        counts
    })
}

fn check_buckets(found: &Value, matching: &[&Event]) -> Result<(), TestCaseError> {
    let buckets = |name: &str| found[name]["buckets"].as_array().expect("a list").clone();
    let levels = counted(matching.iter().map(|event| event.level.unwrap_or("none")));
    let expected: Vec<Value> = levels
        .iter()
        .rev()
        .take(3)
        .map(|(level, count)| {
            let sum: i64 = matching
                .iter()
                .filter(|event| event.level.unwrap_or("none") == *level)
                .flat_map(|event| &event.numbers)
                .sum();
            json!({"key": level, "doc_count": count, "sum": {"value": sum as f64}})
        })
        .collect();
    prop_assert_eq!(buckets("levels"), expected);
    let others: u64 = levels.iter().rev().skip(3).map(|(_, count)| count).sum();
    prop_assert_eq!(&found["levels"]["sum_other_doc_count"], &json!(others));
    let tags = counted(matching.iter().flat_map(|event| event.tags.iter().copied()));
    let mut expected: Vec<(&str, u64)> = tags.into_iter().collect();
    expected.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let expected: Vec<Value> =
        expected.into_iter().map(|(tag, count)| json!({"key": tag, "doc_count": count})).collect();
    prop_assert_eq!(buckets("tags"), expected);
    let hours = counted(matching.iter().map(|event| event.millis.div_euclid(3_600_000) * 3_600_000));
    let found_hours: Vec<(i64, u64)> = buckets("hours")
        .iter()
        .map(|bucket| {
            (bucket["key"].as_i64().expect("a number"), bucket["doc_count"].as_u64().expect("a number"))
        })
        .collect();
    prop_assert_eq!(found_hours, hours.into_iter().collect::<Vec<_>>());
    let numbers: Vec<i64> = matching.iter().flat_map(|event| event.numbers.iter().copied()).collect();
    prop_assert_eq!(&found["stats"]["count"], &json!(numbers.len()));
    prop_assert_eq!(&found["stats"]["sum"], &json!(numbers.iter().sum::<i64>() as f64));
    prop_assert_eq!(&found["stats"]["min"], &json!(numbers.iter().min().map(|n| *n as f64)));
    prop_assert_eq!(
        &found["count"]["value"],
        &json!(matching.iter().map(|event| event.tags.len()).sum::<usize>())
    );
    prop_assert_eq!(&found["different"]["value"], &json!(counted(numbers.iter()).len()));
    let half = matching.iter().filter(|event| event.numbers.iter().any(|n| *n >= 0)).count();
    prop_assert_eq!(&found["half"]["doc_count"], &json!(half));
    Ok(())
}
