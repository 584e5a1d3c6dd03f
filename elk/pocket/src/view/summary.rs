//! `summary`: how many lines, over time and by level, and per level and service.

use super::fault::Fault;
use super::line::{LEVEL, SERVICE, TIMESTAMP};
use super::selection::{Asked, Facet, NONE, Selection};
use super::source::Source;
use serde_json::{Value, json};

/// Most bars of the chart.
const BARS: i64 = 90;
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Widths of bars that a reader can count in.
const WIDTHS: [i64; 20] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
];

/// Counts of a selection. The counts per level leave the level filter out, those per service the service filter: they
/// say what choosing another one would show.
pub(super) async fn summary(source: &Source, asked: &Asked, now: i64) -> Result<Value, Fault> {
    let selection = Selection::read(asked, now)?;
    let width = bar_width(selection.range.length());
    let answer = source.search(body(&selection, width)).await?;
    let found = &answer["aggregations"];
    let total = found["volume"]["doc_count"].as_u64().unwrap_or(0);
    let latest = if total == 0 { latest(source).await? } else { Value::Null };
    Ok(json!({
        "from": selection.range.from(),
        "to": selection.range.to(),
        "width": width,
        "total": total,
        "bars": bars(&found["volume"]["time"]),
        "levels": counts(&found["levels"]["values"]),
        "services": counts(&found["services"]["values"]),
        "latest": latest,
    }))
}

fn body(selection: &Selection, width: i64) -> Value {
    let terms = |field: &str, size: usize| json!({"terms": {"field": field, "size": size, "missing": NONE}});
    let time = json!({
        "date_histogram": {"field": TIMESTAMP, "fixed_interval": format!("{width}ms"), "min_doc_count": 1},
        "aggs": {"levels": terms(LEVEL, 16)},
    });
    let facet = |facet: Facet, field: &str, size: usize| json!({"filter": selection.filter(Some(facet)), "aggs": {"values": terms(field, size)}});
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": selection.base(),
        "aggs": {
            "volume": {"filter": selection.filter(None), "aggs": {"time": time}},
            "levels": facet(Facet::Level, LEVEL, 16),
            "services": facet(Facet::Service, SERVICE, 50),
        },
    })
}

/// The narrowest width that needs at most [`BARS`] bars.
fn bar_width(length: i64) -> i64 {
    let least = length / BARS + 1;
    WIDTHS.into_iter().find(|width| *width >= least).unwrap_or(least)
}

fn bars(histogram: &Value) -> Vec<Value> {
    let buckets = histogram["buckets"].as_array().into_iter().flatten();
    buckets.map(|bucket| json!({"start": bucket["key"], "levels": counts(&bucket["levels"])})).collect()
}

fn counts(terms: &Value) -> Vec<Value> {
    let buckets = terms["buckets"].as_array().into_iter().flatten();
    buckets.map(|bucket| json!({"name": bucket["key"], "count": bucket["doc_count"]})).collect()
}

/// When the newest line of all was written, in milliseconds; null where there is none.
async fn latest(source: &Source) -> Result<Value, Fault> {
    let body =
        json!({"size": 0, "track_total_hits": false, "aggs": {"latest": {"max": {"field": TIMESTAMP}}}});
    let answer = source.search(body).await?;
    Ok(answer["aggregations"]["latest"]["value"].clone())
}
