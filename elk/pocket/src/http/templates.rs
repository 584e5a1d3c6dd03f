//! Templates, data streams, pipelines, lifecycle policies.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::ingest::Pipeline;
use crate::mapping::template::{ComponentTemplate, IndexTemplate};
use crate::mapping::{Mapping, MappingSettings};
use crate::pattern::matches;
use crate::store::ApiError;
use serde_json::{Value, json};

fn fits(pattern: Option<&str>, name: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.split(',').any(|one| matches(one, name)))
}

fn not_found(what: &str, name: &str) -> ApiError {
    ApiError::new(404, "resource_not_found_exception", format!("{what} matching [{name}] not found"))
}

fn bad_body(error: &serde_json::Error) -> ApiError {
    ApiError::new(400, "x_content_parse_exception", error.to_string())
}

/// A template whose mappings cannot be read is refused when it is put, not when an index is made.
fn check_mappings(template: &Value) -> Result<(), ApiError> {
    match template.get("mappings") {
        None => Ok(()),
        Some(mappings) => Mapping::parse(mappings, MappingSettings::default())
            .map(|_| ())
            .map_err(|error| ApiError::new(400, "mapper_parsing_exception", error.to_string())),
    }
}

pub(super) fn put_component(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    let template: ComponentTemplate =
        serde_json::from_value(call.json()?).map_err(|error| bad_body(&error))?;
    check_mappings(&template.template)?;
    let mut registry = app.store.registry();
    registry.templates.components.insert(name.to_owned(), template);
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn component(app: &App, name: Option<&str>) -> Result<Reply, ApiError> {
    let registry = app.store.registry();
    let found: Vec<Value> = registry
        .templates
        .components
        .iter()
        .filter(|(known, _)| fits(name, known))
        .map(|(name, template)| json!({"name": name, "component_template": template}))
        .collect();
    match name {
        Some(name) if found.is_empty() && !name.contains('*') => Err(not_found("component template", name)),
        _ => Ok(Reply::ok(&json!({"component_templates": found}))),
    }
}

pub(super) fn remove_component(app: &App, name: &str) -> Result<Reply, ApiError> {
    let mut registry = app.store.registry();
    let user = registry.templates.indices.iter().find(|(_, template)| {
        template.composed_of.iter().any(|part| part == name)
            && !template.ignore_missing_component_templates.iter().any(|part| part == name)
    });
    if let Some((user, _)) = user {
        return Err(ApiError::illegal(format!(
            "component templates [{name}] cannot be removed as they are still in use by index templates [{user}]"
        )));
    }
    registry.templates.components.remove(name).ok_or_else(|| not_found("component template", name))?;
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn put_index(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    let template: IndexTemplate = serde_json::from_value(call.json()?).map_err(|error| bad_body(&error))?;
    check_mappings(&template.template)?;
    let mut registry = app.store.registry();
    registry.templates.put_index(name, template).map_err(|reason| {
        match reason.contains("specifies component templates") {
            true => ApiError::new(400, "invalid_index_template_exception", reason),
            false => ApiError::illegal(reason),
        }
    })?;
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn index(app: &App, name: Option<&str>) -> Result<Reply, ApiError> {
    let registry = app.store.registry();
    let found: Vec<Value> = registry
        .templates
        .indices
        .iter()
        .filter(|(known, _)| fits(name, known))
        .map(|(name, template)| json!({"name": name, "index_template": template}))
        .collect();
    match name {
        Some(name) if found.is_empty() && !name.contains('*') => Err(not_found("index template", name)),
        _ => Ok(Reply::ok(&json!({"index_templates": found}))),
    }
}

pub(super) fn remove_index(app: &App, name: &str) -> Result<Reply, ApiError> {
    let mut registry = app.store.registry();
    let user = registry.streams.iter().find(|(_, stream)| stream.template == name);
    if let Some((stream, _)) = user {
        return Err(ApiError::illegal(format!(
            "unable to remove composable templates [{name}] as they are in use by a data streams [{stream}]"
        )));
    }
    registry.templates.indices.remove(name).ok_or_else(|| not_found("index template", name))?;
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn simulate(app: &App, name: &str) -> Reply {
    let composed = app.store.registry().templates.compose(name);
    Reply::ok(
        &json!({"template": {"settings": composed.settings, "mappings": composed.mappings, "aliases": composed.aliases}, "overlapping": []}),
    )
}

pub(super) fn streams(app: &App, name: Option<&str>) -> Result<Reply, ApiError> {
    let found: Vec<Value> = {
        let registry = app.store.registry();
        registry.streams.iter().filter(|(known, _)| fits(name, known)).map(|(name, stream)| {
            let indices: Vec<Value> = stream.indices.iter().map(|index| {
                let uuid = app.store.index(index).map(|index| index.meta.uuid.clone());
                json!({"index_name": index, "index_uuid": uuid, "prefer_ilm": true, "managed_by": "Data stream lifecycle", "index_mode": "standard"})
            }).collect();
            let mut shown = json!({
                "name": name, "timestamp_field": {"name": "@timestamp"}, "indices": indices, "generation": stream.generation,
                "status": "GREEN", "template": stream.template, "hidden": false, "system": false, "allow_custom_routing": false,
                "replicated": false, "rollover_on_write": false, "prefer_ilm": true, "next_generation_managed_by": "Data stream lifecycle",
                "failure_store": {"enabled": false, "rollover_on_write": true, "indices": []},
            });
            if !stream.lifecycle.is_null() {
                shown["lifecycle"] = stream.lifecycle.clone();
                shown["lifecycle"]["enabled"] = json!(true);
            }
            if !stream.meta.is_null() {
                shown["_meta"] = stream.meta.clone();
            }
            shown
        }).collect()
    };
    match name {
        Some(name) if found.is_empty() && !name.contains('*') => Err(ApiError::index_not_found(name)),
        _ => Ok(Reply::ok(&json!({"data_streams": found}))),
    }
}

pub(super) fn remove_streams(app: &App, name: &str) -> Result<Reply, ApiError> {
    let names: Vec<String> =
        app.store.registry().streams.keys().filter(|known| fits(Some(name), known)).cloned().collect();
    if names.is_empty() && !name.contains('*') {
        return Err(ApiError::index_not_found(name));
    }
    names.iter().try_for_each(|name| app.store.remove_stream(name))?;
    Ok(Reply::acknowledged())
}

pub(super) fn put_lifecycle(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    let body = call.json()?;
    if let Some(retention) = body.get("data_retention") {
        crate::store::parse_retention(retention)?;
    }
    let mut registry = app.store.registry();
    let mut found = false;
    for (known, stream) in &mut registry.streams {
        if fits(Some(name), known) {
            stream.lifecycle = if body.is_null() { json!({}) } else { body.clone() };
            found = true;
        }
    }
    if !found {
        return Err(ApiError::index_not_found(name));
    }
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn lifecycle(app: &App, name: &str) -> Reply {
    let registry = app.store.registry();
    let found: Vec<Value> = registry
        .streams
        .iter()
        .filter(|(known, _)| fits(Some(name), known))
        .map(|(name, stream)| json!({"name": name, "lifecycle": stream.lifecycle}))
        .collect();
    Reply::ok(&json!({"data_streams": found}))
}

pub(super) fn roll_over(app: &App, name: &str) -> Result<Reply, ApiError> {
    let rollover = app.store.roll_over(name)?;
    Ok(Reply::ok(&json!({
        "acknowledged": true, "shards_acknowledged": true, "old_index": rollover.old, "new_index": rollover.new,
        "rolled_over": true, "dry_run": false, "lazy": false, "conditions": {},
    })))
}

pub(super) fn put_pipeline(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    let body = call.json()?;
    Pipeline::parse(&body)?;
    app.store.put_pipeline(name, body)?;
    Ok(Reply::acknowledged())
}

pub(super) fn pipelines(app: &App, name: Option<&str>) -> Reply {
    let registry = app.store.registry();
    let found: serde_json::Map<String, Value> = registry
        .pipelines
        .iter()
        .filter(|(known, _)| fits(name, known))
        .map(|(name, body)| (name.clone(), body.clone()))
        .collect();
    let missing = found.is_empty() && name.is_some_and(|name| !name.contains('*'));
    Reply::json(if missing { 404 } else { 200 }, &Value::Object(found))
}

pub(super) fn remove_pipeline(app: &App, name: &str) -> Result<Reply, ApiError> {
    app.store.remove_pipeline(name)?;
    Ok(Reply::acknowledged())
}

/// Policies are kept and shown; of them retention by age (`delete.min_age`) is executed.
pub(super) fn put_policy(app: &App, call: &Call, name: &str) -> Result<Reply, ApiError> {
    let body = call.json()?;
    if !body["policy"]["phases"].is_object() {
        return Err(ApiError::new(
            400,
            "x_content_parse_exception",
            "[1:1] [put_lifecycle_request] failed to parse field [policy]",
        ));
    }
    let mut registry = app.store.registry();
    registry.policies.insert(name.to_owned(), body["policy"].clone());
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}

pub(super) fn policies(app: &App, name: Option<&str>) -> Result<Reply, ApiError> {
    let registry = app.store.registry();
    let found: serde_json::Map<String, Value> = registry
        .policies
        .iter()
        .filter(|(known, _)| fits(name, known))
        .map(|(name, policy)| {
            (
                name.clone(),
                json!({"version": 1, "modified_date": "1970-01-01T00:00:00.000Z", "policy": policy}),
            )
        })
        .collect();
    match name {
        Some(name) if found.is_empty() => Err(not_found("lifecycle policy", name)),
        _ => Ok(Reply::ok(&Value::Object(found))),
    }
}

pub(super) fn remove_policy(app: &App, name: &str) -> Result<Reply, ApiError> {
    let mut registry = app.store.registry();
    registry.policies.remove(name).ok_or_else(|| not_found("lifecycle policy", name))?;
    app.store.save(&registry)?;
    Ok(Reply::acknowledged())
}
