//! `_bulk` and the writing of single documents.

use super::App;
use super::call::Call;
use super::filter_path;
use super::reply::Reply;
use crate::store::{Action, ApiError, Defaults, ItemOutcome, Kind, parse_bulk};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
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
    let head = json!({"errors": errors, "took": start.elapsed().as_millis() as u64});
    let body = printed(head, &outcomes, refreshed, call.parameter("filter_path"))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Reply { status: 200, kind: "application/json", headers: Vec::new(), body, filtered: true })
}

/// The answer, cut down by `filter`. Thousands of items that went well differ in a few values only, so what is left of
/// such an item is found out once for each kind; the others are cut one by one.
fn printed(
    head: Value,
    outcomes: &[ItemOutcome],
    refreshed: bool,
    filter: Option<&str>,
) -> serde_json::Result<Vec<u8>> {
    let cut = |answer: Value| {
        filter.map_or_else(|| answer.clone(), |filter| filter_path::apply(filter, answer.clone()))
    };
    let cut_item = |outcome: &ItemOutcome| {
        let mut whole = cut(json!({"items": [{outcome.kind.as_str(): item(outcome, refreshed)}]}));
        let item = whole.pointer_mut("/items/0").map(Value::take);
        item.filter(|item| item.as_object().is_some_and(|item| !item.is_empty()))
    };
    let mut shapes: HashMap<&str, Option<Value>> = HashMap::new();
    let mut items = Vec::new();
    for outcome in outcomes {
        let before = items.len();
        if before > 0 {
            items.push(b',');
        }
        let shown = match &outcome.result {
            Ok(_) => {
                let shape = shapes.entry(outcome.kind.as_str()).or_insert_with(|| cut_item(outcome));
                shape.as_ref().map(|shape| print_shaped(&mut items, shape, outcome)).transpose()?
            }
            Err(_) => cut_item(outcome).map(|item| serde_json::to_writer(&mut items, &item)).transpose()?,
        };
        if shown.is_none() {
            items.truncate(before);
        }
    }
    let mut body = serde_json::to_vec(&cut(head))?;
    if filter.is_none() || !items.is_empty() {
        body.pop();
        body.extend_from_slice(if body.len() > 1 { b",\"items\":[" } else { b"\"items\":[" });
        body.append(&mut items);
        body.extend_from_slice(b"]}");
    }
    Ok(body)
}

/// Prints `shape`, an item that went well, with the values of `outcome`.
fn print_shaped(out: &mut Vec<u8>, shape: &Value, outcome: &ItemOutcome) -> serde_json::Result<()> {
    let Ok(done) = &outcome.result else { return Ok(()) };
    for (kind, item) in shape.as_object().into_iter().flatten() {
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\":");
        for (at, (key, value)) in item.as_object().into_iter().flatten().enumerate() {
            out.push(if at == 0 { b'{' } else { b',' });
            serde_json::to_writer(&mut *out, key)?;
            out.push(b':');
            match key.as_str() {
                "_index" => serde_json::to_writer(&mut *out, &outcome.index)?,
                "_id" => serde_json::to_writer(&mut *out, &outcome.id)?,
                "_version" => serde_json::to_writer(&mut *out, &done.version)?,
                "result" => serde_json::to_writer(&mut *out, done.result)?,
                "_seq_no" => serde_json::to_writer(&mut *out, &done.sequence)?,
                "status" => serde_json::to_writer(&mut *out, &done.status)?,
                _ => serde_json::to_writer(&mut *out, value)?,
            }
        }
        out.extend_from_slice(b"}}");
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Outcome;

    #[test]
    fn items_are_shown_as_if_the_whole_answer_were_cut() {
        let done = |result, status, sequence| Ok(Outcome { result, status, version: 2, sequence });
        let outcome = |kind, id: &str, result| ItemOutcome {
            kind,
            index: "a\"b".to_owned(),
            id: Some(id.to_owned()),
            result,
        };
        let outcomes = [
            outcome(Kind::Create, "1", done("created", 201, 5)),
            outcome(Kind::Create, "2", Err(ApiError::illegal("no"))),
            outcome(Kind::Create, "3", done("created", 201, 6)),
            outcome(Kind::Delete, "4", done("not_found", 404, 7)),
        ];
        for filter in [
            None,
            Some("items.*._id,items.*.status,items.*.error"),
            Some("items.*.error"),
            Some("errors,items.create._shards.total"),
            Some("-items.*._shards,-took"),
            Some("-items"),
            Some("took"),
            Some("nothing"),
        ] {
            for count in [0, 1, 4] {
                let (outcomes, head) = (&outcomes[..count], json!({"errors": true, "took": 1}));
                let mut whole = head.clone();
                whole["items"] = outcomes
                    .iter()
                    .map(|outcome| json!({outcome.kind.as_str(): item(outcome, true)}))
                    .collect();
                let expected =
                    filter.map_or_else(|| whole.clone(), |filter| filter_path::apply(filter, whole.clone()));
                let found = printed(head, outcomes, true, filter).unwrap();
                let found: Value = serde_json::from_slice(&found).unwrap();
                // Where nothing is written, an empty list and none say the same.
                let same = found == expected
                    || (count == 0 && expected["items"] == json!([]) && found["items"].is_null());
                assert!(same, "{filter:?}: {found}, not {expected}");
            }
        }
    }
}
