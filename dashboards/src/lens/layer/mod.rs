//! A layer: columns over one data view.

pub(crate) mod column;

pub(crate) mod formula;

use std::sync::Arc;

use crate::kql::Query;
use crate::lens::board::DataView;
use crate::lens::fault::Unsupported;
use crate::lens::filter::Filter;
use crate::lens::layer::column::{Bucket, Calculation, FieldFunction, Function, Measure, Metric, Shift};
use crate::lens::visualization::collapse::Collapse;

/// A layer, understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    pub(crate) id: String,
    pub(crate) data_view: Arc<DataView>,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) measures: Vec<Measure>,
    /// Rows are those of the last time bucket alone, and the time is no column.
    pub(crate) last_bucket: bool,
    /// Rows with the largest numbers come first, whatever order their values have.
    pub(crate) largest_first: bool,
    /// Places of buckets that are no columns, and what becomes of the numbers of their values.
    pub(crate) collapsed: Vec<(usize, Collapse)>,
    /// The board's query, filters and controls do not count here.
    pub(crate) ignores_board: bool,
    /// Conditions saved with the panel.
    pub(crate) query: Query,
    pub(crate) filters: Vec<Filter>,
}

impl Layer {
    /// Makes sure that the table will have the column with this id, also if it is a part of a formula; `false` if there is none.
    pub(crate) fn show(&mut self, id: &str) -> bool {
        if let Some(measure) = self.measures.iter_mut().find(|measure| measure.head.id == id) {
            measure.hidden = false;
            return true;
        }
        self.buckets.iter().any(|bucket| bucket.head.id == id)
    }

    /// Makes one number of those of all values of a bucket column.
    pub(crate) fn collapse(&mut self, id: &str, function: Collapse) -> Result<(), Unsupported> {
        let place = self.buckets.iter().position(|bucket| bucket.head.id == id);
        let place =
            place.ok_or_else(|| Unsupported::new(format!("the column `{id}`, which the file lacks")))?;
        if self.collapsed.iter().any(|(_, other)| *other != function) {
            return Err(Unsupported::new("values collapsed in several ways"));
        }
        self.collapsed.push((place, function));
        Ok(())
    }

    /// Metrics the engine computes, each with its measure's index.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = (usize, &Metric)> {
        self.measures.iter().enumerate().filter_map(|(index, measure)| match &measure.calculation {
            Calculation::Metric(metric) => Some((index, metric)),
            _ => None,
        })
    }

    /// The metric behind the column with this id.
    pub(crate) fn metric_of(&self, id: &str) -> Option<(usize, &Metric)> {
        self.metrics().find(|(index, _)| self.measures[*index].head.id == id)
    }

    /// Field, shift and percentage of a percentile without a filter.
    pub(crate) fn percentile(&self, index: usize) -> Option<((&str, Option<Shift>), f64)> {
        match &self.measures[index].calculation {
            Calculation::Metric(metric) if !metric.is_filtered() => match &metric.function {
                Function::Of(field, FieldFunction::Percentile(percent)) => {
                    Some(((field, metric.shift), *percent))
                }
                _ => None,
            },
            _ => None,
        }
    }
}
