//! From answers to rows, and what wrong answers become.

#[path = "support/saved.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod saved;

use dashboards::lens::{AnswerError, Boards, ColumnKind, DataType, Format, Step, Table, TimeUnit};
use proptest::prelude::*;
use saved::*;
use serde_json::{Value, json};

/// An answer with these aggregations.
fn answer(aggregations: Value) -> Value {
    json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": 7, "relation": "eq"}, "max_score": null, "hits": []}, "aggregations": aggregations})
}

fn table(panel: Value, answers: &[Value]) -> Result<Table, AnswerError> {
    let mut answers = answers.iter().cloned();
    let figures =
        ask(&saved::panel(panel), &context(), |_| answers.next().expect("an answer for each request"));
    figures.map(|figures| tables(figures).remove(0))
}

fn shown(columns: Columns, aggregations: Value) -> Vec<Vec<String>> {
    let table = table(datatable(columns), &[answer(aggregations)]).unwrap_or_else(|error| panic!("{error}"));
    rows(&table)
}

fn bucket(key: Value, count: u64, inner: Value) -> Value {
    with(json!({"key": key, "doc_count": count}), inner)
}

#[test]
fn the_values_of_a_collapsed_column_make_one_number() {
    let columns = [("t", time("10s")), ("k", terms("k", 3, "n")), ("n", count()), ("m", of("max", "f"))];
    let value = |key: &str, count: u64, max: Value| bucket(json!(key), count, json!({"3": {"value": max}}));
    let start = |at: u64, values: &[Value]| bucket(json!(at * 10_000), 1, json!({"1": {"buckets": values}}));
    let aggregations = json!({"0": {"buckets": [
        start(0, &[value("a", 2, json!(5)), value("b", 4, json!(null))]), start(1, &[value("a", 3, json!(7))]),
    ]}});
    for (function, expected) in
        [("sum", ["6", "3"]), ("avg", ["3", "3"]), ("min", ["2", "3"]), ("max", ["4", "3"])]
    {
        let data = json!({"layerType": "data", "layerId": "l", "seriesType": "area", "xAccessor": "t", "splitAccessor": "k",
            "accessors": ["n", "m"], "collapseFn": function});
        let drawn = lens("lnsXY", json!({"l": layer(&columns)}), json!({"layers": [data]}));
        let table = table(drawn, &[answer(aggregations.clone())]).unwrap_or_else(|error| panic!("{error}"));
        let ids: Vec<&str> = table.columns.iter().map(|column| column.id.as_str()).collect();
        assert_eq!(ids, ["t", "n", "m"], "{function}");
        let shown: Vec<String> = rows(&table).into_iter().map(|row| row[1..].join(" ")).collect();
        assert_eq!(shown, [format!("{} 5", expected[0]), format!("{} 7", expected[1])], "{function}");
    }
}

#[test]
fn each_metric_is_read_where_the_engines_put_it() {
    let hit =
        |value: Value| json!({"doc_count": 1, "0-metric": {"hits": {"hits": [{"fields": {"v": value}}]}}});
    let last_date = with(last("v"), json!({"dataType": "date"}));
    let table = [
        (count(), json!({}), "7"),
        (of("count", "f"), json!({"0": {"value": 3}}), "3"),
        (of("sum", "f"), json!({"0": {"value": 1_234_567_890_123.25}}), "1234567890123.25"),
        (of("average", "f"), json!({"0": {"value": null}}), "-"),
        (of("max", "f"), json!({"0": {"value": null}}), "-"),
        (
            with(of("max", "f"), json!({"dataType": "date"})),
            json!({"0": {"value": 1.795_527_930_25e12}}),
            "2026-11-24T13:45:30.250Z",
        ),
        (percentile("f", 95.0), json!({"0": {"values": {"95.0": 12.5}}}), "12.5"),
        (percentile("f", 95.0), json!({"0": {"values": {"95.0": null}}}), "-"),
        (percentile("f", 95.0), json!({"0": {"values": {"95.0": "NaN"}}}), "-"),
        (percentile("f", 99.9), json!({"0": {"values": {"99.9": 3}}}), "3"),
        (
            with(of("percentile_rank", "f"), json!({"params": {"value": 5}})),
            json!({"0": {"values": {"5.0": 25.0}}}),
            "0.25",
        ),
        (of("standard_deviation", "f"), json!({"0": {"std_deviation": 1.5}}), "1.5"),
        (of("unique_count", "f"), json!({"0": {"value": 4}}), "4"),
        (filtered(count(), "a: b"), json!({"0-filter": {"doc_count": 5}}), "5"),
        (last("v"), json!({"0-filter": hit(json!(["x"]))}), "x"),
        (last("v"), json!({"0-filter": hit(json!(["x", "y"]))}), "x, y"),
        (last("v"), json!({"0-filter": {"doc_count": 0, "0-metric": {"hits": {"hits": []}}}}), "-"),
        (last_date, json!({"0-filter": hit(json!(["1795527930250"]))}), "2026-11-24T13:45:30.250Z"),
        (with(of("sum", "f"), json!({"params": {"emptyAsNull": true}})), json!({"0": {"value": 0}}), "-"),
        (with(of("sum", "f"), json!({"params": {"emptyAsNull": false}})), json!({"0": {"value": 0}}), "0"),
    ];
    for (column, aggregations, expected) in table {
        assert_eq!(shown(&[("m", column.clone())], aggregations), [[expected]], "{column}");
    }
}

#[test]
fn keys_keep_their_type() {
    let of_type = |data_type: &str| with(terms("k", 5, "n"), json!({"dataType": data_type}));
    let table = [
        ("string", json!("x"), "x"),
        ("number", json!(404), "404"),
        (
            "boolean",
            with(bucket(json!(1), 2, json!({})), json!({"key_as_string": "true"}))["key"].clone(),
            "true",
        ),
        ("date", json!(1_795_527_930_250_i64), "2026-11-24T13:45:30.250Z"),
        ("ip", json!("10.0.0.1"), "10.0.0.1"),
    ];
    for (data_type, key, expected) in table {
        let aggregations = json!({"0": {"sum_other_doc_count": 0, "buckets": [bucket(key, 2, json!({}))]}});
        assert_eq!(
            shown(&[("k", of_type(data_type)), ("n", count())], aggregations),
            [[expected, "2"]],
            "{data_type}"
        );
    }
}

#[test]
fn rows_stand_in_the_order_of_nested_buckets() {
    let time_bucket =
        |minute: i64, count: u64| bucket(json!(NOW - NOW % 60_000 + minute * 60_000), count, json!({}));
    let series = |key: &str, buckets: Value| bucket(json!(key), 3, json!({"1": {"buckets": buckets}}));
    let found = shown(
        &[("k", terms("k", 2, "n")), ("t", time("1m")), ("n", count())],
        json!({"0": {"sum_other_doc_count": 0, "buckets": [
            series("b", json!([time_bucket(-1, 1), time_bucket(0, 2)])),
            series("a", json!([time_bucket(-1, 0), time_bucket(0, 3)])),
        ]}}),
    );
    let (before, now) = ("2026-11-24T13:44:00.000Z", "2026-11-24T13:45:00.000Z");
    assert_eq!(found, [["b", before, "1"], ["b", now, "2"], ["a", before, "0"], ["a", now, "3"]]);
}

#[test]
fn a_rate_counts_only_the_part_of_a_bucket_that_lies_in_the_range() {
    // The range is 13:30:30.250 to 13:45:30.250.
    let start = |minute: i64| NOW - NOW % 60_000 + minute * 60_000;
    let buckets = json!([
        bucket(json!(start(-15)), 59_500, json!({})),
        bucket(json!(start(-14)), 60, json!({})),
        bucket(json!(start(0)), 61, json!({}))
    ]);
    let found = shown(
        &[("t", time("1m")), ("rate", with(count(), json!({"timeScale": "s"})))],
        json!({"0": {"buckets": buckets}}),
    );
    // The first bucket has 29.75 s within the range, the last 30.25 s.
    assert_eq!(
        found.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(),
        ["2000", "0.07142857142857142", "2.0165289256198347"]
    );
    let whole = table(datatable(&[("rate", with(count(), json!({"timeScale": "m"})))]), &[answer(json!({}))]);
    assert_eq!(whole.map(|table| rows(&table)), Ok(vec![vec![(7.0 / 15.0).to_string()]]));
}

#[test]
fn formulas_are_computed_on_the_row_and_their_parts_are_hidden() {
    let columns = [
        ("t", time("1m")),
        (
            "er",
            with(
                formula("erX2"),
                json!({"params": {"format": {"id": "percent", "params": {"decimals": 2}}}}),
            ),
        ),
        ("erX0", filtered(count(), "a: b")),
        ("erX1", count()),
        ("erX2", math("divide", json!(["erX0", "erX1"]))),
    ];
    let start = NOW - NOW % 60_000;
    let buckets = json!([
        bucket(json!(start), 4, json!({"2-filter": {"doc_count": 1}})),
        bucket(json!(start + 60_000), 0, json!({"2-filter": {"doc_count": 0}})),
    ]);
    let table = table(datatable(&columns), &[answer(json!({"0": {"buckets": buckets}}))])
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(table.columns.iter().map(|column| column.id.as_str()).collect::<Vec<_>>(), ["t", "er"]);
    assert!(matches!(&table.columns[1].format, Format::Percent(decimals) if decimals.digits == Some(2)));
    assert_eq!(table.values("er").map(ToString::to_string).collect::<Vec<_>>(), ["0.25", "-"]);
}

#[test]
fn a_part_that_is_shown_itself_is_shown() {
    let columns =
        [("n", count()), ("twice", formula("twiceX0")), ("twiceX0", math("add", json!(["n", "n"])))];
    assert_eq!(shown(&columns, json!({})), [["7", "14"]]);
}

#[test]
fn columns_carry_type_kind_and_format() {
    let custom = json!({"params": {"format": {"id": "bytes", "params": {"decimals": 1}}}});
    let columns = [
        ("t", time("auto")),
        ("took", of("average", "took")),
        ("n", of("unique_count", "took")),
        ("b", with(of("max", "b"), custom)),
    ];
    let table = table(datatable(&columns), &[answer(json!({"0": {"buckets": []}}))])
        .unwrap_or_else(|error| panic!("{error}"));
    let [time, took, unique, bytes] = table.columns.as_slice() else { panic!("{table:?}") };
    assert_eq!((time.data_type, &time.format), (DataType::Date, &Format::Date));
    assert!(matches!(time.kind, ColumnKind::Time(interval) if interval.millis() == 30_000));
    assert!(
        matches!(&took.format, Format::Duration { unit: TimeUnit::Nanoseconds, .. }),
        "the data view says so"
    );
    assert!(matches!(&unique.format, Format::Number(_)), "a count of durations is no duration");
    assert!(matches!(&bytes.format, Format::Bytes(_)));
    assert_eq!(took.field.as_deref(), Some("took"));
}

#[test]
fn a_datatable_is_sorted_as_saved_with_gaps_last() {
    let sorted = |column: &str, direction: &str| {
        let mut panel = datatable(&[("k", terms("k", 5, "n")), ("n", count()), ("m", of("average", "f"))]);
        let state = &mut panel["embeddableConfig"]["attributes"]["state"];
        state["visualization"]["sorting"] = json!({"columnId": column, "direction": direction});
        let one =
            |key: &str, count: u64, mean: Value| bucket(json!(key), count, json!({"2": {"value": mean}}));
        let buckets = json!([one("b", 9, json!(null)), one("A", 8, json!(1.5)), one("c", 7, json!(-2))]);
        let table = table(panel, &[answer(json!({"0": {"sum_other_doc_count": 0, "buckets": buckets}}))]);
        let table = table.unwrap_or_else(|error| panic!("{error}"));
        table.values("k").map(ToString::to_string).collect::<Vec<_>>().join("")
    };
    assert_eq!(sorted("m", "asc"), "cAb");
    assert_eq!(sorted("m", "desc"), "Acb");
    assert_eq!(sorted("k", "asc"), "Abc");
    assert_eq!(sorted("n", "none"), "bAc");
}

#[test]
fn a_trend_line_is_a_second_table() {
    let layers = json!({"a": layer(&[("n", count())]), "b": layer(&[("t", time("auto")), ("tn", count())])});
    let visualization = json!({"layerId": "a", "layerType": "data", "metricAccessor": "n", "trendlineLayerId": "b",
        "trendlineLayerType": "metricTrendline", "trendlineTimeAccessor": "t", "trendlineMetricAccessor": "tn"});
    let panel = saved::panel(lens("lnsMetric", layers, visualization));
    let Step::Ask(round) = panel.plan(&context()) else { panic!("requests") };
    assert_eq!(round.requests().len(), 2);
    let trend = answer(json!({"0": {"buckets": [bucket(json!(NOW), 2, json!({}))]}}));
    let Ok(Step::Done(figures)) = round.receive(vec![answer(json!({})), trend]) else { panic!("figures") };
    let tables = tables(figures);
    assert_eq!(tables.iter().map(|table| table.layer.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((rows(&tables[0]), rows(&tables[1])[0][1].as_str()), (vec![vec!["7".to_owned()]], "2"));
}

#[test]
fn failed_shards_and_a_time_out_are_told_with_the_rows() {
    let mut failed = answer(json!({}));
    failed["_shards"] =
        json!({"total": 3, "failed": 1, "failures": [{"reason": {"type": "x", "reason": "too bad"}}]});
    let found = table(datatable(&[("n", count())]), &[failed]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (found.partial.as_deref(), rows(&found)),
        (Some("1 of 3 shards failed: too bad"), vec![vec!["7".to_owned()]])
    );
    let mut late = answer(json!({}));
    late["timed_out"] = json!(true);
    let found = table(datatable(&[("n", count())]), &[late]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.partial.as_deref(), Some("the search ran out of time"));
}

#[test]
fn a_wrong_answer_is_told_by_the_part_that_lacks() {
    let columns = [("k", terms("k", 5, "n")), ("n", count()), ("m", of("sum", "f"))];
    let with_bucket = |bucket: Value| answer(json!({"0": {"sum_other_doc_count": 0, "buckets": [bucket]}}));
    let cause = json!({"root_cause": [{"type": "illegal_argument_exception", "reason": "no sum of texts"}], "type": "search_phase_execution_exception", "reason": "all shards failed"});
    for (answer, message) in [
        (
            json!({"error": cause, "status": 400}),
            "the search was refused with `illegal_argument_exception`: no sum of texts",
        ),
        (json!({"error": "alone", "status": 405}), "the search was refused with `error`: alone"),
        (json!("<html>"), "the answer has no hits but `\"<html>\"`"),
        (json!(null), "the answer has no hits but `null`"),
        (answer(json!({})), "the answer has no buckets of aggregation `0` but `null`"),
        (
            answer(json!({"0": {"buckets": 5}})),
            "the answer has no buckets of aggregation `0` but `{\"buckets\":5}`",
        ),
        (with_bucket(json!(1)), "the answer has no key of aggregation `0` but `1`"),
        (with_bucket(json!({"key": {}, "doc_count": 1})), "the answer has no key of aggregation `0`"),
        (
            with_bucket(json!({"key": "a", "doc_count": -1, "2": {"value": 1}})),
            "the answer has no `doc_count` but",
        ),
        (
            with_bucket(json!({"key": "a", "doc_count": 1})),
            "the answer has no value of aggregation `2` but `null`",
        ),
        (
            with_bucket(json!({"key": "a", "doc_count": 1, "2": {"value": []}})),
            "the answer has no value of aggregation `2` but `{\"value\":[]}`",
        ),
    ] {
        let error =
            table(datatable(&columns), std::slice::from_ref(&answer)).expect_err("no table").to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let panel = saved::panel(datatable(&columns));
    let Step::Ask(round) = panel.plan(&context()) else { panic!("a request") };
    assert_eq!(round.receive(Vec::new()).err(), Some(AnswerError::Count { requests: 1, answers: 0 }));
}

#[test]
fn a_flood_of_buckets_is_refused() {
    let buckets: Vec<Value> = (0..65_537).map(|number| bucket(json!(number), 1, json!({}))).collect();
    let flat = answer(json!({"0": {"sum_other_doc_count": 0, "buckets": buckets}}));
    let found = table(datatable(&[("k", terms("k", 5, "n")), ("n", count())]), &[flat]);
    assert_eq!(found.err(), Some(AnswerError::TooMany { limit: 65_536 }));
    let inner: Vec<Value> = (0..300).map(|number| bucket(json!(number), 1, json!({}))).collect();
    let outer: Vec<Value> =
        (0..300).map(|number| bucket(json!(number), 1, json!({"1": {"buckets": inner}}))).collect();
    let columns = [("k", terms("k", 5, "n")), ("l", terms("l", 5, "n")), ("n", count())];
    let found = table(datatable(&columns), &[answer(json!({"0": {"buckets": outer}}))]);
    assert_eq!(found.err(), Some(AnswerError::TooMany { limit: 65_536 }));
}

#[test]
fn moments_far_away_and_numbers_without_end_are_borne() {
    let columns = [
        ("t", time("1M")),
        ("n", with(count(), json!({"timeScale": "s"}))),
        ("k", with(of("max", "f"), json!({"dataType": "date"}))),
    ];
    let inner = json!({"2": {"value": -1e300}});
    let buckets = json!([bucket(json!(-1e300), 1, inner.clone()), bucket(json!(1e300), 1, inner)]);
    let found = shown(&columns, json!({"0": {"buckets": buckets}}));
    assert_eq!(found[1][0], "9999-12-31T23:59:59.999Z");
    assert_eq!(found[1][2], "0000-01-01T00:00:00.000Z");
}

/// A panel with every operation, and a full answer to each of its requests.
fn everything() -> (Value, Vec<Value>) {
    let panel = datatable(&[
        ("k", with(terms("k", 2, "p"), json!({"params": {"otherBucket": true, "missingBucket": true}}))),
        ("f", filters(&[("all", "")])),
        ("r", ranges("f", &[(None, Some(1.0), "low")])),
        ("s", steps("f", 10)),
        ("t", time("1m")),
        ("n", with(count(), json!({"timeScale": "s"}))),
        ("p", percentile("f", 95.0)),
        ("l", last("v")),
        ("before", with(of("sum", "f"), json!({"timeShift": "1h"}))),
        ("e", formula("eX0")),
        ("eX0", math("add", json!(["n", "p"]))),
    ]);
    let leaf = json!({"6": {"values": {"95.0": 5}}, "7-filter": {"doc_count": 1, "7-metric": {"hits": {"hits": [{"fields": {"v": ["x"]}}]}}}, "8": {"value": 2}});
    let time = json!({"4": {"buckets": [bucket(json!(NOW - NOW % 60_000), 1, leaf)]}});
    let step = json!({"3": {"buckets": [bucket(json!(0), 1, time)]}});
    let range = json!({"2": {"buckets": [with(json!({"key": "*-1.0", "to": 1.0, "doc_count": 1}), step)]}});
    let filter = json!({"1": {"buckets": {"0": with(json!({"doc_count": 1}), range)}}});
    let terms = json!({"0": {"sum_other_doc_count": 4, "buckets": [bucket(json!("a"), 1, filter.clone()), bucket(json!("__missing__"), 1, filter.clone())]}});
    let bounds = json!({"3-min": {"value": 0}, "3-max": {"value": 90}});
    let group = with(json!({"doc_count": 4}), filter);
    let others = json!({"other-filter": {"buckets": {"0": group}}});
    let earlier = json!({"0": {"buckets": {"0": group, "1": group, "2": group}}});
    (panel, [bounds, terms, others, earlier].into_iter().map(answer).collect())
}

#[test]
fn every_stage_together() {
    let (panel, answers) = everything();
    let found = table(panel, &answers).unwrap_or_else(|error| panic!("{error}"));
    let keys: Vec<String> = found.values("k").map(ToString::to_string).collect();
    assert_eq!(keys, ["a", "(missing value)", "Other"]);
    assert_eq!(rows(&found)[0][1..5], ["all", "low", "0 to 10", "2026-11-24T13:45:00.000Z"]);
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "x",
            "__missing__",
            "NaN",
            "-1",
            "kuery",
            "now",
            "1h",
            "[",
            "{}",
            "a: ("
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z0-9]{1,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `replacement` at the `steps`-th place below `json`.
fn replace(json: &mut Value, steps: &mut usize, replacement: &Value) {
    if *steps == 0 {
        *json = replacement.clone();
        *steps = usize::MAX;
        return;
    }
    *steps -= 1;
    match json {
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, steps, replacement)),
        Value::Object(map) => map.values_mut().for_each(|inner| replace(inner, steps, replacement)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_stops_the_reader(stage in 0usize..4, place in 0usize..80, replacement in anything()) {
        let (panel, mut answers) = everything();
        replace(&mut answers[stage], &mut place.clone(), &replacement);
        let panel = saved::panel(panel);
        let mut step = panel.plan(&context());
        let mut answers = answers.into_iter();
        while let Step::Ask(round) = step {
            let next = round.requests().iter().map(|_| answers.next().unwrap_or_default()).collect();
            match round.receive(next) {
                Ok(next) => step = next,
                Err(_) => return Ok(()),
            }
        }
    }

    #[test]
    fn no_panel_stops_the_reader(place in 0usize..400, replacement in anything()) {
        let (mut panel, answers) = everything();
        replace(&mut panel, &mut place.clone(), &replacement);
        let boards = Boards::parse(&file(&[panel], json!({})));
        let panels = boards.into_iter().flat_map(|boards| boards.boards).flat_map(|board| board.panels);
        for panel in panels {
            let mut step = panel.plan(&context());
            let mut answers = answers.iter().cloned();
            while let Step::Ask(round) = step {
                let next = round.requests().iter().map(|_| answers.next().unwrap_or_default()).collect();
                match round.receive(next) {
                    Ok(next) => step = next,
                    Err(_) => break,
                }
            }
        }
    }

    #[test]
    fn no_line_stops_the_reader(place in 0usize..60, replacement in anything()) {
        for line in file(&[datatable(&[("n", count())])], json!({"controlGroupInput": {"panelsJSON": "{\"c\": {}}"}})).lines() {
            let mut json: Value = serde_json::from_str(line).unwrap_or_default();
            replace(&mut json, &mut place.clone(), &replacement);
            if let Ok(boards) = Boards::parse(&(data_view() + &json.to_string())) {
                boards.boards.iter().for_each(|board| drop(board.context(NOW)));
            }
        }
    }
}
