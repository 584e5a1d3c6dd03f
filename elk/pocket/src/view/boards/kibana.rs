//! The part of Kibana's HTTP API that sets boards up: whoever imports into Kibana can import here.

use super::catalogue::{Catalogue, ImportError, Key};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, body::Bytes};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The version of Kibana whose calls these are; clients decide by it.
const VERSION: &str = "8.19.8";
/// Longest file of saved objects, in bytes.
const FILE_MAX: usize = 16 << 20;
/// Longest other body, in bytes.
const BODY_MAX: usize = 64 << 10;

type Shelf = State<Arc<Catalogue>>;

pub(super) fn router(catalogue: Arc<Catalogue>) -> Router {
    let import = post(import).layer(DefaultBodyLimit::max(FILE_MAX));
    let export = post(export).layer(DefaultBodyLimit::max(BODY_MAX));
    let make_default = post(make_default).layer(DefaultBodyLimit::max(BODY_MAX));
    Router::new()
        .route("/api/status", get(status))
        .route("/api/data_views", get(data_views))
        .route("/api/data_views/default", make_default)
        .route("/api/saved_objects/_import", import)
        .route("/api/saved_objects/_export", export)
        .route("/api/saved_objects/{kind}/{id}", delete(remove))
        .with_state(catalogue)
}

/// A refusal in Kibana's form.
struct Refusal {
    status: StatusCode,
    message: String,
    attributes: Value,
}

impl Refusal {
    fn of(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), attributes: Value::Null }
    }
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        let status = match error {
            ImportError::Parse(_) => StatusCode::BAD_REQUEST,
            ImportError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ImportError::Unkept { .. } => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::of(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "statusCode": self.status.as_u16(),
            "error": self.status.canonical_reason(),
            "message": self.message,
        });
        if !self.attributes.is_null() {
            body["attributes"] = self.attributes;
        }
        (self.status, Json(body)).into_response()
    }
}

async fn status() -> Json<Value> {
    Json(json!({
        "name": "pocket-elk",
        "version": {"number": VERSION, "build_flavor": "traditional"},
        "status": {"overall": {"level": "available", "summary": "Pocket ELK is available"}},
    }))
}

async fn data_views(State(catalogue): Shelf) -> Json<Value> {
    let boards = catalogue.boards();
    let one = |view: &Arc<dashboards::lens::DataView>| json!({"id": view.id, "title": view.title, "name": view.name});
    Json(json!({"data_view": boards.data_views.iter().map(one).collect::<Vec<_>>()}))
}

/// Every panel names its data view, so there is no default to keep.
async fn make_default(headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    meant(&headers)?;
    Ok(Json(json!({"acknowledged": true})))
}

/// A form of another site cannot send this header.
fn meant(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.contains_key("kbn-xsrf") {
        true => Ok(()),
        false => Err(Refusal::of(StatusCode::BAD_REQUEST, "the request must have a `kbn-xsrf` header")),
    }
}

async fn import(
    State(catalogue): Shelf,
    Query(options): Query<HashMap<String, String>>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Result<Json<Value>, Refusal> {
    meant(&headers)?;
    let unread = |error: axum::extract::multipart::MultipartError| {
        Refusal::of(error.status(), format!("the form cannot be read: {}", error.body_text()))
    };
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(unread)? {
        if field.name() == Some("file") {
            file = Some(field.text().await.map_err(unread)?);
        }
    }
    let file = file.ok_or_else(|| {
        Refusal::of(StatusCode::BAD_REQUEST, "the form has no part named `file`; send the NDJSON as one")
    })?;
    let overwrite = options.get("overwrite").is_some_and(|value| value == "true");
    apart(move || take(&catalogue, &file, overwrite)).await
}

fn take(catalogue: &Catalogue, file: &str, overwrite: bool) -> Result<Json<Value>, Refusal> {
    let errors = catalogue.obstacles(file, overwrite)?;
    if !errors.is_empty() {
        return Ok(Json(json!({"success": false, "successCount": 0, "errors": errors, "warnings": []})));
    }
    let keys = catalogue.import(file)?;
    let results: Vec<Value> = keys.iter().map(|(kind, id)| json!({"type": kind, "id": id})).collect();
    Ok(Json(json!({"success": true, "successCount": keys.len(), "successResults": results, "warnings": []})))
}

/// On a thread that may wait for a disk.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let broken = |_| Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "the change broke off; report it");
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

#[derive(Deserialize)]
struct Wanted {
    objects: Vec<WantedObject>,
}

#[derive(Deserialize)]
struct WantedObject {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

async fn export(State(catalogue): Shelf, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    meant(&headers)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| {
        Refusal::of(
            StatusCode::BAD_REQUEST,
            format!("the body must name `objects` by `type` and `id`: {error}"),
        )
    })?;
    let mut lines = String::new();
    let mut missing = Vec::new();
    for WantedObject { kind, id } in wanted.objects {
        match catalogue.object(&(kind.clone(), id.clone())) {
            Some(line) => lines.extend([line.as_str(), "\n"]),
            None => missing.push(json!({"type": kind, "id": id, "error": {"statusCode": 404, "error": "Not Found", "message": format!("there is no {kind} `{id}`")}})),
        }
    }
    match missing.is_empty() {
        true => Ok(([("content-type", "application/ndjson")], lines).into_response()),
        false => Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            message: "not all objects are there".to_owned(),
            attributes: json!({"objects": missing}),
        }),
    }
}

async fn remove(
    State(catalogue): Shelf,
    Path(key): Path<Key>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    meant(&headers)?;
    apart(move || match catalogue.delete(&key)? {
        true => Ok(Json(json!({}))),
        false => Err(Refusal::of(StatusCode::NOT_FOUND, format!("there is no {} `{}`", key.0, key.1))),
    })
    .await
}
