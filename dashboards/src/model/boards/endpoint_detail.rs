//! Which endpoint, which instance, which version?

use super::parts::{
    FAILED, INSTANCE, REQUESTS, error_rate, failed_per_second, links, p50, p95, requests_per_second,
};
use crate::model::board::{Board, Row};
use crate::model::field::{
    EVENT_DURATION, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, SERVICE_NAME,
    SERVICE_NODE_NAME, SERVICE_VERSION, TRACE_ID, URL_PATH,
};
use crate::model::measure::{Function, Measure};
use crate::model::panel::{Band, Documents, Drawing, Heatmap, Panel, Sort, Style, Terms};

const ENDPOINT: Terms = Terms::top(10, "Endpoint", HTTP_ROUTE);
const VERSION: Terms = Terms::top(10, "Version", SERVICE_VERSION);

pub(super) fn board() -> Board {
    Board {
        id: "app-endpoint-detail",
        title: "Endpoints, instances and versions",
        short: "Endpoints",
        description: "Which endpoint, which instance, which version is slow or failing?",
        rows: vec![
            links(),
            Row::equal(12, vec![endpoints()]),
            Row::equal(11, vec![failed_by_endpoint(), p95_by_endpoint()]),
            Row::equal(11, vec![requests_by_instance(), failed_by_instance(), p95_by_instance()]),
            Row::equal(11, vec![instances(), versions()]),
            Row::equal(11, vec![requests_by_version(), latency_distribution()]),
            Row::equal(14, vec![slow_requests()]),
        ],
    }
}

fn endpoints() -> Panel {
    let rows = vec![
        Terms::top(10, "Service", SERVICE_NAME),
        Terms::top(20, "Endpoint", HTTP_ROUTE),
        Terms::top(5, "Method", HTTP_REQUEST_METHOD),
    ];
    let columns = vec![
        (requests_per_second(), None),
        (error_rate(), Some(Sort::Descending)),
        (p50(), None),
        (p95(), None),
        (Measure::of("Slowest", Function::Max(EVENT_DURATION)), None),
        (Measure::count("Requests"), None),
    ];
    Panel::new("endpoints", "Endpoints, worst error rate first", REQUESTS, Drawing::table(rows, columns))
}

fn failed_by_endpoint() -> Panel {
    let drawing = Drawing::split(Style::Bars, ENDPOINT, failed_per_second());
    Panel::new("failed-by-endpoint", "Failed requests per second by endpoint", FAILED, drawing)
}

fn p95_by_endpoint() -> Panel {
    let drawing = Drawing::split(Style::Line, ENDPOINT, p95());
    Panel::new("latency-by-endpoint", "Latency p95 by endpoint, slowest ten", REQUESTS, drawing)
}

fn requests_by_instance() -> Panel {
    let drawing = Drawing::split(Style::Line, INSTANCE, requests_per_second());
    Panel::new("requests-by-instance", "Requests per second by instance", REQUESTS, drawing)
}

fn failed_by_instance() -> Panel {
    let drawing = Drawing::split(Style::Bars, INSTANCE, failed_per_second());
    Panel::new("failed-by-instance", "Failed requests per second by instance", FAILED, drawing)
}

fn p95_by_instance() -> Panel {
    let drawing = Drawing::split(Style::Line, INSTANCE, p95());
    Panel::new("latency-by-instance", "Latency p95 by instance, slowest ten", REQUESTS, drawing)
}

fn instances() -> Panel {
    let rows = vec![Terms::top(10, "Service", SERVICE_NAME), Terms::top(20, "Instance", SERVICE_NODE_NAME)];
    let columns = vec![
        (requests_per_second(), None),
        (error_rate(), None),
        (p95(), None),
        (Measure::of("Version", Function::LastValue(SERVICE_VERSION)), None),
        (Measure::last_seen("Last request"), Some(Sort::Ascending)),
    ];
    Panel::new("instances", "Instances, longest silent first", REQUESTS, Drawing::table(rows, columns))
}

fn versions() -> Panel {
    let rows = vec![Terms::top(10, "Service", SERVICE_NAME), VERSION];
    let columns = vec![
        (requests_per_second(), None),
        (error_rate(), None),
        (p95(), None),
        (Measure::first_seen("First in range"), Some(Sort::Descending)),
    ];
    Panel::new("versions", "Versions compared, newest first", REQUESTS, Drawing::table(rows, columns))
}

fn requests_by_version() -> Panel {
    let drawing = Drawing::split(Style::Area, VERSION, requests_per_second());
    Panel::new("requests-by-version", "Requests per second by version", REQUESTS, drawing)
}

fn latency_distribution() -> Panel {
    const MS: u64 = 1_000_000;
    let band = |label, from, to| Band { label, from, to };
    let bands = vec![
        band("below 1 ms", Some(0), Some(MS)),
        band("1 to 10 ms", Some(MS), Some(10 * MS)),
        band("10 to 100 ms", Some(10 * MS), Some(100 * MS)),
        band("100 ms to 1 s", Some(100 * MS), Some(1_000 * MS)),
        band("1 to 10 s", Some(1_000 * MS), Some(10_000 * MS)),
        band("10 s and more", Some(10_000 * MS), None),
    ];
    let heatmap =
        Heatmap { label: "Duration", field: EVENT_DURATION, bands, measure: Measure::count("Requests") };
    Panel::new("latency-distribution", "Requests by duration", REQUESTS, Drawing::Heatmap(heatmap))
}

fn slow_requests() -> Panel {
    let columns = vec![
        SERVICE_NAME,
        HTTP_REQUEST_METHOD,
        URL_PATH,
        HTTP_RESPONSE_STATUS_CODE,
        EVENT_DURATION,
        SERVICE_NODE_NAME,
        TRACE_ID,
    ];
    let documents = Documents { id: "app-slow-requests", columns, sort: EVENT_DURATION };
    let query = r#"event.category: "web" and event.duration >= 500000000"#;
    Panel::new(
        "slow-requests",
        "Requests of 500 ms and more, slowest first",
        query,
        Drawing::Documents(documents),
    )
}
