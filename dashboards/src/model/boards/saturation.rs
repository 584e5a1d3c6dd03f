//! Is it the load, and is what the boards show complete and fresh?

use super::parts::{AGENT_METRICS, INSTANCE, SERVICE_METRICS, links};
use crate::model::board::{Board, Row};
use crate::model::field::{
    AGENT_DEAD_LETTERED, AGENT_HELD, AGENT_LAG, AGENT_LOST, AGENT_PENDING, CPU_UTILIZATION, EVENT_INGEST_LAG,
    HTTP_ACTIVE_REQUESTS, MEMORY_USAGE, OPEN_DESCRIPTORS, POOL_PENDING, PROCESS_PID, SERVICE_NAME,
    SERVICE_NODE_NAME,
};
use crate::model::measure::{Color, Format, Function, Measure};
use crate::model::panel::{Drawing, Gaps, Objective, Panel, Series, Sort, Style, Terms, Xy};

/// Lines that carry a number counted up by one for each line of a process.
const NUMBERED: &str = "event.sequence: *";
const AGENT: Terms = Terms::top(10, "Agent", SERVICE_NODE_NAME);

pub(super) fn board() -> Board {
    Board {
        id: "app-saturation",
        title: "Saturation and log pipeline",
        short: "Saturation and pipeline",
        description: "Is it the load? And is what the boards show fresh and complete?",
        rows: vec![
            links(),
            Row::equal(11, vec![in_flight(), pool_in_use(), pool_waiting()]),
            Row::equal(11, vec![cpu(), memory()]),
            Row::equal(12, vec![instances()]),
            Row::equal(11, vec![log_delay(), agent_lag(), agent_pending()]),
            Row::of(10, [(28, agents()), (20, completeness())]),
        ],
    }
}

fn in_flight() -> Panel {
    let measure = Measure::of("In flight", Function::Max(HTTP_ACTIVE_REQUESTS));
    Panel::new(
        "in-flight",
        "Requests in flight by instance, most at a time",
        SERVICE_METRICS,
        Drawing::sampled(INSTANCE, measure),
    )
}

fn pool_waiting() -> Panel {
    let measure = Measure::of("Waiting", Function::Max(POOL_PENDING));
    Panel::new(
        "pool-waiting",
        "Requests waiting for the database pool by instance",
        SERVICE_METRICS,
        Drawing::sampled(INSTANCE, measure),
    )
}

/// A pool that is full is no fault by itself; one that is full and waited for is.
const POOL_IN_USE: &str = "max(db.client.connection.count) / max(db.client.connection.max)";

fn pool_in_use() -> Panel {
    let measure = Measure::formula("Pool in use", POOL_IN_USE, Format::Percent(0));
    Panel::new(
        "pool-in-use",
        "Database pool in use by instance, percent",
        SERVICE_METRICS,
        Drawing::sampled(INSTANCE, measure),
    )
}

fn cpu() -> Panel {
    let measure = Measure::of("CPU", Function::Average(CPU_UTILIZATION));
    let drawing = Drawing::sampled(INSTANCE, measure);
    Panel::new("cpu", "CPU by instance, percent of one core", SERVICE_METRICS, drawing)
}

fn memory() -> Panel {
    let measure = Measure::of("Memory", Function::Max(MEMORY_USAGE));
    let drawing = Drawing::sampled(INSTANCE, measure);
    Panel::new("memory", "Resident memory by instance, bytes", SERVICE_METRICS, drawing)
}

/// What a counter has grown by within the range. Right for a process that lives all along: a restart shows as a jump.
fn growth(label: &'static str, counter: &str) -> Measure {
    Measure::formula(label, &format!("max({counter}) - min({counter})"), Format::Number(0))
}

fn instances() -> Panel {
    let rows = vec![Terms::top(10, "Service", SERVICE_NAME), Terms::top(20, "Instance", SERVICE_NODE_NAME)];
    let throttled = "(max(container.cpu.throttling.throttled_periods) - min(container.cpu.throttling.throttled_periods)) \
                     / (max(container.cpu.throttling.periods) - min(container.cpu.throttling.periods))";
    let columns = vec![
        (Measure::of("Most in flight", Function::Max(HTTP_ACTIVE_REQUESTS)), Some(Sort::Descending)),
        (Measure::formula("Pool in use", POOL_IN_USE, Format::Percent(0)).thresholds(0.8, 1.0), None),
        (Measure::of("Pool waiting", Function::Max(POOL_PENDING)), None),
        (Measure::of("Highest CPU", Function::Max(CPU_UTILIZATION)), None),
        (Measure::formula("Throttled", throttled, Format::Percent(1)).thresholds(0.05, 0.25), None),
        (Measure::of("Most memory", Function::Max(MEMORY_USAGE)), None),
        (Measure::of("Most open files", Function::Max(OPEN_DESCRIPTORS)), None),
        (Measure::last_seen("Last report"), None),
    ];
    Panel::new("instances", "Saturation by instance", SERVICE_METRICS, Drawing::table(rows, columns))
}

fn log_delay() -> Panel {
    let percentile = |label, percent| Measure::of(label, Function::Percentile(EVENT_INGEST_LAG, percent));
    let drawing = Drawing::Xy(Xy {
        style: Style::Line,
        series: Series::Each(vec![
            percentile("p50", 50).color(Color::Neutral),
            percentile("p95", 95).color(Color::Warning),
        ]),
        objective: Some(Objective { label: "Objective 10 s", value: "10000" }),
        gaps: Gaps::Shown,
    });
    Panel::new("log-delay", "From log line to index", "", drawing)
}

fn agent_lag() -> Panel {
    let drawing = Drawing::sampled(AGENT, Measure::of("Lag", Function::Max(AGENT_LAG)));
    Panel::new("agent-lag", "Oldest line not yet delivered, by agent", AGENT_METRICS, drawing).everything()
}

fn agent_pending() -> Panel {
    let drawing = Drawing::sampled(AGENT, Measure::of("Pending", Function::Max(AGENT_PENDING)));
    Panel::new("agent-pending", "Events read and not yet delivered, by agent", AGENT_METRICS, drawing)
        .everything()
}

fn agents() -> Panel {
    let rows = vec![Terms::top(20, "Agent", SERVICE_NODE_NAME)];
    let bad = |measure: Measure| measure.thresholds(1.0, 1.0);
    let columns = vec![
        (Measure::of("Worst lag", Function::Max(AGENT_LAG)), Some(Sort::Descending)),
        (growth("Delivered", "blueox.events.delivered"), None),
        (growth("Retries", "blueox.output.retries"), None),
        (bad(Measure::of("Dead letters", Function::Max(AGENT_DEAD_LETTERED))), None),
        (bad(Measure::of("Lost", Function::Max(AGENT_LOST))), None),
        (bad(Measure::of("Indices held", Function::Max(AGENT_HELD))), None),
        (Measure::of("Most memory", Function::Max(MEMORY_USAGE)), None),
        (Measure::of("Highest CPU", Function::Max(CPU_UTILIZATION)), None),
        (Measure::last_seen("Last report"), None),
    ];
    Panel::new("agents", "Agents, all of them", AGENT_METRICS, Drawing::table(rows, columns)).everything()
}

/// Every process numbers its lines without a gap, so what lies between its lowest and highest number must be there.
/// The process id keeps a restart under the same instance name apart, whose numbers begin anew.
fn completeness() -> Panel {
    let rows = vec![Terms::top(20, "Instance", SERVICE_NODE_NAME), Terms::top(5, "Process", PROCESS_PID)];
    let missing = "max(event.sequence) - min(event.sequence) + 1 - count()";
    let columns = vec![
        (Measure::count("Lines"), None),
        (
            Measure::formula("Missing", missing, Format::Number(0)).thresholds(1.0, 1.0),
            Some(Sort::Descending),
        ),
        (Measure::count_of("Refused values", "_ignored: *"), None),
        (Measure::last_seen("Last line"), None),
    ];
    Panel::new("completeness", "Are all lines here?", NUMBERED, Drawing::table(rows, columns))
}
