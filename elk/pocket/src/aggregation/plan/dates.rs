//! Aggregations that make buckets by date.

use super::buckets::orders;
use super::parameters::Parameters;
use super::{Aggregation, Interval, Order};
use crate::aggregation::rounding::Rounding;
use crate::mapping::Mapping;
use crate::store::ApiError;
use crate::time::calendar::{TimeZone, Unit};
use crate::time::duration_millis;
use crate::time::format::DateFormat;
use serde_json::Value;

pub(super) fn date_histogram(
    name: &str,
    value: &Value,
    mappings: &[&Mapping],
) -> Result<Aggregation, ApiError> {
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
