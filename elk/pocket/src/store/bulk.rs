//! Writing: from bulk items to answers.
//!
//! Items are grouped by the index they go to, in their order. A group is parsed, its ids are checked and noted, and the
//! group goes into the log as one frame; all groups of a request wait for the log together. Updates, and changes of
//! documents that exist, need the document's version and go alone.

use super::action::{Action, Kind, random_bytes};
use super::index::Index;
use super::indexer::Batch;
use super::streams::Demand;
use super::{ApiError, Store};
use crate::document::{DocKey, Refusal, Values};
use crate::ids::State;
use crate::index::{Indexed, Pending, StoredDocument};
use crate::log::{Entry, Operation, Record, Ticket};
use crate::mapping::FieldId;
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// What became of an item.
#[derive(Debug, Clone)]
pub struct ItemOutcome {
    /// What it asked for.
    pub kind: Kind,
    /// The index it went to, or the name it gave.
    pub index: String,
    /// The id.
    pub id: Option<String>,
    /// How it ended.
    pub result: Result<Outcome, ApiError>,
}

/// A change that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `created`, `updated`, `deleted`, `not_found`, `noop`
    pub result: &'static str,
    /// 200, 201 or 404
    pub status: u16,
    /// Version of the document.
    pub version: u32,
    /// Place in the order of writing.
    pub sequence: u64,
}

/// An item, checked, before its id is.
struct Prepared {
    at: usize,
    kind: Kind,
    key: DocKey,
    id: String,
    source: Bytes,
    values: Values,
}

/// A group in the log: which items, and what they become when it is durable.
struct Sent {
    ticket: Ticket,
    index: Arc<Index>,
    items: Vec<(usize, Outcome)>,
    undo: Vec<(DocKey, Option<State>)>,
}

impl Store {
    /// Carries out `actions`; the answers are in their order. Blocks until the log is durable.
    pub fn bulk(&self, mut actions: Vec<Action>) -> Vec<ItemOutcome> {
        let mut outcomes: Vec<ItemOutcome> = actions
            .iter()
            .map(|action| ItemOutcome {
                kind: action.kind,
                index: action.index.clone(),
                id: action.id.clone(),
                result: Err(ApiError::internal("not carried out")),
            })
            .collect();
        if let Err(error) = self.check_disk() {
            outcomes.iter_mut().for_each(|outcome| outcome.result = Err(error.clone()));
            return outcomes;
        }
        let done = self.run_pipelines(&mut actions, |name| self.default_pipeline(name), &mut outcomes);
        let failures = self.log.failures();
        let mut sent = Vec::new();
        for (index, group) in self.group(&actions, &done, &mut outcomes) {
            sent.extend(self.write_group(&index, group, &actions, &mut outcomes));
        }
        let repeats =
            outcomes.iter().any(|outcome| matches!(&outcome.result, Err(error) if error.status == 409));
        // A repeat counts as stored only when the document it repeats is durable, which may be on its way.
        if repeats && let Err(error) = self.barrier_since(failures) {
            for outcome in
                outcomes.iter_mut().filter(|outcome| matches!(&outcome.result, Err(e) if e.status == 409))
            {
                outcome.result = Err(error.clone());
            }
        }
        for group in sent {
            settle(group, &mut outcomes);
        }
        outcomes
    }

    /// Waits for all frames before; fails when one was given up since there were `failures`.
    fn barrier_since(&self, failures: u64) -> Result<(), ApiError> {
        self.log_barrier()?;
        match self.log.failures() == failures {
            true => Ok(()),
            false => Err(ApiError::disk_full("a document of the same id could not be written")),
        }
    }

    fn check_disk(&self) -> Result<(), ApiError> {
        let status =
            rustix::fs::statvfs(&self.folder).map_err(|error| ApiError::internal(error.to_string()))?;
        let free = status.f_bavail.saturating_mul(status.f_frsize);
        if free >= self.options.free_disk_min {
            return Ok(());
        }
        let cause = format!(
            "{} MiB are free in the data folder, {} MiB are the least",
            free >> 20,
            self.options.free_disk_min >> 20
        );
        Err(ApiError::disk_full(&cause))
    }

    /// Places of items by the index they go to, in order of the first.
    fn group(
        &self,
        actions: &[Action],
        done: &[bool],
        outcomes: &mut [ItemOutcome],
    ) -> Vec<(Arc<Index>, Vec<usize>)> {
        let mut targets: HashMap<(&str, Demand), Result<Arc<Index>, ApiError>> = HashMap::new();
        let mut groups: Vec<(Arc<Index>, Vec<usize>)> = Vec::new();
        for (at, action) in actions.iter().enumerate().filter(|(at, _)| !done[*at]) {
            let demand = Demand { alias: action.require_alias, stream: action.require_data_stream };
            let target = targets
                .entry((&action.index, demand))
                .or_insert_with(|| self.write_target(&action.index, demand));
            match target {
                Ok(index)
                    if index.is_stream()
                        && action.kind != Kind::Create
                        && action.index == *index.meta.stream.as_deref().unwrap_or_default() =>
                {
                    let reason = "only write ops with an op_type of create are allowed in data streams";
                    outcomes[at].result = Err(ApiError::illegal(reason));
                }
                Ok(index) => {
                    outcomes[at].index.clone_from(&index.meta.name);
                    match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, index)) {
                        Some((_, places)) => places.push(at),
                        None => groups.push((Arc::clone(index), vec![at])),
                    }
                }
                Err(error) => outcomes[at].result = Err(error.clone()),
            }
        }
        groups
    }

    fn write_group(
        &self,
        index: &Arc<Index>,
        places: Vec<usize>,
        actions: &[Action],
        outcomes: &mut [ItemOutcome],
    ) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut run = Vec::new();
        for at in places {
            let action = &actions[at];
            match prepare(index, at, action) {
                Ok(prepared) if action.kind == Kind::Create => {
                    outcomes[at].id = Some(prepared.id.clone());
                    run.push(prepared);
                }
                Ok(prepared) => {
                    outcomes[at].id = Some(prepared.id.clone());
                    sent.extend(self.send(index, std::mem::take(&mut run), outcomes));
                    sent.extend(self.change(index, prepared, outcomes));
                }
                Err(error) => outcomes[at].result = Err(error),
            }
        }
        sent.extend(self.send(index, run, outcomes));
        sent
    }

    /// Checks ids and hands documents with new ones to the log.
    fn send(&self, index: &Arc<Index>, run: Vec<Prepared>, outcomes: &mut [ItemOutcome]) -> Option<Sent> {
        if run.is_empty() {
            return None;
        }
        let mut next = index.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids = index.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<DocKey> = run.iter().map(|item| item.key).collect();
        let known = ids.look_up(&keys);
        let (mut work, mut items, mut undo) = (Vec::new(), Vec::new(), Vec::new());
        for (item, known) in run.into_iter().zip(known) {
            // A key may come twice in one request; the first is noted by now.
            let state = ids.recent(item.key).or(known);
            if state == Some(State::Alive) {
                outcomes[item.at].result = Err(conflict(index, &item.id));
                continue;
            }
            undo.push((item.key, ids.note(item.key, State::Alive)));
            items.push((item.at, Outcome { result: "created", status: 201, version: 1, sequence: *next }));
            work.push((Operation::Add, item, *next, 1));
            *next += 1;
        }
        drop(ids);
        if work.is_empty() {
            return None;
        }
        let ticket = self.hand_over(index, work);
        drop(next);
        Some(Sent { ticket, index: Arc::clone(index), items, undo })
    }

    fn hand_over(&self, index: &Arc<Index>, work: Vec<(Operation, Prepared, u64, u32)>) -> Ticket {
        let mut records = Vec::with_capacity(work.len());
        let mut changes = Vec::with_capacity(work.len());
        for (operation, item, sequence, version) in work {
            let id = item.key.id().is_none().then(|| item.id.into_boxed_str());
            records.push(Record {
                operation,
                key: item.key,
                id: id.clone(),
                sequence,
                version,
                source: item.source.clone(),
            });
            let document =
                Indexed { key: item.key, id, sequence, version, source: item.source, values: item.values };
            changes.push(Pending { operation, document });
        }
        let entry = Entry { index: index.meta.number, records };
        self.log.append(&entry, Some(Batch { index: Arc::clone(index), changes }))
    }

    /// Carries out one change that needs to know the document there is.
    fn change(&self, index: &Arc<Index>, item: Prepared, outcomes: &mut [ItemOutcome]) -> Option<Sent> {
        let at = item.at;
        match self.try_change(index, item) {
            Ok(sent) => sent.map_err(|outcome| outcomes[at].result = Ok(outcome)).ok(),
            Err(error) => {
                outcomes[at].result = Err(error);
                None
            }
        }
    }

    fn try_change(&self, index: &Arc<Index>, mut item: Prepared) -> Result<Result<Sent, Outcome>, ApiError> {
        let mut next = index.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let existing = self.current(index, item.key)?;
        let version = existing.as_ref().map_or(1, |document| document.version as u32 + 1);
        let (operation, result, status) = match (item.kind, &existing) {
            (Kind::Delete, None) => {
                return Ok(Err(Outcome { result: "not_found", status: 404, version, sequence: *next }));
            }
            (Kind::Delete, Some(_)) => (Operation::Remove, "deleted", 200),
            (Kind::Update, existing) => {
                let source = updated(&item, index, existing.as_ref())?;
                if existing.as_ref().is_some_and(|document| document.source == source) {
                    return Ok(Err(Outcome {
                        result: "noop",
                        status: 200,
                        version: version - 1,
                        sequence: *next,
                    }));
                }
                item.values = index.parse(&source).map_err(|refusal| refused(refusal, &item.id))?;
                item.source = source;
                match existing {
                    Some(_) => (Operation::Replace, "updated", 200),
                    None => (Operation::Add, "created", 201),
                }
            }
            (_, Some(_)) => (Operation::Replace, "updated", 200),
            (_, None) => (Operation::Add, "created", 201),
        };
        let state = if operation == Operation::Remove { State::Deleted } else { State::Alive };
        let before = index.ids.lock().unwrap_or_else(PoisonError::into_inner).note(item.key, state);
        let undo = vec![(item.key, before)];
        let items = vec![(item.at, Outcome { result, status, version, sequence: *next })];
        let ticket = self.hand_over(index, vec![(operation, item, *next, version)]);
        *next += 1;
        Ok(Ok(Sent { ticket, index: Arc::clone(index), items, undo }))
    }

    /// The newest state of a document, what is not yet searchable included.
    fn current(&self, index: &Arc<Index>, key: DocKey) -> Result<Option<StoredDocument>, ApiError> {
        let (recent, known) = {
            let ids = index.ids.lock().unwrap_or_else(PoisonError::into_inner);
            (ids.is_recent(key), ids.look_up(&[key])[0])
        };
        if known != Some(State::Alive) {
            return Ok(None);
        }
        if recent {
            self.refresh()?;
        }
        Ok(index.snapshot().documents(&[key])?.remove(&0))
    }

    /// Documents by id, in the order asked for, what is not yet searchable included.
    pub fn get(&self, index: &Arc<Index>, ids: &[String]) -> Result<Vec<Option<StoredDocument>>, ApiError> {
        let keys: Vec<DocKey> = ids.iter().map(|id| DocKey::of(id)).collect();
        let (recent, known) = {
            let ids = index.ids.lock().unwrap_or_else(PoisonError::into_inner);
            (keys.iter().any(|key| ids.is_recent(*key)), ids.look_up(&keys))
        };
        if recent {
            self.refresh()?;
        }
        let alive: Vec<usize> = (0..keys.len()).filter(|at| known[*at] == Some(State::Alive)).collect();
        let wanted: Vec<DocKey> = alive.iter().map(|at| keys[*at]).collect();
        let mut found = index.snapshot().documents(&wanted)?;
        let mut documents = vec![None; keys.len()];
        for (place, at) in alive.into_iter().enumerate() {
            documents[at] = found.remove(&place);
        }
        Ok(documents)
    }
}

fn prepare(index: &Index, at: usize, action: &Action) -> Result<Prepared, ApiError> {
    let (key, id) = match &action.id {
        Some(id) => (DocKey::of(id), id.clone()),
        None => {
            let key = DocKey::from_random(random_bytes());
            (key, key.id().unwrap_or_default())
        }
    };
    let parsed = matches!(action.kind, Kind::Create | Kind::Index);
    let values = match parsed {
        true => index.parse(&action.source).map_err(|refusal| refused(refusal, &id))?,
        false => Values::default(),
    };
    if parsed && index.is_stream() {
        let time = index.mapping().field("@timestamp").map(|field| field.id);
        if !time.is_some_and(|time| has_number(&values, time)) {
            return Err(refused(Refusal::NoTimestamp, &id));
        }
    }
    Ok(Prepared { at, kind: action.kind, key, id, source: action.source.clone(), values })
}

fn has_number(values: &Values, field: FieldId) -> bool {
    values.numbers.iter().any(|(id, _)| *id == field)
}

fn updated(item: &Prepared, index: &Index, existing: Option<&StoredDocument>) -> Result<Bytes, ApiError> {
    let body: Value = serde_json::from_slice(&item.source)
        .map_err(|error| ApiError::new(400, "x_content_parse_exception", error.to_string()))?;
    if body.get("script").is_some() {
        return Err(ApiError::unsupported("[script] of an update"));
    }
    let change = body.get("doc");
    let document = match (existing, change, body.get("upsert")) {
        (Some(existing), Some(change), _) => {
            let mut document: Value = serde_json::from_slice(&existing.source)
                .map_err(|error| ApiError::internal(error.to_string()))?;
            let before = document.clone();
            merge(&mut document, change);
            if document == before {
                return Ok(existing.source.clone());
            }
            document
        }
        (None, _, Some(upsert)) => upsert.clone(),
        (None, Some(change), None) if body.get("doc_as_upsert") == Some(&Value::Bool(true)) => change.clone(),
        (None, ..) => {
            let reason = format!("[{}]: document missing", item.id);
            return Err(ApiError::new(404, "document_missing_exception", reason)
                .of_index(&index.meta.name, &index.meta.uuid));
        }
        (Some(_), None, _) => {
            return Err(ApiError::new(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: script or doc is missing;",
            ));
        }
    };
    Ok(Bytes::from(document.to_string()))
}

fn merge(document: &mut Value, change: &Value) {
    match (document, change) {
        (Value::Object(document), Value::Object(change)) => {
            for (key, value) in change {
                match document.get_mut(key) {
                    Some(existing) if existing.is_object() && value.is_object() => merge(existing, value),
                    _ => {
                        document.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (document, change) => *document = change.clone(),
    }
}

fn conflict(index: &Index, id: &str) -> ApiError {
    let reason = format!("[{id}]: version conflict, document already exists (current version [1])");
    let mut error = ApiError::new(409, "version_conflict_engine_exception", reason)
        .of_index(&index.meta.name, &index.meta.uuid);
    error.details.insert("shard".to_owned(), Value::from("0"));
    error
}

/// A refusal in the words of Elasticsearch's answer.
fn refused(refusal: Refusal, id: &str) -> ApiError {
    let (cause_kind, cause) = match &refusal {
        Refusal::Json(reason) => ("x_content_parse_exception", reason.clone()),
        Refusal::Value { cause, .. } => ("illegal_argument_exception", cause.clone()),
        Refusal::NoTimestamp => {
            ("illegal_argument_exception", "data stream timestamp field [@timestamp] is missing".to_owned())
        }
        Refusal::Alias(path) => {
            ("illegal_argument_exception", format!("Cannot write to a field alias [{path}]."))
        }
        Refusal::TooManyFields(reason) => ("illegal_argument_exception", reason.clone()),
        Refusal::Strict { .. } => {
            return ApiError::new(400, "strict_dynamic_mapping_exception", format!("[1:1] {refusal}"));
        }
        Refusal::Unmapped | Refusal::NotAnObject(_) | Refusal::BadName(_) => {
            return ApiError::new(400, "document_parsing_exception", format!("[1:1] {refusal}"));
        }
    };
    let named = match refusal {
        Refusal::Value { path, kind, preview, cause, .. } => {
            Refusal::Value { path, kind, preview, cause, document: format!(" in document with id '{id}'") }
        }
        other => other,
    };
    ApiError::new(400, "document_parsing_exception", format!("[1:1] {named}")).caused_by(cause_kind, &cause)
}

fn settle(sent: Sent, outcomes: &mut [ItemOutcome]) {
    let error = match sent.ticket.blocking_recv() {
        Ok(Ok(_)) => {
            for (at, outcome) in sent.items {
                outcomes[at].result = Ok(outcome);
            }
            return;
        }
        Ok(Err(failure)) => ApiError::disk_full(&failure.to_string()),
        Err(_) => ApiError::unavailable("the store is stopping"),
    };
    let mut ids = sent.index.ids.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, before) in sent.undo.into_iter().rev() {
        ids.take_back(key, before);
    }
    for (at, _) in sent.items {
        outcomes[at].result = Err(error.clone());
    }
}
