//! Which error, where, since when, in which version?

use super::parts::{ERRORS, FAILED, REQUESTS, SERVICE, error_rate, links};
use crate::model::board::{Board, Row};
use crate::model::field::{
    ERROR_MESSAGE, ERROR_MESSAGE_KEYWORD, ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, LOG_LOGGER,
    LOG_ORIGIN_FILE_NAME, MESSAGE, SERVICE_NAME, SERVICE_NODE_NAME, SERVICE_VERSION, TIMESTAMP, TRACE_ID,
};
use crate::model::measure::{Color, Function, Measure, Per};
use crate::model::panel::{Documents, Drawing, Panel, Sort, Style, Terms};

pub(super) fn board() -> Board {
    Board {
        id: "app-errors",
        title: "Errors",
        short: "Errors",
        description: "Which error is it, where does it come from, since when, and in which version?",
        rows: vec![
            links(),
            Row::equal(6, tiles()),
            Row::equal(11, vec![errors_by_service(), errors_by_type()]),
            Row::of(11, [(32, top_errors()), (16, origins())]),
            Row::equal(11, vec![failing_endpoints(), errors_by_version()]),
            Row::equal(14, vec![error_documents()]),
        ],
    }
}

fn per_minute() -> Measure {
    Measure::rate("Errors/min", Per::Minute, None)
}

fn tiles() -> Vec<Panel> {
    let logged = Measure { label: "Errors logged/min", ..per_minute() };
    let failed = Measure { label: "Requests failed", ..error_rate() };
    let types = Measure::of("Error types", Function::UniqueCount(ERROR_TYPE));
    let services = Measure::of("Services with errors", Function::UniqueCount(SERVICE_NAME));
    vec![
        Panel::new("errors", "Errors logged per minute", ERRORS, Drawing::Metric(logged)),
        Panel::new("error-rate", "Requests failed, percent", REQUESTS, Drawing::Metric(failed)),
        Panel::new("error-types", "Different error types", ERRORS, Drawing::Metric(types)),
        Panel::new("services-with-errors", "Services with errors", ERRORS, Drawing::Metric(services)),
    ]
}

fn errors_by_service() -> Panel {
    let drawing = Drawing::split(Style::Bars, SERVICE, per_minute().color(Color::Bad));
    Panel::new("errors-by-service", "Errors logged per minute by service", ERRORS, drawing)
}

fn errors_by_type() -> Panel {
    let drawing =
        Drawing::split(Style::Bars, Terms::top(10, "Error type", ERROR_TYPE), per_minute().color(Color::Bad));
    Panel::new("errors-by-type", "Errors logged per minute by type", ERRORS, drawing)
}

fn top_errors() -> Panel {
    let rows =
        vec![Terms::top(10, "Error type", ERROR_TYPE), Terms::top(10, "Message", ERROR_MESSAGE_KEYWORD)];
    let columns = vec![
        (Measure::count("Errors"), Some(Sort::Descending)),
        (Measure::of("Services", Function::UniqueCount(SERVICE_NAME)), None),
        (Measure::of("Traces", Function::UniqueCount(TRACE_ID)), None),
        (Measure::first_seen("First in range"), None),
        (Measure::last_seen("Last"), None),
    ];
    Panel::new("top-errors", "Top errors", ERRORS, Drawing::table(rows, columns))
}

fn origins() -> Panel {
    let rows = vec![Terms::top(10, "Logger", LOG_LOGGER), Terms::top(5, "Source file", LOG_ORIGIN_FILE_NAME)];
    let columns = vec![(Measure::count("Errors"), Some(Sort::Descending))];
    Panel::new("origins", "Where errors are logged", ERRORS, Drawing::table(rows, columns))
}

fn failing_endpoints() -> Panel {
    let rows = vec![
        Terms::top(10, "Service", SERVICE_NAME),
        Terms::top(10, "Endpoint", HTTP_ROUTE),
        Terms::top(5, "Status", HTTP_RESPONSE_STATUS_CODE),
    ];
    let columns = vec![
        (Measure::count("Failed"), Some(Sort::Descending)),
        (Measure::first_seen("First in range"), None),
        (Measure::last_seen("Last"), None),
    ];
    Panel::new("failing-endpoints", "Failing endpoints by status", FAILED, Drawing::table(rows, columns))
}

fn errors_by_version() -> Panel {
    let rows = vec![
        Terms::top(10, "Service", SERVICE_NAME),
        Terms::top(5, "Version", SERVICE_VERSION),
        Terms::top(5, "Error type", ERROR_TYPE),
    ];
    let columns = vec![
        (Measure::count("Errors"), None),
        (Measure::first_seen("First in range"), Some(Sort::Descending)),
    ];
    Panel::new("errors-by-version", "Errors by version, newest first", ERRORS, Drawing::table(rows, columns))
}

fn error_documents() -> Panel {
    let columns = vec![SERVICE_NAME, MESSAGE, ERROR_TYPE, ERROR_MESSAGE, SERVICE_NODE_NAME, TRACE_ID];
    let documents = Documents { id: "app-error-documents", columns, sort: TIMESTAMP };
    Panel::new("error-documents", "Errors, newest first", ERRORS, Drawing::Documents(documents))
}
