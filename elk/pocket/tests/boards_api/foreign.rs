//! A board as other people's files hold them: what cannot be drawn says why, the rest draws.

use crate::direct::{Direct, XSRF};
use crate::page::Page;
use serde_json::{Value, json};

/// What must stay text wherever a file puts it.
const HOSTILE: &str = "<img src=x onerror=window.ran=1>";
const VIEW: &str = "indexpattern-datasource-layer-l";

fn object(kind: &str, id: &str, attributes: Value, references: Value) -> String {
    json!({"type": kind, "id": id, "attributes": attributes, "references": references}).to_string() + "\n"
}

fn reference(kind: &str, id: &str, name: &str) -> Value {
    json!({"type": kind, "id": id, "name": name})
}

/// A Lens object that counts by service, drawn as `kind` with this state.
fn chart(kind: &str, state: Value) -> Value {
    let mut state = state;
    state["layerId"] = json!("l");
    let by = json!({"type": "column", "columnId": "n"});
    let columns = json!({
        "s": {"label": "Service", "dataType": "string", "operationType": "terms", "isBucketed": true, "sourceField": "service.name",
            "params": {"size": 5, "orderBy": by, "orderDirection": "desc", "otherBucket": false}},
        "n": {"label": "Lines", "dataType": "number", "operationType": "count", "isBucketed": false, "sourceField": "___records___"},
    });
    let order = if state["accessor"].is_null() { json!(["s", "n"]) } else { json!(["n"]) };
    let columns = match order.as_array().unwrap().len() {
        1 => json!({"n": columns["n"]}),
        _ => columns,
    };
    // Under the name that sources of data had before 8.6.
    let sources = json!({"indexpattern": {"layers": {"l": {"columns": columns, "columnOrder": order}}}});
    json!({"title": format!("By {kind}"), "visualizationType": kind, "state": {
        "query": {"language": "kuery", "query": ""}, "filters": [], "datasourceStates": sources, "visualization": state}})
}

fn panel(kind: &str, id: &str, row: u32, more: Value) -> Value {
    let mut panel = json!({"version": "8.4.0", "type": kind, "panelIndex": id, "embeddableConfig": {"enhancements": {}},
        "gridData": {"x": 0, "y": row, "w": 24, "h": 8, "i": id}});
    panel.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    panel
}

/// As an export writes them: objects in any order, at the end the line that counts.
fn file() -> String {
    let view = || json!([reference("index-pattern", "their-view", VIEW)]);
    let in_panel = |chart: Value| json!({"embeddableConfig": {"attributes": chart}});
    let map = json!({"attributes": {"title": "Where", "layerListJSON": "[]"}});
    let histogram = json!({"title": "Old bars", "type": "histogram", "params": {}, "aggs": [
        {"id": "1", "type": "count", "schema": "metric", "params": {}},
        {"id": "2", "type": "terms", "schema": "segment", "params": {"field": "service.name", "orderBy": "1", "customLabel": HOSTILE}},
    ]});
    let tsvb = json!({"type": "top_n", "index_pattern_ref_name": "metrics_0", "time_range_mode": "entire_time_range", "series": [
        {"split_mode": "terms", "terms_field": "service.name", "label": HOSTILE, "color": HOSTILE, "metrics": [{"id": "c", "type": "count"}]},
    ]});
    let controls = json!({"type": "input_control_vis", "params": {"controls": [
        {"type": "list", "fieldName": "service.name", "label": HOSTILE, "indexPatternRefName": "control_0"},
    ]}});
    let markdown = json!({"title": "Words", "type": "markdown", "params": {"markdown": "# Read me"}});
    let panels = json!([
        panel("lens", "a", 0, json!({"panelRefName": "panel_a"})),
        panel(
            "lens",
            "b",
            8,
            in_panel(chart("lnsLegacyMetric", json!({"accessor": "n", "colorMode": "None"})))
        ),
        panel(
            "lens",
            "c",
            16,
            in_panel(chart("lnsTagcloud", json!({"tagAccessor": "s", "valueAccessor": "n"})))
        ),
        panel("search", "d", 24, json!({"panelRefName": "panel_d"})),
        panel("visualization", "e", 32, json!({"panelRefName": "panel_e"})),
        panel("visualization", "f", 40, json!({"panelRefName": "panel_f"})),
        panel(
            "visualization",
            "g",
            48,
            json!({"embeddableConfig": {"savedVis": {"type": "metrics", "params": {}}}})
        ),
        panel(
            "visualization",
            "l",
            88,
            json!({"embeddableConfig": {"savedVis": {"type": "metrics", "params": tsvb}}})
        ),
        panel("visualization", "m", 96, json!({"embeddableConfig": {"savedVis": controls}})),
        panel("map", "h", 56, json!({"embeddableConfig": map})),
        panel("map", "i", 64, json!({"panelRefName": "panel_i"})),
        panel("lens", "j", 72, json!({"panelRefName": "panel_j"})),
        panel("lens", "k", 80, in_panel(chart("lnsChoropleth", json!({"accessor": "n"})))),
    ]);
    let references = json!([
        // Older files name the reference alone, newer ones put the panel before it.
        reference("lens", "their-lens", "panel_a"),
        reference("index-pattern", "their-view", &format!("b:{VIEW}")),
        reference("index-pattern", "their-view", &format!("c:{VIEW}")),
        reference("search", "their-search", "d:panel_d"),
        reference("visualization", "their-bars", "e:panel_e"),
        reference("visualization", "their-words", "f:panel_f"),
        reference("index-pattern", "their-view", "l:metrics_0"),
        reference("index-pattern", "their-view", "m:control_0"),
        reference("map", "their-map", "i:panel_i"),
        reference("lens", "nowhere", "j:panel_j"),
        reference("index-pattern", "their-view", &format!("k:{VIEW}")),
    ]);
    let index = "kibanaSavedObjectMeta.searchSourceJSON.index";
    let source = json!({"query": {"language": "kuery", "query": ""}, "filter": [], "indexRefName": index});
    let search = json!({"title": "Their lines", "columns": ["message"], "sort": [["@timestamp", "desc"]],
        "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()}});
    let pie = json!({"primaryGroup": [], "shape": "pie", "layers": [{"layerId": "l", "primaryGroups": ["s"], "metrics": ["n"]}]});
    [
        object(
            "dashboard",
            "theirs",
            json!({"title": "Theirs", "panelsJSON": panels.to_string()}),
            references,
        ),
        object("lens", "their-lens", chart("lnsPie", pie), view()),
        object("search", "their-search", search, json!([reference("index-pattern", "their-view", index)])),
        object(
            "visualization",
            "their-bars",
            json!({"title": "Old bars", "visState": histogram.to_string(), "savedSearchRefName": "search_0"}),
            json!([reference("search", "their-search", "search_0")]),
        ),
        object(
            "visualization",
            "their-words",
            json!({"title": "Words", "visState": markdown.to_string()}),
            json!([]),
        ),
        object("map", "their-map", json!({"title": "Where"}), json!([])),
        object(
            "index-pattern",
            "their-view",
            json!({"title": "logs-*", "timeFieldName": "@timestamp"}),
            json!([]),
        ),
        object("tag", "their-tag", json!({"name": "theirs"}), json!([])),
        json!({"exportedCount": 8, "missingRefCount": 0, "missingReferences": []}).to_string(),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_drawn_says_why_and_the_rest_draws() {
    let page = Page::serve().await;
    page.write(
        (0..9).map(
            |at| json!({"service": {"name": if at % 3 == 0 { "shop" } else { "stock" }}, "message": "m"}),
        ),
    );
    let transport = Direct::to(page.address);
    let (status, told) = transport.import(&file(), "", &XSRF);
    assert_eq!((status, &told["successCount"]), (200, &json!(8)), "{told}");
    let layout = transport.get("/api/boards/theirs").1;
    let of = |id: &str| layout["panels"].as_array().unwrap().iter().find(|panel| panel["id"] == id).unwrap();
    for (id, reason) in [
        ("g", "a TSVB panel of type ``"),
        ("h", "a panel of type `map`"),
        ("i", "a panel of type `map`"),
        ("j", "the saved lens `panel_j`, which no file holds"),
        ("k", "the visualization `lnsChoropleth`"),
    ] {
        assert_eq!((&of(id)["kind"], &of(id)["reason"]), (&json!("unsupported"), &json!(reason)), "{layout}");
    }
    assert_eq!(
        (&of("f")["kind"], &of("f")["text"]),
        (&json!("markdown"), &json!([{"tag": "h3", "nodes": ["Read me"]}]))
    );
    let drawn = |id: &str| {
        let (status, drawing) = transport.get(&format!("/api/boards/theirs/panels/{id}?asked=%7B%7D"));
        assert_eq!(status, 200, "{drawing}");
        drawing
    };
    let slices = drawn("a")["option"]["series"][0]["data"].clone();
    assert_eq!((&slices[0]["name"], slices[0]["value"].as_f64()), (&json!("stock"), Some(6.0)), "{slices}");
    let tile = drawn("b")["tiles"][0].clone();
    assert_eq!((&tile["label"], tile["value"].as_f64()), (&json!("Lines"), Some(9.0)), "{tile}");
    let cells = drawn("c")["cells"].clone();
    let row = |at: usize| (&cells[at][0]["v"], cells[at][1]["v"].as_f64());
    assert_eq!([row(0), row(1)], [(&json!("stock"), Some(6.0)), (&json!("shop"), Some(3.0))], "{cells}");
    assert_eq!(drawn("d")["rows"], 9);
    for id in ["e", "l"] {
        let series = drawn(id)["option"]["series"][0]["data"].to_string();
        assert!(series.contains("6.0") && series.contains("3.0"), "{id}: {series}");
    }
    assert_eq!(
        (&layout["controls"][0]["title"], &layout["controls"][0]["field"]),
        (&json!(HOSTILE), &json!("service.name"))
    );
    assert!(layout["panels"].as_array().unwrap().iter().all(|panel| panel["id"] != "m"), "{layout}");
}
