//! Tiles with one number each.

use super::clause::clause;
use super::color::by_value;
use super::format::format;
use super::table_of;
use super::value::{cell, point};
use dashboards::lens::{ColumnKind, Metric, Table, TimeRange, Value};
use serde_json::{Value as Json, json};

/// Most tiles of a panel.
const TILES_MAX: usize = 100;

pub(super) fn draw(metric: &Metric, tables: &[Table], range: TimeRange) -> Json {
    let Some(table) = table_of(tables, &metric.layer) else { return json!({"kind": "metric", "tiles": []}) };
    let trend = metric.trend_layer.as_deref().and_then(|layer| table_of(tables, layer));
    let tiles = table.rows.iter().take(TILES_MAX).map(|row| tile(metric, table, row, trend, range));
    json!({"kind": "metric", "tiles": tiles.collect::<Vec<_>>(), "columns": metric.max_cols})
}

fn tile(metric: &Metric, table: &Table, row: &[Value], trend: Option<&Table>, range: TimeRange) -> Json {
    let of = |id: &str| Some((&table.columns[table.position(id)?], &row[table.position(id)?]));
    let Some((column, value)) = of(&metric.metric) else { return Json::Null };
    let broken = metric.breakdown.as_deref().and_then(of);
    let color = metric.palette.as_ref().and_then(|palette| by_value(palette, value, 0.0, 0.0));
    let max = metric.max.as_deref().and_then(of).and_then(|(_, max)| max.as_number());
    let share = max.filter(|max| metric.show_bar && *max > 0.0).zip(value.as_number());
    json!({
        "label": broken.map_or_else(|| column.label.clone(), |(_, name)| name.to_string()),
        "filter": broken.and_then(|(column, name)| clause(column, name)),
        "value": cell(value),
        "format": format(column),
        "color": color.or_else(|| metric.color.clone()),
        "subtitle": metric.subtitle,
        "secondary": metric.secondary.as_deref().and_then(of).map(|(column, value)| json!({
            "label": metric.secondary_prefix.as_ref().unwrap_or(&column.label),
            "value": cell(value),
            "format": format(column),
        })),
        "share": share.map(|(max, value)| (value / max).clamp(0.0, 1.0)),
        "trend": trend.map(|trend| course(metric, trend, broken.map(|(_, name)| name), range)),
    })
}

/// The number over time, of one value of the breakdown where there is one. A bucket that the range cuts off is left out: its
/// counts are too low, and a line that falls at its end would be read as an outage.
fn course(metric: &Metric, trend: &Table, name: Option<&Value>, range: TimeRange) -> Vec<Json> {
    let place = |id: &Option<String>| id.as_deref().and_then(|id| trend.position(id));
    let (Some(time), Some(value)) = (place(&metric.trend_time), place(&metric.trend_metric)) else {
        return Vec::new();
    };
    let breakdown = place(&metric.trend_breakdown);
    let own = |row: &&Vec<Value>| breakdown.is_none_or(|place| Some(&row[place]) == name);
    let whole = |row: &&Vec<Value>| match (&row[time], trend.columns[time].kind) {
        (Value::Date(start), ColumnKind::Time(bucket)) => {
            *start >= range.from() && start + bucket.millis() <= range.to()
        }
        _ => true,
    };
    let rows = trend.rows.iter().filter(own).filter(whole);
    rows.map(|row| json!([cell(&row[time]), point(&row[value])])).collect()
}
