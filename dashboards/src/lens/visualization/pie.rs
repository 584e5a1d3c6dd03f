//! Shares of a whole.

use serde::Deserialize;

use crate::lens::visualization::color::ColorMapping;
use crate::lens::visualization::under;

/// Shares of a whole.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pie {
    /// `pie`, `donut`, `treemap`, `mosaic`, `waffle`.
    pub shape: String,
    /// One.
    pub layers: Vec<PieLayer>,
}

/// Columns of a pie.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PieLayer {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Rings, innermost first.
    #[serde(default, rename = "primaryGroups")]
    pub groups: Vec<String>,
    /// Sizes of slices.
    pub metrics: Vec<String>,
    /// `percent`, `value`, `hidden`.
    #[serde(default)]
    pub number_display: Option<String>,
    /// `default`, `show`, `hide`.
    #[serde(default)]
    pub legend_display: Option<String>,
    /// Colours of slices.
    #[serde(default)]
    pub color_mapping: ColorMapping,
}

impl PieLayer {
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        under(&self.layer, self.groups.iter().chain(&self.metrics).map(Some))
    }
}
