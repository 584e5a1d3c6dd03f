//! What a panel shows: typed columns and rows.

use std::fmt;

use serde_json::Value as Json;

use super::filter::Filter;
use super::format::{DataType, Format};
use super::time::interval::Interval;
use super::time::{Millis, iso};

/// The rows of one layer, in the order Kibana shows them.
///
/// Rows stand in the order of their buckets, outermost first; a datatable that is sorted is sorted. Columns are those of the
/// layer in its order, without the hidden parts of formulas; the [`Visualization`](super::Visualization) refers to them by id.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Id of the layer.
    pub layer: String,
    /// Columns, buckets first.
    pub columns: Vec<Column>,
    /// One value a column.
    pub rows: Vec<Vec<Value>>,
    /// Why this may not be all: shards that failed, a time-out. `None` when it is.
    pub partial: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Id, as the visualization refers to it.
    pub id: String,
    /// What people read.
    pub label: String,
    /// Kind of values.
    pub data_type: DataType,
    /// How values are to be written.
    pub format: Format,
    /// Bucket or measure.
    pub kind: ColumnKind,
    /// Field it comes from, where it is one.
    pub field: Option<String>,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Start of a time bucket of this length.
    Time(Interval),
    /// The most frequent (or first) values of a field.
    Terms,
    /// Named filters.
    Filters,
    /// Ranges of numbers.
    Ranges,
    /// A number, or the last value of a field.
    Measure,
}

impl ColumnKind {
    /// Whether rows are grouped by this column.
    pub fn is_bucket(self) -> bool {
        self != Self::Measure
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: an empty bucket, a division by zero. A gap in a line, not a zero.
    Null,
    /// A finite number.
    Number(f64),
    /// A moment.
    Date(Millis),
    /// Text, also the label of a filter.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// From (included) to (excluded), open where `None`.
    Range {
        /// Lower end.
        from: Option<f64>,
        /// Upper end.
        to: Option<f64>,
        /// The range's own name; may be empty.
        label: String,
    },
    /// All values beyond the listed ones.
    Other,
    /// Documents without the field.
    Missing,
}

impl Column {
    /// What a click on a value of this column asks for: the documents of that bucket.
    ///
    /// `None` for measures, for "other" and for named filters, whose label says nothing about a field.
    pub fn filter(&self, value: &Value) -> Option<Filter> {
        let field = self.field.as_deref().filter(|_| self.kind.is_bucket())?;
        match (self.kind, value) {
            (_, Value::Missing) => Some(Filter::exists(field).not()),
            (_, Value::Range { from, to, .. }) => Some(Filter::between(field, *from, *to)),
            (ColumnKind::Time(interval), Value::Date(start)) => {
                Some(Filter::since(field, *start, interval.after(*start)))
            }
            (ColumnKind::Terms, value) => Some(Filter::is(field, &value.as_json()?)),
            _ => None,
        }
    }
}

impl Value {
    /// A number; null where it is none.
    pub(crate) fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Null }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as a query takes it; `None` for what is no value of a field.
    pub fn as_json(&self) -> Option<Json> {
        match self {
            Self::Number(number) => Some(plain(*number)),
            Self::Date(moment) => Some(Json::from(iso(*moment))),
            Self::Text(text) => Some(Json::from(text.as_str())),
            Self::Boolean(value) => Some(Json::from(*value)),
            Self::Null | Self::Range { .. } | Self::Other | Self::Missing => None,
        }
    }
}

/// A whole number without a point, so that it is read as a value of an integer field too.
pub(crate) fn plain(number: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => Json::from(number as i64),
        false => Json::from(number),
    }
}

impl fmt::Display for Value {
    /// Plain text without any format: for error messages and tests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: &Option<f64>| end.map_or_else(|| "*".to_owned(), |number| number.to_string());
        match self {
            Self::Null => f.write_str("-"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Date(moment) => f.write_str(&iso(*moment)),
            Self::Text(text) => f.write_str(text),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Range { from, to, label } if label.is_empty() => write!(f, "{} to {}", end(from), end(to)),
            Self::Range { label, .. } => f.write_str(label),
            Self::Other => f.write_str("Other"),
            Self::Missing => f.write_str("(missing value)"),
        }
    }
}

impl Table {
    /// Position of the column with this id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// The values of the column with this id, row by row; nothing where there is no such column.
    pub fn values<'t>(&'t self, id: &str) -> impl Iterator<Item = &'t Value> + use<'t> {
        let position = self.position(id);
        self.rows.iter().filter_map(move |row| row.get(position?))
    }
}
