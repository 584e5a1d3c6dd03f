//! The listener: connections, limits, log-in, compression.

use super::App;
use super::call::Call;
use super::refusal::{check_content_type, unauthenticated};
use super::reply::Reply;
use super::room::{Room, Taken, UNIT};
use super::route::answer;
use crate::store::ApiError;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How the listener guards itself.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What every request must bring in `Authorization`: a whole header value, several are possible.
    pub logins: Vec<String>,
    /// Largest body, after inflating, in bytes.
    pub body_max: usize,
    /// Bytes of bodies in work at once, of requests and of answers; more wait for none but get 429.
    pub bodies_max: usize,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be taken.
    #[error("could not listen on {address}; stop what has it, or name another address")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
    /// Everyone could write.
    #[error(
        "listening on {0} would let everyone in: set POCKET_ELK_API_KEY or POCKET_ELK_PASSWORD, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
}

/// A listener bound to its address.
pub struct Server {
    listener: TcpListener,
    gate: Arc<Gate>,
}

struct Gate {
    app: Arc<App>,
    options: ServerOptions,
    local: bool,
    room: Room,
}

/// Connections at once.
const CONNECTIONS: usize = 256;
/// A client that takes longer for its head, or a piece of its body, is cut off.
const SLOW: Duration = Duration::from_secs(30);
/// Longest time for a whole body: a client that sends a byte now and then is cut off too.
const BODY_TIME: Duration = Duration::from_secs(120);

impl Server {
    /// Binds the listener.
    pub async fn bind(app: Arc<App>, options: ServerOptions) -> Result<Self, ServerError> {
        let address = options.listen;
        if !address.ip().is_loopback() && options.logins.is_empty() {
            return Err(ServerError::Open(address));
        }
        let listener =
            TcpListener::bind(address).await.map_err(|source| ServerError::Bind { address, source })?;
        let room = Room::new(options.bodies_max);
        let gate = Gate { app, local: address.ip().is_loopback(), options, room };
        Ok(Self { listener, gate: Arc::new(gate) })
    }

    /// The address it listens on.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves; requests being answered then are finished within two seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::pin!(stop);
        loop {
            let permit = Arc::clone(&connections).acquire_owned();
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = async { (permit.await, self.listener.accept().await) } => accepted,
            };
            match accepted {
                (Ok(permit), Ok((stream, _))) => {
                    drop(tokio::spawn(serve(stream, Arc::clone(&self.gate), permit)))
                }
                // Out of descriptors: give connections time to end.
                (_, Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                (Err(_), Ok(_)) => break,
            }
        }
        drop(self.listener);
        let drained = connections.acquire_many(CONNECTIONS as u32);
        let _ = tokio::time::timeout(Duration::from_secs(2), drained).await;
    }
}

async fn serve(stream: TcpStream, gate: Arc<Gate>, _permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(respond(&gate, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(SLOW).max_headers(64).max_buf_size(64 << 10);
    // What goes wrong on a connection is the client's to see.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(gate: &Arc<Gate>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let opaque = request.headers().get("x-opaque-id").cloned();
    let head = request.method() == hyper::Method::HEAD;
    let (reply, room) = accept(gate, request).await.unwrap_or_else(|refusal| (refusal, None));
    let body = if head { Bytes::new() } else { Bytes::from_owner(Answer { body: reply.body, _room: room }) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    for (name, value) in reply.headers {
        headers.append(name, value);
    }
    headers.insert(HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    if let Some(opaque) = opaque {
        headers.insert(HeaderName::from_static("x-opaque-id"), opaque);
    }
    response
}

/// The body of an answer, and the room it takes until it is sent.
struct Answer {
    body: Vec<u8>,
    _room: Option<Taken>,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// What is answered, and the room of its body; what is refused needs none.
async fn accept(gate: &Arc<Gate>, request: Request<Incoming>) -> Result<(Reply, Option<Taken>), Reply> {
    gate.admit(&request)?;
    let (parts, body) = request.into_parts();
    let (body, received) = gate.read(&parts.headers, body).await?;
    check_content_type(&parts.headers, &body)?;
    let call = Call::new(parts.method, &parts.uri, body, gate.room.clone());
    let read = gate.room.take_for_call(&call).ok_or_else(too_large)?.map_err(refused)?;
    let app = Arc::clone(&gate.app);
    let answered = tokio::task::spawn_blocking(move || {
        // Held here: a client that goes away ends its connection, not what runs for it.
        let _room = (received, read);
        let reply = answer(&app, &call);
        let room = call.room.take_for_answer(&reply.body).map_err(refused)?;
        Ok((reply, room))
    });
    answered.await.map_err(|_| {
        Reply::error(&ApiError::internal("the request broke a rule of the store; please report it"))
    })?
}

fn refused(error: ApiError) -> Reply {
    Reply::error(&error)
}

impl Gate {
    fn admit(&self, request: &Request<Incoming>) -> Result<(), Reply> {
        if self.local && !names_loopback(request.headers()) {
            let reason = "this address answers for localhost only";
            return Err(Reply::error(&ApiError::new(403, "security_exception", reason)));
        }
        let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let known = |login: &String| given.is_some_and(|given| same_bytes(given, login.as_bytes()));
        if self.options.logins.is_empty() || self.options.logins.iter().any(known) {
            return Ok(());
        }
        Err(unauthenticated(given, &request.uri().to_string()))
    }

    /// Reads and inflates a body within its bounds; the permit holds its room.
    async fn read(&self, headers: &HeaderMap, body: Incoming) -> Result<(Bytes, Option<Taken>), Reply> {
        let announced = body.size_hint().lower() as usize;
        if announced > self.options.body_max {
            return Err(too_large());
        }
        // Room is taken by what comes, not by what is announced: who says much and sends little keeps nobody out.
        let mut room = self.take_room(UNIT)?;
        let raw = self.read_raw(body, &mut room).await?;
        let plain = match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => raw,
            Some(b"gzip") => {
                // Log lines shrink by five to fifteen; what is beyond waits for no room but is refused.
                inflate(&raw, self.options.body_max, |more| {
                    room.merge(self.take_room(more)?);
                    Ok(())
                })?
            }
            Some(_) => {
                return Err(Reply::error(&ApiError::new(
                    415,
                    "media_type_header_exception",
                    "Content-Encoding must be gzip or identity",
                )));
            }
        };
        Ok((plain, Some(room)))
    }

    async fn read_raw(&self, mut body: Incoming, room: &mut Taken) -> Result<Bytes, Reply> {
        let mut whole = BytesMut::new();
        let overdue = tokio::time::Instant::now() + BODY_TIME;
        let mut held = room.num_permits() * UNIT;
        loop {
            let until = overdue.min(tokio::time::Instant::now() + SLOW);
            let frame = tokio::time::timeout_at(until, body.frame()).await;
            let frame = frame.map_err(|_| {
                Reply::error(&ApiError::new(408, "timeout_exception", "the body came too slowly"))
            })?;
            let Some(frame) = frame else { return Ok(whole.freeze()) };
            let frame = frame.map_err(|error| Reply::error(&ApiError::illegal(error.to_string())))?;
            let Some(piece) = frame.data_ref() else { continue };
            if whole.len() + piece.len() > self.options.body_max {
                return Err(too_large());
            }
            whole.extend_from_slice(piece);
            if whole.len() > held {
                room.merge(self.take_room(whole.len() - held)?);
                held = room.num_permits() * UNIT;
            }
        }
    }

    fn take_room(&self, bytes: usize) -> Result<Taken, Reply> {
        self.room.take(bytes).map_err(refused)
    }
}

/// Bytes for which room is taken at once.
const INFLATED_STEP: usize = 1 << 20;

/// Inflates `raw`; `take_room` is asked before each step, so that a bomb gets no further than there is room.
fn inflate(
    raw: &[u8],
    most: usize,
    mut take_room: impl FnMut(usize) -> Result<(), Reply>,
) -> Result<Bytes, Reply> {
    // In pieces: a vector that grows is there twice while it moves, and a bomb is refused before it is whole.
    let (mut pieces, mut len) = (Vec::new(), 0);
    let mut decoder = flate2::read::MultiGzDecoder::new(raw);
    loop {
        take_room(INFLATED_STEP)?;
        let mut piece = Vec::new();
        let step =
            decoder.by_ref().take(INFLATED_STEP as u64).read_to_end(&mut piece).map_err(|error| {
                Reply::error(&ApiError::illegal(format!("the gzip body is broken: {error}")))
            })?;
        len += step;
        pieces.push(piece);
        if len > most {
            return Err(too_large());
        }
        if step < INFLATED_STEP {
            return Ok(Bytes::from(pieces.concat()));
        }
    }
}

/// As Elasticsearch answers it: without a body.
fn too_large() -> Reply {
    Reply::empty(413)
}

/// A page in a browser can reach this port under a name of its own, but cannot hide that name.
fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Equality in a time that depends on the lengths only.
fn same_bytes(given: &[u8], expected: &[u8]) -> bool {
    let difference =
        given.iter().zip(expected).fold(given.len() ^ expected.len(), |sum, (a, b)| sum | usize::from(a ^ b));
    std::hint::black_box(difference) == 0 && !expected.is_empty()
}
