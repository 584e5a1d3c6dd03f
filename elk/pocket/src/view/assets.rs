//! The page itself, embedded.

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const TEXT: &str = "text/plain; charset=utf-8";

/// Apache ECharts, out of the source of the crate `charming` (`build.rs`).
pub(super) const ECHARTS: &str = include_str!(concat!(env!("OUT_DIR"), "/echarts.js"));

/// Name, type and text.
const FILES: [(&str, &str, &str); 45] = [
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
    ("range_menu.js", SCRIPT, include_str!("page/range_menu.js")),
    ("completion.js", SCRIPT, include_str!("page/completion.js")),
    ("search_box.js", SCRIPT, include_str!("page/search_box.js")),
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
    ("ink.js", SCRIPT, include_str!("page/ink.js")),
    ("inspect.js", SCRIPT, include_str!("page/inspect.js")),
    ("echarts.js", SCRIPT, ECHARTS),
    ("license.txt", TEXT, include_str!("../../../../LICENSE")),
];

/// What several pages share: `<!-- part: NAME -->` stands for it.
const PARTS: [(&str, &str); 4] = [
    ("<!-- part: head -->\n", include_str!("page/part_head.html")),
    ("<!-- part: search -->\n", include_str!("page/part_search.html")),
    ("<!-- part: range -->\n", include_str!("page/part_range.html")),
    ("<!-- part: end -->\n", include_str!("page/part_end.html")),
];

/// A file as it is sent: whole, and compressed.
struct Sent {
    kind: &'static str,
    whole: Bytes,
    compressed: Bytes,
}

/// Every file, made when the first one is asked for.
static SENT: LazyLock<HashMap<&str, Sent>> =
    LazyLock::new(|| FILES.iter().map(|(name, kind, text)| (*name, Sent::of(kind, text))).collect());

impl Sent {
    fn of(kind: &'static str, text: &str) -> Self {
        let whole = PARTS.iter().fold(text.to_owned(), |text, (mark, part)| text.replace(mark, part));
        let mut compressor = GzEncoder::new(Vec::new(), Compression::default());
        let written = compressor.write_all(whole.as_bytes()).and_then(|()| compressor.finish());
        let compressed = Bytes::from(written.expect("memory takes every write"));
        Self { kind, compressed, whole: Bytes::from(whole) }
    }
}

/// A file of the page; compressed where the browser takes that.
pub(super) fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(sent) = SENT.get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let always = [("content-type", sent.kind), ("cache-control", "no-cache"), ("vary", "accept-encoding")];
    let taken = headers.get(ACCEPT_ENCODING).and_then(|taken| taken.to_str().ok()).unwrap_or_default();
    match taken.split(',').any(|one| one.trim().starts_with("gzip") && !one.contains("q=0")) {
        true => (always, [(CONTENT_ENCODING, "gzip")], sent.compressed.clone()).into_response(),
        false => (always, sent.whole.clone()).into_response(),
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
    fn everything_together_weighs_less_than_a_megabyte_and_a_half() {
        let (whole, compressed) = SENT
            .values()
            .fold((0, 0), |(whole, less), sent| (whole + sent.whole.len(), less + sent.compressed.len()));
        assert!(whole < 1_500_000, "{whole} bytes");
        assert!(compressed < 500_000, "{compressed} bytes as served");
    }

    #[test]
    fn parts_stand_in_every_page() {
        for name in ["boards.html", "logs.html", "about.html"] {
            let page = String::from_utf8_lossy(&SENT[name].whole).into_owned();
            assert!(page.starts_with("<!doctype html>") && !page.contains("<!-- part"), "{page}");
        }
    }
}
