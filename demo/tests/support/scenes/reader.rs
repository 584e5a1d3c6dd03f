//! Reads panels: asks an engine what a panel shows.

use super::archive::Choice;
use crate::engine::{self, Kind};
use dashboards::lens::{Board, Boards, Context, Figures, Panel, Step, Table, Value};
use std::sync::OnceLock;

/// The boards as they are imported.
pub fn boards() -> &'static [Board] {
    static BOARDS: OnceLock<Vec<Board>> = OnceLock::new();
    BOARDS.get_or_init(|| {
        let import = dashboards::kibana::import();
        Boards::parse(&import).unwrap_or_else(|error| panic!("{error}")).boards
    })
}

/// Somebody who looks at the boards of one engine.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub kind: Kind,
    pub choice: Choice<'a>,
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
                let reply = engine::shared(self.kind).ask("POST", &request.path, &request.body.to_string());
                reply.json().unwrap_or_else(|error| panic!("{error:#}"))
            };
            let answers = round.requests().iter().map(ask).collect();
            let asked = || format!("{:?}, board {}, panel {}", self.kind, board.id, panel.id);
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
