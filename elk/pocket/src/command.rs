//! The command line: arguments → store or cluster → listeners → exit code.

use crate::http::{App, Server, ServerOptions};
use crate::search::Cache;
use crate::store::{Options, Store};
use crate::view::{Access, Cluster, Source, View, ViewOptions};
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An embedded store with the HTTP dialect of Elasticsearch.
#[derive(Debug, Parser)]
#[command(name = "pocket-elk", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a data folder until SIGTERM or SIGINT.
    Serve(Serve),
    /// Show the boards and logs of a cluster until SIGTERM or SIGINT; nothing is written to it.
    View(ViewOf),
}

/// The page alone, in front of a cluster. Its log-in comes from BLUEOX_API_KEY, or BLUEOX_USERNAME and BLUEOX_PASSWORD (each also
/// as ..._FILE), an authority to trust from BLUEOX_CA.
#[derive(Debug, clap::Args)]
struct ViewOf {
    /// Where the cluster is.
    #[arg(long, value_name = "URL")]
    elasticsearch: String,
    #[command(flatten)]
    page: Page,
}

/// Where the page is.
#[derive(Debug, clap::Args)]
struct Page {
    /// Port of the boards and the Logs page; 0 takes a free one.
    #[arg(long, default_value_t = 5601)]
    view_port: u16,
    /// Address of the boards and the Logs page. Beyond loopback POCKET_ELK_API_KEY or POCKET_ELK_USERNAME and
    /// POCKET_ELK_PASSWORD must be set.
    #[arg(long, default_value = "127.0.0.1")]
    view_listen: IpAddr,
}

impl Page {
    fn options(&self, logins: Vec<String>) -> ViewOptions {
        ViewOptions { listen: SocketAddr::new(self.view_listen, self.view_port), logins }
    }
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The data folder, made where it is missing.
    #[arg(long, default_value = "pocket-elk-data")]
    data: PathBuf,
    /// Where to listen. Beyond loopback POCKET_ELK_API_KEY or POCKET_ELK_USERNAME and POCKET_ELK_PASSWORD must be set.
    #[arg(long, default_value = "127.0.0.1:9200")]
    listen: SocketAddr,
    #[command(flatten)]
    page: Page,
    /// Anonymous memory to stay within, in MiB.
    #[arg(long, default_value_t = 256)]
    memory: usize,
    /// Remove the oldest backing indices while all together are larger than this, in MiB.
    #[arg(long)]
    disk: Option<u64>,
}

/// Does what the arguments ask for; failures and the own log go to standard error.
pub fn run(arguments: Arguments) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let done = match &arguments.command {
        Command::Serve(arguments) => serve(arguments),
        Command::View(arguments) => view(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pocket-elk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Serve) -> anyhow::Result<()> {
    let memory = arguments.memory << 20;
    let store = Store::open(&arguments.data, Options { memory, ..Options::default() })?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let app = Arc::new(App {
        store,
        cache: Cache::new(memory / 8),
        search_memory: memory / 6,
        threads,
        turn: Mutex::new(()),
    });
    let options = ServerOptions {
        listen: arguments.listen,
        logins: logins(),
        body_max: 64 << 20,
        bodies_max: memory / 4,
    };
    let runtime = runtime()?;
    let view = arguments.page.options(options.logins.clone());
    let disk = arguments.disk.map(|mebibytes| mebibytes << 20);
    runtime.block_on(async {
        let server = Server::bind(Arc::clone(&app), options).await?;
        let view = View::bind(Source::pocket(Arc::clone(&app)), view).await?;
        told(format_args!("http://{}", server.address()?));
        told(format_args!("http://{}", view.address()?));
        tokio::spawn(keep_house(Arc::clone(&app), disk));
        let page = tokio::spawn(view.run(std::future::pending()));
        server.run(stop_signal()?).await;
        page.abort();
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

fn view(arguments: &ViewOf) -> anyhow::Result<()> {
    // One provider for the process; where another part of it was first, that one is the same.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let cluster = Cluster::at(&arguments.elasticsearch, &access()?)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let view = View::bind(Source::cluster(cluster), arguments.page.options(logins())).await?;
        told(format_args!("http://{}", view.address()?));
        view.run(stop_signal()?).await;
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .context("could not start the runtime")
}

/// The log-in of a cluster, from the environment.
fn access() -> anyhow::Result<Access> {
    let user = secret("BLUEOX_USERNAME")?;
    let password = secret("BLUEOX_PASSWORD")?;
    let user = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => anyhow::bail!("BLUEOX_USERNAME and BLUEOX_PASSWORD belong together: set both or none"),
    };
    let authority = std::env::var_os("BLUEOX_CA").or_else(|| std::env::var_os("BLUEOX_CA_FILE"));
    let authority = authority.filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(Access { api_key: secret("BLUEOX_API_KEY")?, user, authority })
}

/// A variable, or the content of the file that `NAME_FILE` names.
fn secret(name: &str) -> anyhow::Result<Option<String>> {
    if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
        return Ok(Some(value));
    }
    let Some(path) = std::env::var_os(format!("{name}_FILE")).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read `{}`, which {name}_FILE names", path.display()))?;
    Ok(Some(text.trim_end().to_owned()))
}

/// What a request must bring, from the environment.
fn logins() -> Vec<String> {
    use base64::Engine;
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut logins = Vec::new();
    logins.extend(set("POCKET_ELK_API_KEY").map(|key| format!("ApiKey {key}")));
    if let Some(password) = set("POCKET_ELK_PASSWORD") {
        let user = set("POCKET_ELK_USERNAME").unwrap_or_else(|| "elastic".to_owned());
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        logins.push(format!("Basic {pair}"));
    }
    logins
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    })
}

async fn keep_house(app: Arc<App>, disk_cap: Option<u64>) {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    loop {
        every.tick().await;
        let app = Arc::clone(&app);
        match tokio::task::spawn_blocking(move || app.store.keep_house(disk_cap)).await {
            Ok(Ok(removed)) => {
                removed.iter().for_each(|(index, reason)| tracing::info!(index, reason, "index removed"))
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "retention could not be carried out; it is tried again in a minute")
            }
            Err(_) => return,
        }
    }
}

/// Says an address on standard output. Who started this may have stopped listening; that ends nothing.
fn told(address: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _nobody_listens = writeln!(std::io::stdout(), "{address}");
}
