//! Says the same things through the JSON loggers of Rust.

use log4rs::append::file::FileAppender;
use log4rs::config::{Appender, Config, Root};
use log4rs::encode::json::JsonEncoder;
use slog::{Drain, Logger, o};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tracing::subscriber::with_default;
use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TOOK: Duration = Duration::from_millis(3);

fn main() {
    let root = std::env::args_os().nth(1).map(PathBuf::from).expect("the folder of the samples");
    let nested = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_file(true)
        .with_line_number(true)
        .with_thread_ids(true)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(Mutex::new(file(&root, "tracing", "nested")));
    with_default(nested.finish(), say_tracing);
    let flat = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(Mutex::new(file(&root, "tracing", "flat")));
    with_default(flat.finish(), say_tracing);
    let bunyan =
        BunyanFormattingLayer::new("shop".into(), Mutex::new(file(&root, "tracing-bunyan", "default")));
    with_default(tracing_subscriber::registry().with(JsonStorageLayer).with(bunyan), say_tracing);

    let json = slog_json::Json::default(file(&root, "slog-rust", "json"));
    say_slog(&Logger::root(Mutex::new(json).map(slog::Fuse), o!()));
    let bunyan = slog_bunyan::with_name("shop", file(&root, "node-bunyan", "slog")).build();
    say_slog(&Logger::root(Mutex::new(bunyan).map(slog::Fuse), o!()));

    // Last, for the `log` crate has one logger for the whole process.
    let place = place(&root, "log4rs", "json");
    let appender = FileAppender::builder().append(false).encoder(Box::new(JsonEncoder::new())).build(place);
    let appender = Appender::builder().build("file", Box::new(appender.expect("a writable folder")));
    let root = Root::builder().appender("file").build(log::LevelFilter::Trace);
    log4rs::init_config(Config::builder().appender(appender).build(root).expect("a valid configuration"))
        .expect("the first logger");
    say_log();
}

fn place(root: &Path, format: &str, name: &str) -> PathBuf {
    let folder = root.join(format);
    std::fs::create_dir_all(&folder).expect("a writable folder");
    folder.join(format!("made_{name}.log"))
}

fn file(root: &Path, format: &str, name: &str) -> File {
    File::create(place(root, format, name)).expect("a writable folder")
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock past 1970").as_millis() as u64
}

fn say_tracing() {
    tracing::trace!(said_ms = now_ms(), "said at trace");
    tracing::debug!(said_ms = now_ms(), "said at debug");
    tracing::info!(said_ms = now_ms(), trace_id = TRACE_ID, "said at info");
    tracing::warn!(said_ms = now_ms(), "said at warn");
    tracing::error!(said_ms = now_ms(), "said at error");
    tracing::info!(took = ?TOOK, said_ms = now_ms(), "took 3 ms");
    let outer = tracing::info_span!("request", request_id = "r-17");
    let _in_request = outer.enter();
    let error = std::io::Error::other("db timeout");
    tracing::info_span!("query", table = "orders").in_scope(|| {
        tracing::error!(error = &error as &dyn std::error::Error, said_ms = now_ms(), "failed");
    });
}

fn say_slog(log: &Logger) {
    slog::trace!(log, "said at trace"; "said_ms" => now_ms());
    slog::debug!(log, "said at debug"; "said_ms" => now_ms());
    slog::info!(log, "said at info"; "said_ms" => now_ms(), "trace_id" => TRACE_ID);
    slog::warn!(log, "said at warn"; "said_ms" => now_ms());
    slog::error!(log, "said at error"; "said_ms" => now_ms());
    slog::crit!(log, "said at fatal"; "said_ms" => now_ms());
    slog::info!(log, "took 3 ms"; "took" => ?TOOK, "said_ms" => now_ms());
    slog::error!(log, "failed"; "error" => "db timeout", "said_ms" => now_ms());
}

fn say_log() {
    let said = || {
        log_mdc::insert("said_ms", now_ms().to_string());
    };
    log_mdc::insert("trace_id", TRACE_ID);
    said();
    log::trace!("said at trace");
    log::debug!("said at debug");
    log::info!("said at info");
    log::warn!("said at warn");
    log::error!("said at error");
    log_mdc::insert("took", format!("{TOOK:?}"));
    log::info!("took 3 ms");
    log_mdc::insert("error", "db timeout");
    log::error!("failed");
}
