//! Cells coloured by a number.

use super::clause::clause;
use super::format::{format, plain};
use super::table_of;
use super::value::cell;
use dashboards::lens::{Column, ColumnKind, Heatmap, Table, Value};
use serde_json::{Value as Json, json};

/// From few to many, in one hue: many is not bad. One slow request is what the reader looks for, so few is well seen too.
pub(super) const STEPS: [&str; 5] = ["#3f8cf059", "#3f8cf07a", "#3f8cf0a1", "#3f8cf0cc", "#3f8cf0"];

pub(super) fn draw(map: &Heatmap, tables: &[Table]) -> Json {
    let Some(table) = table_of(tables, &map.layer) else { return json!({"kind": "heatmap", "option": {}}) };
    let (x, y) = (Axis::of(table, map.x.as_deref()), Axis::of(table, map.y.as_deref()));
    let value = table.position(&map.value);
    let cells: Vec<(usize, usize, f64)> = table
        .rows
        .iter()
        .filter_map(|row| Some((x.place(row)?, y.place(row)?, row[value?].as_number()?)))
        .filter(|(_, _, number)| *number != 0.0)
        .collect();
    let most = cells.iter().map(|(.., number)| *number).fold(0.0, f64::max);
    let stops = map.palette.as_ref().map(|palette| &palette.params.stops).filter(|stops| !stops.is_empty());
    let colors = stops.map_or_else(
        || STEPS.map(str::to_owned).to_vec(),
        |stops| stops.iter().map(|stop| stop.color.clone()).collect(),
    );
    json!({
        "kind": "heatmap",
        "legend": map.legend.is_visible,
        "time": x.is_time(),
        "bucket": x.bucket(),
        "format": value.map_or_else(plain, |place| format(&table.columns[place])),
        "label": value.map(|place| table.columns[place].label.clone()),
        "filters": y.values.iter().map(|value| y.column.and_then(|column| clause(column, value))).collect::<Vec<_>>(),
        "option": {
            "grid": {"left": 8, "right": 14, "top": 10, "bottom": 6, "containLabel": true},
            "xAxis": {"type": "category", "data": x.labels(), "splitLine": {"show": false}, "axisTick": {"show": false}},
            // The first value of a field stands at the top, the lowest range at the bottom.
            "yAxis": {"type": "category", "data": y.labels(), "inverse": y.column.is_some_and(|column| column.kind == ColumnKind::Terms), "axisTick": {"show": false}},
            "visualMap": {"type": "continuous", "show": false, "min": 0, "max": most.max(1.0), "inRange": {"color": colors}},
            "series": [{
                "id": "cells",
                "type": "heatmap",
                "data": cells.iter().map(|(x, y, number)| json!([x, y, number])).collect::<Vec<_>>(),
                "itemStyle": {"borderRadius": 2, "borderWidth": 1, "borderColor": "transparent"},
            }],
        },
    })
}

/// The different values of a column, in the order of the rows.
struct Axis<'t> {
    column: Option<&'t Column>,
    position: Option<usize>,
    values: Vec<&'t Value>,
}

impl<'t> Axis<'t> {
    fn of(table: &'t Table, id: Option<&str>) -> Self {
        let position = id.and_then(|id| table.position(id));
        let mut values: Vec<&Value> = Vec::new();
        for value in position.iter().flat_map(|place| table.rows.iter().map(|row| &row[*place])) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if let Some(ColumnKind::Time(_)) = position.map(|place| table.columns[place].kind) {
            values.sort_by_key(|value| if let Value::Date(moment) = value { *moment } else { 0 });
        }
        Self { column: position.map(|place| &table.columns[place]), position, values }
    }

    fn is_time(&self) -> bool {
        self.bucket().is_some()
    }

    fn bucket(&self) -> Option<i64> {
        match self.column?.kind {
            ColumnKind::Time(interval) => Some(interval.millis()),
            _ => None,
        }
    }

    fn place(&self, row: &[Value]) -> Option<usize> {
        let Some(position) = self.position else { return Some(0) };
        self.values.iter().position(|value| **value == row[position])
    }

    fn labels(&self) -> Vec<Json> {
        if self.position.is_none() {
            return vec![json!("")];
        }
        self.values.iter().map(|value| cell(value)).collect()
    }
}
