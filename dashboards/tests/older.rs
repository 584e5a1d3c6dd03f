//! Panels from before Lens: what is asked for them, and the rows that come of it.

#[path = "support/saved.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod saved;

use dashboards::lens::{Content, Panel, Request, SeriesType, Step, Table, Visualization, XyLayer};
use saved::*;
use serde_json::{Value, json};

/// A panel that holds a visualization of this type.
fn older(kind: &str, params: Value, aggs: Value) -> Value {
    let source = json!({"query": {"language": "lucene", "query": "a:b"}, "filter": [], "index": "logs"});
    let vis = json!({"type": kind, "params": params, "aggs": aggs, "data": {"searchSource": source}});
    json!({"type": "visualization", "panelIndex": "p", "gridData": {"x": 0, "y": 0, "w": 24, "h": 12, "i": "p"},
        "embeddableConfig": {"savedVis": vis}})
}

fn tsvb(params: Value) -> Value {
    older("metrics", with(json!({"index_pattern": "logs-*", "interval": "10s"}), params), json!([]))
}

fn series(metrics: Value, more: Value) -> Value {
    with(json!({"id": "s", "split_mode": "everything", "metrics": metrics}), more)
}

fn requests(panel: &Panel) -> Vec<Request> {
    match panel.plan(&context()) {
        Step::Ask(round) => round.requests().to_vec(),
        Step::Done(figures) => panic!("nothing is asked ({:?}): {figures:?}", panel.content),
    }
}

fn visualization(panel: &Panel) -> &Visualization {
    match &panel.content {
        Content::Chart(chart) => &chart.visualization,
        other => panic!("{other:?}"),
    }
}

fn reason(written: Value) -> String {
    match saved::panel(written).content {
        Content::Unsupported { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn answered(panel: &Panel, aggregations: &Value) -> Table {
    let answer = json!({"_shards": {"total": 1, "failed": 0}, "hits": {"total": {"value": 9}, "hits": []}, "aggregations": aggregations});
    tables(ask(panel, &context(), |_| answer.clone()).unwrap_or_else(|error| panic!("{error}"))).remove(0)
}

/// Time buckets of ten seconds with a number in aggregation `place`.
fn buckets(place: &str, values: &[Option<f64>]) -> Value {
    let bucket = |(at, value): (usize, &Option<f64>)| json!({"key": 1_795_527_000_000_u64 + at as u64 * 10_000, "doc_count": 1, place: {"value": value}});
    json!({"buckets": values.iter().enumerate().map(bucket).collect::<Vec<_>>()})
}

#[test]
fn the_parts_of_aggregations_become_axes_and_series() {
    let by = json!({"id": "3", "type": "terms", "schema": "group", "params": {"field": "log.level", "orderBy": "1", "size": 3}});
    let aggs = json!([
        {"id": "1", "type": "avg", "schema": "metric", "params": {"field": "took", "customLabel": "Time"}},
        {"id": "2", "type": "date_histogram", "schema": "segment", "params": {"field": "@timestamp", "interval": "auto", "min_doc_count": 1}},
        by, {"id": "4", "enabled": false, "type": "geohash_grid", "schema": "segment", "params": {}},
    ]);
    let panel = saved::panel(older("histogram", json!({"mode": "stacked", "addLegend": false}), aggs));
    let Visualization::Xy(xy) = visualization(&panel) else { panic!("{panel:?}") };
    let XyLayer::Data(drawn) = &xy.layers[0] else { panic!("{xy:?}") };
    assert_eq!((drawn.series_type, xy.legend.is_visible), (SeriesType::BarStacked, false));
    assert_eq!((drawn.x.as_deref(), drawn.split.as_deref()), (Some("agg-2"), Some("agg-3")));
    let body = &requests(&panel)[0].body;
    assert_eq!(
        body["query"]["bool"]["filter"][1],
        json!({"query_string": {"query": "a:b", "analyze_wildcard": true}})
    );
    let terms = json!({"field": "log.level", "size": 3, "shard_size": 25, "order": {"2": "desc"}});
    assert_eq!(body["aggs"]["0"]["aggs"]["1"]["terms"], terms, "{body}");
    assert_eq!(body["aggs"]["0"]["aggs"]["1"]["aggs"], json!({"2": {"avg": {"field": "took"}}}));
}

#[test]
fn each_classic_type_is_a_picture() {
    let count = json!({"id": "1", "type": "count", "schema": "metric", "params": {}});
    let by = |schema: &str| json!({"id": "2", "type": "terms", "schema": schema, "params": {"field": "k", "orderBy": "1"}});
    let kind = |written: Value| match visualization(&saved::panel(written)) {
        Visualization::Xy(_) => "xy",
        Visualization::Metric(_) => "metric",
        Visualization::Pie(_) => "pie",
        Visualization::Datatable(_) => "table",
        Visualization::Heatmap(_) => "heatmap",
        Visualization::Gauge(_) => "gauge",
    };
    for (written, schema, expected) in [
        ("line", "segment", "xy"),
        ("area", "segment", "xy"),
        ("horizontal_bar", "segment", "xy"),
        ("pie", "segment", "pie"),
        ("table", "bucket", "table"),
        ("metric", "group", "metric"),
        ("tagcloud", "segment", "table"),
        ("heatmap", "segment", "heatmap"),
    ] {
        assert_eq!(kind(older(written, json!({}), json!([count, by(schema)]))), expected, "{written}");
    }
    let split = older("pie", json!({}), json!([count, by("split")]));
    assert_eq!(reason(split), "a picture for each value (split chart)");
    let grid =
        json!([count, {"id": "2", "type": "geohash_grid", "schema": "segment", "params": {"field": "p"}}]);
    assert_eq!(
        reason(older("line", json!({}), grid)),
        "the aggregation `geohash_grid` of a classic visualization"
    );
}

#[test]
fn series_with_the_same_documents_are_asked_for_at_once_each_with_its_filter() {
    let failed =
        json!({"filter": {"language": "kuery", "query": "status: 500"}, "label": "Failed", "color": "#f00"});
    let all =
        series(json!([{"id": "a", "type": "count"}]), json!({"separate_axis": 1, "axis_position": "right"}));
    let panel = saved::panel(tsvb(
        json!({"type": "timeseries", "series": [all, series(json!([{"id": "b", "type": "count"}]), failed)]}),
    ));
    let asked = requests(&panel);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/logs-*/_search?ignore_unavailable=true&allow_no_indices=true");
    let time = &asked[0].body["aggs"]["0"];
    assert_eq!(time["date_histogram"]["fixed_interval"], "10s");
    assert!(time["aggs"]["1-filter"].is_null() && time["aggs"]["2-filter"].is_object(), "{time}");
    let Visualization::Xy(xy) = visualization(&panel) else { panic!("{panel:?}") };
    let XyLayer::Data(drawn) = &xy.layers[0] else { panic!("{xy:?}") };
    let config: Vec<_> =
        drawn.y_config.iter().map(|config| (config.axis_mode.as_deref(), config.color.as_deref())).collect();
    assert_eq!(config, [(Some("right"), None), (Some("left"), Some("#f00"))]);
}

#[test]
fn rates_are_computed_along_the_time_of_each_value() {
    let metrics = json!([
        {"id": "m", "type": "max", "field": "bytes"},
        {"id": "d", "type": "derivative", "field": "m", "unit": "1s"},
        {"id": "p", "type": "positive_only", "field": "d"},
    ]);
    let split = json!({"split_mode": "terms", "terms_field": "host", "terms_order_by": "m", "formatter": "bytes", "value_template": "{{value}}/s"});
    let panel = saved::panel(tsvb(json!({"type": "timeseries", "series": [series(metrics, split)]})));
    let host =
        |name: &str, values: &[Option<f64>]| json!({"key": name, "doc_count": 3, "1": buckets("2", values)});
    let table = answered(
        &panel,
        &json!({"0": {"buckets": [
            host("a", &[Some(100.0), Some(150.0), None, Some(250.0)]), host("b", &[Some(9.0), Some(5.0)]),
        ]}}),
    );
    let values: Vec<String> = rows(&table).into_iter().map(|row| format!("{} {}", row[0], row[2])).collect();
    assert_eq!(values, ["a -", "a 5", "a -", "a 5", "b -", "b 0"]);
}

#[test]
fn a_number_is_that_of_the_last_bucket_unless_it_is_of_the_whole_time() {
    let metrics = || {
        json!([{"id": "u", "type": "max", "field": "used"}, {"id": "x", "type": "math", "script": "params.u / 4",
        "variables": [{"name": "u", "field": "u"}]}])
    };
    let last = saved::panel(tsvb(
        json!({"type": "metric", "series": [series(metrics(), json!({"label": "Used"}))]}),
    ));
    let table = answered(&last, &json!({"0": buckets("1", &[Some(4.0), Some(12.0)])}));
    assert_eq!((table.columns.len(), table.columns[0].label.as_str()), (1, "Used"));
    assert_eq!(rows(&table), [["3"]]);
    let whole = json!({"type": "metric", "time_range_mode": "entire_time_range", "series": [series(metrics(), json!({}))]});
    let whole = saved::panel(tsvb(whole));
    assert_eq!(requests(&whole)[0].body["aggs"], json!({"0": {"max": {"field": "used"}}}));
}

#[test]
fn the_largest_stand_first_and_a_last_value_is_looked_for_where_there_is_one() {
    let split = json!({"split_mode": "terms", "terms_field": "host", "terms_order_by": "_count",
        "filter": {"language": "kuery", "query": "a: b or c: d"}});
    let metrics = json!([{"id": "m", "type": "top_hit", "field": "bytes", "size": 1, "order": "desc"}]);
    let whole =
        json!({"type": "top_n", "time_range_mode": "entire_time_range", "series": [series(metrics, split)]});
    let panel = saved::panel(tsvb(whole));
    let last = |value: u32| json!({"doc_count": 1, "1-metric": {"hits": {"hits": [{"fields": {"bytes": [value]}}]}}});
    let host = |name: &str, value: u32| json!({"key": name, "doc_count": 3, "1-filter": last(value)});
    let gap = json!({"key": "gone", "doc_count": 9, "1-filter": {"doc_count": 0, "1-metric": {"hits": {"hits": []}}}});
    let table = answered(&panel, &json!({"0": {"buckets": [gap, host("a", 3), host("b", 7)]}}));
    assert_eq!(rows(&table), [["b", "7"], ["a", "3"], ["gone", "-"]]);
    let body = requests(&panel)[0].body.to_string();
    assert!(body.contains(r#"{"exists":{"field":"bytes"}}"#), "{body}");
}

#[test]
fn what_tsvb_knows_and_we_do_not_is_named() {
    let one =
        |metric: Value| tsvb(json!({"type": "timeseries", "series": [series(json!([metric]), json!({}))]}));
    let count = || series(json!([{"id": "c", "type": "count"}]), json!({}));
    for (written, expected) in [
        (tsvb(json!({"type": "markdown"})), "a TSVB panel of type `markdown`"),
        (one(json!({"id": "a", "type": "serial_diff"})), "the metric `serial_diff` of a TSVB panel"),
        (
            one(json!({"id": "a", "type": "derivative", "field": "gone"})),
            "the metric \"gone\" of a TSVB panel, which the file lacks",
        ),
        (
            one(json!({"id": "a", "type": "math", "script": "params._all"})),
            "the script `params._all` of a TSVB panel",
        ),
        (one(json!({"id": "a", "type": "max", "field": "f"})), ""),
        (
            tsvb(json!({"type": "timeseries", "index_pattern": "", "series": [count()]})),
            "a TSVB panel without a data view",
        ),
        (tsvb(json!({"type": "timeseries", "interval": "soon", "series": [count()]})), "the interval `soon`"),
        (
            tsvb(json!({"type": "timeseries", "series": [series(json!([]), json!({}))]})),
            "a TSVB series without a metric",
        ),
        (older("vega", json!({}), json!([])), "a classic visualization of type `vega`"),
    ] {
        match saved::panel(written.clone()).content {
            Content::Unsupported { reason } => assert_eq!(reason, expected, "{written}"),
            _ => assert_eq!("", expected, "{written}"),
        }
    }
}

#[test]
fn panels_of_controls_become_controls_and_the_others_move_up() {
    let list = json!({"type": "list", "fieldName": "host.name", "label": "Host", "indexPattern": "logs"});
    let range = json!({"type": "range", "fieldName": "took", "label": "Took"});
    let controls = older("input_control_vis", json!({"controls": [list, range]}), json!([]));
    let mut below = datatable(&[("n", count())]);
    below["gridData"]["y"] = json!(12);
    let board = board(&file(&[controls, below], json!({})));
    let shown: Vec<_> =
        board.controls.iter().map(|control| (control.title.as_str(), control.field.as_str())).collect();
    assert_eq!(shown, [("Host", "host.name")]);
    assert_eq!(board.omitted, ["the control `Took` of type `range`"]);
    assert_eq!((board.panels.len(), board.panels[0].grid.y), (1, 0));
}

#[test]
fn annotations_are_left_out_and_the_panel_says_so() {
    let line = || series(json!([{"id": "c", "type": "count"}]), json!({}));
    let marks = json!({"type": "timeseries", "series": [line()], "annotations": [{"id": "a", "index_pattern": "logs-*"}]});
    let data = json!({"layerType": "data", "layerId": "l", "seriesType": "line", "accessors": ["n"]});
    let layers = json!([data, {"layerType": "annotations", "layerId": "m", "annotations": []}]);
    let marked = lens("lnsXY", json!({"l": layer(&[("n", count())])}), json!({"layers": layers}));
    for written in [tsvb(marks), marked] {
        let panel = saved::panel(written);
        assert_eq!(panel.description, "Annotations are not shown.");
        let Visualization::Xy(xy) = visualization(&panel) else { panic!("{panel:?}") };
        assert_eq!(xy.layers.len(), 1);
    }
    assert_eq!(saved::panel(tsvb(json!({"type": "timeseries", "series": [line()]}))).description, "");
}

#[test]
fn json_may_stand_as_text_or_as_it_is() {
    let panels = json!([older("markdown", json!({"markdown": "# Read me"}), json!([]))]);
    let attributes = json!({"title": "Board", "panelsJSON": panels, "kibanaSavedObjectMeta": {"searchSourceJSON": {"filter": []}}});
    let read = board(&object("dashboard", "board", attributes, json!([])));
    assert_eq!(read.panels[0].content, Content::Markdown("# Read me".to_owned()));
    assert_eq!(read.omitted, Vec::<String>::new());
}

#[test]
fn ids_that_name_each_other_in_a_ring_or_twice_end_in_a_reason_or_a_number() {
    let rings = [
        json!([{"id": "a", "type": "count"}, {"id": "a", "type": "cumulative_sum", "field": "a"}]),
        json!([{"id": "a", "type": "derivative", "field": "b"}, {"id": "b", "type": "derivative", "field": "a"}]),
        json!([{"id": "a", "type": "count"}, {"id": "a", "type": "math", "script": "params.x + params.x",
            "variables": [{"name": "x", "field": "a"}]}]),
    ];
    for metrics in rings {
        for kind in ["timeseries", "metric", "top_n"] {
            let written = tsvb(json!({"type": kind, "series": [series(metrics.clone(), json!({}))]}));
            let panel = saved::panel(written);
            if !matches!(panel.content, Content::Unsupported { .. }) {
                answered(&panel, &json!({"0": buckets("1", &[Some(1.0), None])}));
            }
        }
    }
}
