//! Whether and where a legend is shown.

use serde::Deserialize;

/// Whether and where a legend is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Legend {
    /// Whether it is shown.
    pub is_visible: bool,
    /// `right`, `left`, `top`, `bottom`.
    pub position: String,
}

impl Default for Legend {
    fn default() -> Self {
        Self { is_visible: true, position: "right".to_owned() }
    }
}
