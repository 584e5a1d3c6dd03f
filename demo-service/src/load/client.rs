//! One request: out, and its answer in.

use super::plan::Plan;
use super::tally::Outcome;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// Connections kept alive, and what is sent over them.
#[derive(Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    /// By endpoint, then by target.
    requests: Vec<Vec<Request<Full<Bytes>>>>,
    timeout: Duration,
}

impl Client {
    /// For every endpoint of the mix at every target.
    pub fn new(plan: &Plan) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let requests = plan.asked.mix.endpoints().map(|endpoint| {
            let at_target = |target: &Uri| {
                let mut request = Request::new(Full::from(endpoint.body));
                *request.method_mut() = endpoint.method.clone();
                *request.uri_mut() = with_path(target, &endpoint.path);
                let profile = HeaderValue::from_static(plan.shape.profile.name());
                request.headers_mut().insert("x-load-profile", profile);
                if !endpoint.body.is_empty() {
                    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
                request
            };
            plan.asked.targets.iter().map(at_target).collect()
        });
        Self { pool, requests: requests.collect(), timeout: plan.asked.timeout }
    }

    /// Sends a request as part of a trace and reads its answer to the end.
    pub async fn send(
        &self,
        (endpoint, target): (usize, usize),
        phase: &'static str,
        trace_id: &str,
    ) -> Outcome {
        let mut request = self.requests[endpoint][target].clone();
        let value = |text: &str| HeaderValue::from_str(text).expect("digits are a valid value");
        request.headers_mut().insert("x-load-phase", HeaderValue::from_static(phase));
        request.headers_mut().insert("x-request-id", value(trace_id));
        request.headers_mut().insert("traceparent", value(&format!("00-{trace_id}-{}-01", &trace_id[16..])));
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) if error.is_connect() => Outcome::Refused,
            Ok(Err(_)) => Outcome::Broken,
            Err(_) => Outcome::Timeout,
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Outcome, Error> {
        let mut response = self.pool.request(request).await?;
        while let Some(frame) = response.body_mut().frame().await {
            if frame.is_err() {
                return Ok(Outcome::Broken);
            }
        }
        Ok(Outcome::Status(response.status().as_u16()))
    }
}

fn with_path(target: &Uri, path: &PathAndQuery) -> Uri {
    let mut parts = target.clone().into_parts();
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).expect("scheme, authority and path make a URI")
}
