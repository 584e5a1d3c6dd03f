//! Searches made to take more memory than there is.

use serde_json::{Map, Value, json};

/// One of them.
pub(crate) struct Hostile {
    /// What it attacks.
    pub(crate) what: &'static str,
    pub(crate) target: &'static str,
    pub(crate) body: String,
}

/// All of them.
pub(crate) fn searches() -> Vec<Hostile> {
    let plain = [single_aggregations(), queries(), side_by_side(), inside_each_bucket()].concat();
    let plain = plain.into_iter().map(|(what, body)| search(what, "/hostile/_search", body.to_string()));
    let large = documents().into_iter();
    let large = large.map(|(what, target, body)| search(what, target, body.to_string()));
    plain.chain(large).chain(many_at_once()).collect()
}

fn search(what: &'static str, target: &'static str, body: String) -> Hostile {
    Hostile { what, target, body }
}

type Named = Vec<(&'static str, Value)>;

fn aggs(aggs: Value) -> Value {
    json!({"size": 0, "aggs": aggs})
}

fn by_unique() -> Value {
    json!({"terms": {"field": "unique", "size": 65_535}})
}

fn by_second() -> Value {
    json!({"date_histogram": {"field": "@timestamp", "fixed_interval": "1s"}})
}

/// `outer` with aggregations inside.
fn with(mut outer: Value, inner: Value) -> Value {
    outer["aggs"] = inner;
    aggs(json!({"a": outer}))
}

/// `count` aggregations of one kind beside each other.
fn beside(count: usize, kind: &Value) -> Value {
    (0..count).map(|at| (format!("a{at}"), kind.clone())).collect::<Map<_, _>>().into()
}

/// `levels` aggregations of one kind inside each other.
fn nested(levels: usize, kind: &Value) -> Value {
    (1..levels).fold(json!({"a": kind}), |inner, _| {
        let mut outer = kind.clone();
        outer["aggs"] = inner;
        json!({"a": outer})
    })
}

fn single_aggregations() -> Named {
    vec![
        ("terms of every document", aggs(json!({"a": by_unique()}))),
        (
            "terms beyond every bound",
            aggs(json!({"a": {"terms": {"field": "unique", "size": 2_147_483_647}}})),
        ),
        ("a bucket a second", aggs(json!({"a": by_second()}))),
        (
            "a bucket a millisecond",
            aggs(json!({"a": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1ms"}}})),
        ),
        (
            "a histogram of no width",
            aggs(json!({"a": {"histogram": {"field": "number", "interval": 1e-300}}})),
        ),
        (
            "bounds over all time",
            aggs(
                json!({"a": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1s", "min_doc_count": 0,
            "extended_bounds": {"min": "0001-01-01", "max": "9999-01-01"}}}}),
            ),
        ),
    ]
}

fn queries() -> Named {
    let query = |query: Value| json!({"size": 10, "query": query});
    vec![
        (
            "a hundred thousand terms",
            query(json!({"terms": {"unique": (0..100_000).map(|at| at.to_string()).collect::<Vec<_>>()}})),
        ),
        (
            "wildcards over every keyword",
            query(json!({"wildcard": {"unique": {"value": format!("*{}", "a*".repeat(30))}}})),
        ),
        (
            "a wildcard longer than all",
            query(json!({"wildcard": {"unique": {"value": "a*".repeat(50_000)}}})),
        ),
        ("stars", query(json!({"wildcard": {"unique": {"value": "*".repeat(100_000)}}}))),
        ("a list of millions", query(json!({"terms": {"number": vec![0; 8_000_000]}}))),
        ("a list of a million", query(json!({"terms": {"number": vec![0; 1_000_000]}}))),
    ]
}

fn side_by_side() -> Named {
    let ranges: Vec<Value> = (0..10_000).map(|at| json!({"from": at})).collect();
    let filters: Vec<Value> = (0..400).map(|at| json!({"range": {"number": {"gte": at}}})).collect();
    let pattern = json!({"terms": {"field": "unique", "include": "(a|b)+[0-9a-f]{1,200}.*"}});
    vec![
        ("a thousand terms", aggs(beside(1_000, &by_unique()))),
        ("a thousand terms by pattern", aggs(beside(1_000, &pattern))),
        ("a thousand percentiles", aggs(beside(1_000, &json!({"percentiles": {"field": "number"}})))),
        ("a thousand cardinalities", aggs(beside(1_000, &json!({"cardinality": {"field": "unique"}})))),
        (
            "terms in each of many filters",
            with(json!({"filters": {"filters": filters}}), json!({"b": by_unique()})),
        ),
        (
            "terms in each of many ranges",
            with(json!({"range": {"field": "number", "ranges": ranges}}), json!({"b": by_unique()})),
        ),
    ]
}

fn inside_each_bucket() -> Named {
    let metric = |kind: &str, field: &str| json!({"b": {kind: {"field": field}}});
    vec![
        ("two hundred levels", aggs(nested(200, &json!({"terms": {"field": "number"}})))),
        ("six levels", aggs(nested(6, &by_unique()))),
        ("seconds in each term", with(by_unique(), json!({"b": by_second()}))),
        ("terms in each second", with(by_second(), json!({"b": by_unique()}))),
        ("documents in each term", with(by_unique(), json!({"b": {"top_hits": {"size": 100}}}))),
        (
            "ordered documents in each second",
            with(by_second(), json!({"b": {"top_hits": {"size": 100, "sort": ["unique", "number"]}}})),
        ),
        ("cardinality in each term", with(by_unique(), metric("cardinality", "unique"))),
        ("percentiles in each term", with(by_unique(), metric("percentiles", "number"))),
        ("stats in each term", with(by_unique(), metric("stats", "number"))),
        ("twenty averages in each term", with(by_unique(), beside(20, &json!({"avg": {"field": "number"}})))),
    ]
}

/// Searches for whole documents, with where they go.
fn documents() -> Vec<(&'static str, &'static str, Value)> {
    let by_hundred = json!({"histogram": {"field": "number", "interval": 100}});
    let rules: Vec<Value> = (0..500).map(|_| json!("unique")).collect();
    vec![
        ("ten thousand large documents", "/large/_search", json!({"size": 10_000, "sort": ["number"]})),
        (
            "large documents in each bucket",
            "/large/_search",
            with(by_hundred, json!({"b": {"top_hits": {"size": 100}}})),
        ),
        (
            "ten thousand documents with all fields",
            "/hostile/_search",
            json!({"size": 10_000, "fields": ["*"], "docvalue_fields": ["*"]}),
        ),
        (
            "a filter on a large answer",
            "/hostile/_search?filter_path=aggregations.a.buckets.b",
            with(by_unique(), beside(3, &json!({"avg": {"field": "number"}}))),
        ),
        ("one document many times", "/large/_mget", json!({"ids": vec!["0"; 200_000]})),
        ("an order of five hundred rules", "/hostile/_search", json!({"size": 10_000, "sort": rules})),
    ]
}

/// Requests of several searches.
fn many_at_once() -> Vec<Hostile> {
    let many = |count: usize, body: Value| format!("{{}}\n{body}\n").repeat(count);
    vec![
        search(
            "many terms of every document",
            "/hostile/_msearch",
            many(50, aggs(json!({"a": by_unique()}))),
        ),
        search("many times all documents", "/hostile/_msearch", many(50, json!({"size": 10_000}))),
        search("many times large documents", "/large/_msearch", many(200, json!({"size": 1_000}))),
        search(
            "many times seconds in each term",
            "/hostile/_msearch",
            many(10, with(by_unique(), json!({"b": by_second()}))),
        ),
    ]
}
