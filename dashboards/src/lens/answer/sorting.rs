//! Order of the rows of a datatable.

use std::cmp::Ordering;

use crate::lens::table::{Table, Value};
use crate::lens::visualization::Visualization;

/// Sorts the table of a datatable that is saved with an order; all others keep that of their groups.
pub(crate) fn sort(tables: &mut [Table], visualization: &Visualization) {
    let Visualization::Datatable(datatable) = visualization else { return };
    let Some(sorting) = &datatable.sorting else { return };
    let descending = match sorting.direction.as_str() {
        "desc" => true,
        "asc" => false,
        _ => return,
    };
    for table in tables.iter_mut().filter(|table| table.layer == datatable.layer) {
        let Some(column) = sorting.column.as_deref().and_then(|id| table.position(id)) else { continue };
        table.rows.sort_by(|one, other| compare(&one[column], &other[column], descending));
    }
}

/// What is no value stands last in either direction.
fn compare(one: &Value, other: &Value, descending: bool) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Other => 1,
        Value::Missing => 2,
        Value::Null => 3,
        _ => 0,
    };
    let values = || if descending { ascending(other, one) } else { ascending(one, other) };
    rank(one).cmp(&rank(other)).then_with(values)
}

fn ascending(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.total_cmp(other),
        (Value::Date(one), Value::Date(other)) => one.cmp(other),
        (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
        (Value::Range { from: one, .. }, Value::Range { from: other, .. }) => {
            one.unwrap_or(f64::NEG_INFINITY).total_cmp(&other.unwrap_or(f64::NEG_INFINITY))
        }
        (one, other) => {
            let (one, other) = (one.to_string(), other.to_string());
            one.to_lowercase().cmp(&other.to_lowercase()).then_with(|| one.cmp(&other))
        }
    }
}
