//! Figures → what the browser draws: options of ECharts, and plain lists for what is no chart.
//!
//! Nothing here holds markup or a function: values are JSON, texts are texts. Numbers travel as they are, with the
//! [`format`] that the browser writes them in.

mod documents;

mod gauge;

mod heatmap;

mod metric;

mod pie;

mod table;

mod xy;

pub(super) mod color;

mod clause;

mod format;

mod value;

#[cfg(test)]
mod tests;

use color::Colors;
use dashboards::lens::{Content, Context, Figures, Panel, Table, Value, Visualization, XyLayer};
use serde_json::{Value as Json, json};

/// What a panel shows.
pub(super) fn drawing(panel: &Panel, figures: &Figures, context: &Context, colors: &Colors) -> Json {
    let mut drawing = match (figures, &panel.content) {
        (Figures::Tables(tables), Content::Chart(chart)) => {
            chart_of(&chart.visualization, tables, context, colors)
        }
        (Figures::Documents(hits), _) => documents::draw(hits),
        _ => json!({"kind": "nothing"}),
    };
    let (partial, rows) = match figures {
        Figures::Tables(tables) => {
            (tables.iter().find_map(|table| table.partial.clone()), data_rows(panel, tables))
        }
        Figures::Documents(hits) => (hits.partial.clone(), hits.hits.len()),
        Figures::Nothing => (None, 0),
    };
    drawing["partial"] = json!(partial);
    drawing["rows"] = json!(rows);
    drawing["range"] = json!([context.range.from(), context.range.to()]);
    drawing
}

fn chart_of(visualization: &Visualization, tables: &[Table], context: &Context, colors: &Colors) -> Json {
    match visualization {
        Visualization::Xy(xy) => xy::draw(xy, tables, context.range, colors),
        Visualization::Metric(metric) => metric::draw(metric, tables, context.range),
        Visualization::Pie(pie) => pie::draw(pie, tables, colors),
        Visualization::Datatable(table) => table::draw(table, tables),
        Visualization::Heatmap(map) => heatmap::draw(map, tables),
        Visualization::Gauge(gauge) => gauge::draw(gauge, tables),
    }
}

/// Rows that hold a measured value; groups alone are no data, and neither are constant lines.
fn data_rows(panel: &Panel, tables: &[Table]) -> usize {
    let is_constant = |table: &&Table| match &panel.content {
        Content::Chart(chart) => match &*chart.visualization {
            Visualization::Xy(xy) => xy.layers.iter().any(|layer| is_reference(layer, &table.layer)),
            _ => false,
        },
        _ => false,
    };
    tables.iter().filter(|table| !is_constant(table)).map(measured).max().unwrap_or(0)
}

fn is_reference(layer: &XyLayer, id: &str) -> bool {
    matches!(layer, XyLayer::ReferenceLine(lines) if lines.layer == id)
}

fn measured(table: &Table) -> usize {
    let measures = || table.columns.iter().enumerate().filter(|(_, column)| !column.kind.is_bucket());
    let holds = |row: &&Vec<Value>| measures().any(|(place, _)| row[place] != Value::Null);
    table.rows.iter().filter(holds).count()
}

/// The table of a layer.
fn table_of<'t>(tables: &'t [Table], layer: &str) -> Option<&'t Table> {
    tables.iter().find(|table| table.layer == layer)
}
