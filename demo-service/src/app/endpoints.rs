//! What each route does.

use super::failure::Failure;
use super::request::Context;
use super::{App, compute, pool};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// What a query string may hold; each route looks at its own.
#[derive(Deserialize)]
pub(super) struct Values {
    rounds: Option<u64>,
    rows: Option<u64>,
    ms: Option<u64>,
    rate: Option<f64>,
    #[serde(default)]
    kind: FailureKind,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailureKind {
    #[default]
    Error,
    Panic,
}

type Parameters = Result<Query<Values>, QueryRejection>;

/// `GET /simple`: a constant.
pub(super) async fn simple() -> &'static str {
    "simple\n"
}

/// `POST /compute?rounds=1`: the entries of a JSON object whose key starts with `a` or `A`.
pub(super) async fn compute(
    State(app): State<Arc<App>>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let rounds = within("rounds", parameters?.rounds.unwrap_or(1), 1..=100_000)?;
    require_json(&headers)?;
    let (body, rounds) = (body?, rounds * u64::from(app.faults.slowdown()));
    let cpu = Arc::clone(&app.cpus).acquire_owned().await;
    let entries = compute::blocking(move || {
        let _cpu = cpu;
        compute::entries_with_a(&body, rounds)
    });
    Ok(json(&Value::Object(entries.await?)))
}

/// `GET /slow?rows=10000`: a query that looks at so many rows.
pub(super) async fn slow(State(app): State<Arc<App>>, parameters: Parameters) -> Result<Response, Failure> {
    let rows = within("rows", parameters?.rows.unwrap_or(10_000), 1..=50_000_000)?;
    let best = app.pool.query(move |connection| pool::best_customers(connection, rows)).await?;
    Ok(json(&best))
}

/// `GET /wait?ms=1000`: nothing for a while.
pub(super) async fn wait(parameters: Parameters) -> Result<&'static str, Failure> {
    let ms = within("ms", parameters?.ms.unwrap_or(1_000), 0..=600_000)?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok("waited\n")
}

/// `GET /chain`: what `/simple` of another instance says.
pub(super) async fn chain(
    State(app): State<Arc<App>>,
    Extension(context): Extension<Context>,
) -> Result<Bytes, Failure> {
    app.upstream.call(&context).await
}

/// `GET /fail?rate=1&kind=error`: an error with a chain of causes, or a panic, in this share of the requests.
pub(super) async fn fail(parameters: Parameters) -> Result<&'static str, Failure> {
    let Query(Values { rate, kind, .. }) = parameters?;
    let rate = within("rate", rate.unwrap_or(1.0), 0.0..=1.0)?;
    match kind {
        _ if fastrand::f64() >= rate => Ok("lucky\n"),
        FailureKind::Error => Err(Failure::made_up()),
        FailureKind::Panic if cfg!(panic = "abort") => {
            let message = "a panic would end this build, build with --profile demo";
            Err(Failure::new(StatusCode::NOT_IMPLEMENTED, "PanicEnds", message))
        }
        FailureKind::Panic => panic!("asked to panic"),
    }
}

/// `GET /version`: who answers.
pub(super) async fn version(State(app): State<Arc<App>>) -> Response {
    let identity = &app.identity;
    json(&serde_json::json!({
        "name": identity.name, "version": identity.version, "environment": identity.environment, "instance": identity.node,
    }))
}

pub(super) async fn unknown_route() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "UnknownRoute", "no such route")
}

pub(super) async fn wrong_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "WrongMethod", "the route has no such method")
}

fn within<T: PartialOrd + Display>(name: &str, value: T, bounds: RangeInclusive<T>) -> Result<T, Failure> {
    match bounds.contains(&value) {
        true => Ok(value),
        false => {
            let (from, to) = bounds.into_inner();
            Err(Failure::bad(format!("`{name}` is out of range, use {from} to {to}")))
        }
    }
}

/// A page in somebody's browser cannot send this type to another site without being asked first.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => {
            let message = "the content type is not application/json";
            Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "MediaType", message))
        }
    }
}

fn json(value: &Value) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}
