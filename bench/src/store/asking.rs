//! What a filled store is asked: the panels of a board, and one heavy aggregation.

use super::good;
use super::node::Node;
use crate::http::Client;
use anyhow::{Context, Result};
use dashboards::lens::{Boards, Context as View, Figures, Panel, Step, TimeRange};
use serde_json::{Value, json};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// The board that is asked for.
const BOARD: &str = "service-overview";
/// How far a refresh moves the time shown.
const STEP_MILLIS: i64 = 10_000;

/// Refreshes after the first.
const REFRESHES: i64 = 5;

/// How long a board took.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BoardTime {
    /// Which.
    pub id: String,
    /// Its panels, those that ask nothing included.
    pub all: usize,
    /// Those that ask.
    pub panels: Vec<PanelTime>,
    /// Processor time of the store for all panels, where it is known: cold, at the first refresh, at a later one.
    pub cpu: Option<[f64; 3]>,
}

/// How long a panel took, in milliseconds.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PanelTime {
    /// Its title.
    pub title: String,
    /// Nobody has asked before.
    pub cold: f64,
    /// Asked again for a time ten seconds later: the window leaves the first events for the first time.
    pub first_refresh: f64,
    /// Asked again and again, each time ten seconds later: the median.
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

/// Asks for all panels over all events, then for all of them over a time that has moved on, again and again.
pub(super) fn board(node: &Node, boards: &Boards) -> Result<BoardTime> {
    let client = &node.client()?;
    let board = boards
        .boards
        .iter()
        .find(|board| board.id.contains(BOARD))
        .with_context(|| format!("there is no board `{BOARD}`"))?;
    let (first, last) = time_of(client)?;
    let round = |number: i64| -> Result<Vec<(&str, f64)>> {
        let by = number * STEP_MILLIS;
        let view = View { range: TimeRange::between(first + by, last + by), ..board.context(last + by) };
        let times = board.panels.iter().map(|panel| Ok((panel.title.as_str(), asked(client, panel, &view)?)));
        times.filter_map(|time| time.map(|(title, time)| Some((title, time?))).transpose()).collect()
    };
    let mut cpu = vec![node.cpu()?];
    let mut rounds = |numbers: Range<i64>| -> Result<Vec<_>> {
        let times = numbers.map(round).collect::<Result<_>>()?;
        cpu.push(node.cpu()?);
        Ok(times)
    };
    let (mut cold, mut first_refresh, later) = (rounds(0..1)?, rounds(1..2)?, rounds(2..2 + REFRESHES)?);
    let (cold, first_refresh) = (cold.remove(0), first_refresh.remove(0));
    let panels = cold.into_iter().enumerate().map(|(at, (title, cold))| {
        let refresh = median(later.iter().filter_map(|times| Some(times.get(at)?.1)).collect());
        let first_refresh = first_refresh.get(at).map_or(f64::NAN, |(_, time)| *time);
        PanelTime { title: title.to_owned(), cold, first_refresh, refresh }
    });
    let panels = panels.collect();
    Ok(BoardTime { id: board.id.clone(), all: board.panels.len(), panels, cpu: used(&cpu) })
}

/// Milliseconds of the processor between readings before and after each kind of round.
fn used(readings: &[Option<Duration>]) -> Option<[f64; 3]> {
    let readings: Vec<f64> = readings
        .iter()
        .map(|reading| Some(reading.as_ref()?.as_secs_f64() * 1_000.0))
        .collect::<Option<_>>()?;
    let [before, cold, first, later] = readings[..] else { return None };
    Some([cold - before, first - cold, (later - first) / REFRESHES as f64])
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
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
