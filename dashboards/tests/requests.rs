//! What is asked for each operation, as Kibana asks it.

#[path = "support/saved.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod saved;

use dashboards::kql::Query;
use dashboards::lens::{Context, Filter, IntervalRule, Request, Selection, Step};
use saved::*;
use serde_json::{Value, json};

fn requests(panel: Value, context: &Context) -> Vec<Request> {
    match saved::panel(panel).plan(context) {
        Step::Ask(round) => round.requests().to_vec(),
        Step::Done(figures) => panic!("nothing is asked: {figures:?}"),
    }
}

/// The aggregations for these columns.
fn aggregations(columns: Columns) -> Value {
    requests(datatable(columns), &context())[0].body["aggs"].clone()
}

fn failed() -> Value {
    json!({"bool": {"should": [{"range": {"status": {"gte": "500"}}}], "minimum_should_match": 1}})
}

#[test]
fn a_metric_is_the_aggregation_of_its_operation() {
    let last_value = json!({"top_hits": {"size": 1, "_source": false, "docvalue_fields": [{"field": "v"}], "sort": [{"@timestamp": {"order": "desc"}}]}});
    let exists = json!({"bool": {"should": [{"exists": {"field": "v"}}], "minimum_should_match": 1}});
    let table = [
        (count(), Value::Null),
        (of("count", "f"), json!({"0": {"value_count": {"field": "f"}}})),
        (of("sum", "f"), json!({"0": {"sum": {"field": "f"}}})),
        (of("average", "f"), json!({"0": {"avg": {"field": "f"}}})),
        (of("min", "f"), json!({"0": {"min": {"field": "f"}}})),
        (of("max", "f"), json!({"0": {"max": {"field": "f"}}})),
        (of("median", "f"), json!({"0": {"percentiles": {"field": "f", "percents": [50]}}})),
        (percentile("f", 99.9), json!({"0": {"percentiles": {"field": "f", "percents": [99.9]}}})),
        (of("standard_deviation", "f"), json!({"0": {"extended_stats": {"field": "f"}}})),
        (of("unique_count", "f"), json!({"0": {"cardinality": {"field": "f"}}})),
        (
            with(of("percentile_rank", "f"), json!({"params": {"value": 5}})),
            json!({"0": {"percentile_ranks": {"field": "f", "values": [5]}}}),
        ),
        (last("v"), json!({"0-filter": {"filter": exists, "aggs": {"0-metric": last_value}}})),
        (filtered(count(), "status >= 500"), json!({"0-filter": {"filter": failed()}})),
        (
            filtered(of("sum", "f"), "status >= 500"),
            json!({"0-filter": {"filter": failed(), "aggs": {"0-metric": {"sum": {"field": "f"}}}}}),
        ),
        (
            filtered(percentile("f", 95.0), "status >= 500"),
            json!({"0-filter": {"filter": failed(), "aggs": {"0-metric": {"percentiles": {"field": "f", "percents": [95]}}}}}),
        ),
    ];
    for (column, expected) in table {
        assert_eq!(aggregations(&[("m", column.clone())]), expected, "{column}");
    }
}

#[test]
fn the_number_of_all_hits_is_asked_for_only_where_it_is_shown() {
    for (columns, tracked) in [
        (vec![("m", count())], true),
        (vec![("m", filtered(count(), "a: b"))], false),
        (vec![("m", of("sum", "f"))], false),
        (vec![("t", time("1m")), ("m", count())], false),
    ] {
        let request = &requests(datatable(&columns), &context())[0];
        assert_eq!(request.body["track_total_hits"], tracked);
        assert_eq!(request.body["size"], 0);
        assert_eq!(request.path, "/logs-*/_search?ignore_unavailable=true&allow_no_indices=true");
    }
}

#[test]
fn percentiles_of_a_field_share_one_aggregation_unless_filtered() {
    let found = aggregations(&[
        ("p50", percentile("f", 50.0)),
        ("p95", percentile("f", 95.0)),
        ("g", percentile("g", 95.0)),
        ("failed", filtered(percentile("f", 95.0), "status >= 500")),
        ("p99", percentile("f", 99.0)),
    ]);
    let percentiles =
        |field: &str, percents: Value| json!({"percentiles": {"field": field, "percents": percents}});
    let expected = json!({
        "0": percentiles("f", json!([50, 95, 99])),
        "2": percentiles("g", json!([95])),
        "3-filter": {"filter": failed(), "aggs": {"3-metric": percentiles("f", json!([95]))}},
    });
    assert_eq!(found, expected);
}

#[test]
fn values_are_ordered_by_the_path_that_both_engines_take() {
    let table = [
        (count(), "_count"),
        (filtered(count(), "status >= 500"), "1-filter"),
        (of("sum", "f"), "1"),
        (filtered(of("sum", "f"), "status >= 500"), "1-filter>1-metric"),
        (percentile("f", 95.0), "1.95"),
        (of("median", "f"), "1.50"),
        (filtered(percentile("f", 95.0), "status >= 500"), "1-filter>1-metric.95"),
        (percentile("f", 99.9), "_key"),
        (of("standard_deviation", "f"), "1.std_deviation"),
        (of("unique_count", "f"), "1"),
    ];
    for (metric, path) in table {
        let found = aggregations(&[("t", terms("k", 5, "m")), ("m", metric.clone())]);
        assert_eq!(
            found["0"]["terms"],
            json!({"field": "k", "size": 5, "order": {path: "desc"}, "shard_size": 25}),
            "{metric}"
        );
    }
    let merged = aggregations(&[
        ("t", terms("k", 5, "p95")),
        ("p50", percentile("f", 50.0)),
        ("p95", percentile("f", 95.0)),
    ]);
    assert_eq!(merged["0"]["terms"]["order"], json!({"1.95": "desc"}));
}

#[test]
fn terms_say_how_many_which_and_how_sure() {
    let base = || terms("k", 5, "m");
    let plain = json!({"field": "k", "size": 5, "order": {"_count": "desc"}, "shard_size": 25});
    let table = [
        (terms("k", 10, "m"), with(plain.clone(), json!({"size": 10}))),
        (terms("k", 11, "m"), json!({"field": "k", "size": 11, "order": {"_count": "desc"}})),
        (
            with(base(), json!({"params": {"accuracyMode": true}})),
            with(plain.clone(), json!({"shard_size": 1000})),
        ),
        (
            with(base(), json!({"params": {"accuracyMode": true, "size": 1000}})),
            with(plain.clone(), json!({"size": 1000, "shard_size": 1510})),
        ),
        (
            with(base(), json!({"params": {"orderDirection": "asc"}})),
            with(plain.clone(), json!({"order": {"_count": "asc"}})),
        ),
        (
            with(
                base(),
                json!({"params": {"orderBy": {"type": "alphabetical", "fallback": false}, "orderDirection": "asc"}}),
            ),
            with(plain.clone(), json!({"order": {"_key": "asc"}})),
        ),
        (
            with(base(), json!({"params": {"include": ["a", "b"], "exclude": ["c"]}})),
            with(plain.clone(), json!({"include": ["a", "b"], "exclude": ["c"]})),
        ),
        (
            with(base(), json!({"params": {"include": ["a.*"], "includeIsRegex": true}})),
            with(plain.clone(), json!({"include": "a.*"})),
        ),
        (
            with(base(), json!({"params": {"otherBucket": true, "missingBucket": true}})),
            with(plain.clone(), json!({"missing": "__missing__"})),
        ),
        (with(base(), json!({"params": {"otherBucket": false, "missingBucket": true}})), plain.clone()),
        (
            with(
                base(),
                json!({"dataType": "number", "params": {"otherBucket": true, "missingBucket": true}}),
            ),
            plain.clone(),
        ),
    ];
    for (column, expected) in table {
        assert_eq!(
            aggregations(&[("t", column.clone()), ("m", count())])["0"]["terms"],
            expected,
            "{column}"
        );
    }
}

#[test]
fn buckets_nest_in_the_order_of_columns_with_the_ordering_metric_at_both_levels() {
    let found = aggregations(&[
        ("level", terms("level", 6, "sum")),
        ("time", time("30s")),
        ("sum", of("sum", "f")),
        ("n", count()),
    ]);
    let sum = json!({"sum": {"field": "f"}});
    let bounds = json!({"min": NOW - 15 * 60_000, "max": NOW});
    let histogram = json!({"field": "@timestamp", "fixed_interval": "30s", "time_zone": "UTC", "min_doc_count": 0, "extended_bounds": bounds});
    let expected = json!({"0": {
        "terms": {"field": "level", "size": 6, "order": {"2": "desc"}, "shard_size": 25},
        "aggs": {"2": sum, "1": {"date_histogram": histogram, "aggs": {"2": sum}}},
    }});
    assert_eq!(found, expected);
}

#[test]
fn time_buckets_are_as_long_as_written_or_as_the_rule_says() {
    let histogram = |column: Value, context: &Context| {
        requests(datatable(&[("t", column), ("n", count())]), context)[0].body["aggs"]["0"]["date_histogram"]
            .clone()
    };
    assert_eq!(histogram(time("auto"), &context())["fixed_interval"], "30s");
    assert_eq!(histogram(time("1m"), &context())["calendar_interval"], "1m");
    let newest = Context {
        interval_rule: IntervalRule::Interval,
        range: dashboards::lens::TimeRange::between(NOW - 3_600_000, NOW),
        ..context()
    };
    assert_eq!(histogram(time("auto"), &newest)["fixed_interval"], "5m");
    let berlin = Context { time_zone: "Europe/Berlin".into(), ..context() };
    assert_eq!(histogram(time("1d"), &berlin)["time_zone"], "Europe/Berlin");
    let without_gaps = with(time("1m"), json!({"params": {"includeEmptyRows": false}}));
    let expected =
        json!({"field": "@timestamp", "calendar_interval": "1m", "time_zone": "UTC", "min_doc_count": 1});
    assert_eq!(histogram(without_gaps, &context()), expected);
    let another_time = with(time("1m"), json!({"sourceField": "event.ingested"}));
    assert_eq!(histogram(another_time, &context())["extended_bounds"], Value::Null);
}

#[test]
fn filters_and_ranges_are_named_and_cut_as_written() {
    let found = aggregations(&[("f", filters(&[("bad", "status >= 500"), ("", "")])), ("n", count())]);
    assert_eq!(found["0"], json!({"filters": {"filters": {"0": failed(), "1": {"match_all": {}}}}}));
    let found = aggregations(&[
        ("r", ranges("f", &[(None, Some(0.5), ""), (Some(0.5), Some(1e7), ""), (Some(1e7), None, "")])),
        ("n", count()),
    ]);
    assert_eq!(
        found["0"],
        json!({"range": {"field": "f", "ranges": [{"to": 0.5}, {"from": 0.5, "to": 10_000_000}, {"from": 10_000_000}]}})
    );
}

#[test]
fn a_histogram_first_asks_for_its_ends() {
    let panel = saved::panel(datatable(&[("s", steps("f", 10)), ("n", count())]));
    let Step::Ask(first) = panel.plan(&context()) else { panic!("a request") };
    assert_eq!(
        first.requests()[0].body["aggs"],
        json!({"0-min": {"min": {"field": "f"}}, "0-max": {"max": {"field": "f"}}})
    );
    let ends = json!({"hits": {}, "aggregations": {"0-min": {"value": 0}, "0-max": {"value": 400}}});
    let Ok(Step::Ask(second)) = first.receive(vec![ends]) else { panic!("a second request") };
    assert_eq!(
        second.requests()[0].body["aggs"],
        json!({"0": {"histogram": {"field": "f", "interval": 50, "min_doc_count": 0}}})
    );
}

#[test]
fn documents_are_narrowed_by_time_board_controls_and_panel_in_this_order() {
    let is = |field: &str, value: &str| json!({"bool": {"should": [{"match": {field: value}}], "minimum_should_match": 1}});
    let mut written = datatable(&[("n", count())]);
    let state = &mut written["embeddableConfig"]["attributes"]["state"];
    state["query"] = kql("c: d");
    state["filters"] = json!([
        {"meta": {"negate": true, "disabled": false}, "query": {"match_phrase": {"e": "f"}}},
        {"meta": {"negate": false, "disabled": true}, "query": {"match_phrase": {"g": "h"}}},
        {"meta": {}, "exists": {"field": "i"}},
    ]);
    written["embeddableConfig"]["query"] = kql("j: k");
    let selection = |values: Value, exclude| Selection {
        field: "s".into(),
        values: values.as_array().cloned().unwrap_or_default(),
        exclude,
    };
    let context = Context {
        query: Query::parse("a: b").unwrap_or_default(),
        filters: vec![Filter::is("x", &json!(1)).not()],
        selections: vec![
            selection(json!(["one"]), false),
            selection(json!(["two", "three"]), true),
            selection(json!([]), false),
        ],
        ..context()
    };
    let time = json!({"range": {"@timestamp": {"gte": "2026-11-24T13:30:30.250Z", "lte": "2026-11-24T13:45:30.250Z", "format": "strict_date_optional_time"}}});
    let board = [
        is("a", "b"),
        json!({"bool": {"must_not": {"match_phrase": {"x": 1}}}}),
        json!({"match_phrase": {"s": "one"}}),
        json!({"bool": {"must_not": {"bool": {"should": [{"match_phrase": {"s": "two"}}, {"match_phrase": {"s": "three"}}], "minimum_should_match": 1}}}}),
    ];
    let own = [
        json!({"bool": {"filter": [is("c", "d"), is("j", "k")]}}),
        json!({"bool": {"must_not": {"match_phrase": {"e": "f"}}}}),
        json!({"exists": {"field": "i"}}),
    ];
    let all: Vec<Value> = [time.clone()].into_iter().chain(board).chain(own.clone()).collect();
    assert_eq!(requests(written.clone(), &context)[0].body["query"], json!({"bool": {"filter": all}}));

    let layer = &mut written["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
        ["l"];
    layer["ignoreGlobalFilters"] = json!(true);
    let only_own: Vec<Value> = [time].into_iter().chain(own).collect();
    assert_eq!(requests(written, &context)[0].body["query"], json!({"bool": {"filter": only_own}}));
}

#[test]
fn a_filter_on_a_formula_is_handed_down_to_parts_that_have_none() {
    let found = aggregations(&[
        ("er", filtered(formula("erX2"), "status >= 500")),
        ("erX0", filtered(count(), "a: b")),
        ("erX1", of("sum", "f")),
        ("erX2", math("divide", json!(["erX0", "erX1"]))),
    ]);
    let own = json!({"bool": {"should": [{"match": {"a": "b"}}], "minimum_should_match": 1}});
    assert_eq!(
        found,
        json!({"1-filter": {"filter": own}, "2-filter": {"filter": failed(), "aggs": {"2-metric": {"sum": {"field": "f"}}}}})
    );
}

#[test]
fn a_time_shift_asks_for_the_listed_values_earlier() {
    let panel = saved::panel(datatable(&[
        ("k", terms("k", 2, "n")),
        ("n", count()),
        ("before", with(of("sum", "f"), json!({"timeShift": "1h"}))),
    ]));
    let Step::Ask(first) = panel.plan(&context()) else { panic!("a request") };
    assert_eq!(
        first.requests()[0].body["aggs"]["0"]["aggs"],
        Value::Null,
        "the shifted metric is not asked for now"
    );
    let buckets = json!({"sum_other_doc_count": 3, "buckets": [{"key": "a", "doc_count": 2}, {"key": "b", "doc_count": 1}]});
    let Ok(Step::Ask(second)) = first.receive(vec![json!({"hits": {}, "aggregations": {"0": buckets}})])
    else {
        panic!("a second request")
    };
    let body = &second.requests()[0].body;
    assert_eq!(body["query"]["bool"]["filter"][0]["range"]["@timestamp"]["gte"], "2026-11-24T12:30:30.250Z");
    let listed = json!({"0": {"match_phrase": {"k": "a"}}, "1": {"match_phrase": {"k": "b"}}});
    assert_eq!(
        body["aggs"],
        json!({"0": {"filters": {"filters": listed}, "aggs": {"2": {"sum": {"field": "f"}}}}})
    );
}

#[test]
fn text_links_and_constants_ask_for_nothing() {
    let vis = json!({"type": "markdown", "params": {"markdown": "# x"}});
    let markdown = json!({"type": "visualization", "panelIndex": "p", "embeddableConfig": {"savedVis": vis}});
    let links =
        json!({"type": "links", "panelIndex": "p", "embeddableConfig": {"attributes": {"links": []}}});
    let constants = datatable(&[("a", fixed("1")), ("b", fixed("0.5"))]);
    for written in [markdown, links, constants] {
        assert!(matches!(saved::panel(written.clone()).plan(&context()), Step::Done(_)), "{written}");
    }
}

#[test]
fn an_index_expression_cannot_leave_its_place_in_the_path() {
    let view = json!({"title": "a/../../_cluster?x=1#é ,b-*", "timeFieldName": "@timestamp"});
    let file =
        file(&[datatable(&[("n", count())])], json!({})) + &object("index-pattern", "logs", view, json!([]));
    let Step::Ask(round) = board(&file).panels[0].plan(&context()) else { panic!("a request") };
    assert_eq!(
        round.requests()[0].path,
        "/a%2F..%2F..%2F_cluster%3Fx%3D1%23%C3%A9%20,b-*/_search?ignore_unavailable=true&allow_no_indices=true"
    );
}

#[test]
fn a_control_asks_for_values_that_the_other_controls_leave() {
    let controls = json!({"c": {"order": 0, "type": "optionsListControl", "explicitInput": {"fieldName": "service", "title": "Service", "dataViewId": "logs"}}});
    let board = board(&file(&[], json!({"controlGroupInput": {"panelsJSON": controls.to_string()}})));
    let chosen = |field: &str| Selection { field: field.into(), values: vec![json!("x")], exclude: false };
    let context = Context { selections: vec![chosen("service"), chosen("version")], ..context() };
    let all = board.controls[0].values(&context, "");
    assert_eq!(
        all.body["aggs"],
        json!({"values": {"terms": {"field": "service", "size": 100, "order": {"_count": "desc"}}}})
    );
    assert_eq!(
        all.body["query"]["bool"]["filter"].as_array().map(|clauses| clauses[1..].to_vec()),
        Some(vec![json!({"match_phrase": {"version": "x"}})])
    );
    let some = board.controls[0].values(&context, "a.b(");
    assert_eq!(some.body["aggs"]["values"]["terms"]["include"], "a\\.b\\(.*");
}

#[test]
fn a_click_on_a_bucket_asks_for_its_documents() {
    let columns = [
        ("k", terms("k", 5, "n")),
        ("t", time("1m")),
        ("r", ranges("f", &[(Some(0.0), None, "")])),
        ("c", filters(&[("all", "")])),
        ("n", count()),
    ];
    let empty = json!({"hits": {}, "_shards": {"total": 0}});
    let table = tables(
        ask(&saved::panel(datatable(&columns)), &context(), |_| empty.clone())
            .unwrap_or_else(|error| panic!("{error}")),
    )
    .remove(0);
    let range = dashboards::lens::Value::Range { from: Some(0.0), to: None, label: String::new() };
    let text = dashboards::lens::Value::Text("x".into());
    let filter = |at: usize, value: &dashboards::lens::Value| {
        table.columns[at].filter(value).map(|filter| filter.to_dsl())
    };
    assert_eq!(filter(0, &text), Some(json!({"match_phrase": {"k": "x"}})));
    assert_eq!(
        filter(0, &dashboards::lens::Value::Missing),
        Some(json!({"bool": {"must_not": {"exists": {"field": "k"}}}}))
    );
    assert_eq!(filter(0, &dashboards::lens::Value::Other), None);
    let minute = json!({"gte": "2026-11-24T13:45:00.000Z", "lt": "2026-11-24T13:46:00.000Z", "format": "strict_date_optional_time"});
    assert_eq!(
        filter(1, &dashboards::lens::Value::Date(NOW - NOW % 60_000)),
        Some(json!({"range": {"@timestamp": minute}}))
    );
    assert_eq!(filter(2, &range), Some(json!({"range": {"f": {"gte": 0}}})));
    assert_eq!(filter(3, &text), None);
    assert_eq!(filter(4, &dashboards::lens::Value::Number(1.0)), None);
}

#[test]
fn a_panel_with_a_time_of_its_own_keeps_it() {
    let mut written = datatable(&[("n", count())]);
    written["embeddableConfig"]["timeRange"] = json!({"from": "now-1h", "to": "now-30m"});
    let clause = &requests(written, &context())[0].body["query"]["bool"]["filter"][0]["range"]["@timestamp"];
    assert_eq!(
        (clause["gte"].as_str(), clause["lte"].as_str()),
        (Some("2026-11-24T12:45:30.250Z"), Some("2026-11-24T13:15:30.250Z"))
    );
}
