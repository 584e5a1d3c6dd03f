//! The tree of groups → rows, with everything computed that engines do not compute.

use std::collections::HashMap;

use crate::lens::answer::Node;
use crate::lens::answer::series::Run;
use crate::lens::layer::column::{Along, Bucket, Calculation, Head, Measure};
use crate::lens::search::{Level, Search};
use crate::lens::table::{Column, ColumnKind, Table, Value};
use crate::lens::time::TimeRange;
use crate::lens::time::interval::Unit;

/// The table of a search, once its tree is complete.
pub(crate) fn table(search: &Search, tree: &Node, partial: Option<String>) -> Table {
    let mut rows = Rows { search, rows: Vec::new() };
    rows.collect(tree, &mut Vec::new(), None);
    rows.compute();
    rows.collapse();
    if search.layer.last_bucket {
        rows.keep_last_bucket();
    }
    if search.layer.largest_first {
        rows.sort_largest_first();
    }
    Table { layer: search.layer.id.clone(), columns: columns(search), rows: rows.shown(), partial }
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
    let kept = |(place, (_, level)): &(usize, (&Bucket, &Level))| {
        !(search.layer.last_bucket && level.is_time())
            && search.layer.collapsed.iter().all(|(other, _)| other != place)
    };
    let buckets = search.layer.buckets.iter().zip(&search.levels).enumerate().filter(kept);
    let buckets = buckets.map(|(_, (bucket, level))| {
        let interval = if let Level::Time { interval, .. } = level { Some(*interval) } else { None };
        column(&bucket.head, ColumnKind::of(&bucket.grouping, interval))
    });
    let measures = search.layer.measures.iter().filter(|measure| !measure.hidden);
    buckets.chain(measures.map(|measure| column(&measure.head, ColumnKind::Measure))).collect()
}

/// Rows with all measures, also those that are not shown.
struct Rows<'s> {
    search: &'s Search,
    rows: Vec<Row>,
}

struct Row {
    keys: Vec<Value>,
    /// The innermost time bucket around.
    bucket: Option<TimeRange>,
    /// One for each measure; in the beginning what the engine computed.
    values: Vec<Value>,
}

impl Rows<'_> {
    fn collect(&mut self, node: &Node, keys: &mut Vec<Value>, bucket: Option<TimeRange>) {
        let Some(level) = self.search.levels.get(keys.len()) else {
            let mut values = node.readings.clone();
            values.resize(self.search.layer.measures.len(), Value::Null);
            self.rows.push(Row { keys: keys.clone(), bucket, values });
            return;
        };
        for (index, group) in node.groups.iter().enumerate() {
            let next = node.groups.get(index + 1).map(|group| &group.key);
            let span = span(level, &group.key, next);
            if !self.is_dropped(level, span) {
                keys.push(group.key.clone());
                self.collect(&group.node, keys, span.or(bucket));
                keys.pop();
            }
        }
    }

    fn is_dropped(&self, level: &Level, span: Option<TimeRange>) -> bool {
        match (level, span) {
            (Level::Time { drop_partials: true, .. }, Some(span)) => {
                span.from() < self.search.range.from() || span.to() > self.search.range.to()
            }
            _ => false,
        }
    }

    fn compute(&mut self) {
        let measures = &self.search.layer.measures;
        let mut order: Vec<usize> = (0..measures.len()).collect();
        // Metrics need nothing, arithmetic and series need metrics and smaller indices, and formulas are needed by nothing.
        order.sort_by_key(|index| match measures[*index].calculation {
            Calculation::Metric(_) | Calculation::Static(_) => 0,
            Calculation::Math(_) | Calculation::Series(..) => 1,
            Calculation::Formula(_) => 2,
        });
        for index in order {
            if let Calculation::Series(along, of) = measures[index].calculation {
                self.run(index, along, of);
            }
            for row in &mut self.rows {
                row.compute(self.search, index);
            }
        }
    }

    /// Computes a measure along the time buckets of each group.
    fn run(&mut self, index: usize, along: Along, of: usize) {
        let time = self.search.levels.iter().position(Level::is_time);
        let mut runs: HashMap<String, Run> = HashMap::new();
        for row in &mut self.rows {
            let others = row.keys.iter().enumerate().filter(|(place, _)| Some(*place) != time);
            let group = others.map(|(_, key)| format!("{key:?}/")).collect();
            let start = row.bucket.map_or(0, |bucket| bucket.from());
            let value = runs.entry(group).or_default().next(along, start, row.number(of));
            row.values[index] = value.map_or(Value::Null, Value::number);
        }
    }

    /// Makes one row of those that differ in collapsed columns alone.
    fn collapse(&mut self) {
        let collapsed = &self.search.layer.collapsed;
        let Some((_, function)) = collapsed.first() else { return };
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut merged: Vec<(Row, Vec<Vec<f64>>)> = Vec::new();
        for mut row in std::mem::take(&mut self.rows) {
            let is_kept = |place: &usize| collapsed.iter().all(|(other, _)| other != place);
            row.keys = (0..row.keys.len()).filter(is_kept).map(|place| row.keys[place].clone()).collect();
            let at = *known.entry(format!("{:?}", row.keys)).or_insert(merged.len());
            let numbers: Vec<Option<f64>> = (0..row.values.len()).map(|index| row.number(index)).collect();
            if at == merged.len() {
                merged.push((row, vec![Vec::new(); numbers.len()]));
            }
            merged[at].1.iter_mut().zip(numbers).for_each(|(all, number)| all.extend(number));
        }
        self.rows = merged
            .into_iter()
            .map(|(row, numbers)| Row {
                values: numbers
                    .iter()
                    .map(|all| function.of(all).map_or(Value::Null, Value::number))
                    .collect(),
                ..row
            })
            .collect();
    }

    fn keep_last_bucket(&mut self) {
        let Some(time) = self.search.levels.iter().position(Level::is_time) else { return };
        let last = self.rows.iter().filter_map(|row| row.bucket).map(|bucket| bucket.from()).max();
        self.rows.retain(|row| row.bucket.map(|bucket| bucket.from()) == last);
        self.rows.iter_mut().for_each(|row| drop(row.keys.remove(time)));
    }

    /// By the first number that is shown; gaps come last.
    fn sort_largest_first(&mut self) {
        let Some(first) = self.search.layer.measures.iter().position(|measure| !measure.hidden) else {
            return;
        };
        let size = |row: &Row| row.number(first).unwrap_or(f64::NEG_INFINITY);
        self.rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    }

    fn shown(self) -> Vec<Vec<Value>> {
        let measures = &self.search.layer.measures;
        let shown = |row: Row| {
            let values = row.values.into_iter().zip(measures).filter(|(_, measure)| !measure.hidden);
            row.keys.into_iter().chain(values.map(|(value, _)| value)).collect()
        };
        self.rows.into_iter().map(shown).collect()
    }
}

/// First and first-after moment of a time bucket.
fn span(level: &Level, key: &Value, next: Option<&Value>) -> Option<TimeRange> {
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

impl Row {
    fn compute(&mut self, search: &Search, index: usize) {
        let measure = &search.layer.measures[index];
        let value = match &measure.calculation {
            Calculation::Metric(_) | Calculation::Series(..) => self.values[index].clone(),
            Calculation::Static(number) => Value::Number(*number),
            Calculation::Math(tree) => {
                tree.evaluate(&|part| self.number(part)).map_or(Value::Null, Value::number)
            }
            Calculation::Formula(of) => self.values[*of].clone(),
        };
        self.values[index] = match (measure.time_scale, value) {
            (Some(unit), Value::Number(number)) => self.per(unit, search, measure, number),
            (_, value) => value,
        };
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
    fn per(&self, unit: Unit, search: &Search, measure: &Measure, number: f64) -> Value {
        let range = search.range;
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
