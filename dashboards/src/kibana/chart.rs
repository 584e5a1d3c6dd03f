//! How a panel is drawn: the state of the visualization, and the layers it draws from.

mod palette;

mod xy;

use super::column;
use super::layer::{Layer, measure_id, terms_id};
use crate::model::{Drawing, Heatmap, Measure, Panel, Pie, Scope, Sort, Table};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Columns over time.
const TIME: &str = "time";

pub(super) struct Chart {
    pub(super) visualization_type: &'static str,
    pub(super) visualization: Value,
    pub(super) layers: BTreeMap<&'static str, Value>,
}

impl Chart {
    fn new(visualization_type: &'static str, visualization: Value, data: Value) -> Self {
        Self { visualization_type, visualization, layers: BTreeMap::from([("data", data)]) }
    }
}

/// The chart of a panel that is `width` columns wide.
///
/// # Panics
/// For links and lists of documents, which are no charts.
pub(super) fn chart(panel: &Panel, width: u8) -> Chart {
    match &panel.drawing {
        Drawing::Metric(measure) => metric(measure, panel.scope),
        Drawing::Xy(xy) => xy::chart(xy, panel.scope, width),
        Drawing::Table(table) => datatable(table, panel.scope),
        Drawing::Pie(pie) => donut(pie, panel.scope),
        Drawing::Heatmap(heatmap) => heat_map(heatmap, panel.scope),
        Drawing::Documents(_) | Drawing::Links => unreachable!("`{}` is no chart", panel.id),
    }
}

/// The number, and as a second layer the same number over time behind it.
fn metric(measure: &Measure, scope: Scope) -> Chart {
    let trend_time = "trend_time";
    let mut trend = Layer::of('t', [measure]).bucket(column::time(trend_time)).json(scope);
    trend["linkToLayers"] = json!(["data"]);
    let mut visualization = json!({
        "layerId": "data",
        "layerType": "data",
        "metricAccessor": measure_id('m', 0),
        "showBar": false,
        "trendlineLayerId": "trend",
        "trendlineLayerType": "metricTrendline",
        "trendlineTimeAccessor": trend_time,
        "trendlineMetricAccessor": measure_id('t', 0),
    });
    if let Some(thresholds) = measure.thresholds {
        visualization["palette"] = palette::by_value(thresholds);
    }
    let mut chart = Chart::new("lnsMetric", visualization, Layer::of('m', [measure]).json(scope));
    chart.layers.insert("trend", trend);
    chart
}

fn datatable(table: &Table, scope: Scope) -> Chart {
    let measures: Vec<_> = table.columns.iter().map(|(measure, _)| measure).collect();
    let layer = table
        .rows
        .iter()
        .fold(Layer::of('m', measures.iter().copied()), |layer, terms| layer.terms(terms, &measures));
    let rows = (0..table.rows.len()).map(|depth| json!({"columnId": terms_id(depth), "isTransposed": false}));
    let values = measures.iter().enumerate().map(|(place, measure)| table_column(place, measure));
    let mut visualization = json!({
        "layerId": "data",
        "layerType": "data",
        "columns": rows.chain(values).collect::<Vec<_>>(),
    });
    let sorting = table.columns.iter().enumerate().find_map(|(place, (_, sort))| Some((place, (*sort)?)));
    if let Some((place, sort)) = sorting {
        let direction = match sort {
            Sort::Ascending => "asc",
            Sort::Descending => "desc",
        };
        visualization["sorting"] = json!({"columnId": measure_id('m', place), "direction": direction});
    }
    Chart::new("lnsDatatable", visualization, layer.json(scope))
}

fn table_column(place: usize, measure: &Measure) -> Value {
    let mut column = json!({"columnId": measure_id('m', place), "isTransposed": false});
    if let Some(thresholds) = measure.thresholds {
        column["colorMode"] = json!("cell");
        column["palette"] = palette::by_value(thresholds);
    }
    column
}

fn donut(pie: &Pie, scope: Scope) -> Chart {
    let layer = Layer::of('m', [&pie.measure]).terms(&pie.slices, &[&pie.measure]);
    let visualization = json!({
        "shape": "donut",
        "layers": [{
            "layerId": "data",
            "layerType": "data",
            "primaryGroups": [terms_id(0)],
            "metrics": [measure_id('m', 0)],
            "numberDisplay": "percent",
            "categoryDisplay": "default",
            "legendDisplay": "default",
            "nestedLegend": false,
        }],
    });
    Chart::new("lnsPie", visualization, layer.json(scope))
}

fn heat_map(heatmap: &Heatmap, scope: Scope) -> Chart {
    let layer =
        Layer::of('m', [&heatmap.measure]).bucket(column::time(TIME)).bucket(column::bands("band", heatmap));
    let visualization = json!({
        "layerId": "data",
        "layerType": "data",
        "shape": "heatmap",
        "xAccessor": TIME,
        "yAccessor": "band",
        "valueAccessor": measure_id('m', 0),
        "legend": {"isVisible": true, "position": "right", "type": "heatmap_legend"},
        "gridConfig": {
            "type": "heatmap_grid",
            "isCellLabelVisible": false,
            "isYAxisLabelVisible": true,
            "isXAxisLabelVisible": true,
            "isYAxisTitleVisible": false,
            "isXAxisTitleVisible": false,
        },
    });
    Chart::new("lnsHeatmap", visualization, layer.json(scope))
}
