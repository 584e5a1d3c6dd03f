//! The grid: nothing overlaps, nothing is left free, and the board opens live.

use super::{inner, text};
use serde_json::Value;
use std::collections::BTreeSet;

const COLUMNS: u64 = 48;
/// Each panel is at least one search every ten seconds.
const PANELS_MAX: usize = 12;

pub(super) fn check(dashboard: &Value, panels: &[Value], faults: &mut Vec<String>) {
    let name = text(&dashboard["id"]);
    check_attributes(name, &dashboard["attributes"], faults);
    if panels.len() > PANELS_MAX {
        faults.push(format!("{name}: {} panels", panels.len()));
    }
    let mut indices = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in panels {
        let index = text(&panel["panelIndex"]);
        if !indices.insert(index) {
            faults.push(format!("{name}/{index}: stands twice"));
        }
        if panel["gridData"]["i"] != panel["panelIndex"] {
            faults.push(format!("{name}/{index}: has another id on the grid"));
        }
        let side = |key: &str| panel["gridData"][key].as_u64().unwrap_or(u64::MAX / 4);
        let (x, y, width, height) = (side("x"), side("y"), side("w"), side("h"));
        if x + width > COLUMNS || width == 0 || height == 0 {
            faults.push(format!("{name}/{index}: reaches beyond the grid"));
            continue;
        }
        let covered = (y..y + height).flat_map(|row| (x..x + width).map(move |column| (row, column)));
        if covered.filter(|cell| !cells.insert(*cell)).count() > 0 {
            faults.push(format!("{name}/{index}: lies over another panel"));
        }
    }
    let rows = cells.last().map_or(0, |(row, _)| row + 1);
    if cells.len() as u64 != rows * COLUMNS {
        faults.push(format!("{name}: a hole in the grid"));
    }
}

fn check_attributes(name: &str, attributes: &Value, faults: &mut Vec<String>) {
    let live = attributes["timeRestore"] == true
        && attributes["timeFrom"] == "now-15m"
        && attributes["timeTo"] == "now"
        && attributes["refreshInterval"] == serde_json::json!({"pause": false, "value": 10_000});
    if !live {
        faults.push(format!("{name}: does not open on the last 15 minutes with a refresh every 10 s"));
    }
    if inner(&attributes["optionsJSON"])["syncCursor"] != true {
        faults.push(format!("{name}: cursors are not in step"));
    }
    let controls = inner(&attributes["controlGroupInput"]["panelsJSON"]);
    let fields: BTreeSet<_> = controls
        .as_object()
        .into_iter()
        .flat_map(|controls| controls.values())
        .map(|control| text(&control["explicitInput"]["fieldName"]))
        .collect();
    if fields != BTreeSet::from(["service.environment", "service.name", "service.version"]) {
        faults.push(format!("{name}: has other controls than environment, service and version"));
    }
}
