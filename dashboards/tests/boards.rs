//! What is read from a file, and what of it cannot be shown.

#[path = "support/saved.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod saved;

use dashboards::lens::{
    Boards, Content, Format, Grid, LinkTarget, SeriesType, SortOrder, Visualization, XyLayer,
};
use saved::*;
use serde_json::{Value, json};

fn reason(written: Value) -> String {
    match saved::panel(written).content {
        Content::Unsupported { reason } => reason,
        other => panic!("supported: {other:?}"),
    }
}

#[test]
fn a_board_brings_time_query_filters_and_controls() {
    let control = |field: &str, order: u32| {
        json!({"order": order, "type": "optionsListControl",
            "explicitInput": {"fieldName": field, "title": field.to_uppercase(), "dataViewId": "logs", "selectedOptions": ["x"]}})
    };
    let slider = json!({"order": 3, "type": "rangeSliderControl", "explicitInput": {}});
    let controls = json!({"c2": control("b", 2), "c1": control("a", 1), "c3": slider});
    let source = json!({"query": kql("level: error"), "filter": [{"meta": {"negate": true}, "query": {"match_phrase": {"k": "v"}}}]});
    let file = file(
        &[],
        json!({
            "timeRestore": true, "timeFrom": "now-1h", "timeTo": "now", "refreshInterval": {"pause": false, "value": 10000},
            "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()},
            "controlGroupInput": {"panelsJSON": controls.to_string()},
        }),
    );
    let board = board(&file);
    assert_eq!((board.id.as_str(), board.title.as_str(), board.refresh_ms), ("board", "Board", Some(10_000)));
    assert_eq!(
        board
            .controls
            .iter()
            .map(|control| (control.title.as_str(), control.data_view.id.as_str()))
            .collect::<Vec<_>>(),
        [("A", "logs"), ("B", "logs")]
    );
    assert_eq!(board.omitted, ["a control of type `rangeSliderControl`"]);
    let context = board.context(NOW);
    assert_eq!(context.range.length(), 3_600_000);
    assert_eq!(context.query.to_string(), "level: error");
    assert_eq!((context.filters.len(), context.selections.len()), (1, 2));
}

#[test]
fn without_time_restore_a_board_opens_on_the_last_quarter_of_an_hour() {
    let board = board(&file(
        &[],
        json!({"timeFrom": "now-1h", "timeTo": "now", "refreshInterval": {"pause": false, "value": 10000}}),
    ));
    assert_eq!((board.time.clone(), board.refresh_ms), (None, None));
    assert_eq!(board.context(NOW).range.length(), 15 * 60_000);
    let odd = saved::board(&file(&[], json!({"timeRestore": true, "timeFrom": "soon", "timeTo": "now"})));
    assert_eq!((odd.time, odd.omitted.len()), (None, 1));
}

#[test]
fn several_files_are_read_as_one_and_the_later_object_counts() {
    let summary = "{\"exportedCount\":2,\"missingRefCount\":0,\"missingReferences\":[]}\n";
    let newer = object("dashboard", "board", json!({"title": "Newer", "panelsJSON": "[]"}), json!([]));
    let text = file(&[], json!({}))
        + summary
        + "\n"
        + &data_view()
        + &newer
        + &object("tag", "t", json!({}), json!([]));
    let boards = Boards::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(boards.boards.iter().map(|board| board.title.as_str()).collect::<Vec<_>>(), ["Newer"]);
    assert_eq!(boards.data_views.len(), 1);
    assert!(matches!(boards.data_views[0].formats["took"], Format::Duration { .. }));
}

#[test]
fn what_is_no_saved_object_is_named_by_its_line() {
    for (text, line) in [
        ("{}\n", 1),
        ("\n\n[1]\n", 3),
        (&(data_view() + "{\"type\": \"dashboard\""), 2),
        ("{\"type\": 1, \"id\": \"x\"}", 1),
    ] {
        let error = Boards::parse(text).expect_err(text);
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains("export the boards as NDJSON again"));
    }
}

#[test]
fn place_title_and_library_of_a_panel() {
    let mut own = datatable(&[("n", count())]);
    own["title"] = Value::Null;
    own["embeddableConfig"]["title"] = json!("Newer place");
    own["embeddableConfig"]["hidePanelTitles"] = json!(true);
    own["embeddableConfig"]["timeRange"] = json!({"from": "now-1d", "to": "now"});
    let panel = saved::panel(own.clone());
    assert_eq!((panel.title.as_str(), panel.title_shown), ("Newer place", false));
    assert_eq!(panel.grid, Grid { x: 0, y: 0, width: 24, height: 12 });
    assert_eq!(panel.time.map(|time| time.from), Some("now-1d".to_owned()));

    let attributes =
        with(own["embeddableConfig"]["attributes"].clone(), json!({"title": "From the library"}));
    let references = attributes["references"].clone();
    let by_reference = json!({"type": "lens", "panelIndex": "q", "panelRefName": "panel_q", "gridData": {"x": 90, "w": 0}, "embeddableConfig": {}});
    let dashboard = json!({"title": "B", "panelsJSON": json!([by_reference]).to_string()});
    let file = data_view()
        + &object("lens", "library", attributes, references)
        + &object(
            "dashboard",
            "b",
            dashboard,
            json!([{"type": "lens", "id": "library", "name": "q:panel_q"}]),
        );
    let panel = &board(&file).panels[0];
    assert_eq!(panel.title, "From the library");
    assert_eq!(panel.grid, Grid { x: 47, y: 0, width: 1, height: 1 });
    assert!(matches!(panel.content, Content::Chart(_)), "{:?}", panel.content);
}

#[test]
fn a_chart_says_which_column_is_what() {
    let visualization = json!({
        "preferredSeriesType": "bar_stacked", "legend": {"isVisible": true, "position": "right"}, "valueLabels": "hide",
        "yLeftExtent": {"mode": "full"},
        "layers": [
            {"layerId": "a", "layerType": "data", "seriesType": "bar_stacked", "xAccessor": "t", "splitAccessor": "k", "accessors": ["n"],
             "colorMapping": {"assignments": [{"rules": [{"type": "raw", "value": "error"}], "color": {"type": "colorCode", "colorCode": "#f00"}}]}},
            {"layerId": "b", "layerType": "referenceLine", "accessors": ["limit"],
             "yConfig": [{"forAccessor": "limit", "axisMode": "left", "lineStyle": "dashed", "textVisibility": true, "color": "#0f0"}]},
        ],
    });
    let data = layer(&[("k", terms("k", 3, "n")), ("t", time("auto")), ("n", count())]);
    let panel = saved::panel(lens(
        "lnsXY",
        json!({"a": data, "b": layer(&[("limit", fixed("0.01"))])}),
        visualization,
    ));
    let Content::Chart(chart) = &panel.content else { panic!("{:?}", panel.content) };
    let Visualization::Xy(xy) = &*chart.visualization else { panic!("{chart:?}") };
    let [XyLayer::Data(series), XyLayer::ReferenceLine(lines)] = xy.layers.as_slice() else {
        panic!("{xy:?}")
    };
    assert_eq!(series.series_type, SeriesType::BarStacked);
    assert_eq!((series.x.as_deref(), series.split.as_deref()), (Some("t"), Some("k")));
    assert_eq!(series.color_mapping.assignments, [("error".to_owned(), "#f00".to_owned())]);
    assert_eq!(lines.y_config[0].color.as_deref(), Some("#0f0"));
    assert!(lines.y_config[0].text_visibility);
}

#[test]
fn text_links_and_documents_are_read() {
    let vis = json!({"type": "markdown", "params": {"markdown": "# x"}});
    let markdown = json!({"type": "visualization", "panelIndex": "m", "embeddableConfig": {"savedVis": vis}});
    let links = json!([
        {"type": "externalLink", "id": "2", "order": 1, "destination": "https://example.org", "options": {"openInNewTab": true}},
        {"type": "dashboardLink", "id": "1", "order": 0, "label": "Errors", "destinationRefName": "link_1", "options": {"useCurrentDateRange": false}},
    ]);
    let links =
        json!({"type": "links", "panelIndex": "k", "embeddableConfig": {"attributes": {"links": links}}});
    let source = json!({"query": kql("took >= 5"), "filter": [], "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index"});
    let search = json!({"title": "Slow", "columns": ["a", "b"], "sort": [["took", "desc"]], "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()}});
    let documents =
        json!({"type": "search", "panelIndex": "s", "panelRefName": "panel_s", "embeddableConfig": {}});
    let dashboard = json!({"title": "B", "panelsJSON": json!([markdown, links, documents]).to_string()});
    let references = json!([
        {"type": "dashboard", "id": "errors", "name": "k:link_1"},
        {"type": "search", "id": "slow", "name": "s:panel_s"},
    ]);
    let file = data_view()
        + &object(
            "search",
            "slow",
            search,
            json!([{"type": "index-pattern", "id": "logs", "name": "kibanaSavedObjectMeta.searchSourceJSON.index"}]),
        )
        + &object("dashboard", "b", dashboard, references);
    let panels = board(&file).panels;
    assert_eq!(panels[0].content, Content::Markdown("# x".to_owned()));
    let Content::Links(links) = &panels[1].content else { panic!("{:?}", panels[1].content) };
    assert_eq!(
        links[0].target,
        LinkTarget::Board { id: "errors".into(), keeps_filters: true, keeps_time: false }
    );
    assert_eq!((&links[1].target, links[1].new_tab), (&LinkTarget::Url("https://example.org".into()), true));
    let Content::Documents(search) = &panels[2].content else { panic!("{:?}", panels[2].content) };
    assert_eq!(
        (search.columns.clone(), search.sort.clone()),
        (vec!["a".into(), "b".into()], vec![("took".into(), SortOrder::Descending)])
    );
    assert_eq!((panels[2].title.as_str(), search.size), ("Slow", 500));
}

#[test]
fn a_panel_that_uses_more_is_kept_with_the_reason_and_the_others_live() {
    let one = |column: Value| datatable(&[("a", column)]);
    let order = |order: Value| with(terms("k", 3, "n"), json!({"params": {"orderBy": order}}));
    let by = |order: Value| datatable(&[("k", order), ("n", count())]);
    let simple = || datatable(&[("n", count())]);
    let state = |change: &dyn Fn(&mut Value)| {
        let mut written = simple();
        change(&mut written["embeddableConfig"]["attributes"]["state"]);
        written
    };
    let table = [
        (one(of("moving_average", "f")), "the operation `moving_average`"),
        (one(with(of("sum", "f"), json!({"sourceField": null}))), "the operation `sum` without a field"),
        (one(of("percentile", "f")), "the operation `percentile` without `percentile`"),
        (
            one(filtered(count(), "a: (")),
            "the query `a: (`: the query ends at byte 4, where a value should follow",
        ),
        (
            one(with(count(), json!({"filter": {"language": "painless", "query": "a:b"}}))),
            "the query language `painless`",
        ),
        (one(with(count(), json!({"timeShift": "startAt(x)"}))), "the time shift `startAt(x)`"),
        (one(with(count(), json!({"timeScale": "parsec"}))), "the time scale `parsec`"),
        (one(fixed("many")), "the static value `\"many\"`"),
        (one(with(formula("x"), json!({"references": []}))), "a `formula` that was saved without its parts"),
        (one(formula("x")), "the part `x` of a formula, which the file lacks"),
        (by(order(json!({"type": "rare"}))), "values ordered by `rare`"),
        (
            by(order(json!({"type": "column", "columnId": "gone"}))),
            "values ordered by the column `gone`, which is no metric to order by",
        ),
        (
            by(with(terms("k", 3, "n"), json!({"params": {"secondaryFields": ["l"]}}))),
            "values of several fields in one column",
        ),
        (by(time("5 parsecs")), "the interval `5 parsecs`"),
        (by(ranges("f", &[])), "a column of ranges without a range"),
        (lens("lnsChoropleth", json!({"l": layer(&[])}), json!({})), "the visualization `lnsChoropleth`"),
        (
            state(&|state| state["visualization"]["layerId"] = json!("gone")),
            "the layer `gone`, which the file lacks",
        ),
        (
            state(&|state| state["visualization"]["columns"][0]["columnId"] = json!("gone")),
            "the column `gone`, which the file lacks",
        ),
        (
            state(&|state| state["visualization"]["columns"][0]["collapseFn"] = json!("median")),
            "values collapsed by `median`",
        ),
        (
            state(&|state| state["datasourceStates"] = json!({"textBased": {"layers": {"l": {}}}})),
            "a chart by ES|QL",
        ),
        (
            state(&|state| state["datasourceStates"]["formBased"]["layers"]["l"]["sampling"] = json!(0.1)),
            "a layer that samples its documents",
        ),
        (
            state(&|state| state["filters"] = json!([{"meta": {"type": "combined"}}])),
            "a filter combined of others in an unknown way",
        ),
        (
            datatable(&[("n", count()), ("r", along("counter_rate", "n"))]),
            "the column `counter_rate`, which goes along the time, without a date histogram",
        ),
        (
            with(simple(), json!({"embeddableConfig": {"timeRange": {"from": "soon", "to": "now"}}})),
            "the time range: `soon` is no moment; write `now`, `now-15m`, `now/d` or `2026-11-24T10:00:00.000Z`",
        ),
        (json!({"type": "map", "panelIndex": "p"}), "a panel of type `map`"),
        (json!({"panelIndex": "p"}), "a panel without a type"),
        (
            json!({"type": "visualization", "embeddableConfig": {"savedVis": {"type": "tsvb"}}}),
            "a classic visualization of type `tsvb`",
        ),
        (
            json!({"type": "search", "panelRefName": "panel_0"}),
            "the saved search `panel_0`, which no file holds",
        ),
        (
            json!({"type": "search", "embeddableConfig": {"attributes": {}}}),
            "a saved search without a data view",
        ),
    ];
    for (written, expected) in table {
        assert_eq!(reason(written.clone()), expected, "{written}");
        let panels = board(&file(&[simple(), written], json!({}))).panels;
        assert!(matches!(panels[0].content, Content::Chart(_)));
    }
}

#[test]
fn older_metrics_and_tag_clouds_are_read_as_tiles_and_tables() {
    let chart = |kind: &str, columns: Columns, state: Value| {
        let state = with(json!({"layerId": "l", "layerType": "data"}), state);
        match saved::panel(lens(kind, json!({"l": layer(columns)}), state)).content {
            Content::Chart(chart) => (*chart.visualization).clone(),
            other => panic!("{other:?}"),
        }
    };
    let stops = json!({"name": "custom", "params": {"stops": [{"color": "#f00", "stop": 1}]}});
    for (mode, is_colored) in [("None", false), ("Labels", true), ("Background", true)] {
        let state = json!({"accessor": "n", "colorMode": mode, "palette": stops});
        match chart("lnsLegacyMetric", &[("n", count())], state) {
            Visualization::Metric(metric) => {
                assert_eq!((metric.metric.as_str(), metric.palette.is_some()), ("n", is_colored), "{mode}");
            }
            other => panic!("{other:?}"),
        }
    }
    let columns = [("k", terms("k", 5, "n")), ("n", count())];
    let state = json!({"tagAccessor": "k", "valueAccessor": "n", "minFontSize": 18, "orientation": "single"});
    match chart("lnsTagcloud", &columns, state) {
        Visualization::Datatable(table) => {
            let columns: Vec<&str> = table.columns.iter().map(|column| column.column.as_str()).collect();
            assert_eq!(columns, ["k", "n"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        reason(lens("lnsLegacyMetric", json!({"l": layer(&[])}), json!("odd"))),
        "the visualization `lnsLegacyMetric`: invalid type: string \"odd\", expected struct Metric"
    );
}

#[test]
fn a_missing_data_view_is_named_unless_its_id_is_an_index_expression() {
    let over = |view: &str| {
        let mut written = datatable(&[("n", count())]);
        written["embeddableConfig"]["attributes"]["references"][0]["id"] = json!(view);
        written
    };
    assert_eq!(reason(over("gone")), "the data view `gone`, which no file holds");
    assert!(matches!(saved::panel(over("metrics-*")).content, Content::Chart(_)));
}

#[test]
fn circles_and_floods_of_formula_parts_end() {
    let part = |left: &str, right: &str| math("add", json!([left, right]));
    let circle =
        datatable(&[("f", formula("fX0")), ("fX0", part("fX1", "fX1")), ("fX1", part("fX0", "fX0"))]);
    assert!(reason(circle).contains("which stands before its own parts"));
    let own = datatable(&[("f", formula("f"))]);
    assert!(reason(own).contains("made of formulas"));
    // Each part twice the one before: 2^200 additions if any were done twice.
    let ids: Vec<String> = (0..200).map(|number| format!("fX{number}")).collect();
    let mut columns: Vec<(&str, Value)> = vec![("f", filtered(formula("fX199"), "a: b")), (&ids[0], count())];
    columns.extend((1..200).map(|number| (ids[number].as_str(), part(&ids[number - 1], &ids[number - 1]))));
    let answer = json!({"hits": {}, "aggregations": {"1-filter": {"doc_count": 1}}});
    let figures = ask(&saved::panel(datatable(&columns)), &context(), |_| answer.clone())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(tables(figures)[0].rows[0][0].as_number(), Some(2_f64.powi(199)));
}

#[test]
fn nothing_of_the_shipped_boards_is_unsupported() {
    let boards = shipped().boards;
    assert_eq!(boards.len(), 5);
    for board in &boards {
        assert!(board.omitted.is_empty(), "{}: {:?}", board.id, board.omitted);
        assert_eq!((board.controls.len(), board.refresh_ms), (3, Some(10_000)), "{}", board.id);
        for panel in &board.panels {
            assert!(
                !matches!(panel.content, Content::Unsupported { .. }),
                "{} {}: {:?}",
                board.id,
                panel.id,
                panel.content
            );
        }
    }
}
