//! Indices: making, removing, mappings, settings, aliases, names.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::pattern::matches;
use crate::store::{ApiError, Index};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) fn create(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    app.store.create_index(name, &call.json()?)?;
    Ok(Reply::ok(&json!({"acknowledged": true, "shards_acknowledged": true, "index": name})))
}

/// Removes indices; patterns need `*` to be meant.
pub(super) fn remove(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    if app.store.registry().streams.contains_key(expression) {
        return Err(ApiError::illegal(format!(
            "The provided expression [{expression}] matches a data stream, specify the corresponding concrete indices instead."
        )));
    }
    for index in app.store.resolve(expression, call.flag("ignore_unavailable"))? {
        app.store.remove_index(&index.meta.name)?;
    }
    Ok(Reply::acknowledged())
}

pub(super) fn exists(app: &App, expression: &str) -> Reply {
    let found = app.store.resolve(expression, false).is_ok_and(|found| !found.is_empty());
    Reply::empty(if found { 200 } else { 404 })
}

fn each(
    app: &App,
    call: &Call,
    expression: &str,
    show: impl Fn(&Arc<Index>) -> Value,
) -> Result<Reply, ApiError> {
    let found = app.store.resolve(expression, call.flag("ignore_unavailable"))?;
    Ok(Reply::ok(&Value::Object(found.iter().map(|index| (index.meta.name.clone(), show(index))).collect())))
}

pub(super) fn mapping(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    each(app, call, expression, |index| json!({"mappings": index.mapping().render()}))
}

pub(super) fn put_mapping(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    let body = call.json()?;
    for index in app.store.resolve(expression, false)? {
        index.put_mapping(&body)?;
    }
    Ok(Reply::acknowledged())
}

/// Settings with those every index has.
fn settings_of(index: &Index, flat: bool) -> Value {
    let mut settings = index.meta.settings.clone();
    settings.insert("index.uuid".to_owned(), json!(index.meta.uuid));
    settings.insert("index.creation_date".to_owned(), json!(index.meta.created.to_string()));
    settings.insert("index.provided_name".to_owned(), json!(index.meta.name));
    let text = |value: Value| match value {
        Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
        other => other,
    };
    if flat {
        return Value::Object(settings.into_iter().map(|(key, value)| (key, text(value))).collect());
    }
    let mut tree = json!({});
    for (key, value) in settings {
        let mut at = &mut tree;
        for part in key.split('.') {
            if !at.is_object() {
                *at = json!({});
            }
            at = &mut at[part];
        }
        *at = text(value);
    }
    tree
}

pub(super) fn settings(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    each(app, call, expression, |index| json!({"settings": settings_of(index, call.flag("flat_settings"))}))
}

fn aliases_of(app: &App, index: &str) -> Map<String, Value> {
    let registry = app.store.registry();
    let of_index = registry
        .aliases
        .iter()
        .filter_map(|(alias, targets)| Some((alias.clone(), targets.get(index)?.clone())));
    of_index.collect()
}

pub(super) fn show(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    each(app, call, expression, |index| {
        let mut shown = json!({
            "aliases": aliases_of(app, &index.meta.name),
            "mappings": index.mapping().render(),
            "settings": settings_of(index, call.flag("flat_settings")),
        });
        if let Some(stream) = &index.meta.stream {
            shown["data_stream"] = json!(stream);
        }
        shown
    })
}

pub(super) fn refresh(app: &App, expression: &str) -> Result<Reply, ApiError> {
    let count = app.store.resolve(expression, false)?.len();
    app.store.refresh()?;
    Ok(Reply::ok(&json!({"_shards": {"total": count, "successful": count, "failed": 0}})))
}

pub(super) fn aliases(
    app: &App,
    call: &Call,
    expression: &str,
    name: Option<&str>,
) -> Result<Reply, ApiError> {
    let mut shown = Map::new();
    for index in app.store.resolve(expression, call.flag("ignore_unavailable"))? {
        let mut aliases = aliases_of(app, &index.meta.name);
        if let Some(name) = name {
            aliases.retain(|alias, _| name.split(',').any(|pattern| matches(pattern, alias)));
            if aliases.is_empty() {
                continue;
            }
        }
        shown.insert(index.meta.name.clone(), json!({"aliases": aliases}));
    }
    match name {
        Some(name) if shown.is_empty() && !name.contains('*') => {
            Ok(Reply::json(404, &json!({"error": format!("alias [{name}] missing"), "status": 404})))
        }
        _ => Ok(Reply::ok(&Value::Object(shown))),
    }
}

pub(super) fn update_aliases(app: &App, call: &Call) -> Result<Reply, ApiError> {
    let body = call.json()?;
    let actions = body["actions"].as_array().ok_or_else(|| ApiError::parsing("[actions] is missing"))?;
    for action in actions {
        let (word, parameters) = action
            .as_object()
            .and_then(|map| map.iter().next())
            .ok_or_else(|| ApiError::parsing("an action must be an object"))?;
        let text = |key: &str| {
            parameters[key]
                .as_str()
                .ok_or_else(|| ApiError::illegal(format!("[{key}] can't be empty string or missing")))
        };
        change_alias(app, word, text("index")?, text("alias")?, parameters)?;
    }
    Ok(Reply::acknowledged())
}

pub(super) fn change_alias(
    app: &App,
    word: &str,
    expression: &str,
    alias: &str,
    parameters: &Value,
) -> Result<Reply, ApiError> {
    let found = app.store.resolve(expression, false)?;
    let mut registry = app.store.registry();
    let kept: Map<String, Value> = parameters
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key == "is_write_index")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for index in found {
        let name = index.meta.name.clone();
        match word {
            "add" => drop(
                registry
                    .aliases
                    .entry(alias.to_owned())
                    .or_default()
                    .insert(name, Value::Object(kept.clone())),
            ),
            "remove" => drop(registry.aliases.get_mut(alias).and_then(|targets| targets.remove(&name))),
            other => return Err(ApiError::unsupported(&format!("[{other}] of aliases"))),
        }
    }
    registry.aliases.retain(|_, targets| !targets.is_empty());
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

/// `_resolve/index/<pattern>`
pub(super) fn resolve(app: &App, expression: &str) -> Reply {
    let fits = |name: &str| expression.split(',').any(|pattern| matches(pattern, name));
    let indices: Vec<Value> = app
        .store
        .indices()
        .iter()
        .filter(|index| fits(&index.meta.name) && (!index.is_stream() || expression.starts_with('.')))
        .map(|index| json!({"name": index.meta.name, "attributes": ["open"]}))
        .collect();
    let registry = app.store.registry();
    let aliases: Vec<Value> = registry
        .aliases
        .iter()
        .filter(|(name, _)| fits(name))
        .map(|(name, targets)| json!({"name": name, "indices": targets.keys().collect::<Vec<_>>()}))
        .collect();
    let streams: Vec<Value> = registry.streams.iter().filter(|(name, _)| fits(name)).map(|(name, stream)| json!({"name": name, "backing_indices": stream.indices, "timestamp_field": "@timestamp"})).collect();
    Reply::ok(&json!({"indices": indices, "aliases": aliases, "data_streams": streams}))
}
