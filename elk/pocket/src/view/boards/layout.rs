//! A board without its data: grid, titles, controls, texts.

use super::markdown;
use dashboards::lens::{Board, Boards, Content, Link, LinkTarget, Panel, Visualization};
use serde_json::{Value as Json, json};

/// Every board, for the list.
pub(super) fn list(boards: &Boards) -> Json {
    let one = |board: &Board| {
        json!({
            "id": board.id,
            "title": board.title,
            "description": board.description,
            "panels": board.panels.iter().filter(|panel| asks(panel)).count(),
        })
    };
    json!({"boards": boards.boards.iter().map(one).collect::<Vec<_>>()})
}

/// One board.
pub(super) fn layout(board: &Board, boards: &Boards) -> Json {
    let controls = board.controls.iter().map(|control| {
        json!({"id": control.id, "title": control.title, "field": control.field, "values": control.selection.values})
    });
    json!({
        "id": board.id,
        "title": board.title,
        "description": board.description,
        "from": board.time.as_ref().map_or("now-15m", |time| time.from.as_str()),
        "to": board.time.as_ref().map_or("now", |time| time.to.as_str()),
        "refresh": board.refresh_ms,
        "query": board.query.to_string(),
        "controls": controls.collect::<Vec<_>>(),
        "panels": board.panels.iter().map(|shown| panel(shown, boards)).collect::<Vec<_>>(),
        "omitted": board.omitted,
    })
}

fn panel(panel: &Panel, boards: &Boards) -> Json {
    let grid = panel.grid;
    let mut json = json!({
        "id": panel.id,
        "title": panel.title,
        "description": panel.description,
        "titleShown": panel.title_shown,
        "grid": {"x": grid.x, "y": grid.y, "width": grid.width, "height": grid.height},
        "kind": kind(&panel.content),
    });
    match &panel.content {
        Content::Markdown(text) => json["text"] = markdown::tree(text),
        Content::Unsupported { reason } => json["reason"] = json!(reason),
        Content::Links(links) => {
            json["links"] = links.iter().map(|shown| link(shown, boards)).collect();
        }
        Content::Chart(_) | Content::Documents(_) => {}
    }
    json
}

/// Whether a panel asks the store for something.
fn asks(panel: &Panel) -> bool {
    matches!(panel.content, Content::Chart(_) | Content::Documents(_))
}

fn kind(content: &Content) -> &'static str {
    match content {
        Content::Chart(chart) => match &*chart.visualization {
            Visualization::Xy(_) => "xy",
            Visualization::Metric(_) => "metric",
            Visualization::Pie(_) => "pie",
            Visualization::Datatable(_) => "table",
            Visualization::Heatmap(_) => "heatmap",
            Visualization::Gauge(_) => "gauge",
        },
        Content::Documents(_) => "documents",
        Content::Markdown(_) => "markdown",
        Content::Links(_) => "links",
        Content::Unsupported { .. } => "unsupported",
    }
}

/// Addresses other than of the web are left out: a `javascript:` address would run.
fn link(link: &Link, boards: &Boards) -> Json {
    match &link.target {
        LinkTarget::Board { id, keeps_filters, keeps_time } => {
            let target = boards.boards.iter().find(|board| board.id == *id);
            let title = target.map_or(id.as_str(), |board| board.title.as_str());
            let label = if link.label.is_empty() { title } else { &link.label };
            json!({
                "label": label, "title": title, "board": id, "known": target.is_some(),
                "keepsFilters": keeps_filters, "keepsTime": keeps_time, "newTab": link.new_tab,
            })
        }
        LinkTarget::Url(url) => {
            let label = if link.label.is_empty() { url } else { &link.label };
            let safe = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
            json!({"label": label, "url": safe.then_some(url), "newTab": link.new_tab})
        }
    }
}
