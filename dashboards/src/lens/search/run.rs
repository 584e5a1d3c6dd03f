//! One layer on its way from the first request to its table.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::lens::answer::rows;
use crate::lens::answer::{self, Node, read};
use crate::lens::context::Context;
use crate::lens::fault::AnswerError;
use crate::lens::layer::Layer;
use crate::lens::layer::column::Shift;
use crate::lens::plan::Request;
use crate::lens::search::others::Others;
use crate::lens::search::shifts::join;
use crate::lens::search::{Level, Search};
use crate::lens::table::Table;

/// A layer and what it waits for.
#[derive(Debug)]
pub(crate) struct LayerRun {
    search: Search,
    requests: Vec<Request>,
    stage: Stage,
    partial: Option<String>,
}

#[derive(Debug)]
enum Stage {
    /// Least and greatest values, for the width of steps.
    Bounds,
    /// All groups and metrics.
    Main,
    /// What lies beyond the listed values.
    Others(Others, Node),
    /// The same groups, earlier.
    Shifts(Vec<(Shift, Search)>, Node),
    Done(Node),
}

impl LayerRun {
    pub(crate) fn start(layer: Arc<Layer>, context: &Context) -> Self {
        let run = Self {
            search: Search::new(layer, context),
            requests: Vec::new(),
            stage: Stage::Bounds,
            partial: None,
        };
        let asks = !run.search.levels.is_empty() || run.search.layer.metrics().next().is_some();
        match (asks, run.bounds()) {
            // Constants alone need no documents.
            (false, _) => run.at(Stage::Done(Node::default()), Vec::new()),
            (true, None) => run.main(),
            (true, Some(request)) => run.at(Stage::Bounds, vec![request]),
        }
    }

    pub(crate) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The table; `None` while something is still to be asked.
    pub(crate) fn table(self) -> Option<Table> {
        match &self.stage {
            Stage::Done(tree) => Some(rows::table(&self.search, tree, self.partial)),
            _ => None,
        }
    }

    /// Takes one answer for each request.
    pub(crate) fn receive(mut self, answers: Vec<Json>) -> Result<Self, AnswerError> {
        self.partial = self.partial.or_else(|| answers.iter().find_map(answer::partial));
        let answer = answers.first().unwrap_or(&Json::Null);
        match std::mem::replace(&mut self.stage, Stage::Main) {
            Stage::Bounds => self.widths(answer).map(Self::main),
            Stage::Main => {
                let tree = read(&self.search, answer)?;
                self.others(tree, 0)
            }
            Stage::Others(others, mut tree) => {
                let level = others.level;
                others.receive(&self.search, answer, &mut tree)?;
                self.others(tree, level + 1)
            }
            Stage::Shifts(searches, mut tree) => {
                for ((shift, search), answer) in searches.iter().zip(&answers) {
                    join(&mut tree, &read(search, answer)?, self.search.millis(*shift));
                }
                Ok(self.at(Stage::Done(tree), Vec::new()))
            }
            Stage::Done(tree) => Ok(self.at(Stage::Done(tree), Vec::new())),
        }
    }

    fn at(self, stage: Stage, requests: Vec<Request>) -> Self {
        Self { stage, requests, ..self }
    }

    fn main(self) -> Self {
        let request = self.search.request(Json::Object(self.search.aggregations(0)));
        self.at(Stage::Main, vec![request])
    }

    fn others(self, tree: Node, from: usize) -> Result<Self, AnswerError> {
        match Others::find(&self.search, &tree, from)? {
            Some(others) => {
                let request = self.search.request(others.aggregations(&self.search));
                Ok(self.at(Stage::Others(others, tree), vec![request]))
            }
            None => Ok(self.shifts(tree)),
        }
    }

    fn shifts(self, tree: Node) -> Self {
        let searches: Vec<(Shift, Search)> = self
            .search
            .shifts()
            .into_iter()
            .map(|shift| (shift, self.search.shifted(shift, &tree)))
            .collect();
        if searches.is_empty() {
            return self.at(Stage::Done(tree), Vec::new());
        }
        let requests =
            searches.iter().map(|(_, search)| search.request(Json::Object(search.aggregations(0)))).collect();
        self.at(Stage::Shifts(searches, tree), requests)
    }

    /// The request for least and greatest value of each field that is cut into steps.
    fn bounds(&self) -> Option<Request> {
        let fields = self.search.levels.iter().enumerate().filter_map(|(place, level)| match level {
            Level::Steps { field, .. } => Some((place, field)),
            _ => None,
        });
        let both = fields.flat_map(|(place, field)| {
            [
                (format!("{place}-min"), json!({"min": {"field": field}})),
                (format!("{place}-max"), json!({"max": {"field": field}})),
            ]
        });
        let aggregations: Map<String, Json> = both.collect();
        (!aggregations.is_empty()).then(|| self.search.request(Json::Object(aggregations)))
    }

    fn widths(mut self, answer: &Json) -> Result<Self, AnswerError> {
        answer::accepted(answer)?;
        for (place, level) in self.search.levels.iter_mut().enumerate() {
            if let Level::Steps { bars, width, .. } = level {
                let end = |name: &str| answer["aggregations"][format!("{place}-{name}")]["value"].as_f64();
                *width = end("min")
                    .zip(end("max"))
                    .map_or(1.0, |(min, max)| step_width(min, max, f64::from(*bars)));
            }
        }
        Ok(self)
    }
}

/// A width of 1, 2 or 5 times a power of ten that gives at most `bars` steps; whole numbers in few steps get 1.
fn step_width(min: f64, max: f64, bars: f64) -> f64 {
    let difference = max - min;
    let power = 10_f64.powf((difference / bars).log10().floor());
    // Equal ends, and ends whose distance is no normal number.
    if !(difference.is_finite() && difference > 0.0 && power.is_normal()) {
        return 1.0;
    }
    if difference < bars && min.fract() == 0.0 && max.fract() == 0.0 {
        return 1.0;
    }
    let factors = [1.0, 2.0, 5.0, 10.0];
    power * factors.into_iter().find(|factor| difference / power / factor <= bars).unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::step_width;

    #[test]
    fn steps_are_round_and_no_more_than_wanted() {
        for (min, max, bars, width) in [
            (0.0, 9.0, 10.0, 1.0),
            (0.0, 100.0, 10.0, 10.0),
            (0.0, 101.0, 10.0, 20.0),
            (0.0, 400.0, 10.0, 50.0),
            (0.0, 700.0, 10.0, 100.0),
            (0.0, 1.0, 100.0, 1.0),
            (0.0, 1.5, 100.0, 0.02),
            (5.0, 5.0, 10.0, 1.0),
            (0.0, f64::INFINITY, 10.0, 1.0),
            (0.0, 1e-320, 10.0, 1.0),
        ] {
            let found = step_width(min, max, bars);
            assert!((found - width).abs() < 1e-12, "{min}..{max} in {bars}: {found}, not {width}");
        }
    }
}
