//! Which function answers which address.

use super::asked::Asked;
use super::catalogue::{BoardsError, Catalogue};
use super::draw::color::Colors;
use super::figures::{self, Depth};
use super::{kibana, layout};
use crate::time::now_millis;
use crate::view::fault::Fault;
use crate::view::server::{Parameters, read, shown};
use crate::view::source::Source;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use dashboards::lens::{Board, Boards};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::sync::Arc;

#[derive(Clone)]
struct Viewer {
    source: Source,
    catalogue: Arc<Catalogue>,
    colors: Arc<Colors>,
}

/// The addresses of the boards.
pub(in crate::view) fn router(source: Source) -> Result<Router, BoardsError> {
    let catalogue = Arc::new(Catalogue::open(source.board_file())?);
    let kibana = kibana::router(Arc::clone(&catalogue));
    let viewer = Viewer { source, catalogue, colors: Arc::default() };
    Ok(Router::new()
        .route("/api/boards", get(list))
        .route("/api/boards/{board}", get(board))
        .route("/api/boards/{board}/panels/{panel}", get(panel))
        .route("/api/boards/{board}/controls/{control}", get(control))
        .with_state(viewer)
        .merge(kibana))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// JSON of [`Asked`].
    asked: String,
    /// Whether requests and answers are wanted too.
    #[serde(default)]
    inspect: bool,
    /// What the values of a control begin with.
    #[serde(default)]
    prefix: String,
}

async fn list(State(viewer): State<Viewer>) -> Response {
    shown(&layout::list(&viewer.catalogue.boards()))
}

async fn board(State(viewer): State<Viewer>, Path(id): Path<String>) -> Result<Response, Fault> {
    let boards = viewer.catalogue.boards();
    Ok(shown(&layout::layout(find(&boards, &id)?, &boards)))
}

async fn panel(
    State(viewer): State<Viewer>,
    Path((board, panel)): Path<(String, String)>,
    wanted: Parameters<Wanted>,
) -> Result<Response, Fault> {
    let wanted = read(wanted)?;
    let boards = viewer.catalogue.boards();
    let board = find(&boards, &board)?;
    let panel = board.panels.iter().find(|one| one.id == panel);
    let panel = panel.ok_or_else(|| Fault::Unknown(format!("the board `{}` has no such panel", board.id)))?;
    let context = Asked::read(&wanted.asked)?.context(board, now_millis())?;
    let depth = if wanted.inspect { Depth::Inspection } else { Depth::Drawing };
    Ok(shown(&figures::draw(&viewer.source, panel, &context, &viewer.colors, depth).await?))
}

async fn control(
    State(viewer): State<Viewer>,
    Path((board, control)): Path<(String, String)>,
    wanted: Parameters<Wanted>,
) -> Result<Response, Fault> {
    let wanted = read(wanted)?;
    let boards = viewer.catalogue.boards();
    let board = find(&boards, &board)?;
    let control = board.controls.iter().find(|one| one.id == control);
    let control =
        control.ok_or_else(|| Fault::Unknown(format!("the board `{}` has no such control", board.id)))?;
    let context = Asked::read(&wanted.asked)?.context(board, now_millis())?;
    let answer = viewer.source.ask(&control.values(&context, &wanted.prefix)).await?;
    let choices = control.choices(&answer)?;
    let choices: Vec<Json> =
        choices.iter().map(|choice| json!({"value": choice.value, "documents": choice.documents})).collect();
    Ok(shown(&json!({"choices": choices})))
}

fn find<'b>(boards: &'b Boards, id: &str) -> Result<&'b Board, Fault> {
    let board = boards.boards.iter().find(|board| board.id == id);
    board.ok_or_else(|| {
        Fault::Unknown(format!("there is no board `{id}`; `/app/dashboards` lists those there are"))
    })
}
