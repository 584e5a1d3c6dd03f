//! Every panel of the boards, asked as Kibana asks it.

use crate::SetupError;
use crate::transport::{Method, Request, Transport, Unreachable};
use dashboards::lens::{Board, Boards, Content, Figures, Hits, Millis, Panel, Step, Table, Value};

/// A panel and what became of its searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Title of the board.
    pub board: String,
    /// Title of the panel, else its id.
    pub panel: String,
    /// What came back.
    pub outcome: Outcome,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Rows or documents.
    Data,
    /// Nothing in the time the board shows.
    Empty,
    /// It cannot be shown, and why.
    Failed(String),
}

/// Asks for the data of every panel in the time its board opens with. Panels that show none (text, links) are left out.
pub fn ask_all(transport: &mut dyn Transport, now: Millis) -> Result<Vec<Asked>, SetupError> {
    let boards = Boards::parse(&dashboards::kibana::import()).map_err(|error| SetupError::Unreadable {
        doing: "read the boards of this program".to_owned(),
        found: error.to_string(),
    })?;
    let mut asked = Vec::new();
    for board in &boards.boards {
        for panel in &board.panels {
            let outcome = match &panel.content {
                Content::Markdown(_) | Content::Links(_) => continue,
                Content::Unsupported { reason } => Outcome::Failed(reason.clone()),
                Content::Chart(_) | Content::Documents(_) => ask(transport, board, panel, now)?,
            };
            asked.push(Asked { board: board.title.clone(), panel: name(panel), outcome });
        }
    }
    Ok(asked)
}

fn name(panel: &Panel) -> String {
    if panel.title.is_empty() { panel.id.clone() } else { panel.title.clone() }
}

/// Only a server that is gone ends the whole check; a search that is refused is the panel's.
fn ask(
    transport: &mut dyn Transport,
    board: &Board,
    panel: &Panel,
    now: Millis,
) -> Result<Outcome, SetupError> {
    let mut step = panel.plan(&board.context(now));
    loop {
        let round = match step {
            Step::Done(figures) => return Ok(outcome(&figures)),
            Step::Ask(round) => round,
        };
        let mut answers = Vec::new();
        for search in round.requests() {
            let request = Request::new(Method::Post, &search.path).json(&search.body);
            let reply = transport.send(&request).map_err(|silence: Unreachable| {
                let found = silence.to_string();
                SetupError::NotReady { url: transport.url().to_owned(), found }
            })?;
            answers.push(reply.json());
        }
        step = match round.receive(answers) {
            Ok(step) => step,
            Err(error) => return Ok(Outcome::Failed(error.to_string())),
        };
    }
}

fn outcome(figures: &Figures) -> Outcome {
    match figures {
        Figures::Tables(tables) => match tables.iter().find_map(|table| table.partial.as_deref()) {
            Some(partial) => Outcome::Failed(partial.to_owned()),
            None if tables.iter().any(has_data) => Outcome::Data,
            None => Outcome::Empty,
        },
        Figures::Documents(Hits { hits, .. }) if hits.is_empty() => Outcome::Empty,
        Figures::Documents(_) | Figures::Nothing => Outcome::Data,
    }
}

/// Whether any measure of any row has a value.
fn has_data(table: &Table) -> bool {
    let measures: Vec<usize> =
        (0..table.columns.len()).filter(|place| !table.columns[*place].kind.is_bucket()).collect();
    table.rows.iter().any(|row| measures.iter().any(|place| row[*place] != Value::Null))
}
