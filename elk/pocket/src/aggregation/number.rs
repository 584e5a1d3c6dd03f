//! Numbers as answers show them.

use super::partial::Stats;
use super::plan::Shown;
use crate::mapping::Kind;
use serde_json::{Map, Value, json};

pub(super) fn show_stats(shown: Shown, stats: &Stats, kind: Option<&Kind>) -> Value {
    let some = |value: f64| (stats.count > 0).then_some(value);
    let avg = some(stats.sum() / stats.count as f64);
    let (min, max, sum) = (some(stats.min), some(stats.max), Some(stats.sum()));
    let value = match shown {
        Shown::Avg => avg,
        Shown::Sum => sum,
        Shown::Min => min,
        Shown::Max => max,
        Shown::All => {
            let mut all = Map::new();
            all.insert("count".to_owned(), json!(stats.count));
            let named = [("min", min), ("max", max), ("avg", avg), ("sum", sum)];
            all.extend(named.map(|(name, value)| (name.to_owned(), json!(value))));
            let texts = named.into_iter().filter(|_| stats.count > 0);
            all.extend(texts.filter_map(|(name, value)| {
                Some((format!("{name}_as_string"), shown_beside(value?, kind?)?))
            }));
            return Value::Object(all);
        }
    };
    match value.and_then(|value| number_as_text(value, kind?)) {
        Some(text) => json!({"value": value, "value_as_string": text}),
        None => json!({"value": value}),
    }
}

/// As [`number_as_text`], but for booleans, which stay such beside the numbers of a `stats`.
fn shown_beside(value: f64, kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Boolean => Some(json!(value != 0.0)),
        kind => number_as_text(value, kind).map(Value::from),
    }
}

/// A number of a field whose values are not shown as numbers.
fn number_as_text(value: f64, kind: &Kind) -> Option<String> {
    match kind {
        Kind::Date { format, .. } => Some(format.print_millis(value as i64)),
        Kind::Boolean => Some((value != 0.0).to_string()),
        _ => None,
    }
}

/// A number as names of buckets have it: with an exponent from ten million on and below a thousandth, as in Java.
pub(super) fn number_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_are_written_as_in_java() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-12.5, "-12.5"),
            (5e7, "5.0E7"),
            (1e6, "1000000.0"),
            (12_345_678.5, "1.23456785E7"),
            (2.5e-4, "2.5E-4"),
        ] {
            assert_eq!(number_text(value), expected);
        }
    }
}
