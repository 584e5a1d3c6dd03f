//! Field types, and how the values of numeric ones become the `i64` that columns store.

use crate::time::format::DateFormat;
use serde_json::{Map, Value};

/// Longest `keyword` Elasticsearch can index, in bytes.
pub const KEYWORD_MAX_BYTES: usize = 32_766;

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `text`, `match_only_text`: words, searchable, not sortable.
    Text,
    /// `keyword` and its relatives: the whole text is one value.
    Keyword {
        /// Longer values (in characters) are kept in `_source` only.
        ignore_above: usize,
    },
    /// Any number.
    Number(Number),
    /// `boolean`, stored as 0 and 1.
    Boolean,
    /// `date`, stored in milliseconds, or `date_nanos`, stored in nanoseconds.
    Date {
        /// How it may be written.
        format: DateFormat,
        /// Nanoseconds of one stored unit.
        unit: i64,
    },
    /// `flattened`: every leaf is a keyword under its own path.
    Flattened,
    /// Kept in `_source` only.
    Unindexed,
}

/// The numeric types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// 64 bits, signed.
    Long,
    /// 32 bits, signed.
    Integer,
    /// 16 bits, signed.
    Short,
    /// 8 bits, signed.
    Byte,
    /// 64 bits, unsigned.
    UnsignedLong,
    /// 64 bits.
    Double,
    /// 32 bits.
    Float,
    /// 16 bits; kept in 32 here.
    HalfFloat,
    /// A whole number of `1 / factor`.
    Scaled(f64),
}

/// Where the values of a kind are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// A column of `i64`.
    Number,
    /// A column of texts.
    Keyword,
    /// The inverted index.
    Words,
    /// Nowhere.
    None,
}

impl Kind {
    /// Reads the parameters of one field. `None` means a type this store does not have.
    pub fn parse(parameters: &Map<String, Value>) -> Result<Option<Self>, String> {
        let name = parameters.get("type").and_then(Value::as_str).unwrap_or("object");
        let number = match name {
            "long" => Number::Long,
            "integer" => Number::Integer,
            "short" => Number::Short,
            "byte" => Number::Byte,
            "unsigned_long" => Number::UnsignedLong,
            "double" => Number::Double,
            "float" => Number::Float,
            "half_float" => Number::HalfFloat,
            "scaled_float" => {
                let factor = parameters.get("scaling_factor").and_then(Value::as_f64);
                Number::Scaled(factor.ok_or("Field [scaling_factor] is required")?)
            }
            other => return Self::parse_other(other, parameters),
        };
        Ok(Some(Self::Number(number)))
    }

    fn parse_other(name: &str, parameters: &Map<String, Value>) -> Result<Option<Self>, String> {
        let format = |default: DateFormat| match parameters.get("format").and_then(Value::as_str) {
            Some(text) => DateFormat::parse(text).map_err(|part| format!("Invalid format: [{part}]")),
            None => Ok(default),
        };
        Ok(Some(match name {
            "text" | "match_only_text" => Self::Text,
            "keyword" | "wildcard" | "constant_keyword" | "ip" | "version" => Self::Keyword {
                ignore_above: parameters
                    .get("ignore_above")
                    .and_then(Value::as_u64)
                    .map_or(usize::MAX, |n| n as usize),
            },
            "boolean" => Self::Boolean,
            "date" => Self::Date { format: format(DateFormat::default())?, unit: 1_000_000 },
            "date_nanos" => Self::Date { format: format(DateFormat::nanos())?, unit: 1 },
            "flattened" => Self::Flattened,
            "binary" | "geo_point" | "geo_shape" | "nested" => Self::Unindexed,
            _ => return Ok(None),
        }))
    }

    /// Where values go.
    pub fn storage(&self) -> Storage {
        match self {
            Self::Text => Storage::Words,
            Self::Keyword { .. } | Self::Flattened => Storage::Keyword,
            Self::Number(_) | Self::Boolean | Self::Date { .. } => Storage::Number,
            Self::Unindexed => Storage::None,
        }
    }

    /// The value of a stored number as Elasticsearch's aggregations see it.
    pub fn decode(&self, stored: i64) -> f64 {
        match self {
            Self::Number(number) => number.decode(stored),
            _ => stored as f64,
        }
    }

    /// Whether [`Self::decode`] is the identity on whole numbers.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Number(number) => number.is_whole(),
            _ => true,
        }
    }
}

impl Number {
    /// Whether fractions are cut off.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Long | Self::Integer | Self::Short | Self::Byte | Self::UnsignedLong)
    }

    fn bounds(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::Long => (i128::from(i64::MIN), i128::from(i64::MAX)),
            Self::Integer => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Self::Short => (i128::from(i16::MIN), i128::from(i16::MAX)),
            Self::Byte => (i128::from(i8::MIN), i128::from(i8::MAX)),
            Self::UnsignedLong => (0, i128::from(u64::MAX)),
            _ => return None,
        })
    }

    /// The stored form of a whole number; `None` where it is out of range.
    pub fn encode_whole(self, value: i128) -> Option<i64> {
        let Some((least, most)) = self.bounds() else { return self.encode(value as f64) };
        if value < least || value > most {
            return None;
        }
        Some(match self {
            Self::UnsignedLong => (value as u64 ^ (1 << 63)) as i64,
            _ => value as i64,
        })
    }

    /// The stored form of a fraction: cut for whole types, rounded to the type's precision otherwise.
    pub fn encode(self, value: f64) -> Option<i64> {
        if !value.is_finite() {
            return None;
        }
        match self {
            Self::Double => Some(sortable(value)),
            Self::Float | Self::HalfFloat => {
                let short = value as f32;
                short.is_finite().then(|| sortable(f64::from(short)))
            }
            Self::Scaled(factor) => {
                let scaled = (value * factor).round();
                (scaled.abs() < i64::MAX as f64).then_some(scaled as i64)
            }
            _ if value.abs() > 2e19 => None,
            _ => self.encode_whole(value.trunc() as i128),
        }
    }

    /// The value of a stored number.
    pub fn decode(self, stored: i64) -> f64 {
        match self {
            Self::Double | Self::Float | Self::HalfFloat => from_sortable(stored),
            Self::Scaled(factor) => stored as f64 / factor,
            Self::UnsignedLong => (stored as u64 ^ (1 << 63)) as f64,
            _ => stored as f64,
        }
    }
}

/// A whole number that sorts as the float does.
fn sortable(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn from_sortable(stored: i64) -> f64 {
    let bits = if stored < 0 { stored ^ i64::MAX } else { stored };
    f64::from_bits(bits as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_types_refuse_what_does_not_fit() {
        assert_eq!(Number::Byte.encode_whole(128), None);
        assert_eq!(Number::Short.encode(3.99), Some(3));
        assert_eq!(Number::Long.encode(1e300), None);
        assert_eq!(Number::UnsignedLong.encode_whole(-1), None);
        assert_eq!(Number::UnsignedLong.decode(Number::UnsignedLong.encode_whole(7).unwrap()), 7.0);
    }

    proptest! {
        #[test]
        fn stored_doubles_sort_as_doubles_do(a: f64, b: f64) {
            prop_assume!(a.is_finite() && b.is_finite() && a != b);
            let (x, y) = (Number::Double.encode(a).unwrap(), Number::Double.encode(b).unwrap());
            prop_assert_eq!(a < b, x < y);
            prop_assert_eq!(Number::Double.decode(x), a);
        }
    }
}
