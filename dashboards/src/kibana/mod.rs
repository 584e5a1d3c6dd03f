//! The boards as Kibana's saved objects: NDJSON for `_import`, for Kibana 8.9 to 9.x.
//!
//! One file holds the data view, one each board with its saved searches. Versions are stamped low, since a Kibana
//! refuses objects newer than itself and lifts older ones: 8.8.0 for the core, 8.9.0 for dashboards (the last step of
//! their migrations that rewrites content), 8.0.0 for data views and searches. Charts carry the oldest state that
//! needs no migration: no `version` key, `splitAccessor` in the singular. Keys are sorted and nothing depends on time,
//! so two runs give the same bytes.

mod object;

mod data_view;

mod dashboard;

mod panel;

mod chart;

mod layer;

mod column;

mod formula;

mod search;

use crate::model::{Board, Drawing, boards};
use object::SavedObject;

/// A file for Kibana's import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// File name, as committed in `dashboards/`.
    pub name: String,
    /// One saved object a line, a line break behind each.
    pub ndjson: String,
}

/// All files: the data view first, then the boards in the order of their links.
pub fn files() -> Vec<File> {
    let boards = boards();
    let data_view = File { name: "data-view.ndjson".to_owned(), ndjson: data_view::object().line() };
    let board_files =
        boards.iter().map(|board| File { name: file_name(board), ndjson: lines(board, &boards) });
    std::iter::once(data_view).chain(board_files).collect()
}

/// All objects as one import. Every object stands once, and all that is referred to is in it.
pub fn import() -> String {
    files().into_iter().map(|file| file.ndjson).collect()
}

fn file_name(board: &Board) -> String {
    format!("{}.ndjson", board.id.trim_start_matches("app-"))
}

fn lines(board: &Board, boards: &[Board]) -> String {
    let searches = board.panels().filter_map(|panel| match &panel.drawing {
        Drawing::Documents(documents) => Some(search::object(panel, documents)),
        _ => None,
    });
    let dashboard = dashboard::object(board, boards);
    searches.chain(std::iter::once(dashboard)).map(SavedObject::line).collect()
}
