//! The files keep to the rules of Kibana's saved objects. No Kibana can be had where these tests run, so the rules
//! stand in for its import: versions that 8.9 to 9.x take, references, layers, accessors, grid.

mod rules;

use dashboards::kibana::{files, import};
use rules::{Import, inner};
use serde_json::{Value, json};

#[test]
fn the_files_keep_to_every_rule() {
    let faults = Import::parse(&import()).faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn there_are_five_boards_and_one_data_view() {
    let import = Import::parse(&import());
    assert_eq!(import.dashboards().count(), 5);
    let data_views: Vec<_> =
        import.objects.iter().filter(|object| object["type"] == "index-pattern").collect();
    let [data_view] = data_views[..] else { panic!("{} data views", data_views.len()) };
    assert_eq!(data_view["id"], "logs-app");
    assert_eq!(data_view["attributes"]["title"], "logs-app-*,logs-app.*-*");
    assert_eq!(data_view["attributes"]["timeFieldName"], "@timestamp");
}

#[test]
fn the_committed_files_are_those_of_the_model() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let again = "run `cargo run -p dashboards --bin write-dashboards`";
    for file in files() {
        let committed = std::fs::read_to_string(folder.join(&file.name)).unwrap_or_default();
        assert!(committed == file.ndjson, "{} is old; {again}", file.name);
    }
    let names: Vec<_> = files().into_iter().map(|file| file.name).collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stray = name.ends_with(".ndjson") && !names.contains(&name);
        assert!(!stray, "{name} belongs to no board any more; remove it");
    }
}

#[test]
fn two_runs_write_the_same_bytes_and_sorted_keys() {
    assert_eq!(files(), files());
    for line in import().lines() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.sort_all_objects();
        assert_eq!(value.to_string(), line);
    }
}

/// Changes one thing and expects a fault that says so: each rule can fail.
#[track_caller]
fn spoiled(board: &str, spoil: impl FnOnce(&mut Value), expected: &str) {
    let mut import = Import::parse(&import());
    let object =
        import.objects.iter_mut().find(|object| object["id"] == board).expect("an object of that id");
    spoil(object);
    let faults = import.faults();
    assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected:?} is not among {faults:#?}");
}

/// The same within one panel of a board.
#[track_caller]
fn spoiled_panel(board: &str, panel: &str, spoil: impl FnOnce(&mut Value), expected: &str) {
    let within = |object: &mut Value| {
        let mut panels = inner(&object["attributes"]["panelsJSON"]);
        let list = panels.as_array_mut().expect("a list");
        spoil(
            list.iter_mut().find(|candidate| candidate["panelIndex"] == panel).expect("a panel of that id"),
        );
        object["attributes"]["panelsJSON"] = json!(panels.to_string());
    };
    spoiled(board, within, expected);
}

fn state(panel: &mut Value) -> &mut Value {
    &mut panel["embeddableConfig"]["attributes"]["state"]
}

fn data_layer(panel: &mut Value) -> &mut Value {
    &mut state(panel)["datasourceStates"]["formBased"]["layers"]["data"]
}

const BOARD: &str = "app-service-overview";

#[test]
fn spoiled_objects_are_found() {
    spoiled(BOARD, |board| board["typeMigrationVersion"] = json!("10.2.0"), "another version");
    spoiled(BOARD, |board| board["updated_at"] = json!("2026-01-01"), "changes from build to build");
    spoiled(BOARD, |board| board["attributes"]["sections"] = json!([]), "an old Kibana refuses");
    spoiled(BOARD, |board| board["id"] = json!("app-errors"), "stands twice");
    spoiled(BOARD, |board| board["attributes"]["timeRestore"] = json!(false), "the last 15 minutes");
    spoiled(BOARD, |board| board["references"] = json!([]), "needs the references");
    spoiled("logs-app", |view| view["id"] = json!("other"), "not in the import");
    spoiled("app-log-stream", |search| search["references"] = json!([]), "needs the references");
}

#[test]
fn spoiled_grids_are_found() {
    let grid = |key: &'static str, value: Value| move |panel: &mut Value| panel["gridData"][key] = value;
    spoiled_panel(BOARD, "requests", grid("i", json!("p")), "another id on the grid");
    spoiled_panel(BOARD, "requests", grid("x", json!(40)), "beyond the grid");
    spoiled_panel(BOARD, "requests", grid("w", json!(20)), "over another panel");
    spoiled_panel(BOARD, "requests", grid("w", json!(5)), "a hole");
    spoiled_panel(BOARD, "requests", |panel| panel["panelIndex"] = json!("latency"), "stands twice");
}

#[test]
fn spoiled_layers_are_found() {
    let order = |panel: &mut Value| data_layer(panel)["columnOrder"] = json!(["time", "by0", "m0"]);
    spoiled_panel(BOARD, "failed-by-service", order, "instead of the whole range");
    let order = |panel: &mut Value| data_layer(panel)["columnOrder"] = json!(["m0", "by0", "time"]);
    spoiled_panel(BOARD, "failed-by-service", order, "a bucket behind a measure");
    let order = |panel: &mut Value| data_layer(panel)["columnOrder"] = json!(["by0", "time"]);
    spoiled_panel(BOARD, "failed-by-service", order, "is not that of the columns");
    let column = |id: &'static str, key: &'static str, value: Value| {
        move |panel: &mut Value| data_layer(panel)["columns"][id][key] = value
    };
    spoiled_panel(BOARD, "error-rate", column("m0", "references", json!([])), "shows nothing");
    spoiled_panel(
        BOARD,
        "error-rate",
        column("m0", "references", json!(["m9"])),
        "a column that is not there",
    );
    spoiled_panel(BOARD, "error-rate", column("m0X2", "references", json!(["m0X0"])), "but refers to");
    spoiled_panel(BOARD, "requests", column("m0", "timeShift", json!("1d")), "portable subset");
    spoiled_panel(BOARD, "requests", column("m0", "operationType", json!("counter_rate")), "portable subset");
    spoiled_panel(BOARD, "requests", column("m0", "params", json!({})), "lacks a key");
    let terms = |key: &'static str, value: Value| {
        move |panel: &mut Value| data_layer(panel)["columns"]["by0"]["params"][key] = value
    };
    spoiled_panel(BOARD, "failed-by-service", terms("size", json!(11)), "can be read");
    spoiled_panel(BOARD, "services", terms("size", json!(21)), "can be read");
    spoiled_panel(BOARD, "services", terms("otherBucket", json!(true)), "a second request");
    let by = json!({"type": "column", "columnId": "time"});
    spoiled_panel(BOARD, "failed-by-service", terms("orderBy", by), "no measure");
    spoiled_panel(BOARD, "services", column("by0", "sourceField", json!("url.path")), "groups by");
    let link = |panel: &mut Value| {
        state(panel)["datasourceStates"]["formBased"]["layers"]["trend"]["linkToLayers"] = json!(["x"]);
    };
    spoiled_panel(BOARD, "requests", link, "is no layer");
}

#[test]
fn spoiled_charts_are_found() {
    let chart =
        |key: &'static str, value: Value| move |panel: &mut Value| state(panel)["visualization"][key] = value;
    spoiled_panel(BOARD, "requests", chart("metricAccessor", json!("m7")), "is no column");
    spoiled_panel(BOARD, "requests", chart("metricAccessor", Value::Null), "lacks a key");
    spoiled_panel(BOARD, "requests", chart("trendlineMetricAccessor", json!("m0")), "which nothing draws");
    spoiled_panel(BOARD, "requests", chart("layerId", json!("x")), "is no layer");
    spoiled_panel(BOARD, "failed-by-service", chart("preferredSeriesType", json!("bar")), "portable subset");
    let kind = |panel: &mut Value| {
        panel["embeddableConfig"]["attributes"]["visualizationType"] = json!("lnsTagcloud")
    };
    spoiled_panel(BOARD, "services", kind, "portable subset");
    let version = |panel: &mut Value| panel["embeddableConfig"]["attributes"]["version"] = json!(1);
    spoiled_panel(BOARD, "services", version, "an old Kibana cannot read");
    let layer = |panel: &mut Value| {
        let layers = &mut state(panel)["datasourceStates"]["formBased"]["layers"];
        let layers = layers.as_object_mut().unwrap();
        let data = layers.remove("data").unwrap();
        layers.insert("other".to_owned(), data);
    };
    spoiled_panel(BOARD, "services", layer, "needs the references");
}
