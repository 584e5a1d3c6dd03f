//! From merged partials to the answer: buckets ordered, cut, filled up and printed.

use super::partial::{Bucket, Key, Partial};
use super::plan::{Aggregation, Order, Plan, Shown};
use crate::mapping::{Kind, Number};
use crate::search::TopHit;
use crate::store::ApiError;
use crate::time::format::DateFormat;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Most buckets of an answer, as `search.max_buckets`.
const BUCKETS_MAX: usize = 65_536;

/// What finishing needs to know of fields, and how documents are shown.
pub trait Show {
    /// The type of a field, from any index that has it.
    fn kind(&self, field: &str) -> Option<Kind>;
    /// The answer of a `top_hits`.
    fn hits(&self, hits: &[TopHit], total: u64, request: &Value) -> Result<Value, ApiError>;
}

/// Prints what `plan` found in `total` documents.
pub fn finish(plan: &Plan, partials: Vec<Partial>, total: u64, show: &impl Show) -> Result<Value, ApiError> {
    Printer { show, buckets: 0 }.level(plan, partials, total)
}

struct Printer<'a, S> {
    show: &'a S,
    buckets: usize,
}

impl<S: Show> Printer<'_, S> {
    fn level(&mut self, plan: &Plan, partials: Vec<Partial>, total: u64) -> Result<Value, ApiError> {
        let mut answer = Map::new();
        for ((name, aggregation, inner), partial) in plan.parts.iter().zip(partials) {
            answer.insert(name.clone(), self.one(aggregation, inner, partial, total)?);
        }
        Ok(Value::Object(answer))
    }

    fn one(
        &mut self,
        aggregation: &Aggregation,
        inner: &Plan,
        partial: Partial,
        total: u64,
    ) -> Result<Value, ApiError> {
        match (aggregation, partial) {
            (Aggregation::Stats { shown, field, .. }, Partial::Stats(stats)) => {
                let kind = self.show.kind(field);
                Ok(show_stats(*shown, &stats, kind.as_ref()))
            }
            (Aggregation::ValueCount(_), Partial::Count(count)) => Ok(json!({"value": count})),
            (Aggregation::Cardinality(_), Partial::Cardinality(set)) => Ok(json!({"value": set.count()})),
            (Aggregation::Percentiles { percents, keyed, .. }, Partial::Digest(digest)) => {
                let values =
                    percents.iter().map(|percent| (format!("{percent:?}"), digest.percentile(*percent)));
                Ok(match keyed {
                    true => {
                        json!({"values": values.map(|(key, value)| (key, json!(value))).collect::<Map<_, _>>()})
                    }
                    false => {
                        json!({"values": percents.iter().map(|percent| json!({"key": percent, "value": digest.percentile(*percent)})).collect::<Vec<_>>()})
                    }
                })
            }
            (Aggregation::TopHits(top), Partial::Hits(hits)) => self.show.hits(&hits, total, &top.request),
            (Aggregation::Filter(_), Partial::Buckets(mut buckets)) => {
                let bucket = buckets.remove(&Key::Whole(0)).unwrap_or_else(|| empty(inner));
                self.bucket(Map::new(), bucket, inner)
            }
            (_, Partial::Buckets(buckets)) => self.buckets(aggregation, inner, buckets),
            (_, _) => Err(ApiError::internal("an aggregation and its result do not fit")),
        }
    }

    /// A bucket after the entries in `head`.
    fn bucket(
        &mut self,
        mut head: Map<String, Value>,
        bucket: Bucket,
        inner: &Plan,
    ) -> Result<Value, ApiError> {
        self.buckets += 1;
        if self.buckets > BUCKETS_MAX {
            return Err(too_many_buckets());
        }
        head.insert("doc_count".to_owned(), json!(bucket.count));
        if let Value::Object(inside) = self.level(inner, bucket.inner, bucket.count)? {
            head.extend(inside);
        }
        Ok(Value::Object(head))
    }

    fn buckets(
        &mut self,
        aggregation: &Aggregation,
        inner: &Plan,
        mut buckets: HashMap<Key, Bucket>,
    ) -> Result<Value, ApiError> {
        match aggregation {
            Aggregation::Terms { field, size, order, minimum, .. } => {
                self.terms(self.show.kind(field).as_ref(), *size, order, *minimum, inner, buckets)
            }
            Aggregation::DateHistogram { field, rounding, format, minimum, extended, keyed } => {
                let own = match self.show.kind(field) {
                    Some(Kind::Date { format, .. }) => format,
                    _ => DateFormat::default(),
                };
                let format = format.as_ref().unwrap_or(&own);
                if *minimum == 0 {
                    let bounds = extended.map(|(min, max)| (rounding.floor(min), rounding.floor(max)));
                    fill(&mut buckets, bounds, inner, |start| rounding.next(start))?;
                }
                let zone = &rounding.zone;
                self.list(buckets, *minimum, inner, *keyed, |key| {
                    let text =
                        format.print(key.saturating_mul(1_000_000), zone.offset_at(key.div_euclid(1_000)));
                    (text.clone(), vec![("key_as_string", json!(text)), ("key", json!(key))])
                })
            }
            Aggregation::Histogram { interval, offset, minimum, extended, keyed, .. } => {
                if *minimum == 0 {
                    let number = |value: f64| ((value - offset) / interval).floor() as i64;
                    let bounds = extended.map(|(min, max)| (number(min), number(max)));
                    fill(&mut buckets, bounds, inner, |number| number + 1)?;
                }
                self.list(buckets, *minimum, inner, *keyed, |key| {
                    let start = key as f64 * interval + offset;
                    (number_text(start), vec![("key", json!(start))])
                })
            }
            Aggregation::Range { ranges, keyed, .. } => self.ranges(ranges, *keyed, inner, buckets),
            Aggregation::Filters { filters, keyed } => {
                let mut named = Map::new();
                let mut list = Vec::new();
                for (at, (name, _)) in filters.iter().enumerate() {
                    let bucket = buckets.remove(&Key::Whole(at as i64)).unwrap_or_else(|| empty(inner));
                    let shown = self.bucket(Map::new(), bucket, inner)?;
                    if *keyed { drop(named.insert(name.clone(), shown)) } else { list.push(shown) }
                }
                Ok(json!({"buckets": if *keyed { Value::Object(named) } else { Value::Array(list) }}))
            }
            _ => Err(ApiError::internal("an aggregation without buckets has some")),
        }
    }

    fn list(
        &mut self,
        buckets: HashMap<Key, Bucket>,
        minimum: u64,
        inner: &Plan,
        keyed: bool,
        head: impl Fn(i64) -> (String, Vec<(&'static str, Value)>),
    ) -> Result<Value, ApiError> {
        let mut sorted: Vec<(Key, Bucket)> =
            buckets.into_iter().filter(|(_, bucket)| bucket.count >= minimum).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let mut named = Map::new();
        let mut list = Vec::new();
        for (key, bucket) in sorted {
            let Key::Whole(key) = key else { continue };
            let (name, head) = head(key);
            let head = head.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let shown = self.bucket(head, bucket, inner)?;
            if keyed { drop(named.insert(name, shown)) } else { list.push(shown) }
        }
        Ok(json!({"buckets": if keyed { Value::Object(named) } else { Value::Array(list) }}))
    }

    fn ranges(
        &mut self,
        ranges: &[(Option<String>, Option<f64>, Option<f64>)],
        keyed: bool,
        inner: &Plan,
        mut buckets: HashMap<Key, Bucket>,
    ) -> Result<Value, ApiError> {
        // Printed by lower, then upper bound, whatever the order of asking.
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        let low = |at: usize| ranges[at].1.unwrap_or(f64::NEG_INFINITY);
        let high = |at: usize| ranges[at].2.unwrap_or(f64::INFINITY);
        order.sort_by(|a, b| low(*a).total_cmp(&low(*b)).then(high(*a).total_cmp(&high(*b))));
        let mut named = Map::new();
        let mut list = Vec::new();
        for at in order {
            let (name, from, to) = &ranges[at];
            let side = |bound: &Option<f64>| bound.map_or_else(|| "*".to_owned(), number_text);
            let name = name.clone().unwrap_or_else(|| format!("{}-{}", side(from), side(to)));
            let mut head = Map::new();
            if !keyed {
                head.insert("key".to_owned(), json!(name));
            }
            for (key, bound) in [("from", from), ("to", to)] {
                if let Some(bound) = bound {
                    head.insert(key.to_owned(), json!(bound));
                }
            }
            let bucket = buckets.remove(&Key::Whole(at as i64)).unwrap_or_else(|| empty(inner));
            let shown = self.bucket(head, bucket, inner)?;
            if keyed { drop(named.insert(name, shown)) } else { list.push(shown) }
        }
        Ok(json!({"buckets": if keyed { Value::Object(named) } else { Value::Array(list) }}))
    }

    fn terms(
        &mut self,
        kind: Option<&Kind>,
        size: usize,
        order: &[Order],
        minimum: u64,
        inner: &Plan,
        buckets: HashMap<Key, Bucket>,
    ) -> Result<Value, ApiError> {
        let mut sorted: Vec<(Key, Bucket)> =
            buckets.into_iter().filter(|(_, bucket)| bucket.count >= minimum).collect();
        sorted.sort_by(|a, b| compare(a, b, order, inner));
        let others: u64 = sorted.iter().skip(size).map(|(_, bucket)| bucket.count).sum();
        sorted.truncate(size);
        let mut list = Vec::with_capacity(sorted.len());
        for (key, bucket) in sorted {
            list.push(self.bucket(terms_head(&key, kind), bucket, inner)?);
        }
        Ok(json!({
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": others,
            "buckets": list,
        }))
    }
}

fn terms_head(key: &Key, kind: Option<&Kind>) -> Map<String, Value> {
    let mut head = Map::new();
    match (key, kind) {
        (Key::Text(text), _) => drop(head.insert("key".to_owned(), json!(text))),
        (Key::Real(stored), _) => drop(head.insert("key".to_owned(), json!(Number::Double.decode(*stored)))),
        (Key::Whole(number), kind) => {
            head.insert("key".to_owned(), json!(number));
            let text = match kind {
                Some(Kind::Boolean) => Some((*number != 0).to_string()),
                Some(Kind::Date { format, .. }) => Some(format.print(number.saturating_mul(1_000_000), 0)),
                _ => None,
            };
            if let Some(text) = text {
                head.insert("key_as_string".to_owned(), json!(text));
            }
        }
    }
    head
}

fn compare(a: &(Key, Bucket), b: &(Key, Bucket), order: &[Order], inner: &Plan) -> Ordering {
    for rule in order {
        let ordering = match rule.by.as_str() {
            "_count" => a.1.count.cmp(&b.1.count),
            "_key" => a.0.cmp(&b.0),
            path => {
                let (left, right) = (metric(&a.1, inner, path), metric(&b.1, inner, path));
                // Buckets without a number come last, whatever the direction.
                match (left.is_nan(), right.is_nan()) {
                    (false, false) => left.total_cmp(&right),
                    (true, true) => Ordering::Equal,
                    (left, _) => return if left { Ordering::Greater } else { Ordering::Less },
                }
            }
        };
        let ordering = if rule.ascending { ordering } else { ordering.reverse() };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a.0.cmp(&b.0)
}

/// The number at the end of a path like `a`, `a.95`, `a>b`; NaN where there is none.
fn metric(bucket: &Bucket, plan: &Plan, path: &str) -> f64 {
    if let Some((name, rest)) = path.split_once('>') {
        let at = plan.parts.iter().position(|(part, ..)| part == name);
        return at.map_or(f64::NAN, |at| match &bucket.inner[at] {
            Partial::Buckets(buckets) => match buckets.get(&Key::Whole(0)) {
                Some(filtered) => metric(filtered, &plan.parts[at].2, rest),
                None => metric(&empty(&plan.parts[at].2), &plan.parts[at].2, rest),
            },
            _ => f64::NAN,
        });
    }
    let found = plan.parts.iter().enumerate().find_map(|(at, (part, ..))| {
        let property = if path == part {
            Some("")
        } else {
            path.strip_prefix(part.as_str()).and_then(|rest| rest.strip_prefix('.'))
        };
        property.map(|property| (at, property))
    });
    let Some((at, property)) = found else { return f64::NAN };
    match (&bucket.inner[at], &plan.parts[at].1) {
        (Partial::Buckets(buckets), _) => {
            buckets.get(&Key::Whole(0)).map_or(0.0, |filtered| filtered.count as f64)
        }
        (Partial::Count(count), _) => *count as f64,
        (Partial::Cardinality(set), _) => set.count() as f64,
        (Partial::Digest(digest), _) => {
            property.parse().ok().and_then(|percent| digest.percentile(percent)).unwrap_or(f64::NAN)
        }
        (Partial::Stats(stats), Aggregation::Stats { shown, .. }) => match (shown, property) {
            (Shown::Sum, _) | (_, "sum") => stats.sum(),
            (_, "count") => stats.count as f64,
            _ if stats.count == 0 => f64::NAN,
            (Shown::Min, _) | (_, "min") => stats.min,
            (Shown::Max, _) | (_, "max") => stats.max,
            _ => stats.sum() / stats.count as f64,
        },
        _ => f64::NAN,
    }
}

fn show_stats(shown: Shown, stats: &super::partial::Stats, kind: Option<&Kind>) -> Value {
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
fn number_text(value: f64) -> String {
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

fn empty(inner: &Plan) -> Bucket {
    Bucket {
        count: 0,
        inner: inner.parts.iter().map(|(_, aggregation, _)| Partial::empty(aggregation)).collect(),
    }
}

/// Adds empty buckets between the first and the last, and over `bounds`.
fn fill(
    buckets: &mut HashMap<Key, Bucket>,
    bounds: Option<(i64, i64)>,
    inner: &Plan,
    next: impl Fn(i64) -> i64,
) -> Result<(), ApiError> {
    let keys = buckets.keys().filter_map(|key| if let Key::Whole(key) = key { Some(*key) } else { None });
    let (least, most) = keys.fold((i64::MAX, i64::MIN), |(least, most), key| (least.min(key), most.max(key)));
    let (low, high) = bounds.unwrap_or((i64::MAX, i64::MIN));
    let (mut key, last) = (least.min(low), most.max(high));
    let mut steps = 0;
    while key <= last {
        buckets.entry(Key::Whole(key)).or_insert_with(|| empty(inner));
        key = next(key);
        steps += 1;
        if steps > BUCKETS_MAX {
            return Err(too_many_buckets());
        }
    }
    Ok(())
}

fn too_many_buckets() -> ApiError {
    let reason = format!(
        "Trying to create too many buckets. Must be less than or equal to: [{BUCKETS_MAX}] but this number of buckets was exceeded. This limit can be set by changing the [search.max_buckets] cluster level setting."
    );
    let mut error = ApiError::new(400, "too_many_buckets_exception", reason);
    error.details.insert("max_buckets".to_owned(), json!(BUCKETS_MAX));
    error
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
