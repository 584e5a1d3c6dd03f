//! The load generator: users that come and go by a profile, and what they see of the services.
//!
//! In the open model requests are sent when the schedule says so and latency counts from that moment, so a service
//! that stands still cannot hide behind a client that politely waits.
//!
//! - [`plan`]: arguments, checked.
//! - [`shape`]: users and arrivals as functions of time; [`mix`]: what is asked for, and in which order.
//! - [`generator`]: sends when due, through [`client`].
//! - [`tally`]: counts and latencies; [`report`], [`view`] and [`journal`] tell them.

pub mod plan;

pub mod shape;

pub mod mix;

pub mod client;
pub mod generator;

pub mod tally;

pub mod journal;
pub mod report;
pub mod view;

use crate::log::{self, FileSettings, Log, LogError, field};
use generator::Generator;
use plan::{Arguments, Plan, PlanError};
use report::{Progress, Report};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tally::Tally;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior};
use view::View;

/// Time between two looks at the run.
const SECOND: Duration = Duration::from_secs(1);

/// Size of the generator's log file before it is renamed; one such file is kept.
const LOG_SIZE: u64 = 100 << 20;

#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{0}")]
    Run(#[from] io::Error),
}

/// Does what the arguments ask for and prints the report. Whatever the services answered, the end of the run is a success.
pub fn execute(arguments: Arguments) -> ExitCode {
    let error = match generate(arguments) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    eprintln!("demo-service: {error}");
    ExitCode::from(match error {
        LoadError::Plan(_) => 2,
        LoadError::Log(_) => 78,
        LoadError::Run(_) => 1,
    })
}

fn generate(arguments: Arguments) -> Result<(), LoadError> {
    let plan = Plan::new(arguments)?;
    let json = plan.asked.json;
    let log = start_log(&plan.asked)?;
    // One thread is enough for twenty thousand requests a second and leaves the others to the services.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let view = if json { View::Silent } else { View::of_stderr() };
    let report = runtime.block_on(async { io::Result::Ok(run(plan, view, ending()?).await) })?;
    drop(log);
    let report =
        if json { serde_json::to_string(&report).map_err(io::Error::from)? } else { format!("\n{report}") };
    Ok(writeln!(io::stdout(), "{report}")?)
}

fn start_log(asked: &Arguments) -> Result<Option<Log>, LogError> {
    let Some(path) = asked.log.clone() else { return Ok(None) };
    let instance = asked.instance.iter().map(|name| (field::SERVICE_NODE.to_owned(), name.as_str().into()));
    log::init(log::Settings {
        name: "load".to_owned(),
        fields: instance.collect(),
        level: tracing::level_filters::LevelFilter::INFO,
        file: Some(FileSettings { path, max_size: LOG_SIZE, keep: 1 }),
        stdout: false,
    })
    .map(Some)
}

/// Ends with the first SIGTERM or SIGINT from now on.
pub(crate) fn ending() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
    })
}

/// Runs `plan` to its end, or to that of `stop`: then what was sent until there is waited for and reported.
///
/// Logs through `tracing`; the caller has set it up.
pub async fn run(plan: Plan, mut view: View, stop: impl Future<Output = ()>) -> Report {
    let generator = Generator::new(plan.clone());
    let mut totals = generator.take();
    let mut work = tokio::spawn(generator.clone().run());
    let mut seconds = tokio::time::interval_at(Instant::now() + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut stop, mut stopped) = (std::pin::pin!(stop), false);
    loop {
        let over = tokio::select! {
            ended = &mut work => { ended.expect("the generator does not panic"); true }
            () = &mut stop, if !stopped => { generator.stop(); stopped = true; continue }
            _ = seconds.tick() => false,
        };
        let last = generator.take();
        totals.iter_mut().zip(&last).for_each(|(total, tally)| total.add(tally));
        let elapsed = generator.elapsed();
        let middle = elapsed.saturating_sub(SECOND / 2);
        let progress = Progress {
            phase: plan.shape.phase_at(middle),
            users: plan.shape.users_at(middle),
            in_flight: generator.in_flight(),
            second: Tally::sum(&last).figures(SECOND),
            report: Report::new(&plan, &totals, elapsed),
        };
        journal::interval(&progress);
        view.show(&progress, plan.shape.duration);
        if over {
            return progress.report;
        }
    }
}
