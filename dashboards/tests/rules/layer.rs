//! Layers and their columns.

use super::{layers, text, texts};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Terms of a chart, and of the rows of a table.
const TERMS_MAX_CHART: u64 = 10;
const TERMS_MAX_TABLE: u64 = 20;
const COLUMN_KEYS: [&str; 11] = [
    "customLabel",
    "dataType",
    "filter",
    "isBucketed",
    "label",
    "operationType",
    "params",
    "references",
    "scale",
    "sourceField",
    "timeScale",
];

pub(super) fn check(name: &str, panel: &Value, faults: &mut Vec<String>) {
    let layers = layers(panel);
    let mut ids = BTreeSet::new();
    for (layer_id, layer) in layers {
        let name = format!("{name}/{layer_id}");
        let Some(columns) = layer["columns"].as_object() else {
            faults.push(format!("{name}: has no columns"));
            continue;
        };
        check_order(&name, layer, columns, faults);
        for (id, column) in columns {
            let name = format!("{name}/{id}");
            if !ids.insert(id) {
                faults.push(format!("{name}: another layer has a column of that id"));
            }
            check_column(&name, column, faults);
            check_parts(&name, column, columns, faults);
            if column["operationType"] == "terms" {
                check_terms(&name, panel, column, columns, faults);
            }
        }
        for linked in texts(&layer["linkToLayers"]) {
            if !layers.contains_key(linked) {
                faults.push(format!("{name}: is linked to `{linked}`, which is no layer"));
            }
        }
    }
}

/// `columnOrder` is the columns, each once, buckets before all others.
fn check_order(name: &str, layer: &Value, columns: &Map<String, Value>, faults: &mut Vec<String>) {
    let order = texts(&layer["columnOrder"]);
    let set: BTreeSet<_> = order.iter().copied().collect();
    if set.len() != order.len() || set != columns.keys().map(String::as_str).collect() {
        faults.push(format!("{name}: the order {order:?} is not that of the columns"));
    }
    let bucketed: Vec<_> = order.iter().map(|id| columns.get(*id).is_some_and(is_bucket)).collect();
    if !bucketed.is_sorted_by(|before, after| before >= after) {
        faults.push(format!("{name}: a bucket behind a measure"));
    }
    let time = order
        .iter()
        .filter(|id| columns.get(**id).is_some_and(|column| column["operationType"] == "date_histogram"));
    let terms_inside_time = order.windows(2).any(|pair| {
        let is = |id: &str, operation: &str| {
            columns.get(id).is_some_and(|column| column["operationType"] == operation)
        };
        is(pair[0], "date_histogram") && is(pair[1], "terms")
    });
    if time.count() > 1 || terms_inside_time {
        faults.push(format!("{name}: the first values of each point in time instead of the whole range"));
    }
}

fn is_bucket(column: &Value) -> bool {
    column["isBucketed"] == true
}

/// Required keys and parameters by operation; nothing but the portable subset.
fn check_column(name: &str, column: &Value, faults: &mut Vec<String>) {
    let operation = text(&column["operationType"]);
    let (bucketed, on_field, params): (bool, bool, &[&str]) = match operation {
        "date_histogram" => (true, true, &["interval", "includeEmptyRows", "dropPartials"]),
        "terms" => (
            true,
            true,
            &["size", "orderBy", "orderDirection", "otherBucket", "missingBucket", "parentFormat"],
        ),
        "range" => (true, true, &["type", "ranges", "maxBars", "includeEmptyRows", "parentFormat"]),
        "count" | "unique_count" | "sum" => (false, true, &["emptyAsNull"]),
        "average" | "min" | "max" | "median" => (false, true, &[]),
        "percentile" => (false, true, &["percentile"]),
        "last_value" => (false, true, &["sortField", "showArrayValues"]),
        "formula" => (false, false, &["formula", "isFormulaBroken"]),
        "math" => (false, false, &["tinymathAst"]),
        "static_value" => (false, false, &["value"]),
        _ => return faults.push(format!("{name}: `{operation}` is not in the portable subset")),
    };
    let has_params = params.iter().all(|param| !column["params"][*param].is_null());
    let typed = ["label", "dataType", "scale"].iter().all(|key| column[*key].is_string());
    let refers = column["references"].is_array() != on_field;
    let field = column["sourceField"].is_string() == on_field;
    if column["isBucketed"] != bucketed || !has_params || !typed || !refers || !field {
        faults.push(format!("{name}: a `{operation}` that lacks a key, or has one too many"));
    }
    let known =
        column.as_object().is_some_and(|keys| keys.keys().all(|key| COLUMN_KEYS.contains(&key.as_str())));
    if !known {
        faults.push(format!("{name}: a key outside of the portable subset"));
    }
    if operation == "static_value" && !column["params"]["value"].is_string() {
        faults.push(format!("{name}: the value of a constant is a text"));
    }
}

/// A formula refers to its last part, arithmetic to the columns it names.
fn check_parts(name: &str, column: &Value, columns: &Map<String, Value>, faults: &mut Vec<String>) {
    let references = texts(&column["references"]);
    if references.iter().any(|id| !columns.contains_key(*id)) {
        faults.push(format!("{name}: refers to a column that is not there"));
    }
    match text(&column["operationType"]) {
        "formula" if references.len() != 1 => {
            faults.push(format!("{name}: a formula without its parts shows nothing"));
        }
        "math" => {
            let mut named = Vec::new();
            operands(&column["params"]["tinymathAst"], &mut named, name, faults);
            if named != references {
                faults.push(format!("{name}: computes {named:?} but refers to {references:?}"));
            }
        }
        _ => {}
    }
}

fn operands<'a>(tree: &'a Value, named: &mut Vec<&'a str>, name: &str, faults: &mut Vec<String>) {
    match tree {
        Value::String(id) => named.push(id),
        Value::Number(_) => {}
        _ => {
            let known = ["add", "subtract", "multiply", "divide"].contains(&text(&tree["name"]));
            let two = tree["args"].as_array().is_some_and(|operands| operands.len() == 2);
            if tree["type"] != "function" || !known || !two {
                faults.push(format!("{name}: no arithmetic of the portable subset"));
            }
            let inner = tree["args"].as_array().into_iter().flatten();
            inner.for_each(|operand| operands(operand, named, name, faults));
        }
    }
}

fn check_terms(
    name: &str,
    panel: &Value,
    column: &Value,
    columns: &Map<String, Value>,
    faults: &mut Vec<String>,
) {
    let table = panel["embeddableConfig"]["attributes"]["visualizationType"] == "lnsDatatable";
    let params = &column["params"];
    let most = if table { TERMS_MAX_TABLE } else { TERMS_MAX_CHART };
    if params["size"].as_u64().is_none_or(|size| size == 0 || size > most) {
        faults.push(format!("{name}: {} values, at most {most} can be read", params["size"]));
    }
    let order = &params["orderBy"];
    let by = columns.get(text(&order["columnId"]));
    let by_measure = order["type"] == "column"
        && by.is_some_and(|by| !is_bucket(by) && by["references"].is_null() && by["dataType"] != "string");
    if !by_measure && order["type"] != "alphabetical" {
        faults.push(format!("{name}: is ordered by what is no measure"));
    }
    // Paths and messages have no end; text fields cannot be grouped by.
    if ["url.path", "message", "error.message"].contains(&text(&column["sourceField"])) {
        faults.push(format!("{name}: groups by `{}`", text(&column["sourceField"])));
    }
    let other = params["otherBucket"] == true;
    if other && super::visualization(panel)["preferredSeriesType"] != "area_stacked" {
        faults.push(format!("{name}: costs a second request for what is no stacked volume"));
    }
}
