//! Shares of a whole.

use super::clause::clause;
use super::color::Colors;
use super::format::{format, plain};
use super::table_of;
use dashboards::lens::{Pie, PieLayer, Table, Value};
use serde_json::{Value as Json, json};

pub(super) fn draw(pie: &Pie, tables: &[Table], colors: &Colors) -> Json {
    let found = pie.layers.first().and_then(|layer| Some((layer, table_of(tables, &layer.layer)?)));
    let Some((layer, table)) = found else { return json!({"kind": "pie", "option": {}, "slices": []}) };
    let measure = layer.metrics.first().and_then(|id| table.position(id));
    let rings = layer.groups.len().max(1);
    let series = (0..rings).map(|ring| {
        let (inner, outer) = radii(pie, ring, rings);
        json!({
            "id": format!("ring{ring}"),
            "type": "pie",
            "radius": [format!("{inner}%"), format!("{outer}%")],
            "label": {"show": false},
            "labelLine": {"show": false},
            "itemStyle": {"borderWidth": 1.5, "borderRadius": 3},
            "data": slices(layer, table, ring, measure, colors),
        })
    });
    json!({
        "kind": "pie",
        "format": measure.map_or_else(plain, |place| format(&table.columns[place])),
        "percent": layer.number_display.as_deref() != Some("value"),
        "legend": layer.legend_display.as_deref() != Some("hide"),
        "option": {"series": series.collect::<Vec<_>>()},
    })
}

fn radii(pie: &Pie, ring: usize, rings: usize) -> (usize, usize) {
    let hole = if pie.shape == "donut" { 52 } else { 0 };
    let width = (88 - hole) / rings;
    (hole + ring * width, hole + (ring + 1) * width)
}

/// The slices of a ring: rows with the same groups up to it are one.
fn slices(
    layer: &PieLayer,
    table: &Table,
    ring: usize,
    measure: Option<usize>,
    colors: &Colors,
) -> Vec<Json> {
    let groups: Vec<usize> = layer.groups.iter().take(ring + 1).filter_map(|id| table.position(id)).collect();
    let mut sums: Vec<(Vec<&Value>, f64)> = Vec::new();
    for row in &table.rows {
        let key: Vec<&Value> = groups.iter().map(|place| &row[*place]).collect();
        let number = measure.and_then(|place| row[place].as_number()).unwrap_or(0.0);
        match sums.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += number,
            None => sums.push((key, number)),
        }
    }
    let slice = |(key, sum): (Vec<&Value>, f64)| {
        let own = groups.last().zip(key.last()).map(|(place, value)| (&table.columns[*place], *value));
        let name = own.map_or_else(|| "All".to_owned(), |(_, value)| value.to_string());
        let mapped = layer.color_mapping.assignments.iter().find(|(value, _)| *value == name);
        let color = mapped.map(|(_, color)| color.clone()).unwrap_or_else(|| {
            own.map_or("#5b8fc2", |(column, value)| colors.of(column.field.as_deref(), value)).to_owned()
        });
        // A name of an outer ring stands under each name within.
        let within: Vec<String> = key.iter().map(|value| value.to_string()).collect();
        json!({
            "name": if within.len() > 1 { within.join(" › ") } else { name },
            "value": sum,
            "filter": own.and_then(|(column, value)| clause(column, value)),
            "itemStyle": {"color": color},
        })
    };
    sums.into_iter().map(slice).collect()
}
