//! What is being logged, by whom, how much, and who has gone silent?

use super::parts::{ERRORS, SERVICE, links};
use crate::model::board::{Board, Row};
use crate::model::field::{LOG_LEVEL, LOG_LOGGER, MESSAGE, SERVICE_NAME, TIMESTAMP, TRACE_ID};
use crate::model::measure::{Color, Function, Measure, Per};
use crate::model::panel::{Documents, Drawing, Panel, Pie, Sort, Style, Terms};

/// What people write; the ten-second metric events are not.
const LINES: &str = r#"not event.kind: "metric""#;

pub(super) fn board() -> Board {
    Board {
        id: "app-logs",
        title: "Logs",
        short: "Logs",
        description: "What is logged, by whom, how much, and who has gone silent?",
        rows: vec![
            links(),
            Row::equal(6, tiles()),
            Row::equal(11, vec![lines_by_level(), lines_by_service()]),
            Row::of(11, [(24, lines_by_logger()), (10, levels()), (14, silent_services())]),
            Row::of(16, [(16, noisiest_loggers()), (32, log_stream())]),
        ],
    }
}

fn tiles() -> Vec<Panel> {
    let lines = Measure::rate("Lines/s", Per::Second, None);
    let warnings = Measure::rate("Warnings/min", Per::Minute, Some(r#"log.level: "warn""#));
    let errors = Measure::rate("Errors/min", Per::Minute, Some(ERRORS));
    let services = Measure::of("Services logging", Function::UniqueCount(SERVICE_NAME));
    vec![
        Panel::new("lines", "Lines per second", LINES, Drawing::Metric(lines)),
        Panel::new("warnings", "Warnings per minute", LINES, Drawing::Metric(warnings)),
        Panel::new("errors", "Errors per minute", LINES, Drawing::Metric(errors)),
        Panel::new("services", "Services logging", LINES, Drawing::Metric(services)),
    ]
}

fn lines_by_level() -> Panel {
    let level = |label, color, filter| Measure::rate(label, Per::Second, Some(filter)).color(color);
    let levels = vec![
        level("error, fatal", Color::Bad, ERRORS),
        level("warn", Color::Warning, r#"log.level: "warn""#),
        level("info", Color::Neutral, r#"log.level: "info""#),
        level("debug, trace", Color::Faint, r#"log.level: ("debug" or "trace")"#),
        level(
            "other",
            Color::Foreign,
            r#"not log.level: ("error" or "fatal" or "warn" or "info" or "debug" or "trace")"#,
        ),
    ];
    let drawing = Drawing::each(Style::Bars, levels);
    Panel::new("lines-by-level", "Lines per second by level", LINES, drawing)
}

fn lines_per_second() -> Measure {
    Measure::rate("Lines/s", Per::Second, None)
}

fn lines_by_service() -> Panel {
    let drawing = Drawing::split(Style::Area, SERVICE.and_other(), lines_per_second());
    Panel::new("lines-by-service", "Lines per second by service", LINES, drawing)
}

fn lines_by_logger() -> Panel {
    let loggers = Terms::top(10, "Logger", LOG_LOGGER).and_other();
    let drawing = Drawing::split(Style::Area, loggers, lines_per_second());
    Panel::new("lines-by-logger", "Lines per second by logger", LINES, drawing)
}

fn levels() -> Panel {
    let pie = Pie { slices: Terms::top(6, "Level", LOG_LEVEL), measure: Measure::count("Lines") };
    Panel::new("levels", "Lines by level, percent", LINES, Drawing::Pie(pie))
}

/// Metric events count here: a service that says it is idle is not silent.
fn silent_services() -> Panel {
    let rows = vec![Terms::top(20, "Service", SERVICE_NAME).lowest()];
    let columns = vec![(Measure::last_seen("Last line"), Some(Sort::Ascending))];
    Panel::new("silent-services", "Services, longest silent first", "", Drawing::table(rows, columns))
}

fn noisiest_loggers() -> Panel {
    let rows = vec![Terms::top(10, "Service", SERVICE_NAME), Terms::top(5, "Logger", LOG_LOGGER)];
    let columns = vec![(Measure::count("Lines"), Some(Sort::Descending)), (lines_per_second(), None)];
    Panel::new("noisiest-loggers", "Noisiest loggers", LINES, Drawing::table(rows, columns))
}

fn log_stream() -> Panel {
    let columns = vec![LOG_LEVEL, SERVICE_NAME, MESSAGE, TRACE_ID];
    let documents = Documents { id: "app-log-stream", columns, sort: TIMESTAMP };
    Panel::new("log-stream", "Log lines, newest first", LINES, Drawing::Documents(documents))
}
