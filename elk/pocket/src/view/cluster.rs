//! A cluster elsewhere, asked over HTTP: nothing but `_search` and `_field_caps` is ever sent to it.

use super::fault::Fault;
use crate::store::ApiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dashboards::lens::Request;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Url};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Largest answer read, in bytes.
const ANSWER_MAX: usize = 64 << 20;
/// A page gives up after 30 s, so that a reason can still reach it.
const PATIENCE: Duration = Duration::from_secs(25);
const CONNECT: Duration = Duration::from_secs(5);

/// An Elasticsearch or OpenSearch.
#[derive(Debug, Clone)]
pub struct Cluster {
    url: String,
    http: Client,
}

/// How a cluster lets in.
#[derive(Debug, Default)]
pub struct Access {
    /// As Elasticsearch gives it (`encoded`), or `id:key`.
    pub api_key: Option<String>,
    /// User and password.
    pub user: Option<(String, String)>,
    /// A PEM file with the authority to trust, besides those of the system.
    pub authority: Option<PathBuf>,
}

/// Why a cluster cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No URL of a cluster.
    #[error(
        "`{0}` is no URL of a cluster; write it as `https://host:9200`, without a log-in, which goes into the environment"
    )]
    Url(String),
    /// A log-in no header can hold.
    #[error(
        "the log-in holds characters that no HTTP header takes; check BLUEOX_API_KEY, BLUEOX_USERNAME and BLUEOX_PASSWORD"
    )]
    Login,
    /// The authority's file cannot be read.
    #[error("cannot read the authority `{}`; BLUEOX_CA must name a PEM file", .0.display())]
    Authority(PathBuf, #[source] std::io::Error),
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

impl Cluster {
    /// Connects to nothing yet. A TLS provider must be installed.
    pub fn at(url: &str, access: &Access) -> Result<Self, ClusterError> {
        let parsed =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let clean = parsed
            .filter(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none());
        let Some(clean) = clean else {
            return Err(ClusterError::Url(url.rsplit('@').next().unwrap_or_default().to_owned()));
        };
        let mut builder = Client::builder()
            .user_agent(concat!("pocket-elk/", env!("CARGO_PKG_VERSION")))
            .default_headers(access.headers()?)
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .pool_idle_timeout(Duration::from_secs(30));
        if let Some(path) = &access.authority {
            let pem = std::fs::read(path).map_err(|error| ClusterError::Authority(path.clone(), error))?;
            builder = builder.tls_certs_merge(Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Self { url: clean.as_str().trim_end_matches('/').to_owned(), http: builder.build()? })
    }

    /// The body of the answer, also of one that is an error.
    pub(super) async fn ask(&self, request: &Request) -> Result<Value, Fault> {
        let away = |error: reqwest::Error| self.away(&error);
        let sent = self.http.post(format!("{}{}", self.url, request.path));
        let sent = sent.header(CONTENT_TYPE, "application/json").body(request.body.to_string());
        let mut answer = sent.send().await.map_err(away)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX {
                let reason =
                    format!("the answer is larger than {ANSWER_MAX} bytes; choose a shorter time range");
                return Err(ApiError::new(502, "answer_too_large", reason).into());
            }
        }
        serde_json::from_slice(&body).map_err(|_| {
            let begin = String::from_utf8_lossy(&body).chars().take(120).collect::<String>();
            let reason = format!(
                "{} answered with status {status} and no JSON: `{begin}`; is it Elasticsearch or OpenSearch?",
                self.url
            );
            ApiError::new(502, "unreadable_answer", reason).into()
        })
    }

    fn away(&self, error: &reqwest::Error) -> Fault {
        let mut reason = format!("no answer from {}", self.url);
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        if error.is_timeout() {
            reason.push_str(&format!(" within {} s", PATIENCE.as_secs()));
        }
        while let Some(error) = cause {
            reason.push_str(&format!(": {error}"));
            cause = error.source();
        }
        ApiError::new(503, "no_answer", reason).into()
    }
}

impl Access {
    fn headers(&self) -> Result<HeaderMap, ClusterError> {
        let text = match (&self.api_key, &self.user) {
            (Some(key), _) if key.contains(':') => format!("ApiKey {}", STANDARD.encode(key)),
            (Some(key), _) => format!("ApiKey {key}"),
            (None, Some((name, password))) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
            }
            (None, None) => return Ok(HeaderMap::new()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| ClusterError::Login)?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }
}
