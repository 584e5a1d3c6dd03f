//! Columns of a layer: buckets, measures, constants.

use super::formula;
use crate::model::{
    Format, Function, Heatmap, Measure, Operation, Per, Rank, Terms, Value as Source, ValueType,
};
use serde_json::{Value, json};

/// A column and its id.
pub(super) struct Column {
    pub(super) id: String,
    pub(super) json: Value,
}

/// A split by the time of the event, in steps that fit the range.
pub(super) fn time(id: &str) -> Column {
    let json = json!({
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": "@timestamp",
        "isBucketed": true,
        "scale": "interval",
        "params": {"interval": "auto", "includeEmptyRows": true, "dropPartials": false},
    });
    Column { id: id.to_owned(), json }
}

/// A split by the values of a field, ordered by the column `by`.
pub(super) fn terms(id: &str, terms: &Terms, by: Option<&str>) -> Column {
    let order = match by {
        Some(column) => json!({"type": "column", "columnId": column}),
        None => json!({"type": "alphabetical", "fallback": true}),
    };
    let direction = match (by, terms.rank) {
        (Some(_), Rank::Highest) => "desc",
        (Some(_), Rank::Lowest) | (None, _) => "asc",
    };
    let json = json!({
        "label": terms.label,
        "customLabel": true,
        "dataType": data_type(terms.field.value_type),
        "operationType": "terms",
        "sourceField": terms.field.name,
        "isBucketed": true,
        "scale": "ordinal",
        "params": {
            "size": terms.size,
            "orderBy": order,
            "orderDirection": direction,
            "otherBucket": terms.other,
            "missingBucket": false,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": false,
            "excludeIsRegex": false,
        },
    });
    Column { id: id.to_owned(), json }
}

/// The bands of a heat map.
pub(super) fn bands(id: &str, heatmap: &Heatmap) -> Column {
    let range = |band: &crate::model::Band| json!({"from": band.from, "to": band.to, "label": band.label});
    let ranges: Vec<_> = heatmap.bands.iter().map(range).collect();
    let json = json!({
        "label": heatmap.label,
        "customLabel": true,
        "dataType": "string",
        "operationType": "range",
        "sourceField": heatmap.field.name,
        "isBucketed": true,
        "scale": "ordinal",
        "params": {
            "type": "range",
            "ranges": ranges,
            "maxBars": "auto",
            "includeEmptyRows": true,
            "parentFormat": {"id": "range", "params": {"template": "arrow_right", "replaceInfinity": true}},
        },
    });
    Column { id: id.to_owned(), json }
}

/// A measure: its own column first, then the parts of its formula.
pub(super) fn measure(id: &str, measure: &Measure) -> Vec<Column> {
    let params = params(measure.format);
    match &measure.value {
        Source::Operation(call) => {
            let json = operation(call, measure.label, params);
            vec![Column { id: id.to_owned(), json }]
        }
        Source::Formula(formula) => formula::columns(measure, formula, id, params),
    }
}

/// A constant.
pub(super) fn constant(id: &str, label: &str, value: &str) -> Column {
    let json = json!({
        "label": label,
        "customLabel": true,
        "dataType": "number",
        "operationType": "static_value",
        "isBucketed": false,
        "scale": "ratio",
        "references": [],
        "params": {"value": value},
    });
    Column { id: id.to_owned(), json }
}

pub(super) fn operation(operation: &Operation, label: &str, params: Value) -> Value {
    let function = operation.function;
    let value_type = function.value_type();
    let mut column = json!({
        "label": label,
        "customLabel": true,
        "dataType": data_type(value_type),
        "operationType": function_name(function),
        "sourceField": function.field().map_or("___records___", |field| field.name),
        "isBucketed": false,
        "scale": scale(function),
        "params": params,
    });
    add_params(&mut column["params"], function);
    if let Some(filter) = filter(operation) {
        column["filter"] = json!({"language": "kuery", "query": filter});
    }
    if let Some(per) = operation.per {
        column["timeScale"] = json!(match per {
            Per::Second => "s",
            Per::Minute => "m",
        });
    }
    column
}

fn add_params(params: &mut Value, function: Function) {
    match function {
        // Zero stays zero: that nothing came is a fact, and nothing divided by nothing is a gap.
        Function::Count | Function::UniqueCount(_) => {
            params["emptyAsNull"] = json!(false);
        }
        Function::Percentile(_, percent) => params["percentile"] = json!(percent),
        Function::LastValue(_) => {
            params["sortField"] = json!("@timestamp");
            params["showArrayValues"] = json!(false);
        }
        Function::Average(_) | Function::Min(_) | Function::Max(_) => {}
    }
}

/// A last value is sought among the documents that have one.
fn filter(operation: &Operation) -> Option<String> {
    match (&operation.filter, operation.function) {
        (None, Function::LastValue(field)) => Some(format!("{}: *", field.name)),
        (filter, _) => filter.clone(),
    }
}

fn params(format: Option<Format>) -> Value {
    let format = match format {
        None => return json!({}),
        Some(Format::Number(decimals)) => json!({"id": "number", "params": {"decimals": decimals}}),
        Some(Format::Percent(decimals)) => json!({"id": "percent", "params": {"decimals": decimals}}),
    };
    json!({ "format": format })
}

fn function_name(function: Function) -> &'static str {
    match function {
        Function::Count => "count",
        Function::UniqueCount(_) => "unique_count",
        Function::Average(_) => "average",
        Function::Min(_) => "min",
        Function::Max(_) => "max",
        Function::Percentile(..) => "percentile",
        Function::LastValue(_) => "last_value",
    }
}

fn scale(function: Function) -> &'static str {
    match function {
        Function::LastValue(field) if field.value_type != ValueType::Number => "ordinal",
        _ => "ratio",
    }
}

fn data_type(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Number => "number",
        ValueType::Date => "date",
        ValueType::Keyword | ValueType::Text => "string",
    }
}
