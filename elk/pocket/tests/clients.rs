//! The official clients, doing over the real binary what their users do: store, be refused, search, change, take back;
//! and Filebeat, which sets up policy, template and alias, and then ships.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::Server;

/// How long Filebeat may take to set itself up and ship.
const PATIENCE: Duration = Duration::from_secs(180);

/// Where the programs stand.
fn program(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path)
}

/// A folder that outlasts the run, for what is installed.
fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name)
}

/// What it printed.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [printed, said] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{printed}{said}", output.status);
    printed
}

fn with_store(run: impl FnOnce(&str)) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    run(&format!("http://{}", server.address()));
}

#[test]
#[ignore = "needs Python"]
fn the_python_client_is_served() {
    let folder = installed("python");
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
    succeed(install.arg(program("python/requirements.txt")));
    with_store(|url| {
        succeed(Command::new(folder.join("bin/python")).arg(program("python/main.py")).arg(url));
    });
}

#[test]
#[ignore = "needs Node"]
fn the_javascript_client_is_served() {
    let folder = installed("javascript");
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["package.json", "package-lock.json", "main.js"] {
        std::fs::copy(program("javascript").join(file), folder.join(file)).expect("a copy");
    }
    succeed(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder));
    with_store(|url| {
        succeed(Command::new("node").arg(folder.join("main.js")).arg(url));
    });
}

#[test]
#[ignore = "needs Go"]
fn filebeat_sets_itself_up_and_ships() {
    const LINES: u64 = 5_000;
    let program = bench::filebeat::build(&installed("filebeat")).expect("Filebeat is built");
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("store"));
    let lines: String = (1..=LINES).map(|number| format!("{{\"name\":\"shop\",\"n\":{number}}}\n")).collect();
    std::fs::write(folder.path().join("shop.log"), lines).expect("the log is written");
    let config = json!({
        "filebeat.inputs": [{
            "type": "filestream", "id": "shop", "paths": [folder.path().join("shop.log")],
            "parsers": [{"ndjson": {"target": "shop"}}],
        }],
        "output.elasticsearch": {"hosts": [format!("http://{}", server.address())]},
        "logging": {"to_stderr": true, "level": "warning"},
    });
    let mut shipper = bench::filebeat::command(&program, folder.path(), &config).expect("its configuration");
    let said = std::fs::File::create(folder.path().join("said")).expect("a file");
    let mut shipper = Ended(shipper.stderr(said).spawn().expect("Filebeat starts"));
    let until = Instant::now() + PATIENCE;
    let stored = || {
        server.send("POST", "/filebeat-*/_refresh", "");
        let sum = json!({"size": 0, "track_total_hits": true, "aggs": {"sum": {"sum": {"field": "shop.n"}}}});
        let answer = server.good("POST", "/filebeat-*/_search", &sum);
        (answer["hits"]["total"]["value"].as_u64(), answer["aggregations"]["sum"]["value"].as_f64())
    };
    while stored().0 != Some(LINES) {
        let alive = shipper.0.try_wait().expect("its state").is_none();
        assert!(
            alive && Instant::now() < until,
            "{:?} of {LINES} lines; Filebeat says: {}",
            stored(),
            std::fs::read_to_string(folder.path().join("said")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(stored().1, Some((LINES * (LINES + 1) / 2) as f64));
    let policies = server.good("GET", "/_ilm/policy/filebeat", &Value::Null);
    assert!(policies.get("filebeat").is_some(), "{policies}");
    let caps = server.good("GET", "/filebeat-*/_field_caps?fields=host.name", &Value::Null);
    assert!(caps["fields"]["host.name"].get("keyword").is_some(), "its template is in force: {caps}");
}

/// A process that ends with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}
