//! A number between limits.

use super::color::{by_value, of_place};
use super::format::format;
use super::table_of;
use super::value::cell;
use dashboards::lens::{Gauge, Table, Value};
use serde_json::{Value as Json, json};

pub(super) fn draw(gauge: &Gauge, tables: &[Table]) -> Json {
    let table = table_of(tables, &gauge.layer);
    let found = table.and_then(|table| {
        let place = table.position(&gauge.metric)?;
        Some((table, &table.columns[place], table.rows.first()?.get(place)?))
    });
    let Some((table, column, value)) = found else { return json!({"kind": "gauge", "option": {}}) };
    let number = |id: &Option<String>| {
        let id = id.as_deref()?;
        table.values(id).next().and_then(Value::as_number)
    };
    let min = number(&gauge.min).unwrap_or(0.0);
    let max = number(&gauge.max).unwrap_or_else(|| value.as_number().unwrap_or(1.0).max(min + 1.0));
    let goal = number(&gauge.goal);
    let color = gauge.palette.as_ref().and_then(|palette| by_value(palette, value, min, max));
    let color = color.unwrap_or_else(|| of_place(0).to_owned());
    // The goal is a thin mark on the rim.
    let rim = match goal.map(|goal| ((goal - min) / (max - min).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)) {
        Some(at) => json!([
            [(at - 0.005).max(0.0), "#98a2b340"],
            [(at + 0.005).min(1.0), "#d0543f"],
            [1, "#98a2b340"]
        ]),
        None => json!([[1, "#98a2b340"]]),
    };
    let whole = gauge.shape == "circle";
    json!({
        "kind": "gauge",
        "value": cell(value),
        "goal": goal,
        "format": format(column),
        "option": {"series": [{
            "id": "gauge",
            "type": "gauge",
            "min": min,
            "max": max,
            "startAngle": if whole { 90 } else { 200 },
            "endAngle": if whole { -270 } else { -20 },
            "progress": {"show": true, "width": 14, "itemStyle": {"color": color}},
            "axisLine": {"lineStyle": {"width": 14, "color": rim}},
            "axisTick": {"show": false},
            "splitLine": {"show": false},
            "pointer": {"show": false},
            "anchor": {"show": false},
            "title": {"offsetCenter": [0, "28%"], "fontSize": 12},
            "detail": {"offsetCenter": [0, "-4%"], "fontSize": 26, "fontWeight": 600},
            "data": [{"value": value.as_number(), "name": column.label}],
        }]},
    })
}
