//! Making indices: on demand, for data streams, by rollover; and removing them.

use super::index::{Index, IndexMeta};
use super::registry::DataStream;
use super::{ApiError, Registry, Store, check_name};
use crate::mapping::template::{Composed, flatten_settings, merge_mappings};
use crate::time::{civil_from_days, now_millis};
use serde_json::{Map, Value, json};
use std::sync::{Arc, PoisonError};

/// What a rollover did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollover {
    /// The index written to so far.
    pub old: String,
    /// The index written to from now on.
    pub new: String,
}

/// What a bulk item demands of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Demand {
    pub(super) alias: bool,
    pub(super) stream: bool,
}

/// Refuses keys that would change nothing.
fn check_body(body: &Value) -> Result<(), ApiError> {
    for (key, value) in body.as_object().into_iter().flatten() {
        let reason = match key.as_str() {
            "settings" | "mappings" | "aliases" if value.is_object() => continue,
            "settings" | "mappings" | "aliases" => format!("key [{key}] must be an object"),
            _ => format!("unknown key [{key}] for create index"),
        };
        return Err(ApiError::new(400, "parse_exception", reason));
    }
    Ok(())
}

impl Store {
    /// The index documents for `name` are written to; made by template where it is missing.
    pub(super) fn write_target(&self, name: &str, demand: Demand) -> Result<Arc<Index>, ApiError> {
        let mut registry = self.registry();
        if let Some(stream) = registry.streams.get(name) {
            let newest = stream.indices.last().cloned().unwrap_or_default();
            return self.index(&newest).ok_or_else(|| ApiError::index_not_found(&newest));
        }
        if let Some(targets) = registry.aliases.get(name) {
            return self.alias_target(name, targets);
        }
        if demand.alias {
            let reason = format!(
                "no such index [{name}] and [require_alias] request flag is [true] and [{name}] is not an alias"
            );
            return Err(ApiError::new(404, "index_not_found_exception", reason).of_index(name, "_na_"));
        }
        if let Some(index) = self.index(name) {
            return Ok(index);
        }
        check_name(name)?;
        let composed = registry.templates.compose(name);
        if demand.stream && !composed.data_stream {
            let reason = format!(
                "no such index [{name}] and the index creation request requires a data stream, but no matching index template with data stream template was found for it"
            );
            return Err(ApiError::new(404, "index_not_found_exception", reason).of_index(name, "_na_"));
        }
        if composed.data_stream {
            return self.make_stream(&mut registry, name, composed);
        }
        self.make_index(&mut registry, name, composed, None)
    }

    /// The pipeline documents for `name` go through where they name none.
    pub(super) fn default_pipeline(&self, name: &str) -> Option<String> {
        let registry = self.registry();
        let newest = registry.streams.get(name).and_then(|stream| stream.indices.last().cloned());
        let setting = match self.index(newest.as_deref().unwrap_or(name)) {
            Some(index) => index.meta.settings.get("index.default_pipeline").cloned(),
            None => registry.templates.compose(name).settings.get("index.default_pipeline").cloned(),
        };
        setting?.as_str().map(str::to_owned)
    }

    fn alias_target(
        &self,
        name: &str,
        targets: &std::collections::BTreeMap<String, Value>,
    ) -> Result<Arc<Index>, ApiError> {
        let writable = |(_, parameters): &(&String, &Value)| {
            parameters.get("is_write_index") == Some(&Value::Bool(true))
        };
        let target = match targets.len() {
            1 => targets.keys().next(),
            _ => targets.iter().find(writable).map(|(index, _)| index),
        };
        let target = target.ok_or_else(|| {
            ApiError::illegal(format!("no write index is defined for alias [{name}]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index"))
        })?;
        self.index(target).ok_or_else(|| ApiError::index_not_found(target))
    }

    /// `PUT /<index>`
    pub fn create_index(&self, name: &str, body: &Value) -> Result<(), ApiError> {
        check_name(name)?;
        check_body(body)?;
        let mut registry = self.registry();
        if self.index(name).is_some()
            || registry.streams.contains_key(name)
            || registry.aliases.contains_key(name)
        {
            let uuid = self.index(name).map_or_else(|| "_na_".to_owned(), |index| index.meta.uuid.clone());
            let reason = format!("index [{name}/{uuid}] already exists");
            return Err(ApiError::new(400, "resource_already_exists_exception", reason).of_index(name, &uuid));
        }
        let mut composed = registry.templates.compose(name);
        if composed.data_stream {
            return Err(ApiError::illegal(format!(
                "cannot create index with name [{name}], because it matches with template [{}] that creates data streams only, use create data stream api instead",
                composed.template.unwrap_or_default()
            )));
        }
        if let Some(settings) = body.get("settings") {
            flatten_settings("", settings, &mut composed.settings);
        }
        if let Some(mappings) = body.get("mappings") {
            merge_mappings(&mut composed.mappings, mappings);
        }
        if let Some(aliases) = body.get("aliases").and_then(Value::as_object) {
            composed.aliases.extend(aliases.clone());
        }
        self.make_index(&mut registry, name, composed, None).map(|_| ())
    }

    /// `PUT /_data_stream/<name>`
    pub fn create_stream(&self, name: &str) -> Result<(), ApiError> {
        check_name(name)?;
        let mut registry = self.registry();
        if registry.streams.contains_key(name) {
            return Err(ApiError::new(
                400,
                "resource_already_exists_exception",
                format!("data_stream [{name}] already exists"),
            ));
        }
        let composed = registry.templates.compose(name);
        if !composed.data_stream {
            return Err(ApiError::illegal(format!(
                "no matching index template found for data stream [{name}]"
            )));
        }
        self.make_stream(&mut registry, name, composed).map(|_| ())
    }

    fn make_stream(
        &self,
        registry: &mut Registry,
        name: &str,
        composed: Composed,
    ) -> Result<Arc<Index>, ApiError> {
        let backing = backing_name(name, 1);
        let stream = DataStream {
            generation: 1,
            indices: vec![backing.clone()],
            template: composed.template.clone().unwrap_or_default(),
            lifecycle: composed.lifecycle.clone(),
            meta: composed.meta.clone(),
        };
        let index = self.make_index(registry, &backing, composed, Some(name))?;
        registry.streams.insert(name.to_owned(), stream);
        self.save(registry)?;
        Ok(index)
    }

    fn make_index(
        &self,
        registry: &mut Registry,
        name: &str,
        composed: Composed,
        stream: Option<&str>,
    ) -> Result<Arc<Index>, ApiError> {
        let number = registry.next_number;
        let mut settings: Map<String, Value> = composed.settings;
        settings.entry("index.number_of_shards").or_insert(json!("1"));
        settings.entry("index.number_of_replicas").or_insert(json!("0"));
        let meta = IndexMeta {
            number,
            name: name.to_owned(),
            uuid: super::action::random_id(),
            created: now_millis(),
            settings,
            stream: stream.map(str::to_owned),
        };
        let mut mappings = composed.mappings;
        if stream.is_some() {
            let time = json!({"properties": {"@timestamp": {"type": "date"}}});
            if mappings.pointer("/properties/@timestamp").is_none() {
                merge_mappings(&mut mappings, &time);
            }
        }
        // The number is used up first, so that no folder is ever taken for another index's.
        registry.next_number += 1;
        for (alias, parameters) in composed.aliases {
            registry.aliases.entry(alias).or_default().insert(name.to_owned(), parameters);
        }
        self.save(registry)?;
        let folder = self.folder.join("indices").join(number.to_string());
        let index = Arc::new(Index::create(&folder, meta, &mappings, self.options.writer_budget())?);
        self.indices
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    /// Begins a new backing index.
    pub fn roll_over(&self, name: &str) -> Result<Rollover, ApiError> {
        let mut registry = self.registry();
        let stream = registry
            .streams
            .get(name)
            .cloned()
            .ok_or_else(|| ApiError::illegal(format!("rollover target [{name}] is not a data stream")))?;
        let old = stream.indices.last().cloned().unwrap_or_default();
        let composed = registry.templates.compose(name);
        let new = backing_name(name, stream.generation + 1);
        self.make_index(&mut registry, &new, composed, Some(name))?;
        if let Some(stream) = registry.streams.get_mut(name) {
            stream.generation += 1;
            stream.indices.push(new.clone());
        }
        self.save(&registry)?;
        Ok(Rollover { old, new })
    }

    /// Removes an index and all its documents.
    pub fn remove_index(&self, name: &str) -> Result<(), ApiError> {
        let mut registry = self.registry();
        if let Some((stream, of)) = registry.stream_of(name)
            && of.indices.last().is_some_and(|newest| newest == name)
        {
            return Err(ApiError::illegal(format!(
                "index [{name}] is the write index for data stream [{stream}] and cannot be deleted"
            )));
        }
        self.drop_index(&mut registry, name)
    }

    /// Removes a data stream with its indices.
    pub fn remove_stream(&self, name: &str) -> Result<(), ApiError> {
        let mut registry = self.registry();
        let stream = registry.streams.remove(name).ok_or_else(|| ApiError::index_not_found(name))?;
        self.save(&registry)?;
        stream.indices.iter().try_for_each(|index| self.drop_index(&mut registry, index))
    }

    fn drop_index(&self, registry: &mut Registry, name: &str) -> Result<(), ApiError> {
        let index = self.indices.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let index = index.ok_or_else(|| ApiError::index_not_found(name))?;
        for stream in registry.streams.values_mut() {
            stream.indices.retain(|other| other != name);
        }
        registry.aliases.retain(|_, targets| {
            targets.remove(name);
            !targets.is_empty()
        });
        self.save(registry)?;
        index.retire();
        // The name goes first: a folder without it is swept away at the next start, whatever happens now.
        std::fs::remove_file(index.folder().join("index.json"))?;
        index.shelf.abandon_writer();
        std::fs::remove_dir_all(index.folder()).or_else(|error| match error.kind() {
            std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        Ok(())
    }

    /// Stores the registry.
    pub fn save(&self, registry: &Registry) -> Result<(), ApiError> {
        Ok(registry.save(&self.folder.join("registry.json"))?)
    }
}

fn backing_name(stream: &str, generation: u32) -> String {
    let (year, month, day) = civil_from_days(now_millis().div_euclid(86_400_000));
    format!(".ds-{stream}-{year:04}.{month:02}.{day:02}-{generation:06}")
}
