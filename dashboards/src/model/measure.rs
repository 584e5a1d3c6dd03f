//! What is computed: one operation, or a formula over several.

use super::field::{Field, TIMESTAMP, ValueType};
use super::formula::Formula;

/// A function over the documents of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// Number of documents.
    Count,
    /// Number of different values.
    UniqueCount(Field),
    /// Arithmetic mean.
    Average(Field),
    /// Least value.
    Min(Field),
    /// Greatest value.
    Max(Field),
    /// The value below which so many percent lie.
    Percentile(Field, u8),
    /// The value of the newest document that has one.
    LastValue(Field),
}

impl Function {
    /// The field it reads; none for a count of documents.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::Count => None,
            Self::UniqueCount(field)
            | Self::Average(field)
            | Self::Min(field)
            | Self::Max(field)
            | Self::Percentile(field, _)
            | Self::LastValue(field) => Some(field),
        }
    }

    /// Type of the result.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::Min(field) | Self::Max(field) | Self::LastValue(field) => field.value_type,
            _ => ValueType::Number,
        }
    }
}

/// A unit of time that a count is shown per.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Per second.
    Second,
    /// Per minute.
    Minute,
}

/// A function, perhaps over some of the documents only.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What is computed.
    pub function: Function,
    /// KQL that a document must match to take part.
    pub filter: Option<String>,
    /// Shown as a rate.
    pub per: Option<Per>,
}

/// Where the numbers of a measure come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One operation.
    Operation(Operation),
    /// Several, joined by arithmetic.
    Formula(Formula),
}

/// How a number is shown where its field does not already say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With so many decimals.
    Number(u8),
    /// A share, as percent with so many decimals.
    Percent(u8),
}

/// A colour with a meaning. Each reads on a dark and on a light ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// As it should be.
    Good,
    /// Neither good nor bad.
    Neutral,
    /// Worth a look.
    Warning,
    /// Broken.
    Bad,
    /// Somebody else's doing.
    Foreign,
    /// Background.
    Faint,
}

impl Color {
    /// As `#rrggbb`.
    pub const fn hex(self) -> &'static str {
        match self {
            Self::Good => "#4dae8f",
            Self::Neutral => "#5b8fc2",
            Self::Warning => "#d9a93b",
            Self::Bad => "#d0543f",
            Self::Foreign => "#9170b8",
            Self::Faint => "#98a2b3",
        }
    }
}

/// From where on a value is a warning, and from where on it is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// First value that is a warning.
    pub warning: f64,
    /// First value that is bad.
    pub bad: f64,
}

/// A number with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name in legends and table heads, unit included.
    pub label: &'static str,
    /// Where it comes from.
    pub value: Value,
    /// How it is shown; `None` leaves it to the unit of the field.
    pub format: Option<Format>,
    /// Colour of its series; `None` leaves it to the viewer.
    pub color: Option<Color>,
    /// Colour by value, in tables and single numbers.
    pub thresholds: Option<Thresholds>,
}

impl Measure {
    fn new(label: &'static str, value: Value) -> Self {
        Self { label, value, format: None, color: None, thresholds: None }
    }

    pub(super) fn of(label: &'static str, function: Function) -> Self {
        Self::new(label, Value::Operation(Operation { function, filter: None, per: None }))
    }

    /// Documents.
    pub(super) fn count(label: &'static str) -> Self {
        Self::of(label, Function::Count).format(Format::Number(0))
    }

    /// Documents that match `filter`.
    pub(super) fn count_of(label: &'static str, filter: &str) -> Self {
        let filter = Some(filter.to_owned());
        let operation = Operation { function: Function::Count, filter, per: None };
        Self::new(label, Value::Operation(operation)).format(Format::Number(0))
    }

    /// Documents per unit of time, those that match `filter` if one is given.
    pub(super) fn rate(label: &'static str, per: Per, filter: Option<&str>) -> Self {
        let filter = filter.map(str::to_owned);
        let operation = Operation { function: Function::Count, filter, per: Some(per) };
        // One failure in half a minute is 0.03 a second, and must not read as none.
        Self::new(label, Value::Operation(operation)).format(Format::Number(2))
    }

    /// Time of the newest document.
    pub(super) fn last_seen(label: &'static str) -> Self {
        Self::of(label, Function::Max(TIMESTAMP))
    }

    /// Time of the oldest document in the range.
    pub(super) fn first_seen(label: &'static str) -> Self {
        Self::of(label, Function::Min(TIMESTAMP))
    }

    /// A formula in Kibana's words.
    ///
    /// # Panics
    /// When `text` is none: formulas are part of the program, and every one is written by the tests.
    pub(super) fn formula(label: &'static str, text: &str, format: Format) -> Self {
        let formula = Formula::parse(text).unwrap_or_else(|error| panic!("{error}"));
        Self::new(label, Value::Formula(formula)).format(format)
    }

    pub(super) fn format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    pub(super) fn color(self, color: Color) -> Self {
        Self { color: Some(color), ..self }
    }

    pub(super) fn thresholds(self, warning: f64, bad: f64) -> Self {
        Self { thresholds: Some(Thresholds { warning, bad }), ..self }
    }
}
