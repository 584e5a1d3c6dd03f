//! Saved objects: versions, ids, references, attributes.

use super::{Import, inner, layers, panels, text, texts, walk};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a Kibana 8.9 takes for a dashboard; it refuses any other attribute.
const DASHBOARD: [&str; 10] = [
    "controlGroupInput",
    "description",
    "kibanaSavedObjectMeta",
    "optionsJSON",
    "panelsJSON",
    "refreshInterval",
    "timeFrom",
    "timeRestore",
    "timeTo",
    "title",
];
const DATA_VIEW: [&str; 8] = [
    "fieldAttrs",
    "fieldFormatMap",
    "fields",
    "name",
    "runtimeFieldMap",
    "sourceFilters",
    "timeFieldName",
    "title",
];
const SEARCH: [&str; 8] = [
    "columns",
    "description",
    "grid",
    "hideChart",
    "isTextBasedQuery",
    "kibanaSavedObjectMeta",
    "sort",
    "title",
];
const KEYS: [&str; 7] =
    ["attributes", "coreMigrationVersion", "id", "managed", "references", "type", "typeMigrationVersion"];

pub(super) fn check(import: &Import, faults: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    for object in &import.objects {
        let name = format!("{} {}", text(&object["type"]), text(&object["id"]));
        if !ids.insert(name.clone()) {
            faults.push(format!("{name}: stands twice"));
        }
        check_keys(&name, object, faults);
    }
    for object in &import.objects {
        check_references(object, &ids, faults);
    }
}

fn check_keys(name: &str, object: &Value, faults: &mut Vec<String>) {
    let (version, attributes): (_, &[&str]) = match text(&object["type"]) {
        "dashboard" => ("8.9.0", &DASHBOARD),
        "index-pattern" => ("8.0.0", &DATA_VIEW),
        "search" => ("8.0.0", &SEARCH),
        other => return faults.push(format!("{name}: no portable type `{other}`")),
    };
    if object["coreMigrationVersion"] != "8.8.0" || object["typeMigrationVersion"] != version {
        faults.push(format!("{name}: stamped for another version"));
    }
    let known = |keys: &[&str], map: &Value| {
        map.as_object().is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str())))
    };
    if !known(&KEYS, object) || !known(attributes, &object["attributes"]) {
        faults.push(format!("{name}: a key that an old Kibana refuses, or that changes from build to build"));
    }
}

/// What the object refers to is in the import, and what it needs is referred to, no more and no less.
fn check_references(object: &Value, ids: &BTreeSet<String>, faults: &mut Vec<String>) {
    let name = text(&object["id"]);
    let references: Vec<_> = object["references"].as_array().into_iter().flatten().collect();
    for reference in &references {
        let target = format!("{} {}", text(&reference["type"]), text(&reference["id"]));
        if !ids.contains(&target) {
            faults.push(format!("{name}: refers to {target}, which is not in the import"));
        }
    }
    let names: Vec<_> = references.iter().map(|reference| text(&reference["name"]).to_owned()).collect();
    let mut wanted = match text(&object["type"]) {
        "dashboard" => wanted_by_dashboard(object),
        "search" => vec![wanted_by_search(object)],
        _ => Vec::new(),
    };
    wanted.sort();
    if names != wanted {
        faults.push(format!("{name}: needs the references {wanted:?}, has {names:?}"));
    }
}

fn wanted_by_search(search: &Value) -> String {
    let source = inner(&search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]);
    text(&source["indexRefName"]).to_owned()
}

fn wanted_by_dashboard(dashboard: &Value) -> Vec<String> {
    let controls = inner(&dashboard["attributes"]["controlGroupInput"]["panelsJSON"]);
    let controls = controls.as_object().expect("controls are an object");
    let mut wanted: Vec<_> =
        controls.keys().map(|control| format!("controlGroup_{control}:optionsListDataView")).collect();
    for panel in panels(dashboard) {
        let index = text(&panel["panelIndex"]);
        let mut add = |name: &str| wanted.push(format!("{index}:{name}"));
        match text(&panel["type"]) {
            "lens" => lens_references(&panel).iter().for_each(|name| add(name)),
            "search" => add(text(&panel["panelRefName"])),
            _ => walk(&panel, &mut |key, value| {
                if key == "destinationRefName" {
                    add(text(value));
                }
            }),
        }
    }
    wanted
}

/// Of each layer; where the panel's own list says otherwise, of neither, so that the fault shows.
fn lens_references(panel: &Value) -> Vec<String> {
    let own = panel["embeddableConfig"]["attributes"]["references"].as_array().cloned().unwrap_or_default();
    let own = Value::from_iter(own.iter().map(|reference| reference["name"].clone()));
    let layers: Vec<_> =
        layers(panel).keys().map(|layer| format!("indexpattern-datasource-layer-{layer}")).collect();
    if texts(&own) == layers { layers } else { vec!["own references differ from the layers".to_owned()] }
}
