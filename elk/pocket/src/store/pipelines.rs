//! Ingest pipelines between the request and the index.

use super::action::{Action, Kind};
use super::{ApiError, ItemOutcome, Store};
use crate::ingest::{Document, Pipeline, Verdict};
use crate::time::format::DateFormat;
use crate::time::now_millis;
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// Pipelines, read once.
pub(super) type Pipelines = HashMap<String, Arc<Pipeline>>;

/// Those of a registry; what cannot be read was written by a newer version and is missing.
pub(super) fn read_all<'a>(bodies: impl Iterator<Item = (&'a String, &'a Value)>) -> Pipelines {
    bodies.filter_map(|(name, body)| Some((name.clone(), Arc::new(Pipeline::parse(body).ok()?)))).collect()
}

impl Store {
    /// Stores a pipeline.
    pub fn put_pipeline(&self, name: &str, body: Value) -> Result<(), ApiError> {
        let pipeline = Pipeline::parse(&body)?;
        let mut registry = self.registry();
        registry.pipelines.insert(name.to_owned(), body);
        self.save(&registry)?;
        self.pipelines
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Arc::new(pipeline));
        Ok(())
    }

    /// Removes a pipeline.
    pub fn remove_pipeline(&self, name: &str) -> Result<(), ApiError> {
        let mut registry = self.registry();
        if registry.pipelines.remove(name).is_none() {
            return Err(ApiError::new(
                404,
                "resource_not_found_exception",
                format!("pipeline [{name}] is missing"),
            ));
        }
        self.save(&registry)?;
        self.pipelines.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    /// Runs pipelines over the documents they are for. What is dropped or fails is answered here; its place in the
    /// result is true.
    pub(super) fn run_pipelines(
        &self,
        actions: &mut [Action],
        default_of: impl Fn(&str) -> Option<String>,
        outcomes: &mut [ItemOutcome],
    ) -> Vec<bool> {
        let timestamp = DateFormat::default().print(now_millis().saturating_mul(1_000_000), 0);
        let mut defaults: HashMap<String, Option<String>> = HashMap::new();
        let mut done = vec![false; actions.len()];
        for (at, action) in actions.iter_mut().enumerate() {
            if !matches!(action.kind, Kind::Create | Kind::Index) {
                continue;
            }
            let name = match &action.pipeline {
                Some(name) => Some(name.clone()),
                None => {
                    defaults.entry(action.index.clone()).or_insert_with_key(|index| default_of(index)).clone()
                }
            };
            let Some(name) = name.filter(|name| name != "_none") else { continue };
            match self.run_pipeline(&name, &action.source, &timestamp) {
                Ok(Some(source)) => action.source = source,
                Ok(None) => {
                    done[at] = true;
                    outcomes[at].result =
                        Ok(super::Outcome { result: "noop", status: 200, version: 1, sequence: 0 });
                }
                Err(error) => {
                    done[at] = true;
                    outcomes[at].result = Err(error);
                }
            }
        }
        done
    }

    fn run_pipeline(&self, name: &str, source: &[u8], timestamp: &str) -> Result<Option<Bytes>, ApiError> {
        let pipeline = self.pipelines.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let pipeline =
            pipeline.ok_or_else(|| ApiError::illegal(format!("pipeline with id [{name}] does not exist")))?;
        let unreadable = |error: serde_json::Error| {
            ApiError::new(400, "document_parsing_exception", format!("[1:1] failed to parse: {error}"))
        };
        let mut document = Document::read(source, timestamp).map_err(unreadable)?;
        match pipeline.run(&mut document) {
            Ok(Verdict::Kept) => document.print().map(|text| Some(Bytes::from(text))).map_err(unreadable),
            Ok(Verdict::Dropped) => Ok(None),
            Err(failure) => Err(ApiError::new(500, "fail_processor_exception", failure.0)),
        }
    }
}
