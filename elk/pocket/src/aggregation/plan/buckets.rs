//! Aggregations that make buckets by value or by query.

use super::parameters::Parameters;
use super::{Aggregation, Filter, Order};
use crate::query::parse as parse_query;
use crate::store::ApiError;
use serde_json::Value;

pub(super) fn terms(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
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

pub(super) fn orders(value: Option<&Value>) -> Result<Vec<Order>, ApiError> {
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

pub(super) fn histogram(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
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

pub(super) fn range(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
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

pub(super) fn filters(name: &str, value: &Value) -> Result<Aggregation, ApiError> {
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
