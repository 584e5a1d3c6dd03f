//! The aggregations of a request, read and bound to fields.

use super::rounding::Rounding;
use crate::mapping::Mapping;
use crate::query::{Query, parse as parse_query};
use crate::store::ApiError;
use crate::time::calendar::{TimeZone, Unit};
use crate::time::duration_millis;
use crate::time::format::DateFormat;
use serde_json::{Map, Value};

/// Aggregations by name, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Name, aggregation and what is inside its buckets.
    pub parts: Vec<(String, Aggregation, Plan)>,
}

/// One aggregation.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregation {
    /// `terms`
    Terms {
        /// The field.
        field: String,
        /// Most buckets.
        size: usize,
        /// How buckets are ordered, the first rule first; by key where all are equal.
        order: Vec<Order>,
        /// Least documents of a bucket.
        minimum: u64,
        /// The value of documents without one.
        missing: Option<Value>,
        /// Only these: exact values or one regular expression.
        include: Option<Filter>,
        /// Not these.
        exclude: Option<Filter>,
    },
    /// `date_histogram`
    DateHistogram {
        /// The field.
        field: String,
        /// Where buckets begin.
        rounding: Rounding,
        /// How keys are printed.
        format: Option<DateFormat>,
        /// Least documents of a bucket; 0 fills gaps.
        minimum: u64,
        /// Buckets there are even without documents, in milliseconds.
        extended: Option<(i64, i64)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `histogram`
    Histogram {
        /// The field.
        field: String,
        /// Length of a bucket.
        interval: f64,
        /// By how much beginnings are moved.
        offset: f64,
        /// Least documents of a bucket; 0 fills gaps.
        minimum: u64,
        /// Buckets there are even without documents.
        extended: Option<(f64, f64)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `range`: key, from, to
    Range {
        /// The field.
        field: String,
        /// The ranges.
        ranges: Vec<(Option<String>, Option<f64>, Option<f64>)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `filters`
    Filters {
        /// Name and query.
        filters: Vec<(String, Query)>,
        /// Buckets by name instead of a list.
        keyed: bool,
    },
    /// `filter`
    Filter(Query),
    /// `avg`, `sum`, `min`, `max`, `stats`
    Stats {
        /// Which of them.
        shown: Shown,
        /// The field.
        field: String,
        /// The value of documents without one.
        missing: Option<f64>,
    },
    /// `value_count`
    ValueCount(String),
    /// `percentiles`
    Percentiles {
        /// The field.
        field: String,
        /// Which ones.
        percents: Vec<f64>,
        /// By key instead of a list.
        keyed: bool,
    },
    /// `cardinality`
    Cardinality(String),
    /// `top_hits`
    TopHits(TopHits),
}

/// The documents of a `top_hits`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopHits {
    /// Most documents.
    pub size: usize,
    /// The whole request, for sorting and for what is shown of each document.
    pub request: Value,
}

/// Which numbers of [`Aggregation::Stats`] are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// `avg`
    Avg,
    /// `sum`
    Sum,
    /// `min`
    Min,
    /// `max`
    Max,
    /// All of them.
    All,
}

/// Length of a date bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Milliseconds.
    Fixed(i64),
    /// A unit of the calendar.
    Calendar(Unit),
}

/// One rule of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// `_count`, `_key`, or a path to a metric.
    pub by: String,
    /// Smallest first.
    pub ascending: bool,
}

/// Values that are let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// These.
    Values(Vec<String>),
    /// Those that fit the whole pattern.
    Pattern(String),
}

const DEPTH_MAX: usize = 20;

/// Reads the object under `aggs`.
pub fn parse(source: &Value, mapping_of: &[&Mapping]) -> Result<Plan, ApiError> {
    parse_level(source, mapping_of, 0)
}

fn parse_level(source: &Value, mappings: &[&Mapping], depth: usize) -> Result<Plan, ApiError> {
    let Some(source) = source.as_object() else {
        return Err(ApiError::parsing("Found [aggregations] that is not an object"));
    };
    if depth > DEPTH_MAX {
        return Err(ApiError::illegal(format!("aggregations are nested deeper than [{DEPTH_MAX}]")));
    }
    let mut parts = Vec::new();
    for (name, body) in source {
        if name.contains(['[', ']', '>']) {
            return Err(ApiError::parsing(format!(
                "Invalid aggregation name [{name}]. Aggregation names cannot contain '[', ']', and '>'."
            )));
        }
        let body = body.as_object().ok_or_else(|| {
            ApiError::parsing(format!("Aggregation definition for [{name}] must be an object"))
        })?;
        let (mut kind, mut plan) = (None, Plan::default());
        for (key, value) in body {
            match key.as_str() {
                "aggs" | "aggregations" => plan = parse_level(value, mappings, depth + 1)?,
                "meta" => {}
                key if kind.is_none() => kind = Some((key, value)),
                key => {
                    return Err(ApiError::parsing(format!(
                        "Found two aggregation type definitions in [{name}]: [{}] and [{key}]",
                        kind.map_or("", |kind| kind.0)
                    )));
                }
            }
        }
        let (kind, parameters) =
            kind.ok_or_else(|| ApiError::parsing(format!("Missing definition for aggregation [{name}]")))?;
        let aggregation = parse_one(name, kind, parameters, mappings)?;
        if !aggregation.has_buckets() && !plan.parts.is_empty() {
            let reason = format!("Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations");
            return Err(ApiError::new(400, "aggregation_initialization_exception", reason));
        }
        parts.push((name.clone(), aggregation, plan));
    }
    let plan = Plan { parts };
    plan.check_orders()?;
    Ok(plan)
}

/// The parameters of one aggregation, every one of which must be asked for.
struct Parameters<'a> {
    name: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Parameters<'a> {
    fn new(name: &'a str, value: &'a Value, known: &[&str]) -> Result<Self, ApiError> {
        let map =
            value.as_object().ok_or_else(|| ApiError::parsing(format!("[{name}] must be an object")))?;
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) if key == "script" => {
                Err(ApiError::unsupported(&format!("[script] in aggregation [{name}]")))
            }
            Some(key) => Err(ApiError::new(
                400,
                "x_content_parse_exception",
                format!("[{name}] unknown field [{key}]"),
            )),
            None => Ok(Self { name, map }),
        }
    }

    fn field(&self) -> Result<String, ApiError> {
        self.text("field").ok_or_else(|| {
            ApiError::illegal(format!(
                "Required one of fields [field, script], but none were specified in [{}]",
                self.name
            ))
        })
    }

    fn text(&self, key: &str) -> Option<String> {
        self.map.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ApiError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_f64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
                .map(Some)
                .ok_or_else(|| ApiError::parsing(format!("[{}] failed to parse field [{key}]", self.name))),
        }
    }

    fn whole(&self, key: &str, default: u64) -> Result<u64, ApiError> {
        match self.number(key)? {
            None => Ok(default),
            Some(number) if number >= 0.0 && number.fract() == 0.0 => Ok(number as u64),
            Some(number) => Err(ApiError::illegal(format!(
                "[{key}] must be 0 or greater. Found [{number}] in [{}]",
                self.name
            ))),
        }
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.map.get(key).and_then(Value::as_bool).unwrap_or(default)
    }
}

fn parse_one(name: &str, kind: &str, value: &Value, mappings: &[&Mapping]) -> Result<Aggregation, ApiError> {
    let stats = |shown| {
        let parameters = Parameters::new(name, value, &["field", "missing", "format"])?;
        Ok(Aggregation::Stats { shown, field: parameters.field()?, missing: parameters.number("missing")? })
    };
    match kind {
        "terms" => terms(name, value),
        "date_histogram" => date_histogram(name, value, mappings),
        "histogram" => histogram(name, value),
        "range" => range(name, value),
        "filters" => filters(name, value),
        "filter" => Ok(Aggregation::Filter(parse_query(value)?)),
        "avg" => stats(Shown::Avg),
        "sum" => stats(Shown::Sum),
        "min" => stats(Shown::Min),
        "max" => stats(Shown::Max),
        "stats" => stats(Shown::All),
        "value_count" => Ok(Aggregation::ValueCount(Parameters::new(name, value, &["field"])?.field()?)),
        "cardinality" => {
            let parameters =
                Parameters::new(name, value, &["field", "precision_threshold", "execution_hint"])?;
            Ok(Aggregation::Cardinality(parameters.field()?))
        }
        "percentiles" => percentiles(name, value),
        "top_hits" => {
            let known = [
                "size",
                "from",
                "sort",
                "_source",
                "docvalue_fields",
                "fields",
                "highlight",
                "stored_fields",
                "version",
                "track_scores",
            ];
            let parameters = Parameters::new(name, value, &known)?;
            if parameters.whole("from", 0)? > 0 {
                return Err(ApiError::unsupported(&format!("[from] in aggregation [{name}]")));
            }
            let size = parameters.whole("size", 3)? as usize;
            if size > 100 {
                return Err(ApiError::illegal(format!(
                    "Top hits result window is too large, the top hits aggregator [{name}]'s from + size must be less than or equal to: [100] but was [{size}]"
                )));
            }
            Ok(Aggregation::TopHits(TopHits { size, request: value.clone() }))
        }
        "multi_terms"
        | "rare_terms"
        | "significant_terms"
        | "nested"
        | "composite"
        | "auto_date_histogram"
        | "percentile_ranks"
        | "extended_stats"
        | "top_metrics"
        | "missing"
        | "global"
        | "weighted_avg"
        | "median_absolute_deviation"
        | "date_range"
        | "geo_bounds"
        | "scripted_metric"
        | "bucket_script"
        | "bucket_sort"
        | "bucket_selector"
        | "derivative"
        | "cumulative_sum"
        | "moving_fn"
        | "sampler"
        | "random_sampler"
        | "adjacency_matrix"
        | "ip_range"
        | "reverse_nested"
        | "avg_bucket"
        | "sum_bucket"
        | "max_bucket"
        | "min_bucket"
        | "stats_bucket"
        | "rate"
        | "boxplot"
        | "string_stats"
        | "matrix_stats"
        | "serial_diff" => Err(ApiError::unsupported(&format!("aggregation [{kind}]"))),
        unknown => Err(ApiError::parsing(format!("Unknown aggregation type [{unknown}]"))
            .caused_by("named_object_not_found_exception", &format!("[1:1] unknown field [{unknown}]"))),
    }
}

fn terms(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
    let known = [
        "field",
        "size",
        "shard_size",
        "order",
        "min_doc_count",
        "shard_min_doc_count",
        "missing",
        "include",
        "exclude",
        "show_term_doc_count_error",
        "collect_mode",
        "execution_hint",
        "value_type",
        "format",
    ];
    let parameters = Parameters::new(name, value, &known)?;
    let size = parameters.whole("size", 10)? as usize;
    if size == 0 {
        return Err(ApiError::illegal(format!("[size] must be greater than 0. Found [0] in [{name}]")));
    }
    let filter = |key: &str| match parameters.map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(pattern)) => Ok(Some(Filter::Pattern(pattern.clone()))),
        Some(Value::Array(values)) => Ok(Some(Filter::Values(
            values
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect(),
        ))),
        Some(_) => Err(ApiError::unsupported(&format!("[{key}] by partition in aggregation [{name}]"))),
    };
    if parameters.map.get("min_doc_count").is_some_and(|minimum| minimum == 0) {
        return Err(ApiError::unsupported(&format!("[min_doc_count] of [0] in aggregation [{name}]")));
    }
    Ok(Aggregation::Terms {
        field: parameters.field()?,
        size,
        order: orders(parameters.map.get("order"))?,
        minimum: parameters.whole("min_doc_count", 1)?,
        missing: parameters.map.get("missing").cloned(),
        include: filter("include")?,
        exclude: filter("exclude")?,
    })
}

fn orders(value: Option<&Value>) -> Result<Vec<Order>, ApiError> {
    let one = |rule: &Value| -> Result<Order, ApiError> {
        let (by, direction) = rule
            .as_object()
            .filter(|rule| rule.len() == 1)
            .and_then(|rule| rule.iter().next())
            .ok_or_else(|| ApiError::parsing("Must specify at least one field for [order]"))?;
        let ascending = match direction.as_str().map(str::to_lowercase).as_deref() {
            Some("asc") => true,
            Some("desc") => false,
            _ => return Err(ApiError::parsing(format!("Unknown order direction [{direction}]"))),
        };
        let by = if by == "_term" || by == "_time" { "_key" } else { by };
        Ok(Order { by: by.to_owned(), ascending })
    };
    match value {
        None | Some(Value::Null) => Ok(vec![Order { by: "_count".to_owned(), ascending: false }]),
        Some(Value::Array(rules)) => rules.iter().map(one).collect(),
        Some(rule) => Ok(vec![one(rule)?]),
    }
}

fn date_histogram(name: &str, value: &Value, mappings: &[&Mapping]) -> Result<Aggregation, ApiError> {
    let known = [
        "field",
        "fixed_interval",
        "calendar_interval",
        "interval",
        "time_zone",
        "offset",
        "format",
        "min_doc_count",
        "extended_bounds",
        "hard_bounds",
        "keyed",
        "order",
        "missing",
    ];
    let parameters = Parameters::new(name, value, &known)?;
    for key in ["hard_bounds", "missing", "interval"] {
        if parameters.map.contains_key(key) {
            return Err(ApiError::unsupported(&format!("[{key}] in aggregation [{name}]")));
        }
    }
    if parameters.map.get("order").is_some_and(|order| {
        orders(Some(order)) != Ok(vec![Order { by: "_key".to_owned(), ascending: true }])
    }) {
        return Err(ApiError::unsupported(&format!("[order] in aggregation [{name}]")));
    }
    let interval = match (parameters.text("fixed_interval"), parameters.text("calendar_interval")) {
        (Some(text), None) => Interval::Fixed(duration_millis(&text).ok_or_else(|| {
            ApiError::illegal(format!(
                "failed to parse setting [date_histogram.fixed_interval] with value [{text}] as a time value"
            ))
        })?),
        (None, Some(text)) => Interval::Calendar(Unit::from_interval(&text).ok_or_else(|| {
            ApiError::illegal(format!(
                "The supplied interval [{text}] could not be parsed as a calendar interval."
            ))
        })?),
        _ => {
            return Err(ApiError::illegal(
                "Invalid interval specified, must be non-null and one of [fixed_interval] or [calendar_interval]",
            ));
        }
    };
    let zone = match parameters.text("time_zone") {
        Some(text) => TimeZone::parse(&text)
            .ok_or_else(|| ApiError::illegal(format!("Unknown time-zone ID: {text}")))?,
        None => TimeZone::utc(),
    };
    let offset = match parameters.text("offset") {
        Some(text) => signed_millis(&text)
            .ok_or_else(|| ApiError::illegal(format!("failed to parse [offset] with value [{text}]")))?,
        None => 0,
    };
    let format = match parameters.text("format") {
        Some(text) => Some(
            DateFormat::parse(&text)
                .map_err(|part| ApiError::illegal(format!("Invalid format: [{part}]")))?,
        ),
        None => None,
    };
    let field = parameters.field()?;
    let extended = match parameters.map.get("extended_bounds") {
        Some(bounds) => Some(date_bounds(bounds, &field, &zone, format.as_ref(), mappings)?),
        None => None,
    };
    Ok(Aggregation::DateHistogram {
        field,
        rounding: Rounding { interval, zone, offset },
        format,
        minimum: parameters.whole("min_doc_count", 0)?,
        extended,
        keyed: parameters.flag("keyed", false),
    })
}

fn date_bounds(
    bounds: &Value,
    field: &str,
    zone: &TimeZone,
    format: Option<&DateFormat>,
    mappings: &[&Mapping],
) -> Result<(i64, i64), ApiError> {
    use crate::mapping::Kind;
    let default = DateFormat::default();
    let own = mappings.iter().find_map(|mapping| match &mapping.field(field)?.kind {
        Kind::Date { format, .. } => Some(format),
        _ => None,
    });
    let context = crate::time::math::Context::at_present(format.or(own).unwrap_or(&default), zone);
    let side = |key: &str| -> Result<i64, ApiError> {
        let value = &bounds[key];
        let found = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => context
                .read(text, crate::time::format::Missing::First)
                .map(|nanos| nanos.div_euclid(1_000_000)),
            _ => None,
        };
        found.ok_or_else(|| {
            ApiError::new(
                400,
                "parse_exception",
                format!("failed to parse date field [{value}] of [extended_bounds.{key}]"),
            )
        })
    };
    let (min, max) = (side("min")?, side("max")?);
    if min > max {
        return Err(ApiError::illegal(format!(
            "[extended_bounds.min][{min}] cannot be greater than [extended_bounds.max][{max}]"
        )));
    }
    Ok((min, max))
}

fn signed_millis(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => duration_millis(rest).map(|millis| -millis),
        None => duration_millis(text.strip_prefix('+').unwrap_or(text)),
    }
}

fn histogram(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
    let parameters = Parameters::new(
        name,
        value,
        &["field", "interval", "offset", "min_doc_count", "extended_bounds", "keyed"],
    )?;
    let interval = parameters.number("interval")?.filter(|interval| *interval > 0.0);
    let bound = |bounds: &Value, key: &str| {
        bounds[key]
            .as_f64()
            .ok_or_else(|| ApiError::parsing(format!("[extended_bounds.{key}] must be a number")))
    };
    let extended = match parameters.map.get("extended_bounds") {
        Some(bounds) => Some((bound(bounds, "min")?, bound(bounds, "max")?)),
        None => None,
    };
    Ok(Aggregation::Histogram {
        field: parameters.field()?,
        interval: interval
            .ok_or_else(|| ApiError::illegal("[interval] must be >0 for histogram aggregation"))?,
        offset: parameters.number("offset")?.unwrap_or(0.0),
        minimum: parameters.whole("min_doc_count", 0)?,
        extended,
        keyed: parameters.flag("keyed", false),
    })
}

fn range(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
    let parameters = Parameters::new(name, value, &["field", "ranges", "keyed"])?;
    let ranges = parameters.map.get("ranges").and_then(Value::as_array).filter(|ranges| !ranges.is_empty());
    let ranges = ranges
        .ok_or_else(|| ApiError::illegal(format!("No [ranges] specified for the [{name}] aggregation")))?;
    let one = |range: &Value| {
        let side = |key: &str| match &range[key] {
            Value::Null => Ok(None),
            value => {
                value.as_f64().map(Some).ok_or_else(|| ApiError::parsing(format!("[{key}] must be a number")))
            }
        };
        Ok((range["key"].as_str().map(str::to_owned), side("from")?, side("to")?))
    };
    Ok(Aggregation::Range {
        field: parameters.field()?,
        ranges: ranges.iter().map(one).collect::<Result<_, ApiError>>()?,
        keyed: parameters.flag("keyed", false),
    })
}

fn filters(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
    let parameters = Parameters::new(name, value, &["filters"])?;
    let (filters, keyed) = match parameters.map.get("filters") {
        Some(Value::Object(named)) => {
            let filters = named.iter().map(|(key, query)| Ok((key.clone(), parse_query(query)?)));
            (filters.collect::<Result<Vec<_>, ApiError>>()?, true)
        }
        Some(Value::Array(list)) => {
            let filters =
                list.iter().enumerate().map(|(at, query)| Ok((at.to_string(), parse_query(query)?)));
            (filters.collect::<Result<Vec<_>, ApiError>>()?, false)
        }
        _ => return Err(ApiError::parsing(format!("[filters] must be provided in [{name}]"))),
    };
    Ok(Aggregation::Filters { filters, keyed })
}

fn percentiles(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
    let parameters = Parameters::new(name, value, &["field", "percents", "keyed", "tdigest", "format"])?;
    let percents = match parameters.map.get("percents") {
        None => vec![1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_f64).collect(),
        Some(one) => one.as_f64().into_iter().collect(),
    };
    if percents.is_empty() || percents.iter().any(|percent| !(0.0..=100.0).contains(percent)) {
        return Err(ApiError::illegal(format!("[percents] must hold numbers from 0 to 100: [{name}]")));
    }
    Ok(Aggregation::Percentiles {
        field: parameters.field()?,
        percents,
        keyed: parameters.flag("keyed", true),
    })
}

impl Aggregation {
    /// Whether it makes buckets that hold further aggregations.
    pub fn has_buckets(&self) -> bool {
        matches!(
            self,
            Self::Terms { .. }
                | Self::DateHistogram { .. }
                | Self::Histogram { .. }
                | Self::Range { .. }
                | Self::Filters { .. }
                | Self::Filter(_)
        )
    }
}

impl Plan {
    fn check_orders(&self) -> Result<(), ApiError> {
        for (_, aggregation, inner) in &self.parts {
            let Aggregation::Terms { order, .. } = aggregation else { continue };
            for rule in order.iter().filter(|rule| !matches!(rule.by.as_str(), "_count" | "_key")) {
                if !inner.has_metric(&rule.by) {
                    return Err(ApiError::new(
                        400,
                        "aggregation_execution_exception",
                        format!(
                            "Invalid aggregation order path [{}]. The provided aggregation either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets.",
                            rule.by
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a path like `a`, `a.95`, `a>b` or `a>b.max` leads to a number.
    fn has_metric(&self, path: &str) -> bool {
        match path.split_once('>') {
            Some((name, rest)) => self.parts.iter().any(|(part, aggregation, inner)| {
                part == name && matches!(aggregation, Aggregation::Filter(_)) && inner.has_metric(rest)
            }),
            None => self.parts.iter().any(|(part, aggregation, _)| {
                let property = if path == part {
                    Some("")
                } else {
                    path.strip_prefix(part).and_then(|rest| rest.strip_prefix('.'))
                };
                property.is_some_and(|property| aggregation.has_property(property))
            }),
        }
    }

    /// The plan without what only finishing looks at, so that a window in time that moves leaves it as it is.
    pub fn without_bounds(&self) -> Self {
        let mut plan = self.clone();
        for (_, aggregation, inner) in &mut plan.parts {
            if let Aggregation::DateHistogram { extended, .. } = aggregation {
                *extended = None;
            }
            *inner = inner.without_bounds();
        }
        plan
    }

    /// Whether any aggregation, at any depth, is a `top_hits`.
    pub fn has_top_hits(&self) -> bool {
        self.parts.iter().any(|(_, aggregation, inner)| {
            matches!(aggregation, Aggregation::TopHits(_)) || inner.has_top_hits()
        })
    }
}

impl Aggregation {
    fn has_property(&self, property: &str) -> bool {
        match self {
            Self::Filter(_) => matches!(property, "" | "doc_count"),
            Self::Stats { shown: Shown::All, .. } => {
                matches!(property, "count" | "min" | "max" | "avg" | "sum")
            }
            Self::Stats { .. } | Self::ValueCount(_) | Self::Cardinality(_) => {
                matches!(property, "" | "value")
            }
            Self::Percentiles { percents, .. } => {
                property.parse::<f64>().is_ok_and(|wanted| percents.contains(&wanted))
            }
            _ => false,
        }
    }
}
