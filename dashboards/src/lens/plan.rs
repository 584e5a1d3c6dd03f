//! From a panel to its figures: rounds of requests and answers, without doing any of the asking.
//!
//! ```text
//! let mut step = panel.plan(&context);
//! let figures = loop {
//!     match step {
//!         Step::Ask(round) => { let answers = send(round.requests()); step = round.receive(answers)?; }
//!         Step::Done(figures) => break figures,
//!     }
//! };
//! ```
//!
//! Most panels take one round. A histogram first asks for least and greatest value; an "other" bucket asks once more when the
//! first answer shows that there are others; a time shift asks once more for the earlier time.

use std::sync::Arc;

use serde_json::Value as Json;

use super::answer::sorting;
use super::context::Context;
use super::fault::AnswerError;
use super::hits::{Hits, HitsRun};
use super::panel::{Chart, SavedSearch};
use super::search::run::LayerRun;
use super::table::Table;
use super::visualization::Visualization;

/// A search to send with `POST`, its body being JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Path and query, from the slash on.
    pub path: String,
    /// Body.
    pub body: Json,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// Send these.
    Ask(Round),
    /// There is nothing more to ask.
    Done(Figures),
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Figures {
    /// One table for each layer of a chart, in the order of the file.
    Tables(Vec<Table>),
    /// Documents.
    Documents(Hits),
    /// The panel shows no data: text, links, unsupported.
    Nothing,
}

/// Requests that can be sent at the same time.
#[derive(Debug)]
pub struct Round {
    requests: Vec<Request>,
    pending: Pending,
}

#[derive(Debug)]
enum Pending {
    Layers { runs: Vec<LayerRun>, visualization: Arc<Visualization> },
    Hits(HitsRun),
}

impl Round {
    /// The requests; at least one.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Takes the bodies of the answers, in the order of the requests, whatever their status was.
    ///
    /// An answer that is an error ends the panel with [`AnswerError::Refused`].
    pub fn receive(self, answers: Vec<Json>) -> Result<Step, AnswerError> {
        if answers.len() != self.requests.len() {
            return Err(AnswerError::Count { requests: self.requests.len(), answers: answers.len() });
        }
        let mut answers = answers.into_iter();
        match self.pending {
            Pending::Hits(run) => run
                .receive(&answers.next().unwrap_or_default())
                .map(|hits| Step::Done(Figures::Documents(hits))),
            Pending::Layers { runs, visualization } => {
                let mut next = Vec::new();
                for run in runs {
                    let own: Vec<Json> = answers.by_ref().take(run.requests().len()).collect();
                    next.push(run.receive(own)?);
                }
                Ok(step(next, visualization))
            }
        }
    }
}

/// Asks what is left to ask, or hands out the tables.
fn step(runs: Vec<LayerRun>, visualization: Arc<Visualization>) -> Step {
    let requests: Vec<Request> = runs.iter().flat_map(|run| run.requests().to_vec()).collect();
    if !requests.is_empty() {
        return Step::Ask(Round { requests, pending: Pending::Layers { runs, visualization } });
    }
    let mut tables: Vec<Table> = runs.into_iter().filter_map(LayerRun::table).collect();
    sorting::sort(&mut tables, &visualization);
    Step::Done(Figures::Tables(tables))
}

impl Chart {
    pub(crate) fn plan(&self, context: &Context) -> Step {
        let runs = self.layers.iter().map(|layer| LayerRun::start(Arc::clone(layer), context)).collect();
        step(runs, Arc::clone(&self.visualization))
    }
}

impl SavedSearch {
    pub(crate) fn plan(&self, context: &Context) -> Step {
        let run = HitsRun::start(self, context);
        Step::Ask(Round { requests: vec![run.request()], pending: Pending::Hits(run) })
    }
}
