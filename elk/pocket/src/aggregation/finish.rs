//! From merged partials to the answer: buckets ordered, cut, filled up and printed.

use super::allowance::{Share, vec_bytes};
use super::number::{number_text, show_stats};
use super::partial::{Bucket, Key, Partial};
use super::plan::{Aggregation, Order, Plan, Shown};
use crate::mapping::{Kind, Number};
use crate::search::TopHit;
use crate::store::ApiError;
use crate::time::format::DateFormat;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Most buckets of an answer, as `search.max_buckets`.
const BUCKETS_MAX: usize = 65_536;

/// What finishing needs to know of fields, and how documents are shown.
pub trait Show {
    /// The type of a field, from any index that has it.
    fn kind(&self, field: &str) -> Option<Kind>;
    /// The answer of a `top_hits` as JSON; `share` holds its documents until it is printed.
    fn hits(
        &self,
        hits: &[TopHit],
        total: u64,
        request: &Value,
        share: Share<'_>,
    ) -> Result<Vec<u8>, ApiError>;
}

/// Prints what `plan` found in `total` documents; `share` holds what is printed.
pub fn finish(
    plan: &Plan,
    partials: Vec<Partial>,
    total: u64,
    show: &impl Show,
    share: Share<'_>,
) -> Result<Box<RawValue>, ApiError> {
    let mut printer = Printer { show, share, buckets: 0, text: Vec::new() };
    printer.text.push(b'{');
    printer.parts(plan, partials, total)?;
    printer.text.push(b'}');
    let text = String::from_utf8(printer.text).map_err(|error| ApiError::internal(error.to_string()))?;
    RawValue::from_string(text).map_err(internal)
}

fn internal(error: serde_json::Error) -> ApiError {
    ApiError::internal(error.to_string())
}

/// Prints as it goes: a tree of a large answer would take many times its text.
struct Printer<'a, S> {
    show: &'a S,
    share: Share<'a>,
    buckets: usize,
    text: Vec<u8>,
}

impl<S: Show> Printer<'_, S> {
    fn value(&mut self, value: &impl Serialize) -> Result<(), ApiError> {
        serde_json::to_writer(&mut self.text, value).map_err(internal)
    }

    /// What stands before the next of a list or an object.
    fn comma(&mut self) {
        if !matches!(self.text.last(), Some(b'{' | b'[')) {
            self.text.push(b',');
        }
    }

    fn key(&mut self, key: &str) -> Result<(), ApiError> {
        self.comma();
        self.value(&key)?;
        self.text.push(b':');
        Ok(())
    }

    /// The aggregations of a level, as entries of an object that is open.
    fn parts(&mut self, plan: &Plan, partials: Vec<Partial>, total: u64) -> Result<(), ApiError> {
        for ((name, aggregation, inner), partial) in plan.parts.iter().zip(partials) {
            self.key(name)?;
            self.one(aggregation, inner, partial, total)?;
            self.share.set(self.text.len())?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        aggregation: &Aggregation,
        inner: &Plan,
        partial: Partial,
        total: u64,
    ) -> Result<(), ApiError> {
        match (aggregation, partial) {
            (Aggregation::Stats { shown, field, .. }, Partial::Stats(stats)) => {
                let kind = self.show.kind(field);
                self.value(&show_stats(*shown, &stats, kind.as_ref()))
            }
            (Aggregation::ValueCount(_), Partial::Count(count)) => self.value(&json!({"value": count})),
            (Aggregation::Cardinality(_), Partial::Cardinality(set)) => {
                self.value(&json!({"value": set.count()}))
            }
            (Aggregation::Percentiles { percents, keyed, .. }, Partial::Digest(digest)) => {
                let values =
                    percents.iter().map(|percent| (format!("{percent:?}"), digest.percentile(*percent)));
                self.value(&match keyed {
                    true => {
                        json!({"values": values.map(|(key, value)| (key, json!(value))).collect::<Map<_, _>>()})
                    }
                    false => {
                        json!({"values": percents.iter().map(|percent| json!({"key": percent, "value": digest.percentile(*percent)})).collect::<Vec<_>>()})
                    }
                })
            }
            (Aggregation::TopHits(top), Partial::Hits(hits)) => {
                let shown = self.show.hits(&hits, total, &top.request, self.share.beside())?;
                self.text.extend_from_slice(&shown);
                Ok(())
            }
            (Aggregation::Filter(_), Partial::Buckets(mut buckets)) => {
                let bucket = buckets.remove(&Key::Whole(0)).unwrap_or_else(|| empty(inner));
                self.bucket(&[], bucket, inner)
            }
            (_, Partial::Buckets(buckets)) => self.buckets(aggregation, inner, buckets),
            (_, _) => Err(ApiError::internal("an aggregation and its result do not fit")),
        }
    }

    /// A bucket after the entries in `head`.
    fn bucket(&mut self, head: &[(&str, Value)], bucket: Bucket, inner: &Plan) -> Result<(), ApiError> {
        self.buckets += 1;
        if self.buckets > BUCKETS_MAX {
            return Err(too_many_buckets());
        }
        self.text.push(b'{');
        for (key, value) in head {
            self.key(key)?;
            self.value(value)?;
        }
        self.key("doc_count")?;
        self.value(&bucket.count)?;
        self.parts(inner, bucket.inner, bucket.count)?;
        self.text.push(b'}');
        self.share.set(self.text.len())
    }

    fn open(&mut self, keyed: bool) {
        self.text.extend_from_slice(if keyed { b"{\"buckets\":{" } else { b"{\"buckets\":[" });
    }

    fn close(&mut self, keyed: bool) {
        self.text.extend_from_slice(if keyed { b"}}" } else { b"]}" });
    }

    /// What stands before a bucket of [`Self::open`].
    fn next(&mut self, name: &str, keyed: bool) -> Result<(), ApiError> {
        if keyed {
            return self.key(name);
        }
        self.comma();
        Ok(())
    }

    fn buckets(
        &mut self,
        aggregation: &Aggregation,
        inner: &Plan,
        mut buckets: HashMap<Key, Bucket>,
    ) -> Result<(), ApiError> {
        let mut filled = self.share.beside();
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
                    fill(&mut buckets, bounds, inner, |start| rounding.next(start), &mut filled)?;
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
                    fill(&mut buckets, bounds, inner, |number| number + 1, &mut filled)?;
                }
                self.list(buckets, *minimum, inner, *keyed, |key| {
                    let start = key as f64 * interval + offset;
                    (number_text(start), vec![("key", json!(start))])
                })
            }
            Aggregation::Range { ranges, keyed, .. } => self.ranges(ranges, *keyed, inner, buckets),
            Aggregation::Filters { filters, keyed } => {
                self.open(*keyed);
                for (at, (name, _)) in filters.iter().enumerate() {
                    let bucket = buckets.remove(&Key::Whole(at as i64)).unwrap_or_else(|| empty(inner));
                    self.next(name, *keyed)?;
                    self.bucket(&[], bucket, inner)?;
                }
                self.close(*keyed);
                Ok(())
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
    ) -> Result<(), ApiError> {
        let mut sorted: Vec<(Key, Bucket)> =
            buckets.into_iter().filter(|(_, bucket)| bucket.count >= minimum).collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.open(keyed);
        for (key, bucket) in sorted {
            let Key::Whole(key) = key else { continue };
            let (name, head) = head(key);
            self.next(&name, keyed)?;
            self.bucket(&head, bucket, inner)?;
        }
        self.close(keyed);
        Ok(())
    }

    fn ranges(
        &mut self,
        ranges: &[(Option<String>, Option<f64>, Option<f64>)],
        keyed: bool,
        inner: &Plan,
        mut buckets: HashMap<Key, Bucket>,
    ) -> Result<(), ApiError> {
        // Printed by lower, then upper bound, whatever the order of asking.
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        let low = |at: usize| ranges[at].1.unwrap_or(f64::NEG_INFINITY);
        let high = |at: usize| ranges[at].2.unwrap_or(f64::INFINITY);
        order.sort_by(|a, b| low(*a).total_cmp(&low(*b)).then(high(*a).total_cmp(&high(*b))));
        self.open(keyed);
        for at in order {
            let (name, from, to) = &ranges[at];
            let side = |bound: &Option<f64>| bound.map_or_else(|| "*".to_owned(), number_text);
            let name = name.clone().unwrap_or_else(|| format!("{}-{}", side(from), side(to)));
            let bounds = [("from", from), ("to", to)];
            let mut head: Vec<(&str, Value)> = Vec::new();
            head.extend((!keyed).then(|| ("key", json!(name))));
            head.extend(bounds.into_iter().filter_map(|(key, bound)| Some((key, json!((*bound)?)))));
            let bucket = buckets.remove(&Key::Whole(at as i64)).unwrap_or_else(|| empty(inner));
            self.next(&name, keyed)?;
            self.bucket(&head, bucket, inner)?;
        }
        self.close(keyed);
        Ok(())
    }

    fn terms(
        &mut self,
        kind: Option<&Kind>,
        size: usize,
        order: &[Order],
        minimum: u64,
        inner: &Plan,
        buckets: HashMap<Key, Bucket>,
    ) -> Result<(), ApiError> {
        let mut sorted: Vec<(Key, Bucket)> =
            buckets.into_iter().filter(|(_, bucket)| bucket.count >= minimum).collect();
        sorted.sort_unstable_by(|a, b| compare(a, b, order, inner));
        let others: u64 = sorted.iter().skip(size).map(|(_, bucket)| bucket.count).sum();
        sorted.truncate(size);
        self.text.push(b'{');
        self.key("doc_count_error_upper_bound")?;
        self.value(&0)?;
        self.key("sum_other_doc_count")?;
        self.value(&others)?;
        self.key("buckets")?;
        self.text.push(b'[');
        for (key, bucket) in sorted {
            self.comma();
            self.bucket(&terms_head(&key, kind), bucket, inner)?;
        }
        self.text.extend_from_slice(b"]}");
        Ok(())
    }
}

fn terms_head(key: &Key, kind: Option<&Kind>) -> Vec<(&'static str, Value)> {
    match (key, kind) {
        (Key::Text(text), _) => vec![("key", json!(&**text))],
        (Key::Real(stored), _) => vec![("key", json!(Number::Double.decode(*stored)))],
        (Key::Whole(number), kind) => {
            let text = match kind {
                Some(Kind::Boolean) => Some((*number != 0).to_string()),
                Some(Kind::Date { format, .. }) => Some(format.print(number.saturating_mul(1_000_000), 0)),
                _ => None,
            };
            let mut head = vec![("key", json!(number))];
            head.extend(text.map(|text| ("key_as_string", json!(text))));
            head
        }
    }
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

fn empty(inner: &Plan) -> Bucket {
    Bucket {
        count: 0,
        inner: inner.parts.iter().map(|(_, aggregation, _)| Partial::empty(aggregation)).collect(),
    }
}

/// Adds empty buckets, which `share` holds, between the first and the last, and over `bounds`.
fn fill(
    buckets: &mut HashMap<Key, Bucket>,
    bounds: Option<(i64, i64)>,
    inner: &Plan,
    next: impl Fn(i64) -> i64,
    share: &mut Share<'_>,
) -> Result<(), ApiError> {
    let keys = buckets.keys().filter_map(|key| if let Key::Whole(key) = key { Some(*key) } else { None });
    let (least, most) = keys.fold((i64::MAX, i64::MIN), |(least, most), key| (least.min(key), most.max(key)));
    let (low, high) = bounds.unwrap_or((i64::MAX, i64::MIN));
    let (mut key, last) = (least.min(low), most.max(high));
    let mut steps = 0;
    // The table may have just doubled.
    let each = 3 * size_of::<(Key, Bucket)>() + vec_bytes::<Partial>(inner.parts.len());
    while key <= last {
        share.grow(each)?;
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
