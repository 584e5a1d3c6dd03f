//! What clients ask about the cluster.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::store::ApiError;
use serde_json::{Map, Value, json};

/// The version of Elasticsearch whose dialect this is; clients decide by it.
const VERSION: &str = "8.19.8";
const NAME: &str = "pocket-elk";

pub(super) fn root(app: &App) -> Reply {
    Reply::ok(&json!({
        "name": NAME,
        "cluster_name": NAME,
        "cluster_uuid": app.store.uuid,
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "zip",
            "build_hash": "0000000000000000000000000000000000000000",
            "build_date": "2026-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.2",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    }))
}

pub(super) fn license() -> Reply {
    Reply::ok(
        &json!({"license": {"status": "active", "uid": "00000000-0000-0000-0000-000000000000", "type": "basic", "issue_date_in_millis": 0, "max_nodes": 1000, "issued_to": NAME, "issuer": NAME, "start_date_in_millis": -1}}),
    )
}

pub(super) fn health(app: &App) -> Reply {
    let shards = app.store.indices().len();
    Reply::ok(&json!({
        "cluster_name": NAME, "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": shards, "active_shards": shards, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "unassigned_primary_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
    }))
}

pub(super) fn nodes(app: &App) -> Reply {
    let processors = ["append", "date", "drop", "fail", "lowercase", "remove", "rename", "script", "set"]
        .map(|name| json!({"type": name}));
    let node = json!({
        "name": NAME, "version": VERSION, "host": "127.0.0.1", "ip": "127.0.0.1", "roles": ["data", "ingest", "master"],
        "http": {"publish_address": "127.0.0.1:9200"}, "ingest": {"processors": processors},
    });
    let id = app.store.uuid.clone();
    Reply::ok(
        &json!({"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": NAME, "nodes": {id: node}}),
    )
}

pub(super) fn xpack() -> Reply {
    Reply::ok(
        &json!({"build": {}, "license": {"type": "basic", "mode": "basic", "status": "active"}, "features": {"ilm": {"available": true, "enabled": true}, "security": {"available": true, "enabled": false}}, "tagline": "You know, for X"}),
    )
}

/// `_stats` of the indices of an expression.
pub(super) fn stats(app: &App, expression: &str) -> Result<Reply, ApiError> {
    let mut indices = Map::new();
    let (mut documents, mut bytes) = (0, 0);
    for index in app.store.resolve(expression, true)? {
        let (count, size) = (index.snapshot().count(), index.disk_bytes());
        documents += count;
        bytes += size;
        let part = json!({"docs": {"count": count, "deleted": 0}, "store": {"size_in_bytes": size, "total_data_set_size_in_bytes": size}});
        indices.insert(
            index.meta.name.clone(),
            json!({"uuid": index.meta.uuid, "primaries": part, "total": part}),
        );
    }
    let all = json!({"docs": {"count": documents, "deleted": 0}, "store": {"size_in_bytes": bytes, "total_data_set_size_in_bytes": bytes}});
    Ok(Reply::ok(&json!({
        "_shards": {"total": indices.len(), "successful": indices.len(), "failed": 0},
        "_all": {"primaries": all, "total": all},
        "indices": indices,
    })))
}

/// `_cat/indices`, `_cat/count`, `_cat/health`, `_cat/templates`, `_cat/nodes`.
pub(super) fn cat(app: &App, call: &Call, table: &str, expression: &str) -> Result<Reply, ApiError> {
    let rows: Vec<Vec<(&str, String)>> = match table {
        "indices" => app
            .store
            .resolve(expression, true)?
            .iter()
            .map(|index| {
                let count = index.snapshot().count().to_string();
                let size = format!("{}b", index.disk_bytes());
                vec![
                    ("health", "green".to_owned()),
                    ("status", "open".to_owned()),
                    ("index", index.meta.name.clone()),
                    ("uuid", index.meta.uuid.clone()),
                    ("pri", "1".to_owned()),
                    ("rep", "0".to_owned()),
                    ("docs.count", count),
                    ("docs.deleted", "0".to_owned()),
                    ("store.size", size.clone()),
                    ("pri.store.size", size),
                ]
            })
            .collect(),
        "count" => {
            let count: u64 =
                app.store.resolve(expression, true)?.iter().map(|index| index.snapshot().count()).sum();
            vec![vec![("count", count.to_string())]]
        }
        "health" => vec![vec![
            ("cluster", NAME.to_owned()),
            ("status", "green".to_owned()),
            ("node.total", "1".to_owned()),
        ]],
        "nodes" => vec![vec![
            ("ip", "127.0.0.1".to_owned()),
            ("node.role", "dim".to_owned()),
            ("master", "*".to_owned()),
            ("name", NAME.to_owned()),
        ]],
        "templates" => app
            .store
            .registry()
            .templates
            .indices
            .iter()
            .map(|(name, template)| {
                vec![
                    ("name", name.clone()),
                    ("index_patterns", format!("{:?}", template.index_patterns)),
                    ("order", template.priority.unwrap_or(0).to_string()),
                ]
            })
            .collect(),
        other => return Err(ApiError::unsupported(&format!("[_cat/{other}]"))),
    };
    if call.parameter("format") == Some("json") {
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|(key, value)| (key.to_owned(), json!(value)))
                    .collect::<Map<_, _>>()
                    .into()
            })
            .collect();
        return Ok(Reply::ok(&Value::Array(rows)));
    }
    let mut text = String::new();
    if let (true, Some(first)) = (call.flag("v"), rows.first()) {
        text.push_str(&first.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(" "));
        text.push('\n');
    }
    for row in rows {
        let wanted: Option<Vec<&str>> = call.parameter("h").map(|names| names.split(',').collect());
        let cells: Vec<String> = row
            .into_iter()
            .filter(|(key, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(key)))
            .map(|(_, value)| value)
            .collect();
        text.push_str(&cells.join(" "));
        text.push('\n');
    }
    Ok(Reply::text(text))
}
