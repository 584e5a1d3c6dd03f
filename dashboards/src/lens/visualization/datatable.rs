//! Rows and columns.

use serde::Deserialize;

use crate::lens::visualization::color::Palette;
use crate::lens::visualization::under;

/// Rows and columns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Datatable {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Columns in the order shown.
    pub columns: Vec<TableColumn>,
    /// Order of rows; the table's rows have it already.
    #[serde(default)]
    pub sorting: Option<Sorting>,
    /// Rows a page.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// A column of a datatable.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableColumn {
    /// The column.
    #[serde(rename = "columnId")]
    pub column: String,
    /// Not shown.
    #[serde(default)]
    pub hidden: bool,
    /// Pixels.
    #[serde(default)]
    pub width: Option<f64>,
    /// `left`, `center`, `right`.
    #[serde(default)]
    pub alignment: Option<String>,
    /// `none`, `cell`, `text`.
    #[serde(default)]
    pub color_mode: Option<String>,
    /// Colour by value.
    #[serde(default)]
    pub palette: Option<Palette>,
    /// `sum`, `avg`, `count`, `min`, `max`, `none`.
    #[serde(default)]
    pub summary_row: Option<String>,
    /// Values become columns, with the measures under each.
    #[serde(default)]
    pub is_transposed: bool,
    /// Whether a click on a cell filters by it.
    #[serde(default)]
    pub one_click_filter: bool,
}

/// Order of rows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sorting {
    /// The column; `None` where the order is that of the buckets.
    #[serde(default, rename = "columnId")]
    pub column: Option<String>,
    /// `asc`, `desc` or `none`.
    #[serde(default)]
    pub direction: String,
}

/// Pages of a datatable.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Paging {
    /// Rows a page.
    pub size: u32,
    /// Whether there are pages.
    pub enabled: bool,
}

impl Datatable {
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        under(&self.layer, self.columns.iter().map(|column| Some(&column.column)))
    }
}
