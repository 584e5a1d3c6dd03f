//! Reads panels: asks a store what a panel shows.

use super::archive::Choice;
use super::store::Store;
use dashboards::lens::{Board, Boards, Context, Figures, Panel, Step, Table, Value};
use serde_json::{Value as Json, json};
use std::sync::OnceLock;

/// The boards as they are imported.
pub fn boards() -> &'static [Board] {
    static BOARDS: OnceLock<Vec<Board>> = OnceLock::new();
    BOARDS.get_or_init(|| {
        let import = dashboards::kibana::import();
        Boards::parse(&import).unwrap_or_else(|error| panic!("{error}")).boards
    })
}

/// How finely percentiles are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// As Kibana does: the engine's own t-digest as it is set up.
    Usual,
    /// With ten times the centroids, so that a cell beside the truth is a fault of the request and not of the digest.
    Finest,
}

impl Digest {
    fn apply(self, body: &mut Json) {
        match body {
            _ if self == Self::Usual => {}
            Json::Object(object) => {
                if let Some(Json::Object(percentiles)) = object.get_mut("percentiles") {
                    percentiles.insert("tdigest".to_owned(), json!({"compression": 1000}));
                }
                object.values_mut().for_each(|value| self.apply(value));
            }
            Json::Array(list) => list.iter_mut().for_each(|value| self.apply(value)),
            _ => {}
        }
    }
}

/// Somebody who looks at the boards of one store.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub store: Store,
    pub choice: Choice<'a>,
    pub digest: Digest,
}

impl Reader<'_> {
    /// What a panel shows.
    pub fn figures(&self, board: &Board, panel: &Panel) -> Figures {
        let mut step = panel.plan(&self.context(board));
        loop {
            let round = match step {
                Step::Done(figures) => return figures,
                Step::Ask(round) => round,
            };
            let ask = |request: &dashboards::lens::Request| {
                let mut body = request.body.clone();
                self.digest.apply(&mut body);
                let reply = self.store.running().ask("POST", &request.path, &body.to_string());
                reply.json().unwrap_or_else(|error| panic!("{error:#}"))
            };
            let answers = round.requests().iter().map(ask).collect();
            let asked = || format!("{:?}, board {}, panel {}", self.store, board.id, panel.id);
            step = round.receive(answers).unwrap_or_else(|error| panic!("{}: {error}", asked()));
        }
    }

    /// The data of a chart.
    pub fn table(&self, board: &str, panel: &str) -> Table {
        let board = boards().iter().find(|own| own.id == board).unwrap_or_else(|| panic!("no board {board}"));
        let panel =
            board.panels.iter().find(|own| own.id == panel).unwrap_or_else(|| panic!("no panel {panel}"));
        match self.figures(board, panel) {
            Figures::Tables(mut tables) => tables.remove(0),
            other => panic!("{} shows no table: {other:?}", panel.id),
        }
    }

    fn context(&self, board: &Board) -> Context {
        let mut context = Context { range: self.choice.range, ..board.context(self.choice.range.to()) };
        let control = board.controls.iter().position(|control| control.field == "service.environment");
        let selection = &mut context.selections[control.expect("a control of environments")];
        selection.values = self.choice.environment.into_iter().map(Into::into).collect();
        context
    }
}

/// The column of that label.
pub fn column(table: &Table, label: &str) -> usize {
    let labels = || table.columns.iter().map(|column| &*column.label).collect::<Vec<_>>();
    let found = table.columns.iter().position(|column| column.label == label);
    found.unwrap_or_else(|| panic!("no column `{label}` among {:?}", labels()))
}

/// Rows of that value in the first column.
pub fn rows<'t>(table: &'t Table, key: &'t str) -> impl Iterator<Item = &'t Vec<Value>> {
    table.rows.iter().filter(move |row| row[0].to_string() == key)
}
