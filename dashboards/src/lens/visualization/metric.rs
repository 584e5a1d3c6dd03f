//! Single numbers.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::lens::visualization::color::Palette;
use crate::lens::visualization::under;

/// Single numbers; a tile for each row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// The number.
    #[serde(rename = "metricAccessor")]
    pub metric: String,
    /// A second, smaller one.
    #[serde(default, rename = "secondaryMetricAccessor")]
    pub secondary: Option<String>,
    /// Text before the second number.
    #[serde(default)]
    pub secondary_prefix: Option<String>,
    /// What a full bar is.
    #[serde(default, rename = "maxAccessor")]
    pub max: Option<String>,
    /// Whether the share of `max` is drawn.
    #[serde(default)]
    pub show_bar: bool,
    /// A tile for each value of this column.
    #[serde(default, rename = "breakdownByAccessor")]
    pub breakdown: Option<String>,
    /// Tiles in a row.
    #[serde(default)]
    pub max_cols: Option<u32>,
    /// Text under the title.
    #[serde(default)]
    pub subtitle: Option<String>,
    /// CSS colour.
    #[serde(default)]
    pub color: Option<String>,
    /// Colour by value.
    #[serde(default)]
    pub palette: Option<Palette>,
    /// Layer of the trend line, with the next two.
    #[serde(default, rename = "trendlineLayerId")]
    pub trend_layer: Option<String>,
    /// Time column of the trend.
    #[serde(default, rename = "trendlineTimeAccessor")]
    pub trend_time: Option<String>,
    /// Measure of the trend.
    #[serde(default, rename = "trendlineMetricAccessor")]
    pub trend_metric: Option<String>,
    /// Breakdown of the trend.
    #[serde(default, rename = "trendlineBreakdownByAccessor")]
    pub trend_breakdown: Option<String>,
}

impl Metric {
    /// The older picture of a metric names its number otherwise, and colours it only where its `colorMode` says so.
    pub(super) fn read_legacy(state: &Json) -> Result<Self, serde_json::Error> {
        let mut state = state.clone();
        let is_colored = matches!(state["colorMode"].as_str(), Some("Labels" | "Background"));
        if let Some(state) = state.as_object_mut() {
            let metric = state.remove("accessor");
            state.extend(metric.map(|metric| ("metricAccessor".to_owned(), metric)));
            state.retain(|key, _| is_colored || key != "palette");
        }
        Self::deserialize(state)
    }

    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        let mut all = under(
            &self.layer,
            [Some(&self.metric), self.secondary.as_ref(), self.max.as_ref(), self.breakdown.as_ref()],
        );
        if let Some(layer) = &self.trend_layer {
            all.extend(under(
                layer,
                [self.trend_time.as_ref(), self.trend_metric.as_ref(), self.trend_breakdown.as_ref()],
            ));
        }
        all
    }
}
