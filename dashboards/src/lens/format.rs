//! How a value is to be shown.

use serde_json::Value;

use super::time::interval::Unit;

/// Kind of values in a column, as Lens states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Numbers.
    Number,
    /// Moments.
    Date,
    /// `true` and `false`.
    Boolean,
    /// Everything else: text, addresses.
    Text,
}

/// How a number is to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// As it is, e.g. `1,234.5`.
    Number(Decimals),
    /// A ratio, e.g. 0.012 as `1.2%`.
    Percent(Decimals),
    /// Bytes with binary steps, e.g. `1.5MB`.
    Bytes(Decimals),
    /// Bits with binary steps.
    Bits(Decimals),
    /// A length of time counted in `unit`, in the unit that suits it, e.g. 12 300 000 ns as `12.3 ms`.
    Duration {
        /// What the number counts.
        unit: TimeUnit,
        /// Digits after the point.
        decimals: Decimals,
    },
    /// A pattern of numeral.js, e.g. `0,0.0`.
    Pattern(String),
    /// A moment, in the viewer's time zone.
    Date,
    /// Text or a boolean, as it is.
    Text,
}

/// Digits after the point and what stands behind the number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decimals {
    /// Digits after the point; `None`: as many as the kind is usually shown with.
    pub digits: Option<u8>,
    /// Text behind the number, e.g. `/s`; may be empty.
    pub suffix: String,
    /// `1.2k` instead of `1,200`.
    pub compact: bool,
}

/// What a number of a duration counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Of these.
    Unit(Unit),
}

impl Format {
    /// What a value is shown as where nothing is said.
    pub(crate) fn of_type(data_type: DataType) -> Self {
        match data_type {
            DataType::Number => Self::Number(Decimals::default()),
            DataType::Date => Self::Date,
            DataType::Boolean | DataType::Text => Self::Text,
        }
    }

    /// Reads `{"id": …, "params": {…}}` of a column or of a data view's `fieldFormatMap`; `None` for kinds not known here.
    pub(crate) fn read(written: &Value) -> Option<Self> {
        let params = &written["params"];
        let text = |key: &str| params[key].as_str().unwrap_or_default();
        Some(match written["id"].as_str()? {
            // A pattern states what decimals state elsewhere.
            "number" | "custom" if !text("pattern").is_empty() => Self::Pattern(text("pattern").to_owned()),
            "number" => Self::Number(Decimals::read(params)),
            "percent" => Self::Percent(Decimals::read(params)),
            "bytes" => Self::Bytes(Decimals::read(params)),
            "bits" => Self::Bits(Decimals::read(params)),
            "duration" => Self::Duration {
                unit: TimeUnit::parse(text("inputFormat")).or_else(|| TimeUnit::parse(text("fromUnit")))?,
                decimals: Decimals::read(params),
            },
            "date" | "date_nanos" => Self::Date,
            "string" | "boolean" | "url" => Self::Text,
            _ => return None,
        })
    }
}

impl Decimals {
    fn read(params: &Value) -> Self {
        let digits = [&params["decimals"], &params["outputPrecision"]].into_iter().find_map(Value::as_u64);
        Self {
            digits: digits.map(|digits| u8::try_from(digits.min(20)).unwrap_or_default()),
            suffix: params["suffix"].as_str().unwrap_or_default().to_owned(),
            compact: params["compact"].as_bool().unwrap_or_default(),
        }
    }
}

impl TimeUnit {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "nanoseconds" => Self::Nanoseconds,
            "microseconds" => Self::Microseconds,
            "milliseconds" => Self::Unit(Unit::Millisecond),
            "seconds" => Self::Unit(Unit::Second),
            "minutes" => Self::Unit(Unit::Minute),
            "hours" => Self::Unit(Unit::Hour),
            "days" => Self::Unit(Unit::Day),
            "weeks" => Self::Unit(Unit::Week),
            "months" => Self::Unit(Unit::Month),
            "years" => Self::Unit(Unit::Year),
            _ => return None,
        })
    }

    /// Nanoseconds in one.
    pub fn nanoseconds(self) -> f64 {
        match self {
            Self::Nanoseconds => 1.0,
            Self::Microseconds => 1e3,
            #[expect(clippy::cast_precision_loss, reason = "units have less than 2^53 milliseconds")]
            Self::Unit(unit) => unit.millis() as f64 * 1e6,
        }
    }
}
