//! What is said of a run, while it lasts and at its end.

use super::plan::{Model, Plan};
use super::shape::{Peaks, Profile};
use super::tally::{Figures, Tally};
use serde::Serialize;
use std::fmt::{self, Write};
use std::time::Duration;

/// A run at one moment.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Progress {
    /// In the middle of the last second, like `users`.
    pub phase: &'static str,
    pub users: f64,
    /// Now.
    pub in_flight: usize,
    /// Of the last second.
    pub second: Figures,
    /// Since the start.
    pub report: Report,
}

/// The sum of a run so far, or of all of it. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How users come and go.
    pub profile: Profile,
    /// Whether requests wait for those before.
    pub model: Model,
    /// Users outside peaks.
    pub users: u32,
    /// Time between two requests of a user.
    pub think_time: f64,
    /// `null` in a ramp without.
    pub peaks: Option<Peaks>,
    /// Who is asked.
    pub targets: Vec<String>,
    /// Time since the start; at the end, up to the last answer.
    pub length: f64,
    /// Of all requests.
    pub total: Figures,
    /// By endpoint, in the order of the mix.
    pub endpoints: Vec<EndpointFigures>,
}

/// One endpoint's part of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointFigures {
    /// As in the mix.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Report {
    /// Sums up `tallies`, one an endpoint of the plan, taken over `length`.
    pub fn new(plan: &Plan, tallies: &[Tally], length: Duration) -> Self {
        let endpoints = plan.asked.mix.endpoints().zip(tallies).map(|(endpoint, tally)| EndpointFigures {
            name: endpoint.name.clone(),
            figures: tally.figures(length),
        });
        Self {
            profile: plan.shape.profile,
            model: plan.asked.model,
            users: plan.asked.users,
            think_time: plan.asked.think_time.as_secs_f64(),
            peaks: (plan.shape.profile != Profile::Ramp).then_some(plan.shape.peaks),
            targets: plan.asked.targets.iter().map(|target| target.to_string()).collect(),
            length: length.as_secs_f64(),
            total: Tally::sum(tallies).figures(length),
            endpoints: endpoints.collect(),
        }
    }

    /// The figures as lines: headings, `second` if there is one, each endpoint, all of them, outcomes.
    pub fn table(&self, second: Option<&Figures>) -> Vec<String> {
        let names = ["", "requests", "req/s", "p50", "p75", "p95", "p99", "max", "errors"];
        let headings = names[1..].iter().map(|name| format!("{name:>9}")).collect::<String>();
        let mut table = vec![format!("{:18}{headings}", "")];
        table.extend(second.map(|figures| row("last second", figures)));
        table.extend(self.endpoints.iter().map(|endpoint| row(&endpoint.name, &endpoint.figures)));
        let outcomes = self.total.outcomes.iter().map(|(outcome, count)| format!("{outcome} × {count}"));
        table.extend([row("all", &self.total), outcomes.collect::<Vec<_>>().join("   ")]);
        table
    }
}

fn row(name: &str, figures: &Figures) -> String {
    let Figures { requests, per_second, errors, latency_ms: ms, .. } = figures;
    let mut row = format!("{name:<18.18}{requests:>9}{per_second:>9.1}");
    for value in [ms.p50, ms.p75, ms.p95, ms.p99, ms.max] {
        let decimals = if value < 100.0 { 2 } else { 0 };
        write!(row, "{value:>9.decimals$}").expect("text takes everything");
    }
    row + &format!("{errors:>9}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, from) = match self.model {
            Model::Open => ("open", "when a request was due"),
            Model::Closed => ("closed", "when a request was sent"),
        };
        write!(
            f,
            "{}, {model} model, {} users, think time {} s",
            self.profile.name(),
            self.users,
            self.think_time
        )?;
        if let Some(Peaks { height, length, period }) = self.peaks {
            write!(f, ", peaks × {height} for {length:?} every {period:?}")?;
        }
        writeln!(f, "\n{:.1} s against {}", self.length, self.targets.join(" "))?;
        writeln!(f, "latency in ms, from {from} to the end of its answer\n")?;
        f.write_str(&self.table(None).join("\n"))
    }
}
