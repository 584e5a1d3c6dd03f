//! Panels from before Lens, read as what Lens would write: Kibana itself converts them that way ("Edit visualization in Lens").
//!
//! What has no counterpart is named and not guessed at.

mod aggs;

mod columns;

mod controls;

mod script;

mod series;

mod tsvb;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::kql::Query;
use crate::lens::board::DataView;
use crate::lens::fault::Unsupported;
use crate::lens::filter::Filter;
use crate::lens::layer::Layer;
use crate::lens::panel::{Chart, Content};
use crate::lens::saved::panel::Saved;
use crate::lens::saved::{Source, conditions, parsed, text};
use crate::lens::visualization::Visualization;
use columns::Columns;

pub(crate) use controls::controls;

/// A panel as Lens would write it.
struct Picture {
    kind: &'static str,
    state: Json,
    sheets: Vec<Sheet>,
}

/// A layer of it.
#[derive(Clone)]
struct Sheet {
    id: String,
    columns: Columns,
    data_view: Arc<DataView>,
    query: Query,
    filters: Vec<Filter>,
    last_bucket: bool,
    largest_first: bool,
    ignores_board: bool,
}

/// `visState` of a saved visualization, or what stands for it in a panel.
pub(crate) fn state(saved: &Saved) -> Result<Json, Unsupported> {
    match &saved.attributes["visState"] {
        Json::Null => Ok(saved.config["savedVis"].clone()),
        written => parsed(written, "visState"),
    }
}

/// What such a panel shows.
pub(crate) fn content(saved: &Saved) -> Result<Content, Unsupported> {
    let state = state(saved)?;
    let picture = match state["type"].as_str().unwrap_or_default() {
        "markdown" => return Ok(Content::Markdown(text(&state["params"], "markdown"))),
        "metrics" => tsvb::picture(saved, &state["params"])?,
        kind @ ("line" | "area" | "histogram" | "horizontal_bar" | "pie" | "table" | "metric"
        | "tagcloud" | "heatmap") => aggs::picture(kind, &state, &sheet(saved, &state)?)?,
        other => return Err(Unsupported::new(format!("a classic visualization of type `{other}`"))),
    };
    picture.chart().map(Content::Chart)
}

/// Whether such a panel marks moments.
pub(crate) fn is_annotated(saved: &Saved) -> bool {
    let state = state(saved).unwrap_or_default();
    let annotations = state["params"]["annotations"].as_array();
    annotations.is_some_and(|all| all.iter().any(|annotation| annotation["hidden"] != true))
}

impl Picture {
    fn chart(self) -> Result<Chart, Unsupported> {
        let visualization = Visualization::read(self.kind, &self.state)?;
        let mut layers = Vec::new();
        for sheet in &self.sheets {
            let mut layer = sheet.clone().layer()?;
            layer.measures.iter_mut().for_each(|measure| measure.hidden = true);
            let own = visualization.accessors().into_iter().filter(|(id, _)| *id == sheet.id);
            for (_, column) in own {
                if !layer.show(column) {
                    return Err(Unsupported::new(format!("the column `{column}`, which the file lacks")));
                }
            }
            layers.push(Arc::new(layer));
        }
        Ok(Chart { visualization: Arc::new(visualization), layers })
    }
}

impl Sheet {
    fn layer(self) -> Result<Layer, Unsupported> {
        let layer = Layer::read(&self.id, &self.columns.json(), self.data_view, self.query, self.filters)?;
        let Self { last_bucket, largest_first, ignores_board, .. } = self;
        Ok(Layer { last_bucket, largest_first, ignores_board, ..layer })
    }
}

/// The documents of a classic visualization, without columns yet.
fn sheet(saved: &Saved, state: &Json) -> Result<Sheet, Unsupported> {
    let own = match &saved.attributes["kibanaSavedObjectMeta"] {
        Json::Null => Source::of(&state["data"]["searchSource"])?,
        _ => Source::read(saved.attributes)?,
    };
    let (mut query, mut filters) = own.conditions()?;
    let (of_panel, more) = conditions(&saved.config["query"], &saved.config["filters"])?;
    query = query.and(of_panel);
    filters.extend(more);
    let places = [saved.attributes, state, &state["data"]];
    let of_search = places.into_iter().find_map(|place| place["savedSearchRefName"].as_str());
    let data_view = match of_search {
        Some(name) => {
            let search = saved.referred("search", name)?.search()?;
            query = query.and(search.query);
            filters.extend(search.filters);
            search.data_view
        }
        None => {
            let index = own.index().ok_or_else(|| Unsupported::new("a visualization without a data view"))?;
            saved.objects.data_view(saved.reference(index).unwrap_or(index))?
        }
    };
    let (id, columns) = ("l".to_owned(), Columns::default());
    Ok(Sheet {
        id,
        columns,
        data_view,
        query,
        filters,
        last_bucket: false,
        largest_first: false,
        ignores_board: false,
    })
}
