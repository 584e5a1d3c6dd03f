//! The services: a constant answer, CPU work on JSON, and waiting, behind one router.
//!
//! - `arguments`: flags and environment. `identity`: who this instance is.
//! - `endpoints`: what each route does; `compute`, `pool` (SQLite) and `upstream` do the work.
//! - `failure`: everything that can go wrong with a request, its status and its log line.
//! - `request`: one log event a request. `runtime`: one every ten seconds about the process, measured by `process` and `cgroup`.
//! - `fault`: what can be made worse on purpose; `noise` is one of these.

mod arguments;

mod identity;

mod endpoints;

mod compute;

mod pool;

mod upstream;

mod failure;

mod request;

mod runtime;

mod process;

mod cgroup;

mod fault;

mod noise;

mod gauge;

pub use arguments::Arguments;

use crate::log::{self, LogError, field};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use fault::Faults;
use gauge::Gauge;
use identity::Identity;
use pool::Pool;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore};
use tracing::info;
use upstream::Upstream;

/// Longest body of a request.
const MAX_BODY: usize = 1024 * 1024;
/// How long requests may go on after the signal to end.
const DRAIN: Duration = Duration::from_secs(5);

/// How long the runtime may take to end after that.
const GRACE: Duration = Duration::from_millis(500);

/// Why the service did not start, or ended.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("cannot start the runtime: {0}")]
    Runtime(io::Error),
    #[error("cannot serve on {address}: {source}; choose another address with --listen and --port")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("serving failed: {0}")]
    Serve(#[from] io::Error),
}

/// What all requests share.
struct App {
    identity: Identity,
    pool: Arc<Pool>,
    /// One for each CPU: more threads at work would only take turns.
    cpus: Arc<Semaphore>,
    upstream: Upstream,
    faults: Faults,
    active: Gauge,
    answered: AtomicU64,
}

/// Serves until SIGTERM or SIGINT. 0 then, 78 where the log cannot be written, 1 for other failures.
pub fn run(arguments: Arguments) -> ExitCode {
    match serve(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-service: {error}");
            ExitCode::from(if matches!(error, ServeError::Log(_)) { 78 } else { 1 })
        }
    }
}

fn serve(arguments: Arguments) -> Result<(), ServeError> {
    let identity = Identity::resolve(&arguments, |name| std::env::var(name).ok());
    let log = log::init(arguments.log_settings(&identity))?;
    failure::log_panics();
    let runtime = Runtime::new().map_err(ServeError::Runtime)?;
    let served = runtime.block_on(listen(arguments, identity));
    // Queries that nobody waits for any more end with the process.
    runtime.shutdown_timeout(GRACE);
    drop(log);
    served
}

async fn listen(arguments: Arguments, identity: Identity) -> Result<(), ServeError> {
    let signal = end_signal()?;
    let address = arguments.address();
    let bind_error = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    info!(
        { field::SERVER_ADDRESS } = %address.ip(),
        { field::SERVER_PORT } = address.port(),
        "listening"
    );
    if !arguments.logs_to_stdout() {
        let ready = serde_json::json!({"url": format!("http://{address}"), "name": identity.name, "pid": std::process::id()});
        writeln!(io::stdout(), "{ready}")?;
    }
    let app = Arc::new(App {
        identity,
        pool: Pool::new(arguments.pool_size, arguments.pool_queue),
        cpus: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
        upstream: Upstream::new(arguments.upstream.as_ref()),
        faults: Faults::default(),
        active: Gauge::default(),
        answered: AtomicU64::new(0),
    });
    for fault in &arguments.faults {
        app.set(fault)?;
    }
    tokio::spawn(runtime::report(Arc::clone(&app), Duration::from_secs(arguments.metrics_interval)));
    tokio::spawn(noise::make(Arc::clone(&app)));
    Ok(serve_until(signal, listener, app).await?)
}

/// SIGTERM or SIGINT; heard from this call on.
fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
    })
}

/// Serves until `signal`, and then the requests there are.
async fn serve_until(
    signal: impl Future<Output = ()> + Send + 'static,
    listener: TcpListener,
    app: Arc<App>,
) -> io::Result<()> {
    let ending = Arc::new(Notify::new());
    let drained = Arc::clone(&ending);
    let signalled = async move {
        signal.await;
        info!("ending");
        ending.notify_one();
    };
    let overdue = async move {
        drained.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    // Small answers are sent at once; what cannot be set on a socket only makes it slower.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(signalled) => served?,
        () = overdue => {}
    }
    info!("ended");
    Ok(())
}

fn router(app: Arc<App>) -> Router {
    let logged = Router::new()
        .route("/simple", get(endpoints::simple))
        .route("/compute", post(endpoints::compute))
        .route("/slow", get(endpoints::slow))
        .route("/wait", get(endpoints::wait))
        .route("/chain", get(endpoints::chain))
        .route("/fail", get(endpoints::fail))
        .route("/version", get(endpoints::version))
        .method_not_allowed_fallback(endpoints::wrong_method)
        .fallback(endpoints::unknown_route)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), request::record));
    let unlogged =
        Router::new().route("/healthz", get(|| async { "ok\n" })).route("/fault", post(fault::receive));
    unlogged.merge(logged).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(app)
}
