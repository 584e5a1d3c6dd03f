//! The object under `aggs`, read.

use super::buckets::{filters, histogram, range, terms};
use super::dates::date_histogram;
use super::parameters::Parameters;
use super::{Aggregation, Plan, Shown, TopHits};
use crate::mapping::Mapping;
use crate::query::parse as parse_query;
use crate::store::ApiError;
use serde_json::Value;

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
            .caused_by("named_object_not_found_exception", &format!("unknown field [{unknown}]"))
            .at_value(unknown)),
    }
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
