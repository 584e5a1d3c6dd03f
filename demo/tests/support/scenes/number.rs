//! Measures over documents, computed one by one.

use super::archive::{Archive, Places};
use super::document::{Cell, Document};
use dashboards::lens::Value;
use dashboards::model::{
    Expression, Field, Function, Measure, Operation, Per, Sign, Value as Source, ValueType,
};
use std::collections::HashSet;
use std::fmt;

/// What a cell of a panel has to be.
pub enum Expected {
    /// This, to the last digit.
    Exactly(Value),
    /// This, within 1e-9 of it.
    About(f64),
    /// So many different values, to the last one up to 3000 and within 2 % of it beyond.
    Different(usize),
    /// A number with so many percent of these at or below it, see [`has_rank`].
    Percentile(u8, Vec<f64>),
    /// One of these: the newest documents are of the same millisecond.
    OneOf(Vec<Value>),
}

impl Expected {
    /// Whether `found` is it, a percentile's share within `slack` of its rank.
    pub fn is(&self, found: &Value, slack: f64) -> bool {
        match (self, found) {
            (Self::Exactly(value), found) => value == found,
            (Self::About(value), Value::Number(found)) => (found - value).abs() <= value.abs() * 1e-9,
            (Self::Percentile(percent, values), Value::Number(found)) => {
                has_rank(*found, f64::from(*percent) / 100.0, values, slack)
            }
            (Self::Different(count), Value::Number(found)) => {
                let slack = if *count <= 3000 { 0.0 } else { *count as f64 * 0.02 };
                (found - *count as f64).abs() <= slack
            }
            (Self::OneOf(values), found) => values.contains(found),
            (Self::About(_) | Self::Different(_) | Self::Percentile(..), _) => false,
        }
    }
}

impl Expected {
    /// The shares of values below and up to an answer, where that is what counts.
    pub fn shares(&self, found: &Value) -> String {
        let (Self::Percentile(_, values), Value::Number(answer)) = (self, found) else {
            return String::new();
        };
        let share = |count: usize| count as f64 / values.len() as f64;
        let below = share(values.iter().filter(|value| *value < answer).count());
        let up_to = share(values.iter().filter(|value| *value <= answer).count());
        format!(" ({below:.4} of them below, {up_to:.4} up to what was found)")
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(value) => write!(f, "{value}"),
            Self::Different(count) => write!(f, "{count} different ones"),
            Self::About(value) => write!(f, "{value} within 1e-9"),
            Self::Percentile(percent, values) => {
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                let place = (sorted.len() - 1) * usize::from(*percent) / 100;
                write!(f, "about {}, p{percent} of {} values", sorted[place], sorted.len())
            }
            Self::OneOf(values) => write!(f, "one of {values:?}"),
        }
    }
}

/// Whether the share of `values` at or below `answer` is `rank`, give or take `slack`. A few values cannot be shared that
/// finely, and engines go straight from one to the next: there it is give or take one value.
fn has_rank(answer: f64, rank: f64, values: &[f64], slack: f64) -> bool {
    let share = |test: &dyn Fn(f64) -> bool| {
        values.iter().filter(|value| test(**value)).count() as f64 / values.len() as f64
    };
    let slack = (1.0 / values.len() as f64).max(slack) + 1e-12;
    share(&|value| value < answer) <= rank + slack && share(&|value| value <= answer) >= rank - slack
}

/// The value of a measure over documents that came in `length` milliseconds.
pub fn expected(archive: &Archive, measure: &Measure, places: &[u32], length: i64) -> Expected {
    match &measure.value {
        Source::Operation(operation) => operate(archive, operation, places, length),
        Source::Formula(formula) => {
            let number = evaluate(archive, &formula.expression, places, length);
            Expected::Exactly(number.filter(|number| number.is_finite()).map_or(Value::Null, Value::Number))
        }
    }
}

/// The exact value that groups are ranked by, NaN where they have none; `None` where engines only come near it.
pub fn rank(archive: &Archive, operation: &Operation, places: &[u32]) -> Option<f64> {
    match operate(archive, operation, places, 1000) {
        Expected::Exactly(Value::Number(number)) => Some(number),
        Expected::Exactly(Value::Date(moment)) => Some(moment as f64),
        Expected::Exactly(Value::Null) => Some(f64::NAN),
        _ => None,
    }
}

fn operate(archive: &Archive, operation: &Operation, places: &[u32], length: i64) -> Expected {
    let filtered: Places = match &operation.filter {
        Some(filter) => archive.filter(places, filter),
        None => places.to_vec(),
    };
    let documents = || filtered.iter().map(|place| archive.get(*place));
    let numbers =
        |field: Field| documents().filter_map(|document| document.number(field.name)).collect::<Vec<_>>();
    match operation.function {
        Function::Count => Expected::Exactly(scaled(filtered.len() as f64, operation.per, length)),
        Function::UniqueCount(field) => Expected::Different(different(documents(), field)),
        Function::Min(field) => Expected::Exactly(typed(field, numbers(field).into_iter().reduce(f64::min))),
        Function::Max(field) => Expected::Exactly(typed(field, numbers(field).into_iter().reduce(f64::max))),
        Function::Average(field) => match numbers(field) {
            values if values.is_empty() => Expected::Exactly(Value::Null),
            values => Expected::About(values.iter().sum::<f64>() / values.len() as f64),
        },
        Function::Percentile(field, percent) => match numbers(field) {
            values if values.is_empty() => Expected::Exactly(Value::Null),
            values => Expected::Percentile(percent, values),
        },
        Function::LastValue(field) => {
            let having = || documents().filter(|document| document.cell(field.name).is_some());
            let Some(last) = having().map(Document::time).max() else {
                return Expected::Exactly(Value::Null);
            };
            let newest = having().filter(|document| document.time() == last);
            Expected::OneOf(
                newest.map(|document| value(document.cell(field.name).expect("it has one"))).collect(),
            )
        }
    }
}

fn evaluate(archive: &Archive, expression: &Expression, places: &[u32], length: i64) -> Option<f64> {
    match expression {
        Expression::Number(number) => Some(*number),
        Expression::Call(operation) => match operate(archive, operation, places, length) {
            Expected::Exactly(Value::Number(number)) => Some(number),
            Expected::Exactly(Value::Null) => None,
            other => panic!("a formula over what is not exact: {other}"),
        },
        Expression::Arithmetic(arithmetic) => {
            let left = evaluate(archive, &arithmetic.left, places, length)?;
            let right = evaluate(archive, &arithmetic.right, places, length)?;
            Some(match arithmetic.sign {
                Sign::Add => left + right,
                Sign::Subtract => left - right,
                Sign::Multiply => left * right,
                Sign::Divide => left / right,
            })
        }
    }
}

/// A count per unit of time; nothing where no time passed.
fn scaled(count: f64, per: Option<Per>, length: i64) -> Value {
    let unit = match per {
        None => return Value::Number(count),
        Some(Per::Second) => 1000.0,
        Some(Per::Minute) => 60_000.0,
    };
    match length {
        0 => Value::Null,
        length => Value::Number(count / (length as f64 / unit)),
    }
}

fn different<'d>(documents: impl Iterator<Item = &'d Document>, field: Field) -> usize {
    let cells = documents.filter_map(|document| document.cell(field.name));
    cells.map(|cell| value(cell).to_string()).collect::<HashSet<_>>().len()
}

fn typed(field: Field, number: Option<f64>) -> Value {
    match (number, field.value_type) {
        (None, _) => Value::Null,
        (Some(moment), ValueType::Date) => Value::Date(moment as i64),
        (Some(number), _) => Value::Number(number),
    }
}

/// A value as a panel has it.
pub fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Number(number) => Value::Number(*number),
        Cell::Text(text) => Value::Text(text.to_string()),
    }
}
