//! A layer: the columns of one request, and the order in which they nest.

use super::column::{self, Column};
use crate::model::{Measure, Scope, Terms, Value as Source};
use serde_json::{Map, Value, json};

/// Buckets, outermost first, and the measures in the innermost of them.
pub(super) struct Layer {
    buckets: Vec<Column>,
    measures: Vec<Column>,
    parts: Vec<Column>,
}

/// The id of a measure's column by its place; `prefix` tells layers of one chart apart.
pub(super) fn measure_id(prefix: char, place: usize) -> String {
    format!("{prefix}{place}")
}

/// The id of a terms column by its depth.
pub(super) fn terms_id(depth: usize) -> String {
    format!("by{depth}")
}

impl Layer {
    pub(super) fn of<'a>(prefix: char, measures: impl IntoIterator<Item = &'a Measure>) -> Self {
        let mut layer = Self { buckets: Vec::new(), measures: Vec::new(), parts: Vec::new() };
        for (place, measure) in measures.into_iter().enumerate() {
            let mut columns = column::measure(&measure_id(prefix, place), measure).into_iter();
            layer.measures.extend(columns.next());
            layer.parts.extend(columns);
        }
        layer
    }

    pub(super) fn constant(id: &str, label: &str, value: &str) -> Self {
        let measures = vec![column::constant(id, label, value)];
        Self { buckets: Vec::new(), measures, parts: Vec::new() }
    }

    pub(super) fn bucket(mut self, column: Column) -> Self {
        self.buckets.push(column);
        self
    }

    /// Adds terms as the next inner bucket, ordered by the first of `measures` that is an operation.
    pub(super) fn terms(self, terms: &Terms, measures: &[&Measure]) -> Self {
        let ranks = |measure: &&Measure| matches!(measure.value, Source::Operation(_));
        let by = measures.iter().position(ranks).map(|place| measure_id('m', place));
        let id = terms_id(self.buckets.len());
        self.bucket(column::terms(&id, terms, by.as_deref()))
    }

    pub(super) fn json(self, scope: Scope) -> Value {
        let columns: Vec<_> = self.buckets.into_iter().chain(self.measures).chain(self.parts).collect();
        let order: Vec<_> = columns.iter().map(|column| column.id.clone()).collect();
        let columns: Map<_, _> = columns.into_iter().map(|column| (column.id, column.json)).collect();
        let mut layer = json!({
            "columns": columns,
            "columnOrder": order,
            "incompleteColumns": {},
            "sampling": 1,
        });
        if scope == Scope::Everything {
            layer["ignoreGlobalFilters"] = json!(true);
        }
        layer
    }
}
