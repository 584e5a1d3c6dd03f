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
use std::sync::Arc;
use std::time::Duration;

type Parameters<T> = Result<Query<T>, QueryRejection>;

/// `GET /simple`: a constant.
pub(super) async fn simple() -> &'static str {
    "simple\n"
}

#[derive(Deserialize)]
pub(super) struct Compute {
    #[serde(default = "one")]
    rounds: u32,
}

fn one() -> u32 {
    1
}

/// `POST /compute?rounds=1`: the entries of a JSON object whose key starts with `a` or `A`.
pub(super) async fn compute(
    State(app): State<Arc<App>>,
    parameters: Parameters<Compute>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let rounds = within("rounds", u64::from(parameters?.rounds), 1..=100_000)?;
    if !is_json(&headers) {
        return Err(not_json());
    }
    let (body, rounds) = (body?, rounds * u64::from(app.faults.slowdown()));
    let _cpu = app.cpus.acquire().await.expect("nobody closes the semaphore");
    let entries = blocking(move || compute::entries_with_a(&body, rounds)).await?;
    Ok(json(&Value::Object(entries)))
}

#[derive(Deserialize)]
pub(super) struct Slow {
    #[serde(default = "ten_thousand")]
    rows: u64,
}

fn ten_thousand() -> u64 {
    10_000
}

/// `GET /slow?rows=10000`: a query that looks at so many rows.
pub(super) async fn slow(
    State(app): State<Arc<App>>,
    parameters: Parameters<Slow>,
) -> Result<Response, Failure> {
    let rows = within("rows", parameters?.rows, 1..=50_000_000)?;
    let connection = app.pool.connection().await?;
    let best =
        blocking(move || connection.query(|connection| pool::best_customers(connection, rows))).await?;
    Ok(json(&best))
}

#[derive(Deserialize)]
pub(super) struct Wait {
    #[serde(default = "second")]
    ms: u64,
}

fn second() -> u64 {
    1_000
}

/// `GET /wait?ms=1000`: nothing for a while.
pub(super) async fn wait(parameters: Parameters<Wait>) -> Result<&'static str, Failure> {
    let ms = within("ms", parameters?.ms, 0..=600_000)?;
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

#[derive(Deserialize)]
pub(super) struct Fail {
    #[serde(default = "always")]
    rate: f64,
    #[serde(default)]
    kind: FailureKind,
}

fn always() -> f64 {
    1.0
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailureKind {
    #[default]
    Error,
    Panic,
}

/// `GET /fail?rate=1&kind=error`: an error with a chain of causes, or a panic, in this share of the requests.
pub(super) async fn fail(parameters: Parameters<Fail>) -> Result<&'static str, Failure> {
    let Query(Fail { rate, kind }) = parameters?;
    if !(0.0..=1.0).contains(&rate) {
        return Err(out_of_range("rate", 0, 1));
    }
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

fn within(name: &'static str, value: u64, bounds: std::ops::RangeInclusive<u64>) -> Result<u64, Failure> {
    match bounds.contains(&value) {
        true => Ok(value),
        false => Err(out_of_range(name, *bounds.start(), *bounds.end())),
    }
}

fn out_of_range(name: &str, from: u64, to: u64) -> Failure {
    Failure::bad(format!("`{name}` is out of range, use {from} to {to}"))
}

pub(super) fn not_json() -> Failure {
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "MediaType", "the content type is not application/json")
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn json(value: &Value) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

/// Work that would keep other requests from being served; a panic in it goes on in the request.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Entered there too, so that a panic is logged with the request it belongs to.
    let span = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || span.in_scope(work)).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
