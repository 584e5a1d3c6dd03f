//! The boards over real engines.

use crate::events::quarter_of_an_hour;
use crate::{Cable, Viewer, breaks_and_comes_back, template};
use bench::engine::{self, Engine, Kind};
use serde_json::{Value, json};

fn fill(engine: &Engine) {
    engine.call("PUT", "/_index_template/logs-app", &template().to_string());
    let body: String = quarter_of_an_hour()
        .into_iter()
        .map(|mut event| {
            event["host"] = json!({"name": "web-1"});
            format!("{{\"create\":{{}}}}\n{event}\n")
        })
        .collect();
    let answer = engine.call("POST", "/logs-app-default/_bulk?refresh=true", &body);
    assert_eq!(answer["errors"], false, "{answer}");
}

fn list<'l>(json: &'l Value, key: &str) -> &'l Vec<Value> {
    json[key].as_array().unwrap_or_else(|| panic!("{key} of {json}"))
}

fn text<'t>(json: &'t Value, key: &str) -> &'t str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} of {json}"))
}

/// How many panels had rows.
fn every_panel_is_drawn(viewer: &Viewer) -> usize {
    let mut drawn = 0;
    for board in list(&viewer.get("/api/boards").1, "boards") {
        let board = text(board, "id");
        let layout = viewer.get(&format!("/api/boards/{board}")).1;
        for panel in list(&layout, "panels") {
            if matches!(text(panel, "kind"), "markdown" | "links") {
                continue;
            }
            let (status, drawing) = viewer.panel(board, text(panel, "id"));
            assert_eq!(status, 200, "{board} {panel}: {drawing}");
            assert_eq!(drawing["partial"], Value::Null, "{board} {panel}");
            assert!(drawing["rows"].as_u64() > Some(0), "{board} {panel}: {drawing}");
            drawn += 1;
        }
        for control in list(&layout, "controls") {
            let target = format!("/api/boards/{board}/controls/{}?asked=%7B%7D", text(control, "id"));
            let (status, told) = viewer.get(&target);
            assert_eq!(status, 200, "{target}: {told}");
        }
    }
    drawn
}

fn completes(viewer: &Viewer) {
    for (before, expected) in [
        ("service.na", "service.name"),
        ("service.name%3A%20%22sh", "\"shop\" "),
        ("http.response.status_code%3A%2050", "500 "),
    ] {
        let (status, told) = viewer.get(&format!("/api/complete?before={before}"));
        assert_eq!(status, 200, "{before}: {told}");
        assert!(list(&told, "choices").iter().any(|choice| choice["text"] == expected), "{before}: {told}");
    }
}

fn views(kind: Kind) {
    let engine = engine::own(kind, &[], false);
    fill(&engine);
    let cable = Cable::to(engine.url().trim_start_matches("http://").trim_end_matches('/'));
    let viewer = Viewer::of(&cable.url);
    assert!(every_panel_is_drawn(&viewer) > 40);
    let services = viewer.panel("app-service-overview", "services").1;
    // Every tenth request of `shop` fails, none of `stock`.
    assert_eq!([&services["cells"][0][0]["v"], &services["cells"][0][2]["v"]], [&json!("shop"), &json!(0.1)]);
    completes(&viewer);
    breaks_and_comes_back(&viewer, &cable);
    // The node itself ends.
    drop(engine);
    let (status, told) = viewer.panel("app-errors", "errors-by-type");
    assert_eq!(status, 503, "{told}");
}

#[test]
#[ignore = "needs Elasticsearch"]
fn elasticsearch_draws_every_panel_and_completes() {
    views(Kind::Elasticsearch);
}

#[test]
#[ignore = "needs OpenSearch"]
fn opensearch_draws_every_panel_and_completes() {
    views(Kind::OpenSearch);
}
