//! Panels as saved: by value, or a reference to an object of the library.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::lens::board::{DataView, SavedTime};
use crate::lens::control::Control;
use crate::lens::fault::Unsupported;
use crate::lens::layer::Layer;
use crate::lens::panel::{Chart, Content, Grid, Link, LinkTarget, Panel, SavedSearch, SortOrder};
use crate::lens::saved::{Object, Objects, Reference, Source, conditions, data_view, older, text};
use crate::lens::visualization::collapse::{self, Collapsed};
use crate::lens::visualization::{ANNOTATIONS, Visualization};

/// Most documents a saved search asks for where it does not say (`discover:sampleSize`).
const SAMPLE_SIZE: u64 = 500;

/// Reads one entry of `panelsJSON`.
pub(crate) fn read(objects: &Objects, board: &Object, written: &Json) -> Panel {
    let config = &written["embeddableConfig"];
    let id = text(written, "panelIndex");
    let saved = Saved::find(objects, board, &id, written);
    let title = [&written["title"], &config["title"]].into_iter().find_map(Json::as_str).map(str::to_owned);
    let of_library = || saved.as_ref().map(|saved| text(saved.attributes, "title")).unwrap_or_default();
    let time = own_time(config);
    let content = saved.as_ref().map_err(Clone::clone).and_then(|saved| time.clone().and(saved.content()));
    Panel {
        title: title.unwrap_or_else(of_library),
        description: described(text(config, "description"), saved.as_ref().ok()),
        title_shown: config["hidePanelTitles"] != true,
        grid: grid(&written["gridData"]),
        time: time.unwrap_or_default(),
        content: content.unwrap_or_else(|fault| Content::Unsupported { reason: fault.reason }),
        id,
    }
}

/// With what the panel has and we do not show.
fn described(description: String, saved: Option<&Saved>) -> String {
    match saved.is_some_and(Saved::is_annotated) {
        true => format!("{description} Annotations are not shown.").trim_start().to_owned(),
        false => description,
    }
}

/// The controls that a panel holds; `None` if it is not of that kind.
pub(crate) fn controls(
    objects: &Objects,
    board: &Object,
    written: &Json,
) -> Option<Vec<Result<Control, Unsupported>>> {
    let id = text(written, "panelIndex");
    let saved =
        Saved::find(objects, board, &id, written).ok().filter(|saved| saved.kind == "visualization")?;
    older::controls(&saved, &id)
}

/// Moves panels up to those above them, as Kibana does.
pub(crate) fn compact(mut panels: Vec<Panel>) -> Vec<Panel> {
    let mut order: Vec<usize> = (0..panels.len()).collect();
    order.sort_by_key(|place| (panels[*place].grid.y, panels[*place].grid.x));
    let mut heights = [0; 96];
    for place in order {
        let grid = &mut panels[place].grid;
        let columns = &mut heights[grid.x as usize..(grid.x + grid.width) as usize];
        grid.y = columns.iter().copied().max().unwrap_or_default();
        columns.fill(grid.y + grid.height);
    }
    panels
}

fn grid(written: &Json) -> Grid {
    let number = |key: &str, least: u64, most: u64| {
        u32::try_from(written[key].as_u64().unwrap_or_default().clamp(least, most)).unwrap_or_default()
    };
    Grid {
        x: number("x", 0, 47),
        y: number("y", 0, 100_000),
        width: number("w", 1, 48),
        height: number("h", 1, 1000),
    }
}

/// The panel's own time range, if it has one.
fn own_time(config: &Json) -> Result<Option<SavedTime>, Unsupported> {
    let end = |key: &str| config["timeRange"][key].as_str().map(str::to_owned);
    let Some((from, to)) = end("from").zip(end("to")) else { return Ok(None) };
    let time = SavedTime { from, to };
    let readable = time.resolve(0).map_err(|error| Unsupported::new(format!("the time range: {error}")));
    readable.map(|_| Some(time))
}

/// What a panel shows, wherever it is saved.
pub(crate) struct Saved<'o> {
    pub(crate) objects: &'o Objects,
    /// `lens`, `search`, `visualization`, `links`.
    kind: &'o str,
    pub(crate) attributes: &'o Json,
    /// What names in the attributes stand for.
    references: Vec<Reference>,
    pub(crate) config: &'o Json,
}

impl<'o> Saved<'o> {
    pub(crate) fn find(
        objects: &'o Objects,
        board: &'o Object,
        panel: &str,
        written: &'o Json,
    ) -> Result<Self, Unsupported> {
        let config = &written["embeddableConfig"];
        let kind = written["type"].as_str();
        let without = || Unsupported::new("a panel without a type");
        let Some(name) = written["panelRefName"].as_str() else {
            // In the board's list the names of a panel begin with its id.
            let prefix = format!("{panel}:");
            let of_board = board.references.iter().filter_map(|reference| {
                Some(Reference {
                    name: reference.name.strip_prefix(&prefix)?.to_owned(),
                    ..reference.clone()
                })
            });
            let own: Vec<Reference> =
                serde_json::from_value(config["attributes"]["references"].clone()).unwrap_or_default();
            let references = of_board.chain(own).collect();
            let kind = kind.ok_or_else(without)?;
            return Ok(Self { objects, kind, attributes: &config["attributes"], references, config });
        };
        let reference = board.reference(&format!("{panel}:{name}")).or_else(|| board.reference(name));
        let object = reference.and_then(|reference| objects.find(&reference.kind, &reference.id));
        // Kibana itself leaves the type of a saved object's panel to the reference.
        let kind = kind.or(reference.map(|reference| reference.kind.as_str())).ok_or_else(without)?;
        let object = object
            .ok_or_else(|| Unsupported::new(format!("the saved {kind} `{name}`, which no file holds")))?;
        Ok(Self {
            objects,
            kind: &object.kind,
            attributes: &object.attributes,
            references: object.references.clone(),
            config,
        })
    }

    fn content(&self) -> Result<Content, Unsupported> {
        match self.kind {
            "lens" => self.chart().map(Content::Chart),
            "search" => self.search().map(Content::Documents),
            "visualization" => older::content(self),
            "links" => Ok(Content::Links(self.links())),
            other => Err(Unsupported::new(format!("a panel of type `{other}`"))),
        }
    }

    fn is_annotated(&self) -> bool {
        let layers = self.attributes["state"]["visualization"]["layers"].as_array();
        match self.kind {
            "lens" => {
                layers.is_some_and(|layers| layers.iter().any(|layer| layer["layerType"] == ANNOTATIONS))
            }
            "visualization" => older::is_annotated(self),
            _ => false,
        }
    }

    pub(crate) fn reference(&self, name: &str) -> Option<&str> {
        self.references.iter().find(|reference| reference.name == name).map(|reference| reference.id.as_str())
    }

    /// The object of the library that is named here.
    pub(crate) fn referred(&self, kind: &str, name: &str) -> Result<Saved<'o>, Unsupported> {
        let object = self.reference(name).and_then(|id| self.objects.find(kind, id));
        let object = object
            .ok_or_else(|| Unsupported::new(format!("the saved {kind} `{name}`, which no file holds")))?;
        let references = object.references.clone();
        Ok(Saved {
            objects: self.objects,
            kind: &object.kind,
            attributes: &object.attributes,
            references,
            config: &Json::Null,
        })
    }

    fn chart(&self) -> Result<Chart, Unsupported> {
        let state = &self.attributes["state"];
        let sources = &state["datasourceStates"];
        if sources["textBased"]["layers"].as_object().is_some_and(|layers| !layers.is_empty()) {
            return Err(Unsupported::new("a chart by ES|QL"));
        }
        let kind = self.attributes["visualizationType"].as_str().unwrap_or_default();
        let mut drawn = state["visualization"].clone();
        let collapsed = collapse::take(&mut drawn)?;
        let visualization = Visualization::read(kind, &drawn)?;
        let mut layers: Vec<Layer> = Vec::new();
        for (id, column) in visualization.accessors() {
            if !layers.iter().any(|layer| layer.id == id) {
                layers.push(self.layer(id, state)?);
            }
            if !layers.iter_mut().any(|layer| layer.id == id && layer.show(column)) {
                return Err(Unsupported::new(format!("the column `{column}`, which the file lacks")));
            }
        }
        for Collapsed { layer, column, function } in collapsed {
            if let Some(layer) = layers.iter_mut().find(|other| other.id == layer) {
                layer.collapse(&column, function)?;
            }
        }
        let layers = layers.into_iter().map(Arc::new).collect();
        Ok(Chart { visualization: Arc::new(visualization), layers })
    }

    fn layer(&self, id: &str, state: &Json) -> Result<Layer, Unsupported> {
        // The older name is that before 8.6.
        let sources =
            ["formBased", "indexpattern"].map(|name| &state["datasourceStates"][name]["layers"][id]);
        let written = sources.into_iter().find(|layer| layer.is_object());
        let written =
            written.ok_or_else(|| Unsupported::new(format!("the layer `{id}`, which the file lacks")))?;
        let (query, mut filters) = conditions(&state["query"], &state["filters"])?;
        let (of_panel, more) = conditions(&self.config["query"], &self.config["filters"])?;
        filters.extend(more);
        Layer::read(id, written, self.layer_data_view(id, state)?, query.and(of_panel), filters)
    }

    fn layer_data_view(&self, layer: &str, state: &Json) -> Result<Arc<DataView>, Unsupported> {
        let name = format!("indexpattern-datasource-layer-{layer}");
        let internal = state["internalReferences"].as_array().into_iter().flatten();
        let internal = internal
            .filter(|reference| reference["name"] == *name)
            .find_map(|reference| reference["id"].as_str());
        if let Some(id) = internal {
            return Ok(Arc::new(data_view(id, &state["adHocDataViews"][id])));
        }
        let id = self
            .reference(&name)
            .ok_or_else(|| Unsupported::new(format!("the layer `{layer}` without a data view")))?;
        self.objects.data_view(id)
    }

    pub(crate) fn search(&self) -> Result<SavedSearch, Unsupported> {
        let source = Source::read(self.attributes)?;
        let (query, mut filters) = source.conditions()?;
        let (of_panel, more) = conditions(&self.config["query"], &self.config["filters"])?;
        filters.extend(more);
        let index = source.index().ok_or_else(|| Unsupported::new("a saved search without a data view"))?;
        let own = |key: &str| [&self.config[key], &self.attributes[key]].into_iter().find_map(Json::as_array);
        let columns = own("columns").into_iter().flatten().filter_map(Json::as_str);
        let size = self.attributes["sampleSize"].as_u64().unwrap_or(SAMPLE_SIZE).clamp(1, 10_000);
        Ok(SavedSearch {
            columns: columns.filter(|column| *column != "_source").map(str::to_owned).collect(),
            sort: own("sort").map(|sort| sorts(sort)).unwrap_or_default(),
            size: u32::try_from(size).unwrap_or(10_000),
            data_view: self.objects.data_view(self.reference(index).unwrap_or(index))?,
            query: query.and(of_panel),
            filters,
        })
    }

    fn links(&self) -> Vec<Link> {
        let mut written: Vec<&Json> = self.attributes["links"].as_array().into_iter().flatten().collect();
        written.sort_by_key(|link| link["order"].as_u64());
        written.into_iter().map(|link| self.link(link)).collect()
    }

    fn link(&self, written: &Json) -> Link {
        let options = &written["options"];
        let named = written["destinationRefName"].as_str().and_then(|name| self.reference(name));
        let destination = named.or(written["destination"].as_str()).unwrap_or_default().to_owned();
        let target = match written["type"] == "externalLink" {
            true => LinkTarget::Url(destination),
            false => LinkTarget::Board {
                id: destination,
                keeps_filters: options["useCurrentFilters"] != false,
                keeps_time: options["useCurrentDateRange"] != false,
            },
        };
        Link { label: text(written, "label"), target, new_tab: options["openInNewTab"] == true }
    }
}

/// `[["field", "desc"], …]`, or a single pair.
fn sorts(written: &[Json]) -> Vec<(String, SortOrder)> {
    let pair = |pair: &[Json]| {
        let order = if pair.get(1)? == "asc" { SortOrder::Ascending } else { SortOrder::Descending };
        Some((pair.first()?.as_str()?.to_owned(), order))
    };
    match written.first() {
        Some(Json::Array(_)) => written.iter().filter_map(|entry| pair(entry.as_array()?)).collect(),
        _ => pair(written).into_iter().collect(),
    }
}
