//! Who did it: read off the panels as the README of the boards says, by one way of reading for all scenes.

use super::document::millis;
use super::reader::{Reader, column, rows};
use dashboards::lens::{Table, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// From this error rate on it is an incident: where the boards turn red.
const INCIDENT: f64 = 0.05;
/// Share of its peak at which something has begun.
const BEGUN: f64 = 0.2;
/// A logger floods when it writes so many times what all wrote before.
const FLOOD: f64 = 10.0;

const OVERVIEW: &str = "app-service-overview";
const DETAIL: &str = "app-endpoint-detail";

/// Who and what, or the truth about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub cause: String,
    pub service: String,
    pub endpoint: Option<String>,
    pub logger: Option<String>,
    pub version: String,
    pub instances: BTreeSet<String>,
}

/// A verdict, and since when.
#[derive(Debug, Clone)]
pub struct Finding {
    pub verdict: Verdict,
    /// Milliseconds since 1970.
    pub onset: i64,
}

impl Finding {
    /// What `scene.json` says; nothing where nothing happened.
    pub fn truth(timeline: &[Json]) -> Option<Self> {
        let onset = timeline.iter().find(|entry| entry["what"] == "onset")?;
        let text = |name: &str| onset[name].as_str().map(str::to_owned);
        let needed = |name: &str| text(name).unwrap_or_else(|| panic!("{name} is missing: {onset}"));
        let instances = onset["instances"].as_array().expect("instances");
        let verdict = Verdict {
            cause: needed("cause"),
            service: needed("service"),
            endpoint: text("endpoint"),
            logger: text("logger"),
            version: needed("version"),
            instances: instances.iter().map(|name| name.as_str().expect("a name").to_owned()).collect(),
        };
        Some(Self { verdict, onset: millis(&needed("time")) })
    }

    /// What the panels say; nothing where all is well.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        failure(reader).or_else(|| flood(reader))
    }
}

/// Is it up, which service, since when, which endpoint, instance, version, and whose doing is it?
fn failure(reader: &Reader<'_>) -> Option<Finding> {
    let services = reader.table(OVERVIEW, "services");
    // The worst stands first.
    let worst = services.rows.first()?;
    if number(&worst[column(&services, "Error rate")])? < INCIDENT {
        return None;
    }
    let service = worst[column(&services, "Service")].to_string();
    let endpoints = worst_rate(&reader.table(DETAIL, "endpoints"), &service, "Endpoint");
    let versions = worst_rate(&reader.table(DETAIL, "versions"), &service, "Version");
    let failed = reader.table(OVERVIEW, "failed-by-service");
    let verdict = Verdict {
        cause: cause(&reader.table(OVERVIEW, "failed-by-cause")).to_owned(),
        endpoint: endpoints.first().cloned(),
        logger: None,
        version: versions.first()?.clone(),
        instances: worst_rate(&reader.table(DETAIL, "instances"), &service, "Instance").into_iter().collect(),
        service: service.clone(),
    };
    let course = rows(&failed, &service).map(|row| (&row[1], &row[2]));
    Some(Finding { verdict, onset: onset(course)? })
}

/// Values of `label` whose error rate makes an incident, the worst first.
fn worst_rate(table: &Table, service: &str, label: &str) -> Vec<String> {
    let rate = |row: &Vec<Value>| number(&row[column(table, "Error rate")]).unwrap_or_default();
    let mut bad: Vec<&Vec<Value>> = rows(table, service).filter(|row| rate(row) >= INCIDENT).collect();
    bad.sort_by(|one, other| rate(other).total_cmp(&rate(one)));
    bad.iter().map(|row| row[column(table, label)].to_string()).collect()
}

/// The cause with the most failures.
fn cause(table: &Table) -> &'static str {
    let causes =
        [("Us (500 and others)", "us"), ("Load (429, 503)", "load"), ("Dependency (502, 504)", "dependency")];
    let sum = |label| {
        let column = column(table, label);
        table.rows.iter().filter_map(|row| number(&row[column])).sum::<f64>()
    };
    let most = causes.into_iter().max_by(|(one, _), (other, _)| sum(one).total_cmp(&sum(other)));
    most.expect("three causes").1
}

/// Who floods the log, since when, and which instance of it?
fn flood(reader: &Reader<'_>) -> Option<Finding> {
    let course = reader.table("app-logs", "lines-by-logger");
    let mut by_time = BTreeMap::<i64, f64>::new();
    let mut by_logger = BTreeMap::<String, Vec<(&Value, &Value)>>::new();
    for row in &course.rows {
        let Value::Date(time) = row[1] else { panic!("no moment: {row:?}") };
        *by_time.entry(time).or_default() += number(&row[2]).unwrap_or_default();
        by_logger.entry(row[0].to_string()).or_default().push((&row[1], &row[2]));
    }
    let mut rates: Vec<f64> = by_time.into_values().collect();
    rates.sort_by(f64::total_cmp);
    // A flood takes less than three quarters of the time that is looked at.
    let usual = rates[rates.len() / 4];
    let peak = |course: &Vec<(&Value, &Value)>| {
        course.iter().filter_map(|(_, rate)| number(rate)).fold(0.0, f64::max)
    };
    let (logger, course) =
        by_logger.into_iter().max_by(|(_, one), (_, other)| peak(one).total_cmp(&peak(other)))?;
    if peak(&course) < FLOOD * usual {
        return None;
    }
    let noisiest = reader.table("app-logs", "noisiest-loggers");
    let mut culprits = noisiest.rows.iter().filter(|row| row[1].to_string() == logger);
    let service = culprits.next()?[0].to_string();
    let (instance, version) = noisiest_instance(reader, &service)?;
    let verdict = Verdict {
        cause: "pipeline".to_owned(),
        service,
        endpoint: None,
        logger: Some(logger),
        version,
        instances: BTreeSet::from([instance]),
    };
    Some(Finding { verdict, onset: onset(course.into_iter())? })
}

/// The instance of a service that wrote the most lines, and its version.
fn noisiest_instance(reader: &Reader<'_>, service: &str) -> Option<(String, String)> {
    let lines = reader.table("app-saturation", "completeness");
    let instances = reader.table(DETAIL, "instances");
    let written = |instance: &str| {
        rows(&lines, instance).filter_map(|row| number(&row[column(&lines, "Lines")])).sum::<f64>()
    };
    let candidates = rows(&instances, service).map(|row| {
        let instance = row[column(&instances, "Instance")].to_string();
        (written(&instance), instance, row[column(&instances, "Version")].to_string())
    });
    let most = candidates.max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some((most.1, most.2))
}

/// Start of the first step in which a rate reaches its part of the peak.
fn onset<'v>(course: impl Iterator<Item = (&'v Value, &'v Value)>) -> Option<i64> {
    let course: Vec<(i64, f64)> = course
        .filter_map(|(time, rate)| match time {
            Value::Date(time) => Some((*time, number(rate).unwrap_or_default())),
            _ => None,
        })
        .collect();
    let peak = course.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    course.iter().find(|(_, rate)| *rate >= peak * BEGUN).map(|(time, _)| *time)
}

fn number(value: &Value) -> Option<f64> {
    value.as_number()
}
