//! Colours by value, and of values.

use serde::Deserialize;
use serde_json::Value as Json;

/// Colours by value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Palette {
    /// `custom`, `positive`, `negative`, `status`, `temperature`, …
    #[serde(default)]
    pub name: String,
    /// Steps and what they count.
    #[serde(default)]
    pub params: PaletteParams,
}

/// Steps of a palette.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PaletteParams {
    /// `number` (of the value) or `percent` (of the range of values).
    pub range_type: Option<String>,
    /// Where the colours begin.
    pub range_min: Option<f64>,
    /// Whether they go on outside: `above`, `below`, `all`, `none`.
    pub continuity: Option<String>,
    /// Colours, each up to its stop.
    pub stops: Vec<Stop>,
    /// Whether the colours run the other way.
    pub reverse: bool,
}

/// A colour up to a value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stop {
    /// CSS colour.
    pub color: String,
    /// The value; `None` for the last one.
    #[serde(default)]
    pub stop: Option<f64>,
}

/// Colours of the values of a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColorMapping {
    /// Value as text, CSS colour.
    pub assignments: Vec<(String, String)>,
}

impl<'de> Deserialize<'de> for ColorMapping {
    /// Keeps what names a value and states its colour; positions in a palette are left to the palette.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Json::deserialize(deserializer)?;
        let list = |json: &Json, key: &str| json[key].as_array().cloned().unwrap_or_default();
        let mut assignments = Vec::new();
        for assignment in list(&written, "assignments") {
            let Some(color) = assignment["color"]["colorCode"].as_str() else { continue };
            let rules = list(&assignment, "rules").into_iter().chain([assignment["rule"].clone()]);
            let values =
                rules.flat_map(|rule| list(&rule, "values").into_iter().chain([rule["value"].clone()]));
            assignments
                .extend(values.filter_map(|value| Some((value.as_str()?.to_owned(), color.to_owned()))));
        }
        Ok(Self { assignments })
    }
}
