//! Whether two answers are equal: to the last digit but for sums (1e-15), averages (1e-9), percentiles (the answer's rank among the
//! exact values is off by at most 0.01, or by one value where there are fewer than 100) and cardinality above 3 000 (2 %).

use super::draw::WHOLES;
use serde_json::{Map, Value, json};

/// Suffix of the companions in [`sharpened`].
const COUNT: &str = "#count";
const EXACT_MAX: f64 = 3_000.0;

/// The request for an engine that has to tell what is true: percentiles at the edges of what is allowed, from a digest
/// of this compression (500 errs by less than a tenth of that); distinct values counted exactly up to 40 000.
pub(crate) fn sharpened(body: &Value, compression: u32) -> Value {
    let mut body = body.clone();
    if let Some(level) = body.get_mut("aggs").and_then(Value::as_object_mut) {
        sharpen(level, compression, true);
    }
    body
}

fn sharpen(level: &mut Map<String, Value>, compression: u32, is_top: bool) {
    let mut companions = Map::new();
    for (name, whole) in level.iter_mut() {
        if let Some(percentiles) = whole.get_mut("percentiles") {
            companions
                .insert(format!("{name}{COUNT}"), json!({"value_count": {"field": percentiles["field"]}}));
            let edges = percents(percentiles).into_iter().flat_map(|percent| [percent - 1.0, percent + 1.0]);
            let mut edges: Vec<f64> = edges.chain((0..=50).map(|step| f64::from(step) * 2.0)).collect();
            edges.iter_mut().for_each(|edge| *edge = edge.clamp(0.0, 100.0));
            edges.sort_by(f64::total_cmp);
            edges.dedup();
            *percentiles = json!({"field": percentiles["field"], "percents": edges, "keyed": false, "tdigest": {"compression": compression}});
        }
        // Inside buckets that would be 256 KiB each; the grammar counts few different values there.
        if let Some(cardinality) = whole.get_mut("cardinality").filter(|_| is_top) {
            cardinality["precision_threshold"] = json!(40_000);
        }
        if let Some(inner) = whole.get_mut("aggs").and_then(Value::as_object_mut) {
            sharpen(inner, compression, false);
        }
    }
    level.extend(companions);
}

fn percents(percentiles: &Value) -> Vec<f64> {
    let default = || vec![1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0];
    percentiles["percents"]
        .as_array()
        .map_or_else(default, |list| list.iter().filter_map(Value::as_f64).collect())
}

/// Where `found` differs from `expected`, the answers to `body` and to [`sharpened`].
pub(crate) fn difference(body: &Value, found: &Value, expected: &Value) -> Result<(), String> {
    if found.get("count").is_some() {
        return same("count", &found["count"], &expected["count"]);
    }
    same("hits", &found["hits"], &expected["hits"])?;
    match body.get("aggs").and_then(Value::as_object) {
        Some(level) => compare_level("", level, &found["aggregations"], &expected["aggregations"]),
        None => Ok(()),
    }
}

fn compare_level(
    path: &str,
    level: &Map<String, Value>,
    found: &Value,
    expected: &Value,
) -> Result<(), String> {
    for (name, whole) in level {
        let path = format!("{path}/{name}");
        let (found, expected_one) = (&found[name], &expected[name]);
        let inner = whole.get("aggs").and_then(Value::as_object);
        if let Some(asked) = whole.get("percentiles") {
            let count = expected[format!("{name}{COUNT}")]["value"].as_f64().unwrap_or_default();
            compare_percentiles(&path, asked, count, found, expected_one)?;
        } else if whole.get("cardinality").is_some() {
            compare_cardinality(&path, found, expected_one)?;
        } else if whole.get("avg").is_some() || whole.get("stats").is_some() {
            compare_stats(&path, found, expected_one)?;
        } else if whole.get("sum").is_some() {
            compare_sum(&path, found, expected_one)?;
        } else if expected_one.get("buckets").is_some() {
            compare_buckets(&path, inner, found, expected_one)?;
        } else {
            compare_bucket(&path, inner, found, expected_one)?;
        }
    }
    Ok(())
}

fn compare_buckets(
    path: &str,
    inner: Option<&Map<String, Value>>,
    found: &Value,
    expected: &Value,
) -> Result<(), String> {
    same(path, &without(found, |key| key == "buckets"), &without(expected, |key| key == "buckets"))?;
    match (&found["buckets"], &expected["buckets"]) {
        (Value::Array(found), Value::Array(expected)) => {
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                compare_bucket(&format!("{path}[{at}]"), inner, found, expected)?;
            }
            same(&format!("{path} number of buckets"), &json!(found.len()), &json!(expected.len()))
        }
        (Value::Object(found), Value::Object(expected)) => {
            let names = |map: &Map<String, Value>| json!(map.keys().collect::<Vec<_>>());
            same(&format!("{path} names"), &names(found), &names(expected))?;
            for (name, expected) in expected {
                compare_bucket(&format!("{path}[{name}]"), inner, &found[name], expected)?;
            }
            Ok(())
        }
        (found, expected) => same(path, found, expected),
    }
}

fn compare_bucket(
    path: &str,
    inner: Option<&Map<String, Value>>,
    found: &Value,
    expected: &Value,
) -> Result<(), String> {
    let inside = |key: &str| key.ends_with(COUNT) || inner.is_some_and(|inner| inner.contains_key(key));
    same(path, &without(found, inside), &without(expected, inside))?;
    inner.map_or(Ok(()), |inner| compare_level(path, inner, found, expected))
}

fn without(value: &Value, left_out: impl Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !left_out(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        other => other.clone(),
    }
}

fn compare_stats(path: &str, found: &Value, expected: &Value) -> Result<(), String> {
    // Each engine adds up segment by segment: of numbers that no sum of doubles is exact for, the last digit is chance.
    let tolerance = |key: &str| if key == "sum" { 1e-15 } else { 1e-9 };
    let is_rounded = |key: &str| matches!(key, "avg" | "sum" | "value" | "avg_as_string" | "sum_as_string");
    same(path, &without(found, is_rounded), &without(expected, is_rounded))?;
    for key in ["avg", "sum", "value"] {
        match (found.get(key).and_then(Value::as_f64), expected.get(key).and_then(Value::as_f64)) {
            (Some(one), Some(other)) if (one - other).abs() <= tolerance(key) * other.abs() => {}
            (None, None) => same(path, &json!(found.get(key)), &json!(expected.get(key)))?,
            (one, other) => return Err(format!("{path} {key}: {one:?}, not {other:?}")),
        }
    }
    Ok(())
}

/// The last digit may differ, as in [`compare_stats`].
fn compare_sum(path: &str, found: &Value, expected: &Value) -> Result<(), String> {
    let (one, other) = (found["value"].as_f64(), expected["value"].as_f64());
    match (one, other) {
        (Some(one), Some(other)) if (one - other).abs() <= 1e-15 * other.abs() => Ok(()),
        _ => same(path, found, expected),
    }
}

fn compare_cardinality(path: &str, found: &Value, expected: &Value) -> Result<(), String> {
    let number = |value: &Value| value["value"].as_f64().unwrap_or(f64::NAN);
    let (found, expected) = (number(found), number(expected));
    let allowed = if expected <= EXACT_MAX { 0.0 } else { 0.02 * expected };
    if (found - expected).abs() <= allowed { Ok(()) } else { Err(format!("{path}: {found}, not {expected}")) }
}

fn compare_percentiles(
    path: &str,
    asked: &Value,
    count: f64,
    found: &Value,
    expected: &Value,
) -> Result<(), String> {
    let keyed = asked["keyed"] != json!(false);
    let is_whole = asked["field"].as_str().is_some_and(|field| WHOLES.contains(&field));
    let edges: Vec<(f64, f64)> = expected["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry["key"].as_f64()?, entry["value"].as_f64()?)))
        .collect();
    for (at, percent) in percents(asked).into_iter().enumerate() {
        let value =
            if keyed { &found["values"][format!("{percent:?}")] } else { &found["values"][at]["value"] };
        let Some(value) = value.as_f64() else {
            if value.is_null() && edges.is_empty() {
                continue;
            }
            return Err(format!("{path} {percent}: {value}, the engine has values"));
        };
        let off = (100.0 / count).max(1.0);
        let low = edges.iter().rev().find(|(edge, _)| *edge <= percent - off).or(edges.first());
        let high = edges.iter().find(|(edge, _)| *edge >= percent + off).or(edges.last());
        let (Some((_, low)), Some((_, high))) = (low, high) else {
            return Err(format!("{path} {percent}: {value}, the engine has no value"));
        };
        // Between whole numbers the engine interpolates to what no value is.
        let (low, high) = if is_whole { (&low.floor(), &high.ceil()) } else { (low, high) };
        let slack = 1e-9 * value.abs();
        if value < low - slack || value > high + slack {
            return Err(format!("{path} {percent}: {value} is not within {low}..{high} ({count} values)"));
        }
    }
    Ok(())
}

fn same(path: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    match (found, expected) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()) {
                let side =
                    |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_else(|| json!("(absent)"));
                same(&format!("{path}.{key}"), &side(one), &side(other))?;
            }
            Ok(())
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .try_for_each(|(at, (one, other))| same(&format!("{path}[{at}]"), one, other)),
        _ => Err(format!("{path}: {found}, not {expected}")),
    }
}
