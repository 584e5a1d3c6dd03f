//! The page itself, embedded.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const TEXT: &str = "text/plain; charset=utf-8";

/// Apache ECharts, out of the source of the crate `charming` (`build.rs`).
pub(super) const ECHARTS: &str = include_str!(concat!(env!("OUT_DIR"), "/echarts.js"));

/// Name, type and text.
const FILES: [(&str, &str, &str); 41] = [
    ("logs.html", HTML, include_str!("page/logs.html")),
    ("logs.css", CSS, include_str!("page/logs.css")),
    ("theme.css", CSS, include_str!("page/theme.css")),
    ("icon.svg", SVG, include_str!("page/icon.svg")),
    ("logs.js", SCRIPT, include_str!("page/logs.js")),
    ("address.js", SCRIPT, include_str!("page/address.js")),
    ("element.js", SCRIPT, include_str!("page/element.js")),
    ("store.js", SCRIPT, include_str!("page/store.js")),
    ("level.js", SCRIPT, include_str!("page/level.js")),
    ("moment.js", SCRIPT, include_str!("page/moment.js")),
    ("volume.js", SCRIPT, include_str!("page/volume.js")),
    ("facets.js", SCRIPT, include_str!("page/facets.js")),
    ("list.js", SCRIPT, include_str!("page/list.js")),
    ("document.js", SCRIPT, include_str!("page/document.js")),
    ("theme.js", SCRIPT, include_str!("page/theme.js")),
    ("boards.html", HTML, include_str!("page/boards.html")),
    ("boards.css", CSS, include_str!("page/boards.css")),
    ("about.html", HTML, include_str!("page/about.html")),
    ("ask.js", SCRIPT, include_str!("page/ask.js")),
    ("boards.js", SCRIPT, include_str!("page/boards.js")),
    ("board_address.js", SCRIPT, include_str!("page/board_address.js")),
    ("board_store.js", SCRIPT, include_str!("page/board_store.js")),
    ("board_list.js", SCRIPT, include_str!("page/board_list.js")),
    ("board_range.js", SCRIPT, include_str!("page/board_range.js")),
    ("panel.js", SCRIPT, include_str!("page/panel.js")),
    ("chart.js", SCRIPT, include_str!("page/chart.js")),
    ("chart_dress.js", SCRIPT, include_str!("page/chart_dress.js")),
    ("crosshair.js", SCRIPT, include_str!("page/crosshair.js")),
    ("brush.js", SCRIPT, include_str!("page/brush.js")),
    ("tooltip.js", SCRIPT, include_str!("page/tooltip.js")),
    ("legend.js", SCRIPT, include_str!("page/legend.js")),
    ("item_chart.js", SCRIPT, include_str!("page/item_chart.js")),
    ("tiles.js", SCRIPT, include_str!("page/tiles.js")),
    ("cells.js", SCRIPT, include_str!("page/cells.js")),
    ("format.js", SCRIPT, include_str!("page/format.js")),
    ("controls.js", SCRIPT, include_str!("page/controls.js")),
    ("pills.js", SCRIPT, include_str!("page/pills.js")),
    ("markdown.js", SCRIPT, include_str!("page/markdown.js")),
    ("inspect.js", SCRIPT, include_str!("page/inspect.js")),
    ("echarts.js", SCRIPT, ECHARTS),
    ("license.txt", TEXT, include_str!("../../../../LICENSE")),
];

/// A file of the page.
pub(super) fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => {
            ([("content-type", *kind), ("cache-control", "no-cache")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// A new version is looked at before it is served: what it writes into the page, and its licence on the about page.
    #[test]
    fn the_script_of_echarts_is_the_one_that_was_looked_at() {
        assert!(ECHARTS.contains("version=\"5.5.1\""));
        let sum: String = Sha256::digest(ECHARTS).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, "e84270bd0cd5bdf60fefc26d00c2a391cb2e81f4d26a7a9ee16185a54773a3cf");
    }

    #[test]
    fn a_board_weighs_less_than_a_megabyte_and_a_half() {
        let weight: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(weight < 1_500_000, "{weight} bytes");
    }
}
