//! Rows and columns.

mod pivot;

use super::clause::clause;
use super::color::by_value;
use super::format::format;
use super::table_of;
use super::value::cell;
use dashboards::lens::{Column, DataType, Datatable, Table, TableColumn, Value};
use serde_json::{Value as Json, json};

/// Most rows the browser gets.
const ROWS_MAX: usize = 1000;

pub(super) fn draw(datatable: &Datatable, tables: &[Table]) -> Json {
    let Some(table) = table_of(tables, &datatable.layer) else {
        return json!({"kind": "table", "columns": [], "cells": []});
    };
    if datatable.columns.iter().any(|column| column.is_transposed && !column.hidden) {
        let (table, columns) = pivot::pivot(datatable, table);
        return of_columns(datatable, &table, &columns);
    }
    of_columns(datatable, table, &datatable.columns)
}

fn of_columns(datatable: &Datatable, table: &Table, columns: &[TableColumn]) -> Json {
    let shown: Vec<(usize, &TableColumn)> = columns
        .iter()
        .filter(|column| !column.hidden)
        .filter_map(|column| Some((table.position(&column.column)?, column)))
        .collect();
    let ends: Vec<(f64, f64)> = shown.iter().map(|(place, _)| ends(table, *place)).collect();
    let row = |row: &Vec<Value>| -> Vec<Json> {
        let cells = shown.iter().zip(&ends);
        cells.map(|((place, how), ends)| one(&table.columns[*place], how, &row[*place], *ends)).collect()
    };
    let sorting = datatable.sorting.as_ref().filter(|sorting| sorting.direction != "none");
    let sorted = sorting.and_then(|sorting| {
        let place = shown.iter().position(|(_, how)| Some(&how.column) == sorting.column.as_ref())?;
        Some(json!({"column": place, "descending": sorting.direction == "desc"}))
    });
    json!({
        "kind": "table",
        "columns": shown.iter().map(|(place, how)| head(&table.columns[*place], how)).collect::<Vec<_>>(),
        "cells": table.rows.iter().take(ROWS_MAX).map(row).collect::<Vec<_>>(),
        "all": table.rows.len(),
        "sorted": sorted,
    })
}

fn head(column: &Column, how: &TableColumn) -> Json {
    let right = column.data_type == DataType::Number && !column.kind.is_bucket();
    let align = how.alignment.as_deref().unwrap_or(if right { "right" } else { "left" });
    json!({"label": column.label, "align": align, "format": format(column)})
}

/// `v` is the value, `f` the clause a click adds, `c` its colour.
fn one(column: &Column, how: &TableColumn, value: &Value, (least, greatest): (f64, f64)) -> Json {
    let mut json = json!({"v": cell(value)});
    if let Some(clause) = clause(column, value) {
        json["f"] = json!(clause);
    }
    let palette =
        how.palette.as_ref().filter(|_| how.color_mode.as_deref().is_some_and(|mode| mode != "none"));
    if let Some(color) = palette.and_then(|palette| by_value(palette, value, least, greatest)) {
        json["c"] = json!(color);
    }
    json
}

fn ends(table: &Table, place: usize) -> (f64, f64) {
    let numbers = table.rows.iter().filter_map(|row| row[place].as_number());
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), number| {
        (least.min(number), greatest.max(number))
    })
}
