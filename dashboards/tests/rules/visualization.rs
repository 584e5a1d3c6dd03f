//! What draws the columns of the layers.

use super::{layers, text, visualization, walk};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn check(name: &str, panel: &Value, faults: &mut Vec<String>) {
    let attributes = &panel["embeddableConfig"]["attributes"];
    let state = visualization(panel);
    let required: &[&str] = match text(&attributes["visualizationType"]) {
        "lnsXY" => &["preferredSeriesType", "legend", "layers"],
        "lnsMetric" => &["layerId", "layerType", "metricAccessor"],
        "lnsPie" => &["shape", "layers"],
        "lnsDatatable" => &["layerId", "layerType", "columns"],
        "lnsGauge" => &["layerId", "layerType", "shape", "metricAccessor", "ticksPosition", "labelMajorMode"],
        "lnsHeatmap" => &[
            "layerId",
            "layerType",
            "shape",
            "xAccessor",
            "yAccessor",
            "valueAccessor",
            "legend",
            "gridConfig",
        ],
        other => return faults.push(format!("{name}: `{other}` is not in the portable subset")),
    };
    if required.iter().any(|key| state[*key].is_null()) || attributes["state"]["query"]["language"] != "kuery"
    {
        faults.push(format!("{name}: the state lacks a key"));
    }
    if !attributes["version"].is_null() || !state["splitAccessors"].is_null() {
        faults.push(format!("{name}: a state that an old Kibana cannot read"));
    }
    check_series(name, state, faults);
    check_accessors(name, panel, faults);
}

fn check_series(name: &str, state: &Value, faults: &mut Vec<String>) {
    walk(state, &mut |key, value| {
        let known: &[&str] = match key {
            "seriesType" | "preferredSeriesType" => &["bar_stacked", "line", "area_stacked"],
            "layerType" => &["data", "referenceLine"],
            _ => return,
        };
        if !known.contains(&text(value)) {
            faults.push(format!("{name}: `{}` is not in the portable subset", text(value)));
        }
    });
}

/// Every column and layer that the state names is there, and every measure is drawn.
fn check_accessors(name: &str, panel: &Value, faults: &mut Vec<String>) {
    let layers = layers(panel);
    let columns = layers.values().filter_map(|layer| layer["columns"].as_object()).flatten();
    let columns: Vec<_> = columns.map(|(id, column)| (id.as_str(), column)).collect();
    let mut named = BTreeSet::new();
    walk(visualization(panel), &mut |key, value| match key {
        "layerId" | "trendlineLayerId" if !layers.contains_key(text(value)) => {
            faults.push(format!("{name}: draws `{}`, which is no layer", text(value)));
        }
        "columnId" | "forAccessor" => {
            named.insert(text(value));
        }
        "accessors" | "primaryGroups" | "metrics" => named.extend(super::texts(value)),
        key if key.ends_with("Accessor") => {
            named.insert(text(value));
        }
        _ => {}
    });
    for id in &named {
        if !columns.iter().any(|(column, _)| column == id) {
            faults.push(format!("{name}: draws `{id}`, which is no column"));
        }
    }
    let parts: BTreeSet<_> =
        columns.iter().flat_map(|(_, column)| super::texts(&column["references"])).collect();
    for (id, _) in columns {
        if !named.contains(id) && !parts.contains(id) {
            faults.push(format!("{name}: asks for `{id}`, which nothing draws"));
        }
    }
}
