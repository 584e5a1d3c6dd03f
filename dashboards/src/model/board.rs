//! A board: rows of panels on a grid of 48 columns.

use super::panel::Panel;

/// Columns of the grid.
pub const GRID_COLUMNS: u8 = 48;

/// Where the documents of all boards are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataView {
    /// Id; panels refer to it.
    pub id: &'static str,
    /// Name that people see.
    pub name: &'static str,
    /// Index expression.
    pub indices: &'static str,
}

/// The one data view.
pub const DATA_VIEW: DataView =
    DataView { id: "logs-app", name: "Application logs", indices: "logs-app-*,logs-app.*-*" };

/// A panel in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Columns it takes.
    pub width: u8,
    /// The panel.
    pub panel: Panel,
}

/// Panels side by side; their widths add up to [`GRID_COLUMNS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Height in grid rows of about 20 pixels.
    pub height: u8,
    /// From left to right.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Panels of equal width; what does not divide goes to the first ones.
    pub(super) fn equal(height: u8, panels: Vec<Panel>) -> Self {
        let count = panels.len();
        let width = |place: usize| {
            let columns = usize::from(GRID_COLUMNS);
            (columns / count + usize::from(place < columns % count)) as u8
        };
        let cells = panels.into_iter().enumerate();
        Self { height, cells: cells.map(|(place, panel)| Cell { width: width(place), panel }).collect() }
    }

    pub(super) fn of<const N: usize>(height: u8, cells: [(u8, Panel); N]) -> Self {
        let cells = cells.map(|(width, panel)| Cell { width, panel }).into();
        Self { height, cells }
    }
}

/// A board.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Id, part of its address.
    pub id: &'static str,
    /// Title.
    pub title: &'static str,
    /// Name in the links between boards.
    pub short: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

impl Board {
    /// All panels, row by row.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.cells).map(|cell| &cell.panel)
    }
}
