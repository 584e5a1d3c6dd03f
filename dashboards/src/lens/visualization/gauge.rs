//! A number between limits.

use serde::Deserialize;

use crate::lens::visualization::color::Palette;
use crate::lens::visualization::under;

/// A number between limits.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gauge {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// `horizontalBullet`, `verticalBullet`, `arc`, `semiCircle`, `circle`.
    pub shape: String,
    /// The number.
    #[serde(rename = "metricAccessor")]
    pub metric: String,
    /// Left end.
    #[serde(default, rename = "minAccessor")]
    pub min: Option<String>,
    /// Right end.
    #[serde(default, rename = "maxAccessor")]
    pub max: Option<String>,
    /// A mark between.
    #[serde(default, rename = "goalAccessor")]
    pub goal: Option<String>,
    /// `auto`, `custom`, `none`.
    #[serde(default)]
    pub label_major_mode: Option<String>,
    /// Text of `custom`.
    #[serde(default)]
    pub label_major: Option<String>,
    /// Text under the number.
    #[serde(default)]
    pub label_minor: Option<String>,
    /// Colour by value.
    #[serde(default)]
    pub palette: Option<Palette>,
}

impl Gauge {
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        under(&self.layer, [Some(&self.metric), self.min.as_ref(), self.max.as_ref(), self.goal.as_ref()])
    }
}
