//! Which function answers which address: the whole dialect on one page.

use super::call::Call;
use super::place::located;
use super::refusal::{methods, no_handler};
use super::reply::Reply;
use super::{App, bulk, cluster, documents, filter_path, indices, parameters, search, templates};
use crate::store::{ApiError, Kind, resolve_name};
use serde_json::json;

/// Answers a call.
pub(super) fn answer(app: &App, call: &Call) -> Reply {
    let reply = Reply::from(dispatch(app, call).map_err(|error| located(error, &call.body)));
    match (call.parameter("filter_path"), reply.kind) {
        (Some(filter), "application/json") if !reply.filtered => filtered(call, filter, reply),
        _ => reply,
    }
}

fn filtered(call: &Call, filter: &str, reply: Reply) -> Reply {
    let _room = match call.room.take_for_tree(&reply.body) {
        Ok(room) => room,
        Err(error) => return Reply::error(&error),
    };
    match serde_json::from_slice(&reply.body) {
        Ok(body) => Reply::json(reply.status, &filter_path::apply(filter, body)),
        Err(_) => reply,
    }
}

fn dispatch(app: &App, call: &Call) -> Result<Reply, ApiError> {
    let index = call.path.first().map(|name| resolve_name(name)).transpose()?;
    let rest = call.path.iter().skip(1).map(String::as_str);
    let path: Vec<&str> = index.as_deref().into_iter().chain(rest).collect();
    let method = if call.method == hyper::Method::HEAD { "GET" } else { call.method.as_str() };
    let allowed = methods(&path);
    if allowed.is_empty() || allowed.contains(&method) {
        parameters::check(call, &path)?;
    }
    match (method, path.as_slice()) {
        ("GET", []) => Ok(cluster::root(app)),
        ("GET", ["_license"]) => Ok(cluster::license()),
        ("GET", ["_xpack"]) => Ok(cluster::xpack()),
        ("GET", ["_cluster", "health", ..]) => Ok(cluster::health(app)),
        ("GET", ["_nodes", ..]) => Ok(cluster::nodes(app)),
        ("GET", ["_stats", ..]) => cluster::stats(app, "*"),
        ("GET", [index, "_stats", ..]) => cluster::stats(app, index),
        ("GET", ["_cat", table]) => cluster::cat(app, call, table, "*"),
        ("GET", ["_cat", table, expression]) => cluster::cat(app, call, table, expression),

        ("POST" | "PUT", ["_bulk"]) => bulk::bulk(app, call, None),
        ("POST" | "PUT", [index, "_bulk"]) => bulk::bulk(app, call, Some(index)),
        ("POST", [index, "_doc"]) => bulk::one(app, call, Kind::Index, index, None),
        ("POST" | "PUT", [index, "_doc", id]) => bulk::one(app, call, Kind::Index, index, Some(id)),
        ("POST" | "PUT", [index, "_create", id]) => bulk::one(app, call, Kind::Create, index, Some(id)),
        ("POST", [index, "_update", id]) => bulk::one(app, call, Kind::Update, index, Some(id)),
        ("DELETE", [index, "_doc", id]) => bulk::one(app, call, Kind::Delete, index, Some(id)),
        ("GET", [index, "_doc", id]) => documents::get(app, call, index, id),
        ("GET", [index, "_source", id]) => documents::source(app, index, id),
        ("GET" | "POST", ["_mget"]) => documents::many(app, call, None),
        ("GET" | "POST", [index, "_mget"]) => documents::many(app, call, Some(index)),

        ("GET" | "POST", ["_search"]) => search::search(app, call, "_all"),
        ("GET" | "POST", [index, "_search"]) => search::search(app, call, index),
        ("GET" | "POST", ["_msearch"]) => search::many(app, call, None),
        ("GET" | "POST", [index, "_msearch"]) => search::many(app, call, Some(index)),
        ("GET" | "POST", ["_count"]) => search::count(app, call, "_all"),
        ("GET" | "POST", [index, "_count"]) => search::count(app, call, index),
        ("GET" | "POST", ["_field_caps"]) => search::field_caps(app, call, "_all"),
        ("GET" | "POST", [index, "_field_caps"]) => search::field_caps(app, call, index),

        ("GET", ["_mapping" | "_mappings"]) => indices::mapping(app, call, "*"),
        ("GET", [index, "_mapping" | "_mappings"]) => indices::mapping(app, call, index),
        ("PUT" | "POST", [index, "_mapping" | "_mappings"]) => indices::put_mapping(app, call, index),
        ("GET", ["_settings", ..]) => indices::settings(app, call, "*"),
        ("GET", [index, "_settings", ..]) => indices::settings(app, call, index),
        ("GET" | "POST", ["_refresh"]) => indices::refresh(app, "*"),
        ("GET" | "POST", [index, "_refresh" | "_flush" | "_forcemerge"]) => indices::refresh(app, index),
        ("POST", ["_aliases"]) => indices::update_aliases(app, call),
        ("GET", ["_alias"]) => indices::aliases(app, call, "*", None),
        ("GET", ["_alias", name]) => indices::aliases(app, call, "*", Some(name)),
        ("GET", [index, "_alias"]) => indices::aliases(app, call, index, None),
        ("GET", [index, "_alias", name]) => indices::aliases(app, call, index, Some(name)),
        ("PUT" | "POST", [index, "_alias" | "_aliases", name]) => {
            indices::change_alias(app, "add", index, name, &call.json()?)
        }
        ("DELETE", [index, "_alias" | "_aliases", name]) => {
            indices::change_alias(app, "remove", index, name, &json!({}))
        }
        ("GET", ["_resolve", "index", expression]) => Ok(indices::resolve(app, expression)),

        ("PUT" | "POST", ["_component_template", name]) => templates::put_component(app, call, name),
        ("GET", ["_component_template"]) => templates::component(app, None),
        ("GET", ["_component_template", name]) => templates::component(app, Some(name)),
        ("DELETE", ["_component_template", name]) => templates::remove_component(app, name),
        ("POST", ["_index_template", "_simulate_index", name]) => Ok(templates::simulate(app, name)),
        ("PUT" | "POST", ["_index_template", name]) => templates::put_index(app, call, name),
        ("GET", ["_index_template"]) => templates::index(app, None),
        ("GET", ["_index_template", name]) => templates::index(app, Some(name)),
        ("DELETE", ["_index_template", name]) => templates::remove_index(app, name),

        ("GET", ["_data_stream"]) => templates::streams(app, None),
        ("GET", ["_data_stream", name]) => templates::streams(app, Some(name)),
        ("PUT", ["_data_stream", name]) => app.store.create_stream(name).map(|()| Reply::acknowledged()),
        ("DELETE", ["_data_stream", name]) => templates::remove_streams(app, name),
        ("PUT", ["_data_stream", name, "_lifecycle"]) => templates::put_lifecycle(app, call, name),
        ("GET", ["_data_stream", name, "_lifecycle"]) => Ok(templates::lifecycle(app, name)),
        ("POST", [name, "_rollover"]) => templates::roll_over(app, name),

        ("PUT", ["_ingest", "pipeline", name]) => templates::put_pipeline(app, call, name),
        ("GET", ["_ingest", "pipeline"]) => Ok(templates::pipelines(app, None)),
        ("GET", ["_ingest", "pipeline", name]) => Ok(templates::pipelines(app, Some(name))),
        ("DELETE", ["_ingest", "pipeline", name]) => templates::remove_pipeline(app, name),
        ("PUT", ["_ilm", "policy", name]) => templates::put_policy(app, call, name),
        ("GET", ["_ilm", "policy"]) => templates::policies(app, None),
        ("GET", ["_ilm", "policy", name]) => templates::policies(app, Some(name)),
        ("DELETE", ["_ilm", "policy", name]) => templates::remove_policy(app, name),

        (_, [name, ..]) if name.starts_with('_') && *name != "_all" => Ok(no_handler(call)),
        ("PUT", [index]) => indices::create(app, call, index),
        ("DELETE", [index]) => indices::remove(app, call, index),
        ("GET", [index]) if call.method == hyper::Method::HEAD => Ok(indices::exists(app, index)),
        ("GET", [index]) => indices::show(app, call, index),
        _ => Ok(no_handler(call)),
    }
}
