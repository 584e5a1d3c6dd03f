//! A panel on the grid, with what the dashboard has to refer to for it.

use super::chart::{Chart, chart};
use super::object::{Kind, Reference};
use crate::model::{Board, DATA_VIEW, Documents, Drawing, Panel};
use serde_json::{Value, json};

/// Where a panel lies, in units of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: u8,
    pub(super) y: u16,
    pub(super) width: u8,
    pub(super) height: u8,
}

pub(super) fn panel(panel: &Panel, place: Place, boards: &[Board]) -> (Value, Vec<Reference>) {
    let (mut json, references) = match &panel.drawing {
        Drawing::Links => links(panel, boards),
        Drawing::Documents(documents) => saved_search(panel, documents),
        _ => lens(panel, chart(panel, place.width)),
    };
    json["panelIndex"] = json!(panel.id);
    json["title"] = json!(panel.title);
    json["gridData"] =
        json!({"x": place.x, "y": place.y, "w": place.width, "h": place.height, "i": panel.id});
    (json, references)
}

/// The links are a panel of their own (Kibana 8.11 and newer) and not markdown, because they take time range and
/// filters along; a markdown link would throw an operator back to the last 15 minutes of everything.
fn links(panel: &Panel, boards: &[Board]) -> (Value, Vec<Reference>) {
    let name = |board: &Board| format!("link_{}_dashboard", board.id);
    let link = |(order, board): (usize, &Board)| {
        json!({
            "type": "dashboardLink",
            "id": board.id,
            "label": board.short,
            "order": order,
            "destinationRefName": name(board),
            "options": {"openInNewTab": false, "useCurrentDateRange": true, "useCurrentFilters": true},
        })
    };
    let links: Vec<_> = boards.iter().enumerate().map(link).collect();
    let json = json!({
        "type": "links",
        "embeddableConfig": {
            "enhancements": {},
            "hidePanelTitles": true,
            "attributes": {"layout": "horizontal", "links": links},
        },
    });
    let reference =
        |board: &Board| Reference::new(format!("{}:{}", panel.id, name(board)), Kind::Dashboard, board.id);
    (json, boards.iter().map(reference).collect())
}

fn saved_search(panel: &Panel, documents: &Documents) -> (Value, Vec<Reference>) {
    let name = format!("panel_{}", panel.id);
    let reference = Reference::new(format!("{}:{name}", panel.id), Kind::Search, documents.id);
    let json = json!({
        "type": "search",
        "panelRefName": name,
        "embeddableConfig": {"enhancements": {}},
    });
    (json, vec![reference])
}

fn lens(panel: &Panel, chart: Chart) -> (Value, Vec<Reference>) {
    let names: Vec<_> = chart.layers.keys().map(|id| format!("indexpattern-datasource-layer-{id}")).collect();
    let inner: Vec<_> =
        names.iter().map(|name| Reference::new(name, Kind::DataView, DATA_VIEW.id).json()).collect();
    let outer = names.iter().map(|name| format!("{}:{name}", panel.id));
    let references = outer.map(|name| Reference::new(name, Kind::DataView, DATA_VIEW.id)).collect();
    let mut config = json!({
        "enhancements": {},
        "attributes": {
            "title": "",
            "type": "lens",
            "visualizationType": chart.visualization_type,
            "references": inner,
            "state": {
                "query": {"language": "kuery", "query": panel.query},
                "filters": [],
                "internalReferences": [],
                "adHocDataViews": {},
                "datasourceStates": {"formBased": {"layers": chart.layers}},
                "visualization": chart.visualization,
            },
        },
    });
    // A single number shows its own name.
    if matches!(panel.drawing, Drawing::Metric(_)) {
        config["hidePanelTitles"] = json!(true);
    }
    (json!({"type": "lens", "embeddableConfig": config}), references)
}
