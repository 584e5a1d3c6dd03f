//! A board as a dashboard: grid, controls, time range, refresh.

use super::object::{Kind, Reference, SavedObject, text};
use super::panel::{Place, panel};
use crate::model::{Board, DATA_VIEW};
use serde_json::{Map, Value, json};

/// Last 15 minutes, looked at every ten seconds: an incident that has just begun is in the picture, and moving.
const TIME_FROM: &str = "now-15m";
const REFRESH_MS: u32 = 10_000;

/// Pickers above the panels, from left to right; each offers what the ones before it leave.
const CONTROLS: [(&str, &str, &str); 3] = [
    ("environment", "Environment", "service.environment"),
    ("service", "Service", "service.name"),
    ("version", "Version", "service.version"),
];

pub(super) fn object(board: &Board, boards: &[Board]) -> SavedObject {
    let mut references = control_references();
    let mut panels = Vec::new();
    for (place, content) in places(board) {
        let (json, mut refers) = panel(content, place, boards);
        panels.push(json);
        references.append(&mut refers);
    }
    let attributes = json!({
        "title": board.title,
        "description": board.description,
        "panelsJSON": text(Value::Array(panels)),
        "optionsJSON": text(json!({
            "useMargins": true,
            "syncColors": true,
            "syncCursor": true,
            "syncTooltips": false,
            "hidePanelTitles": false,
        })),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": text(json!({"query": {"language": "kuery", "query": ""}, "filter": []})),
        },
        // Without it Kibana uses neither the time range nor the refresh of a board.
        "timeRestore": true,
        "timeFrom": TIME_FROM,
        "timeTo": "now",
        "refreshInterval": {"pause": false, "value": REFRESH_MS},
        "controlGroupInput": controls(),
    });
    SavedObject { kind: Kind::Dashboard, id: board.id, attributes, references }
}

/// Each panel with its place: rows below each other, cells beside each other.
fn places(board: &Board) -> Vec<(Place, &crate::model::Panel)> {
    let mut places = Vec::new();
    let mut y = 0;
    for row in &board.rows {
        let mut x = 0;
        for cell in &row.cells {
            places.push((Place { x, y, width: cell.width, height: row.height }, &cell.panel));
            x += cell.width;
        }
        y += u16::from(row.height);
    }
    places
}

fn controls() -> Value {
    let panels: Map<_, _> =
        (0..).zip(CONTROLS).map(|(order, control)| control_panel(order, control)).collect();
    json!({
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": text(json!({
            "ignoreFilters": false,
            "ignoreQuery": false,
            "ignoreTimerange": false,
            "ignoreValidations": false,
        })),
        "panelsJSON": text(Value::Object(panels)),
    })
}

fn control_panel(order: u8, (id, title, field): (&str, &str, &str)) -> (String, Value) {
    let panel = json!({
        "order": order,
        "width": "medium",
        "grow": true,
        "type": "optionsListControl",
        "explicitInput": {"id": id, "fieldName": field, "title": title, "enhancements": {}},
    });
    (id.to_owned(), panel)
}

fn control_references() -> Vec<Reference> {
    let name = |id| format!("controlGroup_{id}:optionsListDataView");
    CONTROLS.iter().map(|(id, ..)| Reference::new(name(id), Kind::DataView, DATA_VIEW.id)).collect()
}
