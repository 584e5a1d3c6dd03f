//! Values that become columns.

use dashboards::lens::{Column, Datatable, Table, TableColumn, Value};
use std::collections::HashMap;

/// Most columns that values make; more cannot be read side by side.
const COLUMNS_MAX: usize = 100;

/// A table with a column for each value of the transposed columns and each measure, and what is known of its columns.
pub(super) fn pivot(datatable: &Datatable, table: &Table) -> (Table, Vec<TableColumn>) {
    let shown = || datatable.columns.iter().filter_map(|how| Some((table.position(&how.column)?, how)));
    let (across, down): (Vec<_>, Vec<_>) = shown().partition(|(_, how)| how.is_transposed);
    let (groups, measures): (Vec<_>, Vec<_>) =
        down.into_iter().partition(|(place, _)| table.columns[*place].kind.is_bucket());
    let mut heads: Vec<Vec<&Value>> = Vec::new();
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for row in &table.rows {
        let of = |columns: &[(usize, &TableColumn)]| columns.iter().map(|(place, _)| &row[*place]).collect();
        let (head, group): (Vec<&Value>, Vec<&Value>) = (of(&across), of(&groups));
        let at = heads.iter().position(|other| *other == head).unwrap_or(heads.len());
        if at == COLUMNS_MAX / measures.len().max(1) {
            continue;
        }
        if at == heads.len() {
            heads.push(head);
        }
        let own = *known.entry(format!("{group:?}")).or_insert(rows.len());
        if own == rows.len() {
            rows.push(group.into_iter().cloned().collect());
        }
        let first = groups.len() + at * measures.len();
        let cells = &mut rows[own];
        cells.resize(cells.len().max(first + measures.len()), Value::Null);
        for (order, (place, _)) in measures.iter().enumerate() {
            cells[first + order] = row[*place].clone();
        }
    }
    let of_groups = groups.iter().map(|(place, how)| (table.columns[*place].clone(), (*how).clone()));
    let of_values = heads
        .iter()
        .flat_map(|head| measures.iter().map(|(place, how)| headed(head, &table.columns[*place], how)));
    let (columns, hows): (Vec<Column>, Vec<TableColumn>) = of_groups.chain(of_values).unzip();
    rows.iter_mut().for_each(|row| row.resize(columns.len(), Value::Null));
    (Table { columns, rows, layer: table.layer.clone(), partial: table.partial.clone() }, hows)
}

/// The column of a measure under some values; Kibana names it so too.
fn headed(head: &[&Value], column: &Column, how: &TableColumn) -> (Column, TableColumn) {
    let names: Vec<String> = head.iter().map(|value| value.to_string()).collect();
    let names = names.join("---");
    let id = format!("{names}---{}", column.id);
    let label = format!("{} › {}", names.replace("---", " › "), column.label);
    (Column { id: id.clone(), label, ..column.clone() }, TableColumn { column: id, ..how.clone() })
}
