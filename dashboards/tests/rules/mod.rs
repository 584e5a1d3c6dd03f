//! What a file for Kibana has to keep to, checked on its bytes and without the types that wrote it.
//!
//! Each rule adds a sentence for every fault it finds; a file without faults has none.

mod grid;

mod layer;

mod object;

mod visualization;

use serde_json::Value;

/// All saved objects of an import.
pub(crate) struct Import {
    pub(crate) objects: Vec<Value>,
}

impl Import {
    pub(crate) fn parse(ndjson: &str) -> Self {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { objects: ndjson.lines().map(parse).collect() }
    }

    pub(crate) fn dashboards(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(|object| object["type"] == "dashboard")
    }

    /// Everything that is wrong.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        object::check(self, &mut faults);
        for dashboard in self.dashboards() {
            let panels = panels(dashboard);
            grid::check(dashboard, &panels, &mut faults);
            for panel in panels.iter().filter(|panel| panel["type"] == "lens") {
                let name = format!("{}/{}", text(&dashboard["id"]), text(&panel["panelIndex"]));
                layer::check(&name, panel, &mut faults);
                visualization::check(&name, panel, &mut faults);
            }
        }
        faults
    }
}

/// The JSON within a text.
pub(crate) fn inner(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_else(|| panic!("no text: {text}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn panels(dashboard: &Value) -> Vec<Value> {
    let panels = inner(&dashboard["attributes"]["panelsJSON"]);
    panels.as_array().expect("panels are a list").clone()
}

pub(crate) fn layers(panel: &Value) -> &serde_json::Map<String, Value> {
    let state = &panel["embeddableConfig"]["attributes"]["state"];
    state["datasourceStates"]["formBased"]["layers"].as_object().expect("layers are an object")
}

pub(crate) fn visualization(panel: &Value) -> &Value {
    &panel["embeddableConfig"]["attributes"]["state"]["visualization"]
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(text).collect()
}

/// Calls `see` with each key and value at any depth.
pub(crate) fn walk<'a>(value: &'a Value, see: &mut dyn FnMut(&'a str, &'a Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                see(key, value);
                walk(value, see);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}
