//! Is it up, since when is it bad, which service, and whose doing is it?

use super::parts::{
    FAILED, REQUESTS, SERVICE, error_rate, failed_per_second, links, p50, p95, p99, requests_per_second,
};
use crate::model::board::{Board, Row};
use crate::model::field::{EVENT_INGEST_LAG, SERVICE_NAME, SERVICE_NODE_NAME, SERVICE_VERSION};
use crate::model::measure::{Color, Function, Measure, Per};
use crate::model::panel::{Drawing, Gaps, Objective, Panel, Series, Sort, Style, Terms, Xy};

/// In milliseconds. Beyond the objective the board no longer shows what is, and beyond a minute it misleads.
const LOG_DELAY_WARNING: f64 = 10_000.0;
const LOG_DELAY_BAD: f64 = 60_000.0;

pub(super) fn board() -> Board {
    Board {
        id: "app-service-overview",
        title: "Service overview",
        short: "Overview",
        description: "Is it up, since when is it bad, which service, and is it us, the load or a dependency?",
        rows: vec![
            links(),
            Row::equal(6, tiles()),
            Row::equal(11, vec![requests_by_status(), error_rate_over_time()]),
            Row::equal(11, vec![p95_by_service(), failed_by_service(), failed_by_cause()]),
            Row::equal(10, vec![services()]),
        ],
    }
}

fn tiles() -> Vec<Panel> {
    let instances = Measure::of("Instances serving", Function::UniqueCount(SERVICE_NODE_NAME));
    let lag = Measure::of("Log delay, p95", Function::Percentile(EVENT_INGEST_LAG, 95))
        .thresholds(LOG_DELAY_WARNING, LOG_DELAY_BAD);
    // An idle instance serves no request but still says how many it has in flight.
    let serving = r#"event.category: "web" or http.server.active_requests: *"#;
    vec![
        Panel::new("requests", "Requests per second", REQUESTS, Drawing::Metric(requests_per_second())),
        Panel::new("error-rate", "Error rate", REQUESTS, Drawing::Metric(error_rate())),
        Panel::new(
            "latency",
            "Latency, p95",
            REQUESTS,
            Drawing::Metric(Measure { label: "Latency, p95", ..p95() }),
        ),
        Panel::new("instances", "Instances serving", serving, Drawing::Metric(instances)),
        Panel::new("log-delay", "Log delay, p95", "", Drawing::Metric(lag)),
    ]
}

fn requests_by_status() -> Panel {
    let class = |label, color, filter| Measure::rate(label, Per::Second, Some(filter)).color(color);
    let classes = vec![
        class("2xx", Color::Good, "http.response.status_code >= 200 and http.response.status_code < 300"),
        class("3xx", Color::Neutral, "http.response.status_code >= 300 and http.response.status_code < 400"),
        class("4xx", Color::Warning, "http.response.status_code >= 400 and http.response.status_code < 500"),
        class("5xx", Color::Bad, "http.response.status_code >= 500"),
    ];
    let drawing = Drawing::each(Style::Bars, classes);
    Panel::new("requests-by-status", "Requests per second by status", REQUESTS, drawing)
}

fn error_rate_over_time() -> Panel {
    let drawing = Drawing::Xy(Xy {
        style: Style::Line,
        series: Series::Each(vec![error_rate().color(Color::Neutral)]),
        objective: Some(Objective { label: "Objective 1 %", value: "0.01" }),
        gaps: Gaps::Shown,
    });
    Panel::new(
        "error-rate-over-time",
        "Error rate against the objective, percent of requests",
        REQUESTS,
        drawing,
    )
}

fn p95_by_service() -> Panel {
    let drawing = Drawing::split(Style::Line, SERVICE, p95());
    Panel::new("latency-by-service", "Latency p95 by service", REQUESTS, drawing)
}

fn failed_by_service() -> Panel {
    let drawing = Drawing::split(Style::Bars, SERVICE, failed_per_second());
    Panel::new("failed-by-service", "Failed requests per second by service", FAILED, drawing)
}

/// The status a service answers with says where it sees the fault: 502 and 504 behind it, 429 and 503 in the number of
/// requests, any other failure in itself.
fn failed_by_cause() -> Panel {
    let us = r#"event.outcome: "failure" and not http.response.status_code: (502 or 503 or 504)"#;
    let cause = |label, color, filter| Measure::rate(label, Per::Second, Some(filter)).color(color);
    let causes = vec![
        cause("Us (500 and others)", Color::Bad, us),
        cause("Load (429, 503)", Color::Warning, "http.response.status_code: (429 or 503)"),
        cause("Dependency (502, 504)", Color::Foreign, "http.response.status_code: (502 or 504)"),
    ];
    let drawing = Drawing::each(Style::Bars, causes);
    Panel::new("failed-by-cause", "Refused or failed requests per second by cause", REQUESTS, drawing)
}

fn services() -> Panel {
    let rows = vec![Terms::top(20, "Service", SERVICE_NAME)];
    let columns = vec![
        (requests_per_second(), None),
        (error_rate(), Some(Sort::Descending)),
        (p50(), None),
        (p95(), None),
        (p99(), None),
        (Measure::of("Instances", Function::UniqueCount(SERVICE_NODE_NAME)), None),
        (Measure::of("Newest version", Function::LastValue(SERVICE_VERSION)), None),
        (Measure::last_seen("Last request"), None),
    ];
    Panel::new("services", "Services, worst error rate first", REQUESTS, Drawing::table(rows, columns))
}
