//! `lines` and `around`: lists of lines.

use super::document::Place;
use super::fault::Fault;
use super::line::{FILE, HOST, Order, lines, search};
use super::selection::{Asked, Selection};
use super::source::Source;
use serde_json::{Value, json};

/// Most lines of an answer.
const SIZE_MAX: usize = 500;

/// Lines of a selection, newest first.
pub(super) async fn list(source: &Source, asked: &Asked, now: i64) -> Result<Value, Fault> {
    let selection = Selection::read(asked, now)?;
    let size = asked.size.unwrap_or(200).clamp(1, SIZE_MAX);
    let mut body = search(&selection.query(), Order::NewestFirst, size);
    if let Some(after) = &asked.after {
        body["search_after"] = serde_json::from_str(after)
            .map_err(|error| Fault::Parameter(format!("`after` is no JSON: {error}")))?;
    }
    let found = lines(&source.search(body).await?);
    Ok(json!({"more": found.len() == size, "lines": found}))
}

/// The lines around one, newest first, with the line itself between them.
///
/// They are of the same file and host where the line names them, else of any.
pub(super) async fn around(source: &Source, place: &Place, count: usize) -> Result<Value, Fault> {
    let hit = place.find(source).await?;
    let same = [FILE, HOST]
        .into_iter()
        .filter_map(|field| Some(json!({"term": {field: hit["fields"][field].get(0)?}})));
    let query = json!({"bool": {"filter": same.collect::<Vec<_>>()}});
    let side = async |order| {
        let mut body = search(&query, order, count.clamp(1, SIZE_MAX / 2));
        body["search_after"] = hit["sort"].clone();
        Ok::<_, Fault>(lines(&source.search(body).await?))
    };
    let (mut newer, older) = (side(Order::OldestFirst).await?, side(Order::NewestFirst).await?);
    newer.reverse();
    let file = hit["fields"][FILE].get(0);
    Ok(json!({"newer": newer, "line": super::line::line(&hit), "older": older, "file": file}))
}
