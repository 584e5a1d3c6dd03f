//! A store with its page.

use jiff::Timestamp;
use pocket_elk::http::App;
use pocket_elk::search::Cache;
use pocket_elk::store::{Defaults, Options, Store, parse_bulk};
use pocket_elk::view::{Source, View, ViewOptions};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A store of its own, served on a port of its own.
pub(crate) struct Page {
    _folder: TempDir,
    app: Arc<App>,
    written: AtomicU64,
    /// Where the page is.
    pub(crate) address: SocketAddr,
}

impl Page {
    /// An empty store and its page.
    pub(crate) async fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let template: Value = json!({
            "index_patterns": ["logs-app-*"], "data_stream": {}, "priority": 200,
            "template": mappings(),
        });
        let template = serde_json::from_value(template).unwrap();
        store.registry().templates.put_index("logs-app", template).unwrap();
        let app = App {
            store,
            cache: Cache::new(1 << 20),
            search_memory: 16 << 20,
            threads: 1,
            turn: Mutex::new(()),
        };
        let app = Arc::new(app);
        let options = ViewOptions { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), logins: Vec::new() };
        let view = View::bind(Source::pocket(Arc::clone(&app)), options).await.unwrap();
        let address = view.address().unwrap();
        tokio::spawn(view.run(std::future::pending()));
        Self { _folder: folder, app, written: AtomicU64::new(0), address }
    }

    /// The address of the page with this after `/logs`.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("http://{}/logs{rest}", self.address)
    }

    /// Stores documents; what they lack of time, level, service and place in a file they get.
    pub(crate) fn write(&self, documents: impl IntoIterator<Item = Value>) {
        let body: String = documents.into_iter().map(|document| self.item(document)).collect();
        let actions = parse_bulk(&body.into(), &Defaults::default()).unwrap();
        // A writer waits for its sync, which no thread of the runtime may.
        let write = || {
            assert!(self.app.store.bulk(actions).iter().all(|outcome| outcome.result.is_ok()));
            self.app.store.refresh().unwrap();
        };
        std::thread::scope(|scope| scope.spawn(write).join().unwrap());
    }

    fn item(&self, mut document: Value) -> String {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let mut whole = json!({
            "@timestamp": Timestamp::now().to_string(),
            "log": {"level": "info", "file": {"path": "/var/log/shop.log"}, "offset": number * 100},
            "service": {"name": "shop"}, "host": {"name": "web-1"},
        });
        for (key, value) in document.as_object_mut().unwrap() {
            merge(&mut whole[key.as_str()], value.take());
        }
        format!("{{\"create\":{{\"_index\":\"logs-app-default\",\"_id\":\"line-{number}\"}}}}\n{whole}\n")
    }
}

fn merge(place: &mut Value, value: Value) {
    match (place.as_object_mut(), value) {
        (Some(place), Value::Object(value)) => place.extend(value),
        (_, value) => *place = value,
    }
}

/// The mappings that `blueox setup` puts.
fn mappings() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../elasticsearch/mappings.json");
    let file: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    file["template"].clone()
}
