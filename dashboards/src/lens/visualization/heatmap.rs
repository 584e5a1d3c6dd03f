//! Cells coloured by a number.

use serde::Deserialize;

use crate::lens::visualization::color::Palette;
use crate::lens::visualization::legend::Legend;
use crate::lens::visualization::under;

/// Cells coloured by a number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heatmap {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Column of the x axis.
    #[serde(default, rename = "xAccessor")]
    pub x: Option<String>,
    /// Column of the y axis.
    #[serde(default, rename = "yAccessor")]
    pub y: Option<String>,
    /// The number.
    #[serde(rename = "valueAccessor")]
    pub value: String,
    /// Colour by value.
    #[serde(default)]
    pub palette: Option<Palette>,
    /// Legend.
    #[serde(default)]
    pub legend: Legend,
}

impl Heatmap {
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        under(&self.layer, [self.x.as_ref(), self.y.as_ref(), Some(&self.value)])
    }
}
