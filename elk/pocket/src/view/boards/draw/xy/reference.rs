//! Constant lines.

use super::Ends;
use crate::view::boards::draw::table_of;
use dashboards::lens::{Table, Value, Xy, XyLayer};
use serde_json::{Value as Json, json};

/// A constant line.
pub(super) struct Line {
    name: String,
    pub(super) value: f64,
    /// 0 is left, 1 right.
    pub(super) axis: usize,
    color: String,
    style: String,
    width: f64,
    labelled: bool,
}

/// The constant lines of a chart.
pub(super) fn lines(xy: &Xy, tables: &[Table]) -> Vec<Line> {
    let mut lines = Vec::new();
    for layer in &xy.layers {
        let XyLayer::ReferenceLine(layer) = layer else { continue };
        let Some(table) = table_of(tables, &layer.layer) else { continue };
        for id in &layer.accessors {
            let Some(place) = table.position(id) else { continue };
            let Some(value) = table.values(id).next().and_then(Value::as_number) else { continue };
            let config = layer.y_config.iter().find(|config| config.column == *id);
            let style = config.and_then(|config| config.line_style.clone());
            lines.push(Line {
                name: table.columns[place].label.clone(),
                value,
                axis: usize::from(config.is_some_and(|config| config.axis_mode.as_deref() == Some("right"))),
                color: config.and_then(|config| config.color.clone()).unwrap_or_else(|| "#98a2b3".to_owned()),
                style: style.unwrap_or_else(|| "solid".to_owned()),
                width: config.and_then(|config| config.line_width).unwrap_or(1.0),
                labelled: config.is_some_and(|config| config.text_visibility),
            });
        }
    }
    lines
}

impl Line {
    /// A line of two points: marks of ECharts would need a series with data to stand on.
    pub(super) fn option(&self, ends: &Ends, categories: &[String], horizontal: bool) -> Json {
        let places = if categories.is_empty() {
            [json!(ends.from), json!(ends.to)]
        } else {
            [json!(0), json!(categories.len() - 1)]
        };
        let [first, last] = places
            .map(|place| if horizontal { json!([self.value, place]) } else { json!([place, self.value]) });
        let label = json!({
            "show": self.labelled, "formatter": self.name.replace(['{', '}'], ""), "position": [6, -16],
            "color": self.color, "fontSize": 11, "align": "left",
        });
        json!({
            "id": format!("reference/{}", self.name),
            "name": self.name,
            "type": "line",
            "data": [{"value": first, "label": label}, last],
            "symbol": "circle",
            "symbolSize": 0.01,
            "showSymbol": true,
            "silent": true,
            "z": 4,
            "itemStyle": {"color": self.color},
            "lineStyle": {"color": self.color, "width": self.width, "type": self.style},
            "tooltip": {"show": false},
        })
    }
}
