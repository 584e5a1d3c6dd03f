//! All scenes, each with services and users of its own, and then an agent for each store that ships all their logs.

use super::document::{Cell, Document, Scribe, millis};
use super::store::Store;
use bench::engine::Engine;
use bench::process::Process;
use dashboards::lens::TimeRange;
use demo_service::load::shape::Profile;
use demo_service::scene::script::{Change, SCENES, Scene, Trouble};
use demo_service::scene::{play, stage::Settings};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const LENGTH: Duration = Duration::from_secs(45);
/// Lines a second of the noisy logger: what makes all scenes together more than [`EVENTS_MIN`].
const NOISE: &str = "11000";
/// Events that all scenes together have at least.
pub const EVENTS_MIN: usize = 200_000;
/// Scenes played at the same time: those that leave each other enough of two cores.
const ROUNDS: [&[&str]; 3] =
    [&["saturating-pool"], &["calm", "noisy-logger"], &["deploy-regression", "failing-dependency"]];
/// How long agents and engines may take for the rest once a scene is over.
const PATIENCE: Duration = Duration::from_secs(600);
/// Most documents an engine gives at once.
const PAGE: usize = 10_000;
const STREAM: &str = "logs-app-default";
/// What `cargo demo` runs, and each of its parts.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_blueox-demo");

/// What a store should hold.
pub struct Shipped {
    pub store: Store,
    pub documents: Vec<Document>,
    /// What `setup --check` said as soon as all was there: it asks for the last 15 minutes.
    pub checked: String,
}

/// What was played.
pub struct Night {
    pub shipped: Vec<Shipped>,
    /// From the first scene until all was shipped.
    pub whole: TimeRange,
    /// Entries of `scene.json` by scene.
    pub timelines: HashMap<&'static str, Vec<Json>>,
}

/// Played at its first use.
pub fn night() -> &'static Night {
    // What has failed once fails at each use.
    static NIGHT: LazyLock<Night> = LazyLock::new(Night::play);
    &NIGHT
}

/// The words that make the demo's program play another one, as a child of this process.
pub fn role(name: &str) -> [String; 2] {
    [name.to_owned(), std::process::id().to_string()]
}

/// `blueox` in the demo's program.
fn blueox(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    for name in ["BLUEOX_API_KEY", "BLUEOX_USERNAME", "BLUEOX_PASSWORD"] {
        command.env_remove(name);
    }
    command.args(role("blueox")).args(arguments);
    command
}

/// A line and the scene it is from.
struct Line {
    scene: &'static str,
    line: Map<String, Json>,
}

impl Night {
    /// The time of a scene.
    pub fn range(&self, scene: &str) -> TimeRange {
        let timeline = &self.timelines[scene];
        let ends = [timeline.first(), timeline.last()].map(|entry| entry.expect("an entry")["time"].as_str());
        let [from, to] = ends.map(|time| millis(time.expect("a time")));
        TimeRange::between(from, to)
    }

    fn play() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path();
        let began = now();
        for scene in &SCENES {
            fs::create_dir(root.join(scene.name)).expect("the directory of a scene");
        }
        // Before there are engines: on two cores they would take what services need, and every scene would be of load.
        for round in ROUNDS {
            std::thread::scope(|scope| {
                for scene in SCENES.iter().filter(|scene| round.contains(&scene.name)) {
                    scope.spawn(move || play_scene(scene, &root.join(scene.name)));
                }
            });
        }
        let mut agents = Store::ALL.map(|store| {
            let engine = store.running();
            assert_eq!(engine.count("logs-app*"), 0, "{} has to be empty", engine.url());
            for _ in 0..2 {
                succeed(blueox(&["setup", "--elasticsearch", engine.url()]));
            }
            start_agent(root, store, engine.url())
        });
        let lines: Vec<Line> = SCENES.iter().flat_map(|scene| lines(root, scene.name)).collect();
        assert!(lines.len() >= EVENTS_MIN, "{} lines: {:?}", lines.len(), counts(&lines));
        for (store, agent) in Store::ALL.into_iter().zip(&mut agents) {
            wait_for(store.running(), agent, lines.len());
            agent.stop(PATIENCE).expect("the agent ends");
        }
        let whole = TimeRange::between(began, now());
        let checks = Store::ALL
            .map(|store| succeed(blueox(&["setup", "--check", "--elasticsearch", store.running().url()])));
        let documents = |store: Store| documents(store.running(), &lines);
        let shipped = Store::ALL.into_iter().zip(checks);
        let shipped = shipped.map(|(store, checked)| Shipped { store, documents: documents(store), checked });
        let timeline = |scene: &'static Scene| {
            let text = fs::read_to_string(root.join(scene.name).join("scene.json")).expect("a timeline");
            (scene.name, text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
        };
        Self { shipped: shipped.collect(), whole, timelines: SCENES.iter().map(timeline).collect() }
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What it said.
fn succeed(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// The environment of an event is the scene it is from, so that the boards' own control tells scenes apart.
fn start_agent(root: &Path, store: Store, url: &str) -> Process {
    let name = format!("{store:?}");
    let inputs: Vec<Json> = SCENES
        .iter()
        .map(|scene| {
            json!({"paths": [root.join(scene.name).join("*.log*")], "fields": {"service.environment": scene.name}})
        })
        .collect();
    let config = json!({
        "host": {"id": name}, "inputs": inputs, "output": {"elasticsearch": {"hosts": [url]}},
        "state": {"path": root.join(format!("{name}-state"))}, "monitoring": {"listen": null},
    });
    let path = root.join(format!("{name}.yml"));
    // JSON is YAML.
    fs::write(&path, config.to_string()).expect("the configuration");
    let command = blueox(&["run", "-c", path.to_str().expect("UTF-8")]);
    Process::start(&name, command, &root.join(format!("{name}.out"))).expect("the agent starts")
}

fn play_scene(scene: &'static Scene, logs: &Path) {
    let program = (PathBuf::from(PROGRAM), role("demo-service").map(Into::into).into());
    let settings = Settings { program, logs: logs.to_owned(), profile: Profile::SteadyPeaks, length: LENGTH };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let scene = louder(scene);
    let played = runtime.block_on(play(&scene, &settings, |_| (), std::future::pending()));
    played.unwrap_or_else(|error| panic!("{}: {error}", scene.name));
}

/// The scene as it is, but for more noise.
fn louder(scene: &'static Scene) -> Scene {
    let trouble = scene.trouble.as_ref().map(|trouble| {
        let &Trouble { service, endpoint, logger, cause, from, to, ref change } = trouble;
        let change = match *change {
            Change::Deploy(version, faults) => Change::Deploy(version, faults),
            Change::Fault("noisy", _) => Change::Fault("noisy", NOISE),
            Change::Fault(kind, value) => Change::Fault(kind, value),
            Change::Crowd(times) => Change::Crowd(times),
        };
        Trouble { service, endpoint, logger, cause, from, to, change }
    });
    Scene { name: scene.name, watch: scene.watch, trouble }
}

/// All lines of a scene, those of renamed files as well.
fn lines(root: &Path, scene: &'static str) -> Vec<Line> {
    let entries = fs::read_dir(root.join(scene)).expect("the directory of a scene");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let logs = paths.filter(|path| path.to_string_lossy().contains(".log"));
    let texts = logs.map(|path| fs::read_to_string(&path).expect("text"));
    let read = |text: String| {
        text.lines()
            .map(|line| Line { scene, line: serde_json::from_str(line).expect("an object a line") })
            .collect::<Vec<_>>()
    };
    texts.flat_map(read).collect()
}

/// Lines by scene.
fn counts(lines: &[Line]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line.scene).or_default() += 1;
    }
    counts
}

fn wait_for(engine: &Engine, agent: &mut Process, lines: usize) {
    let until = Instant::now() + PATIENCE;
    loop {
        let stored = engine.count(STREAM);
        if stored == lines as u64 {
            return;
        }
        agent.alive().expect("the agent lives");
        let late = Instant::now() > until || stored > lines as u64;
        assert!(!late, "{stored} of {lines} lines are stored; {}", agent.log_tail());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What an engine should hold: every line, with the time it took to get there, and what the agent says of itself. Only
/// these two are taken from the engine, as they were stored.
fn documents(engine: &Engine, lines: &[Line]) -> Vec<Document> {
    let mut scribe = Scribe::default();
    let mut delays = delays(engine);
    let mut documents: Vec<Document> = Vec::new();
    for line in lines {
        let mut document = scribe.of_line(&line.line, line.scene);
        let delay = delays.remove(&key(&document)).unwrap_or_else(|| panic!("not stored: {:?}", line.line));
        if let Some(lag) = delay.lag {
            let expected = delay.ingested - document.time() as f64;
            assert!((lag - expected).abs() <= 1.0, "{lag} and not {expected}: {:?}", line.line);
            document.add("event.ingest_lag_ms", Cell::Number(lag));
        }
        documents.push(document);
    }
    assert!(delays.is_empty(), "{} documents of no line", delays.len());
    let search = json!({"size": PAGE, "query": {"term": {"event.dataset": "app.agent"}}});
    let answer = engine.call("POST", "/logs-app*/_search", &search.to_string());
    let own = answer["hits"]["hits"].as_array().expect("hits");
    assert!(!own.is_empty() && own.len() < PAGE, "{} events of the agent", own.len());
    documents.extend(own.iter().map(|hit| scribe.of_source(&hit["_source"])));
    documents
}

/// When a line was stored, and how long that took by the engine's own account; an engine without scripts gives none.
struct Delay {
    ingested: f64,
    lag: Option<f64>,
}

/// What tells lines apart: instance, process, number.
type Key = (String, u64, u64);

fn key(document: &Document) -> Key {
    let number = |name| document.number(name).unwrap_or_else(|| panic!("{name} is missing")) as u64;
    let instance = document.text("service.node.name").expect("an instance");
    (instance.to_owned(), number("process.pid"), number("event.sequence"))
}

/// When each line was stored; a line that is stored twice fails.
fn delays(engine: &Engine) -> HashMap<Key, Delay> {
    let mut delays = HashMap::new();
    let mut after = Json::Null;
    loop {
        let mut search = json!({
            "size": PAGE, "_source": false, "track_total_hits": false,
            "docvalue_fields": [{"field": "event.ingested", "format": "epoch_millis"}, "event.ingest_lag_ms"],
            "sort": [{"service.node.name": "asc"}, {"process.pid": "asc"}, {"event.sequence": "asc"}],
        });
        if !after.is_null() {
            search["search_after"] = after;
        }
        let answer = engine.call("POST", &format!("/{STREAM}/_search"), &search.to_string());
        let hits = answer["hits"]["hits"].as_array().expect("hits");
        for hit in hits {
            let [instance, pid, sequence] = [0, 1, 2].map(|at| &hit["sort"][at]);
            let field = |name: &str| number(&hit["fields"][name][0]);
            let ingested = field("event.ingested").unwrap_or_else(|| panic!("no time of storing: {hit}"));
            let delay = Delay { ingested, lag: field("event.ingest_lag_ms") };
            let text = instance.as_str().expect("an instance").to_owned();
            let key = (text, pid.as_u64().expect("a number"), sequence.as_u64().expect("a number"));
            assert!(delays.insert(key, delay).is_none(), "stored twice: {hit}");
        }
        if hits.len() < PAGE {
            return delays;
        }
        after = hits[PAGE - 1]["sort"].clone();
    }
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| json.as_str()?.parse().ok())
}
