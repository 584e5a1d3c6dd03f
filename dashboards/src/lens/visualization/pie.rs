//! Shares of a whole.

use serde::{Deserialize, Deserializer};

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

/// Columns of a pie. Kibana before 8.4 wrote `groups`, and one `metric`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PieLayer {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Rings, innermost first.
    #[serde(default, rename = "primaryGroups", alias = "groups")]
    pub groups: Vec<String>,
    /// Sizes of slices.
    #[serde(alias = "metric", deserialize_with = "one_or_more")]
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

fn one_or_more<'de, D: Deserializer<'de>>(written: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        More(Vec<String>),
    }
    Ok(match Written::deserialize(written)? {
        Written::One(one) => vec![one],
        Written::More(more) => more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_form_before_8_4_is_read_too() {
        let old = json!({"layerId": "l", "groups": ["a", "b"], "metric": "n", "numberDisplay": "percent"});
        let new = json!({"layerId": "l", "primaryGroups": ["a", "b"], "metrics": ["n"], "numberDisplay": "percent"});
        let read = |layer| PieLayer::deserialize(layer).unwrap();
        assert_eq!(read(old), read(new));
    }
}
