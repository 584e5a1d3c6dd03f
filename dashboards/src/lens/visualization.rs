//! How the tables of a panel are drawn: which column is what.
//!
//! Ids in here name columns of the [`Table`](super::Table) whose `layer` is the one named beside them; each of them exists.

use serde::Deserialize;
use serde_json::Value as Json;

use super::fault::Unsupported;

/// The kind of picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Visualization {
    /// Lines, bars, areas over an axis.
    Xy(Xy),
    /// Single numbers.
    Metric(Metric),
    /// Shares of a whole.
    Pie(Pie),
    /// Rows and columns.
    Datatable(Datatable),
    /// Cells coloured by a number.
    Heatmap(Heatmap),
    /// A number between limits.
    Gauge(Gauge),
}

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
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// Values become columns: not supported.
    #[serde(default)]
    pub(super) is_transposed: bool,
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

impl Visualization {
    /// Reads `state.visualization` of a Lens panel.
    pub(super) fn read(kind: &str, state: &Json) -> Result<Self, Unsupported> {
        if let Some(function) = collapse_function(state) {
            return Err(Unsupported::new(format!("values collapsed by `{function}`")));
        }
        let fault =
            |error: serde_json::Error| Unsupported::new(format!("the visualization `{kind}`: {error}"));
        let read = match kind {
            "lnsXY" => Self::Xy(Xy::deserialize(state).map_err(fault)?),
            "lnsMetric" => Self::Metric(Metric::deserialize(state).map_err(fault)?),
            "lnsPie" => Self::Pie(Pie::deserialize(state).map_err(fault)?),
            "lnsDatatable" => Self::Datatable(Datatable::deserialize(state).map_err(fault)?),
            "lnsHeatmap" => Self::Heatmap(Heatmap::deserialize(state).map_err(fault)?),
            "lnsGauge" => Self::Gauge(Gauge::deserialize(state).map_err(fault)?),
            other => return Err(Unsupported::new(format!("the visualization `{other}`"))),
        };
        match &read {
            Self::Datatable(table) if table.columns.iter().any(|column| column.is_transposed) => {
                Err(Unsupported::new("a table whose values become columns"))
            }
            _ => Ok(read),
        }
    }

    /// Every column it names, with the layer.
    pub(super) fn accessors(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Xy(xy) => xy.layers.iter().flat_map(XyLayer::accessors).collect(),
            Self::Metric(metric) => metric.accessors(),
            Self::Pie(pie) => pie.layers.iter().flat_map(PieLayer::accessors).collect(),
            Self::Datatable(table) => {
                table.columns.iter().map(|column| (table.layer.as_str(), column.column.as_str())).collect()
            }
            Self::Heatmap(map) => under(&map.layer, [map.x.as_ref(), map.y.as_ref(), Some(&map.value)]),
            Self::Gauge(gauge) => under(
                &gauge.layer,
                [Some(&gauge.metric), gauge.min.as_ref(), gauge.max.as_ref(), gauge.goal.as_ref()],
            ),
        }
    }
}

fn under<'v>(
    layer: &'v str,
    columns: impl IntoIterator<Item = Option<&'v String>>,
) -> Vec<(&'v str, &'v str)> {
    columns.into_iter().flatten().map(|column| (layer, column.as_str())).collect()
}

impl XyLayer {
    fn accessors(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Data(series) => {
                let axes = [series.x.as_ref(), series.split.as_ref()];
                under(&series.layer, series.accessors.iter().map(Some).chain(axes))
            }
            Self::ReferenceLine(lines) => under(&lines.layer, lines.accessors.iter().map(Some)),
        }
    }
}

impl Metric {
    fn accessors(&self) -> Vec<(&str, &str)> {
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

impl PieLayer {
    fn accessors(&self) -> Vec<(&str, &str)> {
        under(&self.layer, self.groups.iter().chain(&self.metrics).map(Some))
    }
}

/// The first function that collapses the values of a column, wherever the state names it.
fn collapse_function(state: &Json) -> Option<&str> {
    let nested = [&state["layers"], &state["columns"]].into_iter().filter_map(Json::as_array).flatten();
    let mut named = nested.chain([state]).filter_map(|part| part["collapseFn"].as_str());
    named.find(|function| !function.is_empty())
}
