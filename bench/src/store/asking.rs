//! What a filled store is asked: the panels of a board, and one heavy aggregation.

use super::good;
use crate::http::Client;
use anyhow::{Context, Result};
use dashboards::lens::{Boards, Context as View, Figures, Panel, Step, TimeRange};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// The board that is asked for.
const BOARD: &str = "service-overview";
/// How far a refresh moves the time shown.
const STEP_MILLIS: i64 = 10_000;

/// How long a panel took, in milliseconds.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PanelTime {
    /// Its title.
    pub title: String,
    /// Nobody has asked before.
    pub cold: f64,
    /// Asked again, for a time ten seconds later.
    pub refresh: f64,
}

/// The boards of a folder of NDJSON files.
pub(super) fn read(folder: &Path) -> Result<Boards> {
    let doing = || format!("read the boards in `{}`", folder.display());
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).with_context(doing)? {
        let path = entry.with_context(doing)?.path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            text += &std::fs::read_to_string(&path).with_context(doing)?;
            text.push('\n');
        }
    }
    Boards::parse(&text).with_context(doing)
}

/// Asks for all panels over all events, then for all of them over a time that has moved on.
pub(super) fn board(client: &Client, boards: &Boards) -> Result<Vec<PanelTime>> {
    let board = boards
        .boards
        .iter()
        .find(|board| board.id.contains(BOARD))
        .with_context(|| format!("there is no board `{BOARD}`"))?;
    let (first, last) = time_of(client)?;
    let views = [0, STEP_MILLIS]
        .map(|by| View { range: TimeRange::between(first + by, last + by), ..board.context(last + by) });
    let mut times: Vec<PanelTime> = Vec::new();
    for panel in &board.panels {
        let cold = asked(client, panel, &views[0])?;
        times.extend(cold.map(|cold| PanelTime { title: panel.title.clone(), cold, refresh: 0.0 }));
    }
    let again = board.panels.iter().map(|panel| asked(client, panel, &views[1]));
    let again: Vec<f64> = again.filter_map(Result::transpose).collect::<Result<_>>()?;
    times.iter_mut().zip(again).for_each(|(time, refresh)| time.refresh = refresh);
    Ok(times)
}

/// Milliseconds until a panel had its figures; `None` for one that asks nothing.
fn asked(client: &Client, panel: &Panel, view: &View) -> Result<Option<f64>> {
    let begun = Instant::now();
    let mut step = panel.plan(view);
    loop {
        match step {
            Step::Done(Figures::Nothing) => return Ok(None),
            Step::Done(_) => return Ok(Some(begun.elapsed().as_secs_f64() * 1_000.0)),
            Step::Ask(round) => {
                let ask = |request: &dashboards::lens::Request| {
                    good(client, "POST", &request.path, &request.body.to_string())
                };
                let answers = round.requests().iter().map(ask).collect::<Result<_>>()?;
                step = round.receive(answers).with_context(|| format!("panel `{}`", panel.title))?;
            }
        }
    }
}

/// First and last moment of the events.
fn time_of(client: &Client) -> Result<(i64, i64)> {
    let body = json!({"size": 0, "aggs": {"first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}});
    let answer = good(client, "POST", "/logs-*/_search", &body.to_string())?;
    let millis = |name: &str| {
        let value = answer["aggregations"][name]["value"].as_f64();
        value.map(|value| value as i64).context("the events have no time")
    };
    Ok((millis("first")?, millis("last")?))
}

/// terms × date_histogram × percentiles over everything, twice.
pub(super) fn heavy(client: &Client) -> Result<[f64; 2]> {
    let body = json!({"size": 0, "track_total_hits": true, "aggs": {"levels": {"terms": {"field": "http.route", "size": 20},
        "aggs": {"time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1m"},
        "aggs": {"latency": {"percentiles": {"field": "event.duration", "percents": [50, 95, 99]}}}}}}}});
    let ask = || -> Result<f64> {
        let begun = Instant::now();
        let answer = good(client, "POST", "/logs-*/_search", &body.to_string())?;
        let buckets = answer["aggregations"]["levels"]["buckets"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(buckets > 1, "the heavy aggregation found {buckets} buckets: {}", short(&answer));
        Ok(begun.elapsed().as_secs_f64() * 1_000.0)
    };
    Ok([ask()?, ask()?])
}

fn short(answer: &Value) -> String {
    answer.to_string().chars().take(300).collect()
}
