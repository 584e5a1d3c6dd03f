//! Moves bytes: one request, one answer. Decides nothing.

use super::answer::{Answer, End, Head, Unknown, Whole};
use super::bulk::{BulkAnswer, BulkError, BulkReader};
use super::text::one_line;
use crate::batch::{Batch, Body};
use crate::config::{Elasticsearch, Login, Tls};
use crate::file::identity::ID_LEN;
use crate::output::backoff::Delays;
use crate::tls::{TlsError, client_config};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::write::MultiGzDecoder;
use jiff::Timestamp;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, StatusCode, Url};
use std::error::Error as _;
use std::io::{self, Write};
use std::time::Duration;

/// Only what decides comes back: two fifths of the bytes, which both engines honour.
const ANSWER_FIELDS: &str = "items.*._id,items.*._index,items.*.status,items.*.error,items.*.failure_store";

/// Most bytes kept of an answer to a whole request.
const MAX_WHOLE: usize = 16 << 10;

/// Most bytes of a bulk answer, inflated: this much and as much again for each item.
const MAX_ANSWER_PER_ITEM: u64 = 32 << 10;

/// Most bytes of any other answer.
const MAX_OTHER: usize = 4 << 20;

/// Deadlines and delays.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Name look-up, TCP and TLS. Default 5 s.
    pub connect: Duration,
    /// A whole request with its answer. Default 60 s.
    pub request: Duration,
    /// Between two pieces of an answer's body. Default 20 s.
    pub progress: Duration,
    /// Between tries.
    pub backoff: Delays,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(60),
            progress: Duration::from_secs(20),
            backoff: Delays::default(),
        }
    }
}

/// A configuration that no request can be made with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A host is no URL.
    #[error("host `{0}` is no URL of the form `https://name:9200`")]
    Host(String),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The log-in cannot stand in a header.
    #[error("the log-in holds characters that no header can carry; check for a line feed in the API key")]
    Login,
    /// The client cannot be made.
    #[error("cannot set up the HTTP client")]
    Http(#[source] reqwest::Error),
}

/// A request other than `_bulk`.
#[derive(Debug)]
pub struct Call<'a> {
    /// Parts of the path.
    pub path: &'a [&'a str],
    /// What follows `?`.
    pub query: Option<&'a str>,
    /// JSON to POST; GET without.
    pub body: Option<String>,
}

/// Connections to all hosts.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    hosts: Vec<Url>,
    timing: Timing,
}

impl Client {
    /// Reads certificates; connects to nothing yet.
    pub fn new(config: &Elasticsearch, timing: Timing) -> Result<Self, ClientError> {
        let hosts = config.hosts.iter().map(|host| parse_host(host)).collect::<Result<Vec<_>, _>>()?;
        let http = connections(config, timing)?;
        Ok(Self { http, hosts, timing })
    }

    /// Number of hosts.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// A host's URL for people; it holds no log-in.
    pub fn host(&self, host: usize) -> &str {
        self.hosts[host].as_str().trim_end_matches('/')
    }

    /// Sends a batch and reads the answer. The body is not copied.
    pub async fn bulk(&self, host: usize, batch: &Batch) -> Answer {
        let mut url = self.url(host, &[&batch.index, "_bulk"]);
        url.set_query(Some(&format!("filter_path={ANSWER_FIELDS}")));
        let request = self.http.post(url).header(CONTENT_TYPE, "application/x-ndjson");
        let request = match &batch.body {
            Body::Plain(body) => request.body(body.clone()),
            Body::Gzip(body) => request.header(CONTENT_ENCODING, "gzip").body(body.clone()),
            // HTTP calls this form "deflate".
            Body::Zlib(body) => request.header(CONTENT_ENCODING, "deflate").body(body.clone()),
        };
        let exchange = async {
            let response = request.send().await.map_err(|error| transport_error(&error.without_url()))?;
            match response.status().is_success() {
                true => self.read_items(response, batch).await.map(Answer::Items),
                false => Ok(Answer::Whole(self.read_whole(response).await)),
            }
        };
        match tokio::time::timeout(self.timing.request, exchange).await {
            Ok(Ok(answer) | Err(answer)) => answer,
            Err(_) => timed_out("no complete answer", self.timing.request),
        }
    }

    /// Any other request. Status and body of the answer, or what went wrong.
    pub async fn call(&self, host: usize, call: Call<'_>) -> Result<(StatusCode, Vec<u8>), Answer> {
        let mut url = self.url(host, call.path);
        url.set_query(call.query);
        let request = match call.body {
            None => self.http.get(url),
            Some(body) => self.http.post(url).header(CONTENT_TYPE, "application/json").body(body),
        };
        let exchange = async {
            let response = request.send().await.map_err(|error| transport_error(&error.without_url()))?;
            let status = response.status();
            let mut sink = Kept { bytes: Vec::new(), max: MAX_OTHER, cut: false };
            self.read_body(response, &mut sink).await?;
            match sink.cut {
                true => Err(lost(End::Unreadable, format!("the answer is larger than {MAX_OTHER} bytes"))),
                false => Ok((status, sink.bytes)),
            }
        };
        let result = tokio::time::timeout(self.timing.request, exchange).await;
        result.unwrap_or_else(|_| Err(timed_out("no complete answer", self.timing.request)))
    }

    fn url(&self, host: usize, path: &[&str]) -> Url {
        let mut url = self.hosts[host].clone();
        url.path_segments_mut().expect("http URLs have a path").pop_if_empty().extend(path);
        url
    }

    async fn read_items(&self, response: Response, batch: &Batch) -> Result<BulkAnswer, Answer> {
        let html = text(response.headers(), &CONTENT_TYPE).is_some_and(|kind| kind.contains("html"));
        let status = response.status();
        let items = u32::try_from(batch.items.len()).unwrap_or(u32::MAX);
        let mut sink = ItemSink {
            reader: BulkReader::new(items, batch.ids()),
            first: None,
            left: MAX_ANSWER_PER_ITEM * (u64::from(items) + 1),
            error: None,
        };
        self.read_body(response, &mut sink).await?;
        if html || sink.first == Some(b'<') {
            return Err(lost(End::WebPage, format!("status {status}, a web page")));
        }
        match sink.error {
            Some(error) => Err(lost(End::Unreadable, error)),
            None => sink.reader.finish().map_err(|error| lost(End::Unreadable, error.to_string())),
        }
    }

    async fn read_whole(&self, response: Response) -> Whole {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let head =
            Head { status, retry_after: text(&headers, &RETRY_AFTER), location: text(&headers, &LOCATION) };
        let mut sink = Kept { bytes: Vec::new(), max: MAX_WHOLE, cut: false };
        // The status alone decides; the text may end early.
        let _ = self.read_body(response, &mut sink).await;
        Whole::read(head, &sink.bytes, Timestamp::now())
    }

    /// Reads the body to its end, or until the sink has enough.
    async fn read_body(&self, mut response: Response, sink: &mut impl Sink) -> Result<(), Answer> {
        let mut decoder = Decoder::new(response.headers(), sink)?;
        loop {
            let chunk = tokio::time::timeout(self.timing.progress, response.chunk()).await;
            let chunk = chunk.map_err(|_| timed_out("the answer stalls", self.timing.progress))?;
            match chunk.map_err(|error| transport_error(&error.without_url()))? {
                None => return decoder.finish(),
                Some(chunk) if decoder.write(&chunk)? => {}
                Some(_) => return Ok(()),
            }
        }
    }
}

/// Connections that log in and trust as configured; connects to nothing yet.
pub(crate) fn connections(config: &Elasticsearch, timing: Timing) -> Result<reqwest::Client, ClientError> {
    http_client(&config.login, &config.tls, config.in_flight, timing)
}

/// As [`connections`], with at most `idle` of them kept for each host.
pub(crate) fn http_client(
    login: &Login,
    tls: &Tls,
    idle: usize,
    timing: Timing,
) -> Result<reqwest::Client, ClientError> {
    let mut headers = HeaderMap::new();
    if let Some(login) = authorization(login)? {
        headers.insert(AUTHORIZATION, login);
    }
    reqwest::Client::builder()
        .tls_backend_preconfigured(client_config(tls)?)
        .user_agent(concat!("blueox/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .http1_only()
        .no_proxy()
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timing.connect)
        // Below the idle time-outs of common load balancers, so that they rarely close what we are about to use.
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(idle.max(1))
        .tcp_nodelay(true)
        .build()
        .map_err(ClientError::Http)
}

fn parse_host(host: &str) -> Result<Url, ClientError> {
    let url = Url::parse(host).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| ClientError::Host(host.rsplit('@').next().unwrap_or_default().to_owned()))
}

/// An API key may be given as Elasticsearch's `encoded` or as `id:key`; base64 has no colon.
fn authorization(login: &Login) -> Result<Option<HeaderValue>, ClientError> {
    let text = match login {
        Login::None => return Ok(None),
        Login::ApiKey(key) if key.reveal().contains(':') => {
            format!("ApiKey {}", STANDARD.encode(key.reveal()))
        }
        Login::ApiKey(key) => format!("ApiKey {}", key.reveal()),
        Login::Basic { username, password } => {
            format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal())))
        }
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| ClientError::Login)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Takes the bytes of a body.
trait Sink {
    /// False if the rest is of no interest.
    fn take(&mut self, bytes: &[u8]) -> bool;
}

struct ItemSink<Ids: Iterator> {
    reader: BulkReader<Ids>,
    first: Option<u8>,
    left: u64,
    error: Option<String>,
}

impl<Ids: Iterator<Item = [u8; ID_LEN]>> Sink for ItemSink<Ids> {
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.first = self.first.or_else(|| bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace()));
        let result = match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                self.reader.push(bytes).map_err(|error: BulkError| error.to_string())
            }
            None => Err("the answer is far too long for this request".to_owned()),
        };
        self.error = result.err();
        self.error.is_none()
    }
}

/// The first `max` bytes.
struct Kept {
    bytes: Vec<u8>,
    max: usize,
    cut: bool,
}

impl Sink for Kept {
    fn take(&mut self, bytes: &[u8]) -> bool {
        let room = self.max - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.cut = bytes.len() > room;
        !self.cut
    }
}

/// Hands bytes to a sink until that has enough.
struct SinkWriter<'a, S> {
    sink: &'a mut S,
    full: bool,
}

impl<S: Sink> Write for SinkWriter<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.full = self.full || !self.sink.take(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Undoes the content encoding piece by piece; the inflated body is never whole in memory.
enum Decoder<'a, S: Sink> {
    Identity(&'a mut S),
    Gzip(Box<MultiGzDecoder<SinkWriter<'a, S>>>),
}

impl<'a, S: Sink> Decoder<'a, S> {
    fn new(headers: &HeaderMap, sink: &'a mut S) -> Result<Self, Answer> {
        match text(headers, &CONTENT_ENCODING).map(str::trim) {
            None | Some("" | "identity") => Ok(Self::Identity(sink)),
            Some("gzip" | "x-gzip") => {
                Ok(Self::Gzip(Box::new(MultiGzDecoder::new(SinkWriter { sink, full: false }))))
            }
            Some(other) => {
                let other = one_line(other.as_bytes());
                Err(lost(
                    End::Unreadable,
                    format!("content encoding `{other}` of the answer was not asked for"),
                ))
            }
        }
    }

    /// False once the sink has enough.
    fn write(&mut self, bytes: &[u8]) -> Result<bool, Answer> {
        match self {
            Self::Identity(sink) => Ok(sink.take(bytes)),
            Self::Gzip(gzip) => {
                gzip.write_all(bytes).map_err(|error| not_inflated(&error))?;
                Ok(!gzip.get_ref().full)
            }
        }
    }

    fn finish(self) -> Result<(), Answer> {
        match self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(gzip) => gzip.finish().map(drop).map_err(|error| not_inflated(&error)),
        }
    }
}

fn lost(end: End, detail: String) -> Answer {
    Answer::Unknown(Unknown { end, detail })
}

fn timed_out(what: &str, after: Duration) -> Answer {
    lost(End::TimedOut, format!("{what} within {after:?}"))
}

fn not_inflated(error: &io::Error) -> Answer {
    lost(End::Unreadable, format!("the answer cannot be inflated: {error}"))
}

fn transport_error(error: &reqwest::Error) -> Answer {
    let detail = failure(error);
    match (error.is_connect(), error.is_timeout()) {
        (true, _) => Answer::NotSent(detail),
        (false, true) => lost(End::TimedOut, detail),
        (false, false) => lost(End::Closed, detail),
    }
}

/// Why a request failed, on one line. The innermost causes say it; the outer ones only repeat that it did.
pub(crate) fn failure(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    let mut detail = causes[causes.len().saturating_sub(2)..].to_vec();
    detail.dedup();
    let detail = if detail.is_empty() { error.to_string() } else { detail.join(": ") };
    let mut detail = one_line(detail.as_bytes());
    if let Some(remedy) = certificate_remedy(error) {
        detail = format!("{detail}; {remedy}");
    }
    detail
}

/// What to do where the server's certificate is not accepted.
fn certificate_remedy(error: &reqwest::Error) -> Option<&'static str> {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let rustls::Error::InvalidCertificate(certificate) = causes.find_map(tls_error)? else { return None };
    use rustls::CertificateError as Reason;
    Some(match certificate {
        Reason::Expired
        | Reason::ExpiredContext { .. }
        | Reason::NotValidYet
        | Reason::NotValidYetContext { .. } => {
            "renew the server's certificate, or set the clock of this machine right"
        }
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
            "write in `hosts` a name or address that the certificate holds"
        }
        _ => "set `tls.ca` to the authority that signed the server's certificate",
    })
}

/// The error of rustls, which is wrapped into I/O errors on its way.
fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref().or_else(|| tls_error(cause.downcast_ref::<io::Error>()?.get_ref()?))
}
