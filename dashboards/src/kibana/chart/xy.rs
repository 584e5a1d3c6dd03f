//! Series over time.

use super::{Chart, TIME};
use crate::kibana::column;
use crate::kibana::layer::{Layer, measure_id, terms_id};
use crate::model::{Color, Gaps, Measure, Objective, Scope, Series, Style, Xy};
use serde_json::{Value, json};

/// Below this width a legend beside the chart would take too much of it.
const LEGEND_BESIDE_FROM: u8 = 24;
const OBJECTIVE: &str = "objective";

pub(super) fn chart(xy: &Xy, scope: Scope, width: u8) -> Chart {
    let series_type = series_type(xy.style);
    let mut layers = vec![data_layer(xy, series_type)];
    layers.extend(xy.objective.map(|_| objective_layer()));
    let legend = if width < LEGEND_BESIDE_FROM { "bottom" } else { "right" };
    let visualization = json!({
        "preferredSeriesType": series_type,
        "legend": {"isVisible": has_legend(xy), "position": legend},
        "valueLabels": "hide",
        "fittingFunction": match xy.gaps {
            Gaps::Shown => "None",
            Gaps::Bridged => "Linear",
        },
        "yLeftExtent": {"mode": "full"},
        // The title of the panel says what is drawn, and the marks of the time axis that it is time.
        "axisTitlesVisibilitySettings": {"x": false, "yLeft": false, "yRight": false},
        "layers": layers,
    });
    let mut chart = Chart::new("lnsXY", visualization, columns(xy).json(scope));
    if let Some(Objective { label, value }) = xy.objective {
        chart.layers.insert(OBJECTIVE, Layer::constant(OBJECTIVE, label, value).json(scope));
    }
    chart
}

/// The split stands outside of time: the first values of the whole range, one series each. The other way round each
/// point in time would have first values of its own.
fn columns(xy: &Xy) -> Layer {
    let layer = Layer::of('m', xy.series.measures());
    let layer = match &xy.series {
        Series::Split(terms, measure) => layer.terms(terms, &[measure]),
        Series::Each(_) => layer,
    };
    layer.bucket(column::time(TIME))
}

fn series_type(style: Style) -> &'static str {
    match style {
        Style::Bars => "bar_stacked",
        Style::Line => "line",
        Style::Area => "area_stacked",
    }
}

fn has_legend(xy: &Xy) -> bool {
    matches!(xy.series, Series::Split(..)) || xy.series.measures().len() > 1
}

fn data_layer(xy: &Xy, series_type: &str) -> Value {
    let measures = xy.series.measures();
    let accessors: Vec<_> = (0..measures.len()).map(|place| measure_id('m', place)).collect();
    let mut layer = json!({
        "layerId": "data",
        "layerType": "data",
        "seriesType": series_type,
        "xAccessor": TIME,
        "accessors": accessors,
    });
    if let Series::Split(_, measure) = &xy.series {
        layer["splitAccessor"] = json!(terms_id(0));
        // What counts failures is red whoever fails.
        if measure.color == Some(Color::Bad) {
            layer["palette"] = json!({"type": "palette", "name": "negative"});
        }
    }
    let colored = |(place, measure): (usize, &Measure)| {
        Some(json!({"forAccessor": measure_id('m', place), "color": measure.color?.hex()}))
    };
    let colors: Vec<_> = measures.iter().enumerate().filter_map(colored).collect();
    if !colors.is_empty() {
        layer["yConfig"] = json!(colors);
    }
    layer
}

fn objective_layer() -> Value {
    json!({
        "layerId": OBJECTIVE,
        "layerType": "referenceLine",
        "accessors": [OBJECTIVE],
        "yConfig": [{
            "forAccessor": OBJECTIVE,
            "axisMode": "left",
            "color": Color::OBJECTIVE.hex(),
            "lineStyle": "dashed",
            "lineWidth": 2,
            "textVisibility": true,
        }],
    })
}
