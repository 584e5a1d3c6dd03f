//! Syslog by HTTP, as Cloud Foundry's `https://` drains send it: a POST is answered 2xx once its messages survive a power cut.
//!
//! ```text
//! connection (a task each) → request → group (one thread) → queue → one sync → all answers of the group
//! ```
//!
//! While one group is synced the next gathers, so a slow disk makes larger groups rather than longer queues of requests. Who
//! has no room is told to come again at once; nothing waits but for the disk.

use super::Sink;
use super::body::messages;
use super::counters::{Counters, Open};
use super::framer::Facts;
use super::memory::{SMALL, Share};
use crate::queue::Refusal;
use crate::telemetry::chain;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONTENT_ENCODING, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// Most header lines of a request; one more is answered 431.
const MAX_HEADERS: usize = 64;

/// Most bytes of request line and headers.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Pause after an accept that failed, for example because no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// When to come again, in seconds.
const RETRY: &str = "1";

const STACK: usize = 512 * 1024;

/// How long a sender may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For the TLS handshake.
    handshake: Duration,
    /// For a request line and its headers, which is also how long a connection may rest between two requests.
    head: Duration,
    /// For a body.
    body: Duration,
}

impl Patience {
    const USUAL: Self = Self {
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(90),
        body: Duration::from_secs(30),
    };
}

/// Starts the threads that serve `listener`. They are never waited for.
pub(super) fn receive(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    sink: Arc<Sink>,
) -> io::Result<()> {
    receive_within(listener, tls, sink, Patience::USUAL)
}

fn receive_within(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    sink: Arc<Sink>,
    patience: Patience,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    // Each connection has at most one request under way.
    let (groups, waiting) = mpsc::channel(sink.connections);
    let name = sink.queue.name();
    let writer = sink.clone();
    thread::Builder::new().name(name.clone()).stack_size(STACK).spawn(move || write(&writer, waiting))?;
    let server = Arc::new(Server { tls: tls.map(TlsAcceptor::from), sink, groups, patience });
    thread::Builder::new().name(name).stack_size(STACK).spawn(move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => server.accept(&listener).await,
                Err(error) => warn!(error = %error, "cannot serve syslog over HTTP"),
            }
        });
    })?;
    Ok(())
}

/// The messages of one request, and who waits for their fate.
struct Job {
    lines: Vec<u8>,
    facts: Facts,
    answer: oneshot::Sender<Result<(), Refusal>>,
    _memory: Share,
}

/// Stores all that waits, with one sync, until nobody asks any more.
fn write(sink: &Sink, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        while let Ok(next) = waiting.try_recv() {
            group.push(next);
        }
        let outcomes = sink.queue.store_each(group.iter().map(|job| &job.lines[..]));
        for (job, outcome) in group.into_iter().zip(outcomes) {
            if outcome.is_ok() {
                sink.counters.taken(job.facts.messages, job.facts.cut);
            }
            // Where the sender is gone, it will send again.
            let _gone = job.answer.send(outcome);
        }
    }
}

struct Server {
    tls: Option<TlsAcceptor>,
    sink: Arc<Sink>,
    groups: mpsc::Sender<Job>,
    patience: Patience,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denial {
    Method,
    Encoding,
    TooLarge,
    Slow,
    Broken,
    OutOfMemory,
    Queue(Refusal),
}

impl Server {
    async fn accept(self: Arc<Self>, listener: &TcpListener) {
        let slots = Arc::new(Semaphore::new(self.sink.connections));
        loop {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((socket, _)) => {
                    let server = self.clone();
                    tokio::spawn(async move {
                        server.talk(socket).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    warn!(queue = self.sink.queue.name(), error = %error, "cannot accept an HTTP connection for syslog");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn talk(self: Arc<Self>, socket: TcpStream) {
        let sink = self.sink.clone();
        let _open = Open::count(&sink.counters);
        if let Err(error) = super::socket::watch(&socket) {
            debug!(error = %error, "an HTTP connection for syslog broke before anything came");
            return;
        }
        let Some(tls) = self.tls.clone() else { return self.serve(socket).await };
        let error = match timeout(self.patience.handshake, tls.accept(socket)).await {
            Ok(Ok(stream)) => return self.serve(stream).await,
            Ok(Err(error)) => chain(&error),
            Err(_) => "it took too long".into(),
        };
        Counters::add(&sink.counters.refused_connections);
        warn!(error, "closed an HTTP connection for syslog: the TLS handshake failed");
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(self: Arc<Self>, stream: S) {
        let head = self.patience.head;
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .header_read_timeout(head)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            debug!(error = chain(&error), "an HTTP connection for syslog failed");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.take(request).await {
            Ok(()) => answer(StatusCode::NO_CONTENT, ""),
            Err(denial) => {
                Counters::add(&self.sink.counters.refused_requests);
                refuse(denial)
            }
        }
    }

    /// Done once the messages of the request are durable.
    async fn take(&self, request: Request<Incoming>) -> Result<(), Denial> {
        if request.method() != Method::POST {
            return Err(Denial::Method);
        }
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err(Denial::Encoding);
        }
        let mut memory = self.sink.memory.none();
        let body = timeout(self.patience.body, self.read(request.into_body(), &mut memory))
            .await
            .map_err(|_| Denial::Slow)??;
        let mut lines = Vec::with_capacity(body.len() + 1);
        let facts = messages(&body, self.sink.max_message, &mut lines);
        drop(body);
        if lines.is_empty() {
            return Ok(());
        }
        let (answer, outcome) = oneshot::channel();
        let job = Job { lines, facts, answer, _memory: memory };
        let is_heard = self.groups.send(job).await.is_ok();
        match outcome.await {
            Ok(outcome) if is_heard => outcome.map_err(Denial::Queue),
            _ => Err(Denial::Queue(Refusal::Failing)),
        }
    }

    /// The whole body; `memory` has what it takes.
    async fn read(&self, body: Incoming, memory: &mut Share) -> Result<Vec<u8>, Denial> {
        let limit = self.sink.max_message;
        if body.size_hint().lower() > limit as u64 {
            return Err(Denial::TooLarge);
        }
        let (mut body, mut whole) = (Limited::new(body, limit), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
                true => Denial::TooLarge,
                false => Denial::Broken,
            })?;
            let Some(data) = frame.data_ref() else { continue };
            let len = whole.len() + data.len();
            if !memory.try_grow(bytes_of(len) - bytes_of(whole.len())) {
                return Err(Denial::OutOfMemory);
            }
            whole.reserve_exact(data.len());
            whole.extend_from_slice(data);
        }
        Ok(whole)
    }
}

/// What a body takes of the common memory, as it came and as lines of the queue.
fn bytes_of(body: usize) -> usize {
    if body > SMALL { 2 * body } else { 0 }
}

fn refuse(denial: Denial) -> Response<Full<Bytes>> {
    match denial {
        Denial::Method => with(answer(StatusCode::METHOD_NOT_ALLOWED, "only POST\n"), ALLOW, "POST"),
        Denial::Encoding => answer(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the messages as they are, without Content-Encoding\n",
        ),
        Denial::TooLarge => answer(StatusCode::PAYLOAD_TOO_LARGE, "longer than max_line of this input\n"),
        Denial::Slow => answer(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
        Denial::Broken => answer(StatusCode::BAD_REQUEST, "the body is broken\n"),
        Denial::OutOfMemory => later("too many bodies at once, send it again\n"),
        Denial::Queue(Refusal::Full) => later("the queue is full, send it again\n"),
        Denial::Queue(Refusal::Failing) => later("the queue cannot be written, send it again\n"),
    }
}

fn later(text: &'static str) -> Response<Full<Bytes>> {
    with(answer(StatusCode::SERVICE_UNAVAILABLE, text), RETRY_AFTER, RETRY)
}

fn answer(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

fn with(
    mut response: Response<Full<Bytes>>,
    name: hyper::header::HeaderName,
    value: &'static str,
) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::StateDirectory;
    use crate::line::Framing;
    use crate::queue::{Queue, TornEnd};
    use crate::receiver::memory::{Memory, SMALL};
    use std::io::{Read, Write};

    struct Served {
        address: std::net::SocketAddr,
        sink: Arc<Sink>,
        _temp: tempfile::TempDir,
    }

    fn serve(memory: usize, patience: Patience) -> Served {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(&temp.path().join("state")).unwrap();
        let queue = Queue::open(state.subdirectory("q").unwrap(), 16 << 20, TornEnd::Drop, Framing::Messages)
            .unwrap();
        let sink = Arc::new(Sink {
            queue: Arc::new(queue),
            max_message: 1 << 20,
            connections: 1,
            memory: Arc::new(Memory::new(memory)),
            counters: Arc::default(),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        receive_within(listener, None, sink.clone(), patience).unwrap();
        Served { address, sink, _temp: temp }
    }

    /// Sends this and waits until the other side ends the connection; what it said.
    fn send(served: &Served, bytes: &[u8]) -> String {
        let mut socket = std::net::TcpStream::connect(served.address).unwrap();
        socket.write_all(bytes).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(body: &str) -> String {
        format!(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    const QUICK: Duration = Duration::from_millis(50);

    // There is one place, and each of them takes it until it has given it back.
    // I21
    #[test]
    fn who_sends_half_and_waits_loses_the_place() {
        let served = serve(1 << 20, Patience { head: QUICK, body: QUICK, ..Patience::USUAL });
        for (half, expected) in [
            ("", ""),
            ("POST / HTTP/1.1\r\nHos", ""),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n<14>ha", "HTTP/1.1 408 "),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<14>a\r\n",
                "HTTP/1.1 408 ",
            ),
        ] {
            let answer = send(&served, half.as_bytes());
            assert!(
                answer.starts_with(expected) && answer.is_empty() == expected.is_empty(),
                "{half}: {answer}"
            );
        }
        assert!(send(&served, post("<14>whole").as_bytes()).starts_with("HTTP/1.1 204 "));
        let report = served.sink.counters.report();
        assert_eq!((report.messages, report.requests_refused), (1, 2));
    }

    #[test]
    fn a_body_for_which_there_is_no_memory_comes_again() {
        let served = serve(100_000, Patience::USUAL);
        let (short, long) = ("x".repeat(SMALL), "x".repeat(40_000));
        let taken = served.sink.memory.take(50_000);
        assert!(send(&served, post(&short).as_bytes()).starts_with("HTTP/1.1 204 "));
        let refusal = send(&served, post(&long).as_bytes());
        assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("retry-after: 1\r\n"), "{refusal}");
        drop(taken);
        assert!(send(&served, post(&long).as_bytes()).starts_with("HTTP/1.1 204 "));
        assert_eq!(served.sink.counters.report().messages, 2);
    }
}
