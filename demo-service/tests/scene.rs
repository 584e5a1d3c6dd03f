//! Scenes played for real: what the timeline says is the truth has to be visible in the lines of the services.

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use demo_service::scene::script::{CAST, SCENES};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use service::{Line, is_request, parse, program, rotated, sequences, text};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

fn lines_of(path: &Path) -> Vec<Line> {
    parse(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Plays a scene and gives its timeline.
fn play(name: &str, length: &str, logs: &Path) -> Vec<Line> {
    let output =
        program().args(["scene", name, "--duration", length, "--logs"]).arg(logs).output().expect("run");
    let words =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{name}: {words}");
    lines_of(&logs.join("scene.json"))
}

fn time(line: &Line) -> jiff::Timestamp {
    text(line, "time").parse().expect("a time")
}

fn happened<'a>(timeline: &'a [Line], what: &'a str) -> impl Iterator<Item = &'a Line> {
    timeline.iter().filter(move |entry| entry["what"] == what)
}

/// All lines of all services, checked: every process numbers its own from 1 without a gap.
fn service_lines(timeline: &[Line], logs: &Path) -> Vec<Line> {
    let files: BTreeSet<&str> = happened(timeline, "started").map(|entry| text(entry, "log")).collect();
    let lines: Vec<Line> =
        files.iter().flat_map(|file| rotated(&logs.join(file))).flat_map(|path| lines_of(&path)).collect();
    for started in happened(timeline, "started") {
        let own = lines.iter().filter(|line| line["service.node.name"] == started["instance"]);
        let own: Vec<Line> = own.cloned().collect();
        assert!(sequences(&own).into_iter().eq(1..=own.len() as u64), "numbers of {started:?}");
        assert!(own.iter().all(|line| line["service.version"] == started["version"]), "{started:?}");
    }
    lines
}

/// How well a route of a service is over a part of the scene.
#[derive(Debug, Default, Clone, Copy)]
struct Health {
    requests: u64,
    failed: u64,
    nanoseconds: u64,
}

impl Health {
    /// How many times worse than before: failures count as a hundredfold latency.
    fn worse_than(self, before: Self) -> f64 {
        self.badness() / before.badness()
    }

    fn badness(self) -> f64 {
        let mean_ms = self.nanoseconds as f64 / self.requests as f64 / 1e6;
        (1.0 + mean_ms) * (1.0 + 100.0 * self.failed as f64 / self.requests as f64)
    }
}

/// Health by service and route from `from` (included) to `to`.
fn health(lines: &[Line], from: jiff::Timestamp, to: jiff::Timestamp) -> BTreeMap<(String, String), Health> {
    let mut health = BTreeMap::<_, Health>::new();
    for line in lines.iter().filter(|line| is_request(line)) {
        if (from..to).contains(&time(line)) {
            let route = health
                .entry((text(line, "name").to_owned(), text(line, "http.route").to_owned()))
                .or_default();
            route.requests += 1;
            route.failed += u64::from(line["event.outcome"] == "failure");
            route.nanoseconds += line["event.duration"].as_u64().expect("a duration");
        }
    }
    health
}

/// Plays a scene and sees that the trouble it tells of is the greatest there is.
fn the_truth_shows_in_the_lines(name: &str, length: &str) {
    let logs = tempfile::tempdir().expect("a directory");
    let timeline = play(name, length, logs.path());
    let lines = service_lines(&timeline, logs.path());
    let onset = happened(&timeline, "onset").next().expect("an onset");
    let over = happened(&timeline, "over").chain(happened(&timeline, "end")).next().expect("an end");
    let before = health(&lines, jiff::Timestamp::MIN, time(onset));
    let during = health(&lines, time(onset), time(over));
    let floods = |line: &&Line| line["target"] == onset["logger"] && time(line) >= time(onset);
    if onset["logger"].is_string() {
        let flood = lines.iter().filter(floods).count();
        assert!(flood > lines.len() / 2, "{flood} of {}", lines.len());
        assert!(lines.iter().filter(floods).all(|line| line["name"] == onset["service"]));
        return;
    }
    let worst =
        during.iter().max_by(|(a, x), (b, y)| x.worse_than(before[*a]).total_cmp(&y.worse_than(before[*b])));
    let ((service, route), worst) = worst.expect("requests");
    assert_eq!(
        (&onset["service"], &onset["endpoint"]),
        (&Value::from(&**service), &Value::from(&**route)),
        "{worst:?}"
    );
    assert!(worst.worse_than(before[&(service.clone(), route.clone())]) > 2.0, "{before:?}\n{during:?}");
}

#[test]
fn a_deploy_brings_a_new_version_on_new_instances_and_its_trouble() {
    let logs = tempfile::tempdir().expect("a directory");
    let timeline = play("deploy-regression", "6s", logs.path());
    let started: BTreeSet<&str> =
        happened(&timeline, "started").map(|entry| text(entry, "instance")).collect();
    let ended: BTreeSet<&str> = happened(&timeline, "ended").map(|entry| text(entry, "instance")).collect();
    let instances: usize = CAST.iter().map(|member| member.instances).sum();
    assert_eq!((started.len(), &started), (instances + 2, &ended), "two restarted, all ended");
    let onset = happened(&timeline, "onset").next().expect("an onset");
    assert_eq!(
        (text(onset, "cause"), text(onset, "service"), text(onset, "version")),
        ("us", "pricing", "1.5.0")
    );
    let lines = service_lines(&timeline, logs.path());
    let culprits: HashSet<&Value> = onset["instances"].as_array().expect("instances").iter().collect();
    let failed =
        |line: &&Line| is_request(line) && line["event.outcome"] == "failure" && line["name"] == "pricing";
    let failed: HashSet<&Value> =
        lines.iter().filter(failed).map(|line| &line["service.node.name"]).collect();
    assert!(!failed.is_empty() && failed.is_subset(&culprits), "{failed:?}, not only {culprits:?}");
    for users in happened(&timeline, "users") {
        let report = fs::read(logs.path().join(text(users, "report"))).expect("a report");
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        assert!(report["total"]["requests"].as_u64() > Some(0), "{report}");
        assert!(!lines_of(&logs.path().join(text(users, "log"))).is_empty());
    }
}

/// Starts a long scene that tells of its timeline, and gives it once all users have come.
fn begin(logs: &Path) -> Child {
    let mut command = program();
    command.args(["scene", "calm", "--duration", "1h", "--logs"]).arg(logs);
    let mut scene = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    let told = BufReader::new(scene.stdout.as_mut().expect("piped")).lines();
    let users = told.filter(|line| line.as_ref().is_ok_and(|line| line.contains("users "))).take(CAST.len());
    assert_eq!(users.count(), CAST.len());
    scene
}

fn pid(started: &Line) -> Pid {
    started["pid"].as_u64().and_then(|pid| Pid::from_raw(pid as i32)).expect("a process id")
}

/// Fails where a service of the scene still runs; gives the timeline.
fn nothing_left(logs: &Path) -> Vec<Line> {
    let timeline = lines_of(&logs.join("scene.json"));
    for started in happened(&timeline, "started") {
        assert!(test_kill_process(pid(started)).is_err(), "{started:?} still runs");
    }
    assert_eq!(timeline.last().expect("an end")["complete"], false);
    timeline
}

#[test]
fn a_signal_ends_every_process_of_a_scene() {
    let logs = tempfile::tempdir().expect("a directory");
    let scene = begin(logs.path());
    kill_process(Pid::from_child(&scene), Signal::TERM).expect("SIGTERM");
    let output = scene.wait_with_output().expect("its end");
    assert!(output.status.success(), "{output:?}");
    let timeline = nothing_left(logs.path());
    assert_eq!(happened(&timeline, "ended").count(), happened(&timeline, "started").count());
}

#[test]
fn a_scene_breaks_off_when_a_service_dies_and_leaves_nothing_behind() {
    let logs = tempfile::tempdir().expect("a directory");
    let scene = begin(logs.path());
    let so_far = lines_of(&logs.path().join("scene.json"));
    let stock = happened(&so_far, "started").next().expect("a service");
    kill_process(pid(stock), Signal::KILL).expect("SIGKILL");
    let output = scene.wait_with_output().expect("its end");
    let words = String::from_utf8_lossy(&output.stderr);
    let told = words.contains(text(stock, "instance")) && words.contains("ended by itself");
    assert!(output.status.code() == Some(1) && told, "{words}");
    nothing_left(logs.path());
}

#[test]
fn every_scene_is_listed_and_an_unknown_one_is_refused() {
    let listed = program().args(["scene", "--list"]).output().expect("run");
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(
        SCENES.iter().all(|scene| listed.contains(scene.name) && listed.contains(scene.watch)),
        "{listed}"
    );
    let refused = program().args(["scene", "storm"]).output().expect("run");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && words.contains("noisy-logger"), "{words}");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let refused = program().args(["scene", "calm", "--logs", "/proc/nowhere"]).output().expect("run");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && words.contains("/proc/nowhere"), "{words}");
}

#[test]
#[ignore = "needs a quiet machine for two minutes"]
fn the_truth_of_each_scene_shows_in_the_lines() {
    for name in SCENES.iter().filter(|scene| scene.trouble.is_some()).map(|scene| scene.name) {
        the_truth_shows_in_the_lines(name, "30s");
    }
}
