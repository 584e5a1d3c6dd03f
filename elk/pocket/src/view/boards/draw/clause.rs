//! A value that is clicked, as the KQL clause that finds its documents.

use dashboards::kql::{Comparison, Literal, Pattern, Query};
use dashboards::lens::{Column, ColumnKind, Value};

/// The clause; `None` for measures, for "other", for named filters, and for times, which a range says better.
pub(super) fn clause(column: &Column, value: &Value) -> Option<String> {
    let field = column.field.as_deref()?;
    if !matches!(column.kind, ColumnKind::Terms | ColumnKind::Ranges) {
        return None;
    }
    let query = match value {
        Value::Missing => Query::Not(Box::new(Query::exists(field))),
        Value::Range { from, to, .. } => between(field, *from, *to),
        Value::Boolean(value) => Query::Is(Some(Pattern::plain(field)), Literal::Boolean(*value)),
        value => Query::Is(Some(Pattern::plain(field)), Literal::Phrase(text(value)?)),
    };
    Some(query.to_string())
}

fn between(field: &str, from: Option<f64>, to: Option<f64>) -> Query {
    let compare = |comparison, end: f64| Query::Compare(Pattern::plain(field), comparison, end.to_string());
    let from = from.map_or(Query::All, |from| compare(Comparison::GreaterOrEqual, from));
    from.and(to.map_or(Query::All, |to| compare(Comparison::Less, to)))
}

fn text(value: &Value) -> Option<String> {
    let json = value.as_json()?;
    Some(json.as_str().map_or_else(|| json.to_string(), str::to_owned))
}
