//! `_bulk` and the writing of single documents.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::store::{Action, ApiError, Defaults, ItemOutcome, Kind, parse_bulk};
use serde_json::{Map, Value, json};
use std::time::Instant;

pub(super) fn bulk(app: &App, call: &Call, index: Option<&str>) -> Result<Reply, ApiError> {
    let start = Instant::now();
    let defaults = Defaults {
        index: index.map(str::to_owned),
        pipeline: call.parameter("pipeline").map(str::to_owned),
        require_alias: call.flag("require_alias"),
        require_data_stream: call.flag("require_data_stream"),
    };
    let actions = parse_bulk(&call.body, &defaults)?;
    let outcomes = app.store.bulk(actions);
    let refreshed = call.wants_refresh();
    if refreshed {
        app.store.refresh()?;
    }
    let errors = outcomes.iter().any(|outcome| outcome.result.is_err());
    let items: Vec<Value> =
        outcomes.iter().map(|outcome| json!({outcome.kind.as_str(): item(outcome, refreshed)})).collect();
    Ok(Reply::ok(&json!({"errors": errors, "took": start.elapsed().as_millis() as u64, "items": items})))
}

fn item(outcome: &ItemOutcome, refreshed: bool) -> Map<String, Value> {
    let mut item = Map::new();
    item.insert("_index".to_owned(), json!(outcome.index));
    item.insert("_id".to_owned(), json!(outcome.id));
    match &outcome.result {
        Ok(done) => {
            item.insert("_version".to_owned(), json!(done.version));
            item.insert("result".to_owned(), json!(done.result));
            if refreshed {
                item.insert("forced_refresh".to_owned(), json!(true));
            }
            item.insert("_shards".to_owned(), json!({"total": 1, "successful": 1, "failed": 0}));
            item.insert("_seq_no".to_owned(), json!(done.sequence));
            item.insert("_primary_term".to_owned(), json!(1));
            item.insert("status".to_owned(), json!(done.status));
        }
        Err(error) => {
            item.insert("status".to_owned(), json!(error.status));
            item.insert("error".to_owned(), Value::Object(error.body()));
        }
    }
    item
}

/// `PUT /<index>/_doc/<id>` and its relatives.
pub(super) fn one(
    app: &App,
    call: &Call,
    kind: Kind,
    index: &str,
    id: Option<&str>,
) -> Result<Reply, ApiError> {
    let kind = match (kind, call.parameter("op_type")) {
        (Kind::Index, Some("create")) => Kind::Create,
        (kind, _) => kind,
    };
    // Without an id there is nothing to replace; data streams take nothing else.
    let kind = if kind == Kind::Index && id.is_none() { Kind::Create } else { kind };
    let action = Action {
        kind,
        index: index.to_owned(),
        id: id.map(str::to_owned),
        pipeline: call.parameter("pipeline").map(str::to_owned),
        require_alias: call.flag("require_alias"),
        require_data_stream: call.flag("require_data_stream"),
        source: call.body.clone(),
    };
    if kind != Kind::Delete && call.body.is_empty() {
        return Err(ApiError::new(400, "parse_exception", "request body is required"));
    }
    let outcome = app.store.bulk(vec![action]).pop().ok_or_else(|| ApiError::internal("no outcome"))?;
    if call.wants_refresh() {
        app.store.refresh()?;
    }
    match &outcome.result {
        Err(error) => Err(error.clone()),
        Ok(done) => {
            let mut body = item(&outcome, call.wants_refresh());
            body.remove("status");
            Ok(Reply::json(done.status, &body))
        }
    }
}
