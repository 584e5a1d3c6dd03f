//! Lines, bars, areas over an axis.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::lens::visualization::color::{ColorMapping, Palette};
use crate::lens::visualization::legend::Legend;
use crate::lens::visualization::under;

/// Lines, bars, areas over an axis.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Xy {
    /// Pictures on top of each other.
    pub layers: Vec<XyLayer>,
    /// Legend.
    #[serde(default)]
    pub legend: Legend,
    /// What a line does at a gap: `None`, `Linear`, `Zero`, `Carry`, `Lookahead`, `Average`, `Nearest`.
    #[serde(default)]
    pub fitting_function: Option<String>,
    /// `LINEAR` or a kind of smoothing.
    #[serde(default)]
    pub curve_type: Option<String>,
    /// `show` or `hide`: numbers on bars.
    #[serde(default)]
    pub value_labels: Option<String>,
    /// Bounds of the left axis.
    #[serde(default, rename = "yLeftExtent")]
    pub left_extent: Extent,
    /// Bounds of the right axis.
    #[serde(default, rename = "yRightExtent")]
    pub right_extent: Extent,
    /// `linear`, `log`, `sqrt`.
    #[serde(default, rename = "yLeftScale")]
    pub left_scale: Option<String>,
    /// Title of the left axis, where one is set.
    #[serde(default, rename = "yTitle")]
    pub left_title: Option<String>,
    /// Title of the right axis, where one is set.
    #[serde(default, rename = "yRightTitle")]
    pub right_title: Option<String>,
    /// Title of the x axis, where one is set.
    #[serde(default)]
    pub x_title: Option<String>,
}

/// A layer of an XY chart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "layerType", rename_all = "camelCase")]
pub enum XyLayer {
    /// Data.
    Data(Series),
    /// Constant lines.
    ReferenceLine(ReferenceLines),
}

/// Data of an XY chart: one series for each measure and each value of `split`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Layer of the columns.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Shape and stacking.
    pub series_type: SeriesType,
    /// Column of the x axis; without one there is a single place on it.
    #[serde(default, rename = "xAccessor")]
    pub x: Option<String>,
    /// Column whose values are series.
    #[serde(default, rename = "splitAccessor")]
    pub split: Option<String>,
    /// Measures.
    pub accessors: Vec<String>,
    /// Colours and axes of measures.
    #[serde(default)]
    pub y_config: Vec<YConfig>,
    /// Colours of the split's values.
    #[serde(default)]
    pub color_mapping: ColorMapping,
    /// Palette of the split's values, where one is named.
    #[serde(default)]
    pub palette: Option<Palette>,
}

/// Shape and stacking of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SeriesType {
    Bar,
    BarStacked,
    BarPercentageStacked,
    BarHorizontal,
    BarHorizontalStacked,
    BarHorizontalPercentageStacked,
    Line,
    Area,
    AreaStacked,
    AreaPercentageStacked,
}

impl SeriesType {
    /// Bars, standing or lying.
    pub fn is_bar(self) -> bool {
        !matches!(self, Self::Line) && !self.is_area()
    }

    /// A line with what is below it filled.
    pub fn is_area(self) -> bool {
        matches!(self, Self::Area | Self::AreaStacked | Self::AreaPercentageStacked)
    }

    /// Each on top of the one before.
    pub fn is_stacked(self) -> bool {
        matches!(self, Self::BarStacked | Self::BarHorizontalStacked | Self::AreaStacked)
            || self.is_percentage()
    }

    /// Stacked, and the whole stack is 100 %.
    pub fn is_percentage(self) -> bool {
        matches!(
            self,
            Self::BarPercentageStacked | Self::BarHorizontalPercentageStacked | Self::AreaPercentageStacked
        )
    }

    /// Lying: the x axis goes up.
    pub fn is_horizontal(self) -> bool {
        matches!(
            self,
            Self::BarHorizontal | Self::BarHorizontalStacked | Self::BarHorizontalPercentageStacked
        )
    }
}

/// Constant lines.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceLines {
    /// Layer of the columns; its table has one row.
    #[serde(rename = "layerId")]
    pub layer: String,
    /// Measures, one line each.
    pub accessors: Vec<String>,
    /// How each is drawn.
    #[serde(default)]
    pub y_config: Vec<YConfig>,
}

/// How a measure is drawn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct YConfig {
    /// The measure.
    #[serde(rename = "forAccessor")]
    pub column: String,
    /// CSS colour.
    #[serde(default)]
    pub color: Option<String>,
    /// `left`, `right`, `bottom`, `auto`.
    #[serde(default)]
    pub axis_mode: Option<String>,
    /// `solid`, `dashed`, `dotted`.
    #[serde(default)]
    pub line_style: Option<String>,
    /// Pixels.
    #[serde(default)]
    pub line_width: Option<f64>,
    /// Whether the line carries its label.
    #[serde(default)]
    pub text_visibility: bool,
    /// `above` or `below`: shade that side of a reference line.
    #[serde(default)]
    pub fill: Option<String>,
}

/// Bounds of an axis.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extent {
    /// `full` (from zero), `dataBounds`, `custom`.
    pub mode: Option<String>,
    /// Lower end of `custom`.
    pub lower_bound: Option<f64>,
    /// Upper end of `custom`.
    pub upper_bound: Option<f64>,
}

/// The type of a layer that marks moments.
pub(crate) const ANNOTATIONS: &str = "annotations";

impl Xy {
    /// Before 7.16 there were no layers but of data, and none said so. Annotations are left out; the panel says that.
    pub(super) fn read(state: &Json) -> Result<Self, serde_json::Error> {
        let mut state = state.clone();
        if let Some(layers) = state.get_mut("layers").and_then(Json::as_array_mut) {
            layers.retain(|layer| layer["layerType"] != ANNOTATIONS);
        }
        let layers = state.get_mut("layers").and_then(Json::as_array_mut).into_iter().flatten();
        for layer in layers.filter_map(Json::as_object_mut) {
            layer.entry("layerType").or_insert_with(|| Json::from("data"));
        }
        Self::deserialize(state)
    }
}

impl XyLayer {
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Data(series) => {
                let axes = [series.x.as_ref(), series.split.as_ref()];
                under(&series.layer, series.accessors.iter().map(Some).chain(axes))
            }
            Self::ReferenceLine(lines) => under(&lines.layer, lines.accessors.iter().map(Some)),
        }
    }
}
