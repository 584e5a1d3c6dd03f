//! Scalars of a document, and what fields of each kind make of them.

use crate::mapping::Number;
use crate::time::format::{DateFormat, Missing};
use std::fmt;

/// A scalar of the document.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Whole(i128),
    Fraction(f64),
    Bool(bool),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(value) => write!(f, "{value}"),
            // `1.0` and not `1`, as a keyword of it reads.
            Self::Fraction(value) => write!(f, "{value:?}"),
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// As a column of numbers stores it.
pub(super) fn read_number(number: Number, value: Scalar<'_>) -> Result<i64, String> {
    let encoded = match value {
        Scalar::Whole(value) => number.encode_whole(value),
        Scalar::Fraction(value) => number.encode(value),
        Scalar::Bool(value) => return Err(format!("For input string: \"{value}\"")),
        Scalar::Text(text) => match (text.trim().parse::<i128>(), text.trim().parse::<f64>()) {
            (Ok(value), _) => number.encode_whole(value),
            (_, Ok(value)) => number.encode(value),
            _ => return Err(format!("For input string: \"{text}\"")),
        },
    };
    encoded.ok_or_else(|| format!("Value [{value}] is out of range"))
}

/// 1 or 0.
pub(super) fn read_boolean(value: Scalar<'_>) -> Result<i64, String> {
    match value {
        Scalar::Bool(value) => Ok(i64::from(value)),
        Scalar::Text("true") => Ok(1),
        Scalar::Text("false" | "") => Ok(0),
        other => Err(format!("Failed to parse value [{other}] as only [true] or [false] are allowed.")),
    }
}

/// In units of `unit` nanoseconds since 1970.
pub(super) fn read_date(format: &DateFormat, unit: i64, value: Scalar<'_>) -> Result<i64, String> {
    let nanos = match value {
        Scalar::Text(text) => format.read(text, Missing::First, 0),
        Scalar::Whole(number) => {
            format.number_unit().and_then(|unit| i64::try_from(number).ok()?.checked_mul(unit))
        }
        Scalar::Fraction(number) => format.number_unit().map(|unit| (number * unit as f64) as i64),
        Scalar::Bool(_) => None,
    };
    nanos
        .map(|nanos| nanos.div_euclid(unit))
        .ok_or_else(|| format!("failed to parse date field [{value}] with format [{}]", format.as_str()))
}
