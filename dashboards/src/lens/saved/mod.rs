//! Saved objects: lines of NDJSON, and what refers to what.

pub(crate) mod panel;

pub(crate) mod older;

pub(crate) mod layer;

pub(crate) mod column;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::kql::Query;
use crate::lens::board::{Board, Boards, DataView, SavedTime};
use crate::lens::control::Control;
use crate::lens::fault::{ParseError, Unsupported};
use crate::lens::filter::{Filter, Selection};
use crate::lens::format::Format;
use crate::lens::saved::column::WrittenQuery;

/// One saved object.
#[derive(Debug, Deserialize)]
pub(crate) struct Object {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) attributes: Json,
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
}

/// A name that attributes use, and the object it stands for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reference {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) name: String,
}

/// All objects of a file.
pub(crate) struct Objects {
    objects: Vec<Object>,
    data_views: BTreeMap<String, Arc<DataView>>,
}

impl Objects {
    pub(crate) fn read(ndjson: &str) -> Result<Self, ParseError> {
        let mut objects: Vec<Object> = Vec::new();
        for (index, line) in ndjson.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fault = |error: serde_json::Error| ParseError { line: index + 1, reason: error.to_string() };
            let json: Json = serde_json::from_str(line).map_err(fault)?;
            // The line that exports end with counts objects and is none.
            if json.get("exportedCount").is_some() && json.get("type").is_none() {
                continue;
            }
            let object: Object = serde_json::from_value(json).map_err(fault)?;
            objects.retain(|earlier| (&earlier.kind, &earlier.id) != (&object.kind, &object.id));
            objects.push(object);
        }
        let data_views = objects.iter().filter(|object| object.kind == "index-pattern");
        let data_views = data_views
            .map(|object| (object.id.clone(), Arc::new(data_view(&object.id, &object.attributes))))
            .collect();
        Ok(Self { objects, data_views })
    }

    pub(crate) fn boards(&self) -> Boards {
        let dashboards = self.objects.iter().filter(|object| object.kind == "dashboard");
        Boards {
            boards: dashboards.map(|object| self.board(object)).collect(),
            data_views: self.data_views.values().cloned().collect(),
        }
    }

    pub(crate) fn find(&self, kind: &str, id: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == kind && object.id == id)
    }

    /// The data view with this id.
    pub(crate) fn data_view(&self, id: &str) -> Result<Arc<DataView>, Unsupported> {
        if let Some(view) = self.data_views.get(id) {
            return Ok(Arc::clone(view));
        }
        // Elastic's packages name data views by their index expression and leave them to be made elsewhere.
        match id.contains('*') {
            true => {
                Ok(Arc::new(data_view(id, &serde_json::json!({"title": id, "timeFieldName": "@timestamp"}))))
            }
            false => Err(Unsupported::new(format!("the data view `{id}`, which no file holds"))),
        }
    }

    /// The data view of an index expression; one is made where none is saved.
    pub(crate) fn data_view_titled(&self, title: &str) -> Arc<DataView> {
        let saved = self.data_views.values().find(|view| view.title == title && view.time_field.is_some());
        let made = || data_view(title, &serde_json::json!({"title": title, "timeFieldName": "@timestamp"}));
        saved.map_or_else(|| Arc::new(made()), Arc::clone)
    }

    fn board(&self, object: &Object) -> Board {
        let attributes = &object.attributes;
        let mut omitted = Vec::new();
        let (query, filters) = match Source::read(attributes).and_then(|source| source.conditions()) {
            // The query bar reads KQL only.
            Ok((query @ Query::Lucene(_), mut filters)) => {
                filters.push(Filter::plain(query.to_dsl()));
                (Query::All, filters)
            }
            Ok(conditions) => conditions,
            Err(fault) => {
                omitted.push(fault.reason);
                (Query::All, Vec::new())
            }
        };
        let panels = list(attributes, "panelsJSON").unwrap_or_else(|fault| {
            omitted.push(fault.reason);
            Vec::new()
        });
        let time = saved_time(attributes).filter(|time| match time.resolve(0) {
            Ok(_) => true,
            Err(error) => {
                omitted.push(format!("the time range: {error}"));
                false
            }
        });
        let mut controls = self.controls(object, &mut omitted);
        let mut shown = Vec::new();
        for written in &panels {
            match panel::controls(self, object, written) {
                None => shown.push(panel::read(self, object, written)),
                Some(found) => controls.extend(
                    found
                        .into_iter()
                        .filter_map(|control| control.map_err(|fault| omitted.push(fault.reason)).ok()),
                ),
            }
        }
        Board {
            id: object.id.clone(),
            title: text(attributes, "title"),
            description: text(attributes, "description"),
            time,
            refresh_ms: refresh(attributes),
            query,
            filters,
            controls,
            panels: panel::compact(shown),
            omitted,
        }
    }

    fn controls(&self, object: &Object, omitted: &mut Vec<String>) -> Vec<Control> {
        let written = parsed(&object.attributes["controlGroupInput"]["panelsJSON"], "panelsJSON");
        let mut panels: Vec<(String, Json)> = match written {
            Ok(Json::Object(panels)) => panels.into_iter().collect(),
            Ok(Json::Null) => return Vec::new(),
            _ => {
                omitted.push("controls that are no JSON".to_owned());
                return Vec::new();
            }
        };
        panels.sort_by_key(|(_, panel)| panel["order"].as_u64());
        let mut controls = Vec::new();
        for (id, panel) in panels {
            match self.control(object, &id, &panel) {
                Ok(control) => controls.push(control),
                Err(fault) => omitted.push(fault.reason),
            }
        }
        controls
    }

    fn control(&self, object: &Object, id: &str, panel: &Json) -> Result<Control, Unsupported> {
        let input = &panel["explicitInput"];
        let kind = text(panel, "type");
        if kind != "optionsListControl" {
            return Err(Unsupported::new(format!("a control of type `{kind}`")));
        }
        let referred = object
            .reference(&format!("controlGroup_{id}:optionsListDataView"))
            .map(|reference| reference.id.as_str());
        let view = referred.or(input["dataViewId"].as_str()).unwrap_or_default();
        let field = text(input, "fieldName");
        let selection = Selection {
            field: field.clone(),
            values: input["selectedOptions"].as_array().cloned().unwrap_or_default(),
            exclude: input["exclude"] == true,
        };
        Ok(Control {
            id: id.to_owned(),
            title: text(input, "title"),
            field,
            data_view: self.data_view(view)?,
            selection,
        })
    }
}

impl Object {
    pub(crate) fn reference(&self, name: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.name == name)
    }
}

/// `kibanaSavedObjectMeta.searchSourceJSON`: conditions, and by name the data view.
pub(crate) struct Source(Json);

impl Source {
    pub(crate) fn read(attributes: &Json) -> Result<Self, Unsupported> {
        Self::of(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    }

    pub(crate) fn of(written: &Json) -> Result<Self, Unsupported> {
        parsed(written, "searchSourceJSON").map(Self)
    }

    pub(crate) fn conditions(&self) -> Result<(Query, Vec<Filter>), Unsupported> {
        conditions(&self.0["query"], &self.0["filter"])
    }

    /// Name of the reference to the data view, or its id.
    pub(crate) fn index(&self) -> Option<&str> {
        self.0["indexRefName"].as_str().or(self.0["index"].as_str())
    }
}

/// A query and filters as saved beside each other; either may be absent.
pub(crate) fn conditions(query: &Json, filters: &Json) -> Result<(Query, Vec<Filter>), Unsupported> {
    let query = match query {
        Json::Null => Query::All,
        written => WrittenQuery::deserialize(written)
            .map_err(|error| Unsupported::new(format!("a query: {error}")))?
            .read()?,
    };
    let filters = filters.as_array().map(Vec::as_slice).unwrap_or_default();
    let filters =
        filters.iter().filter_map(|filter| Filter::read(filter).transpose()).collect::<Result<_, _>>()?;
    Ok((query, filters))
}

/// Reads a data view's attributes, as a saved object or within a panel.
pub(crate) fn data_view(id: &str, attributes: &Json) -> DataView {
    let title = text(attributes, "title");
    let name = Some(text(attributes, "name")).filter(|name| !name.is_empty());
    let written = attributes["fieldFormatMap"]
        .as_str()
        .and_then(|map| serde_json::from_str::<BTreeMap<String, Json>>(map).ok());
    let formats = written.unwrap_or_default().into_iter();
    DataView {
        id: id.to_owned(),
        name: name.unwrap_or_else(|| title.clone()),
        time_field: attributes["timeFieldName"].as_str().filter(|field| !field.is_empty()).map(str::to_owned),
        formats: formats.filter_map(|(field, format)| Some((field, Format::read(&format)?))).collect(),
        title,
    }
}

fn saved_time(attributes: &Json) -> Option<SavedTime> {
    let end = |key: &str| attributes[key].as_str().map(str::to_owned);
    let restored = attributes["timeRestore"] == true;
    restored.then(|| Some(SavedTime { from: end("timeFrom")?, to: end("timeTo")? }))?
}

fn refresh(attributes: &Json) -> Option<u64> {
    let interval = &attributes["refreshInterval"];
    let running = attributes["timeRestore"] == true && interval["pause"] == false;
    interval["value"].as_u64().filter(|value| running && *value > 0)
}

/// A list within a text.
fn list(attributes: &Json, key: &str) -> Result<Vec<Json>, Unsupported> {
    match parsed(&attributes[key], key)? {
        Json::Null => Ok(Vec::new()),
        Json::Array(list) => Ok(list),
        _ => Err(Unsupported::new(format!("`{key}`, which is no list"))),
    }
}

/// JSON within a text, as Kibana exports it, or as it is, as packages of Elastic hold it.
pub(crate) fn parsed(written: &Json, key: &str) -> Result<Json, Unsupported> {
    match written {
        Json::String(text) => serde_json::from_str(text)
            .map_err(|error| Unsupported::new(format!("`{key}`, which is no JSON: {error}"))),
        other => Ok(other.clone()),
    }
}

pub(crate) fn text(json: &Json, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}
