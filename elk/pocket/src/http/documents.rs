//! Reading documents by id.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::search::SourceFilter;
use crate::store::{ApiError, Index};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::sync::Arc;

/// Documents read at once.
const AT_ONCE: usize = 64;

fn readable(app: &App, name: &str) -> Result<Arc<Index>, ApiError> {
    let mut found = app.store.resolve(name, false)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(ApiError::index_not_found(name)),
        _ => found.pop().ok_or_else(|| ApiError::index_not_found(name)),
    }
}

pub(super) fn get(app: &App, call: &Call, index: &str, id: &str) -> Result<Reply, ApiError> {
    let index = readable(app, index)?;
    let filter = source_filter(call)?;
    let document = show(app, &index, &[id.to_owned()], &filter)?.pop().unwrap_or(Value::Null);
    let status = if document["found"] == true { 200 } else { 404 };
    Ok(Reply::json(status, &document))
}

pub(super) fn source(app: &App, index: &str, id: &str) -> Result<Reply, ApiError> {
    let index = readable(app, index)?;
    let document = show(app, &index, &[id.to_owned()], &SourceFilter::All)?.pop().unwrap_or(Value::Null);
    match document.get("_source") {
        Some(source) => Ok(Reply::ok(source)),
        None => Err(ApiError::new(
            404,
            "resource_not_found_exception",
            format!("Document not found [{}]/[{id}]", index.meta.name),
        )),
    }
}

fn source_filter(call: &Call) -> Result<SourceFilter, ApiError> {
    SourceFilter::parse(call.parameter("_source").map(Value::from).as_ref())
}

fn show(
    app: &App,
    index: &Arc<Index>,
    ids: &[String],
    filter: &SourceFilter,
) -> Result<Vec<Value>, ApiError> {
    let documents = app.store.get(index, ids)?;
    let shown = ids.iter().zip(documents).map(|(id, document)| {
        let Some(document) = document else {
            return json!({"_index": index.meta.name, "_id": id, "found": false});
        };
        let mut shown = json!({
            "_index": index.meta.name, "_id": id, "_version": document.version, "_seq_no": document.sequence,
            "_primary_term": 1, "found": true,
        });
        if *filter != SourceFilter::None {
            shown["_source"] = filter.apply(serde_json::from_slice(&document.source).unwrap_or(Value::Null));
        }
        shown
    });
    Ok(shown.collect())
}

#[derive(Serialize)]
struct Documents {
    docs: Vec<Option<Box<RawValue>>>,
}

pub(super) fn many(app: &App, call: &Call, default: Option<&str>) -> Result<Reply, ApiError> {
    let body = call.json()?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut wanted: Vec<(String, String)> = Vec::new();
    if let Some(ids) = body["ids"].as_array() {
        let index = default.ok_or_else(|| ApiError::illegal("an index is needed for [ids]"))?;
        wanted.extend(ids.iter().map(|id| (index.to_owned(), text(id))));
    }
    for document in body["docs"].as_array().into_iter().flatten() {
        let index = document["_index"]
            .as_str()
            .or(default)
            .ok_or_else(|| ApiError::illegal("index is missing for doc 0"))?;
        wanted.push((index.to_owned(), text(&document["_id"])));
    }
    if wanted.is_empty() {
        return Err(ApiError::new(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: no documents to get;",
        ));
    }
    let filter = source_filter(call)?;
    let mut shown: Vec<Option<Box<RawValue>>> = vec![None; wanted.len()];
    let mut room = call.room.take(0)?;
    let mut written = |document: &Value| -> Result<Option<Box<RawValue>>, ApiError> {
        let text = to_raw_value(document).map_err(|error| ApiError::internal(error.to_string()))?;
        room.merge(call.room.take(text.get().len())?);
        Ok(Some(text))
    };
    let mut names: Vec<&String> = wanted.iter().map(|(index, _)| index).collect();
    names.dedup();
    for name in names {
        let places: Vec<usize> =
            (0..wanted.len()).filter(|at| wanted[*at].0 == *name && shown[*at].is_none()).collect();
        // Read piece by piece, so that only what there is room for is held.
        for places in places.chunks(AT_ONCE) {
            let ids: Vec<String> = places.iter().map(|at| wanted[*at].1.clone()).collect();
            match readable(app, name) {
                Ok(index) => {
                    for (at, document) in places.iter().zip(show(app, &index, &ids, &filter)?) {
                        shown[*at] = written(&document)?;
                    }
                }
                Err(error) if default.is_some() => return Err(error),
                Err(error) => {
                    for (at, id) in places.iter().zip(ids) {
                        let refused = json!({"_index": name, "_id": id, "error": error.answer()["error"]});
                        shown[*at] = written(&refused)?;
                    }
                }
            }
        }
    }
    Ok(Reply::json(200, &Documents { docs: shown }))
}
