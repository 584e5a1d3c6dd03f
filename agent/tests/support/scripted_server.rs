//! An HTTP server that does what a test says, byte by byte.
//!
//! Each request is recorded and answered by the script. What the script does not know is an error of the test:
//! [`ScriptedServer::finish`] panics then.

use std::collections::VecDeque;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number among all requests.
    pub number: usize,
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came, empty where the script did not read it.
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body without compression.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match self.header("content-encoding") {
            Some("gzip") => {
                flate2::read::MultiGzDecoder::new(self.body.as_slice())
                    .read_to_string(&mut text)
                    .expect("gzip");
            }
            _ => text = String::from_utf8(self.body.clone()).expect("text"),
        }
        text
    }

    /// Ids of a `_bulk` request, in order.
    pub fn ids(&self) -> Vec<String> {
        let action = |line: &str| {
            let action: serde_json::Value = serde_json::from_str(line).expect("an action line");
            action["create"]["_id"].as_str().expect("create with an id").to_owned()
        };
        self.text().lines().step_by(2).map(action).collect()
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Default)]
pub struct Act {
    pub pieces: Vec<Piece>,
    pub end: End,
}

#[derive(Debug, Clone)]
pub enum Piece {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// One byte at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Until this is released.
    Until(Arc<tokio::sync::Semaphore>),
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Keep,
    Close,
    Reset,
    /// Stays open without a word.
    Hang,
}

impl Act {
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { pieces: vec![Piece::Bytes(bytes.into())], ..Self::default() }
    }

    /// An answer with `Content-Length`.
    pub fn reply(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        Self::raw(bytes)
    }

    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::reply(status, "content-type: application/json\r\n", body)
    }

    /// A `_bulk` answer with this status for each item, by its place.
    pub fn bulk(request: &Request, status: impl Fn(usize, &str) -> u16) -> Self {
        Self::json(200, bulk_answer(request, status))
    }

    pub fn close() -> Self {
        Self { end: End::Close, ..Self::default() }
    }

    pub fn reset() -> Self {
        Self { end: End::Reset, ..Self::default() }
    }

    pub fn hang() -> Self {
        Self { end: End::Hang, ..Self::default() }
    }

    pub fn then(self, end: End) -> Self {
        Self { end, ..self }
    }

    pub fn after(mut self, piece: Piece) -> Self {
        self.pieces.insert(0, piece);
        self
    }
}

/// The JSON of a `_bulk` answer.
pub fn bulk_answer(request: &Request, status: impl Fn(usize, &str) -> u16) -> String {
    let items: Vec<_> = request
        .ids()
        .iter()
        .enumerate()
        .map(|(place, id)| {
            let status = status(place, id);
            let mut item = serde_json::json!({"_index": ".ds-logs-app-default-2026.01.01-000001", "_id": id, "status": status});
            if status >= 300 {
                item["error"] = serde_json::json!({"type": format!("type_{status}"), "reason": "because"});
            }
            serde_json::json!({ "create": item })
        })
        .collect();
    serde_json::json!({"took": 1, "errors": false, "items": items}).to_string()
}

type Script = Box<dyn FnMut(&Request) -> Option<Act> + Send>;

struct Shared {
    script: Mutex<Script>,
    early: Mutex<Script>,
    looks_up: AtomicBool,
    requests: Mutex<Vec<Request>>,
    connections: Mutex<usize>,
    errors: Mutex<Vec<String>>,
    changed: tokio::sync::Notify,
}

pub struct ScriptedServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    tls: bool,
}

impl ScriptedServer {
    /// Answers each request by its number; `None` is an error of the test.
    pub async fn start(script: impl FnMut(&Request) -> Option<Act> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::serve(listener, None, script)
    }

    /// One act for each request, in order.
    pub async fn acts(acts: impl IntoIterator<Item = Act>) -> Self {
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        Self::start(move |_| acts.pop_front()).await
    }

    /// These acts, then every item stored.
    pub async fn acts_then_store(acts: impl IntoIterator<Item = Act>) -> Self {
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        Self::start(move |request| acts.pop_front().or_else(|| Some(Act::bulk(request, |_, _| 201)))).await
    }

    pub async fn tls(
        acceptor: TlsAcceptor,
        script: impl FnMut(&Request) -> Option<Act> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::serve(listener, Some(acceptor), script)
    }

    /// What answers a request as soon as its head is there, with the body unread; `None` leaves it to the script.
    pub fn set_early(&self, early: impl FnMut(&Request) -> Option<Act> + Send + 'static) {
        *self.shared.early.lock().unwrap() = Box::new(early);
    }

    /// Leaves also the look for a rollover to the script. Else it is told that there is no data stream, unrecorded.
    pub fn script_look_ups(&self) {
        self.shared.looks_up.store(true, Ordering::SeqCst);
    }

    pub fn serve(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        script: impl FnMut(&Request) -> Option<Act> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            early: Mutex::new(Box::new(|_| None)),
            looks_up: AtomicBool::new(false),
            requests: Mutex::default(),
            connections: Mutex::default(),
            errors: Mutex::default(),
            changed: tokio::sync::Notify::new(),
        });
        let address = listener.local_addr().expect("an address");
        let is_tls = tls.is_some();
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self { address, shared, task, tls: is_tls }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// Waits until so many requests were recorded.
    pub async fn wait_for_requests(&self, count: usize) {
        let enough = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.shared.requests.lock().unwrap().len() >= count {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(30), enough).await.is_err() {
            panic!("{} of {count} requests came", self.requests().len());
        }
    }

    /// The recorded requests, after a look at what the script did not foresee.
    pub fn finish(self) -> Vec<Request> {
        self.task.abort();
        let errors = self.shared.errors.lock().unwrap();
        assert!(errors.is_empty(), "not in the script: {errors:#?}");
        self.requests()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        *shared.connections.lock().unwrap() += 1;
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            let connection = match tls {
                None => Connection::Plain(stream),
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => Connection::Tls(Box::new(stream)),
                    Err(_) => return,
                },
            };
            if let Err(error) = talk(connection, &shared).await {
                shared.errors.lock().unwrap().push(error);
            }
        });
    }
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Connection {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream,
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

async fn talk(mut connection: Connection, shared: &Shared) -> Result<(), String> {
    let mut buffer = Vec::new();
    loop {
        let Some(mut request) = read_head(connection.stream(), &mut buffer).await else { return Ok(()) };
        let length: usize =
            request.header("content-length").map_or(0, |value| value.parse().expect("a length"));
        let early = (shared.early.lock().unwrap())(&request);
        if early.is_none() && !read_body(connection.stream(), &mut buffer, length, &mut request).await {
            return Ok(());
        }
        if request.target.starts_with("/_data_stream/") && !shared.looks_up.load(Ordering::SeqCst) {
            perform(&mut connection, &Act::json(404, "{}")).await;
            continue;
        }
        shared.record(&mut request);
        let act = early.or_else(|| (shared.script.lock().unwrap())(&request));
        let Some(act) = act else {
            return Err(format!("{} {} ({} bytes)", request.method, request.target, request.body.len()));
        };
        if !perform(&mut connection, &act).await || act.end == End::Close {
            return Ok(());
        }
        match act.end {
            End::Keep | End::Close => {}
            End::Hang => std::future::pending().await,
            End::Reset => {
                connection.tcp().set_zero_linger().expect("linger");
                return Ok(());
            }
        }
    }
}

/// `None` where the connection ends.
async fn read_head(stream: &mut dyn Stream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).expect("a text");
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Some(Request { number: 0, method, target, headers: lines.filter_map(header).collect(), body: Vec::new() })
}

async fn read_body(
    stream: &mut dyn Stream,
    buffer: &mut Vec<u8>,
    length: usize,
    request: &mut Request,
) -> bool {
    while buffer.len() < length {
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    request.body = buffer.drain(..length).collect();
    true
}

/// False if the peer is gone.
async fn perform(connection: &mut Connection, act: &Act) -> bool {
    let stream = connection.stream();
    for piece in &act.pieces {
        let result = match piece {
            Piece::Bytes(bytes) => stream.write_all(bytes).await,
            Piece::Wait(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Piece::Drip(bytes, pause) => drip(stream, bytes, *pause).await,
            Piece::Until(semaphore) => {
                semaphore.acquire().await.expect("never closed").forget();
                Ok(())
            }
        };
        if result.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    true
}

async fn drip(stream: &mut dyn Stream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

impl Shared {
    fn record(&self, request: &mut Request) {
        let mut requests = self.requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
        self.changed.notify_waiters();
    }
}
