//! The tree of groups → rows, with everything computed that engines do not compute.

use crate::lens::answer::Node;
use crate::lens::layer::column::{Calculation, Head, Measure};
use crate::lens::search::{Level, Search};
use crate::lens::table::{Column, ColumnKind, Table, Value};
use crate::lens::time::TimeRange;
use crate::lens::time::interval::Unit;

/// The table of a search, once its tree is complete.
pub(crate) fn table(search: &Search, tree: &Node, partial: Option<String>) -> Table {
    let mut rows = Vec::new();
    Writer { search }.write(tree, &mut Vec::new(), None, &mut rows);
    Table { layer: search.layer.id.clone(), columns: columns(search), rows, partial }
}

fn columns(search: &Search) -> Vec<Column> {
    let column = |head: &Head, kind| Column {
        id: head.id.clone(),
        label: head.label.clone(),
        data_type: head.data_type,
        format: head.format.clone(),
        kind,
        field: head.field.clone(),
    };
    let buckets = search.layer.buckets.iter().zip(&search.levels).map(|(bucket, level)| {
        let interval = if let Level::Time { interval, .. } = level { Some(*interval) } else { None };
        column(&bucket.head, ColumnKind::of(&bucket.grouping, interval))
    });
    let measures = search.layer.measures.iter().filter(|measure| !measure.hidden);
    buckets.chain(measures.map(|measure| column(&measure.head, ColumnKind::Measure))).collect()
}

struct Writer<'s> {
    search: &'s Search,
}

impl Writer<'_> {
    /// `bucket` is the innermost time bucket around.
    fn write(
        &self,
        node: &Node,
        keys: &mut Vec<Value>,
        bucket: Option<TimeRange>,
        rows: &mut Vec<Vec<Value>>,
    ) {
        let Some(level) = self.search.levels.get(keys.len()) else {
            let row = Row::compute(self.search, &node.readings, bucket);
            let shown = row
                .values
                .into_iter()
                .zip(&self.search.layer.measures)
                .filter(|(_, measure)| !measure.hidden);
            rows.push(keys.iter().cloned().chain(shown.map(|(value, _)| value)).collect());
            return;
        };
        for (index, group) in node.groups.iter().enumerate() {
            let next = node.groups.get(index + 1).map(|group| &group.key);
            let span = self.span(level, &group.key, next);
            if !self.is_dropped(level, span) {
                keys.push(group.key.clone());
                self.write(&group.node, keys, span.or(bucket), rows);
                keys.pop();
            }
        }
    }

    /// First and first-after moment of a time bucket.
    fn span(&self, level: &Level, key: &Value, next: Option<&Value>) -> Option<TimeRange> {
        let (Level::Time { interval, empty_rows, .. }, Value::Date(start)) = (level, key) else {
            return None;
        };
        let end = match next {
            // Without gaps the next bucket says best how long this one is (days of 23 hours).
            Some(Value::Date(next)) if *empty_rows => *next,
            _ => interval.after(*start),
        };
        Some(TimeRange::between(*start, end))
    }

    fn is_dropped(&self, level: &Level, span: Option<TimeRange>) -> bool {
        match (level, span) {
            (Level::Time { drop_partials: true, .. }, Some(span)) => {
                span.from() < self.search.range.from() || span.to() > self.search.range.to()
            }
            _ => false,
        }
    }
}

/// The values of one row, measure by measure.
struct Row<'s> {
    search: &'s Search,
    bucket: Option<TimeRange>,
    values: Vec<Value>,
}

impl<'s> Row<'s> {
    fn compute(search: &'s Search, readings: &[Value], bucket: Option<TimeRange>) -> Self {
        let measures = &search.layer.measures;
        let mut row = Self { search, bucket, values: vec![Value::Null; measures.len()] };
        let is_formula = |measure: &Measure| matches!(measure.calculation, Calculation::Formula(_));
        // Arithmetic needs smaller indices only, and formulas are needed by nothing.
        for formulas in [false, true] {
            for (index, measure) in
                measures.iter().enumerate().filter(|(_, measure)| is_formula(measure) == formulas)
            {
                row.values[index] = row.value(measure, readings.get(index));
            }
        }
        row
    }

    fn value(&self, measure: &Measure, reading: Option<&Value>) -> Value {
        let value = match &measure.calculation {
            Calculation::Metric(_) => reading.cloned().unwrap_or(Value::Null),
            Calculation::Static(number) => Value::Number(*number),
            Calculation::Math(tree) => {
                tree.evaluate(&|part| self.number(part)).map_or(Value::Null, Value::number)
            }
            Calculation::Formula(of) => self.values[*of].clone(),
        };
        match (measure.time_scale, value) {
            (Some(unit), Value::Number(number)) => self.per(unit, measure, number),
            (_, value) => value,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "formulas count moments as floating-point milliseconds")]
    fn number(&self, index: usize) -> Option<f64> {
        match self.values[index] {
            Value::Number(number) => Some(number),
            Value::Date(moment) => Some(moment as f64),
            _ => None,
        }
    }

    /// The number per unit of the time it counts: that of the bucket within the range, else the whole range.
    #[expect(clippy::cast_precision_loss, reason = "ranges are far below 2^53 milliseconds")]
    fn per(&self, unit: Unit, measure: &Measure, number: f64) -> Value {
        let range = self.search.range;
        let reduced = match &measure.calculation {
            Calculation::Metric(metric) => metric.reduced.map(|reduced| reduced.millis().min(range.length())),
            _ => None,
        };
        let length = match self.bucket {
            Some(bucket) => range.overlap(bucket.from(), bucket.to()),
            None => reduced.unwrap_or(range.length()),
        };
        Value::number(number / (length as f64 / unit.millis() as f64))
    }
}
